/* The scale subresource: an autoscaling/v1 Scale seen through the paths a CRD names. */
#include "base/str.h"
#include "codec/patch.h"
#include "kube/object.h"
#include "objects/object_convert.h"
#include "objects/object_view.h"
#include "server.h"
#include "types/builtin.h"
#include "write.h"

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
	json_t *scale = json_object(), *meta = json_ensure_object(scale, "metadata"), *status;
	/* A path to a text; the built-in kinds have the selector itself. */
	_cleanup_json_ json_t *own = v->message && v->scale->selector
	                                 ? builtin_selector_text(json_at(obj, "spec", "selector", NULL))
	                                 : NULL;
	const char *selector = own ? json_string_value(own) : json_string_value(at_path(obj, v->scale->selector));

	json_put_str(scale, "kind", "Scale");
	json_put_str(scale, "apiVersion", "autoscaling/v1");
	for (size_t i = 0; i < ARRAY_SIZE(kept); i++)
		if (json_object_get(kube_meta(obj), kept[i]))
			json_object_set(meta, kept[i], json_object_get(kube_meta(obj), kept[i]));
	json_put_int(json_ensure_object(scale, "spec"), "replicas", json_int(at_path(obj, v->scale->spec_replicas), 0));
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

static int check_scale(const struct api_op *op, const json_t *scale, const json_t *before, struct err *err)
{
	const json_t *replicas = json_at(scale, "spec", "replicas", NULL);
	const char *version = kube_resource_version(scale);

	if (!json_is_integer(replicas))
		return err_set(err, ERR_INVALID,
		               "Scale.autoscaling \"%s\" is invalid: spec.replicas: Invalid value: must be greater than or "
		               "equal to 0",
		               op->name);
	if (*version && strcmp(version, kube_resource_version(before)) != 0)
		return err_set(err, ERR_CONFLICT,
		               "Operation cannot be fulfilled on \"%s\": the object has been modified; please apply your "
		               "changes to the latest "
		               "version and try again",
		               op->name);
	return 0;
}

static int prepare_scale(struct api_request *req, struct api_op *op, struct err *err)
{
	const char *type = http_request_header(req->http, "Content-Type");
	char words[512];

	op->code = 200;
	if (write_read_current(req, op, err) < 0)
		return -1;
	if (!op->current)
		return err_set(err, ERR_NOT_FOUND, "%s \"%s\" not found", api_type_words(req->type, words), op->name);
	_cleanup_json_ json_t *old = object_view_value(req->type, req->version, op->current),
						  *before = scale_view(req->version, old);
	_cleanup_json_ json_t *scale = NULL;
	if (strcmp(req->verb, "update") == 0)
		scale = json_incref(op->body);
	else if (type && str_starts_with(type, "application/json-patch+json"))
		scale = json_patch_apply(before, op->body, err);
	else
		scale = json_merge_patch_apply(before, op->body);
	if (!scale || check_scale(op, scale, before, err) < 0)
		return -1;
	op->retry = strcmp(req->verb, "patch") == 0;
	struct write_input in = { .obj = json_deep_copy(old), .old = old, .subresource = "scale" };
	scale_take(req->version, in.obj, scale);
	return write_finish(req, op, &in, err);
}

void handle_scale(struct api_request *req)
{
	_cleanup_err_ struct err err = { 0 };
	const char *ns = req->type->namespaced ? req->path.ns : "";
	char words[512];

	if (strcmp(req->verb, "update") == 0 || strcmp(req->verb, "patch") == 0) {
		json_t *body = api_request_body(req, &err);
		if (body)
			write_start(req, prepare_scale, body);
		else
			api_respond_err(req, &err);
		return;
	}
	_cleanup_(store_object_unrefp) struct store_object *o = store_get(req->server->store, req->type->resource, ns,
	                                                                  req->path.name);
	if (!o || strcmp(req->verb, "get") != 0) {
		err_set(&err, o ? ERR_METHOD_NOT_ALLOWED : ERR_NOT_FOUND, "%s \"%s\" %s", api_type_words(req->type, words),
		        req->path.name, o ? "does not allow this method" : "not found");
		api_respond_err(req, &err);
		return;
	}
	if (object_convert(req->server->store, req->type, req->version, &o, 1, &err) < 0) {
		api_respond_err(req, &err);
		return;
	}
	_cleanup_json_ json_t *obj = object_view_value(req->type, req->version, o);
	api_respond_value(req, 200, scale_view(req->version, obj));
}
