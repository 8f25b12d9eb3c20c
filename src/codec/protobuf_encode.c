#include "codec/protobuf.h"

#include "base/str.h"
#include "codec/base64.h"

/* A message's length comes before it, and is known only after it: so everything is written from the back to the front
 * of `room`, and each length when its message is there. */
struct encoder {
	char *room;
	size_t cap, at; /* room[at .. cap) is written */
	size_t max;
	struct err *err;
	unsigned depth;
};

static int grow(struct encoder *e, size_t wanted)
{
	size_t used = e->cap - e->at, needed, cap = e->cap;

	if (!size_add(used, wanted, &needed) || needed > e->max)
		return err_set(e->err, ERR_TOO_LARGE, "protobuf: the message is larger than %zu bytes", e->max);
	while (cap < needed)
		cap = cap < 4096 ? 4096 : cap * 2;

	char *room = xmalloc(cap);

	if (used > 0)
		memcpy(room + cap - used, e->room + e->at, used);
	free(e->room);
	e->room = room;
	e->at = cap - used;
	e->cap = cap;
	return 0;
}

static int put(struct encoder *e, const void *data, size_t len)
{
	if (e->at < len && grow(e, len) < 0)
		return -1;
	e->at -= len;
	if (len > 0)
		memcpy(e->room + e->at, data, len);
	return 0;
}

static int put_varint(struct encoder *e, uint64_t value)
{
	uint8_t bytes[10];
	size_t n = 0;

	do {
		bytes[n] = (uint8_t)((value & 0x7f) | (value > 0x7f ? 0x80 : 0));
		value >>= 7;
		n++;
	} while (value > 0);
	return put(e, bytes, n);
}

static int put_tag(struct encoder *e, uint32_t field, unsigned wire)
{
	return put_varint(e, (uint64_t)field << 3 | wire);
}

static int put_bytes(struct encoder *e, uint32_t field, const void *data, size_t len)
{
	return put(e, data, len) < 0 || put_varint(e, len) < 0 ? -1 : put_tag(e, field, 2);
}

/* What was written since `before` becomes that field's message. */
static int close_message(struct encoder *e, uint32_t field, size_t before)
{
	return put_varint(e, e->cap - e->at - before) < 0 ? -1 : put_tag(e, field, 2);
}

static size_t written(const struct encoder *e)
{
	return e->cap - e->at;
}

/* ---- google.protobuf.Struct ---- */

static int put_value(struct encoder *e, const json_t *value);

static int put_struct(struct encoder *e, const json_t *object)
{
	const char *key;
	json_t *value;

	json_object_foreach (json_unconst(object), key, value) {
		size_t entry = written(e);

		if (put_value(e, value) < 0 || close_message(e, 2, entry) < 0 || put_bytes(e, 1, key, strlen(key)) < 0 ||
		    close_message(e, 1, entry) < 0)
			return -1;
	}
	return 0;
}

static int put_list(struct encoder *e, const json_t *array)
{
	for (size_t i = json_array_size(array); i-- > 0;) {
		size_t item = written(e);

		if (put_value(e, json_array_get(array, i)) < 0 || close_message(e, 1, item) < 0)
			return -1;
	}
	return 0;
}

static int put_double(struct encoder *e, double number)
{
	uint8_t bytes[8];
	uint64_t bits;

	memcpy(&bits, &number, sizeof(bits));
	for (size_t i = 0; i < 8; i++)
		bytes[i] = (uint8_t)(bits >> (8 * i));
	return put(e, bytes, sizeof(bytes)) < 0 ? -1 : put_tag(e, 2, 1);
}

static int put_inner(struct encoder *e, const json_t *value)
{
	size_t before = written(e);

	if (++e->depth > JSON_DEPTH_MAX)
		return err_set(e->err, ERR_INVALID, "protobuf: values are nested too deeply");
	int r = json_is_object(value) ? put_struct(e, value) : put_list(e, value);
	e->depth--;
	return r < 0 ? -1 : close_message(e, json_is_object(value) ? 5 : 6, before);
}

static int put_value(struct encoder *e, const json_t *value)
{
	switch (json_typeof(value)) {
	case JSON_STRING:
		return put_bytes(e, 3, json_string_value(value), json_string_length(value));
	case JSON_INTEGER:
	case JSON_REAL:
		return put_double(e, json_number_value(value));
	case JSON_TRUE:
	case JSON_FALSE:
		return put_varint(e, json_is_true(value)) < 0 ? -1 : put_tag(e, 4, 0);
	case JSON_NULL:
		return put_varint(e, 0) < 0 ? -1 : put_tag(e, 1, 0);
	default:
		return put_inner(e, value);
	}
}

/* ---- messages ---- */

static int put_message(struct encoder *e, const struct pb_field *message, const json_t *value);

static int wrong_type(struct encoder *e, const struct pb_field *field)
{
	return err_set(e->err, ERR_INVALID, "protobuf: field %s is of another type than the protocol says", field->name);
}

static int put_base64(struct encoder *e, const struct pb_field *field, uint32_t number, const json_t *value)
{
	size_t len = 0;
	_cleanup_free_ char *data = base64_decode(json_string_value(value), json_string_length(value), &len);

	return data ? put_bytes(e, number, data, len) : wrong_type(e, field);
}

/* One value of the field, under that number (a map's values are number 2 of their entries). */
static int put_field(struct encoder *e, const struct pb_field *field, uint32_t number, const json_t *value)
{
	size_t before = written(e);

	switch (field->kind) {
	case PB_STRING:
		if (!json_is_string(value))
			return wrong_type(e, field);
		return put_bytes(e, number, json_string_value(value), json_string_length(value));
	case PB_BYTES:
		return json_is_string(value) ? put_base64(e, field, number, value) : wrong_type(e, field);
	case PB_ENUM:
		if (!json_is_integer(value) && !json_is_boolean(value))
			return wrong_type(e, field);
		return put_varint(e, json_is_boolean(value) ? json_is_true(value) : (uint64_t)json_integer_value(value)) < 0
		           ? -1
		           : put_tag(e, number, 0);
	case PB_STRUCT:
	case PB_MESSAGE:
		break;
	}
	if (!json_is_object(value))
		return wrong_type(e, field);
	if ((field->kind == PB_STRUCT ? put_struct(e, value) : put_message(e, field->message, value)) < 0)
		return -1;
	return close_message(e, number, before);
}

static int put_map(struct encoder *e, const struct pb_field *field, const json_t *map)
{
	const char *key;
	json_t *value;

	if (!json_is_object(map))
		return wrong_type(e, field);
	json_object_foreach (json_unconst(map), key, value) {
		size_t entry = written(e);

		if (put_field(e, field, 2, value) < 0 || put_bytes(e, 1, key, strlen(key)) < 0 ||
		    close_message(e, field->number, entry) < 0)
			return -1;
	}
	return 0;
}

static bool is_zero(const json_t *value)
{
	return (json_is_string(value) && json_string_length(value) == 0) || json_is_false(value) ||
	       (json_is_integer(value) && json_integer_value(value) == 0);
}

static int put_labelled(struct encoder *e, const struct pb_field *field, const json_t *value)
{
	if (field->label == PB_MAP)
		return put_map(e, field, value);
	if (field->label == PB_REPEATED) {
		for (size_t i = json_array_size(value); i-- > 0;)
			if (put_field(e, field, field->number, json_array_get(value, i)) < 0)
				return -1;
		return 0;
	}
	if (field->label == PB_SINGLE && is_zero(value))
		return 0;
	return put_field(e, field, field->number, value);
}

static int put_message(struct encoder *e, const struct pb_field *message, const json_t *value)
{
	size_t n = 0;

	if (++e->depth > PB_DEPTH_MAX)
		return err_set(e->err, ERR_INVALID, "protobuf: messages are nested too deeply");
	while (message[n].number != 0)
		n++;
	while (n-- > 0) {
		const json_t *member = json_object_get(value, message[n].name);

		if (member && !json_is_null(member) && put_labelled(e, &message[n], member) < 0)
			return -1;
	}
	e->depth--;
	return 0;
}

int pb_encode(const struct pb_field *message, const json_t *value, struct buf *out, struct err *err)
{
	struct encoder e = { .max = out->max - out->len, .err = err };
	int r = put_message(&e, message, value);

	if (r == 0 && buf_append(out, e.room + e.at, written(&e)) < 0)
		r = err_set(err, ERR_TOO_LARGE, "protobuf: the message is larger than %zu bytes", out->max);
	free(e.room);
	return r;
}
