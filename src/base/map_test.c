#include "base/map.h"

#include <stdio.h>
#include <string.h>

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

static void test_map_sets_and_gets(void **state)
{
	(void)state;
	_cleanup_(map_freep) struct map *m = map_new(NULL);
	int a = 1, b = 2;
	assert_null(map_get(m, "a"));
	assert_false(map_has(m, "a"));
	assert_false(map_del(m, "a"));
	assert_null(map_take(m, "a"));
	map_set(m, "a", &a);
	map_set(m, "", &b);
	assert_ptr_equal(map_get(m, "a"), &a);
	assert_ptr_equal(map_get(m, ""), &b);
	map_set(m, "a", &b);
	assert_ptr_equal(map_get(m, "a"), &b);
	assert_int_equal(map_len(m), 2);
	assert_null(map_free(NULL));
}

static void test_map_copies_keys(void **state)
{
	(void)state;
	_cleanup_(map_freep) struct map *m = map_new(NULL);
	char key[] = "key";
	map_set(m, key, m);
	key[0] = 'X';
	assert_true(map_has(m, "key"));
	assert_false(map_has(m, "Xey"));
}

static unsigned freed;

static void count_free(void *p)
{
	free(p);
	freed++;
}

static void test_map_frees_values(void **state)
{
	(void)state;
	freed = 0;
	struct map *m = map_new(count_free);
	char *same = xstrdup("same");
	map_set(m, "a", xstrdup("1"));
	map_set(m, "a", xstrdup("2"));
	assert_int_equal(freed, 1);
	map_set(m, "s", same);
	map_set(m, "s", same); /* replacing a value by itself must not free it */
	assert_int_equal(freed, 1);
	assert_true(map_del(m, "a"));
	assert_int_equal(freed, 2);
	_cleanup_free_ char *taken = map_take(m, "s");
	assert_ptr_equal(taken, same);
	assert_int_equal(freed, 2);
	map_set(m, "b", xstrdup("3"));
	map_clear(m);
	assert_int_equal(freed, 3);
	assert_int_equal(map_len(m), 0);
	map_set(m, "c", xstrdup("4"));
	map_free(m);
	assert_int_equal(freed, 4);
}

static void test_map_iterates_in_order_of_insertion(void **state)
{
	(void)state;
	_cleanup_(map_freep) struct map *m = map_new(NULL);
	char key[16];
	for (int i = 0; i < 100; i++) {
		snprintf(key, sizeof(key), "k%02d", i);
		map_set(m, key, m);
	}
	map_del(m, "k00");
	map_del(m, "k50");
	map_set(m, "k00", m); /* new again: last */
	map_set(m, "k10", m); /* replaced: keeps its place */
	size_t i = 0;
	const char *k;
	int expected = 1, n = 0;
	while (map_next(m, &i, &k, NULL)) {
		if (expected == 50)
			expected++;
		snprintf(key, sizeof(key), "k%02d", expected++ % 100);
		assert_string_equal(k, key);
		n++;
	}
	assert_int_equal(n, 99);
}

static void test_map_deletes_while_iterating(void **state)
{
	(void)state;
	_cleanup_(map_freep) struct map *m = map_new(free);
	char key[16];
	for (int i = 0; i < 1000; i++) {
		snprintf(key, sizeof(key), "k%d", i);
		map_set(m, key, xstrdup(key));
	}
	size_t i = 0, seen = 0;
	const char *k;
	void *v;
	while (map_next(m, &i, &k, &v)) {
		assert_string_equal(k, v);
		if (seen++ % 3 != 0) {
			snprintf(key, sizeof(key), "%s", k);
			assert_true(map_del(m, key));
		}
	}
	assert_int_equal(seen, 1000);
	assert_int_equal(map_len(m), 334);
	for (int j = 0; j < 1000; j++) {
		snprintf(key, sizeof(key), "k%d", j);
		assert_int_equal(map_has(m, key), j % 3 == 0);
	}
}

/* Against a plain array, over many sizes, with a fixed sequence of pseudo-random steps. */
static void test_map_agrees_with_a_simple_model(void **state)
{
	(void)state;
	enum { KEYS = 300 };
	static int values[KEYS];
	bool there[KEYS] = { false };
	size_t len = 0;
	_cleanup_(map_freep) struct map *m = map_new(NULL);
	uint32_t random = 12345;
	for (int step = 0; step < 60000; step++) {
		random = random * 1664525U + 1013904223U;
		unsigned k = (random >> 8) % KEYS;
		/* Phases of growth and of shrinking. */
		bool insert = (random >> 24) % 10 < ((step / 5000) % 2 ? 2U : 8U);
		char key[16];
		snprintf(key, sizeof(key), "%u", k);
		assert_ptr_equal(map_get(m, key), there[k] ? &values[k] : NULL);
		if (insert)
			map_set(m, key, &values[k]);
		else
			assert_int_equal(map_del(m, key), there[k]);
		len += (insert && !there[k]) - (!insert && there[k]);
		there[k] = insert;
		assert_int_equal(map_len(m), len);
	}
	size_t i = 0, n = 0;
	void *v;
	while (map_next(m, &i, NULL, &v)) {
		assert_true(there[(int *)v - values]);
		n++;
	}
	assert_int_equal(n, len);
}

/* First in, first out: must neither grow without end nor walk over all the holes each time. */
static void test_map_serves_as_a_queue(void **state)
{
	(void)state;
	_cleanup_(map_freep) struct map *m = map_new(NULL);
	char key[16];
	for (int n = 0; n < 200000; n++) {
		snprintf(key, sizeof(key), "%d", n);
		map_set(m, key, m);
		if (n < 1000)
			continue;
		size_t i = 0;
		const char *first;
		assert_true(map_next(m, &i, &first, NULL));
		snprintf(key, sizeof(key), "%d", n - 1000);
		assert_string_equal(first, key);
		map_del(m, key);
	}
	assert_int_equal(map_len(m), 1000);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_map_sets_and_gets),
		cmocka_unit_test(test_map_copies_keys),
		cmocka_unit_test(test_map_frees_values),
		cmocka_unit_test(test_map_iterates_in_order_of_insertion),
		cmocka_unit_test(test_map_deletes_while_iterating),
		cmocka_unit_test(test_map_agrees_with_a_simple_model),
		cmocka_unit_test(test_map_serves_as_a_queue),
	};
	return cmocka_run_group_tests_name("map", tests, NULL, NULL);
}
