#include "proxy_testing.h"

/* What happens to one request and its response on the way through. */

struct script {
	struct server *server;
	struct fixture f;
	const char *answer; /* sent to each request; the connection closes after it when close is set */
	bool close;
	struct buf seen; /* the last request's head and body */
	pthread_mutex_t lock;
};

static void serve_scripted(struct server_conn *c)
{
	struct script *s = c->server->self;

	while (server_read_request(c)) {
		pthread_mutex_lock(&s->lock);
		buf_reset(&s->seen);
		buf_append(&s->seen, c->head_text.data, c->head_text.len);
		buf_append(&s->seen, buf_str(&c->body), c->body.len);
		const char *answer = s->answer;
		bool close_after = s->close;

		pthread_mutex_unlock(&s->lock);
		if (!send_text(c->fd, answer) || close_after)
			return;
	}
}

/* A proxy before one backend. */
static void script_open(struct script *s, server_handler handler, const char *answer)
{
	*s = (struct script){ .answer = answer, .seen = BUF_INIT(1 << 20) };
	pthread_mutex_init(&s->lock, NULL);
	s->server = server_start(0, 1, handler, s);
	fixture_open(&s->f, NULL);
	proxy_backend_add(s->f.proxy, s->server->port);
}

static void script_set(struct script *s, const char *answer, bool close_after)
{
	MUTEX_GUARD(&s->lock);
	s->answer = answer;
	s->close = close_after;
}

static void script_done(struct script *s)
{
	fixture_done(&s->f);
	server_stop(s->server);
	buf_clear(&s->seen);
	pthread_mutex_destroy(&s->lock);
}

static const struct response_case {
	const char *why, *request, *answer;
	bool close; /* the backend, after its answer */
	int status;
	enum http1_framing framing;
	bool keep_alive, whole;
	const char *body;
} response_cases[] = {
	{ "length", GET("/"), "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nab", false, 200, HTTP1_LENGTH, true, true,
	  "ab" },
	{ "chunked", GET("/"), "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1;x\r\na\r\n1\r\nb\r\n0\r\n\r\n",
	  false, 200, HTTP1_CHUNKED, true, true, "ab" },
	{ "trailers", GET("/"), "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\n0\r\nSum: 1\r\n\r\n", false,
	  200, HTTP1_CHUNKED, true, true, "a[Sum=1]" },
	{ "until close: the client's connection stays", GET("/"), "HTTP/1.0 200 OK\r\n\r\nab", true, 200, HTTP1_CHUNKED,
	  true, true, "ab" },
	{ "HEAD", "HEAD / HTTP/1.1\r\nHost: a\r\n\r\n", "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n", false, 200,
	  HTTP1_NONE, true, true, "" },
	{ "204", GET("/"), "HTTP/1.1 204 No Content\r\n\r\n", false, 204, HTTP1_NONE, true, true, "" },
	{ "304", GET("/"), "HTTP/1.1 304 Not Modified\r\nContent-Length: 9\r\n\r\n", false, 304, HTTP1_NONE, true, true,
	  "" },
	{ "early hints are dropped for 1.0", "GET / HTTP/1.0\r\n\r\n",
	  "HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nab", false, 200,
	  HTTP1_LENGTH, false, true, "ab" },
	{ "1.0, chunked", "GET / HTTP/1.0\r\n\r\n",
	  "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\n1\r\nb\r\n0\r\n\r\n", false, 200,
	  HTTP1_UNTIL_CLOSE, false, true, "ab" },
	{ "1.0 keep-alive", "GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n",
	  "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nab", false, 200, HTTP1_LENGTH, true, true, "ab" },
	{ "1.0 keep-alive needs a length", "GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n", "HTTP/1.0 200 OK\r\n\r\nab",
	  true, 200, HTTP1_UNTIL_CLOSE, false, true, "ab" },
	{ "the client closes", "GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n",
	  "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nab", false, 200, HTTP1_LENGTH, false, true, "ab" },
	{ "the backend closes: not the client's matter", GET("/"),
	  "HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 2\r\n\r\nab", true, 200, HTTP1_LENGTH, true, true,
	  "ab" },
	{ "cut off, with length", GET("/"), "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nab", true, 200, HTTP1_LENGTH, true,
	  false, "ab" },
	{ "cut off, chunked", GET("/"), "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nab\r\n", true, 200,
	  HTTP1_CHUNKED, true, false, "ab" },
	{ "malformed chunk", GET("/"), "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nabc\r\n", false, 200,
	  HTTP1_CHUNKED, true, false, "ab" },
	{ "not HTTP", GET("/"), "220 mail.example ESMTP\r\n\r\n", false, 502, HTTP1_LENGTH, false, true,
	  "The application's answer is not valid HTTP.\n" },
	{ "ambiguous", GET("/"), "HTTP/1.1 200 OK\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
	  false, 502, HTTP1_LENGTH, false, true, "The application's answer is not valid HTTP.\n" },
	{ "half a head", "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n", "HTTP/1.1 200 OK\r\nX: ", true, 502,
	  HTTP1_LENGTH, false, true, "The application closed the connection before it had answered.\n" },
	{ "101 nobody asked for", GET("/"), "HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: x\r\n\r\n",
	  false, 502, HTTP1_LENGTH, false, true, "The application switched protocols without being asked to.\n" },
};

static void test_proxy_exchange_responses(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(response_cases); i++) {
		const struct response_case *t = &response_cases[i];
		_cleanup_response_ struct response r;
		struct script s;

		response_init(&r);
		script_open(&s, serve_scripted, NULL);
		script_set(&s, t->answer, t->close);
		_cleanup_close_ int fd = client_connect(s.f.port);

		if (!client_ask(fd, t->request, &r) || r.status != t->status || r.framing != t->framing ||
		    r.keep_alive != t->keep_alive || r.whole != t->whole || strcmp(buf_str(&r.body), t->body))
			fail_msg("%s: status %d, framing %d, keep_alive %d, whole %d, body \"%s\"", t->why, r.status, r.framing,
			         r.keep_alive, r.whole, buf_str(&r.body));
		if (r.keep_alive && r.whole) {
			script_set(&s, "HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nnext", false);
			assert_true(client_ask(fd, GET("/"), &r));
			assert_string_equal(buf_str(&r.body), "next");
		} else if (r.whole && !r.keep_alive) {
			assert_true(r.framing == HTTP1_UNTIL_CLOSE || at_end(fd));
		}
		assert_soon(stats_of(&s.f).active == 0);
		script_done(&s);
	}
}

static void test_proxy_exchange_truncation_is_an_error_for_old_clients(void **state)
{
	_cleanup_buf_ struct buf in = BUF_INIT(1 << 20);
	struct script s;

	(void)state;
	script_open(&s, serve_scripted, NULL);
	script_set(&s, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nab\r\n", true);
	_cleanup_close_ int fd = client_connect(s.f.port);

	/* Its body ends with the connection: only a reset says that this was not the end. */
	assert_true(send_text(fd, "GET / HTTP/1.0\r\n\r\n"));
	errno = 0;
	while (receive_more(fd, &in))
		;
	assert_int_equal(errno, ECONNRESET);
	assert_non_null(strstr(buf_str(&in), "\r\n\r\nab"));
	script_done(&s);
}

static void test_proxy_exchange_interim_responses_pass(void **state)
{
	_cleanup_response_ struct response r;
	struct script s;

	(void)state;
	response_init(&r);
	script_open(&s, serve_scripted,
	            "HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\nHTTP/1.1 103 Early Hints\r\n\r\nHTTP/1.1 200 "
	            "OK\r\nContent-Length: 0\r\n\r\n");
	_cleanup_close_ int fd = client_connect(s.f.port);

	assert_true(client_ask(fd, GET("/"), &r));
	assert_int_equal(r.status, 103);
	assert_non_null(strstr(buf_str(&r.head), "Link: x"));
	assert_true(client_read(fd, false, &r));
	assert_int_equal(r.status, 103);
	assert_true(client_read(fd, false, &r));
	assert_int_equal(r.status, 200);
	script_done(&s);
}

static void test_proxy_exchange_request_arrives_changed_as_it_should(void **state)
{
	_cleanup_response_ struct response r;
	struct script s;

	(void)state;
	response_init(&r);
	script_open(&s, serve_scripted, "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
	assert_true(client_ask_once(s.f.port,
	                            "PUT /x?y HTTP/1.1\r\nHost: shop\r\nCookie: a\r\nConnection: X-Hop\r\nX-Hop: 1\r\n"
	                            "Transfer-Encoding: chunked\r\n\r\n2;e\r\nab\r\n0\r\nSum: 1\r\n\r\n",
	                            &r));
	pthread_mutex_lock(&s.lock);
	assert_string_equal(
		buf_str(&s.seen),
		"PUT /x?y HTTP/1.1\r\nHost: shop\r\nCookie: a\r\nX-Forwarded-For: 127.0.0.1\r\nX-Forwarded-Proto: http\r\n"
		"X-Forwarded-Host: shop\r\nTransfer-Encoding: chunked\r\n\r\nab[Sum=1]");
	pthread_mutex_unlock(&s.lock);
	script_done(&s);
}

static void test_proxy_exchange_refuses_what_is_malformed(void **state)
{
	static const struct {
		const char *why, *request;
		int status;
	} cases[] = {
		{ "CL.TE",
		  "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\nGET /x", 400 },
		{ "no Host", "GET / HTTP/1.1\r\n\r\n", 400 },
		{ "bare LF", "GET / HTTP/1.1\nHost: a\n\n", 400 },
		{ "coding", "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: gzip\r\n\r\n", 501 },
		{ "CONNECT", "CONNECT a:1 HTTP/1.1\r\nHost: a:1\r\n\r\n", 501 },
		{ "HTTP/2", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 505 },
	};
	struct script s;

	(void)state;
	script_open(&s, serve_scripted, "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		_cleanup_response_ struct response r;
		_cleanup_close_ int fd = client_connect(s.f.port);

		response_init(&r);
		if (!client_ask(fd, cases[i].request, &r) || r.status != cases[i].status || r.keep_alive || !r.body.len)
			fail_msg("%s: status %d", cases[i].why, r.status);
		assert_true(at_end(fd));
	}
	/* None reached the application. */
	assert_int_equal(atomic_load(&s.server->requests_seen), 0);
	assert_int_equal(stats_of(&s.f).requests, 0);
	script_done(&s);
}

static void test_proxy_exchange_malformed_chunks_end_the_request(void **state)
{
	_cleanup_response_ struct response r;
	struct script s;

	(void)state;
	response_init(&r);
	script_open(&s, serve_scripted, "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
	assert_true(client_ask_once(
		s.f.port, "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nabc\r\n0\r\n\r\n", &r));
	assert_int_equal(r.status, 400);
	assert_soon(stats_of(&s.f).active == 0);
	assert_int_equal(stats_of(&s.f).errors, 0);
	script_done(&s);
}

static void test_proxy_exchange_large_heads(void **state)
{
	_cleanup_buf_ struct buf request = BUF_INIT(200000);
	_cleanup_response_ struct response r;
	struct script s;

	(void)state;
	response_init(&r);
	script_open(&s, serve_app, NULL);
	buf_puts(&request, "GET /echo HTTP/1.1\r\nHost: a\r\nX: ");
	while (request.len < HTTP1_HEAD_MAX - 200)
		buf_putc(&request, 'x');
	buf_puts(&request, "\r\n\r\n");
	/* The test server's own limit is the proxy's: what the proxy adds fits. */
	assert_true(client_ask_once(s.f.port, buf_str(&request), &r));
	assert_int_equal(r.status, 200);
	request.len -= 4;
	while (request.len < HTTP1_HEAD_MAX + 1000)
		buf_putc(&request, 'x');
	buf_puts(&request, "\r\n\r\n");
	assert_true(client_ask_once(s.f.port, buf_str(&request), &r));
	assert_int_equal(r.status, 431);
	script_done(&s);
}

static void test_proxy_exchange_pipelined_requests(void **state)
{
	_cleanup_response_ struct response r;
	struct script s;

	(void)state;
	response_init(&r);
	script_open(&s, serve_app, NULL);
	_cleanup_close_ int fd = client_connect(s.f.port);

	assert_true(send_text(fd, GET("/slow")));
	assert_true(send_text(fd, "POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nabc"));
	assert_true(send_text(fd, GET("/echo")));
	assert_true(send_text(fd, "BROKEN\r\n\r\n"));
	assert_soon(atomic_load(&s.server->requests_seen) == 1);
	atomic_store(&s.server->flag, 1);
	assert_true(client_read(fd, false, &r));
	assert_string_equal(buf_str(&r.body), "1");
	assert_true(client_read(fd, false, &r));
	assert_non_null(strstr(buf_str(&r.body), "\r\n\r\nabc"));
	assert_true(client_read(fd, false, &r));
	assert_ptr_equal(strstr(buf_str(&r.body), "GET /echo "), buf_str(&r.body));
	assert_true(client_read(fd, false, &r));
	assert_int_equal(r.status, 400);
	assert_true(at_end(fd));
	script_done(&s);
}

static void test_proxy_exchange_bytes_after_a_response_are_not_the_next_one(void **state)
{
	_cleanup_response_ struct response r;
	struct script s;

	(void)state;
	response_init(&r);
	script_open(&s, serve_scripted,
	            "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nabHTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\npoison");
	_cleanup_close_ int fd = client_connect(s.f.port);

	for (int i = 0; i < 5; i++) {
		assert_true(client_ask(fd, GET("/"), &r));
		assert_string_equal(buf_str(&r.body), "ab");
	}
	assert_int_equal(atomic_load(&s.server->conns_seen), 5);
	script_done(&s);
}

/* Expect: 100-continue. */

static void serve_continue(struct server_conn *c)
{
	while (server_read_head(c)) {
		buf_reset(&c->body);
		if (server_path_is(c, "/no")) {
			send_text(c->fd, "HTTP/1.1 417 Expectation Failed\r\nContent-Length: 2\r\n\r\nno");
			return;
		}
		send_text(c->fd, "HTTP/1.1 100 Continue\r\n\r\n");
		if (!receive_body(c->fd, &c->in, c->head.framing, c->head.content_length, &c->body) ||
		    !server_answer(c, buf_str(&c->body)))
			return;
	}
}

static void test_proxy_exchange_expect_continue(void **state)
{
	_cleanup_response_ struct response r;
	struct script s;

	(void)state;
	response_init(&r);
	script_open(&s, serve_continue, NULL);
	_cleanup_close_ int fd = client_connect(s.f.port), refused = client_connect(s.f.port);

	for (int i = 0; i < 2; i++) {
		assert_true(
			client_ask(fd, "PUT /yes HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 3\r\n\r\n", &r));
		assert_int_equal(r.status, 100);
		assert_true(client_ask(fd, "abc", &r));
		assert_int_equal(r.status, 200);
		assert_string_equal(buf_str(&r.body), "abc");
	}
	/* The client must not take the connection for usable: its body was not sent, or would be read as a request. */
	assert_true(
		client_ask(refused, "PUT /no HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 3\r\n\r\n", &r));
	assert_int_equal(r.status, 417);
	assert_string_equal(buf_str(&r.body), "no");
	assert_false(r.keep_alive);
	assert_true(at_end(refused));
	script_done(&s);
}

/* Answers 413 at once, and closes without reading the body. */
static void serve_too_large(struct server_conn *c)
{
	if (server_read_head(c))
		send_text(c->fd, "HTTP/1.1 413 Too Large\r\nContent-Length: 3\r\nConnection: close\r\n\r\nbig");
}

static void *send_much(void *arg)
{
	static char zeros[65536];
	int fd = *(int *)arg;

	for (int i = 0; i < 1024 && send_bytes(fd, zeros, sizeof(zeros)); i++)
		;
	return NULL;
}

static void test_proxy_exchange_early_answer_reaches_a_client_that_still_sends(void **state)
{
	_cleanup_response_ struct response r;
	pthread_t sender;
	struct script s;

	(void)state;
	response_init(&r);
	script_open(&s, serve_too_large, NULL);
	int fd = client_connect(s.f.port);

	assert_true(send_text(fd, "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 67108864\r\n\r\n"));
	pthread_create(&sender, NULL, send_much, &fd);
	assert_true(client_read(fd, false, &r));
	assert_int_equal(r.status, 413);
	assert_string_equal(buf_str(&r.body), "big");
	assert_false(r.keep_alive);
	/* An orderly end, not a reset that could have overtaken the response. */
	assert_true(at_end(fd));
	shutdown(fd, SHUT_RDWR);
	pthread_join(sender, NULL);
	close(fd);
	script_done(&s);
}

/* Streams. */

/* More than the buffers of both connections can hold in the kernel, however it tunes them. */
#define LARGE ((size_t)64 << 20)
#define LARGE_TEXT "67108864"
#define PIECE ((size_t)16384)

static void fill_piece(char *piece, size_t at)
{
	memset(piece, (int)(at / PIECE), PIECE);
	snprintf(piece, PIECE, "%zu", at);
}

static bool send_pattern(int fd, size_t len, atomic_size_t *sent)
{
	char piece[PIECE];

	for (size_t at = 0; at < len; at += PIECE) {
		fill_piece(piece, at);
		if (!send_bytes(fd, piece, PIECE))
			return false;
		atomic_fetch_add(sent, PIECE);
	}
	return true;
}

static bool is_pattern(const struct buf *b, size_t len)
{
	char piece[PIECE];

	for (size_t at = 0; at < b->len; at += PIECE) {
		fill_piece(piece, at);
		if (b->len - at < PIECE || memcmp(b->data + at, piece, PIECE))
			return false;
	}
	return b->len == len;
}

struct stream {
	atomic_size_t sent;
	atomic_bool go;
	int fd;
};

static void serve_large(struct server_conn *c)
{
	struct script *s = c->server->self;
	struct stream *stream = (void *)(uintptr_t)s->answer;

	if (!server_read_head(c))
		return;
	send_text(c->fd, "HTTP/1.1 200 OK\r\nContent-Length: " LARGE_TEXT "\r\n\r\n");
	send_pattern(c->fd, LARGE, &stream->sent);
	clock_sleep_ns(10 * NS_PER_MS);
}

/* Until it stays the same for a while: the sender is held back. */
static size_t settled(atomic_size_t *n)
{
	size_t last = atomic_load(n);

	for (int same = 0; same < 50;) {
		clock_sleep_ns(2 * NS_PER_MS);
		same = atomic_load(n) == last ? same + 1 : 0;
		last = atomic_load(n);
	}
	return last;
}

static void test_proxy_exchange_slow_client_holds_the_backend_back(void **state)
{
	_cleanup_response_ struct response r;
	struct stream stream = { 0 };
	struct script s;

	(void)state;
	response_init(&r);
	script_open(&s, serve_large, (const char *)&stream);
	_cleanup_close_ int fd = client_connect(s.f.port);

	assert_true(send_text(fd, GET("/")));
	assert_soon(atomic_load(&stream.sent) > 0);
	assert_true(settled(&stream.sent) < LARGE * 3 / 4);
	assert_true(client_read(fd, false, &r));
	assert_true(r.whole);
	assert_true(is_pattern(&r.body, LARGE));
	script_done(&s);
}

static void serve_slow_reader(struct server_conn *c)
{
	struct script *s = c->server->self;
	struct stream *stream = (void *)(uintptr_t)s->answer;

	if (!server_read_head(c))
		return;
	while (!atomic_load(&stream->go))
		clock_sleep_ns(NS_PER_MS);
	receive_body(c->fd, &c->in, c->head.framing, c->head.content_length, &c->body);
	server_answer(c, is_pattern(&c->body, LARGE) ? "same" : "different");
}

static void *send_large(void *arg)
{
	struct stream *stream = arg;

	send_text(stream->fd, "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: " LARGE_TEXT "\r\n\r\n");
	send_pattern(stream->fd, LARGE, &stream->sent);
	return NULL;
}

static void test_proxy_exchange_slow_backend_holds_the_client_back(void **state)
{
	_cleanup_response_ struct response r;
	struct stream stream = { 0 };
	pthread_t sender;
	struct script s;

	(void)state;
	response_init(&r);
	script_open(&s, serve_slow_reader, (const char *)&stream);
	_cleanup_close_ int fd = stream.fd = client_connect(s.f.port);

	pthread_create(&sender, NULL, send_large, &stream);
	assert_soon(atomic_load(&stream.sent) > 0);
	assert_true(settled(&stream.sent) < LARGE * 3 / 4);
	atomic_store(&stream.go, true);
	assert_true(client_read(fd, false, &r));
	assert_string_equal(buf_str(&r.body), "same");
	pthread_join(sender, NULL);
	script_done(&s);
}

/* Sends back each piece as it comes. */
static void serve_both_ways(struct server_conn *c)
{
	struct http1_body body;
	struct http1_field f;
	enum http1_event e;
	size_t used;

	if (!server_read_head(c))
		return;
	send_text(c->fd, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n");
	http1_body_init(&body, c->head.framing, c->head.content_length);
	do {
		e = http1_body_next(&body, buf_str(&c->in), c->in.len, &used, &f);
		if (e == HTTP1_DATA) {
			_cleanup_free_ char *chunk = xasprintf("%zx\r\n%.*s\r\n", f.value.len, (int)f.value.len, f.value.p);

			send_text(c->fd, chunk);
		}
		buf_consume(&c->in, used);
	} while (e == HTTP1_DATA || (e == HTTP1_MORE && receive_more(c->fd, &c->in)));
	send_text(c->fd, "0\r\n\r\n");
}

static void test_proxy_exchange_streams_both_ways_at_once(void **state)
{
	_cleanup_buf_ struct buf in = BUF_INIT(1 << 20);
	struct script s;

	(void)state;
	script_open(&s, serve_both_ways, NULL);
	_cleanup_close_ int fd = client_connect(s.f.port);

	assert_true(send_text(fd, "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"));
	for (int i = 0; i < 5; i++) {
		char piece[16];

		snprintf(piece, sizeof(piece), "piece%d", i);
		_cleanup_free_ char *chunk = xasprintf("6\r\n%s\r\n", piece);

		/* Each comes back before the next goes out: nothing waits for more. */
		assert_true(send_text(fd, chunk));
		while (!strstr(buf_str(&in), piece))
			assert_true(receive_more(fd, &in));
	}
	assert_true(send_text(fd, "0\r\n\r\n"));
	while (!strstr(buf_str(&in), "\r\n0\r\n\r\n"))
		assert_true(receive_more(fd, &in));
	script_done(&s);
}

/* Clients that leave. */

static void serve_endless(struct server_conn *c)
{
	if (!server_read_head(c))
		return;
	send_text(c->fd, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n");
	while (send_text(c->fd, "5\r\nhello\r\n"))
		clock_sleep_ns(NS_PER_MS);
	atomic_store(&c->server->flag, 1);
}

static void serve_silent(struct server_conn *c)
{
	char byte;

	if (!server_read_head(c))
		return;
	while (recv(c->fd, &byte, 1, 0) > 0)
		;
	atomic_store(&c->server->flag, 1);
}

static void test_proxy_exchange_client_abort_reaches_the_backend(void **state)
{
	static const struct {
		const char *why, *request;
		server_handler handler;
		bool reset;
	} cases[] = {
		{ "while the response streams", GET("/"), serve_endless, false },
		{ "reset while the response streams", GET("/"), serve_endless, true },
		{ "reset while waiting", GET("/"), serve_silent, true },
		{ "closed while waiting", GET("/"), serve_silent, false },
		{ "in the middle of its body", "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\nabc", serve_silent,
		  false },
		{ "in the middle of a chunk", "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nab",
		  serve_silent, false },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		const struct linger now = { .l_onoff = 1 };
		struct script s;

		script_open(&s, cases[i].handler, NULL);
		int fd = client_connect(s.f.port);

		assert_true(send_text(fd, cases[i].request));
		assert_soon(atomic_load(&s.server->requests_seen) == 1);
		if (cases[i].reset)
			setsockopt(fd, SOL_SOCKET, SO_LINGER, &now, sizeof(now));
		close(fd);
		assert_soon(atomic_load(&s.server->flag) == 1);
		assert_soon(stats_of(&s.f).active == 0);
		script_done(&s);
	}
}

static void test_proxy_exchange_half_closed_client_gets_its_answer(void **state)
{
	_cleanup_response_ struct response r;
	struct script s;

	(void)state;
	response_init(&r);
	script_open(&s, serve_app, NULL);
	_cleanup_close_ int fd = client_connect(s.f.port);

	assert_true(send_text(fd, GET("/slow")));
	shutdown(fd, SHUT_WR);
	/* Long enough for the proxy to look whether its client is still there. */
	clock_sleep_ns(60 * NS_PER_MS);
	atomic_store(&s.server->flag, 1);
	assert_true(client_read(fd, false, &r));
	assert_int_equal(r.status, 200);
	assert_true(at_end(fd));
	script_done(&s);
}

static void test_proxy_exchange_idle_clients_are_closed(void **state)
{
	_cleanup_response_ struct response r;
	struct server *s = server_start(0, 1, serve_app, NULL);
	struct fixture f;

	(void)state;
	response_init(&r);
	fixture_open(&f, &(struct proxy_config){ .idle_ns = 50 * NS_PER_MS });
	proxy_backend_add(f.proxy, s->port);
	_cleanup_close_ int silent = client_connect(f.port), kept = client_connect(f.port),
						partial = client_connect(f.port);

	assert_true(client_ask(kept, GET("/"), &r));
	assert_true(send_text(partial, "GET / HTTP/1.1\r\nHost"));
	assert_true(at_end(silent));
	assert_true(at_end(kept));
	assert_true(client_read(partial, false, &r));
	assert_int_equal(r.status, 408);
	assert_true(at_end(partial));
	/* A request under way is not idle, however long it takes. */
	_cleanup_close_ int slow = client_connect(f.port);

	assert_true(send_text(slow, GET("/slow")));
	clock_sleep_ns(120 * NS_PER_MS);
	atomic_store(&s->flag, 1);
	assert_true(client_read(slow, false, &r));
	assert_int_equal(r.status, 200);
	fixture_done(&f);
	server_stop(s);
}

static void test_proxy_exchange_dripping_head_does_not_last(void **state)
{
	static const char head[] = "GET / HTTP/1.1\r\nHost: a\r\nX: ";
	_cleanup_response_ struct response r;
	struct fixture f;

	(void)state;
	response_init(&r);
	fixture_open(&f, &(struct proxy_config){ .idle_ns = 60 * NS_PER_MS });
	_cleanup_close_ int fd = client_connect(f.port);
	int64_t start = clock_mono_ns();
	char byte;

	assert_true(send_text(fd, head));
	/* Each byte comes in time, but the head as a whole must. */
	while (recv(fd, &byte, 1, MSG_PEEK | MSG_DONTWAIT) < 0 && clock_mono_ns() - start < 10 * NS_PER_S) {
		send_text(fd, "x");
		clock_sleep_ns(10 * NS_PER_MS);
	}
	assert_true(clock_mono_ns() - start < 10 * NS_PER_S);
	assert_true(client_read(fd, false, &r));
	assert_int_equal(r.status, 408);
	fixture_done(&f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_proxy_exchange_responses),
		cmocka_unit_test(test_proxy_exchange_truncation_is_an_error_for_old_clients),
		cmocka_unit_test(test_proxy_exchange_interim_responses_pass),
		cmocka_unit_test(test_proxy_exchange_request_arrives_changed_as_it_should),
		cmocka_unit_test(test_proxy_exchange_refuses_what_is_malformed),
		cmocka_unit_test(test_proxy_exchange_malformed_chunks_end_the_request),
		cmocka_unit_test(test_proxy_exchange_large_heads),
		cmocka_unit_test(test_proxy_exchange_pipelined_requests),
		cmocka_unit_test(test_proxy_exchange_bytes_after_a_response_are_not_the_next_one),
		cmocka_unit_test(test_proxy_exchange_expect_continue),
		cmocka_unit_test(test_proxy_exchange_early_answer_reaches_a_client_that_still_sends),
		cmocka_unit_test(test_proxy_exchange_slow_client_holds_the_backend_back),
		cmocka_unit_test(test_proxy_exchange_slow_backend_holds_the_client_back),
		cmocka_unit_test(test_proxy_exchange_streams_both_ways_at_once),
		cmocka_unit_test(test_proxy_exchange_client_abort_reaches_the_backend),
		cmocka_unit_test(test_proxy_exchange_half_closed_client_gets_its_answer),
		cmocka_unit_test(test_proxy_exchange_idle_clients_are_closed),
		cmocka_unit_test(test_proxy_exchange_dripping_head_does_not_last),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
