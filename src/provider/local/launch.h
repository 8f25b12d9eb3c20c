#ifndef LOCAL_LAUNCH_H
#define LOCAL_LAUNCH_H
/* Starting a program takes milliseconds, more on a busy machine. So it is planned with the provider's lock held and
 * done without it. */

#include "app.h"

struct launch {
	STAILQ_ENTRY(launch) next;
	struct app *app;
	struct instance *instance;
	/* Copies, so that nothing of the above is read without the lock. */
	char *dir, *cgroup, *record;
	char **command, **env; /* of bubblewrap; of the program */
	struct cgroup_limits limits;
	/* What became of it. */
	pid_t pid;
	int pidfd;
	struct err err;
};

/* What the application's resources allow a running instance. */
struct cgroup_limits launch_limits(const struct app *a);

struct launch *launch_plan(struct app *a, struct instance *i);
/* The folder says what is about to run before it runs: a crash at any point leaves something that can be found. */
void launch_run(const struct local_provider *p, struct launch *l);
void launch_free(struct launch *l);

#endif
