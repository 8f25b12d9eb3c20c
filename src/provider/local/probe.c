#include "probe.h"

#include "base/buf.h"
#include "base/clock.h"
#include "base/fs.h"
#include "base/str.h"
#include "base/thread.h"

#include <arpa/inet.h>
#include <errno.h>
#include <poll.h>
#include <sys/queue.h>
#include <sys/socket.h>

#define ANSWER_MAX 1024

struct probe {
	STAILQ_ENTRY(probe) next;
	uint64_t id;
	int port;
	char *path;
	int64_t timeout_ns;
};

struct prober {
	pthread_mutex_t lock;
	pthread_cond_t wake;
	STAILQ_HEAD(, probe) queue;
	bool stopping;
	pthread_t *threads;
	int threads_len;
	probe_done done;
	void *self;
};

static void probe_free(struct probe *probe)
{
	free(probe->path);
	free(probe);
}

/* Waits for the socket; 1 ready, 0 too late, -1 failed. */
static int wait_for(int fd, short events, int64_t deadline_ns)
{
	int64_t left = deadline_ns - clock_mono_ns();
	struct pollfd pollfd = { .fd = fd, .events = events };
	return left > 0 ? poll(&pollfd, 1, (int)(left / NS_PER_MS) + 1) : 0;
}

static int connect_to(int port, int family, int64_t deadline_ns)
{
	struct sockaddr_in v4 = { .sin_family = AF_INET,
		                      .sin_port = htons((uint16_t)port),
		                      .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	struct sockaddr_in6 v6 = { .sin6_family = AF_INET6,
		                       .sin6_port = htons((uint16_t)port),
		                       .sin6_addr = IN6ADDR_LOOPBACK_INIT };
	_cleanup_close_ int fd = socket(family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	const struct sockaddr *address = family == AF_INET ? (const struct sockaddr *)&v4 : (const struct sockaddr *)&v6;
	socklen_t size = family == AF_INET ? sizeof(v4) : sizeof(v6);
	int error = 0;
	socklen_t error_size = sizeof(error);

	if (fd < 0 || (connect(fd, address, size) < 0 && errno != EINPROGRESS))
		return -1;
	if (wait_for(fd, POLLOUT, deadline_ns) <= 0 || getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &error_size) < 0 ||
	    error != 0)
		return -1;
	return TAKE_FD(fd);
}

/* Reads the status line; the status code, 0 when there is none in time, -1 when it is no HTTP. */
static int read_status(int fd, int64_t deadline_ns)
{
	char answer[ANSWER_MAX + 1];
	size_t len = 0;
	int status;
	while (len < ANSWER_MAX && !memchr(answer, '\n', len)) {
		if (wait_for(fd, POLLIN, deadline_ns) <= 0)
			return 0;
		ssize_t n = read(fd, answer + len, ANSWER_MAX - len);
		if (n < 0 && (errno == EAGAIN || errno == EINTR))
			continue;
		if (n <= 0)
			break;
		len += (size_t)n;
	}
	answer[len] = '\0';
	return sscanf(answer, "HTTP/1.%*1d %3d", &status) == 1 ? status : -1;
}

static bool get_path(int fd, const char *path, int64_t deadline_ns, char **ret_message)
{
	_cleanup_free_ char *request = xasprintf("GET %s HTTP/1.1\r\nHost: localhost\r\nUser-Agent: "
	                                         "scia-health-check\r\nAccept: */*\r\nConnection: close\r\n\r\n",
	                                         path);
	int status = fs_write_all(fd, request, strlen(request)) < 0 ? -1 : read_status(fd, deadline_ns);
	if (status >= 200 && status < 400)
		return true;
	if (status == 0)
		*ret_message = xasprintf("GET %s gave no answer in time", path);
	else if (status < 0)
		*ret_message = xasprintf("GET %s was not answered with HTTP", path);
	else
		*ret_message = xasprintf("GET %s answered %d", path, status);
	return false;
}

bool probe_port(int port, const char *path, int64_t timeout_ns, bool *ret_is_open, char **ret_message)
{
	int64_t deadline = clock_mono_ns() + timeout_ns;
	_cleanup_close_ int fd = connect_to(port, AF_INET, deadline);
	*ret_message = NULL;
	if (fd < 0)
		fd = connect_to(port, AF_INET6, deadline);
	*ret_is_open = fd >= 0;
	if (fd < 0) {
		*ret_message = xasprintf("port %d does not accept connections", port);
		return false;
	}
	return str_empty(path) || get_path(fd, path, deadline, ret_message);
}

static struct probe *next_probe(struct prober *p)
{
	MUTEX_GUARD(&p->lock);
	while (!p->stopping && STAILQ_EMPTY(&p->queue))
		pthread_cond_wait(&p->wake, &p->lock);
	if (p->stopping)
		return NULL;
	struct probe *probe = STAILQ_FIRST(&p->queue);
	STAILQ_REMOVE_HEAD(&p->queue, next);
	return probe;
}

static void *prober_main(void *arg)
{
	struct prober *p = arg;
	for (struct probe *probe; (probe = next_probe(p)); probe_free(probe)) {
		bool is_open;
		_cleanup_free_ char *message = NULL;
		bool ok = probe_port(probe->port, probe->path, probe->timeout_ns, &is_open, &message);
		p->done(p->self, probe->id, ok, is_open, message);
	}
	return NULL;
}

struct prober *prober_new(int threads, probe_done done, void *self, struct err *err)
{
	struct prober *p = new0(struct prober);
	p->done = done;
	p->self = self;
	p->threads = xcalloc((size_t)threads, sizeof(*p->threads));
	STAILQ_INIT(&p->queue);
	pthread_mutex_init(&p->lock, NULL);
	pthread_cond_init(&p->wake, NULL);
	while (p->threads_len < threads) {
		if (thread_start(&p->threads[p->threads_len], "health", prober_main, p, err) < 0)
			return prober_free(p);
		p->threads_len++;
	}
	return p;
}

struct prober *prober_free(struct prober *p)
{
	if (!p)
		return NULL;
	pthread_mutex_lock(&p->lock);
	p->stopping = true;
	pthread_cond_broadcast(&p->wake);
	pthread_mutex_unlock(&p->lock);
	for (int i = 0; i < p->threads_len; i++)
		pthread_join(p->threads[i], NULL);
	for (struct probe *probe; (probe = STAILQ_FIRST(&p->queue));) {
		STAILQ_REMOVE_HEAD(&p->queue, next);
		probe_free(probe);
	}
	pthread_cond_destroy(&p->wake);
	pthread_mutex_destroy(&p->lock);
	free(p->threads);
	free(p);
	return NULL;
}

void prober_submit(struct prober *p, uint64_t id, int port, const char *path, int64_t timeout_ns)
{
	struct probe *probe = new0(struct probe);
	*probe = (struct probe){ .id = id, .port = port, .path = xstrdup_or_null(path), .timeout_ns = timeout_ns };
	MUTEX_GUARD(&p->lock);
	STAILQ_INSERT_TAIL(&p->queue, probe, next);
	pthread_cond_signal(&p->wake);
}
