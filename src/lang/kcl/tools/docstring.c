#include "tools/docstring.h"

#include "base/buf.h"
#include "base/str.h"

#define SECTION_MAX ((size_t)1024 * 1024)

enum section { SUMMARY, ATTRIBUTES, EXAMPLES, OTHER };

static size_t line_length(const char *p)
{
	return strcspn(p, "\n");
}

static const char *next_line(const char *p)
{
	p += line_length(p);
	return *p ? p + 1 : p;
}

static size_t indent_of(const char *p)
{
	return strspn(p, " \t");
}

static bool is_blank(const char *p)
{
	return indent_of(p) == line_length(p);
}

/* A title has a line of dashes below it. */
static bool is_title(const char *p)
{
	const char *below = next_line(p);
	size_t dashes = strspn(below + indent_of(below), "-");

	return !is_blank(p) && dashes >= 3 && indent_of(below) + dashes == line_length(below);
}

static enum section section_of(const char *p)
{
	p += indent_of(p);
	return str_starts_with(p, "Attributes") ? ATTRIBUTES : str_starts_with(p, "Example") ? EXAMPLES : OTHER;
}

/* Without the blank lines at both ends. */
static const char *keep(struct buf *b, struct arena *arena)
{
	const char *s = buf_str(b);

	while (*s == '\n')
		s++;

	size_t len = strlen(s);

	while (len > 0 && strchr(" \t\n", s[len - 1]))
		len--;
	return arena_strndup(arena, s, len);
}

static void put_line(struct buf *b, const char *p, size_t indent)
{
	size_t own = indent_of(p), cut = own < indent ? own : indent;

	buf_append(b, p + cut, line_length(p) - cut);
	buf_putc(b, '\n');
}

/* "name : type, default is x, optional", and below it, further in, the description. */
static const char *take_attr(const char *p, struct kcl_doc_attr ***end, struct arena *arena)
{
	_cleanup_buf_ struct buf text = BUF_INIT(SECTION_MAX);
	size_t indent = indent_of(p);
	const char *name = p + indent;
	struct kcl_doc_attr *a = arena_alloc(arena, sizeof(*a));

	a->name = arena_strndup(arena, name, strcspn(name, " \t:?\n"));
	for (p = next_line(p); *p && (is_blank(p) || indent_of(p) > indent) && !is_title(p); p = next_line(p))
		put_line(&text, p, SIZE_MAX);
	a->text = keep(&text, arena);
	**end = a;
	*end = &a->next;
	return p;
}

struct kcl_docstring kcl_docstring_parse(const char *doc, struct arena *arena)
{
	struct kcl_docstring d = { .summary = "" };
	struct kcl_doc_attr **end = &d.attrs;
	_cleanup_buf_ struct buf summary = BUF_INIT(SECTION_MAX), examples = BUF_INIT(SECTION_MAX);
	enum section section = SUMMARY;
	size_t indent = 0;

	for (const char *p = doc ? doc : ""; *p;) {
		if (is_title(p)) {
			section = section_of(p);
			indent = indent_of(p);
			p = next_line(next_line(p));
			continue;
		}
		if (section == ATTRIBUTES && !is_blank(p)) {
			p = take_attr(p, &end, arena);
			continue;
		}
		if (section == SUMMARY)
			put_line(&summary, p, SIZE_MAX);
		else if (section == EXAMPLES)
			put_line(&examples, p, indent);
		p = next_line(p);
	}
	d.summary = keep(&summary, arena);
	d.examples = examples.len ? keep(&examples, arena) : NULL;
	return d;
}

const char *kcl_docstring_attr(const struct kcl_docstring *d, const char *name)
{
	for (const struct kcl_doc_attr *a = d->attrs; a; a = a->next)
		if (strcmp(a->name, name) == 0)
			return a->text;
	return NULL;
}
