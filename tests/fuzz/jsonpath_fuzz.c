/* JSONPath: the template up to the first NUL, behind it the document (a built-in one when there is none). */

#include "codec/jsonpath.h"

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
	static const char sample[] = "{\"kind\":\"List\",\"n\":[0,1,2,[3]],\"items\":[{\"a\":{\"b\":\"x\"},\"t\":true},"
								 "{\"a\":{\"b\":\"y\"},\"c\":1.5,\"d\":null}]}";
	_cleanup_free_ char *template = xstrndup((const char *)data, size);
	size_t len = strlen(template);
	_cleanup_json_ json_t *doc = len + 1 < size ? json_parse((const char *)data + len + 1, size - len - 1, 0, NULL)
	                                            : NULL;
	if (!doc)
		doc = json_parse(sample, strlen(sample), 0, NULL);
	_cleanup_err_ struct err err = { 0 }, print_err = { 0 };
	struct jsonpath *path = jsonpath_parse(template, &err);
	require((path != NULL) == !err_is_set(&err));
	if (!path)
		return 0;
	_cleanup_buf_ struct buf out = BUF_INIT(1024 * 1024);
	int r = jsonpath_print(path, doc, &out, &print_err);
	require((r < 0) == err_is_set(&print_err));
	json_decref(jsonpath_select(path, doc, NULL));
	jsonpath_free(path);
	return 0;
}
