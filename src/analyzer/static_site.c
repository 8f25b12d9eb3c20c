/* Files for a web server: an index.html, or a site that a generator builds. */

#include "candidate.h"
#include "manifest.h"

#include "base/str.h"

struct generator {
	const char *file;   /* its settings */
	const char *sign;   /* what the settings hold; NULL: the name is enough */
	const char *folder; /* a folder that goes with it; NULL: any */
	const char *name, *install, *build, *output;
	int port;
};

static const struct generator generators[] = {
	{ "hugo.toml", NULL, NULL, "Hugo", NULL, "hugo --minify", "public", 1313 },
	{ "hugo.yaml", NULL, NULL, "Hugo", NULL, "hugo --minify", "public", 1313 },
	{ "config.toml", "baseURL", NULL, "Hugo", NULL, "hugo --minify", "public", 1313 },
	{ "config.toml", "base_url", "content", "Zola", NULL, "zola build", "public", 1111 },
	{ "mkdocs.yml", NULL, NULL, "MkDocs", "python3 -m venv .venv && .venv/bin/pip install mkdocs",
	  ". .venv/bin/activate && mkdocs build", "site", 8000 },
	{ "book.toml", NULL, NULL, "mdBook", NULL, "mdbook build", "book", 3000 },
	{ "_config.yml", NULL, "_posts", "Jekyll", "gem install jekyll", "jekyll build", "_site", 4000 },
	{ "_config.yml", NULL, "_layouts", "Jekyll", "gem install jekyll", "jekyll build", "_site", 4000 },
};

/* Programs answer for what is at and below them; a page there is one of theirs. */
static const unsigned programs = ECO_BIT(ECO_NODE) | ECO_BIT(ECO_PYTHON) | ECO_BIT(ECO_GO) | ECO_BIT(ECO_RUST) |
                                 ECO_BIT(ECO_JVM) | ECO_BIT(ECO_RUBY) | ECO_BIT(ECO_PHP) | ECO_BIT(ECO_DOTNET) |
                                 ECO_BIT(ECO_ELIXIR) | ECO_BIT(ECO_DENO);

static struct candidate *site_new(struct analysis *a, struct tree_dir *dir, double score, const char *output)
{
	struct candidate *c = candidate_new(a, dir, ECO_STATIC, "static", "html", score);

	if (!c)
		return NULL;
	c->server = false;
	c->port_from_env = true;
	c->static_dir = output;
	/* From the top: "scia serve docs" says more than "cd docs && scia serve .". */
	if (str_eq(output, "."))
		command_set(a, &c->start, a->tree.dirs[0], "scia serve %s", dir->path[0] ? shell_path(a, dir->path) : ".");
	else
		command_set(a, &c->start, dir, "scia serve %s", shell_path(a, output));
	return c;
}

static bool detect_generator(struct analysis *a, struct tree_dir *dir)
{
	for (size_t i = 0; i < ARRAY_SIZE(generators); i++) {
		const struct generator *g = &generators[i];
		const struct text *t = tree_read_at(&a->tree, dir, g->file);
		struct candidate *c;

		if (!t || (g->sign && !text_has(t, g->sign)) || (g->folder && !tree_dir(dir, g->folder)))
			continue;
		/* A Gemfile says it better. */
		if (str_eq(g->name, "Jekyll") && tree_file(dir, "Gemfile"))
			return true;
		/* Beside a program, the site is its documentation. */
		c = site_new(a, dir, dir->marks & (programs | ECO_BIT(ECO_NATIVE)) ? SCORE_LIBRARY : SCORE_SITE + 0.1,
		             g->output);
		if (!c)
			return true;
		candidate_because(a, c, t, SIZE_MAX, "%s's settings", g->name);
		if (g->install)
			command_set(a, &c->install, dir, "%s", g->install);
		command_set(a, &c->build, dir, "%s", g->build);
		c->default_port = g->port;
		return true;
	}
	return false;
}

/* A folder above that is a site, or that has the same kind of page: its pages are this folder's. */
static bool below_site(const struct tree_dir *dir)
{
	for (dir = dir->parent; dir; dir = dir->parent)
		if ((dir->weak | dir->marks) & ECO_BIT(ECO_STATIC))
			return true;
	return false;
}

static void detect_static(struct analysis *a, struct tree_dir *dir)
{
	struct tree_dir *owner = ecosystem_owner(dir, programs);
	const struct text *t = tree_read_at(&a->tree, dir, "index.html");
	struct candidate *c;

	if (detect_generator(a, dir) || below_site(dir) || (owner && owner != dir))
		return;
	if (!t)
		t = tree_read_at(&a->tree, dir, "index.htm");
	if (!t)
		return;
	/* Beside a manifest, the page is probably a part of that program. */
	c = site_new(a, dir, owner ? SCORE_LIBRARY + 0.12 : SCORE_SITE, ".");
	if (!c)
		return;
	candidate_because(a, c, t, SIZE_MAX, "pages for a web server");
	if (str_eq(dir->name, "public") || str_eq(dir->name, "docs") || str_eq(dir->name, "site") ||
	    str_eq(dir->name, "www"))
		c->name = dir->parent && dir->parent->path[0] ? dir->parent->name : NULL;
}

const struct detector static_site_detector = { ECO_STATIC, "static", detect_static };
