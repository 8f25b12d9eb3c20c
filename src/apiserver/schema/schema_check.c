/* Is a JSON schema structural? The rules and words of apiextensions.k8s.io/v1 (KEP-2337, "structural schemas"). */
#include "base/str.h"
#include "schema_check.h"

#include <string.h>

enum level { LEVEL_ROOT, LEVEL_ITEM, LEVEL_FIELD };

static void check_structure(struct place *p, const json_t *s, enum level level, enum schema_meta_place meta,
                            const char *at);
static void check_nested(struct place *p, const json_t *s, const char *at, bool skip_any_of);

/* True when the node may be looked into. */
static bool enter(struct place *p, const json_t *s, const char *at)
{
	if (++p->nodes > SCHEMA_NODES_MAX) {
		if (p->nodes == SCHEMA_NODES_MAX + 1)
			schema_forbidden(&p->form, xstrdup(at), "the schema is too large");
		return false;
	}
	if (!json_is_object(s)) {
		schema_check_not_object(p, s, at);
		return false;
	}
	return schema_check_words(p, s, at);
}

/* ---- allOf, anyOf, oneOf, not ---- */

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
		json_array_foreach (list, i, item) {
			_cleanup_free_ char *path = xasprintf("%s.%s[%zu]", at, NAMES[n], i);
			check_nested(p, item, path, n == 1 && i == 0 && skip_first_all_of);
		}
	}
	if (schema_has(s, "not")) {
		_cleanup_free_ char *path = below(at, "not");
		check_nested(p, json_object_get(s, "not"), path, false);
	}
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
		if (schema_says(s, FORBIDDEN[i].name))
			schema_forbidden(&p->structural, below(at, FORBIDDEN[i].name), FORBIDDEN[i].detail);
	if (schema_has(json_object_get(s, "properties"), "metadata"))
		schema_forbidden(&p->structural, xasprintf("%s.properties[metadata]", at),
		                 "must not be specified in a nested context");
}

static void check_nested(struct place *p, const json_t *s, const char *at, bool skip_any_of)
{
	const json_t *more = json_object_get(s, "additionalProperties");
	const char *key;
	json_t *field;

	if (!enter(p, s, at))
		return;
	schema_check_lists(p, s, at);
	check_nested_words(p, s, at);
	check_logic(p, s, at, skip_any_of, false);
	if (schema_has(s, "items") && !json_is_array(json_object_get(s, "items"))) {
		_cleanup_free_ char *path = below(at, "items");
		check_nested(p, json_object_get(s, "items"), path, false);
	}
	if (schema_says(s, "properties") && more && !json_is_null(more) && !json_is_true(more))
		schema_forbidden(&p->form, below(at, "additionalProperties"),
		                 "additionalProperties and properties are mutual exclusive");
	json_object_foreach (json_object_get(s, "properties"), key, field) {
		_cleanup_free_ char *path = xasprintf("%s.properties[%s]", at, key);
		check_nested(p, field, path, false);
	}
}

/* ---- what every resource has ---- */

/* Of the metadata of the whole, a schema may only restrict the names. */
static void check_root_metadata(struct place *p, const json_t *s, const char *at)
{
	static const char *const FREE[] = { "type", "default", "properties", NULL }, *const NAMES[] = { "name",
		                                                                                            "generateName",
		                                                                                            NULL };
	const char *key;
	json_t *v;
	bool other = false;

	json_object_foreach (json_unconst(s), key, v)
		other = other || (!str_in(key, FREE) && schema_says(s, key));
	json_object_foreach (json_object_get(s, "properties"), key, v)
		other = other || !str_in(key, NAMES);
	if (other)
		schema_forbidden(
			&p->structural, xstrdup(at),
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
			schema_invalid(&p->structural, xasprintf("%s.properties[%s].type", at, NAMES[i]),
			               json_object_get(field, "type"), xasprintf("must be %s", wanted));
		if (level != LEVEL_ROOT)
			continue;
		if (*wanted == 'o') {
			_cleanup_free_ char *path = xasprintf("%s.properties[%s]", at, NAMES[i]);
			check_root_metadata(p, field, path);
		}
	}
}

/* Defaults of metadata, apiVersion and kind. */
static void check_default_place(struct place *p, const json_t *s, enum schema_meta_place meta, const char *name,
                                const char *at)
{
	if (meta != META_ROOT_FIELD || !schema_has(s, "default"))
		return;
	_cleanup_free_ char *detail = *name
	                                  ? xasprintf("must not be set in top-level %s", name)
	                                  : xstrdup(
											"must not be set inside additionalProperties applying to object metadata");
	schema_forbidden(&p->form, below(at, "default"), detail);
}

/* ---- the structure ---- */

static void check_embedded(struct place *p, const json_t *s, const char *at)
{
	const char *type = json_get_str(s, "type");

	if (str_empty(type))
		schema_required(&p->structural, below(at, "type"), "must be object if x-kubernetes-embedded-resource is true");
	else if (strcmp(type, "object") != 0)
		schema_invalid(&p->structural, below(at, "type"), json_object_get(s, "type"),
		               xstrdup("must be object if x-kubernetes-embedded-resource is true"));
	if (schema_has(s, "additionalProperties"))
		schema_forbidden(&p->structural, below(at, "additionalProperties"),
		                 "must not be used if x-kubernetes-embedded-resource is set");
	if (!schema_says(s, "x-kubernetes-preserve-unknown-fields") && !schema_says(s, "properties"))
		schema_required(
			&p->structural, below(at, "properties"),
			"must not be empty if x-kubernetes-embedded-resource is true without x-kubernetes-preserve-unknown-fields");
}

static void check_int_or_string(struct place *p, const json_t *s, const char *at)
{
	static const char *const NAMES[] = { "x-kubernetes-preserve-unknown-fields", "x-kubernetes-embedded-resource" };

	for (size_t i = 0; i < ARRAY_SIZE(NAMES); i++)
		if (schema_says(s, "x-kubernetes-int-or-string") && schema_says(s, NAMES[i]))
			schema_invalid(&p->structural, below(at, NAMES[i]), json_true(),
			               xstrdup("must be false if x-kubernetes-int-or-string is true"));
}

static void check_structure_type(struct place *p, const json_t *s, enum level level, const char *at)
{
	static const char *const EMPTY[] = {
		[LEVEL_ROOT] = "must not be empty at the root",
		[LEVEL_ITEM] = "must not be empty for specified array items",
		[LEVEL_FIELD] = "must not be empty for specified object fields",
	};
	const char *type = json_get_str(s, "type");

	if (str_eq(type, "array") && !schema_has(s, "items"))
		schema_required(&p->structural, below(at, "items"), "must be specified");
	check_int_or_string(p, s, at);
	if (schema_says(s, "x-kubernetes-embedded-resource"))
		check_embedded(p, s, at);
	else if (str_empty(type) && !schema_says(s, "x-kubernetes-int-or-string") &&
	         !schema_says(s, "x-kubernetes-preserve-unknown-fields"))
		schema_required(&p->structural, below(at, "type"), EMPTY[level]);
	if (level == LEVEL_ROOT && !str_empty(type) && strcmp(type, "object") != 0)
		schema_invalid(&p->structural, below(at, "type"), json_object_get(s, "type"),
		               xstrdup("must be object at the root"));
}

static void check_additional(struct place *p, const json_t *s, enum level level, enum schema_meta_place meta,
                             const char *at)
{
	const json_t *more = json_object_get(s, "additionalProperties");

	if (!more || json_is_null(more))
		return;
	_cleanup_free_ char *path = below(at, "additionalProperties");
	if (level == LEVEL_ROOT)
		schema_forbidden(&p->structural, xstrdup(path), "must not be used at the root");
	if (schema_says(s, "properties") && !json_is_true(more))
		schema_forbidden(&p->form, xstrdup(path), "additionalProperties and properties are mutual exclusive");
	if (json_is_boolean(more))
		return;
	if (meta != META_OUTSIDE)
		check_default_place(p, more, META_ROOT_FIELD, "", path);
	check_structure(p, more, LEVEL_FIELD, meta, path);
}

static bool is_implied(const char *key)
{
	return strcmp(key, "metadata") == 0 || strcmp(key, "kind") == 0 || strcmp(key, "apiVersion") == 0;
}

static void check_properties(struct place *p, const json_t *s, enum level level, enum schema_meta_place meta,
                             const char *at)
{
	bool resource = level == LEVEL_ROOT || schema_says(s, "x-kubernetes-embedded-resource");
	const char *key;
	json_t *field;

	json_object_foreach (json_object_get(s, "properties"), key, field) {
		_cleanup_free_ char *path = xasprintf("%s.properties[%s]", at, key);
		enum schema_meta_place inside = meta;
		if (resource && is_implied(key))
			inside = level == LEVEL_ROOT ? META_ROOT_FIELD : META_EMBEDDED_FIELD;
		check_default_place(p, field, inside, key, path);
		check_structure(p, field, LEVEL_FIELD, inside, path);
	}
}

static void check_structure(struct place *p, const json_t *s, enum level level, enum schema_meta_place meta,
                            const char *at)
{
	if (!enter(p, s, at))
		return;
	if (meta != META_OUTSIDE && schema_says(s, "x-kubernetes-embedded-resource"))
		schema_forbidden(&p->form, below(at, "x-kubernetes-embedded-resource"),
		                 "must not be used inside of resource meta");
	check_structure_type(p, s, level, at);
	schema_check_lists(p, s, at);
	schema_check_rules(p, s, at);
	check_logic(p, s, at, true, true);
	if (level == LEVEL_ROOT)
		schema_check_complete(p, s, at);
	if (schema_has(s, "items") && !json_is_array(json_object_get(s, "items"))) {
		_cleanup_free_ char *path = below(at, "items");
		check_structure(p, json_object_get(s, "items"), LEVEL_ITEM, meta, path);
	}
	check_properties(p, s, level, meta, at);
	check_additional(p, s, level, meta, at);
	if (level == LEVEL_ROOT || schema_says(s, "x-kubernetes-embedded-resource"))
		check_resource_fields(p, s, level, at);
}

static int cause_order(const void *a, const void *b)
{
	const struct err_cause *x = a, *y = b;
	int order = strcmp(x->field, y->field);

	/* The texts compared are "FIELD: MESSAGE". */
	if (order != 0) {
		_cleanup_free_ char *s = xasprintf("%s: %s", x->field, x->message),
							*t = xasprintf("%s: %s", y->field, y->message);
		return strcmp(s, t);
	}
	return strcmp(x->message, y->message);
}

void schema_check(const json_t *openapi, const char *path, struct schema_errors *e)
{
	struct place p = { 0 };

	if (schema_says(openapi, "nullable"))
		schema_forbidden(e, below(path, "nullable"), "nullable cannot be true at the root");
	check_structure(&p, openapi, LEVEL_ROOT, META_OUTSIDE, path);
	if (p.unsupported)
		schema_errors_truncate(&p.structural, 0);
	if (p.structural.len > 0)
		qsort(p.structural.causes, p.structural.len, sizeof(*p.structural.causes), cause_order);
	schema_errors_append(e, &p.structural);
	schema_errors_append(e, &p.form);
}
