#ifndef ANALYZER_CANDIDATE_H
#define ANALYZER_CANDIDATE_H
/* Making candidates and writing down what is known about them, and why. */

#include "analysis.h"

/* A new candidate, added to the analysis. NULL when there are too many (the tree counts as truncated then). */
struct candidate *candidate_new(struct analysis *a, struct tree_dir *dir, enum ecosystem eco, const char *framework,
                                const char *language, double score);

/* Adds evidence: a place in a text (offset SIZE_MAX: its first line) and why it says so. Without a text (a file that
 * could not be read) there is nothing to show, and nothing is added. */
void candidate_why(struct analysis *a, struct candidate *c, const struct text *at, size_t offset, const char *fmt, ...)
	_printf_(5, 6);
/* The same, for the one sentence that says why the candidate is one. */
void candidate_because(struct analysis *a, struct candidate *c, const struct text *at, size_t offset, const char *fmt,
                       ...) _printf_(5, 6);

void candidate_because_at(struct analysis *a, struct candidate *c, const char *file, int line, const char *fmt, ...)
	_printf_(5, 6);

/* Adds a dependency unless it is there; a known one that was for development only and now is not becomes a real one. */
void candidate_dep(struct analysis *a, struct candidate *c, const char *name, const char *version, bool dev,
                   const struct text *at, size_t offset);
/* A dependency by its exact name, or NULL. */
const struct dependency *candidate_dep_find(const struct candidate *c, const char *name);

void candidate_env(struct analysis *a, struct candidate *c, const char *name, const char *otherwise, bool required,
                   const struct text *at, size_t offset);
void candidate_store(struct analysis *a, struct candidate *c, const char *type, const char *file, int line,
                     const char *why);

/* Notes a port unless a surer source has said one. False when it did not count. */
bool candidate_port(struct analysis *a, struct candidate *c, int port, enum port_source source, const struct text *at,
                    size_t offset, const char *why);

/* Sets a command that runs in dir. The line may hold {port} and {host}. */
void command_set(struct analysis *a, struct command *cmd, struct tree_dir *dir, const char *fmt, ...) _printf_(4, 5);
/* The word as the shell must be given it: as it is, or in single quotes. */
const char *shell_word(struct analysis *a, const char *word);
/* A path relative to dir as a word that no program takes for an option. */
const char *shell_path(struct analysis *a, const char *path);
/* The path of a folder or file of the tree, relative to a folder above it ("." for the folder itself). */
const char *path_below(const struct tree_dir *above, const char *path);
/* "dir/name", or "name" when dir is "" or ".". */
const char *path_join(struct analysis *a, const char *dir, const char *name);

/* The last "/"-separated part. */
const char *path_base(const char *path);
/* A whole number between 1 and 65535 at the beginning of text, or 0. */
int port_number(const char *text, size_t len);

#endif
