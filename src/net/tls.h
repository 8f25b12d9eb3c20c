#ifndef NET_TLS_H
#define NET_TLS_H
/* Keys and certificates (GnuTLS): making a CA, issuing certificates, checking them. All as PEM texts. */

#include "base/err.h"

struct tls_server_config {
	const char *cert_pem; /* the chain, leaf first */
	const char *key_pem;
	const char *client_ca_pem; /* ask clients for a certificate of this CA (not having one is fine); NULL: do not ask */
};

struct tls_pair {
	char *cert_pem, *key_pem;
};
void tls_pair_clear(struct tls_pair *pair);
#define _cleanup_tls_pair_ _cleanup_(tls_pair_clear)

struct tls_cert_spec {
	const char *common_name;
	const char *const *organizations; /* NULL-terminated; NULL: none */
	const char *const *names;         /* DNS names and IP addresses for subjectAltName; NULL: none */
	int days;
	bool server, client; /* extended key usages */
};

/* ECDSA P-256. The CA may only sign certificates (path length 0). */
int tls_ca_new(const char *common_name, int days, struct tls_pair *ret, struct err *err);
int tls_cert_issue(const struct tls_pair *ca, const struct tls_cert_spec *spec, struct tls_pair *ret, struct err *err);
/* Seconds since the epoch when the first certificate in the PEM ends; negative: not a certificate. */
int64_t tls_cert_expiry(const char *cert_pem);
/* True when the certificate was issued by the CA and names all the names. */
bool tls_cert_matches(const char *cert_pem, const char *ca_pem, const char *const *names);
/* n random bytes of the system. */
void tls_random(void *ret, size_t n);
/* n random bytes as lower-case hexadecimal digits (free()). */
char *tls_random_hex(size_t n);

/* EC private key and public key helpers for signed tokens: a new P-256 private key (PEM). */
int tls_key_new(char **ret_key_pem, struct err *err);

/* ---- requests for certificates (PKCS #10, PEM; tls_csr.c) ---- */

struct tls_csr {
	char *common_name; /* NULL: none */
	char **organizations;
};
void tls_csr_clear(struct tls_csr *csr);
/* Whose signature, by the key that is to be certified, is right. ERR_INVALID. */
int tls_csr_read(const char *pem, struct tls_csr *ret, struct err *err);

enum { TLS_CSR_DIGITAL_SIGNATURE = 1, TLS_CSR_KEY_ENCIPHERMENT = 2, TLS_CSR_CLIENT_AUTH = 4 };
/* A certificate with the request's subject, names and key, and these usages; good for so long, and not longer than the
 * CA (free()). */
int tls_csr_issue(const struct tls_pair *ca, const char *pem, unsigned usages, int64_t seconds, char **ret_pem,
                  struct err *err);

#endif
