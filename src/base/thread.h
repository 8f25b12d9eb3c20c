#ifndef BASE_THREAD_H
#define BASE_THREAD_H
/* Threads, and locks that are released when their scope ends. */

#include "base/err.h"

#include <pthread.h>

/* Starts a thread with a name of at most 15 characters and all signals blocked. */
int thread_start(pthread_t *ret, const char *name, void *(*main)(void *), void *arg, struct err *err);

/* A condition variable whose timed waits use the monotonic clock. */
void cond_init_mono(pthread_cond_t *cond);
/* Waits until signalled or the monotonic deadline; false when the deadline passed. Negative deadline: no limit. */
bool cond_wait_until(pthread_cond_t *cond, pthread_mutex_t *mutex, int64_t deadline_ns);

static inline pthread_mutex_t *mutex_guard_lock(pthread_mutex_t *m)
{
	pthread_mutex_lock(m);
	return m;
}
static inline void mutex_guard_unlockp(pthread_mutex_t **m)
{
	if (*m)
		pthread_mutex_unlock(*m);
}
/* MUTEX_GUARD(&self->lock); holds it to the end of the scope. */
#define MUTEX_GUARD_NAME2(line) _guard_##line
#define MUTEX_GUARD_NAME(line) MUTEX_GUARD_NAME2(line)
#define MUTEX_GUARD(m) \
	_cleanup_(mutex_guard_unlockp) _unused_ pthread_mutex_t *MUTEX_GUARD_NAME(__LINE__) = mutex_guard_lock(m)

#endif
