#include "base/fs.h"

#include "base/str.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

static int set_path_error(struct err *err, int errnum, const char *doing, const char *path)
{
	if (errnum == ENOENT || errnum == ENOTDIR)
		return err_set(err, ERR_NOT_FOUND, "%s %s: no such file", doing, path);
	if (errnum == ELOOP)
		return err_set(err, ERR_INVALID, "%s %s: symbolic links are not followed here", doing, path);
	if (errnum == EINVAL || errnum == EXDEV)
		return err_set(err, ERR_INVALID, "%s %s: not a path below the folder", doing, path);
	return err_set_errno(err, errnum, "%s %s", doing, path);
}

int fs_read_fd(int fd, const char *path, size_t max, char **ret_data, size_t *ret_len, struct err *err)
{
	struct stat st;
	if (fstat(fd, &st) < 0)
		return err_set_errno(err, errno, "reading %s", path);
	if (S_ISDIR(st.st_mode))
		return err_set(err, ERR_INVALID, "reading %s: it is a folder", path);
	_cleanup_buf_ struct buf b = BUF_INIT(max);
	/* The size is a hint only: files of /proc say 0, others may grow meanwhile. One byte more than max finds out. */
	size_t hint = st.st_size > 0 && (uint64_t)st.st_size < max ? (size_t)st.st_size + 1 : 4096;
	for (;;) {
		size_t room = max - b.len < hint ? max - b.len : hint;
		char probe;
		char *p = room ? buf_reserve(&b, room) : &probe;
		ssize_t n = read(fd, p, room ? room : 1);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return err_set_errno(err, errno, "reading %s", path);
		if (n == 0)
			break;
		if (!room)
			return err_set(err, ERR_TOO_LARGE, "reading %s: it is larger than %zu bytes", path, max);
		buf_commit(&b, (size_t)n);
		hint = b.len < 4096 ? 4096 : b.len;
	}
	if (ret_len)
		*ret_len = b.len;
	*ret_data = buf_steal(&b);
	return 0;
}

int fs_read_file(const char *path, size_t max, char **ret_data, size_t *ret_len, struct err *err)
{
	_cleanup_close_ int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
	if (fd < 0)
		return set_path_error(err, errno, "reading", path);
	return fs_read_fd(fd, path, max, ret_data, ret_len, err);
}

/* Opens one folder below another. -1 with errno, ELOOP when it is a symbolic link. */
static int open_folder_at(int dirfd, const char *name)
{
	int fd = openat(dirfd, name, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0 && errno == ENOTDIR) {
		struct stat st;
		bool link = fstatat(dirfd, name, &st, AT_SYMLINK_NOFOLLOW) == 0 && S_ISLNK(st.st_mode);
		errno = link ? ELOOP : ENOTDIR;
	}
	return fd;
}

/* Opens the folder that holds path's last component (*ret_last), following no symbolic link. -1 with errno. */
static int open_parent_at(int dirfd, const char *path, const char **ret_last)
{
	_cleanup_close_ int at = open_folder_at(dirfd, ".");
	while (at >= 0) {
		size_t len = strcspn(path, "/");
		if (!len || (len == 2 && path[0] == '.' && path[1] == '.')) {
			errno = EINVAL;
			return -1;
		}
		if (!path[len]) {
			*ret_last = path;
			return TAKE_FD(at);
		}
		_cleanup_free_ char *part = xstrndup(path, len);
		_cleanup_close_ int above = at;
		at = open_folder_at(above, part);
		path += len + 1;
	}
	return -1;
}

/* Below the folder, no symbolic link followed. */
static int open_plain(int dirfd, const char *path, int flags, mode_t mode)
{
	const char *last;
	_cleanup_close_ int parent = open_parent_at(dirfd, path, &last);
	return parent < 0 ? -1 : openat(parent, last, flags | O_NOFOLLOW | O_CLOEXEC | O_NOCTTY, mode);
}

int fs_open_below(int dirfd, const char *path, int flags, mode_t mode)
{
	const char *wanted = *path ? path : ".";
	/* openat2() refuses what has no meaning: with O_PATH nothing is opened that could become a terminal. */
	const struct open_how how = { .flags = (unsigned)(flags | O_CLOEXEC | (flags & O_PATH ? 0 : O_NOCTTY)),
		                          .mode = flags & O_CREAT ? mode : 0,
		                          .resolve = RESOLVE_BENEATH | RESOLVE_NO_MAGICLINKS };
	long fd = syscall(SYS_openat2, dirfd, wanted, &how, sizeof(how));

	/* EPERM: sandboxes of before 2020 know only the calls of their time. */
	if (fd < 0 && (errno == ENOSYS || errno == EPERM))
		return open_plain(dirfd, wanted, flags, mode);
	return (int)fd;
}

/* O_NONBLOCK: a FIFO must not hang us before fstat() tells that it is one. */
#define READ_FLAGS (O_RDONLY | O_NONBLOCK)

static int read_regular(int fd, const char *path, size_t max, char **ret_data, size_t *ret_len, struct err *err)
{
	if (fd < 0)
		return set_path_error(err, errno, "reading", path);
	struct stat st;
	if (fstat(fd, &st) < 0)
		return err_set_errno(err, errno, "reading %s", path);
	if (!S_ISREG(st.st_mode))
		return err_set(err, ERR_INVALID, "reading %s: it is not a regular file", path);
	return fs_read_fd(fd, path, max, ret_data, ret_len, err);
}

int fs_read_file_at(int dirfd, const char *path, size_t max, char **ret_data, size_t *ret_len, struct err *err)
{
	_cleanup_close_ int fd = open_plain(dirfd, path, READ_FLAGS, 0);

	return read_regular(fd, path, max, ret_data, ret_len, err);
}

int fs_read_file_below(int dirfd, const char *path, size_t max, char **ret_data, size_t *ret_len, struct err *err)
{
	_cleanup_close_ int fd = fs_open_below(dirfd, path, READ_FLAGS, 0);

	return read_regular(fd, path, max, ret_data, ret_len, err);
}

int fs_write_all(int fd, const void *data, size_t len)
{
	const char *p = data;
	while (len) {
		ssize_t n = write(fd, p, len);
		if (n < 0 && errno == EAGAIN) {
			struct pollfd pfd = { .fd = fd, .events = POLLOUT };
			poll(&pfd, 1, -1);
		} else if (n < 0 && errno != EINTR) {
			return -1;
		} else if (n > 0) {
			p += n;
			len -= (size_t)n;
		}
	}
	return 0;
}

static int fsync_folder_of(const char *path)
{
	const char *slash = strrchr(path, '/');
	_cleanup_free_ char *dir = !slash ? xstrdup(".") : xstrndup(path, slash == path ? 1 : (size_t)(slash - path));
	_cleanup_close_ int fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	return fd < 0 ? -1 : fsync(fd);
}

/* Steps of fs_replace() on the temporary file. -1 with errno. */
static int write_and_rename(int fd, const char *tmp, const char *path, const void *data, size_t len, mode_t mode,
                            bool durable)
{
	if (fchmod(fd, mode) < 0 || fs_write_all(fd, data, len) < 0 || (durable && fsync(fd) < 0))
		return -1;
	return rename(tmp, path);
}

static int replace_file(const char *path, const void *data, size_t len, mode_t mode, bool durable, struct err *err)
{
	_cleanup_free_ char *tmp = xasprintf("%s.tmp-XXXXXX", path);
	_cleanup_close_ int fd = mkostemp(tmp, O_CLOEXEC);
	if (fd < 0)
		return err_set_errno(err, errno, "writing %s", path);
	if (write_and_rename(fd, tmp, path, data, len, mode, durable) < 0) {
		int saved = errno;
		unlink(tmp);
		return err_set_errno(err, saved, "writing %s", path);
	}
	if (durable && fsync_folder_of(path) < 0)
		return err_set_errno(err, errno, "writing %s: making it durable", path);
	return 0;
}

int fs_write_atomic(const char *path, const void *data, size_t len, mode_t mode, struct err *err)
{
	return replace_file(path, data, len, mode, true, err);
}

int fs_replace(const char *path, const void *data, size_t len, mode_t mode, struct err *err)
{
	return replace_file(path, data, len, mode, false, err);
}

int fs_mkdir_p(const char *path, mode_t mode, struct err *err)
{
	_cleanup_free_ char *copy = xstrdup(path);
	for (char *p = copy + (*copy == '/');; p++) {
		if (*p && *p != '/')
			continue;
		char end = *p;
		*p = '\0';
		if (*copy && mkdir(copy, mode) < 0 && (errno != EEXIST || !fs_is_dir(copy))) {
			/* EEXIST: something that is no folder stands in the way. A read-only parent may answer so too. */
			int saved = errno == EEXIST ? ENOTDIR : errno;
			if (!fs_is_dir(copy))
				return err_set_errno(err, saved, "making folder %s", copy);
		}
		if (!end)
			return 0;
		*p = end;
	}
}

bool fs_exists(const char *path)
{
	struct stat st;
	return stat(path, &st) == 0;
}

bool fs_is_dir(const char *path)
{
	struct stat st;
	return stat(path, &st) == 0 && S_ISDIR(st.st_mode);
}

char *fs_join(const char *dir, const char *name)
{
	return xasprintf("%s%s%s", dir, str_ends_with(dir, "/") ? "" : "/", name);
}
