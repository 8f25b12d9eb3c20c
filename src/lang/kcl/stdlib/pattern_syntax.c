/* From the syntax of Rust's regex to PCRE's: sets within character classes, which become look-aheads in front of a
 * class (https://docs.rs/regex/latest/regex/#character-classes), and a few escapes. */

#include "stdlib/pattern_syntax.h"

#include "stdlib/pattern_fault.h"

#include "base/buf.h"
#include "base/str.h"

#define SYNTAX_MAX ((size_t)64 * 1024)
#define DEPTH_MAX 32

struct reader {
	const char *p, *end;
	unsigned depth;
};

static bool put_set(struct reader *r, struct buf *out);

static bool looking_at(const struct reader *r, const char *text)
{
	size_t n = strlen(text);

	return (size_t)(r->end - r->p) >= n && memcmp(r->p, text, n) == 0;
}

static bool is_operator(const struct reader *r)
{
	return looking_at(r, "&&") || looking_at(r, "--") || looking_at(r, "~~");
}

/* \u and \U with digits and, outside of classes, \h; others as they are. */
static void put_escape(struct reader *r, bool in_class, struct buf *out)
{
	char c = r->p + 1 < r->end ? r->p[1] : '\0';
	int digits = c == 'u' ? 4 : 8;

	if (!in_class && (c == 'h' || c == 'H')) {
		buf_puts(out, c == 'h' ? "[0-9A-Fa-f]" : "[^0-9A-Fa-f]");
		r->p += 2;
	} else if ((c == 'u' || c == 'U') && r->p + 2 < r->end && r->p[2] == '{') {
		buf_puts(out, "\\x");
		r->p += 2;
	} else if ((c == 'u' || c == 'U') && r->end - r->p >= 2 + digits) {
		buf_printf(out, "\\x{%.*s}", digits, r->p + 2);
		r->p += 2 + digits;
	} else {
		size_t n = r->p + 1 < r->end ? 2 : 1;

		buf_append(out, r->p, n);
		r->p += n;
	}
}

/* [:alpha:] */
static bool put_posix(struct reader *r, struct buf *plain)
{
	const char *stop = looking_at(r, "[:") ? memmem(r->p, (size_t)(r->end - r->p), ":]", 2) : NULL;

	if (!stop)
		return false;
	buf_append(plain, r->p, (size_t)(stop + 2 - r->p));
	r->p = stop + 2;
	return true;
}

/* What stands in a class up to its end or an operator: `plain` as PCRE has it between brackets, and `nested` ones. */
static bool read_union(struct reader *r, struct buf *plain, struct buf *nested)
{
	while (r->p < r->end && *r->p != ']' && !is_operator(r)) {
		if (*r->p == '\\') {
			put_escape(r, true, plain);
		} else if (*r->p == '[' && !put_posix(r, plain)) {
			buf_puts(nested, nested->len ? "|" : "");
			r->p++;
			if (!put_set(r, nested))
				return false;
		} else if (*r->p == '^') {
			buf_puts(plain, "\\^");
			r->p++;
		} else if (*r->p != '[') {
			buf_putc(plain, *r->p++);
		}
	}
	return r->p < r->end;
}

/* As something that matches one character. */
static bool put_union(struct reader *r, struct buf *plain, struct buf *out)
{
	_cleanup_buf_ struct buf nested = BUF_INIT(SYNTAX_MAX);

	if (!read_union(r, plain, &nested) || plain->failed || nested.failed)
		return false;
	if (!plain->len && !nested.len)
		buf_puts(out, "(?!)");
	else if (!nested.len)
		buf_printf(out, "[%s]", buf_str(plain));
	else if (!plain->len)
		buf_printf(out, "(?:%s)", buf_str(&nested));
	else
		buf_printf(out, "(?:[%s]|%s)", buf_str(plain), buf_str(&nested));
	return true;
}

/* `left` becomes left, operator, right. */
static bool combine(struct reader *r, struct buf *left)
{
	_cleanup_buf_ struct buf right = BUF_INIT(SYNTAX_MAX);
	_cleanup_buf_ struct buf plain = BUF_INIT(SYNTAX_MAX);
	_cleanup_free_ char *before = xstrdup(buf_str(left));
	char kind = *r->p;

	r->p += 2;
	if (!put_union(r, &plain, &right) || left->len + right.len > SYNTAX_MAX / 4)
		return false;
	buf_reset(left);
	if (kind == '&')
		buf_printf(left, "(?:(?=%s)%s)", buf_str(&right), before);
	else if (kind == '-')
		buf_printf(left, "(?:(?!%s)%s)", buf_str(&right), before);
	else
		buf_printf(left, "(?:(?!%s)%s|(?!%s)%s)", buf_str(&right), before, before, buf_str(&right));
	return true;
}

/* Behind the opening bracket, up to behind the closing one. */
static bool put_set(struct reader *r, struct buf *out)
{
	_cleanup_buf_ struct buf set = BUF_INIT(SYNTAX_MAX);
	_cleanup_buf_ struct buf plain = BUF_INIT(SYNTAX_MAX);
	bool is_negated = r->p < r->end && *r->p == '^';

	if (++r->depth > DEPTH_MAX)
		return false;
	r->p += is_negated;
	/* These are no operator and no end where they come first. */
	while (r->p < r->end && (*r->p == '-' || (*r->p == ']' && !plain.len))) {
		buf_puts(&plain, *r->p == '-' ? "\\-" : "\\]");
		r->p++;
	}
	if (!put_union(r, &plain, &set))
		return false;
	while (*r->p != ']')
		if (!combine(r, &set))
			return false;
	if (set.failed)
		return false;
	r->p++;
	r->depth--;
	if (is_negated)
		buf_printf(out, "(?:(?!%s)(?s:.))", buf_str(&set));
	else
		buf_append(out, set.data, set.len);
	return true;
}

/* Whether the class at r has more in it than PCRE knows. Then r is where it was, else behind it. */
static bool has_sets(struct reader *r)
{
	const char *at = r->p;

	r->p += 1 + (at + 1 < r->end && at[1] == '^');
	r->p += r->p < r->end && *r->p == ']';

	const char *first = r->p;

	while (r->p < r->end && *r->p != ']') {
		bool is_posix = looking_at(r, "[:") && memmem(r->p, (size_t)(r->end - r->p), ":]", 2);
		bool is_first = r->p == first;

		if ((*r->p == '[' && !is_posix) || (is_operator(r) && !is_first) || looking_at(r, "\\u") ||
		    looking_at(r, "\\U")) {
			r->p = at;
			return true;
		}
		if (is_posix)
			r->p = (const char *)memmem(r->p, (size_t)(r->end - r->p), ":]", 2) + 2;
		else
			r->p += *r->p == '\\' && r->p + 1 < r->end ? 2 : 1;
	}
	r->p += r->p < r->end;
	return false;
}

/* An escape outside of classes, with what stands in braces behind it: \p{Greek}, \x{1F600}. */
static void put_whole_escape(struct reader *r, struct buf *out)
{
	char c = r->p + 1 < r->end ? r->p[1] : '\0';

	put_escape(r, false, out);
	if (!c || !strchr("pPxuU", c) || !looking_at(r, "{"))
		return;
	while (r->p < r->end && *r->p != '}')
		buf_putc(out, *r->p++);
}

/* Its greed behind it: ? or + or both. */
static void put_repeat(struct reader *r, const char *end, struct buf *out)
{
	buf_puts(out, looking_at(r, "{,") ? "{0" : "");
	buf_append(out, r->p + looking_at(r, "{,"), (size_t)(end - r->p) - looking_at(r, "{,"));
	for (r->p = end; r->p < r->end && (*r->p == '?' || *r->p == '+'); r->p++)
		buf_putc(out, *r->p);
}

/* "(" and the flags behind "?", without those of Unicode, which is always on. */
static void put_open(struct reader *r, struct buf *out)
{
	buf_putc(out, *r->p++);
	if (r->p == r->end || *r->p != '?')
		return;
	do {
		if (*r->p != 'u')
			buf_putc(out, *r->p);
		r->p++;
	} while (r->p < r->end && *r->p && strchr("imsUux-", *r->p));
}

/* True: something that a quantifier may follow. */
static bool put_plain(struct reader *r, bool is_atom, struct buf *out)
{
	const char *repeat_end = *r->p == '{' ? kcl_pattern_repeat_end(r->p, r->end) : NULL;
	char c = *r->p;

	if (c == '(') {
		put_open(r, out);
		return false;
	}
	if (is_atom && (repeat_end || (c && strchr("*+?", c)))) {
		put_repeat(r, repeat_end ? repeat_end : r->p + 1, out);
		return false;
	}
	buf_puts(out, c == '{' ? "\\" : "");
	buf_putc(out, c);
	r->p++;
	return c != '|';
}

char *kcl_pattern_syntax(const char *text, size_t len, size_t *ret_len)
{
	struct buf out = BUF_INIT(SYNTAX_MAX);
	struct reader r = { .p = text, .end = text + len };
	bool is_atom = false;

	while (r.p < r.end) {
		const char *at = r.p;
		bool is_plain = *at != '\\' && *at != '[';

		if (*r.p == '\\') {
			put_whole_escape(&r, &out);
		} else if (is_plain) {
			is_atom = put_plain(&r, is_atom, &out);
		} else if (!has_sets(&r)) {
			buf_append(&out, at, (size_t)(r.p - at));
		} else {
			r.p++;
			if (!put_set(&r, &out))
				goto wrong;
		}
		is_atom = is_atom || !is_plain;
	}
	if (out.failed)
		goto wrong;
	*ret_len = out.len;
	return buf_steal(&out);
wrong:
	buf_clear(&out);
	*ret_len = 1;
	return xstrdup("[");
}
