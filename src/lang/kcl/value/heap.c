#include "value/heap.h"

#include "base/clock.h"

#include <pthread.h>
#include <stdio.h>
#include <sys/auxv.h>
#include <sys/resource.h>
#include <unistd.h>

/* The first chunk is small, as most evaluations are; later ones grow, so that a large one takes few of them. */
#define CHUNK_MIN ((size_t)64 * 1024)
#define CHUNK_MAX ((size_t)4 * 1024 * 1024)
/* What a reset keeps. */
#define SPARE_MAX ((size_t)8 * 1024 * 1024)
/* The clock is read once for so many steps. */
#define SLICE 4096
/* A message may be formatted when the limit is passed already. */
#define MESSAGE_MAX 8192
/* For what runs between two looks at the stack: formatting of doubles, PCRE2, jansson; sanitizers take more. */
#define STACK_RESERVE ((size_t)512 * 1024)
#define PAGE_MAX ((size_t)64 * 1024)

#define DEFAULT_STEPS UINT64_C(100000000)
#define DEFAULT_MEMORY ((size_t)1024 * 1024 * 1024)

struct kcl_chunk {
	struct kcl_chunk *next;
	size_t cap;
	alignas(max_align_t) char data[];
};

struct kcl_owned {
	struct kcl_owned *next;
	void *p;
	void (*destroy)(void *);
};

struct kcl_heap *kcl_heap_new(void)
{
	struct kcl_heap *h = new0(struct kcl_heap);
	kcl_heap_reset(h, NULL);
	return h;
}

static void free_chunks(struct kcl_chunk *c)
{
	while (c) {
		struct kcl_chunk *next = c->next;
		free(c);
		c = next;
	}
}

static void destroy_owned(struct kcl_heap *h, struct kcl_owned *until)
{
	for (struct kcl_owned *o = h->owned; o != until; o = o->next)
		o->destroy(o->p);
	h->owned = until;
}

struct kcl_heap *kcl_heap_free(struct kcl_heap *h)
{
	if (!h)
		return NULL;
	destroy_owned(h, NULL);
	if (h->kept)
		h->kept_free(h->kept);
	free_chunks(h->chunks);
	free_chunks(h->spare);
	free(h);
	return NULL;
}

/* Bytes of the first thread's stack below here. The C library would read /proc/self/maps, which costs more than to run
 * a small program; the kernel puts the name of the executable at the very top. 0: not known. */
static size_t first_stack_below(const char *here)
{
	const char *top = (const char *)getauxval(AT_EXECFN);
	struct rlimit limit;
	if (!top || top < here || getrlimit(RLIMIT_STACK, &limit) < 0 || limit.rlim_cur == RLIM_INFINITY)
		return 0;
	size_t used = (size_t)(top - here) + PAGE_MAX;
	return limit.rlim_cur > used ? limit.rlim_cur - used : 0;
}

static size_t thread_stack_below(const char *here)
{
	pthread_attr_t attr;
	void *low = NULL;
	size_t size = 0;
	if (pthread_getattr_np(pthread_self(), &attr) == 0) {
		pthread_attr_getstack(&attr, &low, &size);
		pthread_attr_destroy(&attr);
	}
	return low && (char *)low < here ? (size_t)(here - (char *)low) : 0;
}

/* The lowest address that the calling thread's stack may reach. Asked once for a thread, as it costs system calls. */
static char *stack_limit(void)
{
	static _Thread_local char *limit;
	if (limit)
		return limit;
	char *here = __builtin_frame_address(0);
	size_t below = gettid() == getpid() ? first_stack_below(here) : thread_stack_below(here);
	/* A stack with no limit is not believed: the kernel maps other things below it. */
	size_t usable = below == 0 || below > (size_t)64 * 1024 * 1024 ? (size_t)4 * 1024 * 1024 : below;
	limit = here - usable + (usable > 4 * STACK_RESERVE ? STACK_RESERVE : usable / 4);
	return limit;
}

/* Chunks that are kept are those of the largest evaluations so far, up to SPARE_MAX together. */
static void recycle_chunks(struct kcl_heap *h)
{
	size_t kept = 0;
	for (struct kcl_chunk *c = h->spare; c; c = c->next)
		kept += c->cap;
	while (h->chunks) {
		struct kcl_chunk *c = h->chunks;
		h->chunks = c->next;
		if (c->cap > CHUNK_MAX || kept + c->cap > SPARE_MAX) {
			free(c);
			continue;
		}
		kept += c->cap;
		c->next = h->spare;
		h->spare = c;
	}
}

void kcl_heap_reset(struct kcl_heap *h, const struct kcl_limits *limits)
{
	static const struct kcl_limits defaults = { 0 };
	if (!limits)
		limits = &defaults;
	destroy_owned(h, NULL);
	recycle_chunks(h);
	h->free = h->end = NULL;
	h->taken = 0;
	h->failure = NULL;
	h->memory_max = limits->memory ? limits->memory : DEFAULT_MEMORY;
	h->steps_left = limits->steps ? limits->steps : DEFAULT_STEPS;
	h->slice = 0;
	h->deadline_ns = limits->deadline_ns;
	h->cancelled = limits->cancelled;
	h->stack_limit = stack_limit();
}

size_t kcl_heap_used(const struct kcl_heap *h)
{
	return h->taken - (size_t)(h->end - h->free);
}

static struct kcl_chunk *chunk_take(struct kcl_heap *h, size_t cap)
{
	for (struct kcl_chunk **at = &h->spare; *at; at = &(*at)->next) {
		struct kcl_chunk *c = *at;
		if (c->cap < cap)
			continue;
		*at = c->next;
		return c;
	}
	struct kcl_chunk *c = xmalloc(sizeof(*c) + cap);
	c->cap = cap;
	return c;
}

static size_t round_up(size_t size)
{
	return (size + alignof(max_align_t) - 1) & ~(alignof(max_align_t) - 1);
}

/* The next chunk is as large as all before it together, within bounds. */
static size_t next_capacity(const struct kcl_heap *h)
{
	size_t cap = h->taken > CHUNK_MIN ? h->taken : CHUNK_MIN;
	return cap < CHUNK_MAX ? round_up(cap) : CHUNK_MAX;
}

void kcl_heap_check(struct kcl_heap *h, size_t size)
{
	if (size > h->memory_max || h->memory_max - size < h->taken)
		kcl_raise(h, "out of memory: the evaluation takes more than %zu bytes", h->memory_max);
}

void *kcl_alloc_slow(struct kcl_heap *h, size_t size)
{
	kcl_heap_check(h, size);
	size_t rounded = round_up(size ? size : 1);
	size_t cap = next_capacity(h);
	if (rounded > cap / 4) {
		/* A chunk of its own, behind the one being filled, whose room stays in use. */
		struct kcl_chunk *big = chunk_take(h, rounded);
		h->taken += big->cap;
		struct kcl_chunk **at = h->chunks ? &h->chunks->next : &h->chunks;
		big->next = *at;
		*at = big;
		return big->data;
	}
	struct kcl_chunk *c = chunk_take(h, cap);
	c->next = h->chunks;
	h->chunks = c;
	h->taken += c->cap;
	h->free = c->data + rounded;
	h->end = c->data + c->cap;
	return c->data;
}

void *kcl_grow(struct kcl_heap *h, void *p, size_t n, size_t wanted, size_t element)
{
	size_t old, size;
	if (!size_mul(n, element, &old) || !size_mul(wanted, element, &size))
		kcl_raise(h, "out of memory: a value has too many parts");
	if (p && (char *)p + round_up(old) == h->free && size <= (size_t)(h->end - (char *)p)) {
		h->free = (char *)p + round_up(size);
		return p;
	}
	void *larger = kcl_alloc_raw(h, size);
	if (old)
		memcpy(larger, p, old);
	return larger;
}

char *kcl_strndup(struct kcl_heap *h, const char *s, size_t n)
{
	char *p = kcl_alloc_raw(h, n + 1);
	memcpy(p, s, n);
	p[n] = '\0';
	return p;
}

char *kcl_printf(struct kcl_heap *h, const char *fmt, ...)
{
	va_list ap, again;
	va_start(ap, fmt);
	va_copy(again, ap);
	int n = vsnprintf(NULL, 0, fmt, ap);
	va_end(ap);
	size_t size = n < 0 ? 1 : (size_t)n + 1;
	char *p = kcl_alloc(h, size);
	vsnprintf(p, size, fmt, again);
	va_end(again);
	return p;
}

void *kcl_heap_own(struct kcl_heap *h, void *p, void (*destroy)(void *))
{
	struct kcl_owned *o = kcl_alloc_raw(h, sizeof(*o));
	*o = (struct kcl_owned){ .next = h->owned, .p = p, .destroy = destroy };
	h->owned = o;
	return p;
}

void kcl_heap_release(struct kcl_heap *h, void *p)
{
	for (struct kcl_owned **at = &h->owned; *at; at = &(*at)->next) {
		struct kcl_owned *o = *at;
		if (o->p != p)
			continue;
		*at = o->next;
		o->destroy(p);
		return;
	}
}

void kcl_steps_slow(struct kcl_heap *h, uint64_t n)
{
	if (n - h->slice > h->steps_left) {
		h->steps_left = h->slice = 0;
		kcl_raise(h, "the evaluation takes too many steps");
	}
	h->steps_left -= n - h->slice;
	h->slice = h->steps_left < SLICE ? h->steps_left : SLICE;
	h->steps_left -= h->slice;
	if (h->deadline_ns && clock_mono_ns() > h->deadline_ns)
		kcl_raise(h, "the evaluation takes longer than allowed");
	if (h->cancelled && *h->cancelled)
		kcl_raise(h, "the evaluation was cancelled");
}

void kcl_stack_exhausted(struct kcl_heap *h)
{
	kcl_raise(h, "stack overflow");
}

/* ---- failure ---- */

struct kcl_failure *kcl_failure_push(struct kcl_heap *h, struct kcl_failure *f)
{
	struct kcl_failure *outer = h->failure;
	f->message = f->code = f->file = NULL;
	f->line = f->column = 0;
	f->owned = h->owned;
	h->failure = f;
	return outer;
}

void kcl_failure_pop(struct kcl_heap *h, struct kcl_failure *f)
{
	h->failure = f->outer;
}

_Noreturn _printf_(3, 0) static void raise_message(struct kcl_heap *h, const char *code, const char *fmt, va_list ap)
{
	struct kcl_failure *f = h->failure;
	if (!f)
		out_of_memory(
			0); /* a failure with no handler: the caller broke the contract, or the limit of none was passed */
	/* An "out of memory" is to be told too: a little more than the limit is taken for it. */
	size_t limit = h->memory_max;
	h->memory_max = SIZE_MAX;
	char *message = kcl_alloc_raw(h, MESSAGE_MAX);
	h->memory_max = limit;
	int n = vsnprintf(message, MESSAGE_MAX, fmt, ap);
	if (n >= 0 && n < MESSAGE_MAX)
		kcl_grow(h, message, MESSAGE_MAX, (size_t)n + 1, 1); /* gives the rest back */
	f->message = message;
	f->code = code;
	destroy_owned(h, f->owned);
	longjmp(f->jump, 1);
}

void kcl_raise(struct kcl_heap *h, const char *fmt, ...)
{
	va_list ap;
	va_start(ap, fmt);
	raise_message(h, "EvaluationError", fmt, ap);
	va_end(ap);
}

void kcl_raise_code(struct kcl_heap *h, const char *code, const char *fmt, ...)
{
	va_list ap;
	va_start(ap, fmt);
	raise_message(h, code, fmt, ap);
	va_end(ap);
}
