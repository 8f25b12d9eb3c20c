/* Shell scripts that start something, where nothing better is known. */

#include "candidate.h"

#include "base/str.h"

static void detect_shell(struct analysis *a, struct tree_dir *dir)
{
	static const char *const names[] = { "start.sh", "run.sh",  "serve.sh",      "server.sh",
		                                 "app.sh",   "main.sh", "entrypoint.sh", NULL };
	const struct text *t = tree_read_any(&a->tree, dir, names);
	const char *shell = "sh", *name;
	struct candidate *c = t ? candidate_new(a, dir, ECO_SHELL, "shell", "shell", SCORE_SHELL) : NULL;

	if (!c)
		return;
	name = path_base(t->path);
	if (str_starts_with(t->data, "#!") && memmem(t->data, strcspn(t->data, "\n"), "bash", 4))
		shell = "bash";
	else if (str_starts_with(t->data, "#!") && memmem(t->data, strcspn(t->data, "\n"), "zsh", 3))
		shell = "zsh";
	c->entry = name;
	candidate_because(a, c, t, SIZE_MAX, "a script that starts something");
	command_set(a, &c->start, dir, "%s %s", shell, shell_path(a, name));
}

const struct detector shell_detector = { ECO_SHELL, "shell", detect_shell };
