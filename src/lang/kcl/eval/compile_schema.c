#include "eval/compile.h"
#include "eval/run.h"

/* ---- declarations ---- */

static void declare_attrs(struct kcl_compiler *c, struct kcl_schema_code *s, const struct kcl_stmt *body)
{
	for (const struct kcl_stmt *stmt = body; stmt; stmt = stmt->next) {
		switch (stmt->kind) {
		case KCL_STMT_ATTR:
			kcl_dict_set(c->h, s->declared, kcl_intern(c, stmt->attr.name.s), kcl_none());
			break;
		case KCL_STMT_ASSIGN:
			for (uint32_t i = 0; i < stmt->assign.len; i++)
				kcl_dict_set(c->h, s->declared, kcl_intern(c, stmt->assign.targets[i].name.s), kcl_none());
			break;
		case KCL_STMT_AUG_ASSIGN:
			kcl_dict_set(c->h, s->declared, kcl_intern(c, stmt->aug_assign.target.name.s), kcl_none());
			break;
		case KCL_STMT_UNIFICATION:
			kcl_dict_set(c->h, s->declared, kcl_intern(c, stmt->unification.name.s), kcl_none());
			break;
		case KCL_STMT_IF:
			declare_attrs(c, s, stmt->if_stmt.body);
			declare_attrs(c, s, stmt->if_stmt.orelse);
			break;
		default:
			break;
		}
	}
}

/* Bases and mixins that one schema may have in all, counting one as often as it is reached: mixins of mixins can double
 * with every level. */
#define BASES_MAX 1000

/* Counts the schemas at and above s; raises past the limit. */
static void count_bases(struct kcl_compiler *c, const struct kcl_schema_code *s, unsigned *count)
{
	if (!s)
		return;
	if (++*count > BASES_MAX)
		kcl_raise(c->h, "schema %s has more than %d bases and mixins", s->name ? s->name : "", BASES_MAX);
	count_bases(c, s->parent, count);
	count_bases(c, s->host, count);
	for (uint32_t i = 0; i < s->mixins_len; i++)
		count_bases(c, s->mixins[i], count);
}

void kcl_check_bases(struct kcl_compiler *c, const struct kcl_schema_code *s)
{
	unsigned count = 0;
	count_bases(c, s, &count);
}

static bool is_above(const struct kcl_schema_code *s, const struct kcl_schema_code *wanted)
{
	if (!s || s == wanted)
		return s != NULL;
	if (is_above(s->parent, wanted) || is_above(s->host, wanted))
		return true;
	for (uint32_t i = 0; i < s->mixins_len; i++) {
		if (is_above(s->mixins[i], wanted))
			return true;
	}
	return false;
}

/* A schema to build on, unless that would go round in a circle (the checker reports it). */
static struct kcl_schema_code *base_named(struct kcl_compiler *c, const struct kcl_schema_code *s,
                                          const struct kcl_names *names)
{
	struct kcl_schema_code *base = kcl_schema_named(c, names);
	if (base)
		kcl_check_bases(c, base);
	return base && !is_above(base, s) ? base : NULL;
}

static void link_bases(struct kcl_compiler *c, struct kcl_schema_code *s, const struct kcl_names *bases, uint32_t len)
{
	for (uint32_t i = 0; i < len; i++) {
		struct kcl_schema_code *base = base_named(c, s, &bases[i]);
		if (base)
			PUSH(c->h, s->mixins, s->mixins_len, base);
	}
}

void kcl_declare_schema(struct kcl_compiler *c, struct kcl_symbol *symbol)
{
	struct kcl_schema_code *s = symbol->schema;
	const struct kcl_stmt *stmt = symbol->stmt;
	s->is_rule = stmt->kind == KCL_STMT_RULE;
	s->name = kcl_intern(c, s->is_rule ? stmt->rule.name.s : stmt->schema.name.s)->s;
	s->package = c->package->package->path;
	s->file = c->module->file;
	s->type = kcl_checked_type(c->program->checked, s->package, s->name);
	s->declared = kcl_dict(c->h, 0).dict;
	if (s->is_rule) {
		s->host = base_named(c, s, &stmt->rule.for_host);
		link_bases(c, s, stmt->rule.parents, stmt->rule.parents_len);
	} else {
		s->parent = base_named(c, s, &stmt->schema.parent);
		s->host = base_named(c, s, &stmt->schema.for_host);
		link_bases(c, s, stmt->schema.mixins, stmt->schema.mixins_len);
		declare_attrs(c, s, stmt->schema.body);
	}
	kcl_schema_table_add(&c->program->schema_table, s->is_rule ? (const void *)&stmt->rule : &stmt->schema, s);
	struct kcl_function *fn = kcl_alloc(c->h, sizeof(*fn));
	*fn = (struct kcl_function){ .kind = s->is_rule ? KCL_FN_RULE : KCL_FN_SCHEMA, .name = s->name, .code = s };
	s->constructor = (struct kcl_value){ .kind = KCL_FUNCTION, .function = fn };
}

/* ---- bodies ---- */

static void compile_checks(struct kcl_compiler *c, const struct kcl_checks *checks)
{
	struct kcl_schema_code *s = c->schema;
	s->checks_len = checks->len;
	s->checks = kcl_alloc(c->h, checks->len * sizeof(*s->checks));
	for (uint32_t i = 0; i < checks->len; i++) {
		const struct kcl_check *check = &checks->items[i];
		s->checks[i].test = kcl_compile_expr(c, check->test);
		s->checks[i].condition = check->condition ? kcl_compile_expr(c, check->condition) : NULL;
		s->checks[i].message = check->message ? kcl_compile_expr(c, check->message) : NULL;
	}
}

/* Attributes whose type is one literal have that as their value. */
static struct kcl_code *literal_default(struct kcl_compiler *c, const struct kcl_stmt *stmt)
{
	const struct kcl_type_expr *t = stmt->attr.type;
	if (stmt->attr.value || stmt->attr.is_optional || !t || t->kind != KCL_TYPE_LITERAL)
		return NULL;
	switch (t->literal.kind) {
	case KCL_LITERAL_BOOL:
		return kcl_code_constant(c, &t->span, kcl_bool(t->literal.b));
	case KCL_LITERAL_STR:
		return kcl_code_constant(c, &t->span, kcl_str_value(kcl_intern(c, t->literal.s)));
	case KCL_LITERAL_FLOAT:
		return kcl_code_constant(c, &t->span, kcl_float(t->literal.number.f));
	case KCL_LITERAL_INT:
		break;
	}
	const struct kcl_number *n = &t->literal.number;
	return kcl_code_constant(c, &t->span,
	                         n->unit == KCL_UNIT_NONE ? kcl_int(n->i) : kcl_unit_value(c->h, n->i, n->unit));
}

/* What was declared where, in step with the setters that kcl_compile_body() made. */
static void note_attrs(struct kcl_compiler *c, const struct kcl_stmt *body)
{
	struct kcl_schema_code *s = c->schema;
	for (const struct kcl_stmt *stmt = body; stmt; stmt = stmt->next) {
		if (stmt->kind != KCL_STMT_ATTR)
			continue;
		struct kcl_attr_code attr = { .name = kcl_schema_name(c, kcl_intern(c, stmt->attr.name.s)),
			                          .is_optional = stmt->attr.is_optional,
			                          .is_required = !stmt->attr.is_optional && !stmt->attr.value,
			                          .type = kcl_compile_type(c, stmt->attr.type) };
		struct kcl_code *value = literal_default(c, stmt);
		for (uint32_t i = 0; value && i < s->setters_len; i++) {
			struct kcl_assign_code *a = &s->setters[i]->leaf->assign;
			if (a->is_attr && a->slot == attr.name && !a->value) {
				a->value = value;
				attr.is_required = false;
			}
		}
		PUSH(c->h, s->attrs, s->attrs_len, attr);
	}
}

static void compile_index(struct kcl_compiler *c, const struct kcl_index_signature *signature)
{
	struct kcl_index_code *index = kcl_alloc(c->h, sizeof(*index));
	index->key_name = signature->key_name.s ? kcl_intern(c, signature->key_name.s) : NULL;
	index->value = kcl_compile_type(c, signature->value);
	c->schema->index = index;
	if (signature->default_value)
		index->default_value = kcl_compile_expr(c, signature->default_value);
}

static void compile_schema_body(struct kcl_compiler *c, const struct kcl_schema_stmt *stmt)
{
	struct kcl_schema_code *s = c->schema;
	kcl_compile_params(c, &stmt->params, &s->unit);
	if (stmt->index_signature)
		compile_index(c, stmt->index_signature);
	kcl_compile_body(c, stmt->body, &s->body);
	note_attrs(c, stmt->body);
	compile_checks(c, &stmt->checks);
	struct kcl_code *decorators = kcl_compile_decorators(c, &stmt->decorators, NULL);
	if (decorators)
		PUSH(c->h, s->decorators.items, s->decorators.len, decorators);
}

static void compile_rule_body(struct kcl_compiler *c, const struct kcl_rule_stmt *stmt)
{
	struct kcl_schema_code *s = c->schema;
	kcl_compile_params(c, &stmt->params, &s->unit);
	compile_checks(c, &stmt->checks);
	struct kcl_code *decorators = kcl_compile_decorators(c, &stmt->decorators, NULL);
	if (decorators)
		PUSH(c->h, s->decorators.items, s->decorators.len, decorators);
}

void kcl_compile_schema(struct kcl_compiler *c, struct kcl_symbol *symbol)
{
	struct kcl_unit_state unit = { .unit = &symbol->schema->unit };
	struct kcl_scope scope;
	c->schema = symbol->schema;
	c->unit = &unit;
	kcl_scope_enter(c, &scope);
	if (symbol->schema->is_rule)
		compile_rule_body(c, &symbol->stmt->rule);
	else
		compile_schema_body(c, &symbol->stmt->schema);
	kcl_scope_leave(c);
	c->schema = NULL;
	c->unit = NULL;
}
