#ifndef LANG_KCL_MODULES_ROOTS_H
#define LANG_KCL_MODULES_ROOTS_H
/* Folders that everything must lie below, opened: what is below one is opened by fs_open_below(), so that no link leads
 * out of it, whatever became of its path. */

#include <stdbool.h>
#include <stddef.h>

struct kcl_roots {
	char **paths;     /* as they really are; NULL: there are none */
	int *folders;     /* they, opened */
	bool is_confined; /* false: anywhere */
};

/* paths: NULL-terminated; NULL: anywhere. Those that are not there are left out. */
void kcl_roots_open(struct kcl_roots *r, const char *const *paths);
void kcl_roots_close(struct kcl_roots *r);
/* What of an absolute path without ".." is below root i: "" for the root itself. NULL: nothing. */
const char *kcl_roots_below(const struct kcl_roots *r, size_t i, const char *path);

#endif
