#include "base/str.h"
#include "check/checker.h"
#include "diagnostic.h"

/* ---- assignments ---- */

static void add_declared(struct checker *c, const char *name, const struct kcl_span *span, bool replace)
{
	struct kcl_object o = { .name = name, .file = c->module->module->file, .span = *span };

	if (c->level == 0 && (replace || *name == '_' || !kcl_scope_find(c->package->declared, name)))
		kcl_scope_put(c->package->declared, c->arena, &o);
}

/* `target: type = value`: the type of the variable, and of the value, against what is written. */
static void check_annotation(struct checker *c, const struct kcl_stmt *s, const struct kcl_type *value)
{
	if (!s->assign.type)
		return;
	for (uint32_t i = 0; i < s->assign.len; i++) {
		const struct kcl_target *target = &s->assign.targets[i];
		struct kcl_object *o = kcl_scope_find(c->scope, target->name.s);
		const struct kcl_type *written = check_type_expr(c, s->assign.type, &s->assign.type->span), *type = written;

		if (o && o->type->tag != KCL_T_ANY) {
			if (!kcl_type_is_upper_bound(c->types, written, o->type))
				kcl_diagnostic_relate(check_error(c, "TypeError", &target->span,
				                                  "can not change the type of '%s' to %s", target->name.s,
				                                  check_shown(c, written)),
				                      o->file, o->span.line, o->span.column, "expected %s", check_shown(c, o->type));
			type = o->type;
		}
		if (o)
			o->type = type;
		else
			check_error(c, "CompileError", &target->name.span, "name '%s' is not defined", target->name.s);
		check_assignable(c, value, type, &target->span);
	}
}

static const struct kcl_type *check_to_target(struct checker *c, const struct kcl_type *type)
{
	(void)c;
	return type->tag == KCL_T_SCHEMA || type->tag == KCL_T_LIST || type->tag == KCL_T_DICT || type->tag == KCL_T_UNION
	           ? type
	           : NULL;
}

/* To a variable. */
static const struct kcl_type *assign_name(struct checker *c, const struct kcl_stmt *s, const struct kcl_target *target)
{
	const struct kcl_type *expected, *context, *value;

	c->is_store = true;
	expected = check_target(c, target);
	c->is_store = false;
	context = check_to_target(c, expected);
	if (context)
		check_expect_at(c, context, c->module->module->file, &target->span);
	value = check_expr(c, s->assign.value);
	if (expected->tag != KCL_T_SCHEMA)
		check_annotation(c, s, value);
	if (context)
		check_expect_end(c, 1);
	check_assignable(c, value, expected, &target->span);
	if (value->tag != KCL_T_ANY && expected->tag == KCL_T_ANY && !s->assign.type) {
		check_infer(c, target->name.s, value, &target->span);
		if (c->schema)
			check_set_own_attr(c, target->name.s, kcl_type_infer(c->types, value));
	}
	return value;
}

/* To an attribute or item of a variable. */
static const struct kcl_type *assign_member(struct checker *c, const struct kcl_stmt *s,
                                            const struct kcl_target *target)
{
	const struct kcl_type *expected, *value;

	check_lookup(c, target->name.s, &target->span);
	c->is_store = true;
	expected = check_target(c, target);
	c->is_store = false;
	value = check_expr(c, s->assign.value);
	check_annotation(c, s, value);
	check_assignable(c, value, expected, &target->span);
	return value;
}

static const struct kcl_type *check_assign(struct checker *c, const struct kcl_stmt *s)
{
	const struct kcl_type *value = check_any();

	c->loop_vars_len = 0;
	for (uint32_t i = 0; i < s->assign.len; i++) {
		const struct kcl_target *target = &s->assign.targets[i];

		add_declared(c, target->name.s, &target->span, s->assign.value->kind == KCL_EXPR_SCHEMA);
		value = target->steps_len == 0 ? assign_name(c, s, target) : assign_member(c, s, target);
	}
	return value;
}

static const struct kcl_type *check_aug_assign(struct checker *c, const struct kcl_stmt *s)
{
	const struct kcl_target *target = &s->aug_assign.target;
	const char *name = target->name.s;
	const struct kcl_type *left, *right, *result, *expected;

	c->is_store = false;
	if (*name == '_' || s->aug_assign.value->kind == KCL_EXPR_SCHEMA || !kcl_scope_find(c->package->declared, name)) {
		add_declared(c, name, &target->span, true);
	} else {
		check_note_immutable(check_error(c, "ImmutableError", &target->span,
		                                 "Immutable variable '%s' is modified during compiling", name),
		                     kcl_scope_find(c->package->declared, name), "declared here firstly");
	}
	left = check_target(c, target);
	right = check_expr(c, s->aug_assign.value);
	result = check_binary(c, s->aug_assign.op, left, right, &target->span);
	c->is_store = true;
	expected = check_target(c, target);
	check_assignable(c, result, expected, &target->span);
	c->is_store = false;
	return result;
}

static const struct kcl_type *check_unification(struct checker *c, const struct kcl_stmt *s)
{
	const struct kcl_name *name = &s->unification.name;
	const struct kcl_type *expected, *value;

	c->is_store = true;
	expected = check_name(c, name->s, NULL, &name->span);
	c->is_store = false;
	check_expect_at(c, expected, c->module->module->file, &name->span);
	value = check_schema_expr(c, s->unification.value);
	check_expect_end(c, 1);
	check_assignable(c, value, expected, &name->span);
	if (value->tag != KCL_T_ANY && expected->tag == KCL_T_ANY)
		check_infer(c, name->s, value, &name->span);
	return expected;
}

/* ---- others ---- */

static const struct kcl_type *check_alias(struct checker *c, const struct kcl_stmt *s)
{
	static const char *const reserved[] = { "any", "int", "float", "str", "bool", NULL };
	const struct kcl_name *name = &s->alias.name;
	const struct kcl_type *t = check_type_expr(c, s->alias.type, &name->span);

	if (str_in(name->s, reserved))
		check_error(c, "TypeError", &name->span,
		            "type alias '%s' cannot be the same as the built-in types ([\"any\", \"int\", \"float\", \"str\", "
		            "\"bool\"])",
		            name->s);
	check_declare(c, name->s, t, KCL_OBJ_ALIAS, &name->span);
	return t;
}

static const struct kcl_type *check_assert(struct checker *c, const struct kcl_stmt *s)
{
	check_expr(c, s->assertion.test);
	check_optional_expr(c, s->assertion.condition);
	if (s->assertion.message)
		check_must_be(c, s->assertion.message, kcl_type_basic(KCL_T_STR));
	return check_any();
}

static const struct kcl_type *check_if(struct checker *c, const struct kcl_stmt *s)
{
	check_expr(c, s->if_stmt.condition);

	const struct kcl_type *then = check_stmts(c, s->if_stmt.body);

	return kcl_type_sup2(c->types, then, check_stmts(c, s->if_stmt.orelse));
}

/* `name: type = value` in a schema. */
static const struct kcl_type *check_attr_stmt(struct checker *c, const struct kcl_stmt *s)
{
	const struct kcl_name *name = &s->attr.name;
	const struct kcl_type *expected, *value;

	c->loop_vars_len = 0;
	if (!c->schema)
		return check_any();
	expected = check_own_attr(c, name->s);
	expected = expected ? expected : check_any();
	check_declare(c, name->s, expected, KCL_OBJ_ATTRIBUTE, &name->span);
	if (!s->attr.value)
		return check_any();
	if (expected->tag == KCL_T_SCHEMA)
		check_expect_at(c, expected, c->module->module->file, &name->span);
	value = check_expr(c, s->attr.value);
	if (expected->tag == KCL_T_SCHEMA)
		check_expect_end(c, 1);
	if (s->attr.has_op && s->attr.op == KCL_ENTRY_UNION)
		value = check_binary(c, KCL_OP_BITOR, value, expected, &name->span);
	check_assignable(c, value, expected, &name->span);
	return check_any();
}

static const struct kcl_type *check_expr_stmt(struct checker *c, const struct kcl_stmt *s)
{
	const struct kcl_type *t = check_any();

	for (uint32_t i = 0; i < s->exprs.len; i++)
		t = check_expr(c, s->exprs.items[i]);
	return t;
}

const struct kcl_type *check_stmt(struct checker *c, const struct kcl_stmt *s)
{
	c->here = s->span;
	switch (s->kind) {
	case KCL_STMT_EXPR:
		return check_expr_stmt(c, s);
	case KCL_STMT_ASSIGN:
		return check_assign(c, s);
	case KCL_STMT_AUG_ASSIGN:
		return check_aug_assign(c, s);
	case KCL_STMT_UNIFICATION:
		return check_unification(c, s);
	case KCL_STMT_ASSERT:
		return check_assert(c, s);
	case KCL_STMT_IF:
		return check_if(c, s);
	case KCL_STMT_SCHEMA:
		check_schema(c, s);
		return check_any();
	case KCL_STMT_RULE:
		check_rule(c, s);
		return check_any();
	case KCL_STMT_ATTR:
		return check_attr_stmt(c, s);
	case KCL_STMT_TYPE_ALIAS:
		return check_alias(c, s);
	default:
		return check_any();
	}
}

const struct kcl_type *check_stmts(struct checker *c, const struct kcl_stmt *s)
{
	const struct kcl_type *t = check_any();

	for (; s && !kcl_stopped(c->types->stop); s = s->next)
		t = check_stmt(c, s);
	return t;
}
