#ifndef APISERVER_RBAC_H
#define APISERVER_RBAC_H
/* Role-based access control: an index of roles and bindings in memory, asked on event threads.
 *
 * A question looks only at the bindings that name the user or one of the groups, first those of the cluster, then those
 * of the namespace. The index follows the store on the committer's thread, before a write is acknowledged: whoever
 * wrote a binding finds it in force with the next request. Thread-safe. */

#include "auth.h"
#include "rbac_rule.h"
#include "store/store.h"

#define RBAC_GROUP "rbac.authorization.k8s.io"
#define RBAC_ROLES RBAC_GROUP "/roles"
#define RBAC_CLUSTER_ROLES RBAC_GROUP "/clusterroles"
#define RBAC_ROLE_BINDINGS RBAC_GROUP "/rolebindings"
#define RBAC_CLUSTER_ROLE_BINDINGS RBAC_GROUP "/clusterrolebindings"

struct rbac;
struct rbac *rbac_new(void);
struct rbac *rbac_free(struct rbac *r);
/* Takes in what the store has and follows it until rbac_unfollow(), which must come before the store is closed. */
int rbac_follow(struct rbac *r, struct store *s, struct err *err);
void rbac_unfollow(struct rbac *r);

/* By hand, as the store's changes do it. ns "" for cluster-scoped ones. obj NULL: it is gone. */
void rbac_put_role(struct rbac *r, const char *ns, const char *name, const json_t *obj);
void rbac_put_binding(struct rbac *r, const char *ns, const char *name, const json_t *obj);

/* The reason (free(), may be NULL) is Kubernetes': which binding allows it, or which roles were not found. ret_reason
 * NULL: it is not wanted. */
bool rbac_allow(struct rbac *r, const struct auth_user *user, const struct auth_attributes *a, char **ret_reason);

/* All rules that apply to a user in a namespace ("": of the cluster only). */
struct rbac_grants {
	struct rbac_rules **list; /* a reference each */
	size_t len;
	char **errors; /* roles that were not found, in words; NULL: none */
};
void rbac_grants_of(struct rbac *r, const struct auth_user *user, const char *ns, struct rbac_grants *ret);
void rbac_grants_clear(struct rbac_grants *g);
/* Rules of a role, by the kind of reference ("Role", "ClusterRole"); a reference, or ERR_NOT_FOUND. */
struct rbac_rules *rbac_role_rules(struct rbac *r, const char *kind, const char *ns, const char *name, struct err *err);

/* The authorizer over it: system:masters may do everything, the others what RBAC says. */
struct authorizer authorizer_rbac(struct rbac *r);

#endif
