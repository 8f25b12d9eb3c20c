#ifndef LANG_KCL_MODULES_ARCHIVE_H
#define LANG_KCL_MODULES_ARCHIVE_H
/* A module in memory: what of a tar, compressed by gzip or not, a program can be made of (sources, kcl.mod and its
 * lock). Reference-counted and immutable: threads may share it. */

#include "base/bytes.h"
#include "base/err.h"

struct kcl_archive;

/* A new reference; NULL: err (damaged, hostile, or too large). */
struct kcl_archive *kcl_archive_read(const void *data, size_t len, struct err *err);
struct kcl_archive *kcl_archive_ref(struct kcl_archive *a);
struct kcl_archive *kcl_archive_unref(struct kcl_archive *a);
DEFINE_CLEANUP(struct kcl_archive *, kcl_archive_unref)
/* Bytes that it takes. */
size_t kcl_archive_size(const struct kcl_archive *a);

/* A file's text, borrowed; NULL. path: below the archive's root. */
struct bytes *kcl_archive_file(const struct kcl_archive *a, const char *path);
bool kcl_archive_has_folder(const struct kcl_archive *a, const char *folder);
/* The .k files of a folder ("": the root) that belong to its package, sorted, each with prefix and '/' before it;
 * strv_free(). NULL: no such folder. */
char **kcl_archive_list(const struct kcl_archive *a, const char *folder, const char *prefix);
/* The folder of the kcl.mod whose package has this name; free(). NULL: none. */
char *kcl_archive_find_package(const struct kcl_archive *a, const char *name);

#endif
