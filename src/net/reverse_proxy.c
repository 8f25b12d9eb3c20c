#include "net/reverse_proxy.h"

#include "base/thread.h"
#include "proxy_internal.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>

#define EVENTS_MAX 256
#define ACCEPTS_MAX 64 /* in one turn */
#define ACCEPT_AGAIN_NS (100 * NS_PER_MS)

void proxy_set_bury(struct proxy_set *set, void *p)
{
	if (set->graves_len == set->graves_cap) {
		set->graves_cap = set->graves_cap ? set->graves_cap * 2 : 64;
		set->graves = xreallocarray(set->graves, set->graves_cap, sizeof(*set->graves));
	}
	set->graves[set->graves_len++] = p;
}

void proxy_set_wake(struct proxy_set *set)
{
	const uint64_t one = 1;
	ssize_t n = write(set->wake, &one, sizeof(one));

	(void)n; /* full means that it is awake already */
}

void proxy_count_begin(struct proxy *p)
{
	MUTEX_GUARD(&p->set->lock);
	p->stats.requests++;
	p->stats.active++;
	p->stats.last_activity_ns = p->set->now;
}

void proxy_count_end(struct proxy *p, bool error)
{
	MUTEX_GUARD(&p->set->lock);
	p->stats.active--;
	p->stats.errors += error;
	p->stats.last_activity_ns = p->set->now;
}

/* Waiting requests. */

static void demand(struct proxy *p)
{
	struct proxy_set *set = p->set;
	bool call;

	if (!p->config.on_demand || p->set->now - p->demand_at < PROXY_DEMAND_NS || !backend_none_in(p))
		return;
	p->demand_at = set->now;
	pthread_mutex_lock(&set->lock);
	call = !p->closing;
	if (call)
		set->demanding = p;
	pthread_mutex_unlock(&set->lock);
	if (!call)
		return;
	p->config.on_demand(p->config.self);
	pthread_mutex_lock(&set->lock);
	set->demanding = NULL;
	pthread_cond_broadcast(&set->called);
	pthread_mutex_unlock(&set->lock);
}

void proxy_start_waiting(struct proxy *p)
{
	demand(p);
	if (!p->tick.slot)
		timers_set(&p->set->timers, &p->tick, p->set->now + PROXY_TICK_NS);
}

/* In order of arrival, once there is a backend. */
static void dispatch_waiting(struct proxy *p)
{
	struct conn *c;

	if (TAILQ_EMPTY(&p->waiting) || !backend_available(p))
		return;
	while ((c = TAILQ_FIRST(&p->waiting))) {
		TAILQ_REMOVE(&p->waiting, c, waiting_entry);
		c->phase = CONN_DISPATCH;
		conn_run_soon(c);
	}
}

static void on_tick(void *self)
{
	struct proxy *p = self;

	dispatch_waiting(p);
	if (!TAILQ_EMPTY(&p->waiting))
		proxy_start_waiting(p);
}

/* Accepting. */

static int listener_watch(struct proxy *p)
{
	struct epoll_event e = { .events = EPOLLIN, .data.ptr = &p->listener_source };

	return epoll_ctl(p->set->epoll, EPOLL_CTL_ADD, p->listener, &e);
}

static void accept_suspend(struct proxy *p)
{
	if (!p->accept_off)
		epoll_ctl(p->set->epoll, EPOLL_CTL_DEL, p->listener, NULL);
	p->accept_off = true;
}

static void accept_resume(void *self)
{
	struct proxy *p = self;

	if (p->accept_off && p->listener >= 0 && !listener_watch(p))
		p->accept_off = false;
}

void proxy_conn_closed(struct proxy *p)
{
	if (p->accept_off && !p->accept_again.slot && p->conns_len < PROXY_CONNS_MAX)
		accept_resume(p);
}

static void on_listener(struct source *source, uint32_t events _unused_)
{
	struct proxy *p = (struct proxy *)((char *)source - offsetof(struct proxy, listener_source));
	const int on = 1;

	for (int i = 0; i < ACCEPTS_MAX && p->listener >= 0; i++) {
		struct sockaddr_in from = { 0 };
		socklen_t len = sizeof(from);
		char peer[INET_ADDRSTRLEN] = "127.0.0.1";

		if (p->conns_len >= PROXY_CONNS_MAX) {
			accept_suspend(p);
			return;
		}
		int fd = accept4(p->listener, (struct sockaddr *)&from, &len, SOCK_NONBLOCK | SOCK_CLOEXEC);

		if (fd < 0 && (errno == EMFILE || errno == ENFILE || errno == ENOBUFS || errno == ENOMEM)) {
			log_debug(p->set->log, "proxy on port %d: accepting: %s", p->port, strerror(errno));
			accept_suspend(p);
			timers_set(&p->set->timers, &p->accept_again, p->set->now + ACCEPT_AGAIN_NS);
			return;
		}
		if (fd < 0 && (errno == ECONNABORTED || errno == EINTR))
			continue;
		if (fd < 0)
			return;
		setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
		inet_ntop(AF_INET, &from.sin_addr, peer, sizeof(peer));
		conn_new(p, fd, peer);
	}
}

/* Closing. */

static void close_listener(struct proxy *p)
{
	close_watched(p->set->epoll, &p->listener);
}

static void destroy_conns(struct proxy *p)
{
	while (!TAILQ_EMPTY(&p->conns))
		conn_destroy(TAILQ_FIRST(&p->conns), true);
}

static void on_grace_over(void *self)
{
	destroy_conns(self);
}

static void begin_closing(struct proxy *p, int64_t close_at)
{
	struct conn *c, *next;

	p->draining = true;
	close_listener(p);
	for (c = TAILQ_FIRST(&p->conns); c; c = next) {
		next = TAILQ_NEXT(c, entry);
		conn_close_if_idle(c);
	}
	timers_set(&p->set->timers, &p->grace, close_at);
}

static void proxy_free(struct proxy *p)
{
	struct timers *t = &p->set->timers;

	close_listener(p);
	backend_free_all(p);
	timers_cancel(t, &p->accept_again);
	timers_cancel(t, &p->tick);
	timers_cancel(t, &p->grace);
	pthread_mutex_lock(&p->set->lock);
	LIST_REMOVE(p, entry);
	pthread_mutex_unlock(&p->set->lock);
	proxy_set_bury(p->set, p);
}

/* What other threads changed. */

static struct proxy *next_changed(struct proxy_set *set, bool *ret_closing, int64_t *ret_close_at)
{
	MUTEX_GUARD(&set->lock);
	struct proxy *p;

	LIST_FOREACH (p, &set->proxies, entry) {
		if (p->changed) {
			p->changed = false;
			*ret_closing = p->closing;
			*ret_close_at = p->close_at;
			return p;
		}
	}
	return NULL;
}

static struct proxy *next_finished(struct proxy_set *set)
{
	MUTEX_GUARD(&set->lock);
	struct proxy *p;

	LIST_FOREACH (p, &set->proxies, entry)
		if (p->draining && !p->conns_len)
			return p;
	return NULL;
}

static void apply_changes(struct proxy_set *set)
{
	struct proxy *p;
	int64_t close_at;
	bool closing;

	while ((p = next_changed(set, &closing, &close_at))) {
		backend_apply_changes(p);
		dispatch_waiting(p);
		if (closing && !p->draining)
			begin_closing(p, close_at);
	}
}

static void on_wake(struct source *source, uint32_t events _unused_)
{
	struct proxy_set *set = (struct proxy_set *)((char *)source - offsetof(struct proxy_set, wake_source));
	uint64_t count;
	ssize_t n = read(set->wake, &count, sizeof(count));

	(void)n;
}

/* The loop. */

static void run_ready(struct proxy_set *set)
{
	for (size_t n = set->ready_len; n && set->ready_len; n--) {
		struct conn *c = TAILQ_FIRST(&set->ready);

		TAILQ_REMOVE(&set->ready, c, ready_entry);
		set->ready_len--;
		c->in_ready = false;
		conn_run(c);
	}
}

static bool must_stop(struct proxy_set *set)
{
	MUTEX_GUARD(&set->lock);
	return set->stop;
}

static void turn(struct proxy_set *set)
{
	struct epoll_event events[EVENTS_MAX];
	int wait_ms = set->ready_len ? 0 : timers_wait_ms(&set->timers, clock_mono_ns());
	int n = epoll_wait(set->epoll, events, EVENTS_MAX, wait_ms);
	struct proxy *p;

	set->now = clock_mono_ns();
	for (int i = 0; i < n; i++) {
		struct source *source = events[i].data.ptr;

		source->ready(source, events[i].events);
	}
	apply_changes(set);
	timers_run(&set->timers, set->now);
	run_ready(set);
	while ((p = next_finished(set)))
		proxy_free(p);
	while (set->graves_len)
		free(set->graves[--set->graves_len]);
}

static void *loop_main(void *arg)
{
	struct proxy_set *set = arg;

	while (!must_stop(set))
		turn(set);
	while (!LIST_EMPTY(&set->proxies)) {
		struct proxy *p = LIST_FIRST(&set->proxies);

		destroy_conns(p);
		proxy_free(p);
	}
	while (set->graves_len)
		free(set->graves[--set->graves_len]);
	return NULL;
}

/* The public functions. */

static struct proxy_set *set_free(struct proxy_set *set)
{
	if (set->epoll >= 0)
		close(set->epoll);
	if (set->wake >= 0)
		close(set->wake);
	timers_done(&set->timers);
	free(set->graves);
	free(set->scratch);
	logger_unref(set->log);
	pthread_mutex_destroy(&set->lock);
	pthread_cond_destroy(&set->called);
	free(set);
	return NULL;
}

struct proxy_set *proxy_set_new(struct logger *log, struct err *err)
{
	struct proxy_set *set = new0(struct proxy_set);
	struct epoll_event e = { .events = EPOLLIN, .data.ptr = &set->wake_source };

	set->log = log ? logger_ref(log) : NULL;
	pthread_mutex_init(&set->lock, NULL);
	pthread_cond_init(&set->called, NULL);
	TAILQ_INIT(&set->ready);
	LIST_INIT(&set->proxies);
	set->scratch = xmalloc(SOCK_CHUNK);
	set->now = clock_mono_ns();
	set->wake_source.ready = on_wake;
	set->epoll = epoll_create1(EPOLL_CLOEXEC);
	set->wake = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
	if (set->epoll < 0 || set->wake < 0 || epoll_ctl(set->epoll, EPOLL_CTL_ADD, set->wake, &e)) {
		err_set_errno(err, errno, "reverse proxy: making an event loop");
		return set_free(set);
	}
	if (thread_start(&set->thread, "proxy", loop_main, set, err))
		return set_free(set);
	return set;
}

struct proxy_set *proxy_set_free(struct proxy_set *set)
{
	if (!set)
		return NULL;
	pthread_mutex_lock(&set->lock);
	set->stop = true;
	pthread_mutex_unlock(&set->lock);
	proxy_set_wake(set);
	pthread_join(set->thread, NULL);
	return set_free(set);
}

/* Listens on 127.0.0.1; the socket and the port. */
static int listen_on(int port, int *ret_fd, int *ret_port, struct err *err)
{
	struct sockaddr_in at = { .sin_family = AF_INET,
		                      .sin_port = htons((uint16_t)port),
		                      .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t len = sizeof(at);
	const int on = 1;
	_cleanup_close_ int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

	if (fd < 0)
		return err_set_errno(err, errno, "reverse proxy on port %d: making a socket", port);
	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
	if (bind(fd, (const struct sockaddr *)&at, sizeof(at)) || listen(fd, SOMAXCONN)) {
		if (errno == EADDRINUSE)
			return err_set(err, ERR_ALREADY_EXISTS,
			               "reverse proxy on port %d: the port is taken: choose another, or stop "
			               "the program that listens there",
			               port);
		return err_set_errno(err, errno, "reverse proxy on port %d: listening on 127.0.0.1", port);
	}
	if (getsockname(fd, (struct sockaddr *)&at, &len))
		return err_set_errno(err, errno, "reverse proxy on port %d: asking for the port", port);
	*ret_port = ntohs(at.sin_port);
	*ret_fd = fd;
	fd = -1;
	return 0;
}

int proxy_open(struct proxy_set *set, const struct proxy_config *config, struct proxy **ret, struct err *err)
{
	int fd = -1, port = config->port;

	if (config->port < 0 || config->port > 65535)
		return err_set(err, ERR_BAD_REQUEST, "reverse proxy on port %d: a port is a number between 0 and 65535",
		               config->port);
	if (listen_on(config->port, &fd, &port, err))
		return -1;

	struct proxy *p = new0(struct proxy);

	p->set = set;
	p->config = *config;
	p->config.hold_ns = config->hold_ns > 0 ? config->hold_ns : 30 * NS_PER_S;
	p->config.idle_ns = config->idle_ns > 0 ? config->idle_ns : 60 * NS_PER_S;
	p->port = port;
	p->listener = fd;
	p->listener_source.ready = on_listener;
	snprintf(p->own_host, sizeof(p->own_host), "127.0.0.1:%d", port);
	p->accept_again = (struct timer){ .fire = accept_resume, .self = p };
	p->tick = (struct timer){ .fire = on_tick, .self = p };
	p->grace = (struct timer){ .fire = on_grace_over, .self = p };
	p->demand_at = INT64_MIN / 2;
	p->stats.last_activity_ns = clock_mono_ns();
	TAILQ_INIT(&p->conns);
	TAILQ_INIT(&p->waiting);
	LIST_INIT(&p->backends);
	pthread_mutex_lock(&set->lock);
	LIST_INSERT_HEAD(&set->proxies, p, entry);
	pthread_mutex_unlock(&set->lock);
	/* Last: from here on the event thread works with it. */
	if (listener_watch(p)) {
		err_set_errno(err, errno, "reverse proxy on port %d: watching its socket", port);
		proxy_close(p, 0);
		return -1;
	}
	*ret = p;
	return 0;
}

int proxy_port(const struct proxy *p)
{
	return p->port;
}

void proxy_get_stats(struct proxy *p, struct proxy_stats *ret)
{
	MUTEX_GUARD(&p->set->lock);
	*ret = p->stats;
}

void proxy_close(struct proxy *p, int64_t grace_ns)
{
	struct proxy_set *set = p->set;

	/* Not close(): the event thread may be using it. This refuses new connections, and frees the port, at once. */
	shutdown(p->listener, SHUT_RDWR);
	pthread_mutex_lock(&set->lock);
	p->close_at = clock_mono_ns() + (grace_ns > 0 ? grace_ns : 0);
	p->closing = p->changed = true;
	while (set->demanding == p && !pthread_equal(pthread_self(), set->thread))
		pthread_cond_wait(&set->called, &set->lock);
	pthread_mutex_unlock(&set->lock);
	proxy_set_wake(set);
}
