#ifndef GIT_GIT_H
#define GIT_GIT_H
/* Fetching repositories with the git program, hardened: allowed transports only, no hooks, no submodules, no prompts,
 * no configuration but ours, no option injection through URL or ref, bounded time and size. Credentials reach git
 * through files of mode 0600 that are removed afterwards, never through an argument, an environment variable's value
 * that holds the secret, a log or an error message. */

#include "base/err.h"
#include "base/log.h"

#include <stdatomic.h>

struct git_credentials {
	const char *username, *token;              /* https; username NULL: "x-access-token" */
	const char *ssh_private_key, *known_hosts; /* ssh; without known_hosts the host key cannot be checked: refused */
};

struct git_source {
	const char *url; /* https://…, ssh://…, user@host:path, and file:///… or /path when allow_local */
	const char *ref; /* branch, tag, refs/… or commit id (40 hex digits); NULL or "": the remote's HEAD */
	const struct git_credentials *credentials; /* NULL: none */
	bool allow_local;                          /* the administrator allows local paths */
	bool allow_http; /* http:// and git://, neither encrypted nor authenticated (tests, private networks); off by
	                    default */
};

struct git_limits {
	int64_t timeout_ns; /* 0: 5 min */
	int64_t size_max;   /* bytes on disk while fetching and of the tree; 0: 2 GiB */
	const atomic_bool *cancel;
};

/* Is the source one we would fetch? ERR_INVALID (terminal) with a sentence that says what is allowed. No I/O. */
int git_source_check(const struct git_source *source, struct err *err);

/* The commit a ref names now (git ls-remote), 40 hex digits; a branch goes before a tag of the same name. A commit id
 * is its own answer, without asking the server. ERR_NOT_FOUND (ref or repository), ERR_UNAUTHORIZED, ERR_UNAVAILABLE
 * (host not found, refused), ERR_TIMEOUT. */
int git_resolve(const struct git_source *source, const struct git_limits *limits, char ret_commit[static 41],
                struct err *err);

/* Makes sure the commit is in the cache (a folder; a bare repository per URL and credentials, fetched at depth 1), then
 * writes its tree into dest (made; must not exist or be empty; complete or absent afterwards, "DEST.partial"
 * meanwhile), without a .git. ERR_TOO_LARGE (terminal) past the size limit or a million files. Safe for threads and
 * processes that share the cache (lock files); a broken cache entry is thrown away and fetched anew. Symbolic links
 * that point outside of the tree are left out. */
int git_checkout(const struct git_source *source, const struct git_limits *limits, const char *cache,
                 const char *commit, const char *dest, struct err *err);

/* Removes the repositories of the cache that were not used for the longest time until the others have at most size_max
 * bytes together. Those in use stay. A cache that does not exist is fine. */
int git_cache_prune(const char *cache, int64_t size_max, struct err *err);

/* The URL without credentials, for messages and status (free()). */
char *git_url_redact(const char *url);

#endif
