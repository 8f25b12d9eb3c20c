#include "codec/json_indent.h"

#include "base/mem.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static void test_json_indent_as_go_does(void **state)
{
	static const struct {
		const char *text, *indented;
	} cases[] = {
		{ "{}", "{}" },
		{ "[]", "[]" },
		{ "null", "null" },
		{ "\"a{b\\\"c\"", "\"a{b\\\"c\"" },
		{ "{\"a\":1,\"b\":[]}\n", "{\n  \"a\": 1,\n  \"b\": []\n}" },
		{ "[1,{\"x\":\"y:z,\"}]", "[\n  1,\n  {\n    \"x\": \"y:z,\"\n  }\n]" },
		{ "{\"a\":{\"b\":{}}}", "{\n  \"a\": {\n    \"b\": {}\n  }\n}" },
		{ "", "" },
		/* No JSON, and yet nothing is read beyond the end. */
		{ "\"a\\", "\"a\\" },
		{ "]", "\n]" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		size_t len = strlen(cases[i].text);
		char *exact = xmalloc(len ? len : 1); /* so that a byte too far is seen */
		memcpy(exact, cases[i].text, len);
		struct bytes *b = json_indent_text(exact, len);
		assert_string_equal(b->data, cases[i].indented);
		assert_int_equal(b->len, strlen(cases[i].indented));
		bytes_unref(b);
		free(exact);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_json_indent_as_go_does) };
	return cmocka_run_group_tests_name("json_indent", tests, NULL, NULL);
}
