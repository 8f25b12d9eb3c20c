/* fmt.Sprintf of Go over JSON values: verbs, flags, width, precision, explicit indexes, and what Go writes for verbs
 * that do not fit (pkg.go.dev/fmt). */

#include "patch/patch.h"

#include "base/str.h"
#include "codec/go_format.h"

#include <ctype.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>

#define TEXT_MAX ((size_t)1024 * 1024)
#define WIDTH_MAX 10000

struct spec {
	bool minus, plus, sharp, space, zero;
	int width, precision; /* -1: none */
	char verb;
};

static void format(struct buf *out, const struct spec *s, const json_t *v);

static void pad(struct buf *out, const struct spec *s, const char *text)
{
	size_t chars = 0;

	for (const char *p = text; *p; p++)
		chars += ((unsigned char)*p & 0xc0) != 0x80;
	size_t fill = s->width > 0 && (size_t)s->width > chars ? (size_t)s->width - chars : 0;

	if (s->minus) {
		buf_puts(out, text);
		for (; fill > 0; fill--)
			buf_putc(out, ' ');
		return;
	}
	if (s->zero && (*text == '-' || *text == '+') && fill > 0)
		buf_putc(out, *text++);
	for (; fill > 0; fill--)
		buf_putc(out, s->zero ? '0' : ' ');
	buf_puts(out, text);
}

static void bad_verb(struct buf *out, const struct spec *s, const json_t *v)
{
	static const struct spec plain = { .width = -1, .precision = -1, .verb = 'v' };

	buf_printf(out, "%%!%c(", s->verb);
	if (!v || json_is_null(v)) {
		buf_puts(out, "<nil>");
	} else {
		buf_printf(out, "%s=", go_type_name(v));
		format(out, &plain, v);
	}
	buf_putc(out, ')');
}

/* ---- numbers ---- */

static void put_integer(struct buf *out, const struct spec *s, int64_t value)
{
	uint64_t magnitude = value < 0 ? 0 - (uint64_t)value : (uint64_t)value;
	unsigned base = s->verb == 'b' ? 2 : s->verb == 'o' || s->verb == 'O' ? 8 : tolower(s->verb) == 'x' ? 16 : 10;
	char digits[72];
	size_t at = sizeof(digits);
	char text[160];
	size_t n = 0;

	digits[--at] = '\0';
	do {
		digits[--at] = (s->verb == 'X' ? "0123456789ABCDEF" : "0123456789abcdef")[magnitude % base];
		magnitude /= base;
	} while (magnitude > 0);
	if (value < 0 || s->plus || s->space)
		text[n++] = value < 0 ? '-' : s->plus ? '+' : ' ';
	if ((s->sharp && base == 16) || s->verb == 'O') {
		text[n++] = '0';
		text[n++] = base == 8 ? 'o' : s->verb;
	}
	for (int len = (int)(sizeof(digits) - 1 - at); len < s->precision && n < 80; len++)
		text[n++] = '0';
	snprintf(text + n, sizeof(text) - n, "%s", digits + at);
	pad(out, s, text);
}

/* %v and %g: the shortest text that reads back, with an exponent when there are more than six digits before the point:
 * a million is 1e+06. */
static void shortest(double f, char *text, size_t size)
{
	char digits[40];
	int precision = 0, exponent;

	do
		snprintf(digits, sizeof(digits), "%.*e", precision, f);
	while (strtod(digits, NULL) != f && ++precision < 17);
	exponent = (int)strtol(strchr(digits, 'e') + 1, NULL, 10);
	if (exponent < -4 || exponent >= 6) {
		snprintf(text, size, "%s", digits);
		return;
	}
	snprintf(text, size, "%.*f", precision > exponent ? precision - exponent : 0, f);
}

static void put_real(struct buf *out, const struct spec *s, double f)
{
	char text[400], pattern[8];

	if (s->verb == 'v' || (tolower(s->verb) == 'g' && s->precision < 0)) {
		shortest(f, text, sizeof(text));
		if ((s->plus && s->verb != 'v') && f >= 0) {
			memmove(text + 1, text, strlen(text) + 1);
			text[0] = '+';
		}
	} else {
		snprintf(pattern, sizeof(pattern), "%%%s.*%c",
		         s->plus    ? "+"
		         : s->space ? " "
		                    : "",
		         s->verb == 'F' ? 'f' : s->verb);
		snprintf(text, sizeof(text), pattern, s->precision < 0 ? 6 : s->precision > 300 ? 300 : s->precision, f);
	}
	pad(out, s, text);
}

/* ---- text ---- */

static void put_hex(struct buf *out, const struct spec *s, const char *text)
{
	_cleanup_buf_ struct buf hex = BUF_INIT(TEXT_MAX);

	for (; *text; text++)
		buf_printf(&hex, s->verb == 'X' ? "%02X" : "%02x", (unsigned char)*text);
	pad(out, s, buf_str(&hex));
}

static void put_text(struct buf *out, const struct spec *s, const char *text)
{
	_cleanup_buf_ struct buf part = BUF_INIT(TEXT_MAX);
	size_t len = strlen(text), end = 0;

	if (s->verb == 'x' || s->verb == 'X') {
		put_hex(out, s, text);
		return;
	}
	for (int chars = 0; end < len && (s->precision < 0 || chars < s->precision); chars++) {
		uint32_t c;
		size_t n = utf8_next(text + end, len - end, &c);

		end += n > 0 ? n : 1;
	}
	if (s->verb == 'q')
		go_quote(text, end, TEXT_MAX, &part);
	else
		buf_append(&part, text, end);
	pad(out, s, buf_str(&part));
}

/* ---- values ---- */

static void put_object(struct buf *out, const struct spec *s, const json_t *object)
{
	_cleanup_free_ const char **names = xcalloc(json_object_size(object) + 1, sizeof(*names));
	size_t n = 0;
	const char *key;
	json_t *member;

	json_object_foreach (json_unconst(object), key, member)
		names[n++] = key;
	str_sort(names, n);
	buf_puts(out, "map[");
	for (size_t i = 0; i < n; i++) {
		if (i > 0)
			buf_putc(out, ' ');
		if (strchr("sqvxX", s->verb))
			put_text(out, s, names[i]);
		else
			buf_printf(out, "%%!%c(string=%s)", s->verb, names[i]);
		buf_putc(out, ':');
		format(out, s, json_object_get(object, names[i]));
	}
	buf_putc(out, ']');
}

static void put_array(struct buf *out, const struct spec *s, const json_t *array)
{
	buf_putc(out, '[');
	for (size_t i = 0; i < json_array_size(array); i++) {
		if (i > 0)
			buf_putc(out, ' ');
		format(out, s, json_array_get(array, i));
	}
	buf_putc(out, ']');
}

static void format_scalar(struct buf *out, const struct spec *s, const json_t *v)
{
	switch (json_typeof(v)) {
	case JSON_STRING:
		if (strchr("svqxX", s->verb))
			return put_text(out, s, json_string_value(v));
		break;
	case JSON_INTEGER:
		if (strchr("dvboOxX", s->verb))
			return put_integer(out, s, json_integer_value(v));
		if (s->verb == 'c') {
			char text[2] = { (char)json_integer_value(v), '\0' };

			return pad(out, s, text);
		}
		break;
	case JSON_REAL:
		if (strchr("vgGeEfF", s->verb))
			return put_real(out, s, json_real_value(v));
		break;
	default:
		if (strchr("tv", s->verb))
			return pad(out, s, json_is_true(v) ? "true" : "false");
	}
	bad_verb(out, s, v);
}

static void format(struct buf *out, const struct spec *s, const json_t *v)
{
	if (s->verb == 'T') {
		pad(out, s, go_type_name(v));
	} else if (!v || json_is_null(v)) {
		if (s->verb == 'v')
			pad(out, s, "<nil>");
		else
			bad_verb(out, s, v);
	} else if (s->verb == 'v' && s->sharp) {
		_cleanup_free_ char *text = go_format_syntax(v);

		pad(out, s, text);
	} else if (json_is_object(v)) {
		put_object(out, s, v);
	} else if (json_is_array(v)) {
		put_array(out, s, v);
	} else {
		format_scalar(out, s, v);
	}
}

/* ---- the format ---- */

static const char *read_number(const char *p, int *ret)
{
	int n = 0;

	if (!isdigit((unsigned char)*p))
		return p;
	for (; isdigit((unsigned char)*p); p++)
		n = n < WIDTH_MAX ? n * 10 + (*p - '0') : n;
	*ret = n < WIDTH_MAX ? n : WIDTH_MAX;
	return p;
}

static const char *read_flags(const char *p, struct spec *s)
{
	for (;; p++) {
		switch (*p) {
		case '-':
			s->minus = true;
			s->zero = false;
			continue;
		case '+':
			s->plus = true;
			continue;
		case '#':
			s->sharp = true;
			continue;
		case ' ':
			s->space = true;
			continue;
		case '0':
			s->zero = !s->minus;
			continue;
		default:
			return p;
		}
	}
}

/* "[2]" chooses the argument; false: it is malformed or out of range. */
static bool read_index(const char **p, size_t len, size_t *next, bool *reordered)
{
	const char *end = **p == '[' ? strchr(*p, ']') : NULL;
	int n = 0;

	if (**p != '[')
		return true;
	if (!end)
		return false;
	bool ok = read_number(*p + 1, &n) == end && n >= 1 && (size_t)n <= len;
	*p = end + 1;
	*next = ok ? (size_t)n - 1 : *next;
	*reordered = true;
	return ok;
}

char *go_sprintf(const char *text, json_t *const *values, size_t len)
{
	struct buf out = BUF_INIT(TEXT_MAX);
	size_t next = 0;
	bool reordered = false;

	for (const char *p = text; *p;) {
		size_t plain = strcspn(p, "%");
		struct spec s = { .width = -1, .precision = -1 };

		buf_append(&out, p, plain);
		p += plain;
		if (!*p)
			break;
		p = read_flags(p + 1, &s);
		bool good = read_index(&p, len, &next, &reordered);
		p = read_number(p, &s.width);
		if (*p == '.') {
			s.precision = 0;
			p = read_number(p + 1, &s.precision);
		}
		good = read_index(&p, len, &next, &reordered) && good;
		if (!*p) {
			buf_puts(&out, "%!(NOVERB)");
			break;
		}
		s.verb = *p++;
		if (s.verb == '%')
			buf_putc(&out, '%');
		else if (!good)
			buf_printf(&out, "%%!%c(BADINDEX)", s.verb);
		else if (next >= len)
			buf_printf(&out, "%%!%c(MISSING)", s.verb);
		else
			format(&out, &s, values[next++]);
	}
	if (!reordered && next < len) {
		buf_puts(&out, "%!(EXTRA ");
		for (size_t i = next; i < len; i++) {
			_cleanup_free_ char *value = go_sprint(values[i]);

			buf_printf(&out, "%s%s", i > next ? ", " : "", go_type_name(values[i]));
			if (values[i] && !json_is_null(values[i]))
				buf_printf(&out, "=%s", value);
		}
		buf_putc(&out, ')');
	}
	return buf_steal(&out);
}

char *go_sprint(const json_t *v)
{
	static const struct spec plain = { .width = -1, .precision = -1, .verb = 'v' };
	struct buf out = BUF_INIT(TEXT_MAX);

	format(&out, &plain, v);
	return buf_steal(&out);
}
