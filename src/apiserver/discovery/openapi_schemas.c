#include "base/str.h"
#include "kinds/kinds.h"
#include "types/builtin_types.h"
#include "openapi.h"

#include <stdio.h>

#define SCALE "io.k8s.api.autoscaling.v1.Scale"

/* "a.b.c" → "c.b.a" */
static void append_reversed(struct buf *out, const char *group)
{
	_cleanup_strv_ char **parts = str_split(group, ".");

	for (size_t i = strv_len(parts); i-- > 0;)
		buf_printf(out, "%s%s", out->len ? "." : "", parts[i]);
}

char *openapi_schema_name(const struct api_type *t, const struct api_version *v)
{
	struct buf out = BUF_INIT(2048);

	if (v->message)
		return xstrdup(kinds_text(v->message->name));
	if (t->custom)
		append_reversed(&out, t->group);
	else
		buf_puts(&out, "io.k8s.apiextensions-apiserver.pkg.apis.apiextensions"); /* CustomResourceDefinition */
	buf_printf(&out, ".%s.%s", v->name, t->kind);
	return buf_steal(&out);
}

static const char *refs_of(enum openapi_version api)
{
	return api == OPENAPI_V2 ? "#/definitions/" : "#/components/schemas/";
}

json_t *openapi_ref(enum openapi_version api, const char *name)
{
	return json_pack("{s:o}", "$ref", json_strf("%s%s", refs_of(api), name));
}

static json_t *kinds(const struct api_type *t, const struct api_version *v, const char *kind)
{
	return json_pack("[{s:s,s:s,s:s}]", "group", t->group, "kind", kind, "version", v->name);
}

/* Nothing stands beside a $ref in v3. */
static json_t *list_meta(enum openapi_version api, bool custom)
{
	json_t *ref = openapi_ref(api, OPENAPI_META "ListMeta");
	json_t *v = api == OPENAPI_V3 ? json_pack("{s:[o]}", "allOf", ref) : ref;

	json_put_str(v, "description", "State of the server that the list shows, and where it goes on.");
	if (api == OPENAPI_V3 && !custom)
		json_put(v, "default", json_object());
	return v;
}

static json_t *list_item(enum openapi_version api, bool custom, const char *name)
{
	json_t *ref = openapi_ref(api, name);

	return api == OPENAPI_V3 && !custom ? json_pack("{s:[o],s:{}}", "allOf", ref, "default") : ref;
}

static json_t *list_schema(enum openapi_version api, const struct api_type *t, const struct api_version *v,
                           const char *name)
{
	json_t *items = json_pack("{s:s,s:s,s:o}", "description", "The objects.", "type", "array", "items",
	                          list_item(api, t->custom, name));
	json_t *properties = json_pack("{s:{s:s,s:s},s:{s:s,s:s},s:o,s:o}", "apiVersion", "type", "string", "description",
	                               "Group and version of the list.", "kind", "type", "string", "description",
	                               "Kind of the list.", "metadata", list_meta(api, t->custom), "items", items);

	return json_pack("{s:o,s:s,s:[s],s:o,s:o}", "description", json_strf("%sList is a list of %s", t->kind, t->kind),
	                 "type", "object", "required", "items", "properties", properties, "x-kubernetes-group-version-kind",
	                 kinds(t, v, t->list_kind));
}

void openapi_add_schemas(json_t *schemas, enum openapi_version api, const struct api_type *t,
                         const struct api_version *v)
{
	_cleanup_free_ char *name = openapi_schema_name(t, v), *list = xasprintf("%sList", name);
	json_t *schema;

	if (v->message) {
		kinds_publish(v->message, refs_of(api), api == OPENAPI_V3, schemas);
		schema = json_incref(json_object_get(schemas, name));
	} else if (v->schema)
		schema = api == OPENAPI_V2 ? schema_publish_v2(v->schema) : schema_publish_v3(v->schema);
	else
		schema = json_pack("{s:s,s:b}", "type", "object", "x-kubernetes-preserve-unknown-fields", 1);
	json_put(schema, "x-kubernetes-group-version-kind", kinds(t, v, t->kind));
	json_put(schemas, name, schema);
	if (t->verbs & VERB_LIST)
		json_put(schemas, list, list_schema(api, t, v, name));
}

/* ---- the types of the protocol itself ---- */

/* Descriptions of metadata's members stand in its schema, which is that of custom resources; the tables have its form.
 */
static void describe(json_t *schema, const json_t *described, json_t *schemas)
{
	json_t *properties = json_object_get(schema, "properties"), *property;
	const char *name;

	json_object_foreach (properties, name, property) {
		const json_t *from = json_at(described, "properties", name, NULL);
		const char *text = json_get_str(from, "description"),
				   *of = json_str_at(json_array_get(json_at(property, "items", "allOf", NULL), 0), "$ref", NULL);
		if (!of)
			of = json_str_at(property, "items", "$ref", NULL);
		if (text)
			json_put_str(property, "description", text);
		if (of)
			describe(json_object_get(schemas, strrchr(of, '/') + 1), json_object_get(from, "items"), schemas);
	}
}

void openapi_add_meta_schemas(json_t *schemas, enum openapi_version api)
{
	static const char *const names[] = { BUILTIN_OBJECT_META,   OPENAPI_META "ListMeta",   OPENAPI_META "DeleteOptions",
		                                 OPENAPI_META "Status", OPENAPI_META "WatchEvent", SCALE };
	_cleanup_json_ json_t *meta = builtin_object_meta(NULL);

	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		const struct kinds_message *m = kinds_find_message(names[i]);
		if (m)
			kinds_publish(m, refs_of(api), api == OPENAPI_V3, schemas);
	}
	describe(json_object_get(schemas, BUILTIN_OBJECT_META), meta, schemas);
	json_put(schemas, OPENAPI_META "Patch",
	         json_pack("{s:s,s:s}", "type", "object", "description", "A change, in the form its media type says."));
}
