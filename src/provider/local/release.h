#ifndef LOCAL_RELEASE_H
#define LOCAL_RELEASE_H
/* A release: one commit's tree with its dependencies and what its build made, in a folder of its own:
 *
 *   DIR/src        the tree, /app of the sandbox
 *   DIR/build.log  what installing and building printed (bounded)
 *   DIR/done       there when all went well; without it the folder is thrown away and made anew */

#include "base/err.h"
#include "cgroup.h"
#include "codec/json.h"
#include "git/git.h"
#include "kube/client.h"

#include <stdatomic.h>

struct release_job {
	char *key;      /* of the application, "ns/name" */
	char *id;       /* of the release: release_id() */
	char *dir;      /* where it goes */
	char *home_dir; /* kept between builds: the caches of package managers */
	json_t *spec;   /* forProvider of the Process */
	char **env;     /* of the application, for builds that want it */
	char **secrets; /* values that no message may show */
	atomic_bool cancelled;
};

struct release_result {
	const char *reason; /* NULL: it is there; else CloneFailed, InstallFailed, BuildFailed */
	char *message;      /* one sentence */
	bool is_transient;  /* worth another try */
	double seconds;
};

/* What all builds have in common; all borrowed. */
struct release_config {
	struct kube_client *client; /* for Secrets */
	const char *git_dir, *scia_path, *etc_dir, *hide_dir;
	bool allow_local;
	int64_t timeout_ns, size_max, log_max;
	const struct cgroups *cgroups;
};

/* Makes the release, however long it takes; result->message is free()d by the caller. */
void release_build(const struct release_config *config, const struct release_job *job, struct release_result *result);

void release_job_free(struct release_job *job);

/* 16 hexadecimal digits over what a release is made of: source and commands. */
void release_id(const json_t *for_provider, char ret[static 17]);
bool release_is_done(const char *dir);
/* It must be made anew before it is used again. */
void release_spoil(const char *dir);

#endif
