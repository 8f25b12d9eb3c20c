#ifndef LANG_KCL_MODULES_ARCHIVE_CACHE_H
#define LANG_KCL_MODULES_ARCHIVE_CACHE_H
/* Archives by digest, up to a number of bytes; the least recently used go first. Thread-safe. */

#include "archive.h"

struct archive_cache;

struct archive_cache *archive_cache_new(size_t bytes_max);
struct archive_cache *archive_cache_free(struct archive_cache *c);
/* A new reference, or NULL. */
struct kcl_archive *archive_cache_get(struct archive_cache *c, const char *digest);
/* Keeps one; without effect when it is there, or larger than everything together. */
void archive_cache_put(struct archive_cache *c, const char *digest, struct kcl_archive *a);

#endif
