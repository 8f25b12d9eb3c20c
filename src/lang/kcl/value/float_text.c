#include "value/text.h"

#include <float.h>
#include <math.h>
#include <stdio.h>

/* Beyond these a document shows a number with an exponent (as the Ryu printer of upstream's serializers lays it out).
 */
#define DOCUMENT_POINT_MIN (-5) /* exclusive */
#define DOCUMENT_POINT_MAX 16

static double read_back(const char *digits, int point)
{
	char text[64];

	snprintf(text, sizeof(text), "0.%se%d", digits, point);
	return strtod(text, NULL);
}

/* With n digits; false when they read back as another number. */
static bool try_digits(double f, int n, struct kcl_digits *d)
{
	char text[40]; /* d.ddde±ddd */

	snprintf(text, sizeof(text), "%.*e", n - 1, f);
	d->digits[0] = text[0];
	memcpy(d->digits + 1, text + 2, (size_t)n - 1);
	d->digits[n] = '\0';
	d->len = n;
	d->point = (int)strtol(strchr(text, 'e') + 1, NULL, 10) + 1;
	return strtod(text, NULL) == f;
}

/* The neighbour above: at a power of two the nearest number of so many digits may read back as the double below, and
 * the next one still be good. */
static bool try_next(double f, struct kcl_digits *d)
{
	int at = d->len - 1;

	while (at >= 0 && d->digits[at] == '9')
		d->digits[at--] = '0';
	if (at < 0)
		return false;
	d->digits[at]++;
	return read_back(d->digits, d->point) == f;
}

/* 15 digits or fewer are exact for every double that has such a text, so the zeros at their end are all that is left
 * out; from there on one more digit each is tried. */
struct kcl_digits kcl_float_digits(double f)
{
	struct kcl_digits d = { .negative = signbit(f) };
	double magnitude = fabs(f);
	int n = 1;

	if (magnitude < DBL_MIN) {
		/* The smallest ones have fewer digits than 15. */
		while (!try_digits(magnitude, n, &d))
			n++;
		return d;
	}
	if (!try_digits(magnitude, 15, &d) && !try_digits(magnitude, 16, &d) && !try_next(magnitude, &d))
		try_digits(magnitude, 17, &d);
	while (d.len > 1 && d.digits[d.len - 1] == '0')
		d.len--;
	d.digits[d.len] = '\0';
	return d;
}

/* Digits with the point at its place, and zeros where there are no digits; ".0" when nothing is behind the point. */
static size_t put_plain(const struct kcl_digits *d, char *out)
{
	char *p = out;

	if (d->negative)
		*p++ = '-';
	if (d->point <= 0) {
		*p++ = '0';
		*p++ = '.';
		for (int i = d->point; i < 0; i++)
			*p++ = '0';
	}
	for (int i = 0; i < d->len || i < d->point; i++) {
		if (i == d->point && i > 0)
			*p++ = '.';
		*p++ = i < d->len ? d->digits[i] : '0';
	}
	if (d->len <= d->point) {
		*p++ = '.';
		*p++ = '0';
	}
	*p = '\0';
	return (size_t)(p - out);
}

static size_t put_exponent(const struct kcl_digits *d, const char *format, char *out)
{
	return (size_t)snprintf(out, KCL_FLOAT_TEXT_SIZE, "%s%c%s%s", d->negative ? "-" : "", d->digits[0],
	                        d->len > 1 ? "." : "", d->digits + 1) +
	       (size_t)snprintf(out + strlen(out), 16, format, d->point - 1);
}

/* Whole numbers that a double holds exactly need no search. */
static bool put_whole(double f, char *out, size_t *ret_len)
{
	if (f != floor(f) || fabs(f) >= 1e15)
		return false;
	*ret_len = (size_t)snprintf(out, KCL_FLOAT_TEXT_SIZE, "%.1f", f);
	return true;
}

void kcl_float_text(double f, char ret[static KCL_FLOAT_TEXT_SIZE])
{
	size_t len;

	if (isnan(f) || isinf(f)) {
		snprintf(ret, KCL_FLOAT_TEXT_SIZE, "%s", isnan(f) ? "NaN.0" : f < 0 ? "-inf.0" : "inf.0");
		return;
	}
	if (put_whole(f, ret, &len))
		return;

	struct kcl_digits d = kcl_float_digits(f);

	put_plain(&d, ret);
}

size_t kcl_float_document(double f, char ret[static KCL_FLOAT_TEXT_SIZE])
{
	size_t len;

	if (put_whole(f, ret, &len))
		return len;

	struct kcl_digits d = kcl_float_digits(f);

	if (d.point > DOCUMENT_POINT_MIN && d.point <= DOCUMENT_POINT_MAX)
		return put_plain(&d, ret);
	return put_exponent(&d, "e%d", ret);
}

size_t kcl_float_python(double f, char ret[static KCL_FLOAT_TEXT_SIZE])
{
	size_t len;

	if (put_whole(f, ret, &len))
		return len;

	struct kcl_digits d = kcl_float_digits(f);

	if (d.point > -4 && d.point <= 16)
		return put_plain(&d, ret);
	return put_exponent(&d, "e%+03d", ret);
}
