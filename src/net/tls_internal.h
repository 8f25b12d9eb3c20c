#ifndef NET_TLS_INTERNAL_H
#define NET_TLS_INTERNAL_H
/* For those in this folder who speak to GnuTLS themselves. */

#include <gnutls/gnutls.h>

/* GnuTLS takes pointers to what it only reads without const. */
static inline void *without_const(const void *p)
{
	union {
		const void *in;
		void *out;
	} u = { .in = p };

	return u.out;
}

/* A view of the text. */
gnutls_datum_t tls_datum(const char *text);

#endif
