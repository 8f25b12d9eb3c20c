#include "codec/toml.h"

#include <string.h>

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

static void assert_reads(const char *toml, const char *expected)
{
	_cleanup_err_ struct err err = { 0 };
	_cleanup_json_ json_t *v = toml_parse(toml, strlen(toml), "in", &err);
	if (!v)
		fail_msg("%s: %s", toml, err_message(&err));
	_cleanup_free_ char *json = json_to_str(v);
	assert_string_equal(json, expected);
}

static void test_toml_values(void **state)
{
	(void)state;
	static const struct {
		const char *toml, *json, *reason;
	} cases[] = {
		{ "\"a \\\"b\\\" \\\\ \\t \\u00e9 \\U0001F600 # no comment\"", "\"a \\\"b\\\" \\\\ \\t é 😀 # no comment\"",
		  "escapes" },
		{ "'C:\\x \"q\"'", "\"C:\\\\x \\\"q\\\"\"", "literal" },
		{ "\"\"", "\"\"", "empty" },
		{ "''", "\"\"", "empty literal" },
		{ "\"\"\"\na\nb\"\"\"", "\"a\\nb\"", "the first newline is left out" },
		{ "\"\"\"\r\na\r\nb\"\"\"", "\"a\\nb\"", "lines of Windows" },
		{ "\"\"\"a\\\n   \n  b \\  \n c\"\"\"", "\"ab c\"", "a backslash folds lines" },
		{ "\"\"\"a\"b\"\"c\"\"\"\"\"", "\"a\\\"b\\\"\\\"c\\\"\\\"\"", "quotes inside, two at the end" },
		{ "'''a'b''c\\n'''''", "\"a'b''c\\\\n''\"", "the same as literal" },
		{ "\"\"\"\"\"\"", "\"\"", "empty multi-line" },
		{ "0", "0", "int" },
		{ "+99", "99", "int" },
		{ "-0", "0", "int" },
		{ "1_000_000", "1000000", "groups" },
		{ "0xDEAD_beef", "3735928559", "hexadecimal" },
		{ "0o755", "493", "octal" },
		{ "0b1101", "13", "binary" },
		{ "9223372036854775807", "9223372036854775807", "largest" },
		{ "-9223372036854775808", "-9223372036854775808", "smallest" },
		{ "3.14", "3.14", "float" },
		{ "-0.01", "-0.01", "float" },
		{ "5e+22", "5e+22", "float" },
		{ "1e06", "1000000", "float" },
		{ "6.626e-3", "0.006626", "float" },
		{ "224_617.445_991", "224617.445991", "groups" },
		{ "inf", "\"inf\"", "JSON has none" },
		{ "-nan", "\"-nan\"", "JSON has none" },
		{ "true", "true", "bool" },
		{ "false", "false", "bool" },
		{ "1979-05-27T07:32:00Z", "\"1979-05-27T07:32:00Z\"", "time" },
		{ "1979-05-27 00:32:00.999999-07:00", "\"1979-05-27 00:32:00.999999-07:00\"", "time" },
		{ "1979-05-27", "\"1979-05-27\"", "date" },
		{ "2000-02-29", "\"2000-02-29\"", "leap day" },
		{ "07:32:00.5", "\"07:32:00.5\"", "time of day" },
		{ "[]", "[]", "array" },
		{ "[1, 'a', [2.5, ], {b = 1}]", "[1,\"a\",[2.5],{\"b\":1}]", "mixed array" },
		{ "[\n 1, # one\n\n 2\n , ]", "[1,2]", "array over lines" },
		{ "{}", "{}", "inline table" },
		{ "{ a.b = 1, a.\"c d\" = 2 , e = {} }", "{\"a\":{\"b\":1,\"c d\":2},\"e\":{}}", "inline table" },
	};
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		_cleanup_free_ char *toml = xasprintf("x = %s # comment\ny=1", cases[i].toml);
		_cleanup_free_ char *json = xasprintf("{\"x\":%s,\"y\":1}", cases[i].json);
		print_message("%s: %s\n", cases[i].reason, cases[i].toml);
		assert_reads(toml, json);
	}
}

static void test_toml_tables(void **state)
{
	(void)state;
	static const struct {
		const char *toml, *json, *reason;
	} cases[] = {
		{ "", "{}", "nothing" },
		{ "\xef\xbb\xbf# c\r\n\r\na=1\r\n", "{\"a\":1}", "byte order mark, lines of Windows" },
		{ "[a]\nx=1\n[b.c]\ny=2\n[b]\nz=3", "{\"a\":{\"x\":1},\"b\":{\"c\":{\"y\":2},\"z\":3}}",
		  "a table behind its own" },
		{ "[ a . \"b.c\" . 'd' ]\nx=1", "{\"a\":{\"b.c\":{\"d\":{\"x\":1}}}}", "quoted parts and spaces" },
		{ "a.b.c = 1\na.d = 2\n[a.b.e]\nf=1", "{\"a\":{\"b\":{\"c\":1,\"e\":{\"f\":1}},\"d\":2}}",
		  "dotted keys, and a table below" },
		{ "[[p]]\nn=1\n[[p]]\n[p.q]\nx=1\n[[p.r]]\ny=1\n[[p.r]]\n[[p]]\nn=3",
		  "{\"p\":[{\"n\":1},{\"q\":{\"x\":1},\"r\":[{\"y\":1},{}]},{\"n\":3}]}", "arrays of tables" },
		{ "[dependencies]\nserde = { version = \"1\", features = [\"derive\"] }\n\"tokio\".version = \"1\"",
		  "{\"dependencies\":{\"serde\":{\"version\":\"1\",\"features\":[\"derive\"]},\"tokio\":{\"version\":\"1\"}}}",
		  "as in Cargo.toml" },
		{ "1 = 1\n-x_ = 2\n\"\" = 3", "{\"1\":1,\"-x_\":2,\"\":3}", "bare keys of digits, an empty key" },
		{ "3.14 = 1", "{\"3\":{\"14\":1}}", "no float" },
	};
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		print_message("%s\n", cases[i].reason);
		assert_reads(cases[i].toml, cases[i].json);
	}
}

static void test_toml_refuses_with_line_and_column(void **state)
{
	(void)state;
	static const struct {
		const char *toml, *message;
	} cases[] = {
		{ "a", "in:1:2: expected '=', found the end of the text" },
		{ "a =", "in:1:4: expected a value, found the end of the text" },
		{ "a = \n", "in:1:5: expected a value, found U+000A" },
		{ "= 1", "in:1:1: expected a key, found '='" },
		{ "a = 1 b = 2", "in:1:7: expected the end of the line, found 'b'" },
		{ "é = 1", "in:1:1: expected a key, found U+00E9" },
		{ "a = x", "in:1:5: \"x\" is no value (strings need quotes)" },
		{ "a = 1\nb = 2\na = 3", "in:3:1: \"a\" is already defined" },
		{ "a = 1\na.b = 2", "in:2:1: \"a\" is already defined" },
		{ "[a]\n[b]\n[a]", "in:3:1: the table \"a\" is already defined" },
		{ "a.b = 1\n[a]", "in:2:1: the table \"a\" is already defined" },
		{ "[a.b]\nx=1\n[a]\nb.y = 2", "in:4:1: \"b\" is already defined" },
		{ "a = {b = 1}\n[a.c]", "in:2:1: the table \"c\" is already defined" },
		{ "a = {b = 1}\na.c = 2", "in:2:1: \"a\" is already defined" },
		{ "a = [{}]\n[[a]]", "in:2:1: \"a\" is already defined, and not as an array of tables" },
		{ "[a]\n[[a]]", "in:2:1: \"a\" is already defined, and not as an array of tables" },
		{ "[[a]]\n[a]", "in:2:1: the table \"a\" is already defined" },
		{ "a = 1\n[a.b]", "in:2:1: the table \"b\" is already defined" },
		{ "a = {b = 1,}", "in:1:12: expected a key, found '}'" },
		{ "a = {b = 1\n}", "in:1:11: expected ',' or '}', found U+000A" },
		{ "a = {b = 1, b = 2}", "in:1:13: \"b\" is already defined" },
		{ "a = [1 2]", "in:1:8: expected ',' or ']', found '2'" },
		{ "a = [1", "in:1:7: expected ',' or ']', found the end of the text" },
		{ "[a", "in:1:3: expected ']', found the end of the text" },
		{ "[[a]", "in:1:5: expected \"]]\", found the end of the text" },
		{ "[]", "in:1:2: expected a key, found ']'" },
		{ "[a] x", "in:1:5: expected the end of the line, found 'x'" },
		{ "a = \"x", "in:1:5: the string that begins here does not end" },
		{ "a = \"x\ny\"", "in:1:7: the string does not end on its line" },
		{ "a = \"\\x\"", "in:1:6: no such escape in a string" },
		{ "a = \"\\u12\"", "in:1:6: the escape needs 4 hexadecimal digits" },
		{ "a = \"\\u0000\"", "in:1:6: the escape stands for no character that a string can hold" },
		{ "a = \"\\ud800\"", "in:1:6: the escape stands for no character that a string can hold" },
		{ "a = \"\x01\"", "in:1:6: control character 0x01 in a string must be written as an escape" },
		{ "a = \"\"\"x\"\"", "in:1:5: the string that begins here does not end" },
		{ "\"\"\"a\"\"\" = 1", "in:1:1: a key must not be a multi-line string" },
		{ "a = 1 # \x01", "in:1:9: control character 0x01 in a comment" },
		{ "a = 01", "in:1:5: \"01\" is no value (strings need quotes)" },
		{ "a = 1__0", "in:1:5: '_' must stand between two digits" },
		{ "a = 1_", "in:1:5: '_' must stand between two digits" },
		{ "a = 1_e5", "in:1:5: '_' must stand between two digits" },
		{ "a = +0x1", "in:1:5: \"+0x1\" is no value (strings need quotes)" },
		{ "a = 0x", "in:1:5: \"0x\" is no value (strings need quotes)" },
		{ "a = 1.", "in:1:5: \"1.\" is no value (strings need quotes)" },
		{ "a = .5", "in:1:5: \".5\" is no value (strings need quotes)" },
		{ "a = 9223372036854775808", "in:1:5: the number does not fit 64 bits" },
		{ "a = 2023-02-29", "in:1:5: this is no valid date or time" },
		{ "a = 2023-13-01", "in:1:5: this is no valid date or time" },
		{ "a = 24:00:00", "in:1:5: this is no valid date or time" },
		{ "a = 2023-01-01T00:00:00+24:00", "in:1:5: this is no valid date or time" },
		{ "a = 10:20", "in:1:5: this is no valid date or time" },
		{ "a = true1", "in:1:5: \"true1\" is no value (strings need quotes)" },
		{ "a = \"\xff\"", "in:1:6: byte 0xFF is not valid UTF-8" },
		{ "a = 1\rb = 2", "in:1:6: expected the end of the line, found U+000D" },
	};
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		_cleanup_err_ struct err err = { 0 };
		assert_null(toml_parse(cases[i].toml, strlen(cases[i].toml), "in", &err));
		assert_int_equal(err.kind, ERR_BAD_REQUEST);
		assert_string_equal(err_message(&err), cases[i].message);
	}
	_cleanup_err_ struct err err = { 0 };
	assert_null(toml_parse("a = \0", 5, NULL, &err));
	assert_string_equal(err_message(&err), "TOML:1:5: expected a value, found U+0000");
}

static void test_toml_limits_depth(void **state)
{
	(void)state;
	static const struct {
		const char *start, *level, *end;
	} cases[] = {
		{ "a = ", "[", "" },   { "a = ", "{b = ", "" },     { "[a", ".a", "]" },
		{ "a", ".a", " = 1" }, { "a = {b", ".b", " = 1}" }, { "a = ", "{b.c.d.e.f.g.h = ", "" },
	};
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		_cleanup_buf_ struct buf text = BUF_INIT(10000000);
		_cleanup_err_ struct err err = { 0 };
		buf_puts(&text, cases[i].start);
		for (int j = 0; j < 100000; j++)
			buf_puts(&text, cases[i].level);
		buf_puts(&text, cases[i].end);
		assert_null(toml_parse(text.data, text.len, "in", &err));
		assert_true(strstr(err_message(&err), "nested deeper than 256 levels") ||
		            strstr(err_message(&err), "the key has more than 64 parts"));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_toml_values),
		cmocka_unit_test(test_toml_tables),
		cmocka_unit_test(test_toml_refuses_with_line_and_column),
		cmocka_unit_test(test_toml_limits_depth),
	};
	return cmocka_run_group_tests_name("toml", tests, NULL, NULL);
}
