/* Config blocks against the schemas that they configure. */

#include "base/str.h"
#include "check/checker.h"
#include "check/suggest.h"
#include "diagnostic.h"

#define UNPACK_DEPTH_MAX 4 /* how far into `**value` is looked: schemas may hold themselves */

/* ---- what is expected ---- */

void check_expect_at(struct checker *c, const struct kcl_type *type, const char *file, const struct kcl_span *span)
{
	if (c->expected_len == c->expected_cap) {
		c->expected_cap = c->expected_cap ? c->expected_cap * 2 : 16;
		c->expected = xreallocarray(c->expected, c->expected_cap, sizeof(*c->expected));
	}
	c->expected[c->expected_len++] = (struct expectation){ .type = type, .file = file, .span = *span };
}

void check_expect(struct checker *c, const struct kcl_type *type)
{
	static const struct kcl_span nowhere;

	check_expect_at(c, type, NULL, &nowhere);
}

void check_expect_end(struct checker *c, uint32_t n)
{
	c->expected_len -= n;
}

const struct kcl_type *check_expected(const struct checker *c)
{
	return c->expected_len > 0 ? c->expected[c->expected_len - 1].type : NULL;
}

/* Of a schema; NULL when it has neither the attribute nor an index signature. */
static const struct kcl_type *member_type(const struct kcl_schema_type *s, const char *key)
{
	const struct kcl_attr_type *attr = kcl_schema_attr(s, key);

	return attr ? attr->type : s->index ? s->index->value : NULL;
}

static const struct kcl_type *union_member(struct checker *c, const struct kcl_type *t, const char *key)
{
	const struct kcl_type *result = kcl_type_basic(KCL_T_VOID);

	for (uint32_t i = 0; i < t->of_union.len; i++) {
		const struct kcl_type *item = t->of_union.items[i];
		const struct kcl_type *member = item->tag == KCL_T_SCHEMA ? member_type(item->schema, key)
		                                : item->tag == KCL_T_DICT ? item->dict.value
		                                                          : NULL;

		if (member)
			result = kcl_type_sup2(c->types, result, member);
	}
	return result->tag == KCL_T_VOID ? check_any() : result;
}

/* Values of what a container holds are defined where it is. */
void check_expect_key(struct checker *c, const char *key)
{
	const struct kcl_type *t = check_expected(c);

	if (!t || !*key) {
		check_expect(c, NULL);
		return;
	}

	struct expectation outer = c->expected[c->expected_len - 1];
	const struct kcl_attr_type *attr = t->tag == KCL_T_SCHEMA ? kcl_schema_attr(t->schema, key) : NULL;

	switch (t->tag) {
	case KCL_T_LIST:
		check_expect_at(c, t->element, outer.file, &outer.span);
		break;
	case KCL_T_DICT:
		check_expect_at(c, t->dict.value, outer.file, &outer.span);
		break;
	case KCL_T_SCHEMA:
		if (attr)
			check_expect_at(c, attr->type, attr->file, &attr->span);
		else
			check_expect_at(c, t->schema->index ? t->schema->index->value : NULL, outer.file, &outer.span);
		break;
	case KCL_T_UNION:
		check_expect_at(c, union_member(c, t, key), outer.file, &outer.span);
		break;
	default:
		check_expect(c, NULL);
	}
}

/* ---- attributes that a schema has not ---- */

/* Where an unpacked value has an attribute; it is in another place than the message. */
static void note_attr(struct kcl_diagnostic *d, const struct kcl_attr_type *attr)
{
	if (attr)
		kcl_diagnostic_relate(d, attr->file, attr->span.line, attr->span.column, "config attribute is defined here");
}

static void no_member(struct checker *c, const char *attr, const struct kcl_schema_type *s, const struct kcl_span *span,
                      const struct kcl_attr_type *unpacked)
{
	struct suggestions near = { .name = attr, .work = &c->suggested };
	bool by_key = s->index != NULL;
	const struct kcl_type *key = by_key ? s->index->key : NULL;

	for (uint32_t i = 0; !by_key && i < s->attrs_len; i++)
		suggest_name(&near, s->attrs[i].name);
	if (by_key && kcl_type_is_literal_str(key))
		suggest_name(&near, key->literal.s);
	for (uint32_t i = 0; by_key && key->tag == KCL_T_UNION && i < key->of_union.len; i++)
		if (kcl_type_is_literal_str(key->of_union.items[i]))
			suggest_name(&near, key->of_union.items[i]->literal.s);

	_cleanup_free_ char *meant = suggest_text(&near, true);

	note_attr(check_error(c, "CompileError", span, "Cannot add member '%s' to schema '%s'%s", attr, s->name, meant),
	          unpacked);
}

/* Whether an index signature whose key is a literal, or one of several, allows it. */
static bool key_allowed(const struct kcl_type *key, const char *attr)
{
	bool has_literal = false;

	if (kcl_type_is_literal_str(key))
		return str_eq(key->literal.s, attr);
	if (key->tag != KCL_T_UNION)
		return true;
	for (uint32_t i = 0; i < key->of_union.len; i++) {
		has_literal = true;
		if (kcl_type_is_literal_str(key->of_union.items[i]) && str_eq(key->of_union.items[i]->literal.s, attr))
			return true;
	}
	return !has_literal;
}

static void check_union_attr(struct checker *c, const char *attr, const struct kcl_type *type,
                             const struct kcl_span *span, const struct kcl_attr_type *unpacked)
{
	_cleanup_buf_ struct buf names = BUF_INIT(1000);
	struct suggestions near = { .name = attr, .work = &c->suggested };
	const char *only = NULL;
	unsigned n = 0;

	for (uint32_t i = 0; i < type->of_union.len; i++) {
		const struct kcl_type *t = type->of_union.items[i];

		if (t->tag == KCL_T_DICT)
			return;
		if (t->tag != KCL_T_SCHEMA)
			continue;
		if (kcl_schema_attr(t->schema, attr) || t->schema->is_mixin || t->schema->index)
			return;
		for (uint32_t j = 0; j < t->schema->attrs_len; j++)
			suggest_name(&near, t->schema->attrs[j].name);
		only = t->schema->name;
		buf_printf(&names, "%s\"%s\"", n++ > 0 ? ", " : "", t->schema->name);
	}
	if (n == 0)
		return;

	_cleanup_free_ char *meant = suggest_text(&near, true);
	_cleanup_free_ char *schemas = n > 1 ? xasprintf("schemas [%s]", buf_str(&names)) : xasprintf("schema %s", only);

	note_attr(check_error(c, "CompileError", span, "Cannot add member '%s' to '%s'%s", attr, schemas, meant), unpacked);
}

/* unpacked: the attribute of the value of a `**` that it is about; NULL. */
static void check_member(struct checker *c, const char *attr, const struct kcl_type *type, const struct kcl_span *span,
                         const struct kcl_attr_type *unpacked)
{
	if (type->tag == KCL_T_UNION) {
		check_union_attr(c, attr, type, span, unpacked);
		return;
	}
	if (type->tag != KCL_T_SCHEMA)
		return;

	const struct kcl_schema_type *s = type->schema;

	if (!s->index) {
		if (!s->is_mixin && !kcl_schema_attr(s, attr))
			no_member(c, attr, s, span, unpacked);
	} else if (!s->index->any_other && !key_allowed(s->index->key, attr)) {
		no_member(c, attr, s, span, unpacked);
	}
}

void check_config_attr(struct checker *c, const char *attr, const struct kcl_type *type, const struct kcl_span *span)
{
	check_member(c, attr, type, span, NULL);
}

/* Against what is expected here. */
static void check_expected_value(struct checker *c, const struct kcl_type *type, const struct kcl_span *span,
                                 const struct kcl_attr_type *unpacked)
{
	const struct expectation *e = &c->expected[c->expected_len - 1];

	if (check_fits(c, type, e->type, span))
		return;

	const char *wanted = check_shown(c, e->type), *got = check_shown(c, type);
	struct kcl_diagnostic *d = check_error(c, "TypeError", span, "expected %s, got %s", wanted, got);

	kcl_diagnostic_relate(d, e->file, e->span.line, e->span.column,
	                      "variable is defined here, its type is %s, but got %s", wanted, got);
	note_attr(d, unpacked);
}

void check_key_type(struct checker *c, const struct kcl_type *type, const struct kcl_span *span)
{
	if (type->tag != KCL_T_ANY && !kcl_type_is_key(type))
		check_error(c, "IllegalAttributeError", span, "A attribute must be string type, got '%s'",
		            check_shown(c, type));
}

/* ---- unpacked values ---- */

static void check_unpacked(struct checker *c, const struct kcl_type *type, const struct kcl_span *span, unsigned depth)
{
	const struct kcl_attr_type *attrs = type->tag == KCL_T_DICT     ? type->dict.attrs
	                                    : type->tag == KCL_T_SCHEMA ? type->schema->attrs
	                                                                : NULL;
	uint32_t n = !attrs ? 0 : type->tag == KCL_T_DICT ? type->dict.attrs_len : type->schema->attrs_len;
	const struct kcl_type *expected = check_expected(c);

	if (!expected || kcl_type_same(c->types, type, expected) || depth > UNPACK_DEPTH_MAX)
		return;
	for (uint32_t i = 0; i < n; i++) {
		if (!*attrs[i].name || !kcl_types_count(c->types))
			continue;
		check_member(c, attrs[i].name, expected, span, &attrs[i]);
		check_expect_key(c, attrs[i].name);
		if (check_expected(c)) {
			check_expected_value(c, attrs[i].type, span, &attrs[i]);
			check_unpacked(c, attrs[i].type, span, depth + 1);
		}
		check_expect_end(c, 1);
	}
}

const struct kcl_type *check_unpacked_key(struct checker *c, const struct kcl_type *type, const struct kcl_span *span)
{
	const struct kcl_type *key = kcl_type_basic(KCL_T_VOID);

	if (type->tag == KCL_T_NONE || type->tag == KCL_T_ANY)
		return type;
	if (type->tag == KCL_T_DICT)
		return type->dict.key;
	if (type->tag == KCL_T_SCHEMA)
		return kcl_type_basic(KCL_T_STR);
	if (type->tag == KCL_T_UNION && kcl_type_all_of(type, 1u << KCL_T_DICT | 1u << KCL_T_SCHEMA)) {
		for (uint32_t i = 0; i < type->of_union.len; i++)
			key = kcl_type_sup2(c->types, key, check_unpacked_key(c, type->of_union.items[i], span));
		return key;
	}
	check_error(c, "CompileError", span, "only dict and schema can be used ** unpack, got '%s'", check_shown(c, type));
	return NULL;
}

static const struct kcl_type *unpacked_value(struct checker *c, const struct kcl_type *type)
{
	const struct kcl_type *value = kcl_type_basic(KCL_T_VOID);

	if (type->tag == KCL_T_DICT)
		return type->dict.value;
	if (type->tag == KCL_T_SCHEMA)
		return check_schema_value(type->schema);
	if (type->tag != KCL_T_UNION)
		return type;
	for (uint32_t i = 0; i < type->of_union.len; i++)
		value = kcl_type_sup2(c->types, value, unpacked_value(c, type->of_union.items[i]));
	return value;
}

/* ---- entries ---- */

/* The type of a config block, as its entries are looked at. */
struct config {
	const struct kcl_type **keys, **values;
	size_t keys_len, values_len, cap;
	struct kcl_scope *attrs; /* name -> type, place */
};

static void add_types(struct config *config, const struct kcl_type *key, const struct kcl_type *value)
{
	if (config->keys_len == config->cap || config->values_len == config->cap) {
		config->cap = config->cap ? config->cap * 2 : 16;
		config->keys = xreallocarray(config->keys, config->cap, sizeof(*config->keys));
		config->values = xreallocarray(config->values, config->cap, sizeof(*config->values));
	}
	if (key)
		config->keys[config->keys_len++] = key;
	if (value)
		config->values[config->values_len++] = value;
}

static void add_attr(struct checker *c, struct config *config, const char *name, const struct kcl_type *type,
                     const struct kcl_span *span)
{
	const struct kcl_object *known = kcl_scope_find(config->attrs, name);
	const struct kcl_type *t = known ? kcl_type_sup2(c->types, known->type, type) : type;
	struct kcl_object o = { .name = name, .type = kcl_type_infer(c->types, t), .span = *span };

	kcl_scope_put(config->attrs, c->arena, &o);
	check_declare(c, name, t, KCL_OBJ_ATTRIBUTE, span);
}

static void add_unpacked(struct checker *c, struct config *config, const struct kcl_type *type,
                         const struct kcl_span *span)
{
	const struct kcl_type *key = check_unpacked_key(c, type, span);
	const struct kcl_attr_type *attrs = type->tag == KCL_T_DICT     ? type->dict.attrs
	                                    : type->tag == KCL_T_SCHEMA ? type->schema->attrs
	                                                                : NULL;
	uint32_t n = !attrs ? 0 : type->tag == KCL_T_DICT ? type->dict.attrs_len : type->schema->attrs_len;

	if (!key)
		return;
	if (type->tag == KCL_T_NONE || type->tag == KCL_T_ANY)
		add_types(config, NULL, type);
	else
		add_types(config, key, unpacked_value(c, type));
	for (uint32_t i = 0; i < n; i++) {
		struct kcl_object o = { .name = attrs[i].name, .type = attrs[i].type, .span = attrs[i].span };

		kcl_scope_put(config->attrs, c->arena, &o);
	}
}

/* `a.b.c: v` as `a: {b.c: v}`; e for other keys. */
static const struct kcl_config_entry *nest(struct checker *c, const struct kcl_config_entry *e)
{
	if (e->kind != KCL_ENTRY_PAIR || e->key->kind != KCL_EXPR_NAME || e->key->name.len < 2)
		return e;

	struct kcl_config_entry *outer = arena_alloc(c->arena, sizeof(*outer));
	struct kcl_config_entry *inner = arena_alloc(c->arena, sizeof(*inner));
	struct kcl_expr *keys = arena_alloc(c->arena, 3 * sizeof(*keys)), *value = &keys[2];
	const struct kcl_names *names = &e->key->name;

	keys[0] = (struct kcl_expr){ .kind = KCL_EXPR_NAME,
		                         .span = names->items[0].span,
		                         .name = { names->items, 1, NULL } };
	keys[1] = (struct kcl_expr){ .kind = KCL_EXPR_NAME,
		                         .span = { names->items[1].span.line, names->items[1].span.column,
		                                   e->key->span.end_line, e->key->span.end_column },
		                         .name = { names->items + 1, names->len - 1, NULL } };
	*inner = (struct kcl_config_entry){
		.kind = KCL_ENTRY_PAIR, .op = e->op, .span = e->span, .key = &keys[1], .value = e->value
	};
	*value = (struct kcl_expr){ .kind = KCL_EXPR_CONFIG, .span = e->value->span, .config = { inner } };
	value->span.line = names->items[1].span.line;
	value->span.column = names->items[1].span.column;
	*outer = (struct kcl_config_entry){ .kind = KCL_ENTRY_PAIR, .span = e->span, .key = &keys[0], .value = value };
	return outer;
}

static bool is_constant_index(const struct kcl_expr *e, bool negative_too)
{
	return e && (e->kind == KCL_EXPR_NUMBER ||
	             (negative_too && e->kind == KCL_EXPR_UNARY && e->unary.operand->kind == KCL_EXPR_NUMBER));
}

/* The name that a key says, when it says one; ret_name is "" for text that is only known when it runs. */
static bool key_name(const struct kcl_expr *key, bool negative_too, const char **ret_name)
{
	switch (key->kind) {
	case KCL_EXPR_NAME:
		*ret_name = key->name.items[0].s;
		return true;
	case KCL_EXPR_STRING:
		*ret_name = key->string.s;
		return true;
	case KCL_EXPR_SUBSCRIPT:
		*ret_name = key->subscript.object->kind == KCL_EXPR_NAME ? key->subscript.object->name.items[0].s : NULL;
		return *ret_name && !key->subscript.is_slice && is_constant_index(key->subscript.index, negative_too);
	case KCL_EXPR_JOINED:
	case KCL_EXPR_MISSING:
		*ret_name = "";
		return true;
	default:
		return false;
	}
}

/* Against what is expected here; the value's type, or NULL when nothing is expected, or of no key that is known. */
static const struct kcl_type *check_entry_value(struct checker *c, const struct kcl_expr *key,
                                                const struct kcl_expr *value)
{
	const struct kcl_type *expected = check_expected(c), *type;
	const char *name;

	if (!expected || key->kind == KCL_EXPR_JOINED || key->kind == KCL_EXPR_MISSING || !key_name(key, true, &name))
		return NULL;
	if (*name)
		check_config_attr(c, name, expected, &key->span);
	check_expect_key(c, name);
	type = check_expr(c, value);
	if (check_expected(c))
		check_expected_value(c, type, &key->span, NULL);
	check_expect_end(c, 1);
	return type;
}

/* With nothing expected: keys are no configs. */
static const struct kcl_type *check_key(struct checker *c, const struct kcl_expr *key)
{
	check_expect(c, NULL);

	const struct kcl_type *type = check_expr(c, key);

	check_expect_end(c, 1);
	return type;
}

static const struct kcl_type *check_name_entry(struct checker *c, struct config *config,
                                               const struct kcl_config_entry *e, const struct kcl_type *value)
{
	const char *name = e->key->name.items[0].s;

	if (!value)
		value = check_expr(c, e->value);

	const struct kcl_type *key = check_is_loop_var(c, name) ? check_key(c, e->key) : kcl_type_str(c->types, name);

	check_key_type(c, key, &e->key->span);
	add_attr(c, config, name, value, &e->key->span);
	add_types(config, key, value);
	return value;
}

static const struct kcl_type *check_other_entry(struct checker *c, struct config *config,
                                                const struct kcl_config_entry *e, const struct kcl_type *value)
{
	const char *name;

	if (e->key->kind == KCL_EXPR_SUBSCRIPT && key_name(e->key, true, &name)) {
		if (!value)
			value = check_expr(c, e->value);
		add_types(config, kcl_type_basic(KCL_T_STR),
		          e->op == KCL_ENTRY_INSERT ? value : kcl_type_list(c->types, value));
		return value;
	}

	const struct kcl_type *key = check_key(c, e->key);

	if (!value)
		value = check_expr(c, e->value);
	check_key_type(c, key, &e->key->span);
	if (e->key->kind == KCL_EXPR_STRING)
		add_attr(c, config, e->key->string.s, value, &e->key->span);
	add_types(config, key, value);
	return value;
}

static void check_pair(struct checker *c, struct config *config, const struct kcl_config_entry *e)
{
	const struct kcl_config_entry *nested = nest(c, e);
	const struct kcl_type *value = check_entry_value(c, nested->key, nested->value);
	const char *name;
	uint32_t n = 0;

	if (key_name(nested->key, false, &name)) {
		check_expect_key(c, name);
		n = 1;
	}
	value = nested->key->kind == KCL_EXPR_NAME ? check_name_entry(c, config, nested, value)
	                                           : check_other_entry(c, config, nested, value);
	if (nested->op == KCL_ENTRY_INSERT && value->tag != KCL_T_ANY && value->tag != KCL_T_LIST)
		check_error(c, "IllegalAttributeError", &nested->value->span, "only list type can in inserted, got '%s'",
		            check_shown(c, value));
	check_expect_end(c, n);
}

static const struct kcl_type *check_if_entry(struct checker *c, const struct kcl_config_entry *e)
{
	if (e->condition)
		check_expr(c, e->condition);

	const struct kcl_type *type = check_entries(c, e->entries);

	return e->orelse ? kcl_type_sup2(c->types, type, check_if_entry(c, e->orelse)) : type;
}

static const struct kcl_type *config_type(struct checker *c, const struct config *config)
{
	const struct kcl_scope *s = config->attrs;
	uint32_t n = s->len < KCL_ATTRS_MAX - c->types->attrs ? s->len : 0;
	struct kcl_attr_type *attrs = arena_alloc(c->arena, (n + 1) * sizeof(*attrs));

	c->types->attrs += n;
	for (uint32_t i = 0; i < n; i++)
		attrs[i] = (struct kcl_attr_type){ .name = s->items[i]->name,
			                               .type = s->items[i]->type,
			                               .file = c->module->module->file,
			                               .span = s->items[i]->span };
	return kcl_type_dict_of(c->types, kcl_type_sup(c->types, config->keys, config->keys_len),
	                        kcl_type_sup(c->types, config->values, config->values_len), attrs, n);
}

const struct kcl_type *check_entries(struct checker *c, const struct kcl_config_entry *entries)
{
	struct config config = { .attrs = kcl_scope_new(c->arena, NULL) };

	check_enter(c);
	for (const struct kcl_config_entry *e = entries; e; e = e->next) {
		if (e->kind == KCL_ENTRY_PAIR) {
			check_pair(c, &config, e);
			continue;
		}

		const struct kcl_span *span = e->kind == KCL_ENTRY_IF ? &e->span : &e->value->span;
		const struct kcl_type *type = e->kind == KCL_ENTRY_IF ? check_if_entry(c, e) : check_expr(c, e->value);

		check_unpacked(c, type, span, 0);
		add_unpacked(c, &config, type, span);
	}
	check_leave(c);

	const struct kcl_type *type = config_type(c, &config);

	free(config.keys);
	free(config.values);
	return type;
}
