/* Disruption budgets, autoscalers and priorities. */
#include "base/str.h"
#include "builtin.h"
#include "kube/object.h"
#include "objects/invalid.h"
#include "objects/field_checks.h"

#include <string.h>

static json_t *spec_of(const json_t *obj)
{
	return json_object_get(obj, "spec");
}

/* ---- poddisruptionbudgets, priorityclasses ---- */

static int budget_validate(const json_t *obj, const json_t *old _unused_, struct err *err)
{
	const json_t *spec = spec_of(obj);

	if (json_object_get(spec, "minAvailable") && json_object_get(spec, "maxUnavailable"))
		check_fail(err, spec, "minAvailable and maxUnavailable cannot be both set", "spec");
	return check_result(err);
}

const struct api_strategy STRATEGY_DISRUPTION_BUDGET = { .generation = true, .validate = budget_validate };

#define PRIORITY_MAX 1000000000

static int priority_class_validate(const json_t *obj, const json_t *old, struct err *err)
{
	static const char *const FIXED[] = { "value", "preemptionPolicy" };

	if (json_get_int(obj, "value", 0) > PRIORITY_MAX && !str_starts_with(kube_name(obj), "system-"))
		invalid_add(err, INVALID_FORBIDDEN, "value",
		            "Forbidden: maximum allowed value of a user defined priority is %d", PRIORITY_MAX);
	for (size_t i = 0; old && i < ARRAY_SIZE(FIXED); i++)
		if (!json_same(json_object_get(obj, FIXED[i]), json_object_get(old, FIXED[i])))
			invalid_add(err, INVALID_FORBIDDEN, FIXED[i], "Forbidden: may not be changed in an update.");
	return check_result(err);
}

const struct api_strategy STRATEGY_PRIORITY_CLASS = {
	.generation = true,
	.unconditional_update = true,
	.validate = priority_class_validate,
};

/* ---- horizontalpodautoscalers: stored as v2, seen as v1 too ---- */

#define METRICS_NOTE "autoscaling.alpha.kubernetes.io/metrics"
#define BEHAVIOR_NOTE "autoscaling.alpha.kubernetes.io/behavior"
#define CPU_PERCENT 80

static bool is_cpu_utilization(const json_t *metric)
{
	return str_eq(json_get_str(metric, "type"), "Resource") &&
	       str_eq(json_str_at(metric, "resource", "name", NULL), "cpu") &&
	       json_is_integer(json_at(metric, "resource", "target", "averageUtilization", NULL));
}

static json_t *cpu_metric(json_t *percent)
{
	return json_pack("{s:s,s:{s:s,s:{s:s,s:O}}}", "type", "Resource", "resource", "name", "cpu", "target", "type",
	                 "Utilization", "averageUtilization", percent);
}

/* What v1 cannot say goes into annotations, as Kubernetes keeps it. */
static void note(json_t *obj, const char *key, const json_t *value)
{
	_cleanup_free_ char *text = json_to_str(value);

	json_put_str(json_ensure_object(json_ensure_object(obj, "metadata"), "annotations"), key, text);
}

static json_t *take_note(json_t *obj, const char *key)
{
	json_t *notes = json_object_get(json_object_get(obj, "metadata"), "annotations");
	const char *text = json_get_str(notes, key);
	json_t *v = text ? json_parse(text, strlen(text), 0, NULL) : NULL;

	json_object_del(notes, key);
	if (notes && json_object_size(notes) == 0)
		json_object_del(json_object_get(obj, "metadata"), "annotations");
	return v;
}

void autoscaler_to_v1(json_t *obj)
{
	json_t *spec = spec_of(obj), *metric, *others = json_array();
	size_t i;

	json_array_foreach (json_object_get(spec, "metrics"), i, metric) {
		if (is_cpu_utilization(metric) && !json_object_get(spec, "targetCPUUtilizationPercentage"))
			json_object_set(spec, "targetCPUUtilizationPercentage",
			                json_at(metric, "resource", "target", "averageUtilization", NULL));
		else
			json_array_append(others, metric);
	}
	json_object_del(spec, "metrics");
	if (json_array_size(others) > 0)
		note(obj, METRICS_NOTE, others);
	json_decref(others);
	if (json_is_object(json_object_get(spec, "behavior")))
		note(obj, BEHAVIOR_NOTE, json_object_get(spec, "behavior"));
	json_object_del(spec, "behavior");
	json_object_del(json_object_get(obj, "status"), "currentMetrics");
	json_object_del(json_object_get(obj, "status"), "conditions");
}

void autoscaler_from_v1(json_t *obj)
{
	json_t *spec = spec_of(obj), *percent = json_object_get(spec, "targetCPUUtilizationPercentage");
	json_t *metrics = take_note(obj, METRICS_NOTE), *behavior = take_note(obj, BEHAVIOR_NOTE);

	if (!json_is_array(metrics)) {
		json_decref(metrics);
		metrics = json_array();
	}
	if (json_is_integer(percent))
		json_array_insert_new(metrics, 0, cpu_metric(percent));
	json_object_del(spec, "targetCPUUtilizationPercentage");
	if (json_array_size(metrics) > 0)
		json_object_set(spec, "metrics", metrics);
	json_decref(metrics);
	if (json_is_object(behavior))
		json_object_set(spec, "behavior", behavior);
	json_decref(behavior);
	json_object_del(json_object_get(obj, "status"), "currentCPUUtilizationPercentage");
}

static void default_rules(json_t *behavior, const char *direction, json_t *policies, int64_t window)
{
	_cleanup_json_ json_t *usual = policies;
	json_t *rules = json_ensure_object(behavior, direction);

	if (!json_object_get(rules, "selectPolicy"))
		json_put_str(rules, "selectPolicy", "Max");
	if (!json_object_get(rules, "policies"))
		json_object_set(rules, "policies", usual);
	if (window >= 0 && !json_object_get(rules, "stabilizationWindowSeconds"))
		json_put_int(rules, "stabilizationWindowSeconds", window);
}

/* Up at once, by four pods or to twice as many; down as far as the metrics allow, after a time that is left open. */
static void default_behavior(json_t *behavior)
{
	if (!json_is_object(behavior))
		return;
	default_rules(behavior, "scaleUp",
	              json_pack("[{s:s,s:i,s:i},{s:s,s:i,s:i}]", "type", "Pods", "value", 4, "periodSeconds", 15, "type",
	                        "Percent", "value", 100, "periodSeconds", 15),
	              0);
	default_rules(behavior, "scaleDown",
	              json_pack("[{s:s,s:i,s:i}]", "type", "Percent", "value", 100, "periodSeconds", 15), -1);
}

/* In v2; v1 gets there through the other. */
static void autoscaler_decode(json_t *obj, json_t *dropped _unused_)
{
	json_t *spec = spec_of(obj);

	default_behavior(json_object_get(spec, "behavior"));
	if (!str_eq(json_get_str(obj, "apiVersion"), "autoscaling/v2") ||
	    json_array_size(json_object_get(spec, "metrics")) > 0)
		return;
	_cleanup_json_ json_t *percent = json_integer(CPU_PERCENT);
	json_put(spec, "metrics", json_pack("[o]", cpu_metric(percent)));
}

static int autoscaler_validate(const json_t *obj, const json_t *old _unused_, struct err *err)
{
	const json_t *spec = spec_of(obj), *most = json_object_get(spec, "maxReplicas");
	int64_t min = json_get_int(spec, "minReplicas", 1);

	if (min < 1)
		check_fail(err, json_object_get(spec, "minReplicas"), "must be greater than or equal to 1", "spec.minReplicas");
	if (json_int(most, 0) < 1)
		check_fail(err, most, "must be greater than 0", "spec.maxReplicas");
	if (json_int(most, 0) < min)
		check_fail(err, most, "must be greater than or equal to `minReplicas`", "spec.maxReplicas");
	return check_result(err);
}

const struct api_strategy STRATEGY_AUTOSCALER = {
	.unconditional_update = true,
	.decode = autoscaler_decode,
	.validate = autoscaler_validate,
};
