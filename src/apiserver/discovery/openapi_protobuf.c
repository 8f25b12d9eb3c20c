/* OpenAPI v2 in protobuf (google/gnostic openapiv2/OpenAPIv2.proto, whose field numbers are used below). kubectl before
 * 1.27 understands nothing else. Only what such documents of ours contain is written. */
#include "base/buf.h"
#include "base/str.h"
#include "openapi.h"

#define OUT_MAX OPENAPI_MAX

static void put_varint(struct buf *out, uint64_t n)
{
	while (n >= 0x80) {
		buf_putc(out, (char)(n | 0x80));
		n >>= 7;
	}
	buf_putc(out, (char)n);
}

static void put_bytes(struct buf *out, unsigned field, const char *data, size_t len)
{
	put_varint(out, field << 3 | 2);
	put_varint(out, len);
	buf_append(out, data, len);
}

/* Moves a finished message into the one around it. */
static void put_message(struct buf *out, unsigned field, struct buf *message)
{
	put_bytes(out, field, buf_str(message), message->len);
	buf_clear(message);
}

static void put_text(struct buf *out, unsigned field, const char *text)
{
	if (!str_empty(text))
		put_bytes(out, field, text, strlen(text));
}

static void put_int(struct buf *out, unsigned field, int64_t n)
{
	if (n == 0)
		return;
	put_varint(out, field << 3);
	put_varint(out, (uint64_t)n);
}

static void put_double(struct buf *out, unsigned field, double d)
{
	if (d == 0)
		return;
	put_varint(out, field << 3 | 1);
	buf_append(out, &d, sizeof(d)); /* little-endian, as every machine we build for */
}

/* Any { yaml = 2 }; JSON is YAML. */
static void put_any(struct buf *out, unsigned field, const json_t *v)
{
	struct buf any = BUF_INIT(OUT_MAX);
	_cleanup_free_ char *text = json_to_str(v);

	put_text(&any, 2, text);
	put_message(out, field, &any);
}

/* NamedAny for each member beginning with "x-". */
static void put_extensions(struct buf *out, unsigned field, const json_t *v)
{
	const char *key;
	json_t *member;

	json_object_foreach ((json_t *)(uintptr_t)v, key, member) {
		if (!str_starts_with(key, "x-"))
			continue;
		struct buf named = BUF_INIT(OUT_MAX);
		put_text(&named, 1, key);
		put_any(&named, 2, member);
		put_message(out, field, &named);
	}
}

static void put_strings(struct buf *out, unsigned field, const json_t *array)
{
	size_t i;
	json_t *item;

	json_array_foreach (array, i, item)
		put_text(out, field, json_string_value(item));
}

static void put_schema(struct buf *out, unsigned field, const json_t *v);

/* Messages that wrap one other message in field 1. */
static void put_wrapped_schema(struct buf *out, unsigned field, const json_t *v)
{
	struct buf wrapper = BUF_INIT(OUT_MAX);

	put_schema(&wrapper, 1, v);
	put_message(out, field, &wrapper);
}

static void put_named_schema(struct buf *out, const char *name, const json_t *v)
{
	struct buf named = BUF_INIT(OUT_MAX);

	put_text(&named, 1, name);
	put_schema(&named, 2, v);
	put_message(out, 1, &named);
}

/* Properties: NamedSchema in field 1. */
static void put_named_schemas(struct buf *out, unsigned field, const json_t *members)
{
	struct buf all = BUF_INIT(OUT_MAX);
	const char *key;
	json_t *member;

	json_object_foreach ((json_t *)(uintptr_t)members, key, member)
		put_named_schema(&all, key, member);
	put_message(out, field, &all);
}

static void put_schema_numbers(struct buf *m, const json_t *v)
{
	static const struct {
		const char *name;
		unsigned field;
		bool real;
	} numbers[] = { { "multipleOf", 6, true },  { "maximum", 7, true },         { "minimum", 9, true },
		            { "maxLength", 11, false }, { "minLength", 12, false },     { "maxItems", 14, false },
		            { "minItems", 15, false },  { "maxProperties", 17, false }, { "minProperties", 18, false } };

	for (size_t i = 0; i < ARRAY_SIZE(numbers); i++) {
		const json_t *n = json_object_get(v, numbers[i].name);
		if (numbers[i].real)
			put_double(m, numbers[i].field, json_number(n, 0));
		else
			put_int(m, numbers[i].field, json_int(n, 0));
	}
	put_int(m, 8, json_get_bool(v, "exclusiveMaximum", false));
	put_int(m, 10, json_get_bool(v, "exclusiveMinimum", false));
	put_int(m, 16, json_get_bool(v, "uniqueItems", false));
}

static void put_schema_parts(struct buf *m, const json_t *v)
{
	const json_t *additional = json_object_get(v, "additionalProperties"), *type = json_object_get(v, "type");
	const json_t *items = json_object_get(v, "items"), *properties = json_object_get(v, "properties"), *values;
	size_t i;
	json_t *item;

	values = json_object_get(v, "enum");
	json_array_foreach (values, i, item)
		put_any(m, 20, item);
	if (json_is_object(additional)) {
		put_wrapped_schema(m, 21, additional);
	} else if (json_is_boolean(additional)) {
		struct buf wrapper = BUF_INIT(16);
		put_int(&wrapper, 2, json_is_true(additional));
		put_message(m, 21, &wrapper);
	}
	if (json_is_string(type)) {
		struct buf types = BUF_INIT(256);
		put_text(&types, 1, json_string_value(type));
		put_message(m, 22, &types);
	}
	if (json_is_object(items))
		put_wrapped_schema(m, 23, items);
	values = json_object_get(v, "allOf");
	json_array_foreach (values, i, item)
		put_schema(m, 24, item);
	if (json_is_object(properties))
		put_named_schemas(m, 25, properties);
}

static void put_schema(struct buf *out, unsigned field, const json_t *v)
{
	struct buf m = BUF_INIT(OUT_MAX);
	const json_t *otherwise = json_object_get(v, "default");

	put_text(&m, 1, json_get_str(v, "$ref"));
	put_text(&m, 2, json_get_str(v, "format"));
	put_text(&m, 3, json_get_str(v, "title"));
	put_text(&m, 4, json_get_str(v, "description"));
	if (otherwise)
		put_any(&m, 5, otherwise);
	put_schema_numbers(&m, v);
	put_text(&m, 13, json_get_str(v, "pattern"));
	put_strings(&m, 19, json_object_get(v, "required"));
	put_schema_parts(&m, v);
	put_extensions(&m, 31, v);
	put_message(out, field, &m);
}

/* ParametersItem { Parameter { BodyParameter | NonBodyParameter { query | path } } } */
static void put_parameter(struct buf *out, unsigned field, const json_t *v)
{
	struct buf parameter = BUF_INIT(OUT_MAX), item = BUF_INIT(OUT_MAX), own = BUF_INIT(OUT_MAX);
	const char *in = json_get_str(v, "in");

	if (str_eq(in, "body")) {
		put_text(&own, 1, json_get_str(v, "description"));
		put_text(&own, 2, json_get_str(v, "name"));
		put_text(&own, 3, in);
		put_int(&own, 4, json_get_bool(v, "required", false));
		put_schema(&own, 5, json_object_get(v, "schema"));
		put_message(&parameter, 1, &own);
	} else {
		struct buf other = BUF_INIT(OUT_MAX);
		bool query = str_eq(in, "query");
		put_int(&own, 1, json_get_bool(v, "required", false));
		put_text(&own, 2, in);
		put_text(&own, 3, json_get_str(v, "description"));
		put_text(&own, 4, json_get_str(v, "name"));
		put_text(&own, query ? 6 : 5, json_get_str(v, "type"));
		put_int(&own, query ? 20 : 19, json_get_bool(v, "uniqueItems", false));
		put_message(&other, query ? 3 : 4, &own);
		put_message(&parameter, 2, &other);
	}
	put_message(&item, 1, &parameter);
	put_message(out, field, &item);
}

static void put_parameters(struct buf *out, unsigned field, const json_t *list)
{
	size_t i;
	json_t *item;

	json_array_foreach (list, i, item)
		put_parameter(out, field, item);
}

/* Responses { NamedResponseValue { ResponseValue { Response { SchemaItem } } } } */
static void put_responses(struct buf *out, unsigned field, const json_t *responses)
{
	struct buf all = BUF_INIT(OUT_MAX);
	const char *code;
	json_t *v;

	json_object_foreach ((json_t *)(uintptr_t)responses, code, v) {
		struct buf response = BUF_INIT(OUT_MAX), value = BUF_INIT(OUT_MAX), named = BUF_INIT(OUT_MAX);
		const json_t *schema = json_object_get(v, "schema");
		put_text(&response, 1, json_get_str(v, "description"));
		if (schema)
			put_wrapped_schema(&response, 2, schema);
		put_message(&value, 1, &response);
		put_text(&named, 1, code);
		put_message(&named, 2, &value);
		put_message(&all, 1, &named);
	}
	put_message(out, field, &all);
}

static void put_operation(struct buf *out, unsigned field, const json_t *v)
{
	struct buf m = BUF_INIT(OUT_MAX);

	put_strings(&m, 1, json_object_get(v, "tags"));
	put_text(&m, 3, json_get_str(v, "description"));
	put_text(&m, 5, json_get_str(v, "operationId"));
	put_parameters(&m, 8, json_object_get(v, "parameters"));
	put_responses(&m, 9, json_object_get(v, "responses"));
	put_extensions(&m, 13, v);
	put_message(out, field, &m);
}

static void put_path(struct buf *out, unsigned field, const json_t *v)
{
	static const struct {
		const char *method;
		unsigned field;
	} methods[] = { { "get", 2 }, { "put", 3 }, { "post", 4 }, { "delete", 5 }, { "patch", 8 } };
	struct buf m = BUF_INIT(OUT_MAX);

	for (size_t i = 0; i < ARRAY_SIZE(methods); i++) {
		const json_t *operation = json_object_get(v, methods[i].method);
		if (operation)
			put_operation(&m, methods[i].field, operation);
	}
	put_parameters(&m, 9, json_object_get(v, "parameters"));
	put_message(out, field, &m);
}

/* ---- the document, entry by entry ---- */

static void add_path(struct buf *out, const char *path, const json_t *v)
{
	struct buf named = BUF_INIT(OUT_MAX);

	put_text(&named, 1, path);
	put_path(&named, 2, v);
	put_message(out, 2, &named);
}

static void put_head(struct buf *out, size_t paths_len)
{
	_cleanup_json_ json_t *info = openapi_info();
	struct buf about = BUF_INIT(4096);

	put_text(out, 1, "2.0");
	put_text(&about, 1, json_get_str(info, "title"));
	put_text(&about, 2, json_get_str(info, "version"));
	put_message(out, 2, &about);
	put_varint(out, 8 << 3 | 2);
	put_varint(out, paths_len);
}

static void put_middle(struct buf *out, size_t schemas_len)
{
	put_varint(out, 9 << 3 | 2);
	put_varint(out, schemas_len);
}

static void put_tail(struct buf *out _unused_)
{
}

const struct openapi_form OPENAPI_PROTOBUF = {
	.name = "v2.pb",
	.version = OPENAPI_V2,
	.separator = "",
	.add_path = add_path,
	.add_schema = put_named_schema,
	.put_head = put_head,
	.put_middle = put_middle,
	.put_tail = put_tail,
};
