#include "proxy_message.h"

#include <string.h>

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#define FORWARDED "X-Forwarded-For: 127.0.0.1\r\nX-Forwarded-Proto: http\r\nX-Forwarded-Host: a\r\n"

static const struct head_case {
	const char *why, *in, *out;
} request_cases[] = {
	{ "end-to-end fields pass in order", "GET /x HTTP/1.1\r\nA: 1\r\nHost: a\r\nB: 2\r\nA: 3\r\n\r\n",
	  "GET /x HTTP/1.1\r\nHost: a\r\nA: 1\r\nB: 2\r\nA: 3\r\n" FORWARDED "\r\n" },
	{ "hop-by-hop fields do not",
	  "GET / HTTP/1.1\r\nHost: a\r\nConnection: keep-alive, X-Mine\r\nKeep-Alive: 5\r\nProxy-Connection: x\r\nTE: "
	  "trailers\r\n"
	  "X-Mine: 1\r\nX-Other: 2\r\n\r\n",
	  "GET / HTTP/1.1\r\nHost: a\r\nX-Other: 2\r\n" FORWARDED "\r\n" },
	{ "what Connection names cannot take away ours",
	  "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\nConnection: Host, Content-Length, X-Forwarded-For\r\n\r\n",
	  "POST / HTTP/1.1\r\nHost: a\r\n" FORWARDED "Content-Length: 3\r\n\r\n" },
	{ "forwarded fields: For grows, the others are ours",
	  "GET / HTTP/1.1\r\nHost: a\r\nX-Forwarded-For: 1.2.3.4\r\nX-Forwarded-For: 5.6.7.8\r\nX-Forwarded-Proto: "
	  "https\r\n"
	  "X-Forwarded-Host: evil\r\n\r\n",
	  "GET / HTTP/1.1\r\nHost: a\r\nX-Forwarded-For: 1.2.3.4, 5.6.7.8, 127.0.0.1\r\nX-Forwarded-Proto: http\r\n"
	  "X-Forwarded-Host: a\r\n\r\n" },
	{ "underscores cannot fake what we set",
	  "GET / HTTP/1.1\r\nHost: a\r\nX_Forwarded_For: 6.6.6.6\r\nContent_Length: 7\r\nTransfer_Encoding: "
	  "chunked\r\nMy_Own: 1\r\n"
	  "\r\n",
	  "GET / HTTP/1.1\r\nHost: a\r\nMy_Own: 1\r\n" FORWARDED "\r\n" },
	{ "HTTP/1.0 becomes 1.1 with a Host", "GET / HTTP/1.0\r\n\r\n",
	  "GET / HTTP/1.1\r\nHost: 127.0.0.1:8080\r\nX-Forwarded-For: 127.0.0.1\r\nX-Forwarded-Proto: http\r\n"
	  "X-Forwarded-Host: 127.0.0.1:8080\r\n\r\n" },
	{ "absolute form becomes origin form", "GET http://a/p?q HTTP/1.1\r\nHost: other\r\n\r\n",
	  "GET /p?q HTTP/1.1\r\nHost: a\r\n" FORWARDED "\r\n" },
	{ "absolute form without path", "GET http://a?q HTTP/1.1\r\nHost: other\r\n\r\n",
	  "GET /?q HTTP/1.1\r\nHost: a\r\n" FORWARDED "\r\n" },
	{ "length is written anew", "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 007\r\n\r\n",
	  "POST / HTTP/1.1\r\nHost: a\r\n" FORWARDED "Content-Length: 7\r\n\r\n" },
	{ "chunked is written anew", "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: ,cHUNKED\r\n\r\n",
	  "POST / HTTP/1.1\r\nHost: a\r\n" FORWARDED "Transfer-Encoding: chunked\r\n\r\n" },
	{ "Expect goes with a body", "POST / HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 1\r\n\r\n",
	  "POST / HTTP/1.1\r\nHost: a\r\n" FORWARDED "Expect: 100-continue\r\nContent-Length: 1\r\n\r\n" },
	{ "Expect without one is dropped", "GET / HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\n\r\n",
	  "GET / HTTP/1.1\r\nHost: a\r\n" FORWARDED "\r\n" },
	{ "Expect of a 1.0 client is dropped",
	  "POST / HTTP/1.0\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 1\r\n\r\n",
	  "POST / HTTP/1.1\r\nHost: a\r\n" FORWARDED "Content-Length: 1\r\n\r\n" },
	{ "WebSocket",
	  "GET / HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Key: k\r\n\r\n",
	  "GET / HTTP/1.1\r\nHost: a\r\nSec-WebSocket-Key: k\r\n" FORWARDED
	  "Connection: upgrade\r\nUpgrade: websocket\r\n\r\n" },
	{ "h2c is not tunnelled",
	  "GET / HTTP/1.1\r\nHost: a\r\nUpgrade: x, h2c\r\nConnection: Upgrade, HTTP2-Settings\r\n"
	  "HTTP2-Settings: s\r\n\r\n",
	  "GET / HTTP/1.1\r\nHost: a\r\n" FORWARDED "\r\n" },
	{ "no upgrade with a body",
	  "POST / HTTP/1.1\r\nHost: a\r\nUpgrade: x\r\nConnection: Upgrade\r\nContent-Length: 1\r\n\r\n",
	  "POST / HTTP/1.1\r\nHost: a\r\n" FORWARDED "Content-Length: 1\r\n\r\n" },
};

static void test_proxy_message_requests(void **state)
{
	static struct http1_head h;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(request_cases); i++) {
		const struct head_case *t = &request_cases[i];
		_cleanup_buf_ struct buf out = BUF_INIT(100000);
		struct http1_error err;
		size_t scanned = 0;

		if (http1_parse_request(t->in, strlen(t->in), &scanned, &h, &err) <= 0)
			fail_msg("%s: not parsed", t->why);
		proxy_message_request(&out, &h, "127.0.0.1", "127.0.0.1:8080");
		if (strcmp(buf_str(&out), t->out))
			fail_msg("%s:\n%s", t->why, buf_str(&out));
	}
}

static void test_proxy_message_responses(void **state)
{
	static const struct {
		const char *why, *in;
		struct proxy_message_response how;
		const char *out;
	} cases[] = {
		{ "as it is",
		  "HTTP/1.1 200 Fine\r\nServer: x\r\nContent-Length: 5\r\nSet-Cookie: a\r\nSet-Cookie: b\r\n\r\n",
		  { 0 },
		  "HTTP/1.1 200 Fine\r\nServer: x\r\nSet-Cookie: a\r\nSet-Cookie: b\r\nContent-Length: 5\r\n\r\n" },
		{ "hop-by-hop",
		  "HTTP/1.0 200 OK\r\nConnection: close, X\r\nKeep-Alive: a\r\nX: y\r\nUpgrade: h2\r\n\r\n",
		  { .chunked = true },
		  "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" },
		{ "close",
		  "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n",
		  { .close = true, .keep_alive = true },
		  "HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n" },
		{ "kept for a 1.0 client",
		  "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n",
		  { .keep_alive = true },
		  "HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: keep-alive\r\n\r\n" },
		{ "204 has no length", "HTTP/1.1 204 None\r\nContent-Length: 5\r\n\r\n", { 0 }, "HTTP/1.1 204 None\r\n\r\n" },
		{ "304 may have one",
		  "HTTP/1.1 304 Same\r\nContent-Length: 5\r\n\r\n",
		  { 0 },
		  "HTTP/1.1 304 Same\r\nContent-Length: 5\r\n\r\n" },
		{ "100", "HTTP/1.1 100 Continue\r\nContent-Length: 5\r\n\r\n", { 0 }, "HTTP/1.1 100 Continue\r\n\r\n" },
		{ "101",
		  "HTTP/1.1 101 Switch\r\nupgrade: websocket\r\nConnection: Upgrade\r\n\r\n",
		  { .upgrade = true },
		  "HTTP/1.1 101 Switch\r\nConnection: upgrade\r\nupgrade: websocket\r\n\r\n" },
	};
	static struct http1_head h;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		_cleanup_buf_ struct buf out = BUF_INIT(100000);
		struct http1_error err;
		size_t scanned = 0;

		if (http1_parse_response(cases[i].in, strlen(cases[i].in), &scanned, false, &h, &err) <= 0)
			fail_msg("%s: not parsed", cases[i].why);
		proxy_message_response(&out, &h, &cases[i].how);
		if (strcmp(buf_str(&out), cases[i].out))
			fail_msg("%s:\n%s", cases[i].why, buf_str(&out));
	}
}

static void test_proxy_message_error(void **state)
{
	_cleanup_buf_ struct buf out = BUF_INIT(1000), to_head = BUF_INIT(1000);
	static struct http1_head h;
	struct http1_error err;
	size_t scanned = 0;

	(void)state;
	proxy_message_error(&out, 503, "the application is away", false);
	ssize_t n = http1_parse_response(out.data, out.len, &scanned, false, &h, &err);

	assert_true(n > 0);
	assert_int_equal(h.status, 503);
	assert_false(h.keep_alive);
	assert_int_equal(h.content_length, out.len - (size_t)n);
	assert_string_equal(out.data + n, "The application is away.\n");
	proxy_message_error(&to_head, 503, "the application is away", true);
	assert_int_equal(to_head.len, n);
}

static void test_proxy_message_bodies(void **state)
{
	static const struct {
		const char *why, *in;
		enum http1_framing framing;
		int64_t length;
		bool chunked;
		enum proxy_body_result result;
		const char *out, *rest;
	} cases[] = {
		{ "length stays", "helloGET", HTTP1_LENGTH, 5, false, PROXY_BODY_END, "hello", "GET" },
		{ "chunks are written anew", "003;x=y\r\nabc\r\n0;z\r\n\r\nGET", HTTP1_CHUNKED, -1, true, PROXY_BODY_END,
		  "3\r\nabc\r\n0\r\n\r\n", "GET" },
		{ "chunks for a 1.0 client", "3\r\nabc\r\n1\r\nd\r\n0\r\nX: y\r\n\r\n", HTTP1_CHUNKED, -1, false,
		  PROXY_BODY_END, "abcd", "" },
		{ "trailers pass", "0\r\nX-Sum: 1\r\nY:2\r\n\r\n", HTTP1_CHUNKED, -1, true, PROXY_BODY_END,
		  "0\r\nX-Sum: 1\r\nY: 2\r\n\r\n", "" },
		{ "but not those that would be believed",
		  "0\r\nContent-Length: 1\r\nTransfer-Encoding: x\r\nHost: b\r\nX_Forwarded_For: 6\r\n"
		  "Connection: close\r\nTrailer: a\r\n\r\n",
		  HTTP1_CHUNKED, -1, true, PROXY_BODY_END, "0\r\n\r\n", "" },
		{ "incomplete", "5\r\nab", HTTP1_CHUNKED, -1, true, PROXY_BODY_MORE, "2\r\nab\r\n", "" },
		{ "malformed", "5\r\nabcdefgh", HTTP1_CHUNKED, -1, true, PROXY_BODY_BAD, NULL, NULL },
		{ "until close becomes chunked", "ab", HTTP1_UNTIL_CLOSE, -1, true, PROXY_BODY_MORE, "2\r\nab\r\n", "" },
		{ "none", "GET", HTTP1_NONE, -1, false, PROXY_BODY_END, "", "GET" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		_cleanup_buf_ struct buf in = BUF_INIT(1000), out = BUF_INIT(1000);
		struct proxy_body b = { .chunked = cases[i].chunked };

		http1_body_init(&b.in, cases[i].framing, cases[i].length);
		buf_puts(&in, cases[i].in);
		enum proxy_body_result result = proxy_message_body(&b, &in, &out, 1000);

		if (result != cases[i].result || (cases[i].out && strcmp(buf_str(&out), cases[i].out)) ||
		    (cases[i].rest && strcmp(buf_str(&in), cases[i].rest)))
			fail_msg("%s: result %d, out \"%s\", rest \"%s\"", cases[i].why, result, buf_str(&out), buf_str(&in));
	}
}

static void test_proxy_message_body_stops_when_full(void **state)
{
	_cleanup_buf_ struct buf in = BUF_INIT(1000), out = BUF_INIT(1000);
	struct proxy_body b = { .chunked = true };

	(void)state;
	http1_body_init(&b.in, HTTP1_CHUNKED, -1);
	buf_puts(&in, "1\r\na\r\n1\r\nb\r\n0\r\n\r\n");
	assert_int_equal(proxy_message_body(&b, &in, &out, 1), PROXY_BODY_FULL);
	assert_string_equal(buf_str(&out), "1\r\na\r\n");
	assert_int_equal(proxy_message_body(&b, &in, &out, 100), PROXY_BODY_END);
	assert_string_equal(buf_str(&out), "1\r\na\r\n1\r\nb\r\n0\r\n\r\n");
}

static void test_proxy_message_body_closed(void **state)
{
	_cleanup_buf_ struct buf out = BUF_INIT(1000);
	struct proxy_body open_ended = { .chunked = true }, cut = { .chunked = true };

	(void)state;
	http1_body_init(&open_ended.in, HTTP1_UNTIL_CLOSE, -1);
	assert_true(proxy_message_body_closed(&open_ended, &out));
	assert_string_equal(buf_str(&out), "0\r\n\r\n");
	buf_reset(&out);
	http1_body_init(&cut.in, HTTP1_CHUNKED, -1);
	assert_false(proxy_message_body_closed(&cut, &out));
	assert_string_equal(buf_str(&out), "");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_proxy_message_requests),
		cmocka_unit_test(test_proxy_message_responses),
		cmocka_unit_test(test_proxy_message_error),
		cmocka_unit_test(test_proxy_message_bodies),
		cmocka_unit_test(test_proxy_message_body_stops_when_full),
		cmocka_unit_test(test_proxy_message_body_closed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
