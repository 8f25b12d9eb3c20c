/* Items of apiVersion meta.krm.kcl.dev are no resources: they say what else the function answers. */

#include "kcl/go_decode.h"
#include "kcl/kcl_function.h"

#include "base/str.h"
#include "codec/base64.h"

static const json_t *wanted_field(const json_t *item, const char *field, const char *what, const struct go_type *type,
                                  struct err *err)
{
	const json_t *value = json_object_get(item, field);
	_cleanup_err_ struct err why = { 0 };

	if (!value)
		err_set(err, ERR_INVALID, "cannot get %s: %s: no such field", what, field);
	else if (go_decodes(value, type, &why) < 0)
		err_set(err, ERR_INVALID, "cannot get %s: cannot unmarshal value from JSON: %s", what, err_message(&why));
	else
		return value;
	return NULL;
}

static bool all_are_strings(const json_t *object)
{
	const char *key;
	json_t *value;

	json_object_foreach (json_unconst(object), key, value)
		if (!json_is_string(value))
			return false;
	return true;
}

/* All of them or, when one is no text, none. */
static int add_connection_details(struct kcl_run *run, const json_t *item)
{
	const char *key;
	json_t *value;

	if (!all_are_strings(json_object_get(item, "data")))
		return 0;
	json_object_foreach (json_object_get(item, "data"), key, value) {
		size_t len = 0;
		_cleanup_free_ char *data = base64_decode(json_string_value(value), json_string_length(value), &len);
		_cleanup_free_ char *clean = base64_encode(data ? data : "", len);

		json_put_str(run->connection, key, clean);
	}
	return 0;
}

static const char *text_of(const json_t *object, const char *key)
{
	const char *text = json_get_str(object, key);

	return text ? text : "";
}

static json_t *labels_of(const json_t *requirement)
{
	const json_t *labels = json_object_get(requirement, "matchLabels");

	return json_is_object(labels) ? json_clone(labels) : json_object();
}

/* A ResourceSelector; extra: fields are named as before Crossplane 2. */
static json_t *selector_of(const json_t *requirement, bool extra)
{
	json_t *selector = json_object();
	const char *name = text_of(requirement, extra ? "matchName" : "name");
	const char *ns = text_of(requirement, extra ? "matchNamespace" : "namespace");

	json_put_str(selector, "api_version", text_of(requirement, "apiVersion"));
	json_put_str(selector, "kind", text_of(requirement, "kind"));
	if (ns[0] != '\0')
		json_put_str(selector, "namespace", ns);
	if (name[0] != '\0')
		json_put_str(selector, "match_name", name);
	else
		json_put(selector, "match_labels", json_pack("{so}", "labels", labels_of(requirement)));
	return selector;
}

static int add_requirements(struct kcl_run *run, const json_t *item, bool extra, struct err *err)
{
	const char *kind = extra ? "extra" : "required", *key;
	_cleanup_free_ char *what = xasprintf("%s resources requirements", kind);
	const json_t *requirements = wanted_field(item, "requirements", what,
	                                          extra ? &GO_EXTRA_REQUIREMENTS : &GO_REQUIRED_REQUIREMENTS, err);
	json_t *into = extra ? run->extra : run->required, *requirement;

	if (!requirements)
		return -1;
	json_object_foreach (json_unconst(requirements), key, requirement) {
		if (json_object_get(into, key))
			return err_set(err, ERR_INVALID, "duplicate %s resource key \"%s\"", kind, key);
		json_object_set_new(into, key, selector_of(requirement, extra));
	}
	return 0;
}

/* The last item of such a kind counts. */
static int replace_list(json_t **list, const json_t *item, const char *field, const char *what,
                        const struct go_type *type, struct err *err)
{
	const json_t *value = wanted_field(item, field, what, type, err);

	if (!value)
		return -1;
	json_decref(*list);
	*list = json_incref(json_unconst(value));
	return 0;
}

static int add_context(struct kcl_run *run, const json_t *item, struct err *err)
{
	const json_t *data = wanted_field(item, "data", "context resource", &GO_OBJECT, err);

	if (!data)
		return -1;
	if (json_is_object(data))
		json_object_update(run->context, json_unconst(data));
	return 0;
}

int kcl_process_item(struct kcl_run *run, const json_t *item, struct err *err)
{
	const char *kind = text_of(item, "kind");

	if (str_eq(kind, "CompositeConnectionDetails"))
		return add_connection_details(run, item);
	if (str_eq(kind, "ExtraResources") || str_eq(kind, "RequiredResources"))
		return add_requirements(run, item, str_eq(kind, "ExtraResources"), err);
	if (str_eq(kind, "Conditions"))
		return replace_list(&run->conditions, item, "conditions", "condition resources", &GO_CONDITIONS, err);
	if (str_eq(kind, "Events"))
		return replace_list(&run->events, item, "events", "event resources", &GO_EVENTS, err);
	if (str_eq(kind, "Context"))
		return add_context(run, item, err);
	return err_set(err, ERR_INVALID,
	               "invalid kind \"%s\" for apiVersion \"" KCL_META_VERSION
	               "\" - must be CompositeConnectionDetails or ExtraResources",
	               kind);
}

/* ---- into the response ---- */

static int target_of(const json_t *entry)
{
	return str_eq(json_get_str(entry, "target"), "CompositeAndClaim") ? TARGET_COMPOSITE_AND_CLAIM : TARGET_COMPOSITE;
}

static json_t *condition_of(const json_t *entry)
{
	const json_t *condition = json_object_get(entry, "condition");
	const char *status = json_get_str(condition, "status"), *message = json_get_str(condition, "message");
	json_t *out = json_object();

	json_put_str(out, "type", text_of(condition, "type"));
	json_put_int(out, "status",
	             str_eq(status, "True")    ? CONDITION_TRUE
	             : str_eq(status, "False") ? CONDITION_FALSE
	                                       : CONDITION_UNKNOWN);
	json_put_str(out, "reason", text_of(condition, "reason"));
	if (message)
		json_put_str(out, "message", message);
	json_put_int(out, "target", target_of(entry));
	return out;
}

static int answer_conditions(struct kcl_run *run)
{
	static const char *const reserved[] = { "Ready", "Synced", "Healthy", NULL };
	_cleanup_json_ json_t *seen = json_object();
	json_t *entry;
	size_t i;

	json_array_foreach (run->conditions, i, entry) {
		const char *type = text_of(json_object_get(entry, "condition"), "type");

		if (str_in(type, reserved)) {
			call_fatal(run->call, "cannot set ClaimCondition type: %s is a reserved Crossplane Condition", type);
			return -1;
		}
		if (json_object_get(seen, type) && !json_is_true(json_object_get(entry, "force")))
			continue;
		json_object_set_new(seen, type, json_true());
		json_array_append_new(json_ensure_array(run->call->response, "conditions"), condition_of(entry));
	}
	return 0;
}

static int answer_events(struct kcl_run *run)
{
	json_t *entry;
	size_t i;

	json_array_foreach (run->events, i, entry) {
		const json_t *event = json_object_get(entry, "event");
		const char *type = json_get_str(event, "type"), *reason = json_get_str(event, "reason");
		json_t *result;

		if (type && !str_eq(type, "Normal") && !str_eq(type, "Warning")) {
			call_fatal(run->call, "invalid type %s, must be one of [Normal, Warning]", type);
			return -1;
		}
		result = json_object();
		json_put_int(result, "severity", str_eq(type, "Warning") ? FUNCTION_WARNING : FUNCTION_NORMAL);
		json_put_str(result, "message", text_of(event, "message"));
		if (reason)
			json_put_str(result, "reason", reason);
		json_put_int(result, "target", target_of(entry));
		json_array_append_new(json_ensure_array(run->call->response, "results"), result);
	}
	return 0;
}

int kcl_answer_items(struct kcl_run *run)
{
	return answer_conditions(run) < 0 ? -1 : answer_events(run);
}
