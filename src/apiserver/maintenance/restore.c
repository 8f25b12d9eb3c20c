/* Making a data folder from a backup. */
#include "base/clock.h"
#include "base/fault.h"
#include "base/fs.h"
#include "base/str.h"
#include "maintenance_internal.h"
#include "store/store.h"
#include "store/store_backup.h"
#include "store/store_db.h"
#include "store/store_lock.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#define ROWS_A_TRANSACTION 1000
/* Versions that were given out after the backup was made are jumped over, so that a watch that resumes from one of them
 * is told that it is too old (410), instead of missing what happened since. */
#define VERSION_JUMP UINT64_C(1000000000)

struct restore {
	const struct maintenance *m;
	const char *file;
	char *db, *mark, *stage; /* DIR/store.db, its mark, DIR/restore.tmp */
	struct store_keys *keys;
	char *keys_text; /* the backup's own configuration */
	struct store_db *staged;
	uint64_t version, newest;
	int64_t rows, files;
	size_t in_transaction;
};

static void restore_done(struct restore *r)
{
	store_db_close(r->staged);
	store_keys_free(r->keys);
	if (r->keys_text)
		explicit_bzero(r->keys_text, strlen(r->keys_text));
	free(r->keys_text);
	free(r->db);
	free(r->mark);
	free(r->stage);
}

/* ---- verifying ---- */

/* Nothing of a backup can be written anywhere else. */
static bool name_allowed(const char *name)
{
	const char *rest = str_after(name, "pki/");

	if (str_in(name, MAINTENANCE_FILES))
		return true;
	return rest && *rest && *rest != '.' && strlen(rest) < 200 &&
	       strspn(rest, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-") == strlen(rest);
}

static int verify_header(void *self, uint64_t version, const json_t *header _unused_, struct err *err _unused_)
{
	struct restore *r = self;

	r->version = version;
	return 0;
}

static int verify_file(void *self, const char *name, mode_t mode _unused_, const void *data, size_t len,
                       struct err *err)
{
	struct restore *r = self;

	if (!name_allowed(name))
		return err_set(err, ERR_INVALID, "the backup %s has a file of the name \"%s\", which does not belong there",
		               r->file, name);
	if (strcmp(name, "pki/encryption.yaml") == 0 && !r->keys_text)
		r->keys_text = xstrndup(data, len);
	return 0;
}

/* The first pass: every checksum, and the keys that the second one needs. */
static int verify(struct restore *r, struct err *err)
{
	const struct store_backup_visitor visitor = { .header = verify_header, .file = verify_file, .self = r };

	if (store_backup_read(r->file, &visitor, err) < 0)
		return -1;
	/* Without keys of its own, those that are configured, or there already. */
	if (r->m->encryption_config || !r->keys_text)
		return maintenance_keys(r->m, &r->keys, err);
	return store_keys_parse(r->keys_text, strlen(r->keys_text), "the backup's pki/encryption.yaml", &r->keys, err);
}

/* ---- building aside ---- */

static int next_transaction(struct restore *r, struct err *err)
{
	if (r->in_transaction > 0 && store_db_commit(r->staged, r->newest, err) < 0)
		return -1;
	r->in_transaction = 0;
	return 0;
}

static int stage_row(void *self, const struct store_row *row, struct err *err)
{
	struct restore *r = self;
	_cleanup_buf_ struct buf out = { 0 };
	struct store_row plain;

	if (row->version > r->version)
		return err_set(err, ERR_INTERNAL, "the backup %s is damaged: %s %s/%s is newer than it", r->file, row->resource,
		               row->ns, row->name);
	if (store_keys_open(r->keys, row, &out, &plain, err) < 0)
		return -1;
	if ((r->in_transaction == 0 && store_db_begin(r->staged, err) < 0) || store_db_put(r->staged, &plain, err) < 0)
		return -1;
	r->rows++;
	return ++r->in_transaction >= ROWS_A_TRANSACTION ? next_transaction(r, err) : 0;
}

static int stage_file(void *self, const char *name, mode_t mode, const void *data, size_t len, struct err *err)
{
	struct restore *r = self;
	_cleanup_free_ char *path = fs_join(r->stage, name);

	r->files++;
	/* Never more open than it was, and never to others. */
	return fs_write_atomic(path, data, len, mode & 0644, err);
}

/* The version from which the restored store goes on: behind the backup's, behind that of the store which is replaced,
 * and behind the time in milliseconds, so that two restores of one backup do not give out the same versions either. */
static void choose_version(struct restore *r)
{
	uint64_t now = (uint64_t)(clock_wall_ns() / NS_PER_MS), old = 0;
	struct store_db *db = NULL;

	if (fs_exists(r->db) && store_db_open(r->db, NULL, r->m->log, &db, NULL) == 0)
		old = store_db_version(db);
	store_db_close(db);
	r->newest = (old > r->version ? old : r->version) + VERSION_JUMP;
	if (r->newest < now)
		r->newest = now;
}

static int stage_all(struct restore *r, struct err *err)
{
	const struct store_backup_visitor visitor = { .row = stage_row, .file = stage_file, .self = r };
	_cleanup_free_ char *db = fs_join(r->stage, "store.db"), *pki = fs_join(r->stage, "pki");

	if (fs_remove_tree(r->stage, err) < 0 || fs_mkdir_p(pki, 0700, err) < 0 ||
	    store_db_open(db, r->keys, r->m->log, &r->staged, err) < 0 || store_backup_read(r->file, &visitor, err) < 0)
		return -1;
	/* Also of an empty backup, the version is to be stored. */
	if ((r->in_transaction == 0 && store_db_begin(r->staged, err) < 0) ||
	    store_db_commit(r->staged, r->newest, err) < 0)
		return -1;
	store_db_checkpoint(r->staged);
	r->staged = store_db_close(r->staged);
	(void)fault_point("store.restore.staged");
	return 0;
}

static void add_count(void *self, const char *resource _unused_, size_t count)
{
	*(int64_t *)self += (int64_t)count;
}

/* What was built is opened and read as a server does it, which refuses what is damaged or doubled. */
static int read_back(struct restore *r, struct err *err)
{
	_cleanup_free_ char *path = fs_join(r->stage, "store.db"), *lock = fs_join(r->stage, "store.db.lock");
	int64_t rows = 0;
	struct store *s;

	if (store_open(&(struct store_config){ .path = path, .keys = r->keys, .log = r->m->log }, &s, err) < 0)
		return err_wrap(err, "reading back what was restored");
	store_each_resource(s, add_count, &rows);
	store_close(s);
	unlink(lock);
	if (rows != r->rows)
		return err_set(err, ERR_INTERNAL, "reading back what was restored: %" PRId64 " objects of %" PRId64, rows,
		               r->rows);
	return maintenance_sync_folder(r->stage, err);
}

/* ---- putting in place ---- */

static int move(const char *from_dir, const char *to_dir, const char *name, struct err *err)
{
	_cleanup_free_ char *from = fs_join(from_dir, name), *to = fs_join(to_dir, name);

	if (rename(from, to) < 0 && errno != ENOENT)
		return err_set_errno(err, errno, "moving %s to %s", from, to);
	(void)fault_point("store.restore.moved");
	return 0;
}

static int move_all(const char *from_dir, const char *to_dir, bool pki, struct err *err)
{
	/* The log goes with its file. */
	static const char *const names[] = { "store.db-wal", "store.db-shm", "store.db", "kubeconfig", "port" };

	for (size_t i = 0; i < ARRAY_SIZE(names); i++)
		if (move(from_dir, to_dir, names[i], err) < 0)
			return -1;
	return pki ? move(from_dir, to_dir, "pki", err) : 0;
}

/* Keys that the backup does not have stay what they are. */
static bool has_pki(const struct restore *r)
{
	return r->files > 0;
}

static int set_aside(struct restore *r, struct err *err)
{
	char time[RFC3339_SIZE];
	_cleanup_free_ char *aside = xasprintf("%s/before-restore-%s", r->m->data_dir,
	                                       rfc3339_format_micro(clock_wall_ns(), time));

	if (fs_mkdir_p(aside, 0700, err) < 0 || move_all(r->m->data_dir, aside, has_pki(r), err) < 0)
		return -1;
	if (rmdir(aside) == 0) /* there was nothing */
		return 0;
	maintenance_say(r->m, "what was there before is in %s", aside);
	return maintenance_sync_folder(aside, err);
}

static int put_in_place(struct restore *r, struct err *err)
{
	const char *dir = r->m->data_dir;
	_cleanup_free_ char *why = xasprintf("restoring %s\n", r->file);

	if (fs_write_atomic(r->mark, why, strlen(why), 0600, err) < 0)
		return -1;
	(void)fault_point("store.restore.marked");
	if (set_aside(r, err) < 0 || move_all(r->stage, dir, has_pki(r), err) < 0 || maintenance_sync_folder(dir, err) < 0)
		return err_wrap(err, "the folder is incomplete now; repeat the restore");
	(void)fault_point("store.restore.before-unmark");
	if (unlink(r->mark) < 0)
		return err_set_errno(err, errno, "removing %s", r->mark);
	fs_remove_tree(r->stage, NULL);
	return maintenance_sync_folder(dir, err);
}

/* ---- the whole ---- */

static int count_entries(const char *dir)
{
	static const char *const ours[] = { ".", "..", "restore.tmp", "store.db.lock", NULL };
	DIR *d = opendir(dir);
	struct dirent *e;
	int n = 0;

	while (d && (e = readdir(d)))
		n += !str_in(e->d_name, ours);
	if (d)
		closedir(d);
	return n;
}

int maintenance_restore(const struct maintenance *m, const char *file, bool replace, struct err *err)
{
	_cleanup_(restore_done) struct restore r = {
		.m = m, .file = file, .db = fs_join(m->data_dir, "store.db"), .stage = fs_join(m->data_dir, "restore.tmp")
	};
	_cleanup_close_ int lock = -1;

	r.mark = store_restore_mark(r.db);
	if (verify(&r, err) < 0 || fs_mkdir_p(m->data_dir, 0700, err) < 0)
		return -1;
	bool interrupted = fs_exists(r.mark);
	if (!replace && !interrupted && count_entries(m->data_dir) > 0)
		return err_set(err, ERR_ALREADY_EXISTS, "the folder %s is not empty: restore into a new one, or use --replace",
		               m->data_dir);
	choose_version(&r);
	if (store_lock_take(r.db, &lock, err) < 0)
		return err_wrap(err, "stop the server first");
	if (stage_all(&r, err) < 0 || read_back(&r, err) < 0) {
		r.staged = store_db_close(r.staged);
		fs_remove_tree(r.stage, NULL);
		return -1;
	}
	if (put_in_place(&r, err) < 0)
		return -1;
	maintenance_say(m, "%" PRId64 " objects and %" PRId64 " files are restored; resource versions go on from %" PRIu64,
	                r.rows, r.files, r.newest);
	return 0;
}
