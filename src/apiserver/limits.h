#ifndef APISERVER_LIMITS_H
#define APISERVER_LIMITS_H
/* How much of the server one client, and all of them together, may take: requests in flight, and requests a second by
 * user. Never blocks. */

#include "base/err.h"
#include "base/metrics.h"

struct limits;

struct limits_config {
	size_t in_flight_max;          /* that only read; 0: 400 */
	size_t mutating_in_flight_max; /* 0: 200 */
	double client_qps;             /* requests a second of a user, in the long run; 0: any number */
	double client_burst;           /* at once after a pause; less than client_qps: twice that */
	struct metrics *metrics;       /* may be NULL */
};
struct limits *limits_new(const struct limits_config *config);
struct limits *limits_free(struct limits *l);

enum limits_kind { LIMITS_NONE, LIMITS_READ, LIMITS_WRITE };
/* Takes a place for a request; ERR_TOO_MANY_REQUESTS when there is none. exempt: counted, not refused. */
int limits_enter(struct limits *l, enum limits_kind kind, bool exempt, struct err *err);
/* Gives it back. */
void limits_leave(struct limits *l, enum limits_kind kind);

/* One more request of a user. now_ns: monotonic. ERR_TOO_MANY_REQUESTS. */
int limits_client(struct limits *l, const char *user, int64_t now_ns, struct err *err);

#endif
