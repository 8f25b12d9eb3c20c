#include "codec/patch.h"

#include <string.h>

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

static json_t *parse(const char *text)
{
	json_t *v = json_parse(text, strlen(text), 0, NULL);
	if (!v)
		fail_msg("does not parse: %s", text);
	return v;
}

static void assert_json(const json_t *v, const char *expected)
{
	_cleanup_json_ json_t *want = parse(expected);
	_cleanup_free_ char *got = json_canonical(v), *wanted = json_canonical(want);
	assert_string_equal(got, wanted);
}

static void test_patch_rfc_6902_appendix_a(void **state)
{
	(void)state;
	static const struct {
		const char *section, *doc, *patch, *result;
	} cases[] = {
		{ "A.1", "{\"foo\":\"bar\"}", "[{\"op\":\"add\",\"path\":\"/baz\",\"value\":\"qux\"}]",
		  "{\"baz\":\"qux\",\"foo\":\"bar\"}" },
		{ "A.2", "{\"foo\":[\"bar\",\"baz\"]}", "[{\"op\":\"add\",\"path\":\"/foo/1\",\"value\":\"qux\"}]",
		  "{\"foo\":[\"bar\",\"qux\",\"baz\"]}" },
		{ "A.3", "{\"baz\":\"qux\",\"foo\":\"bar\"}", "[{\"op\":\"remove\",\"path\":\"/baz\"}]", "{\"foo\":\"bar\"}" },
		{ "A.4", "{\"foo\":[\"bar\",\"qux\",\"baz\"]}", "[{\"op\":\"remove\",\"path\":\"/foo/1\"}]",
		  "{\"foo\":[\"bar\",\"baz\"]}" },
		{ "A.5", "{\"baz\":\"qux\",\"foo\":\"bar\"}", "[{\"op\":\"replace\",\"path\":\"/baz\",\"value\":\"boo\"}]",
		  "{\"baz\":\"boo\",\"foo\":\"bar\"}" },
		{ "A.6", "{\"foo\":{\"bar\":\"baz\",\"waldo\":\"fred\"},\"qux\":{\"corge\":\"grault\"}}",
		  "[{\"op\":\"move\",\"from\":\"/foo/waldo\",\"path\":\"/qux/thud\"}]",
		  "{\"foo\":{\"bar\":\"baz\"},\"qux\":{\"corge\":\"grault\",\"thud\":\"fred\"}}" },
		{ "A.7", "{\"foo\":[\"all\",\"grass\",\"cows\",\"eat\"]}",
		  "[{\"op\":\"move\",\"from\":\"/foo/1\",\"path\":\"/foo/3\"}]",
		  "{\"foo\":[\"all\",\"cows\",\"eat\",\"grass\"]}" },
		{ "A.8", "{\"baz\":\"qux\",\"foo\":[\"a\",2,\"c\"]}",
		  "[{\"op\":\"test\",\"path\":\"/baz\",\"value\":\"qux\"},{\"op\":\"test\",\"path\":\"/foo/1\",\"value\":2}]",
		  "{\"baz\":\"qux\",\"foo\":[\"a\",2,\"c\"]}" },
		{ "A.10", "{\"foo\":\"bar\"}", "[{\"op\":\"add\",\"path\":\"/child\",\"value\":{\"grandchild\":{}}}]",
		  "{\"foo\":\"bar\",\"child\":{\"grandchild\":{}}}" },
		{ "A.11", "{\"foo\":\"bar\"}", "[{\"op\":\"add\",\"path\":\"/baz\",\"value\":\"qux\",\"xyz\":123}]",
		  "{\"foo\":\"bar\",\"baz\":\"qux\"}" },
		{ "A.14", "{\"/\":9,\"~1\":10}", "[{\"op\":\"test\",\"path\":\"/~01\",\"value\":10}]", "{\"/\":9,\"~1\":10}" },
		{ "A.16", "{\"foo\":[\"bar\"]}", "[{\"op\":\"add\",\"path\":\"/foo/-\",\"value\":[\"abc\",\"def\"]}]",
		  "{\"foo\":[\"bar\",[\"abc\",\"def\"]]}" },
	};
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		_cleanup_json_ json_t *doc = parse(cases[i].doc), *patch = parse(cases[i].patch);
		_cleanup_err_ struct err err = { 0 };
		print_message("%s\n", cases[i].section);
		_cleanup_json_ json_t *result = json_patch_apply(doc, patch, &err);
		assert_string_equal(err_message(&err), "");
		assert_json(result, cases[i].result);
		assert_json(doc, cases[i].doc);
		assert_json(patch, cases[i].patch);
	}
}

static void test_patch_applies(void **state)
{
	(void)state;
	static const struct {
		const char *doc, *patch, *result, *reason;
	} cases[] = {
		{ "{}", "[]", "{}", "no operation" },
		{ "{\"a\":1}", "[{\"op\":\"add\",\"path\":\"\",\"value\":[1]}]", "[1]", "add replaces the whole document" },
		{ "{\"a\":1}", "[{\"op\":\"replace\",\"path\":\"\",\"value\":null}]", "null", "so does replace" },
		{ "{\"a\":1}", "[{\"op\":\"add\",\"path\":\"/a\",\"value\":null}]", "{\"a\":null}",
		  "add over a member; null is a value" },
		{ "[1,2]", "[{\"op\":\"add\",\"path\":\"/2\",\"value\":3}]", "[1,2,3]", "add behind the last element" },
		{ "[]", "[{\"op\":\"add\",\"path\":\"/0\",\"value\":3}]", "[3]", "add to an empty array" },
		{ "[1,2]", "[{\"op\":\"replace\",\"path\":\"/0\",\"value\":9}]", "[9,2]", "replace an element" },
		{ "{\"a\":{\"b\":1}}", "[{\"op\":\"copy\",\"from\":\"/a\",\"path\":\"/a/b\"}]", "{\"a\":{\"b\":{\"b\":1}}}",
		  "a value may be copied into itself" },
		{ "{\"a\":{\"b\":1}}",
		  "[{\"op\":\"copy\",\"from\":\"/a\",\"path\":\"/c\"},{\"op\":\"replace\",\"path\":\"/c/b\",\"value\":2}]",
		  "{\"a\":{\"b\":1},\"c\":{\"b\":2}}", "a copy is a copy" },
		{ "{\"a\":{\"b\":1}}", "[{\"op\":\"move\",\"from\":\"/a/b\",\"path\":\"/a\"}]", "{\"a\":1}",
		  "move over the parent" },
		{ "{\"a\":{\"b\":1}}", "[{\"op\":\"move\",\"from\":\"/a/b\",\"path\":\"\"}]", "1", "move over the document" },
		{ "{\"a\":1}", "[{\"op\":\"move\",\"from\":\"/a\",\"path\":\"/a\"}]", "{\"a\":1}", "move to itself" },
		{ "{\"a\":{},\"ab\":1}",
		  "[{\"op\":\"move\",\"from\":\"/a\",\"path\":\"/ab/\"},{\"op\":\"test\",\"path\":\"\",\"value\":0}]", NULL,
		  "a name that only begins alike is no parent" },
		{ "{\"a\":1,\"b\":{\"x\":[1.0]}}",
		  "[{\"op\":\"test\",\"path\":\"/a\",\"value\":1.0},{\"op\":\"test\",\"path\":\"/b\",\"value\":{\"x\":[1]}}]",
		  "{\"a\":1,\"b\":{\"x\":[1]}}", "numbers are tested by value" },
		{ "{\"foo\":1}", "[{\"op\":\"test\",\"path\":\"/foo\",\"value\":\"1\"}]", NULL, "A.15: a string is no number" },
		{ "{\"\":1}", "[{\"op\":\"remove\",\"path\":\"/\"}]", "{}", "an empty member name" },
		{ "{\"a\":[1,2,3]}", "[{\"op\":\"remove\",\"path\":\"/a/0\"},{\"op\":\"remove\",\"path\":\"/a/0\"}]",
		  "{\"a\":[3]}", "indices are of the array as it has become" },
	};
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		_cleanup_json_ json_t *doc = parse(cases[i].doc), *patch = parse(cases[i].patch);
		print_message("%s\n", cases[i].reason);
		_cleanup_json_ json_t *result = json_patch_apply(doc, patch, NULL);
		if (cases[i].result)
			assert_json(result, cases[i].result);
		else
			assert_null(result);
		assert_json(doc, cases[i].doc);
		assert_json(patch, cases[i].patch);
	}
}

static void test_patch_refuses(void **state)
{
	(void)state;
	static const struct {
		const char *doc, *patch;
		enum err_kind kind;
		const char *message;
	} cases[] = {
		{ "{}", "{}", ERR_BAD_REQUEST, "JSON patch: it must be an array of operations" },
		{ "{}", "[1]", ERR_BAD_REQUEST, "JSON patch: operation 0 (? \"\"): an operation must be an object" },
		{ "{}", "[{\"path\":\"/a\"}]", ERR_BAD_REQUEST,
		  "JSON patch: operation 0 (? \"/a\"): \"op\" is missing or no string" },
		{ "{}", "[{\"op\":\"spam\",\"path\":\"/a\"}]", ERR_BAD_REQUEST,
		  "JSON patch: operation 0 (? \"/a\"): \"spam\" is no operation: use add, remove, replace, move, copy or "
		  "test" },
		{ "{}", "[{\"op\":\"add\",\"value\":1}]", ERR_BAD_REQUEST,
		  "JSON patch: operation 0 (add \"\"): \"path\" is missing or no string" },
		{ "{}", "[{\"op\":\"add\",\"path\":\"a\",\"value\":1}]", ERR_BAD_REQUEST,
		  "JSON patch: operation 0 (add \"a\"): \"path\" is no valid JSON pointer: \"a\"" },
		{ "{}", "[{\"op\":\"add\",\"path\":\"/a\"}]", ERR_BAD_REQUEST,
		  "JSON patch: operation 0 (add \"/a\"): \"value\" is missing" },
		{ "{\"a\":1}", "[{\"op\":\"test\",\"path\":\"/a\"}]", ERR_BAD_REQUEST,
		  "JSON patch: operation 0 (test \"/a\"): \"value\" is missing" },
		{ "{\"a\":1}", "[{\"op\":\"copy\",\"path\":\"/b\"}]", ERR_BAD_REQUEST,
		  "JSON patch: operation 0 (copy \"/b\"): \"from\" is missing or no string" },
		{ "{\"a\":1}", "[{\"op\":\"remove\",\"path\":\"/a\"},{\"op\":\"remove\",\"path\":\"/a\"}]", ERR_INVALID,
		  "JSON patch: operation 1 (remove \"/a\"): there is no member \"a\"" },
		{ "{}", "[{\"op\":\"replace\",\"path\":\"/a\",\"value\":1}]", ERR_INVALID,
		  "JSON patch: operation 0 (replace \"/a\"): there is no member \"a\"" },
		{ "{\"foo\":\"bar\"}", "[{\"op\":\"add\",\"path\":\"/baz/bat\",\"value\":\"qux\"}]", ERR_INVALID,
		  "JSON patch: operation 0 (add \"/baz/bat\"): there is no member \"baz\"" },
		{ "{\"a\":1}", "[{\"op\":\"add\",\"path\":\"/a/b\",\"value\":1}]", ERR_INVALID,
		  "JSON patch: operation 0 (add \"/a/b\"): the parent is neither object nor array" },
		{ "{\"a\":1}", "[{\"op\":\"test\",\"path\":\"/a/b\",\"value\":1}]", ERR_INVALID,
		  "JSON patch: operation 0 (test \"/a/b\"): \"b\" is looked for in a value that is neither object nor array" },
		{ "[1]", "[{\"op\":\"add\",\"path\":\"/2\",\"value\":1}]", ERR_INVALID,
		  "JSON patch: operation 0 (add \"/2\"): \"2\" is no place in the array of 1" },
		{ "[1]", "[{\"op\":\"add\",\"path\":\"/00\",\"value\":1}]", ERR_INVALID,
		  "JSON patch: operation 0 (add \"/00\"): \"00\" is no place in the array of 1" },
		{ "[1]", "[{\"op\":\"add\",\"path\":\"/-1\",\"value\":1}]", ERR_INVALID,
		  "JSON patch: operation 0 (add \"/-1\"): \"-1\" is no place in the array of 1" },
		{ "[1]", "[{\"op\":\"replace\",\"path\":\"/1\",\"value\":1}]", ERR_INVALID,
		  "JSON patch: operation 0 (replace \"/1\"): there is no element \"1\" in the array of 1" },
		{ "[1]", "[{\"op\":\"remove\",\"path\":\"/-\"}]", ERR_INVALID,
		  "JSON patch: operation 0 (remove \"/-\"): there is no element \"-\" in the array of 1" },
		{ "[1]", "[{\"op\":\"replace\",\"path\":\"/-\",\"value\":1}]", ERR_INVALID,
		  "JSON patch: operation 0 (replace \"/-\"): there is no element \"-\" in the array of 1" },
		{ "{}", "[{\"op\":\"remove\",\"path\":\"\"}]", ERR_INVALID,
		  "JSON patch: operation 0 (remove \"\"): the whole document cannot be removed" },
		{ "{\"a\":{\"b\":1}}", "[{\"op\":\"move\",\"from\":\"/a\",\"path\":\"/a/b\"}]", ERR_INVALID,
		  "JSON patch: operation 0 (move \"/a/b\"): \"from\" is the parent of \"path\": a value cannot move into "
		  "itself" },
		{ "{\"a\":1}", "[{\"op\":\"move\",\"from\":\"\",\"path\":\"/a\"}]", ERR_INVALID,
		  "JSON patch: operation 0 (move \"/a\"): \"from\" is the parent of \"path\": a value cannot move into "
		  "itself" },
		{ "{\"s\":\"secret\"}", "[{\"op\":\"test\",\"path\":\"/s\",\"value\":\"guess\"}]", ERR_INVALID,
		  "JSON patch: operation 0 (test \"/s\"): the test failed: the value there is another" },
	};
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		_cleanup_json_ json_t *doc = parse(cases[i].doc), *patch = parse(cases[i].patch);
		_cleanup_err_ struct err err = { 0 };
		assert_null(json_patch_apply(doc, patch, &err));
		assert_string_equal(err_message(&err), cases[i].message);
		assert_int_equal(err.kind, cases[i].kind);
		assert_json(doc, cases[i].doc);
	}
}

/* Each operation doubles what is there. */
static void test_patch_copies_cannot_explode(void **state)
{
	(void)state;
	_cleanup_json_ json_t *doc = parse("{\"a\":\"0123456789012345678901234567890123456789\"}");
	_cleanup_json_ json_t *copy = parse("{\"op\":\"copy\",\"from\":\"\",\"path\":\"/x\"}"), *patch = json_array();
	for (int i = 0; i < 30; i++) {
		json_t *operation = json_clone(copy);
		char path[16];
		snprintf(path, sizeof(path), "/x%d", i);
		json_put_str(operation, "path", path);
		json_array_append_new(patch, operation);
	}
	_cleanup_err_ struct err err = { 0 };
	assert_null(json_patch_apply(doc, patch, &err));
	assert_int_equal(err.kind, ERR_INVALID);
	assert_non_null(strstr(err_message(&err), "larger than 16777216 bytes"));
}

static void test_patch_cannot_nest_too_deep(void **state)
{
	(void)state;
	_cleanup_json_ json_t *doc = parse("{\"a\":{},\"b\":{}}"), *patch = json_array();
	_cleanup_buf_ struct buf path = BUF_INIT(10000);
	/* b moves ever deeper below a, a level at a time. */
	for (int i = 0; i < JSON_DEPTH_MAX; i++) {
		buf_puts(&path, "/a");
		json_t *operation = json_object();
		json_put_str(operation, "op", "add");
		json_put_str(operation, "path", path.data);
		json_put(operation, "value", json_object());
		json_array_append_new(patch, operation);
	}
	_cleanup_err_ struct err err = { 0 };
	assert_null(json_patch_apply(doc, patch, &err));
	assert_non_null(strstr(err_message(&err), "operation 255 (add "));
	assert_non_null(strstr(err_message(&err), "nested deeper than 256 levels"));

	json_array_remove(patch, JSON_DEPTH_MAX - 1);
	_cleanup_json_ json_t *fits = json_patch_apply(doc, patch, NULL);
	assert_non_null(fits);
	json_t *operation = json_object();
	json_put_str(operation, "op", "move");
	json_put_str(operation, "from", "/b");
	json_put_str(operation, "path", path.data);
	json_array_append_new(patch, operation);
	err_clear(&err);
	assert_null(json_patch_apply(doc, patch, &err));
	assert_non_null(strstr(err_message(&err), "operation 255 (move "));
}

static void test_patch_operations_are_limited(void **state)
{
	(void)state;
	_cleanup_json_ json_t *doc = parse("{\"a\":1}"), *test = parse("{\"op\":\"test\",\"path\":\"/a\",\"value\":1}");
	_cleanup_json_ json_t *patch = json_array();
	for (int i = 0; i < JSON_PATCH_OPS_MAX; i++)
		json_array_append(patch, test);
	_cleanup_json_ json_t *result = json_patch_apply(doc, patch, NULL);
	assert_json(result, "{\"a\":1}");
	json_array_append(patch, test);
	_cleanup_err_ struct err err = { 0 };
	assert_null(json_patch_apply(doc, patch, &err));
	assert_int_equal(err.kind, ERR_BAD_REQUEST);
}

static void test_merge_patch_rfc_7386_appendix_a(void **state)
{
	(void)state;
	static const struct {
		const char *doc, *patch, *result;
	} cases[] = {
		{ "{\"a\":\"b\"}", "{\"a\":\"c\"}", "{\"a\":\"c\"}" },
		{ "{\"a\":\"b\"}", "{\"b\":\"c\"}", "{\"a\":\"b\",\"b\":\"c\"}" },
		{ "{\"a\":\"b\"}", "{\"a\":null}", "{}" },
		{ "{\"a\":\"b\",\"b\":\"c\"}", "{\"a\":null}", "{\"b\":\"c\"}" },
		{ "{\"a\":[\"b\"]}", "{\"a\":\"c\"}", "{\"a\":\"c\"}" },
		{ "{\"a\":\"c\"}", "{\"a\":[\"b\"]}", "{\"a\":[\"b\"]}" },
		{ "{\"a\":{\"b\":\"c\"}}", "{\"a\":{\"b\":\"d\",\"c\":null}}", "{\"a\":{\"b\":\"d\"}}" },
		{ "{\"a\":[{\"b\":\"c\"}]}", "{\"a\":[1]}", "{\"a\":[1]}" },
		{ "[\"a\",\"b\"]", "[\"c\",\"d\"]", "[\"c\",\"d\"]" },
		{ "{\"a\":\"b\"}", "[\"c\"]", "[\"c\"]" },
		{ "{\"a\":\"foo\"}", "null", "null" },
		{ "{\"a\":\"foo\"}", "\"bar\"", "\"bar\"" },
		{ "{\"e\":null}", "{\"a\":1}", "{\"e\":null,\"a\":1}" },
		{ "[1,2]", "{\"a\":\"b\",\"c\":null}", "{\"a\":\"b\"}" },
		{ "{}", "{\"a\":{\"bb\":{\"ccc\":null}}}", "{\"a\":{\"bb\":{}}}" },
	};
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		_cleanup_json_ json_t *doc = parse(cases[i].doc), *patch = parse(cases[i].patch);
		_cleanup_json_ json_t *result = json_merge_patch_apply(doc, patch);
		assert_json(result, cases[i].result);
		assert_json(doc, cases[i].doc);
		assert_json(patch, cases[i].patch);
	}
}

static void test_merge_patch_shares_nothing(void **state)
{
	(void)state;
	_cleanup_json_ json_t *doc = parse("{\"kept\":{\"x\":1},\"merged\":{\"y\":{}}}");
	_cleanup_json_ json_t *patch = parse("{\"new\":{\"z\":1},\"merged\":{\"w\":1}}");
	_cleanup_json_ json_t *result = json_merge_patch_apply(doc, patch);
	json_put_int(json_object_get(result, "kept"), "x", 2);
	json_put_int(json_object_get(result, "new"), "z", 2);
	json_put_int(json_at(result, "merged", "y", NULL), "q", 2);
	assert_json(doc, "{\"kept\":{\"x\":1},\"merged\":{\"y\":{}}}");
	assert_json(patch, "{\"new\":{\"z\":1},\"merged\":{\"w\":1}}");
}

static void test_merge_patch_diff_leads_there(void **state)
{
	(void)state;
	static const struct {
		const char *from, *to, *diff;
	} cases[] = {
		{ "{\"a\":1}", "{\"a\":1}", "{}" },
		{ "{\"a\":1}", "{\"a\":1.0}", "{}" },
		{ "{\"a\":1,\"b\":{\"c\":1,\"d\":2}}", "{\"b\":{\"c\":1,\"d\":3}}", "{\"a\":null,\"b\":{\"d\":3}}" },
		{ "{}", "{\"a\":{\"b\":[1]}}", "{\"a\":{\"b\":[1]}}" },
		{ "{\"a\":\"x\"}", "{\"a\":{}}", "{\"a\":{}}" },
		{ "{\"a\":{\"b\":1}}", "{\"a\":{}}", "{\"a\":{\"b\":null}}" },
		{ "{\"a\":[1,2]}", "{\"a\":[1]}", "{\"a\":[1]}" },
		{ "{\"a\":null}", "{}", "{\"a\":null}" },
		{ "[1]", "{\"a\":1}", "{\"a\":1}" },
		{ "{\"a\":1}", "[1]", "[1]" },
	};
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		_cleanup_json_ json_t *from = parse(cases[i].from), *to = parse(cases[i].to);
		_cleanup_json_ json_t *diff = json_merge_patch_diff(from, to);
		assert_json(diff, cases[i].diff);
		_cleanup_json_ json_t *result = json_merge_patch_apply(from, diff);
		assert_json(result, cases[i].to);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_patch_rfc_6902_appendix_a),
		cmocka_unit_test(test_patch_applies),
		cmocka_unit_test(test_patch_refuses),
		cmocka_unit_test(test_patch_copies_cannot_explode),
		cmocka_unit_test(test_patch_cannot_nest_too_deep),
		cmocka_unit_test(test_patch_operations_are_limited),
		cmocka_unit_test(test_merge_patch_rfc_7386_appendix_a),
		cmocka_unit_test(test_merge_patch_shares_nothing),
		cmocka_unit_test(test_merge_patch_diff_leads_there),
	};
	return cmocka_run_group_tests_name("patch", tests, NULL, NULL);
}
