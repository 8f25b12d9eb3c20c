#include "text.h"

#include "base/mem.h"

#include <float.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

void text_position(const char *text, const char *at, int *ret_line, int *ret_column)
{
	int line = 1, column = 1;
	for (const char *p = text; p < at; p++) {
		if (*p == '\n') {
			line++;
			column = 1;
		} else if (((unsigned char)*p & 0xc0) != 0x80) {
			column++;
		}
	}
	*ret_line = line;
	*ret_column = column;
}

const char *text_describe(const char *at, const char *end, char ret[static 32])
{
	size_t n = at < end ? text_utf8_len(at, end) : 0;
	if (at >= end)
		snprintf(ret, 32, "the end of the text");
	else if (n == 0)
		snprintf(ret, 32, "byte 0x%02X", (unsigned)(unsigned char)*at);
	else if (n == 1 && *at >= 0x20 && *at < 0x7f)
		snprintf(ret, 32, "'%c'", *at);
	else
		snprintf(ret, 32, "U+%04X", (unsigned)text_utf8_decode(at, n));
	return ret;
}

/* "-d.ddde±xx" into its sign, digits without trailing zeros, and exponent. */
static size_t split_scientific(const char *text, char digits[static TEXT_REAL_MAX], int *ret_exponent)
{
	size_t n = 0;
	const char *p = text;
	for (; *p && *p != 'e'; p++)
		if (*p >= '0' && *p <= '9')
			digits[n++] = *p;
	while (n > 1 && digits[n - 1] == '0')
		n--;
	*ret_exponent = *p == 'e' ? (int)strtol(p + 1, NULL, 10) : 0;
	return n;
}

size_t text_format_real(double v, char ret[static TEXT_REAL_MAX])
{
	char scientific[TEXT_REAL_MAX], digits[TEXT_REAL_MAX] = "0";
	/* Read back as an integer, which must be the same number: so all its digits count, not only those that a double
	 * needs. */
	if (fabs(v) >= 0x1p53 && fabs(v) < 0x1p63)
		return (size_t)snprintf(ret, TEXT_REAL_MAX, "%.0f", v);
	/* Every text of 15 digits reads back as itself, but not when the double has lost digits for being so small. */
	for (int precision = fabs(v) < DBL_MIN ? 0 : 14; precision <= 16; precision++) {
		snprintf(scientific, sizeof(scientific), "%.*e", precision, v);
		if (!(strtod(scientific, NULL) < v) && !(strtod(scientific, NULL) > v))
			break;
	}
	int exponent;
	size_t n = split_scientific(scientific, digits, &exponent);
	char *p = ret;
	if (v < 0) /* -0.0 is 0: equal numbers have equal texts */
		*p++ = '-';
	if (exponent < -6 || exponent >= 21) {
		*p++ = digits[0];
		if (n > 1) {
			*p++ = '.';
			memcpy(p, digits + 1, n - 1);
			p += n - 1;
		}
		p += snprintf(p, 8, "e%c%02d", exponent < 0 ? '-' : '+', exponent < 0 ? -exponent : exponent);
	} else if (exponent < 0) {
		*p++ = '0';
		*p++ = '.';
		for (int i = -1; i > exponent; i--)
			*p++ = '0';
		memcpy(p, digits, n);
		p += n;
	} else {
		for (int i = 0; i <= exponent || (size_t)i < n; i++) {
			if (i == exponent + 1)
				*p++ = '.';
			*p++ = (size_t)i < n ? digits[i] : '0';
		}
	}
	*p = '\0';
	return (size_t)(p - ret);
}

bool text_parse_real(const char *text, size_t len, double *ret)
{
	char small[64];
	char *copy = len < sizeof(small) ? small : xmalloc(len + 1);
	memcpy(copy, text, len);
	copy[len] = '\0';
	double v = strtod(copy, NULL);
	if (copy != small)
		free(copy);
	if (!isfinite(v))
		return false;
	*ret = v;
	return true;
}
