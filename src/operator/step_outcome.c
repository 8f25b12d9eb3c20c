/* What became of it: phase, conditions, endpoints, history, and the one thing to look at. */

#include "deployment.h"

#include "base/clock.h"
#include "base/str.h"

/* Reasons of resources that are merely on their way. Everything else that is not ready is a cause. */
static const char *const PROGRESS[] = { "Pending",  "Creating", "Building", "Starting",
	                                    "Updating", "Deleting", "Stopping", NULL };

struct outcome {
	int64_t serving; /* revision that serves; 0: none */
	bool is_current; /* the Infrastructure's status is about its present spec */
	bool is_ready, is_synced;
	const json_t *failing; /* entry of status.resources that is not ready, or NULL */
	bool is_progressing;   /* what is not ready is on its way */
};

static void look(const struct deployment_pass *p, struct outcome *ret)
{
	const json_t *status = kube_status(p->infrastructure);
	size_t i;
	json_t *resource;

	*ret = (struct outcome){
		.serving = json_get_int(status, "revision", 0),
		.is_current = json_get_int(status, "observedGeneration", -1) == kube_generation(p->infrastructure),
		.is_ready = kube_condition_is(p->infrastructure, "Ready", "True"),
		.is_synced = !kube_condition_is(p->infrastructure, "Synced", "False"),
	};
	json_array_foreach (json_object_get(status, "resources"), i, resource) {
		if (!json_get_bool(resource, "ready", false)) {
			ret->failing = resource;
			break;
		}
	}
	const char *reason = json_get_str(ret->failing, "reason");
	ret->is_progressing = ret->is_synced && (!ret->is_current || !reason || str_in(reason, PROGRESS));
}

static void set_root_cause(struct deployment_pass *p, const struct outcome *o)
{
	if (!o->is_synced) {
		_cleanup_free_ char *resource = xasprintf("Infrastructure/%s", kube_name(p->infrastructure));
		const json_t *synced = kube_condition(p->infrastructure, "Synced");
		deployment_root_cause(p, resource, json_get_str(synced, "reason"), json_get_str(synced, "message"));
		return;
	}
	if (!o->failing || o->is_progressing) {
		deployment_root_cause(p, NULL, NULL, NULL);
		return;
	}
	_cleanup_free_ char *resource = xasprintf("%s/%s", json_get_str(o->failing, "kind"),
	                                          json_get_str(o->failing, "name"));
	const char *message = json_get_str(o->failing, "message");
	deployment_root_cause(p, resource, json_get_str(o->failing, "reason"),
	                      str_empty(message) ? "it is not ready and does not say why" : message);
}

static const char *cause_message(const struct deployment_pass *p, const char *otherwise)
{
	const char *message = json_str_at(p->status, "rootCause", "message", NULL);
	return message ? message : otherwise;
}

/* Whatever served until now has been replaced by a newer success. */
static void supersede_others(struct deployment_pass *p, int64_t number)
{
	size_t i;
	json_t *entry;
	json_array_foreach (json_object_get(p->status, "history"), i, entry) {
		if (json_get_int(entry, "revision", 0) != number && str_eq(json_get_str(entry, "outcome"), "Success"))
			json_put_str(entry, "outcome", "Superseded");
	}
}

static double seconds_since(const char *timestamp)
{
	int64_t then;
	if (!timestamp || !rfc3339_parse(timestamp, &then))
		return 0;
	return (double)(clock_wall_ns() - then) / (double)NS_PER_S;
}

static void report_running(struct deployment_pass *p)
{
	int64_t number = revision_number(p->target);
	const char *url = json_get_str(json_array_get(json_object_get(p->status, "endpoints"), 0), "url");
	const char *strategy = json_str_at(p->target, "spec", "decision", "strategy", NULL);

	if (history_set_outcome(p, p->target, "Success", p->is_pinned ? "rolled back to" : NULL)) {
		supersede_others(p, number);
		metric_add(p->op->deployments_total, 1,
		           METRIC_LABELS(strategy, json_str_at(p->target, "spec", "parameters", "framework", NULL), "success"));
		metric_observe(p->op->deployment_seconds, seconds_since(json_get_str(history_entry(p, p->target), "timestamp")),
		               METRIC_LABELS(strategy));
	}
	if (!kube_condition_is(p->object, "Ready", "True"))
		deployment_event(p, KUBE_EVENT_NORMAL, "DeploymentReady", "revision %lld runs%s%s", (long long)number,
		                 url ? " at " : "", url ? url : "");
	deployment_phase(p, "Running");
	deployment_root_cause(p, NULL, NULL, NULL);
	deployment_condition(p, "Provisioned", "True", "Available", "everything it is made of is there");
	deployment_condition(p, "Healthy", "True", "Healthy", "it answers its health check");
	deployment_condition(p, "Ready", "True", "DeploymentReady", "revision %lld runs", (long long)number);
}

/* The last healthy revision serves instead of the one that failed: it works, but it is not what was asked for. */
static void report_fallback(struct deployment_pass *p)
{
	int64_t wanted = revision_number(p->wanted), target = revision_number(p->target);
	const char *why = json_get_str(history_entry(p, p->wanted), "reason");
	_cleanup_free_ char *resource = xasprintf("DeploymentRevision/%s", kube_name(p->wanted));
	_cleanup_free_ char *message = xstrdup(why ? why : "it did not become healthy");

	deployment_root_cause(p, resource, "RevisionFailed", message);
	deployment_phase(p, "Degraded");
	deployment_condition(p, "Provisioned", "False", "RevisionFailed", "revision %lld: %s", (long long)wanted, message);
	deployment_condition(p, "Healthy", "True", "Healthy", "it answers its health check");
	deployment_condition(p, "Ready", "False", "RevisionFailed", "revision %lld failed: %s; revision %lld serves",
	                     (long long)wanted, message, (long long)target);
}

/* On the way: to the first revision, or from one to the next. */
static void report_progress(struct deployment_pass *p, const struct outcome *o)
{
	const char *step = json_get_str(o->failing, "reason"), *message = json_get_str(o->failing, "message");
	_cleanup_free_ char *what = str_empty(message) ? xstrdup(step ? step : "waiting for it to be created")
	                                               : xstrdup(message);
	bool serves = o->serving > 0 && kube_condition_is(p->object, "Healthy", "True");

	deployment_root_cause(p, NULL, NULL, NULL);
	if (!str_eq(json_get_str(p->status, "phase"), "RollingBack"))
		deployment_phase(p, "Provisioning");
	deployment_condition(p, "Provisioned", "False", "Provisioning", "%s", what);
	if (!serves)
		deployment_condition(p, "Healthy", "Unknown", "Provisioning", "nothing runs yet");
	deployment_condition(p, "Ready", "False", serves ? "RollingOut" : "Provisioning", "revision %lld: %s",
	                     (long long)revision_number(p->target), what);
}

static void report_trouble(struct deployment_pass *p, const struct outcome *o)
{
	bool ran_before = str_eq(history_outcome(p, revision_number(p->target)), "Success");
	const char *reason = json_str_at(p->status, "rootCause", "reason", NULL);
	_cleanup_free_ char *message = xstrdup(cause_message(p, "it is not healthy"));

	if (ran_before && kube_condition_is(p->object, "Ready", "True"))
		deployment_event(p, KUBE_EVENT_WARNING, "HealthCheckFailed", "%s", message);
	deployment_phase(p, ran_before || o->is_ready ? "Degraded" : "Failed");
	if (!ran_before)
		deployment_condition(p, "Provisioned", "False", reason ? reason : "Failed", "%s", message);
	deployment_condition(p, "Healthy", o->is_ready ? "True" : "False", reason ? reason : "Unhealthy", "%s", message);
	deployment_condition(p, "Ready", "False", reason ? reason : "Unhealthy", "%s", message);
}

/* Nothing is billed for this machine; a cloud's prices are the cost estimator's. */
static void show_cost(struct deployment_pass *p)
{
	const char *type = json_str_at(p->target, "spec", "parameters", "providerType", NULL);
	const json_t *budget = json_object_get(deployment_spec(p), "budget");
	bool is_free = str_eq(type, "local") || str_eq(type, "none");

	if (is_free)
		json_put(p->status, "cost",
		         json_pack("{s:i, s:i, s:i, s:[s]}", "estimatedMonthly", 0, "low", 0, "high", 0, "assumptions",
		                   "it runs on the control plane's own machine, for which nothing more is paid"));
	else
		json_put(p->status, "cost", json_pack("{s:[s]}", "unknown", "no price is known for this provider"));
	if (!json_object_get(budget, "maxMonthlyCost"))
		return;
	if (is_free)
		deployment_condition(p, "WithinBudget", "True", "WithinBudget", "estimated 0 of %g USD a month",
		                     json_number(json_object_get(budget, "maxMonthlyCost"), 0));
	else
		deployment_condition(p, "WithinBudget", "Unknown", "CostUnknown", "no price is known for this provider");
}

static void show_infrastructure(struct deployment_pass *p, const struct outcome *o)
{
	json_t *endpoints = json_object_get(kube_status(p->infrastructure), "endpoints");
	json_t *serving = revision_find(p, o->serving);

	if (endpoints)
		json_object_set(p->status, "endpoints", endpoints);
	if (serving) {
		json_put_int(p->status, "currentRevision", o->serving);
		json_put_str(p->status, "commit", json_str_at(serving, "spec", "commit", NULL));
	}
	if (o->is_synced)
		deployment_condition(p, "Synced", "True", "ReconcileSuccess", "nothing drifted");
	else
		deployment_condition(p, "Synced", "False", "ReconcileError", "%s",
		                     json_get_str(kube_condition(p->infrastructure, "Synced"), "message"));
	show_cost(p);
}

int step_outcome(struct deployment_pass *p)
{
	struct outcome o;
	look(p, &o);
	show_infrastructure(p, &o);
	bool is_done = o.is_current && o.is_ready && o.serving == revision_number(p->target) &&
	               !kube_is_deleting(p->infrastructure);
	if (is_done && p->is_fallback) {
		report_fallback(p);
		return STEP_CONTINUE;
	}
	if (is_done) {
		report_running(p);
		return STEP_CONTINUE;
	}
	set_root_cause(p, &o);
	if (o.is_progressing)
		report_progress(p, &o);
	else
		report_trouble(p, &o);
	return STEP_CONTINUE;
}
