/* Schemas, mixins, protocols and rules. */

#include "base/str.h"
#include "syntax/parser.h"

static struct kcl_name parse_dotted_name(struct parser *p)
{
	struct kcl_names names = parse_names(p);
	struct kcl_name name = names.items[0];

	for (uint32_t i = 1; i < names.len; i++) {
		name.s = arena_printf(p->arena, "%s.%s", name.s, names.items[i].s);
		name.span.end_column = names.items[i].span.end_column;
	}
	return name;
}

/* ---- decorators and parameters ---- */

struct kcl_decorators parse_decorators(struct parser *p)
{
	struct kcl_decorators decorators = { 0 };
	size_t mark = parser_mark(p);

	while (parser_accept(p, KCL_TOK_AT)) {
		struct kcl_expr *e = parse_expr(p);
		struct kcl_expr *callee = e->kind == KCL_EXPR_CALL ? e->call.callee : e;

		if (callee->kind == KCL_EXPR_NAME) {
			struct kcl_decorator *d = arena_alloc(p->arena, sizeof(*d));

			d->name = callee->name;
			d->span = e->span;
			if (e != callee)
				d->args = e->call.args;
			parser_push(p, d);
		} else {
			parser_unexpected(p, "\"identifier\"");
		}
		parser_skip_newlines(p);
	}
	decorators.items = parser_pop_items(p, mark, sizeof(struct kcl_decorator), &decorators.len);
	return decorators;
}

static struct kcl_param *parse_param(struct parser *p)
{
	struct kcl_param *param = arena_alloc(p->arena, sizeof(*param));

	param->name = parse_dotted_name(p);
	if (parser_accept(p, KCL_TOK_COLON))
		param->type = parse_type(p);
	if (parser_accept(p, KCL_TOK_ASSIGN))
		param->default_value = parse_expr(p);
	return param;
}

static void skip_layout(struct parser *p)
{
	if (!at_kind(p, KCL_TOK_NEWLINE))
		return;
	parser_skip_newlines(p);
	parser_skip_indentation(p);
}

struct kcl_params parse_params(struct parser *p, enum kcl_token_kind close, enum kcl_token_kind other_close,
                               bool is_multiline)
{
	struct kcl_params params = { 0 };
	size_t mark = parser_mark(p);

	for (;;) {
		uint32_t at = p->at;

		if (is_multiline)
			skip_layout(p);
		if (at_kind(p, close) || at_kind(p, other_close))
			break;
		if (at_kind(p, KCL_TOK_NEWLINE) || at_kind(p, KCL_TOK_EOF)) {
			parser_unexpected(p, close == KCL_TOK_RBRACKET ? "\"]\""
			                     : close == KCL_TOK_RBRACE ? "\"}\""
			                                               : "\"->\", \"{\"");
			break;
		}
		parser_push(p, parse_param(p));
		parser_accept(p, KCL_TOK_COMMA);
		parser_drop(p, at);
	}
	params.items = parser_pop_items(p, mark, sizeof(struct kcl_param), &params.len);
	return params;
}

/* [a: int, b = 1] behind the name of a schema or rule. */
static struct kcl_params parse_bracketed_params(struct parser *p)
{
	struct kcl_params params = { 0 };

	if (!parser_accept(p, KCL_TOK_LBRACKET))
		return params;
	params = parse_params(p, KCL_TOK_RBRACKET, KCL_TOK_RBRACKET, false);
	parser_accept(p, KCL_TOK_RBRACKET);
	parser_skip_newlines(p);
	return params;
}

/* for Protocol */
static struct kcl_names parse_host(struct parser *p)
{
	struct kcl_names names = { 0 };

	if (!parser_accept_keyword(p, KCL_KW_FOR))
		return names;

	const struct kcl_token *first = p->token;
	struct kcl_expr *e = parse_expr(p);

	if (e->kind == KCL_EXPR_NAME)
		return e->name;
	parser_error(p, &first->span, "expected identifier");
	return names;
}

/* ---- parts of a body ---- */

/* mixin [A, B] */
static struct kcl_names *parse_mixins(struct parser *p, uint32_t *ret_len)
{
	size_t mark = parser_mark(p);

	parser_bump(p);
	parser_take(p, KCL_TOK_LBRACKET, "\"[\"");

	bool is_block = at_kind(p, KCL_TOK_NEWLINE);

	if (is_block) {
		parser_skip_newlines(p);
		parser_expect(p, KCL_TOK_INDENT, "\"indent\"");
	}
	for (;;) {
		uint32_t at = p->at;

		parser_check_dedent(p);
		if (at_kind(p, KCL_TOK_RBRACKET) || at_dedent(p) || at_kind(p, KCL_TOK_EOF))
			break;

		struct kcl_names *names = arena_alloc(p->arena, sizeof(*names));

		*names = parse_names(p);
		parser_push(p, names);
		parser_accept(p, KCL_TOK_COMMA);
		parser_skip_newlines(p);
		parser_drop(p, at);
	}
	if (is_block) {
		parser_check_dedent(p);
		parser_expect(p, KCL_TOK_DEDENT, "\"dedent\"");
	}
	parser_take(p, KCL_TOK_RBRACKET, "\"]\"");
	parser_skip_newlines(p);
	return parser_pop_items(p, mark, sizeof(struct kcl_names), ret_len);
}

/* [decorators] (name | string)[?]: type [= value] */
static struct kcl_stmt *parse_attr(struct parser *p)
{
	const struct kcl_token *first = p->token;
	struct kcl_stmt *s = parser_stmt(p, KCL_STMT_ATTR);

	s->attr.decorators = parse_decorators(p);
	if (at_kind(p, KCL_TOK_STRING)) {
		s->attr.name = (struct kcl_name){ .s = p->token->s, .span = p->token->span };
		parser_bump(p);
	} else {
		s->attr.name = parse_dotted_name(p);
	}
	s->attr.is_optional = parser_accept(p, KCL_TOK_QUESTION);
	parser_take(p, KCL_TOK_COLON, "\":\"");
	s->attr.type = parse_type(p);
	if (at_kind(p, KCL_TOK_ASSIGN) ||
	    (p->token->kind >= KCL_TOK_ADD_ASSIGN && p->token->kind <= KCL_TOK_BITOR_ASSIGN)) {
		s->attr.has_op = true;
		s->attr.op = at_kind(p, KCL_TOK_ASSIGN)       ? KCL_ENTRY_OVERRIDE
		             : at_kind(p, KCL_TOK_ADD_ASSIGN) ? KCL_ENTRY_INSERT
		                                              : KCL_ENTRY_UNION;
		parser_bump(p);
		s->attr.value = parse_expr(p);
	}
	s->span = parser_span(p, first);
	parser_skip_newlines(p);
	return s;
}

/* Behind the bracket: [name:] [...]type]: type [= value] */
static struct kcl_index_signature *parse_index_signature(struct parser *p, const struct kcl_token *first)
{
	struct kcl_index_signature *sig = arena_alloc(p->arena, sizeof(*sig));

	if (at_kind(p, KCL_TOK_NAME)) {
		struct kcl_expr *e = parse_name_expr(p);

		if (at_kind(p, KCL_TOK_RBRACKET)) {
			sig->key = parser_type_of_names(p, &e->name, &e->span);
		} else {
			sig->key_name = e->name.items[0];
			parser_take(p, KCL_TOK_COLON, "\":\"");
		}
	}
	if (!sig->key) {
		sig->any_other = parser_accept(p, KCL_TOK_ELLIPSIS);
		sig->key = parse_type(p);
	}
	parser_take(p, KCL_TOK_RBRACKET, "\"]\"");
	parser_take(p, KCL_TOK_COLON, "\":\"");
	sig->value = parse_type(p);
	if (parser_accept(p, KCL_TOK_ASSIGN))
		sig->default_value = parse_expr(p);
	sig->span = parser_span(p, first);
	return sig;
}

/* A bracket in a schema opens an index signature or a list that stands by itself. */
static struct kcl_stmt *parse_index_signature_or_list(struct parser *p, struct kcl_schema_stmt *schema)
{
	const struct kcl_token *first = p->token, *second, *third;
	struct kcl_stmt *s;

	parser_bump(p);
	second = parser_peek(p, 1);
	third = parser_peek(p, 2);
	if ((at_kind(p, KCL_TOK_NAME) && (second->kind == KCL_TOK_COLON || third->kind == KCL_TOK_COLON)) ||
	    (at_kind(p, KCL_TOK_ELLIPSIS) && second->kind == KCL_TOK_NAME)) {
		struct kcl_index_signature *sig = parse_index_signature(p, first);

		if (schema->index_signature)
			parser_error(p, &first->span,
			             "duplicate schema index signature definitions, only one is allowed in the schema");
		schema->index_signature = sig;
		parser_skip_newlines(p);
		return NULL;
	}
	if (!at_kind(p, KCL_TOK_NEWLINE) && !at_kind(p, KCL_TOK_RBRACKET) && !at_kind(p, KCL_TOK_NAME)) {
		parser_error(p, &p->token->span, "expected a index signature or list expression here, got %s",
		             kcl_token_text(p->token, p->module->text, p->arena));
		parser_skip_newlines(p);
		return NULL;
	}
	s = parser_stmt(p, KCL_STMT_EXPR);
	s->exprs.items = arena_alloc(p->arena, sizeof(struct kcl_expr *));
	s->exprs.items[0] = parse_list_rest(p, first);
	s->exprs.len = 1;
	s->span = parser_span(p, first);
	parser_skip_newlines(p);
	return s;
}

static struct kcl_stmt *parse_body_stmt(struct parser *p, struct kcl_schema_stmt *schema)
{
	const struct kcl_token *next = parser_peek(p, 1);

	if (at_keyword(p, KCL_KW_ASSERT))
		return parse_assert(p);
	if (at_keyword(p, KCL_KW_IF))
		return parse_if(p);
	if ((at_kind(p, KCL_TOK_STRING) && next->kind == KCL_TOK_COLON) || at_kind(p, KCL_TOK_AT) ||
	    next->kind == KCL_TOK_QUESTION)
		return parse_attr(p);
	if (at_kind(p, KCL_TOK_LBRACKET))
		return parse_index_signature_or_list(p, schema);

	struct kcl_stmt *s = parse_expr_or_assign(p, true);

	if (!s)
		parser_bump(p);
	return s;
}

static void parse_body_stmts(struct parser *p, struct kcl_schema_stmt *schema)
{
	struct kcl_stmt **end = &schema->body;

	for (;;) {
		uint32_t at = p->at;

		parser_check_dedent(p);
		if (at_dedent(p) || at_kind(p, KCL_TOK_EOF) || at_keyword(p, KCL_KW_CHECK))
			return;

		struct kcl_stmt *s = parse_body_stmt(p, schema);

		if (s) {
			*end = s;
			end = &s->next;
		}
		parser_drop(p, at);
	}
}

/* ---- checks ---- */

struct kcl_check *parse_check(struct parser *p)
{
	const struct kcl_token *first = p->token;
	struct kcl_check *check = arena_alloc(p->arena, sizeof(*check));

	check->test = parse_simple_expr(p);
	if (parser_accept_keyword(p, KCL_KW_IF))
		check->condition = parse_simple_expr(p);
	if (parser_accept(p, KCL_TOK_COMMA))
		check->message = parse_primary_expr(p);
	check->span = parser_span(p, first);
	return check;
}

static struct kcl_checks parse_checks(struct parser *p)
{
	struct kcl_checks checks = { 0 };
	size_t mark = parser_mark(p);

	while (!at_dedent(p)) {
		uint32_t at = p->at;

		if (at_kind(p, KCL_TOK_EOF)) {
			parser_unexpected(p, "\"newline\"");
			break;
		}
		parser_push(p, parse_check(p));
		parser_skip_newlines(p);
		parser_drop(p, at);
	}
	parser_check_dedent(p);
	parser_take(p, KCL_TOK_DEDENT, "\"dedent\"");
	checks.items = parser_pop_items(p, mark, sizeof(struct kcl_check), &checks.len);
	return checks;
}

/* ---- schemas ---- */

static void parse_schema_body(struct parser *p, struct kcl_schema_stmt *schema)
{
	parser_take(p, KCL_TOK_INDENT, "\"indent\"");
	if (parser_peek(p, 1)->kind != KCL_TOK_COLON)
		schema->doc = parse_doc(p, &schema->doc_raw);
	if (at_keyword(p, KCL_KW_MIXIN))
		schema->mixins = parse_mixins(p, &schema->mixins_len);
	parse_body_stmts(p, schema);
	if (parser_accept_keyword(p, KCL_KW_CHECK)) {
		parser_take(p, KCL_TOK_COLON, "\":\"");
		parser_skip_newlines(p);
		parser_take(p, KCL_TOK_INDENT, "\"indent\"");
		schema->checks = parse_checks(p);
	}
	parser_check_dedent(p);
	parser_take(p, KCL_TOK_DEDENT, "\"dedent\"");
	parser_skip_newlines(p);
}

struct kcl_stmt *parse_schema(struct parser *p, const struct kcl_decorators *decorators)
{
	const struct kcl_token *first = p->token;
	struct kcl_stmt *s = parser_stmt(p, KCL_STMT_SCHEMA);
	struct kcl_schema_stmt *schema = &s->schema;
	unsigned saved;

	if (!parser_enter(p, &saved))
		return NULL;
	schema->decorators = *decorators;
	parser_bump(p);
	schema->name = parse_dotted_name(p);
	schema->is_mixin = first->keyword == KCL_KW_MIXIN || str_ends_with(schema->name.s, "Mixin");
	schema->is_protocol = first->keyword == KCL_KW_PROTOCOL ||
	                      (!schema->is_mixin && str_ends_with(schema->name.s, "Protocol"));
	schema->params = parse_bracketed_params(p);
	if (parser_accept(p, KCL_TOK_LPAREN)) {
		schema->parent = parse_names(p);
		parser_take(p, KCL_TOK_RPAREN, "\")\"");
	}
	schema->for_host = parse_host(p);
	parser_take(p, KCL_TOK_COLON, "\":\"");
	parser_skip_newlines(p);
	if (at_kind(p, KCL_TOK_INDENT))
		parse_schema_body(p, schema);
	s->span = parser_span(p, first);
	parser_leave(p, saved);
	return s;
}

/* ---- rules ---- */

/* (A, B) behind the name. */
static struct kcl_names *parse_parent_rules(struct parser *p, uint32_t *ret_len)
{
	size_t mark = parser_mark(p);

	while (!parser_accept(p, KCL_TOK_RPAREN)) {
		if (at_kind(p, KCL_TOK_NEWLINE) || at_kind(p, KCL_TOK_EOF)) {
			parser_unexpected(p, "\")\", \",\"");
			break;
		}

		const struct kcl_token *first = p->token;
		struct kcl_expr *e = parse_expr(p);

		if (e->kind == KCL_EXPR_NAME)
			parser_push(p, &e->name);
		else
			parser_error(p, &first->span, "expected identifier");
		if (parser_accept(p, KCL_TOK_COMMA) || at_kind(p, KCL_TOK_RPAREN) || at_kind(p, KCL_TOK_NEWLINE) ||
		    at_kind(p, KCL_TOK_EOF))
			continue;
		parser_unexpected(p, "\",\", \")\"");
		parser_bump(p);
	}
	return parser_pop_items(p, mark, sizeof(struct kcl_names), ret_len);
}

struct kcl_stmt *parse_rule(struct parser *p, const struct kcl_decorators *decorators)
{
	const struct kcl_token *first = p->token;
	struct kcl_stmt *s = parser_stmt(p, KCL_STMT_RULE);
	struct kcl_rule_stmt *rule = &s->rule;

	rule->decorators = *decorators;
	parser_bump(p);
	rule->name = parse_dotted_name(p);
	rule->params = parse_bracketed_params(p);
	if (parser_accept(p, KCL_TOK_LPAREN))
		rule->parents = parse_parent_rules(p, &rule->parents_len);
	rule->for_host = parse_host(p);
	parser_take(p, KCL_TOK_COLON, "\":\"");
	parser_skip_newlines(p);
	parser_take(p, KCL_TOK_INDENT, "\"indent\"");
	rule->doc = parse_doc(p, &rule->doc_raw);
	rule->checks = parse_checks(p);
	s->span = parser_span(p, first);
	parser_skip_newlines(p);
	return s;
}
