#include "http_client_internal.h"

#include "base/clock.h"
#include "base/str.h"

#include <arpa/inet.h>

#define RESPONSE_MAX (UINT64_C(64) << 20)
#define HEADERS_BYTES_MAX (256u << 10)
#define CANCEL_POLL_MS 50
#define POLL_MS_MAX 1000
/* Shorter than servers keep an idle connection, so that a request seldom meets one that is just being closed. */
#define CONNECTION_IDLE_MAX_S 55L
#define KEEPALIVE_IDLE_S 30L

static void slist_freep(struct curl_slist **list)
{
	curl_slist_free_all(*list);
}

/* ---- receiving ---- */

static bool is_success(int status)
{
	return status >= 200 && status < 300;
}

static size_t on_body(char *data, size_t size, size_t count, void *self)
{
	struct http_attempt *a = self;
	size_t len = size * count;
	const struct http_call *call = a->call;

	a->last_received_ns = clock_mono_ns();
	if (call->on_data && is_success(a->response.status)) {
		a->delivered = true;
		a->stopped = !call->on_data(call->self, data, len);
		return a->stopped ? CURL_WRITEFUNC_ERROR : len;
	}
	if (buf_append(&a->response.body, data, len) < 0) {
		a->too_large = true;
		return CURL_WRITEFUNC_ERROR;
	}
	return len;
}

/* "HTTP/1.1 200 OK": an earlier response (100 Continue, a proxy's) is forgotten. */
static void on_status_line(struct http_attempt *a, const char *line)
{
	const char *space = strchr(line, ' ');
	_cleanup_free_ char *digits = xstrndup(space ? space + 1 : "", 3);
	int64_t status;

	http_headers_clear(&a->response.headers);
	a->headers_bytes = 0;
	a->response.status = str_to_i64(digits, 100, 999, &status) ? (int)status : 0;
}

static size_t on_header(char *data, size_t size, size_t count, void *self)
{
	struct http_attempt *a = self;
	size_t len = size * count;
	_cleanup_free_ char *line = xstrndup(data, len);
	char *colon = strchr(line, ':');

	a->last_received_ns = clock_mono_ns();
	if (str_starts_with(line, "HTTP/")) {
		on_status_line(a, line);
		return len;
	}
	a->headers_bytes += len;
	if (a->headers_bytes > HEADERS_BYTES_MAX) {
		a->too_large = true;
		return CURL_WRITEFUNC_ERROR;
	}
	if (colon) {
		*colon = '\0';
		http_headers_add(&a->response.headers, str_strip(line), str_strip(colon + 1));
	}
	return len;
}

/* ---- the request ---- */

static bool is_token(const char *s)
{
	if (*s == '\0')
		return false;
	for (; *s; s++)
		if (!isalnum((unsigned char)*s) && !strchr("!#$%&'*+-.^_`|~", *s))
			return false;
	return true;
}

static bool is_header_value(const char *s)
{
	for (; *s; s++)
		if ((unsigned char)*s < ' ' && *s != '\t')
			return false;
	return true;
}

static void header_line(struct curl_slist **list, const char *name, const char *value)
{
	/* libcurl's way to send a header without a value. */
	_cleanup_free_ char *line = *value ? xasprintf("%s: %s", name, value) : xasprintf("%s;", name);
	struct curl_slist *longer = curl_slist_append(*list, line);

	if (!longer)
		out_of_memory(strlen(line));
	*list = longer;
}

/* "Name:" keeps libcurl from adding a header of its own. */
static void header_none(struct curl_slist **list, const char *name)
{
	_cleanup_free_ char *line = xasprintf("%s:", name);
	struct curl_slist *longer = curl_slist_append(*list, line);

	if (!longer)
		out_of_memory(strlen(line));
	*list = longer;
}

static char *host_in_url(const char *host)
{
	return strchr(host, ':') ? xasprintf("[%s]", host) : xstrdup(host);
}

char *http_origin(const struct http_url *url)
{
	_cleanup_free_ char *host = host_in_url(url->host);

	return xasprintf("%s://%s:%d", url->scheme, host, url->port);
}

char *http_call_name(const char *method, const struct http_url *url)
{
	_cleanup_free_ char *origin = http_origin(url);

	return xasprintf("%s %s%s", method, origin, url->path);
}

static int build_headers(const struct http_attempt *a, struct curl_slist **ret, struct err *err)
{
	_cleanup_(slist_freep) struct curl_slist *list = NULL;
	const struct http_headers none = { 0 };
	const struct http_headers *headers = a->call->headers ? a->call->headers : &none;

	for (size_t i = 0; i < headers->len; i++) {
		const struct http_header *h = &headers->list[i];

		if (!is_token(h->name) || !is_header_value(h->value))
			return err_set(err, ERR_BAD_REQUEST, "the request header %zu has characters that no header may have",
			               i + 1);
		header_line(&list, h->name, h->value);
	}
	/* Waiting for "100 Continue" would cost a round trip. */
	header_none(&list, "Expect");
	if (!http_headers_get(headers, "Content-Type"))
		header_none(&list, "Content-Type");
	if (a->settings->tls_server_name && !http_headers_get(headers, "Host")) {
		_cleanup_free_ char *host = host_in_url(a->url->host);
		_cleanup_free_ char *value = xasprintf("%s:%d", host, a->url->port);

		header_line(&list, "Host", value);
	}
	*ret = TAKE_PTR(list);
	return 0;
}

static void set_method(CURL *easy, const struct http_attempt *a)
{
	const struct http_call *call = a->call;
	bool has_body = call->body_len > 0 || str_in(a->method, (const char *const[]){ "POST", "PUT", "PATCH", NULL });

	if (str_eq(a->method, "HEAD")) {
		curl_easy_setopt(easy, CURLOPT_NOBODY, 1L);
		return;
	}
	if (has_body) {
		curl_easy_setopt(easy, CURLOPT_POST, 1L);
		curl_easy_setopt(easy, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)call->body_len);
		curl_easy_setopt(easy, CURLOPT_POSTFIELDS, call->body_len > 0 ? call->body : "");
	}
	curl_easy_setopt(easy, CURLOPT_CUSTOMREQUEST, a->method);
}

bool http_host_is_loopback(const char *host)
{
	unsigned char v4[4], v6[16];

	if (strcasecmp(host, "localhost") == 0 || str_ends_with(host, ".localhost"))
		return true;
	if (inet_pton(AF_INET, host, v4) == 1)
		return v4[0] == 127;
	if (inet_pton(AF_INET6, host, v6) == 1)
		return IN6_IS_ADDR_LOOPBACK((struct in6_addr *)v6);
	return false;
}

static void set_route(CURL *easy, const struct http_attempt *a, struct curl_slist **connect_to)
{
	const struct http_settings *set = a->settings;
	const struct http_url *u = a->url;
	_cleanup_free_ char *host = host_in_url(u->host);
	_cleanup_free_ char *named = set->tls_server_name ? host_in_url(set->tls_server_name) : xstrdup(host);
	_cleanup_free_ char *text = xasprintf("%s://%s:%d%s%s%s", u->scheme, named, u->port, u->path, u->query ? "?" : "",
	                                      u->query ? u->query : "");

	curl_easy_setopt(easy, CURLOPT_URL, text);
	curl_easy_setopt(easy, CURLOPT_PATH_AS_IS, 1L);
	if (set->tls_server_name) {
		/* The certificate is checked against the URL's host; the connection goes elsewhere. */
		_cleanup_free_ char *route = xasprintf("::%s:%d", host, u->port);

		*connect_to = curl_slist_append(NULL, route);
		curl_easy_setopt(easy, CURLOPT_CONNECT_TO, *connect_to);
	}
	if (set->unix_socket)
		curl_easy_setopt(easy, CURLOPT_UNIX_SOCKET_PATH, set->unix_socket);
	/* NULL lets libcurl look at the environment, "" is none. */
	curl_easy_setopt(easy, CURLOPT_PROXY, set->unix_socket || http_host_is_loopback(u->host) ? "" : set->proxy);
}

static void set_tls(CURL *easy, const struct http_settings *set)
{
	if (set->ca.path) {
		curl_easy_setopt(easy, CURLOPT_CAINFO, set->ca.path);
		curl_easy_setopt(easy, CURLOPT_CAPATH, NULL);
	}
	if (set->cert.path)
		curl_easy_setopt(easy, CURLOPT_SSLCERT, set->cert.path);
	if (set->key.path)
		curl_easy_setopt(easy, CURLOPT_SSLKEY, set->key.path);
	curl_easy_setopt(easy, CURLOPT_SSL_VERIFYPEER, set->insecure_skip_verify ? 0L : 1L);
	curl_easy_setopt(easy, CURLOPT_SSL_VERIFYHOST, set->insecure_skip_verify ? 0L : 2L);
	curl_easy_setopt(easy, CURLOPT_SSLVERSION, CURL_SSLVERSION_TLSv1_2);
}

static long timeout_ms(int64_t ns)
{
	int64_t ms = ns / NS_PER_MS;

	return ms < 1 ? 1 : ms > INT32_MAX ? INT32_MAX : (long)ms;
}

static void set_transfer(CURL *easy, struct http_attempt *a)
{
	const struct http_settings *set = a->settings;

	curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "http,https");
	curl_easy_setopt(easy, CURLOPT_HTTP_VERSION, CURL_HTTP_VERSION_1_1);
	curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
	curl_easy_setopt(easy, CURLOPT_QUICK_EXIT, 1L); /* a cancelled call does not wait for the resolver */
	curl_easy_setopt(easy, CURLOPT_TCP_KEEPALIVE, 1L);
	curl_easy_setopt(easy, CURLOPT_TCP_KEEPIDLE, KEEPALIVE_IDLE_S);
	curl_easy_setopt(easy, CURLOPT_MAXAGE_CONN, CONNECTION_IDLE_MAX_S);
	curl_easy_setopt(easy, CURLOPT_ACCEPT_ENCODING, "");
	curl_easy_setopt(easy, CURLOPT_CONNECTTIMEOUT_MS, timeout_ms(set->connect_timeout_ns));
	if (a->deadline_ns >= 0)
		curl_easy_setopt(easy, CURLOPT_TIMEOUT_MS, timeout_ms(a->deadline_ns - clock_mono_ns()));
	if (set->user_agent)
		curl_easy_setopt(easy, CURLOPT_USERAGENT, set->user_agent);
	curl_easy_setopt(easy, CURLOPT_ERRORBUFFER, a->error_text);
	curl_easy_setopt(easy, CURLOPT_HEADERFUNCTION, on_header);
	curl_easy_setopt(easy, CURLOPT_HEADERDATA, a);
	curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, on_body);
	curl_easy_setopt(easy, CURLOPT_WRITEDATA, a);
	curl_easy_setopt(easy, CURLOPT_SUPPRESS_CONNECT_HEADERS, 1L);
}

/* ---- what went wrong ---- */

static const char *os_reason(CURL *easy)
{
	long number = 0;

	curl_easy_getinfo(easy, CURLINFO_OS_ERRNO, &number);
	return number > 0 ? strerrordesc_np((int)number) : NULL;
}

static enum http_failure failure_of(CURLcode code, const char *error_text)
{
	switch (code) {
	case CURLE_COULDNT_RESOLVE_HOST:
		return HTTP_FAILURE_NO_HOST;
	case CURLE_COULDNT_CONNECT:
		return HTTP_FAILURE_CONNECT;
	case CURLE_OPERATION_TIMEDOUT:
		return HTTP_FAILURE_TIMEOUT;
	case CURLE_PEER_FAILED_VERIFICATION:
		return str_contains(error_text, "does not match") ? HTTP_FAILURE_OTHER_NAME : HTTP_FAILURE_UNTRUSTED;
	case CURLE_SSL_CERTPROBLEM:
	case CURLE_SSL_CACERT_BADFILE:
	case CURLE_SSL_CIPHER:
	case CURLE_SSL_CONNECT_ERROR:
		return HTTP_FAILURE_TLS;
	case CURLE_GOT_NOTHING:
	case CURLE_SEND_ERROR:
	case CURLE_RECV_ERROR:
	case CURLE_PARTIAL_FILE:
		return HTTP_FAILURE_LOST;
	default:
		return HTTP_FAILURE_OTHER;
	}
}

static int fail(struct http_attempt *a, CURL *easy, CURLcode code, struct err *err)
{
	const char *os = os_reason(easy);
	long sent = 0;
	double connected_s = 0;

	curl_easy_getinfo(easy, CURLINFO_REQUEST_SIZE, &sent);
	a->failure = failure_of(code, a->error_text);
	a->retry_safe = sent == 0;
	switch (code) {
	case CURLE_COULDNT_RESOLVE_HOST:
		return err_set(err, ERR_UNAVAILABLE, "the host was not found");
	case CURLE_COULDNT_RESOLVE_PROXY:
		return err_set(err, ERR_UNAVAILABLE, "the proxy's host was not found");
	case CURLE_COULDNT_CONNECT:
		return err_set(err, ERR_UNAVAILABLE, "no connection: %s", os ? os : "refused");
	case CURLE_OPERATION_TIMEDOUT:
		a->retry_safe = false;
		curl_easy_getinfo(easy, CURLINFO_CONNECT_TIME, &connected_s);
		return err_set(err, ERR_TIMEOUT, connected_s > 0 ? "no complete answer in time" : "no connection in time");
	case CURLE_PEER_FAILED_VERIFICATION:
		a->retry_safe = false;
		return err_set(err, ERR_UNAVAILABLE, "the server's certificate is not trusted: %s", a->error_text);
	case CURLE_SSL_CERTPROBLEM:
	case CURLE_SSL_CACERT_BADFILE:
	case CURLE_SSL_CIPHER:
		a->retry_safe = false;
		return err_set(err, ERR_UNAVAILABLE, "TLS could not be set up: %s", a->error_text);
	case CURLE_SSL_CONNECT_ERROR:
		return err_set(err, ERR_UNAVAILABLE, "TLS failed: %s", a->error_text);
	case CURLE_GOT_NOTHING:
		a->lost = true;
		return err_set(err, ERR_UNAVAILABLE, "the server closed the connection without an answer");
	case CURLE_SEND_ERROR:
	case CURLE_RECV_ERROR:
	case CURLE_PARTIAL_FILE:
		a->lost = true;
		return err_set(err, ERR_UNAVAILABLE, "the connection was lost%s%s", os ? ": " : "", os ? os : "");
	case CURLE_BAD_CONTENT_ENCODING:
		return err_set(err, ERR_UNAVAILABLE, "the answer's content coding is broken");
	default:
		a->retry_safe = false;
		return err_set(err, ERR_UNAVAILABLE, "%s", curl_easy_strerror(code));
	}
}

/* ---- running ---- */

bool http_call_is_cancelled(const struct http_call *call)
{
	return (call->cancel && atomic_load(call->cancel)) || (call->cancel_too && atomic_load(call->cancel_too));
}

/* 1: go on. */
static int check_patience(struct http_attempt *a, struct err *err)
{
	char text[32];

	a->failure = HTTP_FAILURE_CANCELLED;
	if (http_call_is_cancelled(a->call))
		return err_set(err, ERR_UNAVAILABLE, "cancelled");
	a->failure = HTTP_FAILURE_TIMEOUT;
	if (a->call->idle_timeout_ns > 0 && clock_mono_ns() - a->last_received_ns > a->call->idle_timeout_ns)
		return err_set(err, ERR_TIMEOUT, "nothing was received for %s",
		               duration_human(a->call->idle_timeout_ns, text, sizeof(text)));
	a->failure = HTTP_FAILURE_OTHER;
	return 1;
}

static int poll_ms(const struct http_attempt *a)
{
	int64_t ms = a->call->cancel || a->call->cancel_too ? CANCEL_POLL_MS : POLL_MS_MAX;

	if (a->call->idle_timeout_ns > 0) {
		int64_t left = (a->last_received_ns + a->call->idle_timeout_ns - clock_mono_ns()) / NS_PER_MS + 1;

		if (left < ms)
			ms = left < 1 ? 1 : left;
	}
	return (int)ms;
}

/* Drives the transfer to its end; *ret_code is set when it came to one. */
static int drive(struct http_attempt *a, CURLM *multi, CURLcode *ret_code, struct err *err)
{
	for (;;) {
		int running = 0, left = 0;
		CURLMcode m = curl_multi_perform(multi, &running);
		CURLMsg *message;

		if (m != CURLM_OK)
			return err_set(err, ERR_INTERNAL, "libcurl: %s", curl_multi_strerror(m));
		while ((message = curl_multi_info_read(multi, &left)) != NULL)
			if (message->msg == CURLMSG_DONE) {
				*ret_code = message->data.result;
				return 0;
			}
		if (check_patience(a, err) < 0)
			return -1;
		curl_multi_poll(multi, NULL, 0, poll_ms(a), NULL);
	}
}

int http_attempt_run(struct http_attempt *a, struct http_handle *handle, struct err *err)
{
	_cleanup_(slist_freep) struct curl_slist *headers = NULL;
	_cleanup_(slist_freep) struct curl_slist *connect_to = NULL;
	CURL *easy = handle->easy;
	CURLcode code = CURLE_OK;
	int r;

	a->response.body = BUF_INIT(a->call->response_max ? a->call->response_max : RESPONSE_MAX);
	a->last_received_ns = clock_mono_ns();
	if (!is_token(a->method))
		return err_set(err, ERR_BAD_REQUEST, "the method has characters that no method may have");
	if (build_headers(a, &headers, err) < 0)
		return -1;
	curl_easy_reset(easy);
	set_transfer(easy, a);
	set_tls(easy, a->settings);
	set_route(easy, a, &connect_to);
	set_method(easy, a);
	curl_easy_setopt(easy, CURLOPT_HTTPHEADER, headers);

	curl_multi_add_handle(handle->multi, easy);
	r = drive(a, handle->multi, &code, err);
	if (r == 0 && code != CURLE_OK && !a->stopped && !a->too_large)
		r = fail(a, easy, code, err);
	curl_multi_remove_handle(handle->multi, easy);
	/* They end with this function. */
	curl_easy_reset(easy);
	if (r == 0 && a->too_large) {
		a->failure = HTTP_FAILURE_TOO_LARGE;
		r = err_set(err, ERR_TOO_LARGE, "the answer is larger than %zu bytes", a->response.body.max);
	}
	return r;
}
