#ifndef APISERVER_APPLY_H
#define APISERVER_APPLY_H
/* Server-side apply and managed fields (KEP-555): pure functions from objects to objects. */

#include "schema/schema.h"

/* The other versions of a type: a manager's fields are those of the version it wrote in. */
struct apply_versions {
	void *self;
	/* The schema of a version (may be NULL: anything goes). False: there is no such version (any more). */
	bool (*schema)(void *self, const char *api_version, const struct schema **ret);
	/* obj in another version, a new reference; NULL when it cannot be converted. */
	json_t *(*convert)(void *self, const json_t *obj, const char *from, const char *to);
};

struct apply_request {
	const struct schema *schema;           /* may be NULL */
	const struct apply_versions *versions; /* NULL: every version is like the request's */
	const char *manager;                   /* field manager, never empty */
	const char *api_version;               /* of the request */
	const char *kind;                      /* apply only */
	const char *subresource;               /* "" for the main resource */
	const json_t *fresh; /* what an object is before it is created, NULL: nothing. (Go's empty structs are there
	                      * already, so that nobody comes to own them.) */
	bool has_status;     /* the type has a status subresource: its main resource does not own status */
	bool force;
	int64_t now_wall_ns;
};

/* live: the object (not NULL; for a new one: the identity only, without managedFields), config: what the manager
 * applies. *ret: a new object with managedFields set. Fields the manager applied before and no longer does are removed
 * unless others own them. ERR_CONFLICT lists each field and its managers as causes (reason FieldManagerConflict) in
 * Kubernetes' words; ERR_BAD_REQUEST when config is of another type or carries managedFields; ERR_UNKNOWN when it does
 * not fit the schema. */
int apply_server_side(const struct apply_request *request, const json_t *live, const json_t *config, json_t **ret,
                      struct err *err);

/* Whether obj has the form of its schema. Nobody can own the fields of one that has not. */
bool apply_is_typed(const struct schema *schema, const json_t *obj);

/* Updates updated.metadata.managedFields after a create, update or patch by a manager (operation Update): it owns
 * what changed, others lose what was changed or removed. old NULL: created. The caller's own managedFields are
 * honoured, and an empty list (or one with an empty entry) resets them, as in Kubernetes. At most ten Update managers
 * are kept apart. */
void managed_fields_update(const struct apply_request *request, const json_t *old, json_t *updated);

/* When obj differs from old in nothing but times of its managers, the times of old are put back. */
void managed_fields_settle(const json_t *old, json_t *obj);

/* The first string that an apply patch for this type must match: "v1", "apps/v1" … in the form of messages: "/v1,
 * Kind=Pod". free(). */
char *apply_type_text(const char *api_version, const char *kind);

#endif
