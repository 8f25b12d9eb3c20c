#ifndef LOCAL_APP_H
#define LOCAL_APP_H
/* The local provider's inside: applications (one a Process), their instances (one a running program), and the rules by
 * which one thread, the supervisor, drives what is towards what is wanted.
 *
 * Locks. Everything here is guarded by local_provider.lock. Whoever holds it never waits for the outside: programs are
 * started after it was released (launch.h), trees and control groups are removed by the sweeper, sizes are measured by
 * the disk watch, ports are looked for and health is asked by the prober. The order is lock → what config.changed takes
 * (the controller's queue), lock → the proxies', lock → the queues of builder, prober, sweeper and log server; none of
 * those is held when the lock is taken. The proxies' thread may only try it.
 *
 * Only the supervisor's thread adds and removes instances, and applications but for adding one; so what it found stays
 * there while it works without the lock.
 *
 * On disk, below DATA/apps/NS/NAME:
 *
 *   app.json            what is wanted and which port the endpoint has; written before anything is started
 *   releases/ID/        see release.h
 *   instances/ID/       the folder of a scia-shim, and instance.json: what it runs
 *   previous.log        of the instance that ended last
 *
 * DATA/homes/NS: the home folder of a namespace's builds, with the caches of package managers. DATA/trash: what is
 * being removed. */

#include "builder.h"
#include "cgroup.h"
#include "net/reverse_proxy.h"
#include "probe.h"
#include "provider/local/local.h"
#include "sweeper.h"

#include <pthread.h>
#include <sys/queue.h>

#define PORTS 65536

struct launch;
struct disk_watch;
struct log_server;

struct local_provider {
	struct local_provider_config config;
	char *dir, *git_dir, *shim_path, *scia_path, *etc_dir;
	struct cgroups *cgroups;
	struct err isolation; /* set when sandboxes cannot be made */
	pthread_mutex_t lock;
	struct map *apps; /* "ns/name" → struct app */
	struct proxy_set *proxies;
	struct prober *prober;
	struct builder *builder;
	struct sweeper *sweeper;
	struct disk_watch *disk;
	struct log_server *logs;
	struct metric *drift_total; /* NULL without metrics */
	uint64_t next_instance_id;
	uint8_t told_ports[PORTS / 8];  /* a bit for each port that an instance was told */
	STAILQ_HEAD(, launch) launches; /* planned, not run yet */
	int epoll_fd, wake_fd;
	pthread_t supervisor;
	bool is_supervised, stopping;
};

enum instance_state { INSTANCE_STARTING, INSTANCE_READY, INSTANCE_DRAINING, INSTANCE_STOPPING };

struct instance {
	TAILQ_ENTRY(instance) next;
	uint64_t id;
	enum instance_state state;
	char run_hash[17], release_id[17];
	int64_t revision;
	int replica; /* the lowest number no other instance of the same run_hash has */
	char *dir, *cgroup;
	int port;         /* what PORT says */
	int backend_port; /* where it really listens; 0: not known yet */
	pid_t shim, child;
	int pidfd;                                 /* of the shim; -1: not started yet */
	int64_t started_ns, ready_ns, deadline_ns; /* deadline: of draining or stopping */
	int64_t started_wall_ns;
	int64_t next_probe_ns;
	bool is_listed, is_probing, was_open;
	int failures; /* probes in a row */
	char *probe_message;
};
TAILQ_HEAD(instance_list, instance);

enum build_state { BUILD_NONE, BUILD_RUNNING, BUILD_DONE, BUILD_FAILED };

struct app {
	struct local_provider *provider;
	char *key, *ns, *name, *dir;
	json_t *about, *deployment; /* what events are about: the Process, its Deployment (or NULL) */
	json_t *spec;               /* forProvider */
	char **env;                 /* resolved; NULL until the driver gave it (secrets are never on disk) */
	char **secrets;             /* the values in it that came from Secrets */
	bool has_env;
	int64_t revision;
	char run_hash[17], release_id[17];

	struct proxy *proxy;
	int port; /* of the endpoint */
	struct instance_list instances;

	enum build_state build;
	char build_id[17]; /* the release that state is about */
	double build_seconds;
	int build_attempts;
	int64_t build_retry_ns;

	char serving_hash[17]; /* of the last rollout that was completed */
	int64_t serving_revision;
	char failed_hash[17]; /* of the last one that was given up */
	int64_t failed_revision;
	char *trouble_reason, *trouble_message; /* why what is wanted does not run */
	int attempts;                           /* starts of what is wanted that failed in a row */
	int64_t backoff_until_ns, last_demand_ns, verified_ns;
	bool has_fixed_port; /* it ignores PORT: no two instances at a time */
	int restarts;
	struct {
		int code, signal;
		int64_t wall_ns;
		char *log;
	} last_exit;
	bool is_deleting, is_orphaned;
	bool drift_open; /* DriftDetected was said, DriftHealed not yet */
	int64_t due_ns;
	char *last_seen; /* digest of the status, to tell when it changes */
};

/* ---- app.c: what is wanted ---- */

struct app *app_new(struct local_provider *p, const char *ns, const char *name);
void app_free(void *app);
/* Takes over what the Process says. env: K=V, and the values of it that are secret; both copied. */
void app_set_spec(struct app *a, const json_t *managed, char *const *env, char *const *secrets);
int app_save(struct app *a, struct err *err);
/* The same, when there is nobody to tell but the log. */
void app_save_or_warn(struct app *a);
/* From app.json, without its instances. NULL when there is nothing usable. */
struct app *app_load(struct local_provider *p, const char *ns, const char *name);
const char *app_mode(const struct app *a);
/* How many instances it should have; a program that insists on its port can be there only once. */
int app_wanted_replicas(const struct app *a);
int64_t app_check_setting(const struct app *a, const char *field, int64_t otherwise); /* of spec.healthCheck */
char *app_release_dir(const struct app *a, const char *release_id);
bool app_is_wanted(const struct app *a, const struct instance *i); /* it runs what is wanted now */
/* Is there an instance of something else that serves? */
bool app_has_other_serving(const struct app *a);
/* Instances that start or serve (or only those that serve); run_hash NULL: of anything. */
size_t app_count(const struct app *a, const char *run_hash, bool only_ready);
/* Why it does not run, for people; both copied, NULL: it does. */
void app_set_trouble(struct app *a, const char *reason, const char *message);
void app_event(struct app *a, enum kube_event_type type, const char *reason, const char *fmt, ...) _printf_(4, 5);
/* Look again at that time at the latest. */
void app_look_again(struct app *a, int64_t at_ns);
/* What is wanted will not run: say so, and leave what serves alone. */
void app_give_up(struct app *a);
bool app_was_given_up(const struct app *a);

/* ---- status.c ---- */

/* Status fields of the Process (a new reference), whether it serves, and the Ready condition's words. */
json_t *app_status(const struct app *a, bool *ret_ready, const char **ret_reason, char **ret_message);
/* Has the status changed since the last call? Then config.changed is called. */
void app_report_changes(struct app *a);

/* ---- instance.c: one running program and its shim ---- */

/* Lists a new one, which the supervisor starts in a moment. */
struct instance *instance_start(struct app *a);
/* An instance folder found on disk: the instance when its shim lives, else NULL (and the folder is cleared away). Waits
 * until the deadline for a shim that is just starting. */
struct instance *instance_adopt(struct app *a, const char *dir, int64_t deadline_ns);
/* Reads who the shim and its program are; false while the shim has not written it down. */
bool instance_find(struct instance *i);
bool instance_has_ended(const struct instance *i);
/* Exit code and signal as the shim recorded them; false when it could not. */
bool instance_read_exit(const struct instance *i, int *ret_code, int *ret_signal);
/* It is ready: that is remembered for the next adoption, and from now on it gets what it is meant to have. */
void instance_settle(struct app *a, struct instance *i);
void instance_stop(struct instance *i, int64_t now_ns);
void instance_kill(struct instance *i);
/* Forgets it: proxy, control group, folder (its log becomes previous.log). */
void instance_remove(struct app *a, struct instance *i);
void instance_free(struct instance *i);
/* What instance.json says (free()). */
char *instance_record(const struct instance *i);

/* ---- builds.c ---- */

/* True when the wanted release is on disk; else it is on its way, as far as that is possible now. */
bool app_ensure_release(struct app *a, int64_t now_ns);
void app_build_done(struct app *a, const struct release_job *job, const struct release_result *result, int64_t now_ns);
/* Throws away releases that nothing needs any more. */
void app_remove_old_releases(struct app *a);
/* A release's folder grew too large while it ran: its instances are ended, and it is made anew. */
void app_over_quota(struct app *a, const char *release_id, int64_t max, int64_t now_ns);

/* ---- health.c ---- */

void app_check_health(struct app *a, struct instance *i, int64_t now_ns);
void app_probe_done(struct app *a, struct instance *i, const struct probe_result *result, int64_t now_ns);

/* ---- exits.c ---- */

/* Notices what ended, and what that means. */
void app_collect_ended(struct app *a, int64_t now_ns);
/* A start of what is wanted failed: back-off, and after a few the verdict. */
void app_count_failure(struct app *a, int64_t now_ns);
/* It did not get healthy, or was and is no more: it is stopped. */
void app_fail_instance(struct app *a, struct instance *i, const char *reason, const char *message, int64_t now_ns);
/* It could not be started at all. */
void app_launch_failed(struct app *a, struct instance *i, const struct err *err, int64_t now_ns);

/* ---- rollout.c ---- */

/* One step of one application; sets due_ns to when it wants the next. True when it is gone and can be freed. */
bool app_step(struct app *a, int64_t now_ns);
/* A request waits and nothing runs. */
void app_demand(struct app *a, int64_t now_ns);

/* ---- supervisor.c ---- */

int supervisor_start(struct local_provider *p, struct err *err);
void supervisor_stop(struct local_provider *p);
void supervisor_wake(struct local_provider *p);
int supervisor_watch(struct local_provider *p, const struct instance *i);
/* The application whose instance has that id, or NULL. */
struct app *supervisor_find(struct local_provider *p, uint64_t instance_id, struct instance **ret);

/* ---- driver.c ---- */

/* Opens the application's endpoint: on the port it had before; when somebody else has it now, on another. */
int app_open_proxy(struct app *a, struct err *err);

/* ---- log_server.c ---- */

struct log_server *log_server_new(struct local_provider *p, struct err *err);
struct log_server *log_server_free(struct log_server *s);

/* ---- disk_watch.c ---- */

struct disk_watch *disk_watch_new(struct local_provider *p, struct err *err);
struct disk_watch *disk_watch_free(struct disk_watch *d);

#endif
