#include "net/tls_wire.h"

#include <errno.h>
#include <string.h>

static ssize_t pull(gnutls_transport_ptr_t self, void *data, size_t len)
{
	struct tls_wire *w = self;
	size_t n = w->len < len ? w->len : len;

	if (n == 0) {
		gnutls_transport_set_errno(w->session, EAGAIN);
		return -1;
	}
	memcpy(data, w->data, n);
	w->data += n;
	w->len -= n;
	return (ssize_t)n;
}

static int pull_timeout(gnutls_transport_ptr_t self, unsigned ms)
{
	const struct tls_wire *w = self;

	(void)ms;
	return w->len > 0;
}

void tls_wire_attach(struct tls_wire *w, gnutls_session_t session, gnutls_push_func push, void *sender)
{
	*w = (struct tls_wire){ .session = session };
	gnutls_transport_set_ptr2(session, w, sender);
	gnutls_transport_set_pull_function(session, pull);
	gnutls_transport_set_pull_timeout_function(session, pull_timeout);
	gnutls_transport_set_push_function(session, push);
}
