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

struct namespace_controller {
	struct apiserver *server;
	struct api_type *type, *accounts;
	struct store_watch *watch, *account_watch;
	struct loop *loop;
};

static int ensure_namespaces(struct namespace_controller *c, struct err *err)
{
	static const char *const names[] = { "default", "kube-system", "kube-public", "kube-node-lease", "scia-system" };
	struct store_batch *b = store_batch_new(c->server->store);

	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		_cleanup_json_ json_t *obj = kube_object_new(&KUBE_NAMESPACE, "", names[i]);
		internal_create_in(b, c->server, c->type, obj);
	}
	return store_batch_finish(b, err);
}

static int ensure_account(struct namespace_controller *c, const char *ns, struct err *err)
{
	static const struct kube_type account = { "", "v1", "ServiceAccount", "serviceaccounts", true };
	_cleanup_json_ json_t *obj = kube_object_new(&account, ns, "default");

	return internal_create(c->server, c->accounts, obj, err) < 0 ? -1 : 0;
}

/* ---- deletion ---- */

struct remains {
	struct buf words; /* "widgets.example.org has 2 resource instances, …" */
	struct buf finalizers;
	size_t count;
};

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

/* Deletes what is in the namespace of one type, and says what is left. */
static int empty_type(struct namespace_controller *c, const struct api_type *t, const char *ns, struct remains *r,
                      struct map *finalizers, struct err *err)
{
	const struct store_list_query query = { .resource = t->resource, .ns = ns };
	struct store *store = c->server->store;
	struct store_list list;
	char words[512];

	if (store_count(store, t->resource, ns) == 0)
		return 0;
	if (store_list(store, &query, &list, err) < 0)
		return -1;
	int result = deletion_run_all(c->server, t, &list, PROPAGATION_BACKGROUND, err);
	store_list_clear(&list);
	if (result < 0 || store_list(store, &query, &list, err) < 0)
		return -1;
	if (list.len > 0) {
		buf_printf(&r->words, "%s%s has %zu resource instances", r->count ? ", " : "", api_type_words(t, words),
		           list.len);
		r->count += list.len;
		note_finalizers(t, &list, finalizers);
	}
	store_list_clear(&list);
	return 0;
}

/* 1 when nothing is left; else the namespace's conditions say what is. */
static int empty_namespace(struct namespace_controller *c, json_t *obj, struct err *err)
{
	_cleanup_(registry_types_freep) struct api_type **types = registry_types(c->server->registry);
	_cleanup_(map_freep) struct map *finalizers = map_new(NULL);
	struct remains r = { .words = BUF_INIT(16384), .finalizers = BUF_INIT(16384) };
	json_t *status = json_ensure_object(obj, "status");
	int64_t now = clock_wall_ns();
	const char *name;
	void *n;
	size_t iter = 0;
	int result = 0;

	/* Events last: they tell of the deletion of the rest. */
	for (int pass = 0; pass < 2 && result == 0; pass++)
		for (size_t i = 0; types[i] && result == 0; i++)
			if (types[i]->namespaced && (types[i]->verbs & VERB_LIST) &&
			    (strcmp(types[i]->resource, "/events") == 0) == (pass == 1))
				result = empty_type(c, types[i], kube_name(obj), &r, finalizers, err);
	while (map_next(finalizers, &iter, &name, &n))
		buf_printf(&r.finalizers, "%s%s in %zu resource instances", r.finalizers.len ? ", " : "", name,
		           (size_t)(uintptr_t)n);
	if (r.count > 0) {
		_cleanup_free_ char *content = xasprintf("Some resources are remaining: %s", buf_str(&r.words));
		_cleanup_free_ char *held = xasprintf("Some content in the namespace has finalizers remaining: %s",
		                                      buf_str(&r.finalizers));
		kube_set_condition(status, "NamespaceContentRemaining", "True", "SomeResourcesRemain", content, 0, now);
		kube_set_condition(status, "NamespaceFinalizersRemaining", r.finalizers.len ? "True" : "False",
		                   r.finalizers.len ? "SomeFinalizersRemain" : "ContentHasNoFinalizers",
		                   r.finalizers.len ? held : "All content-preserving finalizers finished", 0, now);
	}
	buf_clear(&r.words);
	buf_clear(&r.finalizers);
	return result < 0 ? -1 : r.count == 0;
}

static int finish_deletion(struct namespace_controller *c, json_t *obj, int64_t *ret_after_ns, struct err *err)
{
	json_t *finalizers = json_at(obj, "spec", "finalizers", NULL);
	int r = empty_namespace(c, obj, err);

	if (r < 0)
		return -1;
	if (r == 0) {
		*ret_after_ns = LOOK_AGAIN_NS;
		return 0;
	}
	for (size_t i = json_array_size(finalizers); i-- > 0;)
		if (str_eq(json_string_value(json_array_get(finalizers, i)), "kubernetes"))
			json_array_remove(finalizers, i);
	return 0;
}

static int reconcile(void *self, const char *name, int64_t *ret_after_ns, struct err *err)
{
	struct namespace_controller *c = self;
	_cleanup_(store_object_unrefp) struct store_object *current = store_get(c->server->store, c->type->resource, "",
	                                                                        name);

	if (!current)
		return 0;
	_cleanup_json_ json_t *obj = object_stored_value(c->type, current);
	if (!kube_is_deleting(obj))
		return ensure_account(c, name, err);
	_cleanup_err_ struct err failed = { 0 };
	if (finish_deletion(c, obj, ret_after_ns, err) < 0)
		return -1;
	if (internal_update(c->server, c->type, current, obj, &failed) == 0 || failed.kind == ERR_CONFLICT ||
	    failed.kind == ERR_NOT_FOUND)
		return 0; /* whoever changed it meanwhile has queued it again */
	err_move(err, &failed);
	return -1;
}

static void on_namespace(void *self, const struct store_change *change)
{
	struct namespace_controller *c = self;

	if (change->type != STORE_DELETED)
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
