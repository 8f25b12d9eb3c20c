#ifndef APISERVER_STORE_INDEX_H
#define APISERVER_STORE_INDEX_H
/* The objects of one resource in memory, ordered by namespace and name: an array of leaves of at most
 * STORE_LEAF_MAX objects each.
 *
 * Leaves are copied on write while a snapshot shares them, so that a list takes a snapshot in O(leaves) under the
 * store's lock and reads it in its own time. The index itself is not thread-safe. */

#include "store.h"

#define STORE_LEAF_MAX 128

struct store_leaf;

struct store_index {
	struct store_leaf **leaves;
	size_t len, cap;
	size_t count; /* objects */
};

void store_index_clear(struct store_index *idx);
/* Borrowed; NULL when absent. */
struct store_object *store_index_get(const struct store_index *idx, const char *ns, const char *name);
/* Inserts or replaces by the object's namespace and name (true: replaced); takes a reference over. */
bool store_index_put(struct store_index *idx, struct store_object *object);
void store_index_del(struct store_index *idx, const char *ns, const char *name);
/* Objects of one namespace; ns "" counts all. */
size_t store_index_count(const struct store_index *idx, const char *ns);

/* The objects behind a key (from NULL: from the start), of one namespace unless ns is "". */
struct store_snapshot {
	struct store_leaf **leaves;
	size_t len;
	size_t leaf, pos; /* the next object */
	const char *ns;   /* borrowed */
};
void store_index_snapshot(const struct store_index *idx, const char *ns, const char *after_ns, const char *after_name,
                          struct store_snapshot *ret);
/* Borrowed while the snapshot lives; NULL at the end. */
struct store_object *store_snapshot_next(struct store_snapshot *snap);
/* How many store_snapshot_next() would still give. */
size_t store_snapshot_remaining(const struct store_snapshot *snap);
void store_snapshot_clear(struct store_snapshot *snap);

/* Order of keys: namespace, then name. */
int store_key_compare(const char *a_ns, const char *a_name, const char *b_ns, const char *b_name);

#endif
