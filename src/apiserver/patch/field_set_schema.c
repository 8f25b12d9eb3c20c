/* Field sets and schemas: which fields are declared, atomic, system-owned. */
#include "base/str.h"
#include "field_set_internal.h"
#include "schema/schema_internal.h"

#include <string.h>

enum schema_list_type field_list_type(const struct schema *s)
{
	enum schema_list_type type = schema_list_type(s);

	if (type != SCHEMA_LIST_ATOMIC || !schema_patch_strategy_has(s, "merge"))
		return type;
	return schema_patch_merge_key(s) ? SCHEMA_LIST_MAP : SCHEMA_LIST_SET;
}

size_t field_list_keys(const struct schema *s, const char *ret[static FIELD_KEYS_MAX])
{
	size_t len = 0;

	for (char *const *keys = schema_list_map_keys(s); keys[len] && len < FIELD_KEYS_MAX; len++)
		ret[len] = keys[len];
	if (len == 0 && schema_patch_merge_key(s))
		ret[len++] = schema_patch_merge_key(s);
	return len;
}

bool field_list_is_associative(const struct schema *s)
{
	return s && field_list_type(s) != SCHEMA_LIST_ATOMIC;
}

const struct schema *field_member_schema(const struct schema *s, const char *name, bool *ret_named)
{
	*ret_named = false;
	if (!s)
		return NULL;
	if ((s->flags & (SCHEMA_RESOURCE | SCHEMA_EMBEDDED)) &&
	    (strcmp(name, "metadata") == 0 || strcmp(name, "apiVersion") == 0 || strcmp(name, "kind") == 0))
		*ret_named = true;
	else
		*ret_named = schema_find_field(s, name) != NULL;
	return schema_property(s, name);
}

static bool keys_of_item(const struct schema *list, const json_t *item, json_t *ret)
{
	const char *sorted[FIELD_KEYS_MAX];
	size_t len = field_list_keys(list, sorted);

	str_sort(sorted, len);
	for (size_t i = 0; i < len; i++) {
		const json_t *v = json_object_get(item, sorted[i]);
		if (!v)
			v = schema_default_value(schema_property(schema_items(list), sorted[i]));
		if (v)
			json_object_set_nocheck(ret, sorted[i], json_unconst(v));
	}
	return json_object_size(ret) > 0;
}

bool field_element_of_item(const struct schema *list, const json_t *item, struct field_element *ret)
{
	if (field_list_type(list) == SCHEMA_LIST_SET) {
		if (json_is_null(item) || json_is_object(item) || json_is_array(item))
			return false;
		*ret = (struct field_element){ .type = ELEMENT_VALUE, .value = json_incref(json_unconst(item)) };
		return true;
	}
	if (!json_is_object(item))
		return false;
	_cleanup_json_ json_t *keys = json_object();
	if (!keys_of_item(list, item, keys))
		return false;
	*ret = (struct field_element){ .type = ELEMENT_KEY, .value = json_incref(keys) };
	return true;
}

/* Takes the mark off; what is below stays. */
static void unmark(struct field_set *s, const char *name)
{
	struct field_element e = field_element_named(name);
	struct field_node *n = field_set_find(s, &e);

	if (n)
		n->member = false;
	field_element_clear(&e);
}

void field_set_strip(struct field_set *s)
{
	static const char *const TOP[] = { "apiVersion", "kind", "metadata" };
	static const char *const META[] = { "name",        "namespace",  "creationTimestamp", "selfLink",       "uid",
		                                "clusterName", "generation", "managedFields",     "resourceVersion" };
	struct field_element meta = { .type = ELEMENT_FIELD, .name = (char[]){ "metadata" } };

	for (size_t i = 0; i < ARRAY_SIZE(TOP); i++)
		unmark(s, TOP[i]);
	const struct field_node *n = field_set_find(s, &meta);
	for (size_t i = 0; n && n->children && i < ARRAY_SIZE(META); i++)
		unmark(n->children, META[i]);
}

static const struct schema *schema_of_element(const struct schema *s, const struct field_element *e, bool *ret_named)
{
	*ret_named = false;
	if (e->type == ELEMENT_FIELD)
		return field_member_schema(s, e->name, ret_named);
	return e->type == ELEMENT_KEY ? schema_items(s) : NULL;
}

static bool is_atomic(const struct schema *s)
{
	if (!s)
		return false;
	return s->type == SCHEMA_ARRAY ? !field_list_is_associative(s) : schema_map_is_atomic(s);
}

void field_set_reconcile(struct field_set *s, const struct schema *schema)
{
	bool named;

	for (size_t i = 0; schema && s && i < s->len; i++) {
		struct field_node *n = &s->nodes[i];
		const struct schema *below = schema_of_element(schema, &n->element, &named);
		if (!n->children || !below)
			continue;
		if (is_atomic(below) && !field_set_is_empty(n->children)) {
			n->children = field_set_free(n->children);
			n->member = true;
		} else {
			field_set_reconcile(n->children, below);
		}
	}
}

struct field_set *field_set_with_named(const struct field_set *s, const struct schema *schema)
{
	struct field_set *out = field_set_new();
	bool named;

	for (size_t i = 0; s && i < s->len; i++) {
		const struct field_node *n = &s->nodes[i];
		const struct schema *below = schema_of_element(schema, &n->element, &named);
		struct field_node *copy = field_set_ensure(out, field_element_copy(&n->element));
		copy->member = n->member || (named && n->children);
		copy->children = n->children ? field_set_with_named(n->children, below) : NULL;
	}
	return out;
}
