#ifndef APISERVER_OBJECT_VIEW_H
#define APISERVER_OBJECT_VIEW_H
/* Stored objects as a client wants to see them: in another version, with defaults of a newer schema, or only their
 * metadata. What is stored in the wanted version already is passed on untouched. */

#include "types/registry.h"
#include "store/store.h"

/* The text in this version; a reference. */
struct bytes *object_view_text(const struct api_type *t, const struct api_version *v, const struct store_object *o);
/* The value in this version; a new reference. */
json_t *object_view_value(const struct api_type *t, const struct api_version *v, const struct store_object *o);
/* The value in the storage version, for what is about to be changed. */
json_t *object_stored_value(const struct api_type *t, const struct store_object *o);
/* PartialObjectMetadata of a value; a new reference. */
json_t *object_partial(const json_t *obj, bool v1beta1);
/* Turns a value of version v into the storage version, in place. */
void object_to_storage(const struct api_type *t, const struct api_version *v, json_t *obj);
/* The same for what is going to be stored: what the storage version's schema does not know is dropped, its defaults are
 * filled in. Types with a conversion webhook: only apiVersion. */
void object_store_form(const struct api_type *t, const struct api_version *v, json_t *obj);
/* What storing a value of version v and reading it again would make of it, in place. */
void object_settle(const struct api_type *t, const struct api_version *v, json_t *obj);
void object_from_storage(const struct api_type *t, const struct api_version *v, json_t *obj);

/* Whether a text begins as those of objects in this version do. */
bool object_text_is_version(const struct bytes *text, const char *api_version);
/* The compact text of an object, apiVersion, kind and metadata first. */
struct bytes *object_text_ordered(const json_t *obj);
/* The compact text of an object with apiVersion, kind and metadata first and metadata.resourceVersion empty, and where
 * the version belongs (store_write.text_version_offset). */
struct bytes *object_text_for_store(const json_t *obj, size_t *ret_version_offset);
/* "k\0v\0…\0" of its labels, or NULL (free()). */
char *object_labels(const json_t *obj);
/* Selectable fields beyond metadata.name and metadata.namespace, and hidden ones, for those who follow the store and
 * would have to parse every object: "@owners": the uids of its owners; "@collect": the finalizer by which it waits for
 * the garbage collector, while it is being deleted; "@usage": what quotas measure (quota.h); "@crd" (types/crd_type.h).
 */
char *object_fields(const struct api_type *t, const json_t *obj);

#endif
