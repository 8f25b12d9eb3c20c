/* Validating webhooks: all at once, since none changes anything. The first in order that objects is told. */
#include "base/clock.h"
#include "base/str.h"
#include "base/thread.h"
#include "webhook.h"

#define PARALLEL_MAX 16 /* calls of one request at a time */

struct one {
	struct admission *ad;
	const struct admission_attributes *a;
	const struct webhook *hook;
	size_t index;
	struct webhook_match match;
	struct webhook_call_outcome outcome;
	pthread_t thread;
	bool has_thread;
};

static void *run_one(void *arg)
{
	struct one *o = arg;

	webhook_call_run(o->ad, o->hook, false, o->a, &o->match, &o->outcome);
	return NULL;
}

/* The last one, and whatever gets no thread, on the caller's. */
static void run_some(struct one *list, size_t len)
{
	for (size_t i = 0; i + 1 < len; i++)
		list[i].has_thread = thread_start(&list[i].thread, "api-webhook", run_one, &list[i], NULL) == 0;
	for (size_t i = 0; i < len; i++)
		if (!list[i].has_thread)
			run_one(&list[i]);
	for (size_t i = 0; i < len; i++)
		if (list[i].has_thread)
			pthread_join(list[i].thread, NULL);
}

static int judge(struct one *o, struct admission_attributes *a, struct err *err)
{
	webhook_call_report(o->hook, &o->outcome, a);
	if (o->outcome.result == WEBHOOK_ALLOWED)
		return 0;
	if (o->outcome.result != WEBHOOK_FAILED || !o->hook->fail_open)
		return webhook_call_refuse(o->hook, &o->outcome, a, err);
	_cleanup_free_ char *key = xasprintf("failed-open.validating.webhook.admission.k8s.io/round_0_index_%zu", o->index);
	log_warn(o->ad->config.log, "failing open: %s", err_message(&o->outcome.err));
	admission_annotate(a, key, json_string(o->hook->name));
	if (clock_mono_ns() < a->deadline_ns)
		return 0;
	return err_set(err, ERR_TIMEOUT, "request did not complete within requested timeout");
}

/* The hooks that are to be called; negative when one cannot tell. */
static int choose(struct admission *ad, const struct webhook_set *set, const struct admission_attributes *a,
                  struct one *list, size_t *ret_len, struct err *err)
{
	for (size_t i = 0; i < set->len; i++) {
		struct one *o = &list[*ret_len];
		int r = webhook_match(ad, set->hooks[i], a, &o->match, err);
		if (r < 0)
			return -1;
		if (r == 0)
			continue;
		o->ad = ad;
		o->a = a;
		o->hook = set->hooks[i];
		o->index = i;
		(*ret_len)++;
	}
	return 0;
}

static int validate(struct admission *ad, struct admission_attributes *a, struct err *err)
{
	_cleanup_(webhook_set_unrefp) struct webhook_set *set = webhook_index_get(ad->webhooks, false);

	if (set->len == 0)
		return 0;
	_cleanup_free_ struct one *list = xcalloc(set->len, sizeof(*list));
	size_t len = 0;
	int r = choose(ad, set, a, list, &len, err);
	for (size_t i = 0; r == 0 && i < len; i += PARALLEL_MAX)
		run_some(list + i, len - i < PARALLEL_MAX ? len - i : PARALLEL_MAX);
	for (size_t i = 0; i < len; i++) {
		if (r == 0)
			r = judge(&list[i], a, err);
		webhook_call_outcome_clear(&list[i].outcome);
		webhook_match_clear(&list[i].match);
	}
	return r;
}

const struct admission_plugin ADMISSION_VALIDATING_WEBHOOKS = { .name = "ValidatingAdmissionWebhook",
	                                                            .validate = validate };
