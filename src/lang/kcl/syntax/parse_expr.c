/* Operators, and what follows an operand: selectors, calls, subscripts. */

#include "syntax/parser.h"

enum precedence {
	LOWEST,
	AS,
	LOGIC_OR,
	LOGIC_AND,
	EQUALITY,
	MEMBERSHIP,
	IDENTITY,
	ORDERING,
	BIT_OR,
	BIT_XOR,
	BIT_AND,
	SHIFT,
	SUM,
	PRODUCT,
	POWER,
	PREFIX
};

/* ---- infix operators ---- */

enum infix_kind { INFIX_BINARY, INFIX_COMPARE, INFIX_LOGIC, INFIX_AS, INFIX_NONE };

struct infix {
	enum precedence precedence;
	enum infix_kind kind;
	int op;     /* of the kind; LOGIC: 1 is `or` */
	int tokens; /* `not in` and `is not` are two */
};

static struct infix keyword_infix(const struct parser *p)
{
	const struct kcl_token *next = parser_peek(p, 1);
	bool not_next = next->kind == KCL_TOK_NAME && next->keyword == KCL_KW_NOT;
	bool in_next = next->kind == KCL_TOK_NAME && next->keyword == KCL_KW_IN;

	switch (p->token->keyword) {
	case KCL_KW_AS:
		return (struct infix){ AS, INFIX_AS, 0, 1 };
	case KCL_KW_OR:
		return (struct infix){ LOGIC_OR, INFIX_LOGIC, 1, 1 };
	case KCL_KW_AND:
		return (struct infix){ LOGIC_AND, INFIX_LOGIC, 0, 1 };
	case KCL_KW_IN:
		return (struct infix){ MEMBERSHIP, INFIX_COMPARE, KCL_CMP_IN, 1 };
	case KCL_KW_IS:
		if (not_next)
			return (struct infix){ IDENTITY, INFIX_COMPARE, KCL_CMP_IS_NOT, 2 };
		return (struct infix){ IDENTITY, INFIX_COMPARE, KCL_CMP_IS, 1 };
	case KCL_KW_NOT:
		if (in_next)
			return (struct infix){ MEMBERSHIP, INFIX_COMPARE, KCL_CMP_NOT_IN, 2 };
		return (struct infix){ .precedence = LOWEST };
	default:
		return (struct infix){ .precedence = LOWEST };
	}
}

static struct infix infix_at(const struct parser *p)
{
	static const uint8_t binary[] = {
		[KCL_OP_ADD] = SUM,     [KCL_OP_SUB] = SUM,        [KCL_OP_MUL] = PRODUCT,      [KCL_OP_DIV] = PRODUCT,
		[KCL_OP_MOD] = PRODUCT, [KCL_OP_POW] = POWER,      [KCL_OP_FLOORDIV] = PRODUCT, [KCL_OP_SHL] = SHIFT,
		[KCL_OP_SHR] = SHIFT,   [KCL_OP_BITXOR] = BIT_XOR, [KCL_OP_BITAND] = BIT_AND,   [KCL_OP_BITOR] = BIT_OR,
	};
	enum kcl_token_kind kind = p->token->kind;

	if (kind == KCL_TOK_NAME)
		return keyword_infix(p);
	if (kind >= KCL_TOK_ADD && kind <= KCL_TOK_BITOR)
		return (struct infix){ binary[kind - KCL_TOK_ADD], INFIX_BINARY, (int)(kind - KCL_TOK_ADD), 1 };
	if (kind >= KCL_TOK_EQ && kind <= KCL_TOK_GE)
		return (struct infix){ kind <= KCL_TOK_NE ? EQUALITY : ORDERING, INFIX_COMPARE, (int)(kind - KCL_TOK_EQ), 1 };
	if (kind == KCL_TOK_TILDE || kind == KCL_TOK_BANG)
		return (struct infix){ PREFIX, INFIX_NONE, 0, 1 };
	return (struct infix){ .precedence = LOWEST };
}

/* Comparisons that follow each other are one: a < b <= c. */
struct comparison {
	struct kcl_expr *first;
	size_t operands; /* mark of the scratch list */
	enum kcl_compare_op *ops;
	uint32_t len, cap;
};

static void add_comparison(struct parser *p, struct comparison *c, struct kcl_expr *left, enum kcl_compare_op op,
                           struct kcl_expr *right)
{
	if (c->len == 0)
		c->first = left;
	if (c->len == c->cap) {
		uint32_t cap = c->cap ? c->cap * 2 : 2;
		enum kcl_compare_op *ops = arena_alloc(p->arena, cap * sizeof(*ops));

		if (c->len > 0)
			memcpy(ops, c->ops, c->len * sizeof(*ops));
		c->ops = ops;
		c->cap = cap;
	}
	c->ops[c->len++] = op;
	parser_push(p, right);
}

/* x, or the comparison when there is one. */
static struct kcl_expr *end_comparison(struct parser *p, struct comparison *c, struct kcl_expr *x,
                                       const struct kcl_token *first)
{
	if (c->len == 0)
		return x;

	struct kcl_expr *e = parser_expr(p, KCL_EXPR_COMPARE);

	e->span = parser_span(p, first);
	e->compare.first = c->first;
	e->compare.ops = c->ops;
	e->compare.operands = parser_pop_pointers(p, c->operands, &e->compare.len);
	*c = (struct comparison){ .operands = c->operands };
	return e;
}

/* The right side of `as` is a name; anything else is no type. */
static struct kcl_expr *make_as(struct parser *p, struct kcl_expr *left, struct kcl_expr *right)
{
	struct kcl_expr *e = parser_expr(p, KCL_EXPR_AS);

	e->as.operand = left;
	if (right->kind == KCL_EXPR_NAME) {
		e->as.type = parser_type_of_names(p, &right->name, &right->span);
		return e;
	}
	if (right->kind != KCL_EXPR_MISSING)
		parser_error_class(p, "CompileError", &left->span, NULL, "keyword 'as' right operand must be a type");
	e->as.type = parser_type(p, KCL_TYPE_ANY);
	e->as.type->span = right->span;
	return e;
}

static struct kcl_expr *make_infix(struct parser *p, const struct infix *infix, const struct kcl_span *op_span,
                                   struct kcl_expr *left, struct kcl_expr *right)
{
	struct kcl_expr *e;

	if (infix->kind == INFIX_AS)
		return make_as(p, left, right);
	if (infix->kind == INFIX_LOGIC) {
		e = parser_expr(p, KCL_EXPR_LOGIC);
		e->logic.is_or = infix->op;
		e->logic.left = left;
		e->logic.right = right;
		return e;
	}
	e = parser_expr(p, KCL_EXPR_BINARY);
	e->binary.op = (enum kcl_binary_op)infix->op;
	e->binary.left = left;
	e->binary.right = right;
	e->binary.op_span = *op_span;
	return e;
}

static struct kcl_expr *parse_unary(struct parser *p)
{
	const struct kcl_token *first = p->token;
	enum kcl_unary_op op;

	switch (first->kind) {
	case KCL_TOK_ADD:
		op = KCL_OP_PLUS;
		break;
	case KCL_TOK_SUB:
		op = KCL_OP_MINUS;
		break;
	case KCL_TOK_TILDE:
		op = KCL_OP_INVERT;
		break;
	case KCL_TOK_BANG:
		op = KCL_OP_NOT;
		break;
	default:
		if (!at_keyword(p, KCL_KW_NOT))
			return parse_primary_expr(p);
		op = KCL_OP_NOT;
	}
	parser_bump(p);

	struct kcl_expr *e = parser_expr(p, KCL_EXPR_UNARY);

	e->unary.op = op;
	e->unary.operand = parse_primary_expr(p);
	e->span = parser_span(p, first);
	parser_higher(p);
	return e;
}

static struct kcl_expr *parse_infix(struct parser *p, enum precedence outer)
{
	const struct kcl_token *first = p->token;
	struct comparison comparison = { .operands = parser_mark(p) };
	unsigned saved;

	if (!parser_enter(p, &saved))
		return parser_missing(p);

	struct kcl_expr *x = parse_unary(p);

	for (;;) {
		struct infix infix = infix_at(p);

		if (infix.precedence <= outer || p->gave_up)
			break;
		if (infix.kind == INFIX_NONE) {
			parser_unexpected(p, "\"binary operator\", \"newline\"");
			break;
		}

		struct kcl_span op_span = p->token->span;

		for (int i = 0; i < infix.tokens; i++)
			parser_bump(p);

		struct kcl_expr *y = parse_infix(p, infix.precedence);

		parser_higher(p);
		if (infix.kind == INFIX_COMPARE) {
			add_comparison(p, &comparison, x, (enum kcl_compare_op)infix.op, y);
			continue;
		}
		x = make_infix(p, &infix, &op_span, end_comparison(p, &comparison, x, first), y);
		x->span = parser_span(p, first);
	}
	parser_leave(p, saved);
	return end_comparison(p, &comparison, x, first);
}

struct kcl_expr *parse_simple_expr(struct parser *p)
{
	return parse_infix(p, LOWEST);
}

struct kcl_expr *parse_expr(struct parser *p)
{
	if (at_kind(p, KCL_TOK_INDENT)) {
		parser_error(p, &p->token->span, "unexpected token 'indent'");
		parser_bump(p);
	}

	const struct kcl_token *first = p->token;
	struct kcl_expr *e = parse_simple_expr(p);
	unsigned saved;

	if (!at_keyword(p, KCL_KW_IF))
		return e;
	parser_bump(p);

	struct kcl_expr *ternary = parser_expr(p, KCL_EXPR_TERNARY);

	ternary->ternary.then = e;
	ternary->ternary.condition = parse_simple_expr(p);
	if (parser_accept_keyword(p, KCL_KW_ELSE)) {
		/* a if b else c if d else e … is a chain without other recursion */
		if (!parser_enter(p, &saved))
			return e;
		ternary->ternary.otherwise = parse_expr(p);
		parser_leave(p, saved);
	} else {
		parser_unexpected(p, "\"else\"");
		ternary->ternary.otherwise = parser_missing(p);
	}
	ternary->span = parser_span(p, first);
	return ternary;
}

/* ---- what follows an operand ---- */

struct kcl_expr *parse_selector(struct parser *p, struct kcl_expr *object, const struct kcl_token *first)
{
	struct kcl_expr *e = parser_expr(p, KCL_EXPR_SELECTOR);

	e->selector.object = object;
	e->selector.is_optional = parser_accept(p, KCL_TOK_QUESTION);
	parser_bump(p); /* the dot */
	e->selector.attr = parse_names(p);
	e->span = parser_span(p, first);
	return e;
}

/* Up to three expressions between colons; *ret_colons says whether it is a slice. */
static void parse_bounds(struct parser *p, struct kcl_expr *bounds[3], unsigned *ret_colons)
{
	unsigned at = 0, consecutive = 0;

	for (int round = 0; round <= 4 && !at_kind(p, KCL_TOK_RBRACKET); round++) {
		if (parser_accept(p, KCL_TOK_COLON)) {
			if (++*ret_colons > 2)
				parser_unexpected(p, "\"expression\", \"]\"");
			at = *ret_colons < 2 ? *ret_colons : 2;
			consecutive = 0;
			continue;
		}
		if (*ret_colons == 0 && round == 1)
			parser_error(p, &p->token->span, "a list should have only one expr");
		bounds[at] = parse_expr(p);
		if (++consecutive > 1)
			parser_error(p, &p->token->span, "consecutive exprs found");
	}
}

struct kcl_expr *parse_subscript(struct parser *p, struct kcl_expr *object, const struct kcl_token *first)
{
	struct kcl_expr *e = parser_expr(p, KCL_EXPR_SUBSCRIPT), *bounds[3] = { 0 };
	unsigned colons = 0;

	e->subscript.object = object;
	e->subscript.is_optional = parser_accept(p, KCL_TOK_QUESTION);
	parser_expect(p, KCL_TOK_LBRACKET, "\"[\"");
	parse_bounds(p, bounds, &colons);
	parser_expect(p, KCL_TOK_RBRACKET, "\"]\"");
	e->subscript.is_slice = colons > 0;
	if (colons > 0) {
		e->subscript.lower = bounds[0];
		e->subscript.upper = bounds[1];
		e->subscript.step = bounds[2];
	} else {
		if (!bounds[0]) {
			parser_error(p, &p->token->span, "expected expression got %s",
			             kcl_token_text(p->token, p->module->text, p->arena));
			bounds[0] = parser_missing(p);
		}
		e->subscript.index = bounds[0];
	}
	e->span = parser_span(p, first);
	return e;
}

struct kcl_expr *parse_primary_expr(struct parser *p)
{
	const struct kcl_token *first = p->token;
	struct kcl_expr *e = parse_operand(p);

	for (;; parser_higher(p)) {
		enum kcl_token_kind kind = p->token->kind;

		if (kind == KCL_TOK_QUESTION)
			kind = parser_peek(p, 1)->kind;
		else if (kind == KCL_TOK_LPAREN) {
			struct kcl_expr *call = parser_expr(p, KCL_EXPR_CALL);

			call->call.callee = e;
			call->call.args = parse_call(p);
			call->span = parser_span(p, first);
			e = call;
			continue;
		}
		if (kind == KCL_TOK_DOT)
			e = parse_selector(p, e, first);
		else if (kind == KCL_TOK_LBRACKET)
			e = parse_subscript(p, e, first);
		else
			return e;
	}
}

/* ---- arguments ---- */

static void parse_argument(struct parser *p, struct kcl_expr **ret_positional, struct kcl_keyword *ret_keyword)
{
	struct kcl_expr *e = parse_expr(p);

	if (!parser_accept(p, KCL_TOK_ASSIGN)) {
		*ret_positional = e;
		return;
	}
	if (e->kind == KCL_EXPR_NAME && e->name.len == 1) {
		ret_keyword->name = e->name.items[0];
	} else {
		parser_unexpected(p, "\"identifier\"");
		ret_keyword->name = (struct kcl_name){ .s = "", .span = e->span };
	}
	ret_keyword->value = parse_expr(p);
}

static bool at_end_of_arguments(const struct parser *p, bool is_multiline)
{
	return at_kind(p, KCL_TOK_RPAREN) || at_kind(p, KCL_TOK_EOF) || at_keyword(p, KCL_KW_FOR) ||
	       (at_kind(p, KCL_TOK_NEWLINE) && !is_multiline);
}

/* The positional ones go to the scratch list, the keywords to an array that grows in the arena. */
static void parse_arguments(struct parser *p, bool is_multiline, struct kcl_arguments *args)
{
	size_t mark = parser_mark(p);
	uint32_t cap = 0;

	for (;;) {
		uint32_t at = p->at;

		parser_skip_indentation(p);
		if (at_end_of_arguments(p, is_multiline))
			break;

		const struct kcl_token *first = p->token;
		struct kcl_expr *positional = NULL;
		struct kcl_keyword keyword = { 0 };

		parse_argument(p, &positional, &keyword);
		if (!positional) {
			if (args->keywords_len == cap) {
				struct kcl_keyword *old = args->keywords;

				cap = cap ? cap * 2 : 4;
				args->keywords = arena_alloc(p->arena, cap * sizeof(*old));
				if (old)
					memcpy(args->keywords, old, args->keywords_len * sizeof(*old));
			}
			args->keywords[args->keywords_len++] = keyword;
		} else if (positional->kind == KCL_EXPR_MISSING) {
			parser_unexpected(p, "\",\"");
			parser_bump(p);
		} else {
			parser_push(p, positional);
		}
		if (positional && args->keywords_len > 0)
			parser_error(p, &first->span, "positional argument follows keyword argument");
		parser_accept(p, KCL_TOK_COMMA);
		if (is_multiline)
			parser_skip_newlines(p);
		parser_drop(p, at);
	}
	args->positional.items = parser_pop_pointers(p, mark, &args->positional.len);
}

struct kcl_arguments parse_call(struct parser *p)
{
	struct kcl_arguments args = { 0 };

	parser_expect(p, KCL_TOK_LPAREN, "\"(\"");

	bool is_multiline = at_kind(p, KCL_TOK_NEWLINE);

	if (is_multiline) {
		parser_skip_newlines(p);
		parser_skip_indentation(p);
	}
	if (!at_kind(p, KCL_TOK_RPAREN))
		parse_arguments(p, is_multiline, &args);
	parser_accept(p, KCL_TOK_COMMA);
	parser_expect(p, KCL_TOK_RPAREN, "\")\"");
	return args;
}
