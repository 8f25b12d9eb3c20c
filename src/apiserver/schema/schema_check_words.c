/* Keywords of a JSON schema by themselves: known, of the right type, allowed. */
#include "base/str.h"
#include "schema_check.h"

#include <string.h>

static void wrong_type(struct place *p, const char *at, const char *name, const char *wanted, const json_t *v)
{
	char *field = xasprintf("%s.%s", at, name);
	schema_errors_add(&p->form, "FieldValueTypeInvalid", field,
	                  xasprintf("Invalid value: \"%s\": %s in body must be of type %s: \"%s\"", schema_type_name(v),
	                            field, wanted, schema_type_name(v)));
}

static bool is_count(const json_t *v)
{
	return json_is_integer(v) || (json_is_real(v) && json_int(v, -1) >= 0);
}

enum keyword_type { WORD_STRING, WORD_NUMBER, WORD_COUNT, WORD_BOOL, WORD_OBJECT, WORD_ARRAY, WORD_STRINGS };

static const struct keyword {
	const char *name;
	enum keyword_type type;
} KEYWORDS[] = {
	{ "type", WORD_STRING },
	{ "format", WORD_STRING },
	{ "title", WORD_STRING },
	{ "description", WORD_STRING },
	{ "pattern", WORD_STRING },
	{ "nullable", WORD_BOOL },
	{ "maximum", WORD_NUMBER },
	{ "minimum", WORD_NUMBER },
	{ "multipleOf", WORD_NUMBER },
	{ "exclusiveMaximum", WORD_BOOL },
	{ "exclusiveMinimum", WORD_BOOL },
	{ "maxLength", WORD_COUNT },
	{ "minLength", WORD_COUNT },
	{ "maxItems", WORD_COUNT },
	{ "minItems", WORD_COUNT },
	{ "maxProperties", WORD_COUNT },
	{ "minProperties", WORD_COUNT },
	{ "uniqueItems", WORD_BOOL },
	{ "enum", WORD_ARRAY },
	{ "required", WORD_STRINGS },
	{ "properties", WORD_OBJECT },
	{ "allOf", WORD_ARRAY },
	{ "anyOf", WORD_ARRAY },
	{ "oneOf", WORD_ARRAY },
	{ "not", WORD_OBJECT },
	{ "x-kubernetes-preserve-unknown-fields", WORD_BOOL },
	{ "x-kubernetes-embedded-resource", WORD_BOOL },
	{ "x-kubernetes-int-or-string", WORD_BOOL },
	{ "x-kubernetes-list-type", WORD_STRING },
	{ "x-kubernetes-list-map-keys", WORD_STRINGS },
	{ "x-kubernetes-map-type", WORD_STRING },
	{ "x-kubernetes-validations", WORD_ARRAY },
	{ "x-kubernetes-patch-strategy", WORD_STRING },
	{ "x-kubernetes-patch-merge-key", WORD_STRING },
};

static bool all_strings(const json_t *v)
{
	size_t i;
	json_t *item;

	if (!json_is_array(v))
		return false;
	json_array_foreach (v, i, item)
		if (!json_is_string(item))
			return false;
	return true;
}

static const char *keyword_mismatch(enum keyword_type type, const json_t *v)
{
	switch (type) {
	case WORD_STRING:
		return json_is_string(v) ? NULL : "string";
	case WORD_NUMBER:
		return json_is_number(v) ? NULL : "number";
	case WORD_COUNT:
		return is_count(v) ? NULL : "integer";
	case WORD_BOOL:
		return json_is_boolean(v) ? NULL : "boolean";
	case WORD_OBJECT:
		return json_is_object(v) ? NULL : "object";
	case WORD_ARRAY:
		return json_is_array(v) ? NULL : "array";
	case WORD_STRINGS:
		return all_strings(v) ? NULL : "array";
	}
	return NULL;
}

/* Keywords that are there have the right form. False: the rest of the checks would stumble. */
static bool check_form(struct place *p, const json_t *s, const char *at)
{
	bool good = true;

	for (size_t i = 0; i < ARRAY_SIZE(KEYWORDS); i++) {
		const json_t *v = json_object_get(s, KEYWORDS[i].name);
		const char *wanted = v && !json_is_null(v) ? keyword_mismatch(KEYWORDS[i].type, v) : NULL;
		if (wanted) {
			wrong_type(p, at, KEYWORDS[i].name, wanted, v);
			good = false;
		}
	}
	return good;
}

bool schema_has(const json_t *s, const char *key)
{
	const json_t *v = json_object_get(s, key);

	return v && !json_is_null(v);
}

bool schema_says(const json_t *s, const char *key)
{
	const json_t *v = json_object_get(s, key);

	if (!v || json_is_null(v) || json_is_false(v))
		return false;
	return !(json_is_string(v) && json_string_length(v) == 0) && !(json_is_array(v) && json_array_size(v) == 0) &&
	       !(json_is_object(v) && json_object_size(v) == 0);
}

static void check_unsupported(struct place *p, const json_t *s, const char *at)
{
	static const char *const NAMES[] = { "id",          "additionalItems", "patternProperties",
		                                 "definitions", "dependencies",    "$ref" };

	for (size_t i = 0; i < ARRAY_SIZE(NAMES); i++)
		if (schema_says(s, NAMES[i]) || (schema_has(s, NAMES[i]) && strcmp(NAMES[i], "additionalItems") == 0)) {
			_cleanup_free_ char *detail = xasprintf("%s is not supported", NAMES[i]);
			p->unsupported = true;
			schema_forbidden(&p->form, below(at, NAMES[i]), detail);
		}
	if (schema_says(s, "uniqueItems"))
		schema_forbidden(&p->form, below(at, "uniqueItems"),
		                 "uniqueItems cannot be set to true since the runtime complexity becomes quadratic");
	if (json_is_array(json_object_get(s, "items"))) {
		p->unsupported = true;
		schema_forbidden(&p->form, below(at, "items"), "items must be a schema object and not an array");
	}
	if (json_is_false(json_object_get(s, "x-kubernetes-preserve-unknown-fields"))) {
		p->unsupported = true;
		schema_invalid(&p->form, below(at, "x-kubernetes-preserve-unknown-fields"), json_false(),
		               xstrdup("must be true or undefined"));
	}
}

static void check_pattern(struct place *p, const json_t *s, const char *at)
{
	const char *pattern = json_get_str(s, "pattern");
	char *why;

	if (str_empty(pattern))
		return;
	if (++p->patterns > SCHEMA_PATTERNS_MAX) {
		if (p->patterns == SCHEMA_PATTERNS_MAX + 1)
			schema_forbidden(&p->structural, below(at, "pattern"), "the schema has too many patterns");
		return;
	}
	if (strlen(pattern) != json_string_length(json_object_get(s, "pattern")))
		why = xstrdup("it contains a NUL");
	else
		schema_pattern_free(schema_pattern_new(pattern, &why));
	if (why) {
		schema_invalid(&p->structural, below(at, "pattern"), json_object_get(s, "pattern"),
		               xasprintf("must be a valid regular expression, but isn't: %s", why));
		free(why);
	}
}

static void check_type_name(struct place *p, const json_t *s, const char *at)
{
	static const char *const TYPES[] = { "array", "boolean", "integer", "number", "object", "string", NULL };
	const char *type = json_get_str(s, "type");

	if (str_empty(type) || str_in(type, TYPES))
		return;
	_cleanup_json_ json_t *names = json_array();
	for (size_t i = 0; TYPES[i]; i++)
		json_push_str(names, TYPES[i]);
	schema_unsupported(&p->form, below(at, "type"), json_object_get(s, "type"), names);
	if (strcmp(type, "null") == 0)
		schema_forbidden(&p->form, below(at, "type"), "type cannot be set to null, use nullable as an alternative");
}

void schema_check_not_object(struct place *p, const json_t *v, const char *at)
{
	schema_errors_add(&p->form, "FieldValueTypeInvalid", xstrdup(at),
	                  xasprintf("Invalid value: \"%s\": %s in body must be of type object: \"%s\"", schema_type_name(v),
	                            at, schema_type_name(v)));
}

bool schema_check_words(struct place *p, const json_t *s, const char *at)
{
	if (!check_form(p, s, at))
		return false;
	check_type_name(p, s, at);
	check_unsupported(p, s, at);
	check_pattern(p, s, at);
	return true;
}
