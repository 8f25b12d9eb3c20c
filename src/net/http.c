#include "net/http.h"

#include "base/str.h"

#define URL_MAX (64 * 1024)

/* ---- headers ---- */

void http_headers_add(struct http_headers *h, const char *name, const char *value)
{
	h->list = xreallocarray(h->list, h->len + 1, sizeof(*h->list));
	h->list[h->len++] = (struct http_header){ .name = xstrdup(name), .value = xstrdup(value) };
}

void http_headers_set(struct http_headers *h, const char *name, const char *value)
{
	/* The copies come first: name and value may point into an entry that goes. */
	struct http_header added = { .name = xstrdup(name), .value = xstrdup(value) };
	size_t kept = 0;

	for (size_t i = 0; i < h->len; i++) {
		if (strcasecmp(h->list[i].name, added.name) == 0) {
			free(h->list[i].name);
			free(h->list[i].value);
		} else {
			h->list[kept++] = h->list[i];
		}
	}
	h->len = kept;
	h->list = xreallocarray(h->list, h->len + 1, sizeof(*h->list));
	h->list[h->len++] = added;
}

const char *http_headers_get(const struct http_headers *h, const char *name)
{
	for (size_t i = 0; i < h->len; i++)
		if (strcasecmp(h->list[i].name, name) == 0)
			return h->list[i].value;
	return NULL;
}

void http_headers_clear(struct http_headers *h)
{
	for (size_t i = 0; i < h->len; i++) {
		free(h->list[i].name);
		free(h->list[i].value);
	}
	free(h->list);
	*h = (struct http_headers){ 0 };
}

/* ---- percent coding and queries ---- */

static bool is_unreserved(unsigned char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '.' ||
	       c == '_' || c == '~';
}

void http_escape(struct buf *out, const char *s)
{
	static const char hex[] = "0123456789ABCDEF";

	for (; *s; s++) {
		unsigned char c = (unsigned char)*s;

		if (is_unreserved(c)) {
			buf_putc(out, (char)c);
		} else {
			char coded[3] = { '%', hex[c >> 4], hex[c & 15] };

			buf_append(out, coded, sizeof(coded));
		}
	}
}

static int hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	if (c >= 'A' && c <= 'F')
		return c - 'A' + 10;
	return -1;
}

/* The next decoded byte of [*s, end), advancing *s; -1 when malformed. */
static int unescape_next(const char **s, const char *end, bool plus)
{
	char c = *(*s)++;

	if (c == '+' && plus)
		return ' ';
	if (c != '%')
		return (unsigned char)c;
	if (end - *s < 2)
		return -1;

	int high = hex_digit((*s)[0]);
	int low = hex_digit((*s)[1]);

	*s += 2;
	/* A NUL would cut the string short behind the caller's back. */
	return high < 0 || low < 0 || (high | low) == 0 ? -1 : high << 4 | low;
}

bool http_unescape(char *s, bool plus)
{
	const char *in = s;
	const char *end = s + strlen(s);
	char *out = s;

	while (in < end) {
		int c = unescape_next(&in, end, plus);

		if (c < 0)
			return false;
		*out++ = (char)c;
	}
	*out = '\0';
	return true;
}

static bool query_key_equals(const char *key, const char *end, const char *name)
{
	while (key < end) {
		int c = unescape_next(&key, end, true);

		if (c < 0 || (unsigned char)*name++ != c)
			return false;
	}
	return *name == '\0';
}

char *http_query_get(const char *query, const char *name)
{
	if (!query)
		return NULL;
	for (const char *pair = query;;) {
		size_t len = strcspn(pair, "&");
		const char *end = pair + len;
		const char *equals = memchr(pair, '=', len);
		const char *key_end = equals ? equals : end;

		if (query_key_equals(pair, key_end, name)) {
			char *value = equals ? xstrndup(equals + 1, (size_t)(end - equals - 1)) : xstrdup("");

			if (http_unescape(value, true))
				return value;
			free(value);
			return NULL;
		}
		if (*end == '\0')
			return NULL;
		pair = end + 1;
	}
}

/* ---- URLs ---- */

static int default_port(const char *scheme)
{
	static const struct {
		const char *scheme;
		int port;
	} known[] = {
		{ "http", 80 }, { "https", 443 }, { "ws", 80 }, { "wss", 443 }, { "ssh", 22 }, { "git", 9418 }, { "ftp", 21 },
	};

	for (size_t i = 0; i < ARRAY_SIZE(known); i++)
		if (str_eq(known[i].scheme, scheme))
			return known[i].port;
	return 0;
}

static bool is_alpha(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

static int check_characters(const char *text, struct err *err)
{
	size_t len = strnlen(text, URL_MAX + 1);

	if (len > URL_MAX)
		return err_set(err, ERR_BAD_REQUEST, "parsing a URL: it is longer than %d bytes", URL_MAX);
	for (size_t i = 0; i < len; i++) {
		unsigned char c = (unsigned char)text[i];

		if (c <= ' ' || c == 0x7f || c == '\\')
			return err_set(err, ERR_BAD_REQUEST,
			               "parsing a URL: byte %zu (0x%02x) is not allowed in a URL: percent-encode it", i + 1, c);
	}
	return 0;
}

/* "http" of "http://…"; *ret_rest points behind "://". */
static int parse_scheme(const char *text, struct http_url *url, const char **ret_rest, struct err *err)
{
	size_t len = 0;

	while (is_alpha(text[len]) || (len > 0 && (is_digit(text[len]) || (text[len] && strchr("+.-", text[len])))))
		len++;
	if (len == 0 || strncmp(text + len, "://", 3) != 0)
		return err_set(err, ERR_BAD_REQUEST, "parsing a URL: it does not begin with a scheme such as https://");
	url->scheme = xstrndup(text, len);
	str_lower(url->scheme);
	url->port = default_port(url->scheme);
	*ret_rest = text + len + 3;
	return 0;
}

static int parse_port(const char *text, size_t len, struct http_url *url, struct err *err)
{
	_cleanup_free_ char *digits = xstrndup(text, len);
	int64_t port;

	if (len == 0) /* "host:" means the default */
		return 0;
	if (!is_digit(digits[0]) || !str_to_i64(digits, 1, 65535, &port))
		return err_set(err, ERR_BAD_REQUEST, "parsing a URL of host %s: the port is not a number from 1 to 65535",
		               url->host);
	url->port = (int)port;
	return 0;
}

static bool host_is_valid(const char *host, bool ipv6)
{
	for (const char *c = host; *c; c++) {
		bool ok = ipv6 ? hex_digit(*c) >= 0 || *c == ':' || *c == '.'
		               : is_alpha(*c) || is_digit(*c) || *c == '-' || *c == '.' || *c == '_';

		if (!ok)
			return false;
	}
	/* A name that begins with '-' could be taken for an option by a program it is handed to. */
	return host[0] != '-' && strlen(host) <= 255;
}

/* host[:port] or [v6]:port, in text[0..len). */
static int parse_host_port(const char *text, size_t len, struct http_url *url, struct err *err)
{
	bool ipv6 = len > 0 && text[0] == '[';
	const char *end = text + len;
	const char *host_end;

	if (ipv6) {
		text++;
		host_end = memchr(text, ']', (size_t)(end - text));
		if (!host_end)
			return err_set(err, ERR_BAD_REQUEST, "parsing a URL: the IPv6 address misses its closing ]");
	} else {
		host_end = memchr(text, ':', len);
		if (!host_end)
			host_end = end;
	}
	url->host = xstrndup(text, (size_t)(host_end - text));
	str_lower(url->host);
	if (!host_is_valid(url->host, ipv6))
		return err_set(err, ERR_BAD_REQUEST, "parsing a URL: the host has characters that no host name has");
	if (url->host[0] == '\0' && (ipv6 || !str_eq(url->scheme, "file")))
		return err_set(err, ERR_BAD_REQUEST, "parsing a URL: it names no host");

	const char *rest = ipv6 ? host_end + 1 : host_end;

	if (rest == end)
		return 0;
	if (*rest != ':')
		return err_set(err, ERR_BAD_REQUEST, "parsing a URL of host %s: unexpected characters after the host",
		               url->host);
	return parse_port(rest + 1, (size_t)(end - rest - 1), url, err);
}

static int parse_authority(const char *text, size_t len, struct http_url *url, struct err *err)
{
	const char *at = memrchr(text, '@', len);

	if (at) {
		size_t user_len = (size_t)(at - text);

		if (memchr(text, ':', user_len))
			return err_set(err, ERR_BAD_REQUEST,
			               "parsing a URL: it carries a password: put it into a Secret and name that instead");
		url->user = xstrndup(text, user_len);
		if (memchr(url->user, '@', user_len) || !http_unescape(url->user, false))
			return err_set(err, ERR_BAD_REQUEST, "parsing a URL: the user name is malformed");
		len -= user_len + 1;
		text = at + 1;
	}
	return parse_host_port(text, len, url, err);
}

int http_url_parse(const char *text, struct http_url *ret, struct err *err)
{
	_cleanup_(http_url_clear) struct http_url url = { 0 };
	const char *rest = text;

	if (check_characters(text, err) < 0 || parse_scheme(text, &url, &rest, err) < 0)
		return -1;

	size_t authority_len = strcspn(rest, "/?#");

	if (parse_authority(rest, authority_len, &url, err) < 0)
		return -1;
	rest += authority_len;

	size_t path_len = strcspn(rest, "?#");

	url.path = path_len > 0 ? xstrndup(rest, path_len) : xstrdup("/");
	rest += path_len;
	if (*rest == '?')
		url.query = xstrndup(rest + 1, strcspn(rest + 1, "#"));

	*ret = url;
	url = (struct http_url){ 0 };
	return 0;
}

void http_url_clear(struct http_url *url)
{
	free(url->scheme);
	free(url->user);
	free(url->host);
	free(url->path);
	free(url->query);
	*url = (struct http_url){ 0 };
}

/* ---- status ---- */

const char *http_status_text(int status)
{
	static const struct {
		int status;
		const char *text;
	} known[] = {
		{ 100, "Continue" },
		{ 101, "Switching Protocols" },
		{ 200, "OK" },
		{ 201, "Created" },
		{ 202, "Accepted" },
		{ 204, "No Content" },
		{ 206, "Partial Content" },
		{ 301, "Moved Permanently" },
		{ 302, "Found" },
		{ 303, "See Other" },
		{ 304, "Not Modified" },
		{ 307, "Temporary Redirect" },
		{ 308, "Permanent Redirect" },
		{ 400, "Bad Request" },
		{ 401, "Unauthorized" },
		{ 403, "Forbidden" },
		{ 404, "Not Found" },
		{ 405, "Method Not Allowed" },
		{ 406, "Not Acceptable" },
		{ 408, "Request Timeout" },
		{ 409, "Conflict" },
		{ 410, "Gone" },
		{ 411, "Length Required" },
		{ 412, "Precondition Failed" },
		{ 413, "Request Entity Too Large" },
		{ 414, "URI Too Long" },
		{ 415, "Unsupported Media Type" },
		{ 417, "Expectation Failed" },
		{ 422, "Unprocessable Entity" },
		{ 426, "Upgrade Required" },
		{ 429, "Too Many Requests" },
		{ 431, "Request Header Fields Too Large" },
		{ 500, "Internal Server Error" },
		{ 501, "Not Implemented" },
		{ 502, "Bad Gateway" },
		{ 503, "Service Unavailable" },
		{ 504, "Gateway Timeout" },
		{ 505, "HTTP Version Not Supported" },
		{ 507, "Insufficient Storage" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(known); i++)
		if (known[i].status == status)
			return known[i].text;
	return "Unknown";
}
