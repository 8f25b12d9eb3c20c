/* Checking a store or a backup, sealing a store anew, and what this folder's files share. */
#include "base/fs.h"
#include "base/str.h"
#include "maintenance_internal.h"
#include "store/store_check.h"
#include "store/store_db.h"
#include "store/store_lock.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

const char *const MAINTENANCE_FILES[] = { "kubeconfig", "port", NULL };

/* Rows sealed in one transaction. */
#define REENCRYPT_ROWS 1000

void maintenance_say(const struct maintenance *m, const char *fmt, ...)
{
	va_list ap;

	if (!m->say)
		return;
	va_start(ap, fmt);
	_cleanup_free_ char *text = xvasprintf(fmt, ap);
	va_end(ap);
	m->say(m->self, text);
}

int maintenance_keys(const struct maintenance *m, struct store_keys **ret, struct err *err)
{
	_cleanup_free_ char *path = m->data_dir ? xasprintf("%s/pki/encryption.yaml", m->data_dir) : NULL;

	*ret = NULL;
	if (m->encryption_config)
		return store_keys_load(m->encryption_config, ret, err);
	return path && fs_exists(path) ? store_keys_load(path, ret, err) : 0;
}

int maintenance_sync_folder(const char *path, struct err *err)
{
	_cleanup_close_ int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (fd < 0 || fsync(fd) < 0)
		return err_set_errno(err, errno, "making the folder %s durable", path);
	return 0;
}

int64_t maintenance_check(const struct maintenance *m, const char *file, struct err *err)
{
	_cleanup_free_ char *path = file ? xstrdup(file) : fs_join(m->data_dir, "store.db");
	_cleanup_(store_keys_freep) struct store_keys *keys = NULL;
	_cleanup_close_ int lock = -1;
	struct store_check_config config = { .path = path, .damage = m->damage, .note = m->say, .self = m->self };

	if (access(path, R_OK) < 0)
		return err_set(err, ERR_NOT_FOUND, "%s cannot be read: %s", path, strerrordesc_np(errno));
	if (maintenance_keys(m, &keys, err) < 0)
		return -1;
	/* Nobody may change it meanwhile; on a read-only disk nobody can. */
	_cleanup_err_ struct err taken = { 0 };
	if (!file && store_lock_take(path, &lock, &taken) < 0 && taken.kind == ERR_ALREADY_EXISTS) {
		err_move(err, &taken);
		return err_wrap(err,
		                "the store is checked while no server has it (`scia backup` checks a running one's objects)");
	}
	config.keys = keys;
	return store_check_file(&config, err);
}

static int no_row(void *self _unused_, const struct store_row *row _unused_, struct err *err _unused_)
{
	return 0;
}

int maintenance_reencrypt(const struct maintenance *m, int64_t *ret, struct err *err)
{
	_cleanup_free_ char *path = fs_join(m->data_dir, "store.db");
	_cleanup_(store_keys_freep) struct store_keys *keys = NULL;
	struct store_db *db = NULL;
	int more = 1;

	if (!fs_exists(path))
		return err_set(err, ERR_NOT_FOUND, "there is no store in %s", m->data_dir);
	if (maintenance_keys(m, &keys, err) < 0 || store_db_open(path, keys, m->log, &db, err) < 0)
		return -1;
	if (store_db_load(db, no_row, NULL, err) < 0)
		more = -1;
	int64_t stale = (int64_t)store_db_stale(db);
	while (more > 0)
		more = store_db_reencrypt(db, REENCRYPT_ROWS, err);
	if (more == 0)
		store_db_checkpoint(db);
	store_db_close(db);
	if (more == 0)
		*ret = stale;
	return more;
}
