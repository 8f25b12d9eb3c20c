/* Requests for certificates (PKCS #10, RFC 2986) and their answers. */
#include "net/tls.h"

#include "base/clock.h"
#include "base/str.h"
#include "tls_internal.h"

#include <gnutls/gnutls.h>
#include <gnutls/x509.h>

#define BEGIN "-----BEGIN "
#define TYPE "CERTIFICATE REQUEST-----"
#define SUBJECT_ALT_NAME "2.5.29.17"
#define ORGANIZATIONS_MAX 64
#define SERIAL_SIZE 16
#define SKEW_S 300
/* From here on a certificate is long-lived, and its end is moved with its beginning. */
#define SHORT_S ((int64_t)8 * 3600)

static void crq_freep(gnutls_x509_crq_t *crq)
{
	if (*crq)
		gnutls_x509_crq_deinit(*crq);
}

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

void tls_csr_clear(struct tls_csr *csr)
{
	free(csr->common_name);
	strv_free(csr->organizations);
	*csr = (struct tls_csr){ 0 };
}

/* The first block counts; what is before it is ignored. */
static int import(const char *pem, gnutls_x509_crq_t *ret, struct err *err)
{
	_cleanup_(crq_freep) gnutls_x509_crq_t crq = NULL;
	const char *begin = strstr(pem, BEGIN);

	if (!begin || !str_starts_with(begin + strlen(BEGIN), TYPE))
		return err_set(err, ERR_INVALID, "PEM block type must be CERTIFICATE REQUEST");
	gnutls_datum_t data = tls_datum(begin);
	if (gnutls_x509_crq_init(&crq) < 0 || gnutls_x509_crq_import(crq, &data, GNUTLS_X509_FMT_PEM) < 0)
		return err_set(err, ERR_INVALID, "x509: malformed certificate request");
	if (gnutls_x509_crq_verify(crq, 0) < 0)
		return err_set(err, ERR_INVALID, "x509: the signature of the certificate request is wrong");
	*ret = TAKE_PTR(crq);
	return 0;
}

/* The n-th value of a part of the subject (free()); NULL: none. */
static char *subject_part(gnutls_x509_crq_t crq, const char *oid, unsigned n)
{
	size_t size = 0;

	if (gnutls_x509_crq_get_dn_by_oid(crq, oid, n, 0, NULL, &size) != GNUTLS_E_SHORT_MEMORY_BUFFER)
		return NULL;
	char *value = xcalloc(1, size + 1);
	if (gnutls_x509_crq_get_dn_by_oid(crq, oid, n, 0, value, &size) >= 0)
		return value;
	free(value);
	return NULL;
}

int tls_csr_read(const char *pem, struct tls_csr *ret, struct err *err)
{
	_cleanup_(crq_freep) gnutls_x509_crq_t crq = NULL;

	if (import(pem, &crq, err) < 0)
		return -1;
	*ret = (struct tls_csr){ .common_name = subject_part(crq, GNUTLS_OID_X520_COMMON_NAME, 0) };
	for (unsigned i = 0; i < ORGANIZATIONS_MAX; i++) {
		_cleanup_free_ char *organization = subject_part(crq, GNUTLS_OID_X520_ORGANIZATION_NAME, i);
		if (!organization)
			break;
		strv_push(&ret->organizations, organization);
	}
	return 0;
}

/* ---- issuing ---- */

static int load_ca(const struct tls_pair *ca, gnutls_x509_crt_t *ret_crt, gnutls_x509_privkey_t *ret_key)
{
	gnutls_datum_t cert = tls_datum(ca->cert_pem), key = tls_datum(ca->key_pem);
	int r;

	if ((r = gnutls_x509_crt_init(ret_crt)) < 0 ||
	    (r = gnutls_x509_crt_import(*ret_crt, &cert, GNUTLS_X509_FMT_PEM)) < 0 ||
	    (r = gnutls_x509_privkey_init(ret_key)) < 0)
		return r;
	return gnutls_x509_privkey_import(*ret_key, &key, GNUTLS_X509_FMT_PEM);
}

static int set_validity(gnutls_x509_crt_t crt, gnutls_x509_crt_t ca, int64_t seconds, struct err *err)
{
	int64_t now = clock_wall_ns() / NS_PER_S, end = now + seconds - (seconds < SHORT_S ? 0 : SKEW_S);
	int64_t ca_end = (int64_t)gnutls_x509_crt_get_expiration_time(ca);

	if (ca_end <= now)
		return err_set(err, ERR_INTERNAL, "the certificate authority has expired");
	if (gnutls_x509_crt_set_activation_time(crt, (time_t)(now - SKEW_S)) < 0 ||
	    gnutls_x509_crt_set_expiration_time(crt, (time_t)(end < ca_end ? end : ca_end)) < 0)
		return err_set(err, ERR_INTERNAL, "issuing a certificate: its validity cannot be set");
	return 0;
}

static int set_contents(gnutls_x509_crt_t crt, gnutls_x509_crq_t crq, unsigned usages)
{
	unsigned char serial[SERIAL_SIZE];
	unsigned key_usage = (usages & TLS_CSR_DIGITAL_SIGNATURE ? GNUTLS_KEY_DIGITAL_SIGNATURE : 0) |
	                     (usages & TLS_CSR_KEY_ENCIPHERMENT ? GNUTLS_KEY_KEY_ENCIPHERMENT : 0);
	int r;

	tls_random(serial, sizeof(serial));
	serial[0] = (serial[0] & 0x3f) | 0x40;
	if ((r = gnutls_x509_crt_set_crq(crt, crq)) < 0 || (r = gnutls_x509_crt_set_version(crt, 3)) < 0 ||
	    (r = gnutls_x509_crt_set_serial(crt, serial, sizeof(serial))) < 0 ||
	    (r = gnutls_x509_crt_set_basic_constraints(crt, 0, -1)) < 0)
		return r;
	/* Of the wished extensions, names only. */
	r = gnutls_x509_crt_set_crq_extension_by_oid(crt, crq, SUBJECT_ALT_NAME, 0);
	if (r < 0 && r != GNUTLS_E_REQUESTED_DATA_NOT_AVAILABLE)
		return r;
	if (key_usage && (r = gnutls_x509_crt_set_key_usage(crt, key_usage)) < 0)
		return r;
	return usages & TLS_CSR_CLIENT_AUTH ? gnutls_x509_crt_set_key_purpose_oid(crt, GNUTLS_KP_TLS_WWW_CLIENT, 0) : 0;
}

int tls_csr_issue(const struct tls_pair *ca, const char *pem, unsigned usages, int64_t seconds, char **ret_pem,
                  struct err *err)
{
	_cleanup_(crq_freep) gnutls_x509_crq_t crq = NULL;
	_cleanup_(crt_freep) gnutls_x509_crt_t crt = NULL, ca_crt = NULL;
	_cleanup_(key_freep) gnutls_x509_privkey_t ca_key = NULL;
	gnutls_datum_t out = { 0 };
	int r;

	if (import(pem, &crq, err) < 0)
		return -1;
	if ((r = load_ca(ca, &ca_crt, &ca_key)) < 0 || (r = gnutls_x509_crt_init(&crt)) < 0 ||
	    (r = set_contents(crt, crq, usages)) < 0)
		return err_set(err, ERR_INTERNAL, "issuing a certificate: %s", gnutls_strerror(r));
	if (set_validity(crt, ca_crt, seconds, err) < 0)
		return -1;
	if ((r = gnutls_x509_crt_sign2(crt, ca_crt, ca_key, GNUTLS_DIG_SHA256, 0)) < 0 ||
	    (r = gnutls_x509_crt_export2(crt, GNUTLS_X509_FMT_PEM, &out)) < 0)
		return err_set(err, ERR_INTERNAL, "issuing a certificate: %s", gnutls_strerror(r));
	*ret_pem = xstrndup((const char *)out.data, out.size);
	gnutls_free(out.data);
	return 0;
}
