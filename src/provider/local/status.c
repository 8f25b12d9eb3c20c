/* What a Process says about its application. */

#include "app.h"

#include "base/clock.h"
#include "base/str.h"

static json_t *describe_processes(const struct app *a)
{
	json_t *list = json_array();
	const struct instance *i;
	char when[RFC3339_SIZE];
	TAILQ_FOREACH (i, &a->instances, next) {
		if (i->pidfd < 0)
			continue; /* not started yet */
		json_array_append_new(list, json_pack("{s:i, s:I, s:i, s:i, s:b, s:s}", "replica", i->replica, "revision",
		                                      (json_int_t)i->revision, "pid", (int)i->shim, "port",
		                                      i->backend_port ? i->backend_port : i->port, "ready",
		                                      i->state == INSTANCE_READY, "startedAt",
		                                      rfc3339_format(i->started_wall_ns, when)));
	}
	return list;
}

static json_t *describe_build(const struct app *a)
{
	static const char *const names[] = { NULL, "Running", "Succeeded", "Failed" };
	if (a->build == BUILD_NONE)
		return NULL;
	json_t *build = json_pack("{s:s?, s:s*}", "state", names[a->build], "commit",
	                          json_str_at(a->spec, "source", "commit", NULL));
	if (a->build != BUILD_RUNNING)
		json_put(build, "seconds", json_real((double)(int64_t)(a->build_seconds * 10) / 10));
	return build;
}

static json_t *describe_last_exit(const struct app *a)
{
	char when[RFC3339_SIZE];
	if (!a->last_exit.wall_ns)
		return NULL;
	json_t *last = json_pack("{s:i, s:i, s:s}", "code", a->last_exit.code, "signal", a->last_exit.signal, "at",
	                         rfc3339_format(a->last_exit.wall_ns, when));
	if (a->last_exit.log)
		json_put(last, "log", json_string_lossy(a->last_exit.log, strlen(a->last_exit.log)));
	return last;
}

/* Nothing need run, and nothing is wrong: scaled to zero by its mode or by its user. */
static bool is_at_zero(const struct app *a)
{
	bool may_be = str_eq(app_mode(a), "serverless") || app_wanted_replicas(a) == 0;
	return may_be && str_eq(a->serving_hash, a->run_hash) && !a->trouble_reason;
}

/* One word for the whole. */
static const char *describe_state(const struct app *a, bool serves)
{
	if (a->is_deleting)
		return "Stopping";
	if (serves)
		return str_eq(a->serving_hash, a->run_hash) || a->trouble_reason ? "Running" : "Updating";
	if (a->build == BUILD_RUNNING && str_eq(a->build_id, a->release_id))
		return "Building";
	if (a->build == BUILD_FAILED && str_eq(a->build_id, a->release_id))
		return "Failed";
	if (a->trouble_reason)
		return "BackOff";
	if (app_count(a, NULL, false) > 0)
		return "Starting";
	return is_at_zero(a) ? "Idle" : "Pending";
}

static char *describe_message(const struct app *a, const char *state)
{
	int64_t replicas = json_get_int(a->spec, "replicas", 1);
	if (a->trouble_message)
		return xstrdup(a->trouble_message);
	if (str_eq(state, "Building"))
		return xstrdup("installing dependencies and building");
	if (str_eq(state, "Starting"))
		return xstrdup("started, waiting for its health check");
	if (str_eq(state, "Updating"))
		return xstrdup("the new revision is coming up beside the one that serves");
	if (a->has_fixed_port && str_eq(app_mode(a), "kubernetes") && replicas > 1)
		return xasprintf("1 of %lld replicas runs: the program does not listen on the port that PORT names, so there "
		                 "can be no second one on this machine",
		                 (long long)replicas);
	return xstrdup("");
}

json_t *app_status(const struct app *a, bool *ret_ready, const char **ret_reason, char **ret_message)
{
	int ready = (int)app_count(a, NULL, true);
	const char *state = describe_state(a, ready > 0);
	json_t *status = json_pack("{s:s, s:i, s:i, s:i, s:o}", "state", state, "replicas", (int)app_count(a, NULL, false),
	                           "replicasReady", ready, "restarts", a->restarts, "processes", describe_processes(a));

	*ret_ready = !a->is_deleting && (ready > 0 || is_at_zero(a));
	*ret_reason = a->trouble_reason ? a->trouble_reason : (ready > 0 ? "Available" : state);
	*ret_message = describe_message(a, state);
	if (a->port)
		json_put(status, "url", json_strf("http://127.0.0.1:%d/", a->port));
	if (a->serving_revision)
		json_put_int(status, "revision", a->serving_revision);
	if (a->failed_revision)
		json_put_int(status, "failedRevision", a->failed_revision);
	json_put_str(status, "reason", *ret_reason);
	json_put_str(status, "message", **ret_message ? *ret_message : NULL);
	json_put(status, "build", describe_build(a));
	json_put(status, "lastExit", describe_last_exit(a));
	return status;
}

void app_report_changes(struct app *a)
{
	bool ready;
	const char *reason;
	_cleanup_free_ char *message = NULL;
	_cleanup_json_ json_t *status = app_status(a, &ready, &reason, &message);
	char *now = json_to_str(status);
	if (!str_eq(now, a->last_seen) && a->provider->config.changed)
		a->provider->config.changed(a->provider->config.self, a->ns, a->name);
	free(a->last_seen);
	a->last_seen = now;
}
