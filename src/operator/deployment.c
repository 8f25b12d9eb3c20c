/* The pass over one Deployment: its steps in order, then one status. */

#include "deployment.h"

#include "base/clock.h"
#include "base/str.h"
#include "kube/status.h"

/* A step, the condition that is False when it fails, and what to call that. */
static const struct {
	deployment_step run;
	const char *condition, *reason, *event;
} STEPS[] = {
	{ step_delete, NULL, "DeletionFailed", NULL },
	{ step_provider, "Decided", "ProviderNotReady", "DecisionFailed" },
	{ step_pin, "Decided", "RollbackImpossible", "DecisionFailed" },
	{ step_source, "Analyzed", "SourceUnavailable", "AnalysisFailed" },
	{ step_decide, "Decided", "DecisionFailed", "DecisionFailed" },
	{ step_approve, "Approved", "ApprovalFailed", NULL },
	{ step_target, NULL, "RolloutFailed", NULL },
	{ step_infrastructure, "Provisioned", "InfrastructureFailed", NULL },
	{ step_outcome, NULL, "StatusFailed", NULL },
	{ step_prune, NULL, "CleanupFailed", NULL },
};

const json_t *deployment_spec(const struct deployment_pass *p)
{
	return kube_spec(p->object);
}

void deployment_condition(struct deployment_pass *p, const char *type, const char *status, const char *reason,
                          const char *fmt, ...)
{
	va_list ap;
	va_start(ap, fmt);
	_cleanup_free_ char *message = xvasprintf(fmt, ap);
	va_end(ap);
	kube_set_condition(p->status, type, status, reason, message, kube_generation(p->object), clock_wall_ns());
}

void deployment_phase(struct deployment_pass *p, const char *phase)
{
	json_put_str(p->status, "phase", phase);
}

void deployment_root_cause(struct deployment_pass *p, const char *resource, const char *reason, const char *message)
{
	const json_t *old = json_object_get(p->status, "rootCause");
	char now[RFC3339_SIZE];

	if (!reason) {
		json_put(p->status, "rootCause", NULL);
		return;
	}
	const char *since = rfc3339_format(clock_wall_ns(), now);
	if (str_eq(json_get_str(old, "resource"), resource) && str_eq(json_get_str(old, "reason"), reason) &&
	    json_get_str(old, "since"))
		since = json_get_str(old, "since");
	json_put(
		p->status, "rootCause",
		json_pack("{s:s, s:s, s:s, s:s}", "resource", resource, "reason", reason, "message", message, "since", since));
}

void deployment_event(struct deployment_pass *p, enum kube_event_type type, const char *reason, const char *fmt, ...)
{
	va_list ap;
	va_start(ap, fmt);
	_cleanup_free_ char *message = xvasprintf(fmt, ap);
	va_end(ap);
	kube_event(p->op->config.recorder, p->object, type, reason, "%s", message);
}

void deployment_requeue(struct deployment_pass *p, int64_t after_ns)
{
	if (p->requeue_ns == 0 || after_ns < p->requeue_ns)
		p->requeue_ns = after_ns;
}

int deployment_write_status(struct deployment_pass *p, struct err *err)
{
	json_t *updated;
	if (kube_write_status(p->op->config.client, &SCIA_DEPLOYMENT, p->op->deployments, p->object, p->status, &updated,
	                      err) < 0)
		return -1;
	json_decref(p->object);
	p->object = updated;
	return 0;
}

void deployment_show_progress(struct deployment_pass *p)
{
	/* Only for people who watch: what counts is written at the end. */
	_cleanup_err_ struct err ignored = { 0 };
	deployment_write_status(p, &ignored);
}

/* The step failed: say it in its condition, as the root cause, and once as an event. What runs goes on running. */
static void report_failure(struct deployment_pass *p, size_t step)
{
	const char *message = err_message(p->pass->err);
	const json_t *before = kube_condition(p->object, STEPS[step].condition ? STEPS[step].condition : "Ready");
	bool is_news = !str_eq(json_get_str(before, "message"), message);

	if (STEPS[step].condition)
		deployment_condition(p, STEPS[step].condition, "False", STEPS[step].reason, "%s", message);
	deployment_root_cause(p, "Deployment", STEPS[step].reason, message);
	if (kube_condition_is(p->object, "Healthy", "True")) {
		deployment_phase(p, "Degraded");
	} else {
		deployment_phase(p, "Failed");
	}
	deployment_condition(p, "Ready", "False", STEPS[step].reason, "%s", message);
	if (is_news && STEPS[step].event)
		deployment_event(p, KUBE_EVENT_WARNING, STEPS[step].event, "%s", message);
}

static int run_steps(struct deployment_pass *p)
{
	for (size_t i = 0; i < ARRAY_SIZE(STEPS); i++) {
		int r = STEPS[i].run(p);
		if (r == STEP_STOP)
			return 0;
		if (r < 0) {
			/* Somebody else was faster: look again, there is nothing to tell. */
			if (p->pass->err->kind != ERR_CONFLICT && !kube_is_deleting(p->object))
				report_failure(p, i);
			return r;
		}
	}
	return 0;
}

static void pass_done(struct deployment_pass *p)
{
	json_decref(p->object);
	json_decref(p->status);
	json_decref(p->provider);
	json_decref(p->revisions);
	json_decref(p->wanted);
	json_decref(p->target);
	json_decref(p->infrastructure);
}

static int compare_revisions(const void *a, const void *b)
{
	int64_t x = revision_number(*(json_t *const *)a), y = revision_number(*(json_t *const *)b);
	return (x > y) - (x < y);
}

static json_t *load_revisions(struct operator_ *op, const json_t *object)
{
	_cleanup_json_ json_t *found = kube_informer_by_index(op->revisions, "owner", kube_uid(object));
	size_t len = json_array_size(found);
	_cleanup_free_ json_t **list = xcalloc(len, sizeof(*list));
	for (size_t i = 0; i < len; i++)
		list[i] = json_array_get(found, i);
	qsort(list, len, sizeof(*list), compare_revisions);
	json_t *sorted = json_array();
	for (size_t i = 0; i < len; i++)
		json_array_append(sorted, list[i]);
	return sorted;
}

int deployment_reconcile(void *self, struct kube_pass *pass, const struct kube_key *key, struct kube_result *result)
{
	struct operator_ *op = self;
	_cleanup_(pass_done) struct deployment_pass p = { .op = op, .pass = pass };

	p.object = kube_informer_get(op->deployments, key->ns, key->name);
	if (!p.object)
		return 0;
	/* Paused holds everything but a deletion. */
	if (str_eq(kube_annotation(p.object, "scia.io/paused"), "true") && !kube_is_deleting(p.object))
		return 0;
	p.status = kube_status(p.object) ? json_deep_copy(kube_status(p.object)) : json_object();
	json_put_int(p.status, "observedGeneration", kube_generation(p.object));
	if (!json_get_str(p.status, "phase"))
		deployment_phase(&p, "Pending");
	p.revisions = load_revisions(op, p.object);
	p.infrastructure = kube_informer_get(op->infrastructures, key->ns, key->name);
	if (p.infrastructure && !kube_is_controlled_by(p.infrastructure, p.object)) {
		json_decref(p.infrastructure);
		p.infrastructure = NULL; /* of an earlier Deployment of that name; on its way out */
	}

	int r = run_steps(&p);
	if (!p.object)
		return r; /* it is gone */
	_cleanup_err_ struct err write_err = { 0 };
	int written = deployment_write_status(&p, &write_err);
	if (written < 0 && write_err.kind == ERR_NOT_FOUND)
		return r;
	if (r == 0 && written < 0)
		err_move(pass->err, &write_err);
	result->requeue_after_ns = p.requeue_ns;
	return r < 0 ? r : written;
}
