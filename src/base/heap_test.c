#include "base/heap.h"
#include "base/mem.h"

#include <string.h>
#include <unistd.h>

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define OWN_MALLOC true /* which has no such heap */
#else
#define OWN_MALLOC false
#endif

#define EXPECTED ((size_t)16 * 1024 * 1024)
#define PIECE ((size_t)1000)

static void test_heap_expect_grows_once_and_settle_gives_back(void **state)
{
	(void)state;
	if (OWN_MALLOC)
		skip();

	const size_t count = EXPECTED / (PIECE + 16);
	_cleanup_free_ char **pieces = xcalloc(count, sizeof(char *));
	char *before = sbrk(0);

	heap_expect(EXPECTED);
	char *grown = sbrk(0);
	assert_true(grown >= before + EXPECTED);
	for (size_t i = 0; i < count; i++) {
		pieces[i] = xmalloc(PIECE);
		memset(pieces[i], 1, PIECE);
	}
	assert_ptr_equal(sbrk(0), grown);
	heap_settle();
	for (size_t i = 0; i < count; i++)
		free(pieces[i]);
	assert_true((char *)sbrk(0) < before + EXPECTED / 2);
}

static void test_heap_expect_of_little_changes_nothing(void **state)
{
	(void)state;
	char *before = sbrk(0);

	heap_expect(1000);
	assert_ptr_equal(sbrk(0), before);
	heap_settle();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_heap_expect_grows_once_and_settle_gives_back),
		cmocka_unit_test(test_heap_expect_of_little_changes_nothing),
	};

	return cmocka_run_group_tests_name("heap", tests, NULL, NULL);
}
