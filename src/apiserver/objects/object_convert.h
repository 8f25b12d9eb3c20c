#ifndef APISERVER_OBJECT_CONVERT_H
#define APISERVER_OBJECT_CONVERT_H
/* Stored objects of types with a conversion webhook, before anything else looks at them: what these functions give is
 * in the wanted version, and is handled from there on as if it were stored like that. For all other types they do
 * nothing. They block while the webhook is called: only on threads that may wait (api_request.may_wait). */

#include "store/store.h"
#include "types/registry.h"

/* Whether showing it in this version takes the webhook. */
bool object_needs_conversion(const struct api_type *t, const struct api_version *v, const struct store_object *o);
/* Replaces the references of those that need it; one call for all, or for each 4 MiB. NULL items are passed over. On
 * failure some may be replaced. */
int object_convert(struct store *s, const struct api_type *t, const struct api_version *v, struct store_object **items,
                   size_t len, struct err *err);
/* From version v to the one that is stored: *obj is replaced. */
int object_convert_to_storage(struct store *s, const struct api_type *t, const struct api_version *v, json_t **obj,
                              struct err *err);

#endif
