#ifndef CODEC_TEXT_H
#define CODEC_TEXT_H
/* For readers of text: UTF-8, finding the bytes of a string that need care, and numbers as text. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#define TEXT_ONES UINT64_C(0x0101010101010101)
#define TEXT_HIGH UINT64_C(0x8080808080808080)

/* From p on, the first byte that JSON cannot take over as it is: a control character, '"' or '\\'; with ascii_only also
 * every byte of a multi-byte character. Eight bytes at a time: a subtraction borrows into the high bit of those bytes
 * that are too small or equal, and the lowest such bit is never a false one. */
static inline const char *text_plain_end(const char *p, const char *end, bool ascii_only)
{
	while (end - p >= 8) {
		uint64_t w;
		memcpy(&w, p, 8);
		uint64_t quote = (w ^ TEXT_ONES * '"') - TEXT_ONES;
		uint64_t slash = (w ^ TEXT_ONES * '\\') - TEXT_ONES;
		uint64_t hit = ((w - TEXT_ONES * 0x20) | quote | slash) & ~w;
		if (ascii_only)
			hit |= w;
		hit &= TEXT_HIGH;
		if (hit) {
#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
			return p + (__builtin_ctzll(hit) >> 3);
#else
			break;
#endif
		}
		p += 8;
	}
	for (; p < end; p++) {
		unsigned char c = (unsigned char)*p;
		if (c < 0x20 || c == '"' || c == '\\' || (ascii_only && c >= 0x80))
			break;
	}
	return p;
}

/* Length of the well-formed UTF-8 sequence at p (RFC 3629: no surrogates, no overlong forms), 0 when there is none. */
static inline size_t text_utf8_len(const char *text, const char *end)
{
	const unsigned char *p = (const unsigned char *)text;
	size_t left = (size_t)(end - text);
	if (left == 0)
		return 0;
	if (p[0] < 0x80)
		return 1;
	if (p[0] < 0xc2 || p[0] > 0xf4 || left < 2 || (p[1] & 0xc0) != 0x80)
		return 0;
	if (p[0] < 0xe0)
		return 2;
	if (left < 3 || (p[2] & 0xc0) != 0x80 || (p[0] == 0xe0 && p[1] < 0xa0) || (p[0] == 0xed && p[1] >= 0xa0))
		return 0;
	if (p[0] < 0xf0)
		return 3;
	if (left < 4 || (p[3] & 0xc0) != 0x80 || (p[0] == 0xf0 && p[1] < 0x90) || (p[0] == 0xf4 && p[1] >= 0x90))
		return 0;
	return 4;
}

/* The code point of the well-formed sequence of n bytes at p. */
static inline uint32_t text_utf8_decode(const char *text, size_t n)
{
	const unsigned char *p = (const unsigned char *)text;
	switch (n) {
	case 1:
		return p[0];
	case 2:
		return (uint32_t)(p[0] & 0x1f) << 6 | (p[1] & 0x3f);
	case 3:
		return (uint32_t)(p[0] & 0x0f) << 12 | (uint32_t)(p[1] & 0x3f) << 6 | (p[2] & 0x3f);
	default:
		return (uint32_t)(p[0] & 0x07) << 18 | (uint32_t)(p[1] & 0x3f) << 12 | (uint32_t)(p[2] & 0x3f) << 6 |
		       (p[3] & 0x3f);
	}
}

/* Writes the sequence of a code point that is no surrogate and at most U+10FFFF; its length. */
static inline size_t text_utf8_encode(uint32_t c, char ret[static 4])
{
	if (c < 0x80) {
		ret[0] = (char)c;
		return 1;
	}
	if (c < 0x800) {
		ret[0] = (char)(0xc0 | c >> 6);
		ret[1] = (char)(0x80 | (c & 0x3f));
		return 2;
	}
	if (c < 0x10000) {
		ret[0] = (char)(0xe0 | c >> 12);
		ret[1] = (char)(0x80 | (c >> 6 & 0x3f));
		ret[2] = (char)(0x80 | (c & 0x3f));
		return 3;
	}
	ret[0] = (char)(0xf0 | c >> 18);
	ret[1] = (char)(0x80 | (c >> 12 & 0x3f));
	ret[2] = (char)(0x80 | (c >> 6 & 0x3f));
	ret[3] = (char)(0x80 | (c & 0x3f));
	return 4;
}

/* Value of a hexadecimal digit, or -1. */
static inline int text_hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	if (c >= 'A' && c <= 'F')
		return c - 'A' + 10;
	return -1;
}

/* Line and column (in characters), both from 1, of at in a text. */
void text_position(const char *text, const char *at, int *ret_line, int *ret_column);
/* A character for an error message: 'x', U+00E9, byte 0xFF or "the end of the text". Gives ret back. */
const char *text_describe(const char *at, const char *end, char ret[static 32]);

#define TEXT_REAL_MAX 32
/* The shortest decimal text that reads back as the same number, written as Go's encoding/json does (1, 0.25, 1e+21).
 * Its length. */
size_t text_format_real(double v, char ret[static TEXT_REAL_MAX]);
/* Reads the len bytes of a decimal number that is known to be well-formed; false when it overflows a double. */
bool text_parse_real(const char *text, size_t len, double *ret);

#endif
