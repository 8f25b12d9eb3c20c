/* allOf, anyOf, oneOf, not; and uniqueness in lists. */
#include "base/map.h"
#include "schema_internal.h"

/* "<nil>: Invalid value: "": "spec.x" must …": Kubernetes gives these no place. */
static void _printf_(3, 4) broken(struct schema_errors *e, const struct schema_step *at, const char *fmt, ...)
{
	_cleanup_free_ char *path = schema_step_text(at);
	_cleanup_json_ json_t *none = json_string(""), *place = json_string_lossy(path, strlen(path));
	_cleanup_free_ char *shown = schema_show(place);
	va_list ap;

	va_start(ap, fmt);
	_cleanup_free_ char *rule = xvasprintf(fmt, ap);
	va_end(ap);
	schema_invalid(e, NULL, none, xasprintf("%s must %s", shown, rule));
}

/* Keeps the violations of the alternative that was checked furthest. Takes found. */
static void keep_best(struct schema_errors *best, struct schema_errors *found)
{
	if (best->len == 0 || found->checks > best->checks) {
		schema_errors_truncate(best, 0);
		*best = *found;
	} else {
		schema_errors_truncate(found, 0);
	}
}

static void any_of(struct schema_errors *e, const struct schema_list *list, const struct schema_step *at, const json_t *v)
{
	struct schema_errors best = { 0 };

	for (size_t i = 0; i < list->len; i++) {
		struct schema_errors found = { 0 };
		schema_validate_node(&found, list->items[i], at, v, NULL);
		e->checks += found.checks;
		if (found.len == 0) {
			schema_errors_truncate(&best, 0);
			return;
		}
		keep_best(&best, &found);
	}
	broken(e, at, "validate at least one schema (anyOf)");
	schema_errors_append(e, &best);
}

static void one_of(struct schema_errors *e, const struct schema_list *list, const struct schema_step *at, const json_t *v)
{
	struct schema_errors best = { 0 };
	size_t valid = 0;

	for (size_t i = 0; i < list->len; i++) {
		struct schema_errors found = { 0 };
		schema_validate_node(&found, list->items[i], at, v, NULL);
		e->checks += found.checks;
		if (found.len == 0)
			valid++;
		else
			keep_best(&best, &found);
	}
	if (valid == 0) {
		broken(e, at, "validate one and only one schema (oneOf). Found none valid");
		schema_errors_append(e, &best);
	} else if (valid > 1) {
		broken(e, at, "validate one and only one schema (oneOf). Found %zu valid alternatives", valid);
	}
	schema_errors_truncate(&best, 0);
}

static void all_of(struct schema_errors *e, const struct schema_list *list, const struct schema_step *at, const json_t *v)
{
	size_t valid = 0;

	for (size_t i = 0; i < list->len; i++) {
		size_t before = e->len;
		schema_validate_node(e, list->items[i], at, v, NULL);
		valid += e->len == before;
	}
	if (valid != list->len)
		broken(e, at, "validate all the schemas (allOf)%s", valid == 0 ? ". None validated" : "");
}

void schema_validate_logic(struct schema_errors *e, const struct schema_logic *logic, const struct schema_step *at,
                           const json_t *v)
{
	if (logic->any_of.len)
		any_of(e, &logic->any_of, at, v);
	if (logic->one_of.len)
		one_of(e, &logic->one_of, at, v);
	if (logic->all_of.len)
		all_of(e, &logic->all_of, at, v);
	if (logic->not_schema) {
		struct schema_errors found = { 0 };
		schema_validate_node(&found, logic->not_schema, at, v, NULL);
		if (found.len == 0)
			broken(e, at, "not validate the schema (not)");
		schema_errors_truncate(&found, 0);
	}
}

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

static void name_repetitions(struct schema_errors *e, const struct schema *s, const struct schema_step *at, const json_t *v)
{
	static char once[] = "once", again[] = "again";
	_cleanup_(map_freep) struct map *seen = map_new(NULL);
	size_t i;
	json_t *item;

	json_array_foreach(v, i, item) {
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

void schema_validate_list_type(struct schema_errors *e, const struct schema *s, const struct schema_step *at, const json_t *v)
{
	size_t i;
	json_t *item;

	if (s->list_type == SCHEMA_LIST_MAP)
		json_array_foreach(v, i, item)
			if (!json_is_object(item) && !json_is_null(item)) {
				const struct schema_step step = { .up = at, .index = i };
				schema_invalid(e, schema_step_text(&step), item,
				               xstrdup("must be an object for an array of list-type map"));
				return;
			}
	if (!is_unique(s, v))
		name_repetitions(e, s, at, v);
}
