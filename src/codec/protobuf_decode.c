#include "protobuf_wire.h"

#include "codec/base64.h"

#define ENTRIES_ON_STACK 32

struct decoder {
	struct pb_check check;
	bool keep; /* Structs of PB_STRUCT_KEPT */
};

static json_t *read_message(struct decoder *d, const struct pb_field *message, const uint8_t *data, size_t len);

static json_t *read_string(struct decoder *d, const struct pb_token *t)
{
	return pb_check_text(&d->check, t->data, t->len) < 0 ? NULL : json_stringn_nocheck((const char *)t->data, t->len);
}

static json_t *read_bytes(const struct pb_token *t)
{
	_cleanup_free_ char *text = base64_encode(t->data, t->len);

	return json_string(text);
}

static json_t *read_struct(struct decoder *d, const struct pb_token *t, bool keep)
{
	if (pb_check_struct(&d->check, t->data, t->len) < 0)
		return NULL;
	return keep ? json_stringn_nocheck((const char *)t->data, t->len) : pb_struct_to_json(t->data, t->len);
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
		return read_struct(d, t, false);
	case PB_STRUCT_KEPT:
		return read_struct(d, t, d->keep);
	case PB_MESSAGE:
		break;
	}
	return read_message(d, field->message, t->data, t->len);
}

/* ---- maps ---- */

/* The entries of a message's field, sorted, in *ret (the caller's ENTRIES_ON_STACK on entry; free() it when it is
 * another). */
static int read_entries(struct decoder *d, uint32_t field, const uint8_t *data, size_t len, struct pb_entry **ret,
                        size_t *ret_len)
{
	struct pb_entry *on_stack = *ret;
	size_t n = 0, cap = ENTRIES_ON_STACK;
	struct pb_reader r = { data, data + len };
	struct pb_token t;
	int more;

	while ((more = pb_token(&r, &t)) > 0) {
		if (t.field != field || t.wire != 2)
			continue;
		if (n == cap) {
			struct pb_entry *larger = xreallocarray(*ret == on_stack ? NULL : *ret, cap * 2, sizeof(*larger));

			if (*ret == on_stack)
				memcpy(larger, on_stack, n * sizeof(*larger));
			*ret = larger;
			cap *= 2;
		}
		if (pb_check_entry(&d->check, &t, &(*ret)[n++]) < 0)
			return -1;
	}
	if (more < 0)
		return pb_fail(&d->check, r.p, "a field is malformed");
	pb_sort_entries(*ret, n);
	*ret_len = n;
	return 0;
}

static int read_map(struct decoder *d, const struct pb_field *field, const uint8_t *data, size_t len, json_t *object)
{
	struct pb_entry on_stack[ENTRIES_ON_STACK], *entries = on_stack;
	json_t *map = json_ensure_object(object, field->name);
	size_t n = 0;
	int r = read_entries(d, field->number, data, len, &entries, &n);

	for (size_t i = 0; i < n && r == 0; i++) {
		struct pb_token t = { .wire = 2, .data = entries[i].value, .len = entries[i].value_len };
		json_t *value = read_field(d, field, &t);

		if (value)
			json_object_setn_new_nocheck(map, entries[i].key, entries[i].key_len, value);
		else
			r = -1;
	}
	if (entries != on_stack)
		free(entries);
	return r;
}

/* ---- messages ---- */

/* Packed enums are a run of varints. */
static int read_packed(struct decoder *d, const struct pb_token *t, json_t *array)
{
	struct pb_reader r = { t->data, t->data + t->len };
	uint64_t number;

	while (r.p < r.end) {
		if (pb_read_varint(&r, &number) < 0)
			return pb_fail(&d->check, r.p, "a packed list is malformed");
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
		return pb_fail(&d->check, d->check.start, "a field is of another type than the protocol says");

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

	while ((more = pb_token(&r, &t)) > 0) {
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
	return more < 0 ? pb_fail(&d->check, r.p, "a field is malformed") : 0;
}

static json_t *read_message(struct decoder *d, const struct pb_field *message, const uint8_t *data, size_t len)
{
	json_t *object;

	if (++d->check.depth > PB_DEPTH_MAX) {
		pb_fail(&d->check, data, "messages are nested too deeply");
		return NULL;
	}
	object = json_object();
	if (read_tokens(d, message, data, len, object) < 0) {
		json_decref(object);
		object = NULL;
	}
	d->check.depth--;
	return object;
}

json_t *pb_decode(const struct pb_field *message, const void *data, size_t len, struct err *err)
{
	struct decoder d = { .check = { .start = data, .err = err } };

	return read_message(&d, message, data, len);
}

json_t *pb_decode_kept(const struct pb_field *message, const void *data, size_t len, struct err *err)
{
	struct decoder d = { .check = { .start = data, .err = err }, .keep = true };

	return read_message(&d, message, data, len);
}
