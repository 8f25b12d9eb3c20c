#include "value/arithmetic.h"
#include "value/text.h"

#include <float.h>
#include <math.h>

/* Arithmetic. Integers have 64 bits, or 32 under -r; a result outside is an error that shows it. Mixed with a float an
 * int becomes one. Quirks that programs can see are upstream's: a mixed sum is always held to the range of 32-bit
 * floats, and a difference past 64 bits is told as one past 32. */

static const char *const binary_signs[] = {
	[KCL_OP_ADD] = "+",  [KCL_OP_SUB] = "-",    [KCL_OP_MUL] = "*",       [KCL_OP_DIV] = "/",
	[KCL_OP_MOD] = "%",  [KCL_OP_POW] = "**",   [KCL_OP_FLOORDIV] = "//", [KCL_OP_SHL] = "<<",
	[KCL_OP_SHR] = ">>", [KCL_OP_BITXOR] = "^", [KCL_OP_BITAND] = "&",    [KCL_OP_BITOR] = "|",
};

_Noreturn static void raise_operands(struct kcl_heap *h, enum kcl_binary_op op, struct kcl_value a, struct kcl_value b)
{
	kcl_raise(h, "unsupported operand type(s) for %s: '%s' and '%s'", binary_signs[op], kcl_type_name(h, a),
	          kcl_type_name(h, b));
}

void kcl_raise_int_overflow(struct kcl_heap *h, __int128 value, int bits)
{
	char text[48];
	char *p = text + sizeof(text);
	unsigned __int128 magnitude = value < 0 ? -(unsigned __int128)value : (unsigned __int128)value;

	*--p = '\0';
	do {
		*--p = (char)('0' + (int)(magnitude % 10));
		magnitude /= 10;
	} while (magnitude);
	if (value < 0)
		*--p = '-';
	kcl_raise(h, "%s: A %d bit integer overflow", p, bits);
}

void kcl_raise_float_overflow(struct kcl_heap *h, double value)
{
	if (isinf(value) || isnan(value))
		kcl_raise(h, "%s: A 32-bit floating point number overflow", isnan(value) ? "NaN" : value < 0 ? "-inf" : "inf");

	struct kcl_digits d = kcl_float_digits(value);

	kcl_raise(h, "%s%c%s%se%+d: A 32-bit floating point number overflow", d.negative ? "-" : "", d.digits[0],
	          d.len > 1 ? "." : "", d.digits + 1, d.point - 1);
}

static bool fits(__int128 v, int bits)
{
	return bits == 32 ? v >= INT32_MIN && v <= INT32_MAX : v >= INT64_MIN && v <= INT64_MAX;
}

/* Under -r the operands must have 32 bits as well. */
static struct kcl_value ranged(struct kcl_heap *h, int64_t a, int64_t b, __int128 result, enum kcl_binary_op op)
{
	if (h->strict_range) {
		if (!fits(a, 32) || !fits(b, 32) || !fits(result, 32))
			kcl_raise_int_overflow(h, result, 32);
	} else if (!fits(result, 64)) {
		kcl_raise_int_overflow(h, result, op == KCL_OP_SUB ? 32 : 64);
	}
	return kcl_int((int64_t)result);
}

__int128 kcl_int_power(int64_t base, uint32_t exponent, int bits, bool *ret_fits)
{
	unsigned __int128 result = 1, square = (unsigned __int128)(__int128)base;
	bool square_fits = fits(base, bits), all_fit = true;

	for (; exponent > 0; exponent >>= 1) {
		if (exponent & 1) {
			result *= square;
			all_fit = all_fit && square_fits && fits((__int128)result, bits);
		}
		square_fits = square_fits && fits((__int128)(square * square), bits);
		square *= square;
	}
	*ret_fits = all_fit;
	return (__int128)result;
}

/* A negative exponent is one of 2^32 and less: only -1, 0 and 1 bear it. */
static struct kcl_value int_power(struct kcl_heap *h, int64_t a, int64_t b)
{
	int bits = h->strict_range ? 32 : 64;
	bool all_fit;
	__int128 result = kcl_int_power(a, (uint32_t)b, bits, &all_fit);

	if (!fits(b, 32) || !all_fit)
		kcl_raise_int_overflow(h, result, bits);
	return kcl_int((int64_t)result);
}

static struct kcl_value int_shift(struct kcl_heap *h, enum kcl_binary_op op, int64_t a, int64_t b)
{
	int bits = h->strict_range ? 32 : 64;
	unsigned by = (unsigned)b & 127;

	if (b < 0 || b >= bits || (bits == 32 && !fits(a, 32)))
		kcl_raise_int_overflow(
			h, op == KCL_OP_SHL ? (__int128)((unsigned __int128)(__int128)a << by) : (__int128)a >> by, bits);
	return kcl_int(op == KCL_OP_SHL ? (int64_t)((uint64_t)a << b) : a >> b);
}

static struct kcl_value int_divide(struct kcl_heap *h, enum kcl_binary_op op, int64_t a, int64_t b)
{
	if (b == 0)
		kcl_raise(h, op == KCL_OP_MOD ? "attempt to calculate the remainder with a divisor of zero"
		                              : "attempt to divide by zero");
	if (b == -1)
		return op == KCL_OP_MOD ? kcl_int(0) : ranged(h, a, b, -(__int128)a, op);

	int64_t remainder = a % b;
	bool uneven = remainder != 0 && (a < 0) != (b < 0);

	return kcl_int(op == KCL_OP_MOD ? remainder + (uneven ? b : 0) : a / b - uneven);
}

static struct kcl_value int_binary(struct kcl_heap *h, enum kcl_binary_op op, int64_t a, int64_t b)
{
	switch (op) {
	case KCL_OP_ADD:
		return ranged(h, a, b, (__int128)a + b, op);
	case KCL_OP_SUB:
		return ranged(h, a, b, (__int128)a - b, op);
	case KCL_OP_MUL:
		return ranged(h, a, b, (__int128)a * b, op);
	case KCL_OP_DIV:
		return kcl_float((double)a / (double)b);
	case KCL_OP_POW:
		return int_power(h, a, b);
	case KCL_OP_MOD:
	case KCL_OP_FLOORDIV:
		return int_divide(h, op, a, b);
	case KCL_OP_SHL:
	case KCL_OP_SHR:
		return int_shift(h, op, a, b);
	case KCL_OP_BITXOR:
		return kcl_int(a ^ b);
	case KCL_OP_BITAND:
		return kcl_int(a & b);
	case KCL_OP_BITOR:
		return kcl_int(a | b);
	}
	return kcl_undefined();
}

static bool past_float32(double f)
{
	return f > (double)FLT_MAX || f < -(double)FLT_MAX;
}

/* always: checked even without -r. */
static struct kcl_value ranged_float(struct kcl_heap *h, double a, double b, double result, bool always)
{
	if ((always || h->strict_range) && (past_float32(a) || past_float32(b) || past_float32(result)))
		kcl_raise_float_overflow(h, result);
	return kcl_float(result);
}

static struct kcl_value float_binary(struct kcl_heap *h, enum kcl_binary_op op, struct kcl_value left,
                                     struct kcl_value right)
{
	double a = left.kind == KCL_INT ? (double)left.i : left.f;
	double b = right.kind == KCL_INT ? (double)right.i : right.f;

	switch (op) {
	case KCL_OP_ADD:
		return ranged_float(h, a, b, a + b, left.kind != right.kind);
	case KCL_OP_SUB:
		return ranged_float(h, a, b, a - b, false);
	case KCL_OP_MUL:
		return ranged_float(h, a, b, a * b, false);
	case KCL_OP_POW:
		return ranged_float(h, a, b, pow(a, b), false);
	case KCL_OP_DIV:
		return kcl_float(a / b);
	case KCL_OP_MOD:
		return kcl_float(fmod(a, b));
	case KCL_OP_FLOORDIV:
		return kcl_float(floor(a / b));
	default:
		raise_operands(h, op, left, right);
	}
}

/* ---- strings and lists ---- */

static struct kcl_value concat(struct kcl_heap *h, const struct kcl_str *a, const struct kcl_str *b)
{
	struct kcl_str *s = kcl_str_room(h, (size_t)a->len + b->len);

	memcpy(s->s, a->s, a->len);
	memcpy(s->s + a->len, b->s, b->len);
	return kcl_str_value(s);
}

static size_t repeated_size(struct kcl_heap *h, size_t size, int64_t times)
{
	size_t product;

	if (times < 0 || !size_mul(size, (size_t)times, &product))
		kcl_raise(h, "capacity overflow");
	return product;
}

static struct kcl_value repeat_str(struct kcl_heap *h, const struct kcl_str *s, int64_t times)
{
	struct kcl_str *result = kcl_str_room(h, repeated_size(h, s->len, times));

	for (size_t at = 0; at < result->len; at += s->len)
		memcpy(result->s + at, s->s, s->len);
	return kcl_str_value(result);
}

static struct kcl_value repeat_list(struct kcl_heap *h, const struct kcl_list *l, int64_t times)
{
	size_t len = repeated_size(h, l->len, times);

	if (len > UINT32_MAX)
		kcl_raise(h, "capacity overflow");
	kcl_steps(h, len);

	struct kcl_value result = kcl_list(h, (uint32_t)len);

	for (size_t at = 0; at < len; at += l->len)
		memcpy(result.list->items + at, l->items, l->len * sizeof(*l->items));
	result.list->len = (uint32_t)len;
	return result;
}

static bool multiply(struct kcl_heap *h, struct kcl_value a, struct kcl_value b, struct kcl_value *ret)
{
	struct kcl_value times = a.kind == KCL_INT ? a : b, what = a.kind == KCL_INT ? b : a;

	if (times.kind != KCL_INT || (what.kind != KCL_STR && what.kind != KCL_LIST))
		return false;
	*ret = what.kind == KCL_STR ? repeat_str(h, what.str, times.i) : repeat_list(h, what.list, times.i);
	return true;
}

static struct kcl_value add_lists(struct kcl_heap *h, struct kcl_value a, struct kcl_value b)
{
	if (b.kind != KCL_LIST)
		kcl_raise(h, "can only concatenate list (not \"%s\") to list", kcl_type_name(h, b));

	struct kcl_value result = kcl_list(h, 0);

	kcl_list_extend(h, result.list, a.list);
	kcl_list_extend(h, result.list, b.list);
	return result;
}

static bool is_number(struct kcl_value v)
{
	return v.kind == KCL_INT || v.kind == KCL_FLOAT;
}

struct kcl_value kcl_binary(struct kcl_heap *h, enum kcl_binary_op op, struct kcl_value a, struct kcl_value b)
{
	struct kcl_value result;

	if (a.kind == KCL_INT && b.kind == KCL_INT)
		return int_binary(h, op, a.i, b.i);
	if (is_number(a) && is_number(b))
		return float_binary(h, op, a, b);
	if (op == KCL_OP_ADD && a.kind == KCL_STR && b.kind == KCL_STR)
		return concat(h, a.str, b.str);
	if (op == KCL_OP_ADD && a.kind == KCL_LIST)
		return add_lists(h, a, b);
	if (op == KCL_OP_MUL && multiply(h, a, b, &result))
		return result;
	raise_operands(h, op, a, b);
}

int64_t kcl_as_int(struct kcl_value v)
{
	double f = v.kind == KCL_FLOAT ? v.f : v.kind == KCL_UNIT ? v.unit->value : 0;

	if (v.kind == KCL_INT)
		return v.i;
	if (isnan(f))
		return 0;
	return f >= 0x1p63 ? INT64_MAX : f >= -0x1p63 ? (int64_t)f : INT64_MIN;
}

struct kcl_value kcl_unary(struct kcl_heap *h, enum kcl_unary_op op, struct kcl_value v)
{
	switch (op) {
	case KCL_OP_NOT:
		return kcl_bool(!kcl_truth(v));
	case KCL_OP_INVERT:
		return kcl_int(~kcl_as_int(v));
	case KCL_OP_PLUS:
	case KCL_OP_MINUS:
		break;
	}
	if (!is_number(v))
		kcl_raise(h, "bad operand type for unary %c: '%s'", op == KCL_OP_PLUS ? '+' : '-', kcl_type_name(h, v));
	if (op == KCL_OP_PLUS)
		return v;
	return v.kind == KCL_INT ? kcl_int((int64_t)(0 - (uint64_t)v.i)) : kcl_float(0.0 - v.f);
}
