/* Names, literals, brackets, quantifiers and lambdas. */

#include "syntax/parser.h"

static const char operand_expected[] = "\"identifier\", \"literal\", \"(\", \"[\", \"{\"";

/* ---- names ---- */

static bool push_name(struct parser *p)
{
	struct kcl_name *name = arena_alloc(p->arena, sizeof(*name));

	name->span = p->token->span;
	name->s = "";
	parser_push(p, name);
	if (!at_kind(p, KCL_TOK_NAME)) {
		parser_unexpected(p, "\"identifier\"");
		name->span.end_line = name->span.line;
		name->span.end_column = name->span.column;
		return false;
	}
	name->s = p->token->s;
	parser_bump(p);
	return true;
}

struct kcl_names parse_names(struct parser *p)
{
	struct kcl_names names = { 0 };
	size_t mark = parser_mark(p);

	if (push_name(p)) {
		while (parser_accept(p, KCL_TOK_DOT)) {
			push_name(p);
			/* whoever walks over names may recurse */
			if (parser_mark(p) - mark > PARSER_HEIGHT_MAX)
				parser_give_up(p);
		}
	}
	names.items = parser_pop_items(p, mark, sizeof(struct kcl_name), &names.len);
	return names;
}

struct kcl_expr *parse_name_expr(struct parser *p)
{
	const struct kcl_token *first = p->token;
	struct kcl_expr *e = parser_expr(p, KCL_EXPR_NAME);

	e->name = parse_names(p);
	e->span = p->token == first ? e->name.items[0].span : parser_span(p, first);
	return e;
}

/* A name, a call of it, or a schema that is configured. */
static struct kcl_expr *parse_name_or_schema(struct parser *p)
{
	const struct kcl_token *first = p->token;
	struct kcl_expr *e = parse_name_expr(p);

	if (at_kind(p, KCL_TOK_LBRACE))
		return parse_schema_expr(p, &e->name, NULL, first);
	if (!at_kind(p, KCL_TOK_LPAREN))
		return e;

	struct kcl_arguments args = parse_call(p);

	if (at_kind(p, KCL_TOK_LBRACE))
		return parse_schema_expr(p, &e->name, &args, first);

	struct kcl_expr *call = parser_expr(p, KCL_EXPR_CALL);

	call->call.callee = e;
	call->call.args = args;
	call->span = parser_span(p, first);
	return call;
}

/* ---- literals ---- */

static struct kcl_expr *parse_number(struct parser *p)
{
	struct kcl_expr *e = parser_expr(p, KCL_EXPR_NUMBER);

	e->span = p->token->span;
	e->number = *p->token->number;
	parser_bump(p);
	return e;
}

static struct kcl_expr *parse_constant(struct parser *p, enum kcl_constant constant)
{
	struct kcl_expr *e = parser_expr(p, KCL_EXPR_CONSTANT);

	e->span = p->token->span;
	e->constant = constant;
	parser_bump(p);
	return e;
}

static struct kcl_expr *parse_paren(struct parser *p)
{
	const struct kcl_token *first = p->token;
	struct kcl_expr *e = parser_expr(p, KCL_EXPR_PAREN);

	parser_bump(p);
	e->paren = parse_expr(p);
	parser_expect(p, KCL_TOK_RPAREN, "\")\"");
	e->span = parser_span(p, first);
	return e;
}

struct kcl_expr *parse_operand(struct parser *p)
{
	switch (p->token->kind) {
	case KCL_TOK_NUMBER:
		return parse_number(p);
	case KCL_TOK_STRING:
		return parse_string(p);
	case KCL_TOK_LPAREN:
		return parse_paren(p);
	case KCL_TOK_LBRACKET:
		return parse_list(p);
	case KCL_TOK_LBRACE:
		return parse_config(p);
	case KCL_TOK_NAME:
		break;
	default:
		parser_unexpected(p, operand_expected);
		return parser_missing(p);
	}
	switch (p->token->keyword) {
	case KCL_KW_TRUE:
		return parse_constant(p, KCL_CONST_TRUE);
	case KCL_KW_FALSE:
		return parse_constant(p, KCL_CONST_FALSE);
	case KCL_KW_NONE:
		return parse_constant(p, KCL_CONST_NONE);
	case KCL_KW_UNDEFINED:
		return parse_constant(p, KCL_CONST_UNDEFINED);
	case KCL_KW_LAMBDA:
		return parse_lambda(p);
	case KCL_KW_ALL:
	case KCL_KW_ANY:
	case KCL_KW_MAP:
	case KCL_KW_FILTER:
		return parse_quantifier(p);
	default:
		return parse_name_or_schema(p);
	}
}

/* ---- quantifiers ---- */

static struct kcl_expr *parse_quantifier_name(struct parser *p)
{
	const struct kcl_token *first = p->token;
	enum kcl_keyword_id keyword = first->keyword;

	if (keyword == KCL_KW_NONE || keyword == KCL_KW_UNDEFINED || keyword == KCL_KW_LAMBDA ||
	    (keyword >= KCL_KW_ALL && keyword <= KCL_KW_FILTER)) {
		parser_unexpected(p, "\"identifier\", \"string\", \"[\", \"{\"");
		return parser_missing(p);
	}

	struct kcl_expr *e = parse_name_expr(p);

	for (;; parser_higher(p)) {
		enum kcl_token_kind kind = p->token->kind;

		if (kind == KCL_TOK_QUESTION)
			kind = parser_peek(p, 1)->kind;
		if (kind == KCL_TOK_DOT)
			e = parse_selector(p, e, first);
		else if (kind == KCL_TOK_LBRACKET)
			e = parse_subscript(p, e, first);
		else
			return e;
	}
}

/* What is iterated: no call, as its brace would be taken for a schema's. */
static struct kcl_expr *parse_quantifier_target(struct parser *p)
{
	switch (p->token->kind) {
	case KCL_TOK_NAME:
		return parse_quantifier_name(p);
	case KCL_TOK_STRING:
		return parse_string(p);
	case KCL_TOK_LBRACKET:
		return parse_list(p);
	case KCL_TOK_LBRACE:
		return parse_config(p);
	default:
		parser_unexpected(p, "\"identifier\", \"literal\"");
		return parser_missing(p);
	}
}

static void parse_quantifier_body(struct parser *p, struct kcl_expr *e)
{
	bool is_multiline = at_kind(p, KCL_TOK_NEWLINE);

	if (is_multiline) {
		parser_skip_newlines(p);
		parser_expect(p, KCL_TOK_INDENT, "\"indent\"");
	}
	e->quantifier.test = parse_simple_expr(p);
	if (parser_accept_keyword(p, KCL_KW_IF))
		e->quantifier.condition = parse_expr(p);
	if (is_multiline) {
		if (!at_kind(p, KCL_TOK_NEWLINE))
			parser_unexpected(p, "\"newline\"");
		parser_skip_newlines(p);
		parser_check_dedent(p);
		parser_expect(p, KCL_TOK_DEDENT, "\"dedent\"");
	}
}

struct kcl_expr *parse_quantifier(struct parser *p)
{
	const struct kcl_token *first = p->token;
	struct kcl_expr *e = parser_expr(p, KCL_EXPR_QUANTIFIER);

	e->quantifier.op = first->keyword == KCL_KW_ALL   ? KCL_QUANT_ALL
	                   : first->keyword == KCL_KW_ANY ? KCL_QUANT_ANY
	                   : first->keyword == KCL_KW_MAP ? KCL_QUANT_MAP
	                                                  : KCL_QUANT_FILTER;
	parser_bump(p);
	do {
		struct kcl_names names = parse_names(p);

		e->quantifier.targets[e->quantifier.targets_len++] = names.items[0];
	} while (e->quantifier.targets_len < 2 && parser_accept(p, KCL_TOK_COMMA));
	if (!parser_accept_keyword(p, KCL_KW_IN))
		parser_unexpected(p, "\"in\"");
	e->quantifier.iterable = parse_quantifier_target(p);
	parser_expect(p, KCL_TOK_LBRACE, "\"{\"");
	parse_quantifier_body(p, e);
	parser_expect(p, KCL_TOK_RBRACE, "\"}\"");
	e->span = parser_span(p, first);
	return e;
}

/* ---- lambdas ---- */

/* `lambda {a, b} -> T { … }`: whether the brace here opens the parameters. */
static bool at_braced_params(const struct parser *p)
{
	uint32_t close = p->token->match;

	return at_kind(p, KCL_TOK_LBRACE) && close > p->at && close + 1 < p->tokens.len &&
	       p->tokens.items[close + 1].kind == KCL_TOK_ARROW;
}

static struct kcl_stmt *parse_lambda_body(struct parser *p)
{
	struct kcl_stmt *body = NULL, **end = &body;

	parser_skip_newlines(p);
	for (;;) {
		uint32_t at = p->at;

		parser_skip_indentation(p);
		if (at_kind(p, KCL_TOK_RBRACE) || at_kind(p, KCL_TOK_EOF))
			return body;

		struct kcl_stmt *s = parse_stmt(p);

		if (s) {
			*end = s;
			end = &s->next;
			parser_skip_newlines(p);
		} else {
			parser_bump(p);
		}
		parser_drop(p, at);
	}
}

struct kcl_expr *parse_lambda(struct parser *p)
{
	const struct kcl_token *first = p->token;
	struct kcl_expr *e = parser_expr(p, KCL_EXPR_LAMBDA);

	parser_bump(p);
	if (at_braced_params(p)) {
		parser_bump(p);
		e->lambda.params = parse_params(p, KCL_TOK_RBRACE, KCL_TOK_RBRACE, true);
		parser_accept(p, KCL_TOK_RBRACE);
	} else if (!at_kind(p, KCL_TOK_ARROW) && !at_kind(p, KCL_TOK_LBRACE) && !at_kind(p, KCL_TOK_LPAREN) &&
	           !at_kind(p, KCL_TOK_LBRACKET)) {
		e->lambda.params = parse_params(p, KCL_TOK_ARROW, KCL_TOK_LBRACE, false);
	}
	if (parser_accept(p, KCL_TOK_ARROW))
		e->lambda.result = parse_type(p);
	parser_take(p, KCL_TOK_LBRACE, "\"{\"");
	e->lambda.body = parse_lambda_body(p);
	parser_take(p, KCL_TOK_RBRACE, "\"}\"");
	e->span = parser_span(p, first);
	return e;
}
