#include "http1.h"

#include <string.h>
#include <strings.h>

/* RFC 9110 section 5.6.2. */
static bool is_token_char(unsigned char c)
{
	static const char marks[] = "!#$%&'*+-.^_`|~";

	return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
	       (c && memchr(marks, c, sizeof(marks) - 1));
}

static bool is_token(struct http1_str s)
{
	for (size_t i = 0; i < s.len; i++)
		if (!is_token_char((unsigned char)s.p[i]))
			return false;
	return s.len > 0;
}

static bool is_space(char c)
{
	return c == ' ' || c == '\t';
}

static struct http1_str trim(struct http1_str s)
{
	while (s.len && is_space(s.p[0])) {
		s.p++;
		s.len--;
	}
	while (s.len && is_space(s.p[s.len - 1]))
		s.len--;
	return s;
}

bool http1_str_is(struct http1_str a, const char *b)
{
	return a.len == strlen(b) && !strncasecmp(a.p, b, a.len);
}

bool http1_list_next(struct http1_str *list, struct http1_str *ret)
{
	while (list->len) {
		const char *comma = memchr(list->p, ',', list->len);
		size_t n = comma ? (size_t)(comma - list->p) : list->len;
		struct http1_str element = trim((struct http1_str){ list->p, n });

		n += comma ? 1 : 0;
		list->p += n;
		list->len -= n;
		if (element.len) {
			*ret = element;
			return true;
		}
	}
	return false;
}

bool http1_connection_has(const struct http1_head *h, struct http1_str name)
{
	for (size_t i = 0; i < h->connection_len; i++)
		if (h->connection[i].len == name.len && !strncasecmp(h->connection[i].p, name.p, name.len))
			return true;
	return false;
}

static bool connection_has(const struct http1_head *h, const char *name)
{
	return http1_connection_has(h, (struct http1_str){ name, strlen(name) });
}

bool http1_method_idempotent(struct http1_str method)
{
	static const char *const names[] = { "GET", "HEAD", "OPTIONS", "TRACE", "PUT", "DELETE" };

	/* Methods are case-sensitive. */
	for (size_t i = 0; i < ARRAY_SIZE(names); i++)
		if (method.len == strlen(names[i]) && !memcmp(method.p, names[i], method.len))
			return true;
	return false;
}

static int bad(struct http1_error *err, int status, const char *what)
{
	*err = (struct http1_error){ status, what };
	return -1;
}

/* Looks for the empty line that ends a head: its length, 0 when it is not there yet, -1 for a line that does not end in
 * CRLF. */
static ssize_t find_end(const char *data, size_t len, size_t *scanned, struct http1_error *err)
{
	size_t at = *scanned, limit = len < HTTP1_HEAD_MAX ? len : HTTP1_HEAD_MAX;

	while (at < limit) {
		const char *lf = memchr(data + at, '\n', limit - at);

		if (!lf)
			break;
		at = (size_t)(lf - data);
		if (at == 0 || data[at - 1] != '\r')
			return bad(err, 400, "a line of the head ends in LF without CR");
		if (at == 1 || (at >= 3 && data[at - 2] == '\n'))
			return (ssize_t)at + 1;
		at++;
	}
	*scanned = limit;
	if (len >= HTTP1_HEAD_MAX)
		return bad(err, 431, "the head is larger than 64 KiB");
	return 0;
}

/* The next line of a head that is known to be complete, without its CRLF. */
static struct http1_str next_line(struct http1_str *head)
{
	const char *lf = memchr(head->p, '\n', head->len);
	struct http1_str line = { head->p, (size_t)(lf - head->p) - 1 };

	head->len -= line.len + 2;
	head->p += line.len + 2;
	return line;
}

int http1_parse_field(struct http1_str line, struct http1_field *ret, struct http1_error *err)
{
	const char *colon = memchr(line.p, ':', line.len);

	if (line.len && is_space(line.p[0]))
		return bad(err, 400, "a header field is folded over several lines");
	if (!colon)
		return bad(err, 400, "a header field has no colon");
	ret->name = (struct http1_str){ line.p, (size_t)(colon - line.p) };
	ret->value = trim((struct http1_str){ colon + 1, line.len - ret->name.len - 1 });
	if (!is_token(ret->name))
		return bad(err, 400, "a header field's name is malformed");
	for (size_t i = 0; i < ret->value.len; i++)
		if (!http1_is_text((unsigned char)ret->value.p[i]))
			return bad(err, 400, "a header field's value has a control character");
	return 0;
}

static int parse_digits(struct http1_str s, int64_t *ret)
{
	int64_t n = 0;

	if (!s.len)
		return -1;
	for (size_t i = 0; i < s.len; i++) {
		if (s.p[i] < '0' || s.p[i] > '9' || __builtin_mul_overflow(n, 10, &n) ||
		    __builtin_add_overflow(n, s.p[i] - '0', &n))
			return -1;
	}
	*ret = n;
	return 0;
}

/* What the framing fields of one head say; see RFC 9112 section 6.3. */
struct framing_fields {
	unsigned lengths, codings; /* fields seen */
	unsigned chunked, others;  /* transfer codings seen */
	bool chunked_last;
	unsigned hosts;
	bool upgrade;
};

static int note_codings(struct http1_str value, struct framing_fields *f, struct http1_error *err)
{
	struct http1_str list = value, coding;

	f->codings++;
	f->chunked_last = false;
	while (http1_list_next(&list, &coding)) {
		f->chunked_last = http1_str_is(coding, "chunked");
		if (f->chunked_last)
			f->chunked++;
		else
			f->others++;
	}
	if (f->chunked > 1)
		return bad(err, 400, "Transfer-Encoding says chunked more than once");
	return 0;
}

static int note_field(struct http1_head *h, const struct http1_field *field, struct framing_fields *f,
                      struct http1_error *err)
{
	struct http1_str list = field->value, option;

	if (http1_str_is(field->name, "content-length")) {
		if (f->lengths++)
			return bad(err, 400, "there is more than one Content-Length");
		if (parse_digits(field->value, &h->content_length))
			return bad(err, 400, "Content-Length is not a number that can be");
	} else if (http1_str_is(field->name, "transfer-encoding")) {
		return note_codings(field->value, f, err);
	} else if (http1_str_is(field->name, "connection")) {
		while (http1_list_next(&list, &option)) {
			if (h->connection_len == HTTP1_CONNECTION_MAX)
				return bad(err, 400, "there are more than 32 connection options");
			h->connection[h->connection_len++] = option;
		}
	} else if (http1_str_is(field->name, "host")) {
		f->hosts++;
		if (!h->host.p)
			h->host = field->value;
	} else if (http1_str_is(field->name, "upgrade")) {
		f->upgrade = field->value.len > 0;
	}
	return 0;
}

static int parse_fields(struct http1_str head, struct http1_head *h, struct framing_fields *f, struct http1_error *err)
{
	for (;;) {
		struct http1_str line = next_line(&head);

		if (!line.len)
			break;
		if (h->fields_len == HTTP1_FIELDS_MAX)
			return bad(err, 431, "there are more than 256 header fields");
		if (http1_parse_field(line, &h->fields[h->fields_len], err) || note_field(h, &h->fields[h->fields_len], f, err))
			return -1;
		h->fields_len++;
	}
	h->upgrade = f->upgrade && h->minor > 0 && connection_has(h, "upgrade");
	if (h->minor == 0)
		h->keep_alive = connection_has(h, "keep-alive") && !connection_has(h, "close");
	else
		h->keep_alive = !connection_has(h, "close");
	return 0;
}

/* Both kinds of messages: is what the fields say about the length unambiguous? */
static int check_framing(const struct http1_head *h, const struct framing_fields *f, struct http1_error *err)
{
	if (!f->codings)
		return 0;
	if (h->minor == 0)
		return bad(err, 400, "HTTP/1.0 has no Transfer-Encoding");
	if (f->lengths)
		return bad(err, 400, "there are both Content-Length and Transfer-Encoding");
	if (!f->chunked_last)
		return bad(err, f->chunked || !f->others ? 400 : 501, "the last transfer coding is not chunked");
	if (f->others)
		return bad(err, 501, "there is a transfer coding besides chunked");
	return 0;
}

/* "HTTP/1.1" */
static int parse_version(struct http1_str s, int *ret_minor, struct http1_error *err)
{
	if (s.len != 8 || memcmp(s.p, "HTTP/", 5) != 0 || s.p[5] < '0' || s.p[5] > '9' || s.p[6] != '.' || s.p[7] < '0' ||
	    s.p[7] > '9')
		return bad(err, 400, "the protocol version is malformed");
	if (s.p[5] != '1')
		return bad(err, 505, "only HTTP/1.0 and HTTP/1.1 are spoken here");
	*ret_minor = s.p[7] == '0' ? 0 : 1;
	return 0;
}

static bool is_authority(struct http1_str s)
{
	static const char marks[] = "-._~!$&'()*+,;=%:[]";

	for (size_t i = 0; i < s.len; i++) {
		unsigned char c = (unsigned char)s.p[i];

		if (!((c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
		      (c && memchr(marks, c, sizeof(marks) - 1))))
			return false;
	}
	return true;
}

static bool starts_with(struct http1_str s, const char *prefix)
{
	return s.len >= strlen(prefix) && !strncasecmp(s.p, prefix, strlen(prefix));
}

/* Brings the target to origin form. */
static int parse_target(struct http1_str target, struct http1_head *h, struct http1_error *err)
{
	for (size_t i = 0; i < target.len; i++)
		if ((unsigned char)target.p[i] <= ' ' || target.p[i] == 0x7f || target.p[i] == '#')
			return bad(err, 400, "the request target has a character that must be percent-encoded");
	h->target = target;
	if (target.len && target.p[0] == '/')
		return 0;
	if (target.len == 1 && target.p[0] == '*' && http1_str_is(h->method, "OPTIONS"))
		return 0;
	if (!starts_with(target, "http://") && !starts_with(target, "https://"))
		return bad(err, 400, "the request target is neither a path nor an http URL");

	const char *start = memchr(target.p, ':', target.len), *end = target.p + target.len;
	const char *authority = start + 3, *path = authority;

	while (path < end && *path != '/' && *path != '?')
		path++;
	h->host = (struct http1_str){ authority, (size_t)(path - authority) };
	if (!h->host.len)
		return bad(err, 400, "the request target has no host");
	h->target = (struct http1_str){ path, (size_t)(end - path) };
	return 0;
}

/* "GET /path HTTP/1.1": exactly two spaces. */
static int parse_request_line(struct http1_str line, struct http1_head *h, struct http1_error *err)
{
	const char *first = memchr(line.p, ' ', line.len), *last = memrchr(line.p, ' ', line.len);

	if (!first || first == last)
		return bad(err, 400, "the request line is not a method, a target and a version");
	h->method = (struct http1_str){ line.p, (size_t)(first - line.p) };
	if (!is_token(h->method))
		return bad(err, 400, "the method is malformed");
	if (parse_version((struct http1_str){ last + 1, (size_t)(line.p + line.len - last) - 1 }, &h->minor, err))
		return -1;
	if (http1_str_is(h->method, "CONNECT"))
		return bad(err, 501, "CONNECT is not served here");
	return parse_target((struct http1_str){ first + 1, (size_t)(last - first) - 1 }, h, err);
}

static void head_init(struct http1_head *h)
{
	/* Not the arrays: they are large, and the lengths say what of them is set. */
	h->minor = h->status = 0;
	h->method = h->target = h->host = h->reason = (struct http1_str){ 0 };
	h->fields_len = h->connection_len = 0;
	h->framing = HTTP1_NONE;
	h->content_length = -1;
	h->keep_alive = h->upgrade = false;
}

static int request_fields(struct http1_str head, struct http1_head *h, struct http1_error *err)
{
	struct framing_fields f = { 0 };

	if (parse_fields(head, h, &f, err) || check_framing(h, &f, err))
		return -1;
	if (f.hosts > 1 || (f.hosts == 0 && h->minor > 0))
		return bad(err, 400, "there is not exactly one Host");
	if (!is_authority(h->host))
		return bad(err, 400, "Host is malformed");
	h->framing = f.codings ? HTTP1_CHUNKED : f.lengths ? HTTP1_LENGTH : HTTP1_NONE;
	return 0;
}

ssize_t http1_parse_request(const char *data, size_t len, size_t *scanned, struct http1_head *ret,
                            struct http1_error *err)
{
	size_t skip = 0;

	/* RFC 9112 section 2.2: old clients send an empty line after a body. One is enough. */
	if (len && data[0] == '\r') {
		if (len < 2)
			return 0;
		if (data[1] == '\n')
			skip = 2;
	}
	if (*scanned < skip)
		*scanned = skip;

	size_t from = *scanned - skip;
	ssize_t n = find_end(data + skip, len - skip, &from, err);

	*scanned = from + skip;
	if (n == 0 && len >= HTTP1_HEAD_MAX)
		return bad(err, 431, "the head is larger than 64 KiB");
	if (n <= 0)
		return n;

	struct http1_str head = { data + skip, (size_t)n };
	struct http1_str line = next_line(&head);

	head_init(ret);
	if (!head.len)
		return bad(err, 400, "the request line is empty");
	if (parse_request_line(line, ret, err) || request_fields(head, ret, err))
		return -1;
	return n + (ssize_t)skip;
}

/* "HTTP/1.1 200 OK"; the reason, and the space before it, may be missing. */
static int parse_status_line(struct http1_str line, struct http1_head *h, struct http1_error *err)
{
	int64_t status;

	if (line.len < 12 || line.p[8] != ' ' || (line.len > 12 && line.p[12] != ' '))
		return bad(err, 502, "the status line is not a version, a status and a reason");
	if (parse_version((struct http1_str){ line.p, 8 }, &h->minor, err))
		return -1;
	if (parse_digits((struct http1_str){ line.p + 9, 3 }, &status) || status < 100 || status > 599)
		return bad(err, 502, "the status is not a number between 100 and 599");
	h->status = (int)status;
	if (line.len > 13)
		h->reason = (struct http1_str){ line.p + 13, line.len - 13 };
	for (size_t i = 0; i < h->reason.len; i++)
		if (!http1_is_text((unsigned char)h->reason.p[i]))
			return bad(err, 502, "the reason has a control character");
	return 0;
}

/* RFC 9112 section 6.3. */
static enum http1_framing response_framing(const struct http1_head *h, const struct framing_fields *f, bool to_head)
{
	if (to_head || h->status < 200 || h->status == 204 || h->status == 304)
		return HTTP1_NONE;
	if (f->codings)
		return HTTP1_CHUNKED;
	return f->lengths ? HTTP1_LENGTH : HTTP1_UNTIL_CLOSE;
}

ssize_t http1_parse_response(const char *data, size_t len, size_t *scanned, bool to_head_request,
                             struct http1_head *ret, struct http1_error *err)
{
	struct framing_fields f = { 0 };
	ssize_t n = find_end(data, len, scanned, err);

	if (n > 0) {
		struct http1_str head = { data, (size_t)n };
		struct http1_str line = next_line(&head);

		head_init(ret);
		if (!head.len)
			n = bad(err, 502, "the status line is empty");
		else if (parse_status_line(line, ret, err) || parse_fields(head, ret, &f, err) || check_framing(ret, &f, err))
			n = -1;
		else
			ret->framing = response_framing(ret, &f, to_head_request);
	}
	if (n < 0)
		err->status = 502;
	return n;
}
