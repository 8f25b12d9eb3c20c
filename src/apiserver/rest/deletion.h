#ifndef APISERVER_DELETION_H
#define APISERVER_DELETION_H
/* What deleting means: finalizers and propagation first, then the object goes. Used by requests and by the server's own
 * controllers. */

#include "request.h"
#include "store/store.h"

/* Marks obj (a copy of the present state in the storage version) as being deleted, with the propagation policy as a
 * finalizer. True: nothing holds it, it may go at once. */
bool deletion_mark(const struct api_type *t, json_t *obj, enum propagation propagation);

/* Deletes one object, waiting for it; uid may be NULL. Not there is success. */
int deletion_run(struct apiserver *s, const struct api_type *t, const char *ns, const char *name, const char *uid,
                 enum propagation propagation, struct err *err);
/* Deletes just this state of an object: ERR_CONFLICT when it has changed, ERR_NOT_FOUND when it is gone. */
int deletion_run_exactly(struct apiserver *s, const struct api_type *t, const struct store_object *o,
                         enum propagation propagation, struct err *err);
/* Deletes all of a list, in groups; the first error, if any, after all were tried. */
int deletion_run_all(struct apiserver *s, const struct api_type *t, const struct store_list *list,
                     enum propagation propagation, struct err *err);

#endif
