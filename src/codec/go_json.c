#include "codec/go_json.h"

#include "base/buf.h"
#include "base/str.h"
#include "codec/go_format.h"

#include <string.h>

#define DEPTH_MAX 10000
#define MESSAGE_MAX ((size_t)256)

enum state {
	BEGIN_VALUE,         /* a value must follow */
	BEGIN_VALUE_OR_END,  /* behind '[' */
	BEGIN_STRING,        /* a key must follow */
	BEGIN_STRING_OR_END, /* behind '{' */
	END_VALUE,           /* behind a value */
	END_TOP,
	IN_STRING,
	IN_ESCAPE,
	IN_HEX,
	IN_LITERAL,
	NEGATIVE,
	ZERO,
	DIGITS,
	DOT,
	FRACTION,
	EXPONENT,
	EXPONENT_SIGN,
	EXPONENT_DIGITS,
};

enum open { IN_KEY, IN_MEMBER, IN_ARRAY };

struct scanner {
	enum state state;
	char open[DEPTH_MAX]; /* enum open */
	size_t depth;
	const char *literal; /* the word, and the part of it that is still to come */
	const char *rest;
	int hex_left;
	const char *context; /* of the error; NULL: none yet */
};

static bool is_space(char c)
{
	return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

static void fail(struct scanner *s, const char *context)
{
	s->context = context;
}

static void push(struct scanner *s, enum open what, enum state next)
{
	if (s->depth == DEPTH_MAX) {
		fail(s, "");
		return;
	}
	s->open[s->depth++] = (char)what;
	s->state = next;
}

static void end_value(struct scanner *s)
{
	s->state = s->depth ? END_VALUE : END_TOP;
}

static void pop(struct scanner *s)
{
	s->depth--;
	end_value(s);
}

static void begin_literal(struct scanner *s, const char *word)
{
	s->literal = word;
	s->rest = word + 1;
	s->state = IN_LITERAL;
}

static void begin_value(struct scanner *s, char c)
{
	if (is_space(c))
		return;
	if (c == ']' && s->state == BEGIN_VALUE_OR_END)
		pop(s);
	else if (c == '{')
		push(s, IN_KEY, BEGIN_STRING_OR_END);
	else if (c == '[')
		push(s, IN_ARRAY, BEGIN_VALUE_OR_END);
	else if (c == '"')
		s->state = IN_STRING;
	else if (c == '-')
		s->state = NEGATIVE;
	else if (is_digit(c))
		s->state = c == '0' ? ZERO : DIGITS;
	else if (c == 't' || c == 'f' || c == 'n')
		begin_literal(s, c == 't' ? "true" : c == 'f' ? "false" : "null");
	else
		fail(s, "looking for beginning of value");
}

static void begin_key(struct scanner *s, char c)
{
	if (is_space(c))
		return;
	if (c == '}' && s->state == BEGIN_STRING_OR_END)
		pop(s);
	else if (c == '"')
		s->state = IN_STRING;
	else
		fail(s, "looking for beginning of object key string");
}

static void after_value(struct scanner *s, char c)
{
	char *open = &s->open[s->depth - 1];

	if (is_space(c))
		return;
	if (*open == IN_KEY && c == ':') {
		*open = IN_MEMBER;
		s->state = BEGIN_VALUE;
	} else if (*open == IN_MEMBER && c == ',') {
		*open = IN_KEY;
		s->state = BEGIN_STRING;
	} else if (*open == IN_ARRAY && c == ',') {
		s->state = BEGIN_VALUE;
	} else if ((*open == IN_MEMBER && c == '}') || (*open == IN_ARRAY && c == ']')) {
		pop(s);
	} else {
		fail(s, *open == IN_KEY      ? "after object key"
		        : *open == IN_MEMBER ? "after object key:value pair"
		                             : "after array element");
	}
}

/* The value, a number, ended before c. */
static void after_number(struct scanner *s, char c)
{
	end_value(s);
	if (s->state == END_VALUE)
		after_value(s, c);
	else if (!is_space(c))
		fail(s, "after top-level value");
}

static void in_string(struct scanner *s, char c)
{
	if (c == '"')
		end_value(s);
	else if (c == '\\')
		s->state = IN_ESCAPE;
	else if ((unsigned char)c < 0x20)
		fail(s, "in string literal");
}

static void in_escape(struct scanner *s, char c)
{
	s->state = c == 'u' ? IN_HEX : IN_STRING;
	s->hex_left = 4;
	if (!c || !strchr("bfnrt\\/\"u", c))
		fail(s, "in string escape code");
}

static void in_hex(struct scanner *s, char c)
{
	if (!is_digit(c) && !(c >= 'a' && c <= 'f') && !(c >= 'A' && c <= 'F'))
		fail(s, "in \\u hexadecimal character escape");
	else if (--s->hex_left == 0)
		s->state = IN_STRING;
}

static void in_literal(struct scanner *s, char c)
{
	if (c != *s->rest)
		fail(s, "in literal");
	else if (!*++s->rest)
		end_value(s);
}

/* Behind the digits before a point or exponent. */
static void after_integer(struct scanner *s, char c)
{
	if (c == '.')
		s->state = DOT;
	else if (c == 'e' || c == 'E')
		s->state = EXPONENT;
	else
		after_number(s, c);
}

static void in_number(struct scanner *s, char c)
{
	bool digit = is_digit(c);

	switch (s->state) {
	case NEGATIVE:
		s->state = c == '0' ? ZERO : DIGITS;
		if (!digit)
			fail(s, "in numeric literal");
		break;
	case DOT:
		s->state = FRACTION;
		if (!digit)
			fail(s, "after decimal point in numeric literal");
		break;
	case EXPONENT:
	case EXPONENT_SIGN:
		s->state = s->state == EXPONENT && (c == '+' || c == '-') ? EXPONENT_SIGN : EXPONENT_DIGITS;
		if (s->state == EXPONENT_DIGITS && !digit)
			fail(s, "in exponent of numeric literal");
		break;
	case FRACTION:
		if (c == 'e' || c == 'E')
			s->state = EXPONENT;
		else if (!digit)
			after_number(s, c);
		break;
	case EXPONENT_DIGITS:
		if (!digit)
			after_number(s, c);
		break;
	default: /* ZERO, DIGITS */
		if (!digit || s->state == ZERO)
			after_integer(s, c);
	}
}

static void step(struct scanner *s, char c)
{
	static void (*const STEPS[])(struct scanner *, char) = {
		[BEGIN_VALUE] = begin_value, [BEGIN_VALUE_OR_END] = begin_value,
		[BEGIN_STRING] = begin_key,  [BEGIN_STRING_OR_END] = begin_key,
		[END_VALUE] = after_value,   [END_TOP] = after_number,
		[IN_STRING] = in_string,     [IN_ESCAPE] = in_escape,
		[IN_HEX] = in_hex,           [IN_LITERAL] = in_literal,
		[NEGATIVE] = in_number,      [ZERO] = in_number,
		[DIGITS] = in_number,        [DOT] = in_number,
		[FRACTION] = in_number,      [EXPONENT] = in_number,
		[EXPONENT_SIGN] = in_number, [EXPONENT_DIGITS] = in_number,
	};

	STEPS[s->state](s, c);
}

/* The byte counts as the code point of its number. */
static void put_char(struct buf *out, char c)
{
	unsigned char byte = (unsigned char)c;
	char utf8[3] = { c };
	_cleanup_buf_ struct buf quoted = BUF_INIT(32);

	if (c == '\'' || c == '"') {
		buf_puts(out, c == '\'' ? "'\\''" : "'\"'");
		return;
	}
	if (byte >= 0x80) {
		utf8[0] = (char)(0xc0 | byte >> 6);
		utf8[1] = (char)(0x80 | (byte & 0x3f));
	}
	go_quote(utf8, byte >= 0x80 ? 2 : 1, sizeof(utf8), &quoted);
	buf_printf(out, "'%.*s'", (int)quoted.len - 2, buf_str(&quoted) + 1);
}

static char *message(const struct scanner *s, char c)
{
	struct buf out = BUF_INIT(MESSAGE_MAX);

	if (!*s->context)
		return xstrdup("exceeded max depth");
	buf_puts(&out, "invalid character ");
	put_char(&out, c);
	buf_printf(&out, " %s", s->context);
	if (s->state == IN_LITERAL)
		buf_printf(&out, " %s (expecting '%c')", s->literal, *s->rest);
	return buf_steal(&out);
}

char *go_json_fault(const char *text, size_t len)
{
	_cleanup_free_ struct scanner *s = new0(struct scanner);

	for (size_t i = 0; i < len; i++) {
		step(s, text[i]);
		if (s->context)
			return message(s, text[i]);
	}
	if (s->state == END_TOP)
		return NULL;
	step(s, ' '); /* a number may end here */
	if (s->context)
		return message(s, ' ');
	return s->state == END_TOP ? NULL : xstrdup("unexpected end of JSON input");
}

const char *go_json_type(const json_t *v)
{
	switch (json_typeof(v)) {
	case JSON_OBJECT:
		return "object";
	case JSON_ARRAY:
		return "array";
	case JSON_STRING:
		return "string";
	case JSON_INTEGER:
	case JSON_REAL:
		return "number";
	default:
		return "bool";
	}
}
