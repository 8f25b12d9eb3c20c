#include "limits.h"

#include "base/clock.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>

#include <cmocka.h>

static void test_limits_count_what_is_in_flight(void **state)
{
	const struct limits_config config = { .in_flight_max = 2, .mutating_in_flight_max = 1 };
	struct limits *l = limits_new(&config);
	_cleanup_err_ struct err err = { 0 };

	(void)state;
	assert_int_equal(limits_enter(l, LIMITS_READ, false, NULL), 0);
	assert_int_equal(limits_enter(l, LIMITS_READ, false, NULL), 0);
	assert_int_equal(limits_enter(l, LIMITS_WRITE, false, NULL), 0);
	assert_int_equal(limits_enter(l, LIMITS_READ, false, &err), -1);
	assert_int_equal(err.kind, ERR_TOO_MANY_REQUESTS);
	assert_int_equal(limits_enter(l, LIMITS_WRITE, false, NULL), -1);
	assert_int_equal(limits_enter(l, LIMITS_NONE, false, NULL), 0);
	assert_int_equal(limits_enter(l, LIMITS_WRITE, true, NULL), 0);
	limits_leave(l, LIMITS_WRITE);
	limits_leave(l, LIMITS_WRITE);
	assert_int_equal(limits_enter(l, LIMITS_WRITE, false, NULL), 0);
	limits_free(l);
}

static int allowed(struct limits *l, const char *user, int64_t now_ns, int tries)
{
	int n = 0;

	for (int i = 0; i < tries; i++)
		n += limits_client(l, user, now_ns, NULL) == 0;
	return n;
}

static void test_limits_give_each_user_a_bucket(void **state)
{
	const struct limits_config config = { .client_qps = 10, .client_burst = 20 };
	struct limits *l = limits_new(&config);
	int64_t now = 1000 * NS_PER_S;

	(void)state;
	assert_int_equal(allowed(l, "a", now, 100), 20);
	assert_int_equal(allowed(l, "a", now, 10), 0);
	assert_int_equal(allowed(l, "b", now, 100), 20);
	assert_int_equal(allowed(l, "a", now + NS_PER_S, 100), 10);
	assert_int_equal(allowed(l, "a", now + 100 * NS_PER_S, 100), 20);
	limits_free(l);
}

static void test_limits_without_a_rate_let_everybody_in(void **state)
{
	struct limits *l = limits_new(&(struct limits_config){ 0 });

	(void)state;
	assert_int_equal(allowed(l, "a", 0, 100000), 100000);
	limits_free(l);
}

static void test_limits_forget_users_who_left(void **state)
{
	const struct limits_config config = { .client_qps = 1, .client_burst = 1 };
	struct limits *l = limits_new(&config);
	char user[32];

	(void)state;
	for (int i = 0; i < 10000; i++) {
		snprintf(user, sizeof(user), "u%d", i);
		assert_int_equal(limits_client(l, user, 0, NULL), 0);
	}
	assert_int_equal(limits_client(l, "one more", 0, NULL), -1);
	assert_int_equal(limits_client(l, "one more", 2 * NS_PER_S, NULL), 0);
	limits_free(l);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_limits_count_what_is_in_flight),
		cmocka_unit_test(test_limits_give_each_user_a_bucket),
		cmocka_unit_test(test_limits_without_a_rate_let_everybody_in),
		cmocka_unit_test(test_limits_forget_users_who_left),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
