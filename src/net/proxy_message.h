#ifndef NET_PROXY_MESSAGE_H
#define NET_PROXY_MESSAGE_H
/* How messages change on their way through the reverse proxy. Everything is written anew from what was understood, and
 * nothing is passed on that another parser could read differently. */

#include "base/buf.h"
#include "http1.h"

/* The request is to become a tunnel if its backend agrees: it asks for an upgrade, has no body, and the protocol is not
 * "h2c" (which would carry requests nobody looked at). */
bool proxy_message_is_upgrade(const struct http1_head *request);

/* Appends the head as the backend gets it. peer: the client's address; own_host: for HTTP/1.0 requests without Host. */
void proxy_message_request(struct buf *out, const struct http1_head *request, const char *peer, const char *own_host);

struct proxy_message_response {
	bool chunked;    /* the body is sent chunked */
	bool close;      /* the connection ends with this response */
	bool keep_alive; /* say that it does not: for HTTP/1.0 clients */
	bool upgrade;    /* 101 */
};

/* Appends the head as the client gets it. */
void proxy_message_response(struct buf *out, const struct http1_head *response,
                            const struct proxy_message_response *how);
/* Appends a response of the proxy's own, after which the connection closes. */
void proxy_message_error(struct buf *out, int status, const char *sentence, bool to_head_request);

/* One body on its way: decoded, checked, encoded again. */
struct proxy_body {
	struct http1_body in;
	bool chunked;    /* how it goes out */
	bool last_chunk; /* is written: trailers may follow */
};

enum proxy_body_result { PROXY_BODY_MORE, PROXY_BODY_FULL, PROXY_BODY_END, PROXY_BODY_BAD };

/* Moves bytes of `in` to out until out has room bytes more (about), nothing usable is left, or the body ends. */
enum proxy_body_result proxy_message_body(struct proxy_body *b, struct buf *in, struct buf *out, size_t room);
/* The sender closed: writes what ends a body that could only end that way. False: it was cut off. */
bool proxy_message_body_closed(struct proxy_body *b, struct buf *out);

#endif
