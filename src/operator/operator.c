/* The parts of the operator, and how they are wired. */

#include "operator/operator.h"

#include "base/clock.h"
#include "base/str.h"
#include "cloud_provider.h"
#include "deployment.h"

#define SYNC_TIMEOUT_NS (30 * NS_PER_S)
#define POLL_DEFAULT_NS (60 * NS_PER_S)

/* A CloudProvider wakes the Deployments that name it. */
static void map_provider(void *self, const json_t *provider, char ***keys)
{
	struct operator_ *op = self;
	_cleanup_free_ char *value = kube_key_str(kube_namespace(provider), kube_name(provider));
	_cleanup_json_ json_t *using = kube_informer_by_index(op->deployments, "provider", value);
	size_t i;
	json_t *deployment;
	json_array_foreach (using, i, deployment) {
		_cleanup_free_ char *key = kube_key_str(kube_namespace(deployment), kube_name(deployment));
		strv_push(keys, key);
	}
}

static void index_by_provider(const json_t *deployment, char ***values)
{
	const char *name = json_get_str(kube_spec(deployment), "cloudProvider");
	_cleanup_free_ char *value = kube_key_str(kube_namespace(deployment), str_empty(name) ? "local" : name);
	strv_push(values, value);
}

/* A deleted "local" CloudProvider wakes its namespace, which makes it anew. */
static void map_to_namespace(void *self _unused_, const json_t *provider, char ***keys)
{
	if (str_eq(kube_name(provider), "local"))
		strv_push(keys, kube_namespace(provider));
}

static struct kube_informer *new_informer(struct operator_ *op, const struct kube_type *type)
{
	return kube_informer_new(&(struct kube_informer_config){
		.client = op->config.client,
		.type = type,
		.log = op->config.log,
		.metrics = op->config.metrics,
	});
}

static struct kube_controller *new_controller(struct operator_ *op, const char *name, kube_reconcile reconcile,
                                              int workers)
{
	return kube_controller_new(&(struct kube_controller_config){
		.name = name,
		.workers = workers,
		.reconcile = reconcile,
		.self = op,
		.log = op->config.log,
		.metrics = op->config.metrics,
	});
}

static void make_informers(struct operator_ *op)
{
	op->deployments = new_informer(op, &SCIA_DEPLOYMENT);
	op->revisions = new_informer(op, &SCIA_REVISION);
	op->infrastructures = op->config.infrastructures ? op->config.infrastructures
	                                                 : new_informer(op, &SCIA_INFRASTRUCTURE);
	op->providers = new_informer(op, &SCIA_PROVIDER);
	kube_informer_add_index(op->revisions, "owner", kube_index_by_owner);
	kube_informer_add_index(op->deployments, "provider", index_by_provider);
	if (op->config.make_local_providers)
		op->namespaces = new_informer(op, &KUBE_NAMESPACE);
}

static void make_controllers(struct operator_ *op)
{
	op->deployment_controller = new_controller(op, "deployments", deployment_reconcile,
	                                           op->config.workers ? op->config.workers : 4);
	kube_controller_watch(op->deployment_controller, op->deployments);
	kube_controller_watch_owned(op->deployment_controller, op->infrastructures, &SCIA_DEPLOYMENT);
	kube_controller_watch_mapped(op->deployment_controller, op->providers, map_provider, op);
	op->provider_controller = new_controller(op, "cloudproviders", cloud_provider_reconcile, 1);
	kube_controller_watch(op->provider_controller, op->providers);
	if (op->namespaces) {
		op->tenant_controller = new_controller(op, "tenants", tenant_reconcile, 1);
		kube_controller_watch(op->tenant_controller, op->namespaces);
		kube_controller_watch_mapped(op->tenant_controller, op->providers, map_to_namespace, op);
	}
}

static void make_metrics(struct operator_ *op)
{
	struct metrics *m = op->config.metrics;
	if (!m)
		return;
	op->deployments_total = metrics_counter(m, "scia_deployments_total", "Rollouts of revisions that ended.",
	                                        "strategy,framework,outcome");
	op->deployment_seconds = metrics_histogram(m, "scia_deployment_duration_seconds", "From decision to running.",
	                                           "strategy",
	                                           (const double[]){ 0.5, 1, 2, 5, 10, 30, 60, 120, 300, 600, 1800 }, 11);
	op->decision_confidence = metrics_gauge(m, "scia_decision_confidence", "Confidence of the last decision.",
	                                        "strategy");
	op->drift_total = metrics_counter(m, "scia_drift_total", "Differences found between what is and what was declared.",
	                                  "kind");
}

static struct kube_informer **informers_of(struct operator_ *op, struct kube_informer *list[static 6])
{
	size_t n = 0;
	list[n++] = op->deployments;
	list[n++] = op->revisions;
	list[n++] = op->infrastructures;
	list[n++] = op->providers;
	if (op->namespaces)
		list[n++] = op->namespaces;
	list[n] = NULL;
	return list;
}

static int start_informers(struct operator_ *op, struct err *err)
{
	struct kube_informer *list[6];
	int64_t deadline = clock_mono_ns() + SYNC_TIMEOUT_NS;
	for (struct kube_informer **i = informers_of(op, list); *i; i++) {
		if (kube_informer_start(*i, err) < 0)
			return -1;
	}
	for (struct kube_informer **i = informers_of(op, list); *i; i++) {
		if (!kube_informer_wait_synced(*i, deadline))
			return err_set(err, ERR_TIMEOUT,
			               "starting the operator: the API server did not list SCIA's types within 30 s; are its CRDs "
			               "installed (kubectl apply -f api/crds)?");
	}
	return 0;
}

static int start_controllers(struct operator_ *op, struct err *err)
{
	struct kube_controller *const list[] = { op->deployment_controller, op->provider_controller,
		                                     op->tenant_controller };
	for (size_t i = 0; i < ARRAY_SIZE(list); i++) {
		if (list[i] && kube_controller_start(list[i], err) < 0)
			return -1;
	}
	return 0;
}

int operator_start(const struct operator_config *config, struct operator_ **ret, struct err *err)
{
	struct operator_ *op = new0(struct operator_);
	op->config = *config;
	op->config.poll_ns = config->poll_ns ? config->poll_ns : POLL_DEFAULT_NS;
	op->data_dir = xstrdup(config->data_dir);
	op->config.data_dir = op->data_dir;
	struct source_cache_config sources = {
		.client = config->client,
		.data_dir = op->data_dir,
		.allow_local = config->allow_local_repositories,
		.poll_ns = op->config.poll_ns / 2,
	};
	struct decision_engine_config decisions = { .rules_path = config->rules_path };
	int r = decision_engine_new(&decisions, &op->decisions, err);
	if (r == 0)
		r = source_cache_new(&sources, &op->sources, err);
	if (r == 0) {
		make_metrics(op);
		make_informers(op);
		make_controllers(op);
		r = start_informers(op, err);
	}
	if (r == 0)
		r = start_controllers(op, err);
	if (r < 0) {
		operator_stop(op);
		return r;
	}
	*ret = op;
	return 0;
}

bool operator_is_ready(struct operator_ *op)
{
	struct kube_informer *list[6];
	for (struct kube_informer **i = informers_of(op, list); *i; i++) {
		if (!kube_informer_wait_synced(*i, 0))
			return false;
	}
	return true;
}

struct operator_ *operator_stop(struct operator_ *op)
{
	if (!op)
		return NULL;
	/* Controllers first: they look into the informers. */
	kube_controller_stop(op->deployment_controller);
	kube_controller_stop(op->provider_controller);
	kube_controller_stop(op->tenant_controller);
	/* The threads of the others look into the Deployments. */
	kube_informer_stop(op->providers);
	kube_informer_stop(op->namespaces);
	kube_informer_stop(op->revisions);
	if (!op->config.infrastructures)
		kube_informer_stop(op->infrastructures);
	kube_informer_stop(op->deployments);
	source_cache_free(op->sources);
	decision_engine_free(op->decisions);
	free(op->data_dir);
	free(op);
	return NULL;
}
