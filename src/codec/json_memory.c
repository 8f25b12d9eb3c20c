#include "json_memory.h"

#include "base/mem.h"

#include <malloc.h>
#include <pthread.h>

/* Class n: blocks of at least 16 n + 8 bytes, the sizes that glibc makes. */
#define CLASS_BYTES 16
#define CLASS_EXTRA 8
#define CLASSES 9     /* up to 128 bytes: every value but long strings and large objects */
#define KEPT_MAX 1024 /* blocks of a class and thread */

struct block {
	struct block *next;
};

struct cache {
	struct block *first[CLASSES];
	unsigned len[CLASSES];
};

static _Thread_local struct cache *mine;
static pthread_key_t at_exit;
static pthread_once_t once = PTHREAD_ONCE_INIT;

static void cache_free(void *p)
{
	struct cache *c = p;

	mine = NULL;
	for (size_t i = 0; i < CLASSES; i++)
		while (c->first[i]) {
			struct block *b = c->first[i];

			c->first[i] = b->next;
			free(b);
		}
	free(c);
}

static void make_key(void)
{
	pthread_key_create(&at_exit, cache_free);
}

static struct cache *cache_new(void)
{
	pthread_once(&once, make_key);
	mine = new0(struct cache);
	pthread_setspecific(at_exit, mine);
	return mine;
}

void *json_memory_take(size_t size)
{
	size_t class = size <= CLASS_BYTES + CLASS_EXTRA ? 1 : (size + CLASS_BYTES - CLASS_EXTRA - 1) / CLASS_BYTES;
	struct cache *c = mine;

	if (class >= CLASSES || !c || !c->first[class])
		return xmalloc(size > sizeof(struct block) ? size : sizeof(struct block));
	struct block *b = c->first[class];
	c->first[class] = b->next;
	c->len[class]--;
	return b;
}

void json_memory_give(void *p)
{
	if (!p)
		return;
	size_t usable = malloc_usable_size(p), class = usable < CLASS_EXTRA ? 0 : (usable - CLASS_EXTRA) / CLASS_BYTES;
	struct cache *c = mine ? mine : cache_new();

	if (class >= CLASSES || class == 0 || c->len[class] >= KEPT_MAX) {
		free(p);
		return;
	}
	struct block *b = p;
	b->next = c->first[class];
	c->first[class] = b;
	c->len[class]++;
}
