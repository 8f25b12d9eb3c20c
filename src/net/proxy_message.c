#include "proxy_message.h"

#include <string.h>

/* Case-insensitive, and '_' equals '-': programs behind CGI-like interfaces cannot tell "X_Forwarded_For" from
 * "X-Forwarded-For", so neither may get past us. */
static bool name_is(struct http1_str name, const char *what)
{
	for (size_t i = 0; i < name.len; i++) {
		char c = name.p[i] == '_' ? '-' : name.p[i];

		if (tolower((unsigned char)c) != what[i])
			return false;
	}
	return what[name.len] == '\0';
}

static bool name_in(struct http1_str name, const char *const *names)
{
	for (; *names; names++)
		if (name_is(name, *names))
			return true;
	return false;
}

/* RFC 9110 section 7.6.1, and what is about this connection's framing. */
static const char *const hop_by_hop[] = { "connection",        "keep-alive", "proxy-connection", "te",
	                                      "transfer-encoding", "upgrade",    "content-length",   NULL };
/* Written anew. */
static const char *const request_own[] = { "host", "expect", "x-forwarded-for", "x-forwarded-proto", "x-forwarded-host",
	                                       NULL };
/* RFC 9110 section 6.5.1: must not be in a trailer. */
static const char *const trailer_never[] = {
	"host", "trailer", "expect", "x-forwarded-for", "x-forwarded-proto", "x-forwarded-host", NULL
};

static void put(struct buf *out, struct http1_str s)
{
	buf_append(out, s.p, s.len);
}

static void put_field(struct buf *out, const struct http1_field *f)
{
	put(out, f->name);
	buf_puts(out, ": ");
	put(out, f->value);
	buf_puts(out, "\r\n");
}

static void put_fields_named(struct buf *out, const struct http1_head *h, const char *name)
{
	for (size_t i = 0; i < h->fields_len; i++)
		if (http1_str_is(h->fields[i].name, name))
			put_field(out, &h->fields[i]);
}

bool proxy_message_is_upgrade(const struct http1_head *request)
{
	if (!request->upgrade || request->framing != HTTP1_NONE)
		return false;
	for (size_t i = 0; i < request->fields_len; i++) {
		struct http1_str list = request->fields[i].value, protocol;

		while (http1_str_is(request->fields[i].name, "upgrade") && http1_list_next(&list, &protocol))
			if (http1_str_is(protocol, "h2c"))
				return false;
	}
	return true;
}

static void put_forwarded(struct buf *out, const struct http1_head *h, const char *peer, struct http1_str host)
{
	buf_puts(out, "X-Forwarded-For: ");
	for (size_t i = 0; i < h->fields_len; i++) {
		if (http1_str_is(h->fields[i].name, "x-forwarded-for") && h->fields[i].value.len) {
			put(out, h->fields[i].value);
			buf_puts(out, ", ");
		}
	}
	buf_printf(out, "%s\r\nX-Forwarded-Proto: http\r\nX-Forwarded-Host: ", peer);
	put(out, host);
	buf_puts(out, "\r\n");
}

void proxy_message_request(struct buf *out, const struct http1_head *request, const char *peer, const char *own_host)
{
	struct http1_str host = request->host.p ? request->host : (struct http1_str){ own_host, strlen(own_host) };

	put(out, request->method);
	buf_putc(out, ' ');
	if (!request->target.len || request->target.p[0] == '?')
		buf_putc(out, '/');
	put(out, request->target);
	buf_puts(out, " HTTP/1.1\r\nHost: ");
	put(out, host);
	buf_puts(out, "\r\n");
	for (size_t i = 0; i < request->fields_len; i++) {
		const struct http1_field *f = &request->fields[i];

		if (!name_in(f->name, hop_by_hop) && !name_in(f->name, request_own) && !http1_connection_has(request, f->name))
			put_field(out, f);
	}
	put_forwarded(out, request, peer, host);
	/* RFC 9110 section 10.1.1: a 1.0 client does not mean it. */
	if (request->minor > 0 && request->framing != HTTP1_NONE)
		put_fields_named(out, request, "expect");
	if (request->framing == HTTP1_LENGTH)
		buf_printf(out, "Content-Length: %lld\r\n", (long long)request->content_length);
	else if (request->framing == HTTP1_CHUNKED)
		buf_puts(out, "Transfer-Encoding: chunked\r\n");
	if (proxy_message_is_upgrade(request)) {
		buf_puts(out, "Connection: upgrade\r\n");
		put_fields_named(out, request, "upgrade");
	}
	buf_puts(out, "\r\n");
}

void proxy_message_response(struct buf *out, const struct http1_head *response,
                            const struct proxy_message_response *how)
{
	bool may_have_length = response->status >= 200 && response->status != 204;

	buf_printf(out, "HTTP/1.1 %d ", response->status);
	put(out, response->reason);
	buf_puts(out, "\r\n");
	for (size_t i = 0; i < response->fields_len; i++) {
		const struct http1_field *f = &response->fields[i];

		if (!name_in(f->name, hop_by_hop) && !http1_connection_has(response, f->name))
			put_field(out, f);
	}
	if (how->chunked)
		buf_puts(out, "Transfer-Encoding: chunked\r\n");
	else if (response->content_length >= 0 && may_have_length)
		buf_printf(out, "Content-Length: %lld\r\n", (long long)response->content_length);
	if (how->upgrade) {
		buf_puts(out, "Connection: upgrade\r\n");
		put_fields_named(out, response, "upgrade");
	} else if (how->close) {
		buf_puts(out, "Connection: close\r\n");
	} else if (how->keep_alive) {
		buf_puts(out, "Connection: keep-alive\r\n");
	}
	buf_puts(out, "\r\n");
}

static const char *error_reason(int status)
{
	switch (status) {
	case 400:
		return "Bad Request";
	case 408:
		return "Request Timeout";
	case 431:
		return "Request Header Fields Too Large";
	case 501:
		return "Not Implemented";
	case 502:
		return "Bad Gateway";
	case 503:
		return "Service Unavailable";
	case 505:
		return "HTTP Version Not Supported";
	}
	return "Error";
}

void proxy_message_error(struct buf *out, int status, const char *sentence, bool to_head_request)
{
	buf_printf(out,
	           "HTTP/1.1 %d %s\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Length: %zu\r\n"
	           "Cache-Control: no-store\r\n%sConnection: close\r\n\r\n",
	           status, error_reason(status), strlen(sentence) + 2, status == 503 ? "Retry-After: 1\r\n" : "");
	if (!to_head_request)
		buf_printf(out, "%c%s.\n", toupper((unsigned char)sentence[0]), sentence + 1);
}

/* Bodies. */

static void put_data(struct proxy_body *b, struct buf *out, struct http1_str data)
{
	if (b->chunked)
		buf_printf(out, "%zx\r\n", data.len);
	put(out, data);
	if (b->chunked)
		buf_puts(out, "\r\n");
}

static void put_last_chunk(struct proxy_body *b, struct buf *out)
{
	if (b->chunked && !b->last_chunk)
		buf_puts(out, "0\r\n");
	b->last_chunk = true;
}

static void put_trailer(struct proxy_body *b, struct buf *out, const struct http1_field *f)
{
	if (!b->chunked || name_in(f->name, hop_by_hop) || name_in(f->name, trailer_never))
		return;
	put_last_chunk(b, out);
	put_field(out, f);
}

static void put_end(struct proxy_body *b, struct buf *out)
{
	put_last_chunk(b, out);
	if (b->chunked)
		buf_puts(out, "\r\n");
}

enum proxy_body_result proxy_message_body(struct proxy_body *b, struct buf *in, struct buf *out, size_t room)
{
	size_t at = 0, start = out->len, used;
	enum proxy_body_result result;
	struct http1_field f;

	for (;;) {
		if (out->len - start >= room) {
			result = PROXY_BODY_FULL;
			break;
		}
		enum http1_event e = http1_body_next(&b->in, in->data ? in->data + at : NULL, in->len - at, &used, &f);

		if (e == HTTP1_DATA)
			put_data(b, out, f.value);
		else if (e == HTTP1_TRAILER)
			put_trailer(b, out, &f);
		at += used;
		if (e == HTTP1_MORE || e == HTTP1_BAD || e == HTTP1_END) {
			result = e == HTTP1_MORE ? PROXY_BODY_MORE : e == HTTP1_BAD ? PROXY_BODY_BAD : PROXY_BODY_END;
			if (e == HTTP1_END)
				put_end(b, out);
			break;
		}
	}
	buf_consume(in, at);
	return out->failed ? PROXY_BODY_BAD : result;
}

bool proxy_message_body_closed(struct proxy_body *b, struct buf *out)
{
	if (!http1_body_ends_with_close(&b->in))
		return false;
	put_end(b, out);
	return true;
}
