#ifndef CODEC_PROTOBUF_H
#define CODEC_PROTOBUF_H
/* Protocol Buffers' wire format (protobuf.dev/programming-guides/encoding) to and from JSON values, by tables.
 *
 * A message is a table of fields; its value is a JSON object of the fields that are there, under the names of the
 * .proto file: strings as strings, bytes as base64 text, enums and integers as integers, repeated fields as arrays,
 * maps as objects, google.protobuf.Struct as the object it stands for (nothing in between: neither text nor a tree of
 * messages). Unknown fields are skipped, as the format asks; a field that comes twice counts the last time.
 *
 * The code that protoc-c generates is not used: that of Debian 12 refuses `optional` in proto3 files, it would be
 * needed once for each version of a package, and takes a Struct apart into three allocations a value. */

#include "codec/json.h"

enum pb_kind {
	PB_STRING,
	PB_BYTES,
	PB_ENUM, /* int32, int64, bool and enums: varints */
	PB_MESSAGE,
	PB_STRUCT, /* google.protobuf.Struct */
};

enum pb_label {
	PB_SINGLE,   /* left out of the wire when it is the zero of its kind */
	PB_OPTIONAL, /* there or not, zero or not: `optional`, members of a oneof, messages */
	PB_REPEATED,
	PB_MAP, /* with string keys; kind is that of the values */
};

struct pb_field {
	uint32_t number;
	const char *name;
	enum pb_kind kind;
	enum pb_label label;
	const struct pb_field *message; /* PB_MESSAGE: its fields, ended by number 0 */
};

#define PB_DEPTH_MAX 100 /* of messages; a Struct's own depth is JSON_DEPTH_MAX */

/* A new reference; NULL: malformed (ERR_BAD_REQUEST says at which byte). Refuses strings that are not UTF-8 or hold a
 * NUL. Keys of maps and Structs are sorted: the wire has no order. Numbers without a fraction become integers. */
json_t *pb_decode(const struct pb_field *message, const void *data, size_t len, struct err *err);
/* Appends the message; -1: a value is of the wrong type (err names the field) or the buffer is full. */
int pb_encode(const struct pb_field *message, const json_t *value, struct buf *out, struct err *err);

/* ---- the parts, for who reads what has no table ---- */

struct pb_reader {
	const uint8_t *p, *end;
};

struct pb_token {
	uint32_t field;
	unsigned wire; /* 0 varint, 1 fixed 64, 2 bytes, 5 fixed 32 */
	uint64_t number;
	const uint8_t *data; /* wire 2 */
	size_t len;
};

/* 1: a field; 0: the end; -1: malformed. */
int pb_next(struct pb_reader *r, struct pb_token *ret);

#endif
