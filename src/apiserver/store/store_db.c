#include "store_db_internal.h"

#include "base/fault.h"
#include "base/heap.h"
#include "base/str.h"
#include "store_lock.h"
#include "store_vfs.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <sys/stat.h>

#define HEAP_BESIDE ((size_t)2 * 1024 * 1024) /* types, roles: what every server has */
#define WAL_PAGES_MAX ((size_t)1024 * 1024 * 1024 / STORE_PAGE_SIZE)

/* The log stays as large as it becomes between two checkpoints: writing over it needs no new space and no change of
 * the file's size, which makes its fsync cheaper. */
static const char SETTINGS[] = "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; PRAGMA wal_autocheckpoint=0;"
							   "PRAGMA temp_store=MEMORY; PRAGMA journal_size_limit=8388608;";
static const char TABLES[] =
	"BEGIN IMMEDIATE;"
	"CREATE TABLE objects(id INTEGER PRIMARY KEY, resource TEXT NOT NULL, ns TEXT NOT NULL, name TEXT NOT NULL,"
	" version INTEGER NOT NULL, uid TEXT NOT NULL, labels BLOB, fields BLOB, text BLOB NOT NULL,"
	" version_offset INTEGER NOT NULL, checksum INTEGER NOT NULL, key TEXT);"
	"CREATE TABLE meta(key TEXT PRIMARY KEY, value INTEGER NOT NULL, checksum INTEGER) WITHOUT ROWID;"
	"PRAGMA application_id=0x53434941; PRAGMA user_version=2;"
	"COMMIT;";
/* Format 1 knew no encryption, and no checksum of the version. */
static const char UPGRADE_1[] =
	"BEGIN IMMEDIATE; ALTER TABLE objects ADD COLUMN key TEXT; ALTER TABLE meta ADD COLUMN checksum INTEGER;"
	"PRAGMA user_version=2; COMMIT;";

/* 1 for a new file. */
static int check_format(struct store_db *db, int64_t *ret_format, struct err *err)
{
	int64_t application = 0;

	*ret_format = 0;
	if (store_sql_int(db->sql, db->path, "PRAGMA user_version", ret_format, err) < 0 ||
	    store_sql_int(db->sql, db->path, "PRAGMA application_id", &application, err) < 0)
		return -1;
	if (*ret_format == 0 && application == 0)
		return 1;
	if (application != STORE_APPLICATION_ID)
		return err_set(err, ERR_INTERNAL, "%s is an SQLite file of another program, not a store", db->path);
	if (*ret_format < 1 || *ret_format > STORE_FORMAT)
		return err_set(err, ERR_INTERNAL,
		               "store %s has format %" PRId64 ", this program knows %d: use the newer program", db->path,
		               *ret_format, STORE_FORMAT);
	return 0;
}

static int prepare(struct store_db *db, const char *sql, sqlite3_stmt **ret, struct err *err)
{
	if (sqlite3_prepare_v3(db->sql, sql, -1, SQLITE_PREPARE_PERSISTENT, ret, NULL) != SQLITE_OK)
		return store_sql_error(db->sql, db->path, "preparing", err);
	return 0;
}

static int on_wal_commit(void *self, sqlite3 *sql _unused_, const char *name _unused_, int pages)
{
	struct store_db *db = self;

	db->wal_pages = (size_t)pages;
	return SQLITE_OK;
}

/* A restore that was cut off leaves a mark: what lies there is not to be taken for a whole store. */
static int check_restore(const struct store_db *db, struct err *err)
{
	_cleanup_free_ char *mark = store_restore_mark(db->path);

	if (access(mark, F_OK) == 0)
		return err_set(err, ERR_INTERNAL, "restoring a backup was interrupted (%s): run `scia restore` again", mark);
	return 0;
}

static int open_file(struct store_db *db, struct err *err)
{
	int64_t format;
	int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX;

	/* The mode is set before SQLite creates the file: it holds secrets. */
	int fd = open(db->path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (fd < 0)
		return err_set_errno(err, errno, "opening the store %s", db->path);
	/* Now: closing any descriptor of a file gives up the process' locks on it. */
	close(fd);
	if (sqlite3_open_v2(db->path, &db->sql, flags, store_vfs_name()) != SQLITE_OK)
		return store_sql_error(db->sql, db->path, "opening", err);
	sqlite3_extended_result_codes(db->sql, 1);
	if (store_sql_run(db->sql, db->path, "PRAGMA page_size=4096; PRAGMA cache_size=-2000;", "opening", err) < 0)
		return -1;
	int fresh = check_format(db, &format, err);
	if (fresh < 0 || store_sql_run(db->sql, db->path, SETTINGS, "opening", err) < 0)
		return -1;
	/* Nothing is written to a store that is there: it can be opened and read on a full disk. */
	if (fresh && store_sql_run(db->sql, db->path, TABLES, "preparing the file", err) < 0)
		return -1;
	if (format == 1 && store_sql_run(db->sql, db->path, UPGRADE_1, "bringing the file up to date", err) < 0)
		return -1;
	if (store_sql_version(db->sql, db->path, &db->version, err) < 0)
		return -1;
	sqlite3_wal_hook(db->sql, on_wal_commit, db);
	return store_uses_load(db, err);
}

int store_db_open(const char *path, const struct store_keys *keys, struct logger *log, struct store_db **ret,
                  struct err *err)
{
	struct store_db *db = new0(struct store_db);

	db->path = xstrdup(path);
	db->keys = keys;
	db->log = log;
	db->lock_fd = -1;
	if (store_lock_take(path, &db->lock_fd, err) < 0 || check_restore(db, err) < 0 || open_file(db, err) < 0 ||
	    prepare(db, "BEGIN IMMEDIATE", &db->begin, err) < 0 || prepare(db, "COMMIT", &db->commit, err) < 0 ||
	    prepare(db, "ROLLBACK", &db->rollback, err) < 0 ||
	    prepare(db, "INSERT OR REPLACE INTO objects(" STORE_COLUMNS ") VALUES(?1,?2,?3,?4,?5,?6,?7,?8,?9,?10,?11,?12)",
	            &db->put, err) < 0 ||
	    prepare(db, "DELETE FROM objects WHERE id=?1", &db->del, err) < 0 ||
	    prepare(db, "INSERT OR REPLACE INTO meta(key,value,checksum) VALUES('version',?1,?2)", &db->set_version, err) <
	        0 ||
	    store_checkpointer_start(db, err) < 0) {
		store_db_close(db);
		return -1;
	}
	*ret = db;
	return 0;
}

struct store_db *store_db_close(struct store_db *db)
{
	if (!db)
		return NULL;
	store_checkpointer_stop(db->checkpointer);
	sqlite3_stmt *all[] = { db->begin, db->put, db->del, db->set_version, db->commit, db->rollback };
	for (size_t i = 0; i < ARRAY_SIZE(all); i++)
		sqlite3_finalize(all[i]);
	if (db->sql)
		sqlite3_close(db->sql);
	if (db->lock_fd >= 0)
		close(db->lock_fd);
	free(db->path);
	free(db);
	return NULL;
}

uint64_t store_db_version(const struct store_db *db)
{
	return db->version;
}

bool store_db_is_failed(const struct store_db *db)
{
	return atomic_load(&db->failed);
}

size_t store_db_stale(const struct store_db *db)
{
	return db->stale;
}

/* ---- loading ---- */

static int load_row(struct store_db *db, sqlite3_stmt *stmt,
                    int (*each)(void *self, const struct store_row *row, struct err *err), void *self, struct err *err)
{
	_cleanup_buf_ struct buf out = { 0 };
	struct store_row row, plain;

	if (!store_row_read(stmt, &row))
		return err_set(err, ERR_INTERNAL,
		               "store %s: row %" PRId64 " (%s %s/%s) is damaged: its checksum does not match; restore a backup",
		               db->path, row.id, row.resource ? row.resource : "?", row.ns ? row.ns : "?",
		               row.name ? row.name : "?");
	if (row.version > db->version)
		return err_set(err, ERR_INTERNAL,
		               "store %s: row %" PRId64 " (%s %s/%s) is newer than the store: restore a backup", db->path,
		               row.id, row.resource, row.ns, row.name);
	if (store_keys_open(db->keys, &row, &out, &plain, err) < 0)
		return err_wrap(err, "store %s", db->path);
	db->stale += store_keys_is_stale(db->keys, &row);
	return each(self, &plain, err);
}

/* Rows are about as large in memory as in the file, with a quarter for what malloc() and the index add. */
static int expect_rows(struct store_db *db, struct err *err)
{
	int64_t pages = 0;

	if (store_sql_int(db->sql, db->path, "PRAGMA page_count", &pages, err) < 0)
		return -1;
	heap_expect((size_t)pages * STORE_PAGE_SIZE / 4 * 5 + HEAP_BESIDE);
	return 0;
}

int store_db_load(struct store_db *db, int (*each)(void *self, const struct store_row *row, struct err *err),
                  void *self, struct err *err)
{
	sqlite3_stmt *stmt = NULL;
	int r;

	if (prepare(db, "SELECT " STORE_COLUMNS " FROM objects", &stmt, err) < 0 || expect_rows(db, err) < 0) {
		sqlite3_finalize(stmt);
		return -1;
	}
	while ((r = sqlite3_step(stmt)) == SQLITE_ROW)
		if (load_row(db, stmt, each, self, err) < 0)
			break;
	if (r != SQLITE_ROW && r != SQLITE_DONE)
		store_sql_error(db->sql, db->path, "loading", err);
	sqlite3_finalize(stmt);
	heap_settle();
	return r == SQLITE_DONE ? 0 : -1;
}

/* ---- writing ---- */

/* After a failed fsync the kernel may take for written what is not, and a second fsync that succeeds proves nothing.
 * What was acknowledged before was made durable by an earlier fsync and is safe; nothing further is added to it. A disk
 * that was full is another matter: the pages are written again with the next commit. */
static void note_failure(struct store_db *db)
{
	if (store_sql_sync_failed(db->sql))
		atomic_store(&db->failed, true);
}

static int step(struct store_db *db, sqlite3_stmt *stmt, const char *doing, struct err *err)
{
	int r = sqlite3_step(stmt), result = 0;

	if (r != SQLITE_DONE && r != SQLITE_ROW) {
		note_failure(db);
		result = store_sql_error(db->sql, db->path, doing, err);
	}
	sqlite3_reset(stmt);
	return result;
}

int store_db_begin(struct store_db *db, struct err *err)
{
	if (store_db_is_failed(db))
		return err_set(err, ERR_UNAVAILABLE,
		               "store %s: the disk failed to make a write durable, so nothing more is written: look at the "
		               "disk (dmesg), then restart",
		               db->path);
	/* It could not be moved into the file for long; as it is, the disk would be filled up. */
	if (db->wal_pages > WAL_PAGES_MAX)
		return err_set(
			err, ERR_INSUFFICIENT_STORAGE,
			"store %s: the write-ahead log has become too large, because it cannot be moved into the file: see "
			"the log of this server, and free space on the disk",
			db->path);
	return step(db, db->begin, "beginning a transaction", err);
}

static void bind_row(sqlite3_stmt *stmt, const struct store_row *row)
{
	sqlite3_bind_int64(stmt, 1, row->id);
	sqlite3_bind_text(stmt, 2, row->resource, -1, SQLITE_STATIC);
	sqlite3_bind_text(stmt, 3, row->ns, -1, SQLITE_STATIC);
	sqlite3_bind_text(stmt, 4, row->name, -1, SQLITE_STATIC);
	sqlite3_bind_int64(stmt, 5, (int64_t)row->version);
	sqlite3_bind_text(stmt, 6, row->uid, -1, SQLITE_STATIC);
	sqlite3_bind_blob64(stmt, 7, row->labels, store_pairs_size(row->labels), SQLITE_STATIC);
	sqlite3_bind_blob64(stmt, 8, row->fields, store_pairs_size(row->fields), SQLITE_STATIC);
	sqlite3_bind_blob64(stmt, 9, row->text, row->text_len, SQLITE_STATIC);
	sqlite3_bind_int64(stmt, 10, (int64_t)row->text_version_offset);
	sqlite3_bind_int64(stmt, 11, (int64_t)store_row_checksum(row));
	sqlite3_bind_text(stmt, 12, row->key, -1, SQLITE_STATIC);
}

int store_db_put(struct store_db *db, const struct store_row *row, struct err *err)
{
	_cleanup_buf_ struct buf out = { 0 };
	struct store_row sealed;

	if (store_keys_seal(db->keys, row, &out, &sealed, err) < 0)
		return -1;
	bind_row(db->put, &sealed);
	int r = step(db, db->put, "writing", err);
	sqlite3_clear_bindings(db->put);
	return r;
}

int store_db_delete(struct store_db *db, int64_t id, struct err *err)
{
	sqlite3_bind_int64(db->del, 1, id);
	return step(db, db->del, "deleting", err);
}

int store_db_commit(struct store_db *db, uint64_t version, struct err *err)
{
	sqlite3_bind_int64(db->set_version, 1, (int64_t)version);
	sqlite3_bind_int64(db->set_version, 2, (int64_t)store_version_checksum(version));
	if (store_uses_save(db, err) < 0) {
		note_failure(db);
		return -1;
	}
	if (step(db, db->set_version, "writing", err) < 0 || step(db, db->commit, "committing", err) < 0)
		return -1;
	db->version = version;
	return 0;
}

void store_db_rollback(struct store_db *db)
{
	/* SQLite may have rolled back by itself already. */
	if (!sqlite3_get_autocommit(db->sql))
		step(db, db->rollback, "rolling back", NULL);
	store_uses_rolled_back(db);
}

/* ---- sealing anew ---- */

/* Rows of which the sealing is out of date, from stale_next on; their plain form goes through store_db_put(). */
static int reencrypt_rows(struct store_db *db, sqlite3_stmt *stmt, size_t max, struct err *err)
{
	size_t seen = 0;
	int r;

	sqlite3_bind_int64(stmt, 1, db->stale_next);
	sqlite3_bind_int64(stmt, 2, (int64_t)max);
	while ((r = sqlite3_step(stmt)) == SQLITE_ROW) {
		_cleanup_buf_ struct buf out = { 0 };
		struct store_row row, plain;
		seen++;
		if (!store_row_read(stmt, &row))
			return err_set(err, ERR_INTERNAL, "store %s: row %" PRId64 " is damaged", db->path, row.id);
		db->stale_next = row.id + 1;
		if (!store_keys_is_stale(db->keys, &row))
			continue;
		if (store_keys_open(db->keys, &row, &out, &plain, err) < 0 || store_db_put(db, &plain, err) < 0)
			return -1;
	}
	if (r != SQLITE_DONE)
		return store_sql_error(db->sql, db->path, "reading what to encrypt", err);
	return seen == max;
}

void store_db_reencrypt_again(struct store_db *db)
{
	db->stale_next = 0;
}

int store_db_reencrypt(struct store_db *db, size_t max, struct err *err)
{
	_cleanup_(sqlite3_finalizep) sqlite3_stmt *stmt = NULL;
	int64_t from = db->stale_next;

	/* What is replaced is overwritten: it may have been plain text. */
	if (store_sql_run(db->sql, db->path, "PRAGMA secure_delete=ON", "preparing", err) < 0 ||
	    prepare(db, "SELECT " STORE_COLUMNS " FROM objects WHERE id>=?1 ORDER BY id LIMIT ?2", &stmt, err) < 0 ||
	    store_db_begin(db, err) < 0)
		return -1;
	int more = reencrypt_rows(db, stmt, max, err);
	sqlite3_reset(stmt);
	if (more >= 0 && fault_point("store.reencrypt.before-commit"))
		more = err_set(err, ERR_INTERNAL, "store: fault before the commit of a re-encryption");
	if (more < 0 || store_uses_save(db, err) < 0 || step(db, db->commit, "committing", err) < 0) {
		store_db_rollback(db);
		db->stale_next = from;
		return -1;
	}
	(void)fault_point("store.reencrypt.after-commit");
	if (!more) {
		db->stale = 0;
		store_sql_run(db->sql, db->path, "PRAGMA secure_delete=OFF", "ending", NULL);
	}
	return more;
}

int store_db_compact(struct store_db *db, struct err *err)
{
	/* One transaction through the log, which is then moved into the file; that is cut to its new size by it. */
	return store_sql_run(db->sql, db->path, "VACUUM; PRAGMA wal_checkpoint(TRUNCATE);", "compacting", err);
}
