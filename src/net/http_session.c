#include "http_server_internal.h"

#include "base/clock.h"
#include "base/str.h"
#include "tls_internal.h"

#include <errno.h>
#include <gnutls/x509.h>

#define PEER_ORGS_MAX 64
#define PEER_NAME_MAX 256
/* AES-128-GCM first: it is what processors do fastest; no suite without forward secrecy or authenticated encryption. */
#define TLS_PRIORITIES                                                                                          \
	"NORMAL:-VERS-ALL:+VERS-TLS1.3:+VERS-TLS1.2:-CIPHER-ALL:+AES-128-GCM:+AES-256-GCM:+CHACHA20-POLY1305:-RSA:" \
	"-GROUP-ALL:+GROUP-X25519:+GROUP-SECP256R1:+GROUP-SECP384R1:+GROUP-SECP521R1:%SERVER_PRECEDENCE"

/* ---- what connections share ---- */

static int load_credentials(struct http_tls *t, const struct tls_server_config *config, struct err *err)
{
	gnutls_datum_t cert = tls_datum(config->cert_pem), key = tls_datum(config->key_pem);
	int r = gnutls_certificate_set_x509_key_mem(t->credentials, &cert, &key, GNUTLS_X509_FMT_PEM);

	if (r < 0)
		return err_set(err, ERR_INVALID, "the server's certificate and private key cannot be used: %s",
		               gnutls_strerror(r));
	if (!config->client_ca_pem)
		return 0;
	gnutls_datum_t ca = tls_datum(config->client_ca_pem);
	r = gnutls_certificate_set_x509_trust_mem(t->credentials, &ca, GNUTLS_X509_FMT_PEM);
	if (r == 0)
		r = GNUTLS_E_NO_CERTIFICATE_FOUND;
	if (r < 0)
		return err_set(err, ERR_INVALID, "the authority for client certificates cannot be used: %s",
		               gnutls_strerror(r));
	t->ask_peer = true;
	return 0;
}

int http_tls_new(const struct tls_server_config *config, struct http_tls **ret, struct err *err)
{
	struct http_tls *t = new0(struct http_tls);
	int r;

	atomic_init(&t->refs, 1);
	if ((r = gnutls_certificate_allocate_credentials(&t->credentials)) < 0 ||
	    (r = gnutls_priority_init(&t->priorities, TLS_PRIORITIES, NULL)) < 0 ||
	    (r = gnutls_session_ticket_key_generate(&t->ticket_key)) < 0) {
		http_tls_unref(t);
		return err_set(err, ERR_INTERNAL, "setting up TLS: %s", gnutls_strerror(r));
	}
	if (load_credentials(t, config, err) < 0) {
		http_tls_unref(t);
		return -1;
	}
	*ret = t;
	return 0;
}

struct http_tls *http_tls_unref(struct http_tls *t)
{
	if (!t || atomic_fetch_sub(&t->refs, 1) != 1)
		return NULL;
	if (t->credentials)
		gnutls_certificate_free_credentials(t->credentials);
	if (t->priorities)
		gnutls_priority_deinit(t->priorities);
	if (t->ticket_key.data) {
		explicit_bzero(t->ticket_key.data, t->ticket_key.size);
		gnutls_free(t->ticket_key.data);
	}
	free(t);
	return NULL;
}

/* ---- bytes ---- */

/* Several records leave by one send(). */
static ssize_t push(gnutls_transport_ptr_t self, const void *data, size_t len)
{
	struct http_connection *c = self;

	if (buf_append(&c->loop->wire_out, data, len) < 0) {
		gnutls_transport_set_errno(c->session, EPIPE);
		return -1;
	}
	return (ssize_t)len;
}

int http_session_start(struct http_connection *c)
{
	int r = gnutls_init(&c->session, GNUTLS_SERVER | GNUTLS_NONBLOCK | GNUTLS_NO_SIGNAL);

	if (r < 0 || (r = gnutls_priority_set(c->session, c->tls->priorities)) < 0 ||
	    (r = gnutls_credentials_set(c->session, GNUTLS_CRD_CERTIFICATE, c->tls->credentials)) < 0 ||
	    (r = gnutls_session_ticket_enable_server(c->session, &c->tls->ticket_key)) < 0)
		return r;
	gnutls_certificate_server_set_request(c->session, c->tls->ask_peer ? GNUTLS_CERT_REQUEST : GNUTLS_CERT_IGNORE);
	gnutls_handshake_set_timeout(c->session, GNUTLS_INDEFINITE_TIMEOUT);
	tls_wire_attach(&c->wire, c->session, push, c);
	return 0;
}

void http_session_end(struct http_connection *c)
{
	if (!c->session)
		return;
	gnutls_deinit(c->session);
	c->session = NULL;
}

int http_session_decipher(struct http_connection *c)
{
	while (c->wire.len > 0 && !c->eof) {
		ssize_t n = gnutls_record_recv(c->session, c->loop->plain, HTTP_PIECE_MAX);

		/* It also says so behind a record that was no data. */
		if (n == GNUTLS_E_AGAIN || n == GNUTLS_E_INTERRUPTED)
			continue;
		if (n < 0)
			return -1;
		if (n == 0)
			c->eof = true;
		else if (buf_append(&c->in, c->loop->plain, (size_t)n) < 0)
			return -1;
	}
	return 0;
}

int http_session_encipher(struct http_connection *c, const char *data, size_t len)
{
	while (len > 0) {
		ssize_t n = gnutls_record_send(c->session, data, len);

		if (n == GNUTLS_E_INTERRUPTED || n == GNUTLS_E_AGAIN)
			continue;
		if (n < 0)
			return -1;
		data += n;
		len -= (size_t)n;
	}
	return 0;
}

/* ---- the client's certificate ---- */

/* The index-th value of an attribute of the subject (free()); NULL when there is none, or one that is no plain string.
 */
static char *subject_attribute(gnutls_x509_crt_t crt, const char *oid, unsigned index)
{
	char value[PEER_NAME_MAX];
	size_t size = sizeof(value);

	if (gnutls_x509_crt_get_dn_by_oid(crt, oid, index, 0, value, &size) < 0)
		return NULL;
	/* "admin\0.example.org" must not become admin. */
	if (memchr(value, '\0', size) != NULL)
		return NULL;
	return xstrndup(value, size);
}

static bool certificate_is_trusted(gnutls_session_t session)
{
	/* GnuTLS wants it writable; it does not write. */
	char purpose[] = GNUTLS_KP_TLS_WWW_CLIENT;
	gnutls_typed_vdata_st data = { .type = GNUTLS_DT_KEY_PURPOSE_OID, .data = (unsigned char *)purpose };
	unsigned status = 0;

	return gnutls_certificate_verify_peers(session, &data, 1, &status) >= 0 && status == 0;
}

static void read_identity(struct http_connection *c, const gnutls_datum_t *der)
{
	gnutls_x509_crt_t crt;

	if (gnutls_x509_crt_init(&crt) < 0)
		return;
	if (gnutls_x509_crt_import(crt, der, GNUTLS_X509_FMT_DER) >= 0) {
		c->peer_name = subject_attribute(crt, GNUTLS_OID_X520_COMMON_NAME, 0);
		c->peer_expiry_s = (int64_t)gnutls_x509_crt_get_expiration_time(crt);
		c->peer_orgs = xcalloc(1, sizeof(char *));
		for (unsigned i = 0; i < PEER_ORGS_MAX; i++) {
			_cleanup_free_ char *org = subject_attribute(crt, GNUTLS_OID_X520_ORGANIZATION_NAME, i);

			if (!org)
				break;
			strv_push(&c->peer_orgs, org);
		}
	}
	gnutls_x509_crt_deinit(crt);
}

static void identify(struct http_connection *c)
{
	unsigned count = 0;
	const gnutls_datum_t *chain = c->tls->ask_peer ? gnutls_certificate_get_peers(c->session, &count) : NULL;

	if (!chain || count == 0)
		return;
	if (certificate_is_trusted(c->session))
		read_identity(c, &chain[0]);
	else
		log_debug(c->server->log, "http: %s: the client's certificate is not of the trusted authority", c->remote);
}

int http_session_handshake(struct http_connection *c)
{
	int r;

	do
		r = gnutls_handshake(c->session);
	while (r == GNUTLS_E_INTERRUPTED || (r == GNUTLS_E_AGAIN && c->wire.len > 0));
	if (r == GNUTLS_E_AGAIN)
		return 0;
	if (r < 0) {
		log_debug(c->server->log, "http: %s: TLS: %s", c->remote, gnutls_strerror(r));
		if (gnutls_error_is_fatal(r)) {
			gnutls_alert_send_appropriate(c->session, r);
			return -1;
		}
		return 0;
	}
	identify(c);
	return 1;
}
