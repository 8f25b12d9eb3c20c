#ifndef APISERVER_WORKERS_H
#define APISERVER_WORKERS_H
/* A small pool of threads for work that is too long for an event thread. */

#include "base/err.h"

struct workers;

int workers_start(size_t threads, struct workers **ret, struct err *err);
/* Finishes what was queued. Returns NULL. */
struct workers *workers_stop(struct workers *w);
/* Never blocks. After workers_stop() began, run() is still called, by the thread that stops. */
void workers_submit(struct workers *w, void (*run)(void *arg), void *arg);

#endif
