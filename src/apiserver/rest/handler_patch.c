/* PATCH: JSON patch, merge patch, strategic merge patch, server-side apply. */
#include "patch/apply.h"
#include "base/clock.h"
#include "base/str.h"
#include "codec/patch.h"
#include "codec/yaml.h"
#include "kube/object.h"
#include "objects/object_meta.h"
#include "objects/object_view.h"
#include "server.h"
#include "patch/strategic_merge.h"
#include "write.h"

/* NULL with err set: it could not be read; without: it is not there. */
static json_t *present(struct api_request *req, struct api_op *op, struct err *err)
{
	if (write_read_current(req, op, err) < 0)
		return NULL;
	return op->current ? object_view_value(req->type, req->version, op->current) : NULL;
}

/* A version in the result that is not the present one came from the patch: the client wants no other. */
static int check_patched_version(struct api_request *req, struct api_op *op, const json_t *obj, struct err *err)
{
	_cleanup_free_ char *now = xasprintf("%ju", (uintmax_t)op->current->version);
	const char *wanted = kube_resource_version(obj);
	char words[512];

	if (!*wanted || strcmp(wanted, now) == 0)
		return 0;
	return err_set(err, ERR_CONFLICT,
	               "Operation cannot be fulfilled on %s \"%s\": the object has been modified; please apply your "
	               "changes to the latest "
	               "version and try again",
	               api_type_words(req->type, words), op->name);
}

/* The rest of every patch but apply. patched is stolen. */
static int finish_patched(struct api_request *req, struct api_op *op, const json_t *old, json_t *patched,
                          struct err *err)
{
	const char *subresource = req->path.subresource;
	struct write_input in = { .old = old, .subresource = subresource };

	if (!json_is_object(patched)) {
		json_decref(patched);
		return err_set(err, ERR_BAD_REQUEST, "the patch does not leave an object");
	}
	op->retry = true;
	if (write_decode_meta(req, op, patched, err) < 0 ||
	    object_meta_address(req->type, patched, op->ns, op->name, err) < 0 ||
	    check_patched_version(req, op, patched, err) < 0) {
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

static int not_found(const struct api_request *req, const struct api_op *op, struct err *err)
{
	char words[512];

	if (err_is_set(err))
		return -1;
	return err_set(err, ERR_NOT_FOUND, "%s \"%s\" not found", api_type_words(req->type, words), op->name);
}

static int prepare_json_patch(struct api_request *req, struct api_op *op, struct err *err)
{
	_cleanup_json_ json_t *old = present(req, op, err);

	if (!old)
		return not_found(req, op, err);
	json_t *patched = json_patch_apply(old, op->body, err);
	return patched ? finish_patched(req, op, old, patched, err) : -1;
}

static int prepare_merge_patch(struct api_request *req, struct api_op *op, struct err *err)
{
	_cleanup_json_ json_t *old = present(req, op, err);

	if (!old)
		return not_found(req, op, err);
	return finish_patched(req, op, old, json_merge_patch_apply(old, op->body), err);
}

static int prepare_strategic_patch(struct api_request *req, struct api_op *op, struct err *err)
{
	_cleanup_json_ json_t *old = present(req, op, err);
	json_t *patched = NULL;

	if (!old)
		return not_found(req, op, err);
	if (strategic_merge_apply(schema_resolve(req->version->schema), old, op->body, &patched, err) < 0)
		return -1;
	return finish_patched(req, op, old, patched, err);
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

static int prepare_apply(struct api_request *req, struct api_op *op, struct err *err)
{
	const char *subresource = req->path.subresource;
	_cleanup_json_ json_t *old = present(req, op, err), *fresh = old ? NULL : identity(req, op);
	struct write_input in = { .old = old, .applied = true, .subresource = subresource };
	char manager[129];
	const struct apply_request request = {
		.schema = schema_resolve(req->version->schema),
		.manager = api_request_manager(req, manager),
		.api_version = req->version->api_version,
		.subresource = subresource,
		.has_status = req->version->has_status,
		.force = req->options.force,
		.now_wall_ns = clock_wall_ns(),
	};
	json_t *applied = NULL;

	if (err_is_set(err))
		return -1;
	if (!old && (*subresource || *kube_uid(op->body) || *kube_resource_version(op->body)))
		return not_found(req, op, err);
	if (old && check_patched_version(req, op, op->body, err) < 0)
		return -1;
	if (apply_server_side(&request, old ? old : fresh, op->body, &applied, err) < 0)
		return -1;
	op->code = old ? 200 : 201;
	op->retry = true;
	in.obj = applied;
	if (*subresource) {
		in.obj = write_subresource(old, applied, subresource);
		json_decref(applied);
	}
	return write_finish(req, op, &in, err);
}

/* What is applied is checked for unknown fields by itself: later they could be anyone's. */
static int check_applied(struct api_request *req, json_t *body, struct err *err)
{
	_cleanup_json_ json_t *dropped = json_array();

	if (object_meta_decode(req->type, req->version, body, dropped, err) < 0 ||
	    object_meta_address(req->type, body, req->type->namespaced ? req->path.ns : "", req->path.name, err) < 0)
		return -1;
	if (req->version->schema)
		schema_prune(req->version->schema, body, dropped);
	return write_report_dropped(req, dropped, err);
}

static void start_apply(struct api_request *req)
{
	_cleanup_err_ struct err err = { 0 };
	json_t *body = NULL;

	if (!req->options.field_manager)
		err_set(&err, ERR_INVALID,
		        "PatchOptions.meta.k8s.io \"\" is invalid: fieldManager: Required value: is required for apply patch");
	else
		body = api_request_body(req, &err);
	if (!body || check_applied(req, body, &err) < 0) {
		json_decref(body);
		api_respond_err(req, &err);
		return;
	}
	write_start(req, prepare_apply, body);
}

typedef int (*prepare_patch)(struct api_request *req, struct api_op *op, struct err *err);

static prepare_patch prepare_of(const struct api_request *req, const char *type)
{
	if (str_starts_with(type, "application/json-patch+json"))
		return prepare_json_patch;
	if (str_starts_with(type, "application/merge-patch+json"))
		return prepare_merge_patch;
	if (str_starts_with(type, "application/strategic-merge-patch+json") && !req->type->custom)
		return prepare_strategic_patch;
	return NULL;
}

void handle_patch(struct api_request *req)
{
	_cleanup_err_ struct err err = { 0 };
	const char *type = http_request_header(req->http, "Content-Type");

	type = type ? type : "";
	if (str_starts_with(type, "application/apply-patch+yaml")) {
		start_apply(req);
		return;
	}
	prepare_patch prepare = prepare_of(req, type);
	json_t *body = NULL;
	if (!prepare)
		err_set(&err, ERR_UNSUPPORTED_MEDIA,
		        "the body of the request was in an unknown format - accepted media types include: "
		        "application/json-patch+json, "
		        "application/merge-patch+json, %sapplication/apply-patch+yaml",
		        req->type->custom ? "" : "application/strategic-merge-patch+json, ");
	else if (req->options.force)
		err_set(&err, ERR_INVALID,
		        "PatchOptions.meta.k8s.io \"\" is invalid: force: Forbidden: may not be specified for non-apply patch");
	else
		body = api_request_body(req, &err);
	if (!body) {
		api_respond_err(req, &err);
		return;
	}
	write_start(req, prepare, body);
}
