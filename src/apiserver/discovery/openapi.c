#include "openapi.h"

#include "base/map.h"
#include "base/str.h"
#include "codec/sha256.h"
#include "documents.h"
#include "openapi_pieces.h"
#include "rest/respond.h"
#include "server.h"

#include <stdio.h>

#define PROTOBUF_TYPE "application/com.github.proto-openapi.spec.v2.v1.0+protobuf"
#define HASH_DIGITS 32

json_t *openapi_info(void)
{
	return json_pack("{s:s,s:s}", "title", "Kubernetes", "version", "v1.32.0+scia-" SCIA_VERSION);
}

/* ---- v2 ---- */

static struct document *build_v2_json(struct documents *d, struct registry *r, const char *key _unused_)
{
	return openapi_pieces_document(documents_pieces(d), r, &OPENAPI_JSON_V2, NULL, NULL);
}

static struct document *build_v2_protobuf(struct documents *d, struct registry *r, const char *key _unused_)
{
	return openapi_pieces_document(documents_pieces(d), r, &OPENAPI_PROTOBUF, NULL, NULL);
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

/* key: "openapi/v3/api/v1" or "openapi/v3/apis/GROUP/VERSION". */
static struct document *build_v3(struct documents *d, struct registry *r, const char *key)
{
	const char *path = str_after(key, "openapi/v3/"), *rest = str_after(path, "apis/");
	const char *version = rest ? strchr(rest, '/') : str_after(path, "api/");

	if (!version)
		return NULL;
	_cleanup_free_ char *group = rest ? xstrndup(rest, (size_t)(version - rest)) : xstrdup("");
	return openapi_pieces_document(documents_pieces(d), r, &OPENAPI_JSON_V3, group, version + (rest ? 1 : 0));
}

/* What the types of a group and version are made of, as a number, by "apis/GROUP/VERSION". */
static void add_stamp(struct map *groups, const struct api_type *t, const struct api_version *v)
{
	_cleanup_free_ char *name = xasprintf("%s/%s", *t->group ? "apis" : "api", v->api_version);
	uint64_t *stamp = map_get(groups, name);

	if (!stamp) {
		stamp = new0(uint64_t);
		map_set(groups, name, stamp);
	}
	/* In the order of the types, which is always the same. */
	*stamp = (*stamp ^ t->stamp) * UINT64_C(0x9E3779B97F4A7C15) + 1;
}

/* Clients keep a document under its hash: it changes whenever a type of it does, and with the program. */
static json_t *root_path(const char *name, uint64_t stamp)
{
	_cleanup_free_ char *text = xasprintf("%s %s %ju", name, SCIA_VERSION, (uintmax_t)stamp);
	char hash[65];

	sha256_hex(text, strlen(text), hash);
	return json_pack("{s:o}", "serverRelativeURL", json_strf("/openapi/v3/%s?hash=%.*s", name, HASH_DIGITS, hash));
}

static struct document *build_v3_root(struct documents *d _unused_, struct registry *r, const char *key _unused_)
{
	_cleanup_(registry_types_freep) struct api_type **types = registry_types(r);
	_cleanup_(map_freep) struct map *groups = map_new(free);
	json_t *paths = json_object();
	const char *name;
	void *stamp;
	size_t iter = 0;

	for (size_t i = 0; types[i]; i++)
		for (size_t v = 0; v < types[i]->versions_len; v++)
			if (types[i]->versions[v].served)
				add_stamp(groups, types[i], &types[i]->versions[v]);
	while (map_next(groups, &iter, &name, &stamp))
		json_put(paths, name, root_path(name, *(const uint64_t *)stamp));
	_cleanup_json_ json_t *doc = json_pack("{s:o}", "paths", paths);
	_cleanup_(bytes_unrefp) struct bytes *text = json_to_bytes(doc);
	return document_new(text);
}

void handle_openapi_v3(struct api_request *req)
{
	const char *rest = str_after(http_request_path(req->http), "/openapi/v3");
	struct documents *d = req->server->documents;
	struct registry *r = req->server->registry;
	_cleanup_(document_unrefp) struct document *found = NULL;

	if (strcmp(rest, "") == 0) {
		found = documents_get(d, r, "openapi/v3", build_v3_root);
	} else {
		_cleanup_free_ char *key = xasprintf("openapi/v3%s", rest);
		found = documents_get(d, r, key, build_v3);
	}
	if (found)
		api_respond_document(req, "application/json", found);
	else
		api_respond_text(req, 404, "text/plain; charset=utf-8", "404 page not found\n");
}
