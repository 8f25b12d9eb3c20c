#include "base/mem.h"
#include "base/quantity.h"

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

static void test_quantity_parses(void **state)
{
	(void)state;
	static const struct {
		const char *text;
		int64_t milli;
		int64_t whole;
		const char *why;
	} cases[] = {
		{ "0", 0, 0, "zero" },
		{ "2", 2000, 2, "no suffix" },
		{ "500m", 500, 1, "half a CPU, rounded up to one" },
		{ "1500m", 1500, 2, "rounded up" },
		{ "0.5", 500, 1, "a fraction" },
		{ ".5", 500, 1, "without leading digit" },
		{ "5.", 5000, 5, "without digits after the point" },
		{ "+5", 5000, 5, "a plus" },
		{ "-5", -5000, -5, "a minus" },
		{ "-1500m", -1500, -2, "away from zero" },
		{ "1k", 1000000, 1000, "kilo" },
		{ "128M", 128000000000, 128000000, "mega" },
		{ "1Ki", 1024000, 1024, "kibi" },
		{ "1.5Gi", INT64_C(1610612736000), 1610612736, "a fraction of gibi" },
		{ "1Gi", INT64_C(1073741824000), 1073741824, "gibi" },
		{ "1Ti", INT64_C(1099511627776000), INT64_C(1099511627776), "tebi" },
		{ "1e3", 1000000, 1000, "exponent" },
		{ "1E3", 1000000, 1000, "capital exponent" },
		{ "1e-3", 1, 1, "negative exponent" },
		{ "12e+2", 1200000, 1200, "signed exponent" },
		{ "100n", 1, 1, "nano, rounded up" },
		{ "1000000n", 1, 1, "exactly a thousandth" },
		{ "1000001n", 2, 1, "a little more" },
		{ "1u", 1, 1, "micro" },
		{ "0.00000000000000000000000000000000000001", 1, 1, "tiny, but not zero" },
		{ "1e-1000", 1, 1, "tinier" },
		{ "0e1000", 0, 0, "zero however large" },
		{ "10000000000000000000000000000e-25", 1000000, 1000, "long digits, small value" },
		{ "00001", 1000, 1, "leading zeros" },
		{ "9223372036854775.807", INT64_MAX, INT64_C(9223372036854776), "the largest in thousandths" },
	};
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		int64_t milli = 42, whole = 42;
		if (!quantity_parse_milli(cases[i].text, &milli) || milli != cases[i].milli)
			fail_msg("%s (%s): got %lld thousandths", cases[i].text, cases[i].why, (long long)milli);
		if (!quantity_parse(cases[i].text, &whole) || whole != cases[i].whole)
			fail_msg("%s (%s): got %lld", cases[i].text, cases[i].why, (long long)whole);
	}
}

static void test_quantity_refuses(void **state)
{
	(void)state;
	static const struct {
		const char *text;
		const char *why;
	} cases[] = {
		{ NULL, "nothing" },
		{ "", "empty" },
		{ "m", "no number" },
		{ ".", "no digits" },
		{ "-", "only a sign" },
		{ "1.2.3", "two points" },
		{ "--1", "two signs" },
		{ " 1", "space before" },
		{ "1 ", "space after" },
		{ "1 Gi", "space between" },
		{ "1K", "kilo is a small k" },
		{ "1ki", "kibi is a capital K" },
		{ "1mi", "no such suffix" },
		{ "1Gib", "no such suffix" },
		{ "1GB", "no such suffix" },
		{ "1e", "no exponent" },
		{ "1e1.5", "a fractional exponent" },
		{ "1e3Ki", "an exponent and a suffix" },
		{ "1e99999999999", "an absurd exponent" },
		{ "0x10", "hexadecimal" },
		{ "10E", "10^19 does not fit" },
		{ "8Ei", "2^63 does not fit" },
		{ "1e19", "does not fit" },
		{ "9223372036854775807.1", "rounded up, it does not fit" },
	};
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		int64_t n = 42;
		if (quantity_parse(cases[i].text, &n) || quantity_parse_milli(cases[i].text, &n) || n != 42)
			fail_msg("accepted \"%s\" (%s)", cases[i].text ? cases[i].text : "NULL", cases[i].why);
	}
}

static void test_quantity_extremes(void **state)
{
	(void)state;
	int64_t n = 42;
	assert_true(quantity_parse("9223372036854775807", &n));
	assert_true(n == INT64_MAX);
	assert_true(quantity_parse("-9223372036854775808", &n));
	assert_true(n == INT64_MIN);
	assert_true(quantity_parse("7Ei", &n));
	assert_true(n == INT64_C(7) << 60);
	assert_true(quantity_parse("7.999999999999999999Ei", &n)); /* more digits than 64 bits hold */
	assert_true(n == INT64_C(9223372036854775807));
	assert_false(quantity_parse_milli("9223372036854775808m", &n));
	char digits[200];
	memset(digits, '1', sizeof(digits) - 1);
	digits[sizeof(digits) - 1] = '\0';
	assert_false(quantity_parse(digits, &n)); /* longer than any sensible quantity */
}

static void test_quantity_canonical_form(void **state)
{
	(void)state;
	/* Worked out by hand from the rules in apimachinery's quantity.go: no fraction, the largest suffix, the same kind
	 * of it. */
	static const struct {
		const char *text, *wanted;
	} cases[] = {
		{ "1", "1" },
		{ "1.0", "1" },
		{ "0.5", "500m" },
		{ "1500m", "1500m" },
		{ "2000m", "2" },
		{ "1000", "1k" },
		{ "1024", "1024" },
		{ "1024Mi", "1Gi" },
		{ "0.5Gi", "512Mi" },
		{ "1.5Gi", "1536Mi" },
		{ "0.5Ki", "512" },
		{ "1e3", "1e3" },
		{ "12e6", "12e6" },
		{ "1200e3", "1200e3" },
		{ "1E", "1E" },
		{ "100000000", "100M" },
		{ "0", "0" },
		{ "0Gi", "0" },
		{ "-0.5", "-500m" },
		{ "-2Ki", "-2Ki" },
		{ "0.0000000001", "1n" },
		{ "1.1Ki", "1126400m" },
		{ "123456Mi", "123456Mi" },
		{ "1000k", "1M" },
		{ "1e0", "1" },
		{ "+3", "3" },
	};
	char text[QUANTITY_SIZE];
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		if (!quantity_canonical(cases[i].text, text) || strcmp(text, cases[i].wanted) != 0)
			fail_msg("%s: %s, wanted %s", cases[i].text, text, cases[i].wanted);
		assert_true(quantity_canonical(cases[i].wanted, text));
		assert_string_equal(text, cases[i].wanted);
	}
	assert_false(quantity_canonical("many", text));
	assert_false(quantity_canonical("", text));
	assert_false(quantity_canonical(NULL, text));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_quantity_parses),
		cmocka_unit_test(test_quantity_refuses),
		cmocka_unit_test(test_quantity_extremes),
		cmocka_unit_test(test_quantity_canonical_form),
	};
	return cmocka_run_group_tests_name("quantity", tests, NULL, NULL);
}
