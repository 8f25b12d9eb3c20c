/* What names stand for, and types as they are written. */

#include "base/str.h"
#include "check/checker.h"
#include "check/suggest.h"
#include "diagnostic.h"

struct kcl_span check_names_span(const struct kcl_names *names)
{
	struct kcl_span span = names->items[0].span;

	span.end_line = names->items[names->len - 1].span.end_line;
	span.end_column = names->items[names->len - 1].span.end_column;
	return span;
}

/* ---- attributes of the schema around ---- */

const struct kcl_type *check_own_attr(const struct checker *c, const char *name)
{
	const struct kcl_object *o = kcl_scope_find(c->schema->inferred, name);
	const struct kcl_attr_type *attr = o ? NULL : kcl_schema_attr(c->schema->type, name);

	return o ? o->type : attr ? attr->type : NULL;
}

void check_set_own_attr(struct checker *c, const char *name, const struct kcl_type *type)
{
	struct kcl_object o = { .name = name, .type = type };

	kcl_scope_put(c->schema->inferred, c->arena, &o);
}

/* ---- single names ---- */

/* Names around come first. */
static void suggest_scope(struct suggestions *s, const struct kcl_scope *scope)
{
	if (suggest_is_over(s))
		return;
	if (scope->parent)
		suggest_scope(s, scope->parent);
	for (uint32_t i = 0; i < scope->len; i++)
		suggest_name(s, scope->items[i]->name);
}

const struct kcl_type *check_lookup(struct checker *c, const char *name, const struct kcl_span *span)
{
	const struct kcl_object *o = kcl_scope_lookup(c->scope, name);

	if (o)
		return o->type;
	if (!check_is_told(c)) {
		check_error(c, "CompileError", span, "name '%s' is not defined", name);
		return check_any();
	}

	struct suggestions s = { .name = name, .work = &c->suggested };

	suggest_scope(&s, c->scope);

	_cleanup_free_ char *meant = suggest_text(&s, true);

	check_error(c, "CompileError", span, "name '%s' is not defined%s", name, meant);
	return check_any();
}

static const struct kcl_type *store(struct checker *c, const char *name, const struct kcl_span *span)
{
	const struct kcl_type *own = c->schema ? check_own_attr(c, name) : NULL;
	bool is_new = !kcl_scope_find(c->scope, name);

	if (c->schema ? is_new || !own : is_new) {
		check_declare(c, name, check_any(), KCL_OBJ_VARIABLE, span);
		if (c->schema && !own)
			check_set_own_attr(c, name, check_any());
		return check_any();
	}
	return own ? own : check_lookup(c, name, span);
}

/* In a schema: its attributes come first. Mixins and rules may name what only the schema that they are mixed into has.
 */
static const struct kcl_type *load_in_schema(struct checker *c, const char *name, const struct kcl_span *span)
{
	const struct kcl_type *own = check_own_attr(c, name);
	const struct kcl_object *o = kcl_scope_lookup(c->scope, name);
	const struct kcl_schema_type *s = c->schema->type;
	bool is_type_name = *name >= 'A' && *name <= 'Z';

	if (check_is_loop_var(c, name))
		return o ? o->type : check_any();
	if (own && own->tag != KCL_T_ANY)
		return own;
	if (!own && !o && (!s->is_mixin || is_type_name) && !s->is_rule)
		return check_lookup(c, name, span);
	return o ? o->type : check_any();
}

const struct kcl_type *check_name(struct checker *c, const char *name, const char *package, const struct kcl_span *span)
{
	if (package && c->is_store)
		check_error(c, "CompileError", span, "only schema and dict object can be updated attribute");
	if (c->is_store)
		return store(c, name, span);
	return c->schema ? load_in_schema(c, name, span) : check_lookup(c, name, span);
}

/* ---- several names ---- */

const char *check_package_of(struct checker *c, const struct kcl_names *names)
{
	const struct kcl_object *o;

	if (names->len < 2 || check_is_loop_var(c, names->items[0].s) ||
	    kcl_scope_find(c->package->declared, names->items[0].s))
		return NULL;
	o = kcl_scope_find(c->module->imports, names->items[0].s);
	return o ? o->type->module.package : NULL;
}

const struct kcl_type *check_names(struct checker *c, const struct kcl_names *names, const char *package,
                                   const struct kcl_span *span)
{
	const struct kcl_type *t = check_name(c, names->items[0].s, package, span);

	for (uint32_t i = 1; i < names->len; i++) {
		if (c->is_store)
			check_config_attr(c, names->items[i].s, t, span);
		t = check_attr(c, t, names->items[i].s, span);
	}
	return t;
}

const struct kcl_type *check_target(struct checker *c, const struct kcl_target *target)
{
	const struct kcl_type *t = check_name(c, target->name.s, NULL, &target->span);
	bool was_store = c->is_store;

	if (target->steps_len == 0)
		return t;
	c->is_store = false;
	for (uint32_t i = 0; i < target->steps_len; i++) {
		const struct kcl_target_step *step = &target->steps[i];

		if (!step->index) {
			check_config_attr(c, step->member.s, t, &target->span);
			t = check_attr(c, t, step->member.s, &target->span);
			continue;
		}
		if (step->index->kind == KCL_EXPR_STRING)
			check_config_attr(c, step->index->string.s, t, &target->span);
		t = check_index(c, t, step->index, &target->span);
	}
	c->is_store = was_store;
	return t;
}

/* ---- what becomes of names ---- */

void check_infer(struct checker *c, const char *name, const struct kcl_type *type, const struct kcl_span *span)
{
	struct kcl_object *o = kcl_scope_find(c->scope, name);

	if (o)
		o->type = kcl_type_infer(c->types, type);
	else
		check_error(c, "CompileError", span, "name '%s' is not defined", name);
}

void check_unique(struct checker *c, const char *name, const struct kcl_span *span)
{
	struct kcl_object o = { .name = name, .file = c->module->module->file, .span = *span };
	const struct kcl_object *known = kcl_scope_find(c->package->declared, name);

	if (c->level == 0 && !known) {
		kcl_scope_put(c->package->declared, c->arena, &o);
		return;
	}

	struct kcl_diagnostic *d = check_error(c, "UniqueKeyError", span, "Unique key error name '%s'", name);

	if (known)
		kcl_diagnostic_relate(d, known->file, known->span.line, known->span.column,
		                      "The variable '%s' is declared here", name);
}

/* ---- types ---- */

static const struct kcl_type *named_type(struct checker *c, const struct kcl_names *names, const struct kcl_span *span)
{
	const struct kcl_object *import = names->len > 1 && !check_is_loop_var(c, names->items[0].s)
	                                      ? kcl_scope_find(c->module->imports, names->items[0].s)
	                                      : NULL;

	c->is_store = false;
	return check_names(c, names, import ? import->type->module.package : NULL, span);
}

static const struct kcl_type *literal_type(struct checker *c, const struct kcl_type_expr *t)
{
	switch (t->literal.kind) {
	case KCL_LITERAL_BOOL:
		return kcl_type_bool(c->types, t->literal.b);
	case KCL_LITERAL_STR:
		return kcl_type_str(c->types, t->literal.s);
	default:
		return kcl_type_number(c->types, &t->literal.number);
	}
}

static const struct kcl_type *optional_type(struct checker *c, const struct kcl_type_expr *t,
                                            const struct kcl_span *span)
{
	return t ? check_type_expr(c, t, span) : check_any();
}

static const struct kcl_type *union_type(struct checker *c, const struct kcl_type_expr *t, const struct kcl_span *span)
{
	const struct kcl_type **items = arena_alloc(c->arena, t->of_union.len * sizeof(*items));

	for (uint32_t i = 0; i < t->of_union.len; i++)
		items[i] = check_type_expr(c, t->of_union.items[i], span);
	return kcl_type_union(c->types, items, t->of_union.len);
}

static const struct kcl_type *function_type(struct checker *c, const struct kcl_type_expr *t,
                                            const struct kcl_span *span)
{
	struct kcl_type *f = arena_alloc(c->arena, sizeof(*f));
	uint32_t n = t->function.len;

	f->tag = KCL_T_FUNCTION;
	f->function.len = n;
	f->function.params = arena_alloc(c->arena, (n + 1) * sizeof(*f->function.params));
	f->function.names = arena_alloc(c->arena, (n + 1) * sizeof(*f->function.names));
	f->function.has_default = arena_alloc(c->arena, n + 1);
	struct kcl_span *spans = arena_alloc(c->arena, (n + 1) * sizeof(*spans));
	for (uint32_t i = 0; i < n; i++) {
		f->function.params[i] = check_type_expr(c, t->function.params[i], span);
		f->function.names[i] = "";
		spans[i] = t->span;
	}
	f->function.spans = spans;
	f->function.file = c->module->module->file;
	f->function.result = optional_type(c, t->function.result, span);
	return f;
}

const struct kcl_type *check_type_expr(struct checker *c, const struct kcl_type_expr *t, const struct kcl_span *span)
{
	static const enum kcl_type_tag basic[] = {
		[KCL_BASIC_BOOL] = KCL_T_BOOL,
		[KCL_BASIC_INT] = KCL_T_INT,
		[KCL_BASIC_FLOAT] = KCL_T_FLOAT,
		[KCL_BASIC_STR] = KCL_T_STR,
	};

	if (kcl_stopped(c->types->stop))
		return check_any();
	switch (t->kind) {
	case KCL_TYPE_BASIC:
		return kcl_type_basic(basic[t->basic]);
	case KCL_TYPE_NAMED:
		return named_type(c, &t->named, span);
	case KCL_TYPE_LIST:
		return kcl_type_list(c->types, optional_type(c, t->element, span));
	case KCL_TYPE_DICT: {
		const struct kcl_type *key = optional_type(c, t->dict.key, span);

		return kcl_type_dict(c->types, key, optional_type(c, t->dict.value, span));
	}
	case KCL_TYPE_UNION:
		return union_type(c, t, span);
	case KCL_TYPE_LITERAL:
		return literal_type(c, t);
	case KCL_TYPE_FUNCTION:
		return function_type(c, t, span);
	default:
		return check_any();
	}
}
