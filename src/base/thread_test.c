#include "base/thread.h"

#include "base/bytes.h"
#include "base/clock.h"

#include <signal.h>
#include <string.h>

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

static void *look_around(void *arg)
{
	char *name = arg;
	clock_sleep_ns(20 * NS_PER_MS); /* the name is set from outside, just after the start */
	pthread_getname_np(pthread_self(), name, 16);
	sigset_t blocked;
	pthread_sigmask(SIG_SETMASK, NULL, &blocked);
	return sigismember(&blocked, SIGTERM) && sigismember(&blocked, SIGCHLD) ? name : NULL;
}

static void test_thread_start_names_and_blocks_signals(void **state)
{
	(void)state;
	pthread_t thread;
	char name[16] = "";
	void *result;
	assert_int_equal(thread_start(&thread, "a-name-that-is-too-long", look_around, name, NULL), 0);
	pthread_join(thread, &result);
	assert_ptr_equal(result, name);
	assert_string_equal(name, "a-name-that-is-");
	sigset_t mine;
	pthread_sigmask(SIG_SETMASK, NULL, &mine);
	assert_false(sigismember(&mine, SIGTERM));
}

struct shared {
	pthread_mutex_t lock;
	pthread_cond_t cond;
	bool ready;
	int count;
	struct bytes *bytes;
};

static void *signal_ready(void *arg)
{
	struct shared *s = arg;
	clock_sleep_ns(10 * NS_PER_MS);
	MUTEX_GUARD(&s->lock);
	s->ready = true;
	pthread_cond_signal(&s->cond);
	return NULL;
}

static void test_cond_wait_until(void **state)
{
	(void)state;
	struct shared s = { .lock = PTHREAD_MUTEX_INITIALIZER };
	cond_init_mono(&s.cond);
	{
		MUTEX_GUARD(&s.lock);
		int64_t before = clock_mono_ns();
		while (cond_wait_until(&s.cond, &s.lock, before + 20 * NS_PER_MS))
			;
		assert_true(clock_mono_ns() >= before + 20 * NS_PER_MS);
		assert_false(cond_wait_until(&s.cond, &s.lock, 0));
	}
	for (int limited = 0; limited < 2; limited++) {
		pthread_t thread;
		s.ready = false;
		assert_int_equal(thread_start(&thread, "signaller", signal_ready, &s, NULL), 0);
		int64_t deadline = limited ? clock_mono_ns() + 60 * NS_PER_S : -1;
		pthread_mutex_lock(&s.lock);
		while (!s.ready)
			assert_true(cond_wait_until(&s.cond, &s.lock, deadline));
		pthread_mutex_unlock(&s.lock);
		pthread_join(thread, NULL);
	}
	pthread_cond_destroy(&s.cond);
}

static void *count_and_drop(void *arg)
{
	struct shared *s = arg;
	for (int i = 0; i < 1000; i++) {
		_cleanup_(bytes_unrefp) struct bytes *b = bytes_ref(s->bytes);
		MUTEX_GUARD(&s->lock);
		s->count += (int)b->len;
	}
	bytes_unref(s->bytes);
	return NULL;
}

static void test_mutex_guard_and_bytes_across_threads(void **state)
{
	(void)state;
	struct shared s = { .lock = PTHREAD_MUTEX_INITIALIZER, .bytes = bytes_new("x", 1) };
	pthread_t threads[4];
	for (int i = 0; i < 4; i++) {
		bytes_ref(s.bytes);
		assert_int_equal(thread_start(&threads[i], "counter", count_and_drop, &s, NULL), 0);
	}
	bytes_unref(s.bytes); /* the threads' own references keep it */
	for (int i = 0; i < 4; i++)
		pthread_join(threads[i], NULL);
	assert_int_equal(s.count, 4000);
	assert_int_equal(pthread_mutex_trylock(&s.lock), 0);
	pthread_mutex_unlock(&s.lock);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_thread_start_names_and_blocks_signals),
		cmocka_unit_test(test_cond_wait_until),
		cmocka_unit_test(test_mutex_guard_and_bytes_across_threads),
	};
	return cmocka_run_group_tests_name("thread", tests, NULL, NULL);
}
