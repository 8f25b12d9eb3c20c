/* SQLite's errors in our words, and its rows as ours. */
#include "store_db_internal.h"

#include <errno.h>
#include <inttypes.h>

static bool is_full(int code, int errnum)
{
	return (code & 0xff) == SQLITE_FULL || (errnum == ENOSPC || errnum == EDQUOT);
}

static bool is_sync(int code)
{
	return code == SQLITE_IOERR_FSYNC || code == SQLITE_IOERR_DIR_FSYNC;
}

/* The errno of the last failure. SQLite does not pass on that of a failed COMMIT, but the log's file knows it. */
static int last_errno(sqlite3 *sql, int code)
{
	sqlite3_file *file = NULL;
	int errnum = 0;

	if ((code & 0xff) != SQLITE_IOERR && (code & 0xff) != SQLITE_CANTOPEN)
		return 0;
	if (is_sync(code) && sqlite3_file_control(sql, "main", SQLITE_FCNTL_JOURNAL_POINTER, &file) == SQLITE_OK && file &&
	    file->pMethods && file->pMethods->xFileControl(file, SQLITE_FCNTL_LAST_ERRNO, &errnum) == SQLITE_OK && errnum)
		return errnum;
	return sqlite3_system_errno(sql);
}

bool store_sql_sync_failed(sqlite3 *sql)
{
	int code = sqlite3_extended_errcode(sql);

	return is_sync(code) && !is_full(code, last_errno(sql, code));
}

int store_sql_error(sqlite3 *sql, const char *path, const char *doing, struct err *err)
{
	int code = sql ? sqlite3_extended_errcode(sql) : SQLITE_NOMEM;
	int errnum = sql ? last_errno(sql, code) : 0;
	const char *what = sql ? sqlite3_errmsg(sql) : "no memory", *why = errnum ? strerrordesc_np(errnum) : NULL;

	if (is_full(code, errnum))
		return err_set(err, ERR_INSUFFICIENT_STORAGE,
		               "store %s: %s: no space left on the disk; what is stored can be read, and writes work again as "
		               "soon as there is space: free some",
		               path, doing);
	if ((code & 0xff) == SQLITE_READONLY || errnum == EROFS)
		return err_set(err, ERR_UNAVAILABLE,
		               "store %s: %s: the file system is read-only; what is stored can be read: make it writable", path,
		               doing);
	if (is_sync(code))
		return err_set(
			err, ERR_INTERNAL,
			"store %s: %s: the disk did not make it durable (%s): whether it is stored is only known after a "
			"restart",
			path, doing, why ? why : what);
	if ((code & 0xff) == SQLITE_CORRUPT || (code & 0xff) == SQLITE_NOTADB)
		return err_set(err, ERR_INTERNAL, "store %s: %s: the file is damaged (%s): restore a backup", path, doing,
		               what);
	return err_set(err, ERR_INTERNAL, "store %s: %s: %s%s%s", path, doing, what, why ? ": " : "", why ? why : "");
}

int store_sql_run(sqlite3 *sql, const char *path, const char *statements, const char *doing, struct err *err)
{
	return sqlite3_exec(sql, statements, NULL, NULL, NULL) == SQLITE_OK ? 0 : store_sql_error(sql, path, doing, err);
}

int store_sql_int(sqlite3 *sql, const char *path, const char *query, int64_t *ret, struct err *err)
{
	sqlite3_stmt *stmt = NULL;
	int r = sqlite3_prepare_v2(sql, query, -1, &stmt, NULL), result = 0;

	if (r == SQLITE_OK)
		r = sqlite3_step(stmt);
	if (r == SQLITE_ROW)
		*ret = sqlite3_column_int64(stmt, 0);
	else if (r != SQLITE_DONE)
		result = store_sql_error(sql, path, "reading", err);
	sqlite3_finalize(stmt);
	return result;
}

int store_sql_version(sqlite3 *sql, const char *path, uint64_t *ret, struct err *err)
{
	int64_t version = 0, checksum = 0;
	static const char query[] = "SELECT checksum FROM meta WHERE key='version' AND checksum IS NOT NULL";

	if (store_sql_int(sql, path, "SELECT value FROM meta WHERE key='version'", &version, err) < 0)
		return -1;
	/* One of format 1 has none until the next write. */
	checksum = (int64_t)store_version_checksum((uint64_t)version);
	if (store_sql_int(sql, path, query, &checksum, err) < 0)
		return -1;
	if (version < 0 || (uint64_t)checksum != store_version_checksum((uint64_t)version))
		return err_set(
			err, ERR_INTERNAL,
			"store %s: the newest resource version is damaged: its checksum does not match; restore a backup", path);
	*ret = (uint64_t)version;
	return 0;
}

static const char *column_pairs(sqlite3_stmt *stmt, int column, bool *ok)
{
	const char *pairs = sqlite3_column_blob(stmt, column);

	*ok = *ok && store_pairs_valid(pairs, (size_t)sqlite3_column_bytes(stmt, column));
	return pairs;
}

bool store_row_read(sqlite3_stmt *stmt, struct store_row *ret)
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
		.key = (const char *)sqlite3_column_text(stmt, 11),
	};
	ret->labels = column_pairs(stmt, 6, &ok);
	ret->fields = column_pairs(stmt, 7, &ok);
	if (!ok || !ret->resource || !ret->ns || !ret->name || !ret->uid || !ret->text)
		return false;
	/* In a sealed row the offset is one of the plain text; that is looked at when it is opened. */
	if (!ret->key && ret->text_version_offset > ret->text_len)
		return false;
	return store_row_checksum(ret) == (uint64_t)sqlite3_column_int64(stmt, 10);
}
