/* Is a program there, and does it answer? */

#include "app.h"

#include "base/clock.h"
#include "base/str.h"

#define START_TIMEOUT_NS (60 * NS_PER_S)
#define START_PROBE_NS (50 * NS_PER_MS)
#define START_PROBE_MAX_NS (1 * NS_PER_S)
#define PERIOD_S 10
#define TIMEOUT_S 5
#define THRESHOLD 3

static int64_t start_timeout(const struct app *a)
{
	int64_t asked = app_check_setting(a, "initialDelaySeconds", 0) +
	                app_check_setting(a, "periodSeconds", PERIOD_S) *
	                    app_check_setting(a, "failureThreshold", THRESHOLD);
	return asked * NS_PER_S > START_TIMEOUT_NS ? asked * NS_PER_S : START_TIMEOUT_NS;
}

/* Often at first, when most programs open their port, then less: a thousand that never do must not keep us busy. */
static int64_t start_interval(const struct instance *i, int64_t now)
{
	int64_t interval = (now - i->started_ns) / 10;
	if (interval < START_PROBE_NS)
		return START_PROBE_NS;
	return interval < START_PROBE_MAX_NS ? interval : START_PROBE_MAX_NS;
}

static void become_ready(struct app *a, struct instance *i, int64_t now)
{
	i->state = INSTANCE_READY;
	i->ready_ns = now;
	i->failures = 0;
	instance_settle(a, i);
	proxy_backend_add(a->proxy, i->backend_port);
	if (!app_is_wanted(a, i))
		return;
	a->verified_ns = now;
	if (a->drift_open) {
		app_event(a, KUBE_EVENT_NORMAL, "DriftHealed", "runs again, as process %d", (int)i->child);
		a->drift_open = false;
	}
}

static void on_bad_probe(struct app *a, struct instance *i, const char *message, int64_t now)
{
	free(i->probe_message);
	i->probe_message = xstrdup_or_null(message);
	if (i->state == INSTANCE_STARTING && !i->was_open)
		return; /* not listening yet: the start's deadline decides */
	if (++i->failures < app_check_setting(a, "failureThreshold", THRESHOLD))
		return;
	_cleanup_free_ char *what = xasprintf("health check: %s, %d times in a row", message, i->failures);
	app_event(a, KUBE_EVENT_WARNING, "HealthCheckFailed", "%s", what);
	app_fail_instance(a, i, "HealthCheckFailed", what, now);
}

static void note_port(struct app *a, struct instance *i, int port)
{
	if (i->backend_port || !port)
		return;
	i->backend_port = port;
	if (a->has_fixed_port == (port != i->port))
		return;
	a->has_fixed_port = port != i->port;
	if (a->has_fixed_port && str_eq(app_mode(a), "kubernetes") && json_get_int(a->spec, "replicas", 1) > 1)
		app_event(a, KUBE_EVENT_WARNING, "ReplicasLimited",
		          "it listens on port %d though PORT says %d: one replica runs, as another could not listen there",
		          port, i->port);
}

void app_probe_done(struct app *a, struct instance *i, const struct probe_result *result, int64_t now)
{
	bool was_open = i->was_open;
	i->is_probing = false;
	if (i->state > INSTANCE_READY)
		return;
	note_port(a, i, result->port);
	i->was_open |= result->is_open;
	/* While it starts a failed request counts once a period, as it would later. */
	int64_t period = app_check_setting(a, "periodSeconds", PERIOD_S) * NS_PER_S;
	i->next_probe_ns = now + (i->was_open ? period : start_interval(i, now));
	if (!result->ok) {
		on_bad_probe(a, i, result->message, now);
		if (!was_open && i->was_open)
			i->next_probe_ns = now + (period < NS_PER_S ? period : NS_PER_S);
	} else if (i->state == INSTANCE_STARTING) {
		become_ready(a, i, now);
	} else {
		i->failures = 0;
	}
	a->due_ns = now;
}

static void submit_probe(struct app *a, struct instance *i)
{
	_cleanup_free_ char *host = xasprintf("127.0.0.1:%d", a->port);
	struct probe_request request = {
		.id = i->id,
		.port = i->backend_port,
		.root = i->child,
		.told_port = i->port,
		.usual_port = (int)json_get_int(a->spec, "port", 0),
		.path = json_str_at(a->spec, "healthCheck", "path", NULL),
		.host = host, /* as its users say it: an application that is picky about it must accept theirs */
		.timeout_ns = app_check_setting(a, "timeoutSeconds", TIMEOUT_S) * NS_PER_S,
	};
	i->is_probing = true;
	prober_submit(a->provider->prober, &request);
}

static void check_start(struct app *a, struct instance *i, int64_t now)
{
	int64_t timeout = start_timeout(a), seconds = timeout / NS_PER_S;
	if (now - i->started_ns < timeout) {
		app_look_again(a, i->started_ns + timeout);
		return;
	}
	bool listens = i->backend_port != 0;
	_cleanup_free_ char *message =
		listens ? xasprintf("did not get healthy within %lld s: %s", (long long)seconds,
	                        i->probe_message ? i->probe_message : "no answer to its health check")
				: xasprintf("never opened a port: it was told PORT=%d and listened nowhere within %lld s", i->port,
	                        (long long)seconds);
	const char *reason = listens ? "HealthCheckFailed" : "PortNeverOpened";
	app_event(a, KUBE_EVENT_WARNING, reason, "%s", message);
	app_fail_instance(a, i, reason, message, now);
}

void app_check_health(struct app *a, struct instance *i, int64_t now)
{
	if (i->pidfd < 0)
		return; /* not started yet: being started wakes us */
	if (i->state == INSTANCE_STARTING)
		check_start(a, i, now);
	if (i->state > INSTANCE_READY || i->is_probing)
		return;
	int64_t earliest = i->started_ns + app_check_setting(a, "initialDelaySeconds", 0) * NS_PER_S;
	if (i->state == INSTANCE_STARTING && i->next_probe_ns < earliest)
		i->next_probe_ns = earliest;
	/* Before its shim wrote down who it is, nothing can be found out. */
	bool can_ask = i->backend_port != 0 || i->child != 0 || instance_find(i);
	if (now < i->next_probe_ns || !can_ask)
		app_look_again(a, can_ask ? i->next_probe_ns : now + START_PROBE_NS / 5);
	else
		submit_probe(a, i);
}
