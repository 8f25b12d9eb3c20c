#include "stdlib/template.h"

#include "base/str.h"

#define PARAMS_MAX 8

struct parser {
	struct kcl_heap *h;
	const struct kcl_template_scope *scope;
	const char *p, *end;
};

bool kcl_template_truth(struct kcl_value v)
{
	return v.kind != KCL_FUNCTION && v.kind != KCL_TYPE && kcl_truth(v);
}

/* ---- paths ---- */

static struct kcl_value member(struct kcl_heap *h, struct kcl_value v, const char *s, size_t len)
{
	const struct kcl_dict *d = kcl_as_dict(v);
	int64_t i;

	if (len >= 2 && *s == '[' && s[len - 1] == ']') {
		s++;
		len -= 2;
	}
	if (d) {
		const struct kcl_pair *pair = kcl_dict_find(d, kcl_str(h, s, len).str);

		return pair ? pair->value : kcl_undefined();
	}
	if (v.kind != KCL_LIST || !str_to_i64(kcl_strndup(h, s, len), 0, UINT32_MAX, &i) || i >= v.list->len)
		return kcl_undefined();
	return v.list->items[i];
}

static struct kcl_value variable(const struct kcl_template_scope *scope, const char *s, size_t len)
{
	static const char *const names[] = { "index", "key", "first", "last", "root" };
	size_t which = 0;

	while (which < ARRAY_SIZE(names) && (strlen(names[which]) != len || memcmp(names[which], s, len) != 0))
		which++;
	/* Those of the innermost loop, also from within another block. */
	while (which < 4 && scope->index.kind == KCL_UNDEFINED && scope->outer)
		scope = scope->outer;
	while (which == 4 && scope->outer)
		scope = scope->outer;
	switch (which) {
	case 0:
		return scope->index;
	case 1:
		return scope->key;
	case 2:
		return kcl_bool(scope->first);
	case 3:
		return kcl_bool(scope->last);
	case 4:
		return scope->self;
	default:
		return kcl_undefined();
	}
}

static size_t segment(const char *s, const char *end)
{
	const char *p = s;

	if (p < end && *p == '[') {
		while (p < end && *p != ']')
			p++;
		return (size_t)(p - s) + (p < end);
	}
	while (p < end && *p != '.' && *p != '/' && *p != '[')
		p++;
	return (size_t)(p - s);
}

/* this, ../x, @index, a.b.[0] */
static struct kcl_value path(struct kcl_heap *h, const struct kcl_template_scope *scope, const char *s, const char *end)
{
	struct kcl_value v = scope->self;

	while (end - s >= 2 && memcmp(s, "..", 2) == 0) {
		scope = scope->outer ? scope->outer : scope;
		v = scope->self;
		s += 2;
		s += s < end && *s == '/';
	}
	if (s < end && *s == '@') {
		size_t n = segment(s + 1, end);

		v = variable(scope, s + 1, n);
		s += 1 + n;
	} else if (end - s >= 4 && memcmp(s, "this", 4) == 0 && (s + 4 == end || strchr("./[", s[4]))) {
		s += 4;
	} else if (s < end && *s == '.') {
		s++;
	}
	while (s < end) {
		if (*s == '.' || *s == '/') {
			s++;
			continue;
		}
		size_t n = segment(s, end);

		v = member(h, v, s, n);
		s += n;
	}
	return v;
}

/* ---- helpers ---- */

static struct kcl_value length(struct kcl_heap *h, struct kcl_value v)
{
	return kcl_int(v.kind == KCL_STR ? v.str->len : v.kind == KCL_LIST || kcl_as_dict(v) ? kcl_length(h, v) : 0);
}

static bool ordered(struct kcl_heap *h, enum kcl_compare_op op, struct kcl_value a, struct kcl_value b)
{
	bool numbers = (a.kind == KCL_INT || a.kind == KCL_FLOAT) && (b.kind == KCL_INT || b.kind == KCL_FLOAT);

	return (numbers || (a.kind == KCL_STR && b.kind == KCL_STR)) && kcl_compare(h, op, a, b);
}

static bool is_name(const char *name, size_t len, const char *wanted)
{
	return strlen(wanted) == len && memcmp(name, wanted, len) == 0;
}

static bool call_helper(struct kcl_heap *h, const char *name, size_t len, const struct kcl_value *v, uint32_t n,
                        struct kcl_value *ret)
{
	static const struct {
		const char *name;
		enum kcl_compare_op op;
	} orders[] = { { "gt", KCL_CMP_GT }, { "gte", KCL_CMP_GE }, { "lt", KCL_CMP_LT }, { "lte", KCL_CMP_LE } };

	for (size_t i = 0; i < ARRAY_SIZE(orders); i++)
		if (n == 2 && is_name(name, len, orders[i].name)) {
			*ret = kcl_bool(ordered(h, orders[i].op, v[0], v[1]));
			return true;
		}
	if (n == 2 && (is_name(name, len, "eq") || is_name(name, len, "ne")))
		*ret = kcl_bool(kcl_equal(h, v[0], v[1]) == (len == 2 && *name == 'e'));
	else if (n == 2 && is_name(name, len, "and"))
		*ret = kcl_bool(kcl_template_truth(v[0]) && kcl_template_truth(v[1]));
	else if (n == 2 && is_name(name, len, "or"))
		*ret = kcl_bool(kcl_template_truth(v[0]) || kcl_template_truth(v[1]));
	else if (n == 1 && is_name(name, len, "not"))
		*ret = kcl_bool(!kcl_template_truth(v[0]));
	else if (n == 1 && is_name(name, len, "len"))
		*ret = length(h, v[0]);
	else if (n == 1 && is_name(name, len, "raw"))
		*ret = v[0];
	else if (n == 2 && is_name(name, len, "lookup"))
		*ret = member(h, v[0], kcl_to_str(h, v[1])->s, kcl_to_str(h, v[1])->len);
	else
		return false;
	return true;
}

/* ---- expressions ---- */

static void skip_space(struct parser *p)
{
	while (p->p < p->end && isspace((unsigned char)*p->p))
		p->p++;
}

static struct kcl_value expression(struct parser *p, bool parenthesized);

static struct kcl_value literal(struct parser *p, const char *s, size_t len)
{
	const char *text = kcl_strndup(p->h, s, len);
	int64_t i;
	double f;

	if (str_to_i64(text, INT64_MIN, INT64_MAX, &i))
		return kcl_int(i);
	if (str_to_double(text, &f))
		return kcl_float(f);
	if (strcmp(text, "true") == 0 || strcmp(text, "false") == 0)
		return kcl_bool(*text == 't');
	if (strcmp(text, "null") == 0 || strcmp(text, "undefined") == 0)
		return kcl_none();
	return path(p->h, p->scope, s, s + len);
}

static struct kcl_value param(struct parser *p)
{
	const char *s = p->p;

	if (*s == '(') {
		p->p++;
		return expression(p, true);
	}
	if (*s == '"' || *s == '\'') {
		const char *close = memchr(s + 1, *s, (size_t)(p->end - s - 1));

		if (!close)
			kcl_raise(p->h, "register template failed: a string is not closed");
		p->p = close + 1;
		return kcl_str(p->h, s + 1, (size_t)(close - s - 1));
	}
	while (p->p < p->end && !isspace((unsigned char)*p->p) && *p->p != ')')
		p->p++;
	return literal(p, s, (size_t)(p->p - s));
}

static struct kcl_value expression(struct parser *p, bool parenthesized)
{
	struct kcl_value params[PARAMS_MAX], result;
	uint32_t n = 0;

	kcl_stack_check(p->h);
	kcl_steps(p->h, 1);
	skip_space(p);

	const char *name = p->p;
	struct kcl_value first = p->p < p->end ? param(p) : kcl_undefined();
	size_t len = (size_t)(p->p - name);

	for (skip_space(p); p->p < p->end && *p->p != ')' && n < PARAMS_MAX; skip_space(p))
		params[n++] = param(p);
	if (parenthesized) {
		if (p->p >= p->end || *p->p != ')')
			kcl_raise(p->h, "register template failed: a parenthesis is not closed");
		p->p++;
	}
	if (n == 0)
		return first;
	if (!call_helper(p->h, name, len, params, n, &result))
		kcl_raise(p->h, "render template failed: helper '%.*s' not defined", (int)len, name);
	return result;
}

struct kcl_value kcl_template_expression(struct kcl_heap *h, const struct kcl_template_scope *scope, const char *s,
                                         const char *end)
{
	struct parser p = { .h = h, .scope = scope, .p = s, .end = end };

	return expression(&p, false);
}
