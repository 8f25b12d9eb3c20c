/* CloudProviders are checked, and every tenant of the embedded shape gets one named "local". */

#include "cloud_provider.h"

#include "base/clock.h"
#include "base/str.h"
#include "kube/status.h"

static int write_ready(struct operator_ *op, struct kube_pass *pass, const json_t *provider, bool ready,
                       const char *reason, const char *message)
{
	_cleanup_json_ json_t *status = kube_status(provider) ? json_deep_copy(kube_status(provider)) : json_object();
	json_put_int(status, "observedGeneration", kube_generation(provider));
	kube_set_condition(status, "Ready", ready ? "True" : "False", reason, message, kube_generation(provider),
	                   clock_wall_ns());
	return kube_write_status(op->config.client, &SCIA_PROVIDER, op->providers, provider, status, NULL, pass->err);
}

int cloud_provider_reconcile(void *self, struct kube_pass *pass, const struct kube_key *key,
                             struct kube_result *result _unused_)
{
	struct operator_ *op = self;
	_cleanup_json_ json_t *provider = kube_informer_get(op->providers, key->ns, key->name);
	if (!provider || kube_is_deleting(provider))
		return 0;
	const char *type = json_get_str(kube_spec(provider), "type");
	if (str_eq(type, "local") || str_eq(type, "none"))
		return write_ready(op, pass, provider, true, "Available", "");
	_cleanup_free_ char *message = xasprintf("providers of type %s are not part of this version; local and none are",
	                                         type ? type : "");
	return write_ready(op, pass, provider, false, "Unsupported", message);
}

static bool is_tenant(const json_t *namespace)
{
	return str_eq(kube_name(namespace), "default") || str_eq(kube_label(namespace, "scia.io/tenant"), "true");
}

int tenant_reconcile(void *self, struct kube_pass *pass, const struct kube_key *key,
                     struct kube_result *result _unused_)
{
	struct operator_ *op = self;
	_cleanup_json_ json_t *namespace = kube_informer_get(op->namespaces, "", key->name);
	if (!namespace || kube_is_deleting(namespace) || !is_tenant(namespace))
		return 0;
	_cleanup_json_ json_t *known = kube_informer_get(op->providers, key->name, "local");
	if (known)
		return 0;
	_cleanup_json_ json_t *provider = kube_object_new(&SCIA_PROVIDER, key->name, "local");
	json_put(provider, "spec", json_pack("{s:s}", "type", "local"));
	if (kube_create(op->config.client, &SCIA_PROVIDER, provider, NULL, pass->err) < 0) {
		if (pass->err->kind != ERR_ALREADY_EXISTS)
			return err_wrap(pass->err, "creating the CloudProvider \"local\" of namespace %s", key->name);
		err_clear(pass->err);
	}
	return 0;
}
