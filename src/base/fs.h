#ifndef BASE_FS_H
#define BASE_FS_H
/* Files and folders: whole-file reads with a maximum, atomic durable writes, trees. */

#include "base/buf.h"
#include "base/err.h"

#include <sys/types.h>

/* The whole file, NUL-terminated (free()); ERR_NOT_FOUND when absent, ERR_TOO_LARGE past max bytes. ret_len may be
 * NULL. */
int fs_read_file(const char *path, size_t max, char **ret_data, size_t *ret_len, struct err *err);
/* The rest of what is open; path is for the error's message. */
int fs_read_fd(int fd, const char *path, size_t max, char **ret_data, size_t *ret_len, struct err *err);
/* fs_read_file() for a regular file below an open folder, never leaving it: a symbolic link in any place of the path
 * and ".." are refused (ERR_INVALID), so that a hostile tree cannot point elsewhere. */
int fs_read_file_at(int dirfd, const char *path, size_t max, char **ret_data, size_t *ret_len, struct err *err);
/* Opens a path below an open folder, with the flags of open(2). Symbolic links are followed as long as they stay below
 * (openat2(2); where the kernel has no such call, none is followed). "" is the folder itself. -1 with errno: EXDEV for
 * a path that leaves. */
int fs_open_below(int dirfd, const char *path, int flags, mode_t mode);
/* fs_read_file() for a regular file that is opened so. */
int fs_read_file_below(int dirfd, const char *path, size_t max, char **ret_data, size_t *ret_len, struct err *err);
/* Either the old or the new content is there after a crash: temporary file, fsync, rename, fsync of the folder. */
int fs_write_atomic(const char *path, const void *data, size_t len, mode_t mode, struct err *err);
/* The same without fsync: whole after the crash of a process, perhaps empty after the machine's. For what is worth
 * nothing once the machine stopped. */
int fs_replace(const char *path, const void *data, size_t len, mode_t mode, struct err *err);
/* Creates missing parents too; existing is fine. */
int fs_mkdir_p(const char *path, mode_t mode, struct err *err);
/* Removes a tree; absent is fine. Never follows symbolic links, stays on one file system. Makes folders without
 * write permission writable first. */
int fs_remove_tree(const char *path, struct err *err);
bool fs_exists(const char *path);
bool fs_is_dir(const char *path);
/* dir "/" name (free()). */
char *fs_join(const char *dir, const char *name);
/* Bytes of all regular files below path, counted with st_blocks, never following symbolic links, on one file system.
 * Stops counting past max; a tree deeper than 128 folders counts as past it. */
int64_t fs_tree_size(const char *path, int64_t max);
/* write(2) all of it. 0 or -1 with errno. */
int fs_write_all(int fd, const void *data, size_t len);

#endif
