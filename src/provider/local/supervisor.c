/* The one thread that moves all applications: it sleeps until a program ends, something was said to it, or a time
 * comes. */

#include "app.h"

#include "base/clock.h"
#include "base/fs.h"
#include "base/map.h"
#include "base/thread.h"
#include "launch.h"

#include <errno.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#define EVENTS_MAX 64
#define FAR_NS (3600 * NS_PER_S)
#define WAKE_ID 0 /* no instance has it */

int supervisor_watch(struct local_provider *p, const struct instance *i)
{
	/* By number, not by pointer: the instance may be gone when the event comes. */
	struct epoll_event event = { .events = EPOLLIN | EPOLLONESHOT, .data.u64 = i->id };
	return epoll_ctl(p->epoll_fd, EPOLL_CTL_ADD, i->pidfd, &event);
}

void supervisor_wake(struct local_provider *p)
{
	uint64_t one = 1;
	(void)!write(p->wake_fd, &one, sizeof(one));
}

struct app *supervisor_find(struct local_provider *p, uint64_t id, struct instance **ret)
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

/* Everything the application had is to be forgotten: its folder is out of the way at once, so that another of the same
 * name can come. */
static void let_go(struct local_provider *p, struct app *a)
{
	_cleanup_free_ char *ns = xstrdup(a->ns), *name = xstrdup(a->name), *key = xstrdup(a->key);
	sweeper_take(p->sweeper, NULL, a->dir);
	map_del(p->apps, key);
	if (p->config.changed)
		p->config.changed(p->config.self, ns, name);
}

/* Steps what is due; when the next one is. */
static int64_t step_all(struct local_provider *p)
{
	int64_t now = clock_mono_ns(), next = now + FAR_NS;
	size_t iter = 0;
	const char *key;
	void *value;

	while (map_next(p->apps, &iter, &key, &value)) {
		struct app *a = value;
		if (a->due_ns <= now && app_step(a, now)) {
			let_go(p, a);
			continue;
		}
		if (a->due_ns < next)
			next = a->due_ns;
	}
	return next;
}

static void note_launch(struct local_provider *p, struct launch *l)
{
	struct app *a = l->app;
	struct instance *i = l->instance;
	a->due_ns = 0;
	if (!err_is_set(&l->err)) {
		i->shim = l->pid;
		i->pidfd = TAKE_FD(l->pidfd);
		if (supervisor_watch(p, i) < 0)
			err_set_errno(&l->err, errno, "watching process %d", (int)i->shim);
	}
	/* Somebody may have thought otherwise meanwhile. */
	if (err_is_set(&l->err) || i->state == INSTANCE_STOPPING)
		instance_kill(i);
	if (err_is_set(&l->err))
		app_launch_failed(a, i, &l->err, clock_mono_ns());
}

/* Starts what was planned, without the lock; true when there was anything. With the lock held, as it is afterwards. */
static bool launch_all(struct local_provider *p)
{
	STAILQ_HEAD(, launch) list = STAILQ_HEAD_INITIALIZER(list);
	struct launch *l;
	STAILQ_CONCAT(&list, &p->launches);
	if (STAILQ_EMPTY(&list))
		return false;
	pthread_mutex_unlock(&p->lock);
	STAILQ_FOREACH (l, &list, next)
		launch_run(p, l);
	pthread_mutex_lock(&p->lock);
	while ((l = STAILQ_FIRST(&list))) {
		STAILQ_REMOVE_HEAD(&list, next);
		note_launch(p, l);
		launch_free(l);
	}
	return true;
}

static void mark_due(struct local_provider *p, uint64_t instance_id)
{
	struct instance *i;
	struct app *a = supervisor_find(p, instance_id, &i);
	if (a)
		a->due_ns = 0;
}

/* Sleeps until a time or an event; those whose programs ended are due then. */
static void wait_for_events(struct local_provider *p, int64_t until_ns)
{
	struct epoll_event events[EVENTS_MAX];
	int64_t left = until_ns - clock_mono_ns();
	int n = epoll_wait(p->epoll_fd, events, EVENTS_MAX, left <= 0 ? 0 : (int)(left / NS_PER_MS) + 1);
	MUTEX_GUARD(&p->lock);
	for (int e = 0; e < n; e++) {
		uint64_t count;
		if (events[e].data.u64 == WAKE_ID)
			(void)!read(p->wake_fd, &count, sizeof(count));
		else
			mark_due(p, events[e].data.u64);
	}
}

static void *supervisor_main(void *arg)
{
	struct local_provider *p = arg;
	for (;;) {
		pthread_mutex_lock(&p->lock);
		bool stopping = p->stopping;
		int64_t next = stopping ? 0 : step_all(p);
		if (!stopping && launch_all(p))
			next = 0; /* look at what was started */
		pthread_mutex_unlock(&p->lock);
		if (stopping)
			return NULL;
		wait_for_events(p, next);
	}
}

int supervisor_start(struct local_provider *p, struct err *err)
{
	struct epoll_event event = { .events = EPOLLIN, .data.u64 = WAKE_ID };
	if (epoll_ctl(p->epoll_fd, EPOLL_CTL_ADD, p->wake_fd, &event) < 0)
		return err_set_errno(err, errno, "watching for wake-ups");
	if (thread_start(&p->supervisor, "supervisor", supervisor_main, p, err) < 0)
		return -1;
	p->is_supervised = true;
	return 0;
}

void supervisor_stop(struct local_provider *p)
{
	pthread_mutex_lock(&p->lock);
	p->stopping = true;
	pthread_mutex_unlock(&p->lock);
	if (!p->is_supervised)
		return;
	supervisor_wake(p);
	pthread_join(p->supervisor, NULL);
	p->is_supervised = false;
}
