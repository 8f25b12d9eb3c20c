#ifndef NET_PROXY_SOCK_H
#define NET_PROXY_SOCK_H
/* A non-blocking socket in an edge-triggered epoll, and the bounded buffers at its two sides. */

#include "base/buf.h"

#include <stdint.h>

#define SOCK_CHUNK ((size_t)64 * 1024) /* read at once, and what may wait in a buffer before reading stops */

struct source {
	void (*ready)(struct source *source, uint32_t events);
};

struct sock {
	struct source source;
	int fd, epoll;
	bool readable, writable; /* as far as is known */
	bool hung_up;            /* its peer sent FIN; there may be bytes before it */
	bool eof;                /* everything up to FIN is read */
	bool reset;              /* epoll saw an error; bytes from before it can still be read */
	bool broken;             /* nothing can be sent any more */
	bool dead;               /* nothing can be read any more, and there was no orderly end */
	bool shut;               /* we sent FIN */
	struct buf in;
};

/* Bytes on their way out. While `keep` is set those sent stay, so that sending can begin anew. */
struct outbuf {
	struct buf buf;
	size_t sent;
	bool keep;
};

/* Takes the fd (non-blocking already) and watches it. 0 or -1 with errno (the fd is closed then). */
int sock_init(struct sock *s, int fd, int epoll, void (*ready)(struct source *source, uint32_t events));
/* Closes; reset: so that its peer sees an error instead of an orderly end. Stays usable as a dead one. */
void sock_done(struct sock *s, bool reset);
/* Notes what epoll said. */
void sock_note(struct sock *s, uint32_t events);
/* Reads until `in` holds max bytes or nothing is left for now; scratch: SOCK_CHUNK bytes. True when bytes arrived or
 * the end was found. */
bool sock_fill(struct sock *s, char *scratch, size_t max);
/* Sends what it can. True when bytes went out. */
bool sock_flush(struct sock *s, struct outbuf *out);
/* Sends FIN, once. */
void sock_shut(struct sock *s);
/* Reads and drops some. True when there may be more now. */
bool sock_drop_input(struct sock *s, char *scratch);
/* True when a connection that should be silent is: no byte, no end, no error. */
bool sock_is_quiet(const struct sock *s);

void outbuf_init(struct outbuf *out);
size_t outbuf_left(const struct outbuf *out);
/* Room before the one who fills it should wait; 0: wait. */
size_t outbuf_room(const struct outbuf *out);
/* Appends all of in, which is empty afterwards. False when it does not fit. */
bool outbuf_take(struct outbuf *out, struct buf *in);
/* Gives up what was kept. */
void outbuf_forget(struct outbuf *out);
void outbuf_clear(struct outbuf *out);

#endif
