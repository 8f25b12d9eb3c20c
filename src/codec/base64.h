#ifndef CODEC_BASE64_H
#define CODEC_BASE64_H
/* Base64 (RFC 4648), standard and URL alphabets. */

#include "base/mem.h"

/* free(). */
char *base64_encode(const void *data, size_t len);
/* URL alphabet without padding. */
char *base64url_encode(const void *data, size_t len);
/* NULL when malformed, else free(); NUL-terminated beyond *ret_len. Accepts both alphabets, padding optional only in
 * base64url_decode; line breaks are skipped, as Go does, because people wrap the data of Secrets. */
char *base64_decode(const char *text, size_t len, size_t *ret_len);
char *base64url_decode(const char *text, size_t len, size_t *ret_len);

#endif
