#ifndef KUBE_STATUS_H
#define KUBE_STATUS_H
/* How a controller writes the status of what it reconciles. */

#include "kube/client.h"
#include "kube/informer.h"

/* Writes the status into obj, as the pass read it, through the status subresource. Nothing is sent when it is there
 * already. informer (may be NULL) takes in the answer. *ret (may be NULL) is a new reference to the object as it is
 * now.
 *
 * Passes take long and others write meanwhile: an annotation every few milliseconds would otherwise keep a status from
 * ever being written. So a conflict is only one when the status, the generation or the object itself is another now
 * (ERR_CONFLICT); else the status is written to the newer version. */
int kube_write_status(struct kube_client *c, const struct kube_type *type, struct kube_informer *informer,
                      const json_t *obj, const json_t *status, json_t **ret, struct err *err);

#endif
