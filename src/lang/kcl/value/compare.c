#include "value/value.h"

/* ---- equality ---- */

static bool equal_lists(struct kcl_heap *h, const struct kcl_list *a, const struct kcl_list *b)
{
	if (a == b)
		return true;
	if (a->len != b->len)
		return false;
	for (uint32_t i = 0; i < a->len; i++)
		if (!kcl_equal(h, a->items[i], b->items[i]))
			return false;
	return true;
}

static bool equal_dicts(struct kcl_heap *h, const struct kcl_dict *a, const struct kcl_dict *b)
{
	if (a == b)
		return true;
	if (a->len != b->len)
		return false;
	for (uint32_t i = 0; i < a->len; i++) {
		const struct kcl_pair *other = kcl_dict_find(b, a->pairs[i].key);

		if (!other || !kcl_equal(h, a->pairs[i].value, other->value))
			return false;
	}
	return true;
}

static bool equal_numbers(struct kcl_value a, struct kcl_value b)
{
	if (a.kind == KCL_INT && b.kind == KCL_INT)
		return a.i == b.i;
	return (a.kind == KCL_INT ? (double)a.i : a.f) == (b.kind == KCL_INT ? (double)b.i : b.f);
}

static bool is_number(struct kcl_value v)
{
	return v.kind == KCL_INT || v.kind == KCL_FLOAT;
}

/* Numbers with a unit equal nothing, not even themselves, as upstream has it. */
bool kcl_equal(struct kcl_heap *h, struct kcl_value a, struct kcl_value b)
{
	if (is_number(a) && is_number(b))
		return equal_numbers(a, b);
	if (a.kind != b.kind)
		return false;
	kcl_stack_check(h);
	kcl_steps(h, 1);
	switch ((enum kcl_kind)a.kind) {
	case KCL_UNDEFINED:
	case KCL_NONE:
		return true;
	case KCL_BOOL:
		return a.b == b.b;
	case KCL_STR:
		return kcl_str_equal(a.str, b.str);
	case KCL_LIST:
		return equal_lists(h, a.list, b.list);
	case KCL_DICT:
	case KCL_SCHEMA:
		return equal_dicts(h, kcl_as_dict(a), kcl_as_dict(b));
	case KCL_FUNCTION:
		return a.function == b.function;
	case KCL_TYPE:
		return a.type == b.type;
	default:
		return false;
	}
}

/* ---- order ---- */

static bool holds(enum kcl_compare_op op, int order)
{
	switch (op) {
	case KCL_CMP_LT:
		return order < 0;
	case KCL_CMP_LE:
		return order <= 0;
	case KCL_CMP_GT:
		return order > 0;
	default:
		return order >= 0;
	}
}

_Noreturn static void raise_order(struct kcl_heap *h, enum kcl_compare_op op, struct kcl_value a, struct kcl_value b)
{
	const char *sign = op == KCL_CMP_LT ? "<" : op == KCL_CMP_LE ? "<=" : op == KCL_CMP_GT ? ">" : ">=";

	kcl_raise(h, "'%s' not supported between instances of '%s' and '%s'", sign, kcl_type_name(h, a),
	          kcl_type_name(h, b));
}

static int order_strs(const struct kcl_str *a, const struct kcl_str *b)
{
	int order = memcmp(a->s, b->s, a->len < b->len ? a->len : b->len);

	return order ? order : (a->len > b->len) - (a->len < b->len);
}

static bool order_floats(enum kcl_compare_op op, double a, double b)
{
	return op == KCL_CMP_LT ? a < b : op == KCL_CMP_LE ? a <= b : op == KCL_CMP_GT ? a > b : a >= b;
}

/* The first items that differ decide, else the lengths. */
static bool order_lists(struct kcl_heap *h, enum kcl_compare_op op, const struct kcl_list *a, const struct kcl_list *b)
{
	for (uint32_t i = 0; i < a->len && i < b->len; i++)
		if (!kcl_equal(h, a->items[i], b->items[i]))
			return kcl_compare(h, op, a->items[i], b->items[i]);
	return holds(op, (a->len > b->len) - (a->len < b->len));
}

static bool order(struct kcl_heap *h, enum kcl_compare_op op, struct kcl_value a, struct kcl_value b)
{
	kcl_stack_check(h);
	if (a.kind == KCL_STR && b.kind == KCL_STR)
		return holds(op, order_strs(a.str, b.str));
	if (a.kind == KCL_LIST && b.kind == KCL_LIST)
		return order_lists(h, op, a.list, b.list);

	struct kcl_value x = a.kind == KCL_BOOL ? kcl_int(a.b) : a, y = b.kind == KCL_BOOL ? kcl_int(b.b) : b;

	if (!is_number(x) || !is_number(y))
		raise_order(h, op, a, b);
	if (x.kind == KCL_INT && y.kind == KCL_INT)
		return holds(op, (x.i > y.i) - (x.i < y.i));
	return order_floats(op, x.kind == KCL_INT ? (double)x.i : x.f, y.kind == KCL_INT ? (double)y.i : y.f);
}

/* ---- membership ---- */

static bool contains(struct kcl_heap *h, struct kcl_value what, struct kcl_value where)
{
	switch ((enum kcl_kind)where.kind) {
	case KCL_STR:
		kcl_steps(h, 1 + where.str->len / 64);
		return what.kind == KCL_STR && memmem(where.str->s, where.str->len, what.str->s, what.str->len) != NULL;
	case KCL_LIST:
		for (uint32_t i = 0; i < where.list->len; i++)
			if (kcl_equal(h, what, where.list->items[i]))
				return true;
		kcl_steps(h, where.list->len);
		return false;
	case KCL_DICT:
	case KCL_SCHEMA:
		return what.kind == KCL_STR ? kcl_dict_find(kcl_as_dict(where), what.str) != NULL
		                            : kcl_dict_findz(kcl_as_dict(where), "") != NULL;
	default:
		kcl_raise(h, "TypeError: argument of type '%s' is not iterable", kcl_type_name(h, where));
	}
}

bool kcl_compare(struct kcl_heap *h, enum kcl_compare_op op, struct kcl_value a, struct kcl_value b)
{
	switch (op) {
	case KCL_CMP_EQ:
	case KCL_CMP_IS:
		return kcl_equal(h, a, b);
	case KCL_CMP_NE:
	case KCL_CMP_IS_NOT:
		return !kcl_equal(h, a, b);
	case KCL_CMP_IN:
		return contains(h, a, b);
	case KCL_CMP_NOT_IN:
		return !contains(h, a, b);
	default:
		return order(h, op, a, b);
	}
}
