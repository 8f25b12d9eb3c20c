#ifndef NET_TLS_WIRE_H
#define NET_TLS_WIRE_H
/* Received bytes on their way into a TLS session. GnuTLS reads a record's head and the record by two calls; both are
 * served from what one recv() brought. */

#include <gnutls/gnutls.h>
#include <stddef.h>

struct tls_wire {
	gnutls_session_t session;
	const char *data; /* not deciphered yet; borrowed, until len is 0 */
	size_t len;
};
/* From now on the session reads from there, and sends by push(sender, …). w must live as long as the session. */
void tls_wire_attach(struct tls_wire *w, gnutls_session_t session, gnutls_push_func push, void *sender);

#endif
