#ifndef NET_HTTP_TESTING_H
#define NET_HTTP_TESTING_H
/* For the tests of the HTTP server and client: sockets spoken to byte by byte, certificates, waiting. */

#include "base/buf.h"
#include "base/clock.h"
#include "base/str.h"
#include "net/tls.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <arpa/inet.h>
#include <gnutls/gnutls.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>

#define PATIENCE_MS 5000

static inline int raw_connect(int port)
{
	struct sockaddr_in in = { .sin_family = AF_INET,
		                      .sin_port = htons((uint16_t)port),
		                      .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	int on = 1;

	assert_true(fd >= 0);
	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
	assert_int_equal(connect(fd, (struct sockaddr *)&in, sizeof(in)), 0);
	return fd;
}

static inline void raw_send(int fd, const char *data, size_t len)
{
	while (len > 0) {
		ssize_t n = send(fd, data, len, MSG_NOSIGNAL);

		if (n <= 0)
			return; /* the other side had enough: the test looks at what it answered */
		data += n;
		len -= (size_t)n;
	}
}

static inline void raw_puts(int fd, const char *text)
{
	raw_send(fd, text, strlen(text));
}

/* Reads more; false at the end, on an error or when nothing comes. */
static inline bool raw_more(int fd, struct buf *in, int patience_ms)
{
	struct pollfd p = { .fd = fd, .events = POLLIN };
	char data[4096];
	ssize_t n;

	if (poll(&p, 1, patience_ms) != 1)
		return false;
	n = recv(fd, data, sizeof(data), 0);
	return n > 0 && buf_append(in, data, (size_t)n) == 0;
}

/* Reads until the text has come; what came before and with it stays in `in`. */
static inline bool raw_expect(int fd, struct buf *in, const char *text)
{
	size_t len = strlen(text), seen = 0;

	while (!strstr(buf_str(in) + seen, text)) {
		seen = in->len > len ? in->len - len : 0;
		if (!raw_more(fd, in, PATIENCE_MS))
			return false;
	}
	return true;
}

static inline void raw_read_to_end(int fd, struct buf *in)
{
	while (raw_more(fd, in, PATIENCE_MS))
		;
}

/* One request on a connection of its own; the whole answer up to the end of the connection (free()). */
static inline char *raw_exchange(int port, const char *request)
{
	struct buf in = BUF_INIT(64 << 20);
	int fd = raw_connect(port);

	raw_puts(fd, request);
	raw_read_to_end(fd, &in);
	close(fd);
	return buf_steal(&in);
}

#define WAIT_UNTIL(condition)                                       \
	do {                                                            \
		int64_t _until = clock_mono_ns() + PATIENCE_MS * NS_PER_MS; \
		while (!(condition) && clock_mono_ns() < _until)            \
			clock_sleep_ns(NS_PER_MS);                              \
		assert_true(condition);                                     \
	} while (0)

/* A CA, a server certificate for loopback, a client certificate of "tester" in "testers" and "readers". */
struct test_pki {
	struct tls_pair ca, server, client;
};

static inline void test_pki_new(struct test_pki *pki)
{
	static const char *const names[] = { "localhost", "127.0.0.1", "::1", NULL };
	static const char *const orgs[] = { "testers", "readers", NULL };

	assert_int_equal(tls_ca_new("test-ca", 2, &pki->ca, NULL), 0);
	assert_int_equal(
		tls_cert_issue(&pki->ca,
	                   &(struct tls_cert_spec){ .common_name = "server", .names = names, .days = 1, .server = true },
	                   &pki->server, NULL),
		0);
	assert_int_equal(tls_cert_issue(&pki->ca,
	                                &(struct tls_cert_spec){
										.common_name = "tester", .organizations = orgs, .days = 1, .client = true },
	                                &pki->client, NULL),
	                 0);
}

static inline void test_pki_clear(struct test_pki *pki)
{
	tls_pair_clear(&pki->ca);
	tls_pair_clear(&pki->server);
	tls_pair_clear(&pki->client);
}

/* A TLS client of its own, to see what libcurl hides. */
struct test_tls_client {
	gnutls_session_t session;
	gnutls_certificate_credentials_t credentials;
	int fd;
};

static inline void test_tls_connect(struct test_tls_client *c, int port, const struct test_pki *pki,
                                    const struct tls_pair *cert, const gnutls_datum_t *resume)
{
	gnutls_datum_t ca = { .data = (unsigned char *)pki->ca.cert_pem, .size = (unsigned)strlen(pki->ca.cert_pem) };
	int r;

	c->fd = raw_connect(port);
	gnutls_certificate_allocate_credentials(&c->credentials);
	assert_int_equal(gnutls_certificate_set_x509_trust_mem(c->credentials, &ca, GNUTLS_X509_FMT_PEM), 1);
	if (cert) {
		gnutls_datum_t crt = { .data = (unsigned char *)cert->cert_pem, .size = (unsigned)strlen(cert->cert_pem) };
		gnutls_datum_t key = { .data = (unsigned char *)cert->key_pem, .size = (unsigned)strlen(cert->key_pem) };

		assert_int_equal(gnutls_certificate_set_x509_key_mem(c->credentials, &crt, &key, GNUTLS_X509_FMT_PEM), 0);
		/* also to a server whose CA is another one */
		gnutls_certificate_set_flags(c->credentials, GNUTLS_CERTIFICATE_SKIP_KEY_CERT_MATCH);
	}
	gnutls_init(&c->session, GNUTLS_CLIENT | GNUTLS_FORCE_CLIENT_CERT | GNUTLS_NO_SIGNAL);
	gnutls_set_default_priority(c->session);
	gnutls_credentials_set(c->session, GNUTLS_CRD_CERTIFICATE, c->credentials);
	gnutls_session_set_verify_cert(c->session, "localhost", 0);
	if (resume)
		assert_int_equal(gnutls_session_set_data(c->session, resume->data, resume->size), 0);
	gnutls_transport_set_int(c->session, c->fd);
	while ((r = gnutls_handshake(c->session)) < 0 && !gnutls_error_is_fatal(r))
		;
	assert_int_equal(r, 0);
}

static inline char *test_tls_ask(struct test_tls_client *c, const char *request, const char *until)
{
	struct buf in = BUF_INIT(1 << 20);
	char data[4096];

	assert_int_equal(gnutls_record_send(c->session, request, strlen(request)), strlen(request));
	while (!strstr(buf_str(&in), until)) {
		ssize_t n = gnutls_record_recv(c->session, data, sizeof(data));

		if (n == GNUTLS_E_AGAIN || n == GNUTLS_E_INTERRUPTED)
			continue;
		if (n <= 0)
			break;
		buf_append(&in, data, (size_t)n);
	}
	return buf_steal(&in);
}

static inline void test_tls_disconnect(struct test_tls_client *c)
{
	gnutls_bye(c->session, GNUTLS_SHUT_WR);
	gnutls_deinit(c->session);
	gnutls_certificate_free_credentials(c->credentials);
	close(c->fd);
}

#endif
