#include "candidate.h"

#include "base/buf.h"
#include "base/str.h"

#include <ctype.h>

#define EVIDENCE_MAX 64
#define DEPS_MAX 5000
#define ENV_MAX 100
#define VALUE_MAX 300

struct candidate *candidate_new(struct analysis *a, struct tree_dir *dir, enum ecosystem eco, const char *framework,
                                const char *language, double score)
{
	struct candidate *c;

	if (a->candidates_len == CANDIDATES_MAX) {
		a->tree.truncated = true;
		return NULL;
	}
	c = arena_alloc(a->arena, sizeof(*c));
	*c = (struct candidate){
		.dir = dir,
		.eco = eco,
		.framework = framework,
		.language = language,
		.score = score,
		.server = true,
		.port_source = PORT_NONE,
	};
	c->evidence_tail = &c->evidence;
	c->deps_tail = &c->deps;
	c->env_tail = &c->env;
	c->stores_tail = &c->stores;
	c->name = dir->path[0] ? dir->name : NULL;
	if (a->candidates_len == a->candidates_cap) {
		a->candidates_cap = a->candidates_cap ? a->candidates_cap * 2 : 32;
		a->candidates = xreallocarray(a->candidates, a->candidates_cap, sizeof(struct candidate *));
	}
	a->candidates[a->candidates_len++] = c;
	return c;
}

static const char *sentence(struct analysis *a, const char *fmt, va_list ap)
{
	_cleanup_free_ char *s = xvasprintf(fmt, ap);

	return arena_strndup(a->arena, s, VALUE_MAX);
}

static int line_of(const struct text *at, size_t offset)
{
	return offset == SIZE_MAX ? 1 : text_line(at, offset);
}

static void evidence_add(struct analysis *a, struct candidate *c, const char *file, int line, const char *why)
{
	struct evidence *e;

	if (c->evidence_len == EVIDENCE_MAX)
		return;
	e = arena_alloc(a->arena, sizeof(*e));
	e->file = file;
	e->line = line;
	e->why = why;
	for (const struct evidence *old = c->evidence; old; old = old->next)
		if (old->line == e->line && str_eq(old->file, e->file) && str_eq(old->why, e->why))
			return;
	*c->evidence_tail = e;
	c->evidence_tail = &e->next;
	c->evidence_len++;
}

void candidate_why(struct analysis *a, struct candidate *c, const struct text *at, size_t offset, const char *fmt, ...)
{
	va_list ap;

	if (!at)
		return;
	va_start(ap, fmt);
	evidence_add(a, c, at->path, line_of(at, offset), sentence(a, fmt, ap));
	va_end(ap);
}

void candidate_because(struct analysis *a, struct candidate *c, const struct text *at, size_t offset, const char *fmt,
                       ...)
{
	va_list ap;

	va_start(ap, fmt);
	c->why = sentence(a, fmt, ap);
	va_end(ap);
	if (at)
		evidence_add(a, c, at->path, line_of(at, offset), c->why);
}

void candidate_because_at(struct analysis *a, struct candidate *c, const char *file, int line, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	c->why = sentence(a, fmt, ap);
	va_end(ap);
	evidence_add(a, c, file, line, c->why);
}

static struct dependency *dep_find(const struct candidate *c, const char *name)
{
	for (struct dependency *d = c->deps; d; d = d->next)
		if (str_eq(d->name, name))
			return d;
	return NULL;
}

const struct dependency *candidate_dep_find(const struct candidate *c, const char *name)
{
	return dep_find(c, name);
}

void candidate_dep(struct analysis *a, struct candidate *c, const char *name, const char *version, bool dev,
                   const struct text *at, size_t offset)
{
	struct dependency *d = dep_find(c, name);

	if (d) {
		d->dev = d->dev && dev;
		return;
	}
	if (!name[0] || c->deps_len == DEPS_MAX)
		return;
	d = arena_alloc(a->arena, sizeof(*d));
	d->name = arena_strndup(a->arena, name, VALUE_MAX);
	d->version = str_empty(version) ? NULL : arena_strndup(a->arena, version, VALUE_MAX);
	d->dev = dev;
	d->file = at->path;
	d->line = line_of(at, offset);
	*c->deps_tail = d;
	c->deps_tail = &d->next;
	c->deps_len++;
}

void candidate_env(struct analysis *a, struct candidate *c, const char *name, const char *otherwise, bool required,
                   const struct text *at, size_t offset)
{
	struct env_var *e;

	for (e = c->env; e; e = e->next) {
		if (!str_eq(e->name, name))
			continue;
		if (!e->otherwise && otherwise)
			e->otherwise = otherwise;
		e->required = e->required && required && !e->otherwise;
		return;
	}
	if (c->env_len == ENV_MAX)
		return;
	e = arena_alloc(a->arena, sizeof(*e));
	e->name = arena_strndup(a->arena, name, VALUE_MAX);
	e->otherwise = otherwise ? arena_strndup(a->arena, otherwise, VALUE_MAX) : NULL;
	e->required = required && !otherwise;
	e->file = at->path;
	e->line = line_of(at, offset);
	*c->env_tail = e;
	c->env_tail = &e->next;
	c->env_len++;
}

void candidate_store(struct analysis *a, struct candidate *c, const char *type, const char *file, int line,
                     const char *why)
{
	struct datastore *s;

	for (s = c->stores; s; s = s->next)
		if (str_eq(s->type, type))
			return;
	s = arena_alloc(a->arena, sizeof(*s));
	s->type = type;
	s->file = file;
	s->line = line;
	s->why = why;
	*c->stores_tail = s;
	c->stores_tail = &s->next;
}

bool candidate_port(struct analysis *a, struct candidate *c, int port, enum port_source source, const struct text *at,
                    size_t offset, const char *why)
{
	if (port <= 0 || port > 65535 || source >= c->port_source)
		return false;
	c->port = port;
	c->port_source = source;
	c->port_why = (struct evidence){ 0 };
	if (at)
		c->port_why = (struct evidence){
			.file = at->path,
			.line = line_of(at, offset),
			.why = text_printf(a, "port %d: %s", port, why),
		};
	return true;
}

void command_set(struct analysis *a, struct command *cmd, struct tree_dir *dir, const char *fmt, ...)
{
	_cleanup_free_ char *line = NULL;
	va_list ap;

	va_start(ap, fmt);
	line = xvasprintf(fmt, ap);
	va_end(ap);
	cmd->line = arena_strdup(a->arena, line);
	cmd->dir = dir;
}

const char *shell_word(struct analysis *a, const char *word)
{
	static const char plain[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_./@%+=:,-";
	struct buf b = BUF_INIT(64 * 1024);
	const char *quoted;

	if (word[0] && word[strspn(word, plain)] == '\0')
		return word;
	buf_putc(&b, '\'');
	for (; *word; word++) {
		if (*word == '\'')
			buf_puts(&b, "'\\''");
		else
			buf_putc(&b, *word);
	}
	buf_putc(&b, '\'');
	quoted = arena_strdup(a->arena, buf_str(&b));
	buf_clear(&b);
	return quoted;
}

const char *shell_path(struct analysis *a, const char *path)
{
	return shell_word(a, path[0] == '-' ? text_printf(a, "./%s", path) : path);
}

const char *path_below(const struct tree_dir *above, const char *path)
{
	size_t n = strlen(above->path);

	if (n && !strncmp(path, above->path, n) && path[n] == '/')
		return path + n + 1;
	if (n && str_eq(path, above->path))
		return ".";
	return path[0] ? path : ".";
}

const char *path_join(struct analysis *a, const char *dir, const char *name)
{
	if (str_empty(dir) || str_eq(dir, "."))
		return name;
	if (str_empty(name) || str_eq(name, "."))
		return dir;
	return text_printf(a, "%s/%s", dir, name);
}

const char *path_base(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash ? slash + 1 : path;
}

int port_number(const char *text, size_t len)
{
	int port = 0;
	size_t i;

	for (i = 0; i < len && isdigit((unsigned char)text[i]); i++) {
		port = port * 10 + (text[i] - '0');
		if (port > 65535)
			return 0;
	}
	return port;
}
