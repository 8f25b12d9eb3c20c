#ifndef CLI_KCL_FILES_H
#define CLI_KCL_FILES_H
/* KCL's packages in the file system: the folder of kcl.mod, imports below it, dependencies that lie on the disk.
 * Nothing is fetched from a network. */

#include "lang/kcl/kcl.h"

#define KCL_FILE_MAX ((size_t)10 * 1024 * 1024)

struct kcl_files {
	struct kcl_loader loader; /* to give to kcl_compile() */
	char *root;               /* the folder of kcl.mod, or of the first file */
	char **packages;          /* strv of NAME=FOLDER (-E) */
	bool entries_from_mod;
};

/* The root for programs that begin in this folder. packages: strv, copied; NULL. */
void kcl_files_init(struct kcl_files *f, const char *folder, char *const *packages);
void kcl_files_done(struct kcl_files *f);
/* The absolute path, with symbolic links resolved; free(). NULL when it is not there. */
char *kcl_files_absolute(const char *path);
/* The files that an argument stands for: a file, or the .k files of a folder, or (${KCL_MOD}/…) one below the root.
 * Appended to *files (strv), each once. */
int kcl_files_expand(const struct kcl_files *f, const char *argument, const char *base, char ***files, struct err *err);

#endif
