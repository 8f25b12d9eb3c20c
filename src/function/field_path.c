#include "field_path.h"

#include "base/str.h"

#include <limits.h>

struct segment {
	char *field; /* NULL: an index */
	size_t index;
};

struct path {
	struct segment segments[FIELD_PATH_SEGMENTS_MAX];
	size_t len;
};

static void path_clear(struct path *p)
{
	for (size_t i = 0; i < p->len; i++)
		free(p->segments[i].field);
	p->len = 0;
}

/* ---- parsing ---- */

static int unexpected(struct err *err, const char *path, char c, size_t at)
{
	return err_set(err, ERR_INVALID, "cannot parse path \"%s\": unexpected '%c' at position %zu", path, c, at);
}

static int add(struct path *p, const char *s, size_t len, bool may_be_index, struct err *err)
{
	struct segment *segment = &p->segments[p->len];
	_cleanup_free_ char *text = xstrndup(s, len);
	int64_t index;

	if (len == 0)
		return 0;
	if (p->len == FIELD_PATH_SEGMENTS_MAX)
		return err_set(err, ERR_INVALID, "a field path has more than %d segments", FIELD_PATH_SEGMENTS_MAX);
	*segment = (struct segment){ 0 };
	if (may_be_index && text[0] >= '0' && text[0] <= '9' && str_to_i64(text, 0, UINT32_MAX, &index)) {
		segment->index = (size_t)index;
	} else {
		while (len > 0 && strchr("'\"", s[len - 1]))
			len--;
		while (len > 0 && strchr("'\"", *s)) {
			s++;
			len--;
		}
		segment->field = xstrndup(s, len);
	}
	p->len++;
	return 0;
}

/* From an opening bracket; *at ends behind the closing one. */
static int parse_bracket(struct path *p, const char *path, size_t *at, struct err *err)
{
	size_t start = *at + 1;
	const char *close = strchr(path + *at, ']');
	const char *open = strchr(path + start, '[');

	if (!close)
		return err_set(err, ERR_INVALID, "cannot parse path \"%s\": unterminated '[' at position %zu", path, *at);
	if (close == path + start)
		return unexpected(err, path, ']', start);
	if (open && open < close)
		return unexpected(err, path, '[', (size_t)(open - path));
	*at = (size_t)(close - path) + 1;
	return add(p, path + start, (size_t)(close - path) - start, true, err);
}

static int path_parse(struct path *p, const char *path, struct err *err)
{
	size_t at = 0, end = strlen(path);

	p->len = 0;
	while (at < end) {
		size_t n = strcspn(path + at, ".[]");

		if (add(p, path + at, n, false, err) < 0)
			return -1;
		at += n;
		if (path[at] == ']')
			return unexpected(err, path, ']', at);
		if (path[at] == '[') {
			if (parse_bracket(p, path, &at, err) < 0)
				return -1;
		} else if (path[at] == '.') {
			if (at == 0 || at == end - 1)
				return unexpected(err, path, '.', at);
			at++;
			if (path[at] == '.' || path[at] == '[')
				return unexpected(err, path, path[at], at);
		}
	}
	return 0;
}

/* The first n segments as a path again; free(). */
static char *path_text(const struct segment *segments, size_t n)
{
	_cleanup_buf_ struct buf out = BUF_INIT((size_t)1024 * 1024);

	for (size_t i = 0; i < n; i++) {
		const struct segment *s = &segments[i];

		if (!s->field)
			buf_printf(&out, "[%zu]", s->index);
		else if (str_eq(s->field, "*") || strchr(s->field, '.'))
			buf_printf(&out, "[%s]", s->field);
		else
			buf_printf(&out, "%s%s", out.len > 0 ? "." : "", s->field);
	}
	return buf_steal(&out);
}

/* ---- getting ---- */

static int complain(struct err *err, enum err_kind kind, const struct path *p, size_t n, const char *what)
{
	_cleanup_free_ char *text = path_text(p->segments, n);

	return err_set(err, kind, "%s: %s", text, what);
}

static json_t *get(const json_t *object, const struct path *p, struct err *err)
{
	const json_t *at = object;

	for (size_t i = 0; i < p->len; i++) {
		const struct segment *s = &p->segments[i];

		if (!s->field) {
			if (!json_is_array(at)) {
				complain(err, ERR_INVALID, p, i, "not an array");
				return NULL;
			}
			at = json_array_get(at, s->index);
			if (!at) {
				complain(err, ERR_NOT_FOUND, p, i + 1, "no such element");
				return NULL;
			}
			continue;
		}
		if (!json_is_object(at)) {
			bool is_null = !at || json_is_null(at);

			complain(err, is_null ? ERR_NOT_FOUND : ERR_INVALID, p, i,
			         is_null ? "expected map, got nil" : "not an object");
			return NULL;
		}
		at = json_object_get(at, s->field);
		if (!at) {
			complain(err, ERR_NOT_FOUND, p, i + 1, "no such field");
			return NULL;
		}
	}
	return json_unconst(at);
}

json_t *field_path_get(const json_t *object, const char *path, struct err *err)
{
	_cleanup_(path_clear) struct path p = { 0 };

	if (path_parse(&p, path, err) < 0)
		return NULL;
	return get(object, &p, err);
}

/* ---- setting ---- */

static json_t *fitting(const struct segment *next)
{
	return next->field ? json_object() : json_array();
}

static void lengthen(json_t *array, size_t len)
{
	while (json_array_size(array) < len)
		json_array_append_new(array, json_null());
}

/* The member or element that the segment names, made to hold what the next one needs. NULL: it cannot. */
static json_t *descend(json_t *in, const struct segment *s, const struct segment *next)
{
	json_t *at;

	if (s->field) {
		at = json_object_get(in, s->field);
		if (!at) {
			at = fitting(next);
			json_object_set_new(in, s->field, at);
		}
	} else {
		at = json_array_get(in, s->index);
		if (json_is_null(at)) {
			at = fitting(next);
			json_array_set_new(in, s->index, at);
		}
	}
	if (!next->field && json_is_array(at))
		lengthen(at, next->index + 1);
	return at;
}

static int set(json_t *object, const struct path *p, json_t *value, struct err *err)
{
	json_t *in = object;

	for (size_t i = 0; i < p->len; i++)
		if (!p->segments[i].field && p->segments[i].index > FIELD_PATH_INDEX_MAX)
			return err_set(err, ERR_INVALID, "index %zu is greater than max allowed index %d", p->segments[i].index,
			               FIELD_PATH_INDEX_MAX);
	for (size_t i = 0; i < p->len; i++) {
		const struct segment *s = &p->segments[i];

		if (s->field ? !json_is_object(in) : !json_is_array(in)) {
			_cleanup_free_ char *text = path_text(p->segments, i);

			return err_set(err, ERR_INVALID, "%s is not an %s", text, s->field ? "object" : "array");
		}
		if (i + 1 < p->len)
			in = descend(in, s, s + 1);
		else if (s->field)
			json_object_set(in, s->field, value);
		else
			json_array_set(in, s->index, value);
	}
	return 0;
}

int field_path_set(json_t *object, const char *path, json_t *value, struct err *err)
{
	_cleanup_(path_clear) struct path p = { 0 };

	return path_parse(&p, path, err) < 0 ? -1 : set(object, &p, value, err);
}

/* ---- merging ---- */

static bool is_empty(const json_t *v)
{
	switch (v ? json_typeof(v) : JSON_NULL) {
	case JSON_OBJECT:
		return json_object_size(v) == 0;
	case JSON_ARRAY:
		return json_array_size(v) == 0;
	case JSON_STRING:
		return json_string_length(v) == 0;
	case JSON_INTEGER:
	case JSON_REAL:
		return json_number_value(v) == 0;
	case JSON_TRUE:
		return false;
	default:
		return true;
	}
}

void json_merge_members(json_t *dst, const json_t *src, const struct field_path_merge *options)
{
	const char *key;
	json_t *value;

	json_object_foreach (json_unconst(src), key, value) {
		json_t *old = json_object_get(dst, key);

		if (json_is_null(value)) {
			if (!options->keep)
				json_object_set(dst, key, value);
		} else if (json_is_object(value) && json_is_object(old) && !is_empty(old)) {
			json_t *inner = json_copy(old);

			json_merge_members(inner, value, options);
			json_object_set_new(dst, key, inner);
		} else if (json_is_array(value) && json_is_array(old) && options->append && !is_empty(old)) {
			json_t *longer = json_copy(old);

			json_array_extend(longer, value);
			json_object_set_new(dst, key, longer);
		} else if (!options->keep || is_empty(old)) {
			json_object_set(dst, key, value);
		}
	}
}

/* A new reference: src without the elements that dst has. */
static json_t *without_duplicates(const json_t *dst, const json_t *src)
{
	json_t *out = json_array(), *value, *other;
	size_t i, j;

	json_array_foreach (src, i, value) {
		bool found = false;

		json_array_foreach (dst, j, other)
			found = found || json_same(value, other);
		if (!found)
			json_array_append(out, value);
	}
	return out;
}

int field_path_merge(json_t *object, const char *path, json_t *value, const struct field_path_merge *options,
                     struct err *err)
{
	_cleanup_(path_clear) struct path p = { 0 };
	_cleanup_err_ struct err missing = { 0 };
	_cleanup_json_ json_t *dst = NULL, *src = NULL;
	const json_t *old = NULL;

	if (path_parse(&p, path, err) < 0)
		return -1;
	if (options) {
		old = get(object, &p, &missing);
		if (!old && missing.kind != ERR_NOT_FOUND) {
			err_move(err, &missing);
			return -1;
		}
	}
	if (!old || json_is_null(old) || json_is_null(value))
		return set(object, &p, value, err);
	src = json_object();
	if (options->append && json_is_array(old) && json_is_array(value))
		json_object_set_new(src, "arg", without_duplicates(old, value));
	else
		json_object_set(src, "arg", value);
	dst = json_pack("{sO}", "arg", json_unconst(old));
	json_merge_members(dst, src, options);
	return set(object, &p, json_object_get(dst, "arg"), err);
}

/* ---- wildcards ---- */

#define EXPANDED_MAX 100000

struct expansion {
	char **paths;
	size_t len;
	struct err *err;
};

static int expand(struct expansion *x, const json_t *at, const struct path *p, size_t i, struct path *done)
{
	const struct segment *s = &p->segments[i];
	int r = 0;

	if (i == p->len) {
		if (x->len == EXPANDED_MAX)
			return err_set(x->err, ERR_TOO_LARGE, "a field path stands for more than %d fields", EXPANDED_MAX);
		x->paths = xreallocarray(x->paths, x->len + 2, sizeof(*x->paths));
		x->paths[x->len++] = path_text(done->segments, done->len);
		x->paths[x->len] = NULL;
		return 0;
	}
	done->len = i + 1;
	if (s->field && str_eq(s->field, "*")) {
		const char *key;
		json_t *member;
		size_t n;

		if (!json_is_object(at) && !json_is_array(at))
			return json_is_null(at) ? complain(x->err, ERR_NOT_FOUND, p, i, "wildcard field is not found in the path")
			                        : complain(x->err, ERR_INVALID, p, i, "unexpected wildcard usage");
		json_array_foreach (at, n, member) {
			done->segments[i] = (struct segment){ .index = n };
			if (r == 0)
				r = expand(x, member, p, i + 1, done);
			done->len = i + 1;
		}
		json_object_foreach (json_unconst(at), key, member) {
			done->segments[i] = (struct segment){ .field = (char *)(uintptr_t)key };
			if (r == 0)
				r = expand(x, member, p, i + 1, done);
			done->len = i + 1;
		}
		return r;
	}
	if (!json_is_null(at) && (s->field ? !json_is_object(at) : !json_is_array(at)))
		return complain(x->err, ERR_INVALID, p, i, s->field ? "not an object" : "not an array");
	done->segments[i] = *s;
	at = s->field ? json_object_get(at, s->field) : json_array_get(at, s->index);
	return at ? expand(x, at, p, i + 1, done) : 0;
}

char **field_path_expand(const json_t *object, const char *path, struct err *err)
{
	_cleanup_(path_clear) struct path p = { 0 };
	_cleanup_free_ struct path *done = new0(struct path);
	struct expansion x = { .paths = xcalloc(1, sizeof(char *)), .err = err };

	if (path_parse(&p, path, err) < 0 || expand(&x, object, &p, 0, done) < 0) {
		strv_free(x.paths);
		return NULL;
	}
	return x.paths;
}
