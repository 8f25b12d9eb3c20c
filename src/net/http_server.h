#ifndef NET_HTTP_SERVER_H
#define NET_HTTP_SERVER_H
/* An HTTP/1.1 server: TLS with optional client certificates, keep-alive, answers from any thread,
 * streams that wait without a thread, upgrades, limits, graceful stop.
 *
 * The handler runs on an event thread once the whole request is in. It must not block. It either answers at once
 * (http_respond*), or calls http_request_defer() and then has some other thread answer. Exactly one answer is given to
 * each request; the request is invalid afterwards. */

#include "base/bytes.h"
#include "base/log.h"
#include "base/metrics.h"
#include "net/http.h"
#include "net/tls.h"

struct http_server;
struct http_request;
struct http_stream;

struct http_server_config {
	const char *address;                 /* "127.0.0.1", "::1", "0.0.0.0"; NULL: 127.0.0.1 */
	int port;                            /* 0: any free one */
	int threads;                         /* event threads; 0: 2 */
	const struct tls_server_config *tls; /* NULL: plain HTTP */
	size_t body_max;                     /* larger bodies are answered with 413; 0: 3 MiB */
	size_t header_max;                   /* all headers together, at most 64 KiB; 0: that */
	size_t connections_max;              /* 0: 4096 */
	size_t client_connections_max;       /* of one address (IPv6: network of 64 bits); more are closed; 0: any number */
	int64_t idle_timeout_ns;             /* between and inside requests (slow clients); 0: 90 s. Streams are exempt */
	size_t stream_backlog_max;           /* bytes a stream may have waiting before its client is dropped; 0: 8 MiB */
	const char *too_large_json;          /* the body of 413, instead of a sentence; must outlive the server */
	struct logger *log;
	void (*handler)(void *self, struct http_request *req);
	void *self;
};

/* Listens when it returns. */
int http_server_start(const struct http_server_config *config, struct http_server **ret, struct err *err);
int http_server_port(const struct http_server *s);
/* New connections get this certificate and authority; those that are open keep theirs. From any thread. */
int http_server_set_tls(struct http_server *s, const struct tls_server_config *config, struct err *err);
/* Accepts nothing new, ends streams, waits up to grace_ns for requests under way, then closes. Frees. Returns NULL. */
struct http_server *http_server_stop(struct http_server *s, int64_t grace_ns);

/* Borrowed until the answer is given. */
const char *http_request_method(const struct http_request *req);
const char *http_request_path(const struct http_request *req);  /* still percent-encoded, without query */
const char *http_request_query(const struct http_request *req); /* raw, NULL when none */
const char *http_request_header(const struct http_request *req, const char *name);
/* Calls each() with every header, in their order. */
void http_request_each_header(const struct http_request *req,
                              void (*each)(void *self, const char *name, const char *value), void *self);
const char *http_request_body(const struct http_request *req, size_t *ret_len); /* NUL-terminated; "" when none */
/* Of the verified client certificate: common name and organisations (NULL-terminated); NULL when none was given. */
const char *http_request_peer_name(const struct http_request *req);
char *const *http_request_peer_orgs(const struct http_request *req);
/* "127.0.0.1:54321" */
const char *http_request_remote(const struct http_request *req);
/* Place for the handler's own state; destroy is called when the request is over, whether or not it was answered. */
void http_request_attach(struct http_request *req, void *state, void (*destroy)(void *));
void *http_request_state(const struct http_request *req);

/* Call on the event thread, before giving the request to another thread. */
void http_request_defer(struct http_request *req);

/* From any thread. headers may be NULL; Content-Type belongs there. */
void http_respond(struct http_request *req, int status, const struct http_headers *headers, const void *body,
                  size_t len);
/* The body is shared, not copied. Takes its own reference. */
void http_respond_bytes(struct http_request *req, int status, const struct http_headers *headers, struct bytes *body);
/* A body of many pieces that are shared, not copied into one: each is `before`, a string that must outlive the server,
 * and then `bytes` (NULL: none) from `skip` on. Takes the references and the array (from malloc()) over. */
struct http_part {
	const char *before;
	struct bytes *bytes;
	size_t skip;
};
void http_respond_parts(struct http_request *req, int status, const struct http_headers *headers,
                        struct http_part *parts, size_t parts_len);
void http_respond_text(struct http_request *req, int status, const char *content_type, const char *text);

/* Answers with a body that goes on (chunked). The stream is the caller's until http_stream_end(). on_close (may be
 * NULL) is called once, from an event thread, when the client went away (noticed within about a second, also while
 * nothing is written), fell behind or the server stops; afterwards writes do nothing, and http_stream_end() must still
 * be called. It may be called before this function has returned to another thread; it is not called for a request whose
 * server had stopped before it was answered: http_stream_is_closed() says so at once. */
struct http_stream *http_respond_stream(struct http_request *req, int status, const struct http_headers *headers,
                                        void (*on_close)(void *self), void *self);
/* Never blocks. False when the stream is closed or the client fell too far behind (it is then closed). */
bool http_stream_write(struct http_stream *stream, const void *data, size_t len);
/* Shares the bytes. */
bool http_stream_write_bytes(struct http_stream *stream, struct bytes *data);
bool http_stream_is_closed(const struct http_stream *stream);
/* Bytes that were written and are not sent yet: who could write without end waits for this to become small. */
size_t http_stream_waiting(struct http_stream *stream);
/* Sends what is waiting, ends the response, gives up the stream. When it returns, on_close does not run and will not be
 * called any more; so do not hold a lock that on_close takes (calling this from within on_close is fine). */
void http_stream_end(struct http_stream *stream);

/* 101 Switching Protocols: afterwards fd (a non-blocking socket of plain bytes, also under TLS) belongs to upgraded(),
 * called on an event thread with what the client had sent already (to be copied); it must hand the fd to a thread of
 * its own and end with http_upgrade_close(), which closes it. The fd reads as ended when the client left or the server
 * stops. headers must have Upgrade. A request that cannot be upgraded is answered with 400 and upgraded() is not
 * called; what is attached to the request is destroyed in either case. */
struct http_upgrade;
void http_respond_upgrade(struct http_request *req, const struct http_headers *headers,
                          void (*upgraded)(void *self, struct http_upgrade *up, int fd, const void *data, size_t len),
                          void *self);
void http_upgrade_close(struct http_upgrade *up);

#endif
