#include "response.h"

#include "base/str.h"

#define LINE_MAX_BYTES ((size_t)64 * 1024)

void response_init(struct response *r)
{
	*r = (struct response){ .part = PART_HEAD, .line = BUF_INIT(LINE_MAX_BYTES) };
}

void response_clear(struct response *r)
{
	buf_clear(&r->line);
}

static void body(struct connection *c, const char *data, size_t len)
{
	c->response.body_len += len;
	if (c->events->body && len > 0)
		c->events->body(c, data, len);
}

static void complete(struct connection *c)
{
	struct response *r = &c->response;

	r->part = PART_HEAD;
	c->events->response(c);
	if (!c->closed)
		r->body_len = 0;
}

/* A head without its last empty line. */
static bool take_head(struct connection *c, char *head)
{
	struct response *r = &c->response;
	bool empty;

	if (!str_starts_with(head, "HTTP/1.1 "))
		return false;
	r->status = (int)strtol(head + 9, NULL, 10);
	r->chunked = strcasestr(head, "\r\nTransfer-Encoding: chunked") != NULL;
	const char *length = strcasestr(head, "\r\nContent-Length:");
	r->left = length ? strtoull(length + 17, NULL, 10) : 0;
	empty = r->status == 204 || r->status == 304 || (r->status >= 100 && r->status < 200);
	if (r->status >= 100 && r->status < 200)
		r->part = PART_HEAD;
	else if (!empty && r->chunked)
		r->part = PART_CHUNK_SIZE;
	else if (!empty && r->left > 0)
		r->part = PART_BODY;
	else
		complete(c);
	return true;
}

static bool take_line(struct connection *c, char *line)
{
	struct response *r = &c->response;

	switch (r->part) {
	case PART_HEAD:
		return take_head(c, line);
	case PART_CHUNK_SIZE:
		r->left = strtoull(line, NULL, 16);
		r->part = r->left > 0 ? PART_CHUNK : PART_TRAILER;
		return true;
	case PART_CHUNK_END:
		r->part = PART_CHUNK_SIZE;
		return true;
	case PART_TRAILER:
		if (!*line)
			complete(c);
		return true;
	default:
		return false;
	}
}

/* Bytes up to the end of the line (of the head: of the empty line), or 0 when it is not complete: then all are kept. */
static size_t line_end(struct response *r, const char *data, size_t len)
{
	const char *mark = r->part == PART_HEAD ? "\r\n\r\n" : "\r\n";
	size_t mark_len = strlen(mark), before = r->line.len;

	if (before == 0) {
		const char *end = memmem(data, len, mark, mark_len);
		if (end) {
			buf_append(&r->line, data, (size_t)(end - data));
			return (size_t)(end - data) + mark_len;
		}
		buf_append(&r->line, data, len);
		return 0;
	}
	buf_append(&r->line, data, len);
	size_t from = before >= mark_len ? before - mark_len : 0;
	const char *end = memmem(r->line.data + from, r->line.len - from, mark, mark_len);
	if (!end)
		return 0;
	size_t used = (size_t)(end - r->line.data) + mark_len - before;
	r->line.len = (size_t)(end - r->line.data);
	r->line.data[r->line.len] = '\0';
	return used;
}

bool response_feed(struct connection *c, const char *data, size_t len)
{
	struct response *r = &c->response;

	while (len > 0 && !c->closed) {
		if (r->part == PART_BODY || r->part == PART_CHUNK) {
			size_t n = r->left < len ? (size_t)r->left : len;

			body(c, data, n);
			if (c->closed)
				return true;
			data += n;
			len -= n;
			r->left -= n;
			if (r->left == 0 && r->part == PART_CHUNK)
				r->part = PART_CHUNK_END;
			else if (r->left == 0)
				complete(c);
			continue;
		}
		size_t n = line_end(r, data, len);
		if (n == 0)
			return !r->line.failed;
		if (!take_line(c, r->line.len ? r->line.data : (char[]){ "" }))
			return false;
		if (c->closed)
			return true;
		buf_reset(&r->line);
		data += n;
		len -= n;
	}
	return true;
}
