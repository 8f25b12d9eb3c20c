/* DELETE of one object and of a collection. */
#include "admit.h"
#include "base/str.h"
#include "deletion.h"
#include "kube/object.h"
#include "list.h"
#include "objects/object_view.h"
#include "server.h"
#include "write.h"

static int check_preconditions(const struct api_request *req, const struct api_op *op, struct err *err)
{
	const char *uid = req->options.precondition_uid, *version = req->options.precondition_version;
	char words[512];

	api_type_words(req->type, words);
	if (uid && strcmp(uid, op->current->uid) != 0)
		return err_set(err, ERR_CONFLICT,
		               "Operation cannot be fulfilled on %s \"%s\": Precondition failed: UID in precondition: %s, UID "
		               "in object meta: %s",
		               words, op->name, uid, op->current->uid);
	_cleanup_free_ char *now = xasprintf("%ju", (uintmax_t)op->current->version);
	if (version && strcmp(version, now) != 0)
		return err_set(
			err, ERR_CONFLICT,
			"Operation cannot be fulfilled on %s \"%s\": Precondition failed: ResourceVersion in precondition: %s, "
			"ResourceVersion in object meta: %s",
			words, op->name, version, now);
	return 0;
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
	if (check_preconditions(req, op, err) < 0 ||
	    (t->strategy->check_delete && t->strategy->check_delete(op->name, err) < 0) ||
	    admit_delete(req, op->current, err) < 0)
		return -1;
	_cleanup_json_ json_t *old = object_stored_value(t, op->current), *obj = json_deep_copy(old);
	op->gone = deletion_mark(t, obj, req->options.propagation);
	if (op->gone && req->options.dry_run)
		return WRITE_CURRENT;
	if (op->gone) {
		write_delete(req, op);
		return WRITE_COMMIT;
	}
	if (req->options.dry_run) {
		object_from_storage(t, req->version, obj);
		op->value = json_incref(obj);
		return WRITE_VALUE;
	}
	if (json_same(obj, old))
		return WRITE_CURRENT;
	write_store(req, op, obj);
	return WRITE_COMMIT;
}

/* A body takes the place of the query's options. */
static int read_options(struct api_request *req, struct err *err)
{
	size_t len;

	http_request_body(req->http, &len);
	_cleanup_json_ json_t *body = len > 0 ? api_request_body(req, err) : NULL;
	if (len > 0 && (!body || api_options_from_delete_body(body, &req->options, err) < 0))
		return -1;
	return api_options_check_delete(&req->options, &req->options_kind, err);
}

void handle_delete(struct api_request *req)
{
	_cleanup_err_ struct err err = { 0 };

	if (read_options(req, &err) < 0)
		api_respond_err(req, &err);
	else
		write_start(req, prepare_delete, NULL);
}

/* The list of what was deleted, as it was. */
static json_t *deleted_list(const struct api_request *req, const struct store_list *list)
{
	json_t *v = json_object(), *items = json_array();

	json_put_str(v, "kind", req->type->list_kind);
	json_put_str(v, "apiVersion", req->version->api_version);
	json_put(v, "metadata", json_pack("{s:o}", "resourceVersion", json_strf("%ju", (uintmax_t)list->version)));
	for (size_t i = 0; i < list->len; i++)
		json_array_append_new(items, object_view_value(req->type, req->version, list->items[i]));
	json_put(v, "items", items);
	return v;
}

/* Each that admission agrees with, up to the first it does not. */
static int delete_admitted(struct api_request *req, const struct store_list *list, struct err *err)
{
	for (size_t i = 0; i < list->len; i++) {
		const struct store_object *o = list->items[i];
		if (admit_delete(req, o, err) < 0)
			return -1;
		if (!req->options.dry_run &&
		    deletion_run(req->server, req->type, o->ns, o->name, o->uid, req->options.propagation, err) < 0)
			return -1;
	}
	return 0;
}

static int delete_all(struct api_request *req, const struct store_list *list, struct err *err)
{
	if (req->may_wait)
		return delete_admitted(req, list, err);
	return req->options.dry_run ? 0 : deletion_run_all(req->server, req->type, list, req->options.propagation, err);
}

void handle_delete_collection(struct api_request *req)
{
	_cleanup_err_ struct err err = { 0 };
	_cleanup_free_ char *token = NULL;
	struct list_selection selection;
	struct store_list list;

	if (read_options(req, &err) < 0 || list_selection_parse(req, &selection, &err) < 0) {
		api_respond_err(req, &err);
		return;
	}
	int r = list_run(req, &selection, &list, &token, &err);
	list_selection_clear(&selection);
	if (r < 0) {
		api_respond_err(req, &err);
		return;
	}
	if (delete_all(req, &list, &err) < 0)
		api_respond_err(req, &err);
	else
		api_respond_value(req, 200, deleted_list(req, &list));
	store_list_clear(&list);
}
