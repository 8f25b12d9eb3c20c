/* TOML: what parses must be plain, bounded JSON. */

#include "codec/toml.h"

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
	_cleanup_err_ struct err err = { 0 };
	_cleanup_json_ json_t *v = toml_parse((const char *)data, size, "in", &err);
	require((v != NULL) == !err_is_set(&err));
	if (!v) {
		require(strncmp(err_message(&err), "in:", 3) == 0);
		return 0;
	}
	_cleanup_free_ char *text = json_to_str(v);
	_cleanup_json_ json_t *back = json_parse(text, strlen(text), JSON_STRICT_KEYS, &err);
	require(json_same(v, back));
	return 0;
}
