/* String literals, and the expressions in them: "… ${expression: #format} …".
 *
 * As upstream has it, an interpolation ends at the first closing brace, whatever stands in it, and it is looked for in
 * the decoded text and in the source side by side: the one gives the text around it, the other the expression and its
 * place. */

#include "syntax/parser.h"

struct source { /* a place in the source of the string */
	const char *at, *end;
	uint32_t line, column; /* of at */
};

/* Over characters up to p. */
static void advance(struct source *s, const char *p)
{
	for (; s->at < p; s->at++) {
		if (*s->at == '\n') {
			s->line++;
			s->column = 1;
		} else {
			s->column += ((unsigned char)*s->at & 0xc0) != 0x80;
		}
	}
}

static const char *find(const char *p, const char *end, const char *what)
{
	return memmem(p, (size_t)(end - p), what, strlen(what));
}

static struct kcl_joined_part *add_part(struct parser *p)
{
	struct kcl_joined_part *part = arena_alloc(p->arena, sizeof(*part));

	parser_push(p, part);
	return part;
}

static void add_text(struct parser *p, const char *s, size_t len)
{
	if (len > 0)
		add_part(p)->text = arena_strndup(p->arena, s, len);
}

/* What follows the expression: a format, which is a comment to the lexer. */
static const char *parse_format(struct parser *p)
{
	const char *format = NULL;

	if (!parser_accept(p, KCL_TOK_COLON))
		return NULL;
	if (at_kind(p, KCL_TOK_COMMENT))
		format = p->token->s;
	else
		parser_error(p, &p->token->span, "invalid joined string spec without #");
	parser_bump(p);
	return format;
}

/* from is at "${", behind the closing brace is to. */
static void parse_interpolation(struct parser *outer, const struct source *from, const char *to)
{
	const char *start = from->at + 2, *end = to - 1, *text = outer->module->text;
	struct kcl_lex_input input = { .file = outer->module->file,
		                           .text = text,
		                           .start = (uint32_t)(start - text),
		                           .end = (uint32_t)(end - text),
		                           .line = from->line,
		                           .column = from->column + 2,
		                           .is_part = true };
	struct kcl_comment *comments = NULL;
	struct parser p = *outer;
	struct kcl_span place = { from->line, from->column, from->line, from->column };
	struct kcl_joined_part *part = add_part(outer);

	if (start == end)
		parser_error(outer, &place, "invalid string interpolation expression: ''");
	p.scratch = NULL;
	p.scratch_len = p.scratch_cap = 0;
	p.tokens = kcl_lex(&input, outer->arena, &comments, outer->diagnostics);
	p.at = 0;
	p.token = p.prev = p.tokens.items;
	part->expr = parse_expr(&p);
	part->format = parse_format(&p);
	parser_skip_newlines(&p);
	if (start < end && !at_kind(&p, KCL_TOK_EOF)) {
		place.column = place.end_column = from->column + 2;
		parser_error(&p, &place, "invalid string interpolation expression: '%.*s'", (int)(end - start), start);
	}
	free(p.tokens.items);
	free(p.scratch);
	outer->height = p.height;
	if (p.gave_up)
		parser_skip_all(outer);
}

/* `\${…}` is no interpolation: its text, up to to, without the backslash. */
static void add_escaped(struct parser *p, const char *s, const char *to)
{
	char *copy = arena_alloc(p->arena, (size_t)(to - s) + 1), *out = copy;

	for (; s < to; s++)
		if (*s != '\\' || s + 1 == to || s[1] != '$')
			*out++ = *s;
	add_part(p)->text = copy;
}

/* decoded: what the literal means; source: its inside as written. */
static void parse_parts(struct parser *p, const char *decoded, struct source *source)
{
	const char *s = decoded, *s_end = decoded + strlen(decoded);

	while (source->at < source->end && s < s_end) {
		const char *open = find(source->at, source->end, "${"), *s_open = find(s, s_end, "${");

		if (!open || !s_open) {
			add_text(p, s, (size_t)(s_end - s));
			return;
		}

		const char *close = find(open, source->end, "}"), *s_close = find(s_open, s_end, "}");

		if (!close || !s_close) {
			parser_error(p, &p->token->span, "invalid joined string");
			add_text(p, s, (size_t)(s_end - s));
			return;
		}
		if (open > source->at && open[-1] == '\\') {
			add_escaped(p, s, s_close + 1);
		} else {
			add_text(p, s, (size_t)(s_open - s));
			advance(source, open);
			parse_interpolation(p, source, close + 1);
		}
		advance(source, close + 1);
		s = s_close + 1;
	}
}

struct kcl_expr *parse_string(struct parser *p)
{
	const struct kcl_token *token = p->token;
	const char *value = token->is_long && !p->keep_indent ? kcl_dedent_string(token->s, p->arena) : token->s;
	struct kcl_expr *e = parser_expr(p, KCL_EXPR_STRING);
	char *raw = parser_raw(p, token);

	e->span = token->span;
	parser_bump(p);
	if (token->is_raw || !strstr(value, "${")) {
		e->string.s = value;
		e->string.raw = raw;
		e->string.is_long = token->is_long;
		return e;
	}

	size_t mark = parser_mark(p), quotes = token->is_long ? 3 : 1;
	struct source source = { .at = p->module->text + token->start + quotes,
		                     .end = p->module->text + token->end - quotes,
		                     .line = token->span.line,
		                     .column = token->span.column + (uint32_t)quotes };

	e->kind = KCL_EXPR_JOINED;
	e->joined.raw = raw;
	e->joined.is_long = token->is_long;
	parse_parts(p, value, &source);
	e->joined.parts = parser_pop_items(p, mark, sizeof(struct kcl_joined_part), &e->joined.len);
	return e;
}
