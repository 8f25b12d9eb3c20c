/* Validating values, in the words of Kubernetes' kube-openapi library. */
#include "base/map.h"
#include "base/str.h"
#include "codec/go_format.h"
#include "schema_internal.h"

#include <ctype.h>
#include <math.h>
#include <stdio.h>

static const char *const TYPE_NAMES[] = {
	[SCHEMA_ANY] = "",
	[SCHEMA_OBJECT] = "object",
	[SCHEMA_ARRAY] = "array",
	[SCHEMA_STRING] = "string",
	[SCHEMA_INTEGER] = "integer",
	[SCHEMA_NUMBER] = "number",
	[SCHEMA_BOOLEAN] = "boolean",
};

const char *schema_type_name(const json_t *v)
{
	switch (json_typeof(v)) {
	case JSON_OBJECT:
		return "object";
	case JSON_ARRAY:
		return "array";
	case JSON_STRING:
		return "string";
	case JSON_INTEGER:
		return "integer";
	case JSON_REAL:
		return "number";
	case JSON_NULL:
		return "null";
	default:
		return "boolean";
	}
}

static bool is_whole(const json_t *v)
{
	return json_is_integer(v) ||
	       (json_is_real(v) && fabs(json_real_value(v)) < 0x1p53 && !(trunc(json_real_value(v)) < json_real_value(v)) &&
	        !(trunc(json_real_value(v)) > json_real_value(v)));
}

static bool type_fits(const struct schema *s, const json_t *v)
{
	if (s->flags & SCHEMA_INT_OR_STRING)
		return json_is_string(v) || is_whole(v);
	switch ((enum schema_type)s->type) {
	case SCHEMA_ANY:
		return true;
	case SCHEMA_OBJECT:
		return json_is_object(v);
	case SCHEMA_ARRAY:
		return json_is_array(v);
	case SCHEMA_STRING:
		return json_is_string(v);
	case SCHEMA_INTEGER:
		return is_whole(v);
	case SCHEMA_NUMBER:
		return json_is_number(v);
	case SCHEMA_BOOLEAN:
		return json_is_boolean(v);
	}
	return false;
}

static void type_invalid(struct schema_errors *e, const struct schema_step *at, const char *wanted, const char *found)
{
	char *field = schema_step_text(at);

	schema_errors_add(
		e, "FieldValueTypeInvalid", field,
		xasprintf("Invalid value: \"%s\": %s in body must be of type %s: \"%s\"", found, field, wanted, found));
}

static void check_type(struct schema_errors *e, const struct schema *s, const struct schema_step *at, const json_t *v)
{
	const char *wanted = s->flags & SCHEMA_INT_OR_STRING ? "integer,string" : TYPE_NAMES[s->type];

	if (json_is_null(v)) {
		if (*wanted && !(s->flags & SCHEMA_NULLABLE))
			type_invalid(e, at, wanted, "null");
		return;
	}
	if (type_fits(s, v))
		return;
	/* A quirk of the library: where a format is, lists and strings are left to it, and it looks at strings only. */
	if (s->format && s->type != SCHEMA_INTEGER && s->type != SCHEMA_NUMBER && (json_is_string(v) || json_is_array(v)))
		return;
	/* With a format, Kubernetes names the formats instead of the types. */
	if (s->format && !json_is_string(v) && !json_is_array(v))
		type_invalid(e, at, schema_format_name(s->format),
		             json_is_integer(v) ? "int64"
		             : json_is_real(v)  ? "float64"
		                                : "");
	else
		type_invalid(e, at, wanted, schema_type_name(v));
}

/* "Invalid value: VALUE: FIELD in body RULE" */
static void _printf_(4, 5)
	broken(struct schema_errors *e, const struct schema_step *at, const json_t *value, const char *fmt, ...)
{
	char *field = schema_step_text(at);
	va_list ap;

	va_start(ap, fmt);
	_cleanup_free_ char *rule = xvasprintf(fmt, ap);
	va_end(ap);
	schema_invalid(e, field, value, xasprintf("%s in body %s", field, rule));
}

static size_t characters(const char *s, size_t len)
{
	size_t n = 0;

	for (size_t i = 0; i < len; i++)
		n += ((unsigned char)s[i] & 0xc0) != 0x80;
	return n;
}

static void check_string(struct schema_errors *e, const struct schema *s, const struct schema_step *at, const json_t *v)
{
	const struct schema_rules *r = s->rules;
	const char *text = json_string_value(v);
	size_t len = json_string_length(v);
	bool secret = schema_format_is_secret(s->format);

	if (r && r->max_length >= 0 && len > (size_t)r->max_length && characters(text, len) > (size_t)r->max_length) {
		schema_errors_add(e, "FieldValueTooLong", schema_step_text(at),
		                  xasprintf("Too long: may not be longer than %lld", (long long)r->max_length));
		return;
	}
	_cleanup_json_ json_t *shown = secret ? json_string("<value omitted>") : json_incref(json_unconst(v));
	if (r && r->min_length > 0 && characters(text, len) < (size_t)r->min_length) {
		broken(e, at, shown, "should be at least %lld chars long", (long long)r->min_length);
		return;
	}
	if (r && r->pattern && !schema_pattern_matches(r->pattern, text, len)) {
		broken(e, at, shown, "should match '%s'", schema_pattern_text(r->pattern));
		return;
	}
	if (!s->format || schema_format_check(s->format, text, len))
		return;
	char *field = schema_step_text(at);
	_cleanup_free_ char *value = schema_show(shown);
	schema_errors_add(e, "FieldValueTypeInvalid", field,
	                  xasprintf("Invalid value: %s: %s in body must be of type %s: %s", value, field,
	                            schema_format_name(s->format), value));
}

/* A number of a schema, as Kubernetes compares whole numbers with it. */
static double limit_for(const json_t *v, double limit)
{
	return json_is_integer(v) ? trunc(limit) : limit;
}

static const char *limit_text(const json_t *v, double limit, char ret[static 40])
{
	if (json_is_integer(v))
		snprintf(ret, 40, "%.0f", trunc(limit));
	else
		go_format_real(limit, ret);
	return ret;
}

static bool is_multiple(const json_t *v, double of)
{
	double d = json_number_value(v);

	if (of <= 0)
		return true;
	if (json_is_integer(v) && of >= 1 && !(trunc(of) < of) && of < 0x1p62)
		return json_integer_value(v) % (json_int_t)of == 0;
	double quotient = of < 1 ? 1 / of * d : d / of, nearest = nearbyint(quotient);
	return fabs(quotient - nearest) <= 1e-9 * fmax(1, fabs(quotient));
}

static void check_number(struct schema_errors *e, const struct schema *s, const struct schema_step *at, const json_t *v)
{
	const struct schema_rules *r = s->rules;
	double d = json_number_value(v);
	char text[40];

	if (!r || !r->flags)
		return;
	double minimum = limit_for(v, r->minimum), maximum = limit_for(v, r->maximum);
	if ((r->flags & RULES_MULTIPLE_OF) && !is_multiple(v, r->multiple_of))
		broken(e, at, v, "should be a multiple of %s", limit_text(v, r->multiple_of, text));
	if ((r->flags & RULES_MINIMUM) && !((r->flags & RULES_EXCLUSIVE_MINIMUM) ? d > minimum : d >= minimum))
		broken(e, at, v, "should be greater than %s%s", r->flags & RULES_EXCLUSIVE_MINIMUM ? "" : "or equal to ",
		       limit_text(v, r->minimum, text));
	if ((r->flags & RULES_MAXIMUM) && !((r->flags & RULES_EXCLUSIVE_MAXIMUM) ? d < maximum : d <= maximum))
		broken(e, at, v, "should be less than %s%s", r->flags & RULES_EXCLUSIVE_MAXIMUM ? "" : "or equal to ",
		       limit_text(v, r->maximum, text));
}

static void too_many(struct schema_errors *e, const struct schema_step *at, size_t actual, int32_t max)
{
	schema_errors_add(e, "FieldValueTooMany", schema_step_text(at),
	                  xasprintf("Too many: %zu: must have at most %d items", actual, max));
}

/* True when the count is right. */
static bool check_count(struct schema_errors *e, const struct schema_step *at, size_t count, int32_t min, int32_t max,
                        const char *what)
{
	size_t before = e->len;

	if (max >= 0 && count > (size_t)max)
		too_many(e, at, count, max);
	if (min >= 0 && count < (size_t)min) {
		_cleanup_json_ json_t *n = json_integer((json_int_t)count);
		broken(e, at, n, "should have at least %d %s", min, what);
	}
	return e->len == before;
}

/* Finds the item of the old list that an item of a list of type map belongs to. */
struct old_items {
	const struct schema *s;
	const json_t *list; /* NULL: nothing is found */
	struct map *index;  /* of long lists: by the text of the keys */
};

#define SEARCH_MAX 16 /* items that are searched one by one */

static bool same_keys(const struct schema *s, const json_t *a, const json_t *b)
{
	for (char *const *key = schema_list_map_keys(s); *key; key++)
		if (!json_same(json_object_get(a, *key), json_object_get(b, *key)))
			return false;
	return true;
}

static char *keys_text(const struct schema *s, const json_t *item)
{
	_cleanup_json_ json_t *keys = schema_item_identity(s, item);

	return json_canonical(keys);
}

static const json_t *old_item(struct old_items *old, const json_t *item, size_t i)
{
	size_t k, len = json_array_size(old->list);
	json_t *v;

	if (len == 0)
		return NULL;
	/* Mostly it is at the same place. */
	if (i < len && same_keys(old->s, item, json_array_get(old->list, i)))
		return json_array_get(old->list, i);
	if (len <= SEARCH_MAX) {
		json_array_foreach (old->list, k, v)
			if (same_keys(old->s, item, v))
				return v;
		return NULL;
	}
	if (!old->index) {
		old->index = map_new(NULL);
		json_array_foreach (old->list, k, v) {
			_cleanup_free_ char *text = keys_text(old->s, v);
			map_set(old->index, text, v);
		}
	}
	_cleanup_free_ char *text = keys_text(old->s, item);
	return map_get(old->index, text);
}

static void check_array(struct schema_errors *e, const struct schema *s, const struct schema_step *at, const json_t *v,
                        const json_t *old)
{
	struct old_items before = { .s = s, .list = s->list_type == SCHEMA_LIST_MAP ? old : NULL };
	size_t i;
	json_t *item;

	if (s->items)
		json_array_foreach (v, i, item) {
			const struct schema_step step = { .up = at, .index = i };
			schema_validate_node(e, s->items, &step, item, old_item(&before, item, i));
		}
	map_free(before.index);
	if (s->rules)
		check_count(e, at, json_array_size(v), s->rules->min_items, s->rules->max_items, "items");
}

static void check_fields(struct schema_errors *e, const struct schema *s, const struct schema_step *at, const json_t *v,
                         const json_t *old)
{
	const char *key;
	json_t *value;

	json_object_foreach (json_unconst(v), key, value) {
		const struct schema_step step = { .up = at, .key = key };
		const json_t *before = json_object_get(old, key);
		const struct schema *field = schema_find_field(s, key);
		if (!field)
			field = s->additional;
		if (!field && (s->flags & SCHEMA_RESOURCE) && (strcmp(key, "apiVersion") == 0 || strcmp(key, "kind") == 0))
			field = &SCHEMA_PLAIN_STRING;
		if (field) {
			schema_validate_node(e, field, &step, value, before);
		} else if (s->flags & SCHEMA_NO_ADDITIONAL) {
			_cleanup_json_ json_t *name = json_string_lossy(key, strlen(key));
			_cleanup_free_ char *path = schema_step_text(&step);
			schema_invalid(e, schema_step_text(at), name, xasprintf("%s in body is a forbidden property", path));
		}
	}
}

static void check_object(struct schema_errors *e, const struct schema *s, const struct schema_step *at, const json_t *v,
                         const json_t *old)
{
	const struct schema_rules *r = s->rules;

	/* As in Kubernetes, nothing else is said then. */
	if (r && !check_count(e, at, json_object_size(v), r->min_properties, r->max_properties, "properties"))
		return;
	check_fields(e, s, at, v, json_is_object(old) ? old : NULL);
	for (const char *const *name = r ? r->required : NULL; name && *name; name++)
		if (!json_object_get(v, *name)) {
			const struct schema_step step = { .up = at, .key = *name };
			schema_required(e, schema_step_text(&step), "");
		}
}

static void check_choices(struct schema_errors *e, const struct schema *s, const struct schema_step *at,
                          const json_t *v)
{
	size_t i;
	json_t *choice;

	json_array_foreach (s->rules->choices, i, choice)
		if (json_same(choice, v) && !json_is_null(v))
			return;
	schema_unsupported(e, schema_step_text(at), v, s->rules->choices);
}

void schema_validate_node(struct schema_errors *e, const struct schema *s, const struct schema_step *at,
                          const json_t *v, const json_t *old)
{
	size_t before = e->len;

	e->checks++;
	check_type(e, s, at, v);
	if (!json_is_null(v) && s->rules && s->rules->logic)
		schema_validate_logic(e, s->rules->logic, at, v);
	if (json_is_string(v)) {
		if (s->rules || s->format)
			check_string(e, s, at, v);
	} else if (json_is_number(v)) {
		check_number(e, s, at, v);
	} else if (json_is_array(v)) {
		check_array(e, s, at, v, old);
	}
	if (s->rules && s->rules->choices)
		check_choices(e, s, at, v);
	if (json_is_object(v))
		check_object(e, s, at, v, old);
	/* Ratcheting: what an earlier schema let in may stay as it is. */
	if (old && e->len > before && json_same(v, old))
		schema_errors_truncate(e, before);
}

static bool is_blocking(const struct err_cause *c)
{
	static const char *const REASONS[] = { "FieldValueRequired", "FieldValueTooLong", "FieldValueTooMany",
		                                   "FieldValueTypeInvalid", NULL };

	return str_in(c->reason, REASONS);
}

/* The place of x-kubernetes-validations: they are not evaluated yet (docs/internals/schema.md). What is said already is
 * that they would not have been, because of other errors. */
static void check_rules(struct schema_errors *e, const struct schema *s, bool blocked)
{
	if (!(s->flags & SCHEMA_SOME_RULES))
		return;
	for (size_t i = 0; i < e->len || blocked; i++)
		if (blocked || is_blocking(&e->causes[i])) {
			schema_invalid(e, NULL, NULL,
			               xstrdup("some validation rules were not checked because the object was invalid; correct the "
			                       "existing errors to complete validation"));
			return;
		}
}

/* Only a list that became wrong is complained about: when the old object has wrong ones, all are let pass. */
static void check_lists(struct schema_errors *e, const struct schema *s, const json_t *obj, const json_t *old)
{
	struct schema_errors found = { 0 }, before = { 0 };

	if (!(s->flags & SCHEMA_SOME_LISTS))
		return;
	schema_validate_list_types(&found, s, NULL, obj);
	if (found.len > 0 && old)
		schema_validate_list_types(&before, s, NULL, old);
	schema_errors_truncate(before.len ? &found : &before, 0);
	schema_errors_append(e, &found);
	schema_errors_truncate(&before, 0);
}

static void check_status(struct schema_errors *e, const struct schema *s, const json_t *obj, const json_t *old)
{
	static const struct schema_step AT = { .key = "status" };
	const struct schema *status = schema_find_field(s, "status");
	const json_t *v = json_object_get(obj, "status");

	if (status && v)
		schema_validate_node(e, status, &AT, v, json_object_get(old, "status"));
}

static void check_more(struct schema_errors *e, const struct schema_change *c)
{
	_cleanup_err_ struct err found = { 0 };

	if (!c->check_more)
		return;
	c->check_more(c->self, c->obj, &found);
	schema_errors_take(e, &found);
}

int schema_validate_change(const struct schema *s, const struct schema_change *c, struct err *err)
{
	struct schema_errors e = { 0 };

	s = schema_resolve(s);
	if (s && c->status_only)
		check_status(&e, s, c->obj, c->old);
	else if (s)
		schema_validate_node(&e, s, NULL, c->obj, c->old);
	check_more(&e, c);
	if (s && !c->status_only && (s->flags & SCHEMA_SOME_EMBEDDED))
		schema_validate_embedded(&e, s, NULL, c->obj, c->check_meta);
	if (s) {
		check_lists(&e, s, c->obj, c->old);
		check_rules(&e, s, c->blocked);
	}
	return schema_errors_finish(&e, err);
}

int schema_validate(const struct schema *s, const json_t *obj, const json_t *old, struct err *err)
{
	const struct schema_change c = { .obj = obj, .old = old };

	return schema_validate_change(s, &c, err);
}
