/* The way of a request: who asks, what for, may they, and who answers. On an event thread. */
#include "handler.h"

#include "auth/token_request.h"

#include "admit.h"
#include "base/str.h"
#include "discovery/documents.h"
#include "kube/object.h"
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

/* Whether built-in kinds live there (version NULL: in any): paths below are then answered with a Status, others with
 * plain text. */
static bool is_builtin_group(struct registry *r, const char *group, const char *version)
{
	_cleanup_(registry_types_freep) struct api_type **types = registry_types(r);

	for (size_t i = 0; types[i]; i++)
		if (!types[i]->custom && strcmp(types[i]->group, group) == 0 &&
		    (!version || api_type_version(types[i], version)))
			return true;
	return false;
}

/* The routes of built-in kinds are refused by another layer than all else: its Status has details, and nothing in them.
 */
static void respond_unrouted(struct api_request *req, const struct err *err)
{
	json_t *status = api_status_value(NULL, NULL, err);

	json_ensure_object(status, "details");
	api_respond_value(req, err_kind_http_code(err->kind), status);
}

static void not_found(struct api_request *req)
{
	const struct api_path *p = &req->path;
	_cleanup_err_ struct err err = { 0 };
	char words[512];

	if (req->type && req->type->custom && *p->subresource) {
		err_set(&err, ERR_NOT_FOUND, "%s \"%s\" not found", api_type_words(req->type, words), p->name);
		api_respond_err(req, &err);
	} else if ((p->is_api && is_builtin_group(req->server->registry, p->group, NULL)) ||
	           str_starts_with(http_request_path(req->http), "/version/")) {
		err_set(&err, ERR_NOT_FOUND, "the server could not find the requested resource");
		respond_unrouted(req, &err);
	} else {
		api_respond_text(req, 404, "text/plain; charset=utf-8", NOT_FOUND_TEXT);
	}
}

static void method_not_allowed(struct api_request *req)
{
	_cleanup_err_ struct err err = { 0 };
	const struct api_type *t = req->type;
	char words[512];

	if (t && t->custom) {
		err_set(&err, ERR_METHOD_NOT_ALLOWED, "%s is not supported on resources of kind \"%s\"", req->verb,
		        api_type_words(t, words));
		api_respond_value(req, 405, kube_status_from_err(&err, t->group, t->plural, NULL));
		return;
	}
	err_set(&err, ERR_METHOD_NOT_ALLOWED, "the server does not allow this method on the requested resource");
	respond_unrouted(req, &err);
}

/* ---- single objects, answered right away ---- */

static int check_include_object(const struct api_request *req, struct err *err)
{
	static const char *const known[] = { "None", "Metadata", "Object", NULL };
	const char *include = req->options.include_object;

	if (req->accept.form != FORM_TABLE || !include || str_in(include, known))
		return 0;
	return err_set(err, ERR_BAD_REQUEST,
	               "Unable to convert to Table as requested: includeObject: Invalid value: \"%s\": must be 'Metadata', "
	               "'Object', 'None', or empty",
	               include);
}

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
	if (o && (list_check_form(req, false, &err) < 0 || check_include_object(req, &err) < 0)) {
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

/* Which verbs a subresource knows besides those of its kind. */
static bool subresource_allows(const char *sub, const char *verb)
{
	if (strcmp(sub, "token") == 0)
		return strcmp(verb, "create") == 0;
	if (strcmp(sub, "finalize") == 0)
		return strcmp(verb, "update") == 0;
	return strcmp(verb, "get") == 0 || strcmp(verb, "update") == 0 || strcmp(verb, "patch") == 0;
}

static void route_subresource(struct api_request *req)
{
	const char *verb = req->verb, *sub = req->path.subresource;

	if (!subresource_allows(sub, verb))
		method_not_allowed(req);
	else if (strcmp(sub, "token") == 0)
		api_request_to_worker(req, handle_token_request);
	else if (strcmp(sub, "scale") == 0)
		api_request_to_worker(req, handle_scale);
	else if (strcmp(verb, "update") == 0)
		api_request_to_worker(req, handle_update);
	else if (strcmp(verb, "patch") == 0)
		api_request_to_worker(req, handle_patch);
	else if (needs_worker_to_get(req))
		api_request_to_worker(req, handle_get);
	else
		handle_get(req);
}

/* Names that could be no part of a path (k8s.io/apimachinery/pkg/api/validation/path). */
static int check_path_name(const char *name, struct err *err)
{
	if (strcmp(name, ".") == 0 || strcmp(name, "..") == 0)
		return err_set(err, ERR_BAD_REQUEST, "Name parameter invalid: \"%s\": may not be '%s'", name, name);
	if (strchr(name, '%'))
		return err_set(err, ERR_BAD_REQUEST, "Name parameter invalid: \"%s\": may not contain '%%'", name);
	return 0;
}

static void route_named(struct api_request *req)
{
	static const char *const checked[] = { "get", "patch", "delete", NULL };
	_cleanup_err_ struct err err = { 0 };
	const char *verb = req->verb;
	const struct apiserver_mount *mount = *req->path.subresource ? find_mount(req->server, &req->path) : NULL;

	if (str_in(verb, checked) && check_path_name(req->path.name, &err) < 0)
		api_respond_err(req, &err);
	else if (strcmp(verb, "watch") == 0)
		api_request_to_worker(req, handle_watch);
	else if (mount && strcmp(verb, "get") == 0)
		run_mount(req, mount);
	else if (*req->path.subresource)
		route_subresource(req);
	else if (strcmp(verb, "get") == 0 && needs_worker_to_get(req))
		api_request_to_worker(req, handle_get);
	else if (strcmp(verb, "get") == 0)
		handle_get(req);
	else if (strcmp(verb, "create") == 0 && req->type->custom)
		api_request_to_worker(req, handle_create); /* of what the body says: Kubernetes does not look at the path */
	else if (strcmp(verb, "update") == 0)
		api_request_to_worker(req, handle_update);
	else if (strcmp(verb, "patch") == 0)
		api_request_to_worker(req, handle_patch);
	else if (strcmp(verb, "delete") == 0)
		api_request_to_worker(req, handle_delete);
	else
		method_not_allowed(req);
}

/* A custom resource's server looks for the name only where it needs it. */
static void name_needed(struct api_request *req)
{
	_cleanup_err_ struct err err = { 0 };

	err_set(&err, ERR_BAD_REQUEST, "name must be provided");
	api_respond_err(req, &err);
}

static void route_collection(struct api_request *req)
{
	const char *verb = req->verb;
	bool somewhere = *req->path.ns || !req->type->namespaced,
		 named = str_in(verb, (const char *const[]){ "update", "patch", NULL });

	if (strcmp(verb, "list") == 0)
		api_request_to_worker(req, handle_list);
	else if (strcmp(verb, "watch") == 0)
		api_request_to_worker(req, handle_watch);
	else if (strcmp(verb, "create") == 0 && somewhere)
		api_request_to_worker(req, handle_create);
	else if (strcmp(verb, "deletecollection") == 0 && somewhere)
		api_request_to_worker(req, handle_delete_collection);
	else if (req->type->custom && somewhere && named)
		name_needed(req);
	else
		method_not_allowed(req);
}

/* Where no media type fits at all, built-in kinds are refused one layer above, which has words of its own. */
static bool no_route_accepts(const struct api_request *req, const char *header)
{
	static const char *const produced[] = { "application/json", "application/yaml", PROTOBUF, "*/*", NULL };
	_cleanup_strv_ char **ranges = str_empty(header) ? NULL : str_split(header, ",");

	for (size_t i = 0; ranges && ranges[i]; i++) {
		char *type = str_strip(ranges[i]);
		type[strcspn(type, ";")] = '\0';
		if (str_in(str_strip(type), produced))
			return false;
	}
	return !req->type->custom && ranges;
}

/* The sentences of Kubernetes, which also name protobuf; unless it is just that which was asked for. */
static int not_acceptable(const struct api_request *req, const char *header, bool stream, struct err *err)
{
	bool protobuf = req->type->custom || !strstr(header, PROTOBUF),
		 reads = strcmp(req->verb, "list") == 0 || strcmp(req->verb, "watch") == 0;

	if (no_route_accepts(req, header))
		return err_set(err, ERR_NOT_ACCEPTABLE, "406: Not Acceptable\n\nAvailable representations: %s, %s%s",
		               MEDIA_TYPES, PROTOBUF, reads ? ", " STREAM_TYPES ", " PROTOBUF ";stream=watch" : "");
	return err_set(err, ERR_NOT_ACCEPTABLE, "only the following media types are accepted: %s%s%s",
	               stream ? STREAM_TYPES : MEDIA_TYPES, protobuf ? ", " PROTOBUF : "",
	               protobuf && stream ? ";stream=watch" : "");
}

static int accept_resource(struct api_request *req, struct err *err)
{
	const char *header = http_request_header(req->http, "Accept");
	bool ok = api_accept_parse(header, 1u << FORM_TABLE | 1u << FORM_PARTIAL, &req->accept, NULL) == 0;

	/* There is no stream of YAML documents, in Kubernetes neither. */
	if (ok && req->accept.media == MEDIA_YAML && strcmp(req->verb, "watch") == 0) {
		if (req->accept.form != FORM_OBJECT)
			req->accept = (struct api_accept){ 0 };
		return not_acceptable(req, header, true, err);
	}
	if (!ok || (header && no_route_accepts(req, header))) {
		req->accept = (struct api_accept){ 0 };
		return not_acceptable(req, header, false, err);
	}
	return strcmp(req->verb, "get") == 0 ? 0 : check_include_object(req, err);
}

/* Custom resources answer HEAD like GET, built-in ones do not, as in Kubernetes. */
static bool method_is_known(const struct api_request *req)
{
	return *req->verb && (req->type->custom || strcmp(http_request_method(req->http), "HEAD") != 0);
}

/* A namespace where none may be, or none where one must be. Custom resources of all namespaces can only be read. */
static bool is_misplaced(const struct api_request *req)
{
	const struct api_path *p = &req->path;
	bool ns_is_object = strcmp(p->resource, "namespaces") == 0 && !*p->group;

	if (!req->type->namespaced)
		return *p->ns && !ns_is_object;
	if (*p->ns)
		return false;
	return *p->name || (req->type->custom && strcmp(req->verb, "list") != 0 && strcmp(req->verb, "watch") != 0);
}

static void route_resource(struct api_request *req)
{
	const struct api_path *p = &req->path;
	_cleanup_err_ struct err err = { 0 };

	req->type = registry_find(req->server->registry, p->group, p->version, p->resource);
	/* A custom resource's server does not look at what stands behind the subresource. */
	if (!req->type || is_misplaced(req) || (p->longer && !req->type->custom)) {
		api_type_unref(req->type);
		req->type = NULL;
		not_found(req);
		return;
	}
	req->version = api_type_version(req->type, p->version);
	req->body_type = strcmp(p->subresource, "scale") == 0 ? registry_scale(req->server->registry) : req->type;
	req->body_version = req->body_type == req->type ? req->version : &req->body_type->versions[0];
	if (req->version->deprecated)
		api_request_warn(req, "%s", req->version->deprecation_warning);
	if (*p->subresource && !find_mount(req->server, p) &&
	    !api_type_has_subresource(req->type, req->version, p->subresource)) {
		not_found(req);
		return;
	}
	if (!method_is_known(req) || (!*p->subresource && !(req->type->verbs & api_verb_bit(req->verb)))) {
		method_not_allowed(req);
		return;
	}
	if (accept_resource(req, &err) < 0) {
		if (!req->type->custom && str_starts_with(err_message(&err), "406"))
			respond_unrouted(req, &err);
		else
			api_respond_err(req, &err);
		return;
	}
	if (api_options_check(req->verb, &req->options, &req->options_kind, &err) < 0) {
		api_respond_err(req, &err);
		return;
	}
	req->may_wait = admit_may_wait(req) || req->type->conversion;
	if (*p->name)
		route_named(req);
	else
		route_collection(req);
}

static const struct {
	const char *path;
	void (*handle)(struct api_request *req);
	bool below; /* paths below it, too */
} DOCUMENTS[] = {
	{ "/.well-known/openid-configuration", handle_openid_configuration, false },
	{ "/openid/v1/jwks", handle_jwks, false },
	{ "/openapi/v2", handle_openapi_v2, false },
	{ "/openapi/v3", handle_openapi_v3, true },
	{ MAINTENANCE_BACKUP_PATH, handle_backup, false },
	{ "/api", handle_discovery, false },
	{ "/api/", handle_discovery, false },
	{ "/apis", handle_discovery, false },
	{ "/apis/", handle_discovery, false },
	{ "/", handle_discovery, false },
};

static void (*document_at(const char *path))(struct api_request *req)
{
	for (size_t i = 0; i < ARRAY_SIZE(DOCUMENTS); i++) {
		const char *rest = str_after(path, DOCUMENTS[i].path);
		if (rest && (!*rest || (DOCUMENTS[i].below && *rest == '/')))
			return DOCUMENTS[i].handle;
	}
	return NULL;
}

static void route_document(struct api_request *req, void (*document)(struct api_request *req))
{
	/* On a thread that may wait for a client that reads slowly. */
	if (document == handle_backup)
		req->may_wait = true;
	api_request_to_worker(req, document);
}

/* What a group or a version of it has. Custom ones are answered whatever the method, as in Kubernetes. */
static void route_group(struct api_request *req)
{
	const char *rest = str_after(http_request_path(req->http), "/apis/");
	_cleanup_free_ char *group = xstrndup(rest ? rest : "", rest ? strcspn(rest, "/") : 0);
	bool builtin = is_builtin_group(req->server->registry, group, NULL);

	if (builtin && req->path.is_api && !is_builtin_group(req->server->registry, group, req->path.version))
		not_found(req);
	else if (builtin && strcmp(http_request_method(req->http), "GET") != 0)
		method_not_allowed(req);
	else
		api_request_to_worker(req, handle_discovery);
}

static void route_other(struct api_request *req)
{
	const char *path = http_request_path(req->http), *method = http_request_method(req->http);
	void (*document)(struct api_request *) = document_at(path);
	const char *kind, *check = health_check_of(path, &kind);

	if (check)
		respond_health(req, kind, check);
	else if (!document && strcmp(path, "/metrics") != 0 && strcmp(path, "/version") != 0 &&
	         !str_starts_with(path, "/api"))
		not_found(req);
	else if (!document && str_starts_with(path, "/api"))
		route_group(req);
	else if (strcmp(method, "GET") != 0)
		method_not_allowed(req);
	else if (document)
		route_document(req, document);
	else
		handle_metrics(req);
}

/* ---- the way in ---- */

/* Resources negotiate once their type is known. OpenAPI and metrics have media types of their own. */
static int accept_discovery(struct api_request *req, struct err *err)
{
	if (api_path_is_resource(&req->path) || !str_starts_with(http_request_path(req->http), "/api"))
		return 0;
	return api_accept_parse(http_request_header(req->http, "Accept"),
	                        1u << FORM_DISCOVERY_V2 | 1u << FORM_DISCOVERY_V2BETA1, &req->accept, err);
}

/* Longer than the server's own limit is not waited, and a watch has no such limit. */
static void take_timeout(struct api_request *req, struct err *err)
{
	const struct api_options *o = &req->options;

	if (strcmp(req->verb, "watch") == 0)
		return;
	if (o->timeout_fault)
		err_set(err, ERR_BAD_REQUEST, "%s", o->timeout_fault);
	else if (o->timeout_ns > 0 && o->timeout_ns < req->deadline_ns - req->start_ns)
		req->deadline_ns = req->start_ns + o->timeout_ns;
}

/* Who asks comes before everything else, and what they may do before what is wrong with the request: nobody learns from
 * an answer what they may not see. */
static bool let_in(struct api_request *req)
{
	_cleanup_err_ struct err err = { 0 }, bad = { 0 };

	if (!api_path_parse(http_request_path(req->http), &req->path)) {
		api_respond_text(req, 400, "text/plain; charset=utf-8", "400 Bad Request");
		return false;
	}
	if (permission_authenticate(req, &err) == 0) {
		api_options_parse(http_request_query(req->http), &req->options);
		req->verb = api_verb_of(http_request_method(req->http), &req->path, &req->options);
		take_timeout(req, &bad);
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
	if (api_path_is_resource(&req->path))
		route_resource(req);
	else
		route_other(req);
}
