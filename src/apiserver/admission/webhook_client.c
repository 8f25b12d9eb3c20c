#include "webhook_client.h"

#include "base/clock.h"
#include "base/str.h"
#include "codec/base64.h"
#include "net/http_client.h"

#define SERVICE_PORT 443
#define USER_AGENT "kube-apiserver-admission"
#define SHOWN_MAX 512 /* of an unexpected answer, in messages */

struct webhook_client {
	atomic_int refs;
	char *url;                       /* as configured, or "https://NAME.NS.svc:PORT/PATH" */
	char *service_ns, *service_name; /* NULL: by URL */
	int service_port;
	char *path; /* of a service */
	struct http_client *http;
};

struct webhook_client *webhook_client_ref(struct webhook_client *c)
{
	atomic_fetch_add(&c->refs, 1);
	return c;
}

struct webhook_client *webhook_client_unref(struct webhook_client *c)
{
	if (!c || atomic_fetch_sub(&c->refs, 1) != 1)
		return NULL;
	http_client_unref(c->http);
	free(c->url);
	free(c->service_ns);
	free(c->service_name);
	free(c->path);
	free(c);
	return NULL;
}

static void set_service(struct webhook_client *c, const json_t *service)
{
	const char *ns = json_get_str(service, "namespace"), *name = json_get_str(service, "name");
	const char *path = json_get_str(service, "path");

	c->service_ns = xstrdup(ns ? ns : "");
	c->service_name = xstrdup(name ? name : "");
	c->service_port = (int)json_get_int(service, "port", SERVICE_PORT);
	c->path = xasprintf("%s%s", path && *path != '/' ? "/" : "", path ? path : "");
	c->url = xasprintf("https://%s.%s.svc:%d%s", c->service_name, c->service_ns, c->service_port, c->path);
}

static int read_ca(const json_t *client_config, char **ret, struct err *err)
{
	const char *text = json_get_str(client_config, "caBundle");
	size_t len;

	if (str_empty(text))
		return 0;
	*ret = base64_decode(text, strlen(text), &len);
	if (!*ret || strlen(*ret) != len)
		return err_set(err, ERR_INVALID, "unable to load root certificates: unable to parse bytes as PEM block");
	return 0;
}

int webhook_client_new(const json_t *client_config, struct webhook_client **ret, struct err *err)
{
	_cleanup_(webhook_client_unrefp) struct webhook_client *c = new0(struct webhook_client);
	_cleanup_free_ char *ca = NULL, *name = NULL;
	const char *url = json_get_str(client_config, "url");
	const json_t *service = json_object_get(client_config, "service");

	atomic_init(&c->refs, 1);
	if (json_is_object(service))
		set_service(c, service);
	else if (!str_empty(url))
		c->url = xstrdup(url);
	else
		return err_set(err, ERR_INVALID, "webhook configuration must have either service or URL");
	if (strncasecmp(c->url, "https://", 8) != 0)
		return err_set(err, ERR_INVALID, "the webhook's URL does not begin with https://");
	if (read_ca(client_config, &ca, err) < 0)
		return -1;
	if (c->service_name)
		name = xasprintf("%s.%s.svc", c->service_name, c->service_ns);
	const struct http_client_config config = {
		.ca_pem = ca,
		.tls_server_name = name,
		.user_agent = USER_AGENT,
	};
	c->http = http_client_new(&config, err);
	if (!c->http)
		return -1;
	*ret = TAKE_PTR(c);
	return 0;
}

/* ---- where it goes ---- */

/* The address a call goes to; equal to shown unless it is a service. */
static int route(const struct webhook_client *c, struct store *store, const char *query, char **ret, struct err *err)
{
	struct webhook_address to = { 0 };

	if (!c->service_name) {
		*ret = xasprintf("%s%s", c->url, query);
		return 0;
	}
	if (webhook_service_resolve(store, c->service_ns, c->service_name, c->service_port, &to, err) < 0)
		return -1;
	bool v6 = strchr(to.host, ':');
	*ret = xasprintf("https://%s%s%s:%d%s%s", v6 ? "[" : "", to.host, v6 ? "]" : "", to.port, c->path, query);
	free(to.host);
	return 0;
}

/* ---- what went wrong, as Go says it ---- */

/* The system's word for it stands last in the message; Go writes it small. */
static char *last_words(const struct err *failure)
{
	const char *text = err_message(failure);
	const char *colon = strrchr(text, ':');
	char *words = xstrdup(colon ? colon + 1 + strspn(colon + 1, " ") : text);

	str_lower(words);
	return words;
}

/* The host of a URL and its host:port. */
static void host_of(const char *text, char **ret_host, char **ret_address)
{
	_cleanup_(http_url_clear) struct http_url url = { 0 };

	if (http_url_parse(text, &url, NULL) < 0) {
		*ret_host = xstrdup("");
		*ret_address = xstrdup("");
		return;
	}
	bool v6 = strchr(url.host, ':');
	*ret_host = xstrdup(url.host);
	*ret_address = xasprintf("%s%s%s:%d", v6 ? "[" : "", url.host, v6 ? "]" : "", url.port);
}

static int say_failure(const struct webhook_client *c, const char *url, enum http_failure failure,
                       const struct err *cause, struct err *err)
{
	_cleanup_free_ char *host = NULL, *address = NULL, *words = last_words(cause);

	host_of(url, &host, &address);
	switch (failure) {
	case HTTP_FAILURE_NO_HOST:
		return err_set(err, ERR_UNAVAILABLE, "dial tcp: lookup %s: no such host", host);
	case HTTP_FAILURE_CONNECT:
		return err_set(err, ERR_UNAVAILABLE, "dial tcp %s: connect: %s", address,
		               str_eq(words, "refused") ? "connection refused" : words);
	case HTTP_FAILURE_TIMEOUT:
		return err_set(err, ERR_TIMEOUT, "context deadline exceeded");
	case HTTP_FAILURE_UNTRUSTED:
		return err_set(err, ERR_UNAVAILABLE, "tls: failed to verify certificate: x509: %s",
		               str_contains(err_message(cause), "expired") ? "certificate has expired or is not yet valid"
		                                                           : "certificate signed by unknown authority");
	case HTTP_FAILURE_OTHER_NAME:
		if (c->service_name)
			return err_set(err, ERR_UNAVAILABLE,
			               "tls: failed to verify certificate: x509: certificate is not valid for any names, but "
			               "wanted to match %s.%s.svc",
			               c->service_name, c->service_ns);
		return err_set(err, ERR_UNAVAILABLE,
		               "tls: failed to verify certificate: x509: certificate is not valid for any names, but wanted "
		               "to match %s",
		               host);
	case HTTP_FAILURE_LOST:
		return err_set(err, ERR_UNAVAILABLE, "EOF");
	case HTTP_FAILURE_CANCELLED:
		return err_set(err, ERR_UNAVAILABLE, "context canceled");
	case HTTP_FAILURE_TOO_LARGE:
		return err_set(err, ERR_UNAVAILABLE, "http: response body too large: limit is %zu", WEBHOOK_ANSWER_MAX);
	default:
		return err_set(err, ERR_UNAVAILABLE, "%s", err_message(cause));
	}
}

/* As client-go words an answer that is no success (NewGenericServerResponse); it quotes plain text only. */
static int say_status(const struct http_response *answer, struct err *err)
{
	const char *type = http_headers_get(&answer->headers, "Content-Type");
	const struct buf *body = &answer->body;
	int status = answer->status;
	bool shows = body->len > 0 && (str_empty(type) || str_starts_with(type, "text/"));
	_cleanup_json_ json_t *v = body->len ? json_parse(body->data, body->len, 0, NULL) : NULL;
	const char *message = str_eq(json_get_str(v, "kind"), "Status") ? json_get_str(v, "message") : NULL;
	_cleanup_json_ json_t *shown = NULL;

	if (message)
		return err_set(err, ERR_UNAVAILABLE, "%s", message);
	switch (status) {
	case 400:
		return err_set(err, ERR_UNAVAILABLE, "the server rejected our request for an unknown reason");
	case 401:
		return err_set(err, ERR_UNAVAILABLE, "the server has asked for the client to provide credentials");
	case 404:
		return err_set(err, ERR_UNAVAILABLE, "the server could not find the requested resource");
	case 405:
		return err_set(err, ERR_UNAVAILABLE, "the server does not allow this method on the requested resource");
	case 422:
		return err_set(err, ERR_UNAVAILABLE, "the server rejected our request due to an error in our request");
	case 429:
		return err_set(err, ERR_UNAVAILABLE,
		               "the server has received too many requests and has asked us to try again later");
	case 503:
		return err_set(err, ERR_UNAVAILABLE, "the server is currently unable to handle the request");
	case 504:
		return err_set(err, ERR_UNAVAILABLE,
		               "the server was unable to return a response in the time allotted, but may still be processing "
		               "the request");
	default:
		shown = shows ? json_string_lossy(body->data, body->len < SHOWN_MAX ? body->len : SHOWN_MAX)
		              : json_string("unknown");
		_cleanup_free_ char *quoted = json_to_str(shown);
		return err_set(err, ERR_UNAVAILABLE, "an error on the server (%s) has prevented the request from succeeding",
		               quoted);
	}
}

/* ---- the call ---- */

/* Go's rest client tells the webhook how long it may take, in whole seconds. */
static char *timeout_query(const char *url, int64_t left_ns)
{
	return xasprintf("%ctimeout=%jds", strchr(url, '?') ? '&' : '?', (intmax_t)((left_ns + NS_PER_S - 1) / NS_PER_S));
}

static void set_headers(const struct webhook_client *c, struct http_headers *ret)
{
	http_headers_add(ret, "Content-Type", "application/json");
	http_headers_add(ret, "Accept", "application/json, */*");
	if (c->service_name) {
		_cleanup_free_ char *host = xasprintf("%s.%s.svc:%d", c->service_name, c->service_ns, c->service_port);
		http_headers_add(ret, "Host", host);
	}
}

static int name_call(const char *url, struct err *err)
{
	return err_wrap(err, "Post \"%s\"", url);
}

/* shown: the URL for messages; Go names it only when no answer came. */
static int post(struct webhook_client *c, const struct webhook_call *call, const char *url, const char *shown,
                int64_t left_ns, json_t **ret, struct err *err)
{
	_cleanup_(bytes_unrefp) struct bytes *body = json_to_bytes(call->body);
	_cleanup_(http_headers_clear) struct http_headers headers = { 0 };
	_cleanup_http_response_ struct http_response answer = { 0 };
	_cleanup_err_ struct err cause = { 0 };
	enum http_failure failure = HTTP_FAILURE_OTHER;

	set_headers(c, &headers);
	const struct http_call http = {
		.method = "POST",
		.url = url,
		.headers = &headers,
		.body = body->data,
		.body_len = body->len,
		.timeout_ns = left_ns,
		.response_max = WEBHOOK_ANSWER_MAX,
		.cancel = call->cancel,
		.ret_failure = &failure,
	};
	if (http_client_call(c->http, &http, &answer, &cause) < 0) {
		say_failure(c, url, failure, &cause, err);
		return name_call(shown, err);
	}
	if (answer.status < 200 || answer.status > 206)
		return say_status(&answer, err);
	*ret = json_parse(buf_str(&answer.body), answer.body.len, 0, &cause);
	if (*ret)
		return 0;
	return err_set(err, ERR_UNAVAILABLE, "couldn't get version/kind; json parse error: %s", err_message(&cause));
}

int webhook_client_call(struct webhook_client *c, const struct webhook_call *call, json_t **ret, struct err *err)
{
	int64_t left_ns = call->deadline_ns - clock_mono_ns();
	_cleanup_free_ char *query = timeout_query(c->url, left_ns > 0 ? left_ns : 0), *url = NULL;
	_cleanup_free_ char *shown = xasprintf("%s%s", c->url, query);

	if (left_ns <= 0) {
		err_set(err, ERR_TIMEOUT, "context deadline exceeded");
		return name_call(shown, err);
	}
	if (route(c, call->store, query, &url, err) < 0)
		return name_call(shown, err);
	return post(c, call, url, shown, left_ns, ret, err);
}
