#include "value/text.h"

#include "base/str.h"

#include <math.h>
#include <stdio.h>

/* Format specifications as Python has them:
 *     [[fill]align][sign][#][0][width][grouping][.precision][type]
 * (docs.python.org/3/library/string.html#format-specification-mini-language). */

/* More digits than any double has; wider ones are refused instead of written. */
#define PRECISION_MAX 2000

struct spec {
	uint32_t fill; /* 0: not given */
	char align;    /* < > = ^; 0 */
	char sign;     /* + - or a space; 0 */
	bool alternate;
	int64_t width, precision; /* -1: not given */
	char grouping;            /* , or _; 0 */
	char type;                /* 0: not given */
};

/* ---- parsing ---- */

static bool is_align(char c)
{
	return c != '\0' && strchr("<>=^", c);
}

static const char *parse_align(const char *p, const char *end, struct spec *s)
{
	uint32_t fill;
	size_t n = p < end ? utf8_next(p, (size_t)(end - p), &fill) : 0;

	if (n > 0 && p + n < end && is_align(p[n])) {
		s->fill = fill;
		s->align = p[n];
		return p + n + 1;
	}
	if (p < end && is_align(*p))
		s->align = *p++;
	return p;
}

static const char *parse_number(struct kcl_heap *h, const char *p, const char *end, int64_t *ret)
{
	if (p >= end || !isdigit((unsigned char)*p))
		return p;
	*ret = 0;
	for (; p < end && isdigit((unsigned char)*p); p++)
		if (__builtin_mul_overflow(*ret, 10, ret) || __builtin_add_overflow(*ret, *p - '0', ret))
			kcl_raise(h, "Too many decimal digits in format string");
	return p;
}

static struct spec parse_spec(struct kcl_heap *h, const char *p, size_t len)
{
	struct spec s = { .width = -1, .precision = -1 };
	const char *end = p + len;

	if (len >= 2 && p[0] == '!' && strchr("srab", p[1]))
		p += 2; /* a conversion, which changes nothing */
	p = parse_align(p, end, &s);
	if (p < end && strchr("-+ ", *p))
		s.sign = *p++;
	if (p < end && *p == '#') {
		s.alternate = true;
		p++;
	}
	if (p < end && *p == '0') {
		if (!s.fill) {
			s.fill = '0';
			s.align = s.align ? s.align : '=';
		}
		p++;
	}
	p = parse_number(h, p, end, &s.width);
	if (p < end && (*p == ',' || *p == '_'))
		s.grouping = *p++;
	if (p + 1 < end && *p == '.' && isdigit((unsigned char)p[1]))
		p = parse_number(h, p + 1, end, &s.precision);
	if (p < end && strchr("sbcdoxXeEfFgGn%", *p))
		s.type = *p++;
	if (p < end)
		kcl_raise(h, "Invalid format specifier");
	if (s.precision > PRECISION_MAX)
		kcl_raise(h, "precision too big: a format may ask for %d digits", PRECISION_MAX);
	return s;
}

/* ---- magnitudes ---- */

static void put_scientific(struct kcl_text *t, int precision, double magnitude, bool upper)
{
	/* C and Python lay it out alike. */
	kcl_text_printf(t, upper ? "%.*E" : "%.*e", precision, magnitude);
}

/* %g of C keeps no zeros at the end, as Python's; the precision counts digits. */
static void put_general(struct kcl_text *t, int precision, double magnitude, bool upper)
{
	kcl_text_printf(t, upper ? "%.*G" : "%.*g", precision > 0 ? precision : 1, magnitude);
}

static void put_float_magnitude(struct kcl_text *t, const struct spec *s, double magnitude)
{
	int precision = s->precision < 0 ? 6 : (int)s->precision;
	bool upper = s->type && isupper((unsigned char)s->type);
	char text[KCL_FLOAT_TEXT_SIZE];

	if (s->type && strchr("dboxXscn", s->type))
		kcl_raise(t->h,
		          s->type == 'n' ? "Format code '%c' for object of type 'float' not implemented yet"
		                         : "Unknown format code '%c' for object of type 'float'",
		          s->type);
	if (!isfinite(magnitude)) {
		kcl_text_puts(t, isnan(magnitude) ? (upper ? "NAN" : "nan") : upper ? "INF" : "inf");
		kcl_text_puts(t, s->type == '%' ? "%" : "");
		return;
	}
	switch (s->type) {
	case 'f':
	case 'F':
		return kcl_text_printf(t, "%.*f", precision, magnitude);
	case 'e':
	case 'E':
		return put_scientific(t, precision, magnitude, upper);
	case 'g':
	case 'G':
		return put_general(t, precision, magnitude, upper);
	case '%':
		return kcl_text_printf(t, "%.*f%%", precision, magnitude * 100);
	default:
		return kcl_text_put(t, text, kcl_float_python(magnitude, text));
	}
}

static void put_binary(struct kcl_text *t, uint64_t magnitude)
{
	int bit = magnitude ? 63 - __builtin_clzll(magnitude) : 0;

	for (; bit >= 0; bit--)
		kcl_text_putc(t, (char)('0' + (magnitude >> bit & 1)));
}

static void put_int_magnitude(struct kcl_text *t, const struct spec *s, uint64_t magnitude)
{
	switch (s->type) {
	case 'b':
		return put_binary(t, magnitude);
	case 'o':
		return kcl_text_printf(t, "%llo", (unsigned long long)magnitude);
	case 'x':
		return kcl_text_printf(t, "%llx", (unsigned long long)magnitude);
	case 'X':
		return kcl_text_printf(t, "%llX", (unsigned long long)magnitude);
	case 's':
	case 'c':
	case 'g':
	case 'G':
		kcl_raise(t->h, "Unknown format code '%c' for object of type 'int'", s->type);
	default:
		return kcl_text_printf(t, "%llu", (unsigned long long)magnitude);
	}
}

/* ---- layout ---- */

/* Separators stand in front of every third digit from the point on (every fourth of binary, octal and hexadecimal). */
static void put_grouped(struct kcl_text *t, const struct spec *s, const char *digits, size_t len)
{
	const char *point = memchr(digits, '.', len);
	size_t whole = point ? (size_t)(point - digits) : len;
	unsigned interval = s->type && strchr("boxX", s->type) ? 4 : 3;

	if (s->type && !strchr("bdoxXnfF", s->type))
		kcl_raise(t->h, "Separators only valid for numbers!");
	for (size_t i = 0; i < whole; i++) {
		if (i > 0 && (whole - i) % interval == 0)
			kcl_text_putc(t, s->grouping);
		kcl_text_putc(t, digits[i]);
	}
	kcl_text_put(t, digits + whole, len - whole);
}

static void put_fill(struct kcl_text *t, const struct spec *s, size_t n)
{
	if (!s->fill || s->fill < 0x80)
		return kcl_text_fill(t, s->fill ? (char)s->fill : ' ', n);
	kcl_steps(t->h, n);
	for (size_t i = 0; i < n; i++)
		kcl_text_put_char(t, s->fill);
}

static void put_aligned(struct kcl_text *t, const struct spec *s, const char *sign, const char *prefix,
                        const struct kcl_text *body)
{
	size_t used = strlen(sign) + strlen(prefix) + body->len;
	size_t missing = s->width > 0 && (size_t)s->width > used ? (size_t)s->width - used : 0;
	size_t before = s->align == '<' || s->align == '=' ? 0 : s->align == '^' ? missing / 2 : missing;

	put_fill(t, s, before);
	kcl_text_puts(t, sign);
	if (s->align == '=')
		put_fill(t, s, missing);
	kcl_text_puts(t, prefix);
	kcl_text_put(t, body->data ? body->data : "", body->len);
	if (s->align == '<' || s->align == '^')
		put_fill(t, s, missing - before);
}

static const char *sign_of(const struct spec *s, bool negative)
{
	return negative ? "-" : s->sign == '+' ? "+" : s->sign == ' ' ? " " : "";
}

static void group(struct kcl_text *body, const struct spec *s)
{
	struct kcl_text grouped = { .h = body->h };

	if (!s->grouping)
		return;
	put_grouped(&grouped, s, body->data, body->len);
	*body = grouped;
}

static void put_float(struct kcl_text *t, const struct spec *s, double f)
{
	struct kcl_text body = { .h = t->h };

	put_float_magnitude(&body, s, fabs(f));
	group(&body, s);
	put_aligned(t, s, sign_of(s, signbit(f) && !isnan(f)), "", &body);
}

static void put_int(struct kcl_text *t, const struct spec *s, int64_t i)
{
	struct kcl_text body = { .h = t->h };
	const char *prefix = "";

	if (s->type && strchr("fFeE%", s->type))
		return put_float(t, s, (double)i);
	if (s->alternate)
		prefix = s->type == 'b' ? "0b" : s->type == 'o' ? "0o" : s->type == 'x' || s->type == 'X' ? "0x" : "";
	put_int_magnitude(&body, s, i < 0 ? 0 - (uint64_t)i : (uint64_t)i);
	group(&body, s);
	put_aligned(t, s, sign_of(s, i < 0), prefix, &body);
}

void kcl_text_put_formatted(struct kcl_text *t, struct kcl_value v, const char *spec, size_t len)
{
	if (v.kind != KCL_INT && v.kind != KCL_FLOAT)
		return kcl_text_put_value(t, v);

	struct spec s = parse_spec(t->h, spec, len);

	if (v.kind == KCL_INT)
		put_int(t, &s, v.i);
	else
		put_float(t, &s, v.f);
}
