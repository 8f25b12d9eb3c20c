/* Expressions as text. */

#include "base/str.h"
#include "syntax/printer.h"

#include <math.h>

/* ---- signs ---- */

const char *print_binary_sign(enum kcl_binary_op op)
{
	static const char *const signs[] = { "+", "-", "*", "/", "%", "**", "//", "<<", ">>", "^", "&", "|" };

	return signs[op];
}

static const char *compare_sign(enum kcl_compare_op op)
{
	static const char *const signs[] = { "==", "!=", "<", "<=", ">", ">=", "in", "not in", "is", "is not" };

	return signs[op];
}

static const char *unit_name(enum kcl_unit unit)
{
	static const char *const names[] = { "",  "n", "u",  "m",  "k",  "K",  "M",  "G",
		                                 "T", "P", "Ki", "Mi", "Gi", "Ti", "Pi", "i" };

	return names[unit];
}

/* Integers in decimal; floats as they are written. */
static void print_number(struct printer *p, const struct kcl_number *n, const struct kcl_span *span)
{
	_cleanup_free_ char *text = n->is_float ? xasprintf("%.17g", n->f)
	                                        : xasprintf("%lld%s", (long long)n->i, unit_name(n->unit));

	if (n->is_float || n->i < 0) /* beyond 2^63, wrapped around */
		print_source(p, span, text);
	else
		print_text(p, text);
}

/* ---- types ---- */

static void print_quoted(struct printer *p, const char *s)
{
	print_text(p, "\"");
	for (; *s; s++) {
		if (*s == '"' || *s == '\\')
			print_text(p, "\\");
		if (*s == '\n')
			print_text(p, "\\n");
		else
			buf_putc(p->out, *s);
	}
	print_text(p, "\"");
}

static void print_literal_type(struct printer *p, const struct kcl_type_expr *t)
{
	switch (t->literal.kind) {
	case KCL_LITERAL_BOOL:
		print_text(p, t->literal.b ? "True" : "False");
		break;
	case KCL_LITERAL_STR:
		print_quoted(p, t->literal.s);
		break;
	default:
		print_number(p, &t->literal.number, &t->span);
	}
}

static void print_types(struct printer *p, struct kcl_type_expr *const *items, uint32_t len, const char *separator)
{
	for (uint32_t i = 0; i < len; i++) {
		if (i > 0)
			print_text(p, separator);
		print_type(p, items[i]);
	}
}

void print_type(struct printer *p, const struct kcl_type_expr *t)
{
	static const char *const basic[] = { "bool", "int", "float", "str" };

	switch (t->kind) {
	case KCL_TYPE_ANY:
		print_text(p, "any");
		break;
	case KCL_TYPE_BASIC:
		print_text(p, basic[t->basic]);
		break;
	case KCL_TYPE_NAMED:
		print_names(p, &t->named);
		break;
	case KCL_TYPE_LIST:
		print_text(p, "[");
		if (t->element)
			print_type(p, t->element);
		print_text(p, "]");
		break;
	case KCL_TYPE_DICT:
		print_text(p, "{");
		if (t->dict.key)
			print_type(p, t->dict.key);
		print_text(p, ":");
		if (t->dict.value)
			print_type(p, t->dict.value);
		print_text(p, "}");
		break;
	case KCL_TYPE_UNION:
		print_types(p, t->of_union.items, t->of_union.len, " | ");
		break;
	case KCL_TYPE_LITERAL:
		print_literal_type(p, t);
		break;
	case KCL_TYPE_FUNCTION:
		print_text(p, "(");
		print_types(p, t->function.params, t->function.len, ", ");
		print_text(p, ")");
		if (t->function.result) {
			print_text(p, " -> ");
			print_type(p, t->function.result);
		}
		break;
	}
}

/* ---- calls and subscripts ---- */

void print_arguments(struct printer *p, const struct kcl_arguments *args)
{
	bool first = true;

	for (uint32_t i = 0; i < args->positional.len; i++, first = false) {
		if (!first)
			print_text(p, ", ");
		print_expr(p, args->positional.items[i]);
	}
	for (uint32_t i = 0; i < args->keywords_len; i++, first = false) {
		if (!first)
			print_text(p, ", ");
		print_name(p, &args->keywords[i].name);
		print_text(p, "=");
		print_expr(p, args->keywords[i].value);
	}
}

static void print_subscript(struct printer *p, const struct kcl_expr *e)
{
	print_expr(p, e->subscript.object);
	print_text(p, e->subscript.is_optional ? "?[" : "[");
	if (e->subscript.is_slice) {
		if (e->subscript.lower)
			print_expr(p, e->subscript.lower);
		print_text(p, ":");
		if (e->subscript.upper)
			print_expr(p, e->subscript.upper);
		print_text(p, ":");
		if (e->subscript.step)
			print_expr(p, e->subscript.step);
	} else {
		print_expr(p, e->subscript.index);
	}
	print_text(p, "]");
}

/* ---- lists ---- */

static bool is_on_one_line(const struct printer *p, const struct kcl_exprs *items)
{
	uint32_t line = p->last_line;
	bool comments = items->len > 0;

	for (uint32_t i = 0; i < items->len; i++) {
		const struct kcl_expr *item = items->items[i];

		comments &= print_has_comments(p, item->span.line);
		if (item->kind == KCL_EXPR_LIST_IF || (line > 0 && item->span.line != line))
			return false;
		line = item->span.line;
	}
	return !comments;
}

static void print_item_lines(struct printer *p, const struct kcl_exprs *items)
{
	for (uint32_t i = 0; i < items->len; i++) {
		if (i > 0)
			print_newline(p);
		print_comments_before(p, items->items[i]->span.line);
		print_expr(p, items->items[i]);
	}
}

static void print_list(struct printer *p, const struct kcl_expr *e)
{
	print_text(p, "[");
	if (is_on_one_line(p, &e->list)) {
		for (uint32_t i = 0; i < e->list.len; i++) {
			if (i > 0)
				print_text(p, ", ");
			print_comments_before(p, e->list.items[i]->span.line);
			print_expr(p, e->list.items[i]);
		}
	} else {
		p->indent++;
		print_newline(p);
		print_item_lines(p, &e->list);
		print_comments_until(p, p->expr_end > 0 ? p->expr_end - 1 : 0);
		p->indent--;
		print_newline(p);
	}
	print_text(p, "]");
}

static void print_list_if(struct printer *p, const struct kcl_expr *e)
{
	print_text(p, "if ");
	for (;;) {
		print_expr(p, e->list_if.condition);
		print_text(p, ":");
		p->indent++;
		print_newline(p);
		print_item_lines(p, &e->list_if.items);
		p->indent--;
		e = e->list_if.orelse;
		if (!e)
			return;
		print_newline(p);
		if (e->kind == KCL_EXPR_LIST)
			break;
		print_text(p, "elif ");
		if (e->span.line > p->last_line)
			p->last_line = e->span.line;
	}
	print_text(p, "else:");
	p->indent++;
	print_newline(p);
	print_item_lines(p, &e->list);
	p->indent--;
}

void print_comp_clauses(struct printer *p, const struct kcl_comp_clause *clause)
{
	for (; clause; clause = clause->next) {
		print_text(p, " for ");
		for (uint32_t i = 0; i < clause->targets_len; i++) {
			if (i > 0)
				print_text(p, ", ");
			print_name(p, &clause->targets[i]);
		}
		print_text(p, " in ");
		print_expr(p, clause->iterable);
		for (uint32_t i = 0; i < clause->conditions.len; i++) {
			print_text(p, " if ");
			print_expr(p, clause->conditions.items[i]);
		}
	}
}

/* ---- quantifiers, schemas ---- */

static void print_quantifier(struct printer *p, const struct kcl_expr *e)
{
	static const char *const names[] = { "all ", "any ", "filter ", "map " };
	bool one_line = p->last_line > 0 && e->quantifier.test->span.line == p->last_line;

	print_text(p, names[e->quantifier.op]);
	for (uint32_t i = 0; i < e->quantifier.targets_len; i++) {
		if (i > 0)
			print_text(p, ", ");
		print_name(p, &e->quantifier.targets[i]);
	}
	print_text(p, " in ");
	print_expr(p, e->quantifier.iterable);
	print_text(p, " {");
	p->indent += !one_line;
	if (!one_line)
		print_newline(p);
	print_expr(p, e->quantifier.test);
	if (e->quantifier.condition) {
		print_text(p, " if ");
		print_expr(p, e->quantifier.condition);
	}
	p->indent -= !one_line;
	if (!one_line)
		print_newline(p);
	print_text(p, "}");
}

static void print_schema_expr(struct printer *p, const struct kcl_expr *e)
{
	print_names(p, &e->schema.name);
	if (e->schema.args.positional.len > 0 || e->schema.args.keywords_len > 0) {
		print_text(p, "(");
		print_arguments(p, &e->schema.args);
		print_text(p, ")");
	}
	print_text(p, " ");
	print_expr(p, e->schema.config);
}

/* ---- operators ---- */

static void print_sign(struct printer *p, const char *sign)
{
	print_text(p, " ");
	print_text(p, sign);
	print_text(p, " ");
}

static void print_operator(struct printer *p, const struct kcl_expr *e)
{
	static const char *const unary[] = { "+", "-", "~", "not " };

	switch (e->kind) {
	case KCL_EXPR_UNARY:
		print_text(p, unary[e->unary.op]);
		print_expr(p, e->unary.operand);
		break;
	case KCL_EXPR_BINARY:
		print_expr(p, e->binary.left);
		print_sign(p, print_binary_sign(e->binary.op));
		print_expr(p, e->binary.right);
		break;
	case KCL_EXPR_LOGIC:
		print_expr(p, e->logic.left);
		print_sign(p, e->logic.is_or ? "or" : "and");
		print_expr(p, e->logic.right);
		break;
	case KCL_EXPR_AS:
		print_expr(p, e->as.operand);
		print_sign(p, "as");
		print_type(p, e->as.type);
		break;
	case KCL_EXPR_TERNARY:
		print_expr(p, e->ternary.then);
		print_sign(p, "if");
		print_expr(p, e->ternary.condition);
		print_sign(p, "else");
		print_expr(p, e->ternary.otherwise);
		break;
	default:
		print_expr(p, e->compare.first);
		for (uint32_t i = 0; i < e->compare.len; i++) {
			print_sign(p, compare_sign(e->compare.ops[i]));
			print_expr(p, e->compare.operands[i]);
		}
	}
}

/* ---- all of them ---- */

static void print_brackets(struct printer *p, const struct kcl_expr *e)
{
	switch (e->kind) {
	case KCL_EXPR_PAREN:
		print_text(p, "(");
		print_expr(p, e->paren);
		print_text(p, ")");
		break;
	case KCL_EXPR_LIST_COMP:
		print_text(p, "[");
		print_expr(p, e->list_comp.element);
		print_comp_clauses(p, e->list_comp.clauses);
		print_text(p, "]");
		break;
	case KCL_EXPR_CALL:
		print_expr(p, e->call.callee);
		print_text(p, "(");
		print_arguments(p, &e->call.args);
		print_text(p, ")");
		break;
	default:
		print_expr(p, e->selector.object);
		print_text(p, e->selector.is_optional ? "?." : ".");
		print_names(p, &e->selector.attr);
	}
}

static void print_inner(struct printer *p, const struct kcl_expr *e)
{
	static const char *const constants[] = { "True", "False", "None", "Undefined" };

	switch (e->kind) {
	case KCL_EXPR_NAME:
		print_names(p, &e->name);
		break;
	case KCL_EXPR_SELECTOR:
	case KCL_EXPR_CALL:
	case KCL_EXPR_PAREN:
	case KCL_EXPR_LIST_COMP:
		print_brackets(p, e);
		break;
	case KCL_EXPR_SUBSCRIPT:
		print_subscript(p, e);
		break;
	case KCL_EXPR_QUANTIFIER:
		print_quantifier(p, e);
		break;
	case KCL_EXPR_LIST:
		print_list(p, e);
		break;
	case KCL_EXPR_LIST_IF:
		print_list_if(p, e);
		break;
	case KCL_EXPR_STARRED:
		print_text(p, "*");
		print_expr(p, e->starred);
		break;
	case KCL_EXPR_DICT_COMP:
		print_dict_comp(p, e);
		break;
	case KCL_EXPR_CONFIG:
		print_config(p, e);
		break;
	case KCL_EXPR_SCHEMA:
		print_schema_expr(p, e);
		break;
	case KCL_EXPR_LAMBDA:
		print_lambda(p, e);
		break;
	case KCL_EXPR_NUMBER:
		print_number(p, &e->number, &e->span);
		break;
	case KCL_EXPR_STRING:
		print_text(p, e->string.raw);
		break;
	case KCL_EXPR_JOINED:
		print_text(p, e->joined.raw);
		break;
	case KCL_EXPR_CONSTANT:
		print_text(p, constants[e->constant]);
		break;
	case KCL_EXPR_MISSING:
		break;
	default:
		print_operator(p, e);
	}
}

void print_expr(struct printer *p, const struct kcl_expr *e)
{
	uint32_t outer_end = p->expr_end;

	p->expr_end = e->span.end_line;
	if (e->span.line > p->last_line)
		p->last_line = e->span.line;
	print_inner(p, e);
	p->expr_end = outer_end;
}
