#include "kcl/cache.h"

#include "base/clock.h"
#include "base/map.h"
#include "base/thread.h"

#include <string.h>

/* Besides a program: the entry, its key and its place in the map. */
#define ENTRY_OVERHEAD ((size_t)512)
/* Who waits for another thread looks this often whether its caller still does. */
#define LOOK_EVERY_NS (20 * NS_PER_MS)

struct entry {
	char key[65];
	struct kcl_program *program; /* NULL while it is compiled */
	bool compiling;
	unsigned waiting; /* threads that wait for it; it stays until they have seen it */
	size_t size;
	struct entry *newer, *older;
};

struct kcl_cache {
	pthread_mutex_t lock;
	pthread_cond_t compiled;
	struct map *entries;
	struct entry *newest, *oldest; /* of those that are compiled */
	size_t bytes, bytes_max;
	uint64_t hits, misses;
};

struct kcl_cache *kcl_cache_new(size_t bytes_max)
{
	struct kcl_cache *c = new0(struct kcl_cache);

	pthread_mutex_init(&c->lock, NULL);
	cond_init_mono(&c->compiled);
	c->entries = map_new(NULL);
	c->bytes_max = bytes_max;
	return c;
}

static void unlink_entry(struct kcl_cache *c, struct entry *e)
{
	*(e->newer ? &e->newer->older : &c->newest) = e->older;
	*(e->older ? &e->older->newer : &c->oldest) = e->newer;
	e->newer = e->older = NULL;
}

static void link_newest(struct kcl_cache *c, struct entry *e)
{
	e->older = c->newest;
	*(c->newest ? &c->newest->newer : &c->oldest) = e;
	c->newest = e;
}

static void drop(struct kcl_cache *c, struct entry *e)
{
	unlink_entry(c, e);
	map_del(c->entries, e->key);
	c->bytes -= e->size;
	kcl_program_unref(e->program);
	free(e);
}

struct kcl_cache *kcl_cache_free(struct kcl_cache *c)
{
	if (!c)
		return NULL;
	while (c->newest)
		drop(c, c->newest);
	map_free(c->entries);
	pthread_mutex_destroy(&c->lock);
	pthread_cond_destroy(&c->compiled);
	free(c);
	return NULL;
}

/* One that is larger than everything together stays alone, so that its program is still compiled once. */
static void evict(struct kcl_cache *c)
{
	struct entry *newer;

	for (struct entry *e = c->oldest; e && e != c->newest && c->bytes > c->bytes_max; e = newer) {
		newer = e->newer;
		if (e->waiting == 0)
			drop(c, e);
	}
}

/* The time to look at the caller's limits again. */
static int64_t next_look(const struct kcl_limits *limits)
{
	int64_t at = clock_mono_ns() + LOOK_EVERY_NS;

	return limits->deadline_ns && limits->deadline_ns < at ? limits->deadline_ns : at;
}

static bool is_over(const struct kcl_limits *limits)
{
	return (limits->cancelled && *limits->cancelled) || (limits->deadline_ns && clock_mono_ns() >= limits->deadline_ns);
}

/* Another thread compiles it: its program, or NULL when that failed or the time is over (then the caller tries itself).
 * Locked. */
static struct kcl_program *wait_for(struct kcl_cache *c, struct entry *e, const struct kcl_limits *limits)
{
	struct kcl_program *program;

	e->waiting++;
	while (e->compiling && !is_over(limits))
		cond_wait_until(&c->compiled, &c->lock, next_look(limits));
	e->waiting--;
	program = e->program ? kcl_program_ref(e->program) : NULL;
	if (!program && !e->compiling && e->waiting == 0)
		free(e); /* it is in the map no more */
	return program;
}

static struct kcl_program *look_up(struct kcl_cache *c, const char *key, const struct kcl_limits *limits,
                                   struct entry **ret_new)
{
	MUTEX_GUARD(&c->lock);
	struct entry *e = map_get(c->entries, key);

	if (e && e->compiling) {
		struct kcl_program *program = wait_for(c, e, limits);

		if (program) {
			c->hits++;
			return program;
		}
		e = map_get(c->entries, key);
	}
	if (e && !e->compiling) {
		c->hits++;
		unlink_entry(c, e);
		link_newest(c, e);
		return kcl_program_ref(e->program);
	}
	c->misses++;
	if (e) /* yet another thread is at it: not worth to wait again */
		return NULL;
	e = new0(struct entry);
	memcpy(e->key, key, sizeof(e->key) - 1);
	e->compiling = true;
	map_set(c->entries, key, e);
	*ret_new = e;
	return NULL;
}

static void finish(struct kcl_cache *c, struct entry *e, struct kcl_program *program)
{
	MUTEX_GUARD(&c->lock);

	e->compiling = false;
	pthread_cond_broadcast(&c->compiled);
	if (!program) {
		map_del(c->entries, e->key);
		if (e->waiting == 0)
			free(e);
		return;
	}
	e->program = kcl_program_ref(program);
	e->size = kcl_program_size(program) + ENTRY_OVERHEAD;
	c->bytes += e->size;
	link_newest(c, e);
	evict(c);
}

struct kcl_program *kcl_cache_get(struct kcl_cache *c, const char *key, const struct kcl_limits *limits,
                                  struct kcl_program *(*compile)(void *self), void *self)
{
	struct entry *mine = NULL;
	struct kcl_program *program = look_up(c, key, limits, &mine);

	if (program)
		return program;
	program = compile(self);
	if (mine)
		finish(c, mine, program);
	return program;
}

struct kcl_cache_stats kcl_cache_stats(struct kcl_cache *c)
{
	MUTEX_GUARD(&c->lock);

	return (struct kcl_cache_stats){ map_len(c->entries), c->bytes, c->hits, c->misses };
}
