#include "stdlib/builtins.h"
#include "value/arithmetic.h"

#include "base/str.h"

#include <math.h>
#include <stdio.h>

KCL_BUILTIN(kcl_builtin_abs)
{
	struct kcl_value v = kcl_arg_need(vm, args, 0, "inval", "abs() takes exactly one argument (0 given)");

	(void)self;
	if (v.kind == KCL_INT)
		return kcl_int(v.i < 0 ? (int64_t)(0 - (uint64_t)v.i) : v.i);
	return v.kind == KCL_FLOAT ? kcl_float(fabs(v.f)) : kcl_undefined();
}

KCL_BUILTIN(kcl_builtin_multiplyof)
{
	struct kcl_heap *h = kcl_vm_heap(vm);
	struct kcl_value a, b;

	(void)self;
	if (!kcl_arg(args, 0, "a", &a) || !kcl_arg(args, 1, "b", &b))
		kcl_raise(h, "multiplyof() takes exactly two argument (%u given)", args->len);
	if (a.kind != KCL_INT || b.kind != KCL_INT)
		return kcl_undefined();
	return kcl_bool(kcl_binary(h, KCL_OP_MOD, a, b).i == 0);
}

/* ---- texts of integers ---- */

static struct kcl_value int_text(struct kcl_vm *vm, const struct kcl_args *args, const char *format,
                                 const char *missing)
{
	struct kcl_value v = kcl_arg_need(vm, args, 0, "number", missing);
	struct kcl_text t = { .h = kcl_vm_heap(vm) };

	if (v.kind != KCL_INT)
		return kcl_undefined();
	kcl_text_put_formatted(&t, v, format, strlen(format));
	return kcl_text_str(&t);
}

KCL_BUILTIN(kcl_builtin_hex)
{
	(void)self;
	return int_text(vm, args, "#x", "hex() takes exactly one argument (0 given)");
}

KCL_BUILTIN(kcl_builtin_oct)
{
	(void)self;
	return int_text(vm, args, "#o", "oct() takes exactly one argument (0 given)");
}

KCL_BUILTIN(kcl_builtin_bin)
{
	(void)self;
	return int_text(vm, args, "#b", "bin() takes exactly one argument (0 given)");
}

KCL_BUILTIN(kcl_builtin_ord)
{
	struct kcl_value v = kcl_arg_need(vm, args, 0, "c", "ord() takes exactly one argument (0 given)");
	uint32_t point;

	(void)self;
	if (v.kind != KCL_STR)
		return kcl_undefined();
	if (kcl_length(kcl_vm_heap(vm), v) != 1)
		kcl_raise(kcl_vm_heap(vm), " ord() expected string of length 1, but string of length %u found", v.str->len);
	return utf8_next(v.str->s, v.str->len, &point) ? kcl_int(point) : kcl_undefined();
}

/* ---- pow() ---- */

/* Square and multiply; the remainder has the sign of what is divided, as in C. */
static struct kcl_value power_modulo(struct kcl_heap *h, struct kcl_value x, struct kcl_value y, int64_t z)
{
	__int128 answer = 1, base = x.i;

	if (z == 0)
		kcl_raise(h, "pow() 3rd argument cannot be 0");
	if (x.kind != KCL_INT || y.kind != KCL_INT)
		kcl_raise(h, "pow() 3rd argument not allowed unless all arguments are integers");
	if (y.i < 0)
		kcl_raise(h, "pow() 2nd argument cannot be negative when 3rd argument specified");
	for (int64_t exponent = y.i; exponent > 0; exponent /= 2) {
		if (exponent % 2 == 1)
			answer = answer * base % z;
		base = base * base % z;
	}
	return kcl_int((int64_t)answer);
}

KCL_BUILTIN(kcl_builtin_pow)
{
	struct kcl_value x, y, z = kcl_none();

	(void)self;
	if (!kcl_arg(args, 0, "x", &x) || !kcl_arg(args, 1, "y", &y))
		return kcl_undefined();
	kcl_arg(args, 2, "z", &z);
	if (z.kind == KCL_INT)
		return power_modulo(kcl_vm_heap(vm), x, y, z.i);
	if ((x.kind != KCL_INT && x.kind != KCL_FLOAT) || (y.kind != KCL_INT && y.kind != KCL_FLOAT))
		return kcl_undefined();

	double result = pow(x.kind == KCL_INT ? (double)x.i : x.f, y.kind == KCL_INT ? (double)y.i : y.f);
	bool whole = x.kind == KCL_INT && y.kind == KCL_INT && y.i >= 0;

	return whole ? kcl_int(kcl_as_int(kcl_float(result))) : kcl_float(result);
}

/* ---- round() ---- */

/* The factors that number the digits, in two steps: one alone may be past a double's range. */
static struct kcl_value round_digits(double number, int64_t digits)
{
	double first = pow(10, (double)(digits > 22 ? digits - 22 : digits < 0 ? -digits : digits));
	double second = digits > 22 ? 1e22 : 1;
	double scaled = digits < 0 ? number / first : number * first * second;

	if (!isfinite(scaled))
		return kcl_float(number);

	double rounded = round(scaled);

	if (fabs(scaled - rounded) == 0.5)
		rounded = 2 * round(scaled / 2); /* halves go to the even neighbour */

	double result = digits < 0 ? rounded * first : rounded / second / first;

	return isfinite(result) ? kcl_float(result) : kcl_undefined();
}

KCL_BUILTIN(kcl_builtin_round)
{
	struct kcl_value number, digits = kcl_none();

	(void)vm;
	(void)self;
	if (!kcl_arg(args, 0, "number", &number))
		return kcl_undefined();
	kcl_arg(args, 1, "ndigits", &digits);
	if (number.kind == KCL_INT)
		return digits.kind == KCL_INT ? kcl_float((double)number.i) : number;
	if (number.kind != KCL_FLOAT)
		return kcl_undefined();
	if (digits.kind != KCL_INT)
		return kcl_int(kcl_as_int(kcl_float(round(number.f))));
	return digits.i == 0 ? kcl_float(round(number.f)) : round_digits(number.f, digits.i);
}
