#include "waiters.h"

#include "base/clock.h"
#include "base/thread.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>

#include <cmocka.h>

static atomic_int running, most, ran, refused;
static atomic_bool gate;

static void reset(void)
{
	atomic_store(&running, 0);
	atomic_store(&most, 0);
	atomic_store(&ran, 0);
	atomic_store(&refused, 0);
	atomic_store(&gate, false);
}

static void run(void *arg)
{
	int now = atomic_fetch_add(&running, 1) + 1;
	int before = atomic_load(&most);

	(void)arg;
	while (now > before && !atomic_compare_exchange_weak(&most, &before, now))
		;
	while (!atomic_load(&gate))
		clock_sleep_ns(NS_PER_MS);
	atomic_fetch_sub(&running, 1);
	atomic_fetch_add(&ran, 1);
}

static void refuse(void *arg)
{
	(void)arg;
	atomic_fetch_add(&refused, 1);
}

static const struct waiter_job JOB = { .run = run, .refuse = refuse };

static void wait_for(const atomic_int *what, int wanted)
{
	for (int i = 0; i < 5000 && atomic_load(what) != wanted; i++)
		clock_sleep_ns(NS_PER_MS);
	assert_int_equal(atomic_load(what), wanted);
}

static void test_waiters_grow_up_to_their_maximum(void **state)
{
	const struct waiters_config config = { .threads_max = 8, .queue_max = 100, .patience_ns = 60 * NS_PER_S };
	struct waiters *w = waiters_new(&config);

	(void)state;
	reset();
	for (int i = 0; i < 20; i++)
		waiters_submit(w, &JOB);
	wait_for(&running, 8);
	atomic_store(&gate, true);
	wait_for(&ran, 20);
	assert_int_equal(atomic_load(&most), 8);
	assert_int_equal(atomic_load(&refused), 0);
	waiters_free(w);
}

static void test_waiters_refuse_what_their_queue_cannot_hold(void **state)
{
	const struct waiters_config config = { .threads_max = 1, .queue_max = 2, .patience_ns = 60 * NS_PER_S };
	struct waiters *w = waiters_new(&config);

	(void)state;
	reset();
	waiters_submit(w, &JOB);
	wait_for(&running, 1);
	for (int i = 0; i < 5; i++)
		waiters_submit(w, &JOB);
	assert_int_equal(atomic_load(&refused), 3);
	atomic_store(&gate, true);
	wait_for(&ran, 3);
	waiters_free(w);
}

static void test_waiters_refuse_what_queued_too_long(void **state)
{
	const struct waiters_config config = { .threads_max = 1, .queue_max = 9, .patience_ns = 400 * NS_PER_MS };
	struct waiters *w = waiters_new(&config);

	(void)state;
	reset();
	waiters_submit(w, &JOB);
	wait_for(&running, 1);
	waiters_submit(w, &JOB);
	clock_sleep_ns(600 * NS_PER_MS);
	atomic_store(&gate, true);
	wait_for(&refused, 1);
	wait_for(&ran, 1);
	waiters_free(w);
}

static void test_waiters_refuse_the_rest_at_the_end(void **state)
{
	const struct waiters_config config = { .threads_max = 1, .queue_max = 9, .patience_ns = 60 * NS_PER_S };
	struct waiters *w = waiters_new(&config);

	(void)state;
	reset();
	for (int i = 0; i < 4; i++)
		waiters_submit(w, &JOB);
	wait_for(&running, 1);
	atomic_store(&gate, true);
	waiters_free(w);
	assert_int_equal(atomic_load(&ran) + atomic_load(&refused), 4);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_waiters_grow_up_to_their_maximum),
		cmocka_unit_test(test_waiters_refuse_what_their_queue_cannot_hold),
		cmocka_unit_test(test_waiters_refuse_what_queued_too_long),
		cmocka_unit_test(test_waiters_refuse_the_rest_at_the_end),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
