#include "stdlib/datetime.h"

#include <ctype.h>
#include <stdint.h>
#include <string.h>
#include <strings.h>

/* chrono's parser, as far as it is asked whether a text fits: numbers may have fewer digits than the format would
 * write, white space in the format takes any, names are not case-sensitive. */

enum field { YEAR, YEAR2, MONTH, DAY, DAY_OF_YEAR, HOUR, HOUR12, MINUTE, SECOND, NONE, FIELDS };

struct date {
	int64_t value[FIELDS];
	bool has[FIELDS];
	bool has_pm;
};

static const char *const month_names[] = { "january", "february", "march",     "april",   "may",      "june",
	                                       "july",    "august",   "september", "october", "november", "december" };
static const char *const day_names[] = { "sunday", "monday", "tuesday", "wednesday", "thursday", "friday", "saturday" };

static const struct {
	char letter;
	enum field field;
	int digits;
	int64_t min, max;
} numbers[] = {
	{ 'Y', YEAR, 6, -262144, 262143 },
	{ 'y', YEAR2, 2, 0, 99 },
	{ 'm', MONTH, 2, 1, 12 },
	{ 'd', DAY, 2, 1, 31 },
	{ 'e', DAY, 2, 1, 31 },
	{ 'j', DAY_OF_YEAR, 3, 1, 366 },
	{ 'H', HOUR, 2, 0, 23 },
	{ 'k', HOUR, 2, 0, 23 },
	{ 'I', HOUR12, 2, 1, 12 },
	{ 'l', HOUR12, 2, 1, 12 },
	{ 'M', MINUTE, 2, 0, 59 },
	{ 'S', SECOND, 2, 0, 60 },
	{ 'u', NONE, 1, 1, 7 },
	{ 'w', NONE, 1, 0, 6 },
	{ 's', NONE, 12, 0, 999999999999 },
	{ 'U', NONE, 2, 0, 53 },
	{ 'W', NONE, 2, 0, 53 },
	{ 'f', NONE, 9, 0, 999999999 },
};

/* Each stands for a format. */
static const struct {
	char letter;
	const char *format;
} composed[] = {
	{ 'D', "%m/%d/%y" },
	{ 'x', "%m/%d/%y" },
	{ 'F', "%Y-%m-%d" },
	{ 'v', "%e-%b-%Y" },
	{ 'R', "%H:%M" },
	{ 'T', "%H:%M:%S" },
	{ 'X', "%H:%M:%S" },
	{ 'r', "%I:%M:%S %p" },
	{ 'c', "%a %b %e %H:%M:%S %Y" },
	{ '+', "%Y-%m-%dT%H:%M:%S%z" },
};

static const char *skip_space(const char *p)
{
	while (isspace((unsigned char)*p))
		p++;
	return p;
}

static const char *take_number(const char *p, int max_digits, int64_t min, int64_t max, int64_t *ret)
{
	bool negative = *p == '-' && min < 0;
	int64_t value = 0;
	int digits = 0;

	if (negative || (*p == '+' && min < 0))
		p++;
	for (; digits < max_digits && isdigit((unsigned char)*p); digits++)
		value = value * 10 + (*p++ - '0');
	value = negative ? -value : value;
	if (digits == 0 || value < min || value > max)
		return NULL;
	*ret = value;
	return p;
}

/* A whole name or its first three letters. */
static const char *take_name(const char *p, const char *const *names, int n, bool may_be_long, int64_t *ret)
{
	for (int i = 0; i < n; i++) {
		size_t len = strlen(names[i]);

		if (strncasecmp(p, names[i], 3) != 0)
			continue;
		*ret = i;
		return p + (may_be_long && strncasecmp(p, names[i], len) == 0 ? len : 3);
	}
	return NULL;
}

/* +00:00, +0000, and Z where it may be. */
static const char *take_offset(const char *p)
{
	if (*p == 'Z' || *p == 'z')
		return p + 1;
	if (*p != '+' && *p != '-')
		return NULL;
	for (int i = 1; i <= 2; i++)
		if (!isdigit((unsigned char)p[i]))
			return NULL;
	p += p[3] == ':' ? 4 : 3;
	return isdigit((unsigned char)p[0]) && isdigit((unsigned char)p[1]) ? p + 2 : NULL;
}

static const char *take_fraction(const char *p)
{
	if (*p != '.')
		return p; /* it may be left out */
	if (!isdigit((unsigned char)p[1]))
		return NULL;
	for (p++; isdigit((unsigned char)*p); p++)
		;
	return p;
}

static const char *match(const char *p, const char *format, struct date *d, int depth);

static const char *take_field(const char *p, char letter, struct date *d)
{
	int64_t value;

	for (size_t i = 0; i < sizeof(numbers) / sizeof(*numbers); i++) {
		if (numbers[i].letter != letter)
			continue;
		p = take_number(skip_space(p), numbers[i].digits, numbers[i].min, numbers[i].max, &value);
		if (!p || (d->has[numbers[i].field] && numbers[i].field != NONE && d->value[numbers[i].field] != value))
			return NULL;
		d->value[numbers[i].field] = value;
		d->has[numbers[i].field] = true;
		return p;
	}
	return NULL;
}

static const char *take_conversion(const char *p, char letter, struct date *d, int depth)
{
	int64_t value = 0;

	for (size_t i = 0; depth == 0 && i < sizeof(composed) / sizeof(*composed); i++)
		if (composed[i].letter == letter)
			return match(p, composed[i].format, d, depth + 1);
	switch (letter) {
	case 'b':
	case 'h':
	case 'B':
		p = take_name(p, month_names, 12, letter == 'B', &value);
		d->value[MONTH] = value + 1;
		d->has[MONTH] = true;
		return p;
	case 'a':
	case 'A':
		return take_name(p, day_names, 7, letter == 'A', &value);
	case 'p':
	case 'P':
		d->has_pm = true;
		return strncasecmp(p, "am", 2) == 0 || strncasecmp(p, "pm", 2) == 0 ? p + 2 : NULL;
	case 'z':
		return take_offset(p);
	case 'Z':
		while (*p && !isspace((unsigned char)*p))
			p++;
		return p;
	case 'n':
	case 't':
		return skip_space(p);
	case '%':
		return *p == '%' ? p + 1 : NULL;
	default:
		return take_field(p, letter, d);
	}
}

static const char *match(const char *p, const char *format, struct date *d, int depth)
{
	for (; p && *format; format++) {
		if (isspace((unsigned char)*format)) {
			p = skip_space(p);
		} else if (*format != '%') {
			p = *p == *format ? p + 1 : NULL;
		} else {
			format++;
			if (*format && strchr("-_0", *format))
				format++; /* how to pad */
			if (*format == '.') {
				format += 1 + strspn(format + 1, "369");
				p = *format == 'f' ? take_fraction(p) : NULL;
			} else if (*format == ':') {
				format += strspn(format, ":");
				p = *format == 'z' ? take_offset(p) : NULL;
			} else {
				p = *format ? take_conversion(p, *format, d, depth) : NULL;
			}
			if (!*format)
				return NULL;
		}
	}
	return p;
}

static bool day_exists(int64_t year, int64_t month, int64_t day)
{
	static const int days[] = { 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31 };
	bool leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;

	return day <= days[month - 1] + (month == 2 && leap);
}

static bool is_date(const struct date *d)
{
	int64_t year = d->has[YEAR] ? d->value[YEAR] : d->value[YEAR2] + (d->value[YEAR2] < 70 ? 2000 : 1900);

	if (!d->has[YEAR] && !d->has[YEAR2])
		return false;
	if (d->has[DAY_OF_YEAR])
		return d->value[DAY_OF_YEAR] < 366 || day_exists(year, 2, 29);
	return d->has[MONTH] && d->has[DAY] && day_exists(year, d->value[MONTH], d->value[DAY]);
}

static bool is_time(const struct date *d)
{
	return (d->has[HOUR] || (d->has[HOUR12] && d->has_pm)) && d->has[MINUTE];
}

bool kcl_date_matches(const char *text, const char *format)
{
	struct date d = { 0 };
	const char *end = match(text, format, &d, 0);

	return end && *end == '\0' && (is_date(&d) || is_time(&d));
}
