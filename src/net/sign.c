#include "net/sign.h"

#include "codec/base64.h"
#include "codec/sha256.h"
#include "tls_internal.h"

#include <gnutls/abstract.h>
#include <gnutls/crypto.h>
#include <gnutls/gnutls.h>
#include <stdatomic.h>
#include <string.h>

#define PART 32 /* bytes of a coordinate, and of r and s, of P-256 */
#define RSA_BITS_MIN 2048
#define RSA_BITS_MAX 8192

struct sign_key {
	atomic_size_t refs;
	gnutls_pubkey_t public;
	gnutls_privkey_t private; /* NULL: it only verifies */
	bool is_ec;
	char *id;
};

static int fail(struct err *err, const char *doing, int code)
{
	return err_set(err, ERR_INVALID, "%s: %s", doing, gnutls_strerror(code));
}

static void datum_clear(gnutls_datum_t *d)
{
	gnutls_free(d->data);
}
#define _cleanup_datum_ _cleanup_(datum_clear)

/* ---- keys ---- */

static int import(struct sign_key *k, const char *pem)
{
	gnutls_datum_t text = tls_datum(pem);
	int r = gnutls_pubkey_init(&k->public);

	if (r < 0)
		return r;
	if (!strstr(pem, "PRIVATE KEY"))
		return gnutls_pubkey_import(k->public, &text, GNUTLS_X509_FMT_PEM);
	if ((r = gnutls_privkey_init(&k->private)) < 0 ||
	    (r = gnutls_privkey_import_x509_raw(k->private, &text, GNUTLS_X509_FMT_PEM, NULL, 0)) < 0)
		return r;
	return gnutls_pubkey_import_privkey(k->public, k->private, 0, 0);
}

static int check_kind(struct sign_key *k, struct err *err)
{
	unsigned bits = 0;
	int algorithm = gnutls_pubkey_get_pk_algorithm(k->public, &bits);
	gnutls_ecc_curve_t curve = GNUTLS_ECC_CURVE_INVALID;

	if (algorithm == GNUTLS_PK_RSA && bits >= RSA_BITS_MIN && bits <= RSA_BITS_MAX)
		return 0;
	k->is_ec = algorithm == GNUTLS_PK_EC &&
	           gnutls_pubkey_export_ecc_raw2(k->public, &curve, NULL, NULL, GNUTLS_EXPORT_FLAG_NO_LZ) >= 0 &&
	           curve == GNUTLS_ECC_CURVE_SECP256R1;
	return k->is_ec ? 0
	                : err_set(err, ERR_INVALID, "a key for tokens must be ECDSA over P-256, or RSA of %d to %d bits",
	                          RSA_BITS_MIN, RSA_BITS_MAX);
}

static int name_key(struct sign_key *k, struct err *err)
{
	_cleanup_datum_ gnutls_datum_t der = { 0 };
	uint8_t digest[32];
	int r = gnutls_pubkey_export2(k->public, GNUTLS_X509_FMT_DER, &der);

	if (r < 0)
		return fail(err, "naming a key", r);
	sha256(der.data, der.size, digest);
	k->id = base64url_encode(digest, sizeof(digest));
	return 0;
}

int sign_key_from_pem(const char *pem, struct sign_key **ret, struct err *err)
{
	struct sign_key *k = new0(struct sign_key);
	int r;

	atomic_init(&k->refs, 1);
	r = import(k, pem);
	if (r < 0)
		fail(err, "reading a key", r);
	if (r < 0 || check_kind(k, err) < 0 || name_key(k, err) < 0) {
		sign_key_unref(k);
		return -1;
	}
	*ret = k;
	return 0;
}

struct sign_key *sign_key_ref(struct sign_key *k)
{
	atomic_fetch_add_explicit(&k->refs, 1, memory_order_relaxed);
	return k;
}

struct sign_key *sign_key_unref(struct sign_key *k)
{
	if (!k || atomic_fetch_sub_explicit(&k->refs, 1, memory_order_acq_rel) != 1)
		return NULL;
	if (k->public)
		gnutls_pubkey_deinit(k->public);
	if (k->private)
		gnutls_privkey_deinit(k->private);
	free(k->id);
	free(k);
	return NULL;
}

const char *sign_key_id(const struct sign_key *k)
{
	return k->id;
}

const char *sign_key_algorithm(const struct sign_key *k)
{
	return k->is_ec ? "ES256" : "RS256";
}

bool sign_key_can_sign(const struct sign_key *k)
{
	return k->private != NULL;
}

/* A number of exactly PART bytes, without the zeros it may begin with or with those it lacks. */
static bool pad(const gnutls_datum_t *d, unsigned char ret[static PART])
{
	const unsigned char *p = d->data;
	size_t len = d->size;

	while (len > PART && *p == 0) {
		p++;
		len--;
	}
	if (len > PART)
		return false;
	memset(ret, 0, PART - len);
	memcpy(ret + PART - len, p, len);
	return true;
}

static void put_bytes(json_t *jwk, const char *key, const void *data, size_t len)
{
	_cleanup_free_ char *text = base64url_encode(data, len);

	json_put_str(jwk, key, text);
}

static void put_point(const struct sign_key *k, json_t *jwk)
{
	_cleanup_datum_ gnutls_datum_t x = { 0 };
	_cleanup_datum_ gnutls_datum_t y = { 0 };
	unsigned char part[PART];
	gnutls_ecc_curve_t curve;

	json_put_str(jwk, "kty", "EC");
	json_put_str(jwk, "crv", "P-256");
	if (gnutls_pubkey_export_ecc_raw2(k->public, &curve, &x, &y, GNUTLS_EXPORT_FLAG_NO_LZ) < 0)
		return;
	if (pad(&x, part))
		put_bytes(jwk, "x", part, PART);
	if (pad(&y, part))
		put_bytes(jwk, "y", part, PART);
}

static void put_modulus(const struct sign_key *k, json_t *jwk)
{
	_cleanup_datum_ gnutls_datum_t n = { 0 };
	_cleanup_datum_ gnutls_datum_t e = { 0 };

	json_put_str(jwk, "kty", "RSA");
	if (gnutls_pubkey_export_rsa_raw2(k->public, &n, &e, GNUTLS_EXPORT_FLAG_NO_LZ) < 0)
		return;
	put_bytes(jwk, "n", n.data, n.size);
	put_bytes(jwk, "e", e.data, e.size);
}

json_t *sign_key_jwk(const struct sign_key *k)
{
	json_t *jwk = json_object();

	json_put_str(jwk, "use", "sig");
	json_put_str(jwk, "kid", k->id);
	json_put_str(jwk, "alg", sign_key_algorithm(k));
	if (k->is_ec)
		put_point(k, jwk);
	else
		put_modulus(k, jwk);
	return jwk;
}

/* ---- signatures ---- */

static gnutls_sign_algorithm_t algorithm_of(const struct sign_key *k)
{
	return k->is_ec ? GNUTLS_SIGN_ECDSA_SHA256 : GNUTLS_SIGN_RSA_SHA256;
}

/* X.509 has r and s in DER, JWS one behind the other. */
static int join_parts(const gnutls_datum_t *der, unsigned char **ret)
{
	_cleanup_datum_ gnutls_datum_t r = { 0 };
	_cleanup_datum_ gnutls_datum_t s = { 0 };
	_cleanup_free_ unsigned char *both = xmalloc((size_t)2 * PART);
	int code = gnutls_decode_rs_value(der, &r, &s);

	if (code < 0)
		return code;
	if (!pad(&r, both) || !pad(&s, both + PART))
		return GNUTLS_E_PK_SIGN_FAILED;
	*ret = TAKE_PTR(both);
	return 0;
}

int sign_data(const struct sign_key *k, const void *data, size_t len, unsigned char **ret, size_t *ret_len,
              struct err *err)
{
	_cleanup_datum_ gnutls_datum_t signature = { 0 };
	const gnutls_datum_t text = { .data = without_const(data), .size = (unsigned)len };
	int r;

	if (!k->private)
		return err_set(err, ERR_INTERNAL, "signing: the private key is not there");
	r = gnutls_privkey_sign_data2(k->private, algorithm_of(k), 0, &text, &signature);
	if (r >= 0 && k->is_ec)
		r = join_parts(&signature, ret);
	else if (r >= 0)
		*ret = xmemdup(signature.data, signature.size);
	if (r < 0)
		return err_set(err, ERR_INTERNAL, "signing: %s", gnutls_strerror(r));
	*ret_len = k->is_ec ? (size_t)2 * PART : signature.size;
	return 0;
}

static gnutls_datum_t without_zeros(const unsigned char *p, size_t len)
{
	while (len > 1 && *p == 0) {
		p++;
		len--;
	}
	return (gnutls_datum_t){ .data = without_const(p), .size = (unsigned)len };
}

static bool verify(const struct sign_key *k, const gnutls_datum_t *text, const gnutls_datum_t *signature)
{
	return gnutls_pubkey_verify_data2(k->public, algorithm_of(k), 0, text, signature) >= 0;
}

bool sign_verify(const struct sign_key *k, const void *data, size_t len, const unsigned char *signature,
                 size_t signature_len)
{
	const gnutls_datum_t text = { .data = without_const(data), .size = (unsigned)len };

	if (!k->is_ec) {
		const gnutls_datum_t given = { .data = without_const(signature), .size = (unsigned)signature_len };
		return verify(k, &text, &given);
	}
	if (signature_len != (size_t)2 * PART)
		return false;
	const gnutls_datum_t r = without_zeros(signature, PART), s = without_zeros(signature + PART, PART);
	_cleanup_datum_ gnutls_datum_t der = { 0 };
	return gnutls_encode_rs_value(&der, &r, &s) >= 0 && verify(k, &text, &der);
}
