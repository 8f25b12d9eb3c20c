#ifndef APISERVER_APPLY_H
#define APISERVER_APPLY_H
/* Server-side apply and managed fields (KEP-555): pure functions from objects to objects. */

#include "schema/schema.h"

struct apply_request {
	const struct schema *schema;   /* may be NULL */
	const char *manager;           /* field manager, never empty */
	const char *api_version;       /* of the request */
	const char *subresource;       /* "" for the main resource */
	bool has_status;               /* the type has a status subresource: its main resource does not own status */
	bool force;
	int64_t now_wall_ns;
	const json_t *fresh; /* what a new object is compared with: one that says nothing; NULL: {} */
};

/* live: the object (not NULL; for a new one: the identity only, without managedFields), config: what the manager applies. *ret:
 * a new object with managedFields set. Fields the manager applied before and no longer does are removed unless others
 * own them. ERR_CONFLICT lists each field and its managers as causes (reason FieldManagerConflict) in Kubernetes' words;
 * ERR_BAD_REQUEST when config carries managedFields. */
int apply_server_side(const struct apply_request *request, const json_t *live, const json_t *config, json_t **ret, struct err *err);

/* Updates updated.metadata.managedFields after a create, update or patch by a manager (operation Update): it owns
 * what changed, others lose what was changed or removed. old NULL: created. When nothing but managedFields differs, times stay. The caller's
 * own managedFields are honoured when updated carries an empty list (a reset), as Kubernetes does. At most ten Update managers are kept apart. */
int managed_fields_update(const struct apply_request *request, const json_t *old, json_t *updated, struct err *err);

#endif
