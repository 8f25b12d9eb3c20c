/* What PolicyRules allow and cover, in tables: kubernetes.io/docs/reference/access-authn-authz/rbac, and kubernetes'
 * rbac/v1 evaluation_helpers and component-helpers/auth/rbac/validation for the corners. */
#include "rbac_rule.h"

#include "base/str.h"

#include <setjmp.h> /* before cmocka.h, which wants them */
#include <cmocka.h>

static struct rbac_rules *rules_of(const char *text)
{
	_cleanup_err_ struct err err = { 0 };
	_cleanup_json_ json_t *v = json_parse(text, strlen(text), 0, &err);

	if (!v)
		fail_msg("%s: %s", text, err_message(&err));
	return rbac_rules_from_json(v);
}

#define RULE(verbs, groups, resources, more) \
	"[{\"verbs\":[" verbs "],\"apiGroups\":[" groups "],\"resources\":[" resources "]" more "}]"
#define URLS(verbs, urls) "[{\"verbs\":[" verbs "],\"nonResourceURLs\":[" urls "]}]"
#define NAMES(names) ",\"resourceNames\":[" names "]"

static void test_rule_allows(void **state)
{
	(void)state;
	static const struct {
		const char *why, *rule, *verb, *group, *resource, *subresource, *name, *path;
		bool allowed;
	} cases[] = {
		{ "the plain case", RULE("\"get\"", "\"\"", "\"pods\"", ""), "get", "", "pods", "", "a", "", true },
		{ "another verb", RULE("\"get\"", "\"\"", "\"pods\"", ""), "list", "", "pods", "", "", "", false },
		{ "another group", RULE("\"get\"", "\"\"", "\"deployments\"", ""), "get", "apps", "deployments", "", "a", "",
		  false },
		{ "any verb", RULE("\"*\"", "\"\"", "\"pods\"", ""), "escalate", "", "pods", "", "a", "", true },
		{ "any group", RULE("\"get\"", "\"*\"", "\"pods\"", ""), "get", "x.y", "pods", "", "a", "", true },
		{ "any resource has subresources too", RULE("\"get\"", "\"\"", "\"*\"", ""), "get", "", "pods", "log", "a", "",
		  true },
		{ "a resource is not its subresource", RULE("\"get\"", "\"\"", "\"pods\"", ""), "get", "", "pods", "log", "a",
		  "", false },
		{ "a subresource is not its resource", RULE("\"get\"", "\"\"", "\"pods/log\"", ""), "get", "", "pods", "", "a",
		  "", false },
		{ "a subresource", RULE("\"get\"", "\"\"", "\"pods/log\"", ""), "get", "", "pods", "log", "a", "", true },
		{ "any resource's scale", RULE("\"get\"", "\"*\"", "\"*/scale\"", ""), "get", "apps", "deployments", "scale",
		  "a", "", true },
		{ "any resource's scale is not its status", RULE("\"get\"", "\"*\"", "\"*/scale\"", ""), "get", "apps",
		  "deployments", "status", "a", "", false },
		{ "*/x means nothing without a subresource", RULE("\"get\"", "\"*\"", "\"*/scale\"", ""), "get", "apps",
		  "scale", "", "a", "", false },
		{ "pods/* is no pattern", RULE("\"get\"", "\"\"", "\"pods/*\"", ""), "get", "", "pods", "log", "a", "", false },
		{ "*/* is no pattern", RULE("\"get\"", "\"\"", "\"*/*\"", ""), "get", "", "pods", "log", "a", "", false },
		{ "part of a verb is no match", RULE("\"ge*\"", "\"\"", "\"pods\"", ""), "get", "", "pods", "", "a", "",
		  false },
		{ "a prefix of a name is not it", RULE("\"get\"", "\"\"", "\"pod\"", ""), "get", "", "pods", "", "a", "",
		  false },
		{ "a named one", RULE("\"get\"", "\"\"", "\"pods\"", NAMES("\"a\",\"b\"")), "get", "", "pods", "", "b", "",
		  true },
		{ "not a named one", RULE("\"get\"", "\"\"", "\"pods\"", NAMES("\"a\"")), "get", "", "pods", "", "c", "",
		  false },
		{ "create has no name yet", RULE("\"create\"", "\"\"", "\"pods\"", NAMES("\"a\"")), "create", "", "pods", "",
		  "", "", false },
		{ "a list without a name", RULE("\"list\"", "\"\"", "\"pods\"", NAMES("\"a\"")), "list", "", "pods", "", "", "",
		  false },
		{ "a list of one name", RULE("\"list\"", "\"\"", "\"pods\"", NAMES("\"a\"")), "list", "", "pods", "", "a", "",
		  true },
		{ "names have no star", RULE("\"get\"", "\"\"", "\"pods\"", NAMES("\"*\"")), "get", "", "pods", "", "a", "",
		  false },
		{ "an empty rule", "[{\"verbs\":[\"*\"]}]", "get", "", "pods", "", "a", "", false },
		{ "a path", URLS("\"get\"", "\"/healthz\""), "get", "", "", "", "", "/healthz", true },
		{ "a path is whole", URLS("\"get\"", "\"/healthz\""), "get", "", "", "", "", "/healthz/x", false },
		{ "paths below", URLS("\"get\"", "\"/api/*\""), "get", "", "", "", "", "/api/v1", true },
		{ "not the path above", URLS("\"get\"", "\"/api/*\""), "get", "", "", "", "", "/api", false },
		{ "the star cuts words too", URLS("\"get\"", "\"/ap*\""), "get", "", "", "", "", "/apis/x", true },
		{ "all paths", URLS("\"*\"", "\"*\""), "post", "", "", "", "", "/whatever", true },
		{ "a star in the middle is a character", URLS("\"get\"", "\"/a*/b\""), "get", "", "", "", "", "/ax/b", false },
		{ "resources are no paths", RULE("\"*\"", "\"*\"", "\"*\"", ""), "get", "", "", "", "", "/metrics", false },
		{ "paths are no resources", URLS("\"*\"", "\"*\""), "get", "", "pods", "", "a", "/api/v1/pods", false },
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		_cleanup_(rbac_rules_unrefp) struct rbac_rules *rules = rules_of(cases[i].rule);
		const struct auth_attributes a = { .verb = cases[i].verb,
			                               .group = cases[i].group,
			                               .version = "v1",
			                               .resource = cases[i].resource,
			                               .subresource = cases[i].subresource,
			                               .ns = "",
			                               .name = cases[i].name,
			                               .non_resource = *cases[i].path && !*cases[i].resource,
			                               .path = cases[i].path };
		if (rbac_rules_allow(rules, &a) != cases[i].allowed)
			fail_msg("%s: wrong answer", cases[i].why);
	}
}

static void test_rules_cover(void **state)
{
	(void)state;
	static const struct {
		const char *why, *owner, *wanted, *missing; /* "": covered */
	} cases[] = {
		{ "itself", RULE("\"get\"", "\"\"", "\"pods\"", ""), RULE("\"get\"", "\"\"", "\"pods\"", ""), "" },
		{ "nothing wanted", "[]", "[]", "" },
		{ "nothing held", "[]", RULE("\"get\"", "\"\"", "\"pods\"", ""),
		  "{APIGroups:[\"\"], Resources:[\"pods\"], Verbs:[\"get\"]}" },
		{ "a star for everything", RULE("\"*\"", "\"*\"", "\"*\"", ""),
		  RULE("\"get\",\"x\"", "\"a\",\"b\"", "\"c\",\"d/e\"", NAMES("\"n\"")), "" },
		{ "a star is more than a list of verbs", RULE("\"get\",\"list\"", "\"\"", "\"pods\"", ""),
		  RULE("\"*\"", "\"\"", "\"pods\"", ""), "{APIGroups:[\"\"], Resources:[\"pods\"], Verbs:[\"*\"]}" },
		{ "verbs of one resource are told together", "[]", RULE("\"get\",\"list\"", "\"\"", "\"pods\",\"secrets\"", ""),
		  "{APIGroups:[\"\"], Resources:[\"pods\"], Verbs:[\"get\" \"list\"]}|{APIGroups:[\"\"], "
		  "Resources:[\"secrets\"], Verbs:[\"get\" \"list\"]}" },
		{ "names within any", RULE("\"get\"", "\"\"", "\"pods\"", ""),
		  RULE("\"get\"", "\"\"", "\"pods\"", NAMES("\"a\"")), "" },
		{ "any is more than names", RULE("\"get\"", "\"\"", "\"pods\"", NAMES("\"a\"")),
		  RULE("\"get\"", "\"\"", "\"pods\"", ""), "{APIGroups:[\"\"], Resources:[\"pods\"], Verbs:[\"get\"]}" },
		{ "one name of two", RULE("\"get\"", "\"\"", "\"pods\"", NAMES("\"a\"")),
		  RULE("\"get\"", "\"\"", "\"pods\"", NAMES("\"a\",\"b\"")),
		  "{APIGroups:[\"\"], Resources:[\"pods\"], ResourceNames:[\"b\"], Verbs:[\"get\"]}" },
		{ "*/scale has each scale", RULE("\"get\"", "\"apps\"", "\"*/scale\"", ""),
		  RULE("\"get\"", "\"apps\"", "\"a/scale\",\"b/scale\"", ""), "" },
		{ "*/scale is not all", RULE("\"get\"", "\"apps\"", "\"*/scale\"", ""),
		  RULE("\"get\"", "\"apps\"", "\"a\"", ""), "{APIGroups:[\"apps\"], Resources:[\"a\"], Verbs:[\"get\"]}" },
		{ "two rules together",
		  "[{\"verbs\":[\"get\"],\"apiGroups\":[\"\"],\"resources\":[\"pods\"]},{\"verbs\":[\"list\"],\"apiGroups\":["
		  "\"\"],\"resources\":[\"pods\"]}]",
		  RULE("\"get\",\"list\"", "\"\"", "\"pods\"", ""), "" },
		{ "paths below", URLS("\"get\"", "\"/api/*\""), URLS("\"get\"", "\"/api/v1\",\"/api/v1/*\""), "" },
		{ "paths above", URLS("\"get\"", "\"/api/v1/*\""), URLS("\"get\"", "\"/api/*\""),
		  "{NonResourceURLs:[\"/api/*\"], Verbs:[\"get\"]}" },
		{ "paths are not joined", "[]", URLS("\"get\",\"put\"", "\"/x\""),
		  "{NonResourceURLs:[\"/x\"], Verbs:[\"get\"]}|{NonResourceURLs:[\"/x\"], Verbs:[\"put\"]}" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		_cleanup_(rbac_rules_unrefp) struct rbac_rules *owner = rules_of(cases[i].owner);
		_cleanup_(rbac_rules_unrefp) struct rbac_rules *wanted = rules_of(cases[i].wanted);
		_cleanup_(rbac_rules_unrefp) struct rbac_rules *missing = NULL;
		_cleanup_err_ struct err err = { 0 };
		_cleanup_buf_ struct buf found = BUF_INIT(65536);

		int r = rbac_rules_cover(&owner, 1, wanted, &missing, &err);
		assert_int_equal(r, *cases[i].missing ? 0 : 1);
		for (size_t k = 0; missing && k < missing->len; k++) {
			if (k)
				buf_putc(&found, '|');
			rbac_rule_describe(&missing->list[k], &found);
		}
		if (strcmp(buf_str(&found), cases[i].missing) != 0)
			fail_msg("%s: %s", cases[i].why, buf_str(&found));
	}
}

/* A rule of a few kilobytes that stands for a thousand million permissions is refused, not compared. */
static void test_cover_is_bounded(void **state)
{
	(void)state;
	_cleanup_json_ json_t *names = json_array(), *rule = json_object(), *array = json_array();
	_cleanup_(rbac_rules_unrefp) struct rbac_rules *owner = rules_of("[]");
	_cleanup_err_ struct err err = { 0 };

	for (int i = 0; i < 1000; i++)
		json_array_append_new(names, json_strf("x%d", i));
	json_object_set(rule, "verbs", names);
	json_object_set(rule, "apiGroups", names);
	json_object_set(rule, "resources", names);
	json_array_append(array, rule);
	_cleanup_(rbac_rules_unrefp) struct rbac_rules *wanted = rbac_rules_from_json(array);
	assert_int_equal(rbac_rules_cover(&owner, 1, wanted, NULL, &err), -1);
	assert_int_equal(err.kind, ERR_FORBIDDEN);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_rule_allows),
		cmocka_unit_test(test_rules_cover),
		cmocka_unit_test(test_cover_is_bounded),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
