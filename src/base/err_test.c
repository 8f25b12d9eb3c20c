#include "base/err.h"

#include <errno.h>
#include <string.h>

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

static void test_err_set_replaces(void **state)
{
	(void)state;
	_cleanup_err_ struct err e = { 0 };
	assert_false(err_is_set(&e));
	assert_string_equal(err_message(&e), "");
	assert_int_equal(err_set(&e, ERR_NOT_FOUND, "reading %s: absent", "x"), -1);
	assert_true(err_is_set(&e));
	err_set_terminal(&e);
	err_add_cause(&e, "FieldValueInvalid", "spec", "bad");
	assert_int_equal(err_set(&e, ERR_CONFLICT, "then: %s", e.message), -1);
	assert_int_equal(e.kind, ERR_CONFLICT);
	assert_string_equal(e.message, "then: reading x: absent");
	assert_false(e.terminal);
	assert_int_equal(e.causes_len, 0);
}

static void test_err_wrap_puts_the_outer_first(void **state)
{
	(void)state;
	_cleanup_err_ struct err e = { 0 };
	assert_int_equal(err_wrap(&e, "not set"), -1);
	assert_false(err_is_set(&e));
	err_set(&e, ERR_TIMEOUT, "no answer");
	err_set_terminal(&e);
	assert_int_equal(err_wrap(&e, "cloning %s", "repo"), -1);
	err_wrap(&e, "deployment a/b");
	assert_string_equal(err_message(&e), "deployment a/b: cloning repo: no answer");
	assert_int_equal(e.kind, ERR_TIMEOUT);
	assert_true(e.terminal);
}

static void test_err_errno_says_why(void **state)
{
	(void)state;
	_cleanup_err_ struct err e = { 0 };
	assert_int_equal(err_set_errno(&e, EACCES, "opening %s", "f"), -1);
	assert_int_equal(e.kind, ERR_INTERNAL);
	assert_string_equal(e.message, "opening f: Permission denied");
	err_set_errno(&e, ENOSPC, "writing");
	assert_int_equal(e.kind, ERR_INSUFFICIENT_STORAGE);
	err_set_errno(&e, 99999, "odd");
	assert_string_equal(e.message, "odd: error 99999");
}

static void test_err_null_is_allowed(void **state)
{
	(void)state;
	assert_int_equal(err_set(NULL, ERR_INVALID, "x"), -1);
	assert_int_equal(err_set_errno(NULL, EIO, "x"), -1);
	assert_int_equal(err_wrap(NULL, "x"), -1);
	assert_int_equal(err_set_terminal(NULL), -1);
	err_add_cause(NULL, "r", "f", "m");
	err_clear(NULL);
	assert_string_equal(err_message(NULL), "");
	struct err src = { 0 };
	err_set(&src, ERR_INVALID, "dropped");
	err_move(NULL, &src);
	assert_false(err_is_set(&src));
}

static void test_err_causes_are_bounded(void **state)
{
	(void)state;
	_cleanup_err_ struct err e = { 0 };
	err_add_cause(&e, "r", "f", "before it is set");
	assert_int_equal(e.causes_len, 0);
	err_set(&e, ERR_INVALID, "invalid");
	for (int i = 0; i < ERR_CAUSES_MAX + 10; i++)
		err_add_cause(&e, "FieldValueRequired", "spec.x", "number %d", i);
	assert_int_equal(e.causes_len, ERR_CAUSES_MAX);
	assert_string_equal(e.causes[0].reason, "FieldValueRequired");
	assert_string_equal(e.causes[0].field, "spec.x");
	assert_string_equal(e.causes[63].message, "number 63");
}

static void test_err_move_and_copy(void **state)
{
	(void)state;
	_cleanup_err_ struct err a = { 0 }, b = { 0 }, c = { 0 };
	err_set(&a, ERR_GONE, "gone");
	err_set_terminal(&a);
	err_add_cause(&a, "r", "f", "m");
	err_copy(&b, &a);
	err_move(&c, &a);
	assert_false(err_is_set(&a));
	assert_null(a.message);
	for (int i = 0; i < 2; i++) {
		const struct err *e = i ? &c : &b;
		assert_int_equal(e->kind, ERR_GONE);
		assert_true(e->terminal);
		assert_string_equal(e->message, "gone");
		assert_int_equal(e->causes_len, 1);
		assert_string_equal(e->causes[0].message, "m");
	}
	assert_ptr_not_equal(b.message, c.message);
	err_clear(&b);
	assert_false(err_is_set(&b));
}

static void test_err_kinds_are_kubernetes_reasons(void **state)
{
	(void)state;
	for (enum err_kind k = ERR_NONE + 1; k < ERR_UNKNOWN; k++) { /* the last one has no reason */
		assert_true(strlen(err_kind_reason(k)) > 0);
		assert_in_range(err_kind_http_code(k), 400, 599);
		assert_int_equal(err_kind_from_reason(err_kind_reason(k), 0), k);
	}
	assert_string_equal(err_kind_reason(ERR_INVALID), "Invalid");
	assert_int_equal(err_kind_http_code(ERR_INVALID), 422);
	assert_int_equal(err_kind_http_code(ERR_TOO_LARGE), 413);
}

static void test_err_kind_from_unknown_reason_uses_the_code(void **state)
{
	(void)state;
	static const struct {
		const char *reason;
		int code;
		enum err_kind kind;
	} cases[] = {
		{ "SomethingNew", 404, ERR_NOT_FOUND }, { NULL, 409, ERR_CONFLICT }, { "", 410, ERR_GONE },
		{ NULL, 429, ERR_TOO_MANY_REQUESTS },   { NULL, 418, ERR_INTERNAL }, { NULL, 0, ERR_INTERNAL },
		{ "NotFound", 500, ERR_NOT_FOUND },     { NULL, 200, ERR_INTERNAL }, { "Expired", 410, ERR_EXPIRED },
	};
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++)
		assert_int_equal(err_kind_from_reason(cases[i].reason, cases[i].code), cases[i].kind);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_err_set_replaces),
		cmocka_unit_test(test_err_wrap_puts_the_outer_first),
		cmocka_unit_test(test_err_errno_says_why),
		cmocka_unit_test(test_err_null_is_allowed),
		cmocka_unit_test(test_err_causes_are_bounded),
		cmocka_unit_test(test_err_move_and_copy),
		cmocka_unit_test(test_err_kinds_are_kubernetes_reasons),
		cmocka_unit_test(test_err_kind_from_unknown_reason_uses_the_code),
	};
	return cmocka_run_group_tests_name("err", tests, NULL, NULL);
}
