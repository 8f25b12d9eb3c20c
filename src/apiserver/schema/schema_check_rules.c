/* The form of x-kubernetes-validations, and whether what value validations speak about is declared. */
#include "base/str.h"
#include "schema_check.h"

#include <ctype.h>
#include <string.h>

/* ---- x-kubernetes-validations ---- */

static bool is_blank(const char *s)
{
	while (*s && isspace((unsigned char)*s))
		s++;
	return !*s;
}

/* Within the text, ends apart. */
static bool has_line_break(const char *s)
{
	size_t len = strlen(s);

	while (len > 0 && isspace((unsigned char)s[len - 1]))
		len--;
	while (len > 0 && isspace((unsigned char)*s)) {
		s++;
		len--;
	}
	return memchr(s, '\n', len) || memchr(s, '\r', len);
}

static void check_message(struct place *p, const json_t *rule, const char *at)
{
	const char *text = json_get_str(rule, "rule"), *message = json_get_str(rule, "message");
	const json_t *value = json_object_get(rule, "message");

	if (!text || is_blank(text))
		schema_required(&p->form, below(at, "rule"), "rule is not specified");
	else if (!str_empty(message) && is_blank(message))
		schema_invalid(&p->form, below(at, "message"), value, xstrdup("must be non-empty if specified"));
	else if (message && has_line_break(message))
		schema_invalid(&p->form, below(at, "message"), value, xstrdup("must not contain line breaks"));
	else if (has_line_break(text) && (!message || is_blank(message)))
		schema_required(&p->form, below(at, "message"), "message must be specified if rule contains line breaks");
}

/* ".spec.x" or "['x']", from the node of the rule. */
static bool path_is_valid(const json_t *s, const char *path)
{
	while (*path) {
		_cleanup_free_ char *name = NULL;
		const char *end;
		if (*path == '.') {
			end = path + 1 + strcspn(path + 1, ".[]");
			name = xstrndup(path + 1, (size_t)(end - path - 1));
		} else if (path[0] == '[' && path[1] == '\'') {
			end = strstr(path + 2, "']");
			if (!end)
				return false;
			name = xstrndup(path + 2, (size_t)(end - path - 2));
			end += 2;
		} else {
			return false;
		}
		const json_t *fields = json_object_get(s, "properties"), *more = json_object_get(s, "additionalProperties");
		s = json_object_size(fields) > 0 ? json_object_get(fields, name) : more;
		if (!json_is_object(s))
			return false;
		path = end;
	}
	return true;
}

static void check_field_path(struct place *p, const json_t *s, const json_t *rule, const char *at)
{
	const char *path = json_get_str(rule, "fieldPath");
	const json_t *value = json_object_get(rule, "fieldPath");

	if (str_empty(path))
		return;
	if (is_blank(path))
		schema_invalid(&p->form, below(at, "fieldPath"), value, xstrdup("must be non-empty if specified"));
	if (strpbrk(path, "\r\n"))
		schema_invalid(&p->form, below(at, "fieldPath"), value, xstrdup("must not contain line breaks"));
	if (!path_is_valid(s, path))
		schema_invalid(&p->form, below(at, "fieldPath"), value, xstrdup("must be a valid path"));
}

static void check_reason(struct place *p, const json_t *rule, const char *at)
{
	static const char *const REASONS[] = { "FieldValueDuplicate", "FieldValueForbidden", "FieldValueInvalid",
		                                   "FieldValueRequired", NULL };
	const char *reason = json_get_str(rule, "reason");

	if (!reason || str_in(reason, REASONS))
		return;
	_cleanup_json_ json_t *names = json_array();
	for (size_t i = 0; REASONS[i]; i++)
		json_push_str(names, REASONS[i]);
	schema_unsupported(&p->form, below(at, "reason"), json_object_get(rule, "reason"), names);
}

void schema_check_rules(struct place *p, const json_t *s, const char *at)
{
	size_t i;
	json_t *rule;

	json_array_foreach (json_object_get(s, "x-kubernetes-validations"), i, rule) {
		_cleanup_free_ char *path = xasprintf("%s.x-kubernetes-validations[%zu]", at, i);
		const char *expression = json_get_str(rule, "messageExpression");
		check_message(p, rule, path);
		if (!str_empty(expression) && is_blank(expression))
			schema_required(&p->form, below(path, "messageExpression"),
			                "messageExpression must be non-empty if specified");
		check_reason(p, rule, path);
		check_field_path(p, s, rule, path);
	}
}

/* ---- completeness ---- */

static void check_declared(struct place *p, const json_t *v, const json_t *s, const char *at, const char *from);

static void check_declared_logic(struct place *p, const json_t *v, const json_t *s, const char *at, const char *from)
{
	static const char *const NAMES[] = { "allOf", "anyOf", "oneOf" };
	const json_t *not_schema = json_object_get(v, "not");
	size_t i;
	json_t *item;

	if (json_is_object(not_schema)) {
		_cleanup_free_ char *path = below(from, "not");
		check_declared(p, not_schema, s, at, path);
	}
	for (size_t n = 0; n < ARRAY_SIZE(NAMES); n++)
		json_array_foreach (json_object_get(v, NAMES[n]), i, item) {
			_cleanup_free_ char *path = xasprintf("%s.%s[%zu]", from, NAMES[n], i);
			check_declared(p, item, s, at, path);
		}
}

static void check_declared_at(struct place *p, const json_t *v, const json_t *s, const char *at, const char *from)
{
	if (!json_is_object(v))
		return;
	if (json_is_object(s)) {
		check_declared(p, v, s, at, from);
		return;
	}
	_cleanup_free_ char *detail = xasprintf("because it is defined in %s", from);
	schema_required(&p->structural, xstrdup(at), detail);
}

/* v is a value validation of the declared node s. */
static void check_declared(struct place *p, const json_t *v, const json_t *s, const char *at, const char *from)
{
	const json_t *declared = json_object_get(s, "properties");
	const char *key;
	json_t *field;

	check_declared_logic(p, v, s, at, from);
	if (json_is_object(json_object_get(v, "items"))) {
		_cleanup_free_ char *path = below(at, "items"), *where = below(from, "items");
		check_declared_at(p, json_object_get(v, "items"), json_object_get(s, "items"), path, where);
	}
	json_object_foreach (json_object_get(v, "properties"), key, field) {
		_cleanup_free_ char *path = xasprintf("%s.properties[%s]", at, key);
		_cleanup_free_ char *where = xasprintf("%s.properties[%s]", from, key);
		check_declared_at(p, field, json_object_get(declared, key), path, where);
	}
}

void schema_check_complete(struct place *p, const json_t *s, const char *at)
{
	check_declared_logic(p, s, s, at, at);
}
