#ifndef GIT_TREE_H
#define GIT_TREE_H
/* A commit's tree: measured before a byte of it is written, then written out. */

#include "session.h"

#define GIT_TREE_FILES_MAX 1000000

/* Writes the commit's files from the repository git_dir into dest, which must be an empty folder. ERR_TOO_LARGE
 * (terminal) when the tree has more than GIT_TREE_FILES_MAX files or more bytes than the session allows; *ret_fault as
 * of git_session_run(). */
int git_tree_write(struct git_session *s, const char *git_dir, const char *commit, const char *dest,
                   enum git_fault *ret_fault, struct err *err);

#endif
