#include "base/clock.h"
#include "base/mem.h"

#include <string.h>

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

static void test_clock_advances_and_sleeps(void **state)
{
	(void)state;
	int64_t before = clock_mono_ns();
	clock_sleep_ns(2 * NS_PER_MS);
	assert_true(clock_mono_ns() - before >= 2 * NS_PER_MS);
	clock_sleep_ns(-1);
	assert_true(clock_wall_ns() > INT64_C(1600000000) * NS_PER_S);
}

static void test_clock_timespec_is_normal(void **state)
{
	(void)state;
	struct timespec ts = clock_timespec(-1);
	assert_int_equal(ts.tv_sec, -1);
	assert_int_equal(ts.tv_nsec, 999999999);
	ts = clock_timespec(3 * NS_PER_S + 5);
	assert_int_equal(ts.tv_sec, 3);
	assert_int_equal(ts.tv_nsec, 5);
}

static void test_rfc3339_formats(void **state)
{
	(void)state;
	char buf[RFC3339_SIZE];
	int64_t t = INT64_C(1767323045) * NS_PER_S + 123456789;
	assert_string_equal(rfc3339_format(t, buf), "2026-01-02T03:04:05Z");
	assert_string_equal(rfc3339_format_micro(t, buf), "2026-01-02T03:04:05.123456Z");
	assert_string_equal(rfc3339_format_micro(-1, buf), "1969-12-31T23:59:59.999999Z");
	assert_string_equal(rfc3339_format(INT64_MAX, buf), "2262-04-11T23:47:16Z");
}

static void test_rfc3339_parses(void **state)
{
	(void)state;
	static const struct {
		const char *text;
		int64_t ns;
		const char *why;
	} good[] = {
		{ "1970-01-01T00:00:00Z", 0, "the epoch" },
		{ "2026-01-02T03:04:05Z", INT64_C(1767323045000000000), "seconds" },
		{ "2026-01-02T03:04:05.123456Z", INT64_C(1767323045123456000), "MicroTime" },
		{ "2026-01-02T03:04:05.1234567891Z", INT64_C(1767323045123456789), "more than nanoseconds is dropped" },
		{ "2026-01-02T05:04:05+02:00", INT64_C(1767323045000000000), "an offset east" },
		{ "2026-01-01T21:34:05-05:30", INT64_C(1767323045000000000), "an offset west" },
		{ "2026-01-02t03:04:05z", INT64_C(1767323045000000000), "lower case is allowed" },
		{ "2016-12-31T23:59:60Z", INT64_C(1483228800000000000), "a leap second" },
		{ "2024-02-29T00:00:00Z", INT64_C(1709164800000000000), "a leap day" },
		{ "1969-12-31T23:59:59.5Z", -500000000, "before the epoch" },
	};
	for (size_t i = 0; i < ARRAY_SIZE(good); i++) {
		int64_t ns = 42;
		if (!rfc3339_parse(good[i].text, &ns) || ns != good[i].ns)
			fail_msg("%s (%s): got %lld", good[i].text, good[i].why, (long long)ns);
	}
	static const struct {
		const char *text;
		const char *why;
	} bad[] = {
		{ "", "empty" },
		{ "2026-01-02", "a date only" },
		{ "2026-01-02T03:04:05", "no offset" },
		{ "2026-01-02 03:04:05Z", "a space" },
		{ "2026-1-02T03:04:05Z", "one digit" },
		{ "2026-13-02T03:04:05Z", "month 13" },
		{ "2026-00-02T03:04:05Z", "month 0" },
		{ "2026-02-29T03:04:05Z", "no leap year" },
		{ "1900-02-29T03:04:05Z", "no leap year either" },
		{ "2026-01-02T24:04:05Z", "hour 24" },
		{ "2026-01-02T03:60:05Z", "minute 60" },
		{ "2026-01-02T03:04:61Z", "second 61" },
		{ "2026-01-02T03:04:05.Z", "an empty fraction" },
		{ "2026-01-02T03:04:05+0200", "offset without colon" },
		{ "2026-01-02T03:04:05+24:00", "offset of a day" },
		{ "2026-01-02T03:04:05Zx", "trailing text" },
		{ "9999-01-01T00:00:00Z", "past what 64 bits of nanoseconds hold" },
		{ "1600-01-01T00:00:00Z", "before it" },
	};
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		int64_t ns = 42;
		if (rfc3339_parse(bad[i].text, &ns) || ns != 42)
			fail_msg("accepted %s (%s)", bad[i].text, bad[i].why);
	}
}

static void test_duration_human_is_kubectls(void **state)
{
	(void)state;
	static const struct {
		int64_t seconds;
		const char *text;
	} cases[] = {
		{ -5, "<invalid>" },
		{ -1, "0s" },
		{ 0, "0s" },
		{ 119, "119s" },
		{ 120, "2m" },
		{ 192, "3m12s" },
		{ 600, "10m" },
		{ 659, "10m" },
		{ 179 * 60, "179m" },
		{ 180 * 60, "3h" },
		{ 190 * 60, "3h10m" },
		{ 8 * 3600 + 600, "8h" },
		{ 47 * 3600, "47h" },
		{ 48 * 3600, "2d" },
		{ 51 * 3600, "2d3h" },
		{ 9 * 86400 + 3600, "9d" },
		{ 729 * 86400, "729d" },
		{ 730 * 86400, "2y" },
		{ 740 * 86400, "2y10d" },
		{ INT64_C(3000) * 86400, "8y" },
	};
	char buf[32];
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++)
		assert_string_equal(duration_human(cases[i].seconds * NS_PER_S, buf, sizeof(buf)), cases[i].text);
}

static void test_duration_parses_gos_form(void **state)
{
	(void)state;
	static const struct {
		const char *text;
		int64_t ns;
	} good[] = {
		{ "0", 0 },
		{ "0s", 0 },
		{ "5s", 5 * NS_PER_S },
		{ "+5s", 5 * NS_PER_S },
		{ "250ms", 250 * NS_PER_MS },
		{ "1.5s", 1500 * NS_PER_MS },
		{ ".5s", 500 * NS_PER_MS },
		{ "1.s", NS_PER_S },
		{ "1h30m", 5400 * NS_PER_S },
		{ "1h15m30.918s", 4530918 * NS_PER_MS },
		{ "3us", 3000 },
		{ "3\u00b5s", 3000 },
		{ "3\u03bcs", 3000 },
		{ "7ns", 7 },
		{ "0.100000000000000000000h", 360 * NS_PER_S },
		{ "9223372036854775807ns", INT64_MAX },
	};
	for (size_t i = 0; i < ARRAY_SIZE(good); i++) {
		int64_t ns = 42;
		if (!duration_parse(good[i].text, &ns) || ns != good[i].ns)
			fail_msg("%s: got %lld", good[i].text, (long long)ns);
	}
	static const char *const bad[] = { "",
		                               "+",
		                               "5",
		                               "-5s",
		                               "s",
		                               ".s",
		                               ".",
		                               "1x",
		                               "1 s",
		                               "1s ",
		                               "1h-5m",
		                               "1e3s",
		                               "9223372036854775808ns",
		                               "2562048h",
		                               "9223372036s9223372036s",
		                               "99999999999999999999999h" };
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		int64_t ns = 42;
		if (duration_parse(bad[i], &ns) || ns != 42)
			fail_msg("accepted \"%s\"", bad[i]);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_clock_advances_and_sleeps),
		cmocka_unit_test(test_clock_timespec_is_normal),
		cmocka_unit_test(test_rfc3339_formats),
		cmocka_unit_test(test_rfc3339_parses),
		cmocka_unit_test(test_duration_human_is_kubectls),
		cmocka_unit_test(test_duration_parses_gos_form),
	};
	return cmocka_run_group_tests_name("clock", tests, NULL, NULL);
}
