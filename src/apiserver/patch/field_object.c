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
	const char *key;
	json_t *v;

	json_object_foreach (json_unconst(obj), key, v) {
		struct field_set *below = field_set_new();
		bool named;
		const struct schema *field = field_member_schema(s, key, &named);
		bool member = collect(field, v, below);
		bool empty = json_is_null(v) || (json_is_object(v) && json_object_size(v) == 0);
		attach(into, field_element_named(key), member || empty || !named, below);
	}
}

static void collect_items(const struct schema *s, const json_t *array, struct field_set *into)
{
	size_t i;
	json_t *v;

	json_array_foreach (array, i, v) {
		struct field_element e;
		if (!field_element_of_item(s, v, &e))
			continue;
		/* Of repeated items nobody owns the parts. */
		struct field_node *before = field_set_find(into, &e);
		if (before) {
			before->children = field_set_free(before->children);
			field_element_clear(&e);
			continue;
		}
		struct field_set *below = field_set_new();
		collect(schema_items(s), v, below);
		attach(into, e, true, below);
	}
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

/* The items of a list in its order, and where each identity is found. */
struct items {
	struct field_element *elements; /* of each item that has one */
	const json_t **values;
	size_t len;
	struct field_set *index; /* of identities; an index node's position in `where` */
	size_t *where;           /* by node of the index: the item, or SIZE_MAX when it is repeated */
};

static size_t items_find(const struct items *l, const struct field_element *e)
{
	const struct field_node *n = field_set_find(l->index, e);

	return n ? l->where[n - l->index->nodes] : SIZE_MAX - 1;
}

static bool items_has(const struct items *l, const struct field_element *e)
{
	return field_set_find(l->index, e) != NULL;
}

static void items_init(struct items *l, const struct schema *s, const json_t *array)
{
	size_t i, k;
	json_t *v;

	*l = (struct items){ .index = field_set_new() };
	l->elements = xcalloc(json_array_size(array), sizeof(*l->elements));
	l->values = xcalloc(json_array_size(array), sizeof(*l->values));
	json_array_foreach (array, i, v)
		if (field_element_of_item(s, v, &l->elements[l->len])) {
			field_set_ensure(l->index, field_element_copy(&l->elements[l->len]));
			l->values[l->len++] = v;
		}
	l->where = xcalloc(l->index->len, sizeof(*l->where));
	for (i = 0; i < l->index->len; i++)
		l->where[i] = SIZE_MAX - 1;
	for (i = 0; i < l->len; i++) {
		k = (size_t)(field_set_find(l->index, &l->elements[i]) - l->index->nodes);
		l->where[k] = l->where[k] == SIZE_MAX - 1 ? i : SIZE_MAX;
	}
}

static void items_done(struct items *l)
{
	for (size_t i = 0; i < l->len; i++)
		field_element_clear(&l->elements[i]);
	free(l->elements);
	free(l->values);
	free(l->where);
	field_set_free(l->index);
}

static const json_t *items_value(const struct items *l, const struct field_element *e)
{
	size_t at = items_find(l, e);

	return at < l->len ? l->values[at] : NULL; /* repeated items do not merge */
}

/* The applied list's order wins; items only the live list has stay near what they followed. */
struct zipper {
	const struct schema *s;
	struct items live, applied;
	size_t shared; /* the next applied item that the live list has as well */
	struct field_set *done;
	json_t *out;
};

static void next_shared(struct zipper *z)
{
	do
		z->shared++;
	while (z->shared < z->applied.len && !items_has(&z->live, &z->applied.elements[z->shared]));
}

static void take_applied(struct zipper *z, size_t i)
{
	const struct field_element *e = &z->applied.elements[i];

	field_set_ensure(z->done, field_element_copy(e));
	json_array_append_new(z->out, merge(schema_items(z->s), items_value(&z->live, e), z->applied.values[i]));
	if (z->shared < z->applied.len && field_element_compare(&z->applied.elements[z->shared], e) == 0)
		next_shared(z);
}

static void zip(struct zipper *z)
{
	size_t l = 0, r = 0;

	while (l < z->live.len || r < z->applied.len) {
		const struct field_element *e = l < z->live.len ? &z->live.elements[l] : NULL;
		if (e && r < z->applied.len) {
			if (field_element_compare(e, &z->applied.elements[r]) == 0) {
				take_applied(z, r++);
				l++;
				continue;
			}
			if (items_has(&z->applied, e) && z->shared < z->applied.len &&
			    field_element_compare(&z->applied.elements[z->shared], e) != 0) {
				l++; /* it comes later */
				continue;
			}
		}
		if (e && !items_has(&z->applied, e)) {
			json_array_append_new(z->out, json_clone(z->live.values[l++]));
			continue;
		}
		if (e && field_set_find(z->done, e))
			l++;
		if (r < z->applied.len)
			take_applied(z, r++);
	}
}

static json_t *merge_items(const struct schema *s, const json_t *a, const json_t *b)
{
	struct zipper z = { .s = s, .done = field_set_new(), .out = json_array() };

	items_init(&z.live, s, a);
	items_init(&z.applied, s, b);
	if (z.applied.len > 0 && !items_has(&z.live, &z.applied.elements[0]))
		next_shared(&z);
	zip(&z);
	items_done(&z.live);
	items_done(&z.applied);
	field_set_free(z.done);
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
