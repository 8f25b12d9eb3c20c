#include "stdlib/library.h"
#include "value/arithmetic.h"

#include <math.h>

/* A number argument: an int or a float, nothing else. */
static struct kcl_value number(struct kcl_vm *vm, const struct kcl_args *args, uint32_t i, const char *name,
                               const char *function)
{
	struct kcl_value v = kcl_none();

	kcl_arg(args, i, name, &v);
	if (v.kind != KCL_INT && v.kind != KCL_FLOAT)
		kcl_raise(kcl_vm_heap(vm), "%s() takes exactly one argument (0 given)", function);
	return v;
}

static double as_double(struct kcl_value v)
{
	return v.kind == KCL_INT ? (double)v.i : v.f;
}

static KCL_BUILTIN(math_ceil)
{
	struct kcl_value x = number(vm, args, 0, "x", "ceil");

	(void)self;
	return x.kind == KCL_INT ? x : kcl_int(kcl_as_int(kcl_float(ceil(x.f))));
}

static KCL_BUILTIN(math_floor)
{
	struct kcl_value x = number(vm, args, 0, "x", "floor");

	(void)self;
	return x.kind == KCL_INT ? x : kcl_int(kcl_as_int(kcl_float(floor(x.f))));
}

static KCL_BUILTIN(math_factorial)
{
	struct kcl_heap *h = kcl_vm_heap(vm);
	struct kcl_value x = kcl_none();
	int64_t result = 1;

	(void)self;
	if (!kcl_arg(args, 0, "x", &x))
		kcl_raise(h, "factorial() takes exactly one argument (0 given)");
	if ((x.kind != KCL_INT && x.kind != KCL_FLOAT) || as_double(x) < 0 || as_double(x) != floor(as_double(x)))
		kcl_raise(h, "factorial() only accepts integral values");
	if (as_double(x) >= 21)
		kcl_raise(h, "factorial() result overflow");
	for (int64_t i = 2; i <= kcl_as_int(x); i++)
		result *= i;
	return x.kind == KCL_INT ? kcl_int(result) : kcl_float((double)result);
}

static KCL_BUILTIN(math_gcd)
{
	struct kcl_value a = kcl_none(), b = kcl_none();

	(void)self;
	kcl_arg(args, 0, "a", &a);
	kcl_arg(args, 1, "b", &b);
	if (a.kind != KCL_INT || b.kind != KCL_INT)
		kcl_raise(kcl_vm_heap(vm), "gcd() takes exactly two arguments (%u given)", args->len);

	uint64_t x = a.i < 0 ? 0 - (uint64_t)a.i : (uint64_t)a.i, y = b.i < 0 ? 0 - (uint64_t)b.i : (uint64_t)b.i;

	while (y) {
		uint64_t rest = x % y;

		x = y;
		y = rest;
	}
	return kcl_int((int64_t)x);
}

static KCL_BUILTIN(math_isfinite)
{
	(void)self;
	return kcl_bool(isfinite(as_double(number(vm, args, 0, "x", "isfinite"))));
}

static KCL_BUILTIN(math_isinf)
{
	(void)self;
	if (args->len > 0 && args->items[0].kind == KCL_BOOL)
		return kcl_bool(false);
	return kcl_bool(isinf(as_double(number(vm, args, 0, "x", "isinf"))));
}

static KCL_BUILTIN(math_isnan)
{
	(void)self;
	return kcl_bool(isnan(as_double(number(vm, args, 0, "x", "isnan"))));
}

static KCL_BUILTIN(math_modf)
{
	struct kcl_heap *h = kcl_vm_heap(vm);
	double whole, fraction = modf(as_double(number(vm, args, 0, "x", "modf")), &whole);
	struct kcl_value result = kcl_list(h, 2);

	(void)self;
	kcl_list_push(h, result.list, kcl_float(fraction));
	kcl_list_push(h, result.list, kcl_float(whole));
	return result;
}

static KCL_BUILTIN(math_exp)
{
	(void)self;
	return kcl_float(exp(as_double(number(vm, args, 0, "x", "exp"))));
}

static KCL_BUILTIN(math_expm1)
{
	(void)self;
	return kcl_float(expm1(as_double(number(vm, args, 0, "x", "expm1"))));
}

/* Of an int the whole part, as upstream has it. */
static KCL_BUILTIN(math_log)
{
	struct kcl_value x = number(vm, args, 0, "x", "log"), base = kcl_float(M_E);

	(void)self;
	if (kcl_arg_set(args, 1, "e", &base) && base.kind != KCL_FLOAT)
		kcl_raise(kcl_vm_heap(vm), "log() takes exactly one argument (0 given)");

	double result = log(as_double(x)) / log(base.f);

	return x.kind == KCL_INT ? kcl_int(kcl_as_int(kcl_float(result))) : kcl_float(result);
}

/* One more than the name says, as upstream has it. */
static KCL_BUILTIN(math_log1p)
{
	(void)self;
	return kcl_float(log1p(as_double(number(vm, args, 0, "x", "log1p")) + 1));
}

static KCL_BUILTIN(math_log2)
{
	struct kcl_value x = number(vm, args, 0, "x", "log2");
	double result = log2(as_double(x));

	(void)self;
	return x.kind == KCL_INT ? kcl_int(kcl_as_int(kcl_float(result))) : kcl_float(result);
}

static KCL_BUILTIN(math_log10)
{
	(void)self;
	return kcl_float(log10(as_double(number(vm, args, 0, "x", "log10"))));
}

static KCL_BUILTIN(math_pow)
{
	struct kcl_heap *h = kcl_vm_heap(vm);
	struct kcl_value x = number(vm, args, 0, "x", "pow"), n = kcl_none();
	bool fits;

	(void)self;
	if (!kcl_arg(args, 1, "n", &n))
		kcl_arg(args, 1, "y", &n);
	if (n.kind != KCL_INT && n.kind != KCL_FLOAT)
		kcl_raise(h, "pow() takes exactly one argument (0 given)");
	if (x.kind != KCL_INT || n.kind != KCL_INT || n.i < 0)
		return kcl_float(pow(as_double(x), as_double(n)));

	__int128 result = kcl_int_power(x.i, n.i > UINT32_MAX ? UINT32_MAX : (uint32_t)n.i, 64, &fits);

	if (!fits)
		kcl_raise_int_overflow(h, result, 64);
	return kcl_int((int64_t)result);
}

static KCL_BUILTIN(math_sqrt)
{
	(void)self;
	return kcl_float(sqrt(as_double(number(vm, args, 0, "x", "sqrt"))));
}

const struct kcl_builtin kcl_math_rows[] = {
	{ "ceil", "(x: int | float) -> int", math_ceil, NULL, "The smallest integer that is not less." },
	{ "factorial", "(x: int | float) -> int", math_factorial, NULL, "1 * 2 * … * x." },
	{ "floor", "(x: int | float) -> int", math_floor, NULL, "The largest integer that is not greater." },
	{ "gcd", "(a: int, b: int) -> int", math_gcd, NULL, "The greatest common divisor." },
	{ "isfinite", "(x: int | float) -> bool", math_isfinite, NULL, "Whether it is neither infinite nor NaN." },
	{ "isinf", "(x: int | float) -> bool", math_isinf, NULL, "Whether it is infinite." },
	{ "isnan", "(x: int | float) -> bool", math_isnan, NULL, "Whether it is NaN." },
	{ "modf", "(x: int | float) -> [float]", math_modf, NULL, "The fraction and the whole part." },
	{ "exp", "(x: int | float) -> float", math_exp, NULL, "e ** x." },
	{ "expm1", "(x: int | float) -> float", math_expm1, NULL, "e ** x - 1." },
	{ "log", "(x: int | float, e?: float) -> float", math_log, NULL, "The logarithm, natural or to a base." },
	{ "log1p", "(x: int | float) -> float", math_log1p, NULL, "The natural logarithm of a number near 1." },
	{ "log2", "(x: int | float) -> float", math_log2, NULL, "The logarithm to base 2." },
	{ "log10", "(x: int | float) -> float", math_log10, NULL, "The logarithm to base 10." },
	{ "pow", "(x: int | float, y: int | float) -> float", math_pow, NULL, "x ** y." },
	{ "sqrt", "(x: int | float) -> float", math_sqrt, NULL, "The square root." },
	{ 0 },
};
