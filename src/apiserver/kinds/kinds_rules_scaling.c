/* Horizontal pod autoscalers. */
#include "base/quantity.h"
#include "base/str.h"
#include "kinds_rules.h"
#include "objects/field_checks.h"

/* ---- metrics ---- */

static const struct {
	const char *type, *member;
} SOURCES[] = {
	{ "Object", "object" },
	{ "External", "external" },
	{ "Pods", "pods" },
	{ "Resource", "resource" },
	{ "ContainerResource", "containerResource" },
};

static const char *member_of(const char *type)
{
	for (size_t i = 0; type && i < ARRAY_SIZE(SOURCES); i++)
		if (str_eq(type, SOURCES[i].type))
			return SOURCES[i].member;
	return NULL;
}

void kinds_rule_metric_spec(const json_t *obj, const char *at, struct err *err)
{
	static const char *const TYPES[] = { "ContainerResource", "External", "Object", "Pods", "Resource", NULL };
	const char *type = json_get_str(obj, "type"), *expected = member_of(type);
	size_t present = 0;

	if (str_empty(type))
		check_required(err, "must specify a metric source type", "%s.type", at);
	/* Kubernetes looks twice. */
	for (int i = 0; !expected && i < 2; i++)
		check_one_of(err, type ? type : "", TYPES, "%s.type", at);
	if (expected && !json_object_get(obj, expected))
		check_required(err, "must populate information for the given metric source", "%s.%s", at, expected);
	for (size_t i = 0; i < ARRAY_SIZE(SOURCES); i++)
		present += json_object_get(obj, SOURCES[i].member) != NULL;
	for (size_t i = 0; present > 1 && i < ARRAY_SIZE(SOURCES); i++)
		if (json_object_get(obj, SOURCES[i].member) && !str_eq(SOURCES[i].member, expected))
			check_forbidden(err, "must populate the given metric source only", "%s.%s", at, SOURCES[i].member);
}

static void check_positive(const json_t *target, const char *key, const char *at, struct err *err)
{
	const json_t *v = json_object_get(target, key);
	int64_t milli;

	if (json_is_string(v) && quantity_parse_milli(json_string_value(v), &milli) && milli <= 0)
		check_fail(err, v, "must be positive", "%s.%s", at, key);
}

void kinds_rule_metric_target(const json_t *obj, const char *at, struct err *err)
{
	static const char *const TYPES[] = { "Utilization", "Value", "AverageValue", NULL };
	const char *type = json_get_str(obj, "type");
	const json_t *share = json_object_get(obj, "averageUtilization");

	if (str_empty(type))
		check_required(err, "must specify a metric target type", "%s.type", at);
	if (!str_in(type ? type : "", TYPES)) {
		_cleanup_json_ json_t *shown = json_string(type ? type : "");
		check_fail(err, shown, "must be either Utilization, Value, or AverageValue", "%s.type", at);
	}
	check_positive(obj, "value", at, err);
	check_positive(obj, "averageValue", at, err);
	if (json_is_integer(share) && json_integer_value(share) < 1)
		check_fail(err, share, "must be greater than 0", "%s.averageUtilization", at);
}

static bool says(const json_t *source, const char *key)
{
	return json_at(source, "target", key, NULL) != NULL;
}

void kinds_rule_metric_object(const json_t *obj, const char *at, struct err *err)
{
	if (!says(obj, "value") && !says(obj, "averageValue"))
		check_required(err, "must set either a target value or averageValue", "%s.target.averageValue", at);
}

void kinds_rule_metric_external(const json_t *obj, const char *at, struct err *err)
{
	if (!says(obj, "value") && !says(obj, "averageValue"))
		check_required(err, "must set either a target value for metric or a per-pod target", "%s.target.averageValue",
		               at);
	else if (says(obj, "value") && says(obj, "averageValue"))
		check_forbidden(err, "may not set both a target value for metric and a per-pod target", "%s.target.value", at);
}

void kinds_rule_metric_pods(const json_t *obj, const char *at, struct err *err)
{
	if (!says(obj, "averageValue"))
		check_required(err, "must specify a positive target averageValue", "%s.target.averageValue", at);
}

void kinds_rule_metric_resource(const json_t *obj, const char *at, struct err *err)
{
	if (!says(obj, "averageUtilization") && !says(obj, "averageValue"))
		check_required(err, "must set either a target raw value or a target utilization",
		               "%s.target.averageUtilization", at);
	else if (says(obj, "averageUtilization") && says(obj, "averageValue"))
		check_forbidden(err, "may not set both a target raw value and a target utilization", "%s.target.averageValue",
		                at);
}

/* ---- behavior ---- */

#define WINDOW_SECONDS_MAX 3600
#define PERIOD_SECONDS_MAX 1800

static void check_policy(const json_t *policy, const char *at, size_t i, struct err *err)
{
	static const char *const TYPES[] = { "Percent", "Pods", NULL };
	const char *type = json_get_str(policy, "type");
	const json_t *period = json_object_get(policy, "periodSeconds");

	check_one_of(err, type ? type : "", TYPES, "%s.policies[%zu].type", at, i);
	if (json_get_int(policy, "value", 0) <= 0)
		check_fail(err, json_object_get(policy, "value"), "must be greater than zero", "%s.policies[%zu].value", at, i);
	if (json_int(period, 0) <= 0)
		check_fail(err, period, "must be greater than zero", "%s.policies[%zu].periodSeconds", at, i);
	if (json_int(period, 0) > PERIOD_SECONDS_MAX)
		check_fail(err, period, "must be less than or equal to 1800", "%s.policies[%zu].periodSeconds", at, i);
}

void kinds_rule_scaling_rules(const json_t *obj, const char *at, struct err *err)
{
	static const char *const SELECTIONS[] = { "Disabled", "Max", "Min", NULL };
	const json_t *window = json_object_get(obj, "stabilizationWindowSeconds");
	const char *select = json_get_str(obj, "selectPolicy");
	size_t i;
	json_t *policy;

	if (json_int(window, 0) < 0)
		check_fail(err, window, "must be greater than or equal to zero", "%s.stabilizationWindowSeconds", at);
	if (json_int(window, 0) > WINDOW_SECONDS_MAX)
		check_fail(err, window, "must be less than or equal to 3600", "%s.stabilizationWindowSeconds", at);
	if (select)
		check_one_of(err, select, SELECTIONS, "%s.selectPolicy", at);
	if (json_array_size(json_object_get(obj, "policies")) == 0)
		check_required(err, "must specify at least one Policy", "%s.policies", at);
	json_array_foreach (json_object_get(obj, "policies"), i, policy)
		check_policy(policy, at, i, err);
}
