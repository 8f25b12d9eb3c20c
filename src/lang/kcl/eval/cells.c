#include "eval/run.h"

/* Globals and attributes on demand: see code.h. */

/* ---- setters that run ---- */

static void begin(struct kcl_vm *vm, struct kcl_resolving *r, struct kcl_cell *cell, uint32_t hidden)
{
	*r = (struct kcl_resolving){ .outer = vm->resolving, .cell = cell, .hidden = cell->hidden };
	vm->resolving = r;
	cell->hidden = hidden;
}

static void end(struct kcl_vm *vm, struct kcl_resolving *r)
{
	r->cell->hidden = r->hidden;
	vm->resolving = r->outer;
}

void kcl_unwind_cells(struct kcl_vm *vm, struct kcl_resolving *until)
{
	while (vm->resolving != until)
		end(vm, vm->resolving);
}

static bool guards_hold(struct kcl_vm *vm, const struct kcl_setter *setter, struct kcl_frame *f)
{
	for (uint32_t i = 0; i < setter->guards_len; i++) {
		if (kcl_truth(kcl_run(vm, setter->guards[i].condition, f)) != setter->guards[i].expected)
			return false;
	}
	return true;
}

/* Runs one setter out of its order, unless an `if` around it says no. */
static bool run_setter(struct kcl_vm *vm, const struct kcl_setter *setter, struct kcl_cell *cell,
                       const struct kcl_slot_code *slot, struct kcl_frame *f)
{
	const struct kcl_unit_code *unit = setter->unit;
	const struct kcl_value *params = f->locals;
	f->locals = LOCALS_NEW(vm, unit->locals);
	if (params)
		memcpy(f->locals, params, unit->params_len * sizeof(*params));
	kcl_unset_locals(f->locals, params ? unit->params_len : 0, unit->locals);
	if (!guards_hold(vm, setter, f))
		return false;
	cell->value = kcl_apply_setter(vm, setter->leaf, cell, slot, f);
	return true;
}

/* ---- reading ---- */

struct kcl_value kcl_read_global(struct kcl_vm *vm, uint32_t number)
{
	struct kcl_cell *cell = &vm->cells[number];
	const struct kcl_global_code *g = vm->program->globals[number];
	if (cell->done)
		return cell->value;
	kcl_stack_check(vm->h);
	const struct kcl_code *at = vm->at;
	for (uint32_t i = g->setters_len - cell->hidden; i > cell->passed;) {
		struct kcl_frame f = { 0 };
		struct kcl_resolving r;
		i--;
		begin(vm, &r, cell, g->setters_len - i);
		bool applied = run_setter(vm, g->setters[i], cell, NULL, &f);
		end(vm, &r);
		if (applied)
			break;
	}
	cell->done = cell->hidden == 0;
	vm->at = at;
	return cell->value;
}

struct kcl_value kcl_read_attr(struct kcl_vm *vm, struct kcl_instance *inst, uint32_t number)
{
	struct kcl_cell *cell = &inst->cells[number];
	const struct kcl_slot_code *slot = &inst->layout->slots[number];
	if (cell->done)
		return cell->value;
	kcl_stack_check(vm->h);
	const struct kcl_code *at = vm->at;
	for (uint32_t i = slot->setters_len - cell->hidden; i > cell->passed;) {
		const struct kcl_owned_setter *owned = &slot->setters[--i];
		struct kcl_frame f = { .instance = inst, .owner = owned->owner, .locals = inst->params[owned->owner->number] };
		struct kcl_resolving r;
		begin(vm, &r, cell, slot->setters_len - i);
		bool applied = run_setter(vm, owned->setter, cell, slot, &f);
		end(vm, &r);
		if (applied)
			break;
	}
	cell->done = cell->hidden == 0;
	vm->at = at;
	return cell->value;
}

/* ---- the statement in its order ---- */

/* A statement that ran early, for someone who read its cell, runs in its order too: the cell has its value, but what
 * print() wrote and the instances that were made are there twice. */
static void run_again(struct kcl_vm *vm, const struct kcl_code *c, const struct kcl_cell *cell,
                      const struct kcl_slot_code *slot, struct kcl_frame *f)
{
	struct kcl_cell scratch = *cell;
	if (c->assign.value)
		kcl_apply_setter(vm, c, &scratch, slot, f);
}

struct kcl_value kcl_run_assign_cell(struct kcl_vm *vm, const struct kcl_code *c, struct kcl_frame *f)
{
	const struct kcl_assign_code *a = &c->assign;
	const struct kcl_slot_code *slot = NULL;
	struct kcl_cell *cell;
	uint32_t ordinal = a->setter, setters;
	if (a->target == KCL_TARGET_GLOBAL) {
		cell = &vm->cells[a->slot];
		setters = vm->program->globals[a->slot]->setters_len;
	} else {
		uint32_t number = f->owner->slots[a->slot];
		slot = &f->instance->layout->slots[number];
		cell = &f->instance->cells[number];
		ordinal = f->owner->ordinals[a->setter];
		setters = slot->setters_len;
	}
	vm->at = c;
	if (cell->done) {
		if (vm->program->is_observed)
			run_again(vm, c, cell, slot, f);
		return cell->value;
	}
	struct kcl_resolving r;
	begin(vm, &r, cell, setters - ordinal);
	struct kcl_value v = kcl_apply_setter(vm, c, cell, slot, f);
	end(vm, &r);
	cell->value = v;
	cell->passed = ordinal + 1;
	cell->done = cell->passed >= setters;
	return v;
}
