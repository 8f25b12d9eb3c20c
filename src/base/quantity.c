#include "base/quantity.h"

#include "base/str.h"

#include <stdio.h>

/* A quantity is worked out on its decimal digits: exact for any length, however far the exponent shifts it. */

#define DIGITS_MAX 128 /* of the number as written */
#define EXPONENT_MAX 1000

struct decimal {
	/* Most significant first, the last `frac` of them after the point. With room for a factor of 1024^6. */
	unsigned char digits[DIGITS_MAX + 20];
	int len;
	int frac;
	bool negative;
};

static bool take_number(const char **s, struct decimal *d)
{
	d->negative = **s == '-';
	if (**s == '-' || **s == '+')
		(*s)++;
	bool point = false;
	for (;; (*s)++) {
		if (**s == '.' && !point) {
			point = true;
			continue;
		}
		if (**s < '0' || **s > '9')
			return d->len > 0;
		if (d->len == DIGITS_MAX)
			return false;
		d->digits[d->len++] = (unsigned char)(**s - '0');
		d->frac += point;
	}
}

static void multiply_1024(struct decimal *d)
{
	unsigned carry = 0;
	for (int i = d->len - 1; i >= 0; i--) {
		unsigned n = d->digits[i] * 1024U + carry;
		d->digits[i] = (unsigned char)(n % 10);
		carry = n / 10;
	}
	while (carry) {
		memmove(d->digits + 1, d->digits, (size_t)d->len++);
		d->digits[0] = (unsigned char)(carry % 10);
		carry /= 10;
	}
}

/* "", "m", "k", "Ki", "e3", …: applied to d. */
static bool take_suffix(const char *s, struct decimal *d)
{
	static const char binary[] = "KMGTPE";
	static const struct {
		char suffix;
		int exponent;
	} decimals[] = { { 'n', -9 }, { 'u', -6 }, { 'm', -3 }, { 'k', 3 }, { 'M', 6 },
		             { 'G', 9 },  { 'T', 12 }, { 'P', 15 }, { 'E', 18 } };

	if (!*s)
		return true;
	if (s[1] == 'i' && !s[2]) {
		const char *unit = strchr(binary, s[0]);
		for (const char *p = binary; unit && p <= unit; p++)
			multiply_1024(d);
		return unit != NULL;
	}
	if (!s[1]) {
		for (size_t i = 0; i < ARRAY_SIZE(decimals); i++)
			if (decimals[i].suffix == s[0]) {
				d->frac -= decimals[i].exponent;
				return true;
			}
		return false;
	}
	int64_t exponent;
	if ((s[0] != 'e' && s[0] != 'E') || !str_to_i64(s + 1, -EXPONENT_MAX, EXPONENT_MAX, &exponent))
		return false;
	d->frac -= (int)exponent;
	return true;
}

/* d rounded away from zero to a whole number. */
static bool decimal_to_i64(const struct decimal *d, int64_t *ret)
{
	int64_t n = 0; /* counted downwards, as there is one more negative number */
	int whole = d->len - d->frac;
	for (int i = 0; i < whole; i++) {
		int digit = i < d->len ? d->digits[i] : 0;
		if (__builtin_mul_overflow(n, 10, &n) || __builtin_sub_overflow(n, digit, &n))
			return false;
	}
	for (int i = whole > 0 ? whole : 0; i < d->len; i++) {
		if (!d->digits[i])
			continue;
		if (__builtin_sub_overflow(n, 1, &n))
			return false;
		break;
	}
	if (!d->negative && __builtin_sub_overflow((int64_t)0, n, &n))
		return false;
	*ret = n;
	return true;
}

static bool parse(const char *s, int shift, int64_t *ret)
{
	struct decimal d = { 0 };
	if (!s || !take_number(&s, &d) || !take_suffix(s, &d))
		return false;
	d.frac -= shift;
	return decimal_to_i64(&d, ret);
}

bool quantity_parse_milli(const char *s, int64_t *ret_milli)
{
	return parse(s, 3, ret_milli);
}

bool quantity_parse(const char *s, int64_t *ret)
{
	return parse(s, 0, ret);
}

/* ---- the canonical form ---- */

enum quantity_form { FORM_DECIMAL, FORM_BINARY, FORM_EXPONENT };

static enum quantity_form form_of(const char *suffix)
{
	if (suffix[0] && suffix[1] == 'i')
		return FORM_BINARY;
	return (suffix[0] == 'e' || suffix[0] == 'E') && suffix[1] ? FORM_EXPONENT : FORM_DECIMAL;
}

/* Drops leading zeros and whatever is finer than 10^-9, rounding away from zero. */
static void round_to_nano(struct decimal *d)
{
	bool rest = false;

	while (d->frac > 9 && d->len > 0) {
		rest = rest || d->digits[--d->len];
		d->frac--;
	}
	if (d->frac > 9)
		d->frac = 9;
	int at = d->len - 1;
	for (; rest && at >= 0 && ++d->digits[at] == 10; at--)
		d->digits[at] = 0;
	if (rest && at < 0) {
		memmove(d->digits + 1, d->digits, (size_t)d->len++);
		d->digits[0] = 1;
	}
	int zeros = 0;
	while (zeros < d->len && !d->digits[zeros])
		zeros++;
	memmove(d->digits, d->digits + zeros, (size_t)(d->len - zeros));
	d->len -= zeros;
	while (d->len > 0 && !d->digits[d->len - 1]) {
		d->len--;
		d->frac--;
	}
}

static bool write_binary(const struct decimal *d, char ret[static QUANTITY_SIZE])
{
	static const char units[] = "KMGTPE";
	int64_t n;
	int unit = 0;

	if (d->frac > 0 || !decimal_to_i64(d, &n) || (n < 1024 && n > -1024))
		return false;
	for (; unit < 6 && n % 1024 == 0; unit++)
		n /= 1024;
	if (unit)
		snprintf(ret, QUANTITY_SIZE, "%lld%ci", (long long)n, units[unit - 1]);
	else
		snprintf(ret, QUANTITY_SIZE, "%lld", (long long)n);
	return true;
}

static bool write_decimal(const struct decimal *d, bool exponent_form, char ret[static QUANTITY_SIZE])
{
	static const char *const suffixes[] = { "n", "u", "m", "", "k", "M", "G", "T", "P", "E" };
	int exponent = -d->frac, zeros = ((exponent % 3) + 3) % 3, at = 0;

	exponent -= zeros;
	if (!exponent_form && exponent > 18) {
		zeros += exponent - 18;
		exponent = 18;
	}
	if (d->len + zeros + 16 > QUANTITY_SIZE)
		return false;
	if (d->negative)
		ret[at++] = '-';
	for (int i = 0; i < d->len; i++)
		ret[at++] = (char)('0' + d->digits[i]);
	for (; zeros > 0; zeros--)
		ret[at++] = '0';
	if (!exponent_form)
		snprintf(ret + at, 8, "%s", suffixes[exponent / 3 + 3]);
	else if (exponent)
		snprintf(ret + at, 8, "e%d", exponent);
	else
		ret[at] = '\0';
	return true;
}

bool quantity_canonical(const char *s, char ret[static QUANTITY_SIZE])
{
	struct decimal d = { 0 };

	if (!s || !take_number(&s, &d) || !take_suffix(s, &d))
		return false;
	enum quantity_form form = form_of(s);
	round_to_nano(&d);
	if (d.len == 0) {
		snprintf(ret, QUANTITY_SIZE, "0");
		return true;
	}
	return (form == FORM_BINARY && write_binary(&d, ret)) || write_decimal(&d, form == FORM_EXPONENT, ret);
}
