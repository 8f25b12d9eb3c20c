#include "codec/protobuf.h"

#include "base/str.h"
#include "codec/base64.h"

#include <math.h>

#define LARGEST_EXACT 9007199254740992.0 /* 2^53 */
#define SORTED_ON_STACK 32

/* ---- the wire ---- */

static int read_varint(struct pb_reader *r, uint64_t *ret)
{
	uint64_t value = 0;

	for (unsigned shift = 0; shift < 64 && r->p < r->end; shift += 7) {
		uint8_t byte = *r->p++;

		value |= (uint64_t)(byte & 0x7f) << shift;
		if (byte < 0x80) {
			*ret = value;
			return 0;
		}
	}
	return -1;
}

static int read_fixed(struct pb_reader *r, size_t size, uint64_t *ret)
{
	if ((size_t)(r->end - r->p) < size)
		return -1;
	*ret = 0;
	for (size_t i = 0; i < size; i++)
		*ret |= (uint64_t)r->p[i] << (8 * i);
	r->p += size;
	return 0;
}

int pb_next(struct pb_reader *r, struct pb_token *ret)
{
	uint64_t tag;

	if (r->p >= r->end)
		return 0;
	if (read_varint(r, &tag) < 0 || tag >> 3 == 0 || tag >> 3 > 0x1fffffff)
		return -1;
	*ret = (struct pb_token){ .field = (uint32_t)(tag >> 3), .wire = (unsigned)(tag & 7) };
	switch (ret->wire) {
	case 0:
		return read_varint(r, &ret->number) < 0 ? -1 : 1;
	case 1:
		return read_fixed(r, 8, &ret->number) < 0 ? -1 : 1;
	case 5:
		return read_fixed(r, 4, &ret->number) < 0 ? -1 : 1;
	case 2:
		if (read_varint(r, &ret->number) < 0 || ret->number > (uint64_t)(r->end - r->p))
			return -1;
		ret->data = r->p;
		ret->len = (size_t)ret->number;
		r->p += ret->len;
		return 1;
	default: /* groups: proto3 has none */
		return -1;
	}
}

/* ---- decoding ---- */

struct decoder {
	const uint8_t *start;
	unsigned depth;
	struct err *err;
};

static int fail(struct decoder *d, const uint8_t *at, const char *what)
{
	return err_set(d->err, ERR_BAD_REQUEST, "protobuf: byte %zu: %s", (size_t)(at - d->start), what);
}

static json_t *read_string(struct decoder *d, const struct pb_token *t)
{
	json_t *s = memchr(t->data, '\0', t->len) ? NULL : json_stringn((const char *)t->data, t->len);

	if (!s)
		fail(d, t->data, "a string is not valid UTF-8 or holds a NUL");
	return s;
}

/* ---- google.protobuf.Struct ---- */

struct entry {
	const char *key;
	size_t key_len;
	const uint8_t *value;
	size_t value_len;
	uint32_t order;
};

static int entry_compare(const void *left, const void *right)
{
	const struct entry *a = left, *b = right;
	int r = memcmp(a->key, b->key, a->key_len < b->key_len ? a->key_len : b->key_len);

	if (r != 0)
		return r;
	if (a->key_len != b->key_len)
		return a->key_len < b->key_len ? -1 : 1;
	return a->order < b->order ? -1 : a->order > b->order;
}

/* One entry of a map: key 1, value 2. */
static int read_entry(struct decoder *d, const struct pb_token *t, struct entry *ret)
{
	struct pb_reader r = { t->data, t->data + t->len };
	struct pb_token part;
	int more;

	*ret = (struct entry){ .key = "", .value = (const uint8_t *)"" };
	while ((more = pb_next(&r, &part)) > 0) {
		if (part.wire == 2 && part.field == 1) {
			ret->key = (const char *)part.data;
			ret->key_len = part.len;
		} else if (part.wire == 2 && part.field == 2) {
			ret->value = part.data;
			ret->value_len = part.len;
		}
	}
	if (more < 0)
		return fail(d, r.p, "a map's entry is malformed");
	if (memchr(ret->key, '\0', ret->key_len))
		return fail(d, t->data, "a key holds a NUL");
	return 0;
}

/* The entries of field 1 (a map), sorted, in *ret (of *cap on entry: the caller's array; free() it when it is another).
 */
static int read_entries(struct decoder *d, uint32_t field, const uint8_t *data, size_t len, struct entry **ret,
                        size_t *ret_len)
{
	struct pb_reader r = { data, data + len };
	struct entry *entries = *ret;
	size_t n = 0, cap = SORTED_ON_STACK;
	struct pb_token t;
	bool sorted = true;
	int more;

	while ((more = pb_next(&r, &t)) > 0) {
		if (t.field != field || t.wire != 2)
			continue;
		if (n == cap) {
			struct entry *larger = xreallocarray(NULL, cap * 2, sizeof(*larger));

			memcpy(larger, entries, n * sizeof(*larger));
			if (entries != *ret)
				free(entries);
			entries = larger;
			cap *= 2;
		}
		if (read_entry(d, &t, &entries[n]) < 0)
			break;
		entries[n].order = (uint32_t)n;
		sorted = sorted && (n == 0 || entry_compare(&entries[n - 1], &entries[n]) < 0);
		n++;
	}
	if (more != 0) {
		if (more < 0)
			fail(d, r.p, "a field is malformed");
		if (entries != *ret)
			free(entries);
		return -1;
	}
	if (!sorted)
		qsort(entries, n, sizeof(*entries), entry_compare);
	*ret = entries;
	*ret_len = n;
	return 0;
}

static json_t *read_value(struct decoder *d, const uint8_t *data, size_t len);

static json_t *read_struct(struct decoder *d, const uint8_t *data, size_t len)
{
	struct entry on_stack[SORTED_ON_STACK], *entries = on_stack;
	size_t n = 0;
	json_t *object;

	if (read_entries(d, 1, data, len, &entries, &n) < 0)
		return NULL;
	object = json_object();
	for (size_t i = 0; i < n; i++) {
		json_t *value = read_value(d, entries[i].value, entries[i].value_len);

		if (!value || json_object_setn_new(object, entries[i].key, entries[i].key_len, value) < 0) {
			if (value)
				fail(d, (const uint8_t *)entries[i].key, "a key is not valid UTF-8");
			json_decref(object);
			object = NULL;
			break;
		}
	}
	if (entries != on_stack)
		free(entries);
	return object;
}

static json_t *read_list(struct decoder *d, const uint8_t *data, size_t len)
{
	_cleanup_json_ json_t *array = json_array();
	struct pb_reader r = { data, data + len };
	struct pb_token t;
	int more;

	while ((more = pb_next(&r, &t)) > 0) {
		if (t.field != 1 || t.wire != 2)
			continue;
		json_t *value = read_value(d, t.data, t.len);

		if (!value)
			return NULL;
		json_array_append_new(array, value);
	}
	if (more < 0) {
		fail(d, r.p, "a list is malformed");
		return NULL;
	}
	return TAKE_PTR(array);
}

static json_t *read_number(struct decoder *d, const struct pb_token *t)
{
	double number;

	memcpy(&number, &t->number, sizeof(number));
	if (!isfinite(number)) {
		fail(d, d->start, "a number is infinite or none");
		return NULL;
	}
	if (number >= -LARGEST_EXACT * 1023 && number <= LARGEST_EXACT * 1023 && number == trunc(number))
		return json_integer((json_int_t)number);
	return json_real(number);
}

static json_t *read_kind(struct decoder *d, const struct pb_token *t)
{
	switch (t->field << 3 | t->wire) {
	case 1 << 3 | 0:
		return json_null();
	case 2 << 3 | 1:
		return read_number(d, t);
	case 3 << 3 | 2:
		return read_string(d, t);
	case 4 << 3 | 0:
		return json_boolean(t->number != 0);
	case 5 << 3 | 2:
		return read_struct(d, t->data, t->len);
	default:
		return read_list(d, t->data, t->len);
	}
}

/* google.protobuf.Value; one that says nothing is null. */
static json_t *read_value(struct decoder *d, const uint8_t *data, size_t len)
{
	struct pb_reader r = { data, data + len };
	struct pb_token t, last = { .field = 1 };
	json_t *value;
	int more;

	while ((more = pb_next(&r, &t)) > 0) {
		static const unsigned wires[] = { 9, 0, 1, 2, 0, 2, 2 };

		if (t.field < ARRAY_SIZE(wires) && t.wire == wires[t.field])
			last = t;
	}
	if (more < 0) {
		fail(d, r.p, "a value is malformed");
		return NULL;
	}
	if (++d->depth > JSON_DEPTH_MAX) {
		fail(d, data, "values are nested too deeply");
		return NULL;
	}
	value = read_kind(d, &last);
	d->depth--;
	return value;
}

/* ---- messages ---- */

static json_t *read_message(struct decoder *d, const struct pb_field *message, const uint8_t *data, size_t len);

static json_t *read_bytes(const struct pb_token *t)
{
	_cleanup_free_ char *text = base64_encode(t->data, t->len);

	return json_string(text);
}

static json_t *read_field(struct decoder *d, const struct pb_field *field, const struct pb_token *t)
{
	switch (field->kind) {
	case PB_STRING:
		return read_string(d, t);
	case PB_BYTES:
		return read_bytes(t);
	case PB_ENUM:
		return json_integer((json_int_t)t->number);
	case PB_STRUCT:
		return read_struct(d, t->data, t->len);
	case PB_MESSAGE:
		break;
	}
	return read_message(d, field->message, t->data, t->len);
}

static int read_map(struct decoder *d, const struct pb_field *field, const uint8_t *data, size_t len, json_t *object)
{
	struct entry on_stack[SORTED_ON_STACK], *entries = on_stack;
	json_t *map = json_ensure_object(object, field->name);
	size_t n = 0;
	int r = 0;

	if (read_entries(d, field->number, data, len, &entries, &n) < 0)
		return -1;
	for (size_t i = 0; i < n && r == 0; i++) {
		struct pb_token t = { .wire = 2, .data = entries[i].value, .len = entries[i].value_len };
		json_t *value = read_field(d, field, &t);

		if (!value)
			r = -1;
		else if (json_object_setn_new(map, entries[i].key, entries[i].key_len, value) < 0)
			r = fail(d, (const uint8_t *)entries[i].key, "a key is not valid UTF-8");
	}
	if (entries != on_stack)
		free(entries);
	return r;
}

/* Packed enums are a run of varints. */
static int read_packed(struct decoder *d, const struct pb_token *t, json_t *array)
{
	struct pb_reader r = { t->data, t->data + t->len };
	uint64_t number;

	while (r.p < r.end) {
		if (read_varint(&r, &number) < 0)
			return fail(d, r.p, "a packed list is malformed");
		json_array_append_new(array, json_integer((json_int_t)number));
	}
	return 0;
}

static int read_token(struct decoder *d, const struct pb_field *field, const struct pb_token *t, json_t *object)
{
	bool is_number = field->kind == PB_ENUM;

	if (field->label == PB_REPEATED && is_number && t->wire == 2)
		return read_packed(d, t, json_ensure_array(object, field->name));
	if (t->wire != (is_number ? 0u : 2u))
		return fail(d, d->start, "a field is of another type than the protocol says");

	json_t *value = read_field(d, field, t);

	if (!value)
		return -1;
	if (field->label == PB_REPEATED)
		json_array_append_new(json_ensure_array(object, field->name), value);
	else
		json_object_set_new(object, field->name, value);
	return 0;
}

static int read_tokens(struct decoder *d, const struct pb_field *message, const uint8_t *data, size_t len,
                       json_t *object)
{
	struct pb_reader r = { data, data + len };
	struct pb_token t;
	int more;

	while ((more = pb_next(&r, &t)) > 0) {
		const struct pb_field *field = message;

		while (field->number != 0 && field->number != t.field)
			field++;
		if (field->number == 0)
			continue;
		if (field->label == PB_MAP) {
			/* The first entry takes all of them, so that they are sorted. */
			if (!json_object_get(object, field->name) && read_map(d, field, data, len, object) < 0)
				return -1;
		} else if (read_token(d, field, &t, object) < 0) {
			return -1;
		}
	}
	return more < 0 ? fail(d, r.p, "a field is malformed") : 0;
}

static json_t *read_message(struct decoder *d, const struct pb_field *message, const uint8_t *data, size_t len)
{
	json_t *object;

	if (++d->depth > PB_DEPTH_MAX) {
		fail(d, data, "messages are nested too deeply");
		return NULL;
	}
	object = json_object();
	if (read_tokens(d, message, data, len, object) < 0) {
		json_decref(object);
		object = NULL;
	}
	d->depth--;
	return object;
}

json_t *pb_decode(const struct pb_field *message, const void *data, size_t len, struct err *err)
{
	struct decoder d = { .start = data, .err = err };

	return read_message(&d, message, data, len);
}
