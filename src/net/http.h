#ifndef NET_HTTP_H
#define NET_HTTP_H
/* What the HTTP server and client share: header lists, URLs, query strings, percent coding. */

#include "base/buf.h"
#include "base/err.h"

struct http_header {
	char *name, *value;
};

/* An ordered list of headers; names compare without case. */
struct http_headers {
	struct http_header *list;
	size_t len;
};

void http_headers_add(struct http_headers *h, const char *name, const char *value);
/* Replaces all of that name. */
void http_headers_set(struct http_headers *h, const char *name, const char *value);
/* The first, or NULL. */
const char *http_headers_get(const struct http_headers *h, const char *name);
void http_headers_clear(struct http_headers *h);

struct http_url {
	char *scheme, *host; /* lower-case */
	char *path;          /* at least "/" */
	char *user, *query;  /* may be NULL */
	int port;            /* the scheme's default when not said */
};

/* ERR_BAD_REQUEST; refuses control characters and a userinfo with a password: secrets do not belong in URLs. */
int http_url_parse(const char *text, struct http_url *ret, struct err *err);
void http_url_clear(struct http_url *url);

/* Percent-encodes everything but RFC 3986 unreserved characters onto out. */
void http_escape(struct buf *out, const char *s);
/* In place; false when malformed or when it would hold a NUL. plus: '+' is a space (forms). */
bool http_unescape(char *s, bool plus);
/* The value of a query parameter, decoded (free()), or NULL. */
char *http_query_get(const char *query, const char *name);

const char *http_status_text(int status);

#endif
