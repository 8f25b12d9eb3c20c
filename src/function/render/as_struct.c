/* What a value becomes on its way to a function and back: a google.protobuf.Struct knows neither the order of keys nor
 * integers beyond those of a double. */

#include "render/render_internal.h"

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

static int by_text(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static json_t *as_object(const json_t *v)
{
	_cleanup_free_ const char **keys = xcalloc(json_object_size(v) + 1, sizeof(*keys));
	json_t *out = json_object(), *value;
	const char *key;
	size_t n = 0;

	json_object_foreach (json_unconst(v), key, value)
		keys[n++] = key;
	qsort(keys, n, sizeof(*keys), by_text);
	for (size_t i = 0; i < n; i++)
		json_object_set_new(out, keys[i], render_as_struct(json_object_get(v, keys[i])));
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
