#ifndef CODEC_GZIP_H
#define CODEC_GZIP_H
/* gzip (RFC 1952). */

#include "base/bytes.h"
#include "base/err.h"

/* A new reference. level: 1 (fast) to 9 (small). */
struct bytes *gzip_compress(const void *data, size_t len, int level);
/* The text of one gzip stream (of several members, all of them) into a new reference. -1: it is damaged, or its text is
 * larger than max bytes. */
int gzip_expand(const void *data, size_t len, size_t max, struct bytes **ret, struct err *err);
/* Does it begin as one? */
bool is_gzip(const void *data, size_t len);

#endif
