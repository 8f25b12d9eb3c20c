/* The tree of a field set and its algebra. */
#include "base/buf.h"
#include "base/str.h"
#include "field_set_internal.h"
#include "schema/schema_internal.h"

#include <string.h>

static int compare_numbers(const json_t *a, const json_t *b)
{
	if (json_is_integer(a) && json_is_integer(b))
		return (json_integer_value(a) > json_integer_value(b)) - (json_integer_value(a) < json_integer_value(b));
	double x = json_number_value(a), y = json_number_value(b);
	return (x > y) - (x < y);
}

static int value_rank(const json_t *v)
{
	switch (json_typeof(v)) {
	case JSON_INTEGER:
	case JSON_REAL:
		return 0;
	case JSON_STRING:
		return 1;
	case JSON_TRUE:
	case JSON_FALSE:
		return 2;
	case JSON_ARRAY:
		return 3;
	case JSON_OBJECT:
		return 4;
	default:
		return 5;
	}
}

/* A total order of values; keys and sets hold scalars, anything else is compared by its text. */
static int value_compare(const json_t *a, const json_t *b)
{
	int rank = value_rank(a);

	if (rank != value_rank(b))
		return rank - value_rank(b);
	if (rank == 0)
		return compare_numbers(a, b);
	if (rank == 1)
		return strcmp(json_string_value(a), json_string_value(b));
	if (rank == 2)
		return json_is_true(a) - json_is_true(b);
	if (rank == 5)
		return 0;
	_cleanup_free_ char *x = json_canonical(a), *y = json_canonical(b);
	return strcmp(x, y);
}

/* Keys are kept in the order of their names. */
static int keys_compare(const json_t *a, const json_t *b)
{
	json_t *x = json_unconst(a), *y = json_unconst(b);
	void *i = json_object_iter(x), *k = json_object_iter(y);

	for (; i && k; i = json_object_iter_next(x, i), k = json_object_iter_next(y, k)) {
		int order = strcmp(json_object_iter_key(i), json_object_iter_key(k));
		if (order == 0)
			order = value_compare(json_object_iter_value(i), json_object_iter_value(k));
		if (order != 0)
			return order;
	}
	return (i != NULL) - (k != NULL);
}

int field_element_compare(const struct field_element *a, const struct field_element *b)
{
	if (a->type != b->type)
		return a->type < b->type ? -1 : 1;
	if (a->type == ELEMENT_FIELD)
		return strcmp(a->name, b->name);
	return a->type == ELEMENT_KEY ? keys_compare(a->value, b->value) : value_compare(a->value, b->value);
}

struct field_element field_element_copy(const struct field_element *e)
{
	return (struct field_element){ .type = e->type, .name = xstrdup_or_null(e->name), .value = json_incref(e->value) };
}

void field_element_clear(struct field_element *e)
{
	free(e->name);
	json_decref(e->value);
	*e = (struct field_element){ 0 };
}

struct field_element field_element_named(const char *name)
{
	return (struct field_element){ .type = ELEMENT_FIELD, .name = xstrdup(name) };
}

static void print_keys(json_t *keys, struct buf *out)
{
	const char *key, *separator = "[";
	json_t *v;

	json_object_foreach (keys, key, v) {
		_cleanup_free_ char *text = schema_show(v);
		buf_printf(out, "%s%s=%s", separator, key, text);
		separator = ",";
	}
	buf_puts(out, "]");
}

void field_element_print(const struct field_element *e, struct buf *out)
{
	if (e->type == ELEMENT_FIELD) {
		buf_printf(out, ".%s", e->name);
	} else if (e->type == ELEMENT_KEY) {
		print_keys(e->value, out);
	} else {
		_cleanup_free_ char *text = schema_show(e->value);
		buf_printf(out, e->type == ELEMENT_VALUE ? "[=%s]" : "[%s]", text);
	}
}

struct field_set *field_set_new(void)
{
	return new0(struct field_set);
}

struct field_set *field_set_free(struct field_set *s)
{
	if (!s)
		return NULL;
	for (size_t i = 0; i < s->len; i++) {
		field_element_clear(&s->nodes[i].element);
		field_set_free(s->nodes[i].children);
	}
	free(s->nodes);
	free(s);
	return NULL;
}

/* Where an element is or belongs; *ret_found says which. */
static size_t position(const struct field_set *s, const struct field_element *e, bool *ret_found)
{
	size_t lo = 0, hi = s->len;

	*ret_found = false;
	/* Elements mostly come in order. */
	if (hi > 0) {
		int order = field_element_compare(e, &s->nodes[hi - 1].element);
		*ret_found = order == 0;
		if (order >= 0)
			return order == 0 ? hi - 1 : hi;
	}
	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;
		int order = field_element_compare(e, &s->nodes[mid].element);
		if (order == 0) {
			*ret_found = true;
			return mid;
		}
		if (order < 0)
			hi = mid;
		else
			lo = mid + 1;
	}
	return lo;
}

struct field_node *field_set_find(const struct field_set *s, const struct field_element *e)
{
	bool found = false;
	size_t at = s ? position(s, e, &found) : 0;

	return found ? &s->nodes[at] : NULL;
}

struct field_node *field_set_ensure(struct field_set *s, struct field_element e)
{
	bool found;
	size_t at = position(s, &e, &found);

	if (found) {
		field_element_clear(&e);
		return &s->nodes[at];
	}
	if (s->len == s->cap) {
		s->cap = s->cap ? s->cap * 2 : 4;
		s->nodes = xreallocarray(s->nodes, s->cap, sizeof(*s->nodes));
	}
	memmove(&s->nodes[at + 1], &s->nodes[at], (s->len - at) * sizeof(*s->nodes));
	s->nodes[at] = (struct field_node){ .element = e };
	s->len++;
	return &s->nodes[at];
}

/* Appends a node behind all others; takes children. Nothing when it would be empty. */
static void append(struct field_set *s, const struct field_element *e, bool member, struct field_set *children)
{
	if (children && field_set_is_empty(children))
		children = field_set_free(children);
	if (!member && !children)
		return;
	struct field_node *n = field_set_ensure(s, field_element_copy(e));
	n->member = member;
	n->children = children;
}

bool field_set_is_empty(const struct field_set *s)
{
	for (size_t i = 0; s && i < s->len; i++)
		if (s->nodes[i].member || !field_set_is_empty(s->nodes[i].children))
			return false;
	return true;
}

struct field_set *field_set_copy(const struct field_set *s)
{
	struct field_set *copy = field_set_new();

	for (size_t i = 0; s && i < s->len; i++)
		append(copy, &s->nodes[i].element, s->nodes[i].member,
		       s->nodes[i].children ? field_set_copy(s->nodes[i].children) : NULL);
	return copy;
}

bool field_set_equal(const struct field_set *a, const struct field_set *b)
{
	size_t i = 0, k = 0;

	for (;;) {
		/* Nodes that hold nothing do not count. */
		while (a && i < a->len && !a->nodes[i].member && field_set_is_empty(a->nodes[i].children))
			i++;
		while (b && k < b->len && !b->nodes[k].member && field_set_is_empty(b->nodes[k].children))
			k++;
		bool a_ends = !a || i == a->len, b_ends = !b || k == b->len;
		if (a_ends || b_ends)
			return a_ends && b_ends;
		const struct field_node *x = &a->nodes[i++], *y = &b->nodes[k++];
		if (field_element_compare(&x->element, &y->element) != 0 || x->member != y->member ||
		    !field_set_equal(x->children, y->children))
			return false;
	}
}

enum operation { OP_UNION, OP_INTERSECTION, OP_DIFFERENCE, OP_RECURSIVE_DIFFERENCE };

static struct field_set *combine(const struct field_set *a, const struct field_set *b, enum operation op);

static struct field_set *combine_children(const struct field_node *x, const struct field_node *y, enum operation op)
{
	if (op == OP_RECURSIVE_DIFFERENCE && y->member)
		return NULL;
	if (x->children && y->children)
		return combine(x->children, y->children, op);
	if (op == OP_UNION)
		return x->children || y->children ? field_set_copy(x->children ? x->children : y->children) : NULL;
	if (op == OP_INTERSECTION)
		return NULL;
	return x->children ? field_set_copy(x->children) : NULL;
}

static bool combine_member(bool x, bool y, enum operation op)
{
	if (op == OP_UNION)
		return x || y;
	return op == OP_INTERSECTION ? x && y : x && !y;
}

static void append_copy(struct field_set *s, const struct field_node *n)
{
	append(s, &n->element, n->member, n->children ? field_set_copy(n->children) : NULL);
}

static struct field_set *combine(const struct field_set *a, const struct field_set *b, enum operation op)
{
	struct field_set *out = field_set_new();
	size_t i = 0, k = 0, a_len = a ? a->len : 0, b_len = b ? b->len : 0;

	while (i < a_len || k < b_len) {
		int order = i == a_len   ? 1
		            : k == b_len ? -1
		                         : field_element_compare(&a->nodes[i].element, &b->nodes[k].element);
		if (order == 0) {
			append(out, &a->nodes[i].element, combine_member(a->nodes[i].member, b->nodes[k].member, op),
			       combine_children(&a->nodes[i], &b->nodes[k], op));
		} else if (order < 0) {
			if (op != OP_INTERSECTION)
				append_copy(out, &a->nodes[i]);
		} else if (op == OP_UNION) {
			append_copy(out, &b->nodes[k]);
		}
		i += order <= 0;
		k += order >= 0;
	}
	return out;
}

struct field_set *field_set_union(const struct field_set *a, const struct field_set *b)
{
	return combine(a, b, OP_UNION);
}

struct field_set *field_set_join(struct field_set *a, struct field_set *b)
{
	struct field_set *sum;

	if (a->len == 0 || b->len == 0) {
		sum = a->len == 0 ? b : a;
		field_set_free(a->len == 0 ? a : b);
		return sum;
	}
	sum = combine(a, b, OP_UNION);
	field_set_free(a);
	field_set_free(b);
	return sum;
}

struct field_set *field_set_intersection(const struct field_set *a, const struct field_set *b)
{
	return combine(a, b, OP_INTERSECTION);
}

struct field_set *field_set_difference(const struct field_set *a, const struct field_set *b)
{
	return combine(a, b, OP_DIFFERENCE);
}

struct field_set *field_set_recursive_difference(const struct field_set *s, const struct field_set *s2)
{
	return combine(s, s2, OP_RECURSIVE_DIFFERENCE);
}

bool field_set_meets(const struct field_set *a, const struct field_set *b)
{
	size_t i = 0, k = 0;

	while (a && b && i < a->len && k < b->len) {
		const struct field_node *x = &a->nodes[i], *y = &b->nodes[k];
		int order = field_element_compare(&x->element, &y->element);
		if (order == 0 && ((x->member && y->member) || field_set_meets(x->children, y->children)))
			return true;
		i += order <= 0;
		k += order >= 0;
	}
	return false;
}

struct field_set *field_set_drop_top(const struct field_set *s, const char *const *names)
{
	struct field_set *out = field_set_new();

	for (size_t i = 0; s && i < s->len; i++)
		if (s->nodes[i].element.type != ELEMENT_FIELD || !str_in(s->nodes[i].element.name, names))
			append_copy(out, &s->nodes[i]);
	return out;
}

static void each(const struct field_set *s, struct buf *path, void (*f)(void *self, const char *path), void *self)
{
	size_t len = path->len;

	for (int children = 0; children < 2; children++)
		for (size_t i = 0; s && i < s->len; i++) {
			const struct field_node *n = &s->nodes[i];
			if (children ? !n->children : !n->member)
				continue;
			field_element_print(&n->element, path);
			if (children)
				each(n->children, path, f, self);
			else
				f(self, buf_str(path));
			path->len = len;
			path->data[len] = '\0';
		}
}

void field_set_each(const struct field_set *s, void (*f)(void *self, const char *path), void *self)
{
	_cleanup_buf_ struct buf path = BUF_INIT(JSON_TEXT_MAX);

	each(s, &path, f, self);
}
