#ifndef APISERVER_RBAC_ESCALATION_H
#define APISERVER_RBAC_ESCALATION_H
/* Nobody grants what they do not have: checks of writes to roles and bindings, as kubernetes' registry/rbac. */

#include "auth.h"

struct apiserver;

/* Who writes, and what the request names. */
struct rbac_write {
	const struct auth_user *user;
	const char *resource;  /* "roles", … */
	const char *ns, *name; /* of the request; name "" when the object is created */
};

/* A role may only hold what its writer holds already, unless the verb "escalate" is theirs; an aggregationRule wants
 * everything. A binding may only refer to a role whose permissions its writer holds, unless the verb "bind" is theirs.
 * old NULL: create. ERR_FORBIDDEN, or ERR_NOT_FOUND for a role that a binding refers to. */
int rbac_check_write(struct apiserver *s, const struct rbac_write *w, const json_t *obj, const json_t *old,
                     struct err *err);

#endif
