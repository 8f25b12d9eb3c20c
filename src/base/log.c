#include "base/log.h"

#include "base/buf.h"
#include "base/clock.h"
#include "base/fs.h"
#include "base/str.h"

#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define RECORD_MAX (64 * 1024)
#define MESSAGE_MAX (16 * 1024)
#define VALUE_MAX 4096
#define FIELDS_MAX (16 * 1024)

struct logger {
	atomic_size_t refs;
	int fd;
	enum log_level level;
	enum log_format format;
	bool colour;
	char *fields; /* of this and its parents, as they stand in a record */
};

static const char *const level_names[] = { "debug", "info", "warn", "error", "off" };
static const char *const level_labels[] = { "DEBUG", "INFO ", "WARN ", "ERROR" };
static const char *const level_colours[] = { "\033[2m", "\033[32m", "\033[33m", "\033[31m" };

struct logger *logger_new(int fd, enum log_level level, enum log_format format)
{
	struct logger *l = new0(struct logger);
	atomic_init(&l->refs, 1);
	l->fd = fd;
	l->level = level;
	l->format = format;
	l->colour = format == LOG_HUMAN && str_empty(getenv("NO_COLOR")) && isatty(fd);
	l->fields = xstrdup("");
	return l;
}

/* Invisible or direction-changing characters: a value must not rewrite the line on a reader's terminal. */
static bool is_control(uint32_t c)
{
	return c < 0x20 || (c >= 0x7f && c <= 0x9f) || c == 0x200e || c == 0x200f || (c >= 0x2028 && c <= 0x202e) ||
	       (c >= 0x2066 && c <= 0x2069);
}

static void put_escape(struct buf *out, uint32_t c)
{
	if (c == '\n')
		buf_puts(out, "\\n");
	else if (c == '\t')
		buf_puts(out, "\\t");
	else if (c == '\r')
		buf_puts(out, "\\r");
	else
		buf_printf(out, "\\u%04x", (unsigned)c);
}

/* At most max bytes of s, with control characters and ill-formed UTF-8 escaped; quotes and backslashes too if asked. */
static void put_text(struct buf *out, const char *s, size_t max, bool quoted)
{
	size_t len = strlen(s), i = 0;
	while (i < len && i < max) {
		uint32_t c;
		size_t n = utf8_next(s + i, len - i, &c);
		if (!n)
			buf_puts(out, "\\ufffd");
		else if (is_control(c))
			put_escape(out, c);
		else if (quoted && (c == '"' || c == '\\'))
			buf_printf(out, "\\%c", (int)c);
		else
			buf_append(out, s + i, n);
		i += n ? n : 1;
	}
	if (i < len)
		buf_puts(out, "\u2026");
}

static void put_field(struct buf *out, enum log_format format, const char *key, const char *value)
{
	if (format == LOG_JSON) {
		buf_puts(out, ",\"");
		put_text(out, key, VALUE_MAX, true);
		buf_puts(out, "\":\"");
		put_text(out, value, VALUE_MAX, true);
		buf_putc(out, '"');
		return;
	}
	bool quoted = !*value || strpbrk(value, " \"=\\");
	buf_puts(out, out->len ? " " : "  ");
	put_text(out, key, VALUE_MAX, false);
	buf_puts(out, quoted ? "=\"" : "=");
	put_text(out, value, VALUE_MAX, quoted);
	if (quoted)
		buf_putc(out, '"');
}

struct logger *logger_with(struct logger *parent, const char *key, const char *value)
{
	if (!parent)
		return NULL;
	struct logger *l = new0(struct logger);
	atomic_init(&l->refs, 1);
	l->fd = parent->fd;
	l->level = parent->level;
	l->format = parent->format;
	l->colour = parent->colour;
	_cleanup_buf_ struct buf fields = BUF_INIT(FIELDS_MAX);
	buf_puts(&fields, parent->fields);
	put_field(&fields, l->format, key, value ? value : "");
	/* Half a field would not be JSON any more: one too many is left out. */
	l->fields = fields.failed ? xstrdup(parent->fields) : buf_steal(&fields);
	return l;
}

struct logger *logger_ref(struct logger *l)
{
	if (l)
		atomic_fetch_add_explicit(&l->refs, 1, memory_order_relaxed);
	return l;
}

struct logger *logger_unref(struct logger *l)
{
	if (l && atomic_fetch_sub_explicit(&l->refs, 1, memory_order_acq_rel) == 1) {
		free(l->fields);
		free(l);
	}
	return NULL;
}

bool log_enabled(const struct logger *l, enum log_level level)
{
	return l && level >= l->level && level < LOG_OFF;
}

static void put_human(struct buf *out, const struct logger *l, enum log_level level, const char *message)
{
	time_t now = (time_t)(clock_wall_ns() / NS_PER_S);
	struct tm tm;
	char hms[16];
	localtime_r(&now, &tm);
	strftime(hms, sizeof(hms), "%H:%M:%S", &tm);
	if (l->colour)
		buf_printf(out, "\033[2m%s\033[0m %s%s\033[0m ", hms, level_colours[level], level_labels[level]);
	else
		buf_printf(out, "%s %s ", hms, level_labels[level]);
	put_text(out, message, MESSAGE_MAX, false);
	if (*l->fields)
		buf_printf(out, l->colour ? "\033[2m%s\033[0m" : "%s", l->fields);
}

static void put_json(struct buf *out, const struct logger *l, enum log_level level, const char *message)
{
	char ts[RFC3339_SIZE];
	rfc3339_format_micro(clock_wall_ns(), ts);
	buf_printf(out, "{\"ts\":\"%s\",\"level\":\"%s\",\"msg\":\"", ts, level_names[level]);
	put_text(out, message, MESSAGE_MAX, true);
	buf_printf(out, "\"%s}", l->fields);
}

void log_at(const struct logger *l, enum log_level level, const char *fmt, ...)
{
	if (!log_enabled(l, level))
		return;
	va_list ap;
	va_start(ap, fmt);
	_cleanup_free_ char *message = xvasprintf(fmt, ap);
	va_end(ap);

	_cleanup_buf_ struct buf out = BUF_INIT(RECORD_MAX * 4);
	if (l->format == LOG_JSON)
		put_json(&out, l, level, message);
	else
		put_human(&out, l, level, message);
	buf_putc(&out, '\n');
	/* A log that cannot be written has nobody to be told. */
	(void)fs_write_all(l->fd, buf_str(&out), out.len);
}

bool log_level_parse(const char *s, enum log_level *ret)
{
	for (enum log_level level = LOG_DEBUG; s && level <= LOG_OFF; level++)
		if (strcmp(s, level_names[level]) == 0) {
			*ret = level;
			return true;
		}
	return false;
}
