/* Field sets as they are written into managedFields (FieldsV1). */
#include "base/buf.h"
#include "base/str.h"
#include "field_set_internal.h"

#include <string.h>

static int key_order(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* The same members in the order of their names. */
static json_t *sorted_keys(json_t *obj)
{
	json_t *sorted = json_object(), *v;
	size_t len = 0;
	const char *key;
	const char **names = xcalloc(json_object_size(obj), sizeof(*names));

	json_object_foreach(obj, key, v)
		names[len++] = key;
	qsort(names, len, sizeof(*names), key_order);
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

/* *ret_member: the element that fields belong to is in the set itself. */
static struct field_set *parse(const json_t *fields, bool *ret_member, struct err *err)
{
	_cleanup_(field_set_freep) struct field_set *s = field_set_new();
	const char *key;
	json_t *below;

	*ret_member = false;
	if (!json_is_object(fields)) {
		err_set(err, ERR_BAD_REQUEST, "fieldsV1: must consist of objects");
		return NULL;
	}
	json_object_foreach(json_unconst(fields), key, below) {
		struct field_element e;
		bool member;
		if (strcmp(key, ".") == 0) {
			*ret_member = true;
			continue;
		}
		int known = parse_element(key, &e, err);
		if (known < 0)
			return NULL;
		if (known == 0)
			continue;
		struct field_set *children = parse(below, &member, err);
		if (!children) {
			field_element_clear(&e);
			return NULL;
		}
		struct field_node *n = field_set_ensure(s, e);
		n->member = n->member || member;
		if (children->len == 0)
			children = field_set_free(children);
		if (children) {
			field_set_free(n->children);
			n->children = children;
		}
	}
	if (s->len == 0)
		*ret_member = true;
	return TAKE_PTR(s);
}

struct field_set *field_set_from_v1(const json_t *fields_v1, struct err *err)
{
	bool member;

	return parse(fields_v1, &member, err);
}

static char *element_text(const struct field_element *e)
{
	struct buf out = BUF_INIT(JSON_TEXT_MAX);

	if (e->type == ELEMENT_FIELD) {
		buf_puts(&out, "f:");
		buf_puts(&out, e->name);
	} else {
		buf_puts(&out, e->type == ELEMENT_KEY ? "k:" : e->type == ELEMENT_VALUE ? "v:" : "i:");
		json_write(e->value, &out);
	}
	return buf_steal(&out);
}

static json_t *write_set(const struct field_set *s, bool member)
{
	json_t *fields = json_object();

	/* The element itself is named only beside others: {} alone says it already. */
	if (member && !field_set_is_empty(s))
		json_object_set_new_nocheck(fields, ".", json_object());
	for (size_t i = 0; s && i < s->len; i++) {
		const struct field_node *n = &s->nodes[i];
		if (!n->member && field_set_is_empty(n->children))
			continue;
		_cleanup_free_ char *key = element_text(&n->element);
		json_object_set_new_nocheck(fields, key, write_set(n->children, n->member));
	}
	return fields;
}

json_t *field_set_to_v1(const struct field_set *s)
{
	return write_set(s, false);
}
