#include "render/render_internal.h"

#include "base/str.h"
#include "call.h"

/* A function that asks for something is called again with it, until it asks for the same. */
#define ROUNDS_MAX 5
/* What a Crossplane of today can do: RequestMeta.capabilities. */
#define CAPABILITIES_LEN 5

/* ---- what functions ask for ---- */

static bool is_fatal(const json_t *response)
{
	json_t *result;
	size_t i;

	json_array_foreach (json_object_get(response, "results"), i, result)
		if (json_get_int(result, "severity", 0) == FUNCTION_FATAL)
			return true;
	return false;
}

static bool are_same(const json_t *a, const json_t *b)
{
	return a && b ? json_same(a, b) : a == b;
}

/* Calls it until what it asks for is what it got. */
static json_t *call_until_stable(struct render *r, const char *function, json_t *request, struct err *err)
{
	_cleanup_json_ json_t *before = NULL, *first = json_incref(json_object_get(request, "required_resources"));
	_cleanup_json_ json_t *first_schemas = json_incref(json_object_get(request, "required_schemas"));

	for (int round = 0; round <= ROUNDS_MAX; round++) {
		json_t *response = render_call(r, function, request, err);
		const json_t *requirements = json_object_get(response, "requirements");

		if (!response || is_fatal(response) || are_same(requirements, before))
			return response;
		json_decref(before);
		before = json_incref(json_unconst(requirements));
		json_t *extra = json_object(), *required = first ? json_copy(first) : json_object();
		json_t *schemas = first_schemas ? json_copy(first_schemas) : json_object();
		render_fetch_resources(r, json_object_get(before, "extra_resources"), extra);
		json_object_set_new(request, "extra_resources", extra);
		if (render_is_v2(r)) {
			render_fetch_resources(r, json_object_get(before, "resources"), required);
			render_fetch_schemas(r, json_object_get(before, "schemas"), schemas);
		}
		json_object_set_new(request, "required_resources", required);
		json_object_set_new(request, "required_schemas", schemas);
		if (json_object_get(response, "context"))
			json_object_set_new(request, "context", render_as_struct(json_object_get(response, "context")));
		json_decref(response);
	}
	err_set(err, ERR_INVALID, "requirements didn't stabilize after the maximum number of iterations (%d)", ROUNDS_MAX);
	return NULL;
}

/* ---- one step ---- */

static const json_t *find_secret(const struct render *r, const json_t *ref)
{
	const char *name = json_get_str(ref, "name"), *ns = json_get_str(ref, "namespace");
	json_t *secret;
	size_t i;

	json_array_foreach (r->in->credentials, i, secret)
		if (str_eq(object_name(secret), name ? name : "") && str_eq(object_namespace(secret), ns ? ns : ""))
			return secret;
	return NULL;
}

static int add_credentials(const struct render *r, const json_t *step, json_t *request, struct err *err)
{
	json_t *all = json_object(), *entry;
	size_t i;

	json_object_set_new(request, "credentials", all);
	json_array_foreach (json_object_get(step, "credentials"), i, entry) {
		const json_t *ref = json_object_get(entry, "secretRef"), *secret, *data;
		const char *name = json_get_str(entry, "name");

		if (!str_eq(json_get_str(entry, "source"), "Secret") || !ref || !name)
			continue;
		secret = find_secret(r, ref);
		if (!secret)
			return err_set(err, ERR_NOT_FOUND, "cannot get credentials from secret \"%s\": secret \"%s\" not found",
			               json_get_str(ref, "name"), json_get_str(ref, "name"));
		data = json_object_get(secret, "data");
		json_object_set_new(all, name,
		                    json_pack("{s{so}}", "credential_data", "data", data ? json_clone(data) : json_object()));
	}
	return 0;
}

static json_t *make_request(const struct render *r, const json_t *step, struct err *err)
{
	_cleanup_json_ json_t *request = json_object();
	const json_t *input = json_object_get(step, "input");

	json_object_set(request, "observed", r->observed);
	json_object_set(request, "desired", r->desired);
	if (r->context)
		json_object_set(request, "context", r->context);
	if (json_is_object(input))
		json_object_set_new(request, "input", render_as_struct(input));
	if (render_is_v2(r) && json_object_get(step, "requirements")) {
		json_object_set_new(request, "required_resources", render_bootstrap_resources(r, step));
		json_object_set_new(request, "required_schemas", render_bootstrap_schemas(r, step));
	}
	if (render_is_v2(r)) {
		json_t *capabilities = json_ensure_array(json_ensure_object(request, "meta"), "capabilities");

		for (int i = 1; i <= CAPABILITIES_LEN; i++)
			json_array_append_new(capabilities, json_integer(i));
	}
	return add_credentials(r, step, request, err) < 0 ? NULL : TAKE_PTR(request);
}

static void keep_conditions(struct render *r, const json_t *response)
{
	static const char *const statuses[] = { "Unknown", "Unknown", "True", "False" };
	json_t *condition;
	size_t i;

	json_array_foreach (json_object_get(response, "conditions"), i, condition) {
		int64_t status = json_get_int(condition, "status", 0);
		const char *type = json_get_str(condition, "type"), *reason = json_get_str(condition, "reason");

		json_array_append_new(r->conditions,
		                      render_condition(type ? type : "", statuses[status >= 0 && status < 4 ? status : 0],
		                                       reason ? reason : "", json_get_str(condition, "message")));
	}
}

static int keep_results(struct render *r, const char *step, const json_t *response, struct err *err)
{
	json_t *result;
	size_t i;

	json_array_foreach (json_object_get(response, "results"), i, result) {
		int64_t severity = json_get_int(result, "severity", 0);
		const char *message = json_get_str(result, "message");

		message = message ? message : "";
		if (severity == FUNCTION_FATAL)
			return err_set(err, ERR_INVALID, "pipeline step \"%s\" returned a fatal result: %s", step, message);
		render_add_result(r, step, severity, json_get_str(result, "reason"), message);
	}
	return 0;
}

static void replace(json_t **slot, const json_t *value)
{
	json_decref(*slot);
	*slot = value ? render_as_struct(value) : NULL;
}

static int run_step(struct render *r, const json_t *step, struct err *err)
{
	const char *name = json_get_str(step, "step"), *function = json_str_at(step, "functionRef", "name", NULL);
	_cleanup_json_ json_t *request = make_request(r, step, err), *response = NULL;
	json_t *desired;

	name = name ? name : "";
	if (!request)
		return -1;
	response = call_until_stable(r, function ? function : "", request, err);
	if (!response)
		return err_wrap(err, "cannot run pipeline step \"%s\"", name);
	keep_conditions(r, response);
	if (keep_results(r, name, response, err) < 0)
		return -1;
	desired = json_object_get(response, "desired");
	if (desired)
		replace(&r->desired, desired);
	else
		json_object_clear(r->desired);
	replace(&r->context, json_object_get(response, "context"));
	return 0;
}

int render_pipeline(struct render *r, struct err *err)
{
	json_t *step;
	size_t i;

	json_array_foreach (json_at(r->in->composition, "spec", "pipeline", NULL), i, step)
		if (run_step(r, step, err) < 0)
			return -1;
	return 0;
}
