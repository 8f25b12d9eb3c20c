#include "list.h"

#include "base/str.h"
#include "continue_token.h"
#include "objects/object_convert.h"
#include "objects/object_view.h"
#include "respond.h"
#include "server.h"

#include <inttypes.h>

#define LIST_EXPIRED "The resourceVersion for the provided list is too old."
#define CONTINUE_EXPIRED                                                                                           \
	"The provided continue parameter is too old to display a consistent list result. You can start a new list "    \
	"without the continue parameter, or use the continue token in this response to retrieve the remainder of the " \
	"results. Continuing with the provided token results in an inconsistent list - objects that were created, "    \
	"modified, or deleted between the time the first chunk was returned and now may show up in the list."

const char *list_namespace(const struct api_request *req)
{
	return req->type->namespaced ? req->path.ns : "";
}

/* ---- resource versions ---- */

int list_check_version(struct apiserver *s, uint64_t version, struct err *err)
{
	uint64_t now = store_version(s->store);

	if (version <= now)
		return 0;
	err_set(err, ERR_TIMEOUT, "Timeout: Too large resource version: %" PRIu64 ", current: %" PRIu64, version, now);
	err_add_cause(err, "ResourceVersionTooLarge", NULL, "Too large resource version");
	return -1;
}

/* The version to list at (0: now), after
 * https://kubernetes.io/docs/reference/using-api/api-concepts/#resource-versions. There is only the newest state or a
 * given one here, so "any" and "not older than" mean the newest. */
static int version_of(struct api_request *req, uint64_t *ret, struct err *err)
{
	const struct api_options *o = &req->options;
	uint64_t version = 0;

	if (api_options_version(o->resource_version, &version, err) < 0) {
		if (o->limit > 0 && err)
			err->kind = ERR_BAD_REQUEST;
		return o->limit > 0 ? err_wrap(err, "invalid resource version") : -1;
	}
	bool exact = o->version_match ? strcmp(o->version_match, "Exact") == 0 : o->limit > 0 && version > 0;
	if (list_check_version(req->server, version, err) < 0)
		return -1;
	*ret = exact ? version : 0;
	return 0;
}

/* Where a token goes on. */
static int start_at(struct api_request *req, const struct continue_token *token, struct store_list_query *query,
                    struct err *err)
{
	if (req->options.resource_version && strcmp(req->options.resource_version, "0") != 0)
		return err_set(err, ERR_BAD_REQUEST, "specifying resource version is not allowed when using continue");
	query->after_ns = token->ns;
	query->after_name = token->name;
	query->at_version = token->version > 0 ? (uint64_t)token->version : 0;
	return list_check_version(req->server, query->at_version, err);
}

/* The error for a page carries a token to go on with, though not consistently. */
static int expired(const struct api_request *req, const struct continue_token *token, struct err *err,
                   char **ret_continue)
{
	if (err)
		err_clear(err);
	if (!token->name)
		return err_set(err, ERR_EXPIRED, LIST_EXPIRED);
	*ret_continue = continue_token_write(CONTINUE_INCONSISTENT, token->ns, token->name, continue_scope(req));
	return err_set(err, ERR_EXPIRED, CONTINUE_EXPIRED);
}

/* Servers with a watch cache, as Kubernetes' are, give all when any version will do. */
static size_t limit_of(const struct api_options *o)
{
	bool any = str_eq(o->resource_version, "0") && !o->continue_token;

	return o->limit > 0 && !any ? (size_t)o->limit : 0;
}

static int convert(struct api_request *req, struct store_list *list, char **ret_continue, struct err *err)
{
	if (object_convert(req->server->store, req->type, req->version, list->items, list->len, err) == 0)
		return 0;
	store_list_clear(list);
	free(*ret_continue);
	*ret_continue = NULL;
	return -1;
}

int list_run(struct api_request *req, const struct list_selection *selection, struct store_list *ret,
             char **ret_continue, struct err *err)
{
	_cleanup_(continue_token_clear) struct continue_token token = { 0 };
	struct store_list_query query = {
		.resource = req->type->resource,
		.ns = list_namespace(req),
		.limit = limit_of(&req->options),
		.select = list_selects_all(selection) ? NULL : list_select,
		.self = selection,
	};
	_cleanup_err_ struct err failed = { 0 };
	const char *text = req->options.continue_token;

	*ret_continue = NULL;
	if (text &&
	    (continue_token_read(text, continue_scope(req), &token, err) < 0 || start_at(req, &token, &query, err) < 0))
		return -1;
	if (!text && version_of(req, &query.at_version, err) < 0)
		return -1;
	if (store_list(req->server->store, &query, ret, &failed) < 0) {
		if (failed.kind == ERR_EXPIRED)
			return expired(req, &token, err, ret_continue);
		err_move(err, &failed);
		return -1;
	}
	if (ret->more) {
		const struct store_object *last = ret->items[ret->len - 1];
		*ret_continue = continue_token_write((int64_t)ret->version, last->ns, last->name, continue_scope(req));
	}
	return convert(req, ret, ret_continue, err);
}

void list_respond_err(struct api_request *req, const char *token, const struct err *err)
{
	if (!token) {
		api_respond_err(req, err);
		return;
	}
	json_t *status = api_status_value(NULL, NULL, err);
	json_put_str(json_ensure_object(status, "metadata"), "continue", token);
	api_respond_value(req, err_kind_http_code(err->kind), status);
}

void handle_list(struct api_request *req)
{
	_cleanup_err_ struct err err = { 0 };
	_cleanup_free_ char *token = NULL;
	struct list_selection selection;
	struct store_list list;

	if (list_selection_parse(req, &selection, &err) < 0) {
		api_respond_err(req, &err);
		return;
	}
	int r = list_run(req, &selection, &list, &token, &err);
	list_selection_clear(&selection);
	if (r == 0)
		list_respond(req, &list, token);
	else
		list_respond_err(req, token, &err);
}
