#ifndef KUBE_INFORMER_H
#define KUBE_INFORMER_H
/* A local, watched copy of one type: list, then watch from there; resumes, relists on 410, backs off when the server
 * is away. Handlers get keys, not events. One reflector thread per informer.
 *
 * Objects are kept as compact text (without managedFields) and parsed when asked for, so that a thousand cached objects
 * cost what their bytes cost and a reader owns what it gets: there is no shared mutable value. */

#include "kube/client.h"
#include "base/log.h"
#include "base/metrics.h"

struct kube_informer;

struct kube_informer_config {
	struct kube_client *client;
	const struct kube_type *type;
	const char *ns;     /* NULL: all */
	const char *labels; /* selector, NULL: all */
	struct logger *log;
	struct metrics *metrics; /* may be NULL */
	int64_t resync_ns;       /* every object's handlers are called again this often; 0: never */
};

struct kube_informer *kube_informer_new(const struct kube_informer_config *config);

/* Called on the reflector thread for each object that was added, changed or deleted (then gone from the cache already);
 * must not block. old and new are borrowed parsed values (NULL: was not / is no more there). Register before the start.
 */
typedef void (*kube_informer_handler)(void *self, const json_t *old_obj, const json_t *new_obj);
void kube_informer_add_handler(struct kube_informer *i, kube_informer_handler handler, void *self);
/* Makes objects findable by what index() appends to values (strv_push). Register before the start. */
void kube_informer_add_index(struct kube_informer *i, const char *index_name,
                             void (*index)(const json_t *obj, char ***values));
/* The standard index "owner": the uid of the controlling owner. */
void kube_index_by_owner(const json_t *obj, char ***values);

int kube_informer_start(struct kube_informer *i, struct err *err);
/* True once the first list is in the cache; waits until the monotonic deadline. */
bool kube_informer_wait_synced(struct kube_informer *i, int64_t deadline_ns);
/* Stops the thread and frees. */
struct kube_informer *kube_informer_stop(struct kube_informer *i);

/* A new reference, the caller's own; NULL when not there. */
json_t *kube_informer_get(struct kube_informer *i, const char *ns, const char *name);
/* New arrays, ordered by namespace and name. ns NULL or "": all. */
json_t *kube_informer_list(struct kube_informer *i, const char *ns);
json_t *kube_informer_by_index(struct kube_informer *i, const char *index_name, const char *value);
size_t kube_informer_count(struct kube_informer *i);
/* A write of ours came back: the cache takes it in at once if it is newer, so that the next pass reads its own write.
 */
void kube_informer_observe(struct kube_informer *i, const json_t *obj);

#endif
