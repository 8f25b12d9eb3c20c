#include "kube/workqueue.h"

#include "base/clock.h"
#include "base/str.h"
#include "base/thread.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static struct kube_workqueue *new_queue(int64_t base_ns, int64_t max_ns, double rate)
{
	struct kube_workqueue_config config = {
		.name = "test", .backoff_base_ns = base_ns, .backoff_max_ns = max_ns, .rate_per_s = rate
	};
	return kube_workqueue_new(&config);
}

static void expect_get(struct kube_workqueue *q, const char *key)
{
	_cleanup_free_ char *got = kube_workqueue_get(q);
	assert_non_null(got);
	assert_string_equal(got, key);
}

static void test_workqueue_is_in_order_and_holds_a_key_once(void **state)
{
	(void)state;
	struct kube_workqueue *q = new_queue(0, 0, 0);
	kube_workqueue_add(q, "a");
	kube_workqueue_add(q, "b");
	kube_workqueue_add(q, "a");
	assert_int_equal(kube_workqueue_len(q), 2);
	expect_get(q, "a");
	expect_get(q, "b");
	assert_int_equal(kube_workqueue_len(q), 0);
	kube_workqueue_done(q, "a");
	kube_workqueue_done(q, "b");
	assert_int_equal(kube_workqueue_len(q), 0);
	kube_workqueue_free(q);
}

static void test_workqueue_key_added_while_worked_on_comes_after_done(void **state)
{
	(void)state;
	struct kube_workqueue *q = new_queue(0, 0, 0);
	kube_workqueue_add(q, "a");
	expect_get(q, "a");
	kube_workqueue_add(q, "a");
	kube_workqueue_add(q, "a");
	assert_int_equal(kube_workqueue_len(q), 0);
	kube_workqueue_done(q, "a");
	assert_int_equal(kube_workqueue_len(q), 1);
	expect_get(q, "a");
	kube_workqueue_done(q, "a");
	kube_workqueue_done(q, "a"); /* once too often does no harm */
	assert_int_equal(kube_workqueue_len(q), 0);
	kube_workqueue_free(q);
}

static void test_workqueue_delays_come_in_time_order(void **state)
{
	(void)state;
	struct kube_workqueue *q = new_queue(0, 0, 0);
	int64_t begin = clock_mono_ns();
	kube_workqueue_add_after(q, "c", 600 * NS_PER_MS);
	kube_workqueue_add_after(q, "a", 200 * NS_PER_MS);
	kube_workqueue_add_after(q, "b", 500 * NS_PER_S);
	kube_workqueue_add_after(q, "b", 400 * NS_PER_MS); /* the earlier counts */
	kube_workqueue_add_after(q, "a", 500 * NS_PER_S);
	kube_workqueue_add_after(q, "now", 0);
	assert_int_equal(kube_workqueue_len(q), 1);
	expect_get(q, "now");
	expect_get(q, "a");
	assert_true(clock_mono_ns() - begin >= 200 * NS_PER_MS);
	expect_get(q, "b");
	assert_true(clock_mono_ns() - begin >= 400 * NS_PER_MS);
	expect_get(q, "c");
	assert_true(clock_mono_ns() - begin >= 600 * NS_PER_MS);
	kube_workqueue_free(q);
}

static void test_workqueue_many_delays_keep_their_order(void **state)
{
	(void)state;
	enum { COUNT = 500 };
	struct kube_workqueue *q = new_queue(0, 0, 0);
	int64_t earliest[COUNT], latest[COUNT]; /* the delay counts from some moment during the call */
	for (int i = 0; i < COUNT; i++) {
		_cleanup_free_ char *key = xasprintf("%d", i);
		int64_t delay = (i * 7919 % COUNT) * (NS_PER_MS / 10) + NS_PER_MS;
		earliest[i] = clock_mono_ns() + delay;
		kube_workqueue_add_after(q, key, delay);
		latest[i] = clock_mono_ns() + delay;
	}
	int64_t previous = 0;
	for (int i = 0; i < COUNT; i++) {
		_cleanup_free_ char *key = kube_workqueue_get(q);
		int64_t n;
		assert_true(str_to_i64(key, 0, COUNT - 1, &n));
		assert_true(previous <= latest[n]);
		assert_true(clock_mono_ns() >= earliest[n]);
		previous = earliest[n];
		earliest[n] = INT64_MAX; /* each comes once */
	}
	assert_int_equal(kube_workqueue_len(q), 0);
	kube_workqueue_free(q);
}

static void test_workqueue_backs_off_and_forgets(void **state)
{
	(void)state;
	struct kube_workqueue *q = new_queue(10 * NS_PER_MS, 40 * NS_PER_MS, 0);
	static const int64_t expected_ms[] = { 10, 20, 40, 40 };
	for (size_t i = 0; i < ARRAY_SIZE(expected_ms); i++) {
		int64_t begin = clock_mono_ns();
		assert_int_equal(kube_workqueue_failures(q, "a"), i);
		kube_workqueue_add_rate_limited(q, "a");
		expect_get(q, "a");
		int64_t waited = clock_mono_ns() - begin;
		kube_workqueue_done(q, "a");
		assert_true(waited >= expected_ms[i] * NS_PER_MS);
		if (waited > expected_ms[i] * NS_PER_MS + 2 * NS_PER_S)
			fail_msg("waited %lld ms", (long long)(waited / NS_PER_MS));
	}
	kube_workqueue_forget(q, "a");
	assert_int_equal(kube_workqueue_failures(q, "a"), 0);
	kube_workqueue_free(q);
}

/* Whatever a key is added for happened before that: also when it is in the line already, or with a worker. */
static void test_workqueue_knows_when_a_key_was_added_last(void **state)
{
	(void)state;
	struct kube_workqueue *q = new_queue(0, 0, 0);
	assert_int_equal(kube_workqueue_added_ns(q, "a"), 0);
	for (int i = 0; i < 3; i++) {
		int64_t before = clock_mono_ns();
		kube_workqueue_add(q, "a");
		assert_in_range(kube_workqueue_added_ns(q, "a"), before, clock_mono_ns());
		if (i == 1)
			expect_get(q, "a");
	}
	kube_workqueue_free(q);
}

static void test_workqueue_overall_rate_bounds_retries(void **state)
{
	(void)state;
	struct kube_workqueue *q = new_queue(1, 1, 1000);
	int64_t begin = clock_mono_ns();
	for (int i = 0; i < 200; i++) {
		_cleanup_free_ char *key = xasprintf("%d", i);
		kube_workqueue_add_rate_limited(q, key);
	}
	for (int i = 0; i < 200; i++)
		free(kube_workqueue_get(q));
	/* A burst of 100, the others one each millisecond. */
	assert_true(clock_mono_ns() - begin >= 90 * NS_PER_MS);
	kube_workqueue_free(q);
}

static void *wait_for_key(void *arg)
{
	return kube_workqueue_get(arg);
}

static void test_workqueue_shut_down_wakes_all(void **state)
{
	(void)state;
	struct kube_workqueue *q = new_queue(0, 0, 0);
	pthread_t threads[4];
	for (size_t i = 0; i < ARRAY_SIZE(threads); i++)
		assert_int_equal(thread_start(&threads[i], "worker", wait_for_key, q, NULL), 0);
	kube_workqueue_add_after(q, "later", 500 * NS_PER_S);
	clock_sleep_ns(10 * NS_PER_MS);
	kube_workqueue_shut_down(q);
	for (size_t i = 0; i < ARRAY_SIZE(threads); i++) {
		void *key;
		pthread_join(threads[i], &key);
		assert_null(key);
	}
	kube_workqueue_add(q, "a");
	assert_null(kube_workqueue_get(q));
	assert_int_equal(kube_workqueue_len(q), 0);
	kube_workqueue_free(q);
}

/* An earlier delay that comes in must wake the worker that waits for a later one. */
static void test_workqueue_earlier_delay_wakes_the_waiter(void **state)
{
	(void)state;
	struct kube_workqueue *q = new_queue(0, 0, 0);
	kube_workqueue_add_after(q, "late", 100 * NS_PER_S);
	pthread_t thread;
	assert_int_equal(thread_start(&thread, "worker", wait_for_key, q, NULL), 0);
	clock_sleep_ns(10 * NS_PER_MS);
	kube_workqueue_add_after(q, "early", 10 * NS_PER_MS);
	void *key;
	pthread_join(thread, &key);
	assert_string_equal(key, "early");
	free(key);
	kube_workqueue_free(q);
}

#define STRESS_KEYS 8
#define STRESS_WORKERS 4
#define STRESS_PRODUCERS 2
#define STRESS_ADDS 3000

struct stress {
	struct kube_workqueue *q;
	atomic_int inside[STRESS_KEYS]; /* workers that have this key: never more than one */
	atomic_int wanted[STRESS_KEYS]; /* a generation for each add */
	atomic_int seen[STRESS_KEYS];   /* the last generation a worker has seen */
	atomic_int violations, passes;
};

static void *stress_produce(void *arg)
{
	struct stress *s = arg;
	for (int i = 0; i < STRESS_ADDS; i++) {
		int k = i % STRESS_KEYS;
		char key[2] = { (char)('a' + k), '\0' };
		atomic_fetch_add(&s->wanted[k], 1);
		if (i % 5 == 0)
			kube_workqueue_add_after(s->q, key, 10000);
		else if (i % 7 == 0)
			kube_workqueue_add_rate_limited(s->q, key);
		else
			kube_workqueue_add(s->q, key);
		if (i % 64 == 0)
			clock_sleep_ns(100000);
	}
	return NULL;
}

static void *stress_work(void *arg)
{
	struct stress *s = arg;
	for (;;) {
		_cleanup_free_ char *key = kube_workqueue_get(s->q);
		if (!key)
			return NULL;
		int k = key[0] - 'a';
		if (atomic_fetch_add(&s->inside[k], 1) != 0)
			atomic_fetch_add(&s->violations, 1);
		atomic_store(&s->seen[k], atomic_load(&s->wanted[k]));
		atomic_fetch_add(&s->passes, 1);
		atomic_fetch_sub(&s->inside[k], 1);
		kube_workqueue_forget(s->q, key);
		kube_workqueue_done(s->q, key);
	}
}

static void test_workqueue_stress(void **state)
{
	(void)state;
	struct stress s = { .q = new_queue(1000, 100000, 1e6) };
	pthread_t workers[STRESS_WORKERS], producers[STRESS_PRODUCERS];
	for (int i = 0; i < STRESS_WORKERS; i++)
		assert_int_equal(thread_start(&workers[i], "worker", stress_work, &s, NULL), 0);
	for (int i = 0; i < STRESS_PRODUCERS; i++)
		assert_int_equal(thread_start(&producers[i], "producer", stress_produce, &s, NULL), 0);
	for (int i = 0; i < STRESS_PRODUCERS; i++)
		pthread_join(producers[i], NULL);
	/* Nothing that was added may be lost: every key is worked on after its last add. */
	bool all = false;
	for (int64_t until = clock_mono_ns() + 20 * NS_PER_S; !all && clock_mono_ns() < until;) {
		all = true;
		for (int k = 0; k < STRESS_KEYS; k++)
			all = all && atomic_load(&s.seen[k]) == atomic_load(&s.wanted[k]);
		clock_sleep_ns(NS_PER_MS);
	}
	assert_true(all);
	kube_workqueue_shut_down(s.q);
	for (int i = 0; i < STRESS_WORKERS; i++)
		pthread_join(workers[i], NULL);
	assert_int_equal(atomic_load(&s.violations), 0);
	assert_true(atomic_load(&s.passes) <= STRESS_PRODUCERS * STRESS_ADDS);
	kube_workqueue_free(s.q);
}

static void test_workqueue_metrics(void **state)
{
	(void)state;
	struct metrics *m = metrics_new();
	struct kube_workqueue_config config = { .name = "shop", .metrics = m };
	struct kube_workqueue *q = kube_workqueue_new(&config);
	kube_workqueue_add(q, "a");
	kube_workqueue_add(q, "b");
	expect_get(q, "a");
	kube_workqueue_done(q, "a");
	_cleanup_buf_ struct buf out = BUF_INIT(1024 * 1024);
	metrics_write(m, &out);
	assert_true(str_contains(buf_str(&out), "workqueue_depth{name=\"shop\"} 1\n"));
	assert_true(str_contains(buf_str(&out), "workqueue_adds_total{name=\"shop\"} 2\n"));
	assert_true(str_contains(buf_str(&out), "workqueue_queue_duration_seconds_count{name=\"shop\"} 1\n"));
	assert_true(str_contains(buf_str(&out), "workqueue_work_duration_seconds_count{name=\"shop\"} 1\n"));
	kube_workqueue_free(q);
	metrics_free(m);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_workqueue_is_in_order_and_holds_a_key_once),
		cmocka_unit_test(test_workqueue_key_added_while_worked_on_comes_after_done),
		cmocka_unit_test(test_workqueue_delays_come_in_time_order),
		cmocka_unit_test(test_workqueue_many_delays_keep_their_order),
		cmocka_unit_test(test_workqueue_backs_off_and_forgets),
		cmocka_unit_test(test_workqueue_knows_when_a_key_was_added_last),
		cmocka_unit_test(test_workqueue_overall_rate_bounds_retries),
		cmocka_unit_test(test_workqueue_shut_down_wakes_all),
		cmocka_unit_test(test_workqueue_earlier_delay_wakes_the_waiter),
		cmocka_unit_test(test_workqueue_stress),
		cmocka_unit_test(test_workqueue_metrics),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
