#include "eval/vm.h"

#include "diagnostic.h"

#define BACKTRACE_MAX ((size_t)64 * 1024)
#include "value/maker.h"

/* ---- what stdlib/ and value/ ask for ---- */

struct kcl_heap *kcl_vm_heap(struct kcl_vm *vm)
{
	return vm->h;
}

const struct kcl_eval_options *kcl_vm_options(const struct kcl_vm *vm)
{
	return vm->options;
}

const char *kcl_vm_file(const struct kcl_vm *vm)
{
	return vm->at && vm->at->file ? vm->at->file : "";
}

struct kcl_value kcl_vm_option(struct kcl_vm *vm, const char *name)
{
	for (size_t i = vm->options->options_len; i-- > 0;) {
		const struct kcl_option *option = &vm->options->options[i];
		if (strcmp(option->name, name) != 0)
			continue;
		struct kcl_pair *pair = vm->given ? kcl_dict_findz(vm->given, name) : NULL;
		if (pair)
			return pair->value;
		if (!vm->given)
			vm->given = kcl_dict(vm->h, 4).dict;
		struct kcl_value v = option->make ? kcl_run_maker(vm->h, option->make, option->self)
		                                  : kcl_from_json(vm->h, option->value);
		kcl_dict_setz(vm->h, vm->given, name, v);
		return v;
	}
	return kcl_undefined();
}

void kcl_vm_print(struct kcl_vm *vm, const char *s, size_t len)
{
	if (len >= vm->log_cap - vm->log_len) {
		size_t cap = vm->log_cap ? vm->log_cap : 256;
		while (cap - vm->log_len <= len)
			cap *= 2;
		vm->log = kcl_grow(vm->h, vm->log, vm->log_cap, cap, 1);
		vm->log_cap = cap;
	}
	memcpy(vm->log + vm->log_len, s, len);
	vm->log_len += len;
	vm->log[vm->log_len] = '\0';
}

void kcl_vm_set_stream(struct kcl_vm *vm, struct kcl_value documents, struct kcl_value options)
{
	vm->has_stream = true;
	vm->stream = documents;
	vm->stream_options = options;
}

struct kcl_value kcl_vm_call(struct kcl_vm *vm, struct kcl_value function, const struct kcl_args *args)
{
	return kcl_call(vm, function, args);
}

const struct kcl_type *kcl_vm_param_type(struct kcl_value function, uint32_t i)
{
	if (function.kind != KCL_FUNCTION || function.function->kind != KCL_FN_LAMBDA)
		return NULL;
	const struct kcl_lambda_code *lambda = function.function->code;
	return i < lambda->unit.params_len ? lambda->unit.params[i].type : NULL;
}

struct kcl_value kcl_vm_catch(struct kcl_vm *vm, struct kcl_value function)
{
	static const struct kcl_args none = { 0 };
	struct kcl_failure f;
	struct kcl_resolving *resolving = vm->resolving;
	unsigned depth = vm->depth, schemas = vm->schemas, schema_exprs = vm->schema_exprs;
	uint32_t calls = vm->calls_len;
	f.outer = kcl_failure_push(vm->h, &f);
	if (!setjmp(f.jump)) {
		kcl_call(vm, function, &none);
		kcl_failure_pop(vm->h, &f);
		return kcl_undefined();
	}
	kcl_failure_pop(vm->h, &f);
	/* The limits of the evaluation cannot be caught: the next step would pass them again. */
	kcl_unwind_cells(vm, resolving);
	vm->depth = depth;
	vm->schemas = schemas;
	vm->schema_exprs = schema_exprs;
	while (vm->calls_len > calls)
		kcl_record_return(vm);
	vm->error_place = vm->check_place = NULL;
	return kcl_strz(vm->h, f.message);
}

/* ---- the backtrace of -d ---- */

void kcl_record_call(struct kcl_vm *vm, const char *function)
{
	if (!vm->options->debug)
		return;
	if (vm->calls_len == vm->calls_cap) {
		uint32_t cap = vm->calls_cap ? vm->calls_cap * 2 : 16;
		vm->calls = kcl_grow(vm->h, vm->calls, vm->calls_cap, cap, sizeof(*vm->calls));
		vm->calls_cap = cap;
	}
	vm->calls[vm->calls_len++] = (struct kcl_call_record){ .caller = vm->function, .at = vm->at };
	vm->function = function;
}

void kcl_record_return(struct kcl_vm *vm)
{
	if (!vm->options->debug || !vm->calls_len)
		return;
	vm->function = vm->calls[--vm->calls_len].caller;
	vm->at = vm->calls[vm->calls_len].at;
}

/* The innermost call first. free(). */
static char *backtrace(const struct kcl_vm *vm, const char *file, uint32_t line)
{
	_cleanup_buf_ struct buf text = BUF_INIT(BACKTRACE_MAX);
	buf_printf(&text, "backtrace:\n\t0: %s\n\t\tat %s:%u\n", vm->function, file ? file : "", line);
	for (uint32_t i = vm->calls_len; i-- > 0;) {
		const struct kcl_call_record *r = &vm->calls[i];
		buf_printf(&text, "\t%u: %s\n\t\tat %s:%u\n", vm->calls_len - i, r->caller, r->at ? r->at->file : "",
		           r->at ? r->at->line : 0);
	}
	return xstrdup(buf_str(&text));
}

/* ---- running a program ---- */

void kcl_vm_init(struct kcl_vm *vm, struct kcl_heap *h, const struct kcl_program *p, const struct kcl_eval_options *o,
                 struct kcl_diagnostics *diagnostics)
{
	*vm = (struct kcl_vm){ .h = h, .program = p, .options = o, .diagnostics = diagnostics };
	vm->function = "kcl_main";
	vm->depth_max = o->limits.depth ? o->limits.depth : KCL_DEPTH_DEFAULT;
	vm->schema_scalar = 0;
	vm->cells = kcl_alloc(h, p->cells * sizeof(*vm->cells));
}

static void run_module(struct kcl_vm *vm, const struct kcl_package_code *p, uint32_t i)
{
	struct kcl_frame f = { .locals = LOCALS_NEW(vm, p->units[i].locals) };
	kcl_unset_locals(f.locals, 0, p->units[i].locals);
	kcl_run_body(vm, &p->bodies[i], &f);
}

void kcl_vm_run(struct kcl_vm *vm)
{
	for (uint32_t i = 0; i < vm->program->code_len; i++) {
		const struct kcl_package_code *p = &vm->program->code[i];
		for (uint32_t m = 0; m < p->modules_len; m++)
			run_module(vm, p, m);
	}
}

/* What the main package gives: the values of expression statements and its globals, merged in this order. */
struct kcl_value kcl_vm_exported(struct kcl_vm *vm)
{
	static const struct kcl_union_options plain = { .idempotent_check = true };
	const struct kcl_package_code *main = &vm->program->code[vm->program->code_len - 1];
	struct kcl_pair entry = { .key = kcl_strz(vm->h, "").str, .insert_index = KCL_NO_INDEX };
	struct kcl_value merged = kcl_undefined();
	for (uint32_t i = 0; i < vm->scalars.len; i++) {
		entry.value = vm->scalars.items[i];
		merged = kcl_merge_value(vm, merged, &entry, &plain);
	}
	struct kcl_value globals = kcl_dict(vm->h, main->globals_len);
	for (uint32_t i = 0; i < main->globals_len; i++) {
		const struct kcl_str *name = main->globals[i]->name;
		if (name->s[0] != '_' || vm->options->show_hidden)
			kcl_dict_append(vm->h, globals.dict, name, vm->cells[main->first_cell + i].value);
	}
	if (!globals.dict->len)
		return merged.kind == KCL_UNDEFINED ? globals : merged;
	entry.value = globals;
	return kcl_merge_value(vm, merged, &entry, &plain);
}

/* ---- errors ---- */

static struct kcl_span span_of(uint32_t line, uint32_t column)
{
	return (struct kcl_span){ .line = line, .column = column, .end_line = line, .end_column = column };
}

/* Where an error of an evaluation is: upstream knows the line of what was begun last, and no column. A check that
 * failed is about the instance. */
void kcl_vm_report(struct kcl_vm *vm, const struct kcl_failure *f)
{
	const struct kcl_place *check = vm->check_place && vm->check_place->file ? vm->check_place : NULL;
	const char *file = f->file ? f->file : vm->at ? vm->at->file : NULL;
	uint32_t line = f->file ? f->line : vm->at ? vm->at->line : 0;
	const char *prefix = !vm->check_place ? ""
	                     : *f->message    ? "Check failed on the condition: "
	                                      : "Check failed on the condition";
	if (vm->error_place && vm->error_place->file) {
		file = vm->error_place->file;
		line = vm->error_place->line;
	}
	struct kcl_span span = check ? span_of(check->line, check->column) : span_of(line, 0);
	struct kcl_diagnostic *d;
	if (check) {
		d = kcl_diagnostic_add(vm->diagnostics, KCL_ERROR, f->code, check->file, &span, "Instance check failed");
		kcl_diagnostic_relate(d, file, line, 0, "%s%s", prefix, f->message);
	} else {
		d = kcl_diagnostic_add(vm->diagnostics, KCL_ERROR, f->code, file, &span, "%s%s", prefix, f->message);
	}
	if (d && vm->options && vm->options->debug)
		d->note = backtrace(vm, file, line);
}
