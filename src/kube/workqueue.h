#ifndef KUBE_WORKQUEUE_H
#define KUBE_WORKQUEUE_H
/* A queue of keys: a key is in it at most once, and never worked on by two workers at the same time (added meanwhile,
 * it is queued again when the worker is done). Failed keys come back after an exponential delay each, within an overall
 * rate. (client-go's util/workqueue is the model.) Thread-safe. */

#include "base/metrics.h"

struct kube_workqueue;

struct kube_workqueue_config {
	const char *name;                        /* for metrics */
	int64_t backoff_base_ns, backoff_max_ns; /* 0: 5 ms, 1000 s */
	double rate_per_s;                       /* overall retries; 0: 10 with a burst of 100 */
	struct metrics *metrics;                 /* may be NULL */
};

struct kube_workqueue *kube_workqueue_new(const struct kube_workqueue_config *config);
struct kube_workqueue *kube_workqueue_free(struct kube_workqueue *q);

void kube_workqueue_add(struct kube_workqueue *q, const char *key);
/* The earlier of several delays of a key counts. */
void kube_workqueue_add_after(struct kube_workqueue *q, const char *key, int64_t delay_ns);
/* Again after this key's back-off. */
void kube_workqueue_add_rate_limited(struct kube_workqueue *q, const char *key);
/* Resets the key's back-off. */
void kube_workqueue_forget(struct kube_workqueue *q, const char *key);
int kube_workqueue_failures(struct kube_workqueue *q, const char *key);
/* When the key was added last, or its delay was over (monotonic): what it was added for happened before. 0: never. */
int64_t kube_workqueue_added_ns(struct kube_workqueue *q, const char *key);
/* Blocks; the key (free()), or NULL when the queue was shut down. Every key got must be given to _done(). */
char *kube_workqueue_get(struct kube_workqueue *q);
void kube_workqueue_done(struct kube_workqueue *q, const char *key);
size_t kube_workqueue_len(struct kube_workqueue *q);
/* Wakes all workers; nothing is handed out any more. */
void kube_workqueue_shut_down(struct kube_workqueue *q);

#endif
