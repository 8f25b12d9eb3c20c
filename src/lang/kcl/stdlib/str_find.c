#include "stdlib/str.h"
#include "value/arithmetic.h"

struct window {
	const char *s;
	size_t len;
	size_t from; /* of it in the string */
	bool valid;
};

static int64_t bound(const struct kcl_args *args, uint32_t i, const char *name, int64_t otherwise)
{
	struct kcl_value v;

	return kcl_arg_set(args, i, name, &v) ? kcl_as_int(v) : otherwise;
}

static bool splits_char(const struct kcl_str *s, size_t at)
{
	return at < s->len && ((uint8_t)s->s[at] & 0xc0) == 0x80;
}

/* The part from start to end: bytes, negative ones from the end; nothing is found where it is no part. */
static struct window window_of(struct kcl_vm *vm, const struct kcl_str *s, const struct kcl_args *args)
{
	int64_t len = s->len, start = bound(args, 1, "start", 0), end = bound(args, 2, "end", len);

	end = end > len ? len : end < 0 ? (end + len < 0 ? 0 : end + len) : end;
	start = start < 0 ? (start + len < 0 ? 0 : start + len) : start;
	if (start > end)
		return (struct window){ .valid = false };
	if (splits_char(s, (size_t)start) || splits_char(s, (size_t)end))
		kcl_raise(kcl_vm_heap(vm), "byte index %lld is not a character boundary of the string",
		          (long long)(splits_char(s, (size_t)start) ? start : end));
	kcl_steps(kcl_vm_heap(vm), (uint64_t)(end - start) / 64);
	return (struct window){ .s = s->s + start, .len = (size_t)(end - start), .from = (size_t)start, .valid = true };
}

static const struct kcl_str *needle_of(struct kcl_vm *vm, const struct kcl_args *args, const char *name,
                                       const char *method)
{
	struct kcl_value v;

	if (!kcl_arg(args, 0, name, &v))
		kcl_raise(kcl_vm_heap(vm), "%s() takes exactly one argument (0 given)", method);
	if (v.kind != KCL_STR)
		kcl_raise(kcl_vm_heap(vm), "Invalid str object in str_%s", method);
	return v.str;
}

static int64_t find(const struct window *w, const struct kcl_str *what, bool last)
{
	if (!w->valid || what->len > w->len)
		return -1;
	if (!last) {
		const char *p = memmem(w->s, w->len, what->s, what->len);

		return p ? (int64_t)(w->from + (size_t)(p - w->s)) : -1;
	}
	for (size_t at = w->len - what->len + 1; at-- > 0;)
		if (memcmp(w->s + at, what->s, what->len) == 0)
			return (int64_t)(w->from + at);
	return -1;
}

static int64_t find_from(struct kcl_vm *vm, struct kcl_value self, const struct kcl_args *args, const char *method,
                         bool last)
{
	const struct kcl_str *what = needle_of(vm, args, "sub", method);
	struct window w = window_of(vm, self.str, args);

	return find(&w, what, last);
}

KCL_BUILTIN(kcl_str_find)
{
	return kcl_int(find_from(vm, self, args, "find", false));
}

KCL_BUILTIN(kcl_str_rfind)
{
	return kcl_int(find_from(vm, self, args, "rfind", true));
}

static struct kcl_value found(struct kcl_vm *vm, int64_t at)
{
	if (at < 0)
		kcl_raise(kcl_vm_heap(vm), "substring not found");
	return kcl_int(at);
}

KCL_BUILTIN(kcl_str_index)
{
	return found(vm, find_from(vm, self, args, "index", false));
}

KCL_BUILTIN(kcl_str_rindex)
{
	return found(vm, find_from(vm, self, args, "rindex", true));
}

/* An empty text is found before each character and at the end. */
KCL_BUILTIN(kcl_str_count)
{
	const struct kcl_str *what = needle_of(vm, args, "sub", "count");
	struct window w = window_of(vm, self.str, args);
	int64_t n = 0;

	if (!w.valid)
		return kcl_int(0);
	if (what->len == 0) {
		for (size_t i = 0; i < w.len; i++)
			n += ((uint8_t)w.s[i] & 0xc0) != 0x80;
		return kcl_int(n + 1);
	}
	for (const char *p = w.s, *end = w.s + w.len; (p = memmem(p, (size_t)(end - p), what->s, what->len));
	     p += what->len)
		n++;
	return kcl_int(n);
}

KCL_BUILTIN(kcl_str_startswith)
{
	const struct kcl_str *what = needle_of(vm, args, "val", "startswith");
	struct window w = window_of(vm, self.str, args);

	return kcl_bool(w.valid && w.len >= what->len && memcmp(w.s, what->s, what->len) == 0);
}

KCL_BUILTIN(kcl_str_endswith)
{
	const struct kcl_str *what = needle_of(vm, args, "val", "endswith");
	struct window w = window_of(vm, self.str, args);

	return kcl_bool(w.valid && w.len >= what->len && memcmp(w.s + w.len - what->len, what->s, what->len) == 0);
}
