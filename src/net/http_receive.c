/* Requests on their way in: what the socket brings, deciphered, cut into heads and bodies. */
#include "http_server_internal.h"

#include "base/str.h"

#include <errno.h>
#include <sys/socket.h>

/* Of the idle timeout, for a request's head from its first byte on: 30 s of 90. */
#define HEAD_SHARE 3
/* A connection that waits keeps at most so much of its buffers. */
#define KEEP_MAX 512

bool http_connection_read(struct http_connection *c)
{
	char *data = c->loop->wire_in;

	if (!c->readable)
		return false;
	ssize_t n = recv(c->fd, data, HTTP_WIRE_IN_SIZE, MSG_DONTWAIT);
	if (n < 0 && errno == EINTR)
		return true;
	if (n < 0 && errno == EAGAIN) {
		c->readable = false;
		return false;
	}
	if (n <= 0) {
		http_connection_close(c);
		return false;
	}
	/* The end that was told already comes behind this. */
	if ((size_t)n < HTTP_WIRE_IN_SIZE && !c->eof)
		c->readable = false;
	if (!c->session) {
		if (buf_append(&c->in, data, (size_t)n) < 0)
			http_connection_close(c);
		return c->state != HTTP_CLOSED;
	}
	c->wire.data = data;
	c->wire.len = (size_t)n;
	if (c->state == HTTP_HANDSHAKE)
		return true;
	bool over = http_session_decipher(c) < 0 || (c->eof && c->in.len == c->in_at && c->state == HTTP_HEAD);
	http_connection_flush(c);
	if (over && c->state != HTTP_CLOSED)
		http_connection_close(c);
	return c->state != HTTP_CLOSED;
}

static void use(struct http_connection *c, size_t n)
{
	c->in_at += n;
	if (c->in_at < c->in.len)
		return;
	c->in_at = 0;
	if (c->in.cap > KEEP_MAX)
		buf_clear(&c->in);
	else
		buf_reset(&c->in);
}

/* ---- requests ---- */

static void answer_broken(struct http_connection *c, int status, const char *what)
{
	_cleanup_free_ char *text = xasprintf("%s: %s.\n", http_status_text(status), what);

	log_debug(c->server->log, "http: %s: %s", c->remote, what);
	http_connection_drop_request(c);
	c->req = http_request_new_broken(c);
	http_respond_plain(c->req, status, text);
	c->state = HTTP_ANSWERING;
	http_connection_set_deadline(c, c->server->idle_timeout_ns);
}

void http_connection_begin_answer(struct http_connection *c)
{
	c->state = HTTP_ANSWERING;
	c->streaming = c->req->answer.stream != NULL;
	if (c->streaming)
		c->loop->streams++;
	http_connection_set_deadline(c, c->streaming ? 0 : c->server->idle_timeout_ns);
}

static void complete_request(struct http_connection *c)
{
	c->state = HTTP_HANDLING;
	c->deadline_ns = 0;
	if (http_request_handle(c->req))
		http_connection_begin_answer(c);
}

static void begin_request(struct http_connection *c, const char *data, size_t len)
{
	static const char go_on[] = "HTTP/1.1 100 Continue\r\n\r\n";
	const struct http1_head *head = &c->loop->head;

	c->req = http_request_new(c, head, data, len);
	use(c, len);
	if (http_request_refuse_early(c->req, head)) {
		http_connection_begin_answer(c);
		return;
	}
	if (head->framing == HTTP1_NONE) {
		complete_request(c);
		return;
	}
	c->state = HTTP_BODY;
	http_connection_set_deadline(c, 2 * c->server->idle_timeout_ns);
	http1_body_init(&c->body, head->framing, head->content_length);
	if (c->req->expects_continue && c->in.len == c->in_at) {
		if (http_connection_encode(c, go_on, sizeof(go_on) - 1) < 0)
			http_connection_close(c);
		else
			http_connection_flush(c);
	}
}

bool http_connection_take_head(struct http_connection *c)
{
	size_t len = c->in.len - c->in_at, max = c->server->header_max;
	const char *data = c->in.data + c->in_at;
	struct http1_error error;

	if (len == 0)
		return false;
	if (c->scanned == 0)
		http_connection_set_deadline(c, c->server->idle_timeout_ns / HEAD_SHARE);
	ssize_t n = http1_parse_request(data, len, &c->scanned, &c->loop->head, &error);
	if (n > 0 && (size_t)n <= max) {
		begin_request(c, data, (size_t)n);
		return true;
	}
	if (n == 0 && len < max)
		return false;
	if (n >= 0 || error.status == 431) {
		bool line = memchr(data, '\n', len < max ? len : max) == NULL;

		answer_broken(c, line ? 414 : 431, "the request's head is too large");
	} else {
		answer_broken(c, error.status, error.what);
	}
	return true;
}

bool http_connection_take_body(struct http_connection *c)
{
	struct http1_field field;
	size_t used;

	for (;;) {
		enum http1_event e = http1_body_next(&c->body, c->in.data + c->in_at, c->in.len - c->in_at, &used, &field);

		if (e == HTTP1_DATA && !http_request_receive(c->req, field.value.p, field.value.len)) {
			http_connection_close(c);
			return true;
		}
		if (used > 0)
			use(c, used);
		if (e == HTTP1_END) {
			complete_request(c);
			return true;
		}
		if (e == HTTP1_BAD) {
			answer_broken(c, 400, "the request's body is malformed");
			return true;
		}
		if (e == HTTP1_MORE)
			return false;
	}
}

void http_connection_throw_away(struct http_connection *c)
{
	while (c->readable && c->state == HTTP_LINGERING) {
		ssize_t n = recv(c->fd, c->loop->wire_in, HTTP_WIRE_IN_SIZE, MSG_DONTWAIT);

		if (n < 0 && (errno == EAGAIN || errno == EINTR))
			c->readable = errno == EINTR;
		else if (n <= 0)
			http_connection_close(c);
	}
}
