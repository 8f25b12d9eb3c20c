#include "probe.h"

#include "base/buf.h"
#include "base/clock.h"
#include "base/fs.h"
#include "base/str.h"
#include "base/thread.h"
#include "listen_port.h"
#include "net/http.h"
#include "probe_http.h"

#include <arpa/inet.h>
#include <errno.h>
#include <poll.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/queue.h>
#include <sys/socket.h>
#include <unistd.h>

#define EVENTS_MAX 64
#define REDIRECTS_MAX 5
#define LOOPBACK_WAIT_MS 10

/* A check under way. */
struct probe {
	TAILQ_ENTRY(probe) next;
	struct probe_request request;
	char *path, *host;
	int64_t deadline_ns;
	int fd, redirects;
	bool is_connected, is_open, is_over;
	struct buf answer;
};
TAILQ_HEAD(probe_list, probe);

struct prober {
	pthread_mutex_t lock;
	struct probe_list queue; /* handed over, not begun; guarded by lock */
	bool stopping;           /* guarded by lock */
	struct probe_list active;
	int epoll_fd, wake_fd;
	pthread_t thread;
	bool is_running;
	probe_done done;
	void *self;
};

static void probe_free(struct probe *probe)
{
	closep(&probe->fd);
	buf_clear(&probe->answer);
	free(probe->path);
	free(probe->host);
	free(probe);
}

/* The verdict; message is taken over. The probe is freed at the end of the round, as its events may be in hand. */
static void finish(struct prober *p, struct probe *probe, char *message)
{
	struct probe_result result = {
		.id = probe->request.id,
		.ok = message == NULL,
		.is_open = probe->is_open,
		.port = probe->request.port,
		.message = message,
	};
	close_watched(p->epoll_fd, &probe->fd);
	probe->is_over = true;
	p->done(p->self, &result);
	free(message);
}

static int connect_loopback(int family, int port)
{
	struct sockaddr_in v4 = { .sin_family = AF_INET,
		                      .sin_port = htons((uint16_t)port),
		                      .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	struct sockaddr_in6 v6 = { .sin6_family = AF_INET6,
		                       .sin6_port = htons((uint16_t)port),
		                       .sin6_addr = IN6ADDR_LOOPBACK_INIT };
	const struct sockaddr *address = family == AF_INET ? (const struct sockaddr *)&v4 : (const struct sockaddr *)&v6;
	_cleanup_close_ int fd = socket(family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0 || (connect(fd, address, family == AF_INET ? sizeof(v4) : sizeof(v6)) < 0 && errno != EINPROGRESS))
		return -1;
	return TAKE_FD(fd);
}

/* Nobody on 127.0.0.1, which is where the proxy goes; perhaps it listens on the other loopback only. */
static char *describe_refusal(int port)
{
	_cleanup_close_ int v6 = connect_loopback(AF_INET6, port);
	struct pollfd pollfd = { .fd = v6, .events = POLLOUT };
	int error = 0;
	socklen_t size = sizeof(error);
	/* On loopback a connection is made or refused at once. */
	if (v6 >= 0 && poll(&pollfd, 1, LOOPBACK_WAIT_MS) > 0 && getsockopt(v6, SOL_SOCKET, SO_ERROR, &error, &size) == 0 &&
	    error == 0)
		return xasprintf("port %d accepts connections on ::1 only; let the program listen on the address in HOST "
		                 "(127.0.0.1)",
		                 port);
	return xasprintf("port %d does not accept connections", port);
}

static void begin(struct prober *p, struct probe *probe)
{
	struct epoll_event event = { .events = EPOLLOUT, .data.ptr = probe };
	probe->is_connected = false;
	buf_reset(&probe->answer);
	close_watched(p->epoll_fd, &probe->fd);
	probe->fd = connect_loopback(AF_INET, probe->request.port);
	if (probe->fd < 0)
		finish(p, probe, describe_refusal(probe->request.port));
	else if (epoll_ctl(p->epoll_fd, EPOLL_CTL_ADD, probe->fd, &event) < 0)
		finish(p, probe, xasprintf("cannot be checked: %s", strerrorname_np(errno)));
}

static void on_connected(struct prober *p, struct probe *probe)
{
	int error = 0;
	socklen_t size = sizeof(error);
	if (getsockopt(probe->fd, SOL_SOCKET, SO_ERROR, &error, &size) < 0 || error != 0) {
		finish(p, probe, describe_refusal(probe->request.port));
		return;
	}
	probe->is_connected = probe->is_open = true;
	if (str_empty(probe->path)) {
		finish(p, probe, NULL);
		return;
	}
	/* A few hundred bytes always fit into a fresh connection. */
	_cleanup_free_ char *request = probe_http_request(probe->path, probe->host);
	struct epoll_event event = { .events = EPOLLIN | EPOLLRDHUP, .data.ptr = probe };
	if (send(probe->fd, request, strlen(request), MSG_NOSIGNAL) < 0 ||
	    epoll_ctl(p->epoll_fd, EPOLL_CTL_MOD, probe->fd, &event) < 0)
		finish(p, probe, xasprintf("GET %s could not be sent", probe->path));
}

static void follow(struct prober *p, struct probe *probe, char *path)
{
	if (++probe->redirects > REDIRECTS_MAX) {
		finish(p, probe, xasprintf("GET %s redirects again and again", probe->path));
		free(path);
		return;
	}
	free(probe->path);
	probe->path = path;
	begin(p, probe);
}

static void judge(struct prober *p, struct probe *probe, bool is_end)
{
	int status = 0;
	char *path = NULL;
	switch (probe_http_judge(buf_str(&probe->answer), probe->answer.len, is_end, &status, &path)) {
	case PROBE_MORE:
		return;
	case PROBE_OK:
		finish(p, probe, NULL);
		return;
	case PROBE_REDIRECT:
		follow(p, probe, path);
		return;
	case PROBE_BAD:
		finish(p, probe, xasprintf("GET %s answered %d %s", probe->path, status, http_status_text(status)));
		return;
	case PROBE_NO_HTTP:
		finish(p, probe, xasprintf("GET %s was not answered with HTTP", probe->path));
		return;
	}
}

static void on_answer(struct prober *p, struct probe *probe)
{
	size_t room = PROBE_ANSWER_MAX - probe->answer.len;
	char *data = buf_reserve(&probe->answer, room);
	ssize_t n = room && data ? read(probe->fd, data, room) : 0;
	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (n > 0)
		buf_commit(&probe->answer, (size_t)n);
	judge(p, probe, n <= 0 || probe->answer.len == PROBE_ANSWER_MAX);
}

/* ---- the thread ---- */

/* Those that do not know their port yet are told; one reading of the machine's sockets serves all. */
static void find_ports(struct prober *p, struct probe_list *list)
{
	_cleanup_(listeners_freep) struct listeners *listeners = NULL;
	struct probe *probe;
	TAILQ_FOREACH (probe, list, next) {
		struct probe_request *r = &probe->request;
		if (r->port)
			continue;
		if (!listeners)
			listeners = listeners_read();
		r->port = listen_port_of(listeners, r->root, r->told_port, r->usual_port);
		if (!r->port)
			finish(p, probe, xstrdup("it listens on no port yet"));
	}
}

/* False when the thread is to end. */
static bool take_queue(struct prober *p)
{
	struct probe_list fresh = TAILQ_HEAD_INITIALIZER(fresh);
	uint64_t count;
	(void)!read(p->wake_fd, &count, sizeof(count));
	pthread_mutex_lock(&p->lock);
	bool stopping = p->stopping;
	TAILQ_CONCAT(&fresh, &p->queue, next);
	pthread_mutex_unlock(&p->lock);
	if (!stopping) {
		struct probe *probe;
		find_ports(p, &fresh);
		TAILQ_FOREACH (probe, &fresh, next) {
			probe->deadline_ns = clock_mono_ns() + probe->request.timeout_ns;
			if (!probe->is_over)
				begin(p, probe);
		}
	}
	TAILQ_CONCAT(&p->active, &fresh, next);
	return !stopping;
}

/* Ends what is too late, frees what is over; ms until the next one is too late. */
static int tidy(struct prober *p)
{
	int64_t now = clock_mono_ns(), soonest = -1;
	struct probe *probe, *next;
	for (probe = TAILQ_FIRST(&p->active); probe; probe = next) {
		next = TAILQ_NEXT(probe, next);
		if (!probe->is_over && now >= probe->deadline_ns)
			finish(p, probe,
			       probe->is_connected ? xasprintf("GET %s gave no answer in time", probe->path)
			                           : xasprintf("port %d accepted no connection in time", probe->request.port));
		if (probe->is_over) {
			TAILQ_REMOVE(&p->active, probe, next);
			probe_free(probe);
			continue;
		}
		if (soonest < 0 || probe->deadline_ns < soonest)
			soonest = probe->deadline_ns;
	}
	return soonest < 0 ? -1 : (int)((soonest - now) / NS_PER_MS) + 1;
}

static void *prober_main(void *arg)
{
	struct prober *p = arg;
	for (bool running = true; running;) {
		struct epoll_event events[EVENTS_MAX];
		int n = epoll_wait(p->epoll_fd, events, EVENTS_MAX, tidy(p));
		for (int i = 0; i < n; i++) {
			struct probe *probe = events[i].data.ptr;
			if (!probe)
				running = take_queue(p);
			else if (!probe->is_over && !probe->is_connected)
				on_connected(p, probe);
			else if (!probe->is_over)
				on_answer(p, probe);
		}
	}
	return NULL;
}

struct prober *prober_new(probe_done done, void *self, struct err *err)
{
	struct prober *p = new0(struct prober);
	struct epoll_event event = { .events = EPOLLIN };
	p->done = done;
	p->self = self;
	TAILQ_INIT(&p->queue);
	TAILQ_INIT(&p->active);
	pthread_mutex_init(&p->lock, NULL);
	p->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	p->wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (p->epoll_fd < 0 || p->wake_fd < 0 || epoll_ctl(p->epoll_fd, EPOLL_CTL_ADD, p->wake_fd, &event) < 0) {
		err_set_errno(err, errno, "preparing health checks");
		return prober_free(p);
	}
	p->is_running = thread_start(&p->thread, "health", prober_main, p, err) == 0;
	return p->is_running ? p : prober_free(p);
}

static void wake(struct prober *p)
{
	uint64_t one = 1;
	(void)!write(p->wake_fd, &one, sizeof(one));
}

static void free_list(struct probe_list *list)
{
	for (struct probe *probe; (probe = TAILQ_FIRST(list));) {
		TAILQ_REMOVE(list, probe, next);
		probe_free(probe);
	}
}

struct prober *prober_free(struct prober *p)
{
	if (!p)
		return NULL;
	pthread_mutex_lock(&p->lock);
	p->stopping = true;
	pthread_mutex_unlock(&p->lock);
	if (p->is_running) {
		wake(p);
		pthread_join(p->thread, NULL);
	}
	free_list(&p->queue);
	free_list(&p->active);
	closep(&p->epoll_fd);
	closep(&p->wake_fd);
	pthread_mutex_destroy(&p->lock);
	free(p);
	return NULL;
}

void prober_submit(struct prober *p, const struct probe_request *request)
{
	struct probe *probe = new0(struct probe);
	probe->request = *request;
	probe->path = xstrdup_or_null(request->path);
	probe->host = xstrdup_or_null(request->host);
	probe->request.path = probe->request.host = NULL;
	probe->fd = -1;
	probe->answer = BUF_INIT(PROBE_ANSWER_MAX);
	pthread_mutex_lock(&p->lock);
	TAILQ_INSERT_TAIL(&p->queue, probe, next);
	pthread_mutex_unlock(&p->lock);
	wake(p);
}
