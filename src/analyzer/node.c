/* Node: package.json. Which framework is it, and is it a program at all? */

#include "node.h"

#include "sources.h"
#include "base/str.h"

#include <ctype.h>

#define PROOF_FILES 80

static void read_deps(struct analysis *a, struct candidate *c, const struct node_project *p)
{
	static const struct {
		const char *key;
		bool dev;
	} groups[] = { { "dependencies", false }, { "devDependencies", true }, { "optionalDependencies", false } };

	for (size_t i = 0; i < ARRAY_SIZE(groups); i++) {
		json_t *deps = json_object_get(p->json, groups[i].key);
		_cleanup_free_ char *quoted = xasprintf("\"%s\"", groups[i].key);
		size_t from = text_find(p->text, 0, quoted);
		const char *name;
		json_t *version;

		json_object_foreach (deps, name, version) {
			_cleanup_free_ char *key = xasprintf("\"%s\"", name);
			size_t at = from == SIZE_MAX ? from : text_find(p->text, from, key);

			candidate_dep(a, c, name, json_string_value(version), groups[i].dev, p->text, at);
		}
	}
}

/* The major version in "^3.2.1", "~2", ">=4", "3.x"; 0 when there is none. */
static int version_major(const char *version)
{
	while (version && *version && !isdigit((unsigned char)*version))
		version++;
	return version ? port_number(version, strlen(version)) : 0;
}

/* Does the code import the package? Notes where. */
static bool imports(struct analysis *a, struct candidate *c, const struct node_project *p, const char *package)
{
	const struct source_list list = sources_find(a, p->dir, ECO_NODE, SRC_JS, NULL, PROOF_FILES);
	_cleanup_free_ char *pattern = xasprintf(
		"(?:require\\(\\s*|\\bfrom\\s+|\\bimport\\s+|\\bimport\\(\\s*)['\"`]\\Q%s\\E['\"`]", package);

	for (size_t i = 0; i < list.len; i++) {
		const struct text *t = source_text(a, &list.v[i]);
		struct regex_match m;
		size_t pos = 0;

		if (t && regex_next(a->regex, pattern, t->data, t->len, &pos, &m)) {
			candidate_why(a, c, t, m.start, "imports %s", package);
			return true;
		}
	}
	return false;
}

static bool has_any(const struct tree_dir *dir, const char *const *names)
{
	for (size_t i = 0; names[i]; i++)
		if (tree_file(dir, names[i]) || tree_dir_at(dir, names[i]))
			return true;
	return false;
}

/* Some tools are also what a library is tested with, or what another framework builds its assets with. Their own
 * projects have these files. */
static bool looks_used(struct analysis *a, const struct node_project *p, const struct node_framework *f)
{
	static const char *const vite_files[] = { "index.html", "src/index.html", "app/index.html", "client/index.html",
		                                      NULL };
	static const char *const vite_configs[] = { "vite.config.ts", "vite.config.js", "vite.config.mjs",
		                                        "vite.config.mts", NULL };
	static const char *const next_files[] = {
		"pages", "app", "src/pages", "src/app", "next.config.js", "next.config.mjs", "next.config.ts", NULL
	};
	const struct text *config;
	struct tree_dir *at;

	if (str_eq(f->dep, "next"))
		return has_any(p->dir, next_files);
	if (!str_eq(f->dep, "vite"))
		return true;
	for (size_t i = 0; vite_files[i]; i++)
		if (tree_file_at(p->dir, vite_files[i], &at))
			return true;
	/* Without an index.html at its place, the configuration has to say where it is. */
	config = tree_read_any(&a->tree, p->dir, vite_configs);
	return config && (text_has(config, "root:") || text_has(config, "input"));
}

/* Does the command start this tool? */
static bool runs_tool(const char *command, const struct node_framework *f)
{
	static const char *const more[] = { "vite",   "webpack",     "ng serve",    "ng s",
		                                "parcel", "live-server", "http-server", NULL };
	size_t n = f->build ? strcspn(f->build, " ") : 0;

	if (n && memmem(command, strlen(command), f->build, n))
		return true;
	for (size_t i = 0; more[i]; i++)
		if (str_contains(command, more[i]))
			return true;
	return false;
}

static bool runs_node(const char *command)
{
	static const char *const programs[] = { "node ", "nodemon",    "ts-node",  "tsx ", "pm2",
		                                    "bun ",  "babel-node", "forever ", "tsnd", NULL };

	for (size_t i = 0; programs[i]; i++)
		if (str_contains(command, programs[i]))
			return true;
	return false;
}

/* One package.json for a server and the browser code it serves, or browser code with a server beside it? What "npm
 * start" does decides; without it, whether the code imports the server library. */
static bool server_wins(struct analysis *a, struct candidate *c, const struct node_project *p,
                        const struct node_framework *server, const struct node_framework *site)
{
	const char *start = node_script(p, "start");

	for (int i = 0; start && i < 3; i++) {
		const char *next;

		if (runs_node(start))
			return true;
		if (runs_tool(start, site))
			return false;
		next = str_after(start, "npm run ");
		start = next ? node_script(p, next) : NULL;
	}
	return imports(a, c, p, server->dep);
}

static const struct node_framework *choose(struct analysis *a, struct candidate *c, const struct node_project *p)
{
	const struct node_framework *server = NULL, *site = NULL, *app = NULL;

	for (const struct node_framework *f = node_frameworks; f->dep; f++) {
		const struct dependency *d = candidate_dep_find(c, f->dep);

		if (!d || (f->kind == NODE_SERVER && d->dev) || !looks_used(a, p, f))
			continue;
		if (f->kind == NODE_FULL)
			return f;
		if (f->kind == NODE_SERVER && (!server || (str_eq(f->dep, "express") && !imports(a, c, p, server->dep))))
			server = f;
		else if (f->kind == NODE_SITE && !site)
			site = f;
		else if (f->kind == NODE_APP && !app)
			app = f;
	}
	if (app && !server)
		return app;
	if (server && site)
		return server_wins(a, c, p, server, site) ? server : site;
	return server ? server : site;
}

static const char *bun_reason(struct analysis *a, const struct node_project *p, const struct text **ret, size_t *ret_at)
{
	const struct source_list list = sources_find(a, p->dir, ECO_NODE, SRC_JS, NULL, PROOF_FILES);
	const char *start = node_script(p, "start");

	for (size_t i = 0; i < list.len; i++) {
		const struct text *t = source_text(a, &list.v[i]);

		if (t && (*ret_at = text_find(t, 0, "Bun.serve(")) != SIZE_MAX) {
			*ret = t;
			return "serves with Bun.serve()";
		}
	}
	if (!start)
		start = node_script(p, "dev");
	if (str_eq(p->manager.name, "bun") && start && str_starts_with(start, "bun ")) {
		*ret = p->text;
		*ret_at = text_find(p->text, 0, "\"scripts\"");
		return "is started with bun";
	}
	return NULL;
}

/* A package without a framework: a program when a script or its code starts something, else a library. */
static void judge_plain(struct analysis *a, struct candidate *c, const struct node_project *p)
{
	static const char listens[] = "\\.listen\\(|createServer\\(|Bun\\.serve\\(|process\\.env\\.PORT";
	const char *entry = node_entry(a, p), *start = node_script(p, "start");
	const struct text *t = entry ? tree_read_at(&a->tree, p->dir, entry) : NULL;
	struct regex_match m;
	size_t pos = 0;

	c->score = start ? SCORE_PROGRAM : SCORE_LIBRARY;
	c->library = !start;
	if (node_is_workspace(a, p->dir)) {
		c->score = start ? SCORE_LIBRARY + 0.1 : SCORE_LIBRARY;
		candidate_why(a, c, p->text, text_find(p->text, 0, "\"workspaces\""), "is the root of a workspace");
	} else if (t && regex_next(a->regex, listens, t->data, t->len, &pos, &m)) {
		c->score = SCORE_PROGRAM + 0.05;
		c->library = false;
		candidate_why(a, c, t, m.start, "listens");
	}
	if (start)
		candidate_why(a, c, p->text, text_find(p->text, 0, "\"start\""), "script start: %s", start);
}

static void judge_framework(struct analysis *a, struct candidate *c, const struct node_project *p)
{
	const struct node_framework *f = p->framework;
	const struct dependency *d = candidate_dep_find(c, f->dep);
	bool plain = str_eq(f->framework, "node");

	c->framework = f->framework;
	c->server = f->kind == NODE_FULL || f->kind == NODE_SERVER;
	c->default_port = f->port;
	if (f->older && version_major(d->version) && version_major(d->version) < f->older)
		c->default_port = f->older_port;
	c->port_from_env = f->reads_port;
	c->score = f->kind == NODE_SITE ? SCORE_CLIENT : plain ? SCORE_PROGRAM + 0.1 : SCORE_FRAMEWORK;
	if (f->kind == NODE_SITE && str_eq(f->framework, "static"))
		c->score -= 0.1;
	if (f->kind == NODE_APP)
		c->score = SCORE_LIBRARY + 0.15;
	candidate_because(a, c, p->text, text_find(p->text, 0, text_printf(a, "\"%s\"", f->dep)), "depends on %s%s%s",
	                  f->dep, d->version ? " " : "", d->version ? d->version : "");
	if (f->kind == NODE_FULL)
		c->score += 0.03;
	else if (f->kind == NODE_SERVER && imports(a, c, p, f->dep))
		c->score += 0.05;
	else if (f->kind == NODE_SERVER && !node_script(p, "start") && !node_entry(a, p))
		c->score = SCORE_LIBRARY + 0.1;
}

static void runtime_version(struct analysis *a, struct candidate *c, const struct node_project *p)
{
	static const char *const files[] = { ".nvmrc", ".node-version", NULL };
	const char *version = json_str_at(p->json, "engines", "node", NULL);
	const struct text *t;

	if (!version)
		version = json_str_at(p->json, "volta", "node", NULL);
	for (struct tree_dir *dir = p->dir; dir && !version; dir = dir->parent) {
		t = tree_read_any(&a->tree, dir, files);
		if (t && t->len < 64) {
			version = str_strip(arena_strdup(a->arena, t->data));
			version = str_empty(version) ? NULL : version;
		}
	}
	c->runtime_version = version;
}

/* A JavaScript file that listens, with no package.json anywhere. */
static void detect_bare(struct analysis *a, struct tree_dir *dir)
{
	static const char *const names[] = { "server.js", "server.mjs", "app.js", "index.js", "index.mjs", NULL };
	static const char listens[] = "\\.listen\\(\\s*(?:\\w|process)|createServer\\(";
	struct node_project p = { .dir = dir };

	for (size_t i = 0; names[i]; i++) {
		const struct text *t = tree_read_at(&a->tree, dir, names[i]);
		struct regex_match m;
		struct candidate *c;
		size_t pos = 0;

		if (!t || !regex_next(a->regex, listens, t->data, t->len, &pos, &m))
			continue;
		c = candidate_new(a, dir, ECO_NODE, "node", "javascript", SCORE_PROGRAM);
		if (!c)
			return;
		candidate_because(a, c, t, m.start, "a program that listens");
		if (imports(a, c, &p, "express")) {
			c->framework = "express";
			command_set(a, &c->install, dir, "npm install express");
		}
		c->entry = names[i];
		command_set(a, &c->start, dir, "node %s", names[i]);
		return;
	}
}

static void detect_node(struct analysis *a, struct tree_dir *dir)
{
	const struct text *t = tree_read_at(&a->tree, dir, "package.json"), *at = NULL;
	struct node_project p = { .dir = dir, .text = t };
	struct candidate *c;
	size_t offset = 0;
	const char *why;

	if (!t) {
		detect_bare(a, dir);
		return;
	}
	c = candidate_new(a, dir, ECO_NODE, "node", "javascript", SCORE_LIBRARY);
	if (!c)
		return;
	candidate_because(a, c, t, SIZE_MAX, "a package.json");
	p.json = manifest_json(a, t);
	if (!json_is_object(p.json)) {
		candidate_why(a, c, t, SIZE_MAX, "this package.json is not valid JSON");
		c->library = true;
		return;
	}
	p.scripts = json_object_get(p.json, "scripts");
	p.manager = node_manager_find(a, dir);
	read_deps(a, c, &p);
	p.typescript = tree_file(dir, "tsconfig.json") || candidate_dep_find(c, "typescript");
	c->language = p.typescript ? "typescript" : "javascript";
	if (!str_empty(json_get_str(p.json, "name")))
		c->name = path_base(json_get_str(p.json, "name"));
	c->package_manager = p.manager.name;
	if (p.manager.evidence)
		candidate_why(a, c, p.manager.evidence, p.manager.offset, "is installed with %s", p.manager.name);
	p.framework = choose(a, c, &p);
	if (p.framework)
		judge_framework(a, c, &p);
	else
		judge_plain(a, c, &p);
	if (str_eq(c->framework, "node") && !node_is_workspace(a, dir) && (why = bun_reason(a, &p, &at, &offset))) {
		c->framework = "bun";
		c->default_port = 3000;
		if (c->score < SCORE_FRAMEWORK)
			c->score = SCORE_FRAMEWORK;
		c->library = false;
		candidate_because(a, c, at, offset, "%s", why);
	}
	runtime_version(a, c, &p);
	node_commands(a, c, &p);
	node_output(a, c, &p);
}

const struct detector node_detector = { ECO_NODE, "node", detect_node };
