#include "eval/compile.h"
#include "eval/run.h"

/* Statements: of files (names are globals), of schemas (attributes) and of lambdas (locals). */

static void compile_stmt(struct kcl_compiler *c, const struct kcl_stmt *s, struct kcl_codes *ret);

static void add(struct kcl_compiler *c, struct kcl_codes *codes, struct kcl_code *code)
{
	PUSH(c->h, codes->items, codes->len, code);
}

/* ---- what is assigned ---- */

/* The statement as a setter of its cell, with the `if`s that it is in. */
static struct kcl_setter *new_setter(struct kcl_compiler *c, struct kcl_code *leaf)
{
	struct kcl_setter *setter = kcl_alloc(c->h, sizeof(*setter));
	setter->leaf = leaf;
	setter->unit = c->unit->unit;
	setter->guards_len = c->guards_len;
	setter->guards = kcl_alloc(c->h, c->guards_len * sizeof(*setter->guards));
	if (c->guards_len)
		memcpy(setter->guards, c->guards, c->guards_len * sizeof(*setter->guards));
	if (c->leaves)
		add(c, c->leaves, leaf);
	return setter;
}

/* Says what the name of an assignment is here, and makes the assignment its setter. */
static void bind_target(struct kcl_compiler *c, struct kcl_code *code, const struct kcl_str *name)
{
	struct kcl_assign_code *a = &code->assign;
	a->name = name;
	a->patch = -1;
	if (c->unit->lambda) {
		a->target = KCL_TARGET_LOCAL;
		code->run = kcl_run_assign_local;
		return;
	}
	code->run = kcl_run_assign_cell;
	struct kcl_setter *setter = new_setter(c, code);
	if (c->schema) {
		a->target = KCL_TARGET_ATTR;
		a->slot = kcl_schema_name(c, name);
		a->setter = c->schema->setters_len;
		PUSH(c->h, c->schema->setters, c->schema->setters_len, setter);
		return;
	}
	const struct kcl_symbol *symbol = kcl_symbol_find(c->package, name);
	a->target = KCL_TARGET_GLOBAL;
	if (!symbol || !symbol->global) { /* the name of a schema: the checker has said so */
		code->run = kcl_run_constant;
		code->constant = kcl_undefined();
		return;
	}
	a->slot = symbol->cell;
	a->setter = symbol->global->setters_len;
	PUSH(c->h, symbol->global->setters, symbol->global->setters_len, setter);
}

/* The local of a lambda that an assignment stores to, made at the first one. One that is made in a branch may have no
 * value behind it. */
static void bind_local(struct kcl_compiler *c, struct kcl_code *code)
{
	struct kcl_variable *v = kcl_scope_own(c, code->assign.name);
	if (!v) {
		v = kcl_scope_declare(c, code->assign.name);
		v->may_be_unset = c->in_branch;
	}
	code->assign.slot = v->slot;
}

/* A lambda that calls itself sees the local that it is assigned to. */
static struct kcl_code *compile_self_reference(struct kcl_compiler *c, struct kcl_code *code,
                                               const struct kcl_expr *value)
{
	bind_local(c, code);
	struct kcl_code *lambda = kcl_compile_expr(c, value);
	for (uint32_t i = 0; i < lambda->lambda->captures_len; i++) {
		if (lambda->lambda->captures[i].from_local && lambda->lambda->captures[i].slot == code->assign.slot)
			code->assign.patch = (int32_t)i;
	}
	return lambda;
}

static struct kcl_code *compile_value(struct kcl_compiler *c, struct kcl_code *code, const struct kcl_expr *value)
{
	bool is_local = code->assign.target == KCL_TARGET_LOCAL;
	if (is_local && value->kind == KCL_EXPR_LAMBDA && !code->assign.steps_len)
		return compile_self_reference(c, code, value);
	struct kcl_code *compiled = kcl_compile_expr(c, value);
	if (is_local)
		bind_local(c, code);
	return compiled;
}

static void compile_steps(struct kcl_compiler *c, const struct kcl_target *t, struct kcl_assign_code *a)
{
	a->steps_len = t->steps_len;
	a->steps = kcl_alloc(c->h, t->steps_len * sizeof(*a->steps));
	for (uint32_t i = 0; i < t->steps_len; i++) {
		if (t->steps[i].member.s)
			a->steps[i].member = kcl_intern(c, t->steps[i].member.s);
		else
			a->steps[i].index = kcl_compile_expr(c, t->steps[i].index);
	}
}

/* The value of `a = b = value` is made once: the first target leaves it in a local for the others. One that is read
 * before its statement runs makes its own. */
static struct kcl_code *share_value(struct kcl_compiler *c, const struct kcl_stmt *s, struct kcl_code *value,
                                    uint32_t slot, bool is_first)
{
	struct kcl_code *code = kcl_code_new(c, &s->span, is_first ? kcl_run_assign_local : kcl_run_local_or);
	if (is_first) {
		code->assign.slot = slot;
		code->assign.value = value;
		code->assign.patch = -1;
	} else {
		code->local.slot = slot;
		code->local.otherwise = value;
	}
	return code;
}

/* A local for that, empty whatever used its slot before. */
static uint32_t declare_shared(struct kcl_compiler *c, const struct kcl_stmt *s, struct kcl_codes *ret)
{
	struct kcl_code *code = kcl_code_new(c, &s->span, kcl_run_unset);
	code->local.slot = kcl_scope_declare(c, kcl_intern(c, ""))->slot;
	add(c, ret, code);
	return code->local.slot;
}

static void compile_assign(struct kcl_compiler *c, const struct kcl_stmt *s, struct kcl_codes *ret)
{
	/* Each local that a lambda is assigned to has a closure of its own, as it may call itself. */
	bool is_shared = s->assign.len > 1 && s->assign.value->kind != KCL_EXPR_LAMBDA;
	uint32_t shared = is_shared ? declare_shared(c, s, ret) : 0;
	for (uint32_t i = 0; i < s->assign.len; i++) {
		const struct kcl_target *t = &s->assign.targets[i];
		struct kcl_code *code = kcl_code_new(c, &s->span, NULL);
		bind_target(c, code, kcl_intern(c, t->name.s));
		if (code->run == kcl_run_constant)
			continue;
		compile_steps(c, t, &code->assign);
		code->assign.type = kcl_compile_type(c, s->assign.type);
		code->assign.value = compile_value(c, code, s->assign.value);
		if (is_shared)
			code->assign.value = share_value(c, s, code->assign.value, shared, i == 0);
		add(c, ret, code);
	}
}

/* The value that the target has, in code: `a.b[0]`. */
static struct kcl_code *compile_target_value(struct kcl_compiler *c, const struct kcl_target *t)
{
	struct kcl_names names = { .items = (struct kcl_name *)&t->name, .len = 1 };
	struct kcl_code *code = kcl_compile_name(c, &names, &t->span);
	for (uint32_t i = 0; i < t->steps_len; i++) {
		bool is_member = t->steps[i].member.s != NULL;
		struct kcl_code *step = kcl_code_new(c, &t->span, is_member ? kcl_run_select : kcl_run_subscript);
		if (is_member) {
			step->select.object = code;
			step->select.name = kcl_intern(c, t->steps[i].member.s);
		} else {
			step->subscript.object = code;
			step->subscript.index = kcl_compile_expr(c, t->steps[i].index);
		}
		code = step;
	}
	return code;
}

static void compile_aug_assign(struct kcl_compiler *c, const struct kcl_stmt *s, struct kcl_codes *ret)
{
	const struct kcl_target *t = &s->aug_assign.target;
	struct kcl_code *code = kcl_code_new(c, &s->span, NULL);
	bind_target(c, code, kcl_intern(c, t->name.s));
	if (code->run == kcl_run_constant)
		return;
	compile_steps(c, t, &code->assign);
	struct kcl_code *value = kcl_code_new(c, &s->span, kcl_run_augmented);
	value->binary.op = (uint8_t)s->aug_assign.op;
	value->binary.b = kcl_compile_expr(c, s->aug_assign.value);
	value->binary.a = compile_target_value(c, t);
	code->assign.value = value;
	if (code->assign.target == KCL_TARGET_LOCAL)
		bind_local(c, code);
	add(c, ret, code);
}

/* name: Schema {…} merges into what the name has. */
static void compile_unification(struct kcl_compiler *c, const struct kcl_stmt *s, struct kcl_codes *ret)
{
	struct kcl_code *code = kcl_code_new(c, &s->span, NULL);
	struct kcl_target target = { .name = s->unification.name, .span = s->unification.name.span };
	bind_target(c, code, kcl_intern(c, s->unification.name.s));
	if (code->run == kcl_run_constant)
		return;
	struct kcl_code *value = kcl_code_new(c, &s->span, kcl_run_augmented);
	value->binary.op = KCL_OP_BITOR;
	value->binary.b = kcl_compile_expr(c, s->unification.value);
	value->binary.a = compile_target_value(c, &target);
	code->assign.value = value;
	if (code->assign.target == KCL_TARGET_LOCAL)
		bind_local(c, code);
	add(c, ret, code);
}

static void compile_attr(struct kcl_compiler *c, const struct kcl_stmt *s, struct kcl_codes *ret)
{
	struct kcl_code *code = kcl_code_new(c, &s->span, NULL);
	struct kcl_assign_code *a = &code->assign;
	bind_target(c, code, kcl_intern(c, s->attr.name.s));
	if (a->target != KCL_TARGET_ATTR)
		return;
	a->is_attr = true;
	a->is_union = s->attr.has_op && s->attr.op == KCL_ENTRY_UNION;
	a->type = kcl_compile_type(c, s->attr.type);
	a->decorators = kcl_compile_decorators(c, &s->attr.decorators, s->attr.name.s);
	if (s->attr.value)
		a->value = kcl_compile_expr(c, s->attr.value);
	add(c, ret, code);
}

/* ---- the others ---- */

static void compile_exprs(struct kcl_compiler *c, const struct kcl_stmt *s, struct kcl_codes *ret)
{
	struct kcl_code *code = kcl_code_new(c, &s->span, kcl_run_exprs);
	uint32_t n = s->exprs.len;
	bool *is_call = kcl_alloc(c->h, n), *is_schema = kcl_alloc(c->h, n);
	for (uint32_t i = 0; i < n; i++) {
		struct kcl_code *item = kcl_compile_expr(c, s->exprs.items[i]);
		add(c, &code->exprs.items, item);
		is_call[i] = s->exprs.items[i]->kind == KCL_EXPR_CALL;
		is_schema[i] = s->exprs.items[i]->kind == KCL_EXPR_SCHEMA;
	}
	code->exprs.is_call = is_call;
	code->exprs.is_schema = is_schema;
	code->exprs.is_global = !c->schema && !c->unit->lambda && strcmp(c->package->package->path, "__main__") == 0;
	add(c, ret, code);
}

static void compile_assert(struct kcl_compiler *c, const struct kcl_stmt *s, struct kcl_codes *ret)
{
	struct kcl_code *code = kcl_code_new(c, &s->span, kcl_run_assert);
	code->assertion.test = kcl_compile_expr(c, s->assertion.test);
	code->assertion.condition = s->assertion.condition ? kcl_compile_expr(c, s->assertion.condition) : NULL;
	code->assertion.message = s->assertion.message ? kcl_compile_expr(c, s->assertion.message) : NULL;
	add(c, ret, code);
}

static void compile_branch(struct kcl_compiler *c, const struct kcl_stmt *body, struct kcl_code *code, bool expected,
                           struct kcl_codes *ret)
{
	struct kcl_guard guard = { .condition = code->if_stmt.condition, .expected = expected };
	/* The array is copied by each setter, and grows in a copy of its own here. */
	struct kcl_guard *outer = c->guards;
	struct kcl_guard *guards = kcl_alloc(c->h, (c->guards_len + 1) * sizeof(*guards));
	if (c->guards_len)
		memcpy(guards, outer, c->guards_len * sizeof(*guards));
	guards[c->guards_len] = guard;
	c->guards = guards;
	c->guards_len++;
	kcl_compile_body(c, body, ret);
	c->guards_len--;
	c->guards = outer;
}

static void compile_if(struct kcl_compiler *c, const struct kcl_stmt *s, struct kcl_codes *ret)
{
	struct kcl_code *code = kcl_code_new(c, &s->span, kcl_run_if);
	struct kcl_codes *outer_leaves = c->leaves;
	bool outer_branch = c->in_branch;
	code->if_stmt.condition = kcl_compile_expr(c, s->if_stmt.condition);
	c->leaves = &code->if_stmt.leaves;
	c->in_branch = true;
	compile_branch(c, s->if_stmt.body, code, true, &code->if_stmt.body);
	compile_branch(c, s->if_stmt.orelse, code, false, &code->if_stmt.orelse);
	c->leaves = outer_leaves;
	c->in_branch = outer_branch;
	if (outer_leaves) {
		for (uint32_t i = 0; i < code->if_stmt.leaves.len; i++)
			add(c, outer_leaves, code->if_stmt.leaves.items[i]);
	}
	add(c, ret, code);
}

static void compile_stmt(struct kcl_compiler *c, const struct kcl_stmt *s, struct kcl_codes *ret)
{
	switch (s->kind) {
	case KCL_STMT_EXPR:
		compile_exprs(c, s, ret);
		break;
	case KCL_STMT_ASSIGN:
		compile_assign(c, s, ret);
		break;
	case KCL_STMT_AUG_ASSIGN:
		compile_aug_assign(c, s, ret);
		break;
	case KCL_STMT_UNIFICATION:
		compile_unification(c, s, ret);
		break;
	case KCL_STMT_ASSERT:
		compile_assert(c, s, ret);
		break;
	case KCL_STMT_IF:
		compile_if(c, s, ret);
		break;
	case KCL_STMT_ATTR:
		compile_attr(c, s, ret);
		break;
	case KCL_STMT_IMPORT:
	case KCL_STMT_SCHEMA:
	case KCL_STMT_RULE:
	case KCL_STMT_TYPE_ALIAS:
		break;
	}
}

void kcl_compile_body(struct kcl_compiler *c, const struct kcl_stmt *body, struct kcl_codes *ret)
{
	for (const struct kcl_stmt *s = body; s; s = s->next)
		compile_stmt(c, s, ret);
}

/* ---- lambdas ---- */

void kcl_compile_params(struct kcl_compiler *c, const struct kcl_params *params, struct kcl_unit_code *ret)
{
	ret->params = kcl_alloc(c->h, params->len * sizeof(*ret->params));
	ret->params_len = params->len;
	/* A default value is computed where the function is, without its other parameters. */
	for (uint32_t i = 0; i < params->len; i++) {
		const struct kcl_param *p = &params->items[i];
		ret->params[i].name = kcl_intern(c, p->name.s);
		ret->params[i].type = kcl_compile_type(c, p->type);
		kcl_scope_declare(c, ret->params[i].name);
	}
	for (uint32_t i = 0; i < params->len; i++) {
		const struct kcl_param *p = &params->items[i];
		ret->params[i].default_value = p->default_value ? kcl_compile_expr(c, p->default_value) : NULL;
	}
}

struct kcl_code *kcl_compile_lambda(struct kcl_compiler *c, const struct kcl_expr *e)
{
	struct kcl_code *code = kcl_code_new(c, &e->span, kcl_run_lambda);
	struct kcl_lambda_code *lambda = kcl_alloc(c->h, sizeof(*lambda));
	struct kcl_unit_state unit = { .outer = c->unit, .unit = &lambda->unit, .lambda = lambda };
	struct kcl_scope scope;
	/* What is around the lambda is not around its statements. */
	struct kcl_compiler around = *c;
	c->guards = NULL;
	c->guards_len = 0;
	c->leaves = NULL;
	c->in_branch = false;
	c->unit = &unit;
	kcl_scope_enter(c, &scope);
	kcl_compile_params(c, &e->lambda.params, &lambda->unit);
	kcl_compile_body(c, e->lambda.body, &lambda->body);
	kcl_scope_leave(c);
	c->unit = around.unit;
	c->guards = around.guards;
	c->guards_len = around.guards_len;
	c->leaves = around.leaves;
	c->in_branch = around.in_branch;
	lambda->result = kcl_compile_type(c, e->lambda.result);
	code->lambda = lambda;
	return code;
}

struct kcl_code *kcl_compile_decorators(struct kcl_compiler *c, const struct kcl_decorators *d, const char *attr)
{
	struct kcl_code *first = NULL, **last = &first;
	for (uint32_t i = 0; i < d->len; i++) {
		struct kcl_code *code = kcl_code_new(c, &d->items[i].span, kcl_run_decorator);
		code->decorator.name = kcl_intern(c, d->items[i].name.items[0].s)->s;
		code->decorator.args = kcl_compile_args(c, &d->items[i].args);
		code->decorator.target = attr ? kcl_intern(c, attr) : NULL;
		code->decorator.target_name = attr ? code->decorator.target->s : c->schema->name;
		*last = code;
		last = &code->decorator.next;
	}
	return first;
}
