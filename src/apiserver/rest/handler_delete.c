/* DELETE of one object and of a collection. */
#include "admit.h"
#include "base/str.h"
#include "deletion.h"
#include "kube/object.h"
#include "list.h"
#include "objects/object_view.h"
#include "server.h"
#include "write.h"

/* Says of which kind the object is that is not the one that was meant; Kubernetes has other words for namespaces. */
static int precondition_failed(struct api_request *req, const char *name, const char *field, const char *wanted,
                               const char *found, const char *what, struct err *err)
{
	const struct api_type *t = req->type;
	bool ns = strcmp(t->resource, "/namespaces") == 0;
	_cleanup_free_ char *kind = *t->group ? xasprintf("%s.%s", t->kind, t->group) : xstrdup(t->kind);

	if (ns)
		err_set(
			err, ERR_CONFLICT,
			"Operation cannot be fulfilled on namespaces \"%s\": Precondition failed: %s in precondition: %s, %s in "
			"object meta: %s",
			name, field, wanted, field, found);
	else
		err_set(err, ERR_CONFLICT,
		        "Operation cannot be fulfilled on %s \"%s\": the %s in the precondition (%s) does not match the %s in "
		        "record (%s). The object might have been %s",
		        kind, name, field, wanted, field, found, what);
	if (!req->denial && err)
		req->denial = kube_status_from_err(err, t->group, ns ? t->plural : t->kind, name);
	return -1;
}

static int check_preconditions(struct api_request *req, const struct store_object *o, struct err *err)
{
	const char *uid = req->options.precondition_uid, *version = req->options.precondition_version;
	_cleanup_free_ char *now = xasprintf("%ju", (uintmax_t)o->version);

	if (uid && strcmp(uid, o->uid) != 0)
		return precondition_failed(req, o->name, "UID", uid, o->uid, "deleted and then recreated", err);
	if (version && strcmp(version, now) != 0)
		return precondition_failed(req, o->name, "ResourceVersion", version, now, "modified", err);
	return 0;
}

/* The kinds whose deletion Kubernetes answers with the object; it answers others with a Status. */
static bool returns_object(const struct api_type *t)
{
	static const char *const resources[] = {
		"/namespaces",
		"/persistentvolumeclaims",
		"/persistentvolumes",
		"/pods",
		"/podtemplates",
		"/resourcequotas",
		"/serviceaccounts",
		"/services",
		"storage.k8s.io/csidrivers",
		"storage.k8s.io/csinodes",
		"storage.k8s.io/storageclasses",
		"storage.k8s.io/volumeattachments",
		NULL,
	};

	return str_in(t->resource, resources);
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
	if (check_preconditions(req, op->current, err) < 0 ||
	    (t->strategy->check_delete && t->strategy->check_delete(op->name, err) < 0) ||
	    admit_delete(req, op->current, false, err) < 0)
		return -1;
	_cleanup_json_ json_t *old = object_stored_value(t, op->current), *obj = json_deep_copy(old);
	bool gone = deletion_mark(t, obj, req->options.propagation);
	op->gone = gone && !returns_object(t);
	if (gone && req->options.dry_run)
		return WRITE_CURRENT;
	if (gone) {
		write_delete(req, op);
		return WRITE_COMMIT;
	}
	/* Only whoever asked in the old way for cascading is told that it is not done yet. */
	op->code = req->options.orphan == 0 ? 202 : 200;
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
	if (len > 0 && !body && err->kind == ERR_BAD_REQUEST) {
		_cleanup_free_ char *why = xstrdup(err_message(err));
		bool json = api_request_body_form(req) == BODY_JSON;
		return err_set(err, ERR_UNKNOWN, "%s%s", json ? "couldn't get version/kind; json parse error: " : "", why);
	}
	if (len == 0)
		req->options.precondition_version = xstrdup_or_null(req->options.resource_version);
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

/* Each that admission and the preconditions agree with, up to the first they do not. */
static int delete_admitted(struct api_request *req, const struct store_list *list, struct err *err)
{
	for (size_t i = 0; i < list->len; i++) {
		const struct store_object *o = list->items[i];
		if (check_preconditions(req, o, err) < 0 || admit_delete(req, o, true, err) < 0)
			return -1;
		if (!req->options.dry_run &&
		    deletion_run(req->server, req->type, o->ns, o->name, o->uid, req->options.propagation, err) < 0)
			return -1;
	}
	return 0;
}

static int delete_all(struct api_request *req, const struct store_list *list, struct err *err)
{
	if (req->may_wait || req->options.precondition_uid || req->options.precondition_version)
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
		list_respond_err(req, token, &err);
		return;
	}
	if (delete_all(req, &list, &err) == 0) {
		list_respond(req, &list, token); /* as it was */
		return;
	}
	store_list_clear(&list);
	api_respond_err(req, &err);
}
