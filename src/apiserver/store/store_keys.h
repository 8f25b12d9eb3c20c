#ifndef APISERVER_STORE_KEYS_H
#define APISERVER_STORE_KEYS_H
/* Encryption at rest: which resources are encrypted with which keys, and the sealing of one row.
 *
 * The configuration has Kubernetes' form (apiserver.config.k8s.io/v1, EncryptionConfiguration) with the providers
 * aesgcm and identity; the first provider of a resource writes, all of them read. A sealed row's text, labels and
 * selectable fields are one AES-GCM message (NIST SP 800-38D), with a nonce of 96 random bits for each write. What the
 * row stands for (resource, namespace, name, uid, version) is authenticated with it, so that one row's ciphertext is of
 * no use in another. Random nonces: at most 2^32 writes a key, so they are counted (store_uses.c).
 *
 * Any thread may use it; it may be replaced by another configuration at any time. */

#include "base/buf.h"
#include "base/err.h"

struct store_keys;
struct store_row;

/* YAML or JSON; name is for messages. ERR_INVALID says what is wrong and where. No secret is ever in a message. */
int store_keys_parse(const char *text, size_t len, const char *name, struct store_keys **ret, struct err *err);
/* Reads a file of at most 1 MiB. */
int store_keys_load(const char *path, struct store_keys **ret, struct err *err);
/* A configuration with one new random key for Secrets (free()). */
char *store_keys_new_text(void);
struct store_keys *store_keys_free(struct store_keys *keys);

/* Takes the configuration of next over and frees it: from now on writes use that, and reads that and what it replaced.
 * ERR_INVALID, and nothing is changed (next stays the caller's), when a key is missing there that is in use: the keys
 * that write now, and all of them while resealing is under way. */
int store_keys_replace(struct store_keys *keys, struct store_keys *next, bool resealing, struct err *err);
/* Everything is sealed as the configuration of that generation wants it: the secrets of earlier ones are forgotten. */
unsigned store_keys_generation(const struct store_keys *keys);
void store_keys_settle(const struct store_keys *keys, unsigned generation);

/* NIST SP 800-38D, 8.3: with random nonces a key is good for 2^32 messages. From half of that on it should be replaced;
 * a little below, sealing fails. */
#define STORE_KEY_USES_MAX ((uint64_t)1 << 32)
#define STORE_KEY_USES_WORN (STORE_KEY_USES_MAX / 2)
/* Of the keys that write, the one that was used most (a name that lives as long as keys; NULL: none), and how often. */
const char *store_keys_most_used(const struct store_keys *keys, uint64_t *ret_uses);
/* What the file says: the key was used less often than that. bound > 0. */
void store_keys_set_bound(const struct store_keys *keys, const char *name, const unsigned char *print, uint64_t bound);
/* Calls each() for the use of every key there was. */
struct store_key_use;
int store_keys_each_use(const struct store_keys *keys,
                        int (*each)(void *self, struct store_key_use *use, struct err *err), void *self,
                        struct err *err);
DEFINE_CLEANUP(struct store_keys *, store_keys_free)

/* Below, keys may be NULL: nothing is encrypted. */

/* The name of the key that rows of this resource are written with; NULL: in plain text. */
const char *store_keys_writer(const struct store_keys *keys, const char *resource);
/* True when a row would be written in another way today. */
bool store_keys_is_stale(const struct store_keys *keys, const struct store_row *row);
/* Makes of a plain row the one that is written: the same row when its resource is not encrypted; else with key set,
 * labels and fields NULL and the sealed text in out. *ret borrows from row, keys and out. */
int store_keys_seal(const struct store_keys *keys, const struct store_row *row, struct buf *out, struct store_row *ret,
                    struct err *err);
/* The other way round; *ret borrows from row and out. ERR_INTERNAL names the object and the key: no such key, another
 * key of that name, or changed data. */
int store_keys_open(const struct store_keys *keys, const struct store_row *row, struct buf *out, struct store_row *ret,
                    struct err *err);

#endif
