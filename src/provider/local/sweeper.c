#include "sweeper.h"

#include "base/clock.h"
#include "base/fs.h"
#include "base/thread.h"
#include "unique.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <sys/queue.h>

#define FINISH_NS (5 * NS_PER_S)

struct refuse {
	STAILQ_ENTRY(refuse) next;
	char *cgroup, *path;
};

struct sweeper {
	char *trash;
	const struct cgroups *cgroups;
	pthread_mutex_t lock;
	pthread_cond_t wake;
	STAILQ_HEAD(, refuse) queue;
	bool stopping, is_running;
	int64_t give_up_ns; /* no tree is begun after it, once stopping */
	pthread_t thread;
};

static void refuse_free(struct refuse *r)
{
	free(r->cgroup);
	free(r->path);
	free(r);
}

static struct refuse *next_refuse(struct sweeper *s, bool *ret_may_take_long)
{
	MUTEX_GUARD(&s->lock);
	while (!s->stopping && STAILQ_EMPTY(&s->queue))
		pthread_cond_wait(&s->wake, &s->lock);
	struct refuse *r = STAILQ_FIRST(&s->queue);
	if (r)
		STAILQ_REMOVE_HEAD(&s->queue, next);
	*ret_may_take_long = !s->stopping || clock_mono_ns() < s->give_up_ns;
	return r;
}

static void *sweeper_main(void *arg)
{
	struct sweeper *s = arg;
	bool may_take_long;
	for (struct refuse *r; (r = next_refuse(s, &may_take_long)); refuse_free(r)) {
		_cleanup_err_ struct err ignored = { 0 }; /* it is in the trash: the next start tries again */
		if (r->cgroup)
			cgroup_remove(s->cgroups, r->cgroup);
		if (r->path && may_take_long)
			fs_remove_tree(r->path, &ignored);
	}
	return NULL;
}

static void put(struct sweeper *s, const char *cgroup, const char *path)
{
	struct refuse *r = new0(struct refuse);
	r->cgroup = xstrdup_or_null(cgroup);
	r->path = xstrdup_or_null(path);
	MUTEX_GUARD(&s->lock);
	STAILQ_INSERT_TAIL(&s->queue, r, next);
	pthread_cond_signal(&s->wake);
}

void sweeper_take(struct sweeper *s, const char *cgroup, const char *path)
{
	char id[UNIQUE_SIZE];
	_cleanup_free_ char *moved = xasprintf("%s/%s", s->trash, unique_id(id));
	bool is_there = path && rename(path, moved) == 0;
	/* Where it cannot be moved it goes from where it is; not being there at all is what was wanted. */
	const char *where = is_there ? moved : (path && errno != ENOENT ? path : NULL);
	if (cgroup || where)
		put(s, cgroup, where);
}

static void take_leftovers(struct sweeper *s)
{
	DIR *dir = opendir(s->trash);
	for (struct dirent *entry; dir && (entry = readdir(dir));) {
		_cleanup_free_ char *path = fs_join(s->trash, entry->d_name);
		if (!str_eq(entry->d_name, ".") && !str_eq(entry->d_name, ".."))
			put(s, NULL, path);
	}
	if (dir)
		closedir(dir);
}

struct sweeper *sweeper_new(const char *trash, const struct cgroups *cgroups, struct err *err)
{
	struct sweeper *s = new0(struct sweeper);
	s->trash = xstrdup(trash);
	s->cgroups = cgroups;
	STAILQ_INIT(&s->queue);
	pthread_mutex_init(&s->lock, NULL);
	pthread_cond_init(&s->wake, NULL);
	if (fs_mkdir_p(trash, 0700, err) < 0)
		return sweeper_free(s);
	take_leftovers(s);
	s->is_running = thread_start(&s->thread, "sweeper", sweeper_main, s, err) == 0;
	return s->is_running ? s : sweeper_free(s);
}

struct sweeper *sweeper_free(struct sweeper *s)
{
	if (!s)
		return NULL;
	pthread_mutex_lock(&s->lock);
	s->stopping = true;
	s->give_up_ns = clock_mono_ns() + FINISH_NS;
	pthread_cond_signal(&s->wake);
	pthread_mutex_unlock(&s->lock);
	if (s->is_running)
		pthread_join(s->thread, NULL);
	for (struct refuse *r; (r = STAILQ_FIRST(&s->queue));) {
		STAILQ_REMOVE_HEAD(&s->queue, next);
		refuse_free(r);
	}
	pthread_cond_destroy(&s->wake);
	pthread_mutex_destroy(&s->lock);
	free(s->trash);
	free(s);
	return NULL;
}
