#include "syntax/parser.h"

#include "base/str.h"
#include "diagnostic.h"

#include <stddef.h>

/* ---- tokens ---- */

void parser_bump(struct parser *p)
{
	p->prev = p->token;
	if (p->at + 1 < p->tokens.len)
		p->token = &p->tokens.items[++p->at];
}

const struct kcl_token *parser_peek(const struct parser *p, uint32_t n)
{
	uint32_t last = p->tokens.len - 1;

	return &p->tokens.items[n < last - p->at ? p->at + n : last];
}

bool parser_accept(struct parser *p, enum kcl_token_kind kind)
{
	if (!at_kind(p, kind))
		return false;
	parser_bump(p);
	return true;
}

bool parser_accept_keyword(struct parser *p, enum kcl_keyword_id keyword)
{
	if (!at_keyword(p, keyword))
		return false;
	parser_bump(p);
	return true;
}

void parser_take(struct parser *p, enum kcl_token_kind kind, const char *expected)
{
	/* A dedent to no level is no proper one. */
	if (!at_kind(p, kind) || (kind == KCL_TOK_DEDENT && p->token->spaces > 0))
		parser_unexpected(p, expected);
	parser_bump(p);
}

void parser_take_keyword(struct parser *p, enum kcl_keyword_id keyword, const char *expected)
{
	if (!at_keyword(p, keyword))
		parser_unexpected(p, expected);
	parser_bump(p);
}

void parser_expect(struct parser *p, enum kcl_token_kind kind, const char *expected)
{
	if (!parser_accept(p, kind))
		parser_unexpected(p, expected);
}

void parser_skip_newlines(struct parser *p)
{
	while (at_kind(p, KCL_TOK_NEWLINE))
		parser_bump(p);
}

void parser_skip_indentation(struct parser *p)
{
	while (at_kind(p, KCL_TOK_INDENT))
		parser_bump(p);
	while (at_kind(p, KCL_TOK_DEDENT))
		parser_bump(p);
}

void parser_check_dedent(struct parser *p)
{
	uint32_t n = p->token->spaces;

	if (!at_kind(p, KCL_TOK_DEDENT) || n == 0)
		return;
	parser_error(p, &p->token->span,
	             "invalid indentation with %u space%s, try to align indents by adding or removing spaces", n,
	             n == 1 ? "" : "s");
	parser_bump(p);
}

void parser_drop(struct parser *p, uint32_t mark)
{
	if (p->at != mark)
		return;
	parser_error(p, &p->token->span, "expected expression, got %s",
	             kcl_token_text(p->token, p->module->text, p->arena));
	parser_bump(p);
}

/* ---- errors ---- */

static void report(struct parser *p, const char *code, const struct kcl_span *span, const char *hint,
                   const char *message)
{
	if (p->gave_up)
		return;

	struct kcl_diagnostic *d = kcl_diagnostic_add(p->diagnostics, KCL_ERROR, code, p->module->file, span, "%s",
	                                              message);

	if (d && hint)
		d->hint = xstrdup(hint);
}

void parser_unexpected(struct parser *p, const char *expected)
{
	parser_error(p, &p->token->span, "expected one of [%s] got %s", expected,
	             kcl_token_text(p->token, p->module->text, p->arena));
}

void parser_error(struct parser *p, const struct kcl_span *span, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	_cleanup_free_ char *message = xvasprintf(fmt, ap);
	va_end(ap);
	report(p, "InvalidSyntax", span, NULL, message);
}

void parser_error_class(struct parser *p, const char *code, const struct kcl_span *span, const char *hint,
                        const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	_cleanup_free_ char *message = xvasprintf(fmt, ap);
	va_end(ap);
	report(p, code, span, hint, message);
}

/* ---- making the tree ---- */

void parser_skip_all(struct parser *p)
{
	p->gave_up = true;
	p->at = p->tokens.len - 1;
	p->token = &p->tokens.items[p->at];
}

void parser_give_up(struct parser *p)
{
	parser_error(p, &p->token->span, "nested too deeply: take parts of it out into variables");
	parser_skip_all(p);
}

bool parser_enter(struct parser *p, unsigned *saved)
{
	if (kcl_stopped(p->stop))
		parser_skip_all(p);
	if (p->depth >= PARSER_DEPTH_MAX) {
		parser_give_up(p);
		return false;
	}
	p->depth++;
	*saved = p->height;
	p->height = 0;
	return true;
}

void parser_leave(struct parser *p, unsigned saved)
{
	p->depth--;
	parser_higher(p);
	if (saved > p->height)
		p->height = saved;
}

void parser_higher(struct parser *p)
{
	if (++p->height > PARSER_HEIGHT_MAX && !p->gave_up)
		parser_give_up(p);
}

/* Nodes have no room for the members of other kinds: most are much smaller than the largest. */
#define SIZE_WITH(type, member) (offsetof(struct type, member) + sizeof(((struct type *)NULL)->member))

static size_t expr_size(enum kcl_expr_kind kind)
{
	static const size_t sizes[] = {
		[KCL_EXPR_NAME] = SIZE_WITH(kcl_expr, name),
		[KCL_EXPR_UNARY] = SIZE_WITH(kcl_expr, unary),
		[KCL_EXPR_BINARY] = SIZE_WITH(kcl_expr, binary),
		[KCL_EXPR_COMPARE] = SIZE_WITH(kcl_expr, compare),
		[KCL_EXPR_LOGIC] = SIZE_WITH(kcl_expr, logic),
		[KCL_EXPR_AS] = SIZE_WITH(kcl_expr, as),
		[KCL_EXPR_TERNARY] = SIZE_WITH(kcl_expr, ternary),
		[KCL_EXPR_SELECTOR] = SIZE_WITH(kcl_expr, selector),
		[KCL_EXPR_CALL] = SIZE_WITH(kcl_expr, call),
		[KCL_EXPR_PAREN] = SIZE_WITH(kcl_expr, paren),
		[KCL_EXPR_QUANTIFIER] = SIZE_WITH(kcl_expr, quantifier),
		[KCL_EXPR_LIST] = SIZE_WITH(kcl_expr, list),
		[KCL_EXPR_LIST_IF] = SIZE_WITH(kcl_expr, list_if),
		[KCL_EXPR_STARRED] = SIZE_WITH(kcl_expr, starred),
		[KCL_EXPR_LIST_COMP] = SIZE_WITH(kcl_expr, list_comp),
		[KCL_EXPR_DICT_COMP] = SIZE_WITH(kcl_expr, dict_comp),
		[KCL_EXPR_CONFIG] = SIZE_WITH(kcl_expr, config),
		[KCL_EXPR_SCHEMA] = SIZE_WITH(kcl_expr, schema),
		[KCL_EXPR_LAMBDA] = SIZE_WITH(kcl_expr, lambda),
		[KCL_EXPR_SUBSCRIPT] = SIZE_WITH(kcl_expr, subscript),
		[KCL_EXPR_NUMBER] = SIZE_WITH(kcl_expr, number),
		[KCL_EXPR_STRING] = SIZE_WITH(kcl_expr, joined), /* it may turn out to be one */
		[KCL_EXPR_CONSTANT] = SIZE_WITH(kcl_expr, constant),
		[KCL_EXPR_JOINED] = SIZE_WITH(kcl_expr, joined),
		[KCL_EXPR_MISSING] = offsetof(struct kcl_expr, name),
	};

	return sizes[kind];
}

static size_t stmt_size(enum kcl_stmt_kind kind)
{
	static const size_t sizes[] = {
		[KCL_STMT_EXPR] = SIZE_WITH(kcl_stmt, exprs),
		[KCL_STMT_ASSIGN] = SIZE_WITH(kcl_stmt, assign),
		[KCL_STMT_AUG_ASSIGN] = SIZE_WITH(kcl_stmt, aug_assign),
		[KCL_STMT_UNIFICATION] = SIZE_WITH(kcl_stmt, unification),
		[KCL_STMT_ASSERT] = SIZE_WITH(kcl_stmt, assertion),
		[KCL_STMT_IF] = SIZE_WITH(kcl_stmt, if_stmt),
		[KCL_STMT_IMPORT] = SIZE_WITH(kcl_stmt, import),
		[KCL_STMT_SCHEMA] = SIZE_WITH(kcl_stmt, schema),
		[KCL_STMT_RULE] = SIZE_WITH(kcl_stmt, rule),
		[KCL_STMT_ATTR] = SIZE_WITH(kcl_stmt, attr),
		[KCL_STMT_TYPE_ALIAS] = SIZE_WITH(kcl_stmt, alias),
	};

	return sizes[kind];
}

struct kcl_expr *parser_expr(struct parser *p, enum kcl_expr_kind kind)
{
	struct kcl_expr *e = arena_alloc(p->arena, expr_size(kind));

	e->kind = kind;
	return e;
}

struct kcl_expr *parser_missing(struct parser *p)
{
	struct kcl_expr *e = parser_expr(p, KCL_EXPR_MISSING);

	e->span = p->token->span;
	return e;
}

struct kcl_stmt *parser_stmt(struct parser *p, enum kcl_stmt_kind kind)
{
	struct kcl_stmt *s = arena_alloc(p->arena, stmt_size(kind));

	s->kind = kind;
	return s;
}

struct kcl_type_expr *parser_type(struct parser *p, enum kcl_type_kind kind)
{
	struct kcl_type_expr *t = arena_alloc(p->arena, sizeof(*t));

	t->kind = kind;
	return t;
}

struct kcl_span parser_span(const struct parser *p, const struct kcl_token *first)
{
	return (struct kcl_span){ first->span.line, first->span.column, p->prev->span.end_line, p->prev->span.end_column };
}

char *parser_raw(const struct parser *p, const struct kcl_token *token)
{
	return arena_strndup(p->arena, p->module->text + token->start, token->end - token->start);
}

void parser_push(struct parser *p, const void *item)
{
	if (p->scratch_len == p->scratch_cap) {
		p->scratch_cap = p->scratch_cap ? p->scratch_cap * 2 : 64;
		p->scratch = xreallocarray(p->scratch, p->scratch_cap, sizeof(*p->scratch));
	}
	p->scratch[p->scratch_len++] = (void *)item;
}

void *parser_pop_pointers(struct parser *p, size_t mark, uint32_t *ret_len)
{
	size_t n = p->scratch_len - mark;

	p->scratch_len = mark;
	*ret_len = (uint32_t)n;
	if (n == 0)
		return NULL;

	void *items = arena_alloc(p->arena, n * sizeof(void *));

	memcpy(items, p->scratch + mark, n * sizeof(void *));
	return items;
}

void *parser_pop_items(struct parser *p, size_t mark, size_t size, uint32_t *ret_len)
{
	size_t n = p->scratch_len - mark;

	p->scratch_len = mark;
	*ret_len = (uint32_t)n;
	if (n == 0)
		return NULL;

	char *items = arena_alloc(p->arena, n * size);

	for (size_t i = 0; i < n; i++)
		memcpy(items + i * size, p->scratch[mark + i], size);
	return items;
}
