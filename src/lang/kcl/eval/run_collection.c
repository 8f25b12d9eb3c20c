#include "eval/run.h"

#include "base/str.h"

static const struct kcl_union_options building = { .idempotent_check = true };

/* ---- lists ---- */

static void add_item(struct kcl_vm *vm, struct kcl_list *list, const struct kcl_code *item, struct kcl_frame *f);

static void append_unpacked(struct kcl_vm *vm, struct kcl_list *list, struct kcl_value v)
{
	struct kcl_dict *dict = kcl_as_dict(v);
	if (v.kind == KCL_LIST) {
		kcl_list_extend(vm->h, list, v.list);
	} else if (dict) {
		for (uint32_t i = 0; i < dict->len; i++)
			kcl_list_push(vm->h, list, kcl_str_value(dict->pairs[i].key));
	} else if (v.kind != KCL_NONE && v.kind != KCL_UNDEFINED) {
		kcl_raise(vm->h, "only list, dict and schema object can be used with unpack operators * and **, got %s",
		          kcl_to_str(vm->h, v)->s);
	}
}

static void add_branch(struct kcl_vm *vm, struct kcl_list *list, const struct kcl_code *c, struct kcl_frame *f)
{
	for (;;) {
		vm->at = c;
		if (kcl_truth(kcl_run(vm, c->list_if.condition, f))) {
			for (uint32_t i = 0; i < c->list_if.items.len; i++)
				add_item(vm, list, c->list_if.items.items[i], f);
			return;
		}
		const struct kcl_code *otherwise = c->list_if.otherwise;
		if (!otherwise)
			return;
		if (otherwise->run != kcl_run_list_if) {
			append_unpacked(vm, list, kcl_run(vm, otherwise, f));
			return;
		}
		c = otherwise;
	}
}

static void add_item(struct kcl_vm *vm, struct kcl_list *list, const struct kcl_code *item, struct kcl_frame *f)
{
	if (item->run == kcl_run_list_if)
		add_branch(vm, list, item, f);
	else if (item->run == kcl_run_starred)
		append_unpacked(vm, list, kcl_run(vm, item, f));
	else
		kcl_list_push(vm->h, list, kcl_run(vm, item, f));
}

struct kcl_value kcl_run_list(struct kcl_vm *vm, const struct kcl_code *c, struct kcl_frame *f)
{
	vm->at = c;
	kcl_stack_check(vm->h);
	kcl_steps(vm->h, 1);
	struct kcl_value list = kcl_list(vm->h, c->list.len);
	for (uint32_t i = 0; i < c->list.len; i++)
		add_item(vm, list.list, c->list.items[i], f);
	return list;
}

struct kcl_value kcl_run_list_if(struct kcl_vm *vm, const struct kcl_code *c, struct kcl_frame *f)
{
	struct kcl_value list = kcl_list(vm->h, 0);
	add_branch(vm, list.list, c, f);
	return list;
}

struct kcl_value kcl_run_starred(struct kcl_vm *vm, const struct kcl_code *c, struct kcl_frame *f)
{
	vm->at = c;
	return kcl_run(vm, c->binary.a, f);
}

/* ---- iteration ---- */

struct iterator {
	struct kcl_value host;
	const struct kcl_dict *dict;
	uint32_t at;     /* item */
	uint32_t offset; /* of a string, in bytes */
};

static void iterate(struct kcl_vm *vm, struct kcl_value host, struct iterator *it)
{
	*it = (struct iterator){ .host = host, .dict = kcl_as_dict(host) };
	if (host.kind != KCL_STR && host.kind != KCL_LIST && !it->dict)
		kcl_raise(vm->h, "'%s' object is not iterable", kcl_type_name(vm->h, host));
}

/* The next item into the targets of a clause: the item alone (the key of a dict), or its index or key with it. The item
 * as one target would have it; false at the end. */
static bool next(struct kcl_vm *vm, struct iterator *it, const struct kcl_clause_code *clause, struct kcl_frame *f)
{
	struct kcl_value key, value, item;
	if (it->dict) {
		if (it->at >= it->dict->len)
			return false;
		key = item = kcl_str_value(it->dict->pairs[it->at].key);
		value = it->dict->pairs[it->at].value;
	} else if (it->host.kind == KCL_LIST) {
		if (it->at >= it->host.list->len)
			return false;
		key = kcl_int(it->at);
		value = item = it->host.list->items[it->at];
	} else {
		const struct kcl_str *s = it->host.str;
		uint32_t code;
		if (it->offset >= s->len)
			return false;
		size_t n = utf8_next(s->s + it->offset, s->len - it->offset, &code);
		key = kcl_int(it->at);
		value = item = kcl_str(vm->h, s->s + it->offset, n ? n : 1);
		it->offset += (uint32_t)(n ? n : 1);
	}
	it->at++;
	kcl_steps(vm->h, 1);
	if (clause->slots_len == 1) {
		f->locals[clause->slots[0]] = item;
	} else {
		f->locals[clause->slots[0]] = key;
		f->locals[clause->slots[1]] = value;
	}
	return true;
}

static bool conditions_hold(struct kcl_vm *vm, const struct kcl_clause_code *clause, struct kcl_frame *f)
{
	bool hold = true;
	for (uint32_t i = 0; i < clause->conditions.len; i++)
		hold = kcl_truth(kcl_run(vm, clause->conditions.items[i], f)) && hold;
	return hold;
}

/* ---- comprehensions ---- */

/* A key that is no string is an empty one, as upstream has it. */
static const struct kcl_str *key_text(struct kcl_vm *vm, struct kcl_value key)
{
	return key.kind == KCL_STR ? key.str : kcl_strz(vm->h, "").str;
}

static void comprehend(struct kcl_vm *vm, const struct kcl_code *c, uint32_t depth, struct kcl_value result,
                       struct kcl_frame *f)
{
	const struct kcl_clause_code *clause = &c->comp.clauses[depth];
	struct iterator it;
	kcl_stack_check(vm->h);
	iterate(vm, kcl_run(vm, clause->iterable, f), &it);
	while (next(vm, &it, clause, f)) {
		if (!conditions_hold(vm, clause, f))
			continue;
		if (depth + 1 < c->comp.len) {
			comprehend(vm, c, depth + 1, result, f);
		} else if (c->comp.element) {
			kcl_list_push(vm->h, result.list, kcl_run(vm, c->comp.element, f));
		} else {
			const struct kcl_entry_code *entry = c->comp.entry;
			struct kcl_pair pair = { .op = (uint8_t)entry->op, .insert_index = KCL_NO_INDEX };
			pair.value = kcl_run(vm, entry->value, f);
			pair.key = key_text(vm, kcl_run(vm, entry->key_code, f));
			kcl_merge_entry(vm, result.dict, &pair, &building);
		}
	}
}

struct kcl_value kcl_run_list_comp(struct kcl_vm *vm, const struct kcl_code *c, struct kcl_frame *f)
{
	vm->at = c;
	struct kcl_value list = kcl_list(vm->h, 0);
	comprehend(vm, c, 0, list, f);
	return list;
}

struct kcl_value kcl_run_dict_comp(struct kcl_vm *vm, const struct kcl_code *c, struct kcl_frame *f)
{
	vm->at = c;
	struct kcl_value dict = kcl_dict(vm->h, 0);
	comprehend(vm, c, 0, dict, f);
	return dict;
}

/* ---- quantifiers ---- */

static struct kcl_value filter(struct kcl_vm *vm, const struct kcl_code *c, struct iterator *it, struct kcl_frame *f)
{
	bool is_dict = it->dict != NULL;
	struct kcl_value kept = is_dict ? kcl_dict(vm->h, 0) : kcl_list(vm->h, 0);
	if (it->host.kind == KCL_STR)
		kcl_raise(vm->h, "only list, dict and schema can be removed item");
	while (next(vm, it, &c->quantifier.clause, f)) {
		uint32_t at = it->at - 1;
		/* What the condition passes over is kept. */
		if (conditions_hold(vm, &c->quantifier.clause, f) && !kcl_truth(kcl_run(vm, c->quantifier.test, f)))
			continue;
		if (is_dict)
			kcl_dict_append(vm->h, kept.dict, it->dict->pairs[at].key, it->dict->pairs[at].value);
		else
			kcl_list_push(vm->h, kept.list, it->host.list->items[at]);
	}
	return kept;
}

struct kcl_value kcl_run_quantifier(struct kcl_vm *vm, const struct kcl_code *c, struct kcl_frame *f)
{
	struct iterator it;
	enum kcl_quantifier op = c->quantifier.op;
	vm->at = c;
	iterate(vm, kcl_run(vm, c->quantifier.clause.iterable, f), &it);
	if (op == KCL_QUANT_FILTER)
		return filter(vm, c, &it, f);
	struct kcl_value mapped = op == KCL_QUANT_MAP ? kcl_list(vm->h, 0) : kcl_bool(op == KCL_QUANT_ALL);
	while (next(vm, &it, &c->quantifier.clause, f)) {
		if (!conditions_hold(vm, &c->quantifier.clause, f))
			continue;
		struct kcl_value v = kcl_run(vm, c->quantifier.test, f);
		if (op == KCL_QUANT_MAP)
			kcl_list_push(vm->h, mapped.list, v);
		else if (kcl_truth(v) == (op == KCL_QUANT_ANY))
			return kcl_bool(op == KCL_QUANT_ANY);
	}
	return mapped;
}

/* ---- config blocks ---- */

static void unpack_entries(struct kcl_vm *vm, struct kcl_dict *dict, struct kcl_value v)
{
	const struct kcl_dict *more = kcl_as_dict(v);
	if (v.kind == KCL_NONE || v.kind == KCL_UNDEFINED)
		return;
	if (!more)
		kcl_raise(vm->h, "only list, dict and schema object can be used with unpack operators * and **, got %s",
		          kcl_to_str(vm->h, v)->s);
	kcl_steps(vm->h, more->len);
	for (uint32_t i = 0; i < more->len; i++)
		kcl_merge_entry(vm, dict, &more->pairs[i], &kcl_union_operator);
}

static void add_entries(struct kcl_vm *vm, const struct kcl_entries_code *entries, struct kcl_dict *dict,
                        struct kcl_frame *f)
{
	for (uint32_t i = 0; i < entries->len; i++) {
		const struct kcl_entry_code *e = &entries->items[i];
		if (e->kind == KCL_ENTRY_UNPACK) {
			unpack_entries(vm, dict, kcl_run(vm, e->value, f));
			continue;
		}
		if (e->kind == KCL_ENTRY_IF) {
			if (!e->condition || kcl_truth(kcl_run(vm, e->condition, f)))
				add_entries(vm, e->then, dict, f);
			else if (e->otherwise)
				add_entries(vm, e->otherwise, dict, f);
			continue;
		}
		struct kcl_pair pair = { .op = (uint8_t)e->op, .insert_index = e->index };
		pair.value = kcl_run(vm, e->value, f);
		pair.key = e->key ? e->key : key_text(vm, kcl_run(vm, e->key_code, f));
		const struct kcl_pair *added = kcl_merge_entry(vm, dict, &pair, &building);
		if (e->slot >= 0)
			f->locals[e->slot] = added->value;
	}
}

struct kcl_value kcl_run_config(struct kcl_vm *vm, const struct kcl_code *c, struct kcl_frame *f)
{
	vm->at = c;
	kcl_stack_check(vm->h);
	kcl_steps(vm->h, 1);
	struct kcl_value dict = kcl_dict(vm->h, c->config.len);
	for (uint32_t i = 0; i < c->config.unset_len; i++)
		f->locals[c->config.unset[i]] = (struct kcl_value){ .kind = KCL_UNSET };
	add_entries(vm, &c->config, dict.dict, f);
	return dict;
}
