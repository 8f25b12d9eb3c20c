#ifndef BENCH_CONNECTION_H
#define BENCH_CONNECTION_H
/* The client's side of one kept HTTP/1.1 connection over TLS, driven by a loop of one thread. Made to cost little, as
 * it shares the processor with the server it measures: one recv() and one send() a request, buffers shared by all
 * connections of a loop. */

#include "base/buf.h"
#include "base/err.h"
#include "net/tls_wire.h"

#include <gnutls/gnutls.h>
#include <sys/socket.h>

/* Where a server is and who we are there; shared by all connections to it. */
struct endpoint {
	struct sockaddr_storage address;
	socklen_t address_len;
	char *host;          /* of the Host field */
	char *authorization; /* "Bearer …" or NULL */
	gnutls_certificate_credentials_t credentials;
	gnutls_datum_t resumption; /* of the last connection's session; empty: none */
};
/* server: https://host[:port]; PEM texts may be NULL. */
int endpoint_init(struct endpoint *e, const char *server, const char *ca_pem, const char *cert_pem, const char *key_pem,
                  const char *token, struct err *err);
void endpoint_done(struct endpoint *e);

struct connection;

struct loop {
	int epoll;
	char *wire, *plain; /* what was received: as it came, and deciphered */
	bool stopped;
	size_t live; /* connections that are not closed */
};
void loop_init(struct loop *l);
void loop_done(struct loop *l);
/* Handles what happens within timeout_ms. */
void loop_run_once(struct loop *l, int timeout_ms);

struct connection_events {
	void (*ready)(struct connection *c);                              /* connected: requests may be sent */
	void (*body)(struct connection *c, const char *data, size_t len); /* a piece of a response's body; may be NULL */
	void (*response)(struct connection *c);                           /* complete */
	void (*failed)(struct connection *c, const char *why);            /* closed; nothing more happens to it */
};

enum response_part { PART_HEAD, PART_BODY, PART_CHUNK_SIZE, PART_CHUNK, PART_CHUNK_END, PART_TRAILER };

struct response {
	enum response_part part;
	int status;
	bool chunked;
	uint64_t left; /* of the body or the chunk */
	uint64_t body_len;
	struct buf line; /* an incomplete head or chunk line */
};

struct connection {
	struct loop *loop;
	struct endpoint *endpoint;
	const struct connection_events *events;
	void *self;
	int fd;
	bool connected, shaken, closed;
	gnutls_session_t session;
	struct buf out;
	size_t out_sent;
	struct tls_wire wire; /* bytes of the loop's that are not deciphered yet */
	struct response response;
};

/* Begins to connect. */
int connection_open(struct connection *c, struct loop *l, struct endpoint *e, const struct connection_events *events,
                    void *self, struct err *err);
/* Sends a request: method, path and body. content_type NULL: no body. */
void connection_send(struct connection *c, const char *method, const char *path, const char *content_type,
                     const char *body, size_t len);
/* Closes and frees what it has; the struct stays the caller's. */
void connection_close(struct connection *c);

#endif
