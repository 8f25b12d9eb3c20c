#include "http_server_internal.h"

#include "base/clock.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>

#define EVENTS_MAX 256
#define ACCEPTS_MAX 64 /* at a time, so that who is there already is served between them */
#define REFUSALS_TOLD_NS (60 * NS_PER_S)
#define TICK_NS (250 * NS_PER_MS)
#define WIRE_OUT_MAX ((size_t)512 * 1024)
/* A stream is flushed at most once within FLUSH_SHARE_NS for each stream of its loop: ten watches get each event at
 * once, a thousand get those of 25 ms together, and the loop keeps time for requests. */
#define FLUSH_SHARE_NS (50 * NS_PER_MS / 1000)
#define FLUSH_INTERVAL_MAX_NS (50 * NS_PER_MS)
#define FLUSH_INTERVAL_MIN_NS (2 * NS_PER_MS) /* less is not worth waiting for */
#define WOKEN_MAX 1024                        /* between two looks at what else happened */
#define FLUSHES_MAX 64                        /* between two looks at what else happened */

/* ---- waking ---- */

bool http_loop_wake(struct http_loop *l, struct http_connection *c)
{
	static const uint64_t one = 1;
	bool ring;

	pthread_mutex_lock(&l->lock);
	if (l->ended) {
		pthread_mutex_unlock(&l->lock);
		return false;
	}
	if (c && !c->woken) {
		c->woken = true;
		c->woken_next = NULL;
		*l->woken_last = http_connection_ref(c);
		l->woken_last = &c->woken_next;
	}
	l->poked |= !c;
	ring = !l->awake;
	l->awake = true;
	pthread_mutex_unlock(&l->lock);
	if (ring)
		while (write(l->wake_fd, &one, sizeof(one)) < 0 && errno == EINTR)
			;
	return true;
}

/* The next of them, with its reference; NULL. */
static struct http_connection *take_woken(struct http_loop *l)
{
	MUTEX_GUARD(&l->lock);
	struct http_connection *c = l->woken;

	l->awake = true;
	if (!c)
		return NULL;
	l->woken = c->woken_next;
	if (!l->woken)
		l->woken_last = &l->woken;
	c->woken = false;
	return c;
}

/* False when there is something to do already: do not sleep. */
static bool may_sleep(struct http_loop *l)
{
	MUTEX_GUARD(&l->lock);
	bool busy = l->woken || l->poked;

	l->poked = false;
	l->awake = busy;
	return !busy;
}

/* ---- streams that are written to often ---- */

static int64_t flush_interval(const struct http_loop *l)
{
	int64_t interval = (int64_t)l->streams * FLUSH_SHARE_NS;

	if (interval < FLUSH_INTERVAL_MIN_NS)
		return 0;
	return interval < FLUSH_INTERVAL_MAX_NS ? interval : FLUSH_INTERVAL_MAX_NS;
}

/* True when it waits for its turn. */
static bool put_off(struct http_loop *l, struct http_connection *c)
{
	int64_t due = c->flushed_ns + flush_interval(l);

	if (c->is_due)
		return true;
	if (due <= l->now_ns) {
		c->flushed_ns = l->now_ns;
		return false;
	}
	c->is_due = true;
	c->due_ns = due;
	c->due_next = NULL;
	*l->due_last = http_connection_ref(c);
	l->due_last = &c->due_next;
	return true;
}

/* In order of their coming, which is nearly that of their being due. */
static void flush_due(struct http_loop *l)
{
	for (int i = 0; i < FLUSHES_MAX && l->due && (l->due->due_ns <= l->now_ns || l->due->state == HTTP_CLOSED); i++) {
		struct http_connection *c = l->due;

		l->due = c->due_next;
		if (!l->due)
			l->due_last = &l->due;
		c->is_due = false;
		c->flushed_ns = l->now_ns;
		http_connection_drive(c);
		http_connection_unref(c);
	}
}

static void look_at_woken(struct http_loop *l)
{
	struct http_connection *c;

	for (int i = 0; i < WOKEN_MAX && (c = take_woken(l)); i++) {
		if (c->state == HTTP_NEW)
			http_connection_begin(c);
		if (!http_connection_is_streaming(c) || !put_off(l, c))
			http_connection_drive(c);
		http_connection_unref(c);
	}
}

/* ---- accepting ---- */

static void listen_again(struct http_loop *l, bool listening)
{
	struct epoll_event e = { .events = listening ? EPOLLIN : 0u, .data.ptr = &l->listener_source };

	epoll_ctl(l->epoll, EPOLL_CTL_MOD, l->server->listener, &e);
}

static struct http_loop *least_busy(struct http_server *s)
{
	struct http_loop *best = &s->loops[0];

	for (size_t i = 1; i < s->loops_len; i++)
		if (atomic_load(&s->loops[i].connections_len) < atomic_load(&best->connections_len))
			best = &s->loops[i];
	return best;
}

static void pause_accepting(struct http_loop *l)
{
	atomic_store(&l->server->accept_paused, true);
	listen_again(l, false);
}

/* False when the client has as many connections as it may; said once a minute. */
static bool let_in(struct http_server *s, const union http_address *from)
{
	const struct http_peer peer = http_peer_of(from);
	char host[INET6_ADDRSTRLEN] = "?";
	int64_t now = clock_mono_ns();

	if (http_peers_enter(s->peers, &peer))
		return true;
	s->refused++;
	if (s->refusals_told_ns && now - s->refusals_told_ns < REFUSALS_TOLD_NS)
		return false;
	inet_ntop(from->any.sa_family,
	          from->any.sa_family == AF_INET6 ? (const void *)&from->in6.sin6_addr : &from->in.sin_addr, host,
	          sizeof(host));
	log_warn(s->log, "http: %s has as many connections as one client may: more are closed (%zu so far)", host,
	         s->refused);
	s->refusals_told_ns = now;
	return false;
}

static void accept_some(struct http_loop *l)
{
	struct http_server *s = l->server;

	for (int i = 0; i < ACCEPTS_MAX; i++) {
		if (atomic_load(&s->connections_len) >= s->connections_max) {
			pause_accepting(l);
			return;
		}
		union http_address from = { .any.sa_family = AF_UNSPEC };
		socklen_t len = sizeof(from);
		int fd = accept4(s->listener, &from.any, &len, SOCK_NONBLOCK | SOCK_CLOEXEC);
		if (fd < 0) {
			/* Out of descriptors or memory: the next tick tries again, instead of all the time. */
			if (errno == EMFILE || errno == ENFILE || errno == ENOBUFS || errno == ENOMEM)
				pause_accepting(l);
			return;
		}
		if (!let_in(s, &from)) {
			close(fd);
			continue;
		}
		struct http_loop *owner = least_busy(s);
		struct http_connection *c = http_connection_new(s, owner, fd, &from);
		if (owner == l) {
			http_connection_begin(c);
			http_connection_drive(c);
			continue;
		}
		if (!http_loop_wake(owner, c))
			http_connection_close(c);
	}
}

static void resume_accepting(struct http_loop *l)
{
	struct http_server *s = l->server;

	if (l != &s->loops[0] || s->listener < 0 || !atomic_load(&s->accept_paused) ||
	    atomic_load(&s->connections_len) >= s->connections_max)
		return;
	atomic_store(&s->accept_paused, false);
	listen_again(l, true);
}

/* ---- time ---- */

const char *http_loop_date(struct http_loop *l)
{
	time_t now = (time_t)(clock_wall_ns() / NS_PER_S);
	struct tm tm;

	if (now != l->date_s || !*l->date) {
		gmtime_r(&now, &tm);
		strftime(l->date, sizeof(l->date), "Date: %a, %d %b %Y %H:%M:%S GMT\r\n\r\n", &tm);
		l->date_s = now;
	}
	return l->date;
}

static void tick(struct http_loop *l)
{
	struct http_connection *next;

	if (l->now_ns < l->tick_ns)
		return;
	l->tick_ns = l->now_ns + TICK_NS;
	for (struct http_connection *c = l->connections; c; c = next) {
		next = c->next;
		if (c->deadline_ns && l->now_ns > c->deadline_ns)
			http_connection_close(c);
	}
	resume_accepting(l);
}

static int timeout_ms(const struct http_loop *l)
{
	int64_t until = l->connections || atomic_load(&l->server->accept_paused) ? l->tick_ns : -1;

	if (l->due && (until < 0 || l->due->due_ns < until))
		until = l->due->due_ns;
	if (until < 0)
		return -1;
	int64_t wait = until - clock_mono_ns();
	return wait <= 0 ? 0 : (int)((wait + NS_PER_MS - 1) / NS_PER_MS);
}

/* ---- stopping ---- */

static void close_listener(struct http_loop *l)
{
	if (l != &l->server->loops[0] || l->server->listener < 0)
		return;
	close_watched(l->epoll, &l->server->listener);
}

/* Who waits for nothing is closed, streams end. */
static void begin_stop(struct http_loop *l)
{
	struct http_connection *next;

	l->saw_stopping = true;
	close_listener(l);
	for (struct http_connection *c = l->connections; c; c = next) {
		next = c->next;
		if (c->state == HTTP_HANDSHAKE || c->state == HTTP_UPGRADED || (c->state == HTTP_HEAD && c->in.len == 0))
			http_connection_close(c);
		else
			http_connection_drive(c);
	}
}

/* A connection that closes stays in memory until the end of the round, as another event of it may follow. */
static void bury(struct http_loop *l)
{
	while (l->closed) {
		struct http_connection *c = l->closed;

		l->closed = c->next;
		http_connection_unref(c);
	}
}

static void end(struct http_loop *l)
{
	struct http_connection *c;

	pthread_mutex_lock(&l->lock);
	l->ended = true;
	pthread_mutex_unlock(&l->lock);
	close_listener(l);
	while ((c = take_woken(l))) {
		http_connection_close(c);
		http_connection_unref(c);
	}
	while (l->connections)
		http_connection_close(l->connections);
	l->now_ns = INT64_MAX;
	while (l->due)
		flush_due(l);
	bury(l);
}

/* ---- the thread ---- */

static void happened(struct http_loop *l, const struct epoll_event *e)
{
	struct http_source *source = e->data.ptr;
	struct http_connection *c;

	switch (source->kind) {
	case HTTP_SOURCE_WAKE:
		return;
	case HTTP_SOURCE_LISTENER:
		if (l->server->listener >= 0)
			accept_some(l);
		return;
	case HTTP_SOURCE_CONNECTION:
		c = (struct http_connection *)source;
		c->readable |= (e->events & (EPOLLIN | EPOLLHUP | EPOLLERR | EPOLLRDHUP)) != 0;
		c->eof |= (e->events & (EPOLLHUP | EPOLLERR | EPOLLRDHUP)) != 0;
		break;
	case HTTP_SOURCE_PIPE:
		c = (struct http_connection *)(void *)((char *)source - offsetof(struct http_connection, pipe_source));
		c->pipe_readable |= (e->events & (EPOLLIN | EPOLLHUP | EPOLLERR | EPOLLRDHUP)) != 0;
		break;
	default:
		return;
	}
	http_connection_drive(c);
}

static void *loop_main(void *arg)
{
	struct http_loop *l = arg;
	struct epoll_event events[EVENTS_MAX];

	while (!atomic_load(&l->server->killed)) {
		if (atomic_load(&l->server->stopping) && !l->saw_stopping)
			begin_stop(l);
		int n = epoll_wait(l->epoll, events, EVENTS_MAX, may_sleep(l) ? timeout_ms(l) : 0);

		l->now_ns = clock_mono_ns();
		for (int i = 0; i < n; i++)
			happened(l, &events[i]);
		look_at_woken(l);
		flush_due(l);
		tick(l);
		bury(l);
	}
	end(l);
	return NULL;
}

static int watch_fd(struct http_loop *l, int fd, unsigned events, struct http_source *source)
{
	struct epoll_event e = { .events = events, .data.ptr = source };

	return epoll_ctl(l->epoll, EPOLL_CTL_ADD, fd, &e);
}

int http_loop_init(struct http_loop *l, struct http_server *s, struct err *err)
{
	*l = (struct http_loop){ .server = s, .wire_out = BUF_INIT(WIRE_OUT_MAX) };
	l->woken_last = &l->woken;
	l->due_last = &l->due;
	l->wake_source.kind = HTTP_SOURCE_WAKE;
	l->listener_source.kind = HTTP_SOURCE_LISTENER;
	pthread_mutex_init(&l->lock, NULL);
	l->epoll = epoll_create1(EPOLL_CLOEXEC);
	l->wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	l->wire_in = xmalloc(HTTP_WIRE_IN_SIZE);
	l->plain = xmalloc(HTTP_PIECE_MAX);
	/* Edge-triggered: never read, every write is an event. */
	if (l->epoll < 0 || l->wake_fd < 0 || watch_fd(l, l->wake_fd, EPOLLIN | EPOLLET, &l->wake_source) < 0 ||
	    (l == &s->loops[0] && watch_fd(l, s->listener, EPOLLIN, &l->listener_source) < 0))
		return err_set_errno(err, errno, "starting the HTTP server: an event thread");
	return 0;
}

int http_loop_start(struct http_loop *l, struct err *err)
{
	if (thread_start(&l->thread, "http", loop_main, l, err) < 0)
		return -1;
	l->started = true;
	return 0;
}

void http_loop_done(struct http_loop *l)
{
	closep(&l->epoll);
	closep(&l->wake_fd);
	free(l->wire_in);
	free(l->plain);
	buf_clear(&l->wire_out);
	pthread_mutex_destroy(&l->lock);
}
