#ifndef APISERVER_STORE_DB_H
#define APISERVER_STORE_DB_H
/* The store's file: SQLite, WAL, synchronous=FULL. One thread at a time uses it. */

#include "store.h"

struct store_db;

/* One row: an object and where its version stands in its text. Borrowed strings. */
struct store_row {
	int64_t id;
	uint64_t version;
	const char *resource, *ns, *name, *uid;
	const char *labels, *fields; /* "k\0v\0…\0" or NULL */
	const char *text;
	size_t text_len, text_version_offset;
};

/* Takes the lock file, opens or makes the file. */
int store_db_open(const char *path, struct logger *log, struct store_db **ret, struct err *err);
struct store_db *store_db_close(struct store_db *db);

/* The last version given out, durable. */
uint64_t store_db_version(const struct store_db *db);
/* Calls each() with every row; its checksum has been verified. A damaged row or a negative each() ends it. */
int store_db_load(struct store_db *db, int (*each)(void *self, const struct store_row *row, struct err *err),
                  void *self, struct err *err);

/* begin, puts and deletes, then commit (durable when it returns 0) or rollback. After a failed put, delete or commit
 * only a rollback may follow. */
int store_db_begin(struct store_db *db, struct err *err);
int store_db_put(struct store_db *db, const struct store_row *row,
                 struct err *err); /* a new id inserts, a known one replaces */
int store_db_delete(struct store_db *db, int64_t id, struct err *err);
int store_db_commit(struct store_db *db, uint64_t version, struct err *err);
void store_db_rollback(struct store_db *db);

/* Moves the write-ahead log into the file when it is larger than so many bytes. Failing is harmless. */
void store_db_checkpoint(struct store_db *db, size_t larger_than);

/* Length of a "k\0v\0…\0" list with its last NUL; 0 for NULL. */
size_t store_pairs_size(const char *pairs);
/* Value of a name in such a list, or NULL. */
const char *store_pairs_get(const char *pairs, const char *name);

#endif
