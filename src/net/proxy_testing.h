#ifndef NET_PROXY_TESTING_H
#define NET_PROXY_TESTING_H
/* For tests of the reverse proxy: small servers on threads, and clients that block. Everything fails the test, or ends
 * the connection, after TEST_PATIENCE_S instead of hanging. */

#include "base/buf.h"
#include "base/clock.h"
#include "base/thread.h"
#include "http1.h"
#include "net/reverse_proxy.h"

#include <errno.h>
#include <netinet/in.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/socket.h>

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#define TEST_PATIENCE_S 60
#define TEST_CONNS_MAX 512

struct server;

/* A connection to a test server, on a thread of its own. */
struct server_conn {
	struct server *server;
	int fd;
	pthread_t thread;
	struct buf in;
	struct http1_head head; /* of the request being served */
	struct buf head_text, body;
};

/* Serves one connection; it is closed when this returns. */
typedef void (*server_handler)(struct server_conn *c);

struct server {
	int fd, port, id;
	pthread_t thread;
	server_handler handler;
	void *self;
	atomic_int conns_seen, requests_seen, flag;
	pthread_mutex_t lock;
	struct server_conn *conns[TEST_CONNS_MAX];
	int conns_len;
	bool stopping;
};

static inline void set_patience(int fd)
{
	const struct timeval patience = { .tv_sec = TEST_PATIENCE_S };

	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
	setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof(patience));
}

static inline struct sockaddr_in loopback(int port)
{
	return (struct sockaddr_in){ .sin_family = AF_INET,
		                         .sin_port = htons((uint16_t)port),
		                         .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
}

static inline bool send_bytes(int fd, const void *data, size_t len)
{
	for (size_t at = 0; at < len;) {
		ssize_t n = send(fd, (const char *)data + at, len - at, MSG_NOSIGNAL);

		if (n <= 0)
			return false;
		at += (size_t)n;
	}
	return true;
}

static inline bool send_text(int fd, const char *text)
{
	return send_bytes(fd, text, strlen(text));
}

/* More bytes onto in; false at the end. */
static inline bool receive_more(int fd, struct buf *in)
{
	char *to = buf_reserve(in, 65536);
	ssize_t n = to ? recv(fd, to, 65536, 0) : -1;

	if (n > 0)
		buf_commit(in, (size_t)n);
	return n > 0;
}

/* Reads a body into out; false when it is cut off. */
static inline bool receive_body(int fd, struct buf *in, enum http1_framing framing, int64_t length, struct buf *out)
{
	struct http1_body body;
	struct http1_field f;
	size_t used;

	http1_body_init(&body, framing, length);
	for (;;) {
		enum http1_event e = http1_body_next(&body, buf_str(in), in->len, &used, &f);

		if (e == HTTP1_DATA)
			buf_append(out, f.value.p, f.value.len);
		if (e == HTTP1_TRAILER)
			buf_printf(out, "[%.*s=%.*s]", (int)f.name.len, f.name.p, (int)f.value.len, f.value.p);
		buf_consume(in, used);
		if (e == HTTP1_END || e == HTTP1_BAD)
			return e == HTTP1_END;
		if (e == HTTP1_MORE && !receive_more(fd, in))
			return http1_body_ends_with_close(&body);
	}
}

/* Servers. */

/* The next request's head: c->head, c->head_text; false when there is none. */
static inline bool server_read_head(struct server_conn *c)
{
	struct http1_error err;
	size_t scanned = 0;
	ssize_t n;

	while ((n = http1_parse_request(buf_str(&c->in), c->in.len, &scanned, &c->head, &err)) == 0)
		if (!receive_more(c->fd, &c->in))
			return false;
	if (n < 0)
		return false;
	buf_reset(&c->head_text);
	buf_append(&c->head_text, c->in.data, (size_t)n);
	scanned = 0;
	http1_parse_request(c->head_text.data, c->head_text.len, &scanned, &c->head, &err);
	buf_consume(&c->in, (size_t)n);
	atomic_fetch_add(&c->server->requests_seen, 1);
	return true;
}

static inline bool server_read_request(struct server_conn *c)
{
	buf_reset(&c->body);
	return server_read_head(c) && receive_body(c->fd, &c->in, c->head.framing, c->head.content_length, &c->body);
}

static inline bool server_path_is(const struct server_conn *c, const char *path)
{
	return http1_str_is(c->head.target, path);
}

static inline bool server_answer(struct server_conn *c, const char *text)
{
	_cleanup_free_ char *all = xasprintf("HTTP/1.1 200 OK\r\nContent-Length: %zu\r\n\r\n%s", strlen(text), text);

	return send_text(c->fd, all);
}

/* The ordinary application: answers with the server's id, /slow once server.flag is set, /echo with what it got. */
static inline void serve_app(struct server_conn *c)
{
	char id[16];

	snprintf(id, sizeof(id), "%d", c->server->id);
	while (server_read_request(c)) {
		while (server_path_is(c, "/slow") && !atomic_load(&c->server->flag))
			clock_sleep_ns(NS_PER_MS);
		if (server_path_is(c, "/echo")) {
			buf_append(&c->head_text, c->body.data ? c->body.data : "", c->body.len);
			if (!server_answer(c, buf_str(&c->head_text)))
				return;
		} else if (!server_answer(c, id)) {
			return;
		}
	}
}

static inline void *server_conn_main(void *arg)
{
	struct server_conn *c = arg;

	c->server->handler(c);
	shutdown(c->fd, SHUT_RDWR);
	return NULL;
}

static inline void *server_main(void *arg)
{
	struct server *s = arg;

	for (;;) {
		int fd = accept(s->fd, NULL, NULL);

		if (fd < 0 && errno == EMFILE) {
			clock_sleep_ns(NS_PER_MS);
			continue;
		}
		if (fd < 0)
			return NULL;
		set_patience(fd);
		pthread_mutex_lock(&s->lock);
		if (s->stopping || s->conns_len == TEST_CONNS_MAX) {
			pthread_mutex_unlock(&s->lock);
			close(fd);
			return NULL;
		}
		struct server_conn *c = new0(struct server_conn);

		c->server = s;
		c->fd = fd;
		c->in = c->head_text = c->body = BUF_INIT((size_t)256 << 20);
		s->conns[s->conns_len++] = c;
		atomic_fetch_add(&s->conns_seen, 1);
		pthread_create(&c->thread, NULL, server_conn_main, c);
		pthread_mutex_unlock(&s->lock);
	}
}

static inline int listen_at(int port, int *ret_port)
{
	struct sockaddr_in at = loopback(port);
	socklen_t len = sizeof(at);
	const int on = 1;
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
	assert_int_equal(bind(fd, (struct sockaddr *)&at, sizeof(at)), 0);
	assert_int_equal(listen(fd, 1024), 0);
	getsockname(fd, (struct sockaddr *)&at, &len);
	*ret_port = ntohs(at.sin_port);
	return fd;
}

/* port 0: any. */
static inline struct server *server_start(int port, int id, server_handler handler, void *self)
{
	struct server *s = new0(struct server);

	s->fd = listen_at(port, &s->port);
	s->id = id;
	s->handler = handler;
	s->self = self;
	pthread_mutex_init(&s->lock, NULL);
	pthread_create(&s->thread, NULL, server_main, s);
	return s;
}

/* Cuts everything. */
static inline struct server *server_stop(struct server *s)
{
	atomic_store(&s->flag, 1);
	pthread_mutex_lock(&s->lock);
	s->stopping = true;
	pthread_mutex_unlock(&s->lock);
	shutdown(s->fd, SHUT_RDWR);
	pthread_join(s->thread, NULL);
	close(s->fd);
	for (int i = 0; i < s->conns_len; i++) {
		struct server_conn *c = s->conns[i];

		shutdown(c->fd, SHUT_RDWR);
		pthread_join(c->thread, NULL);
		close(c->fd);
		buf_clear(&c->in);
		buf_clear(&c->head_text);
		buf_clear(&c->body);
		free(c);
	}
	pthread_mutex_destroy(&s->lock);
	free(s);
	return NULL;
}

/* A port where nothing listens. */
static inline int closed_port(void)
{
	int port, fd = listen_at(0, &port);

	close(fd);
	return port;
}

/* Clients. */

static inline int try_connect(int port)
{
	struct sockaddr_in to = loopback(port);
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	set_patience(fd);
	if (connect(fd, (struct sockaddr *)&to, sizeof(to))) {
		close(fd);
		return -1;
	}
	return fd;
}

static inline int client_connect(int port)
{
	int fd = try_connect(port);

	assert_true(fd >= 0);
	return fd;
}

struct response {
	int status;
	bool whole; /* the body was not cut off */
	bool keep_alive;
	enum http1_framing framing;
	struct buf in; /* bytes after it */
	struct buf head, body;
};

static inline void response_init(struct response *r)
{
	*r = (struct response){ 0 };
	r->in = r->head = r->body = BUF_INIT((size_t)256 << 20);
}

static inline void response_clear(struct response *r)
{
	buf_clear(&r->in);
	buf_clear(&r->head);
	buf_clear(&r->body);
}
#define _cleanup_response_ _cleanup_(response_clear)

/* The next response, interim ones too; false when there is none. */
static inline bool client_read(int fd, bool to_head, struct response *r)
{
	struct http1_head *h = new0(struct http1_head);
	struct http1_error err;
	size_t scanned = 0;
	ssize_t n;

	buf_reset(&r->head);
	buf_reset(&r->body);
	while ((n = http1_parse_response(buf_str(&r->in), r->in.len, &scanned, to_head, h, &err)) == 0)
		if (!receive_more(fd, &r->in))
			break;
	if (n > 0) {
		r->status = h->status;
		r->keep_alive = h->keep_alive;
		r->framing = h->framing;
		buf_append(&r->head, r->in.data, (size_t)n);
		buf_consume(&r->in, (size_t)n);
		r->whole = receive_body(fd, &r->in, h->framing, h->content_length, &r->body);
	}
	free(h);
	return n > 0;
}

/* Sends and reads the answer on an open connection. */
static inline bool client_ask(int fd, const char *request, struct response *r)
{
	return send_text(fd, request) && client_read(fd, !strncmp(request, "HEAD", 4), r);
}

/* The same on a connection of its own. */
static inline bool client_ask_once(int port, const char *request, struct response *r)
{
	_cleanup_close_ int fd = client_connect(port);

	return client_ask(fd, request, r);
}

/* True when the other side closed in order: no byte, no error. */
static inline bool at_end(int fd)
{
	char byte;

	return recv(fd, &byte, 1, 0) == 0;
}

#define GET(path) "GET " path " HTTP/1.1\r\nHost: test\r\n\r\n"

/* Waits until the expression holds. */
#define assert_soon(expression)                                        \
	do {                                                               \
		int64_t _until = clock_mono_ns() + TEST_PATIENCE_S * NS_PER_S; \
		while (!(expression) && clock_mono_ns() < _until)              \
			clock_sleep_ns(NS_PER_MS);                                 \
		assert_true(expression);                                       \
	} while (0)

/* A set with one proxy. */
struct fixture {
	struct proxy_set *set;
	struct proxy *proxy;
	int port;
};

static inline void fixture_open(struct fixture *f, const struct proxy_config *config)
{
	_cleanup_err_ struct err err = { 0 };

	f->set = proxy_set_new(NULL, &err);
	assert_non_null(f->set);
	if (proxy_open(f->set, config ? config : &(struct proxy_config){ 0 }, &f->proxy, &err))
		fail_msg("%s", err_message(&err));
	f->port = proxy_port(f->proxy);
}

static inline void fixture_done(struct fixture *f)
{
	f->set = proxy_set_free(f->set);
}

static inline struct proxy_stats stats_of(struct fixture *f)
{
	struct proxy_stats stats;

	proxy_get_stats(f->proxy, &stats);
	return stats;
}

#endif
