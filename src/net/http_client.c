#include "http_client_internal.h"

#include "base/clock.h"
#include "base/str.h"
#include "base/thread.h"
#include "net/tls.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/mman.h>

#define DEFAULT_CONNECT_TIMEOUT_NS (10 * NS_PER_S)
#define DEFAULT_TIMEOUT_NS (30 * NS_PER_S)
#define DEFAULT_IDLE_CONNECTIONS 16
#define HANDLE_IDLE_MAX_NS (60 * NS_PER_S)
#define DEFAULT_RETRY_DELAY_NS (100 * NS_PER_MS)
#define RETRY_DELAY_MAX_NS (30 * NS_PER_S)
#define RETRY_SLICE_NS (50 * NS_PER_MS)
/* Where it exists it is read much faster than the folder of single files that libcurl with GnuTLS looks into. */
#define SYSTEM_CA_BUNDLE "/etc/ssl/certs/ca-certificates.crt"

struct http_client {
	atomic_int refs;
	struct http_settings settings;
	pthread_mutex_t lock;     /* the fields below */
	struct http_handle *idle; /* last used first */
	size_t idle_max;
};

/* ---- handles ---- */

static void handle_free(struct http_handle *h)
{
	curl_easy_cleanup(h->easy);
	curl_multi_cleanup(h->multi);
	free(h->origin);
	free(h);
}

static struct http_handle *handle_new(void)
{
	struct http_handle *h = new0(struct http_handle);

	h->easy = curl_easy_init();
	h->multi = curl_multi_init();
	if (!h->easy || !h->multi)
		out_of_memory(0);
	return h;
}

/* One that is likely to hold a connection to that origin, or a new one. */
static struct http_handle *handle_take(struct http_client *c, const char *origin)
{
	struct http_handle *found = NULL;

	pthread_mutex_lock(&c->lock);
	for (struct http_handle **at = &c->idle; *at; at = &(*at)->next)
		if (str_eq((*at)->origin, origin)) {
			found = *at;
			*at = found->next;
			break;
		}
	pthread_mutex_unlock(&c->lock);
	return found ? found : handle_new();
}

/* Closing connections may take a moment, so it happens without the lock. */
static void free_list(struct http_handle *list)
{
	while (list) {
		struct http_handle *h = list;

		list = h->next;
		handle_free(h);
	}
}

static void handle_give_back(struct http_client *c, struct http_handle *h, const char *origin)
{
	int64_t now = clock_mono_ns();
	struct http_handle *stale = NULL;
	size_t kept = 0;

	if (!str_eq(h->origin, origin)) {
		free(h->origin);
		h->origin = xstrdup(origin);
	}
	h->idle_since_ns = now;

	pthread_mutex_lock(&c->lock);
	h->next = c->idle;
	c->idle = h;
	for (struct http_handle **at = &c->idle; *at; at = &(*at)->next)
		if (++kept > c->idle_max || now - (*at)->idle_since_ns > HANDLE_IDLE_MAX_NS) {
			stale = *at;
			*at = NULL;
			kept--;
			break;
		}
	pthread_mutex_unlock(&c->lock);
	free_list(stale);
}

/* ---- the client ---- */

static void init_curl(void)
{
	curl_global_init(CURL_GLOBAL_DEFAULT);
}

/* On failure too *ret is to be cleared. */
static int pem_file(const char *what, const char *pem, struct http_pem_file *ret, struct err *err)
{
	size_t len, done = 0;

	*ret = (struct http_pem_file){ .fd = -1 };
	if (!pem)
		return 0;

	int fd = ret->fd = memfd_create("pem", MFD_CLOEXEC | MFD_ALLOW_SEALING);

	if (fd < 0)
		return err_set_errno(err, errno, "setting up an HTTP client: keeping the %s in memory", what);
	for (len = strlen(pem); done < len;) {
		ssize_t n = write(fd, pem + done, len - done);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return err_set_errno(err, errno, "setting up an HTTP client: keeping the %s in memory", what);
		done += (size_t)n;
	}
	fcntl(fd, F_ADD_SEALS, F_SEAL_WRITE | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL);
	ret->path = xasprintf("/proc/self/fd/%d", fd);
	return 0;
}

static void pem_file_clear(struct http_pem_file *f)
{
	closep(&f->fd);
	free(f->path);
}

static void settings_clear(struct http_settings *s)
{
	pem_file_clear(&s->ca);
	pem_file_clear(&s->cert);
	pem_file_clear(&s->key);
	free(s->tls_server_name);
	free(s->proxy);
	free(s->user_agent);
	free(s->unix_socket);
}

static int check_config(const struct http_client_config *config, struct err *err)
{
	if (!config->cert_pem != !config->key_pem)
		return err_set(err, ERR_INVALID,
		               "setting up an HTTP client: a client certificate needs its private key, and the "
		               "other way round");
	if (config->ca_pem && tls_cert_expiry(config->ca_pem) < 0)
		return err_set(err, ERR_INVALID,
		               "setting up an HTTP client: the certificate authority is not a PEM certificate");
	if (config->cert_pem && tls_cert_expiry(config->cert_pem) < 0)
		return err_set(err, ERR_INVALID, "setting up an HTTP client: the client certificate is not a PEM certificate");
	return 0;
}

struct http_client *http_client_new(const struct http_client_config *config, struct err *err)
{
	static pthread_once_t once = PTHREAD_ONCE_INIT;
	struct http_settings s = { .ca.fd = -1, .cert.fd = -1, .key.fd = -1 };
	struct http_client *c;

	pthread_once(&once, init_curl);
	if (check_config(config, err) < 0)
		return NULL;
	if (pem_file("certificate authority", config->ca_pem, &s.ca, err) < 0 ||
	    pem_file("client certificate", config->cert_pem, &s.cert, err) < 0 ||
	    pem_file("private key", config->key_pem, &s.key, err) < 0) {
		settings_clear(&s);
		return NULL;
	}
	if (!s.ca.path && access(SYSTEM_CA_BUNDLE, R_OK) == 0)
		s.ca.path = xstrdup(SYSTEM_CA_BUNDLE);
	s.insecure_skip_verify = config->insecure_skip_verify;
	s.tls_server_name = xstrdup_or_null(config->tls_server_name);
	s.proxy = xstrdup_or_null(config->proxy);
	s.user_agent = xstrdup_or_null(config->user_agent);
	s.unix_socket = xstrdup_or_null(config->unix_socket);
	s.connect_timeout_ns = config->connect_timeout_ns > 0 ? config->connect_timeout_ns : DEFAULT_CONNECT_TIMEOUT_NS;

	c = new0(struct http_client);
	atomic_init(&c->refs, 1);
	c->settings = s;
	c->idle_max = config->idle_connections_max ? config->idle_connections_max : DEFAULT_IDLE_CONNECTIONS;
	pthread_mutex_init(&c->lock, NULL);
	return c;
}

struct http_client *http_client_ref(struct http_client *c)
{
	atomic_fetch_add(&c->refs, 1);
	return c;
}

struct http_client *http_client_unref(struct http_client *c)
{
	if (!c || atomic_fetch_sub(&c->refs, 1) != 1)
		return NULL;
	free_list(c->idle);
	settings_clear(&c->settings);
	pthread_mutex_destroy(&c->lock);
	free(c);
	return NULL;
}

void http_response_clear(struct http_response *r)
{
	http_headers_clear(&r->headers);
	buf_clear(&r->body);
	r->status = 0;
}

/* ---- retries ---- */

static bool is_idempotent(const char *method)
{
	return str_in(method, (const char *const[]){ "GET", "HEAD", "PUT", "DELETE", NULL });
}

/* result: of http_attempt_run(). */
static bool should_retry(const struct http_attempt *a, int result)
{
	int status = a->response.status;
	bool told = http_headers_get(&a->response.headers, "Retry-After") != NULL;

	if (a->delivered || a->stopped || a->too_large)
		return false;
	if (result < 0)
		return a->retry_safe || (a->lost && is_idempotent(a->method));
	if (status == 429 || (status == 503 && told))
		return true;
	return (status == 502 || status == 503 || status == 504) && is_idempotent(a->method);
}

/* How long the server asks to wait, as seconds or as a date; negative: it does not say. */
static int64_t retry_after_ns(const struct http_headers *headers)
{
	const char *value = http_headers_get(headers, "Retry-After");
	int64_t seconds;
	time_t date;

	if (!value)
		return -1;
	if (str_to_i64(value, 0, 86400, &seconds))
		return seconds * NS_PER_S;
	date = curl_getdate(value, NULL);
	if (date < 0)
		return -1;
	seconds = (int64_t)date - clock_wall_ns() / NS_PER_S;
	return seconds < 0 ? 0 : seconds > 86400 ? 86400 * NS_PER_S : seconds * NS_PER_S;
}

/* Doubles with each attempt; between half and all of it, so that clients that failed together do not return together.
 */
static int64_t backoff_ns(const struct http_retry *retry, int attempt)
{
	int64_t delay = retry->base_delay_ns > 0 ? retry->base_delay_ns : DEFAULT_RETRY_DELAY_NS;
	uint64_t random;

	for (int i = 1; i < attempt && delay < RETRY_DELAY_MAX_NS; i++)
		delay *= 2;
	if (delay > RETRY_DELAY_MAX_NS)
		delay = RETRY_DELAY_MAX_NS;
	tls_random(&random, sizeof(random));
	return delay / 2 + (int64_t)(random % (uint64_t)(delay / 2 + 1));
}

/* False when there is no time left for it, or the call is cancelled meanwhile. */
static bool wait_before_retry(const struct http_call *call, int64_t delay_ns, int64_t deadline_ns)
{
	int64_t until = clock_mono_ns() + delay_ns;

	if (deadline_ns >= 0 && until >= deadline_ns)
		return false;
	for (;;) {
		int64_t left = until - clock_mono_ns();

		if (http_call_is_cancelled(call))
			return false;
		if (left <= 0)
			return true;
		clock_sleep_ns(left < RETRY_SLICE_NS ? left : RETRY_SLICE_NS);
	}
}

static int64_t deadline_of(const struct http_call *call)
{
	if (call->timeout_ns < 0)
		return -1;
	return clock_mono_ns() + (call->timeout_ns ? call->timeout_ns : DEFAULT_TIMEOUT_NS);
}

int http_client_call(struct http_client *c, const struct http_call *call, struct http_response *ret, struct err *err)
{
	const char *method = call->method ? call->method : "GET";
	_cleanup_(http_url_clear) struct http_url url = { 0 };
	int64_t deadline = deadline_of(call);

	if (call->ret_failure)
		*call->ret_failure = HTTP_FAILURE_OTHER;
	if (http_url_parse(call->url, &url, err) < 0)
		return -1;
	if (!str_eq(url.scheme, "http") && !str_eq(url.scheme, "https"))
		return err_set(err, ERR_BAD_REQUEST, "calling %s://%s: only http and https are understood", url.scheme,
		               url.host);

	_cleanup_free_ char *origin = http_origin(&url);

	for (int attempt = 1;; attempt++) {
		struct http_attempt a = {
			.settings = &c->settings, .call = call, .method = method, .url = &url, .deadline_ns = deadline
		};
		_cleanup_err_ struct err failure = { 0 };
		struct http_handle *handle = handle_take(c, origin);
		int r = http_attempt_run(&a, handle, &failure);

		handle_give_back(c, handle, origin);
		if (attempt < call->retry.attempts && should_retry(&a, r)) {
			int64_t told = r == 0 ? retry_after_ns(&a.response.headers) : -1;

			if (wait_before_retry(call, told >= 0 ? told : backoff_ns(&call->retry, attempt), deadline)) {
				http_response_clear(&a.response);
				continue;
			}
		}
		if (r == 0) {
			*ret = a.response;
			return 0;
		}
		http_response_clear(&a.response);
		if (call->ret_failure)
			*call->ret_failure = a.failure;
		if (err) {
			_cleanup_free_ char *name = http_call_name(method, &url);

			err_move(err, &failure);
			err_wrap(err, "%s", name);
		}
		return -1;
	}
}
