/* Types as they are written. */

#include "syntax/parser.h"

static bool basic_type(enum kcl_keyword_id keyword, enum kcl_basic_type *ret)
{
	switch (keyword) {
	case KCL_KW_BOOL:
		*ret = KCL_BASIC_BOOL;
		return true;
	case KCL_KW_INT:
		*ret = KCL_BASIC_INT;
		return true;
	case KCL_KW_FLOAT:
		*ret = KCL_BASIC_FLOAT;
		return true;
	case KCL_KW_STR:
		*ret = KCL_BASIC_STR;
		return true;
	default:
		return false;
	}
}

struct kcl_type_expr *parser_type_of_names(struct parser *p, const struct kcl_names *names, const struct kcl_span *span)
{
	const char *s = names->items[0].s;
	struct kcl_type_expr *t = parser_type(p, KCL_TYPE_NAMED);
	enum kcl_keyword_id keyword = names->len == 1 ? kcl_keyword_id(s, strlen(s)) : KCL_KW_NOT_ONE;
	enum kcl_basic_type basic;

	t->span = *span;
	if (keyword == KCL_KW_ANY) {
		t->kind = KCL_TYPE_ANY;
	} else if (basic_type(keyword, &basic)) {
		t->kind = KCL_TYPE_BASIC;
		t->basic = basic;
	} else {
		t->named = *names;
	}
	return t;
}

static struct kcl_type_expr *parse_bool_type(struct parser *p)
{
	struct kcl_type_expr *t = parser_type(p, KCL_TYPE_LITERAL);

	t->literal.kind = KCL_LITERAL_BOOL;
	t->literal.b = p->token->keyword == KCL_KW_TRUE;
	parser_bump(p);
	return t;
}

static struct kcl_type_expr *parse_number_type(struct parser *p)
{
	struct kcl_type_expr *t = parser_type(p, KCL_TYPE_LITERAL);

	t->literal.kind = p->token->number->is_float ? KCL_LITERAL_FLOAT : KCL_LITERAL_INT;
	t->literal.number = *p->token->number;
	parser_bump(p);
	return t;
}

static struct kcl_type_expr *parse_string_type(struct parser *p)
{
	struct kcl_type_expr *t = parser_type(p, KCL_TYPE_LITERAL);

	t->literal.kind = KCL_LITERAL_STR;
	t->literal.s = p->token->s;
	parser_bump(p);
	return t;
}

static struct kcl_type_expr *parse_list_type(struct parser *p)
{
	struct kcl_type_expr *t = parser_type(p, KCL_TYPE_LIST);

	parser_bump(p);
	if (parser_accept(p, KCL_TOK_RBRACKET))
		return t;
	t->element = parse_type(p);
	parser_take(p, KCL_TOK_RBRACKET, "\"]\"");
	return t;
}

static struct kcl_type_expr *parse_dict_type(struct parser *p)
{
	struct kcl_type_expr *t = parser_type(p, KCL_TYPE_DICT);

	parser_bump(p);
	if (!at_kind(p, KCL_TOK_COLON))
		t->dict.key = parse_type(p);
	parser_take(p, KCL_TOK_COLON, "\":\"");
	if (!at_kind(p, KCL_TOK_RBRACE))
		t->dict.value = parse_type(p);
	parser_take(p, KCL_TOK_RBRACE, "\"}\"");
	return t;
}

static struct kcl_type_expr *parse_function_type(struct parser *p)
{
	struct kcl_type_expr *t = parser_type(p, KCL_TYPE_FUNCTION);
	size_t mark = parser_mark(p);

	parser_bump(p);
	while (!at_kind(p, KCL_TOK_RPAREN) && !at_kind(p, KCL_TOK_EOF)) {
		parser_push(p, parse_type(p));
		parser_accept(p, KCL_TOK_COMMA);
	}
	t->function.params = parser_pop_pointers(p, mark, &t->function.len);
	parser_take(p, KCL_TOK_RPAREN, "\")\"");
	if (parser_accept(p, KCL_TOK_ARROW))
		t->function.result = parse_type(p);
	return t;
}

static struct kcl_type_expr *parse_named_type(struct parser *p)
{
	const struct kcl_token *first = p->token;
	enum kcl_basic_type basic = KCL_BASIC_BOOL;

	if (first->keyword == KCL_KW_TRUE || first->keyword == KCL_KW_FALSE)
		return parse_bool_type(p);
	if (first->keyword != KCL_KW_ANY && !basic_type(first->keyword, &basic)) {
		struct kcl_names names = parse_names(p);
		struct kcl_type_expr *t = parser_type(p, KCL_TYPE_NAMED);

		t->named = names;
		return t;
	}

	struct kcl_type_expr *t = parser_type(p, first->keyword == KCL_KW_ANY ? KCL_TYPE_ANY : KCL_TYPE_BASIC);

	if (t->kind == KCL_TYPE_BASIC)
		t->basic = basic;
	parser_bump(p);
	return t;
}

static struct kcl_type_expr *parse_type_element(struct parser *p)
{
	const struct kcl_token *first = p->token;
	struct kcl_type_expr *t;

	switch (first->kind) {
	case KCL_TOK_NAME:
		t = parse_named_type(p);
		break;
	case KCL_TOK_NUMBER:
		t = parse_number_type(p);
		break;
	case KCL_TOK_STRING:
		t = parse_string_type(p);
		break;
	case KCL_TOK_LBRACKET:
		t = parse_list_type(p);
		break;
	case KCL_TOK_LBRACE:
		t = parse_dict_type(p);
		break;
	case KCL_TOK_LPAREN:
		t = parse_function_type(p);
		break;
	default:
		parser_unexpected(
			p, "\"any\", \"bool\", \"int\", \"float\", \"str\", \"True\", \"False\", \"identifier\", \"literal\", "
			   "\"[\", \"{\", \"(\"");
		parser_bump(p);
		t = parser_type(p, KCL_TYPE_ANY);
	}
	t->span = parser_span(p, first);
	return t;
}

struct kcl_type_expr *parse_type(struct parser *p)
{
	const struct kcl_token *first = p->token;
	unsigned saved;

	if (!parser_enter(p, &saved))
		return parser_type(p, KCL_TYPE_ANY);

	struct kcl_type_expr *t = parse_type_element(p);

	if (at_kind(p, KCL_TOK_BITOR)) {
		struct kcl_type_expr *all = parser_type(p, KCL_TYPE_UNION);
		size_t mark = parser_mark(p);

		parser_push(p, t);
		while (parser_accept(p, KCL_TOK_BITOR))
			parser_push(p, parse_type_element(p));
		all->of_union.items = parser_pop_pointers(p, mark, &all->of_union.len);
		all->span = parser_span(p, first);
		t = all;
	}
	parser_leave(p, saved);
	return t;
}
