#include "toml_parser.h"

#include "base/str.h"
#include "text.h"

#include <math.h>

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

/* Strings */

static int parse_unicode_escape(struct toml_parser *t, int digits, struct buf *out)
{
	const char *at = t->p - 2;
	uint32_t c = 0;
	for (int i = 0; i < digits; i++, t->p++) {
		int digit = text_hex_digit(toml_peek(t));
		if (digit < 0)
			return toml_fail_at(t, at, "the escape needs %d hexadecimal digits", digits);
		c = c << 4 | (uint32_t)digit;
	}
	if (c == 0 || c > 0x10ffff || (c >= 0xd800 && c <= 0xdfff))
		return toml_fail_at(t, at, "the escape stands for no character that a string can hold");
	char utf8[4];
	return buf_append(out, utf8, text_utf8_encode(c, utf8));
}

/* A backslash before the end of a line in a multi-line string: all white space up to the next text is left out. */
static bool skip_folded_lines(struct toml_parser *t)
{
	const char *p = t->p;
	while (p < t->end && (*p == ' ' || *p == '\t'))
		p++;
	if (p < t->end && *p == '\r')
		p++;
	if (p == t->end || *p != '\n')
		return false;
	while (p < t->end && *p && strchr(" \t\r\n", *p))
		p++;
	t->p = p;
	return true;
}

/* t->p is at the backslash. */
static int parse_escape(struct toml_parser *t, bool multiline, struct buf *out)
{
	static const char names[] = "btnfr\"\\", values[] = "\b\t\n\f\r\"\\";
	const char *at = t->p++;
	if (multiline && skip_folded_lines(t))
		return 0;
	char c = toml_peek(t);
	const char *found = c ? strchr(names, c) : NULL;
	t->p++;
	if (found)
		return buf_putc(out, values[found - names]);
	if (c == 'u' || c == 'U')
		return parse_unicode_escape(t, c == 'u' ? 4 : 8, out);
	return toml_fail_at(t, at, "no such escape in a string");
}

/* How many of that quote stand at t->p. */
static size_t count_quotes(const struct toml_parser *t, char quote)
{
	const char *p = t->p;
	while (p < t->end && *p == quote)
		p++;
	return (size_t)(p - t->p);
}

/* One character of the string that is no quote, backslash or newline of its own meaning. */
static int take_character(struct toml_parser *t, bool multiline, struct buf *out)
{
	char c = *t->p;
	if (c == '\r' && t->end - t->p > 1 && t->p[1] == '\n')
		c = *++t->p;
	if (c == '\n' && !multiline)
		return toml_fail_at(t, t->p, "the string does not end on its line");
	if (((unsigned char)c < 0x20 && c != '\t' && c != '\n') || c == 0x7f)
		return toml_fail_at(t, t->p, "control character 0x%02X in a string must be written as an escape",
		                    (unsigned)(unsigned char)c);
	t->p++;
	return buf_putc(out, c);
}

json_t *toml_parse_string(struct toml_parser *t)
{
	_cleanup_buf_ struct buf out = BUF_INIT(JSON_TEXT_MAX);
	const char *open = t->p;
	char quote = *t->p;
	size_t quotes = count_quotes(t, quote);
	bool multiline = quotes >= 3;
	if (quotes == 2) {
		t->p += 2;
		return json_string("");
	}
	t->p += multiline ? 3 : 1;
	if (multiline) {
		t->p += t->end - t->p > 1 && t->p[0] == '\r' && t->p[1] == '\n';
		t->p += toml_peek(t) == '\n';
	}
	while (t->p < t->end) {
		size_t closing = *t->p == quote ? count_quotes(t, quote) : 0;
		if (closing && (!multiline || closing >= 3)) {
			/* Up to two quotes may stand before the three that close. */
			size_t inside = !multiline ? 0 : closing > 5 ? 2 : closing - 3;
			buf_append(&out, t->p, inside);
			t->p += inside + (multiline ? 3 : 1);
			return json_stringn(buf_str(&out), out.len);
		}
		if ((*t->p == '\\' && quote == '"' ? parse_escape(t, multiline, &out) : take_character(t, multiline, &out)) < 0)
			return NULL;
	}
	return toml_fail_at(t, open, "the string that begins here does not end"), NULL;
}

/* Dates and times: checked, then kept as they are written. */

static bool take_digits(const char **p, const char *end, int n, int *ret)
{
	if (end - *p < n)
		return false;
	int v = 0;
	for (int i = 0; i < n; i++) {
		if (!is_digit((*p)[i]))
			return false;
		v = v * 10 + (*p)[i] - '0';
	}
	*p += n;
	*ret = v;
	return true;
}

static bool take_char(const char **p, const char *end, const char *any)
{
	if (*p == end || !strchr(any, **p) || !**p)
		return false;
	++*p;
	return true;
}

static bool take_date(const char **p, const char *end)
{
	static const int days[] = { 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31 };
	int year, month, day;
	if (!take_digits(p, end, 4, &year) || !take_char(p, end, "-") || !take_digits(p, end, 2, &month) ||
	    !take_char(p, end, "-") || !take_digits(p, end, 2, &day) || month < 1 || month > 12 || day < 1)
		return false;
	bool leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
	return day <= days[month - 1] + (month == 2 && leap);
}

static bool take_time(const char **p, const char *end)
{
	int hour, minute, second;
	if (!take_digits(p, end, 2, &hour) || !take_char(p, end, ":") || !take_digits(p, end, 2, &minute) ||
	    !take_char(p, end, ":") || !take_digits(p, end, 2, &second) || hour > 23 || minute > 59 || second > 60)
		return false;
	if (!take_char(p, end, "."))
		return true;
	const char *fraction = *p;
	while (*p < end && is_digit(**p))
		++*p;
	return *p > fraction;
}

/* Z or ±hh:mm, or nothing. */
static bool take_offset(const char **p, const char *end)
{
	int hour, minute;
	if (take_char(p, end, "Zz") || !take_char(p, end, "+-"))
		return true;
	return take_digits(p, end, 2, &hour) && take_char(p, end, ":") && take_digits(p, end, 2, &minute) && hour <= 23 &&
	       minute <= 59;
}

static bool looks_like_date(const struct toml_parser *t)
{
	ptrdiff_t left = t->end - t->p;
	size_t digits = 0;
	while ((ptrdiff_t)digits < left && is_digit(t->p[digits]))
		digits++;
	return (ptrdiff_t)digits < left && ((digits == 4 && t->p[4] == '-') || (digits == 2 && t->p[2] == ':'));
}

static json_t *parse_date(struct toml_parser *t)
{
	const char *p = t->p, *end = t->end;
	bool ok;
	if (p[2] == ':') {
		ok = take_time(&p, end);
	} else {
		ok = take_date(&p, end);
		bool timed = ok && end - p > 1 && (*p == 'T' || *p == 't' || (*p == ' ' && is_digit(p[1])));
		if (timed) {
			p++;
			ok = take_time(&p, end) && take_offset(&p, end);
		}
	}
	if (!ok)
		return toml_fail_at(t, t->p, "this is no valid date or time"), NULL;
	json_t *v = json_stringn(t->p, (size_t)(p - t->p));
	t->p = p;
	return v;
}

/* Numbers */

static bool is_number_character(char c)
{
	return c == '+' || c == '-' || c == '.' || c == '_' || is_digit(c) || (c >= 'a' && c <= 'z') ||
	       (c >= 'A' && c <= 'Z');
}

static bool is_digit_of(char c, unsigned base)
{
	int digit = text_hex_digit(c);
	return digit >= 0 && (unsigned)digit < base;
}

/* Takes out the underscores of s in place; false when one does not stand between two digits of the base. */
static bool drop_underscores(char *s, unsigned base)
{
	char *out = s;
	for (char *p = s; *p; p++) {
		if (*p != '_')
			*out++ = *p;
		else if (p == s || !is_digit_of(p[-1], base) || !is_digit_of(p[1], base))
			return false;
	}
	*out = '\0';
	return true;
}

/* Digits of a base to at most 64 bits, with the sign's room; 1 when they overflow, -1 when they are none. */
static int parse_magnitude(const char *s, unsigned base, uint64_t limit, uint64_t *ret)
{
	uint64_t v = 0;
	bool overflow = false;
	if (!*s)
		return -1;
	for (; *s; s++) {
		if (!is_digit_of(*s, base))
			return -1;
		overflow = overflow || __builtin_mul_overflow(v, base, &v) ||
		           __builtin_add_overflow(v, (uint64_t)text_hex_digit(*s), &v) || v > limit;
	}
	*ret = v;
	return overflow;
}

/* [-+]?(0|[1-9][0-9]*)(\.[0-9]+)?([eE][-+]?[0-9]+)? */
static bool is_float(const char *s)
{
	s += *s == '-' || *s == '+';
	if (!is_digit(*s) || (*s == '0' && is_digit(s[1])))
		return false;
	s += strspn(s, "0123456789");
	if (*s == '.') {
		if (!is_digit(*++s))
			return false;
		s += strspn(s, "0123456789");
	}
	if (*s == 'e' || *s == 'E') {
		s += 1 + (s[1] == '-' || s[1] == '+');
		if (!is_digit(*s))
			return false;
		s += strspn(s, "0123456789");
	}
	return !*s;
}

static json_t *parse_number(struct toml_parser *t)
{
	const char *from = t->p;
	while (t->p < t->end && is_number_character(*t->p))
		t->p++;
	_cleanup_free_ char *s = xstrndup(from, (size_t)(t->p - from));
	bool negative = *s == '-', is_signed = negative || *s == '+';
	const char *bare = s + is_signed;
	uint64_t magnitude = 0, limit = (uint64_t)INT64_MAX + negative;
	double real;
	/* JSON has no infinity; what is no number there stays a word. */
	if (str_eq(bare, "inf") || str_eq(bare, "nan"))
		return json_string(s);
	unsigned base = bare[0] != '0' ? 10 : bare[1] == 'x' ? 16 : bare[1] == 'o' ? 8 : bare[1] == 'b' ? 2 : 10;
	if (!drop_underscores(s, base))
		return toml_fail_at(t, from, "'_' must stand between two digits"), NULL;
	bool leading_zero = base == 10 && bare[0] == '0' && bare[1];
	int r = base != 10 && is_signed ? -1 : parse_magnitude(bare + (base == 10 ? 0 : 2), base, limit, &magnitude);
	if (r > 0)
		return toml_fail_at(t, from, "the number does not fit 64 bits"), NULL;
	if (r == 0 && !leading_zero)
		return json_integer((json_int_t)(negative ? 0 - magnitude : magnitude));
	if (is_float(s) && text_parse_real(s, strlen(s), &real))
		return json_real(real);
	return toml_fail_at(t, from, "\"%.60s\" is no value (strings need quotes)", s), NULL;
}

/* Containers */

static json_t *parse_array(struct toml_parser *t)
{
	_cleanup_json_ json_t *array = json_array();
	t->p++;
	for (;;) {
		if (toml_skip_lines(t) < 0)
			return NULL;
		if (toml_peek(t) == ']')
			break;
		json_t *v = toml_parse_value(t);
		if (!v)
			return NULL;
		json_array_append_new(array, v);
		if (toml_skip_lines(t) < 0)
			return NULL;
		if (toml_peek(t) == ',')
			t->p++;
		else if (toml_peek(t) != ']')
			return toml_fail_expected(t, "',' or ']'"), NULL;
	}
	t->p++;
	toml_freeze(t, array);
	return TAKE_PTR(array);
}

static json_t *parse_inline_table(struct toml_parser *t)
{
	_cleanup_json_ json_t *table = json_object();
	t->p++;
	toml_skip_blanks(t);
	bool more = toml_peek(t) != '}';
	while (more) {
		toml_skip_blanks(t);
		if (toml_parse_pair(t, table) < 0)
			return NULL;
		toml_skip_blanks(t);
		more = toml_peek(t) == ',';
		if (more)
			t->p++;
		else if (toml_peek(t) != '}')
			return toml_fail_expected(t, "',' or '}'"), NULL;
	}
	t->p++;
	toml_freeze(t, table);
	return TAKE_PTR(table);
}

static json_t *parse_container(struct toml_parser *t)
{
	if (t->depth >= JSON_DEPTH_MAX)
		return toml_fail_at(t, t->p, "nested deeper than %d levels", JSON_DEPTH_MAX), NULL;
	t->depth++;
	json_t *v = *t->p == '[' ? parse_array(t) : parse_inline_table(t);
	t->depth--;
	return v;
}

static bool take_word(struct toml_parser *t, const char *word)
{
	size_t len = strlen(word);
	if ((size_t)(t->end - t->p) < len || memcmp(t->p, word, len) != 0 ||
	    ((size_t)(t->end - t->p) > len && is_number_character(t->p[len])))
		return false;
	t->p += len;
	return true;
}

json_t *toml_parse_value(struct toml_parser *t)
{
	char c = toml_peek(t);
	if (c == '"' || c == '\'')
		return toml_parse_string(t);
	if (c == '[' || c == '{')
		return parse_container(t);
	if (take_word(t, "true"))
		return json_true();
	if (take_word(t, "false"))
		return json_false();
	if (looks_like_date(t))
		return parse_date(t);
	if (is_number_character(c))
		return parse_number(t);
	return toml_fail_expected(t, "a value"), NULL;
}
