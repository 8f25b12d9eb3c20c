/* Watches how much running applications write. Measuring a tree means looking at each file in it, so that is done only
 * when the disk got noticeably fuller, or not for long; and never for more than a small share of the time. */

#include "app.h"

#include "base/clock.h"
#include "base/fs.h"
#include "base/map.h"
#include "base/str.h"
#include "base/thread.h"

#include <sys/statvfs.h>

#define LOOK_NS (1 * NS_PER_S)
#define MEASURE_ANYWAY_NS (600 * NS_PER_S)
#define NOTICEABLE_SHARE 64 /* of what one application may have */
#define REST_SHARE 10       /* after measuring, rest so many times as long */

struct disk_watch {
	struct local_provider *provider;
	pthread_mutex_t lock;
	pthread_cond_t wake;
	bool stopping, is_running;
	pthread_t thread;
};

/* The folder of one release that runs. */
struct place {
	char *key, *id, *dir;
};

static int64_t free_bytes(const char *path)
{
	struct statvfs st;
	return statvfs(path, &st) == 0 ? (int64_t)st.f_bavail * (int64_t)st.f_frsize : 0;
}

static void add_places(const struct app *a, struct place **list, size_t *len)
{
	const struct instance *i;
	TAILQ_FOREACH (i, &a->instances, next) {
		bool is_known = false;
		for (size_t n = *len; n-- > 0 && str_eq((*list)[n].key, a->key);)
			is_known |= str_eq((*list)[n].id, i->release_id);
		if (is_known || i->state == INSTANCE_STOPPING)
			continue;
		*list = xreallocarray(*list, *len + 1, sizeof(**list));
		_cleanup_free_ char *release = app_release_dir(a, i->release_id);
		(*list)[(*len)++] = (struct place){ xstrdup(a->key), xstrdup(i->release_id), fs_join(release, "src") };
	}
}

static size_t list_places(struct local_provider *p, struct place **ret)
{
	size_t len = 0, iter = 0;
	const char *key;
	void *value;
	*ret = NULL;
	MUTEX_GUARD(&p->lock);
	while (map_next(p->apps, &iter, &key, &value))
		add_places(value, ret, &len);
	return len;
}

static void report(struct local_provider *p, const struct place *place)
{
	MUTEX_GUARD(&p->lock);
	struct app *a = map_get(p->apps, place->key);
	if (!a)
		return;
	app_over_quota(a, place->id, p->config.disk_max, clock_mono_ns());
	supervisor_wake(p);
}

static void measure_all(struct local_provider *p)
{
	struct place *list;
	size_t len = list_places(p, &list);
	for (size_t i = 0; i < len; i++) {
		if (fs_tree_size(list[i].dir, p->config.disk_max) > p->config.disk_max)
			report(p, &list[i]);
		free(list[i].key);
		free(list[i].id);
		free(list[i].dir);
	}
	free(list);
}

/* False when the thread is to end. */
static bool wait_until(struct disk_watch *d, int64_t until_ns)
{
	MUTEX_GUARD(&d->lock);
	while (!d->stopping && cond_wait_until(&d->wake, &d->lock, until_ns))
		;
	return !d->stopping;
}

static void *disk_watch_main(void *arg)
{
	struct disk_watch *d = arg;
	struct local_provider *p = d->provider;
	int64_t noticeable = p->config.disk_max / NOTICEABLE_SHARE, measured_ns = clock_mono_ns(), next = measured_ns;
	int64_t free_then = free_bytes(p->dir);

	while (wait_until(d, next)) {
		int64_t now = clock_mono_ns(), free_now = free_bytes(p->dir);
		next = now + LOOK_NS;
		if (free_now > free_then)
			free_then = free_now; /* somebody tidied up: what is written from here on counts */
		if (free_then - free_now < noticeable && now - measured_ns < MEASURE_ANYWAY_NS)
			continue;
		measure_all(p);
		measured_ns = clock_mono_ns();
		free_then = free_now;
		if (measured_ns + (measured_ns - now) * REST_SHARE > next)
			next = measured_ns + (measured_ns - now) * REST_SHARE;
	}
	return NULL;
}

struct disk_watch *disk_watch_new(struct local_provider *p, struct err *err)
{
	struct disk_watch *d = new0(struct disk_watch);
	d->provider = p;
	pthread_mutex_init(&d->lock, NULL);
	cond_init_mono(&d->wake);
	d->is_running = thread_start(&d->thread, "disk", disk_watch_main, d, err) == 0;
	return d->is_running ? d : disk_watch_free(d);
}

struct disk_watch *disk_watch_free(struct disk_watch *d)
{
	if (!d)
		return NULL;
	pthread_mutex_lock(&d->lock);
	d->stopping = true;
	pthread_cond_signal(&d->wake);
	pthread_mutex_unlock(&d->lock);
	if (d->is_running)
		pthread_join(d->thread, NULL);
	pthread_cond_destroy(&d->wake);
	pthread_mutex_destroy(&d->lock);
	free(d);
	return NULL;
}
