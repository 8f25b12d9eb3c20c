/* When programs end or fail: why, and what follows from it. */

#include "app.h"

#include "base/clock.h"
#include "base/fs.h"
#include "base/str.h"
#include "log_text.h"

#include <signal.h>

#define BACKOFF_BASE_NS (1 * NS_PER_S)
#define BACKOFF_MAX_NS (60 * NS_PER_S)
#define BACKOFF_DOUBLINGS_MAX 6
#define ATTEMPTS_BEFORE_FAILED 3
#define LIVED_LONG_NS (60 * NS_PER_S)
#define LOG_TAIL_SHOWN ((size_t)4096)

/* ---- why ---- */

static char *read_log_tail(const struct app *a, const struct instance *i)
{
	_cleanup_free_ char *path = fs_join(i->dir, "log");
	char *text = log_read_tail(path, LOG_TAIL_SHOWN);
	log_mask(text, a->secrets);
	return text;
}

static void note_exit(struct app *a, const struct instance *i)
{
	a->last_exit.code = -1;
	a->last_exit.signal = SIGKILL; /* a shim that could not even say it was killed itself */
	instance_read_exit(i, &a->last_exit.code, &a->last_exit.signal);
	a->last_exit.wall_ns = clock_wall_ns();
	free(a->last_exit.log);
	a->last_exit.log = read_log_tail(a, i);
}

/* A signal's end as the shell and bubblewrap report it, too. */
static int exit_signal(const struct app *a)
{
	if (a->last_exit.signal)
		return a->last_exit.signal;
	return a->last_exit.code > 128 && a->last_exit.code < 128 + NSIG ? a->last_exit.code - 128 : 0;
}

static char *describe_out_of_memory(const struct app *a)
{
	const char *limit = json_str_at(a->spec, "resources", "memory", NULL);
	if (limit)
		return xasprintf("was killed: it used more memory than its limit of %s", limit);
	return xstrdup("was killed: it used nearly all of the machine's memory");
}

static char *describe_exit(const struct app *a, const struct instance *i, int64_t now)
{
	_cleanup_free_ char *log = fs_join(i->dir, "log");
	int64_t line;
	_cleanup_free_ char *cause = log_find_cause(log, 0, LOG_EXIT_TAIL, &line);
	double lived = (double)(now - i->started_ns) / (double)NS_PER_S;
	int number = exit_signal(a);

	log_mask(cause, a->secrets);
	if (cgroup_was_out_of_memory(a->provider->cgroups, i->cgroup))
		return describe_out_of_memory(a);
	if (number == SIGXFSZ)
		return xasprintf("was ended: it wrote a file larger than the %lld MiB that it may have in all",
		                 (long long)(a->provider->config.disk_max >> 20));
	if (number)
		return xasprintf("was ended by signal %d after %.1f s", number, lived);
	if (a->last_exit.code == 127)
		return xasprintf("cannot start: %s", cause ? cause : "the start command was not found");
	return xasprintf("exited with %d after %.1f s%s%s", a->last_exit.code, lived, cause ? ": " : "",
	                 cause ? cause : "");
}

/* ---- what follows ---- */

static int64_t backoff(int attempts)
{
	int doublings = attempts < 2 ? 0 : attempts - 2;
	int64_t delay = BACKOFF_BASE_NS << (doublings < BACKOFF_DOUBLINGS_MAX ? doublings : BACKOFF_DOUBLINGS_MAX);
	return delay < BACKOFF_MAX_NS ? delay : BACKOFF_MAX_NS;
}

void app_count_failure(struct app *a, int64_t now)
{
	a->attempts++;
	a->backoff_until_ns = now + backoff(a->attempts);
	if (a->attempts >= ATTEMPTS_BEFORE_FAILED)
		app_give_up(a);
}

/* The first failure after a healthy life is answered at once. */
static void count_end_of_serving(struct app *a, const struct instance *i, int64_t now)
{
	if (now - i->ready_ns > LIVED_LONG_NS)
		a->attempts = 0;
	if (a->attempts == 0)
		a->attempts = 1;
	else
		app_count_failure(a, now);
}

static bool has_sibling(const struct app *a, const struct instance *than)
{
	const struct instance *i;
	TAILQ_FOREACH (i, &a->instances, next) {
		if (i != than && i->pidfd >= 0)
			return true;
	}
	return false;
}

/* It could not have its port. True when that was told, or is nothing to tell of. */
static bool on_port_conflict(struct app *a, const struct instance *i, int64_t now)
{
	_cleanup_free_ char *log = fs_join(i->dir, "log");
	int port;
	if (!log_find_port_conflict(log, &port))
		return false;
	if (port == i->port)
		return true; /* somebody took the free port we had found: the next one is another */
	if (has_sibling(a, i)) {
		/* One of our own has it: this program insists on its port, so there can be only one at a time. */
		a->has_fixed_port = true;
		return true;
	}
	if (port == 0)
		port = (int)json_get_int(a->spec, "port", 0);
	_cleanup_free_ char *which = port ? xasprintf("port %d", port) : xstrdup("the port it wants");
	_cleanup_free_ char *message = xasprintf(
		"%s is used by another program on this machine, and the application insists on it: let it listen on the port "
		"that the variable PORT names, or stop the other program",
		which);
	app_set_trouble(a, "PortConflict", message);
	app_count_failure(a, now);
	return true;
}

/* It ended though nobody asked for it. */
static void on_unexpected_end(struct app *a, const struct instance *i, int64_t now)
{
	bool served = i->state == INSTANCE_READY;
	note_exit(a, i);
	_cleanup_free_ char *what = describe_exit(a, i, now);
	a->restarts++;
	if (served) {
		app_event(a, KUBE_EVENT_WARNING, "DriftDetected", "process %d %s", (int)i->child, what);
		metric_add(a->provider->drift_total, 1, METRIC_LABELS("Program"));
		a->drift_open = true;
	}
	if (!app_is_wanted(a, i) || (!served && on_port_conflict(a, i, now)))
		return;
	app_set_trouble(a, "Exited", what);
	if (served)
		count_end_of_serving(a, i, now);
	else
		app_count_failure(a, now);
}

void app_collect_ended(struct app *a, int64_t now)
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

void app_fail_instance(struct app *a, struct instance *i, const char *reason, const char *message, int64_t now)
{
	if (i->state == INSTANCE_READY) {
		a->restarts++;
		proxy_backend_drain(a->proxy, i->backend_port);
	}
	if (app_is_wanted(a, i)) {
		app_set_trouble(a, reason, message);
		if (i->state == INSTANCE_READY)
			count_end_of_serving(a, i, now);
		else
			app_count_failure(a, now);
	}
	instance_stop(i, now);
}

void app_launch_failed(struct app *a, struct instance *i, const struct err *err, int64_t now)
{
	if (app_is_wanted(a, i)) {
		app_set_trouble(a, "StartFailed", err_message(err));
		app_count_failure(a, now);
	}
	instance_remove(a, i);
	a->due_ns = now;
}
