#ifndef APISERVER_STORE_KEYS_INTERNAL_H
#define APISERVER_STORE_KEYS_INTERNAL_H
/* What the configuration's parser and the sealing share. */

#include "store_keys.h"

#define STORE_KEY_PRINT 4

struct store_key {
	char *name;
	unsigned char secret[32];
	size_t secret_len;                    /* 16, 24 or 32 */
	unsigned char print[STORE_KEY_PRINT]; /* tells keys of one name apart: the start of SHA-256 over the secret */
};

/* One entry of `resources`, with its providers in order. */
struct store_key_rule {
	char **resources;
	struct store_key *keys; /* of all aesgcm providers */
	size_t len;
	bool plain_first; /* the first provider is identity */
	bool plain;       /* identity is among them */
};

struct store_keys {
	struct store_key_rule *rules;
	size_t len;
};

/* The rule for a resource ("group/plural"): the first that names it; NULL: none. */
const struct store_key_rule *store_keys_rule(const struct store_keys *keys, const char *resource);

#endif
