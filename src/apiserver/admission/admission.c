#include "admission.h"

#include "base/str.h"
#include "webhook.h"

/* The order is Kubernetes': all that changes goes before all that only judges. ValidatingAdmissionPolicy belongs
 * between the two kinds of webhooks. Quotas come last of all and are not here, because only the committer can count
 * (quota.h). */
static const struct admission_plugin *const CHAIN[] = {
	&ADMISSION_MUTATING_WEBHOOKS,
	&ADMISSION_VALIDATING_WEBHOOKS,
};

int admission_start(const struct admission_config *config, struct admission **ret, struct err *err)
{
	struct admission *ad = new0(struct admission);

	ad->config = *config;
	if (config->metrics) {
		ad->calls = metrics_counter(config->metrics, "apiserver_admission_webhook_request_total",
		                            "Calls of admission webhooks by their outcome: allowed, denied or failed.",
		                            "name,type,operation,outcome");
		ad->call_seconds = metrics_histogram(config->metrics, "apiserver_admission_webhook_admission_duration_seconds",
		                                     "Duration of calls of admission webhooks.", "name,type", NULL, 0);
	}
	if (webhook_index_start(config->store, config->log, &ad->webhooks, err) < 0) {
		free(ad);
		return -1;
	}
	*ret = ad;
	return 0;
}

void admission_cancel(struct admission *ad)
{
	if (ad)
		atomic_store(&ad->cancelled, true);
}

struct admission *admission_free(struct admission *ad)
{
	if (!ad)
		return NULL;
	webhook_index_stop(ad->webhooks);
	free(ad);
	return NULL;
}

void admission_attributes_clear(struct admission_attributes *a)
{
	a->warnings = strv_free(a->warnings);
	json_decref(a->annotations);
	json_decref(a->denial);
	json_decref(a->object);
	a->annotations = a->denial = a->object = NULL;
}

void admission_warn(struct admission_attributes *a, const char *text)
{
	strv_push(&a->warnings, text);
}

void admission_annotate(struct admission_attributes *a, const char *key, json_t *value)
{
	if (!a->annotations)
		a->annotations = json_object();
	json_put(a->annotations, key, value);
}

bool admission_may_concern(struct admission *ad, const struct api_type *t, unsigned operations)
{
	return webhook_index_may_concern(ad->webhooks, t, operations);
}

int admission_mutate(struct admission *ad, struct admission_attributes *a, bool *ret_changed, struct err *err)
{
	*ret_changed = false;
	for (size_t i = 0; i < ARRAY_SIZE(CHAIN); i++)
		if (CHAIN[i]->mutate && CHAIN[i]->mutate(ad, a, ret_changed, err) < 0)
			return -1;
	return 0;
}

int admission_validate(struct admission *ad, struct admission_attributes *a, struct err *err)
{
	for (size_t i = 0; i < ARRAY_SIZE(CHAIN); i++)
		if (CHAIN[i]->validate && CHAIN[i]->validate(ad, a, err) < 0)
			return -1;
	return 0;
}
