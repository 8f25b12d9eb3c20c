#include "token_request.h"

#include "account_tokens.h"
#include "base/clock.h"
#include "base/str.h"
#include "kinds/kinds.h"
#include "kube/object.h"
#include "objects/invalid.h"
#include "rest/respond.h"
#include "server.h"

#include <inttypes.h>

#define API_VERSION "authentication.k8s.io/v1"
#define SECONDS_DEFAULT 3600
#define SECONDS_MIN 600
#define SECONDS_MAX (INT64_C(1) << 32)
/* What one is given at most. */
#define SECONDS_GRANTED_MAX (INT64_C(365) * 86400)
#define AUDIENCES_MAX 64

static int check_kind(const json_t *body, struct err *err)
{
	const char *version = json_get_str(body, "apiVersion"), *kind = json_get_str(body, "kind");

	if (!json_is_object(body))
		return err_set(err, ERR_BAD_REQUEST, "the body must be a TokenRequest");
	if ((version && strcmp(version, API_VERSION) != 0) || (kind && strcmp(kind, "TokenRequest") != 0))
		return err_set(err, ERR_BAD_REQUEST,
		               "%s in version \"%s\" cannot be handled as a TokenRequest: converting (%s.%s) to "
		               "(authentication.TokenRequest): unknown conversion",
		               kind ? kind : "", version ? version : "", version ? version : "", kind ? kind : "");
	return 0;
}

/* That it has the form of one: values of wrong types are no defaults. */
static int check_form(const json_t *body, struct err *err)
{
	_cleanup_json_ json_t *copy = json_deep_copy(body);
	_cleanup_err_ struct err why = { 0 };

	if (kinds_normalize(kinds_find_message("io.k8s.api.authentication.v1.TokenRequest"), copy, &why) == 0)
		return 0;
	return err_set(err, ERR_BAD_REQUEST, "TokenRequest in version \"v1\" cannot be handled as a TokenRequest: %s",
	               err_message(&why));
}

/* name "": it is about the request, not about the account. */
static int invalid(struct api_request *req, struct err *err, const char *name, const char *field, const char *value,
                   const char *why)
{
	_cleanup_err_ struct err found = { 0 };

	invalid_add(&found, INVALID_VALUE, field, "Invalid value: %s: %s", value, why);
	invalid_finish(&found, "TokenRequest", "authentication.k8s.io", name);
	req->denial = kube_status_from_err(&found, "authentication.k8s.io", "TokenRequest", name);
	err_move(err, &found);
	return -1;
}

/* What the body says of the account must be what the path says. */
static int check_names(struct api_request *req, const json_t *body, struct err *err)
{
	_cleanup_free_ char *name = xasprintf("\"%s\"", kube_name(body));

	if (*kube_namespace(body) && strcmp(kube_namespace(body), req->path.ns) != 0)
		return err_set(err, ERR_BAD_REQUEST,
		               "the namespace of the provided object does not match the namespace sent on the request");
	if (*kube_name(body) && strcmp(kube_name(body), req->path.name) != 0)
		return invalid(req, err, req->path.name, "metadata.name", name,
		               "must match the service account name if specified");
	return 0;
}

static int check_seconds(struct api_request *req, json_t *spec, struct err *err)
{
	int64_t seconds = json_get_int(spec, "expirationSeconds", SECONDS_DEFAULT);
	char digits[24];

	snprintf(digits, sizeof(digits), "%" PRId64, seconds);
	if (seconds < SECONDS_MIN)
		return invalid(req, err, "", "spec.expirationSeconds", digits,
		               "may not specify a duration less than 10 minutes");
	if (seconds > SECONDS_MAX)
		return invalid(req, err, "", "spec.expirationSeconds", digits,
		               "may not specify a duration larger than 2^32 seconds");
	if (seconds > SECONDS_GRANTED_MAX) {
		api_request_warn(req, "requested expiration of %" PRId64 " seconds shortened to %" PRId64 " seconds", seconds,
		                 SECONDS_GRANTED_MAX);
		seconds = SECONDS_GRANTED_MAX;
	}
	json_put_int(spec, "expirationSeconds", seconds);
	return 0;
}

/* The object the token is to die with. */
struct bound {
	const char *kind, *name; /* kind NULL: none */
	char *uid;
};

static int find_bound(struct api_request *req, const json_t *ref, struct bound *ret, struct err *err)
{
	static const struct {
		const char *kind, *claim, *resource;
		bool namespaced;
	} kinds[] = {
		{ "Pod", "pod", "/pods", true },
		{ "Secret", "secret", "/secrets", true },
		{ "Node", "node", "/nodes", false },
	};
	const char *kind = json_get_str(ref, "kind"), *version = json_get_str(ref, "apiVersion");
	const char *name = json_get_str(ref, "name"), *uid = json_get_str(ref, "uid");

	for (size_t i = 0; i < ARRAY_SIZE(kinds); i++) {
		if (!str_eq(kind, kinds[i].kind) || !str_eq(version, "v1"))
			continue;
		_cleanup_(store_object_unrefp) struct store_object *o = store_get(
			req->server->store, kinds[i].resource, kinds[i].namespaced ? req->path.ns : "", name ? name : "");
		if (!o) {
			err_set(err, ERR_NOT_FOUND, "%s \"%s\" not found", kinds[i].resource + 1, name ? name : "");
			req->denial = kube_status_from_err(err, NULL, kinds[i].resource + 1, name);
			return -1;
		}
		if (!str_empty(uid) && strcmp(uid, o->uid) != 0)
			return err_set(
				err, ERR_CONFLICT,
				"Operation cannot be fulfilled on %s \"%s\": the UID in the bound object reference (%s) does not "
				"match the UID in record. The object might have been deleted and then recreated",
				kind, name, uid);
		if (i == 0) {
			_cleanup_json_ json_t *pod = json_parse(o->text->data, o->text->len, 0, NULL);
			const char *account = json_str_at(pod, "spec", "serviceAccountName", NULL);
			if (!str_eq(account, req->path.name))
				return err_set(
					err, ERR_BAD_REQUEST,
					"cannot bind token for serviceaccount \"%s\" to pod running with different serviceaccount "
					"name.",
					req->path.name);
		}
		*ret = (struct bound){ .kind = kinds[i].claim, .name = name, .uid = xstrdup(o->uid) };
		return 0;
	}
	const char *slash = version ? strchr(version, '/') : NULL;
	return err_set(err, ERR_BAD_REQUEST, "cannot bind token to object of type %.*s/%s, Kind=%s",
	               slash ? (int)(slash - version) : 0, version ? version : "",
	               slash     ? slash + 1
	               : version ? version
	                         : "",
	               kind ? kind : "");
}

static char **read_audiences(json_t *spec)
{
	json_t *list = json_ensure_array(spec, "audiences");
	char **v = NULL;
	size_t i;
	json_t *one;

	if (json_array_size(list) == 0)
		json_push_str(list, TOKEN_ISSUER);
	json_array_foreach (list, i, one)
		if (json_is_string(one) && i < AUDIENCES_MAX)
			strv_push(&v, json_string_value(one));
	return v;
}

/* Fills in what the answer says besides the token. */
static void complete(const struct api_request *req, json_t *body, json_t *spec, const char *token, int64_t now_s)
{
	json_t *meta = json_ensure_object(body, "metadata");
	int64_t end_s = now_s + json_get_int(spec, "expirationSeconds", 0);
	char time[RFC3339_SIZE];

	json_put_str(body, "kind", "TokenRequest");
	json_put_str(body, "apiVersion", API_VERSION);
	json_put_str(meta, "name", req->path.name);
	json_put_str(meta, "namespace", req->path.ns);
	json_put_str(meta, "creationTimestamp", rfc3339_format(now_s * NS_PER_S, time));
	if (!json_object_get(spec, "boundObjectRef"))
		json_put(spec, "boundObjectRef", json_null());
	json_put(body, "status",
	         json_pack("{s:s,s:s}", "token", token, "expirationTimestamp", rfc3339_format(end_s * NS_PER_S, time)));
}

static int make_token(struct api_request *req, json_t *body, struct err *err)
{
	_cleanup_(store_object_unrefp) struct store_object *account = store_get(req->server->store, "/serviceaccounts",
	                                                                        req->path.ns, req->path.name);
	json_t *spec = json_ensure_object(body, "spec");
	const json_t *ref = json_object_get(spec, "boundObjectRef");
	_cleanup_strv_ char **audiences = read_audiences(spec);
	struct bound bound = { 0 };

	if (!account)
		return err_set(err, ERR_NOT_FOUND, "serviceaccounts \"%s\" not found", req->path.name);
	if (check_seconds(req, spec, err) < 0 || (json_is_object(ref) && find_bound(req, ref, &bound, err) < 0))
		return -1;
	const struct account_token_spec token_spec = {
		.ns = account->ns,
		.name = account->name,
		.uid = account->uid,
		.audiences = audiences,
		.now_s = clock_wall_ns() / NS_PER_S,
		.seconds = json_get_int(spec, "expirationSeconds", SECONDS_DEFAULT),
		.bound_kind = bound.kind,
		.bound_name = bound.name,
		.bound_uid = bound.uid,
	};
	_cleanup_free_ char *token = account_tokens_issue(req->server->account_tokens, &token_spec, err);
	if (token)
		complete(req, body, spec, token, token_spec.now_s);
	free(bound.uid);
	return token ? 0 : -1;
}

void handle_token_request(struct api_request *req)
{
	_cleanup_err_ struct err err = { 0 };
	_cleanup_json_ json_t *body = api_request_body(req, &err);

	if (!body || check_kind(body, &err) < 0 || check_form(body, &err) < 0 || check_names(req, body, &err) < 0 ||
	    make_token(req, body, &err) < 0)
		api_respond_err(req, &err);
	else
		api_respond_value(req, 201, json_incref(body));
}

/* ---- for those who check tokens themselves ---- */

static void respond_document(struct api_request *req, const char *type, json_t *document)
{
	_cleanup_(bytes_unrefp) struct bytes *text = json_to_bytes(document);

	json_decref(document);
	api_respond_bytes(req, 200, type, text);
}

void handle_openid_configuration(struct api_request *req)
{
	_cleanup_json_ json_t *jwks = token_keys_jwks(req->server->token_keys);
	json_t *algorithms = json_array();
	_cleanup_strv_ char **seen = NULL;
	size_t i;
	json_t *key;

	json_array_foreach (json_object_get(jwks, "keys"), i, key) {
		const char *name = json_get_str(key, "alg");
		if (seen && str_in(name, (const char *const *)seen))
			continue;
		strv_push(&seen, name);
		json_push_str(algorithms, name);
	}
	respond_document(req, "application/json",
	                 json_pack("{s:s,s:o,s:[s],s:[s],s:o}", "issuer", TOKEN_ISSUER, "jwks_uri",
	                           json_strf("%s/openid/v1/jwks", req->server->url), "response_types_supported", "id_token",
	                           "subject_types_supported", "public", "id_token_signing_alg_values_supported",
	                           algorithms));
}

void handle_jwks(struct api_request *req)
{
	respond_document(req, "application/jwk-set+json", token_keys_jwks(req->server->token_keys));
}
