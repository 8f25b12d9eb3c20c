#include "jsonpath_node.h"

#include "base/str.h"
#include "text.h"

#include <limits.h>

/* The grammar of client-go's util/jsonpath, as kubectl's users know it. The sides of a filter are cut out first and
 * then parsed as actions of their own. As in client-go, ['a.b'] means two steps and ['a\.b'] one. */
struct parser {
	const char *text; /* the whole template, for places in errors */
	const char *p, *end;
	int nesting;
	struct err *err;
};

static int parse_action(struct parser *ps, struct jsonpath_list *list);

_printf_(2, 3) static int fail(struct parser *ps, const char *fmt, ...)
{
	va_list ap;
	va_start(ap, fmt);
	_cleanup_free_ char *what = xvasprintf(fmt, ap);
	va_end(ap);
	return err_set(ps->err, ERR_BAD_REQUEST, "JSONPath, column %zu: %s", (size_t)(ps->p - ps->text) + 1, what);
}

static struct jsonpath_node *add_node(struct jsonpath_list *list, enum jsonpath_type type)
{
	list->nodes = xreallocarray(list->nodes, list->len + 1, sizeof(*list->nodes));
	list->nodes[list->len] = (struct jsonpath_node){ .type = type };
	return &list->nodes[list->len++];
}

static void free_list(struct jsonpath_list *list)
{
	for (size_t i = 0; i < list->len; i++) {
		struct jsonpath_node *node = &list->nodes[i];
		free(node->name);
		json_decref(node->literal);
		for (size_t j = 0; j < node->parts_len; j++)
			free_list(&node->parts[j]);
		free(node->parts);
	}
	free(list->nodes);
	*list = (struct jsonpath_list){ 0 };
}

static bool is_terminator(char c)
{
	return strchr(" \t\r\n.,[]$@{}", c) != NULL;
}

static bool at_end(const struct parser *ps)
{
	return ps->p >= ps->end;
}

static void add_field(struct jsonpath_list *list, const char *name, size_t len)
{
	if (len == 1 && *name == '*')
		add_node(list, JSONPATH_WILDCARD);
	else
		add_node(list, JSONPATH_FIELD)->name = xstrndup(name, len);
}

/* A name up to the next terminator, or only the next dot; "\." is a dot in it. */
static void parse_field(struct parser *ps, struct jsonpath_list *list, bool quoted)
{
	_cleanup_buf_ struct buf name = BUF_INIT(JSONPATH_TEXT_MAX);
	bool escaped = false;
	for (; !at_end(ps) && (escaped || !(quoted ? *ps->p == '.' : is_terminator(*ps->p))); ps->p++) {
		if (!escaped && *ps->p == '\\') {
			escaped = true;
			continue;
		}
		escaped = false;
		buf_putc(&name, *ps->p);
	}
	add_field(list, buf_str(&name), name.len);
}

/* One escape of Go's string literals; ps->p is behind the backslash. */
static int parse_escape(struct parser *ps, struct buf *out)
{
	static const char names[] = "abfnrtv\\'\"", values[] = "\a\b\f\n\r\t\v\\'\"";
	char c = *ps->p;
	const char *found = c ? strchr(names, c) : NULL;
	if (found) {
		ps->p++;
		return buf_putc(out, values[found - names]);
	}
	int digits = c == 'u' ? 4 : c == 'x' ? 2 : c == 'U' ? 8 : 0;
	uint32_t code = 0;
	if (!digits || ps->end - ps->p <= digits)
		return fail(ps, "no such escape in a string");
	for (int i = 1; i <= digits; i++) {
		int digit = text_hex_digit(ps->p[i]);
		if (digit < 0)
			return fail(ps, "an escape needs %d hexadecimal digits", digits);
		code = code << 4 | (uint32_t)digit;
	}
	if (code == 0 || code > 0x10ffff || (code >= 0xd800 && code <= 0xdfff))
		return fail(ps, "the escape stands for no character");
	ps->p += digits + 1;
	char utf8[4];
	return buf_append(out, utf8, text_utf8_encode(code, utf8));
}

static int parse_quoted(struct parser *ps, struct jsonpath_list *list)
{
	_cleanup_buf_ struct buf text = BUF_INIT(JSONPATH_TEXT_MAX);
	char quote = *ps->p++;
	while (!at_end(ps) && *ps->p != quote) {
		char c = *ps->p++;
		if (c != '\\')
			buf_putc(&text, c);
		else if (at_end(ps))
			break;
		else if (parse_escape(ps, &text) < 0)
			return -1;
	}
	if (at_end(ps))
		return fail(ps, "a string in quotes does not end");
	ps->p++;
	add_node(list, JSONPATH_LITERAL)->literal = json_string_lossy(buf_str(&text), text.len);
	return 0;
}

static int parse_number(struct parser *ps, struct jsonpath_list *list)
{
	const char *from = ps->p;
	ps->p += *ps->p == '+' || *ps->p == '-';
	while (!at_end(ps) && (*ps->p == '.' || (*ps->p >= '0' && *ps->p <= '9')))
		ps->p++;
	_cleanup_free_ char *text = xstrndup(from, (size_t)(ps->p - from));
	const char *digits = text + (*text == '+');
	int64_t integer;
	double real;
	if (str_to_i64(digits, INT64_MIN, INT64_MAX, &integer))
		add_node(list, JSONPATH_LITERAL)->literal = json_integer(integer);
	else if (str_to_double(digits, &real))
		add_node(list, JSONPATH_LITERAL)->literal = json_real(real);
	else
		return fail(ps, "\"%.40s\" is no number", text);
	return 0;
}

static int parse_word(struct parser *ps, struct jsonpath_list *list)
{
	const char *from = ps->p;
	while (!at_end(ps) && !is_terminator(*ps->p))
		ps->p++;
	_cleanup_free_ char *word = xstrndup(from, (size_t)(ps->p - from));
	if (!str_eq(word, "true") && !str_eq(word, "false"))
		return fail(ps, "\"%.40s\" is no keyword (a field begins with a dot)", word);
	add_node(list, JSONPATH_LITERAL)->literal = json_boolean(*word == 't');
	return 0;
}

/* Parses a part of the template as an action into list. */
static int parse_part(struct parser *ps, const char *from, const char *end, struct jsonpath_list *list)
{
	if (ps->nesting >= JSONPATH_NESTING_MAX)
		return fail(ps, "nested deeper than %d levels", JSONPATH_NESTING_MAX);
	struct parser part = { .text = ps->text, .p = from, .end = end, .nesting = ps->nesting + 1, .err = ps->err };
	return parse_action(&part, list);
}

/* The side of a filter or alternative of a union that starts there. */
static struct jsonpath_list *add_part(struct jsonpath_node *node)
{
	node->parts = xreallocarray(node->parts, node->parts_len + 1, sizeof(*node->parts));
	node->parts[node->parts_len] = (struct jsonpath_list){ 0 };
	return &node->parts[node->parts_len++];
}

/* From an opening bracket to behind its closing one, over strings and inner brackets; NULL when it does not close. */
static const char *skip_brackets(const char *p, const char *end, char open, char close)
{
	int depth = 0;
	char quote = '\0';
	for (; p < end; p++) {
		if (quote) {
			if (*p == '\\' && p + 1 < end)
				p++;
			else if (*p == quote)
				quote = '\0';
		} else if (*p == '"' || *p == '\'') {
			quote = *p;
		} else if (*p == open) {
			depth++;
		} else if (*p == close && --depth == 0) {
			return p + 1;
		}
	}
	return NULL;
}

/* One bound of a slice; an empty one leaves *ret alone and gives false in *ret_present. */
static int parse_bound(struct parser *ps, const char *from, const char *end, bool *ret_present, int64_t *ret)
{
	_cleanup_free_ char *text = xstrndup(from, (size_t)(end - from));
	char *bare = str_strip(text);
	*ret_present = *bare != '\0';
	if (*ret_present && !str_to_i64(bare, INT_MIN, INT_MAX, ret))
		return fail(ps, "\"%.40s\" is no array index", bare);
	return 0;
}

/* "1", "1:", ":2", "1:8:2", "*" */
static int parse_slice(struct parser *ps, const char *from, const char *end, struct jsonpath_list *list)
{
	struct jsonpath_node node = { .type = JSONPATH_SLICE, .step = 1 };
	bool present = true;
	if (end - from == 1 && *from == '*') {
		*add_node(list, JSONPATH_SLICE) = node;
		return 0;
	}
	int64_t *bounds[] = { &node.from, &node.to, &node.step };
	size_t n = 0;
	for (const char *p = from;; n++) {
		const char *colon = memchr(p, ':', (size_t)(end - p));
		if (n == ARRAY_SIZE(bounds))
			return fail(ps, "a slice has at most three parts");
		if (parse_bound(ps, p, colon ? colon : end, &present, bounds[n]) < 0)
			return -1;
		node.has_to |= n == 1 && present;
		if (!colon)
			break;
		p = colon + 1;
	}
	if (n == 0 && !present)
		return fail(ps, "an array index is missing");
	if (node.step <= 0)
		return fail(ps, "the step of a slice must be positive");
	node.single = n == 0;
	*add_node(list, JSONPATH_SLICE) = node;
	return 0;
}

/* One alternative between brackets: a key in quotes or a slice. */
static int parse_subscript(struct parser *ps, const char *from, const char *end, struct jsonpath_list *list)
{
	while (from < end && *from == ' ')
		from++;
	while (from < end && end[-1] == ' ')
		end--;
	if (end - from < 2 || (*from != '\'' && *from != '"') || end[-1] != *from)
		return parse_slice(ps, from, end, list);
	struct parser key = { .text = ps->text, .p = from + 1, .end = end - 1, .err = ps->err };
	for (;; key.p++) {
		parse_field(&key, list, true);
		if (at_end(&key))
			return 0;
	}
}

/* The comma behind the alternative that begins at p, or end. */
static const char *alternative_end(const char *p, const char *end)
{
	char quote = '\0';
	for (; p < end; p++) {
		if (quote) {
			if (*p == quote)
				quote = '\0';
		} else if (*p == '"' || *p == '\'') {
			quote = *p;
		} else if (*p == ',') {
			return p;
		}
	}
	return end;
}

static int parse_union(struct parser *ps, const char *from, const char *end, struct jsonpath_list *list)
{
	struct jsonpath_node *node = add_node(list, JSONPATH_UNION);
	for (const char *p = from;; p++) {
		const char *stop = alternative_end(p, end);
		if (parse_subscript(ps, p, stop, add_part(node)) < 0)
			return -1;
		if (stop == end)
			return 0;
		p = stop;
	}
}

static int parse_operator(struct parser *ps, const char *from, size_t len, enum jsonpath_operator *ret)
{
	static const struct {
		const char *text;
		enum jsonpath_operator operator;
	} operators[] = {
		{ "==", JSONPATH_EQUAL },      { "!=", JSONPATH_NOT_EQUAL }, { "<", JSONPATH_LESS },
		{ "<=", JSONPATH_LESS_EQUAL }, { ">", JSONPATH_GREATER },    { ">=", JSONPATH_GREATER_EQUAL },
	};
	for (size_t i = 0; i < ARRAY_SIZE(operators); i++) {
		if (strlen(operators[i].text) == len && memcmp(operators[i].text, from, len) == 0) {
			*ret = operators[i].operator;
			return 0;
		}
	}
	return fail(ps, "\"%.*s\" is no operator: use ==, !=, <, <=, > or >=", (int)(len < 20 ? len : 20), from);
}

/* What stands between "?(" and ")". */
static int parse_filter(struct parser *ps, const char *from, const char *end, struct jsonpath_list *list)
{
	struct jsonpath_node *node = add_node(list, JSONPATH_FILTER);
	const char *p = from;
	while (p < end && !strchr("!<>=", *p)) {
		const char *behind = *p == '[' ? skip_brackets(p, end, '[', ']') : p + 1;
		if (!behind)
			return fail(ps, "a bracket does not close");
		p = behind;
	}
	const char *operator= p;
	while (p < end && strchr("!<>=", *p))
		p++;
	if (operator== from)
		return fail(ps, "the left side of the filter is missing");
	if (operator<end && p == end)
		return fail(ps, "the right side of the filter is missing");
	if (operator<p && parse_operator(ps, operator, (size_t)(p - operator), &node->operator) < 0)
		return -1;
	if (parse_part(ps, from, operator, add_part(node)) < 0)
		return -1;
	return operator<p ? parse_part(ps, p, end, add_part(node)) : 0;
}

/* ps->p is at '['. */
static int parse_brackets(struct parser *ps, struct jsonpath_list *list)
{
	const char *from = ps->p + 1, *behind = skip_brackets(ps->p, ps->end, '[', ']');
	int r;
	if (!behind)
		return fail(ps, "a bracket does not close");
	if (behind - from >= 4 && memcmp(from, "?(", 2) == 0) {
		if (behind[-2] != ')')
			return fail(ps, "a filter ends with )]");
		r = parse_filter(ps, from + 2, behind - 2, list);
	} else if (alternative_end(from, behind - 1) != behind - 1) {
		r = parse_union(ps, from, behind - 1, list);
	} else {
		r = parse_subscript(ps, from, behind - 1, list);
	}
	ps->p = behind;
	return r;
}

static int parse_step(struct parser *ps, struct jsonpath_list *list)
{
	char c = *ps->p;
	if (c == ' ' || c == '@' || c == '$') {
		ps->p++;
		return 0;
	}
	if (c == '[')
		return parse_brackets(ps, list);
	if (c == '"' || c == '\'')
		return parse_quoted(ps, list);
	if (c == '.') {
		ps->p++;
		if (at_end(ps) || *ps->p != '.') {
			parse_field(ps, list, false);
			return 0;
		}
		ps->p++;
		if (list->len > 0 && list->nodes[list->len - 1].type == JSONPATH_RECURSIVE)
			return fail(ps, "\"..\" must not follow itself");
		add_node(list, JSONPATH_RECURSIVE);
		if (!at_end(ps) && !is_terminator(*ps->p))
			parse_field(ps, list, false);
		return 0;
	}
	if (c == '+' || c == '-' || (c >= '0' && c <= '9'))
		return parse_number(ps, list);
	if (c == '_' || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'))
		return parse_word(ps, list);
	char found[32];
	return fail(ps, "%s is not expected", text_describe(ps->p, ps->end, found));
}

static int parse_action(struct parser *ps, struct jsonpath_list *list)
{
	while (!at_end(ps))
		if (parse_step(ps, list) < 0)
			return -1;
	return 0;
}

static struct jsonpath_item *add_item(struct jsonpath *path, enum jsonpath_item_type type)
{
	path->items = xreallocarray(path->items, path->len + 1, sizeof(*path->items));
	path->items[path->len] = (struct jsonpath_item){ .type = type };
	return &path->items[path->len++];
}

/* The word at p, as a whole. */
static const char *after_word(const char *p, const char *end, const char *word)
{
	while (p < end && *p == ' ')
		p++;
	size_t len = strlen(word);
	if ((size_t)(end - p) < len || memcmp(p, word, len) != 0 || (p + len < end && !is_terminator(p[len])))
		return NULL;
	return p + len;
}

/* The ranges that are open, by the index of their item. */
struct ranges {
	size_t open[JSONPATH_NESTING_MAX];
	size_t len;
};

/* What stands between two braces. */
static int parse_braces(struct parser *ps, const char *from, const char *end, struct jsonpath *path,
                        struct ranges *ranges)
{
	const char *range = after_word(from, end, "range");
	if (after_word(from, end, "end")) {
		if (ranges->len == 0)
			return fail(ps, "{end} without {range}");
		path->items[ranges->open[--ranges->len]].end = path->len;
		return 0;
	}
	if (!range)
		return parse_part(ps, from, end, &add_item(path, JSONPATH_PATH)->path);
	if (ranges->len == JSONPATH_NESTING_MAX)
		return fail(ps, "more than %d ranges in each other", JSONPATH_NESTING_MAX);
	ranges->open[ranges->len++] = path->len;
	return parse_part(ps, range, end, &add_item(path, JSONPATH_RANGE)->path);
}

static int parse_template(struct parser *ps, struct jsonpath *path)
{
	struct ranges ranges = { .len = 0 };
	while (!at_end(ps)) {
		const char *brace = memchr(ps->p, '{', (size_t)(ps->end - ps->p)), *from = ps->p;
		if (brace != from) {
			ps->p = brace ? brace : ps->end;
			add_item(path, JSONPATH_TEXT)->text = xstrndup(from, (size_t)(ps->p - from));
			continue;
		}
		const char *behind = skip_brackets(brace, ps->end, '{', '}');
		if (!behind)
			return fail(ps, "a brace does not close");
		if (parse_braces(ps, brace + 1, behind - 1, path, &ranges) < 0)
			return -1;
		ps->p = behind;
	}
	while (ranges.len > 0) /* as kubectl has it, a range without {end} reaches to the template's end */
		path->items[ranges.open[--ranges.len]].end = path->len;
	return 0;
}

struct jsonpath *jsonpath_parse(const char *text, struct err *err)
{
	if (strlen(text) > JSONPATH_TEXT_MAX)
		return err_set(err, ERR_BAD_REQUEST, "JSONPath: longer than %d bytes", JSONPATH_TEXT_MAX), NULL;
	_cleanup_free_ char *relaxed = NULL;
	if (*text && !strchr(text, '{')) {
		relaxed = xasprintf("{%s%s}", strchr(".[$@", *text) ? "" : ".", text);
		text = relaxed;
	}
	struct jsonpath *path = new0(struct jsonpath);
	struct parser ps = { .text = text, .p = text, .end = text + strlen(text), .err = err };
	return parse_template(&ps, path) < 0 ? jsonpath_free(path) : path;
}

struct jsonpath *jsonpath_free(struct jsonpath *path)
{
	if (!path)
		return NULL;
	for (size_t i = 0; i < path->len; i++) {
		free(path->items[i].text);
		free_list(&path->items[i].path);
	}
	free(path->items);
	free(path);
	return NULL;
}
