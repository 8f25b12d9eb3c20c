#ifndef LANG_KCL_STDLIB_ADDRESS_H
#define LANG_KCL_STDLIB_ADDRESS_H
/* Private to stdlib/: IP addresses and networks as numbers and as texts (RFC 4632, 5952). */

#include "value/value.h"

typedef unsigned __int128 kcl_bits;

struct kcl_address {
	int bits;       /* 32 or 128 */
	kcl_bits value; /* the first bit of the address is the highest of so many */
};

struct kcl_network {
	struct kcl_address address; /* its first */
	int prefix;
};

bool kcl_address_parse(const char *s, struct kcl_address *ret);
const char *kcl_address_text(struct kcl_heap *h, const struct kcl_address *a);
/* NULL, or what is wrong. Without a length it is a single address. */
const char *kcl_network_parse(struct kcl_heap *h, const char *s, struct kcl_network *ret);
bool kcl_network_contains(const struct kcl_network *n, const struct kcl_address *a);
/* 10.1.2.3 as ::ffff:10.1.2.3. */
struct kcl_address kcl_address_mapped(const struct kcl_address *v4);

/* The first n of so many bits. */
static inline kcl_bits kcl_top_bits(const struct kcl_address *a, int n)
{
	return n == 0 ? 0 : a->value >> (a->bits - n);
}

#endif
