#include "stdlib/str.h"
#include "stdlib/pattern.h"
#include "stdlib/unicode.h"

#include "base/str.h"

/* ---- cases ---- */

static struct kcl_value cased(struct kcl_vm *vm, struct kcl_value self, enum kcl_case to)
{
	struct kcl_text t = { .h = kcl_vm_heap(vm) };

	kcl_steps(t.h, self.str->len / 16);
	kcl_put_all_cased(&t, self.str->s, self.str->len, to);
	return kcl_text_str(&t);
}

static KCL_BUILTIN(method_lower)
{
	(void)args;
	return cased(vm, self, KCL_CASE_LOWER);
}

static KCL_BUILTIN(method_upper)
{
	(void)args;
	return cased(vm, self, KCL_CASE_UPPER);
}

static KCL_BUILTIN(method_capitalize)
{
	struct kcl_text t = { .h = kcl_vm_heap(vm) };
	const struct kcl_str *s = self.str;
	uint32_t first;
	size_t n = utf8_next(s->s, s->len, &first);

	(void)args;
	if (n > 0) {
		kcl_put_cased(&t, first, KCL_CASE_UPPER);
		kcl_put_all_cased(&t, s->s + n, s->len - n, KCL_CASE_LOWER);
	}
	return kcl_text_str(&t);
}

/* A letter behind another one is written small, any other large. */
static KCL_BUILTIN(method_title)
{
	struct kcl_text t = { .h = kcl_vm_heap(vm) };
	const struct kcl_str *s = self.str;
	bool in_word = false;
	uint32_t c;

	(void)args;
	kcl_steps(t.h, s->len / 16);
	for (size_t at = 0, n; at < s->len; at += n) {
		n = utf8_next(s->s + at, s->len - at, &c);
		if (n == 0)
			break;

		bool lower = kcl_is_lower(c), upper = kcl_is_upper(c) || kcl_is_title(c);

		if (lower && !in_word)
			kcl_put_cased(&t, c, KCL_CASE_TITLE);
		else if (upper && in_word)
			kcl_put_cased(&t, c, KCL_CASE_LOWER);
		else
			kcl_text_put_char(&t, c);
		in_word = lower || upper;
	}
	return kcl_text_str(&t);
}

/* ---- classes ---- */

static KCL_BUILTIN(method_isalpha)
{
	(void)args;
	return kcl_bool(kcl_pattern_test(kcl_vm_heap(vm), "\\A\\p{Alphabetic}+\\z", self.str));
}

static KCL_BUILTIN(method_isalnum)
{
	(void)args;
	return kcl_bool(kcl_pattern_test(kcl_vm_heap(vm), "\\A[\\p{Alphabetic}\\p{N}]+\\z", self.str));
}

/* Also the raised digits. */
static KCL_BUILTIN(method_isdigit)
{
	(void)args;
	return kcl_bool(
		kcl_pattern_test(kcl_vm_heap(vm), "\\A[0-9\\x{b2}\\x{b3}\\x{b9}\\x{2070}\\x{2074}-\\x{2079}]+\\z", self.str));
}

static KCL_BUILTIN(method_isspace)
{
	(void)args;
	return kcl_bool(kcl_pattern_test(kcl_vm_heap(vm), "\\A[\\s\\x{1c}-\\x{1f}]+\\z", self.str));
}

/* Some letter has the case, and none the other. */
static bool only_case(struct kcl_vm *vm, const struct kcl_str *s, bool (*wanted)(uint32_t), bool (*other)(uint32_t))
{
	bool found = false;
	uint32_t c;

	kcl_steps(kcl_vm_heap(vm), s->len / 16);
	for (size_t at = 0, n; at < s->len; at += n) {
		n = utf8_next(s->s + at, s->len - at, &c);
		if (n == 0 || other(c))
			return false;
		found = found || wanted(c);
	}
	return found;
}

static KCL_BUILTIN(method_islower)
{
	(void)args;
	return kcl_bool(only_case(vm, self.str, kcl_is_lower, kcl_is_upper));
}

static KCL_BUILTIN(method_isupper)
{
	(void)args;
	return kcl_bool(only_case(vm, self.str, kcl_is_upper, kcl_is_lower));
}

static KCL_BUILTIN(method_istitle)
{
	const struct kcl_str *s = self.str;
	bool in_word = false, found = false;
	uint32_t c;

	(void)args;
	kcl_steps(kcl_vm_heap(vm), s->len / 16);
	for (size_t at = 0, n; at < s->len; at += n) {
		n = utf8_next(s->s + at, s->len - at, &c);
		if (n == 0)
			break;

		bool lower = kcl_is_lower(c), upper = kcl_is_upper(c) || kcl_is_title(c);

		if ((upper && in_word) || (lower && !in_word))
			return kcl_bool(false);
		in_word = lower || upper;
		found = found || in_word;
	}
	return kcl_bool(found);
}

static KCL_BUILTIN(method_chars)
{
	struct kcl_heap *h = kcl_vm_heap(vm);
	struct kcl_value result = kcl_list(h, 0), c;
	struct kcl_iteration it = kcl_iterate(vm, self);

	(void)args;
	while (kcl_iterate_next(vm, &it, &c))
		kcl_list_push(h, result.list, c);
	return result;
}

const struct kcl_builtin kcl_str_rows[] = {
	{ "capitalize", "() -> str", method_capitalize, NULL,
	  "The first character in upper case, the others in lower case." },
	{ "chars", "() -> [str]", method_chars, NULL, "The characters." },
	{ "count", "(sub: str, start?: int, end?: int) -> int", kcl_str_count, NULL,
	  "How often the text is found, without overlaps." },
	{ "endswith", "(val: str, start?: int, end?: int) -> bool", kcl_str_endswith, NULL,
	  "Whether it ends with the text." },
	{ "find", "(sub: str, start?: int, end?: int) -> int", kcl_str_find, NULL,
	  "Where the text is first found; -1: nowhere." },
	{ "format", "(*args: any) -> str", kcl_str_format, NULL, "{}, {0}, {name} and {:spec} replaced by the arguments." },
	{ "index", "(sub: str, start?: int, end?: int) -> int", kcl_str_index, NULL,
	  "Where the text is first found; an error when it is not." },
	{ "isalpha", "() -> bool", method_isalpha, NULL, "Whether there are letters and nothing else." },
	{ "isalnum", "() -> bool", method_isalnum, NULL, "Whether there are letters and numbers and nothing else." },
	{ "isdigit", "() -> bool", method_isdigit, NULL, "Whether there are digits and nothing else." },
	{ "islower", "() -> bool", method_islower, NULL, "Whether all letters that have a case are in lower case." },
	{ "isspace", "() -> bool", method_isspace, NULL, "Whether there is white space and nothing else." },
	{ "istitle", "() -> bool", method_istitle, NULL, "Whether each word begins with its only upper case letter." },
	{ "isupper", "() -> bool", method_isupper, NULL, "Whether all letters that have a case are in upper case." },
	{ "join", "(iter: [any]) -> str", kcl_str_join, NULL, "The items as texts with the string between them." },
	{ "lower", "() -> str", method_lower, NULL, "In lower case." },
	{ "upper", "() -> str", method_upper, NULL, "In upper case." },
	{ "lstrip", "(chars?: str) -> str", kcl_str_lstrip, NULL,
	  "Without white space, or those characters, at the start." },
	{ "rstrip", "(chars?: str) -> str", kcl_str_rstrip, NULL, "Without white space, or those characters, at the end." },
	{ "replace", "(old: str, new: str, count?: int) -> str", kcl_str_replace, NULL,
	  "With a text (the first count times) replaced by another." },
	{ "removeprefix", "(prefix: str) -> str", kcl_str_removeprefix, NULL, "Without the text at the start." },
	{ "removesuffix", "(suffix: str) -> str", kcl_str_removesuffix, NULL, "Without the text at the end." },
	{ "rfind", "(sub: str, start?: int, end?: int) -> int", kcl_str_rfind, NULL,
	  "Where the text is last found; -1: nowhere." },
	{ "rindex", "(sub: str, start?: int, end?: int) -> int", kcl_str_rindex, NULL,
	  "Where the text is last found; an error when it is not." },
	{ "rsplit", "(sep?: str, maxsplit?: int) -> [str]", kcl_str_rsplit, NULL,
	  "The parts between separators, from the end." },
	{ "split", "(sep?: str, maxsplit?: int) -> [str]", kcl_str_split, NULL,
	  "The parts between separators, or between white space." },
	{ "splitlines", "(keepends?: bool) -> [str]", kcl_str_splitlines, NULL, "The lines, with or without their ends." },
	{ "startswith", "(val: str, start?: int, end?: int) -> bool", kcl_str_startswith, NULL,
	  "Whether it begins with the text." },
	{ "strip", "(chars?: str) -> str", kcl_str_strip, NULL, "Without white space, or those characters, at both ends." },
	{ "title", "() -> str", method_title, NULL, "Each word with an upper case letter at its start." },
	{ 0 },
};
