#include "store_internal.h"

#include <inttypes.h>

/* What a key held at an older version, taken from history. */
struct undo {
	const char *ns, *name;
	struct store_object *object; /* a reference; NULL: nothing */
	uint64_t version;            /* of the change that is undone */
};

struct undo_list {
	struct undo *list;
	size_t len, cap;
	/* Keys are borrowed from these. */
	struct store_object **keep;
};

static void undo_clear(struct undo_list *u)
{
	for (size_t i = 0; i < u->len; i++) {
		store_object_unref(u->list[i].object);
		store_object_unref(u->keep[i]);
	}
	free(u->list);
	free(u->keep);
}
#define _cleanup_undo_ _cleanup_(undo_clear)

static int undo_compare(const void *a, const void *b)
{
	const struct undo *x = a, *y = b;
	int order = store_key_compare(x->ns, x->name, y->ns, y->name);

	return order ? order : (x->version > y->version) - (x->version < y->version);
}

/* With lock held: what the resource's changes behind query->at_version replaced. */
static void undo_collect(struct store *s, const struct store_resource *r, const struct store_list_query *query,
                         struct undo_list *u)
{
	const struct store_history *h = &s->history;

	for (size_t i = store_history_find(h, query->at_version); i < h->len; i++) {
		const struct store_change *c = store_history_at(h, i);
		if (c->object->resource != r->name || (*query->ns && strcmp(c->object->ns, query->ns) != 0))
			continue;
		if (query->after_ns &&
		    store_key_compare(c->object->ns, c->object->name, query->after_ns, query->after_name) <= 0)
			continue;
		if (u->len == u->cap) {
			u->cap = u->cap ? u->cap * 2 : 16;
			u->list = xreallocarray(u->list, u->cap, sizeof(*u->list));
			u->keep = xreallocarray(u->keep, u->cap, sizeof(struct store_object *));
		}
		u->keep[u->len] = store_object_ref(c->object);
		u->list[u->len++] = (struct undo){
			.ns = c->object->ns,
			.name = c->object->name,
			.object = c->previous ? store_object_ref(c->previous) : NULL,
			.version = c->version,
		};
	}
}

/* Merges the snapshot of now with what older versions held, in key order. */
struct merge {
	struct store_snapshot *snap;
	struct undo_list *undo;
	struct store_object *head; /* of the snapshot, looked at but not taken */
	size_t next_undo;
};

/* The next object as of the wanted version, borrowed; NULL at the end. */
static struct store_object *merge_next(struct merge *m)
{
	for (;;) {
		if (!m->head)
			m->head = store_snapshot_next(m->snap);
		if (m->next_undo == m->undo->len) {
			struct store_object *o = m->head;
			m->head = NULL;
			return o;
		}
		const struct undo *u = &m->undo->list[m->next_undo];
		int order = m->head ? store_key_compare(m->head->ns, m->head->name, u->ns, u->name) : 1;
		if (order < 0) {
			struct store_object *o = m->head;
			m->head = NULL;
			return o;
		}
		if (order == 0)
			m->head = NULL;
		/* The earliest change behind the version says what was there; later ones of the same key do not count. */
		while (m->next_undo < m->undo->len &&
		       store_key_compare(m->undo->list[m->next_undo].ns, m->undo->list[m->next_undo].name, u->ns, u->name) == 0)
			m->next_undo++;
		if (u->object)
			return u->object;
	}
}

static void collect(struct merge *m, const struct store_list_query *query, struct store_list *ret)
{
	struct store_object *o;
	size_t cap = 0;

	while ((o = merge_next(m))) {
		if (query->select && !query->select(query->self, o))
			continue;
		if (query->limit && ret->len == query->limit) {
			ret->more = true;
			ret->remaining = query->select ? 0 : 1;
			break;
		}
		if (ret->len == cap) {
			cap = cap ? cap * 2 : 64;
			ret->items = xreallocarray(ret->items, cap, sizeof(struct store_object *));
		}
		ret->items[ret->len++] = store_object_ref(o);
	}
	if (!ret->more || query->select)
		return;
	if (m->undo->len == 0)
		ret->remaining += store_snapshot_remaining(m->snap);
	else
		while (merge_next(m))
			ret->remaining++;
}

int store_list(struct store *s, const struct store_list_query *query, struct store_list *ret, struct err *err)
{
	_cleanup_undo_ struct undo_list undo = { 0 };
	struct store_snapshot snap = { .ns = "" };
	struct store_list list = { 0 };

	pthread_rwlock_rdlock(&s->lock);
	uint64_t now = s->version, floor = s->history.floor;
	const struct store_resource *r = store_resource_find(s, query->resource);
	bool in_reach = !query->at_version || (query->at_version >= floor && query->at_version <= now);
	if (r && in_reach) {
		store_index_snapshot(&r->index, query->ns, query->after_ns, query->after_name, &snap);
		if (query->at_version && query->at_version < now)
			undo_collect(s, r, query, &undo);
	}
	pthread_rwlock_unlock(&s->lock);
	if (!in_reach && query->at_version > now)
		return err_set(err, ERR_TIMEOUT, "Too large resource version: %" PRIu64 ", current: %" PRIu64,
		               query->at_version, now);
	if (!in_reach)
		return err_set(err, ERR_EXPIRED,
		               "The provided continue parameter is too old to display a consistent list result.");

	if (undo.len > 1)
		qsort(undo.list, undo.len, sizeof(undo.list[0]), undo_compare);
	list.version = query->at_version ? query->at_version : now;
	collect(&(struct merge){ .snap = &snap, .undo = &undo }, query, &list);
	store_snapshot_clear(&snap);
	*ret = list;
	return 0;
}

void store_list_clear(struct store_list *list)
{
	for (size_t i = 0; i < list->len; i++)
		store_object_unref(list->items[i]);
	free(list->items);
	*list = (struct store_list){ 0 };
}
