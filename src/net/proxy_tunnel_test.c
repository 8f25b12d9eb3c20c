#include "proxy_testing.h"

/* Plain TCP, and connections that HTTP hands over (101). */

static void serve_echo(struct server_conn *c)
{
	while (receive_more(c->fd, &c->in)) {
		send_bytes(c->fd, c->in.data, c->in.len);
		buf_reset(&c->in);
	}
	/* After its client's FIN. */
	send_text(c->fd, "bye");
}

static void tcp_open(struct fixture *f, int64_t hold_ns)
{
	fixture_open(f, &(struct proxy_config){ .tcp = true, .hold_ns = hold_ns });
}

/* Until the other side closes. */
static bool receive_all(int fd, struct buf *in)
{
	while (receive_more(fd, in))
		;
	return errno != ECONNRESET;
}

static void test_proxy_tunnel_half_close_passes(void **state)
{
	struct server *s = server_start(0, 1, serve_echo, NULL);
	_cleanup_buf_ struct buf in = BUF_INIT(1 << 20);
	struct fixture f;

	(void)state;
	tcp_open(&f, 0);
	proxy_backend_add(f.proxy, s->port);
	_cleanup_close_ int fd = client_connect(f.port);

	assert_true(send_text(fd, "hello"));
	while (in.len < 5)
		assert_true(receive_more(fd, &in));
	assert_int_equal(proxy_backend_active(f.proxy, s->port), 1);
	shutdown(fd, SHUT_WR);
	assert_true(receive_all(fd, &in));
	assert_string_equal(buf_str(&in), "hellobye");
	assert_soon(proxy_backend_active(f.proxy, s->port) == 0);
	assert_soon(stats_of(&f).active == 0);
	assert_int_equal(stats_of(&f).requests, 1);
	fixture_done(&f);
	server_stop(s);
}

static void serve_greeting(struct server_conn *c)
{
	send_text(c->fd, "220 ready\r\n");
	shutdown(c->fd, SHUT_WR);
	while (receive_more(c->fd, &c->in))
		;
	atomic_store(&c->server->flag, (int)c->in.len);
}

static void test_proxy_tunnel_backend_may_speak_first_and_close_first(void **state)
{
	struct server *s = server_start(0, 1, serve_greeting, NULL);
	_cleanup_buf_ struct buf in = BUF_INIT(1 << 20);
	struct fixture f;

	(void)state;
	tcp_open(&f, 0);
	proxy_backend_add(f.proxy, s->port);
	int fd = client_connect(f.port);

	assert_true(receive_all(fd, &in));
	assert_string_equal(buf_str(&in), "220 ready\r\n");
	assert_true(send_text(fd, "late"));
	close(fd);
	assert_soon(atomic_load(&s->flag) == 4);
	fixture_done(&f);
	server_stop(s);
}

static void test_proxy_tunnel_waits_tries_and_gives_up(void **state)
{
	struct server *s = server_start(0, 1, serve_echo, NULL);
	_cleanup_buf_ struct buf in = BUF_INIT(1 << 20);
	struct fixture f, short_hold;
	char byte;

	(void)state;
	tcp_open(&f, 0);
	proxy_backend_add(f.proxy, closed_port());
	_cleanup_close_ int fd = client_connect(f.port);

	assert_true(send_text(fd, "early"));
	assert_soon(stats_of(&f).active == 1);
	proxy_backend_add(f.proxy, s->port);
	shutdown(fd, SHUT_WR);
	assert_true(receive_all(fd, &in));
	assert_string_equal(buf_str(&in), "earlybye");

	tcp_open(&short_hold, 20 * NS_PER_MS);
	_cleanup_close_ int alone = client_connect(short_hold.port);

	assert_true(recv(alone, &byte, 1, 0) < 0 && errno == ECONNRESET);
	assert_int_equal(stats_of(&short_hold).errors, 1);
	fixture_done(&short_hold);
	fixture_done(&f);
	server_stop(s);
}

static void test_proxy_tunnel_spreads_and_drains(void **state)
{
	struct server *a = server_start(0, 1, serve_echo, NULL), *b = server_start(0, 2, serve_echo, NULL);
	struct fixture f;
	int fds[10];

	(void)state;
	tcp_open(&f, 0);
	proxy_backend_add(f.proxy, a->port);
	proxy_backend_add(f.proxy, b->port);
	for (size_t i = 0; i < ARRAY_SIZE(fds); i++)
		fds[i] = client_connect(f.port);
	assert_soon(proxy_backend_active(f.proxy, a->port) == 5 && proxy_backend_active(f.proxy, b->port) == 5);
	proxy_backend_drain(f.proxy, a->port);
	int late = client_connect(f.port);

	assert_soon(proxy_backend_active(f.proxy, b->port) == 6);
	close(late);
	for (size_t i = 0; i < ARRAY_SIZE(fds); i++)
		close(fds[i]);
	assert_soon(proxy_backend_active(f.proxy, a->port) == 0);
	fixture_done(&f);
	server_stop(a);
	server_stop(b);
}

static void test_proxy_tunnel_remove_resets(void **state)
{
	struct server *s = server_start(0, 1, serve_echo, NULL);
	struct fixture f;
	char byte;

	(void)state;
	tcp_open(&f, 0);
	proxy_backend_add(f.proxy, s->port);
	_cleanup_close_ int fd = client_connect(f.port);

	assert_soon(proxy_backend_active(f.proxy, s->port) == 1);
	proxy_backend_remove(f.proxy, s->port);
	assert_true(recv(fd, &byte, 1, 0) < 0 && errno == ECONNRESET);
	fixture_done(&f);
	server_stop(s);
}

static void serve_reset_seen(struct server_conn *c)
{
	char byte;

	send_text(c->fd, "x");
	atomic_store(&c->server->flag, recv(c->fd, &byte, 1, 0) < 0 && errno == ECONNRESET ? 1 : 2);
}

static void test_proxy_tunnel_resets_pass(void **state)
{
	struct server *s = server_start(0, 1, serve_reset_seen, NULL);
	const struct linger now = { .l_onoff = 1 };
	struct fixture f;
	char byte;

	(void)state;
	tcp_open(&f, 0);
	proxy_backend_add(f.proxy, s->port);
	int fd = client_connect(f.port);

	assert_int_equal(recv(fd, &byte, 1, 0), 1);
	setsockopt(fd, SOL_SOCKET, SO_LINGER, &now, sizeof(now));
	close(fd);
	assert_soon(atomic_load(&s->flag));
	assert_int_equal(atomic_load(&s->flag), 1);
	fixture_done(&f);
	server_stop(s);
}

/* Much, both ways at once, with a client that reads only after it has sent everything its peer lets it. */

#define LARGE ((size_t)24 << 20)

struct sender {
	int fd;
	size_t len;
};

static void *sender_main(void *arg)
{
	struct sender *s = arg;
	static char piece[65536];

	for (size_t at = 0; at < s->len; at += sizeof(piece)) {
		memset(piece, (int)(at >> 16), sizeof(piece));
		if (!send_bytes(s->fd, piece, sizeof(piece)))
			break;
	}
	shutdown(s->fd, SHUT_WR);
	return NULL;
}

static void test_proxy_tunnel_carries_much(void **state)
{
	struct server *s = server_start(0, 1, serve_echo, NULL);
	_cleanup_buf_ struct buf in = BUF_INIT(2 * LARGE);
	pthread_t thread;
	struct fixture f;

	(void)state;
	tcp_open(&f, 0);
	proxy_backend_add(f.proxy, s->port);
	_cleanup_close_ int fd = client_connect(f.port);
	struct sender sender = { fd, LARGE };

	pthread_create(&thread, NULL, sender_main, &sender);
	clock_sleep_ns(50 * NS_PER_MS);
	assert_true(receive_all(fd, &in));
	pthread_join(thread, NULL);
	assert_int_equal(in.len, LARGE + 3);
	for (size_t at = 0; at < LARGE; at++)
		if (in.data[at] != (char)(at >> 16))
			fail_msg("byte %zu is wrong", at);
	fixture_done(&f);
	server_stop(s);
}

/* Upgrades. */

static void serve_upgrade(struct server_conn *c)
{
	if (!server_read_head(c))
		return;
	if (!c->head.upgrade) {
		server_answer(c, "plain");
		return;
	}
	send_text(c->fd,
	          "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: echo\r\nX: y\r\n\r\nwelcome ");
	if (c->in.len)
		send_bytes(c->fd, c->in.data, c->in.len);
	buf_reset(&c->in);
	serve_echo(c);
}

#define UPGRADE "GET /ws HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: echo\r\n\r\n"

static void test_proxy_tunnel_after_upgrade(void **state)
{
	struct server *s = server_start(0, 1, serve_upgrade, NULL);
	_cleanup_response_ struct response r;
	struct fixture f;

	(void)state;
	response_init(&r);
	fixture_open(&f, NULL);
	proxy_backend_add(f.proxy, s->port);
	_cleanup_close_ int fd = client_connect(f.port);

	/* What is sent before the answer belongs to the tunnel, as it came to be. */
	assert_true(client_ask(fd, UPGRADE "early ", &r));
	assert_int_equal(r.status, 101);
	assert_non_null(strstr(buf_str(&r.head), "X: y\r\n"));
	assert_non_null(strstr(buf_str(&r.head), "Connection: upgrade\r\nUpgrade: echo\r\n"));
	while (r.in.len < strlen("welcome early "))
		assert_true(receive_more(fd, &r.in));
	/* Not HTTP any more: nothing of this is looked at. */
	assert_true(send_text(fd, "GET / HTTP/1.1\n\n"));
	shutdown(fd, SHUT_WR);
	assert_true(receive_all(fd, &r.in));
	assert_string_equal(buf_str(&r.in), "welcome early GET / HTTP/1.1\n\nbye");
	assert_soon(stats_of(&f).active == 0);
	assert_int_equal(proxy_backend_active(f.proxy, s->port), 0);
	fixture_done(&f);
	server_stop(s);
}

static void serve_no_upgrade(struct server_conn *c)
{
	while (server_read_request(c))
		server_answer(c, c->head.upgrade ? "declined" : "plain");
}

static void test_proxy_tunnel_declined_upgrade_stays_http(void **state)
{
	struct server *s = server_start(0, 1, serve_no_upgrade, NULL);
	_cleanup_response_ struct response r;
	struct fixture f;

	(void)state;
	response_init(&r);
	fixture_open(&f, NULL);
	proxy_backend_add(f.proxy, s->port);
	_cleanup_close_ int fd = client_connect(f.port);

	assert_true(client_ask(fd, UPGRADE GET("/"), &r));
	assert_string_equal(buf_str(&r.body), "declined");
	assert_true(client_read(fd, false, &r));
	assert_string_equal(buf_str(&r.body), "plain");
	/* Tunnels that would carry requests past us are not offered to the application. */
	assert_true(client_ask(fd,
	                       "GET / HTTP/1.1\r\nHost: a\r\nConnection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\n"
	                       "HTTP2-Settings: x\r\n\r\n",
	                       &r));
	assert_string_equal(buf_str(&r.body), "plain");
	fixture_done(&f);
	server_stop(s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_proxy_tunnel_half_close_passes),
		cmocka_unit_test(test_proxy_tunnel_backend_may_speak_first_and_close_first),
		cmocka_unit_test(test_proxy_tunnel_waits_tries_and_gives_up),
		cmocka_unit_test(test_proxy_tunnel_spreads_and_drains),
		cmocka_unit_test(test_proxy_tunnel_remove_resets),
		cmocka_unit_test(test_proxy_tunnel_resets_pass),
		cmocka_unit_test(test_proxy_tunnel_carries_much),
		cmocka_unit_test(test_proxy_tunnel_after_upgrade),
		cmocka_unit_test(test_proxy_tunnel_declined_upgrade_stays_http),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
