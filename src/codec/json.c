#include "codec/json.h"

#include "base/str.h"
#include "json_memory.h"
#include "text.h"

#include <math.h>
#include <string.h>

/* jansson reports exhausted memory as NULL from every constructor; here it ends the process like our own allocations
 * do, so that nobody has to look. Before main(): values made earlier would be freed by another allocator. */
__attribute__((constructor)) static void use_our_allocator(void)
{
	json_set_alloc_funcs(json_memory_take, json_memory_give);
}

json_t *json_at(const json_t *v, ...)
{
	json_t *at = json_unconst(v);
	const char *key;
	va_list ap;
	va_start(ap, v);
	while (at && (key = va_arg(ap, const char *)))
		at = json_object_get(at, key);
	va_end(ap);
	return at;
}

const char *json_str_at(const json_t *v, ...)
{
	const json_t *at = v;
	const char *key;
	va_list ap;
	va_start(ap, v);
	while (at && (key = va_arg(ap, const char *)))
		at = json_object_get(at, key);
	va_end(ap);
	return json_string_value(at);
}

int64_t json_int(const json_t *v, int64_t otherwise)
{
	if (json_is_integer(v))
		return json_integer_value(v);
	if (json_is_real(v)) {
		double d = json_real_value(v);
		if (d >= -0x1p63 && d < 0x1p63 && !(trunc(d) < d) && !(trunc(d) > d))
			return (int64_t)d;
	}
	return otherwise;
}

double json_number(const json_t *v, double otherwise)
{
	return json_is_number(v) ? json_number_value(v) : otherwise;
}

bool json_bool(const json_t *v, bool otherwise)
{
	return json_is_boolean(v) ? json_is_true(v) : otherwise;
}

const char *json_get_str(const json_t *obj, const char *key)
{
	return json_string_value(json_object_get(obj, key));
}

bool json_has_str(const json_t *array, const char *s)
{
	size_t i;
	json_t *item;

	json_array_foreach (array, i, item)
		if (str_eq(json_string_value(item), s))
			return true;
	return false;
}

json_t *json_strings(char *const *v)
{
	json_t *array = json_array();

	for (; v && *v; v++)
		json_push_str(array, *v);
	return array;
}

struct map *json_str_set(const json_t *array)
{
	struct map *set = map_new(NULL);
	size_t i;
	json_t *item;

	json_array_foreach (array, i, item)
		if (json_is_string(item))
			map_set(set, json_string_value(item), item);
	return set;
}

int64_t json_get_int(const json_t *obj, const char *key, int64_t otherwise)
{
	return json_int(json_object_get(obj, key), otherwise);
}

bool json_get_bool(const json_t *obj, const char *key, bool otherwise)
{
	return json_bool(json_object_get(obj, key), otherwise);
}

json_t *json_ensure_object(json_t *obj, const char *key)
{
	json_t *v = json_object_get(obj, key);
	if (!json_is_object(v)) {
		v = json_object();
		json_put(obj, key, v);
	}
	return v;
}

json_t *json_ensure_array(json_t *obj, const char *key)
{
	json_t *v = json_object_get(obj, key);
	if (!json_is_array(v)) {
		v = json_array();
		json_put(obj, key, v);
	}
	return v;
}

void json_put(json_t *obj, const char *key, json_t *value)
{
	if (value)
		json_object_set_new_nocheck(obj, key, value);
	else
		json_object_del(obj, key);
}

void json_put_str(json_t *obj, const char *key, const char *value)
{
	json_put(obj, key, value ? json_string_lossy(value, strlen(value)) : NULL);
}

void json_put_int(json_t *obj, const char *key, int64_t value)
{
	json_put(obj, key, json_integer(value));
}

void json_put_bool(json_t *obj, const char *key, bool value)
{
	json_put(obj, key, json_boolean(value));
}

void json_push_str(json_t *array, const char *value)
{
	json_array_append_new(array, json_string_lossy(value, strlen(value)));
}

json_t *json_string_lossy(const char *s, size_t len)
{
	const char *end = s + len, *p = s;
	size_t n;
	while (p < end && *p && (n = text_utf8_len(p, end)) > 0)
		p += n;
	if (p == end)
		return json_stringn_nocheck(s, len);
	_cleanup_buf_ struct buf out = BUF_INIT(SIZE_MAX / 2);
	buf_append(&out, s, (size_t)(p - s));
	while (p < end) {
		n = *p ? text_utf8_len(p, end) : 0;
		buf_append(&out, n ? p : "\xef\xbf\xbd", n ? n : 3);
		p += n ? n : 1;
	}
	return json_stringn_nocheck(out.data, out.len);
}

json_t *json_strf(const char *fmt, ...)
{
	va_list ap;
	va_start(ap, fmt);
	_cleanup_free_ char *s = xvasprintf(fmt, ap);
	va_end(ap);
	return json_string_lossy(s, strlen(s));
}

json_t *json_clone(const json_t *v)
{
	json_t *copy, *object = json_unconst(v);
	if (json_is_object(v)) {
		copy = json_object();
		for (void *i = json_object_iter(object); i; i = json_object_iter_next(object, i))
			json_object_setn_new_nocheck(copy, json_object_iter_key(i), json_object_iter_key_len(i),
			                             json_clone(json_object_iter_value(i)));
		return copy;
	}
	if (json_is_array(v)) {
		copy = json_array();
		for (size_t i = 0; i < json_array_size(v); i++)
			json_array_append_new(copy, json_clone(json_array_get(v, i)));
		return copy;
	}
	return v ? json_copy(object) : NULL;
}

static bool same_objects(const json_t *a, const json_t *b)
{
	if (json_object_size(a) != json_object_size(b))
		return false;
	json_t *object = json_unconst(a);
	for (void *i = json_object_iter(object); i; i = json_object_iter_next(object, i)) {
		json_t *other = json_object_getn(b, json_object_iter_key(i), json_object_iter_key_len(i));
		if (!other || !json_same(json_object_iter_value(i), other))
			return false;
	}
	return true;
}

static bool same_arrays(const json_t *a, const json_t *b)
{
	if (json_array_size(a) != json_array_size(b))
		return false;
	for (size_t i = 0; i < json_array_size(a); i++)
		if (!json_same(json_array_get(a, i), json_array_get(b, i)))
			return false;
	return true;
}

/* One is an integer, the other a double. Through the integer, because a double cannot hold every int64. */
static bool same_numbers(const json_t *a, const json_t *b)
{
	const json_t *integer = json_is_integer(a) ? a : b, *real = json_is_integer(a) ? b : a;
	int64_t v = json_integer_value(integer);
	return json_int(real, v == 0 ? 1 : 0) == v;
}

bool json_same(const json_t *a, const json_t *b)
{
	if (a == b)
		return true;
	if (!a || !b)
		return false;
	if (json_is_number(a) && json_is_number(b) && json_typeof(a) != json_typeof(b))
		return same_numbers(a, b);
	if (json_typeof(a) != json_typeof(b))
		return false;
	if (json_is_object(a))
		return same_objects(a, b);
	if (json_is_array(a))
		return same_arrays(a, b);
	return json_equal(a, b);
}
