#include "diagnostic.h"
#include "kcl_tools.h"
#include "stdlib/pattern.h"
#include "syntax/parse.h"

#include "base/clock.h"
#include "base/str.h"

/* Each function is called by a file more of the package, in a program of its own: none sees what another one did, and
 * where it fails is a place of its own file. */

struct suite {
	const struct kcl_test_options *o;
	struct kcl_diagnostics *diagnostics;
	struct kcl_context *context;
	struct kcl_heap *h; /* for the pattern */
	struct kcl_pattern *pattern;
	struct kcl_test_summary summary;
};

static const char *test_name(const struct kcl_stmt *s)
{
	if (s->kind != KCL_STMT_ASSIGN || s->assign.len != 1 || s->assign.targets[0].steps_len > 0 ||
	    s->assign.value->kind != KCL_EXPR_LAMBDA)
		return NULL;

	const char *name = s->assign.targets[0].name.s;

	return str_starts_with(name, "test_") ? name : NULL;
}

static bool is_wanted(struct suite *s, const char *name)
{
	return !s->pattern || kcl_pattern_match(s->h, s->pattern, kcl_strz(s->h, name).str, 0, NULL) > 0;
}

/* ---- one test ---- */

static struct kcl_program *compile_call(struct suite *s, const char *call, struct kcl_diagnostics *diagnostics)
{
	struct kcl_compile_options options = s->o->program;
	size_t n = options.sources_len;
	_cleanup_free_ struct kcl_source *sources = xreallocarray(NULL, n + 1, sizeof(*sources));

	memcpy(sources, options.sources, n * sizeof(*sources));
	sources[n] = (struct kcl_source){ .name = "<test>", .text = call, .len = strlen(call) };
	options.sources = sources;
	options.sources_len = n + 1;
	return kcl_compile(&options, diagnostics);
}

static void run_test(struct suite *s, const char *file, const char *name)
{
	_cleanup_free_ char *call = xasprintf("_ = %s()\n", name);
	struct kcl_diagnostics diagnostics = { 0 };
	int64_t start = clock_mono_ns();
	_cleanup_(kcl_program_unrefp) struct kcl_program *p = compile_call(s, call, &diagnostics);
	struct kcl_result *r = p ? kcl_evaluate(p, s->context, &s->o->eval, &diagnostics) : NULL;
	struct kcl_test_result result = { .name = name,
		                              .file = file,
		                              .passed = r != NULL,
		                              .duration_ns = clock_mono_ns() - start,
		                              .log = r ? kcl_result_log(r) : "",
		                              .diagnostics = &diagnostics };

	*(r ? &s->summary.passed : &s->summary.failed) += 1;
	if (s->o->report)
		s->o->report(s->o->self, &result);
	kcl_result_free(r);
	kcl_diagnostics_clear(&diagnostics);
}

/* ---- all of them ---- */

static void run_file(struct suite *s, const struct kcl_source *source)
{
	_cleanup_(kcl_module_freep) struct kcl_module *m = kcl_parse(source->name, source->text, source->len,
	                                                             s->diagnostics);

	for (const struct kcl_stmt *stmt = m->body; stmt && s->diagnostics->errors == 0; stmt = stmt->next) {
		const char *name = test_name(stmt);

		if (name && is_wanted(s, name) && !(s->o->fail_fast && s->summary.failed))
			run_test(s, source->name, name);
	}
}

static void run_suite(struct suite *s)
{
	if (s->o->pattern)
		s->pattern = kcl_pattern(s->h, kcl_strz(s->h, s->o->pattern).str, false);
	for (size_t i = 0; i < s->o->program.sources_len; i++)
		if (str_ends_with(s->o->program.sources[i].name, "_test.k"))
			run_file(s, &s->o->program.sources[i]);
}

int kcl_test(const struct kcl_test_options *o, struct kcl_test_summary *ret, struct kcl_diagnostics *diagnostics)
{
	struct suite s = { .o = o, .diagnostics = diagnostics, .context = kcl_context_new(), .h = kcl_heap_new() };
	struct kcl_failure f;

	f.outer = kcl_failure_push(s.h, &f);
	if (!setjmp(f.jump))
		run_suite(&s);
	else
		kcl_diagnostic_add(diagnostics, KCL_ERROR, "InvalidPattern", NULL, NULL, "%s", f.message);
	kcl_failure_pop(s.h, &f);
	*ret = s.summary;
	kcl_heap_free(s.h);
	kcl_context_free(s.context);
	return diagnostics->errors ? -1 : 0;
}
