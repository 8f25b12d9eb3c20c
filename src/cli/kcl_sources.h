#ifndef CLI_KCL_SOURCES_H
#define CLI_KCL_SOURCES_H
/* KCL files that a tool works on, read into memory. */

#include "lang/kcl/kcl.h"

struct kcl_sources {
	struct kcl_source *items; /* names and texts are owned */
	size_t len;
};

void kcl_sources_done(struct kcl_sources *s);
int kcl_sources_read(struct kcl_sources *s, const char *path, struct err *err);
/* A file, or the .k files of a folder in order of their names; those ending in _test.k where they are wanted. */
int kcl_sources_add(struct kcl_sources *s, const char *path, bool with_tests, struct err *err);
/* The folders that an argument stands for, appended to *ret (strv): itself, or with "/..." behind it also all below
 * (links and those that begin with a dot left out). */
int kcl_sources_folders(const char *argument, char ***ret, struct err *err);
/* For a person, on standard error, with lines of the sources. */
void kcl_sources_print(const struct kcl_sources *s, const struct kcl_diagnostics *d);

#endif
