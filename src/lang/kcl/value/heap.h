#ifndef LANG_KCL_VALUE_HEAP_H
#define LANG_KCL_VALUE_HEAP_H
/* The memory, limits and failure of one evaluation.
 *
 * Values are never freed one by one: a heap is emptied as a whole, so a step that gives up needs no cleaning. That is
 * why failure is a jump: kcl_raise() does not return, and whatever runs inside an evaluation must own nothing but heap
 * memory (no malloc(), no descriptors; kcl_heap_own() for what a library allocates). */

#include "kcl.h"

#include <setjmp.h>
#include <stdalign.h>
#include <string.h>

/* The fields are heap.c's own; they are here so that allocation and counting are inlined. */
struct kcl_heap {
	char *free, *end;         /* what is left of the chunk being filled */
	uint64_t slice;           /* steps until the limits are looked at again */
	char *stack_limit;        /* the C stack may not grow below it */
	struct kcl_chunk *chunks; /* the first one is being filled */
	struct kcl_chunk *spare;  /* kept by a reset */
	struct kcl_owned *owned;
	struct kcl_failure *failure;
	size_t taken, memory_max; /* bytes of all chunks but the first one's rest */
	uint64_t steps_left;      /* without the slice */
	int64_t deadline_ns;
	const _Atomic bool *cancelled;
	bool strict_range; /* numbers have 32 bits (-r); set after the reset */
	void *kept;        /* stdlib's compiled patterns: they outlive resets */
	void (*kept_free)(void *);
};

struct kcl_heap *kcl_heap_new(void);
struct kcl_heap *kcl_heap_free(struct kcl_heap *h);
DEFINE_CLEANUP(struct kcl_heap *, kcl_heap_free)
/* Forgets every value; keeps some memory for the next evaluation, which is to run in the calling thread (its C stack is
 * measured). limits may be NULL: the defaults. */
void kcl_heap_reset(struct kcl_heap *h, const struct kcl_limits *limits);
/* Bytes taken since the reset. */
size_t kcl_heap_used(const struct kcl_heap *h);

void *kcl_alloc_slow(struct kcl_heap *h, size_t size);
/* Not zeroed, aligned for any type. Raises "out of memory" past the limit; size products are to be checked by the
 * caller. */
static inline void *kcl_alloc_raw(struct kcl_heap *h, size_t size)
{
	if (size >= (size_t)(h->end - h->free)) /* also when there is no chunk yet and nothing is asked for */
		return kcl_alloc_slow(h, size);
	char *p = h->free;
	h->free = p + ((size + alignof(max_align_t) - 1) & ~(alignof(max_align_t) - 1));
	return p;
}
/* Zeroed. */
static inline void *kcl_alloc(struct kcl_heap *h, size_t size)
{
	return memset(kcl_alloc_raw(h, size), 0, size);
}
/* Makes an array of n elements larger, in place when it was allocated last. Raises when the size overflows. */
void *kcl_grow(struct kcl_heap *h, void *p, size_t n, size_t wanted, size_t element);
char *kcl_strndup(struct kcl_heap *h, const char *s, size_t n);
char *kcl_printf(struct kcl_heap *h, const char *fmt, ...) _printf_(2, 3);
/* Calls destroy(p) at the reset, when a failure passes on its way to a handler that was set before, or by
 * kcl_heap_release(): what a library allocates is not counted, so it should not stay. Returns p. */
void *kcl_heap_own(struct kcl_heap *h, void *p, void (*destroy)(void *));
/* Destroys it now. */
void kcl_heap_release(struct kcl_heap *h, void *p);
/* Raises "out of memory" unless so many bytes may still be taken: for what a library is about to allocate. */
void kcl_heap_check(struct kcl_heap *h, size_t size);

void kcl_steps_slow(struct kcl_heap *h, uint64_t n);
/* Counts n steps; raises when the limit or the deadline is passed. Loops in C whose length comes from values call it.
 */
static inline void kcl_steps(struct kcl_heap *h, uint64_t n)
{
	if (h->slice < n)
		kcl_steps_slow(h, n);
	else
		h->slice -= n;
}

/* Steps until the limit is passed. */
static inline uint64_t kcl_steps_left(const struct kcl_heap *h)
{
	return h->steps_left + h->slice;
}

_Noreturn void kcl_stack_exhausted(struct kcl_heap *h);
/* Raises when the C stack is nearly used up; functions that recurse over values begin with it. */
static inline void kcl_stack_check(struct kcl_heap *h)
{
	if ((char *)__builtin_frame_address(0) < h->stack_limit)
		kcl_stack_exhausted(h);
}

/* ---- failure ---- */

struct kcl_failure {
	jmp_buf jump;
	struct kcl_failure *outer;
	struct kcl_owned *owned; /* what was there when the handler was set */
	const char *message;     /* in the heap */
	const char *code;        /* "EvaluationError" */
	/* Where it was raised, set by the evaluator: file NULL when not known. */
	const char *file;
	uint32_t line, column;
};

/* The innermost handler is jumped to. A handler is set with: f.outer = kcl_failure_push(h, &f); if (!setjmp(f.jump)) …
 * and taken off with kcl_failure_pop(h, &f) on both ways. */
struct kcl_failure *kcl_failure_push(struct kcl_heap *h, struct kcl_failure *f);
void kcl_failure_pop(struct kcl_heap *h, struct kcl_failure *f);
_Noreturn void kcl_raise(struct kcl_heap *h, const char *fmt, ...) _printf_(2, 3);
/* With another code than "EvaluationError". */
_Noreturn void kcl_raise_code(struct kcl_heap *h, const char *code, const char *fmt, ...) _printf_(3, 4);

#endif
