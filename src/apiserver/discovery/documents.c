#include "documents.h"

#include "base/map.h"
#include "base/thread.h"

struct documents {
	pthread_mutex_t lock;
	struct map *texts; /* key → struct bytes */
	uint64_t generation;
};

static void text_unref(void *p)
{
	bytes_unref(p);
}

struct documents *documents_new(void)
{
	struct documents *d = new0(struct documents);

	pthread_mutex_init(&d->lock, NULL);
	d->texts = map_new(text_unref);
	return d;
}

struct documents *documents_free(struct documents *d)
{
	if (!d)
		return NULL;
	map_free(d->texts);
	pthread_mutex_destroy(&d->lock);
	free(d);
	return NULL;
}

struct bytes *documents_get(struct documents *d, struct registry *r, const char *key,
                            struct bytes *(*build)(struct registry *r, const char *key))
{
	uint64_t generation = registry_generation(r);

	pthread_mutex_lock(&d->lock);
	if (d->generation != generation) {
		map_clear(d->texts);
		d->generation = generation;
	}
	struct bytes *text = map_get(d->texts, key);
	if (text)
		bytes_ref(text);
	pthread_mutex_unlock(&d->lock);
	if (text)
		return text;
	text = build(r, key);
	if (!text)
		return NULL;
	pthread_mutex_lock(&d->lock);
	if (d->generation == generation && registry_generation(r) == generation)
		map_set(d->texts, key, bytes_ref(text));
	pthread_mutex_unlock(&d->lock);
	return text;
}
