#ifndef APISERVER_MANAGED_FIELDS_H
#define APISERVER_MANAGED_FIELDS_H
/* metadata.managedFields as sets: decoding, encoding, taking fields from managers. */

#include "apply.h"
#include "field_set_internal.h"

#define MANAGED_ENTRIES_MAX 1000

/* Who set what: by manager, operation, subresource and, for updates, version. */
struct managed_entry {
	char *manager, *api_version, *subresource; /* subresource "": none */
	bool applied;
	char *time; /* NULL: none */
	struct field_set *set;
};

struct managed {
	struct managed_entry *entries;
	size_t len;
};

/* From an object; false (and nothing in ret) when they are malformed. */
bool managed_decode(const json_t *obj, struct managed *ret);
/* Sorted as Kubernetes sorts them; without entries the member is removed. */
void managed_encode(struct managed *m, json_t *obj);
void managed_clear(struct managed *m);
/* The entry of the request's manager, or NULL; made when missing by _ensure(), with an empty set. */
struct managed_entry *managed_find(const struct managed *m, const struct apply_request *request, const char *manager, bool applied);
struct managed_entry *managed_ensure(struct managed *m, const struct apply_request *request, const char *manager, bool applied);
void managed_drop_empty(struct managed *m);
/* Schema changes since the entries were written. */
void managed_reconcile(struct managed *m, const struct schema *schema);
/* Others than `self` (may be NULL) lose what was changed, added or removed. */
void managed_yield(struct managed *m, const struct managed_entry *self, const struct field_comparison *c);
void managed_set_time(struct managed_entry *e, int64_t wall_ns);
/* The request's part of a comparison or set: /status concerns status only, everything else all but status, when the type
 * has that subresource. */
void managed_filter(const struct apply_request *request, struct field_comparison *c);
struct field_set *managed_filter_set(const struct apply_request *request, const struct field_set *s);
/* An update's ownership: old (NULL: created) becomes obj. True when the manager owns anything new. */
void managed_update(struct managed *m, const struct apply_request *request, const char *manager, const json_t *old, const json_t *obj);

#endif
