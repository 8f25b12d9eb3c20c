#ifndef BENCH_TARGET_H
#define BENCH_TARGET_H
/* A server that is measured: ours, started for the purpose, or one of a kubeconfig. */

#include "connection.h"

#include <sys/types.h>

#define TARGET_PIDS_MAX 8

struct target {
	const char *name;
	struct endpoint endpoint;
	pid_t pids[TARGET_PIDS_MAX]; /* of its processes (kube-apiserver and etcd), for processor time and memory */
	size_t pids_len;
	char *program, *data; /* of ours */
	double ready_ms;      /* of the last start of ours */
};

/* From a kubeconfig. pids: "12,34" or NULL. */
int target_open(struct target *t, const char *name, const char *kubeconfig, const char *pids, struct err *err);
/* Ours, with a new data folder below `folder`. */
int target_start(struct target *t, const char *name, const char *program, const char *folder, struct err *err);
/* Stops ours and starts it again with the same data. */
int target_restart(struct target *t, struct err *err);
/* Stops ours and removes its data. */
void target_done(struct target *t);

bool target_has_processes(const struct target *t);
/* Processor time of all threads, seconds. 0: not known. */
double target_cpu_s(const struct target *t);
/* Resident memory, MB. */
double target_rss_mb(const struct target *t);

#endif
