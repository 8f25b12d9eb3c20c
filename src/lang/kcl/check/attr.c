/* Attributes and items: a.b, a[b]. */

#include "base/str.h"
#include "check/checker.h"
#include "check/suggest.h"

const struct kcl_type *check_schema_value(const struct kcl_schema_type *s)
{
	return s->index ? s->index->value : check_any();
}

static const struct kcl_type *dict_attr(const struct kcl_type *t, const char *attr)
{
	for (uint32_t i = 0; i < t->dict.attrs_len; i++)
		if (str_eq(t->dict.attrs[i].name, attr))
			return t->dict.attrs[i].type;
	return t->dict.value;
}

/* Schema.instances(full_pkg) */
static const struct kcl_type *instances_method(struct checker *c, const struct kcl_type *self)
{
	struct kcl_type *f = arena_alloc(c->arena, sizeof(*f));

	f->tag = KCL_T_FUNCTION;
	f->function.len = 1;
	f->function.params = arena_alloc(c->arena, sizeof(*f->function.params));
	f->function.names = arena_alloc(c->arena, sizeof(*f->function.names));
	f->function.has_default = arena_alloc(c->arena, 1);
	f->function.params[0] = kcl_type_basic(KCL_T_BOOL);
	f->function.names[0] = "full_pkg";
	f->function.has_default[0] = true;
	f->function.result = kcl_type_list(c->types, check_any());
	f->function.self = self;
	return f;
}

static const struct kcl_type *schema_attr(struct checker *c, const struct kcl_type *t, const char *attr)
{
	const struct kcl_schema_type *s = t->schema;
	const struct kcl_attr_type *found = kcl_schema_attr(s, attr);

	if (found)
		return found->type;
	if (s->is_mixin || s->index)
		return check_any();
	return !s->is_instance && str_eq(attr, "instances") ? instances_method(c, t) : NULL;
}

static const struct kcl_type *package_attr(struct checker *c, const struct kcl_type *t, const char *attr,
                                           const struct kcl_span *span)
{
	const char *path = t->module.package;
	struct kcl_checked_package *package = check_find_package(c->out, path);
	const struct kcl_object *o;

	if (!package) {
		if (check_is_system_module(path))
			return check_module_member(c, path, attr);
		return check_any(); /* a plugin's, or missing, which whoever loads it reports */
	}
	o = kcl_scope_find(package->scope, attr);
	if (o && o->type->tag == KCL_T_MODULE)
		check_error(c, "CompileError", span, "can not import the attribute '%s' from the module '%s'", attr, path);
	return o ? o->type : NULL;
}

static const struct kcl_type *find_attr(struct checker *c, const struct kcl_type *t, const char *attr,
                                        const struct kcl_span *span)
{
	switch (t->tag) {
	case KCL_T_ANY:
	case KCL_T_UNION:
		return check_any();
	case KCL_T_STR:
		return check_str_method(c, attr);
	case KCL_T_LITERAL:
		return t->literal.of == KCL_T_STR ? check_str_method(c, attr) : NULL;
	case KCL_T_DICT:
		return dict_attr(t, attr);
	case KCL_T_SCHEMA:
		return schema_attr(c, t, attr);
	case KCL_T_MODULE:
		return package_attr(c, t, attr, span);
	default:
		return NULL;
	}
}

const struct kcl_type *check_attr(struct checker *c, const struct kcl_type *t, const char *attr,
                                  const struct kcl_span *span)
{
	const struct kcl_type *found = find_attr(c, t, attr, span);

	if (found)
		return found;

	struct suggestions s = { .name = attr, .work = &c->suggested };

	if (t->tag == KCL_T_SCHEMA && !t->schema->is_instance)
		suggest_name(&s, "instances");
	for (uint32_t i = 0; t->tag == KCL_T_SCHEMA && t->schema->is_instance && i < t->schema->attrs_len; i++)
		suggest_name(&s, t->schema->attrs[i].name);

	_cleanup_free_ char *meant = suggest_text(&s, true);

	check_error(c, "TypeError", span, "attribute '%s' not found in '%s'%s", *attr ? attr : "[missing name]",
	            check_shown(c, t), meant);
	return check_any();
}

/* ---- items ---- */

/* By a key; value is what items have of which nothing more is known. */
static const struct kcl_type *keyed_item(struct checker *c, const struct kcl_type *t, const struct kcl_type *value,
                                         const struct kcl_expr *index, const struct kcl_span *span)
{
	const struct kcl_type *key = check_expr(c, index);

	if (key->tag == KCL_T_NONE || key->tag == KCL_T_ANY)
		return value;
	if (!kcl_type_is_key(key)) {
		check_error(c, "CompileError", span, "invalid dict/schema key type: '%s'", check_shown(c, key));
		return check_any();
	}
	return kcl_type_is_literal_str(key) ? check_attr(c, t, key->literal.s, span) : value;
}

static const struct kcl_type *not_subscriptable(struct checker *c, const struct kcl_type *t,
                                                const struct kcl_span *span)
{
	check_error(c, "CompileError", span, "'%s' object is not subscriptable", check_shown(c, t));
	return check_any();
}

const struct kcl_type *check_index(struct checker *c, const struct kcl_type *t, const struct kcl_expr *index,
                                   const struct kcl_span *span)
{
	if (t->tag == KCL_T_ANY)
		return t;
	if (kcl_type_is(t, KCL_T_STR) || t->tag == KCL_T_LIST) {
		check_must_be(c, index, kcl_type_basic(KCL_T_INT));
		return t->tag == KCL_T_LIST ? t->element : kcl_type_basic(KCL_T_STR);
	}
	if (t->tag == KCL_T_DICT)
		return keyed_item(c, t, t->dict.value, index, span);
	if (t->tag == KCL_T_SCHEMA)
		return keyed_item(c, t, check_schema_value(t->schema), index, span);
	return not_subscriptable(c, t, span);
}

static const struct kcl_type *slice(struct checker *c, const struct kcl_type *t, const struct kcl_expr *e)
{
	const struct kcl_expr *bounds[] = { e->subscript.lower, e->subscript.upper, e->subscript.step };
	const struct kcl_span *span = &e->subscript.object->span;

	if (t->tag == KCL_T_DICT || t->tag == KCL_T_SCHEMA) {
		check_error(c, "CompileError", span, "unhashable type: 'slice'");
		return check_any();
	}
	if (!kcl_type_is(t, KCL_T_STR) && t->tag != KCL_T_LIST)
		return not_subscriptable(c, t, span);
	for (int i = 0; i < 3; i++)
		if (bounds[i])
			check_must_be(c, bounds[i], kcl_type_basic(KCL_T_INT));
	return t->tag == KCL_T_LIST ? t : kcl_type_basic(KCL_T_STR);
}

const struct kcl_type *check_subscript(struct checker *c, const struct kcl_expr *e)
{
	const struct kcl_type *t = check_expr(c, e->subscript.object);

	if (t->tag == KCL_T_ANY)
		return t;
	if (e->subscript.is_slice)
		return slice(c, t, e);
	return check_index(c, t, e->subscript.index, &e->subscript.object->span);
}
