#ifndef GIT_CACHE_H
#define GIT_CACHE_H
/* The cache: a folder with one bare repository per URL and credentials, and a lock file beside each. */

#include "session.h"

struct git_cache_entry {
	char *dir;   /* the bare repository; may not exist yet */
	int lock_fd; /* held exclusively from open to close, by thread and process */
	bool fresh;  /* made in this operation: trying anew would not help */
};

/* Waits for the lock. Credentials are part of the entry's name, so that what one fetched with its own is not read by
 * another without. */
int git_cache_open(struct git_session *s, const struct git_credentials *credentials, const char *cache,
                   struct git_cache_entry *ret, struct err *err);
void git_cache_close(struct git_cache_entry *entry);
#define _cleanup_git_cache_entry_ _cleanup_(git_cache_close)

/* Makes sure that the entry has the commit, fetching it when needed. A damaged entry is replaced. */
int git_cache_fetch(struct git_session *s, struct git_cache_entry *entry, const char *ref, const char *commit,
                    struct err *err);
/* Throws the entry away, keeping the lock. */
int git_cache_discard(struct git_cache_entry *entry, struct err *err);

#endif
