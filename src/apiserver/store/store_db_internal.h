#ifndef APISERVER_STORE_DB_INTERNAL_H
#define APISERVER_STORE_DB_INTERNAL_H
/* What the files of the database layer share. */

#include "base/thread.h"
#include "store_db.h"
#include "store_keys.h"

#include <sqlite3.h>

#define STORE_FORMAT 2
#define STORE_APPLICATION_ID 0x53434941 /* "SCIA" */
#define STORE_PAGE_SIZE 4096
#define STORE_COLUMNS "id,resource,ns,name,version,uid,labels,fields,text,version_offset,checksum,key"

struct store_checkpointer;

struct store_db {
	sqlite3 *sql;
	sqlite3_stmt *begin, *put, *del, *set_version, *commit, *rollback;
	int lock_fd;
	size_t wal_pages; /* in the log, as of the last commit */
	uint64_t version;
	size_t stale;       /* rows to be sealed anew, when loaded */
	int64_t stale_next; /* the row from which store_db_reencrypt() goes on */
	atomic_bool failed; /* an fsync failed */
	const struct store_keys *keys;
	struct store_checkpointer *checkpointer;
	char *path;
	struct logger *log;
};

DEFINE_CLEANUP(sqlite3_stmt *, sqlite3_finalize)

/* The error of the last call on a connection, in words that say what to do. */
int store_sql_error(sqlite3 *sql, const char *path, const char *doing, struct err *err);
/* True when the last call failed in an fsync, for another reason than a full disk. */
bool store_sql_sync_failed(sqlite3 *sql);
int store_sql_run(sqlite3 *sql, const char *path, const char *statements, const char *doing, struct err *err);
/* The first column of the first row; unchanged without one. */
int store_sql_int(sqlite3 *sql, const char *path, const char *query, int64_t *ret, struct err *err);
/* The newest version given out; 0 in a new store. ERR_INTERNAL when its checksum is wrong. */
int store_sql_version(sqlite3 *sql, const char *path, uint64_t *ret, struct err *err);

/* A row of "SELECT STORE_COLUMNS", borrowed until the next step. False: its checksum or form is wrong (what could be
 * read of it is there; strings may be NULL). */
bool store_row_read(sqlite3_stmt *stmt, struct store_row *ret);

/* How often keys were used (store_uses.c): at the start; within a transaction, when there is something to say; after
 * one that was not committed. */
int store_uses_load(struct store_db *db, struct err *err);
int store_uses_save(struct store_db *db, struct err *err);
void store_uses_rolled_back(struct store_db *db);

int store_checkpointer_start(struct store_db *db, struct err *err);
struct store_checkpointer *store_checkpointer_stop(struct store_checkpointer *c);

#endif
