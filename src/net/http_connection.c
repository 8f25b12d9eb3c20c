#include "http_server_internal.h"

#include "base/clock.h"
#include "base/str.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/socket.h>

/* Of the idle timeout, for a request's head from its first byte on: 30 s of 90. */
#define HEAD_SHARE 3
/* Of the idle timeout, for the TLS handshake: 10 s of 90. */
#define HANDSHAKE_SHARE 9
#define LINGER_NS (2 * NS_PER_S)
/* Enciphered at a time before it is given to the socket. */
#define FLUSH_MAX ((size_t)48 * 1024)
/* Of one connection, before others have their turn: some requests, or some MiB. */
#define STEPS_MAX 64
/* A connection that waits keeps at most so much of its buffers. */
#define KEEP_MAX 512

/* ---- life ---- */

static void describe_remote(int fd, char *ret, size_t size)
{
	union {
		struct sockaddr any;
		struct sockaddr_in in;
		struct sockaddr_in6 in6;
	} peer = { .any.sa_family = AF_UNSPEC };
	socklen_t len = sizeof(peer);
	char host[INET6_ADDRSTRLEN];

	snprintf(ret, size, "unknown");
	if (getpeername(fd, &peer.any, &len) < 0)
		return;
	if (peer.any.sa_family == AF_INET && inet_ntop(AF_INET, &peer.in.sin_addr, host, sizeof(host)))
		snprintf(ret, size, "%s:%d", host, ntohs(peer.in.sin_port));
	else if (peer.any.sa_family == AF_INET6 && inet_ntop(AF_INET6, &peer.in6.sin6_addr, host, sizeof(host)))
		snprintf(ret, size, "[%s]:%d", host, ntohs(peer.in6.sin6_port));
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

struct http_connection *http_connection_new(struct http_server *s, struct http_loop *loop, int fd)
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
	describe_remote(fd, c->remote, sizeof(c->remote));
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

static void set_deadline(struct http_connection *c, int64_t ns)
{
	c->deadline_ns = ns ? clock_mono_ns() + ns : 0;
}

static void await_request(struct http_connection *c)
{
	c->state = HTTP_HEAD;
	c->scanned = 0;
	set_deadline(c, c->server->idle_timeout_ns);
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
	set_deadline(c, c->server->idle_timeout_ns / HANDSHAKE_SHARE);
	if (http_session_start(c) < 0)
		http_connection_close(c);
}

/* The request is over, in whatever way. */
static void let_go_of_request(struct http_connection *c)
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
	let_go_of_request(c);
	http_session_end(c);
	close_watched(c->loop->epoll, &c->fd);
	close_watched(c->loop->epoll, &c->pipe_fd);
	c->tls = http_tls_unref(c->tls);
	buf_clear(&c->in);
	buf_clear(&c->unsent);
	atomic_fetch_sub(&c->loop->connections_len, 1);
	atomic_fetch_sub(&s->connections_len, 1);
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

/* ---- sending ---- */

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
		set_deadline(c, c->server->idle_timeout_ns);
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

static int send_unsent(struct http_connection *c)
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

static int encode(struct http_connection *c, const char *data, size_t len)
{
	if (c->session)
		return http_session_encipher(c, data, len);
	return buf_append(&c->loop->wire_out, data, len);
}

/* 1: the answer is sent, 0: the rest comes later, negative: the connection failed. */
static int send_answer(struct http_connection *c)
{
	int r = send_unsent(c);

	for (bool ended = false; r > 0;) {
		size_t n = 1;

		while (n > 0 && c->loop->wire_out.len < FLUSH_MAX) {
			const char *piece;

			n = next_piece(c, &piece, &ended);
			if (n > 0 && encode(c, piece, n) < 0)
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

/* ---- receiving ---- */

/* Reads what there is onto c->in. False when there was nothing; may close the connection. */
static bool read_more(struct http_connection *c)
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
	c->wire = data;
	c->wire_len = (size_t)n;
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
	let_go_of_request(c);
	c->req = http_request_new_broken(c);
	http_respond_plain(c->req, status, text);
	c->state = HTTP_ANSWERING;
	set_deadline(c, c->server->idle_timeout_ns);
}

static void begin_answer(struct http_connection *c)
{
	c->state = HTTP_ANSWERING;
	c->streaming = c->req->answer.stream != NULL;
	if (c->streaming)
		c->loop->streams++;
	set_deadline(c, c->streaming ? 0 : c->server->idle_timeout_ns);
}

static void complete_request(struct http_connection *c)
{
	c->state = HTTP_HANDLING;
	c->deadline_ns = 0;
	if (http_request_handle(c->req))
		begin_answer(c);
}

static void begin_request(struct http_connection *c, const char *data, size_t len)
{
	static const char go_on[] = "HTTP/1.1 100 Continue\r\n\r\n";
	const struct http1_head *head = &c->loop->head;

	c->req = http_request_new(c, head, data, len);
	use(c, len);
	if (http_request_refuse_early(c->req, head)) {
		begin_answer(c);
		return;
	}
	if (head->framing == HTTP1_NONE) {
		complete_request(c);
		return;
	}
	c->state = HTTP_BODY;
	set_deadline(c, 2 * c->server->idle_timeout_ns);
	http1_body_init(&c->body, head->framing, head->content_length);
	if (c->req->expects_continue && c->in.len == c->in_at) {
		if (encode(c, go_on, sizeof(go_on) - 1) < 0)
			http_connection_close(c);
		else
			http_connection_flush(c);
	}
}

/* True when it got further. */
static bool take_head(struct http_connection *c)
{
	size_t len = c->in.len - c->in_at, max = c->server->header_max;
	const char *data = c->in.data + c->in_at;
	struct http1_error error;

	if (len == 0)
		return false;
	if (c->scanned == 0)
		set_deadline(c, c->server->idle_timeout_ns / HEAD_SHARE);
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

static bool take_body(struct http_connection *c)
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
	set_deadline(c, LINGER_NS);
}

static void answer_is_sent(struct http_connection *c)
{
	struct http_upgrade *up = TAKE_PTR(c->req->answer.upgrade);
	bool last = c->req->answer.last;

	if (up) {
		http_upgrade_begin(c, up);
		return;
	}
	let_go_of_request(c);
	if (last || atomic_load(&c->server->stopping))
		linger(c);
	else
		await_request(c);
}

static void throw_away(struct http_connection *c)
{
	while (c->readable && c->state == HTTP_LINGERING) {
		ssize_t n = recv(c->fd, c->loop->wire_in, HTTP_WIRE_IN_SIZE, MSG_DONTWAIT);

		if (n < 0 && (errno == EAGAIN || errno == EINTR))
			c->readable = errno == EINTR;
		else if (n <= 0)
			http_connection_close(c);
	}
}

/* ---- one step after another ---- */

static bool shake_hands(struct http_connection *c)
{
	if (!read_more(c))
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
	int r = send_answer(c);
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
		return (c->in.len > c->in_at && take_head(c)) || read_more(c);
	case HTTP_BODY:
		return take_body(c) || read_more(c);
	case HTTP_HANDLING:
		if (!is_answered(c))
			return false;
		begin_answer(c);
		return true;
	case HTTP_ANSWERING:
		return go_on_answering(c);
	case HTTP_LINGERING:
		throw_away(c);
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
		if (c->unsent.len > 0 && c->state != HTTP_ANSWERING && send_unsent(c) < 0)
			http_connection_close(c);
		if (!step(c))
			return;
	}
	/* Others' turn. */
	http_loop_wake(c->loop, c);
}
