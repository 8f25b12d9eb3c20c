#include "codec/toml.h"

#include "base/map.h"
#include "base/str.h"
#include "text.h"
#include "toml_parser.h"

/* TOML forbids to define a table twice, in many ways of doing so; two marks on tables and arrays are enough to tell. */
enum toml_flag {
	TOML_NONE,
	TOML_DEFINED, /* by a header, or by dotted keys of an earlier section: neither may come back to it */
	TOML_FROZEN,  /* written as a value: nothing may be added */
};

int toml_fail_at(struct toml_parser *t, const char *at, const char *fmt, ...)
{
	int line, column;
	text_position(t->text, at, &line, &column);
	va_list ap;
	va_start(ap, fmt);
	_cleanup_free_ char *what = xvasprintf(fmt, ap);
	va_end(ap);
	return err_set(t->err, ERR_BAD_REQUEST, "%s:%d:%d: %s", t->name, line, column, what);
}

int toml_fail_expected(struct toml_parser *t, const char *wanted)
{
	char found[32];
	return toml_fail_at(t, t->p, "expected %s, found %s", wanted, text_describe(t->p, t->end, found));
}

static void set_flag(struct toml_parser *t, const json_t *v, enum toml_flag flag)
{
	char key[24];
	snprintf(key, sizeof(key), "%p", (const void *)v);
	map_set(t->flags, key, &t->marks[flag]);
}

static enum toml_flag get_flag(const struct toml_parser *t, const json_t *v)
{
	char key[24];
	snprintf(key, sizeof(key), "%p", (const void *)v);
	const char *mark = map_get(t->flags, key);
	return mark ? (enum toml_flag)(mark - t->marks) : TOML_NONE;
}

void toml_freeze(struct toml_parser *t, json_t *v)
{
	set_flag(t, v, TOML_FROZEN);
}

void toml_key_clear(struct toml_key *key)
{
	for (size_t i = 0; i < key->len; i++)
		free(key->parts[i]);
	key->len = 0;
}

void toml_skip_blanks(struct toml_parser *t)
{
	while (t->p < t->end && (*t->p == ' ' || *t->p == '\t'))
		t->p++;
}

static int skip_comment(struct toml_parser *t)
{
	for (; t->p < t->end && *t->p != '\n'; t->p++) {
		unsigned char c = (unsigned char)*t->p;
		bool line_end = c == '\r' && t->end - t->p > 1 && t->p[1] == '\n';
		if ((c < 0x20 && c != '\t' && !line_end) || c == 0x7f)
			return toml_fail_at(t, t->p, "control character 0x%02X in a comment", (unsigned)c);
	}
	return 0;
}

/* Over "\n" or "\r\n"; false when there is none. */
static bool take_newline(struct toml_parser *t)
{
	const char *p = t->p + (toml_peek(t) == '\r');
	if (p >= t->end || *p != '\n')
		return false;
	t->p = p + 1;
	return true;
}

int toml_skip_lines(struct toml_parser *t)
{
	do {
		toml_skip_blanks(t);
		if (toml_peek(t) == '#' && skip_comment(t) < 0)
			return -1;
	} while (take_newline(t));
	return 0;
}

static bool is_bare(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' || c == '-';
}

static char *parse_key_part(struct toml_parser *t)
{
	const char *from = t->p;
	if (toml_peek(t) == '"' || toml_peek(t) == '\'') {
		if (t->end - from >= 3 && from[1] == *from && from[2] == *from)
			return toml_fail_at(t, from, "a key must not be a multi-line string"), NULL;
		_cleanup_json_ json_t *v = toml_parse_string(t);
		return v ? xstrdup(json_string_value(v)) : NULL;
	}
	while (t->p < t->end && is_bare(*t->p))
		t->p++;
	if (t->p == from)
		return toml_fail_expected(t, "a key"), NULL;
	return xstrndup(from, (size_t)(t->p - from));
}

int toml_parse_key(struct toml_parser *t, struct toml_key *key)
{
	for (;;) {
		if (key->len == TOML_KEY_PARTS_MAX)
			return toml_fail_at(t, t->p, "the key has more than %d parts", TOML_KEY_PARTS_MAX);
		toml_skip_blanks(t);
		char *part = parse_key_part(t);
		if (!part)
			return -1;
		key->parts[key->len++] = part;
		toml_skip_blanks(t);
		if (toml_peek(t) != '.')
			return 0;
		t->p++;
	}
}

/* The table that key leads to from a table, made when missing; through an array of tables to its last one. NULL when
 * something else is there or nothing may be added to it. */
static json_t *enter(struct toml_parser *t, json_t *table, const char *key)
{
	json_t *v = json_object_get(table, key);
	if (!v) {
		v = json_object();
		json_object_set_new_nocheck(table, key, v);
		return v;
	}
	if (json_is_array(v) && get_flag(t, v) != TOML_FROZEN)
		v = json_array_get(v, json_array_size(v) - 1);
	return json_is_object(v) && get_flag(t, v) != TOML_FROZEN ? v : NULL;
}

/* A table that a dotted key passes through belongs to this section alone. */
static void hold_until_header(struct toml_parser *t, json_t *table)
{
	t->pending = xreallocarray(t->pending, t->pending_len + 1, sizeof(void *));
	t->pending[t->pending_len++] = table;
}

int toml_parse_pair(struct toml_parser *t, json_t *table)
{
	_cleanup_toml_key_ struct toml_key key = { .len = 0 };
	const char *at = t->p;
	if (toml_parse_key(t, &key) < 0)
		return -1;
	for (size_t i = 0; i + 1 < key.len; i++) {
		json_t *inner = enter(t, table, key.parts[i]);
		if (!inner || get_flag(t, inner) == TOML_DEFINED)
			return toml_fail_at(t, at, "\"%.100s\" is already defined", key.parts[i]);
		hold_until_header(t, inner);
		table = inner;
	}
	const char *last = key.parts[key.len - 1];
	if (json_object_get(table, last))
		return toml_fail_at(t, at, "\"%.100s\" is already defined", last);
	if (toml_peek(t) != '=')
		return toml_fail_expected(t, "'='");
	t->p++;
	toml_skip_blanks(t);
	t->depth += (int)key.len;
	if (t->depth > JSON_DEPTH_MAX)
		return toml_fail_at(t, at, "nested deeper than %d levels", JSON_DEPTH_MAX);
	json_t *v = toml_parse_value(t);
	t->depth -= (int)key.len;
	return v ? json_object_set_new_nocheck(table, last, v) : -1;
}

static int open_table(struct toml_parser *t, const struct toml_key *key, const char *at)
{
	json_t *table = t->root;
	for (size_t i = 0; i < key->len && table; i++)
		table = enter(t, table, key->parts[i]);
	/* An array of tables is entered by enter(), but a header must not name it like a table. */
	if (!table || get_flag(t, table) == TOML_DEFINED)
		return toml_fail_at(t, at, "the table \"%.100s\" is already defined", key->parts[key->len - 1]);
	set_flag(t, table, TOML_DEFINED);
	t->table = table;
	return 0;
}

static int open_array_element(struct toml_parser *t, const struct toml_key *key, const char *at)
{
	json_t *parent = t->root;
	const char *last = key->parts[key->len - 1];
	for (size_t i = 0; i + 1 < key->len && parent; i++)
		parent = enter(t, parent, key->parts[i]);
	json_t *array = json_object_get(parent, last);
	if (!parent || (array && (!json_is_array(array) || get_flag(t, array) == TOML_FROZEN)))
		return toml_fail_at(t, at, "\"%.100s\" is already defined, and not as an array of tables", last);
	if (!array) {
		array = json_array();
		json_object_set_new_nocheck(parent, last, array);
	}
	t->table = json_object();
	set_flag(t, t->table, TOML_DEFINED);
	json_array_append_new(array, t->table);
	return 0;
}

/* t->p is at '['. */
static int parse_header(struct toml_parser *t)
{
	_cleanup_toml_key_ struct toml_key key = { .len = 0 };
	const char *at = t->p;
	bool array = t->end - t->p > 1 && t->p[1] == '[';
	for (size_t i = 0; i < t->pending_len; i++)
		set_flag(t, t->pending[i], TOML_DEFINED);
	t->pending_len = 0;
	t->p += array ? 2 : 1;
	if (toml_parse_key(t, &key) < 0)
		return -1;
	t->depth = 2 * (int)key.len; /* each part may pass through an array of tables */
	for (int i = 0; i < 1 + array; i++, t->p++)
		if (toml_peek(t) != ']')
			return toml_fail_expected(t, array ? "\"]]\"" : "']'");
	return array ? open_array_element(t, &key, at) : open_table(t, &key, at);
}

static int parse_document(struct toml_parser *t)
{
	for (;;) {
		if (toml_skip_lines(t) < 0)
			return -1;
		if (t->p == t->end)
			return 0;
		if ((*t->p == '[' ? parse_header(t) : toml_parse_pair(t, t->table)) < 0)
			return -1;
		toml_skip_blanks(t);
		if (toml_peek(t) == '#' && skip_comment(t) < 0)
			return -1;
		if (t->p < t->end && !take_newline(t))
			return toml_fail_expected(t, "the end of the line");
	}
}

/* Once for the whole text, so that nobody else has to look. */
static int check_utf8(struct toml_parser *t)
{
	size_t n;
	for (const char *p = t->text; p < t->end; p += n)
		if ((n = text_utf8_len(p, t->end)) == 0)
			return toml_fail_at(t, p, "byte 0x%02X is not valid UTF-8", (unsigned)(unsigned char)*p);
	return 0;
}

json_t *toml_parse(const char *text, size_t len, const char *name, struct err *err)
{
	struct toml_parser t = { .text = text, .p = text, .end = text + len, .name = name ? name : "TOML", .err = err };
	if (len > JSON_TEXT_MAX)
		return err_set(err, ERR_BAD_REQUEST, "%s: the text has %zu bytes; at most %zu are allowed", t.name, len,
		               JSON_TEXT_MAX),
		       NULL;
	if (check_utf8(&t) < 0)
		return NULL;
	if (len >= 3 && memcmp(text, "\xef\xbb\xbf", 3) == 0)
		t.p += 3;
	t.flags = map_new(NULL);
	t.root = t.table = json_object();
	if (parse_document(&t) < 0) {
		json_decref(t.root);
		t.root = NULL;
	}
	map_free(t.flags);
	free(t.pending);
	return t.root;
}
