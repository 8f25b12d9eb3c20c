/* google.protobuf.Struct, Value and ListValue: checked in one pass over the bytes, then read as often as it takes. */

#include "protobuf_wire.h"
#include "base/str.h"

#include <math.h>

#define LARGEST_EXACT 9007199254740992.0 /* 2^53 */
/* Fewer are sorted by insertion. */
#define INSERTION_MAX 24
#define ENTRIES_ON_STACK 48

int pb_next(struct pb_reader *r, struct pb_token *ret)
{
	return pb_token(r, ret);
}

int pb_fail(struct pb_check *c, const uint8_t *at, const char *what)
{
	return err_set(c->err, ERR_BAD_REQUEST, "protobuf: byte %zu: %s", (size_t)(at - c->start), what);
}

/* ---- entries ---- */

static uint64_t prefix_of(const uint8_t *key, size_t len)
{
	uint64_t prefix = 0;

	if (len >= 8) {
		memcpy(&prefix, key, 8);
		return __builtin_bswap64(prefix);
	}
	for (size_t i = 0; i < len; i++)
		prefix |= (uint64_t)key[i] << (56 - 8 * i);
	return prefix;
}

static int read_entry(const struct pb_token *t, struct pb_entry *ret)
{
	struct pb_reader r = { t->data, t->data + t->len };
	struct pb_token part;
	int more;

	/* What is missing is empty, at its place in the message: places order the entries of one key. */
	*ret = (struct pb_entry){ .key = (const char *)t->data, .value = t->data };
	while ((more = pb_token(&r, &part)) > 0) {
		if (part.wire == 2 && part.field == 1) {
			ret->key = (const char *)part.data;
			ret->key_len = part.len;
		} else if (part.wire == 2 && part.field == 2) {
			ret->value = part.data;
			ret->value_len = part.len;
		}
	}
	ret->prefix = prefix_of((const uint8_t *)ret->key, ret->key_len);
	return more;
}

bool pb_entry_same_key(const struct pb_entry *a, const struct pb_entry *b)
{
	return a->prefix == b->prefix && a->key_len == b->key_len && memcmp(a->key, b->key, a->key_len) == 0;
}

static bool is_before(const struct pb_entry *a, const struct pb_entry *b)
{
	if (a->prefix != b->prefix)
		return a->prefix < b->prefix;

	int r = memcmp(a->key, b->key, a->key_len < b->key_len ? a->key_len : b->key_len);

	if (r != 0)
		return r < 0;
	return a->key_len != b->key_len ? a->key_len < b->key_len : a->value < b->value;
}

static int by_key(const void *a, const void *b)
{
	return is_before(a, b) ? -1 : 1; /* no two are the same entry */
}

/* Most maps are small, and those of clients that sort come sorted. */
void pb_sort_entries(struct pb_entry *entries, size_t n)
{
	size_t sorted = 1, falling = 1;

	while (sorted < n && is_before(&entries[sorted - 1], &entries[sorted]))
		sorted++;
	if (sorted >= n)
		return;
	while (falling < n && is_before(&entries[falling], &entries[falling - 1]))
		falling++;
	if (falling == n) {
		for (size_t i = 0; i < n / 2; i++) {
			struct pb_entry entry = entries[i];
			entries[i] = entries[n - 1 - i];
			entries[n - 1 - i] = entry;
		}
		return;
	}
	if (n > INSERTION_MAX) {
		qsort(entries, n, sizeof(*entries), by_key);
		return;
	}
	for (size_t i = sorted; i < n; i++) {
		struct pb_entry entry = entries[i];
		size_t at = i;

		for (; at > 0 && is_before(&entry, &entries[at - 1]); at--)
			entries[at] = entries[at - 1];
		entries[at] = entry;
	}
}

size_t pb_struct_count(const void *data, size_t len)
{
	struct pb_reader r = { data, (const uint8_t *)data + len };
	struct pb_token t;
	size_t n = 0;

	while (pb_token(&r, &t) > 0)
		n += t.field == 1 && t.wire == 2;
	return n;
}

size_t pb_struct_entries(const void *data, size_t len, struct pb_entry *room, size_t cap)
{
	struct pb_reader r = { data, (const uint8_t *)data + len };
	struct pb_token t;
	size_t n = 0;

	while (pb_token(&r, &t) > 0) {
		if (t.field != 1 || t.wire != 2)
			continue;
		if (n < cap)
			read_entry(&t, &room[n]);
		n++;
	}
	if (n <= cap)
		pb_sort_entries(room, n);
	return n;
}

/* ---- values ---- */

bool pb_number_integer(double number, int64_t *ret)
{
	if (!(number >= -LARGEST_EXACT * 1023 && number <= LARGEST_EXACT * 1023))
		return false;

	int64_t integer = (int64_t)number;

	if ((double)integer < number || (double)integer > number)
		return false;
	*ret = integer;
	return true;
}

/* The last field that is one of a Value's counts. */
static int read_value(struct pb_reader *r, struct pb_token *ret)
{
	static const unsigned wires[] = { 9, 0, 1, 2, 0, 2, 2 };
	struct pb_token t;
	int more;

	*ret = (struct pb_token){ .field = PB_NULL };
	while ((more = pb_token(r, &t)) > 0)
		if (t.field < sizeof(wires) / sizeof(wires[0]) && t.wire == wires[t.field])
			*ret = t;
	return more;
}

static double to_double(uint64_t bits)
{
	double number;

	memcpy(&number, &bits, sizeof(number));
	return number;
}

int pb_value_read(const void *data, size_t len, struct pb_value *ret)
{
	struct pb_reader r = { data, (const uint8_t *)data + len };
	struct pb_token t;
	int more = read_value(&r, &t);

	*ret = (struct pb_value){ .kind = (enum pb_value_kind)t.field, .data = t.data, .len = t.len };
	if (t.field == PB_NUMBER)
		ret->number = to_double(t.number);
	else if (t.field == PB_BOOL)
		ret->is_true = t.number != 0;
	return more;
}

bool pb_struct_find(const void *data, size_t len, const char *key, struct pb_value *ret)
{
	struct pb_reader r = { data, (const uint8_t *)data + len };
	size_t key_len = strlen(key);
	struct pb_entry entry;
	struct pb_token t;
	bool found = false;

	while (pb_token(&r, &t) > 0)
		if (t.field == 1 && t.wire == 2 && read_entry(&t, &entry) == 0 && entry.key_len == key_len &&
		    memcmp(entry.key, key, key_len) == 0)
			found = pb_value_read(entry.value, entry.value_len, ret) == 0;
	return found;
}

/* ---- checking ---- */

int pb_check_text(struct pb_check *c, const uint8_t *data, size_t len)
{
	return utf8_is_text((const char *)data, len) ? 0 : pb_fail(c, data, "a string is not valid UTF-8 or holds a NUL");
}

int pb_check_entry(struct pb_check *c, const struct pb_token *t, struct pb_entry *ret)
{
	if (read_entry(t, ret) < 0)
		return pb_fail(c, t->data, "a map's entry is malformed");
	return utf8_is_text(ret->key, ret->key_len)
	           ? 0
	           : pb_fail(c, (const uint8_t *)ret->key, "a key is not valid UTF-8 or holds a NUL");
}

static int check_value(struct pb_check *c, const uint8_t *data, size_t len);

static int check_list(struct pb_check *c, const uint8_t *data, size_t len)
{
	struct pb_reader r = { data, data + len };
	struct pb_token t;
	int more;

	while ((more = pb_token(&r, &t)) > 0)
		if (t.field == 1 && t.wire == 2 && check_value(c, t.data, t.len) < 0)
			return -1;
	return more < 0 ? pb_fail(c, r.p, "a list is malformed") : 0;
}

static int check_kind(struct pb_check *c, const struct pb_token *t)
{
	switch ((enum pb_value_kind)t->field) {
	case PB_NUMBER:
		return isfinite(to_double(t->number)) ? 0 : pb_fail(c, c->start, "a number is infinite or none");
	case PB_TEXT:
		return pb_check_text(c, t->data, t->len);
	case PB_OBJECT:
		return pb_check_struct(c, t->data, t->len);
	case PB_LIST:
		return check_list(c, t->data, t->len);
	case PB_NULL:
	case PB_BOOL:
		break;
	}
	return 0;
}

static int check_value(struct pb_check *c, const uint8_t *data, size_t len)
{
	struct pb_reader r = { data, data + len };
	struct pb_token t;
	int result;

	if (read_value(&r, &t) < 0)
		return pb_fail(c, r.p, "a value is malformed");
	if (++c->depth > JSON_DEPTH_MAX)
		return pb_fail(c, data, "values are nested too deeply");
	result = check_kind(c, &t);
	c->depth--;
	return result;
}

static bool is_right_scalar(const uint8_t *data, size_t len)
{
	if (!pb_is_plain_scalar(data, len))
		return false;
	if (data[0] == PB_TAG(PB_TEXT, 2))
		return utf8_is_text((const char *)data + 2, len - 2);

	uint64_t exponent = data[0] == PB_TAG(PB_NUMBER, 1) ? (uint64_t)(data[8] & 0x7f) << 4 | data[7] >> 4 : 0;

	return exponent != 0x7ff; /* infinite, or no number */
}

/* Goes over an entry that is right, if it is of the shape that nearly all are of: a short key, then a short scalar.
 * What is wrong with others is found by who looks closer. */
static bool skip_plain_entry(struct pb_check *c, struct pb_reader *r)
{
	const uint8_t *p = r->p;
	size_t left = (size_t)(r->end - p);

	if (left < 8 || p[0] != PB_TAG(1, 2) || p[1] >= PB_SHORT || p[1] > left - 2 || p[2] != PB_TAG(1, 2))
		return false;

	size_t len = p[1], key_len = p[3];
	const uint8_t *value = p + 6 + key_len;

	if (key_len + 4 > len || value[-2] != PB_TAG(2, 2) || value[-1] != len - key_len - 4 ||
	    c->depth >= JSON_DEPTH_MAX || !utf8_is_text((const char *)p + 4, key_len) || !is_right_scalar(value, value[-1]))
		return false;
	r->p = p + 2 + len;
	return true;
}

int pb_check_struct(struct pb_check *c, const uint8_t *data, size_t len)
{
	struct pb_reader r = { data, data + len };
	struct pb_entry entry;
	struct pb_token t;
	int more;

	for (;;) {
		while (skip_plain_entry(c, &r))
			;
		more = pb_token(&r, &t);
		if (more <= 0)
			break;
		if (t.field == 1 && t.wire == 2 &&
		    (pb_check_entry(c, &t, &entry) < 0 || check_value(c, entry.value, entry.value_len) < 0))
			return -1;
	}
	return more < 0 ? pb_fail(c, r.p, "a field is malformed") : 0;
}

int pb_struct_check(const void *data, size_t len, struct err *err)
{
	return pb_check_struct(&(struct pb_check){ .start = data, .err = err }, data, len);
}

/* ---- to JSON ---- */

static json_t *list_to_json(const uint8_t *data, size_t len);

json_t *pb_value_to_json(const struct pb_value *v)
{
	int64_t integer;

	switch (v->kind) {
	case PB_NUMBER:
		return pb_number_integer(v->number, &integer) ? json_integer(integer) : json_real(v->number);
	case PB_TEXT:
		return json_stringn_nocheck((const char *)v->data, v->len);
	case PB_BOOL:
		return json_boolean(v->is_true);
	case PB_OBJECT:
		return pb_struct_to_json(v->data, v->len);
	case PB_LIST:
		return list_to_json(v->data, v->len);
	case PB_NULL:
		break;
	}
	return json_null();
}

static json_t *value_to_json(const uint8_t *data, size_t len)
{
	struct pb_value v;

	return pb_value_read(data, len, &v) < 0 ? json_null() : pb_value_to_json(&v);
}

static json_t *list_to_json(const uint8_t *data, size_t len)
{
	struct pb_reader r = { data, data + len };
	json_t *array = json_array();
	struct pb_token t;

	while (pb_token(&r, &t) > 0)
		if (t.field == 1 && t.wire == 2)
			json_array_append_new(array, value_to_json(t.data, t.len));
	return array;
}

json_t *pb_struct_to_json(const void *data, size_t len)
{
	struct pb_entry on_stack[ENTRIES_ON_STACK], *entries = on_stack;
	size_t n = pb_struct_entries(data, len, on_stack, ENTRIES_ON_STACK);
	json_t *object = json_object();

	if (n > ENTRIES_ON_STACK) {
		entries = xcalloc(n, sizeof(*entries));
		pb_struct_entries(data, len, entries, n);
	}
	for (size_t i = 0; i < n; i++)
		json_object_setn_new_nocheck(object, entries[i].key, entries[i].key_len,
		                             value_to_json(entries[i].value, entries[i].value_len));
	if (entries != on_stack)
		free(entries);
	return object;
}
