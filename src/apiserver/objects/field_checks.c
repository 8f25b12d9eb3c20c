#include "field_checks.h"

#include "base/str.h"
#include "codec/go_format.h"
#include "invalid.h"
#include "kube/name_fault.h"
#include "schema/schema_internal.h"

#include <string.h>

#define SHOWN_MAX ((size_t)4096)
#define MESSAGE_MAX ((size_t)256 * 1024)
#define FIELD_OF(last)                                \
	va_list ap;                                       \
	va_start(ap, last);                               \
	_cleanup_free_ char *path = xvasprintf(last, ap); \
	va_end(ap)

void check_fail(struct err *err, const json_t *value, const char *detail, const char *field, ...)
{
	_cleanup_json_ json_t *none = json_null();
	bool tree = json_is_object(value) || json_is_array(value);
	_cleanup_free_ char *shown = tree ? json_to_str(value) : schema_show(value ? value : none);

	FIELD_OF(field);
	invalid_add(err, INVALID_VALUE, path, "Invalid value: %s: %s", shown, detail);
}

void check_fail_strings(struct err *err, const json_t *list, const char *detail, const char *field, ...)
{
	_cleanup_free_ char *shown = schema_show_strings(list);

	FIELD_OF(field);
	invalid_add(err, INVALID_VALUE, path, "Invalid value: %s: %s", shown, detail);
}

static void show_text(const char *text, struct buf *out)
{
	go_quote(text ? text : "", text ? strlen(text) : 0, SHOWN_MAX, out);
}

static void show_map(const json_t *map, struct buf *out)
{
	_cleanup_strv_ char **keys = NULL;
	const char *key;
	json_t *v;

	if (!json_is_object(map)) {
		buf_puts(out, "map[string]string(nil)");
		return;
	}
	json_object_foreach (json_unconst(map), key, v)
		strv_push(&keys, key);
	strv_sort(keys);
	buf_puts(out, "map[string]string{");
	for (size_t i = 0; keys && keys[i]; i++) {
		buf_puts(out, i ? ", " : "");
		show_text(keys[i], out);
		buf_putc(out, ':');
		show_text(json_get_str(map, keys[i]), out);
	}
	buf_putc(out, '}');
}

static void show_requirement(const json_t *r, struct buf *out)
{
	const json_t *values = json_object_get(r, "values");
	size_t i;
	json_t *v;

	buf_puts(out, "v1.LabelSelectorRequirement{Key:");
	show_text(json_get_str(r, "key"), out);
	buf_puts(out, ", Operator:");
	show_text(json_get_str(r, "operator"), out);
	buf_puts(out, json_is_array(values) ? ", Values:[]string{" : ", Values:[]string(nil)");
	json_array_foreach (values, i, v) {
		buf_puts(out, i ? ", " : "");
		show_text(json_string_value(v), out);
	}
	buf_puts(out, json_is_array(values) ? "}}" : "}");
}

void check_fail_labels(struct err *err, const json_t *labels, const char *detail, const char *field)
{
	_cleanup_buf_ struct buf shown = BUF_INIT(MESSAGE_MAX);

	show_map(labels, &shown);
	invalid_add(err, INVALID_VALUE, field, "Invalid value: %s: %s", buf_str(&shown), detail);
}

void check_fail_selector(struct err *err, const json_t *selector, const char *detail, const char *field)
{
	const json_t *expressions = json_object_get(selector, "matchExpressions");
	_cleanup_buf_ struct buf shown = BUF_INIT(MESSAGE_MAX);
	size_t i;
	json_t *r;

	if (!json_is_object(selector)) {
		check_fail(err, NULL, detail, "%s", field);
		return;
	}
	buf_puts(&shown, "v1.LabelSelector{MatchLabels:");
	show_map(json_object_get(selector, "matchLabels"), &shown);
	buf_puts(&shown, ", MatchExpressions:[]v1.LabelSelectorRequirement");
	buf_puts(&shown, json_is_array(expressions) ? "{" : "(nil)");
	json_array_foreach (expressions, i, r) {
		buf_puts(&shown, i ? ", " : "");
		show_requirement(r, &shown);
	}
	buf_puts(&shown, json_is_array(expressions) ? "}}" : "}");
	invalid_add(err, INVALID_VALUE, field, "Invalid value: %s: %s", buf_str(&shown), detail);
}

void check_fail_int_or_string(struct err *err, const json_t *v, const char *detail, const char *field)
{
	const char *text = json_string_value(v);
	_cleanup_buf_ struct buf shown = BUF_INIT(MESSAGE_MAX);

	buf_printf(&shown, "intstr.IntOrString{Type:%d, IntVal:%lld, StrVal:", text ? 1 : 0, (long long)json_int(v, 0));
	show_text(text, &shown);
	invalid_add(err, INVALID_VALUE, field, "Invalid value: %s}: %s", buf_str(&shown), detail);
}

void check_required(struct err *err, const char *detail, const char *field, ...)
{
	FIELD_OF(field);
	invalid_add(err, INVALID_REQUIRED, path, "Required value%s%s", *detail ? ": " : "", detail);
}

void check_forbidden(struct err *err, const char *detail, const char *field, ...)
{
	FIELD_OF(field);
	invalid_add(err, INVALID_FORBIDDEN, path, "Forbidden: %s", detail);
}

bool check_at_most(struct err *err, size_t number, size_t max, const char *field, ...)
{
	FIELD_OF(field);
	if (number > max)
		invalid_add(err, INVALID_TOO_MANY, path, "Too many: %zu: must have at most %zu items", number, max);
	return number <= max;
}

void check_one_of(struct err *err, const char *value, const char *const *supported, const char *field, ...)
{
	_cleanup_buf_ struct buf list = BUF_INIT(4096);

	if (str_in(value, supported))
		return;
	FIELD_OF(field);
	for (size_t i = 0; supported[i]; i++)
		buf_printf(&list, "%s\"%s\"", i ? ", " : "", supported[i]);
	_cleanup_json_ json_t *v = json_string(value);
	_cleanup_free_ char *shown = schema_show(v);
	invalid_add(err, INVALID_NOT_SUPPORTED, path, "Unsupported value: %s: supported values: %s", shown, buf_str(&list));
}

void check_immutable_field(struct err *err, const json_t *now, const json_t *before, const char *field)
{
	if (now == before || (now && before && json_same(now, before)))
		return;
	check_fail(err, now, "field is immutable", "%s", field);
}

void check_not_negative(struct err *err, const json_t *v, const char *field, ...)
{
	if (!json_is_integer(v) || json_integer_value(v) >= 0)
		return;
	FIELD_OF(field);
	check_fail(err, v, "must be greater than or equal to 0", "%s", path);
}

void check_port(struct err *err, const json_t *v, const char *field, ...)
{
	int64_t n = json_int(v, 0);

	if (n >= 1 && n <= 65535)
		return;
	FIELD_OF(field);
	check_fail(err, v, "must be between 1 and 65535, inclusive", "%s", path);
}

void check_faults(struct err *err, char **faults, const json_t *value, const char *field, ...)
{
	_cleanup_strv_ char **list = faults;

	FIELD_OF(field);
	for (size_t i = 0; list && list[i]; i++)
		check_fail(err, value, list[i], "%s", path);
}

void check_dns_label(struct err *err, const char *name, const char *field, ...)
{
	if (str_empty(name))
		return;
	_cleanup_json_ json_t *v = json_string(name);
	FIELD_OF(field);
	check_faults(err, kube_dns_label_faults(name), v, "%s", path);
}

void check_unique_names(struct err *err, const json_t *list, const char *field)
{
	_cleanup_(map_freep) struct map *seen = map_new(NULL);
	size_t i;
	json_t *item;

	json_array_foreach (list, i, item) {
		const char *name = json_get_str(item, "name");
		if (str_empty(name) || map_add(seen, name))
			continue;
		_cleanup_free_ char *path = xasprintf("%s[%zu].name", field, i),
							*shown = schema_show(json_object_get(item, "name"));
		invalid_add(err, INVALID_DUPLICATE, path, "Duplicate value: %s", shown);
	}
}

static bool requirement_holds(const json_t *r, const json_t *labels)
{
	const char *operator= json_get_str(r, "operator"),
			   *value = json_get_str(labels, json_get_str(r, "key") ? json_get_str(r, "key") : "");
	size_t i;
	json_t *v;
	bool found = false;

	json_array_foreach (json_object_get(r, "values"), i, v)
		found = found || (value && str_eq(value, json_string_value(v)));
	if (str_eq(operator, "In"))
		return found;
	if (str_eq(operator, "NotIn"))
		return !found;
	return str_eq(operator, "Exists") ? value != NULL : value == NULL;
}

bool check_selector_matches(const json_t *selector, const json_t *labels)
{
	const char *key;
	json_t *v;
	size_t i;

	json_object_foreach (json_object_get(selector, "matchLabels"), key, v)
		if (!str_eq(json_get_str(labels, key), json_string_value(v)))
			return false;
	json_array_foreach (json_object_get(selector, "matchExpressions"), i, v)
		if (!requirement_holds(v, labels))
			return false;
	return true;
}
