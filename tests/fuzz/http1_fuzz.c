/* One HTTP/1 message, as the reverse proxy reads and rewrites it. The first byte chooses what it is, the second in what
 * pieces it arrives. Beyond not crashing: pieces make no difference, and what is passed on is a message that means the
 * same, ends where it should, and is read in one way only. */

#include "../../src/net/proxy_message.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define CHECK(condition)  \
	do {                  \
		if (!(condition)) \
			abort();      \
	} while (0)

enum kind { REQUEST, RESPONSE, RESPONSE_TO_HEAD };

static ssize_t parse(enum kind kind, const char *data, size_t len, size_t *scanned, struct http1_head *head,
                     struct http1_error *err)
{
	if (kind == REQUEST)
		return http1_parse_request(data, len, scanned, head, err);
	return http1_parse_response(data, len, scanned, kind == RESPONSE_TO_HEAD, head, err);
}

/* The same, in pieces of `step` bytes. */
static ssize_t parse_pieces(enum kind kind, const char *data, size_t len, size_t step, struct http1_head *head)
{
	struct http1_error err;
	size_t scanned = 0, end = 0;

	for (;;) {
		ssize_t n = parse(kind, data, end, &scanned, head, &err);

		CHECK(n != 0 || end < HTTP1_HEAD_MAX);
		CHECK(n >= 0 || (err.status >= 400 && err.what));
		if (n || end == len)
			return n;
		end = end + step < len ? end + step : len;
	}
}

/* Decodes a whole body onto out. */
static enum http1_event decode(enum http1_framing framing, int64_t length, const char *data, size_t len,
                               struct buf *out, size_t *ret_used)
{
	struct http1_body body;
	struct http1_field f;
	size_t at = 0, used;

	http1_body_init(&body, framing, length);
	for (;;) {
		enum http1_event e = http1_body_next(&body, data + at, len - at, &used, &f);

		CHECK(used <= len - at);
		at += used;
		if (e == HTTP1_DATA)
			buf_append(out, f.value.p, f.value.len);
		else if (e != HTTP1_TRAILER) {
			*ret_used = at;
			return e;
		}
	}
}

/* What comes out of the proxy for a body that arrives in pieces. */
static enum proxy_body_result rewrite(struct proxy_body *b, const char *data, size_t len, size_t step, struct buf *out)
{
	struct buf in = BUF_INIT(len);
	enum proxy_body_result result;
	size_t at = 0;

	for (;;) {
		result = proxy_message_body(b, &in, out, 16);
		if (result == PROXY_BODY_FULL)
			continue;
		if (result != PROXY_BODY_MORE || at == len)
			break;
		CHECK(in.len < HTTP1_TRAILER_MAX);
		size_t n = len - at < step ? len - at : step;

		buf_append(&in, data + at, n);
		at += n;
	}
	buf_clear(&in);
	return result;
}

static void check_body(const struct http1_head *head, const char *data, size_t len, size_t step, bool chunked)
{
	struct buf plain = BUF_INIT(len), sent = BUF_INIT(len * 8 + 4096), again = BUF_INIT(len);
	struct proxy_body b = { .chunked = chunked };
	size_t used, sent_used = 0;
	enum http1_event e = decode(head->framing, head->content_length, data, len, &plain, &used);

	http1_body_init(&b.in, head->framing, head->content_length);
	enum proxy_body_result result = rewrite(&b, data, len, step, &sent);

	CHECK((e == HTTP1_END) == (result == PROXY_BODY_END) && (e == HTTP1_BAD) == (result == PROXY_BODY_BAD));
	bool complete = e == HTTP1_END || (e == HTTP1_MORE && proxy_message_body_closed(&b, &sent));

	if (complete && chunked) {
		CHECK(decode(HTTP1_CHUNKED, -1, buf_str(&sent), sent.len, &again, &sent_used) == HTTP1_END);
		CHECK(sent_used == sent.len);
		CHECK(again.len == plain.len && !memcmp(buf_str(&again), buf_str(&plain), plain.len));
	} else if (complete) {
		CHECK(sent.len == plain.len && !memcmp(buf_str(&sent), buf_str(&plain), plain.len));
	}
	buf_clear(&plain);
	buf_clear(&sent);
	buf_clear(&again);
}

static void check_head(enum kind kind, const struct http1_head *head)
{
	static struct http1_head again;
	struct buf out = BUF_INIT(4 * HTTP1_HEAD_MAX);
	struct proxy_message_response how = { .chunked = head->framing == HTTP1_CHUNKED, .close = !head->keep_alive };
	struct http1_error err;
	size_t scanned = 0;

	if (kind == REQUEST)
		proxy_message_request(&out, head, "127.0.0.1", "127.0.0.1:80");
	else
		proxy_message_response(&out, head, &how);
	CHECK(!out.failed);
	ssize_t n = parse(kind, buf_str(&out), out.len, &scanned, &again, &err);

	if (out.len >= HTTP1_HEAD_MAX || head->fields_len > HTTP1_FIELDS_MAX - 8) {
		buf_clear(&out);
		return;
	}
	CHECK(n == (ssize_t)out.len);
	CHECK(again.framing == head->framing);
	CHECK(head->framing != HTTP1_LENGTH || again.content_length == head->content_length);
	CHECK(again.minor == 1);
	if (kind == REQUEST) {
		CHECK(again.method.len == head->method.len && again.target.len > 0);
		CHECK(again.upgrade == proxy_message_is_upgrade(head));
		CHECK(again.keep_alive);
	} else {
		CHECK(again.status == head->status && again.keep_alive == head->keep_alive);
	}
	buf_clear(&out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct http1_head head, pieces;
	struct http1_error err;
	size_t scanned = 0;

	if (size < 2 || size > 2 * HTTP1_HEAD_MAX)
		return 0;
	enum kind kind = data[0] % 3;
	size_t step = data[1] ? data[1] : 1, len = size - 2;
	const char *text = (const char *)data + 2;
	ssize_t n = parse(kind, text, len, &scanned, &head, &err);

	CHECK(parse_pieces(kind, text, len, step, &pieces) == n);
	if (n > 0) {
		CHECK((size_t)n <= len && pieces.fields_len == head.fields_len && pieces.framing == head.framing);
		check_head(kind, &head);
		bool open_ended = head.framing == HTTP1_CHUNKED || head.framing == HTTP1_UNTIL_CLOSE;

		check_body(&head, text + n, len - (size_t)n, step, false);
		if (open_ended)
			check_body(&head, text + n, len - (size_t)n, step, true);
	}
	return 0;
}
