#include "eval/compile.h"
#include "eval/run.h"

/* Entries of config blocks. A key is a local for the entries after it (in blocks inside it too), unless it is the
 * variable of a comprehension, whose value is then the key. */

static void compile_entries(struct kcl_compiler *c, const struct kcl_config_entry *first, bool is_conditional,
                            struct kcl_entries_code *block, struct kcl_entries_code *ret);

/* `a[1]: v` and `a[-1]: v`: the name, and where in its list the value belongs. */
static const struct kcl_name *indexed_name(const struct kcl_expr *key, int32_t *ret_index)
{
	if (key->kind != KCL_EXPR_SUBSCRIPT || key->subscript.is_slice || !key->subscript.index ||
	    key->subscript.object->kind != KCL_EXPR_NAME)
		return NULL;
	const struct kcl_expr *index = key->subscript.index;
	bool is_negative = index->kind == KCL_EXPR_UNARY && index->unary.op == KCL_OP_MINUS;
	if (is_negative)
		index = index->unary.operand;
	if (index->kind != KCL_EXPR_NUMBER || index->number.is_float || index->number.i > INT32_MAX || index->number.i < 0)
		return NULL;
	*ret_index = (int32_t)(is_negative ? -index->number.i : index->number.i);
	return &key->subscript.object->name.items[0];
}

/* {b: {c: v}} for what is behind the first name of `a.b.c: v`; the operator is the innermost one's. */
static struct kcl_code *nest_value(struct kcl_compiler *c, const struct kcl_config_entry *entry,
                                   const struct kcl_names *names, int32_t index, struct kcl_code *value)
{
	for (uint32_t i = names->len - 1; i > 0; i--) {
		bool is_last = i == names->len - 1;
		struct kcl_code *code = kcl_code_new(c, &names->items[i].span, kcl_run_config);
		struct kcl_entry_code *made = kcl_alloc(c->h, sizeof(*made));
		*made = (struct kcl_entry_code){ .kind = KCL_ENTRY_PAIR,
			                             .op = is_last ? entry->op : KCL_ENTRY_UNION,
			                             .index = is_last ? index : KCL_NO_INDEX,
			                             .key = kcl_intern(c, names->items[i].s),
			                             .value = value,
			                             .slot = -1 };
		code->config = (struct kcl_entries_code){ .items = made, .len = 1 };
		value = code;
	}
	return value;
}

static int32_t declare_key(struct kcl_compiler *c, const struct kcl_str *key, bool is_conditional,
                           struct kcl_entries_code *block)
{
	struct kcl_variable *v = kcl_scope_own(c, key);
	if (!v) {
		v = kcl_scope_declare(c, key);
		v->is_key = true;
		v->may_be_unset = is_conditional;
		if (is_conditional)
			PUSH(c->h, block->unset, block->unset_len, v->slot);
	}
	return (int32_t)v->slot;
}

static void compile_pair(struct kcl_compiler *c, const struct kcl_config_entry *entry, bool is_conditional,
                         struct kcl_entries_code *block, struct kcl_entry_code *ret)
{
	int32_t index = KCL_NO_INDEX;
	struct kcl_name quoted;
	struct kcl_names one, *names = NULL;
	const struct kcl_name *indexed = indexed_name(entry->key, &index);
	if (indexed) {
		names = &entry->key->subscript.object->name;
	} else if (entry->key->kind == KCL_EXPR_NAME) {
		names = &entry->key->name;
	} else if (entry->key->kind == KCL_EXPR_STRING) {
		quoted = (struct kcl_name){ .s = entry->key->string.s, .span = entry->key->span };
		one = (struct kcl_names){ .items = &quoted, .len = 1 };
		names = &one;
	}
	bool is_nested = names && names->len > 1;
	ret->op = is_nested ? KCL_ENTRY_UNION : entry->op;
	ret->index = is_nested ? KCL_NO_INDEX : index;
	ret->value = kcl_compile_expr(c, entry->value);
	if (is_nested)
		ret->value = nest_value(c, entry, names, index, ret->value);
	const struct kcl_str *key = names ? kcl_literal(c, names->items[0].s) : NULL;
	bool is_variable = key && names != &one && kcl_scope_is_loop(c, key);
	if (key && !is_variable) {
		ret->key = key;
		ret->slot = declare_key(c, key, is_conditional, block);
	} else if (is_variable) {
		struct kcl_names variable = { .items = names->items, .len = 1 };
		ret->key_code = kcl_compile_name(c, &variable, &entry->key->span);
	} else {
		ret->key_code = kcl_compile_expr(c, entry->key);
	}
}

static struct kcl_entry_code compile_entry(struct kcl_compiler *c, const struct kcl_config_entry *entry,
                                           bool is_conditional, struct kcl_entries_code *block)
{
	struct kcl_entry_code made = { .kind = entry->kind, .op = entry->op, .index = KCL_NO_INDEX, .slot = -1 };
	switch (entry->kind) {
	case KCL_ENTRY_PAIR:
		compile_pair(c, entry, is_conditional, block, &made);
		break;
	case KCL_ENTRY_UNPACK:
		made.value = kcl_compile_expr(c, entry->value);
		break;
	case KCL_ENTRY_IF:
		made.condition = entry->condition ? kcl_compile_expr(c, entry->condition) : NULL;
		made.then = kcl_alloc(c->h, sizeof(*made.then));
		compile_entries(c, entry->entries, true, block, made.then);
		if (entry->orelse) {
			made.otherwise = kcl_alloc(c->h, sizeof(*made.otherwise));
			compile_entries(c, entry->orelse, true, block, made.otherwise);
		}
		break;
	}
	return made;
}

static void compile_entries(struct kcl_compiler *c, const struct kcl_config_entry *first, bool is_conditional,
                            struct kcl_entries_code *block, struct kcl_entries_code *ret)
{
	for (const struct kcl_config_entry *entry = first; entry; entry = entry->next) {
		struct kcl_entry_code made = compile_entry(c, entry, is_conditional, block);
		PUSH(c->h, ret->items, ret->len, made);
	}
}

struct kcl_code *kcl_compile_config(struct kcl_compiler *c, const struct kcl_expr *e)
{
	struct kcl_scope scope;
	struct kcl_code *code = kcl_code_new(c, &e->span, kcl_run_config);
	kcl_scope_enter(c, &scope);
	compile_entries(c, e->config.entries, false, &code->config, &code->config);
	kcl_scope_leave(c);
	return code;
}

struct kcl_entry_code *kcl_compile_comp_entry(struct kcl_compiler *c, const struct kcl_config_entry *entry)
{
	struct kcl_entry_code *made = kcl_alloc(c->h, sizeof(*made));
	*made = (struct kcl_entry_code){ .kind = KCL_ENTRY_PAIR, .op = entry->op, .index = KCL_NO_INDEX, .slot = -1 };
	made->value = kcl_compile_expr(c, entry->value);
	made->key_code = kcl_compile_expr(c, entry->key);
	return made;
}
