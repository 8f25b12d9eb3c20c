/* Objects and field sets: what an object sets, merging a configuration into it, taking fields away. */
#include "base/buf.h"
#include "field_set_internal.h"

#include <string.h>

static bool is_atomic_here(const struct schema *s, const json_t *v)
{
	return json_is_object(v) ? schema_map_is_atomic(s) : !field_list_is_associative(s);
}

/* ---- the fields an object sets ---- */

/* True when the place itself is a field: a leaf, or something that is owned as a whole. */
static bool collect(const struct schema *s, const json_t *v, struct field_set *below);

static void attach(struct field_set *into, struct field_element e, bool member, struct field_set *below)
{
	if (!member && below->len == 0) {
		field_element_clear(&e);
		field_set_free(below);
		return;
	}
	struct field_node *n = field_set_ensure(into, e);
	n->member = n->member || member;
	if (below->len > 0 && !n->children)
		n->children = below;
	else
		field_set_free(below);
}

static void collect_members(const struct schema *s, const json_t *obj, struct field_set *into)
{
	size_t len;
	const char **names = field_names_of(obj, NULL, &len);

	for (size_t i = 0; i < len; i++) {
		const json_t *v = json_object_get(obj, names[i]);
		struct field_set *below = field_set_new();
		bool named;
		const struct schema *field = field_member_schema(s, names[i], &named);
		bool member = collect(field, v, below);
		bool empty = json_is_null(v) || (json_is_object(v) && json_object_size(v) == 0);
		attach(into, field_element_named(names[i]), member || empty || !named, below);
	}
	free(names);
}

static void collect_items(const struct schema *s, const json_t *array, struct field_set *into)
{
	size_t len;
	struct field_item *items = field_items_of(s, array, &len);

	for (size_t i = 0, end; i < len; i = end) {
		for (end = i + 1; end < len && field_element_compare(&items[i].element, &items[end].element) == 0;)
			end++;
		struct field_set *below = field_set_new();
		if (end == i + 1) /* of repeated items nobody owns the parts */
			collect(schema_items(s), items[i].value, below);
		attach(into, field_element_copy(&items[i].element), true, below);
	}
	field_items_free(items, len);
}

static bool collect(const struct schema *s, const json_t *v, struct field_set *below)
{
	if (!json_is_object(v) && !json_is_array(v))
		return true;
	if (is_atomic_here(s, v))
		return true;
	if (json_is_object(v))
		collect_members(s, v, below);
	else
		collect_items(s, v, below);
	return false;
}

struct field_set *field_set_of_all(const struct schema *schema, const json_t *obj)
{
	struct field_set *s = field_set_new();

	if (json_is_object(obj))
		collect_members(schema, obj, s);
	return s;
}

struct field_set *field_set_of(const struct schema *schema, const json_t *obj)
{
	struct field_set *all = field_set_of_all(schema, obj);

	field_set_strip(all);
	_cleanup_(field_set_freep) struct field_set *stripped = all;
	return field_set_copy(stripped);
}

/* ---- merging ---- */

static json_t *merge(const struct schema *s, const json_t *a, const json_t *b);

static json_t *merge_members(const struct schema *s, const json_t *a, const json_t *b)
{
	json_t *out = json_object(), *v;
	const char *key;
	bool named;

	json_object_foreach (json_unconst(a), key, v)
		json_object_set_new_nocheck(out, key, merge(field_member_schema(s, key, &named), v, json_object_get(b, key)));
	json_object_foreach (json_unconst(b), key, v)
		if (!json_object_get(a, key))
			json_object_set_new_nocheck(out, key, json_clone(v));
	return out;
}

/* The items of a list that have an identity, by it and in the list's order. */
struct items {
	struct field_item *sorted, **listed;
	size_t len;
};

static void items_init(struct items *l, const struct schema *s, const json_t *array)
{
	size_t places = json_array_size(array), n = 0;

	l->sorted = field_items_of(s, array, &l->len);
	l->listed = xcalloc(places + 1, sizeof(*l->listed));
	for (size_t i = 0; i < l->len; i++)
		l->listed[l->sorted[i].at] = &l->sorted[i];
	for (size_t i = 0; i < places; i++)
		if (l->listed[i])
			l->listed[n++] = l->listed[i];
}

static void items_done(struct items *l)
{
	field_items_free(l->sorted, l->len);
	free(l->listed);
}

/* The first one with this identity, or NULL. */
static struct field_item *items_find(const struct items *l, const struct field_element *e)
{
	size_t lo = 0, hi = l->len;

	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;
		if (field_element_compare(&l->sorted[mid].element, e) < 0)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo < l->len && field_element_compare(&l->sorted[lo].element, e) == 0 ? &l->sorted[lo] : NULL;
}

/* The applied list's order wins; items only the live list has stay near what they followed. */
struct zipper {
	const struct schema *s;
	struct items live, applied;
	size_t shared; /* the next applied item that the live list has as well */
	bool *merged;  /* by the applied items' order of identity */
	json_t *out;
};

static const struct field_element *applied_at(const struct zipper *z, size_t i)
{
	return &z->applied.listed[i]->element;
}

static void next_shared(struct zipper *z)
{
	do
		z->shared++;
	while (z->shared < z->applied.len && !items_find(&z->live, applied_at(z, z->shared)));
}

static void take_applied(struct zipper *z, size_t i)
{
	const struct field_element *e = applied_at(z, i);
	const struct field_item *live = items_find(&z->live, e), *next = live ? live + 1 : NULL;
	bool repeated = next && next < z->live.sorted + z->live.len && field_element_compare(&next->element, e) == 0;

	z->merged[z->applied.listed[i] - z->applied.sorted] = true;
	/* Repeated items do not merge. */
	json_array_append_new(
		z->out, merge(schema_items(z->s), live && !repeated ? live->value : NULL, z->applied.listed[i]->value));
	if (z->shared < z->applied.len && field_element_compare(applied_at(z, z->shared), e) == 0)
		next_shared(z);
}

static void zip(struct zipper *z)
{
	size_t l = 0, r = 0;

	while (l < z->live.len || r < z->applied.len) {
		const struct field_element *e = l < z->live.len ? &z->live.listed[l]->element : NULL;
		const struct field_item *applied = e ? items_find(&z->applied, e) : NULL;
		if (e && r < z->applied.len) {
			if (field_element_compare(e, applied_at(z, r)) == 0) {
				take_applied(z, r++);
				l++;
				continue;
			}
			if (applied && z->shared < z->applied.len && field_element_compare(applied_at(z, z->shared), e) != 0) {
				l++; /* it comes later */
				continue;
			}
		}
		if (e && !applied) {
			json_array_append_new(z->out, json_clone(z->live.listed[l++]->value));
			continue;
		}
		if (e && z->merged[applied - z->applied.sorted])
			l++;
		if (r < z->applied.len)
			take_applied(z, r++);
	}
}

static json_t *merge_items(const struct schema *s, const json_t *a, const json_t *b)
{
	struct zipper z = { .s = s, .out = json_array() };

	items_init(&z.live, s, a);
	items_init(&z.applied, s, b);
	z.merged = xcalloc(z.applied.len + 1, sizeof(*z.merged));
	if (z.applied.len > 0 && !items_find(&z.live, applied_at(&z, 0)))
		next_shared(&z);
	zip(&z);
	items_done(&z.live);
	items_done(&z.applied);
	free(z.merged);
	return z.out;
}

static json_t *merge(const struct schema *s, const json_t *a, const json_t *b)
{
	if (!a || !b)
		return json_clone(b ? b : a);
	if (json_typeof(a) == json_typeof(b) && (json_is_object(a) || json_is_array(a)) && !is_atomic_here(s, a)) {
		if (json_is_object(a))
			return json_object_size(a) + json_object_size(b) ? merge_members(s, a, b) : json_clone(b);
		return merge_items(s, a, b);
	}
	/* null leaves a map or list of fields as it is; it takes away nothing that others own. */
	if (json_is_null(b) && (json_is_object(a) || json_is_array(a)) && !is_atomic_here(s, a) &&
	    json_object_size(a) + json_array_size(a) > 0)
		return json_clone(a);
	return json_clone(b);
}

json_t *field_merge(const struct schema *schema, const json_t *live, const json_t *config)
{
	return merge(schema, live, config);
}

/* ---- taking fields away ---- */

static json_t *copy_without(const struct schema *s, const json_t *v, const struct field_node *n)
{
	if (!n || field_set_is_empty(n->children))
		return json_clone(v);
	json_t *rest = field_remove(s, v, n->children);

	return rest ? rest : json_null();
}

static json_t *remove_members(const struct schema *s, const json_t *obj, const struct field_set *set)
{
	json_t *out = json_object(), *v;
	const char *key;
	bool named;

	json_object_foreach (json_unconst(obj), key, v) {
		const struct field_element e = { .type = ELEMENT_FIELD, .name = (char *)(uintptr_t)key };
		const struct field_node *n = field_set_find(set, &e);
		if (!n || !n->member)
			json_object_set_new_nocheck(out, key, copy_without(field_member_schema(s, key, &named), v, n));
	}
	return out;
}

static json_t *remove_items(const struct schema *s, const json_t *array, const struct field_set *set)
{
	json_t *out = json_array(), *v;
	size_t i;

	json_array_foreach (array, i, v) {
		struct field_element e = { 0 };
		const struct field_node *n = field_element_of_item(s, v, &e) ? field_set_find(set, &e) : NULL;
		field_element_clear(&e);
		if (!n || !n->member)
			json_array_append_new(out, copy_without(schema_items(s), v, n));
	}
	return out;
}

json_t *field_remove(const struct schema *schema, const json_t *value, const struct field_set *set)
{
	json_t *out;

	if (!json_is_object(value) && !json_is_array(value))
		return json_clone(value);
	if (json_object_size(value) + json_array_size(value) == 0 || is_atomic_here(schema, value))
		return NULL;
	out = json_is_object(value) ? remove_members(schema, value, set) : remove_items(schema, value, set);
	if (json_object_size(out) + json_array_size(out) > 0)
		return out;
	json_decref(out);
	return NULL;
}
