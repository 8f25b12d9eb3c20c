/* The local provider's life: its threads, what it finds from before, what it leaves behind. */

#include "app.h"

#include "base/clock.h"
#include "base/fs.h"
#include "base/map.h"
#include "base/str.h"
#include "base/thread.h"
#include "codec/sha256.h"
#include "launch.h"
#include "sandbox.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/resource.h>
#include <unistd.h>

#define STOP_ALL_NS (15 * NS_PER_S)
#define STOP_LOOK_NS (5 * NS_PER_MS)
#define ADOPT_WAIT_NS (2 * NS_PER_S)
#define BUILD_TIMEOUT_NS (20 * 60 * NS_PER_S)
#define SIZE_MAX_DEFAULT (INT64_C(4) << 30)
#define LOG_MAX_DEFAULT (INT64_C(8) << 20)
#define BUILDS_AT_ONCE 2
#define DESCRIPTORS 65536 /* more makes programs slow that close all they could have */

/* ---- what other threads bring ---- */

static void on_build_done(void *self, const struct release_job *job, const struct release_result *result)
{
	struct local_provider *p = self;
	MUTEX_GUARD(&p->lock);
	struct app *a = map_get(p->apps, job->key);
	if (!a)
		return;
	app_build_done(a, job, result, clock_mono_ns());
	a->due_ns = 0;
	supervisor_wake(p);
}

static void on_probe_done(void *self, const struct probe_result *result)
{
	struct local_provider *p = self;
	struct instance *i;
	MUTEX_GUARD(&p->lock);
	struct app *a = supervisor_find(p, result->id, &i);
	if (!a)
		return;
	app_probe_done(a, i, result, clock_mono_ns());
	a->due_ns = 0;
	supervisor_wake(p);
}

/* ---- what was there before ---- */

static bool is_adopted_group(void *self, const char *name)
{
	struct local_provider *p = self;
	size_t iter = 0;
	const char *key;
	void *value;
	while (map_next(p->apps, &iter, &key, &value)) {
		const struct instance *i;
		TAILQ_FOREACH (i, &((struct app *)value)->instances, next) {
			if (str_eq(i->cgroup, name))
				return true;
		}
	}
	return false;
}

/* The order they were started in is not the order of a folder. */
static void sort_instances(struct app *a)
{
	struct instance_list sorted = TAILQ_HEAD_INITIALIZER(sorted);
	for (struct instance *i; (i = TAILQ_FIRST(&a->instances));) {
		struct instance *later;
		TAILQ_REMOVE(&a->instances, i, next);
		TAILQ_FOREACH (later, &sorted, next) {
			if (later->started_wall_ns > i->started_wall_ns)
				break;
		}
		if (later)
			TAILQ_INSERT_BEFORE(later, i, next);
		else
			TAILQ_INSERT_TAIL(&sorted, i, next);
	}
	TAILQ_CONCAT(&a->instances, &sorted, next);
}

static void adopt_instances(struct app *a, int64_t deadline)
{
	_cleanup_free_ char *parent = fs_join(a->dir, "instances");
	DIR *dir = opendir(parent);
	for (struct dirent *entry; dir && (entry = readdir(dir));) {
		_cleanup_free_ char *path = fs_join(parent, entry->d_name);
		struct instance *i = entry->d_name[0] == '.' ? NULL : instance_adopt(a, path, deadline);
		if (i && supervisor_watch(a->provider, i) < 0)
			instance_kill(i);
	}
	if (dir)
		closedir(dir);
	sort_instances(a);
}

/* Those that served go on serving: whether they still do is for the next health check to say. */
static void resume_serving(struct app *a)
{
	struct instance *i;
	a->verified_ns = clock_mono_ns();
	TAILQ_FOREACH (i, &a->instances, next) {
		if (i->state != INSTANCE_READY)
			continue;
		instance_find(i);
		proxy_backend_add(a->proxy, i->backend_port);
	}
}

static void load_app(struct local_provider *p, const char *ns, const char *name, int64_t deadline)
{
	_cleanup_err_ struct err err = { 0 };
	struct app *a = app_load(p, ns, name);
	if (!a) {
		/* Not saved yet when everything ended, or lost with the machine: its Process makes it anew. */
		a = app_new(p, ns, name);
		adopt_instances(a, deadline);
		for (struct instance *i; (i = TAILQ_FIRST(&a->instances)); instance_remove(a, i))
			instance_kill(i);
		sweeper_take(p->sweeper, NULL, a->dir);
		app_free(a);
		return;
	}
	map_set(p->apps, a->key, a);
	adopt_instances(a, deadline);
	if (app_open_proxy(a, &err) < 0)
		log_error(p->config.log, "%s", err_message(&err));
	else
		resume_serving(a);
	log_info(p->config.log, "process %s: %zu running instance(s) adopted", a->key, app_count(a, NULL, false));
}

static void load_namespace(struct local_provider *p, const char *apps, const char *ns, int64_t deadline)
{
	_cleanup_free_ char *path = fs_join(apps, ns);
	DIR *dir = opendir(path);
	for (struct dirent *entry; dir && (entry = readdir(dir));) {
		if (entry->d_name[0] != '.')
			load_app(p, ns, entry->d_name, deadline);
	}
	if (dir)
		closedir(dir);
}

static void load_apps(struct local_provider *p)
{
	int64_t deadline = clock_mono_ns() + ADOPT_WAIT_NS;
	_cleanup_free_ char *apps = fs_join(p->dir, "apps");
	DIR *dir = opendir(apps);
	for (struct dirent *entry; dir && (entry = readdir(dir));) {
		if (entry->d_name[0] != '.')
			load_namespace(p, apps, entry->d_name, deadline);
	}
	if (dir)
		closedir(dir);
	/* Of builds, and of programs whose shim was killed. */
	cgroups_sweep(p->cgroups, is_adopted_group, p);
}

/* ---- start ---- */

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
	p->etc_dir = fs_join(p->dir, "etc");
	p->scia_path = c->scia_path ? xstrdup(c->scia_path) : xstrdup_or_null(self);
	if (c->shim_path)
		p->shim_path = xstrdup(c->shim_path);
	else if (self)
		p->shim_path = xasprintf("%.*s/scia-shim", (int)(strrchr(self, '/') - self), self);
	c->data_dir = p->dir;
	c->build_timeout_ns = c->build_timeout_ns ? c->build_timeout_ns : BUILD_TIMEOUT_NS;
	c->build_size_max = c->build_size_max ? c->build_size_max : SIZE_MAX_DEFAULT;
	c->disk_max = c->disk_max ? c->disk_max : SIZE_MAX_DEFAULT;
	c->log_max = c->log_max ? c->log_max : LOG_MAX_DEFAULT;
	c->builds_at_once = c->builds_at_once ? c->builds_at_once : BUILDS_AT_ONCE;
}

/* Groups of this data folder alone: several control planes on one machine must not sweep each other's. */
static struct cgroups *open_cgroups(const struct local_provider *p)
{
	char digest[65];
	_cleanup_free_ char *real = realpath(p->dir, NULL);
	sha256_hex(real ? real : p->dir, strlen(real ? real : p->dir), digest);
	_cleanup_free_ char *parent = xasprintf("scia-%.12s", digest);
	return cgroups_open(p->config.cgroup_root, parent);
}

/* Each application costs a few descriptors; the usual soft limit is for a hundred of them. */
static void raise_descriptor_limit(void)
{
	struct rlimit limit;
	if (getrlimit(RLIMIT_NOFILE, &limit) < 0 || limit.rlim_cur >= DESCRIPTORS)
		return;
	limit.rlim_cur = limit.rlim_max < DESCRIPTORS ? limit.rlim_max : DESCRIPTORS;
	setrlimit(RLIMIT_NOFILE, &limit);
}

static struct builder *new_builder(struct local_provider *p, struct err *err)
{
	struct builder_config config = {
		.release = {
			.client = p->config.client,
			.git_dir = p->git_dir,
			.scia_path = p->scia_path,
			.etc_dir = p->etc_dir,
			.hide_dir = p->dir,
			.allow_local = p->config.allow_local_repositories,
			.timeout_ns = p->config.build_timeout_ns,
			.size_max = p->config.build_size_max,
			.log_max = p->config.log_max,
			.cgroups = p->cgroups,
		},
		.threads = p->config.builds_at_once,
		.done = on_build_done,
		.self = p,
	};
	return builder_new(&config, err);
}

static int start(struct local_provider *p, struct err *err)
{
	_cleanup_free_ char *trash = fs_join(p->dir, "trash");
	if (fs_mkdir_p(p->dir, 0700, err) < 0 || sandbox_write_etc(p->etc_dir, err) < 0)
		return -1;
	p->cgroups = open_cgroups(p);
	p->sweeper = sweeper_new(trash, p->cgroups, err);
	if (!p->sweeper || !(p->proxies = proxy_set_new(p->config.log, err)) ||
	    !(p->prober = prober_new(on_probe_done, p, err)) || !(p->builder = new_builder(p, err)) ||
	    !(p->logs = log_server_new(p, err)))
		return -1;
	pthread_mutex_lock(&p->lock);
	load_apps(p);
	pthread_mutex_unlock(&p->lock);
	p->disk = disk_watch_new(p, err);
	return p->disk ? supervisor_start(p, err) : -1;
}

int local_provider_start(const struct local_provider_config *config, struct local_provider **ret, struct err *err)
{
	struct local_provider *p = new0(struct local_provider);
	p->config = *config;
	fill_defaults(p);
	raise_descriptor_limit();
	if (config->metrics)
		p->drift_total = metrics_counter(config->metrics, "scia_drift_total",
		                                 "Differences found between what is and what was declared.", "kind");
	pthread_mutex_init(&p->lock, NULL);
	STAILQ_INIT(&p->launches);
	p->apps = map_new(app_free);
	p->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	p->wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	/* Nothing can run without walls, but everything else can be looked at and mended: each Process says why. */
	if (sandbox_probe(&p->isolation) < 0)
		log_error(p->config.log, "%s", err_message(&p->isolation));
	if (start(p, err) < 0) {
		local_provider_stop(p, true);
		return -1;
	}
	*ret = p;
	return 0;
}

/* ---- stop ---- */

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

static void stop_app(struct app *a, int64_t deadline)
{
	struct instance *i, *next;
	int64_t now = clock_mono_ns();
	for (i = TAILQ_FIRST(&a->instances); i; i = next) {
		next = TAILQ_NEXT(i, next);
		instance_stop(i, now);
		if (now >= i->deadline_ns || now >= deadline)
			instance_kill(i);
		if (i->pidfd < 0 || instance_has_ended(i))
			instance_remove(a, i);
	}
}

/* All at once, each with its own grace; what is known about applications stays, so that the next start finds it. */
static void stop_instances(struct local_provider *p)
{
	int64_t deadline = clock_mono_ns() + STOP_ALL_NS;
	while (has_instances(p)) {
		size_t iter = 0;
		const char *key;
		void *value;
		while (map_next(p->apps, &iter, &key, &value))
			stop_app(value, deadline);
		clock_sleep_ns(STOP_LOOK_NS);
	}
}

struct local_provider *local_provider_stop(struct local_provider *p, bool leave_running)
{
	if (!p)
		return NULL;
	supervisor_stop(p);
	disk_watch_free(p->disk);
	log_server_free(p->logs);
	builder_free(p->builder);
	prober_free(p->prober);
	if (!leave_running)
		stop_instances(p);
	for (struct launch *l; (l = STAILQ_FIRST(&p->launches));) {
		STAILQ_REMOVE_HEAD(&p->launches, next);
		launch_free(l);
	}
	map_free(p->apps);
	proxy_set_free(p->proxies);
	sweeper_free(p->sweeper);
	cgroups_close(p->cgroups);
	closep(&p->epoll_fd);
	closep(&p->wake_fd);
	pthread_mutex_destroy(&p->lock);
	err_clear(&p->isolation);
	free(p->dir);
	free(p->git_dir);
	free(p->etc_dir);
	free(p->shim_path);
	free(p->scia_path);
	free(p);
	return NULL;
}
