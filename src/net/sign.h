#ifndef NET_SIGN_H
#define NET_SIGN_H
/* Signatures of tokens (JWS, RFC 7515 and 7518): ES256 and RS256, with keys in PEM. */

#include "base/err.h"
#include "codec/json.h"

/* A public key, and its private half when it is there. Immutable, reference-counted, safe between threads. */
struct sign_key;

/* From a private or a public key in PEM: ECDSA over P-256, or RSA of 2048 bits and more; ERR_INVALID for others. */
int sign_key_from_pem(const char *pem, struct sign_key **ret, struct err *err);
struct sign_key *sign_key_ref(struct sign_key *k);
struct sign_key *sign_key_unref(struct sign_key *k);
DEFINE_CLEANUP(struct sign_key *, sign_key_unref)

/* Base64url of the SHA-256 of the public key's DER form, as Kubernetes names keys. */
const char *sign_key_id(const struct sign_key *k);
const char *sign_key_algorithm(const struct sign_key *k); /* "ES256" or "RS256" */
bool sign_key_can_sign(const struct sign_key *k);
/* As a JSON Web Key (RFC 7517), for verification; a new reference. */
json_t *sign_key_jwk(const struct sign_key *k);

/* *ret is in JWS' form: for ES256 r and s of 32 bytes each (free()). */
int sign_data(const struct sign_key *k, const void *data, size_t len, unsigned char **ret, size_t *ret_len,
              struct err *err);
bool sign_verify(const struct sign_key *k, const void *data, size_t len, const unsigned char *signature,
                 size_t signature_len);

#endif
