#ifndef PROVIDER_LOCAL_LOCAL_H
#define PROVIDER_LOCAL_LOCAL_H
/* The local provider: a Process resource made real on this machine. It checks the commit out, installs and builds it in
 * an isolated work folder, runs it with bubblewrap and resource limits, watches its health, and puts a stable loopback
 * endpoint before it.
 *
 *   vm          one supervised process, restarted with back-off (a new revision starts beside the old one, then takes
 *               over)
 *   kubernetes  N replicas behind the proxy, rolling update with health gates
 *   serverless  none until a request comes; stopped after idleSeconds without one
 *
 * Every process runs below a scia-shim of its own, which outlives this program: it holds the lock that makes the
 * process exist exactly once, captures and rotates its log and records how it ended. After a restart the provider finds
 * the shims again by those locks and adopts them; nothing is restarted. docs/internals/local-provider.md says more. */

#include "net/http_server.h"
#include "provider/provider.h"

struct local_provider;

struct local_provider_config {
	const char *data_dir;  /* work folders, logs, state; made with mode 0700 */
	const char *shim_path; /* the scia-shim program; NULL: beside this program */
	const char *scia_path; /* this program, made available to applications for "scia serve"; NULL: /proc/self/exe */
	bool allow_local_repositories;
	int64_t build_timeout_ns;   /* 0: 20 min */
	int64_t build_size_max;     /* bytes of a work folder; 0: 4 GiB */
	int64_t disk_max;           /* bytes that a running application may have below /app; 0: 4 GiB */
	int64_t log_max;            /* bytes of a log before it is rotated (two are kept); 0: 8 MiB */
	int builds_at_once;         /* 0: 2 */
	const char *cgroup_root;    /* where control groups are; NULL: /sys/fs/cgroup */
	struct kube_client *client; /* for Secrets */
	struct kube_recorder *recorder;
	struct logger *log;
	struct metrics *metrics;
	/* Something about a Process changed outside: reconcile it. Called from any thread, with our lock held: it must not
	 * call back, nor wait for somebody who does. */
	void (*changed)(void *self, const char *ns, const char *name);
	void *self;
};

/* Adopts what runs from before. */
int local_provider_start(const struct local_provider_config *config, struct local_provider **ret, struct err *err);
/* leave_running: applications go on without their proxy (a restart re-adopts them); else all are stopped. Frees. */
struct local_provider *local_provider_stop(struct local_provider *p, bool leave_running);
struct provider_driver local_provider_driver(struct local_provider *p);

/* GET …/processes/NAME/log?follow=true&tailLines=N&build=true&previous=true&replica=N: apiserver_mount()'s form. */
void local_provider_serve_log(void *provider, const char *ns, const char *name, struct http_request *req);

#endif
