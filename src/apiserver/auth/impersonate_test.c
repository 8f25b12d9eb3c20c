/* Acting as somebody else (kubernetes.io/docs/reference/access-authn-authz/authentication/#user-impersonation), in
 * tables: who may, who they become, and the words of a refusal. */
#include "impersonate.h"

#include "base/str.h"

#include <setjmp.h> /* before cmocka.h, which wants them */
#include <cmocka.h>

/* Allows what is in its list: "RESOURCE[/SUBRESOURCE] [NS/]NAME". */
static bool allow(void *self, const struct auth_user *user, const struct auth_attributes *a, char **ret_reason)
{
	const char *const *allowed = self;
	_cleanup_free_ char *question = xasprintf("%s%s%s %s%s%s", a->resource, *a->subresource ? "/" : "", a->subresource,
	                                          a->ns, *a->ns ? "/" : "", a->name);

	assert_string_equal(a->verb, "impersonate");
	assert_string_equal(user->name, "ann");
	assert_string_equal(a->group, strcmp(a->resource, "userextras") == 0 || strcmp(a->resource, "uids") == 0
	                                  ? "authentication.k8s.io"
	                                  : "");
	if (ret_reason)
		*ret_reason = NULL;
	return str_in(question, allowed);
}

struct testcase {
	const char *why, *headers[8][2], *allowed[8], *error;
	enum err_kind kind;
	const char *name, *groups, *uid, *extra;
};

static void check(const struct testcase *c)
{
	struct authorizer a = { .allow = allow, .self = (void *)(uintptr_t)c->allowed };
	const struct auth_user ann = { .name = (char[]){ "ann" } };
	struct http_headers headers = { 0 };
	_cleanup_err_ struct err err = { 0 };
	struct auth_user who = { 0 };

	for (size_t i = 0; c->headers[i][0]; i++)
		http_headers_add(&headers, c->headers[i][0], c->headers[i][1]);
	int r = impersonate(&a, &ann, &headers, &who, NULL, &err);
	http_headers_clear(&headers);
	if (c->error) {
		if (r != -1 || err.kind != c->kind || strcmp(err_message(&err), c->error) != 0)
			fail_msg("%s: %d %s", c->why, r, err_message(&err));
		return;
	}
	if (r != (c->name ? 1 : 0))
		fail_msg("%s: %d %s", c->why, r, err_message(&err));
	if (!c->name)
		return;
	_cleanup_free_ char *groups = strv_join(who.groups, ","), *extra = who.extra ? json_to_str(who.extra) : xstrdup("");
	assert_string_equal(who.name, c->name);
	if (strcmp(groups, c->groups) != 0 || strcmp(extra, c->extra ? c->extra : "") != 0 || !str_eq(who.uid, c->uid))
		fail_msg("%s: groups %s extra %s", c->why, groups, extra);
	auth_user_clear(&who);
}

static const struct testcase CASES[] = {
	{ .why = "nobody", .headers = { { NULL } } },
	{ .why = "a user",
	  .headers = { { "Impersonate-User", "bob" } },
	  .allowed = { "users bob" },
	  .name = "bob",
	  .groups = "system:authenticated" },
	{ .why = "header names have no case",
	  .headers = { { "impersonate-user", "bob" } },
	  .allowed = { "users bob" },
	  .name = "bob",
	  .groups = "system:authenticated" },
	{ .why = "may not",
	  .headers = { { "Impersonate-User", "bob" } },
	  .allowed = { "users eve" },
	  .error =
	      "users \"bob\" is forbidden: User \"ann\" cannot impersonate resource \"users\" in API group \"\" at the "
	      "cluster scope",
	  .kind = ERR_FORBIDDEN },
	{ .why = "with groups",
	  .headers = { { "Impersonate-User", "bob" }, { "Impersonate-Group", "a" }, { "Impersonate-Group", "b" } },
	  .allowed = { "users bob", "groups a", "groups b" },
	  .name = "bob",
	  .groups = "a,b,system:authenticated" },
	{ .why = "each group is asked for",
	  .headers = { { "Impersonate-User", "bob" },
	               { "Impersonate-Group", "a" },
	               { "Impersonate-Group", "system:masters" } },
	  .allowed = { "users bob", "groups a" },
	  .error = "groups \"system:masters\" is forbidden: User \"ann\" cannot impersonate resource \"groups\" in API "
	           "group "
	           "\"\" at the cluster scope",
	  .kind = ERR_FORBIDDEN },
	{ .why = "system:authenticated is not doubled",
	  .headers = { { "Impersonate-User", "bob" }, { "Impersonate-Group", "system:authenticated" } },
	  .allowed = { "users bob", "groups system:authenticated" },
	  .name = "bob",
	  .groups = "system:authenticated" },
	{ .why = "unauthenticated is respected",
	  .headers = { { "Impersonate-User", "bob" }, { "Impersonate-Group", "system:unauthenticated" } },
	  .allowed = { "users bob", "groups system:unauthenticated" },
	  .name = "bob",
	  .groups = "system:unauthenticated" },
	{ .why = "anonymous is not authenticated",
	  .headers = { { "Impersonate-User", "system:anonymous" } },
	  .allowed = { "users system:anonymous" },
	  .name = "system:anonymous",
	  .groups = "system:unauthenticated" },
	{ .why = "anonymous stays unauthenticated, whatever its groups",
	  .headers = { { "Impersonate-User", "system:anonymous" }, { "Impersonate-Group", "system:authenticated" } },
	  .allowed = { "users system:anonymous", "groups system:authenticated" },
	  .name = "system:anonymous",
	  .groups = "system:authenticated,system:unauthenticated" },
	{ .why = "a service account has its groups",
	  .headers = { { "Impersonate-User", "system:serviceaccount:a:b" } },
	  .allowed = { "serviceaccounts a/b" },
	  .name = "system:serviceaccount:a:b",
	  .groups = "system:serviceaccounts,system:serviceaccounts:a,system:authenticated" },
	{ .why = "unless groups are given",
	  .headers = { { "Impersonate-User", "system:serviceaccount:a:b" }, { "Impersonate-Group", "g" } },
	  .allowed = { "serviceaccounts a/b", "groups g" },
	  .name = "system:serviceaccount:a:b",
	  .groups = "g,system:authenticated" },
	{ .why = "a service account's right is of its namespace",
	  .headers = { { "Impersonate-User", "system:serviceaccount:a:b" } },
	  .allowed = { "users system:serviceaccount:a:b" },
	  .error =
	      "serviceaccounts \"b\" is forbidden: User \"ann\" cannot impersonate resource \"serviceaccounts\" in API "
	      "group \"\" in the namespace \"a\"",
	  .kind = ERR_FORBIDDEN },
	{ .why = "what only looks like one is a user",
	  .headers = { { "Impersonate-User", "system:serviceaccount:a" } },
	  .allowed = { "users system:serviceaccount:a" },
	  .name = "system:serviceaccount:a",
	  .groups = "system:authenticated" },
	{ .why = "extra, with an escaped key",
	  .headers = { { "Impersonate-User", "bob" },
	               { "Impersonate-Extra-Acme.com%2Fproject", "x" },
	               { "Impersonate-Extra-scopes", "v" },
	               { "Impersonate-Extra-scopes", "w" } },
	  .allowed = { "users bob", "userextras/acme.com/project x", "userextras/scopes v", "userextras/scopes w" },
	  .name = "bob",
	  .groups = "system:authenticated",
	  .extra = "{\"acme.com/project\":[\"x\"],\"scopes\":[\"v\",\"w\"]}" },
	{ .why = "extra is asked for",
	  .headers = { { "Impersonate-User", "bob" }, { "Impersonate-Extra-scopes", "v" } },
	  .allowed = { "users bob" },
	  .error = "userextras.authentication.k8s.io \"v\" is forbidden: User \"ann\" cannot impersonate resource "
	           "\"userextras/scopes\" in API group \"authentication.k8s.io\" at the cluster scope",
	  .kind = ERR_FORBIDDEN },
	{ .why = "a uid",
	  .headers = { { "Impersonate-User", "bob" }, { "Impersonate-Uid", "7" } },
	  .allowed = { "users bob", "uids 7" },
	  .name = "bob",
	  .groups = "system:authenticated",
	  .uid = "7" },
	{ .why = "groups of nobody",
	  .headers = { { "Impersonate-Group", "g" } },
	  .allowed = { "groups g" },
	  .error = "requested [{Group  g    }] without impersonating a user",
	  .kind = ERR_INTERNAL },
	{ .why = "extra and uid of nobody",
	  .headers = { { "Impersonate-Uid", "7" }, { "Impersonate-Extra-k", "v" } },
	  .allowed = { "uids 7" },
	  .error = "requested [{UserExtra  v  authentication.k8s.io/v1  k} {UID  7  authentication.k8s.io/v1  }] without "
	           "impersonating a user",
	  .kind = ERR_INTERNAL },
};

static void test_impersonate(void **state)
{
	(void)state;

	for (size_t i = 0; i < ARRAY_SIZE(CASES); i++)
		check(&CASES[i]);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_impersonate) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
