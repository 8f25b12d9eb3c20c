#ifndef FUNCTION_KCL_CACHE_H
#define FUNCTION_KCL_CACHE_H
/* Compiled programs by what they were compiled from. The least recently used go first; a program that several threads
 * want at once is compiled by one of them, for whom the others wait. Thread-safe. */

#include "lang/kcl/kcl.h"

struct kcl_cache;

struct kcl_cache *kcl_cache_new(size_t bytes_max);
struct kcl_cache *kcl_cache_free(struct kcl_cache *c);
DEFINE_CLEANUP(struct kcl_cache *, kcl_cache_free)

/* key: 64 hexadecimal digits, equal exactly when everything that compile() reads is equal. A new reference; NULL: what
 * compile() gave, which is asked again the next time (errors are not kept, as their texts may be large). When the
 * deadline passes or the flag is set while another thread compiles it, compile() is called here all the same: it is to
 * give NULL, and the reason. */
struct kcl_program *kcl_cache_get(struct kcl_cache *c, const char *key, const struct kcl_limits *limits,
                                  struct kcl_program *(*compile)(void *self), void *self);

struct kcl_cache_stats {
	size_t programs, bytes;
	uint64_t hits, misses;
};
struct kcl_cache_stats kcl_cache_stats(struct kcl_cache *c);

#endif
