/* How diagnostics are shown, to the character. */

#include "kcl.h"

#include "base/str.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

static const char *the_text(void *self, const char *file)
{
	return strcmp(file, "main.k") == 0 ? self : NULL;
}

static char *shown(char *text, bool debug)
{
	struct kcl_source source = { .name = "main.k", .text = text, .len = strlen(text) };
	struct kcl_compile_options o = { .sources = &source, .sources_len = 1 };
	struct kcl_eval_options eval = { .debug = debug };
	struct kcl_diagnostics d = { 0 };
	struct buf out = BUF_INIT(10000);
	struct kcl_context *context = kcl_context_new();
	struct kcl_program *p = kcl_compile(&o, &d);

	if (p)
		kcl_result_free(kcl_evaluate(p, context, &eval, &d));
	kcl_diagnostics_write(&d, the_text, text, &out);
	kcl_diagnostics_clear(&d);
	kcl_program_unref(p);
	kcl_context_free(context);
	return buf_steal(&out);
}

static void test_diagnostics_are_shown(void **state)
{
	static const struct {
		const char *text, *shown;
	} cases[] = {
		{ "a = b\n",
		  "error[E2L23]: CompileError\n --> main.k:1:5\n  |\n1 | a = b\n  |     ^ name 'b' is not defined\n  |\n\n" },
		/* a place without a column has no caret */
		{ "assert 1 == 2, \"no\"\n",
		  "error[E3M38]: EvaluationError\n --> main.k:1:1\n  |\n1 | assert 1 == 2, \"no\"\n  |  no\n  |\n\n" },
		{ "assert False\n", "error[E3M38]: EvaluationError\n --> main.k:1:1\n  |\n1 | assert False\n  | \n  |\n\n" },
		/* two places, and a note */
		{ "a = 1\na = 2\n", "error[E1001]: ImmutableError\n --> main.k:2:1\n  |\n2 | a = 2\n"
		                    "  | ^ Can not change the value of 'a', because it was declared immutable\n  |\n\n"
		                    " --> main.k:1:1\n  |\n1 | a = 1\n  | ^ The variable 'a' is declared here\n  |\n"
		                    "note: change the variable name to '_a' to make it mutable\n\n" },
		{ "schema S:\n    n: int\n    check:\n        n > 0, \"small\"\ns = S {n = 0}\n",
		  "error[E3M38]: EvaluationError\n --> main.k:5:5\n  |\n5 | s = S {n = 0}\n  |     ^ Instance check failed\n  "
		  "|\n\n"
		  " --> main.k:4:1\n  |\n4 |         n > 0, \"small\"\n"
		  "  |  Check failed on the condition: small\n  |\n\n" },
		/* where the type that is wanted was written */
		{ "schema S:\n    n: int\ns = S {n = \"x\"}\n",
		  "error[E2G22]: TypeError\n --> main.k:3:8\n  |\n3 | s = S {n = \"x\"}\n"
		  "  |        ^ expected int, got str(x)\n  |\n\n"
		  " --> main.k:2:5\n  |\n2 |     n: int\n"
		  "  |     ^ variable is defined here, its type is int, but got str(x)\n  |\n\n" },
		/* where a parameter was declared: of a lambda, of a schema, in the type of a variable */
		{ "f = lambda a, n: int { n }\nx = f(1, \"x\")\n",
		  "error[E2G22]: TypeError\n --> main.k:2:10\n  |\n2 | x = f(1, \"x\")\n"
		  "  |          ^ expected int, got str(x)\n  |\n\n"
		  " --> main.k:1:15\n  |\n1 | f = lambda a, n: int { n }\n"
		  "  |               ^ variable is defined here, its type is int, but got str(x)\n  |\n\n" },
		{ "schema S[n: int]:\n    m = n\ns = S(n=\"x\") {}\n",
		  "error[E2G22]: TypeError\n --> main.k:3:9\n  |\n3 | s = S(n=\"x\") {}\n"
		  "  |         ^ expected int, got str(x)\n  |\n\n"
		  " --> main.k:1:10\n  |\n1 | schema S[n: int]:\n"
		  "  |          ^ variable is defined here, its type is int, but got str(x)\n  |\n\n" },
		/* one place, two declarations: two errors */
		{ "_in = {n = 1, d = {n = 1}}\nschema D:\n    n: str\nschema S:\n    n: str\n    d: D\ns = S {\n    **_in\n}\n",
		  "error[E2G22]: TypeError\n --> main.k:8:7\n  |\n8 |     **_in\n  |       ^ expected str, got int\n  |\n\n"
		  " --> main.k:5:5\n  |\n5 |     n: str\n"
		  "  |     ^ variable is defined here, its type is str, but got int\n  |\n\n"
		  " --> main.k:1:8\n  |\n1 | _in = {n = 1, d = {n = 1}}\n  |        ^ config attribute is defined here\n  |\n\n"
		  "error[E2G22]: TypeError\n --> main.k:8:7\n  |\n8 |     **_in\n  |       ^ expected str, got int\n  |\n\n"
		  " --> main.k:3:5\n  |\n3 |     n: str\n"
		  "  |     ^ variable is defined here, its type is str, but got int\n  |\n\n"
		  " --> main.k:1:20\n  |\n1 | _in = {n = 1, d = {n = 1}}\n"
		  "  |                    ^ config attribute is defined here\n  |\n\n" },
		{ "import kcl_plugin.p\n",
		  "error[E2F04]: CannotFindModule\n --> main.k:1:1\n  |\n1 | import kcl_plugin.p\n"
		  "  | ^ the plugin package `kcl_plugin.p` is not found, please confirm if plugin mode is enabled\n  |\n\n" },
		/* wide characters take two columns */
		{ "a = \"張\" + b\n", "error[E2L23]: CompileError\n --> main.k:1:11\n  |\n1 | a = \"張\" + b\n"
		                      "  |            ^ name 'b' is not defined\n  |\n\n" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		_cleanup_free_ char *text = xstrdup(cases[i].text);
		_cleanup_free_ char *got = shown(text, false);

		assert_string_equal(got, cases[i].shown);
	}
}

static void test_diagnostics_have_a_backtrace(void **state)
{
	char text[] =
		"schema S(B):\n    n: int = f(0)\nschema B:\n    b: int = 1\nf = lambda x {\n    [][x]\n}\ns = S {\n}\n";
	_cleanup_free_ char *got = shown(text, true);

	(void)state;
	assert_non_null(strstr(got, "note: backtrace:\n\t0: lambda\n\t\tat main.k:6\n\t1: S\n\t\tat main.k:2\n"
	                            "\t2: kcl_main\n\t\tat main.k:8\n"));
}

static void test_diagnostics_suggest_names(void **state)
{
	static const struct {
		const char *text, *meant;
	} cases[] = {
		{ "name = 1\na = nmae\n", ", did you mean '[\"name\"]'?" },
		{ "schema S:\n    key1?: int\n    key2?: int\ns = S {key3 = 1}\n", ", did you mean '[\"key1\", \"key2\"]'?" },
		{ "schema S:\n    first?: int\ns = S {frist = 1}\n", ", did you mean '[\"first\"]'?" },
		{ "schema S[size]:\n    n = size\ns = S(sise=1) {}\n", ", did you mean 'size'?" },
		{ "schema S:\n    a?: int\ns = S.instance()\n", ", did you mean '[\"instances\"]'?" },
		{ "a = quux\n", "'quux' is not defined\n" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		_cleanup_free_ char *text = xstrdup(cases[i].text);
		_cleanup_free_ char *got = shown(text, false);

		if (!strstr(got, cases[i].meant))
			fail_msg("%s", got);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_diagnostics_are_shown),
		cmocka_unit_test(test_diagnostics_have_a_backtrace),
		cmocka_unit_test(test_diagnostics_suggest_names),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
