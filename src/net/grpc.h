#ifndef NET_GRPC_H
#define NET_GRPC_H
/* A gRPC server over HTTP/2 (nghttp2), with TLS by client certificates or none, and a client for one call at a time.
 *
 * Messages are bytes here: codec/protobuf.h gives them a meaning. Unary methods run on worker threads; methods that
 * stream are for what answers at once (health, reflection) and run on the event thread. */

#include "base/buf.h"
#include "base/err.h"
#include "base/log.h"
#include "codec/embedded.h"

enum grpc_status { /* grpc.io/docs/guides/status-codes */
	               GRPC_OK = 0,
	               GRPC_CANCELLED = 1,
	               GRPC_UNKNOWN = 2,
	               GRPC_INVALID_ARGUMENT = 3,
	               GRPC_DEADLINE_EXCEEDED = 4,
	               GRPC_NOT_FOUND = 5,
	               GRPC_RESOURCE_EXHAUSTED = 8,
	               GRPC_UNIMPLEMENTED = 12,
	               GRPC_INTERNAL = 13,
	               GRPC_UNAVAILABLE = 14,
	               GRPC_UNAUTHENTICATED = 16,
};

/* ---- server ---- */

struct grpc_call;

/* The message is borrowed. Appends the answer to out (its maximum is the server's message_max) and returns GRPC_OK, or
 * returns another status with *ret_message (free()) for people. worker: 0 … threads - 1, for state that threads do not
 * share. */
typedef enum grpc_status (*grpc_unary_fn)(void *self, struct grpc_call *call, unsigned worker, const void *message,
                                          size_t len, struct buf *out, char **ret_message);
/* For each message of a streaming method, on the event thread: answers with grpc_call_send(). */
typedef enum grpc_status (*grpc_stream_fn)(void *self, struct grpc_call *call, const void *message, size_t len,
                                           char **ret_message);

struct grpc_method {
	const char *path; /* "/package.Service/Method" */
	grpc_unary_fn unary;
	grpc_stream_fn stream; /* instead */
	bool stays;            /* a stream that goes on when the client has said all it will (health's Watch) */
	void *self;
};

struct grpc_server_config {
	const char *address;               /* NULL: 0.0.0.0 */
	int port;                          /* 0: any free one */
	unsigned threads;                  /* workers; 0: grpc_default_threads() */
	const char *tls_dir;               /* tls.crt, tls.key, ca.crt; read again when they change. NULL: no TLS */
	size_t message_max;                /* bytes of one message either way; 0: 4 MiB */
	size_t memory_max;                 /* bytes of all requests and answers that are held; 0: 256 MiB */
	size_t connections_max;            /* 0: 1,024 */
	size_t queue_max;                  /* calls that wait for a worker; 0: 1,024 */
	const struct grpc_method *methods; /* must outlive the server */
	size_t methods_len;
	/* A compiled FileDescriptorSet of all services, for reflection; NULL: no reflection. Must outlive the server. */
	const struct embedded_file *descriptors;
	struct logger *log;
};

#define GRPC_MESSAGE_MAX ((size_t)4 * 1024 * 1024)

struct grpc_server;

/* Listens when it returns. grpc.health.v1.Health is served besides the methods. */
int grpc_server_start(const struct grpc_server_config *config, struct grpc_server **ret, struct err *err);
int grpc_server_port(const struct grpc_server *s);
/* As many as there are processors. */
unsigned grpc_default_threads(void);
/* Health says NOT_SERVING, clients are told to go elsewhere (GOAWAY), calls under way get grace_ns to end. Frees.
 * Returns NULL. */
struct grpc_server *grpc_server_stop(struct grpc_server *s, int64_t grace_ns);

/* Monotonic; 0: none. */
int64_t grpc_call_deadline_ns(const struct grpc_call *call);
/* The client went away, or the deadline passed: nobody will read the answer. From any thread. */
bool grpc_call_is_cancelled(const struct grpc_call *call);
/* Becomes true when the client goes away; lives as long as the call. */
const _Atomic bool *grpc_call_cancelled(const struct grpc_call *call);
/* Streams only, on the event thread. */
void grpc_call_send(struct grpc_call *call, const void *message, size_t len);

/* ---- client ---- */

struct grpc_reply {
	enum grpc_status status;
	char *message; /* of a status that is not OK */
	struct buf body;
};
void grpc_reply_clear(struct grpc_reply *r);

/* One unary call over a new connection without TLS. target: "host:port", "dns:///host:port". Waits until the server
 * accepts connections or the deadline (monotonic) passes. -1: there was no answer; 0: *ret has the status. */
int grpc_client_call(const char *target, const char *path, const void *message, size_t len, size_t message_max,
                     int64_t deadline_ns, struct grpc_reply *ret, struct err *err);

#endif
