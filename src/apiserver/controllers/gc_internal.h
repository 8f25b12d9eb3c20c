#ifndef APISERVER_GC_INTERNAL_H
#define APISERVER_GC_INTERNAL_H
/* The garbage collector's parts: the index of who depends on whom (gc_index.c), what becomes of an object (gc.c), and
 * what people are told (gc_event.c). */

#include "base/map.h"
#include "controllers.h"
#include "internal_identity.h"
#include "loop.h"
#include "store/store.h"
#include "types/registry.h"

#define GC_FOREGROUND "foregroundDeletion"
#define GC_ORPHAN "orphan"

static const struct internal_identity COLLECTOR = { INTERNAL_ACCOUNT("generic-garbage-collector"), NULL };

struct gc {
	struct apiserver *server;
	struct loop *loop;
	struct store_watch *watch;
	pthread_mutex_t lock;
	struct map *dependents; /* owner's uid → map of dependents' keys; with lock */
	struct map *waiting;    /* uid of an owner that waits for its dependents → its key; with lock */
};

/* ---- the index; keys are "RESOURCE\nNAMESPACE\nNAME" ---- */

void gc_index_init(struct gc *g);
void gc_index_done(struct gc *g);
/* Everything stored as of this version. */
int gc_index_load(struct gc *g, uint64_t version, struct err *err);
/* For store_watch(): keeps the index and queues what is to be looked at. */
void gc_index_change(void *gc, const struct store_change *c);
/* Keys of the dependents of an object; free with strv_free(). */
char **gc_index_dependents(struct gc *g, const char *uid);
/* Keeps empty parts, unlike str_split(). False when malformed. */
bool gc_split_key(char *key, const char **ret_resource, const char **ret_ns, const char **ret_name);

/* ---- events ---- */

/* An owner that is not where the reference says, but lives in another namespace, or where it cannot be: a warning about
 * the dependent, once for each owner. */
void gc_report_namespace(struct gc *g, const struct api_type *type, const json_t *dependent, const json_t *ref);

#endif
