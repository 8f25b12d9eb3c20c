#include "value/text.h"

#include "base/str.h"
#include "check/type.h"

#include <math.h>
#include <stdio.h>

/* ---- texts that grow ---- */

char *kcl_text_room(struct kcl_text *t, size_t n)
{
	size_t wanted;

	if (!size_add(t->len, n, &wanted) || (t->max && wanted > t->max))
		kcl_raise(t->h, "the text takes more than %zu bytes", t->max);
	if (wanted > t->cap || !t->data) {
		size_t cap = t->cap > 32 ? t->cap : 32;

		while (cap < wanted)
			cap = cap > SIZE_MAX / 2 ? wanted : cap * 2;
		t->data = kcl_grow(t->h, t->data, t->cap, cap, 1);
		t->cap = cap;
	}
	return t->data + t->len;
}

void kcl_text_fill(struct kcl_text *t, char c, size_t n)
{
	if (n > 0)
		memset(kcl_text_room(t, n), c, n);
	t->len += n;
}

void kcl_text_put_char(struct kcl_text *t, uint32_t c)
{
	char s[4];
	size_t n = 1;

	if (c < 0x80) {
		s[0] = (char)c;
	} else if (c < 0x800) {
		s[0] = (char)(0xc0 | (c >> 6));
		n = 2;
	} else if (c < 0x10000) {
		s[0] = (char)(0xe0 | (c >> 12));
		n = 3;
	} else {
		s[0] = (char)(0xf0 | (c >> 18));
		n = 4;
	}
	for (size_t i = 1; i < n; i++)
		s[i] = (char)(0x80 | ((c >> (6 * (n - 1 - i))) & 0x3f));
	kcl_text_put(t, s, n);
}

void kcl_text_printf(struct kcl_text *t, const char *fmt, ...)
{
	va_list ap, again;

	va_start(ap, fmt);
	va_copy(again, ap);
	int n = vsnprintf(NULL, 0, fmt, ap);

	va_end(ap);
	if (n > 0) {
		vsnprintf(kcl_text_room(t, (size_t)n + 1), (size_t)n + 1, fmt, again);
		t->len += (size_t)n;
	}
	va_end(again);
}

struct kcl_value kcl_text_str(const struct kcl_text *t)
{
	return kcl_str(t->h, t->data ? t->data : "", t->len);
}

/* ---- names ---- */

const char *kcl_unit_suffix(enum kcl_unit unit)
{
	static const char *const suffixes[] = {
		[KCL_UNIT_NONE] = "", [KCL_UNIT_n] = "n",   [KCL_UNIT_u] = "u",   [KCL_UNIT_m] = "m",
		[KCL_UNIT_k] = "k",   [KCL_UNIT_K] = "K",   [KCL_UNIT_M] = "M",   [KCL_UNIT_G] = "G",
		[KCL_UNIT_T] = "T",   [KCL_UNIT_P] = "P",   [KCL_UNIT_Ki] = "Ki", [KCL_UNIT_Mi] = "Mi",
		[KCL_UNIT_Gi] = "Gi", [KCL_UNIT_Ti] = "Ti", [KCL_UNIT_Pi] = "Pi", [KCL_UNIT_i] = "i",
	};
	return suffixes[unit];
}

const char *kcl_type_name(struct kcl_heap *h, struct kcl_value v)
{
	switch ((enum kcl_kind)v.kind) {
	case KCL_UNDEFINED:
		return "UndefinedType";
	case KCL_NONE:
		return "NoneType";
	case KCL_BOOL:
		return "bool";
	case KCL_INT:
		return "int";
	case KCL_FLOAT:
		return "float";
	case KCL_UNIT:
		return kcl_printf(h, "number_multiplier(%lld%s)", (long long)v.unit->raw, kcl_unit_suffix(v.unit->unit));
	case KCL_STR:
		return "str";
	case KCL_LIST:
		return "list";
	case KCL_DICT:
		return "dict";
	case KCL_SCHEMA:
		return v.schema->type ? v.schema->type->schema->name : "schema";
	case KCL_FUNCTION:
		return v.function->kind == KCL_FN_SCHEMA || v.function->kind == KCL_FN_RULE ? "type" : "function";
	case KCL_TYPE:
		return "type";
	}
	return "any";
}

/* ---- str() ---- */

/* Inside of a dict strings stand in quotes, of the kind that they do not hold. */
static void put_quoted(struct kcl_text *t, const struct kcl_str *s)
{
	bool has_double = memchr(s->s, '"', s->len), has_single = memchr(s->s, '\'', s->len);

	if (!has_double || !has_single) {
		kcl_text_putc(t, has_double ? '"' : '\'');
		kcl_text_put_str(t, s);
		kcl_text_putc(t, has_double ? '"' : '\'');
		return;
	}
	kcl_text_putc(t, '"');
	for (uint32_t i = 0; i < s->len; i++) {
		if (s->s[i] == '"')
			kcl_text_putc(t, '\\');
		kcl_text_putc(t, s->s[i]);
	}
	kcl_text_putc(t, '"');
}

static void put_dict(struct kcl_text *t, const struct kcl_dict *d)
{
	kcl_text_putc(t, '{');
	for (uint32_t i = 0; i < d->len; i++) {
		kcl_text_puts(t, i ? ", " : "");
		put_quoted(t, d->pairs[i].key);
		kcl_text_puts(t, ": ");
		if (d->pairs[i].value.kind == KCL_STR)
			put_quoted(t, d->pairs[i].value.str);
		else
			kcl_text_put_value(t, d->pairs[i].value);
	}
	kcl_text_putc(t, '}');
}

static void put_list(struct kcl_text *t, const struct kcl_list *l)
{
	kcl_text_putc(t, '[');
	for (uint32_t i = 0; i < l->len; i++) {
		kcl_text_puts(t, i ? ", " : "");
		kcl_text_put_value(t, l->items[i]);
	}
	kcl_text_putc(t, ']');
}

static void put_float(struct kcl_text *t, double f)
{
	char text[KCL_FLOAT_TEXT_SIZE];

	kcl_float_text(f, text);
	kcl_text_puts(t, text);
}

void kcl_text_put_value(struct kcl_text *t, struct kcl_value v)
{
	kcl_stack_check(t->h);
	kcl_steps(t->h, 1);
	switch ((enum kcl_kind)v.kind) {
	case KCL_UNDEFINED:
		return kcl_text_puts(t, "Undefined");
	case KCL_NONE:
		return kcl_text_puts(t, "None");
	case KCL_BOOL:
		return kcl_text_puts(t, v.b ? "True" : "False");
	case KCL_INT:
		return kcl_text_printf(t, "%lld", (long long)v.i);
	case KCL_FLOAT:
		return put_float(t, v.f);
	case KCL_UNIT:
		return kcl_text_printf(t, "%lld%s", (long long)v.unit->raw, kcl_unit_suffix(v.unit->unit));
	case KCL_STR:
		return kcl_text_put_str(t, v.str);
	case KCL_LIST:
		return put_list(t, v.list);
	case KCL_DICT:
	case KCL_SCHEMA:
		return put_dict(t, kcl_as_dict(v));
	case KCL_FUNCTION:
	case KCL_TYPE:
		return kcl_text_puts(t, "function");
	}
}

const struct kcl_str *kcl_to_str(struct kcl_heap *h, struct kcl_value v)
{
	if (v.kind == KCL_STR)
		return v.str;

	struct kcl_text t = { .h = h };

	kcl_text_put_value(&t, v);
	return kcl_text_str(&t).str;
}

/* ---- length ---- */

/* Code points: bytes that do not continue one. */
static uint32_t count_chars(const struct kcl_str *s)
{
	uint32_t n = 0;

	for (uint32_t i = 0; i < s->len; i++)
		n += ((uint8_t)s->s[i] & 0xc0) != 0x80;
	return n;
}

int64_t kcl_length(struct kcl_heap *h, struct kcl_value v)
{
	switch ((enum kcl_kind)v.kind) {
	case KCL_STR:
		if (v.str->chars == UINT32_MAX) {
			kcl_steps(h, v.str->len / 64);
			return count_chars(v.str);
		}
		return v.str->chars;
	case KCL_LIST:
		return v.list->len;
	case KCL_DICT:
	case KCL_SCHEMA:
		return kcl_as_dict(v)->len;
	default:
		kcl_raise(h, "object of type '%s' has no len()", kcl_type_name(h, v));
	}
}
