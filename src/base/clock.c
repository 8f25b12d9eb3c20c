#include "base/clock.h"

#include "base/fault.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

static int64_t clock_read(clockid_t id)
{
	struct timespec ts;
	clock_gettime(id, &ts);
	return (int64_t)ts.tv_sec * NS_PER_S + ts.tv_nsec;
}

int64_t clock_mono_ns(void)
{
	return clock_read(CLOCK_MONOTONIC);
}

int64_t clock_wall_ns(void)
{
	return clock_read(CLOCK_REALTIME) + fault_clock_offset_ns();
}

void clock_sleep_ns(int64_t ns)
{
	if (ns <= 0)
		return;
	struct timespec until = clock_timespec(clock_mono_ns() + ns);
	while (clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &until, NULL) == EINTR)
		;
}

struct timespec clock_timespec(int64_t ns)
{
	struct timespec ts = { .tv_sec = ns / NS_PER_S, .tv_nsec = ns % NS_PER_S };
	if (ts.tv_nsec < 0) {
		ts.tv_sec--;
		ts.tv_nsec += NS_PER_S;
	}
	return ts;
}

const char *rfc3339_format(int64_t wall_ns, char buf[static RFC3339_SIZE])
{
	struct timespec ts = clock_timespec(wall_ns);
	struct tm tm;
	gmtime_r(&ts.tv_sec, &tm);
	strftime(buf, RFC3339_SIZE, "%Y-%m-%dT%H:%M:%SZ", &tm);
	return buf;
}

const char *rfc3339_format_micro(int64_t wall_ns, char buf[static RFC3339_SIZE])
{
	struct timespec ts = clock_timespec(wall_ns);
	rfc3339_format(wall_ns, buf);
	size_t len = strlen(buf) - 1; /* in place of the Z */
	snprintf(buf + len, RFC3339_SIZE - len, ".%06uZ", (unsigned)(ts.tv_nsec / 1000) % 1000000);
	return buf;
}

/* Exactly n digits into *ret; moves *s past them. */
static bool take_digits(const char **s, int n, int *ret)
{
	int value = 0;
	for (int i = 0; i < n; i++) {
		if ((*s)[i] < '0' || (*s)[i] > '9')
			return false;
		value = value * 10 + ((*s)[i] - '0');
	}
	*s += n;
	*ret = value;
	return true;
}

static bool take_char(const char **s, char c)
{
	if (**s != c)
		return false;
	(*s)++;
	return true;
}

/* A fraction of a second in nanoseconds; 0 when there is none. Digits beyond nanoseconds are dropped. */
static bool take_fraction(const char **s, int64_t *ret_ns)
{
	*ret_ns = 0;
	if (!take_char(s, '.'))
		return true;
	const char *start = *s;
	int64_t unit = NS_PER_S / 10;
	for (; **s >= '0' && **s <= '9'; (*s)++, unit /= 10)
		*ret_ns += (**s - '0') * unit;
	return *s > start;
}

/* "Z" or "+hh:mm", in seconds. */
static bool take_offset(const char **s, int *ret)
{
	if (take_char(s, 'Z') || take_char(s, 'z')) {
		*ret = 0;
		return true;
	}
	int sign = **s == '-' ? -1 : 1, hours, minutes;
	if (!take_char(s, '+') && !take_char(s, '-'))
		return false;
	if (!take_digits(s, 2, &hours) || !take_char(s, ':') || !take_digits(s, 2, &minutes) || hours > 23 || minutes > 59)
		return false;
	*ret = sign * (hours * 3600 + minutes * 60);
	return true;
}

static int days_in_month(int year, int month)
{
	static const int days[] = { 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31 };
	bool leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
	return days[month - 1] + (month == 2 && leap ? 1 : 0);
}

bool rfc3339_parse(const char *s, int64_t *ret_wall_ns)
{
	int year, month, day, hour, minute, second, offset;
	int64_t fraction;
	if (!take_digits(&s, 4, &year) || !take_char(&s, '-') || !take_digits(&s, 2, &month) || !take_char(&s, '-') ||
	    !take_digits(&s, 2, &day) || (!take_char(&s, 'T') && !take_char(&s, 't')) || !take_digits(&s, 2, &hour) ||
	    !take_char(&s, ':') || !take_digits(&s, 2, &minute) || !take_char(&s, ':') || !take_digits(&s, 2, &second) ||
	    !take_fraction(&s, &fraction) || !take_offset(&s, &offset) || *s)
		return false;
	/* Second 60 is a leap second; it becomes the next minute's first. */
	if (month < 1 || month > 12 || day < 1 || day > days_in_month(year, month) || hour > 23 || minute > 59 ||
	    second > 60)
		return false;
	struct tm tm = {
		.tm_year = year - 1900, .tm_mon = month - 1, .tm_mday = day, .tm_hour = hour, .tm_min = minute, .tm_sec = second
	};
	int64_t ns;
	if (__builtin_mul_overflow((int64_t)timegm(&tm) - offset, NS_PER_S, &ns) ||
	    __builtin_add_overflow(ns, fraction, &ns))
		return false;
	*ret_wall_ns = ns;
	return true;
}

/* "3m12s", or "3m" when the smaller part is zero. */
static void print_pair(char *buf, size_t size, int64_t big, char big_unit, int64_t small, char small_unit)
{
	if (small)
		snprintf(buf, size, "%lld%c%lld%c", (long long)big, big_unit, (long long)small, small_unit);
	else
		snprintf(buf, size, "%lld%c", (long long)big, big_unit);
}

/* The thresholds are those of HumanDuration() in k8s.io/apimachinery/pkg/util/duration. */
const char *duration_human(int64_t ns, char *buf, size_t size)
{
	int64_t s = ns / NS_PER_S, m = s / 60, h = m / 60, d = h / 24;
	if (s < -1)
		snprintf(buf, size, "<invalid>");
	else if (s < 0)
		snprintf(buf, size, "0s");
	else if (s < 120)
		print_pair(buf, size, s, 's', 0, 0);
	else if (m < 10)
		print_pair(buf, size, m, 'm', s % 60, 's');
	else if (m < 180)
		print_pair(buf, size, m, 'm', 0, 0);
	else if (h < 8)
		print_pair(buf, size, h, 'h', m % 60, 'm');
	else if (h < 48)
		print_pair(buf, size, h, 'h', 0, 0);
	else if (d < 8)
		print_pair(buf, size, d, 'd', h % 24, 'h');
	else if (d < 2 * 365)
		print_pair(buf, size, d, 'd', 0, 0);
	else if (d < 8 * 365)
		print_pair(buf, size, d / 365, 'y', d % 365, 'd');
	else
		print_pair(buf, size, d / 365, 'y', 0, 0);
	return buf;
}

/* Moves *s past a unit of Go's durations and gives its length; 0 when there is none. */
static int64_t take_unit(const char **s)
{
	static const struct {
		const char *name; /* a name stands before its own prefixes */
		int64_t ns;
	} units[] = {
		{ "ns", 1 },         { "us", 1000 },    { "\u00b5s", 1000 },    { "\u03bcs", 1000 },
		{ "ms", NS_PER_MS }, { "s", NS_PER_S }, { "m", 60 * NS_PER_S }, { "h", 3600 * NS_PER_S },
	};
	for (size_t i = 0; i < sizeof(units) / sizeof(units[0]); i++) {
		size_t len = strlen(units[i].name);
		if (strncmp(*s, units[i].name, len) == 0) {
			*s += len;
			return units[i].ns;
		}
	}
	return 0;
}

/* One "1.5h" of a duration. */
static bool take_part(const char **s, int64_t *ret_ns)
{
	int64_t whole = 0, numerator = 0, denominator = 1, ns;
	const char *start = *s;
	for (; **s >= '0' && **s <= '9'; (*s)++)
		if (__builtin_mul_overflow(whole, 10, &whole) || __builtin_add_overflow(whole, **s - '0', &whole))
			return false;
	size_t digits = (size_t)(*s - start);
	if (take_char(s, '.'))
		for (; **s >= '0' && **s <= '9'; (*s)++, digits++)
			if (denominator < NS_PER_S * 1000) { /* further digits are below a nanosecond even of an hour */
				numerator = numerator * 10 + (**s - '0');
				denominator *= 10;
			}
	int64_t unit = digits ? take_unit(s) : 0;
	if (!unit || __builtin_mul_overflow(whole, unit, &ns))
		return false;
	int64_t part = (int64_t)((__int128)numerator * unit / denominator);
	return !__builtin_add_overflow(ns, part, ret_ns);
}

bool duration_parse(const char *s, int64_t *ret_ns)
{
	int64_t total = 0, part;
	if (*s == '+')
		s++;
	if (strcmp(s, "0") == 0) { /* the one duration without a unit */
		*ret_ns = 0;
		return true;
	}
	do {
		if (!take_part(&s, &part) || __builtin_add_overflow(total, part, &total))
			return false;
	} while (*s);
	*ret_ns = total;
	return true;
}
