/* A layer above SQLite's own file functions that fails or kills at each of them; only in builds with fault points.
 *
 * store.vfs.no-space     a write finds the disk full
 * store.vfs.torn-write   half of a write is done (kill: and that was the last thing)
 * store.vfs.wal-sync     the log's fsync fails
 * store.vfs.wal-sync-full  the same, because the disk is full
 * store.vfs.db-sync      the file's fsync fails, in a checkpoint
 * store.vfs.db-write     before a page goes into the file, in a checkpoint
 * store.vfs.bad-read     a read gives a wrong byte */
#include "base/fault.h"
#include "base/mem.h"
#include "store_vfs.h"

#include <errno.h>
#include <pthread.h>
#include <sqlite3.h>
#include <string.h>

struct fault_file {
	sqlite3_file base; /* first */
	bool wal;
	sqlite3_file *real; /* behind this struct, in the same block */
};

/* Process-wide by nature, as SQLite's list of VFSes is. */
static sqlite3_vfs fault_vfs;
static sqlite3_vfs *real_vfs;
static sqlite3_io_methods fault_methods;
static pthread_once_t once = PTHREAD_ONCE_INIT;
/* What xGetLastError() tells, as the errno of the failure. */
static _Thread_local int injected;

static sqlite3_file *real_of(sqlite3_file *file)
{
	return ((struct fault_file *)file)->real;
}

static int fail_with(int errnum, int code)
{
	injected = errnum;
	return code;
}

static int file_close(sqlite3_file *file)
{
	sqlite3_file *real = real_of(file);

	return real->pMethods ? real->pMethods->xClose(real) : SQLITE_OK;
}

static int file_read(sqlite3_file *file, void *data, int len, sqlite3_int64 offset)
{
	int r = real_of(file)->pMethods->xRead(real_of(file), data, len, offset);

	if (r == SQLITE_OK && len > 512 && fault_point("store.vfs.bad-read"))
		((char *)data)[len / 2] ^= 1;
	return r;
}

static int file_write(sqlite3_file *file, const void *data, int len, sqlite3_int64 offset)
{
	struct fault_file *f = (struct fault_file *)file;
	const sqlite3_io_methods *m = f->real->pMethods;

	injected = 0;
	if (fault_point("store.vfs.no-space"))
		return fail_with(ENOSPC, SQLITE_FULL);
	if (!f->wal && fault_point("store.vfs.db-write"))
		return fail_with(EIO, SQLITE_IOERR_WRITE);
#ifdef SCIA_FAULT_POINTS
	/* Half of it first: a kill leaves it torn. */
	if (len > 24 && getenv("SCIA_FAULT") && strstr(getenv("SCIA_FAULT"), "store.vfs.torn-write")) {
		int r = m->xWrite(f->real, data, len / 2, offset);
		if (r != SQLITE_OK || fault_point("store.vfs.torn-write"))
			return r != SQLITE_OK ? r : fail_with(EIO, SQLITE_IOERR_WRITE);
	}
#endif
	return m->xWrite(f->real, data, len, offset);
}

static int file_truncate(sqlite3_file *file, sqlite3_int64 size)
{
	return real_of(file)->pMethods->xTruncate(real_of(file), size);
}

static int file_sync(sqlite3_file *file, int flags)
{
	struct fault_file *f = (struct fault_file *)file;

	injected = 0;
	if (f->wal && fault_point("store.vfs.wal-sync-full"))
		return fail_with(ENOSPC, SQLITE_IOERR_FSYNC);
	if (f->wal ? fault_point("store.vfs.wal-sync") : fault_point("store.vfs.db-sync"))
		return fail_with(EIO, SQLITE_IOERR_FSYNC);
	return f->real->pMethods->xSync(f->real, flags);
}

static int file_size(sqlite3_file *file, sqlite3_int64 *ret)
{
	return real_of(file)->pMethods->xFileSize(real_of(file), ret);
}

static int file_lock(sqlite3_file *file, int lock)
{
	return real_of(file)->pMethods->xLock(real_of(file), lock);
}

static int file_unlock(sqlite3_file *file, int lock)
{
	return real_of(file)->pMethods->xUnlock(real_of(file), lock);
}

static int file_check_lock(sqlite3_file *file, int *ret)
{
	return real_of(file)->pMethods->xCheckReservedLock(real_of(file), ret);
}

static int file_control(sqlite3_file *file, int op, void *arg)
{
	if (op == SQLITE_FCNTL_LAST_ERRNO && injected) {
		*(int *)arg = injected;
		return SQLITE_OK;
	}
	return real_of(file)->pMethods->xFileControl(real_of(file), op, arg);
}

static int file_sector_size(sqlite3_file *file)
{
	return real_of(file)->pMethods->xSectorSize(real_of(file));
}

static int file_characteristics(sqlite3_file *file)
{
	return real_of(file)->pMethods->xDeviceCharacteristics(real_of(file));
}

static int file_shm_map(sqlite3_file *file, int page, int size, int extend, void volatile **ret)
{
	return real_of(file)->pMethods->xShmMap(real_of(file), page, size, extend, ret);
}

static int file_shm_lock(sqlite3_file *file, int offset, int n, int flags)
{
	return real_of(file)->pMethods->xShmLock(real_of(file), offset, n, flags);
}

static void file_shm_barrier(sqlite3_file *file)
{
	real_of(file)->pMethods->xShmBarrier(real_of(file));
}

static int file_shm_unmap(sqlite3_file *file, int del)
{
	return real_of(file)->pMethods->xShmUnmap(real_of(file), del);
}

static int vfs_open(sqlite3_vfs *vfs _unused_, sqlite3_filename name, sqlite3_file *file, int flags, int *ret_flags)
{
	struct fault_file *f = (struct fault_file *)file;

	f->real = (sqlite3_file *)(f + 1);
	f->wal = flags & SQLITE_OPEN_WAL;
	int r = real_vfs->xOpen(real_vfs, name, f->real, flags, ret_flags);
	f->base.pMethods = f->real->pMethods ? &fault_methods : NULL;
	return r;
}

static int vfs_last_error(sqlite3_vfs *vfs _unused_, int len, char *text)
{
	return injected ? injected : real_vfs->xGetLastError(real_vfs, len, text);
}

static void register_vfs(void)
{
	real_vfs = sqlite3_vfs_find("unix-excl");
	/* Version 2: everything but mapping the file into memory. */
	fault_methods = (sqlite3_io_methods){
		.iVersion = 2,
		.xClose = file_close,
		.xRead = file_read,
		.xWrite = file_write,
		.xTruncate = file_truncate,
		.xSync = file_sync,
		.xFileSize = file_size,
		.xLock = file_lock,
		.xUnlock = file_unlock,
		.xCheckReservedLock = file_check_lock,
		.xFileControl = file_control,
		.xSectorSize = file_sector_size,
		.xDeviceCharacteristics = file_characteristics,
		.xShmMap = file_shm_map,
		.xShmLock = file_shm_lock,
		.xShmBarrier = file_shm_barrier,
		.xShmUnmap = file_shm_unmap,
	};
	fault_vfs = *real_vfs;
	fault_vfs.zName = "scia-faults";
	fault_vfs.szOsFile = (int)sizeof(struct fault_file) + real_vfs->szOsFile;
	fault_vfs.xOpen = vfs_open;
	fault_vfs.xGetLastError = vfs_last_error;
	sqlite3_vfs_register(&fault_vfs, 0);
}

const char *store_vfs_name(void)
{
	pthread_once(&once, register_vfs);
	return fault_vfs.zName;
}
