#include "store_db.h"

#include "base/fault.h"
#include "base/str.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <sqlite3.h>
#include <sys/file.h>
#include <sys/stat.h>

#define FORMAT_VERSION 1
#define APPLICATION_ID 0x53434941 /* "SCIA" */
#define PAGE_SIZE 4096

static const char SETTINGS[] = "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; PRAGMA wal_autocheckpoint=0;"
							   "PRAGMA temp_store=MEMORY; PRAGMA journal_size_limit=4194304;";
static const char TABLES[] =
	"BEGIN IMMEDIATE;"
	"CREATE TABLE objects(id INTEGER PRIMARY KEY, resource TEXT NOT NULL, ns TEXT NOT NULL, name TEXT NOT NULL,"
	" version INTEGER NOT NULL, uid TEXT NOT NULL, labels BLOB, fields BLOB, text BLOB NOT NULL,"
	" version_offset INTEGER NOT NULL, checksum INTEGER NOT NULL);"
	"CREATE TABLE meta(key TEXT PRIMARY KEY, value INTEGER NOT NULL) WITHOUT ROWID;"
	"PRAGMA application_id=0x53434941; PRAGMA user_version=1;"
	"COMMIT;";

struct store_db {
	sqlite3 *sql;
	sqlite3_stmt *begin, *put, *del, *set_version, *commit, *rollback;
	int lock_fd;
	size_t wal_pages;
	uint64_t version;
	char *path;
	struct logger *log;
};

size_t store_pairs_size(const char *pairs)
{
	const char *p = pairs;

	if (!pairs)
		return 0;
	while (*p) {
		p += strlen(p) + 1; /* the name */
		p += strlen(p) + 1; /* its value */
	}
	return (size_t)(p - pairs) + 1;
}

const char *store_pairs_get(const char *pairs, const char *name)
{
	const char *p = pairs;

	while (p && *p) {
		const char *value = p + strlen(p) + 1;
		if (strcmp(p, name) == 0)
			return value;
		p = value + strlen(value) + 1;
	}
	return NULL;
}

/* A list read from the file: well-formed, as it is walked without its length afterwards. */
static bool pairs_valid(const char *pairs, size_t size)
{
	size_t pos = 0;

	if (size == 0)
		return true;
	if (pairs[size - 1] != '\0')
		return false;
	while (pos < size && pairs[pos]) {
		pos += strlen(pairs + pos) + 1;
		if (pos >= size)
			return false;
		pos += strlen(pairs + pos) + 1;
	}
	return pos + 1 == size;
}

/* Against bit rot, not against an attacker: a multiply-mix hash of eight bytes at a time. */
static uint64_t checksum_add(uint64_t h, const void *data, size_t len)
{
	const unsigned char *p = data;
	uint64_t word;

	h = (h ^ len) * UINT64_C(0x9E3779B97F4A7C15);
	for (; len >= 8; p += 8, len -= 8) {
		memcpy(&word, p, 8);
		h = (h ^ word) * UINT64_C(0x9E3779B97F4A7C15);
		h ^= h >> 29;
	}
	word = 0;
	if (len > 0)
		memcpy(&word, p, len);
	h = (h ^ word) * UINT64_C(0xBF58476D1CE4E5B9);
	return h ^ h >> 32;
}

static uint64_t row_checksum(const struct store_row *row)
{
	uint64_t h = checksum_add(row->version, row->resource, strlen(row->resource));

	h = checksum_add(h, row->ns, strlen(row->ns));
	h = checksum_add(h, row->name, strlen(row->name));
	h = checksum_add(h, row->uid, strlen(row->uid));
	h = checksum_add(h, row->labels, store_pairs_size(row->labels));
	h = checksum_add(h, row->fields, store_pairs_size(row->fields));
	h = checksum_add(h, &row->text_version_offset, sizeof(row->text_version_offset));
	return checksum_add(h, row->text, row->text_len);
}

static int db_error(struct store_db *db, const char *doing, struct err *err)
{
	int code = db->sql ? sqlite3_errcode(db->sql) & 0xff : SQLITE_NOMEM;

	if (code == SQLITE_FULL)
		return err_set(err, ERR_INSUFFICIENT_STORAGE, "store %s: %s: no space left on the disk", db->path, doing);
	if (code == SQLITE_CORRUPT || code == SQLITE_NOTADB)
		return err_set(err, ERR_INTERNAL, "store %s: %s: the file is damaged (%s): restore a backup", db->path, doing,
		               sqlite3_errmsg(db->sql));
	return err_set(err, ERR_INTERNAL, "store %s: %s: %s", db->path, doing,
	               db->sql ? sqlite3_errmsg(db->sql) : "no memory");
}

static int run(struct store_db *db, const char *sql, const char *doing, struct err *err)
{
	return sqlite3_exec(db->sql, sql, NULL, NULL, NULL) == SQLITE_OK ? 0 : db_error(db, doing, err);
}

static int run_int(struct store_db *db, const char *sql, int64_t *ret, struct err *err)
{
	sqlite3_stmt *stmt = NULL;
	int r = sqlite3_prepare_v2(db->sql, sql, -1, &stmt, NULL);

	if (r == SQLITE_OK)
		r = sqlite3_step(stmt);
	if (r == SQLITE_ROW)
		*ret = sqlite3_column_int64(stmt, 0);
	sqlite3_finalize(stmt);
	return r == SQLITE_ROW || r == SQLITE_DONE ? 0 : db_error(db, "reading", err);
}

static int take_lock(struct store_db *db, struct err *err)
{
	_cleanup_free_ char *path = xasprintf("%s.lock", db->path);
	char pid[32] = "";

	db->lock_fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (db->lock_fd < 0)
		return err_set_errno(err, errno, "opening the store's lock file %s", path);
	if (flock(db->lock_fd, LOCK_EX | LOCK_NB) < 0) {
		if (errno != EWOULDBLOCK)
			return err_set_errno(err, errno, "locking %s", path);
		ssize_t n = pread(db->lock_fd, pid, sizeof(pid) - 1, 0);
		pid[n > 0 ? n : 0] = '\0';
		return err_set(err, ERR_ALREADY_EXISTS, "the store %s is in use by another process (pid %s)", db->path,
		               n > 0 ? pid : "unknown");
	}
	int len = snprintf(pid, sizeof(pid), "%d", getpid());
	if (ftruncate(db->lock_fd, 0) < 0 || pwrite(db->lock_fd, pid, (size_t)len, 0) != len)
		return err_set_errno(err, errno, "writing %s", path);
	return 0;
}

/* 1 for a new file. */
static int check_format(struct store_db *db, struct err *err)
{
	int64_t format = 0, application = 0;

	if (run_int(db, "PRAGMA user_version", &format, err) < 0 ||
	    run_int(db, "PRAGMA application_id", &application, err) < 0)
		return -1;
	if (format == 0 && application == 0)
		return 1;
	if (application != APPLICATION_ID)
		return err_set(err, ERR_INTERNAL, "%s is an SQLite file of another program, not a store", db->path);
	if (format != FORMAT_VERSION)
		return err_set(err, ERR_INTERNAL,
		               "store %s has format %" PRId64 ", this program knows %d: use the newer program", db->path,
		               format, FORMAT_VERSION);
	return 0;
}

static int prepare(struct store_db *db, const char *sql, sqlite3_stmt **ret, struct err *err)
{
	if (sqlite3_prepare_v3(db->sql, sql, -1, SQLITE_PREPARE_PERSISTENT, ret, NULL) != SQLITE_OK)
		return db_error(db, "preparing", err);
	return 0;
}

static int on_wal_commit(void *self, sqlite3 *sql _unused_, const char *name _unused_, int pages)
{
	struct store_db *db = self;

	db->wal_pages = (size_t)pages;
	return SQLITE_OK;
}

static int open_file(struct store_db *db, struct err *err)
{
	int64_t version = 0;
	int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX;

	/* The mode is set before SQLite creates the file: it holds secrets. */
	_cleanup_close_ int fd = open(db->path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (fd < 0)
		return err_set_errno(err, errno, "opening the store %s", db->path);
	if (sqlite3_open_v2(db->path, &db->sql, flags, NULL) != SQLITE_OK)
		return db_error(db, "opening", err);
	sqlite3_extended_result_codes(db->sql, 1);
	/* locking_mode before the first access: the index of the log then stays in our own memory. */
	if (run(db, "PRAGMA locking_mode=EXCLUSIVE; PRAGMA page_size=4096; PRAGMA cache_size=-2000;", "opening", err) < 0)
		return -1;
	int fresh = check_format(db, err);
	if (fresh < 0 || run(db, SETTINGS, "opening", err) < 0)
		return -1;
	/* Nothing is written to a store that is there: it can be opened and read on a full disk. */
	if (fresh && run(db, TABLES, "preparing the file", err) < 0)
		return -1;
	if (run_int(db, "SELECT value FROM meta WHERE key='version'", &version, err) < 0)
		return -1;
	db->version = (uint64_t)version;
	sqlite3_wal_hook(db->sql, on_wal_commit, db);
	return 0;
}

int store_db_open(const char *path, struct logger *log, struct store_db **ret, struct err *err)
{
	struct store_db *db = new0(struct store_db);

	db->path = xstrdup(path);
	db->log = log;
	db->lock_fd = -1;
	if (take_lock(db, err) < 0 || open_file(db, err) < 0 || prepare(db, "BEGIN IMMEDIATE", &db->begin, err) < 0 ||
	    prepare(db, "COMMIT", &db->commit, err) < 0 || prepare(db, "ROLLBACK", &db->rollback, err) < 0 ||
	    prepare(db, "INSERT OR REPLACE INTO objects VALUES(?1,?2,?3,?4,?5,?6,?7,?8,?9,?10,?11)", &db->put, err) < 0 ||
	    prepare(db, "DELETE FROM objects WHERE id=?1", &db->del, err) < 0 ||
	    prepare(db, "INSERT OR REPLACE INTO meta VALUES('version',?1)", &db->set_version, err) < 0) {
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

static const char *column_pairs(sqlite3_stmt *stmt, int column, bool *ok)
{
	const char *pairs = sqlite3_column_blob(stmt, column);

	*ok = *ok && pairs_valid(pairs, (size_t)sqlite3_column_bytes(stmt, column));
	return pairs;
}

static bool read_row(sqlite3_stmt *stmt, struct store_row *ret)
{
	bool ok = true;

	*ret = (struct store_row){
		.id = sqlite3_column_int64(stmt, 0),
		.resource = (const char *)sqlite3_column_text(stmt, 1),
		.ns = (const char *)sqlite3_column_text(stmt, 2),
		.name = (const char *)sqlite3_column_text(stmt, 3),
		.version = (uint64_t)sqlite3_column_int64(stmt, 4),
		.uid = (const char *)sqlite3_column_text(stmt, 5),
		.text = sqlite3_column_blob(stmt, 8),
		.text_len = (size_t)sqlite3_column_bytes(stmt, 8),
		.text_version_offset = (size_t)sqlite3_column_int64(stmt, 9),
	};
	ret->labels = column_pairs(stmt, 6, &ok);
	ret->fields = column_pairs(stmt, 7, &ok);
	if (!ok || !ret->resource || !ret->ns || !ret->name || !ret->uid || !ret->text ||
	    ret->text_version_offset > ret->text_len)
		return false;
	return row_checksum(ret) == (uint64_t)sqlite3_column_int64(stmt, 10);
}

int store_db_load(struct store_db *db, int (*each)(void *self, const struct store_row *row, struct err *err),
                  void *self, struct err *err)
{
	sqlite3_stmt *stmt = NULL;
	struct store_row row;
	int r;

	if (prepare(db, "SELECT * FROM objects", &stmt, err) < 0)
		return -1;
	while ((r = sqlite3_step(stmt)) == SQLITE_ROW) {
		if (!read_row(stmt, &row)) {
			err_set(err, ERR_INTERNAL,
			        "store %s: row %" PRId64 " (%s %s/%s) is damaged: its checksum does not match; restore a backup",
			        db->path, row.id, row.resource ? row.resource : "?", row.ns ? row.ns : "?",
			        row.name ? row.name : "?");
			break;
		}
		if (row.version > db->version) {
			err_set(err, ERR_INTERNAL, "store %s: row %" PRId64 " (%s %s/%s) is newer than the store: restore a backup",
			        db->path, row.id, row.resource, row.ns, row.name);
			break;
		}
		if (each(self, &row, err) < 0)
			break;
	}
	if (r != SQLITE_ROW && r != SQLITE_DONE)
		db_error(db, "loading", err);
	sqlite3_finalize(stmt);
	return r == SQLITE_DONE ? 0 : -1;
}

static int step(struct store_db *db, sqlite3_stmt *stmt, const char *doing, struct err *err)
{
	int r = sqlite3_step(stmt), result = 0;

	if (r != SQLITE_DONE && r != SQLITE_ROW)
		result = db_error(db, doing, err);
	sqlite3_reset(stmt);
	return result;
}

int store_db_begin(struct store_db *db, struct err *err)
{
	return step(db, db->begin, "beginning a transaction", err);
}

int store_db_put(struct store_db *db, const struct store_row *row, struct err *err)
{
	sqlite3_stmt *stmt = db->put;

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
	sqlite3_bind_int64(stmt, 11, (int64_t)row_checksum(row));
	int r = step(db, stmt, "writing", err);
	sqlite3_clear_bindings(stmt);
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
}

void store_db_checkpoint(struct store_db *db, size_t larger_than)
{
	if (db->wal_pages * PAGE_SIZE <= larger_than)
		return;
	if (sqlite3_wal_checkpoint_v2(db->sql, NULL, SQLITE_CHECKPOINT_RESTART, NULL, NULL) == SQLITE_OK)
		db->wal_pages = 0;
	else
		log_debug(db->log, "store %s: checkpoint: %s", db->path, sqlite3_errmsg(db->sql));
}
