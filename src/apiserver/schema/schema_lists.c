/* Lists of type set and map: what tells their items apart, and that no two are the same. */
#include "base/map.h"
#include "schema_internal.h"

json_t *schema_item_identity(const struct schema *s, const json_t *item)
{
	if (s->list_type == SCHEMA_LIST_SET)
		return json_incref(json_unconst(item));
	json_t *keys = json_object();
	for (char *const *key = schema_list_map_keys(s); *key; key++)
		if (json_object_get(item, *key))
			json_object_set(keys, *key, json_object_get(item, *key));
	return keys;
}

static bool same_identity(const struct schema *s, const json_t *a, const json_t *b)
{
	if (s->list_type == SCHEMA_LIST_SET)
		return json_same(a, b);
	for (char *const *key = schema_list_map_keys(s); *key; key++)
		if (!json_same(json_object_get(a, *key), json_object_get(b, *key)))
			return false;
	return true;
}

#define COMPARE_ALL_MAX 16

/* Cheap for what is common: short lists without repetition. */
static bool is_unique(const struct schema *s, const json_t *list)
{
	size_t len = json_array_size(list);

	if (len > COMPARE_ALL_MAX)
		return false;
	for (size_t i = 1; i < len; i++)
		for (size_t k = 0; k < i; k++)
			if (same_identity(s, json_array_get(list, i), json_array_get(list, k)))
				return false;
	return true;
}

static void name_repetitions(struct schema_errors *e, const struct schema *s, const struct schema_step *at,
                             const json_t *v)
{
	static char once[] = "once", again[] = "again";
	_cleanup_(map_freep) struct map *seen = map_new(NULL);
	size_t i;
	json_t *item;

	json_array_foreach (v, i, item) {
		_cleanup_json_ json_t *id = schema_item_identity(s, item);
		_cleanup_free_ char *text = json_canonical(id);
		const char *before = map_get(seen, text);
		map_set(seen, text, before ? again : once);
		if (before != once)
			continue;
		const struct schema_step step = { .up = at, .index = i };
		_cleanup_free_ char *shown = schema_show(id);
		schema_errors_add(e, "FieldValueDuplicate", schema_step_text(&step), xasprintf("Duplicate value: %s", shown));
	}
}

/* A list of type map takes objects (and null) only. */
static bool has_stranger(struct schema_errors *e, const struct schema *s, const struct schema_step *at, const json_t *v)
{
	size_t i;
	json_t *item;

	if (s->list_type != SCHEMA_LIST_MAP)
		return false;
	json_array_foreach (v, i, item)
		if (!json_is_object(item) && !json_is_null(item)) {
			const struct schema_step step = { .up = at, .index = i };
			schema_invalid(e, schema_step_text(&step), item,
			               xstrdup("must be an object for an array of list-type map"));
			return true;
		}
	return false;
}

static void check_list(struct schema_errors *e, const struct schema *s, const struct schema_step *at, const json_t *v)
{
	size_t i;
	json_t *item;

	if (s->list_type != SCHEMA_LIST_ATOMIC && !has_stranger(e, s, at, v) && !is_unique(s, v))
		name_repetitions(e, s, at, v);
	if (s->items && (s->items->fields || s->items->items || s->items->additional))
		json_array_foreach (v, i, item) {
			const struct schema_step step = { .up = at, .index = i };
			schema_validate_list_types(e, s->items, &step, item);
		}
}

void schema_validate_list_types(struct schema_errors *e, const struct schema *s, const struct schema_step *at,
                                const json_t *v)
{
	const char *key;
	json_t *value;

	if (json_is_array(v))
		check_list(e, s, at, v);
	if (!json_is_object(v))
		return;
	json_object_foreach (json_unconst(v), key, value) {
		const struct schema *field = schema_find_field(s, key);
		const struct schema_step step = { .up = at, .key = key, .bracket = !field };
		if (field || s->additional)
			schema_validate_list_types(e, field ? field : s->additional, &step, value);
	}
}
