#include "syntax/token.h"

#include "base/buf.h"
#include "base/str.h"
#include "diagnostic.h"
#include "syntax/unicode.h"

#include <stdio.h>

struct indent {
	uint32_t tabs, spaces;
};

struct lexer {
	const struct kcl_lex_input *in;
	struct arena *arena;
	struct kcl_diagnostics *diagnostics;
	struct kcl_comment **comments_end; /* where the next comment is linked */
	const char *p, *end;
	uint32_t line, column; /* of p */
	struct kcl_token *tokens;
	size_t len, cap;
	bool at_line_start;     /* only white space so far */
	bool ends_with_newline; /* what was read last, comments counted, is a line end */
	struct indent here;     /* what was seen at the start of this line */
	struct indent *levels;  /* of the open blocks, from the outside; the first is {0, 0} */
	size_t levels_len, levels_cap;
	uint32_t *brackets; /* indexes of the brackets that are open */
	size_t brackets_len, brackets_cap;
};

/* ---- moving ---- */

static uint32_t peek(const struct lexer *lx, size_t n)
{
	return lx->p + n < lx->end ? (unsigned char)lx->p[n] : 0;
}

/* Over n bytes that are whole characters and no line end. */
static void skip(struct lexer *lx, size_t n)
{
	for (size_t i = 0; i < n; i++)
		lx->column += ((unsigned char)lx->p[i] & 0xc0) != 0x80;
	lx->p += n;
}

/* Over one character, which may be a line end. */
static void skip_any(struct lexer *lx)
{
	if ((unsigned char)*lx->p < 0x80 && *lx->p != '\n') {
		lx->p++;
		lx->column++;
		return;
	}

	uint32_t c;
	size_t n = utf8_next(lx->p, (size_t)(lx->end - lx->p), &c);

	lx->p += n > 0 ? n : 1;
	if (c == '\n') {
		lx->line++;
		lx->column = 1;
	} else {
		lx->column++;
	}
}

/* Of the first 128 characters: those that a name may have. */
static const bool in_names[128] = {
	['0' ... '9'] = true,
	['A' ... 'Z'] = true,
	['_'] = true,
	['a' ... 'z'] = true,
};

static bool is_ascii_name_part(uint32_t c)
{
	return c < 0x80 && in_names[c];
}

static size_t name_len(const char *p, const char *end)
{
	const char *from = p;

	while (p < end) {
		if ((unsigned char)*p < 0x80) {
			if (!in_names[(unsigned char)*p])
				break;
			p++;
			continue;
		}

		uint32_t c;
		size_t n = utf8_next(p, (size_t)(end - p), &c);

		if (n == 0 || !kcl_is_name_part(c))
			break;
		p += n;
	}
	return (size_t)(p - from);
}

static uint32_t code_point(const char *p, const char *end)
{
	uint32_t c = 0;

	if (p < end && (unsigned char)*p < 0x80)
		return (unsigned char)*p;
	return p < end && utf8_next(p, (size_t)(end - p), &c) > 0 ? c : 0;
}

/* ---- what is made ---- */

static struct kcl_span span_here(const struct lexer *lx)
{
	return (struct kcl_span){ lx->line, lx->column, lx->line, lx->column };
}

static void error_at(struct lexer *lx, const struct kcl_span *start, const char *message, const char *hint)
{
	struct kcl_span span = *start;

	span.end_line = lx->line;
	span.end_column = lx->column;

	struct kcl_diagnostic *d = kcl_diagnostic_add(lx->diagnostics, KCL_ERROR, "InvalidSyntax", lx->in->file, &span,
	                                              "%s", message);

	if (d && hint)
		d->hint = xstrdup(hint);
}

/* A token from start (as bytes and place) up to where the lexer is. */
static struct kcl_token *add(struct lexer *lx, enum kcl_token_kind kind, const char *start, struct kcl_span span)
{
	if (lx->len == lx->cap) {
		lx->cap = lx->cap ? lx->cap * 2 : 256;
		lx->tokens = xreallocarray(lx->tokens, lx->cap, sizeof(*lx->tokens));
	}

	struct kcl_token *token = &lx->tokens[lx->len++];

	span.end_line = lx->line;
	span.end_column = lx->column;
	*token = (struct kcl_token){
		.kind = kind, .span = span, .start = (uint32_t)(start - lx->in->text), .end = (uint32_t)(lx->p - lx->in->text)
	};
	lx->ends_with_newline = kind == KCL_TOK_NEWLINE;
	return token;
}

static struct kcl_token *add_here(struct lexer *lx, enum kcl_token_kind kind)
{
	return add(lx, kind, lx->p, span_here(lx));
}

/* ---- indentation ---- */

enum order { LESS, SAME, MORE, MIXED };

static enum order compare(const struct indent *a, const struct indent *b)
{
	if (a->tabs < b->tabs)
		return a->spaces <= b->spaces ? LESS : MIXED;
	if (a->tabs > b->tabs)
		return a->spaces >= b->spaces ? MORE : MIXED;
	return a->spaces < b->spaces ? LESS : a->spaces > b->spaces ? MORE : SAME;
}

static void push_level(struct lexer *lx, const struct indent *level)
{
	if (lx->levels_len == lx->levels_cap) {
		lx->levels_cap = lx->levels_cap ? lx->levels_cap * 2 : 16;
		lx->levels = xreallocarray(lx->levels, lx->levels_cap, sizeof(*lx->levels));
	}
	lx->levels[lx->levels_len++] = *level;
}

static void mixed_indentation(struct lexer *lx)
{
	struct kcl_span here = span_here(lx);

	error_at(lx, &here, "inconsistent use of tabs and spaces in indentation", "indent with spaces only");
}

/* Closes blocks until one is found that this line belongs to. A line between two levels belongs to the deeper one, and
 * its dedent says by how much it misses the other. */
static void dedent(struct lexer *lx)
{
	for (;;) {
		struct indent popped = lx->levels[--lx->levels_len];
		const struct indent *outer = &lx->levels[lx->levels_len - 1];
		struct kcl_token *token = add_here(lx, KCL_TOK_DEDENT);
		enum order order = compare(&lx->here, outer);

		if (order == MORE) {
			token->spaces = lx->here.spaces > outer->spaces ? lx->here.spaces - outer->spaces : 1;
			push_level(lx, &popped);
		}
		if (order == MIXED)
			mixed_indentation(lx);
		if (order != LESS)
			return;
	}
}

/* At the first token of a line. */
static void indent(struct lexer *lx)
{
	switch (compare(&lx->here, &lx->levels[lx->levels_len - 1])) {
	case MORE:
		push_level(lx, &lx->here);
		add_here(lx, KCL_TOK_INDENT);
		break;
	case LESS:
		dedent(lx);
		break;
	case MIXED:
		mixed_indentation(lx);
		break;
	case SAME:
		break;
	}
}

/* ---- brackets ---- */

static void open_bracket(struct lexer *lx, enum kcl_token_kind kind, const char *start, struct kcl_span span)
{
	if (lx->brackets_len == lx->brackets_cap) {
		lx->brackets_cap = lx->brackets_cap ? lx->brackets_cap * 2 : 16;
		lx->brackets = xreallocarray(lx->brackets, lx->brackets_cap, sizeof(*lx->brackets));
	}
	lx->brackets[lx->brackets_len++] = (uint32_t)lx->len;
	add(lx, kind, start, span);
}

/* A bracket that closes another kind than the innermost open one is reported, and taken for the right one. */
static void close_bracket(struct lexer *lx, enum kcl_token_kind kind, const char *start, struct kcl_span span)
{
	enum kcl_token_kind open = lx->brackets_len > 0 ? lx->tokens[lx->brackets[lx->brackets_len - 1]].kind : KCL_TOK_EOF;

	if (open != kind - 1) {
		error_at(lx, &span,
		         kind == KCL_TOK_RPAREN   ? "error nesting on close paren"
		         : kind == KCL_TOK_RBRACE ? "error nesting on close brace"
		                                  : "mismatched closing delimiter",
		         NULL);
		if (open != KCL_TOK_EOF)
			kind = open + 1;
	}
	if (open != KCL_TOK_EOF) {
		struct kcl_token *opening = &lx->tokens[lx->brackets[--lx->brackets_len]];

		if (opening->kind == KCL_TOK_LBRACE)
			opening->match = (uint32_t)lx->len;
	}
	add(lx, kind, start, span);
}

/* ---- names, numbers, strings, comments ---- */

static void lex_name(struct lexer *lx)
{
	const char *start = lx->p;
	struct kcl_span span = span_here(lx);
	size_t dollar = *start == '$';
	size_t len = name_len(start + dollar, lx->end);

	skip(lx, dollar + len);

	struct kcl_token *token = add(lx, KCL_TOK_NAME, start, span);

	token->s = arena_strndup(lx->arena, start + dollar, len);
	token->keyword = dollar ? KCL_KW_NOT_ONE : kcl_keyword_id(start, len);
}

static bool is_digit(uint32_t c)
{
	return c >= '0' && c <= '9';
}

/* Over digits and underscores of a base; whether there was a digit. */
static bool skip_digits(struct lexer *lx, bool hexadecimal)
{
	bool found = false;

	for (;; skip(lx, 1)) {
		uint32_t c = peek(lx, 0);
		bool digit = is_digit(c) || (hexadecimal && ((c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F')));

		if (!digit && c != '_')
			return found;
		found |= digit;
	}
}

struct number_text {
	unsigned base;
	bool is_float, no_digits, no_exponent;
};

static void skip_exponent(struct lexer *lx, struct number_text *n)
{
	n->is_float = true;
	skip(lx, 1);
	if (peek(lx, 0) == '-' || peek(lx, 0) == '+')
		skip(lx, 1);
	n->no_exponent = !skip_digits(lx, false);
}

/* Over a number without its unit. `1.` is one, but `1.real` and `1..2` begin with an integer. */
static struct number_text skip_number(struct lexer *lx)
{
	struct number_text n = { .base = 10 };
	uint32_t second = peek(lx, 1);

	if (peek(lx, 0) == '0' && second) {
		n.base = second == 'b' ? 2 : second == 'o' || is_digit(second) ? 8 : second == 'x' ? 16 : 10;
		skip(lx, n.base == 10 ? 1 : 2);
		if (n.base == 10 && !strchr("_.eE", (int)second))
			return n;
		n.no_digits = !skip_digits(lx, n.base == 16) && n.base != 10 && !is_digit(second);
		if (n.no_digits)
			return n;
	} else {
		skip_digits(lx, false);
	}

	uint32_t c = peek(lx, 0);

	if (c == '.' && peek(lx, 1) != '.' && !kcl_is_letter(code_point(lx->p + 1, lx->end))) {
		n.is_float = true;
		skip(lx, 1);
		if (is_digit(peek(lx, 0))) {
			skip_digits(lx, false);
			if (peek(lx, 0) == 'e' || peek(lx, 0) == 'E')
				skip_exponent(lx, &n);
		}
	} else if (c == 'e' || c == 'E') {
		skip_exponent(lx, &n);
	}
	return n;
}

/* The first digit that the base has not; NULL when they are all right. */
static const char *wrong_digit(const char *p, const char *end, unsigned base)
{
	for (; p < end; p++)
		if (*p != '_' && base < 10 && (*p < '0' || (unsigned)(*p - '0') >= base))
			return p;
	return NULL;
}

static void convert_float(struct lexer *lx, const struct number_text *n, const struct kcl_token *token, size_t len,
                          struct kcl_number *number)
{
	static const char *const names[] = { [2] = "binary", [8] = "octal", [16] = "hexadecimal" };
	const char *s = lx->in->text + token->start;

	number->is_float = true;
	if (n->no_exponent) {
		error_at(lx, &token->span, "expected at least one digit in exponent", NULL);
	} else if (n->base != 10) {
		char message[64];

		snprintf(message, sizeof(message), "%s float literal is not supported", names[n->base]);
		error_at(lx, &token->span, message, NULL);
	} else if (memchr(s, '_', len)) {
		error_at(lx, &token->span, "underscores are not allowed in a float literal", NULL);
	} else {
		_cleanup_free_ char *copy = xstrndup(s, len);

		number->f = strtod(copy, NULL);
	}
}

static void convert_int(struct lexer *lx, const struct number_text *n, const struct kcl_token *token, size_t len,
                        struct kcl_number *number)
{
	const char *s = lx->in->text + token->start;
	const char *wrong = n->base < 10 && len > 2 ? wrong_digit(s + 2, s + len, n->base) : NULL;

	if (n->no_digits) {
		error_at(lx, &token->span, "no valid digits found for number", NULL);
	} else if (wrong) {
		struct kcl_span span = token->span;
		char message[64];

		span.column += (uint32_t)(wrong - s);
		snprintf(message, sizeof(message), "invalid digit for a base %u literal", n->base);
		error_at(lx, &span, message, NULL);
	} else if (!kcl_parse_int(s, len, &number->i)) {
		error_at(lx, &token->span, "expected an int of at most 64 bits", NULL);
	}
}

static void lex_number(struct lexer *lx)
{
	const char *start = lx->p;
	struct kcl_span span = span_here(lx);
	struct number_text n = skip_number(lx);
	size_t len = (size_t)(lx->p - start);
	const char *unit = lx->p;

	if (kcl_is_letter(code_point(lx->p, lx->end)))
		skip(lx, name_len(lx->p, lx->end));

	size_t unit_len = (size_t)(lx->p - unit);
	struct kcl_token *token = add(lx, KCL_TOK_NUMBER, start, span);
	struct kcl_number *number = arena_alloc(lx->arena, sizeof(*number));

	token->number = number;
	if (n.is_float) {
		convert_float(lx, &n, token, len, number);
		return;
	}
	convert_int(lx, &n, token, len, number);
	number->unit = kcl_unit_of(unit, unit_len);
	if (unit_len > 0 && number->unit == KCL_UNIT_NONE)
		error_at(lx, &token->span, "invalid int binary suffix",
		         "the suffixes are n, u, m, k, K, M, G, T, P, Ki, Mi, Gi, Ti, Pi and i");
}

/* Behind the opening quotes: over the string; whether it ends. One in single quotes ends at the line's end at last. */
static bool skip_string(struct lexer *lx, uint32_t quote, bool is_long)
{
	while (lx->p < lx->end) {
		/* Nothing ends between two of these. */
		while (is_ascii_name_part(peek(lx, 0)) && is_ascii_name_part(peek(lx, 1))) {
			lx->p++;
			lx->column++;
		}

		uint32_t c = peek(lx, 0);

		skip_any(lx);
		if (c == '\\' && (peek(lx, 0) == '\\' || peek(lx, 0) == quote)) {
			skip(lx, 1);
		} else if (c == quote && !is_long) {
			return true;
		} else if (c == quote && peek(lx, 0) == quote && peek(lx, 1) == quote) {
			skip(lx, 2);
			return true;
		} else if (c != quote && !is_long && (lx->p == lx->end || peek(lx, 0) == '\n' || (peek(lx, 0) == '\r'))) {
			return false;
		}
	}
	return false;
}

static void lex_string(struct lexer *lx)
{
	const char *start = lx->p;
	struct kcl_span span = span_here(lx), inside;
	bool is_raw = *start == 'r' || *start == 'R';
	uint32_t quote = peek(lx, is_raw);
	bool is_long = peek(lx, (size_t)is_raw + 1) == quote && peek(lx, (size_t)is_raw + 2) == quote;
	size_t quotes = is_long ? 3 : 1;

	skip(lx, is_raw + quotes);
	inside = span_here(lx);

	const char *content = lx->p;
	bool ends = skip_string(lx, quote, is_long);
	size_t len = (size_t)(lx->p - content);

	if (!ends) {
		struct kcl_span at_quote = span;

		at_quote.column += is_raw;
		error_at(lx, &at_quote, "unterminated string",
		         is_long ? "close it with three quotes" : "close it with a quote");
	} else {
		len -= quotes;
	}

	char *s = kcl_decode_string(content, len, (char)quote, ends && is_long, is_raw, lx->arena);

	if (!s && ends) {
		error_at(lx, &inside, "invalid string syntax",
		         "a backslash is written \\\\, and what follows \\x, \\u or \\U are 2, 4 or 8 hexadecimal digits of a "
		         "character");
	}

	struct kcl_token *token = add(lx, KCL_TOK_STRING, start, span);

	token->s = s ? s : "";
	token->is_long = is_long && ends;
	token->is_raw = is_raw;
}

static void lex_comment(struct lexer *lx)
{
	const char *start = lx->p, *stop = memchr(start, '\n', (size_t)(lx->end - start));
	struct kcl_span span = span_here(lx);

	skip(lx, (size_t)((stop ? stop : lx->end) - start));

	char *text = arena_strndup(lx->arena, start, (size_t)(lx->p - start));

	if (lx->in->is_part) {
		add(lx, KCL_TOK_COMMENT, start, span)->s = text;
		return;
	}

	struct kcl_comment *comment = arena_alloc(lx->arena, sizeof(*comment));

	span.end_line = lx->line;
	span.end_column = lx->column;
	*comment = (struct kcl_comment){ .span = span, .text = text };
	*lx->comments_end = comment;
	lx->comments_end = &comment->next;
	lx->ends_with_newline = false;
}

/* ---- operators and other signs ---- */

/* Of the first 128 characters: the signs that are the character alone, with = behind, twice, and twice with =. */
static const uint8_t alone[128] = {
	['('] = KCL_TOK_LPAREN, [')'] = KCL_TOK_RPAREN, ['['] = KCL_TOK_LBRACKET, [']'] = KCL_TOK_RBRACKET,
	['{'] = KCL_TOK_LBRACE, ['}'] = KCL_TOK_RBRACE, ['@'] = KCL_TOK_AT,       ['.'] = KCL_TOK_DOT,
	[','] = KCL_TOK_COMMA,  [':'] = KCL_TOK_COLON,  ['$'] = KCL_TOK_DOLLAR,   ['?'] = KCL_TOK_QUESTION,
	['='] = KCL_TOK_ASSIGN, ['~'] = KCL_TOK_TILDE,  ['!'] = KCL_TOK_BANG,     ['<'] = KCL_TOK_LT,
	['>'] = KCL_TOK_GT,     ['+'] = KCL_TOK_ADD,    ['-'] = KCL_TOK_SUB,      ['*'] = KCL_TOK_MUL,
	['/'] = KCL_TOK_DIV,    ['%'] = KCL_TOK_MOD,    ['^'] = KCL_TOK_BITXOR,   ['&'] = KCL_TOK_BITAND,
	['|'] = KCL_TOK_BITOR,
};
static const uint8_t with_equals[128] = {
	['='] = KCL_TOK_EQ,
	['!'] = KCL_TOK_NE,
	['<'] = KCL_TOK_LE,
	['>'] = KCL_TOK_GE,
	['+'] = KCL_TOK_ADD_ASSIGN,
	['-'] = KCL_TOK_SUB_ASSIGN,
	['*'] = KCL_TOK_MUL_ASSIGN,
	['/'] = KCL_TOK_DIV_ASSIGN,
	['%'] = KCL_TOK_MOD_ASSIGN,
	['^'] = KCL_TOK_BITXOR_ASSIGN,
	['&'] = KCL_TOK_BITAND_ASSIGN,
	['|'] = KCL_TOK_BITOR_ASSIGN,
};
static const uint8_t twice[128] = {
	['*'] = KCL_TOK_POW, ['/'] = KCL_TOK_FLOORDIV, ['<'] = KCL_TOK_SHL, ['>'] = KCL_TOK_SHR
};
static const uint8_t twice_with_equals[128] = {
	['*'] = KCL_TOK_POW_ASSIGN, ['/'] = KCL_TOK_FLOORDIV_ASSIGN, ['<'] = KCL_TOK_SHL_ASSIGN, ['>'] = KCL_TOK_SHR_ASSIGN
};

static size_t found(uint8_t kind, size_t len, enum kcl_token_kind *ret)
{
	*ret = kind;
	return kind ? len : 0;
}

/* The longest sign at p; its length, or 0. */
static size_t find_sign(const struct lexer *lx, enum kcl_token_kind *ret)
{
	uint32_t c = peek(lx, 0), second = peek(lx, 1), third = peek(lx, 2);

	if (c >= 128)
		return 0;
	if (c == '-' && second == '>' && third != '=' && third != '>')
		return found(KCL_TOK_ARROW, 2, ret);
	if (c == '.' && second == '.' && third == '.')
		return found(KCL_TOK_ELLIPSIS, 3, ret);
	if (second == c && third == '=' && twice_with_equals[c])
		return found(twice_with_equals[c], 3, ret);
	if (second == c && twice[c])
		return found(twice[c], 2, ret);
	if (second == '=' && with_equals[c])
		return found(with_equals[c], 2, ret);
	return found(alone[c], 1, ret);
}

static void lex_sign(struct lexer *lx, enum kcl_token_kind kind, size_t len)
{
	const char *start = lx->p;
	struct kcl_span span = span_here(lx);

	skip(lx, len);
	switch (kind) {
	case KCL_TOK_LPAREN:
	case KCL_TOK_LBRACKET:
	case KCL_TOK_LBRACE:
		open_bracket(lx, kind, start, span);
		break;
	case KCL_TOK_RPAREN:
	case KCL_TOK_RBRACKET:
	case KCL_TOK_RBRACE:
		close_bracket(lx, kind, start, span);
		break;
	case KCL_TOK_BANG:
		error_at(lx, &span, "invalid token '!', consider using 'not '", "not ");
		add(lx, kind, start, span);
		break;
	default:
		add(lx, kind, start, span);
	}
}

/* What is no token: a line that goes on, and mistakes. */
static void lex_other(struct lexer *lx)
{
	struct kcl_span span = span_here(lx);
	uint32_t c = peek(lx, 0);

	skip_any(lx);
	if (c == '\\' && lx->p < lx->end && *lx->p != '\n')
		error_at(lx, &span, "unexpected character after line continuation character", NULL);
	else if (c == '\\' && lx->p < lx->end)
		skip_any(lx);
	else if (c == ';')
		error_at(lx, &span, "the semicolon ';' here is unnecessary, please remove it", NULL);
	else if (c != '\\')
		error_at(lx, &span, "unknown start of token", NULL);
}

/* ---- the loop ---- */

static bool is_quote(uint32_t c)
{
	return c == '"' || c == '\'';
}

static void lex_newline(struct lexer *lx)
{
	const char *start = lx->p;
	struct kcl_span span = span_here(lx);

	lx->p++;
	lx->column++;
	add(lx, KCL_TOK_NEWLINE, start, span);
	lx->line++;
	lx->column = 1;
	lx->at_line_start = true;
	lx->here = (struct indent){ 0 };
}

/* White space and line ends; true when there was one. */
static bool lex_space(struct lexer *lx, uint32_t c)
{
	if (c == '\n') {
		lex_newline(lx);
		return true;
	}
	if (c > ' ' && c < 0x80)
		return false;
	if (c == ' ') {
		size_t n = 1;

		while (lx->p + n < lx->end && lx->p[n] == ' ')
			n++;
		lx->here.spaces += (uint32_t)n;
		lx->column += (uint32_t)n;
		lx->p += n;
		return true;
	}
	lx->here.tabs += c == '\t';
	if (c != '\t' && !kcl_is_other_space(c))
		return false;
	skip_any(lx);
	return true;
}

static void lex_token(struct lexer *lx)
{
	uint32_t c = code_point(lx->p, lx->end);
	enum kcl_token_kind kind;
	size_t len;

	if (lex_space(lx, c))
		return;
	if (c == '#') {
		lex_comment(lx);
		lx->here = (struct indent){ 0 };
		return;
	}
	if (lx->at_line_start) {
		lx->at_line_start = false;
		indent(lx);
	}
	if (is_quote(c) || ((c == 'r' || c == 'R') && is_quote(peek(lx, 1))))
		lex_string(lx);
	else if (kcl_is_letter(c) || (c == '$' && kcl_is_letter(code_point(lx->p + 1, lx->end))))
		lex_name(lx);
	else if (is_digit(c))
		lex_number(lx);
	else if ((len = find_sign(lx, &kind)) > 0)
		lex_sign(lx, kind, len);
	else
		lex_other(lx);
}

static void lex_end(struct lexer *lx)
{
	if (!lx->at_line_start)
		add_here(lx, KCL_TOK_NEWLINE);
	for (; lx->levels_len > 1; lx->levels_len--)
		add_here(lx, KCL_TOK_DEDENT);
	if (!lx->in->is_part && !lx->ends_with_newline)
		add_here(lx, KCL_TOK_NEWLINE);
	add_here(lx, KCL_TOK_EOF);
}

struct kcl_tokens kcl_lex(const struct kcl_lex_input *input, struct arena *arena, struct kcl_comment **comments,
                          struct kcl_diagnostics *diagnostics)
{
	static const struct indent outermost;
	struct lexer lx = { .in = input,
		                .arena = arena,
		                .diagnostics = diagnostics,
		                .comments_end = comments,
		                .p = input->text + input->start,
		                .end = input->text + input->end,
		                .line = input->line,
		                .column = input->column };

	/* about as many tokens as texts mostly have: growing a large array copies it */
	lx.cap = (input->end - input->start) / 4 + 64;
	lx.tokens = xreallocarray(NULL, lx.cap, sizeof(*lx.tokens));
	push_level(&lx, &outermost);
	while (lx.p < lx.end && !kcl_stopped(input->stop))
		lex_token(&lx);
	lex_end(&lx);
	free(lx.levels);
	free(lx.brackets);
	return (struct kcl_tokens){ .items = lx.tokens, .len = (uint32_t)lx.len };
}
