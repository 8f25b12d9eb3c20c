/* OpenAPI documents as JSON. */
#include "openapi.h"

static void add_member(struct buf *out, const char *key, const json_t *v)
{
	_cleanup_json_ json_t *name = json_string(key);

	json_write(name, out);
	buf_putc(out, ':');
	json_write(v, out);
}

static void put_info(struct buf *out)
{
	_cleanup_json_ json_t *info = openapi_info();

	json_write(info, out);
	buf_puts(out, ",\"paths\":{");
}

static void put_head_v2(struct buf *out, size_t paths_len _unused_)
{
	buf_puts(out, "{\"swagger\":\"2.0\",\"info\":");
	put_info(out);
}

static void put_middle_v2(struct buf *out, size_t schemas_len _unused_)
{
	buf_puts(out, "},\"definitions\":{");
}

static void put_head_v3(struct buf *out, size_t paths_len _unused_)
{
	buf_puts(out, "{\"openapi\":\"3.0.0\",\"info\":");
	put_info(out);
}

static void put_middle_v3(struct buf *out, size_t schemas_len _unused_)
{
	buf_puts(out, "},\"components\":{\"schemas\":{");
}

static void put_tail_v2(struct buf *out)
{
	buf_puts(out, "}}");
}

static void put_tail_v3(struct buf *out)
{
	buf_puts(out, "}}}");
}

const struct openapi_form OPENAPI_JSON_V2 = {
	.name = "v2",
	.version = OPENAPI_V2,
	.separator = ",",
	.add_path = add_member,
	.add_schema = add_member,
	.put_head = put_head_v2,
	.put_middle = put_middle_v2,
	.put_tail = put_tail_v2,
};

const struct openapi_form OPENAPI_JSON_V3 = {
	.name = "v3",
	.version = OPENAPI_V3,
	.separator = ",",
	.add_path = add_member,
	.add_schema = add_member,
	.put_head = put_head_v3,
	.put_middle = put_middle_v3,
	.put_tail = put_tail_v3,
};
