#ifndef NET_HTTP_CLIENT_H
#define NET_HTTP_CLIENT_H
/* An HTTP client over libcurl: kept connections, TLS with a private CA and client certificates, proxies from the
 * environment, deadlines, streaming bodies, retries by policy. A client is used by many threads at once; each call
 * blocks its thread and borrows a connection from the pool. */

#include "base/buf.h"
#include "net/http.h"

#include <stdatomic.h>

struct http_client;

struct http_client_config {
	/* PEM texts, not paths; NULL: the system's CAs / no client certificate. */
	const char *ca_pem, *cert_pem, *key_pem;
	bool insecure_skip_verify;
	const char *tls_server_name; /* verify the certificate against this name instead of the URL's host */
	const char *proxy; /* NULL: from the environment (https_proxy, no_proxy); "": none. Never used for loopback */
	const char *user_agent;
	const char *unix_socket;     /* connect to this path whatever the URL's host says; NULL: TCP */
	int64_t connect_timeout_ns;  /* 0: 10 s */
	size_t idle_connections_max; /* kept for reuse; 0: 16 */
};

struct http_client *http_client_new(const struct http_client_config *config, struct err *err);
struct http_client *http_client_unref(struct http_client *c);
struct http_client *http_client_ref(struct http_client *c);
DEFINE_CLEANUP(struct http_client *, http_client_unref)

struct http_retry {
	int attempts;          /* in all; 0 or 1: no retry */
	int64_t base_delay_ns; /* doubles, with jitter, at most 30 s; a Retry-After of the server goes first */
};

/* What kept a call from an answer, for callers that speak of it in other words than the message. */
enum http_failure {
	HTTP_FAILURE_OTHER,
	HTTP_FAILURE_NO_HOST, /* the name was not found */
	HTTP_FAILURE_CONNECT, /* refused or unreachable; the message ends with the system's word for it */
	HTTP_FAILURE_TIMEOUT,
	HTTP_FAILURE_UNTRUSTED,  /* the certificate is of no trusted authority, or too old */
	HTTP_FAILURE_OTHER_NAME, /* the certificate is for another name */
	HTTP_FAILURE_TLS,
	HTTP_FAILURE_LOST, /* the connection ended before the answer did */
	HTTP_FAILURE_TOO_LARGE,
	HTTP_FAILURE_CANCELLED,
};

struct http_call {
	const char *method; /* NULL: GET */
	const char *url;
	const struct http_headers *headers;
	const void *body;
	size_t body_len;
	int64_t timeout_ns;      /* whole call; 0: 30 s; negative: none (watches) */
	int64_t idle_timeout_ns; /* nothing received for so long ends the call; 0: none */
	size_t response_max;     /* 0: 64 MiB; a longer body is ERR_TOO_LARGE */
	/* Retried: connection refused or reset before anything was sent, 429 and 503 with Retry-After; for GET, HEAD, PUT
	 * and DELETE also 502, 503, 504 and a connection lost on the way. */
	struct http_retry retry;
	const atomic_bool *cancel;     /* checked at least every 100 ms; may be NULL */
	const atomic_bool *cancel_too; /* a second one, of whom the call is made for; may be NULL */
	/* When set, a 2xx body goes here piece by piece instead of into the response; false ends the call (no error). */
	bool (*on_data)(void *self, const char *data, size_t len);
	void *self;
	enum http_failure *ret_failure; /* set when the call fails; may be NULL */
};

struct http_response {
	int status;
	struct http_headers headers;
	struct buf body;
};

/* 0: a response came, whatever its status. Negative: none did: ERR_TIMEOUT, ERR_UNAVAILABLE (connection refused, host
 * not found, TLS), with a message that names the host and the cause. Credentials in headers are never in messages. */
int http_client_call(struct http_client *c, const struct http_call *call, struct http_response *ret, struct err *err);
void http_response_clear(struct http_response *r);
#define _cleanup_http_response_ _cleanup_(http_response_clear)

#endif
