#include "yaml_compose.h"

#include "base/str.h"
#include "codec/base64.h"
#include "codec/go_format.h"
#include "codec/yaml.h"
#include "text.h"
#include "yaml_scalar.h"

#include <ctype.h>

/* libyaml's events composed into JSON values by ourselves: that is where the limits, the merge keys and the meaning of
 * plain scalars live. Aliases are copied, because two places must not share a value that one of them may change.
 *
 * libyaml is the parent of the parser that kubectl uses, so both accept the same texts. */

#define REPEATED_MAX 64
#define OFF_PATH SIZE_MAX
#define YAML_TAGS_MAX 1000

static json_t *compose_node(struct yaml_composer *c, const yaml_event_t *e, size_t matched);

int yaml_composer_fail(struct yaml_composer *c, const yaml_mark_t *at, const char *fmt, ...)
{
	va_list ap;
	va_start(ap, fmt);
	_cleanup_free_ char *what = xvasprintf(fmt, ap);
	va_end(ap);
	return err_set(c->err, ERR_BAD_REQUEST, "%s:%zu:%zu: %s", c->name, at->line + 1, at->column + 1, what);
}

static bool speaks_go(const struct yaml_composer *c)
{
	return c->repeated != NULL;
}

/* The same in the words of go-yaml, which is libyaml in Go and counts lines in its own way. */
static int fail_syntax_like_go(struct yaml_composer *c)
{
	const yaml_parser_t *p = &c->parser;
	const char *problem = p->problem ? p->problem : "unknown problem parsing YAML content";
	size_t line = p->problem_mark.line ? p->problem_mark.line + (p->error == YAML_SCANNER_ERROR) : p->context_mark.line;

	if (line > 0)
		return err_set(c->err, ERR_BAD_REQUEST, "yaml: line %zu: %s", line, problem);
	return err_set(c->err, ERR_BAD_REQUEST, "yaml: %s", problem);
}

/* What libyaml found wrong, at its place. */
static int fail_syntax(struct yaml_composer *c)
{
	const yaml_parser_t *p = &c->parser;
	const char *problem = p->problem ? p->problem : "this is no valid YAML";
	if (p->error == YAML_MEMORY_ERROR)
		out_of_memory(0);
	if (speaks_go(c))
		return fail_syntax_like_go(c);
	if (p->error == YAML_READER_ERROR) {
		int line, column;
		text_position(c->text, c->text + p->problem_offset, &line, &column);
		yaml_mark_t at = { .line = (size_t)line - 1, .column = (size_t)column - 1 };
		return yaml_composer_fail(c, &at, "%s", problem);
	}
	if (p->context)
		return yaml_composer_fail(c, &p->problem_mark, "%s (%s from line %zu on)", problem, p->context,
		                          p->context_mark.line + 1);
	return yaml_composer_fail(c, &p->problem_mark, "%s", problem);
}

/* 0, or -1 at a syntax error. The event is to be deleted in any case. */
static int next_event(struct yaml_composer *c, yaml_event_t *ret)
{
	if (!yaml_parser_parse(&c->parser, ret))
		return fail_syntax(c);
	c->last = ret->start_mark;
	return 0;
}
#define _cleanup_event_ _cleanup_(yaml_event_delete)

static int count_nodes(struct yaml_composer *c, size_t n)
{
	c->nodes += n;
	if (c->nodes > YAML_NODES_MAX)
		return yaml_composer_fail(c, &c->last, "more than %d values, counting those that aliases repeat",
		                          YAML_NODES_MAX);
	return 0;
}

/* Ends a bomb long before it is as large as an honest document may be: by go-yaml's rule, which Kubernetes' own readers
 * follow, 99 % of a document's values may be repeated ones while they are fewer than 400,000, 10 % at four million. */
static int count_repeated(struct yaml_composer *c)
{
	static const double few = 400000, many = 4000000, share_of_few = 0.99, share_of_many = 0.10;
	double nodes = (double)c->nodes, more = nodes > few ? (nodes - few) / (many - few) : 0;

	c->alias_nodes++;
	if (c->alias_nodes <= 100 || c->nodes <= 1000 ||
	    (double)c->alias_nodes <= nodes * (share_of_few - more * (share_of_few - share_of_many)))
		return 0;
	if (speaks_go(c))
		return err_set(c->err, ERR_BAD_REQUEST, "yaml: document contains excessive aliasing");
	return yaml_composer_fail(c, &c->last, "nearly all of the %zu values up to here are repeated by aliases", c->nodes);
}

/* A copy of what an alias stands for, in full view of the limits; at is the depth it is put at. */
static json_t *expand(struct yaml_composer *c, const json_t *v, int at)
{
	if (count_nodes(c, 1) < 0 || count_repeated(c) < 0)
		return NULL;
	if (!json_is_object(v) && !json_is_array(v))
		return json_copy(json_unconst(v));
	if (at >= JSON_DEPTH_MAX)
		return yaml_composer_fail(c, &c->last, "nested deeper than %d levels", JSON_DEPTH_MAX), NULL;
	_cleanup_json_ json_t *copy = json_is_object(v) ? json_object() : json_array();
	json_t *object = json_unconst(v), *inner;
	for (void *i = json_object_iter(object); i; i = json_object_iter_next(object, i)) {
		if (!(inner = expand(c, json_object_iter_value(i), at + 1)))
			return NULL;
		json_object_setn_new_nocheck(copy, json_object_iter_key(i), json_object_iter_key_len(i), inner);
	}
	for (size_t i = 0; i < json_array_size(v); i++) {
		if (!(inner = expand(c, json_array_get(v, i), at + 1)))
			return NULL;
		json_array_append_new(copy, inner);
	}
	return TAKE_PTR(copy);
}

static void locate(struct yaml_composer *c, size_t matched, bool exactly)
{
	if (c->located_exactly || matched == OFF_PATH || (c->located && !exactly))
		return;
	c->located = true;
	c->located_exactly = exactly;
	c->place = c->last;
}

/* How much of the wanted pointer a child called key matches. */
static size_t match_child(const struct yaml_composer *c, size_t matched, const char *key)
{
	if (matched == OFF_PATH || matched >= c->want_len)
		return OFF_PATH;
	return str_eq(c->want[matched], key) ? matched + 1 : OFF_PATH;
}

static json_t *compose_alias(struct yaml_composer *c, const yaml_event_t *e, size_t matched)
{
	const char *name = (const char *)e->data.alias.anchor;
	json_t *v = map_get(c->anchors, name);
	if (!v && speaks_go(c))
		return err_set(c->err, ERR_BAD_REQUEST, "yaml: unknown anchor '%.100s' referenced", name), NULL;
	if (!v)
		return yaml_composer_fail(c, &c->last, "the alias *%.100s has no anchor &%.100s before it", name, name), NULL;
	locate(c, matched, true);
	return expand(c, v, c->depth);
}

/* The short name of a tag of YAML's own ("str"), "" for the non-specific "!", NULL for any other or none. */
static const char *tag_kind(const char *tag)
{
	if (tag && str_eq(tag, "!"))
		return "";
	return tag ? str_after(tag, "tag:yaml.org,2002:") : NULL;
}

static json_t *binary_scalar(struct yaml_composer *c, const char *s, size_t len)
{
	_cleanup_free_ char *packed = xmalloc(len + 1);
	size_t n = 0, data_len;
	for (size_t i = 0; i < len; i++)
		if (!strchr(" \t\r\n", s[i]))
			packed[n++] = s[i];
	_cleanup_free_ char *data = base64_decode(packed, n, &data_len);
	json_t *v = data && !memchr(data, '\0', data_len) ? json_stringn(data, data_len) : NULL;
	if (!v)
		yaml_composer_fail(c, &c->last,
		                   "!!binary must be base64 of a text in UTF-8 (leave out the tag to keep the base64 itself)");
	return v;
}

static json_t *string_value(struct yaml_composer *c, const char *s, size_t len)
{
	json_t *v = json_stringn(s, len);
	if (!v)
		yaml_composer_fail(c, &c->last, "the string is not valid UTF-8");
	return v;
}

/* A scalar with one of YAML's own tags. */
static json_t *tagged_scalar(struct yaml_composer *c, const char *kind, const char *s, size_t len)
{
	json_t *v;
	enum yaml_kind found = yaml_scalar_resolve(s, len, &v);
	if ((str_eq(kind, "int") && json_is_integer(v)) || (str_eq(kind, "float") && json_is_number(v)) ||
	    (str_eq(kind, "bool") && found == YAML_BOOL) || (str_eq(kind, "null") && found == YAML_NULL))
		return v;
	json_decref(v);
	if (str_eq(kind, "binary"))
		return binary_scalar(c, s, len);
	if (str_in(kind, (const char *const[]){ "int", "float", "bool", "null", "map", "seq", "set", "omap", NULL }))
		return yaml_composer_fail(c, &c->last, "\"%.100s\" cannot be read as !!%s", s, kind), NULL;
	return string_value(c, s, len);
}

/* Is a plain scalar that means something in YAML 1.1 a mere string in YAML 1.2's core schema? */
static bool is_core_string(const char *s, enum yaml_kind kind)
{
	const char *digits = s + (*s == '-' || *s == '+');

	if (kind == YAML_BOOL)
		return tolower((unsigned char)*s) != 't' && tolower((unsigned char)*s) != 'f';
	if (kind != YAML_NUMBER)
		return false;
	return strchr(s, '_') || (digits[0] == '0' && (isdigit((unsigned char)digits[1]) || tolower(digits[1]) == 'b'));
}

static json_t *scalar_value(struct yaml_composer *c, const yaml_event_t *e)
{
	const char *s = (const char *)e->data.scalar.value, *tag = (const char *)e->data.scalar.tag;
	size_t len = e->data.scalar.length;
	const char *kind = tag_kind(tag);
	json_t *v = NULL;
	if (memchr(s, '\0', len))
		return yaml_composer_fail(c, &c->last, "the NUL character is not supported in strings"), NULL;
	if (kind && *kind)
		return tagged_scalar(c, kind, s, len);
	bool is_plain = !tag && e->data.scalar.style == YAML_PLAIN_SCALAR_STYLE;
	enum yaml_kind means = is_plain ? yaml_scalar_resolve(s, len, &v) : YAML_STRING;
	if (c->is_core && is_core_string(s, means)) {
		json_decref(v);
		v = NULL;
	}
	if (means == YAML_NOT_FINITE)
		return yaml_composer_fail(c, &c->last, "%s is no number that JSON can hold: quote it to make it a string", s),
		       NULL;
	return v ? v : string_value(c, s, len);
}

static bool is_merge_key(const yaml_event_t *e)
{
	if (e->type != YAML_SCALAR_EVENT || !str_eq((const char *)e->data.scalar.value, "<<"))
		return false;
	const char *tag = (const char *)e->data.scalar.tag;
	return tag ? str_eq(tag_kind(tag), "merge") : e->data.scalar.style == YAML_PLAIN_SCALAR_STYLE;
}

/* A list or a mapping as a key. */
static int fail_key(struct yaml_composer *c, const yaml_event_t *e)
{
	if (!speaks_go(c))
		return yaml_composer_fail(c, &c->last, "a mapping key must be a scalar");
	_cleanup_json_ json_t *v = compose_node(c, e, OFF_PATH);
	_cleanup_free_ char *shown = v ? go_format_syntax(v) : NULL;
	return v ? err_set(c->err, ERR_BAD_REQUEST, "yaml: invalid map key: %s", shown) : -1;
}

/* A mapping key as string; free(). */
static char *compose_key(struct yaml_composer *c, const yaml_event_t *e)
{
	if (e->type != YAML_SCALAR_EVENT && e->type != YAML_ALIAS_EVENT)
		return fail_key(c, e), NULL;
	_cleanup_json_ json_t *v = compose_node(c, e, OFF_PATH);
	if (!v)
		return NULL;
	if (json_is_string(v))
		return xstrdup(json_string_value(v));
	if (json_is_null(v) || json_is_object(v) || json_is_array(v))
		return yaml_composer_fail(c, &c->last,
		                          "a mapping key must be a string, number or bool; quote it to make it a string"),
		       NULL;
	return json_to_str(v);
}

/* Adds the members of a merged mapping that object does not have. Each one looked at counts as a node: otherwise a list
 * of many aliases to one large mapping would cost their product. */
static int merge_mapping(struct yaml_composer *c, json_t *object, json_t *from)
{
	if (!json_is_object(from))
		return yaml_composer_fail(c, &c->last, "only mappings, or a list of them, can be merged with <<");
	for (void *i = json_object_iter(from); i; i = json_object_iter_next(from, i)) {
		if (count_nodes(c, 1) < 0)
			return -1;
		if (json_object_get(object, json_object_iter_key(i)))
			continue;
		json_t *v = expand(c, json_object_iter_value(i), c->depth);
		if (!v)
			return -1;
		json_object_set_new_nocheck(object, json_object_iter_key(i), v);
	}
	return 0;
}

/* merges: the values of <<, applied behind the mapping's own members, which win. */
static int apply_merges(struct yaml_composer *c, json_t *object, const json_t *merges)
{
	for (size_t i = 0; i < json_array_size(merges); i++) {
		json_t *from = json_array_get(merges, i);
		if (!json_is_array(from)) {
			if (merge_mapping(c, object, from) < 0)
				return -1;
			continue;
		}
		for (size_t j = 0; j < json_array_size(from); j++)
			if (merge_mapping(c, object, json_array_get(from, j)) < 0)
				return -1;
	}
	return 0;
}

static json_t *compose_next(struct yaml_composer *c, size_t matched)
{
	_cleanup_event_ yaml_event_t e;
	return next_event(c, &e) < 0 ? NULL : compose_node(c, &e, matched);
}

static void note_repeated(struct yaml_composer *c, const yaml_event_t *key_event, const char *key)
{
	_cleanup_free_ char *text = xasprintf("line %zu: key \"%.200s\" already set in map", key_event->start_mark.line + 1,
	                                      key);

	if (strv_len(*c->repeated) < REPEATED_MAX)
		strv_push(c->repeated, text);
}

/* key_event is the key of the next member. */
static int compose_member(struct yaml_composer *c, const yaml_event_t *key_event, json_t *object, json_t *merges,
                          size_t matched)
{
	if (is_merge_key(key_event)) {
		locate(c, matched < c->want_len ? matched : OFF_PATH, false);
		json_t *from = compose_next(c, OFF_PATH);
		return from ? json_array_append_new(merges, from) : -1;
	}
	_cleanup_free_ char *key = compose_key(c, key_event);
	if (!key)
		return -1;
	if (json_object_get(object, key) && c->repeated)
		note_repeated(c, key_event, key);
	else if (json_object_get(object, key))
		return yaml_composer_fail(c, &key_event->start_mark, "the key \"%.200s\" is repeated", key);
	json_t *v = compose_next(c, match_child(c, matched, key));
	return v ? json_object_set_new_nocheck(object, key, v) : -1;
}

static json_t *compose_mapping(struct yaml_composer *c, size_t matched)
{
	_cleanup_json_ json_t *object = json_object(), *merges = json_array();
	for (;;) {
		_cleanup_event_ yaml_event_t e;
		if (next_event(c, &e) < 0)
			return NULL;
		if (e.type == YAML_MAPPING_END_EVENT)
			return apply_merges(c, object, merges) < 0 ? NULL : TAKE_PTR(object);
		if (compose_member(c, &e, object, merges, matched) < 0)
			return NULL;
	}
}

static json_t *compose_sequence(struct yaml_composer *c, size_t matched)
{
	_cleanup_json_ json_t *array = json_array();
	for (;;) {
		_cleanup_event_ yaml_event_t e;
		if (next_event(c, &e) < 0)
			return NULL;
		if (e.type == YAML_SEQUENCE_END_EVENT)
			return TAKE_PTR(array);
		char index[24];
		snprintf(index, sizeof(index), "%zu", json_array_size(array));
		json_t *v = compose_node(c, &e, match_child(c, matched, index));
		if (!v)
			return NULL;
		json_array_append_new(array, v);
	}
}

static json_t *compose_container(struct yaml_composer *c, bool mapping, size_t matched)
{
	if (c->depth >= JSON_DEPTH_MAX)
		return yaml_composer_fail(c, &c->last, "nested deeper than %d levels", JSON_DEPTH_MAX), NULL;
	c->depth++;
	json_t *v = mapping ? compose_mapping(c, matched) : compose_sequence(c, matched);
	c->depth--;
	return v;
}

/* The value that begins with the event; matched tokens of the wanted pointer lead to it. */
static json_t *compose_node(struct yaml_composer *c, const yaml_event_t *e, size_t matched)
{
	if (count_nodes(c, 1) < 0)
		return NULL;
	if (c->want && matched == c->want_len)
		locate(c, matched, true);
	const yaml_char_t *anchor = NULL;
	json_t *v = NULL;
	switch (e->type) {
	case YAML_ALIAS_EVENT:
		return compose_alias(c, e, matched);
	case YAML_SCALAR_EVENT:
		anchor = e->data.scalar.anchor;
		v = scalar_value(c, e);
		break;
	case YAML_SEQUENCE_START_EVENT:
		anchor = e->data.sequence_start.anchor;
		v = compose_container(c, false, matched);
		break;
	case YAML_MAPPING_START_EVENT:
		anchor = e->data.mapping_start.anchor;
		v = compose_container(c, true, matched);
		break;
	default:
		yaml_composer_fail(c, &c->last, "a value is missing");
		break;
	}
	if (v && anchor)
		map_set(c->anchors, (const char *)anchor, json_incref(v));
	return v;
}

json_t *yaml_composer_next(struct yaml_composer *c, bool *ret_end)
{
	*ret_end = false;
	for (;;) {
		_cleanup_event_ yaml_event_t e;
		if (next_event(c, &e) < 0)
			return NULL;
		if (e.type == YAML_STREAM_END_EVENT) {
			*ret_end = true;
			return NULL;
		}
		if (e.type == YAML_DOCUMENT_START_EVENT) {
			map_clear(c->anchors);
			c->document = c->last;
			return compose_next(c, c->want ? 0 : OFF_PATH);
		}
	}
}

static void free_value(void *v)
{
	json_decref(v);
}

/* libyaml compares each %TAG directive with all before it: 16 MB of them would take hours. */
static bool has_many_tags(const char *text, size_t len)
{
	static const char directive[] = "%TAG";
	const char *end = text + len;
	size_t n = 0;
	for (const char *p = text; (p = memmem(p, (size_t)(end - p), directive, strlen(directive))); p++)
		if (++n > YAML_TAGS_MAX)
			return true;
	return false;
}

int yaml_composer_init(struct yaml_composer *c, const char *text, size_t len, const char *name, struct err *err)
{
	*c = (struct yaml_composer){ .text = text, .name = name ? name : "YAML", .err = err };
	if (len > JSON_TEXT_MAX)
		return err_set(err, ERR_BAD_REQUEST, "%s: the text has %zu bytes; at most %zu are allowed", c->name, len,
		               JSON_TEXT_MAX);
	if (has_many_tags(text, len))
		return err_set(err, ERR_BAD_REQUEST, "%s: more than %d %%TAG directives", c->name, YAML_TAGS_MAX);
	if (!yaml_parser_initialize(&c->parser))
		out_of_memory(sizeof(c->parser));
	c->parser_ready = true;
	yaml_parser_set_encoding(&c->parser, YAML_UTF8_ENCODING);
	yaml_parser_set_input_string(&c->parser, (const unsigned char *)text, len);
	c->anchors = map_new(free_value);
	return 0;
}

void yaml_composer_done(struct yaml_composer *c)
{
	if (c->parser_ready)
		yaml_parser_delete(&c->parser);
	map_free(c->anchors);
	*c = (struct yaml_composer){ 0 };
}
