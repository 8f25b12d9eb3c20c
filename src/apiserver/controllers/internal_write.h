#ifndef APISERVER_INTERNAL_WRITE_H
#define APISERVER_INTERNAL_WRITE_H
/* Writes of the server's own: past authorisation and field management, with the same rules for metadata. They wait for
 * the commit. Objects are in the storage version. */

#include "types/registry.h"
#include "store/store.h"

struct apiserver;

/* The write of obj over current (NULL: create), to be submitted. */
struct store_write internal_write(const struct api_type *t, const struct store_object *current, json_t *obj);
/* Creates it unless it is there: 0 created, 1 there already. Fills in what the server sets. */
int internal_create(struct apiserver *s, const struct api_type *t, json_t *obj, struct err *err);
/* The same in a batch: whether it could be written, the batch tells. For the start, before there are requests. */
void internal_create_in(struct store_batch *b, struct apiserver *s, const struct api_type *t, json_t *obj);
/* Writes obj over current, or deletes it when it is being deleted and nothing holds it any more. Nothing is written
 * when nothing changed. ERR_CONFLICT when somebody was faster, ERR_NOT_FOUND when it is gone. */
int internal_update(struct apiserver *s, const struct api_type *t, const struct store_object *current, json_t *obj,
                    struct err *err);
/* Creates CRDs from YAML, or brings their spec, labels and annotations up to date. yamls may be NULL. */
int internal_apply_crds(struct apiserver *s, const char *const *yamls, struct err *err);

#endif
