/* How a Python program is installed and started. Nothing is installed outside of the project: pip gets a virtual
 * environment in .venv, which most distributions insist on (PEP 668). */

#include "python.h"

#include "base/str.h"

static void set_install_pip(struct analysis *a, struct candidate *c, const struct python_project *p, const char *more)
{
	const char *what = p->requirements ? text_printf(a, "-r %s", shell_path(a, p->requirements)) : "";

	if (!p->requirements && (p->package || json_object_get(p->pyproject, "project")))
		what = p->package ? "." : "";
	/* A project table without a way to build it: its dependencies, one by one. */
	if (!what[0] && c->deps) {
		struct buf b = BUF_INIT(16 * 1024);

		for (const struct dependency *d = c->deps; d; d = d->next)
			if (!d->dev)
				buf_printf(&b, " %s", shell_word(a, text_printf(a, "%s%s", d->name, d->version ? d->version : "")));
		what = arena_strdup(a->arena, buf_str(&b) + (b.len > 0));
		buf_clear(&b);
	}
	if (!what[0] && !more[0] && p->framework)
		what = p->framework->dep;
	if (!what[0] && !more[0])
		return;
	command_set(a, &c->install, p->dir, "python3 -m venv .venv && .venv/bin/pip install %s%s%s", what,
	            what[0] && more[0] ? " " : "", more);
	c->wrap = ". .venv/bin/activate && %s";
	c->package_manager = "pip";
}

/* At or above the folder: of a workspace there is one. */
static bool has_lock(const struct tree_dir *dir, const char *name)
{
	for (; dir; dir = dir->parent)
		if (tree_file(dir, name))
			return true;
	return false;
}

static void set_install(struct analysis *a, struct candidate *c, const struct python_project *p, const char *more)
{
	static const struct {
		const char *manager, *lock, *locked, *unlocked, *wrap;
	} managers[] = {
		{ "uv", "uv.lock", "uv sync --frozen", "uv sync", "uv run %s" },
		{ "poetry", "poetry.lock", "poetry install --no-interaction --no-root",
		  "poetry install --no-interaction --no-root", "poetry run %s" },
		{ "pdm", "pdm.lock", "pdm sync", "pdm install", "pdm run %s" },
		{ "pipenv", "Pipfile.lock", "pipenv sync", "pipenv install", "pipenv run %s" },
		{ "conda", "environment.yml", "conda env create --prefix ./.conda --file environment.yml",
		  "conda env create --prefix ./.conda --file environment.yaml",
		  "conda run --no-capture-output --prefix ./.conda %s" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(managers); i++) {
		if (!str_eq(p->manager, managers[i].manager))
			continue;
		command_set(a, &c->install, p->dir, "%s",
		            has_lock(p->dir, managers[i].lock) ? managers[i].locked : managers[i].unlocked);
		c->wrap = managers[i].wrap;
		c->wrap_shell = true;
		return;
	}
	set_install_pip(a, c, p, more);
}

static void start(struct analysis *a, struct candidate *c, const struct python_project *p, const char *command)
{
	if (str_starts_with(command, "python ") && !c->wrap)
		command = text_printf(a, "python3%s", command + strlen("python"));
	command_set(a, &c->start, p->dir, c->wrap ? c->wrap : "%s", command);
}

/* A module's file that starts itself. */
static void start_file(struct analysis *a, struct candidate *c, const struct python_project *p, const char *path)
{
	c->entry = path;
	start(a, c, p, text_printf(a, "python %s", shell_path(a, path)));
}

static const char *option(struct analysis *a, const char *name, const char *chdir)
{
	return chdir[0] ? text_printf(a, "%s %s ", name, shell_path(a, chdir)) : "";
}

/* What "flask --app" takes: a file, a module, or a module and a name that Flask would not look for by itself. */
static const char *flask_target(struct analysis *a, const struct python_app *app)
{
	if (app->chdir[0])
		return shell_path(a, app->path);
	if (str_eq(app->object, "app") || str_eq(app->object, "create_app()"))
		return shell_word(a, app->module);
	return shell_word(a, text_printf(a, "%s:%s", app->module, app->object));
}

static void start_wsgi(struct analysis *a, struct candidate *c, const struct python_project *p,
                       const struct python_app *app)
{
	const char *target = shell_word(a, text_printf(a, "%s:%s", app->module, app->object));

	if (python_dep(c, "gunicorn"))
		start(a, c, p, text_printf(a, "gunicorn %s--bind {host}:{port} %s", option(a, "--chdir", app->chdir), target));
	else if (python_dep(c, "waitress"))
		start(a, c, p,
		      text_printf(a, "waitress-serve --listen={host}:{port} %s%s", app->factory ? "--call " : "",
		                  app->factory ? shell_word(a, text_printf(a, "%s:%.*s", app->module,
		                                                           (int)strlen(app->object) - 2, app->object))
		                               : target));
	else if (!str_eq(c->framework, "flask") || (app->runs_itself && app->main_does_more))
		start_file(a, c, p, app->path);
	else
		start(a, c, p, text_printf(a, "flask --app %s run --host {host} --port {port}", flask_target(a, app)));
}

static void start_asgi(struct analysis *a, struct candidate *c, const struct python_project *p,
                       const struct python_app *app)
{
	const char *object = app->object;

	if (!python_dep(c, "uvicorn") && python_dep(c, "hypercorn")) {
		start(a, c, p,
		      text_printf(a, "hypercorn --bind {host}:{port} %s",
		                  shell_word(a, text_printf(a, "%s:%s", app->module, object))));
		return;
	}
	if (app->runs_itself && !python_dep(c, "uvicorn") && !str_eq(c->framework, "fastapi")) {
		start_file(a, c, p, app->path);
		return;
	}
	/* Uvicorn takes a factory by its name. */
	if (app->factory)
		object = text_printf(a, "%.*s --factory", (int)strlen(object) - 2, object);
	start(a, c, p,
	      text_printf(a, "uvicorn %s%s:%s --host {host} --port {port}", option(a, "--app-dir", app->chdir),
	                  shell_word(a, app->module), object));
}

/* The folder of manage.py and the dotted module of the WSGI or ASGI application beside the settings. */
static const char *django_module(struct analysis *a, const struct tree_dir *dir, const struct text *manage,
                                 const char *kind)
{
	static const char settings[] =
		"DJANGO_SETTINGS_MODULE['\"]\\s*,\\s*(?:os\\.getenv\\([^,]*,\\s*)?['\"]([\\w.]+)['\"]";
	struct regex_match m;
	size_t pos = 0;
	char *package;

	if (regex_next(a->regex, settings, manage->data, manage->len, &pos, &m)) {
		/* shop.settings, shop.config.settings.local: the application is in one of the packages above. */
		for (package = regex_group(a->arena, &m, 1); strrchr(package, '.');) {
			struct tree_dir *at;
			char *path;

			*strrchr(package, '.') = '\0';
			path = arena_strdup(a->arena, package);
			for (char *s = path; *s; s++)
				*s = *s == '.' ? '/' : *s;
			at = tree_dir_at(dir, path);
			if (at && tree_file(at, text_printf(a, "%s.py", kind)))
				return text_printf(a, "%s.%s", package, kind);
		}
	}
	for (size_t i = 0; i < dir->dirs_len; i++)
		if (tree_file(dir->dirs[i], text_printf(a, "%s.py", kind)))
			return text_printf(a, "%s.%s", dir->dirs[i]->name, kind);
	return NULL;
}

static bool collects_static(struct analysis *a, const struct python_project *p)
{
	for (size_t i = 0; i < p->sources.len; i++) {
		const struct source *s = &p->sources.v[i];
		const struct text *t = str_starts_with(s->file->name, "settings") || str_eq(s->dir->name, "settings")
		                           ? source_text(a, s)
		                           : NULL;
		struct regex_match m;
		size_t pos = 0;

		if (t && regex_next(a->regex, "^\\s*STATIC_ROOT\\s*=", t->data, t->len, &pos, &m))
			return true;
	}
	return false;
}

static void start_django(struct analysis *a, struct candidate *c, const struct python_project *p)
{
	const struct source *manage = NULL;
	const char *path, *chdir, *wsgi, *asgi;
	const struct text *t;

	for (size_t i = 0; i < p->sources.len && !manage; i++)
		if (str_eq(p->sources.v[i].file->name, "manage.py"))
			manage = &p->sources.v[i];
	t = manage ? source_text(a, manage) : NULL;
	if (!t)
		return;
	chdir = path_below(p->dir, manage->dir->path);
	path = path_join(a, chdir, "manage.py");
	chdir = str_eq(chdir, ".") || manage->dir == p->dir ? "" : chdir;
	path = manage->dir == p->dir ? "manage.py" : path;
	c->entry = path;
	wsgi = django_module(a, manage->dir, t, "wsgi");
	asgi = django_module(a, manage->dir, t, "asgi");
	if (collects_static(a, p))
		command_set(a, &c->build, p->dir, c->wrap ? c->wrap : "%s",
		            text_printf(a, "python %s collectstatic --noinput", shell_path(a, path)));
	if (asgi && python_dep(c, "channels") && python_dep(c, "daphne"))
		start(a, c, p, text_printf(a, "daphne -b {host} -p {port} %s:application", asgi));
	else if (wsgi && python_dep(c, "gunicorn"))
		start(a, c, p,
		      text_printf(a, "gunicorn %s--bind {host}:{port} %s:application", option(a, "--chdir", chdir), wsgi));
	else if (asgi && python_dep(c, "uvicorn"))
		start(a, c, p,
		      text_printf(a, "uvicorn %s%s:application --host {host} --port {port}", option(a, "--app-dir", chdir),
		                  asgi));
	else
		start(a, c, p, text_printf(a, "python %s runserver {host}:{port}", shell_path(a, path)));
}

/* The page that is to be started: of several, the one at the top that sets the page up. */
static const char *streamlit_file(struct analysis *a, const struct python_project *p)
{
	static const char *const names[] = { "streamlit_app.py", "app.py",   "main.py", "Home.py",
		                                 "home.py",          "Hello.py", "Main.py", NULL };
	const char *first = NULL;

	for (size_t i = 0; names[i]; i++) {
		const struct text *t = tree_read_at(&a->tree, p->dir, names[i]);

		if (t && text_has(t, "streamlit"))
			return names[i];
	}
	for (size_t i = 0; i < p->sources.len; i++) {
		const struct source *s = &p->sources.v[i];
		const struct text *t = str_eq(s->dir->name, "pages") ? NULL : source_text(a, s);
		const char *path = path_join(a, s->dir == p->dir ? "" : path_below(p->dir, s->dir->path), s->file->name);

		if (!t || !text_has(t, "import streamlit"))
			continue;
		if (text_has(t, "set_page_config"))
			return path;
		if (!first)
			first = path;
	}
	return first;
}

static const char *installed_command(const struct python_project *p)
{
	json_t *scripts = json_at(p->pyproject, "project", "scripts", NULL);

	if (!scripts)
		scripts = json_at(p->pyproject, "tool", "poetry", "scripts", NULL);
	return json_object_size(scripts) ? json_object_iter_key(json_object_iter(scripts)) : NULL;
}

static void start_plain(struct analysis *a, struct candidate *c, const struct python_project *p,
                        const struct python_app *app)
{
	const struct text *t = NULL;
	const char *file = app ? app->path : python_main_file(a, p, &t), *command = installed_command(p);

	if (file) {
		start_file(a, c, p, file);
	} else if (command) {
		/* The command exists once the project itself is installed. */
		if (str_eq(p->manager, "poetry"))
			command_set(a, &c->install, p->dir, "poetry install --no-interaction");
		start(a, c, p, shell_word(a, command));
	} else if (c->name && c->framework && tree_dir(p->dir, c->name) &&
	           tree_file(tree_dir(p->dir, c->name), "__main__.py")) {
		start(a, c, p, text_printf(a, "python -m %s", shell_word(a, c->name)));
	}
}

void python_commands(struct analysis *a, struct candidate *c, const struct python_project *p,
                     const struct python_app *app)
{
	const char *f = c->framework, *file;
	bool fastapi = str_eq(f, "fastapi") && !python_dep(c, "uvicorn") && !python_dep(c, "hypercorn");

	set_install(a, c, p, fastapi ? "uvicorn" : "");
	if (app)
		c->entry = app->path;
	if (str_eq(f, "django")) {
		start_django(a, c, p);
	} else if (str_eq(f, "streamlit")) {
		file = streamlit_file(a, p);
		c->entry = file;
		if (file)
			start(a, c, p,
			      text_printf(a, "streamlit run %s --server.address {host} --server.port {port} --server.headless true",
			                  shell_path(a, file)));
	} else if (app && p->framework->asgi) {
		start_asgi(a, c, p, app);
	} else if (app && (str_eq(f, "flask") || python_dep(c, "gunicorn"))) {
		start_wsgi(a, c, p, app);
	} else {
		start_plain(a, c, p, app);
	}
	if (p->framework && str_eq(p->framework->dep, "chainlit") && c->entry)
		start(a, c, p, text_printf(a, "chainlit run %s --host {host} --port {port}", shell_path(a, c->entry)));
}
