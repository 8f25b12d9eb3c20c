#include "eval/compile.h"
#include "eval/load.h"
#include "diagnostic.h"
#include "eval/vm.h"
#include "output/plan.h"

#include <stdatomic.h>

/* ---- programs ---- */

struct kcl_program *kcl_program_ref(struct kcl_program *p)
{
	atomic_fetch_add_explicit(&p->refs, 1, memory_order_relaxed);
	return p;
}

struct kcl_program *kcl_program_unref(struct kcl_program *p)
{
	if (!p || atomic_fetch_sub_explicit(&p->refs, 1, memory_order_acq_rel) > 1)
		return NULL;
	kcl_checked_free(p->checked);
	for (uint32_t i = 0; i < p->packages.len; i++) {
		for (uint32_t j = 0; j < p->packages.items[i].modules_len; j++)
			kcl_module_free(p->packages.items[i].modules[j]);
	}
	kcl_heap_free(p->heap);
	free(p);
	return NULL;
}

size_t kcl_program_size(const struct kcl_program *p)
{
	return p->size;
}

static size_t measure(const struct kcl_program *p)
{
	size_t size = sizeof(*p) + kcl_heap_used(p->heap) + kcl_checked_size(p->checked);
	for (uint32_t i = 0; i < p->packages.len; i++) {
		for (uint32_t j = 0; j < p->packages.items[i].modules_len; j++)
			size += arena_size(p->packages.items[i].modules[j]->arena);
	}
	return size;
}

static void compile(struct kcl_program *p, const struct kcl_compile_options *o, struct kcl_diagnostics *diagnostics)
{
	struct kcl_stop stop = { .deadline_ns = o->limits.deadline_ns, .cancelled = o->limits.cancelled };
	kcl_load(o, &stop, p->heap, &p->packages, diagnostics);
	kcl_compile_check(p->heap, &stop);
	if (diagnostics->errors)
		return;
	p->checked = kcl_check(&p->packages, &stop, diagnostics);
	kcl_compile_check(p->heap, &stop);
	if (diagnostics->errors)
		return;
	kcl_compile_program(p, &stop);
	p->size = measure(p);
}

struct kcl_program *kcl_compile(const struct kcl_compile_options *options, struct kcl_diagnostics *diagnostics)
{
	struct kcl_program *p = new0(struct kcl_program);
	struct kcl_limits limits = { .memory = options->limits.memory, .steps = UINT64_MAX };
	struct kcl_failure f;
	size_t before = diagnostics->errors;
	p->refs = 1;
	p->heap = kcl_heap_new();
	kcl_heap_reset(p->heap, &limits);
	f.outer = kcl_failure_push(p->heap, &f);
	if (!setjmp(f.jump))
		compile(p, options, diagnostics);
	else
		kcl_diagnostic_add(diagnostics, KCL_ERROR, "CompileError", NULL, NULL, "%s", f.message);
	kcl_failure_pop(p->heap, &f);
	return diagnostics->errors == before ? p : kcl_program_unref(p);
}

/* ---- evaluation ---- */

struct kcl_result {
	struct kcl_context *context;
	struct kcl_planned planned;
};

struct kcl_context {
	struct kcl_heap *heap;
	struct kcl_vm vm;
	struct kcl_eval_options options;
	struct kcl_result result;
};

struct kcl_context *kcl_context_new(void)
{
	struct kcl_context *c = new0(struct kcl_context);
	c->heap = kcl_heap_new();
	return c;
}

struct kcl_context *kcl_context_free(struct kcl_context *c)
{
	if (!c)
		return NULL;
	kcl_heap_free(c->heap);
	free(c);
	return NULL;
}

static struct kcl_planned evaluate(struct kcl_context *c)
{
	kcl_vm_run(&c->vm);
	if (c->vm.has_stream) {
		kcl_settle(c->heap, c->vm.stream);
		return (struct kcl_planned){ .value = c->vm.stream, .is_stream = true };
	}
	return kcl_plan(c->heap, kcl_vm_exported(&c->vm), &c->options);
}

struct kcl_result *kcl_evaluate(const struct kcl_program *p, struct kcl_context *c, const struct kcl_eval_options *o,
                                struct kcl_diagnostics *diagnostics)
{
	struct kcl_failure f;
	volatile bool failed = true;
	c->options = *o;
	kcl_heap_reset(c->heap, &o->limits);
	c->heap->strict_range = o->strict_range_check;
	c->vm = (struct kcl_vm){ .options = &c->options, .function = "kcl_main" };
	f.outer = kcl_failure_push(c->heap, &f);
	if (!setjmp(f.jump)) {
		kcl_vm_init(&c->vm, c->heap, p, &c->options, diagnostics);
		c->result = (struct kcl_result){ .context = c, .planned = evaluate(c) };
		failed = false;
	} else {
		c->vm.diagnostics = diagnostics;
		kcl_vm_report(&c->vm, &f);
	}
	kcl_failure_pop(c->heap, &f);
	return failed ? NULL : &c->result;
}

struct kcl_result *kcl_result_free(struct kcl_result *r)
{
	if (r)
		kcl_heap_reset(r->context->heap, NULL);
	return NULL;
}

struct kcl_value kcl_result_value(const struct kcl_result *r)
{
	return r->planned.value;
}

const char *kcl_result_log(const struct kcl_result *r)
{
	return r->context->vm.log ? r->context->vm.log : "";
}

/* What manifests.yaml_stream() was told comes before what the caller asks for. */
static struct kcl_write_options write_options(const struct kcl_result *r)
{
	const struct kcl_vm *vm = &r->context->vm;
	struct kcl_write_options o = { .indent = 4, .sort_keys = r->context->options.sort_keys };
	if (!vm->has_stream)
		return o;
	const struct kcl_dict *given = kcl_as_dict(vm->stream_options);
	struct kcl_value separator = kcl_dict_get(given, "sep");
	o.sort_keys = o.sort_keys || kcl_truth(kcl_dict_get(given, "sort_keys"));
	o.ignore_private = kcl_truth(kcl_dict_get(given, "ignore_private"));
	o.ignore_none = kcl_truth(kcl_dict_get(given, "ignore_none"));
	if (separator.kind == KCL_STR)
		o.separator = separator.str->s;
	return o;
}

int kcl_result_yaml(const struct kcl_result *r, struct buf *out, struct err *err)
{
	struct kcl_write_options o = write_options(r);
	return kcl_write_yaml(r->context->heap, &r->planned, &o, out, err);
}

int kcl_result_json(const struct kcl_result *r, struct buf *out, struct err *err)
{
	struct kcl_write_options o = write_options(r);
	return kcl_write_json(r->context->heap, &r->planned, &o, out, err);
}

json_t *kcl_result_to_json(const struct kcl_result *r, struct err *err)
{
	return kcl_to_json(r->planned.value, err);
}
