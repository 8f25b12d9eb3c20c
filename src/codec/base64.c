#include "codec/base64.h"

static const char standard[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
static const char url_safe[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

static char *encode(const uint8_t *in, size_t len, const char *alphabet, bool padded)
{
	size_t size;
	if (!size_mul(len / 3 + 1, 4, &size))
		out_of_memory(len);
	char *out = xmalloc(size + 1), *p = out;
	for (; len >= 3; in += 3, len -= 3) {
		*p++ = alphabet[in[0] >> 2];
		*p++ = alphabet[(in[0] & 0x03) << 4 | in[1] >> 4];
		*p++ = alphabet[(in[1] & 0x0f) << 2 | in[2] >> 6];
		*p++ = alphabet[in[2] & 0x3f];
	}
	if (len > 0) {
		uint8_t second = len == 2 ? in[1] : 0;
		*p++ = alphabet[in[0] >> 2];
		*p++ = alphabet[(in[0] & 0x03) << 4 | second >> 4];
		if (len == 2)
			*p++ = alphabet[(second & 0x0f) << 2];
		for (size_t i = len; padded && i < 3; i++)
			*p++ = '=';
	}
	*p = '\0';
	return out;
}

char *base64_encode(const void *data, size_t len)
{
	return encode(data, len, standard, true);
}

char *base64url_encode(const void *data, size_t len)
{
	return encode(data, len, url_safe, false);
}

static int digit_value(char c)
{
	if (c >= 'A' && c <= 'Z')
		return c - 'A';
	if (c >= 'a' && c <= 'z')
		return c - 'a' + 26;
	if (c >= '0' && c <= '9')
		return c - '0' + 52;
	if (c == '+' || c == '-')
		return 62;
	if (c == '/' || c == '_')
		return 63;
	return -1;
}

static char *decode(const char *text, size_t len, bool may_lack_padding, size_t *ret_len)
{
	_cleanup_free_ char *out = xmalloc(len / 4 * 3 + 4);
	size_t n = 0, digits = 0, padding = 0;
	uint32_t bits = 0;
	for (size_t i = 0; i < len; i++) {
		if (text[i] == '\n' || text[i] == '\r')
			continue;
		if (text[i] == '=') {
			padding++;
			continue;
		}
		int v = digit_value(text[i]);
		if (v < 0 || padding)
			return NULL;
		bits = bits << 6 | (uint32_t)v;
		if (++digits % 4 == 0) {
			out[n++] = (char)(bits >> 16);
			out[n++] = (char)(bits >> 8);
			out[n++] = (char)bits;
		}
	}
	size_t rest = digits % 4;
	bool padded = padding == (4 - rest) % 4;
	if (rest == 1 || !(padded || (may_lack_padding && padding == 0)))
		return NULL;
	if (rest >= 2)
		out[n++] = (char)(bits >> (rest == 3 ? 10 : 4));
	if (rest == 3)
		out[n++] = (char)(bits >> 2);
	out[n] = '\0';
	*ret_len = n;
	return TAKE_PTR(out);
}

char *base64_decode(const char *text, size_t len, size_t *ret_len)
{
	return decode(text, len, false, ret_len);
}

char *base64url_decode(const char *text, size_t len, size_t *ret_len)
{
	return decode(text, len, true, ret_len);
}
