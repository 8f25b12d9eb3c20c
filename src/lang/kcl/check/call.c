/* Calls of functions and schemas, and lambdas. */

#include "base/str.h"
#include "check/checker.h"
#include "check/suggest.h"
#include "diagnostic.h"

/* Names are compared one by one up to so many. */
#define LINEAR_MAX 16
#define CALLEE_MAX ((size_t)64 * 1024)

/* ---- arguments ---- */

static const char *callee_name(struct checker *c, const struct kcl_expr *e)
{
	if (!check_is_told(c))
		return "";
	while (e->kind == KCL_EXPR_PAREN)
		e = e->paren;
	if (e->kind != KCL_EXPR_NAME && e->kind != KCL_EXPR_SELECTOR)
		return "anonymous function";

	const struct kcl_names *names = e->kind == KCL_EXPR_NAME ? &e->name : &e->selector.attr;
	_cleanup_buf_ struct buf text = BUF_INIT(CALLEE_MAX);

	for (uint32_t i = 0; i < names->len; i++)
		buf_printf(&text, "%s%s", i > 0 ? "." : "", names->items[i].s);
	return arena_printf(c->arena, "\"%s\"", buf_str(&text));
}

/* Names of a call's parameters or keywords, with a table once there are many. */
struct name_list {
	const char *const *names; /* or */
	const struct kcl_keyword *keywords;
	uint32_t len;
	struct kcl_scope *table; /* name -> its first place, in span.line; NULL */
};

static const char *name_at(const struct name_list *l, uint32_t i)
{
	return l->names ? l->names[i] : l->keywords[i].name.s;
}

static void make_table(struct checker *c, struct name_list *l)
{
	if (l->len <= LINEAR_MAX)
		return;
	l->table = kcl_scope_new(c->arena, NULL);
	for (uint32_t i = 0; i < l->len; i++) {
		struct kcl_object o = { .name = name_at(l, i), .span = { .line = i } };

		if (!kcl_scope_find(l->table, o.name))
			kcl_scope_put(l->table, c->arena, &o);
	}
}

/* The first place of the name, or len. */
static uint32_t find_name(const struct name_list *l, const char *name)
{
	const struct kcl_object *o = l->table ? kcl_scope_find(l->table, name) : NULL;
	uint32_t i = 0;

	if (l->table)
		return o ? o->span.line : l->len;
	while (i < l->len && strcmp(name_at(l, i), name) != 0)
		i++;
	return i;
}

/* A value for the parameter i. */
static void check_argument(struct checker *c, const struct kcl_expr *e, const struct kcl_type *f, uint32_t i)
{
	const struct kcl_type *expected = f->function.params[i], *type = check_expecting(c, e, expected);

	if (check_fits(c, type, expected, &e->span))
		return;

	const char *wanted = check_shown(c, expected), *got = check_shown(c, type);
	struct kcl_diagnostic *d = check_error(c, "TypeError", &e->span, "expected %s, got %s", wanted, got);

	if (f->function.spans)
		kcl_diagnostic_relate(d, f->function.file, f->function.spans[i].line, f->function.spans[i].column,
		                      "variable is defined here, its type is %s, but got %s", wanted, got);
}

static void check_positional(struct checker *c, const struct kcl_expr *callee, const struct kcl_exprs *args,
                             const struct kcl_type *f)
{
	for (uint32_t i = 0; i < args->len; i++) {
		if (i < f->function.len) {
			check_argument(c, args->items[i], f, i);
			continue;
		}
		check_expr(c, args->items[i]);
		if (f->function.is_variadic)
			continue;
		check_error(c, "CompileError", &args->items[i]->span, "%s takes %u positional argument%s but %u were given",
		            callee_name(c, callee), f->function.len, f->function.len > 1 ? "s" : "", args->len);
		break;
	}
}

static void unexpected_keyword(struct checker *c, const struct kcl_expr *callee, const struct kcl_keyword *kw,
                               const struct kcl_type *f)
{
	struct suggestions s = { .name = kw->name.s, .work = &c->suggested };

	for (uint32_t i = 0; i < f->function.len; i++)
		suggest_name(&s, f->function.names[i]);

	_cleanup_free_ char *meant = suggest_text(&s, false);

	check_error(c, "CompileError", &kw->name.span, "%s got an unexpected keyword argument '%s'%s",
	            callee_name(c, callee), kw->name.s, meant);
}

static void check_keywords(struct checker *c, const struct kcl_expr *callee, const struct name_list *keywords,
                           const struct name_list *params, const struct kcl_type *f)
{
	struct kcl_span previous = { 0 };

	for (uint32_t i = 0; i < keywords->len; i++) {
		const struct kcl_keyword *kw = &keywords->keywords[i];
		uint32_t param = find_name(params, kw->name.s);
		struct kcl_span behind = { kw->value->span.end_line, kw->value->span.end_column, kw->value->span.end_line,
			                       kw->value->span.end_column };

		if (find_name(keywords, kw->name.s) < i)
			check_error(c, "CompileError", &previous, "%s has duplicated keyword argument %s", callee_name(c, callee),
			            kw->name.s);
		if (param < f->function.len)
			check_argument(c, kw->value, f, param);
		else if (!f->function.is_variadic)
			unexpected_keyword(c, callee, kw, f);
		previous = behind;
	}
}

static void check_enough(struct checker *c, uint32_t positional, const struct name_list *keywords,
                         const struct kcl_type *f, const struct kcl_span *span)
{
	uint32_t wanted = 0, got = positional;

	for (uint32_t i = 0; i < f->function.len; i++) {
		if (f->function.has_default[i])
			continue;
		wanted++;
		got += find_name(keywords, f->function.names[i]) < keywords->len;
	}
	if (got < wanted)
		check_error(c, "CompileError", span, "expected %u positional argument%s, found %u", wanted,
		            wanted > 1 ? "s" : "", got);
}

void check_arguments(struct checker *c, const struct kcl_expr *callee, const struct kcl_arguments *args,
                     const struct kcl_type *function, const struct kcl_span *span)
{
	struct name_list keywords = { .keywords = args->keywords, .len = args->keywords_len };
	struct name_list params = { .names = function->function.names, .len = function->function.len };

	make_table(c, &keywords);
	if (keywords.table)
		make_table(c, &params);
	check_positional(c, callee, &args->positional, function);
	check_keywords(c, callee, &keywords, &params, function);
	if (!function->function.is_variadic)
		check_enough(c, args->positional.len, &keywords, function, span);
}

/* ---- calls ---- */

/* Of a global lambda that is declared further down; the callee's type is not known yet. */
static const struct kcl_type *later_lambda(struct checker *c, const struct kcl_expr *callee)
{
	const struct kcl_object *o;
	const char *name;

	if (callee->kind != KCL_EXPR_NAME || callee->name.len != 1)
		return NULL;
	name = callee->name.items[0].s;
	if (kcl_scope_lookup(c->scope, name) != kcl_scope_find(c->package->scope, name))
		return NULL;
	o = kcl_scope_find(c->package->lambdas, name);
	return o ? o->type : NULL;
}

const struct kcl_type *check_call(struct checker *c, const struct kcl_expr *e)
{
	const struct kcl_expr *callee = e->call.callee;
	const struct kcl_type *t = check_expr(c, callee), *later;
	const struct kcl_span *span = &callee->span;

	if (t->tag == KCL_T_ANY) {
		later = later_lambda(c, callee);
		check_arguments(c, callee, &e->call.args, later ? later : check_any_function(c), span);
		return check_any();
	}
	if (t->tag == KCL_T_FUNCTION) {
		check_arguments(c, callee, &e->call.args, t, span);
		return t->function.result;
	}
	if (t->tag == KCL_T_SCHEMA && !t->schema->is_instance) {
		check_arguments(c, callee, &e->call.args, t->schema->function, span);
		return check_instance(t);
	}
	check_error(c, "CompileError", span,
	            t->tag == KCL_T_SCHEMA ? "schema '%s' instance is not callable" : "'%s' object is not callable",
	            check_shown(c, t));
	return check_any();
}

/* ---- schemas that are configured ---- */

static const struct kcl_type *check_config_of(struct checker *c, const struct kcl_expr *config,
                                              const struct kcl_type *expected)
{
	check_expect(c, expected);

	const struct kcl_type *t = check_expr(c, config);

	check_expect_end(c, 1);
	return t;
}

const struct kcl_type *check_schema_expr(struct checker *c, const struct kcl_expr *e)
{
	const struct kcl_names *names = &e->schema.name;
	struct kcl_span span = check_names_span(names);
	const struct kcl_type *t = check_names(c, names, check_package_of(c, names), &span);
	struct kcl_expr callee = { .kind = KCL_EXPR_NAME, .span = span, .name = *names };

	if (e->schema.config->kind != KCL_EXPR_CONFIG)
		check_error(c, "CompileError", &e->schema.config->span,
		            "Invalid schema config expr, expect config entries, e.g., {k1 = v1, k2 = v2}");
	if (t->tag == KCL_T_ANY)
		return t;
	if (t->tag == KCL_T_DICT)
		return check_binary(c, KCL_OP_BITOR, t, check_config_of(c, e->schema.config, t), &span);
	if (t->tag != KCL_T_SCHEMA) {
		check_error(c, "CompileError", &span, "Invalid schema type '%s'", check_shown(c, t));
		return check_any();
	}
	check_config_of(c, e->schema.config, t);
	if (!t->schema->is_instance)
		check_arguments(c, &callee, &e->schema.args, t->schema->function, &span);
	else if (e->schema.args.positional.len > 0 || e->schema.args.keywords_len > 0)
		check_error(c, "CompileError", &span, "Arguments cannot be used in the schema modification expression");
	return check_instance(t);
}

/* ---- lambdas ---- */

static void note_default(struct kcl_diagnostic *d)
{
	if (d)
		d->note = xstrdup("A default argument");
}

void check_params(struct checker *c, const struct kcl_params *params)
{
	bool is_required_behind = false;

	for (uint32_t i = params->len; i > 0; i--) {
		const struct kcl_expr *value = params->items[i - 1].default_value;

		if (!value)
			is_required_behind = true;
		else if (is_required_behind)
			note_default(
				check_error(c, "IllegalParameterError", &value->span, "non-default argument follows default argument"));
	}
}

/* The type of the last statement, which is what the lambda gives. */
static const struct kcl_type *check_result(struct checker *c, const struct kcl_stmt *last,
                                           const struct kcl_type *expected, const struct kcl_span *span)
{
	const struct kcl_type *t;

	if (last->kind == KCL_STMT_EXPR && last->exprs.len > 0) {
		const struct kcl_expr *e = last->exprs.items[last->exprs.len - 1];

		return check_expr_as(c, e, expected, &e->span);
	}
	t = check_stmt(c, last);
	check_assignable(c, t, expected, span);
	return t;
}

static const struct kcl_type *check_body(struct checker *c, const struct kcl_stmt *body,
                                         const struct kcl_type *expected, const struct kcl_span *span)
{
	const struct kcl_stmt *last = body;

	if (!body)
		return check_any();
	while (last->next)
		last = last->next;
	if (last->kind != KCL_STMT_EXPR && last->kind != KCL_STMT_ASSIGN && last->kind != KCL_STMT_AUG_ASSIGN &&
	    last->kind != KCL_STMT_ASSERT)
		check_error(c, "CompileError", &last->span,
		            "The last statement of the lambda body must be a expression e.g., x, 1, etc.");
	for (const struct kcl_stmt *s = body; s != last; s = s->next)
		check_stmt(c, s);
	return check_result(c, last, expected, span);
}

const struct kcl_type *check_lambda(struct checker *c, const struct kcl_expr *e)
{
	const struct kcl_params *params = &e->lambda.params;
	const struct kcl_type *expected = check_any(), *real;
	struct kcl_span here;

	check_params(c, params);

	struct kcl_type *f = (struct kcl_type *)check_function_type(c, params, check_any(), true);

	for (uint32_t i = 0; i < params->len; i++)
		check_optional_expr(c, params->items[i].default_value);
	here = c->here;
	if (e->lambda.result)
		expected = check_type_expr(c, e->lambda.result, &here);
	check_enter(c);
	for (uint32_t i = 0; i < params->len; i++)
		check_declare(c, params->items[i].name.s, f->function.params[i], KCL_OBJ_PARAMETER, &here);
	real = check_body(c, e->lambda.body, expected, &here);
	check_leave(c);
	f->function.result = e->lambda.result ? expected : real;
	return f;
}
