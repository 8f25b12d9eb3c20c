/* Which files make a folder a project of an ecosystem. To teach the analyzer a new manifest, add a line. */

#include "analysis.h"

#include "base/map.h"
#include "base/str.h"

struct mark {
	const char *name;
	enum ecosystem eco;
};

static const struct mark manifests[] = {
	{ "package.json", ECO_NODE },
	{ "deno.json", ECO_DENO },
	{ "deno.jsonc", ECO_DENO },
	{ "requirements.txt", ECO_PYTHON },
	{ "pyproject.toml", ECO_PYTHON },
	{ "Pipfile", ECO_PYTHON },
	{ "environment.yml", ECO_PYTHON },
	{ "environment.yaml", ECO_PYTHON },
	{ "setup.py", ECO_PYTHON },
	{ "setup.cfg", ECO_PYTHON },
	{ "go.mod", ECO_GO },
	{ "Cargo.toml", ECO_RUST },
	{ "pom.xml", ECO_JVM },
	{ "build.gradle", ECO_JVM },
	{ "build.gradle.kts", ECO_JVM },
	{ "settings.gradle", ECO_JVM },
	{ "settings.gradle.kts", ECO_JVM },
	{ "Gemfile", ECO_RUBY },
	{ "config.ru", ECO_RUBY },
	{ "composer.json", ECO_PHP },
	{ "artisan", ECO_PHP },
	{ "mix.exs", ECO_ELIXIR },
	{ "CMakeLists.txt", ECO_NATIVE },
	{ "meson.build", ECO_NATIVE },
	{ "Makefile", ECO_NATIVE },
	{ "makefile", ECO_NATIVE },
	{ "GNUmakefile", ECO_NATIVE },
	{ "Dockerfile", ECO_DOCKER },
	{ "dockerfile", ECO_DOCKER },
	{ "Containerfile", ECO_DOCKER },
	{ "docker-compose.yml", ECO_COMPOSE },
	{ "docker-compose.yaml", ECO_COMPOSE },
	{ "compose.yml", ECO_COMPOSE },
	{ "compose.yaml", ECO_COMPOSE },
	{ "Procfile", ECO_PROCFILE },
	{ "hugo.toml", ECO_STATIC },
	{ "hugo.yaml", ECO_STATIC },
	{ "_config.yml", ECO_STATIC },
	{ "mkdocs.yml", ECO_STATIC },
	{ "book.toml", ECO_STATIC },
};

static const struct {
	const char *prefix, *suffix;
	enum ecosystem eco;
} patterns[] = {
	{ "", ".csproj", ECO_DOTNET },
	{ "", ".fsproj", ECO_DOTNET },
	{ "", ".vbproj", ECO_DOTNET },
	{ "requirements", ".txt", ECO_PYTHON },
};

/* Files that are often a program, where nobody wrote a manifest. */
static const struct mark programs[] = {
	{ "app.py", ECO_PYTHON },
	{ "main.py", ECO_PYTHON },
	{ "server.py", ECO_PYTHON },
	{ "wsgi.py", ECO_PYTHON },
	{ "run.py", ECO_PYTHON },
	{ "manage.py", ECO_PYTHON },
	{ "bot.py", ECO_PYTHON },
	{ "streamlit_app.py", ECO_PYTHON },
	{ "application.py", ECO_PYTHON },
	{ "server.js", ECO_NODE },
	{ "app.js", ECO_NODE },
	{ "index.js", ECO_NODE },
	{ "server.mjs", ECO_NODE },
	{ "index.mjs", ECO_NODE },
	{ "main.go", ECO_GO },
	{ "server.go", ECO_GO },
	{ "app.rb", ECO_RUBY },
	{ "server.rb", ECO_RUBY },
	{ "index.php", ECO_PHP },
	{ "main.c", ECO_NATIVE },
	{ "main.cpp", ECO_NATIVE },
	{ "main.cc", ECO_NATIVE },
	{ "server.c", ECO_NATIVE },
	{ "index.html", ECO_STATIC },
	{ "index.htm", ECO_STATIC },
	{ "start.sh", ECO_SHELL },
	{ "run.sh", ECO_SHELL },
	{ "server.sh", ECO_SHELL },
	{ "entrypoint.sh", ECO_SHELL },
	{ "main.sh", ECO_SHELL },
	{ "app.sh", ECO_SHELL },
	{ "serve.sh", ECO_SHELL },
	{ "main.ts", ECO_DENO },
	{ "server.ts", ECO_DENO },
	{ "mod.ts", ECO_DENO },
	{ "config.toml", ECO_STATIC },
};

static struct map *names_new(const struct mark *marks, size_t n)
{
	struct map *m = map_new(NULL);

	for (size_t i = 0; i < n; i++) {
		/* The map holds pointers to non-const; these are only read. */
		union {
			const struct mark *in;
			void *out;
		} mark = { &marks[i] };

		map_set(m, marks[i].name, mark.out);
	}
	return m;
}

static void mark_dir(struct tree_dir *dir, const struct map *strong, const struct map *weak)
{
	for (size_t i = 0; i < dir->files_len; i++) {
		const char *name = dir->files[i].name;
		const struct mark *m = map_get(strong, name);

		if (m)
			dir->marks |= ECO_BIT(m->eco);
		m = map_get(weak, name);
		if (m)
			dir->weak |= ECO_BIT(m->eco);
		for (size_t k = 0; k < ARRAY_SIZE(patterns); k++)
			if (str_starts_with(name, patterns[k].prefix) && str_ends_with(name, patterns[k].suffix))
				dir->marks |= ECO_BIT(patterns[k].eco);
	}
}

void ecosystem_mark(struct analysis *a)
{
	_cleanup_(map_freep) struct map *strong = names_new(manifests, ARRAY_SIZE(manifests));
	_cleanup_(map_freep) struct map *weak = names_new(programs, ARRAY_SIZE(programs));

	for (size_t i = 0; i < a->tree.dirs_len; i++)
		mark_dir(a->tree.dirs[i], strong, weak);
	/* Any script at the top may be what the repository is for. */
	a->tree.dirs[0]->weak |= ECO_BIT(ECO_SHELL);
}

struct tree_dir *ecosystem_owner(struct tree_dir *dir, unsigned mask)
{
	for (; dir; dir = dir->parent)
		if (dir->marks & mask)
			return dir;
	return NULL;
}
