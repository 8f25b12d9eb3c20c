/* Is a JSON schema structural? The rules and words of apiextensions.k8s.io/v1 (KEP-2337, "structural schemas"). */
#include "base/str.h"
#include "schema_internal.h"

#include <string.h>

/* Where in the schema the check is. */
struct place {
	struct schema_errors *e;
	size_t nodes, patterns;
};

enum level { LEVEL_ROOT, LEVEL_ITEM, LEVEL_FIELD };

static void check_structure(struct place *p, const json_t *s, enum level level, const char *at);
static void check_nested(struct place *p, const json_t *s, const char *at, bool skip_any_of);

static const char *kind_of(const json_t *v)
{
	switch (json_typeof(v)) {
	case JSON_OBJECT:
		return "object";
	case JSON_ARRAY:
		return "array";
	case JSON_STRING:
		return "string";
	case JSON_INTEGER:
		return "integer";
	case JSON_REAL:
		return "number";
	case JSON_NULL:
		return "null";
	default:
		return "boolean";
	}
}

static void wrong_type(struct place *p, const char *at, const char *name, const char *wanted, const json_t *v)
{
	char *field = xasprintf("%s.%s", at, name);
	schema_errors_add(p->e, "FieldValueTypeInvalid", field,
	                  xasprintf("Invalid value: \"%s\": %s in body must be of type %s: \"%s\"", kind_of(v), field, wanted,
	                            kind_of(v)));
}

static bool is_count(const json_t *v)
{
	return json_is_integer(v) || (json_is_real(v) && json_int(v, -1) >= 0);
}

enum keyword_type { WORD_STRING, WORD_NUMBER, WORD_COUNT, WORD_BOOL, WORD_OBJECT, WORD_ARRAY, WORD_STRINGS };

static const struct keyword {
	const char *name;
	enum keyword_type type;
} KEYWORDS[] = {
	{ "type", WORD_STRING },
	{ "format", WORD_STRING },
	{ "title", WORD_STRING },
	{ "description", WORD_STRING },
	{ "pattern", WORD_STRING },
	{ "nullable", WORD_BOOL },
	{ "maximum", WORD_NUMBER },
	{ "minimum", WORD_NUMBER },
	{ "multipleOf", WORD_NUMBER },
	{ "exclusiveMaximum", WORD_BOOL },
	{ "exclusiveMinimum", WORD_BOOL },
	{ "maxLength", WORD_COUNT },
	{ "minLength", WORD_COUNT },
	{ "maxItems", WORD_COUNT },
	{ "minItems", WORD_COUNT },
	{ "maxProperties", WORD_COUNT },
	{ "minProperties", WORD_COUNT },
	{ "uniqueItems", WORD_BOOL },
	{ "enum", WORD_ARRAY },
	{ "required", WORD_STRINGS },
	{ "properties", WORD_OBJECT },
	{ "allOf", WORD_ARRAY },
	{ "anyOf", WORD_ARRAY },
	{ "oneOf", WORD_ARRAY },
	{ "not", WORD_OBJECT },
	{ "x-kubernetes-preserve-unknown-fields", WORD_BOOL },
	{ "x-kubernetes-embedded-resource", WORD_BOOL },
	{ "x-kubernetes-int-or-string", WORD_BOOL },
	{ "x-kubernetes-list-type", WORD_STRING },
	{ "x-kubernetes-list-map-keys", WORD_STRINGS },
	{ "x-kubernetes-map-type", WORD_STRING },
	{ "x-kubernetes-validations", WORD_ARRAY },
	{ "x-kubernetes-patch-strategy", WORD_STRING },
	{ "x-kubernetes-patch-merge-key", WORD_STRING },
};

static bool all_strings(const json_t *v)
{
	size_t i;
	json_t *item;

	if (!json_is_array(v))
		return false;
	json_array_foreach(v, i, item)
		if (!json_is_string(item))
			return false;
	return true;
}

static const char *keyword_mismatch(enum keyword_type type, const json_t *v)
{
	switch (type) {
	case WORD_STRING:
		return json_is_string(v) ? NULL : "string";
	case WORD_NUMBER:
		return json_is_number(v) ? NULL : "number";
	case WORD_COUNT:
		return is_count(v) ? NULL : "integer";
	case WORD_BOOL:
		return json_is_boolean(v) ? NULL : "boolean";
	case WORD_OBJECT:
		return json_is_object(v) ? NULL : "object";
	case WORD_ARRAY:
		return json_is_array(v) ? NULL : "array";
	case WORD_STRINGS:
		return all_strings(v) ? NULL : "array";
	}
	return NULL;
}

/* Keywords that are there have the right form. False: the rest of the checks would stumble. */
static bool check_form(struct place *p, const json_t *s, const char *at)
{
	bool good = true;

	for (size_t i = 0; i < ARRAY_SIZE(KEYWORDS); i++) {
		const json_t *v = json_object_get(s, KEYWORDS[i].name);
		const char *wanted = v && !json_is_null(v) ? keyword_mismatch(KEYWORDS[i].type, v) : NULL;
		if (wanted) {
			wrong_type(p, at, KEYWORDS[i].name, wanted, v);
			good = false;
		}
	}
	return good;
}

static char *below(const char *at, const char *name)
{
	return xasprintf("%s.%s", at, name);
}

static bool has(const json_t *s, const char *key)
{
	const json_t *v = json_object_get(s, key);

	return v && !json_is_null(v);
}

/* A keyword that holds something: not null, "", [], {} or false. */
static bool says(const json_t *s, const char *key)
{
	const json_t *v = json_object_get(s, key);

	if (!v || json_is_null(v) || json_is_false(v))
		return false;
	return !(json_is_string(v) && json_string_length(v) == 0) && !(json_is_array(v) && json_array_size(v) == 0) &&
	       !(json_is_object(v) && json_object_size(v) == 0);
}

static void check_unsupported(struct place *p, const json_t *s, const char *at)
{
	static const char *const NAMES[] = { "id",          "additionalItems", "patternProperties",
		                                 "definitions", "dependencies",    "$ref" };

	for (size_t i = 0; i < ARRAY_SIZE(NAMES); i++)
		if (says(s, NAMES[i]) || (has(s, NAMES[i]) && strcmp(NAMES[i], "additionalItems") == 0)) {
			_cleanup_free_ char *detail = xasprintf("%s is not supported", NAMES[i]);
			schema_forbidden(p->e, below(at, NAMES[i]), detail);
		}
	if (says(s, "uniqueItems"))
		schema_forbidden(p->e, below(at, "uniqueItems"),
		                 "uniqueItems cannot be set to true since the runtime complexity becomes quadratic");
	if (json_is_array(json_object_get(s, "items")))
		schema_forbidden(p->e, below(at, "items"), "items must be a schema object and not an array");
	if (json_is_false(json_object_get(s, "x-kubernetes-preserve-unknown-fields")))
		schema_invalid(p->e, below(at, "x-kubernetes-preserve-unknown-fields"), json_false(),
		               xstrdup("must be true or undefined"));
}

static void check_pattern(struct place *p, const json_t *s, const char *at)
{
	const char *pattern = json_get_str(s, "pattern");
	char *why;

	if (str_empty(pattern))
		return;
	if (++p->patterns > SCHEMA_PATTERNS_MAX) {
		if (p->patterns == SCHEMA_PATTERNS_MAX + 1)
			schema_forbidden(p->e, below(at, "pattern"), "the schema has too many patterns");
		return;
	}
	if (strlen(pattern) != json_string_length(json_object_get(s, "pattern")))
		why = xstrdup("it contains a NUL");
	else
		schema_pattern_free(schema_pattern_new(pattern, &why));
	if (why) {
		schema_invalid(p->e, below(at, "pattern"), json_object_get(s, "pattern"),
		               xasprintf("must be a valid regular expression, but isn't: %s", why));
		free(why);
	}
}

static void check_type_name(struct place *p, const json_t *s, const char *at)
{
	static const char *const TYPES[] = { "array", "boolean", "integer", "number", "object", "string", NULL };
	const char *type = json_get_str(s, "type");

	if (str_empty(type) || str_in(type, TYPES))
		return;
	if (strcmp(type, "null") == 0) {
		schema_forbidden(p->e, below(at, "type"), "type cannot be set to null, use nullable as an alternative");
		return;
	}
	_cleanup_json_ json_t *names = json_array();
	for (size_t i = 0; TYPES[i]; i++)
		json_push_str(names, TYPES[i]);
	schema_unsupported(p->e, below(at, "type"), json_object_get(s, "type"), names);
}

static void unsupported_word(struct place *p, const json_t *s, const char *at, const char *name, const char *const *words)
{
	_cleanup_json_ json_t *names = json_array();

	for (size_t i = 0; words[i]; i++)
		json_push_str(names, words[i]);
	schema_unsupported(p->e, below(at, name), json_object_get(s, name), names);
}

/* "must be object if x-kubernetes-map-type is specified" and its like. */
static void require_type(struct place *p, const json_t *s, const char *at, const char *wanted, const char *because)
{
	_cleanup_free_ char *detail = xasprintf("must be %s if %s", wanted, because);
	const char *type = json_get_str(s, "type");

	if (str_empty(type))
		schema_required(p->e, below(at, "type"), detail);
	else if (strcmp(type, wanted) != 0)
		schema_invalid(p->e, below(at, "type"), json_object_get(s, "type"), xstrdup(detail));
}

/* The keys of a list of type map: scalar properties of its items that cannot be missing. */
static void check_map_keys(struct place *p, const json_t *s, const char *at)
{
	const json_t *items = json_object_get(s, "items"), *keys = json_object_get(s, "x-kubernetes-list-map-keys");
	const json_t *required = json_object_get(items, "required");
	size_t i, k;
	json_t *key, *other;

	json_array_foreach(keys, i, key) {
		const char *name = json_string_value(key);
		const json_t *field = json_object_get(json_object_get(items, "properties"), name);
		bool always = false;
		for (k = 0; k < i; k++)
			if (strcmp(name, json_string_value(json_array_get(keys, k))) == 0)
				schema_invalid(p->e, below(at, "x-kubernetes-list-map-keys"), keys, xstrdup("must not contain duplicate entries"));
		if (!json_is_object(field)) {
			schema_invalid(p->e, below(at, "x-kubernetes-list-map-keys"), keys,
			               xstrdup("entries must all be names of item properties"));
			continue;
		}
		if (str_eq(json_get_str(field, "type"), "array") || str_eq(json_get_str(field, "type"), "object"))
			schema_invalid(p->e, xasprintf("%s.items.properties[%s].type", at, name), json_object_get(field, "type"),
			               xstrdup("must be a scalar type if parent array's x-kubernetes-list-type is map"));
		json_array_foreach(required, k, other)
			always = always || str_eq(json_string_value(other), name);
		if (!always && !has(field, "default"))
			schema_required(p->e, xasprintf("%s.items.properties[%s].default", at, name),
			                "this property is in x-kubernetes-list-map-keys, so it must have a default or be a required property");
		if (says(field, "nullable"))
			schema_forbidden(p->e, xasprintf("%s.items.properties[%s].nullable", at, name),
			                 "this property is in x-kubernetes-list-map-keys, so it cannot be nullable");
	}
}

static void check_list_type(struct place *p, const json_t *s, const char *at)
{
	static const char *const WORDS[] = { "atomic", "set", "map", NULL };
	const char *type = json_get_str(s, "x-kubernetes-list-type");
	const json_t *items = json_object_get(s, "items"), *keys = json_object_get(s, "x-kubernetes-list-map-keys");

	if (json_array_size(keys) > 0 && !type)
		schema_required(p->e, below(at, "x-kubernetes-list-type"), "must be map if x-kubernetes-list-map-keys is non-empty");
	else if (json_array_size(keys) > 0 && strcmp(type, "map") != 0)
		schema_invalid(p->e, below(at, "x-kubernetes-list-type"), json_object_get(s, "x-kubernetes-list-type"),
		               xstrdup("must be map if x-kubernetes-list-map-keys is non-empty"));
	if (!type)
		return;
	if (!str_in(type, WORDS)) {
		unsupported_word(p, s, at, "x-kubernetes-list-type", WORDS);
		return;
	}
	require_type(p, s, at, "array", "x-kubernetes-list-type is specified");
	if (strcmp(type, "atomic") == 0)
		return;
	if (says(items, "nullable")) {
		_cleanup_free_ char *detail = xasprintf("cannot be nullable when x-kubernetes-list-type is %s", type);
		schema_forbidden(p->e, xasprintf("%s.items.nullable", at), detail);
	}
	if (strcmp(type, "set") == 0) {
		const char *map_type = json_get_str(items, "x-kubernetes-map-type"), *of = json_get_str(items, "type");
		const char *list_type = json_get_str(items, "x-kubernetes-list-type");
		if (str_eq(of, "object") && !str_eq(map_type, "atomic"))
			schema_invalid(p->e, xasprintf("%s.items.x-kubernetes-map-type", at), NULL,
			               xstrdup("must be atomic as item of a list with x-kubernetes-list-type=set"));
		if (str_eq(of, "array") && list_type && strcmp(list_type, "atomic") != 0)
			schema_invalid(p->e, xasprintf("%s.items.x-kubernetes-list-type", at), NULL,
			               xstrdup("must be atomic as item of a list with x-kubernetes-list-type=set"));
		return;
	}
	if (json_array_size(keys) == 0)
		schema_required(p->e, below(at, "x-kubernetes-list-map-keys"), "must not be empty if x-kubernetes-list-type is map");
	if (!has(s, "items"))
		schema_required(p->e, below(at, "items"), "must have a schema if x-kubernetes-list-type is map");
	else if (!str_eq(json_get_str(items, "type"), "object"))
		schema_invalid(p->e, xasprintf("%s.items.type", at), json_object_get(items, "type"),
		               xstrdup("must be object if parent array's x-kubernetes-list-type is map"));
	else
		check_map_keys(p, s, at);
}

static void check_extensions(struct place *p, const json_t *s, const char *at)
{
	static const char *const MAP_TYPES[] = { "atomic", "granular", NULL };

	if (has(s, "x-kubernetes-map-type")) {
		require_type(p, s, at, "object", "x-kubernetes-map-type is specified");
		if (!str_in(json_get_str(s, "x-kubernetes-map-type"), MAP_TYPES))
			unsupported_word(p, s, at, "x-kubernetes-map-type", MAP_TYPES);
	}
	check_list_type(p, s, at);
	if (says(s, "x-kubernetes-int-or-string") && says(s, "x-kubernetes-preserve-unknown-fields"))
		schema_invalid(p->e, below(at, "x-kubernetes-preserve-unknown-fields"), json_true(),
		               xstrdup("must be false if x-kubernetes-int-or-string is true"));
	if (says(s, "x-kubernetes-int-or-string") && says(s, "x-kubernetes-embedded-resource"))
		schema_invalid(p->e, below(at, "x-kubernetes-embedded-resource"), json_true(),
		               xstrdup("must be false if x-kubernetes-int-or-string is true"));
	if (!says(s, "x-kubernetes-embedded-resource"))
		return;
	require_type(p, s, at, "object", "x-kubernetes-embedded-resource is true");
	if (has(s, "additionalProperties"))
		schema_forbidden(p->e, below(at, "additionalProperties"), "must not be used if x-kubernetes-embedded-resource is set");
	if (!says(s, "x-kubernetes-preserve-unknown-fields") && !says(s, "properties"))
		schema_required(p->e, below(at, "properties"),
		                "must not be empty if x-kubernetes-embedded-resource is true without x-kubernetes-preserve-unknown-fields");
}

/* [{type: integer}, {type: string}], the one place where a value validation may name types. */
static bool is_int_or_string(const json_t *list)
{
	const json_t *a = json_array_get(list, 0), *b = json_array_get(list, 1);

	return json_array_size(list) == 2 && json_object_size(a) == 1 && json_object_size(b) == 1 &&
	       str_eq(json_get_str(a, "type"), "integer") && str_eq(json_get_str(b, "type"), "string");
}

static void check_logic(struct place *p, const json_t *s, const char *at, bool skip_any_of, bool skip_first_all_of)
{
	static const char *const NAMES[] = { "anyOf", "allOf", "oneOf" };

	for (size_t n = 0; n < ARRAY_SIZE(NAMES); n++) {
		const json_t *list = json_object_get(s, NAMES[n]);
		size_t i;
		json_t *item;
		if (n == 0 && skip_any_of && is_int_or_string(list))
			continue;
		json_array_foreach(list, i, item) {
			_cleanup_free_ char *path = xasprintf("%s.%s[%zu]", at, NAMES[n], i);
			check_nested(p, item, path, n == 1 && i == 0 && skip_first_all_of);
		}
	}
	if (has(s, "not")) {
		_cleanup_free_ char *path = below(at, "not");
		check_nested(p, json_object_get(s, "not"), path, false);
	}
}

/* True when the node may be looked into. */
static bool enter(struct place *p, const json_t *s, const char *at)
{
	if (++p->nodes > SCHEMA_NODES_MAX) {
		if (p->nodes == SCHEMA_NODES_MAX + 1)
			schema_forbidden(p->e, xstrdup(at), "the schema is too large");
		return false;
	}
	if (!json_is_object(s)) {
		schema_errors_add(p->e, "FieldValueTypeInvalid", xstrdup(at),
		                  xasprintf("Invalid value: \"%s\": %s in body must be of type object: \"%s\"", kind_of(s), at,
		                            kind_of(s)));
		return false;
	}
	if (!check_form(p, s, at))
		return false;
	check_unsupported(p, s, at);
	check_pattern(p, s, at);
	return true;
}

static void check_nested_words(struct place *p, const json_t *s, const char *at)
{
	static const struct {
		const char *name, *detail;
	} FORBIDDEN[] = {
		{ "type", "must be empty to be structural" },
		{ "additionalProperties", "must be undefined to be structural" },
		{ "default", "must be undefined to be structural" },
		{ "title", "must be empty to be structural" },
		{ "description", "must be empty to be structural" },
		{ "nullable", "must be false to be structural" },
		{ "x-kubernetes-preserve-unknown-fields", "must be false to be structural" },
		{ "x-kubernetes-embedded-resource", "must be false to be structural" },
		{ "x-kubernetes-int-or-string", "must be false to be structural" },
		{ "x-kubernetes-list-map-keys", "must be empty to be structural" },
		{ "x-kubernetes-list-type", "must be undefined to be structural" },
		{ "x-kubernetes-map-type", "must be undefined to be structural" },
		{ "x-kubernetes-validations", "must be empty to be structural" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(FORBIDDEN); i++)
		if (says(s, FORBIDDEN[i].name))
			schema_forbidden(p->e, below(at, FORBIDDEN[i].name), FORBIDDEN[i].detail);
	if (has(json_object_get(s, "properties"), "metadata"))
		schema_forbidden(p->e, xasprintf("%s.properties[metadata]", at), "must not be specified in a nested context");
}

static void check_nested(struct place *p, const json_t *s, const char *at, bool skip_any_of)
{
	const char *key;
	json_t *field;

	if (!enter(p, s, at))
		return;
	check_nested_words(p, s, at);
	check_logic(p, s, at, skip_any_of, false);
	if (has(s, "items") && !json_is_array(json_object_get(s, "items"))) {
		_cleanup_free_ char *path = below(at, "items");
		check_nested(p, json_object_get(s, "items"), path, false);
	}
	json_object_foreach(json_object_get(s, "properties"), key, field) {
		_cleanup_free_ char *path = xasprintf("%s.properties[%s]", at, key);
		check_nested(p, field, path, false);
	}
}

static void check_root_metadata(struct place *p, const json_t *s, const char *at)
{
	json_t *properties = json_object_get(s, "properties");
	const char *key;
	json_t *v;

	json_object_foreach(properties, key, v)
		if (strcmp(key, "name") != 0 && strcmp(key, "generateName") != 0) {
			schema_forbidden(p->e, xstrdup(at),
			                 "must not specify anything other than name and generateName, but metadata is implicitly specified");
			return;
		}
	if (says(s, "additionalProperties") || says(s, "required") || says(s, "nullable"))
		schema_forbidden(p->e, xstrdup(at),
		                 "must not specify anything other than name and generateName, but metadata is implicitly specified");
}

static void check_resource_fields(struct place *p, const json_t *s, enum level level, const char *at)
{
	static const char *const NAMES[] = { "kind", "apiVersion", "metadata" };
	const json_t *properties = json_object_get(s, "properties");

	for (size_t i = 0; i < ARRAY_SIZE(NAMES); i++) {
		const json_t *field = json_object_get(properties, NAMES[i]);
		const char *wanted = strcmp(NAMES[i], "metadata") == 0 ? "object" : "string";
		if (!json_is_object(field))
			continue;
		if (!str_eq(json_get_str(field, "type"), wanted))
			schema_invalid(p->e, xasprintf("%s.properties[%s].type", at, NAMES[i]), json_object_get(field, "type"),
			               xasprintf("must be %s", wanted));
		if (level != LEVEL_ROOT)
			continue;
		if (has(field, "default")) {
			_cleanup_free_ char *detail = xasprintf("must not be set in top-level %s", NAMES[i]);
			schema_forbidden(p->e, xasprintf("%s.properties[%s].default", at, NAMES[i]), detail);
		}
		if (*wanted == 'o') {
			_cleanup_free_ char *path = xasprintf("%s.properties[%s]", at, NAMES[i]);
			check_root_metadata(p, field, path);
		}
	}
}

static void check_structure_type(struct place *p, const json_t *s, enum level level, const char *at)
{
	static const char *const EMPTY[] = {
		[LEVEL_ROOT] = "must not be empty at the root",
		[LEVEL_ITEM] = "must not be empty for specified array items",
		[LEVEL_FIELD] = "must not be empty for specified object fields",
	};
	const char *type = json_get_str(s, "type");

	check_type_name(p, s, at);
	if (str_empty(type)) {
		if (!says(s, "x-kubernetes-int-or-string") && !says(s, "x-kubernetes-preserve-unknown-fields") &&
		    !says(s, "x-kubernetes-embedded-resource"))
			schema_required(p->e, below(at, "type"), EMPTY[level]);
	} else if (level == LEVEL_ROOT && strcmp(type, "object") != 0) {
		schema_invalid(p->e, below(at, "type"), json_object_get(s, "type"), xstrdup("must be object at the root"));
	} else if (strcmp(type, "array") == 0 && !has(s, "items")) {
		schema_required(p->e, below(at, "items"), "must be specified");
	}
	if (level == LEVEL_ROOT && says(s, "nullable"))
		schema_forbidden(p->e, below(at, "nullable"), "nullable cannot be true at the root");
}

static void check_structure(struct place *p, const json_t *s, enum level level, const char *at)
{
	const json_t *more = json_object_get(s, "additionalProperties");
	const char *key;
	json_t *field;

	if (!enter(p, s, at))
		return;
	check_structure_type(p, s, level, at);
	check_extensions(p, s, at);
	check_logic(p, s, at, true, true);
	if (has(s, "items") && !json_is_array(json_object_get(s, "items"))) {
		_cleanup_free_ char *path = below(at, "items");
		check_structure(p, json_object_get(s, "items"), LEVEL_ITEM, path);
	}
	json_object_foreach(json_object_get(s, "properties"), key, field) {
		_cleanup_free_ char *path = xasprintf("%s.properties[%s]", at, key);
		check_structure(p, field, LEVEL_FIELD, path);
	}
	if (more && !json_is_null(more)) {
		_cleanup_free_ char *path = below(at, "additionalProperties");
		if (level == LEVEL_ROOT)
			schema_forbidden(p->e, xstrdup(path), "must not be used at the root");
		if (says(s, "properties") && !json_is_true(more))
			schema_forbidden(p->e, xstrdup(path), "additionalProperties and properties are mutual exclusive");
		if (!json_is_boolean(more))
			check_structure(p, more, LEVEL_FIELD, path);
	}
	if (level == LEVEL_ROOT || says(s, "x-kubernetes-embedded-resource"))
		check_resource_fields(p, s, level, at);
}

void schema_check(const json_t *openapi, const char *path, struct schema_errors *e)
{
	struct place p = { .e = e };

	check_structure(&p, openapi, LEVEL_ROOT, path);
}
