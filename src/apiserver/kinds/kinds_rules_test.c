/* What is told of objects that are wrong in one place. The sentences are those of Kubernetes 1.26
 * (k8s.io/kubernetes/pkg/apis/.../validation/validation.go). */
#include "base/str.h"
#include "kinds.h"
#include "objects/invalid.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#define POD(spec) "Pod", "{\"spec\":{\"containers\":[{\"name\":\"a\",\"image\":\"i\"}]," spec "}}"
#define CONTAINER(rest) "Pod", "{\"spec\":{\"containers\":[{\"name\":\"a\",\"image\":\"i\"," rest "}]}}"
#define POLICY(rest) "NetworkPolicy", "{\"spec\":{\"podSelector\":{},\"ingress\":[{" rest "}]}}"
#define BACKEND(rest) "Ingress", "{\"spec\":{\"defaultBackend\":{" rest "}}}"
#define METRIC(rest)                                                                                              \
	"HorizontalPodAutoscaler", "{\"spec\":{\"scaleTargetRef\":{\"kind\":\"D\",\"name\":\"d\"},\"maxReplicas\":1," \
							   "\"metrics\":[{" rest "}]}}"
#define CLAIM(rest)                                                                                \
	"PersistentVolumeClaim",                                                                       \
		"{\"spec\":{\"accessModes\":[\"ReadWriteOnce\"],\"resources\":{\"requests\":{\"storage\":" \
		"\"1Gi\"}}," rest "}}"

/* wanted: "FIELD: MESSAGE" joined by newlines, "" for nothing. */
static const struct {
	const char *kind, *object, *wanted;
} CASES[] = {
	/* exactly one of several */
	{ POD("\"volumes\":[{\"name\":\"v\",\"emptyDir\":{}}]"), "" },
	{ POD("\"volumes\":[{\"name\":\"v\"}]"), "spec.volumes[0]: Required value: must specify a volume type" },
	{ POD("\"volumes\":[{\"name\":\"v\",\"csi\":{},\"emptyDir\":{}}]"),
	  "spec.volumes[0].csi: Forbidden: may not specify more than 1 volume type" },
	{ CONTAINER("\"livenessProbe\":{\"periodSeconds\":1}"),
	  "spec.containers[0].livenessProbe: Required value: must specify a handler type" },
	/* forms */
	{ CONTAINER("\"livenessProbe\":{\"httpGet\":{\"port\":0}}"),
	  "spec.containers[0].livenessProbe.httpGet.port: Invalid value: 0: must be between 1 and 65535, inclusive" },
	{ CONTAINER("\"livenessProbe\":{\"httpGet\":{\"port\":\"80\"}}"),
	  "spec.containers[0].livenessProbe.httpGet.port: Invalid value: \"80\": must contain at least one letter (a-z)" },
	{ POD("\"nodeSelector\":{\"a b\":\"c\"}"),
	  "spec.nodeSelector: Invalid value: \"a b\": name part must consist of alphanumeric characters, '-', '_' or '.', "
	  "and "
	  "must start and end with an alphanumeric character (e.g. 'MyName',  or 'my.name',  or '123-abc', regex used for "
	  "validation is '([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]')" },
	{ "PodDisruptionBudget", "{\"spec\":{\"minAvailable\":\"half\"}}",
	  "spec.minAvailable: Invalid value: intstr.IntOrString{Type:1, IntVal:0, StrVal:\"half\"}: a valid percent string "
	  "must be a numeric string followed by an ending '%' (e.g. '1%',  or '93%', regex used for validation is "
	  "'[0-9]+%')" },
	{ "PodDisruptionBudget", "{\"spec\":{\"minAvailable\":\"101%\"}}",
	  "spec.minAvailable: Invalid value: intstr.IntOrString{Type:1, IntVal:0, StrVal:\"101%\"}: must not be greater "
	  "than "
	  "100%" },
	{ "PodDisruptionBudget", "{\"spec\":{\"maxUnavailable\":-1}}",
	  "spec.maxUnavailable: Invalid value: -1: must be greater than or equal to 0" },
	/* told of the list, not of the item */
	{ CONTAINER("\"volumeMounts\":[{\"name\":\"v\",\"mountPath\":\"/v\",\"mountPropagation\":\"x\"}]"),
	  "spec.containers[0].volumeMounts.mountPropagation: Unsupported value: \"x\": supported values: "
	  "\"Bidirectional\", "
	  "\"HostToContainer\", \"None\"" },
	/* environment */
	{ CONTAINER("\"env\":[{\"name\":\"A\",\"valueFrom\":{}}]"),
	  "spec.containers[0].env[0].valueFrom: Invalid value: \"\": must specify one of: `fieldRef`, `resourceFieldRef`, "
	  "`configMapKeyRef` or `secretKeyRef`" },
	{ CONTAINER(
		  "\"env\":[{\"name\":\"A\",\"value\":\"x\",\"valueFrom\":{\"secretKeyRef\":{\"name\":\"s\",\"key\":\"k\"}}}]"),
	  "spec.containers[0].env[0].valueFrom: Invalid value: \"\": may not be specified when `value` is not empty" },
	{ CONTAINER(
		  "\"env\":[{\"name\":\"A\",\"valueFrom\":{\"fieldRef\":{\"apiVersion\":\"v1\",\"fieldPath\":\"spec.x\"}}}]"),
	  "spec.containers[0].env[0].valueFrom.fieldRef.fieldPath: Invalid value: \"spec.x\": error converting fieldPath: "
	  "field "
	  "label not supported: spec.x" },
	{ CONTAINER(
		  "\"env\":[{\"name\":\"A\",\"valueFrom\":{\"fieldRef\":{\"apiVersion\":\"v1\",\"fieldPath\":\"metadata.labels["
		  "'a/b']\"}}}]"),
	  "" },
	{ CONTAINER("\"envFrom\":[{\"prefix\":\"A_\"}]"),
	  "spec.containers[0].envFrom: Invalid value: \"\": must specify one of: `configMapRef` or `secretRef`" },
	{ CONTAINER("\"envFrom\":[{\"configMapRef\":{}}]"),
	  "spec.containers[0].envFrom[0].configMapRef.name: Required value" },
	/* resources */
	{ CONTAINER("\"resources\":{\"limits\":{\"cpu\":\"1\",\"example.com/gpu\":\"1\"},\"requests\":{\"cpu\":\"1\","
	            "\"example.com/gpu\":\"1\"}}"),
	  "" },
	{ CONTAINER("\"resources\":{\"limits\":{\"cpu\":\"1\"},\"requests\":{\"cpu\":\"1500m\"}}"),
	  "spec.containers[0].resources.requests: Invalid value: \"1500m\": must be less than or equal to cpu limit" },
	{ CONTAINER("\"resources\":{\"requests\":{\"example.com/gpu\":\"1\"}}"),
	  "spec.containers[0].resources.limits: Required value: Limit must be set for non overcommitable resources" },
	{ CONTAINER("\"resources\":{\"limits\":{\"gpu\":\"1\"}}"),
	  "spec.containers[0].resources.limits[gpu]: Invalid value: \"gpu\": must be a standard resource type or fully "
	  "qualified\nspec.containers[0].resources.limits[gpu]: Invalid value: \"gpu\": must be a standard resource for "
	  "containers" },
	{ CONTAINER("\"resources\":{\"limits\":{\"cpu\":\"-1\"}}"),
	  "spec.containers[0].resources.limits[cpu]: Invalid value: \"-1\": must be greater than or equal to 0" },
	{ CLAIM("\"volumeMode\":\"Filesystem\""), "" },
	{ CLAIM("\"dataSource\":{\"kind\":\"VolumeSnapshot\",\"name\":\"s\"}"),
	  "spec.dataSource: Invalid value: \"VolumeSnapshot\": must be 'PersistentVolumeClaim' when referencing the "
	  "default "
	  "apiGroup" },
	{ "PersistentVolumeClaim",
	  "{\"spec\":{\"accessModes\":[\"ReadWriteOnce\"],\"resources\":{\"requests\":{\"storage\":\"0\"}}}}",
	  "spec.resources[storage]: Invalid value: \"0\": must be greater than zero" },
	/* tolerations and selectors */
	{ POD("\"tolerations\":[{\"operator\":\"Exists\"}]"), "" },
	{ POD("\"tolerations\":[{\"effect\":\"NoExecute\"}]"),
	  "spec.tolerations[0].operator: Invalid value: \"\": operator must be Exists when `key` is empty, which means "
	  "\"match "
	  "all values and all keys\"" },
	{ "NetworkPolicy", "{\"spec\":{\"podSelector\":{\"matchExpressions\":[{\"key\":\"a\",\"operator\":\"In\"}]}}}",
	  "spec.podSelector.matchExpressions[0].values: Required value: must be specified when `operator` is 'In' or "
	  "'NotIn'" },
	{ "NetworkPolicy", "{\"spec\":{\"podSelector\":{\"matchExpressions\":[{\"key\":\"a\",\"operator\":\"Near\"}]}}}",
	  "spec.podSelector.matchExpressions[0].operator: Invalid value: \"Near\": not a valid selector operator" },
	/* networks */
	{ POLICY("\"from\":[{\"ipBlock\":{\"cidr\":\"10.0.0.0/8\",\"except\":[\"10.1.0.0/16\"]}}]"), "" },
	{ POLICY("\"from\":[{\"ipBlock\":{\"cidr\":\"10.0.0.0/8\",\"except\":[\"11.0.0.0/16\"]}}]"),
	  "spec.ingress[0].from[0].ipBlock.except[0]: Invalid value: \"11.0.0.0/16\": must be a strict subset of `cidr`" },
	{ POLICY("\"from\":[{\"ipBlock\":{\"cidr\":\"10.0.0.0/8\",\"except\":[\"10.0.0.0/8\"]}}]"),
	  "spec.ingress[0].from[0].ipBlock.except[0]: Invalid value: \"10.0.0.0/8\": must be a strict subset of `cidr`" },
	{ POLICY("\"from\":[{\"ipBlock\":{\"cidr\":\"2001:db8::/33\",\"except\":[\"2001:db8:8000::/34\"]}}]"),
	  "spec.ingress[0].from[0].ipBlock.except[0]: Invalid value: \"2001:db8:8000::/34\": must be a strict subset of "
	  "`cidr`" },
	{ POLICY("\"from\":[{\"ipBlock\":{\"cidr\":\"10.0.0.1\"}}]"),
	  "spec.ingress[0].from[0].ipBlock.cidr: Invalid value: \"10.0.0.1\": not a valid CIDR" },
	{ POLICY("\"from\":[{}]"), "spec.ingress[0].from[0]: Required value: must specify a peer" },
	{ POLICY("\"ports\":[{\"port\":80,\"endPort\":79}]"),
	  "spec.ingress[0].ports[0].endPort: Invalid value: 80: must be greater than or equal to `port`" },
	{ BACKEND("\"service\":{\"name\":\"s\",\"port\":{\"number\":80}}"), "" },
	{ BACKEND("\"service\":{\"name\":\"s\",\"port\":{}}"),
	  "spec.defaultBackend: Required value: port name or number is required" },
	{ BACKEND(""), "spec.defaultBackend: Invalid value: \"\": resource or service backend is required" },
	/* autoscalers */
	{ METRIC("\"type\":\"Resource\",\"resource\":{\"name\":\"cpu\",\"target\":{\"type\":\"Utilization\","
	         "\"averageUtilization\":"
	         "50}}"),
	  "" },
	{ METRIC("\"type\":\"Resource\",\"resource\":{\"name\":\"cpu\",\"target\":{\"type\":\"Utilization\"}}"),
	  "spec.metrics[0].resource.target.averageUtilization: Required value: must set either a target raw value or a "
	  "target "
	  "utilization" },
	{ METRIC("\"type\":\"Pods\""),
	  "spec.metrics[0].pods: Required value: must populate information for the given metric source" },
};

static char *told(const char *kind, const char *object)
{
	const char *const GROUPS[] = { "", "networking.k8s.io", "policy", "autoscaling" };
	const struct kinds_kind *k = NULL;
	_cleanup_json_ json_t *v = json_parse(object, strlen(object), 0, NULL);
	_cleanup_err_ struct err err = { 0 };
	struct buf text = BUF_INIT(65536);

	for (size_t i = 0; !k && i < ARRAY_SIZE(GROUPS); i++)
		k = kinds_find(GROUPS[i], strcmp(GROUPS[i], "autoscaling") == 0 ? "v2" : NULL, kind);
	if (!k || !v)
		fail_msg("%s: no such kind, or not JSON: %s", kind, object);
	kinds_check(&KINDS_MESSAGES[k->message], v, &err);
	for (size_t i = 0; i < err.causes_len; i++)
		buf_printf(&text, "%s%s: %s", i ? "\n" : "", err.causes[i].field, err.causes[i].message);
	buf_puts(&text, "");
	return buf_steal(&text);
}

static void test_rules_are_told_in_kubernetes_words(void **state _unused_)
{
	for (size_t i = 0; i < ARRAY_SIZE(CASES); i++) {
		_cleanup_free_ char *text = told(CASES[i].kind, CASES[i].object);
		if (strcmp(text, CASES[i].wanted) != 0)
			fail_msg("%s\n told:   %s\n wanted: %s", CASES[i].object, text, CASES[i].wanted);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_rules_are_told_in_kubernetes_words) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
