#include "syntax/parse.h"

#include "base/str.h"
#include "syntax/printer.h"

#include <string.h>

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

static char *format(const char *text)
{
	_cleanup_buf_ struct buf out = BUF_INIT(1000000);
	struct kcl_diagnostics d = { 0 };
	struct kcl_module *m = kcl_parse("main.k", text, strlen(text), &d);

	if (d.errors > 0)
		fail_msg("%s\n%u:%u: %s", text, d.items[0].line, d.items[0].column, d.items[0].message);
	kcl_format(m, &out);
	kcl_module_free(m);
	return buf_steal(&out);
}

static void test_format_lays_out(void **state)
{
	(void)state;
	static const struct {
		const char *text, *formatted;
	} cases[] = {
		{ "", "" },
		{ "a=1", "a = 1\n" },
		{ "a  =  b+c *-d", "a = b + c * -d\n" },
		{ "a = not b and c if d else e", "a = not b and c if d else e\n" },
		{ "a:int|str=1", "a: int | str = 1\n" },
		{ "x={a=1,b:2}", "x = {a = 1, b: 2}\n" },
		{ "x={\na=1,b:2}", "x = {\n    a = 1\n    b: 2\n}\n" },
		{ "x={a={b=1}}", "x = {\n    a = {b = 1}\n}\n" },
		{ "x=[\n1,\n2,\n]", "x = [\n    1\n    2\n]\n" },
		{ "x=[if a: 1]", "x = [\n    if a:\n        1\n]\n" },
		{ "f( 1,k = 2 )", "f(1, k=2)\n" },
		{ "f(\n    1,\n    2,\n)", "f(1, 2)\n" },
		{ "a = 1\n\n\n\nb = 2", "a = 1\n\nb = 2\n" },
		{ "import b\nimport a\nx = 1", "import b\nimport a\n\nx = 1\n" },
		{ "a = 1 # one", "# one\na = 1\n" },
		{ "a = 0x10 + 1.50 + 2Ki", "a = 16 + 1.50 + 2Ki\n" },
		{ "a = 'b' + \"\"\"c\n  d\"\"\"", "a = 'b' + \"\"\"c\n  d\"\"\"\n" },
		{ "$if=$schema", "$if = $schema\n" },
		{ "x = lambda a:int,b=1->int{a+b}", "x = lambda a: int, b = 1 -> int {\n    a + b\n}\n" },
		{ "if a:\n  b=1\nelif c:\n  d=2\nelse:\n  e=3", "if a:\n    b = 1\nelif c:\n    d = 2\nelse:\n    e = 3\n" },
		{ "schema A[x:int](B):\n  \"\"\"Doc\"\"\"\n  a?:int=1# c\n  check:\n   a>1,\"m\"",
		  "schema A[x: int](B):\n    \"\"\"Doc\"\"\"\n    # c\n    a?: int = 1\n\n    check:\n        a > 1, \"m\"\n" },
		{ "schema A:\n  mixin [B,C]\n  [n: ...str]: int",
		  "schema A:\n    mixin [\n        B,\n        C\n    ]\n    [n: ...str]: int\n" },
		{ "x = T(1) {a = 2}", "x = T(1) {a = 2}\n" },
		{ "type A=int|[str]", "type A = int | [str]\n" },
		{ "@info(a=1)\nschema A:\n  @info\n  b:int", "@info(a=1)\nschema A:\n    @info()\n    b: int\n" },
		{ "x = [\n    # first\n    1\n    # last\n]", "x = [\n    # first\n    1\n    # last\n]\n" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		_cleanup_free_ char *once = format(cases[i].text), *twice = format(once);

		assert_string_equal(once, cases[i].formatted);
		assert_string_equal(twice, once);
	}
}

static void test_format_tells_trees_apart(void **state)
{
	(void)state;
	static const struct {
		const char *a, *b;
		bool same;
	} cases[] = {
		{ "a = 1", "a  =  1 # c", true },
		{ "a = 1", "a = 2", false },
		{ "a = b.c", "a = b.d", false },
		{ "a = T() {}", "a = T {}", true },
		{ "a = {b: 1}", "a = {b = 1}", false },
		{ "a = lambda x { x }", "a = lambda x -> any { x }", true },
		{ "a = lambda x { x }", "a = lambda x -> int { x }", false },
		{ "schema A:\n    a: int", "schema A:\n    a?: int", false },
		{ "a = [x for x in y]", "a = [x for x in y if x]", false },
		{ "a = \"b\"", "a = 'b'", true },
		{ "a = \"${b}\"", "a = \"${c}\"", false },
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct kcl_diagnostics d = { 0 };
		struct kcl_module *a = kcl_parse("a.k", cases[i].a, strlen(cases[i].a), &d);
		struct kcl_module *b = kcl_parse("b.k", cases[i].b, strlen(cases[i].b), &d);

		assert_int_equal(d.errors, 0);
		print_message("%s ~ %s\n", cases[i].a, cases[i].b);
		assert_int_equal(kcl_same_tree(a, b), cases[i].same);
		kcl_module_free(a);
		kcl_module_free(b);
	}
}

/* Names are copied from their places in the line, which are looked for from the last one on, not from its start. */
static void test_format_long_lines(void **state)
{
	(void)state;
	_cleanup_buf_ struct buf text = BUF_INIT(4000000);

	buf_puts(&text, "a = {");
	for (int i = 0; i < 30000; i++)
		buf_printf(&text, "%sk%d: \"é\" + x.y%d", i > 0 ? ", " : "", i, i);
	buf_puts(&text, "}\n");
	_cleanup_free_ char *formatted = format(buf_str(&text));
	assert_string_equal(formatted, buf_str(&text));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_format_lays_out),
		cmocka_unit_test(test_format_tells_trees_apart),
		cmocka_unit_test(test_format_long_lines),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
