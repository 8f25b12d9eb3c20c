/* How a Node package is installed, built and started. */

#include "node.h"

#include "base/str.h"

const char *node_script(const struct node_project *p, const char *name)
{
	const char *s = json_get_str(p->scripts, name);

	/* What npm init writes. */
	if (str_empty(s) || str_starts_with(s, "echo ") || str_contains(s, "no test specified"))
		return NULL;
	return s;
}

const char *node_entry(struct analysis *a, const struct node_project *p)
{
	static const char *const stems[] = {
		"server",   "index",        "app",           "main",       "src/server", "src/index", "src/app",
		"src/main", "server/index", "server/server", "server/app", "bin/www",    "lib/index", NULL
	};
	static const char *const suffixes[] = { ".js", ".ts", ".mjs", ".cjs", "" };
	const char *main = json_get_str(p->json, "main");
	struct tree_dir *at;

	if (!str_empty(main)) {
		main = str_starts_with(main, "./") ? main + 2 : main;
		if (tree_file_at(p->dir, main, &at))
			return main;
		main = text_printf(a, "%s.js", main);
		if (tree_file_at(p->dir, main, &at))
			return main;
	}
	for (size_t i = 0; stems[i]; i++) {
		for (size_t k = 0; k < ARRAY_SIZE(suffixes); k++) {
			const char *path = text_printf(a, "%s%s", stems[i], suffixes[k]);

			if (tree_file_at(p->dir, path, &at))
				return path;
		}
	}
	return NULL;
}

/* "npm run NAME" of the package manager. */
static const char *run(struct analysis *a, const struct node_project *p, const char *script)
{
	if (str_eq(script, "start") && !str_eq(p->manager.name, "bun"))
		return text_printf(a, "%s start", p->manager.name);
	return text_printf(a, "%s run %s", p->manager.name, shell_word(a, script));
}

/* A program of node_modules/.bin. */
static const char *exec(struct analysis *a, const struct node_project *p, const char *command)
{
	const char *with = str_eq(p->manager.name, "pnpm")   ? "pnpm exec"
	                   : str_eq(p->manager.name, "yarn") ? "yarn run"
	                   : str_eq(p->manager.name, "bun")  ? "bunx"
	                                                     : "npx";

	return text_printf(a, "%s %s", with, command);
}

static void set_install(struct analysis *a, struct candidate *c, const struct node_project *p)
{
	const struct node_manager *m = &p->manager;
	const char *command = "npm install";

	if (!c->deps && !m->locked && m->dir == p->dir)
		return;
	if (str_eq(m->name, "npm") && m->locked)
		command = "npm ci";
	else if (str_eq(m->name, "pnpm"))
		command = m->locked ? "pnpm install --frozen-lockfile" : "pnpm install";
	else if (str_eq(m->name, "yarn"))
		command = !m->locked ? "yarn install"
		          : m->berry ? "yarn install --immutable"
		                     : "yarn install --frozen-lockfile";
	else if (str_eq(m->name, "bun"))
		command = m->locked ? "bun install --frozen-lockfile" : "bun install";
	command_set(a, &c->install, m->dir, "%s", command);
}

static const char *first_script(const struct node_project *p, const char *const *names)
{
	for (size_t i = 0; names[i]; i++)
		if (node_script(p, names[i]))
			return names[i];
	return NULL;
}

/* start: what the start command comes down to, or NULL. */
static void set_build(struct analysis *a, struct candidate *c, const struct node_project *p, const char *start)
{
	static const char *const site_names[] = { "build", "build:prod", "build:production", "generate",
		                                      "prod",  "production", "bundle",           NULL };
	static const char *const server_names[] = { "build", "heroku-postbuild", "build:prod", "compile", NULL };
	const struct node_framework *f = p->framework;
	bool site = f && f->kind == NODE_SITE;
	const char *script = first_script(p, site ? site_names : server_names), *name = json_get_str(p->json, "name");

	if (script && p->manager.dir != p->dir && tree_file(p->manager.dir, "turbo.json") && !str_empty(name) &&
	    str_eq(script, "build"))
		/* Members of a workspace import each other: Turborepo builds what this one needs first. */
		command_set(a, &c->build, p->manager.dir, "%s",
		            exec(a, p, text_printf(a, "turbo run build --filter=%s", shell_word(a, name))));
	else if (script)
		command_set(a, &c->build, p->dir, "%s", run(a, p, script));
	else if (f && f->build && !(str_eq(f->framework, "nestjs") && !candidate_dep_find(c, "@nestjs/cli")))
		command_set(a, &c->build, p->dir, "%s", exec(a, p, f->build));
	else if (p->typescript && start && tree_file(p->dir, "tsconfig.json") &&
	         (str_contains(start, "dist/") || str_contains(start, "build/")))
		command_set(a, &c->build, p->dir, "%s", exec(a, p, "tsc"));
}

/* A script that watches the sources and starts again when they change: for developers. */
static bool for_developers(const char *script)
{
	static const char *const signs[] = { "nodemon",        "--watch",          "ts-node-dev", "tsnd",      "next dev",
		                                 "nuxt dev",       "vite dev",         "remix dev",   "astro dev", "tsx watch",
		                                 "strapi develop", "react-router dev", NULL };

	for (size_t i = 0; script && signs[i]; i++)
		if (str_contains(script, signs[i]))
			return true;
	return false;
}

/* The script that starts the package, or NULL. */
static const char *start_script(const struct node_project *p)
{
	static const char *const production[] = { "start:prod", "start:production", "prod", NULL };
	static const char *const others[] = { "serve", "start:server", "server", "start-server", NULL };
	const char *start = node_script(p, "start"), *better = first_script(p, production);
	bool full = p->framework && p->framework->kind == NODE_FULL;

	if (better && (!start || for_developers(start) || str_eq(p->framework ? p->framework->framework : NULL, "nestjs")))
		return better;
	/* A framework has a program of its own that is better than its development server. */
	if (start && !(full && for_developers(start) && p->framework->start))
		return "start";
	if (full)
		return NULL;
	/* "serve" also names programs that serve files. */
	better = first_script(p, others);
	return better && !str_starts_with(node_script(p, better), "vue-cli") ? better : NULL;
}

/* What a script comes down to: "npm run x" and "yarn x" are followed. */
static const char *resolve_script(struct analysis *a, const struct node_project *p, const char *name)
{
	const char *text = node_script(p, name), *all = text;

	for (int i = 0; text && i < 4; i++) {
		struct regex_match m;
		size_t pos = 0;

		if (!regex_next(a->regex, "(?:npm|yarn|pnpm|bun)(?: run)?(?: -s)? ([\\w:.-]+)", text, strlen(text), &pos, &m))
			break;
		text = node_script(p, regex_group(a->arena, &m, 1));
		if (text)
			all = text_printf(a, "%s ; %s", all, text);
	}
	return all;
}

static void start_entry(struct analysis *a, struct candidate *c, const struct node_project *p)
{
	const char *entry = node_entry(a, p), *main = json_get_str(p->json, "main");

	/* main names what the build will make. */
	if (!str_empty(main) &&
	    (str_starts_with(main, "dist/") || str_starts_with(main, "./dist/") || str_starts_with(main, "build/")) &&
	    c->build.line) {
		c->entry = entry;
		command_set(a, &c->start, p->dir, "node %s", shell_path(a, main));
		return;
	}
	if (!entry || str_ends_with(entry, ".d.ts"))
		return;
	c->entry = entry;
	if (str_eq(c->framework, "bun"))
		command_set(a, &c->start, p->dir, "bun run %s", shell_path(a, entry));
	else if (str_ends_with(entry, ".ts") && node_script(p, "dev"))
		command_set(a, &c->start, p->dir, "%s", run(a, p, "dev"));
	else if (str_ends_with(entry, ".ts"))
		command_set(a, &c->start, p->dir, "npx --yes tsx %s", shell_path(a, entry));
	else
		command_set(a, &c->start, p->dir, "node %s", shell_path(a, entry));
}

/* The file that a script starts with node, where it is in the repository. */
static const char *script_entry(struct analysis *a, const struct node_project *p, const char *script)
{
	static const char file[] =
		"(?:^|[\\s;&])(?:node|nodemon|ts-node|tsx|bun|bun run|babel-node)(?:\\s+-{1,2}[\\w=/.-]+)*\\s+"
		"(?:\\./)?([\\w./-]+)";
	struct regex_match m;
	size_t pos = 0;

	while (script && regex_next(a->regex, file, script, strlen(script), &pos, &m)) {
		const char *path = regex_group(a->arena, &m, 1);
		struct tree_dir *at;

		if (tree_file_at(p->dir, path, &at))
			return path;
		path = text_printf(a, "%s.js", path);
		if (tree_file_at(p->dir, path, &at))
			return path;
	}
	return NULL;
}

void node_commands(struct analysis *a, struct candidate *c, const struct node_project *p)
{
	const char *script = start_script(p);

	set_install(a, c, p);
	set_build(a, c, p, script ? resolve_script(a, p, script) : NULL);
	if (p->framework && (p->framework->kind == NODE_SITE || p->framework->kind == NODE_APP)) {
		c->script = node_script(p, "dev") ? node_script(p, "dev") : node_script(p, "start");
		return; /* node_output() */
	}
	if (script) {
		command_set(a, &c->start, p->dir, "%s", run(a, p, script));
		candidate_why(a, c, p->text, text_find(p->text, 0, text_printf(a, "\"%s\"", script)),
		              "started by script %s: %s", script, node_script(p, script));
		c->script = resolve_script(a, p, script);
		c->entry = script_entry(a, p, c->script);
		if (!c->entry)
			c->entry = script_entry(a, p, resolve_script(a, p, "dev"));
		if (!c->entry)
			c->entry = node_entry(a, p);
		return;
	}
	if (p->framework && p->framework->start) {
		command_set(a, &c->start, p->dir, "%s", exec(a, p, p->framework->start));
		c->script = node_script(p, "dev");
		return;
	}
	start_entry(a, c, p);
	script = !c->start.line && node_script(p, "dev") && !(p->framework && p->framework->kind == NODE_FULL) ? "dev"
	                                                                                                       : NULL;
	if (script && !c->library) {
		command_set(a, &c->start, p->dir, "%s", run(a, p, script));
		c->script = resolve_script(a, p, script);
		c->entry = script_entry(a, p, c->script);
	}
}
