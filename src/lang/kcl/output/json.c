#include "output/entries.h"

#include "codec/json.h"

#include <math.h>
#include <stdio.h>

/* As serde_json lays it out with upstream's formatter: ", " and ": " on one line, or one entry a line. */

static const struct kcl_write_options nothing_hidden;

struct writer {
	struct kcl_text *t;
	const struct kcl_write_options *o;
	unsigned level;
};

static void put_string(struct kcl_text *t, const struct kcl_str *s)
{
	static const char hex[] = "0123456789abcdef", named[] = "\bb\ff\nn\rr\tt\"\"\\\\";
	size_t from = 0;

	kcl_text_room(t, s->len);
	kcl_steps(t->h, s->len / 64);
	kcl_text_putc(t, '"');
	for (size_t i = 0; i < s->len; i++) {
		unsigned char c = (unsigned char)s->s[i];

		if (c >= 0x20 && c != '"' && c != '\\')
			continue;
		kcl_text_put(t, s->s + from, i - from);
		from = i + 1;

		const char *name = memchr(named, c, sizeof(named) - 1);
		char escape[] = { '\\', 'u', '0', '0', hex[c >> 4], hex[c & 15] };

		if (name) {
			escape[1] = c == '"' || c == '\\' ? (char)c : name[1];
			kcl_text_put(t, escape, 2);
		} else {
			kcl_text_put(t, escape, sizeof(escape));
		}
	}
	kcl_text_put(t, s->s + from, s->len - from);
	kcl_text_putc(t, '"');
}

static void put_number(struct kcl_text *t, double f)
{
	char text[KCL_FLOAT_TEXT_SIZE];

	if (isfinite(f))
		kcl_text_put(t, text, kcl_float_document(f, text));
	else
		kcl_text_puts(t, "null");
}

static void put_line(struct writer *w)
{
	if (w->o->indent > 0) {
		kcl_text_putc(w->t, '\n');
		kcl_text_fill(w->t, ' ', (size_t)w->o->indent * w->level);
	}
}

static void put_separator(struct writer *w, bool first)
{
	if (!first)
		kcl_text_puts(w->t, w->o->indent > 0 ? "," : ", ");
	put_line(w);
}

static void put_value(struct writer *w, struct kcl_value v);

static void put_list(struct writer *w, const struct kcl_list *l)
{
	bool first = true;

	kcl_text_putc(w->t, '[');
	w->level++;
	for (uint32_t i = 0; i < l->len; i++) {
		if (!kcl_is_shown(l->items[i], w->o))
			continue;
		put_separator(w, first);
		put_value(w, l->items[i]);
		first = false;
	}
	w->level--;
	if (!first)
		put_line(w);
	kcl_text_putc(w->t, ']');
}

static void put_dict(struct writer *w, const struct kcl_dict *d)
{
	bool first = true;

	d = kcl_in_order(w->t->h, d, w->o->sort_keys);
	kcl_text_putc(w->t, '{');
	w->level++;
	for (uint32_t i = 0; i < d->len; i++) {
		if (!kcl_is_pair_shown(&d->pairs[i], w->o))
			continue;
		put_separator(w, first);
		put_string(w->t, d->pairs[i].key);
		kcl_text_puts(w->t, ": ");
		put_value(w, d->pairs[i].value);
		first = false;
	}
	w->level--;
	if (!first)
		put_line(w);
	kcl_text_putc(w->t, '}');
}

static void put_value(struct writer *w, struct kcl_value v)
{
	kcl_stack_check(w->t->h);
	kcl_steps(w->t->h, 1);
	switch ((enum kcl_kind)v.kind) {
	case KCL_BOOL:
		return kcl_text_puts(w->t, v.b ? "true" : "false");
	case KCL_INT:
		return kcl_text_put_value(w->t, v);
	case KCL_FLOAT:
		return put_number(w->t, v.f);
	case KCL_UNIT:
		return put_number(w->t, v.unit->value);
	case KCL_STR:
		return put_string(w->t, v.str);
	case KCL_LIST:
		return put_list(w, v.list);
	case KCL_DICT:
	case KCL_SCHEMA:
		return put_dict(w, kcl_as_dict(v));
	case KCL_UNDEFINED:
	case KCL_NONE:
	case KCL_FUNCTION:
	case KCL_TYPE:
		return kcl_text_puts(w->t, "null");
	}
}

void kcl_put_json(struct kcl_text *t, struct kcl_value v, const struct kcl_write_options *o)
{
	struct writer w = { .t = t, .o = o ? o : &nothing_hidden };

	put_value(&w, v);
}

/* ---- to jansson ---- */

#define TREE_DEPTH_MAX 1000
#define TREE_NODES_MAX 10000000 /* shared parts count each time */

struct tree {
	unsigned depth;
	size_t nodes;
};

static json_t *to_json(struct tree *t, struct kcl_value v);

static json_t *list_to_json(struct tree *t, const struct kcl_list *l)
{
	_cleanup_json_ json_t *array = json_array();

	for (uint32_t i = 0; i < l->len; i++) {
		if (!kcl_is_shown(l->items[i], &nothing_hidden))
			continue;
		if (json_array_append_new(array, to_json(t, l->items[i])) < 0)
			return NULL;
	}
	return TAKE_PTR(array);
}

static json_t *dict_to_json(struct tree *t, const struct kcl_dict *d)
{
	_cleanup_json_ json_t *object = json_object();

	for (uint32_t i = 0; i < d->len; i++) {
		const struct kcl_pair *pair = &d->pairs[i];

		if (!kcl_is_pair_shown(pair, &nothing_hidden))
			continue;
		if (json_object_set_new_nocheck(object, pair->key->s, to_json(t, pair->value)) < 0)
			return NULL;
	}
	return TAKE_PTR(object);
}

static json_t *number_to_json(double f)
{
	return isfinite(f) ? json_real(f) : json_null();
}

static json_t *scalar_to_json(struct kcl_value v)
{
	switch ((enum kcl_kind)v.kind) {
	case KCL_BOOL:
		return json_boolean(v.b);
	case KCL_INT:
		return json_integer(v.i);
	case KCL_FLOAT:
		return number_to_json(v.f);
	case KCL_UNIT:
		return number_to_json(v.unit->value);
	case KCL_STR:
		return json_stringn_nocheck(v.str->s, v.str->len);
	default:
		return json_null();
	}
}

static json_t *to_json(struct tree *t, struct kcl_value v)
{
	const struct kcl_dict *d = kcl_as_dict(v);

	if (t->depth >= TREE_DEPTH_MAX || t->nodes >= TREE_NODES_MAX)
		return NULL;
	t->nodes++;
	if (!d && v.kind != KCL_LIST)
		return scalar_to_json(v);
	t->depth++;

	json_t *result = d ? dict_to_json(t, d) : list_to_json(t, v.list);

	t->depth--;
	return result;
}

json_t *kcl_to_json(struct kcl_value v, struct err *err)
{
	json_t *result = to_json(&(struct tree){ 0 }, v);

	if (!result)
		err_set(err, ERR_BAD_REQUEST, "the value is nested too deeply or has too many parts for JSON");
	return result;
}
