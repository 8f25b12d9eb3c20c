#ifndef LOCAL_SWEEPER_H
#define LOCAL_SWEEPER_H
/* Takes away what nobody needs any more: trees of files and control groups, on a thread of its own, since both may take
 * long. A tree is moved out of the way at once, so that something new can stand in its place. */

#include "cgroup.h"

struct sweeper;

/* trash: a folder on the same file system as what is thrown away; what an earlier process left in it is removed. */
struct sweeper *sweeper_new(const char *trash, const struct cgroups *cgroups, struct err *err);
/* Finishes what is queued, within reason: the rest of the trees is the next start's. */
struct sweeper *sweeper_free(struct sweeper *s);

/* Any of both may be NULL. The group's processes are killed first, then the tree goes. */
void sweeper_take(struct sweeper *s, const char *cgroup, const char *path);

#endif
