#include "codec/go_json.h"

#include "base/mem.h"

#include <stdio.h>
#include <string.h>

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

/* As Go 1.19's encoding/json and a kube-apiserver answered them. */
static void test_go_json_fault_says_what_go_says(void **state)
{
	static const struct {
		const char *text, *fault, *why;
	} cases[] = {
		{ "{\"a\":[1,-0.5e+3,true,null,\"\\u00e9\"]}", NULL, "JSON" },
		{ " 0 ", NULL, "a number between spaces" },
		{ "", "unexpected end of JSON input", "nothing" },
		{ "{\"a\":", "unexpected end of JSON input", "cut" },
		{ "[\"a", "unexpected end of JSON input", "cut in a string" },
		{ "{\"a\":}", "invalid character '}' looking for beginning of value", "no value" },
		{ "[1,]", "invalid character ']' looking for beginning of value", "a comma too many" },
		{ "{a:1}", "invalid character 'a' looking for beginning of object key string", "a key without quotes" },
		{ "{\"a\":1,}", "invalid character '}' looking for beginning of object key string", "a comma too many" },
		{ "{\"a\" 1}", "invalid character '1' after object key", "no colon" },
		{ "{\"a\":1 \"b\":2}", "invalid character '\"' after object key:value pair", "no comma" },
		{ "[1 2]", "invalid character '2' after array element", "no comma in a list" },
		{ "{} x", "invalid character 'x' after top-level value", "something behind" },
		{ "1 2", "invalid character '2' after top-level value", "something behind a number" },
		{ "nul", "invalid character ' ' in literal null (expecting 'l')", "half a word" },
		{ "trux", "invalid character 'x' in literal true (expecting 'e')", "a wrong word" },
		{ "{\"a\":\"\n\"}", "invalid character '\\n' in string literal", "a line break in a string" },
		{ "\"\\q\"", "invalid character 'q' in string escape code", "no such escape" },
		{ "\"\\u12x\"", "invalid character 'x' in \\u hexadecimal character escape", "no such digit" },
		{ "-}", "invalid character '}' in numeric literal", "only a sign" },
		{ "1.}", "invalid character '}' after decimal point in numeric literal", "no fraction" },
		{ "1e}", "invalid character '}' in exponent of numeric literal", "no exponent" },
		{ "01", "invalid character '1' after top-level value", "zeros in front" },
		{ "'a'", "invalid character '\\'' looking for beginning of value", "the wrong quotes" },
		{ "\xff", "invalid character '\xc3\xbf' looking for beginning of value", "a byte is a code point" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		_cleanup_free_ char *fault = go_json_fault(cases[i].text, strlen(cases[i].text));
		print_message("%s\n", cases[i].why);
		if (cases[i].fault)
			assert_string_equal(fault ? fault : "(none)", cases[i].fault);
		else
			assert_null(fault);
	}
}

static void test_go_json_fault_bounds_the_depth(void **state)
{
	_cleanup_free_ char *text = xmalloc(10001);

	(void)state;
	memset(text, '[', 10001);
	_cleanup_free_ char *deep = go_json_fault(text, 10001), *open = go_json_fault(text, 10000);
	assert_string_equal(deep, "exceeded max depth");
	assert_string_equal(open, "unexpected end of JSON input");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_go_json_fault_says_what_go_says),
		cmocka_unit_test(test_go_json_fault_bounds_the_depth),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
