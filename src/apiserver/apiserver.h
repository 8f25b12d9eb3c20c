#ifndef APISERVER_APISERVER_H
#define APISERVER_APISERVER_H
/* The embedded Kubernetes API: a durable store, the built-in kinds SCIA needs, custom resources, and the HTTP interface
 * that kubectl and client libraries speak.
 *
 * One folder holds everything: DIR/store.db (objects, SQLite), DIR/pki/ (CA and certificates), DIR/kubeconfig (admin,
 * mode 0600). A second process on the same folder is refused. All reads are served from memory; a write is answered
 * after its fsync. */

#include "base/err.h"
#include "base/log.h"
#include "base/metrics.h"
#include "codec/json.h"
#include "net/http_server.h"

struct apiserver;

/* The audit log. */
struct apiserver_audit {
	const char *policy_file; /* audit.k8s.io/v1 Policy; NULL: no log */
	const char *log_path;    /* NULL or "-": standard output */
	int64_t size_max_mb;     /* of a file; 0: 100 */
	int64_t backups_max;     /* finished files that are kept; 0: all */
};

/* How much clients may take. Beyond it they are answered with 429. */
struct apiserver_limits {
	int64_t in_flight, mutating_in_flight; /* requests under way, but watches; 0: 400 and 200 */
	int64_t client_qps, client_burst;      /* of one user, components of this process excepted; 0: any number */
	int64_t client_connections;            /* of one address; 0: 4096, half of all */
};

struct apiserver_config {
	const char *data_dir;           /* made with mode 0700 when missing */
	const char *address;            /* NULL: 127.0.0.1 */
	int port;                       /* 0: the one of last time if free, else any */
	const char *const *extra_names; /* further names and addresses for the serving certificate; NULL: none */
	const char *const *crds; /* YAML or JSON applied before serving (SCIA's own types); NULL-terminated; may be NULL */
	bool publish_ca;         /* keep the CA's certificate in each namespace, as ConfigMap kube-root-ca.crt */
	const char *token_auth_file; /* CSV: token,user,uid,"group1,group2"; NULL: none */
	size_t history_max;          /* changes kept for watches to resume from; 0: 100,000 (fewer bytes than 64 MiB) */
	int64_t history_age_max_ns;  /* how long changes are kept at most; 0: 10 minutes */
	/* EncryptionConfiguration (apiserver.config.k8s.io/v1) for what is encrypted on disk; NULL:
	 * DIR/pki/encryption.yaml, made with a new key for Secrets when missing. */
	const char *encryption_config;
	struct apiserver_audit audit;
	struct apiserver_limits limits;
	struct logger *log;
	struct metrics *metrics; /* may be NULL */
};

int apiserver_start(const struct apiserver_config *config, struct apiserver **ret, struct err *err);
/* Ends watches, finishes requests under way, closes the store. Returns NULL. */
struct apiserver *apiserver_stop(struct apiserver *s);

const char *apiserver_url(const struct apiserver *s);
/* Path of the admin kubeconfig. */
const char *apiserver_kubeconfig_path(const struct apiserver *s);
/* A bearer token for a component of this process: user name system:scia:COMPONENT, which may do what the ClusterRole of
 * that name says (auth/policy/rbac.yaml); valid while the server runs, never written to disk (free()). */
char *apiserver_component_token(struct apiserver *s, const char *component);
/* A kubeconfig for a user of the server in this folder, whether it runs or not, with a client certificate of its CA
 * that is good for so many days; the groups (NULL-terminated; may be NULL) are in it. free(). */
char *apiserver_user_kubeconfig(const char *data_dir, const char *name, const char *const *groups, int days,
                                struct err *err);
/* A new key for service accounts' tokens; a server that runs takes it up within seconds. Old tokens stay good. */
int apiserver_rotate_token_keys(const char *data_dir, struct err *err);
const char *apiserver_ca_pem(const struct apiserver *s);

/* Serves GET .../RESOURCE/NAME/SUBRESOURCE of a type by a function of another component (e.g. a process' log), after
 * authentication, authorisation and a check that the object exists. The handler has http_server.h's contract: it
 * answers at once, or defers and answers from another thread. Register before clients come. */
typedef void (*apiserver_connect)(void *self, const char *ns, const char *name, struct http_request *req);
void apiserver_mount(struct apiserver *s, const char *group, const char *resource, const char *subresource,
                     apiserver_connect handler, void *self);

/* A check of /readyz: 0 when the component is ready, else err says why not. */
void apiserver_add_ready_check(struct apiserver *s, const char *name, int (*check)(void *self, struct err *err),
                               void *self);

#endif
