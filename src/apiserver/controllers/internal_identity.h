#ifndef APISERVER_INTERNAL_IDENTITY_H
#define APISERVER_INTERNAL_IDENTITY_H
/* Who the server's own controllers are. They write to the store directly, but as somebody: RBAC is asked whether that
 * user may, as for a request, and the audit log names it. Users and roles are those the same controllers have in
 * Kubernetes (policy/rbac.yaml). */

#include "auth/auth.h"
#include "types/registry.h"

struct apiserver;
struct bytes;

/* The service account of that name in kube-system. */
#define INTERNAL_ACCOUNT(name) "system:serviceaccount:kube-system:" name
/* The server itself, as in Kubernetes' connection to itself: it may do everything. */
#define INTERNAL_SERVER "system:apiserver"

struct internal_identity {
	const char *user;        /* one of the above, or another user's name */
	const char *subresource; /* what its updates are updates of; NULL: the object itself */
};

/* One write of it. */
struct internal_act {
	const struct internal_identity *as;
	const struct api_type *type;
	const char *verb, *ns, *name; /* "" where there is none */
};
/* 0, or ERR_FORBIDDEN. */
int internal_permit(struct apiserver *s, const struct internal_act *act, struct err *err);
/* It was done, or tried: into the audit log. text: the object as it is afterwards, NULL: none; failed: NULL when it
 * succeeded. Does not wait. */
void internal_note(struct apiserver *s, const struct internal_act *act, struct bytes *text, const struct err *failed);

#endif
