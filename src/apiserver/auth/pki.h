#ifndef APISERVER_PKI_H
#define APISERVER_PKI_H
/* DIR/pki: the CA, the serving certificate, the administrator's certificate; and the kubeconfig made of them. While the
 * server runs a thread looks at the files: what is replaced is taken over, what is about to expire is renewed, keys of
 * tokens that come or go are noticed. */

#include "net/tls.h"

#include <sys/types.h>

struct apiserver;

struct pki {
	const char *data_dir; /* borrowed */
	struct tls_pair ca, serving, admin;
};
/* Reads them, making what is missing, about to expire, or not of the CA or for these names. */
int pki_prepare(struct pki *p, const char *const *names, struct err *err);
void pki_clear(struct pki *p);
/* The authority as it is on the disk now; any thread. ERR_NOT_FOUND when there is none. */
int pki_read_ca(const char *data_dir, struct tls_pair *ret, struct err *err);
bool pki_must_renew(const struct pki *p);

int pki_write_kubeconfig(struct apiserver *s, struct err *err);
/* Writes a file unless it has this content already, so that starting needs no space on a full disk. */
int server_write_file(const char *path, const char *text, mode_t mode, struct err *err);

struct pki_watch;
/* After the server listens. */
int pki_watch_start(struct apiserver *s, struct pki_watch **ret, struct err *err);
struct pki_watch *pki_watch_stop(struct pki_watch *w);

#endif
