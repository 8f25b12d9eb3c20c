#ifndef ANALYZER_SOURCES_H
#define ANALYZER_SOURCES_H
/* The source files of a candidate, those that probably start the program first. */

#include "candidate.h"

enum source_language {
	SRC_JS = 1,
	SRC_PYTHON = 2,
	SRC_GO = 4,
	SRC_RUST = 8,
	SRC_JVM = 16,
	SRC_RUBY = 32,
	SRC_PHP = 64,
	SRC_DOTNET = 128,
	SRC_ELIXIR = 256,
	SRC_C = 512,
	SRC_SHELL = 1024,
	SRC_HTML = 2048,
};

struct source {
	struct tree_dir *dir;
	struct tree_file *file;
	unsigned language; /* one bit */
	unsigned order;    /* smaller: more probably the program's main file */
};

struct source_list {
	struct source *v; /* in the arena */
	size_t len;
};

/* At most max files below dir in the languages, folders with a manifest of the same ecosystem (other projects) left
 * out (ECO_COUNT: none is), and those of tests and examples unless dir is one. entry (may be NULL) is a path relative
 * to dir that comes first. Tests, generated and minified files are left out. */
struct source_list sources_find(struct analysis *a, struct tree_dir *dir, enum ecosystem eco, unsigned languages,
                                const char *entry, size_t max);
/* Its text; NULL when it cannot be read or is one long line. */
const struct text *source_text(struct analysis *a, const struct source *s);

/* Is the byte of the text in a line that is a comment? */
bool source_commented(const struct source *s, const struct text *t, size_t offset);

/* The language of a file by its name; 0 when it is none. */
unsigned source_language(const char *name);
/* The languages of an ecosystem's programs. */
unsigned ecosystem_languages(enum ecosystem eco);

#endif
