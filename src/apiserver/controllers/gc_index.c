/* Who depends on whom: an index from owners' uids, which the store keeps in each object's hidden field "@owners", so
 * that no text is parsed for it. It follows every change of the store. */
#include "base/str.h"
#include "gc_internal.h"
#include "server.h"

static char *key_of(const struct store_object *o)
{
	return xasprintf("%s\n%s\n%s", o->resource, o->ns, o->name);
}

bool gc_split_key(char *key, const char **ret_resource, const char **ret_ns, const char **ret_name)
{
	char *ns = strchr(key, '\n'), *name = ns ? strchr(ns + 1, '\n') : NULL;

	if (!name)
		return false;
	*ns = *name = '\0';
	*ret_resource = key;
	*ret_ns = ns + 1;
	*ret_name = name + 1;
	return true;
}

static void free_set(void *p)
{
	map_free(p);
}

static void index_owners(struct gc *g, const struct store_object *o, bool add)
{
	const char *owners = store_object_field(o, "@owners");

	if (!owners)
		return;
	_cleanup_strv_ char **uids = str_split(owners, ",");
	_cleanup_free_ char *key = key_of(o);
	for (size_t i = 0; uids && uids[i]; i++) {
		struct map *set = map_get(g->dependents, uids[i]);
		if (add) {
			if (!set)
				map_set(g->dependents, uids[i], set = map_new(NULL));
			map_set(set, key, set);
		} else if (set) {
			map_del(set, key);
			if (map_len(set) == 0)
				map_del(g->dependents, uids[i]);
		}
	}
}

static void queue_dependents(struct gc *g, const char *uid)
{
	const struct map *set = map_get(g->dependents, uid);
	const char *key;
	size_t iter = 0;

	while (set && map_next(set, &iter, &key, NULL))
		loop_add(g->loop, key);
}

/* The owners that wait for this dependent to go. */
static void queue_waiting_owners(struct gc *g, const struct store_object *o)
{
	const char *owners = store_object_field(o, "@owners");

	if (!owners || map_len(g->waiting) == 0)
		return;
	_cleanup_strv_ char **uids = str_split(owners, ",");
	for (size_t i = 0; uids && uids[i]; i++) {
		const char *key = map_get(g->waiting, uids[i]);
		if (key)
			loop_add(g->loop, key);
	}
}

static void note(struct gc *g, const struct store_object *o)
{
	bool collected = store_object_field(o, "@collect");

	if (!collected && !store_object_field(o, "@owners"))
		return;
	_cleanup_free_ char *key = key_of(o);
	if (collected) {
		map_set(g->waiting, o->uid, xstrdup(key));
		queue_dependents(g, o->uid);
	}
	loop_add(g->loop, key);
}

void gc_index_change(void *gc, const struct store_change *c)
{
	struct gc *g = gc;

	MUTEX_GUARD(&g->lock);
	if (c->previous)
		index_owners(g, c->previous, false);
	if (c->type != STORE_DELETED) {
		index_owners(g, c->object, true);
		note(g, c->object);
		/* It may hold its owners no longer. */
		if (c->previous)
			queue_waiting_owners(g, c->previous);
		return;
	}
	map_del(g->waiting, c->object->uid);
	queue_dependents(g, c->object->uid);
	queue_waiting_owners(g, c->object);
}

char **gc_index_dependents(struct gc *g, const char *uid)
{
	char **keys = NULL;
	const char *key;
	size_t iter = 0;

	MUTEX_GUARD(&g->lock);
	const struct map *set = map_get(g->dependents, uid);
	while (set && map_next(set, &iter, &key, NULL))
		strv_push(&keys, key);
	return keys;
}

void gc_index_init(struct gc *g)
{
	pthread_mutex_init(&g->lock, NULL);
	g->dependents = map_new(free_set);
	g->waiting = map_new(free);
}

void gc_index_done(struct gc *g)
{
	map_free(g->dependents);
	map_free(g->waiting);
	pthread_mutex_destroy(&g->lock);
}

struct load {
	struct gc *gc;
	uint64_t version;
	struct err *err;
	int result;
};

static void load_resource(void *self, const char *resource, size_t count _unused_)
{
	struct load *l = self;
	const struct store_list_query query = { .resource = resource, .ns = "", .at_version = l->version };
	struct store_list list;

	if (l->result < 0 || (l->result = store_list(l->gc->server->store, &query, &list, l->err)) < 0)
		return;
	pthread_mutex_lock(&l->gc->lock);
	for (size_t i = 0; i < list.len; i++) {
		index_owners(l->gc, list.items[i], true);
		note(l->gc, list.items[i]);
	}
	pthread_mutex_unlock(&l->gc->lock);
	store_list_clear(&list);
}

int gc_index_load(struct gc *g, uint64_t version, struct err *err)
{
	struct load load = { .gc = g, .version = version, .err = err };

	/* At version 0 there is nothing, and 0 would mean now. */
	if (version > 0)
		store_each_resource(g->server->store, load_resource, &load);
	return load.result;
}
