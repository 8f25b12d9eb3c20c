#include "codec/go_time.h"

#include "base/mem.h"

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#define PLAIN "2006-01-02T15:04:05Z07:00"
#define MICRO "2006-01-02T15:04:05.000000Z07:00"

/* As Go 1.19's time.Parse() answers them. */
static void test_go_time_fault_says_what_go_says(void **state)
{
	static const struct {
		const char *text;
		bool micro;
		const char *fault;
	} cases[] = {
		{ "2026-02-28T01:02:03Z", false, NULL },
		{ "2026-02-28T01:02:03.5+02:00", false, NULL },
		{ "2026-02-28T01:02:03.123456Z", true, NULL },
		{ "x", false, "parsing time \"x\" as \"" PLAIN "\": cannot parse \"x\" as \"2006\"" },
		{ "", false, "parsing time \"\" as \"" PLAIN "\": cannot parse \"\" as \"2006\"" },
		{ "2026-1-1", false, "parsing time \"2026-1-1\" as \"" PLAIN "\": cannot parse \"1-1\" as \"01\"" },
		{ "2026-01-01", false, "parsing time \"2026-01-01\" as \"" PLAIN "\": cannot parse \"\" as \"T\"" },
		{ "2026-13-01T00:00:00Z", false, "parsing time \"2026-13-01T00:00:00Z\": month out of range" },
		{ "2026-02-29T00:00:00Z", false, "parsing time \"2026-02-29T00:00:00Z\": day out of range" },
		{ "2026-02-01T24:00:00Z", false, "parsing time \"2026-02-01T24:00:00Z\": hour out of range" },
		{ "2026-02-01T00:00:00", false,
		  "parsing time \"2026-02-01T00:00:00\" as \"" PLAIN "\": cannot parse \"\" as \"Z07:00\"" },
		{ "2026-02-01T00:00:00Zx", false, "parsing time \"2026-02-01T00:00:00Zx\": extra text: \"x\"" },
		{ "2026-02-01T00:00:00Z", true,
		  "parsing time \"2026-02-01T00:00:00Z\" as \"" MICRO "\": cannot parse \"Z\" as \".000000\"" },
		{ "2026-02-01T00:00:00.123Z", true,
		  "parsing time \"2026-02-01T00:00:00.123Z\" as \"" MICRO "\": cannot parse \".123Z\" as \".000000\"" },
		{ "2026-02-01T00:00:00.1234567Z", true,
		  "parsing time \"2026-02-01T00:00:00.1234567Z\" as \"" MICRO "\": cannot parse \"7Z\" as \"Z07:00\"" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		_cleanup_free_ char *fault = go_time_fault(cases[i].text, cases[i].micro);
		print_message("%s\n", cases[i].text);
		if (cases[i].fault)
			assert_string_equal(fault ? fault : "(none)", cases[i].fault);
		else
			assert_null(fault);
	}
}

static void test_go_duration_fault_says_what_go_says(void **state)
{
	static const struct {
		const char *text, *fault;
		int64_t ns;
	} cases[] = {
		{ "0", NULL, 0 },
		{ "1.5h", NULL, 5400000000000 },
		{ "-1m30s", NULL, -90000000000 },
		{ "100ms", NULL, 100000000 },
		{ ".5s", NULL, 500000000 },
		{ "x", "time: invalid duration \"x\"", 0 },
		{ "", "time: invalid duration \"\"", 0 },
		{ "-", "time: invalid duration \"-\"", 0 },
		{ "1", "time: missing unit in duration \"1\"", 0 },
		{ "1d", "time: unknown unit \"d\" in duration \"1d\"", 0 },
		{ "99999999999999999999s", "time: invalid duration \"99999999999999999999s\"", 0 },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		int64_t ns = 0;
		_cleanup_free_ char *fault = go_duration_fault(cases[i].text, &ns);
		print_message("%s\n", cases[i].text);
		if (cases[i].fault)
			assert_string_equal(fault ? fault : "(none)", cases[i].fault);
		else
			assert_null(fault);
		assert_true(ns == cases[i].ns);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_go_time_fault_says_what_go_says),
		cmocka_unit_test(test_go_duration_fault_says_what_go_says),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
