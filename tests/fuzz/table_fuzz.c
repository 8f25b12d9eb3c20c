/* Printer columns over any object: a JSON array of columns, as in a CustomResourceDefinition, and an object. Beyond not
 * crashing: a row has a cell for each column, for built-in kinds too, whose cells are computed. */
#include "apiserver/rest/table.h"
#include "apiserver/types/builtin_types.h"

#include <stdint.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool holds)
{
	if (!holds)
		abort();
}

static void check_rows(const struct api_type *t, const json_t *obj)
{
	static const char *const includes[] = { NULL, "None", "Object" };

	for (size_t v = 0; v < t->versions_len; v++) {
		_cleanup_json_ json_t *table = table_new(&t->versions[v], false, "1");
		size_t columns = json_array_size(json_object_get(table, "columnDefinitions"));
		for (size_t i = 0; i < ARRAY_SIZE(includes); i++)
			table_add(table, &t->versions[v], false, obj, includes[i]);
		const json_t *rows = json_object_get(table, "rows");
		require(json_array_size(rows) == ARRAY_SIZE(includes));
		for (size_t i = 0; i < ARRAY_SIZE(includes); i++) {
			const json_t *row = json_array_get(rows, i);
			require(json_array_size(json_object_get(row, "cells")) == columns);
			require(json_is_null(json_object_get(row, "object")) == (i == 1));
		}
		_cleanup_free_ char *text = json_to_str(table);
		require(*text == '{');
	}
}

static void check_custom(const json_t *columns, const json_t *obj)
{
	_cleanup_json_ json_t *version = json_pack("{s:s,s:b,s:b,s:O}", "name", "v1", "served", 1, "storage", 1,
	                                           "additionalPrinterColumns", columns);
	_cleanup_json_ json_t *spec = json_pack("{s:s,s:s,s:{s:s,s:s,s:s,s:s},s:[O]}", "group", "g.io", "scope",
	                                        "Namespaced", "names", "plural", "things", "kind", "Thing", "singular",
	                                        "thing", "listKind", "ThingList", "versions", version);
	struct api_type *t = registry_type_from_spec(spec, false, NULL);

	if (!t)
		return;
	check_rows(t, obj);
	api_type_unref(t);
}

/* Made once: there are many, and they do not change. */
static struct api_type **builtin_types(size_t *ret_len)
{
	static struct api_type *types[256];
	static size_t len;
	size_t i;
	json_t *spec;

	if (len == 0) {
		_cleanup_json_ json_t *specs = builtin_types_load(NULL);
		json_array_foreach (specs, i, spec)
			if (len < ARRAY_SIZE(types))
				types[len++] = registry_type_from_spec(spec, true, NULL);
	}
	*ret_len = len;
	return types;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	_cleanup_json_ json_t *input = json_parse((const char *)data, size, 0, NULL);
	const json_t *columns = json_array_get(input, 0), *obj = json_array_get(input, 1);
	size_t len;

	if (!json_is_array(columns) || !json_is_object(obj))
		return 0;
	check_custom(columns, obj);
	struct api_type **types = builtin_types(&len);
	for (size_t i = 0; i < len; i++)
		check_rows(types[i], obj);
	return 0;
}
