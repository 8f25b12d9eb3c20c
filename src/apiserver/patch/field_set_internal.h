#ifndef APISERVER_FIELD_SET_INTERNAL_H
#define APISERVER_FIELD_SET_INTERNAL_H
/* The tree of a field set, and what server-side apply does with objects and sets. The algorithms follow
 * sigs.k8s.io/structured-merge-diff, so that ownership comes out as in Kubernetes. */

#include "field_set.h"

#include <stdint.h>

enum field_element_type { ELEMENT_FIELD, ELEMENT_KEY, ELEMENT_VALUE, ELEMENT_INDEX };

/* One step of a path: a field by name, an item of a list by its keys (an object), its value or its index. */
struct field_element {
	enum field_element_type type;
	char *name;    /* FIELD */
	json_t *value; /* KEY, VALUE, INDEX */
};

struct field_node {
	struct field_element element;
	bool member;                /* the element itself is in the set, not only what is below it */
	struct field_set *children; /* NULL: none */
};

struct field_set {
	struct field_node *nodes; /* ordered by element */
	size_t len, cap;
};

int field_element_compare(const struct field_element *a, const struct field_element *b);
struct field_element field_element_copy(const struct field_element *e);
void field_element_clear(struct field_element *e);
struct field_element field_element_named(const char *name);
/* Appends ".name", [key="x"], [="x"] or [0]. */
void field_element_print(const struct field_element *e, struct buf *out);

struct field_node *field_set_find(const struct field_set *s, const struct field_element *e);
/* The node of an element, made when missing; takes e. Fast when elements come in order. */
struct field_node *field_set_ensure(struct field_set *s, struct field_element e);
struct field_set *field_set_copy(const struct field_set *s);
/* The union; takes both, without copying when one is empty. */
struct field_set *field_set_join(struct field_set *a, struct field_set *b);
/* Without the fields of s2 and everything below them. */
struct field_set *field_set_recursive_difference(const struct field_set *s, const struct field_set *s2);
/* Whether both have a member in common. */
bool field_set_meets(const struct field_set *a, const struct field_set *b);
/* All but what lies in or below these top-level fields (NULL-terminated). */
struct field_set *field_set_drop_top(const struct field_set *s, const char *const *names);
/* Drops apiVersion, kind and the system's fields of metadata, in place. */
void field_set_strip(struct field_set *s);
/* What became atomic in the schema is owned as a whole; in place. */
void field_set_reconcile(struct field_set *s, const struct schema *schema);
/* Declared fields that have children in the set become members themselves. */
struct field_set *field_set_with_named(const struct field_set *s, const struct schema *schema);

/* The element of a list's item by the schema's list type; false for items without one. */
bool field_element_of_item(const struct schema *list, const json_t *item, struct field_element *ret);
bool field_list_is_associative(const struct schema *s);
/* By x-kubernetes-list-type, or else by the patch strategy of built-in types. */
enum schema_list_type field_list_type(const struct schema *s);
/* The keys of a list of type map in the schema's order; *ret_len of them, at most FIELD_KEYS_MAX. */
#define FIELD_KEYS_MAX 16
size_t field_list_keys(const struct schema *s, const char *ret[static FIELD_KEYS_MAX]);
/* The schema of a member of a map, and whether it is declared by name. */
const struct schema *field_member_schema(const struct schema *s, const char *name, bool *ret_named);

/* The names in either object (NULL: none), ordered, each once; free(). */
const char **field_names_of(const json_t *a, const json_t *b, size_t *ret_len);
/* The items of a list that have an identity, ordered by it, equal ones by their place. */
struct field_item {
	struct field_element element;
	const json_t *value; /* borrowed */
	size_t at;           /* in the list */
};
struct field_item *field_items_of(const struct schema *list, const json_t *array, size_t *ret_len);
void field_items_free(struct field_item *items, size_t len);

struct field_comparison {
	struct field_set *removed, *modified, *added;
};
/* a and b may be NULL. */
void field_compare(const struct schema *schema, const json_t *a, const json_t *b, struct field_comparison *ret);
void field_comparison_clear(struct field_comparison *c);
/* Everything an object sets, without leaving anything out. */
struct field_set *field_set_of_all(const struct schema *schema, const json_t *obj);
/* A configuration against the types of its schema, as structured-merge-diff wants it before merging: undeclared fields,
 * other types, repeated or missing keys. ERR_UNKNOWN, as Kubernetes has it: a line for each violation, at most 100. */
int field_check_applied(const struct schema *schema, const json_t *config, struct err *err);
/* live with config merged into it; new. */
json_t *field_merge(const struct schema *schema, const json_t *live, const json_t *config);
/* The value without the fields of the set; NULL when nothing is left. A part of it of which nothing is left becomes
 * null: whether that stays is for its schema to say. New. */
json_t *field_remove(const struct schema *schema, const json_t *value, const struct field_set *set);

#endif
