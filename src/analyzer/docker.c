#include "docker.h"

#include "manifest.h"
#include "base/str.h"

#include <ctype.h>

#define ARGS_MAX 32

struct parse {
	struct analysis *a;
	const struct text *text;
	struct docker_info info;
	const char *workdir, *entrypoint, *cmd;
	int env_port;
	size_t env_port_at;
	struct {
		const char *name, *value;
	} args[ARGS_MAX];
	size_t args_len;
};

/* The instruction at *pos with its continuation lines joined; false at the end. */
static bool next_instruction(struct parse *p, size_t *pos, size_t *ret_at, char **ret)
{
	const char *data = p->text->data;
	struct buf b = BUF_INIT(64 * 1024);
	bool more = true, begun = false;

	while (more && *pos < p->text->len) {
		const char *line = data + *pos, *newline = memchr(line, '\n', p->text->len - *pos);
		size_t len = newline ? (size_t)(newline - line) : p->text->len - *pos, at = *pos;

		*pos += len + 1;
		while (len && isspace((unsigned char)line[len - 1]))
			len--;
		while (len && isspace((unsigned char)*line)) {
			line++;
			len--;
			at++;
		}
		/* A comment may stand between continued lines. */
		if (!len || *line == '#')
			continue;
		if (!begun)
			*ret_at = at;
		begun = true;
		more = line[len - 1] == '\\';
		buf_append(&b, line, len - more);
		buf_putc(&b, ' ');
	}
	*ret = arena_strdup(p->a->arena, buf_str(&b));
	buf_clear(&b);
	return begun;
}

static const char *arg_value(const struct parse *p, const char *name, size_t len)
{
	for (size_t i = p->args_len; i > 0; i--)
		if (strlen(p->args[i - 1].name) == len && !strncmp(p->args[i - 1].name, name, len))
			return p->args[i - 1].value;
	return NULL;
}

/* A number, or "$NAME", "${NAME}", "${NAME:-8080}" with an ARG or ENV of that name. */
static int docker_port(const struct parse *p, const char *s)
{
	const char *name, *value, *otherwise;
	size_t len;

	if (s[0] != '$')
		return port_number(s, strlen(s));
	name = s + 1 + (s[1] == '{');
	len = strspn(name, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_");
	value = arg_value(p, name, len);
	if (value)
		return port_number(value, strlen(value));
	otherwise = str_after(name + len, ":-");
	return otherwise ? port_number(otherwise, strlen(otherwise)) : 0;
}

static void remember_args(struct parse *p, const char *rest, size_t at)
{
	static const char pair[] = "([A-Za-z_]\\w*)(?:=|[ \\t]+)\"?([^\\s\"]*)";
	struct regex_match m;
	size_t pos = 0;

	while (p->args_len < ARGS_MAX && regex_next(p->a->regex, pair, rest, strlen(rest), &pos, &m)) {
		const char *name = regex_group(p->a->arena, &m, 1), *value = regex_group(p->a->arena, &m, 2);

		p->args[p->args_len].name = name;
		p->args[p->args_len++].value = value;
		if (str_eq(name, "PORT") || str_eq(name, "SERVER_PORT") || str_eq(name, "APP_PORT")) {
			p->env_port = docker_port(p, value);
			p->env_port_at = at;
		} else if (str_eq(name, "ASPNETCORE_URLS") && strrchr(value, ':')) {
			p->env_port = docker_port(p, strrchr(value, ':') + 1);
			p->env_port_at = at;
		}
	}
}

/* '["node", "server.js"]' as a command line; a shell form as it is. */
static const char *command_line(struct parse *p, const char *rest)
{
	struct buf b = BUF_INIT(16 * 1024);
	json_t *list;
	const char *line;

	if (rest[0] != '[')
		return rest;
	list = json_parse(rest, strlen(rest), 0, NULL);
	for (size_t i = 0; i < json_array_size(list); i++) {
		const char *word = json_string_value(json_array_get(list, i));

		if (word)
			buf_printf(&b, "%s%s", i ? " " : "", shell_word(p->a, word));
	}
	json_decref(list);
	line = arena_strdup(p->a->arena, buf_str(&b));
	buf_clear(&b);
	/* ["sh", "-c", "…"] is the shell form written out. */
	for (size_t i = 0; i < 3; i++) {
		static const char *const shells[] = { "sh -c ", "/bin/sh -c ", "bash -c " };

		if (str_starts_with(line, shells[i]) && line[strlen(shells[i])] == '\'' && line[strlen(line) - 1] == '\'')
			return arena_strndup(p->a->arena, line + strlen(shells[i]) + 1, strlen(line) - strlen(shells[i]) - 2);
	}
	return line;
}

static void instruction(struct parse *p, char *line, size_t at)
{
	char *rest = line + strcspn(line, " \t");

	if (*rest)
		*rest++ = '\0';
	rest = str_strip(rest);
	if (!strcasecmp(line, "FROM")) {
		char *image = rest + (str_starts_with(rest, "--platform") ? strcspn(rest, " ") + 1 : 0);

		p->info.image = arena_strndup(p->a->arena, image, strcspn(image, " \t"));
		p->entrypoint = p->cmd = p->workdir = NULL;
		p->info.port = 0;
	} else if (!strcasecmp(line, "ARG") || !strcasecmp(line, "ENV")) {
		remember_args(p, rest, at);
	} else if (!strcasecmp(line, "WORKDIR")) {
		p->workdir = rest;
	} else if (!strcasecmp(line, "EXPOSE")) {
		if (!p->info.port)
			p->info.port = docker_port(p, rest);
		p->info.port_at = at;
	} else if (!strcasecmp(line, "CMD")) {
		p->cmd = command_line(p, rest);
		p->info.command_at = at;
	} else if (!strcasecmp(line, "ENTRYPOINT")) {
		p->entrypoint = command_line(p, rest);
		p->info.command_at = at;
	}
}

/* The command as it is meant in the repository: what is below WORKDIR is there by its relative path. A program
 * elsewhere in the image is not. */
static const char *relocate(struct parse *p, const char *command)
{
	struct regex_match m;
	size_t pos = 0;

	if (!command || !command[0])
		return NULL;
	if (p->workdir && p->workdir[0] == '/' && p->workdir[1]) {
		const char *at, *dir = text_printf(p->a, "%s/", p->workdir);
		struct buf b = BUF_INIT(16 * 1024);

		for (; (at = strstr(command, dir)); command = at + strlen(dir)) {
			buf_append(&b, command, (size_t)(at - command));
			buf_puts(&b, "./");
		}
		buf_puts(&b, command);
		command = arena_strdup(p->a->arena, buf_str(&b));
		buf_clear(&b);
	}
	if (regex_next(p->a->regex, "(?:^|[\\s\"'=])/(?!bin/|usr/bin/|dev/)\\w", command, strlen(command), &pos, &m))
		return NULL;
	return command;
}

struct docker_info docker_parse(struct analysis *a, const struct text *t)
{
	static const char *const wrappers[] = { "tini -- ",      "/sbin/tini -- ", "/usr/bin/tini -- ",      "/tini -- ",
		                                    "dumb-init -- ", "dumb-init ",     "/usr/bin/dumb-init -- ", NULL };
	struct parse p = { .a = a, .text = t, .info = { .text = t } };
	const char *command;
	size_t pos = 0, at = 0;
	char *line;

	while (next_instruction(&p, &pos, &at, &line))
		instruction(&p, line, at);
	if (!p.info.port && p.env_port) {
		p.info.port = p.env_port;
		p.info.port_at = p.env_port_at;
	}
	command = p.entrypoint && p.cmd ? text_printf(a, "%s %s", p.entrypoint, p.cmd)
	          : p.entrypoint        ? p.entrypoint
	                                : p.cmd;
	for (size_t i = 0; command && wrappers[i]; i++)
		if (str_starts_with(command, wrappers[i]))
			command = command + strlen(wrappers[i]);
	/* A script that prepares the image and then starts its arguments. */
	if (p.entrypoint && p.cmd && (str_contains(p.entrypoint, "entrypoint") || str_contains(p.entrypoint, "tini")))
		command = p.cmd;
	p.info.command = relocate(&p, command);
	return p.info;
}

struct docker_info docker_read(struct analysis *a, struct tree_dir *dir)
{
	static const char *const names[] = { "Dockerfile",
		                                 "dockerfile",
		                                 "Containerfile",
		                                 "docker/Dockerfile",
		                                 "Dockerfile.prod",
		                                 "Dockerfile.production",
		                                 ".docker/Dockerfile",
		                                 "docker/prod/Dockerfile",
		                                 NULL };
	const struct text *t = tree_read_any(&a->tree, dir, names);

	return t ? docker_parse(a, t) : (struct docker_info){ 0 };
}

/* "python:3.11-slim" → "3.11" for a candidate of that language. */
static void image_version(struct analysis *a, struct candidate *c, const struct docker_info *d)
{
	static const struct {
		enum ecosystem eco;
		const char *image;
	} images[] = { { ECO_NODE, "node" },     { ECO_PYTHON, "python" },     { ECO_GO, "golang" },
		           { ECO_RUST, "rust" },     { ECO_RUBY, "ruby" },         { ECO_PHP, "php" },
		           { ECO_ELIXIR, "elixir" }, { ECO_DENO, "denoland/deno" } };
	struct regex_match m;
	size_t pos = 0;

	for (size_t i = 0; i < ARRAY_SIZE(images) && !c->runtime_version; i++) {
		const char *colon = d->image ? strchr(d->image, ':') : NULL;

		if (c->eco != images[i].eco || !colon ||
		    !str_ends_with(text_printf(a, "/%.*s", (int)(colon - d->image), d->image),
		                   text_printf(a, "/%s", images[i].image)))
			continue;
		if (regex_next(a->regex, ":(\\d[\\d.]*)", d->image, strlen(d->image), &pos, &m))
			c->runtime_version = regex_group(a->arena, &m, 1);
	}
}

bool docker_port_counts(const struct candidate *c, int port)
{
	const bool fronted = c->eco == ECO_PHP || c->eco == ECO_RUBY || c->eco == ECO_DOTNET;

	if (!c->default_port)
		return true;
	return c->server && !(fronted && (port < 1024 || (c->eco == ECO_PHP && port == 9000)));
}

void docker_apply(struct analysis *a, struct candidate *c)
{
	struct docker_info d = docker_read(a, c->dir);

	if (!d.text || c->eco == ECO_COMPOSE)
		return;
	if (docker_port_counts(c, d.port))
		candidate_port(a, c, d.port, PORT_DOCKER, d.text, d.port_at, "the Dockerfile");
	image_version(a, c, &d);
	if (c->start.line || !d.command || c->eco == ECO_DOCKER || c->eco == ECO_STATIC)
		return;
	command_set(a, &c->start, c->dir, c->wrap ? c->wrap : "%s", d.command);
	c->script = d.command;
	c->library = false;
	if (c->score < SCORE_PROGRAM)
		c->score = SCORE_PROGRAM;
	candidate_why(a, c, d.text, d.command_at, "started by: %s", d.command);
}

static void detect_docker(struct analysis *a, struct tree_dir *dir)
{
	struct docker_info d = docker_read(a, dir);
	struct candidate *c = d.text ? candidate_new(a, dir, ECO_DOCKER, "docker", "docker", SCORE_DOCKER) : NULL;
	char *image;

	if (!c)
		return;
	candidate_because(a, c, d.text, SIZE_MAX, "a Dockerfile%s%s", d.image ? ", from " : "", d.image ? d.image : "");
	image = arena_strdup(a->arena, dir->path[0] ? dir->name : "app");
	str_lower(image);
	command_set(a, &c->build, dir, "docker build -t %s .", shell_word(a, image));
	if (d.port)
		command_set(a, &c->start, dir, "docker run --rm -p {host}:{port}:%d %s", d.port, shell_word(a, image));
	else
		command_set(a, &c->start, dir, "docker run --rm %s", shell_word(a, image));
}

const struct detector docker_detector = { ECO_DOCKER, "docker", detect_docker };
