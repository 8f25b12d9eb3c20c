#ifndef LANG_KCL_MODULES_FILE_ACCESS_H
#define LANG_KCL_MODULES_FILE_ACCESS_H
/* The file module of KCL's programs: anywhere, or only below some folders, whatever links and ".." say. */

#include "lang/kcl/kcl.h"

struct kcl_files_options {
	const char *const *roots;     /* NULL-terminated; NULL: anywhere */
	const char *work_dir;         /* where relative paths begin; NULL: the first root, or this process' folder */
	const char *module_path;      /* NULL */
	const char *const *variables; /* of the environment that may be read; NULL-terminated; NULL: all */
};

struct kcl_files;
struct kcl_files *kcl_files_new(const struct kcl_files_options *o);
struct kcl_files *kcl_files_free(struct kcl_files *f);
DEFINE_CLEANUP(struct kcl_files *, kcl_files_free)
/* For one evaluation at a time. */
const struct kcl_file_access *kcl_files_access(const struct kcl_files *f);

#endif
