#include "http1.h"

#include <string.h>

enum chunked_state {
	CHUNK_SIZE,  /* hexadecimal digits */
	CHUNK_SPACE, /* white space, which must lead to an extension */
	CHUNK_EXTENSION,
	CHUNK_SIZE_LF,
	CHUNK_DATA,
	CHUNK_DATA_CR,
	CHUNK_DATA_LF,
	CHUNK_TRAILER, /* at the start of a trailer line */
	CHUNK_END,
};

#define EXTENSION_MAX 1024         /* bytes a chunk */
#define EXTENSIONS_MAX (16 * 1024) /* bytes more than the body has */

void http1_body_init(struct http1_body *b, enum http1_framing framing, int64_t content_length)
{
	*b = (struct http1_body){ .framing = framing };
	if (framing == HTTP1_LENGTH)
		b->left = (uint64_t)content_length;
}

bool http1_body_ends_with_close(const struct http1_body *b)
{
	switch (b->framing) {
	case HTTP1_NONE:
	case HTTP1_UNTIL_CLOSE:
		return true;
	case HTTP1_LENGTH:
		return b->left == 0;
	case HTTP1_CHUNKED:
		return b->state == CHUNK_END;
	}
	return false;
}

static int hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	if (c >= 'A' && c <= 'F')
		return c - 'A' + 10;
	return -1;
}

/* Everything of a chunk's size line up to its LF; -1 when malformed. */
static int size_line_char(struct http1_body *b, char c)
{
	int digit = b->state == CHUNK_SIZE ? hex_digit(c) : -1;

	if (digit >= 0) {
		/* 15 digits: a size is always a positive int64_t. */
		if (++b->digits > 15)
			return -1;
		b->left = b->left * 16 + (uint64_t)digit;
		return 0;
	}
	if (b->digits == 0)
		return -1;
	if (c == '\r' && b->state != CHUNK_SPACE) {
		b->state = CHUNK_SIZE_LF;
		return 0;
	}
	if (++b->extension > EXTENSION_MAX || ++b->extensions > EXTENSIONS_MAX + b->data)
		return -1;
	if (b->state != CHUNK_EXTENSION) {
		if (c != ';' && c != ' ' && c != '\t')
			return -1;
		b->state = c == ';' ? CHUNK_EXTENSION : CHUNK_SPACE;
		return 0;
	}
	return http1_is_text((unsigned char)c) ? 0 : -1;
}

/* The bytes around a chunk's data; -1 when malformed. */
static int chunk_char(struct http1_body *b, char c)
{
	switch (b->state) {
	case CHUNK_SIZE:
	case CHUNK_SPACE:
	case CHUNK_EXTENSION:
		return size_line_char(b, c);
	case CHUNK_SIZE_LF:
		b->state = b->left ? CHUNK_DATA : CHUNK_TRAILER;
		return c == '\n' ? 0 : -1;
	case CHUNK_DATA_CR:
		b->state = CHUNK_DATA_LF;
		return c == '\r' ? 0 : -1;
	case CHUNK_DATA_LF:
		b->state = CHUNK_SIZE;
		b->digits = 0;
		b->extension = 0;
		return c == '\n' ? 0 : -1;
	}
	return -1;
}

static enum http1_event trailer_line(struct http1_body *b, const char *data, size_t len, size_t *used,
                                     struct http1_field *ret)
{
	const char *lf = memchr(data, '\n', len);
	struct http1_error err;

	if (!lf)
		return b->trailer + len < HTTP1_TRAILER_MAX ? HTTP1_MORE : HTTP1_BAD;

	size_t n = (size_t)(lf - data) + 1;

	b->trailer += n;
	if (n < 2 || data[n - 2] != '\r' || b->trailer > HTTP1_TRAILER_MAX)
		return HTTP1_BAD;
	*used += n;
	if (n == 2) {
		b->state = CHUNK_END;
		return HTTP1_END;
	}
	return http1_parse_field((struct http1_str){ data, n - 2 }, ret, &err) ? HTTP1_BAD : HTTP1_TRAILER;
}

static enum http1_event take_data(struct http1_body *b, const char *data, size_t len, size_t *used,
                                  struct http1_field *ret)
{
	size_t n = b->left < len ? (size_t)b->left : len;

	b->left -= n;
	b->data += n;
	*used += n;
	ret->value = (struct http1_str){ data, n };
	return HTTP1_DATA;
}

static enum http1_event chunked_next(struct http1_body *b, const char *data, size_t len, size_t *used,
                                     struct http1_field *ret)
{
	if (b->state == CHUNK_END)
		return HTTP1_END;
	for (size_t i = 0; i < len; i++) {
		if (b->state == CHUNK_TRAILER)
			return trailer_line(b, data + i, len - i, used, ret);
		if (b->state == CHUNK_DATA) {
			enum http1_event e = take_data(b, data + i, len - i, used, ret);

			if (!b->left)
				b->state = CHUNK_DATA_CR;
			return e;
		}
		if (chunk_char(b, data[i]))
			return HTTP1_BAD;
		*used += 1;
	}
	return HTTP1_MORE;
}

enum http1_event http1_body_next(struct http1_body *b, const char *data, size_t len, size_t *ret_used,
                                 struct http1_field *ret)
{
	*ret_used = 0;
	switch (b->framing) {
	case HTTP1_NONE:
		return HTTP1_END;
	case HTTP1_LENGTH:
		if (!b->left)
			return HTTP1_END;
		return len ? take_data(b, data, len, ret_used, ret) : HTTP1_MORE;
	case HTTP1_UNTIL_CLOSE:
		b->left = len;
		return len ? take_data(b, data, len, ret_used, ret) : HTTP1_MORE;
	case HTTP1_CHUNKED:
		return chunked_next(b, data, len, ret_used, ret);
	}
	return HTTP1_BAD;
}
