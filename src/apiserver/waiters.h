#ifndef APISERVER_WAITERS_H
#define APISERVER_WAITERS_H
/* A pool for requests that may wait for others (webhooks): threads are made when they are needed, up to a maximum, and
 * end when they have had nothing to do for a while. What finds all of them busy queues; what queued for too long, or
 * finds the queue full, is refused instead of run. */

#include "base/err.h"
#include "base/metrics.h"

struct waiters;

struct waiters_config {
	size_t threads_max;
	size_t queue_max;        /* jobs that wait for a thread */
	int64_t patience_ns;     /* how long one may queue */
	struct metrics *metrics; /* may be NULL */
};
struct waiters *waiters_new(const struct waiters_config *config);
/* Waits for what runs; what still queues is refused. Returns NULL. */
struct waiters *waiters_free(struct waiters *w);

struct waiter_job {
	void (*run)(void *arg);
	void (*refuse)(void *arg); /* in place of run(); on any thread */
	void *arg;
};
/* Never blocks. */
void waiters_submit(struct waiters *w, const struct waiter_job *job);

#endif
