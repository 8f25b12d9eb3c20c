/* One row, sealed and opened. */
#include "store_keys_internal.h"
#include "store_row.h"

#include <gnutls/crypto.h>
#include <gnutls/gnutls.h>
#include <inttypes.h>
#include <string.h>

#define NONCE 12
#define TAG 16
#define HEAD (STORE_KEY_PRINT + NONCE)
#define SEALED_MAX ((size_t)64 * 1024 * 1024)
/* What may have been sealed and not been counted before a crash (store_uses.c). */
#define USES_MARGIN ((uint64_t)1 << 24)

/* Sealed text: the key's print, the nonce, then ciphertext and tag. Within: the sizes of labels and fields (4 bytes
 * each, little endian), labels, fields, text. */
#define SIZES 8

static void put_u32(char *at, size_t n)
{
	for (int i = 0; i < 4; i++)
		at[i] = (char)(n >> 8 * i);
}

static size_t get_u32(const char *at)
{
	const unsigned char *p = (const unsigned char *)at;

	return (size_t)p[0] | (size_t)p[1] << 8 | (size_t)p[2] << 16 | (size_t)p[3] << 24;
}

/* What the row stands for: unambiguous, as none of the strings has a NUL. */
static void row_identity(const struct store_row *row, struct buf *out)
{
	const char *const strings[] = { row->resource, row->ns, row->name, row->uid };
	const uint64_t numbers[] = { row->version, row->text_version_offset };

	for (size_t i = 0; i < ARRAY_SIZE(strings); i++)
		buf_append(out, strings[i], strlen(strings[i]) + 1);
	for (size_t i = 0; i < ARRAY_SIZE(numbers); i++)
		for (int k = 0; k < 8; k++)
			buf_putc(out, (char)(numbers[i] >> 8 * k));
}

static gnutls_cipher_algorithm_t algorithm(const struct store_key *key)
{
	return key->secret_len == 16   ? GNUTLS_CIPHER_AES_128_GCM
	       : key->secret_len == 24 ? GNUTLS_CIPHER_AES_192_GCM
	                               : GNUTLS_CIPHER_AES_256_GCM;
}

/* A handle for one message: it is cheap, and cannot be shared by threads. */
static int cipher_of(const struct store_key *key, gnutls_aead_cipher_hd_t *ret, struct err *err)
{
	gnutls_datum_t secret = { .data = (unsigned char *)(uintptr_t)key->secret, .size = (unsigned)key->secret_len };
	int r = gnutls_aead_cipher_init(ret, algorithm(key), &secret);

	return r < 0 ? err_set(err, ERR_INTERNAL, "the key \"%s\": %s", key->name, gnutls_strerror(r)) : 0;
}

/* With the lock. */
static const struct store_key *writing_key(const struct store_keys *keys, const char *resource)
{
	const struct store_key_rule *rule = keys ? store_keys_rule(keys->current, resource) : NULL;

	return rule && !rule->plain_first && rule->len > 0 ? &rule->keys[0] : NULL;
}

const char *store_keys_writer(const struct store_keys *keys, const char *resource)
{
	store_keys_lock(keys);
	const struct store_key *key = writing_key(keys, resource);
	const char *name = key ? key->name : NULL;
	store_keys_unlock(keys);
	return name;
}

static bool sealed_with(const struct store_row *row, const struct store_key *key)
{
	return row->key && strcmp(row->key, key->name) == 0 && row->text_len >= HEAD &&
	       memcmp(row->text, key->print, STORE_KEY_PRINT) == 0;
}

bool store_keys_is_stale(const struct store_keys *keys, const struct store_row *row)
{
	store_keys_lock(keys);
	const struct store_key *key = writing_key(keys, row->resource);
	bool stale = key ? !sealed_with(row, key) : row->key != NULL;
	store_keys_unlock(keys);
	return stale;
}

/* One message more. */
static int count_use(const struct store_key *key, struct err *err)
{
	if (atomic_fetch_add(&key->use->sealed, 1) < STORE_KEY_USES_MAX - USES_MARGIN)
		return 0;
	return err_set(err, ERR_INTERNAL,
	               "the encryption key \"%s\" was used %" PRIu64
	               " times, after which it is not safe any more: put a new "
	               "one before it in the encryption configuration",
	               key->name, (uint64_t)atomic_load(&key->use->sealed));
}

static int seal(const struct store_key *key, const struct store_row *row, struct buf *out, struct store_row *ret,
                struct err *err)
{
	_cleanup_buf_ struct buf identity = BUF_INIT(64 * 1024), plain = BUF_INIT(SEALED_MAX);
	size_t labels = store_pairs_size(row->labels), fields = store_pairs_size(row->fields);
	gnutls_aead_cipher_hd_t cipher;
	char sizes[SIZES];

	if (count_use(key, err) < 0)
		return -1;
	row_identity(row, &identity);
	put_u32(sizes, labels);
	put_u32(sizes + 4, fields);
	buf_append(&plain, sizes, SIZES);
	buf_append(&plain, row->labels, labels);
	buf_append(&plain, row->fields, fields);
	buf_append(&plain, row->text, row->text_len);
	size_t len = plain.len + TAG;
	*out = BUF_INIT(SEALED_MAX + HEAD + TAG);
	char *to = buf_reserve(out, HEAD + len);
	if (!to || plain.failed || identity.failed)
		return err_set(err, ERR_TOO_LARGE, "%s %s/%s is too large to be encrypted", row->resource, row->ns, row->name);
	memcpy(to, key->print, STORE_KEY_PRINT);
	int r = gnutls_rnd(GNUTLS_RND_NONCE, to + STORE_KEY_PRINT, NONCE);
	if (r == 0 && cipher_of(key, &cipher, err) < 0)
		return -1;
	if (r == 0) {
		r = gnutls_aead_cipher_encrypt(cipher, to + STORE_KEY_PRINT, NONCE, identity.data, identity.len, TAG,
		                               plain.data, plain.len, to + HEAD, &len);
		gnutls_aead_cipher_deinit(cipher);
	}
	explicit_bzero(plain.data, plain.len);
	if (r < 0)
		return err_set(err, ERR_INTERNAL, "encrypting %s %s/%s: %s", row->resource, row->ns, row->name,
		               gnutls_strerror(r));
	buf_commit(out, HEAD + len);
	ret->key = key->name;
	ret->labels = ret->fields = NULL;
	ret->text = out->data;
	ret->text_len = out->len;
	return 0;
}

int store_keys_seal(const struct store_keys *keys, const struct store_row *row, struct buf *out, struct store_row *ret,
                    struct err *err)
{
	int r = 0;

	*ret = *row;
	store_keys_lock(keys);
	const struct store_key *key = writing_key(keys, row->resource);
	if (key)
		r = seal(key, row, out, ret, err);
	store_keys_unlock(keys);
	return r;
}

static const struct store_key *key_in(const struct store_key_rules *rules, const struct store_row *row, bool *ret_named)
{
	for (size_t i = 0; i < rules->len; i++)
		for (size_t k = 0; k < rules->list[i].len; k++) {
			const struct store_key *key = &rules->list[i].keys[k];
			if (sealed_with(row, key))
				return key;
			*ret_named = *ret_named || strcmp(key->name, row->key) == 0;
		}
	return NULL;
}

/* NULL and err: there is no such key. A key of any rule reads: a resource may have moved from one rule to another. */
static const struct store_key *reading_key(const struct store_keys *keys, const struct store_row *row, struct err *err)
{
	bool named = false;

	for (const struct store_key_rules *rules = keys ? keys->current : NULL; rules; rules = rules->older) {
		const struct store_key *key = rules->wiped ? NULL : key_in(rules, row, &named);
		if (key)
			return key;
	}
	err_set(err, ERR_INTERNAL,
	        named ? "%s %s/%s is encrypted with another key that was called \"%s\": the secret of the configured one "
	                "differs"
	              : "%s %s/%s is encrypted with the key \"%s\", which is not in the encryption configuration",
	        row->resource, row->ns, row->name, row->key);
	return NULL;
}

/* Whether the configuration, or one that it replaced a moment ago, lets it be plain. */
static bool may_be_plain(const struct store_keys *keys, const char *resource)
{
	for (const struct store_key_rules *rules = keys ? keys->current : NULL; rules; rules = rules->older) {
		const struct store_key_rule *rule = store_keys_rule(rules, resource);
		if (!rules->wiped && (!rule || rule->plain))
			return true;
	}
	return !keys;
}

/* Takes the plain text apart; false when it is not one of ours. */
static bool unpack(const struct buf *plain, struct store_row *ret)
{
	if (plain->len < SIZES)
		return false;
	size_t labels = get_u32(plain->data), fields = get_u32(plain->data + 4), left = plain->len - SIZES;
	const char *at = plain->data + SIZES;
	if (labels > left || fields > left - labels || !store_pairs_valid(at, labels) ||
	    !store_pairs_valid(at + labels, fields))
		return false;
	ret->labels = labels ? at : NULL;
	ret->fields = fields ? at + labels : NULL;
	ret->text = at + labels + fields;
	ret->text_len = left - labels - fields;
	ret->key = NULL;
	return ret->text_version_offset <= ret->text_len;
}

static int open_sealed(const struct store_keys *keys, const struct store_row *row, struct buf *out,
                       struct store_row *ret, struct err *err)
{
	_cleanup_buf_ struct buf identity = BUF_INIT(64 * 1024);
	gnutls_aead_cipher_hd_t cipher;

	if (row->text_len < HEAD + TAG + SIZES)
		return err_set(err, ERR_INTERNAL, "%s %s/%s: its ciphertext is cut off", row->resource, row->ns, row->name);
	const struct store_key *key = reading_key(keys, row, err);
	if (!key || cipher_of(key, &cipher, err) < 0)
		return -1;
	size_t len = row->text_len - HEAD - TAG;
	*out = BUF_INIT(SEALED_MAX + SIZES);
	char *to = buf_reserve(out, len);
	row_identity(row, &identity);
	int r = to && !identity.failed
	            ? gnutls_aead_cipher_decrypt(cipher, row->text + STORE_KEY_PRINT, NONCE, identity.data, identity.len,
	                                         TAG, row->text + HEAD, row->text_len - HEAD, to, &len)
	            : GNUTLS_E_MEMORY_ERROR;
	gnutls_aead_cipher_deinit(cipher);
	if (r == 0)
		buf_commit(out, len);
	if (r < 0 || !unpack(out, ret))
		return err_set(err, ERR_INTERNAL,
		               "%s %s/%s cannot be decrypted with the key \"%s\": it was changed, or belongs to another object",
		               row->resource, row->ns, row->name, row->key);
	return 0;
}

int store_keys_open(const struct store_keys *keys, const struct store_row *row, struct buf *out, struct store_row *ret,
                    struct err *err)
{
	int r = 0;

	*ret = *row;
	store_keys_lock(keys);
	if (row->key)
		r = open_sealed(keys, row, out, ret, err);
	else if (!may_be_plain(keys, row->resource))
		r = err_set(err, ERR_INTERNAL,
		            "%s %s/%s is stored in plain text, and the encryption configuration has no identity provider "
		            "for it: add one last, until everything is encrypted",
		            row->resource, row->ns, row->name);
	store_keys_unlock(keys);
	return r;
}
