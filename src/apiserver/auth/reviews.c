/* Reviews: questions about who one is and what one may do, answered and not stored. */
#include "base/str.h"
#include "types/builtin.h"
#include "kinds/kinds.h"
#include "objects/invalid.h"
#include "kube/object.h"
#include "objects/object_meta.h"
#include "rest/respond.h"
#include "server.h"

static const char *or_empty(const char *s)
{
	return s ? s : "";
}

/* The body as the type wants it; false when it was answered. */
static bool check(struct api_request *req, json_t *body)
{
	_cleanup_err_ struct err err = { 0 };
	const struct api_version *v = req->version;

	json_object_del(body, "status"); /* the answer is ours */
	if (object_meta_decode(req->type, v, body, NULL, &err) == 0 && builtin_normalize(req->type, v, body, &err) == 0) {
		schema_prune(v->schema, body, NULL);
		kinds_check(v->message, body, &err);
		if (invalid_finish(&err, req->type->kind, req->type->group, kube_name(body)) == 0)
			return true;
	}
	json_decref(body);
	api_respond_err(req, &err);
	return false;
}

static void answer(struct api_request *req, json_t *body, json_t *status)
{
	json_put(json_ensure_object(body, "metadata"), "creationTimestamp", json_null());
	json_put(body, "status", status);
	api_respond_value(req, 201, body);
}

static json_t *decide(const struct api_request *req, const struct auth_user *user, const json_t *spec)
{
	const json_t *resource = json_object_get(spec, "resourceAttributes"),
				 *other = json_object_get(spec, "nonResourceAttributes");
	const struct auth_attributes a = {
		.verb = or_empty(json_get_str(resource ? resource : other, "verb")),
		.group = or_empty(json_get_str(resource, "group")),
		.version = or_empty(json_get_str(resource, "version")),
		.resource = or_empty(json_get_str(resource, "resource")),
		.subresource = or_empty(json_get_str(resource, "subresource")),
		.ns = or_empty(json_get_str(resource, "namespace")),
		.name = or_empty(json_get_str(resource, "name")),
		.path = or_empty(json_get_str(other, "path")),
	};
	const struct authorizer *authorizer = &req->server->authorizer;
	_cleanup_free_ char *reason = NULL;
	json_t *status = json_object();

	json_put_bool(status, "allowed", authorizer->allow(authorizer->self, user, &a, &reason));
	if (!str_empty(reason))
		json_put_str(status, "reason", reason);
	return status;
}

/* Exactly one kind of attributes. */
static bool check_attributes(struct api_request *req, json_t *body)
{
	const json_t *spec = json_object_get(body, "spec");
	bool resource = json_object_get(spec, "resourceAttributes"), other = json_object_get(spec, "nonResourceAttributes");
	_cleanup_err_ struct err err = { 0 };

	if (resource != other)
		return true;
	invalid_add(&err, INVALID_VALUE, resource ? "spec.nonResourceAttributes" : "spec.resourceAttributes",
	            "Invalid value: \"null\": %s",
	            resource ? "cannot be specified in combination with resourceAttributes"
	                     : "exactly one of nonResourceAttributes or resourceAttributes must be specified");
	invalid_finish(&err, req->type->kind, req->type->group, "");
	json_decref(body);
	api_respond_err(req, &err);
	return false;
}

static void review_self_access(struct api_request *req, json_t *body)
{
	if (check(req, body) && check_attributes(req, body))
		answer(req, body, decide(req, &req->user, json_object_get(body, "spec")));
}

static void review_access(struct api_request *req, json_t *body)
{
	if (!check(req, body) || !check_attributes(req, body))
		return;
	const json_t *spec = json_object_get(body, "spec");
	struct auth_user user = { .name = xstrdup(or_empty(json_get_str(spec, "user"))) };
	size_t i;
	json_t *group;

	json_array_foreach (json_object_get(spec, "groups"), i, group)
		strv_push(&user.groups, or_empty(json_string_value(group)));
	json_t *status = decide(req, &user, spec);
	auth_user_clear(&user);
	answer(req, body, status);
}

static void review_rules(struct api_request *req, json_t *body)
{
	const struct authorizer *authorizer = &req->server->authorizer;

	if (!check(req, body))
		return;
	json_t *resource_rules = json_array(), *non_resource_rules = json_array();
	authorizer->rules(authorizer->self, &req->user, or_empty(json_str_at(body, "spec", "namespace", NULL)),
	                  resource_rules, non_resource_rules);
	answer(req, body,
	       json_pack("{s:o,s:o,s:b}", "resourceRules", resource_rules, "nonResourceRules", non_resource_rules,
	                 "incomplete", 0));
}

static void review_self(struct api_request *req, json_t *body)
{
	if (check(req, body))
		answer(req, body, json_pack("{s:o}", "userInfo", auth_user_json(&req->user)));
}

static void review_token(struct api_request *req, json_t *body)
{
	struct auth_user user = { 0 };
	json_t *status;

	if (!check(req, body))
		return;
	if (authn_token(req->server->authn, or_empty(json_str_at(body, "spec", "token", NULL)), &user)) {
		status = json_pack("{s:b,s:o}", "authenticated", 1, "user", auth_user_json(&user));
		auth_user_clear(&user);
	} else {
		status = json_pack("{s:{},s:s}", "user", "error", "the token is not known");
	}
	json_object_del(json_object_get(body, "spec"), "token"); /* not to be seen in answers */
	answer(req, body, status);
}

const struct api_strategy STRATEGY_SELF_SUBJECT_ACCESS_REVIEW = { .review = review_self_access };
const struct api_strategy STRATEGY_SUBJECT_ACCESS_REVIEW = { .review = review_access };
const struct api_strategy STRATEGY_SELF_SUBJECT_RULES_REVIEW = { .review = review_rules };
const struct api_strategy STRATEGY_SELF_SUBJECT_REVIEW = { .review = review_self };
const struct api_strategy STRATEGY_TOKEN_REVIEW = { .review = review_token };
