/* Schemas as they are published for clients (kubectl explain, client-side validation). */
#include "base/str.h"
#include "schema_internal.h"

#include <string.h>

#define V3_META "#/components/schemas/io.k8s.apimachinery.pkg.apis.meta.v1.ObjectMeta"
#define V2_META "#/definitions/io.k8s.apimachinery.pkg.apis.meta.v1.ObjectMeta"

static json_t *described(const char *text)
{
	json_t *v = json_object();

	json_put_str(v, "description", text);
	json_put_str(v, "type", "string");
	return v;
}

static void add_resource_fields(json_t *s, bool v2)
{
	json_t *properties = json_ensure_object(s, "properties");
	const char *meta_text = json_str_at(properties, "metadata", "description", NULL);
	json_t *meta = json_object(), *ref = json_object();

	json_put_str(meta, "description",
	             meta_text ? meta_text : "Name, labels, owners and other data that every resource has.");
	json_put_str(ref, "$ref", v2 ? V2_META : V3_META);
	if (v2) {
		json_put_str(meta, "$ref", V2_META);
		json_decref(ref);
	} else {
		json_t *all = json_array();
		json_array_append_new(all, ref);
		json_put(meta, "allOf", all);
	}
	json_put(properties, "metadata", meta);
	if (!json_str_at(properties, "apiVersion", "description", NULL))
		json_put(properties, "apiVersion",
		         described("The group and version that this object is written in, for example scia.io/v1alpha1."));
	if (!json_str_at(properties, "kind", "description", NULL))
		json_put(properties, "kind", described("The type of this object, in CamelCase. It cannot be changed."));
}

static void forget_required(json_t *s, const char *name)
{
	json_t *required = json_object_get(s, "required");
	size_t i = json_array_size(required);

	while (i-- > 0)
		if (str_eq(json_string_value(json_array_get(required, i)), name))
			json_array_remove(required, i);
	if (required && json_array_size(required) == 0)
		json_object_del(s, "required");
}

/* OpenAPI v2 has no null, no alternatives and, for kubectl, no fields beside unknown ones. */
static void reduce_v2(json_t *s)
{
	static const char *const LOST[] = { "allOf", "anyOf", "oneOf", "not", "default", "x-kubernetes-validations" };
	const char *key;
	json_t *field;
	void *next;

	for (size_t i = 0; i < ARRAY_SIZE(LOST); i++)
		json_object_del(s, LOST[i]);
	json_object_foreach_safe (json_object_get(s, "properties"), next, key, field) {
		if (json_get_bool(field, "nullable", false))
			forget_required(s, key);
		reduce_v2(field);
	}
	json_t *more = json_object_get(s, "additionalProperties"), *items = json_object_get(s, "items");
	if (json_is_object(more)) {
		if (json_get_bool(more, "nullable", false))
			json_object_del(s, "required");
		reduce_v2(more);
	}
	if (json_is_object(items))
		reduce_v2(items);
	bool nullable = json_get_bool(s, "nullable", false);
	bool preserve = json_get_bool(s, "x-kubernetes-preserve-unknown-fields", false);
	if (nullable || preserve) {
		json_object_del(s, "items");
		json_object_del(s, "properties");
		json_object_del(s, "nullable");
		json_object_del(s, "required");
		if (nullable || !str_eq(json_get_str(s, "type"), "string"))
			json_object_del(s, "type");
	}
	if (json_get_bool(s, "x-kubernetes-int-or-string", false))
		json_object_del(s, "type");
}

static void require(json_t *s, const char *name)
{
	json_t *required = json_ensure_array(s, "required");

	if (!json_has_str(required, name))
		json_push_str(required, name);
}

static void embed_v3(json_t *s)
{
	const char *key;
	json_t *field;
	void *next;

	json_object_foreach_safe (json_object_get(s, "properties"), next, key, field)
		embed_v3(field);
	if (json_is_object(json_object_get(s, "items")))
		embed_v3(json_object_get(s, "items"));
	if (json_is_object(json_object_get(s, "additionalProperties")))
		embed_v3(json_object_get(s, "additionalProperties"));
	if (json_get_bool(s, "x-kubernetes-int-or-string", false) && !json_object_get(s, "anyOf") &&
	    !json_object_get(s, "allOf"))
		json_put(s, "anyOf", json_pack("[{s:s},{s:s}]", "type", "integer", "type", "string"));
	if (!json_get_bool(s, "x-kubernetes-embedded-resource", false))
		return;
	add_resource_fields(s, false);
	require(s, "kind");
	require(s, "apiVersion");
}

json_t *schema_publish_v3(const struct schema *s)
{
	json_t *v = schema_source(s);

	embed_v3(v);
	add_resource_fields(v, false);
	return v;
}

json_t *schema_publish_v2(const struct schema *s)
{
	json_t *v = schema_source(s);
	bool preserve = json_get_bool(v, "x-kubernetes-preserve-unknown-fields", false);

	reduce_v2(v);
	json_put_str(v, "type", "object");
	if (!preserve)
		add_resource_fields(v, true);
	return v;
}
