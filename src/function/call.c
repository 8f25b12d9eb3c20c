#include "call.h"

#include "base/str.h"

#include <stdarg.h>

void call_begin(struct function_call *call)
{
	const json_t *desired = json_object_get(call->request, "desired");
	const json_t *context = json_object_get(call->request, "context");
	const char *tag = json_str_at(call->request, "meta", "tag", NULL);
	json_t *meta = json_pack("{ss,s{si}}", "tag", tag ? tag : "", "ttl", "seconds", FUNCTION_TTL_S);

	call->response = json_object();
	json_object_set_new(call->response, "meta", meta);
	if (desired)
		json_object_set(call->response, "desired", json_unconst(desired));
	if (context)
		json_object_set(call->response, "context", json_unconst(context));
}

void call_result(struct function_call *call, int severity, const char *fmt, ...)
{
	json_t *result = json_object();
	va_list ap;

	va_start(ap, fmt);
	_cleanup_free_ char *message = xvasprintf(fmt, ap);
	va_end(ap);
	json_put_int(result, "severity", severity);
	json_put(result, "message", json_string_lossy(message, strlen(message)));
	json_put_int(result, "target", TARGET_COMPOSITE);
	json_array_append_new(json_ensure_array(call->response, "results"), result);
}

const json_t *call_composite(const struct function_call *call, const char *state)
{
	return json_at(call->request, state, "composite", "resource", NULL);
}

const json_t *call_resources(const struct function_call *call, const char *state)
{
	return json_at(call->request, state, "resources", NULL);
}

const json_t *call_context(const struct function_call *call, const char *key)
{
	return json_at(call->request, "context", key, NULL);
}

bool call_is_kept(const struct function_call *call, const json_t *v)
{
	return call->kept && json_is_string(v);
}

json_t *call_struct(const struct function_call *call, const json_t *v)
{
	return call_is_kept(call, v) ? pb_struct_to_json(json_string_value(v), json_string_length(v))
	                             : json_incref(json_unconst(v));
}

char *call_struct_text(const struct function_call *call, const json_t *v, const char *key)
{
	struct pb_value found = { .kind = PB_NULL };
	const char *text;

	if (call_is_kept(call, v)) {
		pb_struct_find(json_string_value(v), json_string_length(v), key, &found);
		return found.kind == PB_TEXT ? xstrndup((const char *)found.data, found.len) : xstrdup("");
	}
	text = json_get_str(v, key);
	return xstrdup(text ? text : "");
}

/* obj[key] becomes a shallow copy of itself, or a new object. */
static json_t *own(json_t *object, const char *key)
{
	const json_t *old = json_object_get(object, key);

	json_object_set_new(object, key, json_is_object(old) ? json_copy(json_unconst(old)) : json_object());
	return json_object_get(object, key);
}

json_t *call_own_desired(struct function_call *call)
{
	return own(call->response, "desired");
}

json_t *call_own_resources(struct function_call *call)
{
	return own(call_own_desired(call), "resources");
}

void call_set_context(struct function_call *call, const char *key, json_t *value)
{
	json_put(own(call->response, "context"), key, value);
}

const char *object_name(const json_t *object)
{
	const char *name = json_str_at(object, "metadata", "name", NULL);

	return name ? name : "";
}

const char *object_namespace(const json_t *object)
{
	const char *name = json_str_at(object, "metadata", "namespace", NULL);

	return name ? name : "";
}

const char *object_annotation(const json_t *object, const char *key)
{
	return json_str_at(object, "metadata", "annotations", key, NULL);
}

const char *object_condition(const json_t *object, const char *type)
{
	size_t i;
	json_t *condition;

	json_array_foreach (json_at(object, "status", "conditions", NULL), i, condition)
		if (str_eq(json_get_str(condition, "type"), type)) {
			const char *status = json_get_str(condition, "status");

			return status ? status : "";
		}
	return "";
}

json_t *json_copy_levels(const json_t *v, unsigned levels)
{
	json_t *copy = json_copy(json_unconst(v));
	const char *key;
	void *next;
	json_t *member;

	if (levels > 1 && json_is_object(copy))
		json_object_foreach_safe (copy, next, key, member)
			json_object_set_new(copy, key, json_copy_levels(member, levels - 1));
	return copy;
}

const char **json_keys_in_order(const json_t *object, size_t *ret_len)
{
	const char **keys = xcalloc(json_object_size(object) + 1, sizeof(*keys)), *key;
	json_t *value;
	size_t n = 0;

	json_object_foreach (json_unconst(object), key, value)
		keys[n++] = key;
	str_sort(keys, n);
	*ret_len = n;
	return keys;
}

json_t *json_in_order(const json_t *object)
{
	size_t len;
	_cleanup_free_ const char **keys = json_keys_in_order(object, &len);
	json_t *out = json_object();

	for (size_t i = 0; i < len; i++)
		json_object_set(out, keys[i], json_object_get(object, keys[i]));
	return out;
}
