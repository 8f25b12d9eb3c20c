#ifndef NET_REVERSE_PROXY_H
#define NET_REVERSE_PROXY_H
/* A load-balancing reverse proxy on loopback, for what the local provider runs: HTTP/1.x with keep-alive on both sides,
 * upgrades (WebSocket; not h2c) as tunnels, or plain TCP. One event thread serves all proxies of a set.
 *
 * Least-connections over the backends that are in; a backend taken out gets no new request while its requests under
 * way finish (drain). A request whose backend refuses the connection is sent to another; so is one whose backend
 * closes the connection before a byte of answer, once, if its method is idempotent and nothing of its body was lost
 * (bodies up to 64 KiB are kept for that). Other methods never go over a kept connection, so they do not meet one that
 * is just closing. No backend, or all refuse: requests wait up to hold_ns (that is how a scaled-to-zero application is
 * woken: on_demand is called), then 503 with a plain sentence. Hop-by-hop headers are removed; X-Forwarded-For grows
 * by the client's address, X-Forwarded-Proto and -Host are set. Header blocks over 64 KiB are refused (431), malformed
 * or ambiguous framing (both Content-Length and Transfer-Encoding, …) too (400), so that nothing can be smuggled. A
 * client that goes away takes its request with it: the backend's connection is closed. docs/internals/reverse-proxy.md
 * says more. */

#include "base/err.h"
#include "base/log.h"

struct proxy_set;
struct proxy;

struct proxy_set *proxy_set_new(struct logger *log, struct err *err);
/* Closes all proxies at once. */
struct proxy_set *proxy_set_free(struct proxy_set *set);

struct proxy_config {
	int port;        /* to listen on, 127.0.0.1; 0: any free one */
	bool tcp;        /* plain TCP instead of HTTP */
	int64_t hold_ns; /* how long a request waits for a backend; 0: 30 s */
	int64_t idle_ns; /* an idle kept connection is closed after this; 0: 60 s */
	/* Called on the event thread when a request waits and no backend is in; again as long as one waits, but at most
	 * every 100 ms. Must not block. May call the functions below. May be NULL. */
	void (*on_demand)(void *self);
	void *self;
};

/* ERR_ALREADY_EXISTS when the port is taken. */
int proxy_open(struct proxy_set *set, const struct proxy_config *config, struct proxy **ret, struct err *err);
int proxy_port(const struct proxy *p);
/* Backends are loopback ports. Adding one that is draining takes it in again. From any thread. */
void proxy_backend_add(struct proxy *p, int port);
/* No new requests; idle kept connections to it are closed. */
void proxy_backend_drain(struct proxy *p, int port);
/* Requests under way at that backend. */
int proxy_backend_active(struct proxy *p, int port);
/* Forgets it, cutting what is still under way. */
void proxy_backend_remove(struct proxy *p, int port);

struct proxy_stats {
	uint64_t requests, errors; /* since opened; errors: of these, answered by the proxy itself with 5xx */
	int active;                /* under way now, waiting ones included */
	int64_t last_activity_ns;  /* monotonic; of the last request's begin or end */
};
void proxy_get_stats(struct proxy *p, struct proxy_stats *ret);
/* Stops listening and frees the port at once, lets requests under way finish up to grace_ns (without blocking the
 * caller), then frees. on_demand is not called any more; one that is running is waited for, so do not hold a lock it
 * takes. p must not be used afterwards. */
void proxy_close(struct proxy *p, int64_t grace_ns);

#endif
