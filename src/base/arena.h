#ifndef BASE_ARENA_H
#define BASE_ARENA_H
/* Memory that is freed all at once: for the work of one request or one reconcile pass. Not thread-safe. */

#include "base/mem.h"

struct arena;

struct arena *arena_new(void);
/* Frees everything allocated from it. Accepts NULL; returns NULL. */
struct arena *arena_free(struct arena *a);
DEFINE_CLEANUP(struct arena *, arena_free)

/* Bytes that it takes, used or not. */
size_t arena_size(const struct arena *a);

/* Zeroed, aligned for any type, never NULL. */
void *arena_alloc(struct arena *a, size_t size);
char *arena_strdup(struct arena *a, const char *s);
char *arena_strndup(struct arena *a, const char *s, size_t n);
char *arena_printf(struct arena *a, const char *fmt, ...) _printf_(2, 3);
/* Calls destroy(p) when the arena is freed, in reverse order of registration; e.g. to json_decref() a
 * value. Returns p. */
void *arena_own(struct arena *a, void *p, void (*destroy)(void *));

#endif
