#include "codec/gzip.h"

#include "base/buf.h"

#include <limits.h>
#include <zlib.h>

#define WINDOW_GZIP (15 + 16) /* the largest window, in gzip's frame */
#define MEMORY_LEVEL 8
#define CHUNK ((size_t)1 << 30) /* zlib counts in unsigned int */
#define EXPAND_CHUNK 65536u

/* Runs deflate() over all of the input; the output always has room. */
static size_t run(z_stream *z, const unsigned char *data, size_t len, unsigned char *out, size_t room)
{
	unsigned char *at = out;
	int r;

	do {
		size_t in = len < CHUNK ? len : CHUNK, left = room - (size_t)(at - out);
		z->next_in = (unsigned char *)(uintptr_t)data;
		z->avail_in = (uInt)in;
		z->next_out = at;
		z->avail_out = (uInt)(left < UINT_MAX ? left : UINT_MAX);
		r = deflate(z, in == len ? Z_FINISH : Z_NO_FLUSH);
		data += in - z->avail_in;
		len -= in - z->avail_in;
		at = z->next_out;
	} while (r == Z_OK || (r == Z_BUF_ERROR && len > 0));
	return (size_t)(at - out);
}

struct bytes *gzip_compress(const void *data, size_t len, int level)
{
	z_stream z = { 0 };

	if (deflateInit2(&z, level, Z_DEFLATED, WINDOW_GZIP, MEMORY_LEVEL, Z_DEFAULT_STRATEGY) != Z_OK)
		out_of_memory(len);
	size_t room = deflateBound(&z, len) + 64;
	unsigned char *out = xmalloc(room);
	size_t made = run(&z, data, len, out, room);
	deflateEnd(&z);
	struct bytes *b = bytes_new(out, made);
	free(out);
	return b;
}

bool is_gzip(const void *data, size_t len)
{
	const unsigned char *magic = data;

	return len > 2 && magic[0] == 0x1f && magic[1] == 0x8b;
}

/* One chunk more of the text. */
static int expand_some(z_stream *z, struct buf *out)
{
	char *room = buf_reserve(out, EXPAND_CHUNK);
	int r;

	if (!room)
		return Z_MEM_ERROR;
	z->next_out = (unsigned char *)room;
	z->avail_out = EXPAND_CHUNK;
	r = inflate(z, Z_NO_FLUSH);
	buf_commit(out, EXPAND_CHUNK - z->avail_out);
	return r;
}

int gzip_expand(const void *data, size_t len, size_t max, struct bytes **ret, struct err *err)
{
	z_stream z = { .next_in = (unsigned char *)(uintptr_t)data };
	/* A chunk is asked for before it is known whether there is more. */
	struct buf out = BUF_INIT(max + EXPAND_CHUNK);
	int r = Z_OK;

	if (len > UINT_MAX)
		return err_set(err, ERR_TOO_LARGE, "a gzip stream of over 4 GiB is not read");
	z.avail_in = (uInt)len;
	if (inflateInit2(&z, WINDOW_GZIP) != Z_OK)
		out_of_memory(len);
	while (r == Z_OK && out.len <= max) {
		r = expand_some(&z, &out);
		if (r == Z_STREAM_END && z.avail_in > 0)
			r = inflateReset(&z);
	}
	inflateEnd(&z);
	bool is_large = r == Z_MEM_ERROR || out.len > max, is_whole = r == Z_STREAM_END && !is_large;
	if (is_whole)
		*ret = bytes_new(buf_str(&out), out.len);
	buf_clear(&out);
	if (is_large)
		return err_set(err, ERR_TOO_LARGE, "what is compressed with gzip is larger than %zu bytes", max);
	return is_whole ? 0 : err_set(err, ERR_INVALID, "what is compressed with gzip is damaged");
}
