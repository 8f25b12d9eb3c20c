#include "base/quantity.h"

#include "base/str.h"

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
	} decimals[] = { { 'n', -9 }, { 'u', -6 }, { 'm', -3 }, { 'k', 3 },  { 'M', 6 },
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
