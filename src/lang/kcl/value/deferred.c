/* Values from the bytes of google.protobuf.Structs. */

#include "value/value.h"

#include "codec/protobuf.h"

#define ENTRIES_ON_STACK 64

struct deferred {
	struct kcl_dict dict; /* must be first */
	struct kcl_heap *heap;
	const uint8_t *data;
	size_t len;
};

struct kcl_value kcl_from_struct(struct kcl_heap *h, const void *data, size_t len)
{
	struct deferred *d = kcl_alloc_raw(h, sizeof(*d));

	*d = (struct deferred){ .dict.is_deferred = true, .heap = h, .data = data, .len = len };
	return (struct kcl_value){ .kind = KCL_DICT, .dict = &d->dict };
}

static struct kcl_value from_list(struct kcl_heap *h, const uint8_t *data, size_t len);

static struct kcl_value from_value(struct kcl_heap *h, const uint8_t *data, size_t len)
{
	struct pb_value v;
	int64_t integer;

	if (pb_value_read(data, len, &v) < 0)
		return kcl_none();
	switch (v.kind) {
	case PB_NUMBER:
		return pb_number_integer(v.number, &integer) ? kcl_int(integer) : kcl_float(v.number);
	case PB_TEXT:
		return kcl_str(h, (const char *)v.data, v.len);
	case PB_BOOL:
		return kcl_bool(v.is_true);
	case PB_OBJECT:
		return kcl_from_struct(h, v.data, v.len);
	case PB_LIST:
		return from_list(h, v.data, v.len);
	case PB_NULL:
		break;
	}
	return kcl_none();
}

static uint32_t count_of(struct kcl_heap *h, size_t n)
{
	if (n > UINT32_MAX / 4)
		kcl_raise(h, "out of memory: a value has too many parts");
	kcl_steps(h, n);
	return (uint32_t)n;
}

static struct kcl_value from_list(struct kcl_heap *h, const uint8_t *data, size_t len)
{
	uint32_t n = count_of(h, pb_struct_count(data, len));
	struct kcl_value result = kcl_list(h, n);
	struct pb_reader r = { data, data + len };
	struct pb_token t;

	kcl_stack_check(h);
	while (pb_next(&r, &t) > 0)
		if (t.field == 1 && t.wire == 2)
			kcl_list_push(h, result.list, from_value(h, t.data, t.len));
	return result;
}

void kcl_make_pairs(struct kcl_dict *dict)
{
	const struct deferred *d = (const struct deferred *)dict;
	struct kcl_heap *h = d->heap;
	struct pb_entry on_stack[ENTRIES_ON_STACK], *entries = on_stack;
	uint32_t n = count_of(h, pb_struct_entries(d->data, d->len, on_stack, ENTRIES_ON_STACK));
	struct kcl_dict made = *kcl_dict(h, n).dict;

	if (n > ENTRIES_ON_STACK) {
		entries = kcl_grow(h, NULL, 0, n, sizeof(*entries));
		pb_struct_entries(d->data, d->len, entries, n);
	}
	for (uint32_t i = 0; i < n; i++) {
		const struct pb_entry *entry = &entries[i];

		if (i + 1 == n || !pb_entry_same_key(entry, entry + 1))
			kcl_dict_append(h, &made, kcl_str(h, entry->key, entry->key_len).str,
			                from_value(h, entry->value, entry->value_len));
	}
	*dict = made;
}

void kcl_settle(struct kcl_heap *h, struct kcl_value v)
{
	const struct kcl_dict *d = kcl_as_dict(v);

	kcl_stack_check(h);
	kcl_steps(h, 1);
	for (uint32_t i = 0; d && i < d->len; i++)
		kcl_settle(h, d->pairs[i].value);
	for (uint32_t i = 0; v.kind == KCL_LIST && i < v.list->len; i++)
		kcl_settle(h, v.list->items[i]);
}
