#include "value/value.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

static void test_heap_limits(void **state)
{
	(void)state;
	_cleanup_(kcl_heap_freep) struct kcl_heap *h = kcl_heap_new();
	struct kcl_failure f;
	kcl_heap_reset(h, &(struct kcl_limits){ .memory = 1 << 20 });
	f.outer = kcl_failure_push(h, &f);
	if (!setjmp(f.jump)) {
		for (;;)
			memset(kcl_alloc(h, 100), 1, 100);
	}
	kcl_failure_pop(h, &f);
	assert_non_null(strstr(f.message, "out of memory"));
	assert_in_range(kcl_heap_used(h), 1 << 19, 3 << 20);

	kcl_heap_reset(h, &(struct kcl_limits){ .steps = 1000 });
	volatile unsigned rounds = 0;
	f.outer = kcl_failure_push(h, &f);
	if (!setjmp(f.jump)) {
		for (;; rounds++)
			kcl_steps(h, 1);
	}
	kcl_failure_pop(h, &f);
	assert_int_equal(rounds, 1000);
	assert_string_equal(f.code, "EvaluationError");
}

static void test_heap_grow_in_place(void **state)
{
	(void)state;
	_cleanup_(kcl_heap_freep) struct kcl_heap *h = kcl_heap_new();
	int *p = kcl_grow(h, NULL, 0, 4, sizeof(*p));
	p[3] = 7;
	int *q = kcl_grow(h, p, 4, 8, sizeof(*p));
	assert_ptr_equal(p, q);
	kcl_alloc(h, 1);
	q = kcl_grow(h, p, 8, 16, sizeof(*p));
	assert_ptr_not_equal(p, q);
	assert_int_equal(q[3], 7);
}

static void test_dict_many_keys(void **state)
{
	(void)state;
	_cleanup_(kcl_heap_freep) struct kcl_heap *h = kcl_heap_new();
	struct kcl_dict *d = kcl_dict(h, 0).dict;
	char key[32];
	for (int i = 0; i < 1000; i++) {
		snprintf(key, sizeof(key), "key%d", i);
		kcl_dict_setz(h, d, key, kcl_int(i));
	}
	kcl_dict_setz(h, d, "key500", kcl_str(h, "new", 3));
	assert_int_equal(d->len, 1000);
	assert_int_equal(kcl_dict_get(d, "key999").i, 999);
	assert_int_equal(kcl_dict_get(d, "key500").kind, KCL_STR);
	assert_true(kcl_dict_remove(d, kcl_strz(h, "key0").str));
	assert_false(kcl_dict_remove(d, kcl_strz(h, "key0").str));
	assert_int_equal(kcl_dict_get(d, "key1").i, 1);
	assert_int_equal(kcl_dict_get(d, "key0").kind, KCL_UNDEFINED);
	assert_string_equal(d->pairs[0].key->s, "key1");

	struct kcl_value copy = kcl_copy(h, (struct kcl_value){ .kind = KCL_DICT, .dict = d });
	kcl_dict_setz(h, copy.dict, "key1", kcl_int(-1));
	assert_int_equal(kcl_dict_get(d, "key1").i, 1);
	assert_int_equal(kcl_dict_get(copy.dict, "key1").i, -1);
}

static void test_truth(void **state)
{
	(void)state;
	_cleanup_(kcl_heap_freep) struct kcl_heap *h = kcl_heap_new();
	assert_false(kcl_truth(kcl_undefined()));
	assert_false(kcl_truth(kcl_none()));
	assert_false(kcl_truth(kcl_float(-0.0)));
	assert_false(kcl_truth(kcl_strz(h, "")));
	assert_false(kcl_truth(kcl_dict(h, 4)));
	assert_true(kcl_truth(kcl_strz(h, "False")));
	assert_true(kcl_truth(kcl_unit_value(h, 1, KCL_UNIT_Ki)));
}

static void test_units(void **state)
{
	(void)state;
	static const struct {
		int64_t raw;
		enum kcl_unit unit;
		double value;
	} cases[] = {
		{ 1, KCL_UNIT_Ki, 1024 }, { 3, KCL_UNIT_K, 3000 },    { 2, KCL_UNIT_Pi, 0x1p51 },    { 1500, KCL_UNIT_m, 1.5 },
		{ 1, KCL_UNIT_n, 1e-9 },  { 2000000, KCL_UNIT_u, 2 }, { 1000000, KCL_UNIT_P, 1e21 }, { 9, KCL_UNIT_NONE, 9 },
	};
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++)
		assert_true(kcl_unit_scale(cases[i].raw, cases[i].unit) == cases[i].value);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_heap_limits),    cmocka_unit_test(test_heap_grow_in_place),
		cmocka_unit_test(test_dict_many_keys), cmocka_unit_test(test_truth),
		cmocka_unit_test(test_units),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
