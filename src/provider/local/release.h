#ifndef LOCAL_RELEASE_H
#define LOCAL_RELEASE_H
/* A release: one commit's tree with its dependencies and what its build made, in a folder of its own:
 *
 *   DIR/src        the tree, /app of the sandbox
 *   DIR/build.log  what installing and building printed (bounded)
 *   DIR/done       there when all went well; without it the folder is thrown away and made anew
 *
 * Builds wait in a queue and are run by a few threads. */

#include "base/err.h"
#include "cgroup.h"
#include "codec/json.h"
#include "git/git.h"
#include "kube/client.h"

#include <stdatomic.h>

struct release_job {
	char *key;        /* of the application, "ns/name" */
	char *id;         /* of the release: release_id() */
	char *dir;        /* where it goes */
	char *home_dir;   /* kept between builds: the caches of package managers */
	json_t *spec;     /* forProvider of the Process */
	char **env;       /* of the application, for builds that want it */
	char *remove_dir; /* instead of a build: remove this tree */
	atomic_bool cancelled; /* by builder_cancel(), or because the builder ends */
};

struct release_result {
	const char *reason; /* NULL: it is there; else CloneFailed, InstallFailed, BuildFailed */
	char *message;      /* one sentence */
	bool is_transient;  /* worth another try */
	double seconds;
};

struct builder_config {
	struct kube_client *client;
	const char *git_dir, *scia_path;
	bool allow_local;
	int64_t timeout_ns, size_max, log_max;
	enum cgroup_version cgroups;
	int threads;
	/* Called from a builder's thread. */
	void (*done)(void *self, const struct release_job *job, const struct release_result *result);
	void *self;
};

struct builder;
struct builder *builder_new(const struct builder_config *config, struct err *err);
/* Ends what is under way. */
struct builder *builder_free(struct builder *b);
/* Takes the job over. */
void builder_submit(struct builder *b, struct release_job *job);
/* Ends the builds of an application, those under way and those that wait; each is still told to done(), soon. */
void builder_cancel(struct builder *b, const char *key);
void release_job_free(struct release_job *job);

/* 16 hexadecimal digits over what a release is made of: source and commands. */
void release_id(const json_t *for_provider, char ret[static 17]);
bool release_is_done(const char *dir);

/* The line of a log that most likely says what went wrong, and its number from 1; NULL when the log says nothing
 * (free()). */
char *log_find_cause(const char *path, int64_t *ret_line);

#endif
