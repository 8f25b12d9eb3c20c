#ifndef APISERVER_INTERNAL_WRITE_H
#define APISERVER_INTERNAL_WRITE_H
/* Writes of the server's own: past field management, with the same rules for metadata, and as somebody, whom RBAC must
 * allow them (internal_identity.h). They wait for the commit. Objects are in the storage version. */

#include "internal_identity.h"
#include "types/registry.h"
#include "store/store.h"

struct apiserver;

/* The write of obj over current (NULL: create), to be submitted. */
struct store_write internal_write(const struct api_type *t, const struct store_object *current, json_t *obj);
/* Creates it unless it is there: 0 created, 1 there already. Fills in what the server sets. */
int internal_create(struct apiserver *s, const struct internal_identity *as, const struct api_type *t, json_t *obj,
                    struct err *err);
/* The same in a batch: whether it could be written, the batch tells. For the start, before there are requests: by
 * nobody. */
void internal_create_in(struct store_batch *b, struct apiserver *s, const struct api_type *t, json_t *obj);
/* Writes obj over current, or deletes it when it is being deleted and nothing holds it any more. Nothing is written
 * when nothing changed. ERR_CONFLICT when somebody was faster, ERR_NOT_FOUND when it is gone. */
int internal_update(struct apiserver *s, const struct internal_identity *as, const struct api_type *t,
                    const struct store_object *current, json_t *obj, struct err *err);
/* Deletes it at once, if it is still as it was; errors as above. */
int internal_delete(struct apiserver *s, const struct internal_identity *as, const struct api_type *t,
                    const struct store_object *current, struct err *err);
/* Creates CRDs from YAML or JSON, or brings their spec, labels and annotations up to date. texts may be NULL. */
int internal_apply_crds(struct apiserver *s, const char *const *texts, struct err *err);

#endif
