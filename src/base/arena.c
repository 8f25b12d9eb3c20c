#include "base/arena.h"

#include <stdalign.h>
#include <stdio.h>
#include <string.h>

#define CHUNK_MIN 2048
#define CHUNK_MAX (64 * 1024)

struct chunk {
	struct chunk *next;
	size_t used;
	size_t cap;
	alignas(max_align_t) char data[];
};

struct owned {
	struct owned *next;
	void *p;
	void (*destroy)(void *);
};

struct arena {
	struct chunk *chunks; /* the first one is being filled */
	struct owned *owned;  /* latest first */
	size_t chunk_size;
};

struct arena *arena_new(void)
{
	struct arena *a = new0(struct arena);
	a->chunk_size = CHUNK_MIN;
	return a;
}

struct arena *arena_free(struct arena *a)
{
	if (!a)
		return NULL;
	for (struct owned *o = a->owned; o; o = o->next)
		o->destroy(o->p);
	for (struct chunk *c = a->chunks; c;) {
		struct chunk *next = c->next;
		free(c);
		c = next;
	}
	free(a);
	return NULL;
}

size_t arena_size(const struct arena *a)
{
	size_t size = sizeof(*a);

	for (const struct chunk *c = a->chunks; c; c = c->next)
		size += sizeof(*c) + c->cap;
	return size;
}

static struct chunk *chunk_new(size_t cap)
{
	size_t size;
	if (!size_add(cap, sizeof(struct chunk), &size))
		out_of_memory(cap);
	struct chunk *c = xcalloc(1, size);
	c->cap = cap;
	return c;
}

void *arena_alloc(struct arena *a, size_t size)
{
	size_t rounded;
	if (!size_add(size ? size : 1, alignof(max_align_t) - 1, &rounded))
		out_of_memory(size);
	rounded &= ~(alignof(max_align_t) - 1);

	struct chunk *c = a->chunks;
	if (c && rounded <= c->cap - c->used) {
		void *p = c->data + c->used;
		c->used += rounded;
		return p;
	}
	if (rounded > a->chunk_size / 2) {
		/* A chunk of its own, behind the one being filled, whose room stays in use. */
		struct chunk *big = chunk_new(rounded);
		big->used = rounded;
		if (c) {
			big->next = c->next;
			c->next = big;
		} else {
			a->chunks = big;
		}
		return big->data;
	}
	struct chunk *fresh = chunk_new(a->chunk_size);
	if (a->chunk_size < CHUNK_MAX)
		a->chunk_size *= 2;
	fresh->used = rounded;
	fresh->next = c;
	a->chunks = fresh;
	return fresh->data;
}

char *arena_strdup(struct arena *a, const char *s)
{
	return arena_strndup(a, s, strlen(s));
}

char *arena_strndup(struct arena *a, const char *s, size_t n)
{
	size_t len = strnlen(s, n);
	char *p = arena_alloc(a, len + 1);
	memcpy(p, s, len);
	return p;
}

char *arena_printf(struct arena *a, const char *fmt, ...)
{
	va_list ap, again;
	va_start(ap, fmt);
	va_copy(again, ap);
	int n = vsnprintf(NULL, 0, fmt, ap);
	va_end(ap);
	if (n < 0)
		out_of_memory(0);
	char *p = arena_alloc(a, (size_t)n + 1);
	vsnprintf(p, (size_t)n + 1, fmt, again);
	va_end(again);
	return p;
}

void *arena_own(struct arena *a, void *p, void (*destroy)(void *))
{
	struct owned *o = arena_alloc(a, sizeof(*o));
	*o = (struct owned){ .next = a->owned, .p = p, .destroy = destroy };
	a->owned = o;
	return p;
}
