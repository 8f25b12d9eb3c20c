#include "stdlib/blake3.h"

#include <string.h>

/* Chunks of 1,024 bytes are the leaves of a binary tree whose left subtrees are as large as a power of two allows. */

#define BLOCK 64
#define CHUNK 1024

enum flags { CHUNK_START = 1, CHUNK_END = 2, PARENT = 4, ROOT = 8 };

static const uint32_t iv[8] = { 0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a,
	                            0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19 };

static uint32_t rotate(uint32_t v, int by)
{
	return v >> by | v << (32 - by);
}

static void mix(uint32_t *s, int a, int b, int c, int d, uint32_t x, uint32_t y)
{
	s[a] += s[b] + x;
	s[d] = rotate(s[d] ^ s[a], 16);
	s[c] += s[d];
	s[b] = rotate(s[b] ^ s[c], 12);
	s[a] += s[b] + y;
	s[d] = rotate(s[d] ^ s[a], 8);
	s[c] += s[d];
	s[b] = rotate(s[b] ^ s[c], 7);
}

static void mix_round(uint32_t *s, const uint32_t *m)
{
	mix(s, 0, 4, 8, 12, m[0], m[1]);
	mix(s, 1, 5, 9, 13, m[2], m[3]);
	mix(s, 2, 6, 10, 14, m[4], m[5]);
	mix(s, 3, 7, 11, 15, m[6], m[7]);
	mix(s, 0, 5, 10, 15, m[8], m[9]);
	mix(s, 1, 6, 11, 12, m[10], m[11]);
	mix(s, 2, 7, 8, 13, m[12], m[13]);
	mix(s, 3, 4, 9, 14, m[14], m[15]);
}

/* The first half of the output, which is the next chaining value. */
static void compress(const uint32_t cv[8], const uint32_t block[16], uint64_t counter, uint32_t len, uint32_t flags,
                     uint32_t ret[8])
{
	static const uint8_t order[16] = { 2, 6, 3, 10, 7, 0, 4, 13, 1, 11, 12, 5, 9, 14, 15, 8 };
	uint32_t s[16], m[16], permuted[16];

	memcpy(s, cv, 32);
	memcpy(s + 8, iv, 16);
	s[12] = (uint32_t)counter;
	s[13] = (uint32_t)(counter >> 32);
	s[14] = len;
	s[15] = flags;
	memcpy(m, block, 64);
	for (int i = 0; i < 7; i++) {
		mix_round(s, m);
		for (int j = 0; j < 16; j++)
			permuted[j] = m[order[j]];
		memcpy(m, permuted, 64);
	}
	for (int i = 0; i < 8; i++)
		ret[i] = s[i] ^ s[i + 8];
}

static void load(const uint8_t *data, size_t len, uint32_t ret[16])
{
	uint8_t block[BLOCK] = { 0 };

	if (len > 0)
		memcpy(block, data, len);
	for (int i = 0; i < 16; i++)
		ret[i] = (uint32_t)block[4 * i] | (uint32_t)block[4 * i + 1] << 8 | (uint32_t)block[4 * i + 2] << 16 |
		         (uint32_t)block[4 * i + 3] << 24;
}

static void hash_chunk(const uint8_t *data, size_t len, uint64_t counter, uint32_t flags, uint32_t ret[8])
{
	uint32_t block[16], cv[8], f = flags & ~(uint32_t)ROOT;
	size_t at = 0;

	memcpy(cv, iv, sizeof(cv));
	f |= CHUNK_START;
	for (; len - at > BLOCK; at += BLOCK) {
		load(data + at, BLOCK, block);
		compress(cv, block, counter, BLOCK, f, cv);
		f &= ~(uint32_t)CHUNK_START;
	}
	load(data + at, len - at, block);
	compress(cv, block, counter, (uint32_t)(len - at), f | CHUNK_END | (flags & ROOT), ret);
}

/* The depth is the logarithm of the length. */
static void hash_tree(const uint8_t *data, size_t len, uint64_t counter, uint32_t flags, uint32_t ret[8])
{
	uint32_t children[16];
	size_t left = CHUNK;

	if (len <= CHUNK) {
		hash_chunk(data, len, counter, flags, ret);
		return;
	}
	while (left * 2 < len)
		left *= 2;
	hash_tree(data, left, counter, 0, children);
	hash_tree(data + left, len - left, counter + left / CHUNK, 0, children + 8);
	compress(iv, children, 0, BLOCK, PARENT | flags, ret);
}

void kcl_blake3(const void *data, size_t len, uint8_t ret[static 32])
{
	uint32_t words[8];

	hash_tree(data, len, 0, ROOT, words);
	for (int i = 0; i < 32; i++)
		ret[i] = (uint8_t)(words[i / 4] >> (8 * (i % 4)));
}
