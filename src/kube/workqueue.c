#include "kube/workqueue.h"

#include "base/clock.h"
#include "base/map.h"
#include "base/thread.h"

#define BACKOFF_BASE_NS (5 * NS_PER_MS)
#define BACKOFF_MAX_NS (1000 * NS_PER_S)
#define RATE_PER_S 10.0
#define RATE_BURST 100.0
#define NOT_DELAYED SIZE_MAX

/* All that is known of a key. It is forgotten when it is neither waiting, worked on, nor has failed. */
struct item {
	char *key;
	bool queued;     /* in the line */
	bool processing; /* with a worker */
	bool dirty;      /* added while processing: goes into the line when the worker is done */
	int failures;
	size_t delay_index; /* in the heap, or NOT_DELAYED */
	int64_t ready_ns;   /* when the delay is over */
	int64_t added_ns, queued_ns, started_ns;
	struct item *next; /* in the line */
};

struct kube_workqueue {
	pthread_mutex_t lock;
	pthread_cond_t wake;
	struct map *items;         /* key → item */
	struct item *first, *last; /* the line */
	size_t len;
	struct item **delayed; /* a heap, the earliest first */
	size_t delayed_len, delayed_cap;
	bool shut_down;
	int64_t backoff_base_ns, backoff_max_ns;
	double rate_per_s, tokens; /* overall rate of retries; negative tokens are reservations of the future */
	int64_t tokens_ns;
	char *name;
	struct metric *depth, *adds, *retries, *queue_seconds, *work_seconds;
};

static void item_free(void *p)
{
	struct item *item = p;
	free(item->key);
	free(item);
}

static void add_metrics(struct kube_workqueue *q, struct metrics *m)
{
	static const double bounds[] = { 1e-8, 1e-7, 1e-6, 1e-5, 1e-4, 1e-3, 1e-2, 1e-1, 1, 10, 100, 1000 };
	if (!m)
		return;
	q->depth = metrics_gauge(m, "workqueue_depth", "Current depth of workqueue", "name");
	q->adds = metrics_counter(m, "workqueue_adds_total", "Total number of adds handled by workqueue", "name");
	q->retries = metrics_counter(m, "workqueue_retries_total", "Total number of retries handled by workqueue", "name");
	q->queue_seconds = metrics_histogram(m, "workqueue_queue_duration_seconds",
	                                     "How long in seconds an item stays in workqueue before being requested",
	                                     "name", bounds, ARRAY_SIZE(bounds));
	q->work_seconds = metrics_histogram(m, "workqueue_work_duration_seconds",
	                                    "How long in seconds processing an item from workqueue takes", "name", bounds,
	                                    ARRAY_SIZE(bounds));
	metric_set(q->depth, 0, METRIC_LABELS(q->name));
}

struct kube_workqueue *kube_workqueue_new(const struct kube_workqueue_config *config)
{
	struct kube_workqueue *q = new0(struct kube_workqueue);
	pthread_mutex_init(&q->lock, NULL);
	cond_init_mono(&q->wake);
	q->items = map_new(item_free);
	q->backoff_base_ns = config->backoff_base_ns ? config->backoff_base_ns : BACKOFF_BASE_NS;
	q->backoff_max_ns = config->backoff_max_ns ? config->backoff_max_ns : BACKOFF_MAX_NS;
	q->rate_per_s = config->rate_per_s > 0 ? config->rate_per_s : RATE_PER_S;
	q->tokens = RATE_BURST;
	q->tokens_ns = clock_mono_ns();
	q->name = xstrdup(config->name ? config->name : "");
	add_metrics(q, config->metrics);
	return q;
}

struct kube_workqueue *kube_workqueue_free(struct kube_workqueue *q)
{
	if (!q)
		return NULL;
	map_free(q->items);
	free(q->delayed);
	free(q->name);
	pthread_cond_destroy(&q->wake);
	pthread_mutex_destroy(&q->lock);
	free(q);
	return NULL;
}

/* ---- items (with the lock held, as all below) ---- */

static struct item *item_of(struct kube_workqueue *q, const char *key)
{
	struct item *item = map_get(q->items, key);
	if (!item) {
		item = new0(struct item);
		item->key = xstrdup(key);
		item->delay_index = NOT_DELAYED;
		map_set(q->items, key, item);
	}
	return item;
}

static void item_release(struct kube_workqueue *q, struct item *item)
{
	if (item->queued || item->processing || item->failures > 0 || item->delay_index != NOT_DELAYED)
		return;
	map_del(q->items, item->key);
}

static void line_push(struct kube_workqueue *q, struct item *item)
{
	item->queued = true;
	item->queued_ns = clock_mono_ns();
	item->next = NULL;
	if (q->last)
		q->last->next = item;
	else
		q->first = item;
	q->last = item;
	q->len++;
	metric_set(q->depth, (double)q->len, METRIC_LABELS(q->name));
	pthread_cond_signal(&q->wake);
}

static struct item *line_pop(struct kube_workqueue *q)
{
	struct item *item = q->first;
	q->first = item->next;
	if (!q->first)
		q->last = NULL;
	item->next = NULL;
	item->queued = false;
	q->len--;
	metric_set(q->depth, (double)q->len, METRIC_LABELS(q->name));
	return item;
}

static void add_item(struct kube_workqueue *q, struct item *item)
{
	item->added_ns = clock_mono_ns();
	if (item->queued || item->dirty)
		return;
	metric_add(q->adds, 1, METRIC_LABELS(q->name));
	if (item->processing)
		item->dirty = true;
	else
		line_push(q, item);
}

/* ---- delays: a binary heap ---- */

static void heap_place(struct kube_workqueue *q, size_t i, struct item *item)
{
	q->delayed[i] = item;
	item->delay_index = i;
}

static void heap_up(struct kube_workqueue *q, size_t i)
{
	struct item *item = q->delayed[i];
	while (i > 0 && q->delayed[(i - 1) / 2]->ready_ns > item->ready_ns) {
		heap_place(q, i, q->delayed[(i - 1) / 2]);
		i = (i - 1) / 2;
	}
	heap_place(q, i, item);
}

static void heap_down(struct kube_workqueue *q, size_t i)
{
	struct item *item = q->delayed[i];
	for (;;) {
		size_t child = 2 * i + 1;
		if (child >= q->delayed_len)
			break;
		if (child + 1 < q->delayed_len && q->delayed[child + 1]->ready_ns < q->delayed[child]->ready_ns)
			child++;
		if (q->delayed[child]->ready_ns >= item->ready_ns)
			break;
		heap_place(q, i, q->delayed[child]);
		i = child;
	}
	heap_place(q, i, item);
}

static struct item *heap_pop(struct kube_workqueue *q)
{
	struct item *item = q->delayed[0], *tail = q->delayed[--q->delayed_len];
	item->delay_index = NOT_DELAYED;
	if (q->delayed_len > 0) {
		heap_place(q, 0, tail);
		heap_down(q, 0);
	}
	return item;
}

static void delay_item(struct kube_workqueue *q, struct item *item, int64_t delay_ns)
{
	int64_t ready_ns;
	if (__builtin_add_overflow(clock_mono_ns(), delay_ns, &ready_ns))
		ready_ns = INT64_MAX;
	if (item->delay_index != NOT_DELAYED) {
		if (ready_ns < item->ready_ns) {
			item->ready_ns = ready_ns;
			heap_up(q, item->delay_index);
		}
	} else {
		if (q->delayed_len == q->delayed_cap) {
			q->delayed_cap = q->delayed_cap ? q->delayed_cap * 2 : 16;
			q->delayed = xreallocarray(q->delayed, q->delayed_cap, sizeof(*q->delayed));
		}
		item->ready_ns = ready_ns;
		heap_place(q, q->delayed_len++, item);
		heap_up(q, q->delayed_len - 1);
	}
	pthread_cond_signal(&q->wake); /* a worker may have to wait less long now */
}

/* Moves what is due into the line. There is no thread for it: whoever looks at the line does it. */
static void take_due(struct kube_workqueue *q)
{
	if (q->delayed_len == 0)
		return;
	int64_t now = clock_mono_ns();
	while (q->delayed_len > 0 && q->delayed[0]->ready_ns <= now)
		add_item(q, heap_pop(q));
}

/* ---- rates ---- */

static int64_t key_backoff(const struct kube_workqueue *q, int failures)
{
	int64_t delay = q->backoff_base_ns;
	for (int i = 0; i < failures && delay < q->backoff_max_ns; i++)
		delay = delay > INT64_MAX / 2 ? INT64_MAX : delay * 2;
	return delay < q->backoff_max_ns ? delay : q->backoff_max_ns;
}

/* Reserves one of the overall rate's places; how long it is until then. */
static int64_t overall_delay(struct kube_workqueue *q)
{
	int64_t now = clock_mono_ns();
	q->tokens += (double)(now - q->tokens_ns) / (double)NS_PER_S * q->rate_per_s;
	q->tokens_ns = now;
	if (q->tokens > RATE_BURST)
		q->tokens = RATE_BURST;
	q->tokens -= 1;
	return q->tokens >= 0 ? 0 : (int64_t)(-q->tokens / q->rate_per_s * (double)NS_PER_S);
}

/* ---- the interface ---- */

void kube_workqueue_add(struct kube_workqueue *q, const char *key)
{
	MUTEX_GUARD(&q->lock);
	if (!q->shut_down)
		add_item(q, item_of(q, key));
}

void kube_workqueue_add_after(struct kube_workqueue *q, const char *key, int64_t delay_ns)
{
	MUTEX_GUARD(&q->lock);
	if (q->shut_down)
		return;
	if (delay_ns <= 0)
		add_item(q, item_of(q, key));
	else
		delay_item(q, item_of(q, key), delay_ns);
}

void kube_workqueue_add_rate_limited(struct kube_workqueue *q, const char *key)
{
	MUTEX_GUARD(&q->lock);
	if (q->shut_down)
		return;
	struct item *item = item_of(q, key);
	int64_t delay = key_backoff(q, item->failures), overall = overall_delay(q);
	if (item->failures < INT32_MAX)
		item->failures++;
	metric_add(q->retries, 1, METRIC_LABELS(q->name));
	delay_item(q, item, delay > overall ? delay : overall);
}

void kube_workqueue_forget(struct kube_workqueue *q, const char *key)
{
	MUTEX_GUARD(&q->lock);
	struct item *item = map_get(q->items, key);
	if (!item)
		return;
	item->failures = 0;
	item_release(q, item);
}

int kube_workqueue_failures(struct kube_workqueue *q, const char *key)
{
	MUTEX_GUARD(&q->lock);
	const struct item *item = map_get(q->items, key);
	return item ? item->failures : 0;
}

int64_t kube_workqueue_added_ns(struct kube_workqueue *q, const char *key)
{
	MUTEX_GUARD(&q->lock);
	const struct item *item = map_get(q->items, key);
	return item ? item->added_ns : 0;
}

char *kube_workqueue_get(struct kube_workqueue *q)
{
	MUTEX_GUARD(&q->lock);
	for (;;) {
		if (q->shut_down)
			return NULL;
		take_due(q);
		if (q->first)
			break;
		cond_wait_until(&q->wake, &q->lock, q->delayed_len > 0 ? q->delayed[0]->ready_ns : -1);
	}
	struct item *item = line_pop(q);
	item->processing = true;
	item->started_ns = clock_mono_ns();
	metric_observe(q->queue_seconds, (double)(item->started_ns - item->queued_ns) / (double)NS_PER_S,
	               METRIC_LABELS(q->name));
	/* Another worker may be waiting for a later time than what is next now, or have missed it while this one slept. */
	if (q->first || q->delayed_len > 0)
		pthread_cond_signal(&q->wake);
	return xstrdup(item->key);
}

void kube_workqueue_done(struct kube_workqueue *q, const char *key)
{
	MUTEX_GUARD(&q->lock);
	struct item *item = map_get(q->items, key);
	if (!item || !item->processing)
		return;
	item->processing = false;
	metric_observe(q->work_seconds, (double)(clock_mono_ns() - item->started_ns) / (double)NS_PER_S,
	               METRIC_LABELS(q->name));
	if (item->dirty) {
		item->dirty = false;
		if (!q->shut_down)
			line_push(q, item);
	}
	item_release(q, item);
}

size_t kube_workqueue_len(struct kube_workqueue *q)
{
	MUTEX_GUARD(&q->lock);
	take_due(q);
	return q->len;
}

void kube_workqueue_shut_down(struct kube_workqueue *q)
{
	MUTEX_GUARD(&q->lock);
	q->shut_down = true;
	pthread_cond_broadcast(&q->wake);
}
