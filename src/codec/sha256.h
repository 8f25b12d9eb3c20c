#ifndef CODEC_SHA256_H
#define CODEC_SHA256_H
/* SHA-256 (FIPS 180-4), from GnuTLS' hash functions. */

#include <stddef.h>
#include <stdint.h>

void sha256(const void *data, size_t len, uint8_t ret[static 32]);
/* 64 lower-case hexadecimal digits and a NUL. */
void sha256_hex(const void *data, size_t len, char ret[static 65]);

#endif
