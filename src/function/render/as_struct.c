/* What a value becomes on its way to a function and back: a google.protobuf.Struct knows neither the order of keys nor
 * integers beyond those of a double. */

#include "render/render_internal.h"

#include "call.h"
#include "codec/text.h"

#include <math.h>
#include <stdlib.h>

#define EXACT_MAX (INT64_C(1) << 53)

static json_t *as_number(double v)
{
	char text[TEXT_REAL_MAX];

	if (trunc(v) < v || trunc(v) > v || fabs(v) >= 0x1p63)
		return json_real(v);
	/* The digits that JSON shows, not those that the double has. */
	text_format_real(v, text);
	return json_integer(strtoll(text, NULL, 10));
}

static json_t *as_object(const json_t *v)
{
	_cleanup_json_ json_t *sorted = json_in_order(v);
	json_t *out = json_object(), *value;
	const char *key;

	json_object_foreach (sorted, key, value)
		json_object_set_new(out, key, render_as_struct(value));
	return out;
}

json_t *render_as_struct(const json_t *v)
{
	json_t *out, *value;
	size_t i;

	switch (v ? json_typeof(v) : JSON_NULL) {
	case JSON_OBJECT:
		return as_object(v);
	case JSON_ARRAY:
		out = json_array();
		json_array_foreach (v, i, value)
			json_array_append_new(out, render_as_struct(value));
		return out;
	case JSON_INTEGER:
		if (json_integer_value(v) < -EXACT_MAX || json_integer_value(v) > EXACT_MAX)
			return as_number((double)json_integer_value(v));
		break;
	case JSON_REAL:
		return as_number(json_real_value(v));
	case JSON_STRING:
	case JSON_TRUE:
	case JSON_FALSE:
	case JSON_NULL:
		break;
	}
	return json_incref(json_unconst(v));
}
