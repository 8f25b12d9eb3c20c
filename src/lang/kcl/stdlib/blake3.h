#ifndef LANG_KCL_STDLIB_BLAKE3_H
#define LANG_KCL_STDLIB_BLAKE3_H
/* BLAKE3, the plain hash of 256 bits (github.com/BLAKE3-team/BLAKE3-specs). GnuTLS and Nettle have none. */

#include <stddef.h>
#include <stdint.h>

void kcl_blake3(const void *data, size_t len, uint8_t ret[static 32]);

#endif
