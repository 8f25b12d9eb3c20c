#include "yaml_string.h"

#include "text.h"
#include "yaml_scalar.h"

#include <string.h>

#define INDENT 2
#define LINE_MAX 80 /* a space behind this column may become a line break */
#define SIMPLE_KEY_MAX 128

#define NEXT_LINE 0x85
#define LINE_SEPARATOR 0x2028
#define PARAGRAPH_SEPARATOR 0x2029
#define BYTE_ORDER_MARK 0xfeff

enum style { PLAIN, SINGLE_QUOTED, DOUBLE_QUOTED, LITERAL };

struct look {
	bool has_newline;
	bool multiline;       /* also by one of the other breaks */
	bool literal_allowed; /* as a "|" block */
	bool plain_allowed;   /* without quotes, as far as its characters go */
	bool single_allowed;  /* in '…' */
};

/* What "…" can show as it is. go-yaml leaves Unicode's breaks as they are, and cannot read back what it wrote: they are
 * escaped here, the one difference. */
static bool is_printable(uint32_t c)
{
	return c == '\n' || (c >= 0x20 && c < 0x7f) ||
	       (c >= 0xa0 && c < 0xfffe && c != BYTE_ORDER_MARK && c != LINE_SEPARATOR && c != PARAGRAPH_SEPARATOR);
}

static bool is_break(uint32_t c)
{
	return c == '\n' || c == '\r' || c == NEXT_LINE || c == LINE_SEPARATOR || c == PARAGRAPH_SEPARATOR;
}

static bool is_blank_or_end(const char *p, const char *end)
{
	size_t n = text_utf8_len(p, end);

	return n == 0 || *p == ' ' || *p == '\t' || *p == '\0' || is_break(text_utf8_decode(p, n));
}

/* Whether the text begins like something else than a scalar. */
static bool begins_with_indicator(const char *s, const char *end)
{
	if ((*s != '\0' && strchr("#,[]{}&*!|>'\"%@`", *s)) || (strchr("-?:", *s) && is_blank_or_end(s + 1, end)))
		return true;
	return end - s >= 3 && (memcmp(s, "---", 3) == 0 || memcmp(s, "...", 3) == 0);
}

static struct look look_at(const char *s, size_t len)
{
	const char *end = s + len;
	bool special = false, space_break = false, break_space = false, after_space = false, after_break = false;
	bool indicator = len > 0 && begins_with_indicator(s, end), after_blank = true;
	struct look look = { 0 };

	for (const char *p = s; p < end;) {
		size_t n = text_utf8_len(p, end);
		uint32_t c = n ? text_utf8_decode(p, n) : 0;

		special |= !is_printable(c);
		indicator |= (c == ':' && p > s && is_blank_or_end(p + 1, end)) || (c == '#' && after_blank);
		break_space |= c == ' ' && after_break;
		space_break |= is_break(c) && after_space;
		look.has_newline |= c == '\n';
		look.multiline |= is_break(c);
		after_space = c == ' ';
		after_break = is_break(c);
		after_blank = c == ' ' || c == '\t' || c == 0 || after_break;
		p += n ? n : 1;
	}
	special |= space_break;
	look.plain_allowed = !special && !indicator && !look.has_newline && len > 0 && *s != ' ' && !after_space;
	look.single_allowed = !special && !break_space;
	look.literal_allowed = !special && !after_space && len > 0;
	return look;
}

static enum style choose_style(const char *s, size_t len, const struct look *look, bool is_key)
{
	if (look->has_newline)
		return look->literal_allowed && !is_key ? LITERAL : DOUBLE_QUOTED;
	if (!yaml_scalar_is_string(s, len) || (is_key && len == 2 && memcmp(s, "<<", 2) == 0))
		return DOUBLE_QUOTED;
	if (look->plain_allowed)
		return PLAIN;
	return look->single_allowed ? SINGLE_QUOTED : DOUBLE_QUOTED;
}

/* ---- lines ---- */

struct line {
	struct buf *out;
	size_t column; /* characters that are on this line */
	size_t indent;
	bool may_break;
};

static struct line line_at(struct buf *out, size_t indent, bool may_break)
{
	const char *data = buf_str(out);
	size_t column = 0;

	for (size_t i = out->len; may_break && i > 0 && data[i - 1] != '\n'; i--)
		column += ((unsigned char)data[i - 1] & 0xc0) != 0x80;
	return (struct line){ .out = out, .column = column, .indent = indent, .may_break = may_break };
}

static void put(struct line *l, const char *p, size_t n)
{
	buf_append(l->out, p, n);
	l->column++;
}

static void break_line(struct line *l)
{
	buf_putc(l->out, '\n');
	for (l->column = 0; l->column < l->indent; l->column++)
		buf_putc(l->out, ' ');
}

/* ---- styles ---- */

/* Plain or '…'. */
static void write_flow(struct line *l, const char *s, size_t len, bool quoted)
{
	const char *end = s + len;
	size_t n;

	if (!quoted && (!l->may_break || l->column + len <= LINE_MAX)) {
		buf_append(l->out, s, len);
		return;
	}
	for (const char *p = s; p < end; p += n) {
		n = text_utf8_len(p, end);
		if (*p == ' ' && l->may_break && l->column > LINE_MAX && p > s && p + 1 < end && p[-1] != ' ' && p[1] != ' ') {
			break_line(l);
			continue;
		}
		if (*p == '\'' && quoted)
			put(l, "'", 1);
		put(l, p, n);
	}
}

static void write_single_quoted(struct line *l, const char *s, size_t len)
{
	put(l, "'", 1);
	write_flow(l, s, len, true);
	put(l, "'", 1);
}

static void write_escape(struct line *l, uint32_t c)
{
	static const struct {
		uint32_t c;
		char name;
	} names[] = { { 0, '0' },    { '\a', 'a' },           { '\b', 'b' },
		          { '\t', 't' }, { '\n', 'n' },           { '\v', 'v' },
		          { '\f', 'f' }, { '\r', 'r' },           { 0x1b, 'e' },
		          { '"', '"' },  { '\\', '\\' },          { NEXT_LINE, 'N' },
		          { 0xa0, '_' }, { LINE_SEPARATOR, 'L' }, { PARAGRAPH_SEPARATOR, 'P' } };
	size_t before = l->out->len;

	for (size_t i = 0; i < ARRAY_SIZE(names); i++)
		if (names[i].c == c) {
			char text[2] = { '\\', names[i].name };

			buf_append(l->out, text, 2);
			l->column += 2;
			return;
		}
	if (c < 0x100)
		buf_printf(l->out, "\\x%02X", (unsigned)c);
	else if (c < 0x10000)
		buf_printf(l->out, "\\u%04X", (unsigned)c);
	else
		buf_printf(l->out, "\\U%08X", (unsigned)c);
	l->column += l->out->len - before;
}

static void write_double_quoted(struct line *l, const char *s, size_t len)
{
	const char *end = s + len;
	size_t first = text_utf8_len(s, end);
	/* go-yaml takes every character of such a text for the mark. */
	bool escape_all = first > 0 && text_utf8_decode(s, first) == BYTE_ORDER_MARK, spaces = false;

	put(l, "\"", 1);
	for (const char *p = s; p < end;) {
		size_t n = text_utf8_len(p, end);
		uint32_t c = n ? text_utf8_decode(p, n) : 0xfffd;

		if (escape_all || n == 0 || !is_printable(c) || is_break(c) || c == '"' || c == '\\') {
			write_escape(l, c);
		} else if (c == ' ' && l->may_break && !spaces && l->column > LINE_MAX && p > s && p + 1 < end) {
			break_line(l);
			if (p[1] == ' ')
				put(l, "\\", 1);
		} else {
			put(l, p, n);
		}
		spaces = c == ' ' && !escape_all;
		p += n ? n : 1;
	}
	put(l, "\"", 1);
}

/* "|", how far it is indented where the text itself begins with white space, what becomes of newlines at its end;
 * without the newline that ends it. */
static void write_literal(struct line *l, const char *s, size_t len)
{
	const char *end = s + len;

	buf_putc(l->out, '|');
	if (*s == ' ' || *s == '\n')
		buf_printf(l->out, "%d", INDENT);
	if (end[-1] != '\n')
		buf_putc(l->out, '-');
	else if (len == 1 || end[-2] == '\n')
		buf_putc(l->out, '+');
	while (s < end) {
		const char *line_end = memchr(s, '\n', (size_t)(end - s));

		if (!line_end)
			line_end = end;
		if (line_end > s)
			break_line(l);
		else
			buf_putc(l->out, '\n');
		buf_append(l->out, s, (size_t)(line_end - s));
		s = line_end + 1;
	}
}

bool yaml_string_is_simple_key(const char *s, size_t len)
{
	return len <= SIMPLE_KEY_MAX && !look_at(s, len).multiline;
}

void yaml_write_string(struct buf *out, const char *s, size_t len, size_t indent, bool is_key)
{
	struct look look = look_at(s, len);
	struct line line = line_at(out, indent, !is_key);

	switch (choose_style(s, len, &look, is_key)) {
	case PLAIN:
		write_flow(&line, s, len, false);
		break;
	case SINGLE_QUOTED:
		write_single_quoted(&line, s, len);
		break;
	case DOUBLE_QUOTED:
		write_double_quoted(&line, s, len);
		break;
	case LITERAL:
		write_literal(&line, s, len);
		break;
	}
}
