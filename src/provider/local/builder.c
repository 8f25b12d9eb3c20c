#include "builder.h"

#include "base/str.h"
#include "base/thread.h"

#include <sys/queue.h>

struct queued_job {
	STAILQ_ENTRY(queued_job) next;
	struct release_job *job;
};

struct builder {
	struct builder_config config;
	pthread_mutex_t lock;
	pthread_cond_t wake;
	STAILQ_HEAD(, queued_job) queue;
	bool stopping;
	struct release_job **running; /* one slot a thread, NULL while it waits */
	pthread_t *threads;
	int threads_len;
};

/* The slot of the job that a thread works on; with NULL a free one. */
static struct release_job **find_slot(struct builder *b, const struct release_job *job)
{
	int i = 0;
	while (b->running[i] != job)
		i++;
	return &b->running[i];
}

static struct release_job *next_job(struct builder *b)
{
	MUTEX_GUARD(&b->lock);
	while (!b->stopping && STAILQ_EMPTY(&b->queue))
		pthread_cond_wait(&b->wake, &b->lock);
	if (b->stopping)
		return NULL;
	struct queued_job *queued = STAILQ_FIRST(&b->queue);
	STAILQ_REMOVE_HEAD(&b->queue, next);
	struct release_job *job = queued->job;
	free(queued);
	*find_slot(b, NULL) = job;
	return job;
}

static void job_done(struct builder *b, struct release_job *job)
{
	pthread_mutex_lock(&b->lock);
	*find_slot(b, job) = NULL;
	pthread_mutex_unlock(&b->lock);
	release_job_free(job);
}

static void *builder_main(void *arg)
{
	struct builder *b = arg;
	for (struct release_job *job; (job = next_job(b)); job_done(b, job)) {
		struct release_result result = { 0 };
		release_build(&b->config.release, job, &result);
		b->config.done(b->config.self, job, &result);
		free(result.message);
	}
	return NULL;
}

void builder_submit(struct builder *b, struct release_job *job)
{
	struct queued_job *queued = new0(struct queued_job);
	queued->job = job;
	MUTEX_GUARD(&b->lock);
	STAILQ_INSERT_TAIL(&b->queue, queued, next);
	pthread_cond_signal(&b->wake);
}

/* key NULL: all. With the lock held. */
static void cancel_jobs(struct builder *b, const char *key)
{
	struct queued_job *queued;
	STAILQ_FOREACH (queued, &b->queue, next) {
		if (!key || str_eq(queued->job->key, key))
			atomic_store(&queued->job->cancelled, true);
	}
	for (int i = 0; i < b->config.threads; i++) {
		if (b->running[i] && (!key || str_eq(b->running[i]->key, key)))
			atomic_store(&b->running[i]->cancelled, true);
	}
}

void builder_cancel(struct builder *b, const char *key)
{
	MUTEX_GUARD(&b->lock);
	cancel_jobs(b, key);
}

struct builder *builder_new(const struct builder_config *config, struct err *err)
{
	struct builder *b = new0(struct builder);
	b->config = *config;
	STAILQ_INIT(&b->queue);
	pthread_mutex_init(&b->lock, NULL);
	pthread_cond_init(&b->wake, NULL);
	b->threads = xcalloc((size_t)config->threads, sizeof(*b->threads));
	b->running = xcalloc((size_t)config->threads, sizeof(struct release_job *));
	while (b->threads_len < config->threads) {
		if (thread_start(&b->threads[b->threads_len], "build", builder_main, b, err) < 0)
			return builder_free(b);
		b->threads_len++;
	}
	return b;
}

struct builder *builder_free(struct builder *b)
{
	if (!b)
		return NULL;
	pthread_mutex_lock(&b->lock);
	b->stopping = true;
	cancel_jobs(b, NULL);
	pthread_cond_broadcast(&b->wake);
	pthread_mutex_unlock(&b->lock);
	for (int i = 0; i < b->threads_len; i++)
		pthread_join(b->threads[i], NULL);
	for (struct queued_job *queued; (queued = STAILQ_FIRST(&b->queue));) {
		STAILQ_REMOVE_HEAD(&b->queue, next);
		release_job_free(queued->job);
		free(queued);
	}
	pthread_cond_destroy(&b->wake);
	pthread_mutex_destroy(&b->lock);
	free(b->threads);
	free(b->running);
	free(b);
	return NULL;
}
