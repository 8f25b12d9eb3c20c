#ifndef NET_HTTP1_H
#define NET_HTTP1_H
/* HTTP/1.x message heads and body framing (RFC 9112), for a proxy: bytes in, slices of those bytes out, no I/O, no
 * allocation.
 *
 * It is strict where leniency lets two programs read different messages out of the same bytes (request smuggling,
 * RFC 9112 section 11.2): lines end in CRLF only, no folded lines, no space before a colon, one Content-Length, no
 * Content-Length beside Transfer-Encoding, no transfer coding but "chunked". */

#include "base/mem.h"

#include <sys/types.h>

#define HTTP1_HEAD_MAX ((size_t)64 * 1024)
#define HTTP1_FIELDS_MAX 256
#define HTTP1_CONNECTION_MAX 32 /* connection options of one message */
#define HTTP1_TRAILER_MAX ((size_t)8 * 1024)

/* Bytes of the caller's buffer, not NUL-terminated. */
struct http1_str {
	const char *p;
	size_t len;
};

struct http1_field {
	struct http1_str name, value; /* the value without white space at its ends */
};

enum http1_framing {
	HTTP1_NONE,        /* no body */
	HTTP1_LENGTH,      /* Content-Length */
	HTTP1_CHUNKED,     /* Transfer-Encoding: chunked */
	HTTP1_UNTIL_CLOSE, /* responses only */
};

struct http1_head {
	int minor; /* HTTP/1.minor; more than 1 is read as 1 */
	/* Requests. The target is in origin form ("/path?query", or "?query" when an absolute form had no path) or "*";
	 * host is the Host field's value or, as RFC 9112 section 3.2.2 wants it, the absolute form's authority. */
	struct http1_str method, target, host;
	/* Responses. */
	int status;
	struct http1_str reason;

	struct http1_field fields[HTTP1_FIELDS_MAX];
	size_t fields_len;
	struct http1_str connection[HTTP1_CONNECTION_MAX]; /* the options of all Connection fields */
	size_t connection_len;
	enum http1_framing framing;
	int64_t content_length; /* of the field, also where there is no body (HEAD, 304); -1: none */
	bool keep_alive;        /* the sender is willing to keep the connection (version and Connection options) */
	bool upgrade;           /* HTTP/1.1, "Connection: upgrade" and an Upgrade field */
};

struct http1_error {
	int status;       /* what to answer a request with: 400, 431, 501, 505 */
	const char *what; /* a sentence without its full stop */
};

/* Parses the head at the start of data. *scanned must be 0 at first; it remembers how far a head not yet complete was
 * looked at, so that bytes that arrive one by one are not looked at again and again.
 * > 0: bytes of the complete head, *ret is set; its slices point into data. 0: more bytes are needed (never with
 * HTTP1_HEAD_MAX bytes or more). -1: *err says what is wrong. */
ssize_t http1_parse_request(const char *data, size_t len, size_t *scanned, struct http1_head *ret,
                            struct http1_error *err);
/* The same for a response; its framing depends on the request's method. Errors have status 502. */
ssize_t http1_parse_response(const char *data, size_t len, size_t *scanned, bool to_head_request,
                             struct http1_head *ret, struct http1_error *err);

/* Case-insensitive. */
bool http1_str_is(struct http1_str a, const char *b);
/* The next element of a comma-separated list, without white space, empty ones skipped; takes it off the list. */
bool http1_list_next(struct http1_str *list, struct http1_str *ret);
/* True when the message's Connection options name it. */
bool http1_connection_has(const struct http1_head *h, struct http1_str name);
/* RFC 9110 section 9.2.2: sending it twice has the effect of sending it once. */
bool http1_method_idempotent(struct http1_str method);

/* One "name: value" line without its CRLF. */
int http1_parse_field(struct http1_str line, struct http1_field *ret, struct http1_error *err);

/* Visible, or white space inside a line; bytes above ASCII are opaque (obs-text). */
static inline bool http1_is_text(unsigned char c)
{
	return c == '\t' || (c >= ' ' && c != 0x7f);
}

/* What a body's bytes mean. */
struct http1_body {
	enum http1_framing framing;
	int state;           /* of the chunked coding */
	uint64_t left;       /* of the body (HTTP1_LENGTH) or the chunk */
	unsigned digits;     /* of the chunk size */
	size_t extension;    /* bytes of this chunk's extensions */
	uint64_t extensions; /* of all */
	uint64_t data;       /* body bytes seen */
	size_t trailer;      /* bytes of the trailer section */
};

enum http1_event {
	HTTP1_MORE,    /* all usable bytes are consumed: give what is left over, and more */
	HTTP1_DATA,    /* value: body bytes */
	HTTP1_TRAILER, /* name, value: a trailer field */
	HTTP1_END,     /* the body is complete; what follows is another message */
	HTTP1_BAD,     /* malformed */
};

void http1_body_init(struct http1_body *b, enum http1_framing framing, int64_t content_length);
/* The next event in data; *ret_used bytes of it (set always) are to be dropped afterwards. ret's slices point into
 * data. Chunk extensions are checked and dropped. HTTP1_MORE with bytes left over happens only inside a trailer line,
 * and never with HTTP1_TRAILER_MAX bytes or more. */
enum http1_event http1_body_next(struct http1_body *b, const char *data, size_t len, size_t *ret_used,
                                 struct http1_field *ret);
/* The sender closed the connection: was the body complete? */
bool http1_body_ends_with_close(const struct http1_body *b);

#endif
