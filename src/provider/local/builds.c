/* The releases of one application: having the wanted one made, throwing the others away. */

#include "app.h"

#include "base/clock.h"
#include "base/fs.h"
#include "base/str.h"

#include <dirent.h>

#define BUILD_RETRY_NS (15 * NS_PER_S)
#define BUILD_RETRY_MAX_NS (600 * NS_PER_S)
#define BUILD_DOUBLINGS_MAX 6
#define BUILD_ATTEMPTS 3

static void submit(struct app *a)
{
	struct release_job *job = new0(struct release_job);
	job->key = xstrdup(a->key);
	job->id = xstrdup(a->release_id);
	job->dir = app_release_dir(a, a->release_id);
	/* Shared within a namespace, so that what one application fetched another need not; never between tenants. */
	job->home_dir = xasprintf("%s/homes/%s", a->provider->dir, a->ns);
	job->spec = json_clone(a->spec);
	job->env = strv_copy(a->env);
	job->secrets = strv_copy(a->secrets);
	a->build = BUILD_RUNNING;
	memcpy(a->build_id, a->release_id, sizeof(a->build_id));
	builder_submit(a->provider->builder, job);
}

static bool is_used(const struct app *a, const char *id)
{
	const struct instance *i;
	TAILQ_FOREACH (i, &a->instances, next) {
		if (str_eq(id, i->release_id))
			return true;
	}
	return false;
}

/* A build that failed is tried again after a while; not at all when its revision was given up. */
static bool may_try_again(struct app *a, int64_t now)
{
	if (app_was_given_up(a))
		return false;
	if (now >= a->build_retry_ns)
		return true;
	app_look_again(a, a->build_retry_ns);
	return false;
}

bool app_ensure_release(struct app *a, int64_t now)
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
	if (is_about_this && a->build == BUILD_FAILED && !may_try_again(a, now))
		return false;
	/* A spoiled one is made anew once nobody is in its folder any more: its end wakes us. */
	if (!is_used(a, a->release_id))
		submit(a);
	return false;
}

void app_build_done(struct app *a, const struct release_job *job, const struct release_result *result, int64_t now)
{
	if (atomic_load(&job->cancelled)) {
		a->build = BUILD_NONE;
		return;
	}
	a->build_seconds = result->seconds;
	a->build = result->reason ? BUILD_FAILED : BUILD_DONE;
	if (!result->reason || !str_eq(job->id, a->release_id))
		return; /* well, or of something no longer wanted */
	int doublings = a->build_attempts < BUILD_DOUBLINGS_MAX ? a->build_attempts : BUILD_DOUBLINGS_MAX;
	int64_t delay = BUILD_RETRY_NS << doublings;
	a->build_attempts++;
	a->build_retry_ns = now + (delay < BUILD_RETRY_MAX_NS ? delay : BUILD_RETRY_MAX_NS);
	app_set_trouble(a, result->reason, result->message);
	app_event(a, KUBE_EVENT_WARNING, result->reason, "%s", result->message);
	/* A network that is away for a moment is no verdict on the revision. */
	if (!result->is_transient || a->build_attempts >= BUILD_ATTEMPTS)
		app_give_up(a);
}

void app_remove_old_releases(struct app *a)
{
	_cleanup_free_ char *parent = fs_join(a->dir, "releases");
	DIR *dir = opendir(parent);
	if (!dir)
		return;
	for (struct dirent *entry; (entry = readdir(dir));) {
		const char *id = entry->d_name;
		bool is_built = a->build == BUILD_RUNNING && str_eq(id, a->build_id);
		if (id[0] == '.' || is_built || str_eq(id, a->release_id) || is_used(a, id))
			continue;
		_cleanup_free_ char *path = fs_join(parent, id);
		sweeper_take(a->provider->sweeper, NULL, path);
	}
	closedir(dir);
}

void app_over_quota(struct app *a, const char *release_id, int64_t max, int64_t now)
{
	_cleanup_free_ char *dir = app_release_dir(a, release_id);
	_cleanup_free_ char *message = xasprintf(
		"wrote more than %lld MiB below /app: it is stopped, and starts again with "
		"the files its build made",
		(long long)(max >> 20));
	struct instance *i;
	bool is_news = false;

	release_spoil(dir);
	if (str_eq(a->build_id, release_id) && a->build == BUILD_DONE)
		a->build = BUILD_NONE;
	TAILQ_FOREACH (i, &a->instances, next) {
		if (!str_eq(i->release_id, release_id) || i->state == INSTANCE_STOPPING)
			continue;
		is_news = true;
		app_fail_instance(a, i, "DiskQuotaExceeded", message, now);
		instance_kill(i); /* it would go on writing while it is asked politely */
	}
	if (is_news)
		app_event(a, KUBE_EVENT_WARNING, "DiskQuotaExceeded", "%s", message);
	a->due_ns = now;
}
