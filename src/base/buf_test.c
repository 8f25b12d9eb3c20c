#include "base/buf.h"

#include <string.h>

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

static void test_buf_appends(void **state)
{
	(void)state;
	_cleanup_buf_ struct buf b = BUF_INIT(1000);
	assert_string_equal(buf_str(&b), "");
	assert_null(b.data);
	assert_int_equal(buf_puts(&b, "ab"), 0);
	assert_int_equal(buf_putc(&b, 'c'), 0);
	assert_int_equal(buf_append(&b, "de\0f", 4), 0);
	assert_int_equal(buf_printf(&b, "%d-%s", 42, "x"), 0);
	assert_int_equal(b.len, 11);
	assert_memory_equal(b.data, "abcde\0f42-x", 12);
}

static void test_buf_maximum_is_exact(void **state)
{
	(void)state;
	_cleanup_buf_ struct buf b = BUF_INIT(4);
	assert_int_equal(buf_puts(&b, "1234"), 0);
	assert_false(b.failed);
	assert_true(b.cap <= 5);
	assert_int_equal(buf_putc(&b, '5'), -1);
	assert_true(b.failed);
	assert_string_equal(buf_str(&b), "1234");
}

static void test_buf_failure_sticks_and_appends_nothing(void **state)
{
	(void)state;
	_cleanup_buf_ struct buf b = BUF_INIT(5);
	buf_puts(&b, "abc");
	assert_int_equal(buf_puts(&b, "too long"), -1);
	assert_string_equal(buf_str(&b), "abc");
	/* It would fit, but the writer's text would have a hole in it. */
	assert_int_equal(buf_puts(&b, "d"), -1);
	assert_int_equal(buf_printf(&b, "e"), -1);
	assert_null(buf_reserve(&b, 1));
	assert_string_equal(buf_str(&b), "abc");
	buf_reset(&b);
	assert_int_equal(buf_puts(&b, "fine"), 0);
	assert_string_equal(buf_str(&b), "fine");
}

static void test_buf_printf_of_any_length(void **state)
{
	(void)state;
	char text[1000];
	memset(text, 'y', sizeof(text));
	/* Around the size of the stack buffer that is tried first. */
	for (size_t n = 250; n < 262; n++) {
		_cleanup_buf_ struct buf b = BUF_INIT(2000);
		text[n] = '\0';
		assert_int_equal(buf_printf(&b, "<%s>", text), 0);
		assert_int_equal(b.len, n + 2);
		assert_int_equal(b.data[0], '<');
		assert_int_equal(b.data[n + 1], '>');
		text[n] = 'y';
	}
	text[999] = '\0';
	_cleanup_buf_ struct buf tight = BUF_INIT(998);
	assert_int_equal(buf_printf(&tight, "%s", text), -1);
	assert_int_equal(tight.len, 0);
}

static void test_buf_reserve_commit_consume(void **state)
{
	(void)state;
	_cleanup_buf_ struct buf b = BUF_INIT(100000);
	buf_puts(&b, "head:");
	char *p = buf_reserve(&b, 50000);
	assert_non_null(p);
	memset(p, 'z', 50000);
	buf_commit(&b, 3);
	assert_string_equal(buf_str(&b), "head:zzz");
	buf_consume(&b, 5);
	assert_string_equal(buf_str(&b), "zzz");
	buf_consume(&b, 100);
	assert_int_equal(b.len, 0);
	assert_string_equal(buf_str(&b), "");
	assert_null(buf_reserve(&b, SIZE_MAX));
}

static void test_buf_steal_and_clear(void **state)
{
	(void)state;
	_cleanup_buf_ struct buf b = BUF_INIT(10);
	_cleanup_free_ char *nothing = buf_steal(&b);
	assert_string_equal(nothing, "");
	buf_puts(&b, "data");
	_cleanup_free_ char *data = buf_steal(&b);
	assert_string_equal(data, "data");
	assert_null(b.data);
	assert_int_equal(b.max, 10);
	buf_puts(&b, "again");
	buf_clear(&b);
	assert_int_equal(b.len, 0);
	assert_int_equal(b.max, 10);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_buf_appends),
		cmocka_unit_test(test_buf_maximum_is_exact),
		cmocka_unit_test(test_buf_failure_sticks_and_appends_nothing),
		cmocka_unit_test(test_buf_printf_of_any_length),
		cmocka_unit_test(test_buf_reserve_commit_consume),
		cmocka_unit_test(test_buf_steal_and_clear),
	};
	return cmocka_run_group_tests_name("buf", tests, NULL, NULL);
}
