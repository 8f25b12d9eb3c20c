#ifndef KUBE_CLIENT_H
#define KUBE_CLIENT_H
/* A client for any Kubernetes API. Thread-safe; calls block their thread. Errors have the kind the server gave.
 * Idempotent calls are retried when the server cannot be reached for a moment or asks to wait (429). */

#include "kube/object.h"

#include <stdatomic.h>

struct kube_client;

struct kube_client_config {
	char *server;                      /* https://host:port[/prefix] */
	char *ca_pem, *cert_pem, *key_pem; /* NULL: none */
	char *token;                       /* bearer; NULL: none */
	char *token_file;             /* read again when it changes (service accounts), goes before token; NULL: none */
	char *username, *password;    /* HTTP basic, for proxies that ask for it; NULL: none */
	char **exec_argv, **exec_env; /* credential plugin (client.authentication.k8s.io/v1, v1beta1); NULL: none */
	char *exec_api_version, *exec_install_hint;
	bool exec_provide_cluster_info;
	char *exec_cluster_config;         /* JSON for the plugin, from the cluster's extensions; NULL: none */
	char **headers;                    /* "Name: value", added to each request (impersonation); NULL: none */
	char *namespace_default;           /* of the context; "default" when it has none */
	char *tls_server_name, *proxy_url; /* NULL: none */
	bool insecure_skip_verify;
	char *user_agent;    /* NULL: scia/VERSION */
	char *field_manager; /* for writes; NULL: scia */
};

/* path NULL: $KUBECONFIG (a list of files, merged), else ~/.kube/config, else in-cluster. context NULL: the current
 * one. */
int kube_config_load(const char *path, const char *context, struct kube_client_config *ret, struct err *err);
/* From /var/run/secrets/kubernetes.io/serviceaccount and KUBERNETES_SERVICE_HOST/PORT. ERR_NOT_FOUND when not in a
 * cluster. */
int kube_config_in_cluster(struct kube_client_config *ret, struct err *err);
void kube_client_config_clear(struct kube_client_config *config);

/* Copies what it needs of the configuration. */
int kube_client_new(const struct kube_client_config *config, struct kube_client **ret, struct err *err);
struct kube_client *kube_client_unref(struct kube_client *c);
struct kube_client *kube_client_ref(struct kube_client *c);
DEFINE_CLEANUP(struct kube_client *, kube_client_unref)
/* Calls under way end with ERR_TIMEOUT, new ones fail at once: for stopping. */
void kube_client_cancel(struct kube_client *c);
const char *kube_client_default_namespace(const struct kube_client *c);

/* *ret is a new reference. ret may be NULL where the answer is of no interest. */
int kube_get(struct kube_client *c, const struct kube_type *type, const char *ns, const char *name, json_t **ret,
             struct err *err);
/* obj says namespace and name (or generateName). */
int kube_create(struct kube_client *c, const struct kube_type *type, const json_t *obj, json_t **ret, struct err *err);
/* Needs metadata.resourceVersion: ERR_CONFLICT when the object moved on. */
int kube_update(struct kube_client *c, const struct kube_type *type, const json_t *obj, json_t **ret, struct err *err);
int kube_update_status(struct kube_client *c, const struct kube_type *type, const json_t *obj, json_t **ret,
                       struct err *err);

enum kube_patch_kind { KUBE_PATCH_JSON, KUBE_PATCH_MERGE, KUBE_PATCH_STRATEGIC, KUBE_PATCH_APPLY };
struct kube_patch_options {
	const char *subresource;   /* "status" or NULL */
	const char *field_manager; /* NULL: the client's */
	bool force;                /* apply: take over conflicting fields */
};
int kube_patch(struct kube_client *c, const struct kube_type *type, const char *ns, const char *name,
               enum kube_patch_kind kind, const json_t *patch, const struct kube_patch_options *options, json_t **ret,
               struct err *err);

enum kube_propagation { KUBE_BACKGROUND, KUBE_FOREGROUND, KUBE_ORPHAN };
/* Not being there is success. uid: only if it is still that object; NULL: any. */
int kube_delete(struct kube_client *c, const struct kube_type *type, const char *ns, const char *name, const char *uid,
                enum kube_propagation propagation, struct err *err);

struct kube_list_options {
	const char *labels, *fields;  /* selectors; NULL: all */
	int64_t limit;                /* page size; 0: no pages. kube_list() collects all pages */
	const char *resource_version; /* NULL: most recent; "0": any */
};
/* ns NULL or "": all namespaces. *ret_items: a new array; ret_resource_version (free()) may be NULL. */
int kube_list(struct kube_client *c, const struct kube_type *type, const char *ns,
              const struct kube_list_options *options, json_t **ret_items, char **ret_resource_version,
              struct err *err);

/* One watch from a resource version, until the server ends it, cancel becomes true or on_event returns false (all: 0).
 * type is ADDED, MODIFIED, DELETED or BOOKMARK. ERR_EXPIRED: list anew. The object is borrowed. */
int kube_watch(struct kube_client *c, const struct kube_type *type, const char *ns,
               const struct kube_list_options *options, const atomic_bool *cancel,
               bool (*on_event)(void *self, const char *event_type, json_t *obj), void *self, struct err *err);

/* Any request below the server's URL: path with query, JSON or other body; for discovery, logs, raw calls. The body of
 * a 2xx goes to on_data when it is set (streaming, no time limit), else to *ret_body (free(); may be NULL). */
struct kube_raw {
	const char *method, *path, *content_type, *accept;
	const void *body;
	size_t body_len;
	const atomic_bool *cancel;
	bool (*on_data)(void *self, const char *data, size_t len);
	void *self;
};
int kube_raw_call(struct kube_client *c, const struct kube_raw *call, char **ret_body, size_t *ret_len,
                  struct err *err);

/* Finds a type by resource name, singular, kind or short name, optionally with ".group" (deployments.scia.io, sd); from
 * discovery, cached. The result lives as long as the client. ERR_NOT_FOUND lists near misses. */
int kube_discover(struct kube_client *c, const char *name, const struct kube_type **ret, struct err *err);

#endif
