#include "base/clock.h"
#include "base/str.h"
#include "controllers.h"
#include "types/crd.h"
#include "rest/deletion.h"
#include "internal_write.h"
#include "kube/object.h"
#include "loop.h"
#include "objects/object_view.h"
#include "server.h"
#include "rest/watch.h"

#define LOOK_AGAIN_NS (200 * NS_PER_MS)

/* What is served for a CRD, to see whether a change of it matters. Touched by the store's callbacks only. */
struct served {
	int64_t generation;
	bool deleting;
};

struct crd_controller {
	struct apiserver *server;
	struct api_type *type; /* of CRDs */
	struct map *served;    /* name → struct served */
	struct store_watch *watch;
	struct loop *loop;
};

/* ---- names ---- */

static bool same_name(const char *name, const struct api_type *t)
{
	return !str_empty(name) && (str_eq(name, t->plural) || str_eq(name, t->singular) ||
	                            (t->short_names && str_in(name, (const char *const *)t->short_names)));
}

static bool shares_name(const json_t *names, const struct api_type *t, char **ret_words)
{
	const char *kind = json_get_str(names, "kind"), *list_kind = json_get_str(names, "listKind");
	const char *singular = json_get_str(names, "singular");
	size_t i;
	json_t *item;

	if (str_eq(kind, t->kind) || str_eq(kind, t->list_kind) || str_eq(list_kind, t->kind)) {
		*ret_words = xasprintf("\"%s\" is already in use", kind);
		return true;
	}
	if (same_name(singular, t)) {
		*ret_words = xasprintf("\"%s\" is already in use", singular);
		return true;
	}
	json_array_foreach (json_object_get(names, "shortNames"), i, item) {
		if (same_name(json_string_value(item), t)) {
			*ret_words = xasprintf("\"%s\" is already in use", json_string_value(item));
			return true;
		}
	}
	return false;
}

/* The conflict of a CRD's names with another type of its group, in words (free()); NULL: none. */
static char *name_conflict(struct apiserver *s, const json_t *crd)
{
	_cleanup_(registry_types_freep) struct api_type **types = registry_types(s->registry);
	const json_t *names = json_at(crd, "spec", "names", NULL);
	const char *group = json_str_at(crd, "spec", "group", NULL), *plural = json_get_str(names, "plural");
	char *words = NULL;

	for (size_t i = 0; types[i]; i++)
		if (str_eq(types[i]->group, group) && !str_eq(types[i]->plural, plural) && shares_name(names, types[i], &words))
			return words;
	return NULL;
}

/* ---- serving ---- */

static void serve(struct crd_controller *c, const struct store_object *o)
{
	struct apiserver *s = c->server;
	_cleanup_json_ json_t *crd = object_stored_value(c->type, o);
	const struct served *before = map_get(c->served, o->name);
	struct served now = { .generation = kube_generation(crd), .deleting = kube_is_deleting(crd) };
	_cleanup_err_ struct err err = { 0 };

	if (before && before->generation == now.generation && before->deleting == now.deleting)
		return;
	_cleanup_free_ char *conflict = name_conflict(s, crd);
	struct api_type *t = conflict ? NULL : registry_type_from_spec(json_object_get(crd, "spec"), false, &err);
	if (!t) {
		log_warn(s->log, "%s is not served: %s", o->name, conflict ? conflict : err_message(&err));
		return;
	}
	if (now.deleting)
		t->verbs &= ~(unsigned)VERB_CREATE;
	t->defaults_since = o->version;
	registry_put(s->registry, t);
	map_set(c->served, o->name, xmemdup(&now, sizeof(now)));
}

/* Name "plural.group" of a CRD. */
static void unserve(struct crd_controller *c, const char *name)
{
	const char *dot = strchr(name, '.');

	if (!dot)
		return;
	_cleanup_free_ char *plural = xstrndup(name, (size_t)(dot - name));
	registry_remove(c->server->registry, dot + 1, plural);
	map_del(c->served, name);
}

/* On the committer's thread, so that whoever is told of the CRD finds its type served. */
static void on_change(void *self, const struct store_change *change)
{
	struct crd_controller *c = self;

	if (change->type == STORE_DELETED)
		unserve(c, change->object->name);
	else
		serve(c, change->object);
	loop_add(c->loop, change->object->name);
}

/* ---- status ---- */

static void set_names(struct crd_controller *c, json_t *obj)
{
	_cleanup_free_ char *conflict = name_conflict(c->server, obj);
	json_t *status = json_ensure_object(obj, "status");

	if (conflict) {
		crd_set_condition(obj, "NamesAccepted", false, "NameConflict", conflict);
		if (!kube_condition_is(obj, "Established", "True"))
			crd_set_condition(obj, "Established", false, "NotAccepted", "not all names are accepted");
		return;
	}
	json_put(status, "acceptedNames", json_deep_copy(json_at(obj, "spec", "names", NULL)));
	crd_set_condition(obj, "NamesAccepted", true, "NoConflicts", "no conflicts found");
	if (!kube_condition_is(obj, "Established", "True"))
		crd_set_condition(obj, "Established", true, "InitialNamesAccepted", "the initial names have been accepted");
}

/* Deletes the instances. 1 when none is left. */
static int remove_instances(struct crd_controller *c, const json_t *crd, struct err *err)
{
	struct apiserver *s = c->server;
	_cleanup_(api_type_unrefp) struct api_type *t = registry_find(
		s->registry, json_str_at(crd, "spec", "group", NULL), NULL, json_str_at(crd, "spec", "names", "plural", NULL));
	struct store_list list;

	if (!t)
		return 1;
	const struct store_list_query query = { .resource = t->resource, .ns = "" };
	if (store_list(s->store, &query, &list, err) < 0)
		return -1;
	int r = deletion_run_all(s, t, &list, PROPAGATION_DEFAULT, err);
	store_list_clear(&list);
	if (r < 0)
		return -1;
	return store_count(s->store, t->resource, "") == 0;
}

static int finish_deletion(struct crd_controller *c, json_t *obj, int64_t *ret_after_ns, struct err *err)
{
	int r = kube_has_finalizer(obj, CRD_CLEANUP) ? remove_instances(c, obj, err) : 1;

	if (r < 0)
		return -1;
	if (r == 0) {
		crd_set_condition(obj, "Terminating", true, "InstanceDeletionInProgress",
		                  "CustomResource deletion is in progress");
		*ret_after_ns = LOOK_AGAIN_NS;
		return 0;
	}
	crd_set_condition(obj, "Terminating", false, "InstanceDeletionCompleted", "removed all instances");
	kube_remove_finalizer(obj, CRD_CLEANUP);
	return 0;
}

/* Whoever still watches the type learns by the end of the watch that it is gone. */
static void end_watches(struct crd_controller *c, const char *name)
{
	const char *dot = strchr(name, '.');

	if (!dot || !c->server->watches)
		return;
	_cleanup_free_ char *resource = xasprintf("%s/%.*s", dot + 1, (int)(dot - name), name);
	watch_hub_end_resource(c->server->watches, resource);
}

static int reconcile(void *self, const char *name, int64_t *ret_after_ns, struct err *err)
{
	struct crd_controller *c = self;
	_cleanup_(store_object_unrefp) struct store_object *current = store_get(c->server->store, CRD_RESOURCE, "", name);

	if (!current) {
		end_watches(c, name);
		return 0;
	}
	_cleanup_json_ json_t *obj = object_stored_value(c->type, current);
	if (!kube_is_deleting(obj))
		set_names(c, obj);
	else if (finish_deletion(c, obj, ret_after_ns, err) < 0)
		return -1;
	_cleanup_err_ struct err failed = { 0 };
	if (internal_update(c->server, c->type, current, obj, &failed) == 0 || failed.kind == ERR_CONFLICT ||
	    failed.kind == ERR_NOT_FOUND)
		return 0; /* whoever changed it meanwhile has queued it again */
	err_move(err, &failed);
	return -1;
}

int crd_controller_start(struct apiserver *s, struct crd_controller **ret, struct err *err)
{
	struct crd_controller *c = new0(struct crd_controller);
	const struct store_list_query query = { .resource = CRD_RESOURCE, .ns = "" };
	struct store_list list = { 0 };

	*ret = c;
	c->server = s;
	c->type = registry_find(s->registry, "apiextensions.k8s.io", "v1", "customresourcedefinitions");
	c->served = map_new(free);
	if (loop_start("api-crds", reconcile, c, s->log, &c->loop, err) < 0 || store_list(s->store, &query, &list, err) < 0)
		return -1;
	for (size_t i = 0; i < list.len; i++) {
		serve(c, list.items[i]);
		loop_add(c->loop, list.items[i]->name);
	}
	uint64_t version = list.version;
	store_list_clear(&list);
	return store_watch(s->store, CRD_RESOURCE, "", version, on_change, c, &c->watch, err);
}

struct crd_controller *crd_controller_stop(struct crd_controller *c)
{
	if (!c)
		return NULL;
	store_unwatch(c->watch);
	loop_stop(c->loop);
	map_free(c->served);
	api_type_unref(c->type);
	free(c);
	return NULL;
}
