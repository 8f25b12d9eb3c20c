#ifndef APISERVER_FIELD_SET_H
#define APISERVER_FIELD_SET_H
/* Sets of field paths (managedFields' FieldsV1: f:name, k:{keys}, v:value, i:index, "." for the element itself), after
 * sigs.k8s.io/structured-merge-diff. */

#include "schema/schema.h"

struct field_set;

struct field_set *field_set_new(void);
struct field_set *field_set_free(struct field_set *s);
DEFINE_CLEANUP(struct field_set *, field_set_free)

/* All fields an object sets, by the schema's list and map types. apiVersion, kind and metadata's system fields are left
 * out. */
struct field_set *field_set_of(const struct schema *schema, const json_t *obj);
struct field_set *field_set_from_v1(const json_t *fields_v1, struct err *err);
json_t *field_set_to_v1(const struct field_set *s);
bool field_set_is_empty(const struct field_set *s);
bool field_set_equal(const struct field_set *a, const struct field_set *b);
struct field_set *field_set_union(const struct field_set *a, const struct field_set *b);
struct field_set *field_set_intersection(const struct field_set *a, const struct field_set *b);
struct field_set *field_set_difference(const struct field_set *a, const struct field_set *b);
/* Fields whose value differs between two objects or that only one has. */
struct field_set *field_set_changed(const struct schema *schema, const json_t *a, const json_t *b);
/* Calls f with each leaf as Kubernetes prints it: .spec.containers[name="x"].image */
void field_set_each(const struct field_set *s, void (*f)(void *self, const char *path), void *self);

#endif
