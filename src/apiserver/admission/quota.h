#ifndef APISERVER_QUOTA_H
#define APISERVER_QUOTA_H
/* ResourceQuota: how much a namespace may hold. Decided by the committer at the very moment of a write, against what
 * is stored then, so that no number of concurrent writers gets past a limit. docs/internals/admission.md */

#include "base/err.h"
#include "base/log.h"
#include "codec/json.h"
#include "store/store.h"
#include "types/registry.h"

/* ---- amounts and charges (quota_measure.c): pure functions ---- */

/* Of one resource name ("pods", "requests.cpu", "count/deployments.scia.io"), in thousandths. */
struct quota_amount {
	char *name;
	int64_t milli;
	bool binary; /* written with Ki, Mi, … */
};
struct quota_amounts {
	struct quota_amount *list;
	size_t len;
};
void quota_amounts_clear(struct quota_amounts *a);
/* NULL when absent. */
const struct quota_amount *quota_amounts_get(const struct quota_amounts *a, const char *name);
/* Adds to what is there; saturates. */
void quota_amounts_add(struct quota_amounts *a, const char *name, int64_t milli, bool binary);
/* From a map of quantities; malformed ones are left out. */
struct quota_amounts quota_amounts_of(const json_t *map);
#define QUOTA_TEXT_SIZE 40
/* As Kubernetes writes quantities: 500m, 1k, 2Gi. */
const char *quota_amount_text(int64_t milli, bool binary, char ret[static QUOTA_TEXT_SIZE]);

/* What of a pod decides which quotas count it; of other objects nothing is set. */
struct quota_traits {
	bool pod, terminating, best_effort, cross_namespace;
	char *priority_class; /* "": none */
};
/* What one object uses. */
struct quota_usage {
	struct quota_amounts amounts;
	struct quota_traits traits;
};
/* resource: the store's name. False for resources that are only counted: the store knows how many there are. */
bool quota_is_measured(const char *resource);
void quota_usage_of(const char *resource, const json_t *obj, struct quota_usage *ret);
void quota_usage_clear(struct quota_usage *u);
/* quota_usage_text.c. As a text that the store keeps with the object, in a hidden field (free()); NULL: too long. */
#define QUOTA_USAGE_FIELD "@usage"
char *quota_usage_text(const struct quota_usage *u);
/* False for what is not such a text, or one of a program that measured differently. */
bool quota_usage_read(const char *text, struct quota_usage *ret);
/* For each compute resource of hard that containers of the pod do not name: "must specify limits.cpu for: a,b; …"
 * (free()), or NULL. */
char *quota_pod_lacks(const json_t *pod, const struct quota_amounts *hard);
/* The store's resource that a name counts ("count/things.example.org", "secrets"), free(); NULL: it is measured, or
 * unknown. */
char *quota_counted_resource(const char *name);

/* ---- scopes (quota_scope.c) ---- */

struct quota_scopes;
/* spec.scopes and spec.scopeSelector of a ResourceQuota; never NULL. */
struct quota_scopes *quota_scopes_new(const json_t *spec);
struct quota_scopes *quota_scopes_free(struct quota_scopes *s);
bool quota_scopes_match(const struct quota_scopes *s, const struct quota_traits *traits);

/* ---- the quotas of all namespaces (quota.c) ---- */

struct quotas;
/* on_dirty (on the committer's thread, may not block): the usage of the namespace may have changed. */
int quotas_start(struct store *store, struct quotas **ret, struct err *err);
void quotas_set_on_dirty(struct quotas *q, void (*on_dirty)(void *self, const char *ns), void *self);
struct quotas *quotas_stop(struct quotas *q);

/* What a write adds: *ret is NULL when no quota has a say in it. obj and old are in the storage version; old NULL:
 * create. ERR_FORBIDDEN when a pod does not say how much it needs though a quota wants to know. */
struct quota_charge;
int quota_charge_new(struct quotas *q, const struct api_type *t, const char *ns, const char *name, const json_t *obj,
                     const json_t *old, struct quota_charge **ret, struct err *err);
/* Gives back what was reserved, too. NULL is fine. */
struct quota_charge *quota_charge_free(struct quota_charge *c);
/* Whether it fits: ERR_FORBIDDEN in Kubernetes' words. With a view (in a guard), what it adds is reserved until the
 * charge is freed, which must be after on_change told of the write or the write failed. view NULL: only looks. */
int quota_charge_admit(struct quota_charge *c, struct store_view *view, struct err *err);

/* status of a ResourceQuota as it should be: {hard, used}, a new reference; NULL when there is no such quota. */
json_t *quotas_status(struct quotas *q, const char *ns, const char *name);
/* The names of the quotas of a namespace (strv_free()); NULL: none. */
char **quotas_names(struct quotas *q, const char *ns);

#endif
