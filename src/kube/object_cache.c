#include "object_cache.h"

#include "base/bytes.h"
#include "base/clock.h"
#include "base/map.h"
#include "base/str.h"
#include "base/thread.h"
#include "kube/object.h"

#define INDEXES_MAX 8
#define TOMBSTONES 256
/* How long an observed object is trusted against a list that does not know it: longer than a watch may lag. */
#define OBSERVED_TRUST_NS (60 * NS_PER_S)

struct entry {
	struct bytes *text;      /* the newest known */
	struct bytes *announced; /* what handlers were told last; NULL: nothing yet */
	uint64_t version;        /* resourceVersion; 0: not a number */
	int64_t observed_ns;     /* when text came from a write of ours and the watch has not caught up; else 0 */
	unsigned sweep;          /* the last list that it was in */
	char key[];              /* ns/name or name */
};

struct bucket {
	struct entry **list;
	size_t len, cap;
};

struct index {
	char *name;
	void (*values)(const json_t *obj, char ***values);
	struct map *buckets; /* value → bucket */
};

struct object_cache {
	pthread_mutex_t lock;
	struct map *entries; /* key → entry */
	struct index indexes[INDEXES_MAX];
	size_t indexes_len;
	unsigned sweep;
	uint64_t version; /* how far the watch has come; 0: unknown */
	/* Uids of what was deleted last, for servers whose resource versions are no numbers. */
	char *tombstones[TOMBSTONES];
	size_t tombstones_next;
};

static void entry_free(void *p)
{
	struct entry *e = p;
	bytes_unref(e->text);
	bytes_unref(e->announced);
	free(e);
}

static void bucket_free(void *p)
{
	struct bucket *b = p;
	free(b->list);
	free(b);
}

struct object_cache *object_cache_new(void)
{
	struct object_cache *c = new0(struct object_cache);
	pthread_mutex_init(&c->lock, NULL);
	c->entries = map_new(entry_free);
	return c;
}

struct object_cache *object_cache_free(struct object_cache *c)
{
	if (!c)
		return NULL;
	for (size_t i = 0; i < c->indexes_len; i++) {
		free(c->indexes[i].name);
		map_free(c->indexes[i].buckets);
	}
	for (size_t i = 0; i < TOMBSTONES; i++)
		free(c->tombstones[i]);
	map_free(c->entries);
	pthread_mutex_destroy(&c->lock);
	free(c);
	return NULL;
}

void object_cache_add_index(struct object_cache *c, const char *name, void (*index)(const json_t *obj, char ***values))
{
	MUTEX_GUARD(&c->lock);
	if (c->indexes_len == INDEXES_MAX)
		abort(); /* a program that wants more has to raise the maximum */
	c->indexes[c->indexes_len++] = (struct index){ .name = xstrdup(name),
		                                           .values = index,
		                                           .buckets = map_new(bucket_free) };
}

void object_change_clear(struct object_change *change)
{
	json_decref(change->old_obj);
	json_decref(change->new_obj);
	*change = (struct object_change){ 0 };
}

/* ---- versions and texts ---- */

/* 0 when it is not a number: such versions cannot be ordered. */
static uint64_t version_number(const char *s)
{
	int64_t n;
	return str_to_i64(s, 1, INT64_MAX, &n) ? (uint64_t)n : 0;
}

static json_t *parse_text(const struct bytes *text)
{
	return json_parse(text->data, text->len, 0, NULL);
}

static void drop_managed_fields(json_t *obj)
{
	json_object_del(kube_meta(obj), "managedFields");
}

/* ---- indexes (with the lock held, as all below) ---- */

static void bucket_remove(struct index *index, const char *value, const struct entry *e)
{
	struct bucket *b = map_get(index->buckets, value);
	for (size_t i = 0; b && i < b->len; i++) {
		if (b->list[i] == e) {
			b->list[i] = b->list[--b->len];
			break;
		}
	}
	if (b && b->len == 0)
		map_del(index->buckets, value);
}

static void bucket_add(struct index *index, const char *value, struct entry *e)
{
	struct bucket *b = map_get(index->buckets, value);
	if (!b) {
		b = new0(struct bucket);
		map_set(index->buckets, value, b);
	}
	if (b->len == b->cap) {
		b->cap = b->cap ? b->cap * 2 : 2;
		b->list = xreallocarray(b->list, b->cap, sizeof(struct entry *));
	}
	b->list[b->len++] = e;
}

/* Sorted out of what index() gives, which may hold a value twice. */
static char **index_values(const struct index *index, const json_t *obj)
{
	char **all = NULL, **unique = NULL;
	if (obj)
		index->values(obj, &all);
	for (size_t i = 0; all && all[i]; i++) {
		if (!unique || !str_in(all[i], (const char *const *)unique))
			strv_push(&unique, all[i]);
	}
	strv_free(all);
	return unique;
}

static void reindex(struct object_cache *c, struct entry *e, const json_t *old_obj, const json_t *new_obj)
{
	for (size_t i = 0; i < c->indexes_len; i++) {
		struct index *index = &c->indexes[i];
		_cleanup_strv_ char **before = index_values(index, old_obj), **after = index_values(index, new_obj);
		for (size_t k = 0; before && before[k]; k++) {
			if (!after || !str_in(before[k], (const char *const *)after))
				bucket_remove(index, before[k], e);
		}
		for (size_t k = 0; after && after[k]; k++) {
			if (!before || !str_in(after[k], (const char *const *)before))
				bucket_add(index, after[k], e);
		}
	}
}

/* ---- entries ---- */

static struct entry *entry_insert(struct object_cache *c, const char *key, const json_t *obj)
{
	size_t len = strlen(key) + 1;
	struct entry *e = xcalloc(1, sizeof(*e) + len);
	memcpy(e->key, key, len);
	e->text = json_to_bytes(obj);
	e->version = version_number(kube_resource_version(obj));
	e->sweep = c->sweep;
	map_set(c->entries, key, e);
	reindex(c, e, NULL, obj);
	return e;
}

/* old_obj: the entry's text, parsed; NULL when nobody has done so yet. */
static void entry_replace(struct object_cache *c, struct entry *e, const json_t *old_obj, const json_t *new_obj)
{
	_cleanup_json_ json_t *parsed = NULL;
	if (c->indexes_len > 0) {
		if (!old_obj)
			old_obj = parsed = parse_text(e->text);
		reindex(c, e, old_obj, new_obj);
	}
	bytes_unref(e->text);
	e->text = json_to_bytes(new_obj);
	e->version = version_number(kube_resource_version(new_obj));
}

static void entry_delete(struct object_cache *c, struct entry *e, const json_t *obj)
{
	free(c->tombstones[c->tombstones_next]);
	c->tombstones[c->tombstones_next] = xstrdup(kube_uid(obj));
	c->tombstones_next = (c->tombstones_next + 1) % TOMBSTONES;
	if (!e)
		return;
	if (c->indexes_len > 0) {
		_cleanup_json_ json_t *old_obj = parse_text(e->text);
		reindex(c, e, old_obj, NULL);
	}
	map_del(c->entries, e->key);
}

static bool is_deleted(const struct object_cache *c, const char *uid)
{
	for (size_t i = 0; *uid && i < TOMBSTONES; i++) {
		if (str_eq(c->tombstones[i], uid))
			return true;
	}
	return false;
}

static void announce(struct entry *e, struct bytes *text)
{
	bytes_ref(text);
	bytes_unref(e->announced);
	e->announced = text;
}

static bool tell_update(struct entry *e, json_t *old_obj, json_t *new_obj, struct object_change *ret)
{
	announce(e, e->text);
	*ret = (struct object_change){ .old_obj = old_obj, .new_obj = json_incref(new_obj) };
	return true;
}

/* The watch tells of a state that a write of ours has already gone beyond: handlers hear of it, readers keep the newer.
 */
static bool tell_past(struct entry *e, json_t *obj, struct object_change *ret)
{
	json_t *old_obj = e->announced ? parse_text(e->announced) : NULL;
	struct bytes *text = json_to_bytes(obj);
	announce(e, text);
	bytes_unref(text);
	*ret = (struct object_change){ .old_obj = old_obj, .new_obj = json_incref(obj) };
	return true;
}

static bool apply(struct object_cache *c, json_t *obj, bool listed, struct object_change *ret)
{
	drop_managed_fields(obj);
	_cleanup_free_ char *key = kube_key_str(kube_namespace(obj), kube_name(obj));
	struct entry *e = map_get(c->entries, key);
	if (!e) {
		e = entry_insert(c, key, obj);
		return tell_update(e, NULL, obj, ret);
	}
	if (listed)
		e->sweep = c->sweep;
	uint64_t version = version_number(kube_resource_version(obj));
	bool ordered = version && e->version;
	if (ordered && version == e->version) {
		e->observed_ns = 0;
		if (e->announced == e->text)
			return false;
		return tell_update(e, e->announced ? parse_text(e->announced) : NULL, obj, ret);
	}
	if (ordered && version < e->version) {
		if (e->observed_ns && (!listed || clock_mono_ns() - e->observed_ns < OBSERVED_TRUST_NS))
			return tell_past(e, obj, ret);
		if (!listed)
			return false; /* told before */
	}
	/* Newer; or a list says otherwise than we thought, and it is right. */
	json_t *old_obj = e->announced ? parse_text(e->announced) : NULL;
	entry_replace(c, e, e->announced == e->text ? old_obj : NULL, obj);
	e->observed_ns = 0;
	return tell_update(e, old_obj, obj, ret);
}

bool object_cache_apply(struct object_cache *c, json_t *obj, struct object_change *ret)
{
	MUTEX_GUARD(&c->lock);
	return apply(c, obj, false, ret);
}

bool object_cache_delete(struct object_cache *c, json_t *obj, struct object_change *ret)
{
	MUTEX_GUARD(&c->lock);
	drop_managed_fields(obj);
	_cleanup_free_ char *key = kube_key_str(kube_namespace(obj), kube_name(obj));
	struct entry *e = map_get(c->entries, key);
	if (e && e->observed_ns) {
		_cleanup_json_ json_t *now = parse_text(e->text);
		if (!str_eq(kube_uid(now), kube_uid(obj))) { /* its successor, made by us, is here already */
			bool told = e->announced;
			e->announced = bytes_unref(e->announced);
			entry_delete(c, NULL, obj);
			*ret = (struct object_change){ .old_obj = told ? json_incref(obj) : NULL };
			return told;
		}
	}
	entry_delete(c, e, obj);
	if (e)
		*ret = (struct object_change){ .old_obj = json_incref(obj) };
	return e;
}

void object_cache_set_version(struct object_cache *c, const char *resource_version)
{
	MUTEX_GUARD(&c->lock);
	c->version = version_number(resource_version);
}

/* ---- lists ---- */

void object_cache_sweep_begin(struct object_cache *c)
{
	MUTEX_GUARD(&c->lock);
	c->sweep++;
}

bool object_cache_sweep_item(struct object_cache *c, json_t *obj, struct object_change *ret)
{
	MUTEX_GUARD(&c->lock);
	return apply(c, obj, true, ret);
}

/* Takes out what the list did not have; a new array of it. */
static json_t *sweep(struct object_cache *c, uint64_t list_version)
{
	json_t *gone = json_array();
	int64_t now = clock_mono_ns();
	size_t iter = 0;
	void *value;
	MUTEX_GUARD(&c->lock);
	while (map_next(c->entries, &iter, NULL, &value)) {
		struct entry *e = value;
		if (e->sweep == c->sweep)
			continue;
		if (e->observed_ns && e->version > list_version && now - e->observed_ns < OBSERVED_TRUST_NS)
			continue;
		json_t *obj = parse_text(e->text);
		json_array_append_new(gone, obj);
		entry_delete(c, e, obj);
	}
	c->version = list_version;
	return gone;
}

void object_cache_sweep_end(struct object_cache *c, const char *list_version,
                            void (*tell)(void *self, const struct object_change *change), void *self)
{
	_cleanup_json_ json_t *gone = sweep(c, version_number(list_version));
	size_t i;
	json_t *obj;
	json_array_foreach (gone, i, obj) {
		struct object_change change = { .old_obj = obj };
		tell(self, &change);
	}
}

/* ---- what came back from writes ---- */

/* A copy that shares everything but the metadata, which is without managedFields. */
static json_t *without_managed_fields(const json_t *obj)
{
	json_t *copy = json_copy((json_t *)(uintptr_t)obj);
	json_t *meta = kube_meta(copy);
	if (json_object_get(meta, "managedFields")) {
		json_t *meta_copy = json_copy(meta);
		json_object_del(meta_copy, "managedFields");
		json_object_set_new(copy, "metadata", meta_copy);
	}
	return copy;
}

void object_cache_observe(struct object_cache *c, const json_t *obj)
{
	_cleanup_json_ json_t *copy = without_managed_fields(obj);
	_cleanup_free_ char *key = kube_key_str(kube_namespace(obj), kube_name(obj));
	uint64_t version = version_number(kube_resource_version(obj));
	MUTEX_GUARD(&c->lock);
	if (is_deleted(c, kube_uid(obj)))
		return;
	struct entry *e = map_get(c->entries, key);
	if (e) {
		if (version && e->version && version <= e->version)
			return;
		entry_replace(c, e, NULL, copy);
	} else {
		/* The watch has come past this version and the object is not here: it was deleted since. */
		if (version && c->version && version <= c->version)
			return;
		e = entry_insert(c, key, copy);
	}
	e->observed_ns = clock_mono_ns();
}

/* ---- reading ---- */

json_t *object_cache_get(struct object_cache *c, const char *ns, const char *name)
{
	_cleanup_free_ char *key = kube_key_str(ns, name);
	_cleanup_(bytes_unrefp) struct bytes *text = NULL;
	pthread_mutex_lock(&c->lock);
	const struct entry *e = map_get(c->entries, key);
	if (e)
		text = bytes_ref(e->text);
	pthread_mutex_unlock(&c->lock);
	return text ? parse_text(text) : NULL;
}

struct found {
	char *key;
	struct bytes *text;
};

/* By namespace, then name: as if the '/' between them came before any other character. */
static int found_cmp(const void *a, const void *b)
{
	const unsigned char *x = (const unsigned char *)((const struct found *)a)->key;
	const unsigned char *y = (const unsigned char *)((const struct found *)b)->key;
	while (*x && *x == *y) {
		x++;
		y++;
	}
	int cx = *x == '/' ? 1 : *x, cy = *y == '/' ? 1 : *y;
	return cx - cy;
}

/* Sorts, parses and frees what was found: outside of the lock. */
static json_t *found_parse(struct found *found, size_t len)
{
	if (len > 1)
		qsort(found, len, sizeof(*found), found_cmp);
	json_t *array = json_array();
	for (size_t i = 0; i < len; i++) {
		json_array_append_new(array, parse_text(found[i].text));
		bytes_unref(found[i].text);
		free(found[i].key);
	}
	free(found);
	return array;
}

static void found_add(struct found *found, size_t *len, const struct entry *e)
{
	found[(*len)++] = (struct found){ .key = xstrdup(e->key), .text = bytes_ref(e->text) };
}

json_t *object_cache_list(struct object_cache *c, const char *ns)
{
	_cleanup_free_ char *prefix = str_empty(ns) ? xstrdup("") : xasprintf("%s/", ns);
	pthread_mutex_lock(&c->lock);
	struct found *found = xreallocarray(NULL, map_len(c->entries) + 1, sizeof(*found));
	size_t len = 0, iter = 0;
	void *value;
	while (map_next(c->entries, &iter, NULL, &value)) {
		const struct entry *e = value;
		if (str_starts_with(e->key, prefix))
			found_add(found, &len, e);
	}
	pthread_mutex_unlock(&c->lock);
	return found_parse(found, len);
}

json_t *object_cache_by_index(struct object_cache *c, const char *index_name, const char *value)
{
	struct found *found = NULL;
	size_t len = 0;
	pthread_mutex_lock(&c->lock);
	for (size_t i = 0; i < c->indexes_len; i++) {
		if (!str_eq(c->indexes[i].name, index_name))
			continue;
		const struct bucket *b = map_get(c->indexes[i].buckets, value);
		if (b)
			found = xreallocarray(NULL, b->len, sizeof(*found));
		for (size_t k = 0; b && k < b->len; k++)
			found_add(found, &len, b->list[k]);
		break;
	}
	pthread_mutex_unlock(&c->lock);
	return found_parse(found, len);
}

size_t object_cache_len(struct object_cache *c)
{
	MUTEX_GUARD(&c->lock);
	return map_len(c->entries);
}
