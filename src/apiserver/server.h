#ifndef APISERVER_SERVER_H
#define APISERVER_SERVER_H
/* The server's parts and how they find each other. */

#include "admission/admission.h"
#include "admission/quota.h"
#include "apiserver.h"
#include "audit/audit.h"
#include "auth/auth.h"
#include "auth/pki.h"
#include "base/map.h"
#include "base/metrics.h"
#include "base/thread.h"
#include "limits.h"
#include "net/http_server.h"
#include "net/tls.h"
#include "types/registry.h"
#include "store/store.h"
#include "waiters.h"
#include "workers.h"

#include <sys/types.h>

struct watch_hub;
struct controllers;
struct rbac;
struct authn;
struct account_tokens;
struct token_keys;
struct encryption;
struct documents;

struct apiserver_mount {
	char *group, *resource, *subresource;
	apiserver_connect handler;
	void *self;
	struct apiserver_mount *next;
};

struct apiserver_check {
	char *name;
	int (*check)(void *self, struct err *err);
	void *self;
	struct apiserver_check *next;
};

struct apiserver {
	struct logger *log;
	char *data_dir, *url, *kubeconfig_path;
	struct pki pki;       /* at the start, and then of the thread of pki_watch */
	char *_Atomic ca_pem; /* of the present CA; what it was before lives on in old_ca_pems */
	char **old_ca_pems;
	size_t old_ca_pems_len;
	char **names; /* for the serving certificate */
	bool publish_ca;
	struct pki_watch *pki_watch;

	struct store_keys *keys;       /* of what the store encrypts */
	struct encryption *encryption; /* where they come from */
	struct store *store;
	struct registry *registry;
	struct token_keys *token_keys; /* of service accounts */
	struct account_tokens *account_tokens;
	struct authn *authn;
	struct rbac *rbac;
	struct authorizer authorizer; /* over rbac */
	struct admission *admission;
	struct quotas *quotas;
	struct service_addresses *addresses;
	struct audit *audit; /* NULL: no audit log */
	struct limits *limits;
	struct workers *workers;
	struct waiters *waiters; /* for requests that may have to wait for a webhook */
	struct watch_hub *watches;
	struct documents *documents; /* discovery and OpenAPI, made when asked for and kept until a type changes */
	struct controllers *controllers;
	struct http_server *http;
	atomic_size_t in_flight; /* requests that are not freed yet */
	atomic_size_t backups;   /* being sent */

	pthread_mutex_t lock; /* mounts and checks */
	struct apiserver_mount *mounts;
	struct apiserver_check *checks;

	struct metrics *metrics; /* the caller's, or own_metrics */
	struct metrics *own_metrics;
	struct metric *requests, *request_seconds, *inflight;
};

/* The HTTP server's handler. */
void api_handle(void *server, struct http_request *http);

/* The CA's certificate, valid until the server stops. */
static inline const char *server_ca_pem(const struct apiserver *s)
{
	return atomic_load(&s->ca_pem);
}

#endif
