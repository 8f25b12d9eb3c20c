#ifndef LANG_KCL_MODULES_GLOB_H
#define LANG_KCL_MODULES_GLOB_H
/* Patterns of paths as file.glob() has them: '*', '?', "[a-z]", "[!a-z]" within a part of a path, and "**", which is a
 * part of its own, for any folders. There is no escape, and names that begin with '.' are like others. */

#include "base/err.h"

/* Is the pattern one? */
int kcl_glob_check(const char *pattern, struct err *err);
bool kcl_glob_match(const char *pattern, size_t len, const char *name);

/* What walks a file system for kcl_glob(). */
struct kcl_glob_files {
	void *self;
	/* The names in a folder, without "." and ".."; strv_free(). NULL: it is no folder, or cannot be read. */
	char **(*list)(void *self, const char *folder);
	bool (*exists)(void *self, const char *path);
};

/* The paths that match, parts in alphabetical order; strv_free(). NULL: err (the pattern is none, or there are too many
 * paths). Relative ones stay relative. */
char **kcl_glob(const struct kcl_glob_files *files, const char *pattern, struct err *err);

#endif
