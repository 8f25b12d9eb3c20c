/* Roles and bindings: what Kubernetes' validation says of them. Who may write one is the authorizer's matter. */
#include "base/str.h"
#include "codec/go_format.h"
#include "builtin.h"
#include "kube/object.h"
#include "objects/invalid.h"
#include "objects/field_checks.h"

#include <string.h>

#define RBAC_GROUP "rbac.authorization.k8s.io"

static const char *or_empty(const char *s)
{
	return s ? s : "";
}

/* ---- roles ---- */

static void check_rule(const json_t *rule, size_t i, bool namespaced, struct err *err)
{
	const json_t *urls = json_object_get(rule, "nonResourceURLs"), *groups = json_object_get(rule, "apiGroups");
	const json_t *resources = json_object_get(rule, "resources");

	if (json_array_size(json_object_get(rule, "verbs")) == 0)
		check_required(err, "verbs must contain at least one value", "rules[%zu].verbs", i);
	if (json_array_size(urls) > 0) {
		if (namespaced)
			check_fail_strings(err, urls, "namespaced rules cannot apply to non-resource URLs",
			                   "rules[%zu].nonResourceURLs", i);
		if (json_array_size(groups) > 0 || json_array_size(resources) > 0 ||
		    json_array_size(json_object_get(rule, "resourceNames")) > 0)
			check_fail_strings(err, urls, "rules cannot apply to both regular resources and non-resource URLs",
			                   "rules[%zu].nonResourceURLs", i);
		return;
	}
	if (json_array_size(groups) == 0)
		check_required(err, "resource rules must supply at least one api group", "rules[%zu].apiGroups", i);
	if (json_array_size(resources) == 0)
		check_required(err, "resource rules must supply at least one resource", "rules[%zu].resources", i);
}

static void check_rules(const json_t *obj, bool namespaced, struct err *err)
{
	size_t i;
	json_t *rule;

	json_array_foreach (json_object_get(obj, "rules"), i, rule)
		check_rule(rule, i, namespaced, err);
}

static int role_validate(const json_t *obj, const json_t *old _unused_, struct err *err)
{
	check_rules(obj, true, err);
	return check_result(err);
}

static int cluster_role_validate(const json_t *obj, const json_t *old _unused_, struct err *err)
{
	const json_t *aggregation = json_object_get(obj, "aggregationRule");

	check_rules(obj, false, err);
	if (json_is_object(aggregation) && json_array_size(json_object_get(aggregation, "clusterRoleSelectors")) == 0)
		check_required(err, "at least one clusterRoleSelector required if aggregationRule is non-nil",
		               "aggregationRule.clusterRoleSelectors");
	return check_result(err);
}

/* ---- bindings ---- */

static void binding_decode(json_t *obj, json_t *dropped _unused_)
{
	json_t *role = json_object_get(obj, "roleRef"), *subject;
	size_t i;

	if (json_is_object(role) && str_empty(json_get_str(role, "apiGroup")))
		json_put_str(role, "apiGroup", RBAC_GROUP);
	json_array_foreach (json_object_get(obj, "subjects"), i, subject) {
		const char *kind = json_get_str(subject, "kind");
		if (str_empty(json_get_str(subject, "apiGroup")) && (str_eq(kind, "User") || str_eq(kind, "Group")))
			json_put_str(subject, "apiGroup", RBAC_GROUP);
	}
}

/* namespaced: of a RoleBinding, where a service account without a namespace is of the same one. */
static void check_subject(const json_t *subject, size_t i, bool namespaced, struct err *err)
{
	static const char *const CORE[] = { "", NULL }, *const OWN[] = { RBAC_GROUP, NULL },
							 *const KINDS[] = { "ServiceAccount", "User", "Group", NULL };
	const char *kind = or_empty(json_get_str(subject, "kind")), *group = or_empty(json_get_str(subject, "apiGroup"));

	if (strcmp(kind, "ServiceAccount") == 0) {
		check_one_of(err, group, CORE, "subjects[%zu].apiGroup", i);
		if (!namespaced && str_empty(json_get_str(subject, "namespace")))
			check_required(err, "", "subjects[%zu].namespace", i);
	} else if (strcmp(kind, "User") == 0 || strcmp(kind, "Group") == 0) {
		check_one_of(err, group, OWN, "subjects[%zu].apiGroup", i);
	} else {
		check_one_of(err, kind, KINDS, "subjects[%zu].kind", i);
	}
}

static void fail_role_ref(const json_t *role, struct err *err)
{
	static const struct {
		const char *go, *name;
	} MEMBERS[] = { { "APIGroup", "apiGroup" }, { "Kind", "kind" }, { "Name", "name" } };
	_cleanup_buf_ struct buf shown = BUF_INIT((size_t)64 * 1024);

	for (size_t i = 0; i < ARRAY_SIZE(MEMBERS); i++) {
		const char *v = or_empty(json_get_str(role, MEMBERS[i].name));
		buf_printf(&shown, "%s%s:", i ? ", " : "", MEMBERS[i].go);
		go_quote(v, strlen(v), 4096, &shown);
	}
	invalid_add(err, INVALID_VALUE, "roleRef", "Invalid value: rbac.RoleRef{%s}: cannot change roleRef",
	            buf_str(&shown));
}

static int check_binding(const json_t *obj, const json_t *old, const char *const *kinds, struct err *err)
{
	static const char *const OWN[] = { RBAC_GROUP, NULL };
	const json_t *role = json_object_get(obj, "roleRef");
	size_t i;
	json_t *subject;

	check_one_of(err, or_empty(json_get_str(role, "apiGroup")), OWN, "roleRef.apiGroup");
	check_one_of(err, or_empty(json_get_str(role, "kind")), kinds, "roleRef.kind");
	if (str_empty(json_get_str(role, "name")))
		check_required(err, "", "roleRef.name");
	json_array_foreach (json_object_get(obj, "subjects"), i, subject)
		check_subject(subject, i, kinds[1] != NULL, err);
	if (old && !json_same(role, json_object_get(old, "roleRef")))
		fail_role_ref(role, err);
	return check_result(err);
}

static int role_binding_validate(const json_t *obj, const json_t *old, struct err *err)
{
	static const char *const KINDS[] = { "Role", "ClusterRole", NULL };

	return check_binding(obj, old, KINDS, err);
}

static int cluster_role_binding_validate(const json_t *obj, const json_t *old, struct err *err)
{
	static const char *const KINDS[] = { "ClusterRole", NULL };

	return check_binding(obj, old, KINDS, err);
}

#define RBAC_RULES .create_on_update = true, .unconditional_update = true, .name_any = true

const struct api_strategy STRATEGY_ROLE = { RBAC_RULES, .validate = role_validate };
const struct api_strategy STRATEGY_CLUSTER_ROLE = {
	RBAC_RULES,
	.validate = cluster_role_validate,
};
const struct api_strategy STRATEGY_ROLE_BINDING = {
	RBAC_RULES,
	.decode = binding_decode,
	.validate = role_binding_validate,
};
const struct api_strategy STRATEGY_CLUSTER_ROLE_BINDING = {
	RBAC_RULES,
	.decode = binding_decode,
	.validate = cluster_role_binding_validate,
};
