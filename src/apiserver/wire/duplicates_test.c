#include "duplicates.h"

#include "base/str.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static void test_duplicates_are_named_by_their_path(void **state _unused_)
{
	static const struct {
		const char *text, *expected; /* joined by "|" */
	} cases[] = {
		{ "{}", "" },
		{ "{\"a\":1,\"b\":{\"a\":2}}", "" }, /* the same name in another object */
		{ "{\"a\":1,\"a\":2}", "a" },
		{ "{\"a\":1,\"a\":2,\"a\":3}", "a" }, /* told once */
		{ "{\"s\":{\"x\":1,\"y\":2,\"x\":3}}", "s.x" },
		{ "{\"l\":[{\"a\":1},{\"a\":1,\"a\":2}]}", "l[1].a" },
		{ "[ [ { \"k\" : [] , \"k\" : {} } ] ]", "[0][0].k" },
		{ "{\"a\":\"} , \\\" a\",\"a\":[1,2,\"x\"],\"b\":true,\"b\":null}", "a|b" }, /* brackets within strings */
		{ "{\"a\":{\"b\":1,\"b\":1},\"a\":{\"b\":1}}", "a.b|a" },                    /* in the order of the text */
	};
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		_cleanup_strv_ char **found = json_duplicate_fields(cases[i].text, strlen(cases[i].text));
		_cleanup_free_ char *joined = found ? strv_join(found, "|") : xstrdup("");
		assert_string_equal(joined, cases[i].expected);
	}
}

static void test_duplicates_end_on_what_is_not_json(void **state _unused_)
{
	static const char *const texts[] = { "",   "{",        "{\"a\"", "{\"a\":",          "[", "[1,", "{]",
		                                 "\"", "{\"a\":}", "]",      "{\"a\":1 \"a\":2}" };

	for (size_t i = 0; i < ARRAY_SIZE(texts); i++)
		strv_free(json_duplicate_fields(texts[i], strlen(texts[i])));
	char deep[2000];
	memset(deep, '[', sizeof(deep));
	strv_free(json_duplicate_fields(deep, sizeof(deep)));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_duplicates_are_named_by_their_path),
		cmocka_unit_test(test_duplicates_end_on_what_is_not_json),
	};
	return cmocka_run_group_tests_name("duplicates", tests, NULL, NULL);
}
