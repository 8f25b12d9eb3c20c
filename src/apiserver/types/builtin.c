#include "builtin.h"

#include "base/str.h"
#include "builtin_types.h"
#include "kinds/kinds.h"

#include <string.h>

static const struct {
	const char *resource;
	const struct api_strategy *strategy;
} STRATEGIES[] = {
	{ "/namespaces", &STRATEGY_NAMESPACE },
	{ "/secrets", &STRATEGY_SECRET },
	{ "/configmaps", &STRATEGY_CONFIGMAP },
	{ "/serviceaccounts", &STRATEGY_SERVICE_ACCOUNT },
	{ "/events", &STRATEGY_EVENT },
	{ "/pods", &STRATEGY_POD },
	{ "/podtemplates", &STRATEGY_POD_TEMPLATE },
	{ "/replicationcontrollers", &STRATEGY_REPLICATION_CONTROLLER },
	{ "/services", &STRATEGY_SERVICE },
	{ "/persistentvolumes", &STRATEGY_VOLUME },
	{ "/persistentvolumeclaims", &STRATEGY_CLAIM },
	{ "/nodes", &STRATEGY_NODE },
	{ "/resourcequotas", &STRATEGY_RESOURCE_QUOTA },
	{ "/limitranges", &STRATEGY_LIMIT_RANGE },
	{ "admissionregistration.k8s.io/validatingwebhookconfigurations", &STRATEGY_WEBHOOKS },
	{ "admissionregistration.k8s.io/mutatingwebhookconfigurations", &STRATEGY_WEBHOOKS },
	{ "apps/deployments", &STRATEGY_DEPLOYMENT },
	{ "apps/replicasets", &STRATEGY_REPLICA_SET },
	{ "apps/daemonsets", &STRATEGY_DAEMON_SET },
	{ "apps/statefulsets", &STRATEGY_STATEFUL_SET },
	{ "autoscaling/horizontalpodautoscalers", &STRATEGY_AUTOSCALER },
	{ "batch/jobs", &STRATEGY_JOB },
	{ "certificates.k8s.io/certificatesigningrequests", &STRATEGY_CERTIFICATE_REQUEST },
	{ "batch/cronjobs", &STRATEGY_CRON_JOB },
	{ "networking.k8s.io/ingresses", &STRATEGY_INGRESS },
	{ "networking.k8s.io/networkpolicies", &STRATEGY_NETWORK_POLICY },
	{ "policy/poddisruptionbudgets", &STRATEGY_DISRUPTION_BUDGET },
	{ "rbac.authorization.k8s.io/roles", &STRATEGY_ROLE },
	{ "rbac.authorization.k8s.io/clusterroles", &STRATEGY_CLUSTER_ROLE },
	{ "rbac.authorization.k8s.io/rolebindings", &STRATEGY_ROLE_BINDING },
	{ "rbac.authorization.k8s.io/clusterrolebindings", &STRATEGY_CLUSTER_ROLE_BINDING },
	{ "scheduling.k8s.io/priorityclasses", &STRATEGY_PRIORITY_CLASS },
	{ "storage.k8s.io/storageclasses", &STRATEGY_STORAGE_CLASS },
	{ "events.k8s.io/events", &STRATEGY_EVENT },
	{ "coordination.k8s.io/leases", &STRATEGY_LEASE },
	{ "apiextensions.k8s.io/customresourcedefinitions", &STRATEGY_CRD },
	{ "authorization.k8s.io/subjectaccessreviews", &STRATEGY_SUBJECT_ACCESS_REVIEW },
	{ "authorization.k8s.io/localsubjectaccessreviews", &STRATEGY_SUBJECT_ACCESS_REVIEW },
	{ "authorization.k8s.io/selfsubjectaccessreviews", &STRATEGY_SELF_SUBJECT_ACCESS_REVIEW },
	{ "authorization.k8s.io/selfsubjectrulesreviews", &STRATEGY_SELF_SUBJECT_RULES_REVIEW },
	{ "authentication.k8s.io/selfsubjectreviews", &STRATEGY_SELF_SUBJECT_REVIEW },
	{ "authentication.k8s.io/tokenreviews", &STRATEGY_TOKEN_REVIEW },
};

/* The same objects in another group: stored once. */
static void make_view_of_events(struct api_type *t)
{
	struct api_version *v = &t->versions[t->storage];

	free(t->resource);
	t->resource = xstrdup("/events");
	t->stored_as = "v1";
	v->from_storage = event_to_events_v1;
	v->to_storage = event_from_events_v1;
	v->selectable = strv_free(v->selectable); /* the strategy knows them, in both forms */
}

/* autoscaling/v1 is a view of v2, which is stored. */
static void make_views_of_autoscalers(struct api_type *t)
{
	for (size_t i = 0; i < t->versions_len; i++)
		if (strcmp(t->versions[i].name, "v1") == 0) {
			t->versions[i].from_storage = autoscaler_to_v1;
			t->versions[i].to_storage = autoscaler_from_v1;
		}
}

/* Kinds that differ in their rules only: by KINDS_UNCONDITIONAL_UPDATE … KINDS_ANY_NAME. */
#define PLAIN(bits)                                                                                                   \
	{                                                                                                                 \
		.unconditional_update = (bits)&1, .create_on_update = (bits)&2, .generation = (bits)&4, .name_any = (bits)&8, \
	}
static const struct api_strategy PLAIN_STRATEGIES[] = {
	PLAIN(0), PLAIN(1), PLAIN(2),  PLAIN(3),  PLAIN(4),  PLAIN(5),  PLAIN(6),  PLAIN(7),
	PLAIN(8), PLAIN(9), PLAIN(10), PLAIN(11), PLAIN(12), PLAIN(13), PLAIN(14), PLAIN(15),
};

static const struct api_strategy *strategy_of(const char *resource, unsigned flags)
{
	for (size_t i = 0; i < ARRAY_SIZE(STRATEGIES); i++)
		if (strcmp(resource, STRATEGIES[i].resource) == 0)
			return STRATEGIES[i].strategy;
	return &PLAIN_STRATEGIES[flags / KINDS_UNCONDITIONAL_UPDATE % ARRAY_SIZE(PLAIN_STRATEGIES)];
}

/* A kind, and the other versions of its resource that follow it in the table. */
static int register_kind(struct registry *r, struct kinds_schemas *schemas, const struct kinds_kind *k, struct err *err)
{
	_cleanup_(api_type_unrefp) struct api_type *t = builtin_type_new(k);

	for (const struct kinds_kind *v = k; v < KINDS + KINDS_LEN; v++)
		if (v->group == k->group && v->plural == k->plural &&
		    builtin_add_version(t, v, kinds_schemas_of(schemas, v), err) < 0)
			return -1;
	builtin_sort_versions(t);
	t->strategy = strategy_of(t->resource, k->flags);
	if (strcmp(t->resource, "events.k8s.io/events") == 0)
		make_view_of_events(t);
	else if (strcmp(t->resource, "autoscaling/horizontalpodautoscalers") == 0)
		make_views_of_autoscalers(t);
	registry_put(r, TAKE_PTR(t));
	return 0;
}

static bool is_further_version(const struct kinds_kind *k)
{
	for (const struct kinds_kind *before = KINDS; before < k; before++)
		if (before->group == k->group && before->plural == k->plural)
			return true;
	return false;
}

static int register_scale(struct registry *r, struct kinds_schemas *schemas, struct err *err)
{
	const struct kinds_kind *k = kinds_find("autoscaling", "v1", "Scale");
	_cleanup_(api_type_unrefp) struct api_type *t = k ? builtin_type_new(k) : NULL;

	if (!k || builtin_add_version(t, k, kinds_schemas_of(schemas, k), err) < 0)
		return k ? -1 : err_set(err, ERR_INTERNAL, "there is no kind Scale");
	t->strategy = strategy_of(t->resource, k->flags);
	registry_put_scale(r, TAKE_PTR(t));
	return 0;
}

static int register_kinds(struct registry *r, struct err *err)
{
	struct kinds_schemas *schemas = kinds_schemas_new();
	int result = register_scale(r, schemas, err);

	for (const struct kinds_kind *k = KINDS; k < KINDS + KINDS_LEN && result == 0; k++)
		if (!(k->flags & KINDS_HIDDEN) && !is_further_version(k))
			result = register_kind(r, schemas, k, err);
	kinds_schemas_unref(schemas);
	return result;
}

/* CustomResourceDefinitions themselves, whose schema is a schema of schemas. */
static int register_definitions(struct registry *r, struct err *err)
{
	_cleanup_json_ json_t *types = builtin_types_load(err);
	size_t i;
	json_t *spec;

	if (!types)
		return -1;
	json_array_foreach (types, i, spec) {
		struct api_type *t = registry_type_from_spec(spec, true, err);
		if (!t)
			return err_wrap(err, "built-in type %zu", i);
		t->strategy = strategy_of(t->resource, 0);
		registry_put(r, t);
	}
	return 0;
}

int builtin_register(struct registry *r, struct err *err)
{
	return register_kinds(r, err) < 0 ? -1 : register_definitions(r, err);
}
