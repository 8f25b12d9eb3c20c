#include "codec/go_format.h"
#include "codec/json.h"

#include <math.h>
#include <string.h>

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

static json_t *parse(const char *text)
{
	return json_parse(text, strlen(text), 0, NULL);
}

static void assert_json(const json_t *v, const char *expected)
{
	_cleanup_free_ char *text = json_to_str(v);
	assert_string_equal(text, expected);
}

/* Parses text and writes it again. */
static void assert_becomes(const char *text, const char *expected)
{
	_cleanup_json_ json_t *v = parse(text);
	if (!v)
		fail_msg("does not parse: %s", text);
	assert_json(v, expected);
}

static void test_json_parse_accepts(void **state)
{
	(void)state;
	static const struct {
		const char *text, *written, *reason;
	} cases[] = {
		{ "{}", "{}", "empty object" },
		{ " [ ] ", "[]", "empty array, white space around" },
		{ "null", "null", "a scalar alone" },
		{ "true", "true", "true" },
		{ "false", "false", "false" },
		{ "\"\"", "\"\"", "empty string" },
		{ "\t{\n\"b\" : 1 ,\r\n\"a\":[ 1 , 2 ] }", "{\"b\":1,\"a\":[1,2]}", "order is kept, white space is not" },
		{ "\"\\\"\\\\\\/\\b\\f\\n\\r\\t\"", "\"\\\"\\\\/\\u0008\\u000c\\n\\r\\t\"", "every short escape" },
		{ "\"\\u00e9\\u20AC\\ud83d\\ude00\"", "\"é€😀\"", "\\u of one, two units" },
		{ "\"é€😀\"", "\"é€😀\"", "UTF-8 of two, three, four bytes" },
		{ "\"\x7f\"", "\"\x7f\"", "DEL is no control character of JSON" },
		{ "{\"\\u0061\":\"\\u0062\",\"c\":1}", "{\"a\":\"b\",\"c\":1}", "key and value with escapes do not mix" },
		{ "{\"a\":1,\"b\":2,\"a\":3}", "{\"a\":3,\"b\":2}", "the last of repeated keys counts" },
		{ "[\"12345678\\n\",\"1234567\\\"\",\"é234567890\"]", "[\"12345678\\n\",\"1234567\\\"\",\"é234567890\"]",
		  "escapes at the borders of eight bytes" },
	};
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		print_message("%s\n", cases[i].reason);
		assert_becomes(cases[i].text, cases[i].written);
	}
}

static void test_json_parse_numbers_as_kubernetes_does(void **state)
{
	(void)state;
	static const struct {
		const char *text, *written;
		json_type type;
		const char *reason;
	} cases[] = {
		{ "0", "0", JSON_INTEGER, "zero" },
		{ "-0", "0", JSON_INTEGER, "Go has no negative integer zero" },
		{ "-12", "-12", JSON_INTEGER, "negative" },
		{ "9223372036854775807", "9223372036854775807", JSON_INTEGER, "largest of 64 bits" },
		{ "-9223372036854775808", "-9223372036854775808", JSON_INTEGER, "smallest of 64 bits" },
		{ "9223372036854775808", "9223372036854776000", JSON_REAL, "one more becomes a double" },
		{ "-9223372036854775809", "-9223372036854776000", JSON_REAL, "one less becomes a double" },
		{ "18446744073709551616", "18446744073709552000", JSON_REAL, "2^64, in the digits a double has" },
		{ "100000000000000000000000", "1e+23", JSON_REAL, "far beyond 64 bits" },
		{ "1.0", "1", JSON_REAL, "a fraction makes a double, written like Go does" },
		{ "1e2", "100", JSON_REAL, "an exponent makes a double" },
		{ "0.1", "0.1", JSON_REAL, "the shortest text that reads back" },
		{ "-2.5E-3", "-0.0025", JSON_REAL, "small" },
		{ "0.000001", "0.000001", JSON_REAL, "the last without exponent" },
		{ "0.0000001", "1e-07", JSON_REAL, "the first with exponent" },
		{ "123456789.125", "123456789.125", JSON_REAL, "digits on both sides" },
		{ "77777777777777777.7", "77777777777777776", JSON_REAL, "all digits where it reads back as an integer" },
		{ "1e20", "100000000000000000000", JSON_REAL, "written out below 1e21" },
		{ "1e21", "1e+21", JSON_REAL, "and not from there on" },
		{ "1.7976931348623157e308", "1.7976931348623157e+308", JSON_REAL, "largest double" },
		{ "5e-324", "5e-324", JSON_REAL, "smallest double" },
		{ "1e-400", "0", JSON_REAL, "too small becomes 0, as in Go" },
		{ "-0.0", "0", JSON_REAL, "which has no sign" },
	};
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		_cleanup_json_ json_t *v = parse(cases[i].text);
		print_message("%s\n", cases[i].reason);
		assert_non_null(v);
		assert_int_equal(json_typeof(v), cases[i].type);
		assert_json(v, cases[i].written);
	}
}

static void test_json_parse_refuses_with_line_and_column(void **state)
{
	(void)state;
	static const struct {
		const char *text, *message;
	} cases[] = {
		{ "", "line 1, column 1: expected a value, found the end of the text" },
		{ "  \n ", "line 2, column 2: expected a value, found the end of the text" },
		{ "{", "line 1, column 2: expected a key in double quotes, found the end of the text" },
		{ "{\"a\"", "line 1, column 5: expected ':' after the key, found the end of the text" },
		{ "{\"a\":1", "line 1, column 7: expected ',' or '}', found the end of the text" },
		{ "{\"a\":1,}", "line 1, column 8: no comma is allowed before '}'" },
		{ "{\"a\":1 \"b\":2}", "line 1, column 8: expected ',' or '}', found '\"'" },
		{ "{a:1}", "line 1, column 2: expected a key in double quotes, found 'a'" },
		{ "[1,\n  2,\n  x]", "line 3, column 3: expected a value, found 'x'" },
		{ "[1,]", "line 1, column 4: no comma is allowed before ']'" },
		{ "[1 2]", "line 1, column 4: expected ',' or ']', found '2'" },
		{ "[1", "line 1, column 3: expected ',' or ']', found the end of the text" },
		{ "{} {}", "line 1, column 4: expected nothing more after the value, found '{'" },
		{ "\"é\" x", "line 1, column 5: expected nothing more after the value, found 'x'" },
		{ "tru", "line 1, column 1: expected a value, found 't'" },
		{ "01", "line 1, column 1: a number must not begin with 0" },
		{ "-", "line 1, column 2: expected a digit, found the end of the text" },
		{ "1.", "line 1, column 3: expected a digit, found the end of the text" },
		{ ".5", "line 1, column 1: expected a value, found '.'" },
		{ "1e", "line 1, column 3: expected a digit, found the end of the text" },
		{ "1e400", "line 1, column 1: the number is too large" },
		{ "NaN", "line 1, column 1: expected a value, found 'N'" },
		{ "+1", "line 1, column 1: expected a value, found '+'" },
		{ "\"abc", "line 1, column 1: the string that begins here does not end" },
		{ "\"a\nb\"", "line 1, column 3: control character 0x0A in a string must be written as an escape" },
		{ "\"a\x01\"", "line 1, column 3: control character 0x01 in a string must be written as an escape" },
		{ "\"\\x\"", "line 1, column 2: no such escape: \\ followed by 'x'" },
		{ "\"\\", "line 1, column 2: the string does not end" },
		{ "\"\\u12g4\"", "line 1, column 2: \\u needs four hexadecimal digits" },
		{ "\"\\u12", "line 1, column 2: \\u needs four hexadecimal digits" },
		{ "\"\\u0000\"", "line 1, column 2: \\u0000 is not supported in strings" },
		{ "\"\\ud800\"", "line 1, column 2: \\ud800 is the first half of a surrogate pair without the second" },
		{ "\"\\ud800\\u0041\"", "line 1, column 2: \\ud800 is the first half of a surrogate pair without the second" },
		{ "\"\\udc00\"", "line 1, column 2: \\udc00 is the second half of a surrogate pair without the first" },
		{ "\"a\xff\"", "line 1, column 3: byte 0xFF is not valid UTF-8" },
		{ "\"\xc0\x80\"", "line 1, column 2: byte 0xC0 is not valid UTF-8" },
		{ "\"\xed\xa0\x80\"", "line 1, column 2: byte 0xED is not valid UTF-8" },
		{ "\"\xf4\x90\x80\x80\"", "line 1, column 2: byte 0xF4 is not valid UTF-8" },
		{ "\"\xe2\x82", "line 1, column 2: byte 0xE2 is not valid UTF-8" },
		{ "\xef\xbb\xbf{}", "line 1, column 1: expected a value, found U+FEFF" },
		{ "{\"a\":1}\x01", "line 1, column 8: expected nothing more after the value, found U+0001" },
	};
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		_cleanup_err_ struct err err = { 0 };
		assert_null(json_parse(cases[i].text, strlen(cases[i].text), 0, &err));
		assert_int_equal(err.kind, ERR_BAD_REQUEST);
		assert_string_equal(err_message(&err), cases[i].message);
		assert_null(parse(cases[i].text)); /* also for those who do not ask why */
	}
}

static void test_json_parse_repairs_text(void **state)
{
	(void)state;
	static const struct {
		const char *text, *value, *why;
	} CASES[] = {
		{ "\"a\\ud800b\"",
		  "a\xef\xbf\xbd"
		  "b",
		  "the first half of a pair" },
		{ "\"\\udc00\"", "\xef\xbf\xbd", "the second half of a pair" },
		{ "\"\\ud800\\u0041\"",
		  "\xef\xbf\xbd"
		  "A",
		  "a half before another character" },
		{ "\"\\ud83d\\ude00\"", "\xf0\x9f\x98\x80", "a pair" },
		{ "\"a\xff\xc3z\"", "a\xef\xbf\xbd\xef\xbf\xbdz", "bytes that are no UTF-8" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(CASES); i++) {
		_cleanup_err_ struct err err = { 0 };
		_cleanup_json_ json_t *v = json_parse(CASES[i].text, strlen(CASES[i].text), JSON_REPAIR_TEXT, &err);
		if (!v || strcmp(json_string_value(v), CASES[i].value) != 0)
			fail_msg("%s: %s", CASES[i].why, v ? json_string_value(v) : err_message(&err));
	}
	assert_null(json_parse("\"\\u0000\"", 8, JSON_REPAIR_TEXT, NULL));
}

static void test_json_numbers_as_go_prints_them(void **state)
{
	(void)state;
	static const struct {
		double v;
		const char *text;
	} CASES[] = {
		{ 1, "1" },
		{ 0, "0" },
		{ 1.5, "1.5" },
		{ 123456, "123456" },
		{ 1e6, "1e+06" },
		{ 1e-5, "1e-05" },
		{ 0.0001, "0.0001" },
		{ 2147483647, "2.147483647e+09" },
		{ 0x1p63, "9.223372036854776e+18" },
		{ -0.25, "-0.25" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(CASES); i++) {
		char text[40];
		assert_int_equal(go_format_real(CASES[i].v, text), strlen(CASES[i].text));
		assert_string_equal(text, CASES[i].text);
	}
}

static void test_json_parse_strict_keys(void **state)
{
	(void)state;
	static const char text[] = "{\"a\": {\"x\":1,\n \"\\u0078\":2}}";
	_cleanup_err_ struct err err = { 0 };
	assert_null(json_parse(text, strlen(text), JSON_STRICT_KEYS, &err));
	assert_string_equal(err_message(&err), "line 2, column 2: the key \"x\" is repeated");
	static const char fine[] = "{\"a\":{\"x\":1},\"b\":{\"x\":1}}";
	_cleanup_json_ json_t *v = json_parse(fine, strlen(fine), JSON_STRICT_KEYS, NULL);
	assert_json(v, fine);
}

static json_t *nested(size_t depth, struct err *err)
{
	_cleanup_free_ char *text = xmalloc(2 * depth + 1);
	memset(text, '[', depth);
	memset(text + depth, ']', depth);
	return json_parse(text, 2 * depth, 0, err);
}

static void test_json_parse_limits_depth_and_size(void **state)
{
	(void)state;
	_cleanup_err_ struct err err = { 0 };
	_cleanup_json_ json_t *v = nested(JSON_DEPTH_MAX, &err);
	assert_non_null(v);
	assert_null(nested(JSON_DEPTH_MAX + 1, &err));
	assert_string_equal(err_message(&err), "line 1, column 257: nested deeper than 256 levels");
	assert_null(nested(1000000, NULL));

	/* Depth counts what is open, not what was. */
	_cleanup_buf_ struct buf flat = BUF_INIT(10000);
	buf_puts(&flat, "[[]");
	for (int i = 0; i < 1000; i++)
		buf_puts(&flat, ",[{}]");
	buf_puts(&flat, "]");
	_cleanup_json_ json_t *wide = json_parse(flat.data, flat.len, 0, NULL);
	assert_int_equal(json_array_size(wide), 1001);

	_cleanup_free_ char *large = xmalloc(JSON_TEXT_MAX + 1);
	memset(large, ' ', JSON_TEXT_MAX + 1);
	large[0] = '1';
	_cleanup_json_ json_t *fits = json_parse(large, JSON_TEXT_MAX, 0, NULL);
	assert_non_null(fits);
	err_clear(&err);
	assert_null(json_parse(large, JSON_TEXT_MAX + 1, 0, &err));
	assert_int_equal(err.kind, ERR_BAD_REQUEST);
}

static void test_json_parse_needs_no_terminator(void **state)
{
	(void)state;
	/* On the heap and exactly as long as the text, so that reading beyond it is seen. */
	static const char *const texts[] = {
		"12", "-1.5e3", "\"abcdefg\"", "true", "[1]", "tru", "\"abc", "\"a\\u00", "1e"
	};
	for (size_t i = 0; i < ARRAY_SIZE(texts); i++) {
		size_t len = strlen(texts[i]);
		_cleanup_free_ char *text = xmemdup(texts[i], len);
		_cleanup_json_ json_t *v = json_parse(text, len, 0, NULL);
		assert_int_equal(v != NULL, i < 5);
	}
}

static void test_json_write_escapes(void **state)
{
	(void)state;
	for (int c = 1; c < 0x20; c++) {
		char raw[] = { 'a', 'b', 'c', (char)c, 'd', 0 };
		_cleanup_json_ json_t *v = json_string(raw);
		_cleanup_free_ char *text = json_to_str(v);
		for (char *p = text; *p; p++)
			assert_true((unsigned char)*p >= 0x20);
		_cleanup_json_ json_t *back = parse(text);
		assert_string_equal(json_string_value(back), raw);
	}
	_cleanup_json_ json_t *slash = json_string("</script> \"\\\" \x7f");
	assert_json(slash, "\"</script> \\\"\\\\\\\" \x7f\"");
}

static void test_json_write_pretty_is_kubectls(void **state)
{
	(void)state;
	_cleanup_json_ json_t *v = parse("{\"kind\":\"A\",\"apiVersion\":\"v1\",\"e\":{},\"l\":[],\"s\":[1,{\"x\":null}]}");
	_cleanup_buf_ struct buf out = BUF_INIT(1000);
	assert_int_equal(json_write_pretty(v, &out), 0);
	assert_string_equal(out.data, "{\n"
	                              "    \"apiVersion\": \"v1\",\n"
	                              "    \"e\": {},\n"
	                              "    \"kind\": \"A\",\n"
	                              "    \"l\": [],\n"
	                              "    \"s\": [\n"
	                              "        1,\n"
	                              "        {\n"
	                              "            \"x\": null\n"
	                              "        }\n"
	                              "    ]\n"
	                              "}");
}

static void test_json_write_is_all_or_nothing(void **state)
{
	(void)state;
	_cleanup_json_ json_t *v = parse("{\"key\":[1,22,\"three\",{\"four\":4.5}],\"text\":\"a\\nb\"}");
	_cleanup_free_ char *whole = json_to_str(v);
	for (size_t max = 0; max <= strlen(whole) + 2; max++) {
		_cleanup_buf_ struct buf out = BUF_INIT(max);
		bool fits = max >= strlen(whole) + 1;
		buf_putc(&out, '>');
		assert_int_equal(json_write(v, &out), fits ? 0 : -1);
		assert_int_equal(out.failed, !fits);
		assert_string_equal(buf_str(&out), fits ? out.data : max > 0 ? ">" : "");
		if (fits)
			assert_string_equal(out.data + 1, whole);
	}
}

static void test_json_write_large_values(void **state)
{
	(void)state;
	_cleanup_json_ json_t *v = json_array();
	for (int i = 0; i < 3000; i++)
		json_array_append_new(v, json_strf("element %d with some \"text\" that needs room", i));
	struct bytes *bytes = json_to_bytes(v);
	_cleanup_json_ json_t *back = json_parse(bytes->data, bytes->len, 0, NULL);
	assert_true(json_equal(v, back));
	assert_int_equal(bytes->data[bytes->len], 0);
	bytes_unref(bytes);
}

static void test_json_canonical_and_hash(void **state)
{
	(void)state;
	_cleanup_json_ json_t *a = parse("{\"b\":{\"y\":1.0,\"x\":[{\"q\":1,\"p\":2}]},\"a\":1}");
	_cleanup_json_ json_t *b = parse("{\"a\":1,\"b\":{\"x\":[{\"p\":2,\"q\":1}],\"y\":1}}");
	_cleanup_free_ char *text = json_canonical(a), *other = json_canonical(b);
	assert_string_equal(text, "{\"a\":1,\"b\":{\"x\":[{\"p\":2,\"q\":1}],\"y\":1}}");
	assert_string_equal(text, other);
	char hash[65], other_hash[65];
	json_hash(a, hash);
	json_hash(b, other_hash);
	assert_string_equal(hash, other_hash);
	_cleanup_json_ json_t *empty = json_object();
	json_hash(empty, hash);
	assert_string_equal(hash, "44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a");
}

static void test_json_canonical_sorts_many_keys(void **state)
{
	(void)state;
	_cleanup_json_ json_t *v = json_object();
	for (int i = 99; i >= 0; i--) {
		char key[16];
		snprintf(key, sizeof(key), "k%02d", i);
		json_put_int(v, key, i);
	}
	_cleanup_free_ char *text = json_canonical(v);
	_cleanup_json_ json_t *back = parse(text);
	int expected = 0;
	const char *key;
	json_t *value;
	json_object_foreach (back, key, value)
		assert_int_equal(json_integer_value(value), expected++);
	assert_int_equal(expected, 100);
}

static void test_json_getters_do_not_fail(void **state)
{
	(void)state;
	_cleanup_json_ json_t *v = parse("{\"a\":{\"b\":{\"c\":\"x\",\"n\":7,\"r\":2.5,\"w\":3.0,\"t\":true}},\"l\":[1]}");
	assert_string_equal(json_str_at(v, "a", "b", "c", NULL), "x");
	assert_null(json_str_at(v, "a", "b", "n", NULL));
	assert_null(json_at(v, "a", "x", "c", NULL));
	assert_null(json_at(v, "l", "x", NULL));
	assert_null(json_at(NULL, "a", NULL));
	assert_ptr_equal(json_at(v, NULL), v);
	json_t *b = json_at(v, "a", "b", NULL);
	assert_int_equal(json_get_int(b, "n", -1), 7);
	assert_int_equal(json_get_int(b, "w", -1), 3);
	assert_int_equal(json_get_int(b, "r", -1), -1);
	assert_int_equal(json_get_int(b, "c", -1), -1);
	assert_int_equal(json_get_int(NULL, "c", -1), -1);
	assert_true(json_get_bool(b, "t", false));
	assert_true(json_get_bool(b, "n", true));
	assert_false(json_get_bool(b, "missing", false));
	assert_true(fabs(json_number(json_object_get(b, "r"), 0) - 2.5) < 1e-9);
	assert_true(fabs(json_number(json_object_get(b, "n"), 0) - 7) < 1e-9);
	assert_true(fabs(json_number(NULL, 4) - 4) < 1e-9);
	assert_null(json_get_str(b, "n"));
	_cleanup_json_ json_t *huge = json_real(1e300);
	assert_int_equal(json_int(huge, 5), 5);
	_cleanup_json_ json_t *border = json_real(0x1p63);
	assert_int_equal(json_int(border, 5), 5);
}

static void test_json_setters(void **state)
{
	(void)state;
	_cleanup_json_ json_t *v = json_object();
	json_put_str(v, "s", "text");
	json_put_int(v, "i", INT64_MIN);
	json_put_bool(v, "b", true);
	json_put(v, "n", json_null());
	json_put_str(json_ensure_object(v, "o"), "in", "side");
	json_put_str(json_ensure_object(v, "o"), "again", "kept");
	json_push_str(json_ensure_array(v, "l"), "one");
	json_push_str(json_ensure_array(v, "l"), "two");
	json_ensure_array(v, "s");
	assert_json(v,
	            "{\"s\":[],\"i\":-9223372036854775808,\"b\":true,\"n\":null,\"o\":{\"in\":\"side\",\"again\":\"kept\"},"
	            "\"l\":[\"one\",\"two\"]}");
	json_put_str(v, "i", NULL);
	json_put(v, "b", NULL);
	json_put(v, "missing", NULL);
	assert_null(json_object_get(v, "i"));
	assert_null(json_object_get(v, "b"));
}

static void test_json_string_lossy(void **state)
{
	(void)state;
	static const struct {
		const char *raw;
		size_t len;
		const char *expected, *reason;
	} cases[] = {
		{ "plain é", 8, "plain é", "valid text stays" },
		{ "a\xff"
		  "b",
		  3,
		  "a\xef\xbf\xbd"
		  "b",
		  "a bad byte" },
		{ "\xe2\x82", 2, "\xef\xbf\xbd\xef\xbf\xbd", "a sequence that is cut off" },
		{ "a\0b", 3,
		  "a\xef\xbf\xbd"
		  "b",
		  "NUL" },
		{ "", 0, "", "nothing" },
	};
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		_cleanup_json_ json_t *v = json_string_lossy(cases[i].raw, cases[i].len);
		print_message("%s\n", cases[i].reason);
		assert_string_equal(json_string_value(v), cases[i].expected);
		assert_int_equal(json_string_length(v), strlen(cases[i].expected));
	}
	_cleanup_json_ json_t *v = json_strf("%d-%s", 5, "\xff");
	assert_string_equal(json_string_value(v), "5-\xef\xbf\xbd");
}

static void test_json_same(void **state)
{
	(void)state;
	static const struct {
		const char *a, *b;
		bool same;
	} cases[] = {
		{ "1", "1.0", true },
		{ "1.5", "1", false },
		{ "0", "0.0", true },
		{ "0", "0.5", false },
		{ "9007199254740993", "9007199254740992.0", false },
		{ "{\"a\":1,\"b\":[1,2]}", "{\"b\":[1.0,2],\"a\":1}", true },
		{ "{\"a\":1}", "{\"a\":1,\"b\":1}", false },
		{ "{\"a\":1,\"c\":1}", "{\"a\":1,\"b\":1}", false },
		{ "[1,2]", "[2,1]", false },
		{ "[1]", "[1,1]", false },
		{ "\"1\"", "1", false },
		{ "null", "false", false },
		{ "{}", "[]", false },
		{ "\"x\"", "\"x\"", true },
	};
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		_cleanup_json_ json_t *a = parse(cases[i].a), *b = parse(cases[i].b);
		assert_int_equal(json_same(a, b), cases[i].same);
		assert_int_equal(json_same(b, a), cases[i].same);
		assert_true(json_same(a, a));
		assert_false(json_same(a, NULL));
	}
	assert_true(json_same(NULL, NULL));
}

static void test_json_clone_shares_nothing(void **state)
{
	(void)state;
	static const char text[] = "{\"a\":{\"b\":[1,{\"c\":\"x\"}]},\"d\":null,\"e\":1.5,\"f\":true}";
	_cleanup_json_ json_t *v = parse(text), *copy = json_clone(v);
	json_put_str(json_array_get(json_at(copy, "a", "b", NULL), 1), "c", "changed");
	assert_json(v, text);
	assert_json(copy, "{\"a\":{\"b\":[1,{\"c\":\"changed\"}]},\"d\":null,\"e\":1.5,\"f\":true}");
	assert_null(json_clone(NULL));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_json_parse_accepts),
		cmocka_unit_test(test_json_parse_numbers_as_kubernetes_does),
		cmocka_unit_test(test_json_parse_refuses_with_line_and_column),
		cmocka_unit_test(test_json_parse_repairs_text),
		cmocka_unit_test(test_json_numbers_as_go_prints_them),
		cmocka_unit_test(test_json_parse_strict_keys),
		cmocka_unit_test(test_json_parse_limits_depth_and_size),
		cmocka_unit_test(test_json_parse_needs_no_terminator),
		cmocka_unit_test(test_json_write_escapes),
		cmocka_unit_test(test_json_write_pretty_is_kubectls),
		cmocka_unit_test(test_json_write_is_all_or_nothing),
		cmocka_unit_test(test_json_write_large_values),
		cmocka_unit_test(test_json_canonical_and_hash),
		cmocka_unit_test(test_json_canonical_sorts_many_keys),
		cmocka_unit_test(test_json_getters_do_not_fail),
		cmocka_unit_test(test_json_setters),
		cmocka_unit_test(test_json_string_lossy),
		cmocka_unit_test(test_json_same),
		cmocka_unit_test(test_json_clone_shares_nothing),
	};
	return cmocka_run_group_tests_name("json", tests, NULL, NULL);
}
