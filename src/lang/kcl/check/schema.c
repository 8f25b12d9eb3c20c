/* The bodies of schemas and rules, and decorators. */

#include "base/str.h"
#include "check/checker.h"

void check_decorators(struct checker *c, const struct kcl_decorators *decorators)
{
	for (uint32_t i = 0; i < decorators->len; i++) {
		const struct kcl_decorator *d = &decorators->items[i];
		struct kcl_expr callee = { .kind = KCL_EXPR_NAME, .span = check_names_span(&d->name), .name = d->name };
		const struct kcl_type *f = d->name.len == 1 ? check_decorator_type(c, d->name.items[0].s) : NULL;

		if (f)
			check_arguments(c, &callee, &d->args, f, &callee.span);
		else if (d->name.len == 1)
			check_error(c, "CompileError", &d->span, "UnKnown decorator %s", d->name.items[0].s);
		else
			check_error(c, "TypeError", &d->span, "decorator name must be a single identifier");
	}
}

static void check_check(struct checker *c, const struct kcl_check *check)
{
	if (check->message)
		check_must_be(c, check->message, kcl_type_basic(KCL_T_STR));
	check_optional_expr(c, check->condition);
	check_expr(c, check->test);
}

static void declare_params(struct checker *c, const struct kcl_type *function, const struct kcl_span *span)
{
	for (uint32_t i = 0; i < function->function.len; i++)
		check_declare(c, function->function.names[i], function->function.params[i], KCL_OBJ_PARAMETER, span);
}

static void check_index_signature(struct checker *c, const struct kcl_schema_type *type)
{
	const struct kcl_index_signature *sig = type->stmt->index_signature;
	const struct kcl_type *expected, *value;

	if (!sig || !type->index)
		return;
	if (type->index->key_name)
		check_declare(c, type->index->key_name, type->index->key, KCL_OBJ_VARIABLE, &sig->span);
	if (!sig->default_value)
		return;
	expected = type->index->value;
	if (expected->tag == KCL_T_SCHEMA)
		check_expect(c, expected);
	value = check_expr(c, sig->default_value);
	if (expected->tag == KCL_T_SCHEMA)
		check_expect_end(c, 1);
	check_assignable(c, value, expected, &sig->span);
}

static void declare_if_new(struct checker *c, const struct kcl_name *name)
{
	if (!kcl_scope_find(c->scope, name->s))
		check_declare(c, name->s, check_any(), KCL_OBJ_VARIABLE, &name->span);
}

/* What the body assigns to may be named before. */
static void declare_assigned(struct checker *c, const struct kcl_stmt *s)
{
	for (; s; s = s->next) {
		switch (s->kind) {
		case KCL_STMT_UNIFICATION:
			declare_if_new(c, &s->unification.name);
			break;
		case KCL_STMT_ASSIGN:
			for (uint32_t i = 0; i < s->assign.len; i++)
				declare_if_new(c, &s->assign.targets[i].name);
			break;
		case KCL_STMT_AUG_ASSIGN:
			declare_if_new(c, &s->aug_assign.target.name);
			break;
		case KCL_STMT_ATTR:
			declare_if_new(c, &s->attr.name);
			break;
		case KCL_STMT_IF:
			declare_assigned(c, s->if_stmt.body);
			declare_assigned(c, s->if_stmt.orelse);
			break;
		default:
			break;
		}
	}
}

/* The type that its definition has got; NULL, reported, when something else has its name. */
static const struct kcl_type *definition(struct checker *c, const struct kcl_name *name, const struct kcl_stmt *s,
                                         const char *what)
{
	const struct kcl_type *t;

	check_unique(c, name->s, &name->span);
	t = check_lookup(c, name->s, &name->span);
	if (t->tag == KCL_T_SCHEMA)
		return t;
	check_error(c, "TypeError", &s->span, "expected %s type, got %s", what, check_shown(c, t));
	return NULL;
}

void check_schema(struct checker *c, const struct kcl_stmt *s)
{
	const struct kcl_schema_stmt *schema = &s->schema;
	struct kcl_span here = c->here;
	const struct kcl_type *t = definition(c, &schema->name, s, "schema");
	struct schema_context context = { .inferred = kcl_scope_new(c->arena, NULL) }, *outer = c->schema;

	if (!t || t->schema->is_rule)
		return;
	context.type = t->schema;
	c->schema = &context;
	check_params(c, &schema->params);
	check_enter(c);
	declare_params(c, t->schema->function, &here);
	if (t->schema->stmt == schema)
		check_index_signature(c, t->schema);
	declare_assigned(c, schema->body);
	check_stmts(c, schema->body);
	for (uint32_t i = 0; i < schema->checks.len; i++)
		check_check(c, &schema->checks.items[i]);
	check_leave(c);
	c->schema = outer;
}

void check_rule(struct checker *c, const struct kcl_stmt *s)
{
	const struct kcl_rule_stmt *rule = &s->rule;
	const struct kcl_type *t = definition(c, &rule->name, s, "rule");
	struct schema_context context = { .inferred = kcl_scope_new(c->arena, NULL) }, *outer = c->schema;

	if (!t)
		return;
	context.type = t->schema;
	c->schema = &context;
	check_params(c, &rule->params);
	check_enter(c);
	declare_params(c, t->schema->function, &s->span);
	for (uint32_t i = 0; i < rule->checks.len; i++)
		check_check(c, &rule->checks.items[i]);
	check_leave(c);
	c->schema = outer;
}
