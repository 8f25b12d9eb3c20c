/* From what is to what is wanted, one step at a time. A step never waits: it looks, acts, and says when to look again.
 *
 * A new release is started beside the one that serves. Only when an instance of it passes its health check does it get
 * requests, and only then does an old one go: its kept connections end between requests (drain), then it is asked to
 * stop. When what is new does not get healthy, it is given up and the old goes on serving. */

#include "app.h"

#include "base/clock.h"
#include "base/fs.h"
#include "base/str.h"
#include "listen_port.h"

#include <dirent.h>
#include <errno.h>

#define START_TIMEOUT_NS (60 * NS_PER_S)
#define START_PROBE_NS (50 * NS_PER_MS)
#define DRAIN_TIMEOUT_NS (30 * NS_PER_S)
#define BACKOFF_BASE_NS (1 * NS_PER_S)
#define BACKOFF_MAX_NS (60 * NS_PER_S)
#define BUILD_RETRY_NS (15 * NS_PER_S)
#define BUILD_RETRY_MAX_NS (600 * NS_PER_S)
#define ATTEMPTS_BEFORE_FAILED 3
#define LIVED_LONG_NS (60 * NS_PER_S)
#define IDLE_LOOK_NS (1 * NS_PER_S)
#define FAR_NS (3600 * NS_PER_S)
#define LOG_TAIL_SHOWN 4096

static void look_again(struct app *a, int64_t at_ns)
{
	if (at_ns < a->due_ns)
		a->due_ns = at_ns;
}

static bool is_wanted(const struct app *a, const struct instance *i)
{
	return str_eq(i->run_hash, a->run_hash);
}

static int64_t check_seconds(const struct app *a, const char *field, int64_t otherwise)
{
	return json_get_int(json_object_get(a->spec, "healthCheck"), field, otherwise);
}

static int64_t start_timeout(const struct app *a)
{
	int64_t asked = check_seconds(a, "initialDelaySeconds", 0) +
	                check_seconds(a, "periodSeconds", 10) * check_seconds(a, "failureThreshold", 3);
	return asked * NS_PER_S > START_TIMEOUT_NS ? asked * NS_PER_S : START_TIMEOUT_NS;
}

static int64_t backoff(int attempts)
{
	int shift = attempts < 2 ? 0 : attempts - 2;
	int64_t delay = shift > 10 ? BACKOFF_MAX_NS : BACKOFF_BASE_NS << shift;
	return attempts < 1 ? 0 : (delay < BACKOFF_MAX_NS ? delay : BACKOFF_MAX_NS);
}

static bool has_other_serving(const struct app *a)
{
	const struct instance *i;
	TAILQ_FOREACH (i, &a->instances, next) {
		if (!is_wanted(a, i) && i->state == INSTANCE_READY)
			return true;
	}
	return false;
}

static void save(struct app *a)
{
	_cleanup_err_ struct err err = { 0 };
	if (app_save(a, &err) < 0)
		log_warn(a->provider->config.log, "process %s: %s", a->key, err_message(&err));
}

/* What is wanted will not run: say so, and leave what serves alone. */
static void give_up(struct app *a)
{
	if (a->failed_revision == a->revision && str_eq(a->failed_hash, a->run_hash))
		return;
	memcpy(a->failed_hash, a->run_hash, sizeof(a->failed_hash));
	a->failed_revision = a->revision;
	save(a);
}

static bool was_given_up(const struct app *a)
{
	return str_eq(a->failed_hash, a->run_hash) && has_other_serving(a);
}

/* ---- builds ---- */

static void submit_build(struct app *a)
{
	struct release_job *job = new0(struct release_job);
	job->key = xstrdup(a->key);
	job->id = xstrdup(a->release_id);
	job->dir = app_release_dir(a, a->release_id);
	/* Shared within a namespace, so that what one application fetched another need not; never between tenants. */
	job->home_dir = xasprintf("%s/homes/%s", a->provider->dir, a->ns);
	job->spec = json_deep_copy(a->spec);
	job->env = strv_copy(a->env);
	a->build = BUILD_RUNNING;
	memcpy(a->build_id, a->release_id, sizeof(a->build_id));
	builder_submit(a->provider->builder, job);
}

/* True when the wanted release is on disk. */
static bool ensure_release(struct app *a, int64_t now)
{
	bool is_about_this = str_eq(a->build_id, a->release_id);
	if (is_about_this && a->build == BUILD_DONE)
		return true;
	_cleanup_free_ char *dir = app_release_dir(a, a->release_id);
	if (a->build != BUILD_RUNNING && release_is_done(dir)) {
		a->build = BUILD_DONE;
		memcpy(a->build_id, a->release_id, sizeof(a->build_id));
		return true;
	}
	if (a->build == BUILD_RUNNING && !is_about_this)
		builder_cancel(a->provider->builder, a->key); /* nobody wants it any more */
	if (a->build == BUILD_RUNNING || !a->has_env)
		return false;
	if (is_about_this && a->build == BUILD_FAILED && (was_given_up(a) || now < a->build_retry_ns)) {
		if (!was_given_up(a))
			look_again(a, a->build_retry_ns);
		return false;
	}
	submit_build(a);
	return false;
}

void app_build_done(struct app *a, const struct release_job *job, const struct release_result *result, int64_t now)
{
	if (job->remove_dir)
		return;
	if (atomic_load(&job->cancelled)) {
		a->build = BUILD_NONE;
		return;
	}
	a->build_seconds = result->seconds;
	if (!result->reason) {
		a->build = BUILD_DONE;
		return;
	}
	a->build = BUILD_FAILED;
	if (!str_eq(job->id, a->release_id))
		return; /* of something no longer wanted */
	int shift = a->build_attempts < 6 ? a->build_attempts : 6;
	int64_t delay = BUILD_RETRY_NS << shift;
	a->build_attempts++;
	a->build_retry_ns = now + (delay < BUILD_RETRY_MAX_NS ? delay : BUILD_RETRY_MAX_NS);
	app_set_trouble(a, result->reason, result->message);
	app_event(a, KUBE_EVENT_WARNING, result->reason, "%s", result->message);
	/* A network that is away for a moment is no verdict on the revision. */
	if (!result->is_transient || a->build_attempts >= ATTEMPTS_BEFORE_FAILED)
		give_up(a);
}

static bool is_release_used(const struct app *a, const char *id)
{
	const struct instance *i;
	if (str_eq(id, a->release_id) || (a->build == BUILD_RUNNING && str_eq(id, a->build_id)))
		return true;
	TAILQ_FOREACH (i, &a->instances, next) {
		if (str_eq(id, i->release_id))
			return true;
	}
	return false;
}

/* Releases nothing needs any more; removing them takes long, so a builder does it. */
static void remove_old_releases(struct app *a)
{
	_cleanup_free_ char *parent = fs_join(a->dir, "releases");
	DIR *dir = opendir(parent);
	if (!dir)
		return;
	for (struct dirent *entry; (entry = readdir(dir));) {
		if (entry->d_name[0] == '.' || is_release_used(a, entry->d_name))
			continue;
		struct release_job *job = new0(struct release_job);
		job->key = xstrdup(a->key);
		job->remove_dir = fs_join(parent, entry->d_name);
		builder_submit(a->provider->builder, job);
	}
	closedir(dir);
}

/* ---- the end of an instance ---- */

static char *read_log_tail(const struct instance *i)
{
	_cleanup_free_ char *path = fs_join(i->dir, "log"), *text = NULL;
	_cleanup_err_ struct err ignored = { 0 };
	size_t len;
	if (fs_read_file(path, 64 * 1024 * 1024, &text, &len, &ignored) < 0)
		return NULL;
	return xstrdup(len > LOG_TAIL_SHOWN ? text + len - LOG_TAIL_SHOWN : text);
}

static char *describe_exit(struct app *a, const struct instance *i, int64_t now)
{
	_cleanup_free_ char *log = fs_join(i->dir, "log");
	int64_t line;
	_cleanup_free_ char *cause = log_find_cause(log, &line);
	double lived = (double)(now - i->started_ns) / (double)NS_PER_S;

	if (cgroup_was_out_of_memory(a->provider->cgroups, i->cgroup)) {
		const char *limit = json_str_at(a->spec, "resources", "memory", NULL);
		return xasprintf("was killed: it used more memory than its limit of %s", limit ? limit : "the machine");
	}
	if (a->last_exit.signal || a->last_exit.code > 128)
		return xasprintf("was ended by signal %d after %.1f s",
		                 a->last_exit.signal ? a->last_exit.signal : a->last_exit.code - 128, lived);
	if (a->last_exit.code == 127)
		return xasprintf("cannot start: %s", cause ? cause : "the start command was not found");
	return xasprintf("exited with %d after %.1f s%s%s", a->last_exit.code, lived, cause ? ": " : "",
	                 cause ? cause : "");
}

static void note_exit(struct app *a, const struct instance *i)
{
	a->last_exit.code = -1;
	a->last_exit.signal = SIGKILL; /* a shim that could not even say it was killed itself */
	instance_read_exit(i, &a->last_exit.code, &a->last_exit.signal);
	a->last_exit.wall_ns = clock_wall_ns();
	free(a->last_exit.log);
	a->last_exit.log = read_log_tail(i);
}

static void count_failure(struct app *a, int64_t now)
{
	a->attempts++;
	a->backoff_until_ns = now + backoff(a->attempts);
	if (a->attempts >= ATTEMPTS_BEFORE_FAILED)
		give_up(a);
}

/* It ended though nobody asked for it. */
static void on_unexpected_end(struct app *a, struct instance *i, int64_t now)
{
	bool served = i->state == INSTANCE_READY;
	note_exit(a, i);
	_cleanup_free_ char *what = describe_exit(a, i, now);
	a->restarts++;
	if (served) {
		app_event(a, KUBE_EVENT_WARNING, "DriftDetected", "process %d %s", (int)i->child, what);
		a->drift_open = true;
	}
	if (!is_wanted(a, i))
		return;
	app_set_trouble(a, "Exited", what);
	if (served && now - i->ready_ns > LIVED_LONG_NS)
		a->attempts = 0;
	/* The first end after a healthy life is answered at once. */
	if (served && a->attempts == 0)
		a->attempts = 1;
	else
		count_failure(a, now);
}

static void collect_ended(struct app *a, int64_t now)
{
	struct instance *i, *next;
	for (i = TAILQ_FIRST(&a->instances); i; i = next) {
		next = TAILQ_NEXT(i, next);
		if (!instance_has_ended(i))
			continue;
		if (i->state != INSTANCE_STOPPING && i->state != INSTANCE_DRAINING && !a->is_deleting)
			on_unexpected_end(a, i, now);
		instance_remove(a, i);
	}
}

/* ---- health ---- */

static void become_ready(struct app *a, struct instance *i, int64_t now)
{
	i->state = INSTANCE_READY;
	i->ready_ns = now;
	i->failures = 0;
	instance_settle(a, i);
	proxy_backend_add(a->proxy, i->backend_port);
	if (!is_wanted(a, i))
		return;
	a->verified_ns = now;
	if (a->drift_open) {
		app_event(a, KUBE_EVENT_NORMAL, "DriftHealed", "runs again, as process %d", (int)i->child);
		a->drift_open = false;
	}
}

static void fail_start(struct app *a, struct instance *i, const char *reason, const char *message, int64_t now)
{
	if (is_wanted(a, i)) {
		app_set_trouble(a, reason, message);
		count_failure(a, now);
	}
	instance_stop(i, now);
}

static void on_bad_probe(struct app *a, struct instance *i, const char *message, int64_t now)
{
	int64_t threshold = check_seconds(a, "failureThreshold", 3);
	free(i->probe_message);
	i->probe_message = xstrdup_or_null(message);
	if (i->state == INSTANCE_STARTING && !i->was_open)
		return; /* not listening yet: the start's deadline decides */
	if (++i->failures < threshold)
		return;
	_cleanup_free_ char *what = xasprintf("health check: %s, %d times in a row", message, i->failures);
	if (i->state == INSTANCE_READY) {
		app_event(a, KUBE_EVENT_WARNING, "HealthCheckFailed", "%s", what);
		a->restarts++;
		proxy_backend_drain(a->proxy, i->backend_port);
	}
	fail_start(a, i, "HealthCheckFailed", what, now);
}

void app_probe_done(struct app *a, struct instance *i, bool ok, bool is_open, const char *message, int64_t now)
{
	bool was_open = i->was_open;
	i->is_probing = false;
	i->was_open |= is_open;
	/* While it starts a failed request counts once a period, as it would later. */
	int64_t period = check_seconds(a, "periodSeconds", 10) * NS_PER_S;
	i->next_probe_ns = now + (i->state == INSTANCE_STARTING && !i->was_open ? START_PROBE_NS : period);
	if (i->state != INSTANCE_STARTING && i->state != INSTANCE_READY)
		return;
	if (!ok) {
		on_bad_probe(a, i, message, now);
		if (!was_open && i->was_open)
			i->next_probe_ns = now + (period < NS_PER_S ? period : NS_PER_S);
	} else if (i->state == INSTANCE_STARTING) {
		become_ready(a, i, now);
	} else {
		i->failures = 0;
	}
	a->due_ns = now;
}

/* A program that ignores PORT is asked where it listens. */
static void find_backend_port(struct app *a, struct instance *i)
{
	if (i->child == 0 && !instance_find(i))
		return;
	int port = listen_port_of(i->child, i->port);
	if (port == 0)
		return;
	i->backend_port = port;
	a->has_fixed_port = port != i->port;
}

static void watch_start(struct app *a, struct instance *i, int64_t now)
{
	if (i->backend_port == 0)
		find_backend_port(a, i);
	if (now - i->started_ns < start_timeout(a))
		return;
	_cleanup_free_ char *message =
		i->backend_port == 0
			? xasprintf("never opened a port: it was told PORT=%d and listened nowhere within %lld s", i->port,
	                    (long long)(start_timeout(a) / NS_PER_S))
			: xasprintf("did not get healthy within %lld s: %s", (long long)(start_timeout(a) / NS_PER_S),
	                    i->probe_message ? i->probe_message : "no answer to its health check");
	fail_start(a, i, i->backend_port == 0 ? "PortNeverOpened" : "HealthCheckFailed", message, now);
}

static void check_health(struct app *a, struct instance *i, int64_t now)
{
	const json_t *check = json_object_get(a->spec, "healthCheck");
	if (i->state == INSTANCE_STARTING)
		watch_start(a, i, now);
	if (i->state > INSTANCE_READY || i->is_probing)
		return;
	int64_t earliest = i->started_ns + check_seconds(a, "initialDelaySeconds", 0) * NS_PER_S;
	if (i->state == INSTANCE_STARTING && i->next_probe_ns < earliest)
		i->next_probe_ns = earliest;
	if (now < i->next_probe_ns || i->backend_port == 0) {
		look_again(a, i->backend_port == 0 ? now + START_PROBE_NS : i->next_probe_ns);
		return;
	}
	i->is_probing = true;
	prober_submit(a->provider->prober, i->id, i->backend_port, json_get_str(check, "path"),
	              check_seconds(a, "timeoutSeconds", 5) * NS_PER_S);
}

/* ---- starting and stopping ---- */

static void drain(struct app *a, struct instance *i, int64_t now)
{
	if (i->state >= INSTANCE_DRAINING)
		return;
	if (i->state == INSTANCE_STARTING) {
		instance_stop(i, now);
		return;
	}
	proxy_backend_drain(a->proxy, i->backend_port);
	i->state = INSTANCE_DRAINING;
	i->deadline_ns = now + DRAIN_TIMEOUT_NS;
}

static void watch_end(struct app *a, struct instance *i, int64_t now)
{
	if (i->state == INSTANCE_DRAINING) {
		if (proxy_backend_active(a->proxy, i->backend_port) == 0 || now >= i->deadline_ns)
			instance_stop(i, now);
		else
			look_again(a, now + START_PROBE_NS);
	}
	if (i->state != INSTANCE_STOPPING)
		return;
	if (now >= i->deadline_ns)
		instance_kill(i);
	look_again(a, now >= i->deadline_ns ? now + NS_PER_S : i->deadline_ns);
}

static bool is_idle(const struct app *a, int64_t now)
{
	struct proxy_stats stats;
	int64_t idle_ns = json_get_int(a->spec, "idleSeconds", 60) * NS_PER_S;
	proxy_get_stats(a->proxy, &stats);
	int64_t last = stats.last_activity_ns > a->verified_ns ? stats.last_activity_ns : a->verified_ns;
	return stats.active == 0 && last != 0 && now - last >= idle_ns;
}

/* How many instances of what is wanted there should be now. */
static int wanted_now(struct app *a, int64_t now)
{
	if (!str_eq(app_mode(a), "serverless"))
		return app_wanted_replicas(a);
	/* Every new release is started once, to know that it works. */
	bool is_verified = str_eq(a->serving_hash, a->run_hash);
	bool is_running = app_count(a, a->run_hash, false) > 0;
	if (!is_verified)
		return 1;
	look_again(a, now + IDLE_LOOK_NS);
	if (is_running)
		return is_idle(a, now) ? 0 : 1;
	return a->last_demand_ns && now - a->last_demand_ns < 2 * NS_PER_S ? 1 : 0;
}

static void start_missing(struct app *a, int wanted, int64_t now)
{
	int running = (int)app_count(a, a->run_hash, false), ready = (int)app_count(a, a->run_hash, true);
	bool others = has_other_serving(a);
	if (now < a->backoff_until_ns) {
		look_again(a, a->backoff_until_ns);
		return;
	}
	/* Beside what serves one comes up at a time; when nothing serves, all do. */
	while (running < wanted && (!others || running == ready)) {
		if (a->has_fixed_port && TAILQ_FIRST(&a->instances))
			return; /* two of them cannot listen at a time */
		_cleanup_err_ struct err err = { 0 };
		struct instance *i = instance_start(a, &err);
		if (i && supervisor_watch(a->provider, i) < 0)
			err_set_errno(&err, errno, "watching a process");
		if (err_is_set(&err)) {
			app_set_trouble(a, "StartFailed", err_message(&err));
			count_failure(a, now);
			look_again(a, a->backoff_until_ns);
			return;
		}
		running++;
	}
}

/* Old instances go as new ones take over; surplus ones go too. */
static void stop_surplus(struct app *a, int wanted, int64_t now)
{
	int ready = (int)app_count(a, a->run_hash, true), running = (int)app_count(a, a->run_hash, false);
	int old_allowed = ready >= wanted ? 0 : wanted - ready, old = 0;
	bool is_built = a->build == BUILD_DONE && str_eq(a->build_id, a->release_id);
	bool make_room = a->has_fixed_port && is_built && !was_given_up(a) && running == 0;
	struct instance *i;

	if (was_given_up(a))
		wanted = 0;
	TAILQ_FOREACH (i, &a->instances, next) {
		if (i->state >= INSTANCE_DRAINING)
			continue;
		if (is_wanted(a, i) ? running-- > wanted : (make_room || (!was_given_up(a) && ++old > old_allowed)))
			drain(a, i, now);
	}
}

static void note_completion(struct app *a, int wanted)
{
	bool is_done = (int)app_count(a, a->run_hash, true) >= wanted && (wanted > 0 || app_wanted_replicas(a) == 0);
	bool is_known = str_eq(a->serving_hash, a->run_hash) && a->serving_revision == a->revision;
	if (!is_done && !(is_known && wanted == 0))
		return;
	app_set_trouble(a, NULL, NULL);
	if (is_known)
		return;
	memcpy(a->serving_hash, a->run_hash, sizeof(a->serving_hash));
	a->serving_revision = a->revision;
	a->failed_hash[0] = '\0';
	a->failed_revision = 0;
	save(a);
	remove_old_releases(a);
}

static bool step_deletion(struct app *a, int64_t now)
{
	struct instance *i;
	TAILQ_FOREACH (i, &a->instances, next)
		instance_stop(i, now);
	TAILQ_FOREACH (i, &a->instances, next)
		watch_end(a, i, now);
	if (a->build == BUILD_RUNNING)
		builder_cancel(a->provider->builder, a->key);
	if (TAILQ_FIRST(&a->instances) || a->build == BUILD_RUNNING)
		return false;
	return true;
}

/* The same program under another revision number: it need not start again. */
static void relabel(struct app *a)
{
	struct instance *i;
	TAILQ_FOREACH (i, &a->instances, next) {
		if (is_wanted(a, i))
			i->revision = a->revision;
	}
}

static void report_changes(struct app *a)
{
	bool ready;
	const char *reason;
	char *message;
	_cleanup_json_ json_t *status = app_status(a, &ready, &reason, &message);
	free(message);
	char *now = json_to_str(status);
	if (!str_eq(now, a->last_seen) && a->provider->config.changed)
		a->provider->config.changed(a->provider->config.self, a->ns, a->name);
	free(a->last_seen);
	a->last_seen = now;
}

bool app_step(struct app *a, int64_t now)
{
	struct instance *i;
	a->due_ns = now + FAR_NS;
	collect_ended(a, now);
	if (a->is_deleting)
		return step_deletion(a, now);
	relabel(a);
	int wanted = wanted_now(a, now);
	if (ensure_release(a, now) && a->has_env && !was_given_up(a))
		start_missing(a, wanted, now);
	TAILQ_FOREACH (i, &a->instances, next)
		check_health(a, i, now);
	stop_surplus(a, wanted, now);
	TAILQ_FOREACH (i, &a->instances, next)
		watch_end(a, i, now);
	note_completion(a, wanted);
	report_changes(a);
	return false;
}

void app_demand(struct app *a, int64_t now)
{
	a->last_demand_ns = now;
	a->due_ns = now;
}
