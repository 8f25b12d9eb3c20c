/* A JSON array of a schema, a document and a patch. Beyond not crashing: neither is changed, and what comes out can be
 * read again. */

#include "apiserver/patch/strategic_merge.h"

#include "codec/json.h"

#include <stdint.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool holds)
{
	if (!holds)
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	_cleanup_json_ json_t *input = json_parse((const char *)data, size, 0, NULL), *before = json_clone(input);
	const json_t *doc = json_array_get(input, 1), *patch = json_array_get(input, 2);
	_cleanup_err_ struct err err = { 0 };
	json_t *merged = NULL;

	if (!doc || !patch)
		return 0;
	_cleanup_(schema_unrefp) struct schema *s = schema_compile(json_array_get(input, 0), "schema", NULL);
	int r = strategic_merge_apply(s, doc, patch, &merged, &err);
	require((r < 0) == err_is_set(&err) && (r < 0) == (merged == NULL));
	require(json_equal(input, before));
	if (merged) {
		_cleanup_free_ char *text = json_to_str(merged);
		_cleanup_json_ json_t *back = json_parse(text, strlen(text), 0, NULL);
		require(json_same(back, merged));
		json_decref(merged);
	}
	return 0;
}
