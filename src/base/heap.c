#include "heap.h"

#include "mem.h"

#include <malloc.h>
#include <stdint.h>
#include <sys/mman.h>
#include <unistd.h>

#define HUGE_PAGE ((size_t)2 * 1024 * 1024)
#define TOP_PAD_USUAL (128 * 1024) /* glibc's */
#define EXPECT_MAX ((size_t)1024 * 1024 * 1024)
#define PIECE ((size_t)64 * 1024) /* below what malloc() maps by itself */
#define PIECES_MAX 64

static char *heap_end(void)
{
	return sbrk(0);
}

/* Takes what the heap has left, so that it has to grow, and gives it back. */
static void make_it_grow(void)
{
	void *pieces[PIECES_MAX];
	const char *before = heap_end();
	size_t len = 0;

	do
		pieces[len++] = xmalloc(PIECE);
	while (len < PIECES_MAX && heap_end() == before);
	while (len > 0)
		free(pieces[--len]);
}

void heap_expect(size_t bytes)
{
	char *before = heap_end();

	if (bytes < HUGE_PAGE || gettid() != getpid() || before == (char *)-1)
		return;
	if (bytes > EXPECT_MAX)
		bytes = EXPECT_MAX;
	/* Both ends of the growth may lie within a huge page. */
	mallopt(M_TOP_PAD, (int)(bytes + 2 * HUGE_PAGE));
	make_it_grow();
	size_t grown = (size_t)(heap_end() - before), skipped = -(uintptr_t)before & (HUGE_PAGE - 1);
	if (grown >= bytes + HUGE_PAGE)
		madvise(before + skipped, grown - skipped, MADV_HUGEPAGE);
}

void heap_settle(void)
{
	mallopt(M_TOP_PAD, TOP_PAD_USUAL);
}
