#include "syntax/parse.h"

#include "base/str.h"
#include "diagnostic.h"
#include "syntax/parser.h"

const char *parse_doc(struct parser *p, const char **ret_raw)
{
	if (!at_kind(p, KCL_TOK_STRING) || !p->token->is_long)
		return NULL;

	const char *doc = kcl_dedent_string(p->token->s, p->arena);

	*ret_raw = parser_raw(p, p->token);
	parser_bump(p);
	parser_skip_newlines(p);
	return doc;
}

static void parse_module(struct parser *p)
{
	struct kcl_stmt **end = &p->module->body;

	p->module->doc = parse_doc(p, &p->module->doc_raw);
	while (!at_kind(p, KCL_TOK_EOF)) {
		struct kcl_stmt *s = parse_stmt(p);

		if (!s) {
			parser_bump(p);
			continue;
		}
		*end = s;
		end = &s->next;
	}
}

/* Without the byte order mark, and with line ends that are a single \n. */
static char *normalise(const char *text, size_t len, struct arena *arena, size_t *ret_len)
{
	static const char mark[] = "\xef\xbb\xbf";
	size_t from = len >= 3 && memcmp(text, mark, 3) == 0 ? 3 : 0, n = 0;
	char *copy = arena_alloc(arena, len - from + 1);

	if (len > from && !memchr(text + from, '\r', len - from)) {
		memcpy(copy, text + from, len - from);
		*ret_len = len - from;
		return copy;
	}
	for (size_t i = from; i < len; i++)
		if (text[i] != '\r' || i + 1 == len || text[i + 1] != '\n')
			copy[n++] = text[i];
	*ret_len = n;
	return copy;
}

/* Whether it is UTF-8 without NUL; the place of what is not. */
static bool check_encoding(const char *text, size_t len, struct kcl_span *ret_place)
{
	struct kcl_span at = { .line = 1, .column = 1 };
	uint32_t c;

	if (utf8_is_text(text, len))
		return true;
	for (size_t i = 0, n; i < len; i += n) {
		n = utf8_next(text + i, len - i, &c);
		if (n == 0 || c == 0) {
			*ret_place = at;
			return false;
		}
		at.line += c == '\n';
		at.column = c == '\n' ? 1 : at.column + 1;
	}
	return true;
}

struct kcl_module *kcl_parse_with(const char *file, const char *text, size_t len, const struct kcl_parse_options *o,
                                  struct kcl_diagnostics *diagnostics)
{
	struct arena *arena = arena_new();
	struct kcl_module *m = arena_alloc(arena, sizeof(*m));
	struct kcl_span place;

	m->arena = arena;
	m->file = arena_strdup(arena, file);
	m->package = "__main__";
	if (o->stop)
		kcl_stop_look(o->stop); /* reading the file may have taken long */
	if (len > UINT32_MAX / 2) {
		m->text = "";
		kcl_diagnostic_add(diagnostics, KCL_ERROR, "InvalidSyntax", file, NULL, "the file is too large");
		return m;
	}
	m->text = normalise(text, len, arena, &m->text_len);
	if (!check_encoding(m->text, m->text_len, &place)) {
		kcl_diagnostic_add(diagnostics, KCL_ERROR, "InvalidSyntax", file, &place,
		                   "the file is not UTF-8 text: there is a byte that belongs to no character, or a NUL");
		return m;
	}

	struct kcl_lex_input input = {
		.file = m->file, .text = m->text, .end = (uint32_t)m->text_len, .line = 1, .column = 1, .stop = o->stop
	};
	struct parser p = {
		.module = m, .arena = arena, .diagnostics = diagnostics, .keep_indent = o->keep_indent, .stop = o->stop
	};

	p.tokens = kcl_lex(&input, arena, &m->comments, diagnostics);
	p.token = p.prev = p.tokens.items;
	if (!kcl_stopped(o->stop))
		parse_module(&p);
	free(p.tokens.items);
	free(p.scratch);
	return m;
}

struct kcl_module *kcl_module_free(struct kcl_module *m)
{
	if (m)
		arena_free(m->arena);
	return NULL;
}

struct kcl_module *kcl_parse(const char *file, const char *text, size_t len, struct kcl_diagnostics *diagnostics)
{
	static const struct kcl_parse_options defaults = { 0 };

	return kcl_parse_with(file, text, len, &defaults, diagnostics);
}
