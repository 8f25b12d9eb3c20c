/* The form of a CRD as Kubernetes' own types give it: the keywords they know, nothing that is empty, defaults. */
#include "base/str.h"
#include "crd.h"

#include <stdio.h>

/* ---- JSON schemas ---- */

/* What follows a keyword. */
enum keyword_form { FORM_PLAIN, FORM_VALUE, FORM_SCHEMA, FORM_SCHEMAS, FORM_SCHEMA_MAP, FORM_RULES, FORM_DOCS };

static const struct keyword {
	const char *name;
	enum keyword_form form;
	bool pointer; /* kept though it is false or 0 */
} KEYWORDS[] = {
	{ "$ref", FORM_PLAIN, true },
	{ "$schema", FORM_PLAIN, false },
	{ "additionalItems", FORM_SCHEMA, true },
	{ "additionalProperties", FORM_SCHEMA, true },
	{ "allOf", FORM_SCHEMAS, false },
	{ "anyOf", FORM_SCHEMAS, false },
	{ "default", FORM_VALUE, true },
	{ "definitions", FORM_SCHEMA_MAP, false },
	{ "dependencies", FORM_VALUE, false },
	{ "description", FORM_PLAIN, false },
	{ "enum", FORM_VALUE, false },
	{ "example", FORM_VALUE, true },
	{ "exclusiveMaximum", FORM_PLAIN, false },
	{ "exclusiveMinimum", FORM_PLAIN, false },
	{ "externalDocs", FORM_DOCS, true },
	{ "format", FORM_PLAIN, false },
	{ "id", FORM_PLAIN, false },
	{ "items", FORM_SCHEMA, true },
	{ "maxItems", FORM_PLAIN, true },
	{ "maxLength", FORM_PLAIN, true },
	{ "maxProperties", FORM_PLAIN, true },
	{ "maximum", FORM_PLAIN, true },
	{ "minItems", FORM_PLAIN, true },
	{ "minLength", FORM_PLAIN, true },
	{ "minProperties", FORM_PLAIN, true },
	{ "minimum", FORM_PLAIN, true },
	{ "multipleOf", FORM_PLAIN, true },
	{ "not", FORM_SCHEMA, true },
	{ "nullable", FORM_PLAIN, false },
	{ "oneOf", FORM_SCHEMAS, false },
	{ "pattern", FORM_PLAIN, false },
	{ "patternProperties", FORM_SCHEMA_MAP, false },
	{ "properties", FORM_SCHEMA_MAP, false },
	{ "required", FORM_PLAIN, false },
	{ "title", FORM_PLAIN, false },
	{ "type", FORM_PLAIN, false },
	{ "uniqueItems", FORM_PLAIN, false },
	{ "x-kubernetes-embedded-resource", FORM_PLAIN, false },
	{ "x-kubernetes-int-or-string", FORM_PLAIN, false },
	{ "x-kubernetes-list-map-keys", FORM_PLAIN, false },
	{ "x-kubernetes-list-type", FORM_PLAIN, true },
	{ "x-kubernetes-map-type", FORM_PLAIN, true },
	{ "x-kubernetes-preserve-unknown-fields", FORM_PLAIN, true },
	{ "x-kubernetes-validations", FORM_RULES, false },
};

struct place {
	const struct place *up;
	const char *key; /* NULL: index */
	size_t index;
};

static void write_place(const struct place *at, struct buf *out)
{
	if (!at)
		return;
	write_place(at->up, out);
	if (at->key)
		buf_printf(out, "%s%s", out->len ? "." : "", at->key);
	else
		buf_printf(out, "[%zu]", at->index);
}

static void drop(json_t *obj, const char *key, const struct place *up, json_t *dropped)
{
	const struct place at = { .up = up, .key = key };
	_cleanup_buf_ struct buf path = BUF_INIT(65536);

	if (dropped) {
		write_place(&at, &path);
		json_array_append_new(dropped, json_string_lossy(buf_str(&path), path.len));
	}
	json_object_del(obj, key);
}

static int keyword_order(const void *a, const void *b)
{
	return strcmp(a, ((const struct keyword *)b)->name);
}

static bool is_empty(const json_t *v)
{
	return json_is_null(v) || json_is_false(v) || (json_is_string(v) && json_string_length(v) == 0) ||
	       (json_is_array(v) && json_array_size(v) == 0) || (json_is_object(v) && json_object_size(v) == 0);
}

/* Keeps these members only. */
static void keep(json_t *obj, const char *const *names, const struct place *at, json_t *dropped)
{
	const char *key;
	json_t *v;
	void *next;

	json_object_foreach_safe (obj, next, key, v)
		if (!str_in(key, names))
			drop(obj, key, at, dropped);
		else if (json_is_null(v) || (json_is_string(v) && json_string_length(v) == 0 && strcmp(key, "rule") != 0))
			json_object_del(obj, key);
}

static void form_schema(json_t *schema, const struct place *at, json_t *dropped);

static void form_list(json_t *list, const struct place *at, json_t *dropped)
{
	size_t i;
	json_t *item;

	json_array_foreach (list, i, item) {
		const struct place place = { .up = at, .index = i };
		form_schema(item, &place, dropped);
	}
}

static void form_rules(json_t *list, const struct place *at, json_t *dropped)
{
	static const char *const NAMES[] = { "rule",   "message",   "messageExpression",
		                                 "reason", "fieldPath", "optionalOldSelf",
		                                 NULL };
	size_t i;
	json_t *item;

	json_array_foreach (list, i, item) {
		const struct place place = { .up = at, .index = i };
		keep(item, NAMES, &place, dropped);
	}
}

static void form_member(json_t *v, enum keyword_form form, const struct place *at, json_t *dropped)
{
	static const char *const DOCS[] = { "description", "url", NULL };
	const char *key;
	json_t *item;

	switch (form) {
	case FORM_SCHEMA:
		form_schema(v, at, dropped);
		form_list(v, at, dropped);
		break;
	case FORM_SCHEMAS:
		form_list(v, at, dropped);
		break;
	case FORM_SCHEMA_MAP:
		json_object_foreach (v, key, item) {
			const struct place place = { .up = at, .key = key };
			form_schema(item, &place, dropped);
		}
		break;
	case FORM_RULES:
		form_rules(v, at, dropped);
		break;
	case FORM_DOCS:
		keep(v, DOCS, at, dropped);
		break;
	default:
		break;
	}
}

static void form_schema(json_t *schema, const struct place *at, json_t *dropped)
{
	const char *key;
	json_t *v;
	void *next;

	json_object_foreach_safe (schema, next, key, v) {
		const struct keyword *k = bsearch(key, KEYWORDS, ARRAY_SIZE(KEYWORDS), sizeof(*KEYWORDS), keyword_order);
		const struct place place = { .up = at, .key = key };
		if (!k)
			drop(schema, key, at, dropped);
		else if (json_is_null(v) || (!k->pointer && is_empty(v)))
			json_object_del(schema, key);
		else
			form_member(v, k->form, &place, dropped);
	}
}

/* ---- the rest ---- */

static void forget_empty(json_t *obj, const char *const *names)
{
	for (; *names; names++) {
		const json_t *v = json_object_get(obj, *names);
		if (v && (is_empty(v) || (json_is_integer(v) && json_integer_value(v) == 0)))
			json_object_del(obj, *names);
	}
}

static void form_version(json_t *v, size_t i, json_t *dropped)
{
	static const char *const EMPTY[] = { "deprecated", "additionalPrinterColumns", "selectableFields", NULL };
	static const char *const COLUMN[] = { "format", "description", "priority", NULL };
	const struct place spec = { .key = "spec" }, versions = { .up = &spec, .key = "versions" };
	const struct place item = { .up = &versions, .index = i }, schema = { .up = &item, .key = "schema" };
	const struct place at = { .up = &schema, .key = "openAPIV3Schema" };
	size_t k;
	json_t *column;

	if (!json_is_object(v))
		return;
	forget_empty(v, EMPTY);
	json_array_foreach (json_object_get(v, "additionalPrinterColumns"), k, column)
		forget_empty(column, COLUMN);
	form_schema(json_at(v, "schema", "openAPIV3Schema", NULL), &at, dropped);
	json_put_bool(v, "served", json_get_bool(v, "served", false));
	json_put_bool(v, "storage", json_get_bool(v, "storage", false));
}

static void put_default(json_t *obj, const char *key, char *value)
{
	_cleanup_free_ char *v = value;

	if (str_empty(json_get_str(obj, key)))
		json_put_str(obj, key, v);
}

static void form_names(json_t *names)
{
	static const char *const EMPTY[] = { "shortNames", "categories", NULL };
	const char *kind = json_get_str(names, "kind");

	if (!json_is_object(names))
		return;
	forget_empty(names, EMPTY);
	if (str_empty(kind))
		return;
	char *singular = xstrdup(kind);
	str_lower(singular);
	put_default(names, "singular", singular);
	put_default(names, "listKind", xasprintf("%sList", kind));
}

/* As long as nothing is said of stored versions, it is the storage version. */
static void fill_stored(json_t *obj)
{
	json_t *status = json_object_get(obj, "status"), *v;
	size_t i;

	if (!json_is_object(status) || json_array_size(json_object_get(status, "storedVersions")) > 0)
		return;
	json_array_foreach (json_at(obj, "spec", "versions", NULL), i, v)
		if (json_get_bool(v, "storage", false) && json_get_str(v, "name")) {
			json_push_str(json_ensure_array(status, "storedVersions"), json_get_str(v, "name"));
			return;
		}
}

void crd_decode(json_t *obj, json_t *dropped)
{
	static const char *const EMPTY[] = { "preserveUnknownFields", NULL };
	json_t *spec = json_object_get(obj, "spec"), *v;
	size_t i;

	if (!json_is_object(spec))
		return;
	forget_empty(spec, EMPTY);
	form_names(json_object_get(spec, "names"));
	json_array_foreach (json_object_get(spec, "versions"), i, v)
		form_version(v, i, dropped);
	if (!json_object_get(spec, "conversion"))
		json_put(spec, "conversion", json_pack("{s:s}", "strategy", "None"));
	json_t *service = json_at(spec, "conversion", "webhook", "clientConfig", "service", NULL);
	if (json_is_object(service) && !json_object_get(service, "port"))
		json_put_int(service, "port", 443);
	fill_stored(obj);
}
