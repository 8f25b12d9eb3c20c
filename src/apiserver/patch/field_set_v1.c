/* Field sets as they are written into managedFields (FieldsV1). */
#include "base/buf.h"
#include "base/str.h"
#include "field_set_internal.h"

#include <string.h>

/* The same members in the order of their names. */
static json_t *sorted_keys(json_t *obj)
{
	json_t *sorted = json_object(), *v;
	size_t len = 0;
	const char *key;
	const char **names = xcalloc(json_object_size(obj), sizeof(*names));

	json_object_foreach (obj, key, v)
		names[len++] = key;
	str_sort(names, len);
	for (size_t i = 0; i < len; i++)
		json_object_set(sorted, names[i], json_object_get(obj, names[i]));
	free(names);
	return sorted;
}

static int parse_index(const char *text, struct field_element *ret, struct err *err)
{
	int64_t index;

	if (!str_to_i64(text, 0, INT32_MAX, &index))
		return err_set(err, ERR_BAD_REQUEST, "field path element \"i:%s\": not an index", text);
	*ret = (struct field_element){ .type = ELEMENT_INDEX, .value = json_integer(index) };
	return 0;
}

/* 1: an element; 0: of a kind that is not known (a later version may know it); negative: malformed. */
static int parse_element(const char *text, struct field_element *ret, struct err *err)
{
	if (strlen(text) < 2 || text[1] != ':')
		return err_set(err, ERR_BAD_REQUEST, "field path element \"%s\": missing colon", text);
	if (*text == 'f') {
		*ret = field_element_named(text + 2);
		return 1;
	}
	if (*text == 'i')
		return parse_index(text + 2, ret, err) < 0 ? -1 : 1;
	if (*text != 'k' && *text != 'v')
		return 0;
	json_t *v = json_parse(text + 2, strlen(text + 2), 0, err);
	if (!v)
		return err_wrap(err, "field path element \"%s\"", text);
	if (*text == 'v') {
		*ret = (struct field_element){ .type = ELEMENT_VALUE, .value = v };
		return 1;
	}
	if (!json_is_object(v)) {
		json_decref(v);
		return err_set(err, ERR_BAD_REQUEST, "field path element \"%s\": keys must be an object", text);
	}
	*ret = (struct field_element){ .type = ELEMENT_KEY, .value = sorted_keys(v) };
	json_decref(v);
	return 1;
}

/* A member of a FieldsV1 object and what it stands for. */
struct part {
	struct field_element element;
	const json_t *below;
};

static int part_order(const void *a, const void *b)
{
	return field_element_compare(&((const struct part *)a)->element, &((const struct part *)b)->element);
}

static void parts_free(struct part *parts, size_t len)
{
	for (size_t i = 0; i < len; i++)
		field_element_clear(&parts[i].element);
	free(parts);
}

/* The known members, in the order of sets (as they mostly are already); NULL when one is malformed. */
static struct part *parts_of(const json_t *fields, size_t *ret_len, bool *ret_member, struct err *err)
{
	struct part *parts = xcalloc(json_object_size(fields) + 1, sizeof(*parts));
	bool ordered = true;
	size_t len = 0;
	const char *key;
	json_t *below;

	json_object_foreach (json_unconst(fields), key, below) {
		if (strcmp(key, ".") == 0) {
			*ret_member = true;
			continue;
		}
		int known = parse_element(key, &parts[len].element, err);
		if (known < 0) {
			parts_free(parts, len);
			return NULL;
		}
		if (known == 0)
			continue;
		parts[len].below = below;
		ordered = ordered && (len == 0 || part_order(&parts[len - 1], &parts[len]) < 0);
		len++;
	}
	if (!ordered)
		qsort(parts, len, sizeof(*parts), part_order);
	*ret_len = len;
	return parts;
}

static struct field_set *parse(const json_t *fields, bool *ret_member, struct err *err);

/* Takes the part's element. */
static int parse_part(struct field_set *s, struct part *part, struct err *err)
{
	bool member;
	struct field_set *children = parse(part->below, &member, err);

	if (!children)
		return -1;
	struct field_node *n = field_set_ensure(s, part->element);
	part->element = (struct field_element){ 0 };
	n->member = n->member || member;
	if (children->len == 0)
		children = field_set_free(children);
	if (children) {
		field_set_free(n->children);
		n->children = children;
	}
	return 0;
}

/* *ret_member: the element that fields belong to is in the set itself. */
static struct field_set *parse(const json_t *fields, bool *ret_member, struct err *err)
{
	_cleanup_(field_set_freep) struct field_set *s = field_set_new();
	size_t len;
	int r = 0;

	*ret_member = false;
	if (!json_is_object(fields)) {
		err_set(err, ERR_BAD_REQUEST, "fieldsV1: must consist of objects");
		return NULL;
	}
	struct part *parts = parts_of(fields, &len, ret_member, err);
	if (!parts)
		return NULL;
	for (size_t i = 0; i < len && r == 0; i++)
		r = parse_part(s, &parts[i], err);
	parts_free(parts, len);
	if (s->len == 0)
		*ret_member = true;
	return r < 0 ? NULL : TAKE_PTR(s);
}

struct field_set *field_set_from_v1(const json_t *fields_v1, struct err *err)
{
	bool member;

	return parse(fields_v1, &member, err);
}

/* Sets elements of a set into FieldsV1. One empty object stands for all leaves: there are many, and nobody changes
 * them. */
struct writer {
	struct buf key;
	json_t *leaf;
};

static const char *element_text(struct writer *w, const struct field_element *e)
{
	buf_reset(&w->key);
	if (e->type == ELEMENT_FIELD) {
		buf_puts(&w->key, "f:");
		buf_puts(&w->key, e->name);
	} else {
		buf_puts(&w->key, e->type == ELEMENT_KEY ? "k:" : e->type == ELEMENT_VALUE ? "v:" : "i:");
		json_write(e->value, &w->key);
	}
	return buf_str(&w->key);
}

static json_t *write_set(struct writer *w, const struct field_set *s, bool member)
{
	if (field_set_is_empty(s))
		return json_incref(w->leaf);
	json_t *fields = json_object();

	/* The element itself is named only beside others: {} alone says it already. */
	if (member)
		json_object_set_new_nocheck(fields, ".", json_incref(w->leaf));
	for (size_t i = 0; i < s->len; i++) {
		const struct field_node *n = &s->nodes[i];
		if (!n->member && field_set_is_empty(n->children))
			continue;
		json_t *below = write_set(w, n->children, n->member);
		json_object_set_new_nocheck(fields, element_text(w, &n->element), below);
	}
	return fields;
}

json_t *field_set_to_v1(const struct field_set *s)
{
	struct writer w = { .key = BUF_INIT(JSON_TEXT_MAX), .leaf = json_object() };
	json_t *fields = field_set_is_empty(s) ? json_object() : write_set(&w, s, false);

	json_decref(w.leaf);
	buf_clear(&w.key);
	return fields;
}
