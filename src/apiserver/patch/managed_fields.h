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

/* By manager, operation (applies first), version, subresource. */
int managed_identity_order(const struct managed_entry *x, const struct managed_entry *y);
/* From an object; false (and nothing in ret) when they are malformed. */
bool managed_decode(const json_t *obj, struct managed *ret);
/* Sorted as Kubernetes sorts them; without entries the member is removed. */
void managed_encode(struct managed *m, json_t *obj);
void managed_clear(struct managed *m);
void managed_entry_clear(struct managed_entry *e);
/* The entry of the request's manager, or NULL; made when missing by _ensure(), with an empty set. */
struct managed_entry *managed_find(const struct managed *m, const struct apply_request *request, const char *manager,
                                   bool applied);
struct managed_entry *managed_ensure(struct managed *m, const struct apply_request *request, const char *manager,
                                     bool applied);
void managed_drop_empty(struct managed *m);
/* Schema changes since the entries were written; managers of versions that are no more are dropped. */
void managed_reconcile(struct managed *m, const struct apply_request *request);

/* What a write changes, as each version of the type sees it. */
struct managed_view {
	const char *api_version; /* borrowed */
	struct field_comparison changes;
};
struct managed_changes {
	const struct apply_request *request;
	const json_t *before, *after; /* borrowed, in the request's version; before NULL: created */
	struct managed_view *views;   /* the first is the request's version */
	size_t len;
};
void managed_changes_init(struct managed_changes *c, const struct apply_request *request, const json_t *before,
                          const json_t *after);
void managed_changes_done(struct managed_changes *c);
/* Computed when first asked for; borrowed until the next call. Without what the request's resource does not write
 * (status). */
const struct field_comparison *managed_changes_in(struct managed_changes *c, const char *api_version);

/* Others than `self` (may be NULL) lose what was changed, added or removed. */
void managed_yield(struct managed *m, const struct managed_entry *self, struct managed_changes *c);
void managed_set_time(struct managed_entry *e, int64_t wall_ns);
/* The request's part of a set: /status concerns status only, everything else all but status, when the type has that
 * subresource. */
struct field_set *managed_filter_set(const struct apply_request *request, const struct field_set *s);
/* obj as another version of its type has it, a new reference, and the schema there; false when that cannot be had. */
bool managed_convert(const struct apply_request *request, const json_t *obj, const char *from, const char *to,
                     json_t **ret, const struct schema **ret_schema);
/* An update's ownership: old (NULL: created) becomes obj. True when the manager owns anything new. */
void managed_update(struct managed *m, const struct apply_request *request, const char *manager, const json_t *old,
                    const json_t *obj);

#endif
