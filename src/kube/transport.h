#ifndef KUBE_TRANSPORT_H
#define KUBE_TRANSPORT_H
/* The connection to one API server with the credentials of the moment: from the configuration, a token file that is
 * rotated, or a credential plugin. Thread-safe. Private to this folder. */

#include "kube/client.h"
#include "net/http_client.h"

struct kube_transport;

/* config must outlive it. */
int kube_transport_new(const struct kube_client_config *config, struct kube_transport **ret, struct err *err);
struct kube_transport *kube_transport_free(struct kube_transport *t);

/* What a call needs: a reference of the HTTP client, the value of Authorization (free(); NULL: none), and the number of
 * the credential used. Runs the plugin when there is no credential or it expired. */
int kube_transport_acquire(struct kube_transport *t, const atomic_bool *cancel, struct http_client **ret_http,
                           char **ret_authorization, unsigned *ret_credential, struct err *err);
/* The server refused the credential (401): true when another one may be had by acquiring anew. */
bool kube_transport_reject(struct kube_transport *t, unsigned credential);

#endif
