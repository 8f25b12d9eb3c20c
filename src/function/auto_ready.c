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
	const json_t *observed = call_resources(call, "observed"), *desired = call_resources(call, "desired");
	const char *name;
	json_t *entry, *own;

	if (set_ttl(call, json_str_at(call->request, "input", "ttl", NULL)) < 0)
		return;
	own = call_own_resources(call);
	json_object_foreach (json_unconst(desired), name, entry) {
		const json_t *object = json_at(observed, name, "resource", NULL);

		if (!object || json_get_int(entry, "ready", FUNCTION_READY_UNSPECIFIED) != FUNCTION_READY_UNSPECIFIED ||
		    !is_ready(object))
			continue;
		json_t *copy = json_copy(entry);

		json_put_int(copy, "ready", FUNCTION_READY_TRUE);
		json_object_set_new(own, name, copy);
	}
}
