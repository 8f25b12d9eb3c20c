#include "eval/run.h"

/* Values of an attribute are merged with its configuration without the check for contradictions: what is configured
 * wins. */
static const struct kcl_union_options configuring = { .config_resolve = true };

/* ---- parts of values ---- */

static struct kcl_value store(struct kcl_vm *vm, struct kcl_value base, const struct kcl_step_code *steps, uint32_t len,
                              struct kcl_value v, struct kcl_frame *f);

/* An instance of a schema is run again with the attribute as part of its configuration. One that was made with
 * arguments keeps what else it has, as they are out of reach. */
static struct kcl_value set_schema_attr(struct kcl_vm *vm, struct kcl_value base, const struct kcl_str *name,
                                        struct kcl_value v)
{
	struct kcl_schema_value *changed = kcl_copy(vm->h, base).schema;
	bool existed = kcl_dict_find(&changed->attrs, name) != NULL;
	kcl_dict_set(vm->h, &changed->attrs, name, v);
	if (!vm->schemas && changed->args.len && existed)
		return (struct kcl_value){ .kind = KCL_SCHEMA, .schema = changed };
	struct kcl_dict *config = kcl_dict(vm->h, changed->config->len + 1).dict;
	for (uint32_t i = 0; i < changed->config->len; i++) {
		struct kcl_pair *pair = kcl_dict_find(&changed->attrs, changed->config->pairs[i].key);
		if (pair)
			kcl_dict_set(vm->h, config, pair->key, pair->value)->op = KCL_ENTRY_OVERRIDE;
	}
	kcl_dict_set(vm->h, config, name, v)->op = KCL_ENTRY_OVERRIDE;
	return kcl_vm_reconfigure(vm, changed, config);
}

static struct kcl_value store_member(struct kcl_vm *vm, struct kcl_value base, const struct kcl_str *name,
                                     const struct kcl_step_code *rest, uint32_t rest_len, struct kcl_value v,
                                     struct kcl_frame *f)
{
	struct kcl_dict *dict = kcl_as_dict(base);
	if (rest_len) {
		struct kcl_value inner = kcl_load_attr(vm, base, name);
		dict = kcl_as_dict(base);
		v = store(vm, inner, rest, rest_len, v, f);
	}
	if (!dict)
		kcl_raise(vm->h,
		          "failed to update the dict. An iterable of key-value pairs was expected, but got %s. Check if the "
		          "syntax for updating the dictionary with the attribute '%s' is correct",
		          base.kind == KCL_UNDEFINED ? "UndefinedType" : kcl_type_name(vm->h, base), name->s);
	if (base.kind == KCL_SCHEMA)
		return set_schema_attr(vm, base, name, v);
	struct kcl_value changed = kcl_copy(vm->h, base);
	kcl_dict_set(vm->h, changed.dict, name, v);
	return changed;
}

static struct kcl_value store_item(struct kcl_vm *vm, struct kcl_value base, int64_t at,
                                   const struct kcl_step_code *rest, uint32_t rest_len, struct kcl_value v,
                                   struct kcl_frame *f)
{
	int64_t len = base.list->len;
	int64_t place = at < 0 ? at + len : at;
	if (place < 0 || (place >= len && !rest_len))
		kcl_raise(vm->h, "index out of bounds: the len is %lld but the index is %lld", (long long)len, (long long)at);
	if (place >= len)
		kcl_raise(vm->h, "list index out of range: %lld", (long long)at);
	if (rest_len)
		v = store(vm, base.list->items[place], rest, rest_len, v, f);
	struct kcl_value changed = kcl_copy(vm->h, base);
	changed.list->items[place] = v;
	return changed;
}

static struct kcl_value store(struct kcl_vm *vm, struct kcl_value base, const struct kcl_step_code *steps, uint32_t len,
                              struct kcl_value v, struct kcl_frame *f)
{
	kcl_stack_check(vm->h);
	if (!len)
		return v;
	if (steps->member)
		return store_member(vm, base, steps->member, steps + 1, len - 1, v, f);
	struct kcl_value index = kcl_run(vm, steps->index, f);
	if (base.kind == KCL_LIST && index.kind == KCL_INT)
		return store_item(vm, base, index.i, steps + 1, len - 1, v, f);
	if (kcl_as_dict(base) && index.kind == KCL_STR)
		return store_member(vm, base, index.str, steps + 1, len - 1, v, f);
	kcl_raise(vm->h, "'%s' object is not subscriptable with '%s'", kcl_type_name(vm->h, base),
	          kcl_type_name(vm->h, index));
}

/* ---- locals ---- */

struct kcl_value kcl_run_assign_local(struct kcl_vm *vm, const struct kcl_code *c, struct kcl_frame *f)
{
	const struct kcl_assign_code *a = &c->assign;
	vm->at = c;
	kcl_steps(vm->h, 1);
	struct kcl_value v = kcl_run(vm, a->value, f);
	if (a->type)
		v = kcl_convert(vm, v, a->type, false);
	if (a->patch >= 0 && v.kind == KCL_FUNCTION)
		((struct kcl_closure *)v.function->closure)->captured[a->patch] = v;
	struct kcl_value stored = v;
	if (a->steps_len) {
		struct kcl_value base = f->locals[a->slot];
		stored = store(vm, base.kind == KCL_UNSET ? kcl_undefined() : base, a->steps, a->steps_len, v, f);
	}
	f->locals[a->slot] = stored;
	return v;
}

/* ---- cells ---- */

static struct kcl_value prior(struct kcl_vm *vm, const struct kcl_assign_code *a, struct kcl_frame *f)
{
	if (a->target == KCL_TARGET_GLOBAL)
		return kcl_read_global(vm, a->slot);
	return kcl_read_attr(vm, f->instance, f->owner->slots[a->slot]);
}

static struct kcl_value configure(struct kcl_vm *vm, struct kcl_value v, const struct kcl_pair *config,
                                  const struct kcl_type *type)
{
	if (config)
		v = kcl_merge_value(vm, v, config, &configuring);
	return type ? kcl_convert(vm, v, type, false) : v;
}

/* Whether the configured value stands whatever the default is. */
static bool is_final(const struct kcl_pair *config)
{
	if (!config || config->insert_index != KCL_NO_INDEX)
		return false;
	return config->op == KCL_ENTRY_OVERRIDE ||
	       (config->op == KCL_ENTRY_UNION && config->value.kind >= KCL_BOOL && config->value.kind <= KCL_STR);
}

static struct kcl_value declare_attr(struct kcl_vm *vm, const struct kcl_code *c, const struct kcl_pair *config,
                                     struct kcl_frame *f)
{
	const struct kcl_assign_code *a = &c->assign;
	if (a->decorators)
		kcl_run(vm, a->decorators, f);
	if (is_final(config))
		return configure(vm, kcl_undefined(), config, a->type);
	if (!a->value)
		return configure(vm, prior(vm, a, f), config, config ? a->type : NULL);
	struct kcl_value v = kcl_run(vm, a->value, f);
	if (a->is_union)
		v = kcl_union(vm, prior(vm, a, f), v, &kcl_union_operator);
	if (a->type)
		v = kcl_convert(vm, v, a->type, false);
	return config ? configure(vm, v, config, a->type) : v;
}

struct kcl_value kcl_apply_setter(struct kcl_vm *vm, const struct kcl_code *c, struct kcl_cell *cell,
                                  const struct kcl_slot_code *slot, struct kcl_frame *f)
{
	const struct kcl_assign_code *a = &c->assign;
	vm->at = c;
	kcl_steps(vm->h, 1);
	if (a->is_attr)
		return declare_attr(vm, c, cell->config, f);
	struct kcl_value v = kcl_run(vm, a->value, f);
	if (a->type)
		v = kcl_convert(vm, v, a->type, false);
	if (a->steps_len)
		v = store(vm, prior(vm, a, f), a->steps, a->steps_len, v, f);
	return slot ? configure(vm, v, cell->config, slot->type) : v;
}
