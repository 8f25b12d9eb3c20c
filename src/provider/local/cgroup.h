#ifndef LOCAL_CGROUP_H
#define LOCAL_CGROUP_H
/* Resource limits of a group of processes: control groups v2 where they can be had, else v1, else none (the caller then
 * falls back to rlimits). */

#include "base/err.h"
#include "base/str.h"

enum cgroup_version { CGROUP_NONE, CGROUP_V1, CGROUP_V2 };

struct cgroup_limits {
	int64_t memory;    /* bytes; 0: none */
	int64_t cpu_milli; /* thousandths of a core; 0: none */
	int64_t pids;      /* 0: none */
};

/* What this machine lets us use. */
enum cgroup_version cgroup_probe(void);
/* Makes (or changes) the group scia/NAME. *ret_procs: the cgroup.procs files to write oneself into (strv_free());
 * empty when nothing could be made, which is no error: limits are then the caller's. */
void cgroup_make(enum cgroup_version version, const char *name, const struct cgroup_limits *limits, char ***ret_procs);
/* True when a process of the group was killed for using too much memory. */
bool cgroup_was_out_of_memory(enum cgroup_version version, const char *name);
/* Kills what is still in it, removes it; absent is fine. */
void cgroup_remove(enum cgroup_version version, const char *name);

#endif
