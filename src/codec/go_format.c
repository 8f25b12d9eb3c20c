#include "codec/go_format.h"

#include "base/str.h"

#include <stdio.h>
#include <stdlib.h>

#define TEXT_MAX ((size_t)64 * 1024)

/* The names of an object's members, ordered; free(). */
static const char **sorted_names(const json_t *obj)
{
	const char **names = xcalloc(json_object_size(obj) + 1, sizeof(*names));
	json_t *members = json_unconst(obj);
	size_t len = 0;

	for (void *i = json_object_iter(members); i; i = json_object_iter_next(members, i))
		names[len++] = json_object_iter_key(i);
	str_sort(names, len);
	return names;
}

static bool is_hidden(uint32_t c)
{
	return (c >= 0x80 && c <= 0xa0) || c == 0xad || (c >= 0x2000 && c <= 0x200f) || (c >= 0x2028 && c <= 0x202f) ||
	       (c >= 0x205f && c <= 0x206f) || c == 0x3000 || (c >= 0xe000 && c <= 0xf8ff) || c == 0xfeff ||
	       (c >= 0xfff0 && c <= 0xfffb) || c >= 0xe0000;
}

bool go_is_printable(uint32_t c)
{
	return c >= 0x20 && c != 0x7f && !is_hidden(c);
}

void go_quote(const char *s, size_t len, size_t max, struct buf *out)
{
	static const char named[] = "\a\b\t\n\v\f\r";
	const char *end = s + (len > max ? max : len);

	buf_putc(out, '"');
	while (s < end) {
		uint32_t c;
		size_t n = utf8_next(s, (size_t)(end - s), &c);
		const char *short_form;
		if (n == 0) /* cut in the middle of a character */
			break;
		if (c == '"' || c == '\\')
			buf_printf(out, "\\%c", (char)c);
		else if (c >= 0x80 && !is_hidden(c))
			buf_append(out, s, n);
		else if (c >= 0x20 && c < 0x7f)
			buf_putc(out, (char)c);
		else if (c && c < 0x20 && (short_form = strchr(named, (int)c)))
			buf_printf(out, "\\%c", "abtnvfr"[short_form - named]);
		else if (c < 0x80)
			buf_printf(out, "\\x%02x", c);
		else
			buf_printf(out, c < 0x10000 ? "\\u%04x" : "\\U%08x", c);
		s += n;
	}
	buf_puts(out, len > max ? "...\"" : "\"");
}

/* strconv.FormatFloat(v, 'g', -1, 64): the shortest digits that read back as the same number, with an exponent from
 * 1e+06 on. */
size_t go_format_real(double v, char ret[static 40])
{
	char digits[40];
	int precision = 0, exponent, len;

	do {
		len = snprintf(digits, sizeof(digits), "%.*e", precision, v);
	} while (precision++ < 17 && (strtod(digits, NULL) < v || strtod(digits, NULL) > v));
	exponent = (int)strtol(strchr(digits, 'e') + 1, NULL, 10);
	if (exponent < -4 || exponent > 5)
		len = snprintf(ret, 40, "%s", digits);
	else
		len = snprintf(ret, 40, "%.*f", precision - 1 > exponent ? precision - 1 - exponent : 0, v);
	return (size_t)len;
}

static void write_number(const json_t *v, struct buf *out)
{
	char text[40];

	if (json_is_real(v))
		buf_append(out, text, go_format_real(json_real_value(v), text));
	else
		json_write(v, out);
}

static void format_value(const json_t *v, struct buf *out)
{
	if (json_is_object(v)) {
		const char **names = sorted_names(v);
		buf_puts(out, "map[");
		for (size_t i = 0; names[i]; i++) {
			buf_printf(out, "%s%s:", i ? " " : "", names[i]);
			format_value(json_object_get(v, names[i]), out);
		}
		buf_putc(out, ']');
		free(names);
	} else if (json_is_array(v)) {
		buf_putc(out, '[');
		for (size_t i = 0; i < json_array_size(v); i++) {
			buf_puts(out, i ? " " : "");
			format_value(json_array_get(v, i), out);
		}
		buf_putc(out, ']');
	} else if (json_is_string(v)) {
		buf_append(out, json_string_value(v), json_string_length(v));
	} else if (!v || json_is_null(v)) {
		buf_puts(out, "<nil>");
	} else {
		write_number(v, out);
	}
}

static void format_syntax(const json_t *v, struct buf *out)
{
	if (json_is_object(v)) {
		const char **names = sorted_names(v);
		buf_puts(out, "map[string]interface {}{");
		for (size_t i = 0; names[i]; i++) {
			buf_puts(out, i ? ", " : "");
			go_quote(names[i], strlen(names[i]), TEXT_MAX, out);
			buf_putc(out, ':');
			format_syntax(json_object_get(v, names[i]), out);
		}
		buf_putc(out, '}');
		free(names);
	} else if (json_is_array(v)) {
		buf_puts(out, "[]interface {}{");
		for (size_t i = 0; i < json_array_size(v); i++) {
			buf_puts(out, i ? ", " : "");
			format_syntax(json_array_get(v, i), out);
		}
		buf_putc(out, '}');
	} else if (json_is_string(v)) {
		go_quote(json_string_value(v), json_string_length(v), TEXT_MAX, out);
	} else if (!v || json_is_null(v)) {
		buf_puts(out, "interface {}(nil)");
	} else {
		write_number(v, out);
	}
}

char *go_format_value(const json_t *v)
{
	struct buf out = BUF_INIT(TEXT_MAX);

	format_value(v, &out);
	return buf_steal(&out);
}

char *go_format_syntax(const json_t *v)
{
	struct buf out = BUF_INIT(TEXT_MAX);

	format_syntax(v, &out);
	return buf_steal(&out);
}

const char *go_type_name(const json_t *v)
{
	if (!v)
		return "<nil>";
	switch (json_typeof(v)) {
	case JSON_OBJECT:
		return "map[string]interface {}";
	case JSON_ARRAY:
		return "[]interface {}";
	case JSON_STRING:
		return "string";
	case JSON_INTEGER:
		return "int64";
	case JSON_REAL:
		return "float64";
	case JSON_TRUE:
	case JSON_FALSE:
		return "bool";
	default:
		return "<nil>";
	}
}
