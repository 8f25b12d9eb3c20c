/* What a framework's build writes, and how that is started: read from the framework's configuration. */

#include "node.h"

#include "base/str.h"

static const struct text *read_config(struct analysis *a, struct tree_dir *dir, const char *stem)
{
	static const char *const suffixes[] = { "js", "ts", "mjs", "mts", "cjs" };

	for (size_t i = 0; i < ARRAY_SIZE(suffixes); i++) {
		const struct text *t = tree_read_at(&a->tree, dir, text_printf(a, "%s.config.%s", stem, suffixes[i]));

		if (t)
			return t;
	}
	return NULL;
}

/* The group of the first match in a configuration file, with evidence; NULL when there is none. */
static const char *config_value(struct analysis *a, struct candidate *c, const struct text *t, const char *pattern,
                                const char *why)
{
	struct regex_match m;
	const char *value;
	size_t pos = 0;

	if (!t || !regex_next(a->regex, pattern, t->data, t->len, &pos, &m))
		return NULL;
	value = regex_group(a->arena, &m, 1);
	candidate_why(a, c, t, m.start, "%s %s", why, value);
	return value;
}

static void serve_files(struct analysis *a, struct candidate *c, const struct node_project *p, const char *output,
                        bool spa)
{
	if (str_starts_with(output, "./"))
		output += 2;
	if (output[0] && str_ends_with(output, "/"))
		output = arena_strndup(a->arena, output, strlen(output) - 1);
	c->server = false;
	c->port_from_env = true;
	c->static_dir = output;
	command_set(a, &c->start, p->dir, "scia serve %s%s", spa ? "--spa " : "", shell_path(a, output));
}

static void output_next(struct analysis *a, struct candidate *c, const struct node_project *p)
{
	const struct text *t = read_config(a, p->dir, "next");
	const char *mode = config_value(a, c, t, "\\boutput\\s*:\\s*['\"`](\\w+)['\"`]", "output:");

	if (str_eq(mode, "export"))
		serve_files(a, c, p, "out", false);
	else if (str_eq(mode, "standalone") && !node_script(p, "start"))
		command_set(a, &c->start, p->dir, "node .next/standalone/server.js");
}

static void output_nuxt(struct analysis *a, struct candidate *c, const struct node_project *p)
{
	const struct dependency *d = candidate_dep_find(c, p->framework->dep);
	bool nuxt2 = d->version &&
	             (str_contains(d->version, "2.") || str_eq(d->version, "^2") || str_eq(d->version, "2")) &&
	             !str_contains(d->version, "3.") && !str_contains(d->version, "4.");

	if (c->start.line)
		return;
	if (nuxt2)
		command_set(a, &c->start, p->dir, "npx nuxt start");
	else
		command_set(a, &c->start, p->dir, "node .output/server/index.mjs");
}

static void output_svelte(struct analysis *a, struct candidate *c, const struct node_project *p)
{
	const struct text *t = read_config(a, p->dir, "svelte");
	const char *adapter = config_value(a, c, t, "['\"]@sveltejs/adapter-(node|static)['\"]", "adapter");
	struct regex_match m;
	size_t pos = 0;

	if (str_eq(adapter, "static")) {
		bool spa = regex_next(a->regex, "fallback\\s*:\\s*['\"]", t->data, t->len, &pos, &m);
		const char *out = config_value(a, c, t, "\\bpages\\s*:\\s*['\"]([\\w./-]+)['\"]", "written to");

		serve_files(a, c, p, out ? out : "build", spa);
	} else if (str_eq(adapter, "node")) {
		c->port_from_env = true;
		c->default_port = 3000;
		if (!node_script(p, "start"))
			command_set(a, &c->start, p->dir, "node build");
	}
}

static void output_astro(struct analysis *a, struct candidate *c, const struct node_project *p)
{
	const struct text *t = read_config(a, p->dir, "astro");
	const char *mode = config_value(a, c, t, "\\boutput\\s*:\\s*['\"](server|hybrid)['\"]", "output:");
	const char *out;

	if (t && text_has(t, "@astrojs/node") && (mode || text_has(t, "standalone"))) {
		c->server = true;
		c->port_from_env = true;
		command_set(a, &c->start, p->dir, "HOST={host} PORT={port} node ./dist/server/entry.mjs");
		return;
	}
	out = config_value(a, c, t, "\\boutDir\\s*:\\s*['\"]([\\w./-]+)['\"]", "written to");
	serve_files(a, c, p, out ? out : "dist", false);
}

/* angular.json: projects.NAME.architect.build.options.outputPath, a path or {base, browser}; the newer builder puts the
 * browser's files into a folder below it. */
static void output_angular(struct analysis *a, struct candidate *c, const struct node_project *p)
{
	const struct text *t = tree_read_at(&a->tree, p->dir, "angular.json");
	json_t *json = manifest_json(a, t), *project, *path, *build;
	const char *name = json_get_str(json, "defaultProject"), *out = NULL, *builder;
	void *first = json_object_iter(json_object_get(json, "projects"));
	const json_t *said;

	if (!name && first)
		name = json_object_iter_key(first);
	project = name ? json_object_get(json_object_get(json, "projects"), name) : NULL;
	build = json_at(project, "architect", "build", NULL);
	if (!build)
		build = json_at(project, "targets", "build", NULL);
	path = json_at(build, "options", "outputPath", NULL);
	builder = json_get_str(build, "builder");
	out = json_is_object(path) ? json_get_str(path, "base") : json_string_value(path);
	if (!out)
		out = name ? text_printf(a, "dist/%s", name) : "dist";
	if (str_ends_with(out, "/"))
		out = arena_strndup(a->arena, out, strlen(out) - 1);
	/* The older builders ("browser", and "browser-esbuild") write to outputPath itself. */
	if (str_ends_with(builder, ":application")) {
		const char *browser = json_is_object(path) ? json_get_str(path, "browser") : "browser";

		out = path_join(a, out, browser ? browser : "browser");
	}
	said = json_at(project, "architect", "serve", "options", "port", NULL);
	if (json_is_integer(said))
		candidate_port(a, c, (int)json_int(said, 0), PORT_CONFIG, t, text_find(t, 0, "\"port\""), "angular.json");
	serve_files(a, c, p, out, true);
}

static void output_vite(struct analysis *a, struct candidate *c, const struct node_project *p)
{
	const struct text *t = read_config(a, p->dir, "vite");
	const char *out = config_value(a, c, t, "\\boutDir\\s*:\\s*['\"]([\\w./-]+)['\"]", "written to");
	const char *port = config_value(
		a, c, t, "\\bport\\s*:\\s*(?:[\\w.()\\s|?]*?(?:\\|\\||\\?\\?)\\s*)?['\"]?(\\d{2,5})", "port");

	if (port)
		candidate_port(a, c, port_number(port, strlen(port)), PORT_CONFIG, NULL, 0, NULL);
	if (str_eq(out, "..") || str_starts_with(out, "../"))
		out = NULL;
	serve_files(a, c, p, out ? out : p->framework->output, true);
}

/* Sites of plain files in a package that only has a program to look at them with. */
static void output_plain(struct analysis *a, struct candidate *c, const struct node_project *p)
{
	static const char *const dirs[] = { "public", "dist", "src", "app", "docs", NULL };
	const char *out = p->framework->output;

	if (node_script(p, "build") && !tree_file(p->dir, "index.html"))
		out = "dist";
	for (size_t i = 0; dirs[i] && !tree_file(p->dir, "index.html"); i++) {
		struct tree_dir *dir = tree_dir(p->dir, dirs[i]);

		if (dir && tree_file(dir, "index.html")) {
			out = dirs[i];
			break;
		}
	}
	serve_files(a, c, p, out, false);
}

/* VuePress and VitePress write below the folder of the documents, which the build command names. */
static const char *press_output(struct analysis *a, const struct node_project *p)
{
	const char *build = node_script(p, "build");
	struct regex_match m;
	size_t pos = 0;

	if (!build)
		build = node_script(p, "docs:build");
	if (build && regex_next(a->regex, "(?:vitepress|vuepress) build ([\\w./-]+)", build, strlen(build), &pos, &m))
		return path_join(a, regex_group(a->arena, &m, 1), p->framework->output);
	return p->framework->output;
}

void node_output(struct analysis *a, struct candidate *c, const struct node_project *p)
{
	static const struct {
		const char *dep;
		void (*output)(struct analysis *a, struct candidate *c, const struct node_project *p);
	} special[] = {
		{ "next", output_next },   { "nuxt", output_nuxt },
		{ "nuxt3", output_nuxt },  { "@sveltejs/kit", output_svelte },
		{ "astro", output_astro }, { "@angular/core", output_angular },
		{ "vite", output_vite },
	};
	const struct node_framework *f = p->framework;

	if (!f)
		return;
	for (size_t i = 0; i < ARRAY_SIZE(special); i++) {
		if (str_eq(f->dep, special[i].dep)) {
			special[i].output(a, c, p);
			return;
		}
	}
	if (f->kind != NODE_SITE)
		return;
	if (str_contains(f->output, "press/"))
		serve_files(a, c, p, press_output(a, p), false);
	else if (!f->build)
		output_plain(a, c, p);
	else
		serve_files(a, c, p, f->output, f->spa);
}
