#ifndef APISERVER_BUILTIN_TYPES_H
#define APISERVER_BUILTIN_TYPES_H
/* The kinds that are part of the API itself, from builtin/<plural>[.<group>].yaml.
 *
 * A kind is given in the form of a CustomResourceDefinition's spec (group "" for core), so that the code that serves
 * custom resources can read it, with three additions:
 *   verbs               ["create", "get", …] as in discovery; ["create"] alone: answered without being stored (reviews)
 *   versions[].nameColumn false: tables do not begin with the name (events)
 *   additionalPrinterColumns[].cell instead of jsonPath: computed by builtin_cell() */

#include "base/err.h"
#include "codec/json.h"
#include "registry.h"

/* All of them as an array, a new reference; in no order that matters. NULL only when the program was built from a
 * broken file. */
json_t *builtin_types_load(struct err *err);
/* The one of a group and plural name in such an array; borrowed; NULL when there is none. */
const json_t *builtin_types_find(const json_t *types, const char *group, const char *plural);

/* The schema of metadata with its descriptions, published as BUILTIN_OBJECT_META in OpenAPI documents (what
 * schema_publish_v2() and _v3() refer to). A new reference. */
json_t *builtin_object_meta(struct err *err);
#define BUILTIN_OBJECT_META "io.k8s.apimachinery.pkg.apis.meta.v1.ObjectMeta"

/* The type of a kind in the tables (kinds/kinds.h), without versions. */
struct kinds_kind;
struct api_type *builtin_type_new(const struct kinds_kind *k);
/* Adds the version k is of; takes the reference to its schema. */
int builtin_add_version(struct api_type *t, const struct kinds_kind *k, struct schema *schema, struct err *err);
/* Puts the preferred version first, which is the stored one too. */
void builtin_sort_versions(struct api_type *t);

/* A computed printer column: a string or an integer, a new reference. */
typedef json_t *(*builtin_cell_fn)(const json_t *obj, int64_t now_ns);
/* NULL for an unknown name. */
builtin_cell_fn builtin_cell(const char *name);
/* The parts builtin_cell() looks into in turn. */
builtin_cell_fn builtin_cell_of_policy(const char *name);
builtin_cell_fn builtin_cell_of_network(const char *name);
builtin_cell_fn builtin_cell_of_workload(const char *name);
builtin_cell_fn builtin_cell_of_cluster(const char *name);
/* "a=1,b=2", and a LabelSelector as text; "<none>" for nothing. */
json_t *builtin_labels_cell(const json_t *labels);
json_t *builtin_selector_cell(const json_t *selector);

#endif
