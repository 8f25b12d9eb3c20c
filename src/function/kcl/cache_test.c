#include "kcl/cache.h"

#include "base/clock.h"
#include "base/thread.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <string.h>

#include <cmocka.h>

static const char KEY[] = "0123456789012345678901234567890123456789012345678901234567890123";

static struct kcl_program *compile_now(void *self)
{
	const struct kcl_source source = { "main.k", "a = 1\n", 6 };
	const struct kcl_compile_options options = { .sources = &source, .sources_len = 1 };
	struct kcl_diagnostics d = { 0 };
	unsigned *calls = self;

	++*calls;
	return kcl_compile(&options, &d);
}

static void test_cache_compiles_once(void **state)
{
	_cleanup_(kcl_cache_freep) struct kcl_cache *c = kcl_cache_new(1024 * 1024);
	const struct kcl_limits limits = { 0 };
	unsigned calls = 0;

	(void)state;
	for (int i = 0; i < 3; i++)
		kcl_program_unref(kcl_cache_get(c, KEY, &limits, compile_now, &calls));
	assert_int_equal(calls, 1);
	assert_int_equal(kcl_cache_stats(c).hits, 2);
}

/* ---- waiting for another thread ---- */

struct slow {
	struct kcl_cache *cache;
	atomic_bool begun, may_end;
};

static struct kcl_program *compile_slowly(void *self)
{
	struct slow *s = self;
	unsigned calls = 0;

	atomic_store(&s->begun, true);
	while (!atomic_load(&s->may_end))
		clock_sleep_ns(NS_PER_MS);
	return compile_now(&calls);
}

static void *compile_in_thread(void *self)
{
	struct slow *s = self;
	const struct kcl_limits limits = { 0 };

	kcl_program_unref(kcl_cache_get(s->cache, KEY, &limits, compile_slowly, s));
	return NULL;
}

static struct kcl_program *give_up(void *self)
{
	bool *gave_up = self;

	*gave_up = true;
	return NULL;
}

/* Whoever waits is as free to go as who compiles. */
static void test_cache_wait_ends(void **state)
{
	static const _Atomic bool cancelled = true;
	_cleanup_(kcl_cache_freep) struct kcl_cache *c = kcl_cache_new(1024 * 1024);
	struct slow slow = { .cache = c };
	const struct kcl_limits cases[] = { { .cancelled = &cancelled },
		                                { .deadline_ns = clock_mono_ns() + 5 * NS_PER_MS } };
	pthread_t thread;
	unsigned calls = 0;

	(void)state;
	assert_int_equal(thread_start(&thread, "slow", compile_in_thread, &slow, NULL), 0);
	while (!atomic_load(&slow.begun))
		clock_sleep_ns(NS_PER_MS);
	for (size_t i = 0; i < 2; i++) {
		bool gave_up = false;

		assert_null(kcl_cache_get(c, KEY, &cases[i], give_up, &gave_up));
		assert_true(gave_up);
	}
	atomic_store(&slow.may_end, true);
	pthread_join(thread, NULL);
	kcl_program_unref(kcl_cache_get(c, KEY, &(struct kcl_limits){ 0 }, compile_now, &calls));
	assert_int_equal(calls, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_cache_compiles_once),
		cmocka_unit_test(test_cache_wait_ends),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
