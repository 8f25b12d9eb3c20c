#ifndef ANALYZER_NODE_H
#define ANALYZER_NODE_H
/* What the files about Node share. node.c finds the framework, node_commands.c how it is installed, built and started,
 * node_workspace.c package managers and workspaces, node_frameworks.c is the table of frameworks. */

#include "candidate.h"
#include "manifest.h"

enum node_kind {
	NODE_FULL,   /* renders on a server; brings its own program */
	NODE_SERVER, /* a library for servers; the program is the repository's */
	NODE_SITE,   /* builds files for a browser; those are served */
	NODE_APP,    /* runs on a phone or a desktop: nothing to deploy, but something to recognise */
};

struct node_framework {
	const char *dep;       /* the dependency that gives it away */
	const char *framework; /* what we call it */
	enum node_kind kind;
	int port;              /* it listens here unless told otherwise; 0: the program says it */
	const char *build;     /* the program (of node_modules/.bin) and arguments that build it; NULL: nothing is built */
	const char *start;     /* the same to start it when no script does; {port}, {host} */
	const char *output;    /* of NODE_SITE: where the files are written */
	bool spa;              /* of NODE_SITE: every path is answered with index.html */
	bool reads_port;       /* its program reads PORT */
	int older, older_port; /* versions below this major listen on another port */
};

/* In order of precedence, ends with a NULL dep. */
extern const struct node_framework node_frameworks[];

/* Who installs. */
struct node_manager {
	const char *name;            /* npm, pnpm, yarn, bun */
	struct tree_dir *dir;        /* where: the workspace's root for a member of one */
	bool locked;                 /* there is a lock file */
	bool berry;                  /* yarn 2 or later */
	const struct text *evidence; /* what says so; NULL: nothing does, npm is assumed */
	size_t offset;
};

struct node_project {
	struct tree_dir *dir;
	const struct text *text; /* package.json */
	json_t *json, *scripts;
	struct node_manager manager;
	const struct node_framework *framework; /* NULL: none we know */
	bool typescript;
};

struct node_manager node_manager_find(struct analysis *a, struct tree_dir *dir);
/* Does the folder's package.json (or pnpm-workspace.yaml) say that other packages are members? */
bool node_is_workspace(struct analysis *a, struct tree_dir *dir);

/* The script's text, or NULL when there is none or it does nothing useful. */
const char *node_script(const struct node_project *p, const char *name);
/* Sets install, build, start, static_dir, entry and script. */
void node_commands(struct analysis *a, struct candidate *c, const struct node_project *p);
/* The main file of a program without a start script, relative to the folder; NULL when there is none. */
const char *node_entry(struct analysis *a, const struct node_project *p);
/* Where a site's files are written and how its start is meant: reads the framework's configuration. */
void node_output(struct analysis *a, struct candidate *c, const struct node_project *p);

#endif
