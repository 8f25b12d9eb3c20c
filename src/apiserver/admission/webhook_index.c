/* Which webhooks there are: sets that follow the store. A change makes a new set of its kind, in which the other
 * configurations are shared; requests keep the set they began with. */
#include "base/str.h"
#include "base/thread.h"
#include "webhook.h"

struct kind {
	struct webhook_index *index;
	const char *resource;
	struct store_watch *watch;
	struct webhook_set *set; /* guarded by lock; never NULL */
};

struct webhook_index {
	struct store *store;
	struct logger *log;
	pthread_mutex_t lock;
	struct kind mutating, validating;
};

/* ---- sets ---- */

struct webhook_set *webhook_set_unref(struct webhook_set *s)
{
	if (!s || atomic_fetch_sub(&s->refs, 1) != 1)
		return NULL;
	for (size_t i = 0; i < s->configurations_len; i++)
		webhook_configuration_unref(s->configurations[i]);
	free(s->configurations);
	free(s->hooks);
	free(s);
	return NULL;
}

static int by_name(const void *a, const void *b)
{
	const struct webhook_configuration *const *x = a, *const *y = b;

	return strcmp((*x)->name, (*y)->name);
}

static void list_hooks(struct webhook_set *s)
{
	for (size_t i = 0; i < s->configurations_len; i++)
		s->len += s->configurations[i]->len;
	s->hooks = xcalloc(s->len, sizeof(*s->hooks));
	s->len = 0;
	for (size_t i = 0; i < s->configurations_len; i++)
		for (size_t k = 0; k < s->configurations[i]->len; k++)
			s->hooks[s->len++] = &s->configurations[i]->hooks[k];
}

/* The set without the configuration of that name, and with another (a reference, taken over) unless that is NULL. */
static struct webhook_set *set_with(const struct webhook_set *old, const char *name,
                                    struct webhook_configuration *added)
{
	struct webhook_set *s = new0(struct webhook_set);

	atomic_init(&s->refs, 1);
	s->configurations = xcalloc((old ? old->configurations_len : 0) + 1, sizeof(struct webhook_configuration *));
	for (size_t i = 0; old && i < old->configurations_len; i++)
		if (strcmp(old->configurations[i]->name, name) != 0)
			s->configurations[s->configurations_len++] = webhook_configuration_ref(old->configurations[i]);
	if (added)
		s->configurations[s->configurations_len++] = added;
	if (s->configurations_len > 1)
		qsort(s->configurations, s->configurations_len, sizeof(*s->configurations), by_name);
	list_hooks(s);
	return s;
}

/* ---- following the store ---- */

static void put(struct kind *k, const struct store_object *o, bool gone)
{
	_cleanup_json_ json_t *obj = gone ? NULL : json_parse(o->text->data, o->text->len, 0, NULL);
	struct webhook_configuration *c = obj ? webhook_configuration_new(obj) : NULL;
	/* Only one thread changes the set at a time, so the old one may be read without the lock. */
	struct webhook_set *old = k->set, *s = set_with(old, o->name, c);

	pthread_mutex_lock(&k->index->lock);
	k->set = s;
	pthread_mutex_unlock(&k->index->lock);
	webhook_set_unref(old);
}

/* On the committer's thread: whoever changed a configuration finds it in force once that is acknowledged. */
static void on_change(void *self, const struct store_change *change)
{
	put(self, change->object, change->type == STORE_DELETED);
}

static int follow(struct webhook_index *x, struct kind *k, const char *resource, struct err *err)
{
	const struct store_list_query query = { .resource = resource, .ns = "" };
	struct store_list list;

	k->index = x;
	k->resource = resource;
	k->set = set_with(NULL, "", NULL);
	if (store_list(x->store, &query, &list, err) < 0)
		return -1;
	for (size_t i = 0; i < list.len; i++)
		put(k, list.items[i], false);
	int r = store_watch(x->store, resource, "", list.version, on_change, k, &k->watch, err);
	store_list_clear(&list);
	return r;
}

int webhook_index_start(struct store *store, struct logger *log, struct webhook_index **ret, struct err *err)
{
	struct webhook_index *x = new0(struct webhook_index);

	x->store = store;
	x->log = log;
	pthread_mutex_init(&x->lock, NULL);
	if (follow(x, &x->mutating, MUTATING_CONFIGURATIONS, err) < 0 ||
	    follow(x, &x->validating, VALIDATING_CONFIGURATIONS, err) < 0) {
		webhook_index_stop(x);
		return err_wrap(err, "reading the webhook configurations");
	}
	*ret = x;
	return 0;
}

struct webhook_index *webhook_index_stop(struct webhook_index *x)
{
	if (!x)
		return NULL;
	if (x->mutating.watch)
		store_unwatch(x->mutating.watch);
	if (x->validating.watch)
		store_unwatch(x->validating.watch);
	webhook_set_unref(x->mutating.set);
	webhook_set_unref(x->validating.set);
	pthread_mutex_destroy(&x->lock);
	free(x);
	return NULL;
}

/* ---- asking ---- */

struct webhook_set *webhook_index_get(struct webhook_index *x, bool mutating)
{
	MUTEX_GUARD(&x->lock);
	struct webhook_set *s = mutating ? x->mutating.set : x->validating.set;
	atomic_fetch_add(&s->refs, 1);
	return s;
}

static bool any_may_match(const struct webhook_set *s, const struct api_type *t, unsigned operations)
{
	for (size_t i = 0; i < s->len; i++)
		if (webhook_rules_may_match(s->hooks[i], t, operations))
			return true;
	return false;
}

bool webhook_index_may_concern(struct webhook_index *x, const struct api_type *t, unsigned operations)
{
	if (webhook_is_exempt(t))
		return false;
	_cleanup_(webhook_set_unrefp) struct webhook_set *mutating = webhook_index_get(x, true);
	_cleanup_(webhook_set_unrefp) struct webhook_set *validating = webhook_index_get(x, false);

	return any_may_match(mutating, t, operations) || any_may_match(validating, t, operations);
}
