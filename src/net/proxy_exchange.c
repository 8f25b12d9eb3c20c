#include "proxy_internal.h"

#include <string.h>

/* Requests. */

void exchange_begin(struct conn *c, const struct http1_head *head)
{
	outbuf_clear(&c->req);
	proxy_message_request(&c->req.buf, head, c->peer, c->proxy->own_host);
	c->req.keep = true;
	c->req_head_len = c->req.buf.len;
	http1_body_init(&c->req_body.in, head->framing, head->content_length);
	c->req_body.chunked = head->framing == HTTP1_CHUNKED;
	c->req_body.last_chunk = false;
	c->hold_until = 0;
	c->avoid = NULL;
	c->repeated = false;
	c->to_head = http1_str_is(head->method, "HEAD");
	c->idempotent = http1_method_idempotent(head->method);
	c->upgrade = proxy_message_is_upgrade(head);
	c->minor = head->minor;
	c->keep_alive = head->keep_alive;
	c->req_done = head->framing == HTTP1_NONE;
	c->answered = c->cut = false;
	c->counted = true;
	proxy_count_begin(c->proxy);
}

/* The request under way is over; its connection to the backend, if there still is one, is cut. */
static void end_request(struct conn *c, bool error)
{
	if (c->up)
		upstream_close(c->up, false);
	outbuf_clear(&c->req);
	if (c->counted)
		proxy_count_end(c->proxy, error);
	c->counted = false;
}

static void flush_and_close(struct conn *c)
{
	c->phase = CONN_FLUSH;
	timers_set(&c->proxy->set->timers, &c->timer, c->proxy->set->now + c->proxy->config.idle_ns);
}

void exchange_fail(struct conn *c, int status, const char *sentence)
{
	log_debug(c->proxy->set->log, "proxy on port %d: %d: %s", c->proxy->port, status, sentence);
	end_request(c, status >= 500);
	if (c->proxy->config.tcp || c->answered)
		c->cut = true;
	else
		proxy_message_error(&c->resp.buf, status, sentence, c->to_head);
	flush_and_close(c);
}

/* Gives up the chance to send the request again when that would need more memory than is kept for it. */
static void limit_kept(struct conn *c)
{
	/* The chunked coding adds to what the body itself takes. */
	if (c->req.keep && c->req.buf.len > c->req_head_len + PROXY_BODY_KEPT + 4096)
		outbuf_forget(&c->req);
}

/* The client's body, towards the backend. */
static bool move_request_body(struct conn *c)
{
	struct proxy_set *set = c->proxy->set;
	size_t room = outbuf_room(&c->req), before = c->req.buf.len;

	if (c->req_done || c->up->sock.broken || !room)
		return false;
	switch (proxy_message_body(&c->req_body, &c->sock.in, &c->req.buf, room)) {
	case PROXY_BODY_BAD:
		exchange_fail(c, 400, "the body's chunked coding is malformed");
		return true;
	case PROXY_BODY_END:
		c->req_done = true;
		return true;
	case PROXY_BODY_FULL:
		limit_kept(c);
		return true;
	case PROXY_BODY_MORE:
		break;
	}
	if (c->req.buf.len != before) {
		limit_kept(c);
		return true;
	}
	if (c->sock.eof || c->sock.dead) {
		/* The body will never be complete: the backend learns that from the end of its connection. */
		conn_destroy(c, true);
		return true;
	}
	return sock_fill(&c->sock, set->scratch, SOCK_CHUNK);
}

/* Responses. */

static void begin_tunnel(struct conn *c)
{
	c->phase = CONN_TUNNEL;
	timers_cancel(&c->proxy->set->timers, &c->timer);
	if (!outbuf_take(&c->resp, &c->up->sock.in))
		conn_destroy(c, true);
}

static void interim_response(struct conn *c, const struct http1_head *head)
{
	struct proxy_message_response how = { .upgrade = head->status == 101 };

	/* RFC 9110 section 15.2: a 1.0 client does not know them. */
	if (c->minor > 0)
		proxy_message_response(&c->resp.buf, head, &how);
}

static void final_response(struct conn *c, const struct http1_head *head)
{
	bool open_ended = head->framing == HTTP1_CHUNKED || head->framing == HTTP1_UNTIL_CLOSE;
	struct proxy_message_response how = { .chunked = open_ended && c->minor > 0 };

	c->up_keep_alive = head->keep_alive && head->framing != HTTP1_UNTIL_CLOSE;
	/* An answer that says no to a body still on its way: the rest of it is not worth waiting for. */
	if ((open_ended && c->minor == 0) || c->proxy->draining || c->sock.eof || (!c->req_done && head->status >= 400))
		c->keep_alive = false;
	how.close = !c->keep_alive;
	how.keep_alive = c->minor == 0;
	proxy_message_response(&c->resp.buf, head, &how);
	http1_body_init(&c->resp_body.in, head->framing, head->content_length);
	c->resp_body.chunked = how.chunked;
	c->resp_body.last_chunk = false;
	c->answered = true;
}

static void take_response_head(struct conn *c, const struct http1_head *head)
{
	outbuf_forget(&c->req);
	if (head->status == 101 && !c->upgrade) {
		exchange_fail(c, 502, "the application switched protocols without being asked to");
	} else if (head->status < 200) {
		interim_response(c, head);
		if (head->status == 101)
			c->answered = true;
	} else {
		final_response(c, head);
	}
}

/* The response is complete. */
static void finish(struct conn *c)
{
	struct upstream *u = c->up;
	bool reusable = c->up_keep_alive && c->req_done && !outbuf_left(&c->req) && !u->sock.in.len && !u->sock.hung_up &&
	                !u->sock.broken && !u->sock.dead;
	bool stay = c->keep_alive && c->req_done && !c->proxy->draining;

	upstream_put(u, reusable);
	end_request(c, false);
	if (!stay) {
		flush_and_close(c);
		return;
	}
	c->phase = CONN_HEAD;
	if (!c->sock.in.len)
		buf_clear(&c->sock.in);
	timers_set(&c->proxy->set->timers, &c->timer, c->proxy->set->now + c->proxy->config.idle_ns);
}

static bool move_response_head(struct conn *c)
{
	struct proxy_set *set = c->proxy->set;
	struct sock *s = &c->up->sock;
	struct http1_error err;
	ssize_t n = http1_parse_response(buf_str(&s->in), s->in.len, &c->up->scanned, c->to_head, &set->head, &err);

	if (n > 0) {
		take_response_head(c, &set->head);
		if (!c->up)
			return true;
		buf_consume(&s->in, (size_t)n);
		c->up->scanned = 0;
		if (c->answered && set->head.status == 101)
			begin_tunnel(c);
		return true;
	}
	if (n < 0) {
		log_debug(set->log, "proxy on port %d: response of port %d: %s", c->proxy->port, c->up->backend->port,
		          err.what);
		exchange_fail(c, 502, "the application's answer is not valid HTTP");
		return true;
	}
	if (s->eof || s->dead) {
		conn_upstream_failed(c);
		return true;
	}
	return sock_fill(s, set->scratch, HTTP1_HEAD_MAX);
}

static void response_cut(struct conn *c)
{
	log_debug(c->proxy->set->log, "proxy on port %d: the response of port %d was cut off", c->proxy->port,
	          c->up->backend->port);
	end_request(c, false);
	c->cut = true;
	flush_and_close(c);
}

static bool move_response_body(struct conn *c)
{
	struct sock *s = &c->up->sock;
	size_t before = c->resp.buf.len;

	switch (proxy_message_body(&c->resp_body, &s->in, &c->resp.buf, outbuf_room(&c->resp))) {
	case PROXY_BODY_BAD:
		response_cut(c);
		return true;
	case PROXY_BODY_END:
		finish(c);
		return true;
	case PROXY_BODY_FULL:
		return true;
	case PROXY_BODY_MORE:
		break;
	}
	if (c->resp.buf.len != before)
		return true;
	if (s->eof) {
		if (proxy_message_body_closed(&c->resp_body, &c->resp.buf))
			finish(c);
		else
			response_cut(c);
		return true;
	}
	if (s->dead) {
		response_cut(c);
		return true;
	}
	return sock_fill(s, c->proxy->set->scratch, SOCK_CHUNK);
}

bool exchange_step(struct conn *c)
{
	bool moved = move_request_body(c);

	if (c->gone || c->phase != CONN_EXCHANGE)
		return true;
	/* A backend that stops reading may have answered before: the answer counts. */
	moved |= sock_flush(&c->up->sock, &c->req);
	if (outbuf_room(&c->resp))
		moved |= c->answered ? move_response_body(c) : move_response_head(c);
	if (c->gone || c->phase != CONN_EXCHANGE)
		return true;
	moved |= sock_flush(&c->sock, &c->resp);
	return moved;
}

/* Tunnels. */

static bool tunnel_direction(struct proxy_set *set, struct sock *from, struct outbuf *out, struct sock *to)
{
	bool moved = false;

	if (outbuf_room(out)) {
		moved = sock_fill(from, set->scratch, outbuf_room(out));
		if (!outbuf_take(out, &from->in))
			from->dead = true;
	}
	moved |= sock_flush(to, out);
	if (from->eof && !outbuf_left(out) && !to->shut) {
		sock_shut(to);
		moved = true;
	}
	return moved;
}

bool exchange_tunnel_step(struct conn *c)
{
	struct proxy_set *set = c->proxy->set;
	struct sock *a = &c->sock, *b = &c->up->sock;
	bool moved = tunnel_direction(set, a, &c->req, b);

	moved |= tunnel_direction(set, b, &c->resp, a);
	if (a->dead || b->dead || a->broken || b->broken) {
		upstream_close(c->up, true);
		conn_destroy(c, true);
		return true;
	}
	if (a->shut && b->shut && !outbuf_left(&c->req) && !outbuf_left(&c->resp)) {
		conn_destroy(c, false);
		return true;
	}
	return moved;
}
