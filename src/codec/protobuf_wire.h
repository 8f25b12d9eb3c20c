#ifndef CODEC_PROTOBUF_WIRE_H
#define CODEC_PROTOBUF_WIRE_H
/* Private to protobuf_*.c: tokens and entries of the wire, with what is wrong about them. */

#include "codec/protobuf.h"

/* Reads bytes that nobody has checked. */
struct pb_check {
	const uint8_t *start; /* of the outermost message: errors name bytes from here */
	unsigned depth;       /* of messages and values */
	struct err *err;
};

/* -1 */
int pb_fail(struct pb_check *c, const uint8_t *at, const char *what);
/* All of a Struct. */
int pb_check_struct(struct pb_check *c, const uint8_t *data, size_t len);
/* Text that a value may hold: UTF-8 without NUL. */
int pb_check_text(struct pb_check *c, const uint8_t *data, size_t len);
/* The entry of a map: key 1, value 2. */
int pb_check_entry(struct pb_check *c, const struct pb_token *t, struct pb_entry *ret);
void pb_sort_entries(struct pb_entry *entries, size_t n);

static inline int pb_read_varint(struct pb_reader *r, uint64_t *ret)
{
	uint64_t value = 0;

	if (r->p < r->end && *r->p < 0x80) {
		*ret = *r->p++;
		return 0;
	}
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

static inline int pb_read_fixed(struct pb_reader *r, size_t size, uint64_t *ret)
{
	if ((size_t)(r->end - r->p) < size)
		return -1;
	*ret = 0;
	for (size_t i = 0; i < size; i++)
		*ret |= (uint64_t)r->p[i] << (8 * i);
	r->p += size;
	return 0;
}

#define PB_SHORT 128 /* lengths below take one byte */
#define PB_TAG(field, wire) ((field) << 3 | (wire))

/* Whether these bytes of a Value are what pb_encode() writes for it, and it is no list or Struct. Most are: no need to
 * take them apart and put them together. */
static inline bool pb_is_plain_scalar(const uint8_t *data, size_t len)
{
	if (len < 2 || len >= PB_SHORT)
		return false;
	switch (data[0]) {
	case PB_TAG(PB_NULL, 0):
		return len == 2 && data[1] == 0;
	case PB_TAG(PB_BOOL, 0):
		return len == 2 && data[1] <= 1;
	case PB_TAG(PB_TEXT, 2):
		return data[1] == len - 2;
	case PB_TAG(PB_NUMBER, 1):
		return len == 9 && data[8] != 0x80; /* -0.0 is written as 0 */
	default:
		return false;
	}
}

/* pb_next(), for loops that it matters to. */
static inline int pb_token(struct pb_reader *r, struct pb_token *ret)
{
	uint64_t tag;

	if (r->p >= r->end)
		return 0;
	if (pb_read_varint(r, &tag) < 0 || tag >> 3 == 0 || tag >> 3 > 0x1fffffff)
		return -1;
	ret->field = (uint32_t)(tag >> 3);
	ret->wire = (unsigned)(tag & 7);
	ret->data = NULL;
	ret->len = 0;
	switch (ret->wire) {
	case 0:
		return pb_read_varint(r, &ret->number) < 0 ? -1 : 1;
	case 1:
		return pb_read_fixed(r, 8, &ret->number) < 0 ? -1 : 1;
	case 5:
		return pb_read_fixed(r, 4, &ret->number) < 0 ? -1 : 1;
	case 2:
		if (pb_read_varint(r, &ret->number) < 0 || ret->number > (uint64_t)(r->end - r->p))
			return -1;
		ret->data = r->p;
		ret->len = (size_t)ret->number;
		r->p += ret->len;
		return 1;
	default: /* groups: proto3 has none */
		return -1;
	}
}

#endif
