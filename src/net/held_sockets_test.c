/* Sockets that stay open though their owners closed them, as a child between fork and exec makes them do: what still
 * happens to them must reach nobody. Without epoll being told, each of these reads freed memory. */

#include "net/held_sockets.h"

#include "http_testing.h"
#include "net/http_server.h"
#include "proxy_testing.h"

/* ---- the HTTP server ---- */

struct upgraded {
	struct http_upgrade *up;
	int fd;
	atomic_bool done;
};

static void keep(void *self, struct http_upgrade *up, int fd, const void *data _unused_, size_t len _unused_)
{
	struct upgraded *u = self;

	u->up = up;
	u->fd = fd;
	atomic_store(&u->done, true);
}

static void answer(void *self, struct http_request *req)
{
	struct http_headers headers = { 0 };

	if (!http_request_header(req, "upgrade")) {
		http_respond_text(req, 200, "text/plain", "here");
		return;
	}
	http_headers_add(&headers, "Upgrade", "test");
	http_respond_upgrade(req, &headers, keep, self);
	http_headers_clear(&headers);
}

static struct http_server *start(struct http_server_config config)
{
	struct http_server *s = NULL;
	_cleanup_err_ struct err err = { 0 };

	config.handler = answer;
	config.threads = 1;
	if (http_server_start(&config, &s, &err) < 0)
		fail_msg("%s", err_message(&err));
	return s;
}

static void assert_serves(int port)
{
	_cleanup_free_ char *text = raw_exchange(port, "GET / HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n");

	assert_true(str_ends_with(text, "here"));
}

static void test_held_sockets_of_an_idle_connection(void **state _unused_)
{
	struct http_server *s = start((struct http_server_config){ .idle_timeout_ns = 300 * NS_PER_MS });
	struct held_sockets held;
	struct buf in = BUF_INIT(1 << 16);
	int fd = raw_connect(http_server_port(s));

	raw_puts(fd, "GET / HTTP/1.1\r\nHost: h\r\n\r\n");
	assert_true(raw_expect(fd, &in, "here"));
	held_sockets_take(&held);

	int before = open_sockets(NULL);

	WAIT_UNTIL(open_sockets(NULL) == before - 1);
	clock_sleep_ns(20 * NS_PER_MS); /* freed at the end of the loop's round */
	raw_puts(fd, "GET / HTTP/1.1\r\nHost: h\r\n\r\n");
	assert_serves(http_server_port(s));
	held_sockets_release(&held);
	close(fd);
	buf_clear(&in);
	http_server_stop(s, NS_PER_S);
}

/* Under TLS there is a second socket: our end of the pair whose other end the handler has. */
static void test_held_sockets_of_an_upgraded_connection(void **state _unused_)
{
	struct upgraded u = { 0 };
	struct test_pki pki;
	test_pki_new(&pki);
	struct tls_server_config tls = { .cert_pem = pki.server.cert_pem, .key_pem = pki.server.key_pem };
	struct http_server *s = start((struct http_server_config){ .tls = &tls, .self = &u });
	struct test_tls_client client;
	struct held_sockets held;

	test_tls_connect(&client, http_server_port(s), &pki, NULL, NULL);
	free(
		test_tls_ask(&client, "GET / HTTP/1.1\r\nHost: h\r\nUpgrade: test\r\nConnection: upgrade\r\n\r\n", "\r\n\r\n"));
	WAIT_UNTIL(atomic_load(&u.done));
	held_sockets_take(&held);

	int before = open_sockets(NULL);

	gnutls_bye(client.session, GNUTLS_SHUT_WR);
	shutdown(client.fd, SHUT_RDWR);
	WAIT_UNTIL(open_sockets(NULL) == before - 2);
	clock_sleep_ns(20 * NS_PER_MS);
	raw_puts(u.fd, "to whom?");
	clock_sleep_ns(20 * NS_PER_MS);
	http_upgrade_close(u.up);
	held_sockets_release(&held);
	test_tls_disconnect(&client);
	test_tls_connect(&client, http_server_port(s), &pki, NULL, NULL);
	_cleanup_free_ char *text = test_tls_ask(&client, "GET / HTTP/1.1\r\nHost: h\r\n\r\n", "here");
	assert_non_null(strstr(text, "here"));
	test_tls_disconnect(&client);
	http_server_stop(s, NS_PER_S);
	test_pki_clear(&pki);
}

/* ---- the reverse proxy ---- */

static void serve(struct server_conn *c)
{
	while (server_read_request(c))
		server_answer(c, "here");
}

static void assert_proxies(struct fixture *f)
{
	_cleanup_response_ struct response r;

	response_init(&r);
	assert_true(client_ask_once(f->port, "GET / HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n", &r));
	assert_int_equal(r.status, 200);
}

static void test_held_sockets_of_a_proxys_client(void **state _unused_)
{
	struct server *s = server_start(0, 1, serve, NULL);
	_cleanup_response_ struct response r;
	struct held_sockets held;
	struct fixture f;

	response_init(&r);
	fixture_open(&f, &(struct proxy_config){ .idle_ns = 300 * NS_PER_MS });
	proxy_backend_add(f.proxy, s->port);
	_cleanup_close_ int fd = client_connect(f.port);
	assert_true(client_ask(fd, GET("/"), &r));
	held_sockets_take(&held);

	int before = open_sockets(NULL);

	assert_soon(open_sockets(NULL) < before);
	clock_sleep_ns(20 * NS_PER_MS);
	send_text(fd, GET("/"));
	assert_proxies(&f);
	held_sockets_release(&held);
	fixture_done(&f);
	server_stop(s);
}

static void test_held_sockets_of_a_proxys_backend(void **state _unused_)
{
	struct server *s = server_start(0, 1, serve, NULL), *other = server_start(0, 2, serve, NULL);
	_cleanup_response_ struct response r;
	struct held_sockets held;
	struct fixture f;

	response_init(&r);
	fixture_open(&f, NULL);
	proxy_backend_add(f.proxy, s->port);
	_cleanup_close_ int fd = client_connect(f.port);
	assert_true(client_ask(fd, GET("/"), &r));
	held_sockets_take(&held);

	int before = open_sockets(NULL);

	/* Its idle connection is closed. */
	proxy_backend_remove(f.proxy, s->port);
	proxy_backend_add(f.proxy, other->port);
	assert_soon(open_sockets(NULL) < before);
	clock_sleep_ns(20 * NS_PER_MS);
	send_text(s->conns[0]->fd, "HTTP/1.1 408 Request Timeout\r\n\r\n");
	assert_proxies(&f);
	held_sockets_release(&held);
	fixture_done(&f);
	server_stop(s);
	server_stop(other);
}

static void test_held_sockets_of_a_proxy_that_closes(void **state _unused_)
{
	struct server *s = server_start(0, 1, serve, NULL);
	_cleanup_err_ struct err err = { 0 };
	struct held_sockets held;
	struct fixture f;
	struct proxy *other = NULL;

	fixture_open(&f, NULL);
	proxy_backend_add(f.proxy, s->port);
	assert_int_equal(proxy_open(f.set, &(struct proxy_config){ 0 }, &other, &err), 0);
	held_sockets_take(&held);

	int before = open_sockets(NULL);

	proxy_close(other, 0);
	assert_soon(open_sockets(NULL) == before - 1);
	clock_sleep_ns(20 * NS_PER_MS);
	assert_proxies(&f);
	held_sockets_release(&held);
	fixture_done(&f);
	server_stop(s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_held_sockets_of_an_idle_connection),
		cmocka_unit_test(test_held_sockets_of_an_upgraded_connection),
		cmocka_unit_test(test_held_sockets_of_a_proxys_client),
		cmocka_unit_test(test_held_sockets_of_a_proxys_backend),
		cmocka_unit_test(test_held_sockets_of_a_proxy_that_closes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
