#ifndef LANG_KCL_VALUE_ARITHMETIC_H
#define LANG_KCL_VALUE_ARITHMETIC_H
/* Private to value/ and stdlib/: integers that are checked against the range that a program runs with. */

#include "value/value.h"

/* A message shows the number that does not fit. */
_Noreturn void kcl_raise_int_overflow(struct kcl_heap *h, __int128 value, int bits);
_Noreturn void kcl_raise_float_overflow(struct kcl_heap *h, double value);
/* base to the power of exponent, wrapping; *ret_fits says whether every step fitted into so many bits. */
__int128 kcl_int_power(int64_t base, uint32_t exponent, int bits, bool *ret_fits);

/* Of a float or a number with a unit the whole part, at the ends of the range what is nearest; 0 of anything else. */
int64_t kcl_as_int(struct kcl_value v);

#endif
