#ifndef ANALYZER_ANALYSIS_H
#define ANALYZER_ANALYSIS_H
/* What the parts of the analyzer share: the analysis under way and its candidates.
 *
 * An analysis goes through these steps, each in a file of its own: the tree is scanned (tree.c); folders are marked
 * with the ecosystems whose manifests they hold (ecosystem.c); the detectors (one file per ecosystem) look at the
 * marked folders and add candidates; the finders (procfile, docker, compose, port, environment, datastores, health)
 * complete them; services.c ranks them; report.c writes the result. Everything lives in the analysis' arena. */

#include "regex.h"
#include "tree.h"

enum ecosystem {
	ECO_NODE,
	ECO_DENO,
	ECO_PYTHON,
	ECO_GO,
	ECO_RUST,
	ECO_JVM,
	ECO_RUBY,
	ECO_PHP,
	ECO_DOTNET,
	ECO_ELIXIR,
	ECO_NATIVE,
	ECO_STATIC,
	ECO_DOCKER,
	ECO_COMPOSE,
	ECO_SHELL,
	ECO_PROCFILE,
	ECO_COUNT
};
#define ECO_BIT(eco) (1u << (eco))

/* How sure a sign makes us that the folder is a service of that framework. docs/internals/analyzer.md explains them. */
#define SCORE_PROVEN 0.95    /* the framework is a dependency and the code uses it as a program does */
#define SCORE_FRAMEWORK 0.90 /* the framework is a dependency */
#define SCORE_CLIENT 0.85    /* a build tool for browser code: somebody's client, or the whole service */
#define SCORE_PROGRAM 0.70   /* a program of the language, without a framework we know */
#define SCORE_SITE 0.60      /* files for a web server */
#define SCORE_NATIVE 0.55    /* a program in C or C++ */
#define SCORE_COMPOSE 0.42
#define SCORE_DOCKER 0.40
#define SCORE_SHELL 0.35
#define SCORE_LIBRARY 0.30 /* a manifest, and nothing to start */

/* In a repository with more, the deepest folders' are left out. */
#define CANDIDATES_MAX 1000

struct evidence {
	struct evidence *next;
	const char *file;
	int line;
	const char *why;
};

struct dependency {
	struct dependency *next;
	const char *name, *version; /* version: as the manifest says it; may be NULL */
	bool dev;
	const char *file;
	int line;
};

struct env_var {
	struct env_var *next;
	const char *name, *otherwise; /* otherwise: its default, or NULL */
	bool required;
	const char *file;
	int line;
};

struct datastore {
	struct datastore *next;
	const char *type, *why, *file;
	int line;
};

/* A shell command line and the folder it runs in. "{port}" stands for $PORT with the port found as default, "{host}"
 * for the address to listen on; report.c replaces both. */
struct command {
	const char *line; /* NULL: there is none */
	struct tree_dir *dir;
};

/* Where a port came from, the surest first; a later source never replaces an earlier one. */
enum port_source {
	PORT_COMMAND,   /* the start command says it */
	PORT_DOTENV,    /* a committed .env */
	PORT_CODE,      /* the program's own default */
	PORT_CONFIG,    /* the framework's configuration file */
	PORT_EXAMPLE,   /* .env.example */
	PORT_DOCKER,    /* Dockerfile EXPOSE or ENV PORT */
	PORT_COMPOSE,   /* compose file */
	PORT_GUESS,     /* a number in the sources that is called port, or looks like an address */
	PORT_FRAMEWORK, /* what the framework listens on unless told otherwise */
	PORT_NONE
};

struct candidate {
	struct tree_dir *dir;
	enum ecosystem eco;
	const char *framework, *language;
	const char *name;
	double score;
	bool server;     /* answers requests itself, as opposed to files built for a browser */
	bool library;    /* nothing to start was found */
	const char *why; /* the main reason in one sentence */
	struct evidence *evidence, **evidence_tail;
	size_t evidence_len;
	struct dependency *deps, **deps_tail;
	size_t deps_len;
	const char *runtime_version, *package_manager;
	struct command install, build, start;
	/* Wraps a command that the repository gives (Procfile, Dockerfile) so that it finds the installed dependencies:
	 * "%s" is the command. NULL: as it is. wrap_shell: the wrapper starts a program, so that a command made of several
	 * needs a shell. */
	const char *wrap;
	bool wrap_shell;
	const char *static_dir; /* relative to dir */
	const char *entry;      /* the program's main file, relative to dir; may be NULL */
	const char *script;     /* what the start command comes down to, where it is only a name ("npm start"); for ports */
	int port, default_port;
	enum port_source port_source;
	struct evidence port_why; /* file NULL: the framework's default, or what the start command says */
	bool port_from_env;
	const char *health_path;
	struct env_var *env, **env_tail;
	size_t env_len;
	struct datastore *stores, **stores_tail;
	double rank; /* set by services.c */
};

struct compose_service;

struct analysis {
	struct arena *arena;
	struct tree tree;
	struct regex_cache *regex;
	struct map *manifests; /* path → parsed manifest, see manifest.h */
	struct candidate **candidates;
	size_t candidates_len, candidates_cap;
	const struct compose_service *compose; /* of every compose file, in order */
};

struct detector {
	enum ecosystem eco;
	const char *name;
	/* Called for each folder that has a manifest of the ecosystem, or a file that is often a program when no folder
	 * above has a manifest; adds any number of candidates. */
	void (*detect)(struct analysis *a, struct tree_dir *dir);
};

/* Each in the file of its name. */
extern const struct detector node_detector, deno_detector, python_detector, golang_detector, rust_detector,
	jvm_detector, ruby_detector, php_detector, dotnet_detector, elixir_detector, native_detector, static_site_detector,
	docker_detector, compose_detector, procfile_detector, shell_detector;

/* Marks the folders of the tree with the ecosystems whose manifests they hold. */
void ecosystem_mark(struct analysis *a);
/* Is dir, or a folder above it, marked with one of these ecosystems? Returns the nearest one; NULL when none is. */
struct tree_dir *ecosystem_owner(struct tree_dir *dir, unsigned mask);

/* Formats into the arena. */
#define text_printf(a, ...) arena_printf((a)->arena, __VA_ARGS__)

#endif
