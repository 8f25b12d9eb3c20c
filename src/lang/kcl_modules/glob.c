#include "glob.h"

#include "base/str.h"

#include <string.h>

#define PATHS_MAX 100000
#define DEPTH_MAX 64
#define FOLDERS_MAX 100000

/* ---- one part ---- */

/* The end of "[…]", or NULL when it is not closed; a ']' that comes first is one of its characters. */
static const char *class_end(const char *p, const char *end)
{
	p += p < end && *p == '!';
	p += p < end && *p == ']';
	while (p < end && *p != ']')
		p++;
	return p < end ? p : NULL;
}

static bool class_has(const char *p, const char *end, uint32_t c)
{
	bool negated = *p == '!', found = false;
	uint32_t from, to;

	p += negated;
	while (p < end) {
		p += utf8_next(p, (size_t)(end - p), &from);
		to = from;
		if (p + 1 < end && *p == '-') {
			p++;
			p += utf8_next(p, (size_t)(end - p), &to);
		}
		found |= c >= from && c <= to;
	}
	return found != negated;
}

/* One character of the name against one of the pattern, which is not '*'; the pattern behind it, or NULL. */
static const char *match_one(const char *p, const char *end, uint32_t c)
{
	uint32_t wanted;

	if (*p == '?')
		return p + 1;
	if (*p == '[') {
		const char *close = class_end(p + 1, end);

		return close && class_has(p + 1, close, c) ? close + 1 : NULL;
	}
	size_t n = utf8_next(p, (size_t)(end - p), &wanted);
	return wanted == c ? p + n : NULL;
}

bool kcl_glob_match(const char *pattern, size_t len, const char *name)
{
	const char *p = pattern, *end = pattern + len, *star = NULL, *retry = NULL;
	uint32_t c;

	/* After a '*' that could not stand for less, one character more: linear space, no recursion. */
	while (*name || p < end) {
		size_t n = *name ? utf8_next(name, strlen(name), &c) : 0;
		const char *next = NULL;

		if (p < end && *p == '*') {
			star = p++;
			retry = name;
			continue;
		}
		if (*name && n == 0)
			return false;
		if (*name && p < end)
			next = match_one(p, end, c);
		if (next) {
			p = next;
			name += n;
		} else if (star && *retry) {
			retry += utf8_next(retry, strlen(retry), &c);
			name = retry;
			p = star + 1;
		} else {
			return false;
		}
	}
	return true;
}

static int syntax_error(struct err *err, const char *pattern, const char *at, const char *what)
{
	return err_set(err, ERR_INVALID, "Pattern syntax error near position %zu: %s", (size_t)(at - pattern), what);
}

int kcl_glob_check(const char *pattern, struct err *err)
{
	const char *end = pattern + strlen(pattern);

	for (const char *p = pattern; *p; p++) {
		size_t stars = strspn(p, "*");

		if (stars > 2)
			return syntax_error(err, pattern, p + 2, "wildcards are either regular `*` or recursive `**`");
		if (stars == 2 && ((p > pattern && p[-1] != '/') || (p[2] && p[2] != '/')))
			return syntax_error(err, pattern, p, "recursive wildcards must form a single path component");
		if (*p == '[' && !class_end(p + 1, end))
			return syntax_error(err, pattern, p, "invalid range pattern");
		if (*p == '[')
			p = class_end(p + 1, end);
		else if (stars)
			p += stars - 1;
	}
	return 0;
}

/* ---- paths ---- */

struct search {
	const struct kcl_glob_files *files;
	char **paths;
	size_t len, cap;
	unsigned folders_left;
	struct err *err;
};

static int add_path(struct search *s, const char *path)
{
	if (s->len == PATHS_MAX)
		return err_set(s->err, ERR_TOO_LARGE, "more than %d paths match", PATHS_MAX);
	if (s->len + 1 >= s->cap) {
		s->cap = s->cap ? 2 * s->cap : 16;
		s->paths = xreallocarray(s->paths, s->cap, sizeof(*s->paths));
	}
	s->paths[s->len++] = xstrdup(path);
	s->paths[s->len] = NULL;
	return 0;
}

/* "." disappears, as in the paths of upstream. free(). */
static char *below(const char *folder, const char *name)
{
	if (str_eq(folder, "."))
		return xstrdup(name);
	return xasprintf("%s%s%s", folder, str_ends_with(folder, "/") ? "" : "/", name);
}

static char **sorted_names(struct search *s, const char *folder)
{
	char **names = s->folders_left > 0 ? s->files->list(s->files->self, folder) : NULL;

	if (s->folders_left > 0)
		s->folders_left--;
	strv_sort(names);
	return names;
}

static int match_in(struct search *s, const char *folder, const char *pattern, unsigned depth);

/* A path whose part has matched; rest: of the pattern. */
static int matched(struct search *s, const char *path, const char *rest, unsigned depth)
{
	if (*rest == '\0')
		return add_path(s, path);
	return match_in(s, path, rest, depth + 1);
}

static int match_names(struct search *s, const char *folder, const char *pattern, size_t len, const char *rest,
                       unsigned depth)
{
	_cleanup_strv_ char **names = sorted_names(s, folder);

	for (char **name = names; name && *name; name++) {
		_cleanup_free_ char *path = below(folder, *name);

		if (kcl_glob_match(pattern, len, *name) && matched(s, path, rest, depth) < 0)
			return -1;
	}
	return 0;
}

static bool is_folder(struct search *s, const char *path)
{
	_cleanup_strv_ char **names = s->files->list(s->files->self, path);

	return names != NULL;
}

/* "**": each entry against what comes behind it, then the same in each folder. */
static int match_anywhere(struct search *s, const char *folder, const char *rest, unsigned depth)
{
	_cleanup_strv_ char **names = depth < DEPTH_MAX ? sorted_names(s, folder) : NULL;
	size_t len = strcspn(rest, "/");
	const char *behind = rest + len + (rest[len] == '/');

	for (char **name = names; name && *name; name++) {
		_cleanup_free_ char *path = below(folder, *name);
		int r = 0;

		if (*rest == '\0')
			r = is_folder(s, path) ? add_path(s, path) : 0;
		else if (kcl_glob_match(rest, len, *name))
			r = matched(s, path, behind, depth);
		if (r < 0 || match_anywhere(s, path, rest, depth + 1) < 0)
			return -1;
	}
	return 0;
}

static int match_in(struct search *s, const char *folder, const char *pattern, unsigned depth)
{
	size_t len = strcspn(pattern, "/");
	const char *rest = pattern + len + strspn(pattern + len, "/");

	if (depth > DEPTH_MAX)
		return err_set(s->err, ERR_TOO_LARGE, "the pattern has more than %d parts", DEPTH_MAX);
	if (len == 2 && pattern[0] == '*' && pattern[1] == '*') {
		while (str_starts_with(rest, "**") && (rest[2] == '/' || rest[2] == '\0'))
			rest += 2 + strspn(rest + 2, "/");
		return match_anywhere(s, folder, rest, depth);
	}
	_cleanup_free_ char *part = xstrndup(pattern, len);
	if (strpbrk(part, "*?["))
		return match_names(s, folder, pattern, len, rest, depth);
	_cleanup_free_ char *path = below(folder, part);
	return s->files->exists(s->files->self, path) ? matched(s, path, rest, depth) : 0;
}

char **kcl_glob(const struct kcl_glob_files *files, const char *pattern, struct err *err)
{
	struct search s = { .files = files, .folders_left = FOLDERS_MAX, .err = err };
	size_t slashes = strspn(pattern, "/");
	int r = kcl_glob_check(pattern, err);

	s.paths = xcalloc(1, sizeof(*s.paths));
	if (r == 0 && pattern[slashes])
		r = match_in(&s, slashes ? "/" : ".", pattern + slashes, 0);
	else if (r == 0 && slashes)
		r = add_path(&s, "/");
	if (r == 0)
		return s.paths;
	strv_free(s.paths);
	return NULL;
}
