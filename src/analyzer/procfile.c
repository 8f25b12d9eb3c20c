#include "procfile.h"

#include "base/str.h"

/* The command of a process type; NULL when there is none that would run outside of the platform it was written for. */
static const char *process(struct analysis *a, const struct text *t, const char *type, size_t *ret_at)
{
	static const char *const elsewhere[] = { "heroku-php",      "heroku_output",
		                                     "bin/start-nginx", "target/universal/stage",
		                                     "bin/publish",     NULL };
	_cleanup_free_ char *pattern = xasprintf("^%s[ \\t]*:[ \\t]*([^\\r\\n]+)", type);
	struct regex_match m;
	char *command;
	size_t pos = 0;

	if (!t || !regex_next(a->regex, pattern, t->data, t->len, &pos, &m))
		return NULL;
	command = str_strip(regex_group(a->arena, &m, 1));
	for (size_t i = 0; elsewhere[i]; i++)
		if (str_contains(command, elsewhere[i]))
			return NULL;
	*ret_at = m.start;
	return command;
}

/* A command of several needs a shell inside of a program that starts one. */
static const char *wrapped(struct analysis *a, const struct candidate *c, const char *command)
{
	if (!c->wrap)
		return command;
	if (c->wrap_shell && strpbrk(command, "&|;$<>"))
		command = text_printf(a, "sh -c %s", shell_word(a, command));
	return text_printf(a, c->wrap, command);
}

/* "web: shop" of a Go program names the program that the platform built; ours is where the start command says. */
static const char *known_program(struct analysis *a, const struct candidate *c, const char *command)
{
	size_t n = strcspn(command, " ");
	const char *word = arena_strndup(a->arena, command, n);

	if (c->eco != ECO_GO || !c->start.line || !str_eq(path_base(word), path_base(c->start.line)))
		return command;
	return text_printf(a, "%s%s", c->start.line, command + n);
}

void procfile_apply(struct analysis *a, struct candidate *c)
{
	const struct text *t = tree_read_at(&a->tree, c->dir, "Procfile");
	const char *command;
	size_t at = 0;

	if (!t || c->eco == ECO_DOCKER || c->eco == ECO_COMPOSE || c->eco == ECO_PROCFILE || c->eco == ECO_SHELL ||
	    c->eco == ECO_STATIC)
		return;
	command = process(a, t, "web", &at);
	/* A bot or a worker has no web process. */
	if (!command && (c->library || !c->start.line))
		command = process(a, t, "(?:worker|app|bot)", &at);
	if (!command)
		return;
	candidate_why(a, c, t, at, "started by the Procfile: %s", command);
	command = known_program(a, c, command);
	/* Package managers' own commands find what they installed. */
	if (!(str_starts_with(command, "npm ") || str_starts_with(command, "yarn ") || str_starts_with(command, "pnpm ")))
		c->script = command;
	command_set(a, &c->start, c->dir, "%s", wrapped(a, c, command));
	c->server = true;
	c->static_dir = NULL;
	c->library = false;
	if (c->score < SCORE_PROGRAM)
		c->score = SCORE_PROGRAM;
	else
		c->score += 0.02;
}

static void detect_procfile(struct analysis *a, struct tree_dir *dir)
{
	const struct text *t = tree_read_at(&a->tree, dir, "Procfile");
	size_t at = 0;
	const char *command = process(a, t, "web", &at);
	struct candidate *c = command ? candidate_new(a, dir, ECO_PROCFILE, "shell", "shell", SCORE_SHELL + 0.01) : NULL;

	if (!c)
		return;
	candidate_because(a, c, t, at, "a Procfile");
	c->script = command;
	command_set(a, &c->start, dir, "%s", command);
}

const struct detector procfile_detector = { ECO_PROCFILE, "procfile", detect_procfile };
