#ifndef APISERVER_TABLE_H
#define APISERVER_TABLE_H
/* Server-side printing: meta.k8s.io Table with a type's printer columns. */

#include "types/registry.h"

/* A table without rows. */
json_t *table_new(const struct api_version *v, bool v1beta1, const char *resource_version);
/* An object's row, a new reference. include_object: NULL or "Metadata", "Object", "None". */
json_t *table_row(const struct api_version *v, bool v1beta1, const json_t *obj, const char *include_object);
/* Adds it to a table. */
void table_add(json_t *table, const struct api_version *v, bool v1beta1, const json_t *obj, const char *include_object);

#endif
