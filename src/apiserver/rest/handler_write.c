/* Create and update. */
#include "base/str.h"
#include "objects/invalid.h"
#include "kube/object.h"
#include "objects/object_meta.h"
#include "objects/object_view.h"
#include "server.h"
#include "write.h"

#define QUOTED_MAX ((size_t)30)

static int prepare_create(struct api_request *req, struct api_op *op, struct err *err)
{
	struct write_input in = { .subresource = "" };

	if (op->generated_name) { /* again, with another name */
		free(op->name);
		op->name = xstrdup("");
	}
	op->code = 201;
	op->generated_name = !*op->name && !*kube_name(op->body);
	in.obj = write_take_body(op);
	return write_finish(req, op, &in, err);
}

/* As a kube-apiserver quotes what it cannot read: its first bytes, in hexadecimal unless it looks like JSON. */
static char *quote_body(const char *body, size_t len)
{
	size_t shown = len > QUOTED_MAX ? QUOTED_MAX : len;
	struct buf text = BUF_INIT(4 * QUOTED_MAX);

	if (len == 0)
		return xstrdup("<empty>");
	for (size_t i = 0; i < shown; i++)
		buf_printf(&text, *body == '{' ? "%c" : "%02x", (unsigned char)body[i]);
	if (len > shown)
		buf_puts(&text, " ...");
	return buf_steal(&text);
}

static int unrecognized(const struct api_request *req, const char *why, struct err *err)
{
	size_t len;
	const char *body = http_request_body(req->http, &len);
	_cleanup_free_ char *quoted = quote_body(body, len);

	err_clear(err);
	return err_set(err, ERR_BAD_REQUEST, "the object provided is unrecognized (must be of type %s): %s (%s)",
	               req->type->kind, why, quoted);
}

/* Custom resources say what they are: their server learns it from nothing else. */
static int check_says_what_it_is(const struct api_request *req, const json_t *body, struct err *err)
{
	const char *missing = str_empty(json_get_str(body, "kind"))         ? "Kind"
	                      : str_empty(json_get_str(body, "apiVersion")) ? "apiVersion"
	                                                                    : NULL;

	if (!json_is_object(body) || !missing)
		return 0;
	_cleanup_free_ char *text = json_to_str(body);
	_cleanup_free_ char *why = xasprintf("Object '%s' is missing in '%.1024s'", missing, text);
	return unrecognized(req, why, err);
}

/* The object sent, or NULL. What a custom resource cannot be is told in Kubernetes' words. */
static json_t *sent_object(struct api_request *req, struct err *err)
{
	size_t len;
	_cleanup_json_ json_t *body = api_request_body(req, err);

	http_request_body(req->http, &len);
	if (!body && len == 0 && req->type->custom && err->kind == ERR_BAD_REQUEST)
		unrecognized(req, "couldn't get version/kind; json parse error: unexpected end of JSON input", err);
	if (!body || (req->type->custom && check_says_what_it_is(req, body, err) < 0))
		return NULL;
	return TAKE_PTR(body);
}

void handle_create(struct api_request *req)
{
	_cleanup_err_ struct err err = { 0 };

	if (req->type->terminating) {
		err_set(&err, ERR_METHOD_NOT_ALLOWED, "create not allowed while custom resource definition is terminating");
		api_respond_err(req, &err);
		return;
	}
	json_t *body = sent_object(req, &err);
	if (!body) {
		api_respond_err(req, &err);
		return;
	}
	if (req->type->strategy->review) {
		req->type->strategy->review(req, body);
		return;
	}
	if (*kube_resource_version(body) && strcmp(kube_resource_version(body), "0") != 0) {
		json_decref(body);
		err_set(&err, ERR_BAD_REQUEST, "resourceVersion should not be set on objects to be created");
		api_respond_err(req, &err);
		return;
	}
	write_start(req, prepare_create, body);
}

static int check_version(struct api_request *req, struct api_op *op, struct err *err)
{
	const char *version = kube_resource_version(op->body);
	char words[512];
	int64_t number;

	op->retry = !*version || strcmp(version, "0") == 0;
	if (op->retry && (req->type->strategy->unconditional_update || *req->path.subresource))
		return 0;
	if (op->retry) {
		_cleanup_err_ struct err invalid = { 0 };
		invalid_add(&invalid, INVALID_VALUE, "metadata.resourceVersion",
		            "Invalid value: 0x0: must be specified for an update");
		invalid_finish(&invalid, req->type->kind, req->type->group, op->name);
		err_move(err, &invalid);
		return -1;
	}
	if (!str_to_i64(version, 0, INT64_MAX, &number))
		return err_set(err, ERR_BAD_REQUEST, "metadata.resourceVersion: Invalid value: \"%s\": not a number", version);
	if ((uint64_t)number == op->current->version)
		return 0;
	return err_set(err, ERR_CONFLICT,
	               "Operation cannot be fulfilled on %s \"%s\": the object has been modified; please apply your "
	               "changes to the latest "
	               "version and try again",
	               api_type_words(req->type, words), op->name);
}

static int prepare_update(struct api_request *req, struct api_op *op, struct err *err)
{
	const char *subresource = req->path.subresource;
	struct write_input in = { .subresource = subresource };
	char words[512];

	op->code = 200;
	if ((op->attempts == 1 || op->body_taken) &&
	    (write_decode_meta(req, op, op->body, err) < 0 || object_meta_check_name(op->body, op->name, err) < 0))
		return -1;
	if (write_read_current(req, op, err) < 0)
		return -1;
	if (!op->current) {
		if (!req->type->strategy->create_on_update || *subresource || *kube_uid(op->body))
			return err_set(err, ERR_NOT_FOUND, "%s \"%s\" not found", api_type_words(req->type, words), op->name);
		op->code = 201;
		op->retry = true;
		in.obj = write_take_body(op);
		return write_finish(req, op, &in, err);
	}
	/* Addresses are checked on what was sent, before a subresource hides them. */
	if (object_meta_address(req->type, op->body, op->ns, op->name, err) < 0 || check_version(req, op, err) < 0)
		return -1;
	if (*subresource && !op->dropped && write_decode(req, op, op->body, err) < 0)
		return -1;
	_cleanup_json_ json_t *old = object_view_value(req->type, req->version, op->current);
	in.old = old;
	in.obj = *subresource ? write_subresource(old, op->body, subresource) : write_take_body(op);
	return write_finish(req, op, &in, err);
}

void handle_update(struct api_request *req)
{
	_cleanup_err_ struct err err = { 0 };
	json_t *body = sent_object(req, &err);

	if (body)
		write_start(req, prepare_update, body);
	else
		api_respond_err(req, &err);
}
