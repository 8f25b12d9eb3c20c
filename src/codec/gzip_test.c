#include "codec/gzip.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <zlib.h>

#include <cmocka.h>

static void check(const unsigned char *data, size_t len, int level)
{
	struct bytes *b = gzip_compress(data, len, level);
	unsigned char *back = xmalloc(len + 1);
	z_stream z = { .next_in = (unsigned char *)b->data, .avail_in = (uInt)b->len, .next_out = back };

	z.avail_out = (uInt)len + 1;
	assert_int_equal(inflateInit2(&z, 15 + 16), Z_OK); /* gzip's frame only */
	assert_int_equal(inflate(&z, Z_FINISH), Z_STREAM_END);
	assert_int_equal(z.total_out, len);
	assert_int_equal(z.avail_in, 0);
	assert_memory_equal(back, data, len);
	inflateEnd(&z);
	free(back);
	bytes_unref(b);
}

static void test_gzip_is_read_back(void **state)
{
	enum { LEN = 3 * 1024 * 1024 };
	unsigned char *data = xmalloc(LEN);
	uint32_t x = 1;

	(void)state;
	/* Half of it repeats, half of it does not compress at all. */
	for (size_t i = 0; i < LEN; i++) {
		x = x * 1664525 + 1013904223;
		data[i] = i < LEN / 2 ? (unsigned char)(i % 100) : (unsigned char)(x >> 24);
	}
	for (int level = 1; level <= 9; level += 8) {
		check(data, LEN, level);
		check(data + LEN / 2, LEN / 2, level);
		check(data, 1, level);
		check(data, 0, level);
	}
	free(data);
}

static void test_gzip_expand(void **state)
{
	enum { LEN = 200000 };
	char *data = xcalloc(1, LEN);
	struct bytes *packed = gzip_compress(data, LEN, 9), *back = NULL, *twice = bytes_new(NULL, packed->len * 2);
	_cleanup_err_ struct err err = { 0 };

	(void)state;
	assert_true(is_gzip(packed->data, packed->len) && !is_gzip(data, LEN));
	assert_int_equal(gzip_expand(packed->data, packed->len, LEN, &back, &err), 0);
	assert_int_equal(back->len, LEN);
	assert_memory_equal(back->data, data, LEN);
	bytes_unref(back);
	assert_int_equal(gzip_expand(packed->data, packed->len, LEN - 1, &back, &err), -1);
	assert_int_equal(err.kind, ERR_TOO_LARGE);
	err_clear(&err);
	/* Two members are one text. */
	memcpy(twice->data, packed->data, packed->len);
	memcpy(twice->data + packed->len, packed->data, packed->len);
	assert_int_equal(gzip_expand(twice->data, twice->len, 2 * (size_t)LEN, &back, &err), 0);
	assert_int_equal(back->len, 2 * LEN);
	bytes_unref(back);
	for (size_t len = 0; len < packed->len; len += 7) {
		assert_int_equal(gzip_expand(packed->data, len, LEN, &back, &err), -1);
		assert_int_equal(err.kind, ERR_INVALID);
		err_clear(&err);
	}
	bytes_unref(twice);
	bytes_unref(packed);
	free(data);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_gzip_is_read_back), cmocka_unit_test(test_gzip_expand) };
	return cmocka_run_group_tests_name("gzip", tests, NULL, NULL);
}
