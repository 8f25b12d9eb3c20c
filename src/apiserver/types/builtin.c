#include "builtin.h"

#include "base/str.h"
#include "builtin_types.h"

static const struct {
	const char *resource;
	const struct api_strategy *strategy;
} STRATEGIES[] = {
	{ "/namespaces", &STRATEGY_NAMESPACE },
	{ "/secrets", &STRATEGY_SECRET },
	{ "/configmaps", &STRATEGY_CONFIGMAP },
	{ "/serviceaccounts", &STRATEGY_SERVICE_ACCOUNT },
	{ "/events", &STRATEGY_EVENT },
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

static int register_one(struct registry *r, const json_t *spec, struct err *err)
{
	struct api_type *t = registry_type_from_spec(spec, true, err);

	if (!t)
		return -1;
	for (size_t i = 0; i < ARRAY_SIZE(STRATEGIES); i++)
		if (strcmp(t->resource, STRATEGIES[i].resource) == 0)
			t->strategy = STRATEGIES[i].strategy;
	if (strcmp(t->resource, "events.k8s.io/events") == 0)
		make_view_of_events(t);
	else if (strcmp(t->resource, "/events") == 0)
		t->versions[t->storage].selectable = strv_free(t->versions[t->storage].selectable);
	registry_put(r, t);
	return 0;
}

int builtin_register(struct registry *r, struct err *err)
{
	_cleanup_json_ json_t *types = builtin_types_load(err);
	size_t i;
	json_t *spec;

	if (!types)
		return -1;
	json_array_foreach (types, i, spec)
		if (register_one(r, spec, err) < 0)
			return err_wrap(err, "built-in type %zu", i);
	return 0;
}
