/* Values that a caller makes are those that the same JSON gives, whatever a program does with them. */

#include "kcl_maker.h"

#include "base/str.h"
#include "codec/json.h"
#include "codec/protobuf.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#define OUTPUT_MAX ((size_t)4 << 20)

static const struct pb_field message[] = { { 1, "it", PB_STRUCT_KEPT, PB_OPTIONAL, NULL }, { 0 } };

/* The bytes of a Struct, as a string. */
static json_t *bytes_of(const json_t *object)
{
	_cleanup_buf_ struct buf wire = BUF_INIT(OUTPUT_MAX);
	_cleanup_json_ json_t *outer = json_pack("{sO}", "it", object);

	assert_int_equal(pb_encode(message, outer, &wire, NULL), 0);
	_cleanup_json_ json_t *kept = pb_decode_kept(message, buf_str(&wire), wire.len, NULL);
	return json_incref(json_object_get(kept, "it"));
}

static void make_struct(void *self, struct kcl_maker *m)
{
	const json_t *bytes = self;

	kcl_make_struct(m, json_string_value(bytes), json_string_length(bytes));
}

static struct kcl_program *compile(const char *text)
{
	const struct kcl_source source = { "main.k", text, strlen(text) };
	const struct kcl_compile_options options = { .sources = &source, .sources_len = 1 };
	struct kcl_diagnostics diagnostics = { 0 };
	struct kcl_program *program = kcl_compile(&options, &diagnostics);

	if (!program)
		fail_msg("%s: %s", text, diagnostics.items[0].message);
	kcl_diagnostics_clear(&diagnostics);
	return program;
}

/* The document, or what failed; free(). */
static char *run(const char *text, const struct kcl_option *option, const struct kcl_limits *limits)
{
	_cleanup_(kcl_program_unrefp) struct kcl_program *program = compile(text);
	_cleanup_(kcl_context_freep) struct kcl_context *context = kcl_context_new();
	const struct kcl_eval_options options = { .options = option, .options_len = 1, .limits = *limits };
	_cleanup_buf_ struct buf out = BUF_INIT(OUTPUT_MAX);
	struct kcl_diagnostics diagnostics = { 0 };
	struct kcl_result *result = kcl_evaluate(program, context, &options, &diagnostics);
	char *answer;

	if (result && kcl_result_yaml(result, &out, NULL) == 0) {
		_cleanup_json_ json_t *tree = kcl_result_to_json(result, NULL);
		_cleanup_free_ char *json = json_to_str(tree);

		answer = xasprintf("%s%s", buf_str(&out), json);
	} else {
		answer = xasprintf("failed: %s", diagnostics.len > 0 ? diagnostics.items[0].message : "");
	}
	kcl_result_free(result);
	kcl_diagnostics_clear(&diagnostics);
	return answer;
}

static const char *const programs[] = {
	"x = option(\"p\")",
	"a = option(\"p\").a\nb = option(\"p\").b",
	"x = len(option(\"p\"))\ny = bool(option(\"p\"))",
	"x = str(option(\"p\"))\ny = \"${option('p')}\"",
	"x = option(\"p\") | {a = 1, new = {k = \"v\"}}",
	"x = {a.b.c = 1} | option(\"p\")",
	"x = {**option(\"p\"), z = [*option(\"p\")]}",
	"x = {k: v for k, v in option(\"p\")}\ny = [k for k in option(\"p\")]",
	"x = option(\"p\") == option(\"p\")\ny = option(\"p\") == {}\nz = \"a\" in option(\"p\")",
	"x = option(\"p\")?.b?.c\ny = option(\"p\")[\"a\"]\nz = option(\"p\").none",
	"x: {str:any} = option(\"p\")\ny = typeof(x)",
	"x: {str:int} = option(\"p\")",
	"schema S:\n    a?: any\n    b?: {str:any}\n    [...str]: any\nx = S {**option(\"p\")}\ny: S = option(\"p\")",
	"schema S:\n    inner: any\nx = S {inner = option(\"p\")}",
	"import json\nimport yaml\nx = json.encode(option(\"p\"))\ny = yaml.encode(option(\"p\"))",
	"import manifests\nmanifests.yaml_stream([option(\"p\"), {a = option(\"p\").b}])",
	"_p = option(\"p\")\nx = all k in _p { k != \"zz\" }\ny = filter k, v in _p { v != 1 }",
	"x = dict(option(\"p\"))\ny = list(option(\"p\"))\nz = sorted(list(option(\"p\")))",
	"_f = lambda d {\n    len(d)\n}\nx = _f(option(\"p\"))",
	"x = option(\"p\") + {}",
};

static const char *const values[] = {
	"{}",
	"{\"a\":1}",
	"{\"a\":1,\"b\":{\"c\":[1,2.5,\"three\",null,true,{\"d\":{}}]}}",
	"{\"b\":{},\"a\":\"\",\"zz\":null}",
	"{\"a\":9007199254740991,\"b\":-1e300,\"c\":0.1,\"d\":[[[]],[[{\"e\":[]}]]]}",
	"{\"a\":\"\\u00e9\\n\",\"key with spaces\":false,\"_hidden\":1,\"\":2}",
	("{\"k01\":1,\"k02\":2,\"k03\":3,\"k04\":4,\"k05\":5,\"k06\":6,\"k07\":7,\"k08\":8,\"k09\":9,\"k10\":10,\"k11\":11,"
	 "\"k12\":12,\"k13\":13,\"k14\":{\"a\":1},\"k15\":[1],\"a\":16,\"b\":{\"c\":17}}"),
};

/* As pb_decode() has it: keys sorted. */
static json_t *sorted(const char *text)
{
	_cleanup_json_ json_t *value = json_parse(text, strlen(text), 0, NULL), *bytes = bytes_of(value);

	return pb_struct_to_json(json_string_value(bytes), json_string_length(bytes));
}

static void test_a_struct_is_what_its_json_is(void **state _unused_)
{
	static const struct kcl_limits limits = { 0 };

	for (size_t i = 0; i < ARRAY_SIZE(programs); i++)
		for (size_t j = 0; j < ARRAY_SIZE(values); j++) {
			_cleanup_json_ json_t *value = sorted(values[j]), *bytes = bytes_of(value);
			const struct kcl_option plain = { .name = "p", .value = value };
			const struct kcl_option made = { .name = "p", .make = make_struct, .self = bytes };
			_cleanup_free_ char *wanted = run(programs[i], &plain, &limits);
			_cleanup_free_ char *got = run(programs[i], &made, &limits);

			if (!str_eq(wanted, got))
				fail_msg("%s\nwith %s:\n%s\ninstead of\n%s", programs[i], values[j], got, wanted);
		}
}

static void make_parts(void *self _unused_, struct kcl_maker *m)
{
	kcl_make_dict(m, 1);
	kcl_make_key(m, "list");
	kcl_make_list(m, 0);
	kcl_make_text(m, "one", 3);
	kcl_make_json(m, json_null());
	kcl_make_dict(m, 0);
	kcl_make_end(m);
	kcl_make_end(m);
	kcl_make_key(m, "after");
	kcl_make_text(m, "", 0);
	kcl_make_end(m);
}

static void make_nothing(void *self _unused_, struct kcl_maker *m _unused_)
{
}

static void test_parts_are_told(void **state _unused_)
{
	static const struct kcl_limits limits = { 0 };
	const struct kcl_option parts = { .name = "p", .make = make_parts },
							nothing = { .name = "p", .make = make_nothing };
	_cleanup_free_ char *all = run("x = option(\"p\")", &parts, &limits);
	_cleanup_free_ char *none = run("x = option(\"p\")\ny = 1", &nothing, &limits);

	assert_non_null(strstr(all, "{\"x\":{\"list\":[\"one\",null,{}],\"after\":\"\"}}"));
	assert_non_null(strstr(none, "{\"x\":null,\"y\":1}"));
}

/* Memory and steps are those of the evaluation, also where pairs are made late. */
static void test_limits_hold(void **state _unused_)
{
	static const struct kcl_limits little_memory = { .memory = 200 * 1024 }, few_steps = { .steps = 3000 };
	static const char program[] = "x = option(\"p\").key999.a";
	_cleanup_json_ json_t *object = json_object();

	for (int i = 0; i < 5000; i++) {
		_cleanup_free_ char *key = xasprintf("key%d", i);

		json_object_set_new(object, key, json_pack("{si}", "a", i));
	}
	_cleanup_json_ json_t *bytes = bytes_of(object);
	const struct kcl_option made = { .name = "p", .make = make_struct, .self = bytes };
	_cleanup_free_ char *right = run(program, &made, &(struct kcl_limits){ 0 });
	_cleanup_free_ char *memory = run(program, &made, &little_memory);
	_cleanup_free_ char *steps = run(program, &made, &few_steps);

	assert_non_null(strstr(right, "{\"x\":999}"));
	assert_non_null(strstr(memory, "failed: out of memory"));
	assert_non_null(strstr(steps, "failed: the evaluation takes too many steps"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_a_struct_is_what_its_json_is),
		cmocka_unit_test(test_parts_are_told),
		cmocka_unit_test(test_limits_hold),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
