#ifndef ANALYZER_REGEX_H
#define ANALYZER_REGEX_H
/* PCRE2 for the analyzer's own patterns over other people's text: compiled once per analysis, with JIT, and with match
 * limits, so that no text makes a search take long. */

#include "base/arena.h"

struct regex_cache;

#define REGEX_GROUPS 6

struct regex_match {
	size_t start, end;
	const char *group[REGEX_GROUPS]; /* not NUL-terminated; NULL when the group took no part. group[0] is the whole */
	size_t len[REGEX_GROUPS];
};

struct regex_cache *regex_cache_new(void);
struct regex_cache *regex_cache_free(struct regex_cache *c);

/* The next match at or after *pos, which is then moved behind it. pattern is one of our constants (one that does not
 * compile is a bug and aborts); ^ and $ match at lines. A search that exceeds the match limit finds nothing. */
bool regex_next(struct regex_cache *c, const char *pattern, const char *data, size_t len, size_t *pos,
                struct regex_match *ret);
/* A copy of a group in the arena, or NULL. */
char *regex_group(struct arena *arena, const struct regex_match *m, size_t group);

#endif
