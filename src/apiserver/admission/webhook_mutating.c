/* Mutating webhooks: one after another, each seeing what those before it made; those that asked for it once more when
 * a later one changed something. */
#include "base/clock.h"
#include "base/str.h"
#include "codec/base64.h"
#include "codec/patch.h"
#include "types/builtin.h"
#include "webhook.h"

#define PREFIX "mutation.webhook.admission.k8s.io/"
#define PATCH_PREFIX "patch.webhook.admission.k8s.io/"

/* The state of one request's way through the hooks. */
struct pass {
	struct admission *ad;
	struct admission_attributes *a;
	const struct webhook_set *set;
	unsigned round;
	bool *called; /* by hook: ran and wants to run again after changes by others */
	bool *again;  /* by hook: somebody changed the object since */
	bool any_again;
	bool changed;
};

/* ---- patches ---- */

static json_t *read_patch(const char *text, struct err *err)
{
	size_t len;
	_cleanup_free_ char *raw = base64_decode(text, strlen(text), &len);

	if (!raw) {
		err_set(err, ERR_BAD_REQUEST, "illegal base64 data in the patch");
		return NULL;
	}
	return json_parse(raw, len, 0, err);
}

/* Defaults and pruning of the version the hook speaks. */
static int reshape(const struct admission_attributes *a, const struct webhook_match *m, json_t *obj, struct err *err)
{
	const struct api_version *v = m->version;

	if (a->kind)
		return 0;
	if (v->message && builtin_normalize(m->type, v, obj, err) < 0)
		return -1;
	if (v->schema && !v->message)
		schema_default(v->schema, obj);
	if (v->schema)
		schema_prune(v->schema, obj, NULL);
	return 0;
}

/* *ret: the new object in the request's version, or NULL when the patch changes nothing. */
static int apply_patch(const struct pass *p, const struct webhook *hook, const struct webhook_match *m,
                       const struct webhook_call_outcome *o, const json_t *patch, json_t **ret, struct err *err)
{
	*ret = NULL;
	if (json_is_array(patch) && json_array_size(patch) == 0)
		return 0;
	if (!o->object)
		return err_set(err, ERR_INTERNAL,
		               "admission webhook \"%s\" attempted to modify the object, which is not supported for this "
		               "operation",
		               hook->name);
	_cleanup_json_ json_t *patched = json_patch_apply(o->object, patch, err);
	if (!patched)
		return -1;
	if (!json_is_object(patched))
		return err_set(err, ERR_INTERNAL, "the patch does not leave an object");
	if (reshape(p->a, m, patched, err) < 0)
		return -1;
	if (json_same(patched, o->object))
		return 0;
	if (webhook_convert_back(p->ad, p->a, m, &patched, err) < 0)
		return -1;
	*ret = TAKE_PTR(patched);
	return 0;
}

/* ---- audit ---- */

static void annotate(const struct pass *p, size_t i, const struct webhook *hook, bool mutated, const json_t *patch)
{
	_cleanup_free_ char *key = xasprintf("%sround_%u_index_%zu", PREFIX, p->round, i);
	_cleanup_json_ json_t *v = json_object();

	json_put_str(v, "configuration", hook->configuration);
	json_put_str(v, "webhook", hook->name);
	json_put_bool(v, "mutated", mutated);
	_cleanup_free_ char *text = json_to_str(v);
	admission_annotate(p->a, key, json_string(text));
	if (!mutated)
		return;
	_cleanup_free_ char *patch_key = xasprintf("%sround_%u_index_%zu", PATCH_PREFIX, p->round, i);
	_cleanup_json_ json_t *pv = json_object();
	json_put_str(pv, "configuration", hook->configuration);
	json_put_str(pv, "webhook", hook->name);
	json_put(pv, "patch", json_incref(json_unconst(patch)));
	json_put_str(pv, "patchType", "JSONPatch");
	_cleanup_free_ char *patch_text = json_to_str(pv);
	admission_annotate(p->a, patch_key, json_string(patch_text));
}

static int fail_open(const struct pass *p, size_t i, const struct webhook *hook, const struct err *failed,
                     struct err *err)
{
	_cleanup_free_ char *key = xasprintf("failed-open.mutation.webhook.admission.k8s.io/round_%u_index_%zu", p->round,
	                                     i);

	log_warn(p->ad->config.log, "failing open: %s", err_message(failed));
	admission_annotate(p->a, key, json_string(hook->name));
	if (clock_mono_ns() < p->a->deadline_ns)
		return 0;
	return err_set(err, ERR_TIMEOUT, "request did not complete within requested timeout");
}

/* ---- the hooks ---- */

static void note_change(struct pass *p, size_t i)
{
	p->changed = true;
	for (size_t k = 0; k < p->set->len; k++)
		if (p->called[k] && k != i) {
			p->again[k] = true;
			p->called[k] = false;
			p->any_again = true;
		}
}

static int take_patch(struct pass *p, size_t i, const struct webhook *hook, const struct webhook_match *m,
                      struct webhook_call_outcome *o, struct err *err)
{
	_cleanup_err_ struct err broken = { 0 };
	_cleanup_json_ json_t *patch = o->verdict.patch ? read_patch(o->verdict.patch, &broken) : NULL, *next = NULL;

	if (patch)
		apply_patch(p, hook, m, o, patch, &next, &broken);
	if (err_is_set(&broken)) {
		o->result = WEBHOOK_BROKEN;
		o->denial = webhook_internal_error(err_message(&broken));
		return webhook_call_refuse(hook, o, p->a, err);
	}
	annotate(p, i, hook, next != NULL, patch);
	if (next) {
		json_decref(p->a->object);
		p->a->object = TAKE_PTR(next);
		note_change(p, i);
	}
	return 0;
}

static int run_hook(struct pass *p, size_t i, const struct webhook *hook, const struct webhook_match *m,
                    struct err *err)
{
	_cleanup_(webhook_call_outcome_clear) struct webhook_call_outcome o = { 0 };

	webhook_call_run(p->ad, hook, true, p->a, m, &o);
	webhook_call_report(hook, &o, p->a);
	if (o.result == WEBHOOK_FAILED && hook->fail_open)
		return fail_open(p, i, hook, &o.err, err);
	if (o.result != WEBHOOK_ALLOWED)
		return webhook_call_refuse(hook, &o, p->a, err);
	if (take_patch(p, i, hook, m, &o, err) < 0)
		return -1;
	p->called[i] = hook->reinvoke;
	return 0;
}

static int run_round(struct pass *p, struct err *err)
{
	for (size_t i = 0; i < p->set->len; i++) {
		const struct webhook *hook = p->set->hooks[i];
		struct webhook_match m = { 0 };
		if (p->round > 0 && !p->again[i])
			continue;
		int r = webhook_match(p->ad, hook, p->a, &m, err);
		if (r > 0)
			r = run_hook(p, i, hook, &m, err);
		webhook_match_clear(&m);
		if (r < 0)
			return -1;
	}
	return 0;
}

static int mutate(struct admission *ad, struct admission_attributes *a, bool *ret_changed, struct err *err)
{
	_cleanup_(webhook_set_unrefp) struct webhook_set *set = webhook_index_get(ad->webhooks, true);

	if (set->len == 0)
		return 0;
	_cleanup_free_ bool *called = xcalloc(set->len, sizeof(bool)), *again = xcalloc(set->len, sizeof(bool));
	struct pass p = { .ad = ad, .a = a, .set = set, .called = called, .again = again };
	int r = run_round(&p, err);
	if (r == 0 && p.any_again) {
		p.round = 1;
		r = run_round(&p, err);
	}
	*ret_changed = *ret_changed || p.changed;
	return r;
}

const struct admission_plugin ADMISSION_MUTATING_WEBHOOKS = { .name = "MutatingAdmissionWebhook", .mutate = mutate };
