#include "codec/jsonpath.h"

#include "jsonpath_node.h"
#include "text.h"

#include <string.h>

/* Values selected so far: borrowed from the document or from the template's literals. */
struct values {
	const json_t **v;
	size_t len, cap;
};

struct evaluation {
	size_t visited;
	struct err *err;
};

static int walk_list(struct evaluation *ev, const struct jsonpath_list *list, const json_t *from, struct values *out);

static void values_clear(struct values *values)
{
	free(values->v);
	*values = (struct values){ 0 };
}
#define _cleanup_values_ _cleanup_(values_clear)

static int visit(struct evaluation *ev)
{
	if (++ev->visited > JSONPATH_VISITED_MAX)
		return err_set(ev->err, ERR_BAD_REQUEST, "JSONPath: it visits more than %d values", JSONPATH_VISITED_MAX);
	return 0;
}

/* A value that is not there (NULL) adds nothing. */
static int add(struct evaluation *ev, struct values *out, const json_t *v)
{
	if (visit(ev) < 0)
		return -1;
	if (!v)
		return 0;
	if (out->len == out->cap) {
		out->cap = out->cap ? out->cap * 2 : 8;
		out->v = xreallocarray(out->v, out->cap, sizeof(const void *));
	}
	out->v[out->len++] = v;
	return 0;
}

static int add_children(struct evaluation *ev, struct values *out, const json_t *v)
{
	json_t *object = json_unconst(v);
	for (void *i = json_object_iter(object); i; i = json_object_iter_next(object, i))
		if (add(ev, out, json_object_iter_value(i)) < 0)
			return -1;
	for (size_t i = 0; i < json_array_size(v); i++)
		if (add(ev, out, json_array_get(v, i)) < 0)
			return -1;
	return 0;
}

/* The value and everything below it, as far as it has something below it. */
static int add_descendants(struct evaluation *ev, struct values *out, const json_t *v)
{
	if (json_object_size(v) == 0 && json_array_size(v) == 0)
		return 0;
	if (add(ev, out, v) < 0)
		return -1;
	_cleanup_values_ struct values children = { 0 };
	if (add_children(ev, &children, v) < 0)
		return -1;
	for (size_t i = 0; i < children.len; i++)
		if (add_descendants(ev, out, children.v[i]) < 0)
			return -1;
	return 0;
}

static int walk_slice(struct evaluation *ev, const struct jsonpath_node *node, const json_t *v, struct values *out)
{
	int64_t len = (int64_t)json_array_size(v), from = node->from, to = node->has_to ? node->to : len;
	if (!json_is_array(v))
		return err_set(ev->err, ERR_INVALID, "JSONPath: an index is applied to a value that is no array");
	if (from < 0)
		from += len;
	if (to < 0)
		to += len;
	if (node->single)
		to = from + 1;
	if (from == to)
		return 0;
	if (from < 0 || from >= len || to < 0 || to > len)
		return err_set(ev->err, ERR_INVALID, "JSONPath: array index out of bounds: index %lld, length %lld",
		               (long long)(from < 0 || from >= len ? from : to - 1), (long long)len);
	if (from > to)
		return err_set(ev->err, ERR_INVALID, "JSONPath: starting index %lld is greater than ending index %lld",
		               (long long)from, (long long)to);
	for (int64_t i = from; i < to; i += node->step)
		if (add(ev, out, json_array_get(v, (size_t)i)) < 0)
			return -1;
	return 0;
}

/* Below, at or above 0 as a is less than, equal to or greater than b; false when they cannot be compared. */
static bool compare(const json_t *a, const json_t *b, int *ret)
{
	if (json_is_string(a) && json_is_string(b)) {
		*ret = strcmp(json_string_value(a), json_string_value(b));
	} else if (json_is_integer(a) && json_is_integer(b)) {
		*ret = (json_integer_value(a) > json_integer_value(b)) - (json_integer_value(a) < json_integer_value(b));
	} else if (json_is_number(a) && json_is_number(b)) {
		*ret = (json_number_value(a) > json_number_value(b)) - (json_number_value(a) < json_number_value(b));
	} else {
		return false;
	}
	return true;
}

/* Values of different kinds are unequal and have no order. */
static bool holds(enum jsonpath_operator operator, const json_t * left, const json_t *right)
{
	int order;
	if (operator== JSONPATH_EQUAL || operator== JSONPATH_NOT_EQUAL)
		return json_same(left, right) == (operator== JSONPATH_EQUAL);
	if (!compare(left, right, &order))
		return false;
	switch (operator) {
	case JSONPATH_LESS:
		return order < 0;
	case JSONPATH_LESS_EQUAL:
		return order <= 0;
	case JSONPATH_GREATER:
		return order > 0;
	default:
		return order >= 0;
	}
}

/* 1 when the element passes. */
static int passes(struct evaluation *ev, const struct jsonpath_node *node, const json_t *element)
{
	_cleanup_values_ struct values left = { 0 }, right = { 0 };
	if (walk_list(ev, &node->parts[0], element, &left) < 0)
		return -1;
	if (node->operator== JSONPATH_EXISTS || left.len == 0)
		return left.len > 0;
	if (walk_list(ev, &node->parts[1], element, &right) < 0)
		return -1;
	if (left.len > 1 || right.len > 1)
		return err_set(ev->err, ERR_INVALID, "JSONPath: a filter can only compare one element at a time");
	return right.len == 1 && holds(node->operator, left.v[0], right.v[0]);
}

static int walk_filter(struct evaluation *ev, const struct jsonpath_node *node, const json_t *v, struct values *out)
{
	if (!json_is_array(v))
		return err_set(ev->err, ERR_INVALID, "JSONPath: a filter is applied to a value that is no array");
	for (size_t i = 0; i < json_array_size(v); i++) {
		if (visit(ev) < 0)
			return -1;
		int r = passes(ev, node, json_array_get(v, i));
		if (r < 0 || (r > 0 && add(ev, out, json_array_get(v, i)) < 0))
			return -1;
	}
	return 0;
}

/* What one step makes of one value. */
static int walk_node(struct evaluation *ev, const struct jsonpath_node *node, const json_t *v, struct values *out)
{
	if (node->type == JSONPATH_LITERAL)
		return add(ev, out, node->literal);
	if (json_is_null(v))
		return 0;
	switch (node->type) {
	case JSONPATH_FIELD:
		return add(ev, out, *node->name ? json_object_get(v, node->name) : v);
	case JSONPATH_SLICE:
		return walk_slice(ev, node, v, out);
	case JSONPATH_WILDCARD:
		return add_children(ev, out, v);
	case JSONPATH_RECURSIVE:
		return add_descendants(ev, out, v);
	case JSONPATH_FILTER:
		return walk_filter(ev, node, v, out);
	default:
		return 0;
	}
}

static int walk_union(struct evaluation *ev, const struct jsonpath_node *node, const struct values *in,
                      struct values *out)
{
	for (size_t i = 0; i < node->parts_len; i++)
		for (size_t j = 0; j < in->len; j++)
			if (walk_list(ev, &node->parts[i], in->v[j], out) < 0)
				return -1;
	return 0;
}

static int walk_list(struct evaluation *ev, const struct jsonpath_list *list, const json_t *from, struct values *out)
{
	_cleanup_values_ struct values in = { 0 }, next = { 0 };
	if (add(ev, &in, from) < 0)
		return -1;
	for (size_t i = 0; i < list->len; i++) {
		const struct jsonpath_node *node = &list->nodes[i];
		next.len = 0;
		if (node->type == JSONPATH_UNION && walk_union(ev, node, &in, &next) < 0)
			return -1;
		for (size_t j = 0; node->type != JSONPATH_UNION && j < in.len; j++)
			if (walk_node(ev, node, in.v[j], &next) < 0)
				return -1;
		struct values swap = in;
		in = next;
		next = swap;
	}
	for (size_t i = 0; i < in.len; i++)
		if (add(ev, out, in.v[i]) < 0)
			return -1;
	return 0;
}

static void print_value(const json_t *v, struct buf *out)
{
	if (json_is_string(v)) {
		buf_append(out, json_string_value(v), json_string_length(v));
	} else {
		_cleanup_free_ char *text = json_canonical(v);
		buf_puts(out, text);
	}
}

static int print_items(struct evaluation *ev, const struct jsonpath *p, size_t from, size_t to, const json_t *doc,
                       struct buf *out)
{
	for (size_t i = from; i < to;) {
		const struct jsonpath_item *item = &p->items[i++];
		_cleanup_values_ struct values found = { 0 };
		if (visit(ev) < 0)
			return -1;
		if (item->type == JSONPATH_TEXT) {
			buf_puts(out, item->text);
			continue;
		}
		if (walk_list(ev, &item->path, doc, &found) < 0)
			return -1;
		for (size_t j = 0; j < found.len; j++) {
			if (item->type == JSONPATH_RANGE) {
				if (print_items(ev, p, i, item->end, found.v[j], out) < 0)
					return -1;
				continue;
			}
			if (j > 0)
				buf_putc(out, ' ');
			print_value(found.v[j], out);
		}
		if (item->type == JSONPATH_RANGE)
			i = item->end;
	}
	return out->failed ? err_set(ev->err, ERR_TOO_LARGE, "JSONPath: the output is larger than %zu bytes", out->max) : 0;
}

int jsonpath_print(const struct jsonpath *p, const json_t *doc, struct buf *out, struct err *err)
{
	struct evaluation ev = { .err = err };
	return print_items(&ev, p, 0, p->len, doc, out);
}

json_t *jsonpath_select(const struct jsonpath *p, const json_t *doc, struct err *err)
{
	struct evaluation ev = { .err = err };
	_cleanup_values_ struct values found = { 0 };
	for (size_t i = 0; i < p->len; i++) {
		if (p->items[i].type == JSONPATH_TEXT)
			continue;
		if (walk_list(&ev, &p->items[i].path, doc, &found) < 0)
			return NULL;
		break;
	}
	json_t *array = json_array();
	for (size_t i = 0; i < found.len; i++)
		json_array_append(array, json_unconst(found.v[i]));
	return array;
}
