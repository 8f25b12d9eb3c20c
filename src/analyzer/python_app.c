/* Where is the application in the code? "main:app" for gunicorn and uvicorn, or the file that python starts. */

#include "python.h"

#include "base/str.h"

const struct python_framework python_frameworks[] = {
	/* dep, framework, module, application object, port, asgi */
	{ "django", "django", "django", NULL, 8000, false },
	{ "fastapi", "fastapi", "fastapi",
	  "^([A-Za-z_]\\w*)\\s*(?::\\s*[\\w.\\[\\]\"]+\\s*)?=\\s*(?:fastapi\\.)?FastAPI\\(", 8000, true },
	{ "flask", "flask", "flask",
	  "^([A-Za-z_]\\w*)\\s*(?::\\s*[\\w.]+\\s*)?=\\s*(?:flask\\.)?(?:Flask|APIFlask|OpenAPI)\\(", 5000, false },
	{ "apiflask", "flask", "apiflask", "^([A-Za-z_]\\w*)\\s*=\\s*APIFlask\\(", 5000, false },
	{ "streamlit", "streamlit", "streamlit", NULL, 8501, false },
	{ "quart", "python", "quart", "^([A-Za-z_]\\w*)\\s*=\\s*Quart\\(", 5000, true },
	{ "litestar", "python", "litestar", "^([A-Za-z_]\\w*)\\s*(?::\\s*\\w+\\s*)?=\\s*Litestar\\(", 8000, true },
	{ "starlette", "python", "starlette", "^([A-Za-z_]\\w*)\\s*(?::\\s*\\w+\\s*)?=\\s*Starlette\\(", 8000, true },
	{ "dash", "python", "dash", "^(server)\\s*=\\s*\\w+\\.server", 8050, false },
	{ "gradio", "python", "gradio", NULL, 7860, false },
	{ "chainlit", "python", "chainlit", NULL, 8000, false },
	{ "nicegui", "python", "nicegui", NULL, 8080, false },
	{ "reflex", "python", "reflex", NULL, 3000, false },
	{ "sanic", "python", "sanic", "^([A-Za-z_]\\w*)\\s*=\\s*Sanic\\(", 8000, true },
	{ "aiohttp", "python", "aiohttp(?:\\s+import\\s+web|\\.web)", NULL, 8080, false },
	{ "tornado", "python", "tornado(?:\\s+import\\s[^\\n]*web|\\.web)", NULL, 8888, false },
	{ "bottle", "python", "bottle", NULL, 8080, false },
	{ "falcon", "python", "falcon", "^([A-Za-z_]\\w*)\\s*=\\s*falcon\\.(?:App|API)\\(", 8000, false },
	{ "pyramid", "python", "pyramid", NULL, 6543, false },
	{ "cherrypy", "python", "cherrypy", NULL, 8080, false },
	{ "robyn", "python", "robyn", NULL, 8080, false },
	{ "connexion", "python", "connexion", NULL, 8080, false },
	{ NULL },
};

static const char *path_of(struct analysis *a, const struct python_project *p, const struct source *s)
{
	return path_join(a, path_below(p->dir, s->dir->path), s->file->name);
}

static bool exists_at(struct analysis *a, const struct tree_dir *dir, const char *module)
{
	return tree_file(dir, text_printf(a, "%s.py", module)) || tree_dir(dir, module);
}

/* A file src/main.py that says "import routes" means src/routes.py: it is to be started from src, or that import fails.
 * One that says "from src import routes" is to be started from the project. Goes up from the file's folder to the
 * project; the folder where the file's own imports are found is where to start. */
static struct tree_dir *import_root(struct analysis *a, const struct python_project *p, const struct source *s)
{
	static const char import[] = "^[ \\t]*(?:from|import)\\s+([A-Za-z_]\\w*)";
	const struct text *t = source_text(a, s);
	struct regex_match m;
	size_t pos = 0;

	while (t && regex_next(a->regex, import, t->data, t->len, &pos, &m)) {
		const char *module = regex_group(a->arena, &m, 1);

		if (exists_at(a, p->dir, module))
			return p->dir;
		for (struct tree_dir *dir = s->dir; dir && dir != p->dir; dir = dir->parent)
			if (exists_at(a, dir, module))
				return dir;
	}
	/* It imports nothing of the repository's: any will do, unless the folder's name cannot be a module's. */
	return s->dir != p->dir && strpbrk(path_below(p->dir, s->dir->path), "- ") ? s->dir : p->dir;
}

static void set_module(struct analysis *a, const struct python_project *p, struct python_app *app)
{
	struct tree_dir *root = import_root(a, p, app->source);
	const char *below = path_below(root, app->source->dir->path);
	char *module;

	module = arena_strdup(a->arena, path_join(a, str_eq(below, "") ? "." : below, app->source->file->name));
	if (root == app->source->dir)
		module = arena_strdup(a->arena, app->source->file->name);
	module[strlen(module) - strlen(".py")] = '\0';
	for (char *s = module; *s; s++)
		if (*s == '/')
			*s = '.';
	if (str_ends_with(module, ".__init__"))
		module[strlen(module) - strlen(".__init__")] = '\0';
	app->module = module;
	app->chdir = root == p->dir ? "" : path_below(p->dir, root->path);
	app->path = path_of(a, p, app->source);
}

/* What "if __name__ == '__main__':" does. */
static void look_at_main(struct analysis *a, struct python_app *app)
{
	static const char main_block[] =
		"^if\\s+__name__\\s*==\\s*['\"]__main__['\"]\\s*:[^\\n]*\\n((?:[ \\t]+[^\\n]*\\n?|\\s*\\n)+)";
	static const char runs[] =
		"\\.run\\(|\\.run_server\\(|run_simple\\(|\\brun\\(|serve\\(|run_app\\(|\\.launch\\(|serve_forever";
	static const char statement[] = "^[ \\t]*(?!#)([A-Za-z_][^\\n]*)";
	const struct text *t = source_text(a, app->source);
	struct regex_match m, r;
	size_t pos = 0, inner = 0;
	int statements = 0;

	if (!t || !regex_next(a->regex, main_block, t->data, t->len, &pos, &m) || !m.group[1])
		return;
	app->runs_itself = regex_next(a->regex, runs, m.group[1], m.len[1], &inner, &r);
	inner = 0;
	while (regex_next(a->regex, statement, m.group[1], m.len[1], &inner, &r)) {
		const char *line = r.group[1];

		/* The port and the import of a server are no work of their own. */
		statements += !memmem(line, r.len[1], "import ", 7) && !memmem(line, r.len[1], "port", 4) &&
		              !memmem(line, r.len[1], "PORT", 4) && !memmem(line, r.len[1], "host", 4) &&
		              !memmem(line, r.len[1], "debug", 5) && !memmem(line, r.len[1], "reload", 6) &&
		              !memmem(line, r.len[1], ".run(", 5) && !memmem(line, r.len[1], "log", 3);
	}
	app->main_does_more = statements > 0;
}

static bool find_object(struct analysis *a, const struct python_project *p, const struct source *s,
                        struct python_app *app)
{
	static const char factory[] =
		"^(?:async\\s+)?def\\s+(create_app|make_app|get_app|build_app|create_application|application_factory)\\(";
	const struct text *t = source_text(a, s);
	struct regex_match m;
	size_t pos = 0;

	if (!t)
		return false;
	if (regex_next(a->regex, p->framework->object, t->data, t->len, &pos, &m)) {
		app->object = regex_group(a->arena, &m, 1);
		app->offset = m.start;
		return true;
	}
	pos = 0;
	/* app = create_app() at the top of a file: what a factory is for. */
	if (regex_next(a->regex,
	               "^(app|application|server)\\s*(?::\\s*\\w+\\s*)?=\\s*\\w*(?:create|make|get|build|init)_?\\w*\\(",
	               t->data, t->len, &pos, &m)) {
		app->object = regex_group(a->arena, &m, 1);
		app->offset = m.start;
		return true;
	}
	pos = 0;
	if (app->factory || !regex_next(a->regex, factory, t->data, t->len, &pos, &m))
		return false;
	/* A factory is the second choice: a later file may call it. */
	app->factory = true;
	app->source = s;
	app->object = text_printf(a, "%s()", regex_group(a->arena, &m, 1));
	app->offset = m.start;
	return false;
}

bool python_find_app(struct analysis *a, const struct python_project *p, struct python_app *ret)
{
	struct python_app app = { 0 };
	bool found = false;

	for (size_t i = 0; p->framework->object && i < p->sources.len && !found; i++) {
		struct python_app here = app;

		found = find_object(a, p, &p->sources.v[i], &here);
		if (found) {
			here.source = &p->sources.v[i];
			here.factory = false;
		}
		app = here;
	}
	if (!found && !app.factory)
		return false;
	set_module(a, p, &app);
	look_at_main(a, &app);
	*ret = app;
	return true;
}

const char *python_main_file(struct analysis *a, const struct python_project *p, const struct text **ret_text)
{
	static const char main_block[] = "^if\\s+__name__\\s*==\\s*['\"]__main__['\"]";
	static const char *const names[] = { "main.py",       "app.py",         "server.py",   "run.py",     "bot.py",
		                                 "start.py",      "application.py", "src/main.py", "src/app.py", "app/main.py",
		                                 "src/server.py", "src/bot.py",     NULL };
	struct tree_dir *at;

	for (size_t i = 0; names[i]; i++) {
		if (tree_file_at(p->dir, names[i], &at)) {
			*ret_text = tree_read_at(&a->tree, p->dir, names[i]);
			return names[i];
		}
	}
	for (size_t i = 0; i < p->sources.len; i++) {
		const struct source *s = &p->sources.v[i];
		const struct text *t = s->dir == p->dir && !str_eq(s->file->name, "setup.py") ? source_text(a, s) : NULL;
		struct regex_match m;
		size_t pos = 0;

		if (t && regex_next(a->regex, main_block, t->data, t->len, &pos, &m)) {
			*ret_text = t;
			return path_of(a, p, s);
		}
	}
	return NULL;
}
