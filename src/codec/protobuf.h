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
	PB_STRUCT,      /* google.protobuf.Struct */
	PB_STRUCT_KEPT, /* the same; pb_decode_kept() leaves it as it is on the wire */
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
/* The same, and as strict, but the value of a PB_STRUCT_KEPT is a string with the Struct's checked bytes: no text, only
 * pb_struct_…() and pb_encode() understand it. For who passes most Structs on, or looks into few. */
json_t *pb_decode_kept(const struct pb_field *message, const void *data, size_t len, struct err *err);
/* Appends the message; -1: a value is of the wrong type (err names the field) or the buffer is full. */
int pb_encode(const struct pb_field *message, const json_t *value, struct buf *out, struct err *err);
/* The same for a value that may hold kept Structs. They are written as the objects that they stand for would be: the
 * same bytes, however their entries were ordered. */
int pb_encode_kept(const struct pb_field *message, const json_t *value, struct buf *out, struct err *err);

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

/* ---- google.protobuf.Struct as bytes ----
 * Readers of bytes that were checked once, by pb_decode_kept() or pb_struct_check(). Of other bytes they tell something
 * wrong, but read nothing outside of them. */

/* -1: malformed, as pb_decode() would find. */
int pb_struct_check(const void *data, size_t len, struct err *err);

struct pb_entry {    /* of a map; borrowed from the message */
	uint64_t prefix; /* of the key: its first bytes as a number, which orders as they do */
	const char *key; /* not terminated */
	const uint8_t *value;
	size_t key_len, value_len;
};

/* Entries that a Struct has, or values that a ListValue has. */
size_t pb_struct_count(const void *data, size_t len);
/* The number of entries, those of one key counted each. When there is room for as many, they are there, sorted by key:
 * of equal keys the last one is the one that counts. */
size_t pb_struct_entries(const void *data, size_t len, struct pb_entry *room, size_t cap);
bool pb_entry_same_key(const struct pb_entry *a, const struct pb_entry *b);
/* As the format numbers them. */
enum pb_value_kind { PB_NULL = 1, PB_NUMBER, PB_TEXT, PB_BOOL, PB_OBJECT, PB_LIST };

struct pb_value {
	enum pb_value_kind kind;
	bool is_true;
	double number;
	const uint8_t *data; /* PB_TEXT, PB_OBJECT (a Struct), PB_LIST (a ListValue: its values are field 1) */
	size_t len;
};

/* google.protobuf.Value; one that says nothing is null. -1: malformed. */
int pb_value_read(const void *data, size_t len, struct pb_value *ret);
/* Whether it stands for an integer: it has no fraction, and is not too large for one. */
bool pb_number_integer(double number, int64_t *ret);
/* What is at that key of the Struct; false: nothing. */
bool pb_struct_find(const void *data, size_t len, const char *key, struct pb_value *ret);
/* New references. */
json_t *pb_struct_to_json(const void *data, size_t len);
json_t *pb_value_to_json(const struct pb_value *value);

#endif
