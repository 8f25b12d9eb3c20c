/* Whether two trees say the same. */

#include "base/str.h"
#include "syntax/printer.h"

static bool same_expr(const struct kcl_expr *a, const struct kcl_expr *b);
static bool same_stmts(const struct kcl_stmt *a, const struct kcl_stmt *b);

static bool same_names(const struct kcl_names *a, const struct kcl_names *b)
{
	if (a->len != b->len)
		return false;
	for (uint32_t i = 0; i < a->len; i++)
		if (!str_eq(a->items[i].s, b->items[i].s))
			return false;
	return true;
}

static bool same_exprs(const struct kcl_exprs *a, const struct kcl_exprs *b)
{
	if (a->len != b->len)
		return false;
	for (uint32_t i = 0; i < a->len; i++)
		if (!same_expr(a->items[i], b->items[i]))
			return false;
	return true;
}

static bool same_number(const struct kcl_number *a, const struct kcl_number *b)
{
	return a->is_float == b->is_float && a->i == b->i && kcl_same_double(a->f, b->f) && a->unit == b->unit;
}

/* ---- types ---- */

static bool same_type(const struct kcl_type_expr *a, const struct kcl_type_expr *b);

static bool same_types(struct kcl_type_expr *const *a, uint32_t a_len, struct kcl_type_expr *const *b, uint32_t b_len)
{
	if (a_len != b_len)
		return false;
	for (uint32_t i = 0; i < a_len; i++)
		if (!same_type(a[i], b[i]))
			return false;
	return true;
}

static bool same_literal_type(const struct kcl_type_expr *a, const struct kcl_type_expr *b)
{
	if (a->literal.kind != b->literal.kind)
		return false;
	switch (a->literal.kind) {
	case KCL_LITERAL_BOOL:
		return a->literal.b == b->literal.b;
	case KCL_LITERAL_STR:
		return str_eq(a->literal.s, b->literal.s);
	default:
		return same_number(&a->literal.number, &b->literal.number);
	}
}

static bool same_type(const struct kcl_type_expr *a, const struct kcl_type_expr *b)
{
	if (!a || !b) /* none is any */
		return (!a || a->kind == KCL_TYPE_ANY) && (!b || b->kind == KCL_TYPE_ANY);
	if (a->kind != b->kind)
		return false;
	switch (a->kind) {
	case KCL_TYPE_BASIC:
		return a->basic == b->basic;
	case KCL_TYPE_NAMED:
		return same_names(&a->named, &b->named);
	case KCL_TYPE_LIST:
		return same_type(a->element, b->element);
	case KCL_TYPE_DICT:
		return same_type(a->dict.key, b->dict.key) && same_type(a->dict.value, b->dict.value);
	case KCL_TYPE_UNION:
		return same_types(a->of_union.items, a->of_union.len, b->of_union.items, b->of_union.len);
	case KCL_TYPE_LITERAL:
		return same_literal_type(a, b);
	case KCL_TYPE_FUNCTION:
		return same_types(a->function.params, a->function.len, b->function.params, b->function.len) &&
		       same_type(a->function.result, b->function.result);
	default:
		return true;
	}
}

/* ---- parts of expressions ---- */

static bool same_args(const struct kcl_arguments *a, const struct kcl_arguments *b)
{
	if (a->keywords_len != b->keywords_len || !same_exprs(&a->positional, &b->positional))
		return false;
	for (uint32_t i = 0; i < a->keywords_len; i++)
		if (!str_eq(a->keywords[i].name.s, b->keywords[i].name.s) ||
		    !same_expr(a->keywords[i].value, b->keywords[i].value))
			return false;
	return true;
}

static bool same_params(const struct kcl_params *a, const struct kcl_params *b)
{
	if (a->len != b->len)
		return false;
	for (uint32_t i = 0; i < a->len; i++)
		if (!str_eq(a->items[i].name.s, b->items[i].name.s) || !same_type(a->items[i].type, b->items[i].type) ||
		    !same_expr(a->items[i].default_value, b->items[i].default_value))
			return false;
	return true;
}

static bool same_clauses(const struct kcl_comp_clause *a, const struct kcl_comp_clause *b)
{
	for (; a && b; a = a->next, b = b->next) {
		if (a->targets_len != b->targets_len || !same_expr(a->iterable, b->iterable) ||
		    !same_exprs(&a->conditions, &b->conditions))
			return false;
		for (uint32_t i = 0; i < a->targets_len; i++)
			if (!str_eq(a->targets[i].s, b->targets[i].s))
				return false;
	}
	return !a && !b;
}

static bool same_entries(const struct kcl_config_entry *a, const struct kcl_config_entry *b)
{
	for (; a && b; a = a->next, b = b->next)
		if (a->kind != b->kind || (a->kind == KCL_ENTRY_PAIR && a->op != b->op) || !same_expr(a->key, b->key) ||
		    !same_expr(a->value, b->value) || !same_expr(a->condition, b->condition) ||
		    !same_entries(a->entries, b->entries) || !same_entries(a->orelse, b->orelse))
			return false;
	return !a && !b;
}

static bool same_quantifier(const struct kcl_expr *a, const struct kcl_expr *b)
{
	if (a->quantifier.op != b->quantifier.op || a->quantifier.targets_len != b->quantifier.targets_len)
		return false;
	for (uint32_t i = 0; i < a->quantifier.targets_len; i++)
		if (!str_eq(a->quantifier.targets[i].s, b->quantifier.targets[i].s))
			return false;
	return same_expr(a->quantifier.iterable, b->quantifier.iterable) &&
	       same_expr(a->quantifier.test, b->quantifier.test) &&
	       same_expr(a->quantifier.condition, b->quantifier.condition);
}

/* ---- expressions ---- */

static bool same_operator(const struct kcl_expr *a, const struct kcl_expr *b)
{
	switch (a->kind) {
	case KCL_EXPR_UNARY:
		return a->unary.op == b->unary.op && same_expr(a->unary.operand, b->unary.operand);
	case KCL_EXPR_BINARY:
		return a->binary.op == b->binary.op && same_expr(a->binary.left, b->binary.left) &&
		       same_expr(a->binary.right, b->binary.right);
	case KCL_EXPR_LOGIC:
		return a->logic.is_or == b->logic.is_or && same_expr(a->logic.left, b->logic.left) &&
		       same_expr(a->logic.right, b->logic.right);
	case KCL_EXPR_AS:
		return same_expr(a->as.operand, b->as.operand) && same_type(a->as.type, b->as.type);
	case KCL_EXPR_TERNARY:
		return same_expr(a->ternary.condition, b->ternary.condition) && same_expr(a->ternary.then, b->ternary.then) &&
		       same_expr(a->ternary.otherwise, b->ternary.otherwise);
	default: /* compare */
		if (a->compare.len != b->compare.len || !same_expr(a->compare.first, b->compare.first))
			return false;
		for (uint32_t i = 0; i < a->compare.len; i++)
			if (a->compare.ops[i] != b->compare.ops[i] || !same_expr(a->compare.operands[i], b->compare.operands[i]))
				return false;
		return true;
	}
}

static bool same_primary(const struct kcl_expr *a, const struct kcl_expr *b)
{
	switch (a->kind) {
	case KCL_EXPR_SELECTOR:
		return a->selector.is_optional == b->selector.is_optional && same_names(&a->selector.attr, &b->selector.attr) &&
		       same_expr(a->selector.object, b->selector.object);
	case KCL_EXPR_CALL:
		return same_expr(a->call.callee, b->call.callee) && same_args(&a->call.args, &b->call.args);
	case KCL_EXPR_SCHEMA:
		return same_names(&a->schema.name, &b->schema.name) && same_args(&a->schema.args, &b->schema.args) &&
		       same_expr(a->schema.config, b->schema.config);
	default: /* subscript */
		return a->subscript.is_slice == b->subscript.is_slice && a->subscript.is_optional == b->subscript.is_optional &&
		       same_expr(a->subscript.object, b->subscript.object) &&
		       same_expr(a->subscript.index, b->subscript.index) && same_expr(a->subscript.lower, b->subscript.lower) &&
		       same_expr(a->subscript.upper, b->subscript.upper) && same_expr(a->subscript.step, b->subscript.step);
	}
}

static bool same_expr(const struct kcl_expr *a, const struct kcl_expr *b)
{
	if (!a || !b || a->kind != b->kind)
		return a == b;
	switch (a->kind) {
	case KCL_EXPR_NAME:
		return same_names(&a->name, &b->name);
	case KCL_EXPR_SELECTOR:
	case KCL_EXPR_CALL:
	case KCL_EXPR_SCHEMA:
	case KCL_EXPR_SUBSCRIPT:
		return same_primary(a, b);
	case KCL_EXPR_PAREN:
		return same_expr(a->paren, b->paren);
	case KCL_EXPR_QUANTIFIER:
		return same_quantifier(a, b);
	case KCL_EXPR_LIST:
		return same_exprs(&a->list, &b->list);
	case KCL_EXPR_LIST_IF:
		return same_expr(a->list_if.condition, b->list_if.condition) &&
		       same_exprs(&a->list_if.items, &b->list_if.items) && same_expr(a->list_if.orelse, b->list_if.orelse);
	case KCL_EXPR_STARRED:
		return same_expr(a->starred, b->starred);
	case KCL_EXPR_LIST_COMP:
		return same_expr(a->list_comp.element, b->list_comp.element) &&
		       same_clauses(a->list_comp.clauses, b->list_comp.clauses);
	case KCL_EXPR_DICT_COMP:
		return same_entries(a->dict_comp.entry, b->dict_comp.entry) &&
		       same_clauses(a->dict_comp.clauses, b->dict_comp.clauses);
	case KCL_EXPR_CONFIG:
		return same_entries(a->config.entries, b->config.entries);
	case KCL_EXPR_LAMBDA:
		return same_params(&a->lambda.params, &b->lambda.params) && same_type(a->lambda.result, b->lambda.result) &&
		       same_stmts(a->lambda.body, b->lambda.body);
	case KCL_EXPR_NUMBER:
		return same_number(&a->number, &b->number);
	case KCL_EXPR_STRING:
		return str_eq(a->string.s, b->string.s);
	case KCL_EXPR_CONSTANT:
		return a->constant == b->constant;
	case KCL_EXPR_JOINED:
		return str_eq(a->joined.raw, b->joined.raw);
	case KCL_EXPR_MISSING:
		return true;
	default:
		return same_operator(a, b);
	}
}

/* ---- statements ---- */

static bool same_targets(const struct kcl_target *a, const struct kcl_target *b, uint32_t n)
{
	for (uint32_t i = 0; i < n; i++) {
		if (!str_eq(a[i].name.s, b[i].name.s) || a[i].steps_len != b[i].steps_len)
			return false;
		for (uint32_t j = 0; j < a[i].steps_len; j++)
			if (!str_eq(a[i].steps[j].member.s, b[i].steps[j].member.s) ||
			    !same_expr(a[i].steps[j].index, b[i].steps[j].index))
				return false;
	}
	return true;
}

static bool same_decorators(const struct kcl_decorators *a, const struct kcl_decorators *b)
{
	if (a->len != b->len)
		return false;
	for (uint32_t i = 0; i < a->len; i++)
		if (!same_names(&a->items[i].name, &b->items[i].name) || !same_args(&a->items[i].args, &b->items[i].args))
			return false;
	return true;
}

static bool same_checks(const struct kcl_checks *a, const struct kcl_checks *b)
{
	if (a->len != b->len)
		return false;
	for (uint32_t i = 0; i < a->len; i++)
		if (!same_expr(a->items[i].test, b->items[i].test) ||
		    !same_expr(a->items[i].condition, b->items[i].condition) ||
		    !same_expr(a->items[i].message, b->items[i].message))
			return false;
	return true;
}

static bool same_names_list(const struct kcl_names *a, uint32_t a_len, const struct kcl_names *b, uint32_t b_len)
{
	if (a_len != b_len)
		return false;
	for (uint32_t i = 0; i < a_len; i++)
		if (!same_names(&a[i], &b[i]))
			return false;
	return true;
}

static bool same_index_signature(const struct kcl_index_signature *a, const struct kcl_index_signature *b)
{
	if (!a || !b)
		return a == b;
	return str_eq(a->key_name.s, b->key_name.s) && a->any_other == b->any_other && same_type(a->key, b->key) &&
	       same_type(a->value, b->value) && same_expr(a->default_value, b->default_value);
}

static bool same_schema(const struct kcl_schema_stmt *a, const struct kcl_schema_stmt *b)
{
	return str_eq(a->name.s, b->name.s) && str_eq(a->doc, b->doc) && a->is_mixin == b->is_mixin &&
	       a->is_protocol == b->is_protocol && same_params(&a->params, &b->params) &&
	       same_names(&a->parent, &b->parent) && same_names(&a->for_host, &b->for_host) &&
	       same_names_list(a->mixins, a->mixins_len, b->mixins, b->mixins_len) &&
	       same_decorators(&a->decorators, &b->decorators) &&
	       same_index_signature(a->index_signature, b->index_signature) && same_stmts(a->body, b->body) &&
	       same_checks(&a->checks, &b->checks);
}

static bool same_rule(const struct kcl_rule_stmt *a, const struct kcl_rule_stmt *b)
{
	return str_eq(a->name.s, b->name.s) && str_eq(a->doc, b->doc) && same_params(&a->params, &b->params) &&
	       same_names_list(a->parents, a->parents_len, b->parents, b->parents_len) &&
	       same_names(&a->for_host, &b->for_host) && same_decorators(&a->decorators, &b->decorators) &&
	       same_checks(&a->checks, &b->checks);
}

static bool same_attr(const struct kcl_stmt *a, const struct kcl_stmt *b)
{
	return str_eq(a->attr.name.s, b->attr.name.s) && a->attr.is_optional == b->attr.is_optional &&
	       a->attr.has_op == b->attr.has_op && a->attr.op == b->attr.op && same_type(a->attr.type, b->attr.type) &&
	       same_expr(a->attr.value, b->attr.value) && same_decorators(&a->attr.decorators, &b->attr.decorators);
}

static bool same_stmt(const struct kcl_stmt *a, const struct kcl_stmt *b)
{
	if (a->kind != b->kind)
		return false;
	switch (a->kind) {
	case KCL_STMT_EXPR:
		return same_exprs(&a->exprs, &b->exprs);
	case KCL_STMT_ASSIGN:
		return a->assign.len == b->assign.len && same_targets(a->assign.targets, b->assign.targets, a->assign.len) &&
		       same_type(a->assign.type, b->assign.type) && same_expr(a->assign.value, b->assign.value);
	case KCL_STMT_AUG_ASSIGN:
		return a->aug_assign.op == b->aug_assign.op && same_targets(&a->aug_assign.target, &b->aug_assign.target, 1) &&
		       same_expr(a->aug_assign.value, b->aug_assign.value);
	case KCL_STMT_UNIFICATION:
		return str_eq(a->unification.name.s, b->unification.name.s) &&
		       same_expr(a->unification.value, b->unification.value);
	case KCL_STMT_ASSERT:
		return same_expr(a->assertion.test, b->assertion.test) &&
		       same_expr(a->assertion.condition, b->assertion.condition) &&
		       same_expr(a->assertion.message, b->assertion.message);
	case KCL_STMT_IF:
		return same_expr(a->if_stmt.condition, b->if_stmt.condition) && same_stmts(a->if_stmt.body, b->if_stmt.body) &&
		       same_stmts(a->if_stmt.orelse, b->if_stmt.orelse);
	case KCL_STMT_IMPORT:
		return str_eq(a->import.path, b->import.path) && str_eq(a->import.name, b->import.name);
	case KCL_STMT_SCHEMA:
		return same_schema(&a->schema, &b->schema);
	case KCL_STMT_RULE:
		return same_rule(&a->rule, &b->rule);
	case KCL_STMT_ATTR:
		return same_attr(a, b);
	case KCL_STMT_TYPE_ALIAS:
		return str_eq(a->alias.name.s, b->alias.name.s) && same_type(a->alias.type, b->alias.type);
	}
	return false;
}

static bool same_stmts(const struct kcl_stmt *a, const struct kcl_stmt *b)
{
	for (; a && b; a = a->next, b = b->next)
		if (!same_stmt(a, b))
			return false;
	return !a && !b;
}

bool kcl_same_tree(const struct kcl_module *a, const struct kcl_module *b)
{
	return str_eq(a->doc, b->doc) && same_stmts(a->body, b->body);
}
