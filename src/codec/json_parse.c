#include "codec/json.h"

#include "text.h"

#include <string.h>

#define REPLACEMENT 0xfffd

/* Our own recursive descent into jansson values: this is the hot path of the API server, and jansson's reader, which
 * takes a byte a call, is several times slower on objects of a few KB. It also stops at integers beyond 64 bits, and
 * knows no limit of depth that we could set. */
struct parser {
	const char *text, *p, *end;
	unsigned flags;
	int depth;
	struct buf scratch; /* a string with escapes, decoded */
	struct err *err;
};

/* A string in the text, or decoded in parser.scratch until the next string is read. */
struct slice {
	const char *data;
	size_t len;
};

static json_t *parse_value(struct parser *ps);

_printf_(3, 4) static int fail_at(struct parser *ps, const char *at, const char *fmt, ...)
{
	int line, column;
	text_position(ps->text, at, &line, &column);
	va_list ap;
	va_start(ap, fmt);
	_cleanup_free_ char *what = xvasprintf(fmt, ap);
	va_end(ap);
	return err_set(ps->err, ERR_BAD_REQUEST, "line %d, column %d: %s", line, column, what);
}

static int fail_expected(struct parser *ps, const char *wanted)
{
	char found[32];
	return fail_at(ps, ps->p, "expected %s, found %s", wanted, text_describe(ps->p, ps->end, found));
}

static inline void skip_space(struct parser *ps)
{
	while (ps->p < ps->end && (*ps->p == ' ' || *ps->p == '\n' || *ps->p == '\t' || *ps->p == '\r'))
		ps->p++;
}

/* The four digits after "\u", or -1. */
static int32_t hex4(const char *p, const char *end)
{
	if (end - p < 4)
		return -1;
	int32_t v = 0;
	for (int i = 0; i < 4; i++) {
		int digit = text_hex_digit(p[i]);
		if (digit < 0)
			return -1;
		v = v << 4 | digit;
	}
	return v;
}

/* ps->p is behind "\u". Surrogates count only as a pair; NUL is refused, because a C string would end there and what
 * was checked would not be what is used. */
static int parse_unicode_escape(struct parser *ps)
{
	const char *at = ps->p - 2;
	int32_t c = hex4(ps->p, ps->end);
	if (c < 0)
		return fail_at(ps, at, "\\u needs four hexadecimal digits");
	if (c == 0)
		return fail_at(ps, at, "\\u0000 is not supported in strings");
	ps->p += 4;
	bool repair = ps->flags & JSON_REPAIR_TEXT;
	if (c >= 0xdc00 && c <= 0xdfff && !repair)
		return fail_at(ps, at, "\\u%04x is the second half of a surrogate pair without the first", (unsigned)c);
	if (c >= 0xd800 && c <= 0xdbff) {
		int32_t low = ps->end - ps->p >= 6 && ps->p[0] == '\\' && ps->p[1] == 'u' ? hex4(ps->p + 2, ps->end) : -1;
		bool pair = low >= 0xdc00 && low <= 0xdfff;
		if (!pair && !repair)
			return fail_at(ps, at, "\\u%04x is the first half of a surrogate pair without the second", (unsigned)c);
		ps->p += pair ? 6 : 0;
		c = pair ? 0x10000 + ((c - 0xd800) << 10) + (low - 0xdc00) : REPLACEMENT;
	}
	if (c >= 0xdc00 && c <= 0xdfff)
		c = REPLACEMENT;
	char utf8[4];
	return buf_append(&ps->scratch, utf8, text_utf8_encode((uint32_t)c, utf8));
}

/* ps->p is at the backslash. */
static int parse_escape(struct parser *ps)
{
	static const char names[] = "\"\\/bfnrt", values[] = "\"\\/\b\f\n\r\t";
	if (ps->end - ps->p < 2)
		return fail_at(ps, ps->p, "the string does not end");
	char c = ps->p[1];
	ps->p += 2;
	if (c == 'u')
		return parse_unicode_escape(ps);
	const char *found = c ? strchr(names, c) : NULL;
	if (!found) {
		char what[32];
		return fail_at(ps, ps->p - 2, "no such escape: \\ followed by %s", text_describe(ps->p - 1, ps->end, what));
	}
	return buf_putc(&ps->scratch, values[found - names]);
}

/* Over bytes that stand for themselves; ps->p is then at '"', a backslash, a byte to repair or a fault. */
static int skip_plain(struct parser *ps)
{
	for (;;) {
		ps->p = text_plain_end(ps->p, ps->end, true);
		if (ps->p == ps->end || (unsigned char)*ps->p < 0x80)
			return 0;
		size_t n = text_utf8_len(ps->p, ps->end);
		if (n == 0 && (ps->flags & JSON_REPAIR_TEXT))
			return 0;
		if (n == 0)
			return fail_at(ps, ps->p, "byte 0x%02X is not valid UTF-8", (unsigned)(unsigned char)*ps->p);
		ps->p += n;
	}
}

/* ps->p is at the opening quote. */
static int parse_string(struct parser *ps, struct slice *ret)
{
	const char *open = ps->p++, *from = ps->p;
	bool decoded = false;
	for (;;) {
		if (skip_plain(ps) < 0)
			return -1;
		if (ps->p == ps->end)
			return fail_at(ps, open, "the string that begins here does not end");
		bool repair = (unsigned char)*ps->p >= 0x80;
		if (*ps->p != '"' && *ps->p != '\\' && !repair)
			return fail_at(ps, ps->p, "control character 0x%02X in a string must be written as an escape",
			               (unsigned)(unsigned char)*ps->p);
		if (*ps->p == '"' && !decoded)
			break;
		if (!decoded)
			buf_reset(&ps->scratch);
		decoded = true;
		buf_append(&ps->scratch, from, (size_t)(ps->p - from));
		if (*ps->p == '"')
			break;
		if (repair) {
			buf_puts(&ps->scratch, "\xef\xbf\xbd");
			ps->p++;
		} else if (parse_escape(ps) < 0) {
			return -1;
		}
		from = ps->p;
	}
	if (decoded)
		*ret = (struct slice){ ps->scratch.data, ps->scratch.len };
	else
		*ret = (struct slice){ from, (size_t)(ps->p - from) };
	ps->p++;
	return 0;
}

static inline bool is_digit(const struct parser *ps)
{
	return ps->p < ps->end && *ps->p >= '0' && *ps->p <= '9';
}

/* Over one or more digits. */
static int skip_digits(struct parser *ps)
{
	if (!is_digit(ps))
		return fail_expected(ps, "a digit");
	while (is_digit(ps))
		ps->p++;
	return 0;
}

/* As Kubernetes reads numbers: an integer when it is written as one and fits 64 bits, else a double. */
static json_t *parse_number(struct parser *ps)
{
	const char *from = ps->p;
	bool negative = *ps->p == '-', integer = true;
	ps->p += negative;
	uint64_t magnitude = 0, limit = (uint64_t)INT64_MAX + negative;
	if (ps->p < ps->end && *ps->p == '0') {
		ps->p++;
		if (is_digit(ps))
			return fail_at(ps, from, "a number must not begin with 0"), NULL;
	} else if (!is_digit(ps)) {
		return fail_expected(ps, "a digit"), NULL;
	}
	for (; is_digit(ps); ps->p++)
		integer = integer && !__builtin_mul_overflow(magnitude, 10U, &magnitude) &&
		          !__builtin_add_overflow(magnitude, (uint64_t)(*ps->p - '0'), &magnitude) && magnitude <= limit;
	if (ps->p < ps->end && *ps->p == '.') {
		integer = false;
		ps->p++;
		if (skip_digits(ps) < 0)
			return NULL;
	}
	if (ps->p < ps->end && (*ps->p == 'e' || *ps->p == 'E')) {
		integer = false;
		ps->p++;
		if (ps->p < ps->end && (*ps->p == '+' || *ps->p == '-'))
			ps->p++;
		if (skip_digits(ps) < 0)
			return NULL;
	}
	if (integer)
		return json_integer((json_int_t)(negative ? 0 - magnitude : magnitude));
	double v;
	if (!text_parse_real(from, (size_t)(ps->p - from), &v))
		return fail_at(ps, from, "the number is too large"), NULL;
	return json_real(v);
}

static int parse_member(struct parser *ps, json_t *object)
{
	struct slice key = { 0 };
	if (ps->p == ps->end || *ps->p != '"')
		return fail_expected(ps, "a key in double quotes");
	const char *at = ps->p;
	if (parse_string(ps, &key) < 0)
		return -1;
	_cleanup_free_ char *copy = NULL; /* the value may need the scratch that the key lies in */
	if (key.data == ps->scratch.data) {
		copy = xmemdup(key.data, key.len);
		key.data = copy;
	}
	if ((ps->flags & JSON_STRICT_KEYS) && json_object_getn(object, key.data, key.len))
		return fail_at(ps, at, "the key \"%.*s\" is repeated", (int)(key.len < 200 ? key.len : 200), key.data);
	skip_space(ps);
	if (ps->p == ps->end || *ps->p != ':')
		return fail_expected(ps, "':' after the key");
	ps->p++;
	skip_space(ps);
	json_t *value = parse_value(ps);
	if (!value)
		return -1;
	json_object_setn_new_nocheck(object, key.data, key.len, value);
	return 0;
}

static int parse_element(struct parser *ps, json_t *array)
{
	json_t *value = parse_value(ps);
	if (!value)
		return -1;
	json_array_append_new(array, value);
	return 0;
}

/* ps->p is at the opening bracket. */
static json_t *parse_container(struct parser *ps, char close)
{
	if (++ps->depth > JSON_DEPTH_MAX)
		return fail_at(ps, ps->p, "nested deeper than %d levels", JSON_DEPTH_MAX), NULL;
	bool is_object = close == '}';
	_cleanup_json_ json_t *v = is_object ? json_object() : json_array();
	ps->p++;
	skip_space(ps);
	while (ps->p == ps->end || *ps->p != close) {
		if ((is_object ? parse_member(ps, v) : parse_element(ps, v)) < 0)
			return NULL;
		skip_space(ps);
		if (ps->p < ps->end && *ps->p == ',') {
			ps->p++;
			skip_space(ps);
			if (ps->p < ps->end && *ps->p == close)
				return fail_at(ps, ps->p, "no comma is allowed before '%c'", close), NULL;
		} else if (ps->p == ps->end || *ps->p != close) {
			return fail_expected(ps, is_object ? "',' or '}'" : "',' or ']'"), NULL;
		}
	}
	ps->p++;
	ps->depth--;
	return TAKE_PTR(v);
}

static json_t *parse_word(struct parser *ps, const char *word, size_t len, json_t *value)
{
	if ((size_t)(ps->end - ps->p) < len || memcmp(ps->p, word, len) != 0)
		return fail_expected(ps, "a value"), NULL;
	ps->p += len;
	return value;
}

static json_t *parse_value(struct parser *ps)
{
	struct slice s = { 0 };
	switch (ps->p < ps->end ? *ps->p : '\0') {
	case '{':
		return parse_container(ps, '}');
	case '[':
		return parse_container(ps, ']');
	case '"':
		return parse_string(ps, &s) < 0 ? NULL : json_stringn_nocheck(s.data, s.len);
	case 't':
		return parse_word(ps, "true", 4, json_true());
	case 'f':
		return parse_word(ps, "false", 5, json_false());
	case 'n':
		return parse_word(ps, "null", 4, json_null());
	case '-':
	case '0' ... '9':
		return parse_number(ps);
	default:
		return fail_expected(ps, "a value"), NULL;
	}
}

json_t *json_parse(const char *text, size_t len, unsigned flags, struct err *err)
{
	if (len > JSON_TEXT_MAX)
		return err_set(err, ERR_BAD_REQUEST, "the JSON text has %zu bytes; at most %zu are allowed", len,
		               JSON_TEXT_MAX),
		       NULL;
	struct parser ps = {
		.text = text, .p = text, .end = text + len, .flags = flags, .scratch = BUF_INIT(3 * len), .err = err
	};
	skip_space(&ps);
	json_t *v = parse_value(&ps);
	skip_space(&ps);
	if (v && ps.p != ps.end) {
		fail_expected(&ps, "nothing more after the value");
		json_decref(v);
		v = NULL;
	}
	buf_clear(&ps.scratch);
	return v;
}
