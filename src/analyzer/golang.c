/* Go: go.mod, and which of the packages named main is the server. */

#include "manifest.h"
#include "sources.h"

#include "base/str.h"

#define MAINS_MAX 64
#define DIRS_LOOKED_AT 3000
#define FILES_A_DIR 12

struct go_framework {
	const char *module; /* without its version suffix */
	const char *framework;
	int port;
};

static const struct go_framework frameworks[] = {
	{ "github.com/gin-gonic/gin", "gin", 8080 },    { "github.com/labstack/echo", "echo", 1323 },
	{ "github.com/gofiber/fiber", "fiber", 3000 },  { "github.com/go-chi/chi", "chi", 8080 },
	{ "github.com/gorilla/mux", "go", 8080 },       { "github.com/julienschmidt/httprouter", "go", 8080 },
	{ "github.com/beego/beego", "go", 8080 },       { "github.com/astaxie/beego", "go", 8080 },
	{ "github.com/gobuffalo/buffalo", "go", 3000 }, { "github.com/kataras/iris", "go", 8080 },
	{ "github.com/revel/revel", "go", 9000 },       { "github.com/valyala/fasthttp", "go", 8080 },
	{ "google.golang.org/grpc", "go", 50051 },
};

struct go_main {
	struct tree_dir *dir;
	const struct text *text; /* the file with func main() */
	size_t at;
	int points;
};

static void read_mod(struct analysis *a, struct candidate *c, const struct text *t)
{
	static const char require[] =
		"^(?:require[ \\t]+|[ \\t]+)([\\w.~-]+\\.[\\w.-]+/[^\\s]+)[ \\t]+(v[^\\s]+)([ \\t]*//[ \\t]*indirect)?";
	struct regex_match m;
	size_t pos = 0;

	while (regex_next(a->regex, require, t->data, t->len, &pos, &m))
		if (!m.group[3])
			candidate_dep(a, c, regex_group(a->arena, &m, 1), regex_group(a->arena, &m, 2), false, t, m.start);
	pos = 0;
	if (regex_next(a->regex, "^go[ \\t]+([\\d.]+)", t->data, t->len, &pos, &m))
		c->runtime_version = regex_group(a->arena, &m, 1);
	pos = 0;
	if (regex_next(a->regex, "^module[ \\t]+\"?([^\\s\"]+)", t->data, t->len, &pos, &m)) {
		char *module = regex_group(a->arena, &m, 1);
		const char *base = path_base(module);

		/* example.org/shop/v2 is called shop. */
		if (base != module && base[0] == 'v' && base[1] >= '0' && base[1] <= '9' && strlen(base) < 4) {
			module[base - 1 - module] = '\0';
			base = path_base(module);
		}
		c->name = base;
	}
}

/* The file of the folder that has package main and func main(); ignored ones (//go:build ignore) do not count. */
static bool find_main(struct analysis *a, struct tree_dir *dir, struct go_main *ret)
{
	struct tree_file *preferred = tree_file(dir, "main.go");
	int looked = 0;

	for (size_t i = 0; i <= dir->files_len && looked < FILES_A_DIR; i++) {
		struct tree_file *f = i == 0 ? preferred : &dir->files[i - 1];
		const struct text *t;
		struct regex_match m;
		size_t pos = 0;

		if (!f || (i && f == preferred) || !str_ends_with(f->name, ".go") || str_ends_with(f->name, "_test.go"))
			continue;
		t = tree_read(&a->tree, dir, f);
		looked++;
		if (!t || regex_next(a->regex, "^//\\s*(?:go:build|\\+build)\\s+ignore", t->data, t->len, &pos, &m))
			continue;
		pos = 0;
		/* All files of a folder are one package. */
		if (!regex_next(a->regex, "^package\\s+main\\b", t->data, t->len, &pos, &m))
			return false;
		pos = 0;
		if (!regex_next(a->regex, "^func\\s+main\\s*\\(\\s*\\)", t->data, t->len, &pos, &m))
			continue;
		*ret = (struct go_main){ .dir = dir, .text = t, .at = m.start };
		return true;
	}
	return false;
}

/* Is the program a server, or a tool beside it? */
static int main_points(struct analysis *a, const struct tree_dir *module, const struct candidate *c,
                       const struct go_main *m)
{
	static const char listens[] = "ListenAndServe|\\.Run\\(|\\.Listen\\(|\\.Start\\(|net\\.Listen|http\\.Server\\{|\\."
								  "Serve\\(|NewServer|\\.Logger\\.Fatal";
	static const char *const good[] = { "server",  "api",   "web",     "app",       "http",
		                                "httpd",   "serve", "serverd", "apiserver", "backend",
		                                "service", "main",  "gateway", "rest",      NULL };
	static const char *const bad[] = { "cli",      "migrate",   "migration", "migrations", "seed", "seeder", "gen",
		                               "generate", "generator", "client",    "worker",     "tool", "tools",  "hack",
		                               "lambda",   "debug",     "loadtest",  "cron",       "ctl",  NULL };
	const char *name = m->dir == module ? c->name : m->dir->name;
	struct regex_match r;
	size_t pos = 0;
	int points = m->dir == module ? 30 : 0;

	if (regex_next(a->regex, listens, m->text->data, m->text->len, &pos, &r))
		points += 25;
	if (str_in(name, good) || str_eq(name, c->name))
		points += 15;
	if (str_in(name, bad) || str_ends_with(name, "ctl") || str_contains(name, "migrat"))
		points -= 20;
	if (m->dir->side && !module->side)
		points -= 40;
	return points - 2 * (int)(m->dir->depth - module->depth);
}

static void collect_mains(struct analysis *a, struct tree_dir *module, const struct candidate *c, struct go_main *best,
                          size_t *ret_count)
{
	struct tree_dir **queue = xmalloc(sizeof(struct tree_dir *) * DIRS_LOOKED_AT);
	size_t head = 0, tail = 0;

	queue[tail++] = module;
	while (head < tail && *ret_count < MAINS_MAX) {
		struct tree_dir *dir = queue[head++];
		struct go_main here;

		for (size_t i = 0; i < dir->dirs_len && tail < DIRS_LOOKED_AT; i++)
			if (!(dir->dirs[i]->marks & ECO_BIT(ECO_GO)))
				queue[tail++] = dir->dirs[i];
		if (!find_main(a, dir, &here))
			continue;
		here.points = main_points(a, module, c, &here);
		if (!*ret_count || here.points > best->points)
			*best = here;
		++*ret_count;
	}
	free(queue);
}

static const struct go_framework *choose(struct analysis *a, struct candidate *c)
{
	const struct source_list list = sources_find(a, c->dir, ECO_GO, SRC_GO, NULL, 150);
	const struct go_framework *listed = NULL;

	for (size_t i = 0; i < ARRAY_SIZE(frameworks); i++) {
		const struct dependency *d;

		for (d = c->deps; d && !str_starts_with(d->name, frameworks[i].module); d = d->next)
			;
		if (!d)
			continue;
		for (size_t k = 0; k < list.len; k++) {
			const struct text *t = source_text(a, &list.v[k]);
			size_t at = t ? text_find(t, 0, text_printf(a, "\"%s", frameworks[i].module)) : SIZE_MAX;

			if (at == SIZE_MAX)
				continue;
			candidate_because_at(a, c, d->file, d->line, "requires %s %s", d->name, d->version);
			candidate_why(a, c, t, at, "imports %s", frameworks[i].module);
			return &frameworks[i];
		}
		if (!listed)
			listed = &frameworks[i];
	}
	if (listed)
		c->why = text_printf(a, "requires %s, without importing it", listed->module);
	return NULL;
}

static void set_commands(struct analysis *a, struct candidate *c, struct tree_dir *dir, const struct go_main *m)
{
	const char *below = m->dir == dir ? "." : path_below(dir, m->dir->path);
	const char *name = m->dir == dir ? c->name : m->dir->name;
	const char *out = shell_word(a, text_printf(a, "bin/%s", str_empty(name) ? "app" : name));

	if (c->deps)
		command_set(a, &c->install, dir, "go mod download");
	command_set(a, &c->build, dir, "go build -o %s %s", out,
	            m->dir == dir ? "." : shell_word(a, text_printf(a, "./%s", below)));
	command_set(a, &c->start, dir, "./%s", out);
	c->entry = path_join(a, m->dir == dir ? "" : below, path_base(m->text->path));
}

/* A main.go without a go.mod: before modules, or a script. */
static void init_without_module(struct analysis *a, struct candidate *c, struct tree_dir *dir, const struct text *t)
{
	c->name = dir->path[0] ? dir->name : "app";
	candidate_because(a, c, t, SIZE_MAX, "a Go program without go.mod");
	command_set(a, &c->install, dir, "go mod init %s && go mod tidy", shell_word(a, c->name));
}

static void detect_go(struct analysis *a, struct tree_dir *dir)
{
	const struct text *t = tree_read_at(&a->tree, dir, "go.mod");
	const struct go_framework *f;
	struct go_main best = { 0 };
	struct candidate *c;
	struct command install;
	size_t mains = 0;

	if (!t && !find_main(a, dir, &best))
		return;
	c = candidate_new(a, dir, ECO_GO, "go", "go", SCORE_LIBRARY);
	if (!c)
		return;
	c->package_manager = "go";
	if (t) {
		candidate_because(a, c, t, SIZE_MAX, "a Go module");
		read_mod(a, c, t);
	} else {
		init_without_module(a, c, dir, best.text);
	}
	install = c->install;
	f = choose(a, c);
	collect_mains(a, dir, c, &best, &mains);
	if (!mains) {
		c->library = true;
		return;
	}
	candidate_why(a, c, best.text, best.at, "the program%s",
	              mains > 1 ? " (of several) that is most like a server" : "");
	set_commands(a, c, dir, &best);
	if (!t)
		c->install = install;
	c->score = SCORE_PROGRAM;
	if (f) {
		c->framework = f->framework;
		c->default_port = f->port;
		c->score = str_eq(f->framework, "go") ? SCORE_PROGRAM + 0.1 : SCORE_PROVEN;
	} else if (best.points >= 25) {
		c->score += 0.05;
	}
	if (best.dir->side && !dir->side)
		c->score = SCORE_LIBRARY + 0.1;
}

const struct detector golang_detector = { ECO_GO, "go", detect_go };
