/* YAML: what parses must come back from what we write, and nothing may take long. */

#include "codec/yaml.h"

#include <stdint.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool holds)
{
	if (!holds)
		abort();
}

static void check_round_trip(const json_t *v)
{
	_cleanup_buf_ struct buf out = BUF_INIT(JSON_TEXT_MAX);
	if (yaml_write(v, &out) < 0)
		return;
	_cleanup_err_ struct err err = { 0 };
	_cleanup_json_ json_t *back = yaml_parse(out.data, out.len, "written", &err);
	require(json_same(v, back) || strstr(err_message(&err), "more than"));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const char *text = (const char *)data;
	_cleanup_err_ struct err err = { 0 }, all_err = { 0 };
	_cleanup_json_ json_t *v = yaml_parse(text, size, "in", &err);
	_cleanup_json_ json_t *all = yaml_parse_all(text, size, "in", &all_err);
	require((v != NULL) == !err_is_set(&err) && (all != NULL) == !err_is_set(&all_err));
	require(v || strncmp(err_message(&err), "in:", 3) == 0);
	require(!v || all);
	if (v)
		check_round_trip(v);
	int line, column;
	if (yaml_locate(text, size, "/a/0/b", &line, &column))
		require(line >= 1 && column >= 1);
	return 0;
}
