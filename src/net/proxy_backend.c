#include "proxy_internal.h"

#include "base/thread.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <string.h>
#include <sys/socket.h>

/* The table. */

static struct backend *find(struct proxy *p, int port)
{
	struct backend *b;

	LIST_FOREACH (b, &p->backends, entry)
		if (b->port == port && b->state != BACKEND_REMOVED)
			return b;
	return NULL;
}

static void mark_changed(struct proxy *p, struct backend *b)
{
	b->changed = true;
	p->changed = true;
}

void proxy_backend_add(struct proxy *p, int port)
{
	{
		MUTEX_GUARD(&p->set->lock);
		struct backend *b = find(p, port);

		if (!b) {
			b = new0(struct backend);
			b->port = port;
			TAILQ_INIT(&b->idle);
			TAILQ_INIT(&b->busy);
			LIST_INSERT_HEAD(&p->backends, b, entry);
		}
		b->state = BACKEND_IN;
		b->refused_until = 0;
		mark_changed(p, b);
	}
	proxy_set_wake(p->set);
}

static void leave(struct proxy *p, int port, enum backend_state state)
{
	{
		MUTEX_GUARD(&p->set->lock);
		struct backend *b = find(p, port);

		if (!b)
			return;
		b->state = state;
		mark_changed(p, b);
	}
	proxy_set_wake(p->set);
}

void proxy_backend_drain(struct proxy *p, int port)
{
	leave(p, port, BACKEND_DRAINING);
}

void proxy_backend_remove(struct proxy *p, int port)
{
	leave(p, port, BACKEND_REMOVED);
}

int proxy_backend_active(struct proxy *p, int port)
{
	MUTEX_GUARD(&p->set->lock);
	struct backend *b = find(p, port);

	return b ? b->active : 0;
}

static bool is_better(const struct backend *a, const struct backend *b, const struct backend *avoid)
{
	if ((a == avoid) != (b == avoid))
		return b == avoid;
	return a->active < b->active || (a->active == b->active && a->picked < b->picked);
}

static struct backend *best(struct proxy *p, const struct backend *avoid)
{
	struct backend *b, *found = NULL;

	LIST_FOREACH (b, &p->backends, entry) {
		if (b->state != BACKEND_IN || b->refused_until > p->set->now)
			continue;
		if (!found || is_better(b, found, avoid))
			found = b;
	}
	return found;
}

struct backend *backend_pick(struct proxy *p, const struct backend *avoid)
{
	MUTEX_GUARD(&p->set->lock);
	struct backend *b = best(p, avoid);

	if (b) {
		b->active++;
		b->picked = ++p->picks;
	}
	return b;
}

bool backend_available(struct proxy *p)
{
	MUTEX_GUARD(&p->set->lock);
	return best(p, NULL) != NULL;
}

bool backend_none_in(struct proxy *p)
{
	MUTEX_GUARD(&p->set->lock);
	struct backend *b;

	LIST_FOREACH (b, &p->backends, entry)
		if (b->state == BACKEND_IN)
			return false;
	return true;
}

void backend_release(struct proxy *p, struct backend *b)
{
	MUTEX_GUARD(&p->set->lock);
	b->active--;
}

void backend_note_refused(struct proxy *p, struct backend *b)
{
	MUTEX_GUARD(&p->set->lock);
	b->refused_until = p->set->now + PROXY_REFUSED_NS;
}

/* One whose change is to be applied, and its state; NULL: no more. */
static struct backend *next_changed(struct proxy *p, enum backend_state *ret_state)
{
	MUTEX_GUARD(&p->set->lock);
	struct backend *b;

	LIST_FOREACH (b, &p->backends, entry) {
		if (b->changed) {
			b->changed = false;
			*ret_state = b->state;
			return b;
		}
	}
	return NULL;
}

static void backend_free(struct proxy *p, struct backend *b)
{
	while (!TAILQ_EMPTY(&b->idle))
		upstream_close(TAILQ_FIRST(&b->idle), false);
	pthread_mutex_lock(&p->set->lock);
	LIST_REMOVE(b, entry);
	pthread_mutex_unlock(&p->set->lock);
	free(b);
}

void backend_apply_changes(struct proxy *p)
{
	enum backend_state state;
	struct backend *b;

	while ((b = next_changed(p, &state))) {
		if (state == BACKEND_IN)
			continue;
		while (!TAILQ_EMPTY(&b->idle))
			upstream_close(TAILQ_FIRST(&b->idle), false);
		if (state == BACKEND_DRAINING)
			continue;
		while (!TAILQ_EMPTY(&b->busy))
			conn_upstream_failed(TAILQ_FIRST(&b->busy)->conn);
		backend_free(p, b);
	}
}

void backend_free_all(struct proxy *p)
{
	while (!LIST_EMPTY(&p->backends))
		backend_free(p, LIST_FIRST(&p->backends));
}

/* Connections. */

static void on_upstream(struct source *source, uint32_t events)
{
	/* source is the first member of sock, which is the first of upstream. */
	struct upstream *u = (struct upstream *)source;

	if (u->sock.fd < 0)
		return;
	sock_note(&u->sock, events);
	if (u->conn)
		conn_run(u->conn);
	else if (!sock_is_quiet(&u->sock))
		upstream_close(u, false);
}

static void on_idle_timeout(void *self)
{
	upstream_close(self, false);
}

/* A socket that is connecting to the port, or connected; -1 with errno. */
static int start_connect(int port)
{
	const struct sockaddr_in to = { .sin_family = AF_INET,
		                            .sin_port = htons((uint16_t)port),
		                            .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	const int on = 1;
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

	if (fd < 0)
		return -1;
	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
	if (connect(fd, (const struct sockaddr *)&to, sizeof(to)) && errno != EINPROGRESS) {
		int errnum = errno;

		close(fd);
		errno = errnum;
		return -1;
	}
	return fd;
}

static void attach(struct upstream *u, struct conn *c)
{
	TAILQ_INSERT_TAIL(&u->backend->busy, u, entry);
	u->conn = c;
	u->scanned = 0;
}

static void take_from_idle(struct upstream *u)
{
	TAILQ_REMOVE(&u->backend->idle, u, entry);
	u->backend->idle_len--;
	timers_cancel(&u->proxy->set->timers, &u->idle_timer);
}

struct upstream *upstream_get(struct backend *b, struct conn *c, bool may_reuse)
{
	struct proxy_set *set = c->proxy->set;
	struct upstream *u;

	while (may_reuse && (u = TAILQ_FIRST(&b->idle))) {
		if (!sock_is_quiet(&u->sock)) {
			upstream_close(u, false);
			continue;
		}
		take_from_idle(u);
		attach(u, c);
		return u;
	}

	int fd = start_connect(b->port);

	if (fd < 0)
		return NULL;
	u = new0(struct upstream);
	u->proxy = c->proxy;
	u->backend = b;
	u->idle_timer = (struct timer){ .fire = on_idle_timeout, .self = u };
	if (sock_init(&u->sock, fd, set->epoll, on_upstream)) {
		int errnum = errno;

		free(u);
		errno = errnum;
		return NULL;
	}
	u->connecting = true;
	attach(u, c);
	return u;
}

/* The kernel may connect a socket to itself when nothing listens on a port it chooses addresses from. */
static bool is_self_connected(int fd, int port)
{
	struct sockaddr_in own = { 0 };
	socklen_t len = sizeof(own);

	return !getsockname(fd, (struct sockaddr *)&own, &len) && ntohs(own.sin_port) == port;
}

int upstream_connected(struct upstream *u)
{
	int errnum = 0;
	socklen_t len = sizeof(errnum);

	if (!u->connecting)
		return 1;
	if (!u->sock.writable)
		return 0;
	if (getsockopt(u->sock.fd, SOL_SOCKET, SO_ERROR, &errnum, &len) || errnum ||
	    is_self_connected(u->sock.fd, u->backend->port))
		return -1;
	u->connecting = false;
	return 1;
}

void upstream_close(struct upstream *u, bool reset)
{
	if (u->conn) {
		TAILQ_REMOVE(&u->backend->busy, u, entry);
		backend_release(u->proxy, u->backend);
		u->conn->up = NULL;
		u->conn = NULL;
	} else {
		take_from_idle(u);
	}
	sock_done(&u->sock, reset);
	proxy_set_bury(u->proxy->set, u);
}

static bool is_in(struct proxy *p, const struct backend *b)
{
	MUTEX_GUARD(&p->set->lock);
	return b->state == BACKEND_IN && !p->closing;
}

void upstream_put(struct upstream *u, bool reusable)
{
	struct backend *b = u->backend;
	struct proxy_set *set = u->proxy->set;

	if (!reusable || b->idle_len >= PROXY_KEPT_MAX || !is_in(u->proxy, b)) {
		upstream_close(u, false);
		return;
	}
	TAILQ_REMOVE(&b->busy, u, entry);
	backend_release(u->proxy, b);
	u->conn->up = NULL;
	u->conn = NULL;
	buf_clear(&u->sock.in);
	TAILQ_INSERT_HEAD(&b->idle, u, entry);
	b->idle_len++;
	timers_set(&set->timers, &u->idle_timer, set->now + u->proxy->config.idle_ns);
}
