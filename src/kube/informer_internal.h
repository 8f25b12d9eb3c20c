#ifndef KUBE_INFORMER_INTERNAL_H
#define KUBE_INFORMER_INTERNAL_H
/* Private to this folder. */

#include "kube/informer.h"

/* kube_informer_add_handler() whose self lives until the informer is freed, when destroy(self) is called: so that a
 * controller and its informers may be stopped in any order. */
void kube_informer_add_handler_owned(struct kube_informer *i, kube_informer_handler handler, void *self,
                                     void (*destroy)(void *self));
/* The first back-off, which also is what it falls back to; before the start. */
void kube_informer_set_backoff(struct kube_informer *i, int64_t first_ns);

#endif
