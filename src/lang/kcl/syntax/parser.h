#ifndef LANG_KCL_SYNTAX_PARSER_H
#define LANG_KCL_SYNTAX_PARSER_H
/* Inside of the parser: recursive descent over the tokens of a file, one function for each part of the grammar.
 *
 * A mistake is reported and the parser goes on as if what it expected had been there; what it cannot use is dropped,
 * one token at a time, up to where a statement, an entry or an item can begin. Every loop takes at least one token each
 * round (parser_drop()) or ends. */

#include "syntax/token.h"

#include <string.h>

#define PARSER_DEPTH_MAX 200   /* of the recursion */
#define PARSER_HEIGHT_MAX 1000 /* of the tree, which chains like a + b + c make high without recursion */

struct parser {
	struct kcl_module *module;
	struct arena *arena;
	struct kcl_diagnostics *diagnostics;
	struct kcl_tokens tokens;
	uint32_t at;
	const struct kcl_token *token, *prev; /* the one to be read, and the last one that was */
	unsigned depth, height;               /* height: of what was parsed since the innermost parser_enter() */
	bool keep_indent;                     /* of strings of several lines */
	struct kcl_stop *stop;                /* NULL */
	bool gave_up;                         /* at the end for good: nothing more is reported */
	void **scratch;                       /* of lists that are being read */
	size_t scratch_len, scratch_cap;
};

/* ---- tokens ---- */

void parser_bump(struct parser *p);
/* n tokens further; EOF past the end. */
const struct kcl_token *parser_peek(const struct parser *p, uint32_t n);
static inline bool at_kind(const struct parser *p, enum kcl_token_kind kind)
{
	return p->token->kind == kind;
}
static inline bool at_keyword(const struct parser *p, enum kcl_keyword_id keyword)
{
	return p->token->kind == KCL_TOK_NAME && p->token->keyword == keyword;
}
static inline bool at_dedent(const struct parser *p)
{
	return p->token->kind == KCL_TOK_DEDENT && p->token->spaces == 0;
}
/* Takes the token if it is of that kind. */
bool parser_accept(struct parser *p, enum kcl_token_kind kind);
bool parser_accept_keyword(struct parser *p, enum kcl_keyword_id keyword);
/* Takes the token, whatever it is; reports when it is not what was expected. */
void parser_take(struct parser *p, enum kcl_token_kind kind, const char *expected);
void parser_take_keyword(struct parser *p, enum kcl_keyword_id keyword, const char *expected);
/* Takes the token if it is of that kind, and reports otherwise. */
void parser_expect(struct parser *p, enum kcl_token_kind kind, const char *expected);
void parser_skip_newlines(struct parser *p);
/* Where the grammar allows any layout. */
void parser_skip_indentation(struct parser *p);
/* Reports a dedent to a column that no open block has. */
void parser_check_dedent(struct parser *p);
/* Reports and drops the token when nothing was read since mark (a p->at). */
void parser_drop(struct parser *p, uint32_t mark);

/* ---- errors ---- */

/* expected: quoted and separated by commas: "\"identifier\", \"(\"". */
void parser_unexpected(struct parser *p, const char *expected);
void parser_error(struct parser *p, const struct kcl_span *span, const char *fmt, ...) _printf_(3, 4);
void parser_error_class(struct parser *p, const char *code, const struct kcl_span *span, const char *hint,
                        const char *fmt, ...) _printf_(5, 6);

/* ---- making the tree ---- */

/* Saves p->height in *saved; false when it is too deep (reported; the rest of the file is skipped). Calls of leave
 * must match those that gave true. */
bool parser_enter(struct parser *p, unsigned *saved);
/* Goes to the end of the text; nothing more is reported. */
void parser_skip_all(struct parser *p);
/* The same, with an error: something is nested too deeply. */
void parser_give_up(struct parser *p);
void parser_leave(struct parser *p, unsigned saved);
/* One more link of a chain. */
void parser_higher(struct parser *p);

struct kcl_expr *parser_expr(struct parser *p, enum kcl_expr_kind kind);
struct kcl_expr *parser_missing(struct parser *p);
struct kcl_stmt *parser_stmt(struct parser *p, enum kcl_stmt_kind kind);
struct kcl_type_expr *parser_type(struct parser *p, enum kcl_type_kind kind);
/* From the first token to the last one read. */
struct kcl_span parser_span(const struct parser *p, const struct kcl_token *first);
/* The source text of a token. */
char *parser_raw(const struct parser *p, const struct kcl_token *token);

/* Lists of unknown length: push what comes, and take what was pushed since mark. */
void parser_push(struct parser *p, const void *item);
static inline size_t parser_mark(const struct parser *p)
{
	return p->scratch_len;
}
/* As an array of pointers in the arena; NULL when there are none. */
void *parser_pop_pointers(struct parser *p, size_t mark, uint32_t *ret_len);
/* As an array of copies of what the pointers point to. */
void *parser_pop_items(struct parser *p, size_t mark, size_t size, uint32_t *ret_len);

/* ---- the grammar ---- */

struct kcl_expr *parse_expr(struct parser *p);
struct kcl_expr *parse_simple_expr(struct parser *p);
struct kcl_expr *parse_primary_expr(struct parser *p);
struct kcl_expr *parse_operand(struct parser *p);
struct kcl_expr *parse_subscript(struct parser *p, struct kcl_expr *object, const struct kcl_token *first);
struct kcl_expr *parse_selector(struct parser *p, struct kcl_expr *object, const struct kcl_token *first);
/* Behind the callee, at the parenthesis. */
struct kcl_arguments parse_call(struct parser *p);
struct kcl_names parse_names(struct parser *p);
struct kcl_expr *parse_name_expr(struct parser *p);
struct kcl_expr *parse_string(struct parser *p);
struct kcl_expr *parse_quantifier(struct parser *p);
struct kcl_expr *parse_lambda(struct parser *p);
struct kcl_expr *parse_list(struct parser *p);
/* Behind the opening bracket. */
struct kcl_expr *parse_list_rest(struct parser *p, const struct kcl_token *first);
struct kcl_comp_clause *parse_comp_clauses(struct parser *p);
struct kcl_expr *parse_config(struct parser *p);
struct kcl_expr *parse_schema_expr(struct parser *p, const struct kcl_names *name, const struct kcl_arguments *args,
                                   const struct kcl_token *first);
struct kcl_type_expr *parse_type(struct parser *p);
struct kcl_type_expr *parser_type_of_names(struct parser *p, const struct kcl_names *names,
                                           const struct kcl_span *span);

/* NULL when there is none, or it was reported. */
struct kcl_stmt *parse_stmt(struct parser *p);
struct kcl_stmt *parse_expr_or_assign(struct parser *p, bool in_schema);
struct kcl_stmt *parse_assert(struct parser *p);
struct kcl_stmt *parse_if(struct parser *p);
struct kcl_stmt *parse_schema(struct parser *p, const struct kcl_decorators *decorators);
struct kcl_stmt *parse_rule(struct parser *p, const struct kcl_decorators *decorators);
struct kcl_decorators parse_decorators(struct parser *p);
struct kcl_check *parse_check(struct parser *p);
/* Up to one of the closing tokens, which is left. */
struct kcl_params parse_params(struct parser *p, enum kcl_token_kind close, enum kcl_token_kind other_close,
                               bool is_multiline);
/* A long string at this place as documentation; NULL when there is none. */
const char *parse_doc(struct parser *p, const char **ret_raw);

#endif
