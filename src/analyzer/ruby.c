/* Ruby: Gemfile and config.ru. */

#include "candidate.h"
#include "sources.h"

#include "base/str.h"

struct ruby_framework {
	const char *gem, *framework;
	int port;
};

static const struct ruby_framework frameworks[] = {
	{ "rails", "rails", 3000 },   { "railties", "rails", 3000 },      { "sinatra", "sinatra", 4567 },
	{ "jekyll", "static", 4000 }, { "github-pages", "static", 4000 }, { "middleman", "static", 4567 },
	{ "nanoc", "static", 3000 },  { "bridgetown", "static", 4000 },   { "hanami", "rack", 2300 },
	{ "grape", "rack", 9292 },    { "roda", "rack", 9292 },           { "cuba", "rack", 9292 },
	{ "padrino", "rack", 3000 },  { "rack", "rack", 9292 },
};

static void read_gemfile(struct analysis *a, struct candidate *c, const struct text *t)
{
	static const char gem[] =
		"^([ \\t]*)gem[ \\t]*\\(?[ \\t]*['\"]([\\w.-]+)['\"](?:[ \\t]*,[ \\t]*['\"]([^'\"]+)['\"])?";
	static const char group[] = "^[ \\t]*group[^\\n]*:(?:development|test)[^\\n]*\\bdo\\b";
	struct regex_match m, g;
	size_t pos = 0;

	while (regex_next(a->regex, gem, t->data, t->len, &pos, &m)) {
		size_t from = 0, begin = SIZE_MAX;
		bool dev = false;

		/* Indented below a group that only developers need. */
		while (m.len[1] && regex_next(a->regex, group, t->data, m.start, &from, &g))
			begin = g.end;
		if (begin != SIZE_MAX) {
			from = begin;
			dev = !regex_next(a->regex, "^end\\b", t->data, m.start, &from, &g);
		}
		candidate_dep(a, c, regex_group(a->arena, &m, 2), regex_group(a->arena, &m, 3), dev, t, m.start);
	}
	pos = 0;
	if (regex_next(a->regex, "^\\s*ruby\\s+['\"]([^'\"]+)['\"]", t->data, t->len, &pos, &m))
		c->runtime_version = regex_group(a->arena, &m, 1);
}

static void read_version(struct analysis *a, struct candidate *c, struct tree_dir *dir)
{
	const struct text *t = tree_read_at(&a->tree, dir, ".ruby-version");

	if (c->runtime_version || !t || t->len > 40)
		return;
	c->runtime_version = str_strip(arena_strdup(a->arena, t->data));
	if (str_starts_with(c->runtime_version, "ruby-"))
		c->runtime_version += strlen("ruby-");
}

/* The file of a program without config.ru: the one that requires the library. */
static const char *program_file(struct analysis *a, struct tree_dir *dir, const char *library, const struct text **ret)
{
	const struct source_list list = sources_find(a, dir, ECO_RUBY, SRC_RUBY, NULL, 60);
	static const char *const names[] = {
		"app.rb", "server.rb", "main.rb", "web.rb", "application.rb", "config.ru", NULL
	};
	_cleanup_free_ char *pattern = xasprintf("^\\s*require\\s+['\"]\\Q%s\\E(?:/\\w+)?['\"]", library);

	for (size_t i = 0; i < list.len; i++) {
		const struct text *t = source_text(a, &list.v[i]);
		struct regex_match m;
		size_t pos = 0;

		if (!t || list.v[i].dir != dir || str_ends_with(list.v[i].file->name, ".ru") ||
		    !regex_next(a->regex, pattern, t->data, t->len, &pos, &m))
			continue;
		*ret = t;
		return list.v[i].file->name;
	}
	for (size_t i = 0; names[i]; i++) {
		*ret = tree_read_at(&a->tree, dir, names[i]);
		if (*ret)
			return names[i];
	}
	return NULL;
}

static void start_rails(struct analysis *a, struct candidate *c, struct tree_dir *dir)
{
	const struct text *t = tree_read_at(&a->tree, dir, "config/application.rb");
	const struct text *package = tree_read_at(&a->tree, dir, "package.json");

	if (t)
		candidate_why(a, c, t, SIZE_MAX, "Rails' config/application.rb");
	else
		c->score = SCORE_LIBRARY + 0.1; /* a gem that works with Rails */
	c->entry = "config/puma.rb";
	if (package && text_has(package, "\"build\""))
		command_set(a, &c->build, dir,
		            tree_file(dir, "yarn.lock") ? "yarn install && yarn build" : "npm install && npm run build");
	command_set(a, &c->start, dir, "bundle exec rails server -b {host} -p {port}");
}

static void start_static(struct analysis *a, struct candidate *c, struct tree_dir *dir, const char *gem)
{
	const bool jekyll = str_eq(gem, "jekyll") || str_eq(gem, "github-pages");

	c->server = false;
	c->static_dir = jekyll ? "_site" : str_eq(gem, "middleman") ? "build" : "output";
	c->port_from_env = true;
	command_set(a, &c->build, dir, "bundle exec %s",
	            jekyll                     ? "jekyll build"
	            : str_eq(gem, "middleman") ? "middleman build"
	            : str_eq(gem, "nanoc")     ? "nanoc"
	                                       : "bridgetown build");
	command_set(a, &c->start, dir, "scia serve %s", c->static_dir);
	/* A theme is a gem too; a site has its settings. */
	if (jekyll && !tree_file(dir, "_config.yml") && !tree_file(dir, "index.md") && !tree_file(dir, "index.html"))
		c->score = SCORE_LIBRARY;
}

static void start_program(struct analysis *a, struct candidate *c, struct tree_dir *dir)
{
	const struct text *t = NULL;
	const char *file = program_file(a, dir, str_eq(c->framework, "sinatra") ? "sinatra" : "rack", &t);

	if (str_eq(c->framework, "sinatra") && t)
		candidate_why(a, c, t, SIZE_MAX, "the program");
	if (file)
		c->entry = file;
	if (tree_file(dir, "config.ru")) {
		c->default_port = 9292; /* rackup's, whatever the framework's is */
		command_set(a, &c->start, dir, "bundle exec rackup -o {host} -p {port}");
	} else if (file && str_eq(c->framework, "sinatra"))
		command_set(a, &c->start, dir, "bundle exec ruby %s -o {host} -p {port}", shell_path(a, file));
	else if (file)
		command_set(a, &c->start, dir, "%sruby %s", c->deps ? "bundle exec " : "", shell_path(a, file));
	c->library = !c->start.line;
}

static const struct ruby_framework *choose(struct candidate *c)
{
	for (size_t i = 0; i < ARRAY_SIZE(frameworks); i++) {
		const struct dependency *d = candidate_dep_find(c, frameworks[i].gem);

		if (d && (!d->dev || str_eq(frameworks[i].framework, "rails")))
			return &frameworks[i];
	}
	return NULL;
}

/* Without a Gemfile: a Sinatra program of one file, or a config.ru. */
static void detect_bare(struct analysis *a, struct candidate *c, struct tree_dir *dir)
{
	const struct text *t = NULL;
	const char *file = program_file(a, dir, "sinatra", &t);

	c->package_manager = NULL;
	if (file && t && text_has(t, "sinatra")) {
		c->framework = "sinatra";
		c->default_port = 4567;
		c->score = SCORE_CLIENT;
		candidate_because(a, c, t, text_find(t, 0, "sinatra"), "requires sinatra");
		command_set(a, &c->install, dir, "gem install sinatra puma rackup");
		c->entry = file;
		command_set(a, &c->start, dir, "ruby %s -o {host} -p {port}", shell_path(a, file));
	} else if (tree_file(dir, "config.ru")) {
		c->framework = "rack";
		c->default_port = 9292;
		c->score = SCORE_PROGRAM;
		command_set(a, &c->start, dir, "rackup -o {host} -p {port}");
	} else if (file) {
		c->score = SCORE_PROGRAM - 0.1;
		c->entry = file;
		command_set(a, &c->start, dir, "ruby %s", shell_path(a, file));
	}
}

static void detect_ruby(struct analysis *a, struct tree_dir *dir)
{
	const struct text *t = tree_read_at(&a->tree, dir, "Gemfile"), *first;
	const struct ruby_framework *f;
	struct candidate *c = candidate_new(a, dir, ECO_RUBY, "ruby", "ruby", SCORE_LIBRARY);
	const struct dependency *d;

	if (!c)
		return;
	first = t ? t : tree_read_at(&a->tree, dir, "config.ru");
	candidate_because_at(a, c, first ? first->path : path_join(a, dir->path, "app.rb"), 1,
	                     t ? "a Gemfile" : "Ruby sources");
	if (!t) {
		detect_bare(a, c, dir);
		read_version(a, c, dir);
		return;
	}
	c->package_manager = "bundler";
	read_gemfile(a, c, t);
	read_version(a, c, dir);
	command_set(a, &c->install, dir, "bundle install");
	f = choose(c);
	if (!f) {
		if (tree_file(dir, "config.ru")) {
			c->framework = "rack";
			c->default_port = 9292;
		}
		start_program(a, c, dir);
		c->score = c->library ? SCORE_LIBRARY : tree_file(dir, "config.ru") ? SCORE_CLIENT : SCORE_PROGRAM - 0.1;
		return;
	}
	d = candidate_dep_find(c, f->gem);
	candidate_because_at(a, c, d->file, d->line, "needs the gem %s%s%s", d->name, d->version ? " " : "",
	                     d->version ? d->version : "");
	c->framework = f->framework;
	c->default_port = f->port;
	c->score = str_eq(f->framework, "static") ? SCORE_PROGRAM : SCORE_PROVEN;
	if (str_eq(f->framework, "rails"))
		start_rails(a, c, dir);
	else if (str_eq(f->framework, "static"))
		start_static(a, c, dir, f->gem);
	else
		start_program(a, c, dir);
	if (c->library)
		c->score = SCORE_LIBRARY;
}

const struct detector ruby_detector = { ECO_RUBY, "ruby", detect_ruby };
