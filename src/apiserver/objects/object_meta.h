#ifndef APISERVER_OBJECT_META_H
#define APISERVER_OBJECT_META_H
/* metadata: what the server sets, keeps and checks (k8s.io/apiserver/pkg/registry/rest). Pure functions. */

#include "types/registry.h"

/* Checks apiVersion and kind against the type, filling in missing ones. ERR_BAD_REQUEST; ERR_INVALID for a custom
 * resource of another kind. */
int object_meta_identify(const struct api_type *t, const struct api_version *v, json_t *obj, struct err *err);
/* Checks the JSON types within metadata; drops nulls and unknown members of metadata, whose paths are appended to
 * dropped unless it is NULL. ERR_BAD_REQUEST in the words of Go's decoder. */
int object_meta_read(const struct api_type *t, json_t *obj, json_t *dropped, struct err *err);
/* Puts what a request that sent such an object is told in front of a decoder's words; -1. */
int object_meta_cannot_handle(const struct api_type *t, const struct api_version *v, struct err *err);
/* Both, for what was sent as an object. */
int object_meta_decode(const struct api_type *t, const struct api_version *v, json_t *obj, json_t *dropped,
                       struct err *err);

/* Why metadata of a resource within another cannot be decoded, in Go's words; NULL: it can be. free() */
char *object_meta_fault(const json_t *meta);

/* metadata.resourceVersion as a number, 0 when there is none. ERR_UNKNOWN in Go's words when it is no number. */
int object_meta_version(const json_t *obj, uint64_t *ret, struct err *err);

/* name: the one in the path. ERR_BAD_REQUEST when the object bears none. */
int object_meta_check_has_name(const json_t *obj, const char *name, struct err *err);
/* Takes owner references away that are there already; their UIDs (strv_free()), NULL: none. */
char **object_meta_dedup_owners(json_t *obj);
/* ERR_BAD_REQUEST when it says another namespace than the path. */
int object_meta_check_namespace(const struct api_type *t, const json_t *obj, const char *ns, struct err *err);
/* What is written to a name must bear it, and no other. ERR_BAD_REQUEST. */
int object_meta_check_name(const json_t *obj, const char *name, struct err *err);

/* Puts the request's namespace in, or checks it; the same for the name unless it is "". ERR_BAD_REQUEST. */
int object_meta_address(const struct api_type *t, json_t *obj, const char *ns, const char *name, struct err *err);

/* A new random identity (RFC 9562, version 4), a string. */
json_t *object_meta_uid(void);

/* For a new object: a name from generateName, uid, creationTimestamp, generation; drops what only the server sets. */
void object_meta_create(const struct api_type *t, json_t *obj, int64_t now_ns);
/* For a new state of old: identity and times from old. Generation counts up when more than metadata (and, with a status
 * subresource, status) differs. */
void object_meta_update(const struct api_type *t, const struct api_version *v, json_t *obj, const json_t *old);
/* Adds causes to err (kind ERR_INVALID) for what is wrong in metadata; old NULL: create. */
void object_meta_validate(const struct api_type *t, const json_t *obj, const json_t *old, struct err *err);
/* True when the updated object shall go now: it is being deleted and its last finalizer is gone. */
bool object_meta_is_finished(const json_t *obj);

#endif
