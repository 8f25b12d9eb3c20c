/* From a revision to an Infrastructure: plan and approval, which revision, apply, put back what drifted. */

#include "deployment.h"

#include "base/clock.h"
#include "base/str.h"
#include "compose/compose.h"
#include "kube/drift.h"

static bool infrastructure_has(const struct deployment_pass *p, const json_t *revision)
{
	return p->infrastructure && json_int(json_at(p->infrastructure, "spec", "parameters", "revision", NULL), -1) ==
	                                revision_number(revision);
}

/* {hash, changes}: what applying the wanted revision would do to what is there. */
static json_t *build_plan(const struct deployment_pass *p)
{
	const json_t *wanted = json_at(p->wanted, "spec", "parameters", NULL);
	_cleanup_json_ json_t *drift = json_array();
	_cleanup_json_ json_t *desired = json_pack("{s:{s:O}}", "spec", "parameters", wanted);
	json_t *changes = json_array();
	char hash[65];

	if (!p->infrastructure) {
		json_array_append_new(
			changes, json_pack("{s:s, s:s+}", "action", "create", "resource", "Infrastructure/", kube_name(p->object)));
	} else {
		kube_find_drift(desired, p->infrastructure, drift);
		if (json_array_size(drift) > 0)
			json_array_append_new(changes, json_pack("{s:s, s:s+, s:O}", "action", "update", "resource",
			                                         "Infrastructure/", kube_name(p->object), "fields", drift));
	}
	json_hash(wanted, hash);
	hash[16] = '\0';
	return json_pack("{s:s, s:o}", "hash", hash, "changes", changes);
}

int step_approve(struct deployment_pass *p)
{
	bool manual = str_eq(json_get_str(deployment_spec(p), "approval"), "Manual");
	if (infrastructure_has(p, p->wanted) || p->is_pinned) {
		deployment_condition(p, "Planned", "True", "Applied", "revision %lld is the plan that was applied",
		                     (long long)revision_number(p->wanted));
		deployment_condition(p, "Approved", "True", manual ? "PlanApproved" : "Automatic", "the plan was applied");
		return STEP_CONTINUE;
	}
	json_t *plan = build_plan(p);
	const char *hash = json_get_str(plan, "hash");
	bool is_new = !str_eq(json_str_at(p->status, "plan", "hash", NULL), hash);
	_cleanup_free_ char *kept = xstrdup(hash);
	json_put(p->status, "plan", plan);
	deployment_condition(p, "Planned", "True", "PlanReady", "plan %s: %zu change(s)", kept,
	                     json_array_size(json_object_get(plan, "changes")));
	if (!manual) {
		deployment_condition(p, "Approved", "True", "Automatic", "no approval is asked for");
		return STEP_CONTINUE;
	}
	if (str_eq(kube_annotation(p->object, "scia.io/approved-plan"), kept)) {
		if (!kube_condition_is(p->object, "Approved", "True"))
			deployment_event(p, KUBE_EVENT_NORMAL, "PlanApproved", "plan %s is approved", kept);
		deployment_condition(p, "Approved", "True", "PlanApproved", "plan %s", kept);
		return STEP_CONTINUE;
	}
	if (is_new)
		deployment_event(
			p, KUBE_EVENT_NORMAL, "PlanReady",
			"plan %s waits for approval: kubectl annotate --overwrite deployments.scia.io %s scia.io/approved-plan=%s",
			kept, kube_name(p->object), kept);
	deployment_condition(p, "Approved", "False", "WaitingForApproval",
	                     "plan %s waits for the annotation scia.io/approved-plan=%s", kept, kept);
	deployment_condition(p, "Ready", "False", "WaitingForApproval", "plan %s waits for approval", kept);
	deployment_root_cause(p, "Deployment", "WaitingForApproval",
	                      "the plan waits for approval (spec.approval is Manual)");
	deployment_phase(p, "AwaitingApproval");
	return STEP_STOP;
}

static json_t *last_healthy_before(const struct deployment_pass *p, int64_t number)
{
	for (size_t i = json_array_size(p->revisions); i-- > 0;) {
		json_t *revision = json_array_get(p->revisions, i);
		const char *outcome = history_outcome(p, revision_number(revision));
		if (revision_number(revision) != number && (str_eq(outcome, "Success") || str_eq(outcome, "Superseded")))
			return revision;
	}
	return NULL;
}

/* Did the rollout of the wanted revision end badly since we looked last? */
static bool has_just_failed(const struct deployment_pass *p)
{
	int64_t wanted = revision_number(p->wanted);
	const json_t *status = kube_status(p->infrastructure);
	/* What is said about an older spec is no verdict: the same revision may have been asked for again. */
	bool is_current = json_get_int(status, "observedGeneration", -1) == kube_generation(p->infrastructure);
	return is_current && infrastructure_has(p, p->wanted) && json_get_int(status, "failedRevision", 0) == wanted &&
	       json_get_int(status, "revision", 0) != wanted && !str_eq(history_outcome(p, wanted), "Failed");
}

static const char *failure_message(const struct deployment_pass *p)
{
	const json_t *ready = kube_condition(p->infrastructure, "Ready");
	const char *message = json_get_str(json_array_get(json_object_get(kube_status(p->infrastructure), "resources"), 0),
	                                   "message");
	if (str_empty(message))
		message = json_get_str(ready, "message");
	return str_empty(message) ? "it did not become healthy" : message;
}

int step_target(struct deployment_pass *p)
{
	int64_t wanted = revision_number(p->wanted);

	if (has_just_failed(p)) {
		const char *message = failure_message(p);
		const json_t *healthy = last_healthy_before(p, wanted);
		history_set_outcome(p, p->wanted, "Failed", message);
		deployment_event(p, KUBE_EVENT_WARNING, "HealthCheckFailed", "revision %lld failed: %s", (long long)wanted,
		                 message);
		metric_add(p->op->deployments_total, 1,
		           METRIC_LABELS(json_str_at(p->wanted, "spec", "decision", "strategy", NULL),
		                         json_str_at(p->wanted, "spec", "parameters", "framework", NULL), "failed"));
		if (healthy) {
			deployment_event(p, KUBE_EVENT_WARNING, "RolledBack", "back to revision %lld, the last healthy one",
			                 (long long)revision_number(healthy));
			deployment_phase(p, "RollingBack");
		}
	}
	json_t *healthy = str_eq(history_outcome(p, wanted), "Failed") ? last_healthy_before(p, wanted) : NULL;
	p->is_fallback = healthy != NULL;
	p->target = json_incref(healthy ? healthy : p->wanted);
	return STEP_CONTINUE;
}

static json_t *render_infrastructure(const struct deployment_pass *p)
{
	const json_t *parameters_then = json_at(p->target, "spec", "parameters", NULL);
	const char *composition = compose_name(json_get_str(parameters_then, "strategy"),
	                                       json_get_str(parameters_then, "providerType"));
	if (!composition)
		return NULL;
	json_t *infrastructure = kube_object_new(&SCIA_INFRASTRUCTURE, kube_namespace(p->object), kube_name(p->object));
	if (kube_is_label_value(kube_name(p->object)))
		kube_set_label(infrastructure, "scia.io/deployment", kube_name(p->object));
	kube_set_label(infrastructure, "scia.io/deployment-uid", kube_uid(p->object));
	kube_set_controller(infrastructure, p->object);
	json_t *parameters = json_copy(json_unconst(parameters_then));
	/* Not part of the revision: it is about the end, not about what runs. */
	json_put_str(parameters, "deletionPolicy", json_get_str(deployment_spec(p), "deletionPolicy"));
	json_put(
		infrastructure, "spec",
		json_pack("{s:o, s:{s:{s:s}}}", "parameters", parameters, "crossplane", "compositionRef", "name", composition));
	return infrastructure;
}

static int apply_infrastructure(struct deployment_pass *p, const json_t *infrastructure)
{
	struct kube_patch_options options = { .field_manager = OPERATOR_FIELD_MANAGER, .force = true };
	_cleanup_json_ json_t *applied = NULL;
	if (kube_patch(p->op->config.client, &SCIA_INFRASTRUCTURE, kube_namespace(infrastructure),
	               kube_name(infrastructure), KUBE_PATCH_APPLY, infrastructure, &options, &applied, p->pass->err) < 0)
		return err_wrap(p->pass->err, "applying Infrastructure %s", kube_name(infrastructure));
	kube_informer_observe(p->op->infrastructures, applied);
	json_decref(p->infrastructure);
	p->infrastructure = TAKE_PTR(applied);
	return 0;
}

static int create_infrastructure(struct deployment_pass *p, const json_t *infrastructure)
{
	bool was_there = json_object_get(p->status, "infrastructureRef") != NULL;
	if (was_there)
		deployment_event(p, KUBE_EVENT_WARNING, "DriftDetected", "Infrastructure %s was deleted",
		                 kube_name(infrastructure));
	if (apply_infrastructure(p, infrastructure) < 0)
		return -1;
	if (was_there) {
		metric_add(p->op->drift_total, 1, METRIC_LABELS("Infrastructure"));
		deployment_event(p, KUBE_EVENT_NORMAL, "DriftHealed", "Infrastructure %s was created again",
		                 kube_name(infrastructure));
	} else {
		deployment_event(p, KUBE_EVENT_NORMAL, "InfrastructureCreated", "Infrastructure %s for revision %lld",
		                 kube_name(infrastructure), (long long)revision_number(p->target));
	}
	return 0;
}

static int heal_infrastructure(struct deployment_pass *p, const json_t *infrastructure, const json_t *drift)
{
	_cleanup_json_ json_t *live = NULL;
	_cleanup_err_ struct err ignored = { 0 };
	kube_get(p->op->config.client, &SCIA_INFRASTRUCTURE, kube_namespace(infrastructure), kube_name(infrastructure),
	         &live, &ignored);
	_cleanup_free_ char *what = kube_describe_drift(drift, kube_last_spec_manager(live, OPERATOR_FIELD_MANAGER));
	deployment_event(p, KUBE_EVENT_WARNING, "DriftDetected", "Infrastructure %s: %s", kube_name(infrastructure), what);
	if (apply_infrastructure(p, infrastructure) < 0)
		return -1;
	metric_add(p->op->drift_total, 1, METRIC_LABELS("Infrastructure"));
	deployment_event(p, KUBE_EVENT_NORMAL, "DriftHealed", "Infrastructure %s: put back as it was decided",
	                 kube_name(infrastructure));
	return 0;
}

/* The user changed the only live parameter in the spec of the Deployment: nothing drifted. */
static bool is_policy_change(const json_t *drift)
{
	return json_array_size(drift) == 1 &&
	       str_eq(json_get_str(json_array_get(drift, 0), "field"), "spec.parameters.deletionPolicy");
}

static int update_infrastructure(struct deployment_pass *p, const json_t *infrastructure)
{
	bool is_new_revision = !infrastructure_has(p, p->target);
	_cleanup_json_ json_t *drift = json_array();
	kube_find_drift(infrastructure, p->infrastructure, drift);
	if (json_array_size(drift) == 0 && !is_new_revision)
		return 0;
	if (is_policy_change(drift))
		return apply_infrastructure(p, infrastructure);
	if (!is_new_revision)
		return heal_infrastructure(p, infrastructure, drift);
	if (apply_infrastructure(p, infrastructure) < 0)
		return -1;
	deployment_event(p, KUBE_EVENT_NORMAL, "InfrastructureUpdated", "Infrastructure %s to revision %lld",
	                 kube_name(infrastructure), (long long)revision_number(p->target));
	return 0;
}

int step_infrastructure(struct deployment_pass *p)
{
	_cleanup_json_ json_t *infrastructure = render_infrastructure(p);
	if (!infrastructure) {
		err_set(p->pass->err, ERR_INVALID,
		        "CloudProvider \"%s\" is of type %s, for which this version has no composition yet; local and none are "
		        "there",
		        kube_name(p->provider), json_str_at(p->provider, "spec", "type", NULL));
		return err_set_terminal(p->pass->err);
	}
	if (p->infrastructure && kube_is_deleting(p->infrastructure)) {
		deployment_condition(p, "Provisioned", "False", "Deleting",
		                     "Infrastructure %s is being deleted; it will be created again", kube_name(p->object));
		return STEP_CONTINUE;
	}
	int r = p->infrastructure ? update_infrastructure(p, infrastructure) : create_infrastructure(p, infrastructure);
	if (r < 0)
		return r;
	json_put(p->status, "infrastructureRef",
	         json_pack("{s:s, s:s, s:s}", "apiVersion", json_get_str(p->infrastructure, "apiVersion"), "kind",
	                   json_get_str(p->infrastructure, "kind"), "name", kube_name(p->infrastructure)));
	return STEP_CONTINUE;
}
