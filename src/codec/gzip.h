#ifndef CODEC_GZIP_H
#define CODEC_GZIP_H
/* gzip (RFC 1952). */

#include "base/bytes.h"

/* A new reference. level: 1 (fast) to 9 (small). */
struct bytes *gzip_compress(const void *data, size_t len, int level);

#endif
