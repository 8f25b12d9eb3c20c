#ifndef APISERVER_STORE_LOCK_H
#define APISERVER_STORE_LOCK_H
/* Who has a store: PATH.lock, locked (flock) while a process uses it, with its pid in it. The lock is the file's, not
 * the path's: a second way to the same folder (a symbolic link, a bind mount) finds it too. */

#include "base/err.h"

/* *ret_fd is to be closed; the lock ends with it. ERR_ALREADY_EXISTS names the process that has it. */
int store_lock_take(const char *db_path, int *ret_fd, struct err *err);
/* The mark of a restore that is under way or was cut off: PATH.restoring (free()). */
char *store_restore_mark(const char *db_path);

#endif
