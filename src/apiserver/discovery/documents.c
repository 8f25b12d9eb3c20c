#include "documents.h"

#include "base/map.h"
#include "base/thread.h"
#include "openapi_pieces.h"

struct documents {
	pthread_mutex_t lock;
	pthread_cond_t built;
	struct map *kept;     /* key → struct document */
	struct map *building; /* keys that a thread is at */
	uint64_t generation;
	struct openapi_pieces *pieces;
};

static void drop(void *p)
{
	document_unref(p);
}

struct documents *documents_new(void)
{
	struct documents *d = new0(struct documents);

	pthread_mutex_init(&d->lock, NULL);
	pthread_cond_init(&d->built, NULL);
	d->kept = map_new(drop);
	d->building = map_new(NULL);
	d->pieces = openapi_pieces_new();
	return d;
}

struct documents *documents_free(struct documents *d)
{
	if (!d)
		return NULL;
	map_free(d->kept);
	map_free(d->building);
	openapi_pieces_free(d->pieces);
	pthread_cond_destroy(&d->built);
	pthread_mutex_destroy(&d->lock);
	free(d);
	return NULL;
}

/* Under the lock. */
static struct document *kept_now(struct documents *d, struct registry *r, const char *key)
{
	uint64_t generation = registry_generation(r);

	if (d->generation != generation) {
		map_clear(d->kept);
		d->generation = generation;
	}
	struct document *found = map_get(d->kept, key);
	return found ? document_ref(found) : NULL;
}

/* Many clients start at once, after an upgrade say: one thread builds, the others wait for what it finds. */
static struct document *kept_or_mine(struct documents *d, struct registry *r, const char *key, uint64_t *ret_generation)
{
	MUTEX_GUARD(&d->lock);
	struct document *found = kept_now(d, r, key);

	while (!found && map_has(d->building, key)) {
		pthread_cond_wait(&d->built, &d->lock);
		found = kept_now(d, r, key);
	}
	if (!found)
		map_set(d->building, key, d);
	*ret_generation = d->generation;
	return found;
}

struct document *documents_get(struct documents *d, struct registry *r, const char *key, documents_build build)
{
	uint64_t generation;
	struct document *document = kept_or_mine(d, r, key, &generation);

	if (document)
		return document;
	document = build(d, r, key);
	MUTEX_GUARD(&d->lock);
	map_del(d->building, key);
	if (document && d->generation == generation && registry_generation(r) == generation)
		map_set(d->kept, key, document_ref(document));
	pthread_cond_broadcast(&d->built);
	return document;
}

struct openapi_pieces *documents_pieces(struct documents *d)
{
	return d->pieces;
}
