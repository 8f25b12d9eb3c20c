#include "base/clock.h"
#include "base/str.h"
#include "controllers.h"
#include "rest/deletion.h"
#include "internal_write.h"
#include "kube/object.h"
#include "loop.h"
#include "objects/object_view.h"
#include "server.h"

#define LOOK_AGAIN_NS (200 * NS_PER_MS)
#define LOOK_AGAIN_MAX_NS (5 * NS_PER_S)
#define MESSAGE_MAX ((size_t)32768)

static const struct internal_identity ACCOUNTS = { INTERNAL_ACCOUNT("service-account-controller"), NULL };
static const struct internal_identity FINALIZER = { INTERNAL_ACCOUNT("namespace-controller"), "finalize" };
static const struct internal_identity STATUS = { INTERNAL_ACCOUNT("namespace-controller"), "status" };

struct namespace_controller {
	struct apiserver *server;
	struct api_type *type, *accounts;
	struct store_watch *watch, *account_watch;
	struct loop *loop;
};

/* Those every cluster has; they come back when they are deleted. */
static const char *const SYSTEM_NAMESPACES[] = { "default",         "kube-system", "kube-public",
	                                             "kube-node-lease", "scia-system", NULL };

static bool is_system_namespace(const char *name)
{
	return str_in(name, SYSTEM_NAMESPACES);
}

static int ensure_namespaces(struct namespace_controller *c, struct err *err)
{
	struct store_batch *b = store_batch_new(c->server->store);

	for (size_t i = 0; SYSTEM_NAMESPACES[i]; i++) {
		_cleanup_json_ json_t *obj = kube_object_new(&KUBE_NAMESPACE, "", SYSTEM_NAMESPACES[i]);
		internal_create_in(b, c->server, c->type, obj);
	}
	return store_batch_finish(b, err);
}

static int ensure_account(struct namespace_controller *c, const char *ns, struct err *err)
{
	static const struct kube_type account = { "", "v1", "ServiceAccount", "serviceaccounts", true };
	_cleanup_json_ json_t *obj = kube_object_new(&account, ns, "default");

	return internal_create(c->server, &ACCOUNTS, c->accounts, obj, err) < 0 ? -1 : 0;
}

/* ---- deletion: after k8s.io/kubernetes/pkg/controller/namespace/deletion, conditions included ---- */

struct remains {
	struct map *finalizers; /* → how many objects have it */
	char **resources;       /* "widgets.example.org has 2 resource instances" */
	char **failures;        /* types that could not be emptied, and why */
};

static void remains_clear(struct remains *r)
{
	map_free(r->finalizers);
	strv_free(r->resources);
	strv_free(r->failures);
}

static void note_finalizers(const struct api_type *t, const struct store_list *list, struct map *counts)
{
	for (size_t i = 0; i < list->len; i++) {
		_cleanup_json_ json_t *obj = object_stored_value(t, list->items[i]);
		size_t k;
		json_t *f;
		json_array_foreach (json_object_get(kube_meta(obj), "finalizers"), k, f) {
			const char *name = json_string_value(f);
			uintptr_t n = (uintptr_t)map_get(counts, name);
			map_set(counts, name, (void *)(n + 1));
		}
	}
}

static int delete_all(struct namespace_controller *c, const struct api_type *t, const char *ns, struct err *err)
{
	const struct store_list_query query = { .resource = t->resource, .ns = ns };
	const struct internal_act act = { .as = &FINALIZER, .type = t, .verb = "deletecollection", .ns = ns, .name = "" };
	_cleanup_err_ struct err failed = { 0 };
	struct store_list list;

	if (internal_permit(c->server, &act, &failed) == 0 && store_list(c->server->store, &query, &list, &failed) == 0) {
		deletion_run_all(c->server, t, &list, PROPAGATION_BACKGROUND, &failed);
		store_list_clear(&list);
	}
	internal_note(c->server, &act, NULL, err_is_set(&failed) ? &failed : NULL);
	if (!err_is_set(&failed))
		return 0;
	err_move(err, &failed);
	return -1;
}

/* Deletes what is in the namespace of one type, and notes what is left. */
static void empty_type(struct namespace_controller *c, const struct api_type *t, const char *ns, struct remains *r)
{
	const struct store_list_query query = { .resource = t->resource, .ns = ns };
	struct store *store = c->server->store;
	_cleanup_err_ struct err err = { 0 };
	struct store_list list;

	if (store_count(store, t->resource, ns) == 0)
		return;
	if (delete_all(c, t, ns, &err) < 0)
		strv_push(&r->failures, err_message(&err));
	if (store_list(store, &query, &list, NULL) < 0)
		return;
	_cleanup_free_ char *words = xasprintf("%s.%s has %zu resource instances", t->plural, t->group, list.len);
	if (list.len > 0)
		strv_push(&r->resources, words);
	note_finalizers(t, &list, r->finalizers);
	store_list_clear(&list);
}

/* parts NULL: all is fine. Sorted, so that the same state gives the same words. */
static void set_condition(json_t *status, const char *type, const char *reason, const char *prefix, char **parts,
                          const char *fine_reason, const char *fine)
{
	_cleanup_buf_ struct buf text = BUF_INIT(MESSAGE_MAX);

	strv_sort(parts);
	buf_puts(&text, parts ? prefix : fine);
	for (size_t i = 0; parts && parts[i]; i++)
		buf_printf(&text, "%s%s", i > 0 ? ", " : "", parts[i]);
	kube_set_condition(status, type, parts ? "True" : "False", parts ? reason : fine_reason, buf_str(&text), 0,
	                   clock_wall_ns());
}

static void set_conditions(json_t *status, struct remains *r)
{
	_cleanup_strv_ char **finalizers = NULL;
	_cleanup_free_ char *failed = xasprintf("Failed to delete all resource types, %zu remaining: ",
	                                        strv_len(r->failures));
	const char *name;
	size_t iter = 0;
	void *n;

	while (map_next(r->finalizers, &iter, &name, &n)) {
		_cleanup_free_ char *words = xasprintf("%s in %zu resource instances", name, (size_t)(uintptr_t)n);
		strv_push(&finalizers, words);
	}
	set_condition(status, "NamespaceDeletionDiscoveryFailure", "", "", NULL, "ResourcesDiscovered",
	              "All resources successfully discovered");
	set_condition(status, "NamespaceDeletionGroupVersionParsingFailure", "", "", NULL, "ParsedGroupVersions",
	              "All legacy kube types successfully parsed");
	set_condition(status, "NamespaceDeletionContentFailure", "ContentDeletionFailed", failed, r->failures,
	              "ContentDeleted", "All content successfully deleted, may be waiting on finalization");
	set_condition(status, "NamespaceContentRemaining", "SomeResourcesRemain",
	              "Some resources are remaining: ", r->resources, "ContentRemoved", "All content successfully removed");
	set_condition(status, "NamespaceFinalizersRemaining", "SomeFinalizersRemain",
	              "Some content in the namespace has finalizers remaining: ", finalizers, "ContentHasNoFinalizers",
	              "All content-preserving finalizers finished");
}

/* True when nothing is left; else the namespace's conditions say what is. */
static bool empty_namespace(struct namespace_controller *c, json_t *obj)
{
	_cleanup_(registry_types_freep) struct api_type **types = registry_types(c->server->registry);
	_cleanup_(remains_clear) struct remains r = { .finalizers = map_new(NULL) };

	/* Events last: they tell of the deletion of the rest. */
	for (int pass = 0; pass < 2; pass++)
		for (size_t i = 0; types[i]; i++)
			if (types[i]->namespaced && (types[i]->verbs & VERB_LIST) &&
			    (strcmp(types[i]->resource, "/events") == 0) == (pass == 1))
				empty_type(c, types[i], kube_name(obj), &r);
	if (!r.resources && !r.failures)
		return true;
	set_conditions(json_ensure_object(obj, "status"), &r);
	return false;
}

/* Finalizers are gone soon, or not for long. */
static int64_t look_again_after(const json_t *obj)
{
	const char *since = json_get_str(kube_meta(obj), "deletionTimestamp");
	int64_t then;

	if (!since || !rfc3339_parse(since, &then))
		return LOOK_AGAIN_NS;
	int64_t age = clock_wall_ns() - then;
	return age > 0 && age / 20 > LOOK_AGAIN_NS ? (age / 20 < LOOK_AGAIN_MAX_NS ? age / 20 : LOOK_AGAIN_MAX_NS)
	                                           : LOOK_AGAIN_NS;
}

/* True when nothing is left, and its finalizer is gone. */
static bool finish_deletion(struct namespace_controller *c, json_t *obj, int64_t *ret_after_ns)
{
	json_t *finalizers = json_at(obj, "spec", "finalizers", NULL);

	if (!empty_namespace(c, obj)) {
		*ret_after_ns = look_again_after(obj);
		return false;
	}
	for (size_t i = json_array_size(finalizers); i-- > 0;)
		if (str_eq(json_string_value(json_array_get(finalizers, i)), "kubernetes"))
			json_array_remove(finalizers, i);
	return true;
}

static int reconcile(void *self, const char *name, int64_t *ret_after_ns, struct err *err)
{
	struct namespace_controller *c = self;
	_cleanup_(store_object_unrefp) struct store_object *current = store_get(c->server->store, c->type->resource, "",
	                                                                        name);

	if (!current)
		return is_system_namespace(name) ? ensure_namespaces(c, err) : 0;
	_cleanup_json_ json_t *obj = object_stored_value(c->type, current);
	if (!kube_is_deleting(obj))
		return ensure_account(c, name, err);
	_cleanup_err_ struct err failed = { 0 };
	const bool emptied = finish_deletion(c, obj, ret_after_ns);
	if (internal_update(c->server, emptied ? &FINALIZER : &STATUS, c->type, current, obj, &failed) == 0 ||
	    failed.kind == ERR_CONFLICT || failed.kind == ERR_NOT_FOUND)
		return 0; /* whoever changed it meanwhile has queued it again */
	err_move(err, &failed);
	return -1;
}

static void on_namespace(void *self, const struct store_change *change)
{
	struct namespace_controller *c = self;

	if (change->type != STORE_DELETED || is_system_namespace(change->object->name))
		loop_add(c->loop, change->object->name);
}

/* A default account that was deleted comes back. */
static void on_account(void *self, const struct store_change *change)
{
	struct namespace_controller *c = self;

	if (change->type == STORE_DELETED && strcmp(change->object->name, "default") == 0)
		loop_add(c->loop, change->object->ns);
}

static int start(struct namespace_controller *c, struct err *err)
{
	struct apiserver *s = c->server;
	const struct store_list_query query = { .resource = c->type->resource, .ns = "" };
	struct store_list list;

	if (loop_start("api-namespaces", reconcile, c, s->log, &c->loop, err) < 0)
		return -1;
	if (ensure_namespaces(c, err) < 0 || store_list(s->store, &query, &list, err) < 0)
		return -1;
	for (size_t i = 0; i < list.len; i++)
		loop_add(c->loop, list.items[i]->name);
	uint64_t version = list.version;
	store_list_clear(&list);
	if (store_watch(s->store, c->type->resource, "", version, on_namespace, c, &c->watch, err) < 0)
		return -1;
	return store_watch(s->store, c->accounts->resource, "", version, on_account, c, &c->account_watch, err);
}

int namespace_controller_start(struct apiserver *s, struct namespace_controller **ret, struct err *err)
{
	struct namespace_controller *c = new0(struct namespace_controller);

	*ret = c;
	c->server = s;
	c->type = registry_find(s->registry, "", "v1", "namespaces");
	c->accounts = registry_find(s->registry, "", "v1", "serviceaccounts");
	return start(c, err);
}

struct namespace_controller *namespace_controller_stop(struct namespace_controller *c)
{
	if (!c)
		return NULL;
	store_unwatch(c->watch);
	store_unwatch(c->account_watch);
	loop_stop(c->loop);
	api_type_unref(c->type);
	api_type_unref(c->accounts);
	free(c);
	return NULL;
}
