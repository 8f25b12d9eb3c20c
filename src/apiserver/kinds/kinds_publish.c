/* The tables as OpenAPI definitions, each message under its own name. */
#include "base/str.h"
#include "kinds.h"

#include <string.h>

struct publisher {
	const char *refs;
	bool v3;
	json_t *definitions;
};

/* Types that have a definition of their own though they are no messages. */
static const struct {
	enum kinds_type type;
	const char *name, *v2, *v3;
} NAMED[] = {
	{ KINDS_TIME, "io.k8s.apimachinery.pkg.apis.meta.v1.Time",
	  "{\"type\":\"string\",\"format\":\"date-time\",\"description\":\"A time in RFC 3339, to the second.\"}", NULL },
	{ KINDS_MICRO_TIME, "io.k8s.apimachinery.pkg.apis.meta.v1.MicroTime",
	  "{\"type\":\"string\",\"format\":\"date-time\",\"description\":\"A time in RFC 3339, to the microsecond.\"}",
	  NULL },
	{ KINDS_DURATION, "io.k8s.apimachinery.pkg.apis.meta.v1.Duration",
	  "{\"type\":\"string\",\"description\":\"A length of time, for example 1h30m.\"}", NULL },
	{ KINDS_FIELDS_V1, "io.k8s.apimachinery.pkg.apis.meta.v1.FieldsV1",
	  "{\"type\":\"object\",\"description\":\"A set of fields as a tree: f: names members, k: and v: items of "
	  "lists.\"}",
	  NULL },
	{ KINDS_RAW, "io.k8s.apimachinery.pkg.runtime.RawExtension",
	  "{\"type\":\"object\",\"description\":\"An object of any kind.\"}", NULL },
	{ KINDS_QUANTITY, "io.k8s.apimachinery.pkg.api.resource.Quantity",
	  "{\"type\":\"string\",\"description\":\"A number with a unit, for example 500m, 2 or 1.5Gi.\"}",
	  "{\"oneOf\":[{\"type\":\"string\"},{\"type\":\"number\"}],\"description\":\"A number with a unit, for example "
	  "500m, 2 or "
	  "1.5Gi.\"}" },
	{ KINDS_INT_OR_STRING, "io.k8s.apimachinery.pkg.util.intstr.IntOrString",
	  "{\"type\":\"string\",\"format\":\"int-or-string\",\"description\":\"A number, or a text such as a name or "
	  "25%.\"}",
	  "{\"oneOf\":[{\"type\":\"integer\"},{\"type\":\"string\"}],\"format\":\"int-or-string\",\"description\":\"A "
	  "number, or a "
	  "text such as a name or 25%.\"}" },
	{ KINDS_JSON, "io.k8s.apiextensions-apiserver.pkg.apis.apiextensions.v1.JSON", "{\"description\":\"Any value.\"}",
	  NULL },
};

static const struct {
	const char *type, *format, *zero;
} PLAIN[] = {
	[KINDS_STRING] = { "string", NULL, "\"\"" },  [KINDS_BOOL] = { "boolean", NULL, "false" },
	[KINDS_INT32] = { "integer", "int32", "0" },  [KINDS_INT64] = { "integer", "int64", "0" },
	[KINDS_DOUBLE] = { "number", "double", "0" }, [KINDS_BYTES] = { "string", "byte", NULL },
};

static json_t *parsed(const char *text)
{
	return json_parse(text, strlen(text), 0, NULL);
}

/* The name of the definition of a field's value, which is there afterwards; NULL for plain types. */
static const char *define_value(const struct publisher *p, const struct kinds_field *f)
{
	if (f->type == KINDS_MESSAGE) {
		kinds_publish(kinds_message_of(f), p->refs, p->v3, p->definitions);
		return kinds_text(kinds_message_of(f)->name);
	}
	for (size_t i = 0; i < ARRAY_SIZE(NAMED); i++)
		if (NAMED[i].type == f->type) {
			if (!json_object_get(p->definitions, NAMED[i].name))
				json_put(p->definitions, NAMED[i].name, parsed(p->v3 && NAMED[i].v3 ? NAMED[i].v3 : NAMED[i].v2));
			return NAMED[i].name;
		}
	return NULL;
}

static json_t *choices_json(const char *choices)
{
	_cleanup_strv_ char **list = str_split(choices, "|");
	json_t *array = json_array();

	strv_sort(list); /* the tables have them in the order of messages */
	for (size_t i = 0; list && list[i]; i++)
		json_push_str(array, list[i]);
	return array;
}

/* OpenAPI v3 allows nothing beside $ref, so what else there is goes around it. */
static json_t *reference(const struct publisher *p, const char *name, bool bare)
{
	json_t *ref = json_pack("{s:o}", "$ref", json_strf("%s%s", p->refs, name));

	return p->v3 && !bare ? json_pack("{s:[o]}", "allOf", ref) : ref;
}

/* Scalars that are no pointers and structs have a zero value, which v3 documents call their default. */
static json_t *zero_of(const struct kinds_field *f, bool item)
{
	bool pointer = f->flags & KINDS_POINTER;

	if (f->type == KINDS_MESSAGE)
		return pointer && !item ? NULL : json_object();
	if (f->type <= KINDS_DOUBLE && (item || (f->flags & KINDS_ALWAYS)))
		return parsed(PLAIN[f->type].zero);
	return NULL;
}

/* The schema of one value; item: of a list or map. */
static json_t *value_json(const struct publisher *p, const struct kinds_field *f, bool item)
{
	const char *name = define_value(p, f);
	json_t *zero = !p->v3 ? NULL : !item && f->value ? parsed(kinds_text(f->value)) : zero_of(f, item);
	json_t *v = name ? reference(p, name, !zero && item) : json_object();

	if (!name) {
		json_put_str(v, "type", PLAIN[f->type].type);
		if (PLAIN[f->type].format)
			json_put_str(v, "format", PLAIN[f->type].format);
		if (f->choices)
			json_put(v, "enum", choices_json(kinds_text(f->choices)));
	}
	if (zero)
		json_put(v, "default", zero);
	return v;
}

static json_t *list_json(const struct publisher *p, const struct kinds_field *f)
{
	json_t *v = json_pack("{s:s,s:o}", "type", "array", "items", value_json(p, f, true));

	if (f->shape != KINDS_LIST)
		return v;
	json_put_str(v, "x-kubernetes-list-type",
	             f->flags & KINDS_MAPPED ? "map"
	             : f->flags & KINDS_SET  ? "set"
	                                     : "atomic");
	if (f->flags & KINDS_MAPPED) {
		_cleanup_strv_ char **keys = str_split(kinds_text(f->keys), ",");
		json_t *array = json_array();
		for (size_t i = 0; keys && keys[i]; i++)
			json_push_str(array, keys[i]);
		json_put(v, "x-kubernetes-list-map-keys", array);
	}
	return v;
}

static json_t *field_json(const struct publisher *p, const struct kinds_field *f)
{
	json_t *v;

	if (f->shape == KINDS_LIST)
		v = list_json(p, f);
	else if (f->shape == KINDS_ONE)
		v = value_json(p, f, false);
	else
		v = json_pack("{s:s,s:o}", "type", "object", "additionalProperties",
		              f->shape == KINDS_MAP ? value_json(p, f, true) : list_json(p, f));
	if (f->text)
		json_put_str(v, "description", kinds_text(f->text));
	if ((f->flags & KINDS_ATOMIC) && f->shape != KINDS_LIST)
		json_put_str(v, "x-kubernetes-map-type", "atomic");
	if (f->flags & (KINDS_MERGE | KINDS_RETAIN_KEYS))
		json_put_str(v, "x-kubernetes-patch-strategy",
		             !(f->flags & KINDS_MERGE)      ? "retainKeys"
		             : f->flags & KINDS_RETAIN_KEYS ? "merge,retainKeys"
		                                            : "merge");
	if (f->merge_key)
		json_put_str(v, "x-kubernetes-patch-merge-key", kinds_text(f->merge_key));
	return v;
}

static void add_fields(const struct publisher *p, const struct kinds_message *m, json_t *properties, json_t *required)
{
	for (size_t i = 0; i < m->len; i++) {
		const struct kinds_field *f = &kinds_fields(m)[i];
		if (f->flags & KINDS_INLINE) {
			add_fields(p, kinds_message_of(f), properties, required);
			continue;
		}
		json_put(properties, kinds_text(f->name), field_json(p, f));
		if (f->flags & KINDS_REQUIRED)
			json_push_str(required, kinds_text(f->name));
	}
}

static bool is_kind(const struct kinds_message *m)
{
	for (size_t i = 0; i < KINDS_LEN; i++)
		if (&KINDS_MESSAGES[KINDS[i].message] == m)
			return true;
	return false;
}

static void add_type_fields(json_t *properties)
{
	json_put(properties, "apiVersion",
	         json_pack("{s:s,s:s}", "description",
	                   "The group and version that this object is written in, for example apps/v1.", "type", "string"));
	json_put(properties, "kind",
	         json_pack("{s:s,s:s}", "description", "The type of this object, in CamelCase. It cannot be changed.",
	                   "type", "string"));
}

void kinds_publish(const struct kinds_message *m, const char *refs, bool v3, json_t *definitions)
{
	const struct publisher p = { .refs = refs, .v3 = v3, .definitions = definitions };
	const char *name = kinds_text(m->name);

	if (json_object_get(definitions, name))
		return;
	/* In its place at once: a message may contain itself. */
	json_t *v = json_object(), *properties = json_object(), *required = json_array();
	json_put(definitions, name, v);
	if (m->text)
		json_put_str(v, "description", kinds_text(m->text));
	json_put_str(v, "type", "object");
	if (is_kind(m))
		add_type_fields(properties);
	add_fields(&p, m, properties, required);
	if (json_object_size(properties) > 0)
		json_put(v, "properties", json_incref(properties));
	if (json_array_size(required) > 0)
		json_put(v, "required", json_incref(required));
	json_decref(properties);
	json_decref(required);
	if (m->flags & KINDS_MESSAGE_ATOMIC)
		json_put_str(v, "x-kubernetes-map-type", "atomic");
}
