#include "http_server_internal.h"

#include "base/clock.h"
#include "base/str.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/socket.h>

/* Of the idle timeout, for the TLS handshake: 10 s of 90. */
#define HANDSHAKE_SHARE 9
#define LINGER_NS (2 * NS_PER_S)
/* Of one connection, before others have their turn: some requests, or some MiB. */
#define STEPS_MAX 64

/* ---- life ---- */

static void describe_remote(const union http_address *from, char *ret, size_t size)
{
	char host[INET6_ADDRSTRLEN];

	snprintf(ret, size, "unknown");
	if (from->any.sa_family == AF_INET && inet_ntop(AF_INET, &from->in.sin_addr, host, sizeof(host)))
		snprintf(ret, size, "%s:%d", host, ntohs(from->in.sin_port));
	else if (from->any.sa_family == AF_INET6 && inet_ntop(AF_INET6, &from->in6.sin6_addr, host, sizeof(host)))
		snprintf(ret, size, "[%s]:%d", host, ntohs(from->in6.sin6_port));
}

/* A client that vanished without a word (power, network) is noticed after about a minute. */
static void set_socket_options(int fd)
{
	int on = 1, idle_s = 30, interval_s = 10, count = 3;

	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
	setsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, &on, sizeof(on));
	setsockopt(fd, IPPROTO_TCP, TCP_KEEPIDLE, &idle_s, sizeof(idle_s));
	setsockopt(fd, IPPROTO_TCP, TCP_KEEPINTVL, &interval_s, sizeof(interval_s));
	setsockopt(fd, IPPROTO_TCP, TCP_KEEPCNT, &count, sizeof(count));
}

struct http_connection *http_connection_new(struct http_server *s, struct http_loop *loop, int fd,
                                            const union http_address *from)
{
	struct http_connection *c = new0(struct http_connection);

	c->source.kind = HTTP_SOURCE_CONNECTION;
	c->pipe_source.kind = HTTP_SOURCE_PIPE;
	atomic_init(&c->refs, 1);
	c->server = http_server_ref(s);
	c->loop = loop;
	c->fd = fd;
	c->pipe_fd = -1;
	c->state = HTTP_NEW;
	/* What one recv() brings, behind a head that is not complete yet. */
	c->in = BUF_INIT(s->header_max + 2 * HTTP_WIRE_IN_SIZE);
	c->unsent = BUF_INIT(SIZE_MAX / 2);
	pthread_mutex_init(&c->lock, NULL);
	describe_remote(from, c->remote, sizeof(c->remote));
	c->peer = http_peer_of(from);
	set_socket_options(fd);
	pthread_mutex_lock(&s->lock);
	c->tls = s->tls;
	if (c->tls)
		atomic_fetch_add(&c->tls->refs, 1);
	pthread_mutex_unlock(&s->lock);
	atomic_fetch_add(&s->connections_len, 1);
	atomic_fetch_add(&loop->connections_len, 1);
	return c;
}

struct http_connection *http_connection_ref(struct http_connection *c)
{
	atomic_fetch_add_explicit(&c->refs, 1, memory_order_relaxed);
	return c;
}

struct http_connection *http_connection_unref(struct http_connection *c)
{
	if (!c || atomic_fetch_sub(&c->refs, 1) != 1)
		return NULL;
	http_server_unref(c->server);
	pthread_mutex_destroy(&c->lock);
	free(c->peer_name);
	strv_free(c->peer_orgs);
	free(c);
	return NULL;
}

void http_connection_set_deadline(struct http_connection *c, int64_t ns)
{
	c->deadline_ns = ns ? clock_mono_ns() + ns : 0;
}

static void await_request(struct http_connection *c)
{
	c->state = HTTP_HEAD;
	c->scanned = 0;
	http_connection_set_deadline(c, c->server->idle_timeout_ns);
}

void http_connection_begin(struct http_connection *c)
{
	struct http_loop *l = c->loop;
	struct epoll_event e = { .events = EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET, .data.ptr = &c->source };

	c->next = l->connections;
	c->prev = &l->connections;
	if (c->next)
		c->next->prev = &c->next;
	l->connections = c;
	if (l->tick_ns < l->now_ns)
		l->tick_ns = l->now_ns;
	if (atomic_load(&c->server->stopping) || epoll_ctl(l->epoll, EPOLL_CTL_ADD, c->fd, &e) < 0) {
		http_connection_close(c);
		return;
	}
	if (!c->tls) {
		await_request(c);
		return;
	}
	c->state = HTTP_HANDSHAKE;
	http_connection_set_deadline(c, c->server->idle_timeout_ns / HANDSHAKE_SHARE);
	if (http_session_start(c) < 0)
		http_connection_close(c);
}

void http_connection_drop_request(struct http_connection *c)
{
	struct http_request *req = c->req;
	struct http_answer *a;

	if (!req)
		return;
	pthread_mutex_lock(&c->lock);
	req->dead = true;
	c->req = NULL;
	pthread_mutex_unlock(&c->lock);
	a = &req->answer;
	if (c->streaming)
		c->loop->streams--;
	c->streaming = false;
	if (a->stream)
		http_stream_over(TAKE_PTR(a->stream));
	if (req->given)
		atomic_fetch_sub(&c->server->inflight, 1);
	http_request_unref(req);
}

void http_connection_close(struct http_connection *c)
{
	struct http_server *s = c->server;

	if (c->state == HTTP_CLOSED)
		return;
	c->state = HTTP_CLOSED;
	http_connection_drop_request(c);
	http_session_end(c);
	close_watched(c->loop->epoll, &c->fd);
	close_watched(c->loop->epoll, &c->pipe_fd);
	c->tls = http_tls_unref(c->tls);
	buf_clear(&c->in);
	buf_clear(&c->unsent);
	atomic_fetch_sub(&c->loop->connections_len, 1);
	atomic_fetch_sub(&s->connections_len, 1);
	http_peers_leave(s->peers, &c->peer);
	if (atomic_load(&s->accept_paused))
		http_loop_wake(&s->loops[0], NULL);
	if (!c->prev) { /* its loop never had it */
		http_connection_unref(c);
		return;
	}
	*c->prev = c->next;
	if (c->next)
		c->next->prev = c->prev;
	c->next = c->loop->closed;
	c->loop->closed = c;
}

bool http_connection_is_streaming(const struct http_connection *c)
{
	return c->state == HTTP_ANSWERING && c->req->answer.stream;
}

/* ---- behind an answer ---- */

static void linger(struct http_connection *c)
{
	if (c->session) {
		gnutls_bye(c->session, GNUTLS_SHUT_WR);
		http_connection_flush(c);
		if (c->state == HTTP_CLOSED)
			return;
	}
	if (c->eof && !c->readable) {
		http_connection_close(c);
		return;
	}
	shutdown(c->fd, SHUT_WR);
	c->state = HTTP_LINGERING;
	http_connection_set_deadline(c, LINGER_NS);
}

static void answer_is_sent(struct http_connection *c)
{
	struct http_upgrade *up = TAKE_PTR(c->req->answer.upgrade);
	bool last = c->req->answer.last;

	if (up) {
		http_upgrade_begin(c, up);
		return;
	}
	http_connection_drop_request(c);
	if (last || atomic_load(&c->server->stopping))
		linger(c);
	else
		await_request(c);
}

/* ---- one step after another ---- */

static bool shake_hands(struct http_connection *c)
{
	if (!http_connection_read(c))
		return false;
	int r = http_session_handshake(c);
	http_connection_flush(c);
	if (c->state == HTTP_CLOSED)
		return false;
	if (r > 0) {
		await_request(c);
		if (http_session_decipher(c) < 0)
			r = -1;
	}
	if (r < 0)
		http_connection_close(c);
	return r >= 0;
}

static bool is_answered(struct http_connection *c)
{
	MUTEX_GUARD(&c->lock);
	return c->req->answered;
}

static bool go_on_answering(struct http_connection *c)
{
	const struct http_answer *a = &c->req->answer;

	/* A watch's client that leaves is noticed though nothing is written. */
	if (a->stream && (c->eof || http_stream_is_broken(a->stream))) {
		http_connection_close(c);
		return false;
	}
	int r = http_connection_send_answer(c);
	if (r < 0)
		http_connection_close(c);
	if (r > 0)
		answer_is_sent(c);
	return r > 0;
}

/* True: there may be more to do. */
static bool step(struct http_connection *c)
{
	switch (c->state) {
	case HTTP_HANDSHAKE:
		return shake_hands(c);
	case HTTP_HEAD:
		return (c->in.len > c->in_at && http_connection_take_head(c)) || http_connection_read(c);
	case HTTP_BODY:
		return http_connection_take_body(c) || http_connection_read(c);
	case HTTP_HANDLING:
		if (!is_answered(c))
			return false;
		http_connection_begin_answer(c);
		return true;
	case HTTP_ANSWERING:
		return go_on_answering(c);
	case HTTP_LINGERING:
		http_connection_throw_away(c);
		return false;
	case HTTP_UPGRADED:
		http_upgrade_forward(c);
		return false;
	case HTTP_NEW:
	case HTTP_CLOSED:
		break;
	}
	return false;
}

void http_connection_drive(struct http_connection *c)
{
	for (int i = 0; i < STEPS_MAX; i++) {
		/* What is no answer: of a handshake, an upgrade, "100 Continue". */
		if (c->unsent.len > 0 && c->state != HTTP_ANSWERING && http_connection_send_unsent(c) < 0)
			http_connection_close(c);
		if (!step(c))
			return;
	}
	/* Others' turn. */
	http_loop_wake(c->loop, c);
}
