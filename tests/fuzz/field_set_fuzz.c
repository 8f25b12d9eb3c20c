/* A JSON array of a schema, two objects and a set of fields as in managedFields. Beyond not crashing: sets obey their
 * algebra and survive being written and read, and an object does not differ from itself. */

#include "apiserver/patch/field_set.h"

#include "codec/json.h"

#include <stdint.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool holds)
{
	if (!holds)
		abort();
}

static void check_algebra(const struct field_set *a, const struct field_set *b)
{
	_cleanup_(field_set_freep) struct field_set *sum = field_set_union(a, b), *both = field_set_intersection(a, b);
	_cleanup_(field_set_freep) struct field_set *rest = field_set_difference(a, b), *other = field_set_difference(b, a);
	_cleanup_(field_set_freep) struct field_set *again = field_set_union(rest, both),
												*parts = field_set_union(rest, other);
	_cleanup_(field_set_freep) struct field_set *all = field_set_union(parts, both),
												*none = field_set_intersection(rest, b);

	require(field_set_equal(again, a));
	require(field_set_equal(all, sum));
	require(field_set_is_empty(none));
}

static void check_text(const struct field_set *s)
{
	_cleanup_err_ struct err err = { 0 };
	_cleanup_json_ json_t *v1 = field_set_to_v1(s);
	_cleanup_(field_set_freep) struct field_set *back = field_set_from_v1(v1, &err);

	require(back && field_set_equal(back, s));
}

static void ignore(void *self, const char *path)
{
	require(self == NULL && path[0] != '\0');
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	_cleanup_json_ json_t *input = json_parse((const char *)data, size, 0, NULL);
	const json_t *a = json_array_get(input, 1), *b = json_array_get(input, 2);

	if (!json_is_object(a) || !json_is_object(b))
		return 0;
	_cleanup_(schema_unrefp) struct schema *s = schema_compile(json_array_get(input, 0), "schema", NULL);
	_cleanup_(field_set_freep) struct field_set *x = field_set_of(s, a), *z = field_set_of(s, b);
	_cleanup_(field_set_freep) struct field_set *same = field_set_changed(s, a, a),
												*changed = field_set_changed(s, a, b);
	_cleanup_(field_set_freep) struct field_set *given = field_set_from_v1(json_array_get(input, 3), NULL);

	require(field_set_is_empty(same));
	check_algebra(x, z);
	check_algebra(changed, x);
	check_text(x);
	check_text(changed);
	field_set_each(changed, ignore, NULL);
	if (given) {
		check_algebra(given, x);
		check_text(given);
	}
	return 0;
}
