/* The way of a request: who asks, what for, may they, and who answers. On an event thread. */
#include "handler.h"

#include "auth/token_request.h"

#include "admit.h"
#include "base/str.h"
#include "discovery/documents.h"
#include "list.h"
#include "maintenance.h"
#include "objects/object_convert.h"
#include "objects/object_view.h"
#include "permission.h"
#include "server.h"
#include "write.h"

#define NOT_FOUND_TEXT "404 page not found\n"
#define MEDIA_TYPES "application/json, application/yaml"
#define STREAM_TYPES "application/json;stream=watch"
#define PROTOBUF "application/vnd.kubernetes.protobuf"

/* ---- what is not there ---- */

/* Whether built-in kinds live there: paths below are then answered with a Status, others with plain text. */
static bool is_builtin_group(struct registry *r, const struct api_path *p)
{
	_cleanup_(registry_types_freep) struct api_type **types = registry_types(r);

	for (size_t i = 0; types[i]; i++)
		if (!types[i]->custom && strcmp(types[i]->group, p->group) == 0 && api_type_version(types[i], p->version))
			return true;
	return false;
}

static void not_found(struct api_request *req)
{
	const struct api_path *p = &req->path;
	_cleanup_err_ struct err err = { 0 };
	char words[512];

	if (req->type && req->type->custom && *p->subresource) {
		err_set(&err, ERR_NOT_FOUND, "%s \"%s\" not found", api_type_words(req->type, words), p->name);
		api_respond_err(req, &err);
	} else if (p->is_api && *p->resource && is_builtin_group(req->server->registry, p)) {
		err_set(&err, ERR_NOT_FOUND, "the server could not find the requested resource");
		json_t *status = api_status_value(NULL, NULL, &err);
		json_ensure_object(status, "details");
		api_respond_value(req, 404, status);
	} else {
		api_respond_text(req, 404, "text/plain; charset=utf-8", NOT_FOUND_TEXT);
	}
}

static void method_not_allowed(struct api_request *req)
{
	_cleanup_err_ struct err err = { 0 };
	char words[512];

	if (req->type && req->type->custom)
		err_set(&err, ERR_METHOD_NOT_ALLOWED, "%s is not supported on resources of kind \"%s\"", req->verb,
		        api_type_words(req->type, words));
	else
		err_set(&err, ERR_METHOD_NOT_ALLOWED, "the server does not allow this method on the requested resource");
	api_respond_err(req, &err);
}

/* ---- single objects, answered right away ---- */

static void handle_get(struct api_request *req)
{
	const struct api_type *t = req->type;
	_cleanup_(store_object_unrefp) struct store_object *o = store_get(
		req->server->store, t->resource, t->namespaced ? req->path.ns : "", req->path.name);
	_cleanup_err_ struct err err = { 0 };
	uint64_t version = 0;
	char words[512];

	if (api_options_version(req->options.resource_version, &version, &err) < 0 ||
	    list_check_version(req->server, version, &err) < 0) {
		api_respond_err(req, &err);
		return;
	}
	if (o && list_check_form(req, false, &err) < 0) {
		api_respond_err(req, &err);
		return;
	}
	if (o && !req->on_worker && api_request_takes_gzip(req, o->text->len)) {
		api_request_to_worker(req, handle_get);
		return;
	}
	if (o && object_convert(req->server->store, t, req->version, &o, 1, &err) == 0) {
		api_respond_object(req, 200, o);
		return;
	}
	if (o) {
		api_respond_err(req, &err);
		return;
	}
	err_set(&err, ERR_NOT_FOUND, "%s \"%s\" not found", api_type_words(t, words), req->path.name);
	api_respond_err(req, &err);
}

/* ---- mounted subresources ---- */

static struct apiserver_mount *find_mount(struct apiserver *s, const struct api_path *path)
{
	MUTEX_GUARD(&s->lock);
	for (struct apiserver_mount *m = s->mounts; m; m = m->next)
		if (strcmp(m->group, path->group) == 0 && strcmp(m->resource, path->resource) == 0 &&
		    strcmp(m->subresource, path->subresource) == 0)
			return m;
	return NULL;
}

static void run_mount(struct api_request *req, const struct apiserver_mount *mount)
{
	const char *ns = req->type->namespaced ? req->path.ns : "";
	_cleanup_(store_object_unrefp) struct store_object *o = store_get(req->server->store, req->type->resource, ns,
	                                                                  req->path.name);
	struct http_request *http = req->http;

	if (!o) {
		handle_get(req); /* says that it is not there */
		return;
	}
	_cleanup_free_ char *name = xstrdup(req->path.name), *own_ns = xstrdup(ns);
	api_request_done(req, 200);
	mount->handler(mount->self, own_ns, name, http);
}

/* ---- resources ---- */

static bool needs_worker_to_get(const struct api_request *req)
{
	return req->may_wait || api_respond_object_is_slow(req);
}

static void route_named(struct api_request *req)
{
	const char *verb = req->verb, *sub = req->path.subresource;
	const struct apiserver_mount *mount = *sub ? find_mount(req->server, &req->path) : NULL;

	if (strcmp(verb, "watch") == 0)
		api_request_to_worker(req, handle_watch);
	else if (mount && strcmp(verb, "get") == 0)
		run_mount(req, mount);
	else if (*sub && !api_type_has_subresource(req->type, req->version, sub))
		not_found(req);
	else if (strcmp(sub, "token") == 0 && strcmp(verb, "create") == 0)
		api_request_to_worker(req, handle_token_request);
	else if (strcmp(sub, "token") == 0)
		method_not_allowed(req);
	else if (strcmp(sub, "scale") == 0)
		api_request_to_worker(req, handle_scale);
	else if (strcmp(verb, "get") == 0 && needs_worker_to_get(req))
		api_request_to_worker(req, handle_get);
	else if (strcmp(verb, "get") == 0)
		handle_get(req);
	else if (strcmp(verb, "update") == 0)
		api_request_to_worker(req, handle_update);
	else if (strcmp(verb, "patch") == 0)
		api_request_to_worker(req, handle_patch);
	else if (strcmp(verb, "delete") == 0 && !*sub)
		api_request_to_worker(req, handle_delete);
	else
		method_not_allowed(req);
}

static void route_collection(struct api_request *req)
{
	const char *verb = req->verb;

	if (strcmp(verb, "list") == 0)
		api_request_to_worker(req, handle_list);
	else if (strcmp(verb, "watch") == 0)
		api_request_to_worker(req, handle_watch);
	else if (strcmp(verb, "create") == 0 && (*req->path.ns || !req->type->namespaced))
		api_request_to_worker(req, handle_create);
	else if (strcmp(verb, "deletecollection") == 0 && (*req->path.ns || !req->type->namespaced || req->type->custom))
		api_request_to_worker(req, handle_delete_collection);
	else
		method_not_allowed(req);
}

/* The sentence of Kubernetes, which also names protobuf; unless it is just that which was asked for. */
static int not_acceptable(const struct api_request *req, const char *header, struct err *err)
{
	bool stream = strcmp(req->verb, "watch") == 0, protobuf = req->type->custom || !strstr(header, PROTOBUF);

	/* Where no media type fits at all, built-in kinds are refused one layer above, which has words of its own. */
	if (!req->type->custom && !strstr(header, "application/json") && !strstr(header, "application/yaml") && protobuf)
		return err_set(err, ERR_NOT_ACCEPTABLE, "406: Not Acceptable\n\nAvailable representations: %s, %s%s",
		               MEDIA_TYPES, PROTOBUF, *req->path.name ? "" : ", " STREAM_TYPES ", " PROTOBUF ";stream=watch");
	return err_set(err, ERR_NOT_ACCEPTABLE, "only the following media types are accepted: %s%s%s",
	               stream ? STREAM_TYPES : MEDIA_TYPES, protobuf ? ", " PROTOBUF : "",
	               protobuf && stream ? ";stream=watch" : "");
}

static int accept_resource(struct api_request *req, struct err *err)
{
	const char *header = http_request_header(req->http, "Accept"), *include = req->options.include_object;
	bool ok = api_accept_parse(header, 1u << FORM_TABLE | 1u << FORM_PARTIAL, &req->accept, NULL) == 0;

	/* There is no stream of YAML documents, in Kubernetes neither. */
	if (!ok || (req->accept.media == MEDIA_YAML && strcmp(req->verb, "watch") == 0)) {
		req->accept = (struct api_accept){ 0 };
		return not_acceptable(req, header, err);
	}
	if (req->accept.form != FORM_TABLE || !include || strcmp(include, "None") == 0 ||
	    strcmp(include, "Metadata") == 0 || strcmp(include, "Object") == 0)
		return 0;
	return err_set(err, ERR_BAD_REQUEST,
	               "Unable to convert to Table as requested: includeObject: Invalid value: \"%s\": must be 'Metadata', "
	               "'Object', 'None', or empty",
	               include);
}

/* Custom resources answer HEAD like GET, built-in ones do not, as in Kubernetes. */
static bool method_is_known(const struct api_request *req)
{
	return *req->verb && (req->type->custom || strcmp(http_request_method(req->http), "HEAD") != 0);
}

static void route_resource(struct api_request *req)
{
	const struct api_path *p = &req->path;
	bool ns_is_object = strcmp(p->resource, "namespaces") == 0 && !*p->group;
	_cleanup_err_ struct err err = { 0 };

	req->type = registry_find(req->server->registry, p->group, p->version, p->resource);
	bool misplaced = req->type && (req->type->namespaced ? !*p->ns && *p->name : *p->ns && !ns_is_object);
	if (!req->type || misplaced) {
		not_found(req);
		return;
	}
	req->version = api_type_version(req->type, p->version);
	if (!method_is_known(req) || (!*p->subresource && !(req->type->verbs & api_verb_bit(req->verb)))) {
		method_not_allowed(req);
		return;
	}
	if (accept_resource(req, &err) < 0 || api_options_check(req->verb, &req->options, &req->options_kind, &err) < 0) {
		api_respond_err(req, &err);
		return;
	}
	if (req->version->deprecated)
		api_request_warn(req, "%s", req->version->deprecation_warning);
	req->may_wait = admit_may_wait(req) || req->type->conversion;
	if (*p->name)
		route_named(req);
	else
		route_collection(req);
}

/* On a thread that may wait for a client that reads slowly. */
static void route_backup(struct api_request *req)
{
	req->may_wait = true;
	api_request_to_worker(req, handle_backup);
}

static void route_other(struct api_request *req)
{
	const char *path = http_request_path(req->http), *method = http_request_method(req->http);

	if (strcmp(method, "GET") != 0)
		method_not_allowed(req);
	else if (strcmp(path, "/metrics") == 0)
		handle_metrics(req);
	else if (strcmp(path, MAINTENANCE_BACKUP_PATH) == 0)
		route_backup(req);
	else if (strcmp(path, "/.well-known/openid-configuration") == 0)
		api_request_to_worker(req, handle_openid_configuration);
	else if (strcmp(path, "/openid/v1/jwks") == 0)
		api_request_to_worker(req, handle_jwks);
	else if (strcmp(path, "/openapi/v2") == 0)
		api_request_to_worker(req, handle_openapi_v2);
	else if (strcmp(path, "/openapi/v3") == 0 || str_starts_with(path, "/openapi/v3/"))
		api_request_to_worker(req, handle_openapi_v3);
	else if (strcmp(path, "/") == 0 || str_starts_with(path, "/api"))
		api_request_to_worker(req, handle_discovery);
	else
		not_found(req);
}

/* ---- the way in ---- */

/* Resources negotiate once their type is known. OpenAPI and metrics have media types of their own. */
static int accept_discovery(struct api_request *req, struct err *err)
{
	bool resource = req->path.is_api && *req->path.resource;

	if (resource || !str_starts_with(http_request_path(req->http), "/api"))
		return 0;
	return api_accept_parse(http_request_header(req->http, "Accept"),
	                        1u << FORM_DISCOVERY_V2 | 1u << FORM_DISCOVERY_V2BETA1, &req->accept, err);
}

/* Who asks comes before everything else, and what they may do before what is wrong with the request: nobody learns from
 * an answer what they may not see. */
static bool let_in(struct api_request *req)
{
	_cleanup_err_ struct err err = { 0 }, bad = { 0 };

	if (permission_authenticate(req, &err) == 0 &&
	    api_path_parse(http_request_path(req->http), &req->path, &err) == 0) {
		api_options_parse(http_request_query(req->http), &req->options, &bad);
		req->verb = api_verb_of(http_request_method(req->http), &req->path, &req->options);
		api_request_begin(req);
		if (permission_impersonate(req))
			return false;
		if (permission_authorize(req, &err) == 0 && !err_is_set(&bad) && accept_discovery(req, &err) == 0)
			return true;
	}
	api_respond_err(req, err_is_set(&err) ? &err : &bad);
	return false;
}

/* ---- limits ---- */

static bool is_component(const struct auth_user *u)
{
	return str_starts_with(u->name, "system:scia:");
}

static int take_place(struct api_request *req, struct err *err)
{
	static const char *const reads[] = { "get", "list", "watch", "head", "options", NULL };
	struct limits *l = req->server->limits;
	enum limits_kind kind = str_in(req->verb, reads) ? LIMITS_READ : LIMITS_WRITE;

	const bool component = is_component(&req->user);

	if (!component && limits_client(l, req->user.name, req->start_ns, err) < 0)
		return -1;
	/* As in Kubernetes, who could repair a server that is stuck is not kept out. */
	if (limits_enter(l, kind, component || auth_user_in(&req->user, "system:masters"), err) < 0)
		return -1;
	req->place = kind;
	return 0;
}

void api_handle(void *server, struct http_request *http)
{
	struct api_request *req = api_request_new(server, http);
	_cleanup_err_ struct err err = { 0 };

	if (handle_public(req) || !let_in(req))
		return;
	audit_received(req);
	if (take_place(req, &err) < 0) {
		api_respond_err(req, &err);
		return;
	}
	if (req->path.is_api && *req->path.resource)
		route_resource(req);
	else
		route_other(req);
}
