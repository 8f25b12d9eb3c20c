#include "syntax/parse.h"

#include "base/str.h"
#include "syntax/printer.h"

#define ROUNDS_MAX 4 /* of formatting what was formatted, until nothing changes */

/* ---- writing ---- */

void print_text(struct printer *p, const char *s)
{
	buf_puts(p->out, s);
}

void print_fill(struct printer *p)
{
	for (unsigned i = 0; i < p->indent; i++)
		buf_puts(p->out, "    ");
}

void print_bare_newline(struct printer *p)
{
	buf_putc(p->out, '\n');
}

void print_newline(struct printer *p)
{
	print_bare_newline(p);
	print_fill(p);
}

static const char *skip_columns(const char *s, uint32_t columns)
{
	for (; columns > 0 && *s && *s != '\n'; columns--) {
		s++;
		while (((unsigned char)*s & 0xc0) == 0x80)
			s++;
	}
	return s;
}

void print_source(struct printer *p, const struct kcl_span *span, const char *s)
{
	if (span->line == 0 || span->line > p->lines_len || span->line != span->end_line || span->column == 0) {
		print_text(p, s);
		return;
	}

	bool is_further = p->place.line == span->line && p->place.column <= span->column;
	const char *start = is_further ? skip_columns(p->place.at, span->column - p->place.column)
	                               : skip_columns(p->lines[span->line - 1], span->column - 1);

	buf_append(p->out, start, (size_t)(skip_columns(start, span->end_column - span->column) - start));
	p->place.line = span->line;
	p->place.column = span->column;
	p->place.at = start;
}

void print_name(struct printer *p, const struct kcl_name *name)
{
	print_source(p, &name->span, name->s); /* with its $ */
}

void print_names(struct printer *p, const struct kcl_names *names)
{
	for (uint32_t i = 0; i < names->len; i++) {
		if (i > 0)
			print_text(p, ".");
		print_name(p, &names->items[i]);
	}
}

/* ---- comments ---- */

bool print_has_comments(const struct printer *p, uint32_t line)
{
	return p->comment && p->comment->span.line <= line;
}

void print_comments_before(struct printer *p, uint32_t line)
{
	if (line <= p->last_line)
		return;
	p->last_line = line;
	while (print_has_comments(p, line)) {
		uint32_t at = p->comment->span.line;

		print_text(p, p->comment->text);
		print_newline(p);
		p->comment = p->comment->next;
		if (print_has_comments(p, line) && p->comment->span.line >= at + 2)
			print_newline(p);
	}
}

/* The last ones of a list or config, behind its items: each on a line of its own, without a line end behind. */
void print_comments_until(struct printer *p, uint32_t line)
{
	while (print_has_comments(p, line)) {
		uint32_t at = p->comment->span.line;

		print_newline(p);
		print_text(p, p->comment->text);
		p->comment = p->comment->next;
		if (print_has_comments(p, line) && p->comment->span.line >= at + 2)
			print_bare_newline(p);
		if (at > p->last_line)
			p->last_line = at;
	}
}

/* ---- files ---- */

static void find_lines(struct printer *p)
{
	uint32_t n = 1;

	for (const char *s = p->module->text; (s = strchr(s, '\n')); s++)
		n++;
	p->lines = xcalloc(n, sizeof(*p->lines));
	p->lines[p->lines_len++] = p->module->text;
	for (const char *s = p->module->text; (s = strchr(s, '\n')); s++)
		p->lines[p->lines_len++] = s + 1;
}

static void trim_end(struct buf *out, size_t start)
{
	while (out->len > start && out->data[out->len - 1] == '\n')
		out->len--;
	if (out->data)
		out->data[out->len] = '\0';
	if (out->len > start)
		buf_putc(out, '\n');
}

static void format_once(const struct kcl_module *m, struct buf *out)
{
	struct printer p = { .out = out, .module = m, .comment = m->comments };
	size_t start = out->len;

	find_lines(&p);
	if (m->doc_raw) {
		print_text(&p, m->doc_raw);
		print_text(&p, "\n\n");
	}
	print_stmts(&p, m->body);
	for (; p.comment; p.comment = p.comment->next) {
		print_text(&p, p.comment->text);
		print_bare_newline(&p);
	}
	free(p.lines);
	trim_end(out, start);
}

static size_t count_comments(const struct kcl_module *m)
{
	size_t n = 0;

	for (const struct kcl_comment *c = m->comments; c; c = c->next)
		n++;
	return n;
}

/* The text parsed again; NULL when it says something else than m. */
static struct kcl_module *parse_same(const struct kcl_module *m, const struct buf *text)
{
	struct kcl_diagnostics d = { 0 };
	struct kcl_module *again = kcl_parse(m->file, buf_str(text), text->len, &d);

	if (d.errors > 0 || !kcl_same_tree(m, again) || count_comments(m) != count_comments(again))
		again = kcl_module_free(again);
	kcl_diagnostics_clear(&d);
	return again;
}

/* A layout can give rise to another one (a comment that moves away lets two lines be one). What is given is one that
 * stays as it is, and says what the source says; failing that the source, as it must not be damaged. */
void kcl_format(const struct kcl_module *m, struct buf *out)
{
	_cleanup_buf_ struct buf text = BUF_INIT(out->max), next = BUF_INIT(out->max);

	format_once(m, &text);
	for (int round = 0; round < ROUNDS_MAX && !text.failed; round++) {
		struct kcl_module *again = parse_same(m, &text);

		if (!again)
			break;
		buf_reset(&next);
		format_once(again, &next);
		kcl_module_free(again);
		if (str_eq(buf_str(&next), buf_str(&text))) {
			buf_append(out, buf_str(&text), text.len);
			return;
		}
		buf_reset(&text);
		buf_append(&text, buf_str(&next), next.len);
	}
	buf_append(out, m->text, m->text_len);
}
