#include "proxy_timers.h"

#include "base/clock.h"

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

struct item {
	struct timer timer;
	struct timers *timers;
	int64_t *last;
	int *fired;
	struct item *cancels; /* when it fires */
	int64_t again;        /* sets itself to this when it fires */
};

static void fire(void *self)
{
	struct item *i = self;

	assert_true(*i->last <= i->timer.at);
	*i->last = i->timer.at;
	(*i->fired)++;
	if (i->cancels)
		timers_cancel(i->timers, &i->cancels->timer);
	if (i->again) {
		timers_set(i->timers, &i->timer, i->again);
		i->again = 0;
	}
}

#define ITEMS 500

static void test_proxy_timers_fire_in_order(void **state)
{
	static struct item items[ITEMS];
	struct timers t = { 0 };
	int64_t last = 0;
	int fired = 0, cancelled = 0;
	uint32_t random = 1;

	(void)state;
	for (int i = 0; i < ITEMS; i++) {
		items[i] = (struct item){
			.timer = { .fire = fire, .self = &items[i] }, .timers = &t, .last = &last, .fired = &fired
		};
		random = random * 1664525 + 1013904223;
		timers_set(&t, &items[i].timer, random >> 20);
	}
	/* Some move, some go. */
	for (int i = 0; i < ITEMS; i += 3) {
		random = random * 1664525 + 1013904223;
		timers_set(&t, &items[i].timer, random >> 20);
	}
	for (int i = 1; i < ITEMS; i += 5) {
		timers_cancel(&t, &items[i].timer);
		timers_cancel(&t, &items[i].timer);
		cancelled++;
	}
	for (int64_t now = 0; now <= 1 << 12; now += 64) {
		timers_run(&t, now);
		assert_true(!t.len || t.heap[1]->at > now);
	}
	assert_int_equal(fired, ITEMS - cancelled);
	assert_int_equal(t.len, 0);
	timers_done(&t);
}

static void test_proxy_timers_may_change_others_and_themselves(void **state)
{
	struct timers t = { 0 };
	int64_t last = 0;
	int fired = 0;
	struct item items[3];

	(void)state;
	for (int i = 0; i < 3; i++) {
		items[i] = (struct item){
			.timer = { .fire = fire, .self = &items[i] }, .timers = &t, .last = &last, .fired = &fired
		};
		timers_set(&t, &items[i].timer, i + 1);
	}
	items[0].cancels = &items[1];
	items[2].again = 10;
	timers_run(&t, 5);
	assert_int_equal(fired, 2);
	assert_int_equal(t.len, 1);
	timers_run(&t, 10);
	assert_int_equal(fired, 3);
	timers_done(&t);
}

static void test_proxy_timers_wait(void **state)
{
	struct timers t = { 0 };
	struct timer timer = { .fire = fire };

	(void)state;
	assert_int_equal(timers_wait_ms(&t, 0), -1);
	timers_set(&t, &timer, 5 * NS_PER_MS + 1);
	/* Rounded up: waking before it is due would be a busy wait. */
	assert_int_equal(timers_wait_ms(&t, 0), 6);
	assert_int_equal(timers_wait_ms(&t, 5 * NS_PER_MS + 1), 0);
	assert_int_equal(timers_wait_ms(&t, 50 * NS_PER_MS), 0);
	timers_done(&t);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_proxy_timers_fire_in_order),
		cmocka_unit_test(test_proxy_timers_may_change_others_and_themselves),
		cmocka_unit_test(test_proxy_timers_wait),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
