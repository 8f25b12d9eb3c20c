#ifndef APISERVER_LOOP_H
#define APISERVER_LOOP_H
/* A control loop within the server: threads that reconcile keys from a queue, with retries; a key is never with two of
 * them at once. */

#include "base/err.h"
#include "base/metrics.h"
#include "base/log.h"

struct loop;

/* Makes the world fit the key. 0 done; negative: again after a back-off. *ret_after_ns > 0: again after that long. */
typedef int (*loop_reconcile)(void *self, const char *key, int64_t *ret_after_ns, struct err *err);

int loop_start(const char *name, loop_reconcile reconcile, void *self, struct logger *log, struct loop **ret,
               struct err *err);
/* The same with several threads, at most LOOP_THREADS_MAX. */
#define LOOP_THREADS_MAX 8
int loop_start_wide(const char *name, size_t threads, loop_reconcile reconcile, void *self, struct logger *log,
                    struct loop **ret, struct err *err);
/* Never block; from any thread. */
void loop_add(struct loop *l, const char *key);
void loop_add_after(struct loop *l, const char *key, int64_t delay_ns);
/* Waits for the pass under way. Returns NULL. */
struct loop *loop_stop(struct loop *l);

#endif
