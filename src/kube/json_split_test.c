#include "json_split.h"

#include "base/str.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static bool collect(void *self, const char *text, size_t len)
{
	assert_int_equal(strlen(text), len);
	strv_push(self, text);
	return true;
}

/* The pieces joined by '|', then '#' and the rest; or "error". Fed in steps of so many bytes. */
static char *split(enum json_split_mode mode, const char *text, size_t step)
{
	char **pieces = NULL;
	struct json_split s = JSON_SPLIT_INIT(mode, collect, &pieces);
	struct err e = { 0 };
	int r = 0;
	for (size_t i = 0; r == 0 && text[i]; i += strnlen(text + i, step))
		r = json_split_feed(&s, text + i, strnlen(text + i, step), &e);
	if (r == 0)
		r = json_split_end(&s, &e);
	_cleanup_free_ char *joined = pieces ? strv_join(pieces, "|") : xstrdup("");
	char *result = r < 0 ? xasprintf("error after %s", joined) : xasprintf("%s#%s", joined, buf_str(&s.rest));
	json_split_clear(&s);
	strv_free(pieces);
	err_clear(&e);
	return result;
}

static void test_json_split(void **state)
{
	(void)state;
	static const struct {
		enum json_split_mode mode;
		const char *text, *result, *why;
	} cases[] = {
		{ JSON_SPLIT_VALUES, "{\"a\":1}\n{\"b\":[{}]}\n", "{\"a\":1}|{\"b\":[{}]}#", "one on each line" },
		{ JSON_SPLIT_VALUES, "{}{} \r\n\t{}", "{}|{}|{}#", "without lines" },
		{ JSON_SPLIT_VALUES, "{\"a\":\"}{\\\"}\\\\\"}{}", "{\"a\":\"}{\\\"}\\\\\"}|{}#",
		  "brackets and quotes in strings" },
		{ JSON_SPLIT_VALUES, "{ \"a b\" : [ 1 , 2 ] }", "{\"a b\":[1,2]}#", "blanks outside of strings go" },
		{ JSON_SPLIT_VALUES, "{}{\"a\":", "error after {}", "cut off" },
		{ JSON_SPLIT_VALUES, "{}]", "error after {}", "closes nothing" },
		{ JSON_SPLIT_VALUES, "[1]", "error after ", "not an object" },
		{ JSON_SPLIT_VALUES, "7", "error after ", "not an object" },
		{ JSON_SPLIT_VALUES, "", "#", "nothing" },
		{ JSON_SPLIT_ITEMS, "{\"kind\":\"L\",\"items\":[{\"a\":{}},{\"b\":[1]}],\"x\":1}",
		  "{\"a\":{}}|{\"b\":[1]}#{\"kind\":\"L\",\"items\":[],\"x\":1}", "a list" },
		{ JSON_SPLIT_ITEMS, "{\"items\":[],\"metadata\":{\"continue\":\"x\"}}",
		  "#{\"items\":[],\"metadata\":{\"continue\":\"x\"}}", "an empty list" },
		{ JSON_SPLIT_ITEMS, "{\"items\":null}", "#{\"items\":null}", "a null list, as Go writes one" },
		{ JSON_SPLIT_ITEMS, "{\"a\":{\"items\":[{}]},\"kind\":\"items\",\"rows\":[{}]}",
		  "#{\"a\":{\"items\":[{}]},\"kind\":\"items\",\"rows\":[{}]}", "items elsewhere are not items" },
		{ JSON_SPLIT_ITEMS, "{\"itemsx\":[{}],\"item\":[{}]}", "#{\"itemsx\":[{}],\"item\":[{}]}",
		  "keys that look similar" },
		{ JSON_SPLIT_ITEMS, "{\"items\":[1]}", "error after ", "items must be objects" },
		{ JSON_SPLIT_ITEMS, "{\"items\":[[]]}", "error after ", "items must be objects" },
		{ JSON_SPLIT_ITEMS, "{\"items\":[{}}", "error after {}", "mismatched brackets" },
		{ JSON_SPLIT_ITEMS, "{\"items\":[{}", "error after {}", "cut off" },
		{ JSON_SPLIT_ITEMS, "{}{}", "error after ", "more than one" },
		{ JSON_SPLIT_ITEMS, "", "error after ", "nothing" },
	};
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		for (size_t step = 1; step < 40; step += 6) { /* however it is cut by the network */
			_cleanup_free_ char *result = split(cases[i].mode, cases[i].text, step);
			if (!str_eq(result, cases[i].result))
				fail_msg("%s, in steps of %zu: %s", cases[i].why, step, result);
		}
	}
}

static bool stop_at_once(void *self, const char *text, size_t len)
{
	(void)text;
	(void)len;
	++*(int *)self;
	return false;
}

static void test_json_split_stops(void **state)
{
	(void)state;
	int calls = 0;
	struct json_split s = JSON_SPLIT_INIT(JSON_SPLIT_VALUES, stop_at_once, &calls);
	assert_int_equal(json_split_feed(&s, "{}{}{", 5, NULL), 0);
	assert_int_equal(json_split_feed(&s, "]", 1, NULL), 0);
	assert_int_equal(json_split_end(&s, NULL), 0);
	assert_int_equal(calls, 1);
	json_split_clear(&s);
}

static void test_json_split_is_bounded(void **state)
{
	(void)state;
	char **pieces = NULL;
	struct json_split s = JSON_SPLIT_INIT(JSON_SPLIT_VALUES, collect, &pieces);
	_cleanup_err_ struct err e = { 0 };
	s.value.max = 100;
	char text[200];
	memset(text, 'x', sizeof(text));
	memcpy(text, "{\"a\":\"", 6);
	assert_int_equal(json_split_feed(&s, text, sizeof(text), &e), -1);
	assert_int_equal(e.kind, ERR_TOO_LARGE);
	json_split_clear(&s);
	struct json_split deep = JSON_SPLIT_INIT(JSON_SPLIT_VALUES, collect, &pieces);
	err_clear(&e);
	int r = json_split_feed(&deep, "{\"a\":", 5, NULL);
	for (int i = 0; i < 2000 && r == 0; i++)
		r = json_split_feed(&deep, "[", 1, &e);
	assert_int_equal(e.kind, ERR_BAD_REQUEST);
	json_split_clear(&deep);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_json_split),
		cmocka_unit_test(test_json_split_stops),
		cmocka_unit_test(test_json_split_is_bounded),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
