#include "disk.h"

#include "base/fs.h"
#include "base/str.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <sys/stat.h>
#include <unistd.h>

#include "modules.h"
#include "roots.h"

#define STAMP_DEPTH_MAX 16
#define STAMP_ENTRIES_MAX 100000

struct kcl_disk {
	char **wanted; /* the roots as they were given; NULL */
	bool is_confined, is_open;
	struct kcl_roots roots; /* opened when they are needed: most programs import nothing */
};

struct kcl_disk *kcl_disk_new(const char *const *roots)
{
	struct kcl_disk *d = new0(struct kcl_disk);

	d->is_confined = roots != NULL;
	for (; roots && *roots; roots++)
		strv_push(&d->wanted, *roots);
	return d;
}

static const struct kcl_roots *roots_of(struct kcl_disk *d)
{
	static const char *const none[] = { NULL };

	if (!d->is_open && d->is_confined)
		kcl_roots_open(&d->roots, d->wanted ? (const char *const *)d->wanted : none);
	d->is_open = true;
	return &d->roots;
}

struct kcl_disk *kcl_disk_free(struct kcl_disk *d)
{
	if (!d)
		return NULL;
	kcl_roots_close(&d->roots);
	strv_free(d->wanted);
	free(d);
	return NULL;
}

char *const *kcl_disk_roots(struct kcl_disk *d)
{
	return roots_of(d)->paths;
}

/* ---- paths ---- */

/* Appends the parts of a path; ".." takes the last one off. */
static void append_parts(struct buf *out, const char *path)
{
	while (*path) {
		size_t len = strcspn(path, "/");
		bool is_up = len == 2 && path[0] == '.' && path[1] == '.';

		if (is_up) {
			while (out->len > 0 && out->data[out->len - 1] != '/')
				out->len--;
			out->len -= out->len > 0;
			if (out->data)
				out->data[out->len] = '\0';
		} else if (len > 0 && !(len == 1 && path[0] == '.')) {
			buf_putc(out, '/');
			buf_append(out, path, len);
		}
		path += len + (path[len] == '/');
	}
}

char *kcl_path_absolute(const char *folder, const char *path)
{
	struct buf out = BUF_INIT(PATH_MAX * 2);

	if (*path != '/')
		append_parts(&out, folder);
	append_parts(&out, path);
	if (out.len == 0)
		buf_putc(&out, '/');
	return buf_steal(&out);
}

/* Opened, or -1 with errno. The first root that it is below counts. */
static int open_path(struct kcl_disk *d, const char *path, int flags)
{
	_cleanup_free_ char *plain = NULL;

	if (!d->is_confined)
		return open(path, flags | O_CLOEXEC | O_NOCTTY);
	plain = kcl_path_absolute("/", path);
	errno = ENOENT;
	const struct kcl_roots *roots = roots_of(d);
	for (size_t i = 0; roots->paths && roots->paths[i]; i++) {
		const char *rest = kcl_roots_below(roots, i, plain);
		int fd = rest ? fs_open_below(roots->folders[i], rest, flags, 0) : -1;

		if (fd >= 0)
			return fd;
	}
	return -1;
}

static bool has_type(struct kcl_disk *d, const char *path, mode_t type)
{
	_cleanup_close_ int fd = open_path(d, path, O_PATH);
	struct stat st;

	return fd >= 0 && fstat(fd, &st) == 0 && (st.st_mode & S_IFMT) == type;
}

bool kcl_disk_is_folder(struct kcl_disk *d, const char *path)
{
	return has_type(d, path, S_IFDIR);
}

bool kcl_disk_is_file(struct kcl_disk *d, const char *path)
{
	return has_type(d, path, S_IFREG);
}

char *kcl_disk_find(struct kcl_disk *d, const char *path)
{
	if (*path == '/') {
		char *plain = kcl_path_absolute("/", path);

		return kcl_disk_is_folder(d, plain) || kcl_disk_is_file(d, plain) ? plain : (free(plain), NULL);
	}
	for (char *const *root = roots_of(d)->paths; root && *root; root++) {
		char *joined = kcl_path_absolute(*root, path);

		if (kcl_disk_is_folder(d, joined) || kcl_disk_is_file(d, joined))
			return joined;
		free(joined);
	}
	return NULL;
}

/* ---- reading ---- */

int kcl_disk_read(struct kcl_disk *d, const char *path, size_t max, char **ret, size_t *ret_len, struct err *err)
{
	_cleanup_free_ char *plain = NULL;

	if (!d->is_confined)
		return fs_read_file(path, max, ret, ret_len, err);
	plain = kcl_path_absolute("/", path);
	const struct kcl_roots *roots = roots_of(d);
	for (size_t i = 0; roots->paths && roots->paths[i]; i++) {
		const char *rest = kcl_roots_below(roots, i, plain);

		if (!rest)
			continue;
		if (fs_read_file_below(roots->folders[i], rest, max, ret, ret_len, err) == 0)
			return 0;
		return err_wrap(err, "%s", path);
	}
	return err_set(err, ERR_NOT_FOUND, "%s: not there, or outside of the folders that programs may be loaded from",
	               path);
}

bool kcl_is_source_name(const char *name)
{
	return str_ends_with(name, ".k") && !str_ends_with(name, "_test.k") && name[0] != '_' && name[0] != '.';
}

char **kcl_disk_list(struct kcl_disk *d, const char *folder)
{
	int fd = open_path(d, folder, O_RDONLY | O_DIRECTORY);
	DIR *dir = fd >= 0 ? fdopendir(fd) : NULL;
	char **names = dir ? xcalloc(1, sizeof(*names)) : NULL;
	size_t n = 0;

	for (const struct dirent *entry; dir && (entry = readdir(dir)) != NULL && n < KCL_FILES_MAX;) {
		if (!kcl_is_source_name(entry->d_name))
			continue;
		names = xreallocarray(names, n + 2, sizeof(*names));
		names[n++] = fs_join(folder, entry->d_name);
		names[n] = NULL;
	}
	if (dir)
		closedir(dir);
	else if (fd >= 0)
		close(fd);
	strv_sort(names);
	return names;
}

/* ---- changes ---- */

struct stamp {
	struct buf *out;
	size_t left; /* entries: links may lead in circles */
};

/* Links are followed: in a mounted ConfigMap all files are links, whose targets change. */
static void stamp_folder(struct stamp *s, const char *folder, unsigned depth)
{
	DIR *d = depth < STAMP_DEPTH_MAX ? opendir(folder) : NULL;

	for (const struct dirent *entry; d && s->left > 0 && (entry = readdir(d)) != NULL;) {
		_cleanup_free_ char *path = fs_join(folder, entry->d_name);
		struct stat st;

		s->left--;
		if (entry->d_name[0] == '.' || stat(path, &st) < 0)
			continue;
		if (S_ISDIR(st.st_mode))
			stamp_folder(s, path, depth + 1);
		else
			buf_printf(s->out, "%s %lld %lld.%09ld %llu\n", path, (long long)st.st_size, (long long)st.st_mtim.tv_sec,
			           st.st_mtim.tv_nsec, (unsigned long long)st.st_ino);
	}
	if (d)
		closedir(d);
}

void kcl_disk_stamp(const char *folder, struct buf *out)
{
	struct stamp s = { .out = out, .left = STAMP_ENTRIES_MAX };

	stamp_folder(&s, folder, 0);
}
