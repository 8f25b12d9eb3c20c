/* Lists, their `if` items, and the clauses of comprehensions. */

#include "syntax/parser.h"

static struct kcl_expr *parse_item(struct parser *p);

/* ---- if items ---- */

/* One item on the line of its condition, or a block of them. */
static struct kcl_exprs parse_item_block(struct parser *p, bool is_block)
{
	struct kcl_exprs items = { 0 };
	size_t mark = parser_mark(p);

	if (!is_block) {
		parser_push(p, parse_item(p));
		items.items = parser_pop_pointers(p, mark, &items.len);
		return items;
	}
	parser_skip_newlines(p);
	parser_take(p, KCL_TOK_INDENT, "\"indent\"");
	for (;;) {
		uint32_t at = p->at;

		parser_check_dedent(p);
		if (at_dedent(p) || at_kind(p, KCL_TOK_EOF))
			break;
		parser_push(p, parse_item(p));
		parser_accept(p, KCL_TOK_COMMA);
		parser_skip_newlines(p);
		parser_drop(p, at);
	}
	parser_take(p, KCL_TOK_DEDENT, "\"dedent\"");
	items.items = parser_pop_pointers(p, mark, &items.len);
	return items;
}

/* Behind `if` or `elif`. */
static struct kcl_expr *parse_item_branch(struct parser *p, const struct kcl_token *first, bool *is_block)
{
	struct kcl_expr *e = parser_expr(p, KCL_EXPR_LIST_IF);

	e->list_if.condition = parse_expr(p);
	parser_take(p, KCL_TOK_COLON, "\":\"");
	*is_block |= at_kind(p, KCL_TOK_NEWLINE);
	e->list_if.items = parse_item_block(p, *is_block);
	e->span = parser_span(p, first);
	return e;
}

static struct kcl_expr *parse_if_item(struct parser *p)
{
	const struct kcl_token *first = p->token;
	bool is_block = false;

	parser_bump(p);

	struct kcl_expr *e = parse_item_branch(p, first, &is_block), *last = e;

	parser_skip_newlines(p);
	while (at_keyword(p, KCL_KW_ELIF)) {
		const struct kcl_token *elif = p->token;

		parser_bump(p);
		last->list_if.orelse = parse_item_branch(p, elif, &is_block);
		last = last->list_if.orelse;
		parser_higher(p);
	}
	parser_skip_newlines(p);
	if (at_keyword(p, KCL_KW_ELSE)) {
		const struct kcl_token *otherwise = p->token;
		struct kcl_expr *list = parser_expr(p, KCL_EXPR_LIST);

		parser_bump(p);
		parser_take(p, KCL_TOK_COLON, "\":\"");
		is_block |= at_kind(p, KCL_TOK_NEWLINE);
		list->list = parse_item_block(p, is_block);
		list->span = parser_span(p, otherwise);
		last->list_if.orelse = list;
	}
	e->span = parser_span(p, first);
	return e;
}

/* ---- items ---- */

static struct kcl_expr *parse_item(struct parser *p)
{
	const struct kcl_token *first = p->token;
	struct kcl_expr *e;
	unsigned saved;

	if (!at_kind(p, KCL_TOK_MUL) && !at_keyword(p, KCL_KW_IF))
		return parse_expr(p);
	if (!parser_enter(p, &saved))
		return parser_missing(p);
	if (parser_accept(p, KCL_TOK_MUL)) {
		e = parser_expr(p, KCL_EXPR_STARRED);
		e->starred = parse_expr(p);
		e->span = parser_span(p, first);
	} else {
		e = parse_if_item(p);
	}
	parser_leave(p, saved);
	return e;
}

static bool at_end_of_items(const struct parser *p)
{
	return at_kind(p, KCL_TOK_RBRACKET) || at_kind(p, KCL_TOK_EOF) || at_keyword(p, KCL_KW_FOR);
}

static struct kcl_exprs parse_items(struct parser *p)
{
	struct kcl_exprs items = { 0 };
	size_t mark = parser_mark(p);

	if (at_end_of_items(p))
		return items;
	parser_push(p, parse_item(p));
	parser_accept(p, KCL_TOK_COMMA);
	parser_skip_newlines(p);
	for (;;) {
		uint32_t at = p->at;

		parser_skip_indentation(p);
		if (at_end_of_items(p))
			break;

		struct kcl_expr *item = parse_item(p);

		if (item->kind == KCL_EXPR_MISSING) {
			parser_unexpected(p, "\",\"");
			parser_bump(p);
		} else {
			parser_push(p, item);
		}
		parser_accept(p, KCL_TOK_COMMA);
		parser_skip_newlines(p);
		parser_drop(p, at);
	}
	items.items = parser_pop_pointers(p, mark, &items.len);
	return items;
}

/* ---- comprehensions ---- */

static struct kcl_comp_clause *parse_comp_clause(struct parser *p)
{
	struct kcl_comp_clause *clause = arena_alloc(p->arena, sizeof(*clause));

	uint32_t n = 0;

	parser_bump(p); /* for */
	do {
		struct kcl_names names = parse_names(p);

		if (names.len != 1)
			parser_error_class(p, "CompileError", &names.items[0].span, NULL,
			                   "loop variables can only be ordinary identifiers");
		if (n < 2)
			clause->targets[clause->targets_len++] = names.items[0];
		n++;
	} while (parser_accept(p, KCL_TOK_COMMA));
	if (n > 2) {
		struct kcl_span behind = clause->targets[1].span;

		behind.line = behind.end_line;
		behind.column = behind.end_column;
		parser_error_class(p, "CompileError", &behind, NULL,
		                   "the number of loop variables is %u, which can only be 1 or 2", n);
	}
	parser_take_keyword(p, KCL_KW_IN, "\"in\"");
	clause->iterable = parse_simple_expr(p);
	parser_skip_newlines(p);

	size_t mark = parser_mark(p);

	while (parser_accept_keyword(p, KCL_KW_IF))
		parser_push(p, parse_expr(p));
	clause->conditions.items = parser_pop_pointers(p, mark, &clause->conditions.len);
	return clause;
}

struct kcl_comp_clause *parse_comp_clauses(struct parser *p)
{
	struct kcl_comp_clause *first = NULL, **end = &first;

	while (at_keyword(p, KCL_KW_FOR)) {
		*end = parse_comp_clause(p);
		end = &(*end)->next;
		parser_higher(p);
	}
	return first;
}

/* ---- lists ---- */

static struct kcl_expr *make_list(struct parser *p, const struct kcl_exprs *items, struct kcl_comp_clause *clauses,
                                  const struct kcl_token *first_item)
{
	struct kcl_expr *e = parser_expr(p, clauses && items->len > 0 ? KCL_EXPR_LIST_COMP : KCL_EXPR_LIST);

	if (clauses && items->len > 1)
		parser_error(p, &first_item->span, "multiple list comp clause expression found: expected 1, got %u",
		             items->len);
	if (clauses && items->len == 0)
		parser_error(p, &first_item->span, "missing list comp clause expression");
	if (e->kind == KCL_EXPR_LIST) {
		e->list = *items;
	} else {
		e->list_comp.element = items->items[0];
		e->list_comp.clauses = clauses;
	}
	return e;
}

struct kcl_expr *parse_list_rest(struct parser *p, const struct kcl_token *first)
{
	const struct kcl_token *first_item;
	struct kcl_exprs items = { 0 };
	struct kcl_comp_clause *clauses = NULL;

	if (at_kind(p, KCL_TOK_NEWLINE)) {
		parser_skip_newlines(p);
		parser_skip_indentation(p);
	}
	first_item = p->token;
	if (!at_kind(p, KCL_TOK_RBRACKET)) {
		items = parse_items(p);
		clauses = parse_comp_clauses(p);
		parser_skip_newlines(p);
		parser_skip_indentation(p);
	}
	parser_expect(p, KCL_TOK_RBRACKET, "\"]\"");

	struct kcl_expr *e = make_list(p, &items, clauses, first_item);

	e->span = parser_span(p, first);
	return e;
}

struct kcl_expr *parse_list(struct parser *p)
{
	const struct kcl_token *first = p->token;

	parser_bump(p);
	return parse_list_rest(p, first);
}
