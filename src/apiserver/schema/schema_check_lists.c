/* x-kubernetes-list-type, x-kubernetes-list-map-keys and x-kubernetes-map-type: what goes together. */
#include "base/str.h"
#include "schema_check.h"

#include <string.h>

static void unsupported_word(struct place *p, const json_t *s, const char *at, const char *name,
                             const char *const *words)
{
	_cleanup_json_ json_t *names = json_array();

	for (size_t i = 0; words[i]; i++)
		json_push_str(names, words[i]);
	schema_unsupported(&p->form, below(at, name), json_object_get(s, name), names);
}

/* "must be object if x-kubernetes-map-type is specified" and its like. */
static void require_type(struct place *p, const json_t *s, const char *at, const char *wanted, const char *because)
{
	_cleanup_free_ char *detail = xasprintf("must be %s if %s", wanted, because);
	const char *type = json_get_str(s, "type");

	if (str_empty(type))
		schema_required(&p->form, below(at, "type"), detail);
	else if (strcmp(type, wanted) != 0)
		schema_invalid(&p->form, below(at, "type"), json_object_get(s, "type"), xstrdup(detail));
}

static void wrong_keys(struct place *p, const json_t *keys, const char *at, const char *detail)
{
	_cleanup_free_ char *shown = schema_show_strings(keys);

	schema_errors_add(&p->form, "FieldValueInvalid", below(at, "x-kubernetes-list-map-keys"),
	                  xasprintf("Invalid value: %s: %s", shown, detail));
}

/* The keys of a list of type map: scalar properties of its items that cannot be missing. */
static void check_map_keys(struct place *p, const json_t *s, const char *at)
{
	const json_t *items = json_object_get(s, "items"), *keys = json_object_get(s, "x-kubernetes-list-map-keys");
	const json_t *required = json_object_get(items, "required");
	size_t i, k;
	json_t *key;

	json_array_foreach (keys, i, key) {
		const char *name = json_string_value(key);
		const json_t *field = json_object_get(json_object_get(items, "properties"), name);
		for (k = 0; k < i; k++)
			if (strcmp(name, json_string_value(json_array_get(keys, k))) == 0)
				wrong_keys(p, keys, at, "must not contain duplicate entries");
		if (!json_is_object(field)) {
			wrong_keys(p, keys, at, "entries must all be names of item properties");
			continue;
		}
		if (str_eq(json_get_str(field, "type"), "array") || str_eq(json_get_str(field, "type"), "object"))
			schema_invalid(&p->form, xasprintf("%s.items.properties[%s].type", at, name),
			               json_object_get(field, "type"),
			               xstrdup("must be a scalar type if parent array's x-kubernetes-list-type is map"));
		if (!json_has_str(required, name) && !schema_has(field, "default"))
			schema_required(
				&p->form, xasprintf("%s.items.properties[%s].default", at, name),
				"this property is in x-kubernetes-list-map-keys, so it must have a default or be a required property");
		if (schema_says(field, "nullable"))
			schema_forbidden(&p->form, xasprintf("%s.items.properties[%s].nullable", at, name),
			                 "this property is in x-kubernetes-list-map-keys, so it cannot be nullable");
	}
}

/* Keys belong to lists of type map. */
static void check_keys_belong(struct place *p, const json_t *s, const char *at)
{
	const char *type = json_get_str(s, "x-kubernetes-list-type");

	if (json_array_size(json_object_get(s, "x-kubernetes-list-map-keys")) == 0)
		return;
	if (!type)
		schema_required(&p->form, below(at, "x-kubernetes-list-type"),
		                "must be map if x-kubernetes-list-map-keys is non-empty");
	else if (strcmp(type, "map") != 0)
		schema_invalid(&p->form, below(at, "x-kubernetes-list-type"), json_object_get(s, "x-kubernetes-list-type"),
		               xstrdup("must be map if x-kubernetes-list-map-keys is non-empty"));
}

static void check_list_type(struct place *p, const json_t *s, const char *at)
{
	static const char *const WORDS[] = { "atomic", "set", "map", NULL };
	const char *type = json_get_str(s, "x-kubernetes-list-type");
	const json_t *items = json_object_get(s, "items"), *keys = json_object_get(s, "x-kubernetes-list-map-keys");

	if (!type)
		return;
	if (!str_in(type, WORDS)) {
		unsupported_word(p, s, at, "x-kubernetes-list-type", WORDS);
		return;
	}
	require_type(p, s, at, "array", "x-kubernetes-list-type is specified");
	if (strcmp(type, "atomic") == 0)
		return;
	if (schema_says(items, "nullable")) {
		_cleanup_free_ char *detail = xasprintf("cannot be nullable when x-kubernetes-list-type is %s", type);
		schema_forbidden(&p->form, xasprintf("%s.items.nullable", at), detail);
	}
	if (strcmp(type, "set") == 0) {
		const char *map_type = json_get_str(items, "x-kubernetes-map-type"), *of = json_get_str(items, "type");
		const char *list_type = json_get_str(items, "x-kubernetes-list-type");
		if (str_eq(of, "object") && !str_eq(map_type, "atomic"))
			schema_invalid(&p->form, xasprintf("%s.items.x-kubernetes-map-type", at), NULL,
			               xstrdup("must be atomic as item of a list with x-kubernetes-list-type=set"));
		if (str_eq(of, "array") && list_type && strcmp(list_type, "atomic") != 0)
			schema_invalid(&p->form, xasprintf("%s.items.x-kubernetes-list-type", at),
			               json_object_get(items, "x-kubernetes-list-type"),
			               xstrdup("must be atomic as item of a list with x-kubernetes-list-type=set"));
		return;
	}
	if (json_array_size(keys) == 0)
		schema_required(&p->form, below(at, "x-kubernetes-list-map-keys"),
		                "must not be empty if x-kubernetes-list-type is map");
	if (!schema_has(s, "items"))
		schema_required(&p->form, below(at, "items"), "must have a schema if x-kubernetes-list-type is map");
	else if (!str_eq(json_get_str(items, "type"), "object"))
		schema_invalid(&p->form, xasprintf("%s.items.type", at), json_object_get(items, "type"),
		               xstrdup("must be object if parent array's x-kubernetes-list-type is map"));
	else
		check_map_keys(p, s, at);
}

void schema_check_lists(struct place *p, const json_t *s, const char *at)
{
	static const char *const MAP_TYPES[] = { "atomic", "granular", NULL };

	if (schema_has(s, "x-kubernetes-map-type")) {
		require_type(p, s, at, "object", "x-kubernetes-map-type is specified");
		if (!str_in(json_get_str(s, "x-kubernetes-map-type"), MAP_TYPES))
			unsupported_word(p, s, at, "x-kubernetes-map-type", MAP_TYPES);
	}
	check_list_type(p, s, at);
	check_keys_belong(p, s, at);
}
