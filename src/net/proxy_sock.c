#include "proxy_sock.h"

#include <errno.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>

/* A head of 64 KiB grown by the fields that are added, the body bytes that are kept, and what waits behind them. */
#define OUTBUF_MAX (4 * SOCK_CHUNK)
/* A head, and a line that was not complete when it was read. */
#define INBUF_MAX (2 * SOCK_CHUNK)

int sock_init(struct sock *s, int fd, int epoll, void (*ready)(struct source *source, uint32_t events))
{
	struct epoll_event e = { .events = EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET, .data.ptr = &s->source };

	*s = (struct sock){ .source.ready = ready, .fd = fd, .epoll = epoll, .in = BUF_INIT(INBUF_MAX) };
	if (!epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &e))
		return 0;

	int errnum = errno;

	close(fd);
	s->fd = -1;
	errno = errnum;
	return -1;
}

void sock_done(struct sock *s, bool reset)
{
	const struct linger now = { .l_onoff = 1 };

	if (s->fd >= 0) {
		if (reset)
			setsockopt(s->fd, SOL_SOCKET, SO_LINGER, &now, sizeof(now));
		close_watched(s->epoll, &s->fd);
	}
	s->dead = s->broken = true;
	buf_clear(&s->in);
}

void sock_note(struct sock *s, uint32_t events)
{
	if (events & (EPOLLIN | EPOLLRDHUP | EPOLLHUP | EPOLLERR))
		s->readable = true;
	if (events & (EPOLLOUT | EPOLLHUP | EPOLLERR))
		s->writable = true;
	if (events & (EPOLLRDHUP | EPOLLHUP))
		s->hung_up = true;
	/* EPOLLHUP without our own FIN: the peer refused to go on. */
	if (events & EPOLLERR || (events & EPOLLHUP && !s->shut))
		s->reset = true;
}

bool sock_fill(struct sock *s, char *scratch, size_t max)
{
	bool some = false;

	while (s->readable && !s->eof && !s->dead && s->in.len < max) {
		size_t want = max - s->in.len < SOCK_CHUNK ? max - s->in.len : SOCK_CHUNK;
		ssize_t n = recv(s->fd, scratch, want, 0);

		if (n > 0) {
			some = true;
			if (buf_append(&s->in, scratch, (size_t)n))
				s->dead = true;
			/* A short read drained it; the next bytes come with an event. A FIN that is already known would not. */
			if ((size_t)n < want && !s->hung_up)
				s->readable = false;
		} else if (n == 0) {
			/* After a failed write an end may be a reset whose error the write has already taken. */
			*(s->broken ? &s->dead : &s->eof) = some = true;
		} else if (errno == EAGAIN) {
			s->readable = false;
		} else if (errno != EINTR) {
			s->dead = some = true;
		}
	}
	return some;
}

bool sock_flush(struct sock *s, struct outbuf *out)
{
	bool some = false;

	while (s->writable && !s->broken && outbuf_left(out)) {
		ssize_t n = send(s->fd, out->buf.data + out->sent, outbuf_left(out), MSG_NOSIGNAL);

		if (n > 0) {
			some = true;
			out->sent += (size_t)n;
		} else if (n < 0 && errno == EAGAIN) {
			s->writable = false;
		} else if (n < 0 && errno != EINTR) {
			s->broken = some = true;
		}
	}
	if (!out->keep && out->sent == out->buf.len) {
		buf_reset(&out->buf);
		out->sent = 0;
	} else if (!out->keep && out->sent >= SOCK_CHUNK) {
		buf_consume(&out->buf, out->sent);
		out->sent = 0;
	}
	return some;
}

void sock_shut(struct sock *s)
{
	if (!s->shut && s->fd >= 0)
		shutdown(s->fd, SHUT_WR);
	s->shut = true;
}

bool sock_drop_input(struct sock *s, char *scratch)
{
	buf_clear(&s->in);
	for (int i = 0; i < 16 && s->readable && !s->eof && !s->dead; i++) {
		ssize_t n = recv(s->fd, scratch, SOCK_CHUNK, 0);

		if (n == 0)
			s->eof = true;
		else if (n < 0 && errno == EAGAIN)
			s->readable = false;
		else if (n < 0 && errno != EINTR)
			s->dead = true;
	}
	return s->readable && !s->eof && !s->dead;
}

bool sock_is_quiet(const struct sock *s)
{
	char byte;

	return s->fd >= 0 && !s->in.len && recv(s->fd, &byte, 1, MSG_PEEK | MSG_DONTWAIT) < 0 && errno == EAGAIN;
}

void outbuf_init(struct outbuf *out)
{
	*out = (struct outbuf){ .buf = BUF_INIT(OUTBUF_MAX) };
}

size_t outbuf_left(const struct outbuf *out)
{
	return out->buf.len - out->sent;
}

size_t outbuf_room(const struct outbuf *out)
{
	return outbuf_left(out) < SOCK_CHUNK ? SOCK_CHUNK - outbuf_left(out) : 0;
}

bool outbuf_take(struct outbuf *out, struct buf *in)
{
	if (!in->len)
		return true;
	if (buf_append(&out->buf, in->data, in->len))
		return false;
	buf_reset(in);
	return true;
}

void outbuf_forget(struct outbuf *out)
{
	out->keep = false;
	if (out->sent) {
		buf_consume(&out->buf, out->sent);
		out->sent = 0;
	}
}

void outbuf_clear(struct outbuf *out)
{
	buf_clear(&out->buf);
	out->sent = 0;
	out->keep = false;
}
