/* DELETE of one object and of a collection. */
#include "base/clock.h"
#include "base/str.h"
#include "kube/object.h"
#include "list.h"
#include "object_view.h"
#include "server.h"
#include "write.h"

#define FOREGROUND "foregroundDeletion"
#define ORPHAN "orphan"

static int check_preconditions(const struct api_request *req, const struct api_op *op, struct err *err)
{
	const char *uid = req->options.precondition_uid, *version = req->options.precondition_version;
	char words[512];

	api_type_words(req->type, words);
	if (uid && strcmp(uid, op->current->uid) != 0)
		return err_set(err, ERR_CONFLICT,
		               "Operation cannot be fulfilled on %s \"%s\": Precondition failed: UID in precondition: %s, UID in object meta: %s",
		               words, op->name, uid, op->current->uid);
	_cleanup_free_ char *now = xasprintf("%ju", (uintmax_t)op->current->version);
	if (version && strcmp(version, now) != 0)
		return err_set(err, ERR_CONFLICT,
		               "Operation cannot be fulfilled on %s \"%s\": Precondition failed: ResourceVersion in precondition: %s, "
		               "ResourceVersion in object meta: %s",
		               words, op->name, version, now);
	return 0;
}

/* The policy is kept as a finalizer, for the garbage collector. */
static void set_propagation(json_t *obj, enum propagation propagation)
{
	if (propagation == PROPAGATION_DEFAULT)
		return;
	kube_remove_finalizer(obj, propagation == PROPAGATION_FOREGROUND ? ORPHAN : FOREGROUND);
	if (propagation == PROPAGATION_BACKGROUND)
		kube_remove_finalizer(obj, ORPHAN);
	else
		kube_add_finalizer(obj, propagation == PROPAGATION_FOREGROUND ? FOREGROUND : ORPHAN);
	if (json_array_size(json_object_get(kube_meta(obj), "finalizers")) == 0)
		json_object_del(kube_meta(obj), "finalizers");
}

static void mark_deleted(json_t *obj)
{
	json_t *meta = kube_meta(obj);
	char now[RFC3339_SIZE];

	if (kube_is_deleting(obj))
		return;
	json_put_str(meta, "deletionTimestamp", rfc3339_format(clock_wall_ns(), now));
	json_put_int(meta, "deletionGracePeriodSeconds", 0);
	if (kube_generation(obj) > 0)
		json_put_int(meta, "generation", kube_generation(obj) + 1);
}

static int prepare_delete(struct api_request *req, struct api_op *op, struct err *err)
{
	const struct api_type *t = req->type;
	char words[512];

	op->retry = true;
	op->code = 200;
	op->current = store_get(req->server->store, t->resource, op->ns, op->name);
	if (!op->current)
		return err_set(err, ERR_NOT_FOUND, "%s \"%s\" not found", api_type_words(t, words), op->name);
	if (check_preconditions(req, op, err) < 0)
		return -1;
	_cleanup_json_ json_t *old = object_stored_value(t, op->current), *obj = json_deep_copy(old);
	set_propagation(obj, req->options.propagation);
	if (t->strategy->prepare_delete)
		t->strategy->prepare_delete(obj);
	op->gone = json_array_size(json_object_get(kube_meta(obj), "finalizers")) == 0 && !(t->strategy->held && t->strategy->held(obj));
	if (op->gone && req->options.dry_run)
		return WRITE_CURRENT;
	if (op->gone) {
		write_delete(req, op);
		return WRITE_COMMIT;
	}
	mark_deleted(obj);
	if (req->options.dry_run) {
		object_from_storage(t, req->version, obj);
		op->value = json_incref(obj);
		return WRITE_VALUE;
	}
	if (json_equal(obj, old))
		return WRITE_CURRENT;
	write_store(req, op, obj);
	return WRITE_COMMIT;
}

static int read_options(struct api_request *req, struct err *err)
{
	size_t len;

	http_request_body(req->http, &len);
	if (len == 0)
		return 0;
	_cleanup_json_ json_t *body = api_request_body(req, err);
	return body ? api_options_from_delete_body(body, &req->options, err) : -1;
}

void handle_delete(struct api_request *req)
{
	_cleanup_err_ struct err err = { 0 };

	if (read_options(req, &err) < 0)
		api_respond_err(req, &err);
	else
		write_start(req, prepare_delete, NULL);
}
