/* The local provider's life, and the driver through which the managed reconciler speaks to it. */

#include "app.h"

#include "base/clock.h"
#include "base/fs.h"
#include "base/map.h"
#include "base/str.h"
#include "base/thread.h"
#include "codec/base64.h"
#include "sandbox.h"

#include <dirent.h>
#include <errno.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>

#define PROBERS 4
#define STOP_ALL_NS (15 * NS_PER_S)

/* ---- what other threads bring ---- */

static void on_build_done(void *self, const struct release_job *job, const struct release_result *result)
{
	struct local_provider *p = self;
	MUTEX_GUARD(&p->lock);
	struct app *a = map_get(p->apps, job->key);
	if (!a)
		return;
	if (job->remove_dir && a->is_removing && str_eq(job->remove_dir, a->dir)) {
		_cleanup_free_ char *ns = xstrdup(a->ns), *name = xstrdup(a->name);
		map_del(p->apps, job->key);
		if (p->config.changed)
			p->config.changed(p->config.self, ns, name);
		return;
	}
	app_build_done(a, job, result, clock_mono_ns());
	a->due_ns = 0;
	supervisor_wake(p);
}

static struct app *find_instance(struct local_provider *p, uint64_t id, struct instance **ret)
{
	size_t iter = 0;
	const char *key;
	void *value;
	while (map_next(p->apps, &iter, &key, &value)) {
		struct app *a = value;
		TAILQ_FOREACH (*ret, &a->instances, next) {
			if ((*ret)->id == id)
				return a;
		}
	}
	return NULL;
}

static void on_probe_done(void *self, uint64_t id, bool ok, bool is_open, const char *message)
{
	struct local_provider *p = self;
	struct instance *i;
	MUTEX_GUARD(&p->lock);
	struct app *a = find_instance(p, id, &i);
	if (!a)
		return;
	app_probe_done(a, i, ok, is_open, message, clock_mono_ns());
	a->due_ns = 0;
	supervisor_wake(p);
}

/* On the proxies' thread: must not wait for our lock, which may be held while a proxy is changed. */
static void on_demand(void *self)
{
	struct app *a = self;
	struct local_provider *p = a->provider;
	if (pthread_mutex_trylock(&p->lock) != 0)
		return; /* asked again in 100 ms, as long as the request waits */
	app_demand(a, clock_mono_ns());
	pthread_mutex_unlock(&p->lock);
	supervisor_wake(p);
}

/* The endpoint has the port it had before; when somebody else has it now, another. */
static int open_proxy(struct app *a, struct err *err)
{
	struct proxy_config config = { .port = a->port, .on_demand = on_demand, .self = a, .hold_ns = 60 * NS_PER_S };
	if (a->proxy)
		return 0;
	if (proxy_open(a->provider->proxies, &config, &a->proxy, err) < 0) {
		if (a->port == 0 || err->kind != ERR_ALREADY_EXISTS)
			return err_wrap(err, "opening the endpoint of process %s", a->key);
		log_warn(a->provider->config.log, "process %s: port %d is taken by another program: its URL changes", a->key,
		         a->port);
		err_clear(err);
		config.port = 0;
		if (proxy_open(a->provider->proxies, &config, &a->proxy, err) < 0)
			return err_wrap(err, "opening the endpoint of process %s", a->key);
	}
	a->port = proxy_port(a->proxy);
	return 0;
}

/* ---- the driver ---- */

static struct app *find_app(struct local_provider *p, const json_t *managed)
{
	_cleanup_free_ char *key = kube_key_str(kube_namespace(managed), kube_name(managed));
	return map_get(p->apps, key);
}

static bool is_same_process(const struct app *a, const json_t *managed)
{
	return str_eq(kube_uid(a->about), kube_uid(managed));
}

static int driver_observe(void *self, struct kube_pass *pass, const json_t *managed, struct provider_observation *ret)
{
	struct local_provider *p = self;
	const char *reason;
	_cleanup_free_ char *message = NULL;
	*ret = (struct provider_observation){ 0 };
	MUTEX_GUARD(&p->lock);
	struct app *a = find_app(p, managed);
	if (!a || a->is_removing)
		return 0;
	ret->exists = true;
	ret->up_to_date = a->has_env && !a->is_orphaned && is_same_process(a, managed) &&
	                  json_same(a->spec, json_at(managed, "spec", "forProvider", NULL));
	ret->status = app_status(a, &ret->ready, &reason, &message);
	ret->reason = arena_strdup(pass->arena, reason);
	ret->message = arena_strdup(pass->arena, message);
	return 0;
}

static int read_secret_value(struct local_provider *p, const char *ns, const json_t *reference, char **ret,
                             struct err *err)
{
	const char *name = json_get_str(reference, "name"), *key = json_get_str(reference, "key");
	_cleanup_json_ json_t *secret = NULL;
	size_t len;
	if (kube_get(p->config.client, &KUBE_SECRET, ns, name, &secret, err) < 0)
		return err_wrap(err, "reading Secret %s/%s for an environment variable", ns, name);
	const char *encoded = json_str_at(secret, "data", key, NULL);
	if (!encoded)
		return err_set(err, ERR_NOT_FOUND, "Secret %s/%s has no key \"%s\", which an environment variable wants", ns,
		               name, key);
	*ret = base64_decode(encoded, strlen(encoded), &len);
	if (!*ret || strlen(*ret) != len)
		return err_set(err, ERR_INVALID, "key \"%s\" of Secret %s/%s cannot be an environment variable: it is binary",
		               key, ns, name);
	return 0;
}

static int resolve_environment(struct local_provider *p, const json_t *managed, char ***ret, struct err *err)
{
	_cleanup_strv_ char **env = NULL;
	size_t i;
	json_t *variable;
	json_array_foreach (json_at(managed, "spec", "forProvider", "env", NULL), i, variable) {
		const json_t *reference = json_at(variable, "valueFrom", "secretKeyRef", NULL);
		_cleanup_free_ char *secret = NULL;
		if (reference && read_secret_value(p, kube_namespace(managed), reference, &secret, err) < 0)
			return -1;
		const char *value = reference ? secret : json_get_str(variable, "value");
		_cleanup_free_ char *assignment = xasprintf("%s=%s", json_get_str(variable, "name"), value ? value : "");
		strv_push(&env, assignment);
	}
	*ret = TAKE_PTR(env);
	return 0;
}

static int driver_apply(void *self, struct kube_pass *pass, const json_t *managed)
{
	struct local_provider *p = self;
	_cleanup_strv_ char **env = NULL;
	if (err_is_set(&p->isolation)) {
		err_copy(pass->err, &p->isolation);
		return -1;
	}
	if (resolve_environment(p, managed, &env, pass->err) < 0)
		return -1;
	MUTEX_GUARD(&p->lock);
	struct app *a = find_app(p, managed);
	if (a && a->is_removing)
		return err_set(pass->err, ERR_CONFLICT, "process %s: its predecessor of the same name is still being removed",
		               a->key);
	if (!a) {
		a = app_new(p, kube_namespace(managed), kube_name(managed));
		map_set(p->apps, a->key, a);
	}
	app_set_spec(a, managed, env);
	a->is_orphaned = false;
	/* What is going to exist is on disk before it does. */
	if (open_proxy(a, pass->err) < 0 || app_save(a, pass->err) < 0)
		return -1;
	a->due_ns = 0;
	supervisor_wake(p);
	return 0;
}

static int driver_delete(void *self, struct kube_pass *pass _unused_, const json_t *managed)
{
	struct local_provider *p = self;
	MUTEX_GUARD(&p->lock);
	struct app *a = find_app(p, managed);
	if (!a || !is_same_process(a, managed))
		return 0;
	a->is_deleting = true;
	a->due_ns = 0;
	supervisor_wake(p);
	return 1;
}

static void driver_forget(void *self, struct kube_pass *pass, const json_t *managed)
{
	struct local_provider *p = self;
	_cleanup_err_ struct err err = { 0 };
	MUTEX_GUARD(&p->lock);
	struct app *a = find_app(p, managed);
	if (!a)
		return;
	a->is_orphaned = true;
	if (app_save(a, &err) < 0)
		log_warn(pass->log, "%s", err_message(&err));
}

struct provider_driver local_provider_driver(struct local_provider *p)
{
	return (struct provider_driver){
		.type = &SCIA_PROCESS,
		.observe = driver_observe,
		.create = driver_apply,
		.update = driver_apply,
		.del = driver_delete,
		.forget = driver_forget,
		.self = p,
	};
}

/* ---- start and stop ---- */

static void load_app(struct local_provider *p, const char *ns, const char *name)
{
	_cleanup_err_ struct err err = { 0 };
	struct app *a = app_load(p, ns, name);
	if (!a)
		return;
	map_set(p->apps, a->key, a);
	if (open_proxy(a, &err) < 0)
		log_error(p->config.log, "%s", err_message(&err));
	log_info(p->config.log, "process %s: %zu running instance(s) adopted", a->key, app_count(a, NULL, false));
}

static void load_namespace(struct local_provider *p, const char *apps, const char *ns)
{
	_cleanup_free_ char *path = fs_join(apps, ns);
	DIR *dir = opendir(path);
	if (!dir)
		return;
	for (struct dirent *entry; (entry = readdir(dir));) {
		if (entry->d_name[0] != '.')
			load_app(p, ns, entry->d_name);
	}
	closedir(dir);
}

static void load_apps(struct local_provider *p)
{
	_cleanup_free_ char *apps = fs_join(p->dir, "apps");
	DIR *dir = opendir(apps);
	if (!dir)
		return;
	for (struct dirent *entry; (entry = readdir(dir));) {
		if (entry->d_name[0] != '.')
			load_namespace(p, apps, entry->d_name);
	}
	closedir(dir);
}

static char *own_path(void)
{
	char path[4096];
	ssize_t n = readlink("/proc/self/exe", path, sizeof(path) - 1);
	return n > 0 ? xstrndup(path, (size_t)n) : NULL;
}

static void fill_defaults(struct local_provider *p)
{
	struct local_provider_config *c = &p->config;
	_cleanup_free_ char *self = own_path();
	p->dir = xstrdup(c->data_dir);
	p->git_dir = fs_join(p->dir, "git");
	p->scia_path = c->scia_path ? xstrdup(c->scia_path) : xstrdup_or_null(self);
	if (c->shim_path)
		p->shim_path = xstrdup(c->shim_path);
	else if (self)
		p->shim_path = xasprintf("%.*s/scia-shim", (int)(strrchr(self, '/') - self), self);
	c->data_dir = p->dir;
	c->build_timeout_ns = c->build_timeout_ns ? c->build_timeout_ns : 20 * 60 * NS_PER_S;
	c->build_size_max = c->build_size_max ? c->build_size_max : INT64_C(4) << 30;
	c->log_max = c->log_max ? c->log_max : INT64_C(8) << 20;
	c->builds_at_once = c->builds_at_once ? c->builds_at_once : 2;
}

static int start_threads(struct local_provider *p, struct err *err)
{
	struct builder_config builder = {
		.client = p->config.client,
		.git_dir = p->git_dir,
		.scia_path = p->scia_path,
		.allow_local = p->config.allow_local_repositories,
		.timeout_ns = p->config.build_timeout_ns,
		.size_max = p->config.build_size_max,
		.log_max = p->config.log_max,
		.cgroups = p->cgroups,
		.threads = p->config.builds_at_once,
		.done = on_build_done,
		.self = p,
	};
	p->proxies = proxy_set_new(p->config.log, err);
	if (!p->proxies)
		return -1;
	p->prober = prober_new(PROBERS, on_probe_done, p, err);
	if (!p->prober)
		return -1;
	p->builder = builder_new(&builder, err);
	if (!p->builder)
		return -1;
	load_apps(p);
	return supervisor_start(p, err);
}

int local_provider_start(const struct local_provider_config *config, struct local_provider **ret, struct err *err)
{
	struct local_provider *p = new0(struct local_provider);
	p->config = *config;
	fill_defaults(p);
	pthread_mutex_init(&p->lock, NULL);
	pthread_cond_init(&p->follower_gone, NULL);
	p->apps = map_new(app_free);
	p->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	p->wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	p->cgroups = cgroup_probe();
	/* Nothing can run without walls, but everything else can be looked at and mended: each Process says why. */
	if (sandbox_probe(&p->isolation) < 0)
		log_error(p->config.log, "%s", err_message(&p->isolation));
	if (fs_mkdir_p(p->dir, 0700, err) < 0 || start_threads(p, err) < 0) {
		local_provider_stop(p, true);
		return -1;
	}
	*ret = p;
	return 0;
}

static bool has_instances(struct local_provider *p)
{
	size_t iter = 0;
	const char *key;
	void *value;
	while (map_next(p->apps, &iter, &key, &value)) {
		if (TAILQ_FIRST(&((struct app *)value)->instances))
			return true;
	}
	return false;
}

/* All at once, each with its own grace; folders stay, so that the next start finds what it knew. */
static void stop_instances(struct local_provider *p)
{
	int64_t deadline = clock_mono_ns() + STOP_ALL_NS;
	while (has_instances(p)) {
		int64_t now = clock_mono_ns();
		size_t iter = 0;
		const char *key;
		void *value;
		while (map_next(p->apps, &iter, &key, &value)) {
			struct app *a = value;
			struct instance *i, *next;
			for (i = TAILQ_FIRST(&a->instances); i; i = next) {
				next = TAILQ_NEXT(i, next);
				instance_stop(i, now);
				if (now >= i->deadline_ns || now >= deadline)
					instance_kill(i);
				if (instance_has_ended(i))
					instance_remove(a, i);
			}
		}
		clock_sleep_ns(10 * NS_PER_MS);
	}
}

struct local_provider *local_provider_stop(struct local_provider *p, bool leave_running)
{
	if (!p)
		return NULL;
	supervisor_stop(p);
	log_server_stop(p);
	builder_free(p->builder);
	prober_free(p->prober);
	if (!leave_running)
		stop_instances(p);
	map_free(p->apps);
	proxy_set_free(p->proxies);
	closep(&p->epoll_fd);
	closep(&p->wake_fd);
	pthread_cond_destroy(&p->follower_gone);
	pthread_mutex_destroy(&p->lock);
	err_clear(&p->isolation);
	free(p->dir);
	free(p->git_dir);
	free(p->shim_path);
	free(p->scia_path);
	free(p);
	return NULL;
}
