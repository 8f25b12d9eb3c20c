#ifndef CLI_CONTROL_PLANE_H
#define CLI_CONTROL_PLANE_H
/* The controllers and providers of one process, wired together: the same for the embedded shape and for a cluster. */

#include "kube/client.h"
#include "base/log.h"
#include "base/metrics.h"
#include "provider/local/local.h"

struct control_plane;

struct control_plane_config {
	struct kube_client *client;
	const char *data_dir;
	const char *rules_path; /* NULL: built-in rules */
	bool with_local;        /* the local provider, and a CloudProvider "local" in every tenant */
	bool allow_local_repositories;
	int64_t poll_ns; /* repositories; 0: default */
	struct logger *log;
	struct metrics *metrics;
};

/* Returns when everything is synced and works. */
int control_plane_start(const struct control_plane_config *config, struct control_plane **ret, struct err *err);
/* leave_running: applications of the local provider go on. Frees; accepts NULL; returns NULL. */
struct control_plane *control_plane_stop(struct control_plane *cp, bool leave_running);
/* NULL without with_local. */
struct local_provider *control_plane_local(struct control_plane *cp);

#endif
