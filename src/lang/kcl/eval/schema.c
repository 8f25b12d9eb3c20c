#include "eval/run.h"

/* Making instances of schemas: the statements of the bases, of the schema and of its mixins run over one set of
 * attributes; then what the configuration has beyond them is looked at, required attributes, and the checks. */

const struct kcl_place *kcl_place_here(struct kcl_vm *vm)
{
	struct kcl_place *place = kcl_alloc_raw(vm->h, sizeof(*place));
	*place = (struct kcl_place){ .column = 1 };
	if (vm->at) {
		place->file = vm->at->file;
		place->line = vm->at->line;
	}
	return place;
}

bool kcl_is_main_file(const struct kcl_program *p, const char *file)
{
	for (uint32_t i = 0; i < p->packages.items[0].modules_len; i++) {
		if (p->packages.items[0].modules[i]->file == file)
			return true;
	}
	return false;
}

/* ---- configuration ---- */

/* Each entry to its attribute; the rest is left over. */
static void distribute_config(struct kcl_vm *vm, struct kcl_instance *inst, struct kcl_list *rest)
{
	const struct kcl_dict *config = inst->config;
	kcl_steps(vm->h, config->len);
	for (uint32_t i = 0; i < config->len; i++) {
		const struct kcl_pair *slot = kcl_dict_find(inst->layout->by_name, config->pairs[i].key);
		if (slot)
			inst->cells[slot->value.i].config = &config->pairs[i];
		else
			kcl_list_push(vm->h, rest, kcl_int(i));
	}
}

static void add_extra(struct kcl_vm *vm, struct kcl_instance *inst, const struct kcl_pair *entry,
                      const struct kcl_index_code *index)
{
	static const struct kcl_union_options plain = { 0 };
	struct kcl_value v = kcl_undefined();
	if (index->default_value) {
		struct kcl_frame f = { .instance = inst, .owner = inst->layout->self };
		f.locals = LOCALS_NEW(vm, f.owner->schema->unit.locals);
		kcl_unset_locals(f.locals, 0, f.owner->schema->unit.locals);
		v = kcl_run(vm, index->default_value, &f);
	}
	v = kcl_merge_value(vm, v, entry, &plain);
	if (index->value)
		v = kcl_convert(vm, v, index->value, false);
	kcl_dict_set(vm->h, inst->extra, entry->key, v)->op = entry->op;
}

static void add_extras(struct kcl_vm *vm, struct kcl_instance *inst, const struct kcl_list *rest)
{
	const struct kcl_index_code *index = inst->layout->index;
	const struct kcl_schema_code *self = inst->layout->self->schema;
	if (!rest->len)
		return;
	bool is_open = self->is_rule && !self->host;
	if (!index && !is_open)
		kcl_raise(vm->h, "No attribute named '%s' in the schema '%s'", inst->config->pairs[rest->items[0].i].key->s,
		          self->name);
	if (!inst->extra)
		inst->extra = kcl_dict(vm->h, rest->len).dict;
	for (uint32_t i = 0; i < rest->len; i++) {
		const struct kcl_pair *entry = &inst->config->pairs[rest->items[i].i];
		if (index)
			add_extra(vm, inst, entry, index);
		else
			kcl_dict_set(vm->h, inst->extra, entry->key, entry->value);
	}
}

/* ---- bodies ---- */

static void bind_owner(struct kcl_vm *vm, struct kcl_instance *inst, const struct kcl_owner *o,
                       const struct kcl_args *args)
{
	const struct kcl_unit_code *unit = &o->schema->unit;
	struct kcl_frame f = { .instance = inst, .owner = o };
	if (!unit->params_len)
		return;
	f.locals = LOCALS_NEW(vm, unit->locals);
	kcl_unset_locals(f.locals, 0, unit->locals);
	/* The arguments are the schema's; a base with other types for them takes them as they are. */
	kcl_bind_params(vm, unit, args, o == inst->layout->self, &f);
	inst->params[o->number] = kcl_alloc_raw(vm->h, unit->params_len * sizeof(*f.locals));
	if (unit->params_len > 0)
		memcpy(inst->params[o->number], f.locals, unit->params_len * sizeof(*f.locals));
}

static void enter_owner(struct kcl_instance *inst, const struct kcl_owner *o, struct kcl_frame *f)
{
	const struct kcl_unit_code *unit = &o->schema->unit;
	const struct kcl_value *params = inst->params[o->number];
	kcl_unset_locals(f->locals, 0, unit->locals);
	if (params)
		memcpy(f->locals, params, unit->params_len * sizeof(*params));
	f->instance = inst;
	f->owner = o;
}

static void run_owner(struct kcl_vm *vm, struct kcl_instance *inst, const struct kcl_owner *o)
{
	struct kcl_frame f = { .locals = LOCALS_NEW(vm, o->schema->unit.locals) };
	enter_owner(inst, o, &f);
	if (o != inst->layout->self)
		kcl_record_call(vm, o->schema->name);
	kcl_run_body(vm, &o->schema->body, &f);
	kcl_run_body(vm, &o->schema->decorators, &f);
	if (o != inst->layout->self)
		kcl_record_return(vm);
}

/* ---- checks ---- */

_Noreturn static void check_failed(struct kcl_vm *vm, const struct kcl_instance *inst, struct kcl_value message)
{
	vm->check_place = inst->place;
	kcl_raise(vm->h, "%s", message.kind == KCL_STR ? message.str->s : "");
}

static void check_owner(struct kcl_vm *vm, struct kcl_instance *inst, const struct kcl_owner *o)
{
	if (!o->schema->checks_len)
		return;
	struct kcl_frame f = { .locals = LOCALS_NEW(vm, o->schema->unit.locals) };
	enter_owner(inst, o, &f);
	for (uint32_t i = 0; i < o->schema->checks_len; i++) {
		const struct kcl_check_code *check = &o->schema->checks[i];
		kcl_steps(vm->h, 1);
		if (check->condition && !kcl_truth(kcl_run(vm, check->condition, &f)))
			continue;
		bool holds = kcl_truth(kcl_run(vm, check->test, &f));
		struct kcl_value message = check->message ? kcl_run(vm, check->message, &f) : kcl_undefined();
		if (!holds)
			check_failed(vm, inst, message);
	}
}

static void run_checks(struct kcl_vm *vm, struct kcl_instance *inst)
{
	if (vm->options->disable_schema_check)
		return;
	for (uint32_t i = 0; i < inst->layout->owners_len; i++)
		check_owner(vm, inst, &inst->layout->owners[i]);
}

/* Schemas with a named index signature are checked once for each of the keys that it stands for. */
static void check_each_key(struct kcl_vm *vm, struct kcl_instance *inst, const struct kcl_list *rest)
{
	for (uint32_t i = 0; i < rest->len; i++) {
		struct kcl_list one = { .items = &rest->items[i], .len = 1 };
		inst->key = kcl_str_value(inst->config->pairs[rest->items[i].i].key);
		add_extras(vm, inst, &one);
		run_checks(vm, inst);
	}
	inst->key = kcl_undefined();
}

_Noreturn static void attr_missing(struct kcl_vm *vm, const struct kcl_schema_value *s, const struct kcl_str *name)
{
	vm->error_place = s->place;
	kcl_raise(vm->h, "attribute '%s' of %s is required and can't be None or Undefined", name->s, s->code->name);
}

static void require_attrs(struct kcl_vm *vm, struct kcl_value v)
{
	kcl_stack_check(vm->h);
	if (v.kind == KCL_LIST) {
		kcl_steps(vm->h, v.list->len);
		for (uint32_t i = 0; i < v.list->len; i++)
			require_attrs(vm, v.list->items[i]);
		return;
	}
	if (!kcl_has_pairs(v) || kcl_is_deferred(v)) /* what comes from outside holds no instances */
		return;
	const struct kcl_dict *dict = kcl_as_dict(v);
	if (v.kind == KCL_SCHEMA) {
		const struct kcl_layout *l = v.schema->code->layout;
		for (uint32_t i = 0; i < l->slots_len && i < dict->len; i++) {
			if (l->slots[i].is_attr && !l->slots[i].is_optional && dict->pairs[i].value.kind <= KCL_NONE)
				attr_missing(vm, v.schema, l->slots[i].name);
		}
	}
	kcl_steps(vm->h, dict->len);
	for (uint32_t i = 0; i < dict->len; i++)
		require_attrs(vm, dict->pairs[i].value);
}

/* ---- instances ---- */

/* Attributes keep the operator that they were configured with, or that of their default value, which is `=`: a union
 * with the instance goes by it. */
static void fill_attrs(struct kcl_vm *vm, const struct kcl_instance *inst, struct kcl_dict *attrs)
{
	uint32_t extras = inst->extra ? inst->extra->len : 0;
	for (uint32_t i = 0; i < inst->layout->slots_len; i++) {
		const struct kcl_cell *cell = &inst->cells[i];
		struct kcl_pair *pair = kcl_dict_append(vm->h, attrs, inst->layout->slots[i].name, cell->value);
		if (cell->config) {
			pair->op = cell->config->op;
			pair->insert_index = cell->config->insert_index;
		} else if (cell->value.kind != KCL_UNDEFINED) {
			pair->op = KCL_ENTRY_OVERRIDE;
		}
	}
	for (uint32_t i = 0; i < extras; i++)
		kcl_dict_append(vm->h, attrs, inst->extra->pairs[i].key, inst->extra->pairs[i].value)->op =
			inst->extra->pairs[i].op;
}

static void record(struct kcl_vm *vm, const struct kcl_layout *layout, struct kcl_value v)
{
	if (!vm->instances)
		vm->instances = kcl_alloc(vm->h, vm->program->schemas * sizeof(*vm->instances));
	for (uint32_t i = 0; i < layout->owners_len; i++) {
		struct kcl_list **list = &vm->instances[layout->owners[i].schema->number];
		if (!*list)
			*list = kcl_list(vm->h, 0).list;
		if (!(*list)->len || (*list)->items[(*list)->len - 1].schema != v.schema)
			kcl_list_push(vm->h, *list, v);
	}
}

static struct kcl_value make_value(struct kcl_vm *vm, const struct kcl_schema_code *s, const struct kcl_instance *inst)
{
	struct kcl_schema_value *made = kcl_alloc(vm->h, sizeof(*made));
	const struct kcl_schema_code *schema = s->is_rule ? s->host : s;
	uint32_t room = inst->layout->slots_len + (inst->extra ? inst->extra->len : 0);
	made->attrs = *kcl_dict(vm->h, room).dict;
	made->type = schema->type;
	made->config = inst->config;
	made->args = inst->args;
	made->kwargs = inst->kwargs;
	made->code = schema;
	made->place = inst->place;
	fill_attrs(vm, inst, &made->attrs);
	return (struct kcl_value){ .kind = KCL_SCHEMA, .schema = made };
}

static struct kcl_value finish(struct kcl_vm *vm, const struct kcl_schema_code *s, struct kcl_instance *inst,
                               const struct kcl_list *rest)
{
	const struct kcl_index_code *index = inst->layout->index;
	bool is_keyed = index && index->key_name;
	if (is_keyed)
		check_each_key(vm, inst, rest);
	else
		add_extras(vm, inst, rest);
	if (s->is_rule && !s->host) {
		run_checks(vm, inst);
		return kcl_dict(vm->h, 0);
	}
	struct kcl_value v = make_value(vm, s, inst);
	record(vm, inst->layout, v);
	/* An instance inside of another one is looked at when the outer one is complete. */
	if (vm->schemas <= 1 && vm->schema_exprs <= 1)
		require_attrs(vm, v);
	if (!is_keyed)
		run_checks(vm, inst);
	return v;
}

struct kcl_value kcl_instantiate(struct kcl_vm *vm, const struct kcl_schema_code *s, const struct kcl_dict *config,
                                 const struct kcl_args *args, const struct kcl_place *place)
{
	const struct kcl_layout *layout = s->layout;
	struct kcl_list rest = { 0 };
	struct kcl_instance *inst = kcl_alloc(vm->h, sizeof(*inst));
	kcl_stack_check(vm->h);
	kcl_steps(vm->h, 1 + layout->slots_len);
	if (++vm->depth > vm->depth_max)
		kcl_raise(vm->h, "stack overflow: more than %u nested calls", vm->depth_max);
	inst->layout = layout;
	inst->cells = kcl_alloc(vm->h, layout->slots_len * sizeof(*inst->cells));
	inst->params = kcl_alloc(vm->h, layout->owners_len * sizeof(*inst->params));
	inst->config = config;
	inst->place = place;
	if (args->len) {
		inst->args = *kcl_list(vm->h, args->len).list;
		kcl_list_extend(vm->h, &inst->args,
		                &(struct kcl_list){ .items = (struct kcl_value *)args->items, .len = args->len });
	}
	inst->kwargs = (struct kcl_dict *)args->keywords;
	vm->schemas++;
	kcl_record_call(vm, s->name);
	distribute_config(vm, inst, &rest);
	for (uint32_t i = 0; i < layout->owners_len; i++)
		bind_owner(vm, inst, &layout->owners[i], args);
	for (uint32_t i = 0; i < layout->owners_len; i++)
		run_owner(vm, inst, &layout->owners[i]);
	struct kcl_value v = finish(vm, s, inst, &rest);
	kcl_record_return(vm);
	vm->schemas--;
	vm->depth--;
	return v;
}

struct kcl_value kcl_vm_reconfigure(struct kcl_vm *vm, const struct kcl_schema_value *s, const struct kcl_dict *config)
{
	struct kcl_args args = { .items = s->args.items, .len = s->args.len, .keywords = s->kwargs };
	return kcl_instantiate(vm, s->code, config, &args, kcl_place_here(vm));
}
