/* What differs between two objects, field by field. */
#include "field_set_internal.h"

#include <string.h>

enum mark { MARK_NONE, MARK_REMOVED, MARK_MODIFIED, MARK_ADDED };

static enum mark compare(const struct schema *s, const json_t *a, const json_t *b, struct field_comparison *below);

static struct field_set **set_of(struct field_comparison *c, enum mark mark)
{
	return mark == MARK_REMOVED ? &c->removed : mark == MARK_ADDED ? &c->added : &c->modified;
}

static struct field_set *ensure_set(struct field_set **s)
{
	if (!*s)
		*s = field_set_new();
	return *s;
}

/* Puts what was found for an element (its mark and what is below it) into the sets of its parent. */
static void attach(struct field_comparison *into, const struct field_element *e, enum mark mark,
                   struct field_comparison *below)
{
	for (enum mark m = MARK_REMOVED; m <= MARK_ADDED; m++) {
		struct field_set *children = *set_of(below, m);
		if (m != mark && !children)
			continue;
		struct field_node *n = field_set_ensure(ensure_set(set_of(into, m)), field_element_copy(e));
		n->member = n->member || m == mark;
		if (children) {
			field_set_free(n->children);
			n->children = children;
		}
	}
}

static void compare_member(const struct schema *s, const char *name, const json_t *a, const json_t *b,
                           struct field_comparison *into)
{
	struct field_comparison below = { 0 };
	bool named;
	const struct schema *field = field_member_schema(s, name, &named);
	enum mark mark = compare(field, a, b, &below);
	const struct field_element e = { .type = ELEMENT_FIELD, .name = (char *)(uintptr_t)name };

	attach(into, &e, mark, &below);
}

static void compare_members(const struct schema *s, const json_t *a, const json_t *b, struct field_comparison *into)
{
	size_t len;
	const char **names = field_names_of(a, b, &len);

	for (size_t i = 0; i < len; i++)
		compare_member(s, names[i], json_object_get(a, names[i]), json_object_get(b, names[i]), into);
	free(names);
}

static size_t run_length(const struct field_item *items, size_t len)
{
	size_t n = len ? 1 : 0;

	while (n < len && field_element_compare(&items[0].element, &items[n].element) == 0)
		n++;
	return n;
}

static bool runs_equal(const struct field_item *a, size_t a_len, const struct field_item *b, size_t b_len)
{
	for (size_t i = 0; i < a_len && a_len == b_len; i++)
		if (!json_same(a[i].value, b[i].value))
			return false;
	return a_len == b_len;
}

/* Items with the same identity: mostly one on each side. Repeated ones are taken as one value that changes as a whole.
 */
static void compare_run(const struct schema *s, const struct field_item *a, size_t a_len, const struct field_item *b,
                        size_t b_len, struct field_comparison *into)
{
	struct field_comparison below = { 0 };
	const struct field_element *e = a_len ? &a->element : &b->element;
	enum mark mark = MARK_NONE;

	if (a_len <= 1 && b_len <= 1) {
		mark = compare(schema_items(s), a_len ? a->value : NULL, b_len ? b->value : NULL, &below);
	} else if (a_len >= 2 && b_len >= 2) {
		mark = runs_equal(a, a_len, b, b_len) ? MARK_NONE : MARK_MODIFIED;
	} else if (a_len >= 2) {
		if (b_len)
			attach(into, e, compare(schema_items(s), NULL, b->value, &below), &below);
		below = (struct field_comparison){ 0 };
		mark = MARK_REMOVED;
	} else {
		if (a_len)
			attach(into, e, compare(schema_items(s), a->value, NULL, &below), &below);
		below = (struct field_comparison){ 0 };
		mark = MARK_ADDED;
	}
	attach(into, e, mark, &below);
}

static void compare_items(const struct schema *s, const json_t *a, const json_t *b, struct field_comparison *into)
{
	size_t a_len, b_len, i = 0, k = 0;
	struct field_item *x = field_items_of(s, a, &a_len), *y = field_items_of(s, b, &b_len);

	while (i < a_len || k < b_len) {
		int order = i == a_len ? 1 : k == b_len ? -1 : field_element_compare(&x[i].element, &y[k].element);
		size_t m = order <= 0 ? run_length(x + i, a_len - i) : 0, n = order >= 0 ? run_length(y + k, b_len - k) : 0;
		compare_run(s, x + i, m, y + k, n, into);
		i += m;
		k += n;
	}
	field_items_free(x, a_len);
	field_items_free(y, b_len);
}

static enum mark leaf(const json_t *a, const json_t *b)
{
	if (!a || !b)
		return a ? MARK_REMOVED : MARK_ADDED;
	return json_same(a, b) ? MARK_NONE : MARK_MODIFIED;
}

static bool is_empty(const json_t *v)
{
	return !v || json_is_null(v) || (json_is_object(v) ? json_object_size(v) == 0 : json_array_size(v) == 0);
}

static bool is_granular(const struct schema *s, const json_t *v)
{
	if (json_is_object(v))
		return !schema_map_is_atomic(s);
	return json_is_array(v) && field_list_is_associative(s);
}

static void descend(const struct schema *s, const json_t *a, const json_t *b, struct field_comparison *below)
{
	if (json_is_object(a ? a : b))
		compare_members(s, a, b, below);
	else
		compare_items(s, a, b, below);
}

/* The mark of the place itself; what is below goes into the sets. At least one of both is there. */
static enum mark compare(const struct schema *s, const json_t *a, const json_t *b, struct field_comparison *below)
{
	const json_t *shape = b && !json_is_null(b) ? b : a;
	bool a_fits = !a || json_is_null(a) || json_typeof(a) == json_typeof(shape);

	if (!shape || !is_granular(s, shape)) {
		/* What was granular and gives way to a leaf is gone field by field. */
		if (a && b && !a_fits && is_granular(s, a))
			descend(s, a, NULL, below);
		return leaf(a, b);
	}
	if (!a_fits) {
		if (is_granular(s, a))
			descend(s, a, NULL, below);
		descend(s, NULL, b, below);
		return is_granular(s, a) ? MARK_NONE : MARK_MODIFIED;
	}
	if (is_empty(a) && is_empty(b))
		return leaf(a, b);
	descend(s, a && !json_is_null(a) ? a : NULL, b && !json_is_null(b) ? b : NULL, below);
	return !a ? MARK_ADDED : !b ? MARK_REMOVED : MARK_NONE;
}

void field_compare(const struct schema *schema, const json_t *a, const json_t *b, struct field_comparison *ret)
{
	struct field_comparison found = { 0 };

	if (a || b)
		compare(schema, a, b, &found);
	ensure_set(&found.removed);
	ensure_set(&found.modified);
	ensure_set(&found.added);
	*ret = found;
}

void field_comparison_clear(struct field_comparison *c)
{
	field_set_free(c->removed);
	field_set_free(c->modified);
	field_set_free(c->added);
	*c = (struct field_comparison){ 0 };
}

struct field_set *field_set_changed(const struct schema *schema, const json_t *a, const json_t *b)
{
	struct field_comparison c;

	field_compare(schema, a, b, &c);
	_cleanup_(field_set_freep) struct field_set *either = field_set_union(c.removed, c.modified);
	struct field_set *all = field_set_union(either, c.added);
	field_comparison_clear(&c);
	field_set_strip(all);
	return all;
}
