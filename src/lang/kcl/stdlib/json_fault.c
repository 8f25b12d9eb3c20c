#include "stdlib/json_fault.h"

#include "base/str.h"

struct scan {
	const char *p, *end;
	const char *what; /* is wrong; NULL: nothing yet */
	const char *at;   /* where: before this byte */
	unsigned depth;
};

/* serde_json counts the bytes that it has read; of an error about a byte that is next, that byte is one of them. */
static bool fault(struct scan *s, const char *what)
{
	s->what = what;
	s->at = s->p;
	return false;
}

static bool fault_next(struct scan *s, const char *what)
{
	s->what = what;
	s->at = s->p < s->end ? s->p + 1 : s->end;
	return false;
}

/* The byte that is next, or -1. */
static int peek(const struct scan *s)
{
	return s->p < s->end ? (unsigned char)*s->p : -1;
}

static int skip_space(struct scan *s)
{
	while (s->p < s->end && strchr(" \t\r\n", *s->p) && *s->p)
		s->p++;
	return peek(s);
}

static bool is_digit(int c)
{
	return c >= '0' && c <= '9';
}

/* ---- scalars ---- */

static bool scan_word(struct scan *s, const char *word)
{
	for (; *word; word++) {
		if (s->p == s->end)
			return fault(s, "EOF while parsing a value");
		if (*s->p++ != *word)
			return fault(s, "expected ident");
	}
	return true;
}

static void skip_digits(struct scan *s)
{
	while (is_digit(peek(s)))
		s->p++;
}

static bool scan_exponent(struct scan *s)
{
	s->p++;
	if (peek(s) == '+' || peek(s) == '-')
		s->p++;
	if (s->p == s->end)
		return fault(s, "EOF while parsing a value");
	if (!is_digit(*s->p++))
		return fault(s, "invalid number");
	skip_digits(s);
	return true;
}

static bool scan_fraction(struct scan *s)
{
	s->p++;
	if (!is_digit(peek(s)))
		return fault_next(s, s->p < s->end ? "invalid number" : "EOF while parsing a value");
	skip_digits(s);
	return true;
}

static bool scan_number(struct scan *s)
{
	const char *from = s->p;

	if (*s->p == '-')
		s->p++;
	if (s->p == s->end)
		return fault(s, "EOF while parsing a value");
	int first = (unsigned char)*s->p++;
	if (!is_digit(first))
		return fault(s, "invalid number");
	if (first == '0' && is_digit(peek(s)))
		return fault_next(s, "invalid number");
	skip_digits(s);
	if (peek(s) == '.' && !scan_fraction(s))
		return false;
	if ((peek(s) == 'e' || peek(s) == 'E') && !scan_exponent(s))
		return false;

	_cleanup_free_ char *number = xstrndup(from, (size_t)(s->p - from));
	double f = strtod(number, NULL);

	return f - f == 0 || fault(s, "number out of range");
}

static bool scan_hex(struct scan *s, unsigned *ret)
{
	if (s->end - s->p < 4) {
		s->p = s->end;
		return fault(s, "EOF while parsing a string");
	}
	*ret = 0;
	for (const char *to = s->p + 4; s->p < to; s->p++) {
		int c = (unsigned char)*s->p, lower = c | 0x20;

		if (!is_digit(c) && (lower < 'a' || lower > 'f')) {
			s->p = to;
			return fault(s, "invalid escape");
		}
		*ret = *ret << 4 | (unsigned)(is_digit(c) ? c - '0' : lower - 'a' + 10);
	}
	return true;
}

static bool scan_expected(struct scan *s, char c)
{
	if (s->p == s->end)
		return fault(s, "EOF while parsing a string");
	return *s->p++ == c || fault(s, "unexpected end of hex escape");
}

/* Behind `\u`; a high surrogate wants a low one behind it. */
static bool scan_unicode(struct scan *s)
{
	unsigned high, low;

	if (!scan_hex(s, &high))
		return false;
	if (high >= 0xdc00 && high <= 0xdfff)
		return fault(s, "lone leading surrogate in hex escape");
	if (high < 0xd800 || high > 0xdbff)
		return true;
	if (!scan_expected(s, '\\') || !scan_expected(s, 'u') || !scan_hex(s, &low))
		return false;
	return (low >= 0xdc00 && low <= 0xdfff) || fault(s, "lone leading surrogate in hex escape");
}

static bool scan_escape(struct scan *s)
{
	if (s->p == s->end)
		return fault(s, "EOF while parsing a string");
	int c = (unsigned char)*s->p++;
	if (c == 'u')
		return scan_unicode(s);
	return (c && strchr("\"\\/bfnrt", c)) || fault(s, "invalid escape");
}

/* Behind the quote. */
static bool scan_string(struct scan *s)
{
	for (;;) {
		while (s->p < s->end && *s->p != '"' && *s->p != '\\' && (unsigned char)*s->p >= 0x20)
			s->p++;
		if (s->p == s->end)
			return fault(s, "EOF while parsing a string");
		int c = (unsigned char)*s->p++;
		if (c == '"')
			return true;
		if (c != '\\')
			return fault(s, "control character (\\u0000-\\u001F) found while parsing a string");
		if (!scan_escape(s))
			return false;
	}
}

/* ---- collections ---- */

static bool scan_value(struct scan *s);

static bool scan_item(struct scan *s, bool is_first, bool *ret_end)
{
	int c = skip_space(s);

	*ret_end = c == ']';
	if (c < 0)
		return fault_next(s, "EOF while parsing a list");
	if (c == ']' || is_first)
		return c == ']' || scan_value(s);
	if (c != ',')
		return fault_next(s, "expected `,` or `]`");
	s->p++;
	return skip_space(s) == ']' ? fault_next(s, "trailing comma") : scan_value(s);
}

static bool scan_member(struct scan *s, bool is_first, bool *ret_end)
{
	int c = skip_space(s);

	*ret_end = c == '}';
	if (c < 0)
		return fault_next(s, "EOF while parsing an object");
	if (c == '}')
		return true;
	if (!is_first) {
		if (c != ',')
			return fault_next(s, "expected `,` or `}`");
		s->p++;
		c = skip_space(s);
		if (c < 0)
			return fault_next(s, "EOF while parsing a value");
		if (c == '}')
			return fault_next(s, "trailing comma");
	}
	if (c != '"')
		return fault_next(s, "key must be a string");
	s->p++;
	if (!scan_string(s))
		return false;
	c = skip_space(s);
	if (c != ':')
		return fault_next(s, c < 0 ? "EOF while parsing an object" : "expected `:`");
	s->p++;
	return scan_value(s);
}

static bool scan_collection(struct scan *s, bool (*scan_next)(struct scan *s, bool is_first, bool *ret_end))
{
	bool is_first = true, end = false;

	if (++s->depth >= KCL_JSON_DEPTH)
		return fault_next(s, "recursion limit exceeded");
	for (s->p++; scan_next(s, is_first, &end) && !end;)
		is_first = false;
	if (s->what)
		return false;
	s->p++;
	s->depth--;
	return true;
}

static bool scan_value(struct scan *s)
{
	int c = skip_space(s);

	switch (c) {
	case -1:
		return fault_next(s, "EOF while parsing a value");
	case 'n':
		return scan_word(s, "null");
	case 't':
		return scan_word(s, "true");
	case 'f':
		return scan_word(s, "false");
	case '"':
		s->p++;
		return scan_string(s);
	case '[':
		return scan_collection(s, scan_item);
	case '{':
		return scan_collection(s, scan_member);
	default:
		return c == '-' || is_digit(c) ? scan_number(s) : fault_next(s, "expected value");
	}
}

bool kcl_json_fault(const char *text, size_t len, struct kcl_json_fault *ret)
{
	struct scan s = { .p = text, .end = text + len };

	if (scan_value(&s) && skip_space(&s) >= 0)
		fault_next(&s, "trailing characters");
	if (!s.what)
		return false;
	*ret = (struct kcl_json_fault){ .what = s.what, .line = 1 };
	for (const char *p = text; p < s.at; p++) {
		ret->column = *p == '\n' ? 0 : ret->column + 1;
		ret->line += *p == '\n';
	}
	return true;
}
