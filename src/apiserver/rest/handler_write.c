/* Create and update. */
#include "base/str.h"
#include "objects/invalid.h"
#include "kube/object.h"
#include "objects/object_meta.h"
#include "objects/object_view.h"
#include "sent_object.h"
#include "server.h"
#include "write.h"

static int prepare_create(struct api_request *req, struct api_op *op, struct err *err)
{
	struct write_input in = { .subresource = "" };
	uint64_t version;

	if (op->generated_name) { /* again, with another name */
		free(op->name);
		op->name = xstrdup("");
	}
	op->code = 201;
	in.has_version = object_meta_version(op->body, &version, NULL) == 0 && version != 0;
	op->generated_name = !*op->name && !*kube_name(op->body);
	in.obj = write_take_body(op);
	return write_finish(req, op, &in, err);
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
	write_start(req, prepare_create, body);
}

/* Where a kube-apiserver keeps an object: its messages name the place. */
static char *registry_key(const struct api_type *t, const char *ns, const char *name)
{
	static const struct {
		const char *resource, *prefix;
	} SPECIAL[] = { { "/replicationcontrollers", "controllers" },
		            { "/endpoints", "services/endpoints" },
		            { "/nodes", "minions" },
		            { "/services", "services/specs" },
		            { "networking.k8s.io/ingresses", "ingress" } };
	bool whole = t->custom || strcmp(t->group, "apiextensions.k8s.io") == 0 ||
	             strcmp(t->group, "apiregistration.k8s.io") == 0;
	const char *prefix = whole ? t->resource : t->plural;

	for (size_t i = 0; i < ARRAY_SIZE(SPECIAL); i++)
		if (strcmp(SPECIAL[i].resource, t->resource) == 0)
			prefix = SPECIAL[i].prefix;
	return xasprintf("/registry/%s/%s%s%s", prefix, ns, *ns ? "/" : "", name);
}

/* An update is of the object it names, which may have been deleted and created again. */
static int check_uid(const struct api_request *req, const struct api_op *op, struct err *err)
{
	const char *uid = kube_uid(op->body);
	char words[512];

	if (!*uid || strcmp(uid, op->current->uid) == 0)
		return 0;
	_cleanup_free_ char *key = registry_key(req->type, op->ns, op->name);
	return err_set(
		err, ERR_CONFLICT,
		"Operation cannot be fulfilled on %s \"%s\": StorageError: invalid object, Code: 4, Key: %s, "
		"ResourceVersion: 0, AdditionalErrorMsg: Precondition failed: UID in precondition: %s, UID in object "
		"meta: %s",
		api_type_words(req->type, words), op->name, key, uid, op->current->uid);
}

static int must_name_version(struct api_request *req, const struct api_op *op, struct err *err)
{
	invalid_add(err, INVALID_VALUE, "metadata.resourceVersion", "Invalid value: 0x0: must be specified for an update");
	invalid_finish(err, req->type->plural, req->type->group, op->name);
	/* Of all that can be invalid, only this is told of the resource and not of the kind. */
	if (!req->denial)
		req->denial = kube_status_from_err(err, req->type->group, req->type->plural, op->name);
	return -1;
}

int write_check_version(struct api_request *req, struct api_op *op, bool may_lack, struct err *err)
{
	uint64_t version;
	char words[512];

	if (check_uid(req, op, err) < 0 || object_meta_version(op->body, &version, err) < 0)
		return -1;
	op->retry = version == 0;
	if (op->retry)
		return may_lack ? 0 : must_name_version(req, op, err);
	if (version == op->current->version)
		return 0;
	return err_set(err, ERR_CONFLICT,
	               "Operation cannot be fulfilled on %s \"%s\": the object has been modified; please apply your "
	               "changes to the latest version and try again",
	               api_type_words(req->type, words), op->name);
}

/* An update is refused, but what cannot be decoded is told instead. -1 */
static int after_decoding(struct api_request *req, struct api_op *op, struct err *err)
{
	_cleanup_err_ struct err first = { 0 };

	if (!op->dropped && write_decode(req, op, op->body, &first) < 0) {
		json_decref(TAKE_PTR(req->denial));
		err_clear(err);
		err_move(err, &first);
	}
	return -1;
}

static int prepare_update(struct api_request *req, struct api_op *op, struct err *err)
{
	const char *subresource = req->path.subresource;
	struct write_input in = { .subresource = subresource };
	char words[512];

	op->code = 200;
	if ((op->attempts == 1 || op->body_taken) && (write_decode_meta(req, op, op->body, err) < 0 ||
	                                              object_meta_check_namespace(req->type, op->body, op->ns, err) < 0 ||
	                                              object_meta_check_name(op->body, op->name, err) < 0))
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
	if (object_meta_address(req->type, op->body, op->ns, op->name, err) < 0 ||
	    write_check_version(req, op, req->type->strategy->unconditional_update, err) < 0)
		return after_decoding(req, op, err);
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
