/* Answers on their way to the client: pieced together, enciphered, and given to the socket as it takes them. */
#include "http_server_internal.h"

#include <errno.h>
#include <sys/socket.h>

/* Enciphered at a time before it is given to the socket. */
#define FLUSH_MAX ((size_t)48 * 1024)

static size_t copy_some(const char *data, size_t len, size_t *at, char *to, size_t room)
{
	size_t n = len - *at < room ? len - *at : room;

	memcpy(to, data + *at, n);
	*at += n;
	return n;
}

/* A piece of the body as it lies, when it fills a record by itself. */
static size_t body_piece(struct http_answer *a, const char **ret)
{
	size_t n = a->body ? a->body->len - a->body_at : 0;

	if (n > HTTP_PIECE_MAX)
		n = HTTP_PIECE_MAX;
	*ret = a->body ? a->body->data + a->body_at : NULL;
	a->body_at += n;
	return n;
}

/* The head's next bytes, with the Date line behind them. */
static size_t head_piece(struct http_connection *c, struct http_answer *a)
{
	const char *date = http_loop_date(c->loop);
	size_t date_len = strlen(date), at = 0;
	size_t n = copy_some(a->head, a->head_len, &a->head_at, c->loop->plain, HTTP_PIECE_MAX - date_len);

	return a->head_at < a->head_len ? n : n + copy_some(date, date_len, &at, c->loop->plain + n, date_len);
}

/* The next bytes of the answer, at most HTTP_PIECE_MAX; 0: none now, *ret_end: none of a stream any more. */
static size_t next_piece(struct http_connection *c, const char **ret, bool *ret_end)
{
	struct http_answer *a = &c->req->answer;
	size_t n = 0;
	char *plain = c->loop->plain;

	if (a->head_at == a->head_len && a->body)
		return body_piece(a, ret);
	*ret = plain;
	if (a->head_at < a->head_len)
		n = head_piece(c, a);
	if (a->head_at < a->head_len)
		return n;
	if (a->body)
		n += copy_some(a->body->data, a->body->len, &a->body_at, plain + n, HTTP_PIECE_MAX - n);
	else if (a->parts)
		n += http_parts_take(a->parts, plain + n, HTTP_PIECE_MAX - n);
	else if (a->stream && !a->no_body)
		n += http_stream_take(a->stream, plain + n, HTTP_PIECE_MAX - n, ret_end);
	return n;
}

static bool is_sent(const struct http_answer *a, bool stream_ended)
{
	if (a->head_at < a->head_len)
		return false;
	return a->no_body || ((!a->body || a->body_at == a->body->len) && (!a->parts || http_parts_is_sent(a->parts)) &&
	                      (!a->stream || stream_ended));
}

/* Gives bytes to the socket: how many it took, negative when it failed. */
static ssize_t give(struct http_connection *c, const char *data, size_t len)
{
	ssize_t n;

	do
		n = send(c->fd, data, len, MSG_NOSIGNAL | MSG_DONTWAIT);
	while (n < 0 && errno == EINTR);
	if (n < 0)
		return errno == EAGAIN ? 0 : -1;
	if (n > 0 && c->deadline_ns && c->state == HTTP_ANSWERING)
		http_connection_set_deadline(c, c->server->idle_timeout_ns);
	return n;
}

/* Sends what the loop's wire_out holds; the rest waits. 1: all of it, 0: some is left, negative: failed. */
static int send_wire(struct http_connection *c)
{
	struct buf *out = &c->loop->wire_out;
	/* Never before what waits already. */
	ssize_t n = out->len > 0 && c->unsent.len == 0 ? give(c, out->data, out->len) : 0;

	if (n >= 0 && (size_t)n < out->len)
		buf_append(&c->unsent, out->data + n, out->len - (size_t)n);
	buf_reset(out);
	return n < 0 ? -1 : c->unsent.len == 0;
}

int http_connection_send_unsent(struct http_connection *c)
{
	if (c->unsent.len == 0)
		return 1;
	ssize_t n = give(c, c->unsent.data + c->unsent_at, c->unsent.len - c->unsent_at);

	if (n < 0)
		return -1;
	c->unsent_at += (size_t)n;
	if (c->unsent_at < c->unsent.len)
		return 0;
	buf_clear(&c->unsent);
	c->unsent_at = 0;
	return 1;
}

int http_connection_encode(struct http_connection *c, const char *data, size_t len)
{
	if (c->session)
		return http_session_encipher(c, data, len);
	return buf_append(&c->loop->wire_out, data, len);
}

int http_connection_send_answer(struct http_connection *c)
{
	int r = http_connection_send_unsent(c);

	for (bool ended = false; r > 0;) {
		size_t n = 1;

		while (n > 0 && c->loop->wire_out.len < FLUSH_MAX) {
			const char *piece;

			n = next_piece(c, &piece, &ended);
			if (n > 0 && http_connection_encode(c, piece, n) < 0)
				return -1;
			/* A small answer is one piece. */
			if (is_sent(&c->req->answer, ended))
				n = 0;
		}
		bool nothing = c->loop->wire_out.len == 0;
		r = send_wire(c);
		if (r > 0 && is_sent(&c->req->answer, ended))
			return 1;
		if (nothing)
			return 0;
	}
	return r;
}

void http_connection_flush(struct http_connection *c)
{
	if (c->loop->wire_out.len > 0 && send_wire(c) < 0)
		http_connection_close(c);
}
