#include "stdlib/builtins.h"
#include "value/arithmetic.h"

static struct kcl_value to_unit(struct kcl_vm *vm, const struct kcl_args *args, enum kcl_unit unit)
{
	struct kcl_heap *h = kcl_vm_heap(vm);
	const char *suffix = kcl_unit_suffix(unit);
	bool divides = unit == KCL_UNIT_n || unit == KCL_UNIT_u || unit == KCL_UNIT_m;
	struct kcl_value v;

	if (!kcl_arg(args, 0, "num", &v))
		kcl_raise(h, "to_%s() missing 1 required positional argument: 'num'", suffix);

	/* The small ones take texts too; for the others what is no number counts as 0. */
	double num = divides ? kcl_convert_float(vm, v) : v.kind == KCL_INT ? (double)v.i : v.kind == KCL_FLOAT ? v.f : 0;
	double by = unit == KCL_UNIT_n   ? 1e-09
	            : unit == KCL_UNIT_u ? 1e-06
	            : unit == KCL_UNIT_m ? 0.001
	                                 : kcl_unit_scale(1, unit);

	return kcl_strz(h, kcl_printf(h, "%lld%s", (long long)kcl_as_int(kcl_float(num / by)), suffix));
}

#define UNIT(name)                                 \
	static KCL_BUILTIN(units_to_##name)            \
	{                                              \
		(void)self;                                \
		return to_unit(vm, args, KCL_UNIT_##name); \
	}
#define FACTOR(name, value)                                  \
	static struct kcl_value units_##name(struct kcl_heap *h) \
	{                                                        \
		(void)h;                                             \
		return value;                                        \
	}

UNIT(n)
UNIT(u)
UNIT(m)
UNIT(K)
UNIT(M)
UNIT(G)
UNIT(T)
UNIT(P)
UNIT(Ki)
UNIT(Mi)
UNIT(Gi)
UNIT(Ti)
UNIT(Pi)

FACTOR(n, kcl_float(1e-09))
FACTOR(u, kcl_float(1e-06))
FACTOR(m, kcl_float(0.001))
FACTOR(K, kcl_int(1000))
FACTOR(M, kcl_int(1000000))
FACTOR(G, kcl_int(1000000000))
FACTOR(T, kcl_int(1000000000000))
FACTOR(P, kcl_int(1000000000000000))
FACTOR(Ki, kcl_int(INT64_C(1) << 10))
FACTOR(Mi, kcl_int(INT64_C(1) << 20))
FACTOR(Gi, kcl_int(INT64_C(1) << 30))
FACTOR(Ti, kcl_int(INT64_C(1) << 40))
FACTOR(Pi, kcl_int(INT64_C(1) << 50))
FACTOR(multiplier, kcl_undefined())

#define TO "(num: int | float) -> str"

const struct kcl_builtin kcl_units_rows[] = {
	{ "n", "int", NULL, units_n, "A billionth." },
	{ "u", "int", NULL, units_u, "A millionth." },
	{ "m", "int", NULL, units_m, "A thousandth." },
	{ "k", "int", NULL, units_K, "1000." },
	{ "K", "int", NULL, units_K, "1000." },
	{ "M", "int", NULL, units_M, "1000 ** 2." },
	{ "G", "int", NULL, units_G, "1000 ** 3." },
	{ "T", "int", NULL, units_T, "1000 ** 4." },
	{ "P", "int", NULL, units_P, "1000 ** 5." },
	{ "Ki", "int", NULL, units_Ki, "1024." },
	{ "Mi", "int", NULL, units_Mi, "1024 ** 2." },
	{ "Gi", "int", NULL, units_Gi, "1024 ** 3." },
	{ "Ti", "int", NULL, units_Ti, "1024 ** 4." },
	{ "Pi", "int", NULL, units_Pi, "1024 ** 5." },
	{ "NumberMultiplier", "units.NumberMultiplier", NULL, units_multiplier, "The type of numbers with a unit." },
	{ "to_n", TO, units_to_n, NULL, "The number in billionths, with their suffix." },
	{ "to_u", TO, units_to_u, NULL, "The number in millionths, with their suffix." },
	{ "to_m", TO, units_to_m, NULL, "The number in thousandths, with their suffix." },
	{ "to_K", TO, units_to_K, NULL, "The number in thousands, with their suffix." },
	{ "to_M", TO, units_to_M, NULL, "The number in millions, with their suffix." },
	{ "to_G", TO, units_to_G, NULL, "The number in units of 1000 ** 3, with their suffix." },
	{ "to_T", TO, units_to_T, NULL, "The number in units of 1000 ** 4, with their suffix." },
	{ "to_P", TO, units_to_P, NULL, "The number in units of 1000 ** 5, with their suffix." },
	{ "to_Ki", TO, units_to_Ki, NULL, "The number in units of 1024, with their suffix." },
	{ "to_Mi", TO, units_to_Mi, NULL, "The number in units of 1024 ** 2, with their suffix." },
	{ "to_Gi", TO, units_to_Gi, NULL, "The number in units of 1024 ** 3, with their suffix." },
	{ "to_Ti", TO, units_to_Ti, NULL, "The number in units of 1024 ** 4, with their suffix." },
	{ "to_Pi", TO, units_to_Pi, NULL, "The number in units of 1024 ** 5, with their suffix." },
	{ 0 },
};
