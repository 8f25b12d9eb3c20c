#include "base/thread.h"

#include "base/clock.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>

int thread_start(pthread_t *ret, const char *name, void *(*main)(void *), void *arg, struct err *err)
{
	/* The thread inherits the mask, so that there is no moment in which it could take a signal. */
	sigset_t all, before;
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	pthread_t thread;
	int r = pthread_create(&thread, NULL, main, arg);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	if (r != 0)
		return err_set_errno(err, r, "starting thread %s", name);

	char short_name[16];
	snprintf(short_name, sizeof(short_name), "%s", name);
	pthread_setname_np(thread, short_name);
	*ret = thread;
	return 0;
}

void cond_init_mono(pthread_cond_t *cond)
{
	pthread_condattr_t attr;
	pthread_condattr_init(&attr);
	pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	pthread_cond_init(cond, &attr);
	pthread_condattr_destroy(&attr);
}

bool cond_wait_until(pthread_cond_t *cond, pthread_mutex_t *mutex, int64_t deadline_ns)
{
	if (deadline_ns < 0) {
		pthread_cond_wait(cond, mutex);
		return true;
	}
	struct timespec ts = clock_timespec(deadline_ns);
	return pthread_cond_timedwait(cond, mutex, &ts) != ETIMEDOUT;
}
