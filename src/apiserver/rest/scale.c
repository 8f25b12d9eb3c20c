/* The scale subresource: an autoscaling/v1 Scale seen through the paths a CRD names. */
#include "base/str.h"
#include "kube/object.h"
#include "objects/invalid.h"
#include "objects/object_convert.h"
#include "objects/object_meta.h"
#include "objects/object_view.h"
#include "scale_managers.h"
#include "sent_object.h"
#include "server.h"
#include "types/builtin.h"
#include "write.h"
#include "write_fields.h"

/* Stands in the Scale of a custom resource whose own field is absent, which a change has to fill. */
#define NO_REPLICAS INT32_MIN

/* ".spec.replicas" in obj; NULL when there is none. */
static json_t *at_path(const json_t *obj, const char *path)
{
	_cleanup_strv_ char **steps = str_split(path ? path : "", ".");
	json_t *v = (json_t *)(uintptr_t)obj;

	for (size_t i = 0; steps && steps[i] && v; i++)
		v = json_object_get(v, steps[i]);
	return v;
}

static void set_path(json_t *obj, const char *path, int64_t n)
{
	_cleanup_strv_ char **steps = str_split(path ? path : "", ".");
	size_t len = strv_len(steps);

	for (size_t i = 0; i + 1 < len; i++)
		obj = json_ensure_object(obj, steps[i]);
	if (len > 0)
		json_put_int(obj, steps[len - 1], n);
}

json_t *scale_view(const struct api_version *v, const json_t *obj)
{
	static const char *const kept[] = { "name", "namespace", "uid", "resourceVersion", "creationTimestamp" };
	json_t *scale = json_object(), *meta, *status;
	int64_t replicas = json_int(at_path(obj, v->scale->spec_replicas), 0);
	/* A path to a text; the built-in kinds have the selector itself. */
	_cleanup_json_ json_t *own = v->message && v->scale->selector
	                                 ? builtin_selector_text(json_at(obj, "spec", "selector", NULL))
	                                 : NULL;
	const char *selector = own ? json_string_value(own) : json_string_value(at_path(obj, v->scale->selector));

	json_put_str(scale, "kind", "Scale");
	json_put_str(scale, "apiVersion", "autoscaling/v1");
	meta = json_ensure_object(scale, "metadata");
	for (size_t i = 0; i < ARRAY_SIZE(kept); i++)
		if (json_object_get(kube_meta(obj), kept[i]))
			json_object_set(meta, kept[i], json_object_get(kube_meta(obj), kept[i]));
	json_t *spec = json_ensure_object(scale, "spec");
	if (replicas != 0)
		json_put_int(spec, "replicas", replicas);
	status = json_ensure_object(scale, "status");
	json_put_int(status, "replicas", json_int(at_path(obj, v->scale->status_replicas), 0));
	if (!str_empty(selector))
		json_put_str(status, "selector", selector);
	return scale;
}

void scale_take(const struct api_version *v, json_t *obj, const json_t *scale)
{
	set_path(obj, v->scale->spec_replicas, json_int(json_at(scale, "spec", "replicas", NULL), 0));
}

/* ---- writing: a Scale is made of the object, changed like any other, and its number taken over ---- */

/* Read, a Scale of a built-in kind is a resource of its own name. */
static void not_found(struct api_request *req, struct err *err)
{
	const char *name = req->path.name, *group = req->type->group;
	_cleanup_free_ char *plural = xasprintf("%s%s", req->type->plural, req->type->custom ? "" : "/scale");

	err_set(err, ERR_NOT_FOUND, "%s%s%s \"%s\" not found", plural, *group ? "." : "", group, name);
	if (!req->denial)
		req->denial = kube_status_from_err(err, group, plural, name);
}

/* The object and its Scale, with the managers of the number. */
static int read_scale(struct api_request *req, struct api_op *op, json_t **ret_old, json_t **ret_scale, struct err *err)
{
	char words[512];

	op->code = 200;
	if (write_read_current(req, op, err) < 0)
		return -1;
	if (!op->current)
		return err_set(err, ERR_NOT_FOUND, "%s \"%s\" not found", api_type_words(req->type, words), op->name);
	*ret_old = object_view_value(req->type, req->version, op->current);
	*ret_scale = scale_view(req->version, *ret_old);
	if (req->type->custom && !at_path(*ret_old, req->version->scale->spec_replicas))
		json_put_int(json_ensure_object(*ret_scale, "spec"), "replicas", NO_REPLICAS);
	scale_managers_view(*ret_old, req->version->scale->spec_replicas, *ret_scale);
	return 0;
}

/* Of a custom resource its own paths are checked, with it. */
static int check_replicas(struct api_request *req, const struct api_op *op, const json_t *scale, struct err *err)
{
	int64_t replicas = json_int(json_at(scale, "spec", "replicas", NULL), 0);

	if (req->type->custom && replicas == NO_REPLICAS)
		return err_set(err, ERR_BAD_REQUEST, "the spec replicas field \"%s\" cannot be empty",
		               req->version->scale->spec_replicas);
	if (replicas >= 0 || req->type->custom)
		return 0;
	invalid_add(err, INVALID_VALUE, "spec.replicas", "Invalid value: %lld: must be greater than or equal to 0",
	            (long long)replicas);
	invalid_finish(err, "Scale", "autoscaling", op->name);
	if (!req->denial)
		req->denial = kube_status_from_err(err, "autoscaling", "Scale", op->name);
	return -1;
}

/* scale is what the object shall be scaled to, with its managers. */
static int finish_scale(struct api_request *req, struct api_op *op, const json_t *old, const json_t *scale,
                        struct err *err)
{
	const struct api_version *v = req->version;

	if (check_replicas(req, op, scale, err) < 0)
		return -1;
	struct write_input in = { .obj = json_deep_copy(old), .old = old, .subresource = "scale", .applied = true };
	scale_take(v, in.obj, scale);
	scale_managers_take(scale, v->api_version, v->scale->spec_replicas, in.obj);
	return write_finish(req, op, &in, err);
}

static void scale_fields_init(struct write_fields *f, const struct api_request *req)
{
	write_fields_init(f, req, "scale");
	f->request.schema = schema_resolve(req->body_version->schema);
	f->request.versions = NULL;
	f->request.api_version = req->body_version->api_version;
	f->request.kind = req->body_type->kind;
	f->request.has_status = false;
}

/* scale is stolen. */
static int finish_update(struct api_request *req, struct api_op *op, const json_t *old, const json_t *before,
                         json_t *stolen, struct err *err)
{
	_cleanup_json_ json_t *scale = stolen;
	struct write_fields fields;

	scale_fields_init(&fields, req);
	managed_fields_update(&fields.request, before, scale);
	return finish_scale(req, op, old, scale, err);
}

static int prepare_update(struct api_request *req, struct api_op *op, struct err *err)
{
	_cleanup_json_ json_t *old = NULL, *before = NULL, *dropped = json_array();

	if (!op->dropped) {
		op->dropped = json_incref(dropped);
		if (object_meta_decode(req->body_type, req->body_version, op->body, dropped, err) < 0 ||
		    builtin_normalize(req->body_type, req->body_version, op->body, err) < 0)
			return -1;
		schema_prune(req->body_version->schema, op->body, dropped);
		if (write_report_dropped(req, dropped, err) < 0)
			return -1;
	}
	if (object_meta_check_name(op->body, op->name, err) < 0 || read_scale(req, op, &old, &before, err) < 0 ||
	    object_meta_address(req->type, op->body, op->ns, op->name, err) < 0 ||
	    write_check_version(req, op, true, err) < 0)
		return -1;
	return finish_update(req, op, old, before, json_deep_copy(op->body), err);
}

int scale_prepare_patch(struct api_request *req, struct api_op *op, struct err *err)
{
	_cleanup_json_ json_t *old = NULL, *before = NULL;

	op->retry = true;
	if (read_scale(req, op, &old, &before, err) < 0)
		return -1;
	const struct schema *schema = schema_resolve(req->body_version->schema);
	_cleanup_json_ json_t *scale = patch_body_apply(op->patch_form, schema, before, op->body, err);
	if (!scale)
		return write_without_name(op, -1);
	if (write_decode_patched(req, op, scale, err) < 0 || object_meta_check_name(scale, op->name, err) < 0 ||
	    object_meta_address(req->type, scale, op->ns, op->name, err) < 0 ||
	    write_check_patched_version(req, op, scale, err) < 0)
		return -1;
	return finish_update(req, op, old, before, TAKE_PTR(scale), err);
}

int scale_prepare_apply(struct api_request *req, struct api_op *op, struct err *err)
{
	_cleanup_json_ json_t *old = NULL, *before = NULL, *scale = NULL;
	struct write_fields fields;

	op->retry = true;
	if (read_scale(req, op, &old, &before, err) < 0)
		return -1;
	scale_fields_init(&fields, req);
	if (apply_server_side(&fields.request, before, op->body, &scale, err) < 0)
		return write_without_name(op, -1);
	if (write_check_repeated(req, op, err) < 0 || write_check_patched_version(req, op, op->body, err) < 0)
		return -1;
	return finish_scale(req, op, old, scale, err);
}

void handle_scale(struct api_request *req)
{
	_cleanup_err_ struct err err = { 0 };
	const char *ns = req->type->namespaced ? req->path.ns : "";
	char words[512];

	if (strcmp(req->verb, "patch") == 0) {
		handle_patch(req);
		return;
	}
	if (strcmp(req->verb, "update") == 0) {
		json_t *body = sent_object(req, &err);
		if (body)
			write_start(req, prepare_update, body);
		else
			api_respond_err(req, &err);
		return;
	}
	_cleanup_(store_object_unrefp) struct store_object *o = store_get(req->server->store, req->type->resource, ns,
	                                                                  req->path.name);
	if (!o || strcmp(req->verb, "get") != 0) {
		if (o)
			err_set(&err, ERR_METHOD_NOT_ALLOWED, "%s \"%s\" does not allow this method",
			        api_type_words(req->type, words), req->path.name);
		else
			not_found(req, &err);
		api_respond_err(req, &err);
		return;
	}
	if (object_convert(req->server->store, req->type, req->version, &o, 1, &err) < 0) {
		api_respond_err(req, &err);
		return;
	}
	_cleanup_json_ json_t *obj = object_view_value(req->type, req->version, o);
	if (req->type->custom && !at_path(obj, req->version->scale->spec_replicas)) {
		const char *path = req->version->scale->spec_replicas;
		err_set(&err, ERR_INTERNAL, "Internal error occurred: the spec replicas field \"%s\" does not exist", path);
		err_add_cause(&err, "", NULL, "the spec replicas field \"%s\" does not exist", path);
		api_respond_err(req, &err);
		return;
	}
	api_respond_object_value(req, 200, obj);
}
