#ifndef NET_PROXY_INTERNAL_H
#define NET_PROXY_INTERNAL_H
/* What the files of the reverse proxy share; see reverse_proxy.h for what it does.
 *
 * Everything belongs to the set's event thread, except the fields marked "lock", which other threads read and change
 * under proxy_set.lock. The lock is never held during a system call or a callback. */

#include "base/clock.h"
#include "net/reverse_proxy.h"
#include "proxy_message.h"
#include "proxy_sock.h"
#include "proxy_timers.h"

#include <pthread.h>
#include <sys/queue.h>

#define PROXY_CONNS_MAX 8192                 /* client connections of one proxy; more wait to be accepted */
#define PROXY_KEPT_MAX 32                    /* idle connections to one backend */
#define PROXY_BODY_KEPT (64 * 1024)          /* of a request, to send it again */
#define PROXY_REFUSED_NS (100 * NS_PER_MS)   /* a backend that refused a connection is left alone for so long */
#define PROXY_CONNECT_NS (3 * NS_PER_S)      /* to a loopback port: longer means its queue is full */
#define PROXY_TICK_NS (50 * NS_PER_MS)       /* how often waiting requests look for a backend that refused before */
#define PROXY_DEMAND_NS (100 * NS_PER_MS)    /* between two calls of on_demand */
#define PROXY_PEER_FIRST_NS (20 * NS_PER_MS) /* after a client's FIN: is it still there to read the answer? */
#define PROXY_PEER_NS NS_PER_S               /* and again */
#define PROXY_LINGER_NS NS_PER_S /* for a client to read its last response before the connection is closed */

TAILQ_HEAD(conn_list, conn);
TAILQ_HEAD(upstream_list, upstream);
LIST_HEAD(backend_list, backend);
LIST_HEAD(proxy_list, proxy);

struct proxy_set {
	struct logger *log;
	int epoll, wake;
	struct source wake_source;
	pthread_t thread;
	struct timers timers;
	int64_t now;            /* when this turn of the loop began */
	char *scratch;          /* SOCK_CHUNK bytes to read into */
	struct http1_head head; /* of the message being looked at */
	struct conn_list ready; /* connections that had more to do than one turn allows */
	size_t ready_len;
	void **graves; /* freed when no event of this turn can point to them any more */
	size_t graves_len, graves_cap;

	pthread_mutex_t lock;
	pthread_cond_t called;     /* a callback has returned */
	struct proxy_list proxies; /* lock */
	struct proxy *demanding;   /* lock; its on_demand is running */
	bool stop;                 /* lock */
};

struct proxy {
	struct proxy_set *set;
	struct proxy_config config;
	int port;
	char own_host[32];
	int listener; /* -1: closed */
	struct source listener_source;
	struct timer accept_again; /* set while accepting is suspended for want of file descriptors */
	bool accept_off;
	struct conn_list conns;
	size_t conns_len;
	struct conn_list waiting; /* for a backend, in order of arrival */
	struct timer tick;        /* set while some wait */
	int64_t demand_at;        /* when on_demand was called last */
	struct timer grace;
	bool draining; /* the event thread has seen `closing` */

	LIST_ENTRY(proxy) entry;      /* lock */
	struct backend_list backends; /* lock */
	uint64_t picks;               /* lock */
	struct proxy_stats stats;     /* lock */
	bool changed;                 /* lock; something below or in a backend waits to be applied */
	bool closing;                 /* lock */
	int64_t close_at;             /* lock */
};

enum backend_state { BACKEND_IN, BACKEND_DRAINING, BACKEND_REMOVED };

struct backend {
	LIST_ENTRY(backend) entry; /* lock */
	int port;
	enum backend_state state; /* lock */
	bool changed;             /* lock */
	int active;               /* lock; requests under way */
	uint64_t picked;          /* lock; proxy.picks when it was picked last */
	int64_t refused_until;    /* lock */
	struct upstream_list idle, busy;
	size_t idle_len;
};

/* A connection to a backend: in its `busy` with a conn, or in its `idle` without. */
struct upstream {
	struct sock sock;
	struct proxy *proxy;
	struct backend *backend;
	struct conn *conn;
	TAILQ_ENTRY(upstream) entry;
	struct timer idle_timer;
	bool connecting;
	size_t scanned; /* of a response head */
};

enum conn_phase {
	CONN_HEAD,       /* between requests: flushes the last response, reads the next head */
	CONN_DISPATCH,   /* a request wants a backend */
	CONN_WAITING,    /* there is none: in proxy.waiting */
	CONN_CONNECTING, /* to the backend */
	CONN_EXCHANGE,   /* request and response under way */
	CONN_TUNNEL,     /* bytes both ways, until both ends are closed */
	CONN_FLUSH,      /* the last bytes are going out */
	CONN_LINGER,     /* FIN is sent; its peer is given time to read */
};

/* A client's connection. */
struct conn {
	struct sock sock;
	struct proxy *proxy;
	TAILQ_ENTRY(conn) entry, waiting_entry, ready_entry;
	enum conn_phase phase;
	bool gone; /* destroyed, waiting to be freed */
	bool in_ready;
	char peer[16];           /* IPv4 address */
	struct timer timer;      /* by phase: idle, hold, connect, linger */
	struct timer peer_timer; /* set while a client that sent FIN waits for its response */
	struct outbuf req;       /* towards the backend */
	struct outbuf resp;      /* towards the client */
	size_t scanned;          /* of a request head */
	struct upstream *up;

	/* The request under way. */
	bool counted;                /* in stats.active */
	int64_t hold_until;          /* 0: has not waited yet */
	bool repeated;               /* it was sent once before, and is not a third time */
	const struct backend *avoid; /* failed this request before; only compared */
	bool to_head, idempotent, upgrade;
	int minor;           /* of the client's HTTP version */
	size_t req_head_len; /* in req, while that keeps it */
	bool keep_alive;     /* the client's connection after this request */
	bool up_keep_alive;  /* the backend's */
	bool req_done;       /* its body was read to the end */
	bool answered;       /* the head of the final response is on its way to the client */
	bool cut;            /* the response is cut off: let the client see an error */
	struct proxy_body req_body, resp_body;
};

/* reverse_proxy.c */

/* Frees p at the end of this turn of the loop. */
void proxy_set_bury(struct proxy_set *set, void *p);
void proxy_set_wake(struct proxy_set *set);
/* Begin and end of a request, for the statistics. */
void proxy_count_begin(struct proxy *p);
void proxy_count_end(struct proxy *p, bool error);
/* One client connection less: accepts again. */
void proxy_conn_closed(struct proxy *p);
/* Requests began to wait: asks for a backend when none is in, and looks again later. */
void proxy_start_waiting(struct proxy *p);

/* proxy_backend.c */

/* The backend that is in with the fewest requests under way (one more now), the least recently used of equals, avoid
 * (may be NULL) only for want of another; NULL: none, or all refused a moment ago. */
struct backend *backend_pick(struct proxy *p, const struct backend *avoid);
bool backend_available(struct proxy *p);
bool backend_none_in(struct proxy *p);
void backend_release(struct proxy *p, struct backend *b);
void backend_note_refused(struct proxy *p, struct backend *b);
/* Applies what other threads changed. */
void backend_apply_changes(struct proxy *p);
/* The proxy goes: frees all. No connection may be busy any more. */
void backend_free_all(struct proxy *p);

/* A connection to it for c: a kept one, or a new one that is connecting or connected. NULL with errno: none could
 * be made. */
struct upstream *upstream_get(struct backend *b, struct conn *c, bool may_reuse);
/* After a request: keeps it for the next, or closes it. Releases the backend. */
void upstream_put(struct upstream *u, bool reusable);
/* Ends it. Releases the backend if it was busy. reset: the backend sees an error. */
void upstream_close(struct upstream *u, bool reset);
/* Has the connection come about? 1 yes, 0 not yet, -1 refused. */
int upstream_connected(struct upstream *u);

/* proxy_conn.c */

/* Takes over an accepted socket. */
void conn_new(struct proxy *p, int fd, const char *peer);
/* Does what can be done now. */
void conn_run(struct conn *c);
/* The same, later in this turn of the loop. */
void conn_run_soon(struct conn *c);
/* The proxy closes: ends a connection without a request under way. */
void conn_close_if_idle(struct conn *c);
void conn_destroy(struct conn *c, bool reset);
/* The connection to the backend has to end now. Sends the request again if it can, else tells the client. */
void conn_upstream_failed(struct conn *c);

/* proxy_exchange.c */

/* One request and its response, and tunnels: each moves what can be moved now, and says whether anything moved. */
bool exchange_step(struct conn *c);
bool exchange_tunnel_step(struct conn *c);
/* The request's head is read: prepares c. */
void exchange_begin(struct conn *c, const struct http1_head *head);
/* Ends the request under way with a response of our own, or cuts the connection if a response had begun. */
void exchange_fail(struct conn *c, int status, const char *sentence);

#endif
