/* Deno: deno.json, or a TypeScript program that uses it. */

#include "candidate.h"
#include "manifest.h"
#include "sources.h"

#include "base/str.h"

static const char uses_deno[] =
	"\\bDeno\\.(?:serve|env|listen|args|readTextFile)\\b|https://deno\\.land/|from\\s+['\"]jsr:";

static const char *find_entry(struct tree_dir *dir)
{
	static const char *const names[] = { "main.ts",     "server.ts",     "app.ts",       "mod.ts",
		                                 "index.ts",    "main.tsx",      "main.js",      "server.js",
		                                 "src/main.ts", "src/server.ts", "src/index.ts", NULL };
	struct tree_dir *at;

	for (size_t i = 0; names[i]; i++)
		if (tree_file_at(dir, names[i], &at))
			return names[i];
	return NULL;
}

static void read_imports(struct analysis *a, struct candidate *c, json_t *imports, const struct text *t)
{
	const char *name;
	json_t *v;

	json_object_foreach (imports, name, v) {
		const char *from = json_string_value(v);

		if (from && (str_starts_with(from, "npm:") || str_starts_with(from, "jsr:") || str_starts_with(from, "https:")))
			candidate_dep(a, c, name, from, false, t, text_find(t, 0, name));
	}
}

static bool serves(struct analysis *a, struct tree_dir *dir, const char *entry)
{
	const struct text *t = tree_read_at(&a->tree, dir, entry);
	struct regex_match m;
	size_t pos = 0;

	return !str_eq(entry, "mod.ts") ||
	       (t && regex_next(a->regex, "\\bserve\\(|\\.listen\\(|Deno\\.listen", t->data, t->len, &pos, &m));
}

static void set_start(struct analysis *a, struct candidate *c, struct tree_dir *dir, json_t *tasks)
{
	static const char *const names[] = { "start", "serve", "server", "preview", "dev", NULL };
	const char *entry = find_entry(dir);

	c->entry = entry;
	if (json_get_str(tasks, "build"))
		command_set(a, &c->build, dir, "deno task build");
	else if (entry)
		command_set(a, &c->build, dir, "deno cache %s", shell_path(a, entry));
	for (size_t i = 0; names[i]; i++) {
		json_t *task = json_object_get(tasks, names[i]);
		const char *text = json_is_object(task) ? json_get_str(task, "command") : json_string_value(task);

		if (!text || (str_eq(names[i], "dev") && entry))
			continue;
		c->script = text;
		command_set(a, &c->start, dir, "deno task %s", names[i]);
		return;
	}
	/* mod.ts is what a library is imported by. */
	if (entry && serves(a, dir, entry))
		command_set(a, &c->start, dir, "deno run --allow-net --allow-env --allow-read %s", shell_path(a, entry));
}

static void detect_deno(struct analysis *a, struct tree_dir *dir)
{
	static const char *const names[] = { "deno.json", "deno.jsonc", NULL };
	const struct text *t = tree_read_any(&a->tree, dir, names), *program;
	const char *entry = find_entry(dir);
	struct regex_match m;
	struct candidate *c;
	json_t *json;
	size_t pos = 0;

	program = entry ? tree_read_at(&a->tree, dir, entry) : NULL;
	if (!t && (!program || !regex_next(a->regex, uses_deno, program->data, program->len, &pos, &m)))
		return;
	c = candidate_new(a, dir, ECO_DENO, "deno", "typescript", t ? SCORE_CLIENT : SCORE_PROGRAM);
	if (!c)
		return;
	c->package_manager = "deno";
	c->default_port = 8000;
	if (t)
		candidate_because(a, c, t, SIZE_MAX, "Deno's settings");
	else
		candidate_because(a, c, program, m.start, "uses Deno");
	json = manifest_json(a, t);
	read_imports(a, c, json_object_get(json, "imports"), t);
	set_start(a, c, dir, json_object_get(json, "tasks"));
	if (!c->start.line) {
		c->library = true;
		c->score = SCORE_LIBRARY;
	}
}

const struct detector deno_detector = { ECO_DENO, "deno", detect_deno };
