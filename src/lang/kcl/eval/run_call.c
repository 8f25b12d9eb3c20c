#include "eval/run.h"

/* Few arguments are kept on the C stack. */
#define ARGS_ON_STACK 16

void kcl_eval_args(struct kcl_vm *vm, const struct kcl_args_code *code, struct kcl_frame *f, struct kcl_args *ret)
{
	struct kcl_value *items = (struct kcl_value *)ret->items;
	for (uint32_t i = 0; i < code->positional.len; i++)
		items[i] = kcl_run(vm, code->positional.items[i], f);
	ret->len = code->positional.len;
	ret->keywords = NULL;
	if (!code->keywords_len)
		return;
	struct kcl_dict *keywords = kcl_dict(vm->h, code->keywords_len).dict;
	for (uint32_t i = 0; i < code->keywords_len; i++)
		kcl_dict_set(vm->h, keywords, code->keywords[i].name, kcl_run(vm, code->keywords[i].value, f));
	ret->keywords = keywords;
}

void kcl_bind_params(struct kcl_vm *vm, const struct kcl_unit_code *unit, const struct kcl_args *args, bool check_types,
                     struct kcl_frame *f)
{
	for (uint32_t i = 0; i < unit->params_len; i++) {
		const struct kcl_param_code *param = &unit->params[i];
		const struct kcl_pair *keyword = args->keywords ? kcl_dict_find(args->keywords, param->name) : NULL;
		struct kcl_value v = kcl_none();
		if (keyword)
			v = keyword->value;
		else if (i < args->len)
			v = args->items[i];
		else if (param->default_value)
			v = kcl_run(vm, param->default_value, f);
		f->locals[i] = check_types && param->type ? kcl_convert(vm, v, param->type, false) : v;
	}
}

/* ---- lambdas ---- */

struct kcl_value kcl_run_lambda(struct kcl_vm *vm, const struct kcl_code *c, struct kcl_frame *f)
{
	const struct kcl_lambda_code *lambda = c->lambda;
	vm->at = c;
	struct kcl_closure *closure = kcl_alloc_raw(vm->h,
	                                            sizeof(*closure) + lambda->captures_len * sizeof(closure->captured[0]));
	closure->instance = f->instance;
	closure->owner = f->owner;
	for (uint32_t i = 0; i < lambda->captures_len; i++) {
		const struct kcl_capture *capture = &lambda->captures[i];
		closure->captured[i] = capture->from_local ? f->locals[capture->slot] : f->captured[capture->slot];
	}
	struct kcl_function *fn = kcl_alloc(vm->h, sizeof(*fn));
	*fn = (struct kcl_function){ .kind = KCL_FN_LAMBDA, .name = "lambda", .code = lambda, .closure = closure };
	return (struct kcl_value){ .kind = KCL_FUNCTION, .function = fn };
}

static struct kcl_value call_lambda(struct kcl_vm *vm, const struct kcl_function *fn, const struct kcl_args *args)
{
	const struct kcl_lambda_code *lambda = fn->code;
	const struct kcl_closure *closure = fn->closure;
	struct kcl_frame f = { .captured = closure->captured, .instance = closure->instance, .owner = closure->owner };
	f.locals = LOCALS_NEW(vm, lambda->unit.locals);
	kcl_unset_locals(f.locals, 0, lambda->unit.locals);
	/* A lambda of a schema runs as a part of it. */
	vm->schemas += closure->instance != NULL;
	kcl_bind_params(vm, &lambda->unit, args, true, &f);
	struct kcl_value v = kcl_run_body(vm, &lambda->body, &f);
	vm->schemas -= closure->instance != NULL;
	return lambda->result ? kcl_convert(vm, v, lambda->result, false) : v;
}

/* ---- calls ---- */

struct kcl_value kcl_call(struct kcl_vm *vm, struct kcl_value callee, const struct kcl_args *args)
{
	struct kcl_value v = kcl_undefined();
	if (callee.kind != KCL_FUNCTION)
		return v;
	const struct kcl_function *fn = callee.function;
	kcl_stack_check(vm->h);
	kcl_steps(vm->h, 1);
	if (++vm->depth > vm->depth_max)
		kcl_raise(vm->h, "stack overflow: more than %u nested calls", vm->depth_max);
	switch (fn->kind) {
	case KCL_FN_LAMBDA:
		kcl_record_call(vm, fn->name);
		v = call_lambda(vm, fn, args);
		kcl_record_return(vm);
		break;
	case KCL_FN_BUILTIN:
	case KCL_FN_METHOD:
		v = fn->call(vm, fn->self, args);
		break;
	case KCL_FN_SCHEMA:
	case KCL_FN_RULE:
		v = kcl_instantiate(vm, fn->code, kcl_dict(vm->h, 0).dict, args, kcl_place_here(vm));
		break;
	}
	vm->depth--;
	return v;
}

struct kcl_value kcl_run_call(struct kcl_vm *vm, const struct kcl_code *c, struct kcl_frame *f)
{
	struct kcl_value on_stack[ARGS_ON_STACK];
	struct kcl_args args = { .items = on_stack };
	vm->at = c;
	kcl_stack_check(vm->h);
	struct kcl_value callee = kcl_run(vm, c->call.callee, f);
	if (c->call.args.positional.len > ARGS_ON_STACK)
		args.items = kcl_alloc_raw(vm->h, c->call.args.positional.len * sizeof(*args.items));
	kcl_eval_args(vm, &c->call.args, f, &args);
	return kcl_call(vm, callee, &args);
}

/* Name(args) {config}: an instance of a schema; or, when the name has a value, the value merged with the config. */
struct kcl_value kcl_run_schema(struct kcl_vm *vm, const struct kcl_code *c, struct kcl_frame *f)
{
	struct kcl_value on_stack[ARGS_ON_STACK];
	struct kcl_args args = { .items = on_stack };
	vm->at = c;
	kcl_stack_check(vm->h);
	vm->schema_exprs++;
	struct kcl_value config = kcl_run(vm, c->schema.config, f);
	struct kcl_value callee = kcl_run(vm, c->schema.callee, f);
	if (c->schema.args.positional.len > ARGS_ON_STACK)
		args.items = kcl_alloc_raw(vm->h, c->schema.args.positional.len * sizeof(*args.items));
	kcl_eval_args(vm, &c->schema.args, f, &args);
	struct kcl_value v;
	if (callee.kind == KCL_FUNCTION && callee.function->kind >= KCL_FN_SCHEMA)
		v = kcl_instantiate(vm, callee.function->code, config.dict, &args, &c->schema.place);
	else if (callee.kind == KCL_FUNCTION)
		v = kcl_undefined();
	else
		v = kcl_union(vm, callee, config, &kcl_union_operator);
	vm->schema_exprs--;
	return v;
}
