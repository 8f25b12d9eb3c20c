#ifndef BASE_BUF_H
#define BASE_BUF_H
/* A growable byte buffer with a stated maximum.
 *
 * An append that would pass the maximum appends nothing and sets `failed`, which sticks: a writer may append many times
 * and look once at the end. The data is always NUL-terminated (the NUL is not counted in len), except that a buffer
 * never appended to has data == NULL; buf_str() hides that. */

#include "base/mem.h"

struct buf {
	char *data;
	size_t len;
	size_t cap;
	size_t max; /* bytes, without the NUL */
	bool failed;
};

#define BUF_INIT(maximum) ((struct buf){ .max = (maximum) })

/* 0, or -1 when it would pass the maximum (now or at an earlier append). */
int buf_append(struct buf *b, const void *data, size_t len);
int buf_puts(struct buf *b, const char *s);
int buf_putc(struct buf *b, char c);
int buf_printf(struct buf *b, const char *fmt, ...) _printf_(2, 3);
int buf_vprintf(struct buf *b, const char *fmt, va_list ap) _printf_(2, 0);
/* Room for n more bytes at the end, to be claimed by buf_commit(); NULL when that would pass the maximum. */
char *buf_reserve(struct buf *b, size_t n);
void buf_commit(struct buf *b, size_t n);
/* Drops the first n bytes. */
void buf_consume(struct buf *b, size_t n);
/* Empties, keeps the memory, forgets the failure. */
void buf_reset(struct buf *b);
/* Frees the memory; stays usable with the same maximum. */
void buf_clear(struct buf *b);
/* The data, owned by the caller from now on (free()), never NULL; the buffer is empty afterwards. */
char *buf_steal(struct buf *b);
/* The data as a string, never NULL. */
const char *buf_str(const struct buf *b);
#define _cleanup_buf_ _cleanup_(buf_clear)

#endif
