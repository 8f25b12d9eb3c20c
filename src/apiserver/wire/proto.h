#ifndef APISERVER_PROTO_H
#define APISERVER_PROTO_H
/* Kubernetes' protobuf form of objects, as far as requests need it: kubectl since 1.32 and Go clients send built-in
 * kinds so. Answers are JSON, which all of them accept.
 *
 * A body is "k8s\0" and a runtime.Unknown (k8s.io/apimachinery/pkg/runtime/generated.proto) around the object's own
 * message, whose field numbers come from k8s.io/api's generated.proto files (proto_types.c). */

#include "base/err.h"
#include "codec/json.h"

/* The object with apiVersion and kind; a new reference. ERR_UNSUPPORTED_MEDIA for kinds that are not known here,
 * ERR_BAD_REQUEST for malformed bytes. */
json_t *proto_decode(const char *data, size_t len, struct err *err);

/* How a message's fields become members. */
enum proto_type {
	PROTO_STRING,
	PROTO_INT,
	PROTO_BOOL,
	PROTO_BYTES, /* base64 */
	PROTO_MESSAGE,
	PROTO_STRING_MAP, /* map<string, string> */
	PROTO_BYTES_MAP,  /* map<string, bytes> */
	PROTO_LISTS_MAP,  /* map<string, message with repeated string items = 1> */
	PROTO_TIME,       /* seconds = 1, nanos = 2 */
	PROTO_MICRO_TIME,
	PROTO_RAW_JSON, /* message with bytes raw = 1 that hold JSON */
};
struct proto_message;
struct proto_field {
	unsigned number;
	const char *name;
	enum proto_type type;
	bool repeated;
	const struct proto_message *message;
};
struct proto_message {
	const struct proto_field *fields; /* name NULL ends them */
};

/* The message of a kind, or NULL. */
const struct proto_message *proto_message_of(const char *api_version, const char *kind);

#endif
