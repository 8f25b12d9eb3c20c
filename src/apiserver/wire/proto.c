#include "proto.h"

#include "base/clock.h"
#include "base/str.h"
#include "codec/base64.h"
#include "kinds/kinds.h"

#include <stdio.h>
#include <string.h>

#define DEPTH_MAX 64

/* What is left to read of a message. */
struct reader {
	const unsigned char *at, *end;
};

struct value {
	unsigned number, wire;
	uint64_t n;          /* wire types 0 and 1 */
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

static bool read_fixed64(struct reader *r, uint64_t *ret)
{
	const unsigned char *at = r->at;

	if (!skip(r, 8))
		return false;
	*ret = 0;
	for (int i = 7; i >= 0; i--)
		*ret = *ret << 8 | at[i];
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
		return read_fixed64(r, &ret->n);
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

/* Quantity { string = 1 }: its text. */
static json_t *text_of(struct reader r)
{
	json_t *text = json_string("");
	struct value v;

	while (r.at < r.end) {
		if (!read_value(&r, &v)) {
			json_decref(text);
			return NULL;
		}
		if (v.number != 1 || v.wire != 2)
			continue;
		json_decref(text);
		text = string_of(&v.bytes);
	}
	return text;
}

/* IntOrString { type = 1: 0 a number, 1 a text; intVal = 2; strVal = 3 } */
static json_t *int_or_string_of(struct reader r)
{
	_cleanup_json_ json_t *text = json_string("");
	uint64_t type = 0, number = 0;
	struct value v;

	while (r.at < r.end) {
		if (!read_value(&r, &v))
			return NULL;
		if (v.number == 1 && v.wire == 0)
			type = v.n;
		else if (v.number == 2 && v.wire == 0)
			number = v.n;
		else if (v.number == 3 && v.wire == 2) {
			json_decref(text);
			text = string_of(&v.bytes);
		}
	}
	return type == 1 ? json_incref(text) : json_integer((int32_t)number);
}

/* Duration { duration = 1: nanoseconds }, written in seconds. */
static json_t *duration_of(struct reader r)
{
	int64_t ns = 0;
	struct value v;

	while (r.at < r.end) {
		if (!read_value(&r, &v))
			return NULL;
		if (v.number == 1 && v.wire == 0)
			ns = (int64_t)v.n;
	}
	return json_strf("%.9gs", (double)ns / 1e9);
}

static json_t *double_of(uint64_t bits)
{
	double d;

	memcpy(&d, &bits, sizeof(d));
	return json_real(d); /* NULL when it is no number */
}

static json_t *decode_message(struct reader r, const struct kinds_message *m, int depth);

/* One value of the field; NULL when it is malformed. */
static json_t *decode_value(const struct kinds_field *f, const struct value *v, int depth)
{
	unsigned wire = f->type == KINDS_DOUBLE ? 1 : f->type >= KINDS_BOOL && f->type <= KINDS_INT64 ? 0 : 2;

	if (v->wire != wire)
		return NULL;
	switch ((enum kinds_type)f->type) {
	case KINDS_BOOL:
		return json_boolean(v->n != 0);
	case KINDS_INT32:
		return json_integer((int32_t)v->n);
	case KINDS_INT64:
		return json_integer((json_int_t)v->n);
	case KINDS_DOUBLE:
		return double_of(v->n);
	case KINDS_STRING:
		return string_of(&v->bytes);
	case KINDS_BYTES:
		return base64_of(&v->bytes);
	case KINDS_TIME:
	case KINDS_MICRO_TIME:
		return time_of(v->bytes, f->type == KINDS_MICRO_TIME);
	case KINDS_DURATION:
		return duration_of(v->bytes);
	case KINDS_QUANTITY:
		return text_of(v->bytes);
	case KINDS_INT_OR_STRING:
		return int_or_string_of(v->bytes);
	case KINDS_RAW:
	case KINDS_JSON:
	case KINDS_FIELDS_V1:
		return raw_json_of(v->bytes);
	case KINDS_MESSAGE:
		return decode_message(v->bytes, kinds_message_of(f), depth + 1);
	}
	return NULL;
}

/* What an entry of a map holds when it says nothing. */
static json_t *empty_value(const struct kinds_field *f)
{
	if (f->shape == KINDS_MAP_OF_LISTS)
		return json_array();
	if (f->type == KINDS_MESSAGE)
		return json_object();
	return f->type == KINDS_QUANTITY ? json_string("0") : json_string("");
}

/* One entry {key = 1, value = 2} of a map. */
static bool add_entry(json_t *map, const struct kinds_field *f, struct reader r, int depth)
{
	_cleanup_json_ json_t *key = json_string(""), *value = NULL;
	struct value v;

	while (r.at < r.end) {
		if (!read_value(&r, &v))
			return false;
		if (v.number == 1 && v.wire == 2) {
			json_decref(key);
			key = string_of(&v.bytes);
		} else if (v.number == 2) {
			json_decref(value);
			value = f->shape == KINDS_MAP_OF_LISTS && v.wire == 2 ? strings_of(v.bytes) : decode_value(f, &v, depth);
			if (!value)
				return false;
		}
	}
	if (!value)
		value = empty_value(f);
	json_object_set(map, json_string_value(key), value);
	return true;
}

static bool decode_into(json_t *obj, struct reader r, const struct kinds_message *m, int depth);

static bool add_field(json_t *obj, const struct kinds_field *f, const struct value *v, int depth)
{
	const char *name = kinds_text(f->name);

	if (f->flags & KINDS_INLINE)
		return v->wire == 2 && decode_into(obj, v->bytes, kinds_message_of(f), depth + 1);
	if (f->shape == KINDS_MAP || f->shape == KINDS_MAP_OF_LISTS)
		return v->wire == 2 && add_entry(json_ensure_object(obj, name), f, v->bytes, depth);
	json_t *value = decode_value(f, v, depth);
	if (!value)
		return false;
	if (f->shape == KINDS_LIST)
		json_array_append_new(json_ensure_array(obj, name), value);
	else
		json_put(obj, name, value);
	return true;
}

static bool decode_into(json_t *obj, struct reader r, const struct kinds_message *m, int depth)
{
	struct value v;

	if (depth > DEPTH_MAX)
		return false;
	while (r.at < r.end) {
		if (!read_value(&r, &v))
			return false;
		const struct kinds_field *f = kinds_fields(m), *end = f + m->len;
		while (f < end && f->number != v.number)
			f++;
		if (f < end && !add_field(obj, f, &v, depth))
			return false;
	}
	return true;
}

static json_t *decode_message(struct reader r, const struct kinds_message *m, int depth)
{
	json_t *obj = json_object();

	if (decode_into(obj, r, m, depth))
		return obj;
	json_decref(obj);
	return NULL;
}

/* TypeMeta { apiVersion = 1, kind = 2 } */
static json_t *type_meta_of(struct reader r)
{
	json_t *type = json_object();
	struct value v;

	while (r.at < r.end) {
		if (!read_value(&r, &v)) {
			json_decref(type);
			return NULL;
		}
		if (v.wire == 2 && (v.number == 1 || v.number == 2))
			json_put(type, v.number == 1 ? "apiVersion" : "kind", string_of(&v.bytes));
	}
	return type;
}

/* runtime.Unknown { typeMeta = 1, raw = 2 } */
static bool read_unknown(struct reader r, json_t **ret_type, struct reader *ret_raw)
{
	_cleanup_json_ json_t *type = NULL;
	struct value v;

	*ret_raw = (struct reader){ r.end, r.end };
	while (r.at < r.end) {
		if (!read_value(&r, &v))
			return false;
		if (v.number == 1 && v.wire == 2 && !type)
			type = type_meta_of(v.bytes);
		else if (v.number == 2 && v.wire == 2)
			*ret_raw = v.bytes;
	}
	*ret_type = TAKE_PTR(type);
	return *ret_type != NULL;
}

/* The message of a kind, or NULL. DeleteOptions are sent in the version of what is deleted. */
static const struct kinds_message *message_of(const char *api_version, const char *kind)
{
	const char *slash = strrchr(api_version, '/');
	_cleanup_free_ char *group = xstrndup(api_version, slash ? (size_t)(slash - api_version) : 0);
	const struct kinds_kind *k;

	if (strcmp(kind, "DeleteOptions") == 0)
		k = kinds_find("meta.k8s.io", NULL, kind);
	else
		k = kinds_find(group, slash ? slash + 1 : api_version, kind);
	return k ? &KINDS_MESSAGES[k->message] : NULL;
}

/* Go's protobuf writes whatever is no pointer, also when it is empty; JSON leaves most of that out. */
static int drop_zeros(const struct kinds_message *m, json_t *obj, struct err *err)
{
	const struct kinds_field *meta = kinds_find_field(m, "metadata");
	json_t *members = json_object_get(obj, "metadata");

	if (meta && meta->type == KINDS_MESSAGE && members && kinds_normalize(kinds_message_of(meta), members, err) < 0)
		return -1;
	if (json_is_null(json_object_get(members, "creationTimestamp")))
		json_object_del(members, "creationTimestamp");
	return kinds_normalize(m, obj, err);
}

json_t *proto_decode(const char *data, size_t len, struct err *err)
{
	static const char magic[4] = { 'k', '8', 's', '\0' };
	struct reader r = { (const unsigned char *)data + 4, (const unsigned char *)data + len }, raw;
	_cleanup_json_ json_t *type = NULL;

	if (len < 4 || memcmp(data, magic, 4) != 0) {
		err_set(err, ERR_BAD_REQUEST,
		        "provided data does not appear to be a protobuf message, expected prefix [107 56 115 0]");
		return NULL;
	}
	if (!read_unknown(r, &type, &raw)) {
		err_set(err, ERR_BAD_REQUEST, "unexpected EOF");
		return NULL;
	}
	const char *api_version = json_get_str(type, "apiVersion"), *kind = json_get_str(type, "kind");
	const struct kinds_message *m = message_of(api_version ? api_version : "", kind ? kind : "");
	if (!m) {
		err_set(err, ERR_UNSUPPORTED_MEDIA,
		        "the body of the request was in an unknown format - accepted media types include: application/json, "
		        "application/yaml");
		return NULL;
	}
	_cleanup_json_ json_t *obj = decode_message(raw, m, 0);
	if (!obj || drop_zeros(m, obj, NULL) < 0) {
		err_set(err, ERR_BAD_REQUEST, "the body is not a valid protobuf form of %s", kind);
		return NULL;
	}
	json_object_update(type, obj);
	return json_incref(type);
}
