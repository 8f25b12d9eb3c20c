#ifndef LANG_KCL_VALUE_HEAP_H
#define LANG_KCL_VALUE_HEAP_H
/* The memory, limits and failure of one evaluation.
 *
 * Values are never freed one by one: a heap is emptied as a whole, so a step that gives up needs no cleaning. That is
 * why failure is a jump: kcl_raise() does not return, and whatever runs inside an evaluation must own nothing but heap
 * memory (no malloc(), no descriptors; kcl_heap_own() for what a library allocates). */

#include "kcl.h"

#include <setjmp.h>

struct kcl_heap;

struct kcl_heap *kcl_heap_new(void);
struct kcl_heap *kcl_heap_free(struct kcl_heap *h);
/* Forgets every value; keeps some memory for the next evaluation. */
void kcl_heap_reset(struct kcl_heap *h, const struct kcl_limits *limits);
/* Bytes taken since the reset. */
size_t kcl_heap_used(const struct kcl_heap *h);

/* Zeroed, aligned for any type. Raises "out of memory" past the limit; size products are to be checked by the caller.
 */
void *kcl_alloc(struct kcl_heap *h, size_t size);
/* Not zeroed. */
void *kcl_alloc_raw(struct kcl_heap *h, size_t size);
char *kcl_strndup(struct kcl_heap *h, const char *s, size_t n);
char *kcl_printf(struct kcl_heap *h, const char *fmt, ...) _printf_(2, 3);
/* Calls destroy(p) at the reset. Returns p. */
void *kcl_heap_own(struct kcl_heap *h, void *p, void (*destroy)(void *));

/* Counts n steps; raises when the limit or the deadline is passed. Loops in C whose length comes from values call it.
 */
void kcl_steps(struct kcl_heap *h, uint64_t n);

/* ---- failure ---- */

struct kcl_failure {
	jmp_buf jump;
	struct kcl_failure *outer;
	const char *message; /* in the heap */
	const char *code;    /* "EvaluationError" */
	/* Where it was raised, set by the evaluator: file NULL when not known. */
	const char *file;
	uint32_t line, column;
};

/* The innermost handler is jumped to. A handler is set with: f.outer = kcl_failure_push(h, &f); if (!setjmp(f.jump)) …
 * and taken off with kcl_failure_pop(h, &f) on both ways. */
struct kcl_failure *kcl_failure_push(struct kcl_heap *h, struct kcl_failure *f);
void kcl_failure_pop(struct kcl_heap *h, struct kcl_failure *f);
_Noreturn void kcl_raise(struct kcl_heap *h, const char *fmt, ...) _printf_(2, 3);

#endif
