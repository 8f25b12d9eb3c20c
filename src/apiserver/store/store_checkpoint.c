/* Moving the write-ahead log into the file, off the way of the writes: a thread with a connection of its own copies the
 * pages while the committer goes on appending; when hardly any are left, the committer itself copies those and has the
 * log begin anew. */
#include "base/clock.h"
#include "base/fault.h"
#include "store_db_internal.h"
#include "store_vfs.h"

/* In pages of the log: when to copy, how many may be left for the committer, when it copies all whatever it takes. */
#define START_PAGES ((size_t)4 * 1024 * 1024 / STORE_PAGE_SIZE)
#define START_IDLE_PAGES ((size_t)256 * 1024 / STORE_PAGE_SIZE)
#define LEFT_PAGES ((size_t)256 * 1024 / STORE_PAGE_SIZE)
#define FORCE_PAGES ((size_t)64 * 1024 * 1024 / STORE_PAGE_SIZE)
/* After a checkpoint that failed. */
#define RETRY_NS NS_PER_S

struct store_checkpointer {
	struct store_db *db;
	sqlite3 *sql;
	pthread_t thread;
	bool runs;
	pthread_mutex_t lock;
	pthread_cond_t cond;
	bool stopping, wanted;
	size_t copied;    /* pages of the present log that are in the file */
	int64_t retry_ns; /* not before; the committer's */
	bool warned;
};

static void copy_pages(struct store_checkpointer *c)
{
	int log = 0, done = 0;

	(void)fault_point("store.checkpoint.begin");
	int r = sqlite3_wal_checkpoint_v2(c->sql, NULL, SQLITE_CHECKPOINT_PASSIVE, &log, &done);
	MUTEX_GUARD(&c->lock);
	c->wanted = false;
	if (r == SQLITE_OK && done > 0)
		c->copied = (size_t)done;
	else
		log_debug(c->db->log, "store %s: checkpoint: %s", c->db->path, sqlite3_errmsg(c->sql));
}

static void *checkpointer_main(void *arg)
{
	struct store_checkpointer *c = arg;

	for (;;) {
		pthread_mutex_lock(&c->lock);
		while (!c->wanted && !c->stopping)
			cond_wait_until(&c->cond, &c->lock, -1);
		bool stop = c->stopping;
		pthread_mutex_unlock(&c->lock);
		if (stop)
			return NULL;
		copy_pages(c);
	}
}

int store_checkpointer_start(struct store_db *db, struct err *err)
{
	struct store_checkpointer *c = db->checkpointer = new0(struct store_checkpointer);

	c->db = db;
	pthread_mutex_init(&c->lock, NULL);
	cond_init_mono(&c->cond);
	if (sqlite3_open_v2(db->path, &c->sql, SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX, store_vfs_name()) != SQLITE_OK)
		return store_sql_error(c->sql, db->path, "opening", err);
	/* Without these its close would take itself for the last user and its sync for unimportant. */
	if (store_sql_run(c->sql, db->path, "PRAGMA synchronous=FULL; PRAGMA wal_autocheckpoint=0; PRAGMA cache_size=-64;",
	                  "opening", err) < 0)
		return -1;
	if (thread_start(&c->thread, "store-ckpt", checkpointer_main, c, err) < 0)
		return -1;
	c->runs = true;
	return 0;
}

struct store_checkpointer *store_checkpointer_stop(struct store_checkpointer *c)
{
	if (!c)
		return NULL;
	if (c->runs) {
		pthread_mutex_lock(&c->lock);
		c->stopping = true;
		pthread_cond_signal(&c->cond);
		pthread_mutex_unlock(&c->lock);
		pthread_join(c->thread, NULL);
	}
	sqlite3_close(c->sql);
	pthread_mutex_destroy(&c->lock);
	pthread_cond_destroy(&c->cond);
	free(c);
	return NULL;
}

/* Copies the rest and lets the log begin anew. */
static void finish(struct store_db *db)
{
	struct store_checkpointer *c = db->checkpointer;

	(void)fault_point("store.checkpoint.finish");
	int r = sqlite3_wal_checkpoint_v2(db->sql, NULL, SQLITE_CHECKPOINT_RESTART, NULL, NULL);
	if (r == SQLITE_OK) {
		MUTEX_GUARD(&c->lock);
		db->wal_pages = c->copied = 0;
		c->warned = false;
		return;
	}
	/* Busy: the thread is at it. */
	c->retry_ns = clock_mono_ns() + RETRY_NS;
	if (r != SQLITE_BUSY && !c->warned) {
		c->warned = true;
		log_warn(db->log, "store %s: the log cannot be moved into the file: %s; it grows until that works", db->path,
		         sqlite3_errmsg(db->sql));
	}
}

void store_db_tick(struct store_db *db, bool idle)
{
	struct store_checkpointer *c = db->checkpointer;

	if (db->wal_pages < (idle ? START_IDLE_PAGES : START_PAGES) || clock_mono_ns() < c->retry_ns)
		return;
	pthread_mutex_lock(&c->lock);
	bool busy = c->wanted;
	size_t left = db->wal_pages > c->copied ? db->wal_pages - c->copied : 0;
	if (!busy && left > LEFT_PAGES) {
		c->wanted = true;
		pthread_cond_signal(&c->cond);
	}
	pthread_mutex_unlock(&c->lock);
	if (!busy && (left <= LEFT_PAGES || db->wal_pages > FORCE_PAGES))
		finish(db);
}

void store_db_checkpoint(struct store_db *db)
{
	db->checkpointer->retry_ns = 0;
	finish(db);
}
