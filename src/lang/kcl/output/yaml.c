#include "output/entries.h"
#include "output/yaml_scalar.h"

#include <math.h>
#include <stdio.h>

/* Block style as libyaml's emitter writes it with serde_yaml's settings: two spaces, lists that are values as far left
 * as their key, lines never folded, characters beyond ASCII as they are. Unlike the emitter it needs no events and no
 * states: what an entry begins with is known from where it stands. */

#define INDENT 2
#define SIMPLE_KEY_MAX 128 /* bytes; a longer key takes the "? key" form */

static const struct kcl_write_options nothing_hidden;

struct writer {
	struct kcl_text *t;
	const struct kcl_write_options *o;
	bool open_ended; /* the last block of lines keeps empty ones at its end, whatever followed it */
};

/* Where a value stands: behind "key:", where a block begins on the next line, or behind "- ", "? ", ": " and at the
 * start of a document, where it begins at once. */
enum place { PLACE_VALUE, PLACE_INLINE, PLACE_ROOT };

static void put_value(struct writer *w, struct kcl_value v, size_t indent, enum place place);

static void put_indent(struct writer *w, size_t indent)
{
	kcl_text_fill(w->t, ' ', indent);
}

static double power_of_ten(int n)
{
	char text[16];

	snprintf(text, sizeof(text), "1e%d", n);
	return strtod(text, NULL);
}

/* Upstream writes YAML from what it reads of its own JSON, whose reader divides the digits by a power of ten and rounds
 * a second time: numbers of 16 or 17 digits come out as a neighbour. Goldens show that. */
static double through_json(double f)
{
	if (fabs(f) < 0x1p53 && f == (double)(int64_t)f)
		return f;

	struct kcl_digits d = kcl_float_digits(f);
	double digits = (double)strtoull(d.digits, NULL, 10), result;
	int exponent = d.point - d.len;

	if (fabs(f) < 1e16 && exponent >= 0)
		result = (double)((uint64_t)fabs(f) * 10) / 10; /* ".0" is a digit more */
	else if (exponent >= 0)
		result = digits * power_of_ten(exponent);
	else if (exponent >= -308)
		result = digits / power_of_ten(-exponent);
	else
		result = digits / 1e308 / power_of_ten(-exponent - 308);
	return d.negative ? -result : result;
}

static void put_float(struct writer *w, double f)
{
	char text[KCL_FLOAT_TEXT_SIZE];

	if (isfinite(f))
		kcl_text_put(w->t, text, kcl_float_document(through_json(f), text));
	else
		kcl_text_puts(w->t, "null");
}

/* Without the end of its line, which a literal block brings itself. */
static void put_scalar(struct writer *w, struct kcl_value v, size_t indent)
{
	switch ((enum kcl_kind)v.kind) {
	case KCL_BOOL:
		return kcl_text_puts(w->t, v.b ? "true" : "false");
	case KCL_INT:
		return kcl_text_put_value(w->t, v);
	case KCL_FLOAT:
		return put_float(w, v.f);
	case KCL_UNIT:
		return put_float(w, v.unit->value);
	default:
		return kcl_text_puts(w->t, "null");
	case KCL_STR:
		break;
	}

	kcl_text_room(w->t, v.str->len); /* raises before much is done in vain */
	kcl_steps(w->t->h, v.str->len / 64);

	enum kcl_yaml_style style = kcl_yaml_style(v.str, false);

	if (style == KCL_YAML_LITERAL)
		w->open_ended = kcl_yaml_put_literal(w->t, v.str, indent);
	else
		kcl_yaml_put_flow(w->t, v.str, style, indent);
}

static void put_leaf(struct writer *w, struct kcl_value v, size_t indent)
{
	size_t before = w->t->len;

	put_scalar(w, v, indent);
	/* A literal block that ends with a line break has ended its line. */
	if (w->t->len == before || w->t->data[w->t->len - 1] != '\n')
		kcl_text_putc(w->t, '\n');
}

/* ---- keys ---- */

static bool is_simple_key(const struct kcl_str *key)
{
	return key->len <= SIMPLE_KEY_MAX && !kcl_yaml_is_multiline(key);
}

static void put_pair(struct writer *w, const struct kcl_pair *pair, size_t indent)
{
	if (is_simple_key(pair->key)) {
		kcl_yaml_put_flow(w->t, pair->key, kcl_yaml_style(pair->key, true), indent);
		kcl_text_putc(w->t, ':');
		put_value(w, pair->value, indent, PLACE_VALUE);
		return;
	}
	kcl_text_puts(w->t, "? ");
	put_leaf(w, kcl_str_value(pair->key), indent + INDENT);
	put_indent(w, indent);
	kcl_text_puts(w->t, ": ");
	put_value(w, pair->value, indent + INDENT, PLACE_INLINE);
}

/* ---- blocks ---- */

/* The first entry continues the line when the block is in line. */
static bool put_dict(struct writer *w, const struct kcl_dict *d, size_t indent, bool in_line)
{
	bool any = false;

	d = kcl_in_order(w->t->h, d, w->o->sort_keys);
	for (uint32_t i = 0; i < d->len; i++) {
		if (!kcl_is_pair_shown(&d->pairs[i], w->o))
			continue;
		if (!any && !in_line)
			kcl_text_putc(w->t, '\n');
		if (any || !in_line)
			put_indent(w, indent);
		any = true;
		put_pair(w, &d->pairs[i], indent);
	}
	return any;
}

static bool put_list(struct writer *w, const struct kcl_list *l, size_t indent, bool in_line)
{
	bool any = false;

	for (uint32_t i = 0; i < l->len; i++) {
		if (!kcl_is_shown(l->items[i], w->o))
			continue;
		if (!any && !in_line)
			kcl_text_putc(w->t, '\n');
		if (any || !in_line)
			put_indent(w, indent);
		any = true;
		kcl_text_puts(w->t, "- ");
		put_value(w, l->items[i], indent + INDENT, PLACE_INLINE);
	}
	return any;
}

/* indent: of the entry that the value belongs to (of its own for one in line). */
static void put_value(struct writer *w, struct kcl_value v, size_t indent, enum place place)
{
	const struct kcl_dict *d = kcl_as_dict(v);
	bool in_line = place != PLACE_VALUE;

	kcl_stack_check(w->t->h);
	kcl_steps(w->t->h, 1);
	if (d && put_dict(w, d, in_line ? indent : indent + INDENT, in_line))
		return;
	if (v.kind == KCL_LIST && put_list(w, v.list, indent, in_line))
		return;
	if (!in_line)
		kcl_text_putc(w->t, ' ');
	if (d || v.kind == KCL_LIST)
		return kcl_text_puts(w->t, d ? "{}\n" : "[]\n");
	put_leaf(w, v, place == PLACE_INLINE ? indent : indent + INDENT);
}

void kcl_put_yaml(struct kcl_text *t, struct kcl_value v, const struct kcl_write_options *o)
{
	struct writer w = { .t = t, .o = o ? o : &nothing_hidden };

	put_value(&w, v, 0, PLACE_ROOT);
	if (w.open_ended)
		kcl_text_puts(t, "...\n");
}
