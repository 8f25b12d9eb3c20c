#ifndef APISERVER_STORE_KEYS_INTERNAL_H
#define APISERVER_STORE_KEYS_INTERNAL_H
/* What the configuration's parser and the sealing share. */

#include "store_keys.h"

#include <pthread.h>
#include <stdatomic.h>

#define STORE_KEY_PRINT 4

/* How often a key was used. Lives as long as the store_keys: a key that is configured anew goes on counting. */
struct store_key_use {
	char *name;
	unsigned char print[STORE_KEY_PRINT];
	atomic_uint_least64_t sealed; /* messages */
	uint64_t saved;               /* the store's file says that it is less than this; the committer's */
	struct store_key_use *next;
};

struct store_key {
	char *name;
	unsigned char secret[32];
	size_t secret_len;                    /* 16, 24 or 32 */
	unsigned char print[STORE_KEY_PRINT]; /* tells keys of one name apart: the start of SHA-256 over the secret */
	struct store_key_use *use;            /* of the store_keys it is in */
};

/* One entry of `resources`, with its providers in order. */
struct store_key_rule {
	char **resources;
	struct store_key *keys; /* of all aesgcm providers */
	size_t len;
	bool plain_first; /* the first provider is identity */
	bool plain;       /* identity is among them */
};

/* One configuration. */
struct store_key_rules {
	struct store_key_rule *list;
	size_t len;
	unsigned generation;
	struct store_key_rules *older; /* what it replaced: still read, until nothing is sealed so any more */
	bool wiped;                    /* the secrets are gone, only names are there, which rows may point to */
};

struct store_keys {
	pthread_rwlock_t lock; /* current, and everything below it but the uses' counts */
	struct store_key_rules *current;
	struct store_key_use *uses; /* only grows */
};

/* For reading: a const store_keys, too, changes when its file does. */
void store_keys_lock(const struct store_keys *keys);
void store_keys_unlock(const struct store_keys *keys);
/* With the lock: the rule for a resource ("group/plural"), the first that names it; NULL: none. */
const struct store_key_rule *store_keys_rule(const struct store_key_rules *rules, const char *resource);

#endif
