/* Printer columns, subresources and selectable fields of a CRD's versions. */
#include "base/str.h"
#include "crd.h"
#include "objects/field_checks.h"
#include "objects/invalid.h"

#define SELECTABLE_MAX 8
#define TYPE_WORDS "boolean,date,integer,number,string"
#define FORMAT_WORDS "byte,date,date-time,double,float,int32,int64,password"

static const char *text_of(const json_t *v, const char *key)
{
	const char *s = json_get_str(v, key);

	return s ? s : "";
}

/* Starts with a dot; more is not asked for. */
static bool check_path(const char *path, const char *field, struct err *err)
{
	if (*path == '.')
		return true;
	invalid_add(err, INVALID_VALUE, field, "Invalid value: \"%s\": must be a simple json path starting with .", path);
	return false;
}

static void check_column(const json_t *c, const char *at, struct err *err)
{
	static const char *const TYPES[] = { "boolean", "date", "integer", "number", "string", NULL };
	static const char *const FORMATS[] = { "byte",  "date",  "date-time", "double", "float",
		                                   "int32", "int64", "password",  NULL };
	_cleanup_free_ char *type_field = xasprintf("%s.type", at), *format_field = xasprintf("%s.format", at);
	_cleanup_free_ char *name_field = xasprintf("%s.name", at), *path_field = xasprintf("%s.JSONPath", at);
	const char *type = text_of(c, "type"), *format = text_of(c, "format"), *path = text_of(c, "jsonPath");

	if (!*text_of(c, "name"))
		invalid_add(err, INVALID_REQUIRED, name_field, "Required value");
	if (!*type)
		invalid_add(err, INVALID_REQUIRED, type_field, "Required value: must be one of " TYPE_WORDS);
	else if (!str_in(type, TYPES))
		invalid_add(err, INVALID_VALUE, type_field, "Invalid value: \"%s\": must be one of " TYPE_WORDS, type);
	if (*format && !str_in(format, FORMATS))
		invalid_add(err, INVALID_VALUE, format_field, "Invalid value: \"%s\": must be one of " FORMAT_WORDS, format);
	if (!*path)
		invalid_add(err, INVALID_REQUIRED, path_field, "Required value");
	else
		check_path(path, path_field, err);
}

void crd_validate_columns(const json_t *columns, const char *path, struct err *err)
{
	size_t i;
	json_t *c;

	json_array_foreach (columns, i, c) {
		_cleanup_free_ char *at = xasprintf("%s[%zu]", path, i);
		check_column(c, at, err);
	}
}

void crd_validate_subresources(const json_t *subresources, const char *path, struct err *err)
{
	static const struct {
		const char *name, *below, *or_below, *words;
	} PATHS[] = {
		{ "specReplicasPath", ".spec.", NULL, "should be a json path under .spec" },
		{ "statusReplicasPath", ".status.", NULL, "should be a json path under .status" },
		{ "labelSelectorPath", ".spec.", ".status.", "should be a json path under either .spec or .status" },
	};
	const json_t *scale = json_object_get(subresources, "scale");

	for (size_t i = 0; json_is_object(scale) && i < ARRAY_SIZE(PATHS); i++) {
		_cleanup_free_ char *field = xasprintf("%s.scale.%s", path, PATHS[i].name);
		const char *value = text_of(scale, PATHS[i].name);
		if (!*value && PATHS[i].or_below)
			continue;
		if (!*value)
			invalid_add(err, INVALID_REQUIRED, field, "Required value");
		else if (check_path(value, field, err) && !str_starts_with(value, PATHS[i].below) &&
		         !(PATHS[i].or_below && str_starts_with(value, PATHS[i].or_below)))
			invalid_add(err, INVALID_VALUE, field, "Invalid value: \"%s\": %s", value, PATHS[i].words);
	}
}

/* The schema that a path leads to, or NULL with a reason. */
static const json_t *schema_at(const json_t *schema, const char *path, const char **ret_fault)
{
	while (*path) {
		if (*path == '[') {
			*ret_fault = "array notation is not allowed";
			return NULL;
		}
		if (*path != '.' || !path[1]) {
			*ret_fault = *path == '.' ? "unexpected end of JSON path" : "expected [ or . but got something else";
			return NULL;
		}
		size_t len = strcspn(path + 1, ".[]");
		_cleanup_free_ char *name = xstrndup(path + 1, len);
		const json_t *fields = json_object_get(schema, "properties"),
					 *more = json_object_get(schema, "additionalProperties");
		schema = json_object_size(fields) > 0 ? json_object_get(fields, name) : more;
		if (!json_is_object(schema)) {
			*ret_fault = "does not refer to a valid field";
			return NULL;
		}
		path += 1 + len;
	}
	return schema;
}

static void check_selectable(const char *path, const json_t *schema, const char *field, struct err *err)
{
	static const char *const TYPES[] = { "string", "boolean", "integer", NULL };
	const char *fault = NULL;
	const json_t *found;

	if (*path && *path != '.' && *path != '[') {
		_cleanup_free_ char *token = xstrndup(path, strcspn(path, ".[]"));
		invalid_add(err, INVALID_VALUE, field, "Invalid value: \"%s\": is an invalid path: expected [ or . but got: %s",
		            path, token);
		return;
	}
	found = schema_at(schema, path, &fault);
	if (!found) {
		invalid_add(err, INVALID_VALUE, field, "Invalid value: \"%s\": is an invalid path: %s", path, fault);
		return;
	}
	if (strcmp(path, ".metadata") == 0 || str_starts_with(path, ".metadata."))
		invalid_add(err, INVALID_VALUE, field, "Invalid value: \"%s\": must not point to fields in metadata", path);
	if (!json_get_str(found, "type") || !str_in(json_get_str(found, "type"), TYPES))
		invalid_add(
			err, INVALID_VALUE, field,
			"Invalid value: \"%s\": must point to a field of type string, boolean or integer. Enum string fields and "
			"strings with formats are allowed.",
			path);
}

void crd_validate_selectable(const json_t *fields, const json_t *schema, const char *path, struct err *err)
{
	_cleanup_(map_freep) struct map *seen = map_new(NULL);
	size_t i;
	json_t *f;

	json_array_foreach (fields, i, f) {
		_cleanup_free_ char *field = xasprintf("%s[%zu].jsonPath", path, i);
		const char *text = text_of(f, "jsonPath");
		size_t before = err->causes_len;
		if (!*text)
			invalid_add(err, INVALID_REQUIRED, field, "Required value");
		else
			check_selectable(text, schema, field, err);
		if (err->causes_len > before)
			continue;
		if (!map_add(seen, text))
			invalid_add(err, INVALID_DUPLICATE, field, "Duplicate value: \"%s\"", text);
	}
	check_at_most(err, map_len(seen), SELECTABLE_MAX, "%s", path);
}
