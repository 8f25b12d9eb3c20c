/* What is wanted of one application, what is on disk of it, and what its Process says. */

#include "app.h"

#include "base/clock.h"
#include "base/fs.h"
#include "base/map.h"
#include "base/str.h"

#include <dirent.h>
#include <sys/stat.h>

static char *app_dir(const struct local_provider *p, const char *ns, const char *name)
{
	return xasprintf("%s/apps/%s/%s", p->dir, ns, name);
}

struct app *app_new(struct local_provider *p, const char *ns, const char *name)
{
	struct app *a = new0(struct app);
	a->provider = p;
	a->ns = xstrdup(ns);
	a->name = xstrdup(name);
	a->key = kube_key_str(ns, name);
	a->dir = app_dir(p, ns, name);
	TAILQ_INIT(&a->instances);
	return a;
}

void app_free(void *pointer)
{
	struct app *a = pointer;
	for (struct instance *i; (i = TAILQ_FIRST(&a->instances));) {
		TAILQ_REMOVE(&a->instances, i, next);
		instance_free(i);
	}
	if (a->proxy)
		proxy_close(a->proxy, 0);
	json_decref(a->about);
	json_decref(a->deployment);
	json_decref(a->spec);
	strv_free(a->env);
	free(a->key);
	free(a->ns);
	free(a->name);
	free(a->dir);
	free(a->build_message);
	free(a->trouble_reason);
	free(a->trouble_message);
	free(a->last_exit.log);
	free(a->last_seen);
	free(a);
}

/* Two specs with the same hash run the same: what only says how many or how watched is left out. */
static void hash_run(const json_t *spec, char ret[static 17])
{
	static const char *const unrelated[] = { "replicas", "idleSeconds", "revision", "healthCheck", "mode" };
	_cleanup_json_ json_t *part = json_copy((json_t *)spec);
	_cleanup_json_ json_t *source = json_copy(json_object_get(spec, "source"));
	char hash[65];
	for (size_t i = 0; i < ARRAY_SIZE(unrelated); i++)
		json_object_del(part, unrelated[i]);
	json_object_del(source, "ref");
	if (source)
		json_object_set(part, "source", source);
	json_hash(part, hash);
	memcpy(ret, hash, 16);
	ret[16] = '\0';
}

static void use_spec(struct app *a, const json_t *spec)
{
	char before[17];
	memcpy(before, a->run_hash, sizeof(before));
	json_decref(a->spec);
	a->spec = json_deep_copy(spec);
	a->revision = json_get_int(spec, "revision", 0);
	hash_run(spec, a->run_hash);
	release_id(spec, a->release_id);
	if (str_eq(before, a->run_hash))
		return;
	a->attempts = 0;
	a->backoff_until_ns = 0;
	a->verified_ns = 0;
	a->build_attempts = 0;
	a->build_retry_ns = 0;
	app_set_trouble(a, NULL, NULL);
}

static json_t *reference_to(const json_t *managed)
{
	json_t *about = kube_object_new(&SCIA_PROCESS, kube_namespace(managed), kube_name(managed));
	json_put_str(kube_meta(about), "uid", kube_uid(managed));
	return about;
}

void app_set_spec(struct app *a, const json_t *managed, char *const *env)
{
	json_decref(a->about);
	a->about = reference_to(managed);
	json_decref(a->deployment);
	a->deployment = kube_deployment_of(managed);
	strv_free(a->env);
	a->env = strv_copy(env);
	a->has_env = true;
	use_spec(a, json_at(managed, "spec", "forProvider", NULL));
}

int app_save(struct app *a, struct err *err)
{
	_cleanup_json_ json_t *v = json_pack("{s:O, s:O, s:O?, s:i, s:s, s:I, s:s, s:I, s:b, s:i}", "spec", a->spec,
	                                     "about", a->about, "deployment", a->deployment, "port", a->port, "servingHash",
	                                     a->serving_hash, "servingRevision", (json_int_t)a->serving_revision,
	                                     "failedHash", a->failed_hash, "failedRevision", (json_int_t)a->failed_revision,
	                                     "orphaned", a->is_orphaned, "restarts", a->restarts);
	_cleanup_free_ char *text = json_to_str(v), *path = fs_join(a->dir, "app.json");
	if (fs_mkdir_p(a->dir, 0700, err) < 0)
		return -1;
	return fs_replace(path, text, strlen(text), 0600, err);
}

static void copy_hash(char ret[static 17], const char *hash)
{
	if (hash && strlen(hash) == 16)
		memcpy(ret, hash, 17);
}

static void adopt_instances(struct app *a)
{
	_cleanup_free_ char *parent = fs_join(a->dir, "instances");
	DIR *dir = opendir(parent);
	if (!dir)
		return;
	for (struct dirent *entry; (entry = readdir(dir));) {
		if (entry->d_name[0] == '.')
			continue;
		_cleanup_free_ char *path = fs_join(parent, entry->d_name);
		struct instance *i = instance_adopt(a, path);
		if (i && supervisor_watch(a->provider, i) < 0)
			instance_kill(i);
	}
	closedir(dir);
}

struct app *app_load(struct local_provider *p, const char *ns, const char *name)
{
	struct app *a = app_new(p, ns, name);
	_cleanup_free_ char *path = fs_join(a->dir, "app.json"), *text = NULL;
	_cleanup_err_ struct err ignored = { 0 };
	size_t len;
	_cleanup_json_ json_t *v = NULL;
	if (fs_read_file(path, JSON_TEXT_MAX, &text, &len, &ignored) == 0)
		v = json_parse(text, len, 0, &ignored);
	if (!json_is_object(json_object_get(v, "spec")) || !json_is_object(json_object_get(v, "about"))) {
		app_free(a);
		return NULL;
	}
	use_spec(a, json_object_get(v, "spec"));
	a->about = json_incref(json_object_get(v, "about"));
	json_t *deployment = json_object_get(v, "deployment");
	a->deployment = json_is_object(deployment) ? json_incref(deployment) : NULL;
	a->port = (int)json_get_int(v, "port", 0);
	a->serving_revision = json_get_int(v, "servingRevision", 0);
	a->failed_revision = json_get_int(v, "failedRevision", 0);
	copy_hash(a->serving_hash, json_get_str(v, "servingHash"));
	copy_hash(a->failed_hash, json_get_str(v, "failedHash"));
	a->is_orphaned = json_get_bool(v, "orphaned", false);
	a->restarts = (int)json_get_int(v, "restarts", 0);
	adopt_instances(a);
	return a;
}

const char *app_mode(const struct app *a)
{
	const char *mode = json_get_str(a->spec, "mode");
	return mode ? mode : "vm";
}

int app_wanted_replicas(const struct app *a)
{
	if (str_eq(app_mode(a), "kubernetes"))
		return (int)json_get_int(a->spec, "replicas", 1);
	return 1;
}

char *app_release_dir(const struct app *a, const char *id)
{
	return xasprintf("%s/releases/%s", a->dir, id);
}

void app_set_trouble(struct app *a, const char *reason, const char *message)
{
	char *copy = xstrdup_or_null(message);
	free(a->trouble_reason);
	free(a->trouble_message);
	a->trouble_reason = xstrdup_or_null(reason);
	a->trouble_message = copy;
}

void app_event(struct app *a, enum kube_event_type type, const char *reason, const char *fmt, ...)
{
	va_list ap;
	va_start(ap, fmt);
	_cleanup_free_ char *message = xvasprintf(fmt, ap);
	va_end(ap);
	kube_event(a->provider->config.recorder, a->about, type, reason, "%s", message);
	/* On the Deployment too: that is where people look. */
	if (a->deployment)
		kube_event(a->provider->config.recorder, a->deployment, type, reason, "Process %s: %s", a->name, message);
}

size_t app_count(const struct app *a, const char *run_hash, bool only_ready)
{
	size_t n = 0;
	const struct instance *i;
	TAILQ_FOREACH (i, &a->instances, next) {
		bool fits = !run_hash || str_eq(i->run_hash, run_hash);
		n += fits && (only_ready ? i->state == INSTANCE_READY : i->state <= INSTANCE_READY);
	}
	return n;
}

static json_t *describe_processes(const struct app *a)
{
	json_t *list = json_array();
	const struct instance *i;
	char when[RFC3339_SIZE];
	TAILQ_FOREACH (i, &a->instances, next) {
		json_array_append_new(list, json_pack("{s:I, s:i, s:i, s:b, s:s}", "revision", (json_int_t)i->revision, "pid",
		                                      (int)i->shim, "port", i->backend_port ? i->backend_port : i->port,
		                                      "ready", i->state == INSTANCE_READY, "startedAt",
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

/* One word for the whole. */
static const char *describe_state(const struct app *a, bool serves, bool is_verified)
{
	bool is_new_serving = str_eq(a->serving_hash, a->run_hash);
	if (a->is_deleting)
		return "Stopping";
	if (serves)
		return is_new_serving || a->trouble_reason ? "Running" : "Updating";
	if (is_verified && is_new_serving)
		return "Idle";
	if (a->build == BUILD_RUNNING)
		return "Building";
	if (a->build == BUILD_FAILED)
		return "Failed";
	if (app_count(a, NULL, false) > 0)
		return a->trouble_reason ? "BackOff" : "Starting";
	return a->trouble_reason ? "BackOff" : "Pending";
}

static char *describe_message(const struct app *a, const char *state)
{
	if (a->trouble_message)
		return xstrdup(a->trouble_message);
	if (str_eq(state, "Building"))
		return xstrdup("installing dependencies and building");
	if (str_eq(state, "Starting"))
		return xstrdup("started, waiting for its health check");
	if (str_eq(state, "Updating"))
		return xstrdup("the new revision is coming up beside the one that serves");
	return xstrdup("");
}

json_t *app_status(const struct app *a, bool *ret_ready, const char **ret_reason, char **ret_message)
{
	bool serverless = str_eq(app_mode(a), "serverless");
	size_t ready = app_count(a, NULL, true);
	bool serves = ready > 0, is_verified = serverless && str_eq(a->serving_hash, a->run_hash);
	bool is_scaled_to_zero = app_wanted_replicas(a) == 0 && str_eq(a->serving_hash, a->run_hash);
	const char *state = describe_state(a, serves, is_verified || is_scaled_to_zero);
	json_t *status = json_pack("{s:s, s:i, s:i, s:i, s:o}", "state", state, "replicas", (int)app_count(a, NULL, false),
	                           "replicasReady", (int)ready, "restarts", a->restarts, "processes",
	                           describe_processes(a));

	*ret_ready = !a->is_deleting && (serves || str_eq(state, "Idle"));
	*ret_reason = a->trouble_reason ? a->trouble_reason : (serves ? "Available" : state);
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
	if (a->last_exit.wall_ns) {
		char when[RFC3339_SIZE];
		json_t *last = json_pack("{s:i, s:i, s:s}", "code", a->last_exit.code, "signal", a->last_exit.signal, "at",
		                         rfc3339_format(a->last_exit.wall_ns, when));
		if (a->last_exit.log)
			json_put(last, "log", json_string_lossy(a->last_exit.log, strlen(a->last_exit.log)));
		json_put(status, "lastExit", last);
	}
	return status;
}
