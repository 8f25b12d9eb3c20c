#include "store_index.h"

#include <string.h>

struct store_leaf {
	atomic_size_t refs;
	size_t len;
	struct store_object *objects[STORE_LEAF_MAX]; /* a reference each */
};

int store_key_compare(const char *a_ns, const char *a_name, const char *b_ns, const char *b_name)
{
	int order = strcmp(a_ns, b_ns);

	return order ? order : strcmp(a_name, b_name);
}

static int compare_with(const struct store_object *o, const char *ns, const char *name)
{
	return store_key_compare(o->ns, o->name, ns, name);
}

static struct store_leaf *leaf_new(void)
{
	struct store_leaf *leaf = xmalloc(sizeof(*leaf));

	atomic_init(&leaf->refs, 1);
	leaf->len = 0;
	return leaf;
}

static void leaf_unref(struct store_leaf *leaf)
{
	if (atomic_fetch_sub_explicit(&leaf->refs, 1, memory_order_acq_rel) != 1)
		return;
	for (size_t i = 0; i < leaf->len; i++)
		store_object_unref(leaf->objects[i]);
	free(leaf);
}

/* The leaf at i, made ours alone. */
static struct store_leaf *leaf_for_write(struct store_index *idx, size_t i)
{
	struct store_leaf *old = idx->leaves[i];

	if (atomic_load_explicit(&old->refs, memory_order_acquire) == 1)
		return old;
	struct store_leaf *leaf = leaf_new();
	leaf->len = old->len;
	for (size_t k = 0; k < old->len; k++)
		leaf->objects[k] = store_object_ref(old->objects[k]);
	leaf_unref(old);
	idx->leaves[i] = leaf;
	return leaf;
}

void store_index_clear(struct store_index *idx)
{
	for (size_t i = 0; i < idx->len; i++)
		leaf_unref(idx->leaves[i]);
	free(idx->leaves);
	*idx = (struct store_index){ 0 };
}

/* The leaf that holds the key or would hold it: the last one whose first key is not behind it. */
static size_t find_leaf(const struct store_index *idx, const char *ns, const char *name)
{
	size_t low = 0, high = idx->len;

	while (high - low > 1) {
		size_t mid = low + (high - low) / 2;
		if (compare_with(idx->leaves[mid]->objects[0], ns, name) <= 0)
			low = mid;
		else
			high = mid;
	}
	return low;
}

/* Position of the first object not before the key. */
static size_t find_pos(const struct store_leaf *leaf, const char *ns, const char *name, bool *ret_equal)
{
	size_t low = 0, high = leaf->len;

	*ret_equal = false;
	while (low < high) {
		size_t mid = low + (high - low) / 2;
		int order = compare_with(leaf->objects[mid], ns, name);
		if (order == 0) {
			*ret_equal = true;
			return mid;
		}
		if (order < 0)
			low = mid + 1;
		else
			high = mid;
	}
	return low;
}

struct store_object *store_index_get(const struct store_index *idx, const char *ns, const char *name)
{
	if (idx->len == 0)
		return NULL;
	const struct store_leaf *leaf = idx->leaves[find_leaf(idx, ns, name)];
	bool equal;
	size_t pos = find_pos(leaf, ns, name, &equal);
	return equal ? leaf->objects[pos] : NULL;
}

static void insert_leaf(struct store_index *idx, size_t at, struct store_leaf *leaf)
{
	if (idx->len == idx->cap) {
		idx->cap = idx->cap ? idx->cap * 2 : 4;
		idx->leaves = xreallocarray(idx->leaves, idx->cap, sizeof(struct store_leaf *));
	}
	memmove(&idx->leaves[at + 1], &idx->leaves[at], (idx->len - at) * sizeof(struct store_leaf *));
	idx->leaves[at] = leaf;
	idx->len++;
}

/* Moves the upper half of a full leaf into a new one behind it. Appending at the very end (names that ascend, as
 * generated ones may) leaves the old leaf full instead of half empty. */
static void split_leaf(struct store_index *idx, size_t at, size_t pos)
{
	struct store_leaf *low = idx->leaves[at], *high = leaf_new();
	size_t keep = pos == low->len && at + 1 == idx->len ? low->len : low->len / 2;

	high->len = low->len - keep;
	memcpy(high->objects, &low->objects[keep], high->len * sizeof(low->objects[0]));
	low->len = keep;
	insert_leaf(idx, at + 1, high);
}

/* Names that ascend, as generated ones do, and most rows of a file that is read, come in this order. */
static bool is_behind_all(const struct store_index *idx, const struct store_object *object)
{
	const struct store_leaf *last = idx->leaves[idx->len - 1];

	return last->len > 0 && compare_with(last->objects[last->len - 1], object->ns, object->name) < 0;
}

bool store_index_put(struct store_index *idx, struct store_object *object)
{
	if (idx->len == 0)
		insert_leaf(idx, 0, leaf_new());
	bool behind = is_behind_all(idx, object), equal = false;
	size_t at = behind ? idx->len - 1 : find_leaf(idx, object->ns, object->name);
	struct store_leaf *leaf = leaf_for_write(idx, at);
	size_t pos = behind ? leaf->len : find_pos(leaf, object->ns, object->name, &equal);

	if (equal) {
		store_object_unref(leaf->objects[pos]);
		leaf->objects[pos] = object;
		return true;
	}
	if (leaf->len == STORE_LEAF_MAX) {
		split_leaf(idx, at, pos);
		if (pos >= leaf->len) {
			pos -= leaf->len;
			leaf = idx->leaves[at + 1];
		}
	}
	memmove(&leaf->objects[pos + 1], &leaf->objects[pos], (leaf->len - pos) * sizeof(leaf->objects[0]));
	leaf->objects[pos] = object;
	leaf->len++;
	idx->count++;
	return false;
}

void store_index_del(struct store_index *idx, const char *ns, const char *name)
{
	if (idx->len == 0)
		return;
	size_t at = find_leaf(idx, ns, name);
	bool equal;
	size_t pos = find_pos(idx->leaves[at], ns, name, &equal);
	if (!equal)
		return;

	struct store_leaf *leaf = leaf_for_write(idx, at);
	store_object_unref(leaf->objects[pos]);
	leaf->len--;
	memmove(&leaf->objects[pos], &leaf->objects[pos + 1], (leaf->len - pos) * sizeof(leaf->objects[0]));
	idx->count--;
	if (leaf->len == 0) {
		leaf_unref(leaf);
		idx->len--;
		memmove(&idx->leaves[at], &idx->leaves[at + 1], (idx->len - at) * sizeof(struct store_leaf *));
	}
}

/* First position whose key is behind (or, with or_equal, at) the given one. */
static void seek(const struct store_index *idx, const char *ns, const char *name, bool or_equal, size_t *ret_leaf,
                 size_t *ret_pos)
{
	*ret_leaf = *ret_pos = 0;
	if (idx->len == 0)
		return;
	size_t at = find_leaf(idx, ns, name);
	bool equal;
	size_t pos = find_pos(idx->leaves[at], ns, name, &equal);
	if (equal && !or_equal)
		pos++;
	if (pos == idx->leaves[at]->len) {
		at++;
		pos = 0;
	}
	*ret_leaf = at;
	*ret_pos = pos;
}

/* Where a namespace ends: "ns\x01" is behind every name of ns and not behind any later namespace, as namespaces are
 * DNS labels. */
static void seek_end(const struct store_index *idx, const char *ns, size_t *ret_leaf, size_t *ret_pos)
{
	_cleanup_free_ char *after = xasprintf("%s\x01", ns);

	seek(idx, after, "", true, ret_leaf, ret_pos);
}

size_t store_index_count(const struct store_index *idx, const char *ns)
{
	if (!*ns)
		return idx->count;
	size_t leaf, pos, end_leaf, end_pos, count = 0;
	seek(idx, ns, "", true, &leaf, &pos);
	seek_end(idx, ns, &end_leaf, &end_pos);
	for (; leaf < end_leaf; leaf++, pos = 0)
		count += idx->leaves[leaf]->len - pos;
	return count + end_pos - pos;
}

void store_index_snapshot(const struct store_index *idx, const char *ns, const char *after_ns, const char *after_name,
                          struct store_snapshot *ret)
{
	size_t leaf = 0, pos = 0, end_leaf = idx->len, end_pos = 0;

	if (after_ns && (!*ns || strcmp(after_ns, ns) >= 0))
		seek(idx, after_ns, after_name, false, &leaf, &pos);
	else if (*ns)
		seek(idx, ns, "", true, &leaf, &pos);
	if (*ns)
		seek_end(idx, ns, &end_leaf, &end_pos);

	size_t len = end_leaf + (end_pos > 0) > leaf ? end_leaf + (end_pos > 0) - leaf : 0;
	*ret = (struct store_snapshot){
		.leaves = xcalloc(len, sizeof(struct store_leaf *)), .len = len, .pos = pos, .ns = ns
	};
	for (size_t i = 0; i < len; i++) {
		ret->leaves[i] = idx->leaves[leaf + i];
		atomic_fetch_add_explicit(&ret->leaves[i]->refs, 1, memory_order_relaxed);
	}
}

struct store_object *store_snapshot_next(struct store_snapshot *snap)
{
	while (snap->leaf < snap->len && snap->pos == snap->leaves[snap->leaf]->len) {
		snap->leaf++;
		snap->pos = 0;
	}
	if (snap->leaf == snap->len)
		return NULL;
	struct store_object *o = snap->leaves[snap->leaf]->objects[snap->pos];
	if (*snap->ns && strcmp(o->ns, snap->ns) != 0)
		return NULL; /* the last leaf goes on with another namespace */
	snap->pos++;
	return o;
}

size_t store_snapshot_remaining(const struct store_snapshot *snap)
{
	struct store_snapshot copy = *snap;
	size_t count = 0;

	/* Only the last leaf can hold another namespace, so the others are counted whole. */
	while (copy.leaf + 1 < copy.len) {
		count += copy.leaves[copy.leaf]->len - copy.pos;
		copy.leaf++;
		copy.pos = 0;
	}
	while (store_snapshot_next(&copy))
		count++;
	return count;
}

void store_snapshot_clear(struct store_snapshot *snap)
{
	for (size_t i = 0; i < snap->len; i++)
		leaf_unref(snap->leaves[i]);
	free(snap->leaves);
	*snap = (struct store_snapshot){ 0 };
}
