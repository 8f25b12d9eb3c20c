/* PATCH: JSON patch, merge patch, strategic merge patch, server-side apply. */
#include "base/clock.h"
#include "base/str.h"
#include "kinds/kinds.h"
#include "kube/object.h"
#include "objects/invalid.h"
#include "objects/object_meta.h"
#include "objects/object_view.h"
#include "patch/apply.h"
#include "patch_body.h"
#include "sent_object.h"
#include "server.h"
#include "write.h"
#include "write_fields.h"

/* NULL with err set: it could not be read; without: it is not there. */
static json_t *present(struct api_request *req, struct api_op *op, struct err *err)
{
	if (write_read_current(req, op, err) < 0)
		return NULL;
	return op->current ? object_view_value(req->type, req->version, op->current) : NULL;
}

static int not_found(const struct api_request *req, const struct api_op *op, struct err *err)
{
	char words[512];

	if (err_is_set(err))
		return -1;
	return err_set(err, ERR_NOT_FOUND, "%s \"%s\" not found", api_type_words(req->type, words), op->name);
}

static int conflict(const struct api_request *req, const struct api_op *op, struct err *err, const char *why)
{
	char words[512];

	return err_set(err, ERR_CONFLICT, "Operation cannot be fulfilled on %s \"%s\": %s",
	               api_type_words(req->type, words), op->name, why);
}

int write_check_patched_version(struct api_request *req, struct api_op *op, const json_t *obj, struct err *err)
{
	_cleanup_free_ char *now = xasprintf("%ju", (uintmax_t)op->current->version);
	const char *wanted = kube_resource_version(obj);
	uint64_t version;

	if (object_meta_version(obj, &version, err) < 0)
		return -1;
	if (version == 0 || strcmp(wanted, now) == 0)
		return 0;
	return conflict(req, op, err,
	                "the object has been modified; please apply your changes to the latest version and try again");
}

int write_without_name(struct api_op *op, int r)
{
	op->anonymous = r < 0;
	return r;
}

/* ---- JSON patch, merge patch, strategic merge patch ---- */

/* What the patched object says it is. A strategic merge patch cannot say: Kubernetes makes it a Go value first. */
static int check_type(struct api_request *req, struct api_op *op, json_t *patched, struct err *err)
{
	const struct api_type *t = req->body_type;
	const char *api_version = json_get_str(patched, "apiVersion"), *kind = json_get_str(patched, "kind");
	_cleanup_free_ char *why = NULL;

	if (op->patch_form == PATCH_STRATEGIC) {
		json_put_str(patched, "apiVersion", req->body_version->api_version);
		json_put_str(patched, "kind", t->kind);
	} else if (t->custom && str_empty(kind)) {
		_cleanup_free_ char *text = json_canonical(patched);
		why = xasprintf("Object 'Kind' is missing in '%s'", text);
	} else if (!t->custom && ((!str_empty(kind) && !str_eq(kind, t->kind)) ||
	                          (!str_empty(api_version) && !str_eq(api_version, req->body_version->api_version)))) {
		why = sent_object_unknown(t, api_version ? api_version : "", kind);
	} else if (t->custom && str_eq(kind, t->kind) && !str_eq(api_version, req->body_version->api_version)) {
		_cleanup_free_ char *group = xstrndup(api_version ? api_version : "",
		                                      api_version ? strcspn(api_version, "/") : 0);
		invalid_add(err, INVALID_VALUE, "apiVersion", "Invalid value: \"%s\": must be %s",
		            api_version ? api_version : "", req->body_version->api_version);
		invalid_finish(err, kind, group, op->name);
		if (!req->denial)
			req->denial = kube_status_from_err(err, group, kind, op->name);
		return -1;
	}
	if (why)
		return write_without_name(op, patch_body_invalid(op->patch_form, op->body, patched, why, err));
	int r = object_meta_identify(t, req->body_version, patched, err);
	if (r < 0 && err->kind == ERR_INVALID && !req->denial) /* it is about the kind that was named */
		req->denial = kube_status_from_err(err, t->group, kind, op->name);
	return r;
}

/* The patched object as Go's decoder reads it: null and empty values go, others are of the declared types. */
static int read_patched(struct api_request *req, struct api_op *op, json_t *patched, json_t *dropped, struct err *err)
{
	const struct api_version *v = req->body_version;
	_cleanup_json_ json_t *whole = json_clone(patched);
	_cleanup_err_ struct err why = { 0 };

	_cleanup_free_ char *fault = v->message && op->patch_form == PATCH_STRATEGIC
	                                 ? kinds_convert_fault(v->message, patched)
	                                 : NULL;
	if (fault)
		return write_without_name(op, patch_body_invalid(op->patch_form, op->body, whole, fault, err));
	if (object_meta_read(req->body_type, patched, dropped, &why) == 0 &&
	    (!v->message || kinds_normalize(v->message, patched, &why) == 0))
		return 0;
	return write_without_name(op, patch_body_invalid(op->patch_form, op->body, whole, err_message(&why), err));
}

int write_decode_patched(struct api_request *req, struct api_op *op, json_t *patched, struct err *err)
{
	_cleanup_json_ json_t *dropped = json_array(), *whole = NULL;
	enum patch_form form = op->patch_form;

	/* The message about unknown fields shows the object with them. */
	if (req->options.validation == VALIDATION_STRICT && !op->dropped)
		whole = json_clone(patched);
	if (check_type(req, op, patched, err) < 0 || read_patched(req, op, patched, dropped, err) < 0)
		return -1;
	if (req->body_type->strategy->decode)
		req->body_type->strategy->decode(patched, dropped);
	if (req->body_version->schema)
		schema_prune(req->body_version->schema, patched, dropped);
	if (op->dropped)
		return 0;
	op->dropped = json_incref(dropped);
	return write_without_name(op, patch_body_report(req, form, op->body, whole, dropped, err));
}

/* patched is stolen. */
static int finish_patched(struct api_request *req, struct api_op *op, const json_t *old, json_t *patched,
                          struct err *err)
{
	const char *subresource = req->path.subresource;
	struct write_input in = { .old = old, .subresource = subresource };

	op->retry = true;
	if (write_decode_patched(req, op, patched, err) < 0 || object_meta_check_name(patched, op->name, err) < 0 ||
	    object_meta_address(req->type, patched, op->ns, op->name, err) < 0 ||
	    write_check_patched_version(req, op, patched, err) < 0) {
		json_decref(patched);
		return -1;
	}
	in.obj = patched;
	if (*subresource) {
		in.obj = write_subresource(old, patched, subresource);
		json_decref(patched);
	}
	return write_finish(req, op, &in, err);
}

static int prepare_patch(struct api_request *req, struct api_op *op, struct err *err)
{
	_cleanup_json_ json_t *old = present(req, op, err);
	enum patch_form form = op->patch_form;

	if (!old)
		return not_found(req, op, err);
	json_t *patched = patch_body_apply(form, schema_resolve(req->version->schema), old, op->body, err);
	return patched ? finish_patched(req, op, old, patched, err) : write_without_name(op, -1);
}

/* ---- apply ---- */

static json_t *identity(const struct api_request *req, const struct api_op *op)
{
	json_t *obj = json_object(), *meta = json_ensure_object(obj, "metadata");

	json_put_str(obj, "apiVersion", req->version->api_version);
	json_put_str(obj, "kind", req->type->kind);
	json_put_str(meta, "name", op->name);
	if (*op->ns)
		json_put_str(meta, "namespace", op->ns);
	return obj;
}

int write_check_repeated(struct api_request *req, struct api_op *op, struct err *err)
{
	if (op->dropped)
		return 0;
	op->dropped = json_array();
	if (!req->duplicates || req->options.validation == VALIDATION_IGNORE)
		return 0;
	if (req->options.validation == VALIDATION_STRICT) {
		_cleanup_free_ char *lines = strv_join(req->duplicates, "\n  ");
		return err_set(err, ERR_BAD_REQUEST,
		               "error strict decoding patch: error converting YAML to JSON: yaml: unmarshal errors:\n  %s",
		               lines);
	}
	for (size_t i = 0; req->duplicates[i]; i++)
		api_request_warn(req, "%s", req->duplicates[i]);
	return 0;
}

/* What only an existing object can fulfil. */
static int check_new(struct api_request *req, struct api_op *op, struct err *err)
{
	const char *uid = kube_uid(op->body);

	if (*uid) {
		_cleanup_free_ char *why = xasprintf(
			"uid mismatch: the provided object specified uid %s, and no existing object was found", uid);
		return conflict(req, op, err, why);
	}
	return object_meta_check_has_name(op->body, op->name, err);
}

static int prepare_apply(struct api_request *req, struct api_op *op, struct err *err)
{
	const char *subresource = req->path.subresource;
	_cleanup_json_ json_t *old = present(req, op, err), *fresh = old ? NULL : identity(req, op);
	struct write_input in = { .old = old, .applied = true, .subresource = subresource };
	struct write_fields fields;
	json_t *applied = NULL;

	if (err_is_set(err))
		return -1;
	if (!old && *subresource)
		return not_found(req, op, err);
	write_fields_init(&fields, req, subresource);
	if (apply_server_side(&fields.request, old ? old : fresh, op->body, &applied, err) < 0)
		return write_without_name(op, -1);
	if (write_check_repeated(req, op, err) < 0 ||
	    (old ? write_check_patched_version(req, op, op->body, err) : check_new(req, op, err)) < 0) {
		json_decref(applied);
		return -1;
	}
	op->code = old ? 200 : 201;
	op->retry = true;
	in.obj = applied;
	if (*subresource) {
		in.obj = write_subresource(old, applied, subresource);
		json_decref(applied);
	}
	return write_finish(req, op, &in, err);
}

void handle_patch(struct api_request *req)
{
	_cleanup_err_ struct err err = { 0 };
	enum patch_form form;

	if (patch_form_of(req, !req->type->custom, &form, &err) < 0) {
		json_t *status = api_status_value(NULL, NULL, &err);
		if (!req->type->custom)
			json_ensure_object(status, "details");
		api_respond_value(req, err_kind_http_code(err.kind), status);
		return;
	}
	if (api_options_check_patch(&req->options, form == PATCH_APPLY, &req->options_kind, &err) < 0) {
		api_respond_err(req, &err);
		return;
	}
	json_t *body = patch_body_read(req, form, &err);
	if (!body) {
		api_respond_err(req, &err);
		return;
	}
	bool scale = strcmp(req->path.subresource, "scale") == 0;
	write_start_patch(req,
	                  form == PATCH_APPLY ? (scale ? scale_prepare_apply : prepare_apply)
	                                      : (scale ? scale_prepare_patch : prepare_patch),
	                  body, form);
}
