#include "patch/patch.h"

#include "base/str.h"
#include "codec/base64.h"
#include "codec/go_format.h"

#include <gnutls/crypto.h>

#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>

#define TEXT_MAX ((size_t)1024 * 1024)
#define MATCH_LIMIT 1000000
#define DEPTH_LIMIT 10000

/* ---- regular expressions: Go's RE2 syntax is a part of PCRE2's ---- */

static pcre2_code *compile(const char *expression, struct err *err)
{
	int code = 0;
	PCRE2_SIZE at = 0;
	pcre2_code *re = pcre2_compile((PCRE2_SPTR)expression, PCRE2_ZERO_TERMINATED,
	                               PCRE2_UTF | PCRE2_DOLLAR_ENDONLY | PCRE2_NEVER_BACKSLASH_C, &code, &at, NULL);

	if (!re) {
		char why[128];

		pcre2_get_error_message(code, (PCRE2_UCHAR *)why, sizeof(why));
		err_set(err, ERR_INVALID, "error parsing regexp: %s at %zu: `%s`", why, (size_t)at, expression);
	}
	return re;
}

bool transform_regexp_is_valid(const char *expression)
{
	pcre2_code *re = compile(expression, NULL);

	pcre2_code_free(re);
	return re != NULL;
}

static json_t *groups_of(pcre2_match_data *match, const char *text, int count)
{
	const PCRE2_SIZE *at = pcre2_get_ovector_pointer(match);
	json_t *groups = json_array();

	for (int i = 0; i < (int)pcre2_get_ovector_count(match); i++) {
		bool took_part = i < count && at[2 * i] != PCRE2_UNSET;

		json_array_append_new(groups,
		                      took_part ? json_stringn(text + at[2 * i], at[2 * i + 1] - at[2 * i]) : json_string(""));
	}
	return groups;
}

json_t *transform_regexp(const char *expression, const char *text, struct err *err)
{
	pcre2_code *re = compile(expression, err);
	pcre2_match_context *limits = re ? pcre2_match_context_create(NULL) : NULL;
	pcre2_match_data *match = re ? pcre2_match_data_create_from_pattern(re, NULL) : NULL;
	json_t *groups = NULL;

	if (limits && match) {
		pcre2_set_match_limit(limits, MATCH_LIMIT);
		pcre2_set_depth_limit(limits, DEPTH_LIMIT);
		int count = pcre2_match(re, (PCRE2_SPTR)text, strlen(text), 0, 0, match, limits);
		if (count > 0)
			groups = groups_of(match, text, count);
		else if (count != PCRE2_ERROR_NOMATCH)
			err_set(err, ERR_INVALID, "the regexp takes too long on this text");
	}
	pcre2_match_data_free(match);
	pcre2_match_context_free(limits);
	pcre2_code_free(re);
	return groups;
}

static json_t *string_regexp(const json_t *config, const char *text, struct err *err)
{
	const char *expression = json_get_str(config, "match");
	int64_t group = json_get_int(config, "group", 0);
	_cleanup_err_ struct err failed = { 0 };
	_cleanup_json_ json_t *groups = transform_regexp(expression ? expression : "", text, &failed);

	if (err_is_set(&failed)) {
		err_move(err, &failed);
		err_wrap(err, "could not compile regexp");
		return NULL;
	}
	if (!groups || group < 0 || (size_t)group >= json_array_size(groups)) {
		_cleanup_buf_ struct buf quoted = BUF_INIT(TEXT_MAX);

		go_quote(expression ? expression : "", strlen(expression ? expression : ""), TEXT_MAX, &quoted);
		err_set(err, ERR_INVALID, "regexp %s had no matches for group %lld", buf_str(&quoted), (long long)group);
		return NULL;
	}
	return json_incref(json_array_get(groups, (size_t)group));
}

/* ---- conversions ---- */

/* ASCII and Latin letters; others stay. Go knows all of Unicode. */
static json_t *change_case(const char *text, bool upper)
{
	_cleanup_buf_ struct buf out = BUF_INIT(TEXT_MAX);
	size_t len = strlen(text);

	for (size_t i = 0; i < len;) {
		uint32_t c = 0;
		size_t n = utf8_next(text + i, len - i, &c);

		if (n == 0) {
			i++;
			continue;
		}
		if (c < 0x80) {
			buf_putc(&out, (char)(upper ? (c >= 'a' && c <= 'z' ? c - 32 : c) : (c >= 'A' && c <= 'Z' ? c + 32 : c)));
		} else if (upper && c >= 0xe0 && c <= 0xfe && c != 0xf7) {
			buf_printf(&out, "%c%c", text[i], text[i + 1] - 32);
		} else if (!upper && c >= 0xc0 && c <= 0xde && c != 0xd7) {
			buf_printf(&out, "%c%c", text[i], text[i + 1] + 32);
		} else {
			buf_append(&out, text + i, n);
		}
		i += n;
	}
	return json_string(buf_str(&out));
}

/* What hashes are made of: a string's own bytes, else JSON as Go writes it (keys sorted). */
static char *hashed_text(const json_t *input)
{
	if (json_is_string(input))
		return xstrdup(json_string_value(input));
	_cleanup_json_ json_t *plain = numbers_as_json(input);
	return json_canonical(plain);
}

static json_t *hash(const json_t *input, gnutls_digest_algorithm_t algorithm)
{
	_cleanup_free_ char *text = hashed_text(input);
	unsigned char digest[64];
	unsigned len = gnutls_hash_get_len(algorithm);
	char hex[129];

	gnutls_hash_fast(algorithm, text, strlen(text), digest);
	for (unsigned i = 0; i < len; i++) {
		hex[2 * i] = "0123456789abcdef"[digest[i] >> 4];
		hex[2 * i + 1] = "0123456789abcdef"[digest[i] & 15];
	}
	return json_stringn(hex, len * 2);
}

/* RFC 1950. */
static json_t *adler32_text(const json_t *input)
{
	_cleanup_free_ char *text = hashed_text(input);
	uint32_t a = 1, b = 0;

	for (const char *p = text; *p; p++) {
		a = (a + (unsigned char)*p) % 65521;
		b = (b + a) % 65521;
	}
	return json_strf("%u", b << 16 | a);
}

static const char *skip_line_breaks(const char *p)
{
	return p + strspn(p, "\r\n");
}

/* Where Go's base64.StdEncoding finds a text malformed: the offset of the byte that its error names. -1: nowhere. */
static ssize_t base64_fault(const char *text)
{
	static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
	unsigned digits = 0; /* of the group of four that has begun */
	const char *p = skip_line_breaks(text);

	for (; *p && strchr(alphabet, *p); p = skip_line_breaks(p + 1))
		digits = (digits + 1) % 4;
	if (!*p)
		return digits ? p - text - digits : -1;
	if (*p != '=' || digits < 2)
		return p - text;
	if (digits == 2) {
		const char *second = skip_line_breaks(p + 1);

		if (*second != '=')
			return *second ? second - text - 1 : second - text;
		p = second;
	}
	p = skip_line_breaks(p + 1);
	return *p ? p - text : -1;
}

static json_t *from_base64(const char *text, struct err *err)
{
	ssize_t fault = base64_fault(text);
	size_t len = 0;
	_cleanup_free_ char *data = fault < 0 ? base64_decode(text, strlen(text), &len) : NULL;
	json_t *out = data ? json_stringn(data, len) : NULL;

	if (!data)
		err_set(err, ERR_INVALID, "string is not valid base64: illegal base64 data at input byte %zd", fault);
	else if (!out)
		out = json_string_lossy(data, len);
	return out;
}

static json_t *to_base64(const char *text)
{
	_cleanup_free_ char *encoded = base64_encode(text, strlen(text));

	return json_string(encoded);
}

static json_t *string_convert(const char *kind, const json_t *input, const char *text, struct err *err)
{
	if (str_eq(kind, "ToUpper") || str_eq(kind, "ToLower"))
		return change_case(text, str_eq(kind, "ToUpper"));
	if (str_eq(kind, "ToJson")) {
		_cleanup_json_ json_t *plain = numbers_as_json(input);
		_cleanup_free_ char *json = json_canonical(plain);

		return json_string(json);
	}
	if (str_eq(kind, "ToBase64"))
		return to_base64(text);
	if (str_eq(kind, "FromBase64"))
		return from_base64(text, err);
	if (str_eq(kind, "ToSha1"))
		return hash(input, GNUTLS_DIG_SHA1);
	if (str_eq(kind, "ToSha256"))
		return hash(input, GNUTLS_DIG_SHA256);
	if (str_eq(kind, "ToSha512"))
		return hash(input, GNUTLS_DIG_SHA512);
	if (str_eq(kind, "ToAdler32"))
		return adler32_text(input);
	err_set(err, ERR_INVALID, "type %s is not supported for string convert", kind);
	return NULL;
}

/* ---- the rest ---- */

static json_t *string_trim(const char *text, const char *trim, bool prefix)
{
	size_t len = strlen(text), cut = strlen(trim);

	if (prefix)
		return json_string(str_starts_with(text, trim) ? text + cut : text);
	return str_ends_with(text, trim) ? json_stringn(text, len - cut) : json_string(text);
}

/* Upstream takes one byte off the end for a separator of any length. */
static json_t *string_join(const json_t *config, const json_t *input, struct err *err)
{
	const char *separator = json_get_str(config, "separator");
	_cleanup_buf_ struct buf out = BUF_INIT(TEXT_MAX);
	json_t *item;
	size_t i;

	if (!json_is_array(input)) {
		err_set(err, ERR_INVALID, "could not parse input array");
		return NULL;
	}
	json_array_foreach (input, i, item) {
		_cleanup_free_ char *text = go_sprint(item);

		buf_puts(&out, text);
		buf_puts(&out, separator ? separator : "");
	}
	return json_string_lossy(buf_str(&out), out.len > 0 && !str_empty(separator) ? out.len - 1 : out.len);
}

static json_t *string_replace(const json_t *config, const char *text)
{
	const char *search = json_get_str(config, "search"), *replace = json_get_str(config, "replace"), *found;
	_cleanup_buf_ struct buf out = BUF_INIT(TEXT_MAX);

	if (str_empty(search))
		return json_string(text);
	for (; (found = strstr(text, search)) != NULL; text = found + strlen(search)) {
		buf_append(&out, text, (size_t)(found - text));
		buf_puts(&out, replace ? replace : "");
	}
	buf_puts(&out, text);
	return json_string(buf_str(&out));
}

static json_t *string_format(const char *format, const json_t *input)
{
	json_t *const values[] = { json_unconst(input) };
	_cleanup_free_ char *text = go_sprintf(format, values, 1);

	return json_string(text);
}

json_t *transform_string(const json_t *config, const json_t *input, struct err *err)
{
	static const char *const fields[][2] = { { "Format", "fmt" },      { "Convert", "convert" },
		                                     { "TrimPrefix", "trim" }, { "TrimSuffix", "trim" },
		                                     { "Regexp", "regexp" },   { "Join", "join" },
		                                     { "Replace", "replace" } };
	const char *type = json_get_str(config, "type");
	_cleanup_free_ char *text = go_sprint(input);

	for (size_t i = 0; i < ARRAY_SIZE(fields); i++) {
		const json_t *field = json_object_get(config, fields[i][1]);

		if (!str_eq(type, fields[i][0]))
			continue;
		if (!field) {
			err_set(err, ERR_INVALID, "string transform of type %s %s is not set", type, fields[i][1]);
			return NULL;
		}
		const char *word = json_is_string(field) ? json_string_value(field) : "";

		switch (i) {
		case 0:
			return string_format(word, input);
		case 1:
			return string_convert(word, input, text, err);
		case 2:
		case 3:
			return string_trim(text, word, i == 2);
		case 4:
			return string_regexp(field, text, err);
		case 5:
			return string_join(field, input, err);
		default:
			return string_replace(field, text);
		}
	}
	err_set(err, ERR_INVALID, "type %s is not supported for string transform type", type ? type : "");
	return NULL;
}
