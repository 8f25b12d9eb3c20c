#ifndef LOCAL_PROBE_H
#define LOCAL_PROBE_H
/* Health checks of all applications on one thread that waits for none of them: however many hang, the others' checks
 * are on time. */

#include "base/err.h"

#include <sys/types.h>

struct prober;

struct probe_request {
	uint64_t id;      /* of the caller's, given back */
	int port;         /* 0: find out where the process tree of `root` listens, and go on there */
	pid_t root;       /* for port 0 */
	int told_port;    /* for port 0: what the program was told (PORT) */
	int usual_port;   /* for port 0: what is known about the program; 0: nothing */
	const char *path; /* NULL or "": the port accepts connections; else GET answers 200..399 */
	const char *host; /* what Host says; NULL: localhost */
	int64_t timeout_ns;
};

struct probe_result {
	uint64_t id;
	bool ok;
	bool is_open; /* the port accepted the connection */
	int port;     /* the one asked for or found; 0: it listens nowhere */
	const char
		*message; /* what was wrong, for people ("GET /healthz answered 503 Service Unavailable"); NULL when ok */
};

/* done is called on the prober's thread. */
typedef void (*probe_done)(void *self, const struct probe_result *result);

struct prober *prober_new(probe_done done, void *self, struct err *err);
/* Drops what is under way: no call of done() after it. */
struct prober *prober_free(struct prober *p);
/* From any thread; copies. A redirect to another path of the same application is followed, five at most; one to
 * elsewhere (https, another host) counts as an answer. */
void prober_submit(struct prober *p, const struct probe_request *request);

#endif
