#include "archive_cache.h"

#include "base/str.h"
#include "base/thread.h"

#include <string.h>

struct entry {
	char *digest;
	struct kcl_archive *archive;
	struct entry *older;
};

struct archive_cache {
	pthread_mutex_t lock;
	struct entry *newest; /* few: a list will do */
	size_t bytes, bytes_max;
};

struct archive_cache *archive_cache_new(size_t bytes_max)
{
	struct archive_cache *c = new0(struct archive_cache);

	pthread_mutex_init(&c->lock, NULL);
	c->bytes_max = bytes_max;
	return c;
}

/* Takes out what a link points to. */
static void drop(struct archive_cache *c, struct entry **link)
{
	struct entry *e = *link;

	*link = e->older;
	c->bytes -= kcl_archive_size(e->archive);
	kcl_archive_unref(e->archive);
	free(e->digest);
	free(e);
}

struct archive_cache *archive_cache_free(struct archive_cache *c)
{
	if (!c)
		return NULL;
	while (c->newest)
		drop(c, &c->newest);
	pthread_mutex_destroy(&c->lock);
	free(c);
	return NULL;
}

static struct entry **find(struct archive_cache *c, const char *digest)
{
	struct entry **link = &c->newest;

	while (*link && !str_eq((*link)->digest, digest))
		link = &(*link)->older;
	return link;
}

struct kcl_archive *archive_cache_get(struct archive_cache *c, const char *digest)
{
	MUTEX_GUARD(&c->lock);
	struct entry **link = find(c, digest), *e = *link;

	if (!e)
		return NULL;
	*link = e->older;
	e->older = c->newest;
	c->newest = e;
	return kcl_archive_ref(e->archive);
}

void archive_cache_put(struct archive_cache *c, const char *digest, struct kcl_archive *a)
{
	MUTEX_GUARD(&c->lock);
	size_t size = kcl_archive_size(a);

	if (size > c->bytes_max || *find(c, digest))
		return;
	while (c->bytes + size > c->bytes_max) {
		struct entry **link = &c->newest;

		while ((*link)->older)
			link = &(*link)->older;
		drop(c, link);
	}
	struct entry *e = new0(struct entry);
	*e = (struct entry){ xstrdup(digest), kcl_archive_ref(a), c->newest };
	c->newest = e;
	c->bytes += size;
}
