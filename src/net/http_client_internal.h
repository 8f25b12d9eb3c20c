#ifndef NET_HTTP_CLIENT_INTERNAL_H
#define NET_HTTP_CLIENT_INTERNAL_H
/* What the parts of the HTTP client share: http_client.c (configuration, pool, retries) and http_transfer.c (one
 * attempt over libcurl). */

#include "net/http_client.h"

#include <curl/curl.h>

/* A pooled handle; its multi handle keeps the connections. */
struct http_handle {
	CURL *easy;
	CURLM *multi;
	char *origin; /* "https://host:port" it was last used for */
	int64_t idle_since_ns;
	struct http_handle *next;
};

/* libcurl with GnuTLS reads certificates from files only, so the PEM texts are put into files without a name, in
 * memory; fd -1 and path NULL when there is none. */
struct http_pem_file {
	int fd;
	char *path;
};

struct http_settings {
	struct http_pem_file ca, cert, key;
	bool insecure_skip_verify;
	char *tls_server_name, *proxy, *user_agent, *unix_socket;
	int64_t connect_timeout_ns;
};

/* One attempt of a call and what became of it. */
struct http_attempt {
	const struct http_settings *settings;
	const struct http_call *call;
	const char *method;
	const struct http_url *url;
	int64_t deadline_ns; /* negative: none */

	struct http_response response;
	size_t headers_bytes;
	int64_t last_received_ns;
	bool too_large, stopped, delivered; /* delivered: on_data was called, so that another attempt would repeat data */
	bool retry_safe;                    /* failed before anything was sent */
	bool lost;                          /* failed on the way */
	enum http_failure failure;
	char error_text[CURL_ERROR_SIZE];
};

/* 0: attempt->response holds what came. */
int http_attempt_run(struct http_attempt *attempt, struct http_handle *handle, struct err *err);
bool http_call_is_cancelled(const struct http_call *call);
/* "https://host:port" (free()). */
char *http_origin(const struct http_url *url);
/* Addresses of this machine itself: a proxy would look at its own. */
bool http_host_is_loopback(const char *host);
/* The name of the call for messages: method, host and path, no query and no user (free()). */
char *http_call_name(const char *method, const struct http_url *url);

#endif
