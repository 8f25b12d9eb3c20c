/* Comprehensions and quantifiers. */

#include "check/checker.h"

/* What the variables of a loop over t get; what it had so far is in *first and *second. */
static void item_types(struct checker *c, const struct kcl_type *t, bool two, const struct kcl_type **first,
                       const struct kcl_type **second)
{
	const struct kcl_type *key, *value;

	switch (kcl_type_is(t, KCL_T_STR) ? KCL_T_STR : t->tag) {
	case KCL_T_LIST:
		key = two ? kcl_type_basic(KCL_T_INT) : t->element;
		value = t->element;
		break;
	case KCL_T_STR:
		key = kcl_type_basic(two ? KCL_T_INT : KCL_T_STR);
		value = kcl_type_basic(KCL_T_STR);
		break;
	case KCL_T_DICT:
		key = t->dict.key;
		value = t->dict.value;
		break;
	case KCL_T_SCHEMA:
		key = kcl_type_basic(KCL_T_STR);
		value = check_schema_value(t->schema);
		break;
	default:
		return;
	}
	*first = kcl_type_sup2(c->types, key, *first);
	*second = kcl_type_sup2(c->types, value, *second);
}

static void check_loop(struct checker *c, const struct kcl_name *targets, uint32_t targets_len,
                       const struct kcl_type *iterable, const struct kcl_span *span)
{
	const struct kcl_type *none = kcl_type_basic(KCL_T_VOID), *first = none, *second = none;
	const struct kcl_type *const *items = &iterable;
	uint32_t n = 1;

	if (iterable->tag == KCL_T_UNION) {
		items = iterable->of_union.items;
		n = iterable->of_union.len;
	}
	for (uint32_t i = 0; i < n; i++) {
		if (!kcl_type_is_iterable(items[i]) && items[i]->tag != KCL_T_ANY)
			check_error(c, "CompileError", span, "'%s' object is not iterable", check_shown(c, items[i]));
		item_types(c, items[i], targets_len > 1, &first, &second);
	}
	if (first != none)
		check_infer(c, targets[0].s, first, &targets[0].span);
	if (second != none && targets_len > 1)
		check_infer(c, targets[1].s, second, &targets[1].span);
}

static void declare_targets(struct checker *c, const struct kcl_name *targets, uint32_t n)
{
	for (uint32_t i = 0; i < n; i++) {
		check_add_loop_var(c, targets[i].s);
		check_declare(c, targets[i].s, check_any(), KCL_OBJ_VARIABLE, &targets[i].span);
	}
}

const struct kcl_type *check_quantifier(struct checker *c, const struct kcl_expr *e)
{
	const struct kcl_type *iterable = check_expr(c, e->quantifier.iterable), *item;

	check_enter(c);
	declare_targets(c, e->quantifier.targets, e->quantifier.targets_len);
	check_loop(c, e->quantifier.targets, e->quantifier.targets_len, iterable, &e->quantifier.iterable->span);
	check_optional_expr(c, e->quantifier.condition);
	item = check_expr(c, e->quantifier.test);
	check_leave(c);
	switch (e->quantifier.op) {
	case KCL_QUANT_FILTER:
		return iterable;
	case KCL_QUANT_MAP:
		return kcl_type_list(c->types, item);
	default:
		return kcl_type_basic(KCL_T_BOOL);
	}
}

static void check_clauses(struct checker *c, const struct kcl_comp_clause *clause)
{
	for (; clause; clause = clause->next) {
		const struct kcl_type *iterable = check_expr(c, clause->iterable);

		declare_targets(c, clause->targets, clause->targets_len);
		if (iterable->tag != KCL_T_ANY)
			check_loop(c, clause->targets, clause->targets_len, iterable, &clause->iterable->span);
		for (uint32_t i = 0; i < clause->conditions.len; i++)
			check_expr(c, clause->conditions.items[i]);
	}
}

static const struct kcl_type *check_list_comp(struct checker *c, const struct kcl_expr *e)
{
	const struct kcl_type *item;

	check_expect_key(c, "[]");
	check_enter(c);
	check_clauses(c, e->list_comp.clauses);
	if (e->list_comp.element->kind == KCL_EXPR_STARRED)
		check_error(c, "CompileError", &e->list_comp.element->span,
		            "list unpacking cannot be used in list comprehension");
	item = check_expr(c, e->list_comp.element);
	check_leave(c);
	check_expect_end(c, 1);
	return kcl_type_list(c->types, item);
}

/* Pushes what is expected of the value, as the key says; how many were pushed. */
static uint32_t expect_value(struct checker *c, const struct kcl_expr *key)
{
	switch (key->kind) {
	case KCL_EXPR_NAME:
		for (uint32_t i = 0; i < key->name.len; i++)
			check_expect_key(c, key->name.items[i].s);
		return key->name.len;
	case KCL_EXPR_STRING:
		check_expect_key(c, key->string.s);
		return 1;
	case KCL_EXPR_JOINED:
	case KCL_EXPR_MISSING:
		check_expect_key(c, "");
		return 1;
	default:
		return 0;
	}
}

static const struct kcl_type *check_dict_comp(struct checker *c, const struct kcl_expr *e)
{
	const struct kcl_config_entry *entry = e->dict_comp.entry;
	const struct kcl_type *key, *value;
	uint32_t n = 0;

	if (entry->kind != KCL_ENTRY_PAIR) {
		const struct kcl_span *span = entry->kind == KCL_ENTRY_IF ? &entry->span : &entry->value->span;

		check_error(c, "CompileError", span, "dict unpacking cannot be used in dict comprehension");
		return kcl_type_dict(c->types, check_any(), check_any());
	}
	check_enter(c);
	check_clauses(c, e->dict_comp.clauses);
	key = check_expr(c, entry->key);
	check_key_type(c, key, &entry->key->span);
	n = expect_value(c, entry->key);
	value = check_expr(c, entry->value);
	check_expect_end(c, n);
	check_leave(c);
	return kcl_type_dict(c->types, key, value);
}

const struct kcl_type *check_comprehension(struct checker *c, const struct kcl_expr *e)
{
	return e->kind == KCL_EXPR_LIST_COMP ? check_list_comp(c, e) : check_dict_comp(c, e);
}
