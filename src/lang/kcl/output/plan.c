#include "output/entries.h"

#include "base/str.h"
#include "check/type.h"

struct planner {
	struct kcl_heap *h;
	const struct kcl_eval_options *o;
};

/* ---- keys in order ---- */

static int by_key(const void *a, const void *b)
{
	const struct kcl_pair *x = a, *y = b;
	uint32_t len = x->key->len < y->key->len ? x->key->len : y->key->len;
	int order = memcmp(x->key->s, y->key->s, len);

	return order ? order : (x->key->len > y->key->len) - (x->key->len < y->key->len);
}

const struct kcl_dict *kcl_in_order(struct kcl_heap *h, const struct kcl_dict *d, bool sort_keys)
{
	if (!sort_keys || d->len < 2)
		return d;

	struct kcl_dict *sorted = kcl_alloc(h, sizeof(*sorted));

	kcl_steps(h, d->len);
	*sorted = (struct kcl_dict){ .len = d->len, .cap = d->len };
	sorted->pairs = kcl_grow(h, NULL, 0, d->len, sizeof(*sorted->pairs));
	if (d->len == 0)
		return sorted;
	memcpy(sorted->pairs, d->pairs, d->len * sizeof(*d->pairs));
	qsort(sorted->pairs, sorted->len, sizeof(*sorted->pairs), by_key);
	return sorted;
}

/* ---- what is emitted of a value ---- */

static bool is_emitted(const struct planner *p, struct kcl_value v)
{
	struct kcl_write_options o = { .ignore_none = p->o->disable_none };

	return kcl_is_shown(v, &o);
}

static struct kcl_value plan_value(const struct planner *p, struct kcl_value v);

static const char *type_path(struct kcl_heap *h, const struct kcl_schema_type *type)
{
	bool main_package = !type->package || strcmp(type->package, "__main__") == 0;

	return main_package ? type->name : kcl_printf(h, "%s.%s", type->package, type->name);
}

static struct kcl_value plan_dict(const struct planner *p, struct kcl_value v)
{
	const struct kcl_dict *from = kcl_as_dict(v);
	struct kcl_value result = kcl_dict(p->h, from->len);

	for (uint32_t i = 0; i < from->len; i++) {
		const struct kcl_pair *pair = &from->pairs[i];

		if (is_emitted(p, pair->value) && (pair->key->s[0] != '_' || p->o->show_hidden))
			kcl_dict_append(p->h, result.dict, pair->key, plan_value(p, pair->value));
	}
	if (v.kind == KCL_SCHEMA && v.schema->type && p->o->include_schema_type_path)
		kcl_dict_setz(p->h, result.dict, "_type", kcl_strz(p->h, type_path(p->h, v.schema->type->schema)));
	result.dict = (struct kcl_dict *)kcl_in_order(p->h, result.dict, p->o->sort_keys);
	return result;
}

static struct kcl_value plan_list(const struct planner *p, const struct kcl_list *from)
{
	struct kcl_value result = kcl_list(p->h, from->len);

	for (uint32_t i = 0; i < from->len; i++)
		if (is_emitted(p, from->items[i]))
			kcl_list_push(p->h, result.list, plan_value(p, from->items[i]));
	return result;
}

static struct kcl_value plan_value(const struct planner *p, struct kcl_value v)
{
	kcl_stack_check(p->h);
	kcl_steps(p->h, 1);
	if (kcl_has_pairs(v))
		return plan_dict(p, v);
	return v.kind == KCL_LIST ? plan_list(p, v.list) : v;
}

/* ---- path selectors ---- */

static bool step_into(struct kcl_heap *h, struct kcl_value *v, const char *key, size_t len)
{
	const struct kcl_dict *d = kcl_as_dict(*v);
	int64_t i;

	if (d) {
		const struct kcl_pair *pair = kcl_dict_find(d, kcl_str(h, key, len).str);

		if (pair)
			*v = pair->value;
		return pair != NULL;
	}
	if (v->kind != KCL_LIST || !str_to_i64(kcl_strndup(h, key, len), 0, UINT32_MAX, &i) || i >= v->list->len)
		return false;
	*v = v->list->items[i];
	return true;
}

static struct kcl_value select_path(struct kcl_heap *h, struct kcl_value v, const char *path)
{
	for (const char *p = path;;) {
		size_t len = strcspn(p, ".");

		if (!step_into(h, &v, p, len))
			kcl_raise(h, "invalid path select operand %s, value not found", path);
		if (p[len] == '\0')
			return v;
		p += len + 1;
	}
}

static struct kcl_value select_paths(struct kcl_heap *h, struct kcl_value v, const char *const *paths)
{
	struct kcl_value result = kcl_list(h, 0);

	if (!kcl_has_pairs(v))
		return v;
	if (!paths[1])
		return select_path(h, v, paths[0]);
	for (size_t i = 0; paths[i]; i++)
		kcl_list_push(h, result.list, select_path(h, v, paths[i]));
	return result;
}

/* The part that is wanted of all that the program gives. */
static struct kcl_value select_wanted(const struct planner *p, struct kcl_value v)
{
	const char *const *paths = p->o->path_selector;
	const struct kcl_pair *pair = NULL;
	struct kcl_value alone;

	if (paths && paths[0])
		return select_paths(p->h, v, paths);
	if (p->o->only && kcl_has_pairs(v))
		pair = kcl_dict_findz(kcl_as_dict(v), p->o->only);
	if (!pair || !is_emitted(p, pair->value))
		return v;
	alone = kcl_dict(p->h, 1);
	kcl_dict_append(p->h, alone.dict, pair->key, pair->value);
	return alone;
}

/* ---- documents ---- */

/* Only dicts, on whatever level of lists: each is a document. */
static bool is_stream(struct kcl_value v)
{
	if (v.kind != KCL_LIST)
		return false;
	for (uint32_t i = 0; i < v.list->len; i++)
		if (!kcl_has_pairs(v.list->items[i]))
			return false;
	return true;
}

struct kcl_planned kcl_plan(struct kcl_heap *h, struct kcl_value value, const struct kcl_eval_options *o)
{
	struct planner p = { .h = h, .o = o };
	struct kcl_planned planned = { .value = plan_value(&p, select_wanted(&p, value)) };

	planned.is_stream = is_stream(planned.value);
	if (planned.is_stream && planned.value.list->len == 1)
		planned = (struct kcl_planned){ .value = planned.value.list->items[0] };
	return planned;
}

/* ---- writing them all ---- */

typedef void (*put_fn)(struct kcl_text *t, struct kcl_value v, const struct kcl_write_options *o);

static void put_documents(struct kcl_text *t, const struct kcl_planned *p, const struct kcl_write_options *o,
                          put_fn put, const char *separator)
{
	if (!p->is_stream) {
		put(t, p->value, o);
		return;
	}
	for (uint32_t i = 0; i < p->value.list->len; i++) {
		kcl_text_puts(t, i ? separator : "");
		put(t, p->value.list->items[i], o);
	}
}

/* Into the heap first, as a failure leaves by a jump. */
static int write_all(struct kcl_heap *h, const struct kcl_planned *p, const struct kcl_write_options *o, put_fn put,
                     const char *separator, struct buf *out, struct err *err)
{
	struct kcl_text t = { .h = h, .max = out->max > out->len ? out->max - out->len : 1 };
	struct kcl_failure f;
	volatile int result = 0;

	f.outer = kcl_failure_push(h, &f);
	if (!setjmp(f.jump)) {
		put_documents(&t, p, o, put, separator ? kcl_printf(h, "%s\n", separator) : "");
		if (t.len > 0 && t.data[t.len - 1] != '\n')
			kcl_text_putc(&t, '\n');
	} else {
		result = -1;
	}
	kcl_failure_pop(h, &f);
	if (result == 0)
		result = t.len > 0 ? buf_append(out, t.data, t.len) : 0;
	if (result < 0)
		err_set(err, ERR_BAD_REQUEST, "writing the documents: %s", f.message ? f.message : "they are too large");
	return result;
}

int kcl_write_yaml(struct kcl_heap *h, const struct kcl_planned *p, const struct kcl_write_options *o, struct buf *out,
                   struct err *err)
{
	return write_all(h, p, o, kcl_put_yaml, o->separator ? o->separator : "---", out, err);
}

static void put_json_document(struct kcl_text *t, struct kcl_value v, const struct kcl_write_options *o)
{
	kcl_put_json(t, v, o);
	kcl_text_putc(t, '\n');
}

int kcl_write_json(struct kcl_heap *h, const struct kcl_planned *p, const struct kcl_write_options *o, struct buf *out,
                   struct err *err)
{
	return write_all(h, p, o, put_json_document, NULL, out, err);
}
