#ifndef CLI_KCL_SOURCES_H
#define CLI_KCL_SOURCES_H
/* KCL files that a command works on, read into memory, and where their imports are found. */

#include "lang/kcl_modules/file_access.h"
#include "lang/kcl_modules/modules.h"

struct kcl_sources {
	struct kcl_source *items; /* names and texts are owned */
	size_t len;
	const struct kcl_loader *loader; /* for lines of files that were imported; NULL */
	struct bytes **imported;         /* texts that diagnostics have shown; NULL-terminated */
};

void kcl_sources_done(struct kcl_sources *s);
int kcl_sources_read(struct kcl_sources *s, const char *path, struct err *err);
/* Standard input, as folder/stdin.k. */
int kcl_sources_read_stdin(struct kcl_sources *s, const char *folder, struct err *err);
/* A file, or the .k files of a folder in order of their names; those ending in _test.k where they are wanted. */
int kcl_sources_add(struct kcl_sources *s, const char *path, bool with_tests, struct err *err);
/* The folders that an argument stands for, appended to *ret (strv): itself, or with "/..." behind it also all below
 * (links and those that begin with a dot left out). */
int kcl_sources_folders(const char *argument, char ***ret, struct err *err);
/* For a person, on standard error, with lines of the sources. */
void kcl_sources_print(struct kcl_sources *s, const struct kcl_diagnostics *d);

/* Modules as a command has them: anywhere on this disk, $KCL_PKG_PATH (~/.kcl/kpm) among them. free: with
 * kcl_modules_free(). external, layouts_in: NULL-terminated, or NULL; only_vendored: nothing but vendor/ counts. */
struct kcl_layouts;
struct kcl_modules *kcl_modules_of_user(char *const *external, struct kcl_layouts *layouts, bool only_vendored,
                                        struct err *err);
/* The absolute path, with symbolic links resolved; free(). NULL when it is not there. */
char *kcl_real_path(const char *path);

#endif
