#include "http_server_internal.h"

#include "base/clock.h"

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

static struct http_server *server_new(const struct http_server_config *config)
{
	struct http_server *s = new0(struct http_server);

	atomic_init(&s->refs, 1);
	s->log = config->log ? logger_ref(config->log) : NULL;
	s->handler = config->handler;
	s->self = config->self;
	s->body_max = config->body_max ? config->body_max : DEFAULT_BODY_MAX;
	s->header_max = config->header_max ? config->header_max : DEFAULT_HEADER_MAX;
	s->connections_max = config->connections_max ? config->connections_max : DEFAULT_CONNECTIONS_MAX;
	s->stream_backlog_max = config->stream_backlog_max ? config->stream_backlog_max : DEFAULT_STREAM_BACKLOG_MAX;
	s->too_large_json = config->too_large_json;
	s->idle_timeout_ns = config->idle_timeout_ns ? config->idle_timeout_ns : DEFAULT_IDLE_TIMEOUT_NS;
	s->listener = -1;
	s->peers = http_peers_new(config->client_connections_max);
	pthread_mutex_init(&s->lock, NULL);
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
	for (size_t i = 0; i < s->loops_len; i++)
		http_loop_done(&s->loops[i]);
	free(s->loops);
	closep(&s->listener);
	http_peers_free(s->peers);
	http_tls_unref(s->tls);
	logger_unref(s->log);
	pthread_mutex_destroy(&s->lock);
	free(s);
	return NULL;
}

static int start_loops(struct http_server *s, size_t threads, struct err *err)
{
	s->loops = xcalloc(threads, sizeof(*s->loops));
	for (; s->loops_len < threads; s->loops_len++)
		if (http_loop_init(&s->loops[s->loops_len], s, err) < 0) {
			s->loops_len++;
			return -1;
		}
	/* The first one accepts, and gives the others their connections: it is the last to begin. */
	for (size_t i = threads; i-- > 0;)
		if (http_loop_start(&s->loops[i], err) < 0)
			return -1;
	return 0;
}

int http_server_start(const struct http_server_config *config, struct http_server **ret, struct err *err)
{
	const char *address = config->address ? config->address : "127.0.0.1";
	size_t threads = config->threads > 0 ? (size_t)config->threads : DEFAULT_THREADS;
	struct http_server *s;

	if (config->threads < 0 || config->threads > THREADS_MAX)
		return err_set(err, ERR_INVALID, "starting the HTTP server: from 1 to %d threads", THREADS_MAX);
	s = server_new(config);
	if ((config->tls && http_tls_new(config->tls, &s->tls, err) < 0) ||
	    listen_on(address, config->port, &s->listener, err) < 0) {
		http_server_unref(s);
		return -1;
	}
	s->port = port_of(s->listener);
	if (start_loops(s, threads, err) < 0) {
		http_server_stop(s, 0);
		return -1;
	}
	*ret = s;
	return 0;
}

int http_server_port(const struct http_server *s)
{
	return s->port;
}

int http_server_set_tls(struct http_server *s, const struct tls_server_config *config, struct err *err)
{
	struct http_tls *tls;

	if (http_tls_new(config, &tls, err) < 0)
		return -1;
	pthread_mutex_lock(&s->lock);
	struct http_tls *old = s->tls;
	s->tls = tls;
	pthread_mutex_unlock(&s->lock);
	http_tls_unref(old);
	return 0;
}

/* ---- stopping ---- */

static void wake_all(struct http_server *s)
{
	for (size_t i = 0; i < s->loops_len; i++)
		if (s->loops[i].started)
			http_loop_wake(&s->loops[i], NULL);
}

struct http_server *http_server_stop(struct http_server *s, int64_t grace_ns)
{
	if (!s)
		return NULL;
	int64_t deadline = clock_mono_ns() + grace_ns;

	atomic_store(&s->stopping, true);
	wake_all(s);
	http_upgrades_end(s);
	while (atomic_load(&s->inflight) > 0 && clock_mono_ns() < deadline)
		clock_sleep_ns(NS_PER_MS);
	atomic_store(&s->killed, true);
	wake_all(s);
	for (size_t i = 0; i < s->loops_len; i++)
		if (s->loops[i].started)
			pthread_join(s->loops[i].thread, NULL);
	return http_server_unref(s);
}
