#ifndef LOCAL_APP_H
#define LOCAL_APP_H
/* The local provider's inside: applications (one a Process), their instances (one a running program), and the rules by
 * which one thread, the supervisor, drives what is towards what is wanted.
 *
 * Everything here is guarded by local_provider.lock. On disk, below DATA/apps/NS/NAME:
 *
 *   app.json            what is wanted and which port the endpoint has; written before anything is started
 *   releases/ID/        see release.h
 *   instances/ID/       the folder of a scia-shim, and instance.json: which release and port it runs with
 *   previous.log        of the instance that ended last
 *
 * DATA/homes/NS: the home folder of a namespace's builds, with the caches of package managers. */

#include "cgroup.h"
#include "net/reverse_proxy.h"
#include "probe.h"
#include "provider/local/local.h"
#include "release.h"

#include <pthread.h>
#include <sys/queue.h>

struct local_provider {
	struct local_provider_config config;
	char *dir, *git_dir, *shim_path, *scia_path;
	enum cgroup_version cgroups;
	struct err isolation; /* set when sandboxes cannot be made */
	pthread_mutex_t lock;
	struct map *apps; /* "ns/name" → struct app */
	struct proxy_set *proxies;
	struct prober *prober;
	struct builder *builder;
	uint64_t next_instance_id;
	int epoll_fd, wake_fd;
	pthread_t supervisor;
	bool is_supervised, stopping;
	int followers; /* clients that follow a log */
	pthread_cond_t follower_gone;
};

enum instance_state { INSTANCE_STARTING, INSTANCE_READY, INSTANCE_DRAINING, INSTANCE_STOPPING };

struct instance {
	TAILQ_ENTRY(instance) next;
	uint64_t id;
	enum instance_state state;
	char run_hash[17], release_id[17];
	int64_t revision;
	char *dir, *cgroup;
	int port;         /* what PORT says */
	int backend_port; /* where it really listens; 0: not known yet */
	pid_t shim, child;
	int pidfd;                                 /* of the shim */
	int64_t started_ns, ready_ns, deadline_ns; /* deadline: of starting, draining or stopping */
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
	bool has_env;
	int64_t revision;
	char run_hash[17], release_id[17];

	struct proxy *proxy;
	int port; /* of the endpoint */
	struct instance_list instances;

	enum build_state build;
	char build_id[17]; /* the release that state is about */
	const char *build_reason;
	char *build_message;
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
	bool is_deleting, is_orphaned, is_removing;
	bool drift_open; /* DriftDetected was said, DriftHealed not yet */
	int64_t due_ns;
	char *last_seen; /* digest of the status, to tell when it changes */
};

/* app.c */
struct app *app_new(struct local_provider *p, const char *ns, const char *name);
void app_free(void *app);
/* Takes over what the Process says. env: K=V, copied. */
void app_set_spec(struct app *a, const json_t *managed, char *const *env);
int app_save(struct app *a, struct err *err);
/* From app.json, with its instances adopted. NULL when there is nothing usable. */
struct app *app_load(struct local_provider *p, const char *ns, const char *name);
const char *app_mode(const struct app *a);
int app_wanted_replicas(const struct app *a);
char *app_release_dir(const struct app *a, const char *release_id);
/* Why it does not run, for people. message is copied; reason is static. */
void app_set_trouble(struct app *a, const char *reason, const char *message);
void app_event(struct app *a, enum kube_event_type type, const char *reason, const char *fmt, ...) _printf_(4, 5);
/* Status fields of the Process (a new reference), whether it serves, and the Ready condition's words. */
json_t *app_status(const struct app *a, bool *ret_ready, const char **ret_reason, char **ret_message);
size_t app_count(const struct app *a, const char *run_hash, bool only_ready);

/* instance.c */
struct instance *instance_start(struct app *a, struct err *err);
/* An instance folder found on disk: the instance when its shim lives, else NULL (and the folder is cleared away). */
struct instance *instance_adopt(struct app *a, const char *dir);
/* Reads who the shim and its program are; false while the shim has not written it down. */
bool instance_find(struct instance *i);
bool instance_has_ended(const struct instance *i);
/* Exit code and signal as the shim recorded them; false when it could not. */
bool instance_read_exit(const struct instance *i, int *ret_code, int *ret_signal);
/* It is ready: from now on it gets what it is meant to have. */
void instance_settle(const struct app *a, const struct instance *i);
void instance_stop(struct instance *i, int64_t now_ns);
void instance_kill(struct instance *i);
/* Forgets it: proxy, control group, folder (its log becomes previous.log). */
void instance_remove(struct app *a, struct instance *i);
void instance_free(struct instance *i);

/* rollout.c: one step of one application; sets due_ns to when it wants the next. True when it is gone and can be freed.
 */
bool app_step(struct app *a, int64_t now_ns);
void app_probe_done(struct app *a, struct instance *i, bool ok, bool is_open, const char *message, int64_t now_ns);
void app_build_done(struct app *a, const struct release_job *job, const struct release_result *result, int64_t now_ns);
void app_demand(struct app *a, int64_t now_ns);

/* log_server.c: waits for those who follow logs; stopping must be set. */
void log_server_stop(struct local_provider *p);

/* supervisor.c */
int supervisor_start(struct local_provider *p, struct err *err);
void supervisor_stop(struct local_provider *p);
void supervisor_wake(struct local_provider *p);
int supervisor_watch(struct local_provider *p, struct instance *i);

#endif
