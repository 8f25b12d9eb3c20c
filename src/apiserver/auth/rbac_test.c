/* The index of roles and bindings: who is granted what, where, and how an answer is explained. */
#include "rbac.h"

#include "base/str.h"

#include <setjmp.h> /* before cmocka.h, which wants them */
#include <cmocka.h>

static json_t *value_of(const char *text)
{
	_cleanup_err_ struct err err = { 0 };
	json_t *v = json_parse(text, strlen(text), 0, &err);

	if (!v)
		fail_msg("%s: %s", text, err_message(&err));
	return v;
}

static void put_role(struct rbac *r, const char *ns, const char *name, const char *verbs, const char *resources)
{
	_cleanup_free_ char *text = xasprintf("{\"rules\":[{\"apiGroups\":[\"\"],\"verbs\":[%s],\"resources\":[%s]}]}",
	                                      verbs, resources);
	_cleanup_json_ json_t *obj = value_of(text);

	rbac_put_role(r, ns, name, obj);
}

static void put_binding(struct rbac *r, const char *ns, const char *name, const char *kind, const char *role,
                        const char *subjects)
{
	_cleanup_free_ char *text = xasprintf("{\"roleRef\":{\"kind\":\"%s\",\"name\":\"%s\"},\"subjects\":[%s]}", kind,
	                                      role, subjects);
	_cleanup_json_ json_t *obj = value_of(text);

	rbac_put_binding(r, ns, name, obj);
}

#define USER(name) "{\"kind\":\"User\",\"name\":\"" name "\"}"
#define GROUP(name) "{\"kind\":\"Group\",\"name\":\"" name "\"}"
#define ACCOUNT(ns, name) "{\"kind\":\"ServiceAccount\",\"namespace\":\"" ns "\",\"name\":\"" name "\"}"
#define LOCAL_ACCOUNT(name) "{\"kind\":\"ServiceAccount\",\"name\":\"" name "\"}"

static bool allowed(struct rbac *r, const char *name, const char *group, const char *verb, const char *ns,
                    const char *resource, char **ret_reason)
{
	char *groups[] = { (char *)(uintptr_t)group, NULL };
	const struct auth_user user = { .name = (char *)(uintptr_t)name, .groups = group ? groups : NULL };
	const struct auth_attributes a = { .verb = verb,
		                               .group = "",
		                               .version = "v1",
		                               .resource = resource,
		                               .subresource = "",
		                               .ns = ns,
		                               .name = "",
		                               .path = "" };

	return rbac_allow(r, &user, &a, ret_reason);
}

static void test_scopes_and_subjects(void **state)
{
	(void)state;
	struct rbac *r = rbac_new();
	static const struct {
		const char *why, *user, *group, *verb, *ns, *resource;
		bool allowed;
	} cases[] = {
		{ "by the cluster's binding, in any namespace", "ann", NULL, "get", "b", "pods", true },
		{ "by the cluster's binding, for the cluster", "ann", NULL, "get", "", "pods", true },
		{ "by a namespace's binding of a cluster role", "bob", NULL, "get", "a", "pods", true },
		{ "not in another namespace", "bob", NULL, "get", "b", "pods", false },
		{ "not for the cluster", "bob", NULL, "get", "", "pods", false },
		{ "a group", "cyd", "devs", "list", "a", "secrets", true },
		{ "a group is not a user", "devs", NULL, "list", "a", "secrets", false },
		{ "a user is not a group", "x", "bob", "get", "a", "pods", false },
		{ "a service account of the binding's namespace", "system:serviceaccount:a:robot", NULL, "list", "a", "secrets",
		  true },
		{ "not one of the same name elsewhere", "system:serviceaccount:b:robot", NULL, "list", "a", "secrets", false },
		{ "a service account of another namespace", "system:serviceaccount:c:far", NULL, "list", "a", "secrets", true },
		{ "a cluster binding's account needs a namespace", "system:serviceaccount::lost", NULL, "get", "a", "pods",
		  false },
		{ "a role of a namespace is nothing for the cluster", "eve", NULL, "list", "a", "secrets", false },
		{ "nobody", "zoe", "none", "get", "a", "pods", false },
	};

	put_role(r, "", "reader", "\"get\"", "\"pods\"");
	put_role(r, "a", "secrets", "\"list\"", "\"secrets\"");
	put_binding(r, "", "readers", "ClusterRole", "reader", USER("ann") "," LOCAL_ACCOUNT("lost"));
	put_binding(r, "a", "readers", "ClusterRole", "reader", USER("bob"));
	put_binding(r, "a", "secrets", "Role", "secrets", GROUP("devs") "," LOCAL_ACCOUNT("robot") "," ACCOUNT("c", "far"));
	put_binding(r, "", "wrong", "Role", "secrets", USER("eve"));
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++)
		if (allowed(r, cases[i].user, cases[i].group, cases[i].verb, cases[i].ns, cases[i].resource, NULL) !=
		    cases[i].allowed)
			fail_msg("%s: wrong answer", cases[i].why);
	rbac_free(r);
}

static void test_changes_count_at_once(void **state)
{
	(void)state;
	struct rbac *r = rbac_new();

	put_binding(r, "a", "b", "Role", "x", USER("ann") "," USER("bob"));
	assert_false(allowed(r, "ann", NULL, "get", "a", "pods", NULL));
	put_role(r, "a", "x", "\"get\"", "\"pods\""); /* the role comes after its binding */
	assert_true(allowed(r, "ann", NULL, "get", "a", "pods", NULL));
	put_binding(r, "a", "b", "Role", "x", USER("bob"));
	assert_false(allowed(r, "ann", NULL, "get", "a", "pods", NULL));
	assert_true(allowed(r, "bob", NULL, "get", "a", "pods", NULL));
	put_role(r, "a", "x", "\"list\"", "\"pods\"");
	assert_false(allowed(r, "bob", NULL, "get", "a", "pods", NULL));
	rbac_put_role(r, "a", "x", NULL);
	assert_false(allowed(r, "bob", NULL, "list", "a", "pods", NULL));
	put_role(r, "a", "x", "\"*\"", "\"*\"");
	assert_true(allowed(r, "bob", NULL, "list", "a", "pods", NULL));
	rbac_put_binding(r, "a", "b", NULL);
	assert_false(allowed(r, "bob", NULL, "list", "a", "pods", NULL));
	rbac_put_binding(r, "a", "b", NULL); /* twice does no harm */
	rbac_free(r);
}

static void test_reasons(void **state)
{
	(void)state;
	struct rbac *r = rbac_new();
	char *reason = NULL;

	put_role(r, "", "reader", "\"get\"", "\"pods\"");
	put_binding(r, "", "all", "ClusterRole", "reader", USER("ann") "," GROUP("devs"));
	put_binding(r, "a", "local", "ClusterRole", "reader", LOCAL_ACCOUNT("robot"));
	put_binding(r, "a", "dangling", "Role", "gone", USER("bob"));
	put_binding(r, "", "dangling", "ClusterRole", "lost", USER("bob"));

	assert_true(allowed(r, "x", "devs", "get", "a", "pods", &reason));
	assert_string_equal(reason,
	                    "RBAC: allowed by ClusterRoleBinding \"all\" of ClusterRole \"reader\" to Group \"devs\"");
	free(reason);
	put_binding(r, "", "all", "ClusterRole", "reader", GROUP("devs") "," USER("ann"));
	assert_true(allowed(r, "ann", "devs", "get", "a", "pods", &reason)); /* by both: the first one is named */
	assert_string_equal(reason,
	                    "RBAC: allowed by ClusterRoleBinding \"all\" of ClusterRole \"reader\" to Group \"devs\"");
	free(reason);
	assert_true(allowed(r, "system:serviceaccount:a:robot", NULL, "get", "a", "pods", &reason));
	assert_string_equal(reason, "RBAC: allowed by RoleBinding \"local/a\" of ClusterRole \"reader\" to ServiceAccount "
	                            "\"robot/a\"");
	free(reason);
	assert_false(allowed(r, "bob", NULL, "get", "", "pods", &reason));
	assert_string_equal(reason, "RBAC: clusterrole.rbac.authorization.k8s.io \"lost\" not found");
	free(reason);
	assert_false(allowed(r, "bob", NULL, "get", "a", "pods", &reason));
	assert_string_equal(reason, "RBAC: [clusterrole.rbac.authorization.k8s.io \"lost\" not found, "
	                            "role.rbac.authorization.k8s.io \"gone\" not found]");
	free(reason);
	assert_false(allowed(r, "zoe", NULL, "get", "a", "pods", &reason));
	assert_null(reason);
	rbac_free(r);
}

static void test_masters_need_no_role(void **state)
{
	(void)state;
	struct rbac *r = rbac_new();
	const struct authorizer a = authorizer_rbac(r);
	char *groups[] = { (char[]){ "system:masters" }, NULL };
	const struct auth_user user = { .name = (char[]){ "x" }, .groups = groups };
	const struct auth_attributes q = { .verb = "get",
		                               .group = "",
		                               .version = "",
		                               .resource = "",
		                               .subresource = "",
		                               .ns = "",
		                               .name = "",
		                               .path = "/metrics",
		                               .non_resource = true };

	assert_true(a.allow(a.self, &user, &q, NULL));
	rbac_free(r);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_scopes_and_subjects),
		cmocka_unit_test(test_changes_count_at_once),
		cmocka_unit_test(test_reasons),
		cmocka_unit_test(test_masters_need_no_role),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
