#include "permission.h"

#include "auth/authn.h"
#include "auth/impersonate.h"
#include "base/str.h"
#include "kube/selector.h"
#include "respond.h"
#include "server.h"

int permission_authenticate(struct api_request *req, struct err *err)
{
	return authn_request(req->server->authn, req->http, &req->user, err);
}

/* Kubernetes answers headers that make no sense in plain text. */
static void respond_senseless(struct api_request *req, const struct err *err)
{
	const char *query = http_request_query(req->http);
	_cleanup_free_ char *text = xasprintf("Internal Server Error: \"%s%s%s\": %s\n", http_request_path(req->http),
	                                      query ? "?" : "", query ? query : "", err_message(err));

	api_respond_text(req, 500, "text/plain; charset=utf-8", text);
}

bool permission_impersonate(struct api_request *req)
{
	struct http_headers headers = { 0 };
	_cleanup_err_ struct err err = { 0 };
	struct auth_user who;

	impersonate_headers(req->http, &headers);
	int r = impersonate(&req->server->authorizer, &req->user, &headers, &who, &req->denial, &err);
	http_headers_clear(&headers);
	if (r > 0) {
		req->impersonator = req->user;
		req->user = who;
	} else if (r < 0 && err.kind == ERR_INTERNAL) {
		respond_senseless(req, &err);
	} else if (r < 0) {
		api_respond_err(req, &err);
	}
	return r < 0;
}

/* A list or watch of one name (fieldSelector=metadata.name=x) is about that name, as far as permission goes. */
static char *name_of_selector(const struct api_request *req)
{
	_cleanup_(kube_selector_freep) struct kube_selector *selector = NULL;
	const char *key, *equals;

	if (!req->options.field_selector || (strcmp(req->verb, "list") != 0 && strcmp(req->verb, "watch") != 0))
		return NULL;
	selector = kube_selector_parse_fields(req->options.field_selector, NULL);
	for (size_t i = 0; selector && kube_selector_requirement(selector, i, &key, &equals); i++)
		if (strcmp(key, "metadata.name") == 0 && equals)
			return *equals && !strpbrk(equals, "/%") && strcmp(equals, ".") != 0 && strcmp(equals, "..") != 0
			           ? xstrdup(equals)
			           : NULL;
	return NULL;
}

/* Rules are about paths, not about how they are written. */
static char *decoded_path(const struct api_request *req)
{
	char *path = xstrdup(http_request_path(req->http));

	if (http_unescape(path, false))
		return path;
	free(path);
	return xstrdup(http_request_path(req->http));
}

int permission_authorize(struct api_request *req, struct err *err)
{
	const struct authorizer *authorizer = &req->server->authorizer;
	const struct api_path *p = &req->path;
	_cleanup_free_ char *reason = NULL, *name = name_of_selector(req), *path = decoded_path(req);
	const struct auth_attributes a = {
		.verb = req->verb,
		.group = p->group,
		.version = p->version,
		.resource = p->resource,
		.subresource = p->subresource,
		.ns = p->ns,
		.name = name ? name : p->name,
		.path = path,
		.non_resource = !*p->resource,
	};

	/* Who keeps an audit log wants to know why, too. */
	bool allowed = authorizer->allow(authorizer->self, &req->user, &a, req->server->audit ? &reason : NULL);
	if (!allowed && !req->server->audit)
		authorizer->allow(authorizer->self, &req->user, &a, &reason);
	req->authorization_reason = xstrdup_or_null(reason);
	if (allowed)
		return 0;
	auth_set_forbidden(&req->user, &a, reason, err);
	req->denial = auth_denial(&a, err);
	return -1;
}
