#include "deletion.h"

#include "base/clock.h"
#include "base/str.h"
#include "base/thread.h"
#include "controllers/internal_write.h"
#include "kube/object.h"
#include "objects/object_view.h"
#include "server.h"

#define FOREGROUND "foregroundDeletion"
#define ORPHAN "orphan"
#define ATTEMPTS_MAX 10
#define GROUP_MAX 512

/* The policy is kept as a finalizer, for the garbage collector. */
static void set_propagation(json_t *obj, enum propagation propagation)
{
	if (propagation == PROPAGATION_DEFAULT)
		return;
	kube_remove_finalizer(obj, propagation == PROPAGATION_FOREGROUND ? ORPHAN : FOREGROUND);
	if (propagation == PROPAGATION_BACKGROUND)
		kube_remove_finalizer(obj, ORPHAN);
	else
		kube_add_finalizer(obj, propagation == PROPAGATION_FOREGROUND ? FOREGROUND : ORPHAN);
	if (json_array_size(json_object_get(kube_meta(obj), "finalizers")) == 0)
		json_object_del(kube_meta(obj), "finalizers");
}

bool deletion_mark(const struct api_type *t, json_t *obj, enum propagation propagation)
{
	json_t *meta = kube_meta(obj);
	char now[RFC3339_SIZE];

	set_propagation(obj, propagation);
	if (t->strategy->prepare_delete)
		t->strategy->prepare_delete(obj);
	if (json_array_size(json_object_get(meta, "finalizers")) == 0 && !(t->strategy->held && t->strategy->held(obj)))
		return true;
	if (kube_is_deleting(obj))
		return false;
	json_put_str(meta, "deletionTimestamp", rfc3339_format(clock_wall_ns(), now));
	if (strcmp(t->resource, "/namespaces") != 0) /* they have other ways, and no grace */
		json_put_int(meta, "deletionGracePeriodSeconds", 0);
	if (kube_generation(obj) > 0)
		json_put_int(meta, "generation", kube_generation(obj) + 1);
	return false;
}

/* The write that deletes or marks it; false when it is marked already. */
static bool write_of(const struct api_type *t, const struct store_object *current, enum propagation propagation,
                     struct store_write *ret)
{
	_cleanup_json_ json_t *old = object_stored_value(t, current), *obj = json_deep_copy(old);

	if (deletion_mark(t, obj, propagation)) {
		*ret = (struct store_write){ .resource = t->resource,
			                         .ns = current->ns,
			                         .name = current->name,
			                         .op = STORE_DELETE,
			                         .expected_version = current->version };
		return true;
	}
	if (json_same(obj, old))
		return false;
	*ret = internal_write(t, current, obj);
	return true;
}

int deletion_run(struct apiserver *s, const struct api_type *t, const char *ns, const char *name, const char *uid,
                 enum propagation propagation, struct err *err)
{
	for (int attempt = 0;; attempt++) {
		_cleanup_(store_object_unrefp) struct store_object *current = store_get(s->store, t->resource, ns, name);
		_cleanup_err_ struct err failed = { 0 };
		struct store_write w;
		if (!current || (uid && strcmp(uid, current->uid) != 0) || !write_of(t, current, propagation, &w))
			return 0;
		if (store_commit(s->store, &w, NULL, &failed) == 0)
			return 0;
		if ((failed.kind != ERR_CONFLICT && failed.kind != ERR_NOT_FOUND) || attempt == ATTEMPTS_MAX) {
			err_move(err, &failed);
			return -1;
		}
	}
}

int deletion_run_exactly(struct apiserver *s, const struct api_type *t, const struct store_object *o,
                         enum propagation propagation, struct err *err)
{
	struct store_write w;

	return write_of(t, o, propagation, &w) ? store_commit(s->store, &w, NULL, err) : 0;
}

/* Writes submitted together and waited for together. */
struct group {
	pthread_mutex_t lock;
	pthread_cond_t cond;
	size_t under_way, failed;
};

static void group_done(void *self, struct store_object *object, const struct err *err _unused_)
{
	struct group *g = self;

	MUTEX_GUARD(&g->lock);
	g->under_way--;
	g->failed += object == NULL;
	pthread_cond_signal(&g->cond);
}

static size_t run_group(struct apiserver *s, const struct api_type *t, struct store_object *const *items, size_t len,
                        enum propagation propagation)
{
	struct group g = { 0 };

	pthread_mutex_init(&g.lock, NULL);
	cond_init_mono(&g.cond);
	for (size_t i = 0; i < len; i++) {
		struct store_write w;
		if (!write_of(t, items[i], propagation, &w))
			continue;
		w.done = group_done;
		w.self = &g;
		pthread_mutex_lock(&g.lock);
		g.under_way++;
		pthread_mutex_unlock(&g.lock);
		store_submit(s->store, &w);
	}
	pthread_mutex_lock(&g.lock);
	while (g.under_way > 0)
		cond_wait_until(&g.cond, &g.lock, -1);
	pthread_mutex_unlock(&g.lock);
	pthread_mutex_destroy(&g.lock);
	pthread_cond_destroy(&g.cond);
	return g.failed;
}

int deletion_run_all(struct apiserver *s, const struct api_type *t, const struct store_list *list,
                     enum propagation propagation, struct err *err)
{
	_cleanup_err_ struct err first = { 0 };

	for (size_t i = 0; i < list->len; i += GROUP_MAX) {
		size_t len = list->len - i < GROUP_MAX ? list->len - i : GROUP_MAX;
		if (run_group(s, t, list->items + i, len, propagation) == 0)
			continue;
		/* Some changed meanwhile: one by one, on their present state. */
		for (size_t k = i; k < i + len; k++)
			if (deletion_run(s, t, list->items[k]->ns, list->items[k]->name, list->items[k]->uid, propagation,
			                 err_is_set(&first) ? NULL : &first) < 0)
				continue;
	}
	if (!err_is_set(&first))
		return 0;
	err_move(err, &first);
	return -1;
}
