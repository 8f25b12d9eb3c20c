#include "table.h"

#include "base/clock.h"
#include "base/str.h"
#include "kube/object.h"
#include "objects/object_view.h"

#include <math.h>

#define CELL_MAX ((size_t)64 * 1024)
#define NAME_DESCRIPTION                                                                                              \
	"Name must be unique within a namespace. Is required when creating resources, although some resources may allow " \
	"a client "                                                                                                       \
	"to request the generation of an appropriate name automatically. Name is primarily intended for creation "        \
	"idempotence and "                                                                                                \
	"configuration definition. Cannot be updated. More info: "                                                        \
	"https://kubernetes.io/docs/concepts/overview/working-with-objects/names#names"
#define AGE_DESCRIPTION                                                                                         \
	"CreationTimestamp is a timestamp representing the server time when this object was created. It is not "    \
	"guaranteed to be set "                                                                                     \
	"in happens-before order across separate operations. Clients may not set this value. It is represented in " \
	"RFC3339 form and "                                                                                         \
	"is in UTC.\n\nPopulated by the system. Read-only. Null for lists. More info: "                             \
	"https://git.k8s.io/community/contributors/devel/sig-architecture/api-conventions.md#metadata"

static void add_definition(json_t *columns, const char *name, const char *type, const char *format,
                           const char *description, int priority)
{
	json_t *c = json_object();

	json_put_str(c, "name", name);
	json_put_str(c, "type", type);
	json_put_str(c, "format", format);
	json_put_str(c, "description", description);
	json_put_int(c, "priority", priority);
	json_array_append_new(columns, c);
}

json_t *table_new(const struct api_version *v, bool v1beta1, const char *resource_version)
{
	json_t *table = json_object(), *columns = json_array(), *meta = json_object();

	json_put_str(table, "kind", "Table");
	json_put_str(table, "apiVersion", v1beta1 ? "meta.k8s.io/v1beta1" : "meta.k8s.io/v1");
	if (!str_empty(resource_version))
		json_put_str(meta, "resourceVersion", resource_version);
	json_put(table, "metadata", meta);
	if (!v->no_name_column)
		add_definition(columns, "Name", "string", "name", NAME_DESCRIPTION, 0);
	for (size_t i = 0; i < v->columns_len; i++) {
		const struct api_column *c = &v->columns[i];
		add_definition(columns, c->name, c->type, c->format ? c->format : "",
		               !str_empty(c->description) ? c->description : "", c->priority);
	}
	if (v->columns_len == 0)
		add_definition(columns, "Age", "date", "", AGE_DESCRIPTION, 0);
	json_put(table, "columnDefinitions", columns);
	json_put(table, "rows", json_array());
	return table;
}

static json_t *age_cell(const char *time, int64_t now_ns)
{
	char text[32];
	int64_t then;

	if (!time || !rfc3339_parse(time, &then))
		return json_string("<unknown>");
	return json_string(duration_human(now_ns > then ? now_ns - then : 0, text, sizeof(text)));
}

/* A selected value as the column's type wants it; NULL prints nothing. */
static json_t *typed_cell(const struct api_column *c, const json_t *value, int64_t now_ns)
{
	if (!value || json_is_null(value))
		return json_null();
	if (strcmp(c->type, "date") == 0)
		return json_is_string(value) ? age_cell(json_string_value(value), now_ns) : json_null();
	if (strcmp(c->type, "integer") == 0) {
		if (json_is_integer(value))
			return json_integer(json_integer_value(value));
		return json_is_real(value) ? json_integer((json_int_t)json_real_value(value)) : json_null();
	}
	if (strcmp(c->type, "number") == 0)
		return json_is_number(value) ? json_deep_copy(value) : json_null();
	if (strcmp(c->type, "boolean") == 0)
		return json_is_boolean(value) ? json_boolean(json_is_true(value)) : json_null();
	return NULL; /* a string: printed */
}

static json_t *path_cell(const struct api_column *c, const json_t *obj, int64_t now_ns)
{
	_cleanup_json_ json_t *found = jsonpath_select(c->path, obj, NULL);

	if (json_array_size(found) == 0)
		return json_null();
	json_t *cell = typed_cell(c, json_array_get(found, 0), now_ns);
	if (cell)
		return cell;
	_cleanup_buf_ struct buf out = BUF_INIT(CELL_MAX);
	if (jsonpath_print(c->path, obj, &out, NULL) < 0)
		return json_null();
	return json_string_lossy(buf_str(&out), out.len);
}

static json_t *row_object(const json_t *obj, bool v1beta1, const char *include_object)
{
	if (str_eq(include_object, "None"))
		return json_null();
	if (str_eq(include_object, "Object"))
		return json_incref((json_t *)(uintptr_t)obj);
	return object_partial(obj, v1beta1);
}

json_t *table_row(const struct api_version *v, bool v1beta1, const json_t *obj, const char *include_object)
{
	json_t *row = json_object(), *cells = json_array();
	int64_t now_ns = clock_wall_ns();

	if (!v->no_name_column)
		json_array_append_new(cells, json_string(kube_name(obj)));
	for (size_t i = 0; i < v->columns_len; i++) {
		const struct api_column *c = &v->columns[i];
		json_array_append_new(cells, c->path ? path_cell(c, obj, now_ns) : c->cell(obj, now_ns));
	}
	if (v->columns_len == 0)
		json_array_append_new(cells, age_cell(json_get_str(kube_meta(obj), "creationTimestamp"), now_ns));
	json_put(row, "cells", cells);
	json_put(row, "object", row_object(obj, v1beta1, include_object));
	return row;
}

void table_add(json_t *table, const struct api_version *v, bool v1beta1, const json_t *obj, const char *include_object)
{
	json_array_append_new(json_object_get(table, "rows"), table_row(v, v1beta1, obj, include_object));
}
