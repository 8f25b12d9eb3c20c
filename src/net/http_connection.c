#include "http_server_internal.h"

#include "base/clock.h"
#include "base/str.h"

#include <arpa/inet.h>
#include <gnutls/x509.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#define PEER_ORGS_MAX 64
#define PEER_NAME_MAX 256

static void describe_remote(struct MHD_Connection *connection, char *ret, size_t size)
{
	const union MHD_ConnectionInfo *info = MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CLIENT_ADDRESS);
	char host[INET6_ADDRSTRLEN];

	snprintf(ret, size, "unknown");
	if (!info || !info->client_addr)
		return;
	if (info->client_addr->sa_family == AF_INET) {
		const struct sockaddr_in *in = (const void *)info->client_addr;

		inet_ntop(AF_INET, &in->sin_addr, host, sizeof(host));
		snprintf(ret, size, "%s:%d", host, ntohs(in->sin_port));
	} else if (info->client_addr->sa_family == AF_INET6) {
		const struct sockaddr_in6 *in6 = (const void *)info->client_addr;

		inet_ntop(AF_INET6, &in6->sin6_addr, host, sizeof(host));
		snprintf(ret, size, "[%s]:%d", host, ntohs(in6->sin6_port));
	}
}

/* A client that vanished without a word (power, network) is noticed after about a minute. libmicrohttpd sets
 * TCP_NODELAY only when it sends a response; without it, the parts of a TLS handshake may wait for delayed
 * acknowledgements. */
static void set_socket_options(int fd)
{
	int on = 1, idle_s = 30, interval_s = 10, count = 3;

	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
	setsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, &on, sizeof(on));
	setsockopt(fd, IPPROTO_TCP, TCP_KEEPIDLE, &idle_s, sizeof(idle_s));
	setsockopt(fd, IPPROTO_TCP, TCP_KEEPINTVL, &interval_s, sizeof(interval_s));
	setsockopt(fd, IPPROTO_TCP, TCP_KEEPCNT, &count, sizeof(count));
}

static gnutls_session_t tls_session_of(struct MHD_Connection *connection)
{
	const union MHD_ConnectionInfo *info = MHD_get_connection_info(connection, MHD_CONNECTION_INFO_GNUTLS_SESSION);

	return info ? info->tls_session : NULL;
}

static int handshake_message(gnutls_session_t session, unsigned type _unused_, unsigned when _unused_,
                             unsigned incoming, const gnutls_datum_t *message _unused_)
{
	if (incoming)
		atomic_store(&http_connection_of(gnutls_session_get_ptr(session))->handshaking, false);
	return 0;
}

static void set_up_tls(struct http_connection *c, gnutls_session_t session)
{
	atomic_store(&c->handshaking, true);
	gnutls_handshake_set_hook_function(session, GNUTLS_HANDSHAKE_FINISHED, GNUTLS_HOOK_POST, handshake_message);
	gnutls_session_ticket_enable_server(session, &c->server->ticket_key);
}

static void connection_started(struct http_server *s, struct MHD_Connection *connection, void **socket_context)
{
	struct http_connection *c = new0(struct http_connection);
	gnutls_session_t session = tls_session_of(connection);

	atomic_init(&c->refs, 1);
	c->server = s;
	c->fd = MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CONNECTION_FD)->connect_fd;
	atomic_init(&c->waiting_since_ns, clock_mono_ns());
	describe_remote(connection, c->remote, sizeof(c->remote));
	set_socket_options(c->fd);
	*socket_context = c;
	if (session)
		set_up_tls(c, session);

	MUTEX_GUARD(&s->lock);
	c->next = s->connections;
	if (c->next)
		c->next->prev = c;
	else
		pthread_cond_signal(&s->wake); /* the housekeeper sleeps while there is none */
	s->connections = c;
}

/* The socket is closed after this, so that nobody who found it in the list under the lock uses a stranger's. */
static void connection_closed(struct http_server *s, void **socket_context)
{
	struct http_connection *c = *socket_context;

	if (!c)
		return;
	pthread_mutex_lock(&s->lock);
	if (c->prev)
		c->prev->next = c->next;
	else
		s->connections = c->next;
	if (c->next)
		c->next->prev = c->prev;
	pthread_mutex_unlock(&s->lock);

	if (c->pending)
		http_request_unref(TAKE_PTR(c->pending));
	*socket_context = NULL;
	http_connection_unref(c);
}

void http_connection_notify(void *server, struct MHD_Connection *connection, void **socket_context,
                            enum MHD_ConnectionNotificationCode code)
{
	if (code == MHD_CONNECTION_NOTIFY_STARTED)
		connection_started(server, connection, socket_context);
	else
		connection_closed(server, socket_context);
}

struct http_connection *http_connection_of(struct MHD_Connection *connection)
{
	return MHD_get_connection_info(connection, MHD_CONNECTION_INFO_SOCKET_CONTEXT)->socket_context;
}

struct http_connection *http_connection_ref(struct http_connection *c)
{
	atomic_fetch_add(&c->refs, 1);
	return c;
}

struct http_connection *http_connection_unref(struct http_connection *c)
{
	if (c && atomic_fetch_sub(&c->refs, 1) == 1) {
		free(c->peer_name);
		strv_free(c->peer_orgs);
		free(c);
	}
	return NULL;
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

void http_connection_identify(struct http_connection *c, struct MHD_Connection *connection)
{
	if (c->peer_known || !c->server->ask_peer)
		return;
	c->peer_known = true;

	gnutls_session_t session = tls_session_of(connection);
	unsigned count = 0;
	const gnutls_datum_t *chain = session ? gnutls_certificate_get_peers(session, &count) : NULL;

	if (!chain || count == 0)
		return;
	if (certificate_is_trusted(session))
		read_identity(c, &chain[0]);
	else
		log_debug(c->server->log, "http: %s: the client's certificate is not of the trusted authority", c->remote);
}
