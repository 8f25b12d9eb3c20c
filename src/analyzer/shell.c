/* Shell scripts that start something, where nothing better is known. */

#include "candidate.h"

#include "base/str.h"

#define SCRIPTS_READ 20

/* The name of a script's shell, as its first line says; NULL when it is no shell script. */
static const char *shell_of(const struct text *t)
{
	static const char *const shells[] = { "bash", "zsh", "dash", "ksh", "sh" };
	size_t line = strcspn(t->data, "\n");

	if (!str_starts_with(t->data, "#!"))
		return NULL;
	for (size_t i = 0; i < ARRAY_SIZE(shells); i++)
		if (memmem(t->data, line, shells[i], strlen(shells[i])))
			return shells[i];
	return NULL;
}

/* How much a script's name says that it starts something: negative when it says the opposite. */
static int name_points(const char *name)
{
	static const char *const good[] = { "server", "httpd", "serve", "start", "run", "web", "http", "main" };
	static const char *const bad[] = { "install", "build",  "test", "setup", "deploy",  "update", "config",
		                               "lint",    "clean",  "gen",  "rel",   "publish", "check",  "format",
		                               "backup",  "docker", "push", "hook",  "bench",   "ci",     "bootstrap" };

	for (size_t i = 0; i < ARRAY_SIZE(good); i++)
		if (str_contains(name, good[i]))
			return 2;
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
		if (str_contains(name, bad[i]))
			return -1;
	return 1;
}

/* At the top of a repository any script may be its program, also one without a suffix. */
static const struct text *find_script(struct analysis *a, struct tree_dir *dir)
{
	const struct text *best = NULL;
	int points = 0, looked = 0;

	for (size_t i = 0; i < dir->files_len && looked < SCRIPTS_READ; i++) {
		const char *name = dir->files[i].name;
		const struct text *t;

		if (name_points(name) <= points || (strchr(name, '.') && !str_ends_with(name, ".sh")))
			continue;
		t = tree_read(&a->tree, dir, &dir->files[i]);
		looked++;
		if (!t || !shell_of(t))
			continue;
		best = t;
		points = name_points(name);
	}
	return best;
}

static void detect_shell(struct analysis *a, struct tree_dir *dir)
{
	static const char *const names[] = { "start.sh", "run.sh",  "serve.sh",      "server.sh",
		                                 "app.sh",   "main.sh", "entrypoint.sh", NULL };
	const struct text *t = tree_read_any(&a->tree, dir, names);
	bool named = t != NULL;
	const char *shell, *name;
	struct candidate *c;

	if (!t && !dir->parent)
		t = find_script(a, dir);
	c = t ? candidate_new(a, dir, ECO_SHELL, "shell", "shell", named ? SCORE_SHELL : SCORE_SHELL - 0.03) : NULL;
	if (!c)
		return;
	name = path_base(t->path);
	shell = shell_of(t);
	c->entry = name;
	candidate_because(a, c, t, SIZE_MAX, named ? "a script that starts something" : "a script");
	command_set(a, &c->start, dir, "%s %s", shell ? shell : "sh", shell_path(a, name));
}

const struct detector shell_detector = { ECO_SHELL, "shell", detect_shell };
