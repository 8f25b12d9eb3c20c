#include "store_check.h"

#include "base/fs.h"
#include "base/map.h"
#include "base/str.h"
#include "codec/json.h"
#include "store_backup.h"
#include "store_db_internal.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>

/* Rows that cannot be read one after the other are looked for one by one, until so many are missing. */
#define MISSING_MAX 10000

struct check {
	const struct store_check_config *config;
	int64_t damages, rows;
	uint64_t version; /* the store's; no object may be newer */
	bool version_known;
	struct map *names; /* "resource\nns\nname" of all rows → "" */
	struct map *keys;  /* name of the key, or "" → struct tally */
};

struct tally {
	int64_t rows;
};

static void damaged(struct check *c, const char *fmt, ...) _printf_(2, 3);

static void damaged(struct check *c, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	_cleanup_free_ char *what = xvasprintf(fmt, ap);
	va_end(ap);
	c->damages++;
	c->config->damage(c->config->self, what);
}

static void note(struct check *c, const char *fmt, ...) _printf_(2, 3);

static void note(struct check *c, const char *fmt, ...)
{
	va_list ap;

	if (!c->config->note)
		return;
	va_start(ap, fmt);
	_cleanup_free_ char *what = xvasprintf(fmt, ap);
	va_end(ap);
	c->config->note(c->config->self, what);
}

/* ---- one row ---- */

static void check_names(struct check *c, const struct store_row *row, const char *id)
{
	_cleanup_free_ char *key = xasprintf("%s\n%s\n%s", row->resource, row->ns, row->name);

	if (map_has(c->names, key))
		damaged(c, "%s: the object is there twice", id);
	map_set(c->names, key, c);
}

/* The text says the same as the columns. */
static void check_text(struct check *c, const struct store_row *row, const char *id)
{
	_cleanup_err_ struct err err = { 0 };
	_cleanup_json_ json_t *v = json_parse(row->text, row->text_len, 0, &err);
	const json_t *meta = json_at(v, "metadata", NULL);
	_cleanup_free_ char *version = xasprintf("%" PRIu64, row->version);
	const char *ns = json_get_str(meta, "namespace");

	if (!v)
		damaged(c, "%s: its text is no JSON: %s", id, err_message(&err));
	else if (!str_eq(json_get_str(meta, "name"), row->name) || !str_eq(ns ? ns : "", row->ns))
		damaged(c, "%s: its text is that of %s/%s", id, ns ? ns : "", json_get_str(meta, "name"));
	else if (!str_eq(json_get_str(meta, "resourceVersion"), version))
		damaged(c, "%s: its text has another resource version than its row, %s", id, version);
}

static void check_row(struct check *c, const struct store_row *row)
{
	_cleanup_free_ char *id = xasprintf("row %" PRId64 " (%s %s/%s)", row->id, row->resource, row->ns, row->name);
	_cleanup_err_ struct err err = { 0 };
	_cleanup_buf_ struct buf out = { 0 };
	struct store_row plain;
	const char *key = row->key ? row->key : "";

	c->rows++;
	struct tally *tally = map_get(c->keys, key);
	if (!tally) {
		tally = new0(struct tally);
		map_set(c->keys, key, tally);
	}
	tally->rows++;
	if (c->version_known && row->version > c->version)
		damaged(c, "%s: it is newer (%" PRIu64 ") than the store (%" PRIu64 ")", id, row->version, c->version);
	check_names(c, row, id);
	if (store_keys_open(c->config->keys, row, &out, &plain, &err) < 0)
		damaged(c, "%s: %s", id, err_message(&err));
	else
		check_text(c, &plain, id);
}

/* ---- a store's file ---- */

static void check_stored_row(struct check *c, sqlite3_stmt *stmt)
{
	struct store_row row;

	if (store_row_read(stmt, &row))
		check_row(c, &row);
	else
		damaged(c, "row %" PRId64 " (%s %s/%s): its checksum does not match", row.id, row.resource ? row.resource : "?",
		        row.ns ? row.ns : "?", row.name ? row.name : "?");
}

/* A run of rows that a damaged page took; open: nothing behind it can be read either. */
static void tell_run(struct check *c, int64_t first, int64_t last, bool open)
{
	if (open)
		damaged(c, "row %" PRId64 " and all behind it: they cannot be read", first);
	else if (first == last)
		damaged(c, "row %" PRId64 ": it cannot be read", first);
	else if (first < last)
		damaged(c, "rows %" PRId64 " to %" PRId64 ": they cannot be read", first, last);
}

/* Where reading in order ends in damage, the rows behind it are tried one at a time. */
static void check_rows_singly(struct check *c, sqlite3 *sql, int64_t from)
{
	sqlite3_stmt *stmt = NULL;
	int64_t missing = 0, unreadable = 0, id = from;

	if (sqlite3_prepare_v2(sql, "SELECT " STORE_COLUMNS " FROM objects WHERE id=?1", -1, &stmt, NULL) != SQLITE_OK) {
		damaged(c, "the table of objects cannot be read: %s", sqlite3_errmsg(sql));
		return;
	}
	for (; missing < MISSING_MAX && unreadable < MISSING_MAX; id++) {
		sqlite3_bind_int64(stmt, 1, id);
		int r = sqlite3_step(stmt);
		missing = r == SQLITE_DONE ? missing + 1 : 0;
		if (r == SQLITE_ROW || r == SQLITE_DONE) {
			tell_run(c, id - unreadable, id - 1, false);
			unreadable = 0;
		} else {
			unreadable++;
		}
		if (r == SQLITE_ROW)
			check_stored_row(c, stmt);
		sqlite3_reset(stmt);
	}
	if (unreadable > 0)
		tell_run(c, id - unreadable, id, true);
	sqlite3_finalize(stmt);
}

static void check_rows(struct check *c, sqlite3 *sql)
{
	sqlite3_stmt *stmt = NULL;
	int64_t next = 1;
	int r;

	if (sqlite3_prepare_v2(sql, "SELECT " STORE_COLUMNS " FROM objects ORDER BY id", -1, &stmt, NULL) != SQLITE_OK) {
		damaged(c, "the table of objects cannot be read: %s", sqlite3_errmsg(sql));
		return;
	}
	while ((r = sqlite3_step(stmt)) == SQLITE_ROW) {
		next = sqlite3_column_int64(stmt, 0) + 1;
		check_stored_row(c, stmt);
	}
	if (r != SQLITE_DONE)
		damaged(c, "row %" PRId64 " or one behind it: %s", next, sqlite3_errmsg(sql));
	sqlite3_finalize(stmt);
	if (r != SQLITE_DONE)
		check_rows_singly(c, sql, next);
}

/* SQLite's own check of its pages. */
static void check_pages(struct check *c, sqlite3 *sql)
{
	sqlite3_stmt *stmt = NULL;
	int r = sqlite3_prepare_v2(sql, "PRAGMA integrity_check(1000)", -1, &stmt, NULL);

	while (r == SQLITE_OK || r == SQLITE_ROW) {
		r = sqlite3_step(stmt);
		const char *line = r == SQLITE_ROW ? (const char *)sqlite3_column_text(stmt, 0) : "ok";
		if (!str_eq(line, "ok"))
			damaged(c, "the file: %s", line);
	}
	if (r != SQLITE_DONE)
		damaged(c, "the file: %s", sqlite3_errmsg(sql));
	sqlite3_finalize(stmt);
}

static int check_format(sqlite3 *sql, const char *path, struct err *err)
{
	int64_t application = 0, format = 0;

	if (store_sql_int(sql, path, "PRAGMA application_id", &application, err) < 0 ||
	    store_sql_int(sql, path, "PRAGMA user_version", &format, err) < 0)
		return -1;
	if (application != STORE_APPLICATION_ID)
		return err_set(err, ERR_INVALID, "%s is neither a store nor a backup", path);
	if (format != STORE_FORMAT)
		return err_set(err, ERR_INVALID,
		               "the store %s has format %" PRId64
		               ", this program checks %d: a start brings an older one up to date",
		               path, format, STORE_FORMAT);
	return 0;
}

static int check_database(struct check *c, sqlite3 *sql, struct err *err)
{
	_cleanup_err_ struct err wrong = { 0 };

	if (check_format(sql, c->config->path, err) < 0)
		return -1;
	c->version_known = store_sql_version(sql, c->config->path, &c->version, &wrong) == 0;
	if (!c->version_known)
		damaged(c, "%s", err_message(&wrong));
	check_pages(c, sql);
	check_rows(c, sql);
	return 0;
}

/* ---- opening without changing anything ---- */

static int copy_file(const char *from, const char *to, struct err *err)
{
	_cleanup_close_ int in = open(from, O_RDONLY | O_CLOEXEC), out = open(to, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
	ssize_t n = 1;

	while (in >= 0 && out >= 0 && n > 0)
		n = copy_file_range(in, NULL, out, NULL, (size_t)1 << 24, 0);
	return in < 0 || out < 0 || n < 0 ? err_set_errno(err, errno, "copying %s to %s", from, to) : 0;
}

/* A log that is not in the file yet can only be read by writing: a copy is checked instead. *ret_dir: the copy's
 * folder, NULL when none is needed. */
static int copy_with_log(const char *path, char **ret_dir, struct err *err)
{
	_cleanup_free_ char *log = xasprintf("%s-wal", path), *dir = NULL;
	const char *tmp = getenv("TMPDIR");
	struct stat st;

	*ret_dir = NULL;
	if (stat(log, &st) < 0 || st.st_size == 0)
		return 0;
	dir = xasprintf("%s/scia-check-XXXXXX", str_empty(tmp) ? "/tmp" : tmp);
	if (!mkdtemp(dir))
		return err_set_errno(err, errno, "making a folder for a copy of the store");
	_cleanup_free_ char *to = fs_join(dir, "store.db"), *to_log = fs_join(dir, "store.db-wal");
	*ret_dir = TAKE_PTR(dir);
	return copy_file(path, to, err) < 0 ? -1 : copy_file(log, to_log, err);
}

/* In a file: URI, what SQLite would take apart is escaped. */
static char *uri_of(const char *path, const char *query)
{
	_cleanup_buf_ struct buf out = BUF_INIT(64 * 1024);

	buf_puts(&out, "file:");
	for (const char *p = path; *p; p++)
		if (strchr("%?# ", *p))
			buf_printf(&out, "%%%02x", (unsigned char)*p);
		else
			buf_putc(&out, *p);
	buf_puts(&out, query);
	return buf_steal(&out);
}

static int check_store_file(struct check *c, struct err *err)
{
	_cleanup_free_ char *dir = NULL;
	const char *path = c->config->path;
	sqlite3 *sql = NULL;
	int result = copy_with_log(path, &dir, err);

	if (result == 0) {
		_cleanup_free_ char *copy = dir ? fs_join(dir, "store.db") : NULL;
		_cleanup_free_ char *uri = copy ? uri_of(copy, "") : uri_of(path, "?immutable=1");
		int flags = (dir ? SQLITE_OPEN_READWRITE : SQLITE_OPEN_READONLY) | SQLITE_OPEN_URI | SQLITE_OPEN_NOMUTEX;
		result = sqlite3_open_v2(uri, &sql, flags, NULL) == SQLITE_OK ? 0 : store_sql_error(sql, path, "opening", err);
	}
	if (result == 0)
		result = check_database(c, sql, err);
	sqlite3_close(sql);
	if (dir)
		fs_remove_tree(dir, NULL);
	return result;
}

/* ---- a backup ---- */

static int backup_header(void *self, uint64_t version, const json_t *header, struct err *err _unused_)
{
	struct check *c = self;
	const char *created = json_get_str(header, "created");

	c->version = version;
	c->version_known = true;
	note(c, "a backup of %s", created ? created : "an unknown time");
	return 0;
}

static int backup_row(void *self, const struct store_row *row, struct err *err _unused_)
{
	check_row(self, row);
	return 0;
}

static int backup_file(void *self, const char *name, mode_t mode _unused_, const void *data _unused_, size_t len,
                       struct err *err _unused_)
{
	note(self, "with the file %s, %zu bytes", name, len);
	return 0;
}

static void backup_damage(void *self, const char *what)
{
	damaged(self, "%s", what);
}

static int check_backup(struct check *c, struct err *err)
{
	const struct store_backup_visitor visitor = {
		.header = backup_header, .row = backup_row, .file = backup_file, .damage = backup_damage, .self = c
	};

	return store_backup_read(c->config->path, &visitor, err);
}

static void summarize(struct check *c)
{
	const char *key;
	void *value;
	size_t iter = 0;

	note(c, "%" PRId64 " objects, resource version %" PRIu64, c->rows, c->version);
	while (map_next(c->keys, &iter, &key, &value)) {
		const struct tally *tally = value;
		if (*key)
			note(c, "%" PRId64 " encrypted with the key \"%s\"", tally->rows, key);
		else
			note(c, "%" PRId64 " in plain text", tally->rows);
	}
}

int64_t store_check_file(const struct store_check_config *config, struct err *err)
{
	_cleanup_(map_freep) struct map *names = map_new(NULL), *keys = map_new(free);
	struct check c = { .config = config, .names = names, .keys = keys };
	int r = store_backup_is(config->path) ? check_backup(&c, err) : check_store_file(&c, err);

	if (r < 0)
		return -1;
	summarize(&c);
	return c.damages;
}
