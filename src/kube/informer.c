#include "kube/informer.h"

#include "base/clock.h"
#include "base/str.h"
#include "base/thread.h"
#include "client_internal.h"
#include "informer_internal.h"
#include "object_cache.h"
#include "kube/selector.h"

#define PAGE_SIZE 500
#define WATCH_SECONDS_MIN 300
#define BACKOFF_MIN_NS (400 * NS_PER_MS)
#define BACKOFF_MAX_NS (30 * NS_PER_S)
#define BACKOFF_RESET_NS (30 * NS_PER_S)
#define SHORT_WATCH_NS NS_PER_S

struct handler {
	kube_informer_handler call;
	void *self;
	void (*destroy)(void *self);
};

struct kube_informer {
	struct kube_client *client;
	const struct kube_type *type;
	char *ns, *labels;
	struct kube_selector *selector;
	struct logger *log;
	int64_t resync_ns, backoff_min_ns;
	struct handler *handlers;
	size_t handlers_len;
	struct object_cache *cache;

	pthread_t thread;
	bool started;
	atomic_bool stop;
	pthread_mutex_t lock; /* of synced, and to wait for stop */
	pthread_cond_t changed;
	bool synced;

	/* The reflector thread's own. */
	char *version; /* where the next watch begins; NULL: list first */
	int64_t backoff_ns, next_resync_ns;
	bool failing;  /* said so in the log */
	size_t events; /* of the watch under way */

	struct metric *lists, *watches, *errors, *objects;
};

/* ---- life ---- */

static void add_metrics(struct kube_informer *i, struct metrics *m)
{
	if (!m)
		return;
	i->lists = metrics_counter(m, "scia_informer_lists_total", "Complete lists an informer asked for", "resource");
	i->watches = metrics_counter(m, "scia_informer_watches_total", "Watches an informer began", "resource");
	i->errors = metrics_counter(m, "scia_informer_errors_total", "Lists and watches of an informer that failed",
	                            "resource");
	i->objects = metrics_gauge(m, "scia_informer_objects", "Objects in an informer's cache", "resource");
}

struct kube_informer *kube_informer_new(const struct kube_informer_config *config)
{
	struct kube_informer *i = new0(struct kube_informer);
	i->client = kube_client_ref(config->client);
	i->type = config->type;
	i->ns = xstrdup(config->ns ? config->ns : "");
	i->labels = xstrdup(config->labels ? config->labels : "");
	i->log = config->log ? logger_with(config->log, "informer", config->type->plural) : NULL;
	i->resync_ns = config->resync_ns;
	i->cache = object_cache_new();
	kube_informer_set_backoff(i, BACKOFF_MIN_NS);
	pthread_mutex_init(&i->lock, NULL);
	cond_init_mono(&i->changed);
	add_metrics(i, config->metrics);
	return i;
}

static void informer_free(struct kube_informer *i)
{
	for (size_t h = 0; h < i->handlers_len; h++) {
		if (i->handlers[h].destroy)
			i->handlers[h].destroy(i->handlers[h].self);
	}
	free(i->handlers);
	object_cache_free(i->cache);
	kube_selector_free(i->selector);
	kube_client_unref(i->client);
	logger_unref(i->log);
	free(i->ns);
	free(i->labels);
	free(i->version);
	pthread_cond_destroy(&i->changed);
	pthread_mutex_destroy(&i->lock);
	free(i);
}

void kube_informer_add_handler_owned(struct kube_informer *i, kube_informer_handler handler, void *self,
                                     void (*destroy)(void *self))
{
	i->handlers = xreallocarray(i->handlers, i->handlers_len + 1, sizeof(*i->handlers));
	i->handlers[i->handlers_len++] = (struct handler){ .call = handler, .self = self, .destroy = destroy };
}

void kube_informer_add_handler(struct kube_informer *i, kube_informer_handler handler, void *self)
{
	kube_informer_add_handler_owned(i, handler, self, NULL);
}

void kube_informer_set_backoff(struct kube_informer *i, int64_t first_ns)
{
	i->backoff_min_ns = i->backoff_ns = first_ns;
}

void kube_informer_add_index(struct kube_informer *i, const char *index_name,
                             void (*index)(const json_t *obj, char ***values))
{
	object_cache_add_index(i->cache, index_name, index);
}

void kube_index_by_owner(const json_t *obj, char ***values)
{
	const char *uid = json_get_str(kube_controller_of(obj), "uid");
	if (!str_empty(uid))
		strv_push(values, uid);
}

/* ---- telling handlers ---- */

static void tell(void *self, const struct object_change *change)
{
	struct kube_informer *i = self;
	for (size_t h = 0; h < i->handlers_len; h++)
		i->handlers[h].call(i->handlers[h].self, change->old_obj, change->new_obj);
}

static void tell_and_clear(struct kube_informer *i, bool changed, struct object_change *change)
{
	if (changed)
		tell(i, change);
	object_change_clear(change);
}

static void resync(struct kube_informer *i)
{
	_cleanup_json_ json_t *objects = object_cache_list(i->cache, NULL);
	size_t n;
	json_t *obj;
	json_array_foreach (objects, n, obj) {
		struct object_change change = { .old_obj = obj, .new_obj = obj };
		tell(i, &change);
	}
}

static void count_objects(struct kube_informer *i)
{
	metric_set(i->objects, (double)object_cache_len(i->cache), METRIC_LABELS(i->type->plural));
}

/* ---- waiting ---- */

static bool stopping(const struct kube_informer *i)
{
	return atomic_load(&i->stop);
}

/* Sleeps the back-off, with jitter so that many clients do not return at once, and doubles it. */
static void back_off(struct kube_informer *i)
{
	int64_t until = clock_mono_ns() + (int64_t)((double)i->backoff_ns * (1 + kube_random()));
	i->backoff_ns = i->backoff_ns * 2 < BACKOFF_MAX_NS ? i->backoff_ns * 2 : BACKOFF_MAX_NS;
	MUTEX_GUARD(&i->lock);
	while (!stopping(i) && cond_wait_until(&i->changed, &i->lock, until))
		;
}

static void failed(struct kube_informer *i, const struct err *err)
{
	if (stopping(i))
		return;
	metric_add(i->errors, 1, METRIC_LABELS(i->type->plural));
	log_at(i->log, i->failing ? LOG_DEBUG : LOG_WARN, "%s; trying again", err_message(err));
	i->failing = true;
}

static void recovered(struct kube_informer *i)
{
	if (i->failing)
		log_info(i->log, "%s can be listed and watched again", i->type->plural);
	i->failing = false;
}

/* ---- list ---- */

static bool on_item(void *self, json_t *item)
{
	struct kube_informer *i = self;
	struct object_change change = { 0 };
	bool changed = object_cache_sweep_item(i->cache, item, &change);
	tell_and_clear(i, changed, &change);
	return !stopping(i);
}

static void on_restart(void *self)
{
	object_cache_sweep_begin(((struct kube_informer *)self)->cache);
}

/* One strange object, which any user of the cluster may make, must not keep us from seeing all others. */
static bool on_unreadable(void *self, const struct err *why)
{
	struct kube_informer *i = self;
	log_warn(i->log, "one of %s cannot be read and is treated as absent: %s", i->type->plural, err_message(why));
	metric_add(i->errors, 1, METRIC_LABELS(i->type->plural));
	return true;
}

/* The whole list, most recent: what the watch then goes on from. */
static int list_all(struct kube_informer *i, struct err *err)
{
	struct kube_list_options options = { .labels = i->labels, .limit = PAGE_SIZE };
	struct kube_list_sink sink = {
		.on_item = on_item, .on_restart = on_restart, .on_unreadable = on_unreadable, .self = i
	};
	char *version = NULL;
	metric_add(i->lists, 1, METRIC_LABELS(i->type->plural));
	object_cache_sweep_begin(i->cache);
	if (kube_list_items(i->client, i->type, i->ns, &options, &i->stop, &sink, &version, err) < 0)
		return -1;
	if (stopping(i) || str_empty(version)) {
		free(version);
		return stopping(i)
		           ? 0
		           : err_set(err, ERR_INTERNAL, "listing %s: the server gave no resourceVersion", i->type->plural);
	}
	object_cache_sweep_end(i->cache, version, tell, i);
	free(i->version);
	i->version = version;
	count_objects(i);
	MUTEX_GUARD(&i->lock);
	i->synced = true;
	pthread_cond_broadcast(&i->changed);
	return 0;
}

/* ---- watch ---- */

static bool on_event(void *self, const char *event_type, json_t *obj)
{
	struct kube_informer *i = self;
	const char *version = kube_resource_version(obj);
	struct object_change change = { 0 };
	bool changed = false;
	i->events++;
	if (str_eq(event_type, "ADDED") || str_eq(event_type, "MODIFIED"))
		changed = object_cache_apply(i->cache, obj, &change);
	else if (str_eq(event_type, "DELETED"))
		changed = object_cache_delete(i->cache, obj, &change);
	if (*version) { /* bookmarks have nothing else */
		free(i->version);
		i->version = xstrdup(version);
		object_cache_set_version(i->cache, version);
	}
	tell_and_clear(i, changed, &change);
	if (changed)
		count_objects(i);
	return !stopping(i);
}

/* Until the next resync at most. */
static int watch_seconds(const struct kube_informer *i)
{
	int seconds = (int)(WATCH_SECONDS_MIN * (1 + kube_random()));
	if (i->resync_ns <= 0)
		return seconds;
	int64_t left = (i->next_resync_ns - clock_mono_ns() + NS_PER_S - 1) / NS_PER_S;
	return left < 1 ? 1 : left < seconds ? (int)left : seconds;
}

/* Whether a watch that failed so may simply be begun again where it ended. */
static bool can_resume(const struct err *e)
{
	for (size_t i = 0; i < e->causes_len; i++) {
		if (str_eq(e->causes[i].reason, "ResourceVersionTooLarge"))
			return false; /* the server lost what we saw, or another one is behind: ask it what it has */
	}
	return e->kind == ERR_UNAVAILABLE || e->kind == ERR_TOO_MANY_REQUESTS || e->kind == ERR_TIMEOUT;
}

static void must_list(struct kube_informer *i)
{
	free(TAKE_PTR(i->version));
}

static void watch_once(struct kube_informer *i)
{
	_cleanup_err_ struct err e = { 0 };
	_cleanup_free_ char *from = xstrdup(i->version);
	struct kube_list_options options = { .labels = i->labels, .resource_version = from };
	int64_t begin = clock_mono_ns();
	int seconds = watch_seconds(i);
	i->events = 0;
	metric_add(i->watches, 1, METRIC_LABELS(i->type->plural));
	int r = kube_watch_for(i->client, i->type, i->ns, &options, seconds, &i->stop, on_event, i, &e);
	int64_t lasted = clock_mono_ns() - begin;
	if (i->events > 0 || lasted >= BACKOFF_RESET_NS) {
		i->backoff_ns = i->backoff_min_ns;
		recovered(i);
	}
	if (r == 0) {
		/* A server that ends watches at once without a word must not be asked in a tight loop, and may have lost us. */
		if (i->events == 0 && lasted < SHORT_WATCH_NS && !stopping(i) && seconds > 1) {
			must_list(i);
			back_off(i);
		}
		return;
	}
	if (e.kind == ERR_EXPIRED)
		log_debug(i->log, "%s; listing anew", err_message(&e));
	else
		failed(i, &e);
	if (!can_resume(&e))
		must_list(i);
	back_off(i);
}

static void resync_when_due(struct kube_informer *i)
{
	if (i->resync_ns <= 0 || clock_mono_ns() < i->next_resync_ns)
		return;
	i->next_resync_ns = clock_mono_ns() + i->resync_ns;
	resync(i);
}

static void *reflector_main(void *arg)
{
	struct kube_informer *i = arg;
	i->next_resync_ns = clock_mono_ns() + i->resync_ns;
	while (!stopping(i)) {
		if (!i->version) {
			_cleanup_err_ struct err e = { 0 };
			if (list_all(i, &e) < 0) {
				failed(i, &e);
				back_off(i);
			} else {
				recovered(i);
			}
			continue;
		}
		watch_once(i);
		resync_when_due(i);
	}
	return NULL;
}

/* ---- the interface ---- */

int kube_informer_start(struct kube_informer *i, struct err *err)
{
	i->selector = kube_selector_parse_labels(i->labels, err);
	if (!i->selector)
		return err_wrap(err, "informer of %s", i->type->plural);
	char name[32];
	snprintf(name, sizeof(name), "w:%s", i->type->plural);
	if (thread_start(&i->thread, name, reflector_main, i, err) < 0)
		return -1;
	i->started = true;
	return 0;
}

bool kube_informer_wait_synced(struct kube_informer *i, int64_t deadline_ns)
{
	MUTEX_GUARD(&i->lock);
	while (!i->synced && !stopping(i)) {
		if (!cond_wait_until(&i->changed, &i->lock, deadline_ns))
			break;
	}
	return i->synced;
}

struct kube_informer *kube_informer_stop(struct kube_informer *i)
{
	if (!i)
		return NULL;
	pthread_mutex_lock(&i->lock);
	atomic_store(&i->stop, true);
	pthread_cond_broadcast(&i->changed);
	pthread_mutex_unlock(&i->lock);
	if (i->started)
		pthread_join(i->thread, NULL);
	informer_free(i);
	return NULL;
}

json_t *kube_informer_get(struct kube_informer *i, const char *ns, const char *name)
{
	return object_cache_get(i->cache, ns, name);
}

json_t *kube_informer_list(struct kube_informer *i, const char *ns)
{
	return object_cache_list(i->cache, ns);
}

json_t *kube_informer_by_index(struct kube_informer *i, const char *index_name, const char *value)
{
	return object_cache_by_index(i->cache, index_name, value);
}

size_t kube_informer_count(struct kube_informer *i)
{
	return object_cache_len(i->cache);
}

void kube_informer_observe(struct kube_informer *i, const json_t *obj)
{
	const char *kind = json_get_str(obj, "kind");
	if (!*kube_name(obj) || (kind && !str_eq(kind, i->type->kind)))
		return;
	if (*i->ns && !str_eq(i->ns, kube_namespace(obj)))
		return;
	if (i->selector && !kube_selector_matches_labels(i->selector, obj))
		return;
	object_cache_observe(i->cache, obj);
}
