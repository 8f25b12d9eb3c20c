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
		{ "{\"a\":1}", "null", "{\"a\":1}", "no patch" },
		{ "{\"a\":1}", "[{\"op\":\"replace\",\"path\":\"\",\"value\":[1]}]", "[1]", "replace the whole document" },
		{ "{\"a\":1}", "[{\"op\":\"add\",\"path\":\"/a\",\"value\":null}]", "{\"a\":null}",
		  "add over a member; null is a value" },
		{ "{}", "[{\"op\":\"add\",\"path\":\"/a\"}]", "{\"a\":null}", "no value is null" },
		{ "[1,2]", "[{\"op\":\"add\",\"path\":\"/2\",\"value\":3}]", "[1,2,3]", "add behind the last element" },
		{ "[]", "[{\"op\":\"add\",\"path\":\"/0\",\"value\":3}]", "[3]", "add to an empty array" },
		{ "[1,2]", "[{\"op\":\"add\",\"path\":\"/-1\",\"value\":3}]", "[1,2,3]", "add counts one place more" },
		{ "[1,2]", "[{\"op\":\"replace\",\"path\":\"/-1\",\"value\":3}]", "[1,3]", "from the end" },
		{ "[1,2]", "[{\"op\":\"remove\",\"path\":\"/-2\"}]", "[2]", "from the end" },
		{ "[1,2]", "[{\"op\":\"replace\",\"path\":\"/00\",\"value\":9}]", "[9,2]", "as Atoi reads it" },
		{ "[1,2]", "[{\"op\":\"replace\",\"path\":\"/0\",\"value\":9}]", "[9,2]", "replace an element" },
		{ "{}", "[{\"op\":\"replace\",\"path\":\"/a\",\"value\":1}]", "{\"a\":1}", "replace adds a member" },
		{ "{}", "[{\"op\":\"add\",\"path\":\"x/a\",\"value\":1}]", "{\"a\":1}",
		  "what is before the first / is not looked at" },
		{ "{\"a\":{\"b\":1}}", "[{\"op\":\"copy\",\"from\":\"/a\",\"path\":\"/a/b\"}]", "{\"a\":{\"b\":{\"b\":1}}}",
		  "a value may be copied into itself" },
		{ "{\"a\":{}}", "[{\"op\":\"copy\",\"from\":\"/a/b\",\"path\":\"/c\"}]", "{\"a\":{},\"c\":null}",
		  "a missing member copies as null" },
		{ "{\"a\":{\"b\":1}}",
		  "[{\"op\":\"copy\",\"from\":\"/a\",\"path\":\"/c\"},{\"op\":\"replace\",\"path\":\"/c/b\",\"value\":2}]",
		  "{\"a\":{\"b\":1},\"c\":{\"b\":2}}", "a copy is a copy" },
		{ "{\"a\":{\"b\":1}}", "[{\"op\":\"move\",\"from\":\"/a/b\",\"path\":\"/a\"}]", "{\"a\":1}",
		  "move over the parent" },
		{ "{\"a\":1}", "[{\"op\":\"move\",\"from\":\"/a\",\"path\":\"/a\"}]", "{\"a\":1}", "move to itself" },
		{ "{\"foo\":1}", "[{\"op\":\"test\",\"path\":\"/foo\",\"value\":\"1\"}]", NULL, "A.15: a string is no number" },
		{ "{\"a\":1}", "[{\"op\":\"test\",\"path\":\"/a\",\"value\":1.0}]", NULL,
		  "numbers are tested as they are written" },
		{ "{}", "[{\"op\":\"test\",\"path\":\"/a\",\"value\":null}]", "{}", "what is not there equals null" },
		{ "{\"a\":1}", "[{\"op\":\"test\",\"path\":\"\",\"value\":{\"a\":1}}]", "{\"a\":1}",
		  "test the whole document" },
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
		{ "{}", "{}", ERR_BAD_REQUEST, "json: cannot unmarshal object into Go value of type []handlers.jsonPatchOp" },
		{ "{}", "[1]", ERR_BAD_REQUEST, "json: cannot unmarshal number into Go value of type handlers.jsonPatchOp" },
		{ "{}", "[{\"op\":\"add\",\"path\":1}]", ERR_BAD_REQUEST,
		  "json: cannot unmarshal number into Go struct field jsonPatchOp.path of type string" },
		{ "{}", "[{\"path\":\"/a\"}]", ERR_INVALID, "Unexpected kind: unknown" },
		{ "{}", "[{\"op\":\"spam\",\"path\":\"/a\"}]", ERR_INVALID, "Unexpected kind: spam" },
		{ "{}", "[{\"op\":\"add\",\"value\":1}]", ERR_INVALID, "add operation failed to decode path: missing value" },
		{ "{}", "[{\"op\":\"add\",\"path\":\"\",\"value\":{}}]", ERR_INVALID,
		  "add operation does not apply: doc is missing path: \"\": missing value" },
		{ "{}", "[{\"op\":\"replace\",\"path\":\"\",\"value\":1}]", ERR_INVALID,
		  "replace operation value must be object or array" },
		{ "{\"a\":1}", "[{\"op\":\"copy\",\"path\":\"/b\"}]", ERR_INVALID,
		  "copy operation failed to decode from: operation, missing from field: missing value" },
		{ "{\"a\":1}", "[{\"op\":\"remove\",\"path\":\"/a\"},{\"op\":\"remove\",\"path\":\"/a\"}]", ERR_INVALID,
		  "error in remove for path: '/a': Unable to remove nonexistent key: a: missing value" },
		{ "{\"foo\":\"bar\"}", "[{\"op\":\"add\",\"path\":\"/baz/bat\",\"value\":\"qux\"}]", ERR_INVALID,
		  "add operation does not apply: doc is missing path: \"/baz/bat\": missing value" },
		{ "{\"a\":null}", "[{\"op\":\"add\",\"path\":\"/a/b\",\"value\":1}]", ERR_INVALID,
		  "add operation does not apply: doc is missing path: \"/a/b\": missing value" },
		{ "{\"a\":1}", "[{\"op\":\"test\",\"path\":\"/a/b\",\"value\":1}]", ERR_INVALID,
		  "test operation does not apply: is missing path: /a/b: missing value" },
		{ "[1]", "[{\"op\":\"add\",\"path\":\"/2\",\"value\":1}]", ERR_INVALID,
		  "error in add for path: '/2': Unable to access invalid index: 2: invalid index referenced" },
		{ "[1]", "[{\"op\":\"replace\",\"path\":\"/1\",\"value\":1}]", ERR_INVALID,
		  "replace operation does not apply: doc is missing key: /1: missing value" },
		{ "[1]", "[{\"op\":\"remove\",\"path\":\"/-\"}]", ERR_INVALID,
		  "error in remove for path: '/-': strconv.Atoi: parsing \"-\": invalid syntax" },
		{ "{}", "[{\"op\":\"remove\",\"path\":\"\"}]", ERR_INVALID,
		  "remove operation does not apply: doc is missing path: \"\": missing value" },
		{ "{\"a\":{\"b\":1}}", "[{\"op\":\"move\",\"from\":\"/a\",\"path\":\"/a/b\"}]", ERR_INVALID,
		  "move operation does not apply: doc is missing destination path: /a/b: missing value" },
		{ "{\"a\":1}", "[{\"op\":\"move\",\"from\":\"\",\"path\":\"/a\"}]", ERR_INVALID,
		  "move operation does not apply: doc is missing from path: : missing value" },
		{ "{\"s\":\"secret\"}", "[{\"op\":\"test\",\"path\":\"/s\",\"value\":\"guess\"}]", ERR_INVALID,
		  "testing value /s failed: test failed" },
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
	_cleanup_json_ json_t *doc = parse("{\"a\":{\"s\":\"0123456789012345678901234567890123456789\"}}");
	_cleanup_json_ json_t *copy = parse("{\"op\":\"copy\",\"from\":\"/a\",\"path\":\"/x\"}"), *patch = json_array();
	for (int i = 0; i < 30; i++) {
		json_t *operation = json_clone(copy);
		char path[16];
		snprintf(path, sizeof(path), "/a/x%d", i);
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
	assert_non_null(strstr(err_message(&err), "nested deeper"));
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
	assert_int_equal(err.kind, ERR_TOO_LARGE);
	assert_string_equal(
		err_message(&err),
		"Request entity is too large: The allowed maximum operations in a JSON patch is 10000, got 10001");
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

/* Where Kubernetes differs from the RFC: in an array that takes the place of no object, null members go. */
static void test_merge_patch_drops_nulls_in_arrays(void **state)
{
	(void)state;
	_cleanup_json_ json_t *doc = parse("{\"a\":[1],\"b\":{}}");
	_cleanup_json_ json_t *patch = parse("{\"a\":[{\"x\":null,\"y\":[{\"z\":null}]},null],\"b\":[{\"x\":null}]}");
	_cleanup_json_ json_t *result = json_merge_patch_apply(doc, patch);

	assert_json(result, "{\"a\":[{\"y\":[{}]},null],\"b\":[{\"x\":null}]}");
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
		cmocka_unit_test(test_merge_patch_drops_nulls_in_arrays),
		cmocka_unit_test(test_merge_patch_shares_nothing),
		cmocka_unit_test(test_merge_patch_diff_leads_there),
	};
	return cmocka_run_group_tests_name("patch", tests, NULL, NULL);
}
