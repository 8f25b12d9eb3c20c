#include "file_access.h"

#include "base/fs.h"
#include "base/str.h"
#include "disk.h"
#include "glob.h"
#include "roots.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#define READ_MAX ((size_t)64 * 1024 * 1024)
#define COPY_DEPTH_MAX 64
#define NAMES_MAX 100000

struct kcl_files {
	struct kcl_file_access access;
	char *work_dir, *module_path;
	char **variables;
	struct kcl_roots roots;
	bool has_variables;
};

/* ---- where a path is ---- */

/* A path as a folder that is open, and what is below it. */
struct place {
	int folder; /* AT_FDCWD: anywhere */
	char *path;
};

static void place_clear(struct place *p)
{
	free(p->path);
}
#define _cleanup_place_ _cleanup_(place_clear)

/* As Rust words it. */
static int os_error(struct err *err, int number)
{
	enum err_kind kind = number == ENOENT ? ERR_NOT_FOUND : number == EEXIST ? ERR_ALREADY_EXISTS : ERR_INVALID;

	if (number == EXDEV)
		return err_set(err, ERR_FORBIDDEN, "it is outside of the folders that programs may touch");
	return err_set(err, kind, "%s (os error %d)", strerrordesc_np(number), number);
}

static int find_place(const struct kcl_files *f, const char *path, struct place *ret, struct err *err)
{
	_cleanup_free_ char *plain = NULL;

	*ret = (struct place){ .folder = -1 };
	if (!*path)
		return os_error(err, ENOENT);
	if (!f->roots.is_confined) {
		*ret = (struct place){ AT_FDCWD, *path == '/' ? xstrdup(path) : fs_join(f->work_dir, path) };
		return 0;
	}
	plain = kcl_path_absolute(f->work_dir, path);
	for (size_t i = 0; f->roots.paths && f->roots.paths[i]; i++) {
		const char *rest = kcl_roots_below(&f->roots, i, plain);

		if (rest) {
			*ret = (struct place){ f->roots.folders[i], xstrdup(*rest ? rest : ".") };
			return 0;
		}
	}
	return os_error(err, EXDEV);
}

static int open_place(const struct place *p, int flags, mode_t mode)
{
	/* A FIFO must not keep us waiting for its other end. */
	if (!(flags & O_PATH))
		flags |= O_NONBLOCK;
	if (p->folder == AT_FDCWD)
		return open(p->path, flags | O_CLOEXEC | O_NOCTTY, mode);
	return fs_open_below(p->folder, p->path, flags, mode);
}

/* The folder of what a place names, opened, and its name there: for calls that make, move and remove. */
static int open_parent(const struct place *p, char **ret_name)
{
	const char *slash = strrchr(p->path, '/');
	struct place parent = { p->folder, slash ? xstrndup(p->path, (size_t)(slash - p->path) + 1) : xstrdup(".") };
	int fd = open_place(&parent, O_PATH | O_DIRECTORY, 0);

	*ret_name = xstrdup(slash ? slash + 1 : p->path);
	place_clear(&parent);
	return fd;
}

/* ---- contents ---- */

static struct bytes *access_read(void *self, const char *path, struct err *err)
{
	_cleanup_place_ struct place p = { 0 };
	_cleanup_free_ char *text = NULL;
	_cleanup_close_ int fd = -1;
	struct stat st;
	size_t len;

	if (find_place(self, path, &p, err) < 0)
		return NULL;
	fd = open_place(&p, O_RDONLY, 0);
	if (fd < 0 || fstat(fd, &st) < 0) {
		os_error(err, errno);
		return NULL;
	}
	if (S_ISDIR(st.st_mode)) {
		os_error(err, EISDIR);
		return NULL;
	}
	if (fs_read_fd(fd, path, READ_MAX, &text, &len, err) < 0)
		return NULL;
	return bytes_new(text, len);
}

static int access_write(void *self, const char *path, const char *text, size_t len, bool append, struct err *err)
{
	_cleanup_place_ struct place p = { 0 };
	_cleanup_close_ int fd = -1;

	if (find_place(self, path, &p, err) < 0)
		return -1;
	fd = open_place(&p, O_WRONLY | O_CREAT | (append ? O_APPEND : O_TRUNC), 0644);
	return fd < 0 || fs_write_all(fd, text, len) < 0 ? os_error(err, errno) : 0;
}

/* ---- what is there ---- */

static int access_size(void *self, const char *path, uint64_t *ret, struct err *err)
{
	_cleanup_place_ struct place p = { 0 };
	_cleanup_close_ int fd = -1;
	struct stat st;

	if (find_place(self, path, &p, err) < 0)
		return -1;
	fd = open_place(&p, O_PATH, 0);
	if (fd < 0 || fstat(fd, &st) < 0)
		return os_error(err, errno);
	*ret = (uint64_t)st.st_size;
	return 0;
}

static char *access_absolute(void *self, const char *path, struct err *err)
{
	_cleanup_place_ struct place p = { 0 };
	_cleanup_close_ int fd = -1;
	char link[64], real[PATH_MAX];
	ssize_t n = -1;

	if (find_place(self, path, &p, err) < 0)
		return NULL;
	fd = open_place(&p, O_PATH, 0);
	snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
	if (fd >= 0)
		n = readlink(link, real, sizeof(real));
	if (n > 0 && (size_t)n < sizeof(real))
		return xstrndup(real, (size_t)n);
	os_error(err, n < 0 ? errno : ENAMETOOLONG);
	return NULL;
}

static char **list_names(int fd)
{
	DIR *d = fd >= 0 ? fdopendir(fd) : NULL;
	char **names = d ? xcalloc(1, sizeof(*names)) : NULL;
	size_t n = 0;

	for (const struct dirent *e; d && n < NAMES_MAX && (e = readdir(d)) != NULL;) {
		if (str_eq(e->d_name, ".") || str_eq(e->d_name, ".."))
			continue;
		/* Twice as many whenever a power of two is full. */
		if (((n + 1) & n) == 0)
			names = xreallocarray(names, 2 * (n + 1), sizeof(*names));
		names[n++] = xstrdup(e->d_name);
		names[n] = NULL;
	}
	if (d)
		closedir(d);
	else if (fd >= 0)
		close(fd);
	return names;
}

static char **glob_list(void *self, const char *folder)
{
	_cleanup_place_ struct place p = { 0 };

	return find_place(self, folder, &p, NULL) < 0 ? NULL : list_names(open_place(&p, O_RDONLY | O_DIRECTORY, 0));
}

static bool glob_exists(void *self, const char *path)
{
	uint64_t size;

	return access_size(self, path, &size, NULL) == 0;
}

static char **access_glob(void *self, const char *pattern, struct err *err)
{
	const struct kcl_glob_files files = { self, glob_list, glob_exists };

	return kcl_glob(&files, pattern, err);
}

/* ---- changes ---- */

static int access_make_folder(void *self, const char *path, struct err *err)
{
	_cleanup_place_ struct place p = { 0 };

	if (find_place(self, path, &p, err) < 0)
		return -1;
	/* Each folder on the way, if it is not there. */
	for (size_t at = strspn(p.path, "/"), n; p.path[at]; at += n + strspn(p.path + at + n, "/")) {
		_cleanup_free_ char *name = NULL;
		_cleanup_close_ int parent = -1;

		n = strcspn(p.path + at, "/");
		struct place part = { p.folder, xstrndup(p.path, at + n) };
		_cleanup_close_ int there = open_place(&part, O_PATH | O_DIRECTORY, 0);
		int number = errno;
		if (there < 0)
			parent = open_parent(&part, &name);
		place_clear(&part);
		if (there >= 0)
			continue;
		if (number == ENOTDIR)
			return os_error(err, p.path[at + n] ? ENOTDIR : EEXIST);
		if (parent < 0 || mkdirat(parent, name, 0777) < 0)
			return os_error(err, errno);
	}
	return 0;
}

static int access_remove(void *self, const char *path, struct err *err)
{
	_cleanup_place_ struct place p = { 0 };
	_cleanup_free_ char *name = NULL;
	_cleanup_close_ int parent = -1;

	if (find_place(self, path, &p, err) < 0)
		return -1;
	for (size_t len = strlen(p.path); len > 1 && p.path[len - 1] == '/';)
		p.path[--len] = '\0';
	parent = open_parent(&p, &name);
	if (parent >= 0 && unlinkat(parent, name, 0) == 0)
		return 0;
	if (parent >= 0 && errno == EISDIR && unlinkat(parent, name, AT_REMOVEDIR) == 0)
		return 0;
	return os_error(err, errno);
}

static int copy_file(int from, const struct place *to, mode_t mode, struct err *err)
{
	_cleanup_close_ int out = open_place(to, O_WRONLY | O_CREAT | O_TRUNC, mode & 0777);
	char chunk[65536];
	ssize_t n;

	if (out < 0)
		return os_error(err, errno);
	while ((n = read(from, chunk, sizeof(chunk))) > 0)
		if (fs_write_all(out, chunk, (size_t)n) < 0)
			return os_error(err, errno);
	return n < 0 ? os_error(err, errno) : 0;
}

static int copy_place(struct kcl_files *f, const char *from, const char *to, unsigned depth, struct err *err);

/* Files and folders of a folder; links are left out, as upstream does. */
static int copy_folder(struct kcl_files *f, const char *from, const char *to, int fd, unsigned depth, struct err *err)
{
	_cleanup_strv_ char **names = list_names(dup(fd));

	if (depth > COPY_DEPTH_MAX)
		return err_set(err, ERR_TOO_LARGE, "folders are nested over %d deep", COPY_DEPTH_MAX);
	if (access_make_folder(f, to, err) < 0)
		return -1;
	for (char **name = names; name && *name; name++) {
		_cleanup_free_ char *inner_from = fs_join(from, *name), *inner_to = fs_join(to, *name);
		struct stat st;

		if (fstatat(fd, *name, &st, AT_SYMLINK_NOFOLLOW) < 0 || !(S_ISREG(st.st_mode) || S_ISDIR(st.st_mode)))
			continue;
		if (copy_place(f, inner_from, inner_to, depth + 1, err) < 0)
			return -1;
	}
	return 0;
}

static int copy_place(struct kcl_files *f, const char *from, const char *to, unsigned depth, struct err *err)
{
	_cleanup_place_ struct place source = { 0 }, target = { 0 };
	_cleanup_close_ int fd = -1;
	struct stat st;

	if (find_place(f, from, &source, err) < 0 || find_place(f, to, &target, err) < 0)
		return -1;
	fd = open_place(&source, O_RDONLY, 0);
	if (fd < 0 || fstat(fd, &st) < 0)
		return os_error(err, errno);
	if (S_ISDIR(st.st_mode))
		return copy_folder(f, from, to, fd, depth, err);
	return copy_file(fd, &target, st.st_mode, err);
}

static int access_copy(void *self, const char *from, const char *to, struct err *err)
{
	return copy_place(self, from, to, 0, err);
}

static int access_move(void *self, const char *from, const char *to, struct err *err)
{
	_cleanup_place_ struct place source = { 0 }, target = { 0 };
	_cleanup_free_ char *old_name = NULL, *new_name = NULL;
	_cleanup_close_ int old_parent = -1, new_parent = -1;

	if (find_place(self, from, &source, err) < 0 || find_place(self, to, &target, err) < 0)
		return -1;
	old_parent = open_parent(&source, &old_name);
	if (old_parent < 0)
		return os_error(err, errno);
	new_parent = open_parent(&target, &new_name);
	if (new_parent < 0 || renameat(old_parent, old_name, new_parent, new_name) < 0)
		return os_error(err, errno);
	return 0;
}

/* ---- life ---- */

static const char *access_environment(void *self, const char *name)
{
	const struct kcl_files *f = self;

	return f->has_variables && !str_in(name, (const char *const *)f->variables) ? NULL : getenv(name);
}

struct kcl_files *kcl_files_new(const struct kcl_files_options *o)
{
	struct kcl_files *f = new0(struct kcl_files);
	char here[PATH_MAX];

	kcl_roots_open(&f->roots, o->roots);
	f->has_variables = o->variables != NULL;
	for (const char *const *name = o->variables; name && *name; name++)
		strv_push(&f->variables, *name);
	if (o->work_dir)
		f->work_dir = xstrdup(o->work_dir);
	else
		f->work_dir = xstrdup(f->roots.paths ? f->roots.paths[0] : getcwd(here, sizeof(here)) ? here : "/");
	f->module_path = xstrdup_or_null(o->module_path);
	f->access = (struct kcl_file_access){ .self = f,
		                                  .module_path = f->module_path,
		                                  .work_dir = f->work_dir,
		                                  .read = access_read,
		                                  .write = access_write,
		                                  .size = access_size,
		                                  .absolute = access_absolute,
		                                  .glob = access_glob,
		                                  .make_folder = access_make_folder,
		                                  .remove = access_remove,
		                                  .copy = access_copy,
		                                  .move = access_move,
		                                  .environment = access_environment };
	return f;
}

struct kcl_files *kcl_files_free(struct kcl_files *f)
{
	if (!f)
		return NULL;
	kcl_roots_close(&f->roots);
	strv_free(f->variables);
	free(f->work_dir);
	free(f->module_path);
	free(f);
	return NULL;
}

const struct kcl_file_access *kcl_files_access(const struct kcl_files *f)
{
	return &f->access;
}
