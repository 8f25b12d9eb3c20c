#ifndef LANG_KCL_SYNTAX_PRINTER_H
#define LANG_KCL_SYNTAX_PRINTER_H
/* Inside of kcl_format(): a tree as text, laid out as `kcl fmt` does it.
 *
 * What stood on one line stays there, and what was spread over lines has an entry a line. Comments come before the
 * first thing of their line or the next. */

#include "base/buf.h"
#include "syntax/ast.h"

struct printer {
	struct buf *out;
	const struct kcl_module *module;
	const char **lines; /* where each line of the source begins */
	uint32_t lines_len;
	/* Of the source, that was looked at last: most of what is looked for next is behind it, and lines may be long. */
	struct {
		const char *at;
		uint32_t line, column;
	} place;
	const struct kcl_comment *comment; /* the next one to be written */
	unsigned indent;
	uint32_t last_line; /* of the source, that was written from */
	uint32_t expr_end;  /* the last line of the expression around */
};

void print_text(struct printer *p, const char *s);
void print_fill(struct printer *p);         /* the indentation */
void print_newline(struct printer *p);      /* and the indentation */
void print_bare_newline(struct printer *p); /* without */
/* The source at this place, of one line; s when it cannot be found. */
void print_source(struct printer *p, const struct kcl_span *span, const char *s);
void print_name(struct printer *p, const struct kcl_name *name);
void print_names(struct printer *p, const struct kcl_names *names);

bool print_has_comments(const struct printer *p, uint32_t line);
void print_comments_before(struct printer *p, uint32_t line);
void print_comments_until(struct printer *p, uint32_t line);

void print_expr(struct printer *p, const struct kcl_expr *e);
void print_arguments(struct printer *p, const struct kcl_arguments *args);
void print_type(struct printer *p, const struct kcl_type_expr *t);
void print_params(struct printer *p, const struct kcl_params *params);
void print_lambda(struct printer *p, const struct kcl_expr *e);
void print_config(struct printer *p, const struct kcl_expr *e);
void print_dict_comp(struct printer *p, const struct kcl_expr *e);
void print_comp_clauses(struct printer *p, const struct kcl_comp_clause *clause);
void print_stmts(struct printer *p, const struct kcl_stmt *s);
void print_schema(struct printer *p, const struct kcl_schema_stmt *s);
void print_rule(struct printer *p, const struct kcl_rule_stmt *s);
void print_decorators(struct printer *p, const struct kcl_decorators *decorators);
const char *print_binary_sign(enum kcl_binary_op op);

/* Whether two files say the same; layout apart, and forms that mean the same (T() {} and T {}). */
bool kcl_same_tree(const struct kcl_module *a, const struct kcl_module *b);

#endif
