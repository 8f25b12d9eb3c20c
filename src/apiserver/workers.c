#include "workers.h"

#include "base/thread.h"

struct job {
	void (*run)(void *arg);
	void *arg;
	struct job *next;
};

struct workers {
	pthread_mutex_t lock;
	pthread_cond_t cond;
	struct job *first, **last;
	bool stopping;
	pthread_t *threads;
	size_t threads_len;
};

/* The next job, or NULL when there is none and the pool stops. */
static struct job *take(struct workers *w)
{
	MUTEX_GUARD(&w->lock);
	while (!w->first && !w->stopping)
		cond_wait_until(&w->cond, &w->lock, -1);
	struct job *job = w->first;
	if (job) {
		w->first = job->next;
		if (!w->first)
			w->last = &w->first;
	}
	return job;
}

static void *worker_main(void *arg)
{
	struct workers *w = arg;
	struct job *job;

	while ((job = take(w))) {
		job->run(job->arg);
		free(job);
	}
	return NULL;
}

int workers_start(size_t threads, struct workers **ret, struct err *err)
{
	struct workers *w = new0(struct workers);

	pthread_mutex_init(&w->lock, NULL);
	cond_init_mono(&w->cond);
	w->last = &w->first;
	w->threads = xcalloc(threads, sizeof(pthread_t));
	for (; w->threads_len < threads; w->threads_len++) {
		if (thread_start(&w->threads[w->threads_len], "api-worker", worker_main, w, err) < 0) {
			workers_stop(w);
			return -1;
		}
	}
	*ret = w;
	return 0;
}

struct workers *workers_stop(struct workers *w)
{
	if (!w)
		return NULL;
	pthread_mutex_lock(&w->lock);
	w->stopping = true;
	pthread_cond_broadcast(&w->cond);
	pthread_mutex_unlock(&w->lock);
	for (size_t i = 0; i < w->threads_len; i++)
		pthread_join(w->threads[i], NULL);
	/* What came after the last thread had looked. */
	worker_main(w);
	pthread_mutex_destroy(&w->lock);
	pthread_cond_destroy(&w->cond);
	free(w->threads);
	free(w);
	return NULL;
}

void workers_submit(struct workers *w, void (*run)(void *arg), void *arg)
{
	struct job *job = xmalloc(sizeof(*job));

	*job = (struct job){ .run = run, .arg = arg };
	pthread_mutex_lock(&w->lock);
	*w->last = job;
	w->last = &job->next;
	pthread_cond_signal(&w->cond);
	pthread_mutex_unlock(&w->lock);
}
