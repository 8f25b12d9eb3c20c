#include "codec/yaml.h"

#include "base/map.h"
#include "base/str.h"
#include "codec/base64.h"
#include "codec/pointer.h"
#include "text.h"
#include "yaml_scalar.h"

#include <libfyaml.h>

/* libfyaml's events composed into JSON values by ourselves: that is where the limits, the merge keys and the meaning of
 * plain scalars live. Aliases are copied, because two places must not share a value that one of them may change. */
struct composer {
	struct fy_parser *parser;
	struct fy_diag *diag;
	const char *text, *name;
	size_t nodes;
	int depth;
	struct map *anchors; /* name → json_t */
	struct fy_mark last; /* where the last token began, for nodes that have no text of their own */
	struct fy_mark document;
	struct err *err;

	/* yaml_locate(): the tokens of the pointer that is looked for */
	char **want;
	size_t want_len;
	bool located, located_exactly;
	struct fy_mark place;
};

#define OFF_PATH SIZE_MAX

static json_t *compose_node(struct composer *c, struct fy_event *e, size_t matched);

_printf_(3, 4) static int fail_at(struct composer *c, const struct fy_mark *at, const char *fmt, ...)
{
	va_list ap;
	va_start(ap, fmt);
	_cleanup_free_ char *what = xvasprintf(fmt, ap);
	va_end(ap);
	return err_set(c->err, ERR_BAD_REQUEST, "%s:%d:%d: %s", c->name, at->line + 1, at->column + 1, what);
}

/* What libfyaml found wrong, at its place. */
static int fail_syntax(struct composer *c)
{
	void *iter = NULL;
	struct fy_diag_error *e = fy_diag_errors_iterate(c->diag, &iter);
	if (!e)
		return fail_at(c, &c->last, "this is no valid YAML");
	struct fy_mark at = { .line = e->line > 0 ? e->line - 1 : 0, .column = e->column > 0 ? e->column - 1 : 0 };
	return fail_at(c, &at, "%s", e->msg);
}

static void release_event(struct composer *c, struct fy_event *e)
{
	if (e)
		fy_parser_event_free(c->parser, e);
}

static struct fy_token *event_token(const struct fy_event *e)
{
	switch (e->type) {
	case FYET_SCALAR:
		return e->scalar.value;
	case FYET_ALIAS:
		return e->alias.anchor;
	case FYET_SEQUENCE_START:
		return e->sequence_start.sequence_start;
	case FYET_MAPPING_START:
		return e->mapping_start.mapping_start;
	case FYET_DOCUMENT_START:
		return e->document_start.document_start;
	default:
		return NULL;
	}
}

/* NULL at a syntax error, with err set: the stream's end is an event of its own. */
static struct fy_event *next_event(struct composer *c)
{
	struct fy_event *e = fy_parser_parse(c->parser);
	if (!e || fy_parser_get_stream_error(c->parser)) {
		release_event(c, e);
		fail_syntax(c);
		return NULL;
	}
	struct fy_token *token = event_token(e);
	const struct fy_mark *mark = token ? fy_token_start_mark(token) : NULL;
	if (mark)
		c->last = *mark;
	return e;
}

/* The token's text as a string; free(). NULL token: NULL. */
static char *token_text(struct fy_token *token, size_t *ret_len)
{
	size_t len = 0;
	const char *text = token ? fy_token_get_text(token, &len) : NULL;
	*ret_len = len;
	return text ? xstrndup(text, len) : NULL;
}

static int count_nodes(struct composer *c, size_t n)
{
	c->nodes += n;
	if (c->nodes > YAML_NODES_MAX)
		return fail_at(c, &c->last, "more than %d values, counting those that aliases repeat", YAML_NODES_MAX);
	return 0;
}

/* A copy of what an alias stands for, in full view of the limits; at is the depth it is put at. */
static json_t *expand(struct composer *c, const json_t *v, int at)
{
	if (count_nodes(c, 1) < 0)
		return NULL;
	if (!json_is_object(v) && !json_is_array(v))
		return json_copy((json_t *)(uintptr_t)v);
	if (at >= JSON_DEPTH_MAX)
		return fail_at(c, &c->last, "nested deeper than %d levels", JSON_DEPTH_MAX), NULL;
	_cleanup_json_ json_t *copy = json_is_object(v) ? json_object() : json_array();
	json_t *object = (json_t *)(uintptr_t)v, *inner;
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

static void locate(struct composer *c, size_t matched, bool exactly)
{
	if (c->located_exactly || matched == OFF_PATH || (c->located && !exactly))
		return;
	c->located = true;
	c->located_exactly = exactly;
	c->place = c->last;
}

/* How much of the wanted pointer a child called key matches. */
static size_t match_child(const struct composer *c, size_t matched, const char *key)
{
	if (matched == OFF_PATH || matched >= c->want_len)
		return OFF_PATH;
	return str_eq(c->want[matched], key) ? matched + 1 : OFF_PATH;
}

static void remember_anchor(struct composer *c, struct fy_token *anchor, json_t *v)
{
	size_t len;
	_cleanup_free_ char *name = token_text(anchor, &len);
	if (name)
		map_set(c->anchors, name, json_incref(v));
}

static json_t *compose_alias(struct composer *c, struct fy_event *e, size_t matched)
{
	size_t len;
	_cleanup_free_ char *name = token_text(e->alias.anchor, &len);
	json_t *v = name ? map_get(c->anchors, name) : NULL;
	if (!v)
		return fail_at(c, &c->last, "the alias *%.100s has no anchor &%.100s before it", name ? name : "",
		               name ? name : ""),
		       NULL;
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

static json_t *binary_scalar(struct composer *c, const char *s, size_t len)
{
	_cleanup_free_ char *packed = xmalloc(len + 1);
	size_t n = 0, data_len;
	for (size_t i = 0; i < len; i++)
		if (!strchr(" \t\r\n", s[i]))
			packed[n++] = s[i];
	_cleanup_free_ char *data = base64_decode(packed, n, &data_len);
	json_t *v = data && !memchr(data, '\0', data_len) ? json_stringn(data, data_len) : NULL;
	if (!v)
		fail_at(c, &c->last, "!!binary must be base64 of a text in UTF-8 (leave out the tag to keep the base64 itself)");
	return v;
}

/* A scalar with one of YAML's own tags. */
static json_t *tagged_scalar(struct composer *c, const char *kind, const char *s, size_t len)
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
		return fail_at(c, &c->last, "\"%.100s\" cannot be read as !!%s", s, kind), NULL;
	return json_stringn(s, len);
}

static json_t *scalar_value(struct composer *c, const struct fy_event *e)
{
	size_t len, tag_len;
	_cleanup_free_ char *s = token_text(e->scalar.value, &len), *tag = token_text(e->scalar.tag, &tag_len);
	const char *kind = tag_kind(tag), *text = s ? s : "";
	bool plain = !s || fy_token_scalar_style(e->scalar.value) == FYSS_PLAIN;
	json_t *v = NULL;
	if (memchr(text, '\0', len))
		return fail_at(c, &c->last, "the NUL character is not supported in strings"), NULL;
	if (kind && *kind)
		v = tagged_scalar(c, kind, text, len);
	else if (!plain || tag)
		v = json_stringn(text, len);
	else if (yaml_scalar_resolve(text, len, &v) == YAML_NOT_FINITE)
		return fail_at(c, &c->last, "%s is no number that JSON can hold: quote it to make it a string", text), NULL;
	else if (!v)
		v = json_stringn(text, len);
	if (!v && !err_is_set(c->err))
		fail_at(c, &c->last, "the string is not valid UTF-8");
	return v;
}

static bool is_merge_key(const struct fy_event *e)
{
	size_t len, tag_len;
	if (e->type != FYET_SCALAR || !e->scalar.value)
		return false;
	_cleanup_free_ char *s = token_text(e->scalar.value, &len), *tag = token_text(e->scalar.tag, &tag_len);
	if (!str_eq(s, "<<"))
		return false;
	return tag ? str_eq(tag_kind(tag), "merge") : fy_token_scalar_style(e->scalar.value) == FYSS_PLAIN;
}

/* A mapping key as string; free(). */
static char *compose_key(struct composer *c, struct fy_event *e)
{
	if (e->type != FYET_SCALAR && e->type != FYET_ALIAS)
		return fail_at(c, &c->last, "a mapping key must be a scalar"), NULL;
	_cleanup_json_ json_t *v = compose_node(c, e, OFF_PATH);
	if (!v)
		return NULL;
	if (json_is_string(v))
		return xstrdup(json_string_value(v));
	if (json_is_null(v) || json_is_object(v) || json_is_array(v))
		return fail_at(c, &c->last, "a mapping key must be a string, number or bool; quote it to make it a string"), NULL;
	return json_to_str(v);
}

/* Adds the members of a merged mapping that object does not have. Each one looked at counts as a node: otherwise a list
 * of many aliases to one large mapping would cost their product. */
static int merge_mapping(struct composer *c, json_t *object, json_t *from)
{
	if (!json_is_object(from))
		return fail_at(c, &c->last, "only mappings, or a list of them, can be merged with <<");
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
static int apply_merges(struct composer *c, json_t *object, const json_t *merges)
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

static json_t *compose_next(struct composer *c, size_t matched)
{
	struct fy_event *e = next_event(c);
	json_t *v = e ? compose_node(c, e, matched) : NULL;
	release_event(c, e);
	return v;
}

/* key_event is the key of the next member. */
static int compose_member(struct composer *c, struct fy_event *key_event, json_t *object, json_t *merges, size_t matched)
{
	if (is_merge_key(key_event)) {
		locate(c, matched < c->want_len ? matched : OFF_PATH, false);
		json_t *from = compose_next(c, OFF_PATH);
		return from ? json_array_append_new(merges, from) : -1;
	}
	_cleanup_free_ char *key = compose_key(c, key_event);
	if (!key)
		return -1;
	if (json_object_get(object, key))
		return fail_at(c, &c->last, "the key \"%.200s\" is repeated", key);
	json_t *v = compose_next(c, match_child(c, matched, key));
	return v ? json_object_set_new_nocheck(object, key, v) : -1;
}

static json_t *compose_mapping(struct composer *c, size_t matched)
{
	_cleanup_json_ json_t *object = json_object(), *merges = json_array();
	for (;;) {
		struct fy_event *e = next_event(c);
		if (!e)
			return NULL;
		bool end = e->type == FYET_MAPPING_END;
		int r = end ? 0 : compose_member(c, e, object, merges, matched);
		release_event(c, e);
		if (r < 0)
			return NULL;
		if (end)
			return apply_merges(c, object, merges) < 0 ? NULL : TAKE_PTR(object);
	}
}

static json_t *compose_sequence(struct composer *c, size_t matched)
{
	_cleanup_json_ json_t *array = json_array();
	for (;;) {
		struct fy_event *e = next_event(c);
		if (!e)
			return NULL;
		bool end = e->type == FYET_SEQUENCE_END;
		json_t *v = NULL;
		if (!end) {
			char index[24];
			snprintf(index, sizeof(index), "%zu", json_array_size(array));
			v = compose_node(c, e, match_child(c, matched, index));
		}
		release_event(c, e);
		if (end)
			return TAKE_PTR(array);
		if (!v)
			return NULL;
		json_array_append_new(array, v);
	}
}

static json_t *compose_container(struct composer *c, bool mapping, size_t matched)
{
	if (c->depth >= JSON_DEPTH_MAX)
		return fail_at(c, &c->last, "nested deeper than %d levels", JSON_DEPTH_MAX), NULL;
	c->depth++;
	json_t *v = mapping ? compose_mapping(c, matched) : compose_sequence(c, matched);
	c->depth--;
	return v;
}

/* The value that begins with the event; matched tokens of the wanted pointer lead to it. */
static json_t *compose_node(struct composer *c, struct fy_event *e, size_t matched)
{
	if (count_nodes(c, 1) < 0)
		return NULL;
	if (c->want && matched == c->want_len)
		locate(c, matched, true);
	struct fy_token *anchor = NULL;
	json_t *v = NULL;
	switch (e->type) {
	case FYET_ALIAS:
		return compose_alias(c, e, matched);
	case FYET_SCALAR:
		anchor = e->scalar.anchor;
		v = scalar_value(c, e);
		break;
	case FYET_SEQUENCE_START:
		anchor = e->sequence_start.anchor;
		v = compose_container(c, false, matched);
		break;
	case FYET_MAPPING_START:
		anchor = e->mapping_start.anchor;
		v = compose_container(c, true, matched);
		break;
	default:
		fail_at(c, &c->last, "unexpected %s", fy_event_type_get_text(e->type));
		break;
	}
	if (v && anchor)
		remember_anchor(c, anchor, v);
	return v;
}

/* The next document; NULL with *ret_end set at the end of the stream, NULL with err set on failure. */
static json_t *compose_document(struct composer *c, bool *ret_end)
{
	*ret_end = false;
	for (;;) {
		struct fy_event *e = next_event(c);
		if (!e)
			return NULL;
		enum fy_event_type type = e->type;
		release_event(c, e);
		if (type == FYET_STREAM_END) {
			*ret_end = true;
			return NULL;
		}
		if (type == FYET_DOCUMENT_START) {
			map_clear(c->anchors);
			c->document = c->last;
			return compose_next(c, c->want ? 0 : OFF_PATH);
		}
	}
}

/* libfyaml stops at a NUL and skips bytes that are not UTF-8, silently; YAML allows no other control characters. */
static int check_characters(const char *text, size_t len, const char *name, struct err *err)
{
	const char *end = text + len, *p = text;
	while (p < end) {
		size_t n = text_utf8_len(p, end);
		unsigned char byte = (unsigned char)*p;
		if (n == 0 || (byte < 0x20 && byte != '\t' && byte != '\n' && byte != '\r') || byte == 0x7f)
			break;
		p += n;
	}
	if (p == end)
		return 0;
	int line, column;
	text_position(text, p, &line, &column);
	if (text_utf8_len(p, end) == 0)
		return err_set(err, ERR_BAD_REQUEST, "%s:%d:%d: byte 0x%02X is not valid UTF-8", name, line, column,
		               (unsigned)(unsigned char)*p);
	return err_set(err, ERR_BAD_REQUEST, "%s:%d:%d: control character 0x%02X is not allowed", name, line, column,
	               (unsigned)(unsigned char)*p);
}

static void free_value(void *v)
{
	json_decref(v);
}

static int composer_init(struct composer *c, const char *text, size_t len, const char *name, struct err *err)
{
	*c = (struct composer){ .text = text, .name = name ? name : "YAML", .err = err };
	if (len > JSON_TEXT_MAX)
		return err_set(err, ERR_BAD_REQUEST, "%s: the text has %zu bytes; at most %zu are allowed", c->name, len,
		               JSON_TEXT_MAX);
	if (check_characters(text, len, c->name, err) < 0)
		return -1;
	/* Errors are collected; without this libfyaml prints them. */
	struct fy_diag_cfg quiet;
	fy_diag_cfg_default(&quiet);
	quiet.fp = NULL;
	c->diag = fy_diag_create(&quiet);
	if (!c->diag)
		out_of_memory(0);
	fy_diag_set_collect_errors(c->diag, true);
	/* Sloppy: people close a bracket at the start of a line, and every library that Kubernetes users know reads it. */
	struct fy_parse_cfg cfg = {
		.flags = FYPCF_QUIET | FYPCF_COLLECT_DIAG | FYPCF_JSON_NONE | FYPCF_SLOPPY_FLOW_INDENTATION,
		.diag = c->diag,
	};
	c->parser = fy_parser_create(&cfg);
	if (!c->parser || fy_parser_set_string(c->parser, text, len) < 0)
		out_of_memory(len);
	c->anchors = map_new(free_value);
	return 0;
}

static void composer_done(struct composer *c)
{
	if (c->parser)
		fy_parser_destroy(c->parser);
	if (c->diag)
		fy_diag_destroy(c->diag);
	map_free(c->anchors);
}
#define _cleanup_composer_ _cleanup_(composer_done)

/* JSON is YAML, but not always libfyaml's (tabs as indentation), and much faster to read as what it is. */
static json_t *parse_as_json(const char *text, size_t len)
{
	size_t i = 0;
	while (i < len && strchr(" \t\r\n", text[i]))
		i++;
	return i < len && text[i] == '{' ? json_parse(text, len, JSON_STRICT_KEYS, NULL) : NULL;
}

/* The documents that are not empty, as an array; with single, at most one. */
static json_t *compose_documents(struct composer *c, bool single)
{
	_cleanup_json_ json_t *documents = json_array();
	for (;;) {
		bool end;
		_cleanup_json_ json_t *v = compose_document(c, &end);
		if (end)
			return TAKE_PTR(documents);
		if (!v)
			return NULL;
		if (json_is_null(v))
			continue;
		if (single && json_array_size(documents) > 0)
			return fail_at(c, &c->document, "a second document begins here; only one is expected"), NULL;
		json_array_append(documents, v);
	}
}

static json_t *parse_documents(const char *text, size_t len, const char *name, bool single, struct err *err)
{
	json_t *documents = NULL, *json = parse_as_json(text, len);
	if (json) {
		documents = json_array();
		json_array_append_new(documents, json);
		return documents;
	}
	_cleanup_composer_ struct composer c;
	_cleanup_err_ struct err own = { 0 };
	if (composer_init(&c, text, len, name, &own) == 0)
		documents = compose_documents(&c, single);
	if (!documents)
		err_move(err, &own);
	return documents;
}

json_t *yaml_parse_all(const char *text, size_t len, const char *name, struct err *err)
{
	return parse_documents(text, len, name, false, err);
}

json_t *yaml_parse(const char *text, size_t len, const char *name, struct err *err)
{
	_cleanup_json_ json_t *documents = parse_documents(text, len, name, true, err);
	if (!documents)
		return NULL;
	json_t *v = json_array_get(documents, 0);
	return v ? json_incref(v) : json_null();
}

bool yaml_locate(const char *text, size_t len, const char *pointer, int *ret_line, int *ret_column)
{
	_cleanup_strv_ char **want = json_pointer_split(pointer);
	_cleanup_composer_ struct composer c = { 0 };
	_cleanup_err_ struct err ignored = { 0 };
	bool end;
	if (!want || composer_init(&c, text, len, NULL, &ignored) < 0)
		return false;
	c.want = want;
	c.want_len = strv_len(want);
	_cleanup_json_ json_t *v = compose_document(&c, &end);
	if (!c.located || (v && !json_pointer_get(v, pointer)))
		return false;
	*ret_line = c.place.line + 1;
	*ret_column = c.place.column + 1;
	return true;
}
