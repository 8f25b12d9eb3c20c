#include "request.h"

#include "base/str.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

static void test_request_paths(void **state _unused_)
{
	static const struct {
		const char *path, *group, *version, *ns, *resource, *name, *subresource;
		bool is_api;
	} cases[] = {
		{ "/api/v1/namespaces/a/secrets/b", "", "v1", "a", "secrets", "b", "", true },
		{ "/api/v1/namespaces/a", "", "v1", "a", "namespaces", "a", "", true }, /* a namespace lies in itself */
		{ "/api/v1/namespaces/a/status", "", "v1", "a", "namespaces", "a", "status", true },
		{ "/api/v1/namespaces/a/finalize", "", "v1", "a", "namespaces", "a", "finalize", true },
		{ "/api/v1/namespaces/a/status/b", "", "v1", "a", "status", "b", "", true }, /* a resource of that name */
		{ "/api/v1/namespaces", "", "v1", "", "namespaces", "", "", true },
		{ "/apis/scia.io/v1alpha1/namespaces/a/deployments/b/status", "scia.io", "v1alpha1", "a", "deployments", "b",
		  "status", true },
		{ "/apis/scia.io/v1alpha1/deployments", "scia.io", "v1alpha1", "", "deployments", "", "", true },
		{ "/apis/g/v1/crontabs/x%20y", "g", "v1", "", "crontabs", "x y", "", true },
		{ "/apis/g/v1", "g", "v1", "", "", "", "", true },
		{ "/apis/g", "", "", "", "", "", "", false },
		{ "/healthz", "", "", "", "", "", "", false },
		{ "/api/v1/namespaces/a//", "", "v1", "a", "namespaces", "a", "", true }, /* slashes at the end do not count */
		{ "/api/v1//secrets", "", "v1", "", "", "secrets", "", true },            /* empty parts within do */
		{ "/api/v1/namespaces//secrets", "", "v1", "", "secrets", "", "", true },
		{ "/apis//apps/v1", "", "", "", "", "", "", false },
		{ "//api/v1/secrets", "", "", "", "", "", "", false },
		{ "/api/v1/namespaces/a/secrets/%2F", "", "v1", "a", "secrets", "", "", true }, /* divides, encoded or not */
		{ "/api/v1/namespaces/a/secrets/b%2Fstatus", "", "v1", "a", "secrets", "b", "status", true },
	};
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct api_path p;
		assert_true(api_path_parse(cases[i].path, &p));
		assert_int_equal(p.is_api, cases[i].is_api);
		assert_string_equal(p.group, cases[i].group);
		assert_string_equal(p.version, cases[i].version);
		assert_string_equal(p.ns, cases[i].ns);
		assert_string_equal(p.resource, cases[i].resource);
		assert_string_equal(p.name, cases[i].name);
		assert_string_equal(p.subresource, cases[i].subresource);
		api_path_clear(&p);
	}
}

static void test_request_bad_paths(void **state _unused_)
{
	static const char *const bad[] = { "/api/v1/secrets/a%", "/api/v1/secrets/a%zz", "/api/v1/secrets/a%00b" };
	struct api_path p;

	for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
		assert_false(api_path_parse(bad[i], &p));
}

static void test_request_longer_paths(void **state _unused_)
{
	static const struct {
		const char *path;
		bool longer;
	} cases[] = {
		{ "/apis/g/v1/namespaces/a/r/b/status", false },
		{ "/apis/g/v1/namespaces/a/r/b/status/c", true },
		{ "/api/v1/nodes/a/proxy/b/c/d/e/f/g/h/i/j/k/l/m", true },
		{ "/healthz/a/b/c/d/e", false },
	};
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct api_path p;
		assert_true(api_path_parse(cases[i].path, &p));
		assert_int_equal(p.longer, cases[i].longer);
		api_path_clear(&p);
	}
}

static void test_request_verbs(void **state _unused_)
{
	static const struct {
		const char *method, *path, *query, *verb;
	} cases[] = {
		{ "GET", "/api/v1/secrets", NULL, "list" },
		{ "GET", "/api/v1/secrets", "watch=true", "watch" },
		{ "GET", "/api/v1/secrets", "watch=0", "list" },
		{ "GET", "/api/v1/watch/secrets", "watch=0", "watch" }, /* deprecated, and always a watch */
		{ "GET", "/api/v1/watch/namespaces/a/secrets/b", NULL, "watch" },
		{ "DELETE", "/api/v1/watch/secrets", NULL, "" },
		{ "GET", "/api/v1/namespaces/a/secrets/b", NULL, "get" },
		{ "GET", "/api/v1/namespaces/a/secrets/b", "watch=1", "get" },
		{ "POST", "/api/v1/namespaces/a/secrets", NULL, "create" },
		{ "PUT", "/api/v1/namespaces/a/secrets/b", NULL, "update" },
		{ "PATCH", "/api/v1/namespaces/a/secrets/b", NULL, "patch" },
		{ "DELETE", "/api/v1/namespaces/a/secrets/b", NULL, "delete" },
		{ "DELETE", "/api/v1/namespaces/a/secrets", NULL, "deletecollection" },
		{ "GET", "/healthz", NULL, "get" },
		{ "POST", "/apis/scia.io", NULL, "post" }, /* no resource: the method itself */
		{ "DELETE", "/api/v1", NULL, "delete" },
	};
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct api_options o;
		struct api_path p;
		api_options_parse(cases[i].query, &o);
		assert_true(api_path_parse(cases[i].path, &p));
		assert_string_equal(api_verb_of(cases[i].method, &p, &o), cases[i].verb);
		api_path_clear(&p);
		api_options_clear(&o);
	}
}

static void test_request_options(void **state _unused_)
{
	struct api_options o;

	api_options_parse("limit=5&labelSelector=a%3Db&dryRun=All&fieldManager=me&fieldValidation=Strict&"
	                  "propagationPolicy=Orphan&timeoutSeconds=7&sendInitialEvents=false&continue=&timeout=1.5s",
	                  &o);
	assert_int_equal(o.limit, 5);
	assert_string_equal(o.label_selector, "a=b");
	assert_true(o.dry_run);
	assert_string_equal(o.field_manager, "me");
	assert_int_equal(o.validation, VALIDATION_STRICT);
	assert_string_equal(o.propagation_text, "Orphan");
	assert_int_equal(o.timeout_s, 7);
	assert_true(o.timeout_ns == 1500000000);
	assert_int_equal(o.send_initial_events, 0);
	assert_null(o.continue_token); /* empty is not given */
	assert_null(o.field_selector);
	api_options_clear(&o);

	static const struct {
		const char *query, *message;
	} bad[] = {
		{ "limit=many", "strconv.ParseInt: parsing \"many\": invalid syntax" },
		{ "limit=", "strconv.ParseInt: parsing \"\": invalid syntax" },
		{ "timeoutSeconds=1x", "strconv.ParseInt: parsing \"1x\": invalid syntax" },
		{ "limit=99999999999999999999", "strconv.ParseInt: parsing \"99999999999999999999\": value out of range" },
	};
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		_cleanup_err_ struct err err = { 0 };
		const char *kind = NULL;
		api_options_parse(bad[i].query, &o);
		assert_int_equal(api_options_check("get", &o, &kind, &err), 0); /* it has no such option */
		assert_int_equal(api_options_check("list", &o, &kind, &err), -1);
		assert_int_equal(err.kind, ERR_BAD_REQUEST);
		assert_string_equal(err_message(&err), bad[i].message);
		api_options_clear(&o);
	}
}

/* The words are those of k8s.io/apimachinery's validation. */
static void test_request_option_checks(void **state _unused_)
{
	static const struct {
		const char *verb, *query, *message; /* NULL: nothing is wrong */
	} cases[] = {
		{ "list", "limit=-1&resourceVersion=5&resourceVersionMatch=Exact", NULL },
		{ "list", "resourceVersionMatch=Exact",
		  "ListOptions.meta.k8s.io \"\" is invalid: resourceVersionMatch: Forbidden: resourceVersionMatch is forbidden "
		  "unless "
		  "resourceVersion is provided" },
		{ "list", "resourceVersion=0&resourceVersionMatch=Exact",
		  "ListOptions.meta.k8s.io \"\" is invalid: resourceVersionMatch: Forbidden: resourceVersionMatch \"exact\" is "
		  "forbidden for resourceVersion \"0\"" },
		{ "list", "resourceVersion=1&resourceVersionMatch=Other",
		  "ListOptions.meta.k8s.io \"\" is invalid: resourceVersionMatch: Unsupported value: \"Other\": supported "
		  "values: "
		  "\"Exact\", \"NotOlderThan\", \"\"" },
		{ "list", "resourceVersionMatch=Exact&continue=x",
		  "ListOptions.meta.k8s.io \"\" is invalid: [resourceVersionMatch: Forbidden: resourceVersionMatch is "
		  "forbidden unless "
		  "resourceVersion is provided, resourceVersionMatch: Forbidden: resourceVersionMatch is forbidden when "
		  "continue is "
		  "provided]" },
		{ "deletecollection", "sendInitialEvents=true",
		  "ListOptions.meta.k8s.io \"\" is invalid: sendInitialEvents: Forbidden: sendInitialEvents is forbidden for "
		  "list" },
		{ "watch", "sendInitialEvents=true&resourceVersionMatch=NotOlderThan", NULL },
		{ "watch", "sendInitialEvents=true",
		  "ListOptions.meta.k8s.io \"\" is invalid: resourceVersionMatch: Forbidden: sendInitialEvents requires "
		  "setting "
		  "resourceVersionMatch to NotOlderThan" },
		{ "watch", "resourceVersionMatch=NotOlderThan",
		  "ListOptions.meta.k8s.io \"\" is invalid: resourceVersionMatch: Forbidden: resourceVersionMatch is forbidden "
		  "for "
		  "watch unless sendInitialEvents is provided" },
		{ "create", "dryRun=All&fieldValidation=Strict&fieldManager=me", NULL },
		{ "create", "dryRun=Some",
		  "CreateOptions.meta.k8s.io \"\" is invalid: dryRun: Unsupported value: []string{\"Some\"}: supported values: "
		  "\"All\"" },
		{ "update", "fieldValidation=Loud",
		  "UpdateOptions.meta.k8s.io \"\" is invalid: fieldValidation: Unsupported value: \"Loud\": supported values: "
		  "\"\", "
		  "\"Ignore\", \"Strict\", \"Warn\"" },
		{ "create", "fieldManager=a%0Ab",
		  "CreateOptions.meta.k8s.io \"\" is invalid: fieldManager: Invalid value: \"a\\nb\": invalid character U+000A "
		  "(at "
		  "position 1)" },
		{ "get", "resourceVersionMatch=Exact", NULL }, /* no option of a get */
	};
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		_cleanup_err_ struct err err = { 0 };
		struct api_options o;
		const char *kind = NULL;
		api_options_parse(cases[i].query, &o);
		assert_int_equal(api_options_check(cases[i].verb, &o, &kind, &err), cases[i].message ? -1 : 0);
		assert_string_equal(err_message(&err), cases[i].message ? cases[i].message : "");
		api_options_clear(&o);
	}
}

static void test_request_delete_option_checks(void **state _unused_)
{
	static const struct {
		const char *query, *message; /* NULL: nothing is wrong */
		enum propagation propagation;
	} cases[] = {
		{ "", NULL, PROPAGATION_DEFAULT },
		{ "propagationPolicy=Orphan", NULL, PROPAGATION_ORPHAN },
		{ "orphanDependents=true", NULL, PROPAGATION_ORPHAN },
		{ "orphanDependents=false", NULL, PROPAGATION_BACKGROUND },
		{ "propagationPolicy=Foreground&gracePeriodSeconds=0", NULL, PROPAGATION_FOREGROUND },
		{ "propagationPolicy=Perhaps",
		  "DeleteOptions.meta.k8s.io \"\" is invalid: propagationPolicy: Unsupported value: \"Perhaps\": supported "
		  "values: "
		  "\"Foreground\", \"Background\", \"Orphan\", \"nil\"",
		  PROPAGATION_DEFAULT },
		{ "propagationPolicy=Orphan&orphanDependents=true",
		  "DeleteOptions.meta.k8s.io \"\" is invalid: propagationPolicy: Invalid value: \"Orphan\": orphanDependents "
		  "and "
		  "deletionPropagation cannot be both set",
		  PROPAGATION_ORPHAN },
	};
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		_cleanup_err_ struct err err = { 0 };
		struct api_options o;
		const char *kind = NULL;
		api_options_parse(cases[i].query, &o);
		assert_int_equal(api_options_check_delete(&o, &kind, &err), cases[i].message ? -1 : 0);
		assert_string_equal(err_message(&err), cases[i].message ? cases[i].message : "");
		assert_int_equal(o.propagation, cases[i].propagation);
		api_options_clear(&o);
	}
}

static void test_request_delete_options(void **state _unused_)
{
	struct api_options o;
	_cleanup_json_ json_t *body = json_pack("{s:s,s:s,s:{s:s,s:s},s:[s]}", "kind", "DeleteOptions", "propagationPolicy",
	                                        "Foreground", "preconditions", "uid", "u", "resourceVersion", "5", "dryRun",
	                                        "All");

	api_options_parse("propagationPolicy=Orphan", &o);
	assert_int_equal(api_options_from_delete_body(body, &o, NULL), 0);
	assert_string_equal(o.propagation_text, "Foreground"); /* the body takes the query's place */
	assert_string_equal(o.precondition_uid, "u");
	assert_string_equal(o.precondition_version, "5");
	assert_true(o.dry_run);
	api_options_clear(&o);

	_cleanup_err_ struct err err = { 0 };
	_cleanup_json_ json_t *other = json_pack("{s:s}", "kind", "Secret");
	api_options_parse(NULL, &o);
	assert_int_equal(api_options_from_delete_body(other, &o, &err), -1);
	assert_int_equal(err.kind, ERR_UNKNOWN);
	api_options_clear(&o);
}

#define TABLE (1u << FORM_TABLE | 1u << FORM_PARTIAL)
#define DISCOVERY (1u << FORM_DISCOVERY_V2 | 1u << FORM_DISCOVERY_V2BETA1)

static void test_request_accept(void **state _unused_)
{
	static const struct {
		const char *accept;
		unsigned forms;
		enum api_media media;
		enum api_form form;
		bool v1beta1;
	} cases[] = {
		{ NULL, TABLE, MEDIA_JSON, FORM_OBJECT, false },
		{ "", TABLE, MEDIA_JSON, FORM_OBJECT, false },
		{ "*/*", TABLE, MEDIA_JSON, FORM_OBJECT, false },
		{ "application/yaml", TABLE, MEDIA_YAML, FORM_OBJECT, false },
		{ "application/json;as=Table;v=v1;g=meta.k8s.io,application/json", TABLE, MEDIA_JSON, FORM_TABLE, false },
		{ "application/json;as=Table;v=v1beta1;g=meta.k8s.io,application/json", TABLE, MEDIA_JSON, FORM_TABLE, true },
		{ "application/json;as=Table;v=v9;g=meta.k8s.io,application/json", TABLE, MEDIA_JSON, FORM_OBJECT, false },
		{ "application/json; as=PartialObjectMetadataList; g=meta.k8s.io; v=v1", TABLE, MEDIA_JSON, FORM_PARTIAL,
		  false },
		{ "application/vnd.kubernetes.protobuf,application/json", TABLE, MEDIA_JSON, FORM_OBJECT, false },
		{ "application/json;q=0.1,application/yaml;q=0.9", TABLE, MEDIA_YAML, FORM_OBJECT, false },
		{ "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList,application/json", DISCOVERY,
		  MEDIA_JSON, FORM_DISCOVERY_V2, false },
		{ "application/json;g=apidiscovery.k8s.io;v=v2beta1;as=APIGroupDiscoveryList", DISCOVERY, MEDIA_JSON,
		  FORM_DISCOVERY_V2BETA1, false },
		{ "application/json;stream=watch", TABLE, MEDIA_JSON, FORM_OBJECT, false },
		{ "*/*;q=0.9,application/yaml;q=0.5", TABLE, MEDIA_YAML, FORM_OBJECT, false }, /* what is named goes first */
		{ "application/json;q=x,application/yaml", TABLE, MEDIA_JSON, FORM_OBJECT, false },
	};
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct api_accept a;
		assert_int_equal(api_accept_parse(cases[i].accept, cases[i].forms, &a, NULL), 0);
		assert_int_equal(a.media, cases[i].media);
		assert_int_equal(a.form, cases[i].form);
		assert_int_equal(a.v1beta1, cases[i].v1beta1);
	}
	static const char *const bad[] = { "text/html", "application/json;as=Table;g=meta.k8s.io;v=v9",
		                               "application/json;as=APIGroupDiscoveryList;g=apidiscovery.k8s.io;v=v2" };
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		_cleanup_err_ struct err err = { 0 };
		struct api_accept a;
		assert_int_equal(api_accept_parse(bad[i], TABLE, &a, &err), -1);
		assert_int_equal(err.kind, ERR_NOT_ACCEPTABLE);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_request_paths),         cmocka_unit_test(test_request_bad_paths),
		cmocka_unit_test(test_request_longer_paths),  cmocka_unit_test(test_request_verbs),
		cmocka_unit_test(test_request_option_checks), cmocka_unit_test(test_request_delete_option_checks),
		cmocka_unit_test(test_request_options),       cmocka_unit_test(test_request_delete_options),
		cmocka_unit_test(test_request_accept),
	};
	return cmocka_run_group_tests_name("request", tests, NULL, NULL);
}
