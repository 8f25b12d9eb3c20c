#ifndef APISERVER_SENT_OBJECT_H
#define APISERVER_SENT_OBJECT_H
/* The object in a request's body: read, and recognized as one of the wanted type. */

#include "request.h"

/* A new reference, or NULL: what cannot be read, or is something else, is told in Kubernetes' words. Missing type
 * information of a built-in kind is filled in. */
json_t *sent_object(struct api_request *req, struct err *err);

/* `no kind "Foo" is registered for version "v1" …`, as a type's server says it; free(). */
char *sent_object_unknown(const struct api_type *t, const char *api_version, const char *kind);

#endif
