#include "base/str.h"

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

static void test_str_compares(void **state)
{
	(void)state;
	assert_true(str_eq(NULL, NULL));
	assert_false(str_eq(NULL, ""));
	assert_true(str_eq("a", "a"));
	assert_false(str_eq("a", "b"));
	assert_true(str_empty(NULL));
	assert_true(str_empty(""));
	assert_false(str_empty(" "));
	assert_true(str_starts_with("scia.io/x", "scia.io/"));
	assert_false(str_starts_with("sc", "scia"));
	assert_false(str_starts_with(NULL, "x"));
	assert_true(str_ends_with("a.yaml", ".yaml"));
	assert_false(str_ends_with("l", ".yaml"));
	assert_string_equal(str_after("https://x", "https://"), "x");
	assert_null(str_after("http://x", "https://"));
	assert_true(str_contains("haystack", "st"));
	assert_false(str_contains("haystack", "needle"));
	const char *const v[] = { "a", "b", NULL };
	assert_true(str_in("b", v));
	assert_false(str_in("c", v));
	assert_false(str_in(NULL, v));
}

static void test_str_changes_in_place(void **state)
{
	(void)state;
	char mixed[] = "AbZ\303\204-9";
	str_lower(mixed);
	assert_string_equal(mixed, "abz\303\204-9"); /* bytes beyond ASCII stay */
	char padded[] = " \t a b \r\n";
	assert_string_equal(str_strip(padded), "a b");
	char blank[] = "  ";
	assert_string_equal(str_strip(blank), "");
}

static void test_str_to_i64_is_strict(void **state)
{
	(void)state;
	static const struct {
		const char *text;
		int64_t min, max;
		bool ok;
		int64_t n;
		const char *why;
	} cases[] = {
		{ "0", 0, 10, true, 0, "zero" },
		{ "10", 0, 10, true, 10, "the maximum" },
		{ "11", 0, 10, false, 0, "past the maximum" },
		{ "-1", 0, 10, false, 0, "below the minimum" },
		{ "-7", -7, 10, true, -7, "the minimum" },
		{ "+7", 0, 10, true, 7, "a plus" },
		{ "007", 0, 10, true, 7, "leading zeros" },
		{ "9223372036854775807", INT64_MIN, INT64_MAX, true, INT64_MAX, "the largest" },
		{ "9223372036854775808", INT64_MIN, INT64_MAX, false, 0, "overflow" },
		{ "-9223372036854775808", INT64_MIN, INT64_MAX, true, INT64_MIN, "the smallest" },
		{ "-9223372036854775809", INT64_MIN, INT64_MAX, false, 0, "underflow" },
		{ "", 0, 10, false, 0, "empty" },
		{ NULL, 0, 10, false, 0, "nothing" },
		{ "-", -10, 10, false, 0, "only a sign" },
		{ "+-1", -10, 10, false, 0, "two signs" },
		{ " 1", 0, 10, false, 0, "space before" },
		{ "1 ", 0, 10, false, 0, "space after" },
		{ "1x", 0, 10, false, 0, "trailing text" },
		{ "0x1", 0, 10, false, 0, "hexadecimal" },
		{ "1.0", 0, 10, false, 0, "a fraction" },
	};
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		int64_t n = 42;
		bool ok = str_to_i64(cases[i].text, cases[i].min, cases[i].max, &n);
		if (ok != cases[i].ok || n != (ok ? cases[i].n : 42))
			fail_msg("\"%s\" (%s)", cases[i].text ? cases[i].text : "NULL", cases[i].why);
	}
}

static void test_str_to_double_is_strict(void **state)
{
	(void)state;
	double d = 0;
	assert_true(str_to_double("-1.5e3", &d));
	assert_true(d == -1500.0);
	assert_true(str_to_double(".5", &d));
	assert_true(d == 0.5);
	static const char *const bad[] = { "", " 1", "1 ", "nan", "inf", "0x10", "1e999", "1,5", "e5", "-", "1-2" };
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
		if (str_to_double(bad[i], &d))
			fail_msg("accepted \"%s\"", bad[i]);
	assert_true(d == 0.5);
	assert_false(str_to_double(NULL, &d));
}

static void test_utf8_next_accepts_only_well_formed(void **state)
{
	(void)state;
	static const struct {
		const char *text;
		size_t len;
		uint32_t c;
		const char *why;
	} cases[] = {
		{ "a", 1, 'a', "ASCII" },
		{ "\303\244", 2, 0xe4, "two bytes" },
		{ "\342\202\254", 3, 0x20ac, "three bytes" },
		{ "\360\237\230\200", 4, 0x1f600, "four bytes" },
		{ "\364\217\277\277", 4, 0x10ffff, "the last code point" },
		{ "\364\220\200\200", 0, 0, "past it" },
		{ "\200", 0, 0, "a continuation alone" },
		{ "\303", 0, 0, "cut short" },
		{ "\342\202", 0, 0, "cut short" },
		{ "\303a", 0, 0, "no continuation" },
		{ "\300\200", 0, 0, "overlong NUL" },
		{ "\340\200\257", 0, 0, "overlong slash" },
		{ "\360\200\200\257", 0, 0, "overlong slash" },
		{ "\355\240\200", 0, 0, "a surrogate" },
		{ "\377", 0, 0, "never a lead byte" },
	};
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		uint32_t c = 0;
		size_t len = utf8_next(cases[i].text, strlen(cases[i].text), &c);
		if (len != cases[i].len || c != cases[i].c)
			fail_msg("case %zu (%s): %zu bytes, U+%04x", i, cases[i].why, len, (unsigned)c);
	}
	uint32_t c;
	assert_int_equal(utf8_next("", 0, &c), 0);
}

static void test_strv_sorts(void **state)
{
	const char *borrowed[] = { "b", "", "\xff", "a", "ab" };

	(void)state;
	_cleanup_strv_ char **v = str_split("b Z a10 a9 b", " ");
	strv_sort(v);
	_cleanup_free_ char *joined = strv_join(v, " ");
	assert_string_equal(joined, "Z a10 a9 b b");
	strv_sort(NULL);
	str_sort(borrowed, ARRAY_SIZE(borrowed));
	assert_string_equal(borrowed[0], "");
	assert_string_equal(borrowed[2], "ab");
	assert_string_equal(borrowed[4], "\xff");
}

static void test_strv_splits_and_joins(void **state)
{
	(void)state;
	_cleanup_strv_ char **v = str_split(",a,,bc; d;", ",;");
	assert_int_equal(strv_len(v), 3);
	assert_string_equal(v[0], "a");
	assert_string_equal(v[1], "bc");
	assert_string_equal(v[2], " d");
	_cleanup_free_ char *joined = strv_join(v, "--");
	assert_string_equal(joined, "a--bc-- d");
	_cleanup_strv_ char **none = str_split(",,", ",");
	assert_int_equal(strv_len(none), 0);
	_cleanup_free_ char *empty = strv_join(none, ",");
	assert_string_equal(empty, "");
	_cleanup_free_ char *from_null = strv_join(NULL, ",");
	assert_string_equal(from_null, "");
}

static void test_strv_grows(void **state)
{
	(void)state;
	_cleanup_strv_ char **v = NULL;
	assert_int_equal(strv_len(v), 0);
	char text[4] = "0:";
	for (int i = 0; i < 50; i++) {
		text[0] = (char)('A' + i);
		strv_push(&v, text);
	}
	assert_int_equal(strv_len(v), 50);
	assert_string_equal(v[0], "A:");
	assert_string_equal(v[49], "r:");
	_cleanup_strv_ char **copy = strv_copy(v);
	strv_push(&copy, "one more");
	assert_int_equal(strv_len(copy), 51);
	assert_ptr_not_equal(copy[3], v[3]);
	assert_string_equal(copy[3], v[3]);

	_cleanup_free_ char *long_list = strv_join(copy, ",");
	_cleanup_strv_ char **again = str_split(long_list, ",");
	assert_int_equal(strv_len(again), 51);
	assert_string_equal(again[50], "one more");
	assert_null(strv_free(NULL));
}

static void test_utf8_is_text(void **state)
{
	(void)state;
	static const struct {
		const char *text;
		size_t len;
		bool is_text;
	} cases[] = {
		{ "", 0, true },
		{ "abc", 3, true },
		{ "a\0c", 3, false },
		{ "01234567", 8, true },
		{ "0123456789abcde", 15, true },
		{ "0123456789abcd\0", 15, false },
		{ "0123456789abcd\x80", 15, false },
		{ "012345\xc3\xa9", 8, true },
		{ "0123456\xc3\xa9", 9, true },
		{ "01234567\xc3", 9, false },
		{ "\xed\xa0\x80", 3, false }, /* a surrogate */
		{ "\xc0\x80", 2, false },     /* too long a form */
		{ "\xf0\x9f\x98\x80 0123456789", 15, true },
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++)
		assert_int_equal(utf8_is_text(cases[i].text, cases[i].len), cases[i].is_text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_str_compares),
		cmocka_unit_test(test_str_changes_in_place),
		cmocka_unit_test(test_str_to_i64_is_strict),
		cmocka_unit_test(test_str_to_double_is_strict),
		cmocka_unit_test(test_utf8_next_accepts_only_well_formed),
		cmocka_unit_test(test_strv_sorts),
		cmocka_unit_test(test_strv_splits_and_joins),
		cmocka_unit_test(test_strv_grows),
		cmocka_unit_test(test_utf8_is_text),
	};
	return cmocka_run_group_tests_name("str", tests, NULL, NULL);
}
