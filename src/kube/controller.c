#include "kube/controller.h"

#include "base/clock.h"
#include "base/str.h"
#include "base/thread.h"
#include "informer_internal.h"

#define PASS_TIMEOUT_NS (600 * NS_PER_S)
#define BACKOFF_MAX_NS (300 * NS_PER_S)
#define WORKERS_MAX 256

/* The queue with a count of those who add to it: handlers of informers that are stopped after the controller must find
 * it still there. Shut down, it takes nothing in. */
struct shared_queue {
	atomic_int refs;
	struct kube_workqueue *queue;
};

/* What one watch needs to turn an object into keys. */
struct watch {
	struct shared_queue *queue;
	const struct kube_type *owner_type;                       /* owned */
	void (*map)(void *self, const json_t *obj, char ***keys); /* mapped */
	void *map_self;
};

struct kube_controller {
	char *name;
	int workers;
	int64_t pass_timeout_ns;
	kube_reconcile reconcile;
	void *self;
	struct logger *log;
	struct shared_queue *shared;
	struct kube_workqueue *queue; /* of shared */
	pthread_t *threads;
	int started;
	atomic_bool stop;
	struct metric *total, *errors, *terminal_errors, *seconds, *active;
};

static struct shared_queue *queue_ref(struct shared_queue *s)
{
	atomic_fetch_add(&s->refs, 1);
	return s;
}

static void queue_unref(struct shared_queue *s)
{
	if (atomic_fetch_sub(&s->refs, 1) > 1)
		return;
	kube_workqueue_free(s->queue);
	free(s);
}

static void add_metrics(struct kube_controller *c, struct metrics *m)
{
	if (!m)
		return;
	c->total = metrics_counter(m, "controller_runtime_reconcile_total",
	                           "Total number of reconciliations per controller", "controller,result");
	c->errors = metrics_counter(m, "controller_runtime_reconcile_errors_total",
	                            "Total number of reconciliation errors per controller", "controller");
	c->terminal_errors = metrics_counter(m, "controller_runtime_terminal_reconcile_errors_total",
	                                     "Total number of terminal reconciliation errors per controller", "controller");
	c->seconds = metrics_histogram(m, "controller_runtime_reconcile_time_seconds",
	                               "Length of time per reconciliation per controller", "controller", NULL, 0);
	c->active = metrics_gauge(m, "controller_runtime_active_workers", "Number of currently used workers per controller",
	                          "controller");
	metric_set(metrics_gauge(m, "controller_runtime_max_concurrent_reconciles",
	                         "Maximum number of concurrent reconciles per controller", "controller"),
	           c->workers, METRIC_LABELS(c->name));
	metric_set(c->active, 0, METRIC_LABELS(c->name));
}

struct kube_controller *kube_controller_new(const struct kube_controller_config *config)
{
	struct kube_controller *c = new0(struct kube_controller);
	c->name = xstrdup(config->name);
	c->workers = config->workers < 1 ? 1 : config->workers > WORKERS_MAX ? WORKERS_MAX : config->workers;
	c->pass_timeout_ns = config->pass_timeout_ns ? config->pass_timeout_ns : PASS_TIMEOUT_NS;
	c->reconcile = config->reconcile;
	c->self = config->self;
	c->log = config->log ? logger_with(config->log, "controller", config->name) : NULL;
	struct kube_workqueue_config queue = {
		.name = config->name,
		.backoff_max_ns = config->backoff_max_ns ? config->backoff_max_ns : BACKOFF_MAX_NS,
		.metrics = config->metrics,
	};
	c->shared = new0(struct shared_queue);
	c->shared->refs = 1;
	c->shared->queue = c->queue = kube_workqueue_new(&queue);
	add_metrics(c, config->metrics);
	return c;
}

/* ---- watches ---- */

static void add_key(struct shared_queue *s, const char *ns, const char *name)
{
	if (str_empty(name))
		return;
	_cleanup_free_ char *key = kube_key_str(ns, name);
	kube_workqueue_add(s->queue, key);
}

static void watch_free(void *p)
{
	struct watch *w = p;
	queue_unref(w->queue);
	free(w);
}

static struct watch *watch_new(struct kube_controller *c)
{
	struct watch *w = new0(struct watch);
	w->queue = queue_ref(c->shared);
	return w;
}

static bool has_same(const json_t *a, const json_t *b, const char *field)
{
	const json_t *x = json_object_get(a, field), *y = json_object_get(b, field);
	return x == y || (x && y && json_same(x, y));
}

/* Whoever reconciles a type writes its status: to be woken by that would never end. The generation counts the changes
 * of everything but metadata and status, where the type has a status at all. */
static bool is_status_change(const json_t *old_obj, const json_t *new_obj)
{
	static const char *const reasons[] = { "generation", "labels",          "annotations",
		                                   "finalizers", "ownerReferences", "deletionTimestamp",
		                                   "uid" };
	if (!old_obj || !new_obj || kube_generation(new_obj) == 0)
		return false;
	if (str_eq(kube_resource_version(old_obj), kube_resource_version(new_obj)))
		return false; /* a resync */
	for (size_t i = 0; i < ARRAY_SIZE(reasons); i++) {
		if (!has_same(kube_meta(old_obj), kube_meta(new_obj), reasons[i]))
			return false;
	}
	return true;
}

static void on_change(void *self, const json_t *old_obj, const json_t *new_obj)
{
	const struct watch *w = self;
	const json_t *obj = new_obj ? new_obj : old_obj;
	if (is_status_change(old_obj, new_obj))
		return;
	add_key(w->queue, kube_namespace(obj), kube_name(obj));
}

void kube_controller_watch(struct kube_controller *c, struct kube_informer *informer)
{
	kube_informer_add_handler_owned(informer, on_change, watch_new(c), watch_free);
}

/* The version does not matter: an object keeps its owner when the owner's API moves on. */
static bool is_of_type(const json_t *ref, const struct kube_type *type)
{
	const char *api_version = json_get_str(ref, "apiVersion");
	const char *slash = api_version ? strchr(api_version, '/') : NULL;
	size_t group_len = slash ? (size_t)(slash - api_version) : 0;
	return str_eq(json_get_str(ref, "kind"), type->kind) && strlen(type->group) == group_len &&
	       (group_len == 0 || memcmp(api_version, type->group, group_len) == 0);
}

static void add_owner(const struct watch *w, const json_t *obj)
{
	const json_t *ref = kube_controller_of(obj);
	if (ref && is_of_type(ref, w->owner_type))
		add_key(w->queue, w->owner_type->namespaced ? kube_namespace(obj) : "", json_get_str(ref, "name"));
}

static void on_owned_change(void *self, const json_t *old_obj, const json_t *new_obj)
{
	/* Both: the owner may have changed. The queue makes one of equal keys. */
	add_owner(self, old_obj);
	add_owner(self, new_obj);
}

void kube_controller_watch_owned(struct kube_controller *c, struct kube_informer *informer,
                                 const struct kube_type *owner_type)
{
	struct watch *w = watch_new(c);
	w->owner_type = owner_type;
	kube_informer_add_handler_owned(informer, on_owned_change, w, watch_free);
}

static void on_mapped_change(void *self, const json_t *old_obj, const json_t *new_obj)
{
	const struct watch *w = self;
	_cleanup_strv_ char **keys = NULL;
	if (old_obj)
		w->map(w->map_self, old_obj, &keys);
	if (new_obj)
		w->map(w->map_self, new_obj, &keys);
	for (size_t i = 0; keys && keys[i]; i++)
		kube_workqueue_add(w->queue->queue, keys[i]);
}

void kube_controller_watch_mapped(struct kube_controller *c, struct kube_informer *informer,
                                  void (*map)(void *self, const json_t *obj, char ***keys), void *self)
{
	struct watch *w = watch_new(c);
	w->map = map;
	w->map_self = self;
	kube_informer_add_handler_owned(informer, on_mapped_change, w, watch_free);
}

void kube_controller_enqueue(struct kube_controller *c, const char *ns, const char *name)
{
	add_key(c->shared, ns, name);
}

void kube_controller_enqueue_after(struct kube_controller *c, const char *ns, const char *name, int64_t delay_ns)
{
	_cleanup_free_ char *key = kube_key_str(ns, name);
	kube_workqueue_add_after(c->queue, key, delay_ns);
}

/* ---- passes ---- */

static void count(struct kube_controller *c, const char *result, int64_t begin_ns)
{
	metric_add(c->total, 1, METRIC_LABELS(c->name, result));
	metric_observe(c->seconds, (double)(clock_mono_ns() - begin_ns) / (double)NS_PER_S, METRIC_LABELS(c->name));
}

static void pass_failed(struct kube_controller *c, const char *key, const struct kube_pass *pass, int64_t begin_ns)
{
	const struct err *e = pass->err;
	count(c, "error", begin_ns);
	metric_add(c->errors, 1, METRIC_LABELS(c->name));
	if (e->terminal) {
		metric_add(c->terminal_errors, 1, METRIC_LABELS(c->name));
		kube_workqueue_forget(c->queue, key);
		log_error(pass->log, "%s; not tried again until something changes", err_message(e));
		return;
	}
	kube_workqueue_add_rate_limited(c->queue, key);
	/* A conflict only says that the cache was behind; stopping interrupts on purpose. */
	bool expected = e->kind == ERR_CONFLICT || atomic_load(&c->stop);
	log_at(pass->log, expected ? LOG_DEBUG : LOG_WARN, "%s; trying again (failure %d)",
	       err_is_set(e) ? err_message(e) : "failed without saying why", pass->failures + 1);
}

static void run_pass(struct kube_controller *c, const char *key_text)
{
	struct kube_key key;
	if (!kube_key_parse(key_text, &key)) {
		log_error(c->log, "'%s' is not a key (NAMESPACE/NAME); dropped", key_text);
		kube_workqueue_forget(c->queue, key_text);
		return;
	}
	_cleanup_(arena_freep) struct arena *arena = arena_new();
	_cleanup_err_ struct err e = { 0 };
	_cleanup_(logger_unrefp) struct logger *log = c->log ? logger_with(c->log, "key", key_text) : NULL;
	int64_t begin = clock_mono_ns();
	struct kube_pass pass = {
		.log = log,
		.err = &e,
		.arena = arena,
		.deadline_ns = begin + c->pass_timeout_ns,
		.cancelled = &c->stop,
		.failures = kube_workqueue_failures(c->queue, key_text),
		.woken_ns = kube_workqueue_added_ns(c->queue, key_text),
	};
	struct kube_result result = { 0 };
	metric_add(c->active, 1, METRIC_LABELS(c->name));
	int r = c->reconcile(c->self, &pass, &key, &result);
	metric_add(c->active, -1, METRIC_LABELS(c->name));
	if (r < 0) {
		pass_failed(c, key_text, &pass, begin);
	} else {
		kube_workqueue_forget(c->queue, key_text);
		if (result.requeue_after_ns > 0)
			kube_workqueue_add_after(c->queue, key_text, result.requeue_after_ns);
		count(c, result.requeue_after_ns > 0 ? "requeue_after" : "success", begin);
	}
	kube_key_clear(&key);
}

static void *worker_main(void *arg)
{
	struct kube_controller *c = arg;
	for (;;) {
		_cleanup_free_ char *key = kube_workqueue_get(c->queue);
		if (!key)
			return NULL;
		run_pass(c, key);
		kube_workqueue_done(c->queue, key);
	}
}

/* ---- life ---- */

int kube_controller_start(struct kube_controller *c, struct err *err)
{
	c->threads = xcalloc((size_t)c->workers, sizeof(pthread_t));
	for (; c->started < c->workers; c->started++) {
		if (thread_start(&c->threads[c->started], c->name, worker_main, c, err) < 0)
			return err_wrap(err, "starting the workers of controller %s", c->name);
	}
	return 0;
}

struct kube_controller *kube_controller_stop(struct kube_controller *c)
{
	if (!c)
		return NULL;
	atomic_store(&c->stop, true);
	kube_workqueue_shut_down(c->queue);
	for (int i = 0; i < c->started; i++)
		pthread_join(c->threads[i], NULL);
	queue_unref(c->shared);
	free(c->threads);
	free(c->name);
	logger_unref(c->log);
	free(c);
	return NULL;
}
