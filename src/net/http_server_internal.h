#ifndef NET_HTTP_SERVER_INTERNAL_H
#define NET_HTTP_SERVER_INTERNAL_H
/* What the parts of the HTTP server share: http_server.c (start, stop, parking), http_housekeeper.c, http_connection.c
 * (who is at the other end), http_request.c (from the request line to the answer), http_stream.c, http_upgrade.c.
 *
 * Locks, and the one rule about them: libmicrohttpd is never called while one of ours is held, since it calls us while
 * it holds its own. server->lock comes before parked->lock.
 *
 * A connection that waits (for an answer from another thread, or for data of a stream) is suspended in libmicrohttpd
 * and "parked" here. Resuming one that is not suspended is undefined there, so whoever wants to resume first claims it:
 * clears `suspended` under the lock, then lets go of the lock and resumes. Nobody else can resume it in between, and
 * libmicrohttpd does not free what is suspended. Stopping waits for claims under way. */

#include "base/thread.h"
#include "net/http_server.h"

#include <gnutls/gnutls.h>
#include <microhttpd.h>
#include <stdatomic.h>

struct http_parked {
	pthread_mutex_t lock;
	struct http_server *server;
	struct MHD_Connection *connection;
	bool suspended;
	bool is_stream;
	struct http_parked *next, *prev; /* of server->parked, under its lock */
	bool linked;
};

struct http_connection {
	atomic_int refs; /* the server's until it is closed; each deferred request's */
	struct http_server *server;
	int fd;
	/* Since when it has been waiting for the client to complete a request's head or body; 0: it is not. */
	atomic_int_least64_t waiting_since_ns;
	atomic_bool handshaking;      /* TLS is not set up yet */
	struct http_request *pending; /* its request line is in, its headers are not yet */
	bool peer_known;
	char *peer_name;
	char **peer_orgs;
	int64_t peer_expiry_s;
	char remote[64];
	struct http_connection *next, *prev; /* of server->connections, under its lock */
};

struct http_server {
	atomic_int refs; /* the owner's, each stream's, each deferred request's, each upgrade's */
	struct MHD_Daemon *daemon;
	int port;
	struct logger *log;
	void (*handler)(void *self, struct http_request *req);
	void *self;
	size_t body_max;
	size_t stream_backlog_max;
	int64_t idle_timeout_ns;
	bool ask_peer;
	gnutls_datum_t ticket_key;

	atomic_bool stopping;     /* streams end, new requests are refused */
	atomic_bool killed;       /* deferred requests are given up */
	atomic_int inflight;      /* requests between headers and the end of their response */
	atomic_int claims;        /* resumes under way */
	atomic_size_t body_bytes; /* of all requests' bodies in memory */

	pthread_mutex_t lock; /* the fields below */
	pthread_cond_t wake;
	bool housekeeper_ends;
	struct http_connection *connections;
	struct http_parked *parked;
	struct http_upgrade *upgrades;
	pthread_t housekeeper;
};

struct http_server *http_server_ref(struct http_server *s);
struct http_server *http_server_unref(struct http_server *s);

/* ---- parking (http_server.c) ---- */

void parked_init(struct http_parked *p, struct http_server *s, struct MHD_Connection *connection, bool is_stream);
void parked_done(struct http_parked *p);
void parked_link(struct http_parked *p);
void parked_unlink(struct http_parked *p);
/* With p->lock held: true when the caller must now, without the lock, call parked_resume(). */
bool parked_claim(struct http_parked *p);
void parked_resume(struct http_server *s, struct MHD_Connection *connection);

/* Several that were claimed under server->lock, to be resumed without it. */
struct parked_claim {
	struct MHD_Connection *connection;
};
struct parked_claimed {
	struct parked_claim *list;
	size_t len;
};
void parked_claimed_add(struct parked_claimed *claimed, struct MHD_Connection *connection);
/* Empties it, too. */
void parked_resume_all(struct http_server *s, struct parked_claimed *claimed);

/* ---- what libmicrohttpd does not notice (http_housekeeper.c) ---- */

int http_housekeeper_start(struct http_server *s, struct err *err);
void http_housekeeper_end(struct http_server *s);

/* ---- connections (http_connection.c) ---- */

void http_connection_notify(void *server, struct MHD_Connection *connection, void **socket_context,
                            enum MHD_ConnectionNotificationCode code);
struct http_connection *http_connection_of(struct MHD_Connection *connection);
struct http_connection *http_connection_ref(struct http_connection *c);
struct http_connection *http_connection_unref(struct http_connection *c);
/* Looks at the client's certificate, once; on the event thread. */
void http_connection_identify(struct http_connection *c, struct MHD_Connection *connection);

/* ---- requests (http_request.c) ---- */

/* libmicrohttpd's callbacks. */
void *http_request_line(void *server, const char *uri, struct MHD_Connection *connection);
enum MHD_Result http_request_event(void *server, struct MHD_Connection *connection, const char *url, const char *method,
                                   const char *version, const char *upload, size_t *upload_size, void **request);
void http_request_completed(void *server, struct MHD_Connection *connection, void **request,
                            enum MHD_RequestTerminationCode code);
void http_request_unref(struct http_request *req);
/* Gives the response as the answer, adding the headers. False when nobody is there any more to receive it: the response
 * then stays the caller's. The request is no longer the caller's either way. */
bool http_request_answer(struct http_request *req, int status, const struct http_headers *headers,
                         struct MHD_Response *response);
struct MHD_Connection *http_request_connection(const struct http_request *req);
struct http_connection *http_request_peer(const struct http_request *req);
bool http_request_is_http11(const struct http_request *req);
/* Owned by the request from now on, until http_request_upgraded(). */
void http_request_set_upgrade(struct http_request *req, struct http_upgrade *up);
/* The connection has become an upgrade: the request is over. */
void http_request_upgraded(struct http_request *req);

/* ---- streams and upgrades ---- */

/* With server->lock held: the client of a parked stream is gone; true when the caller must resume the connection. */
bool http_stream_client_gone(struct http_parked *p);
int http_stream_fd(const struct http_parked *p);
/* Cuts all upgraded connections. */
void http_upgrades_end(struct http_server *s);
/* With server->lock held: tells the handlers of upgraded TLS connections whose clients are gone. */
void http_upgrades_find_gone_clients(struct http_server *s);
void http_upgrade_drop(struct http_upgrade *up);

#endif
