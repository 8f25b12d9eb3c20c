#include "stdlib/yaml_read.h"

#include <math.h>
#include <yaml.h>

#define DEPTH_MAX 128 /* upstream's */

/* Owned by the heap, as a failure jumps out of the middle of a document. */
struct reader {
	yaml_parser_t parser;
	yaml_event_t event;
	bool has_event;
	struct kcl_heap *h;
	struct kcl_dict *anchors; /* of the document; NULL: none yet */
	unsigned depth;
};

static void drop_event(struct reader *r)
{
	if (r->has_event)
		yaml_event_delete(&r->event);
	r->has_event = false;
}

static void reader_free(void *p)
{
	struct reader *r = p;

	drop_event(r);
	yaml_parser_delete(&r->parser);
	free(r);
}

static bool is_start(yaml_mark_t at)
{
	return at.line == 0 && at.column == 0;
}

/* " at line 2 column 1"; nothing of the start of a text. */
static const char *place(struct reader *r, yaml_mark_t at)
{
	return is_start(at) ? "" : kcl_printf(r->h, " at line %zu column %zu", at.line + 1, at.column + 1);
}

_Noreturn static void fail(struct reader *r, const char *what, yaml_mark_t at)
{
	kcl_raise(r->h, "%s%s", what, place(r, at));
}

/* As serde_yaml says it: what and where, then in what, and where that began. */
_Noreturn static void fail_in_libyaml(struct reader *r)
{
	const yaml_parser_t *p = &r->parser;
	bool is_elsewhere = p->context_mark.line != p->problem_mark.line ||
	                    p->context_mark.column != p->problem_mark.column;
	const char *at = !is_start(p->problem_mark) ? place(r, p->problem_mark)
	                 : p->problem_offset        ? kcl_printf(r->h, " at position %zu", p->problem_offset)
	                                            : "";

	kcl_raise(r->h, "%s%s%s%s%s", p->problem ? p->problem : "invalid YAML", at, p->context ? ", " : "",
	          p->context ? p->context : "", p->context && is_elsewhere ? place(r, p->context_mark) : "");
}

static yaml_event_type_t next_event(struct reader *r)
{
	drop_event(r);
	kcl_steps(r->h, 1);
	if (!yaml_parser_parse(&r->parser, &r->event))
		fail_in_libyaml(r);
	r->has_event = true;
	return r->event.type;
}

/* ---- scalars ---- */

static bool is_word(const char *s, size_t len, const char *const *words)
{
	for (size_t i = 0; words[i]; i++)
		if (strlen(words[i]) == len && memcmp(s, words[i], len) == 0)
			return true;
	return false;
}

static bool digits_in(const char *s, size_t len, int base)
{
	static const char all[] = "0123456789abcdefABCDEF";
	size_t n = base == 2 ? 2 : base == 8 ? 8 : base == 10 ? 10 : sizeof(all) - 1;

	for (size_t i = 0; i < len; i++)
		if (!memchr(all, s[i], n))
			return false;
	return len > 0;
}

/* An optional sign, an optional 0x, 0o or 0b, digits. Past 64 bits it is a float, if it has no prefix. */
static bool parse_int(const char *s, size_t len, struct kcl_value *ret)
{
	const char *p = s + (len > 0 && strchr("+-", *s) ? 1 : 0);
	size_t n = len - (size_t)(p - s);
	int base = n < 2 || *p != '0' ? 10 : p[1] == 'x' ? 16 : p[1] == 'o' ? 8 : p[1] == 'b' ? 2 : 10;
	uint64_t value = 0;

	if (base != 10) {
		p += 2;
		n -= 2;
	}
	if (!digits_in(p, n, base) || (base == 10 && n > 1 && *p == '0'))
		return false;
	for (size_t i = 0; i < n; i++) {
		unsigned digit = isdigit((unsigned char)p[i]) ? (unsigned)(p[i] - '0') : (unsigned)(tolower(p[i]) - 'a') + 10;

		if (__builtin_mul_overflow(value, (uint64_t)base, &value) || __builtin_add_overflow(value, digit, &value))
			return false;
	}
	if (*s == '-' ? value > (uint64_t)INT64_MAX + 1 : value > INT64_MAX) {
		*ret = kcl_float(*s == '-' ? -(double)value : (double)value);
		return true;
	}
	*ret = kcl_int(*s == '-' ? (int64_t)(0 - value) : (int64_t)value);
	return true;
}

/* Infinite and NaN are null: JSON, through which upstream passes them, has no such numbers. */
static bool parse_float(struct kcl_heap *h, const char *s, size_t len, struct kcl_value *ret)
{
	static const char *const not_finite[] = { ".inf",  ".Inf",  ".INF", "+.inf", "+.Inf", "+.INF", "-.inf",
		                                      "-.Inf", "-.INF", ".nan", ".NaN",  ".NAN",  NULL };
	const char *text = kcl_strndup(h, s, len), *p = text + (strchr("+-", *text) ? 1 : 0);
	char *end;

	if (is_word(s, len, not_finite)) {
		*ret = kcl_none();
		return true;
	}
	/* Leading zeros make a string. */
	if (p[0] == '0' && digits_in(p, strlen(p), 10) && p[1])
		return false;
	if (!*p || p[strspn(p, "0123456789.eE+-")] || !strpbrk(p, "0123456789") || strchr("eE+-", *p))
		return false;

	double f = strtod(text, &end);

	if (*end || !isfinite(f))
		return false;
	*ret = kcl_float(f);
	return true;
}

struct kcl_value kcl_yaml_scalar(struct kcl_heap *h, const char *s, size_t len)
{
	static const char *const nulls[] = { "", "null", "Null", "NULL", "~", NULL };
	static const char *const trues[] = { "true", "True", "TRUE", NULL };
	static const char *const falses[] = { "false", "False", "FALSE", NULL };
	struct kcl_value v;

	if (is_word(s, len, nulls))
		return kcl_none();
	if (is_word(s, len, trues) || is_word(s, len, falses))
		return kcl_bool(is_word(s, len, trues));
	if (len > 0 && strchr("+-.0123456789", *s) && (parse_int(s, len, &v) || parse_float(h, s, len, &v)))
		return v;
	return kcl_str(h, s, len);
}

static struct kcl_value scalar(struct reader *r)
{
	const char *s = (const char *)r->event.data.scalar.value;
	const char *tag = (const char *)r->event.data.scalar.tag;
	size_t len = r->event.data.scalar.length;

	if (r->event.data.scalar.style != YAML_PLAIN_SCALAR_STYLE || (tag && strcmp(tag, YAML_STR_TAG) == 0))
		return kcl_str(r->h, s, len);
	return kcl_yaml_scalar(r->h, s, len);
}

/* ---- nodes ---- */

static struct kcl_value node(struct reader *r);

static struct kcl_value sequence(struct reader *r)
{
	struct kcl_value result = kcl_list(r->h, 0);

	while (next_event(r) != YAML_SEQUENCE_END_EVENT)
		kcl_list_push(r->h, result.list, node(r));
	return result;
}

static struct kcl_value mapping(struct reader *r)
{
	struct kcl_value result = kcl_dict(r->h, 0);

	while (next_event(r) != YAML_MAPPING_END_EVENT) {
		if (r->event.type != YAML_SCALAR_EVENT)
			fail(r, "invalid type: expected a string key", r->event.start_mark);

		struct kcl_value key = kcl_str(r->h, (const char *)r->event.data.scalar.value, r->event.data.scalar.length);
		next_event(r);
		kcl_dict_set(r->h, result.dict, key.str, node(r));
	}
	return result;
}

static struct kcl_value alias(struct reader *r)
{
	const char *name = (const char *)r->event.data.alias.anchor;
	const struct kcl_pair *pair = r->anchors ? kcl_dict_findz(r->anchors, name) : NULL;

	if (pair)
		return pair->value;
	fail(r, "unknown anchor", r->event.start_mark);
}

static struct kcl_value node_value(struct reader *r)
{
	switch (r->event.type) {
	case YAML_SCALAR_EVENT:
		return scalar(r);
	case YAML_ALIAS_EVENT:
		return alias(r);
	case YAML_SEQUENCE_START_EVENT:
		return sequence(r);
	case YAML_MAPPING_START_EVENT:
		return mapping(r);
	default:
		fail(r, "invalid YAML", r->event.start_mark);
	}
}

/* Of the event at hand. */
static struct kcl_value node(struct reader *r)
{
	yaml_event_t *e = &r->event;
	const yaml_char_t *name = e->type == YAML_SCALAR_EVENT           ? e->data.scalar.anchor
	                          : e->type == YAML_SEQUENCE_START_EVENT ? e->data.sequence_start.anchor
	                          : e->type == YAML_MAPPING_START_EVENT  ? e->data.mapping_start.anchor
	                                                                 : NULL;
	const struct kcl_str *kept = name ? kcl_strz(r->h, (const char *)name).str : NULL; /* the event will be gone */

	if (r->depth >= DEPTH_MAX)
		fail(r, "recursion limit exceeded", e->start_mark);
	r->depth++;

	struct kcl_value v = node_value(r);

	r->depth--;
	if (kept) {
		if (!r->anchors)
			r->anchors = kcl_dict(r->h, 0).dict;
		kcl_dict_set(r->h, r->anchors, kept, v);
	}
	return v;
}

/* ---- documents ---- */

/* libyaml compares each %TAG with all before it. */
static void count_directives(struct kcl_heap *h, const struct kcl_str *text)
{
	uint64_t n = text->s[0] == '%';

	kcl_steps(h, text->len / 16);
	for (const char *p = text->s; (p = strstr(p, "\n%")); p++)
		n++;
	kcl_steps(h, n * n / 8);
}

static struct reader *reader_new(struct kcl_heap *h, const struct kcl_str *text)
{
	struct reader *r = new0(struct reader);

	r->h = h;
	if (!yaml_parser_initialize(&r->parser))
		out_of_memory(sizeof(*r));
	kcl_heap_own(h, r, reader_free);
	yaml_parser_set_input_string(&r->parser, (const unsigned char *)text->s, text->len);
	yaml_parser_set_encoding(&r->parser, YAML_UTF8_ENCODING);
	return r;
}

struct kcl_value kcl_yaml_read_all(struct kcl_heap *h, const struct kcl_str *text)
{
	count_directives(h, text);

	struct reader *r = reader_new(h, text);
	struct kcl_value result = kcl_list(h, 0);

	for (yaml_event_type_t type = next_event(r); type != YAML_STREAM_END_EVENT; type = next_event(r)) {
		if (type != YAML_DOCUMENT_START_EVENT)
			continue;
		r->anchors = NULL;
		next_event(r);
		kcl_list_push(h, result.list, node(r));
	}
	kcl_heap_release(h, r);
	return result;
}

struct kcl_value kcl_yaml_read(struct kcl_heap *h, const struct kcl_str *text)
{
	struct kcl_value all = kcl_yaml_read_all(h, text);

	if (all.list->len > 1)
		kcl_raise(h, "deserializing from YAML containing more than one document is not supported");
	return all.list->len == 1 ? all.list->items[0] : kcl_none();
}
