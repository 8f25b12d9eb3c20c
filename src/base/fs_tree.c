#include "base/fs.h"

#include "base/str.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* Work on whole trees that somebody else may have built to be hostile: deep beyond any path or descriptor limit, with
 * symbolic links out of it, without permissions. */

/* Folders held open at once. */
#define DEPTH_MAX 64
#define SIZE_DEPTH_MAX 128
#define ROUNDS_MAX 100000

static void closedirp(DIR **d)
{
	if (*d)
		closedir(*d);
}

static bool is_dots(const char *name)
{
	return str_eq(name, ".") || str_eq(name, "..");
}

/* Opens a folder, never a symbolic link, giving the owner full permission when `unlock` and it lacks them.
 * NULL with errno. */
static DIR *open_folder(int parent, const char *name, bool unlock)
{
	_cleanup_close_ int path_fd = openat(parent, name, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (path_fd < 0)
		return NULL;
	struct stat st;
	if (unlock && fstat(path_fd, &st) == 0 && (st.st_mode & S_IRWXU) != S_IRWXU) {
		char proc_path[64];
		snprintf(proc_path, sizeof(proc_path), "/proc/self/fd/%d", path_fd);
		chmod(proc_path, (st.st_mode & 07777) | S_IRWXU); /* if that fails, so will what needs it */
	}
	_cleanup_close_ int fd = openat(path_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		return NULL;
	DIR *d = fdopendir(fd);
	if (d)
		(void)TAKE_FD(fd);
	return d;
}

struct removal {
	int top; /* the folder that is being emptied */
	dev_t dev;
	unsigned hoisted; /* deep folders moved up into it */
	int errnum;       /* of the first failure */
	char *failed;     /* and the name it struck */
};

static void removal_fail(struct removal *r, int errnum, const char *name)
{
	if (errnum == ENOENT || r->errnum)
		return; /* somebody else removed it: so be it */
	r->errnum = errnum;
	r->failed = xstrdup(name);
}

/* Moves a folder that lies too deep into the top folder, where a later round meets it. */
static void hoist(struct removal *r, int parent, const char *name)
{
	for (;;) {
		char up[48];
		snprintf(up, sizeof(up), ".removing-%d-%u", (int)getpid(), r->hoisted++);
		if (renameat2(parent, name, r->top, up, RENAME_NOREPLACE) == 0)
			return;
		if (errno != EEXIST) {
			removal_fail(r, errno, name);
			return;
		}
	}
}

static void empty_folder(struct removal *r, DIR *d, int depth);

static void remove_entry(struct removal *r, int parent, const char *name, int depth)
{
	struct stat st;
	if (fstatat(parent, name, &st, AT_SYMLINK_NOFOLLOW) < 0) {
		removal_fail(r, errno, name);
		return;
	}
	if (!S_ISDIR(st.st_mode)) {
		if (unlinkat(parent, name, 0) < 0)
			removal_fail(r, errno, name);
		return;
	}
	if (st.st_dev != r->dev) {
		removal_fail(r, EXDEV, name);
		return;
	}
	_cleanup_(closedirp) DIR *d = open_folder(parent, name, true);
	if (!d) {
		removal_fail(r, errno, name);
		return;
	}
	if (depth >= DEPTH_MAX && unlinkat(parent, name, AT_REMOVEDIR) == 0)
		return;
	if (depth >= DEPTH_MAX) {
		hoist(r, parent, name);
		return;
	}
	empty_folder(r, d, depth + 1);
	if (unlinkat(parent, name, AT_REMOVEDIR) < 0)
		removal_fail(r, errno, name);
}

static void empty_folder(struct removal *r, DIR *d, int depth)
{
	const struct dirent *e;
	while ((e = readdir(d)))
		if (!is_dots(e->d_name))
			remove_entry(r, dirfd(d), e->d_name, depth);
}

int fs_remove_tree(const char *path, struct err *err)
{
	struct stat st;
	if (lstat(path, &st) < 0) {
		if (errno == ENOENT)
			return 0;
		return err_set_errno(err, errno, "removing %s", path);
	}
	if (!S_ISDIR(st.st_mode)) {
		if (unlink(path) < 0 && errno != ENOENT)
			return err_set_errno(err, errno, "removing %s", path);
		return 0;
	}
	_cleanup_(closedirp) DIR *d = open_folder(AT_FDCWD, path, true);
	if (!d)
		return err_set_errno(err, errno, "removing %s", path);
	struct removal r = { .top = dirfd(d), .dev = st.st_dev };
	/* Again while folders were hoisted, or while somebody still writes into the tree, within reason. */
	for (int round = 0; round < ROUNDS_MAX; round++) {
		rewinddir(d);
		unsigned before = r.hoisted;
		empty_folder(&r, d, 0);
		bool busy = r.errnum == ENOTEMPTY && round < 3;
		if (r.errnum && !busy)
			break;
		if (!busy && r.hoisted == before && (rmdir(path) == 0 || errno == ENOENT)) {
			free(r.failed);
			return 0;
		}
		if (!busy && r.hoisted == before && (errno != ENOTEMPTY || round >= 3)) {
			removal_fail(&r, errno, path);
			break;
		}
		r.errnum = 0;
		free(r.failed);
		r.failed = NULL;
	}
	_cleanup_free_ char *failed = r.failed;
	return err_set_errno(err, r.errnum, "removing %s: at %s", path, failed ? failed : path);
}

static void add_size(DIR *d, int depth, dev_t dev, int64_t max, int64_t *total)
{
	const struct dirent *e;
	while (*total <= max && (e = readdir(d))) {
		struct stat st;
		if (is_dots(e->d_name) || fstatat(dirfd(d), e->d_name, &st, AT_SYMLINK_NOFOLLOW) < 0)
			continue;
		if (S_ISREG(st.st_mode))
			*total += (int64_t)st.st_blocks * 512;
		if (!S_ISDIR(st.st_mode) || st.st_dev != dev)
			continue;
		if (depth >= SIZE_DEPTH_MAX) {
			*total = max + 1;
			return;
		}
		_cleanup_(closedirp) DIR *sub = open_folder(dirfd(d), e->d_name, false);
		if (sub)
			add_size(sub, depth + 1, dev, max, total);
	}
}

int64_t fs_tree_size(const char *path, int64_t max)
{
	struct stat st;
	if (lstat(path, &st) < 0)
		return 0;
	if (S_ISREG(st.st_mode))
		return (int64_t)st.st_blocks * 512;
	_cleanup_(closedirp) DIR *d = open_folder(AT_FDCWD, path, false);
	int64_t total = 0;
	if (max == INT64_MAX)
		max--;
	if (d)
		add_size(d, 0, st.st_dev, max, &total);
	return total;
}
