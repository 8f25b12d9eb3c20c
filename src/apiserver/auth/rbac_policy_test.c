/* The default roles: what the file says, and what a start gives back and what it leaves alone. */
#include "rbac_policy.h"

#include "base/str.h"
#include "kube/object.h"

#include <setjmp.h> /* before cmocka.h, which wants them */
#include <cmocka.h>

static json_t *find(const json_t *objects, const char *section, const char *name)
{
	size_t i;
	json_t *obj;

	json_array_foreach (json_object_get(objects, section), i, obj)
		if (strcmp(kube_name(obj), name) == 0)
			return obj;
	fail_msg("%s has no %s", section, name);
	return NULL;
}

static void test_file(void **state)
{
	(void)state;
	_cleanup_err_ struct err err = { 0 };
	_cleanup_json_ json_t *objects = rbac_policy_objects(&err);

	assert_non_null(objects);
	const json_t *admin = find(objects, "clusterRoles", "admin"), *edit = find(objects, "clusterRoles", "edit");
	const json_t *selectors = json_at(admin, "aggregationRule", "clusterRoleSelectors", NULL);
	assert_string_equal(
		json_str_at(json_array_get(selectors, 0), "matchLabels", "rbac.authorization.k8s.io/aggregate-to-admin", NULL),
		"true");
	assert_string_equal(kube_label(edit, "rbac.authorization.k8s.io/aggregate-to-admin"), "true");
	const json_t *gc = find(objects, "clusterRoleBindings", "system:controller:generic-garbage-collector");
	const json_t *subject = json_array_get(json_object_get(gc, "subjects"), 0);
	assert_string_equal(json_get_str(subject, "kind"), "ServiceAccount");
	assert_string_equal(json_get_str(subject, "namespace"), "kube-system");
	assert_string_equal(json_str_at(gc, "roleRef", "name", NULL), "system:controller:generic-garbage-collector");
	/* Whatever is bound exists. */
	size_t i;
	json_t *binding;
	json_array_foreach (json_object_get(objects, "clusterRoleBindings"), i, binding)
		find(objects, "clusterRoles", json_str_at(binding, "roleRef", "name", NULL));
	json_array_foreach (json_object_get(objects, "roleBindings"), i, binding)
		find(objects, "roles", json_str_at(binding, "roleRef", "name", NULL));
}

static void test_reconcile(void **state)
{
	(void)state;
	_cleanup_err_ struct err err = { 0 };
	_cleanup_json_ json_t *objects = rbac_policy_objects(&err);
	const json_t *wanted = find(objects, "clusterRoles", "system:basic-user");
	const json_t *binding = find(objects, "clusterRoleBindings", "system:discovery");

	assert_null(rbac_policy_reconcile(wanted, wanted));
	assert_null(rbac_policy_reconcile(binding, binding));

	_cleanup_json_ json_t *changed = json_clone(wanted);
	json_t *rules = json_object_get(changed, "rules");
	json_array_clear(rules);
	json_array_append_new(rules, json_pack("{s:[s],s:[s],s:[s]}", "apiGroups", "x", "resources", "y", "verbs", "get"));
	_cleanup_json_ json_t *back = rbac_policy_reconcile(changed, wanted);
	assert_non_null(back);
	assert_int_equal(json_array_size(json_object_get(back, "rules")), 4); /* one of the user's own, three resources' */
	assert_null(rbac_policy_reconcile(back, wanted));

	kube_set_annotation(changed, "rbac.authorization.kubernetes.io/autoupdate", "false");
	assert_null(rbac_policy_reconcile(changed, wanted));

	_cleanup_json_ json_t *unbound = json_clone(binding);
	json_array_clear(json_object_get(unbound, "subjects"));
	_cleanup_json_ json_t *bound = rbac_policy_reconcile(unbound, binding);
	assert_int_equal(json_array_size(json_object_get(bound, "subjects")), 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_file),
		cmocka_unit_test(test_reconcile),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
