/* The one thread that moves all applications: it sleeps until a program ends, something was said to it, or a time
 * comes. */

#include "app.h"

#include "base/clock.h"
#include "base/fs.h"
#include "base/map.h"
#include "base/thread.h"

#include <errno.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>

#define EVENTS_MAX 64

int supervisor_watch(struct local_provider *p, struct instance *i)
{
	/* Only wakes the thread: each application looks at its own instances, so no pointer can outlive its instance here.
	 */
	struct epoll_event event = { .events = EPOLLIN | EPOLLONESHOT };
	return epoll_ctl(p->epoll_fd, EPOLL_CTL_ADD, i->pidfd, &event);
}

void supervisor_wake(struct local_provider *p)
{
	uint64_t one = 1;
	(void)!write(p->wake_fd, &one, sizeof(one));
}

/* Everything the application had is to be forgotten: its folder goes too, by a builder, as it may be large. */
static void let_go(struct local_provider *p, struct app *a)
{
	struct release_job *job = new0(struct release_job);
	job->key = xstrdup(a->key);
	job->remove_dir = xstrdup(a->dir);
	a->is_removing = true;
	builder_submit(p->builder, job);
}

/* Steps what is due; when the next one is. */
static int64_t step_all(struct local_provider *p, bool has_ended)
{
	int64_t now = clock_mono_ns(), next = now + 3600 * NS_PER_S;
	size_t iter = 0;
	const char *key;
	void *value;

	while (map_next(p->apps, &iter, &key, &value)) {
		struct app *a = value;
		if (a->is_removing)
			continue;
		if (has_ended || a->due_ns <= now) {
			if (app_step(a, now))
				let_go(p, a);
		}
		if (!a->is_removing && a->due_ns < next)
			next = a->due_ns;
	}
	return next;
}

static void *supervisor_main(void *arg)
{
	struct local_provider *p = arg;
	bool has_ended = true;
	for (;;) {
		pthread_mutex_lock(&p->lock);
		bool stopping = p->stopping;
		int64_t next = stopping ? 0 : step_all(p, has_ended);
		pthread_mutex_unlock(&p->lock);
		if (stopping)
			return NULL;
		int64_t left = next - clock_mono_ns();
		struct epoll_event events[EVENTS_MAX];
		int n = epoll_wait(p->epoll_fd, events, EVENTS_MAX, left <= 0 ? 0 : (int)(left / NS_PER_MS) + 1);
		has_ended = false;
		for (int i = 0; i < n; i++) {
			uint64_t count;
			if (events[i].data.fd == p->wake_fd)
				(void)!read(p->wake_fd, &count, sizeof(count));
			else
				has_ended = true;
		}
	}
}

int supervisor_start(struct local_provider *p, struct err *err)
{
	struct epoll_event event = { .events = EPOLLIN, .data.fd = p->wake_fd };
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
