#include "http_server_internal.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sys/epoll.h>
#include <sys/socket.h>

/* A plain connection's socket itself becomes the handler's. Under TLS the handler gets one end of a pair of sockets,
 * and the connection's loop passes on what comes at either side. */
struct http_upgrade {
	struct http_server *server; /* a reference once begun */
	void (*upgraded)(void *self, struct http_upgrade *up, int fd, const void *data, size_t len);
	void *self;
	int fd;
	bool own_socket;                   /* to be cut by whoever stops the server */
	struct http_upgrade *next, **prev; /* under the server's lock */
};

void http_upgrade_drop(struct http_upgrade *up)
{
	free(up);
}

void http_respond_upgrade(struct http_request *req, const struct http_headers *headers,
                          void (*upgraded)(void *self, struct http_upgrade *up, int fd, const void *data, size_t len),
                          void *self)
{
	struct http_upgrade *up;

	if (!req->http11 || !headers || !http_headers_get(headers, "Upgrade")) {
		http_respond_text(req, 400, "text/plain; charset=utf-8", "This request cannot be upgraded.\n");
		return;
	}
	up = new0(struct http_upgrade);
	up->server = req->conn->server;
	up->upgraded = upgraded;
	up->self = self;
	up->fd = -1;
	struct http_answer a = { .upgrade = up };
	http_answer_init(&a, req, 101, headers, true);
	if (!http_request_answer(req, &a))
		http_upgrade_drop(up);
}

/* False when the server has given up what was under way: its last look at the list may be over. */
static bool link_upgrade(struct http_upgrade *up)
{
	MUTEX_GUARD(&up->server->lock);
	if (atomic_load(&up->server->stopping))
		return false;
	up->next = up->server->upgrades;
	up->prev = &up->server->upgrades;
	if (up->next)
		up->next->prev = &up->next;
	up->server->upgrades = up;
	return true;
}

/* The handler's socket, non-blocking; -1. */
static int handlers_socket(struct http_connection *c)
{
	struct epoll_event e = { .events = EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET, .data.ptr = &c->pipe_source };
	int pair[2];

	if (!c->session) {
		epoll_ctl(c->loop->epoll, EPOLL_CTL_DEL, c->fd, NULL);
		return TAKE_FD(c->fd);
	}
	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, pair) < 0)
		return -1;
	c->pipe_fd = pair[0];
	if (epoll_ctl(c->loop->epoll, EPOLL_CTL_ADD, c->pipe_fd, &e) == 0)
		return pair[1];
	close(pair[1]);
	return -1;
}

static void request_is_over(struct http_connection *c)
{
	struct http_request *req = c->req;

	pthread_mutex_lock(&c->lock);
	c->req = NULL;
	req->dead = true;
	pthread_mutex_unlock(&c->lock);
	atomic_fetch_sub(&c->server->inflight, 1);
	http_request_unref(req);
}

void http_upgrade_begin(struct http_connection *c, struct http_upgrade *up)
{
	up->own_socket = !c->session;
	up->fd = handlers_socket(c);
	if (up->fd < 0 || !link_upgrade(up)) {
		log_debug(c->server->log, "http: %s: the connection could not be upgraded", c->remote);
		closep(&up->fd);
		http_upgrade_drop(up);
		http_connection_close(c);
		return;
	}
	http_server_ref(up->server);
	up->upgraded(up->self, up, up->fd, buf_str(&c->in) + c->in_at, c->in.len - c->in_at);
	buf_clear(&c->in);
	c->in_at = 0;
	request_is_over(c);
	c->deadline_ns = 0;
	c->state = HTTP_UPGRADED;
	if (c->fd < 0)
		http_connection_close(c);
}

void http_upgrade_close(struct http_upgrade *up)
{
	struct http_server *s = up->server;

	pthread_mutex_lock(&s->lock);
	*up->prev = up->next;
	if (up->next)
		up->next->prev = up->prev;
	pthread_mutex_unlock(&s->lock);
	close(up->fd);
	free(up);
	http_server_unref(s);
}

void http_upgrades_end(struct http_server *s)
{
	MUTEX_GUARD(&s->lock);
	for (struct http_upgrade *up = s->upgrades; up; up = up->next)
		if (up->own_socket)
			shutdown(up->fd, SHUT_RDWR);
}

/* ---- passing on, under TLS ---- */

/* What came from the client goes to the handler. False when the connection is closed. */
static bool to_handler(struct http_connection *c)
{
	for (;;) {
		while (c->in_at < c->in.len) {
			ssize_t n = send(c->pipe_fd, c->in.data + c->in_at, c->in.len - c->in_at, MSG_NOSIGNAL | MSG_DONTWAIT);

			if (n < 0 && errno == EINTR)
				continue;
			if (n < 0 && errno == EAGAIN)
				return true; /* goes on when the handler has read */
			if (n < 0)
				return false;
			c->in_at += (size_t)n;
		}
		buf_clear(&c->in);
		c->in_at = 0;
		if (!c->readable)
			return !c->eof;
		ssize_t n = recv(c->fd, c->loop->wire_in, HTTP_WIRE_IN_SIZE, MSG_DONTWAIT);
		if (n < 0 && errno == EAGAIN)
			c->readable = false;
		if (n == 0 || (n < 0 && errno != EAGAIN && errno != EINTR))
			return false;
		c->wire.data = c->loop->wire_in;
		c->wire.len = n > 0 ? (size_t)n : 0;
		if (http_session_decipher(c) < 0)
			return false;
	}
}

/* What the handler wrote goes to the client. */
static bool to_client(struct http_connection *c)
{
	char data[4096];

	while (c->unsent.len == 0 && c->pipe_readable) {
		ssize_t n = recv(c->pipe_fd, data, sizeof(data), MSG_DONTWAIT);

		if (n < 0 && errno == EAGAIN)
			c->pipe_readable = false;
		if (n == 0 || (n < 0 && errno != EAGAIN && errno != EINTR))
			return false;
		if (n > 0 && http_session_encipher(c, data, (size_t)n) < 0)
			return false;
		http_connection_flush(c);
		if (c->state == HTTP_CLOSED)
			return false;
	}
	return true;
}

void http_upgrade_forward(struct http_connection *c)
{
	if (to_client(c) && c->state != HTTP_CLOSED && to_handler(c))
		return;
	if (c->state == HTTP_CLOSED)
		return;
	/* What the handler wrote before it closed is sent already, or the client does not take it. */
	gnutls_bye(c->session, GNUTLS_SHUT_WR);
	http_connection_flush(c);
	http_connection_close(c);
}
