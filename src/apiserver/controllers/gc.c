/* Garbage collection after k8s.io/kubernetes/pkg/controller/garbagecollector: dependents go when their owners are gone
 * (background), before their owner (foreground), or are set free (orphan).
 *
 * An index from owners' uids to their dependents follows every change of the store; whether an owner is there is asked
 * of the store itself, so nothing is deleted by mistake of a stale view. */
#include "base/map.h"
#include "base/str.h"
#include "controllers.h"
#include "rest/deletion.h"
#include "internal_write.h"
#include "kube/object.h"
#include "loop.h"
#include "objects/object_view.h"
#include "server.h"

#define FOREGROUND "foregroundDeletion"
#define ORPHAN "orphan"

struct gc {
	struct apiserver *server;
	struct loop *loop;
	struct store_watch *watch;
	pthread_mutex_t lock;
	struct map *dependents; /* owner's uid → map of dependents' keys */
	struct map *waiting;    /* uid of an owner that waits for its dependents → its key */
};

/* Keys are "RESOURCE\nNAMESPACE\nNAME". */
static char *key_of(const struct store_object *o)
{
	return xasprintf("%s\n%s\n%s", o->resource, o->ns, o->name);
}

/* Keeps empty parts, unlike str_split(). False when malformed. */
static bool split_key(char *key, const char **ret_resource, const char **ret_ns, const char **ret_name)
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

/* ---- the index ---- */

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

static void on_change(void *self, const struct store_change *c)
{
	struct gc *g = self;

	MUTEX_GUARD(&g->lock);
	if (c->previous)
		index_owners(g, c->previous, false);
	if (c->type != STORE_DELETED) {
		index_owners(g, c->object, true);
		note(g, c->object);
		return;
	}
	map_del(g->waiting, c->object->uid);
	queue_dependents(g, c->object->uid);
	queue_waiting_owners(g, c->object);
}

/* Keys of the dependents of an object; free with strv_free(). */
static char **dependents_of(struct gc *g, const char *uid)
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

/* ---- objects ---- */

struct item {
	struct api_type *type;
	struct store_object *object;
	json_t *value; /* in the storage version */
};

static void item_clear(struct item *i)
{
	api_type_unref(i->type);
	store_object_unref(i->object);
	json_decref(i->value);
}
#define _cleanup_item_ _cleanup_(item_clear)

/* False when it is gone, or its type is. */
static bool item_load(struct gc *g, const char *key, struct item *ret)
{
	_cleanup_free_ char *copy = xstrdup(key);
	const char *resource, *ns, *name;

	*ret = (struct item){ 0 };
	if (!split_key(copy, &resource, &ns, &name))
		return false;
	const char *slash = strchr(resource, '/');
	_cleanup_free_ char *group = xstrndup(resource, (size_t)(slash - resource));
	ret->type = registry_find(g->server->registry, group, NULL, slash + 1);
	ret->object = store_get(g->server->store, resource, ns, name);
	if (!ret->type || !ret->object)
		return false;
	ret->value = object_stored_value(ret->type, ret->object);
	return true;
}

static int item_update(struct gc *g, const struct item *i, struct err *err)
{
	_cleanup_err_ struct err failed = { 0 };

	if (internal_update(g->server, i->type, i->object, i->value, &failed) == 0 || failed.kind == ERR_NOT_FOUND)
		return 0;
	err_move(err, &failed);
	return -1;
}

/* Removes the references to owners whose uid drop() names. True when there were any. */
static bool drop_references(json_t *obj, bool (*drop)(const void *self, const char *uid), const void *self)
{
	json_t *refs = json_object_get(kube_meta(obj), "ownerReferences");
	bool dropped = false;

	for (size_t i = json_array_size(refs); i-- > 0;) {
		const char *uid = json_get_str(json_array_get(refs, i), "uid");
		if (!drop(self, uid ? uid : ""))
			continue;
		json_array_remove(refs, i);
		dropped = true;
	}
	if (dropped && json_array_size(refs) == 0)
		json_object_del(kube_meta(obj), "ownerReferences");
	return dropped;
}

static bool is_uid(const void *self, const char *uid)
{
	return strcmp(self, uid) == 0;
}

static bool is_among(const void *self, const char *uid)
{
	return self && str_in(uid, self);
}

/* ---- owners that wait ---- */

static bool blocks(const json_t *dependent, const char *uid)
{
	size_t i;
	json_t *ref;

	json_array_foreach (json_object_get(kube_meta(dependent), "ownerReferences"), i, ref)
		if (str_eq(json_get_str(ref, "uid"), uid))
			return json_get_bool(ref, "blockOwnerDeletion", false);
	return false;
}

/* The dependents were queued; the owner may go when none blocks it any more. */
static int process_foreground(struct gc *g, struct item *owner, struct err *err)
{
	_cleanup_strv_ char **keys = dependents_of(g, owner->object->uid);
	bool blocked = false;

	for (size_t i = 0; keys && keys[i]; i++) {
		_cleanup_item_ struct item dependent;
		if (!item_load(g, keys[i], &dependent))
			continue;
		blocked = blocked || blocks(dependent.value, owner->object->uid);
		if (!kube_is_deleting(dependent.value))
			loop_add(g->loop, keys[i]);
	}
	if (blocked)
		return 0;
	kube_remove_finalizer(owner->value, FOREGROUND);
	return item_update(g, owner, err);
}

static int process_orphan(struct gc *g, struct item *owner, struct err *err)
{
	_cleanup_strv_ char **keys = dependents_of(g, owner->object->uid);

	for (size_t i = 0; keys && keys[i]; i++) {
		_cleanup_item_ struct item dependent;
		if (!item_load(g, keys[i], &dependent) || !drop_references(dependent.value, is_uid, owner->object->uid))
			continue;
		if (item_update(g, &dependent, err) < 0)
			return -1;
	}
	kube_remove_finalizer(owner->value, ORPHAN);
	return item_update(g, owner, err);
}

/* ---- dependents ---- */

enum owner_state { OWNER_SOLID, OWNER_ABSENT, OWNER_WAITS };

static enum owner_state owner_state(struct gc *g, const struct item *dependent, const json_t *ref)
{
	const char *api_version = json_get_str(ref, "apiVersion"), *kind = json_get_str(ref, "kind");
	const char *name = json_get_str(ref, "name"), *uid = json_get_str(ref, "uid");
	const char *slash = api_version ? strchr(api_version, '/') : NULL;

	if (!api_version || !kind || !name || !uid)
		return OWNER_SOLID;
	_cleanup_free_ char *group = slash ? xstrndup(api_version, (size_t)(slash - api_version)) : xstrdup("");
	_cleanup_(api_type_unrefp) struct api_type *t = registry_find_kind(g->server->registry, group, NULL, kind);
	/* Of a type nobody knows, or where it cannot be: not to be decided here, so the dependent stays. */
	if (!t || (t->namespaced && !dependent->type->namespaced))
		return OWNER_SOLID;
	_cleanup_(store_object_unrefp) struct store_object *owner = store_get(
		g->server->store, t->resource, t->namespaced ? dependent->object->ns : "", name);
	if (!owner || strcmp(owner->uid, uid) != 0)
		return OWNER_ABSENT;
	return str_eq(store_object_field(owner, "@collect"), FOREGROUND) ? OWNER_WAITS : OWNER_SOLID;
}

static enum propagation own_policy(const struct item *i, bool owner_waits, bool has_dependents)
{
	if (owner_waits && has_dependents)
		return PROPAGATION_FOREGROUND;
	if (kube_has_finalizer(i->value, ORPHAN))
		return PROPAGATION_ORPHAN;
	return kube_has_finalizer(i->value, FOREGROUND) ? PROPAGATION_FOREGROUND : PROPAGATION_BACKGROUND;
}

static int process_dependent(struct gc *g, struct item *item, struct err *err)
{
	_cleanup_strv_ char **leaving = NULL, **dependents = NULL;
	bool solid = false, waits = false;
	size_t i;
	json_t *ref;

	json_array_foreach (json_object_get(kube_meta(item->value), "ownerReferences"), i, ref) {
		enum owner_state state = owner_state(g, item, ref);
		solid = solid || state == OWNER_SOLID;
		waits = waits || state == OWNER_WAITS;
		if (state != OWNER_SOLID)
			strv_push(&leaving, json_get_str(ref, "uid"));
	}
	if (!leaving)
		return 0;
	if (solid) {
		drop_references(item->value, is_among, leaving);
		return item_update(g, item, err);
	}
	dependents = dependents_of(g, item->object->uid);
	return deletion_run(g->server, item->type, item->object->ns, item->object->name, item->object->uid,
	                    own_policy(item, waits, dependents != NULL), err);
}

static int reconcile(void *self, const char *key, int64_t *ret_after_ns _unused_, struct err *err)
{
	struct gc *g = self;
	_cleanup_item_ struct item item;

	if (!item_load(g, key, &item))
		return 0;
	if (!kube_is_deleting(item.value))
		return process_dependent(g, &item, err);
	if (kube_has_finalizer(item.value, ORPHAN))
		return process_orphan(g, &item, err);
	if (kube_has_finalizer(item.value, FOREGROUND))
		return process_foreground(g, &item, err);
	return 0;
}

/* ---- life ---- */

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

int gc_start(struct apiserver *s, struct gc **ret, struct err *err)
{
	struct gc *g = new0(struct gc);
	struct load load = { .gc = g, .version = store_version(s->store), .err = err };

	*ret = g;
	g->server = s;
	pthread_mutex_init(&g->lock, NULL);
	g->dependents = map_new(free_set);
	g->waiting = map_new(free);
	if (loop_start("api-gc", reconcile, g, s->log, &g->loop, err) < 0)
		return -1;
	/* At version 0 there is nothing, and 0 would mean now. */
	if (load.version > 0)
		store_each_resource(s->store, load_resource, &load);
	if (load.result < 0)
		return -1;
	return store_watch(s->store, NULL, "", load.version, on_change, g, &g->watch, err);
}

struct gc *gc_stop(struct gc *g)
{
	if (!g)
		return NULL;
	store_unwatch(g->watch);
	loop_stop(g->loop);
	map_free(g->dependents);
	map_free(g->waiting);
	pthread_mutex_destroy(&g->lock);
	free(g);
	return NULL;
}
