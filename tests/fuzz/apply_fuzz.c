/* A JSON array of a schema, a live object and two configurations. Beyond not crashing: inputs are not changed, applying
 * the same again changes nothing (nor, from then on, the owners), a forced apply has no conflicts, and owners can
 * always be read again. */

#include "apiserver/patch/apply.h"
#include "apiserver/patch/field_set.h"

#include "codec/json.h"

#include <stdint.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool holds)
{
	if (!holds)
		abort();
}

static void check_owners(const json_t *obj)
{
	size_t i;
	json_t *entry;

	json_array_foreach (json_at(obj, "metadata", "managedFields", NULL), i, entry) {
		_cleanup_(field_set_freep) struct field_set *s = field_set_from_v1(json_object_get(entry, "fieldsV1"), NULL);
		require(s && !field_set_is_empty(s));
	}
}

static json_t *apply(const struct schema *s, const char *manager, bool force, const json_t *live, const json_t *config)
{
	const struct apply_request request = {
		.schema = s,
		.manager = manager,
		.api_version = "v1",
		.subresource = "",
		.force = force,
		.now_wall_ns = INT64_C(1000000000),
	};
	_cleanup_err_ struct err err = { 0 };
	json_t *applied = NULL;
	int r = apply_server_side(&request, live, config, &applied, &err);

	require((r < 0) == err_is_set(&err) && (r < 0) == (applied == NULL));
	require(!force || err.kind != ERR_CONFLICT);
	if (applied)
		check_owners(applied);
	return applied;
}

static json_t *without_owners(const json_t *obj)
{
	json_t *v = json_clone(obj);

	json_object_del(json_object_get(v, "metadata"), "managedFields");
	return v;
}

static void check_repeated(const struct schema *s, const json_t *first, const json_t *config)
{
	_cleanup_json_ json_t *again = apply(s, "a", false, first, config);
	require(again);
	_cleanup_json_ json_t *third = apply(s, "a", false, again, config);
	_cleanup_json_ json_t *x = without_owners(first), *z = without_owners(again);
	require(json_same(x, z) && json_same(again, third));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	_cleanup_json_ json_t *input = json_parse((const char *)data, size, 0, NULL), *before = json_clone(input);
	const json_t *live = json_array_get(input, 1), *one = json_array_get(input, 2), *two = json_array_get(input, 3);

	if (!json_is_object(live) || !json_is_object(one) || !json_is_object(two))
		return 0;
	_cleanup_(schema_unrefp) struct schema *s = schema_compile(json_array_get(input, 0), "schema", NULL);
	_cleanup_json_ json_t *first = apply(s, "a", true, live, one);
	_cleanup_json_ _unused_ json_t *other = first ? apply(s, "kubectl", false, first, two) : NULL;
	_cleanup_json_ json_t *forced = first ? apply(s, "kubectl", true, first, two) : NULL;
	/* Objects of other types than the schema's are never stored. */
	if (first && schema_validate(s, live, NULL, NULL) == 0 && schema_validate(s, one, NULL, NULL) == 0)
		check_repeated(s, first, one);
	if (forced) {
		const struct apply_request request = { .schema = s, .manager = "u", .api_version = "v1", .subresource = "" };
		_cleanup_json_ json_t *updated = json_clone(live);
		managed_fields_update(&request, forced, updated);
		check_owners(updated);
	}
	require(json_equal(input, before));
	return 0;
}
