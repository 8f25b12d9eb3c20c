#include "syntax/parse.h"

#include "base/str.h"

#include <stdio.h>
#include <string.h>

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

static struct kcl_module *parse(const char *text, struct kcl_diagnostics *d)
{
	return kcl_parse("main.k", text, strlen(text), d);
}

/* The tree of a program that must be right. */
static struct kcl_module *parse_right(const char *text)
{
	struct kcl_diagnostics d = { 0 };
	struct kcl_module *m = parse(text, &d);

	if (d.errors > 0)
		fail_msg("%s\n%u:%u: %s", text, d.items[0].line, d.items[0].column, d.items[0].message);
	kcl_diagnostics_clear(&d);
	return m;
}

/* The value of the first statement, `x = …`. */
static const struct kcl_expr *value_of(const struct kcl_module *m)
{
	assert_int_equal(m->body->kind, KCL_STMT_ASSIGN);
	return m->body->assign.value;
}

static void test_parse_accepts_the_language(void **state)
{
	(void)state;
	static const char *const programs[] = {
		"",
		"\n\n# only a comment",
		"a = 1",
		"a = b = c.d[0].e = 1",
		"a: int | str = 1",
		"a: {str:[int]} = {}",
		"a: (int, str) -> bool = f",
		"a: \"x\" | 1Ki | True | 1.5 = 1",
		"a.b += [1]",
		"f(1, x=2)",
		"f(\n    1,\n    x=2,\n)",
		"x = 1 if a else 2 if b else 3",
		"x = a is not b and c not in d or not e",
		"x = a as pkg.T",
		"x = a?.b?[0]?.c",
		"x = a[1:2:3] + a[:] + a[::2]",
		"x = \"a\" +\\\n    \"b\"",
		"x = [1, *ys, if a: 1, if b:\n    2\n    3\nelif c:\n    4\nelse:\n    5\n]",
		"x = [\n    1\n    2,\n\n    # between\n    3\n]",
		"x = [a + b for a, b in xs if a for c in d if b]",
		"x = {k: v for k, v in xs if v}",
		"x = {a: 1, \"b\" = 2, c.d += [3], e[0]: 4, **f}",
		"x = {\n    a: 1\n    if b:\n        c: 2\n    elif d: e = 3\n    else:\n        **f\n}",
		"x = all a in xs { a > 1 if a }",
		"x = map k, v in {a = 1} {\n    k + v\n}",
		"x = lambda a: int, b = 1 -> int {\n    c = a\n    c + b\n}",
		"x = lambda { 1 }",
		"x = lambda {a: int,\n    b: int\n} -> int {\n    a + b\n}",
		"x = Person(1, b=2) { name = \"n\", pkg.T {} : 1 }",
		"p: Person {\n    name = \"n\"\n}",
		"p: Person(1) {}",
		"if a:\n    b = 1\nelif c:\n    d = 2\nelse:\n    e = 3",
		"if a: b = 1\nelse: c = 2",
		"assert a if b, \"message\"",
		"import a.b as c\nimport ..up\nimport .same",
		"type A = int | str\nx: A = 1",
		"schema A:\n    \"\"\"Doc.\"\"\"\n    a: int\n    b?: str = \"x\"\n    \"c-d\"?: int\n    [...str]: int = 1\n  "
		"  "
		"check:\n        a > 1 if b, \"message\"\n        b\n",
		"@deprecated(version=\"1\")\nschema A[x: int, y = 2](pkg.Base) for P:\n    mixin [M, N]\n    @info\n    a: int "
		"= x\n"
		"    if y:\n        a = 2\n    c = [1]\n    assert a\n",
		"schema A:\n    mixin [\n        M,\n        N\n    ]\n    a: int\n",
		"mixin M for P:\n    a: int\nprotocol P:\n    a: int\n",
		"rule R[a](S, T) for P:\n    a > 1, \"m\"\n",
		"$if = 1\n$schema = $if",
		"schema A:\n\ta: int\n\tb: int\n",
		"a = 1\r\nif a:\r\n    b = 2\r\n\r\n    c = 3\r\n",
		("\xef\xbb\xbf"
		 "a = 1"),
		"\xe5\x90\x8d = 1",
	};

	for (size_t i = 0; i < ARRAY_SIZE(programs); i++)
		kcl_module_free(parse_right(programs[i]));
}

static void test_parse_numbers(void **state)
{
	(void)state;
	static const struct {
		const char *text;
		int64_t i;
		double f;
		enum kcl_unit unit;
	} cases[] = {
		{ "0", 0, 0, KCL_UNIT_NONE },        { "42", 42, 0, KCL_UNIT_NONE },
		{ "1_000", 1000, 0, KCL_UNIT_NONE }, { "0x1F", 31, 0, KCL_UNIT_NONE },
		{ "0b101", 5, 0, KCL_UNIT_NONE },    { "0o17", 15, 0, KCL_UNIT_NONE },
		{ "017", 15, 0, KCL_UNIT_NONE },     { "9223372036854775807", INT64_MAX, 0, KCL_UNIT_NONE },
		{ "1Ki", 1, 0, KCL_UNIT_Ki },        { "3n", 3, 0, KCL_UNIT_n },
		{ "1.5", 0, 1.5, KCL_UNIT_NONE },    { "1.", 0, 1, KCL_UNIT_NONE },
		{ "2e3", 0, 2000, KCL_UNIT_NONE },   { "2.5E-1", 0, 0.25, KCL_UNIT_NONE },
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		char text[64];

		snprintf(text, sizeof(text), "x = %s", cases[i].text);

		struct kcl_module *m = parse_right(text);
		const struct kcl_expr *e = value_of(m);

		assert_int_equal(e->kind, KCL_EXPR_NUMBER);
		assert_int_equal(e->number.i, cases[i].i);
		assert_true(e->number.f == cases[i].f);
		assert_int_equal(e->number.is_float, cases[i].f != 0);
		assert_int_equal(e->number.unit, cases[i].unit);
		kcl_module_free(m);
	}
}

/* Names are what Unicode says: letters of any script, then marks and digits too. */
static void test_parse_names(void **state)
{
	static const char *const fine[] = { "é", "名前", "имя", "ª", "𝐀", "क\xe0\xa4\xbe", "a\xcc\x81", "x٣", "ꙮ" };
	static const char *const wrong[] = { "×", "€", "٣", "\xcc\x81", "😀", "“", "①" };

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(fine); i++) {
		_cleanup_free_ char *text = xasprintf("%s = 1", fine[i]);
		struct kcl_module *m = parse_right(text);

		kcl_module_free(m);
	}
	for (size_t i = 0; i < ARRAY_SIZE(wrong); i++) {
		_cleanup_free_ char *text = xasprintf("%s = 1", wrong[i]);
		struct kcl_diagnostics d = { 0 };
		struct kcl_module *m = parse(text, &d);

		assert_true(d.errors > 0);
		kcl_module_free(m);
		kcl_diagnostics_clear(&d);
	}
}

static void test_parse_strings(void **state)
{
	(void)state;
	static const struct {
		const char *written, *means;
	} cases[] = {
		{ "\"a\"", "a" },
		{ "'a\"b'", "a\"b" },
		{ "\"a\\\"b\\n\\t\\\\\"", "a\"b\n\t\\" },
		{ "\"\\x41\\101\\u00e9\\U0001F600\"", "AA\xc3\xa9\xf0\x9f\x98\x80" },
		{ "\"\\q\"", "\\q" },
		{ "r\"a\\nb${c}\"", "a\\nb${c}" },
		{ "R'\\''", "\\'" },
		{ "\"a\\\nb\"", NULL },
		{ "\"\"\"a\"b\"\"\"", "a\"b" },
		{ "\"\"\"\n    a\n      b\n    \"\"\"", "a\n  b\n" },
		{ "\"\"\"a\n  b\"\"\"", "a\n  b" },
		{ "\"\"", "" },
		{ "\"$x {y}\"", "$x {y}" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		_cleanup_free_ char *text = xasprintf("x = %s", cases[i].written);

		if (!cases[i].means) /* a string in single quotes ends with its line */
			continue;

		struct kcl_module *m = parse_right(text);
		const struct kcl_expr *e = value_of(m);

		assert_int_equal(e->kind, KCL_EXPR_STRING);
		assert_string_equal(e->string.s, cases[i].means);
		assert_string_equal(e->string.raw, cases[i].written);
		kcl_module_free(m);
	}
}

static void test_parse_interpolation(void **state)
{
	(void)state;
	struct kcl_module *m = parse_right("x = \"a${b + 1}c${d: #json}\\${e}\"");
	const struct kcl_expr *e = value_of(m);

	assert_int_equal(e->kind, KCL_EXPR_JOINED);
	assert_int_equal(e->joined.len, 5);
	assert_string_equal(e->joined.parts[0].text, "a");
	assert_int_equal(e->joined.parts[1].expr->kind, KCL_EXPR_BINARY);
	assert_int_equal(e->joined.parts[1].expr->span.column, 9);
	assert_string_equal(e->joined.parts[2].text, "c");
	assert_string_equal(e->joined.parts[3].format, "#json");
	assert_string_equal(e->joined.parts[4].text, "${e}");
	kcl_module_free(m);

	m = parse_right("x = \"\"\"\n  line\n  ${y}\n  \"\"\"");
	e = value_of(m);
	assert_int_equal(e->joined.len, 3);
	assert_string_equal(e->joined.parts[0].text, "line\n");
	assert_int_equal(e->joined.parts[1].expr->span.line, 3);
	assert_int_equal(e->joined.parts[1].expr->span.column, 5);
	kcl_module_free(m);
}

static void test_parse_precedence(void **state)
{
	(void)state;
	struct kcl_module *m = parse_right("x = 1 + 2 * 3 ** 4 < 5 and not a in b");
	const struct kcl_expr *e = value_of(m);

	assert_int_equal(e->kind, KCL_EXPR_LOGIC);
	assert_int_equal(e->logic.left->kind, KCL_EXPR_COMPARE);
	assert_int_equal(e->logic.left->compare.first->binary.op, KCL_OP_ADD);
	assert_int_equal(e->logic.left->compare.first->binary.right->binary.op, KCL_OP_MUL);
	assert_int_equal(e->logic.left->compare.first->binary.right->binary.right->binary.op, KCL_OP_POW);
	/* an unary operator binds closer than any other */
	assert_int_equal(e->logic.right->kind, KCL_EXPR_COMPARE);
	assert_int_equal(e->logic.right->compare.first->kind, KCL_EXPR_UNARY);
	kcl_module_free(m);

	m = parse_right("x = a < b <= c");
	e = value_of(m);
	assert_int_equal(e->compare.len, 2);
	assert_int_equal(e->compare.ops[1], KCL_CMP_LE);
	assert_int_equal(e->span.end_column, 15);
	kcl_module_free(m);
}

static void test_parse_entries(void **state)
{
	(void)state;
	struct kcl_module *m = parse_right(
		"x = {\n    a.b: 1\n    \"c.d\" = 2\n    e[1] += [3]\n    **f\n    if g:\n        h: 4\n}");
	const struct kcl_config_entry *entry = value_of(m)->config.entries;

	assert_int_equal(entry->key->name.len, 2);
	assert_int_equal(entry->op, KCL_ENTRY_UNION);
	entry = entry->next;
	assert_int_equal(entry->key->kind, KCL_EXPR_STRING);
	assert_int_equal(entry->op, KCL_ENTRY_OVERRIDE);
	entry = entry->next;
	assert_int_equal(entry->key->kind, KCL_EXPR_SUBSCRIPT);
	assert_int_equal(entry->op, KCL_ENTRY_INSERT);
	entry = entry->next;
	assert_int_equal(entry->kind, KCL_ENTRY_UNPACK);
	entry = entry->next;
	assert_int_equal(entry->kind, KCL_ENTRY_IF);
	assert_string_equal(entry->entries->key->name.items[0].s, "h");
	assert_null(entry->next);
	kcl_module_free(m);
}

static void test_parse_schema(void **state)
{
	(void)state;
	struct kcl_module *m = parse_right(
		"schema A[x: int, y = 2](p.Base):\n    \"\"\"Doc.\"\"\"\n    mixin [M]\n    a?: int = 1\n"
		"    b = a\n    [k: str]: int\n    check:\n        a > 1, \"m\"\n");
	const struct kcl_schema_stmt *s = &m->body->schema;

	assert_string_equal(s->name.s, "A");
	assert_int_equal(s->params.len, 2);
	assert_string_equal(s->parent.items[1].s, "Base");
	assert_string_equal(s->doc, "Doc.");
	assert_int_equal(s->mixins_len, 1);
	assert_int_equal(s->body->kind, KCL_STMT_ATTR);
	assert_true(s->body->attr.is_optional);
	assert_int_equal(s->body->next->kind, KCL_STMT_ASSIGN);
	assert_string_equal(s->index_signature->key_name.s, "k");
	assert_int_equal(s->checks.len, 1);
	assert_non_null(s->checks.items[0].message);
	kcl_module_free(m);
}

static void test_parse_reports_where(void **state)
{
	(void)state;
	static const struct {
		const char *text;
		uint32_t line, column;
		const char *part;
	} cases[] = {
		{ "a = ", 1, 5, "expected one of [\"identifier\"" },
		{ "a = 1, 2", 1, 6, "unexpected token ','" },
		{ "a = (1", 1, 7, "[\")\"]" },
		{ "a = [1\nb = 2", 2, 3, "got =" },
		{ "a = 1mi", 1, 5, "suffix" },
		{ "a = 0x", 1, 5, "no valid digits" },
		{ "a = 0b12", 1, 8, "base 2" },
		{ "a = 99999999999999999999", 1, 5, "64 bits" },
		{ "a = \"b", 1, 5, "unterminated" },
		{ "a = \"\\xzz\"", 1, 6, "invalid string" },
		{ "a = \"${b = 1}\"", 1, 8, "interpolation" },
		{ "a = \"${b: json}\"", 1, 11, "without #" },
		{ "a = !b", 1, 5, "not" },
		{ "a = 1;", 1, 6, "semicolon" },
		{ "a = )", 1, 5, "nesting" },
		{ "a = [1)", 1, 7, "nesting" },
		{ "if a:\n    b = 1\nelse if c:\n    d = 1", 3, 1, "elif" },
		{ "f(a=1, 2)", 1, 8, "positional" },
		{ "1 + 2 = 3", 1, 1, "illegal" },
		{ "a[0:1] = 3", 1, 1, "slice" },
		{ "a?.b = 3", 1, 1, "optional" },
		{ "a: int", 1, 7, "\"=\"" },
		{ "schema A\n    a: int", 1, 9, "\":\"" },
		{ "schema A:\n    a: int\n  b: int", 3, 3, "2 spaces" },
		{ "schema A:\n    a: int\n\tb: int", 3, 2, "tabs" },
		{ "schema A:\n    [str]: int\n    [str]: int", 3, 5, "duplicate" },
		{ "x = [i for i() in d]", 1, 13, "\"in\"" },
		{ "a = 1\n\xff", 2, 1, "UTF-8" },
		{ "a = 1 as 2", 1, 5, "must be a type" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct kcl_diagnostics d = { 0 };
		struct kcl_module *m = parse(cases[i].text, &d);

		if (d.len == 0)
			fail_msg("accepted: %s", cases[i].text);
		print_message("%s: %s\n", cases[i].text, d.items[0].message);
		assert_int_equal(d.items[0].line, cases[i].line);
		assert_int_equal(d.items[0].column, cases[i].column);
		assert_non_null(strstr(d.items[0].message, cases[i].part));
		kcl_module_free(m);
		kcl_diagnostics_clear(&d);
	}
}

static void test_parse_goes_on_after_an_error(void **state)
{
	(void)state;
	struct kcl_diagnostics d = { 0 };
	struct kcl_module *m = parse("a = \nb = (2\nc = 3\nd = 1 2\n", &d);
	const struct kcl_stmt *last = m->body;

	assert_int_equal(d.errors, 2);
	while (last->next)
		last = last->next;
	assert_int_equal(last->span.line, 4);
	kcl_module_free(m);
	kcl_diagnostics_clear(&d);
}

static void test_parse_bounds_nesting(void **state)
{
	(void)state;
	static const char *const openings[] = {
		"[",         "(",         "{a: ",      "- ",      "f(",   "lambda { ", "1 if a else ", "x + ", "a.b[",
		"all a in ", "if a: ",    "[if a: ",   "{if a: ", "f()(", "a?.b().",   "T {a = ",      "*",    "[1 for a in ",
		"a: [",      "a: {str: ", "a: (int, ", "\"${",    "1 < ", "a as ",
	};

	for (size_t i = 0; i < ARRAY_SIZE(openings); i++) {
		_cleanup_buf_ struct buf text = BUF_INIT(1000000);
		struct kcl_diagnostics d = { 0 };

		buf_puts(&text, "x = ");
		for (int n = 0; n < 20000; n++)
			buf_puts(&text, openings[i]);
		kcl_module_free(parse(buf_str(&text), &d));
		if (d.errors == 0)
			fail_msg("accepted: %s", openings[i]);
		kcl_diagnostics_clear(&d);
	}
}

/* Dotted names stand for as many nested things as they have dots. */
static void test_parse_bounds_names(void **state)
{
	(void)state;
	static const struct {
		const char *before, *behind;
	} cases[] = { { "x = a", "" }, { "x = a?", "" }, { "x = {a", " = 1}" }, { "_x", " = 1" }, { "x: a", " = 1" } };

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		_cleanup_buf_ struct buf text = BUF_INIT(1000000);
		struct kcl_diagnostics d = { 0 };

		buf_puts(&text, cases[i].before);
		for (int n = 0; n < 50000; n++)
			buf_puts(&text, ".b");
		buf_puts(&text, cases[i].behind);
		kcl_module_free(parse(buf_str(&text), &d));
		assert_int_equal(d.errors, 1);
		assert_non_null(strstr(d.items[0].message, "nested too deeply"));
		kcl_diagnostics_clear(&d);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_parse_accepts_the_language),
		cmocka_unit_test(test_parse_numbers),
		cmocka_unit_test(test_parse_names),
		cmocka_unit_test(test_parse_strings),
		cmocka_unit_test(test_parse_interpolation),
		cmocka_unit_test(test_parse_precedence),
		cmocka_unit_test(test_parse_entries),
		cmocka_unit_test(test_parse_schema),
		cmocka_unit_test(test_parse_reports_where),
		cmocka_unit_test(test_parse_goes_on_after_an_error),
		cmocka_unit_test(test_parse_bounds_nesting),
		cmocka_unit_test(test_parse_bounds_names),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
