/* From a CustomResourceDefinition to the type it defines. */
#include "base/str.h"
#include "builtin_types.h"
#include "conversion/conversion.h"
#include "crd_type.h"
#include "registry.h"

static char **strv_of(const json_t *array)
{
	char **v = NULL;
	size_t i;
	json_t *item;

	json_array_foreach (array, i, item)
		if (json_is_string(item))
			strv_push(&v, json_string_value(item));
	return v;
}

/* Columns that make no sense are not shown, none of them. */
static void forget_columns(struct api_version *v)
{
	for (size_t i = 0; i < v->columns_len; i++)
		api_column_clear(&v->columns[i]);
	v->columns_len = 0;
}

/* A column that says nothing of itself is described by its path; a built-in one by nothing. free() */
static char *column_description(const json_t *column, bool builtin)
{
	const char *text = json_get_str(column, "description"), *path = json_get_str(column, "jsonPath");

	if (builtin || !str_empty(text))
		return xstrdup(text ? text : "");
	return xasprintf("Custom resource definition column (in JSONPath format): %s", path ? path : "");
}

static int add_columns(struct api_version *v, const json_t *columns, bool builtin, struct err *err)
{
	size_t i;
	json_t *c;

	v->columns = xcalloc(json_array_size(columns), sizeof(*v->columns));
	json_array_foreach (columns, i, c) {
		const char *path = json_get_str(c, "jsonPath");
		struct api_column *column = &v->columns[v->columns_len++];
		column->name = xstrdup(json_get_str(c, "name") ? json_get_str(c, "name") : "");
		column->type = xstrdup(json_get_str(c, "type") ? json_get_str(c, "type") : "string");
		column->format = xstrdup(json_get_str(c, "format") ? json_get_str(c, "format") : "");
		column->description = column_description(c, builtin);
		column->priority = (int)json_get_int(c, "priority", 0);
		column->cell = builtin && json_get_str(c, "cell") ? builtin_cell(json_get_str(c, "cell")) : NULL;
		if (column->cell)
			continue;
		column->path = jsonpath_parse(path ? path : "", builtin ? err : NULL);
		if (column->path)
			continue;
		if (builtin)
			return err_wrap(err, "version %s: additionalPrinterColumns[%zu].jsonPath", v->name, i);
		forget_columns(v);
		return 0;
	}
	return 0;
}

static void add_scale(struct api_version *v, const json_t *scale)
{
	if (!json_is_object(scale))
		return;
	v->scale = new0(struct api_scale);
	v->scale->spec_replicas = xstrdup_or_null(json_get_str(scale, "specReplicasPath"));
	v->scale->status_replicas = xstrdup_or_null(json_get_str(scale, "statusReplicasPath"));
	v->scale->selector = xstrdup_or_null(json_get_str(scale, "labelSelectorPath"));
}

static int add_version(struct api_type *t, const json_t *spec, size_t index, struct crd_text *text, struct err *err)
{
	struct api_version *v = api_type_add_version(t, json_get_str(spec, "name"));
	bool builtin = !t->custom;
	const json_t *schema = json_at(spec, "schema", "openAPIV3Schema", NULL);
	size_t i;
	json_t *f;

	v->served = json_get_bool(spec, "served", false);
	v->deprecated = json_get_bool(spec, "deprecated", false);
	if (v->deprecated)
		v->deprecation_warning = xstrdup_or_null(json_get_str(spec, "deprecationWarning"));
	v->has_status = json_is_object(json_at(spec, "subresources", "status", NULL));
	add_scale(v, json_at(spec, "subresources", "scale", NULL));
	json_array_foreach (json_object_get(spec, "selectableFields"), i, f)
		if (json_get_str(f, "jsonPath"))
			strv_push(&v->selectable, json_get_str(f, "jsonPath"));
	if (schema && text) {
		v->schema = crd_schema_later(text, index);
	} else if (schema) {
		_cleanup_free_ char *path = xasprintf("spec.versions[%zu].schema.openAPIV3Schema", index);
		v->schema = schema_compile(schema, path, err);
		if (!v->schema)
			return -1;
	}
	v->no_name_column = builtin && !json_get_bool(spec, "nameColumn", true);
	return add_columns(v, json_object_get(spec, "additionalPrinterColumns"), builtin, err);
}

static int version_order(const void *a, const void *b)
{
	return api_version_compare(((const struct api_version *)a)->name, ((const struct api_version *)b)->name);
}

/* Where a CRD says nothing itself: the newest version that is not deprecated is named. */
static void warn_of_deprecated(struct api_type *t)
{
	const struct api_version *best = NULL;

	for (size_t i = 0; i < t->versions_len; i++) {
		struct api_version *v = &t->versions[i];
		if (!best && v->served && !v->deprecated)
			best = v;
		if (!v->deprecated || v->deprecation_warning)
			continue;
		v->deprecation_warning = best ? xasprintf("%s %s is deprecated; use %s %s", v->api_version, t->kind,
		                                          best->api_version, t->kind)
		                              : xasprintf("%s %s is deprecated", v->api_version, t->kind);
	}
}

static unsigned verbs_of(const json_t *list)
{
	unsigned bits = 0;
	size_t i;
	json_t *verb;

	if (!list)
		return VERB_ALL;
	json_array_foreach (list, i, verb)
		bits |= json_is_string(verb) ? api_verb_bit(json_string_value(verb)) : 0;
	return bits;
}

static struct api_type *type_new(const json_t *spec, bool builtin, struct crd_text *text, struct err *err)
{
	const json_t *names = json_object_get(spec, "names");
	const char *group = json_get_str(spec, "group"), *plural = json_get_str(names, "plural");
	const char *kind = json_get_str(names, "kind"), *singular = json_get_str(names, "singular");
	const char *storage = NULL;
	size_t i;
	json_t *version;

	if (!group || !plural || !kind) {
		err_set(err, ERR_INVALID, "spec: group, names.plural and names.kind are required");
		return NULL;
	}
	_cleanup_(api_type_unrefp) struct api_type *t = api_type_new(group, plural, singular ? singular : "", kind);
	t->custom = !builtin;
	t->verbs = builtin ? verbs_of(json_object_get(spec, "verbs")) : VERB_ALL;
	t->namespaced = str_eq(json_get_str(spec, "scope"), "Namespaced");
	t->short_names = strv_of(json_object_get(names, "shortNames"));
	t->categories = strv_of(json_object_get(names, "categories"));
	if (json_get_str(names, "listKind")) {
		free(t->list_kind);
		t->list_kind = xstrdup(json_get_str(names, "listKind"));
	}
	json_array_foreach (json_object_get(spec, "versions"), i, version) {
		if (!json_get_str(version, "name")) {
			err_set(err, ERR_INVALID, "spec.versions[%zu].name: Required value", i);
			return NULL;
		}
		if (add_version(t, version, i, text, err) < 0)
			return NULL;
		if (json_get_bool(version, "storage", false))
			storage = json_get_str(version, "name");
	}
	qsort(t->versions, t->versions_len, sizeof(*t->versions), version_order);
	warn_of_deprecated(t);
	for (i = 0; i < t->versions_len; i++)
		if (str_eq(t->versions[i].name, storage))
			t->storage = i;
	if (!storage) {
		err_set(err, ERR_INVALID, "spec.versions: must have exactly one version marked as storage version");
		return NULL;
	}
	return TAKE_PTR(t);
}

struct api_type *registry_type_from_spec(const json_t *spec, bool builtin, struct err *err)
{
	return type_new(spec, builtin, NULL, err);
}

struct api_type *crd_type_new(const json_t *spec, struct crd_text *text, struct err *err)
{
	const json_t *conversion = json_object_get(spec, "conversion");
	_cleanup_(api_type_unrefp) struct api_type *t = type_new(spec, false, text, err);

	if (t && str_eq(json_get_str(conversion, "strategy"), "Webhook") &&
	    conversion_new(json_object_get(conversion, "webhook"), &t->conversion, err) < 0)
		return NULL;
	return TAKE_PTR(t);
}
