#include "value/value.h"

/* One code point is one element of a string. An ASCII string (as many code points as bytes) is indexed at once. */

static size_t char_offset(const struct kcl_str *s, int64_t chars, int64_t at)
{
	if (chars == s->len)
		return (size_t)at;

	size_t offset = 0;

	for (int64_t seen = -1; offset < s->len; offset++) {
		seen += ((uint8_t)s->s[offset] & 0xc0) != 0x80;
		if (seen == at)
			break;
	}
	return offset;
}

static size_t char_size(const struct kcl_str *s, size_t offset)
{
	size_t n = 1;

	while (offset + n < s->len && ((uint8_t)s->s[offset + n] & 0xc0) == 0x80)
		n++;
	return n;
}

/* Counted from the end when negative. */
static int64_t checked_index(struct kcl_heap *h, int64_t index, int64_t len, const char *what)
{
	if (index < 0 && index + len < 0)
		kcl_raise(h, "index out of bounds: the len is %lld but the index is %lld", (long long)len, (long long)index);
	if (index >= len)
		kcl_raise(h, "%s index out of range: %lld", what, (long long)index);
	return index < 0 ? index + len : index;
}

struct kcl_value kcl_subscript(struct kcl_heap *h, struct kcl_value v, struct kcl_value index, bool is_optional)
{
	if (is_optional && !kcl_truth(v))
		return kcl_none();
	if (v.kind == KCL_LIST && index.kind == KCL_INT)
		return v.list->items[checked_index(h, index.i, v.list->len, "list")];
	if (v.kind == KCL_STR && index.kind == KCL_INT) {
		int64_t chars = kcl_length(h, v);
		size_t at = char_offset(v.str, chars, checked_index(h, index.i, chars, "string"));

		kcl_steps(h, at / 64);
		return kcl_str(h, v.str->s + at, char_size(v.str, at));
	}
	if (v.kind == KCL_DICT || (v.kind == KCL_SCHEMA && index.kind == KCL_STR)) {
		struct kcl_pair *pair = index.kind == KCL_STR ? kcl_dict_find(kcl_as_dict(v), index.str) : NULL;

		return pair ? pair->value : kcl_undefined();
	}
	kcl_raise(h, "'%s' object is not subscriptable with '%s'", kcl_type_name(h, v), kcl_type_name(h, index));
}

/* ---- slices, as Python takes them ---- */

struct slice {
	int64_t start, step;
	int64_t len;
};

static int64_t clamp(int64_t at, int64_t len, int64_t step)
{
	if (at < 0) {
		at += len;
		if (at < 0)
			at = step < 0 ? -1 : 0;
	} else if (at >= len) {
		at = step < 0 ? len - 1 : len;
	}
	return at;
}

static struct slice slice_of(struct kcl_heap *h, int64_t len, struct kcl_value lower, struct kcl_value upper,
                             struct kcl_value step)
{
	struct slice s = { .step = step.kind == KCL_INT ? step.i : 1 };

	if (s.step == 0)
		kcl_raise(h, "slice step cannot be zero");
	s.start = clamp(lower.kind == KCL_INT ? lower.i : s.step < 0 ? INT64_MAX : 0, len, s.step);

	int64_t stop = upper.kind == KCL_INT ? clamp(upper.i, len, s.step) : s.step < 0 ? -1 : len;
	__int128 distance = s.step < 0 ? (__int128)s.start - stop : (__int128)stop - s.start;
	__int128 stride = s.step < 0 ? -(__int128)s.step : s.step;

	s.len = distance > 0 ? (int64_t)((distance - 1) / stride + 1) : 0;
	return s;
}

static struct kcl_value slice_list(struct kcl_heap *h, const struct kcl_list *l, const struct slice *s)
{
	struct kcl_value result = kcl_list(h, (uint32_t)s->len);

	kcl_steps(h, (uint64_t)s->len);
	for (int64_t i = 0; i < s->len; i++)
		result.list->items[i] = l->items[s->start + i * s->step];
	result.list->len = (uint32_t)s->len;
	return result;
}

static struct kcl_value slice_str(struct kcl_heap *h, const struct kcl_str *str, int64_t chars, const struct slice *s)
{
	struct kcl_str *result;
	size_t used = 0;

	kcl_steps(h, str->len / 16);
	if (s->len == 0)
		return kcl_str(h, "", 0);
	if (s->step == 1) {
		size_t from = char_offset(str, chars, s->start), to = char_offset(str, chars, s->start + s->len);

		return kcl_str(h, str->s + from, to - from);
	}

	/* Where each code point begins. */
	uint32_t *offsets = kcl_alloc_raw(h, (size_t)chars * sizeof(*offsets));
	size_t n = 0;

	for (uint32_t i = 0; i < str->len; i++)
		if (((uint8_t)str->s[i] & 0xc0) != 0x80)
			offsets[n++] = i;
	result = kcl_str_room(h, str->len);
	for (int64_t i = 0; i < s->len; i++) {
		size_t at = offsets[s->start + i * s->step], size = char_size(str, at);

		memcpy(result->s + used, str->s + at, size);
		used += size;
	}
	return kcl_str(h, result->s, used);
}

struct kcl_value kcl_slice(struct kcl_heap *h, struct kcl_value v, struct kcl_value lower, struct kcl_value upper,
                           struct kcl_value step)
{
	if (v.kind != KCL_LIST && v.kind != KCL_STR)
		kcl_raise(h, "invalid slice object %s", kcl_type_name(h, v));

	int64_t len = kcl_length(h, v);
	struct slice s = slice_of(h, len, lower, upper, step);

	return v.kind == KCL_LIST ? slice_list(h, v.list, &s) : slice_str(h, v.str, len, &s);
}
