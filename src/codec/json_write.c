#include "codec/json.h"

#include "codec/sha256.h"
#include "text.h"

#include <string.h>

/* Writes straight into the reserved end of a buffer, so that a value of any size is formatted without a copy of its
 * parts: json_dump_callback() makes a call for every bracket and comma. */
struct writer {
	struct buf *out;
	char *start, *p, *end; /* the reserved room, and how far it is filled */
	bool failed;
	bool sorted;
	int indent; /* 0: compact */
};

#define ROOM_MIN 128

static bool grow(struct writer *w, size_t n)
{
	struct buf *out = w->out;
	if (w->failed)
		return false;
	if (w->start)
		buf_commit(out, (size_t)(w->p - w->start));
	size_t left = out->max - out->len;
	w->start = w->p = buf_reserve(out, n < ROOM_MIN && ROOM_MIN <= left ? ROOM_MIN : n);
	w->failed = !w->start;
	w->end = w->failed ? NULL : out->data + out->cap - 1;
	if (!w->failed && (size_t)(w->end - w->start) > left)
		w->end = w->start + left;
	return !w->failed;
}

/* True when n more bytes fit at w->p. */
static inline bool room(struct writer *w, size_t n)
{
	return (size_t)(w->end - w->p) >= n || grow(w, n);
}

static inline void put(struct writer *w, const char *s, size_t n)
{
	if (n > 0 && room(w, n)) {
		memcpy(w->p, s, n);
		w->p += n;
	}
}

static inline void put_char(struct writer *w, char c)
{
	if (room(w, 1))
		*w->p++ = c;
}

static void put_escape(struct writer *w, unsigned char c)
{
	static const char hex[] = "0123456789abcdef";
	switch (c) {
	case '"':
		put(w, "\\\"", 2);
		break;
	case '\\':
		put(w, "\\\\", 2);
		break;
	case '\n':
		put(w, "\\n", 2);
		break;
	case '\t':
		put(w, "\\t", 2);
		break;
	case '\r':
		put(w, "\\r", 2);
		break;
	default: {
		char text[6] = { '\\', 'u', '0', '0', hex[c >> 4], hex[c & 15] };
		put(w, text, sizeof(text));
	}
	}
}

static void put_string(struct writer *w, const char *s, size_t len)
{
	const char *end = s + len;
	put_char(w, '"');
	for (;;) {
		const char *stop = text_plain_end(s, end, false);
		put(w, s, (size_t)(stop - s));
		if (stop == end)
			break;
		put_escape(w, (unsigned char)*stop);
		s = stop + 1;
	}
	put_char(w, '"');
}

static void put_integer(struct writer *w, json_int_t v)
{
	char digits[24], *p = digits + sizeof(digits);
	uint64_t magnitude = v < 0 ? 0 - (uint64_t)v : (uint64_t)v;
	do {
		*--p = (char)('0' + magnitude % 10);
		magnitude /= 10;
	} while (magnitude);
	if (v < 0)
		*--p = '-';
	put(w, p, (size_t)(digits + sizeof(digits) - p));
}

static void put_line(struct writer *w, int depth)
{
	if (!w->indent)
		return;
	size_t n = (size_t)depth * (size_t)w->indent;
	if (room(w, n + 1)) {
		*w->p = '\n';
		memset(w->p + 1, ' ', n);
		w->p += n + 1;
	}
}

static void put_value(struct writer *w, const json_t *v, int depth);

static void put_member(struct writer *w, void *iter, bool first, int depth)
{
	if (!first)
		put_char(w, ',');
	put_line(w, depth + 1);
	put_string(w, json_object_iter_key(iter), json_object_iter_key_len(iter));
	put(w, ": ", w->indent ? 2 : 1);
	put_value(w, json_object_iter_value(iter), depth + 1);
}

static int compare_members(const void *a, const void *b)
{
	void *x = *(void *const *)a, *y = *(void *const *)b;
	size_t x_len = json_object_iter_key_len(x), y_len = json_object_iter_key_len(y);
	int order = memcmp(json_object_iter_key(x), json_object_iter_key(y), x_len < y_len ? x_len : y_len);
	return order ? order : (x_len > y_len) - (x_len < y_len);
}

static void put_sorted_members(struct writer *w, json_t *object, int depth)
{
	size_t n = 0, count = json_object_size(object);
	void *few[32], **members = count <= ARRAY_SIZE(few) ? few : xreallocarray(NULL, count, sizeof(*members));
	for (void *i = json_object_iter(object); i; i = json_object_iter_next(object, i))
		members[n++] = i;
	qsort(members, n, sizeof(*members), compare_members);
	for (size_t i = 0; i < n; i++)
		put_member(w, members[i], i == 0, depth);
	if (members != few)
		free(members);
}

static void put_object(struct writer *w, json_t *object, int depth)
{
	put_char(w, '{');
	if (json_object_size(object) > 0) {
		if (w->sorted) {
			put_sorted_members(w, object, depth);
		} else {
			void *first = json_object_iter(object);
			for (void *i = first; i; i = json_object_iter_next(object, i))
				put_member(w, i, i == first, depth);
		}
		put_line(w, depth);
	}
	put_char(w, '}');
}

static void put_array(struct writer *w, const json_t *array, int depth)
{
	size_t n = json_array_size(array);
	put_char(w, '[');
	for (size_t i = 0; i < n; i++) {
		if (i > 0)
			put_char(w, ',');
		put_line(w, depth + 1);
		put_value(w, json_array_get(array, i), depth + 1);
	}
	if (n > 0)
		put_line(w, depth);
	put_char(w, ']');
}

static void put_value(struct writer *w, const json_t *v, int depth)
{
	char number[TEXT_REAL_MAX];
	switch (json_typeof(v)) {
	case JSON_OBJECT:
		put_object(w, json_unconst(v), depth);
		break;
	case JSON_ARRAY:
		put_array(w, v, depth);
		break;
	case JSON_STRING:
		put_string(w, json_string_value(v), json_string_length(v));
		break;
	case JSON_INTEGER:
		put_integer(w, json_integer_value(v));
		break;
	case JSON_REAL:
		put(w, number, text_format_real(json_real_value(v), number));
		break;
	case JSON_TRUE:
		put(w, "true", 4);
		break;
	case JSON_FALSE:
		put(w, "false", 5);
		break;
	case JSON_NULL:
		put(w, "null", 4);
		break;
	}
}

/* All or nothing: what a full buffer cut off is taken back. */
static int write_value(const json_t *v, struct buf *out, int indent, bool sorted)
{
	if (out->failed)
		return -1;
	size_t before = out->len;
	struct writer w = { .out = out, .indent = indent, .sorted = sorted };
	if (v)
		put_value(&w, v, 0);
	else
		put(&w, "null", 4);
	if (!w.failed) {
		buf_commit(out, (size_t)(w.p - w.start));
		return 0;
	}
	out->failed = true;
	out->len = before;
	if (out->data)
		out->data[before] = '\0';
	return -1;
}

int json_write(const json_t *v, struct buf *out)
{
	return write_value(v, out, 0, false);
}

int json_write_pretty(const json_t *v, struct buf *out)
{
	return write_value(v, out, 4, true);
}

struct bytes *json_to_bytes(const json_t *v)
{
	_cleanup_buf_ struct buf out = BUF_INIT(SIZE_MAX / 2);
	write_value(v, &out, 0, false);
	return bytes_new(buf_str(&out), out.len);
}

static char *to_str(const json_t *v, bool sorted)
{
	struct buf out = BUF_INIT(SIZE_MAX / 2);
	write_value(v, &out, 0, sorted);
	size_t len = out.len;
	return xrealloc(buf_steal(&out), len + 1);
}

char *json_to_str(const json_t *v)
{
	return to_str(v, false);
}

char *json_canonical(const json_t *v)
{
	return to_str(v, true);
}

void json_hash(const json_t *v, char ret[static 65])
{
	_cleanup_buf_ struct buf out = BUF_INIT(SIZE_MAX / 2);
	write_value(v, &out, 0, true);
	sha256_hex(buf_str(&out), out.len, ret);
}
