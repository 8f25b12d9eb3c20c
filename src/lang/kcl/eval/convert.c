#include "eval/run.h"

#include "base/str.h"
#include "eval/schema_table.h"

/* Types while a program runs: dicts become instances of the schema that a type asks for, and what fits no type fails.
 */

static const struct kcl_schema_code *schema_of(struct kcl_vm *vm, const struct kcl_type *t)
{
	return t->tag == KCL_T_SCHEMA ? kcl_schema_table_find(&vm->program->schema_table, t->schema) : NULL;
}

/* ---- whether a value has a type ---- */

static bool has_type(struct kcl_vm *vm, struct kcl_value v, const struct kcl_type *t, bool strict);

static bool is_literal(struct kcl_value v, const struct kcl_type *t)
{
	switch (t->literal.of) {
	case KCL_T_BOOL:
		return v.kind == KCL_BOOL && v.b == t->literal.b;
	case KCL_T_STR:
		return v.kind == KCL_STR && strcmp(v.str->s, t->literal.s) == 0;
	case KCL_T_FLOAT:
		return v.kind == KCL_FLOAT && v.f == t->literal.number.f;
	default:
		break;
	}
	const struct kcl_number *n = &t->literal.number;
	if (v.kind == KCL_UNIT)
		return v.unit->raw == n->i && v.unit->unit == n->unit;
	return v.kind == KCL_INT && n->unit == KCL_UNIT_NONE && v.i == n->i;
}

static bool is_instance_of(const struct kcl_schema_value *s, const struct kcl_type *t)
{
	return s->type && str_eq(s->type->schema->name, t->schema->name) &&
	       str_eq(s->type->schema->package, t->schema->package);
}

static bool all_have_type(struct kcl_vm *vm, struct kcl_value v, const struct kcl_type *t)
{
	kcl_stack_check(vm->h);
	if (!t || t->tag == KCL_T_ANY)
		return true;
	const struct kcl_dict *dict = kcl_as_dict(v);
	uint32_t len = dict ? dict->len : v.list->len;
	kcl_steps(vm->h, len);
	for (uint32_t i = 0; i < len; i++) {
		if (!has_type(vm, dict ? dict->pairs[i].value : v.list->items[i], t, false))
			return false;
	}
	return true;
}

static bool has_any_type(struct kcl_vm *vm, struct kcl_value v, const struct kcl_type *t)
{
	for (uint32_t i = 0; i < t->of_union.len; i++) {
		if (has_type(vm, v, t->of_union.items[i], false))
			return true;
	}
	return false;
}

static bool has_type(struct kcl_vm *vm, struct kcl_value v, const struct kcl_type *t, bool strict)
{
	if (!t || v.kind <= KCL_NONE)
		return true;
	switch (t->tag) {
	case KCL_T_ANY:
		return true;
	case KCL_T_UNION:
		return has_any_type(vm, v, t);
	case KCL_T_LITERAL:
		return is_literal(v, t);
	case KCL_T_UNIT:
		return v.kind == KCL_UNIT;
	case KCL_T_BOOL:
		return v.kind == KCL_BOOL;
	case KCL_T_INT:
		return v.kind == KCL_INT;
	case KCL_T_FLOAT:
		return v.kind == KCL_FLOAT || v.kind == KCL_INT;
	case KCL_T_STR:
		return v.kind == KCL_STR;
	case KCL_T_LIST:
		return v.kind == KCL_LIST && all_have_type(vm, v, t->element);
	case KCL_T_DICT:
		return v.kind == KCL_DICT && all_have_type(vm, v, t->dict.value);
	case KCL_T_SCHEMA:
		return v.kind == KCL_SCHEMA && (!strict || is_instance_of(v.schema, t));
	case KCL_T_FUNCTION:
		return v.kind == KCL_FUNCTION;
	case KCL_T_NONE:
	case KCL_T_VOID:
	case KCL_T_MODULE:
		return false;
	}
	return false;
}

/* ---- making it one ---- */

static bool declares_attr(const struct kcl_schema_code *s, const struct kcl_str *name)
{
	for (; s; s = s->parent) {
		for (uint32_t i = 0; i < s->attrs_len; i++) {
			if (kcl_str_equal(s->names[s->attrs[i].name], name))
				return true;
		}
	}
	return false;
}

/* Whether the dict could be the configuration of the schema. */
static bool fits_schema(const struct kcl_schema_code *s, const struct kcl_dict *config)
{
	if (s->layout->index)
		return true;
	for (uint32_t i = 0; i < config->len; i++) {
		const struct kcl_str *key = config->pairs[i].key;
		if (key->s[0] != '_' && !declares_attr(s, key))
			return false;
	}
	return true;
}

static struct kcl_value shape(struct kcl_vm *vm, struct kcl_value v, const struct kcl_type *t);

/* The items (or values of a dict) shaped; the same value when nothing changed. */
static struct kcl_value shape_all(struct kcl_vm *vm, struct kcl_value v, const struct kcl_type *t)
{
	struct kcl_value changed = v;
	bool is_list = v.kind == KCL_LIST, is_copied = false;
	kcl_stack_check(vm->h);
	if (!t || t->tag == KCL_T_ANY)
		return v;
	const struct kcl_dict *dict = kcl_as_dict(v);
	uint32_t len = dict ? dict->len : v.list->len;
	kcl_steps(vm->h, len);
	for (uint32_t i = 0; i < len; i++) {
		struct kcl_value item = is_list ? v.list->items[i] : dict->pairs[i].value;
		struct kcl_value shaped = shape(vm, item, t);
		if (shaped.kind == item.kind && shaped.i == item.i)
			continue;
		if (!is_copied)
			changed = kcl_copy(vm->h, v);
		is_copied = true;
		if (is_list)
			changed.list->items[i] = shaped;
		else
			changed.dict->pairs[i].value = shaped;
	}
	return changed;
}

static struct kcl_value shape_as_any_of(struct kcl_vm *vm, struct kcl_value v, const struct kcl_type *t)
{
	for (uint32_t i = 0; i < t->of_union.len; i++) {
		struct kcl_value shaped = shape(vm, v, t->of_union.items[i]);
		if (has_type(vm, shaped, t->of_union.items[i], false))
			return shaped;
	}
	return v;
}

static struct kcl_value shape(struct kcl_vm *vm, struct kcl_value v, const struct kcl_type *t)
{
	static const struct kcl_args none = { 0 };
	if (!t || (v.kind != KCL_LIST && v.kind != KCL_DICT))
		return v;
	switch (t->tag) {
	case KCL_T_UNION:
		return shape_as_any_of(vm, v, t);
	case KCL_T_LIST:
		return v.kind == KCL_LIST ? shape_all(vm, v, t->element) : v;
	case KCL_T_DICT:
		return v.kind == KCL_DICT ? shape_all(vm, v, t->dict.value) : v;
	case KCL_T_SCHEMA: {
		const struct kcl_schema_code *s = schema_of(vm, t);
		if (v.kind != KCL_DICT || !s || !fits_schema(s, kcl_as_dict(v)))
			return v;
		return kcl_instantiate(vm, s, kcl_as_dict(v), &none, kcl_place_here(vm));
	}
	default:
		return v;
	}
}

/* ---- failures ---- */

static const char *full_type_name(struct kcl_vm *vm, struct kcl_value v)
{
	if (v.kind == KCL_NONE)
		return "None";
	if (v.kind != KCL_SCHEMA || !v.schema->type || str_eq(v.schema->type->schema->package, "__main__"))
		return kcl_type_name(vm->h, v);
	return kcl_printf(vm->h, "%s.%s", v.schema->type->schema->package, v.schema->type->schema->name);
}

static bool same_folder(const char *a, const char *b)
{
	const char *end = a ? strrchr(a, '/') : NULL;
	size_t len = end ? (size_t)(end - a) + 1 : 0;

	return a && b && strncmp(a, b, len) == 0 && !strchr(b + len, '/');
}

/* A type as the program writes it: a schema goes by its bare name within its package. */
static const char *written_text(struct kcl_vm *vm, const struct kcl_schema_code *s, const struct kcl_type *t)
{
	if (s && vm->at && same_folder(s->file, vm->at->file))
		return s->name;
	return t->text ? t->text : "another type";
}

/* What keeps a dict or instance from being one of the schema. */
static const char *differences(struct kcl_vm *vm, const struct kcl_schema_code *s, const char *name_of_type,
                               const struct kcl_dict *config)
{
	const char *text = "";
	for (uint32_t i = 0; i < config->len && i < 100 && !s->layout->index; i++) {
		const struct kcl_str *key = config->pairs[i].key;
		if (key->s[0] != '_' && !declares_attr(s, key))
			text = kcl_printf(vm->h, "%s\nSchema %s does not contain attribute %s", text, name_of_type, key->s);
	}
	uint32_t named = 0;
	for (const struct kcl_schema_code *of = s; of; of = of->parent) {
		for (uint32_t i = 0; i < of->attrs_len && named < 100; i++) {
			const struct kcl_str *name = of->names[of->attrs[i].name];
			if (of->attrs[i].is_optional || kcl_dict_find(config, name))
				continue;
			text = kcl_printf(vm->h, "%s\nSchema %s's attribute %s is missing", text, name_of_type, name->s);
			named++;
		}
	}
	return text;
}

_Noreturn static void type_failed(struct kcl_vm *vm, struct kcl_value v, const struct kcl_type *t)
{
	const struct kcl_schema_code *s = schema_of(vm, t);
	const struct kcl_dict *config = kcl_as_dict(v);
	const char *text = written_text(vm, s, t), *details = s && config ? differences(vm, s, text, config) : "";
	kcl_raise(vm->h, "expect %s, got %s%s%s", text, full_type_name(vm, v), *details ? ". For details:" : "", details);
}

static bool requires_attrs(const struct kcl_schema_code *s)
{
	for (; s; s = s->parent) {
		for (uint32_t i = 0; i < s->attrs_len; i++) {
			if (s->attrs[i].is_required)
				return true;
		}
	}
	return false;
}

struct kcl_value kcl_convert(struct kcl_vm *vm, struct kcl_value v, const struct kcl_type *t, bool strict)
{
	if (!t || t->tag == KCL_T_ANY || v.kind <= KCL_NONE)
		return v;
	const struct kcl_code *at = vm->at;
	struct kcl_value shaped = shape(vm, v, t);
	bool fits = has_type(vm, shaped, t, strict);
	if (fits && t->tag == KCL_T_SCHEMA && kcl_as_dict(v) && !kcl_as_dict(v)->len) {
		const struct kcl_schema_code *s = schema_of(vm, t);
		fits = !s || !requires_attrs(s);
	}
	if (!fits)
		type_failed(vm, v, t);
	vm->at = at;
	return shaped;
}
