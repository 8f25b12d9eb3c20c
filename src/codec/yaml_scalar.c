#include "yaml_scalar.h"

#include "base/str.h"
#include "text.h"

#include <math.h>

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

static bool one_of(const char *s, size_t len, const char *const *words)
{
	for (; *words; words++)
		if (strlen(*words) == len && memcmp(s, *words, len) == 0)
			return true;
	return false;
}

/* An integer as text: [-+]? (0[xX] | 0[oO] | 0[bB] | 0 | nothing) digits. */
struct integer {
	bool negative;
	unsigned base;
	const char *digits;
};

/* False when it is none. */
static bool scan_integer(const char *s, struct integer *ret)
{
	*ret = (struct integer){ .negative = *s == '-', .base = 10 };
	s += *s == '-' || *s == '+';
	if (s[0] == '0' && s[1]) {
		char marker = (char)(s[1] | 0x20);
		ret->base = marker == 'x' ? 16 : marker == 'b' ? 2 : 8;
		s += marker == 'x' || marker == 'b' || marker == 'o' ? 2 : 1;
	}
	ret->digits = s;
	for (; *s; s++) {
		int digit = text_hex_digit(*s);
		if (digit < 0 || (unsigned)digit >= ret->base)
			return false;
	}
	return s > ret->digits;
}

/* An integer of 64 bits. NULL when it is none. */
static json_t *resolve_integer(const char *s)
{
	struct integer integer;
	uint64_t v = 0;
	if (!scan_integer(s, &integer))
		return NULL;
	for (const char *p = integer.digits; *p; p++)
		if (__builtin_mul_overflow(v, integer.base, &v) || __builtin_add_overflow(v, (uint64_t)text_hex_digit(*p), &v))
			return NULL;
	if (v > (uint64_t)INT64_MAX + integer.negative)
		return NULL;
	return json_integer((json_int_t)(integer.negative ? 0 - v : v));
}

static const char *skip_digits(const char *s)
{
	while (is_digit(*s))
		s++;
	return s;
}

/* [-+]? (\.[0-9]+ | [0-9]+(\.[0-9]*)?) ([eE][-+]?[0-9]+)? */
static bool looks_real(const char *s)
{
	s += *s == '-' || *s == '+';
	const char *whole = skip_digits(s), *end = whole;
	if (*whole == '.')
		end = skip_digits(whole + 1);
	if (whole == s && end <= whole + 1)
		return false;
	if (*end == 'e' || *end == 'E') {
		const char *exponent = end + 1 + (end[1] == '-' || end[1] == '+');
		end = skip_digits(exponent);
		if (end == exponent)
			return false;
	}
	return !*end;
}

/* Whether the decimal integer s is what v is printed as: exactly, or in the shortest form, which our writer uses. */
static bool holds_exactly(const char *s, double v)
{
	char shortest[TEXT_REAL_MAX];
	s += *s == '+';
	text_format_real(v, shortest);
	if (str_eq(s, shortest))
		return true;
	_cleanup_free_ char *exact = xasprintf("%.0f", v);
	return str_eq(s, exact);
}

/* As JSON shows it: 1e17 + 16 has no more digits there than it needs. */
static json_t *whole_number(double v)
{
	char text[TEXT_REAL_MAX];
	text_format_real(v, text);
	return json_integer(strtoll(text, NULL, 10));
}

static json_t *resolve_real(const char *s)
{
	double v;
	if (!looks_real(s) || !text_parse_real(s, strlen(s), &v))
		return NULL;
	if (fabs(v) < 0x1p63 && !(trunc(v) < v) && !(trunc(v) > v))
		return whole_number(v);
	bool only_digits = !*skip_digits(s + (*s == '-' || *s == '+'));
	return only_digits && !holds_exactly(s, v) ? NULL : json_real(v);
}

/* The text of what may be a number without its '_', which Go minds only behind a leading dot; free(). */
static char *drop_underscores(const char *s, size_t len)
{
	char *plain = xmalloc(len + 1), *p = plain;
	for (size_t i = 0; i < len; i++)
		if (s[i] != '_' || (s[0] == '.' && !(i + 1 < len && is_digit(s[i - 1]) && is_digit(s[i + 1]))))
			*p++ = s[i];
	*p = '\0';
	return plain;
}

static enum yaml_kind resolve_number(const char *s, size_t len, json_t **ret)
{
	_cleanup_free_ char *plain = drop_underscores(s, len);
	json_t *v = s[0] == '.' ? NULL : resolve_integer(plain);
	if (!v)
		v = resolve_real(plain);
	if (!v)
		return YAML_STRING;
	*ret = v;
	return YAML_NUMBER;
}

enum yaml_kind yaml_scalar_resolve(const char *s, size_t len, json_t **ret)
{
	static const char *const nulls[] = { "", "~", "null", "Null", "NULL", NULL };
	static const char *const trues[] = {
		"y", "Y", "yes", "Yes", "YES", "true", "True", "TRUE", "on", "On", "ON", NULL
	};
	static const char *const falses[] = { "n",     "N",     "no",  "No",  "NO",  "false",
		                                  "False", "FALSE", "off", "Off", "OFF", NULL };
	static const char *const endless[] = { ".nan",  ".NaN",  ".NAN",  ".inf",  ".Inf",  ".INF", "+.inf",
		                                   "+.Inf", "+.INF", "-.inf", "-.Inf", "-.INF", NULL };
	*ret = NULL;
	if (one_of(s, len, nulls)) {
		*ret = json_null();
		return YAML_NULL;
	}
	bool yes = one_of(s, len, trues);
	if (yes || one_of(s, len, falses)) {
		*ret = json_boolean(yes);
		return YAML_BOOL;
	}
	if (!is_digit(s[0]) && s[0] != '.' && s[0] != '+' && s[0] != '-')
		return YAML_STRING;
	if (one_of(s, len, endless))
		return YAML_NOT_FINITE;
	return resolve_number(s, len, ret);
}

/* [-+]?[0-9][0-9_]*(:[0-5]?[0-9])+(\.[0-9_]*)?, a number to base 60 in YAML 1.1: 12:30, 1:20:30.5. */
static bool is_sexagesimal(const char *s)
{
	s += *s == '-' || *s == '+';
	if (!is_digit(*s))
		return false;
	while (is_digit(*s) || *s == '_')
		s++;
	if (*s != ':')
		return false;
	while (*s == ':') {
		s += 1 + (s[1] >= '0' && s[1] <= '5' && is_digit(s[2]));
		if (!is_digit(*s))
			return false;
		s++;
	}
	if (*s == '.')
		s += 1 + strspn(s + 1, "0123456789_");
	return !*s;
}

/* One or two digits, at most max. The text behind them; NULL: none. */
static const char *skip_number(const char *s, unsigned max, unsigned *ret)
{
	if (!s || !is_digit(*s))
		return NULL;
	*ret = (unsigned)(*s++ - '0');
	if (is_digit(*s))
		*ret = *ret * 10 + (unsigned)(*s++ - '0');
	return *ret <= max ? s : NULL;
}

static const char *skip_char(const char *s, char c)
{
	return s && *s == c ? s + 1 : NULL;
}

static bool is_day(unsigned year, unsigned month, unsigned day)
{
	static const unsigned days[] = { 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31 };
	bool leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;

	return month >= 1 && day >= 1 && day <= days[month - 1] + (month == 2 && leap);
}

/* "Z" or [-+]hh:mm, and no more. */
static bool is_zone(const char *s)
{
	if (str_eq(s, "Z"))
		return true;
	return (*s == '+' || *s == '-') && is_digit(s[1]) && is_digit(s[2]) && s[3] == ':' && is_digit(s[4]) &&
	       is_digit(s[5]) && !s[6];
}

/* A date, or a date and time as go-yaml reads them: yyyy-m-d, "yyyy-m-d h:m:s.f", yyyy-m-dTh:m:s.fZ. */
static bool is_timestamp(const char *s)
{
	unsigned month, day, n;
	if (strspn(s, "0123456789") != 4 || s[4] != '-')
		return false;
	unsigned year = (unsigned)strtoul(s, NULL, 10);
	const char *p = skip_number(skip_char(skip_number(s + 5, 12, &month), '-'), 31, &day);
	if (!p || !is_day(year, month, day))
		return false;
	if (!*p)
		return true;
	char separator = *p++;
	if (!strchr("tT ", separator))
		return false;
	p = skip_number(skip_char(skip_number(skip_char(skip_number(p, 23, &n), ':'), 59, &n), ':'), 59, &n);
	if (p && (*p == '.' || *p == ',') && is_digit(p[1]))
		p = skip_digits(p + 1);
	return p && (separator == ' ' ? !*p : is_zone(p));
}

/* What go-yaml takes for a number: 64 bits, or a decimal number that a double can hold. */
static bool looks_like_number(const char *s, size_t len)
{
	struct integer integer;
	double v;
	uint64_t n = 0;
	if (len == 0 || (!is_digit(*s) && *s != '.' && *s != '+' && *s != '-'))
		return false;
	_cleanup_free_ char *plain = drop_underscores(s, len);
	if (looks_real(plain) && text_parse_real(plain, strlen(plain), &v))
		return true;
	if (*s == '.' || !scan_integer(plain, &integer))
		return false;
	for (const char *p = integer.digits; *p; p++)
		if (__builtin_mul_overflow(n, integer.base, &n) || __builtin_add_overflow(n, (uint64_t)text_hex_digit(*p), &n))
			return false;
	return n <= (uint64_t)INT64_MAX + integer.negative || (!integer.negative && *s != '+');
}

bool yaml_scalar_is_string(const char *s, size_t len)
{
	json_t *v;
	enum yaml_kind kind = yaml_scalar_resolve(s, len, &v);
	json_decref(v);
	return kind == YAML_STRING && !looks_like_number(s, len) && !is_sexagesimal(s) && !is_timestamp(s);
}
