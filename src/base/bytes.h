#ifndef BASE_BYTES_H
#define BASE_BYTES_H
/* An immutable, reference-counted byte string; safe to share between threads.
 * What the store holds, a response sends and a hundred watchers receive is the same memory. */

#include "base/mem.h"

#include <stdatomic.h>

struct bytes {
	atomic_size_t refs;
	size_t len;
	char data[]; /* len bytes and a NUL */
};

/* A new one with one reference, holding a copy of data (or room to fill, when data is NULL). */
struct bytes *bytes_new(const void *data, size_t len);
struct bytes *bytes_ref(struct bytes *b);
/* Accepts NULL; returns NULL. */
struct bytes *bytes_unref(struct bytes *b);
DEFINE_CLEANUP(struct bytes *, bytes_unref)

#endif
