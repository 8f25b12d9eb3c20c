#include "codec/yaml.h"

#include "text.h"
#include "yaml_scalar.h"

#include <string.h>

/* Our own emitter: the output must be what kubectl users know, down to the quotes. The rules for
 * styles are those that kubectl's library shows; deviations: long lines are never folded, keys are never block text,
 * and characters beyond U+FFFF stand for themselves. */

#define INDENT 2
#define SIMPLE_KEY_MAX 128 /* longer keys take the "? key" form */

struct look {
	bool multiline;
	bool literal_allowed; /* as a "|" block */
	bool plain_allowed;   /* without quotes, as far as its characters go */
	bool special;         /* characters that only "…" can show */
};

static void put_node(struct buf *out, const json_t *v, size_t indent);

static void put_indent(struct buf *out, size_t indent)
{
	char *p = buf_reserve(out, indent);
	if (p) {
		memset(p, ' ', indent);
		buf_commit(out, indent);
	}
}

static bool is_printable(uint32_t c)
{
	return (c >= 0x20 && c < 0x7f) ||
	       (c >= 0xa0 && c != 0x2028 && c != 0x2029 && c != 0xfeff && c != 0xfffe && c != 0xffff);
}

static bool ends_word(const char *p, const char *end)
{
	return p >= end || *p == ' ' || *p == '\n' || *p == '\t';
}

/* Whether the text begins like something else than a scalar. */
static bool begins_with_indicator(const char *s, const char *end)
{
	if (strchr("#,[]{}&*!|>'\"%@`", *s) || (strchr("-?:", *s) && ends_word(s + 1, end)))
		return true;
	return end - s >= 3 && (memcmp(s, "---", 3) == 0 || memcmp(s, "...", 3) == 0);
}

static struct look look_at(const char *s, size_t len)
{
	const char *end = s + len;
	struct look look = { .literal_allowed = len > 0, .plain_allowed = len > 0 };
	if (len == 0)
		return look;
	if (begins_with_indicator(s, end) || *s == ' ' || end[-1] == ' ')
		look.plain_allowed = false;
	if (end[-1] == ' ')
		look.literal_allowed = false;
	for (const char *p = s; p < end;) {
		size_t n = text_utf8_len(p, end);
		if (*p == '\n') {
			look.multiline = true;
			if (p > s && p[-1] == ' ')
				look.literal_allowed = false;
		} else if (n == 0 || !is_printable(text_utf8_decode(p, n))) {
			look.special = true;
		} else if ((*p == ':' && ends_word(p + 1, end)) || (*p == '#' && p > s && ends_word(p - 1, end))) {
			look.plain_allowed = false;
		}
		p += n ? n : 1;
	}
	return look;
}

static void put_escape(struct buf *out, uint32_t c)
{
	static const char names[] = "\"\"\\\\\aa\bb\tt\nn\vv\ff\rr\x1b"
								"e";
	for (const char *p = names; *p; p += 2) {
		if ((uint32_t)(unsigned char)*p == c) {
			char text[2] = { '\\', p[1] };
			buf_append(out, text, 2);
			return;
		}
	}
	if (c < 0x100)
		buf_printf(out, "\\x%02X", (unsigned)c);
	else if (c < 0x10000)
		buf_printf(out, "\\u%04X", (unsigned)c);
	else
		buf_printf(out, "\\U%08X", (unsigned)c);
}

static void put_double_quoted(struct buf *out, const char *s, size_t len)
{
	const char *end = s + len, *from = s;
	buf_putc(out, '"');
	while (s < end) {
		size_t n = text_utf8_len(s, end);
		uint32_t c = n ? text_utf8_decode(s, n) : 0xfffd;
		if (n && is_printable(c) && c != '"' && c != '\\') {
			s += n;
			continue;
		}
		buf_append(out, from, (size_t)(s - from));
		put_escape(out, c);
		s += n ? n : 1;
		from = s;
	}
	buf_append(out, from, (size_t)(s - from));
	buf_putc(out, '"');
}

static void put_single_quoted(struct buf *out, const char *s, size_t len)
{
	buf_putc(out, '\'');
	for (size_t i = 0; i < len; i++) {
		if (s[i] == '\'')
			buf_putc(out, '\'');
		buf_putc(out, s[i]);
	}
	buf_putc(out, '\'');
}

/* "|", how far it is indented where the text itself begins with white space, what becomes of newlines at its end. */
static void put_literal(struct buf *out, const char *s, size_t len, size_t indent)
{
	const char *end = s + len;
	buf_putc(out, '|');
	if (*s == ' ' || *s == '\n')
		buf_printf(out, "%d", INDENT);
	if (end[-1] != '\n')
		buf_putc(out, '-');
	else if (len == 1 || end[-2] == '\n')
		buf_putc(out, '+');
	while (s < end) {
		const char *line_end = memchr(s, '\n', (size_t)(end - s));
		if (!line_end)
			line_end = end;
		buf_putc(out, '\n');
		if (line_end > s)
			put_indent(out, indent);
		buf_append(out, s, (size_t)(line_end - s));
		s = line_end + 1;
	}
}

/* A string as a key, or as a value whose block text would be indented by indent (0: no block text here). */
static void put_string(struct buf *out, const char *s, size_t len, size_t indent)
{
	struct look look = look_at(s, len);
	if (!look.special && look.multiline && look.literal_allowed && indent > 0)
		put_literal(out, s, len, indent);
	else if (look.special || look.multiline || !yaml_scalar_is_string(s, len))
		put_double_quoted(out, s, len);
	else if (look.plain_allowed)
		buf_append(out, s, len);
	else
		put_single_quoted(out, s, len);
}

static void put_scalar(struct buf *out, const json_t *v, size_t indent)
{
	char number[TEXT_REAL_MAX];
	switch (v ? json_typeof(v) : JSON_NULL) {
	case JSON_OBJECT:
		buf_puts(out, "{}");
		break;
	case JSON_ARRAY:
		buf_puts(out, "[]");
		break;
	case JSON_STRING:
		put_string(out, json_string_value(v), json_string_length(v), indent);
		break;
	case JSON_INTEGER:
		buf_printf(out, "%" JSON_INTEGER_FORMAT, json_integer_value(v));
		break;
	case JSON_REAL:
		buf_append(out, number, text_format_real(json_real_value(v), number));
		break;
	case JSON_TRUE:
		buf_puts(out, "true");
		break;
	case JSON_FALSE:
		buf_puts(out, "false");
		break;
	case JSON_NULL:
		buf_puts(out, "null");
		break;
	}
}

static bool is_letter(unsigned char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c >= 0x80;
}

static bool is_digit(unsigned char c)
{
	return c >= '0' && c <= '9';
}

/* The number that the digits from p on make, behind a leading digit. */
static uint64_t run_of_digits(const char *p, uint64_t leading, size_t *ret_len)
{
	const char *from = p;
	for (; is_digit((unsigned char)*p); p++)
		leading = leading * 10 + (uint64_t)(*p - '0');
	*ret_len = (size_t)(p - from);
	return leading;
}

/* kubectl's order: runs of digits by value ("a2" before "a10"), letters after everything else. */
static int compare_keys(const char *a, const char *b)
{
	size_t i = 0, a_len, b_len;
	while (a[i] && a[i] == b[i])
		i++;
	unsigned char x = (unsigned char)a[i], y = (unsigned char)b[i];
	if (!x || !y)
		return (x > 0) - (y > 0);
	bool behind_digit = i > 0 && is_digit((unsigned char)a[i - 1]);
	if (is_letter(x) && is_letter(y))
		return x < y ? -1 : 1;
	if (is_letter(x) || is_letter(y))
		return is_letter(x) == behind_digit ? -1 : 1;
	uint64_t leading = 0;
	for (size_t j = i; (x == '0' || y == '0') && j > 0 && is_digit((unsigned char)a[j - 1]); j--)
		leading |= a[j - 1] != '0';
	uint64_t a_value = run_of_digits(a + i, leading, &a_len), b_value = run_of_digits(b + i, leading, &b_len);
	if (a_value != b_value)
		return a_value < b_value ? -1 : 1;
	if (a_len != b_len)
		return a_len < b_len ? -1 : 1;
	return x < y ? -1 : 1;
}

static int compare_members(const void *a, const void *b)
{
	return compare_keys(json_object_iter_key(*(void *const *)a), json_object_iter_key(*(void *const *)b));
}

static bool is_block(const json_t *v)
{
	return json_object_size(v) > 0 || json_array_size(v) > 0;
}

static void put_member(struct buf *out, void *iter, size_t indent)
{
	const char *key = json_object_iter_key(iter);
	const json_t *value = json_object_iter_value(iter);
	size_t len = json_object_iter_key_len(iter), inner = indent + INDENT;
	bool complex = len > SIMPLE_KEY_MAX;
	if (complex)
		buf_puts(out, "? ");
	put_string(out, key, len, 0);
	if (complex) {
		buf_putc(out, '\n');
		put_indent(out, indent);
	}
	buf_putc(out, ':');
	if (is_block(value)) {
		/* Lists stand as far left as their key. */
		size_t at = json_is_array(value) && !complex ? indent : inner;
		buf_putc(out, '\n');
		put_indent(out, at);
		put_node(out, value, at);
		return;
	}
	buf_putc(out, ' ');
	put_scalar(out, value, inner);
	buf_putc(out, '\n');
}

static void put_mapping(struct buf *out, json_t *object, size_t indent)
{
	size_t n = 0, count = json_object_size(object);
	_cleanup_free_ void **members = xreallocarray(NULL, count, sizeof(*members));
	for (void *i = json_object_iter(object); i; i = json_object_iter_next(object, i))
		members[n++] = i;
	qsort(members, n, sizeof(*members), compare_members);
	for (size_t i = 0; i < n && !out->failed; i++) {
		if (i > 0)
			put_indent(out, indent);
		put_member(out, members[i], indent);
	}
}

/* A value in block style; what is written already on this line reaches to column indent. Ends with a newline. */
static void put_node(struct buf *out, const json_t *v, size_t indent)
{
	if (json_object_size(v) > 0) {
		put_mapping(out, json_unconst(v), indent);
		return;
	}
	for (size_t i = 0; i < json_array_size(v) && !out->failed; i++) {
		const json_t *element = json_array_get(v, i);
		if (i > 0)
			put_indent(out, indent);
		buf_puts(out, "- ");
		if (is_block(element)) {
			put_node(out, element, indent + INDENT);
		} else {
			put_scalar(out, element, indent + INDENT);
			buf_putc(out, '\n');
		}
	}
}

int yaml_write(const json_t *v, struct buf *out)
{
	if (out->failed)
		return -1;
	size_t before = out->len;
	if (is_block(v)) {
		put_node(out, v, 0);
	} else {
		put_scalar(out, v, 0);
		buf_putc(out, '\n');
	}
	if (!out->failed)
		return 0;
	out->len = before;
	if (out->data)
		out->data[before] = '\0';
	return -1;
}
