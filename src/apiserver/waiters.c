#include "waiters.h"

#include "base/clock.h"
#include "base/thread.h"

#define IDLE_NS (10 * NS_PER_S)

struct queued {
	struct waiter_job job;
	int64_t since_ns;
	struct queued *next;
};

struct waiters {
	struct waiters_config config;
	pthread_mutex_t lock;
	pthread_cond_t work, ended;
	struct queued *first, **last;
	size_t queued, threads, idle;
	bool stopping;
	struct metric *busy, *refused;
};

struct waiters *waiters_new(const struct waiters_config *config)
{
	struct waiters *w = new0(struct waiters);

	w->config = *config;
	w->last = &w->first;
	pthread_mutex_init(&w->lock, NULL);
	cond_init_mono(&w->work);
	cond_init_mono(&w->ended);
	if (config->metrics) {
		w->busy = metrics_gauge(config->metrics, "apiserver_waiting_requests",
		                        "Requests that have a thread and may be waiting for a webhook.", "");
		w->refused = metrics_counter(config->metrics, "apiserver_waiting_refused_total",
		                             "Requests that found no thread in time.", "");
	}
	return w;
}

/* With the lock held. The next job, or NULL when this thread shall end. */
static struct queued *take(struct waiters *w)
{
	int64_t until = clock_mono_ns() + IDLE_NS;

	while (!w->first && !w->stopping) {
		w->idle++;
		bool in_time = cond_wait_until(&w->work, &w->lock, until);
		w->idle--;
		if (!in_time && !w->first)
			return NULL;
	}
	if (w->stopping)
		return NULL;
	struct queued *q = w->first;
	w->first = q->next;
	if (!w->first)
		w->last = &w->first;
	w->queued--;
	return q;
}

static void refuse(struct waiters *w, const struct waiter_job *job)
{
	metric_add(w->refused, 1, NULL);
	job->refuse(job->arg);
}

static void run(struct waiters *w, struct queued *q)
{
	if (clock_mono_ns() - q->since_ns > w->config.patience_ns)
		refuse(w, &q->job);
	else
		q->job.run(q->job.arg);
	free(q);
}

static void *waiter_main(void *arg)
{
	struct waiters *w = arg;
	struct queued *q;

	pthread_mutex_lock(&w->lock);
	while ((q = take(w))) {
		metric_set(w->busy, (double)(w->threads - w->idle), NULL);
		pthread_mutex_unlock(&w->lock);
		run(w, q);
		pthread_mutex_lock(&w->lock);
		metric_set(w->busy, (double)(w->threads - w->idle - 1), NULL);
	}
	w->threads--;
	pthread_cond_signal(&w->ended);
	pthread_mutex_unlock(&w->lock);
	return NULL;
}

/* With the lock held: one more thread when nobody is free for what queues. */
static void grow(struct waiters *w)
{
	pthread_t thread;

	if (w->queued <= w->idle || w->threads >= w->config.threads_max)
		return;
	w->threads++;
	if (thread_start(&thread, "api-waiter", waiter_main, w, NULL) < 0)
		w->threads--; /* those that are there will come to it, or it is refused by the next that looks */
	else
		pthread_detach(thread);
}

void waiters_submit(struct waiters *w, const struct waiter_job *job)
{
	struct queued *q;

	pthread_mutex_lock(&w->lock);
	bool full = w->stopping || w->queued >= w->config.queue_max;
	if (!full) {
		q = new0(struct queued);
		*q = (struct queued){ .job = *job, .since_ns = clock_mono_ns() };
		*w->last = q;
		w->last = &q->next;
		w->queued++;
		grow(w);
		pthread_cond_signal(&w->work);
	}
	pthread_mutex_unlock(&w->lock);
	if (full)
		refuse(w, job);
}

struct waiters *waiters_free(struct waiters *w)
{
	if (!w)
		return NULL;
	pthread_mutex_lock(&w->lock);
	w->stopping = true;
	pthread_cond_broadcast(&w->work);
	while (w->threads > 0)
		cond_wait_until(&w->ended, &w->lock, -1);
	pthread_mutex_unlock(&w->lock);
	while (w->first) {
		struct queued *q = w->first;
		w->first = q->next;
		refuse(w, &q->job);
		free(q);
	}
	pthread_cond_destroy(&w->work);
	pthread_cond_destroy(&w->ended);
	pthread_mutex_destroy(&w->lock);
	free(w);
	return NULL;
}
