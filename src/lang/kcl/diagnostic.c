#include "diagnostic.h"

#include "base/str.h"

#include <stdio.h>

#define EXCERPT_MAX 4096 /* bytes of a line */
#define EXCERPT_BEFORE 60

static void item_clear(struct kcl_diagnostic *item)
{
	for (size_t i = 0; i < item->related_len; i++) {
		free(item->related[i].file);
		free(item->related[i].message);
	}
	free(item->related);
	free(item->file);
	free(item->message);
	free(item->hint);
	free(item->note);
}

void kcl_diagnostics_clear(struct kcl_diagnostics *d)
{
	for (size_t i = 0; i < d->len; i++)
		item_clear(&d->items[i]);
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

void kcl_diagnostic_relate(struct kcl_diagnostic *d, const char *file, uint32_t line, uint32_t column, const char *fmt,
                           ...)
{
	va_list ap;

	if (!d || !file)
		return;
	d->related = xreallocarray(d->related, d->related_len + 1, sizeof(*d->related));

	struct kcl_related *r = &d->related[d->related_len++];

	*r = (struct kcl_related){ .file = xstrdup(file), .line = line, .column = column };
	va_start(ap, fmt);
	r->message = xvasprintf(fmt, ap);
	va_end(ap);
}

/* ---- twice the same ---- */

static bool same_related(const struct kcl_related *a, const struct kcl_related *b)
{
	return a->line == b->line && a->column == b->column && str_eq(a->file, b->file) && str_eq(a->message, b->message);
}

static bool same(const struct kcl_diagnostic *a, const struct kcl_diagnostic *b)
{
	if (a->line != b->line || a->column != b->column || !str_eq(a->file, b->file) || !str_eq(a->message, b->message) ||
	    a->related_len != b->related_len)
		return false;
	for (size_t i = 0; i < a->related_len; i++)
		if (!same_related(&a->related[i], &b->related[i]))
			return false;
	return true;
}

static bool is_among(const struct kcl_diagnostic *item, const struct kcl_diagnostic *items, size_t len)
{
	for (size_t i = 0; i < len; i++)
		if (same(item, &items[i]))
			return true;
	return false;
}

void kcl_diagnostics_unique(struct kcl_diagnostics *d)
{
	size_t n = 0;

	for (size_t i = 0; i < d->len; i++) {
		if (!is_among(&d->items[i], d->items, n)) {
			d->items[n++] = d->items[i];
			continue;
		}
		d->errors -= d->items[i].severity == KCL_ERROR;
		item_clear(&d->items[i]);
	}
	d->len = n;
}

/* ---- for a person ---- */

/* Upstream's number of a class; those that it has not numbered share the first. */
static const char *number_of(const struct kcl_diagnostic *item)
{
	static const struct {
		const char *name, *number;
	} classes[] = {
		{ "TabError", "E1002" },
		{ "IndentationError", "E1003" },
		{ "IllegalArgumentSyntax", "E1I37" },
		{ "TypeError", "E2G22" },
		{ "CannotFindModule", "E2F04" },
		{ "CompileError", "E2L23" },
		{ "IllegalAttributeError", "E2A31" },
		{ "UniqueKeyError", "E2L28" },
		{ "IllegalInheritError", "E2D34" },
		{ "EvaluationError", "E3M38" },
	};

	if (item->severity == KCL_WARNING)
		return "W1001";
	for (size_t i = 0; i < ARRAY_SIZE(classes); i++)
		if (str_eq(item->code, classes[i].name))
			return classes[i].number;
	return "E1001";
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

struct writer {
	const char *(*text_of)(void *self, const char *file);
	void *self;
	struct buf *out;
};

static uint32_t count_columns(const char *line, size_t len)
{
	uint32_t columns = 0, point;

	for (size_t at = 0, n; at < len; at += n, columns++) {
		n = utf8_next(line + at, len - at, &point);
		n = n > 0 ? n : 1;
	}
	return columns;
}

/* Columns of a terminal that a character takes: two in East Asian scripts and of pictures, and none that upstream
 * counts for a tab. */
static unsigned width_of(uint32_t c)
{
	static const struct {
		uint32_t first, last;
	} wide[] = {
		{ 0x1100, 0x115f },   { 0x2e80, 0x303e },   { 0x3041, 0xa4cf },   { 0xac00, 0xd7a3 },
		{ 0xf900, 0xfaff },   { 0xfe30, 0xfe6f },   { 0xff01, 0xff60 },   { 0xffe0, 0xffe6 },
		{ 0x1f300, 0x1f64f }, { 0x1f900, 0x1f9ff }, { 0x20000, 0x3fffd },
	};

	if (c == '\t')
		return 0;
	for (size_t i = 0; i < ARRAY_SIZE(wide); i++)
		if (c >= wide[i].first && c <= wide[i].last)
			return 2;
	return 1;
}

static void write_caret(const char *line, size_t len, uint32_t column, struct buf *out)
{
	uint32_t at_column = 1, point = 0;

	for (size_t at = 0, n; at < len && at_column < column; at += n, at_column++) {
		n = utf8_next(line + at, len - at, &point);
		buf_printf(out, "%*s", (int)(n > 0 ? width_of(point) : 1), "");
		n = n > 0 ? n : 1;
	}
	if (column > 0)
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

/* What is wrong with a line's end is shown at its last character. */
static void write_place(const struct writer *w, const char *file, uint32_t line_number, uint32_t column,
                        const char *message)
{
	size_t len = 0;
	const char *text = file && line_number > 0 && w->text_of ? w->text_of(w->self, file) : NULL;
	const char *line = text ? find_line(text, line_number, &len) : NULL;
	uint32_t columns = line ? count_columns(line, len) : 0;
	char number[16];
	int width = snprintf(number, sizeof(number), "%u", line_number);

	if (columns > 0 && column > columns)
		column = columns;
	if (file && line_number > 0)
		buf_printf(w->out, "%*s--> %s:%u:%u\n", width, "", file, line_number, column > 0 ? column : 1);
	if (!line) {
		buf_printf(w->out, "  %s\n", message);
		return;
	}
	line = cut_line(line, &len, &column);
	buf_printf(w->out, "%*s |\n%s | %.*s\n%*s | ", width, "", number, (int)len, line, width, "");
	write_caret(line, len, column, w->out);
	buf_printf(w->out, "%s%s\n%*s |\n", *message ? " " : "", message, width, "");
}

void kcl_diagnostics_write(const struct kcl_diagnostics *d, const char *(*text_of)(void *self, const char *file),
                           void *self, struct buf *out)
{
	struct writer w = { .text_of = text_of, .self = self, .out = out };

	for (size_t i = 0; i < d->len; i++) {
		const struct kcl_diagnostic *item = &d->items[i];

		buf_printf(out, "%s[%s]: %s\n", item->severity == KCL_ERROR ? "error" : "warning", number_of(item), item->code);
		write_place(&w, item->file, item->line, item->column, item->message);
		for (size_t j = 0; j < item->related_len; j++) {
			const struct kcl_related *r = &item->related[j];

			buf_putc(out, '\n');
			write_place(&w, r->file, r->line, r->column, r->message);
		}
		if (item->note)
			buf_printf(out, "note: %s\n", item->note);
		if (item->hint)
			buf_printf(out, "help: %s\n", item->hint);
		buf_putc(out, '\n');
	}
}
