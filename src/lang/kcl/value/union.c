/* Merging of values: the operator |, config blocks and unification.
 *
 * Values are shared, so a union copies the levels that it changes and nothing below them. */

#include "stdlib/stdlib.h"
#include "value/value.h"

const struct kcl_union_options kcl_union_operator = { .idempotent_check = true, .config_resolve = true };

/* Where in the values a union is, for the message of a conflict: innermost first. */
struct step {
	const struct step *outer;
	const struct kcl_str *key; /* NULL: an item of a list */
	int32_t index;             /* KCL_NO_INDEX: none */
};

struct merger {
	struct kcl_vm *vm;
	struct kcl_heap *h;
	const struct kcl_union_options *o;
};

static struct kcl_value unite(const struct merger *m, struct kcl_value a, struct kcl_value b, bool is_operator,
                              const struct step *at);

/* ---- conflicts ---- */

static const char *step_text(struct kcl_heap *h, const struct step *s)
{
	if (!s->key)
		return kcl_printf(h, "list[%d]", (int)s->index);
	return s->index == KCL_NO_INDEX ? s->key->s : kcl_printf(h, "%s[%d]", s->key->s, (int)s->index);
}

static const char *path_text(struct kcl_heap *h, const struct step *s)
{
	const char *text = step_text(h, s);
	for (s = s->outer; s; s = s->outer)
		text = kcl_printf(h, "%s.%s", step_text(h, s), text);
	return text;
}

static const char *side_text(struct kcl_heap *h, struct kcl_value v)
{
	if (kcl_has_pairs(v))
		return "{...}";
	return v.kind == KCL_LIST ? "[...]" : kcl_format_value(h, v, "#json")->s;
}

_Noreturn static void conflict(const struct merger *m, struct kcl_value a, struct kcl_value b, const struct step *at)
{
	const char *left = side_text(m->h, a), *right = side_text(m->h, b), *key = step_text(m->h, at);
	if (!*key)
		kcl_raise(m->h, "conflicting values between %s and %s", right, left);
	kcl_raise(m->h,
	          "conflicting values on the attribute '%s' between :\n    %s\nand\n    %s\nwith union path :\n    %s\n"
	          "try operator '=' to override the attribute, like:\n    {...} | {\n            ...\n            %s = %s\n"
	          "            ...\n    }",
	          key, left, right, path_text(m->h, at), key, right);
}

/* Whether b may be merged into a without a contradiction at this level; what is inside dicts is looked at when they are
 * merged. */
static bool compatible(struct kcl_heap *h, struct kcl_value a, struct kcl_value b)
{
	if (a.kind <= KCL_NONE || b.kind <= KCL_NONE)
		return true;
	if (kcl_has_pairs(a) && kcl_has_pairs(b))
		return true;
	if (a.kind != KCL_LIST || b.kind != KCL_LIST)
		return kcl_equal(h, a, b);
	kcl_stack_check(h);
	if (a.list->len != b.list->len)
		return false;
	kcl_steps(h, a.list->len);
	for (uint32_t i = 0; i < a.list->len; i++) {
		if (!compatible(h, a.list->items[i], b.list->items[i]))
			return false;
	}
	return true;
}

/* ---- entries ---- */

/* Counted from the end when negative; may be beyond the end: what that means, each operation says in its own words. */
static uint32_t list_index(struct kcl_heap *h, int32_t index, uint32_t len)
{
	int64_t at = index < 0 ? (int64_t)index + len : index;
	if (at < 0)
		kcl_raise(h, "index out of bounds: the len is %u but the index is %d", len, (int)index);
	return (uint32_t)at;
}

static struct kcl_value unite_item(const struct merger *m, struct kcl_value list, const struct kcl_pair *e,
                                   const struct step *outer)
{
	if (list.kind == KCL_UNDEFINED)
		kcl_raise(m->h, "only non-empty list attribute can be union value with the index %d", (int)e->insert_index);
	if (list.kind != KCL_LIST)
		kcl_raise(m->h, "only list attribute can be union value with the index %d", (int)e->insert_index);
	if (!list.list->len)
		kcl_raise(m->h, "only non-empty list attribute can be union value with the index %d", (int)e->insert_index);
	uint32_t at = list_index(m->h, e->insert_index, list.list->len);
	if (at >= list.list->len)
		kcl_raise(m->h, "index out of bounds: the len is %u but the index is %u", list.list->len, at);
	struct kcl_value old = list.list->items[at];
	struct step step = { .outer = outer, .key = e->key, .index = e->insert_index };
	if (m->o->idempotent_check && !compatible(m->h, old, e->value))
		conflict(m, old, e->value, &step);
	struct kcl_value changed = kcl_copy(m->h, list);
	changed.list->items[at] = unite(m, old, e->value, false, &step);
	return changed;
}

static struct kcl_value override_item(const struct merger *m, struct kcl_value list, const struct kcl_pair *e)
{
	if (list.kind != KCL_LIST)
		kcl_raise(m->h, "only list attribute can be override value with the index %d", (int)e->insert_index);
	uint32_t at = list_index(m->h, e->insert_index, list.list->len);
	if (at >= list.list->len && e->value.kind == KCL_UNDEFINED)
		kcl_raise(m->h, "removal index (is %u) should be < len (is %u)", at, list.list->len);
	if (at >= list.list->len)
		kcl_raise(m->h, "index out of bounds: the len is %u but the index is %u", list.list->len, at);
	struct kcl_value changed = kcl_copy(m->h, list);
	struct kcl_list *l = changed.list;
	if (e->value.kind != KCL_UNDEFINED) {
		l->items[at] = e->value;
		return changed;
	}
	memmove(&l->items[at], &l->items[at + 1], (l->len - at - 1) * sizeof(*l->items));
	l->len--;
	return changed;
}

static struct kcl_value insert_items(const struct merger *m, struct kcl_value list, const struct kcl_pair *e)
{
	if (list.kind <= KCL_NONE)
		list = kcl_list(m->h, 0);
	if (list.kind != KCL_LIST || e->value.kind != KCL_LIST)
		kcl_raise(m->h,
		          "only list attribute can be inserted value, the origin value type is %s and got value type is %s",
		          kcl_type_name(m->h, list), kcl_type_name(m->h, e->value));
	const struct kcl_list *old = list.list, *more = e->value.list;
	uint32_t at = e->insert_index == KCL_NO_INDEX ? old->len : list_index(m->h, e->insert_index, old->len);
	if (at > old->len)
		kcl_raise(m->h, "insertion index (is %u) should be <= len (is %u)", at, old->len);
	struct kcl_value changed = kcl_list(m->h, old->len + more->len);
	kcl_list_extend(m->h, changed.list, &(struct kcl_list){ .items = old->items, .len = at });
	kcl_list_extend(m->h, changed.list, more);
	if (at < old->len) /* an empty list has no items to point at */
		kcl_list_extend(m->h, changed.list, &(struct kcl_list){ .items = old->items + at, .len = old->len - at });
	return changed;
}

static struct kcl_value merge_value(const struct merger *m, struct kcl_value value, const struct kcl_pair *e,
                                    const struct step *outer)
{
	bool has_index = e->insert_index != KCL_NO_INDEX;
	switch ((enum kcl_entry_op)e->op) {
	case KCL_ENTRY_OVERRIDE:
		return has_index ? override_item(m, value, e) : e->value;
	case KCL_ENTRY_INSERT:
		return insert_items(m, value, e);
	case KCL_ENTRY_UNION:
		break;
	}
	if (has_index)
		return unite_item(m, value, e, outer);
	struct step step = { .outer = outer, .key = e->key, .index = KCL_NO_INDEX };
	if (m->o->idempotent_check && !compatible(m->h, value, e->value))
		conflict(m, value, e->value, &step);
	return unite(m, value, e->value, false, &step);
}

static struct kcl_pair *merge_entry(const struct merger *m, struct kcl_dict *into, const struct kcl_pair *e,
                                    const struct step *outer)
{
	struct kcl_pair *pair = kcl_dict_find(into, e->key);
	if (!pair && e->insert_index == KCL_NO_INDEX) {
		pair = kcl_dict_append(m->h, into, e->key, e->value);
		pair->op = e->op;
		return pair;
	}
	struct kcl_value merged = merge_value(m, pair ? pair->value : kcl_undefined(), e, outer);
	if (!pair)
		pair = kcl_dict_append(m->h, into, e->key, merged);
	pair->value = merged;
	pair->op = e->op;
	if (e->insert_index != KCL_NO_INDEX)
		pair->insert_index = e->insert_index;
	return pair;
}

static void merge_dict(const struct merger *m, struct kcl_dict *into, const struct kcl_dict *more,
                       const struct step *outer)
{
	kcl_steps(m->h, more->len);
	for (uint32_t i = 0; i < more->len; i++)
		merge_entry(m, into, &more->pairs[i], outer);
}

/* ---- whole values ---- */

static struct kcl_value unite_lists(const struct merger *m, struct kcl_value a, struct kcl_value b,
                                    const struct step *outer)
{
	if (m->o->list_override)
		return a;
	uint32_t len = a.list->len > b.list->len ? a.list->len : b.list->len;
	struct kcl_value merged = kcl_list(m->h, len);
	kcl_steps(m->h, len);
	for (uint32_t i = 0; i < len; i++) {
		struct step step = { .outer = outer, .index = (int32_t)i };
		if (i >= a.list->len)
			kcl_list_push(m->h, merged.list, b.list->items[i]);
		else if (i >= b.list->len)
			kcl_list_push(m->h, merged.list, a.list->items[i]);
		else
			kcl_list_push(m->h, merged.list, unite(m, a.list->items[i], b.list->items[i], false, &step));
	}
	return merged;
}

static void add_keys(const struct merger *m, struct kcl_dict *keys, const struct kcl_dict *more,
                     const struct kcl_dict *values)
{
	for (uint32_t i = 0; i < more->len; i++) {
		struct kcl_pair *value = kcl_dict_find(values, more->pairs[i].key);
		if (value)
			kcl_dict_set(m->h, keys, value->key, value->value)->op = KCL_ENTRY_OVERRIDE;
	}
}

/* Where one side is an instance of a schema, so is the result: the schema is run again with everything that either side
 * was configured with. */
static struct kcl_value unite_schemas(const struct merger *m, struct kcl_value a, struct kcl_value b,
                                      const struct step *outer)
{
	const struct kcl_schema_value *base = a.kind == KCL_SCHEMA ? a.schema : b.schema;
	const struct kcl_schema_value *last = b.kind == KCL_SCHEMA ? b.schema : a.schema;
	struct kcl_schema_value *merged = kcl_alloc_raw(m->h, sizeof(*merged));
	*merged = *base;
	merged->args = last->args;
	merged->kwargs = last->kwargs;
	kcl_dict_copy(m->h, kcl_as_dict(a), kcl_as_dict(b)->len, &merged->attrs);
	merge_dict(m, &merged->attrs, kcl_as_dict(b), outer);

	struct kcl_dict *config = kcl_dict(m->h, 0).dict;
	add_keys(m, config, a.kind == KCL_SCHEMA ? a.schema->config : kcl_as_dict(a), &merged->attrs);
	add_keys(m, config, b.kind == KCL_SCHEMA ? b.schema->config : kcl_as_dict(b), &merged->attrs);
	merged->config = config;
	if (m->o->config_resolve)
		return kcl_vm_reconfigure(m->vm, merged, config);
	return (struct kcl_value){ .kind = KCL_SCHEMA, .schema = merged };
}

static struct kcl_value unite_collections(const struct merger *m, struct kcl_value a, struct kcl_value b,
                                          const struct step *outer)
{
	kcl_stack_check(m->h);
	kcl_steps(m->h, 1);
	if (a.kind == KCL_LIST && b.kind == KCL_LIST)
		return a.list == b.list ? a : unite_lists(m, a, b, outer);
	if (a.kind == KCL_LIST || b.kind == KCL_LIST)
		kcl_raise(m->h, "union failure, expect %s, got %s", kcl_type_name(m->h, a), kcl_type_name(m->h, b));
	if (a.kind == KCL_SCHEMA || b.kind == KCL_SCHEMA)
		return a.kind == b.kind && a.schema == b.schema ? a : unite_schemas(m, a, b, outer);
	if (a.dict == b.dict)
		return a;
	const struct kcl_dict *more = kcl_as_dict(b);
	if (!more->len)
		return a;
	struct kcl_value merged = kcl_dict(m->h, 0);
	kcl_dict_copy(m->h, kcl_as_dict(a), more->len, merged.dict);
	merge_dict(m, merged.dict, more, outer);
	return merged;
}

static bool is_collection(struct kcl_value v)
{
	return v.kind == KCL_LIST || v.kind == KCL_DICT || v.kind == KCL_SCHEMA;
}

static struct kcl_value unite(const struct merger *m, struct kcl_value a, struct kcl_value b, bool is_operator,
                              const struct step *at)
{
	if (a.kind <= KCL_NONE)
		return b;
	if (b.kind <= KCL_NONE)
		return a;
	if (is_collection(a) && is_collection(b))
		return unite_collections(m, a, b, at);
	if (!is_operator)
		return b;
	if (a.kind == KCL_INT && b.kind == KCL_INT)
		return kcl_int(a.i | b.i);
	kcl_raise(m->h, "unsupported operand type(s) for |: '\"%s\"' and '\"%s\"'", kcl_type_name(m->h, a),
	          kcl_type_name(m->h, b));
}

struct kcl_value kcl_union(struct kcl_vm *vm, struct kcl_value a, struct kcl_value b, const struct kcl_union_options *o)
{
	struct merger m = { .vm = vm, .h = kcl_vm_heap(vm), .o = o };
	return unite(&m, a, b, true, NULL);
}

struct kcl_pair *kcl_merge_entry(struct kcl_vm *vm, struct kcl_dict *into, const struct kcl_pair *entry,
                                 const struct kcl_union_options *o)
{
	struct merger m = { .vm = vm, .h = kcl_vm_heap(vm), .o = o };
	return merge_entry(&m, into, entry, NULL);
}

struct kcl_value kcl_merge_value(struct kcl_vm *vm, struct kcl_value value, const struct kcl_pair *entry,
                                 const struct kcl_union_options *o)
{
	struct merger m = { .vm = vm, .h = kcl_vm_heap(vm), .o = o };
	return merge_value(&m, value, entry, NULL);
}
