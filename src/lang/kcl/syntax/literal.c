/* What string and integer literals mean. */

#include "syntax/token.h"

#include "base/str.h"
#include "codec/text.h"

/* ---- strings ---- */

struct decoder {
	const char *p, *end;
	char *out;
};

/* A surrogate stands for no character and is replaced; false for what Unicode has not. */
static bool put_code_point(struct decoder *d, uint32_t c)
{
	if (c > 0x10ffff)
		return false;
	if (c == 0) {
		memcpy(d->out, KCL_TREE_NUL, 2);
		d->out += 2;
		return true;
	}
	d->out += text_utf8_encode(c >= 0xd800 && c <= 0xdfff ? 0xfffd : c, d->out);
	return true;
}

static bool decode_hex(struct decoder *d, int digits)
{
	uint32_t c = 0;

	for (int i = 0; i < digits; i++) {
		int digit = d->p < d->end ? text_hex_digit(*d->p) : -1;

		if (digit < 0)
			return false;
		c = c << 4 | (uint32_t)digit;
		d->p++;
	}
	return put_code_point(d, c);
}

static bool decode_octal(struct decoder *d)
{
	uint32_t c = 0;

	for (int i = 0; i < 3 && d->p < d->end && *d->p >= '0' && *d->p <= '7'; i++)
		c = c << 3 | (uint32_t)(*d->p++ - '0');
	return put_code_point(d, c);
}

/* d->p is behind the backslash. An escape that is not known stays as it is written. */
static bool decode_escape(struct decoder *d)
{
	static const char escapes[] = "\\'\"abfnrtv", meanings[] = "\\'\"\a\b\f\n\r\t\v";

	if (d->p == d->end)
		return false;

	char c = *d->p;
	const char *known = strchr(escapes, c);

	if (known) {
		d->p++;
		*d->out++ = meanings[known - escapes];
		return true;
	}
	if (c >= '0' && c <= '7')
		return decode_octal(d);
	switch (c) {
	case '\n':
		d->p++;
		return true;
	case 'x':
	case 'u':
	case 'U':
		d->p++;
		return decode_hex(d, c == 'x' ? 2 : c == 'u' ? 4 : 8);
	case 'N': /* by the name of a character: the table of names is not worth its size */
		return false;
	default:
		*d->out++ = '\\';
		return true;
	}
}

char *kcl_decode_string(const char *s, size_t len, char quote, bool is_long, bool is_raw, struct arena *arena)
{
	/* Nothing decodes to more bytes than it is written with. */
	char *text = arena_alloc(arena, len + 1);
	struct decoder d = { .p = s, .end = s + len, .out = text };

	(void)quote; /* both quotes may be escaped in both kinds of strings */
	while (d.p < d.end) {
		char c = *d.p++;

		if (c == '\n' && !is_long)
			return NULL;
		if (c != '\\') {
			*d.out++ = c;
		} else if (is_raw) {
			if (d.p == d.end)
				return NULL;
			*d.out++ = '\\';
			*d.out++ = *d.p++;
		} else if (!decode_escape(&d)) {
			return NULL;
		}
	}
	return text;
}

static size_t indent_of(const char *line, size_t len)
{
	size_t n = 0;

	while (n < len && (line[n] == ' ' || line[n] == '\t'))
		n++;
	return n;
}

/* Blank in the sense of Unicode's White_Space, as far as a program's strings have it. */
static bool is_blank(const char *line, size_t len)
{
	for (size_t i = 0; i < len; i++)
		if (!strchr(" \t\r\v\f", line[i]))
			return false;
	return true;
}

char *kcl_dedent_string(const char *s, struct arena *arena)
{
	size_t min = SIZE_MAX;

	for (const char *p = s;;) {
		size_t len = strcspn(p, "\n"), indent = indent_of(p, len);
		bool is_last = p[len] == '\0';

		if ((!is_blank(p, len) || (is_last && len > 0)) && indent < min)
			min = indent;
		if (is_last)
			break;
		p += len + 1;
	}

	char *text = arena_alloc(arena, strlen(s) + 1), *out = text;

	for (const char *p = *s == '\n' ? s + 1 : s;;) {
		size_t len = strcspn(p, "\n"), skip = indent_of(p, len);

		skip = skip < min ? skip : min;
		memcpy(out, p + skip, len - skip);
		out += len - skip;
		if (p[len] == '\0')
			return text;
		*out++ = '\n';
		p += len + 1;
	}
}

/* ---- integers ---- */

static int digit_value(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'z')
		return c - 'a' + 10;
	if (c >= 'A' && c <= 'Z')
		return c - 'A' + 10;
	return -1;
}

static unsigned take_base(const char **s, const char *end)
{
	const char *p = *s;

	if (*p != '0' || end - p < 2)
		return 10;
	switch (p[1]) {
	case 'x':
	case 'X':
		*s += 2;
		return 16;
	case 'b':
	case 'B':
		*s += 2;
		return 2;
	case 'o':
	case 'O':
		*s += 2;
		return 8;
	default: /* 0755, as in C */
		*s += 1;
		return 8;
	}
}

bool kcl_parse_int(const char *s, size_t len, int64_t *ret)
{
	const char *p = s, *end = s + len;
	unsigned base = take_base(&p, end);
	uint64_t value = 0;
	char last = base == 10 ? '_' : '0';

	for (; p < end; last = *p++) {
		if (*p == '_' && last == '_')
			return false;
		if (*p == '_')
			continue;

		int digit = digit_value(*p);

		if (digit < 0 || (unsigned)digit >= base || __builtin_mul_overflow(value, base, &value) ||
		    __builtin_add_overflow(value, (uint64_t)digit, &value))
			return false;
	}
	if (last == '_')
		return false;
	*ret = (int64_t)value;
	return true;
}

enum kcl_unit kcl_unit_of(const char *s, size_t len)
{
	static const char units[][3] = {
		[KCL_UNIT_n] = "n",   [KCL_UNIT_u] = "u",   [KCL_UNIT_m] = "m",   [KCL_UNIT_k] = "k",   [KCL_UNIT_K] = "K",
		[KCL_UNIT_M] = "M",   [KCL_UNIT_G] = "G",   [KCL_UNIT_T] = "T",   [KCL_UNIT_P] = "P",   [KCL_UNIT_Ki] = "Ki",
		[KCL_UNIT_Mi] = "Mi", [KCL_UNIT_Gi] = "Gi", [KCL_UNIT_Ti] = "Ti", [KCL_UNIT_Pi] = "Pi", [KCL_UNIT_i] = "i",
	};

	for (size_t i = KCL_UNIT_n; i < ARRAY_SIZE(units); i++)
		if (strlen(units[i]) == len && memcmp(units[i], s, len) == 0)
			return (enum kcl_unit)i;
	return KCL_UNIT_NONE;
}
