/* Statements other than schemas and rules. */

#include "syntax/parser.h"

/* ---- targets of assignments ---- */

static const char *expr_name(const struct kcl_expr *e)
{
	static const char *const names[] = {
		[KCL_EXPR_NAME] = "IdentifierExpression",
		[KCL_EXPR_UNARY] = "UnaryExpression",
		[KCL_EXPR_BINARY] = "BinaryExpression",
		[KCL_EXPR_COMPARE] = "CompareExpression",
		[KCL_EXPR_LOGIC] = "BinaryExpression",
		[KCL_EXPR_AS] = "BinaryExpression",
		[KCL_EXPR_TERNARY] = "IfExpression",
		[KCL_EXPR_SELECTOR] = "SelectorExpression",
		[KCL_EXPR_CALL] = "CallExpression",
		[KCL_EXPR_PAREN] = "ParenExpression",
		[KCL_EXPR_QUANTIFIER] = "QuantExpression",
		[KCL_EXPR_LIST] = "ListExpression",
		[KCL_EXPR_LIST_IF] = "ListIfItemExpression",
		[KCL_EXPR_STARRED] = "StarredExpression",
		[KCL_EXPR_LIST_COMP] = "ListComp",
		[KCL_EXPR_DICT_COMP] = "DictComp",
		[KCL_EXPR_CONFIG] = "ConfigExpression",
		[KCL_EXPR_SCHEMA] = "SchemaExpression",
		[KCL_EXPR_LAMBDA] = "LambdaExpression",
		[KCL_EXPR_SUBSCRIPT] = "SubscriptExpression",
		[KCL_EXPR_NUMBER] = "NumberLitExpression",
		[KCL_EXPR_STRING] = "StringLitExpression",
		[KCL_EXPR_CONSTANT] = "NameConstantLitExpression",
		[KCL_EXPR_JOINED] = "JoinedStringExpression",
		[KCL_EXPR_MISSING] = "MissingExpression",
	};

	return names[e->kind];
}

static void push_member(struct parser *p, const struct kcl_name *name)
{
	struct kcl_target_step *step = arena_alloc(p->arena, sizeof(*step));

	step->member = *name;
	parser_push(p, step);
}

static void push_members(struct parser *p, const struct kcl_names *names)
{
	for (uint32_t i = 0; i < names->len; i++)
		push_member(p, &names->items[i]);
}

/* Pushes the steps of a target, from the outside in; what is wrong with it, or NULL. */
static const char *push_steps(struct parser *p, const struct kcl_expr *e)
{
	const char *wrong;
	struct kcl_target_step *step;

	switch (e->kind) {
	case KCL_EXPR_NAME:
		push_members(p, &e->name);
		return NULL;
	case KCL_EXPR_SELECTOR:
		if (e->selector.is_optional)
			return ", because the left-hand side of an assignment expression may not be an optional attribute access.";
		wrong = push_steps(p, e->selector.object);
		if (!wrong)
			push_members(p, &e->selector.attr);
		return wrong;
	case KCL_EXPR_SUBSCRIPT:
		if (e->subscript.is_optional)
			return ", because the left-hand side of an assignment expression may not be an optional subscript access.";
		if (e->subscript.is_slice)
			return ", because the left-hand side of an assignment expression may not be a slice access.";
		wrong = push_steps(p, e->subscript.object);
		if (wrong)
			return wrong;
		step = arena_alloc(p->arena, sizeof(*step));
		step->index = e->subscript.index;
		parser_push(p, step);
		return NULL;
	default:
		return "";
	}
}

/* False, reported, when nothing can be assigned to it. */
static bool make_target(struct parser *p, const struct kcl_expr *e, struct kcl_target *ret)
{
	size_t mark = parser_mark(p);
	const char *wrong = push_steps(p, e);
	uint32_t n;
	struct kcl_target_step *steps = parser_pop_items(p, mark, sizeof(*steps), &n);

	if (wrong) {
		parser_error(p, &e->span, "'%s' is an illegal expression for assignment%s", expr_name(e), wrong);
		return false;
	}
	*ret = (struct kcl_target){ .name = steps[0].member, .steps = steps + 1, .steps_len = n - 1, .span = e->span };
	return true;
}

/* ---- assignments ---- */

static struct kcl_stmt *end_stmt(struct parser *p, struct kcl_stmt *s, const struct kcl_token *first)
{
	s->span = parser_span(p, first);
	parser_skip_newlines(p);
	return s;
}

static struct kcl_stmt *parse_aug_assign(struct parser *p, const struct kcl_expr *target, const struct kcl_token *first)
{
	struct kcl_stmt *s = parser_stmt(p, KCL_STMT_AUG_ASSIGN);

	s->aug_assign.op = (enum kcl_binary_op)(p->token->kind - KCL_TOK_ADD_ASSIGN);
	parser_bump(p);

	bool valid = make_target(p, target, &s->aug_assign.target);

	s->aug_assign.value = parse_expr(p);
	end_stmt(p, s, first);
	return valid ? s : NULL;
}

static bool at_aug_assign(const struct parser *p)
{
	return p->token->kind >= KCL_TOK_ADD_ASSIGN && p->token->kind <= KCL_TOK_BITOR_ASSIGN;
}

/* name: Schema {…} or name: Schema(…) {…}, at the bracket. */
static struct kcl_stmt *parse_unification(struct parser *p, const struct kcl_expr *target,
                                          const struct kcl_type_expr *type, const struct kcl_token *first)
{
	struct kcl_stmt *s = parser_stmt(p, KCL_STMT_UNIFICATION);
	struct kcl_arguments args;
	bool has_args = at_kind(p, KCL_TOK_LPAREN);

	if (has_args)
		args = parse_call(p);
	s->unification.value = parse_schema_expr(p, &type->named, has_args ? &args : NULL, first);
	if (target->kind == KCL_EXPR_NAME) {
		s->unification.name = target->name.items[0];
		if (target->name.len > 1)
			parser_error(p, &target->span, "expected identifier");
	} else {
		parser_error(p, &first->span, "expected identifier");
		s->unification.name = (struct kcl_name){ .s = "", .span = target->span };
	}
	return end_stmt(p, s, first);
}

/* The name of an attribute or a parameter: dots are part of it. */
static struct kcl_name join_names(struct parser *p, const struct kcl_names *names)
{
	struct kcl_name name = names->items[0];

	for (uint32_t i = 1; i < names->len; i++) {
		name.s = arena_printf(p->arena, "%s.%s", name.s, names->items[i].s);
		name.span.end_line = names->items[i].span.end_line;
		name.span.end_column = names->items[i].span.end_column;
	}
	return name;
}

static struct kcl_stmt *make_attr(struct parser *p, const struct kcl_expr *name, struct kcl_type_expr *type,
                                  struct kcl_expr *value, enum kcl_entry_op op, const struct kcl_token *first)
{
	struct kcl_stmt *s = parser_stmt(p, KCL_STMT_ATTR);

	s->attr.name = join_names(p, &name->name);
	s->attr.type = type;
	s->attr.has_op = value != NULL;
	s->attr.op = op;
	s->attr.value = value;
	return end_stmt(p, s, first);
}

/* Behind the type of `name: type += value` in a schema. */
static struct kcl_stmt *parse_attr_aug_assign(struct parser *p, const struct kcl_expr *name, struct kcl_type_expr *type,
                                              const struct kcl_token *first)
{
	enum kcl_entry_op op = at_kind(p, KCL_TOK_ADD_ASSIGN) ? KCL_ENTRY_INSERT : KCL_ENTRY_UNION;

	parser_bump(p);

	struct kcl_expr *value = parse_expr(p);

	return make_attr(p, name, type, value, op, first);
}

static struct kcl_stmt *make_assign(struct parser *p, struct kcl_exprs *targets, struct kcl_type_expr *type,
                                    struct kcl_expr *value, const struct kcl_token *first)
{
	struct kcl_stmt *s = parser_stmt(p, KCL_STMT_ASSIGN);

	s->assign.targets = arena_alloc(p->arena, targets->len * sizeof(struct kcl_target));
	s->assign.type = type;
	s->assign.value = value;
	for (uint32_t i = 0; i < targets->len; i++)
		s->assign.len += make_target(p, targets->items[i], &s->assign.targets[s->assign.len]);
	end_stmt(p, s, first);
	return s->assign.len > 0 ? s : NULL;
}

/* Behind the first expression and its type: = target = … = value. NULL when there is no =. */
static struct kcl_expr *parse_values(struct parser *p, struct kcl_expr *first, struct kcl_exprs *ret_targets)
{
	size_t mark = parser_mark(p);
	struct kcl_expr *value = NULL;

	parser_push(p, first);
	while (parser_accept(p, KCL_TOK_ASSIGN)) {
		if (value)
			parser_push(p, value);
		value = parse_expr(p);
	}
	ret_targets->items = parser_pop_pointers(p, mark, &ret_targets->len);
	return value;
}

static struct kcl_stmt *make_expr_stmt(struct parser *p, const struct kcl_exprs *exprs, const struct kcl_token *first)
{
	struct kcl_stmt *s = parser_stmt(p, KCL_STMT_EXPR);

	s->exprs = *exprs;
	return end_stmt(p, s, first);
}

/* A type with no value, outside of a schema. */
static struct kcl_stmt *missing_value(struct parser *p)
{
	parser_skip_newlines(p);
	parser_unexpected(p, "\"=\"");
	return NULL;
}

struct kcl_stmt *parse_expr_or_assign(struct parser *p, bool in_schema)
{
	const struct kcl_token *first = p->token;
	struct kcl_expr *e = parse_expr(p);
	struct kcl_type_expr *type = NULL;
	struct kcl_exprs targets;

	if (parser_accept(p, KCL_TOK_COLON)) {
		type = parse_type(p);
		if ((at_kind(p, KCL_TOK_LBRACE) || at_kind(p, KCL_TOK_LPAREN)) && type->kind == KCL_TYPE_NAMED)
			return parse_unification(p, e, type, first);
	} else if (at_aug_assign(p)) {
		return parse_aug_assign(p, e, first);
	}

	struct kcl_expr *value = parse_values(p, e, &targets);
	bool is_attr = type && in_schema && targets.len == 1 && e->kind == KCL_EXPR_NAME;

	if (at_aug_assign(p) && is_attr && !value)
		return parse_attr_aug_assign(p, e, type, first);
	if (is_attr && (!value || e->name.len == 1))
		return make_attr(p, e, type, value, KCL_ENTRY_OVERRIDE, first);
	if (value)
		return make_assign(p, &targets, type, value, first);
	return type ? missing_value(p) : make_expr_stmt(p, &targets, first);
}

/* ---- other simple statements ---- */

struct kcl_stmt *parse_assert(struct parser *p)
{
	const struct kcl_token *first = p->token;
	struct kcl_stmt *s = parser_stmt(p, KCL_STMT_ASSERT);

	parser_bump(p);
	s->assertion.test = parse_simple_expr(p);
	if (parser_accept_keyword(p, KCL_KW_IF))
		s->assertion.condition = parse_simple_expr(p);
	if (parser_accept(p, KCL_TOK_COMMA))
		s->assertion.message = parse_expr(p);
	return end_stmt(p, s, first);
}

static struct kcl_stmt *parse_import(struct parser *p)
{
	const struct kcl_token *first = p->token;
	struct kcl_stmt *s = parser_stmt(p, KCL_STMT_IMPORT);
	uint32_t dots = 0;

	parser_bump(p);
	for (; parser_accept(p, KCL_TOK_ELLIPSIS); dots += 3)
		;
	for (; parser_accept(p, KCL_TOK_DOT); dots++)
		;
	if (dots > PARSER_DEPTH_MAX)
		parser_error(p, &first->span, "an import climbs at most %d folders", PARSER_DEPTH_MAX);
	s->import.written = parse_names(p);

	struct kcl_names *names = &s->import.written;
	char *prefix = arena_alloc(p->arena, dots + 1);

	memset(prefix, '.', dots);
	s->import.path = arena_printf(p->arena, "%s%s", prefix, join_names(p, names).s);
	s->import.name = names->items[names->len - 1].s;
	if (parser_accept_keyword(p, KCL_KW_AS)) {
		struct kcl_names as = parse_names(p);

		if (as.len != 1)
			parser_error(p, &p->token->span, "Invalid import asname");
		s->import.as = as.items[0];
		s->import.name = as.items[0].s;
	}
	return end_stmt(p, s, first);
}

static struct kcl_stmt *parse_type_alias(struct parser *p)
{
	struct kcl_stmt *s = parser_stmt(p, KCL_STMT_TYPE_ALIAS);

	parser_bump(p);

	const struct kcl_token *first = p->token;
	struct kcl_expr *e = parse_expr(p);

	if (e->kind == KCL_EXPR_NAME) {
		s->alias.name = join_names(p, &e->name);
	} else {
		parser_error(p, &first->span, "expected identifier");
		s->alias.name = (struct kcl_name){ .s = "", .span = e->span };
	}
	parser_take(p, KCL_TOK_ASSIGN, "\"=\"");
	s->alias.type = parse_type(p);
	return end_stmt(p, s, first);
}

/* ---- if ---- */

static struct kcl_stmt *parse_indented(struct parser *p)
{
	struct kcl_stmt *body = NULL, **end = &body;

	parser_check_dedent(p);
	parser_take(p, KCL_TOK_INDENT, "\"indent\"");
	while (!at_kind(p, KCL_TOK_EOF)) {
		parser_check_dedent(p);
		if (at_dedent(p)) {
			parser_bump(p);
			break;
		}

		struct kcl_stmt *s = parse_stmt(p);

		if (s) {
			*end = s;
			end = &s->next;
		} else {
			parser_bump(p);
		}
	}
	parser_skip_newlines(p);
	return body;
}

static struct kcl_stmt *parse_body(struct parser *p)
{
	if (at_kind(p, KCL_TOK_NEWLINE)) {
		parser_skip_newlines(p);
		return parse_indented(p);
	}

	struct kcl_stmt *s = parse_expr_or_assign(p, false);

	if (!s)
		parser_bump(p);
	return s;
}

static void parse_else(struct parser *p, struct kcl_stmt *last)
{
	struct kcl_span span = p->token->span;

	parser_bump(p);
	if (at_keyword(p, KCL_KW_IF)) {
		span.end_line = p->token->span.end_line;
		span.end_column = p->token->span.end_column;
		parser_error_class(p, "InvalidSyntax", &span, "elif",
		                   "'else if' here is invalid in KCL, consider using the 'elif' keyword");
		parser_bump(p);
	}
	parser_take(p, KCL_TOK_COLON, "\":\"");
	last->if_stmt.orelse = parse_body(p);
}

struct kcl_stmt *parse_if(struct parser *p)
{
	const struct kcl_token *first = p->token;
	struct kcl_stmt *s = parser_stmt(p, KCL_STMT_IF), *last = s;
	unsigned saved;

	if (!parser_enter(p, &saved))
		return NULL;
	parser_bump(p);
	for (const struct kcl_token *branch = first;;) {
		last->if_stmt.condition = parse_expr(p);
		parser_take(p, KCL_TOK_COLON, "\":\"");
		last->if_stmt.body = parse_body(p);
		last->span = parser_span(p, branch);
		parser_skip_newlines(p);
		if (!at_keyword(p, KCL_KW_ELIF))
			break;
		branch = p->token;
		parser_bump(p);
		last->if_stmt.orelse = parser_stmt(p, KCL_STMT_IF);
		last = last->if_stmt.orelse;
		parser_higher(p);
	}
	if (at_keyword(p, KCL_KW_ELSE))
		parse_else(p, last);
	parser_leave(p, saved);
	return end_stmt(p, s, first);
}

/* ---- all of them ---- */

static struct kcl_stmt *parse_compound(struct parser *p)
{
	struct kcl_decorators decorators = { 0 };

	if (at_keyword(p, KCL_KW_IF))
		return parse_if(p);
	if (at_kind(p, KCL_TOK_AT))
		decorators = parse_decorators(p);
	if (at_keyword(p, KCL_KW_SCHEMA) || at_keyword(p, KCL_KW_MIXIN) || at_keyword(p, KCL_KW_PROTOCOL))
		return parse_schema(p, &decorators);
	if (at_keyword(p, KCL_KW_RULE))
		return parse_rule(p, &decorators);
	return NULL;
}

static struct kcl_stmt *parse_simple(struct parser *p)
{
	switch (p->token->kind) {
	case KCL_TOK_NAME:
		if (p->token->keyword == KCL_KW_IMPORT)
			return parse_import(p);
		if (p->token->keyword == KCL_KW_TYPE)
			return parse_type_alias(p);
		if (p->token->keyword == KCL_KW_ASSERT)
			return parse_assert(p);
		return parse_expr_or_assign(p, false);
	case KCL_TOK_NUMBER:
	case KCL_TOK_STRING:
	case KCL_TOK_LPAREN:
	case KCL_TOK_LBRACKET:
	case KCL_TOK_LBRACE:
	case KCL_TOK_TILDE:
	case KCL_TOK_BANG:
		return parse_expr_or_assign(p, false);
	default:
		return NULL;
	}
}

struct kcl_stmt *parse_stmt(struct parser *p)
{
	parser_skip_newlines(p);
	if (at_kind(p, KCL_TOK_EOF))
		return NULL;

	uint32_t at = p->at;
	size_t errors = p->diagnostics->errors;
	struct kcl_stmt *s = parse_compound(p);

	if (!s && !p->gave_up)
		s = parse_simple(p);
	if (!s && (p->at == at || p->diagnostics->errors == errors))
		parser_error(p, &p->token->span, "unexpected token '%s'", kcl_token_text(p->token, p->module->text, p->arena));
	return s;
}
