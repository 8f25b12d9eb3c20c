#include "store_lock.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

int store_lock_take(const char *db_path, int *ret_fd, struct err *err)
{
	_cleanup_free_ char *path = xasprintf("%s.lock", db_path);
	_cleanup_close_ int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
	char pid[32] = "";

	if (fd < 0)
		return err_set_errno(err, errno, "opening the store's lock file %s", path);
	if (flock(fd, LOCK_EX | LOCK_NB) < 0) {
		if (errno != EWOULDBLOCK)
			return err_set_errno(err, errno, "locking %s", path);
		ssize_t n = pread(fd, pid, sizeof(pid) - 1, 0);
		pid[n > 0 ? strcspn(pid, " \n") : 0] = '\0';
		return err_set(err, ERR_ALREADY_EXISTS, "the store %s is in use by another process (pid %s)", db_path,
		               *pid ? pid : "unknown");
	}
	/* The pid is for people only: a full disk must not keep us from starting. */
	int len = snprintf(pid, sizeof(pid), "%-10d", getpid());
	ssize_t written = pwrite(fd, pid, (size_t)len, 0);
	if (written == len && ftruncate(fd, len) < 0)
		written = 0;
	*ret_fd = TAKE_FD(fd);
	return 0;
}

char *store_restore_mark(const char *db_path)
{
	return xasprintf("%s.restoring", db_path);
}
