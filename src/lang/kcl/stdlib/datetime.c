#include "stdlib/datetime.h"
#include "stdlib/library.h"
#include "stdlib/pattern.h"

#include "base/clock.h"

#include <time.h>

#define FORMAT_MAX 1000

/* The clock is the caller's, in UTC: a library has no time zone. */
static struct tm now(struct kcl_vm *vm, int64_t *ret_seconds)
{
	time_t seconds = (time_t)(kcl_vm_options(vm)->now_ns / NS_PER_S);
	struct tm tm = { 0 };

	gmtime_r(&seconds, &tm);
	if (ret_seconds)
		*ret_seconds = seconds;
	return tm;
}

static struct kcl_value format_now(struct kcl_vm *vm, const char *format, size_t len)
{
	struct kcl_heap *h = kcl_vm_heap(vm);
	struct tm tm = now(vm, NULL);
	char *text;

	if (len > FORMAT_MAX)
		kcl_raise(h, "now() format is longer than %d bytes", FORMAT_MAX);

	/* No conversion gives more than some 30 characters, but widths may be asked for: a result that does not fit is
	 * refused. A character in front tells an empty one from that. */
	size_t size = 32 * len + 64;

	text = kcl_alloc_raw(h, size);

	size_t n = strftime(text, size, kcl_printf(h, "x%s", format), &tm);

	if (n == 0)
		kcl_raise(h, "now() format '%s' gives too long a text", format);
	return kcl_str(h, text + 1, n - 1);
}

static KCL_BUILTIN(datetime_now)
{
	const struct kcl_str *format = kcl_arg_str(vm, args, 0, "format");

	(void)self;
	return format ? format_now(vm, format->s, format->len) : format_now(vm, "%a %b %d %H:%M:%S %Y", 20);
}

static KCL_BUILTIN(datetime_date)
{
	(void)self;
	(void)args;
	return format_now(vm, "%Y-%m-%d %H:%M:%S", 17);
}

static KCL_BUILTIN(datetime_today)
{
	int64_t seconds;

	(void)self;
	(void)args;
	now(vm, &seconds);
	return kcl_strz(kcl_vm_heap(vm), kcl_printf(kcl_vm_heap(vm), "%s.%lld",
	                                            format_now(vm, "%Y-%m-%d %H:%M:%S", 17).str->s, (long long)seconds));
}

static KCL_BUILTIN(datetime_ticks)
{
	int64_t seconds;

	(void)self;
	(void)args;
	now(vm, &seconds);
	return kcl_float((double)seconds);
}

static KCL_BUILTIN(datetime_validate)
{
	const struct kcl_str *date = kcl_arg_need_str(vm, args, 0, "date",
	                                              "validate() takes 2 positional arguments (0 given)");
	const struct kcl_str *format = kcl_arg_need_str(vm, args, 1, "format",
	                                                "validate() takes 2 positional arguments (1 given)");

	(void)self;
	return kcl_bool(kcl_date_matches(date->s, format->s));
}

static bool is_rfc3339(const struct kcl_str *s)
{
	int64_t ns;

	return rfc3339_parse(s->s, &ns);
}

static KCL_BUILTIN(datetime_is_rfc3339)
{
	(void)self;
	return kcl_bool(is_rfc3339(
		kcl_arg_need_str(vm, args, 0, "date", "is_rfc3339() missing 1 required positional argument: 'date'")));
}

/* A date-time of RFC 3339, or a duration. */
static KCL_BUILTIN(datetime_is_iso8601)
{
	static const char duration[] = "\\AP(?!\\z)(\\d+(\\.\\d+)?Y)?(\\d+(\\.\\d+)?M)?(\\d+(\\.\\d+)?W)?(\\d+(\\.\\d+)?D)?"
								   "(T(?=\\d)(\\d+(\\.\\d+)?H)?(\\d+(\\.\\d+)?M)?(\\d+(\\.\\d+)?S)?)?\\z";
	const struct kcl_str *s = kcl_arg_need_str(vm, args, 0, "date",
	                                           "is_iso8601() missing 1 required positional argument: 'date'");

	(void)self;
	return kcl_bool(is_rfc3339(s) || kcl_pattern_test(kcl_vm_heap(vm), duration, s));
}

const struct kcl_builtin kcl_datetime_rows[] = {
	{ "ticks", "() -> float", datetime_ticks, NULL, "The seconds since 1970." },
	{ "date", "() -> str", datetime_date, NULL, "The date and time: 2026-01-02 03:04:05." },
	{ "now", "(format?: str) -> str", datetime_now, NULL, "The date and time in a strftime format." },
	{ "today", "() -> str", datetime_today, NULL, "The date and time, and behind a point the seconds since 1970." },
	{ "validate", "(date: str, format: str) -> bool", datetime_validate, NULL,
	  "Whether the text is a date or time in that format." },
	{ "is_rfc3339", "(date: str) -> bool", datetime_is_rfc3339, NULL, "Whether it is a date-time of RFC 3339." },
	{ "is_iso8601", "(date: str) -> bool", datetime_is_iso8601, NULL,
	  "Whether it is a date-time of RFC 3339 or a duration of ISO 8601." },
	{ 0 },
};
