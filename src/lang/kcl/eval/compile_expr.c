#include "eval/compile.h"
#include "eval/run.h"

const struct kcl_type *kcl_compile_type(struct kcl_compiler *c, const struct kcl_type_expr *t)
{
	return t ? kcl_checked_written(c->program->checked, c->module, t) : NULL;
}

static struct kcl_codes compile_all(struct kcl_compiler *c, const struct kcl_exprs *exprs)
{
	struct kcl_codes codes = { .len = exprs->len };
	codes.items = kcl_alloc(c->h, exprs->len * sizeof(*codes.items));
	for (uint32_t i = 0; i < exprs->len; i++)
		codes.items[i] = kcl_compile_expr(c, exprs->items[i]);
	return codes;
}

struct kcl_args_code kcl_compile_args(struct kcl_compiler *c, const struct kcl_arguments *a)
{
	struct kcl_args_code args = { .positional = compile_all(c, &a->positional), .keywords_len = a->keywords_len };
	args.keywords = kcl_alloc(c->h, a->keywords_len * sizeof(*args.keywords));
	for (uint32_t i = 0; i < a->keywords_len; i++) {
		args.keywords[i].name = kcl_intern(c, a->keywords[i].name.s);
		args.keywords[i].value = kcl_compile_expr(c, a->keywords[i].value);
	}
	return args;
}

/* ---- literals ---- */

static struct kcl_code *compile_number(struct kcl_compiler *c, const struct kcl_expr *e)
{
	const struct kcl_number *n = &e->number;
	if (n->is_float)
		return kcl_code_constant(c, &e->span, kcl_float(n->f));
	if (n->unit == KCL_UNIT_NONE)
		return kcl_code_constant(c, &e->span, kcl_int(n->i));
	return kcl_code_constant(c, &e->span, kcl_unit_value(c->h, n->i, n->unit));
}

static struct kcl_code *compile_constant(struct kcl_compiler *c, const struct kcl_expr *e)
{
	switch (e->constant) {
	case KCL_CONST_TRUE:
	case KCL_CONST_FALSE:
		return kcl_code_constant(c, &e->span, kcl_bool(e->constant == KCL_CONST_TRUE));
	case KCL_CONST_NONE:
		return kcl_code_constant(c, &e->span, kcl_none());
	case KCL_CONST_UNDEFINED:
		break;
	}
	return kcl_code_constant(c, &e->span, kcl_undefined());
}

static struct kcl_code *compile_joined(struct kcl_compiler *c, const struct kcl_expr *e)
{
	struct kcl_code *code = kcl_code_new(c, &e->span, kcl_run_joined);
	code->joined.len = e->joined.len;
	code->joined.parts = kcl_alloc(c->h, e->joined.len * sizeof(*code->joined.parts));
	for (uint32_t i = 0; i < e->joined.len; i++) {
		const struct kcl_joined_part *part = &e->joined.parts[i];
		if (part->text)
			code->joined.parts[i].text = kcl_str_value(kcl_literal(c, part->text));
		else
			code->joined.parts[i].code = kcl_compile_expr(c, part->expr);
		if (part->format)
			code->joined.parts[i].format = kcl_intern(c, part->format)->s;
	}
	return code;
}

/* ---- operators ---- */

static struct kcl_code *compile_binary(struct kcl_compiler *c, const struct kcl_expr *e)
{
	bool is_union = e->binary.op == KCL_OP_BITOR;
	struct kcl_code *code = kcl_code_new(c, &e->span, is_union ? kcl_run_union : kcl_run_binary);
	code->binary.op = (uint8_t)e->binary.op;
	code->binary.a = kcl_compile_expr(c, e->binary.left);
	code->binary.b = kcl_compile_expr(c, e->binary.right);
	return code;
}

static struct kcl_code *compile_unary(struct kcl_compiler *c, const struct kcl_expr *e)
{
	struct kcl_code *code = kcl_code_new(c, &e->span, kcl_run_unary);
	code->binary.op = (uint8_t)e->unary.op;
	code->binary.a = kcl_compile_expr(c, e->unary.operand);
	return code;
}

static struct kcl_code *compile_logic(struct kcl_compiler *c, const struct kcl_expr *e)
{
	struct kcl_code *code = kcl_code_new(c, &e->span, e->logic.is_or ? kcl_run_or : kcl_run_and);
	code->binary.a = kcl_compile_expr(c, e->logic.left);
	code->binary.b = kcl_compile_expr(c, e->logic.right);
	return code;
}

static struct kcl_code *compile_compare(struct kcl_compiler *c, const struct kcl_expr *e)
{
	struct kcl_code *code = kcl_code_new(c, &e->span, kcl_run_compare);
	struct kcl_exprs operands = { .items = e->compare.operands, .len = e->compare.len };
	enum kcl_compare_op *ops = kcl_alloc(c->h, e->compare.len * sizeof(*ops));
	memcpy(ops, e->compare.ops, e->compare.len * sizeof(*ops));
	code->compare.first = kcl_compile_expr(c, e->compare.first);
	code->compare.operands = compile_all(c, &operands).items;
	code->compare.ops = ops;
	code->compare.len = e->compare.len;
	return code;
}

static struct kcl_code *compile_ternary(struct kcl_compiler *c, const struct kcl_expr *e)
{
	struct kcl_code *code = kcl_code_new(c, &e->span, kcl_run_ternary);
	code->ternary.condition = kcl_compile_expr(c, e->ternary.condition);
	code->ternary.then = kcl_compile_expr(c, e->ternary.then);
	code->ternary.otherwise = kcl_compile_expr(c, e->ternary.otherwise);
	return code;
}

static struct kcl_code *compile_as(struct kcl_compiler *c, const struct kcl_expr *e)
{
	struct kcl_code *code = kcl_code_new(c, &e->span, kcl_run_as);
	code->as.operand = kcl_compile_expr(c, e->as.operand);
	code->as.type = kcl_compile_type(c, e->as.type);
	return code;
}

static struct kcl_code *compile_selector(struct kcl_compiler *c, const struct kcl_expr *e)
{
	struct kcl_code *code = kcl_compile_expr(c, e->selector.object);
	for (uint32_t i = 0; i < e->selector.attr.len; i++) {
		struct kcl_code *select = KCL_CODE_NEW(c, &e->span, kcl_run_select, select);
		select->select.object = code;
		select->select.name = kcl_intern(c, e->selector.attr.items[i].s);
		c->program->is_observed |= strcmp(e->selector.attr.items[i].s, "instances") == 0;
		select->select.is_optional = e->selector.is_optional && i == 0;
		code = select;
	}
	return code;
}

static struct kcl_code *compile_optional(struct kcl_compiler *c, const struct kcl_expr *e)
{
	return e ? kcl_compile_expr(c, e) : NULL;
}

static struct kcl_code *compile_subscript(struct kcl_compiler *c, const struct kcl_expr *e)
{
	struct kcl_code *code = kcl_code_new(c, &e->span, e->subscript.is_slice ? kcl_run_slice : kcl_run_subscript);
	code->subscript.object = kcl_compile_expr(c, e->subscript.object);
	code->subscript.index = compile_optional(c, e->subscript.index);
	code->subscript.lower = compile_optional(c, e->subscript.lower);
	code->subscript.upper = compile_optional(c, e->subscript.upper);
	code->subscript.step = compile_optional(c, e->subscript.step);
	code->subscript.is_optional = e->subscript.is_optional;
	return code;
}

/* ---- calls ---- */

static struct kcl_code *compile_call(struct kcl_compiler *c, const struct kcl_expr *e)
{
	struct kcl_code *code = kcl_code_new(c, &e->span, kcl_run_call);
	code->call.callee = kcl_compile_expr(c, e->call.callee);
	code->call.args = kcl_compile_args(c, &e->call.args);
	return code;
}

static struct kcl_code *compile_schema_expr(struct kcl_compiler *c, const struct kcl_expr *e)
{
	struct kcl_code *code = kcl_code_new(c, &e->span, kcl_run_schema);
	const struct kcl_name *first = &e->schema.name.items[0];
	code->schema.config = kcl_compile_expr(c, e->schema.config);
	code->schema.callee = kcl_compile_name(c, &e->schema.name, &e->span);
	code->schema.args = kcl_compile_args(c, &e->schema.args);
	code->schema.place = (struct kcl_place){ .file = code->file,
		                                     .line = first->span.line,
		                                     .column = first->span.column };
	return code;
}

/* ---- collections ---- */

static struct kcl_code *compile_list_if(struct kcl_compiler *c, const struct kcl_expr *e)
{
	struct kcl_code *code = kcl_code_new(c, &e->span, kcl_run_list_if);
	code->list_if.condition = kcl_compile_expr(c, e->list_if.condition);
	code->list_if.items = compile_all(c, &e->list_if.items);
	code->list_if.otherwise = compile_optional(c, e->list_if.orelse);
	return code;
}

static void declare_targets(struct kcl_compiler *c, const struct kcl_name *targets, uint32_t len,
                            struct kcl_clause_code *clause)
{
	clause->slots_len = len;
	for (uint32_t i = 0; i < len && i < 2; i++) {
		struct kcl_variable *v = kcl_scope_declare(c, kcl_intern(c, targets[i].s));
		v->is_loop = true;
		clause->slots[i] = v->slot;
	}
}

static void compile_clauses(struct kcl_compiler *c, const struct kcl_comp_clause *clauses, struct kcl_code *code)
{
	for (const struct kcl_comp_clause *clause = clauses; clause; clause = clause->next) {
		struct kcl_clause_code made = { .iterable = kcl_compile_expr(c, clause->iterable) };
		declare_targets(c, clause->targets, clause->targets_len, &made);
		made.conditions = compile_all(c, &clause->conditions);
		PUSH(c->h, code->comp.clauses, code->comp.len, made);
	}
}

static struct kcl_code *compile_comp(struct kcl_compiler *c, const struct kcl_expr *e)
{
	struct kcl_scope scope;
	bool is_list = e->kind == KCL_EXPR_LIST_COMP;
	struct kcl_code *code = kcl_code_new(c, &e->span, is_list ? kcl_run_list_comp : kcl_run_dict_comp);
	kcl_scope_enter(c, &scope);
	compile_clauses(c, is_list ? e->list_comp.clauses : e->dict_comp.clauses, code);
	if (is_list)
		code->comp.element = kcl_compile_expr(c, e->list_comp.element);
	else
		code->comp.entry = kcl_compile_comp_entry(c, e->dict_comp.entry);
	kcl_scope_leave(c);
	return code;
}

static struct kcl_code *compile_quantifier(struct kcl_compiler *c, const struct kcl_expr *e)
{
	struct kcl_scope scope;
	struct kcl_code *code = kcl_code_new(c, &e->span, kcl_run_quantifier);
	code->quantifier.op = e->quantifier.op;
	code->quantifier.clause.iterable = kcl_compile_expr(c, e->quantifier.iterable);
	kcl_scope_enter(c, &scope);
	declare_targets(c, e->quantifier.targets, e->quantifier.targets_len, &code->quantifier.clause);
	if (e->quantifier.condition) {
		struct kcl_exprs one = { .items = (struct kcl_expr **)&e->quantifier.condition, .len = 1 };
		code->quantifier.clause.conditions = compile_all(c, &one);
	}
	code->quantifier.test = kcl_compile_expr(c, e->quantifier.test);
	kcl_scope_leave(c);
	return code;
}

static struct kcl_code *compile_list(struct kcl_compiler *c, const struct kcl_expr *e)
{
	struct kcl_code *code = kcl_code_new(c, &e->span, kcl_run_list);
	code->list = compile_all(c, &e->list);
	return code;
}

static struct kcl_code *compile_starred(struct kcl_compiler *c, const struct kcl_expr *e)
{
	struct kcl_code *code = kcl_code_new(c, &e->span, kcl_run_starred);
	code->binary.a = kcl_compile_expr(c, e->starred);
	return code;
}

struct kcl_code *kcl_compile_expr(struct kcl_compiler *c, const struct kcl_expr *e)
{
	switch (e->kind) {
	case KCL_EXPR_NAME:
		return kcl_compile_name(c, &e->name, &e->span);
	case KCL_EXPR_UNARY:
		return compile_unary(c, e);
	case KCL_EXPR_BINARY:
		return compile_binary(c, e);
	case KCL_EXPR_COMPARE:
		return compile_compare(c, e);
	case KCL_EXPR_LOGIC:
		return compile_logic(c, e);
	case KCL_EXPR_AS:
		return compile_as(c, e);
	case KCL_EXPR_TERNARY:
		return compile_ternary(c, e);
	case KCL_EXPR_SELECTOR:
		return compile_selector(c, e);
	case KCL_EXPR_CALL:
		return compile_call(c, e);
	case KCL_EXPR_PAREN:
		return kcl_compile_expr(c, e->paren);
	case KCL_EXPR_QUANTIFIER:
		return compile_quantifier(c, e);
	case KCL_EXPR_LIST:
		return compile_list(c, e);
	case KCL_EXPR_LIST_IF:
		return compile_list_if(c, e);
	case KCL_EXPR_STARRED:
		return compile_starred(c, e);
	case KCL_EXPR_LIST_COMP:
	case KCL_EXPR_DICT_COMP:
		return compile_comp(c, e);
	case KCL_EXPR_CONFIG:
		return kcl_compile_config(c, e);
	case KCL_EXPR_SCHEMA:
		return compile_schema_expr(c, e);
	case KCL_EXPR_LAMBDA:
		return kcl_compile_lambda(c, e);
	case KCL_EXPR_SUBSCRIPT:
		return compile_subscript(c, e);
	case KCL_EXPR_NUMBER:
		return compile_number(c, e);
	case KCL_EXPR_STRING:
		return kcl_code_constant(c, &e->span, kcl_str_value(kcl_literal(c, e->string.s)));
	case KCL_EXPR_CONSTANT:
		return compile_constant(c, e);
	case KCL_EXPR_JOINED:
		return compile_joined(c, e);
	case KCL_EXPR_MISSING:
		break;
	}
	return kcl_code_constant(c, &e->span, kcl_undefined());
}
