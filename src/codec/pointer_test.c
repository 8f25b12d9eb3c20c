#include "codec/pointer.h"

#include "base/str.h"

#include <string.h>

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

/* The document of RFC 6901, section 5, with a few more places. */
static const char document[] = "{\"foo\":[\"bar\",\"baz\"],\"\":0,\"a/b\":1,\"c%d\":2,\"e^f\":3,\"g|h\":4,\"i\\\\j\":5,"
							   "\"k\\\"l\":6,\" \":7,\"m~n\":8,\"o\":{\"p\":{\"\":9}},\"~1\":10,\"0\":11}";

static void test_pointer_get(void **state)
{
	(void)state;
	static const struct {
		const char *pointer, *value; /* NULL: none */
	} cases[] = {
		{ "", document },
		{ "/foo", "[\"bar\",\"baz\"]" },
		{ "/foo/0", "\"bar\"" },
		{ "/foo/1", "\"baz\"" },
		{ "/", "0" },
		{ "/a~1b", "1" },
		{ "/c%d", "2" },
		{ "/e^f", "3" },
		{ "/g|h", "4" },
		{ "/i\\j", "5" },
		{ "/k\"l", "6" },
		{ "/ ", "7" },
		{ "/m~0n", "8" },
		{ "/o/p/", "9" },
		{ "/~01", "10" },
		{ "/0", "11" },
		{ "/foo/2", NULL },
		{ "/foo/-", NULL },
		{ "/foo/01", NULL },
		{ "/foo/+1", NULL },
		{ "/foo/1e0", NULL },
		{ "/foo/", NULL },
		{ "/foo/18446744073709551616", NULL },
		{ "/foo/0/x", NULL },
		{ "/missing", NULL },
		{ "foo", NULL },
		{ "/a~b", NULL },
		{ "/a~", NULL },
		{ "/a~2b", NULL },
	};
	_cleanup_json_ json_t *doc = json_parse(document, strlen(document), 0, NULL);
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		json_t *v = json_pointer_get(doc, cases[i].pointer);
		print_message("\"%s\"\n", cases[i].pointer);
		if (!cases[i].value) {
			assert_null(v);
			continue;
		}
		_cleanup_free_ char *text = json_to_str(v);
		assert_string_equal(text, cases[i].value);
	}
	assert_null(json_pointer_get(NULL, "/a"));
}

static void test_pointer_escape_is_undone_by_split(void **state)
{
	(void)state;
	static const char *const tokens[] = { "a/b", "m~n", "~1", "~0", "", "//~~", "plain" };
	_cleanup_buf_ struct buf pointer = BUF_INIT(1000);
	for (size_t i = 0; i < ARRAY_SIZE(tokens); i++) {
		buf_putc(&pointer, '/');
		json_pointer_escape(&pointer, tokens[i]);
	}
	assert_string_equal(pointer.data, "/a~1b/m~0n/~01/~00//~1~1~0~0/plain");
	_cleanup_strv_ char **split = json_pointer_split(pointer.data);
	assert_int_equal(strv_len(split), ARRAY_SIZE(tokens));
	for (size_t i = 0; i < ARRAY_SIZE(tokens); i++)
		assert_string_equal(split[i], tokens[i]);
}

static void test_pointer_split_is_bounded(void **state)
{
	(void)state;
	char many[JSON_POINTER_TOKENS_MAX + 2];
	memset(many, '/', sizeof(many) - 1);
	many[sizeof(many) - 1] = '\0';
	assert_null(json_pointer_split(many));
	_cleanup_strv_ char **split = json_pointer_split(many + 1);
	assert_int_equal(strv_len(split), JSON_POINTER_TOKENS_MAX);
	_cleanup_strv_ char **none = json_pointer_split("");
	assert_non_null(none);
	assert_int_equal(strv_len(none), 0);
}

static void test_pointer_index(void **state)
{
	(void)state;
	size_t index = 99;
	assert_true(json_pointer_index("0", 1, &index));
	assert_int_equal(index, 0);
	assert_true(json_pointer_index("12", 13, &index));
	assert_int_equal(index, 12);
	assert_false(json_pointer_index("13", 13, &index));
	assert_false(json_pointer_index("", 13, &index));
	assert_false(json_pointer_index("00", 13, &index));
	assert_false(json_pointer_index("-1", 13, &index));
	assert_false(json_pointer_index("99999999999999999999999", SIZE_MAX, &index));
	assert_int_equal(index, 12);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_pointer_get),
		cmocka_unit_test(test_pointer_escape_is_undone_by_split),
		cmocka_unit_test(test_pointer_split_is_bounded),
		cmocka_unit_test(test_pointer_index),
	};
	return cmocka_run_group_tests_name("pointer", tests, NULL, NULL);
}
