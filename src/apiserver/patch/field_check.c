/* Whether an applied configuration fits the types of its schema. structured-merge-diff knows fewer types than a schema
 * has (numbers, strings, booleans, any scalar; lists and maps), and its words are what clients see. */
#include "base/buf.h"
#include "base/str.h"
#include "codec/go_format.h"
#include "field_set_internal.h"
#include "schema/schema_internal.h"

#include <string.h>

#define VIOLATIONS_MAX 100

struct checker {
	struct buf path;
	char **violations;
	size_t len;
};

static void check(struct checker *c, const struct schema *s, const json_t *v, bool free_form);

/* Takes text. */
static void violation(struct checker *c, char *text)
{
	_cleanup_free_ char *mine = text;
	_cleanup_free_ char *line = c->path.len ? xasprintf("%s: %s", buf_str(&c->path), mine) : xstrdup(mine);

	if (c->len < VIOLATIONS_MAX) {
		strv_push(&c->violations, line);
		c->len++;
	}
}

static void path_back(struct checker *c, size_t len)
{
	if (c->path.data && c->path.len > len) {
		c->path.len = len;
		c->path.data[len] = '\0';
	}
}

/* ---- scalars ---- */

static bool is_scalar(const json_t *v)
{
	return json_is_number(v) || json_is_string(v) || json_is_boolean(v);
}

static void expected(struct checker *c, const char *what, const json_t *v)
{
	_cleanup_free_ char *shown = go_format_value(v);

	violation(c, xasprintf("expected %s, got &{%s}", what, shown));
}

static void check_scalar(struct checker *c, const struct schema *s, const json_t *v)
{
	if (s->type == SCHEMA_INTEGER || s->type == SCHEMA_NUMBER) {
		if (!json_is_number(v))
			violation(c, xasprintf("expected numeric (int or float), got %s", go_type_name(v)));
	} else if (s->type == SCHEMA_BOOLEAN) {
		if (!json_is_boolean(v))
			expected(c, "boolean", v);
	} else if (s->format && strcmp(schema_format_name(s->format), "byte") != 0) {
		if (!is_scalar(v))
			expected(c, "any scalar", v);
	} else if (!json_is_string(v)) {
		_cleanup_free_ char *shown = go_format_syntax(v);
		violation(c, xasprintf("expected string, got &value.valueUnstructured{Value:%s}", shown));
	}
}

/* ---- lists ---- */

static void bad_item(struct checker *c, const struct schema *s, const json_t *item, size_t i)
{
	const char *keys[FIELD_KEYS_MAX];

	if (field_list_type(s) == SCHEMA_LIST_SET) {
		const char *what = json_is_object(item) ? "associative list without keys has an element that's a map type"
		                   : json_is_array(item)
		                       ? "not supported: associative list with lists as elements"
		                       : "associative list without keys has an element that's an explicit null";
		violation(c, xasprintf("element %zu: %s", i, what));
		return;
	}
	if (!json_is_object(item)) {
		violation(c, xasprintf("element %zu: associative list with keys may not have %s", i,
		                       json_is_null(item) ? "a null element" : "non-map elements"));
		return;
	}
	_cleanup_buf_ struct buf names = BUF_INIT(4096);
	size_t len = field_list_keys(s, keys);
	for (size_t k = 0; k < len; k++)
		buf_printf(&names, "%s\"%s\"", k ? " " : "", keys[k]);
	violation(
		c,
		xasprintf(
			"element %zu: associative list with keys has an element that omits all key fields [%s] (and doesn't have "
			"default values for any key fields)",
			i, buf_str(&names)));
}

/* For each place whether an earlier item has the same identity; free(). */
static bool *repeated_places(const struct schema *s, const json_t *array)
{
	bool *repeated = xcalloc(json_array_size(array) + 1, sizeof(*repeated));
	size_t len;
	struct field_item *items = field_items_of(s, array, &len);

	for (size_t i = 1; i < len; i++)
		repeated[items[i].at] = field_element_compare(&items[i - 1].element, &items[i].element) == 0;
	field_items_free(items, len);
	return repeated;
}

static void check_item(struct checker *c, const struct schema *s, const json_t *item, bool repeated, bool free_form)
{
	_cleanup_buf_ struct buf key = BUF_INIT(JSON_TEXT_MAX);
	struct field_element e;

	if (!field_element_of_item(s, item, &e))
		return;
	field_element_print(&e, &key);
	field_element_clear(&e);
	if (repeated)
		violation(c, xasprintf("duplicate entries for key %s", buf_str(&key)));
	buf_puts(&c->path, buf_str(&key));
	check(c, schema_items(s), item, free_form);
}

static void check_items(struct checker *c, const struct schema *s, const json_t *array, bool free_form)
{
	bool associative = field_list_is_associative(s);
	_cleanup_free_ bool *repeated = associative ? repeated_places(s, array) : NULL;
	size_t i, len = c->path.len;
	json_t *v;

	json_array_foreach (array, i, v) {
		struct field_element e;
		if (associative && !field_element_of_item(s, v, &e)) {
			bad_item(c, s, v, i);
			return;
		}
		if (associative) {
			field_element_clear(&e);
			check_item(c, s, v, repeated[i], free_form);
		} else {
			buf_printf(&c->path, "[%zu]", i);
			check(c, schema_items(s), v, free_form);
		}
		path_back(c, len);
	}
}

/* ---- maps ---- */

static bool declares(const struct schema *s, const char *name, bool free_form)
{
	bool named;

	return free_form || s->fields_len == 0 || field_member_schema(s, name, &named) || named;
}

static void check_members(struct checker *c, const struct schema *s, const json_t *obj, bool free_form)
{
	size_t len = c->path.len;
	const char *key;
	json_t *v;
	bool named;

	json_object_foreach (json_unconst(obj), key, v) {
		buf_printf(&c->path, ".%s", key);
		if (s && !declares(s, key, free_form)) {
			violation(c, xstrdup("field not declared in schema"));
			path_back(c, len);
			return;
		}
		check(c, field_member_schema(s, key, &named), v, free_form);
		path_back(c, len);
	}
}

/* free_form: a schema above keeps unknown fields, and so does everything below it. */
static void check(struct checker *c, const struct schema *s, const json_t *v, bool free_form)
{
	if (!s || json_is_null(v))
		return;
	free_form = free_form || (s->flags & SCHEMA_PRESERVE);
	if (s->type == SCHEMA_ANY) {
		if (json_is_object(v))
			check_members(c, s, v, free_form);
		else if (json_is_array(v))
			check_items(c, s, v, free_form);
	} else if (s->type == SCHEMA_OBJECT) {
		if (json_is_object(v))
			check_members(c, s, v, free_form);
		else
			expected(c, "map", v);
	} else if (s->type == SCHEMA_ARRAY) {
		if (json_is_array(v))
			check_items(c, s, v, free_form);
		else
			expected(c, "list", v);
	} else {
		check_scalar(c, s, v);
	}
}

int field_check_applied(const struct schema *schema, const json_t *config, struct err *err)
{
	struct checker c = { .path = BUF_INIT(JSON_TEXT_MAX) };
	int r = 0;

	check(&c, schema, config, false);
	if (c.len == 1) {
		r = err_set(err, ERR_UNKNOWN, "%s", c.violations[0]);
	} else if (c.len > 1) {
		_cleanup_free_ char *lines = strv_join(c.violations, "\n  ");
		r = err_set(err, ERR_UNKNOWN, "errors:\n  %s", lines);
	}
	buf_clear(&c.path);
	strv_free(c.violations);
	return r;
}
