#ifndef LANG_KCL_MODULES_DISK_H
#define LANG_KCL_MODULES_DISK_H
/* Folders and files: anywhere, or only below some folders, whatever links say. Paths are absolute. */

#include "base/buf.h"
#include "base/err.h"

struct kcl_disk;

/* roots: NULL-terminated; NULL: anywhere. Those that are not there are left out. */
struct kcl_disk *kcl_disk_new(const char *const *roots);
struct kcl_disk *kcl_disk_free(struct kcl_disk *d);

/* path with a folder before it unless it is absolute, without "." and "..". free(). */
char *kcl_path_absolute(const char *folder, const char *path);
bool kcl_disk_is_folder(struct kcl_disk *d, const char *path);
bool kcl_disk_is_file(struct kcl_disk *d, const char *path);
int kcl_disk_read(struct kcl_disk *d, const char *path, size_t max, char **ret, size_t *ret_len, struct err *err);
/* The .k files of a folder that belong to its package, sorted; strv_free(). Empty, not NULL, when there are none; NULL
 * when there is no such folder. */
char **kcl_disk_list(struct kcl_disk *d, const char *folder);
/* Is a file of this name part of its folder's package? */
bool kcl_is_source_name(const char *name);
/* The first root that has the path (or the path itself when it is absolute and there); free(). NULL: none. */
char *kcl_disk_find(struct kcl_disk *d, const char *path);
/* Names, sizes and times of all files below, for a cache's key. */
void kcl_disk_stamp(const char *folder, struct buf *out);
/* The roots; NULL: anywhere. */
char *const *kcl_disk_roots(struct kcl_disk *d);

#endif
