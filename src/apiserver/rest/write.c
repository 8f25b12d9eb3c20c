#include "write.h"

#include "admit.h"
#include "admission/service_addresses.h"
#include "auth/certificate_permission.h"
#include "auth/rbac.h"
#include "auth/rbac_escalation.h"
#include "base/clock.h"
#include "base/str.h"
#include "objects/invalid.h"
#include "kinds/kinds.h"
#include "kube/object.h"
#include "objects/object_meta.h"
#include "objects/object_convert.h"
#include "objects/object_validate.h"
#include "objects/object_view.h"
#include "server.h"
#include "types/builtin.h"
#include "write_fields.h"

#define ATTEMPTS_MAX 100 /* one writer of an object wins in each group: so many may be at it at once */

static void op_free(struct api_op *op)
{
	if (!op)
		return;
	json_decref(op->body);
	json_decref(op->dropped);
	json_decref(op->seen);
	json_decref(op->value);
	store_object_unref(op->current);
	quota_charge_free(op->charge);
	free(op->ns);
	free(op->name);
	free(op);
}

static void respond_anonymous(struct api_request *req, const struct err *err)
{
	json_t *status = kube_status_from_err(err, NULL, NULL, NULL);

	if (err->kind == ERR_INVALID)
		json_ensure_object(status, "details");
	api_respond_value(req, err_kind_http_code(err->kind), status);
}

/* Ends the operation, keeping what the answer needs. */
static void finish_err(struct api_request *req, const struct err *err)
{
	struct api_op *op = TAKE_PTR(req->op);

	if (op->no_namespace)
		api_respond_value(req, err_kind_http_code(err->kind), kube_status_from_err(err, NULL, "namespaces", op->ns));
	else if (op->anonymous)
		respond_anonymous(req, err);
	else
		api_respond_err_about(req, op->name, err);
	op_free(op);
}

static void finish_object(struct api_request *req, struct store_object *o)
{
	int code = req->op->code;

	if (req->op->gone) {
		json_t *status = api_status_success(req->type, o->name, o->uid);
		op_free(TAKE_PTR(req->op));
		api_respond_value(req, code, status);
		return;
	}
	store_object_ref(o);
	op_free(TAKE_PTR(req->op));
	api_respond_object(req, code, o);
	store_object_unref(o);
}

static void respond_current(struct api_request *req)
{
	_cleanup_err_ struct err err = { 0 };

	if (!req->op->gone && object_convert(req->server->store, req->type, req->version, &req->op->current, 1, &err) < 0)
		finish_err(req, &err);
	else
		finish_object(req, req->op->current);
}

int write_read_current(struct api_request *req, struct api_op *op, struct err *err)
{
	op->current = store_get(req->server->store, req->type->resource, op->ns, op->name);
	return object_convert(req->server->store, req->type, req->version, &op->current, 1, err);
}

/* With a state that is not stored: of a dry run, or the last one of what is deleted now. */
static void respond_with_value(struct api_request *req)
{
	_cleanup_json_ json_t *value = TAKE_PTR(req->op->value);
	int code = req->op->code;

	op_free(TAKE_PTR(req->op));
	api_respond_object_value(req, code, value);
}

static void run(struct api_request *req);

void api_write_drop(struct api_request *req)
{
	op_free(TAKE_PTR(req->op));
}

/* The store's done(): on the committer's thread. */
static void committed(void *self, struct store_object *object, const struct err *err)
{
	struct api_request *req = self;
	struct api_op *op = req->op;

	op->charge = quota_charge_free(op->charge);
	if (err) {
		bool again = (err->kind == ERR_CONFLICT && op->retry) ||
		             (err->kind == ERR_ALREADY_EXISTS && op->generated_name) ||
		             (err->kind == ERR_NOT_FOUND && op->retry && op->write.op == STORE_UPDATE) ||
		             (err->kind == ERR_ALREADY_EXISTS && op->retry);
		if (again && op->attempts < ATTEMPTS_MAX)
			api_request_to_worker(req, run);
		else
			finish_err(req, err);
		return;
	}
	if (op->value) {
		api_request_to_worker(req, respond_with_value);
		return;
	}
	if (!op->gone && (req->type->conversion || api_respond_object_is_slow(req))) {
		store_object_unref(op->current);
		op->current = store_object_ref(object);
		api_request_to_worker(req, respond_current);
		return;
	}
	finish_object(req, object);
}

json_t *write_take_body(struct api_op *op)
{
	op->body_taken = true;
	return TAKE_PTR(op->body);
}

/* Again, after an attempt took it: its complaints were told the first time. */
static int read_body_again(struct api_request *req, struct api_op *op, struct err *err)
{
	if (!op->body_taken || op->body)
		return 0;
	req->repeated = strv_free(req->repeated);
	req->duplicates = strv_free(req->duplicates);
	op->body = api_request_body(req, err);
	return op->body ? 0 : -1;
}

static void run(struct api_request *req)
{
	struct api_op *op = req->op;
	_cleanup_err_ struct err err = { 0 };

	op->attempts++;
	if (read_body_again(req, op, &err) < 0) {
		finish_err(req, &err);
		return;
	}
	op->current = store_object_unref(op->current);
	json_decref(op->value);
	op->value = NULL;
	op->charge = quota_charge_free(op->charge);
	op->write = (struct store_write){ 0 };
	switch (op->prepare(req, op, &err)) {
	case WRITE_COMMIT:
		op->write.done = committed;
		op->write.self = req;
		req->on_worker = false;
		store_submit(req->server->store, &op->write);
		break;
	case WRITE_CURRENT:
		respond_current(req);
		break;
	case WRITE_VALUE:
		respond_with_value(req);
		break;
	default:
		finish_err(req, &err);
	}
}

void write_start_patch(struct api_request *req,
                       int (*prepare)(struct api_request *req, struct api_op *op, struct err *err), json_t *body,
                       enum patch_form form)
{
	struct api_op *op = new0(struct api_op);

	op->prepare = prepare;
	op->body = body;
	op->code = 200;
	op->ns = xstrdup(req->type->namespaced ? req->path.ns : "");
	op->name = xstrdup(strcmp(req->verb, "create") == 0 ? "" : req->path.name);
	op->patch_form = form;
	req->op = op;
	run(req);
}

void write_start(struct api_request *req, int (*prepare)(struct api_request *req, struct api_op *op, struct err *err),
                 json_t *body)
{
	write_start_patch(req, prepare, body, PATCH_UNSUPPORTED);
}

json_t *write_subresource(const json_t *old, const json_t *body, const char *subresource)
{
	json_t *obj = json_deep_copy(old);

	if (strcmp(subresource, "status") == 0) {
		json_t *status = json_object_get(body, "status");
		json_put(obj, "status", status ? json_deep_copy(status) : NULL);
	} else if (strcmp(subresource, "approval") == 0) {
		json_t *conditions = json_deep_copy(json_at(body, "status", "conditions", NULL));
		json_put(json_ensure_object(obj, "status"), "conditions", conditions);
	} else if (strcmp(subresource, "finalize") == 0) {
		json_t *finalizers = json_deep_copy(json_at(body, "spec", "finalizers", NULL));
		json_put(json_ensure_object(obj, "spec"), "finalizers", finalizers ? finalizers : json_array());
	}
	json_t *fields = json_object_get(kube_meta(body), "managedFields");
	if (fields)
		json_object_set(json_ensure_object(obj, "metadata"), "managedFields", fields);
	return obj;
}

/* ---- the common end ---- */

/* On create (and in the committer, at the very moment): the namespace is there and stays. */
static int namespace_error(const struct store_object *ns_object, struct api_request *req, const char *ns,
                           const char *name, struct err *err)
{
	char words[512];

	req->op->no_namespace = !ns_object;
	if (!ns_object)
		return err_set(err, ERR_NOT_FOUND, "namespaces \"%s\" not found", ns);
	if (!str_eq(store_object_field(ns_object, "status.phase"), "Terminating"))
		return 0;
	err_set(err, ERR_FORBIDDEN,
	        "%s \"%s\" is forbidden: unable to create new content in namespace %s because it is being terminated",
	        api_type_words(req->type, words), name, ns);
	err_add_cause(err, "NamespaceTerminating", "metadata.namespace", "namespace %s is being terminated", ns);
	return -1;
}

/* At the moment of the write: the namespace of what is new, and quotas. */
static int guard_write(void *self, struct store_view *view, struct err *err)
{
	struct api_request *req = self;
	struct api_op *op = req->op;

	if (op->write.op == STORE_CREATE && req->type->namespaced &&
	    namespace_error(store_view_get(view, "/namespaces", "", op->ns), req, op->ns, op->name, err) < 0)
		return -1;
	return op->charge ? quota_charge_admit(op->charge, view, err) : 0;
}

static int check_namespace(struct api_request *req, struct api_op *op, struct err *err)
{
	_cleanup_(store_object_unrefp) struct store_object *o = store_get(req->server->store, "/namespaces", "", op->ns);

	return namespace_error(o, req, op->ns, op->name, err);
}

static int validate(struct api_request *req, struct api_op *op, const struct write_input *in, struct err *err)
{
	if (object_validate(req->type, req->version, in->obj, in->old, in->subresource, err) < 0)
		return -1;
	_cleanup_strv_ char **warnings = op->attempts > 1 || *in->subresource
	                                     ? NULL
	                                     : object_warnings(req->type, in->obj, in->old);
	for (size_t i = 0; warnings && warnings[i]; i++)
		api_request_warn(req, "%s", warnings[i]);
	return 0;
}

static bool unchanged(const json_t *obj, const json_t *old)
{
	_cleanup_json_ json_t *copy = json_copy((json_t *)(uintptr_t)old);
	_cleanup_json_ json_t *meta = json_copy(kube_meta(old));

	json_object_del(meta, "resourceVersion");
	json_object_set(copy, "metadata", meta);
	return json_same(obj, copy);
}

void write_store(struct api_request *req, struct api_op *op, json_t *obj)
{
	const struct api_type *t = req->type;
	struct store_write *w = &op->write;

	w->resource = t->resource;
	w->ns = op->ns;
	w->name = op->name;
	w->op = op->current ? STORE_UPDATE : STORE_CREATE;
	w->expected_version = op->current ? op->current->version : 0;
	w->labels = object_labels(obj);
	w->fields = object_fields(t, obj);
	w->uid = xstrdup(kube_uid(obj));
	w->text = object_text_for_store(obj, &w->text_version_offset);
	if ((!op->current && t->namespaced) || op->charge)
		w->guard = guard_write;
}

void write_delete(struct api_request *req, struct api_op *op)
{
	op->write = (struct store_write){
		.resource = req->type->resource,
		.ns = op->ns,
		.name = op->name,
		.op = STORE_DELETE,
		.expected_version = op->current->version,
	};
}

static int dry_run(struct api_request *req, struct api_op *op, json_t *obj, const json_t *old, struct err *err)
{
	char words[512];

	if (!old) {
		_cleanup_(store_object_unrefp) struct store_object *there = store_get(req->server->store, req->type->resource,
		                                                                      op->ns, op->name);
		if (there)
			return err_set(err, ERR_ALREADY_EXISTS, "%s \"%s\" already exists", api_type_words(req->type, words),
			               op->name);
	} else {
		json_object_set(kube_meta(obj), "resourceVersion", json_object_get(kube_meta(old), "resourceVersion"));
	}
	op->value = json_incref(obj);
	return WRITE_VALUE;
}

int write_decode_meta(struct api_request *req, struct api_op *op, json_t *obj, struct err *err)
{
	json_decref(op->seen);
	op->seen = json_array();
	return object_meta_decode(req->type, req->version, obj, op->seen, err);
}

/* Takes fault, what keeps a body from being decoded; NULL: nothing does. */
static int check_fault(const struct api_request *req, char *own, struct err *err)
{
	_cleanup_free_ char *fault = own;

	if (!fault)
		return 0;
	err_set(err, ERR_BAD_REQUEST, "%s", fault);
	return object_meta_cannot_handle(req->type, req->version, err);
}

int write_decode(struct api_request *req, struct api_op *op, json_t *obj, struct err *err)
{
	const struct api_type *t = req->type;
	const struct api_version *v = req->version;
	_cleanup_json_ json_t *dropped = op->dropped ? NULL : json_array();

	if (dropped && op->seen)
		json_array_extend(dropped, op->seen);
	if (object_meta_decode(t, v, obj, dropped, err) < 0)
		return -1;
	if (v->message && builtin_normalize(t, v, obj, err) < 0)
		return -1;
	if (t->strategy->decode_fault && check_fault(req, t->strategy->decode_fault(obj), err) < 0)
		return -1;
	if (t->strategy->decode)
		t->strategy->decode(obj, dropped);
	if (v->schema && !v->message && op->patch_form == PATCH_APPLY)
		schema_fill_in(v->schema, obj);
	else if (v->schema && !v->message)
		schema_default(v->schema, obj);
	if (v->schema)
		schema_prune(v->schema, obj, dropped);
	if (t->custom && op->patch_form != PATCH_APPLY &&
	    check_fault(req, schema_decode_fault(v->schema, obj, object_meta_fault), err) < 0)
		return -1;
	if (!dropped)
		return 0;
	op->dropped = TAKE_PTR(dropped);
	return write_report_dropped(req, op->dropped, err);
}

/* What there is before a create, a new reference; NULL: nothing. */
static json_t *fresh_object(const struct api_request *req)
{
	const char *text = req->type->strategy->fresh;

	if (req->version->message)
		return kinds_zero(req->version->message);
	return text ? json_parse(text, strlen(text), 0, NULL) : NULL;
}

/* Before the type's own strategy and webhooks, as in Kubernetes: nobody owns what they fill in. */
static void track_fields(const struct api_request *req, struct write_input *in)
{
	struct write_fields fields;

	if (in->applied)
		return;
	_cleanup_json_ json_t *fresh = in->old ? NULL : fresh_object(req);
	write_fields_init(&fields, req, in->subresource);
	fields.request.fresh = fresh;
	managed_fields_update(&fields.request, in->old, in->obj);
	in->applied = true;
}

static void set_requester(const struct api_request *req, json_t *obj)
{
	_cleanup_json_ json_t *user = auth_user_json(&req->user);

	req->type->strategy->set_requester(obj, user);
}

/* A status that is sent is dropped; yet, as in Kubernetes, where it has not the form of the schema nobody comes to own
 * anything. */
static void forget_untyped(const struct api_request *req, struct write_input *in)
{
	const json_t *status = json_object_get(in->obj, "status");

	if (!req->type->custom || !req->version->has_status || *in->subresource || in->applied || !status)
		return;
	_cleanup_json_ json_t *only = json_pack("{s:O}", "status", status);
	if (apply_is_typed(schema_resolve(req->version->schema), only))
		return;
	json_object_del(kube_meta(in->obj), "managedFields");
	in->applied = true;
}

static void warn_of_owners(struct api_request *req, json_t *obj)
{
	_cleanup_strv_ char **twice = object_meta_dedup_owners(obj);
	_cleanup_free_ char *uids = twice ? strv_join(twice, ", ") : NULL;

	if (uids)
		api_request_warn(req,
		                 ".metadata.ownerReferences contains duplicate entries; API server dedups owner references in "
		                 "1.20+, and may reject such requests as early as 1.24; please fix your requests; duplicate "
		                 "UID(s) observed: %s",
		                 uids);
}

/* The form of what was sent, and what the type's own strategy does. */
static int shape(struct api_request *req, struct api_op *op, struct write_input *in, struct err *err)
{
	const struct api_type *t = req->type;
	const struct api_version *v = req->version;

	if (write_decode(req, op, in->obj, err) < 0)
		return -1;
	if (object_meta_address(t, in->obj, op->ns, op->name, err) < 0)
		return -1;
	warn_of_owners(req, in->obj);
	forget_untyped(req, in);
	if (!in->old) {
		object_meta_create(t, in->obj, clock_wall_ns());
		if (v->has_status && t->custom)
			json_object_del(in->obj, "status");
		else if (v->has_status && v->message && !t->strategy->status_on_create)
			kinds_reset(v->message, in->obj, "status");
		track_fields(req, in);
		if (t->custom && v->has_status && schema_default_value(schema_property(v->schema, "status")))
			schema_fill_in(v->schema, in->obj);
		if (t->strategy->prepare_create)
			t->strategy->prepare_create(in->obj);
		if (t->strategy->set_requester)
			set_requester(req, in->obj);
		return 0;
	}
	if (v->has_status && !*in->subresource)
		json_put(in->obj, "status", json_deep_copy(json_object_get(in->old, "status")));
	track_fields(req, in);
	if (t->strategy->prepare_update && !*in->subresource)
		t->strategy->prepare_update(in->obj, in->old);
	if (t->strategy->prepare_subresource && *in->subresource)
		t->strategy->prepare_subresource(in->obj, in->old, in->subresource);
	object_meta_update(t, v, in->obj, in->old);
	return 0;
}

/* What it adds to quotas. A dry run is told right away whether it would fit; else the committer decides. */
static int charge(struct api_request *req, struct api_op *op, const json_t *obj, const json_t *old, struct err *err)
{
	if (quota_charge_new(req->server->quotas, req->type, op->ns, op->name, obj, old, &op->charge, err) < 0)
		return -1;
	return op->charge && req->options.dry_run ? quota_charge_admit(op->charge, NULL, err) : 0;
}

/* Roles and bindings: nobody grants what they do not have. */
static int check_grants(struct api_request *req, const json_t *obj, const json_t *old, struct err *err)
{
	const struct rbac_write w = {
		.user = &req->user, .resource = req->type->plural, .ns = req->path.ns, .name = req->path.name
	};

	if (strcmp(req->type->group, RBAC_GROUP) != 0 || rbac_check_write(req->server, &w, obj, old, err) == 0)
		return 0;
	if (err->kind == ERR_NOT_FOUND && !req->denial) /* it is about the role, not about the binding */
		req->denial = kube_status_from_err(
			err, RBAC_GROUP, str_eq(json_str_at(obj, "roleRef", "kind", NULL), "Role") ? "roles" : "clusterroles",
			json_str_at(obj, "roleRef", "name", NULL));
	return -1;
}

/* Requests for certificates: who may have them signed. */
static int check_certificates(struct api_request *req, const struct api_op *op, const struct write_input *in,
                              struct err *err)
{
	const struct certificate_write w = { .user = &req->user, .name = op->name, .subresource = in->subresource };

	if (req->type->strategy != &STRATEGY_CERTIFICATE_REQUEST)
		return 0;
	return certificate_check_write(&req->server->authorizer, &w, in->obj, in->old, err);
}

/* An object that webhooks changed is the one they were shown. */
static void keep_identity(json_t *obj, const json_t *shown)
{
	static const char *const names[] = { "uid", "creationTimestamp" };

	for (size_t i = 0; i < ARRAY_SIZE(names); i++)
		json_object_set(kube_meta(obj), names[i], json_object_get(shown, names[i]));
}

int write_finish(struct api_request *req, struct api_op *op, struct write_input *in, struct err *err)
{
	_cleanup_json_ json_t *obj = in->obj; /* stolen */
	const struct api_type *t = req->type;

	if (shape(req, op, in, err) < 0)
		return -1;
	if (!in->old && !*op->name) {
		free(op->name);
		op->name = xstrdup(kube_name(obj));
	}
	if (!in->old)
		audit_object_name(req, op->name);
	if (!in->old && t->namespaced && check_namespace(req, op, err) < 0)
		return -1;
	_cleanup_json_ json_t *identity = json_incref(kube_meta(obj));
	int mutated = admit_mutate(req, op, in, err);
	if (mutated > 0) { /* in->obj is another one */
		json_decref(obj);
		obj = in->obj;
	}
	if (mutated < 0 || (mutated > 0 && shape(req, op, in, err) < 0))
		return -1;
	if (mutated > 0 && !in->old)
		keep_identity(obj, identity);
	if (in->old)
		managed_fields_settle(in->old, obj);
	if (!in->old && t->strategy->complete_create)
		t->strategy->complete_create(obj);
	if (t->strategy->addressed)
		service_addresses_give(req->server->addresses, obj);
	if (check_grants(req, obj, in->old, err) < 0 || validate(req, op, in, err) < 0 ||
	    check_certificates(req, op, in, err) < 0 || admit_validate(req, op, in, err) < 0)
		return -1;
	if (charge(req, op, obj, in->old, err) < 0)
		return -1;
	if (req->version->unserved && !*in->subresource)
		api_request_warn(req, "%s", req->version->unserved);
	if (req->options.dry_run) {
		object_settle(t, req->version, obj);
		return dry_run(req, op, obj, in->old, err);
	}
	if (in->has_version)
		return err_set(err, ERR_UNKNOWN, "resourceVersion should not be set on objects to be created");
	if (in->old && object_meta_is_finished(obj) && !(t->strategy->held && t->strategy->held(obj))) {
		json_object_set(kube_meta(obj), "resourceVersion", json_object_get(kube_meta(in->old), "resourceVersion"));
		op->value = json_incref(obj);
		write_delete(req, op);
		return WRITE_COMMIT;
	}
	if (in->old && unchanged(obj, in->old))
		return WRITE_CURRENT;
	if (object_convert_to_storage(req->server->store, t, req->version, &obj, err) < 0)
		return -1;
	write_store(req, op, obj);
	return WRITE_COMMIT;
}
