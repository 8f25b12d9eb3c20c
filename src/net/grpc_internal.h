#ifndef NET_GRPC_INTERNAL_H
#define NET_GRPC_INTERNAL_H
/* What the parts of the gRPC server share. grpc_server.c: start, stop, event loop; grpc_workers.c: the pool;
 * grpc_connection.c: sockets, TLS and HTTP/2 frames; grpc_call.c: one call, from its headers to its trailers;
 * grpc_message.c: what headers and prefixes mean, no I/O; grpc_health.c, grpc_reflection.c: services;
 * grpc_credentials.c: certificates from a folder.
 *
 * One event thread owns every connection and call. A unary call is lent to a worker, which leaves its answer on
 * server->done and wakes the loop; the event thread alone touches HTTP/2. */

#include "base/bytes.h"
#include "base/thread.h"
#include "net/grpc.h"

#include <gnutls/gnutls.h>
#include <nghttp2/nghttp2.h>
#include <stdatomic.h>

#define GRPC_PREFIX_SIZE 5
#define GRPC_PATH_MAX 256
#define GRPC_ENCODINGS "identity,gzip" /* of messages that are understood */

/* ---- grpc_message.c ---- */

/* "100m" and the like in nanoseconds; -1: malformed. */
int64_t grpc_timeout_parse(const char *s, size_t len);
/* grpc-message: everything but printable ASCII is percent-encoded. At most 8 KiB of it. free(). */
char *grpc_message_encode(const char *text);
char *grpc_message_decode(const char *text, size_t len);
void grpc_prefix_write(uint8_t ret[static GRPC_PREFIX_SIZE], size_t len);

/* Cuts bytes into messages. */
struct grpc_framing {
	size_t max;
	size_t prefix_len;
	uint8_t prefix[GRPC_PREFIX_SIZE];
	size_t wanted;   /* bytes of the message that is being read, once its prefix is there */
	bool has_gzip;   /* messages may be compressed: the call's grpc-encoding says how */
	bool compressed; /* the message that is being read is */
	struct buf message;
};
/* Takes bytes up to the end of a message. *ret_used: how many it took. 1: framing->message is whole (reset it with
 * grpc_framing_next()); 0: more is needed; -1: *ret_status and *ret_why (static or freed by the caller: free()) say
 * what is wrong. */
int grpc_framing_feed(struct grpc_framing *f, const uint8_t *data, size_t len, size_t *ret_used,
                      enum grpc_status *ret_status, char **ret_why);
void grpc_framing_next(struct grpc_framing *f);
bool grpc_framing_is_between(const struct grpc_framing *f);
/* What the whole message says, of max bytes at most: *ret_expanded is it when it was compressed, else NULL, and then it
 * is f->message. -1: as above. */
int grpc_framing_expand(const struct grpc_framing *f, size_t max, struct bytes **ret_expanded,
                        enum grpc_status *ret_status, char **ret_why);

/* ---- calls ---- */

struct grpc_call {
	atomic_int refs; /* the connection's; the worker's */
	struct grpc_server *server;
	struct grpc_connection *conn; /* event thread; NULL when the stream is closed */
	struct grpc_call *next, **at; /* of the connection */
	int32_t stream_id;
	atomic_bool cancelled;
	int64_t deadline_ns;

	char path[GRPC_PATH_MAX];
	bool is_post, is_grpc;
	char *encoding;                   /* of messages, one that is not understood; NULL: another */
	const struct grpc_method *method; /* NULL: none such */
	struct grpc_framing in;
	size_t counted;   /* bytes of it and of out in server->memory */
	bool has_message; /* unary: it is whole */
	bool half_closed; /* the client has said all it will */
	bool refused;     /* its answer is given: what still comes is thrown away */

	struct buf out; /* prefixed messages that wait to be sent, or are being sent from `sent` on */
	size_t sent;
	bool head_sent, ended;   /* ended: a status is there */
	enum grpc_status status; /* then trailers follow */
	char *message;

	/* The worker's answer. */
	struct grpc_call *queue_next;
	struct buf reply;
	enum grpc_status reply_status;
	char *reply_message;
};

struct grpc_call *grpc_call_new(struct grpc_connection *c, int32_t stream_id);
struct grpc_call *grpc_call_unref(struct grpc_call *call);
void grpc_call_header(struct grpc_call *call, const char *name, size_t name_len, const char *value, size_t len);
/* The request's headers are complete. */
void grpc_call_begin(struct grpc_call *call);
void grpc_call_data(struct grpc_call *call, const uint8_t *data, size_t len);
/* The client has said all it will. */
void grpc_call_half_close(struct grpc_call *call);
/* Gives the status; takes message (free()). */
void grpc_call_finish(struct grpc_call *call, enum grpc_status status, char *message);
/* The worker's answer is out or not wanted any more. Gives up its reference. */
void grpc_call_returned(struct grpc_call *call);
/* The stream is gone. Gives up the connection's reference. */
void grpc_call_closed(struct grpc_call *call);
/* Counts what it holds now. */
void grpc_call_count(struct grpc_call *call);

/* ---- connections ---- */

struct grpc_connection {
	struct grpc_server *server;
	struct grpc_connection *next, **at;
	int fd;
	uint32_t watched; /* what epoll tells of it */
	gnutls_session_t tls;
	struct http_tls *credentials;
	bool shaken;
	nghttp2_session *h2;
	struct grpc_call *calls;
	struct buf out; /* for the socket */
	bool dead;
	bool told;           /* GOAWAY was said */
	int64_t since_ns;    /* of the connection */
	int64_t progress_ns; /* bytes went either way */
	char remote[64];
};

struct grpc_connection *grpc_connection_new(struct grpc_server *s, int fd);
void grpc_connection_free(struct grpc_connection *c);
/* Reads, writes, whatever is possible now. */
void grpc_connection_drive(struct grpc_connection *c, bool readable);
/* Time passes: deadlines, stalled clients. */
void grpc_connection_tick(struct grpc_connection *c, int64_t now_ns);
/* Tells the client to use another connection: first a notice, then the last word. */
void grpc_connection_drain(struct grpc_connection *c);

/* ---- credentials ---- */

/* From the files of the folder. */
int grpc_credentials_load(const char *dir, struct http_tls **ret, struct err *err);
/* Changes when a file does. */
uint64_t grpc_credentials_stamp(const char *dir);

/* ---- services ---- */

enum grpc_status grpc_health_check(void *self, struct grpc_call *call, const void *message, size_t len,
                                   char **ret_message);
enum grpc_status grpc_health_watch(void *self, struct grpc_call *call, const void *message, size_t len,
                                   char **ret_message);
/* The server no longer serves: who watches is told. */
void grpc_health_tell(struct grpc_server *s);

struct grpc_reflection;
struct grpc_reflection *grpc_reflection_new(const struct embedded_file *descriptors);
struct grpc_reflection *grpc_reflection_free(struct grpc_reflection *r);
enum grpc_status grpc_reflection_info(void *self, struct grpc_call *call, const void *message, size_t len,
                                      char **ret_message);

/* ---- server ---- */

struct grpc_worker {
	struct grpc_server *server;
	unsigned number;
	pthread_t thread;
};

struct grpc_server {
	struct grpc_server_config config; /* without zeros */
	char *tls_dir;
	int port, listener, epoll, wake;
	pthread_t loop;
	struct grpc_method *methods; /* the configured ones and our own */
	size_t methods_len;
	struct grpc_reflection *reflection;
	struct grpc_connection *connections;
	size_t connections_len;
	size_t memory; /* bytes of requests and of answers that wait */
	int64_t next_deadline_ns, next_reload_ns;
	struct http_tls *credentials;
	uint64_t credentials_stamp;

	atomic_bool stopping;
	atomic_llong kill_at_ns; /* when what is left is cut, once stopping */

	pthread_mutex_t lock; /* the rest */
	pthread_cond_t work;
	struct grpc_call *queue, **queue_last;
	size_t queue_len;
	struct grpc_call *done, **done_last;
	bool ended;
	struct grpc_worker *workers;
};

const struct grpc_method *grpc_server_find(const struct grpc_server *s, const char *path);
void grpc_server_wake(struct grpc_server *s);

/* Starts config.threads of them. */
int grpc_workers_start(struct grpc_server *s, struct err *err);
void grpc_workers_stop(struct grpc_server *s);
/* False: too many wait already. Takes a reference. */
bool grpc_workers_queue(struct grpc_server *s, struct grpc_call *call);
/* The next answered call, with the worker's reference; NULL. */
struct grpc_call *grpc_workers_done(struct grpc_server *s);

#endif
