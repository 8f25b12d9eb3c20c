/* Config blocks and lambdas as text. */

#include "base/str.h"
#include "syntax/printer.h"

#define LINE_MAX 80 /* columns of a lambda's head on one line */

/* ---- configs ---- */

static const char *entry_sign(enum kcl_entry_op op)
{
	return op == KCL_ENTRY_UNION ? ": " : op == KCL_ENTRY_OVERRIDE ? " = " : " += ";
}

static void print_entry(struct printer *p, const struct kcl_config_entry *e);

static void print_entry_lines(struct printer *p, const struct kcl_config_entry *e)
{
	for (const struct kcl_config_entry *first = e; e; e = e->next) {
		if (e != first)
			print_newline(p);
		print_entry(p, e);
	}
}

static void print_if_entry(struct printer *p, const struct kcl_config_entry *e)
{
	print_text(p, "if ");
	for (;;) {
		if (e->condition) {
			if (e->span.line > p->last_line)
				p->last_line = e->span.line;
			print_expr(p, e->condition);
		}
		print_text(p, ":");
		p->indent++;
		print_newline(p);
		print_entry_lines(p, e->entries);
		p->indent--;
		e = e->orelse;
		if (!e)
			return;
		print_newline(p);
		print_text(p, e->condition ? "elif " : "else");
	}
}

static void print_entry(struct printer *p, const struct kcl_config_entry *e)
{
	print_comments_before(p, e->kind == KCL_ENTRY_PAIR ? e->key->span.line : e->span.line);
	switch (e->kind) {
	case KCL_ENTRY_PAIR:
		print_expr(p, e->key);
		print_text(p, entry_sign(e->op));
		print_expr(p, e->value);
		break;
	case KCL_ENTRY_UNPACK:
		print_text(p, "**");
		print_expr(p, e->value);
		break;
	case KCL_ENTRY_IF: {
		uint32_t outer_end = p->expr_end;

		p->expr_end = e->span.end_line;
		print_if_entry(p, e);
		p->expr_end = outer_end;
		break;
	}
	}
}

static bool is_on_one_line(const struct printer *p, const struct kcl_config_entry *entries)
{
	const struct kcl_config_entry *e = entries;
	uint32_t line = p->last_line;
	bool comments = true;

	for (; e; e = e->next) {
		comments &= print_has_comments(p, e->span.line);
		if (e->kind == KCL_ENTRY_IF || (line > 0 && e->span.line != line))
			return false;
		line = e->span.line;
	}
	/* a config in a config gets lines of its own */
	if (!entries->next && (entries->value->kind == KCL_EXPR_CONFIG || entries->value->kind == KCL_EXPR_SCHEMA))
		return false;
	return !comments;
}

void print_config(struct printer *p, const struct kcl_expr *e)
{
	const struct kcl_config_entry *entries = e->config.entries;

	print_text(p, "{");
	if (entries && is_on_one_line(p, entries)) {
		for (const struct kcl_config_entry *entry = entries; entry; entry = entry->next) {
			if (entry != entries)
				print_text(p, ", ");
			print_entry(p, entry);
		}
	} else if (entries) {
		p->indent++;
		print_newline(p);
		print_entry_lines(p, entries);
		print_comments_until(p, p->expr_end > 0 ? p->expr_end - 1 : 0);
		p->indent--;
		print_newline(p);
	}
	print_text(p, "}");
}

void print_dict_comp(struct printer *p, const struct kcl_expr *e)
{
	print_text(p, "{");
	print_entry(p, e->dict_comp.entry);
	print_comp_clauses(p, e->dict_comp.clauses);
	print_text(p, "}");
}

/* ---- lambdas ---- */

static void print_param(struct printer *p, const struct kcl_param *param)
{
	print_source(p, &param->name.span, param->name.s);
	if (param->type) {
		print_text(p, ": ");
		print_type(p, param->type);
	}
	if (param->default_value) {
		print_text(p, " = ");
		print_expr(p, param->default_value);
	}
}

void print_params(struct printer *p, const struct kcl_params *params)
{
	for (uint32_t i = 0; i < params->len; i++) {
		if (i > 0)
			print_text(p, ", ");
		print_param(p, &params->items[i]);
	}
}

static void print_head(struct printer *p, const struct kcl_expr *e)
{
	print_text(p, "lambda");
	if (e->lambda.params.len > 0)
		print_text(p, " ");
	print_params(p, &e->lambda.params);
	if (e->lambda.result) {
		print_text(p, " -> ");
		print_type(p, e->lambda.result);
	}
}

/* The parameters in braces, one a line. */
static void print_long_head(struct printer *p, const struct kcl_expr *e)
{
	print_text(p, "lambda {");
	p->indent++;
	for (uint32_t i = 0; i < e->lambda.params.len; i++) {
		print_newline(p);
		print_comments_before(p, e->lambda.params.items[i].name.span.line);
		print_param(p, &e->lambda.params.items[i]);
		print_text(p, ",");
	}
	p->indent--;
	print_newline(p);
	print_text(p, "} -> ");
	if (e->lambda.result)
		print_type(p, e->lambda.result);
	else
		print_text(p, "any");
}

static bool has_long_head(const struct printer *p, const struct kcl_expr *e)
{
	_cleanup_buf_ struct buf head = BUF_INIT(100000);
	struct printer trial = *p;

	for (uint32_t i = 0; i < e->lambda.params.len; i++)
		if (print_has_comments(p, e->lambda.params.items[i].name.span.line))
			return true;
	trial.out = &head;
	print_head(&trial, e);
	return head.failed || head.len > LINE_MAX;
}

void print_lambda(struct printer *p, const struct kcl_expr *e)
{
	if (e->lambda.params.len > 0 && has_long_head(p, e))
		print_long_head(p, e);
	else
		print_head(p, e);
	print_text(p, " {\n");
	p->indent++;
	print_stmts(p, e->lambda.body);
	p->indent--;
	print_fill(p);
	print_text(p, "}");
}
