/* What operators give and take. */

#include "check/checker.h"

#define BIT(tag) (1u << (tag))
#define NUMBERS (BIT(KCL_T_INT) | BIT(KCL_T_FLOAT))

/* A union of literals is looked at as what variables of it have: 1 | 2 -> int. */
static const struct kcl_type *operand(struct checker *c, const struct kcl_type *t)
{
	return t->tag == KCL_T_UNION ? kcl_type_infer(c->types, t) : t;
}

static bool are_numbers(const struct kcl_type *a, const struct kcl_type *b)
{
	return kcl_type_is_number(a) && kcl_type_is_number(b);
}

static bool are_ints(const struct kcl_type *a, const struct kcl_type *b)
{
	return kcl_type_is(a, KCL_T_INT) && kcl_type_is(b, KCL_T_INT);
}

static const struct kcl_type *number(const struct kcl_type *a, const struct kcl_type *b)
{
	return kcl_type_basic(kcl_type_is(a, KCL_T_FLOAT) || kcl_type_is(b, KCL_T_FLOAT) ? KCL_T_FLOAT : KCL_T_INT);
}

static const struct kcl_type *joined_list(struct checker *c, const struct kcl_type *a, const struct kcl_type *b)
{
	return kcl_type_list(c->types, kcl_type_sup2(c->types, a->element, b->element));
}

static const struct kcl_type *add(struct checker *c, const struct kcl_type *a, const struct kcl_type *b)
{
	if (are_numbers(a, b))
		return number(a, b);
	if (kcl_type_is(a, KCL_T_STR) && kcl_type_is(b, KCL_T_STR))
		return kcl_type_basic(KCL_T_STR);
	return a->tag == KCL_T_LIST && b->tag == KCL_T_LIST ? joined_list(c, a, b) : NULL;
}

static const struct kcl_type *multiply(const struct kcl_type *a, const struct kcl_type *b)
{
	unsigned repeated = NUMBERS | BIT(KCL_T_STR) | BIT(KCL_T_LIST);

	if (are_numbers(a, b))
		return number(a, b);
	if (kcl_type_is(a, KCL_T_INT) && kcl_type_all_of(b, repeated))
		return b;
	return kcl_type_all_of(a, repeated) && kcl_type_is(b, KCL_T_INT) ? a : NULL;
}

static bool is_zero(const struct kcl_type *t)
{
	return t->tag == KCL_T_LITERAL && ((t->literal.of == KCL_T_INT && t->literal.number.i == 0) ||
	                                   (t->literal.of == KCL_T_FLOAT && t->literal.number.f == 0)); /* NOLINT: exact */
}

static const struct kcl_type *divide(struct checker *c, enum kcl_binary_op op, const struct kcl_type *a,
                                     const struct kcl_type *b, const struct kcl_span *span)
{
	if (!are_numbers(a, b))
		return NULL;
	if (is_zero(b))
		check_error(c, "TypeError", span, "integer division or modulo by zero");
	return op == KCL_OP_MOD ? kcl_type_basic(KCL_T_INT) : number(a, b);
}

static const struct kcl_type *joined_dict(struct checker *c, const struct kcl_type *a, const struct kcl_type *b)
{
	uint32_t n = a->dict.attrs_len;
	struct kcl_attr_type *attrs = arena_alloc(c->arena, (n + b->dict.attrs_len + 1) * sizeof(*attrs));

	for (uint32_t i = 0; i < n; i++)
		attrs[i] = a->dict.attrs[i];
	for (uint32_t i = 0; i < b->dict.attrs_len; i++) {
		uint32_t at = 0;

		while (at < n && strcmp(attrs[at].name, b->dict.attrs[i].name) != 0)
			at++;
		attrs[at] = b->dict.attrs[i];
		n += at == n;
	}
	return kcl_type_dict_of(c->types, kcl_type_sup2(c->types, a->dict.key, b->dict.key),
	                        kcl_type_sup2(c->types, a->dict.value, b->dict.value), attrs, n);
}

static const struct kcl_type *unite(struct checker *c, const struct kcl_type *a, const struct kcl_type *b)
{
	if (are_ints(a, b))
		return kcl_type_basic(KCL_T_INT);
	if (a->tag == KCL_T_NONE)
		return b;
	if (b->tag == KCL_T_NONE)
		return a;
	if (a->tag == KCL_T_LIST && b->tag == KCL_T_LIST)
		return joined_list(c, a, b);
	if (a->tag == KCL_T_DICT && b->tag == KCL_T_DICT)
		return joined_dict(c, a, b);
	return a->tag == KCL_T_SCHEMA && (b->tag == KCL_T_SCHEMA || b->tag == KCL_T_DICT) ? a : NULL;
}

static const struct kcl_type *result_of(struct checker *c, enum kcl_binary_op op, const struct kcl_type *a,
                                        const struct kcl_type *b, const struct kcl_span *span)
{
	switch (op) {
	case KCL_OP_ADD:
		return add(c, a, b);
	case KCL_OP_SUB:
	case KCL_OP_POW:
		return are_numbers(a, b) ? number(a, b) : NULL;
	case KCL_OP_MUL:
		return multiply(a, b);
	case KCL_OP_DIV:
	case KCL_OP_FLOORDIV:
	case KCL_OP_MOD:
		return divide(c, op, a, b, span);
	case KCL_OP_BITOR:
		return unite(c, a, b);
	default:
		return are_ints(a, b) ? kcl_type_basic(KCL_T_INT) : NULL;
	}
}

const struct kcl_type *check_binary(struct checker *c, enum kcl_binary_op op, const struct kcl_type *a,
                                    const struct kcl_type *b, const struct kcl_span *span)
{
	static const char *const names[] = { "+", "-", "*", "/", "%", "**", "//", "<<", ">>", "^", "&", "|" };
	const struct kcl_type *t1 = operand(c, a), *t2 = operand(c, b), *result;

	if (t1->tag == KCL_T_ANY || t2->tag == KCL_T_ANY)
		return check_any();
	result = result_of(c, op, t1, t2, span);
	if (result)
		return result;
	check_error(c, "TypeError", span, "unsupported operand type(s) for %s: '%s' and '%s'", names[op], check_shown(c, a),
	            check_shown(c, b));
	return check_any();
}

const struct kcl_type *check_logic(struct checker *c, bool is_or, const struct kcl_type *a, const struct kcl_type *b)
{
	const struct kcl_type *t1 = operand(c, a), *t2 = operand(c, b);

	if (t1->tag == KCL_T_ANY || t2->tag == KCL_T_ANY)
		return check_any();
	return is_or ? kcl_type_sup2(c->types, t1, t2) : kcl_type_basic(KCL_T_BOOL);
}

const struct kcl_type *check_as(struct checker *c, const struct kcl_type *from, const struct kcl_type *to,
                                const struct kcl_span *span)
{
	const struct kcl_type *t1 = operand(c, from), *t2 = operand(c, to);

	if (t1->tag == KCL_T_ANY || t2->tag == KCL_T_ANY)
		return check_any();
	if (!kcl_type_is_upper_bound(c->types, kcl_type_infer(c->types, t1), t2))
		check_error(c, "TypeError", span,
		            "Conversion of type '%s' to type '%s' may be a mistake because neither type sufficiently overlaps "
		            "with the other",
		            kcl_type_shown_full(t1, c->arena), kcl_type_shown_full(t2, c->arena));
	return t2;
}

const struct kcl_type *check_unary(struct checker *c, enum kcl_unary_op op, const struct kcl_type *t,
                                   const struct kcl_span *span)
{
	static const char *const names[] = { "+", "-", "~", "not" };
	const struct kcl_type *v = operand(c, t);

	if (t->tag == KCL_T_ANY)
		return t;
	if (op == KCL_OP_NOT ||
	    (op == KCL_OP_INVERT ? kcl_type_is(v, KCL_T_INT) || kcl_type_is(v, KCL_T_BOOL) : kcl_type_is_number(v)))
		return v;
	check_error(c, "TypeError", span, "bad operand type for unary %s: '%s'", names[op], check_shown(c, t));
	return check_any();
}

static bool comparable(enum kcl_compare_op op, const struct kcl_type *a, const struct kcl_type *b)
{
	unsigned ordered = NUMBERS | BIT(KCL_T_BOOL), primitive = ordered | BIT(KCL_T_STR);
	unsigned dicts = BIT(KCL_T_DICT) | BIT(KCL_T_SCHEMA);
	bool is_in = op == KCL_CMP_IN || op == KCL_CMP_NOT_IN;
	bool is_equality = op == KCL_CMP_EQ || op == KCL_CMP_NE;

	if (is_in && kcl_type_is_iterable(b))
		return true;
	if (!is_in && kcl_type_all_of(a, ordered) && kcl_type_all_of(b, ordered))
		return true;
	if (is_equality &&
	    ((a->tag == KCL_T_LIST && b->tag == KCL_T_LIST) || ((dicts >> a->tag & 1) && (dicts >> b->tag & 1)) ||
	     (kcl_type_all_of(a, primitive) && kcl_type_all_of(b, primitive))))
		return true;
	return (a->tag == KCL_T_NONE || b->tag == KCL_T_NONE) && (is_equality || op == KCL_CMP_IS || op == KCL_CMP_IS_NOT);
}

void check_compare(struct checker *c, enum kcl_compare_op op, const struct kcl_type *a, const struct kcl_type *b,
                   const struct kcl_span *span)
{
	static const char *const names[] = { "==", "!=", "<", "<=", ">", ">=", "in", "not in", "is", "is not" };
	const struct kcl_type *t1 = operand(c, a), *t2 = operand(c, b);

	if (t1->tag == KCL_T_ANY || t2->tag == KCL_T_ANY || comparable(op, t1, t2))
		return;
	check_error(c, "TypeError", span, "unsupported operand type(s) for %s: '%s' and '%s'", names[op],
	            check_shown(c, t1), check_shown(c, t2));
}
