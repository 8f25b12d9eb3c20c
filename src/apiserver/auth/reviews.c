/* Reviews: questions about who one is and what one may do, answered and not stored. */
#include "authn.h"
#include "base/clock.h"
#include "base/str.h"
#include "types/builtin.h"
#include "kinds/kinds.h"
#include "objects/invalid.h"
#include "kube/object.h"
#include "objects/object_meta.h"
#include "patch/apply.h"
#include "patch/managed_fields.h"
#include "rest/respond.h"
#include "server.h"

static const char *or_empty(const char *s)
{
	return s ? s : "";
}

/* What is not stored has managers all the same. */
static void note_manager(const struct api_request *req, json_t *body)
{
	_cleanup_json_ json_t *fresh = req->version->message ? kinds_zero(req->version->message) : NULL;
	char manager[129];

	if (strcmp(req->type->plural, "selfsubjectrulesreviews") == 0) /* its answer has no metadata of the question */
		return;
	const struct apply_request request = {
		.schema = schema_resolve(req->version->schema),
		.manager = api_request_manager(req, manager),
		.api_version = req->version->api_version,
		.subresource = "",
		.now_wall_ns = clock_wall_ns(),
		.fresh = fresh,
	};

	managed_fields_update(&request, NULL, body);
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
		if (invalid_finish(&err, req->type->kind, req->type->group, kube_name(body)) == 0) {
			note_manager(req, body);
			return true;
		}
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
		.non_resource = !resource,
	};
	const struct authorizer *authorizer = &req->server->authorizer;
	_cleanup_free_ char *reason = NULL;
	json_t *status = json_object();

	json_put_bool(status, "allowed", authorizer->allow(authorizer->self, user, &a, &reason));
	if (!str_empty(reason))
		json_put_str(status, "reason", reason);
	return status;
}

/* ---- what a question must say ---- */

static void check_attributes(const json_t *spec, struct err *found)
{
	const json_t *resource = json_object_get(spec, "resourceAttributes"),
				 *other = json_object_get(spec, "nonResourceAttributes");

	if (resource && other)
		invalid_add(
			found, INVALID_VALUE, "spec.nonResourceAttributes",
			"Invalid value: authorization.NonResourceAttributes{Path:\"%s\", Verb:\"%s\"}: cannot be specified in "
			"combination with resourceAttributes",
			or_empty(json_get_str(other, "path")), or_empty(json_get_str(other, "verb")));
	if (!resource && !other)
		invalid_add(
			found, INVALID_VALUE, "spec.resourceAttributes",
			"Invalid value: \"null\": exactly one of nonResourceAttributes or resourceAttributes must be specified");
}

static void check_subject(const json_t *spec, struct err *found)
{
	if (str_empty(json_get_str(spec, "user")) && json_array_size(json_object_get(spec, "groups")) == 0)
		invalid_add(found, INVALID_VALUE, "spec.user",
		            "Invalid value: \"\": at least one of user or group must be specified");
}

/* A review is no object: only a local one has metadata, its namespace. */
static void check_metadata(const json_t *body, bool local, struct err *found)
{
	json_t *meta = kube_meta(body), *value;
	const char *key;

	json_object_foreach (meta, key, value)
		if (!json_is_null(value) && strcmp(key, "managedFields") != 0 && !(local && strcmp(key, "namespace") == 0)) {
			invalid_add(found, INVALID_VALUE, "metadata", "Invalid value: \"%s\": must be empty%s", key,
			            local ? " except for namespace" : "");
			return;
		}
}

static void check_local(const json_t *body, const char *ns, struct err *found)
{
	const json_t *spec = json_object_get(body, "spec"), *resource = json_object_get(spec, "resourceAttributes");
	const char *asked = or_empty(json_get_str(resource, "namespace"));

	if (resource && strcmp(asked, ns) != 0)
		invalid_add(found, INVALID_VALUE, "spec.resourceAttributes.namespace",
		            "Invalid value: \"%s\": must match metadata.namespace", asked);
	const json_t *other = json_object_get(spec, "nonResourceAttributes");
	if (other)
		invalid_add(
			found, INVALID_VALUE, "spec.nonResourceAttributes",
			"Invalid value: authorization.NonResourceAttributes{Path:\"%s\", Verb:\"%s\"}: disallowed on this kind "
			"of request",
			or_empty(json_get_str(other, "path")), or_empty(json_get_str(other, "verb")));
}

/* Answers and drops the body when something was found. */
static bool is_fine(struct api_request *req, json_t *body, struct err *found)
{
	/* Kubernetes' own says no kind here. */
	if (invalid_finish(found, "", req->type->group, "") == 0)
		return true;
	req->denial = kube_status_from_err(found, req->type->group, NULL, NULL);
	json_decref(body);
	api_respond_err(req, found);
	return false;
}

static void refuse(struct api_request *req, json_t *body, const char *why)
{
	_cleanup_err_ struct err err = { 0 };

	err_set(&err, ERR_BAD_REQUEST, "%s", why);
	json_decref(body);
	api_respond_err(req, &err);
}

/* ---- reviews ---- */

static void review_self_access(struct api_request *req, json_t *body)
{
	_cleanup_err_ struct err found = { 0 };

	if (!check(req, body))
		return;
	check_attributes(json_object_get(body, "spec"), &found);
	check_metadata(body, false, &found);
	if (is_fine(req, body, &found))
		answer(req, body, decide(req, &req->user, json_object_get(body, "spec")));
}

static struct auth_user subject_of(const json_t *spec)
{
	const json_t *extra = json_object_get(spec, "extra");
	struct auth_user user = { .name = xstrdup(or_empty(json_get_str(spec, "user"))),
		                      .uid = xstrdup_or_null(json_get_str(spec, "uid")),
		                      .extra = json_is_object(extra) ? json_clone(extra) : NULL };
	size_t i;
	json_t *group;

	json_array_foreach (json_object_get(spec, "groups"), i, group)
		strv_push(&user.groups, or_empty(json_string_value(group)));
	return user;
}

static void review_access(struct api_request *req, json_t *body)
{
	bool local = req->type->namespaced;
	_cleanup_err_ struct err found = { 0 };

	if (!check(req, body))
		return;
	if (local && *kube_namespace(body) && strcmp(kube_namespace(body), req->path.ns) != 0) {
		refuse(req, body, "the namespace of the provided object does not match the namespace sent on the request");
		return;
	}
	const json_t *spec = json_object_get(body, "spec");
	check_attributes(spec, &found);
	check_subject(spec, &found);
	check_metadata(body, local, &found);
	if (local)
		check_local(body, req->path.ns, &found);
	if (!is_fine(req, body, &found))
		return;
	struct auth_user user = subject_of(spec);
	json_t *status = decide(req, &user, spec);
	auth_user_clear(&user);
	answer(req, body, status);
}

static void review_rules(struct api_request *req, json_t *body)
{
	const struct authorizer *authorizer = &req->server->authorizer;

	if (!check(req, body))
		return;
	const char *ns = or_empty(json_str_at(body, "spec", "namespace", NULL));
	if (!*ns) {
		refuse(req, body, "no namespace on request");
		return;
	}
	json_t *resource_rules = json_array(), *non_resource_rules = json_array();
	authorizer->rules(authorizer->self, &req->user, ns, resource_rules, non_resource_rules);
	/* The question is not repeated. */
	json_put(body, "spec", json_object());
	answer(req, body,
	       json_pack("{s:o,s:o,s:b}", "resourceRules", resource_rules, "nonResourceRules", non_resource_rules,
	                 "incomplete", 0));
}

static void review_self(struct api_request *req, json_t *body)
{
	if (check(req, body))
		answer(req, body, json_pack("{s:o}", "userInfo", auth_user_json(&req->user)));
}

/* The audiences a review asks for (strv); NULL: the API's. */
static char **wanted_audiences(const json_t *body)
{
	char **v = NULL;
	size_t i;
	json_t *one;

	json_array_foreach (json_at(body, "spec", "audiences", NULL), i, one)
		strv_push(&v, or_empty(json_string_value(one)));
	return v;
}

static json_t *judge_token(const struct api_request *req, const json_t *body)
{
	_cleanup_strv_ char **wanted = wanted_audiences(body), **both = NULL;
	_cleanup_err_ struct err err = { 0 };
	struct auth_user user = { 0 };

	if (authn_token(req->server->authn, or_empty(json_str_at(body, "spec", "token", NULL)), wanted, &user, &both,
	                &err) < 0)
		return json_pack("{s:{},s:s}", "user", "error", err_message(&err));
	json_t *audiences = json_array();
	for (size_t i = 0; both && both[i]; i++)
		json_push_str(audiences, both[i]);
	json_t *status = json_pack("{s:b,s:o,s:o}", "authenticated", 1, "user", auth_user_json(&user), "audiences",
	                           audiences);
	auth_user_clear(&user);
	return status;
}

static void review_token(struct api_request *req, json_t *body)
{
	if (!check(req, body))
		return;
	if (str_empty(json_str_at(body, "spec", "token", NULL)))
		refuse(req, body, "token is required for TokenReview in authentication");
	else
		answer(req, body, judge_token(req, body));
}

const struct api_strategy STRATEGY_SELF_SUBJECT_ACCESS_REVIEW = { .review = review_self_access };
const struct api_strategy STRATEGY_SUBJECT_ACCESS_REVIEW = { .review = review_access };
const struct api_strategy STRATEGY_SELF_SUBJECT_RULES_REVIEW = { .review = review_rules };
const struct api_strategy STRATEGY_SELF_SUBJECT_REVIEW = { .review = review_self };
const struct api_strategy STRATEGY_TOKEN_REVIEW = { .review = review_token };
