#include "codec/yaml.h"

#include "text.h"
#include "codec/go_format.h"
#include "yaml_string.h"

#include <string.h>

/* Our own emitter: the output must be what kubectl and crossplane print, to the byte. Both print with go-yaml 2, whose
 * order of keys, numbers and styles are kept here (yaml_string.c has those of strings). */

#define INDENT 2

static void put_node(struct buf *out, const json_t *v, size_t indent);

static void put_indent(struct buf *out, size_t indent)
{
	char *p = buf_reserve(out, indent);
	if (p) {
		memset(p, ' ', indent);
		buf_commit(out, indent);
	}
}

/* Of 64 bits, signed or not, when the number as JSON has it is one; else as Go prints floats. */
static void put_real(struct buf *out, double v)
{
	char json[TEXT_REAL_MAX], go[40];
	size_t len = text_format_real(v, json);
	bool is_integer = strspn(json, "-0123456789") == len && v >= -0x1p63 && v < 0x1p64;

	if (is_integer)
		buf_puts(out, v < 0 || v > 0 ? json : "0");
	else
		buf_append(out, go, go_format_real(v, go));
}

static void put_scalar(struct buf *out, const json_t *v, size_t indent)
{
	switch (v ? json_typeof(v) : JSON_NULL) {
	case JSON_OBJECT:
		buf_puts(out, "{}");
		break;
	case JSON_ARRAY:
		buf_puts(out, "[]");
		break;
	case JSON_STRING:
		yaml_write_string(out, json_string_value(v), json_string_length(v), indent, false);
		break;
	case JSON_INTEGER:
		buf_printf(out, "%" JSON_INTEGER_FORMAT, json_integer_value(v));
		break;
	case JSON_REAL:
		put_real(out, json_real_value(v));
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

static bool is_digit(unsigned char c)
{
	return c >= '0' && c <= '9';
}

/* A letter, nearly as Unicode has it: of what is beyond ASCII, punctuation, symbols and private characters are none. */
static bool is_letter(const char *s, const char *p)
{
	while (p > s && ((unsigned char)*p & 0xc0) == 0x80)
		p--;
	size_t n = text_utf8_len(p, p + strlen(p));
	uint32_t c = n ? text_utf8_decode(p, n) : 0;

	if (c < 0x80)
		return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
	if (c < 0xc0)
		return c == 0xaa || c == 0xb5 || c == 0xba;
	return c != 0xd7 && c != 0xf7 && !(c >= 0x300 && c < 0x370) && !(c >= 0x2000 && c < 0x2c00) &&
	       !(c >= 0x2e00 && c < 0x3005) && !(c >= 0xd800 && c < 0xf900) && !(c >= 0xfe00 && c < 0xfe70) &&
	       !(c >= 0xfeff && c < 0xff21) && !(c >= 0xffe0 && c < 0x10000) && !(c >= 0x1f000 && c < 0x20000);
}

/* The number that the digits from p on make, behind a leading digit. Overflow wraps, as it does there. */
static int64_t run_of_digits(const char *p, uint64_t leading, size_t *ret_len)
{
	const char *from = p;
	for (; is_digit((unsigned char)*p); p++)
		leading = leading * 10 + (uint64_t)(*p - '0');
	*ret_len = (size_t)(p - from);
	return (int64_t)leading;
}

/* Runs of digits by value ("a2" before "a10"), letters after everything else. */
static int compare_keys(const char *a, const char *b)
{
	size_t i = 0, a_len, b_len;
	while (a[i] && a[i] == b[i])
		i++;
	unsigned char x = (unsigned char)a[i], y = (unsigned char)b[i];
	if (!x || !y)
		return (x > 0) - (y > 0);
	bool is_a = is_letter(a, a + i), is_b = is_letter(b, b + i);
	if (is_a && is_b)
		return x < y ? -1 : 1;
	if (is_a || is_b)
		return is_b ? -1 : 1;
	uint64_t leading = 0;
	for (size_t j = i; (x == '0' || y == '0') && j > 0 && is_digit((unsigned char)a[j - 1]); j--)
		leading |= a[j - 1] != '0';
	int64_t a_value = run_of_digits(a + i, leading, &a_len), b_value = run_of_digits(b + i, leading, &b_len);
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
	bool complex = !yaml_string_is_simple_key(key, len);
	if (complex)
		buf_puts(out, "? ");
	yaml_write_string(out, key, len, inner, !complex);
	if (complex) {
		buf_putc(out, '\n');
		put_indent(out, indent);
	}
	buf_putc(out, ':');
	if (is_block(value) && complex) {
		buf_putc(out, ' ');
		put_node(out, value, inner);
		return;
	}
	if (is_block(value)) {
		/* Lists stand as far left as their key. */
		size_t at = json_is_array(value) ? indent : inner;
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
		put_scalar(out, v, INDENT);
		buf_putc(out, '\n');
	}
	if (!out->failed)
		return 0;
	out->len = before;
	if (out->data)
		out->data[before] = '\0';
	return -1;
}
