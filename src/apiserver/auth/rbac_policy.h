#ifndef APISERVER_RBAC_POLICY_H
#define APISERVER_RBAC_POLICY_H
/* The roles and bindings every cluster begins with (policy/rbac.yaml). */

#include "base/err.h"
#include "codec/json.h"

struct apiserver;

/* Creates those that are missing and gives back what was taken from them; what was added stays. A role or binding whose
 * annotation rbac.authorization.kubernetes.io/autoupdate is "false" is left alone. Writes nothing when nothing is
 * missing. */
int rbac_policy_apply(struct apiserver *s, struct err *err);

/* The objects as {clusterRoles: […], clusterRoleBindings: […], roles: […], roleBindings: […]}, a new reference. */
json_t *rbac_policy_objects(struct err *err);
/* What `current` must become so that it grants all that `wanted` does: a new reference, or NULL when it already does.
 * For roles and bindings. */
json_t *rbac_policy_reconcile(const json_t *current, const json_t *wanted);

#endif
