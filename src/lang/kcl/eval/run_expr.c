#include "eval/run.h"

#include "base/str.h"

/* ---- names and constants ---- */

struct kcl_value kcl_run_constant(struct kcl_vm *vm, const struct kcl_code *c, struct kcl_frame *f)
{
	(void)f;
	vm->at = c;
	return c->constant;
}

struct kcl_value kcl_run_local(struct kcl_vm *vm, const struct kcl_code *c, struct kcl_frame *f)
{
	vm->at = c;
	return f->locals[c->local.slot];
}

/* The local has no value from here on. */
struct kcl_value kcl_run_unset(struct kcl_vm *vm, const struct kcl_code *c, struct kcl_frame *f)
{
	(void)vm;
	f->locals[c->local.slot] = (struct kcl_value){ .kind = KCL_UNSET };
	return kcl_undefined();
}

struct kcl_value kcl_run_local_or(struct kcl_vm *vm, const struct kcl_code *c, struct kcl_frame *f)
{
	struct kcl_value v = f->locals[c->local.slot];
	return v.kind == KCL_UNSET ? kcl_run(vm, c->local.otherwise, f) : v;
}

struct kcl_value kcl_run_captured(struct kcl_vm *vm, const struct kcl_code *c, struct kcl_frame *f)
{
	vm->at = c;
	struct kcl_value v = f->captured[c->local.slot];
	return v.kind == KCL_UNSET ? kcl_undefined() : v;
}

struct kcl_value kcl_run_captured_or(struct kcl_vm *vm, const struct kcl_code *c, struct kcl_frame *f)
{
	struct kcl_value v = f->captured[c->local.slot];
	return v.kind == KCL_UNSET ? kcl_run(vm, c->local.otherwise, f) : v;
}

struct kcl_value kcl_run_global(struct kcl_vm *vm, const struct kcl_code *c, struct kcl_frame *f)
{
	(void)f;
	vm->at = c;
	return vm->cells[c->cell].done ? vm->cells[c->cell].value : kcl_read_global(vm, c->cell);
}

struct kcl_value kcl_run_attr(struct kcl_vm *vm, const struct kcl_code *c, struct kcl_frame *f)
{
	vm->at = c;
	uint32_t slot = f->instance ? f->owner->slots[c->attr.name] : UINT32_MAX;
	if (slot != UINT32_MAX)
		return kcl_read_attr(vm, f->instance, slot);
	if (f->instance && f->instance->extra) {
		struct kcl_pair *pair = kcl_dict_find(f->instance->extra, f->owner->schema->names[c->attr.name]);
		if (pair)
			return pair->value;
	}
	return kcl_run(vm, c->attr.otherwise, f);
}

struct kcl_value kcl_run_index_key(struct kcl_vm *vm, const struct kcl_code *c, struct kcl_frame *f)
{
	vm->at = c;
	return f->instance ? f->instance->key : kcl_undefined();
}

/* ---- attributes ---- */

/* Schema.instances(full_pkg=False): the instances made so far, those that other packages made only when asked for. */
static struct kcl_value list_instances(struct kcl_vm *vm, struct kcl_value self, const struct kcl_args *args)
{
	const struct kcl_schema_code *s = self.function->code;
	const struct kcl_list *made = vm->instances ? vm->instances[s->number] : NULL;
	struct kcl_value full = args->len ? args->items[0] : kcl_dict_get(args->keywords, "full_pkg");
	struct kcl_value list = kcl_list(vm->h, made ? made->len : 0);
	bool all = kcl_truth(full);
	kcl_steps(vm->h, list.list->cap);
	for (uint32_t i = 0; i < list.list->cap; i++) {
		const struct kcl_place *place = made->items[i].schema->place;
		if (all || kcl_is_main_file(vm->program, place ? place->file : NULL))
			kcl_list_push(vm->h, list.list, made->items[i]);
	}
	return list;
}

static struct kcl_value bind_method(struct kcl_vm *vm, enum kcl_function_kind kind, const char *name,
                                    kcl_builtin_fn call, struct kcl_value self)
{
	struct kcl_function *fn = kcl_alloc(vm->h, sizeof(*fn));
	*fn = (struct kcl_function){ .kind = kind, .name = name, .call = call, .self = self };
	return (struct kcl_value){ .kind = KCL_FUNCTION, .function = fn };
}

struct kcl_value kcl_load_attr(struct kcl_vm *vm, struct kcl_value v, const struct kcl_str *name)
{
	struct kcl_pair *pair;
	switch ((enum kcl_kind)v.kind) {
	case KCL_DICT:
		pair = kcl_dict_find(kcl_as_dict(v), name);
		return pair ? pair->value : kcl_undefined();
	case KCL_SCHEMA:
		pair = kcl_dict_find(&v.schema->attrs, name);
		if (!pair)
			kcl_raise(vm->h, "schema '%s' attribute '%s' not found", kcl_type_name(vm->h, v), name->s);
		return pair->value;
	case KCL_STR: {
		const struct kcl_builtin *method = kcl_str_method(name->s);
		if (!method)
			kcl_raise(vm->h, "str object attr '%s' not found", name->s);
		return bind_method(vm, KCL_FN_METHOD, method->name, method->call, v);
	}
	case KCL_FUNCTION:
		if (v.function->kind == KCL_FN_SCHEMA && strcmp(name->s, "instances") == 0)
			return bind_method(vm, KCL_FN_METHOD, "instances", list_instances, v);
		kcl_raise(vm->h, "schema object attr '%s' not found", name->s);
	default:
		kcl_raise(vm->h, "invalid value '%s' to load attribute '%s'", kcl_type_name(vm->h, v), name->s);
	}
}

struct kcl_value kcl_run_select(struct kcl_vm *vm, const struct kcl_code *c, struct kcl_frame *f)
{
	vm->at = c;
	struct kcl_value v = kcl_run(vm, c->select.object, f);
	if (c->select.is_optional && !kcl_truth(v))
		return kcl_none();
	return kcl_load_attr(vm, v, c->select.name);
}

struct kcl_value kcl_run_subscript(struct kcl_vm *vm, const struct kcl_code *c, struct kcl_frame *f)
{
	vm->at = c;
	struct kcl_value v = kcl_run(vm, c->subscript.object, f);
	struct kcl_value index = kcl_run(vm, c->subscript.index, f);
	return kcl_subscript(vm->h, v, index, c->subscript.is_optional);
}

static struct kcl_value run_bound(struct kcl_vm *vm, const struct kcl_code *c, struct kcl_frame *f)
{
	return c ? kcl_run(vm, c, f) : kcl_undefined();
}

struct kcl_value kcl_run_slice(struct kcl_vm *vm, const struct kcl_code *c, struct kcl_frame *f)
{
	vm->at = c;
	struct kcl_value v = kcl_run(vm, c->subscript.object, f);
	struct kcl_value lower = run_bound(vm, c->subscript.lower, f);
	struct kcl_value upper = run_bound(vm, c->subscript.upper, f);
	struct kcl_value step = run_bound(vm, c->subscript.step, f);
	if (c->subscript.is_optional && !kcl_truth(v))
		return kcl_none();
	return kcl_slice(vm->h, v, lower, upper, step);
}

/* ---- operators ---- */

struct kcl_value kcl_run_unary(struct kcl_vm *vm, const struct kcl_code *c, struct kcl_frame *f)
{
	vm->at = c;
	return kcl_unary(vm->h, (enum kcl_unary_op)c->binary.op, kcl_run(vm, c->binary.a, f));
}

struct kcl_value kcl_run_binary(struct kcl_vm *vm, const struct kcl_code *c, struct kcl_frame *f)
{
	vm->at = c;
	kcl_stack_check(vm->h);
	struct kcl_value a = kcl_run(vm, c->binary.a, f);
	struct kcl_value b = kcl_run(vm, c->binary.b, f);
	return kcl_binary(vm->h, (enum kcl_binary_op)c->binary.op, a, b);
}

struct kcl_value kcl_run_union(struct kcl_vm *vm, const struct kcl_code *c, struct kcl_frame *f)
{
	vm->at = c;
	kcl_stack_check(vm->h);
	struct kcl_value a = kcl_run(vm, c->binary.a, f);
	struct kcl_value b = kcl_run(vm, c->binary.b, f);
	return kcl_union(vm, a, b, &kcl_union_operator);
}

/* a += b: b is computed first. */
struct kcl_value kcl_run_augmented(struct kcl_vm *vm, const struct kcl_code *c, struct kcl_frame *f)
{
	vm->at = c;
	struct kcl_value b = kcl_run(vm, c->binary.b, f);
	struct kcl_value a = kcl_run(vm, c->binary.a, f);
	if (c->binary.op == KCL_OP_BITOR)
		return kcl_union(vm, a, b, &kcl_union_operator);
	return kcl_binary(vm->h, (enum kcl_binary_op)c->binary.op, a, b);
}

struct kcl_value kcl_run_and(struct kcl_vm *vm, const struct kcl_code *c, struct kcl_frame *f)
{
	vm->at = c;
	struct kcl_value a = kcl_run(vm, c->binary.a, f);
	return kcl_truth(a) ? kcl_run(vm, c->binary.b, f) : a;
}

struct kcl_value kcl_run_or(struct kcl_vm *vm, const struct kcl_code *c, struct kcl_frame *f)
{
	vm->at = c;
	struct kcl_value a = kcl_run(vm, c->binary.a, f);
	return kcl_truth(a) ? a : kcl_run(vm, c->binary.b, f);
}

struct kcl_value kcl_run_compare(struct kcl_vm *vm, const struct kcl_code *c, struct kcl_frame *f)
{
	vm->at = c;
	struct kcl_value a = kcl_run(vm, c->compare.first, f);
	for (uint32_t i = 0; i < c->compare.len; i++) {
		struct kcl_value b = kcl_run(vm, c->compare.operands[i], f);
		if (!kcl_compare(vm->h, c->compare.ops[i], a, b))
			return kcl_bool(false);
		a = b;
	}
	return kcl_bool(true);
}

struct kcl_value kcl_run_as(struct kcl_vm *vm, const struct kcl_code *c, struct kcl_frame *f)
{
	vm->at = c;
	return kcl_convert(vm, kcl_run(vm, c->as.operand, f), c->as.type, true);
}

struct kcl_value kcl_run_ternary(struct kcl_vm *vm, const struct kcl_code *c, struct kcl_frame *f)
{
	vm->at = c;
	bool holds = kcl_truth(kcl_run(vm, c->ternary.condition, f));
	return kcl_run(vm, holds ? c->ternary.then : c->ternary.otherwise, f);
}

/* ---- strings with values in them ---- */

#define PARTS_ON_STACK 16

struct kcl_value kcl_run_joined(struct kcl_vm *vm, const struct kcl_code *c, struct kcl_frame *f)
{
	const struct kcl_str *on_stack[PARTS_ON_STACK], **parts = on_stack;
	uint32_t n = c->joined.len;
	size_t len = 0;
	vm->at = c;
	if (n > PARTS_ON_STACK)
		parts = kcl_alloc_raw(vm->h, n * sizeof(*parts));
	for (uint32_t i = 0; i < n; i++) {
		const struct kcl_joined_code *part = &c->joined.parts[i];
		struct kcl_value v = part->code ? kcl_run(vm, part->code, f) : part->text;
		if (part->format)
			parts[i] = kcl_format_value(vm->h, v, part->format);
		else
			parts[i] = v.kind == KCL_STR ? v.str : kcl_to_str(vm->h, v);
		len += parts[i]->len;
	}
	struct kcl_str *joined = kcl_str_room(vm->h, len);
	size_t at = 0;
	for (uint32_t i = 0; i < n; i++) {
		memcpy(joined->s + at, parts[i]->s, parts[i]->len);
		at += parts[i]->len;
	}
	return kcl_str_value(joined);
}
