/* Config blocks: { key: value … }, their `if` entries, and schemas that are configured with one. */

#include "syntax/parser.h"

static struct kcl_config_entry *parse_if_entry(struct parser *p);

static struct kcl_config_entry *new_entry(struct parser *p, enum kcl_entry_kind kind, enum kcl_entry_op op)
{
	struct kcl_config_entry *entry = arena_alloc(p->arena, sizeof(*entry));

	entry->kind = kind;
	entry->op = op;
	return entry;
}

/* The operator between key and value; a token that is none is dropped outside of `if` blocks, as upstream does. */
static enum kcl_entry_op parse_entry_op(struct parser *p, bool drop_other)
{
	if (parser_accept(p, KCL_TOK_COLON))
		return KCL_ENTRY_UNION;
	if (parser_accept(p, KCL_TOK_ASSIGN))
		return KCL_ENTRY_OVERRIDE;
	if (parser_accept(p, KCL_TOK_ADD_ASSIGN))
		return KCL_ENTRY_INSERT;
	parser_unexpected(p, "\":\", \"=\", \"+=\"");
	if (drop_other)
		parser_bump(p);
	return KCL_ENTRY_OVERRIDE;
}

static struct kcl_config_entry *parse_pair(struct parser *p, bool drop_other)
{
	struct kcl_config_entry *entry = new_entry(p, KCL_ENTRY_PAIR, KCL_ENTRY_UNION);

	entry->key = parse_expr(p);
	entry->op = parse_entry_op(p, drop_other);

	/* `a.b.c: v` is as deep as a: {b: {c: v}}. */
	unsigned steps = entry->key->kind == KCL_EXPR_NAME && entry->key->name.len > 0 ? entry->key->name.len - 1 : 0;

	if (steps >= PARSER_DEPTH_MAX - p->depth) {
		if (!p->gave_up)
			parser_give_up(p);
		steps = 0;
	}
	p->depth += steps;
	entry->value = parse_expr(p);
	p->depth -= steps;
	return entry;
}

static struct kcl_config_entry *parse_entry(struct parser *p)
{
	const struct kcl_token *first = p->token;
	struct kcl_config_entry *entry;

	if (parser_accept(p, KCL_TOK_POW)) {
		entry = new_entry(p, KCL_ENTRY_UNPACK, KCL_ENTRY_UNION);
		entry->value = parse_expr(p);
	} else if (at_keyword(p, KCL_KW_IF)) {
		return parse_if_entry(p);
	} else {
		entry = parse_pair(p, true);
	}
	entry->span = parser_span(p, first);
	return entry;
}

/* ---- if entries ---- */

/* One entry in the body of a branch; NULL at its end. */
static struct kcl_config_entry *parse_block_entry(struct parser *p, bool is_block)
{
	const struct kcl_token *first;
	struct kcl_config_entry *entry;

	if (is_block && at_dedent(p)) {
		parser_bump(p);
		return NULL;
	}
	if (at_keyword(p, KCL_KW_ELIF) || at_keyword(p, KCL_KW_ELSE))
		return NULL;
	if (at_keyword(p, KCL_KW_IF))
		return parse_if_entry(p);
	parser_check_dedent(p);
	if (at_dedent(p) || at_kind(p, KCL_TOK_NEWLINE) || at_kind(p, KCL_TOK_EOF))
		return NULL;
	first = p->token;
	if (parser_accept(p, KCL_TOK_POW)) {
		entry = new_entry(p, KCL_ENTRY_UNPACK, KCL_ENTRY_OVERRIDE);
		entry->value = parse_primary_expr(p);
	} else {
		entry = parse_pair(p, false);
	}
	entry->span = parser_span(p, first);
	return entry;
}

static struct kcl_config_entry *parse_entry_block(struct parser *p, bool is_block)
{
	struct kcl_config_entry *entries = NULL, **end = &entries;

	if (!is_block)
		return parse_block_entry(p, false);
	parser_skip_newlines(p);
	parser_take(p, KCL_TOK_INDENT, "\"indent\"");
	while (!at_kind(p, KCL_TOK_EOF)) {
		uint32_t at = p->at;

		*end = parse_block_entry(p, true);
		if (!*end)
			break;
		end = &(*end)->next;
		parser_accept(p, KCL_TOK_COMMA);
		parser_skip_newlines(p);
		parser_drop(p, at);
	}
	parser_skip_newlines(p);
	return entries;
}

/* At `if` or `elif`. */
static struct kcl_config_entry *parse_entry_branch(struct parser *p)
{
	const struct kcl_token *first = p->token;
	struct kcl_config_entry *entry = new_entry(p, KCL_ENTRY_IF, KCL_ENTRY_UNION);

	parser_bump(p);
	entry->condition = parse_expr(p);
	parser_take(p, KCL_TOK_COLON, "\":\"");
	entry->entries = parse_entry_block(p, at_kind(p, KCL_TOK_NEWLINE));
	entry->span = parser_span(p, first);
	return entry;
}

static void parse_entry_branches(struct parser *p, struct kcl_config_entry *entry)
{
	struct kcl_config_entry *last = entry;

	parser_skip_newlines(p);
	while (at_keyword(p, KCL_KW_ELIF)) {
		last->orelse = parse_entry_branch(p);
		last = last->orelse;
		parser_higher(p);
	}
	parser_skip_newlines(p);
	if (at_keyword(p, KCL_KW_ELSE)) {
		const struct kcl_token *first = p->token;

		last->orelse = new_entry(p, KCL_ENTRY_IF, KCL_ENTRY_UNION);
		parser_bump(p);
		parser_take(p, KCL_TOK_COLON, "\":\"");
		last->orelse->entries = parse_entry_block(p, at_kind(p, KCL_TOK_NEWLINE));
		last->orelse->span = parser_span(p, first);
	}
}

static struct kcl_config_entry *parse_if_entry(struct parser *p)
{
	const struct kcl_token *first = p->token;
	unsigned saved;

	if (!parser_enter(p, &saved))
		return NULL;

	struct kcl_config_entry *entry = parse_entry_branch(p);

	parse_entry_branches(p, entry);
	entry->span = parser_span(p, first);
	parser_accept(p, KCL_TOK_COMMA);
	parser_skip_newlines(p);
	parser_leave(p, saved);
	return entry;
}

/* ---- blocks ---- */

static bool at_end_of_entries(const struct parser *p, bool is_multiline)
{
	return at_kind(p, KCL_TOK_RBRACE) || at_kind(p, KCL_TOK_EOF) || at_keyword(p, KCL_KW_FOR) ||
	       (at_kind(p, KCL_TOK_NEWLINE) && !is_multiline);
}

static struct kcl_config_entry *parse_entries(struct parser *p, bool is_multiline)
{
	struct kcl_config_entry *entries = NULL, **end = &entries;

	while (!at_end_of_entries(p, is_multiline)) {
		uint32_t at = p->at;

		*end = parse_entry(p);
		if (!*end)
			break;
		end = &(*end)->next;
		parser_accept(p, KCL_TOK_COMMA);
		if (is_multiline)
			parser_skip_newlines(p);
		parser_skip_indentation(p);
		parser_drop(p, at);
	}
	return entries;
}

static struct kcl_expr *make_config(struct parser *p, struct kcl_config_entry *entries, struct kcl_comp_clause *clauses,
                                    const struct kcl_token *first_entry)
{
	struct kcl_expr *e = parser_expr(p, clauses && entries ? KCL_EXPR_DICT_COMP : KCL_EXPR_CONFIG);
	unsigned n = 0;

	for (struct kcl_config_entry *entry = entries; entry; entry = entry->next)
		n++;
	if (clauses && n > 1)
		parser_error(p, &first_entry->span, "multiple config comp clause expression found: expected 1, got %u", n);
	if (clauses && n == 0)
		parser_error(p, &first_entry->span, "missing config comp clause expression");
	if (e->kind == KCL_EXPR_CONFIG) {
		e->config.entries = entries;
	} else {
		e->dict_comp.entry = entries;
		e->dict_comp.clauses = clauses;
	}
	return e;
}

struct kcl_expr *parse_config(struct parser *p)
{
	const struct kcl_token *first = p->token, *first_entry;
	struct kcl_config_entry *entries = NULL;
	struct kcl_comp_clause *clauses = NULL;
	bool is_multiline;

	parser_bump(p);
	is_multiline = at_kind(p, KCL_TOK_NEWLINE);
	if (is_multiline) {
		parser_skip_newlines(p);
		parser_skip_indentation(p);
	}
	first_entry = p->token;
	if (!at_kind(p, KCL_TOK_RBRACE)) {
		entries = parse_entries(p, is_multiline);
		clauses = parse_comp_clauses(p);
		parser_skip_newlines(p);
		parser_skip_indentation(p);
	}
	parser_expect(p, KCL_TOK_RBRACE, "\"}\"");

	struct kcl_expr *e = make_config(p, entries, clauses, first_entry);

	e->span = parser_span(p, first);
	return e;
}

struct kcl_expr *parse_schema_expr(struct parser *p, const struct kcl_names *name, const struct kcl_arguments *args,
                                   const struct kcl_token *first)
{
	struct kcl_expr *e = parser_expr(p, KCL_EXPR_SCHEMA);

	e->schema.name = *name;
	e->schema.has_args = args != NULL;
	if (args)
		e->schema.args = *args;
	e->schema.config = parse_config(p);
	e->span = parser_span(p, first);
	return e;
}
