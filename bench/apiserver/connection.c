#include "connection.h"

#include "base/str.h"
#include "response.h"

#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <sys/epoll.h>
#include <unistd.h>

#define WIRE_SIZE ((size_t)256 * 1024)
#define PLAIN_SIZE ((size_t)16 * 1024)
#define EVENTS_MAX 256
#define REQUEST_MAX ((size_t)8 * 1024 * 1024)
#define PRIORITIES                                                                                         \
	"NORMAL:-VERS-ALL:+VERS-TLS1.3:+VERS-TLS1.2:-CIPHER-ALL:+AES-128-GCM:+AES-256-GCM:+CHACHA20-POLY1305:" \
	"-GROUP-ALL:+GROUP-X25519:+GROUP-SECP256R1:+GROUP-SECP384R1"

/* ---- endpoints ---- */

static gnutls_datum_t datum(const char *text)
{
	return (gnutls_datum_t){ .data = (unsigned char *)(uintptr_t)text, .size = (unsigned)strlen(text) };
}

static int load_credentials(struct endpoint *e, const char *ca_pem, const char *cert_pem, const char *key_pem,
                            struct err *err)
{
	int r = gnutls_certificate_allocate_credentials(&e->credentials);

	if (r >= 0 && ca_pem) {
		gnutls_datum_t ca = datum(ca_pem);
		r = gnutls_certificate_set_x509_trust_mem(e->credentials, &ca, GNUTLS_X509_FMT_PEM);
	}
	if (r >= 0 && cert_pem && key_pem) {
		gnutls_datum_t cert = datum(cert_pem), key = datum(key_pem);
		r = gnutls_certificate_set_x509_key_mem(e->credentials, &cert, &key, GNUTLS_X509_FMT_PEM);
	}
	return r < 0 ? err_set(err, ERR_INVALID, "the kubeconfig's certificates: %s", gnutls_strerror(r)) : 0;
}

static int resolve(struct endpoint *e, const char *host, const char *port, struct err *err)
{
	struct addrinfo hints = { .ai_socktype = SOCK_STREAM }, *info = NULL;

	if (getaddrinfo(host, port, &hints, &info) != 0 || !info)
		return err_set(err, ERR_NOT_FOUND, "%s: no such host", host);
	memcpy(&e->address, info->ai_addr, info->ai_addrlen);
	e->address_len = info->ai_addrlen;
	freeaddrinfo(info);
	return 0;
}

int endpoint_init(struct endpoint *e, const char *server, const char *ca_pem, const char *cert_pem, const char *key_pem,
                  const char *token, struct err *err)
{
	const char *rest = str_after(server, "https://");

	*e = (struct endpoint){ 0 };
	if (!rest)
		return err_set(err, ERR_INVALID, "%s: only https:// is spoken here", server);
	e->host = xstrndup(rest, strcspn(rest, "/"));
	_cleanup_free_ char *name = xstrdup(e->host);
	char *end = strrchr(name, ']'), *colon = strrchr(end ? end : name, ':');
	if (colon)
		*colon = '\0';
	if (end)
		*end = '\0';
	if (resolve(e, name + (end ? 1 : 0), colon ? colon + 1 : "443", err) < 0)
		return -1;
	e->authorization = token ? xasprintf("Bearer %s", token) : NULL;
	return load_credentials(e, ca_pem, cert_pem, key_pem, err);
}

void endpoint_done(struct endpoint *e)
{
	free(e->host);
	free(e->authorization);
	gnutls_free(e->resumption.data);
	if (e->credentials)
		gnutls_certificate_free_credentials(e->credentials);
	*e = (struct endpoint){ 0 };
}

/* ---- reading and writing ---- */

static void fail(struct connection *c, const char *why)
{
	if (c->closed)
		return;
	connection_close(c);
	c->events->failed(c, why);
}

static ssize_t push(gnutls_transport_ptr_t self, const void *data, size_t len)
{
	struct connection *c = self;
	ssize_t n = send(c->fd, data, len, MSG_NOSIGNAL | MSG_DONTWAIT);

	if (n < 0)
		gnutls_transport_set_errno(c->session, errno);
	return n;
}

static void want(struct connection *c, bool write)
{
	struct epoll_event e = { .events = EPOLLIN | (write ? EPOLLOUT : 0u), .data.ptr = c };

	epoll_ctl(c->loop->epoll, EPOLL_CTL_MOD, c->fd, &e);
}

static void flush_out(struct connection *c)
{
	bool waited = c->out_sent > 0;

	while (!c->closed && c->out_sent < c->out.len) {
		ssize_t n = gnutls_record_send(c->session, c->out.data + c->out_sent, c->out.len - c->out_sent);
		if (n == GNUTLS_E_AGAIN || n == GNUTLS_E_INTERRUPTED) {
			want(c, true);
			return;
		}
		if (n < 0) {
			fail(c, gnutls_strerror((int)n));
			return;
		}
		c->out_sent += (size_t)n;
	}
	buf_reset(&c->out);
	c->out_sent = 0;
	if (waited && !c->closed)
		want(c, false);
}

static void shake(struct connection *c)
{
	int r = gnutls_handshake(c->session);

	if (r == GNUTLS_E_AGAIN || r == GNUTLS_E_INTERRUPTED) {
		want(c, gnutls_record_get_direction(c->session) == 1);
		return;
	}
	if (r < 0) {
		fail(c, gnutls_strerror(r));
		return;
	}
	c->shaken = true;
	want(c, false);
	c->events->ready(c);
}

static void decipher(struct connection *c)
{
	while (!c->closed) {
		ssize_t n = gnutls_record_recv(c->session, c->loop->plain, PLAIN_SIZE);
		if (n == GNUTLS_E_AGAIN || n == GNUTLS_E_INTERRUPTED) {
			/* It also says so after a record that was no data, such as a session ticket. */
			if (c->wire.len > 0)
				continue;
			return;
		}
		if (n <= 0) {
			fail(c, n == 0 ? "closed by the server" : gnutls_strerror((int)n));
			return;
		}
		if (!response_feed(c, c->loop->plain, (size_t)n))
			fail(c, "a response that is not HTTP/1.1");
	}
}

static void readable(struct connection *c)
{
	ssize_t n = recv(c->fd, c->loop->wire, WIRE_SIZE, MSG_DONTWAIT);

	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (n <= 0) {
		fail(c, n == 0 ? "closed by the server" : strerror(errno));
		return;
	}
	c->wire.data = c->loop->wire;
	c->wire.len = (size_t)n;
	if (!c->shaken)
		shake(c);
	if (c->shaken && !c->closed)
		decipher(c);
}

static void happened(struct connection *c, unsigned events)
{
	if (!c->connected && (events & EPOLLOUT)) {
		c->connected = true;
		shake(c);
		return;
	}
	if (events & (EPOLLIN | EPOLLHUP | EPOLLERR))
		readable(c);
	if (c->closed || !(events & EPOLLOUT))
		return;
	if (c->shaken)
		flush_out(c);
	else
		shake(c);
}

/* ---- life ---- */

static int start_tls(struct connection *c)
{
	int r = gnutls_init(&c->session, GNUTLS_CLIENT | GNUTLS_NONBLOCK | GNUTLS_NO_SIGNAL);

	if (r < 0 || (r = gnutls_priority_set_direct(c->session, PRIORITIES, NULL)) < 0 ||
	    (r = gnutls_credentials_set(c->session, GNUTLS_CRD_CERTIFICATE, c->endpoint->credentials)) < 0)
		return r;
	tls_wire_attach(&c->wire, c->session, push, c);
	gnutls_handshake_set_timeout(c->session, GNUTLS_INDEFINITE_TIMEOUT);
	return 0;
}

int connection_open(struct connection *c, struct loop *l, struct endpoint *e, const struct connection_events *events,
                    void *self, struct err *err)
{
	int on = 1;

	*c = (struct connection){ .loop = l, .endpoint = e, .events = events, .self = self, .out = BUF_INIT(REQUEST_MAX) };
	response_init(&c->response);
	c->fd = socket(e->address.ss_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (c->fd < 0)
		return err_set_errno(err, errno, "a socket");
	setsockopt(c->fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
	int r = start_tls(c);
	if (r < 0)
		return err_set(err, ERR_INTERNAL, "TLS: %s", gnutls_strerror(r));
	if (connect(c->fd, (const struct sockaddr *)&e->address, e->address_len) < 0 && errno != EINPROGRESS)
		return err_set_errno(err, errno, "connecting to %s", e->host);
	struct epoll_event event = { .events = EPOLLIN | EPOLLOUT, .data.ptr = c };
	epoll_ctl(l->epoll, EPOLL_CTL_ADD, c->fd, &event);
	l->live++;
	return 0;
}

void connection_send(struct connection *c, const char *method, const char *path, const char *content_type,
                     const char *body, size_t len)
{
	const struct endpoint *e = c->endpoint;

	buf_printf(&c->out, "%s %s HTTP/1.1\r\nHost: %s\r\nAccept: application/json\r\nUser-Agent: scia-bench\r\n", method,
	           path, e->host);
	if (e->authorization)
		buf_printf(&c->out, "Authorization: %s\r\n", e->authorization);
	if (content_type)
		buf_printf(&c->out, "Content-Type: %s\r\nContent-Length: %zu\r\n", content_type, len);
	buf_puts(&c->out, "\r\n");
	if (content_type)
		buf_append(&c->out, body, len);
	flush_out(c);
}

void connection_close(struct connection *c)
{
	if (c->closed)
		return;
	c->closed = true;
	c->loop->live--;
	gnutls_deinit(c->session);
	close(c->fd);
	buf_clear(&c->out);
	response_clear(&c->response);
}

/* ---- loops ---- */

void loop_init(struct loop *l)
{
	*l = (struct loop){ .epoll = epoll_create1(EPOLL_CLOEXEC),
		                .wire = xmalloc(WIRE_SIZE),
		                .plain = xmalloc(PLAIN_SIZE) };
}

void loop_done(struct loop *l)
{
	close(l->epoll);
	free(l->wire);
	free(l->plain);
}

void loop_run_once(struct loop *l, int timeout_ms)
{
	struct epoll_event events[EVENTS_MAX];
	int n = epoll_wait(l->epoll, events, EVENTS_MAX, timeout_ms);

	for (int i = 0; i < n; i++) {
		struct connection *c = events[i].data.ptr;
		if (!c->closed)
			happened(c, events[i].events);
	}
}
