#include "loop.h"

#include "base/clock.h"
#include "base/thread.h"
#include "kube/workqueue.h"

struct loop {
	char *name;
	loop_reconcile reconcile;
	void *self;
	struct logger *log;
	struct kube_workqueue *queue;
	pthread_t threads[LOOP_THREADS_MAX];
	size_t running;
};

static void pass(struct loop *l, const char *key)
{
	_cleanup_err_ struct err err = { 0 };
	int64_t after_ns = 0;

	if (l->reconcile(l->self, key, &after_ns, &err) < 0) {
		/* Somebody was faster: no fault of anybody. */
		if (err.kind == ERR_CONFLICT)
			log_debug(l->log, "%s: %s: %s", l->name, key, err_message(&err));
		else
			log_warn(l->log, "%s: %s: %s", l->name, key, err_message(&err));
		kube_workqueue_add_rate_limited(l->queue, key);
		return;
	}
	kube_workqueue_forget(l->queue, key);
	if (after_ns > 0)
		kube_workqueue_add_after(l->queue, key, after_ns);
}

static void *loop_main(void *arg)
{
	struct loop *l = arg;
	char *key;

	while ((key = kube_workqueue_get(l->queue))) {
		pass(l, key);
		kube_workqueue_done(l->queue, key);
		free(key);
	}
	return NULL;
}

int loop_start_wide(const char *name, size_t threads, loop_reconcile reconcile, void *self, struct logger *log,
                    struct loop **ret, struct err *err)
{
	const struct kube_workqueue_config config = {
		.name = name, .backoff_base_ns = 10 * NS_PER_MS, .backoff_max_ns = 30 * NS_PER_S, .rate_per_s = 1000
	};
	struct loop *l = new0(struct loop);

	l->name = xstrdup(name);
	l->reconcile = reconcile;
	l->self = self;
	l->log = log;
	l->queue = kube_workqueue_new(&config);
	while (l->running < threads && l->running < LOOP_THREADS_MAX) {
		if (thread_start(&l->threads[l->running], name, loop_main, l, err) < 0) {
			loop_stop(l);
			return -1;
		}
		l->running++;
	}
	*ret = l;
	return 0;
}

int loop_start(const char *name, loop_reconcile reconcile, void *self, struct logger *log, struct loop **ret,
               struct err *err)
{
	return loop_start_wide(name, 1, reconcile, self, log, ret, err);
}

void loop_add(struct loop *l, const char *key)
{
	kube_workqueue_add(l->queue, key);
}

void loop_add_after(struct loop *l, const char *key, int64_t delay_ns)
{
	kube_workqueue_add_after(l->queue, key, delay_ns);
}

struct loop *loop_stop(struct loop *l)
{
	if (!l)
		return NULL;
	kube_workqueue_shut_down(l->queue);
	while (l->running > 0)
		pthread_join(l->threads[--l->running], NULL);
	kube_workqueue_free(l->queue);
	free(l->name);
	free(l);
	return NULL;
}
