#ifndef BASE_MAP_H
#define BASE_MAP_H
/* A hash map from strings to pointers, in insertion order. Keys are copied. The hash is seeded at random, so keys
 * chosen by an attacker do not collide on purpose. Not thread-safe. */

#include "base/mem.h"

struct map;

/* free_value (may be NULL) is called on every value that is replaced, deleted or left when the map is freed. */
struct map *map_new(void (*free_value)(void *));
struct map *map_free(struct map *m);
DEFINE_CLEANUP(struct map *, map_free)

size_t map_len(const struct map *m);
/* NULL when absent. */
void *map_get(const struct map *m, const char *key);
bool map_has(const struct map *m, const char *key);
/* Inserts or replaces (freeing the old value). value must not be NULL. */
void map_set(struct map *m, const char *key, void *value);
/* For sets: puts the key in, whose value then means nothing. False: it was there, and its value stays. */
bool map_add(struct map *m, const char *key);
/* True when it was there. */
bool map_del(struct map *m, const char *key);
/* Takes it out without freeing it; NULL when absent. */
void *map_take(struct map *m, const char *key);
void map_clear(struct map *m);

/* size_t i = 0; while (map_next(m, &i, &key, &value)) …; deleting the entry just returned is allowed, inserting not.
 * key and value may be NULL pointers. */
bool map_next(const struct map *m, size_t *iter, const char **ret_key, void **ret_value);

#endif
