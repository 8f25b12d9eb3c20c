#include "stdlib/pattern_fault.h"

#include "base/str.h"

#include <ctype.h>

#define DEPTH_MAX 64 /* of groups in each other; upstream's */

struct scan {
	struct kcl_heap *h;
	const char *start, *p, *end;
	unsigned depth;
	bool ignores_space; /* (?x) */
	unsigned names;
	bool has_numbers; /* references by number */
	const char *fault;
};

enum atom { NOTHING, ASSERTION, REPEATABLE };

static enum atom scan_branches(struct scan *s);

static enum atom fault(struct scan *s, const char *name)
{
	if (!s->fault)
		s->fault = name;
	s->p = s->end;
	return NOTHING;
}

static bool is_next(const struct scan *s, const char *text)
{
	size_t n = strlen(text);

	return (size_t)(s->end - s->p) >= n && memcmp(s->p, text, n) == 0;
}

static bool is_one_of(char c, const char *set)
{
	return c && strchr(set, c);
}

static size_t char_len(const struct scan *s, const char *p)
{
	size_t n = 1;

	while (p + n < s->end && ((unsigned char)p[n] & 0xc0) == 0x80)
		n++;
	return n;
}

/* ---- between the parts ---- */

static void skip_comment(struct scan *s)
{
	for (s->p += 3; s->p < s->end && *s->p != ')';)
		s->p += *s->p == '\\' && s->p + 1 < s->end ? 2 : 1;
	if (s->p == s->end)
		fault(s, "UnclosedOpenParen");
	else
		s->p++;
}

static void skip_space(struct scan *s)
{
	while (s->p < s->end) {
		if (is_next(s, "(?#"))
			skip_comment(s);
		else if (s->ignores_space && *s->p == '#')
			while (s->p < s->end && *s->p++ != '\n')
				continue;
		else if (s->ignores_space && is_one_of(*s->p, " \r\n\t"))
			s->p++;
		else
			break;
	}
}

/* ---- escapes ---- */

static enum atom scan_hex(struct scan *s, size_t digits)
{
	size_t n = 0;

	while (n < digits && s->p + n < s->end && isxdigit((unsigned char)s->p[n]))
		n++;
	if (n == digits) {
		s->p += n;
		return REPEATABLE;
	}
	if (!is_next(s, "{"))
		return fault(s, "InvalidHex");
	for (s->p++, n = 0; s->p < s->end && n < 8 && isxdigit((unsigned char)*s->p); n++)
		s->p++;
	if (n == 0 || !is_next(s, "}"))
		return fault(s, "InvalidHex");
	s->p++;
	return REPEATABLE;
}

/* \pL, \p{Greek} */
static enum atom scan_property(struct scan *s)
{
	if (s->p == s->end)
		return fault(s, "TrailingBackslash");
	if (*s->p != '{') {
		s->p += char_len(s, s->p);
		return REPEATABLE;
	}
	s->p = memchr(s->p, '}', (size_t)(s->end - s->p));
	if (!s->p)
		return fault(s, "UnclosedUnicodeName");
	s->p++;
	return REPEATABLE;
}

static enum atom scan_number_reference(struct scan *s)
{
	uint64_t group = 0;

	for (; s->p < s->end && isdigit((unsigned char)*s->p); s->p++)
		if (group < UINT32_MAX)
			group = group * 10 + (uint64_t)(*s->p - '0');
	s->has_numbers = true;
	return group < (uint64_t)(s->end - s->start) / 2 ? REPEATABLE : fault(s, "InvalidBackref");
}

/* <name>; false: there is none. */
static bool scan_name(struct scan *s, char close)
{
	const char *from = s->p;

	while (s->p < s->end && (isalnum((unsigned char)*s->p) || *s->p == '_' || (unsigned char)*s->p >= 0x80))
		s->p++;
	if (s->p == from || s->p == s->end || *s->p != close)
		return false;
	s->p++;
	return true;
}

static enum atom scan_escape(struct scan *s)
{
	if (s->p + 1 == s->end)
		return fault(s, "TrailingBackslash");

	const char *at = ++s->p;
	char c = *at;

	if (isdigit((unsigned char)c))
		return scan_number_reference(s);
	s->p += char_len(s, at);
	if (c == 'k') {
		if (!is_next(s, "<"))
			return fault(s, "InvalidGroupName");
		s->p++;
		return scan_name(s, '>') ? REPEATABLE : fault(s, "InvalidGroupName");
	}
	if (c == 'x' || c == 'u' || c == 'U')
		return scan_hex(s, c == 'x' ? 2 : c == 'u' ? 4 : 8);
	if (c == 'p' || c == 'P')
		return scan_property(s);
	if ((unsigned char)c >= 0x80)
		return fault(s, "InnerError");
	if (!isalpha((unsigned char)c) || is_one_of(c, "AzbBdDsSwWafnrtvehH"))
		return REPEATABLE;
	return fault(s, kcl_printf(s->h, "InvalidEscape(\"\\\\%c\")", c));
}

static enum atom scan_class(struct scan *s)
{
	unsigned nested = 1;

	s->p++;
	s->p += is_next(s, "^");
	s->p += is_next(s, "]");
	while (s->p < s->end && nested) {
		if (*s->p == '\\' && s->p + 1 < s->end) {
			if (isdigit((unsigned char)s->p[1]) || s->p[1] == 'k')
				return fault(s, "InvalidClass");
			scan_escape(s);
			continue;
		}
		nested += *s->p == '[';
		nested -= *s->p == ']';
		s->p++;
	}
	return nested ? fault(s, "InvalidClass") : REPEATABLE;
}

/* ---- groups ---- */

static enum atom close_group(struct scan *s, enum atom result)
{
	skip_space(s);
	if (s->p == s->end)
		return fault(s, "UnclosedOpenParen");
	if (*s->p != ')')
		return fault(s, "ParseError");
	s->p++;
	return result;
}

static enum atom unknown_flag(struct scan *s, const char *from)
{
	int n = (int)(s->p + char_len(s, s->p) - from);

	return fault(s, kcl_printf(s->h, "UnknownFlag(\"(?%.*s\")", n > 100 ? 100 : n, from));
}

/* Behind "(?": flags, and what they are for. */
static enum atom scan_flags(struct scan *s)
{
	const char *from = s->p;
	bool off = false, before = s->ignores_space;

	for (skip_space(s); s->p < s->end; s->p++, skip_space(s)) {
		bool is_bare = off && s->p == from + 1;

		if (*s->p == ':') {
			if (is_bare)
				break;
			s->p++;

			enum atom inner = close_group(s, scan_branches(s));

			s->ignores_space = before;
			return inner;
		}
		if (*s->p == ')') {
			if (s->p == from || is_bare)
				break;
			s->p++;
			return NOTHING;
		}
		if (*s->p == 'u' && off)
			return fault(s, "NonUnicodeUnsupported");
		if (*s->p == 'x')
			s->ignores_space = !off;
		else if (*s->p == '-' && !off)
			off = true;
		else if (!is_one_of(*s->p, "imsUu"))
			break;
	}
	return s->p == s->end ? fault(s, "UnclosedOpenParen") : unknown_flag(s, from);
}

static enum atom scan_group(struct scan *s)
{
	static const char *const assertions[] = { "?=", "?!", "?<=", "?<!", NULL };
	enum atom result = REPEATABLE;

	if (++s->depth >= DEPTH_MAX)
		return fault(s, "RecursionExceeded");
	s->p++;
	skip_space(s);
	for (size_t i = 0; assertions[i] && result == REPEATABLE; i++)
		if (is_next(s, assertions[i])) {
			s->p += strlen(assertions[i]);
			result = ASSERTION;
		}
	if (result == REPEATABLE && is_next(s, "?P=")) {
		s->p += 3;
		s->depth--;
		return scan_name(s, ')') ? REPEATABLE : fault(s, "InvalidGroupName");
	}
	if (result == REPEATABLE && (is_next(s, "?<") || is_next(s, "?P<"))) {
		s->p += is_next(s, "?<") ? 2 : 3;
		s->names++;
		if (!scan_name(s, '>'))
			return fault(s, "InvalidGroupName");
	} else if (is_next(s, "?>")) {
		s->p += 2;
	} else if (result == REPEATABLE && is_next(s, "?")) {
		s->p++;
		result = scan_flags(s);
		s->depth--;
		return result;
	}
	scan_branches(s);
	s->depth--;
	return s->fault ? NOTHING : close_group(s, result);
}

/* ---- the whole ---- */

static enum atom scan_atom(struct scan *s)
{
	skip_space(s);
	if (s->p == s->end || is_one_of(*s->p, "+*?|)"))
		return NOTHING;
	switch (*s->p) {
	case '^':
	case '$':
		s->p++;
		return ASSERTION;
	case '(':
		return scan_group(s);
	case '\\':
		return scan_escape(s);
	case '[':
		return scan_class(s);
	default:
		s->p += char_len(s, s->p);
		return REPEATABLE;
	}
}

const char *kcl_pattern_repeat_end(const char *p, const char *end)
{
	const char *from = ++p;

	while (p < end && isdigit((unsigned char)*p))
		p++;
	if (p == from && (p == end || *p != ','))
		return NULL;
	if (p < end && *p == ',')
		for (p++; p < end && isdigit((unsigned char)*p);)
			p++;
	return p < end && *p == '}' ? p + 1 : NULL;
}

/* False: at the end of a branch. */
static bool scan_piece(struct scan *s, enum atom *ret)
{
	const char *from = s->p, *repeat_end = NULL;
	enum atom atom = scan_atom(s);

	skip_space(s);
	if (s->p < s->end && *s->p == '{')
		repeat_end = kcl_pattern_repeat_end(s->p, s->end);
	if (s->p < s->end && (repeat_end || is_one_of(*s->p, "?*+"))) {
		if (atom != REPEATABLE)
			fault(s, "TargetNotRepeatable");
		else
			s->p = repeat_end ? repeat_end : s->p + 1;
		skip_space(s);
		s->p += is_next(s, "?");
		s->p += is_next(s, "+");
	}
	*ret = atom;
	return s->p > from && s->p < s->end;
}

/* What stands alone is what it is; several parts together can be repeated. */
static enum atom scan_branch(struct scan *s)
{
	enum atom whole = NOTHING, piece;
	bool more;

	do {
		more = scan_piece(s, &piece);
		if (piece != NOTHING)
			whole = whole == NOTHING ? piece : REPEATABLE;
	} while (more);
	return whole;
}

static enum atom scan_branches(struct scan *s)
{
	enum atom whole;

	kcl_stack_check(s->h);
	whole = scan_branch(s);
	if (s->p == s->end || *s->p != '|') {
		if (s->has_numbers && s->names)
			fault(s, "NamedBackrefOnly");
		return whole;
	}
	while (s->p < s->end && *s->p == '|') {
		s->p++;
		scan_branch(s);
	}
	return REPEATABLE;
}

const char *kcl_pattern_fault(struct kcl_heap *h, const char *text, size_t len)
{
	struct scan s = { .h = h, .start = text, .p = text, .end = text + len };

	scan_branches(&s);
	if (!s.fault && s.p < s.end)
		return "ParseError";
	return s.fault;
}
