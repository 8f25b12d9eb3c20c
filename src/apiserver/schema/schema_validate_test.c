#include "schema.h"

#include "base/buf.h"
#include "base/str.h"
#include "codec/yaml.h"

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

static struct schema *compiled(const char *properties)
{
	_cleanup_err_ struct err err = { 0 };
	_cleanup_free_ char *text = xasprintf("{type: object, properties: %s}", properties);
	_cleanup_json_ json_t *v = yaml(text);
	struct schema *s = schema_compile(v, "schema", &err);

	if (!s)
		fail_msg("%s: %s", err_message(&err), text);
	return s;
}

/* All causes, a line each: "REASON FIELD: MESSAGE". */
static char *causes_of(const struct err *err)
{
	struct buf out = BUF_INIT(1 << 20);

	for (size_t i = 0; i < err->causes_len; i++)
		buf_printf(&out, "%s%s %s: %s", i ? "\n" : "", err->causes[i].reason, err->causes[i].field,
		           err->causes[i].message);
	return buf_steal(&out);
}

static void assert_found(const char *properties, const char *value, const char *old, const char *wanted,
                         const char *why)
{
	_cleanup_err_ struct err err = { 0 };
	_cleanup_(schema_unrefp) struct schema *s = compiled(properties);
	_cleanup_json_ json_t *v = yaml(value), *o = old ? yaml(old) : NULL;
	int r = schema_validate(s, v, o, &err);
	_cleanup_free_ char *found = causes_of(&err);

	print_message("%s\n", why);
	assert_string_equal(found, wanted);
	assert_int_equal(r, *wanted ? -1 : 0);
	assert_int_equal(err.kind, *wanted ? ERR_INVALID : ERR_NONE);
}

struct validation_case {
	const char *properties, *value, *wanted, *why;
};

static void assert_cases(const struct validation_case *cases, size_t len)
{
	for (size_t i = 0; i < len; i++)
		assert_found(cases[i].properties, cases[i].value, NULL, cases[i].wanted, cases[i].why);
}

#define TYPE(field, found, wanted)                                                                             \
	"FieldValueTypeInvalid " field ": Invalid value: \"" found "\": " field " in body must be of type " wanted \
	": \"" found "\""
#define INVALID(field, value, rule) "FieldValueInvalid " field ": Invalid value: " value ": " field " in body " rule

static void test_schema_validate_types(void **state)
{
	(void)state;
	static const struct validation_case CASES[] = {
		{ "{a: {type: string}}", "{a: x}", "", "string" },
		{ "{a: {type: string}}", "{a: 1}", TYPE("a", "integer", "string"), "number for a string" },
		{ "{a: {type: string}}", "{a: null}", TYPE("a", "null", "string"), "null" },
		{ "{a: {type: string, nullable: true}}", "{a: null}", "", "nullable" },
		{ "{a: {type: integer}}", "{a: 1}", "", "integer" },
		{ "{a: {type: integer}}", "{a: 1.0}", "", "a whole double is an integer" },
		{ "{a: {type: integer}}", "{a: 1.5}", TYPE("a", "number", "integer"), "a fraction is none" },
		{ "{a: {type: integer}}", "{a: '1'}", TYPE("a", "string", "integer"), "text is none" },
		{ "{a: {type: number}}", "{a: 1}", "", "an integer is a number" },
		{ "{a: {type: number}}", "{a: true}", TYPE("a", "boolean", "number"), "bool is none" },
		{ "{a: {type: boolean}}", "{a: false}", "", "bool" },
		{ "{a: {type: object}}", "{a: []}", TYPE("a", "array", "object"), "list for a map" },
		{ "{a: {type: array, items: {type: string}}}", "{a: {}}", TYPE("a", "object", "array"), "map for a list" },
		{ "{a: {type: array, items: {type: string}}}", "{a: [x, 1]}", TYPE("a[1]", "integer", "string"), "items" },
		{ "{a: {x-kubernetes-int-or-string: true}}", "{a: 80%}", "", "int or string: string" },
		{ "{a: {x-kubernetes-int-or-string: true}}", "{a: 80}", "", "int or string: int" },
		{ "{a: {x-kubernetes-int-or-string: true}}", "{a: true}", TYPE("a", "boolean", "integer,string"), "neither" },
		{ "{a: {type: object, additionalProperties: {type: string}}}", "{a: {k: 1}}", TYPE("a.k", "integer", "string"),
		  "map value" },
		{ "{a: {type: object, additionalProperties: false}}", "{a: {k: 1}}",
		  "FieldValueInvalid a: Invalid value: \"k\": a.k in body is a forbidden property", "no members allowed" },
		{ "{a: {type: string, format: date-time}}", "{a: 1}", TYPE("a", "int64", "date-time"),
		  "a number for a format" },
		{ "{a: {type: integer, format: int32}}", "{a: 2147483648}", "", "formats of numbers are not looked at" },
		{ "{a: {type: integer}}", "{a: 9223372036854775808}", TYPE("a", "number", "integer"), "64 bits" },
		{ "{a: {type: integer, format: int64}}", "{a: 9223372036854775807}", "", "int64" },
		{ "{a: {type: number, format: float}}", "{a: 1.0e+39}", "", "nor of fractions" },
		{ "{}", "{kind: 1}", TYPE("kind", "integer", "string"), "kind is text" },
		{ "{metadata: {type: object}}", "{metadata: 1}", TYPE("metadata", "integer", "object"),
		  "metadata is complained about once" },
		{ "{metadata: {type: object, properties: {name: {type: string, maxLength: 2}}}}", "{metadata: {name: abc}}",
		  "FieldValueTooLong metadata.name: Too long: may not be longer than 2", "names can be restricted" },
	};
	assert_cases(CASES, ARRAY_SIZE(CASES));
}

static void test_schema_validate_values(void **state)
{
	(void)state;
	static const struct validation_case CASES[] = {
		{ "{a: {type: string, enum: [x, z]}}", "{a: x}", "", "one of" },
		{ "{a: {type: string, enum: [x, z]}}", "{a: q}",
		  "FieldValueNotSupported a: Unsupported value: \"q\": supported values: \"x\", \"z\"", "none of" },
		{ "{a: {type: integer, enum: [1, 2]}}", "{a: 3}",
		  "FieldValueNotSupported a: Unsupported value: 3: supported values: \"1\", \"2\"", "numbers are quoted too" },
		{ "{a: {type: string, nullable: true, enum: [x]}}", "{a: null}",
		  "FieldValueNotSupported a: Unsupported value: \"null\": supported values: \"x\"", "null must be listed" },
		{ "{a: {type: integer, minimum: 1, maximum: 3}}", "{a: 0}",
		  INVALID("a", "0", "should be greater than or equal to 1"), "min" },
		{ "{a: {type: integer, minimum: 1, maximum: 3}}", "{a: 4}",
		  INVALID("a", "4", "should be less than or equal to 3"), "max" },
		{ "{a: {type: number, minimum: 0.5, exclusiveMinimum: true}}", "{a: 0.5}",
		  INVALID("a", "0.5", "should be greater than 0.5"), "exclusive minimum" },
		{ "{a: {type: number, maximum: 1, exclusiveMaximum: true}}", "{a: 1}",
		  INVALID("a", "1", "should be less than 1"), "exclusive maximum" },
		{ "{a: {type: integer, multipleOf: 5}}", "{a: 7}", INVALID("a", "7", "should be a multiple of 5"), "multiple" },
		{ "{a: {type: number, multipleOf: 0.1}}", "{a: 0.3}", "", "multiple of a fraction, in spite of binary" },
		{ "{a: {type: string, minLength: 2}}", "{a: x}", INVALID("a", "\"x\"", "should be at least 2 chars long"),
		  "too short" },
		{ "{a: {type: string, maxLength: 2}}", "{a: abc}", "FieldValueTooLong a: Too long: may not be longer than 2",
		  "too long" },
		{ "{a: {type: string, maxLength: 1}}", "{a: ab}", "FieldValueTooLong a: Too long: may not be longer than 1",
		  "one byte" },
		{ "{a: {type: string, maxLength: 2}}", "{a: ää}", "", "characters count, not bytes" },
		{ "{a: {type: string, pattern: '^[a-z]+$'}}", "{a: 'x1'}", INVALID("a", "\"x1\"", "should match '^[a-z]+$'"),
		  "pattern" },
		{ "{a: {type: string, pattern: '^x$'}}", "{a: \"x\\n\"}", INVALID("a", "\"x\\n\"", "should match '^x$'"),
		  "$ is the very end" },
		{ "{a: {type: string, pattern: b}}", "{a: abc}", "", "a pattern is not anchored" },
		{ "{a: {type: array, minItems: 1, maxItems: 2, items: {type: integer}}}", "{a: []}",
		  INVALID("a", "0", "should have at least 1 items"), "too few" },
		{ "{a: {type: array, maxItems: 2, items: {type: integer}}}", "{a: [1, 2, 3]}",
		  "FieldValueTooMany a: Too many: 3: must have at most 2 items", "too many" },
		{ "{a: {type: object, maxProperties: 1, additionalProperties: {type: integer}}}", "{a: {x: 1, z: 2}}",
		  "FieldValueTooMany a: Too many: 2: must have at most 1 items", "too many members" },
		{ "{a: {type: object, minProperties: 1, additionalProperties: {type: integer}}}", "{a: {}}",
		  INVALID("a", "0", "should have at least 1 properties"), "too few members" },
		{ "{a: {type: object, required: [b, c], properties: {b: {type: string}, c: {type: string}}}}", "{a: {c: x}}",
		  "FieldValueRequired a.b: Required value", "required" },
		{ "{a: {type: string, format: password, pattern: '^[0-9]+$'}}", "{a: hunter2}",
		  INVALID("a", "\"<value omitted>\"", "should match '^[0-9]+$'"), "secrets are not shown" },
		{ "{a: {type: string, format: ipv4}}", "{a: 1.2.3}",
		  "FieldValueTypeInvalid a: Invalid value: \"1.2.3\": a in body must be of type ipv4: \"1.2.3\"", "format" },
		{ "{a: {type: string, format: made-up}}", "{a: anything}", "", "unknown formats mean nothing" },
		{ "{a: {type: string, enum: [x]}}", "{a: \"\\e\\u00a0\\\"q\"}",
		  "FieldValueNotSupported a: Unsupported value: \"\\x1b\\u00a0\\\"q\": supported values: \"x\"",
		  "quoted as Go does" },
	};
	assert_cases(CASES, ARRAY_SIZE(CASES));
}

static void test_schema_validate_lists(void **state)
{
	(void)state;
	static const struct validation_case CASES[] = {
		{ "{a: {type: array, x-kubernetes-list-type: set, items: {type: string}}}", "{a: [x, z]}", "", "set" },
		{ "{a: {type: array, x-kubernetes-list-type: set, items: {type: string}}}", "{a: [x, z, x, x]}",
		  "FieldValueDuplicate a[2]: Duplicate value: \"x\"", "only the first repetition is named" },
		{ "{a: {type: array, x-kubernetes-list-type: set, items: {type: number}}}", "{a: [1, 1.0]}",
		  "FieldValueDuplicate a[1]: Duplicate value: 1", "numbers that are equal" },
		{ "{a: {type: array, x-kubernetes-list-type: map, x-kubernetes-list-map-keys: [k], items: {type: object, "
		  "required: [k], "
		  "properties: {k: {type: string}, v: {type: integer}}}}}",
		  "{a: [{k: x, v: 1}, {k: x, v: 2}]}",
		  "FieldValueDuplicate a[1]: Duplicate value: map[string]interface {}{\"k\":\"x\"}", "map keys" },
		{ "{a: {type: array, x-kubernetes-list-type: map, x-kubernetes-list-map-keys: [k, l], items: {type: object, "
		  "required: [k, l], "
		  "properties: {k: {type: string}, l: {type: integer}}}}}",
		  "{a: [{k: x, l: 1}, {k: x, l: 2}]}", "", "both keys count" },
		{ "{a: {type: object, additionalProperties: {type: array, x-kubernetes-list-type: set, items: {type: "
		  "integer}}}}",
		  "{a: {m: [1, 1]}}", "FieldValueDuplicate a[m][1]: Duplicate value: 1", "below a map" },
	};
	assert_cases(CASES, ARRAY_SIZE(CASES));
}

#define NOWHERE(text) "FieldValueInvalid <nil>: Invalid value: \"\": " text

static void test_schema_validate_logic(void **state)
{
	(void)state;
	static const struct validation_case CASES[] = {
		{ "{a: {type: string, anyOf: [{pattern: ^x}, {pattern: ^z}]}}", "{a: zz}", "", "any of" },
		{ "{a: {type: string, anyOf: [{pattern: ^x}, {pattern: ^z}]}}", "{a: q}",
		  NOWHERE("\"a\" must validate at least one schema (anyOf)") "\n" INVALID("a", "\"q\"", "should match '^x'"),
		  "none, and what the best one lacks" },
		{ "{a: {type: string, oneOf: [{pattern: ^x}, {pattern: z$}]}}", "{a: xz}",
		  NOWHERE("\"a\" must validate one and only one schema (oneOf). Found 2 valid alternatives"), "two of one" },
		{ "{a: {type: object, properties: {b: {type: string}, c: {type: string}}, oneOf: [{required: [b]}, {required: "
		  "[c]}]}}",
		  "{a: {}}",
		  NOWHERE("\"a\" must validate one and only one schema (oneOf). Found none valid") "\nFieldValueRequired a.b: "
		                                                                                   "Required value",
		  "none of one" },
		{ "{a: {type: integer, allOf: [{minimum: 2}, {maximum: 1}]}}", "{a: 2}",
		  INVALID("a", "2",
		          "should be less than or equal to 1") "\n" NOWHERE("\"a\" must validate all the schemas (allOf)"),
		  "one of all" },
		{ "{a: {type: integer, allOf: [{minimum: 5}, {maximum: 1}]}}", "{a: 3}",
		  INVALID("a", "3", "should be greater than or equal to 5") "\n" INVALID(
			  "a", "3", "should be less than or equal to 1") "\n" NOWHERE("\"a\" must validate all the schemas "
		                                                                  "(allOf). None validated"),
		  "none of all" },
		{ "{a: {type: string, not: {enum: [x]}}}", "{a: x}", NOWHERE("\"a\" must not validate the schema (not)"),
		  "not" },
		{ "{a: {type: string, not: {enum: [x]}}}", "{a: z}", "", "not not" },
		{ "{a: {x-kubernetes-int-or-string: true, anyOf: [{type: integer}, {type: string}], pattern: '%$'}}",
		  "{a: '5'}", INVALID("a", "\"5\"", "should match '%$'"), "int or string with a rule" },
	};
	assert_cases(CASES, ARRAY_SIZE(CASES));
}

static void test_schema_validate_embedded_resources(void **state)
{
	(void)state;
	static const char *const SCHEMA =
		"{a: {type: object, x-kubernetes-embedded-resource: true, x-kubernetes-preserve-unknown-fields: true}}";
	const struct validation_case cases[] = {
		{ SCHEMA, "{a: {apiVersion: v1, kind: K, metadata: {name: x}}}", "", "complete" },
		{ SCHEMA, "{a: {}}",
		  "FieldValueRequired a.apiVersion: Required value: must not be empty\nFieldValueRequired a.kind: Required "
		  "value: must not be empty",
		  "empty" },
		{ SCHEMA, "{a: {apiVersion: '', kind: 1}}",
		  "FieldValueInvalid a.apiVersion: Invalid value: \"\": must not be empty\nFieldValueInvalid a.kind: Invalid "
		  "value: 1: must be a "
		  "string",
		  "of the wrong form" },
		{ SCHEMA, "{a: {apiVersion: a/b/c, kind: K}}",
		  "FieldValueInvalid a.apiVersion: Invalid value: \"a/b/c\": unexpected GroupVersion string: a/b/c",
		  "two slashes" },
		{ SCHEMA, "{a: {apiVersion: v1, kind: K, metadata: {labels: {x: 1}}}}",
		  TYPE("a.metadata.labels.x", "integer", "string"), "its metadata" },
	};
	assert_cases(cases, ARRAY_SIZE(cases));
}

static void test_schema_validate_leaves_what_did_not_change(void **state)
{
	(void)state;
	static const char *const SCHEMA =
		"{a: {type: object, properties: {b: {type: string, maxLength: 1}, c: {type: integer}}}, l: {type: array, "
		"x-kubernetes-list-type: map, x-kubernetes-list-map-keys: [k], items: {type: object, required: [k], "
		"properties: {k: {type: "
		"string}, v: {type: integer, maximum: 1}}}}, p: {type: array, items: {type: integer, maximum: 1}}}";
	static const struct {
		const char *value, *old, *wanted, *why;
	} CASES[] = {
		{ "{a: {b: xx, c: 2}}", "{a: {b: xx, c: 1}}", "", "an old fault beside a change" },
		{ "{a: {b: xz}}", "{a: {b: xx}}", "FieldValueTooLong a.b: Too long: may not be longer than 1", "a new fault" },
		{ "{l: [{k: m, v: 1}, {k: o, v: 5}]}", "{l: [{k: o, v: 5}]}", "", "items are found by their key" },
		{ "{l: [{k: o, v: 6}]}", "{l: [{k: o, v: 5}]}", INVALID("l[0].v", "6", "should be less than or equal to 1"),
		  "changed item" },
		{ "{p: [5]}", "{p: [5]}", "", "a list that is the same" },
		{ "{p: [5, 1]}", "{p: [5]}", INVALID("p[0]", "5", "should be less than or equal to 1"),
		  "items of other lists are not matched" },
	};
	for (size_t i = 0; i < ARRAY_SIZE(CASES); i++)
		assert_found(SCHEMA, CASES[i].value, CASES[i].old, CASES[i].wanted, CASES[i].why);
}

static void test_schema_validate_finds_old_items_of_long_lists(void **state)
{
	(void)state;
	_cleanup_err_ struct err err = { 0 };
	_cleanup_(schema_unrefp) struct schema *s = compiled(
		"{l: {type: array, x-kubernetes-list-type: map, x-kubernetes-list-map-keys: [k], items: {type: object, "
		"required: [k], "
		"properties: {k: {type: integer}, v: {type: integer, maximum: 1}}}}}");
	_cleanup_json_ json_t *old = json_object(), *new = json_object();
	json_t *a = json_ensure_array(old, "l"), *b = json_ensure_array(new, "l");

	for (int i = 0; i < 20000; i++) {
		json_t *x = json_object(), *z = json_object();
		json_put_int(x, "k", i);
		json_put_int(x, "v", 5);
		json_put_int(z, "k", 19999 - i);
		json_put_int(z, "v", i == 7 ? 6 : 5);
		json_array_append_new(a, x);
		json_array_append_new(b, z);
	}
	assert_int_equal(schema_validate(s, new, old, &err), -1);
	assert_int_equal(err.causes_len, 1);
	assert_string_equal(err.causes[0].field, "l[7].v");
}

static void test_schema_validate_lets_old_lists_pass(void **state)
{
	(void)state;
	static const char *const SCHEMA =
		"{a: {type: array, x-kubernetes-list-type: set, items: {type: integer}}, b: {type: array, "
		"x-kubernetes-list-type: set, items: {type: integer}}}";

	assert_found(SCHEMA, "{a: [1, 1]}", "{a: [1]}", "FieldValueDuplicate a[1]: Duplicate value: 1", "a new repetition");
	assert_found(SCHEMA, "{a: [1, 1], b: [2, 2]}", "{a: [1, 1]}", "", "one repetition hides all others");
}

static void test_schema_validate_says_when_rules_are_not_checked(void **state)
{
	(void)state;
	static const char *const SCHEMA =
		"{a: {type: integer, maximum: 1, x-kubernetes-validations: [{rule: 'self > 0'}]}, b: {type: string}}";

	assert_found(SCHEMA, "{a: 5}", NULL, INVALID("a", "5", "should be less than or equal to 1"),
	             "a value can still be compared");
	assert_found(SCHEMA, "{b: 5}", NULL,
	             TYPE("b", "integer", "string") "\n"
	                                            "FieldValueInvalid <nil>: Invalid value: \"null\": some validation "
	                                            "rules were not checked because the object was "
	                                            "invalid; correct the existing errors to complete validation",
	             "a type cannot");
}

static void name_it(const void *self, const json_t *obj, struct err *err)
{
	(void)obj;
	err_set(err, ERR_INVALID, "x");
	err_add_cause(err, "FieldValueInvalid", ".spec.replicas", "%s", (const char *)self);
}

static void test_schema_validate_status_by_itself(void **state)
{
	(void)state;
	_cleanup_err_ struct err err = { 0 };
	_cleanup_(schema_unrefp) struct schema *s = compiled(
		"{spec: {type: object, properties: {c: {type: integer}}}, status: {type: object, properties: {c: {type: "
		"integer}}}}");
	_cleanup_json_ json_t *v = yaml("{spec: {c: x}, status: {c: x}}");
	const struct schema_change c = { .obj = v, .old = v, .status_only = true };
	const struct schema_change more = { .obj = v, .check_more = name_it, .self = "words" };

	assert_int_equal(schema_validate_change(s, &c, &err), 0);
	_cleanup_json_ json_t *old = yaml("{status: {c: 1}}");
	const struct schema_change changed = { .obj = v, .old = old, .status_only = true };
	assert_int_equal(schema_validate_change(s, &changed, &err), -1);
	assert_string_equal(err_message(&err),
	                    "status.c: Invalid value: \"string\": status.c in body must be of type integer: \"string\"");
	err_clear(&err);
	assert_int_equal(schema_validate_change(NULL, &more, &err), -1);
	assert_string_equal(err_message(&err), ".spec.replicas: words");
}

static void test_schema_validate_bounds_its_answer(void **state)
{
	(void)state;
	_cleanup_err_ struct err err = { 0 };
	_cleanup_(schema_unrefp) struct schema *s = compiled(
		"{a: {type: array, items: {type: string, maxLength: 1}}, b: {type: string, enum: [x]}}");
	_cleanup_json_ json_t *v = json_object(), *list = json_array();
	_cleanup_free_ char *big = xcalloc(1, 100001);

	memset(big, 'x', 100000);
	for (int i = 0; i < 1000; i++)
		json_push_str(list, "xx");
	json_object_set(v, "a", list);
	assert_int_equal(schema_validate(s, v, NULL, &err), -1);
	assert_int_equal(err.causes_len, ERR_CAUSES_MAX);
	err_clear(&err);
	json_object_del(v, "a");
	json_put_str(v, "b", big);
	assert_int_equal(schema_validate(s, v, NULL, &err), -1);
	assert_true(strlen(err_message(&err)) < 5000);
}

static void test_schema_validate_writes_one_message(void **state)
{
	(void)state;
	_cleanup_err_ struct err one = { 0 }, two = { 0 };
	_cleanup_(schema_unrefp) struct schema *s = compiled("{a: {type: string}, b: {type: string}}");
	_cleanup_json_ json_t *v = yaml("{a: 1}"), *w = yaml("{a: 1, b: 2}");

	schema_validate(s, v, NULL, &one);
	assert_string_equal(err_message(&one),
	                    "a: Invalid value: \"integer\": a in body must be of type string: \"integer\"");
	schema_validate(s, w, NULL, &two);
	assert_string_equal(err_message(&two),
	                    "[a: Invalid value: \"integer\": a in body must be of type string: \"integer\", b: Invalid "
	                    "value: \"integer\": b in body must be of type string: \"integer\"]");
	assert_int_equal(schema_validate(NULL, v, NULL, NULL), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_schema_validate_types),
		cmocka_unit_test(test_schema_validate_values),
		cmocka_unit_test(test_schema_validate_lists),
		cmocka_unit_test(test_schema_validate_logic),
		cmocka_unit_test(test_schema_validate_embedded_resources),
		cmocka_unit_test(test_schema_validate_leaves_what_did_not_change),
		cmocka_unit_test(test_schema_validate_finds_old_items_of_long_lists),
		cmocka_unit_test(test_schema_validate_lets_old_lists_pass),
		cmocka_unit_test(test_schema_validate_says_when_rules_are_not_checked),
		cmocka_unit_test(test_schema_validate_status_by_itself),
		cmocka_unit_test(test_schema_validate_bounds_its_answer),
		cmocka_unit_test(test_schema_validate_writes_one_message),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
