#ifndef APISERVER_PROTO_H
#define APISERVER_PROTO_H
/* Kubernetes' protobuf form of objects, as far as requests need it: kubectl since 1.32 and Go clients send built-in
 * kinds so. Answers are JSON, which all of them accept.
 *
 * A body is "k8s\0" and a runtime.Unknown (k8s.io/apimachinery/pkg/runtime/generated.proto) around the object's own
 * message, whose field numbers are those of k8s.io/api's generated.proto files (kinds/definitions). */

#include "base/err.h"
#include "codec/json.h"

/* The object with apiVersion and kind; a new reference. ERR_UNSUPPORTED_MEDIA for kinds that are not known here,
 * ERR_BAD_REQUEST for malformed bytes. */
json_t *proto_decode(const char *data, size_t len, struct err *err);

#endif
