#include "base/str.h"
#include "check/checker.h"

/* ---- with what is expected ---- */

const struct kcl_type *check_expecting(struct checker *c, const struct kcl_expr *e, const struct kcl_type *expected)
{
	bool is_config = expected->tag == KCL_T_SCHEMA || expected->tag == KCL_T_LIST || expected->tag == KCL_T_DICT ||
	                 expected->tag == KCL_T_UNION;

	check_expect(c, is_config ? expected : NULL);

	const struct kcl_type *type = check_expr(c, e);

	check_expect_end(c, 1);
	return type;
}

const struct kcl_type *check_expr_as(struct checker *c, const struct kcl_expr *e, const struct kcl_type *expected,
                                     const struct kcl_span *span)
{
	const struct kcl_type *type = check_expecting(c, e, expected);

	check_assignable(c, type, expected, span);
	return type;
}

void check_must_be(struct checker *c, const struct kcl_expr *e, const struct kcl_type *expected)
{
	check_assignable(c, check_expr(c, e), expected, &e->span);
}

/* ---- lists ---- */

static const struct kcl_type *sup_of(struct checker *c, const struct kcl_exprs *exprs)
{
	const struct kcl_type **types = xcalloc(exprs->len, sizeof(*types));

	for (uint32_t i = 0; i < exprs->len; i++)
		types[i] = check_expr(c, exprs->items[i]);

	const struct kcl_type *result = kcl_type_sup(c->types, types, exprs->len);

	free(types);
	return result;
}

static const struct kcl_type *check_list(struct checker *c, const struct kcl_expr *e)
{
	check_expect_key(c, "[]");

	const struct kcl_type *item = sup_of(c, &e->list);

	check_expect_end(c, 1);
	return kcl_type_list(c->types, item);
}

static const struct kcl_type *check_list_if(struct checker *c, const struct kcl_expr *e)
{
	check_expr(c, e->list_if.condition);

	const struct kcl_type *otherwise = check_optional_expr(c, e->list_if.orelse);

	if (otherwise->tag == KCL_T_LIST)
		otherwise = otherwise->element;
	return kcl_type_sup2(c->types, otherwise, sup_of(c, &e->list_if.items));
}

/* The type of what `*` unpacks; NULL when nothing can be unpacked. */
static const struct kcl_type *starred_item(struct checker *c, const struct kcl_type *t)
{
	const struct kcl_type *item = kcl_type_basic(KCL_T_VOID);

	switch (t->tag) {
	case KCL_T_NONE:
	case KCL_T_ANY:
		return t;
	case KCL_T_LIST:
		return t->element;
	case KCL_T_DICT:
		return t->dict.key;
	case KCL_T_SCHEMA:
		return kcl_type_basic(KCL_T_STR);
	case KCL_T_UNION:
		for (uint32_t i = 0; item && i < t->of_union.len; i++) {
			const struct kcl_type *one = starred_item(c, t->of_union.items[i]);

			item = one ? kcl_type_sup2(c->types, item, one) : NULL;
		}
		return item;
	default:
		return NULL;
	}
}

static const struct kcl_type *check_starred(struct checker *c, const struct kcl_expr *e)
{
	const struct kcl_type *item = starred_item(c, check_expr(c, e->starred));

	if (item)
		return item;
	check_error(c, "CompileError", &e->starred->span, "only list, dict, schema object can be used * unpacked, got any");
	return check_any();
}

/* ---- strings ---- */

static const struct kcl_type *check_joined(struct checker *c, const struct kcl_expr *e)
{
	c->is_store = false;
	for (uint32_t i = 0; i < e->joined.len; i++) {
		const struct kcl_joined_part *part = &e->joined.parts[i];

		if (!part->expr)
			continue;
		if (part->format && strcasecmp(part->format, "#json") != 0 && strcasecmp(part->format, "#yaml") != 0)
			check_error(c, "CompileError", &part->expr->span, "%s is a invalid format spec", part->format);
		check_expr(c, part->expr);
	}
	return kcl_type_basic(KCL_T_STR);
}

/* ---- names and operators ---- */

static const struct kcl_type *check_name_expr(struct checker *c, const struct kcl_expr *e)
{
	struct kcl_span span = c->here;

	return check_names(c, &e->name, check_package_of(c, &e->name), &span);
}

static struct kcl_span between(const struct kcl_expr *a, const struct kcl_expr *b)
{
	return (struct kcl_span){ a->span.line, a->span.column, b->span.end_line, b->span.end_column };
}

static const struct kcl_type *check_binary_expr(struct checker *c, const struct kcl_expr *e)
{
	const struct kcl_type *a = check_expr(c, e->binary.left), *b = check_expr(c, e->binary.right);
	struct kcl_span span = between(e->binary.left, e->binary.right);

	return check_binary(c, e->binary.op, a, b, &span);
}

static const struct kcl_type *check_logic_expr(struct checker *c, const struct kcl_expr *e)
{
	const struct kcl_type *a = check_expr(c, e->logic.left);

	return check_logic(c, e->logic.is_or, a, check_expr(c, e->logic.right));
}

static const struct kcl_type *check_as_expr(struct checker *c, const struct kcl_expr *e)
{
	const struct kcl_type *from = check_expr(c, e->as.operand);
	const struct kcl_type *to = check_instance(check_type_expr(c, e->as.type, &e->as.type->span));
	struct kcl_span span = e->as.operand->span;

	span.end_line = e->as.type->span.end_line;
	span.end_column = e->as.type->span.end_column;
	return check_as(c, from, to, &span);
}

/* Upstream looks at the first pair, and at those behind the second. */
static const struct kcl_type *check_compare_expr(struct checker *c, const struct kcl_expr *e)
{
	const struct kcl_type *first = check_expr(c, e->compare.first);
	const struct kcl_type *second = check_expr(c, e->compare.operands[0]);
	struct kcl_span span = between(e->compare.first, e->compare.operands[0]);

	check_compare(c, e->compare.ops[0], first, second, &span);
	for (uint32_t i = 1; i + 1 < e->compare.len; i++)
		check_compare(c, e->compare.ops[i + 1], first, check_expr(c, e->compare.operands[i]),
		              &e->compare.operands[i]->span);
	return kcl_type_basic(KCL_T_BOOL);
}

static const struct kcl_type *check_ternary(struct checker *c, const struct kcl_expr *e)
{
	check_expr(c, e->ternary.condition);

	const struct kcl_type *then = check_expr(c, e->ternary.then);

	return kcl_type_sup2(c->types, then, check_expr(c, e->ternary.otherwise));
}

static const struct kcl_type *check_selector(struct checker *c, const struct kcl_expr *e)
{
	const struct kcl_type *t = check_expr(c, e->selector.object);
	struct kcl_span span = check_names_span(&e->selector.attr), behind = e->selector.object->span;

	behind.line = behind.end_line;
	behind.column = behind.end_column;
	if (t->tag == KCL_T_MODULE && e->selector.is_optional)
		check_error(c, "CompileError", &behind,
		            "For the module type, the use of '?.%s' is unnecessary and it can be modified as '.%s'",
		            e->selector.attr.items[0].s, e->selector.attr.items[0].s);
	for (uint32_t i = 0; i < e->selector.attr.len; i++)
		t = check_attr(c, t, e->selector.attr.items[i].s, &span);
	return t;
}

static const struct kcl_type *check_constant(struct checker *c, enum kcl_constant constant)
{
	if (constant == KCL_CONST_TRUE || constant == KCL_CONST_FALSE)
		return kcl_type_bool(c->types, constant == KCL_CONST_TRUE);
	return kcl_type_basic(KCL_T_NONE);
}

/* ---- all of them ---- */

static const struct kcl_type *walk(struct checker *c, const struct kcl_expr *e)
{
	if (kcl_stopped(c->types->stop))
		return check_any();
	switch (e->kind) {
	case KCL_EXPR_NAME:
		return check_name_expr(c, e);
	case KCL_EXPR_UNARY:
		return check_unary(c, e->unary.op, check_expr(c, e->unary.operand), &e->unary.operand->span);
	case KCL_EXPR_BINARY:
		return check_binary_expr(c, e);
	case KCL_EXPR_COMPARE:
		return check_compare_expr(c, e);
	case KCL_EXPR_LOGIC:
		return check_logic_expr(c, e);
	case KCL_EXPR_AS:
		return check_as_expr(c, e);
	case KCL_EXPR_TERNARY:
		return check_ternary(c, e);
	case KCL_EXPR_SELECTOR:
		return check_selector(c, e);
	case KCL_EXPR_CALL:
		return check_call(c, e);
	case KCL_EXPR_PAREN:
		return check_expr(c, e->paren);
	case KCL_EXPR_QUANTIFIER:
		return check_quantifier(c, e);
	case KCL_EXPR_LIST:
		return check_list(c, e);
	case KCL_EXPR_LIST_IF:
		return check_list_if(c, e);
	case KCL_EXPR_STARRED:
		return check_starred(c, e);
	case KCL_EXPR_LIST_COMP:
	case KCL_EXPR_DICT_COMP:
		return check_comprehension(c, e);
	case KCL_EXPR_CONFIG:
		return check_entries(c, e->config.entries);
	case KCL_EXPR_SCHEMA:
		return check_schema_expr(c, e);
	case KCL_EXPR_LAMBDA:
		return check_lambda(c, e);
	case KCL_EXPR_SUBSCRIPT:
		return check_subscript(c, e);
	case KCL_EXPR_NUMBER:
		return kcl_type_number(c->types, &e->number);
	case KCL_EXPR_STRING:
		return kcl_type_str(c->types, e->string.s);
	case KCL_EXPR_CONSTANT:
		return check_constant(c, e->constant);
	case KCL_EXPR_JOINED:
		return check_joined(c, e);
	default:
		return check_any();
	}
}

const struct kcl_type *check_expr(struct checker *c, const struct kcl_expr *e)
{
	if (e->kind == KCL_EXPR_NAME)
		c->here = e->span;
	return walk(c, e);
}

const struct kcl_type *check_optional_expr(struct checker *c, const struct kcl_expr *e)
{
	return e ? walk(c, e) : check_any();
}
