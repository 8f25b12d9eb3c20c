#include "proxy_testing.h"

#include <sys/resource.h>

/* Balancing. */

static void test_reverse_proxy_keeps_connections_on_both_sides(void **state)
{
	struct server *s = server_start(0, 1, serve_app, NULL);
	_cleanup_response_ struct response r;
	struct fixture f;

	(void)state;
	response_init(&r);
	fixture_open(&f, NULL);
	proxy_backend_add(f.proxy, s->port);
	_cleanup_close_ int fd = client_connect(f.port);

	for (int i = 0; i < 5; i++) {
		assert_true(client_ask(fd, GET("/"), &r));
		assert_int_equal(r.status, 200);
		assert_string_equal(buf_str(&r.body), "1");
		assert_true(r.keep_alive);
	}
	assert_int_equal(atomic_load(&s->conns_seen), 1);
	assert_int_equal(stats_of(&f).requests, 5);
	assert_int_equal(stats_of(&f).active, 0);
	assert_int_equal(stats_of(&f).errors, 0);
	assert_true(clock_mono_ns() - stats_of(&f).last_activity_ns < TEST_PATIENCE_S * NS_PER_S);
	fixture_done(&f);
	server_stop(s);
}

static void test_reverse_proxy_spreads_requests(void **state)
{
	struct server *s[3];
	_cleanup_response_ struct response r;
	struct fixture f;

	(void)state;
	response_init(&r);
	fixture_open(&f, NULL);
	for (int i = 0; i < 3; i++) {
		s[i] = server_start(0, i, serve_app, NULL);
		proxy_backend_add(f.proxy, s[i]->port);
	}
	_cleanup_close_ int fd = client_connect(f.port);

	/* Nothing under way anywhere: in turn. */
	for (int i = 0; i < 30; i++)
		assert_true(client_ask(fd, GET("/"), &r));
	for (int i = 0; i < 3; i++)
		assert_int_equal(atomic_load(&s[i]->requests_seen), 10);
	fixture_done(&f);
	for (int i = 0; i < 3; i++)
		server_stop(s[i]);
}

static void test_reverse_proxy_prefers_the_least_busy(void **state)
{
	struct server *a = server_start(0, 1, serve_app, NULL), *b = server_start(0, 2, serve_app, NULL);
	_cleanup_response_ struct response r, slow;
	struct fixture f;

	(void)state;
	response_init(&r);
	response_init(&slow);
	fixture_open(&f, NULL);
	proxy_backend_add(f.proxy, a->port);
	_cleanup_close_ int busy = client_connect(f.port), fd = client_connect(f.port);

	assert_true(send_text(busy, GET("/slow")));
	assert_soon(proxy_backend_active(f.proxy, a->port) == 1);
	proxy_backend_add(f.proxy, b->port);
	for (int i = 0; i < 5; i++) {
		assert_true(client_ask(fd, GET("/"), &r));
		assert_string_equal(buf_str(&r.body), "2");
	}
	assert_int_equal(stats_of(&f).active, 1);
	atomic_store(&a->flag, 1);
	assert_true(client_read(busy, false, &slow));
	assert_string_equal(buf_str(&slow.body), "1");
	fixture_done(&f);
	server_stop(a);
	server_stop(b);
}

/* Retrying. */

static void test_reverse_proxy_tries_another_when_refused(void **state)
{
	struct server *s = server_start(0, 1, serve_app, NULL);
	_cleanup_response_ struct response r;
	struct fixture f;

	(void)state;
	response_init(&r);
	fixture_open(&f, NULL);
	proxy_backend_add(f.proxy, closed_port());
	proxy_backend_add(f.proxy, s->port);
	for (int i = 0; i < 10; i++) {
		assert_true(client_ask_once(
			f.port, i % 2 ? GET("/") : "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\nab", &r));
		assert_int_equal(r.status, 200);
	}
	assert_int_equal(atomic_load(&s->requests_seen), 10);
	fixture_done(&f);
	server_stop(s);
}

/* Answers one request, and closes without having said so. */
static void serve_once(struct server_conn *c)
{
	if (server_read_request(c))
		server_answer(c, "once");
}

static void test_reverse_proxy_survives_kept_connections_that_close(void **state)
{
	struct server *s = server_start(0, 1, serve_once, NULL);
	_cleanup_response_ struct response r;
	struct fixture f;

	(void)state;
	response_init(&r);
	fixture_open(&f, NULL);
	proxy_backend_add(f.proxy, s->port);
	_cleanup_close_ int fd = client_connect(f.port);

	for (int i = 0; i < 100; i++) {
		assert_true(client_ask(fd, i % 3 ? GET("/") : "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\nab", &r));
		assert_int_equal(r.status, 200);
	}
	/* And none was acted on twice. */
	assert_int_equal(atomic_load(&s->requests_seen), 100);
	fixture_done(&f);
	server_stop(s);
}

static void test_reverse_proxy_gives_what_cannot_be_repeated_a_new_connection(void **state)
{
	static const struct {
		const char *request;
		int conns;
	} steps[] = {
		{ GET("/"), 1 },
		{ "PUT / HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\nab", 1 },
		{ "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\nab", 2 },
		{ "PATCH / HTTP/1.1\r\nHost: a\r\n\r\n", 3 },
		{ GET("/"), 3 },
	};
	struct server *s = server_start(0, 1, serve_app, NULL);
	_cleanup_response_ struct response r;
	struct fixture f;

	(void)state;
	response_init(&r);
	fixture_open(&f, NULL);
	proxy_backend_add(f.proxy, s->port);
	_cleanup_close_ int fd = client_connect(f.port);

	for (size_t i = 0; i < ARRAY_SIZE(steps); i++) {
		assert_true(client_ask(fd, steps[i].request, &r));
		assert_int_equal(r.status, 200);
		assert_int_equal(atomic_load(&s->conns_seen), steps[i].conns);
	}
	fixture_done(&f);
	server_stop(s);
}

/* Reads a request, and closes without an answer. */
static void serve_nothing(struct server_conn *c)
{
	server_read_request(c);
}

static void test_reverse_proxy_repeats_only_what_may_be_repeated(void **state)
{
	static const struct {
		const char *why, *request;
		size_t body;
		bool repeated;
	} cases[] = {
		{ "GET", "GET / HTTP/1.1\r\nHost: a\r\n\r\n", 0, true },
		{ "PUT with a body that is kept", "PUT / HTTP/1.1\r\nHost: a\r\nContent-Length: 65536\r\n\r\n", 65536, true },
		{ "PUT with one that is not", "PUT / HTTP/1.1\r\nHost: a\r\nContent-Length: 300000\r\n\r\n", 300000, false },
		{ "POST", "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\n\r\n", 1, false },
		{ "unknown method", "FROB / HTTP/1.1\r\nHost: a\r\n\r\n", 0, false },
	};
	static char body[300000];

	(void)state;
	memset(body, 'x', sizeof(body));
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct server *bad = server_start(0, 1, serve_nothing, NULL), *good = server_start(0, 2, serve_app, NULL);
		_cleanup_response_ struct response r;
		struct fixture f;

		response_init(&r);
		fixture_open(&f, NULL);
		proxy_backend_add(f.proxy, bad->port);
		_cleanup_close_ int fd = client_connect(f.port), other = client_connect(f.port);

		/* The good one is busy, so the bad one comes first. */
		proxy_backend_add(f.proxy, good->port);
		proxy_backend_drain(f.proxy, bad->port);
		assert_true(send_text(other, GET("/slow")));
		assert_soon(atomic_load(&good->requests_seen) == 1);
		proxy_backend_add(f.proxy, bad->port);
		assert_true(send_text(fd, cases[i].request) && send_bytes(fd, body, cases[i].body));
		assert_true(client_read(fd, false, &r));
		if (r.status != (cases[i].repeated ? 200 : 502) || atomic_load(&bad->requests_seen) != 1)
			fail_msg("%s: status %d, %d requests", cases[i].why, r.status, atomic_load(&bad->requests_seen));
		assert_int_equal(atomic_load(&good->requests_seen), cases[i].repeated ? 2 : 1);
		assert_int_equal(stats_of(&f).errors, cases[i].repeated ? 0 : 1);
		fixture_done(&f);
		server_stop(bad);
		server_stop(good);
	}
}

static void test_reverse_proxy_gives_up_repeating(void **state)
{
	struct server *s = server_start(0, 1, serve_nothing, NULL);
	_cleanup_response_ struct response r;
	struct fixture f;

	(void)state;
	response_init(&r);
	fixture_open(&f, NULL);
	proxy_backend_add(f.proxy, s->port);
	assert_true(client_ask_once(f.port, GET("/"), &r));
	assert_int_equal(r.status, 502);
	assert_int_equal(atomic_load(&s->requests_seen), 2);
	fixture_done(&f);
	server_stop(s);
}

/* Replacing backends. */

#define LOAD_CLIENTS 8

struct load {
	int port;
	atomic_bool stop;
	atomic_int answered, failed;
};

/* Keeps its connection as long as it is let. */
static void *load_main(void *arg)
{
	static const char *const requests[] = {
		GET("/"), "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhello", GET("/echo"),
		"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n"
	};
	_cleanup_response_ struct response r;
	struct load *load = arg;
	_cleanup_close_ int fd = try_connect(load->port);

	response_init(&r);
	for (int i = 0; !atomic_load(&load->stop); i++) {
		if (client_ask(fd, requests[i % 4], &r) && r.status == 200 && r.whole && r.keep_alive)
			atomic_fetch_add(&load->answered, 1);
		else
			return atomic_fetch_add(&load->failed, 1), NULL;
	}
	return NULL;
}

static void test_reverse_proxy_drops_nothing_while_backends_are_replaced(void **state)
{
	struct server *current[2] = { server_start(0, 0, serve_app, NULL), server_start(0, 1, serve_app, NULL) };
	struct load load = { 0 };
	pthread_t clients[LOAD_CLIENTS];
	struct fixture f;

	(void)state;
	fixture_open(&f, NULL);
	load.port = f.port;
	proxy_backend_add(f.proxy, current[0]->port);
	proxy_backend_add(f.proxy, current[1]->port);
	for (int i = 0; i < LOAD_CLIENTS; i++)
		pthread_create(&clients[i], NULL, load_main, &load);
	for (int i = 0; i < 20; i++) {
		struct server *next = server_start(0, i + 2, serve_app, NULL), *last = current[i % 2];
		int seen = atomic_load(&load.answered);

		proxy_backend_add(f.proxy, next->port);
		assert_soon(atomic_load(&load.answered) > seen + 50 || atomic_load(&load.failed));
		proxy_backend_drain(f.proxy, last->port);
		assert_soon(proxy_backend_active(f.proxy, last->port) == 0);
		proxy_backend_remove(f.proxy, last->port);
		server_stop(last);
		current[i % 2] = next;
	}
	atomic_store(&load.stop, true);
	for (int i = 0; i < LOAD_CLIENTS; i++)
		pthread_join(clients[i], NULL);
	assert_int_equal(atomic_load(&load.failed), 0);
	assert_true(atomic_load(&load.answered) >= 20 * 50);
	fixture_done(&f);
	server_stop(current[0]);
	server_stop(current[1]);
}

static void test_reverse_proxy_drains(void **state)
{
	struct server *a = server_start(0, 1, serve_app, NULL), *b = server_start(0, 2, serve_app, NULL);
	_cleanup_response_ struct response r, slow;
	struct fixture f;

	(void)state;
	response_init(&r);
	response_init(&slow);
	fixture_open(&f, NULL);
	proxy_backend_add(f.proxy, a->port);
	_cleanup_close_ int busy = client_connect(f.port), fd = client_connect(f.port);

	assert_true(client_ask(fd, GET("/"), &r));
	assert_true(send_text(busy, GET("/slow")));
	assert_soon(proxy_backend_active(f.proxy, a->port) == 1);
	proxy_backend_drain(f.proxy, a->port);
	proxy_backend_add(f.proxy, b->port);
	for (int i = 0; i < 3; i++) {
		assert_true(client_ask(fd, GET("/"), &r));
		assert_string_equal(buf_str(&r.body), "2");
	}
	assert_int_equal(proxy_backend_active(f.proxy, a->port), 1);
	atomic_store(&a->flag, 1);
	assert_true(client_read(busy, false, &slow));
	assert_string_equal(buf_str(&slow.body), "1");
	assert_soon(proxy_backend_active(f.proxy, a->port) == 0);
	/* And in again. */
	proxy_backend_drain(f.proxy, b->port);
	proxy_backend_add(f.proxy, a->port);
	assert_true(client_ask(fd, GET("/"), &r));
	assert_string_equal(buf_str(&r.body), "1");
	fixture_done(&f);
	server_stop(a);
	server_stop(b);
}

static void serve_until_end(struct server_conn *c)
{
	while (server_read_request(c))
		server_answer(c, "kept");
	atomic_store(&c->server->flag, 1);
}

static void test_reverse_proxy_draining_closes_kept_connections(void **state)
{
	struct server *s = server_start(0, 1, serve_until_end, NULL);
	_cleanup_response_ struct response r;
	struct fixture f;

	(void)state;
	response_init(&r);
	fixture_open(&f, NULL);
	proxy_backend_add(f.proxy, s->port);
	assert_true(client_ask_once(f.port, GET("/"), &r));
	assert_int_equal(atomic_load(&s->flag), 0);
	proxy_backend_drain(f.proxy, s->port);
	assert_soon(atomic_load(&s->flag) == 1);
	fixture_done(&f);
	server_stop(s);
}

static void serve_stuck(struct server_conn *c)
{
	char byte;

	if (server_read_request(c)) {
		/* Until the proxy gives up. */
		while (recv(c->fd, &byte, 1, 0) > 0)
			;
		atomic_store(&c->server->flag, 1);
	}
}

static void test_reverse_proxy_remove_cuts(void **state)
{
	struct server *stuck = server_start(0, 1, serve_stuck, NULL), *good = server_start(0, 2, serve_app, NULL);
	_cleanup_response_ struct response r, r2;
	struct fixture f;

	(void)state;
	response_init(&r);
	response_init(&r2);
	fixture_open(&f, NULL);
	proxy_backend_add(f.proxy, stuck->port);
	_cleanup_close_ int get = client_connect(f.port), post = client_connect(f.port);

	assert_true(send_text(get, GET("/")));
	assert_true(send_text(post, "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\n\r\nx"));
	assert_soon(atomic_load(&stuck->requests_seen) == 2);
	proxy_backend_add(f.proxy, good->port);
	proxy_backend_remove(f.proxy, stuck->port);
	assert_int_equal(proxy_backend_active(f.proxy, stuck->port), 0);
	/* What may be repeated goes to the other. */
	assert_true(client_read(get, false, &r));
	assert_int_equal(r.status, 200);
	assert_string_equal(buf_str(&r.body), "2");
	assert_true(client_read(post, false, &r2));
	assert_int_equal(r2.status, 502);
	assert_soon(atomic_load(&stuck->flag) == 1);
	fixture_done(&f);
	server_stop(stuck);
	server_stop(good);
}

/* Waiting for a backend. */

struct waker {
	struct proxy *proxy;
	struct server *server;
	atomic_int calls;
	int enough; /* the call that starts it */
};

static void wake_up(void *self)
{
	struct waker *w = self;

	if (atomic_fetch_add(&w->calls, 1) + 1 == w->enough)
		proxy_backend_add(w->proxy, w->server->port);
}

static void test_reverse_proxy_wakes_on_demand(void **state)
{
	struct waker w = { .server = server_start(0, 7, serve_app, NULL), .enough = 1 };
	_cleanup_response_ struct response r;
	struct fixture f;

	(void)state;
	response_init(&r);
	fixture_open(&f, &(struct proxy_config){ .on_demand = wake_up, .self = &w });
	w.proxy = f.proxy;
	assert_true(client_ask_once(f.port, GET("/"), &r));
	assert_string_equal(buf_str(&r.body), "7");
	assert_int_equal(atomic_load(&w.calls), 1);
	/* While one is in, nobody is asked. */
	assert_true(client_ask_once(f.port, GET("/"), &r));
	assert_int_equal(atomic_load(&w.calls), 1);
	fixture_done(&f);
	server_stop(w.server);
}

static void test_reverse_proxy_asks_again_but_not_often(void **state)
{
	struct waker w = { .server = server_start(0, 7, serve_app, NULL), .enough = 3 };
	_cleanup_response_ struct response r;
	int fds[5];
	struct fixture f;
	int64_t start = clock_mono_ns();

	(void)state;
	response_init(&r);
	fixture_open(&f, &(struct proxy_config){ .on_demand = wake_up, .self = &w });
	w.proxy = f.proxy;
	for (int i = 0; i < 5; i++) {
		fds[i] = client_connect(f.port);
		assert_true(send_text(fds[i], GET("/")));
	}
	assert_soon(stats_of(&f).active == 5);
	for (int i = 0; i < 5; i++) {
		assert_true(client_read(fds[i], false, &r));
		assert_int_equal(r.status, 200);
		close(fds[i]);
	}
	assert_int_equal(atomic_load(&w.calls), 3);
	assert_true(clock_mono_ns() - start >= 200 * NS_PER_MS);
	fixture_done(&f);
	server_stop(w.server);
}

static void test_reverse_proxy_holds_then_answers_503(void **state)
{
	_cleanup_response_ struct response r;
	struct fixture f;
	int64_t start = clock_mono_ns();

	(void)state;
	response_init(&r);
	fixture_open(&f, &(struct proxy_config){ .hold_ns = 60 * NS_PER_MS });
	assert_true(client_ask_once(f.port, GET("/"), &r));
	assert_true(clock_mono_ns() - start >= 60 * NS_PER_MS);
	assert_int_equal(r.status, 503);
	assert_string_equal(buf_str(&r.body), "The application is not running, and did not start in time.\n");
	assert_non_null(strstr(buf_str(&r.head), "Retry-After: "));
	assert_false(r.keep_alive);
	assert_true(client_ask_once(f.port, "HEAD / HTTP/1.1\r\nHost: a\r\n\r\n", &r));
	assert_int_equal(r.status, 503);
	assert_int_equal(r.in.len, 0);
	proxy_backend_add(f.proxy, closed_port());
	assert_true(client_ask_once(f.port, GET("/"), &r));
	assert_string_equal(buf_str(&r.body), "The application is running, but no connection to it can be made.\n");
	assert_int_equal(stats_of(&f).errors, 3);
	assert_int_equal(stats_of(&f).active, 0);
	fixture_done(&f);
}

static void test_reverse_proxy_waits_for_a_backend_that_restarts(void **state)
{
	_cleanup_response_ struct response r;
	int port = closed_port();
	struct fixture f;

	(void)state;
	response_init(&r);
	fixture_open(&f, NULL);
	proxy_backend_add(f.proxy, port);
	_cleanup_close_ int fd = client_connect(f.port);

	assert_true(send_text(fd, "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\nab"));
	assert_soon(stats_of(&f).active == 1);
	clock_sleep_ns(30 * NS_PER_MS);
	struct server *s = server_start(port, 3, serve_app, NULL);

	assert_true(client_read(fd, false, &r));
	assert_int_equal(r.status, 200);
	fixture_done(&f);
	server_stop(s);
}

static void test_reverse_proxy_forgets_waiting_clients_that_leave(void **state)
{
	const struct linger now = { .l_onoff = 1 };
	struct fixture f;

	(void)state;
	fixture_open(&f, NULL);
	int fd = client_connect(f.port);

	assert_true(send_text(fd, GET("/")));
	assert_soon(stats_of(&f).active == 1);
	setsockopt(fd, SOL_SOCKET, SO_LINGER, &now, sizeof(now));
	close(fd);
	assert_soon(stats_of(&f).active == 0);
	fixture_done(&f);
}

/* Opening and closing. */

static void test_reverse_proxy_port_taken(void **state)
{
	_cleanup_err_ struct err err = { 0 };
	struct fixture f;
	struct proxy *p;

	(void)state;
	fixture_open(&f, NULL);
	assert_int_equal(proxy_open(f.set, &(struct proxy_config){ .port = f.port }, &p, &err), -1);
	assert_int_equal(err.kind, ERR_ALREADY_EXISTS);
	/* Closed is free at once. */
	proxy_close(f.proxy, 0);
	err_clear(&err);
	assert_int_equal(proxy_open(f.set, &(struct proxy_config){ .port = f.port }, &p, &err), 0);
	assert_int_equal(proxy_port(p), f.port);
	fixture_done(&f);
}

static void test_reverse_proxy_close_lets_requests_finish(void **state)
{
	struct server *s = server_start(0, 1, serve_app, NULL);
	_cleanup_response_ struct response r, idle_response;
	struct fixture f;

	(void)state;
	response_init(&r);
	response_init(&idle_response);
	fixture_open(&f, NULL);
	proxy_backend_add(f.proxy, s->port);
	_cleanup_close_ int busy = client_connect(f.port), idle = client_connect(f.port);

	assert_true(client_ask(idle, GET("/"), &idle_response));
	assert_true(send_text(busy, GET("/slow")));
	assert_soon(proxy_backend_active(f.proxy, s->port) == 1);
	proxy_close(f.proxy, 10 * NS_PER_S);
	assert_int_equal(try_connect(f.port), -1);
	assert_true(at_end(idle));
	atomic_store(&s->flag, 1);
	assert_true(client_read(busy, false, &r));
	assert_int_equal(r.status, 200);
	assert_false(r.keep_alive);
	assert_true(at_end(busy));
	fixture_done(&f);
	server_stop(s);
}

static void test_reverse_proxy_close_cuts_after_grace(void **state)
{
	struct server *s = server_start(0, 1, serve_stuck, NULL);
	_cleanup_response_ struct response r;
	struct fixture f;

	(void)state;
	response_init(&r);
	fixture_open(&f, NULL);
	proxy_backend_add(f.proxy, s->port);
	_cleanup_close_ int fd = client_connect(f.port);

	assert_true(send_text(fd, GET("/")));
	assert_soon(atomic_load(&s->requests_seen) == 1);
	proxy_close(f.proxy, 30 * NS_PER_MS);
	assert_false(client_read(fd, false, &r));
	assert_soon(atomic_load(&s->flag) == 1);
	fixture_done(&f);
	server_stop(s);
}

static void test_reverse_proxy_set_free_cuts_everything(void **state)
{
	struct server *s = server_start(0, 1, serve_stuck, NULL);
	_cleanup_response_ struct response r;
	struct fixture f;

	(void)state;
	response_init(&r);
	fixture_open(&f, NULL);
	_cleanup_close_ int waiting = client_connect(f.port), busy = client_connect(f.port), idle = client_connect(f.port);

	assert_true(send_text(waiting, GET("/")));
	assert_soon(stats_of(&f).active == 1);
	proxy_backend_add(f.proxy, s->port);
	assert_true(send_text(busy, GET("/")));
	assert_soon(atomic_load(&s->requests_seen) == 2);
	fixture_done(&f);
	assert_false(client_read(busy, false, &r));
	assert_false(client_read(waiting, false, &r));
	assert_false(client_read(idle, false, &r));
	server_stop(s);
}

static void close_proxy(void *self)
{
	struct waker *w = self;

	atomic_fetch_add(&w->calls, 1);
	proxy_close(w->proxy, 0);
}

static void test_reverse_proxy_can_be_closed_by_its_own_callback(void **state)
{
	_cleanup_response_ struct response r;
	struct waker w = { 0 };
	struct fixture f;

	(void)state;
	response_init(&r);
	fixture_open(&f, &(struct proxy_config){ .on_demand = close_proxy, .self = &w });
	w.proxy = f.proxy;
	assert_false(client_ask_once(f.port, GET("/"), &r));
	assert_int_equal(atomic_load(&w.calls), 1);
	fixture_done(&f);
}

static void test_reverse_proxy_serves_many_proxies(void **state)
{
	struct server *s = server_start(0, 1, serve_app, NULL);
	_cleanup_response_ struct response r;
	struct proxy *proxies[20];
	struct fixture f;

	(void)state;
	response_init(&r);
	fixture_open(&f, NULL);
	for (size_t i = 0; i < ARRAY_SIZE(proxies); i++) {
		assert_int_equal(proxy_open(f.set, &(struct proxy_config){ 0 }, &proxies[i], NULL), 0);
		proxy_backend_add(proxies[i], s->port);
	}
	for (size_t i = 0; i < ARRAY_SIZE(proxies); i++) {
		int port = proxy_port(proxies[i]);

		assert_true(client_ask_once(port, GET("/"), &r));
		assert_int_equal(r.status, 200);
		proxy_close(proxies[i], 0);
		assert_int_equal(try_connect(port), -1);
	}
	fixture_done(&f);
	server_stop(s);
}

/* More clients than there are file descriptors: they wait, and nothing spins or breaks. */
static void test_reverse_proxy_survives_a_lack_of_descriptors(void **state)
{
	struct server *s = server_start(0, 1, serve_app, NULL);
	_cleanup_response_ struct response r;
	struct rlimit limit, low;
	struct fixture f;

	(void)state;
	response_init(&r);
	fixture_open(&f, NULL);
	proxy_backend_add(f.proxy, s->port);
	_cleanup_close_ int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	struct sockaddr_in to = loopback(f.port);

	set_patience(fd);
	assert_int_equal(getrlimit(RLIMIT_NOFILE, &limit), 0);
	low = limit;
	low.rlim_cur = (rlim_t)fd + 1;
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &low), 0);
	int connected = connect(fd, (struct sockaddr *)&to, sizeof(to));
	bool sent = send_text(fd, GET("/"));

	clock_sleep_ns(20 * NS_PER_MS);
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &limit), 0);
	assert_true(connected == 0 && sent);
	assert_int_equal(stats_of(&f).requests, 0);
	assert_true(client_read(fd, false, &r));
	assert_int_equal(r.status, 200);
	fixture_done(&f);
	server_stop(s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_reverse_proxy_keeps_connections_on_both_sides),
		cmocka_unit_test(test_reverse_proxy_spreads_requests),
		cmocka_unit_test(test_reverse_proxy_prefers_the_least_busy),
		cmocka_unit_test(test_reverse_proxy_tries_another_when_refused),
		cmocka_unit_test(test_reverse_proxy_survives_kept_connections_that_close),
		cmocka_unit_test(test_reverse_proxy_gives_what_cannot_be_repeated_a_new_connection),
		cmocka_unit_test(test_reverse_proxy_repeats_only_what_may_be_repeated),
		cmocka_unit_test(test_reverse_proxy_gives_up_repeating),
		cmocka_unit_test(test_reverse_proxy_drops_nothing_while_backends_are_replaced),
		cmocka_unit_test(test_reverse_proxy_drains),
		cmocka_unit_test(test_reverse_proxy_draining_closes_kept_connections),
		cmocka_unit_test(test_reverse_proxy_remove_cuts),
		cmocka_unit_test(test_reverse_proxy_wakes_on_demand),
		cmocka_unit_test(test_reverse_proxy_asks_again_but_not_often),
		cmocka_unit_test(test_reverse_proxy_holds_then_answers_503),
		cmocka_unit_test(test_reverse_proxy_waits_for_a_backend_that_restarts),
		cmocka_unit_test(test_reverse_proxy_forgets_waiting_clients_that_leave),
		cmocka_unit_test(test_reverse_proxy_port_taken),
		cmocka_unit_test(test_reverse_proxy_close_lets_requests_finish),
		cmocka_unit_test(test_reverse_proxy_close_cuts_after_grace),
		cmocka_unit_test(test_reverse_proxy_set_free_cuts_everything),
		cmocka_unit_test(test_reverse_proxy_can_be_closed_by_its_own_callback),
		cmocka_unit_test(test_reverse_proxy_serves_many_proxies),
		cmocka_unit_test(test_reverse_proxy_survives_a_lack_of_descriptors),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
