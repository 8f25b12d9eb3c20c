/* Writing a backup file: objects from a running server or from the folder, then the folder's other files. */
#include "base/clock.h"
#include "base/fault.h"
#include "base/fs.h"
#include "base/str.h"
#include "maintenance_internal.h"
#include "store/store.h"
#include "store/store_backup.h"
#include "store/store_lock.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#define FILE_MAX ((size_t)16 * 1024 * 1024)
#define BUFFER ((size_t)256 * 1024)

struct maintenance_backup {
	const struct maintenance *m;
	char *path, *part; /* the file, and what it is called until it is whole */
	int fd;
	struct buf buffer;
	struct store_backup_writer *writer;
};

static int flush(struct maintenance_backup *b, struct err *err)
{
	if (b->buffer.len > 0 && fs_write_all(b->fd, b->buffer.data, b->buffer.len) < 0)
		return err_set_errno(err, errno, "writing %s", b->part);
	buf_reset(&b->buffer);
	return 0;
}

static int write_file(void *self, const void *data, size_t len, struct err *err)
{
	struct maintenance_backup *b = self;

	if (b->buffer.len + len > BUFFER && flush(b, err) < 0)
		return -1;
	if (len <= BUFFER)
		return buf_append(&b->buffer, data, len);
	if (fs_write_all(b->fd, data, len) < 0)
		return err_set_errno(err, errno, "writing %s", b->part);
	return 0;
}

int maintenance_backup_begin(const struct maintenance *m, const char *file, struct maintenance_backup **ret,
                             struct err *err)
{
	_cleanup_free_ char *part = xasprintf("%s.part", file);

	/* What an interrupted one left is of no use. */
	if (unlink(part) < 0 && errno != ENOENT)
		return err_set_errno(err, errno, "removing %s", part);
	int fd = open(part, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (fd < 0)
		return err_set_errno(err, errno, "making %s", part);
	struct maintenance_backup *b = new0(struct maintenance_backup);
	b->m = m;
	b->path = xstrdup(file);
	b->part = TAKE_PTR(part);
	b->fd = fd;
	b->buffer = BUF_INIT(BUFFER);
	b->writer = store_backup_writer_new(&(struct store_backup_sink){ .write = write_file, .self = b });
	*ret = b;
	return 0;
}

int maintenance_backup_piece(struct maintenance_backup *b, const void *data, size_t len, struct err *err)
{
	return store_backup_put_raw(b->writer, data, len, err);
}

int maintenance_backup_folder(struct maintenance_backup *b, struct err *err)
{
	_cleanup_free_ char *path = fs_join(b->m->data_dir, "store.db");
	_cleanup_(store_keys_freep) struct store_keys *keys = NULL;
	struct store *s;

	if (!fs_exists(path))
		return err_set(err, ERR_NOT_FOUND, "there is no store in %s", b->m->data_dir);
	if (maintenance_keys(b->m, &keys, err) < 0 ||
	    store_open(&(struct store_config){ .path = path, .keys = keys, .log = b->m->log }, &s, err) < 0)
		return -1;
	int r = store_backup(s, b->writer, err);
	store_close(s);
	return r;
}

static int add_file(struct maintenance_backup *b, const char *name, struct err *err)
{
	_cleanup_free_ char *path = fs_join(b->m->data_dir, name), *data = NULL;
	struct stat st;
	size_t len;

	if (lstat(path, &st) < 0 && errno == ENOENT)
		return 0;
	if (!S_ISREG(st.st_mode))
		return 0;
	if (fs_read_file(path, FILE_MAX, &data, &len, err) < 0)
		return -1;
	int r = store_backup_put_file(b->writer, name, st.st_mode & 0777, data, len, err);
	explicit_bzero(data, len);
	return r;
}

static int by_name(const struct dirent **a, const struct dirent **b)
{
	return strcmp((*a)->d_name, (*b)->d_name);
}

static int is_visible(const struct dirent *e)
{
	return e->d_name[0] != '.';
}

static int add_folder_files(struct maintenance_backup *b, struct err *err)
{
	_cleanup_free_ char *pki = fs_join(b->m->data_dir, "pki");
	struct dirent **list = NULL;
	int n = scandir(pki, &list, is_visible, by_name), r = 0;

	if (n < 0)
		return err_set_errno(err, errno,
		                     "reading %s, which belongs into the backup (use --objects-only to leave keys and "
		                     "certificates out)",
		                     pki);
	for (int i = 0; i < n; i++) {
		_cleanup_free_ char *name = xasprintf("pki/%s", list[i]->d_name);
		if (r == 0)
			r = add_file(b, name, err);
		free(list[i]);
	}
	free(list);
	for (size_t i = 0; r == 0 && MAINTENANCE_FILES[i]; i++)
		r = add_file(b, MAINTENANCE_FILES[i], err);
	return r < 0 ? -1 : store_backup_put_end(b->writer, err);
}

struct maintenance_backup *maintenance_backup_abort(struct maintenance_backup *b)
{
	if (!b)
		return NULL;
	close(b->fd);
	unlink(b->part);
	store_backup_writer_free(b->writer);
	buf_clear(&b->buffer);
	free(b->path);
	free(b->part);
	free(b);
	return NULL;
}

/* The folder of a file's path (free()). */
static char *folder_of(const char *path)
{
	const char *slash = strrchr(path, '/');

	return !slash ? xstrdup(".") : slash == path ? xstrdup("/") : xstrndup(path, (size_t)(slash - path));
}

static int publish(struct maintenance_backup *b, struct err *err)
{
	const struct store_backup_visitor visitor = { 0 };
	_cleanup_free_ char *folder = folder_of(b->path);

	if (flush(b, err) < 0)
		return -1;
	if (fsync(b->fd) < 0)
		return err_set_errno(err, errno, "making %s durable", b->part);
	if (store_backup_read(b->part, &visitor, err) < 0)
		return err_wrap(err, "reading the backup back");
	(void)fault_point("store.backup.before-rename");
	if (rename(b->part, b->path) < 0)
		return err_set_errno(err, errno, "renaming %s to %s", b->part, b->path);
	return maintenance_sync_folder(folder, err);
}

int maintenance_backup_finish(struct maintenance_backup *b, bool objects_only, struct err *err)
{
	int r = objects_only ? 0 : add_folder_files(b, err);

	if (r == 0)
		r = publish(b, err);
	maintenance_backup_abort(b);
	return r;
}
