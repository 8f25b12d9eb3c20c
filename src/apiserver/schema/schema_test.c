#include "schema.h"

#include "base/fs.h"
#include "base/str.h"
#include "types/builtin_types.h"
#include "codec/yaml.h"
#include "schema_internal.h"

#include <string.h>

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

static json_t *yaml(const char *text)
{
	_cleanup_err_ struct err err = { 0 };
	json_t *v = yaml_parse(text, strlen(text), NULL, &err);

	if (!v)
		fail_msg("%s: %s", err_message(&err), text);
	return v;
}

static struct schema *compiled(const char *text)
{
	_cleanup_err_ struct err err = { 0 };
	_cleanup_json_ json_t *v = yaml(text);
	struct schema *s = schema_compile(v, "schema", &err);

	if (!s)
		fail_msg("%s: %s", err_message(&err), text);
	return s;
}

static void assert_same(const json_t *found, const char *wanted, const char *why)
{
	_cleanup_json_ json_t *w = yaml(wanted);

	if (json_same(found, w))
		return;
	_cleanup_free_ char *text = json_to_str(found);
	fail_msg("%s: found %s instead of %s", why, text, wanted);
}

static const struct {
	const char *schema, *field, *message, *why;
} REFUSED[] = {
	{ "{}", "s.type", "Required value: must not be empty at the root", "no type" },
	{ "{type: string}", "s.type", "Invalid value: \"string\": must be object at the root", "root type" },
	{ "{type: 1}", "s.type", "Invalid value: \"integer\": s.type in body must be of type string: \"integer\"",
	  "no string" },
	{ "[]", "s", "Invalid value: \"array\": s in body must be of type object: \"array\"", "no object" },
	{ "{type: object, nullable: true}", "s.nullable", "Forbidden: nullable cannot be true at the root", "null object" },
	{ "{type: object, additionalProperties: true}", "s.additionalProperties", "Forbidden: must not be used at the root",
	  "open root" },
	{ "{type: object, properties: {a: {}}}", "s.properties[a].type",
	  "Required value: must not be empty for specified object fields", "a field without type" },
	{ "{type: object, properties: {a: {type: thing}}}", "s.properties[a].type",
	  "Unsupported value: \"thing\": supported values: \"array\", \"boolean\", \"integer\", \"number\", \"object\", "
	  "\"string\"",
	  "unknown type" },
	{ "{type: object, properties: {a: {type: 'null'}}}", "s.properties[a].type",
	  "Unsupported value: \"null\": supported values: \"array\", \"boolean\", \"integer\", \"number\", \"object\", "
	  "\"string\"",
	  "type null" },
	{ "{type: object, properties: {a: {type: array}}}", "s.properties[a].items", "Required value: must be specified",
	  "array of what" },
	{ "{type: object, properties: {a: {type: array, items: {}}}}", "s.properties[a].items.type",
	  "Required value: must not be empty for specified array items", "items without type" },
	{ "{type: object, properties: {a: {type: array, items: [{type: string}]}}}", "s.properties[a].items",
	  "Forbidden: items must be a schema object and not an array", "tuple" },
	{ "{type: object, properties: {a: {type: string, pattern: '['}}}", "s.properties[a].pattern",
	  "Invalid value: \"[\": must be a valid regular expression, but isn't: error parsing regexp: missing closing ]: "
	  "`[`",
	  "pattern" },
	{ "{type: object, properties: {a: {type: string, pattern: '(?=x)'}}}", "s.properties[a].pattern",
	  "Invalid value: \"(?=x)\": must be a valid regular expression, but isn't: error parsing regexp: invalid or "
	  "unsupported Perl "
	  "syntax: `(?=`",
	  "look-ahead" },
	{ "{type: object, properties: {a: {type: array, uniqueItems: true, items: {type: string}}}}",
	  "s.properties[a].uniqueItems",
	  "Forbidden: uniqueItems cannot be set to true since the runtime complexity becomes quadratic", "uniqueItems" },
	{ "{type: object, properties: {a: {type: object, properties: {b: {type: string}}, additionalProperties: {type: "
	  "string}}}}",
	  "s.properties[a].additionalProperties", "Forbidden: additionalProperties and properties are mutual exclusive",
	  "both" },
	{ "{type: object, patternProperties: {a: {type: string}}}", "s.patternProperties",
	  "Forbidden: patternProperties is not supported", "patternProperties" },
	{ "{type: object, properties: {a: {$ref: '#/x', type: string}}}", "s.properties[a].$ref",
	  "Forbidden: $ref is not supported", "reference" },
	{ "{type: object, x-kubernetes-preserve-unknown-fields: false}", "s.x-kubernetes-preserve-unknown-fields",
	  "Invalid value: false: must be true or undefined", "preserve false" },
	{ "{type: object, properties: {a: {type: array, items: {type: string}, x-kubernetes-list-type: bag}}}",
	  "s.properties[a].x-kubernetes-list-type",
	  "Unsupported value: \"bag\": supported values: \"atomic\", \"set\", \"map\"", "list type" },
	{ "{type: object, properties: {a: {type: string, x-kubernetes-list-type: set}}}", "s.properties[a].type",
	  "Invalid value: \"string\": must be array if x-kubernetes-list-type is specified", "set of no list" },
	{ "{type: object, properties: {a: {type: array, x-kubernetes-list-type: map, items: {type: object}}}}",
	  "s.properties[a].x-kubernetes-list-map-keys",
	  "Required value: must not be empty if x-kubernetes-list-type is map", "no keys" },
	{ "{type: object, properties: {a: {type: array, x-kubernetes-list-type: map, x-kubernetes-list-map-keys: [k], "
	  "items: "
	  "{type: object}}}}",
	  "s.properties[a].x-kubernetes-list-map-keys",
	  "Invalid value: []string{\"k\"}: entries must all be names of item properties", "unknown key" },
	{ "{type: object, properties: {a: {type: array, x-kubernetes-list-type: map, x-kubernetes-list-map-keys: [k], "
	  "items: "
	  "{type: object, properties: {k: {type: string}}}}}}",
	  "s.properties[a].items.properties[k].default",
	  "Required value: this property is in x-kubernetes-list-map-keys, so it must have a default or be a required "
	  "property",
	  "a key that may be missing" },
	{ "{type: object, properties: {a: {type: array, x-kubernetes-list-type: set, items: {type: object}}}}",
	  "s.properties[a].items.x-kubernetes-map-type",
	  "Invalid value: \"null\": must be atomic as item of a list with x-kubernetes-list-type=set",
	  "set of granular maps" },
	{ "{type: object, properties: {a: {type: string, anyOf: [{type: string}]}}}", "s.properties[a].anyOf[0].type",
	  "Forbidden: must be empty to be structural", "type in anyOf" },
	{ "{type: object, properties: {a: {x-kubernetes-int-or-string: true, allOf: [{anyOf: [{type: integer}, {type: "
	  "string}], "
	  "pattern: '['}]}}}",
	  "s.properties[a].allOf[0].pattern",
	  "Invalid value: \"[\": must be a valid regular expression, but isn't: error parsing regexp: missing closing ]: "
	  "`[`",
	  "beside the types of an int or string" },
	{ "{type: object, properties: {a: {type: string, not: {anyOf: [{type: integer}, {type: string}]}}}}",
	  "s.properties[a].not.anyOf[0].type", "Forbidden: must be empty to be structural", "types elsewhere" },
	{ "{type: object, properties: {a: {type: string, not: {default: x}}}}", "s.properties[a].not.default",
	  "Forbidden: must be undefined to be structural", "default in not" },
	{ "{type: object, properties: {metadata: {type: object, properties: {labels: {type: object}}}}}",
	  "s.properties[metadata]",
	  "Forbidden: must not specify anything other than name and generateName, but metadata is implicitly specified",
	  "labels" },
	{ "{type: object, properties: {kind: {type: integer}}}", "s.properties[kind].type",
	  "Invalid value: \"integer\": must be string", "kind is text" },
	{ "{type: object, properties: {a: {x-kubernetes-embedded-resource: true, properties: {b: {type: string}}}}}",
	  "s.properties[a].type", "Required value: must be object if x-kubernetes-embedded-resource is true",
	  "embedded without type" },
	{ "{type: object, properties: {a: {type: integer, default: 1}}, anyOf: [{properties: {b: {minimum: 1}}}]}",
	  "s.properties[b]", "Required value: because it is defined in s.anyOf[0].properties[b]",
	  "a value validation of nothing" },
	{ "{type: object, properties: {metadata: {type: object, description: x}}}", "s.properties[metadata]",
	  "Forbidden: must not specify anything other than name and generateName, but metadata is implicitly specified",
	  "words about metadata" },
	{ "{type: object, properties: {kind: {type: string, default: K}}}", "s.properties[kind].default",
	  "Forbidden: must not be set in top-level kind", "a default of what is implied" },
	{ "{type: object, nullable: true}", "s.nullable", "Forbidden: nullable cannot be true at the root",
	  "a root that may be null" },
	{ "{type: object, properties: {a: {type: object, default: {}, required: [b], properties: {b: {type: string, "
	  "default: x}}}}}",
	  "s.properties[a].default.b", "Required value", "defaults do not complete each other" },
	{ "{type: object, x-kubernetes-validations: [{message: x}]}", "s.x-kubernetes-validations[0].rule",
	  "Required value: rule is not specified", "no rule" },
	{ "{type: object, x-kubernetes-validations: [{rule: \"a\\nb\"}]}", "s.x-kubernetes-validations[0].message",
	  "Required value: message must be specified if rule contains line breaks", "a rule of two lines" },
	{ "{type: object, x-kubernetes-validations: [{rule: a, reason: Bad}]}", "s.x-kubernetes-validations[0].reason",
	  "Unsupported value: \"Bad\": supported values: \"FieldValueDuplicate\", \"FieldValueForbidden\", "
	  "\"FieldValueInvalid\", "
	  "\"FieldValueRequired\"",
	  "no such reason" },
	{ "{type: object, properties: {a: {type: string}}, x-kubernetes-validations: [{rule: a, fieldPath: .b}]}",
	  "s.x-kubernetes-validations[0].fieldPath", "Invalid value: \".b\": must be a valid path", "no such field" },
	{ "{type: object, properties: {a: {type: integer, default: x}}}", "s.properties[a].default",
	  "Invalid value: \"string\":  in body must be of type integer: \"string\"", "default of another type" },
	{ "{type: object, properties: {a: {type: object, default: {b: 1}}}}", "s.properties[a].default",
	  "Invalid value: map[string]interface {}{\"b\":1}: must not have unknown fields", "default with unknown fields" },
	{ "{type: object, properties: {a: {type: string, maxLength: x}}}", "s.properties[a].maxLength",
	  "Invalid value: \"string\": s.properties[a].maxLength in body must be of type integer: \"string\"", "no number" },
};

static void test_schema_compile_refuses(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(REFUSED); i++) {
		_cleanup_err_ struct err err = { 0 };
		_cleanup_json_ json_t *v = yaml(REFUSED[i].schema);
		print_message("%s\n", REFUSED[i].why);
		assert_null(schema_compile(v, "s", &err));
		assert_int_equal(err.kind, ERR_INVALID);
		assert_true(err.causes_len >= 1);
		assert_string_equal(err.causes[0].field, REFUSED[i].field);
		assert_string_equal(err.causes[0].message, REFUSED[i].message);
	}
}

static void test_schema_compile_names_every_violation(void **state)
{
	(void)state;
	_cleanup_err_ struct err err = { 0 };
	_cleanup_json_ json_t *v = yaml("{type: object, properties: {a: {}, b: {type: array}}}");

	assert_null(schema_compile(v, "s", &err));
	assert_int_equal(err.causes_len, 2);
	assert_string_equal(err_message(&err),
	                    "[s.properties[a].type: Required value: must not be empty for specified object fields, "
	                    "s.properties[b].items: Required value: must be specified]");
}

static void test_schema_compile_tells_structure_before_form(void **state)
{
	(void)state;
	_cleanup_err_ struct err err = { 0 };
	_cleanup_json_ json_t *v = yaml("{type: object, properties: {a: {type: thing, maxItems: 1}, b: {}, A: {}}}");

	assert_null(schema_compile(v, "s", &err));
	assert_int_equal(err.causes_len, 3);
	assert_string_equal(err.causes[0].field, "s.properties[A].type");
	assert_string_equal(err.causes[1].field, "s.properties[b].type");
	assert_string_equal(err.causes[2].field, "s.properties[a].type");
}

static json_t *load_text(void *self)
{
	unsigned *loads = self;

	++*loads;
	return yaml("{type: object, properties: {a: {type: integer, default: 1}}}");
}

static void forget(void *self)
{
	unsigned *loads = self;

	*loads += 100;
}

static void test_schema_compile_later_waits_for_the_first_use(void **state)
{
	(void)state;
	unsigned loads = 0;
	const struct schema_source source = { .load = load_text, .release = forget, .self = &loads };
	struct schema *s = schema_compile_later(&source);
	_cleanup_json_ json_t *obj = json_object(), *bad = yaml("{a: x}");

	assert_int_equal(loads, 0);
	schema_default(s, obj);
	assert_int_equal(json_get_int(obj, "a", 0), 1);
	assert_int_equal(schema_validate(s, bad, NULL, NULL), -1);
	assert_non_null(schema_property(s, "a"));
	assert_int_equal(loads, 1);
	_cleanup_json_ json_t *published = schema_publish_v3(s);
	assert_non_null(json_at(published, "properties", "a", NULL));
	assert_int_equal(loads, 2); /* what is published is read again, so that it need not be kept */
	schema_unref(s);
	assert_int_equal(loads, 102);
}

static void test_schema_default_fills_in(void **state)
{
	(void)state;
	static const struct {
		const char *schema, *before, *after, *why;
	} CASES[] = {
		{ "{a: {type: integer, default: 1}}", "{}", "{a: 1}", "missing" },
		{ "{a: {type: integer, default: 1}}", "{a: 2}", "{a: 2}", "there" },
		{ "{a: {type: integer, default: 1}}", "{a: null}", "{a: 1}", "null that may not be" },
		{ "{a: {type: integer, default: 1, nullable: true}}", "{a: null}", "{a: null}", "null that may be" },
		{ "{a: {type: string}}", "{a: null}", "{}", "null without default is dropped" },
		{ "{a: {type: object, properties: {b: {type: string, default: x}}}}", "{}", "{}",
		  "the object itself is missing" },
		{ "{a: {type: object, default: {}, properties: {b: {type: string, default: x}}}}", "{}", "{a: {b: x}}",
		  "a default is filled in itself" },
		{ "{a: {type: array, items: {type: object, properties: {b: {type: string, default: x}}}}}", "{a: [{}, {b: z}]}",
		  "{a: [{b: x}, {b: z}]}", "items" },
		{ "{a: {type: array, items: {type: string, default: x}}}", "{a: [null]}", "{a: [x]}", "null item" },
		{ "{a: {type: object, additionalProperties: {type: object, properties: {b: {type: integer, default: 3}}}}}",
		  "{a: {k: {}}}", "{a: {k: {b: 3}}}", "values of a map" },
	};
	for (size_t i = 0; i < ARRAY_SIZE(CASES); i++) {
		_cleanup_free_ char *text = xasprintf("{type: object, properties: %s}", CASES[i].schema);
		_cleanup_(schema_unrefp) struct schema *s = compiled(text);
		_cleanup_json_ json_t *v = yaml(CASES[i].before);
		schema_default(s, v);
		assert_same(v, CASES[i].after, CASES[i].why);
	}
}

static void test_schema_default_copies(void **state)
{
	(void)state;
	_cleanup_(schema_unrefp) struct schema *s = compiled(
		"{type: object, properties: {a: {type: object, default: {b: 1}, properties: {b: {type: integer}}}}}");
	_cleanup_json_ json_t *one = json_object(), *two = json_object();

	schema_default(s, one);
	json_put_int(json_object_get(one, "a"), "b", 2);
	schema_default(s, two);
	assert_same(two, "{a: {b: 1}}", "objects do not share a default");
}

static void test_schema_prune_drops_unknown_fields(void **state)
{
	(void)state;
	static const struct {
		const char *schema, *before, *after, *dropped, *why;
	} CASES[] = {
		{ "{a: {type: string}}", "{a: x, b: {c: 1}}", "{a: x}", "[b]", "unknown field" },
		{ "{}", "{apiVersion: v1, kind: X, metadata: {name: x, labels: {a: b}, other: 1}}",
		  "{apiVersion: v1, kind: X, metadata: {name: x, labels: {a: b}}}", "[metadata.other]",
		  "every resource has metadata" },
		{ "{a: {type: array, items: {type: object, properties: {b: {type: string}}}}}", "{a: [{b: x}, {c: 1}]}",
		  "{a: [{b: x}, {}]}", "['a[1].c']", "in items" },
		{ "{a: {type: object, additionalProperties: {type: object, properties: {b: {type: string}}}}}",
		  "{a: {k: {b: x, c: 1}}}", "{a: {k: {b: x}}}", "[a.k.c]", "in a map" },
		{ "{a: {type: object, x-kubernetes-preserve-unknown-fields: true}}", "{a: {k: {c: [1, {d: 2}]}}}",
		  "{a: {k: {c: [1, {d: 2}]}}}", "[]", "preserved" },
		{ "{a: {type: object, x-kubernetes-preserve-unknown-fields: true, properties: {b: {type: object, properties: "
		  "{c: {type: "
		  "string}}}}}}",
		  "{a: {k: 1, b: {c: x, d: 1}}}", "{a: {k: 1, b: {c: x}}}", "[a.b.d]",
		  "declared fields within preserved ones" },
		{ "{a: {type: object, x-kubernetes-embedded-resource: true, properties: {b: {type: string}}}}",
		  "{a: {apiVersion: v1, kind: X, metadata: {anything: 1}, b: x, c: 1}}",
		  "{a: {apiVersion: v1, kind: X, metadata: {}, b: x}}", "[a.c, a.metadata.anything]", "an embedded resource" },
		{ "{a: {type: array, x-kubernetes-preserve-unknown-fields: true, items: {type: object, properties: {b: {type: "
		  "object, "
		  "properties: {c: {type: string}}}}}}}",
		  "{a: [{k: 1, b: {c: x, d: 1}}]}", "{a: [{k: 1, b: {c: x}}]}", "['a[0].b.d']", "items of a preserved list" },
		{ "{a: {type: object}, z: {type: object}}", "{z: {x: 1}, metadata: {other: 1}, a: {w: 1, x: 1}}",
		  "{z: {}, metadata: {}, a: {}}", "[metadata.other, a.w, a.x, z.x]", "metadata first, then by name" },
	};
	for (size_t i = 0; i < ARRAY_SIZE(CASES); i++) {
		_cleanup_free_ char *text = xasprintf("{type: object, properties: %s}", CASES[i].schema);
		_cleanup_(schema_unrefp) struct schema *s = compiled(text);
		_cleanup_json_ json_t *v = yaml(CASES[i].before), *dropped = json_array();
		schema_prune(s, v, dropped);
		assert_same(v, CASES[i].after, CASES[i].why);
		assert_same(dropped, CASES[i].dropped, CASES[i].why);
	}
}

static void test_schema_can_be_walked(void **state)
{
	(void)state;
	_cleanup_(schema_unrefp) struct schema *s = compiled(
		"{type: object, properties: {l: {type: array, x-kubernetes-list-type: map, x-kubernetes-list-map-keys: [p, "
		"id], "
		"x-kubernetes-patch-strategy: 'merge,retainKeys', x-kubernetes-patch-merge-key: id, items: {type: object, "
		"required: [id], "
		"properties: {id: {type: string}, p: {type: string, default: TCP}}}}, m: {type: object, x-kubernetes-map-type: "
		"atomic, "
		"additionalProperties: {type: integer}}, u: {type: object, x-kubernetes-preserve-unknown-fields: true}}}");
	const struct schema *l = schema_property(s, "l"), *m = schema_property(s, "m");

	assert_int_equal(schema_list_type(l), SCHEMA_LIST_MAP);
	assert_string_equal(schema_list_map_keys(l)[0], "p");
	assert_string_equal(schema_list_map_keys(l)[1], "id");
	assert_null(schema_list_map_keys(l)[2]);
	assert_true(schema_patch_strategy_has(l, "merge"));
	assert_true(schema_patch_strategy_has(l, "retainKeys"));
	assert_false(schema_patch_strategy_has(l, "retain"));
	assert_string_equal(schema_patch_merge_key(l), "id");
	assert_string_equal(json_string_value(schema_default_value(schema_property(schema_items(l), "p"))), "TCP");
	assert_true(schema_map_is_atomic(m));
	assert_non_null(schema_property(m, "anything"));
	assert_true(schema_preserves_unknown(schema_property(s, "u")));
	assert_null(schema_property(s, "none"));
	/* Without a schema: granular maps, atomic lists. */
	assert_null(schema_property(NULL, "x"));
	assert_null(schema_items(NULL));
	assert_int_equal(schema_list_type(NULL), SCHEMA_LIST_ATOMIC);
	assert_false(schema_map_is_atomic(NULL));
	assert_null(schema_list_map_keys(NULL)[0]);
}

static void test_schema_knows_metadata(void **state)
{
	(void)state;
	_cleanup_(schema_unrefp) struct schema *s = compiled("{type: object}");
	const struct schema *meta = schema_property(s, "metadata");

	assert_int_equal(schema_list_type(schema_property(meta, "finalizers")), SCHEMA_LIST_SET);
	assert_int_equal(schema_list_type(schema_property(meta, "ownerReferences")), SCHEMA_LIST_MAP);
	assert_string_equal(schema_list_map_keys(schema_property(meta, "ownerReferences"))[0], "uid");
	assert_non_null(schema_property(schema_property(meta, "labels"), "any"));
	assert_null(schema_property(meta, "unknown"));
}

/* What is compiled in for speed says the same as the file that is published. */
static void assert_agree(const struct schema *a, const struct schema *b, const char *path)
{
	if (!a || !b)
		fail_msg("%s: only in one", path);
	if (a->type != b->type || a->list_type != b->list_type || a->fields_len != b->fields_len || a->flags != b->flags ||
	    !a->items != !b->items || !a->additional != !b->additional || !str_eq(a->patch_strategy, b->patch_strategy) ||
	    !str_eq(a->patch_merge_key, b->patch_merge_key))
		fail_msg("%s: differs", path);
	for (size_t i = 0; i < a->fields_len; i++) {
		_cleanup_free_ char *below = xasprintf("%s.%s", path, a->fields[i].name);
		assert_agree(a->fields[i].schema, schema_find_field(b, a->fields[i].name), below);
	}
	if (a->items)
		assert_agree(a->items, b->items, path);
	if (a->additional)
		assert_agree(a->additional, b->additional, path);
}

static void test_schema_metadata_agrees_with_its_file(void **state)
{
	(void)state;
	_cleanup_err_ struct err err = { 0 };
	_cleanup_json_ json_t *v = builtin_object_meta(&err), *root = json_object(), *fields = json_object();

	assert_non_null(v);
	json_put_str(root, "type", "object");
	json_object_set(fields, "spec", v);
	json_object_set(root, "properties", fields);
	_cleanup_(schema_unrefp) struct schema *s = schema_compile(root, "s", &err);
	if (!s)
		fail_msg("%s", err_message(&err));
	assert_agree(&SCHEMA_OBJECT_META, schema_find_field(s, "spec"), "metadata");
}

static void test_schema_publish_v3(void **state)
{
	(void)state;
	_cleanup_(schema_unrefp) struct schema *s = compiled(
		"{type: object, description: D, properties: {a: {type: string, nullable: true, default: x, description: E}}}");
	_cleanup_json_ json_t *v = schema_publish_v3(s);

	assert_string_equal(json_get_str(v, "description"), "D");
	assert_same(json_at(v, "properties", "a", NULL), "{type: string, nullable: true, default: x, description: E}",
	            "as written");
	assert_string_equal(json_string_value(json_object_get(
							json_array_get(json_at(v, "properties", "metadata", "allOf", NULL), 0), "$ref")),
	                    "#/components/schemas/" BUILTIN_OBJECT_META);
	assert_string_equal(json_str_at(v, "properties", "kind", "type", NULL), "string");
}

static void test_schema_publish_v2_leaves_out_what_it_cannot_say(void **state)
{
	(void)state;
	static const struct {
		const char *schema, *published, *why;
	} CASES[] = {
		{ "{type: string, default: x, anyOf: [{pattern: x}]}", "{type: string}", "no default, no alternatives" },
		{ "{type: object, nullable: true, properties: {b: {type: string}}}", "{}", "null means any type" },
		{ "{type: object, x-kubernetes-preserve-unknown-fields: true, properties: {b: {type: string}}}",
		  "{x-kubernetes-preserve-unknown-fields: true}", "unknown fields" },
		{ "{x-kubernetes-int-or-string: true}", "{x-kubernetes-int-or-string: true}", "int or string" },
		{ "{type: object, required: [b, c], properties: {b: {type: string, nullable: true}, c: {type: string}}}",
		  "{type: object, required: [c], properties: {b: {}, c: {type: string}}}", "what may be null is not required" },
	};
	for (size_t i = 0; i < ARRAY_SIZE(CASES); i++) {
		_cleanup_free_ char *text = xasprintf("{type: object, properties: {a: %s}}", CASES[i].schema);
		_cleanup_(schema_unrefp) struct schema *s = compiled(text);
		_cleanup_json_ json_t *v = schema_publish_v2(s);
		assert_same(json_at(v, "properties", "a", NULL), CASES[i].published, CASES[i].why);
		assert_string_equal(json_str_at(v, "properties", "metadata", "$ref", NULL),
		                    "#/definitions/" BUILTIN_OBJECT_META);
	}
}

/* The project's own folder: the test runs in the build folder, which its file's name is relative to. */
static char *project_file(const char *name)
{
	_cleanup_free_ char *here = xstrdup(__FILE__);
	char *end = strstr(here, "src/apiserver/");

	assert_non_null(end);
	*end = '\0';
	return xasprintf("%s%s", here, name);
}

static void test_schema_compiles_the_projects_own_types(void **state)
{
	(void)state;
	static const char *const FILES[] = { "local.scia.io_processes", "nop.scia.io_nopresources",
		                                 "scia.io_cloudproviders",  "scia.io_deploymentrevisions",
		                                 "scia.io_deployments",     "scia.io_infrastructures" };

	for (size_t i = 0; i < ARRAY_SIZE(FILES); i++) {
		_cleanup_err_ struct err err = { 0 };
		_cleanup_free_ char *name = xasprintf("api/crds/%s.yaml", FILES[i]), *path = project_file(name);
		_cleanup_free_ char *text = NULL;
		size_t k, len;
		json_t *version;
		if (fs_read_file(path, 1 << 20, &text, &len, &err) < 0)
			fail_msg("%s", err_message(&err));
		_cleanup_json_ json_t *crd = yaml_parse(text, len, name, &err);
		assert_non_null(crd);
		json_array_foreach (json_at(crd, "spec", "versions", NULL), k, version) {
			_cleanup_(schema_unrefp) struct schema *s = schema_compile(
				json_at(version, "schema", "openAPIV3Schema", NULL), name, &err);
			if (!s)
				fail_msg("%s", err_message(&err));
		}
		assert_true(k > 0);
	}
}

static void assert_builtin(const json_t *type)
{
	_cleanup_err_ struct err err = { 0 };
	const char *plural = json_str_at(type, "names", "plural", NULL);
	const json_t *version = json_array_get(json_object_get(type, "versions"), 0);
	size_t i;
	json_t *column;

	print_message("%s\n", plural);
	assert_non_null(json_get_str(type, "group"));
	assert_non_null(json_str_at(type, "names", "kind", NULL));
	assert_true(json_array_size(json_object_get(type, "verbs")) > 0);
	_cleanup_(schema_unrefp) struct schema *s = schema_compile(json_at(version, "schema", "openAPIV3Schema", NULL),
	                                                           plural, &err);
	if (!s)
		fail_msg("%s", err_message(&err));
	json_array_foreach (json_object_get(version, "additionalPrinterColumns"), i, column) {
		const char *cell = json_get_str(column, "cell");
		assert_true((cell && builtin_cell(cell)) || json_get_str(column, "jsonPath"));
	}
}

static void test_schema_compiles_built_in_kinds(void **state)
{
	(void)state;
	_cleanup_err_ struct err err = { 0 };
	_cleanup_json_ json_t *types = builtin_types_load(&err);
	size_t i;
	json_t *type;

	if (!types)
		fail_msg("%s", err_message(&err));
	assert_non_null(builtin_types_find(types, "apiextensions.k8s.io", "customresourcedefinitions"));
	assert_null(builtin_types_find(types, "apps", "deployments"));
	json_array_foreach (types, i, type)
		assert_builtin(type);
	assert_null(builtin_cell("unknown"));
}

static void test_schema_built_in_events_are_shown_in_both_groups(void **state)
{
	(void)state;
	static const struct {
		const char *cell, *wanted;
	} CASES[] = {
		{ "event-last-seen", "5s" },          { "event-first-seen", "60s" },   { "event-object", "deployment/shop" },
		{ "event-source", "operator, host" }, { "event-message", "it works" }, { "event-subobject", "spec.x" },
	};
	static const char *const EVENTS[] = {
		"{involvedObject: {kind: Deployment, name: shop, fieldPath: spec.x}, source: {component: operator, host: "
		"host}, message: 'it "
		"works ', firstTimestamp: '2026-01-01T00:00:00Z', lastTimestamp: '2026-01-01T00:00:55Z', count: 3}",
		"{regarding: {kind: Deployment, name: shop, fieldPath: spec.x}, reportingController: operator, "
		"reportingInstance: host, note: "
		"'it works', eventTime: '2026-01-01T00:00:00.000000Z', series: {count: 3, lastObservedTime: "
		"'2026-01-01T00:00:55.000000Z'}}",
	};
	int64_t now_ns = INT64_C(1767225660) * 1000000000;

	for (size_t e = 0; e < ARRAY_SIZE(EVENTS); e++) {
		_cleanup_json_ json_t *event = yaml(EVENTS[e]), *count = builtin_cell("event-count")(event, now_ns);
		for (size_t i = 0; i < ARRAY_SIZE(CASES); i++) {
			_cleanup_json_ json_t *cell = builtin_cell(CASES[i].cell)(event, now_ns);
			assert_string_equal(json_string_value(cell), CASES[i].wanted);
		}
		assert_int_equal(json_integer_value(count), 3);
	}
}

static void test_schema_is_counted(void **state)
{
	(void)state;
	struct schema *s = compiled("{type: object}");

	assert_ptr_equal(schema_ref(s), s);
	assert_null(schema_unref(s));
	assert_null(schema_property(s, "x"));
	assert_null(schema_unref(s));
	assert_null(schema_unref(NULL));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_schema_compile_refuses),
		cmocka_unit_test(test_schema_compile_names_every_violation),
		cmocka_unit_test(test_schema_compile_tells_structure_before_form),
		cmocka_unit_test(test_schema_compile_later_waits_for_the_first_use),
		cmocka_unit_test(test_schema_default_fills_in),
		cmocka_unit_test(test_schema_default_copies),
		cmocka_unit_test(test_schema_prune_drops_unknown_fields),
		cmocka_unit_test(test_schema_can_be_walked),
		cmocka_unit_test(test_schema_knows_metadata),
		cmocka_unit_test(test_schema_metadata_agrees_with_its_file),
		cmocka_unit_test(test_schema_publish_v3),
		cmocka_unit_test(test_schema_publish_v2_leaves_out_what_it_cannot_say),
		cmocka_unit_test(test_schema_compiles_the_projects_own_types),
		cmocka_unit_test(test_schema_compiles_built_in_kinds),
		cmocka_unit_test(test_schema_built_in_events_are_shown_in_both_groups),
		cmocka_unit_test(test_schema_is_counted),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
