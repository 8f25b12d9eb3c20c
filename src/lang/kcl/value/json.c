#include "value/value.h"

#include "codec/json.h"

static struct kcl_value from_array(struct kcl_heap *h, const json_t *v)
{
	size_t n = json_array_size(v);
	struct kcl_value result = kcl_list(h, (uint32_t)n);

	kcl_steps(h, n);
	for (size_t i = 0; i < n; i++)
		kcl_list_push(h, result.list, kcl_from_json(h, json_array_get(v, i)));
	return result;
}

static struct kcl_value from_object(struct kcl_heap *h, const json_t *v)
{
	struct kcl_value result = kcl_dict(h, (uint32_t)json_object_size(v));
	json_t *value;
	const char *key;

	kcl_steps(h, json_object_size(v));
	json_object_foreach (json_unconst(v), key, value) {
		kcl_dict_append(h, result.dict, kcl_strz(h, key).str, kcl_from_json(h, value));
	}
	return result;
}

struct kcl_value kcl_from_json(struct kcl_heap *h, const json_t *v)
{
	kcl_stack_check(h);
	switch (json_typeof(v)) {
	case JSON_OBJECT:
		return from_object(h, v);
	case JSON_ARRAY:
		return from_array(h, v);
	case JSON_STRING:
		return kcl_str(h, json_string_value(v), json_string_length(v));
	case JSON_INTEGER:
		return kcl_int(json_integer_value(v));
	case JSON_REAL:
		return kcl_float(json_real_value(v));
	case JSON_TRUE:
	case JSON_FALSE:
		return kcl_bool(json_is_true(v));
	case JSON_NULL:
		break;
	}
	return kcl_none();
}
