#ifndef APISERVER_LOOP_H
#define APISERVER_LOOP_H
/* A control loop within the server: a thread that reconciles keys from a queue, with retries. */

#include "base/err.h"
#include "base/metrics.h"
#include "base/log.h"

struct loop;

/* Makes the world fit the key. 0 done; negative: again after a back-off. *ret_after_ns > 0: again after that long. */
typedef int (*loop_reconcile)(void *self, const char *key, int64_t *ret_after_ns, struct err *err);

int loop_start(const char *name, loop_reconcile reconcile, void *self, struct logger *log, struct loop **ret,
               struct err *err);
/* Never block; from any thread. */
void loop_add(struct loop *l, const char *key);
void loop_add_after(struct loop *l, const char *key, int64_t delay_ns);
/* Waits for the pass under way. Returns NULL. */
struct loop *loop_stop(struct loop *l);

#endif
