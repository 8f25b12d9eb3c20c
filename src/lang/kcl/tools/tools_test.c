#include "kcl_tools.h"

#include "base/str.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

static struct kcl_source source(const char *name, const char *text)
{
	return (struct kcl_source){ .name = name, .text = text, .len = strlen(text) };
}

static const char schema[] =
	"schema Port:\n    number: int\n    name?: str\n\n    check:\n        0 < number < 65536\n";

/* ---- vet ---- */

static void test_vet(void **state)
{
	static const struct {
		const char *data;
		const char *file; /* where the first error is; NULL: valid */
		unsigned line;
	} cases[] = {
		{ "number: 80\nname: web\n", NULL, 0 },
		{ "[{\"number\": 1}, {\"number\": 2}]", NULL, 0 },
		{ "name: 'a${b}c\\n'\nnumber: 1", NULL, 0 },
		{ "number: 80\nnmae: web\n", "data.yaml", 2 },
		{ "name: web\nnumber: eighty\n", "data.yaml", 2 },
		{ "- number: 80\n- number: 70000\n", "data.yaml", 2 },
		{ "number: [", "data.yaml", 0 },
		{ "80", "data.yaml", 0 },
	};
	const struct kcl_source program = source("port.k", schema);

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct kcl_vet_options o = { .program = { .sources = &program, .sources_len = 1 },
			                         .data = source("data.yaml", cases[i].data) };
		struct kcl_diagnostics d = { 0 };

		assert_int_equal(kcl_vet(&o, &d), cases[i].file ? -1 : 0);
		if (cases[i].file) {
			assert_true(d.len > 0);
			if (!str_eq(d.items[0].file, cases[i].file) || d.items[0].line != cases[i].line)
				fail_msg("%s: %s:%u: %s", cases[i].data, d.items[0].file, d.items[0].line, d.items[0].message);
		}
		kcl_diagnostics_clear(&d);
	}
}

static void test_vet_needs_a_schema(void **state)
{
	const struct kcl_source program = source("none.k", "a = 1\n");
	struct kcl_vet_options o = { .program = { .sources = &program, .sources_len = 1 }, .data = source("d", "a: 1") };
	struct kcl_diagnostics d = { 0 };

	(void)state;
	assert_int_equal(kcl_vet(&o, &d), -1);
	assert_string_equal(d.items[0].message, "the program has no schema");
	kcl_diagnostics_clear(&d);
}

/* ---- test ---- */

static void note(void *self, const struct kcl_test_result *r)
{
	buf_printf(self, "%s %s;", r->name, r->passed ? "passes" : r->diagnostics->items[0].message);
}

static void test_tests(void **state)
{
	const struct kcl_source sources[] = {
		source("port.k", schema),
		source("port_test.k", "test_a = lambda {\n    assert Port {number = 1}.number == 1\n}\n"
		                      "helper = lambda {\n    1\n}\n"
		                      "test_b = lambda {\n    assert False, \"no\"\n}\n"
		                      "test_c = lambda {\n    print(\"c\")\n}\n"),
	};
	_cleanup_buf_ struct buf seen = BUF_INIT(1000);
	struct kcl_test_options o = { .program = { .sources = sources, .sources_len = ARRAY_SIZE(sources) },
		                          .report = note,
		                          .self = &seen };
	struct kcl_test_summary summary;
	struct kcl_diagnostics d = { 0 };

	(void)state;
	assert_int_equal(kcl_test(&o, &summary, &d), 0);
	assert_string_equal(buf_str(&seen), "test_a passes;test_b no;test_c passes;");
	assert_int_equal(summary.passed, 2);
	assert_int_equal(summary.failed, 1);

	buf_reset(&seen);
	o.pattern = "_[bc]$";
	o.fail_fast = true;
	assert_int_equal(kcl_test(&o, &summary, &d), 0);
	assert_string_equal(buf_str(&seen), "test_b no;");

	o.pattern = "(";
	assert_int_equal(kcl_test(&o, &summary, &d), -1);
	kcl_diagnostics_clear(&d);
}

/* ---- doc and fmt ---- */

static void test_doc(void **state)
{
	const struct kcl_source sources[] = { source(
		"a.k",
		"schema Base:\n    id: int\n\n"
		"schema Site(Base):\n    \"\"\"What people see.\n\n    Attributes\n    ----------\n    size : int | str\n"
		"        How large\n        it is.\n\n    Examples\n    --------\n    s = Site {}\n    \"\"\"\n"
		"    size?: int | str = \"a|b\"\n    _private: int = 1\n") };
	_cleanup_buf_ struct buf out = BUF_INIT(10000);
	struct kcl_diagnostics d = { 0 };

	(void)state;
	assert_int_equal(kcl_doc("sites", sources, 1, &out, &d), 0);
	assert_string_equal(buf_str(&out),
	                    "# sites\n\n## Index\n\n- [Base](#base)\n- [Site](#site)\n\n## Schemas\n\n### Base\n\n"
	                    "#### Attributes\n\n| name | type | description | default value |\n"
	                    "| --- | --- | --- | --- |\n|**id** `required`|int|||\n\n"
	                    "### Site\n\nWhat people see.\n\nExtends `Base`.\n\n"
	                    "#### Attributes\n\n| name | type | description | default value |\n"
	                    "| --- | --- | --- | --- |\n|**size**|int \\| str|How large<br />it is.|\"a\\|b\"|\n\n"
	                    "#### Examples\n\n```python\ns = Site {}\n```\n\n");
}

static void test_fmt(void **state)
{
	const struct kcl_source good = source("a.k", "a   =  1\n"), bad = source("a.k", "a = = 1\n");
	_cleanup_buf_ struct buf out = BUF_INIT(1000);
	struct kcl_diagnostics d = { 0 };

	(void)state;
	assert_int_equal(kcl_fmt(&good, &out, &d), 0);
	assert_string_equal(buf_str(&out), "a = 1\n");
	assert_int_equal(kcl_fmt(&bad, &out, &d), -1);
	kcl_diagnostics_clear(&d);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_vet),   cmocka_unit_test(test_vet_needs_a_schema),
		cmocka_unit_test(test_tests), cmocka_unit_test(test_doc),
		cmocka_unit_test(test_fmt),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
