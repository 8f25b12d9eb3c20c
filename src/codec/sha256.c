#include "codec/sha256.h"

#include <gnutls/crypto.h>
#include <gnutls/gnutls.h>
#include <stdio.h>
#include <stdlib.h>

void sha256(const void *data, size_t len, uint8_t ret[static 32])
{
	int r = gnutls_hash_fast(GNUTLS_DIG_SHA256, data, len, ret);
	if (r != 0) {
		/* Only a GnuTLS whose self-test failed refuses SHA-256, and then nothing that it computes can be trusted. */
		fprintf(stderr, "scia: SHA-256: %s\n", gnutls_strerror(r));
		abort();
	}
}

void sha256_hex(const void *data, size_t len, char ret[static 65])
{
	static const char hex[] = "0123456789abcdef";
	uint8_t digest[32];
	sha256(data, len, digest);
	for (int i = 0; i < 32; i++) {
		ret[2 * i] = hex[digest[i] >> 4];
		ret[2 * i + 1] = hex[digest[i] & 15];
	}
	ret[64] = '\0';
}
