#include "proto.h"

#include "base/clock.h"
#include "base/str.h"
#include "codec/base64.h"

#define DEPTH_MAX 64

/* What is left to read of a message. */
struct reader {
	const unsigned char *at, *end;
};

struct value {
	unsigned number, wire;
	uint64_t n;          /* wire type 0 */
	struct reader bytes; /* wire type 2 */
};

static bool read_varint(struct reader *r, uint64_t *ret)
{
	uint64_t n = 0;

	for (unsigned shift = 0; shift < 64; shift += 7) {
		if (r->at == r->end)
			return false;
		unsigned char c = *r->at++;
		n |= (uint64_t)(c & 0x7f) << shift;
		if (!(c & 0x80)) {
			*ret = n;
			return true;
		}
	}
	return false;
}

static bool skip(struct reader *r, size_t n)
{
	if ((size_t)(r->end - r->at) < n)
		return false;
	r->at += n;
	return true;
}

/* The next field; false when the message is malformed. */
static bool read_value(struct reader *r, struct value *ret)
{
	uint64_t tag, len;

	if (!read_varint(r, &tag) || tag >> 3 == 0 || tag >> 3 > UINT32_MAX)
		return false;
	*ret = (struct value){ .number = (unsigned)(tag >> 3), .wire = (unsigned)(tag & 7) };
	switch (ret->wire) {
	case 0:
		return read_varint(r, &ret->n);
	case 1:
		return skip(r, 8);
	case 2:
		if (!read_varint(r, &len) || len > (uint64_t)(r->end - r->at))
			return false;
		ret->bytes = (struct reader){ r->at, r->at + len };
		r->at += len;
		return true;
	case 5:
		return skip(r, 4);
	default:
		return false; /* groups are not used */
	}
}

static size_t reader_len(const struct reader *r)
{
	return (size_t)(r->end - r->at);
}

static json_t *string_of(const struct reader *r)
{
	return json_string_lossy((const char *)r->at, reader_len(r));
}

static json_t *base64_of(const struct reader *r)
{
	_cleanup_free_ char *text = base64_encode(r->at, reader_len(r));

	return json_string(text);
}

static json_t *time_of(struct reader r, bool micro)
{
	int64_t seconds = 0, nanos = 0;
	char text[RFC3339_SIZE];
	struct value v;
	bool empty = true;

	while (r.at < r.end) {
		if (!read_value(&r, &v))
			return NULL;
		if (v.number == 1)
			seconds = (int64_t)v.n;
		else if (v.number == 2)
			nanos = (int32_t)v.n;
		empty = false;
	}
	/* Go's zero time is sent as an empty message. */
	if (empty || seconds < 0 || seconds > INT64_MAX / NS_PER_S - 1)
		return json_null();
	int64_t ns = seconds * NS_PER_S + nanos;
	return json_string(micro ? rfc3339_format_micro(ns, text) : rfc3339_format(ns, text));
}

static json_t *raw_json_of(struct reader r)
{
	struct value v;
	json_t *parsed = NULL;

	while (r.at < r.end) {
		if (!read_value(&r, &v))
			break;
		if (v.number == 1 && v.wire == 2 && !parsed)
			parsed = json_parse((const char *)v.bytes.at, reader_len(&v.bytes), 0, NULL);
	}
	return parsed;
}

/* Repeated string items = 1. */
static json_t *strings_of(struct reader r)
{
	json_t *array = json_array();
	struct value v;

	while (r.at < r.end) {
		if (!read_value(&r, &v)) {
			json_decref(array);
			return NULL;
		}
		if (v.number == 1 && v.wire == 2)
			json_array_append_new(array, string_of(&v.bytes));
	}
	return array;
}

/* One entry {key = 1, value = 2} of a map. */
static bool add_entry(json_t *map, enum proto_type type, struct reader r)
{
	_cleanup_json_ json_t *key = json_string(""), *value = NULL;
	struct value v;

	while (r.at < r.end) {
		if (!read_value(&r, &v))
			return false;
		if (v.wire != 2)
			continue;
		if (v.number == 1) {
			json_decref(key);
			key = string_of(&v.bytes);
		} else if (v.number == 2) {
			json_decref(value);
			value = type == PROTO_BYTES_MAP   ? base64_of(&v.bytes)
			        : type == PROTO_LISTS_MAP ? strings_of(v.bytes)
			                                  : string_of(&v.bytes);
			if (!value)
				return false;
		}
	}
	if (!value)
		value = type == PROTO_LISTS_MAP ? json_array() : json_string("");
	json_object_set(map, json_string_value(key), value);
	return true;
}

static json_t *decode_message(struct reader r, const struct proto_message *m, int depth);

/* The field's value; NULL when it is malformed. */
static json_t *decode_field(const struct proto_field *f, const struct value *v, int depth)
{
	switch (f->type) {
	case PROTO_INT:
		return v->wire == 0 ? json_integer((json_int_t)v->n) : NULL;
	case PROTO_BOOL:
		return v->wire == 0 ? json_boolean(v->n != 0) : NULL;
	default:
		break;
	}
	if (v->wire != 2)
		return NULL;
	switch (f->type) {
	case PROTO_STRING:
		return string_of(&v->bytes);
	case PROTO_BYTES:
		return base64_of(&v->bytes);
	case PROTO_MESSAGE:
		return decode_message(v->bytes, f->message, depth + 1);
	case PROTO_RAW_JSON:
		return raw_json_of(v->bytes);
	default:
		return time_of(v->bytes, f->type == PROTO_MICRO_TIME);
	}
}

static bool is_map(const struct proto_field *f)
{
	return f->type == PROTO_STRING_MAP || f->type == PROTO_BYTES_MAP || f->type == PROTO_LISTS_MAP;
}

/* Go leaves out what is empty, so that is left out here too: only pointers tell "" from nothing, and we have none. */
static bool is_zero(const json_t *v)
{
	return json_is_null(v) || (json_is_string(v) && json_string_length(v) == 0) ||
	       (json_is_object(v) && json_object_size(v) == 0);
}

static bool add_field(json_t *obj, const struct proto_field *f, const struct value *v, int depth)
{
	if (is_map(f))
		return v->wire == 2 && add_entry(json_ensure_object(obj, f->name), f->type, v->bytes);
	json_t *value = decode_field(f, v, depth);
	if (!value)
		return false;
	if (f->repeated)
		json_array_append_new(json_ensure_array(obj, f->name), value);
	else if (is_zero(value))
		json_decref(value);
	else
		json_put(obj, f->name, value);
	return true;
}

static json_t *decode_message(struct reader r, const struct proto_message *m, int depth)
{
	_cleanup_json_ json_t *obj = json_object();
	struct value v;

	if (depth > DEPTH_MAX)
		return NULL;
	while (r.at < r.end) {
		if (!read_value(&r, &v))
			return NULL;
		const struct proto_field *f = m->fields;
		while (f->name && f->number != v.number)
			f++;
		if (f->name && !add_field(obj, f, &v, depth))
			return NULL;
	}
	return json_incref(obj);
}

/* runtime.Unknown { typeMeta = 1 { apiVersion = 1, kind = 2 }, raw = 2 } */
static const struct proto_field TYPE_META[] = { { 1, "apiVersion", PROTO_STRING, false, NULL },
	                                            { 2, "kind", PROTO_STRING, false, NULL },
	                                            { 0 } };

static bool read_unknown(struct reader r, json_t **ret_type, struct reader *ret_raw)
{
	const struct proto_message type_meta = { TYPE_META };
	_cleanup_json_ json_t *type = NULL;
	struct value v;

	*ret_raw = (struct reader){ r.end, r.end };
	while (r.at < r.end) {
		if (!read_value(&r, &v))
			return false;
		if (v.number == 1 && v.wire == 2 && !type)
			type = decode_message(v.bytes, &type_meta, 0);
		else if (v.number == 2 && v.wire == 2)
			*ret_raw = v.bytes;
	}
	*ret_type = TAKE_PTR(type);
	return *ret_type != NULL;
}

json_t *proto_decode(const char *data, size_t len, struct err *err)
{
	static const char magic[4] = { 'k', '8', 's', '\0' };
	struct reader r = { (const unsigned char *)data + 4, (const unsigned char *)data + len }, raw;
	_cleanup_json_ json_t *type = NULL;

	if (len < 4 || memcmp(data, magic, 4) != 0 || !read_unknown(r, &type, &raw)) {
		err_set(err, ERR_BAD_REQUEST, "the body is not in Kubernetes' protobuf form");
		return NULL;
	}
	const char *api_version = json_get_str(type, "apiVersion"), *kind = json_get_str(type, "kind");
	const struct proto_message *m = proto_message_of(api_version ? api_version : "", kind ? kind : "");
	if (!m) {
		err_set(err, ERR_UNSUPPORTED_MEDIA,
		        "the body of the request was in an unknown format - accepted media types include: application/json, "
		        "application/yaml");
		return NULL;
	}
	_cleanup_json_ json_t *obj = decode_message(raw, m, 0);
	if (!obj) {
		err_set(err, ERR_BAD_REQUEST, "the body is not a valid protobuf form of %s", kind);
		return NULL;
	}
	json_object_update(type, obj);
	return json_incref(type);
}
