/* Python: is the folder a program, and with which framework? */

#include "python.h"

#include "base/str.h"

#define SOURCES_MAX 300

/* Where the code imports a module (a pattern); false when it does not. */
static bool find_import(struct analysis *a, const struct python_project *p, const char *module, const struct text **ret,
                        size_t *ret_at)
{
	_cleanup_free_ char *pattern = xasprintf("^[ \\t]*(?:from|import)\\s+%s\\b", module);

	for (size_t i = 0; i < p->sources.len; i++) {
		const struct text *t = source_text(a, &p->sources.v[i]);
		struct regex_match m;
		size_t pos = 0;

		if (t && regex_next(a->regex, pattern, t->data, t->len, &pos, &m)) {
			*ret = t;
			*ret_at = m.start;
			return true;
		}
	}
	return false;
}

struct python_choice {
	const struct python_framework *framework;
	const struct dependency *dep;
	const struct text *import;
	size_t offset;
};

/* The first framework that is both listed and imported; else the first imported; else the first listed. */
static struct python_choice choose(struct analysis *a, struct candidate *c, const struct python_project *p)
{
	struct python_choice imported = { 0 }, listed = { 0 };

	for (const struct python_framework *f = python_frameworks; f->dep; f++) {
		struct python_choice here = { .framework = f, .dep = python_dep(c, f->dep) };

		/* A framework that only tests need is none of this program's. */
		if (here.dep && here.dep->dev && listed.framework)
			continue;
		if (find_import(a, p, f->module, &here.import, &here.offset)) {
			if (here.dep)
				return here;
			if (!imported.framework)
				imported = here;
		} else if (here.dep && !here.dep->dev && !listed.framework) {
			listed = here;
		}
	}
	return imported.framework ? imported : listed;
}

static struct tree_dir *find_manage(struct tree_dir *dir, unsigned depth)
{
	struct tree_dir *found = tree_file(dir, "manage.py") ? dir : NULL;

	for (size_t i = 0; i < dir->dirs_len && !found && depth; i++)
		if (!dir->dirs[i]->side && !(dir->dirs[i]->marks & ECO_BIT(ECO_PYTHON)))
			found = find_manage(dir->dirs[i], depth - 1);
	return found;
}

/* manage.py of Django: it names the settings. (Flask-Script has one too.) */
static bool looks_django(struct analysis *a, struct candidate *c, const struct python_project *p)
{
	struct tree_dir *dir = find_manage(p->dir, 2);
	const struct text *t = dir ? tree_read_at(&a->tree, dir, "manage.py") : NULL;
	size_t at = t ? text_find(t, 0, "DJANGO_SETTINGS_MODULE") : SIZE_MAX;

	if (at == SIZE_MAX)
		at = t ? text_find(t, 0, "django.core.management") : SIZE_MAX;
	if (at == SIZE_MAX)
		return false;
	candidate_because(a, c, t, at, "Django's manage.py");
	return true;
}

static const struct python_framework *framework_named(const char *dep)
{
	for (const struct python_framework *f = python_frameworks; f->dep; f++)
		if (str_eq(f->dep, dep))
			return f;
	return NULL;
}

static void set_framework(struct analysis *a, struct candidate *c, struct python_project *p)
{
	struct python_choice choice = { 0 };
	bool plain;

	if (looks_django(a, c, p)) {
		p->framework = framework_named("django");
		c->score = SCORE_PROVEN;
	} else {
		choice = choose(a, c, p);
		p->framework = choice.framework;
	}
	if (!p->framework)
		return;
	plain = str_eq(p->framework->framework, "python");
	c->framework = p->framework->framework;
	c->default_port = p->framework->port;
	if (choice.dep && !choice.import)
		c->score = plain ? SCORE_LIBRARY + 0.1 : SCORE_SITE - 0.1;
	else if (choice.framework)
		c->score = plain ? SCORE_PROGRAM + 0.1 : choice.dep ? SCORE_PROVEN : SCORE_CLIENT;
	if (choice.dep)
		candidate_because_at(a, c, choice.dep->file, choice.dep->line, "depends on %s%s%s", choice.dep->name,
		                     choice.dep->version ? " " : "", choice.dep->version ? choice.dep->version : "");
	if (choice.import)
		candidate_why(a, c, choice.import, choice.offset, "imports %s", p->framework->dep);
	if (choice.import && !choice.dep)
		c->why = text_printf(a, "imports %s", p->framework->dep);
}

/* No framework: a program when there is a file to start. */
static void judge_plain(struct analysis *a, struct candidate *c, const struct python_project *p, bool manifest)
{
	static const char main_block[] = "^if\\s+__name__\\s*==\\s*['\"]__main__['\"]";
	const struct text *t = NULL;
	const char *file = python_main_file(a, p, &t);
	json_t *scripts = json_at(p->pyproject, "project", "scripts", NULL);
	struct regex_match m;
	size_t pos = 0;

	if (!scripts)
		scripts = json_at(p->pyproject, "tool", "poetry", "scripts", NULL);
	if (file) {
		c->score = SCORE_PROGRAM;
		if (t && regex_next(a->regex, main_block, t->data, t->len, &pos, &m))
			candidate_because(a, c, t, m.start, "a program: what it does when it is started");
		else if (t)
			candidate_because(a, c, t, SIZE_MAX, "a file of a program's name");
		if (!manifest)
			c->score -= 0.05;
	} else if (json_object_size(scripts)) {
		c->score = SCORE_PROGRAM - 0.1;
		candidate_because(a, c, p->pyproject_text, text_find(p->pyproject_text, 0, "scripts]"), "installs a command");
	} else {
		c->library = true;
	}
	/* Libraries are packages; a program beside one is usually an example of its use. */
	if (p->package && c->score > SCORE_SITE && json_at(p->pyproject, "project", NULL) &&
	    !tree_file(p->dir, "Dockerfile"))
		c->score = SCORE_SITE - 0.05;
}

static void detect_python(struct analysis *a, struct tree_dir *dir)
{
	struct python_project p = { .dir = dir };
	struct python_app app;
	bool manifest = dir->marks & ECO_BIT(ECO_PYTHON), found = false;
	const char *name = dir->path[0] ? dir->name : NULL;
	struct candidate *c;

	p.sources = sources_find(a, dir, ECO_PYTHON, SRC_PYTHON, NULL, SOURCES_MAX);
	/* A requirements.txt beside no code belongs to something else (documentation, a notebook). */
	if (!p.sources.len && !tree_file(dir, "pyproject.toml"))
		return;
	c = candidate_new(a, dir, ECO_PYTHON, "python", "python", SCORE_LIBRARY);
	if (!c)
		return;
	c->name = name;
	python_read_manifests(a, c, &p);
	set_framework(a, c, &p);
	if (!p.framework) {
		judge_plain(a, c, &p, manifest);
	} else if (p.framework->object) {
		found = python_find_app(a, &p, &app);
		if (found)
			candidate_why(a, c, source_text(a, app.source), app.offset, "the application: %s:%s", app.module,
			              app.object);
		else if (str_eq(c->framework, "flask") || str_eq(c->framework, "fastapi"))
			c->score -= 0.15;
	}
	if (!manifest && p.framework && !p.manager)
		c->score -= 0.05;
	if (!c->why)
		candidate_because_at(
			a, c, path_join(a, dir->path, p.sources.len ? p.sources.v[0].file->name : "pyproject.toml"), 1, "Python");
	python_commands(a, c, &p, found ? &app : NULL);
}

const struct detector python_detector = { ECO_PYTHON, "python", detect_python };
