#include "duplicates.h"

#include "base/buf.h"
#include "base/map.h"
#include "base/str.h"
#include "codec/json.h"

#define FOUND_MAX 64
#define PATH_MAX_BYTES ((size_t)64 * 1024)

struct scan {
	const char *at, *end;
	struct buf path;
	char **found;
	int depth;
};

static char next(struct scan *s)
{
	while (s->at < s->end && strchr(" \t\r\n", *s->at))
		s->at++;
	return s->at < s->end ? *s->at : '\0';
}

/* A string at the present position; its raw content, not unescaped. */
static void scan_string(struct scan *s, const char **ret, size_t *ret_len)
{
	const char *start = ++s->at;

	while (s->at < s->end && *s->at != '"')
		s->at += *s->at == '\\' && s->at + 1 < s->end ? 2 : 1;
	*ret = start;
	*ret_len = (size_t)(s->at - start);
	if (s->at < s->end)
		s->at++;
}

static void scan_value(struct scan *s);

static void cut_path(struct scan *s, size_t len)
{
	s->path.len = len;
	if (s->path.data)
		s->path.data[len] = '\0';
}

static void note(struct scan *s)
{
	if (strv_len(s->found) < FOUND_MAX && !(s->found && str_in(buf_str(&s->path), (const char *const *)s->found)))
		strv_push(&s->found, buf_str(&s->path));
}

static void scan_object(struct scan *s)
{
	_cleanup_(map_freep) struct map *keys = map_new(NULL);
	size_t path_len = s->path.len, len;
	const char *raw;

	s->at++;
	while (next(s) == '"') {
		scan_string(s, &raw, &len);
		_cleanup_free_ char *key = xstrndup(raw, len);
		buf_printf(&s->path, "%s%s", path_len ? "." : "", key);
		if (map_has(keys, key))
			note(s);
		map_set(keys, key, keys);
		if (next(s) == ':')
			s->at++;
		scan_value(s);
		cut_path(s, path_len);
		if (next(s) == ',')
			s->at++;
	}
	if (next(s) == '}')
		s->at++;
}

static void scan_array(struct scan *s)
{
	size_t path_len = s->path.len, i = 0;

	s->at++;
	while (next(s) != ']' && next(s) != '\0') {
		buf_printf(&s->path, "[%zu]", i++);
		scan_value(s);
		cut_path(s, path_len);
		if (next(s) == ',')
			s->at++;
	}
	if (next(s) == ']')
		s->at++;
}

static void scan_value(struct scan *s)
{
	const char *raw;
	size_t len;
	char c = next(s);

	if (++s->depth > JSON_DEPTH_MAX) {
		s->at = s->end;
	} else if (c == '{') {
		scan_object(s);
	} else if (c == '[') {
		scan_array(s);
	} else if (c == '"') {
		scan_string(s, &raw, &len);
	} else {
		const char *start = s->at;
		while (s->at < s->end && !strchr(" \t\r\n,]}", *s->at))
			s->at++;
		if (s->at == start) /* not JSON after all */
			s->at = s->end;
	}
	s->depth--;
}

char **json_duplicate_fields(const char *text, size_t len)
{
	struct scan s = { .at = text, .end = text + len, .path = BUF_INIT(PATH_MAX_BYTES) };

	scan_value(&s);
	buf_clear(&s.path);
	return s.found;
}
