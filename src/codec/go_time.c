#include "codec/go_time.h"

#include "base/buf.h"
#include "base/clock.h"
#include "base/str.h"
#include "codec/go_format.h"

#include <string.h>

#define TEXT_MAX ((size_t)4096)

/* A part of the layout: a number of so many digits with its range, or (digits 0) a literal. */
struct element {
	const char *layout;
	int digits, min, max;
	const char *name;
};

static const struct element ELEMENTS[] = {
	{ "2006", 4, 0, 9999, "year" }, { "-", 0, 0, 0, NULL }, { "01", 2, 1, 12, "month" },  { "-", 0, 0, 0, NULL },
	{ "02", 2, 1, 31, "day" },      { "T", 0, 0, 0, NULL }, { "15", 2, 0, 23, "hour" },   { ":", 0, 0, 0, NULL },
	{ "04", 2, 0, 59, "minute" },   { ":", 0, 0, 0, NULL }, { "05", 2, 0, 59, "second" },
};

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

static char *cannot_parse(const char *text, bool micro, const char *rest, const char *element)
{
	struct buf out = BUF_INIT(4 * TEXT_MAX);

	buf_puts(&out, "parsing time ");
	go_quote(text, strlen(text), TEXT_MAX, &out);
	buf_printf(&out, " as \"2006-01-02T15:04:05%sZ07:00\": cannot parse ", micro ? ".000000" : "");
	go_quote(rest, strlen(rest), TEXT_MAX, &out);
	buf_printf(&out, " as \"%s\"", element);
	return buf_steal(&out);
}

static char *other_fault(const char *text, const char *what, const char *rest)
{
	struct buf out = BUF_INIT(4 * TEXT_MAX);

	buf_puts(&out, "parsing time ");
	go_quote(text, strlen(text), TEXT_MAX, &out);
	buf_printf(&out, ": %s", what);
	if (rest)
		go_quote(rest, strlen(rest), TEXT_MAX, &out);
	return buf_steal(&out);
}

/* The number at *at; -1 when there are not so many digits. */
static int read_number(const char **at, int digits)
{
	int n = 0;

	for (int i = 0; i < digits; i++) {
		if (!is_digit((*at)[i]))
			return -1;
		n = 10 * n + (*at)[i] - '0';
	}
	*at += digits;
	return n;
}

/* "Z" or "+07:00". */
static bool read_zone(const char **at)
{
	const char *s = *at;

	if (*s == 'Z') {
		*at = s + 1;
		return true;
	}
	if ((*s != '+' && *s != '-') || !is_digit(s[1]) || !is_digit(s[2]) || s[3] != ':' || !is_digit(s[4]) ||
	    !is_digit(s[5]))
		return false;
	*at = s + 6;
	return true;
}

static bool read_fraction(const char **at, bool micro)
{
	const char *s = *at;
	int digits = 0;

	if (*s != '.' && *s != ',')
		return !micro;
	while (is_digit(s[1 + digits]))
		digits++;
	if (micro) {
		*at += digits >= 6 ? 7 : 0;
		return digits >= 6;
	}
	*at += digits ? digits + 1 : 0;
	return true;
}

static int days_of(int year, int month)
{
	static const int DAYS[] = { 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31 };
	bool leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;

	return DAYS[month - 1] + (month == 2 && leap);
}

char *go_time_fault(const char *text, bool micro)
{
	const char *at = text;
	int values[ARRAY_SIZE(ELEMENTS)] = { 0 };

	for (size_t i = 0; i < ARRAY_SIZE(ELEMENTS); i++) {
		const struct element *e = &ELEMENTS[i];
		if (!e->digits) {
			if (*at != *e->layout)
				return cannot_parse(text, micro, at, e->layout);
			at++;
			continue;
		}
		values[i] = read_number(&at, e->digits);
		if (values[i] < 0)
			return cannot_parse(text, micro, at, e->layout);
		bool late = strcmp(e->name, "day") == 0; /* Go looks at days last */
		if (!late && (values[i] < e->min || values[i] > e->max)) {
			_cleanup_free_ char *what = xasprintf("%s out of range", e->name);
			return other_fault(text, what, NULL);
		}
	}
	if (!read_fraction(&at, micro))
		return cannot_parse(text, micro, at, ".000000");
	if (!read_zone(&at))
		return cannot_parse(text, micro, at, "Z07:00");
	if (*at)
		return other_fault(text, "extra text: ", at);
	if (values[4] < 1 || values[4] > days_of(values[0], values[2]))
		return other_fault(text, "day out of range", NULL);
	return NULL;
}

/* ---- durations ---- */

static char *bad_duration(const char *what, const char *text)
{
	struct buf out = BUF_INIT(4 * TEXT_MAX);

	buf_printf(&out, "time: %s duration ", what);
	go_quote(text, strlen(text), TEXT_MAX, &out);
	return buf_steal(&out);
}

/* Nanoseconds of a unit; 0: there is no such one. */
static int64_t unit_of(const char *unit, size_t len)
{
	static const struct {
		const char *name;
		int64_t ns;
	} UNITS[] = { { "ns", 1 },       { "us", 1000 },    { "\xc2\xb5s", 1000 },  { "\xce\xbcs", 1000 },
		          { "ms", 1000000 }, { "s", NS_PER_S }, { "m", 60 * NS_PER_S }, { "h", 3600 * NS_PER_S } };

	for (size_t i = 0; i < ARRAY_SIZE(UNITS); i++)
		if (strlen(UNITS[i].name) == len && strncmp(UNITS[i].name, unit, len) == 0)
			return UNITS[i].ns;
	return 0;
}

/* "1.5h" at *at is added to *total. */
static char *take_part(const char *text, const char **at, int64_t *total)
{
	const char *start = *at;
	size_t whole = strspn(start, "0123456789"), fraction = 0;
	const char *point = start + whole;

	if (*point == '.')
		fraction = strspn(point + 1, "0123456789");
	if (whole + fraction == 0)
		return bad_duration("invalid", text);
	const char *unit = point + (*point == '.' ? fraction + 1 : 0);
	size_t unit_len = strcspn(unit, ".0123456789");
	if (unit_len == 0)
		return bad_duration("missing unit in", text);
	int64_t ns = unit_of(unit, unit_len), n = 0;
	if (ns == 0) {
		_cleanup_free_ char *name = xstrndup(unit, unit_len), *what = xasprintf("unknown unit \"%s\" in", name);
		return bad_duration(what, text);
	}
	for (const char *c = start; c < point; c++)
		if (__builtin_mul_overflow(n, 10, &n) || __builtin_add_overflow(n, *c - '0', &n))
			return bad_duration("invalid", text);
	double part = 0, scale = 1;
	for (size_t i = 1; i <= fraction; i++)
		part += (point[i] - '0') * (scale /= 10);
	if (__builtin_mul_overflow(n, ns, &n) || __builtin_add_overflow(n, (int64_t)(part * (double)ns), &n) ||
	    __builtin_add_overflow(*total, n, total))
		return bad_duration("invalid", text);
	*at = unit + unit_len;
	return NULL;
}

char *go_duration_fault(const char *text, int64_t *ret)
{
	const char *at = text + (*text == '-' || *text == '+');
	int64_t total = 0;

	if (strcmp(at, "0") != 0) {
		if (!*at)
			return bad_duration("invalid", text);
		while (*at) {
			char *fault = take_part(text, &at, &total);
			if (fault)
				return fault;
		}
	}
	*ret = *text == '-' ? -total : total;
	return NULL;
}
