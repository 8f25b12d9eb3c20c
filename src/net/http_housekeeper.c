#include "http_server_internal.h"

#include "base/clock.h"

#include <poll.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#define INTERVAL_NS (250 * NS_PER_MS)
/* Of the idle timeout, for the TLS handshake: 10 s of 90. */
#define HANDSHAKE_SHARE 9

/* Sockets to look at, with the stream they belong to, if any. */
struct look {
	struct http_parked *stream;
};

struct looks {
	struct pollfd *fds;
	struct look *list;
	size_t len, room;
};

static void look_at(struct looks *l, int fd, struct look look)
{
	if (l->len == l->room) {
		l->room = l->room ? l->room * 2 : 64;
		l->fds = xreallocarray(l->fds, l->room, sizeof(*l->fds));
		l->list = xreallocarray(l->list, l->room, sizeof(*l->list));
	}
	l->fds[l->len] = (struct pollfd){ .fd = fd, .events = POLLRDHUP };
	l->list[l->len++] = look;
}

static bool is_suspended(struct http_parked *p)
{
	MUTEX_GUARD(&p->lock);
	return p->suspended;
}

/* Nobody looks at the socket of a suspended connection, so a watch whose client left would stay until its next event.
 * A stream in the list has an open socket, see response_over() in http_stream.c. */
static void look_at_streams(struct http_server *s, struct looks *l)
{
	for (struct http_parked *p = s->parked; p; p = p->next)
		if (p->is_stream && is_suspended(p))
			look_at(l, http_stream_fd(p), (struct look){ .stream = p });
}

/* libmicrohttpd (0.9.75) takes a short read for the last one, and so misses the end of a connection that came together
 * with data: an incomplete request followed by the client's departure. Besides, its timeout begins anew with each byte,
 * though a client that sends one now and then must not hold a connection for ever; and it polls a TLS handshake that
 * stalls without a pause. */
static void look_at_connections(struct http_server *s, struct looks *l)
{
	int64_t now = clock_mono_ns();

	for (struct http_connection *c = s->connections; c; c = c->next) {
		int64_t since = atomic_load(&c->waiting_since_ns);
		bool handshaking = atomic_load(&c->handshaking);

		if (since == 0)
			continue;
		if (now - since > (handshaking ? s->idle_timeout_ns / HANDSHAKE_SHARE : 2 * s->idle_timeout_ns))
			shutdown(c->fd, SHUT_RDWR);
		else if (now - since > INTERVAL_NS)
			look_at(l, c->fd, (struct look){ 0 });
	}
}

/* What has come but was not read yet may be a whole request. */
static bool has_unread(int fd)
{
	int unread = 0;

	return ioctl(fd, FIONREAD, &unread) == 0 && unread > 0;
}

/* With the lock held, which keeps the sockets open. */
static void find_gone_clients(struct http_server *s, struct parked_claimed *ret)
{
	struct looks l = { 0 };

	look_at_streams(s, &l);
	look_at_connections(s, &l);
	if (l.len > 0 && poll(l.fds, l.len, 0) > 0)
		for (size_t i = 0; i < l.len; i++) {
			if (l.fds[i].revents == 0)
				continue;
			if (l.list[i].stream) {
				if (http_stream_client_gone(l.list[i].stream))
					parked_claimed_add(ret, l.list[i].stream->connection);
			} else if (!has_unread(l.fds[i].fd)) {
				shutdown(l.fds[i].fd, SHUT_RDWR);
			}
		}
	free(l.fds);
	free(l.list);
	http_upgrades_find_gone_clients(s);
}

static void *housekeeper_main(void *arg)
{
	struct http_server *s = arg;

	pthread_mutex_lock(&s->lock);
	while (!s->housekeeper_ends) {
		struct parked_claimed claimed = { 0 };

		if (!s->connections) {
			pthread_cond_wait(&s->wake, &s->lock);
			continue;
		}
		cond_wait_until(&s->wake, &s->lock, clock_mono_ns() + INTERVAL_NS);
		find_gone_clients(s, &claimed);
		pthread_mutex_unlock(&s->lock);
		parked_resume_all(s, &claimed);
		pthread_mutex_lock(&s->lock);
	}
	pthread_mutex_unlock(&s->lock);
	return NULL;
}

int http_housekeeper_start(struct http_server *s, struct err *err)
{
	return thread_start(&s->housekeeper, "http-keeper", housekeeper_main, s, err);
}

void http_housekeeper_end(struct http_server *s)
{
	pthread_mutex_lock(&s->lock);
	s->housekeeper_ends = true;
	pthread_cond_signal(&s->wake);
	pthread_mutex_unlock(&s->lock);
	pthread_join(s->housekeeper, NULL);
}
