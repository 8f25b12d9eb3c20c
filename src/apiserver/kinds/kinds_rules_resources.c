/* What containers and claims ask for. */
#include "base/quantity.h"
#include "base/str.h"
#include "kinds_rules.h"
#include "kube/label_fault.h"
#include "objects/field_checks.h"

#include <string.h>

/* ---- names of resources ---- */

static bool is_huge_pages(const char *name)
{
	return str_starts_with(name, "hugepages-");
}

static bool is_native(const char *name)
{
	return !strchr(name, '/') || strstr(name, "kubernetes.io/");
}

/* What a quota can name without a domain. */
static bool is_standard(const char *name)
{
	static const char *const NAMES[] = { "cpu",
		                                 "memory",
		                                 "ephemeral-storage",
		                                 "storage",
		                                 "requests.cpu",
		                                 "requests.memory",
		                                 "requests.ephemeral-storage",
		                                 "requests.storage",
		                                 "limits.cpu",
		                                 "limits.memory",
		                                 "limits.ephemeral-storage",
		                                 "pods",
		                                 "resourcequotas",
		                                 "services",
		                                 "services.nodeports",
		                                 "services.loadbalancers",
		                                 "replicationcontrollers",
		                                 "secrets",
		                                 "configmaps",
		                                 "persistentvolumeclaims",
		                                 NULL };

	return str_in(name, NAMES) || is_huge_pages(name) || str_starts_with(name, "requests.hugepages-");
}

static bool is_for_containers(const char *name)
{
	static const char *const NAMES[] = { "cpu", "memory", "ephemeral-storage", NULL };

	return str_in(name, NAMES) || is_huge_pages(name);
}

static bool is_extended(const char *name)
{
	_cleanup_free_ char *requested = xasprintf("requests.%s", name);

	if (is_native(name) || str_starts_with(name, "requests."))
		return false;
	_cleanup_strv_ char **faults = kube_label_key_faults(requested);
	return faults == NULL;
}

static void check_name(const char *name, const char *field, struct err *err)
{
	_cleanup_json_ json_t *shown = json_string(name);
	char **faults = kube_label_key_faults(name);

	if (!faults && !strchr(name, '/') && !is_standard(name))
		check_fail(err, shown, "must be a standard resource type or fully qualified", "%s", field);
	check_faults(err, faults, shown, "%s", field);
	if (!strchr(name, '/') && !is_for_containers(name))
		check_fail(err, shown, "must be a standard resource for containers", "%s", field);
	else if (!is_native(name) && !is_extended(name))
		check_fail(err, shown, "doesn't follow extended resource name standard", "%s", field);
}

/* ---- quantities ---- */

static bool milli_of(const json_t *quantity, int64_t *ret)
{
	return json_is_string(quantity) && quantity_parse_milli(json_string_value(quantity), ret);
}

static void check_quantity(const char *name, const json_t *quantity, const char *field, struct err *err)
{
	int64_t milli;

	if (!milli_of(quantity, &milli))
		return;
	if (milli < 0)
		check_fail(err, quantity, "must be greater than or equal to 0", "%s", field);
	if (milli % 1000 != 0 && is_extended(name))
		check_fail(err, quantity, "must be an integer", "%s", field);
}

static void check_list(const json_t *list, const char *at, struct err *err)
{
	const char *name;
	json_t *quantity;

	json_object_foreach (json_unconst(list), name, quantity) {
		_cleanup_free_ char *field = xasprintf("%s[%s]", at, name);
		check_name(name, field, err);
		check_quantity(name, quantity, field, err);
	}
}

/* What is requested of a resource, against its limit. */
static void check_request(const char *name, const json_t *request, const json_t *limit, const char *at, struct err *err)
{
	bool overcommit = is_native(name) && !is_huge_pages(name);
	int64_t wanted, most;

	if (!limit) {
		if (!overcommit)
			check_required(err, "Limit must be set for non overcommitable resources", "%s.limits", at);
		return;
	}
	if (!milli_of(request, &wanted) || !milli_of(limit, &most) || wanted == most || (overcommit && wanted < most))
		return;
	_cleanup_free_ char *detail = xasprintf("must be %s %s limit", overcommit ? "less than or equal to" : "equal to",
	                                        name);
	check_fail(err, request, detail, "%s.requests", at);
}

void kinds_rule_resources(const json_t *obj, const char *at, struct err *err)
{
	const json_t *limits = json_object_get(obj, "limits"), *requests = json_object_get(obj, "requests");
	_cleanup_free_ char *limits_at = xasprintf("%s.limits", at), *requests_at = xasprintf("%s.requests", at);
	const char *name;
	json_t *request;

	check_list(limits, limits_at, err);
	check_list(requests, requests_at, err);
	json_object_foreach (json_unconst(requests), name, request)
		check_request(name, request, json_object_get(limits, name), at, err);
}

/* ---- claims ---- */

static void check_source(const json_t *source, const char *at, const char *name, struct err *err)
{
	const char *group = json_get_str(source, "apiGroup"), *kind = json_get_str(source, "kind");
	_cleanup_json_ json_t *shown = json_string(kind ? kind : "");

	if (json_is_object(source) && str_empty(group) && !str_eq(kind, "PersistentVolumeClaim"))
		check_fail(err, shown, "must be 'PersistentVolumeClaim' when referencing the default apiGroup", "%s.%s", at,
		           name);
}

void kinds_rule_claim_spec(const json_t *obj, const char *at, struct err *err)
{
	const json_t *modes = json_object_get(obj, "accessModes"),
				 *storage = json_at(obj, "resources", "requests", "storage", NULL);
	int64_t milli;

	if (json_array_size(modes) == 0)
		check_required(err, "at least 1 access mode is required", "%s.accessModes", at);
	if (json_array_size(modes) > 1 && json_has_str(modes, "ReadWriteOncePod"))
		check_forbidden(err, "may not use ReadWriteOncePod with other access modes", "%s.accessModes", at);
	if (!storage)
		check_required(err, "", "%s.resources[storage]", at);
	else if (milli_of(storage, &milli) && milli <= 0)
		check_fail(err, storage, "must be greater than zero", "%s.resources[storage]", at);
	check_source(json_object_get(obj, "dataSource"), at, "dataSource", err);
	check_source(json_object_get(obj, "dataSourceRef"), at, "dataSourceRef", err);
}
