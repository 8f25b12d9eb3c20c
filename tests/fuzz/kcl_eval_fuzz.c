/* KCL: the text is compiled and run with small limits, and what it gives is written. The second run of a program must
 * say the same as the first. */

#include "lang/kcl/kcl.h"

#include <stdint.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool holds)
{
	if (!holds)
		abort();
}

static bool run(const struct kcl_program *p, struct kcl_context *c, struct buf *out)
{
	struct kcl_eval_options options = {
		.limits = { .steps = 200000, .memory = (size_t)16 * 1024 * 1024, .depth = 200, .output = 1024 * 1024 },
	};
	struct kcl_diagnostics diagnostics = { 0 };
	_cleanup_err_ struct err err = { 0 };
	struct kcl_result *r = kcl_evaluate(p, c, &options, &diagnostics);
	require((r == NULL) == (diagnostics.errors > 0));
	if (r)
		kcl_result_yaml(r, out, &err);
	else
		kcl_diagnostics_write(&diagnostics, NULL, NULL, out);
	kcl_diagnostics_clear(&diagnostics);
	return r != NULL;
}

/* Random numbers are asked for, or the memory did not suffice, of which a second run finds other pieces. */
static bool is_unlike_itself(const uint8_t *data, size_t size, const struct buf *out)
{
	return memmem(data, size, "uuid", 4) || strstr(buf_str(out), "out of memory");
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct kcl_source source = { .name = "fuzz.k", .text = (const char *)data, .len = size };
	struct kcl_compile_options options = { .sources = &source,
		                                   .sources_len = 1,
		                                   .limits = { .memory = (size_t)64 * 1024 * 1024, .source = 64 * 1024 } };
	struct kcl_diagnostics diagnostics = { 0 };
	_cleanup_(kcl_program_unrefp) struct kcl_program *p = kcl_compile(&options, &diagnostics);
	_cleanup_(kcl_context_freep) struct kcl_context *c = kcl_context_new();
	_cleanup_buf_ struct buf first = BUF_INIT(4 * 1024 * 1024), second = BUF_INIT(4 * 1024 * 1024);
	require((p == NULL) == (diagnostics.errors > 0));
	kcl_diagnostics_clear(&diagnostics);
	if (!p)
		return 0;
	bool ran = run(p, c, &first), ran_again = run(p, c, &second);
	if (is_unlike_itself(data, size, &first) || is_unlike_itself(data, size, &second))
		return 0;
	require(ran == ran_again && strcmp(buf_str(&first), buf_str(&second)) == 0);
	return 0;
}
