#include "check/check.h"

#include "base/str.h"
#include "check/types.h"
#include "syntax/parse.h"

#include <string.h>

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

/* A program of one file, or of a main package that imports `lib`. */
struct program {
	struct kcl_module *modules[2];
	struct kcl_package packages[2];
	struct kcl_diagnostics diagnostics;
	struct kcl_checked *checked;
};

static void check(struct program *p, const char *text, const char *lib)
{
	const char *texts[] = { text, lib }, *paths[] = { "__main__", "lib" };
	struct kcl_packages packages = { .items = p->packages, .len = lib ? 2 : 1 };

	*p = (struct program){ 0 };
	for (uint32_t i = 0; i < packages.len; i++) {
		p->modules[i] = kcl_parse(i ? "lib.k" : "main.k", texts[i], strlen(texts[i]), &p->diagnostics);
		p->packages[i] = (struct kcl_package){ .path = paths[i], .modules = &p->modules[i], .modules_len = 1 };
	}
	packages.items = p->packages;
	p->checked = kcl_check(&packages, NULL, &p->diagnostics);
}

static void done(struct program *p)
{
	kcl_checked_free(p->checked);
	kcl_module_free(p->modules[0]);
	kcl_module_free(p->modules[1]);
	kcl_diagnostics_clear(&p->diagnostics);
}

static void test_check_accepts_right_programs(void **state)
{
	(void)state;
	static const char *const programs[] = {
		"a = 1\nb = a + 1.5\nc = \"${a}\" + str(b)",
		"x: int | str = 1\nx2: [int] = [1, 2]\nx3: {str:int} = {a = 1}",
		"_a = 1\n_a = 2\n_a += 1",
		"a = b\nb = 1",
		"schema A:\n    n: int\n    s?: str\na = A {n = 1}\nb = a.n + 1",
		"schema A:\n    b: B\nschema B:\n    n: int = 1\na = A {b.n = 2}\nc = A {b: {n = 3}}",
		"schema A[x: int]:\n    n: int = x\na = A(1) {}\nb = A(x=2)",
		"schema Base:\n    n: int\nschema A(Base):\n    s: str\na: Base = A {n = 1, s = \"\"}",
		"schema M_Mixin:\n    n: int\nschema A:\n    mixin [M_Mixin]\na = A {n = 1}",
		"schema A:\n    [...str]: int\na = A {any_name = 1}",
		"f = lambda x: int, y: int = 1 -> int {\n    x + y\n}\na = f(1)\nb = f(1, y=2)",
		"type T = \"a\" | \"b\"\nt: T = \"a\"",
		"a = [i * 2 for i in [1, 2] if i > 1]\nb = {k: v for k, v in {x = 1}}\nc = all i in [1] { i > 0 }",
		"a = {x = 1}\nb = a.x\nc = a[\"x\"]\nd = [1][0]\ne = \"abc\"[0]",
		"a = 1 as int\nb = None\nc = b == 1",
		"rule R:\n    n > 1\nprotocol PProtocol:\n    n: int\nmixin XMixin for PProtocol:\n    m = n\n",
		"@deprecated(version=\"1\")\nschema A:\n    @info(a=1)\n    n?: int\n",
		"schema Node:\n    next?: Node\n    value: int\na = Node {value = 1, next = Node {value = 2}}\nb = Node {**a}",
		"schema A:\n    n: int\n    if n > 1:\n        m = 1\n    check:\n        n > 0 if n, \"n\"\n",
	};

	for (size_t i = 0; i < ARRAY_SIZE(programs); i++) {
		struct program p;

		check(&p, programs[i], NULL);
		if (p.diagnostics.errors > 0)
			fail_msg("%s\n%u:%u: %s", programs[i], p.diagnostics.items[0].line, p.diagnostics.items[0].column,
			         p.diagnostics.items[0].message);
		done(&p);
	}
}

static void test_check_reports_where(void **state)
{
	(void)state;
	static const struct {
		const char *text;
		uint32_t line, column;
		const char *code, *part;
	} cases[] = {
		{ "a = b", 1, 5, "CompileError", "'b' is not defined" },
		{ "a = 1\na = 2", 2, 1, "ImmutableError", "immutable" },
		{ "a = 1\na += 2", 2, 1, "ImmutableError", "modified" },
		{ "a: int = \"x\"", 1, 1, "TypeError", "expected int, got str(x)" },
		{ "a: [int] = [\"x\"]", 1, 1, "TypeError", "expected [int], got [str(x)]" },
		{ "a: \"x\" | \"y\" = \"z\"", 1, 1, "TypeError", "expected str(x) | str(y), got str(z)" },
		{ "a = 1 + \"x\"", 1, 5, "TypeError", "unsupported operand" },
		{ "a = 1 // 0", 1, 5, "TypeError", "by zero" },
		{ "a = \"x\" < 1", 1, 5, "TypeError", "unsupported operand" },
		{ "a = -\"x\"", 1, 6, "TypeError", "bad operand" },
		{ "a = 1\nb = a.c", 2, 5, "TypeError", "attribute 'c' not found" },
		{ "a = 1\nb = a[0]", 2, 5, "CompileError", "not subscriptable" },
		{ "a = 1\nb = a()", 2, 5, "CompileError", "not callable" },
		{ "a = [i for i in 1]", 1, 17, "CompileError", "not iterable" },
		{ "a = {**1}", 1, 8, "CompileError", "** unpack" },
		{ "f = lambda x: int { x }\na = f(\"s\")", 2, 7, "TypeError", "expected int" },
		{ "f = lambda x: int { x }\na = f()", 2, 5, "CompileError", "expected 1 positional argument, found 0" },
		{ "f = lambda x { x }\na = f(1, 2)", 2, 10, "CompileError", "takes 1 positional argument but 2" },
		{ "f = lambda x { x }\na = f(1, z=2)", 2, 10, "CompileError", "unexpected keyword" },
		{ "f = lambda x = 1, y { x }", 1, 16, "IllegalParameterError", "non-default" },
		{ "f = lambda x: int -> str { x }", 1, 28, "TypeError", "expected str, got int" },
		{ "schema A:\n    n: int\na = A {m = 1}", 3, 8, "CompileError", "Cannot add member 'm'" },
		{ "schema A:\n    n: int\na = A {n = \"x\"}", 3, 8, "TypeError", "expected int" },
		{ "schema A:\n    n: int = \"x\"", 2, 5, "TypeError", "expected int" },
		{ "schema A:\n    n: int\nschema A:\n    n: int", 3, 1, "UniqueKeyError", "'A'" },
		{ "schema A(B):\n    n: int\nschema B(A):\n    n: int", 1, 8, "CompileError", "circular" },
		{ "a = 1\nschema A(a):\n    n: int", 2, 10, "IllegalInheritError", "expect schema" },
		{ "schema A:\n    n: int\nschema B(A):\n    n: str", 4, 5, "TypeError", "can't change schema field type" },
		{ "schema M:\n    n: int\nschema A:\n    mixin [M]", 4, 12, "NameError", "should end with 'Mixin'" },
		{ "schema A:\n    [str]: str\n    n: int", 3, 5, "IndexSignatureError", "does not meet" },
		{ "@nothing\nschema A:\n    n: int", 1, 2, "CompileError", "decorator nothing" },
		{ "schema A:\n    n: Missing", 2, 8, "CompileError", "'Missing' is not defined" },
		{ "a = \"${1: #xml}\"", 1, 8, "CompileError", "#xml" },
		{ "a = \"x\" as int", 1, 5, "TypeError", "Conversion" },
		{ "a = {1: 2}", 1, 6, "IllegalAttributeError", "must be string type" },
		{ "import lib\na = lib.nothing", 2, 5, "TypeError", "attribute 'nothing' not found" },
		{ "import lib\na = lib.S {n = \"x\"}", 2, 12, "TypeError", "expected int" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct program p;

		check(&p, cases[i].text, str_starts_with(cases[i].text, "import") ? "schema S:\n    n: int\n" : NULL);
		if (p.diagnostics.len == 0)
			fail_msg("accepted: %s", cases[i].text);

		const struct kcl_diagnostic *d = &p.diagnostics.items[0];

		print_message("%s\n  %u:%u: %s: %s\n", cases[i].text, d->line, d->column, d->code, d->message);
		assert_string_equal(d->code, cases[i].code);
		assert_int_equal(d->line, cases[i].line);
		assert_int_equal(d->column, cases[i].column);
		assert_non_null(strstr(d->message, cases[i].part));
		done(&p);
	}
}

static void test_check_answers_the_evaluator(void **state)
{
	(void)state;
	struct program p;

	check(&p, "import lib as l\nschema A(l.S):\n    m?: str = \"x\"\ntype T = int | [A]\nx: {str:l.S} = {}\n",
	      "schema S:\n    n: int\n");
	assert_int_equal(p.diagnostics.errors, 0);
	assert_string_equal(kcl_checked_import(p.checked, p.modules[0], "l"), "lib");
	assert_null(kcl_checked_import(p.checked, p.modules[0], "m"));

	const struct kcl_type *a = kcl_checked_type(p.checked, "__main__", "A");

	assert_int_equal(a->tag, KCL_T_SCHEMA);
	assert_string_equal(a->schema->base->schema->name, "S");
	assert_true(kcl_schema_attr(a->schema, "n")->type->tag == KCL_T_INT);
	assert_true(kcl_schema_attr(a->schema, "m")->is_optional);
	assert_string_equal(kcl_checked_type(p.checked, "lib", "S")->text, "lib.S");
	assert_int_equal(kcl_checked_type(p.checked, "__main__", "T")->tag, KCL_T_UNION);
	assert_null(kcl_checked_type(p.checked, "__main__", "x"));

	const struct kcl_stmt *last = p.modules[0]->body;

	while (last->next)
		last = last->next;
	assert_string_equal(kcl_checked_written(p.checked, p.modules[0], last->assign.type)->text, "{str:lib.S}");
	assert_int_equal(kcl_checked_written(p.checked, p.modules[0], NULL)->tag, KCL_T_ANY);
	done(&p);
}

static void test_check_joins_types(void **state)
{
	(void)state;
	struct arena *arena = arena_new();
	struct kcl_types ts;

	kcl_types_init(&ts, arena);

	struct kcl_number one = { .i = 1 }, two = { .i = 2 };
	const struct kcl_type *items[] = { kcl_type_number(&ts, &one), kcl_type_number(&ts, &two), kcl_type_str(&ts, "a"),
		                               kcl_type_number(&ts, &one) };
	const struct kcl_type *all = kcl_type_sup(&ts, items, 4);

	assert_string_equal(kcl_type_shown(all, arena), "int(1) | int(2) | str(a)");
	assert_string_equal(kcl_type_annotation(all, arena), "1 | 2 | \"a\"");
	assert_string_equal(kcl_type_shown(kcl_type_infer(&ts, all), arena), "int | str");
	assert_ptr_equal(kcl_type_list(&ts, all), kcl_type_list(&ts, kcl_type_sup(&ts, items, 3)));
	assert_ptr_equal(kcl_type_sup2(&ts, items[0], kcl_type_basic(KCL_T_FLOAT)), kcl_type_basic(KCL_T_FLOAT));
	assert_true(kcl_type_assignable(&ts, items[0], kcl_type_basic(KCL_T_FLOAT)));
	assert_false(kcl_type_assignable(&ts, kcl_type_basic(KCL_T_FLOAT), kcl_type_basic(KCL_T_INT)));
	assert_true(kcl_type_assignable(&ts, kcl_type_basic(KCL_T_NONE), kcl_type_basic(KCL_T_INT)));
	kcl_types_done(&ts);
	arena_free(arena);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_check_accepts_right_programs),
		cmocka_unit_test(test_check_reports_where),
		cmocka_unit_test(test_check_answers_the_evaluator),
		cmocka_unit_test(test_check_joins_types),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
