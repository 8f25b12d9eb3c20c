#ifndef KUBE_CONTROLLER_H
#define KUBE_CONTROLLER_H
/* A controller: watches, a work queue, N workers, one reconcile function. Retry, back-off, rate limits, metrics and
 * logs of failures live here, once. */

#include "base/arena.h"
#include "kube/informer.h"
#include "kube/workqueue.h"

/* The context of one pass. */
struct kube_pass {
	struct logger *log;           /* has the controller's name and the key */
	struct err *err;              /* where reconcile puts its error */
	struct arena *arena;          /* freed when the pass ends */
	int64_t deadline_ns;          /* monotonic */
	const atomic_bool *cancelled; /* the controller is stopping */
	int failures;                 /* passes of this key that failed in a row before this one */
	int64_t woken_ns;             /* monotonic; whatever this pass was asked for happened before */
};

struct kube_result {
	int64_t requeue_after_ns; /* 0: only when something changes */
};

/* 0: done. Negative: failed, retried with back-off, unless the error is terminal. Receives a key, never an event. */
typedef int (*kube_reconcile)(void *self, struct kube_pass *pass, const struct kube_key *key,
                              struct kube_result *result);

struct kube_controller_config {
	const char *name;
	int workers;             /* 0: 1 */
	int64_t pass_timeout_ns; /* 0: 10 min */
	int64_t backoff_max_ns;  /* 0: 5 min */
	kube_reconcile reconcile;
	void *self;
	struct logger *log;
	struct metrics *metrics; /* may be NULL */
};

struct kube_controller;

struct kube_controller *kube_controller_new(const struct kube_controller_config *config);
/* The informer's objects are what is reconciled, when they come, go or change in anything but their status. Informers
 * are the caller's, and are started by him after all handlers are on. */
void kube_controller_watch(struct kube_controller *c, struct kube_informer *informer);
/* A change of one of these reconciles its controlling owner, when that is of the given type. */
void kube_controller_watch_owned(struct kube_controller *c, struct kube_informer *informer,
                                 const struct kube_type *owner_type);
/* A change of one of these reconciles the keys map() pushes ("ns/name"). */
void kube_controller_watch_mapped(struct kube_controller *c, struct kube_informer *informer,
                                  void (*map)(void *self, const json_t *obj, char ***keys), void *self);
/* From outside of watches (a process ended, a timer). */
void kube_controller_enqueue(struct kube_controller *c, const char *ns, const char *name);
void kube_controller_enqueue_after(struct kube_controller *c, const char *ns, const char *name, int64_t delay_ns);

/* Starts the workers; call when the informers are synced. */
int kube_controller_start(struct kube_controller *c, struct err *err);
/* Lets passes under way end (they see cancelled), joins, frees. */
struct kube_controller *kube_controller_stop(struct kube_controller *c);

#endif
