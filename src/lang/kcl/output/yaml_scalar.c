#include "output/yaml_scalar.h"

#include "base/str.h"

#include <stdio.h>

/* The rules are libyaml's (yaml_emitter_analyze_scalar() and what follows from it) and, in front of them, serde_yaml's:
 * a text with a line break asks for a block, one that could be taken for something else for quotes. */

struct look {
	bool multiline;
	bool block_plain, single_quoted, block; /* what it may be shown as */
};

/* ---- characters ---- */

/* Others are escaped: control characters, those beyond U+FFFF, the byte order mark, half surrogates. */
static bool is_printable(uint32_t c)
{
	return c == 0x0a || (c >= 0x20 && c <= 0x7e) ||
	       (c >= 0xa0 && c <= 0xffff && c != 0xfeff && c != 0xfffe && c != 0xffff);
}

static bool is_break(uint32_t c)
{
	return c == '\n' || c == '\r' || c == 0x85 || c == 0x2028 || c == 0x2029;
}

static uint32_t char_at(const struct kcl_str *s, size_t at, size_t *ret_len)
{
	uint32_t c = 0xfffd;
	size_t n = at < s->len ? utf8_next(s->s + at, s->len - at, &c) : 0;

	*ret_len = n ? n : 1;
	return at < s->len ? c : 0;
}

/* The end of the text counts as blank. */
static bool is_blank_or_end(const struct kcl_str *s, size_t at)
{
	size_t n;
	uint32_t c = char_at(s, at, &n);

	return at >= s->len || c == ' ' || c == '\t' || is_break(c);
}

/* ---- what a text may be shown as ---- */

static bool begins_with_indicator(const struct kcl_str *s)
{
	if (s->len >= 3 && (memcmp(s->s, "---", 3) == 0 || memcmp(s->s, "...", 3) == 0))
		return true;
	if (strchr("#,[]{}&*!|>'\"%@`", s->s[0]))
		return true;
	return strchr("?:-", s->s[0]) && is_blank_or_end(s, 1);
}

/* What follows from spaces next to line breaks and at the ends. */
struct blanks {
	bool leading, trailing_space, trailing_break, break_space, space_break, breaks, special, indicators;
};

static struct blanks find_blanks(const struct kcl_str *s)
{
	struct blanks b = { .indicators = begins_with_indicator(s) };
	bool after_space = false, after_break = false, after_blank = true;

	for (size_t at = 0, n; at < s->len; at += n) {
		uint32_t c = char_at(s, at, &n);
		bool space = c == ' ', is_line_break = is_break(c), last = at + n >= s->len;

		b.indicators = b.indicators || (at > 0 && c == ':' && is_blank_or_end(s, at + n)) ||
		               (at > 0 && c == '#' && after_blank);
		b.special = b.special || !is_printable(c);
		b.breaks = b.breaks || is_line_break;
		b.leading = b.leading || (at == 0 && (space || is_line_break));
		b.trailing_space = b.trailing_space || (last && space);
		b.trailing_break = b.trailing_break || (last && is_line_break);
		b.break_space = b.break_space || (space && after_break);
		b.space_break = b.space_break || (is_line_break && after_space);
		after_space = space;
		after_break = is_line_break;
		after_blank = space || is_line_break || c == '\t';
	}
	return b;
}

static struct look look_at(const struct kcl_str *s)
{
	if (s->len == 0)
		return (struct look){ .block_plain = true, .single_quoted = true };

	struct blanks b = find_blanks(s);
	bool hard = b.space_break || b.special;

	return (struct look){
		.multiline = b.breaks,
		.block_plain = !b.leading && !b.trailing_space && !b.trailing_break && !b.break_space && !hard && !b.breaks &&
		               !b.indicators,
		.single_quoted = !b.break_space && !hard,
		.block = !b.trailing_space && !hard,
	};
}

/* Words that some reader of YAML takes for no string; numbers and the like begin with these characters. */
static bool is_ambiguous(const struct kcl_str *s)
{
	static const char *const words[] = {
		"y", "yes", "n", "no", "on", "off", "true", "false", "null", "nil", "~", "nan"
	};

	if (s->len == 0 || isdigit((unsigned char)s->s[0]) || strchr("-.+", s->s[0]))
		return true;
	for (size_t i = 0; s->len <= 5 && i < ARRAY_SIZE(words); i++)
		if (strcasecmp(s->s, words[i]) == 0)
			return true;
	return false;
}

bool kcl_yaml_is_multiline(const struct kcl_str *s)
{
	size_t n;

	for (size_t at = 0; at < s->len; at += n)
		if (is_break(char_at(s, at, &n)))
			return true;
	return false;
}

enum kcl_yaml_style kcl_yaml_style(const struct kcl_str *s, bool is_key)
{
	struct look look = look_at(s);

	if (memchr(s->s, '\n', s->len))
		return look.block && !is_key ? KCL_YAML_LITERAL : KCL_YAML_DOUBLE;
	if (is_key && look.multiline)
		return KCL_YAML_DOUBLE;
	if (look.block_plain && !is_ambiguous(s))
		return KCL_YAML_PLAIN;
	return look.single_quoted ? KCL_YAML_SINGLE : KCL_YAML_DOUBLE;
}

/* ---- writing ---- */

static void put_single(struct kcl_text *t, const struct kcl_str *s, size_t indent)
{
	bool after_break = false;

	kcl_text_putc(t, '\'');
	for (size_t at = 0, n; at < s->len; at += n) {
		uint32_t c = char_at(s, at, &n);

		if (after_break && !is_break(c))
			kcl_text_fill(t, ' ', indent);
		if (c == '\'')
			kcl_text_putc(t, '\'');
		kcl_text_put(t, s->s + at, n);
		after_break = is_break(c);
	}
	if (after_break)
		kcl_text_fill(t, ' ', indent);
	kcl_text_putc(t, '\'');
}

static void put_escape(struct kcl_text *t, uint32_t c)
{
	static const struct {
		uint32_t c;
		char name;
	} names[] = {
		{ 0, '0' },     { 7, 'a' },    { 8, 'b' },    { 9, 't' },      { 10, 'n' },
		{ 11, 'v' },    { 12, 'f' },   { 13, 'r' },   { 0x1b, 'e' },   { '"', '"' },
		{ '\\', '\\' }, { 0x85, 'N' }, { 0xa0, '_' }, { 0x2028, 'L' }, { 0x2029, 'P' },
	};

	kcl_text_putc(t, '\\');
	for (size_t i = 0; i < ARRAY_SIZE(names); i++)
		if (names[i].c == c)
			return kcl_text_putc(t, names[i].name);
	kcl_text_printf(t, c <= 0xff ? "x%02X" : c <= 0xffff ? "u%04X" : "U%08X", c);
}

static void put_double(struct kcl_text *t, const struct kcl_str *s)
{
	kcl_text_putc(t, '"');
	for (size_t at = 0, n; at < s->len; at += n) {
		uint32_t c = char_at(s, at, &n);

		if (!is_printable(c) || is_break(c) || c == '"' || c == '\\')
			put_escape(t, c);
		else
			kcl_text_put(t, s->s + at, n);
	}
	kcl_text_putc(t, '"');
}

void kcl_yaml_put_flow(struct kcl_text *t, const struct kcl_str *s, enum kcl_yaml_style style, size_t indent)
{
	if (style == KCL_YAML_SINGLE)
		put_single(t, s, indent);
	else if (style == KCL_YAML_DOUBLE)
		put_double(t, s);
	else
		kcl_text_put_str(t, s);
}

static size_t last_char(const struct kcl_str *s, size_t end)
{
	do
		end--;
	while (end > 0 && ((uint8_t)s->s[end] & 0xc0) == 0x80);
	return end;
}

/* The indentation where the text begins with a blank, "-" where it ends without a line break, "+" where it ends with
 * more than one or is nothing else. */
static bool put_hints(struct kcl_text *t, const struct kcl_str *s)
{
	size_t n, last = last_char(s, s->len);
	uint32_t first = char_at(s, 0, &n);

	if (first == ' ' || is_break(first))
		kcl_text_putc(t, '2');
	if (!is_break(char_at(s, last, &n))) {
		kcl_text_putc(t, '-');
		return false;
	}
	if (last > 0 && !is_break(char_at(s, last_char(s, last), &n)))
		return false;
	kcl_text_putc(t, '+');
	return true;
}

bool kcl_yaml_put_literal(struct kcl_text *t, const struct kcl_str *s, size_t indent)
{
	bool line_start = true;

	kcl_text_putc(t, '|');

	bool open_ended = put_hints(t, s);

	kcl_text_putc(t, '\n');
	for (size_t at = 0, n; at < s->len; at += n) {
		uint32_t c = char_at(s, at, &n);

		if (line_start && !is_break(c))
			kcl_text_fill(t, ' ', indent);
		kcl_text_put(t, s->s + at, n);
		line_start = is_break(c);
	}
	return open_ended;
}
