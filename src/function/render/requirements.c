#include "render/render_internal.h"

#include "base/str.h"
#include "call.h"

#define REF_PREFIX "#/components/schemas/"
/* Of $refs within $refs: schemas that contain themselves end here. */
#define REF_DEPTH_MAX 16

/* ---- resources ---- */

static bool has_labels(const json_t *object, const json_t *wanted)
{
	const json_t *labels = json_at(object, "metadata", "labels", NULL);
	const char *key;
	json_t *value;

	json_object_foreach (json_unconst(wanted), key, value)
		if (!json_is_string(value) || !str_eq(json_get_str(labels, key), json_string_value(value)))
			return false;
	return true;
}

static int by_name(const void *a, const void *b)
{
	return strcmp(object_name(*(const json_t *const *)a), object_name(*(const json_t *const *)b));
}

static int by_namespace(const void *a, const void *b)
{
	const json_t *x = *(const json_t *const *)a, *y = *(const json_t *const *)b;
	int order = strcmp(object_namespace(x), object_namespace(y));

	return order != 0 ? order : by_name(a, b);
}

/* Crossplane 1.20 compares with a name that was not asked for, too; 2.3 looks into one namespace. */
static bool is_selected(const struct render *r, const json_t *selector, const json_t *object)
{
	const char *name = json_get_str(selector, "match_name"), *ns = json_get_str(selector, "namespace");
	const json_t *labels = json_object_get(selector, "match_labels");

	if (!str_eq(json_get_str(selector, "api_version"), json_get_str(object, "apiVersion")) ||
	    !str_eq(json_get_str(selector, "kind"), json_get_str(object, "kind")))
		return false;
	if (r->in->form == RENDER_RECONCILE && (name || !str_empty(ns)) && !str_eq(object_namespace(object), ns ? ns : ""))
		return false;
	if (name)
		return str_eq(name, object_name(object));
	if (labels)
		return has_labels(object, json_object_get(labels, "labels"));
	return r->in->form != RENDER_V1 || object_name(object)[0] == '\0';
}

/* A selector's resources: { items: [{ resource }] }; NULL when there is nothing to choose from. */
static json_t *fetch(const struct render *r, const json_t *resources, const json_t *selector)
{
	size_t len = json_array_size(resources);
	_cleanup_free_ const json_t **sorted = xcalloc(len + 1, sizeof(*sorted));
	bool by_its_name = json_get_str(selector, "match_name") != NULL;
	json_t *items;

	if (len == 0)
		return NULL;
	for (size_t i = 0; i < len; i++)
		sorted[i] = json_array_get(resources, i);
	if (render_is_v2(r))
		qsort(sorted, len, sizeof(*sorted), r->in->form == RENDER_RECONCILE ? by_namespace : by_name);
	items = json_array();
	for (size_t i = 0; i < len && !(by_its_name && json_array_size(items) > 0); i++)
		if (is_selected(r, selector, sorted[i]))
			json_array_append_new(items, json_pack("{sO}", "resource", json_unconst(sorted[i])));
	return json_pack("{so}", "items", items);
}

void render_fetch_resources(const struct render *r, const json_t *selectors, json_t *into)
{
	const char *name;
	json_t *selector;

	json_object_foreach (json_unconst(selectors), name, selector) {
		json_t *found = fetch(r, r->resources, selector);

		json_object_set_new(into, name, found ? found : json_object());
	}
}

/* A step's requirement as functions word theirs. */
static json_t *as_selector(const json_t *entry)
{
	const json_t *labels = json_object_get(entry, "matchLabels");
	const char *name = json_get_str(entry, "name");
	json_t *selector = json_object();

	json_put_str(selector, "api_version", json_get_str(entry, "apiVersion"));
	json_put_str(selector, "kind", json_get_str(entry, "kind"));
	json_put_str(selector, "namespace", json_get_str(entry, "namespace"));
	json_put_str(selector, "match_name", name);
	if (!name && labels)
		json_object_set_new(selector, "match_labels", json_pack("{so}", "labels", json_clone(labels)));
	return selector;
}

json_t *render_bootstrap_resources(const struct render *r, const json_t *step)
{
	const json_t *from = r->in->form == RENDER_RECONCILE ? r->resources : r->in->required;
	json_t *out = json_object(), *entry;
	size_t i;

	json_array_foreach (json_at(step, "requirements", "requiredResources", NULL), i, entry) {
		_cleanup_json_ json_t *selector = as_selector(entry);
		_cleanup_json_ json_t *found = fetch(r, from, selector);
		const char *key = json_get_str(entry, "requirementName");

		json_put(out, key ? key : "", found ? render_as_struct(found) : json_object());
	}
	return out;
}

/* ---- schemas ---- */

static bool is_of_kind(const json_t *schema, const char *api_version, const char *kind)
{
	const json_t *kinds = json_object_get(schema, "x-kubernetes-group-version-kind");
	const json_t *only = json_array_size(kinds) == 1 ? json_array_get(kinds, 0) : NULL;
	const char *group = json_get_str(only, "group"), *version = json_get_str(only, "version");
	_cleanup_free_ char *named = str_empty(group) ? xstrdup(version ? version : "")
	                                              : xasprintf("%s/%s", group, version ? version : "");

	return only && str_eq(kind, json_get_str(only, "kind")) && api_version && strcasecmp(named, api_version) == 0;
}

/* A new reference: the schema with what its $refs stand for in their place. */
static json_t *flatten(const json_t *schemas, const json_t *schema, unsigned depth)
{
	const char *ref = json_get_str(schema, "$ref"), *key;
	size_t prefix = strlen(REF_PREFIX), i;
	json_t *out, *member;

	if (ref && str_starts_with(ref, REF_PREFIX) && depth > 0)
		return flatten(schemas, json_object_get(schemas, ref + prefix), depth - 1);
	if (json_is_object(schema)) {
		out = json_object();
		json_object_foreach (json_unconst(schema), key, member)
			json_object_set_new(out, key, flatten(schemas, member, depth));
		return out;
	}
	if (!json_is_array(schema))
		return json_incref(json_unconst(schema));
	out = json_array();
	json_array_foreach (schema, i, member)
		json_array_append_new(out, flatten(schemas, member, depth));
	return out;
}

/* { openapi_v3 }, empty when no document has the kind. */
static json_t *fetch_schema(const struct render *r, const json_t *selector)
{
	const char *api_version = json_get_str(selector, "api_version"), *kind = json_get_str(selector, "kind"), *name;
	json_t *document, *schema;
	size_t i;

	json_array_foreach (r->in->schemas, i, document) {
		const json_t *schemas = json_at(document, "components", "schemas", NULL);

		json_object_foreach (json_unconst(schemas), name, schema)
			if (is_of_kind(schema, api_version, kind))
				return json_pack("{so}", "openapi_v3", flatten(schemas, schema, REF_DEPTH_MAX));
	}
	return json_object();
}

void render_fetch_schemas(const struct render *r, const json_t *selectors, json_t *into)
{
	const char *name;
	json_t *selector;

	json_object_foreach (json_unconst(selectors), name, selector)
		json_object_set_new(into, name, fetch_schema(r, selector));
}

json_t *render_bootstrap_schemas(const struct render *r, const json_t *step)
{
	json_t *out = json_object(), *entry;
	size_t i;

	json_array_foreach (json_at(step, "requirements", "requiredSchemas", NULL), i, entry) {
		_cleanup_json_ json_t *selector = as_selector(entry);
		const char *key = json_get_str(entry, "requirementName");

		json_put(out, key ? key : "", fetch_schema(r, selector));
	}
	return out;
}
