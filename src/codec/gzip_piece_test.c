#include "codec/gzip_piece.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <zlib.h>

#include <cmocka.h>

enum { PIECES = 5 };
/* Of all sizes: none, a byte, what repeats, what does not compress. */
static const size_t LENGTHS[PIECES] = { 300000, 0, 1, 70000, 4096 };

static void fill(unsigned char *data, size_t len, size_t which)
{
	uint32_t x = (uint32_t)which + 1;

	for (size_t i = 0; i < len; i++) {
		x = x * 1664525 + 1013904223;
		data[i] = which == 0 ? (unsigned char)("{\"type\":\"object\"}"[i % 17]) : (unsigned char)(x >> 24);
	}
}

/* The bytes of a whole stream: head, pieces, tail. */
static size_t join(const struct gzip_piece *pieces, size_t len, unsigned char *out)
{
	_cleanup_(bytes_unrefp) struct bytes *head = gzip_pieces_head(), *tail = gzip_pieces_tail(pieces, len);
	unsigned char *at = mempcpy(out, head->data, head->len);

	for (size_t i = 0; i < len; i++)
		at = mempcpy(at, pieces[i].packed->data, pieces[i].packed->len);
	at = mempcpy(at, tail->data, tail->len);
	return (size_t)(at - out);
}

static void test_gzip_pieces_are_one_stream(void **state)
{
	enum { ROOM = 1 << 20 };
	_cleanup_free_ unsigned char *text = xmalloc(ROOM), *stream = xmalloc(ROOM), *back = xmalloc(ROOM);
	struct gzip_piece pieces[PIECES];
	_cleanup_(gzip_packer_freep) struct gzip_packer *packer = gzip_packer_new(1);
	size_t len = 0;

	(void)state;
	for (size_t i = 0; i < PIECES; i++) {
		fill(text + len, LENGTHS[i], i);
		pieces[i] = gzip_piece_new(packer, text + len, LENGTHS[i]);
		len += LENGTHS[i];
	}
	assert_true(pieces[0].packed->len < LENGTHS[0] / 10);

	z_stream z = { .next_in = stream, .avail_in = (uInt)join(pieces, PIECES, stream) };
	z.next_out = back;
	z.avail_out = ROOM;
	assert_int_equal(inflateInit2(&z, 15 + 16), Z_OK); /* gzip's frame only; it checks the sum and the size */
	assert_int_equal(inflate(&z, Z_FINISH), Z_STREAM_END);
	assert_int_equal(z.avail_in, 0);
	assert_int_equal(z.total_out, len);
	assert_memory_equal(back, text, len);
	inflateEnd(&z);
	for (size_t i = 0; i < PIECES; i++)
		gzip_piece_clear(&pieces[i]);
}

static void test_gzip_piece_is_read_back(void **state)
{
	_cleanup_(gzip_packer_freep) struct gzip_packer *packer = gzip_packer_new(9);

	(void)state;
	for (size_t i = 0; i < PIECES; i++) {
		_cleanup_free_ unsigned char *text = xmalloc(LENGTHS[i] + 1);
		_cleanup_free_ char *back = xmalloc(LENGTHS[i] + 1);
		fill(text, LENGTHS[i], i);
		back[LENGTHS[i]] = 'x';
		struct gzip_piece p = gzip_piece_new(packer, text, LENGTHS[i]), second = gzip_piece_ref(&p);
		gzip_piece_clear(&p);
		assert_null(p.packed);
		gzip_piece_read(&second, back);
		assert_memory_equal(back, text, LENGTHS[i]);
		assert_int_equal(back[LENGTHS[i]], 'x');
		gzip_piece_clear(&second);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_gzip_pieces_are_one_stream),
		cmocka_unit_test(test_gzip_piece_is_read_back),
	};
	return cmocka_run_group_tests_name("gzip_piece", tests, NULL, NULL);
}
