/* One call of one webhook, from the object to a verdict. */
#include "base/clock.h"
#include "base/str.h"
#include "conversion/conversion.h"
#include "objects/object_meta.h"
#include "objects/object_view.h"
#include "webhook.h"

/* ---- versions ---- */

static int convert(const struct admission *ad, const struct api_type *from_type, const struct api_version *from,
                   const struct api_type *to_type, const struct api_version *to, json_t **obj, struct err *err)
{
	if (from_type->conversion)
		return conversion_run(from_type->conversion, ad->config.store, to->api_version, obj, 1, err);
	object_to_storage(from_type, from, *obj);
	object_from_storage(to_type, to, *obj);
	return 0;
}

int webhook_convert(const struct admission *ad, const struct admission_attributes *a, const struct webhook_match *m,
                    const json_t *obj, json_t **ret, struct err *err)
{
	_cleanup_json_ json_t *copy = json_clone(obj);

	if (copy && !a->kind && m->version != a->version &&
	    convert(ad, a->type, a->version, m->type, m->version, &copy, err) < 0)
		return -1;
	*ret = TAKE_PTR(copy);
	return 0;
}

int webhook_convert_back(const struct admission *ad, const struct admission_attributes *a,
                         const struct webhook_match *m, json_t **obj, struct err *err)
{
	if (a->kind || m->version == a->version)
		return 0;
	return convert(ad, m->type, m->version, a->type, a->version, obj, err);
}

/* ---- the call ---- */

static int post(struct admission *ad, const struct webhook *hook, const struct admission_attributes *a,
                const json_t *review, json_t **ret, struct err *err)
{
	int64_t until = clock_mono_ns() + hook->timeout_ns;
	const struct webhook_call call = {
		.store = ad->config.store,
		.body = review,
		.deadline_ns = until < a->deadline_ns ? until : a->deadline_ns,
		.cancel = &ad->cancelled,
	};

	if (!hook->client)
		return err_set(err, ERR_UNAVAILABLE, "could not get REST client: %s", hook->client_error);
	if (webhook_client_call(hook->client, &call, ret, err) < 0)
		return err_wrap(err, "failed to call webhook");
	return 0;
}

static int ask(struct admission *ad, const struct webhook *hook, bool mutating, const struct admission_attributes *a,
               const struct webhook_match *m, struct webhook_call_outcome *o)
{
	_cleanup_json_ json_t *id = object_meta_uid();
	const char *uid = json_string_value(id);
	_cleanup_json_ json_t *old = NULL;

	if (webhook_convert(ad, a, m, a->old, &old, &o->err) < 0 ||
	    webhook_convert(ad, a, m, a->object, &o->object, &o->err) < 0)
		return err_wrap(&o->err, "could not create admission objects");
	_cleanup_json_ json_t *review = webhook_review_request(hook, a, m, o->object, old, uid);

	if (post(ad, hook, a, review, &o->answer, &o->err) < 0)
		return -1;
	return webhook_review_verdict(o->answer, hook->review_version, mutating, uid, &o->verdict, &o->err);
}

static const char *outcome_name(enum webhook_result r)
{
	return r == WEBHOOK_ALLOWED ? "allowed" : r == WEBHOOK_DENIED ? "denied" : "failed";
}

static const char *operation_word(enum admission_operation operation)
{
	return operation == ADMISSION_CREATE   ? "CREATE"
	       : operation == ADMISSION_UPDATE ? "UPDATE"
	       : operation == ADMISSION_DELETE ? "DELETE"
	                                       : "CONNECT";
}

static json_t *bad_request(const char *hook)
{
	json_t *v = json_pack("{s:s,s:s,s:{},s:s}", "kind", "Status", "apiVersion", "v1", "metadata", "status", "Failure");

	json_put(v, "message", json_strf("admission webhook \"%s\" does not support dry run", hook));
	json_put_str(v, "reason", "BadRequest");
	json_put_int(v, "code", 400);
	return v;
}

void webhook_call_run(struct admission *ad, const struct webhook *hook, bool mutating,
                      const struct admission_attributes *a, const struct webhook_match *m,
                      struct webhook_call_outcome *ret)
{
	struct webhook_call_outcome o = { 0 };
	const char *type = mutating ? "admit" : "validating";
	int64_t start = clock_mono_ns();

	if (a->dry_run && !hook->dry_run_safe) {
		o.result = WEBHOOK_BROKEN;
		o.denial = bad_request(hook->name);
		*ret = o;
		return;
	}
	if (ask(ad, hook, mutating, a, m, &o) < 0) {
		o.result = WEBHOOK_FAILED;
		_cleanup_free_ char *message = xasprintf("failed calling webhook \"%s\": %s", hook->name, err_message(&o.err));
		err_set(&o.err, o.err.kind, "%s", message);
	} else if (!o.verdict.allowed) {
		o.result = WEBHOOK_DENIED;
		o.denial = webhook_denial(hook->name, o.verdict.status);
	}
	metric_add(ad->calls, 1, METRIC_LABELS(hook->name, type, operation_word(a->operation), outcome_name(o.result)));
	metric_observe(ad->call_seconds, (double)(clock_mono_ns() - start) / (double)NS_PER_S,
	               METRIC_LABELS(hook->name, type));
	*ret = o;
}

void webhook_call_outcome_clear(struct webhook_call_outcome *o)
{
	err_clear(&o->err);
	json_decref(o->denial);
	json_decref(o->answer);
	json_decref(o->object);
	*o = (struct webhook_call_outcome){ 0 };
}

/* ---- what became of it ---- */

void webhook_call_report(const struct webhook *hook, const struct webhook_call_outcome *o,
                         struct admission_attributes *a)
{
	size_t i;
	json_t *v;
	const char *key;

	json_array_foreach (o->verdict.warnings, i, v)
		admission_warn(a, json_string_value(v));
	json_object_foreach (json_unconst(o->verdict.annotations), key, v) {
		_cleanup_free_ char *full = xasprintf("%s/%s", hook->name, key);
		admission_annotate(a, full, json_incref(v));
	}
}

static enum err_kind kind_of_code(int64_t code)
{
	return err_kind_from_reason(NULL, (int)code);
}

int webhook_call_refuse(const struct webhook *hook _unused_, struct webhook_call_outcome *o,
                        struct admission_attributes *a, struct err *err)
{
	json_decref(a->denial);
	a->denial = o->result == WEBHOOK_FAILED ? webhook_internal_error(err_message(&o->err)) : TAKE_PTR(o->denial);
	return err_set(err, kind_of_code(json_get_int(a->denial, "code", 500)), "%s", json_get_str(a->denial, "message"));
}
