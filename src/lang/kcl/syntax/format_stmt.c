/* Statements as text. Each ends with a line end. */

#include "base/str.h"
#include "syntax/printer.h"

static void print_target(struct printer *p, const struct kcl_target *target)
{
	print_name(p, &target->name);
	for (uint32_t i = 0; i < target->steps_len; i++) {
		const struct kcl_target_step *step = &target->steps[i];

		print_text(p, step->index ? "[" : ".");
		if (step->index) {
			print_expr(p, step->index);
			print_text(p, "]");
		} else {
			print_name(p, &step->member);
		}
	}
}

static void print_assign(struct printer *p, const struct kcl_stmt *s)
{
	for (uint32_t i = 0; i < s->assign.len; i++) {
		print_target(p, &s->assign.targets[i]);
		if (i == 0 && s->assign.type) {
			print_text(p, ": ");
			print_type(p, s->assign.type);
		}
		print_text(p, " = ");
	}
	print_expr(p, s->assign.value);
}

static void print_assert(struct printer *p, const struct kcl_stmt *s)
{
	print_text(p, "assert ");
	print_expr(p, s->assertion.test);
	if (s->assertion.condition) {
		print_text(p, " if ");
		print_expr(p, s->assertion.condition);
	}
	if (s->assertion.message) {
		print_text(p, ", ");
		print_expr(p, s->assertion.message);
	}
}

static void print_block(struct printer *p, const struct kcl_stmt *body)
{
	print_text(p, ":\n");
	p->indent++;
	print_stmts(p, body);
	p->indent--;
}

static void print_if(struct printer *p, const struct kcl_stmt *s)
{
	for (;;) {
		print_text(p, "if ");
		print_expr(p, s->if_stmt.condition);
		print_block(p, s->if_stmt.body);
		if (!s->if_stmt.orelse) {
			print_bare_newline(p);
			return;
		}
		print_fill(p);
		if (s->if_stmt.orelse->kind != KCL_STMT_IF || s->if_stmt.orelse->next)
			break;
		print_text(p, "el");
		s = s->if_stmt.orelse;
	}
	print_text(p, "else");
	print_block(p, s->if_stmt.orelse);
}

static void print_import(struct printer *p, const struct kcl_stmt *s)
{
	print_text(p, "import ");
	print_text(p, s->import.path);
	if (s->import.as.s) {
		print_text(p, " as ");
		print_name(p, &s->import.as);
	}
}

static void print_attr(struct printer *p, const struct kcl_stmt *s)
{
	print_decorators(p, &s->attr.decorators);
	print_source(p, &s->attr.name.span, s->attr.name.s);
	print_text(p, s->attr.is_optional ? "?: " : ": ");
	print_type(p, s->attr.type);
	if (s->attr.has_op)
		print_text(p, s->attr.op == KCL_ENTRY_OVERRIDE ? " = " : s->attr.op == KCL_ENTRY_INSERT ? " += " : " |= ");
	if (s->attr.value)
		print_expr(p, s->attr.value);
}

static void print_simple(struct printer *p, const struct kcl_stmt *s)
{
	switch (s->kind) {
	case KCL_STMT_EXPR:
		for (uint32_t i = 0; i < s->exprs.len; i++) {
			if (i > 0)
				print_text(p, ", ");
			print_expr(p, s->exprs.items[i]);
		}
		break;
	case KCL_STMT_ASSIGN:
		print_assign(p, s);
		break;
	case KCL_STMT_AUG_ASSIGN:
		print_target(p, &s->aug_assign.target);
		print_text(p, " ");
		print_text(p, print_binary_sign(s->aug_assign.op));
		print_text(p, "= ");
		print_expr(p, s->aug_assign.value);
		break;
	case KCL_STMT_UNIFICATION:
		print_name(p, &s->unification.name);
		print_text(p, ": ");
		print_expr(p, s->unification.value);
		break;
	case KCL_STMT_ASSERT:
		print_assert(p, s);
		break;
	case KCL_STMT_IMPORT:
		print_import(p, s);
		break;
	case KCL_STMT_ATTR:
		print_attr(p, s);
		break;
	case KCL_STMT_TYPE_ALIAS:
		print_text(p, "type ");
		print_source(p, &s->alias.name.span, s->alias.name.s);
		print_text(p, " = ");
		print_type(p, s->alias.type);
		break;
	default:
		break;
	}
	print_bare_newline(p);
}

static void print_stmt(struct printer *p, const struct kcl_stmt *s)
{
	print_fill(p);
	print_comments_before(p, s->span.line);
	switch (s->kind) {
	case KCL_STMT_IF:
		print_if(p, s);
		break;
	case KCL_STMT_SCHEMA:
		print_schema(p, &s->schema);
		break;
	case KCL_STMT_RULE:
		print_rule(p, &s->rule);
		break;
	default:
		print_simple(p, s);
	}
}

/* One of the blank lines that stood between two statements stays, and one comes behind the imports. */
static bool is_blank_between(const struct printer *p, const struct kcl_stmt *previous, const struct kcl_stmt *s)
{
	if (previous->kind == KCL_STMT_IMPORT && s->kind != KCL_STMT_IMPORT)
		return true;
	if (s->span.line > previous->span.end_line + 2)
		return true;
	return s->span.line == previous->span.end_line + 2 && !print_has_comments(p, s->span.line);
}

void print_stmts(struct printer *p, const struct kcl_stmt *s)
{
	for (const struct kcl_stmt *previous = NULL; s; previous = s, s = s->next) {
		if (previous && is_blank_between(p, previous, s))
			print_bare_newline(p);
		print_stmt(p, s);
	}
}
