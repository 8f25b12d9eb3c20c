/* What is wanted of one application, and what is on disk of it. */

#include "app.h"

#include "base/clock.h"
#include "base/fs.h"
#include "base/str.h"

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
	strv_free(a->secrets);
	free(a->key);
	free(a->ns);
	free(a->name);
	free(a->dir);
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
	_cleanup_json_ json_t *part = json_copy(json_unconst(spec));
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

/* Something else is wanted: what went wrong before says nothing about it. */
static void begin_anew(struct app *a)
{
	a->attempts = 0;
	a->backoff_until_ns = 0;
	a->verified_ns = 0;
	a->build_attempts = 0;
	a->build_retry_ns = 0;
	app_set_trouble(a, NULL, NULL);
	/* What failed before and is asked for again gets another chance. */
	if (str_eq(a->failed_hash, a->run_hash)) {
		a->failed_hash[0] = '\0';
		a->failed_revision = 0;
		if (a->build == BUILD_FAILED)
			a->build = BUILD_NONE;
	}
}

static void use_spec(struct app *a, const json_t *spec)
{
	char before[17];
	memcpy(before, a->run_hash, sizeof(before));
	json_decref(a->spec);
	a->spec = json_clone(spec);
	a->revision = json_get_int(spec, "revision", 0);
	hash_run(spec, a->run_hash);
	release_id(spec, a->release_id);
	if (!str_eq(before, a->run_hash))
		begin_anew(a);
}

static json_t *reference_to(const json_t *managed)
{
	json_t *about = kube_object_new(&SCIA_PROCESS, kube_namespace(managed), kube_name(managed));
	json_put_str(kube_meta(about), "uid", kube_uid(managed));
	return about;
}

void app_set_spec(struct app *a, const json_t *managed, char *const *env, char *const *secrets)
{
	json_decref(a->about);
	a->about = reference_to(managed);
	json_decref(a->deployment);
	a->deployment = kube_deployment_of(managed);
	strv_free(a->env);
	a->env = strv_copy(env);
	strv_free(a->secrets);
	a->secrets = strv_copy(secrets);
	a->has_env = true;
	use_spec(a, json_at(managed, "spec", "forProvider", NULL));
}

/* ---- on disk ---- */

int app_save(struct app *a, struct err *err)
{
	_cleanup_json_ json_t *v = json_pack(
		"{s:O, s:O, s:O?, s:i, s:s, s:I, s:s, s:I, s:b, s:b, s:i}", "spec", a->spec, "about", a->about, "deployment",
		a->deployment, "port", a->port, "servingHash", a->serving_hash, "servingRevision",
		(json_int_t)a->serving_revision, "failedHash", a->failed_hash, "failedRevision", (json_int_t)a->failed_revision,
		"orphaned", a->is_orphaned, "fixedPort", a->has_fixed_port, "restarts", a->restarts);
	_cleanup_free_ char *text = json_to_str(v), *path = fs_join(a->dir, "app.json");
	if (fs_mkdir_p(a->dir, 0700, err) < 0)
		return -1;
	return fs_replace(path, text, strlen(text), 0600, err);
}

void app_save_or_warn(struct app *a)
{
	_cleanup_err_ struct err err = { 0 };
	if (app_save(a, &err) < 0)
		log_warn(a->provider->config.log, "process %s: %s", a->key, err_message(&err));
}

static void copy_hash(char ret[static 17], const char *hash)
{
	if (hash && strlen(hash) == 16)
		memcpy(ret, hash, 17);
}

static json_t *read_saved(const struct app *a)
{
	_cleanup_free_ char *path = fs_join(a->dir, "app.json"), *text = NULL;
	_cleanup_err_ struct err ignored = { 0 };
	size_t len;
	if (fs_read_file(path, JSON_TEXT_MAX, &text, &len, &ignored) < 0)
		return NULL;
	return json_parse(text, len, 0, &ignored);
}

struct app *app_load(struct local_provider *p, const char *ns, const char *name)
{
	struct app *a = app_new(p, ns, name);
	_cleanup_json_ json_t *v = read_saved(a);
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
	a->has_fixed_port = json_get_bool(v, "fixedPort", false);
	a->restarts = (int)json_get_int(v, "restarts", 0);
	return a;
}

/* ---- questions ---- */

const char *app_mode(const struct app *a)
{
	const char *mode = json_get_str(a->spec, "mode");
	return mode ? mode : "vm";
}

int app_wanted_replicas(const struct app *a)
{
	int replicas = str_eq(app_mode(a), "kubernetes") ? (int)json_get_int(a->spec, "replicas", 1) : 1;
	return a->has_fixed_port && replicas > 1 ? 1 : replicas;
}

int64_t app_check_setting(const struct app *a, const char *field, int64_t otherwise)
{
	return json_get_int(json_object_get(a->spec, "healthCheck"), field, otherwise);
}

char *app_release_dir(const struct app *a, const char *id)
{
	return xasprintf("%s/releases/%s", a->dir, id);
}

bool app_is_wanted(const struct app *a, const struct instance *i)
{
	return str_eq(i->run_hash, a->run_hash);
}

bool app_has_other_serving(const struct app *a)
{
	const struct instance *i;
	TAILQ_FOREACH (i, &a->instances, next) {
		if (!app_is_wanted(a, i) && i->state == INSTANCE_READY)
			return true;
	}
	return false;
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

/* ---- what happened ---- */

void app_set_trouble(struct app *a, const char *reason, const char *message)
{
	char *reason_copy = xstrdup_or_null(reason), *message_copy = xstrdup_or_null(message);
	free(a->trouble_reason);
	free(a->trouble_message);
	a->trouble_reason = reason_copy;
	a->trouble_message = message_copy;
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

void app_look_again(struct app *a, int64_t at_ns)
{
	if (at_ns < a->due_ns)
		a->due_ns = at_ns;
}

void app_give_up(struct app *a)
{
	if (a->failed_revision == a->revision && str_eq(a->failed_hash, a->run_hash))
		return;
	memcpy(a->failed_hash, a->run_hash, sizeof(a->failed_hash));
	a->failed_revision = a->revision;
	app_save_or_warn(a);
}

bool app_was_given_up(const struct app *a)
{
	return str_eq(a->failed_hash, a->run_hash) && app_has_other_serving(a);
}
