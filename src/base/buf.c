#include "base/buf.h"

#include <stdio.h>
#include <string.h>

#define BUF_CAP_MIN 64

/* Room for n more bytes and the NUL; false (and failed) when the maximum forbids it. */
static bool buf_grow(struct buf *b, size_t n)
{
	if (b->failed || b->len > b->max || n > b->max - b->len) {
		b->failed = true;
		return false;
	}
	size_t need;
	if (!size_add(b->len, n, &need) || !size_add(need, 1, &need))
		out_of_memory(SIZE_MAX);
	if (need <= b->cap)
		return true;
	size_t cap = b->cap < BUF_CAP_MIN ? BUF_CAP_MIN : b->cap;
	while (cap < need)
		cap = cap > SIZE_MAX / 2 ? need : cap * 2;
	if (b->max < SIZE_MAX && cap > b->max + 1)
		cap = b->max + 1;
	b->data = xrealloc(b->data, cap);
	b->cap = cap;
	b->data[b->len] = '\0';
	return true;
}

int buf_append(struct buf *b, const void *data, size_t len)
{
	if (!buf_grow(b, len))
		return -1;
	if (len)
		memcpy(b->data + b->len, data, len);
	b->len += len;
	b->data[b->len] = '\0';
	return 0;
}

int buf_puts(struct buf *b, const char *s)
{
	return buf_append(b, s, strlen(s));
}

int buf_putc(struct buf *b, char c)
{
	return buf_append(b, &c, 1);
}

int buf_printf(struct buf *b, const char *fmt, ...)
{
	va_list ap;
	va_start(ap, fmt);
	int r = buf_vprintf(b, fmt, ap);
	va_end(ap);
	return r;
}

int buf_vprintf(struct buf *b, const char *fmt, va_list ap)
{
	if (b->failed)
		return -1;
	char small[256];
	va_list again;
	va_copy(again, ap);
	int n = vsnprintf(small, sizeof(small), fmt, ap);
	if (n < 0) {
		b->failed = true;
	} else if ((size_t)n < sizeof(small)) {
		buf_append(b, small, (size_t)n);
	} else if (buf_grow(b, (size_t)n)) {
		vsnprintf(b->data + b->len, (size_t)n + 1, fmt, again);
		b->len += (size_t)n;
	}
	va_end(again);
	return b->failed ? -1 : 0;
}

char *buf_reserve(struct buf *b, size_t n)
{
	return buf_grow(b, n) ? b->data + b->len : NULL;
}

void buf_commit(struct buf *b, size_t n)
{
	b->len += n;
	b->data[b->len] = '\0';
}

void buf_consume(struct buf *b, size_t n)
{
	if (!b->data)
		return;
	if (n > b->len)
		n = b->len;
	b->len -= n;
	memmove(b->data, b->data + n, b->len + 1);
}

void buf_reset(struct buf *b)
{
	b->len = 0;
	b->failed = false;
	if (b->data)
		b->data[0] = '\0';
}

void buf_clear(struct buf *b)
{
	free(b->data);
	*b = BUF_INIT(b->max);
}

char *buf_steal(struct buf *b)
{
	char *data = b->data ? b->data : xstrdup("");
	*b = BUF_INIT(b->max);
	return data;
}

const char *buf_str(const struct buf *b)
{
	return b->data ? b->data : "";
}
