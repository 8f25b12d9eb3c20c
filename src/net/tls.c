#include "net/tls.h"

#include "base/clock.h"
#include "base/str.h"
#include "tls_internal.h"

#include <arpa/inet.h>
#include <gnutls/crypto.h>
#include <gnutls/gnutls.h>
#include <gnutls/x509.h>

/* Certificates begin a little in the past, so that a client whose clock is slow accepts a new one. */
#define CLOCK_SKEW_S 300
#define SERIAL_SIZE 16
#define NAMES_MAX 100
#define DAYS_MAX 36500

static void crt_freep(gnutls_x509_crt_t *crt)
{
	if (*crt)
		gnutls_x509_crt_deinit(*crt);
}

static void key_freep(gnutls_x509_privkey_t *key)
{
	if (*key)
		gnutls_x509_privkey_deinit(*key);
}

static void datum_freep(gnutls_datum_t *d)
{
	if (!d->data)
		return;
	/* It may have held a private key. */
	explicit_bzero(d->data, d->size);
	gnutls_free(d->data);
}

#define _cleanup_crt_ _cleanup_(crt_freep)
#define _cleanup_key_ _cleanup_(key_freep)
#define _cleanup_datum_ _cleanup_(datum_freep)

static int tls_fail(struct err *err, const char *doing, int code)
{
	return err_set(err, ERR_INTERNAL, "%s: %s", doing, gnutls_strerror(code));
}

void tls_pair_clear(struct tls_pair *pair)
{
	free(pair->cert_pem);
	if (pair->key_pem)
		explicit_bzero(pair->key_pem, strlen(pair->key_pem));
	free(pair->key_pem);
	*pair = (struct tls_pair){ 0 };
}

/* ---- making keys and certificates ---- */

static int new_key(gnutls_x509_privkey_t *ret, struct err *err)
{
	_cleanup_key_ gnutls_x509_privkey_t key = NULL;
	int r = gnutls_x509_privkey_init(&key);

	if (r >= 0)
		r = gnutls_x509_privkey_generate(key, GNUTLS_PK_ECDSA, GNUTLS_CURVE_TO_BITS(GNUTLS_ECC_CURVE_SECP256R1), 0);
	if (r < 0)
		return tls_fail(err, "making a private key", r);
	*ret = TAKE_PTR(key);
	return 0;
}

static int export_key(gnutls_x509_privkey_t key, char **ret_pem, struct err *err)
{
	_cleanup_datum_ gnutls_datum_t pem = { 0 };
	int r = gnutls_x509_privkey_export2(key, GNUTLS_X509_FMT_PEM, &pem);

	if (r < 0)
		return tls_fail(err, "exporting a private key", r);
	*ret_pem = xstrndup((const char *)pem.data, pem.size);
	return 0;
}

static int export_pair(gnutls_x509_crt_t crt, gnutls_x509_privkey_t key, struct tls_pair *ret, struct err *err)
{
	_cleanup_datum_ gnutls_datum_t cert_pem = { 0 };
	char *key_pem = NULL;
	int r = gnutls_x509_crt_export2(crt, GNUTLS_X509_FMT_PEM, &cert_pem);

	if (r < 0)
		return tls_fail(err, "exporting a certificate", r);
	if (export_key(key, &key_pem, err) < 0)
		return -1;
	*ret = (struct tls_pair){ .cert_pem = xstrndup((const char *)cert_pem.data, cert_pem.size), .key_pem = key_pem };
	return 0;
}

/* What every certificate has: version, serial number, validity, key and its identifier, subject. */
static int crt_begin(gnutls_x509_crt_t crt, gnutls_x509_privkey_t key, const char *common_name,
                     const char *const *organizations, int days)
{
	unsigned char serial[SERIAL_SIZE];
	unsigned char key_id[64];
	size_t key_id_size = sizeof(key_id);
	time_t now = (time_t)(clock_wall_ns() / NS_PER_S);
	int r;

	tls_random(serial, sizeof(serial));
	serial[0] = (serial[0] & 0x3f) | 0x40; /* positive, and of full length (RFC 5280, 4.1.2.2) */
	if ((r = gnutls_x509_crt_set_version(crt, 3)) < 0 ||
	    (r = gnutls_x509_crt_set_serial(crt, serial, sizeof(serial))) < 0 ||
	    (r = gnutls_x509_crt_set_activation_time(crt, now - CLOCK_SKEW_S)) < 0 ||
	    (r = gnutls_x509_crt_set_expiration_time(crt, now + (time_t)days * 86400)) < 0 ||
	    (r = gnutls_x509_crt_set_key(crt, key)) < 0 ||
	    (r = gnutls_x509_crt_get_key_id(crt, GNUTLS_KEYID_USE_SHA1, key_id, &key_id_size)) < 0 ||
	    (r = gnutls_x509_crt_set_subject_key_id(crt, key_id, key_id_size)) < 0)
		return r;
	for (; organizations && *organizations; organizations++) {
		r = gnutls_x509_crt_set_dn_by_oid(crt, GNUTLS_OID_X520_ORGANIZATION_NAME, 0, *organizations,
		                                  (unsigned)strlen(*organizations));
		if (r < 0)
			return r;
	}
	return gnutls_x509_crt_set_dn_by_oid(crt, GNUTLS_OID_X520_COMMON_NAME, 0, common_name,
	                                     (unsigned)strlen(common_name));
}

static int crt_add_name(gnutls_x509_crt_t crt, const char *name)
{
	unsigned char address[16];

	if (inet_pton(AF_INET, name, address) == 1)
		return gnutls_x509_crt_set_subject_alt_name(crt, GNUTLS_SAN_IPADDRESS, address, 4, GNUTLS_FSAN_APPEND);
	if (inet_pton(AF_INET6, name, address) == 1)
		return gnutls_x509_crt_set_subject_alt_name(crt, GNUTLS_SAN_IPADDRESS, address, 16, GNUTLS_FSAN_APPEND);
	return gnutls_x509_crt_set_subject_alt_name(crt, GNUTLS_SAN_DNSNAME, name, (unsigned)strlen(name),
	                                            GNUTLS_FSAN_APPEND);
}

static int crt_add_usages(gnutls_x509_crt_t crt, const struct tls_cert_spec *spec)
{
	int r = gnutls_x509_crt_set_basic_constraints(crt, 0, -1);

	if (r >= 0)
		r = gnutls_x509_crt_set_key_usage(crt, GNUTLS_KEY_DIGITAL_SIGNATURE);
	if (r >= 0 && spec->server)
		r = gnutls_x509_crt_set_key_purpose_oid(crt, GNUTLS_KP_TLS_WWW_SERVER, 0);
	if (r >= 0 && spec->client)
		r = gnutls_x509_crt_set_key_purpose_oid(crt, GNUTLS_KP_TLS_WWW_CLIENT, 0);
	return r;
}

static int check_spec(const char *common_name, int days, const char *const *names, struct err *err)
{
	size_t count = 0;

	if (str_empty(common_name) || strlen(common_name) > 64)
		return err_set(err, ERR_INVALID, "issuing a certificate: the common name must have 1 to 64 characters");
	if (days < 1 || days > DAYS_MAX)
		return err_set(err, ERR_INVALID, "issuing a certificate for %s: it must last 1 to %d days", common_name,
		               DAYS_MAX);
	for (; names && names[count]; count++)
		if (str_empty(names[count]) || strlen(names[count]) > 253)
			return err_set(err, ERR_INVALID, "issuing a certificate for %s: a name must have 1 to 253 characters",
			               common_name);
	if (count > NAMES_MAX)
		return err_set(err, ERR_INVALID, "issuing a certificate for %s: at most %d names", common_name, NAMES_MAX);
	return 0;
}

int tls_ca_new(const char *common_name, int days, struct tls_pair *ret, struct err *err)
{
	_cleanup_key_ gnutls_x509_privkey_t key = NULL;
	_cleanup_crt_ gnutls_x509_crt_t crt = NULL;
	int r;

	if (check_spec(common_name, days, NULL, err) < 0 || new_key(&key, err) < 0)
		return -1;
	if ((r = gnutls_x509_crt_init(&crt)) < 0 || (r = crt_begin(crt, key, common_name, NULL, days)) < 0 ||
	    (r = gnutls_x509_crt_set_basic_constraints(crt, 1, 0)) < 0 ||
	    (r = gnutls_x509_crt_set_key_usage(crt, GNUTLS_KEY_KEY_CERT_SIGN | GNUTLS_KEY_CRL_SIGN)) < 0 ||
	    (r = gnutls_x509_crt_sign2(crt, crt, key, GNUTLS_DIG_SHA256, 0)) < 0)
		return tls_fail(err, "making a certificate authority", r);
	return export_pair(crt, key, ret, err);
}

gnutls_datum_t tls_datum(const char *text)
{
	return (gnutls_datum_t){ .data = without_const(text), .size = (unsigned)strlen(text) };
}

static int import_crt(const char *pem, gnutls_x509_crt_t *ret)
{
	_cleanup_crt_ gnutls_x509_crt_t crt = NULL;
	gnutls_datum_t data = tls_datum(pem);
	int r = gnutls_x509_crt_init(&crt);

	if (r >= 0)
		r = gnutls_x509_crt_import(crt, &data, GNUTLS_X509_FMT_PEM);
	if (r < 0)
		return r;
	*ret = TAKE_PTR(crt);
	return 0;
}

static int import_ca(const struct tls_pair *ca, gnutls_x509_crt_t *ret_crt, gnutls_x509_privkey_t *ret_key,
                     struct err *err)
{
	_cleanup_crt_ gnutls_x509_crt_t crt = NULL;
	_cleanup_key_ gnutls_x509_privkey_t key = NULL;
	gnutls_datum_t data = tls_datum(ca->key_pem);
	int r = import_crt(ca->cert_pem, &crt);

	if (r < 0)
		return tls_fail(err, "reading the certificate authority's certificate", r);
	if ((r = gnutls_x509_privkey_init(&key)) < 0 ||
	    (r = gnutls_x509_privkey_import2(key, &data, GNUTLS_X509_FMT_PEM, NULL, 0)) < 0)
		return tls_fail(err, "reading the certificate authority's private key", r);
	*ret_crt = TAKE_PTR(crt);
	*ret_key = TAKE_PTR(key);
	return 0;
}

static int set_authority_key_id(gnutls_x509_crt_t crt, gnutls_x509_crt_t ca)
{
	unsigned char id[64];
	size_t size = sizeof(id);
	int r = gnutls_x509_crt_get_subject_key_id(ca, id, &size, NULL);

	if (r == GNUTLS_E_REQUESTED_DATA_NOT_AVAILABLE)
		return 0;
	return r < 0 ? r : gnutls_x509_crt_set_authority_key_id(crt, id, size);
}

int tls_cert_issue(const struct tls_pair *ca, const struct tls_cert_spec *spec, struct tls_pair *ret, struct err *err)
{
	_cleanup_crt_ gnutls_x509_crt_t ca_crt = NULL;
	_cleanup_key_ gnutls_x509_privkey_t ca_key = NULL;
	_cleanup_key_ gnutls_x509_privkey_t key = NULL;
	_cleanup_crt_ gnutls_x509_crt_t crt = NULL;
	int r;

	if (check_spec(spec->common_name, spec->days, spec->names, err) < 0 || import_ca(ca, &ca_crt, &ca_key, err) < 0 ||
	    new_key(&key, err) < 0)
		return -1;
	if ((r = gnutls_x509_crt_init(&crt)) < 0 ||
	    (r = crt_begin(crt, key, spec->common_name, spec->organizations, spec->days)) < 0 ||
	    (r = crt_add_usages(crt, spec)) < 0 || (r = set_authority_key_id(crt, ca_crt)) < 0)
		goto failed;
	for (const char *const *name = spec->names; name && *name; name++)
		if ((r = crt_add_name(crt, *name)) < 0)
			goto failed;
	if ((r = gnutls_x509_crt_sign2(crt, ca_crt, ca_key, GNUTLS_DIG_SHA256, 0)) < 0)
		goto failed;
	return export_pair(crt, key, ret, err);

failed:
	err_set(err, ERR_INTERNAL, "issuing a certificate for %s: %s", spec->common_name, gnutls_strerror(r));
	return -1;
}

int tls_key_new(char **ret_key_pem, struct err *err)
{
	_cleanup_key_ gnutls_x509_privkey_t key = NULL;

	if (new_key(&key, err) < 0)
		return -1;
	return export_key(key, ret_key_pem, err);
}

/* ---- checking ---- */

int64_t tls_cert_expiry(const char *cert_pem)
{
	_cleanup_crt_ gnutls_x509_crt_t crt = NULL;

	if (import_crt(cert_pem, &crt) < 0)
		return -1;
	return (int64_t)gnutls_x509_crt_get_expiration_time(crt);
}

/* Only alternative names count, as in every current client: a common name is not a host name. */
static bool crt_names(gnutls_x509_crt_t crt, const char *name)
{
	unsigned char wanted[16];
	size_t wanted_len = inet_pton(AF_INET, name, wanted) == 1 ? 4 : inet_pton(AF_INET6, name, wanted) == 1 ? 16 : 0;

	for (unsigned i = 0; i < NAMES_MAX; i++) {
		char found[256];
		size_t size = sizeof(found);
		int type = gnutls_x509_crt_get_subject_alt_name(crt, i, found, &size, NULL);

		if (type == GNUTLS_E_REQUESTED_DATA_NOT_AVAILABLE)
			return false;
		if (type == GNUTLS_SAN_IPADDRESS && wanted_len > 0 && size == wanted_len && memcmp(found, wanted, size) == 0)
			return true;
		if (type == GNUTLS_SAN_DNSNAME && wanted_len == 0 && size < sizeof(found)) {
			found[size] = '\0';
			if (strcasecmp(found, name) == 0)
				return true;
		}
	}
	return false;
}

bool tls_cert_matches(const char *cert_pem, const char *ca_pem, const char *const *names)
{
	_cleanup_crt_ gnutls_x509_crt_t crt = NULL;
	_cleanup_crt_ gnutls_x509_crt_t ca = NULL;
	unsigned status = 0;

	if (import_crt(cert_pem, &crt) < 0 || import_crt(ca_pem, &ca) < 0)
		return false;
	/* Whether it has expired is tls_cert_expiry()'s question. */
	if (gnutls_x509_crt_verify(
			crt, &ca, 1, GNUTLS_VERIFY_DISABLE_TIME_CHECKS | GNUTLS_VERIFY_DISABLE_TRUSTED_TIME_CHECKS, &status) < 0 ||
	    status != 0)
		return false;
	for (; names && *names; names++)
		if (!crt_names(crt, *names))
			return false;
	return true;
}

/* ---- random ---- */

void tls_random(void *ret, size_t n)
{
	if (gnutls_rnd(GNUTLS_RND_KEY, ret, n) < 0) {
		/* Going on with guessable keys would be worse than ending. */
		fputs("scia: the system's random generator failed\n", stderr);
		abort();
	}
}

char *tls_random_hex(size_t n)
{
	static const char hex[] = "0123456789abcdef";
	_cleanup_free_ unsigned char *bytes = xmalloc(n);
	char *text = xmalloc(n * 2 + 1);

	tls_random(bytes, n);
	for (size_t i = 0; i < n; i++) {
		text[i * 2] = hex[bytes[i] >> 4];
		text[i * 2 + 1] = hex[bytes[i] & 15];
	}
	text[n * 2] = '\0';
	return text;
}
