/* What the metrics say of a request, under the names of k8s.io/apiserver/pkg/endpoints/metrics. */
#include "base/clock.h"
#include "base/str.h"
#include "request.h"
#include "server.h"

#include <stdio.h>

static const char *verb_of(const struct api_request *req)
{
	static const struct {
		const char *verb, *name;
	} names[] = {
		{ "get", "GET" },       { "list", "LIST" },       { "watch", "WATCH" },
		{ "create", "POST" },   { "update", "PUT" },      { "patch", "PATCH" },
		{ "delete", "DELETE" }, { "post", "POST" },       { "deletecollection", "DELETECOLLECTION" },
		{ "put", "PUT" },       { "connect", "CONNECT" },
	};
	const char *type = req->http ? http_request_header(req->http, "Content-Type") : NULL;

	if (strcmp(req->verb, "patch") == 0 && type && str_starts_with(type, "application/apply-patch"))
		return "APPLY";
	for (size_t i = 0; i < ARRAY_SIZE(names); i++)
		if (strcmp(names[i].verb, req->verb) == 0)
			return names[i].name;
	return "OTHER";
}

static const char *scope_of(const struct api_request *req)
{
	const struct api_path *p = &req->path;

	if (!req->type)
		return "";
	if (*p->name)
		return "resource";
	return *p->ns ? "namespace" : "cluster";
}

void api_request_begin(struct api_request *req)
{
	static const char *const reading[] = { "get", "list", "head", "options", NULL };

	if (strcmp(req->verb, "watch") == 0)
		return;
	req->inflight_kind = str_in(req->verb, reading) ? "readOnly" : "mutating";
	metric_add(req->server->inflight, 1, METRIC_LABELS(req->inflight_kind));
}

void api_request_measure(const struct api_request *req, int code)
{
	const struct api_path *p = &req->path;
	struct apiserver *s = req->server;
	const char *verb = verb_of(req), *group = req->type ? req->type->group : "";
	const char *version = req->type ? p->version : "", *resource = req->type ? req->type->plural : "";
	const char *sub = req->type ? p->subresource : "", *dry_run = req->options.dry_run ? "All" : "";
	char digits[12];

	snprintf(digits, sizeof(digits), "%d", code);
	metric_add(s->requests, 1,
	           METRIC_LABELS(verb, dry_run, group, version, resource, sub, scope_of(req), "apiserver", digits));
	if (strcmp(verb, "WATCH") != 0)
		metric_observe(s->request_seconds, (double)(clock_mono_ns() - req->start_ns) / (double)NS_PER_S,
		               METRIC_LABELS(verb, dry_run, group, version, resource, sub, scope_of(req), "apiserver"));
	if (req->inflight_kind)
		metric_add(s->inflight, -1, METRIC_LABELS(req->inflight_kind));
}
