/* A JSON array of a schema, an object and its earlier state. Beyond not crashing: pruning and defaulting settle after
 * one round, an error comes with its causes, and what did not change is not complained about. */

#include "apiserver/schema/schema.h"

#include "codec/json.h"

#include <stdint.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool holds)
{
	if (!holds)
		abort();
}

/* Resources within are checked at every write, as if they were new. */
static bool has_embedded(const json_t *schema)
{
	_cleanup_free_ char *text = json_to_str(schema);

	return strstr(text, "x-kubernetes-embedded-resource") != NULL;
}

static void check_object(const struct schema *s, bool embedded, const json_t *obj, const json_t *old)
{
	_cleanup_err_ struct err err = { 0 };
	_cleanup_json_ json_t *v = json_clone(obj), *dropped = json_array();

	schema_prune(s, v, NULL);
	_cleanup_json_ json_t *pruned = json_clone(v);
	schema_prune(s, v, dropped);
	require(json_array_size(dropped) == 0 && json_equal(v, pruned));
	schema_default(s, v);
	_cleanup_json_ json_t *filled = json_clone(v);
	schema_default(s, v);
	require(json_equal(v, filled));

	int r = schema_validate(s, obj, json_is_object(old) ? old : NULL, &err);
	require((r < 0) == err_is_set(&err) && (r < 0) == (err.causes_len > 0));
	require(embedded || schema_validate(s, obj, obj, NULL) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	_cleanup_json_ json_t *input = json_parse((const char *)data, size, 0, NULL);
	const json_t *obj = json_array_get(input, 1), *old = json_array_get(input, 2);
	_cleanup_err_ struct err err = { 0 };

	if (!json_array_get(input, 0))
		return 0;
	_cleanup_(schema_unrefp) struct schema *s = schema_compile(json_array_get(input, 0), "schema", &err);
	require((s != NULL) == !err_is_set(&err));
	if (!s)
		return 0;
	_cleanup_json_ json_t *v2 = schema_publish_v2(s), *v3 = schema_publish_v3(s);
	require(json_is_object(v2) && json_is_object(v3));
	if (json_is_object(obj))
		check_object(s, has_embedded(json_array_get(input, 0)), obj, old);
	return 0;
}
