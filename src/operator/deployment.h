#ifndef OPERATOR_DEPLOYMENT_H
#define OPERATOR_DEPLOYMENT_H
/* The reconciler of Deployments: an ordered list of small steps over one pass. Each step reads what is, does one thing,
 * and says in p->status what it found; the reconciler writes the status once, at the end, if it changed. */

#include "decision/decision.h"
#include "operator/operator.h"
#include "source.h"

#define DEPLOYMENT_FINALIZER "scia.io/infrastructure"
#define OPERATOR_FIELD_MANAGER "scia-operator"

struct operator_ {
	struct operator_config config;
	struct source_cache *sources;
	struct decision_engine *decisions;
	struct kube_informer *deployments, *revisions, *infrastructures, *providers, *namespaces;
	struct kube_controller *deployment_controller, *provider_controller, *tenant_controller;
	struct metric *deployments_total, *deployment_seconds, *decision_confidence, *drift_total;
	char *data_dir;
};

struct deployment_pass {
	struct operator_ *op;
	struct kube_pass *pass;
	json_t *object;    /* our own copy */
	json_t *status;    /* what the status will be; begins as a copy of the old one */
	json_t *provider;  /* CloudProvider, or NULL before step_provider */
	json_t *revisions; /* all of this Deployment, ascending */
	json_t *wanted;    /* the revision the spec (or a pin) asks for */
	json_t *target;    /* the revision the Infrastructure gets: wanted, or the last healthy one when wanted failed */
	json_t *infrastructure; /* NULL: not there */
	char commit[41];
	char input_hash[65];
	bool is_pinned;     /* spec.rollbackTo holds */
	bool is_fallback;   /* target is not wanted, because wanted failed */
	int64_t requeue_ns; /* the earliest time somebody asked for; 0: none */
};

enum { STEP_CONTINUE = 0, STEP_STOP = 1 };

/* Negative: pass->err says why. */
typedef int (*deployment_step)(struct deployment_pass *p);

int step_delete(struct deployment_pass *p);         /* finalizer, ordered deletion */
int step_provider(struct deployment_pass *p);       /* the CloudProvider is there and ready */
int step_pin(struct deployment_pass *p);            /* spec.rollbackTo */
int step_source(struct deployment_pass *p);         /* which commit, and does an earlier decision still hold */
int step_decide(struct deployment_pass *p);         /* analysis, decision, a new frozen revision */
int step_approve(struct deployment_pass *p);        /* plan, and waiting for its approval */
int step_target(struct deployment_pass *p);         /* wanted, or back to the last healthy revision */
int step_infrastructure(struct deployment_pass *p); /* the Infrastructure is as the target says */
int step_outcome(struct deployment_pass *p);        /* what became of it */
int step_prune(struct deployment_pass *p);          /* old revisions */

int deployment_reconcile(void *self, struct kube_pass *pass, const struct kube_key *key, struct kube_result *result);

/* Helpers the steps share. */
const json_t *deployment_spec(const struct deployment_pass *p);
void deployment_condition(struct deployment_pass *p, const char *type, const char *status, const char *reason,
                          const char *fmt, ...) _printf_(5, 6);
void deployment_phase(struct deployment_pass *p, const char *phase);
/* Names the one thing to look at; the time it began is kept while it stays the same thing. reason NULL: all is well. */
void deployment_root_cause(struct deployment_pass *p, const char *resource, const char *reason, const char *message);
void deployment_event(struct deployment_pass *p, enum kube_event_type type, const char *reason, const char *fmt, ...)
	_printf_(4, 5);
/* Shows a long step before it begins. */
void deployment_show_progress(struct deployment_pass *p);
int deployment_write_status(struct deployment_pass *p, struct err *err);
void deployment_requeue(struct deployment_pass *p, int64_t after_ns);

/* Revisions. */
int64_t revision_number(const json_t *revision);
json_t *revision_find(const struct deployment_pass *p, int64_t number); /* borrowed, or NULL */
/* The history entry of a revision, made when missing; borrowed. */
json_t *history_entry(struct deployment_pass *p, const json_t *revision);
const char *history_outcome(const struct deployment_pass *p, int64_t number); /* NULL when there is none */
/* Sets the outcome (and reason); true when it is another than before. */
bool history_set_outcome(struct deployment_pass *p, const json_t *revision, const char *outcome, const char *reason);

#endif
