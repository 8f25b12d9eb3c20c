/* Where the code is: provider, pin, commit. */

#include "deployment.h"

#include "base/str.h"

#define RETRY_PROVIDER_NS (30 * INT64_C(1000000000))

int step_provider(struct deployment_pass *p)
{
	const char *ns = kube_namespace(p->object);
	const char *name = json_get_str(deployment_spec(p), "cloudProvider");
	if (str_empty(name))
		name = "local";
	p->provider = kube_informer_get(p->op->providers, ns, name);
	if (!p->provider) {
		deployment_requeue(p, RETRY_PROVIDER_NS);
		err_set(p->pass->err, ERR_NOT_FOUND,
		        "there is no CloudProvider \"%s\" in namespace %s (spec.cloudProvider); `kubectl get cloudproviders -n "
		        "%s` lists those there are",
		        name, ns, ns);
		return err_set_terminal(p->pass->err); /* its creation wakes this Deployment */
	}
	const json_t *ready = kube_condition(p->provider, "Ready");
	if (str_eq(json_get_str(ready, "status"), "False")) {
		err_set(p->pass->err, ERR_UNAVAILABLE, "CloudProvider \"%s\" is not ready: %s", name,
		        json_get_str(ready, "message"));
		return err_set_terminal(p->pass->err);
	}
	return STEP_CONTINUE;
}

/* What the decision would depend on, for the commit the pass found. */
static void hash_inputs(struct deployment_pass *p)
{
	struct decision_input input = {
		.spec = deployment_spec(p),
		.provider_type = json_str_at(p->provider, "spec", "type", NULL),
		.default_region = json_str_at(p->provider, "spec", "defaultRegion", NULL),
		.commit = p->commit,
		.redecide = kube_annotation(p->object, "scia.io/redecide"),
	};
	decision_input_hash(p->op->decisions, &input, p->input_hash);
}

/* A pin holds as long as what the spec asks for stays the same. */
static void hash_spec(const struct deployment_pass *p, char ret[static 65])
{
	static const char *const unrelated[] = { "rollbackTo", "approval", "revisionHistoryLimit", "deletionPolicy",
		                                     "budget" };
	_cleanup_json_ json_t *spec = json_copy((json_t *)deployment_spec(p));
	for (size_t i = 0; i < ARRAY_SIZE(unrelated); i++)
		json_object_del(spec, unrelated[i]);
	json_hash(spec, ret);
}

static int clear_pin(struct deployment_pass *p)
{
	_cleanup_json_ json_t *patch = json_pack("{s:{s:n}, s:{s:s}}", "spec", "rollbackTo", "metadata", "resourceVersion",
	                                         kube_resource_version(p->object));
	struct kube_patch_options options = { .field_manager = OPERATOR_FIELD_MANAGER };
	return kube_patch(p->op->config.client, &SCIA_DEPLOYMENT, kube_namespace(p->object), kube_name(p->object),
	                  KUBE_PATCH_MERGE, patch, &options, NULL, p->pass->err);
}

/* spec.rollbackTo pins a revision until it is cleared or anything else of the spec changes. */
int step_pin(struct deployment_pass *p)
{
	int64_t number = json_int(json_at(deployment_spec(p), "rollbackTo", "revision", NULL), 0);
	const json_t *pin = json_object_get(p->status, "pin");
	char spec_hash[65];

	if (number == 0) {
		json_put(p->status, "pin", NULL);
		return STEP_CONTINUE;
	}
	hash_spec(p, spec_hash);
	if (json_get_int(pin, "revision", 0) == number && !str_eq(json_get_str(pin, "specHash"), spec_hash)) {
		deployment_event(p, KUBE_EVENT_NORMAL, "RollbackReleased",
		                 "the spec changed: revision %lld is no longer pinned", (long long)number);
		json_put(p->status, "pin", NULL);
		if (clear_pin(p) < 0)
			return -1;
		return STEP_STOP; /* the change of the spec wakes us */
	}
	json_t *revision = revision_find(p, number);
	if (!revision) {
		err_set(p->pass->err, ERR_NOT_FOUND,
		        "spec.rollbackTo: there is no revision %lld; `scia history %s` lists those there are",
		        (long long)number, kube_name(p->object));
		return err_set_terminal(p->pass->err);
	}
	bool is_new = json_get_int(pin, "revision", 0) != number;
	if (is_new) {
		deployment_event(p, KUBE_EVENT_NORMAL, "RolledBack", "going back to revision %lld as asked", (long long)number);
		deployment_phase(p, "RollingBack");
		/* A revision that failed before gets another chance: the user wants it. */
		history_set_outcome(p, revision, "InProgress", "rolled back to");
	}
	json_put(p->status, "pin", json_pack("{s:I, s:s}", "revision", (json_int_t)number, "specHash", spec_hash));
	p->is_pinned = true;
	p->wanted = json_incref(revision);
	/* Which spec was pinned is written before anything follows from it: when the spec changes in the meantime, or we
	 * die, the next pass would take the changed spec for the pinned one. */
	if (is_new && deployment_write_status(p, p->pass->err) < 0)
		return -1;
	return STEP_CONTINUE;
}

/* The newest revision, when it was made from exactly these inputs. */
static json_t *frozen_revision(const struct deployment_pass *p)
{
	json_t *newest = json_array_get(p->revisions, json_array_size(p->revisions) - 1);
	return str_eq(json_str_at(newest, "spec", "inputHash", NULL), p->input_hash) ? newest : NULL;
}

int step_source(struct deployment_pass *p)
{
	if (p->is_pinned)
		return STEP_CONTINUE;
	const json_t *repository = json_object_get(deployment_spec(p), "repository");
	/* The spec just changed: the user waits for what is there now, not for what was there a minute ago. */
	bool is_new = json_get_int(kube_status(p->object), "observedGeneration", 0) != kube_generation(p->object);
	deployment_requeue(p, p->op->config.poll_ns);
	if (source_resolve(p->op->sources, kube_namespace(p->object), repository, is_new ? p->pass->woken_ns : 0,
	                   p->pass->cancelled, p->commit, p->pass->err) < 0)
		return -1;
	hash_inputs(p);
	p->wanted = json_incref(frozen_revision(p));
	return STEP_CONTINUE;
}
