/* Quotas and limit ranges (kubernetes/pkg/apis/core/validation). */
#include "base/quantity.h"
#include "base/str.h"
#include "builtin.h"
#include "kube/label_fault.h"
#include "kube/object.h"
#include "objects/field_checks.h"
#include "objects/invalid.h"

#include <string.h>

#define IN_OR_NOT_IN "must be at least one value when `operator` is 'In' or 'NotIn' for scope selector"
#define EXISTS "must be no value when `operator` is 'Exist' or 'DoesNotExist' for scope selector"
#define ONLY_EXISTS                                                                                          \
	"must be 'Exist' when scope is any of ResourceQuotaScopeTerminating, ResourceQuotaScopeNotTerminating, " \
	"ResourceQuotaScopeBestEffort, ResourceQuotaScopeNotBestEffort or ResourceQuotaScopeCrossNamespacePodAffinity"

/* ---- names of resources ---- */

/* What is counted comes first, then what a pod computes with, then the rest. */
static const char *const COUNTED[] = {
	"pods",       "resourcequotas",         "services",           "replicationcontrollers", "secrets",
	"configmaps", "persistentvolumeclaims", "services.nodeports", "services.loadbalancers", NULL
};
static const char *const COMPUTED[] = { "cpu",          "memory",          "limits.cpu", "limits.memory",
	                                    "requests.cpu", "requests.memory", NULL };
static const char *const STORED[] = { "ephemeral-storage", "requests.ephemeral-storage", "limits.ephemeral-storage",
	                                  "requests.storage", NULL };

static bool is_huge_page(const char *name)
{
	return str_starts_with(name, "hugepages-") || str_starts_with(name, "requests.hugepages-");
}

static bool is_of_quotas(const char *name)
{
	return str_in(name, COUNTED) || str_in(name, COMPUTED) || str_in(name, STORED) || is_huge_page(name);
}

/* A standard name, or one with a domain before it. */
static void check_resource(struct err *err, const char *name, const char *at)
{
	_cleanup_json_ json_t *shown = json_string(name);
	char **faults = kube_label_key_faults(name);
	bool qualified = !faults;

	check_faults(err, faults, shown, "%s", at);
	if (qualified && !strchr(name, '/') && !is_of_quotas(name) && strcmp(name, "storage") != 0)
		check_fail(err, shown, "must be a standard resource type or fully qualified", "%s", at);
}

/* ---- resourcequotas ---- */

/* Every write into the namespace is measured against them. */
#define HARD_MAX 1000

static void check_hard(const json_t *hard, struct err *err)
{
	const char *name;
	json_t *v;

	if (!check_at_most(err, json_object_size(hard), HARD_MAX, "spec.hard"))
		return;
	json_object_foreach (json_unconst(hard), name, v) {
		_cleanup_free_ char *at = xasprintf("spec.hard[%s]", name);
		_cleanup_json_ json_t *shown = json_string(name);
		int64_t milli = 0;
		check_resource(err, name, at);
		if (!strchr(name, '/') && !is_of_quotas(name))
			check_fail(err, shown, "must be a standard resource for quota", "%s", at);
		if (!json_is_string(v) || !quantity_parse_milli(json_string_value(v), &milli))
			continue;
		if (milli < 0)
			check_fail(err, v, "must be greater than or equal to 0", "%s", at);
		if (str_in(name, COUNTED) && milli % 1000 != 0)
			check_fail(err, v, "must be an integer", "%s", at);
	}
}

static bool is_scope(const char *scope)
{
	static const char *const SCOPES[] = { "Terminating",
		                                  "NotTerminating",
		                                  "BestEffort",
		                                  "NotBestEffort",
		                                  "PriorityClass",
		                                  "CrossNamespacePodAffinity",
		                                  "VolumeAttributesClass",
		                                  NULL };

	return str_in(scope, SCOPES);
}

/* Scopes choose among pods; those without requests have nothing to compute with. */
static bool scope_has(const char *scope, const char *resource)
{
	if (strcmp(scope, "VolumeAttributesClass") == 0)
		return strcmp(resource, "persistentvolumeclaims") == 0 || strcmp(resource, "requests.storage") == 0;
	if (!is_scope(scope) || strcmp(resource, "pods") == 0)
		return true;
	return strcmp(scope, "BestEffort") != 0 && str_in(resource, COMPUTED);
}

static bool scope_has_all(const char *scope, const json_t *hard)
{
	const char *name;
	json_t *v;

	json_object_foreach (json_unconst(hard), name, v)
		if (is_of_quotas(name) && !scope_has(scope, name))
			return false;
	return true;
}

/* As Go shows them. */
static void show_scopes(const json_t *scopes, struct buf *out)
{
	size_t i;
	json_t *item;

	buf_puts(out, "[]core.ResourceQuotaScope{");
	json_array_foreach (scopes, i, item)
		buf_printf(out, "%s\"%s\"", i ? ", " : "", json_string_value(item) ? json_string_value(item) : "");
	buf_putc(out, '}');
}

static void fail_scopes(const struct buf *shown, const char *detail, struct err *err)
{
	invalid_add(err, INVALID_VALUE, "spec.scopes", "Invalid value: %s: %s", buf_str(shown), detail);
}

static void check_scopes(const json_t *scopes, const json_t *hard, struct err *err)
{
	static const char *const EXCLUDE[][2] = { { "BestEffort", "NotBestEffort" }, { "Terminating", "NotTerminating" } };
	_cleanup_buf_ struct buf shown = BUF_INIT(4096);
	size_t i;
	json_t *item;

	show_scopes(scopes, &shown);
	json_array_foreach (scopes, i, item) {
		const char *scope = json_string_value(item) ? json_string_value(item) : "";
		if (!scope_has_all(scope, hard))
			fail_scopes(&shown, "unsupported scope applied to resource", err);
	}
	for (i = 0; i < ARRAY_SIZE(EXCLUDE); i++)
		if (json_has_str(scopes, EXCLUDE[i][0]) && json_has_str(scopes, EXCLUDE[i][1]))
			fail_scopes(&shown, "conflicting scopes", err);
}

static void check_requirement(const json_t *requirement, const json_t *hard, struct err *err)
{
	const char *scope = json_get_str(requirement, "scopeName"), *op = json_get_str(requirement, "operator");
	const json_t *values = json_object_get(requirement, "values");
	bool wants = str_eq(op, "In") || str_eq(op, "NotIn"),
		 chosen = str_eq(scope, "PriorityClass") || str_eq(scope, "VolumeAttributesClass");

	if (!scope || !op)
		return;
	if (!scope_has_all(scope, hard))
		check_fail(err, requirement, "unsupported scope applied to resource", "spec.scopeSelector.matchExpressions");
	if (is_scope(scope) && !chosen && strcmp(op, "Exists") != 0)
		check_fail(err, json_object_get(requirement, "operator"), ONLY_EXISTS,
		           "spec.scopeSelector.matchExpressions.operator");
	if (wants && json_array_size(values) == 0)
		check_required(err, IN_OR_NOT_IN, "spec.scopeSelector.matchExpressions.values");
	if (!wants && json_array_size(values) > 0)
		check_fail_strings(err, values, EXISTS, "spec.scopeSelector.matchExpressions.values");
}

static int quota_validate(const json_t *obj, const json_t *old, struct err *err)
{
	const json_t *hard = json_at(obj, "spec", "hard", NULL);
	size_t i;
	json_t *requirement;

	check_hard(hard, err);
	check_scopes(json_at(obj, "spec", "scopes", NULL), hard, err);
	json_array_foreach (json_at(obj, "spec", "scopeSelector", "matchExpressions", NULL), i, requirement)
		check_requirement(requirement, hard, err);
	if (old)
		check_immutable_field(err, json_at(obj, "spec", "scopes", NULL), json_at(old, "spec", "scopes", NULL),
		                      "spec.scopes");
	return check_result(err);
}

const struct api_strategy STRATEGY_RESOURCE_QUOTA = { .unconditional_update = true, .validate = quota_validate };

/* ---- limitranges ---- */

/* What `to` does not say yet is as in `from`. */
static void fill_from(json_t *limit, const char *to, const char *from)
{
	json_t *source = json_object_get(limit, from),
		   *target = json_object_size(source) ? json_ensure_object(limit, to) : NULL, *v;
	const char *name;

	json_object_foreach (source, name, v)
		if (!json_object_get(target, name))
			json_object_set(target, name, v);
}

static void limit_range_decode(json_t *obj, json_t *dropped _unused_)
{
	size_t i;
	json_t *limit;

	json_array_foreach (json_at(obj, "spec", "limits", NULL), i, limit) {
		if (!str_eq(json_get_str(limit, "type"), "Container"))
			continue;
		fill_from(limit, "default", "max");
		fill_from(limit, "defaultRequest", "default");
		fill_from(limit, "defaultRequest", "min");
	}
}

/* One rule: the lesser must not be above the greater, for each resource that both name. */
struct order {
	const char *low, *high; /* members of a limit */
	const char *at;         /* the member the fault is told of, */
	const char *shown;      /* and the one whose value it shows */
	const char *names[2];   /* what they are called there */
};

static const struct order ORDERS[] = {
	{ "min", "max", "min", "min", { "min", "max" } },
	{ "min", "defaultRequest", "defaultRequest", "defaultRequest", { "min", "default request" } },
	{ "defaultRequest", "max", "defaultRequest", "defaultRequest", { "default request", "max" } },
	{ "defaultRequest", "default", "defaultRequest", "defaultRequest", { "default request", "default limit" } },
	{ "min", "default", "default", "min", { "min", "default" } },
	{ "default", "max", "default", "max", { "default", "max" } },
};

static void check_order(const json_t *limit, size_t i, const struct order *o, struct err *err)
{
	const json_t *lows = json_object_get(limit, o->low), *highs = json_object_get(limit, o->high);
	const char *name;
	json_t *v;

	json_object_foreach (json_unconst(lows), name, v) {
		const char *a = json_string_value(v), *b = json_get_str(highs, name);
		int64_t below, above;
		if (!a || !b || !quantity_parse_milli(a, &below) || !quantity_parse_milli(b, &above) || below <= above)
			continue;
		_cleanup_free_ char *detail = xasprintf("%s value %s is greater than %s value %s", o->names[0], a, o->names[1],
		                                        b);
		check_fail(err, json_object_get(json_object_get(limit, o->shown), name), detail, "spec.limits[%zu].%s[%s]", i,
		           o->at, name);
	}
}

static void check_ratios(const json_t *limit, size_t i, struct err *err)
{
	const char *name;
	json_t *v;

	json_object_foreach (json_object_get(limit, "maxLimitRequestRatio"), name, v) {
		const char *text = json_string_value(v);
		int64_t milli;
		if (!text || !quantity_parse_milli(text, &milli) || milli >= 1000)
			continue;
		_cleanup_free_ char *detail = xasprintf("ratio %s is less than 1", text);
		check_fail(err, v, detail, "spec.limits[%zu].maxLimitRequestRatio[%s]", i, name);
	}
}

static void check_names(const json_t *limit, size_t i, bool pod, struct err *err)
{
	static const char *const MEMBERS[] = { "max", "min", "maxLimitRequestRatio", "default", "defaultRequest" };
	const char *name;
	json_t *v;

	for (size_t k = 0; k < ARRAY_SIZE(MEMBERS) - (pod ? 2 : 0); k++)
		json_object_foreach (json_object_get(limit, MEMBERS[k]), name, v) {
			_cleanup_free_ char *at = xasprintf("spec.limits[%zu].%s[%s]", i, MEMBERS[k], name);
			check_resource(err, name, at);
		}
}

static void check_type(const json_t *limit, size_t i, struct map *seen, struct err *err)
{
	static const char *const TYPES[] = { "Pod", "Container", "PersistentVolumeClaim", NULL };
	const char *type = json_get_str(limit, "type") ? json_get_str(limit, "type") : "";
	_cleanup_free_ char *field = xasprintf("spec.limits[%zu].type", i);

	if (*type && !strchr(type, '/') && !str_in(type, TYPES))
		check_fail(err, json_object_get(limit, "type"), "must be a standard limit type or fully qualified", "%s",
		           field);
	if (*type && !map_add(seen, type))
		invalid_add(err, INVALID_DUPLICATE, field, "Duplicate value: \"%s\"", type);
}

static void check_limit(const json_t *limit, size_t i, struct err *err)
{
	static const char *const DEFAULTS[] = { "default", "defaultRequest" };
	bool pod = str_eq(json_get_str(limit, "type"), "Pod");

	check_names(limit, i, pod, err);
	for (size_t k = 0; pod && k < ARRAY_SIZE(DEFAULTS); k++)
		if (json_object_size(json_object_get(limit, DEFAULTS[k])) > 0)
			check_forbidden(err, "may not be specified when `type` is 'Pod'", "spec.limits[%zu].%s", i, DEFAULTS[k]);
	if (str_eq(json_get_str(limit, "type"), "PersistentVolumeClaim") && !json_at(limit, "min", "storage", NULL) &&
	    !json_at(limit, "max", "storage", NULL))
		check_required(err, "either minimum or maximum storage value is required, but neither was provided",
		               "spec.limits[%zu].limits", i);
	for (size_t k = 0; k < ARRAY_SIZE(ORDERS); k++)
		check_order(limit, i, &ORDERS[k], err);
	check_ratios(limit, i, err);
}

static int limit_range_validate(const json_t *obj, const json_t *old _unused_, struct err *err)
{
	_cleanup_(map_freep) struct map *seen = map_new(NULL);
	size_t i;
	json_t *limit;

	json_array_foreach (json_at(obj, "spec", "limits", NULL), i, limit) {
		check_type(limit, i, seen, err);
		check_limit(limit, i, err);
	}
	return check_result(err);
}

const struct api_strategy STRATEGY_LIMIT_RANGE = {
	.create_on_update = true,
	.unconditional_update = true,
	.decode = limit_range_decode,
	.validate = limit_range_validate,
};
