/* KCL's tools: a program is laid out, documented and tested; then it is overridden and validates data. The input is the
 * program, data and an override, with lines of "%%" between them. */

#include "lang/kcl/kcl_tools.h"

#include "base/str.h"

#include <stdint.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const struct kcl_limits LIMITS = {
	.steps = 200000, .memory = (size_t)16 << 20, .depth = 200, .output = 1 << 20
};

static struct kcl_source part(const char *name, const char **at, const char *end)
{
	const char *stop = *at < end ? memmem(*at, (size_t)(end - *at), "\n%%\n", 4) : NULL;
	struct kcl_source s = { .name = name, .text = *at, .len = (size_t)((stop ? stop : end) - *at) };

	*at = stop ? stop + 4 : end;
	return s;
}

static void check_same_layout(const struct kcl_source *program)
{
	_cleanup_buf_ struct buf once = BUF_INIT(8 << 20), twice = BUF_INIT(8 << 20);
	struct kcl_diagnostics d = { 0 };

	if (kcl_fmt(program, &once, &d) == 0 && !once.failed) {
		const struct kcl_source again = { .name = "again.k", .text = buf_str(&once), .len = once.len };

		if (kcl_fmt(&again, &twice, &d) < 0 || strcmp(buf_str(&once), buf_str(&twice)) != 0)
			abort();
	}
	kcl_diagnostics_clear(&d);
}

static void run_tests(const struct kcl_compile_options *program)
{
	const struct kcl_test_options options = { .program = *program, .eval = { .limits = LIMITS } };
	struct kcl_test_summary summary = { 0 };
	struct kcl_diagnostics d = { 0 };

	kcl_test(&options, &summary, &d);
	kcl_diagnostics_clear(&d);
}

static void run_overridden(struct kcl_compile_options program, const struct kcl_source *override)
{
	_cleanup_free_ char *text = xstrndup(override->text, strnlen(override->text, override->len));
	const char *const overrides[] = { text, NULL };
	struct kcl_diagnostics d = { 0 };

	program.overrides = overrides;

	struct kcl_program *p = kcl_compile(&program, &d);

	if ((p == NULL) != (d.errors > 0))
		abort();
	if (p) {
		const char *const selector[] = { "a.b", NULL };
		const struct kcl_eval_options options = { .limits = LIMITS, .path_selector = selector, .debug = true };
		struct kcl_context *c = kcl_context_new();

		kcl_result_free(kcl_evaluate(p, c, &options, &d));
		kcl_context_free(c);
	}
	kcl_program_unref(p);
	kcl_diagnostics_clear(&d);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const char *at = size ? (const char *)data : "", *end = at + size;
	struct kcl_source program = part("fuzz_test.k", &at, end), value = part("data.yaml", &at, end);
	struct kcl_source override = part("override", &at, end);
	const struct kcl_compile_options options = { .sources = &program, .sources_len = 1, .limits = LIMITS };
	const struct kcl_vet_options vet = { .program = options, .data = value };
	_cleanup_buf_ struct buf out = BUF_INIT(8 << 20);
	struct kcl_diagnostics d = { 0 };

	check_same_layout(&program);
	kcl_doc("fuzz", &program, 1, &out, &d);
	kcl_diagnostics_clear(&d);
	kcl_vet(&vet, &d);
	buf_reset(&out);
	kcl_diagnostics_write(&d, NULL, NULL, &out);
	kcl_diagnostics_clear(&d);
	run_tests(&options);
	run_overridden(options, &override);
	return 0;
}
