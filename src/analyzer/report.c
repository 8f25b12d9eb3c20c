#include "report.h"

#include "languages.h"
#include "base/str.h"

#define DEPS_SHOWN 200
#define EVIDENCE_SHOWN 50
#define RUNNERS_UP_SHOWN 10

static void put(json_t *o, const char *key, const char *value)
{
	if (!str_empty(value))
		json_put(o, key, json_string_lossy(value, strlen(value)));
}

static void expand(struct buf *b, const char *line, const char *name, const char *value)
{
	const char *at;

	for (; (at = strstr(line, name)); line = at + strlen(name)) {
		buf_append(b, line, (size_t)(at - line));
		buf_puts(b, value);
	}
	buf_puts(b, line);
}

/* The command as the shell gets it, for the analysed folder. */
static const char *command_text(struct analysis *a, const struct candidate *c, const struct command *cmd)
{
	const char *port = c->port ? text_printf(a, "${PORT:-%d}", c->port) : "$PORT", *line;
	struct buf with_port = BUF_INIT(64 * 1024), whole = BUF_INIT(64 * 1024);

	if (!cmd->line)
		return NULL;
	if (cmd->dir && cmd->dir->path[0])
		buf_printf(&whole, "cd %s && ", shell_path(a, cmd->dir->path));
	expand(&with_port, cmd->line, "{port}", port);
	expand(&whole, buf_str(&with_port), "{host}", "127.0.0.1");
	line = arena_strdup(a->arena, buf_str(&whole));
	buf_clear(&with_port);
	buf_clear(&whole);
	return line;
}

static void put_commands(struct analysis *a, json_t *o, const struct candidate *c)
{
	put(o, "installCommand", command_text(a, c, &c->install));
	put(o, "buildCommand", command_text(a, c, &c->build));
	put(o, "startCommand", command_text(a, c, &c->start));
}

static json_t *write_deps(const struct candidate *c)
{
	json_t *all = json_array();
	size_t n = 0;

	for (const struct dependency *d = c->deps; d && n < DEPS_SHOWN; d = d->next, n++) {
		json_t *o = json_object();

		put(o, "name", d->name);
		put(o, "version", d->version);
		if (d->dev)
			json_put_bool(o, "dev", true);
		json_array_append_new(all, o);
	}
	return all;
}

static json_t *write_env(const struct candidate *c)
{
	json_t *all = json_array();

	for (const struct env_var *e = c->env; e; e = e->next) {
		json_t *o = json_object();

		put(o, "name", e->name);
		json_put_bool(o, "required", e->required);
		put(o, "default", e->otherwise);
		put(o, "file", e->file);
		json_put_int(o, "line", e->line);
		json_array_append_new(all, o);
	}
	return all;
}

static json_t *write_stores(const struct candidate *c)
{
	json_t *all = json_array();

	for (const struct datastore *s = c->stores; s; s = s->next) {
		json_t *o = json_object();

		put(o, "type", s->type);
		put(o, "why", s->why);
		put(o, "file", s->file);
		json_put_int(o, "line", s->line);
		json_array_append_new(all, o);
	}
	return all;
}

static void write_one(json_t *all, const struct evidence *e)
{
	json_t *o = json_object();

	put(o, "file", e->file);
	json_put_int(o, "line", e->line);
	put(o, "why", e->why);
	json_array_append_new(all, o);
}

static json_t *write_evidence(const struct candidate *c)
{
	json_t *all = json_array();

	for (const struct evidence *e = c->evidence; e && json_array_size(all) < EVIDENCE_SHOWN - 1; e = e->next)
		write_one(all, e);
	if (c->port_why.file)
		write_one(all, &c->port_why);
	return all;
}

static json_t *confidence(double score)
{
	return json_real((double)(int)((score < 0 ? 0 : score > 0.99 ? 0.99 : score) * 100 + 0.5) / 100);
}

static const char *dir_path(const struct candidate *c)
{
	return c->dir->path[0] ? c->dir->path : ".";
}

static json_t *write_services(struct analysis *a, const struct services *s)
{
	json_t *all = json_array();

	for (size_t i = 0; i < s->len; i++) {
		const struct candidate *c = s->v[i];
		json_t *o = json_object();

		put(o, "name", c->name ? c->name : "app");
		put(o, "path", dir_path(c));
		put(o, "framework", c->framework);
		put(o, "language", c->language);
		if (c->port)
			json_put_int(o, "port", c->port);
		put_commands(a, o, c);
		json_put(o, "confidence", confidence(c->score));
		json_array_append_new(all, o);
	}
	return all;
}

static json_t *write_runners_up(const struct analysis *a, const struct candidate *main)
{
	json_t *all = json_array();

	for (size_t i = 0; i < a->candidates_len && json_array_size(all) < RUNNERS_UP_SHOWN; i++) {
		const struct candidate *c = a->candidates[i];
		json_t *o;

		if (c == main)
			continue;
		o = json_object();
		put(o, "framework", c->framework);
		put(o, "path", dir_path(c));
		json_put(o, "confidence", confidence(c->score));
		put(o, "why", c->why);
		json_array_append_new(all, o);
	}
	return all;
}

/* How sure we are of the main service: less when another folder has as good a claim. */
static double sureness(const struct services *s)
{
	double score = s->v[0]->score;

	if (s->len > 1 && s->v[0]->rank - s->v[1]->rank < 0.05)
		score -= 0.15;
	if (s->v[0]->library || !s->v[0]->start.line)
		score -= 0.1;
	return score;
}

static bool any_file(const struct analysis *a, const struct candidate *c, const char *const *names)
{
	for (size_t i = 0; names[i]; i++)
		if (tree_file(a->tree.dirs[0], names[i]) || (c && tree_file(c->dir, names[i])))
			return true;
	return false;
}

static void put_files(const struct analysis *a, json_t *o, const struct candidate *c)
{
	static const char *const docker[] = { "Dockerfile", "dockerfile", "Containerfile", NULL };
	static const char *const compose[] = { "docker-compose.yml", "docker-compose.yaml", "compose.yml", "compose.yaml",
		                                   NULL };

	json_put_bool(o, "hasDockerfile", any_file(a, c, docker));
	json_put_bool(o, "hasCompose", any_file(a, c, compose));
}

static void put_main(struct analysis *a, json_t *o, const struct candidate *c)
{
	put(o, "framework", c->framework);
	put(o, "language", c->language);
	put(o, "runtimeVersion", c->runtime_version);
	put(o, "packageManager", c->package_manager);
	json_put(o, "dependencies", write_deps(c));
	json_put_int(o, "dependencyCount", (int64_t)c->deps_len);
	if (c->port)
		json_put_int(o, "port", c->port);
	if (c->port_from_env)
		json_put_bool(o, "portFromEnv", true);
	put_commands(a, o, c);
	if (c->static_dir)
		put(o, "staticDir",
		    path_join(a, c->dir->path, c->static_dir)[0] ? path_join(a, c->dir->path, c->static_dir) : ".");
	put(o, "healthPath", c->health_path);
	put_files(a, o, c);
	json_put(o, "env", write_env(c));
	json_put(o, "datastores", write_stores(c));
}

static void put_unknown(struct analysis *a, json_t *o)
{
	const char *language = languages_main(a, a->tree.dirs[0]);

	put(o, "framework", "unknown");
	put(o, "language", language ? language : "unknown");
	json_put(o, "dependencies", json_array());
	json_put_int(o, "dependencyCount", 0);
	put_files(a, o, NULL);
	json_put(o, "env", json_array());
	json_put(o, "datastores", json_array());
}

json_t *report_write(struct analysis *a, const struct services *s)
{
	json_t *o = json_object();

	if (s->len)
		put_main(a, o, s->v[0]);
	else
		put_unknown(a, o);
	json_put(o, "services", s->len > 1 ? write_services(a, s) : json_array());
	json_put(o, "confidence", confidence(s->len ? sureness(s) : 0));
	json_put(o, "evidence", s->len ? write_evidence(s->v[0]) : json_array());
	json_put(o, "runnersUp", write_runners_up(a, s->len ? s->v[0] : NULL));
	json_put_int(o, "filesScanned", (int64_t)a->tree.names);
	json_put_bool(o, "truncated", a->tree.truncated);
	return o;
}
