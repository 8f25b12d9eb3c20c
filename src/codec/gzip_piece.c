#include "codec/gzip_piece.h"

#include "base/buf.h"

#include <limits.h>
#include <string.h>
#include <zlib.h>

#define WINDOW_RAW (-15) /* the largest window, without a frame */
#define MEMORY_LEVEL 8

struct gzip_packer {
	z_stream z;
	struct buf out;
};

struct gzip_packer *gzip_packer_new(int level)
{
	struct gzip_packer *p = new0(struct gzip_packer);

	if (deflateInit2(&p->z, level, Z_DEFLATED, WINDOW_RAW, MEMORY_LEVEL, Z_DEFAULT_STRATEGY) != Z_OK)
		out_of_memory(sizeof(*p));
	p->out = BUF_INIT(UINT_MAX);
	return p;
}

struct gzip_packer *gzip_packer_free(struct gzip_packer *p)
{
	if (!p)
		return NULL;
	deflateEnd(&p->z);
	buf_clear(&p->out);
	free(p);
	return NULL;
}

struct gzip_piece gzip_piece_new(struct gzip_packer *packer, const void *data, size_t len)
{
	z_stream *z = &packer->z;
	size_t room = deflateBound(z, len) + 64;

	buf_reset(&packer->out);
	/* zlib counts in unsigned int. A whole document is far from that, let alone a piece of one. */
	char *out = len <= UINT_MAX / 2 ? buf_reserve(&packer->out, room) : NULL;
	if (!out)
		out_of_memory(len);
	deflateReset(z);
	z->next_in = (unsigned char *)(uintptr_t)data;
	z->avail_in = (uInt)len;
	z->next_out = (unsigned char *)out;
	z->avail_out = (uInt)room;
	deflate(z, Z_SYNC_FLUSH);
	struct gzip_piece p = { .packed = bytes_new(out, room - z->avail_out), .len = len };
	p.crc = (uint32_t)crc32_z(0, data, len);
	return p;
}

struct gzip_piece gzip_piece_ref(const struct gzip_piece *p)
{
	struct gzip_piece copy = *p;

	copy.packed = bytes_ref(p->packed);
	return copy;
}

void gzip_piece_clear(struct gzip_piece *p)
{
	bytes_unref(p->packed);
	*p = (struct gzip_piece){ 0 };
}

void gzip_piece_read(const struct gzip_piece *p, char *out)
{
	z_stream z = { 0 };

	if (inflateInit2(&z, WINDOW_RAW) != Z_OK)
		out_of_memory(p->len);
	z.next_in = (unsigned char *)p->packed->data;
	z.avail_in = (uInt)p->packed->len;
	z.next_out = (unsigned char *)out;
	z.avail_out = (uInt)p->len;
	inflate(&z, Z_SYNC_FLUSH);
	inflateEnd(&z);
}

struct bytes *gzip_pieces_head(void)
{
	/* deflate, no name, no time, of an unknown system. */
	static const unsigned char head[10] = { 0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 255 };

	return bytes_new(head, sizeof(head));
}

static void put_u32(unsigned char *at, uint32_t n)
{
	for (int i = 0; i < 4; i++)
		at[i] = (unsigned char)(n >> (8 * i));
}

struct bytes *gzip_pieces_tail(const struct gzip_piece *pieces, size_t len)
{
	unsigned char tail[10] = { 3, 0 }; /* the last block, empty */
	uLong crc = crc32(0, NULL, 0);
	size_t size = 0;

	for (size_t i = 0; i < len; i++) {
		crc = crc32_combine(crc, pieces[i].crc, (z_off_t)pieces[i].len);
		size += pieces[i].len;
	}
	put_u32(tail + 2, (uint32_t)crc);
	put_u32(tail + 6, (uint32_t)size);
	return bytes_new(tail, sizeof(tail));
}
