/* PHP: composer.json, or pages without one. */

#include "candidate.h"
#include "manifest.h"

#include "base/str.h"

struct php_framework {
	const char *package, *framework;
	int port;
};

static const struct php_framework frameworks[] = {
	{ "laravel/framework", "laravel", 8000 },
	{ "laravel/lumen-framework", "laravel", 8000 },
	{ "symfony/framework-bundle", "symfony", 8000 },
	{ "symfony/symfony", "symfony", 8000 },
	{ "slim/slim", "php", 8080 },
	{ "codeigniter4/framework", "php", 8080 },
	{ "cakephp/cakephp", "php", 8765 },
	{ "yiisoft/yii2", "php", 8080 },
	{ "laminas/laminas-mvc", "php", 8080 },
	{ "drupal/core-recommended", "php", 8080 },
	{ "drupal/core", "php", 8080 },
};

static void add_deps(struct analysis *a, struct candidate *c, json_t *table, bool dev, const struct text *t)
{
	const char *name;
	json_t *v;

	json_object_foreach (table, name, v) {
		_cleanup_free_ char *quoted = xasprintf("\"%s\"", name);

		if (str_eq(name, "php") && !dev)
			c->runtime_version = json_string_value(v);
		else if (!str_starts_with(name, "ext-"))
			candidate_dep(a, c, name, json_string_value(v), dev, t, text_find(t, 0, quoted));
	}
}

/* Where index.php is: a folder of its own keeps the rest of the sources from being served. */
static const char *document_root(struct tree_dir *dir)
{
	static const char *const roots[] = { "public", "web",  "webroot", "public_html", "www",
		                                 "htdocs", "html", "docroot", "src",         NULL };
	struct tree_dir *at;

	for (size_t i = 0; roots[i]; i++) {
		at = tree_dir(dir, roots[i]);
		if (at && tree_file(at, "index.php"))
			return roots[i];
	}
	return tree_file(dir, "index.php") ? "." : NULL;
}

/* Assets that Vite or Webpack build. */
static const char *assets(struct analysis *a, struct tree_dir *dir)
{
	const struct text *t = tree_read_at(&a->tree, dir, "package.json");
	json_t *scripts = json_object_get(manifest_json(a, t), "scripts");
	const char *script = json_get_str(scripts, "build")        ? "build"
	                     : json_get_str(scripts, "production") ? "production"
	                                                           : NULL;

	if (!script)
		return NULL;
	return text_printf(a, "%s && npm run %s", tree_file(dir, "package-lock.json") ? "npm ci" : "npm install", script);
}

static void start_laravel(struct analysis *a, struct candidate *c, struct tree_dir *dir)
{
	const struct text *artisan = tree_read_at(&a->tree, dir, "artisan");
	const char *build = assets(a, dir), *key = NULL;

	if (!artisan) {
		c->library = true; /* a package for Laravel */
		c->score = SCORE_LIBRARY + 0.05;
		return;
	}
	candidate_why(a, c, artisan, SIZE_MAX, "Laravel's artisan");
	/* Without an .env and a key in it, every page is an error. */
	if (tree_file(dir, ".env.example") && !tree_file(dir, ".env"))
		key = "([ -f .env ] || { cp .env.example .env && php artisan key:generate --force; })";
	if (build || key)
		command_set(a, &c->build, dir, "%s%s%s", key ? key : "", key && build ? " && " : "", build ? build : "");
	c->entry = "artisan";
	command_set(a, &c->start, dir, "php artisan serve --host={host} --port={port}");
}

static void start_pages(struct analysis *a, struct candidate *c, struct tree_dir *dir, const char *root)
{
	const char *build = assets(a, dir);

	if (build)
		command_set(a, &c->build, dir, "%s", build);
	c->entry = path_join(a, root, "index.php");
	command_set(a, &c->start, dir, str_eq(root, ".") ? "php -S {host}:{port}" : "php -S {host}:{port} -t %s", root);
}

static const struct php_framework *choose(struct analysis *a, struct candidate *c)
{
	for (size_t i = 0; i < ARRAY_SIZE(frameworks); i++) {
		const struct dependency *d = candidate_dep_find(c, frameworks[i].package);

		if (!d || d->dev)
			continue;
		candidate_because_at(a, c, d->file, d->line, "requires %s%s%s", d->name, d->version ? " " : "",
		                     d->version ? d->version : "");
		return &frameworks[i];
	}
	return NULL;
}

/* A Symfony application may list its parts one by one. */
static bool looks_symfony(struct tree_dir *dir)
{
	struct tree_dir *at;

	return tree_file_at(dir, "bin/console", &at) && tree_file_at(dir, "config/bundles.php", &at);
}

static void detect_php(struct analysis *a, struct tree_dir *dir)
{
	const struct text *t = tree_read_at(&a->tree, dir, "composer.json"), *page;
	const char *root = document_root(dir);
	const struct php_framework *f = NULL;
	json_t *json = manifest_json(a, t);
	struct candidate *c;

	if (!t && !root && !tree_file(dir, "artisan"))
		return;
	c = candidate_new(a, dir, ECO_PHP, "php", "php", SCORE_LIBRARY);
	if (!c)
		return;
	c->default_port = 8000;
	page = root ? tree_read_at(&a->tree, dir, path_join(a, root, "index.php")) : NULL;
	if (t)
		candidate_because(a, c, t, SIZE_MAX, "a composer.json");
	if (page)
		candidate_because(a, c, page, SIZE_MAX, "PHP pages");
	if (!c->why)
		candidate_because_at(a, c, path_join(a, dir->path, root ? path_join(a, root, "index.php") : "artisan"), 1,
		                     "PHP");
	if (json) {
		c->package_manager = "composer";
		add_deps(a, c, json_object_get(json, "require"), false, t);
		add_deps(a, c, json_object_get(json, "require-dev"), true, t);
		if (c->deps || tree_file(dir, "composer.lock"))
			command_set(a, &c->install, dir, "composer install --no-interaction");
		if (json_get_str(json, "name"))
			c->name = path_base(json_get_str(json, "name"));
		f = choose(a, c);
	}
	if (f) {
		c->framework = f->framework;
		c->default_port = f->port;
		c->score = str_eq(f->framework, "php") ? SCORE_PROGRAM + 0.1 : SCORE_FRAMEWORK;
	} else if (looks_symfony(dir)) {
		c->framework = "symfony";
		c->score = SCORE_FRAMEWORK;
	} else if (root) {
		c->score = page && str_eq(root, ".") && !t ? SCORE_PROGRAM - 0.02 : SCORE_PROGRAM;
	}
	if (str_eq(c->framework, "laravel"))
		start_laravel(a, c, dir);
	else if (str_eq(c->framework, "symfony"))
		start_pages(a, c, dir, root ? root : "public");
	else if (root)
		start_pages(a, c, dir, root);
	if (!c->start.line) {
		c->library = true;
		c->score = c->score > SCORE_LIBRARY + 0.05 ? SCORE_LIBRARY + 0.05 : c->score;
	} else if (f && !str_eq(f->framework, "php")) {
		c->score += 0.05;
	}
}

const struct detector php_detector = { ECO_PHP, "php", detect_php };
