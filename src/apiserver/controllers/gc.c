/* Garbage collection after k8s.io/kubernetes/pkg/controller/garbagecollector: dependents go when their owners are gone
 * (background), before their owner (foreground), or are set free (orphan).
 *
 * Whether an owner is there is asked of the store itself, and only the state that was looked at is deleted, so nothing
 * is deleted by mistake of a stale view. */
#include "base/clock.h"
#include "base/str.h"
#include "gc_internal.h"
#include "internal_write.h"
#include "kube/object.h"
#include "objects/object_view.h"
#include "rest/deletion.h"
#include "server.h"

#define THREADS 4
#define UNKNOWN_AGAIN_NS (30 * NS_PER_S) /* a kind that is not served may be one day */

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
	if (!gc_split_key(copy, &resource, &ns, &name))
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

	if (internal_update(g->server, &COLLECTOR, i->type, i->object, i->value, &failed) == 0 ||
	    failed.kind == ERR_NOT_FOUND)
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
	_cleanup_strv_ char **keys = gc_index_dependents(g, owner->object->uid);
	bool blocked = false;

	for (size_t i = 0; keys && keys[i]; i++) {
		_cleanup_item_ struct item dependent;
		if (!item_load(g, keys[i], &dependent))
			continue;
		if (!blocks(dependent.value, owner->object->uid))
			continue;
		blocked = true;
		if (!kube_is_deleting(dependent.value))
			loop_add(g->loop, keys[i]);
	}
	if (blocked)
		return 0;
	kube_remove_finalizer(owner->value, GC_FOREGROUND);
	return item_update(g, owner, err);
}

static int process_orphan(struct gc *g, struct item *owner, struct err *err)
{
	_cleanup_strv_ char **keys = gc_index_dependents(g, owner->object->uid);

	for (size_t i = 0; keys && keys[i]; i++) {
		_cleanup_item_ struct item dependent;
		if (!item_load(g, keys[i], &dependent) || !drop_references(dependent.value, is_uid, owner->object->uid))
			continue;
		if (item_update(g, &dependent, err) < 0)
			return -1;
	}
	kube_remove_finalizer(owner->value, GC_ORPHAN);
	return item_update(g, owner, err);
}

/* ---- dependents ---- */

enum owner_state { OWNER_SOLID, OWNER_ABSENT, OWNER_WAITS, OWNER_UNKNOWN, OWNER_MISPLACED };

static enum owner_state owner_state(struct gc *g, const struct item *dependent, const json_t *ref)
{
	const char *api_version = json_get_str(ref, "apiVersion"), *kind = json_get_str(ref, "kind");
	const char *name = json_get_str(ref, "name"), *uid = json_get_str(ref, "uid");
	const char *slash = api_version ? strchr(api_version, '/') : NULL;

	if (!api_version || !kind || !name || !uid)
		return OWNER_UNKNOWN;
	_cleanup_free_ char *group = slash ? xstrndup(api_version, (size_t)(slash - api_version)) : xstrdup("");
	_cleanup_(api_type_unrefp) struct api_type *t = registry_find_kind(g->server->registry, group,
	                                                                   slash ? slash + 1 : api_version, kind);
	if (!t)
		return OWNER_UNKNOWN;
	if (t->namespaced && !dependent->type->namespaced)
		return OWNER_MISPLACED;
	_cleanup_(store_object_unrefp) struct store_object *owner = store_get(
		g->server->store, t->resource, t->namespaced ? dependent->object->ns : "", name);
	if (!owner || strcmp(owner->uid, uid) != 0)
		return OWNER_ABSENT;
	return str_eq(store_object_field(owner, "@collect"), GC_FOREGROUND) ? OWNER_WAITS : OWNER_SOLID;
}

/* What an object's references say, taken together. */
struct owners {
	char **leaving; /* uids of those that are absent or wait */
	bool solid, waits, undecided;
};

static void owners_clear(struct owners *o)
{
	strv_free(o->leaving);
}

static void look_at_owners(struct gc *g, const struct item *item, struct owners *ret)
{
	size_t i;
	json_t *ref;

	json_array_foreach (json_object_get(kube_meta(item->value), "ownerReferences"), i, ref) {
		enum owner_state state = owner_state(g, item, ref);
		ret->solid = ret->solid || state == OWNER_SOLID;
		ret->waits = ret->waits || state == OWNER_WAITS;
		ret->undecided = ret->undecided || state == OWNER_UNKNOWN || state == OWNER_MISPLACED;
		if (state == OWNER_ABSENT || state == OWNER_WAITS)
			strv_push(&ret->leaving, json_get_str(ref, "uid"));
		if (state == OWNER_ABSENT || state == OWNER_MISPLACED)
			gc_report_namespace(g, item->type, item->value, ref);
	}
}

static enum propagation own_policy(const struct item *i, bool owner_waits, bool has_dependents)
{
	if (owner_waits && has_dependents)
		return PROPAGATION_FOREGROUND;
	if (kube_has_finalizer(i->value, GC_ORPHAN))
		return PROPAGATION_ORPHAN;
	return kube_has_finalizer(i->value, GC_FOREGROUND) ? PROPAGATION_FOREGROUND : PROPAGATION_BACKGROUND;
}

/* Whether a dependent waits for its own dependents: owners may own each other in a circle, in which all would wait. */
static bool may_be_circle(struct gc *g, char *const *dependents)
{
	for (size_t i = 0; dependents && dependents[i]; i++) {
		_cleanup_item_ struct item d;
		if (item_load(g, dependents[i], &d) && str_eq(store_object_field(d.object, "@collect"), GC_FOREGROUND))
			return true;
	}
	return false;
}

/* Its owners wait for it no more. True when that had to be written. */
static bool unblock_owners(json_t *obj)
{
	bool changed = false;
	size_t i;
	json_t *ref;

	json_array_foreach (json_object_get(kube_meta(obj), "ownerReferences"), i, ref) {
		changed = changed || json_get_bool(ref, "blockOwnerDeletion", false);
		if (json_object_get(ref, "blockOwnerDeletion"))
			json_put(ref, "blockOwnerDeletion", json_false());
	}
	return changed;
}

static int delete (struct gc *g, const struct item *item, enum propagation propagation, struct err *err)
{
	const struct internal_act act = {
		.as = &COLLECTOR, .type = item->type, .verb = "delete", .ns = item->object->ns, .name = item->object->name
	};
	_cleanup_err_ struct err failed = { 0 };

	if (internal_permit(g->server, &act, &failed) == 0)
		deletion_run_exactly(g->server, item->type, item->object, propagation, &failed);
	internal_note(g->server, &act, NULL, err_is_set(&failed) ? &failed : NULL);
	if (!err_is_set(&failed) || failed.kind == ERR_NOT_FOUND)
		return 0;
	err_move(err, &failed);
	return -1;
}

/* No owner keeps it. */
static int collect(struct gc *g, struct item *item, bool waits, struct err *err)
{
	_cleanup_strv_ char **dependents = gc_index_dependents(g, item->object->uid);

	/* The change brings it here again. */
	if (waits && may_be_circle(g, dependents) && unblock_owners(item->value))
		return item_update(g, item, err);
	return delete (g, item, own_policy(item, waits, dependents != NULL), err);
}

static int process_dependent(struct gc *g, struct item *item, int64_t *ret_after_ns, struct err *err)
{
	_cleanup_(owners_clear) struct owners owners = { 0 };

	look_at_owners(g, item, &owners);
	/* Of a kind nobody serves, or where it cannot be: not to be decided, so nothing happens to the dependent. */
	if (owners.undecided) {
		*ret_after_ns = UNKNOWN_AGAIN_NS;
		return 0;
	}
	if (!owners.leaving)
		return 0;
	if (!owners.solid)
		return collect(g, item, owners.waits, err);
	drop_references(item->value, is_among, owners.leaving);
	return item_update(g, item, err);
}

static int reconcile(void *self, const char *key, int64_t *ret_after_ns, struct err *err)
{
	struct gc *g = self;
	_cleanup_item_ struct item item;

	if (!item_load(g, key, &item))
		return 0;
	if (!kube_is_deleting(item.value))
		return process_dependent(g, &item, ret_after_ns, err);
	if (kube_has_finalizer(item.value, GC_ORPHAN))
		return process_orphan(g, &item, err);
	if (kube_has_finalizer(item.value, GC_FOREGROUND))
		return process_foreground(g, &item, err);
	return 0;
}

/* ---- life ---- */

int gc_start(struct apiserver *s, struct gc **ret, struct err *err)
{
	struct gc *g = new0(struct gc);
	uint64_t version = store_version(s->store);

	*ret = g;
	g->server = s;
	gc_index_init(g);
	if (loop_start_wide("api-gc", THREADS, reconcile, g, s->log, &g->loop, err) < 0 ||
	    gc_index_load(g, version, err) < 0)
		return -1;
	return store_watch(s->store, NULL, "", version, gc_index_change, g, &g->watch, err);
}

struct gc *gc_stop(struct gc *g)
{
	if (!g)
		return NULL;
	store_unwatch(g->watch);
	loop_stop(g->loop);
	gc_index_done(g);
	free(g);
	return NULL;
}
