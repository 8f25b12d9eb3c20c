#include "http1.h"

#include "base/buf.h"

#include <string.h>

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

/* Parses the whole text at once and byte by byte, which must come to the same. */
static ssize_t parse(bool request, bool to_head, const char *text, size_t len, struct http1_head *head,
                     struct http1_error *err)
{
	static struct http1_head again;
	struct http1_error again_err = { 0 };
	size_t scanned = 0;
	ssize_t n = request ? http1_parse_request(text, len, &scanned, head, err)
	                    : http1_parse_response(text, len, &scanned, to_head, head, err);
	ssize_t slow = 0;

	scanned = 0;
	for (size_t i = 0; i <= len && slow == 0; i++)
		slow = request ? http1_parse_request(text, i, &scanned, &again, &again_err)
		               : http1_parse_response(text, i, &scanned, to_head, &again, &again_err);
	assert_int_equal(slow, n);
	if (n > 0) {
		assert_int_equal(again.framing, head->framing);
		assert_int_equal(again.fields_len, head->fields_len);
	}
	return n;
}

static void assert_str(struct http1_str s, const char *expected)
{
	_cleanup_free_ char *copy = xstrndup(s.p ? s.p : "", s.len);

	assert_string_equal(copy, expected);
}

static void test_http1_request_head(void **state)
{
	static const char text[] = "POST /a/b?c=%20d HTTP/1.1\r\nHost: shop.example:80\r\nX-Empty:\r\nX-Odd: \t a  b\t \r\n"
							   "Content-Length: 42\r\nConnection: close, X-Odd\r\n\r\nbody";
	static struct http1_head h;
	struct http1_error err;

	(void)state;
	assert_int_equal(parse(true, false, text, sizeof(text) - 1, &h, &err), sizeof(text) - 1 - 4);
	assert_str(h.method, "POST");
	assert_str(h.target, "/a/b?c=%20d");
	assert_str(h.host, "shop.example:80");
	assert_int_equal(h.minor, 1);
	assert_int_equal(h.fields_len, 5);
	assert_str(h.fields[1].name, "X-Empty");
	assert_str(h.fields[1].value, "");
	assert_str(h.fields[2].value, "a  b");
	assert_int_equal(h.framing, HTTP1_LENGTH);
	assert_int_equal(h.content_length, 42);
	assert_false(h.keep_alive);
	assert_true(http1_connection_has(&h, (struct http1_str){ "x-odd", 5 }));
	assert_false(http1_connection_has(&h, (struct http1_str){ "x-od", 4 }));
}

#define HOST "Host: a\r\n"

/* status 0: accepted, with that framing. */
static const struct request_case {
	const char *why, *text;
	int status;
	enum http1_framing framing;
} request_cases[] = {
	{ "smallest request", "GET / HTTP/1.1\r\n" HOST "\r\n", 0, HTTP1_NONE },
	{ "HTTP/1.0 needs no Host", "GET / HTTP/1.0\r\n\r\n", 0, HTTP1_NONE },
	{ "one empty line before is let pass", "\r\nGET / HTTP/1.1\r\n" HOST "\r\n", 0, HTTP1_NONE },
	{ "two empty lines are not", "\r\n\r\nGET / HTTP/1.1\r\n" HOST "\r\n", 400, 0 },
	{ "a later minor version is read as 1.1", "GET / HTTP/1.7\r\n" HOST "\r\n", 0, HTTP1_NONE },
	{ "any token is a method", "PROPFIND / HTTP/1.1\r\n" HOST "\r\n", 0, HTTP1_NONE },
	{ "asterisk form", "OPTIONS * HTTP/1.1\r\n" HOST "\r\n", 0, HTTP1_NONE },
	{ "empty Host is allowed", "GET / HTTP/1.1\r\nHost:\r\n\r\n", 0, HTTP1_NONE },
	{ "IPv6 Host", "GET / HTTP/1.1\r\nHost: [::1]:80\r\n\r\n", 0, HTTP1_NONE },
	{ "UTF-8 in a target cannot be misread", "GET /\xc3\xa9 HTTP/1.1\r\n" HOST "\r\n", 0, HTTP1_NONE },
	{ "opaque bytes in a value", "GET / HTTP/1.1\r\n" HOST "X: \xff\xfe\r\n\r\n", 0, HTTP1_NONE },
	{ "no length means no body", "POST / HTTP/1.1\r\n" HOST "\r\n", 0, HTTP1_NONE },
	{ "zero length", "POST / HTTP/1.1\r\n" HOST "Content-Length: 0\r\n\r\n", 0, HTTP1_LENGTH },
	{ "largest length", "POST / HTTP/1.1\r\n" HOST "Content-Length: 9223372036854775807\r\n\r\n", 0, HTTP1_LENGTH },
	{ "chunked", "POST / HTTP/1.1\r\n" HOST "Transfer-Encoding: chunked\r\n\r\n", 0, HTTP1_CHUNKED },
	{ "codings have no case", "POST / HTTP/1.1\r\n" HOST "TRANSFER-ENCODING:\tChunked \r\n\r\n", 0, HTTP1_CHUNKED },
	{ "empty list elements do not count", "POST / HTTP/1.1\r\n" HOST "Transfer-Encoding: , chunked,\r\n\r\n", 0,
	  HTTP1_CHUNKED },

	/* RFC 9112 section 11.2: what a front and a back end may read differently. */
	{ "CL.TE", "POST / HTTP/1.1\r\n" HOST "Content-Length: 6\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\nG", 400, 0 },
	{ "TE.CL", "POST / HTTP/1.1\r\n" HOST "Transfer-Encoding: chunked\r\nContent-Length: 4\r\n\r\n", 400, 0 },
	{ "two lengths", "POST / HTTP/1.1\r\n" HOST "Content-Length: 6\r\nContent-Length: 5\r\n\r\n", 400, 0 },
	{ "two equal lengths", "POST / HTTP/1.1\r\n" HOST "Content-Length: 6\r\nContent-Length: 6\r\n\r\n", 400, 0 },
	{ "a list of lengths", "POST / HTTP/1.1\r\n" HOST "Content-Length: 6, 6\r\n\r\n", 400, 0 },
	{ "signed length", "POST / HTTP/1.1\r\n" HOST "Content-Length: +6\r\n\r\n", 400, 0 },
	{ "negative length", "POST / HTTP/1.1\r\n" HOST "Content-Length: -1\r\n\r\n", 400, 0 },
	{ "hexadecimal length", "POST / HTTP/1.1\r\n" HOST "Content-Length: 0x6\r\n\r\n", 400, 0 },
	{ "length with a space in it", "POST / HTTP/1.1\r\n" HOST "Content-Length: 1 2\r\n\r\n", 400, 0 },
	{ "empty length", "POST / HTTP/1.1\r\n" HOST "Content-Length:\r\n\r\n", 400, 0 },
	{ "length past 63 bits", "POST / HTTP/1.1\r\n" HOST "Content-Length: 9223372036854775808\r\n\r\n", 400, 0 },
	{ "length past 64 bits", "POST / HTTP/1.1\r\n" HOST "Content-Length: 18446744073709551622\r\n\r\n", 400, 0 },
	{ "space before the colon", "POST / HTTP/1.1\r\n" HOST "Content-Length : 6\r\n\r\n", 400, 0 },
	{ "space before TE's colon", "POST / HTTP/1.1\r\n" HOST "Transfer-Encoding : chunked\r\n\r\n", 400, 0 },
	{ "vertical tab hides chunked",
	  "POST / HTTP/1.1\r\n" HOST "Transfer-Encoding: \x0b"
	  "chunked\r\n\r\n",
	  400, 0 },
	{ "unknown coding", "POST / HTTP/1.1\r\n" HOST "Transfer-Encoding: xchunked\r\n\r\n", 501, 0 },
	{ "coding with parameter", "POST / HTTP/1.1\r\n" HOST "Transfer-Encoding: chunked;q=1\r\n\r\n", 501, 0 },
	{ "quoted coding", "POST / HTTP/1.1\r\n" HOST "Transfer-Encoding: \"chunked\"\r\n\r\n", 501, 0 },
	{ "coding besides chunked", "POST / HTTP/1.1\r\n" HOST "Transfer-Encoding: gzip, chunked\r\n\r\n", 501, 0 },
	{ "coding after chunked", "POST / HTTP/1.1\r\n" HOST "Transfer-Encoding: chunked, gzip\r\n\r\n", 400, 0 },
	{ "coding after chunked in a field of its own",
	  "POST / HTTP/1.1\r\n" HOST "Transfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n\r\n", 400, 0 },
	{ "chunked twice", "POST / HTTP/1.1\r\n" HOST "Transfer-Encoding: chunked, chunked\r\n\r\n", 400, 0 },
	{ "empty coding", "POST / HTTP/1.1\r\n" HOST "Transfer-Encoding:\r\n\r\n", 400, 0 },
	{ "chunked from a 1.0 client", "POST / HTTP/1.0\r\n" HOST "Transfer-Encoding: chunked\r\n\r\n", 400, 0 },
	{ "folded field", "GET / HTTP/1.1\r\n" HOST "X: a\r\n b\r\n\r\n", 400, 0 },
	{ "folded first field", "GET / HTTP/1.1\r\n X: a\r\n" HOST "\r\n", 400, 0 },
	{ "bare LF after the request line", "GET / HTTP/1.1\n" HOST "\r\n", 400, 0 },
	{ "bare LF in a field", "GET / HTTP/1.1\r\n" HOST "X: a\nContent-Length: 5\r\n\r\n", 400, 0 },
	{ "bare LF ends the head", "GET / HTTP/1.1\r\n" HOST "\n", 400, 0 },
	{ "bare CR in a field", "GET / HTTP/1.1\r\n" HOST "X: a\rContent-Length: 5\r\n\r\n", 400, 0 },
	{ "bare CR in the request line", "GET /\rx HTTP/1.1\r\n" HOST "\r\n", 400, 0 },
	{ "CR CR LF", "GET / HTTP/1.1\r\r\n" HOST "\r\n", 400, 0 },

	{ "two Hosts", "GET / HTTP/1.1\r\n" HOST "Host: b\r\n\r\n", 400, 0 },
	{ "no Host", "GET / HTTP/1.1\r\n\r\n", 400, 0 },
	{ "Host with a path", "GET / HTTP/1.1\r\nHost: a/b\r\n\r\n", 400, 0 },
	{ "Host with userinfo", "GET / HTTP/1.1\r\nHost: u@a\r\n\r\n", 400, 0 },
	{ "field without colon", "GET / HTTP/1.1\r\n" HOST "X\r\n\r\n", 400, 0 },
	{ "field without name", "GET / HTTP/1.1\r\n" HOST ": x\r\n\r\n", 400, 0 },
	{ "name with a control character", "GET / HTTP/1.1\r\n" HOST "X\x01: x\r\n\r\n", 400, 0 },
	{ "name beyond ASCII", "GET / HTTP/1.1\r\n" HOST "X\xe9: x\r\n\r\n", 400, 0 },
	{ "value with DEL", "GET / HTTP/1.1\r\n" HOST "X: \x7f\r\n\r\n", 400, 0 },
	{ "two spaces", "GET  / HTTP/1.1\r\n" HOST "\r\n", 400, 0 },
	{ "tab for a space", "GET\t/ HTTP/1.1\r\n" HOST "\r\n", 400, 0 },
	{ "space at the end", "GET / HTTP/1.1 \r\n" HOST "\r\n", 400, 0 },
	{ "space in the target", "GET /a b HTTP/1.1\r\n" HOST "\r\n", 400, 0 },
	{ "fragment in the target", "GET /#a HTTP/1.1\r\n" HOST "\r\n", 400, 0 },
	{ "HTTP/0.9", "GET /\r\n\r\n", 400, 0 },
	{ "no target", "GET HTTP/1.1\r\n" HOST "\r\n", 400, 0 },
	{ "method with a slash", "GE/T / HTTP/1.1\r\n" HOST "\r\n", 400, 0 },
	{ "lower-case version", "GET / http/1.1\r\n" HOST "\r\n", 400, 0 },
	{ "long version", "GET / HTTP/1.10\r\n" HOST "\r\n", 400, 0 },
	{ "HTTP/2 preface", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 505, 0 },
	{ "relative target", "GET a HTTP/1.1\r\n" HOST "\r\n", 400, 0 },
	{ "asterisk is for OPTIONS", "GET * HTTP/1.1\r\n" HOST "\r\n", 400, 0 },
	{ "other scheme", "GET ftp://a/ HTTP/1.1\r\n" HOST "\r\n", 400, 0 },
	{ "absolute form without host", "GET http:///x HTTP/1.1\r\n" HOST "\r\n", 400, 0 },
	{ "absolute form with userinfo", "GET http://u@a/x HTTP/1.1\r\n" HOST "\r\n", 400, 0 },
	{ "CONNECT", "CONNECT a:443 HTTP/1.1\r\n" HOST "\r\n", 501, 0 },
	{ "TLS on the plain port", "\x16\x03\x01\x02\r\n\r\n", 400, 0 },
	{ "nothing at all", "\r\n\r\n", 400, 0 },
};

static void test_http1_requests(void **state)
{
	static struct http1_head h;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(request_cases); i++) {
		const struct request_case *t = &request_cases[i];
		struct http1_error err = { 0 };
		ssize_t n = parse(true, false, t->text, strlen(t->text), &h, &err);

		if (t->status ? n != -1 || err.status != t->status || !err.what
		              : n != (ssize_t)strlen(t->text) || h.framing != t->framing)
			fail_msg("%s: returned %zd, status %d (%s), framing %d", t->why, n, err.status, err.what ? err.what : "-",
			         h.framing);
	}
}

static void test_http1_request_with_nul_is_refused(void **state)
{
	static const char in_value[] = "GET / HTTP/1.1\r\nHost: a\r\nX: a\0b\r\n\r\n";
	static const char in_name[] = "GET / HTTP/1.1\r\nHost: a\r\nX\0: b\r\n\r\n";
	static const char in_target[] = "GET /\0 HTTP/1.1\r\nHost: a\r\n\r\n";
	static struct http1_head h;
	struct http1_error err;

	(void)state;
	assert_int_equal(parse(true, false, in_value, sizeof(in_value) - 1, &h, &err), -1);
	assert_int_equal(parse(true, false, in_name, sizeof(in_name) - 1, &h, &err), -1);
	assert_int_equal(parse(true, false, in_target, sizeof(in_target) - 1, &h, &err), -1);
}

static void test_http1_absolute_form_replaces_host(void **state)
{
	static const struct {
		const char *target, *host, *path;
	} cases[] = {
		{ "http://real.example/a?b", "real.example", "/a?b" },
		{ "HTTPS://real.example:8443/", "real.example:8443", "/" },
		{ "http://real.example", "real.example", "" },
		{ "http://real.example?q", "real.example", "?q" },
	};
	static struct http1_head h;
	struct http1_error err;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		_cleanup_free_ char *text = xasprintf("GET %s HTTP/1.1\r\nHost: other\r\n\r\n", cases[i].target);

		assert_int_equal(parse(true, false, text, strlen(text), &h, &err), strlen(text));
		assert_str(h.host, cases[i].host);
		assert_str(h.target, cases[i].path);
	}
}

static void test_http1_keep_alive_and_upgrade(void **state)
{
	static const struct {
		const char *why, *version, *fields;
		bool keep_alive, upgrade;
	} cases[] = {
		{ "1.1 keeps", "1.1", "", true, false },
		{ "1.1 close", "1.1", "Connection: close\r\n", false, false },
		{ "close among others", "1.1", "Connection: foo\r\nConnection: bar, Close\r\n", false, false },
		{ "1.0 closes", "1.0", "", false, false },
		{ "1.0 keep-alive", "1.0", "Connection: Keep-Alive\r\n", true, false },
		{ "1.0 undecided closes", "1.0", "Connection: keep-alive, close\r\n", false, false },
		{ "WebSocket", "1.1", "Connection: keep-alive, Upgrade\r\nUpgrade: websocket\r\n", true, true },
		{ "Upgrade needs its option", "1.1", "Upgrade: websocket\r\n", true, false },
		{ "option needs its Upgrade", "1.1", "Connection: upgrade\r\n", true, false },
		{ "no upgrade in 1.0", "1.0", "Connection: upgrade\r\nUpgrade: websocket\r\n", false, false },
		{ "part of an option", "1.1", "Connection: closer\r\n", true, false },
	};
	static struct http1_head h;
	struct http1_error err;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		_cleanup_free_ char *text = xasprintf("GET / HTTP/%s\r\nHost: a\r\n%s\r\n", cases[i].version, cases[i].fields);

		assert_int_equal(parse(true, false, text, strlen(text), &h, &err), strlen(text));
		if (h.keep_alive != cases[i].keep_alive || h.upgrade != cases[i].upgrade)
			fail_msg("%s: keep_alive %d, upgrade %d", cases[i].why, h.keep_alive, h.upgrade);
	}
}

static void fill_head(struct buf *b, size_t total)
{
	static const char start[] = "GET / HTTP/1.1\r\nHost: a\r\nX: ";

	buf_puts(b, start);
	while (b->len < total - 4)
		buf_putc(b, 'x');
	buf_puts(b, "\r\n\r\n");
}

static void test_http1_head_has_a_maximum(void **state)
{
	_cleanup_buf_ struct buf exact = BUF_INIT(2 * HTTP1_HEAD_MAX), more = BUF_INIT(2 * HTTP1_HEAD_MAX);
	static struct http1_head h;
	struct http1_error err;
	size_t scanned = 0;

	(void)state;
	fill_head(&exact, HTTP1_HEAD_MAX);
	assert_int_equal(http1_parse_request(exact.data, exact.len, &scanned, &h, &err), HTTP1_HEAD_MAX);
	fill_head(&more, HTTP1_HEAD_MAX + 1);
	scanned = 0;
	assert_int_equal(http1_parse_request(more.data, HTTP1_HEAD_MAX - 1, &scanned, &h, &err), 0);
	assert_int_equal(http1_parse_request(more.data, HTTP1_HEAD_MAX, &scanned, &h, &err), -1);
	assert_int_equal(err.status, 431);
	scanned = 0;
	assert_int_equal(http1_parse_request(more.data, more.len, &scanned, &h, &err), -1);
	assert_int_equal(err.status, 431);
	scanned = 0;
	assert_int_equal(http1_parse_response(more.data, more.len, &scanned, false, &h, &err), -1);
	assert_int_equal(err.status, 502);
}

static void test_http1_an_empty_line_before_the_largest_head(void **state)
{
	_cleanup_buf_ struct buf b = BUF_INIT(2 * HTTP1_HEAD_MAX);
	static struct http1_head h;
	struct http1_error err;
	size_t scanned = 0;

	(void)state;
	buf_puts(&b, "\r\n");
	fill_head(&b, HTTP1_HEAD_MAX + 100);
	/* A caller with room for HTTP1_HEAD_MAX bytes must never be told to wait for more. */
	assert_int_equal(http1_parse_request(b.data, HTTP1_HEAD_MAX, &scanned, &h, &err), -1);
	assert_int_equal(err.status, 431);
}

static void test_http1_fields_and_options_have_a_maximum(void **state)
{
	static struct http1_head h;
	struct http1_error err;

	(void)state;
	for (int extra = 0; extra < 2; extra++) {
		_cleanup_buf_ struct buf b = BUF_INIT(HTTP1_HEAD_MAX), c = BUF_INIT(HTTP1_HEAD_MAX);

		buf_puts(&b, "GET / HTTP/1.1\r\nHost: a\r\n");
		for (int i = 0; i < HTTP1_FIELDS_MAX - 1 + extra; i++)
			buf_puts(&b, "X: y\r\n");
		buf_puts(&b, "\r\n");
		assert_int_equal(parse(true, false, b.data, b.len, &h, &err), extra ? -1 : (ssize_t)b.len);
		assert_true(!extra || err.status == 431);
		buf_puts(&c, "GET / HTTP/1.1\r\nHost: a\r\nConnection: ");
		for (int i = 0; i < HTTP1_CONNECTION_MAX + extra; i++)
			buf_puts(&c, "x,");
		buf_puts(&c, "\r\n\r\n");
		assert_int_equal(parse(true, false, c.data, c.len, &h, &err), extra ? -1 : (ssize_t)c.len);
		assert_true(!extra || err.status == 400);
	}
}

#define ANY (-1)

static const struct response_case {
	const char *why, *text;
	bool to_head;
	int status; /* 0: refused */
	int framing;
} response_cases[] = {
	{ "length", "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n", false, 200, HTTP1_LENGTH },
	{ "chunked", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", false, 200, HTTP1_CHUNKED },
	{ "until close", "HTTP/1.0 200 OK\r\n\r\n", false, 200, HTTP1_UNTIL_CLOSE },
	{ "until close in 1.1", "HTTP/1.1 200 OK\r\n\r\n", false, 200, HTTP1_UNTIL_CLOSE },
	{ "to HEAD", "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n", true, 200, HTTP1_NONE },
	{ "to HEAD, chunked", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", true, 200, HTTP1_NONE },
	{ "204", "HTTP/1.1 204 No Content\r\nContent-Length: 5\r\n\r\n", false, 204, HTTP1_NONE },
	{ "304", "HTTP/1.1 304 Not Modified\r\nContent-Length: 5\r\n\r\n", false, 304, HTTP1_NONE },
	{ "100", "HTTP/1.1 100 Continue\r\n\r\n", false, 100, HTTP1_NONE },
	{ "103", "HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n", false, 103, HTTP1_NONE },
	{ "101", "HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: x\r\n\r\n", false, 101, HTTP1_NONE },
	{ "empty reason", "HTTP/1.1 200 \r\nContent-Length: 0\r\n\r\n", false, 200, HTTP1_LENGTH },
	{ "no reason, no space", "HTTP/1.1 200\r\nContent-Length: 0\r\n\r\n", false, 200, HTTP1_LENGTH },
	{ "unknown status", "HTTP/1.1 599 x\r\nContent-Length: 0\r\n\r\n", false, 599, HTTP1_LENGTH },

	{ "both lengths", "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n", false, 0, ANY },
	{ "two lengths", "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Length: 5\r\n\r\n", false, 0, ANY },
	{ "odd coding", "HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip\r\n\r\n", false, 0, ANY },
	{ "chunked in 1.0", "HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", false, 0, ANY },
	{ "folded", "HTTP/1.1 200 OK\r\nX: a\r\n b\r\n\r\n", false, 0, ANY },
	{ "bare LF", "HTTP/1.1 200 OK\nContent-Length: 0\n\n", false, 0, ANY },
	{ "not HTTP", "SSH-2.0-OpenSSH_9.2\r\n\r\n", false, 0, ANY },
	{ "status of two digits", "HTTP/1.1 20 OK\r\n\r\n", false, 0, ANY },
	{ "status of four digits", "HTTP/1.1 2000 OK\r\n\r\n", false, 0, ANY },
	{ "status below 100", "HTTP/1.1 099 OK\r\n\r\n", false, 0, ANY },
	{ "status above 599", "HTTP/1.1 600 OK\r\n\r\n", false, 0, ANY },
	{ "HTTP/2", "HTTP/2.0 200 OK\r\n\r\n", false, 0, ANY },
	{ "control character in the reason", "HTTP/1.1 200 a\x01\r\n\r\n", false, 0, ANY },
	{ "empty line first", "\r\nHTTP/1.1 200 OK\r\n\r\n", false, 0, ANY },
};

static void test_http1_responses(void **state)
{
	static struct http1_head h;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(response_cases); i++) {
		const struct response_case *t = &response_cases[i];
		struct http1_error err = { 0 };
		ssize_t n = parse(false, t->to_head, t->text, strlen(t->text), &h, &err);

		if (t->status ? n != (ssize_t)strlen(t->text) || h.status != t->status || (int)h.framing != t->framing
		              : n != -1 || err.status != 502)
			fail_msg("%s: returned %zd, status %d, framing %d", t->why, n, h.status, h.framing);
	}
}

/* Bodies. */

enum { END, MORE, BAD };

static const struct body_case {
	const char *why, *text;
	int result;
	const char *data, *trailers, *rest;
} body_cases[] = {
	{ "one chunk", "5\r\nhello\r\n0\r\n\r\nnext", END, "hello", "", "next" },
	{ "several", "1\r\na\r\n2\r\nbc\r\n0\r\n\r\n", END, "abc", "", "" },
	{ "empty", "0\r\n\r\n", END, "", "", "" },
	{ "upper and lower case", "A\r\n0123456789\r\na\r\n0123456789\r\n0\r\n\r\n", END, "01234567890123456789", "", "" },
	{ "leading zeros", "0005\r\nhello\r\n000\r\n\r\n", END, "hello", "", "" },
	{ "line ends as data", "4\r\n\r\n\r\n\r\n0\r\n\r\n", END, "\r\n\r\n", "", "" },
	{ "extension", "5;a=b\r\nhello\r\n0;last\r\n\r\n", END, "hello", "", "" },
	{ "quoted extension", "5;a=\"b;c\"\r\nhello\r\n0\r\n\r\n", END, "hello", "", "" },
	{ "white space before an extension", "5 \t;a\r\nhello\r\n0\r\n\r\n", END, "hello", "", "" },
	{ "trailer", "0\r\nX-Sum: 1\r\n\r\nnext", END, "", "X-Sum=1;", "next" },
	{ "trailers", "1\r\na\r\n0\r\nA: b\r\nC:\r\n\r\n", END, "a", "A=b;C=;", "" },
	{ "incomplete size", "5", MORE, "", "", "" },
	{ "incomplete data", "5\r\nhel", MORE, "hel", "", "" },
	{ "incomplete trailer", "0\r\nX: ", MORE, "", "", "X: " },
	{ "incomplete end", "0\r\n\r", MORE, "", "", "\r" },

	{ "no size", "\r\nhello\r\n", BAD, "", "", NULL },
	{ "not a size", "g\r\n", BAD, "", "", NULL },
	{ "size with prefix", "0x5\r\nhello\r\n", BAD, "", "", NULL },
	{ "negative size", "-5\r\n", BAD, "", "", NULL },
	{ "signed size", "+5\r\nhello\r\n", BAD, "", "", NULL },
	{ "size with underscore", "1_0\r\n", BAD, "", "", NULL },
	{ "space before the size", " 5\r\nhello\r\n", BAD, "", "", NULL },
	{ "space after the size", "5 \r\nhello\r\n", BAD, "", "", NULL },
	{ "size in two parts", "5 5\r\nhello\r\n", BAD, "", "", NULL },
	{ "size of 64 bits", "ffffffffffffffff\r\n", BAD, "", "", NULL },
	{ "size that wraps to 5", "10000000000000005\r\nhello\r\n", BAD, "", "", NULL },
	{ "bare LF after the size", "5\nhello\r\n0\r\n\r\n", BAD, "", "", NULL },
	{ "bare CR after the size", "5\rhello\r\n0\r\n\r\n", BAD, "", "", NULL },
	{ "extension ends in bare LF", "5;a\nhello\r\n0\r\n\r\n", BAD, "", "", NULL },
	{ "extension with bare CR", "5;a\rb\r\nhello\r\n0\r\n\r\n", BAD, "", "", NULL },
	{ "data longer than said", "5\r\nhello!\r\n0\r\n\r\n", BAD, "hello", "", NULL },
	{ "no CRLF after data", "5\r\nhello0\r\n\r\n", BAD, "hello", "", NULL },
	{ "bare LF after data", "5\r\nhello\n0\r\n\r\n", BAD, "hello", "", NULL },
	{ "trailer with bare LF", "0\r\nX: a\n\r\n", BAD, "", "", NULL },
	{ "folded trailer", "0\r\nX: a\r\n b\r\n\r\n", BAD, "", "X=a;", NULL },
	{ "trailer without colon", "0\r\nGET / HTTP/1.1\r\n\r\n", BAD, "", "", NULL },
	{ "end with bare LF", "0\r\n\n", BAD, "", "", NULL },
};

/* Feeds text in pieces of `step` bytes. */
static int feed(struct http1_body *body, const char *text, size_t len, size_t step, struct buf *data,
                struct buf *trailers, size_t *ret_used)
{
	size_t at = 0, end = 0, used;
	struct http1_field f;

	for (;;) {
		switch (http1_body_next(body, text + at, end - at, &used, &f)) {
		case HTTP1_DATA:
			assert_true(f.value.len > 0);
			buf_append(data, f.value.p, f.value.len);
			break;
		case HTTP1_TRAILER:
			buf_printf(trailers, "%.*s=%.*s;", (int)f.name.len, f.name.p, (int)f.value.len, f.value.p);
			break;
		case HTTP1_END:
			*ret_used = at + used;
			return END;
		case HTTP1_BAD:
			return BAD;
		case HTTP1_MORE:
			if (end == len) {
				*ret_used = at + used;
				return MORE;
			}
			end = end + step < len ? end + step : len;
			break;
		}
		at += used;
		assert_true(at <= end);
	}
}

static void test_http1_chunked_bodies(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(body_cases); i++) {
		for (size_t step = 1; step < 40; step++) {
			const struct body_case *t = &body_cases[i];
			_cleanup_buf_ struct buf data = BUF_INIT(1000), trailers = BUF_INIT(1000);
			struct http1_body body;
			size_t used = 0;

			http1_body_init(&body, HTTP1_CHUNKED, -1);
			int result = feed(&body, t->text, strlen(t->text), step, &data, &trailers, &used);

			if (result != t->result || strcmp(buf_str(&data), t->data) || strcmp(buf_str(&trailers), t->trailers) ||
			    (t->rest && strcmp(t->text + used, t->rest)))
				fail_msg("%s, %zu bytes at once: result %d, data \"%s\", trailers \"%s\", used %zu", t->why, step,
				         result, buf_str(&data), buf_str(&trailers), used);
			assert_int_equal(http1_body_ends_with_close(&body), result == END);
		}
	}
}

static void test_http1_chunk_sizes_are_63_bits(void **state)
{
	struct http1_body body;
	struct http1_field f;
	size_t used;

	(void)state;
	http1_body_init(&body, HTTP1_CHUNKED, -1);
	assert_int_equal(http1_body_next(&body, "fffffffffffffff\r\nx", 18, &used, &f), HTTP1_DATA);
	assert_int_equal(used, 18);
	assert_int_equal(body.left, 0xfffffffffffffff - 1);
}

static int feed_text(const char *text, size_t len)
{
	_cleanup_buf_ struct buf data = BUF_INIT(1 << 20), trailers = BUF_INIT(1 << 20);
	struct http1_body body;
	size_t used;

	http1_body_init(&body, HTTP1_CHUNKED, -1);
	return feed(&body, text, len, 100, &data, &trailers, &used);
}

static void test_http1_extensions_have_a_maximum(void **state)
{
	_cleanup_buf_ struct buf one = BUF_INIT(1 << 20), many = BUF_INIT(1 << 20), signed_chunks = BUF_INIT(1 << 20);

	(void)state;
	buf_puts(&one, "1;");
	for (int i = 0; i < 2000; i++)
		buf_putc(&one, 'x');
	assert_int_equal(feed_text(one.data, one.len), BAD);
	/* Each small, but together much more than the data. */
	for (int i = 0; i < 100; i++)
		buf_printf(&many, "1;%0500d\r\nx\r\n", 0);
	assert_int_equal(feed_text(many.data, many.len), BAD);
	/* A signature on each chunk of a kilobyte is fine however many there are. */
	for (int i = 0; i < 500; i++)
		buf_printf(&signed_chunks, "400;chunk-signature=%064d\r\n%01024d\r\n", 0, 0);
	buf_puts(&signed_chunks, "0\r\n\r\n");
	assert_int_equal(feed_text(signed_chunks.data, signed_chunks.len), END);
}

static void test_http1_trailers_have_a_maximum(void **state)
{
	_cleanup_buf_ struct buf line = BUF_INIT(1 << 20), lines = BUF_INIT(1 << 20);

	(void)state;
	buf_puts(&line, "0\r\nX: ");
	for (size_t i = 0; i < HTTP1_TRAILER_MAX; i++)
		buf_putc(&line, 'x');
	assert_int_equal(feed_text(line.data, line.len), BAD);
	buf_puts(&lines, "0\r\n");
	for (size_t i = 0; i < HTTP1_TRAILER_MAX / 6 + 1; i++)
		buf_puts(&lines, "X: y\r\n");
	assert_int_equal(feed_text(lines.data, lines.len), BAD);
}

static void test_http1_bodies_with_length(void **state)
{
	_cleanup_buf_ struct buf data = BUF_INIT(100), trailers = BUF_INIT(100);
	struct http1_body body;
	size_t used;

	(void)state;
	http1_body_init(&body, HTTP1_LENGTH, 5);
	assert_int_equal(feed(&body, "hel", 3, 2, &data, &trailers, &used), MORE);
	assert_false(http1_body_ends_with_close(&body));
	assert_int_equal(feed(&body, "loGET", 5, 5, &data, &trailers, &used), END);
	assert_int_equal(used, 2);
	assert_string_equal(buf_str(&data), "hello");
	assert_true(http1_body_ends_with_close(&body));
	http1_body_init(&body, HTTP1_LENGTH, 0);
	assert_int_equal(feed(&body, "GET", 3, 3, &data, &trailers, &used), END);
	assert_int_equal(used, 0);
	http1_body_init(&body, HTTP1_NONE, -1);
	assert_int_equal(feed(&body, "GET", 3, 3, &data, &trailers, &used), END);
	assert_int_equal(used, 0);
}

static void test_http1_bodies_until_close(void **state)
{
	_cleanup_buf_ struct buf data = BUF_INIT(100), trailers = BUF_INIT(100);
	struct http1_body body;
	size_t used;

	(void)state;
	http1_body_init(&body, HTTP1_UNTIL_CLOSE, -1);
	assert_int_equal(feed(&body, "hello", 5, 2, &data, &trailers, &used), MORE);
	assert_int_equal(feed(&body, " you", 4, 9, &data, &trailers, &used), MORE);
	assert_string_equal(buf_str(&data), "hello you");
	assert_true(http1_body_ends_with_close(&body));
}

static void test_http1_idempotent_methods(void **state)
{
	static const struct {
		const char *method;
		bool idempotent;
	} cases[] = { { "GET", true },     { "HEAD", true },  { "PUT", true },   { "DELETE", true },
		          { "OPTIONS", true }, { "TRACE", true }, { "POST", false }, { "PATCH", false },
		          { "get", false },    { "GE", false },   { "GETX", false } };

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++)
		assert_int_equal(http1_method_idempotent((struct http1_str){ cases[i].method, strlen(cases[i].method) }),
		                 cases[i].idempotent);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_http1_request_head),
		cmocka_unit_test(test_http1_requests),
		cmocka_unit_test(test_http1_request_with_nul_is_refused),
		cmocka_unit_test(test_http1_absolute_form_replaces_host),
		cmocka_unit_test(test_http1_keep_alive_and_upgrade),
		cmocka_unit_test(test_http1_head_has_a_maximum),
		cmocka_unit_test(test_http1_an_empty_line_before_the_largest_head),
		cmocka_unit_test(test_http1_fields_and_options_have_a_maximum),
		cmocka_unit_test(test_http1_responses),
		cmocka_unit_test(test_http1_chunked_bodies),
		cmocka_unit_test(test_http1_chunk_sizes_are_63_bits),
		cmocka_unit_test(test_http1_extensions_have_a_maximum),
		cmocka_unit_test(test_http1_trailers_have_a_maximum),
		cmocka_unit_test(test_http1_bodies_with_length),
		cmocka_unit_test(test_http1_bodies_until_close),
		cmocka_unit_test(test_http1_idempotent_methods),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
