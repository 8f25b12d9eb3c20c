#include "openapi.h"

#include "base/str.h"
#include "codec/sha256.h"
#include "documents.h"
#include "rest/respond.h"
#include "server.h"

#include <stdio.h>

#define PROTOBUF_TYPE "application/com.github.proto-openapi.spec.v2.v1.0+protobuf"
#define HASH_DIGITS 32

static json_t *info(void)
{
	return json_pack("{s:s,s:s}", "title", "Kubernetes", "version", "v1.32.0+scia-" SCIA_VERSION);
}

/* ---- v2 ---- */

static struct bytes *build_v2_json(struct registry *r, const char *key _unused_)
{
	_cleanup_json_ json_t *about = info();

	return openapi_v2_build(r, about, &OPENAPI_JSON);
}

static struct bytes *build_v2_protobuf(struct registry *r, const char *key _unused_)
{
	_cleanup_json_ json_t *about = info();

	return openapi_v2_build(r, about, &OPENAPI_PROTOBUF);
}

void handle_openapi_v2(struct api_request *req)
{
	const char *accept = http_request_header(req->http, "Accept");
	bool protobuf = accept && str_contains(accept, "proto-openapi.spec.v2");
	_cleanup_(document_unrefp) struct document *found = documents_get(req->server->documents, req->server->registry,
	                                                                  protobuf ? "openapi/v2.pb" : "openapi/v2",
	                                                                  protobuf ? build_v2_protobuf : build_v2_json);

	if (found)
		api_respond_document(req, protobuf ? PROTOBUF_TYPE : "application/json", found);
	else
		api_respond_text(req, 503, "text/plain; charset=utf-8",
		                 "the schemas of all kinds are too long for one document\n");
}

/* ---- v3 ---- */

/* key: "api/v1" or "apis/GROUP/VERSION". */
static struct bytes *build_v3(struct registry *r, const char *key)
{
	_cleanup_(registry_types_freep) struct api_type **types = registry_types(r);
	const char *rest = str_after(key, "apis/"), *version = rest ? strchr(rest, '/') : str_after(key, "api/");
	bool core = !rest;
	size_t found = 0;

	if (!version)
		return NULL;
	version += core ? 0 : 1;
	_cleanup_free_ char *group = core ? xstrdup("") : xstrndup(rest, (size_t)(version - 1 - rest));
	json_t *paths = json_object(), *schemas = json_object();
	for (size_t i = 0; types[i]; i++) {
		const struct api_version *v = strcmp(types[i]->group, group) == 0 ? api_type_version(types[i], version) : NULL;
		if (!v)
			continue;
		openapi_add_paths(paths, OPENAPI_V3, types[i], v);
		openapi_add_schemas(schemas, OPENAPI_V3, types[i], v);
		found++;
	}
	if (found > 0)
		openapi_add_meta_schemas(schemas, OPENAPI_V3);
	_cleanup_json_ json_t *doc = json_pack("{s:s,s:o,s:o,s:{s:o}}", "openapi", "3.0.0", "info", info(), "paths", paths,
	                                       "components", "schemas", schemas);
	return found > 0 ? json_to_bytes(doc) : NULL;
}

static void add_root_path(json_t *paths, const struct api_type *t, const struct api_version *v, uint64_t generation)
{
	_cleanup_free_ char *name = xasprintf("%s/%s", *t->group ? "apis" : "api", v->api_version);
	char hash[65];

	if (json_object_get(paths, name))
		return;
	/* Clients keep a document under its hash: it changes whenever a type does. */
	_cleanup_free_ char *text = xasprintf("%s %ju", name, (uintmax_t)generation);
	sha256_hex(text, strlen(text), hash);
	json_put(paths, name,
	         json_pack("{s:o}", "serverRelativeURL", json_strf("/openapi/v3/%s?hash=%.*s", name, HASH_DIGITS, hash)));
}

static struct bytes *build_v3_root(struct registry *r, const char *key _unused_)
{
	uint64_t generation = registry_generation(r);
	_cleanup_(registry_types_freep) struct api_type **types = registry_types(r);
	json_t *paths = json_object();

	for (size_t i = 0; types[i]; i++)
		for (size_t v = 0; v < types[i]->versions_len; v++)
			if (types[i]->versions[v].served)
				add_root_path(paths, types[i], &types[i]->versions[v], generation);
	_cleanup_json_ json_t *doc = json_pack("{s:o}", "paths", paths);
	return json_to_bytes(doc);
}

static struct bytes *build_v3_document(struct registry *r, const char *key)
{
	return build_v3(r, key + strlen("openapi/v3/"));
}

void handle_openapi_v3(struct api_request *req)
{
	const char *rest = str_after(http_request_path(req->http), "/openapi/v3");
	struct documents *d = req->server->documents;
	struct registry *r = req->server->registry;
	_cleanup_(document_unrefp) struct document *found = NULL;

	if (strcmp(rest, "") == 0 || strcmp(rest, "/") == 0) {
		found = documents_get(d, r, "openapi/v3", build_v3_root);
	} else {
		_cleanup_free_ char *key = xasprintf("openapi/v3%s", rest);
		found = documents_get(d, r, key, build_v3_document);
	}
	if (found)
		api_respond_document(req, "application/json", found);
	else
		api_respond_text(req, 404, "text/plain; charset=utf-8", "404 page not found\n");
}
