#include "codec/gzip.h"

#include <limits.h>
#include <zlib.h>

#define WINDOW_GZIP (15 + 16) /* the largest window, in gzip's frame */
#define MEMORY_LEVEL 8
#define CHUNK ((size_t)1 << 30) /* zlib counts in unsigned int */

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
