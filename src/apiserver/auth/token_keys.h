#ifndef APISERVER_TOKEN_KEYS_H
#define APISERVER_TOKEN_KEYS_H
/* The keys of service accounts' tokens: DIR/sa.key signs; it and every sa-*.key and *.pub beside it (sa.pub, sa-*.pub)
 * verify. Files that come, change or go are noticed by token_keys_refresh(). Thread-safe. */

#include "base/log.h"
#include "net/sign.h"

struct token_keys;

/* Reads them, making sa.key when it is missing. */
int token_keys_open(const char *dir, struct logger *log, struct token_keys **ret, struct err *err);
struct token_keys *token_keys_free(struct token_keys *k);
/* Looks at the files again; cheap when nothing changed. What cannot be read leaves the keys as they were. */
void token_keys_refresh(struct token_keys *k);
/* The key that signs; a reference. */
struct sign_key *token_keys_signer(struct token_keys *k);
/* Any of the keys for which check() is true; a reference, or NULL. */
struct sign_key *token_keys_find(struct token_keys *k, bool (*check)(const void *self, const struct sign_key *key),
                                 const void *self);
/* Changes when a key comes or goes. */
uint64_t token_keys_generation(struct token_keys *k);
/* {keys: […]} (RFC 7517, 5), a new reference. */
json_t *token_keys_jwks(struct token_keys *k);

/* Makes a new sa.key and keeps the old one for verification, as sa-TIME.key. For any process: a server that runs
 * notices. */
int token_keys_rotate(const char *dir, struct err *err);

#endif
