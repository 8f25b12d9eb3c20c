/* Schemas and rules as text. */

#include "base/str.h"
#include "syntax/printer.h"

void print_decorators(struct printer *p, const struct kcl_decorators *decorators)
{
	for (uint32_t i = 0; i < decorators->len; i++) {
		const struct kcl_decorator *d = &decorators->items[i];

		print_comments_before(p, d->span.line);
		print_text(p, "@");
		print_names(p, &d->name);
		print_text(p, "(");
		print_arguments(p, &d->args);
		print_text(p, ")");
		print_newline(p);
	}
}

static void print_checks(struct printer *p, const struct kcl_checks *checks)
{
	for (uint32_t i = 0; i < checks->len; i++) {
		const struct kcl_check *check = &checks->items[i];

		if (i > 0)
			print_newline(p);
		print_comments_before(p, check->span.line);
		print_expr(p, check->test);
		if (check->condition) {
			print_text(p, " if ");
			print_expr(p, check->condition);
		}
		if (check->message) {
			print_text(p, ", ");
			print_expr(p, check->message);
		}
	}
	if (checks->len > 0)
		print_bare_newline(p);
}

static void print_mixins(struct printer *p, const struct kcl_schema_stmt *s)
{
	if (s->mixins_len == 0)
		return;
	print_fill(p);
	print_text(p, "mixin [");
	p->indent++;
	for (uint32_t i = 0; i < s->mixins_len; i++) {
		print_text(p, i > 0 ? "," : "");
		print_newline(p);
		print_comments_before(p, s->mixins[i].items[0].span.line);
		print_names(p, &s->mixins[i]);
	}
	p->indent--;
	print_newline(p);
	print_text(p, "]\n");
}

static void print_index_signature(struct printer *p, const struct kcl_index_signature *sig)
{
	if (!sig)
		return;
	print_fill(p);
	print_comments_before(p, sig->span.line);
	print_text(p, "[");
	if (sig->key_name.s) {
		print_name(p, &sig->key_name);
		print_text(p, ": ");
	}
	if (sig->any_other)
		print_text(p, "...");
	print_type(p, sig->key);
	print_text(p, "]: ");
	print_type(p, sig->value);
	if (sig->default_value) {
		print_text(p, " = ");
		print_expr(p, sig->default_value);
	}
	print_bare_newline(p);
}

static void print_head(struct printer *p, const char *keyword, const struct kcl_name *name,
                       const struct kcl_params *params)
{
	print_text(p, keyword);
	print_source(p, &name->span, name->s);
	if (params->len > 0) {
		print_text(p, "[");
		print_params(p, params);
		print_text(p, "]");
	}
}

static void print_host(struct printer *p, const struct kcl_names *host)
{
	if (host->len == 0)
		return;
	print_text(p, " for ");
	print_names(p, host);
}

void print_schema(struct printer *p, const struct kcl_schema_stmt *s)
{
	print_decorators(p, &s->decorators);
	print_head(p, s->is_mixin ? "mixin " : s->is_protocol ? "protocol " : "schema ", &s->name, &s->params);
	if (s->parent.len > 0) {
		print_text(p, "(");
		print_names(p, &s->parent);
		print_text(p, ")");
	}
	print_host(p, &s->for_host);
	print_text(p, ":\n");
	p->indent++;
	if (s->doc_raw) {
		print_fill(p);
		print_text(p, s->doc_raw);
		print_bare_newline(p);
	}
	print_mixins(p, s);
	print_index_signature(p, s->index_signature);
	print_stmts(p, s->body);
	print_bare_newline(p);
	if (s->checks.len > 0) {
		print_fill(p);
		print_text(p, "check:");
		p->indent++;
		print_newline(p);
		print_checks(p, &s->checks);
		p->indent--;
		print_bare_newline(p);
	}
	p->indent--;
}

void print_rule(struct printer *p, const struct kcl_rule_stmt *s)
{
	print_decorators(p, &s->decorators);
	print_head(p, "rule ", &s->name, &s->params);
	if (s->parents_len > 0) {
		print_text(p, "(");
		for (uint32_t i = 0; i < s->parents_len; i++) {
			print_text(p, i > 0 ? ", " : "");
			print_names(p, &s->parents[i]);
		}
		print_text(p, ")");
	}
	print_host(p, &s->for_host);
	print_text(p, ":");
	p->indent++;
	print_newline(p);
	if (s->doc_raw) {
		print_text(p, s->doc_raw);
		print_newline(p);
	}
	print_checks(p, &s->checks);
	p->indent--;
}
