#include "value/value.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

static struct kcl_heap *heap;

static int setup(void **state)
{
	(void)state;
	heap = kcl_heap_new();
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	heap = kcl_heap_free(heap);
	return 0;
}

#define FAILS(expression, wanted)               \
	do {                                        \
		struct kcl_failure f;                   \
		volatile bool failed = true;            \
		f.outer = kcl_failure_push(heap, &f);   \
		if (!setjmp(f.jump)) {                  \
			(void)(expression);                 \
			failed = false;                     \
		}                                       \
		kcl_failure_pop(heap, &f);              \
		assert_true(failed);                    \
		assert_string_equal(f.message, wanted); \
	} while (0)

static struct kcl_value str(const char *s)
{
	return kcl_strz(heap, s);
}

/* Numbers up to the first 0x7fff…: a test's shorthand. */
static struct kcl_value list(int n, ...)
{
	struct kcl_value l = kcl_list(heap, 0);
	va_list ap;

	va_start(ap, n);
	for (int i = 0; i < n; i++)
		kcl_list_push(heap, l.list, kcl_int(va_arg(ap, int)));
	va_end(ap);
	return l;
}

static void test_operators_int(void **state)
{
	static const struct {
		int64_t a;
		enum kcl_binary_op op;
		int64_t b, result;
	} cases[] = {
		{ 7, KCL_OP_ADD, -9, -2 },
		{ INT64_MIN, KCL_OP_ADD, INT64_MAX, -1 },
		{ 7, KCL_OP_FLOORDIV, 2, 3 },
		{ -7, KCL_OP_FLOORDIV, 2, -4 },
		{ 7, KCL_OP_FLOORDIV, -2, -4 },
		{ -8, KCL_OP_FLOORDIV, -2, 4 },
		{ 7, KCL_OP_MOD, 3, 1 },
		{ -7, KCL_OP_MOD, 3, 2 },
		{ 7, KCL_OP_MOD, -3, -2 },
		{ INT64_MIN, KCL_OP_MOD, -1, 0 },
		{ 2, KCL_OP_POW, 62, INT64_C(1) << 62 },
		{ -2, KCL_OP_POW, 63, INT64_MIN },
		{ 1, KCL_OP_POW, -5, 1 },
		{ 0, KCL_OP_POW, 0, 1 },
		{ 1, KCL_OP_SHL, 10, 1024 },
		{ 1, KCL_OP_SHL, 63, INT64_MIN },
		{ -1, KCL_OP_SHR, 5, -1 },
		{ 12, KCL_OP_BITAND, 10, 8 },
		{ 12, KCL_OP_BITOR, 10, 14 },
		{ 12, KCL_OP_BITXOR, 10, 6 },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct kcl_value v = kcl_binary(heap, cases[i].op, kcl_int(cases[i].a), kcl_int(cases[i].b));

		assert_int_equal(v.kind, KCL_INT);
		assert_int_equal(v.i, cases[i].result);
	}
	assert_true(kcl_binary(heap, KCL_OP_DIV, kcl_int(7), kcl_int(2)).f == 3.5);
	assert_true(isinf(kcl_binary(heap, KCL_OP_DIV, kcl_int(1), kcl_int(0)).f));
}

static void test_operators_overflow(void **state)
{
	(void)state;
	FAILS(kcl_binary(heap, KCL_OP_ADD, kcl_int(INT64_MAX), kcl_int(1)),
	      "9223372036854775808: A 64 bit integer overflow");
	FAILS(kcl_binary(heap, KCL_OP_SUB, kcl_int(INT64_MIN), kcl_int(1)),
	      "-9223372036854775809: A 32 bit integer overflow");
	FAILS(kcl_binary(heap, KCL_OP_MUL, kcl_int(INT64_MAX), kcl_int(4)),
	      "36893488147419103228: A 64 bit integer overflow");
	FAILS(kcl_binary(heap, KCL_OP_FLOORDIV, kcl_int(INT64_MIN), kcl_int(-1)),
	      "9223372036854775808: A 64 bit integer overflow");
	FAILS(kcl_binary(heap, KCL_OP_POW, kcl_int(10), kcl_int(20)), "100000000000000000000: A 64 bit integer overflow");
	FAILS(kcl_binary(heap, KCL_OP_SHL, kcl_int(1), kcl_int(64)), "18446744073709551616: A 64 bit integer overflow");
	FAILS(kcl_binary(heap, KCL_OP_FLOORDIV, kcl_int(1), kcl_int(0)), "attempt to divide by zero");
	FAILS(kcl_binary(heap, KCL_OP_MOD, kcl_int(1), kcl_int(0)),
	      "attempt to calculate the remainder with a divisor of zero");
	FAILS(kcl_binary(heap, KCL_OP_ADD, kcl_int(1), kcl_float(1e39)), "1e+39: A 32-bit floating point number overflow");
	heap->strict_range = true;
	FAILS(kcl_binary(heap, KCL_OP_ADD, kcl_int(INT32_MAX), kcl_int(1)), "2147483648: A 32 bit integer overflow");
	FAILS(kcl_binary(heap, KCL_OP_POW, kcl_int(2), kcl_int(31)), "2147483648: A 32 bit integer overflow");
	FAILS(kcl_binary(heap, KCL_OP_MUL, kcl_float(2e38), kcl_float(2)),
	      "4e+38: A 32-bit floating point number overflow");
}

static void test_operators_sequences(void **state)
{
	(void)state;
	assert_true(kcl_equal(heap, kcl_binary(heap, KCL_OP_ADD, str("ab"), str("c")), str("abc")));
	assert_true(kcl_equal(heap, kcl_binary(heap, KCL_OP_MUL, kcl_int(3), str("ab")), str("ababab")));
	assert_true(kcl_equal(heap, kcl_binary(heap, KCL_OP_MUL, str("ab"), kcl_int(0)), str("")));
	assert_true(kcl_equal(heap, kcl_binary(heap, KCL_OP_MUL, list(2, 1, 2), kcl_int(2)), list(4, 1, 2, 1, 2)));
	assert_true(kcl_equal(heap, kcl_binary(heap, KCL_OP_MUL, list(0), kcl_int(INT64_MAX)), list(0)));
	assert_true(kcl_equal(heap, kcl_binary(heap, KCL_OP_ADD, list(1, 1), list(1, 2)), list(2, 1, 2)));
	FAILS(kcl_binary(heap, KCL_OP_MUL, str("ab"), kcl_int(-1)), "capacity overflow");
	FAILS(kcl_binary(heap, KCL_OP_ADD, list(0), str("x")), "can only concatenate list (not \"str\") to list");
	FAILS(kcl_binary(heap, KCL_OP_ADD, str("x"), kcl_int(1)), "unsupported operand type(s) for +: 'str' and 'int'");
	FAILS(kcl_binary(heap, KCL_OP_SUB, kcl_unit_value(heap, 1, KCL_UNIT_Mi), kcl_int(1)),
	      "unsupported operand type(s) for -: 'number_multiplier(1Mi)' and 'int'");
	FAILS(kcl_unary(heap, KCL_OP_MINUS, str("x")), "bad operand type for unary -: 'str'");
}

static void test_operators_large_results_end(void **state)
{
	struct kcl_failure f;

	(void)state;
	kcl_heap_reset(heap, &(struct kcl_limits){ .memory = 1 << 20 });
	f.outer = kcl_failure_push(heap, &f);
	if (!setjmp(f.jump)) {
		kcl_binary(heap, KCL_OP_MUL, str("ab"), kcl_int(INT64_C(1) << 31));
		fail();
	}
	assert_non_null(strstr(f.message, "out of memory"));
	if (!setjmp(f.jump)) {
		kcl_binary(heap, KCL_OP_MUL, list(1, 1), kcl_int(INT64_C(1) << 31));
		fail();
	}
	kcl_failure_pop(heap, &f);
}

static void test_operators_compare(void **state)
{
	struct kcl_value d = kcl_dict(heap, 0), same = kcl_dict(heap, 0);

	(void)state;
	kcl_dict_setz(heap, d.dict, "a", kcl_int(1));
	kcl_dict_setz(heap, d.dict, "b", kcl_int(2));
	kcl_dict_setz(heap, same.dict, "b", kcl_float(2));
	kcl_dict_setz(heap, same.dict, "a", kcl_int(1));
	assert_true(kcl_equal(heap, d, same));
	assert_true(kcl_compare(heap, KCL_CMP_EQ, kcl_int(1), kcl_float(1)));
	assert_false(kcl_compare(heap, KCL_CMP_EQ, kcl_bool(true), kcl_int(1)));
	assert_true(kcl_compare(heap, KCL_CMP_LT, kcl_bool(false), kcl_int(1)));
	assert_true(kcl_compare(heap, KCL_CMP_LT, str("a"), str("ab")));
	assert_true(kcl_compare(heap, KCL_CMP_GE, list(2, 1, 3), list(3, 1, 2, 9)));
	assert_true(kcl_compare(heap, KCL_CMP_LE, list(1, 1), list(1, 1)));
	assert_false(kcl_compare(heap, KCL_CMP_LT, kcl_float((double)NAN), kcl_int(1)));
	assert_true(kcl_compare(heap, KCL_CMP_IN, str("b"), d));
	assert_true(kcl_compare(heap, KCL_CMP_IN, str("bc"), str("abcd")));
	assert_true(kcl_compare(heap, KCL_CMP_NOT_IN, kcl_int(3), list(2, 1, 2)));
	assert_true(kcl_compare(heap, KCL_CMP_IS, kcl_none(), kcl_none()));
	FAILS(kcl_compare(heap, KCL_CMP_GT, str("a"), kcl_int(1)),
	      "'>' not supported between instances of 'str' and 'int'");
	FAILS(kcl_compare(heap, KCL_CMP_IN, str("a"), kcl_int(1)), "TypeError: argument of type 'int' is not iterable");
}

static void test_operators_subscript(void **state)
{
	struct kcl_value s = str("aé😀z");

	(void)state;
	assert_true(kcl_equal(heap, kcl_subscript(heap, s, kcl_int(2), false), str("😀")));
	assert_true(kcl_equal(heap, kcl_subscript(heap, s, kcl_int(-1), false), str("z")));
	assert_int_equal(kcl_subscript(heap, list(3, 5, 6, 7), kcl_int(-3), false).i, 5);
	assert_int_equal(kcl_subscript(heap, kcl_dict(heap, 0), kcl_int(1), false).kind, KCL_UNDEFINED);
	assert_int_equal(kcl_subscript(heap, kcl_none(), kcl_int(1), true).kind, KCL_NONE);
	FAILS(kcl_subscript(heap, list(1, 5), kcl_int(1), false), "list index out of range: 1");
	FAILS(kcl_subscript(heap, list(1, 5), kcl_int(-2), false), "index out of bounds: the len is 1 but the index is -2");
	FAILS(kcl_subscript(heap, kcl_int(1), kcl_int(0), false), "'int' object is not subscriptable with 'int'");
}

static void test_operators_slice(void **state)
{
	static const struct {
		const char *lower, *upper, *step, *result;
	} cases[] = {
		{ "", "", "", "aé😀z" }, { "1", "3", "", "é😀" },     { "", "-1", "", "aé😀" },   { "", "", "-1", "z😀éa" },
		{ "", "", "2", "a😀" },  { "3", "0", "-2", "zé" },   { "9", "", "", "" },       { "-9", "2", "", "aé" },
		{ "2", "1", "", "" },   { "", "-9", "-1", "z😀éa" }, { "0", "9", "9000", "a" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct kcl_value bounds[3];
		const char *texts[] = { cases[i].lower, cases[i].upper, cases[i].step };

		for (int j = 0; j < 3; j++)
			bounds[j] = *texts[j] ? kcl_int(strtol(texts[j], NULL, 10)) : kcl_undefined();
		assert_string_equal(kcl_slice(heap, str("aé😀z"), bounds[0], bounds[1], bounds[2]).str->s, cases[i].result);
	}
	assert_true(kcl_equal(heap, kcl_slice(heap, list(4, 1, 2, 3, 4), kcl_int(-2), kcl_undefined(), kcl_int(INT64_MIN)),
	                      list(1, 3)));
	FAILS(kcl_slice(heap, list(0), kcl_none(), kcl_none(), kcl_int(0)), "slice step cannot be zero");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_operators_int, setup, teardown),
		cmocka_unit_test_setup_teardown(test_operators_overflow, setup, teardown),
		cmocka_unit_test_setup_teardown(test_operators_sequences, setup, teardown),
		cmocka_unit_test_setup_teardown(test_operators_large_results_end, setup, teardown),
		cmocka_unit_test_setup_teardown(test_operators_compare, setup, teardown),
		cmocka_unit_test_setup_teardown(test_operators_subscript, setup, teardown),
		cmocka_unit_test_setup_teardown(test_operators_slice, setup, teardown),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
