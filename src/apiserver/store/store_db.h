#ifndef APISERVER_STORE_DB_H
#define APISERVER_STORE_DB_H
/* The store's file: SQLite, WAL, synchronous=FULL. One thread at a time uses it; a thread of its own moves the
 * write-ahead log into the file meanwhile (store_checkpoint.c). */

#include "store.h"
#include "store_row.h"

struct store_db;

/* Takes the lock file, opens or makes the file. keys (may be NULL) must outlive it. */
int store_db_open(const char *path, const struct store_keys *keys, struct logger *log, struct store_db **ret,
                  struct err *err);
struct store_db *store_db_close(struct store_db *db);

/* The last version given out, durable. */
uint64_t store_db_version(const struct store_db *db);
/* Calls each() with every row, opened; its checksum has been verified. A damaged row or a negative each() ends it. */
int store_db_load(struct store_db *db, int (*each)(void *self, const struct store_row *row, struct err *err),
                  void *self, struct err *err);

/* begin, puts and deletes, then commit (durable when it returns 0) or rollback. After a failed put, delete or commit
 * only a rollback may follow. ERR_INSUFFICIENT_STORAGE: the disk is full; later ones may succeed. Once an fsync has
 * failed, the outcome of that commit is unknown, and every later begin is ERR_UNAVAILABLE. */
int store_db_begin(struct store_db *db, struct err *err);
/* A new id inserts, a known one replaces. The row is plain; it is sealed here when its resource is encrypted. */
int store_db_put(struct store_db *db, const struct store_row *row, struct err *err);
int store_db_delete(struct store_db *db, int64_t id, struct err *err);
int store_db_commit(struct store_db *db, uint64_t version, struct err *err);
void store_db_rollback(struct store_db *db);
/* True once an fsync has failed; any thread. */
bool store_db_is_failed(const struct store_db *db);

/* Seals up to so many rows anew that are sealed with another key than today's, or not at all. 1: there may be more,
 * 0: all are. One transaction, durable on return. */
int store_db_reencrypt(struct store_db *db, size_t max, struct err *err);
/* From the first row again: the keys are other ones. */
void store_db_reencrypt_again(struct store_db *db);
/* How many were found so by store_db_load(). */
size_t store_db_stale(const struct store_db *db);

/* Rewrites the file without free pages. ERR_INSUFFICIENT_STORAGE: it needs its size again meanwhile. */
int store_db_compact(struct store_db *db, struct err *err);

/* Call after each commit and now and then: has the log moved into the file when that is due (idle: also when it is
 * small). Returns without waiting for that, but when the log became far too large. */
void store_db_tick(struct store_db *db, bool idle);
/* Moves the log into the file now, so that its space can be used again. Failing is harmless. */
void store_db_checkpoint(struct store_db *db);

#endif
