/* Packages: their imports, and the names of their schemas and variables. */

#include "base/str.h"
#include "check/checker.h"
#include "diagnostic.h"

/* ---- imports ---- */

static void declare_import(struct checker *c, const struct kcl_stmt *s)
{
	const struct kcl_object *known = kcl_scope_find(c->package->scope, s->import.name);
	const struct kcl_type *type = kcl_type_module(c->types, s->import.path);
	struct kcl_object o = { .name = s->import.name, .type = type, .kind = KCL_OBJ_MODULE, .span = s->span };

	o.file = c->module->module->file;
	kcl_scope_put(c->module->imports, c->arena, &o);
	if (!known)
		kcl_scope_put(c->package->scope, c->arena, &o);
	else if (known->type != type)
		check_error(c, "CompileError", &s->span,
		            "the name '%s' is defined multiple times, '%s' must be defined only once", s->import.name,
		            s->import.name);
}

/* Where the walk of a package is, to come back to it. */
struct place {
	struct kcl_checked_package *package;
	struct kcl_checked_module *module;
	struct kcl_scope *scope;
};

static void import(struct checker *c, const struct kcl_stmt *s)
{
	struct kcl_checked_package *other = check_find_package(c->out, s->import.path);
	struct place here = { c->package, c->module, c->scope };

	declare_import(c, s);
	if (!other)
		return;
	kcl_graph_add(&c->imports, c->package->source->path, other->source->path, c->module->module->file, &s->span);
	check_circle(c, &c->imports, c->package->source->path, "modules");
	if (!other->is_started)
		check_package(c, other);
	c->package = here.package;
	c->module = here.module;
	c->scope = here.scope;
}

static void import_all(struct checker *c)
{
	for (uint32_t i = 0; i < c->package->source->modules_len; i++) {
		c->module = &c->package->modules[i];
		for (const struct kcl_stmt *s = c->module->module->body; s; s = s->next)
			if (s->kind == KCL_STMT_IMPORT)
				import(c, s);
	}
}

/* The files of the main package are one program: what one imports, the others may name. */
static void share_imports(struct checker *c)
{
	struct kcl_checked_package *p = c->package;

	for (uint32_t i = 0; i < p->source->modules_len; i++) {
		for (uint32_t j = 0; j < p->source->modules_len; j++) {
			const struct kcl_scope *from = p->modules[j].imports;

			for (uint32_t k = 0; i != j && k < from->len; k++)
				if (!kcl_scope_find(p->modules[i].imports, from->items[k]->name))
					kcl_scope_put(p->modules[i].imports, c->arena, from->items[k]);
		}
	}
}

/* ---- variables ---- */

static void declare_assigned(struct checker *c, const struct kcl_stmt *s, bool unique)
{
	for (uint32_t i = 0; i < s->assign.len; i++) {
		const struct kcl_target *target = &s->assign.targets[i];
		const char *name = target->name.s;
		struct kcl_object *known = kcl_scope_find(c->scope, name);
		const struct kcl_type *type = known ? known->type : check_any();

		if (known && *name != '_' && unique) {
			struct kcl_diagnostic *d = check_error(
				c, "ImmutableError", &target->span,
				"Can not change the value of '%s', because it was declared immutable", name);

			check_note_immutable(d, known, "declared here");
			continue;
		}
		if (s->assign.type) {
			type = check_type_expr(c, s->assign.type, &s->assign.type->span);
			if (known && !kcl_type_is_upper_bound(c->types, known->type, type))
				kcl_diagnostic_relate(
					check_error(c, "TypeError", &target->span, "can not change the type of '%s' to %s", name,
				                check_shown(c, known->type)),
					known->file, known->span.line, known->span.column, "expected %s", check_shown(c, known->type));
		}
		check_declare(c, name, type, KCL_OBJ_VARIABLE, &target->span);
	}
}

static void declare_unification(struct checker *c, const struct kcl_stmt *s)
{
	const struct kcl_names *names = &s->unification.value->schema.name;
	struct kcl_span span = check_names_span(names);
	const struct kcl_type *type = check_names(c, names, check_package_of(c, names), &span);

	check_declare(c, s->unification.name.s, type, KCL_OBJ_VARIABLE, &s->unification.name.span);
}

static void declare_variables(struct checker *c, const struct kcl_stmt *s, bool unique)
{
	for (; s; s = s->next) {
		if (s->kind == KCL_STMT_ASSIGN)
			declare_assigned(c, s, unique);
		else if (s->kind == KCL_STMT_UNIFICATION)
			declare_unification(c, s);
		else if (s->kind == KCL_STMT_IF) {
			declare_variables(c, s->if_stmt.body, unique);
			declare_variables(c, s->if_stmt.orelse, unique);
		}
	}
}

static void declare_all_variables(struct checker *c, bool unique)
{
	for (uint32_t i = 0; i < c->package->source->modules_len; i++) {
		c->module = &c->package->modules[i];
		for (const struct kcl_stmt *s = c->module->module->body; s; s = s->next)
			if (s->kind == KCL_STMT_TYPE_ALIAS)
				check_stmt(c, s);
		declare_variables(c, c->module->module->body, unique);
	}
}

/* ---- schemas and rules ---- */

static struct schema_pair *new_pair(struct checker *c, const struct kcl_stmt *s)
{
	struct schema_pair *pair = arena_alloc(c->arena, sizeof(*pair));
	struct kcl_schema_type *type = &pair->of_definition;
	bool is_rule = s->kind == KCL_STMT_RULE;

	type->name = is_rule ? s->rule.name.s : s->schema.name.s;
	type->package = c->package->source->path;
	type->file = c->module->module->file;
	type->is_rule = is_rule;
	if (is_rule) {
		type->rule = &s->rule;
	} else {
		type->stmt = &s->schema;
		type->is_mixin = s->schema.is_mixin;
		type->is_protocol = s->schema.is_protocol;
	}
	type->function = check_any_function(c);
	pair->definition = (struct kcl_type){ .tag = KCL_T_SCHEMA, .schema = type };
	pair->definition.text = kcl_type_annotation(&pair->definition, c->arena);
	pair->instance = (struct kcl_type){ .tag = KCL_T_SCHEMA,
		                                .text = pair->definition.text,
		                                .schema = &pair->of_instance };
	pair->of_instance = *type;
	pair->of_instance.is_instance = true;
	return pair;
}

const struct kcl_type *check_instance(const struct kcl_type *t)
{
	if (t->tag != KCL_T_SCHEMA || t->schema->is_instance)
		return t;
	/* every definition is the first member of a pair */
	return &((const struct schema_pair *)t)->instance;
}

static void declare_definitions(struct checker *c)
{
	for (uint32_t i = 0; i < c->package->source->modules_len; i++) {
		c->module = &c->package->modules[i];
		for (const struct kcl_stmt *s = c->module->module->body; s; s = s->next) {
			if (s->kind != KCL_STMT_SCHEMA && s->kind != KCL_STMT_RULE)
				continue;

			const char *name = s->kind == KCL_STMT_RULE ? s->rule.name.s : s->schema.name.s;

			if (kcl_scope_find(c->scope, name)) {
				check_error(c, "UniqueKeyError", &s->span, "Unique key error name '%s'", name);
				continue;
			}
			check_declare(c, name, &new_pair(c, s)->definition, KCL_OBJ_DEFINITION, &s->span);
			kcl_scope_put(c->package->definitions, c->arena, kcl_scope_find(c->scope, name));
		}
	}
}

/* ---- lambdas that are called before they are declared ---- */

static void declare_lambdas(struct checker *c)
{
	for (uint32_t i = 0; i < c->package->source->modules_len; i++) {
		c->module = &c->package->modules[i];
		for (const struct kcl_stmt *s = c->module->module->body; s; s = s->next) {
			if (s->kind != KCL_STMT_ASSIGN || s->assign.len != 1 || s->assign.targets[0].steps_len > 0)
				continue;

			const char *name = s->assign.targets[0].name.s;
			struct kcl_object o = { .name = name };
			const struct kcl_expr *value = s->assign.value;

			/* assigned twice, it is not known which one is called */
			if (!s->assign.type && value->kind == KCL_EXPR_LAMBDA && !kcl_scope_find(c->package->lambdas, name))
				o.type = check_function_type(c, &value->lambda.params, check_any(), true);
			kcl_scope_put(c->package->lambdas, c->arena, &o);
		}
	}
}

/* ---- all of it ---- */

void check_define_globals(struct checker *c)
{
	declare_definitions(c);
	declare_all_variables(c, true);
	check_define_schemas(c);
	declare_all_variables(c, false);
	declare_lambdas(c);
}

void check_package(struct checker *c, struct kcl_checked_package *package)
{
	package->is_started = true;
	c->package = package;
	c->scope = package->scope;
	c->level = 0;
	c->schema = NULL;
	import_all(c);
	if (str_eq(package->source->path, "__main__"))
		share_imports(c);
	check_define_globals(c);
	for (uint32_t i = 0; i < package->source->modules_len; i++) {
		c->module = &package->modules[i];
		check_stmts(c, c->module->module->body);
	}
}
