#ifndef APISERVER_WEBHOOK_CLIENT_H
#define APISERVER_WEBHOOK_CLIENT_H
/* Calls a webhook: the clientConfig of an admission webhook or of a CRD's conversion, made ready once and then called
 * by many threads. TLS always; connections are kept. */

#include "base/err.h"
#include "codec/json.h"
#include "store/store.h"

#include <stdatomic.h>

struct webhook_client;

/* client_config: {url | service{namespace,name,path,port}, caBundle}; it is taken as valid but not trusted: ERR_INVALID
 * says why it cannot be used. A reference. */
int webhook_client_new(const json_t *client_config, struct webhook_client **ret, struct err *err);
struct webhook_client *webhook_client_ref(struct webhook_client *c);
struct webhook_client *webhook_client_unref(struct webhook_client *c);
DEFINE_CLEANUP(struct webhook_client *, webhook_client_unref)

#define WEBHOOK_ANSWER_MAX JSON_TEXT_MAX

struct webhook_call {
	struct store *store;       /* where services and their endpoints are looked up */
	const json_t *body;        /* posted as JSON */
	int64_t deadline_ns;       /* monotonic */
	const atomic_bool *cancel; /* may be NULL */
};
/* 0: *ret is the answer of a 2xx, a new reference, any JSON value of at most WEBHOOK_ANSWER_MAX. Else the error in the
 * words of a kube-apiserver, without "failed calling webhook …": `Post "https://…?timeout=10s": dial tcp …: connect:
 * connection refused`; ERR_TIMEOUT when the time was up, else ERR_UNAVAILABLE. Blocks until then: call it on a thread
 * that may wait. */
int webhook_client_call(struct webhook_client *c, const struct webhook_call *call, json_t **ret, struct err *err);

/* webhook_service.c: where a service of the cluster can be reached from here. */
struct webhook_address {
	char *host; /* free() */
	int port;
};
int webhook_service_resolve(struct store *s, const char *ns, const char *name, int port, struct webhook_address *ret,
                            struct err *err);

#endif
