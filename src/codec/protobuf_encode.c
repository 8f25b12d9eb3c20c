#include "protobuf_wire.h"

#include "base/str.h"
#include "codec/base64.h"

#define ENTRIES_ON_STACK 48

/* A message's length comes before it, and is known only after it: so everything is written from the back to the front
 * of `room`, and each length when its message is there. */
struct encoder {
	char *room;
	size_t cap, at; /* room[at .. cap) is written */
	size_t max;
	struct err *err;
	unsigned depth;
	bool kept; /* the value of a PB_STRUCT_KEPT may be bytes */
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

static inline int put(struct encoder *e, const void *data, size_t len)
{
	if (e->at < len && grow(e, len) < 0)
		return -1;
	e->at -= len;
	if (len > 0)
		memcpy(e->room + e->at, data, len);
	return 0;
}

static inline int put_varint(struct encoder *e, uint64_t value)
{
	uint8_t bytes[10];
	size_t n = 0;

	if (value < 0x80 && e->at > 0) {
		e->room[--e->at] = (char)value;
		return 0;
	}

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
	return put(e, bytes, sizeof(bytes)) < 0 ? -1 : put_tag(e, PB_NUMBER, 1);
}

static int put_bool(struct encoder *e, bool b)
{
	return put_varint(e, b) < 0 ? -1 : put_tag(e, PB_BOOL, 0);
}

static int put_null(struct encoder *e)
{
	return put_varint(e, 0) < 0 ? -1 : put_tag(e, PB_NULL, 0);
}

static int too_deep(struct encoder *e)
{
	return err_set(e->err, ERR_INVALID, "protobuf: values are nested too deeply");
}

static int put_inner(struct encoder *e, const json_t *value)
{
	size_t before = written(e);

	if (++e->depth > JSON_DEPTH_MAX)
		return too_deep(e);
	int r = json_is_object(value) ? put_struct(e, value) : put_list(e, value);
	e->depth--;
	return r < 0 ? -1 : close_message(e, json_is_object(value) ? PB_OBJECT : PB_LIST, before);
}

static int put_value(struct encoder *e, const json_t *value)
{
	switch (json_typeof(value)) {
	case JSON_STRING:
		return put_bytes(e, PB_TEXT, json_string_value(value), json_string_length(value));
	case JSON_INTEGER:
	case JSON_REAL:
		return put_double(e, json_number_value(value));
	case JSON_TRUE:
	case JSON_FALSE:
		return put_bool(e, json_is_true(value));
	case JSON_NULL:
		return put_null(e);
	default:
		return put_inner(e, value);
	}
}

/* ---- google.protobuf.Struct as bytes ----
 * As if it were decoded and encoded: entries by their keys, fields in their order, nothing unknown. */

static int put_kept_value(struct encoder *e, const uint8_t *data, size_t len);

/* Where the entry begins, with tag and length, if it is written in that way too; NULL. */
static const uint8_t *find_plain_entry(const struct pb_entry *entry)
{
	const uint8_t *key = (const uint8_t *)entry->key, *value = entry->value;
	size_t len = entry->key_len + entry->value_len + 4;

	/* A key that is not empty has four bytes before it: two lengths, two tags. */
	if (entry->key_len == 0 || len >= PB_SHORT || value != key + entry->key_len + 2 ||
	    !pb_is_plain_scalar(value, entry->value_len))
		return NULL;
	if (key[-4] != PB_TAG(1, 2) || key[-3] != len || key[-2] != PB_TAG(1, 2) || key[-1] != entry->key_len ||
	    value[-2] != PB_TAG(2, 2) || value[-1] != entry->value_len)
		return NULL;
	return key - 4;
}

static int put_kept_entry(struct encoder *e, const struct pb_entry *entry)
{
	const uint8_t *plain = find_plain_entry(entry);
	size_t before = written(e);

	if (plain)
		return put(e, plain, entry->key_len + entry->value_len + 6);
	if (put_kept_value(e, entry->value, entry->value_len) < 0 || close_message(e, 2, before) < 0 ||
	    put_bytes(e, 1, entry->key, entry->key_len) < 0)
		return -1;
	return close_message(e, 1, before);
}

static int put_kept_struct(struct encoder *e, const void *data, size_t len)
{
	struct pb_entry on_stack[ENTRIES_ON_STACK], *entries = on_stack;
	size_t n = pb_struct_entries(data, len, on_stack, ENTRIES_ON_STACK);
	int r = 0;

	if (n > ENTRIES_ON_STACK) {
		entries = xcalloc(n, sizeof(*entries));
		pb_struct_entries(data, len, entries, n);
	}
	for (size_t i = 0; i < n && r == 0; i++)
		if (i + 1 == n || !pb_entry_same_key(&entries[i], &entries[i + 1]))
			r = put_kept_entry(e, &entries[i]);
	if (entries != on_stack)
		free(entries);
	return r;
}

/* The next of a list lies before what is written already. */
static int put_kept_list(struct encoder *e, const uint8_t *data, size_t len)
{
	size_t n = pb_struct_count(data, len), i = n;
	struct pb_token on_stack[ENTRIES_ON_STACK], t;
	struct pb_token *items = n <= ENTRIES_ON_STACK ? on_stack : xcalloc(n, sizeof(*items));
	struct pb_reader reader = { data, data + len };
	int r = 0;

	while (i > 0 && pb_next(&reader, &t) > 0)
		if (t.field == 1 && t.wire == 2)
			items[--i] = t;
	for (i = 0; i < n && r == 0; i++) {
		size_t item = written(e);

		r = put_kept_value(e, items[i].data, items[i].len);
		if (r == 0)
			r = close_message(e, 1, item);
	}
	if (items != on_stack)
		free(items);
	return r;
}

static int put_kept_inner(struct encoder *e, const struct pb_value *v)
{
	size_t before = written(e);
	int r;

	if (++e->depth > JSON_DEPTH_MAX)
		return too_deep(e);
	r = v->kind == PB_OBJECT ? put_kept_struct(e, v->data, v->len) : put_kept_list(e, v->data, v->len);
	e->depth--;
	return r < 0 ? -1 : close_message(e, v->kind, before);
}

static int put_kept_value(struct encoder *e, const uint8_t *data, size_t len)
{
	struct pb_value v;
	int64_t integer;

	if (pb_is_plain_scalar(data, len))
		return put(e, data, len);
	if (pb_value_read(data, len, &v) < 0)
		return err_set(e->err, ERR_INVALID, "protobuf: a Struct is malformed");
	switch (v.kind) {
	case PB_NUMBER:
		return put_double(e, pb_number_integer(v.number, &integer) ? (double)integer : v.number);
	case PB_TEXT:
		return put_bytes(e, PB_TEXT, v.data, v.len);
	case PB_BOOL:
		return put_bool(e, v.is_true);
	case PB_NULL:
		return put_null(e);
	case PB_OBJECT:
	case PB_LIST:
		break;
	}
	return put_kept_inner(e, &v);
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
	int r;

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
	case PB_STRUCT_KEPT:
	case PB_MESSAGE:
		break;
	}
	if (e->kept && field->kind == PB_STRUCT_KEPT && json_is_string(value))
		r = put_kept_struct(e, json_string_value(value), json_string_length(value));
	else if (!json_is_object(value))
		return wrong_type(e, field);
	else
		r = field->kind == PB_MESSAGE ? put_message(e, field->message, value) : put_struct(e, value);
	return r < 0 ? -1 : close_message(e, number, before);
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

static int encode(const struct pb_field *message, const json_t *value, bool kept, struct buf *out, struct err *err)
{
	struct encoder e = { .max = out->max - out->len, .err = err, .kept = kept };
	int r = put_message(&e, message, value);

	if (r == 0 && buf_append(out, e.room + e.at, written(&e)) < 0)
		r = err_set(err, ERR_TOO_LARGE, "protobuf: the message is larger than %zu bytes", out->max);
	free(e.room);
	return r;
}

int pb_encode(const struct pb_field *message, const json_t *value, struct buf *out, struct err *err)
{
	return encode(message, value, false, out, err);
}

int pb_encode_kept(const struct pb_field *message, const json_t *value, struct buf *out, struct err *err)
{
	return encode(message, value, true, out, err);
}
