#ifndef KUBE_OBJECT_CACHE_H
#define KUBE_OBJECT_CACHE_H
/* The objects of an informer: compact text by key, with indexes. Thread-safe; one thread (the reflector) feeds it what
 * lists and watches say, any thread reads and may put in what came back from its own writes ("observed").
 *
 * A reader may thus see an object newer than what the watch has delivered so far. So that handlers still hear of every
 * step, an entry remembers the text that was announced last. Private to this folder. */

#include "base/err.h"
#include "codec/json.h"

struct object_cache;

struct object_cache *object_cache_new(void);
struct object_cache *object_cache_free(struct object_cache *c);
/* Before the first object. index() appends values to a strv. */
void object_cache_add_index(struct object_cache *c, const char *name, void (*index)(const json_t *obj, char ***values));

/* What handlers are to be told: new references, NULL where there was or is none. */
struct object_change {
	json_t *old_obj, *new_obj;
};
void object_change_clear(struct object_change *change);

/* From a watch: ADDED and MODIFIED, DELETED. obj is changed (managedFields go). True when there is something to tell.
 */
bool object_cache_apply(struct object_cache *c, json_t *obj, struct object_change *ret);
bool object_cache_delete(struct object_cache *c, json_t *obj, struct object_change *ret);
/* How far lists and watches have come. */
void object_cache_set_version(struct object_cache *c, const char *resource_version);

/* A list: begin, each item, end. What was not among the items is gone then; tell() is called for each such object. */
void object_cache_sweep_begin(struct object_cache *c);
bool object_cache_sweep_item(struct object_cache *c, json_t *obj, struct object_change *ret);
void object_cache_sweep_end(struct object_cache *c, const char *list_version,
                            void (*tell)(void *self, const struct object_change *change), void *self);

/* The answer to a write of ours; ignored when it is older than what is known, the object's deletion included. */
void object_cache_observe(struct object_cache *c, const json_t *obj);

json_t *object_cache_get(struct object_cache *c, const char *ns, const char *name);
json_t *object_cache_list(struct object_cache *c, const char *ns);
json_t *object_cache_by_index(struct object_cache *c, const char *index_name, const char *value);
size_t object_cache_len(struct object_cache *c);

#endif
