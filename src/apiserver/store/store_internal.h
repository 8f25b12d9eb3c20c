#ifndef APISERVER_STORE_INTERNAL_H
#define APISERVER_STORE_INTERNAL_H
/* What the store's own files share. Lock order: watch_lock, then lock; queue_lock stands alone. */

#include "base/map.h"
#include "base/thread.h"
#include "store_db.h"
#include "store_index.h"

#define STORE_MARKS 10

/* A store_object as the store makes it: where its row is and where its version stands in its text. */
struct store_cell {
	struct store_object object; /* first */
	int64_t row_id;
	size_t text_version_offset;
};

struct store_resource {
	char *name;
	struct store_index index;    /* guarded by lock */
	struct store_watch *watches; /* guarded by watch_lock */
};

/* The last changes, oldest first, in a ring. */
struct store_history {
	struct store_change *ring;
	size_t start, len, cap; /* cap is a power of two */
	size_t len_max, bytes, bytes_max;
	uint64_t floor; /* changes behind this version are all here */
	/* The store's version at the last STORE_MARKS ticks, for ageing. */
	uint64_t marks[STORE_MARKS];
	int64_t tick_ns, next_tick_ns;
};

struct store_queued {
	struct store_write write;
	struct store_queued *next;
};

struct store {
	struct logger *log;
	const struct store_keys *keys;
	struct store_db *db; /* the committer's */
	int64_t next_row_id; /* the committer's */
	atomic_size_t stale; /* rows to be sealed anew */
	/* The committer's: rows are being sealed anew; writes that failed in a row, and when that was last said. */
	bool reencrypting;
	unsigned keys_generation; /* of those with which it was begun */
	int64_t reencrypt_ns;     /* not before */
	size_t failing;
	int64_t complained_ns;

	pthread_rwlock_t lock;
	struct map *resources; /* name → struct store_resource; never removed */
	struct store_history history;
	uint64_t version;

	pthread_mutex_t watch_lock;
	struct store_watch *all_watches; /* of every resource */
	uint64_t dispatched;             /* the watches know of everything up to here */

	pthread_mutex_t queue_lock;
	pthread_cond_t queue_cond;
	struct store_queued *queue, **queue_tail;
	bool stopping, reseal;
	pthread_t committer;
	bool committer_runs;

	struct metric *commits, *commit_seconds, *writes, *failed_writes, *objects, *history_len;
};

/* A new object with one reference; copies the strings, takes text over. resource must outlive it. */
struct store_object *store_object_new(const struct store_row *row, const char *resource, struct bytes *text);
struct store_cell *store_cell_of(struct store_object *o);
/* Its row, plain, borrowed from it. */
struct store_row store_object_row(struct store_object *o);

/* With lock held for reading (NULL when there is none yet) or writing (made). */
struct store_resource *store_resource_find(struct store *s, const char *name);
struct store_resource *store_resource_get(struct store *s, const char *name);

void store_history_init(struct store_history *h, const struct store_config *config, uint64_t version);
void store_history_done(struct store_history *h);
/* Takes the references in change over. */
void store_history_append(struct store_history *h, const struct store_change *change);
/* Drops what is too old; call now and then. */
void store_history_age(struct store_history *h, uint64_t version, int64_t now_ns);
/* Position (from the oldest) of the first change behind a version. */
size_t store_history_find(const struct store_history *h, uint64_t version);
const struct store_change *store_history_at(const struct store_history *h, size_t i);

/* Tells the watches of the change; on the committer's thread. */
void store_watch_dispatch(struct store *s, const struct store_change *change, struct store_resource *resource);

void *store_committer_main(void *arg);

#endif
