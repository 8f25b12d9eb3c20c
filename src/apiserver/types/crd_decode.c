/* The Go types of a CustomResourceDefinition (apiextensions.k8s.io/v1): what does not fit them is no CRD at all, and is
 * told of in the words of encoding/json. */
#include "base/str.h"
#include "codec/go_json.h"
#include "crd.h"

#include <string.h>

enum go_kind { GO_STRING, GO_BOOL, GO_INTEGER, GO_NUMBER, GO_STRUCT, GO_ANY, GO_SCHEMA_OR_BOOL, GO_SCHEMA_OR_LIST };

struct go_struct;

/* A field: of a kind, a list of it or a map of it. */
struct go_field {
	const char *name;
	enum go_kind kind;
	enum { GO_ONE, GO_LIST, GO_MAP } many;
	const char *type; /* as Go names it; a list's and a map's is of the item */
	const struct go_struct *of;
};

struct go_struct {
	const char *name;
	const struct go_field *fields; /* until one without a name */
};

#define STRING(name)                            \
	{                                           \
		name, GO_STRING, GO_ONE, "string", NULL \
	}
#define STRINGS(name)                            \
	{                                            \
		name, GO_STRING, GO_LIST, "string", NULL \
	}
#define BOOL(name)                          \
	{                                       \
		name, GO_BOOL, GO_ONE, "bool", NULL \
	}
#define INT64(name)                             \
	{                                           \
		name, GO_INTEGER, GO_ONE, "int64", NULL \
	}
#define NUMBER(name)                             \
	{                                            \
		name, GO_NUMBER, GO_ONE, "float64", NULL \
	}
#define NAMED(name, many, go)                 \
	{                                         \
		name, GO_STRUCT, many, "v1." #go, &go \
	}
#define FIELDS(...) ((const struct go_field[]){ __VA_ARGS__, { 0 } })

static const struct go_struct ServiceReference = { "ServiceReference",
	                                               FIELDS(STRING("namespace"), STRING("name"), STRING("path"),
	                                                      { "port", GO_INTEGER, GO_ONE, "int32", NULL }) };
static const struct go_struct WebhookClientConfig = {
	"WebhookClientConfig", FIELDS(STRING("url"), NAMED("service", GO_ONE, ServiceReference))
};
static const struct go_struct WebhookConversion = { "WebhookConversion",
	                                                FIELDS(NAMED("clientConfig", GO_ONE, WebhookClientConfig),
	                                                       STRINGS("conversionReviewVersions")) };
static const struct go_struct CustomResourceConversion = {
	"CustomResourceConversion", FIELDS({ "strategy", GO_STRING, GO_ONE, "v1.ConversionStrategyType", NULL },
	                                   NAMED("webhook", GO_ONE, WebhookConversion))
};
static const struct go_struct CustomResourceDefinitionNames = {
	"CustomResourceDefinitionNames", FIELDS(STRING("plural"), STRING("singular"), STRINGS("shortNames"), STRING("kind"),
	                                        STRING("listKind"), STRINGS("categories"))
};
static const struct go_struct CustomResourceSubresourceStatus = { "CustomResourceSubresourceStatus", FIELDS({ 0 }) };
static const struct go_struct CustomResourceSubresourceScale = {
	"CustomResourceSubresourceScale",
	FIELDS(STRING("specReplicasPath"), STRING("statusReplicasPath"), STRING("labelSelectorPath"))
};
static const struct go_struct CustomResourceSubresources = {
	"CustomResourceSubresources", FIELDS(NAMED("status", GO_ONE, CustomResourceSubresourceStatus),
	                                     NAMED("scale", GO_ONE, CustomResourceSubresourceScale))
};
static const struct go_struct CustomResourceColumnDefinition = {
	"CustomResourceColumnDefinition", FIELDS(STRING("name"), STRING("type"), STRING("format"), STRING("description"),
	                                         { "priority", GO_INTEGER, GO_ONE, "int32", NULL }, STRING("jsonPath"))
};
static const struct go_struct SelectableField = { "SelectableField", FIELDS(STRING("jsonPath")) };
static const struct go_struct ExternalDocumentation = { "ExternalDocumentation",
	                                                    FIELDS(STRING("description"), STRING("url")) };
static const struct go_struct ValidationRule = {
	"ValidationRule", FIELDS(STRING("rule"), STRING("message"), STRING("messageExpression"), STRING("fieldPath"))
};
static const struct go_struct JSONSchemaProps;
static const struct go_field SCHEMA_FIELDS[] = {
	STRING("id"),
	STRING("$schema"),
	STRING("$ref"),
	STRING("description"),
	STRING("type"),
	STRING("format"),
	STRING("title"),
	NUMBER("maximum"),
	BOOL("exclusiveMaximum"),
	NUMBER("minimum"),
	BOOL("exclusiveMinimum"),
	INT64("maxLength"),
	INT64("minLength"),
	STRING("pattern"),
	INT64("maxItems"),
	INT64("minItems"),
	BOOL("uniqueItems"),
	NUMBER("multipleOf"),
	{ "enum", GO_ANY, GO_LIST, "v1.JSON", NULL },
	INT64("maxProperties"),
	INT64("minProperties"),
	STRINGS("required"),
	{ "items", GO_SCHEMA_OR_LIST, GO_ONE, "", NULL },
	NAMED("allOf", GO_LIST, JSONSchemaProps),
	NAMED("oneOf", GO_LIST, JSONSchemaProps),
	NAMED("anyOf", GO_LIST, JSONSchemaProps),
	NAMED("not", GO_ONE, JSONSchemaProps),
	NAMED("properties", GO_MAP, JSONSchemaProps),
	{ "additionalProperties", GO_SCHEMA_OR_BOOL, GO_ONE, "", NULL },
	NAMED("patternProperties", GO_MAP, JSONSchemaProps),
	{ "additionalItems", GO_SCHEMA_OR_BOOL, GO_ONE, "", NULL },
	NAMED("definitions", GO_MAP, JSONSchemaProps),
	NAMED("externalDocs", GO_ONE, ExternalDocumentation),
	BOOL("nullable"),
	BOOL("x-kubernetes-preserve-unknown-fields"),
	BOOL("x-kubernetes-embedded-resource"),
	BOOL("x-kubernetes-int-or-string"),
	STRINGS("x-kubernetes-list-map-keys"),
	STRING("x-kubernetes-list-type"),
	STRING("x-kubernetes-map-type"),
	NAMED("x-kubernetes-validations", GO_LIST, ValidationRule),
	{ 0 },
};
static const struct go_struct JSONSchemaProps = { "JSONSchemaProps", SCHEMA_FIELDS };
static const struct go_struct CustomResourceValidation = { "CustomResourceValidation",
	                                                       FIELDS(NAMED("openAPIV3Schema", GO_ONE, JSONSchemaProps)) };
static const struct go_struct CustomResourceDefinitionVersion = {
	"CustomResourceDefinitionVersion",
	FIELDS(STRING("name"), BOOL("served"), BOOL("storage"), BOOL("deprecated"), STRING("deprecationWarning"),
	       NAMED("schema", GO_ONE, CustomResourceValidation), NAMED("subresources", GO_ONE, CustomResourceSubresources),
	       NAMED("additionalPrinterColumns", GO_LIST, CustomResourceColumnDefinition),
	       NAMED("selectableFields", GO_LIST, SelectableField))
};
static const struct go_struct CustomResourceDefinitionSpec = {
	"CustomResourceDefinitionSpec",
	FIELDS(STRING("group"), NAMED("names", GO_ONE, CustomResourceDefinitionNames),
	       { "scope", GO_STRING, GO_ONE, "v1.ResourceScope", NULL },
	       NAMED("versions", GO_LIST, CustomResourceDefinitionVersion),
	       NAMED("conversion", GO_ONE, CustomResourceConversion), BOOL("preserveUnknownFields"))
};
static const struct go_struct CustomResourceDefinitionStatus = { "CustomResourceDefinitionStatus",
	                                                             FIELDS(STRINGS("storedVersions")) };
static const struct go_struct CustomResourceDefinition = {
	"CustomResourceDefinition",
	FIELDS(NAMED("spec", GO_ONE, CustomResourceDefinitionSpec), NAMED("status", GO_ONE, CustomResourceDefinitionStatus))
};

/* ---- checking ---- */

struct go_path {
	const struct go_path *up; /* NULL at the top, and within what decodes itself */
	const struct go_struct *in;
	const char *field;
};

static void write_path(const struct go_path *at, struct buf *out)
{
	if (at->up)
		write_path(at->up, out);
	buf_printf(out, "%s%s", at->up ? "." : "", at->field);
}

static char *mismatch(const struct go_path *at, const json_t *v, const char *around, const char *type)
{
	_cleanup_buf_ struct buf path = BUF_INIT(JSON_TEXT_MAX);
	_cleanup_free_ char *number = json_is_real(v) && strncmp(type, "int", 3) == 0 ? json_to_str(v) : NULL;

	write_path(at, &path);
	return xasprintf("json: cannot unmarshal %s%s%s into Go struct field %s.%s of type %s%s", go_json_type(v),
	                 number ? " " : "", number ? number : "", at->in->name, buf_str(&path), around, type);
}

static char *check_struct(const struct go_struct *s, const json_t *v, const struct go_path *up);

static bool fits(enum go_kind kind, const json_t *v)
{
	switch (kind) {
	case GO_STRING:
		return json_is_string(v);
	case GO_BOOL:
		return json_is_boolean(v);
	case GO_INTEGER:
		return json_is_integer(v);
	case GO_NUMBER:
		return json_is_number(v);
	case GO_STRUCT:
		return json_is_object(v);
	default:
		return true;
	}
}

/* A schema where something else may be: it decodes itself, so the path begins anew. */
static char *check_itself(enum go_kind kind, const json_t *v)
{
	size_t i;
	json_t *item;
	char *fault = NULL;

	if (json_is_object(v))
		return check_struct(&JSONSchemaProps, v, NULL);
	if (kind == GO_SCHEMA_OR_BOOL && !json_is_boolean(v))
		return xstrdup("boolean or JSON schema expected");
	json_array_foreach (v, i, item)
		if (!fault && json_is_object(item))
			fault = check_struct(&JSONSchemaProps, item, NULL);
	return fault;
}

static char *check_one(const struct go_field *f, const json_t *v, const struct go_path *at)
{
	if (json_is_null(v))
		return NULL;
	if (!fits(f->kind, v))
		return mismatch(at, v, "", f->type);
	if (f->kind == GO_STRUCT)
		return check_struct(f->of, v, at);
	return f->kind == GO_SCHEMA_OR_BOOL || f->kind == GO_SCHEMA_OR_LIST ? check_itself(f->kind, v) : NULL;
}

static char *check_field(const struct go_field *f, const json_t *v, const struct go_path *at)
{
	const char *key;
	char *fault = NULL;
	json_t *item;
	size_t i;

	if (json_is_null(v))
		return NULL;
	if (f->many == GO_ONE)
		return check_one(f, v, at);
	if (f->many == GO_LIST ? !json_is_array(v) : !json_is_object(v))
		return mismatch(at, v, f->many == GO_LIST ? "[]" : "map[string]", f->type);
	json_array_foreach (v, i, item)
		if (!fault)
			fault = check_one(f, item, at);
	json_object_foreach (json_unconst(v), key, item)
		if (!fault)
			fault = check_one(f, item, at);
	return fault;
}

static char *check_struct(const struct go_struct *s, const json_t *v, const struct go_path *up)
{
	const char *key;
	char *fault = NULL;
	json_t *member;

	json_object_foreach (json_unconst(v), key, member)
		for (const struct go_field *f = s->fields; f->name && !fault; f++) {
			const struct go_path at = { .up = up, .in = s, .field = f->name };
			if (strcmp(f->name, key) == 0)
				fault = check_field(f, member, &at);
		}
	return fault;
}

char *crd_decode_fault(const json_t *obj)
{
	return check_struct(&CustomResourceDefinition, obj, NULL);
}
