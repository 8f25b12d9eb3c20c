#include "store_internal.h"

#include <inttypes.h>

struct pending {
	struct store_change *list; /* references */
	size_t len, cap;
};

struct store_watch {
	struct store *store;
	struct store_resource *resource; /* NULL: all */
	char *ns;
	uint64_t from;  /* changes up to here are history's, or delivered */
	bool replaying; /* the caller of store_watch() still delivers; changes wait in pending */
	struct pending pending;
	void (*on_change)(void *self, const struct store_change *change);
	void *self;
	struct store_watch *next, **prev;
};

static bool wants(const struct store_watch *w, const struct store_change *c)
{
	return c->version > w->from && (!w->resource || c->object->resource == w->resource->name) &&
	       (!*w->ns || strcmp(w->ns, c->object->ns) == 0);
}

static void pending_add(struct pending *p, const struct store_change *c)
{
	if (p->len == p->cap) {
		p->cap = p->cap ? p->cap * 2 : 16;
		p->list = xreallocarray(p->list, p->cap, sizeof(*p->list));
	}
	p->list[p->len] = *c;
	store_object_ref(c->object);
	if (c->previous)
		store_object_ref(c->previous);
	p->len++;
}

static void pending_clear(struct pending *p)
{
	for (size_t i = 0; i < p->len; i++) {
		store_object_unref(p->list[i].object);
		store_object_unref(p->list[i].previous);
	}
	free(p->list);
	*p = (struct pending){ 0 };
}

static void dispatch_to(struct store_watch *list, const struct store_change *change)
{
	for (struct store_watch *w = list; w; w = w->next) {
		if (!wants(w, change))
			continue;
		if (w->replaying)
			pending_add(&w->pending, change);
		else
			w->on_change(w->self, change);
	}
}

void store_watch_dispatch(struct store *s, const struct store_change *change, struct store_resource *resource)
{
	pthread_mutex_lock(&s->watch_lock);
	dispatch_to(resource->watches, change);
	dispatch_to(s->all_watches, change);
	s->dispatched = change->version;
	pthread_mutex_unlock(&s->watch_lock);
}

static void link_watch(struct store_watch **head, struct store_watch *w)
{
	w->next = *head;
	w->prev = head;
	if (w->next)
		w->next->prev = &w->next;
	*head = w;
}

static void unlink_watch(struct store_watch *w)
{
	*w->prev = w->next;
	if (w->next)
		w->next->prev = w->prev;
}

/* With both locks held: takes what history has for it and joins the list, so that nothing lies between. */
static int join(struct store *s, struct store_watch *w, const char *resource, struct err *err)
{
	const struct store_history *h = &s->history;

	if (w->from > s->version)
		return err_set(err, ERR_TIMEOUT, "Too large resource version: %" PRIu64 ", current: %" PRIu64, w->from,
		               s->version);
	if (w->from < h->floor)
		return err_set(err, ERR_EXPIRED, "too old resource version: %" PRIu64 " (%" PRIu64 ")", w->from, h->floor + 1);
	w->resource = resource ? store_resource_get(s, resource) : NULL;
	for (size_t i = store_history_find(h, w->from); i < h->len; i++)
		if (wants(w, store_history_at(h, i)))
			pending_add(&w->pending, store_history_at(h, i));
	w->from = s->version;
	link_watch(w->resource ? &w->resource->watches : &s->all_watches, w);
	return 0;
}

/* Delivers what waits, again and again, until nothing was added meanwhile; from then on the committer delivers. */
static void replay(struct store *s, struct store_watch *w)
{
	for (;;) {
		pthread_mutex_lock(&s->watch_lock);
		struct pending batch = w->pending;
		w->pending = (struct pending){ 0 };
		w->replaying = batch.len > 0;
		pthread_mutex_unlock(&s->watch_lock);
		if (batch.len == 0) {
			free(batch.list);
			return;
		}
		for (size_t i = 0; i < batch.len; i++)
			w->on_change(w->self, &batch.list[i]);
		pending_clear(&batch);
	}
}

int store_watch(struct store *s, const char *resource, const char *ns, uint64_t from,
                void (*on_change)(void *self, const struct store_change *change), void *self, struct store_watch **ret,
                struct err *err)
{
	struct store_watch *w = new0(struct store_watch);

	w->store = s;
	w->ns = xstrdup(ns);
	w->from = from;
	w->replaying = true;
	w->on_change = on_change;
	w->self = self;
	pthread_mutex_lock(&s->watch_lock);
	/* For writing: the resource may have to be made. */
	pthread_rwlock_wrlock(&s->lock);
	int r = join(s, w, resource, err);
	pthread_rwlock_unlock(&s->lock);
	pthread_mutex_unlock(&s->watch_lock);
	if (r < 0) {
		free(w->ns);
		free(w);
		return -1;
	}
	*ret = w;
	replay(s, w);
	return 0;
}

void store_watch_progress(struct store_watch *w, void (*f)(void *self, uint64_t version), void *self)
{
	MUTEX_GUARD(&w->store->watch_lock);
	if (!w->replaying)
		f(self, w->store->dispatched > w->from ? w->store->dispatched : w->from);
}

void store_unwatch(struct store_watch *w)
{
	if (!w)
		return;
	pthread_mutex_lock(&w->store->watch_lock);
	unlink_watch(w);
	pthread_mutex_unlock(&w->store->watch_lock);
	pending_clear(&w->pending);
	free(w->ns);
	free(w);
}
