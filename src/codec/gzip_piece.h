#ifndef CODEC_GZIP_PIECE_H
#define CODEC_GZIP_PIECE_H
/* Texts compressed one by one and later put behind one another in one gzip stream, without being compressed again: each
 * piece is deflate blocks (RFC 1951) that end at a byte and are not the last ones. A piece is a tenth of its text, and
 * a stream of a thousand of them is made in no time. */

#include "base/bytes.h"

struct gzip_piece {
	struct bytes *packed;
	size_t len; /* of the text */
	uint32_t crc;
};

/* What compresses pieces, one after another; a quarter of a megabyte. level: 1 (fast) to 9 (small). */
struct gzip_packer;
struct gzip_packer *gzip_packer_new(int level);
struct gzip_packer *gzip_packer_free(struct gzip_packer *p);
DEFINE_CLEANUP(struct gzip_packer *, gzip_packer_free)

struct gzip_piece gzip_piece_new(struct gzip_packer *packer, const void *data, size_t len);
struct gzip_piece gzip_piece_ref(const struct gzip_piece *p);
/* Accepts one that is all zero. */
void gzip_piece_clear(struct gzip_piece *p);
/* Writes the text, p->len bytes, to out. */
void gzip_piece_read(const struct gzip_piece *p, char *out);

/* What stands before and behind pieces to make them a stream (RFC 1952). A new reference. */
struct bytes *gzip_pieces_head(void);
struct bytes *gzip_pieces_tail(const struct gzip_piece *pieces, size_t len);

#endif
