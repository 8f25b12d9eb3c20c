#ifndef APISERVER_RBAC_RULE_H
#define APISERVER_RBAC_RULE_H
/* RBAC's PolicyRules: which requests one allows, and whether some rules grant all that others do. Pure functions; the
 * behaviour is that of kubernetes' rbac/v1 evaluation helpers and rbac/validation. */

#include "auth.h"

struct rbac_rule {
	char **verbs, **groups, **resources, **names, **urls; /* NULL-terminated; NULL: none */
};

/* Immutable, reference-counted: an index, a request and a check share them. */
struct rbac_rules {
	atomic_size_t refs;
	struct rbac_rule *list;
	size_t len;
};

/* From an array of PolicyRules (NULL and what has another form count as nothing). One reference. */
struct rbac_rules *rbac_rules_from_json(const json_t *array);
struct rbac_rules *rbac_rules_ref(struct rbac_rules *r);
struct rbac_rules *rbac_rules_unref(struct rbac_rules *r);
DEFINE_CLEANUP(struct rbac_rules *, rbac_rules_unref)
/* An array of PolicyRules; a new reference. */
json_t *rbac_rules_to_json(const struct rbac_rules *r);

bool rbac_rule_allows(const struct rbac_rule *rule, const struct auth_attributes *a);
bool rbac_rules_allow(const struct rbac_rules *rules, const struct auth_attributes *a);

/* Rules multiply: verbs × groups × resources × names. Beyond so many single permissions a comparison is refused. */
#define RBAC_PERMISSIONS_MAX 200000

/* Whether the owners' rules together allow everything that wanted does. 1 yes; 0 no, and *ret_missing (may be NULL) has
 * the single permissions that are not held, compacted (one reference); negative: ERR_FORBIDDEN, there are too many. */
int rbac_rules_cover(struct rbac_rules *const *owners, size_t owners_len, const struct rbac_rules *wanted,
                     struct rbac_rules **ret_missing, struct err *err);
/* {APIGroups:["apps"], Resources:["deployments"], Verbs:["get"]}: how Kubernetes shows a rule in messages. */
void rbac_rule_describe(const struct rbac_rule *rule, struct buf *out);

#endif
