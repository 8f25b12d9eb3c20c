#include "stdlib/address.h"

#include "base/str.h"

#include <arpa/inet.h>
#include <stdio.h>

bool kcl_address_parse(const char *s, struct kcl_address *ret)
{
	uint8_t b[16];
	int n = inet_pton(AF_INET, s, b) == 1 ? 4 : inet_pton(AF_INET6, s, b) == 1 ? 16 : 0;

	*ret = (struct kcl_address){ .bits = n * 8 };
	for (int i = 0; i < n; i++)
		ret->value = ret->value << 8 | b[i];
	return n > 0;
}

struct kcl_address kcl_address_mapped(const struct kcl_address *v4)
{
	return (struct kcl_address){ .bits = 128, .value = (kcl_bits)0xffff << 32 | v4->value };
}

static const char *v4_text(struct kcl_heap *h, uint32_t v)
{
	return kcl_printf(h, "%u.%u.%u.%u", v >> 24, v >> 16 & 255, v >> 8 & 255, v & 255);
}

/* The longest run of zeros, the first of equally long ones, when it has two at least. */
static int longest_zeros(const unsigned groups[8], int *ret_len)
{
	int best = -1, len = 1;

	for (int i = 0; i < 8; i++) {
		int n = 0;

		while (i + n < 8 && groups[i + n] == 0)
			n++;
		if (n > len) {
			best = i;
			len = n;
		}
		i += n;
	}
	*ret_len = len;
	return best;
}

static const char *v6_text(struct kcl_heap *h, kcl_bits v)
{
	char text[48];
	unsigned groups[8];
	int at = 0, run;

	if (v >> 32 == 0xffff)
		return kcl_printf(h, "::ffff:%s", v4_text(h, (uint32_t)v));
	for (int i = 0; i < 8; i++)
		groups[i] = (unsigned)(v >> (16 * (7 - i)) & 0xffff);

	int zeros = longest_zeros(groups, &run);

	for (int i = 0; i < 8; i++) {
		if (i == zeros) {
			at += snprintf(text + at, sizeof(text) - (size_t)at, "::");
			i += run - 1;
		} else {
			at += snprintf(text + at, sizeof(text) - (size_t)at, "%s%x", i > 0 && i != zeros + run ? ":" : "",
			               groups[i]);
		}
	}
	return kcl_strndup(h, text, (size_t)at);
}

const char *kcl_address_text(struct kcl_heap *h, const struct kcl_address *a)
{
	return a->bits == 32 ? v4_text(h, (uint32_t)a->value) : v6_text(h, a->value);
}

const char *kcl_network_parse(struct kcl_heap *h, const char *s, struct kcl_network *ret)
{
	const char *slash = strchr(s, '/');
	const char *address = slash ? kcl_strndup(h, s, (size_t)(slash - s)) : s;
	int64_t prefix;

	if (!kcl_address_parse(address, &ret->address))
		return "couldn't parse address in network: invalid IP address syntax";
	prefix = ret->address.bits;
	if (slash && (!isdigit((unsigned char)slash[1]) || !str_to_i64(slash + 1, 0, 255, &prefix)))
		return "couldn't parse length in network: invalid digit found in string";
	if (prefix > ret->address.bits)
		return kcl_printf(h, "length %d is too long for Ipv%d (maximum: %d)", (int)prefix,
		                  ret->address.bits == 32 ? 4 : 6, ret->address.bits);
	ret->prefix = (int)prefix;

	/* A shift by all the bits has no meaning in C. */
	kcl_bits hosts = prefix == 0 ? ~(kcl_bits)0 : ((kcl_bits)1 << (ret->address.bits - prefix)) - 1;

	if (ret->address.value & hosts)
		return "host part of address was not zero";
	return NULL;
}

bool kcl_network_contains(const struct kcl_network *n, const struct kcl_address *a)
{
	return a->bits == n->address.bits && kcl_top_bits(a, n->prefix) == kcl_top_bits(&n->address, n->prefix);
}
