#ifndef BASE_PROC_H
#define BASE_PROC_H
/* Running another program to its end: no shell, its own process group, bounded time and output, only the file
 * descriptors it is given. */

#include "base/buf.h"
#include "base/err.h"
#include "base/str.h"

#include <stdatomic.h>

struct proc_spec {
	char *const *argv; /* argv[0] is looked up in PATH; NULL-terminated */
	char *const *env;  /* "K=V", NULL-terminated; NULL: an empty environment with PATH only */
	const char *cwd;   /* NULL: this process's */
	const void *input; /* standard input, NULL: /dev/null */
	size_t input_len;
	int64_t timeout_ns;        /* 0: none. When over, the group gets SIGTERM, after a grace SIGKILL */
	int64_t grace_ns;          /* between both signals; 0: 2 s */
	size_t output_max;         /* bytes kept of each of stdout and stderr; the rest is read and dropped */
	bool merge_stderr;         /* stderr goes into stdout's buffer, in the order written */
	const atomic_bool *cancel; /* when it becomes true, as if the time were over; may be NULL */
	/* Called with each piece of output as it comes, on the calling thread; may be NULL. stream: 1 or 2. */
	void (*on_output)(void *self, int stream, const char *data, size_t len);
	void *self;
	/* Checked about every 200 ms; true ends the program as if the time were over (e.g. a folder grew too large). */
	bool (*over_limit)(void *self);
};

struct proc_result {
	int exit_code;  /* 0..255, or -1 when ended by a signal */
	int signal;     /* 0 unless ended by one */
	bool timed_out; /* by the time limit */
	bool cancelled;
	bool limited;   /* by over_limit */
	bool truncated; /* output was dropped */
	struct buf out, err_out;
	int64_t duration_ns;
};

/* 0 when the program ran, however it ended; negative when it could not be started (ERR_NOT_FOUND: no such program).
 * What it leaves running in its process group is killed when it ends. */
int proc_run(const struct proc_spec *spec, struct proc_result *ret, struct err *err);
void proc_result_clear(struct proc_result *r);
#define _cleanup_proc_result_ _cleanup_(proc_result_clear)

/* Path of a program in PATH (free()), or NULL. */
char *proc_find(const char *name);
/* Start time of a process in clock ticks since boot (field 22 of /proc/PID/stat): with the pid it names one process
 * for as long as the machine runs. 0 when there is none. */
uint64_t proc_start_time(pid_t pid);

#endif
