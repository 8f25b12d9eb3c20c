/* JSON: what parses must come back from its own text unchanged, and jansson must agree about what is JSON. */

#include "codec/go_json.h"
#include "codec/json.h"

#include <stdint.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool holds)
{
	if (!holds)
		abort();
}

static void check_text_round_trip(const json_t *v)
{
	_cleanup_free_ char *text = json_to_str(v), *canonical = json_canonical(v);
	_cleanup_json_ json_t *back = json_parse(text, strlen(text), JSON_STRICT_KEYS, NULL);
	_cleanup_json_ json_t *sorted = json_parse(canonical, strlen(canonical), JSON_STRICT_KEYS, NULL);
	require(json_same(v, back) && json_same(v, sorted));
	_cleanup_free_ char *again = json_canonical(back);
	require(strcmp(canonical, again) == 0);
	_cleanup_buf_ struct buf pretty = BUF_INIT(64 * 1024 * 1024);
	if (json_write_pretty(v, &pretty) == 0 && pretty.len <= JSON_TEXT_MAX) {
		_cleanup_json_ json_t *read = json_parse(pretty.data, pretty.len, 0, NULL);
		require(json_same(v, read));
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	_cleanup_err_ struct err err = { 0 };
	_cleanup_json_ json_t *v = json_parse((const char *)data, size, 0, &err);
	_cleanup_json_ json_t *strict = json_parse((const char *)data, size, JSON_STRICT_KEYS, NULL);
	require((v != NULL) == !err_is_set(&err));
	require(!strict || json_equal(v, strict));
	if (v)
		check_text_round_trip(v);
	_cleanup_free_ char *fault = go_json_fault((const char *)data, size);
	require(!v || !fault);

	/* jansson allows deeper nesting, refuses large integers and ends at a NUL; else there is one JSON. */
	if (size == 0 || memchr(data, '\0', size))
		return 0;
	json_error_t why;
	_cleanup_json_ json_t *reals = json_loadb((const char *)data, size, JSON_DECODE_ANY | JSON_DECODE_INT_AS_REAL,
	                                          &why);
	require(!v || reals);
	require(v || !reals || strstr(err_message(&err), "nested deeper"));
	return 0;
}
