#include "base/arena.h"
#include "base/bytes.h"

#include <stdalign.h>
#include <string.h>

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

static void test_arena_alloc_is_zeroed_and_aligned(void **state)
{
	(void)state;
	_cleanup_(arena_freep) struct arena *a = arena_new();
	for (size_t size = 0; size < 3000; size += 7) {
		unsigned char *p = arena_alloc(a, size);
		assert_non_null(p);
		assert_int_equal((uintptr_t)p % alignof(max_align_t), 0);
		for (size_t i = 0; i < size; i++)
			assert_int_equal(p[i], 0);
		memset(p, 0xff, size); /* the next ones must not see it */
	}
}

static void test_arena_pieces_do_not_overlap(void **state)
{
	(void)state;
	_cleanup_(arena_freep) struct arena *a = arena_new();
	/* Small ones around large ones, which get chunks of their own. */
	static const size_t sizes[] = { 1, 100000, 16, 2048, 3, 70000, 40, 1024, 1, 1, 500000, 17 };
	unsigned char *p[ARRAY_SIZE(sizes) * 20];
	for (size_t i = 0; i < ARRAY_SIZE(p); i++) {
		size_t size = sizes[i % ARRAY_SIZE(sizes)];
		p[i] = arena_alloc(a, size);
		memset(p[i], (int)(i & 0xff), size);
	}
	for (size_t i = 0; i < ARRAY_SIZE(p); i++)
		for (size_t j = 0; j < sizes[i % ARRAY_SIZE(sizes)]; j++)
			if (p[i][j] != (i & 0xff))
				fail_msg("piece %zu was overwritten at byte %zu", i, j);
}

static void test_arena_strings(void **state)
{
	(void)state;
	_cleanup_(arena_freep) struct arena *a = arena_new();
	assert_string_equal(arena_strdup(a, "scia"), "scia");
	assert_string_equal(arena_strdup(a, ""), "");
	assert_string_equal(arena_strndup(a, "deployment", 6), "deploy");
	assert_string_equal(arena_strndup(a, "ab", 6), "ab");
	assert_string_equal(arena_printf(a, "%s-%d", "rev", 12), "rev-12");
	char long_text[5000];
	memset(long_text, 'x', sizeof(long_text) - 1);
	long_text[sizeof(long_text) - 1] = '\0';
	assert_string_equal(arena_printf(a, "%s", long_text), long_text);
}

static char destroyed[8];

static void note_destroyed(void *p)
{
	size_t len = strlen(destroyed);
	destroyed[len] = *(const char *)p;
}

static void test_arena_destroys_what_it_owns_in_reverse(void **state)
{
	(void)state;
	memset(destroyed, 0, sizeof(destroyed));
	struct arena *a = arena_new();
	char *first = arena_strdup(a, "1");
	assert_ptr_equal(arena_own(a, first, note_destroyed), first);
	arena_own(a, arena_strdup(a, "2"), note_destroyed);
	arena_own(a, arena_strdup(a, "3"), note_destroyed);
	assert_string_equal(destroyed, "");
	assert_null(arena_free(a));
	assert_string_equal(destroyed, "321");
	assert_null(arena_free(NULL));
}

static void test_bytes_are_copied_and_counted(void **state)
{
	(void)state;
	char source[] = "abc";
	struct bytes *b = bytes_new(source, 3);
	source[0] = 'X';
	assert_int_equal(b->len, 3);
	assert_memory_equal(b->data, "abc", 4);
	assert_ptr_equal(bytes_ref(b), b);
	assert_null(bytes_unref(b));
	assert_memory_equal(b->data, "abc", 4); /* still there: one reference is left */
	assert_null(bytes_unref(b));
	assert_null(bytes_unref(NULL));

	_cleanup_(bytes_unrefp) struct bytes *room = bytes_new(NULL, 5);
	memcpy(room->data, "12345", 5);
	assert_string_equal(room->data, "12345");
}

static void test_mem_sizes_are_checked(void **state)
{
	(void)state;
	size_t n = 7;
	assert_false(size_add(SIZE_MAX, 1, &n));
	assert_false(size_mul(SIZE_MAX / 2, 3, &n));
	assert_true(size_add(2, 3, &n));
	assert_int_equal(n, 5);
	assert_true(size_mul(2, 3, &n));
	assert_int_equal(n, 6);
	_cleanup_free_ void *empty = xcalloc(0, 8);
	_cleanup_free_ void *none = xmalloc(0);
	assert_non_null(empty);
	assert_non_null(none);
	char *p = xstrdup("moved");
	_cleanup_free_ char *q = TAKE_PTR(p);
	assert_null(p);
	assert_string_equal(q, "moved");
	assert_null(xstrdup_or_null(NULL));
}

static void test_arena_size_is_that_of_all_chunks(void **state)
{
	(void)state;
	_cleanup_(arena_freep) struct arena *a = arena_new();
	size_t empty = arena_size(a);

	arena_alloc(a, 100);
	assert_true(arena_size(a) >= empty + 100);
	arena_alloc(a, 1 << 20);
	assert_true(arena_size(a) >= empty + (1 << 20) + 100 && arena_size(a) < empty + (2 << 20));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_arena_alloc_is_zeroed_and_aligned),
		cmocka_unit_test(test_arena_pieces_do_not_overlap),
		cmocka_unit_test(test_arena_strings),
		cmocka_unit_test(test_arena_size_is_that_of_all_chunks),
		cmocka_unit_test(test_arena_destroys_what_it_owns_in_reverse),
		cmocka_unit_test(test_bytes_are_copied_and_counted),
		cmocka_unit_test(test_mem_sizes_are_checked),
	};
	return cmocka_run_group_tests_name("arena", tests, NULL, NULL);
}
