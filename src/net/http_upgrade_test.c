/* Upgraded connections of the HTTP server, with and without TLS. */

#include "base/thread.h"
#include "http_testing.h"
#include "net/http_server.h"

#include <errno.h>

struct session {
	struct http_upgrade *up;
	int fd;
	pthread_t thread;
	bool stays; /* does not close when the stream ends, until told */
	atomic_bool may_close, ended, closed;
	char early[64];
};

struct fixture {
	struct http_server *server;
	int port;
	struct session session;
	atomic_bool upgraded;
	atomic_int destroyed;
};

static bool wait_for(int fd, short events)
{
	struct pollfd p = { .fd = fd, .events = events };

	return poll(&p, 1, PATIENCE_MS) == 1;
}

/* Sends everything back in capitals until the other side ends. */
static void *session_main(void *arg)
{
	struct session *s = arg;
	char data[1024];

	for (;;) {
		ssize_t n = recv(s->fd, data, sizeof(data), 0);

		if (n < 0 && (errno == EAGAIN || errno == EINTR) && wait_for(s->fd, POLLIN))
			continue;
		if (n <= 0)
			break;
		for (ssize_t i = 0; i < n; i++)
			data[i] = (char)toupper((unsigned char)data[i]);
		raw_send(s->fd, data, (size_t)n);
	}
	atomic_store(&s->ended, true);
	while (s->stays && !atomic_load(&s->may_close))
		clock_sleep_ns(NS_PER_MS);
	http_upgrade_close(s->up);
	atomic_store(&s->closed, true);
	return NULL;
}

static void upgraded(void *self, struct http_upgrade *up, int fd, const void *data, size_t len)
{
	struct fixture *f = self;

	f->session.up = up;
	f->session.fd = fd;
	snprintf(f->session.early, sizeof(f->session.early), "%.*s", (int)len, (const char *)data);
	assert_int_equal(thread_start(&f->session.thread, "session", session_main, &f->session, NULL), 0);
	atomic_store(&f->upgraded, true);
}

static void count_destroyed(void *counter)
{
	atomic_fetch_add((atomic_int *)counter, 1);
}

static void *defer_main(void *arg)
{
	struct http_request *req = arg;
	struct http_headers headers = { 0 };

	http_headers_add(&headers, "Upgrade", "capitals");
	http_respond_upgrade(req, &headers, upgraded, http_request_state(req));
	http_headers_clear(&headers);
	return NULL;
}

static void destroy_nothing(void *p)
{
	(void)p;
}

static void handler(void *self, struct http_request *req)
{
	struct fixture *f = self;
	pthread_t thread;

	if (str_eq(http_request_path(req), "/later")) {
		http_request_attach(req, f, destroy_nothing);
		http_request_defer(req);
		assert_int_equal(thread_start(&thread, "later", defer_main, req, NULL), 0);
		pthread_detach(thread);
		return;
	}
	http_request_attach(req, &f->destroyed, count_destroyed);

	struct http_headers headers = { 0 };

	if (!str_eq(http_request_path(req), "/unnamed"))
		http_headers_add(&headers, "Upgrade", "capitals");
	http_respond_upgrade(req, &headers, upgraded, f);
	http_headers_clear(&headers);
}

static struct fixture *fixture_new(const struct tls_server_config *tls)
{
	struct fixture *f = new0(struct fixture);
	struct err e = { 0 };

	if (http_server_start(&(struct http_server_config){ .tls = tls, .handler = handler, .self = f }, &f->server, &e) <
	    0)
		fail_msg("%s", e.message);
	f->port = http_server_port(f->server);
	return f;
}

static void fixture_free(struct fixture *f)
{
	http_server_stop(f->server, NS_PER_S);
	if (atomic_load(&f->upgraded))
		pthread_join(f->session.thread, NULL);
	free(f);
}

#define UPGRADE "HTTP/1.1\r\nHost: h\r\nConnection: Upgrade\r\nUpgrade: capitals\r\n\r\n"

static void test_http_upgrade_hands_over_the_connection(void **state)
{
	static const char *const paths[] = { "/now", "/later" };

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(paths); i++) {
		struct fixture *f = fixture_new(NULL);
		struct buf in = BUF_INIT(1 << 16);
		char *request = xasprintf("GET %s " UPGRADE, paths[i]);
		int fd = raw_connect(f->port);

		raw_puts(fd, request);
		assert_true(raw_expect(fd, &in, "\r\n\r\n"));
		assert_true(str_starts_with(buf_str(&in), "HTTP/1.1 101"));
		assert_non_null(strstr(buf_str(&in), "Upgrade: capitals"));
		raw_puts(fd, "hello");
		assert_true(raw_expect(fd, &in, "HELLO"));
		raw_puts(fd, "more");
		assert_true(raw_expect(fd, &in, "MORE"));
		if (i == 0)
			WAIT_UNTIL(atomic_load(&f->destroyed) == 1); /* the request is over, the connection is not */
		close(fd);
		WAIT_UNTIL(atomic_load(&f->session.closed));
		fixture_free(f);
		free(request);
		buf_clear(&in);
	}
}

static void test_http_upgrade_hands_over_what_came_early(void **state)
{
	struct fixture *f = fixture_new(NULL);
	struct buf in = BUF_INIT(1 << 16);
	int fd = raw_connect(f->port);

	(void)state;
	raw_puts(fd, "GET /now " UPGRADE "impatient");
	assert_true(raw_expect(fd, &in, "\r\n\r\n"));
	WAIT_UNTIL(atomic_load(&f->upgraded));
	assert_string_equal(f->session.early, "impatient");
	close(fd);
	fixture_free(f);
	buf_clear(&in);
}

static void test_http_upgrade_refuses_what_cannot_be_upgraded(void **state)
{
	struct fixture *f = fixture_new(NULL);
	char *answer = raw_exchange(f->port, "GET /now HTTP/1.0\r\nConnection: Upgrade\r\nUpgrade: capitals\r\n\r\n");

	(void)state;
	assert_non_null(strstr(answer, " 400 "));
	free(answer);
	answer = raw_exchange(f->port, "GET /unnamed HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n");
	assert_non_null(strstr(answer, " 400 "));
	free(answer);
	WAIT_UNTIL(atomic_load(&f->destroyed) == 2);
	assert_false(atomic_load(&f->upgraded));
	fixture_free(f);
}

static void test_http_upgrade_is_cut_when_the_server_stops(void **state)
{
	struct fixture *f = fixture_new(NULL);
	struct buf in = BUF_INIT(1 << 16);
	int fd = raw_connect(f->port);

	(void)state;
	f->session.stays = true;
	raw_puts(fd, "GET /now " UPGRADE);
	assert_true(raw_expect(fd, &in, "\r\n\r\n"));
	WAIT_UNTIL(atomic_load(&f->upgraded));
	f->server = http_server_stop(f->server, 5 * NS_PER_S);
	WAIT_UNTIL(atomic_load(&f->session.ended));
	assert_false(raw_more(fd, &in, PATIENCE_MS));
	/* the session closes in its own time, when its server is long gone */
	atomic_store(&f->session.may_close, true);
	fixture_free(f);
	close(fd);
	buf_clear(&in);
}

static void test_http_upgrade_works_under_tls(void **state)
{
	struct test_pki pki;
	struct tls_server_config tls;
	struct test_tls_client c;
	struct fixture *f;
	char *answer;

	(void)state;
	test_pki_new(&pki);
	tls = (struct tls_server_config){ .cert_pem = pki.server.cert_pem, .key_pem = pki.server.key_pem };
	for (int stop_first = 0; stop_first < 2; stop_first++) {
		f = fixture_new(&tls);
		test_tls_connect(&c, f->port, &pki, NULL, NULL);
		answer = test_tls_ask(&c, "GET /now " UPGRADE, "\r\n\r\n");
		assert_true(str_starts_with(answer, "HTTP/1.1 101"));
		free(answer);
		answer = test_tls_ask(&c, "hello", "HELLO");
		assert_string_equal(answer, "HELLO");
		free(answer);
		for (int i = 0; i < 100; i++) {
			char piece[16001];

			memset(piece, 'a', sizeof(piece));
			piece[15999] = '.';
			piece[16000] = '\0';
			answer = test_tls_ask(&c, piece, ".");
			assert_int_equal(strlen(answer), 16000);
			assert_int_equal(strspn(answer, "A"), 15999);
			free(answer);
		}
		if (stop_first)
			f->server = http_server_stop(f->server, NS_PER_S);
		test_tls_disconnect(&c);
		WAIT_UNTIL(atomic_load(&f->session.closed));
		fixture_free(f);
	}
	test_pki_clear(&pki);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_http_upgrade_hands_over_the_connection),
		cmocka_unit_test(test_http_upgrade_hands_over_what_came_early),
		cmocka_unit_test(test_http_upgrade_refuses_what_cannot_be_upgraded),
		cmocka_unit_test(test_http_upgrade_is_cut_when_the_server_stops),
		cmocka_unit_test(test_http_upgrade_works_under_tls),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
