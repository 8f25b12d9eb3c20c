#ifndef LOCAL_CGROUP_H
#define LOCAL_CGROUP_H
/* Resource limits of groups of processes: control groups v2 where they can be had, else v1, else none (the caller then
 * falls back to rlimits). Thread-safe: nothing changes after cgroups_open(). */

#include "base/err.h"
#include "base/str.h"

enum cgroup_version { CGROUP_NONE, CGROUP_V1, CGROUP_V2 };

struct cgroup_limits {
	int64_t memory;    /* bytes; 0: none */
	int64_t cpu_milli; /* thousandths of a core; 0: none */
	int64_t pids;      /* 0: none */
};

struct cgroups;

/* Groups are made below ROOT/PARENT (v2) or ROOT/CONTROLLER/PARENT (v1); root NULL: /sys/fs/cgroup. Never fails: what
 * this machine does not let us use is not used. */
struct cgroups *cgroups_open(const char *root, const char *parent);
/* Removes the parent group when it is empty. Returns NULL. */
struct cgroups *cgroups_close(struct cgroups *c);
enum cgroup_version cgroups_version(const struct cgroups *c);

/* Makes (or changes) a group. The cgroup.procs files to write oneself into (strv_free()); NULL when nothing could be
 * made, which is no error: limits are then the caller's. */
char **cgroup_make(const struct cgroups *c, const char *name, const struct cgroup_limits *limits);
/* True when a process of the group was killed for using too much memory. */
bool cgroup_was_out_of_memory(const struct cgroups *c, const char *name);
/* Kills what is still in it, removes it; absent is fine. Takes a moment while its processes die. */
void cgroup_remove(const struct cgroups *c, const char *name);
/* Removes all groups that nobody uses any more. */
void cgroups_sweep(const struct cgroups *c, bool (*is_used)(void *self, const char *name), void *self);

#endif
