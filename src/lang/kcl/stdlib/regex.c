#include "stdlib/library.h"
#include "stdlib/pattern.h"

static KCL_BUILTIN(regex_search)
{
	const char *missing = "search() missing 2 required positional arguments: 'string' and 'pattern'";
	const struct kcl_str *s = kcl_arg_need_str(vm, args, 0, "string", missing);
	const struct kcl_str *pattern = kcl_arg_need_str(vm, args, 1, "pattern", missing);
	struct kcl_heap *h = kcl_vm_heap(vm);

	(void)self;
	return kcl_bool(kcl_pattern_match(h, kcl_pattern(h, pattern, false), s, 0, NULL) > 0);
}

static KCL_BUILTIN(regex_compile)
{
	const struct kcl_str *pattern = kcl_arg_need_str(vm, args, 0, "pattern",
	                                                 "compile() missing the required positional argument: 'pattern'");

	(void)self;
	return kcl_bool(kcl_pattern(kcl_vm_heap(vm), pattern, true) != NULL);
}

/* ---- matches one after another ---- */

struct matches {
	struct kcl_heap *h;
	struct kcl_pattern *pattern;
	const struct kcl_str *s;
	size_t at;  /* where the next one is looked for */
	size_t end; /* of the last one */
	uint32_t groups_len;
	const size_t *groups;
	bool done;
};

static size_t next_char(const struct kcl_str *s, size_t at)
{
	do
		at++;
	while (at < s->len && ((uint8_t)s->s[at] & 0xc0) == 0x80);
	return at;
}

/* An empty match right behind the last one does not count, and is looked for one character further. */
static bool next_match(struct matches *m)
{
	while (!m->done && m->at <= m->s->len) {
		m->groups_len = kcl_pattern_match(m->h, m->pattern, m->s, m->at, &m->groups);
		if (m->groups_len == 0)
			break;

		size_t start = m->groups[0], end = m->groups[1];

		if (end < start) /* \K in a look-around */
			break;
		m->at = end > m->at || end > start ? end : next_char(m->s, m->at);
		if (start == end && start == m->end && m->end != SIZE_MAX) {
			m->at = next_char(m->s, end);
			continue;
		}
		m->end = end;
		return true;
	}
	m->done = true;
	return false;
}

static struct kcl_value group_str(const struct matches *m, uint32_t i)
{
	bool took_part = m->groups[2 * i] != SIZE_MAX;

	return took_part ? kcl_str(m->h, m->s->s + m->groups[2 * i], m->groups[2 * i + 1] - m->groups[2 * i])
	                 : kcl_str(m->h, "", 0);
}

/* Whole matches; where a pattern has two groups or more, lists of what they took. */
static KCL_BUILTIN(regex_findall)
{
	const char *missing = "findall() missing 2 required positional arguments: 'string' and 'pattern'";
	const struct kcl_str *s = kcl_arg_need_str(vm, args, 0, "string", missing);
	const struct kcl_str *pattern = kcl_arg_need_str(vm, args, 1, "pattern", missing);
	struct kcl_heap *h = kcl_vm_heap(vm);
	struct matches m = { .h = h, .pattern = kcl_pattern(h, pattern, false), .s = s, .end = SIZE_MAX };
	struct kcl_value result = kcl_list(h, 0);

	(void)self;
	while (next_match(&m)) {
		struct kcl_value item = m.groups_len < 3 ? group_str(&m, 0) : kcl_list(h, m.groups_len - 1);

		for (uint32_t i = 1; i < m.groups_len && m.groups_len >= 3; i++)
			kcl_list_push(h, item.list, group_str(&m, i));
		kcl_list_push(h, result.list, item);
	}
	return result;
}

/* ---- replace ---- */

static bool is_name(char c)
{
	return isalnum((unsigned char)c) || c == '_';
}

static void put_group(struct kcl_text *t, const struct matches *m, const char *name)
{
	int group = name[strspn(name, "0123456789")] == '\0' && strlen(name) < 6 ? (int)strtol(name, NULL, 10)
	                                                                         : kcl_pattern_group(m->pattern, name);

	if (group >= 0 && (uint32_t)group < m->groups_len && m->groups[2 * group] != SIZE_MAX)
		kcl_text_put(t, m->s->s + m->groups[2 * group], m->groups[2 * group + 1] - m->groups[2 * group]);
}

/* $1, $name and ${name} stand for groups (nothing when there is none), $$ for a dollar. */
static void put_replacement(struct kcl_text *t, const struct matches *m, const struct kcl_str *by)
{
	for (const char *p = by->s, *end = by->s + by->len; p < end;) {
		const char *name = p + 1, *stop = name;

		if (*p != '$') {
			kcl_text_putc(t, *p++);
			continue;
		}
		if (*name == '$') {
			kcl_text_putc(t, '$');
			p += 2;
			continue;
		}
		bool braced = *name == '{';

		name = stop = name + braced;
		while (is_name(*stop))
			stop++;
		if (stop == name || (braced && *stop != '}')) {
			kcl_text_putc(t, *p++);
			continue;
		}
		put_group(t, m, kcl_strndup(t->h, name, (size_t)(stop - name)));
		p = stop + braced;
	}
}

static KCL_BUILTIN(regex_replace)
{
	const char *missing = "replace() missing 3 required positional arguments: 'string', 'pattern', and 'replace";
	const struct kcl_str *s = kcl_arg_need_str(vm, args, 0, "string", missing);
	const struct kcl_str *pattern = kcl_arg_need_str(vm, args, 1, "pattern", missing);
	const struct kcl_str *by = kcl_arg_need_str(vm, args, 2, "replace", missing);
	int64_t left = kcl_arg_int(vm, args, 3, "count", 0);
	struct kcl_heap *h = kcl_vm_heap(vm);
	struct matches m = { .h = h, .pattern = kcl_pattern(h, pattern, false), .s = s, .end = SIZE_MAX };
	struct kcl_text t = { .h = h };
	size_t copied = 0;

	(void)self;
	left = left > 0 ? left : INT64_MAX;
	for (; left > 0 && next_match(&m); left--) {
		kcl_text_put(&t, s->s + copied, m.groups[0] - copied);
		put_replacement(&t, &m, by);
		copied = m.groups[1];
	}
	kcl_text_put(&t, s->s + copied, s->len - copied);
	return kcl_text_str(&t);
}

/* What lies between matches. With maxsplit only so many parts, and what is left is dropped, as upstream has it. */
static KCL_BUILTIN(regex_split)
{
	const char *missing = "split() missing 2 required positional arguments: 'string' and 'pattern'";
	const struct kcl_str *s = kcl_arg_need_str(vm, args, 0, "string", missing);
	const struct kcl_str *pattern = kcl_arg_need_str(vm, args, 1, "pattern", missing);
	int64_t maxsplit = kcl_arg_int(vm, args, 2, "maxsplit", 0);
	struct kcl_heap *h = kcl_vm_heap(vm);
	struct matches m = { .h = h, .pattern = kcl_pattern(h, pattern, false), .s = s, .end = SIZE_MAX };
	struct kcl_value result = kcl_list(h, 0);
	size_t copied = 0;

	(void)self;
	while (next_match(&m)) {
		kcl_list_push(h, result.list, kcl_str(h, s->s + copied, m.groups[0] - copied));
		copied = m.groups[1];
		if (maxsplit > 0 && result.list->len >= maxsplit)
			return result;
	}
	kcl_list_push(h, result.list, kcl_str(h, s->s + copied, s->len - copied));
	return result;
}

const struct kcl_builtin kcl_regex_rows[] = {
	{ "replace", "(string: str, pattern: str, replace: str, count?: int) -> str", regex_replace, NULL,
	  "The string with its matches (the first count ones) replaced; $1 and ${name} stand for groups." },
	{ "match", "(string: str, pattern: str) -> bool", regex_search, NULL, "Whether the pattern matches somewhere." },
	{ "compile", "(pattern: str) -> bool", regex_compile, NULL, "Whether it is a regular expression." },
	{ "findall", "(string: str, pattern: str) -> [str]", regex_findall, NULL,
	  "All matches; lists of groups where the pattern has two or more." },
	{ "search", "(string: str, pattern: str) -> bool", regex_search, NULL, "Whether the pattern matches somewhere." },
	{ "split", "(string: str, pattern: str, maxsplit?: int) -> [str]", regex_split, NULL,
	  "The parts of the string between matches." },
	{ 0 },
};
