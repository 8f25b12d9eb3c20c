#include "eval/run.h"

#include "diagnostic.h"

struct kcl_value kcl_run_body(struct kcl_vm *vm, const struct kcl_codes *body, struct kcl_frame *f)
{
	struct kcl_value v = kcl_undefined();
	for (uint32_t i = 0; i < body->len; i++)
		v = kcl_run(vm, body->items[i], f);
	return v;
}

/* Values of expressions at the top of the main package are documents; of schemas, only the last one. */
static void add_scalar(struct kcl_vm *vm, struct kcl_value v, bool is_schema)
{
	struct kcl_list *scalars = &vm->scalars;
	if (is_schema && vm->schema_scalar < (int64_t)scalars->len) {
		uint32_t at = (uint32_t)vm->schema_scalar;
		memmove(&scalars->items[at], &scalars->items[at + 1], (scalars->len - at - 1) * sizeof(*scalars->items));
		scalars->len--;
	}
	kcl_list_push(vm->h, scalars, v);
	if (is_schema)
		vm->schema_scalar = scalars->len - 1;
}

struct kcl_value kcl_run_exprs(struct kcl_vm *vm, const struct kcl_code *c, struct kcl_frame *f)
{
	struct kcl_value v = kcl_undefined();
	vm->at = c;
	kcl_steps(vm->h, 1);
	for (uint32_t i = 0; i < c->exprs.items.len; i++) {
		v = kcl_run(vm, c->exprs.items.items[i], f);
		if (c->exprs.is_global && !c->exprs.is_call[i])
			add_scalar(vm, v, c->exprs.is_schema[i]);
	}
	return v;
}

struct kcl_value kcl_run_assert(struct kcl_vm *vm, const struct kcl_code *c, struct kcl_frame *f)
{
	vm->at = c;
	kcl_steps(vm->h, 1);
	if (c->assertion.condition && !kcl_truth(kcl_run(vm, c->assertion.condition, f)))
		return kcl_undefined();
	bool holds = kcl_truth(kcl_run(vm, c->assertion.test, f));
	struct kcl_value message = c->assertion.message ? kcl_run(vm, c->assertion.message, f) : kcl_undefined();
	if (!holds)
		kcl_raise(vm->h, "%s", message.kind == KCL_STR ? message.str->s : "");
	return kcl_undefined();
}

/* The assignments of a branch that was not taken count as done: who reads their cells need not try them. */
static void pass_leaves(struct kcl_vm *vm, const struct kcl_codes *leaves, struct kcl_frame *f)
{
	for (uint32_t i = 0; i < leaves->len; i++) {
		const struct kcl_assign_code *a = &leaves->items[i]->assign;
		struct kcl_cell *cell;
		uint32_t ordinal, setters;
		if (a->target == KCL_TARGET_GLOBAL) {
			cell = &vm->cells[a->slot];
			ordinal = a->setter;
			setters = vm->program->globals[a->slot]->setters_len;
		} else {
			uint32_t slot = f->owner->slots[a->slot];
			cell = &f->instance->cells[slot];
			ordinal = f->owner->ordinals[a->setter];
			setters = f->instance->layout->slots[slot].setters_len;
		}
		if (cell->passed <= ordinal)
			cell->passed = ordinal + 1;
		cell->done = cell->done || cell->passed >= setters;
	}
}

struct kcl_value kcl_run_if(struct kcl_vm *vm, const struct kcl_code *c, struct kcl_frame *f)
{
	vm->at = c;
	kcl_stack_check(vm->h);
	kcl_steps(vm->h, 1);
	bool holds = kcl_truth(kcl_run(vm, c->if_stmt.condition, f));
	kcl_run_body(vm, holds ? &c->if_stmt.body : &c->if_stmt.orelse, f);
	if (c->if_stmt.leaves.len)
		pass_leaves(vm, &c->if_stmt.leaves, f);
	return kcl_undefined();
}

/* ---- decorators ---- */

static const char *deprecation(struct kcl_vm *vm, const struct kcl_decorator_code *d, const struct kcl_args *args)
{
	struct kcl_value version = kcl_dict_get(args->keywords, "version");
	struct kcl_value reason = kcl_dict_get(args->keywords, "reason");
	bool has_version = version.kind == KCL_STR && version.str->len,
		 has_reason = reason.kind == KCL_STR && reason.str->len;
	return kcl_printf(vm->h, "%s was deprecated %s%s%s%s", d->target_name, has_version ? "since version " : "",
	                  has_version ? version.str->s : "", has_reason ? ", " : "", has_reason ? reason.str->s : "");
}

static void deprecate(struct kcl_vm *vm, const struct kcl_code *c, const struct kcl_args *args, struct kcl_frame *f)
{
	const struct kcl_decorator_code *d = &c->decorator;
	struct kcl_value strict = kcl_dict_get(args->keywords, "strict");
	bool is_used = !d->target || (f->instance && kcl_dict_find(f->instance->config, d->target));
	if (!is_used)
		return;
	const char *message = deprecation(vm, d, args);
	if (strict.kind == KCL_UNDEFINED || kcl_truth(strict)) {
		vm->error_place = f->instance ? f->instance->place : NULL;
		kcl_raise(vm->h, "%s", message);
	}
	struct kcl_span span = { .line = c->line, .column = c->column, .end_line = c->line, .end_column = c->column };
	kcl_diagnostic_add(vm->diagnostics, KCL_WARNING, "DeprecatedWarning", c->file, &span, "%s", message);
}

struct kcl_value kcl_run_decorator(struct kcl_vm *vm, const struct kcl_code *c, struct kcl_frame *f)
{
	for (; c; c = c->decorator.next) {
		struct kcl_args args = { .items = kcl_alloc_raw(vm->h,
			                                            c->decorator.args.positional.len * sizeof(struct kcl_value)) };
		vm->at = c;
		kcl_eval_args(vm, &c->decorator.args, f, &args);
		if (strcmp(c->decorator.name, "deprecated") == 0)
			deprecate(vm, c, &args, f);
		else if (strcmp(c->decorator.name, "info") != 0)
			kcl_raise(vm->h, "Unknown decorator %s", c->decorator.name);
	}
	return kcl_undefined();
}
