/* Regular expressions in RE2's syntax, matched by PCRE2. What RE2 does not know (look-around, back references,
 * possessive and atomic groups) is refused, so that a schema accepted here is accepted by Kubernetes; what both write
 * differently is rewritten. Matching is bounded in steps. */
#define PCRE2_CODE_UNIT_WIDTH 8

#include "base/buf.h"
#include "base/str.h"
#include "schema_internal.h"

#include <ctype.h>
#include <pcre2.h>

#define MATCH_STEPS_MAX 200000
#define MATCH_HEAP_KIB_MAX 4096
#define REPEAT_MAX 1000

struct schema_pattern {
	char *text;
	pcre2_code *code;
	pcre2_match_context *limits;
};

/* The pattern being rewritten. */
struct rewrite {
	const char *p;
	struct buf out;
	char *error;
};

static bool refuse(struct rewrite *r, const char *what, const char *from, size_t len)
{
	r->error = xasprintf("error parsing regexp: %s: `%.*s`", what, (int)len, from);
	return false;
}

/* \p{Greek} or \pN, behind the backslash. */
static bool rewrite_property(struct rewrite *r, const char *from)
{
	const char *end = r->p + 1;

	if (*end == '{')
		end = strchr(end, '}');
	if (!end || !*end)
		return refuse(r, "invalid character class range", from, strlen(from));
	end++;
	buf_append(&r->out, from, (size_t)(end - from));
	r->p = end;
	return true;
}

static bool rewrite_hex(struct rewrite *r, const char *from)
{
	const char *end = r->p + 1;

	if (*end == '{') {
		size_t n = strspn(end + 1, "0123456789abcdefABCDEF");
		if (n == 0 || n > 6 || end[n + 1] != '}')
			return refuse(r, "invalid escape sequence", from, n + 3);
		end += n + 2;
	} else if (isxdigit((unsigned char)end[0]) && isxdigit((unsigned char)end[1])) {
		end += 2;
	} else {
		return refuse(r, "invalid escape sequence", from, 2);
	}
	buf_append(&r->out, from, (size_t)(end - from));
	r->p = end;
	return true;
}

/* At a backslash; moves behind the escape. */
static bool rewrite_escape(struct rewrite *r, bool in_class)
{
	const char *from = r->p++;
	unsigned char c = (unsigned char)*r->p;

	if (!c)
		return refuse(r, "trailing backslash at end of expression", "", 0);
	if (c == 'p' || c == 'P')
		return rewrite_property(r, from);
	if (c == 'x')
		return rewrite_hex(r, from);
	if (c == 'Q' && !in_class) {
		const char *end = strstr(r->p, "\\E");
		for (r->p++; *r->p && r->p != end; r->p++)
			buf_printf(&r->out, (unsigned char)*r->p < 0x80 && !isalnum((unsigned char)*r->p) ? "\\%c" : "%c", *r->p);
		r->p += end ? 2 : 0;
		return true;
	}
	r->p++;
	if (c == 's' || c == 'S') /* RE2's does not contain the vertical tab */
		buf_puts(&r->out, in_class   ? (c == 's' ? "\\t\\n\\f\\r " : "\\S\\x0b")
		                  : c == 's' ? "[\\t\\n\\f\\r ]"
		                             : "[^\\t\\n\\f\\r ]");
	else if (c == 'v')
		buf_puts(&r->out, "\\x0b");
	else if (c >= '1' && c <= '7' && !(*r->p >= '0' && *r->p <= '7'))
		return refuse(r, "invalid escape sequence", from, 2); /* a back reference */
	else if (strchr(in_class ? "dDwWafnrt01234567" : "dDwWafnrtAzbB01234567", c))
		buf_append(&r->out, from, 2);
	else if (c < 0x80 && isalnum(c))
		return refuse(r, "invalid escape sequence", from, 2);
	else if (c >= 0x80)
		return refuse(r, "invalid escape sequence", from, 1);
	else
		buf_append(&r->out, from, 2);
	return true;
}

/* At '[': the whole class. */
static bool rewrite_class(struct rewrite *r)
{
	const char *from = r->p;

	buf_putc(&r->out, *r->p++);
	if (*r->p == '^')
		buf_putc(&r->out, *r->p++);
	for (bool first = true; first || *r->p != ']'; first = false) {
		if (!*r->p)
			return refuse(r, "missing closing ]", from, strlen(from));
		const char *named = *r->p == '[' && r->p[1] == ':' ? strstr(r->p + 2, ":]") : NULL;
		if (named) {
			buf_append(&r->out, r->p, (size_t)(named + 2 - r->p));
			r->p = named + 2;
		} else if (*r->p == '[') {
			buf_puts(&r->out, "\\[");
			r->p++;
		} else if (*r->p == '\\') {
			if (!rewrite_escape(r, true))
				return false;
		} else {
			buf_putc(&r->out, *r->p++);
		}
	}
	buf_putc(&r->out, *r->p++);
	return true;
}

/* At "(?": groups with flags or a name; everything else is Perl's own. */
static bool rewrite_group(struct rewrite *r)
{
	const char *from = r->p, *p = from + 2;

	if (p[0] == 'P' && p[1] == '<')
		p += 2;
	else if (p[0] == '<' && (isalnum((unsigned char)p[1]) || p[1] == '_'))
		p += 1;
	else {
		size_t flags = strspn(p, "imsU-");
		if (p[flags] != ':' && (p[flags] != ')' || flags == 0))
			return refuse(r, "invalid or unsupported Perl syntax", from, strlen(from) < 3 ? strlen(from) : 3);
		p += flags;
	}
	buf_append(&r->out, from, (size_t)(p - from));
	r->p = p;
	return true;
}

/* Behind an operator that repeats: a second one is RE2's error, and possessive in Perl. */
static bool check_repeat(struct rewrite *r, const char *from)
{
	if (*r->p == '?')
		buf_putc(&r->out, *r->p++);
	if (*r->p == '*' || *r->p == '+' || *r->p == '?')
		return refuse(r, "invalid nested repetition operator", from, (size_t)(r->p + 1 - from));
	return true;
}

/* At '{': a repetition, or plain text when it has another form. */
static bool rewrite_braces(struct rewrite *r)
{
	const char *from = r->p, *p = from + 1;
	size_t low = strspn(p, "0123456789"), high = 0;
	bool comma = p[low] == ',';

	if (comma)
		high = strspn(p + low + 1, "0123456789");
	if (low == 0 || p[low + (comma ? 1 + high : 0)] != '}') {
		buf_puts(&r->out, "\\{");
		r->p++;
		return true;
	}
	const char *end = p + low + (comma ? 1 + high : 0) + 1;
	if (strtol(p, NULL, 10) > REPEAT_MAX || (high && strtol(p + low + 1, NULL, 10) > REPEAT_MAX))
		return refuse(r, "invalid repeat count", from, (size_t)(end - from));
	buf_append(&r->out, from, (size_t)(end - from));
	r->p = end;
	return check_repeat(r, from);
}

static bool rewrite_all(struct rewrite *r)
{
	while (*r->p) {
		const char *from = r->p;
		bool good = true;
		if (*from == '\\')
			good = rewrite_escape(r, false);
		else if (*from == '[')
			good = rewrite_class(r);
		else if (*from == '{')
			good = rewrite_braces(r);
		else if (*from == '(' && from[1] == '?')
			good = rewrite_group(r);
		else if (*from == '(' && from[1] == '*') /* Perl's verbs begin like this */
			good = refuse(r, "missing argument to repetition operator", "*", 1);
		else {
			buf_putc(&r->out, *r->p++);
			if (*from == '*' || *from == '+' || *from == '?')
				good = check_repeat(r, from);
		}
		if (!good)
			return false;
	}
	return true;
}

/* Faults that both find, in RE2's words. */
static const char *re2_words(int error)
{
	switch (error) {
	case PCRE2_ERROR_MISSING_CLOSING_PARENTHESIS:
		return "missing closing )";
	case PCRE2_ERROR_UNMATCHED_CLOSING_PARENTHESIS:
		return "unexpected )";
	case PCRE2_ERROR_QUANTIFIER_INVALID:
		return "missing argument to repetition operator";
	case PCRE2_ERROR_CLASS_RANGE_ORDER:
		return "invalid character class range";
	default:
		return NULL;
	}
}

/* What of the pattern is shown: the operator, the range, or all of it. free() */
static char *fault_part(int error, const char *expression, size_t at, const char *text)
{
	if (error == PCRE2_ERROR_QUANTIFIER_INVALID)
		return xstrndup(text + strcspn(text, "*+?{"), 1);
	if (error == PCRE2_ERROR_CLASS_RANGE_ORDER && at >= 2)
		return xstrndup(expression + at - 2, 3);
	return xstrdup(text);
}

static pcre2_code *compile(const char *text, char **ret_error)
{
	struct rewrite r = { .p = text, .out = BUF_INIT(8 * SCHEMA_PATTERN_MAX) };
	pcre2_code *code = NULL;
	int error;
	PCRE2_SIZE at;

	if (rewrite_all(&r)) {
		_cleanup_free_ char *expression = buf_steal(&r.out);
		pcre2_compile_context *context = pcre2_compile_context_create(NULL);
		if (!context)
			out_of_memory(0);
		pcre2_set_newline(context, PCRE2_NEWLINE_LF);
		pcre2_set_parens_nest_limit(context, 200);
		code = pcre2_compile((PCRE2_SPTR)expression, PCRE2_ZERO_TERMINATED, PCRE2_UTF | PCRE2_DOLLAR_ENDONLY, &error,
		                     &at, context);
		pcre2_compile_context_free(context);
		if (!code) {
			PCRE2_UCHAR why[160] = "";
			pcre2_get_error_message(error, why, sizeof(why));
			const char *words = re2_words(error);
			_cleanup_free_ char *part = fault_part(error, expression, at, text);
			r.error = xasprintf("error parsing regexp: %s: `%s`", words ? words : (const char *)why, part);
		}
	}
	buf_clear(&r.out);
	*ret_error = r.error;
	return code;
}

struct schema_pattern *schema_pattern_new(const char *text, char **ret_error)
{
	if (strlen(text) > SCHEMA_PATTERN_MAX) {
		*ret_error = xasprintf("error parsing regexp: expression is longer than %d bytes", SCHEMA_PATTERN_MAX);
		return NULL;
	}
	pcre2_code *code = compile(text, ret_error);
	if (!code)
		return NULL;
	pcre2_jit_compile(code, PCRE2_JIT_COMPLETE); /* where it cannot, it is interpreted */
	struct schema_pattern *p = new0(struct schema_pattern);
	p->text = xstrdup(text);
	p->code = code;
	p->limits = pcre2_match_context_create(NULL);
	if (!p->limits)
		out_of_memory(0);
	pcre2_set_match_limit(p->limits, MATCH_STEPS_MAX);
	pcre2_set_heap_limit(p->limits, MATCH_HEAP_KIB_MAX);
	return p;
}

struct schema_pattern *schema_pattern_free(struct schema_pattern *p)
{
	if (!p)
		return NULL;
	pcre2_match_context_free(p->limits);
	pcre2_code_free(p->code);
	free(p->text);
	free(p);
	return NULL;
}

const char *schema_pattern_text(const struct schema_pattern *p)
{
	return p->text;
}

bool schema_pattern_matches(const struct schema_pattern *p, const char *s, size_t len)
{
	pcre2_match_data *data = pcre2_match_data_create(1, NULL);

	if (!data)
		out_of_memory(0);
	int n = pcre2_match(p->code, (PCRE2_SPTR)s, len, 0, 0, data, p->limits);
	pcre2_match_data_free(data);
	return n >= 0;
}
