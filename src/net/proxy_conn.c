#include "proxy_internal.h"
#include "proxy_peer.h"

#include <errno.h>
#include <string.h>

#define TURNS 16 /* steps of one connection before others get their turn */

static struct timers *timers_of(struct conn *c)
{
	return &c->proxy->set->timers;
}

static void set_timer(struct conn *c, int64_t ns)
{
	timers_set(timers_of(c), &c->timer, c->proxy->set->now + ns);
}

static void on_client(struct source *source, uint32_t events)
{
	/* source is the first member of sock, which is the first of conn. */
	struct conn *c = (struct conn *)source;

	if (c->gone)
		return;
	sock_note(&c->sock, events);
	conn_run(c);
}

static void no_backend(struct conn *c)
{
	exchange_fail(c, 503,
	              backend_none_in(c->proxy) ? "the application is not running, and did not start in time"
	                                        : "the application is running, but no connection to it can be made");
}

static void connect_failed(struct conn *c);

static void on_timer(void *self)
{
	struct conn *c = self;

	switch (c->phase) {
	case CONN_HEAD:
		if (!outbuf_left(&c->resp) && c->sock.in.len) {
			c->to_head = c->answered = false;
			exchange_fail(c, 408, "the request's head did not arrive in time");
			break;
		}
		conn_destroy(c, outbuf_left(&c->resp) > 0);
		return;
	case CONN_WAITING:
		TAILQ_REMOVE(&c->proxy->waiting, c, waiting_entry);
		no_backend(c);
		break;
	case CONN_CONNECTING:
		connect_failed(c);
		break;
	case CONN_FLUSH:
	case CONN_LINGER:
		conn_destroy(c, true);
		return;
	case CONN_DISPATCH:
	case CONN_EXCHANGE:
	case CONN_TUNNEL:
		break;
	}
	conn_run_soon(c);
}

/* A request under way whose response the client could still be waiting for. */
static bool awaits_response(const struct conn *c)
{
	return c->counted && c->phase != CONN_TUNNEL && !c->proxy->config.tcp;
}

static void on_peer_timer(void *self)
{
	struct conn *c = self;

	if (!awaits_response(c))
		return;
	if (proxy_peer_is_gone(c->sock.fd))
		conn_destroy(c, true);
	else
		timers_set(timers_of(c), &c->peer_timer, c->proxy->set->now + PROXY_PEER_NS);
}

void conn_new(struct proxy *p, int fd, const char *peer)
{
	struct conn *c = new0(struct conn);

	if (sock_init(&c->sock, fd, p->set->epoll, on_client)) {
		free(c);
		return;
	}
	c->proxy = p;
	c->timer = (struct timer){ .fire = on_timer, .self = c };
	c->peer_timer = (struct timer){ .fire = on_peer_timer, .self = c };
	outbuf_init(&c->req);
	outbuf_init(&c->resp);
	memcpy(c->peer, peer, sizeof(c->peer));
	TAILQ_INSERT_TAIL(&p->conns, c, entry);
	p->conns_len++;
	if (p->config.tcp) {
		c->phase = CONN_DISPATCH;
		c->counted = true;
		proxy_count_begin(p);
	} else {
		c->phase = CONN_HEAD;
		set_timer(c, p->config.idle_ns);
	}
	conn_run_soon(c);
}

void conn_run_soon(struct conn *c)
{
	struct proxy_set *set = c->proxy->set;

	if (c->in_ready || c->gone)
		return;
	c->in_ready = true;
	TAILQ_INSERT_TAIL(&set->ready, c, ready_entry);
	set->ready_len++;
}

void conn_destroy(struct conn *c, bool reset)
{
	struct proxy *p = c->proxy;

	if (c->gone)
		return;
	c->gone = true;
	if (c->phase == CONN_WAITING)
		TAILQ_REMOVE(&p->waiting, c, waiting_entry);
	if (c->in_ready) {
		TAILQ_REMOVE(&p->set->ready, c, ready_entry);
		p->set->ready_len--;
	}
	if (c->up)
		upstream_close(c->up, false);
	if (c->counted)
		proxy_count_end(p, false);
	c->counted = false;
	timers_cancel(timers_of(c), &c->timer);
	timers_cancel(timers_of(c), &c->peer_timer);
	sock_done(&c->sock, reset);
	outbuf_clear(&c->req);
	outbuf_clear(&c->resp);
	TAILQ_REMOVE(&p->conns, c, entry);
	p->conns_len--;
	proxy_set_bury(p->set, c);
	proxy_conn_closed(p);
}

void conn_close_if_idle(struct conn *c)
{
	if (c->phase != CONN_HEAD)
		return;
	if (outbuf_left(&c->resp)) {
		c->phase = CONN_FLUSH;
		set_timer(c, c->proxy->config.idle_ns);
	} else {
		conn_destroy(c, false);
	}
}

/* Finding a backend. */

static void wait_for_backend(struct conn *c)
{
	struct proxy *p = c->proxy;

	if (!c->hold_until)
		c->hold_until = p->set->now + p->config.hold_ns;
	if (c->hold_until <= p->set->now) {
		no_backend(c);
		return;
	}
	c->phase = CONN_WAITING;
	TAILQ_INSERT_TAIL(&p->waiting, c, waiting_entry);
	timers_set(timers_of(c), &c->timer, c->hold_until);
	proxy_start_waiting(p);
}

/* Nothing was sent: any request may try the next backend. */
static void connect_failed(struct conn *c)
{
	log_debug(c->proxy->set->log, "proxy on port %d: port %d refused a connection", c->proxy->port,
	          c->up->backend->port);
	backend_note_refused(c->proxy, c->up->backend);
	upstream_close(c->up, false);
	c->phase = CONN_DISPATCH;
}

static bool step_dispatch(struct conn *c)
{
	struct backend *b = backend_pick(c->proxy, c->avoid);
	/* A kept connection may close just as the request is on its way, and then nobody knows whether it was acted on. A
	 * request that must not be repeated therefore gets a new connection, and so does one that met this already. */
	bool may_reuse = c->idempotent && !c->upgrade && !c->repeated && !c->proxy->config.tcp;

	if (!b) {
		wait_for_backend(c);
		return c->phase != CONN_WAITING;
	}
	c->up = upstream_get(b, c, may_reuse);
	if (c->up) {
		c->phase = CONN_CONNECTING;
		set_timer(c, PROXY_CONNECT_NS);
		return true;
	}

	/* Refused; or this machine has no descriptor or port left, and will have again. */
	log_debug(c->proxy->set->log, "proxy on port %d: connecting to port %d: %s", c->proxy->port, b->port,
	          strerror(errno));
	backend_release(c->proxy, b);
	backend_note_refused(c->proxy, b);
	return true;
}

static bool step_connecting(struct conn *c)
{
	int connected = upstream_connected(c->up);

	if (connected < 0)
		connect_failed(c);
	if (connected > 0) {
		timers_cancel(timers_of(c), &c->timer);
		c->phase = c->proxy->config.tcp ? CONN_TUNNEL : CONN_EXCHANGE;
	}
	return connected != 0;
}

void conn_upstream_failed(struct conn *c)
{
	bool tunnel = c->phase == CONN_TUNNEL;
	bool unsent = c->phase == CONN_CONNECTING;
	bool silent = c->req.keep && !c->up->sock.in.len;

	if (tunnel) {
		upstream_close(c->up, true);
		conn_destroy(c, true);
		return;
	}
	if (unsent) {
		upstream_close(c->up, false);
		c->phase = CONN_DISPATCH;
	} else if (silent && c->idempotent && !c->repeated) {
		c->repeated = true;
		c->req.sent = 0;
		c->avoid = c->up->backend;
		upstream_close(c->up, false);
		c->phase = CONN_DISPATCH;
	} else {
		exchange_fail(c, 502, "the application closed the connection before it had answered");
	}
	conn_run_soon(c);
}

/* Between requests. */

static bool step_head(struct conn *c)
{
	struct proxy_set *set = c->proxy->set;
	bool moved = sock_flush(&c->sock, &c->resp), first = !c->sock.in.len;
	struct http1_error err;

	if (outbuf_left(&c->resp)) {
		if (moved)
			set_timer(c, c->proxy->config.idle_ns);
		return moved;
	}
	ssize_t n = http1_parse_request(buf_str(&c->sock.in), c->sock.in.len, &c->scanned, &set->head, &err);

	if (n > 0) {
		timers_cancel(timers_of(c), &c->timer);
		exchange_begin(c, &set->head);
		buf_consume(&c->sock.in, (size_t)n);
		c->scanned = 0;
		c->phase = CONN_DISPATCH;
		return true;
	}
	if (n < 0) {
		c->to_head = c->answered = false;
		exchange_fail(c, err.status, err.what);
		return true;
	}
	if (!sock_fill(&c->sock, set->scratch, HTTP1_HEAD_MAX)) {
		if (c->sock.eof)
			conn_destroy(c, false);
		else if (!c->sock.in.len)
			outbuf_clear(&c->resp); /* thousands of idle connections hold no memory */
		return false;
	}
	if (first && c->sock.in.len)
		set_timer(c, c->proxy->config.idle_ns);
	return true;
}

static bool step_flush(struct conn *c)
{
	bool moved = sock_flush(&c->sock, &c->resp);

	if (outbuf_left(&c->resp)) {
		if (moved)
			set_timer(c, c->proxy->config.idle_ns);
		return moved;
	}
	if (c->cut) {
		conn_destroy(c, true);
		return true;
	}
	/* RFC 9112 section 9.6: closing while its peer still sends would reset the connection, and might destroy the
	 * response before it is read. */
	sock_shut(&c->sock);
	c->phase = CONN_LINGER;
	set_timer(c, PROXY_LINGER_NS);
	return true;
}

static bool step_linger(struct conn *c)
{
	bool more = sock_drop_input(&c->sock, c->proxy->set->scratch);

	if (c->sock.eof || c->sock.dead)
		conn_destroy(c, false);
	return more;
}

static bool step(struct conn *c)
{
	switch (c->phase) {
	case CONN_HEAD:
		return step_head(c);
	case CONN_DISPATCH:
		return step_dispatch(c);
	case CONN_WAITING:
		return false;
	case CONN_CONNECTING:
		return step_connecting(c);
	case CONN_EXCHANGE:
		return exchange_step(c);
	case CONN_TUNNEL:
		return exchange_tunnel_step(c);
	case CONN_FLUSH:
		return step_flush(c);
	case CONN_LINGER:
		return step_linger(c);
	}
	return false;
}

static void watch_peer(struct conn *c)
{
	if (!c->gone && c->sock.hung_up && !c->peer_timer.slot && awaits_response(c))
		timers_set(timers_of(c), &c->peer_timer, c->proxy->set->now + PROXY_PEER_FIRST_NS);
}

void conn_run(struct conn *c)
{
	for (int i = 0; i < TURNS; i++) {
		if (c->gone)
			return;
		/* The client aborted: nobody is left to read an answer. */
		if (c->sock.reset || c->sock.broken || c->sock.dead) {
			if (c->phase == CONN_TUNNEL)
				upstream_close(c->up, true);
			conn_destroy(c, true);
			return;
		}
		if (!step(c)) {
			watch_peer(c);
			return;
		}
	}
	if (!c->gone)
		conn_run_soon(c);
}
