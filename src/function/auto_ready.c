/* function-auto-ready: desired resources that are observed and of which nobody has said whether they are ready become
 * ready when they are: kinds of Kubernetes itself by what their status means, others by the condition Ready. */

#include "call.h"
#include "health.h"

#include "base/clock.h"
#include "base/str.h"

static bool is_ready(const json_t *object)
{
	int health = health_check(object);

	return health > 0 || str_eq(object_condition(object, "Ready"), "True");
}

/* What is_ready() asks of an object that came as bytes. Of kinds that are not Kubernetes' own, that is little. */
static json_t *decode_for_health(const struct function_call *call, const json_t *kept)
{
	const char *data = json_string_value(kept);
	size_t len = json_string_length(kept);
	_cleanup_free_ char *version = call_struct_text(call, kept, "apiVersion");
	_cleanup_free_ char *kind = call_struct_text(call, kept, "kind");
	struct pb_value status, conditions;

	if (health_knows(version, kind))
		return pb_struct_to_json(data, len);
	if (!pb_struct_find(data, len, "status", &status) || status.kind != PB_OBJECT ||
	    !pb_struct_find(status.data, status.len, "conditions", &conditions))
		return json_object();
	return json_pack("{s{so}}", "status", "conditions", pb_value_to_json(&conditions));
}

static json_t *observed_object(const struct function_call *call, const char *name)
{
	const json_t *resource = json_at(call_resources(call, "observed"), name, "resource", NULL);

	return call_is_kept(call, resource) ? decode_for_health(call, resource) : json_incref(json_unconst(resource));
}

static int set_ttl(struct function_call *call, const char *text)
{
	int64_t ns;

	if (str_empty(text))
		return 0;
	if (!duration_parse(text, &ns)) {
		call_fatal(call, "cannot set ttl: time: invalid duration \"%s\"", text);
		return -1;
	}
	json_t *ttl = json_pack("{sI,sI}", "seconds", (json_int_t)(ns / NS_PER_S), "nanos", (json_int_t)(ns % NS_PER_S));

	json_put(json_object_get(call->response, "meta"), "ttl", ttl);
	return 0;
}

void auto_ready_run(struct function_call *call)
{
	const json_t *desired = call_resources(call, "desired");
	const char *name;
	json_t *entry, *own;

	if (set_ttl(call, json_str_at(call->request, "input", "ttl", NULL)) < 0)
		return;
	own = call_own_resources(call);
	json_object_foreach (json_unconst(desired), name, entry) {
		if (json_get_int(entry, "ready", FUNCTION_READY_UNSPECIFIED) != FUNCTION_READY_UNSPECIFIED)
			continue;

		_cleanup_json_ json_t *object = observed_object(call, name);

		if (!object || !is_ready(object))
			continue;
		json_t *copy = json_copy(entry);

		json_put_int(copy, "ready", FUNCTION_READY_TRUE);
		json_object_set_new(own, name, copy);
	}
}
