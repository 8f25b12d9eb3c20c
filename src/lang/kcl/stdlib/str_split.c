#include "stdlib/str.h"
#include "stdlib/unicode.h"
#include "value/arithmetic.h"

#include "base/str.h"

KCL_BUILTIN(kcl_str_join)
{
	struct kcl_text t = { .h = kcl_vm_heap(vm) };
	struct kcl_value v = kcl_arg_need(vm, args, 0, "iter", "join() takes exactly one argument (0 given)"), item;
	struct kcl_iteration it = kcl_iterate(vm, v);

	for (bool first = true; kcl_iterate_next(vm, &it, &item); first = false) {
		if (!first)
			kcl_text_put_str(&t, self.str);
		kcl_text_put_value(&t, item);
	}
	return kcl_text_str(&t);
}

/* ---- strip ---- */

static bool is_stripped(const struct kcl_str *chars, const char *c, size_t n, uint32_t point)
{
	return chars ? memmem(chars->s, chars->len, c, n) != NULL : kcl_is_space(point);
}

static size_t char_before(const char *s, size_t end)
{
	do
		end--;
	while (end > 0 && ((uint8_t)s[end] & 0xc0) == 0x80);
	return end;
}

static struct kcl_value strip(struct kcl_vm *vm, struct kcl_value self, const struct kcl_args *args, bool left,
                              bool right)
{
	const struct kcl_str *s = self.str, *chars = NULL;
	size_t start = 0, end = s->len, n;
	struct kcl_value given;
	uint32_t point = 0;

	if (kcl_arg_set(args, 0, "chars", &given))
		chars = given.kind == KCL_STR ? given.str : kcl_str(kcl_vm_heap(vm), "", 0).str;
	kcl_steps(kcl_vm_heap(vm), (s->len + (chars ? chars->len : 0)) / 16);
	for (; left && start < end; start += n) {
		n = utf8_next(s->s + start, end - start, &point);
		if (n == 0 || !is_stripped(chars, s->s + start, n, point))
			break;
	}
	while (right && end > start) {
		size_t at = char_before(s->s, end);

		if (!utf8_next(s->s + at, end - at, &point) || !is_stripped(chars, s->s + at, end - at, point))
			break;
		end = at;
	}
	return kcl_str(kcl_vm_heap(vm), s->s + start, end - start);
}

KCL_BUILTIN(kcl_str_strip)
{
	return strip(vm, self, args, true, true);
}

KCL_BUILTIN(kcl_str_lstrip)
{
	return strip(vm, self, args, true, false);
}

KCL_BUILTIN(kcl_str_rstrip)
{
	return strip(vm, self, args, false, true);
}

/* ---- replace, remove ---- */

/* An empty text is replaced before each character and at the end. */
static void replace_empty(struct kcl_text *t, const struct kcl_str *s, const struct kcl_str *by, int64_t left)
{
	uint32_t point;

	for (size_t at = 0, n; at <= s->len; at += n) {
		if (left-- > 0)
			kcl_text_put_str(t, by);
		n = at < s->len ? utf8_next(s->s + at, s->len - at, &point) : 1;
		n = n ? n : 1;
		if (at < s->len)
			kcl_text_put(t, s->s + at, n);
	}
}

KCL_BUILTIN(kcl_str_replace)
{
	const char *missing = "replace() missing 2 required positional arguments: 'old' and 'new'";
	const struct kcl_str *old = kcl_arg_need_str(vm, args, 0, "old", missing), *s = self.str;
	const struct kcl_str *by = kcl_arg_need_str(vm, args, 1, "new", missing);
	struct kcl_text t = { .h = kcl_vm_heap(vm) };
	struct kcl_value count;
	int64_t left = kcl_arg_set(args, 2, "count", &count) ? kcl_as_int(count) : -1;
	const char *from = s->s, *end = s->s + s->len, *p;

	left = left < 0 ? INT64_MAX : left;
	kcl_steps(t.h, s->len / 16);
	if (old->len == 0) {
		replace_empty(&t, s, by, left);
		return kcl_text_str(&t);
	}
	for (; left > 0 && (p = memmem(from, (size_t)(end - from), old->s, old->len)); left--) {
		kcl_text_put(&t, from, (size_t)(p - from));
		kcl_text_put_str(&t, by);
		from = p + old->len;
	}
	kcl_text_put(&t, from, (size_t)(end - from));
	return kcl_text_str(&t);
}

KCL_BUILTIN(kcl_str_removeprefix)
{
	const struct kcl_str *s = self.str,
						 *prefix = kcl_arg_need_str(vm, args, 0, "prefix",
	                                                "removeprefix() takes exactly one argument (0 given)");

	if (prefix->len > s->len || memcmp(s->s, prefix->s, prefix->len) != 0)
		return self;
	return kcl_str(kcl_vm_heap(vm), s->s + prefix->len, s->len - prefix->len);
}

KCL_BUILTIN(kcl_str_removesuffix)
{
	const struct kcl_str *s = self.str,
						 *suffix = kcl_arg_need_str(vm, args, 0, "suffix",
	                                                "removesuffix() takes exactly one argument (0 given)");

	if (suffix->len > s->len || memcmp(s->s + s->len - suffix->len, suffix->s, suffix->len) != 0)
		return self;
	return kcl_str(kcl_vm_heap(vm), s->s, s->len - suffix->len);
}

/* ---- split ---- */

static void push(struct kcl_heap *h, struct kcl_list *l, const char *s, size_t len)
{
	kcl_list_push(h, l, kcl_str(h, s, len));
}

/* Between the characters when the separator is empty, as upstream has it: "", "a", "b", "". */
static void split_chars(struct kcl_heap *h, struct kcl_list *l, const struct kcl_str *s, int64_t left)
{
	size_t from = 0;
	uint32_t point;

	for (size_t at = 0, n; left > 0 && at <= s->len; at += n, left--) {
		push(h, l, s->s + from, at - from);
		from = at;
		n = at < s->len ? utf8_next(s->s + at, s->len - at, &point) : 1;
		n = n ? n : 1;
	}
	push(h, l, s->s + from, s->len - from);
}

static void split_by(struct kcl_heap *h, struct kcl_list *l, const struct kcl_str *s, const struct kcl_str *by,
                     int64_t left)
{
	const char *from = s->s, *end = s->s + s->len, *p;

	if (by->len == 0)
		return split_chars(h, l, s, left);
	for (; left > 0 && (p = memmem(from, (size_t)(end - from), by->s, by->len)); left--) {
		push(h, l, from, (size_t)(p - from));
		from = p + by->len;
	}
	push(h, l, from, (size_t)(end - from));
}

static void reverse(struct kcl_list *l)
{
	for (uint32_t i = 0; i < l->len / 2; i++) {
		struct kcl_value v = l->items[i];

		l->items[i] = l->items[l->len - 1 - i];
		l->items[l->len - 1 - i] = v;
	}
}

static void rsplit_by(struct kcl_heap *h, struct kcl_list *l, const struct kcl_str *s, const struct kcl_str *by,
                      int64_t left)
{
	size_t end = s->len;

	if (by->len == 0)
		return split_chars(h, l, s, left);
	for (size_t at = end; left > 0 && at >= by->len;) {
		if (memcmp(s->s + at - by->len, by->s, by->len) != 0) {
			at--;
			continue;
		}
		push(h, l, s->s + at, end - at);
		end = at -= by->len;
		left--;
	}
	push(h, l, s->s, end);
	reverse(l);
}

static bool is_blank(char c)
{
	return c == ' ' || (c >= '\t' && c <= '\r');
}

/* Runs of white space separate; where the limit is reached the rest follows as it is. */
static void split_blank(struct kcl_heap *h, struct kcl_list *l, const struct kcl_str *s, int64_t left)
{
	size_t from = 0;

	for (size_t at = 0; at < s->len; at++) {
		if (!is_blank(s->s[at]))
			continue;
		if (from == at) {
			from++;
			continue;
		}
		if (left-- == 0)
			break;
		push(h, l, s->s + from, at - from);
		from = at + 1;
	}
	if (from != s->len)
		push(h, l, s->s + from, s->len - from);
}

static void rsplit_blank(struct kcl_heap *h, struct kcl_list *l, const struct kcl_str *s, int64_t left)
{
	size_t end = s->len;

	for (size_t at = end; at-- > 0;) {
		if (!is_blank(s->s[at]))
			continue;
		if (at + 1 != end) {
			if (left-- == 0)
				break;
			push(h, l, s->s + at + 1, end - at - 1);
		}
		end = at;
	}
	if (end > 0)
		push(h, l, s->s, end);
	reverse(l);
}

static struct kcl_value split(struct kcl_vm *vm, struct kcl_value self, const struct kcl_args *args, bool from_end)
{
	struct kcl_heap *h = kcl_vm_heap(vm);
	struct kcl_value result = kcl_list(h, 0), sep, max;
	bool has_sep = kcl_arg_set(args, 0, "sep", &sep);
	int64_t left = kcl_arg_set(args, 1, "maxsplit", &max) ? kcl_as_int(max) : -1;
	const struct kcl_str *s = self.str;

	left = left < 0 ? INT64_MAX : left;
	kcl_steps(h, s->len / 16);
	if (has_sep) {
		const struct kcl_str *by = sep.kind == KCL_STR ? sep.str : kcl_str(h, "", 0).str;

		(from_end ? rsplit_by : split_by)(h, result.list, s, by, left);
	} else {
		(from_end ? rsplit_blank : split_blank)(h, result.list, s, left);
	}
	return result;
}

KCL_BUILTIN(kcl_str_split)
{
	return split(vm, self, args, false);
}

KCL_BUILTIN(kcl_str_rsplit)
{
	return split(vm, self, args, true);
}

KCL_BUILTIN(kcl_str_splitlines)
{
	struct kcl_heap *h = kcl_vm_heap(vm);
	struct kcl_value result = kcl_list(h, 0);
	bool keep = kcl_arg_bool(args, 0, "keepends", false);
	const struct kcl_str *s = self.str;
	size_t from = 0;

	kcl_steps(h, s->len / 16);
	for (size_t at = 0; at < s->len; at++) {
		if (s->s[at] != '\n' && s->s[at] != '\r')
			continue;

		size_t end = at + (s->s[at] == '\r' && s->s[at + 1] == '\n' ? 2 : 1);

		push(h, result.list, s->s + from, (keep ? end : at) - from);
		from = end;
		at = end - 1;
	}
	if (from != s->len)
		push(h, result.list, s->s + from, s->len - from);
	return result;
}
