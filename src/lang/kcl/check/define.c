/* What schemas and rules are made of: bases, attributes, mixins, parameters. */

#include "base/str.h"
#include "check/checker.h"

/* ---- helpers ---- */

static const struct kcl_type *type_of_names(struct checker *c, const struct kcl_names *names)
{
	struct kcl_span span = check_names_span(names);

	return check_names(c, names, check_package_of(c, names), &span);
}

const struct kcl_type *check_function_type(struct checker *c, const struct kcl_params *params,
                                           const struct kcl_type *result, bool instances)
{
	struct kcl_type *f = arena_alloc(c->arena, sizeof(*f));
	uint32_t n = params->len;
	struct kcl_span *spans = arena_alloc(c->arena, (n + 1) * sizeof(*spans));

	f->tag = KCL_T_FUNCTION;
	f->function.len = n;
	f->function.params = arena_alloc(c->arena, (n + 1) * sizeof(*f->function.params));
	f->function.names = arena_alloc(c->arena, (n + 1) * sizeof(*f->function.names));
	f->function.has_default = arena_alloc(c->arena, n + 1);
	f->function.spans = spans;
	f->function.file = c->module->module->file;
	f->function.result = result;
	for (uint32_t i = 0; i < n; i++) {
		const struct kcl_param *param = &params->items[i];
		const struct kcl_span *span = param->type && instances ? &param->type->span : &param->name.span;
		const struct kcl_type *t = param->type ? check_type_expr(c, param->type, span) : check_any();

		f->function.params[i] = instances ? check_instance(t) : t;
		f->function.names[i] = param->name.s;
		f->function.has_default[i] = param->default_value != NULL;
		spans[i] = param->name.span;
	}
	return f;
}

static bool is_reserved(const char *name)
{
	static const char *const reserved[] = { "any", "int", "float", "str", "bool", NULL };

	return str_in(name, reserved);
}

/* Names that the body of a schema assigns to. */
static bool assigns(const struct kcl_stmt *s, const char *name)
{
	for (; s; s = s->next) {
		if (s->kind == KCL_STMT_ATTR && str_eq(s->attr.name.s, name))
			return true;
		if (s->kind == KCL_STMT_UNIFICATION && str_eq(s->unification.name.s, name))
			return true;
		if (s->kind == KCL_STMT_AUG_ASSIGN && str_eq(s->aug_assign.target.name.s, name))
			return true;
		if (s->kind == KCL_STMT_IF && (assigns(s->if_stmt.body, name) || assigns(s->if_stmt.orelse, name)))
			return true;
		for (uint32_t i = 0; s->kind == KCL_STMT_ASSIGN && i < s->assign.len; i++)
			if (str_eq(s->assign.targets[i].name.s, name))
				return true;
	}
	return false;
}

/* ---- bases and protocols ---- */

static const struct kcl_type *protocol_of(struct checker *c, const struct kcl_names *names)
{
	struct kcl_span span = check_names_span(names);
	const struct kcl_type *t = type_of_names(c, names);

	if (t->tag == KCL_T_SCHEMA && t->schema->is_protocol && !t->schema->is_instance)
		return t;
	check_error(c, "IllegalInheritError", &span, "invalid schema inherit object type, expect protocol, got '%s'",
	            check_shown(c, t));
	return NULL;
}

static const struct kcl_type *host_of_schema(struct checker *c, const struct kcl_schema_stmt *s)
{
	if (s->for_host.len == 0)
		return NULL;
	if (s->is_mixin)
		return protocol_of(c, &s->for_host);

	struct kcl_span span = check_names_span(&s->for_host);

	check_error(c, "IllegalInheritError", &span, "only schema mixin can inherit from protocol");
	return NULL;
}

static const struct kcl_type *base_of(struct checker *c, const struct kcl_schema_stmt *s)
{
	if (s->parent.len == 0)
		return NULL;

	struct kcl_span span = check_names_span(&s->parent);
	const struct kcl_type *t = type_of_names(c, &s->parent);

	if (t->tag == KCL_T_SCHEMA && !t->schema->is_protocol && !t->schema->is_mixin && !t->schema->is_instance &&
	    !t->schema->is_rule)
		return t;
	check_error(c, "IllegalInheritError", &span, "invalid schema inherit object type, expect schema, got '%s'",
	            check_shown(c, t));
	return NULL;
}

/* Whether to is, or inherits from, from. */
static bool leads_to(const struct kcl_type *to, const struct kcl_schema_type *from)
{
	for (const struct kcl_schema_type *s = to->schema; s; s = s->base ? s->base->schema : NULL)
		if (str_eq(s->name, from->name) && str_eq(s->package, from->package))
			return true;
	return false;
}

/* A base that leads back to the schema is reported, and none. */
static void set_base(struct checker *c, struct kcl_schema_type *type, const struct kcl_type *base,
                     const struct kcl_span *span)
{
	const char *from = kcl_type_shown_full(&(struct kcl_type){ .tag = KCL_T_SCHEMA, .schema = type }, c->arena);

	if (!base)
		return;
	kcl_graph_add(&c->inheritance, from, kcl_type_shown_full(base, c->arena), type->file, span);
	if (!leads_to(base, type)) {
		type->base = base;
		return;
	}
	check_circle(c, &c->inheritance, from, "schemas");
	if (base->schema == type)
		check_error(c, "CompileError", span, "There is a circular reference between schemas %s", from);
}

/* ---- attributes ---- */

/* From `name: type` and, in a schema, `name: Schema {}`. False for other statements. */
static bool read_attr(struct checker *c, const struct kcl_stmt *s, struct kcl_attr_type *ret)
{
	*ret = (struct kcl_attr_type){ .file = c->module->module->file, .span = s->span };
	if (s->kind == KCL_STMT_UNIFICATION) {
		ret->name = s->unification.name.s;
		ret->type = type_of_names(c, &s->unification.value->schema.name);
		ret->has_default = true;
		ret->default_value = s->unification.value;
		return true;
	}
	if (s->kind != KCL_STMT_ATTR)
		return false;
	ret->name = s->attr.name.s;
	ret->type = check_type_expr(c, s->attr.type, &s->attr.type->span);
	ret->is_optional = s->attr.is_optional;
	/* a literal type is its own default */
	ret->has_default = s->attr.value || (!s->attr.is_optional && s->attr.type->kind == KCL_TYPE_LITERAL);
	ret->default_value = s->attr.value;
	ret->doc = s->attr.doc;
	ret->decorators = s->attr.decorators.len > 0 ? &s->attr.decorators : NULL;
	return true;
}

static void check_attr_change(struct checker *c, const struct kcl_schema_type *type, const struct kcl_attr_type *attr,
                              const struct kcl_attr_type *first)
{
	const struct kcl_attr_type *inherited = type->base ? kcl_schema_attr(type->base->schema, attr->name) : NULL;
	const struct kcl_type *base_type = inherited ? inherited->type : check_any();

	if (!kcl_type_is_upper_bound(c->types, first->type, attr->type) ||
	    !kcl_type_is_upper_bound(c->types, base_type, attr->type))
		check_error(c, "TypeError", &attr->span, "can't change schema field type of '%s' from %s to %s", attr->name,
		            check_shown(c, first->type), check_shown(c, attr->type));
	if (attr->is_optional && !first->is_optional)
		check_error(c, "TypeError", &attr->span, "can't change the required schema attribute of '%s' to optional",
		            attr->name);
}

static const char *index_text(struct checker *c, const struct kcl_index_type *index)
{
	return arena_printf(c->arena, "[%s%s%s%s]: %s", index->key_name ? index->key_name : "", index->key_name ? ": " : "",
	                    index->any_other ? "..." : "", check_shown(c, index->key), check_shown(c, index->value));
}

static void check_attr_index(struct checker *c, const struct kcl_schema_type *type, const struct kcl_attr_type *attr)
{
	const struct kcl_index_type *index = type->index;

	if (index && !index->any_other && !kcl_type_is_upper_bound(c->types, index->value, attr->type))
		check_error(c, "IndexSignatureError", &attr->span,
		            "the type '%s' of schema attribute '%s' does not meet the index signature definition %s",
		            check_shown(c, attr->type), attr->name, index_text(c, index));
}

static void define_attrs(struct checker *c, struct kcl_schema_type *type)
{
	const struct kcl_schema_stmt *schema = type->stmt;
	uint32_t n = 0;

	for (const struct kcl_stmt *s = schema->body; s; s = s->next)
		n += s->kind == KCL_STMT_ATTR || s->kind == KCL_STMT_UNIFICATION;
	type->attrs = arena_alloc(c->arena, (n + 1) * sizeof(*type->attrs));
	type->attrs_len = 0;
	type->attr_index = kcl_scope_new(c->arena, NULL);
	for (const struct kcl_stmt *s = schema->body; s; s = s->next) {
		struct kcl_attr_type attr;

		if (!read_attr(c, s, &attr))
			continue;
		if (s->kind == KCL_STMT_ATTR)
			check_decorators(c, &s->attr.decorators);

		const struct kcl_attr_type *first = kcl_schema_own_attr(type, attr.name);

		if (!first) {
			const struct kcl_attr_type *inherited = type->base ? kcl_schema_attr(type->base->schema, attr.name) : NULL;
			const struct kcl_object at = { .name = attr.name, .span.line = type->attrs_len };
			struct kcl_attr_type *added = &type->attrs[type->attrs_len++];

			kcl_scope_put(type->attr_index, c->arena, &at);
			*added = attr;
			if (inherited)
				added->is_optional = inherited->is_optional;
			first = added;
		}
		check_attr_change(c, type, &attr, first);
		check_attr_index(c, type, &attr);
	}
}

/* ---- index signatures, mixins, parameters ---- */

static void define_index(struct checker *c, struct kcl_schema_type *type)
{
	const struct kcl_index_signature *sig = type->stmt->index_signature;
	struct kcl_index_type *index;

	if (!sig)
		return;
	index = arena_alloc(c->arena, sizeof(*index));
	index->key_name = sig->key_name.s;
	index->any_other = sig->any_other;
	if (index->key_name && assigns(type->stmt->body, index->key_name))
		check_error(c, "IndexSignatureError", &sig->span,
		            "index signature attribute name '%s' cannot have the same name as schema attributes",
		            index->key_name);
	index->key = check_type_expr(c, sig->key, &sig->key->span);
	index->value = check_type_expr(c, sig->value, &sig->value->span);
	if (!kcl_type_all_of(index->key, 1u << KCL_T_STR))
		check_error(c, "IndexSignatureError", &type->stmt->name.span, "invalid index signature key type: '%s'",
		            check_shown(c, index->key));
	type->index = index;
}

static void define_mixins(struct checker *c, struct kcl_schema_type *type)
{
	const struct kcl_schema_stmt *schema = type->stmt;
	uint32_t n = 0;

	if (schema->mixins_len == 0)
		return;
	type->mixins = arena_alloc(c->arena, schema->mixins_len * sizeof(*type->mixins));
	for (uint32_t i = 0; i < schema->mixins_len; i++) {
		const struct kcl_names *names = &schema->mixins[i];
		const char *last = names->items[names->len - 1].s;
		struct kcl_span span = check_names_span(names);

		if (!str_ends_with(last, "Mixin"))
			check_error(c, "NameError", &span, "a valid mixin name should end with 'Mixin', got '%s'", last);

		const struct kcl_type *t = type_of_names(c, names);

		if (t->tag == KCL_T_SCHEMA && t->schema->is_mixin && !t->schema->is_protocol && !t->schema->is_instance)
			type->mixins[n++] = t;
		else
			check_error(c, "IllegalInheritError", &span, "illegal schema mixin object type, expected mixin, got '%s'",
			            check_shown(c, t));
	}
	type->mixins_len = n;
}

static void define_params(struct checker *c, struct kcl_schema_type *type)
{
	const struct kcl_params *params = &type->stmt->params;

	for (uint32_t i = 0; i < params->len; i++)
		if (assigns(type->stmt->body, params->items[i].name.s))
			check_error(c, "CompileError", &params->items[i].name.span,
			            "Unexpected parameter name '%s' with the same name as the schema attribute",
			            params->items[i].name.s);
	type->function = check_function_type(c, params, check_any(), false);
}

/* ---- schemas ---- */

static bool has_only_attrs(const struct kcl_schema_stmt *s)
{
	if (s->params.len > 0 || s->mixins_len > 0 || s->checks.len > 0)
		return false;
	for (const struct kcl_stmt *stmt = s->body; stmt; stmt = stmt->next)
		if (stmt->kind != KCL_STMT_ATTR)
			return false;
	return true;
}

static void check_schema_head(struct checker *c, const struct kcl_schema_stmt *s)
{
	struct kcl_span end = s->name.span;

	end.line = end.end_line;
	end.column = end.end_column;
	if (is_reserved(s->name.s))
		check_error(c, "CompileError", &s->name.span,
		            "schema name '%s' cannot be the same as the built-in types ([\"any\", \"int\", \"float\", \"str\", "
		            "\"bool\"])",
		            s->name.s);
	if (s->is_protocol && !str_ends_with(s->name.s, "Protocol"))
		check_error(c, "CompileError", &end, "schema protocol name must end with 'Protocol'");
	if (s->is_protocol && !has_only_attrs(s))
		check_error(c, "CompileError", &s->name.span, "a protocol is only allowed to define attributes in it");
}

static void define_schema(struct checker *c, struct kcl_schema_type *type)
{
	const struct kcl_schema_stmt *s = type->stmt;
	const struct kcl_type *base = base_of(c, s);

	type->protocol = host_of_schema(c, s);
	check_schema_head(c, s);
	set_base(c, type, base, &s->name.span);
	if (base && str_ends_with(base->schema->name, "Mixin"))
		check_error(c, "IllegalInheritError", &s->name.span, "mixin inheritance %s is prohibited", base->schema->name);
	define_index(c, type);
}

static void define_rule(struct checker *c, struct kcl_schema_type *type)
{
	const struct kcl_rule_stmt *rule = type->rule;
	uint32_t n = 0;

	if (rule->for_host.len > 0)
		type->protocol = protocol_of(c, &rule->for_host);
	if (is_reserved(rule->name.s))
		check_error(c, "CompileError", &rule->name.span,
		            "rule name '%s' cannot be the same as the built-in types ([\"any\", \"int\", \"float\", \"str\", "
		            "\"bool\"])",
		            rule->name.s);
	if (rule->parents_len > 0)
		type->mixins = arena_alloc(c->arena, rule->parents_len * sizeof(*type->mixins));
	for (uint32_t i = 0; i < rule->parents_len; i++) {
		struct kcl_span span = check_names_span(&rule->parents[i]);
		const struct kcl_type *t = type_of_names(c, &rule->parents[i]);

		if (t->tag != KCL_T_SCHEMA || !t->schema->is_rule || t->schema->is_instance) {
			check_error(c, "IllegalInheritError", &span, "illegal rule type '%s'", check_shown(c, t));
			continue;
		}
		kcl_graph_add(&c->inheritance, type->name, t->schema->name, type->file, &rule->name.span);
		check_circle(c, &c->inheritance, type->name, "rules");
		type->mixins[n++] = t;
	}
	type->mixins_len = n;
	type->function = check_function_type(c, &rule->params, check_any(), false);
	check_decorators(c, &rule->decorators);
	if (type->protocol)
		type->index = type->protocol->schema->index;
}

/* ---- all of a package ---- */

static void sync_instance(struct schema_pair *pair)
{
	pair->of_instance = pair->of_definition;
	pair->of_instance.is_instance = true;
}

/* Attributes follow when all bases are known, as a schema may be declared before its base. */
static void define_rest(struct checker *c, struct kcl_schema_type *type)
{
	define_attrs(c, type);
	define_mixins(c, type);
	define_params(c, type);
	check_decorators(c, &type->stmt->decorators);
}

/* A base's attributes are to be there first. */
static void define_in_order(struct checker *c, struct schema_pair *pair, unsigned depth)
{
	struct kcl_schema_type *type = &pair->of_definition;
	const struct kcl_type *base = type->base;

	if (type->is_rule || type->attrs)
		return;
	if (base && base->schema->package == type->package && depth < 200)
		define_in_order(c, (struct schema_pair *)base, depth + 1);
	for (uint32_t i = 0; i < c->package->source->modules_len; i++)
		if (c->package->modules[i].module->file == type->file)
			c->module = &c->package->modules[i];
	define_rest(c, type);
	sync_instance(pair);
}

void check_define_schemas(struct checker *c)
{
	const struct kcl_scope *definitions = c->package->definitions;

	for (int pass = 0; pass < 2; pass++) {
		for (uint32_t i = 0; i < definitions->len; i++) {
			struct schema_pair *pair = (struct schema_pair *)definitions->items[i]->type;
			struct kcl_schema_type *type = &pair->of_definition;

			for (uint32_t j = 0; j < c->package->source->modules_len; j++)
				if (c->package->modules[j].module->file == type->file)
					c->module = &c->package->modules[j];
			if (pass == 1)
				define_in_order(c, pair, 0);
			else if (type->is_rule)
				define_rule(c, type);
			else
				define_schema(c, type);
			sync_instance(pair);
		}
	}
}
