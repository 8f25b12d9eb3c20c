#include "value/text.h"

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

static void test_text_floats(void **state)
{
	static const struct {
		double f;
		const char *str, *document, *python;
	} cases[] = {
		{ 0, "0.0", "0.0", "0.0" },
		{ -0.0, "-0.0", "-0.0", "-0.0" },
		{ 1, "1.0", "1.0", "1.0" },
		{ 0.1, "0.1", "0.1", "0.1" },
		{ 0.1 + 0.2, "0.30000000000000004", "0.30000000000000004", "0.30000000000000004" },
		{ 1e15, "1000000000000000.0", "1000000000000000.0", "1000000000000000.0" },
		{ 1e16, "10000000000000000.0", "1e16", "1e+16" },
		{ 1.5e-9, "0.0000000015", "1.5e-9", "1.5e-09" },
		{ 0.00001234, "0.00001234", "0.00001234", "1.234e-05" },
		{ 0.000001234, "0.000001234", "1.234e-6", "1.234e-06" },
		{ 1234567.25, "1234567.25", "1234567.25", "1234567.25" },
		{ 0x1p-44, "0.00000000000005684341886080802", "5.684341886080802e-14", "5.684341886080802e-14" },
		{ -12345678901234567890.0, "-12345678901234567000.0", "-1.2345678901234567e19", "-1.2345678901234567e+19" },
	};
	char text[KCL_FLOAT_TEXT_SIZE];

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		kcl_float_text(cases[i].f, text);
		assert_string_equal(text, cases[i].str);
		kcl_float_document(cases[i].f, text);
		assert_string_equal(text, cases[i].document);
		kcl_float_python(cases[i].f, text);
		assert_string_equal(text, cases[i].python);
	}
	kcl_float_text((double)INFINITY, text);
	assert_string_equal(text, "inf.0");
	kcl_float_text(-5e-324, text);
	assert_int_equal(strlen(text), 327);
}

/* Every text reads back as the same number, and no shorter one does. */
static void test_text_floats_read_back(void **state)
{
	uint64_t bits = 88172645463325252;
	char text[KCL_FLOAT_TEXT_SIZE];

	(void)state;
	for (int i = 0; i < 20000; i++) {
		double f;

		bits ^= bits << 13;
		bits ^= bits >> 7;
		bits ^= bits << 17;
		memcpy(&f, &bits, sizeof(f));
		if (!isfinite(f))
			continue;
		kcl_float_document(f, text);
		assert_true(strtod(text, NULL) == f);
		kcl_float_text(f, text);
		assert_true(strtod(text, NULL) == f);
	}
}

static void test_text_str(void **state)
{
	struct kcl_value l = kcl_list(heap, 0), d = kcl_dict(heap, 0);

	(void)state;
	kcl_list_push(heap, l.list, kcl_strz(heap, "a"));
	kcl_list_push(heap, l.list, kcl_float(2));
	kcl_list_push(heap, l.list, kcl_undefined());
	kcl_dict_setz(heap, d.dict, "k", l);
	kcl_dict_setz(heap, d.dict, "it's", kcl_strz(heap, "say \"hi\""));
	kcl_dict_setz(heap, d.dict, "both", kcl_strz(heap, "'\""));
	kcl_dict_setz(heap, d.dict, "u", kcl_unit_value(heap, 5, KCL_UNIT_Gi));
	kcl_dict_setz(heap, d.dict, "n", kcl_none());
	kcl_dict_setz(heap, d.dict, "t", kcl_bool(true));
	/* A list's strings stand without quotes, a dict's with them. */
	assert_string_equal(kcl_to_str(heap, d)->s, "{'k': [a, 2.0, Undefined], 'it's': \"say \"hi\"\", 'both': \"'\\\"\", "
	                                            "'u': 5Gi, 'n': None, 't': True}");
	assert_string_equal(kcl_type_name(heap, kcl_unit_value(heap, 5, KCL_UNIT_Gi)), "number_multiplier(5Gi)");
	assert_string_equal(kcl_type_name(heap, kcl_undefined()), "UndefinedType");
	assert_int_equal(kcl_length(heap, kcl_strz(heap, "né")), 2);
}

static const char *formatted(struct kcl_value v, const char *spec)
{
	struct kcl_text t = { .h = heap };

	kcl_text_put_formatted(&t, v, spec, strlen(spec));
	return kcl_text_str(&t).str->s;
}

static void test_text_formats(void **state)
{
	static const struct {
		const char *spec;
		double f; /* an int when it is whole and i is set */
		bool i;
		const char *result;
	} cases[] = {
		{ "", 3, true, "3" },
		{ "", 3, false, "3.0" },
		{ ".2f", 3.14159, false, "3.14" },
		{ ".1f", -5, true, "-5.0" },
		{ "5", 42, true, "   42" },
		{ "<5", 42, true, "42   " },
		{ "^5", 42, true, " 42  " },
		{ "*^6d", 42, true, "**42**" },
		{ "05", -42, true, "-0042" },
		{ "+", 42, true, "+42" },
		{ " d", 42, true, " 42" },
		{ "x", 255, true, "ff" },
		{ "#X", 255, true, "0xFF" },
		{ "#b", 5, true, "0b101" },
		{ "#o", 8, true, "0o10" },
		{ ",", 1234567, true, "1,234,567" },
		{ "_x", 65535 * 16, true, "f_fff0" },
		{ ",.1f", 1234567.25, false, "1,234,567.2" },
		{ "e", 12345.678, false, "1.234568e+04" },
		{ "g", 0.00001, false, "1e-05" },
		{ ".3G", 1234567, false, "1.23E+06" },
		{ ".1%", 0.256, false, "25.6%" },
		{ "é>4", 7, true, "ééé7" },
		{ "%", 1, true, "100.000000%" },
		{ "F", (double)NAN, false, "NAN" },
		{ "", -(double)INFINITY, false, "-inf" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++)
		assert_string_equal(formatted(cases[i].i ? kcl_int((int64_t)cases[i].f) : kcl_float(cases[i].f), cases[i].spec),
		                    cases[i].result);
	assert_string_equal(formatted(kcl_strz(heap, "s"), ">9"), "s");
}

/* In a function of its own: what is kept in registers over a jump is lost. */
static bool is_refused(const char *spec)
{
	struct kcl_failure f;
	volatile bool refused = true;

	f.outer = kcl_failure_push(heap, &f);
	if (!setjmp(f.jump)) {
		formatted(kcl_float(1), spec);
		refused = false;
	}
	kcl_failure_pop(heap, &f);
	return refused;
}

static void test_text_formats_refused(void **state)
{
	static const char *const specs[] = { "z", "5.5.5", "s", ".5000f", "99999999999999999999d", ",g" };

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(specs); i++) {
		if (!is_refused(specs[i]))
			fail_msg("accepted %s", specs[i]);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_text_floats, setup, teardown),
		cmocka_unit_test_setup_teardown(test_text_floats_read_back, setup, teardown),
		cmocka_unit_test_setup_teardown(test_text_str, setup, teardown),
		cmocka_unit_test_setup_teardown(test_text_formats, setup, teardown),
		cmocka_unit_test_setup_teardown(test_text_formats_refused, setup, teardown),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
