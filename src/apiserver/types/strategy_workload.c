/* Pods and what makes pods: templates, deployments and their like, jobs. Nothing runs them here; they are kept in the
 * form other programs expect. */
#include "base/str.h"
#include "builtin.h"
#include "kube/object.h"
#include "objects/invalid.h"
#include "pod_spec.h"
#include "objects/field_checks.h"

#include <stdlib.h>
#include <string.h>

static json_t *spec_of(const json_t *obj)
{
	return json_object_get(obj, "spec");
}

static json_t *template_spec(const json_t *obj)
{
	return json_at(obj, "spec", "template", "spec", NULL);
}

/* ---- pods ---- */

static void pod_decode(json_t *obj, json_t *dropped _unused_)
{
	pod_spec_default(spec_of(obj));
	pod_only_default(spec_of(obj));
}

static void pod_create(json_t *obj)
{
	json_put(obj, "status", json_pack("{s:s,s:s}", "phase", "Pending", "qosClass", pod_qos_class(spec_of(obj))));
}

/* What may differ once a pod is there, taken out. */
static json_t *fixed_part(const json_t *spec)
{
	static const char *const LISTS[] = { "containers", "initContainers" };
	json_t *fixed = json_deep_copy(spec), *container;
	size_t i;

	for (size_t k = 0; k < ARRAY_SIZE(LISTS); k++)
		json_array_foreach (json_object_get(fixed, LISTS[k]), i, container)
			json_object_del(container, "image");
	json_object_del(fixed, "activeDeadlineSeconds");
	json_object_del(fixed, "terminationGracePeriodSeconds");
	json_object_del(fixed, "tolerations");
	json_object_del(fixed, "schedulingGates");
	return fixed;
}

static int pod_validate(const json_t *obj, const json_t *old, struct err *err)
{
	pod_spec_check(spec_of(obj), "spec", err);
	if (!old)
		return check_result(err);
	_cleanup_json_ json_t *now = fixed_part(spec_of(obj)), *before = fixed_part(spec_of(old));
	if (!json_same(now, before))
		invalid_add(err, INVALID_FORBIDDEN, "spec",
		            "Forbidden: pod updates may not change fields other than "
		            "`spec.containers[*].image`,`spec.initContainers[*].image`,`spec.activeDeadlineSeconds`,`spec."
		            "tolerations` (only "
		            "additions to existing tolerations),`spec.terminationGracePeriodSeconds` (allow it to be set to 1 "
		            "if it was "
		            "previously negative)");
	return check_result(err);
}

const struct api_strategy STRATEGY_POD = {
	.unconditional_update = true,
	.decode = pod_decode,
	.prepare_create = pod_create,
	.validate = pod_validate,
};

static void pod_template_decode(json_t *obj, json_t *dropped _unused_)
{
	pod_spec_default(json_at(obj, "template", "spec", NULL));
}

static int pod_template_validate(const json_t *obj, const json_t *old _unused_, struct err *err)
{
	pod_template_check(json_object_get(obj, "template"), "", err);
	return check_result(err);
}

const struct api_strategy STRATEGY_POD_TEMPLATE = {
	.generation = true,
	.unconditional_update = true,
	.create_on_update = true,
	.decode = pod_template_decode,
	.validate = pod_template_validate,
};

/* ---- what keeps a number of pods ---- */

static void template_decode(json_t *obj, json_t *dropped _unused_)
{
	pod_spec_default(template_spec(obj));
}

static void check_restart_policy(const json_t *obj, struct err *err)
{
	static const char *const ALWAYS[] = { "Always", NULL };
	const char *policy = json_get_str(template_spec(obj), "restartPolicy");

	if (!str_empty(policy))
		check_one_of(err, policy, ALWAYS, "spec.template.spec.restartPolicy");
}

/* what: "deployment", "daemonset", … for the message. */
static void check_selector(const json_t *obj, const char *what, struct err *err)
{
	const json_t *selector = json_at(obj, "spec", "selector", NULL),
				 *labels = json_at(obj, "spec", "template", "metadata", "labels", NULL);
	_cleanup_free_ char *empty = xasprintf("empty selector is invalid for %s", what);

	if (!json_is_object(selector)) {
		check_required(err, "", "spec.selector");
		check_fail_labels(err, labels, "`selector` does not match template `labels`", "spec.template.metadata.labels");
		return;
	}
	if (json_object_size(json_object_get(selector, "matchLabels")) == 0 &&
	    json_array_size(json_object_get(selector, "matchExpressions")) == 0)
		check_fail_selector(err, selector, empty, "spec.selector");
	else if (!check_selector_matches(selector, labels))
		check_fail_labels(err, labels, "`selector` does not match template `labels`", "spec.template.metadata.labels");
}

static void check_selector_stays(struct err *err, const json_t *now, const json_t *before)
{
	if (!json_same(now, before))
		check_fail_selector(err, now, "field is immutable", "spec.selector");
}

static void check_replicated(const json_t *obj, const json_t *old, const char *what, struct err *err)
{
	check_selector(obj, what, err);
	pod_template_check(json_object_get(spec_of(obj), "template"), "spec", err);
	check_restart_policy(obj, err);
	if (old)
		check_selector_stays(err, json_at(obj, "spec", "selector", NULL), json_at(old, "spec", "selector", NULL));
}

static void deployment_decode(json_t *obj, json_t *dropped _unused_)
{
	json_t *strategy = json_object_get(spec_of(obj), "strategy");

	template_decode(obj, NULL);
	if (!str_eq(json_get_str(strategy, "type"), "RollingUpdate"))
		return;
	json_t *rolling = json_ensure_object(strategy, "rollingUpdate");
	if (!json_object_get(rolling, "maxUnavailable"))
		json_put_str(rolling, "maxUnavailable", "25%");
	if (!json_object_get(rolling, "maxSurge"))
		json_put_str(rolling, "maxSurge", "25%");
}

static bool is_nothing(const json_t *v)
{
	const char *text = json_string_value(v);

	return text ? strtol(text, NULL, 10) == 0 : json_int(v, 0) == 0;
}

/* What replaces pods needs room for one more or one less. */
static void check_rolling(const json_t *rolling, struct err *err)
{
	const json_t *missing = json_object_get(rolling, "maxUnavailable"), *extra = json_object_get(rolling, "maxSurge");

	if (!missing || !extra || !is_nothing(missing) || !is_nothing(extra))
		return;
	check_fail_int_or_string(err, missing, "may not be 0 when `maxSurge` is 0",
	                         "spec.strategy.rollingUpdate.maxUnavailable");
}

static int deployment_validate(const json_t *obj, const json_t *old, struct err *err)
{
	const json_t *strategy = json_object_get(spec_of(obj), "strategy");

	check_replicated(obj, old, "deployment", err);
	if (str_eq(json_get_str(strategy, "type"), "Recreate") && json_object_get(strategy, "rollingUpdate"))
		invalid_add(err, INVALID_FORBIDDEN, "spec.strategy.rollingUpdate",
		            "Forbidden: may not be specified when strategy `type` is 'Recreate'");
	check_rolling(json_object_get(strategy, "rollingUpdate"), err);
	const json_t *progress = json_object_get(spec_of(obj), "progressDeadlineSeconds");
	if (progress && json_int(progress, 0) <= json_get_int(spec_of(obj), "minReadySeconds", 0))
		check_fail(err, progress, "must be greater than minReadySeconds", "spec.progressDeadlineSeconds");
	return check_result(err);
}

const struct api_strategy STRATEGY_DEPLOYMENT = {
	.generation = true,
	.unconditional_update = true,
	.decode = deployment_decode,
	.validate = deployment_validate,
};

static int replica_set_validate(const json_t *obj, const json_t *old, struct err *err)
{
	check_replicated(obj, old, "replicaset", err);
	return check_result(err);
}

const struct api_strategy STRATEGY_REPLICA_SET = {
	.generation = true,
	.unconditional_update = true,
	.decode = template_decode,
	.validate = replica_set_validate,
};

static void daemon_set_decode(json_t *obj, json_t *dropped _unused_)
{
	json_t *strategy = json_object_get(spec_of(obj), "updateStrategy");

	template_decode(obj, NULL);
	if (!str_eq(json_get_str(strategy, "type"), "RollingUpdate"))
		return;
	json_t *rolling = json_ensure_object(strategy, "rollingUpdate");
	if (!json_object_get(rolling, "maxUnavailable"))
		json_put_int(rolling, "maxUnavailable", 1);
	if (!json_object_get(rolling, "maxSurge"))
		json_put_int(rolling, "maxSurge", 0);
}

static int daemon_set_validate(const json_t *obj, const json_t *old, struct err *err)
{
	check_replicated(obj, old, "daemonset", err);
	return check_result(err);
}

const struct api_strategy STRATEGY_DAEMON_SET = {
	.generation = true,
	.unconditional_update = true,
	.decode = daemon_set_decode,
	.validate = daemon_set_validate,
};

static void stateful_set_decode(json_t *obj, json_t *dropped _unused_)
{
	json_t *strategy = json_object_get(spec_of(obj), "updateStrategy"), *claim;
	size_t i;

	template_decode(obj, NULL);
	if (str_eq(json_get_str(strategy, "type"), "RollingUpdate")) {
		json_t *rolling = json_ensure_object(strategy, "rollingUpdate");
		if (!json_object_get(rolling, "partition"))
			json_put_int(rolling, "partition", 0);
	}
	json_array_foreach (json_at(obj, "spec", "volumeClaimTemplates", NULL), i, claim) {
		json_put_str(claim, "apiVersion", "v1");
		json_put_str(claim, "kind", "PersistentVolumeClaim");
	}
}

static int stateful_set_validate(const json_t *obj, const json_t *old, struct err *err)
{
	static const char *const CHANGEABLE[] = { "replicas",
		                                      "ordinals",
		                                      "template",
		                                      "updateStrategy",
		                                      "minReadySeconds",
		                                      "persistentVolumeClaimRetentionPolicy",
		                                      "revisionHistoryLimit" };

	check_replicated(obj, NULL, "statefulset", err);
	if (!old)
		return check_result(err);
	_cleanup_json_ json_t *now = json_copy(spec_of(obj)), *before = json_copy(spec_of(old));
	for (size_t i = 0; i < ARRAY_SIZE(CHANGEABLE); i++) {
		json_object_del(now, CHANGEABLE[i]);
		json_object_del(before, CHANGEABLE[i]);
	}
	if (!json_same(now, before))
		invalid_add(err, INVALID_FORBIDDEN, "spec",
		            "Forbidden: updates to statefulset spec for fields other than 'replicas', 'ordinals', 'template', "
		            "'updateStrategy', 'revisionHistoryLimit', 'persistentVolumeClaimRetentionPolicy' and "
		            "'minReadySeconds' are "
		            "forbidden");
	return check_result(err);
}

const struct api_strategy STRATEGY_STATEFUL_SET = {
	.generation = true,
	.unconditional_update = true,
	.decode = stateful_set_decode,
	.validate = stateful_set_validate,
};

/* A plain map as the selector, by default the labels of the template. */
static void controller_decode(json_t *obj, json_t *dropped _unused_)
{
	const json_t *labels = json_at(obj, "spec", "template", "metadata", "labels", NULL);

	template_decode(obj, NULL);
	if (json_object_size(labels) == 0)
		return;
	if (json_object_size(json_at(obj, "spec", "selector", NULL)) == 0)
		json_put(spec_of(obj), "selector", json_deep_copy(labels));
	if (json_object_size(json_object_get(kube_meta(obj), "labels")) == 0)
		json_put(json_ensure_object(obj, "metadata"), "labels", json_deep_copy(labels));
}

static int controller_validate(const json_t *obj, const json_t *old _unused_, struct err *err)
{
	const json_t *labels = json_at(obj, "spec", "template", "metadata", "labels", NULL);
	json_t *selector = json_at(obj, "spec", "selector", NULL);
	_cleanup_json_ json_t *wrapped = json_pack("{s:O?}", "matchLabels", selector);

	if (json_object_size(selector) == 0)
		check_required(err, "", "spec.selector");
	if (!json_is_object(json_object_get(spec_of(obj), "template"))) {
		check_required(err, "", "spec.template");
		return check_result(err);
	}
	if (json_object_size(selector) > 0 && !check_selector_matches(wrapped, labels))
		check_fail_labels(err, labels, "`selector` does not match template `labels`", "spec.template.metadata.labels");
	pod_template_check(json_object_get(spec_of(obj), "template"), "spec", err);
	check_restart_policy(obj, err);
	return check_result(err);
}

const struct api_strategy STRATEGY_REPLICATION_CONTROLLER = {
	.generation = true,
	.unconditional_update = true,
	.decode = controller_decode,
	.validate = controller_validate,
};
