/* Rust: Cargo.toml, workspaces, and which binary is the server. */

#include "manifest.h"
#include "sources.h"

#include "base/str.h"

struct rust_framework {
	const char *crate, *framework;
	int port;
	const char *wrap; /* how the port is given to it; NULL: the program says it */
};

static const struct rust_framework frameworks[] = {
	{ "axum", "axum", 3000 },
	{ "actix-web", "actix", 8080 },
	{ "rocket", "rocket", 8000, "ROCKET_ADDRESS={host} ROCKET_PORT={port} %s" },
	{ "loco-rs", "axum", 5150, "%s start --port {port}" },
	{ "leptos_axum", "axum", 3000 },
	{ "warp", "rust", 3030 },
	{ "poem", "rust", 3000 },
	{ "salvo", "rust", 5800 },
	{ "tide", "rust", 8080 },
	{ "gotham", "rust", 7878 },
	{ "tonic", "rust", 50051 },
	{ "hyper", "rust", 3000 },
};

static void add_deps(struct analysis *a, struct candidate *c, json_t *table, bool dev, const struct text *t)
{
	const char *name;
	json_t *v;

	json_object_foreach (table, name, v) {
		const char *version = json_is_object(v) ? json_get_str(v, "version") : json_string_value(v);
		const char *package = json_is_object(v) ? json_get_str(v, "package") : NULL;
		struct regex_match m;
		size_t pos = 0;
		_cleanup_free_ char *line = xasprintf("^(?:\\[dependencies\\.)?\"?\\Q%s\\E\\b", name);
		bool found = strlen(name) < 100 && regex_next(a->regex, line, t->data, t->len, &pos, &m);

		candidate_dep(a, c, package ? package : name, version, dev, t, found ? m.start : SIZE_MAX);
	}
}

/* The Cargo.toml above whose workspace dir is a member of: it has the lock file and the target folder. */
static struct tree_dir *workspace_root(struct analysis *a, struct tree_dir *dir)
{
	for (struct tree_dir *up = dir->parent; up; up = up->parent)
		if (json_object_get(manifest_toml(a, tree_read_at(&a->tree, up, "Cargo.toml")), "workspace"))
			return up;
	return dir;
}

/* Does the program listen, as opposed to being a tool beside the server? */
static bool listens(struct analysis *a, struct tree_dir *dir, const char *path)
{
	static const char pattern[] =
		"TcpListener|HttpServer|axum::|actix_web|rocket::|#\\[launch\\]|\\.serve\\(|\\.listen\\(|\\.bind\\(";
	const struct text *t = tree_read_at(&a->tree, dir, path);
	struct regex_match m;
	size_t pos = 0;

	return t && regex_next(a->regex, pattern, t->data, t->len, &pos, &m);
}

struct rust_binary {
	const char *name, *path;
	int points;
};

static void consider(struct analysis *a, struct tree_dir *dir, const char *package, const char *chosen,
                     const char *name, const char *path, struct rust_binary *best)
{
	struct rust_binary b = { .name = name, .path = path };
	struct tree_dir *at;

	if (!name || !tree_file_at(dir, path, &at))
		return;
	b.points = 1 + 8 * str_eq(name, chosen) + 4 * listens(a, dir, path) + 2 * str_eq(name, package) +
	           2 * (str_contains(name, "server") || str_contains(name, "api") || str_contains(name, "web"));
	if (b.points > best->points)
		*best = b;
}

/* [[bin]], src/main.rs, src/bin/NAME.rs, src/bin/NAME/main.rs. */
static struct rust_binary find_binary(struct analysis *a, struct tree_dir *dir, json_t *json)
{
	const char *package = json_str_at(json, "package", "name", NULL);
	const char *chosen = json_str_at(json, "package", "default-run", NULL);
	json_t *bins = json_object_get(json, "bin");
	struct tree_dir *bin = tree_dir_at(dir, "src/bin");
	struct rust_binary best = { 0 };
	bool main_renamed = false;

	for (size_t i = 0; i < json_array_size(bins); i++) {
		json_t *v = json_array_get(bins, i);
		const char *name = json_get_str(v, "name"), *path = json_get_str(v, "path");

		if (!path)
			path = text_printf(a, "src/bin/%s.rs", name ? name : "");
		if (!strchr(path, '/') || str_eq(path, "src/main.rs"))
			main_renamed |= str_eq(path, "src/main.rs");
		consider(a, dir, package, chosen, name, path, &best);
		if (!json_get_str(v, "path"))
			consider(a, dir, package, chosen, name, "src/main.rs", &best);
	}
	if (!main_renamed)
		consider(a, dir, package, chosen, package, "src/main.rs", &best);
	for (size_t i = 0; bin && i < bin->files_len; i++) {
		const char *file = bin->files[i].name;

		if (str_ends_with(file, ".rs"))
			consider(a, dir, package, chosen, arena_strndup(a->arena, file, strlen(file) - 3),
			         text_printf(a, "src/bin/%s", file), &best);
	}
	for (size_t i = 0; bin && i < bin->dirs_len; i++)
		consider(a, dir, package, chosen, bin->dirs[i]->name, text_printf(a, "src/bin/%s/main.rs", bin->dirs[i]->name),
		         &best);
	return best;
}

static const struct rust_framework *choose(struct analysis *a, struct candidate *c)
{
	for (size_t i = 0; i < ARRAY_SIZE(frameworks); i++) {
		const struct dependency *d = candidate_dep_find(c, frameworks[i].crate);

		if (!d || d->dev)
			continue;
		candidate_because_at(a, c, d->file, d->line, "depends on %s%s%s", d->name, d->version ? " " : "",
		                     d->version ? d->version : "");
		return &frameworks[i];
	}
	return NULL;
}

static void set_commands(struct analysis *a, struct candidate *c, struct tree_dir *dir, const char *package,
                         const struct rust_binary *b, const struct rust_framework *f)
{
	struct tree_dir *root = workspace_root(a, dir);
	const char *locked = tree_file(root, "Cargo.lock") ? " --locked" : "";
	const char *program = text_printf(a, "./target/release/%s", shell_word(a, b->name));
	const char *of = root == dir ? "" : text_printf(a, " --package %s", shell_word(a, package));

	command_set(a, &c->install, root, "cargo fetch%s", locked);
	command_set(a, &c->build, root, "cargo build --release%s%s --bin %s", locked, of, shell_word(a, b->name));
	/* Programs read templates and settings relative to their own folder. */
	if (root != dir) {
		const char *up = "";

		for (const struct tree_dir *d = dir; d != root; d = d->parent)
			up = text_printf(a, "../%s", up);
		program = text_printf(a, "%starget/release/%s", up, shell_word(a, b->name));
	}
	command_set(a, &c->start, dir, f && f->wrap ? f->wrap : "%s", program);
	c->entry = b->path;
}

static void detect_rust(struct analysis *a, struct tree_dir *dir)
{
	static const char *const toolchains[] = { "rust-toolchain.toml", "rust-toolchain", NULL };
	const struct text *t = tree_read_at(&a->tree, dir, "Cargo.toml"), *toolchain;
	json_t *json = manifest_toml(a, t);
	const char *package = json_str_at(json, "package", "name", NULL);
	const struct rust_framework *f;
	struct rust_binary binary;
	struct regex_match m;
	struct candidate *c;
	size_t pos = 0;

	/* A workspace without a package of its own: its members are looked at by themselves. */
	if (!t || (json && !package))
		return;
	c = candidate_new(a, dir, ECO_RUST, "rust", "rust", SCORE_LIBRARY);
	if (!c)
		return;
	c->package_manager = "cargo";
	candidate_because(a, c, t, SIZE_MAX, json ? "a Rust package" : "a Cargo.toml that is not valid TOML");
	c->library = true;
	if (!json)
		return;
	c->name = package;
	add_deps(a, c, json_object_get(json, "dependencies"), false, t);
	add_deps(a, c, json_object_get(json, "dev-dependencies"), true, t);
	c->runtime_version = json_str_at(json, "package", "rust-version", NULL);
	toolchain = tree_read_any(&a->tree, dir, toolchains);
	if (!c->runtime_version && toolchain &&
	    regex_next(a->regex, "(?:channel\\s*=\\s*\"|^)([\\w.-]+)\"?", toolchain->data, toolchain->len, &pos, &m))
		c->runtime_version = regex_group(a->arena, &m, 1);
	f = choose(a, c);
	binary = find_binary(a, dir, json);
	if (!binary.points)
		return;
	c->library = false;
	candidate_why(a, c, tree_read_at(&a->tree, dir, binary.path), 0, "the program %s", binary.name);
	set_commands(a, c, dir, package, &binary, f);
	c->score = SCORE_PROGRAM;
	if (!f)
		return;
	c->framework = f->framework;
	c->default_port = f->port;
	c->score = str_eq(f->framework, "rust") ? SCORE_PROGRAM + 0.1 : SCORE_FRAMEWORK + (binary.points >= 4 ? 0.05 : 0);
}

const struct detector rust_detector = { ECO_RUST, "rust", detect_rust };
