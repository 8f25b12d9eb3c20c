#include "kcl_tools.h"
#include "syntax/parse.h"
#include "tools/docstring.h"

#include "base/str.h"

/* Laid out as `kcl doc generate` of upstream does: an index, and of each schema a table of its attributes. */

struct writer {
	const struct kcl_module *m;
	struct buf *out;
};

/* ---- parts of the source ---- */

static const char *offset(const struct kcl_module *m, uint32_t line, uint32_t column)
{
	const char *p = m->text, *end = m->text + m->text_len;
	uint32_t point;

	for (uint32_t at = 1; at < line && p < end; at++) {
		p += strcspn(p, "\n");
		p += p < end;
	}
	for (uint32_t at = 1; at < column && p < end && *p != '\n'; at++) {
		size_t n = utf8_next(p, (size_t)(end - p), &point);

		p += n ? n : 1;
	}
	return p;
}

/* What was written there, in one line and with | as a table bears it. */
static void put_source(struct writer *w, const struct kcl_span *span)
{
	const char *p = offset(w->m, span->line, span->column), *end = offset(w->m, span->end_line, span->end_column);

	for (; p < end; p++) {
		if (*p == '|')
			buf_puts(w->out, "\\|");
		else
			buf_putc(w->out, *p == '\n' || *p == '\t' ? ' ' : *p);
	}
}

static void put_cell(struct buf *out, const char *text)
{
	for (const char *p = text; *p; p++) {
		if (*p == '\n')
			buf_puts(out, "<br />");
		else if (*p == '|')
			buf_puts(out, "\\|");
		else
			buf_putc(out, *p);
	}
}

/* ---- schemas ---- */

static const char *kind_of(const struct kcl_schema_stmt *s)
{
	return s->is_mixin ? "mixin " : s->is_protocol ? "protocol " : "";
}

static bool is_private(const char *name)
{
	return name[0] == '_';
}

static void put_attr(struct writer *w, const struct kcl_stmt *s, const struct kcl_docstring *doc)
{
	const char *described = kcl_docstring_attr(doc, s->attr.name.s);

	buf_printf(w->out, "|**%s**%s|", s->attr.name.s, s->attr.is_optional ? "" : " `required`");
	if (s->attr.type)
		put_source(w, &s->attr.type->span);
	buf_putc(w->out, '|');
	put_cell(w->out, s->attr.doc ? s->attr.doc : described ? described : "");
	buf_putc(w->out, '|');
	if (s->attr.value)
		put_source(w, &s->attr.value->span);
	buf_puts(w->out, "|\n");
}

static bool has_attrs(const struct kcl_schema_stmt *s)
{
	for (const struct kcl_stmt *a = s->body; a; a = a->next)
		if (a->kind == KCL_STMT_ATTR && !is_private(a->attr.name.s))
			return true;
	return false;
}

static void put_bases(struct writer *w, const struct kcl_schema_stmt *s)
{
	if (s->parent.len == 0)
		return;
	buf_puts(w->out, "Extends `");
	for (uint32_t i = 0; i < s->parent.len; i++)
		buf_printf(w->out, "%s%s", i ? "." : "", s->parent.items[i].s);
	buf_puts(w->out, "`.\n\n");
}

static void put_schema(struct writer *w, const struct kcl_schema_stmt *s)
{
	_cleanup_(arena_freep) struct arena *arena = arena_new();
	struct kcl_docstring doc = kcl_docstring_parse(s->doc, arena);

	buf_printf(w->out, "### %s%s\n\n", kind_of(s), s->name.s);
	if (*doc.summary)
		buf_printf(w->out, "%s\n\n", doc.summary);
	put_bases(w, s);
	if (has_attrs(s)) {
		buf_puts(w->out,
		         "#### Attributes\n\n| name | type | description | default value |\n| --- | --- | --- | --- |\n");
		for (const struct kcl_stmt *a = s->body; a; a = a->next)
			if (a->kind == KCL_STMT_ATTR && !is_private(a->attr.name.s))
				put_attr(w, a, &doc);
	}
	if (doc.examples)
		buf_printf(w->out, "%s#### Examples\n\n```python\n%s\n```\n", has_attrs(s) ? "\n" : "", doc.examples);
	buf_putc(w->out, '\n');
}

/* ---- a package ---- */

typedef void (*schema_fn)(struct writer *w, const struct kcl_schema_stmt *s);

static void each_schema(struct writer *w, schema_fn f)
{
	for (const struct kcl_stmt *s = w->m->body; s; s = s->next)
		if (s->kind == KCL_STMT_SCHEMA && !is_private(s->schema.name.s))
			f(w, &s->schema);
}

/* As Markdown makes an anchor of the heading. */
static void put_index(struct writer *w, const struct kcl_schema_stmt *s)
{
	_cleanup_free_ char *anchor = xasprintf("%s%s", kind_of(s), s->name.s);

	str_lower(anchor);
	for (char *p = anchor; *p; p++)
		*p = *p == ' ' ? '-' : *p;
	buf_printf(w->out, "- [%s%s](#%s)\n", kind_of(s), s->name.s, anchor);
}

static void put_module_doc(struct writer *w)
{
	if (w->m->doc && *w->m->doc)
		buf_printf(w->out, "%s\n\n", w->m->doc);
}

int kcl_doc(const char *title, const struct kcl_source *sources, size_t n, struct buf *out,
            struct kcl_diagnostics *diagnostics)
{
	struct kcl_module **modules = xcalloc(n ? n : 1, sizeof(*modules));
	struct writer w = { .out = out };

	for (size_t i = 0; i < n; i++)
		modules[i] = kcl_parse(sources[i].name, sources[i].text, sources[i].len, diagnostics);
	buf_printf(out, "# %s\n\n", title);
	for (size_t i = 0; i < n; i++) {
		w.m = modules[i];
		put_module_doc(&w);
	}
	buf_puts(out, "## Index\n\n");
	for (size_t i = 0; i < n; i++) {
		w.m = modules[i];
		each_schema(&w, put_index);
	}
	buf_puts(out, "\n## Schemas\n\n");
	for (size_t i = 0; i < n; i++) {
		w.m = modules[i];
		each_schema(&w, put_schema);
		kcl_module_free(modules[i]);
	}
	free(modules);
	return diagnostics->errors || out->failed ? -1 : 0;
}
