/* A JSON array of a document and a patch: applied as JSON Patch and as merge patch. */

#include "codec/patch.h"

#include <stdint.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool holds)
{
	if (!holds)
		abort();
}

static bool holds_null(const json_t *v)
{
	json_t *object = json_unconst(v);
	for (void *i = json_object_iter(object); i; i = json_object_iter_next(object, i))
		if (json_is_null(json_object_iter_value(i)) || holds_null(json_object_iter_value(i)))
			return true;
	for (size_t i = 0; i < json_array_size(v); i++)
		if (holds_null(json_array_get(v, i)))
			return true;
	return false;
}

/* What a patch makes must be a value that we would read again. */
static void check_bounded(const json_t *v)
{
	_cleanup_free_ char *text = json_to_str(v);
	_cleanup_json_ json_t *back = json_parse(text, strlen(text), 0, NULL);
	require(strlen(text) > JSON_TEXT_MAX || json_same(v, back));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	_cleanup_json_ json_t *input = json_parse((const char *)data, size, 0, NULL);
	const json_t *doc = json_array_get(input, 0), *patch = json_array_get(input, 1);
	if (!doc || !patch)
		return 0;
	_cleanup_json_ json_t *before = json_deep_copy(input);
	_cleanup_err_ struct err err = { 0 };
	_cleanup_json_ json_t *patched = json_patch_apply(doc, patch, &err);
	require((patched != NULL) == !err_is_set(&err));
	if (patched)
		check_bounded(patched);

	_cleanup_json_ json_t *merged = json_merge_patch_apply(doc, patch), *diff = json_merge_patch_diff(doc, patch);
	check_bounded(merged);
	_cleanup_json_ json_t *there = json_merge_patch_apply(doc, diff);
	require(holds_null(patch) || json_same(there, patch));
	require(json_equal(before, input));
	return 0;
}
