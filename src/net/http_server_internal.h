#ifndef NET_HTTP_SERVER_INTERNAL_H
#define NET_HTTP_SERVER_INTERNAL_H
/* What the parts of the HTTP server share. http_server.c: start and stop; http_loop.c: event threads, accepting,
 * wake-ups, deadlines; http_connection.c: a connection's life, and what it does next; http_receive.c and http_send.c:
 * its bytes; http_session.c: TLS; http_request.c: requests and answers; http_parts.c; http_stream.c; http_upgrade.c.
 *
 * A connection belongs to one event thread (its loop), which alone reads, writes, calls the handler and closes. Other
 * threads leave answers and stream data with it, under its lock, and put it on its loop's list of woken connections.
 * Nothing outside is called with a lock held. Order: server->lock, connection->lock, loop->lock. */

#include "base/thread.h"
#include "http1.h"
#include "http_peers.h"
#include "net/http_server.h"
#include "net/tls_wire.h"

#include <gnutls/gnutls.h>
#include <stdatomic.h>

/* What one TLS record holds, and so what is sent at a time. */
#define HTTP_PIECE_MAX ((size_t)16 * 1024)

/* ---- TLS: what all connections share, replaced as a whole (http_session.c) ---- */

struct http_tls {
	atomic_int refs;
	gnutls_certificate_credentials_t credentials;
	gnutls_priority_t priorities;
	gnutls_datum_t ticket_key;
	bool ask_peer;
};
int http_tls_new(const struct tls_server_config *config, struct http_tls **ret, struct err *err);
struct http_tls *http_tls_unref(struct http_tls *t);

/* ---- bodies of many pieces (http_parts.c) ---- */

struct http_parts {
	struct http_part *list;
	size_t len, size; /* size: bytes of all */
	size_t sent;      /* of them */
	size_t next, at;  /* the part that is being sent, and how much of it was */
};

/* Takes the list over. */
struct http_parts *http_parts_new(struct http_part *list, size_t len);
struct http_parts *http_parts_free(struct http_parts *p);
/* The next bytes, at most room of them, into data; 0: that was all. */
size_t http_parts_take(struct http_parts *p, char *data, size_t room);
bool http_parts_is_sent(const struct http_parts *p);

/* ---- requests and answers (http_request.c) ---- */

struct http_answer {
	int status;
	char *head; /* all but the Date line and the empty one */
	size_t head_len, head_at;
	struct bytes *body; /* NULL: none */
	size_t body_at;
	struct http_parts *parts;     /* instead of a body; NULL: none */
	struct http_stream *stream;   /* a reference; NULL: none */
	struct http_upgrade *upgrade; /* NULL: none */
	bool no_body;                 /* HEAD, 204, 304 */
	bool last;                    /* the connection is closed behind it */
};

struct http_request {
	atomic_int refs; /* the connection's; the answering thread's when deferred */
	struct http_connection *conn;
	const char *method, *path, *query;
	bool http11, is_head, keep_alive, expects_continue;
	bool given; /* the handler was called: it counts as under way */
	bool deferred;
	bool dead;     /* under the connection's lock: it is closed */
	bool answered; /* under the connection's lock once deferred */
	struct http_answer answer;

	struct buf body;
	size_t body_counted; /* of it, in server->body_bytes */
	int refusal;         /* 413 or 503: the body is thrown away and this is the answer */
	uint64_t discarded;

	void *state;
	void (*destroy)(void *);
	struct http_header *headers; /* behind text */
	size_t headers_len;
	char text[]; /* the head, cut into strings */
};

/* head points into text, of len bytes. */
struct http_request *http_request_new(struct http_connection *c, const struct http1_head *head, const char *text,
                                      size_t len);
/* For answering what cannot be understood. */
struct http_request *http_request_new_broken(struct http_connection *c);
void http_request_unref(struct http_request *req);
/* Adds bytes to the body, or throws them away; false: too many even for that. */
bool http_request_receive(struct http_request *req, const char *data, size_t len);
/* Before its body is read: answers what is refused already; true when it did. */
bool http_request_refuse_early(struct http_request *req, const struct http1_head *head);
/* The request is complete: calls the handler. True when it is answered, false when that comes later. */
bool http_request_handle(struct http_request *req);
/* Takes the head's fields over into an answer. upgrade: Connection: upgrade is said. */
void http_answer_init(struct http_answer *a, const struct http_request *req, int status,
                      const struct http_headers *headers, bool upgrade);
/* Gives it as the answer; the request is no longer the caller's. False when nobody is there to receive it: the answer's
 * stream and upgrade stay the caller's, all else is freed. */
bool http_request_answer(struct http_request *req, struct http_answer *answer);
void http_respond_plain(struct http_request *req, int status, const char *text);

/* ---- connections (http_connection.c) ---- */

enum http_state {
	HTTP_NEW,       /* not yet taken over by its loop */
	HTTP_HANDSHAKE, /* of TLS */
	HTTP_HEAD,      /* between requests, and while a head comes in */
	HTTP_BODY,
	HTTP_HANDLING, /* with the handler, or whoever it gave the request to */
	HTTP_ANSWERING,
	HTTP_LINGERING, /* closed for sending; what still comes is thrown away, so that the answer is not lost by a reset */
	HTTP_UPGRADED,  /* TLS: bytes are passed on between it and the handler's socket */
	HTTP_CLOSED,
};

/* What an epoll event is about. */
enum http_source_kind { HTTP_SOURCE_WAKE, HTTP_SOURCE_LISTENER, HTTP_SOURCE_CONNECTION, HTTP_SOURCE_PIPE };
struct http_source {
	enum http_source_kind kind;
};

struct http_connection {
	struct http_source source; /* first */
	struct http_source pipe_source;
	atomic_int refs; /* the loop's until it is closed; of deferred requests, of streams, of lists of woken ones */
	struct http_server *server;
	struct http_loop *loop;
	int fd;
	enum http_state state;
	int64_t deadline_ns; /* 0: none */

	struct http_tls *tls; /* NULL: plain */
	gnutls_session_t session;
	struct tls_wire wire; /* received bytes that are not deciphered yet */

	bool readable; /* there may be more to read */
	bool eof;      /* the other side has ended, though there may be more to read before that */
	struct buf in; /* plain bytes not used yet, from in_at on */
	size_t in_at, scanned;
	struct http1_body body;
	struct http_request *req;
	bool streaming;    /* it is one of the loop's streams */
	struct buf unsent; /* what the socket did not take, from unsent_at on */
	size_t unsent_at;

	int pipe_fd; /* HTTP_UPGRADED: our end of the handler's socket */
	bool pipe_readable, pipe_ended;

	/* Streams are flushed no more often than every so often, see http_loop.c. */
	int64_t flushed_ns, due_ns;
	bool is_due;
	struct http_connection *due_next;

	struct http_connection *next, **prev; /* of the loop's */
	struct http_connection *woken_next;   /* under the loop's lock */
	bool woken;                           /* the same */

	pthread_mutex_t lock;

	char *peer_name;
	char **peer_orgs;
	int64_t peer_expiry_s;
	char remote[56];
	struct http_peer peer; /* one of its connections, until it is closed */
};

/* from: whom the socket is connected to. */
struct http_connection *http_connection_new(struct http_server *s, struct http_loop *loop, int fd,
                                            const union http_address *from);
struct http_connection *http_connection_ref(struct http_connection *c);
struct http_connection *http_connection_unref(struct http_connection *c);
/* On its loop: does all that can be done now without waiting. */
void http_connection_drive(struct http_connection *c);
void http_connection_close(struct http_connection *c);
/* Begins: NEW to HANDSHAKE or HEAD. */
void http_connection_begin(struct http_connection *c);
bool http_connection_is_streaming(const struct http_connection *c);
/* From now on; 0: none. */
void http_connection_set_deadline(struct http_connection *c, int64_t ns);
/* The request is over, in whatever way. */
void http_connection_drop_request(struct http_connection *c);

/* ---- what it sends (http_send.c) ---- */

/* 1: the answer is sent, 0: the rest comes later, negative: the connection failed. */
int http_connection_send_answer(struct http_connection *c);
/* The same for what the socket did not take before. */
int http_connection_send_unsent(struct http_connection *c);
/* Onto the loop's wire_out, enciphered under TLS; negative: failed. */
int http_connection_encode(struct http_connection *c, const char *data, size_t len);
/* Sends what the loop's wire_out holds for it; closes it when that fails. */
void http_connection_flush(struct http_connection *c);

/* ---- what it receives (http_receive.c) ---- */

/* Reads what there is onto c->in. False when there was nothing; may close the connection. */
bool http_connection_read(struct http_connection *c);
/* Uses what was read. True when it got further. */
bool http_connection_take_head(struct http_connection *c);
bool http_connection_take_body(struct http_connection *c);
/* The request has its answer. */
void http_connection_begin_answer(struct http_connection *c);
/* HTTP_LINGERING: reads and forgets. */
void http_connection_throw_away(struct http_connection *c);

/* ---- TLS of a connection (http_session.c) ---- */

/* Negative: a GnuTLS error. */
int http_session_start(struct http_connection *c);
/* > 0: done, 0: needs more, negative: failed. What is to be sent is in the loop's wire_out. */
int http_session_handshake(struct http_connection *c);
/* Deciphers what was received onto c->in; sets eof. Negative: failed. */
int http_session_decipher(struct http_connection *c);
/* Onto the loop's wire_out. */
int http_session_encipher(struct http_connection *c, const char *data, size_t len);
void http_session_end(struct http_connection *c);

/* ---- event threads (http_loop.c) ---- */

struct http_loop {
	struct http_server *server;
	pthread_t thread;
	bool started;
	int epoll, wake_fd;
	struct http_source wake_source, listener_source;
	atomic_int connections_len; /* for whom the next connection goes to */

	pthread_mutex_t lock;
	struct http_connection *woken, **woken_last;
	bool awake, ended;
	bool poked; /* woken for no connection: it looks at the server's state before it sleeps */

	/* The thread's own. */
	struct http_connection *connections, *closed;
	struct http_connection *due, **due_last;
	size_t streams;
	int64_t now_ns, tick_ns;
	bool saw_stopping;
	int64_t date_s;
	char date[64]; /* "Date: …\r\n\r\n" */
	char *wire_in, *plain;
	struct buf wire_out;
	struct http1_head head;
};

#define HTTP_WIRE_IN_SIZE ((size_t)64 * 1024)

int http_loop_init(struct http_loop *l, struct http_server *s, struct err *err);
int http_loop_start(struct http_loop *l, struct err *err);
void http_loop_done(struct http_loop *l);
/* From any thread: the loop looks at the connection (NULL: just at the server's state). False: the loop has ended. */
bool http_loop_wake(struct http_loop *l, struct http_connection *c);
const char *http_loop_date(struct http_loop *l);

struct http_server {
	atomic_int refs; /* the owner's, each connection's, each upgrade's */
	int port;
	struct logger *log;
	void (*handler)(void *self, struct http_request *req);
	void *self;
	size_t body_max, header_max, connections_max, stream_backlog_max;
	int64_t idle_timeout_ns;
	const char *too_large_json;

	atomic_bool stopping; /* streams end, new requests are refused */
	atomic_bool killed;   /* everything is given up */
	atomic_int inflight;  /* requests between the handler's call and the end of their response */
	atomic_size_t connections_len;
	atomic_bool accept_paused;
	struct http_peers *peers;
	size_t refused; /* connections, as their clients had too many; the first loop's, like the next */
	int64_t refusals_told_ns;
	atomic_size_t body_bytes; /* of all requests' bodies in memory */
	int listener;

	struct http_loop *loops;
	size_t loops_len;

	pthread_mutex_t lock; /* tls, upgrades */
	struct http_tls *tls;
	struct http_upgrade *upgrades;
};

struct http_server *http_server_ref(struct http_server *s);
struct http_server *http_server_unref(struct http_server *s);

/* ---- streams and upgrades ---- */

/* The next bytes of the stream's body, framed, into data; 0: none now. *ret_end: there will be none. */
size_t http_stream_take(struct http_stream *stream, char *data, size_t room, bool *ret_end);
/* True when its client must be dropped as it fell behind. */
bool http_stream_is_broken(struct http_stream *stream);
/* The response is over, in whatever way; gives up the connection's reference. */
void http_stream_over(struct http_stream *stream);

/* The 101 is sent: the connection is the handler's. */
void http_upgrade_begin(struct http_connection *c, struct http_upgrade *up);
/* TLS: passes bytes on. */
void http_upgrade_forward(struct http_connection *c);
void http_upgrade_drop(struct http_upgrade *up);
/* Cuts all that have sockets of their own. */
void http_upgrades_end(struct http_server *s);

#endif
