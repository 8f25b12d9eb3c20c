/* Giving back what a store no longer needs: SQLite keeps freed pages for new rows, so the file never shrinks by itself.
 */
#include "base/fs.h"
#include "maintenance_internal.h"
#include "store/store_db.h"

#include <errno.h>
#include <sys/stat.h>

static int size_of(const char *path, int64_t *ret, struct err *err)
{
	struct stat st;

	if (stat(path, &st) < 0)
		return err_set_errno(err, errno, "looking at %s", path);
	*ret = st.st_size;
	return 0;
}

int maintenance_compact(const struct maintenance *m, int64_t *ret_before, int64_t *ret_after, struct err *err)
{
	_cleanup_free_ char *path = fs_join(m->data_dir, "store.db");
	struct store_db *db = NULL;

	if (!fs_exists(path))
		return err_set(err, ERR_NOT_FOUND, "there is no store in %s", m->data_dir);
	if (size_of(path, ret_before, err) < 0 || store_db_open(path, NULL, m->log, &db, err) < 0)
		return -1;
	int r = store_db_compact(db, err);
	store_db_close(db);
	return r < 0 ? -1 : size_of(path, ret_after, err);
}
