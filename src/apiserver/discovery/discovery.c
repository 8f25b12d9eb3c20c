/* Discovery: /api, /apis, groups, resources, and all at once (KEP-3352). */
#include "base/str.h"
#include "codec/base64.h"
#include "codec/sha256.h"
#include "discovery_groups.h"
#include "documents.h"
#include "rest/respond.h"
#include "server.h"

#include <stdio.h>

static json_t *verbs_of(unsigned bits)
{
	/* In the order of their names, as Kubernetes lists them. */
	static const struct {
		unsigned bit;
		const char *name;
	} verbs[] = { { VERB_CREATE, "create" }, { VERB_DELETE, "delete" }, { VERB_DELETE_COLLECTION, "deletecollection" },
		          { VERB_GET, "get" },       { VERB_LIST, "list" },     { VERB_PATCH, "patch" },
		          { VERB_UPDATE, "update" }, { VERB_WATCH, "watch" } };
	json_t *array = json_array();

	for (size_t i = 0; i < ARRAY_SIZE(verbs); i++)
		if (bits & verbs[i].bit)
			json_push_str(array, verbs[i].name);
	return array;
}

/* Those of custom resources come in another order. */
static json_t *type_verbs(const struct api_type *t)
{
	static const char *const CUSTOM[] = { "delete", "deletecollection", "get",    "list",
		                                  "patch",  "create",           "update", "watch" };
	unsigned bits = t->terminating ? t->verbs & ~VERB_NOT_TERMINATING : t->verbs;

	if (!t->custom)
		return verbs_of(bits);
	json_t *array = json_array();
	for (size_t i = 0; i < ARRAY_SIZE(CUSTOM); i++)
		if (bits & api_verb_bit(CUSTOM[i]))
			json_push_str(array, CUSTOM[i]);
	return array;
}

/* ---- resources of a version ---- */

/* A subresource, or NULL past the last: the name and the kind it speaks. */
static const char *subresource_at(const struct api_type *t, const struct api_version *v, size_t i,
                                  const char **ret_group, const char **ret_version, const char **ret_kind,
                                  unsigned *ret_verbs)
{
	static const char *const builtin_names[] = { "approval", "finalize", "scale", "status", "token", NULL };
	static const char *const custom_names[] = { "status", "scale", NULL };
	const char *const *names = t->custom ? custom_names : builtin_names;

	for (size_t k = 0; names[k]; k++) {
		if (!api_type_has_subresource(t, v, names[k]))
			continue;
		if (i-- > 0)
			continue;
		bool scale = strcmp(names[k], "scale") == 0, token = strcmp(names[k], "token") == 0;
		*ret_group = scale ? "autoscaling" : token ? "authentication.k8s.io" : t->group;
		*ret_version = scale || token ? "v1" : v->name;
		*ret_kind = scale ? "Scale" : token ? "TokenRequest" : t->kind;
		*ret_verbs = VERB_GET | VERB_PATCH | VERB_UPDATE;
		if (token)
			*ret_verbs = VERB_CREATE;
		else if (strcmp(names[k], "finalize") == 0)
			*ret_verbs = VERB_UPDATE;
		return names[k];
	}
	return NULL;
}

/* Changes when objects come to be stored in another version; migrations look at it
 * (k8s.io/apiserver/pkg/endpoints/discovery/storageversionhash.go). */
static char *storage_hash(const struct api_type *t)
{
	const char *version = t->stored_as ? t->stored_as : t->versions[t->storage].api_version;
	_cleanup_free_ char *stored = xasprintf("%s%s/%s", strchr(version, '/') ? "" : "/", version, t->kind);
	uint8_t digest[32];

	sha256(stored, strlen(stored), digest);
	return base64_encode(digest, 8);
}

static void add_resource(json_t *list, const struct api_type *t, const struct api_version *v)
{
	const char *group, *version, *kind, *name;
	unsigned verbs;
	json_t *r = json_object();

	json_put_str(r, "name", t->plural);
	json_put_str(r, "singularName", t->singular);
	json_put_bool(r, "namespaced", t->namespaced);
	json_put_str(r, "kind", t->kind);
	json_put(r, "verbs", type_verbs(t));
	if (t->short_names)
		json_put(r, "shortNames", json_strings(t->short_names));
	if (t->categories)
		json_put(r, "categories", json_strings(t->categories));
	if (t->verbs & VERB_GET) {
		_cleanup_free_ char *hash = storage_hash(t);
		json_put_str(r, "storageVersionHash", hash);
	}
	json_array_append_new(list, r);
	for (size_t i = 0; (name = subresource_at(t, v, i, &group, &version, &kind, &verbs)); i++) {
		json_t *sub = json_object();
		json_put(sub, "name", json_strf("%s/%s", t->plural, name));
		json_put_str(sub, "singularName", "");
		json_put_bool(sub, "namespaced", t->namespaced);
		if (strcmp(group, t->group) != 0) {
			json_put_str(sub, "group", group);
			json_put_str(sub, "version", version);
		}
		json_put_str(sub, "kind", kind);
		json_put(sub, "verbs", verbs_of(verbs));
		json_array_append_new(list, sub);
	}
}

/* key: "GROUP/VERSION", "/v1" for core. */
static struct bytes *build_resources(struct registry *r, const char *key)
{
	_cleanup_(registry_types_freep) struct api_type **types = registry_types(r);
	const char *slash = strrchr(key, '/');
	_cleanup_free_ char *group = xstrndup(key, (size_t)(slash - key));
	json_t *list = json_array();

	for (size_t i = 0; types[i]; i++) {
		const struct api_version *v = strcmp(types[i]->group, group) == 0 ? api_type_version(types[i], slash + 1)
		                                                                  : NULL;
		if (v)
			add_resource(list, types[i], v);
	}
	if (json_array_size(list) == 0) {
		json_decref(list);
		return NULL;
	}
	_cleanup_json_ json_t *doc = json_pack("{s:s}", "kind", "APIResourceList");
	if (*group) /* Kubernetes has none at core's */
		json_put_str(doc, "apiVersion", "v1");
	json_put_str(doc, "groupVersion", *group ? key : slash + 1);
	json_put(doc, "resources", list);
	return json_to_bytes(doc);
}

/* ---- all at once ---- */

static json_t *response_kind(const char *group, const char *version, const char *kind)
{
	return json_pack("{s:s,s:s,s:s}", "group", group, "version", version, "kind", kind);
}

static json_t *aggregated_resource(const struct api_type *t, const struct api_version *v)
{
	const char *group, *version, *kind, *name;
	unsigned verbs;
	json_t *r = json_object(), *subs = json_array();

	json_put_str(r, "resource", t->plural);
	json_put(r, "responseKind", response_kind(t->group, v->name, t->kind));
	json_put_str(r, "scope", t->namespaced ? "Namespaced" : "Cluster");
	json_put_str(r, "singularResource", t->singular);
	json_put(r, "verbs", type_verbs(t));
	if (t->short_names)
		json_put(r, "shortNames", json_strings(t->short_names));
	if (t->categories)
		json_put(r, "categories", json_strings(t->categories));
	for (size_t i = 0; (name = subresource_at(t, v, i, &group, &version, &kind, &verbs)); i++)
		json_array_append_new(subs, json_pack("{s:s,s:o,s:o}", "subresource", name, "responseKind",
		                                      response_kind(group, version, kind), "verbs", verbs_of(verbs)));
	if (json_array_size(subs) > 0)
		json_put(r, "subresources", json_incref(subs));
	json_decref(subs);
	return r;
}

static json_t *aggregated_group(struct api_type *const *types, const struct discovery_group *g)
{
	json_t *versions = json_array();

	for (size_t i = 0; i < g->len; i++) {
		json_t *resources = json_array();
		for (size_t k = 0; types[k]; k++) {
			const struct api_version *v = strcmp(types[k]->group, g->name) == 0
			                                  ? api_type_version(types[k], g->versions[i])
			                                  : NULL;
			if (v)
				json_array_append_new(resources, aggregated_resource(types[k], v));
		}
		json_array_append_new(versions, json_pack("{s:s,s:o,s:s}", "version", g->versions[i], "resources", resources,
		                                          "freshness", "Current"));
	}
	json_t *meta = json_object();
	if (*g->name)
		json_put_str(meta, "name", g->name);
	return json_pack("{s:o,s:o}", "metadata", meta, "versions", versions);
}

/* key: "v2/api", "v2beta1/apis". */
static struct bytes *build_aggregated(struct registry *r, const char *key)
{
	_cleanup_(registry_types_freep) struct api_type **types = registry_types(r);
	struct discovery_groups g = discovery_groups_of(types, str_ends_with(key, "/api"));
	_cleanup_json_ json_t *doc = json_object();
	json_t *items = json_array();

	json_put_str(doc, "kind", "APIGroupDiscoveryList");
	json_put(doc, "apiVersion", json_strf("apidiscovery.k8s.io/%.*s", (int)strcspn(key, "/"), key));
	json_put(doc, "metadata", json_object());
	for (size_t i = 0; i < g.len; i++)
		json_array_append_new(items, aggregated_group(types, &g.list[i]));
	json_put(doc, "items", items);
	free(g.list);
	return json_to_bytes(doc);
}

/* ---- requests ---- */

static struct document *build_document(struct documents *d _unused_, struct registry *r, const char *key)
{
	static const struct {
		const char *prefix;
		struct bytes *(*build)(struct registry *r, const char *key);
	} kinds[] = { { "apis:", discovery_group_list },
		          { "group:", discovery_group },
		          { "resources:", build_resources },
		          { "aggregated:", build_aggregated } };

	for (size_t i = 0; i < ARRAY_SIZE(kinds); i++) {
		const char *rest = str_after(key, kinds[i].prefix);
		_cleanup_(bytes_unrefp) struct bytes *text = rest ? kinds[i].build(r, rest) : NULL;
		if (text)
			return document_new(text);
	}
	return NULL;
}

static void respond_aggregated(struct api_request *req, const char *which)
{
	const char *version = req->accept.form == FORM_DISCOVERY_V2 ? "v2" : "v2beta1";
	_cleanup_free_ char *key = xasprintf("aggregated:%s/%s", version, which);
	_cleanup_free_ char *type = xasprintf("application/json;g=apidiscovery.k8s.io;v=%s;as=APIGroupDiscoveryList",
	                                      version);
	_cleanup_(document_unrefp) struct document *found = documents_get(req->server->documents, req->server->registry,
	                                                                  key, build_document);

	api_respond_document(req, type, found);
}

static void respond_versions(struct api_request *req)
{
	const char *address = str_after(req->server->url, "https://");

	api_respond_value(req, 200,
	                  json_pack("{s:s,s:[s],s:[{s:s,s:s}]}", "kind", "APIVersions", "versions", "v1",
	                            "serverAddressByClientCIDRs", "clientCIDR", "0.0.0.0/0", "serverAddress",
	                            address ? address : ""));
}

static void respond_root(struct api_request *req)
{
	static const char *const paths[] = { "/api",     "/api/v1",     "/apis",       "/healthz", "/livez",
		                                 "/metrics", "/openapi/v2", "/openapi/v3", "/readyz",  "/version" };
	json_t *list = json_array();

	for (size_t i = 0; i < ARRAY_SIZE(paths); i++)
		json_push_str(list, paths[i]);
	api_respond_value(req, 200, json_pack("{s:o}", "paths", list));
}

void handle_discovery(struct api_request *req)
{
	_cleanup_strv_ char **parts = api_path_parts(http_request_path(req->http));
	size_t len = strv_len(parts);
	_cleanup_free_ char *key = NULL;

	if (len == 0) {
		respond_root(req);
		return;
	}
	bool core = strcmp(parts[0], "api") == 0, apis = strcmp(parts[0], "apis") == 0;
	if (len == 1 && (core || apis) && req->accept.form != FORM_OBJECT) {
		respond_aggregated(req, parts[0]);
		return;
	}
	if (len == 1 && core) {
		respond_versions(req);
		return;
	}
	if (len == 1 && apis)
		key = xstrdup("apis:");
	else if (len == 2 && apis)
		key = xasprintf("group:%s", parts[1]);
	else if (len == 2 && core)
		key = xasprintf("resources:/%s", parts[1]);
	else if (len == 3 && apis)
		key = xasprintf("resources:%s/%s", parts[1], parts[2]);
	_cleanup_(document_unrefp) struct document *found = key ? documents_get(req->server->documents,
	                                                                        req->server->registry, key, build_document)
	                                                        : NULL;
	if (found)
		api_respond_json_bytes(req, 200, document_kept_text(found));
	else
		api_respond_text(req, 404, "text/plain; charset=utf-8", "404 page not found\n");
}
