#include "kube/selector.h"

#include "base/str.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static json_t *object_with(const char *labels)
{
	_cleanup_free_ char *text = xasprintf("{\"metadata\":{\"labels\":%s}}", labels);
	json_t *v = json_parse(text, strlen(text), 0, NULL);
	assert_non_null(v);
	return v;
}

static void test_selector_labels_match(void **state)
{
	(void)state;
	static const struct {
		const char *selector, *labels;
		bool matches;
		const char *why;
	} cases[] = {
		{ "", "{}", true, "empty selects all" },
		{ "  ", "{}", true, "blanks are empty" },
		{ "a=b", "{\"a\":\"b\"}", true, "equal" },
		{ "a==b", "{\"a\":\"b\"}", true, "double equals" },
		{ "a=b", "{\"a\":\"c\"}", false, "unequal" },
		{ "a=b", "{}", false, "absent" },
		{ "a=", "{\"a\":\"\"}", true, "the empty value" },
		{ "a=,b=c", "{\"a\":\"\",\"b\":\"c\"}", true, "the empty value before a comma" },
		{ "a!=b", "{\"a\":\"b\"}", false, "not equal" },
		{ "a!=b", "{}", true, "not equal matches absent" },
		{ "a", "{\"a\":\"x\"}", true, "exists" },
		{ "!a", "{\"a\":\"x\"}", false, "does not exist" },
		{ "! a", "{}", true, "does not exist, with a blank" },
		{ "a in (x, y)", "{\"a\":\"y\"}", true, "in" },
		{ "a in (x,y)", "{\"a\":\"z\"}", false, "not in the set" },
		{ "a in (x,)", "{\"a\":\"\"}", true, "a set with the empty value" },
		{ "a in ()", "{\"a\":\"\"}", true, "the empty set holds the empty value" },
		{ "a notin (x,y)", "{\"a\":\"x\"}", false, "notin" },
		{ "a notin (x,y)", "{}", true, "notin matches absent" },
		{ "in in (in)", "{\"in\":\"in\"}", true, "words are keywords only in their place" },
		{ "in=notin", "{\"in\":\"notin\"}", true, "words are keywords only in their place" },
		{ "n>5", "{\"n\":\"6\"}", true, "greater" },
		{ "n>5", "{\"n\":\"5\"}", false, "not greater" },
		{ "n<5", "{\"n\":\"-1\"}", true, "less" },
		{ "n<5", "{\"n\":\"x\"}", false, "not a number" },
		{ "a=1,b in (2),!c,d!=3", "{\"a\":\"1\",\"b\":\"2\"}", true, "all of them" },
		{ "a=1,a=2", "{\"a\":\"1\"}", false, "a contradiction" },
		{ "scia.io/deployment=shop", "{\"scia.io/deployment\":\"shop\"}", true, "a key with a prefix" },
	};
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		_cleanup_err_ struct err e = { 0 };
		_cleanup_(kube_selector_freep) struct kube_selector *s = kube_selector_parse_labels(cases[i].selector, &e);
		if (!s)
			fail_msg("%s: %s: %s", cases[i].why, cases[i].selector, err_message(&e));
		_cleanup_json_ json_t *obj = object_with(cases[i].labels);
		if (kube_selector_matches_labels(s, obj) != cases[i].matches)
			fail_msg("%s: '%s' against %s", cases[i].why, cases[i].selector, cases[i].labels);
	}
}

static void test_selector_labels_refuse(void **state)
{
	(void)state;
	static const char *const bad[] = { ",",          "a,",   "a,,b",  "=b",   "a in", "a in x",    "a in (x",
		                               "a in (x y)", "a b",  "a=b c", "!",    "!a=b", "!a in (x)", "a!b",
		                               "a=(x)",      "-a=b", "a=b/c", "a=-b", "a>x",  "a>",        "a in (x))",
		                               "a=b=c",      "()",   "a/b/c", "a\x01" };
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		_cleanup_err_ struct err e = { 0 };
		_cleanup_(kube_selector_freep) struct kube_selector *s = kube_selector_parse_labels(bad[i], &e);
		if (s)
			fail_msg("'%s' was accepted", bad[i]);
		assert_int_equal(e.kind, ERR_BAD_REQUEST);
	}
}

/* The words of k8s.io/apimachinery/pkg/labels: clients and people know them. */
static void test_selector_errors_are_kubernetes_own(void **state)
{
	(void)state;
	static const struct {
		const char *selector, *message;
	} cases[] = {
		{ "app=shop, tier ~ x", "unable to parse requirement: found '~', expected: in, notin, =, ==, !=, gt, lt" },
		{ "a=b=c", "found '=', expected: ',' or 'end of string'" },
		{ "a in", "unable to parse requirement: found '' expected: '('" },
		{ "a in (", "unable to parse requirement: found '', expected: ',', ')' or identifier" },
		{ "a in (x", "unable to parse requirement: found '', expected: ',' or ')'" },
		{ "a in (x,", "unable to parse requirement: found '', expected: ',', or identifier" },
		{ "a in (x y)", "unable to parse requirement: found 'y', expected: ',' or ')'" },
		{ "=", "found '=', expected: !, identifier, or 'end of string'" },
		{ "!", "unable to parse requirement: found '', expected: identifier" },
		{ "!a=b", "found '=', expected: ',' or 'end of string'" },
		{ "a,", "found '', expected: identifier after ','" },
		{ "a=(x)", "unable to parse requirement: found '(', expected: identifier" },
		{ "a>x",
		  "unable to parse requirement: values[0]: Invalid value: \"x\": for 'Gt', 'Lt' operators, the value must be "
		  "an integer" },
		{ "a/=b",
		  "unable to parse requirement: <nil>: Invalid value: \"a/\": name part must be non-empty; name part must "
		  "consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric "
		  "character (e.g. 'MyName',  or 'my.name',  or '123-abc', regex used for validation is "
		  "'([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]')" },
		{ "a=-b",
		  "unable to parse requirement: values[0][a]: Invalid value: \"-b\": a valid label must be an empty string "
		  "or consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric "
		  "character (e.g. 'MyValue',  or 'my_value',  or '12345', regex used for validation is "
		  "'(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?')" },
	};
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		_cleanup_err_ struct err e = { 0 };
		assert_null(kube_selector_parse_labels(cases[i].selector, &e));
		assert_string_equal(err_message(&e), cases[i].message);
	}
}

static void test_selector_field_errors_are_kubernetes_own(void **state)
{
	(void)state;
	static const struct {
		const char *selector, *message;
	} cases[] = {
		{ "a=1,b", "invalid selector: 'a=1,b'; can't understand 'b'" },
		{ "a=b=c", "invalid field selector: unescaped character in value: 61" },
		{ "a=\\x", "invalid field selector: invalid escape sequence: \\x" },
		{ "a=\\", "invalid field selector: invalid escape sequence: \\" },
	};
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		_cleanup_err_ struct err e = { 0 };
		assert_null(kube_selector_parse_fields(cases[i].selector, &e));
		assert_string_equal(err_message(&e), cases[i].message);
	}
}

static const char *lookup_field(const void *self, const char *name)
{
	return json_get_str(self, name);
}

static void test_selector_fields(void **state)
{
	(void)state;
	static const struct {
		const char *selector, *fields;
		bool matches;
		const char *why;
	} cases[] = {
		{ "", "{}", true, "empty selects all" },
		{ "metadata.name=x", "{\"metadata.name\":\"x\"}", true, "equal" },
		{ "metadata.name==x", "{\"metadata.name\":\"x\"}", true, "double equals" },
		{ "metadata.name!=x", "{\"metadata.name\":\"x\"}", false, "not equal" },
		{ "a=1,b!=2", "{\"a\":\"1\",\"b\":\"3\"}", true, "all of them" },
		{ "a=1,,b=2,", "{\"a\":\"1\",\"b\":\"2\"}", true, "empty terms are skipped" },
		{ "=,!=,a=1", "{\"a\":\"2\"}", false, "nothing is nothing asks for nothing" },
		{ "==", "{\"a\":\"2\"}", true, "nothing is nothing asks for nothing" },
		{ "a=", "{}", true, "an absent field is empty" },
		{ "a!=", "{}", false, "an absent field is empty" },
		{ "a=x\\,y\\=z\\\\", "{\"a\":\"x,y=z\\\\\"}", true, "escapes" },
		{ "reason=It works", "{\"reason\":\"It works\"}", true, "blanks belong to the value" },
	};
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		_cleanup_err_ struct err e = { 0 };
		_cleanup_(kube_selector_freep) struct kube_selector *s = kube_selector_parse_fields(cases[i].selector, &e);
		if (!s)
			fail_msg("%s: %s", cases[i].why, err_message(&e));
		_cleanup_json_ json_t *fields = json_parse(cases[i].fields, strlen(cases[i].fields), 0, NULL);
		if (kube_selector_matches(s, lookup_field, fields) != cases[i].matches)
			fail_msg("%s: '%s' against %s", cases[i].why, cases[i].selector, cases[i].fields);
	}
	static const char *const bad[] = { "a", "a=b=c", "a=\\x", "a=\\", "a!b" };
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		_cleanup_err_ struct err e = { 0 };
		if (kube_selector_parse_fields(bad[i], &e))
			fail_msg("'%s' was accepted", bad[i]);
		assert_int_equal(e.kind, ERR_BAD_REQUEST);
	}
}

static void test_selector_from_json(void **state)
{
	(void)state;
	static const struct {
		const char *selector, *labels;
		int matches; /* -1: refused */
		const char *why;
	} cases[] = {
		{ "null", "{\"a\":\"b\"}", 0, "a null selector selects nothing" },
		{ "{}", "{\"a\":\"b\"}", 1, "an empty one selects everything" },
		{ "{\"matchLabels\":{\"a\":\"b\"}}", "{\"a\":\"b\"}", 1, "labels" },
		{ "{\"matchLabels\":{\"a\":\"b\"}}", "{\"a\":\"c\"}", 0, "labels" },
		{ "{\"matchExpressions\":[{\"key\":\"a\",\"operator\":\"In\",\"values\":[\"x\",\"b\"]}]}", "{\"a\":\"b\"}", 1,
		  "In" },
		{ "{\"matchExpressions\":[{\"key\":\"a\",\"operator\":\"NotIn\",\"values\":[\"b\"]}]}", "{\"a\":\"b\"}", 0,
		  "NotIn" },
		{ "{\"matchExpressions\":[{\"key\":\"a\",\"operator\":\"Exists\"}]}", "{\"a\":\"b\"}", 1, "Exists" },
		{ "{\"matchExpressions\":[{\"key\":\"a\",\"operator\":\"DoesNotExist\",\"values\":[]}]}", "{\"a\":\"b\"}", 0,
		  "DoesNotExist" },
		{ "{\"matchExpressions\":[{\"key\":\"a\",\"operator\":\"In\",\"values\":[]}]}", "{}", -1, "In needs values" },
		{ "{\"matchExpressions\":[{\"key\":\"a\",\"operator\":\"Exists\",\"values\":[\"x\"]}]}", "{}", -1,
		  "Exists takes none" },
		{ "{\"matchExpressions\":[{\"key\":\"a\",\"operator\":\"Gt\",\"values\":[\"1\"]}]}", "{}", -1,
		  "no such operator" },
		{ "{\"matchExpressions\":[7]}", "{}", -1, "not an expression" },
		{ "{\"matchLabels\":{\"a\":1}}", "{}", -1, "values are strings" },
		{ "{\"matchLabels\":{\"a b\":\"1\"}}", "{}", -1, "not a label key" },
		{ "{\"matchLabels\":[]}", "{}", -1, "not an object" },
		{ "[]", "{}", -1, "not an object" },
	};
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		_cleanup_err_ struct err e = { 0 };
		_cleanup_json_ json_t *v = json_parse(cases[i].selector, strlen(cases[i].selector), 0, NULL);
		_cleanup_(kube_selector_freep) struct kube_selector *s = kube_selector_from_json(v, &e);
		_cleanup_json_ json_t *obj = object_with(cases[i].labels);
		int matches = s ? kube_selector_matches_labels(s, obj) : -1;
		if (matches != cases[i].matches)
			fail_msg("%s: %s gave %d", cases[i].why, cases[i].selector, matches);
	}
}

static void test_selector_requirements_are_readable(void **state)
{
	(void)state;
	_cleanup_(kube_selector_freep) struct kube_selector *s = kube_selector_parse_labels("a=b,c in (d,e),f", NULL);
	const char *key, *equals;
	assert_true(kube_selector_requirement(s, 0, &key, &equals));
	assert_string_equal(key, "a");
	assert_string_equal(equals, "b");
	assert_true(kube_selector_requirement(s, 1, &key, &equals));
	assert_string_equal(key, "c");
	assert_null(equals);
	assert_true(kube_selector_requirement(s, 2, &key, &equals));
	assert_null(equals);
	assert_false(kube_selector_requirement(s, 3, &key, &equals));
	assert_false(kube_selector_requirement(NULL, 0, &key, &equals));
	assert_true(kube_selector_is_empty(NULL));
	assert_false(kube_selector_is_empty(s));
}

static void test_selector_is_bounded(void **state)
{
	(void)state;
	_cleanup_buf_ struct buf many = BUF_INIT(1024 * 1024);
	for (int i = 0; i < 1001; i++)
		buf_printf(&many, "%sa%d", i ? "," : "", i);
	_cleanup_err_ struct err e = { 0 };
	assert_null(kube_selector_parse_labels(buf_str(&many), &e));
	assert_string_equal(err_message(&e), "unable to parse requirement: selector: more than 1000 requirements");
	for (int i = 0; i < 20000; i++)
		buf_puts(&many, ",aaaaa");
	err_clear(&e);
	assert_null(kube_selector_parse_labels(buf_str(&many), &e));
	err_clear(&e);
	assert_null(kube_selector_parse_fields(buf_str(&many), &e));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_selector_labels_match),
		cmocka_unit_test(test_selector_labels_refuse),
		cmocka_unit_test(test_selector_errors_are_kubernetes_own),
		cmocka_unit_test(test_selector_field_errors_are_kubernetes_own),
		cmocka_unit_test(test_selector_fields),
		cmocka_unit_test(test_selector_from_json),
		cmocka_unit_test(test_selector_requirements_are_readable),
		cmocka_unit_test(test_selector_is_bounded),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
