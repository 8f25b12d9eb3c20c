/* Elixir: mix.exs. */

#include "candidate.h"

#include "base/str.h"

static void read_deps(struct analysis *a, struct candidate *c, const struct text *t)
{
	static const char dep[] = "\\{\\s*:(\\w+)\\s*,\\s*(?:\"([^\"]*)\")?([^}]*)\\}";
	size_t pos = text_find(t, 0, "deps do"), begin;
	struct regex_match m;

	begin = pos;
	pos = begin == SIZE_MAX ? 0 : begin;
	while (regex_next(a->regex, dep, t->data, t->len, &pos, &m)) {
		bool dev = m.group[3] &&
		           (memmem(m.group[3], m.len[3], ":dev", 4) || memmem(m.group[3], m.len[3], ":test", 5)) &&
		           memmem(m.group[3], m.len[3], "only:", 5);

		candidate_dep(a, c, regex_group(a->arena, &m, 1), regex_group(a->arena, &m, 2), dev, t, m.start);
	}
}

static void detect_elixir(struct analysis *a, struct tree_dir *dir)
{
	const struct text *t = tree_read_at(&a->tree, dir, "mix.exs");
	struct candidate *c = t ? candidate_new(a, dir, ECO_ELIXIR, "elixir", "elixir", SCORE_LIBRARY) : NULL;
	const struct dependency *phoenix, *server;
	struct regex_match m;
	size_t pos = 0;
	bool umbrella, starts;

	if (!c)
		return;
	c->package_manager = "mix";
	candidate_because(a, c, t, SIZE_MAX, "a Mix project");
	read_deps(a, c, t);
	if (regex_next(a->regex, "\\belixir:\\s*\"([^\"]+)\"", t->data, t->len, &pos, &m))
		c->runtime_version = regex_group(a->arena, &m, 1);
	pos = 0;
	if (regex_next(a->regex, "\\bapp:\\s*:(\\w+)", t->data, t->len, &pos, &m))
		c->name = regex_group(a->arena, &m, 1);
	pos = 0;
	umbrella = text_has(t, "apps_path");
	starts = regex_next(a->regex, "\\bmod:\\s*\\{", t->data, t->len, &pos, &m);
	phoenix = candidate_dep_find(c, "phoenix");
	server = candidate_dep_find(c, "plug_cowboy");
	if (!server)
		server = candidate_dep_find(c, "bandit");
	command_set(a, &c->install, dir, "mix local.hex --force && mix local.rebar --force && mix deps.get");
	command_set(a, &c->build, dir, "mix compile");
	if ((phoenix && starts) ||
	    (umbrella && tree_dir(dir, "apps") && tree_file(dir, "mix.lock") && tree_dir(dir, "config"))) {
		const struct text *lock = tree_read_at(&a->tree, dir, "mix.lock");

		if (phoenix)
			candidate_because_at(a, c, phoenix->file, phoenix->line, "depends on phoenix%s%s",
			                     phoenix->version ? " " : "", phoenix->version ? phoenix->version : "");
		else if (lock && text_has(lock, "\"phoenix\""))
			candidate_because(a, c, lock, text_find(lock, 0, "\"phoenix\""), "an umbrella with Phoenix");
		if (phoenix || (lock && text_has(lock, "\"phoenix\""))) {
			c->framework = "phoenix";
			c->default_port = 4000;
			c->score = SCORE_PROVEN;
			command_set(a, &c->start, dir, "mix phx.server");
			return;
		}
	}
	c->library = !starts && !umbrella;
	c->score = starts ? SCORE_PROGRAM + (server ? 0.1 : 0) : umbrella ? SCORE_PROGRAM : SCORE_LIBRARY;
	c->default_port = server ? 4000 : 0;
	if (starts)
		candidate_why(a, c, t, m.start, "starts an application");
	if (!c->library)
		command_set(a, &c->start, dir, "mix run --no-halt");
}

const struct detector elixir_detector = { ECO_ELIXIR, "elixir", detect_elixir };
