#include "kinds.h"

#include "base/str.h"
#include "objects/invalid.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

static const struct kinds_message *message(const char *group, const char *version, const char *kind)
{
	const struct kinds_kind *k = kinds_find(group, version, kind);

	if (!k)
		fail_msg("no kind %s", kind);
	return &KINDS_MESSAGES[k->message];
}

static json_t *parsed(const char *text)
{
	json_t *v = json_parse(text, strlen(text), 0, NULL);

	if (!v)
		fail_msg("not JSON: %s", text);
	return v;
}

static void test_kinds_are_found(void **state _unused_)
{
	assert_non_null(kinds_find("apps", "v1", "Deployment"));
	assert_non_null(kinds_find("", "v1", "Pod"));
	assert_non_null(kinds_find("autoscaling", NULL, "HorizontalPodAutoscaler"));
	assert_null(kinds_find("apps", "v1beta1", "Deployment"));
	assert_null(kinds_find("", "v1", "Teapot"));
	assert_string_equal(kinds_message_word(kinds_find_message("io.k8s.api.core.v1.PodSpec")), "PodSpec");
	assert_null(kinds_find_message("io.k8s.api.core.v1.Nothing"));
}

/* Numbers of k8s.io/api's generated.proto, looked up by hand. */
static void test_kinds_have_the_official_numbers(void **state _unused_)
{
	static const struct {
		const char *message, *field;
		unsigned number;
	} CASES[] = {
		{ "io.k8s.api.core.v1.PodSpec", "containers", 2 },
		{ "io.k8s.api.core.v1.PodSpec", "topologySpreadConstraints", 33 },
		{ "io.k8s.api.core.v1.Container", "envFrom", 19 },
		{ "io.k8s.api.core.v1.Container", "startupProbe", 22 },
		{ "io.k8s.api.core.v1.Secret", "stringData", 4 },
		{ "io.k8s.api.core.v1.ServicePort", "appProtocol", 6 },
		{ "io.k8s.api.apps.v1.DeploymentSpec", "progressDeadlineSeconds", 9 },
		{ "io.k8s.api.rbac.v1.PolicyRule", "nonResourceURLs", 5 },
		{ "io.k8s.api.batch.v1.JobSpec", "completionMode", 9 },
		{ "io.k8s.api.admissionregistration.v1.MutatingWebhook", "reinvocationPolicy", 10 },
		{ "io.k8s.apimachinery.pkg.apis.meta.v1.ObjectMeta", "managedFields", 17 },
		/* inlined: */
		{ "io.k8s.api.core.v1.Volume", "emptyDir", 2 },
		{ "io.k8s.api.admissionregistration.v1.RuleWithOperations", "apiVersions", 2 },
	};

	for (size_t i = 0; i < ARRAY_SIZE(CASES); i++) {
		const struct kinds_message *m = kinds_find_message(CASES[i].message);
		const struct kinds_field *f = m ? kinds_find_field(m, CASES[i].field) : NULL;
		if (!f || f->number != CASES[i].number)
			fail_msg("%s.%s", CASES[i].message, CASES[i].field);
	}
	assert_null(kinds_find_field(kinds_find_message("io.k8s.api.core.v1.Pod"), "image"));
}

static void test_kinds_are_normalized_as_go_would(void **state _unused_)
{
	static const struct {
		const char *message, *in, *out, *why;
	} CASES[] = {
		{ "io.k8s.api.core.v1.ConfigMap", "{\"data\":{},\"immutable\":false}", "{\"immutable\":false}",
		  "empty maps go, pointers stay" },
		{ "io.k8s.api.rbac.v1.Role", "{}", "{\"rules\":null}", "a list that is always written" },
		{ "io.k8s.api.rbac.v1.Role", "{\"rules\":[]}", "{\"rules\":null}", "an empty list is none" },
		{ "io.k8s.api.core.v1.ResourceRequirements", "{\"limits\":{\"cpu\":1,\"memory\":\"1024Mi\",\"x\":\"0.5\"}}",
		  "{\"limits\":{\"cpu\":\"1\",\"memory\":\"1Gi\",\"x\":\"500m\"}}", "quantities are canonical" },
		{ "io.k8s.api.core.v1.Probe", "{\"timeoutSeconds\":0,\"exec\":{\"command\":[\"a\"]}}",
		  "{\"exec\":{\"command\":[\"a\"]},\"failureThreshold\":3,\"periodSeconds\":10,\"successThreshold\":1,"
		  "\"timeoutSeconds\":1}",
		  "zero is nothing, and nothing has a default" },
		{ "io.k8s.api.core.v1.ContainerPort", "{\"containerPort\":80,\"hostPort\":0,\"name\":\"\"}",
		  "{\"containerPort\":80,\"protocol\":\"TCP\"}", "zeros go" },
		{ "io.k8s.api.core.v1.Volume", "{\"name\":\"a\",\"secret\":{\"secretName\":\"s\"}}",
		  "{\"name\":\"a\",\"secret\":{\"defaultMode\":420,\"secretName\":\"s\"}}",
		  "inlined messages are looked into" },
		{ "io.k8s.api.apps.v1.StatefulSetUpdateStrategy", "{\"type\":null}", "{\"type\":\"RollingUpdate\"}",
		  "null is nothing" },
		{ "io.k8s.api.coordination.v1.LeaseSpec", "{\"renewTime\":\"2026-01-02T05:04:05.000000+02:00\"}",
		  "{\"renewTime\":\"2026-01-02T03:04:05.000000Z\"}", "times are in UTC" },
		{ "io.k8s.api.core.v1.ServicePort", "{\"port\":80,\"unknown\":1}",
		  "{\"port\":80,\"protocol\":\"TCP\",\"targetPort\":0,\"unknown\":1}", "what is unknown is not its business" },
		{ "io.k8s.api.core.v1.Container", "{\"name\":\"a\"}",
		  "{\"name\":\"a\",\"resources\":{},\"terminationMessagePath\":\"/dev/"
		  "termination-log\",\"terminationMessagePolicy\":\"File\"}",
		  "structs are always written" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(CASES); i++) {
		_cleanup_json_ json_t *v = parsed(CASES[i].in);
		_cleanup_err_ struct err err = { 0 };
		if (kinds_normalize(kinds_find_message(CASES[i].message), v, &err) < 0)
			fail_msg("%s: %s", CASES[i].why, err_message(&err));
		_cleanup_free_ char *text = json_canonical(v);
		if (strcmp(text, CASES[i].out) != 0)
			fail_msg("%s: %s", CASES[i].why, text);
		/* A second time changes nothing. */
		assert_int_equal(kinds_normalize(kinds_find_message(CASES[i].message), v, NULL), 0);
		_cleanup_free_ char *again = json_canonical(v);
		assert_string_equal(again, text);
	}
}

static void test_kinds_of_the_wrong_type_are_refused_in_gos_words(void **state _unused_)
{
	static const char *const CASES[][2] = {
		{ "{\"spec\":{\"replicas\":\"3\"}}",
		  "json: cannot unmarshal string into Go struct field DeploymentSpec.spec.replicas of type int32" },
		{ "{\"spec\":{\"replicas\":1.5}}",
		  "json: cannot unmarshal number 1.5 into Go struct field DeploymentSpec.spec.replicas of type int32" },
		{ "{\"spec\":{\"replicas\":3000000000}}",
		  "json: cannot unmarshal number 3000000000 into Go struct field DeploymentSpec.spec.replicas of type int32" },
		{ "{\"spec\":[]}",
		  "json: cannot unmarshal array into Go struct field Deployment.spec of type v1.DeploymentSpec" },
		{ "{\"spec\":{\"template\":{\"spec\":{\"containers\":{}}}}}",
		  "json: cannot unmarshal object into Go struct field PodSpec.spec.template.spec.containers of type "
		  "[]v1.Container" },
		{ "{\"spec\":{\"template\":{\"spec\":{\"containers\":[{\"env\":[{\"value\":1}]}]}}}}",
		  "json: cannot unmarshal number into Go struct field EnvVar.spec.template.spec.containers.env.value of type "
		  "string" },
		{ "{\"spec\":{\"template\":{\"metadata\":{\"labels\":{\"a\":true}}}}}",
		  "json: cannot unmarshal bool into Go struct field ObjectMeta.spec.template.metadata.labels of type string" },
		{ "{\"spec\":{\"template\":{\"spec\":{\"containers\":[{\"resources\":{\"limits\":{\"cpu\":\"many\"}}}]}}}}",
		  "quantities must match the regular expression '^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$'" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(CASES); i++) {
		_cleanup_json_ json_t *v = parsed(CASES[i][0]);
		_cleanup_err_ struct err err = { 0 };
		assert_int_equal(kinds_normalize(message("apps", "v1", "Deployment"), v, &err), -1);
		assert_int_equal(err.kind, ERR_BAD_REQUEST);
		assert_string_equal(err_message(&err), CASES[i][1]);
	}
}

static void test_kinds_that_cannot_be_converted(void **state _unused_)
{
	static const char *const CASES[][2] = {
		{ "{\"spec\":{\"replicas\":\"3\"}}", "unrecognized type: int32" },
		{ "{\"spec\":{\"replicas\":1.5}}", "cannot convert float64 to int32" },
		{ "{\"spec\":{\"replicas\":1.0,\"paused\":true}}", NULL },
		{ "{\"spec\":{\"paused\":\"x\"}}", "unrecognized type: bool" },
		{ "{\"spec\":1}", "cannot restore struct from: int64" },
		{ "{\"spec\":null}", NULL },
		{ "{\"metadata\":{\"labels\":[]}}", "cannot restore map from slice" },
		{ "{\"metadata\":{\"labels\":{\"a\":1}}}", "cannot convert int64 to string" },
		{ "{\"metadata\":{\"uid\":1}}", "cannot convert int64 to types.UID" },
		{ "{\"metadata\":{\"labels\":{\"a\":true}}}", "unrecognized type: string" },
		{ "{\"spec\":{\"template\":{\"spec\":{\"containers\":\"x\"}}}}", "cannot restore slice from string" },
		{ "{\"spec\":{\"template\":{\"spec\":{\"containers\":[1]}}}}", "cannot restore struct from: int64" },
		{ "{\"spec\":{\"strategy\":{\"rollingUpdate\":{\"maxSurge\":[]}}}}",
		  "json: cannot unmarshal array into Go value of type int32" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(CASES); i++) {
		_cleanup_json_ json_t *v = parsed(CASES[i][0]);
		_cleanup_free_ char *fault = kinds_convert_fault(message("apps", "v1", "Deployment"), v);
		if (CASES[i][1])
			assert_string_equal(fault ? fault : "", CASES[i][1]);
		else
			assert_null(fault);
	}
}

static void test_kinds_say_what_is_missing(void **state _unused_)
{
	_cleanup_json_ json_t *v = parsed(
		"{\"metadata\":{\"name\":\"x\"},\"spec\":{\"restartPolicy\":\"Sometimes\",\"containers\":[{\"name\":"
		"\"a\"},{\"image\":\"i\"}],\"tolerations\":[{\"operator\":\"Near\"}]},\"status\":{"
		"\"conditions\":[{}]}}");
	static const char *const WANTED[][3] = {
		{ INVALID_NOT_SUPPORTED, "spec.restartPolicy",
		  "Unsupported value: \"Sometimes\": supported values: \"Always\", \"OnFailure\", \"Never\"" },
		{ INVALID_REQUIRED, "spec.containers[1].name", "Required value" },
	};
	_cleanup_err_ struct err err = { 0 };

	kinds_check(message("", "v1", "Pod"), v, &err);
	for (size_t i = 0; i < ARRAY_SIZE(WANTED); i++) {
		bool found = false;
		for (size_t k = 0; k < err.causes_len; k++)
			found = found || (strcmp(err.causes[k].reason, WANTED[i][0]) == 0 &&
			                  strcmp(err.causes[k].field, WANTED[i][1]) == 0 &&
			                  strcmp(err.causes[k].message, WANTED[i][2]) == 0);
		if (!found)
			fail_msg("%s is not told", WANTED[i][1]);
	}
}

static void test_kinds_reset(void **state _unused_)
{
	_cleanup_json_ json_t *v = parsed("{\"status\":{\"replicas\":3}}"),
						  *other = parsed("{\"status\":{\"phase\":\"Running\"}}");

	kinds_reset(message("apps", "v1", "ReplicaSet"), v, "status");
	_cleanup_free_ char *text = json_to_str(v);
	assert_string_equal(text, "{\"status\":{\"replicas\":0}}");
	kinds_reset(message("", "v1", "Pod"), other, "status");
	_cleanup_free_ char *other_text = json_to_str(other);
	assert_string_equal(other_text, "{\"status\":{}}");
}

static void test_kinds_have_schemas(void **state _unused_)
{
	struct kinds_schemas *all = kinds_schemas_new();
	struct schema *deployment = kinds_schemas_of(all, kinds_find("apps", "v1", "Deployment")),
				  *service = kinds_schemas_of(all, kinds_find("", "v1", "Service")),
				  *stateful = kinds_schemas_of(all, kinds_find("apps", "v1", "StatefulSet"));

	kinds_schemas_unref(all); /* the roots keep what they need */
	const struct schema *pod = schema_property(schema_property(schema_property(deployment, "spec"), "template"),
	                                           "spec");
	const struct schema *list = schema_property(pod, "containers");
	assert_int_equal(schema_list_type(list), SCHEMA_LIST_MAP);
	assert_string_equal(schema_list_map_keys(list)[0], "name");
	assert_string_equal(schema_patch_merge_key(list), "name");
	assert_true(schema_patch_strategy_has(schema_property(pod, "volumes"), "retainKeys"));
	assert_true(schema_map_is_atomic(schema_property(schema_property(deployment, "spec"), "selector")));
	assert_non_null(
		schema_property(schema_property(schema_items(schema_property(pod, "volumes")), "secret"), "secretName"));

	/* A key that has a default tells items apart even where it is not given. */
	const struct schema *ports = schema_property(schema_property(service, "spec"), "ports");
	assert_string_equal(schema_list_map_keys(ports)[1], "protocol");
	assert_string_equal(json_string_value(schema_default_value(schema_property(schema_items(ports), "protocol"))),
	                    "TCP");

	/* Claims within a stateful set bring their type along. */
	const struct schema *claims = schema_property(schema_property(stateful, "spec"), "volumeClaimTemplates");
	assert_non_null(schema_property(schema_items(claims), "apiVersion"));

	_cleanup_json_ json_t *obj = parsed(
		"{\"apiVersion\":\"apps/v1\",\"kind\":\"Deployment\",\"metadata\":{\"name\":\"x\"},\"spec\":{"
		"\"template\":{\"spec\":{\"containers\":[{\"name\":\"a\",\"imagee\":\"b\"}]}},\"replica\":1}}");
	_cleanup_json_ json_t *dropped = json_array();
	schema_prune(deployment, obj, dropped);
	assert_int_equal(json_array_size(dropped), 2);
	_cleanup_free_ char *text = json_to_str(dropped);
	assert_non_null(strstr(text, "\"spec.template.spec.containers[0].imagee\""));
	assert_non_null(strstr(text, "\"spec.replica\""));
	schema_unref(deployment);
	schema_unref(service);
	schema_unref(stateful);
}

/* Every reference leads to a definition. */
static void check_references(const json_t *v, const json_t *definitions)
{
	const char *key, *ref = json_get_str(v, "$ref"), *name = ref ? str_after(ref, "#/") : NULL;
	json_t *item;
	size_t i;

	if (name && !json_object_get(definitions, name))
		fail_msg("%s leads nowhere", ref);
	json_object_foreach (json_unconst(v), key, item)
		check_references(item, definitions);
	json_array_foreach (v, i, item)
		check_references(item, definitions);
}

static void test_kinds_are_published(void **state _unused_)
{
	for (int v3 = 0; v3 < 2; v3++) {
		_cleanup_json_ json_t *definitions = json_object();
		for (size_t i = 0; i < KINDS_LEN; i++)
			kinds_publish(&KINDS_MESSAGES[KINDS[i].message], "#/", v3, definitions);
		check_references(definitions, definitions);
		const json_t *containers = json_at(definitions, "io.k8s.api.core.v1.PodSpec", "properties", "containers", NULL);
		assert_string_equal(json_get_str(containers, "x-kubernetes-list-type"), "map");
		assert_string_equal(json_get_str(containers, "x-kubernetes-patch-merge-key"), "name");
		assert_string_equal(json_get_str(containers, "x-kubernetes-patch-strategy"), "merge");
		const json_t *required = json_at(definitions, "io.k8s.api.apps.v1.DeploymentSpec", "required", NULL);
		_cleanup_free_ char *text = json_to_str(required);
		assert_string_equal(text, "[\"selector\",\"template\"]");
		/* v3 says more than v2: what a number may be, and what is there when nothing is said. */
		const json_t *quantity = json_object_get(definitions, "io.k8s.apimachinery.pkg.api.resource.Quantity");
		assert_int_equal(json_object_get(quantity, "oneOf") != NULL, v3);
		assert_int_equal(json_at(definitions, "io.k8s.api.core.v1.Pod", "properties", "spec", "default", NULL) != NULL,
		                 v3);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_kinds_are_found),
		cmocka_unit_test(test_kinds_have_the_official_numbers),
		cmocka_unit_test(test_kinds_are_normalized_as_go_would),
		cmocka_unit_test(test_kinds_of_the_wrong_type_are_refused_in_gos_words),
		cmocka_unit_test(test_kinds_that_cannot_be_converted),
		cmocka_unit_test(test_kinds_say_what_is_missing),
		cmocka_unit_test(test_kinds_reset),
		cmocka_unit_test(test_kinds_have_schemas),
		cmocka_unit_test(test_kinds_are_published),
	};
	return cmocka_run_group_tests_name("kinds", tests, NULL, NULL);
}
