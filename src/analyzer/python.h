#ifndef ANALYZER_PYTHON_H
#define ANALYZER_PYTHON_H
/* What the files about Python share. python.c detects, python_deps.c reads what is to be installed and by whom,
 * python_app.c finds the application in the code, python_commands.c writes the commands. */

#include "candidate.h"
#include "manifest.h"
#include "sources.h"

struct python_framework {
	const char *dep; /* normalised: lower case, "-" */
	const char *framework;
	const char *module; /* what the code imports */
	const char *object; /* a pattern whose group 1 is the name the application object gets; NULL: there is none */
	int port;
	bool asgi; /* needs an ASGI server (uvicorn), else WSGI (gunicorn) */
};

/* In order of precedence, ends with a NULL dep. */
extern const struct python_framework python_frameworks[];

struct python_project {
	struct tree_dir *dir;
	const char *manager;      /* uv, poetry, pdm, pipenv, conda, pip; NULL: there is nothing to install */
	const char *requirements; /* the file pip installs from; NULL: the project itself */
	bool package;             /* pyproject.toml or setup.py make it installable */
	json_t *pyproject;        /* or NULL */
	const struct text *pyproject_text;
	const struct python_framework *framework;
	struct source_list sources;
};

/* The application object: "main:app". */
struct python_app {
	const struct source *source;
	const char *path;   /* relative to the project */
	const char *module; /* dotted, as seen from chdir */
	const char *chdir;  /* folder to start in, relative to the project; "" is the project */
	const char *object; /* "app", or "create_app()" */
	bool factory;
	bool runs_itself;    /* python FILE starts a server */
	bool main_does_more; /* and its main block does other things first */
	size_t offset;
};

/* Reads manifests into c's dependencies; sets manager, requirements, package, pyproject and the runtime version. */
void python_read_manifests(struct analysis *a, struct candidate *c, struct python_project *p);
/* Finds the application of the framework; false when the code has none. */
bool python_find_app(struct analysis *a, const struct python_project *p, struct python_app *ret);
/* The file that python starts when there is no application object: relative path, or NULL. */
const char *python_main_file(struct analysis *a, const struct python_project *p, const struct text **ret_text);
/* Sets install, build, start, wrap. app may be NULL. */
void python_commands(struct analysis *a, struct candidate *c, const struct python_project *p,
                     const struct python_app *app);
/* The dependency with that normalised name. */
const struct dependency *python_dep(const struct candidate *c, const char *name);

#endif
