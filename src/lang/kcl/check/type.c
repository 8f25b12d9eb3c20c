/* Relations between types, and their texts. */

#include "check/type.h"

#include "base/buf.h"
#include "base/str.h"
#include "check/scope.h"
#include "check/types.h"

/* ---- asking ---- */

bool kcl_type_is_key(const struct kcl_type *t)
{
	if (t->tag != KCL_T_UNION)
		return kcl_type_is(t, KCL_T_STR);
	for (uint32_t i = 0; i < t->of_union.len; i++)
		if (!kcl_type_is_key(t->of_union.items[i]))
			return false;
	return true;
}

bool kcl_type_is_iterable(const struct kcl_type *t)
{
	return kcl_type_is(t, KCL_T_STR) || t->tag == KCL_T_LIST || t->tag == KCL_T_DICT || t->tag == KCL_T_SCHEMA;
}

bool kcl_type_all_of(const struct kcl_type *t, unsigned tags)
{
	if (t->tag == KCL_T_LITERAL)
		return tags >> t->literal.of & 1;
	if (t->tag != KCL_T_UNION)
		return tags >> t->tag & 1;
	for (uint32_t i = 0; i < t->of_union.len; i++)
		if (!kcl_type_all_of(t->of_union.items[i], tags))
			return false;
	return true;
}

#define MIXIN_DEPTH_MAX 32 /* of mixins in mixins */

const struct kcl_attr_type *kcl_schema_own_attr(const struct kcl_schema_type *s, const char *name)
{
	const struct kcl_object *found = s->attr_index ? kcl_scope_find(s->attr_index, name) : NULL;

	return found ? &s->attrs[found->span.line] : NULL;
}

static const struct kcl_attr_type *find_attr(const struct kcl_schema_type *s, const char *name, unsigned depth)
{
	const struct kcl_attr_type *attr;

	attr = kcl_schema_own_attr(s, name);
	if (attr)
		return attr;
	for (uint32_t i = 0; !s->is_rule && i < s->mixins_len && depth < MIXIN_DEPTH_MAX; i++) {
		attr = find_attr(s->mixins[i]->schema, name, depth + 1);
		if (attr)
			return attr;
	}
	return NULL;
}

const struct kcl_attr_type *kcl_schema_attr(const struct kcl_schema_type *s, const char *name)
{
	for (; s; s = s->base ? s->base->schema : s->protocol ? s->protocol->schema : NULL) {
		const struct kcl_attr_type *attr = find_attr(s, name, 0);

		if (attr)
			return attr;
	}
	return NULL;
}

/* ---- relations ---- */

static bool same_schema(const struct kcl_schema_type *a, const struct kcl_schema_type *b)
{
	return strcmp(a->name, b->name) == 0 && strcmp(a->package, b->package) == 0;
}

static bool is_sub_schema(const struct kcl_schema_type *a, const struct kcl_schema_type *b)
{
	for (; a; a = a->base ? a->base->schema : NULL)
		if (same_schema(a, b))
			return true;
	return false;
}

static bool same_literal(const struct kcl_type *a, const struct kcl_type *b)
{
	if (a->literal.of != b->literal.of)
		return false;
	if (a->literal.of == KCL_T_STR)
		return strcmp(a->literal.s, b->literal.s) == 0;
	if (a->literal.of == KCL_T_BOOL)
		return a->literal.b == b->literal.b;
	return a->literal.number.i == b->literal.number.i && a->literal.number.f == b->literal.number.f &&
	       a->literal.number.unit == b->literal.number.unit;
}

bool kcl_type_same(struct kcl_types *ts, const struct kcl_type *a, const struct kcl_type *b)
{
	if (a == b || !kcl_types_count(ts))
		return true;
	if (a->tag != b->tag)
		return false;
	switch (a->tag) {
	case KCL_T_LITERAL:
		return same_literal(a, b);
	case KCL_T_LIST:
		return kcl_type_same(ts, a->element, b->element);
	case KCL_T_DICT:
		return kcl_type_same(ts, a->dict.key, b->dict.key) && kcl_type_same(ts, a->dict.value, b->dict.value);
	case KCL_T_SCHEMA:
		return same_schema(a->schema, b->schema);
	case KCL_T_MODULE:
		return strcmp(a->module.package, b->module.package) == 0;
	case KCL_T_UNION:
		if (a->of_union.len != b->of_union.len)
			return false;
		for (uint32_t i = 0; i < a->of_union.len; i++)
			if (!kcl_type_same(ts, a->of_union.items[i], b->of_union.items[i]))
				return false;
		return true;
	case KCL_T_FUNCTION:
		return false;
	default:
		return true;
	}
}

static bool subsumes_literal(const struct kcl_type *a, const struct kcl_type *b)
{
	if (b->tag == KCL_T_LITERAL)
		return same_literal(a, b);
	if (b->tag == KCL_T_FLOAT) /* ints and bools are numbers, too */
		return a->literal.of != KCL_T_STR;
	return a->literal.of == b->tag;
}

/* Parameters the other way round: what a function is given must suit it. */
static bool subsumes_function(struct kcl_types *ts, const struct kcl_type *a, const struct kcl_type *b, bool any_left)
{
	if (a->function.len != b->function.len)
		return false;
	for (uint32_t i = 0; i < a->function.len; i++)
		if (!kcl_type_subsumes(ts, b->function.params[i], a->function.params[i], any_left))
			return false;
	return kcl_type_subsumes(ts, a->function.result, b->function.result, any_left);
}

static bool subsumes_union(struct kcl_types *ts, const struct kcl_type *a, const struct kcl_type *b)
{
	if (a->tag == KCL_T_UNION) {
		for (uint32_t i = 0; i < a->of_union.len; i++)
			if (!kcl_type_subsumes(ts, a->of_union.items[i], b, false))
				return false;
		return true;
	}
	for (uint32_t i = 0; i < b->of_union.len; i++)
		if (kcl_type_subsumes(ts, a, b->of_union.items[i], false))
			return true;
	return false;
}

bool kcl_type_subsumes(struct kcl_types *ts, const struct kcl_type *a, const struct kcl_type *b, bool any_left)
{
	if (a == b || !kcl_types_count(ts))
		return true;
	if ((any_left && a->tag == KCL_T_ANY) || b->tag == KCL_T_ANY || a->tag == KCL_T_NONE)
		return true;
	if (a->tag == KCL_T_UNION || b->tag == KCL_T_UNION)
		return subsumes_union(ts, a, b);
	if (a->tag == KCL_T_SCHEMA)
		return b->tag == KCL_T_SCHEMA && is_sub_schema(a->schema, b->schema);
	if (kcl_type_is(a, KCL_T_INT) && kcl_type_is(b, KCL_T_FLOAT))
		return true;
	if (kcl_type_is(a, KCL_T_UNIT) && kcl_type_is(b, KCL_T_UNIT))
		return b->tag == KCL_T_UNIT || (a->tag == KCL_T_LITERAL && same_literal(a, b));
	if (a->tag == KCL_T_LITERAL && a->literal.of != KCL_T_UNIT)
		return subsumes_literal(a, b);
	if (a->tag == KCL_T_LIST && b->tag == KCL_T_LIST)
		return kcl_type_subsumes(ts, a->element, b->element, any_left);
	if (a->tag == KCL_T_DICT && b->tag == KCL_T_DICT)
		return kcl_type_subsumes(ts, a->dict.key, b->dict.key, any_left) &&
		       kcl_type_subsumes(ts, a->dict.value, b->dict.value, any_left);
	if (a->tag == KCL_T_STR && kcl_type_is_literal_str(b))
		return true; /* found out when it runs */
	if (a->tag == KCL_T_FUNCTION && b->tag == KCL_T_FUNCTION)
		return subsumes_function(ts, a, b, any_left);
	return kcl_type_same(ts, a, b);
}

bool kcl_type_assignable(struct kcl_types *ts, const struct kcl_type *from, const struct kcl_type *to)
{
	return from->tag != KCL_T_VOID && from->tag != KCL_T_MODULE && kcl_type_subsumes(ts, from, to, true);
}

/* ---- texts ---- */

enum text_form { SHOWN, SHOWN_FULL, ANNOTATION };

#define TEXT_MAX 2000 /* bytes; what is longer is cut */

static void put_type(const struct kcl_type *t, enum text_form form, struct buf *out);

static const char *unit_name(enum kcl_unit unit)
{
	static const char *const names[] = { "",  "n", "u",  "m",  "k",  "K",  "M",  "G",
		                                 "T", "P", "Ki", "Mi", "Gi", "Ti", "Pi", "i" };

	return names[unit];
}

static void put_number(const struct kcl_type *t, enum text_form form, struct buf *out)
{
	const struct kcl_number *n = &t->literal.number;

	if (!n->is_float) {
		buf_printf(out, "%lld%s", (long long)n->i, unit_name(n->unit));
		return;
	}

	size_t at = out->len;

	buf_printf(out, "%.17g", n->f);
	for (int digits = 1; digits < 17; digits++) { /* the shortest text that reads back as the same number */
		_cleanup_free_ char *text = xasprintf("%.*g", digits, n->f);

		if (strtod(text, NULL) == n->f) {
			out->len = at;
			buf_puts(out, text);
			break;
		}
	}
	if (form == ANNOTATION && !strpbrk(buf_str(out) + at, ".einf"))
		buf_puts(out, ".0");
}

static void put_quoted(const char *s, struct buf *out)
{
	buf_putc(out, '"');
	for (; *s; s++) {
		if (*s == '"')
			buf_putc(out, '\\');
		buf_putc(out, *s);
	}
	buf_putc(out, '"');
}

static void put_literal(const struct kcl_type *t, enum text_form form, struct buf *out)
{
	static const char *const names[] = {
		[KCL_T_BOOL] = "bool",
		[KCL_T_INT] = "int",
		[KCL_T_FLOAT] = "float",
		[KCL_T_STR] = "str",
		[KCL_T_UNIT] = "number_multiplier",
	};
	bool bare = form == ANNOTATION && t->literal.of != KCL_T_UNIT;

	if (bare && t->literal.of == KCL_T_STR) {
		put_quoted(t->literal.s, out);
		return;
	}
	if (!bare)
		buf_printf(out, "%s(", names[t->literal.of]);
	if (t->literal.of == KCL_T_BOOL)
		buf_puts(out, t->literal.b ? "True" : "False");
	else if (t->literal.of == KCL_T_STR)
		buf_puts(out, t->literal.s);
	else
		put_number(t, form, out);
	if (!bare)
		buf_putc(out, ')');
}

static void put_function(const struct kcl_type *t, enum text_form form, struct buf *out)
{
	buf_putc(out, '(');
	for (uint32_t i = 0; i < t->function.len; i++) {
		if (i > 0)
			buf_puts(out, ", ");
		put_type(t->function.params[i], form, out);
	}
	buf_puts(out, ") -> ");
	put_type(t->function.result, form, out);
}

static void put_schema(const struct kcl_type *t, enum text_form form, struct buf *out)
{
	const char *package = t->schema->package;

	if (form != SHOWN && *package && !str_eq(package, "__main__"))
		buf_printf(out, "%s.", package);
	buf_puts(out, t->schema->name);
}

/* Of a list or dict. As it is mostly written, "[]" and "{str:}", any element goes without saying in an annotation. */
static void put_element(const struct kcl_type *t, enum text_form form, struct buf *out)
{
	if (form != ANNOTATION || t->tag != KCL_T_ANY)
		put_type(t, form, out);
}

static void put_type(const struct kcl_type *t, enum text_form form, struct buf *out)
{
	if (out->failed)
		return;
	switch (t->tag) {
	case KCL_T_LITERAL:
		put_literal(t, form, out);
		break;
	case KCL_T_LIST:
		buf_putc(out, '[');
		put_element(t->element, form, out);
		buf_putc(out, ']');
		break;
	case KCL_T_DICT:
		buf_putc(out, '{');
		put_element(t->dict.key, form, out);
		buf_putc(out, ':');
		put_element(t->dict.value, form, out);
		buf_putc(out, '}');
		break;
	case KCL_T_UNION:
		for (uint32_t i = 0; i < t->of_union.len; i++) {
			if (i > 0)
				buf_puts(out, " | ");
			put_type(t->of_union.items[i], form, out);
		}
		break;
	case KCL_T_SCHEMA:
		put_schema(t, form, out);
		break;
	case KCL_T_FUNCTION:
		put_function(t, form, out);
		break;
	case KCL_T_MODULE:
		buf_printf(out, "module '%s'", t->module.package);
		break;
	case KCL_T_NONE:
		buf_puts(out, form == ANNOTATION ? "None" : "NoneType");
		break;
	case KCL_T_UNIT:
		buf_puts(out, form == ANNOTATION ? t->text : "number_multiplier");
		break;
	default:
		buf_puts(out, t->text);
	}
}

static const char *text_of(const struct kcl_type *t, enum text_form form, struct arena *arena)
{
	_cleanup_buf_ struct buf out = BUF_INIT(TEXT_MAX);

	put_type(t, form, &out);
	return out.failed ? arena_printf(arena, "%s…", buf_str(&out)) : arena_strdup(arena, buf_str(&out));
}

const char *kcl_type_shown(const struct kcl_type *t, struct arena *arena)
{
	return text_of(t, SHOWN, arena);
}

const char *kcl_type_shown_full(const struct kcl_type *t, struct arena *arena)
{
	return text_of(t, SHOWN_FULL, arena);
}

const char *kcl_type_annotation(const struct kcl_type *t, struct arena *arena)
{
	return text_of(t, ANNOTATION, arena);
}
