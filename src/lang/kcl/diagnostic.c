#include "diagnostic.h"

#include "base/str.h"

#include <stdio.h>

#define EXCERPT_MAX 4096 /* bytes of a line */
#define EXCERPT_BEFORE 60

void kcl_diagnostics_clear(struct kcl_diagnostics *d)
{
	for (size_t i = 0; i < d->len; i++) {
		free(d->items[i].file);
		free(d->items[i].message);
		free(d->items[i].hint);
		free(d->items[i].note);
	}
	free(d->items);
	*d = (struct kcl_diagnostics){ 0 };
}

struct kcl_diagnostic *kcl_diagnostic_add(struct kcl_diagnostics *d, enum kcl_severity severity, const char *code,
                                          const char *file, const struct kcl_span *span, const char *fmt, ...)
{
	va_list ap;

	if (severity == KCL_ERROR)
		d->errors++;
	if (d->len >= KCL_DIAGNOSTICS_MAX)
		return NULL;
	if (!d->items)
		d->items = xcalloc(KCL_DIAGNOSTICS_MAX, sizeof(*d->items));

	struct kcl_diagnostic *item = &d->items[d->len++];

	*item = (struct kcl_diagnostic){ .severity = severity, .code = code, .file = xstrdup_or_null(file) };
	if (span) {
		item->line = span->line;
		item->column = span->column;
		item->end_line = span->end_line;
		item->end_column = span->end_column;
	}
	va_start(ap, fmt);
	item->message = xvasprintf(fmt, ap);
	va_end(ap);
	return item;
}

/* The line of that number, from 1; its length. NULL when the text has fewer. */
static const char *find_line(const char *text, uint32_t number, size_t *ret_len)
{
	for (uint32_t at = 1; at < number; at++) {
		text = strchr(text, '\n');
		if (!text)
			return NULL;
		text++;
	}
	*ret_len = strcspn(text, "\r\n");
	return text;
}

/* Spaces up to the column (tabs stay, so that the caret stands below what it means), then carets to the end. */
static void write_carets(const struct kcl_diagnostic *item, const char *line, size_t len, struct buf *out)
{
	uint32_t column = 1, end = item->end_line == item->line && item->end_column > item->column ? item->end_column
	                                                                                           : item->column + 1;
	uint32_t point;
	size_t n;

	for (size_t at = 0; at < len && column < item->column; at += n, column++) {
		n = utf8_next(line + at, len - at, &point);
		n = n > 0 ? n : 1;
		buf_putc(out, line[at] == '\t' ? '\t' : ' ');
	}
	for (column = item->column; column < end && column < item->column + (uint32_t)len + 1; column++)
		buf_putc(out, '^');
}

/* Of a line that is too long to be shown, what is around the column, which counts from there then. */
static const char *cut_line(const char *line, size_t *len, uint32_t *column)
{
	size_t at = 0, n;
	uint32_t point, to = *column > EXCERPT_BEFORE ? *column - EXCERPT_BEFORE : 1;

	if (*len <= EXCERPT_MAX)
		return line;
	for (uint32_t c = 1; at < *len && c < to; at += n, c++) {
		n = utf8_next(line + at, *len - at, &point);
		n = n > 0 ? n : 1;
	}
	*column -= to - 1;
	*len = *len - at < EXCERPT_MAX ? *len - at : EXCERPT_MAX;
	while (*len > 0 && ((unsigned char)line[at + *len] & 0xc0) == 0x80) /* within a character */
		(*len)--;
	return line + at;
}

static void write_excerpt(const struct kcl_diagnostic *item, const char *text, struct buf *out)
{
	struct kcl_diagnostic shown = *item;
	char number[16];
	size_t len;
	const char *line = find_line(text, item->line, &len);

	if (!line)
		return;
	line = cut_line(line, &len, &shown.column);
	shown.end_column -= item->column - shown.column;

	int width = snprintf(number, sizeof(number), "%u", item->line);

	buf_printf(out, "%*s |\n%s | %.*s\n%*s | ", width, "", number, (int)len, line, width, "");
	write_carets(&shown, line, len, out);
	buf_printf(out, " %s\n%*s |\n", item->message, width, "");
}

/* Upstream shows what is wrong with a line's end at its last character. */
static uint32_t shown_column(const struct kcl_diagnostic *item, const char *text)
{
	size_t len = 0;
	const char *line = text ? find_line(text, item->line, &len) : NULL;
	uint32_t columns = 0, point;

	for (size_t at = 0, n; line && at < len; at += n, columns++) {
		n = utf8_next(line + at, len - at, &point);
		n = n > 0 ? n : 1;
	}
	return columns > 0 && item->column > columns ? columns : item->column;
}

void kcl_diagnostics_write(const struct kcl_diagnostics *d, const char *(*text_of)(void *self, const char *file),
                           void *self, struct buf *out)
{
	for (size_t i = 0; i < d->len; i++) {
		const struct kcl_diagnostic *item = &d->items[i];
		const char *text = item->file && item->line > 0 && text_of ? text_of(self, item->file) : NULL;

		buf_printf(out, "%s[%s]\n", item->severity == KCL_ERROR ? "error" : "warning", item->code);
		if (item->file && item->line > 0)
			buf_printf(out, " --> %s:%u:%u\n", item->file, item->line, shown_column(item, text));
		if (text)
			write_excerpt(item, text, out);
		else
			buf_printf(out, "  %s\n", item->message);
		if (item->note)
			buf_printf(out, "note: %s\n", item->note);
		if (item->hint)
			buf_printf(out, "help: %s\n", item->hint);
	}
}
