#include "http_server_internal.h"

#include "base/clock.h"
#include "tls_internal.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <netinet/in.h>
#include <sys/socket.h>

#define DEFAULT_THREADS 2
#define THREADS_MAX 256
#define DEFAULT_BODY_MAX (3u << 20)
#define DEFAULT_HEADER_MAX (64u << 10)
#define DEFAULT_CONNECTIONS_MAX 4096
#define DEFAULT_IDLE_TIMEOUT_NS (90 * NS_PER_S)
#define DEFAULT_STREAM_BACKLOG_MAX (8u << 20)
/* Of a connection's memory, besides the headers: their index and the head of the response. */
#define HEADER_OVERHEAD (8u << 10)
/* Handlers parse and build objects on event threads; what is not touched of it costs nothing. */
#define THREAD_STACK_SIZE (1u << 20)
#define TLS_PRIORITIES "NORMAL:-VERS-ALL:+VERS-TLS1.3:+VERS-TLS1.2"

/* ---- parking ---- */

void parked_init(struct http_parked *p, struct http_server *s, struct MHD_Connection *connection, bool is_stream)
{
	*p = (struct http_parked){ .server = s, .connection = connection, .is_stream = is_stream };
	pthread_mutex_init(&p->lock, NULL);
}

void parked_done(struct http_parked *p)
{
	pthread_mutex_destroy(&p->lock);
}

void parked_link(struct http_parked *p)
{
	struct http_server *s = p->server;

	MUTEX_GUARD(&s->lock);
	p->next = s->parked;
	if (p->next)
		p->next->prev = p;
	s->parked = p;
	p->linked = true;
}

void parked_unlink(struct http_parked *p)
{
	struct http_server *s = p->server;

	MUTEX_GUARD(&s->lock);
	if (!p->linked)
		return;
	if (p->prev)
		p->prev->next = p->next;
	else
		s->parked = p->next;
	if (p->next)
		p->next->prev = p->prev;
	p->next = p->prev = NULL;
	p->linked = false;
}

bool parked_claim(struct http_parked *p)
{
	if (!p->suspended)
		return false;
	p->suspended = false;
	atomic_fetch_add(&p->server->claims, 1);
	return true;
}

void parked_resume(struct http_server *s, struct MHD_Connection *connection)
{
	MHD_resume_connection(connection);
	atomic_fetch_sub(&s->claims, 1);
}

void parked_resume_all(struct http_server *s, struct parked_claimed *claimed)
{
	for (size_t i = 0; i < claimed->len; i++)
		parked_resume(s, claimed->list[i].connection);
	free(claimed->list);
	*claimed = (struct parked_claimed){ 0 };
}

void parked_claimed_add(struct parked_claimed *claimed, struct MHD_Connection *connection)
{
	claimed->list = xreallocarray(claimed->list, claimed->len + 1, sizeof(*claimed->list));
	claimed->list[claimed->len++].connection = connection;
}

/* Wakes all streams, or everything, to let them see that the server stops. */
static void resume_parked(struct http_server *s, bool streams_only)
{
	struct parked_claimed claimed = { 0 };

	pthread_mutex_lock(&s->lock);
	for (struct http_parked *p = s->parked; p; p = p->next) {
		if (streams_only && !p->is_stream)
			continue;
		pthread_mutex_lock(&p->lock);
		if (parked_claim(p))
			parked_claimed_add(&claimed, p->connection);
		pthread_mutex_unlock(&p->lock);
	}
	pthread_mutex_unlock(&s->lock);
	parked_resume_all(s, &claimed);
}

/* ---- starting ---- */

/* A listening socket, or a negative errno. */
static int open_listener(const struct addrinfo *info)
{
	int fd = socket(info->ai_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	int on = 1, failure;

	if (fd < 0)
		return -errno;
	if (setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)) == 0 &&
	    bind(fd, info->ai_addr, info->ai_addrlen) == 0 && listen(fd, SOMAXCONN) == 0)
		return fd;
	failure = -errno;
	close(fd);
	return failure;
}

static int port_of(int fd)
{
	union {
		struct sockaddr any;
		struct sockaddr_in in;
		struct sockaddr_in6 in6;
	} bound = { .any.sa_family = AF_UNSPEC };
	socklen_t len = sizeof(bound);

	getsockname(fd, &bound.any, &len);
	return ntohs(bound.any.sa_family == AF_INET6 ? bound.in6.sin6_port : bound.in.sin_port);
}

static int listen_on(const char *address, int port, int *ret_fd, struct err *err)
{
	struct addrinfo hints = { .ai_socktype = SOCK_STREAM, .ai_flags = AI_NUMERICHOST | AI_NUMERICSERV };
	struct addrinfo *info = NULL;
	char service[16];
	int fd;

	if (port < 0 || port > 65535)
		return err_set(err, ERR_INVALID, "listening on %s: %d is not a port", address, port);
	snprintf(service, sizeof(service), "%d", port);
	if (getaddrinfo(address, service, &hints, &info) != 0)
		return err_set(err, ERR_INVALID, "listening on %s: it is not an IP address, such as 127.0.0.1 or ::1", address);
	fd = open_listener(info);
	freeaddrinfo(info);
	if (fd == -EADDRINUSE)
		return err_set(err, ERR_ALREADY_EXISTS, "listening on %s port %d: another program already does", address, port);
	if (fd < 0)
		return err_set_errno(err, -fd, "listening on %s port %d", address, port);
	*ret_fd = fd;
	return 0;
}

/* libmicrohttpd only says that it failed; this says why. */
static int check_tls(const struct tls_server_config *tls, struct err *err)
{
	gnutls_certificate_credentials_t credentials;
	gnutls_datum_t cert = tls_datum(tls->cert_pem);
	gnutls_datum_t key = tls_datum(tls->key_pem);
	int r = gnutls_certificate_allocate_credentials(&credentials);

	if (r < 0)
		return err_set(err, ERR_INTERNAL, "setting up TLS: %s", gnutls_strerror(r));
	r = gnutls_certificate_set_x509_key_mem(credentials, &cert, &key, GNUTLS_X509_FMT_PEM);
	if (r < 0)
		err_set(err, ERR_INVALID, "the server's certificate and private key cannot be used: %s", gnutls_strerror(r));
	if (r >= 0 && tls->client_ca_pem) {
		gnutls_datum_t ca = tls_datum(tls->client_ca_pem);

		r = gnutls_certificate_set_x509_trust_mem(credentials, &ca, GNUTLS_X509_FMT_PEM);
		if (r == 0)
			r = GNUTLS_E_NO_CERTIFICATE_FOUND;
		if (r < 0)
			err_set(err, ERR_INVALID, "the authority for client certificates cannot be used: %s", gnutls_strerror(r));
	}
	gnutls_certificate_free_credentials(credentials);
	return r < 0 ? -1 : 0;
}

static void log_message(void *cls, const char *fmt, va_list ap)
{
	const struct http_server *s = cls;
	char text[512];

	if (!log_enabled(s->log, LOG_DEBUG))
		return;
	vsnprintf(text, sizeof(text), fmt, ap);
	text[strcspn(text, "\n")] = '\0';
	log_debug(s->log, "http: %s", text);
}

/* Paths and queries are handed on as they came. */
static size_t leave_escaped(void *cls _unused_, struct MHD_Connection *connection _unused_, char *s)
{
	return strlen(s);
}

static enum MHD_Result accept_policy(void *cls, const struct sockaddr *address _unused_, socklen_t len _unused_)
{
	const struct http_server *s = cls;

	return atomic_load(&s->stopping) ? MHD_NO : MHD_YES;
}

#define OPTIONS_MAX 24

struct options {
	struct MHD_OptionItem list[OPTIONS_MAX];
	size_t len;
};

static void option_add(struct options *o, enum MHD_OPTION option, intptr_t value, void *pointer)
{
	o->list[o->len++] = (struct MHD_OptionItem){ option, value, pointer };
}

/* libmicrohttpd takes some functions together with an argument, as an integer. */
#define OPTION_FUNCTION(o, option, function, argument) option_add(o, option, (intptr_t)(function), argument)

static void set_options(struct options *o, struct http_server *s, const struct http_server_config *config,
                        int listen_fd)
{
	size_t header_max = config->header_max ? config->header_max : DEFAULT_HEADER_MAX;
	size_t connections_max = config->connections_max ? config->connections_max : DEFAULT_CONNECTIONS_MAX;
	int threads = config->threads ? config->threads : DEFAULT_THREADS;

	OPTION_FUNCTION(o, MHD_OPTION_EXTERNAL_LOGGER, log_message, s);
	option_add(o, MHD_OPTION_LISTEN_SOCKET, listen_fd, NULL);
	option_add(o, MHD_OPTION_CONNECTION_MEMORY_LIMIT, (intptr_t)(header_max + HEADER_OVERHEAD), NULL);
	option_add(o, MHD_OPTION_CONNECTION_LIMIT, (intptr_t)connections_max, NULL);
	option_add(o, MHD_OPTION_CONNECTION_TIMEOUT, (intptr_t)((s->idle_timeout_ns + NS_PER_S - 1) / NS_PER_S), NULL);
	option_add(o, MHD_OPTION_THREAD_STACK_SIZE, THREAD_STACK_SIZE, NULL);
	/* Requests without Host are refused, as HTTP/1.1 demands. */
	option_add(o, MHD_OPTION_STRICT_FOR_CLIENT, 1, NULL);
	if (threads > 1)
		option_add(o, MHD_OPTION_THREAD_POOL_SIZE, threads, NULL);
	OPTION_FUNCTION(o, MHD_OPTION_NOTIFY_COMPLETED, http_request_completed, s);
	OPTION_FUNCTION(o, MHD_OPTION_NOTIFY_CONNECTION, http_connection_notify, s);
	OPTION_FUNCTION(o, MHD_OPTION_URI_LOG_CALLBACK, http_request_line, s);
	OPTION_FUNCTION(o, MHD_OPTION_UNESCAPE_CALLBACK, leave_escaped, NULL);
	if (config->tls) {
		option_add(o, MHD_OPTION_HTTPS_MEM_CERT, 0, without_const(config->tls->cert_pem));
		option_add(o, MHD_OPTION_HTTPS_MEM_KEY, 0, without_const(config->tls->key_pem));
		option_add(o, MHD_OPTION_HTTPS_PRIORITIES, 0, without_const(TLS_PRIORITIES));
		if (config->tls->client_ca_pem)
			option_add(o, MHD_OPTION_HTTPS_MEM_TRUST, 0, without_const(config->tls->client_ca_pem));
	}
	option_add(o, MHD_OPTION_END, 0, NULL);
}

static int start_daemon(struct http_server *s, const struct http_server_config *config, int listen_fd, struct err *err)
{
	unsigned flags = MHD_USE_EPOLL_INTERNAL_THREAD | MHD_ALLOW_SUSPEND_RESUME | MHD_ALLOW_UPGRADE | MHD_USE_ERROR_LOG;
	struct options options = { 0 };
	sigset_t all, before;
	/* When it fails it may or may not have closed the socket: through this one it stops listening in both cases. */
	int spare = fcntl(listen_fd, F_DUPFD_CLOEXEC, 0);

	if (config->tls)
		flags |= MHD_USE_TLS;
	set_options(&options, s, config, listen_fd);
	/* Its threads inherit the mask: signals are not theirs. */
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	s->daemon = MHD_start_daemon(flags, 0, accept_policy, s, http_request_event, s, MHD_OPTION_ARRAY, options.list,
	                             MHD_OPTION_END);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	if (!s->daemon && spare >= 0)
		shutdown(spare, SHUT_RDWR);
	closep(&spare);
	if (!s->daemon)
		return err_set(err, ERR_INTERNAL,
		               "starting the HTTP server on port %d: libmicrohttpd refused (its reason is in the"
		               " debug log)",
		               s->port);
	return 0;
}

static struct http_server *server_new(const struct http_server_config *config)
{
	struct http_server *s = new0(struct http_server);

	atomic_init(&s->refs, 1);
	s->log = config->log ? logger_ref(config->log) : NULL;
	s->handler = config->handler;
	s->self = config->self;
	s->body_max = config->body_max ? config->body_max : DEFAULT_BODY_MAX;
	s->stream_backlog_max = config->stream_backlog_max ? config->stream_backlog_max : DEFAULT_STREAM_BACKLOG_MAX;
	s->idle_timeout_ns = config->idle_timeout_ns ? config->idle_timeout_ns : DEFAULT_IDLE_TIMEOUT_NS;
	s->ask_peer = config->tls && config->tls->client_ca_pem;
	pthread_mutex_init(&s->lock, NULL);
	cond_init_mono(&s->wake);
	return s;
}

struct http_server *http_server_ref(struct http_server *s)
{
	atomic_fetch_add(&s->refs, 1);
	return s;
}

struct http_server *http_server_unref(struct http_server *s)
{
	if (!s || atomic_fetch_sub(&s->refs, 1) != 1)
		return NULL;
	if (s->ticket_key.data) {
		explicit_bzero(s->ticket_key.data, s->ticket_key.size);
		gnutls_free(s->ticket_key.data);
	}
	logger_unref(s->log);
	pthread_cond_destroy(&s->wake);
	pthread_mutex_destroy(&s->lock);
	free(s);
	return NULL;
}

int http_server_start(const struct http_server_config *config, struct http_server **ret, struct err *err)
{
	const char *address = config->address ? config->address : "127.0.0.1";
	struct http_server *s;
	int fd = -1;

	if (config->threads < 0 || config->threads > THREADS_MAX)
		return err_set(err, ERR_INVALID, "starting the HTTP server: from 1 to %d threads", THREADS_MAX);
	if (config->tls && check_tls(config->tls, err) < 0)
		return -1;
	s = server_new(config);
	if (config->tls && gnutls_session_ticket_key_generate(&s->ticket_key) < 0) {
		http_server_unref(s);
		return err_set(err, ERR_INTERNAL, "starting the HTTP server: no key for TLS session tickets");
	}
	if (listen_on(address, config->port, &fd, err) < 0 || http_housekeeper_start(s, err) < 0) {
		closep(&fd);
		http_server_unref(s);
		return -1;
	}
	s->port = port_of(fd);
	if (start_daemon(s, config, fd, err) < 0) {
		http_housekeeper_end(s);
		http_server_unref(s);
		return -1;
	}
	*ret = s;
	return 0;
}

int http_server_port(const struct http_server *s)
{
	return s->port;
}

/* ---- stopping ---- */

static void wait_for_zero(const atomic_int *count, int64_t deadline_ns)
{
	while (atomic_load(count) > 0 && (deadline_ns < 0 || clock_mono_ns() < deadline_ns))
		clock_sleep_ns(NS_PER_MS);
}

struct http_server *http_server_stop(struct http_server *s, int64_t grace_ns)
{
	if (!s)
		return NULL;
	http_housekeeper_end(s);
	atomic_store(&s->stopping, true);
	resume_parked(s, true);
	http_upgrades_end(s);
	wait_for_zero(&s->inflight, clock_mono_ns() + grace_ns);

	/* From here on nothing is suspended any more, which libmicrohttpd demands of who stops it. */
	atomic_store(&s->killed, true);
	resume_parked(s, false);
	http_upgrades_end(s);
	wait_for_zero(&s->claims, -1);
	MHD_stop_daemon(s->daemon);
	s->daemon = NULL;
	return http_server_unref(s);
}
