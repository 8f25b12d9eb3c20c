#include "tools/data.h"

#include <math.h>

static void put_value(struct kcl_data_text *d, struct kcl_value v, const char *pointer);

static void note_line(struct kcl_data_text *d, const char *pointer)
{
	if (d->line >= d->pointers_cap) {
		unsigned cap = d->pointers_cap ? d->pointers_cap * 2 : 64;

		d->pointers = kcl_grow(d->text.h, d->pointers, d->pointers_cap, cap, sizeof(*d->pointers));
		for (unsigned i = d->pointers_cap; i < cap; i++)
			d->pointers[i] = "";
		d->pointers_cap = cap;
	}
	d->pointers[d->line] = pointer;
}

static void end_line(struct kcl_data_text *d, const char *next_pointer)
{
	kcl_text_putc(&d->text, '\n');
	d->line++;
	note_line(d, next_pointer);
}

/* RFC 6901 */
static const char *child_pointer(struct kcl_heap *h, const char *pointer, const struct kcl_str *key)
{
	struct kcl_text t = { .h = h };

	kcl_text_puts(&t, pointer);
	kcl_text_putc(&t, '/');
	for (uint32_t i = 0; i < key->len; i++) {
		if (key->s[i] == '~' || key->s[i] == '/')
			kcl_text_puts(&t, key->s[i] == '~' ? "~0" : "~1");
		else
			kcl_text_putc(&t, key->s[i]);
	}
	return kcl_text_str(&t).str->s;
}

/* A literal; where "${" would begin an interpolation, two of them added. */
static void put_string(struct kcl_text *t, const struct kcl_str *s)
{
	kcl_text_putc(t, '"');
	for (uint32_t i = 0; i < s->len; i++) {
		unsigned char c = (unsigned char)s->s[i];

		if (c == '{' && i > 0 && s->s[i - 1] == '$')
			kcl_text_puts(t, "\" + \"{");
		else if (c == '"' || c == '\\')
			kcl_text_printf(t, "\\%c", c);
		else if (c < 0x20 || c == 0x7f)
			kcl_text_printf(t, "\\x%02x", c);
		else
			kcl_text_putc(t, (char)c);
	}
	kcl_text_putc(t, '"');
}

/* A plain string where it can be one: the checker looks at those. */
static void put_key(struct kcl_text *t, const struct kcl_str *s)
{
	if (!memmem(s->s, s->len, "${", 2))
		return put_string(t, s);
	kcl_text_putc(t, '(');
	put_string(t, s);
	kcl_text_putc(t, ')');
}

static void put_dict(struct kcl_data_text *d, const struct kcl_dict *dict, const char *pointer)
{
	kcl_text_puts(&d->text, "{");
	for (uint32_t i = 0; i < dict->len; i++) {
		const char *child = child_pointer(d->text.h, pointer, dict->pairs[i].key);

		end_line(d, child);
		put_key(&d->text, dict->pairs[i].key);
		kcl_text_puts(&d->text, ": ");
		put_value(d, dict->pairs[i].value, child);
	}
	end_line(d, pointer);
	kcl_text_putc(&d->text, '}');
}

/* The items are Schema {…} when it is given. */
static void put_list(struct kcl_data_text *d, const struct kcl_list *l, const char *pointer, const char *schema)
{
	kcl_text_putc(&d->text, '[');
	for (uint32_t i = 0; i < l->len; i++) {
		const char *child = kcl_printf(d->text.h, "%s/%u", pointer, i);

		end_line(d, child);
		kcl_text_puts(&d->text, schema);
		put_value(d, l->items[i], child);
	}
	end_line(d, pointer);
	kcl_text_putc(&d->text, ']');
}

static void put_value(struct kcl_data_text *d, struct kcl_value v, const char *pointer)
{
	kcl_stack_check(d->text.h);
	kcl_steps(d->text.h, 1);
	switch ((enum kcl_kind)v.kind) {
	case KCL_DICT:
	case KCL_SCHEMA:
		return put_dict(d, kcl_as_dict(v), pointer);
	case KCL_LIST:
		return put_list(d, v.list, pointer, "");
	case KCL_STR:
		return put_string(&d->text, v.str);
	case KCL_INT:
		if (v.i < 0) /* the smallest one has no literal */
			return kcl_text_printf(&d->text, "(-%lld - 1)", (long long)-(v.i + 1));
		return kcl_text_put_value(&d->text, v);
	case KCL_FLOAT:
		return isfinite(v.f) ? kcl_text_put_value(&d->text, v) : kcl_text_puts(&d->text, "None");
	case KCL_BOOL:
		return kcl_text_put_value(&d->text, v);
	default:
		return kcl_text_puts(&d->text, "None");
	}
}

void kcl_put_data(struct kcl_data_text *d, const char *attribute, const char *schema, struct kcl_value v)
{
	d->line = 1;
	note_line(d, "");
	kcl_text_printf(&d->text, "%s = ", attribute);
	if (v.kind == KCL_LIST) {
		put_list(d, v.list, "", kcl_printf(d->text.h, "%s ", schema));
	} else {
		kcl_text_printf(&d->text, "%s ", schema);
		put_value(d, v, "");
	}
	kcl_text_putc(&d->text, '\n');
}

const char *kcl_data_pointer(const struct kcl_data_text *d, unsigned line)
{
	return line < d->pointers_cap ? d->pointers[line] : "";
}
