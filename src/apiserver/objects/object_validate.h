#ifndef APISERVER_OBJECT_VALIDATE_H
#define APISERVER_OBJECT_VALIDATE_H
/* An object against its type: metadata, schema, what the scale subresource needs, what the type's strategy says. */

#include "types/registry.h"

/* obj and old (NULL: create) in version v; subresource: "" or the one that is written. ERR_INVALID with everything that
 * is wrong, as a sentence of Kubernetes. */
int object_validate(const struct api_type *t, const struct api_version *v, const json_t *obj, const json_t *old,
                    const char *subresource, struct err *err);
/* Warnings about what is right and yet not wise; strv or NULL. */
char **object_warnings(const struct api_type *t, const json_t *obj, const json_t *old);

#endif
