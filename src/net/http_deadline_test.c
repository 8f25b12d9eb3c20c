/* Clients that are slow, stall or leave without a word. */

#include "http_testing.h"
#include "net/http_server.h"

#define BIG ((size_t)64 << 20) /* more than sockets hold */

/* Made once: on a busy machine so many new pages take seconds. */
static struct bytes *big;

static void handler(void *self, struct http_request *req)
{
	char *text = xasprintf("%s %s", http_request_method(req), http_request_path(req));

	(void)self;
	if (str_eq(http_request_path(req), "/big")) {
		http_respond_bytes(req, 200, NULL, big);
		free(text);
		return;
	}
	http_respond_text(req, 200, "text/plain", text);
	free(text);
}

static struct http_server *server_new(struct http_server_config config)
{
	struct http_server *s = NULL;
	struct err e = { 0 };

	config.handler = handler;
	if (http_server_start(&config, &s, &e) < 0)
		fail_msg("%s", e.message);
	return s;
}

/* Sends a byte now and then, so that the connection is never idle; true when it is cut. */
static bool is_cut_while_dripping(int port, const char *begin)
{
	struct buf in = BUF_INIT(1 << 20);
	int fd = raw_connect(port);
	bool cut = false;

	raw_puts(fd, begin);
	for (int64_t until = clock_mono_ns() + 4 * NS_PER_S; !cut && clock_mono_ns() < until;) {
		struct pollfd p = { .fd = fd, .events = POLLIN | POLLRDHUP };

		raw_puts(fd, "a");
		cut = poll(&p, 1, 50) == 1 && (p.revents & (POLLRDHUP | POLLHUP | POLLERR));
	}
	close(fd);
	buf_clear(&in);
	return cut;
}

static void test_http_server_cuts_slow_clients(void **state)
{
	struct http_server *s = server_new((struct http_server_config){ .idle_timeout_ns = 100 * NS_PER_MS });
	struct buf in = BUF_INIT(1 << 20);
	int fd = raw_connect(http_server_port(s));

	(void)state;
	assert_true(is_cut_while_dripping(http_server_port(s), "GET / HTTP/1.1\r\nX-Slow: "));
	assert_true(
		is_cut_while_dripping(http_server_port(s), "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 10000\r\n\r\n"));
	assert_true(is_cut_while_dripping(http_server_port(s),
	                                  "POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\nffff\r\n"));
	/* a chunk's size that never ends */
	assert_true(is_cut_while_dripping(http_server_port(s),
	                                  "POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n1;x="));
	/* and who says nothing at all */
	assert_false(raw_more(fd, &in, PATIENCE_MS));
	close(fd);
	http_server_stop(s, NS_PER_S);
}

static size_t read_slowly(int fd, int64_t pause_ns, size_t at_a_time, int64_t until_ns)
{
	char *data = xmalloc(at_a_time);
	size_t total = 0;
	ssize_t n = 1;

	while (n > 0 && clock_mono_ns() < until_ns) {
		clock_sleep_ns(pause_ns);
		n = recv(fd, data, at_a_time, 0);
		total += n > 0 ? (size_t)n : 0;
	}
	free(data);
	return total;
}

/* Who takes nothing of an answer is cut, who takes it slowly gets all of it. */
static void test_http_server_cuts_clients_that_do_not_read(void **state)
{
	struct http_server *s = server_new((struct http_server_config){ .idle_timeout_ns = 300 * NS_PER_MS });
	int idle = raw_connect(http_server_port(s)), slow = raw_connect(http_server_port(s));
	struct pollfd answer = { .fd = idle, .events = POLLIN };

	(void)state;
	raw_puts(idle, "GET /big HTTP/1.1\r\nHost: h\r\n\r\n");
	/* from now on it takes nothing */
	assert_int_equal(poll(&answer, 1, PATIENCE_MS), 1);
	int64_t begin = clock_mono_ns();
	raw_puts(slow, "GET /big HTTP/1.1\r\nHost: h\r\n\r\n");
	/* 64 MiB in steps of 1 MiB with pauses: more than three times the idle timeout */
	assert_true(read_slowly(slow, 15 * NS_PER_MS, 1 << 20, begin + 30 * NS_PER_S) > BIG);
	assert_true(clock_mono_ns() - begin > 600 * NS_PER_MS);
	/* a busy machine may have been late with the other */
	clock_sleep_ns(NS_PER_S);
	/* what the sockets held is all that comes */
	assert_true(read_slowly(idle, 0, 1 << 20, begin + 30 * NS_PER_S) < BIG);
	close(idle);
	close(slow);
	http_server_stop(s, NS_PER_S);
}

static void test_http_server_limits_connections_of_a_client(void **state)
{
	struct http_server *s = server_new((struct http_server_config){ .client_connections_max = 2 });
	struct buf in = BUF_INIT(1 << 20);
	int fds[3];

	(void)state;
	for (int i = 0; i < 2; i++) {
		fds[i] = raw_connect(http_server_port(s));
		raw_puts(fds[i], "GET /here HTTP/1.1\r\nHost: h\r\n\r\n");
		assert_true(raw_expect(fds[i], &in, "GET /here"));
		buf_reset(&in);
	}
	fds[2] = raw_connect(http_server_port(s));
	assert_false(raw_more(fds[2], &in, PATIENCE_MS));
	close(fds[2]);
	/* those that are there are served, and one that leaves makes room */
	raw_puts(fds[0], "GET /again HTTP/1.1\r\nHost: h\r\n\r\n");
	assert_true(raw_expect(fds[0], &in, "GET /again"));
	close(fds[1]);
	for (bool served = false; !served;) {
		buf_reset(&in);
		fds[2] = raw_connect(http_server_port(s));
		raw_puts(fds[2], "GET /next HTTP/1.1\r\nHost: h\r\n\r\n");
		served = raw_expect(fds[2], &in, "GET /next");
		close(fds[2]);
	}
	close(fds[0]);
	buf_clear(&in);
	http_server_stop(s, NS_PER_S);
}

static void test_http_server_lets_go_of_clients_that_leave_early(void **state)
{
	struct http_server *s = server_new((struct http_server_config){ .connections_max = 1, .threads = 1 });
	int64_t begin = clock_mono_ns();
	int fd = raw_connect(http_server_port(s));
	char *answer;

	(void)state;
	raw_puts(fd, "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 10\r\n\r\nabc");
	close(fd);
	/* there is room for one only */
	answer = raw_exchange(http_server_port(s), "GET /next HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n");
	assert_true(str_ends_with(answer, "GET /next"));
	free(answer);
	assert_true(clock_mono_ns() - begin < 20 * NS_PER_S); /* it could stay idle for 90 s */
	http_server_stop(s, NS_PER_S);
}

static void test_http_server_cuts_stalled_handshakes(void **state)
{
	struct test_pki pki;
	struct tls_server_config tls;
	struct test_tls_client quiet;
	struct buf in = BUF_INIT(1 << 16);
	struct http_server *s;
	int fd;
	char *answer;

	(void)state;
	test_pki_new(&pki);
	tls = (struct tls_server_config){ .cert_pem = pki.server.cert_pem, .key_pem = pki.server.key_pem };
	s = server_new((struct http_server_config){ .tls = &tls, .idle_timeout_ns = 9 * NS_PER_S });
	test_tls_connect(&quiet, http_server_port(s), &pki, NULL, NULL);
	fd = raw_connect(http_server_port(s));
	raw_send(fd, "\x16\x03", 2);

	int64_t begin = clock_mono_ns();

	assert_false(raw_more(fd, &in, 9000));
	assert_true(clock_mono_ns() - begin < 8 * NS_PER_S);
	/* one that only has nothing to ask yet is left alone */
	answer = test_tls_ask(&quiet, "GET /later HTTP/1.1\r\nHost: h\r\n\r\n", "GET /later");
	assert_non_null(strstr(answer, "GET /later"));
	free(answer);
	test_tls_disconnect(&quiet);
	close(fd);
	http_server_stop(s, NS_PER_S);
	test_pki_clear(&pki);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_http_server_cuts_slow_clients),
		cmocka_unit_test(test_http_server_cuts_clients_that_do_not_read),
		cmocka_unit_test(test_http_server_limits_connections_of_a_client),
		cmocka_unit_test(test_http_server_lets_go_of_clients_that_leave_early),
		cmocka_unit_test(test_http_server_cuts_stalled_handshakes),
	};

	big = bytes_new(NULL, BIG);
	memset(big->data, 'x', BIG);
	int failed = cmocka_run_group_tests(tests, NULL, NULL);
	bytes_unref(big);
	return failed;
}
