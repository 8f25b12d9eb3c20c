#ifndef PROVIDER_PROVIDER_H
#define PROVIDER_PROVIDER_H
/* Managed resources made real: one reconciler for all of them, one small driver for each kind (Crossplane's managed
 * reconciler is the model). */

#include "kube/controller.h"
#include "kube/event.h"

/* What the outside world says about one managed resource. */
struct provider_observation {
	bool exists;     /* there is something outside that belongs to it */
	bool up_to_date; /* and it is (or is becoming) what the spec says */
	bool ready;
	const char *reason; /* of the Ready condition: Available, Creating, Unavailable, … (static or in the pass' arena) */
	char *message;      /* one sentence when not ready; in the pass' arena; may be NULL */
	json_t *status;     /* further status fields, merged into status; a new reference or NULL */
	int64_t poll_after_ns; /* look again then; 0: only when poked or changed */
};

/* Each call is idempotent and safe to repeat after a crash at any point; none waits for the world to converge. */
struct provider_driver {
	const struct kube_type *type;
	int (*observe)(void *self, struct kube_pass *pass, const json_t *managed, struct provider_observation *ret);
	/* Not there yet: make it. The intent is recorded before anything is created outside. */
	int (*create)(void *self, struct kube_pass *pass, const json_t *managed);
	/* There, but not as the spec says. */
	int (*update)(void *self, struct kube_pass *pass, const json_t *managed);
	/* 0: it is gone; 1: going, look again. */
	int (*del)(void *self, struct kube_pass *pass, const json_t *managed);
	/* The managed resource goes, what it stands for stays (deletionPolicy Orphan); may be NULL. */
	void (*forget)(void *self, struct kube_pass *pass, const json_t *managed);
	void *self;
};

/* Finalizer scia.io/managed; conditions Synced (ReconcileSuccess/ReconcileError) and Ready; annotation scia.io/paused
 * is honoured; writes nothing when nothing changed. */
struct provider_controller_config {
	struct kube_client *client;
	struct kube_informer *informer;
	struct provider_driver driver;
	struct kube_recorder *recorder;
	struct logger *log;
	struct metrics *metrics;
	int workers; /* 0: 4 */
};
struct provider_controller;
struct provider_controller *provider_controller_new(const struct provider_controller_config *config);
struct kube_controller *provider_controller_get(struct provider_controller *c);
struct provider_controller *provider_controller_free(struct provider_controller *c);

#endif
