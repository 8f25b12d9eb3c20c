#include "admit.h"

#include "base/str.h"
#include "kube/object.h"
#include "objects/object_convert.h"
#include "objects/object_view.h"
#include "patch/managed_fields.h"
#include "server.h"

static const struct admission_kind SCALE = { .group = "autoscaling", .version = "v1", .kind = "Scale" };

bool admit_may_wait(struct api_request *req)
{
	static const struct {
		const char *verb;
		unsigned operations;
	} verbs[] = { { "create", ADMISSION_CREATE },
		          { "update", ADMISSION_CREATE | ADMISSION_UPDATE },
		          { "patch", ADMISSION_CREATE | ADMISSION_UPDATE },
		          { "delete", ADMISSION_DELETE },
		          { "deletecollection", ADMISSION_DELETE } };

	for (size_t i = 0; i < ARRAY_SIZE(verbs); i++)
		if (strcmp(req->verb, verbs[i].verb) == 0)
			return admission_may_concern(req->server->admission, req->type, verbs[i].operations);
	return false;
}

/* ---- options, as the webhook is told them ---- */

static void put_dry_run(json_t *v, const struct api_options *o)
{
	if (o->dry_run)
		json_put(v, "dryRun", json_pack("[s]", "All"));
}

static json_t *write_options(const struct api_request *req, enum admission_operation operation)
{
	static const char *const validations[] = {
		[VALIDATION_WARN] = "Warn", [VALIDATION_STRICT] = "Strict", [VALIDATION_IGNORE] = "Ignore"
	};
	const struct api_options *o = &req->options;
	json_t *v = json_object();

	json_put_str(v, "kind", operation == ADMISSION_CREATE ? "CreateOptions" : "UpdateOptions");
	json_put_str(v, "apiVersion", "meta.k8s.io/v1");
	put_dry_run(v, o);
	if (o->field_manager)
		json_put_str(v, "fieldManager", o->field_manager);
	if (o->validation_said)
		json_put_str(v, "fieldValidation", validations[o->validation]);
	return v;
}

static json_t *delete_options(const struct api_request *req)
{
	static const char *const policies[] = { [PROPAGATION_BACKGROUND] = "Background",
		                                    [PROPAGATION_FOREGROUND] = "Foreground",
		                                    [PROPAGATION_ORPHAN] = "Orphan" };
	const struct api_options *o = &req->options;
	json_t *v = json_object();

	json_put_str(v, "kind", "DeleteOptions");
	json_put_str(v, "apiVersion", "meta.k8s.io/v1");
	put_dry_run(v, o);
	if (o->propagation != PROPAGATION_DEFAULT)
		json_put_str(v, "propagationPolicy", policies[o->propagation]);
	if (o->precondition_uid)
		json_put_str(json_ensure_object(v, "preconditions"), "uid", o->precondition_uid);
	if (o->precondition_version)
		json_put_str(json_ensure_object(v, "preconditions"), "resourceVersion", o->precondition_version);
	return v;
}

/* ---- what the chain sees ---- */

/* A namespace counts as being within itself. */
static const char *namespace_of(const struct api_request *req, const char *ns, const char *name)
{
	return strcmp(req->type->resource, "/namespaces") == 0 ? name : ns;
}

static bool is_scale(const char *subresource)
{
	return strcmp(subresource, "scale") == 0;
}

/* Without what only the store gives: at this point Kubernetes has not given it yet. */
static json_t *not_yet_created(const json_t *obj, bool generated_name)
{
	static const char *const later[] = { "uid", "creationTimestamp", "generation" };
	json_t *copy = json_clone(obj), *meta = kube_meta(copy);

	for (size_t i = 0; i < ARRAY_SIZE(later); i++)
		json_object_del(meta, later[i]);
	if (generated_name)
		json_object_del(meta, "name");
	return copy;
}

static json_t *with_version(const json_t *obj, const json_t *old)
{
	json_t *copy = json_clone(obj);

	json_object_set(json_ensure_object(copy, "metadata"), "resourceVersion",
	                json_object_get(kube_meta(old), "resourceVersion"));
	return copy;
}

/* Holds what attributes only borrow. */
struct question {
	struct admission_attributes a;
	json_t *options, *old;
};

static void question_clear(struct question *q)
{
	admission_attributes_clear(&q->a);
	json_decref(q->options);
	json_decref(q->old);
}
#define _cleanup_question_ _cleanup_(question_clear)

static void set_common(struct question *q, struct api_request *req, enum admission_operation operation, const char *ns,
                       const char *name)
{
	q->a.operation = operation;
	q->a.type = req->type;
	q->a.version = req->version;
	q->a.subresource = req->path.subresource;
	q->a.ns = namespace_of(req, ns, name);
	q->a.name = name;
	q->a.user = &req->user;
	q->a.dry_run = req->options.dry_run;
	q->a.deadline_ns = req->deadline_ns;
	q->a.options = q->options;
	q->a.old = q->old;
}

/* object is taken over. */
static void ask_about_write(struct question *q, struct api_request *req, const struct api_op *op,
                            const struct write_input *in, json_t *object)
{
	enum admission_operation operation = in->old ? ADMISSION_UPDATE : ADMISSION_CREATE;

	q->options = write_options(req, operation);
	q->a.object = object;
	if (is_scale(in->subresource)) {
		q->a.kind = &SCALE;
		q->a.object = scale_view(req->version, object);
		q->old = scale_view(req->version, in->old);
		json_decref(object);
	} else {
		q->old = json_incref(json_unconst(in->old));
	}
	set_common(q, req, operation, op->ns, op->generated_name ? "" : op->name);
}

/* Warnings, annotations and the denial become the request's. */
static void take_results(struct api_request *req, struct admission_attributes *a)
{
	for (size_t i = 0; a->warnings && a->warnings[i]; i++)
		api_request_warn(req, "%s", a->warnings[i]);
	if (a->annotations) {
		if (!req->annotations)
			req->annotations = json_object();
		json_object_update(req->annotations, a->annotations);
	}
	if (a->denial) {
		json_decref(req->denial);
		req->denial = TAKE_PTR(a->denial);
	}
}

/* ---- writes ---- */

/* Managed fields that a webhook broke are put back. */
static void check_managed_fields(struct api_request *req, json_t *obj, const json_t *before)
{
	struct managed managed = { 0 };

	if (managed_decode(obj, &managed)) {
		managed_clear(&managed);
		return;
	}
	json_t *fields = json_object_get(kube_meta(before), "managedFields");
	json_put(json_ensure_object(obj, "metadata"), "managedFields", json_clone(fields));
	api_request_warn(req, ".metadata.managedFields was in an invalid state after admission; this could be caused by an "
	                      "outdated mutating admission controller; please fix your requests: the entries could not be "
	                      "read");
}

/* The changed object of the chain as the wanted state. */
static json_t *wanted_state(const struct api_request *req, const struct write_input *in, const json_t *changed)
{
	if (is_scale(in->subresource)) {
		json_t *obj = json_clone(in->obj);
		scale_take(req->version, obj, changed);
		return obj;
	}
	return *in->subresource ? write_subresource(in->old, changed, in->subresource) : json_clone(changed);
}

int admit_mutate(struct api_request *req, struct api_op *op, struct write_input *in, struct err *err)
{
	_cleanup_question_ struct question q = { 0 };
	bool changed = false;

	if (!req->may_wait)
		return 0;
	ask_about_write(&q, req, op, in,
	                in->old ? with_version(in->obj, in->old) : not_yet_created(in->obj, op->generated_name));
	int r = admission_mutate(req->server->admission, &q.a, &changed, err);
	take_results(req, &q.a);
	if (r < 0 || !changed)
		return r;
	json_t *obj = wanted_state(req, in, q.a.object);
	check_managed_fields(req, obj, in->obj);
	in->obj = obj;
	return 1;
}

/* Conditions cannot be evaluated yet, and silence about that would be worse than a word. */
static void warn_of_conditions(struct api_request *req, const json_t *obj)
{
	size_t i;
	json_t *hook;

	if (strcmp(req->type->group, "admissionregistration.k8s.io") != 0)
		return;
	json_array_foreach (json_object_get(obj, "webhooks"), i, hook)
		if (json_array_size(json_object_get(hook, "matchConditions")) > 0)
			api_request_warn(req,
			                 "webhooks[%zu].matchConditions: CEL is not evaluated by this server: the webhook is "
			                 "called as if it had no conditions",
			                 i);
}

int admit_validate(struct api_request *req, struct api_op *op, const struct write_input *in, struct err *err)
{
	_cleanup_question_ struct question q = { 0 };

	warn_of_conditions(req, in->obj);
	if (!req->may_wait)
		return 0;
	ask_about_write(&q, req, op, in, in->old ? with_version(in->obj, in->old) : json_clone(in->obj));
	int r = admission_validate(req->server->admission, &q.a, err);
	take_results(req, &q.a);
	return r;
}

/* ---- deletes ---- */

static int run_both(struct api_request *req, struct question *q, struct err *err)
{
	struct admission *ad = req->server->admission;
	bool changed;
	int r = admission_mutate(ad, &q->a, &changed, err);

	if (r == 0)
		r = admission_validate(ad, &q->a, err);
	take_results(req, &q->a);
	return r;
}

int admit_delete(struct api_request *req, const struct store_object *o, bool in_collection, struct err *err)
{
	_cleanup_question_ struct question q = { 0 };

	if (!req->may_wait)
		return 0;
	q.options = delete_options(req);
	_cleanup_(store_object_unrefp) struct store_object *shown = store_object_ref((struct store_object *)(uintptr_t)o);
	if (object_convert(req->server->store, req->type, req->version, &shown, 1, err) < 0)
		return -1;
	q.old = object_view_value(req->type, req->version, shown);
	set_common(&q, req, ADMISSION_DELETE, o->ns, in_collection ? "" : o->name);
	return run_both(req, &q, err);
}
