#include "base/str.h"
#include "kinds/kinds.h"
#include "types/builtin_types.h"
#include "openapi.h"

#include <stdio.h>

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

static json_t *list_schema(enum openapi_version api, const struct api_type *t, const struct api_version *v,
                           const char *name)
{
	json_t *items = json_pack("{s:s,s:s,s:o}", "description", "The objects.", "type", "array", "items",
	                          openapi_ref(api, name));
	json_t *properties = json_pack("{s:{s:s,s:s},s:{s:s,s:s},s:o,s:o}", "apiVersion", "type", "string", "description",
	                               "Group and version of the list.", "kind", "type", "string", "description",
	                               "Kind of the list.", "metadata",
	                               openapi_ref(api, "io.k8s.apimachinery.pkg.apis.meta.v1.ListMeta"), "items", items);

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

/* The types of the protocol itself. */
static const char PROTOCOL[] =
	"{\"io.k8s.apimachinery.pkg.apis.meta.v1.ListMeta\":{\"type\":\"object\",\"description\":\"Metadata of a "
	"list.\",\"properties\":{"
	"\"continue\":{\"type\":\"string\",\"description\":\"Set when there are more objects: give it back to get them.\"},"
	"\"remainingItemCount\":{\"type\":\"integer\",\"format\":\"int64\",\"description\":\"How many more objects there "
	"are.\"},"
	"\"resourceVersion\":{\"type\":\"string\",\"description\":\"State of the server the list shows.\"},"
	"\"selfLink\":{\"type\":\"string\",\"description\":\"Not used any more.\"}}},"
	"\"io.k8s.apimachinery.pkg.apis.meta.v1.Patch\":{\"type\":\"object\",\"description\":\"A change, in the form its "
	"media type "
	"says.\"},"
	"\"io.k8s.apimachinery.pkg.apis.meta.v1.Preconditions\":{\"type\":\"object\",\"description\":\"What must hold "
	"before an object is "
	"deleted.\",\"properties\":{\"resourceVersion\":{\"type\":\"string\",\"description\":\"Version of the object.\"},"
	"\"uid\":{\"type\":\"string\",\"description\":\"UID of the object.\"}}},"
	"\"io.k8s.apimachinery.pkg.apis.meta.v1.DeleteOptions\":{\"type\":\"object\",\"description\":\"How to "
	"delete.\",\"properties\":{"
	"\"apiVersion\":{\"type\":\"string\",\"description\":\"Group and version.\"},"
	"\"kind\":{\"type\":\"string\",\"description\":\"DeleteOptions.\"},"
	"\"dryRun\":{\"type\":\"array\",\"items\":{\"type\":\"string\"},\"description\":\"All: delete nothing, but say "
	"what would happen.\"},"
	"\"gracePeriodSeconds\":{\"type\":\"integer\",\"format\":\"int64\",\"description\":\"Seconds before the object is "
	"deleted.\"},"
	"\"orphanDependents\":{\"type\":\"boolean\",\"description\":\"Use propagationPolicy instead.\"},"
	"\"preconditions\":{\"$ref\":\"@io.k8s.apimachinery.pkg.apis.meta.v1.Preconditions\"},"
	"\"propagationPolicy\":{\"type\":\"string\",\"description\":\"What happens to dependents: Orphan, Background or "
	"Foreground.\"}}},"
	"\"io.k8s.apimachinery.pkg.apis.meta.v1.Status\":{\"type\":\"object\",\"description\":\"How a request ended, when "
	"it gives no "
	"object.\",\"properties\":{\"apiVersion\":{\"type\":\"string\",\"description\":\"Group and version.\"},"
	"\"kind\":{\"type\":\"string\",\"description\":\"Status.\"},"
	"\"metadata\":{\"$ref\":\"@io.k8s.apimachinery.pkg.apis.meta.v1.ListMeta\"},"
	"\"status\":{\"type\":\"string\",\"description\":\"Success or Failure.\"},"
	"\"message\":{\"type\":\"string\",\"description\":\"What happened, for people.\"},"
	"\"reason\":{\"type\":\"string\",\"description\":\"What happened, in one word for programs.\"},"
	"\"details\":{\"type\":\"object\",\"description\":\"What it is "
	"about.\",\"x-kubernetes-preserve-unknown-fields\":true},"
	"\"code\":{\"type\":\"integer\",\"format\":\"int32\",\"description\":\"HTTP status.\"}}},"
	"\"io.k8s.api.autoscaling.v1.Scale\":{\"type\":\"object\",\"description\":\"How many replicas something "
	"has.\",\"properties\":{"
	"\"apiVersion\":{\"type\":\"string\",\"description\":\"autoscaling/"
	"v1.\"},\"kind\":{\"type\":\"string\",\"description\":\"Scale.\"},"
	"\"metadata\":{\"$ref\":\"@io.k8s.apimachinery.pkg.apis.meta.v1.ObjectMeta\"},"
	"\"spec\":{\"type\":\"object\",\"description\":\"What is "
	"wanted.\",\"properties\":{\"replicas\":{\"type\":\"integer\","
	"\"format\":\"int32\",\"description\":\"Wanted number.\"}}},"
	"\"status\":{\"type\":\"object\",\"description\":\"What is "
	"there.\",\"properties\":{\"replicas\":{\"type\":\"integer\","
	"\"format\":\"int32\",\"description\":\"Present "
	"number.\"},\"selector\":{\"type\":\"string\",\"description\":\"Label selector of the "
	"replicas.\"}}}},\"x-kubernetes-group-version-kind\":[{\"group\":\"autoscaling\",\"kind\":\"Scale\",\"version\":"
	"\"v1\"}]}}";

/* "@NAME" becomes a real reference. */
static void resolve_refs(json_t *v, enum openapi_version api)
{
	const char *key, *name = json_get_str(v, "$ref");
	json_t *member;

	if (name && *name == '@') {
		_cleanup_json_ json_t *ref = openapi_ref(api, name + 1);
		json_object_update(v, ref);
	}
	json_object_foreach (v, key, member)
		resolve_refs(member, api);
}

void openapi_add_meta_schemas(json_t *schemas, enum openapi_version api)
{
	_cleanup_json_ json_t *protocol = json_parse(PROTOCOL, sizeof(PROTOCOL) - 1, 0, NULL);
	json_t *meta = builtin_object_meta(NULL);

	resolve_refs(protocol, api);
	json_object_update(schemas, protocol);
	json_put(schemas, BUILTIN_OBJECT_META, meta ? meta : json_object());
}
