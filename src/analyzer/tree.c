#include "tree.h"

#include "base/clock.h"
#include "base/str.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>

#define DEPTH_MAX 32
#define PATH_LEN_MAX 4000

/* Made by tools or by others. Folders whose name begins with a dot are left out too, with
 * exceptions. */
static const char *const ignored_dirs[] = {
	"node_modules",
	"bower_components",
	"jspm_packages",
	"vendor",
	"target",
	"dist",
	"build",
	"out",
	"venv",
	"virtualenv",
	"__pycache__",
	"site-packages",
	"coverage",
	"htmlcov",
	"obj",
	"Pods",
	"DerivedData",
	"_build",
	"deps",
	"elm-stuff",
	"third_party",
	"third-party",
	"thirdparty",
	"bazel-bin",
	"bazel-out",
	"cmake-build-debug",
	"cmake-build-release",
	"wheels",
	"eggs",
	"storybook-static",
	"_site",
	"tmp",
	"logs",
	NULL,
};

static const char *const dot_dirs[] = { ".streamlit", ".docker", NULL };

static const char *const test_dirs[] = { "test",     "tests",     "__tests__", "testing",           "spec",
	                                     "specs",    "e2e",       "cypress",   "testdata",          "test-data",
	                                     "fixtures", "__mocks__", "mocks",     "integration-tests", "integration_tests",
	                                     NULL };

static const char *const side_dirs[] = {
	"example",       "examples",  "sample",      "samples",    "demo",        "demos",   "docs",     "doc",
	"documentation", "fixture",   "benchmark",   "benchmarks", "bench",       "tools",   "tooling",  "scripts",
	"template",      "templates", "contrib",     "playground", "playgrounds", "sandbox", "external", "extern",
	"infra",         "terraform", "deploy",      "deployment", "k8s",         "helm",    "charts",   "storybook",
	"starter",       "starters",  "boilerplate", "snippets",   "_examples",   NULL,
};

struct names {
	struct tree_entry {
		const char *name;
		bool is_dir;
	} * v;
	size_t len, cap;
};

static int entry_compare(const void *a, const void *b)
{
	return strcmp(((const struct tree_entry *)a)->name, ((const struct tree_entry *)b)->name);
}

/* Keeps the smallest `keep` names, so that what is cut off does not depend on the order of listing. */
static void names_push(struct tree *t, struct names *n, const char *name, bool is_dir, size_t keep)
{
	if (n->len == n->cap) {
		n->cap = n->cap ? n->cap * 2 : 64;
		n->v = xreallocarray(n->v, n->cap, sizeof(*n->v));
	}
	n->v[n->len++] = (struct tree_entry){ arena_strdup(t->arena, name), is_dir };
	if (keep > SIZE_MAX / 4 || n->len < keep * 2 + 64)
		return;
	qsort(n->v, n->len, sizeof(*n->v), entry_compare);
	n->len = keep;
	t->truncated = true;
}

static int open_below(int fd, const char *path, int flags)
{
	return openat(fd, path, flags | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK);
}

static void names_read(struct tree *t, const struct tree_dir *dir, struct names *n)
{
	int fd = open_below(t->fd, dir->path[0] ? dir->path : ".", O_RDONLY | O_DIRECTORY);
	DIR *d = fd < 0 ? NULL : fdopendir(fd);
	size_t keep = t->names_max - t->names;
	struct dirent *e;

	if (!d) {
		if (fd >= 0)
			close(fd);
		t->truncated = true;
		return;
	}
	while ((e = readdir(d))) {
		unsigned char type = e->d_type;
		struct stat st;

		if (str_eq(e->d_name, ".") || str_eq(e->d_name, ".."))
			continue;
		if (type == DT_UNKNOWN && !fstatat(fd, e->d_name, &st, AT_SYMLINK_NOFOLLOW))
			type = S_ISDIR(st.st_mode) ? DT_DIR : S_ISREG(st.st_mode) ? DT_REG : DT_UNKNOWN;
		if (type == DT_DIR || type == DT_REG)
			names_push(t, n, e->d_name, type == DT_DIR, keep);
	}
	closedir(d);
	if (n->len)
		qsort(n->v, n->len, sizeof(*n->v), entry_compare);
	if (n->len > keep) {
		n->len = keep;
		t->truncated = true;
	}
	t->names += n->len;
}

/* In sources, "samples" or "tools" is a package like any other: only tests are something else there. */
static bool is_side(const struct tree_dir *parent, const char *name)
{
	if (parent->side || str_in(name, test_dirs))
		return true;
	for (const struct tree_dir *up = parent; up; up = up->parent)
		if (str_eq(up->name, "src"))
			return false;
	return str_in(name, side_dirs);
}

static struct tree_dir *dir_new(struct tree *t, struct tree_dir *parent, const char *name)
{
	struct tree_dir *dir = arena_alloc(t->arena, sizeof(*dir));

	dir->name = name;
	dir->parent = parent;
	dir->path = !parent || !parent->path[0] ? name : arena_printf(t->arena, "%s/%s", parent->path, name);
	dir->depth = parent ? parent->depth + 1 : 0;
	dir->side = parent && is_side(parent, name);
	if (t->dirs_len == t->dirs_cap) {
		t->dirs_cap = t->dirs_cap ? t->dirs_cap * 2 : 256;
		t->dirs = xreallocarray(t->dirs, t->dirs_cap, sizeof(struct tree_dir *));
	}
	t->dirs[t->dirs_len++] = dir;
	return dir;
}

static bool dir_wanted(struct tree *t, const struct tree_dir *dir, const char *name)
{
	if (name[0] == '.' && !str_in(name, dot_dirs))
		return false;
	if (str_in(name, ignored_dirs))
		return false;
	if (dir->depth + 1 > DEPTH_MAX || strlen(dir->path) + strlen(name) + 2 > PATH_LEN_MAX) {
		t->truncated = true;
		return false;
	}
	return true;
}

static void dir_fill(struct tree *t, struct tree_dir *dir)
{
	struct names n = { 0 };
	size_t dirs = 0;

	names_read(t, dir, &n);
	for (size_t i = 0; i < n.len; i++)
		dirs += n.v[i].is_dir;
	dir->files = arena_alloc(t->arena, (n.len - dirs + 1) * sizeof(*dir->files));
	dir->dirs = arena_alloc(t->arena, (dirs + 1) * sizeof(struct tree_dir *));
	for (size_t i = 0; i < n.len; i++) {
		if (!n.v[i].is_dir)
			dir->files[dir->files_len++].name = n.v[i].name;
		/* A Python virtual environment may have any name; this file is how Python knows it. */
		if (!n.v[i].is_dir && dir->parent && str_eq(n.v[i].name, "pyvenv.cfg"))
			dirs = 0;
	}
	for (size_t i = 0; i < n.len && dirs; i++)
		if (n.v[i].is_dir && dir_wanted(t, dir, n.v[i].name))
			dir->dirs[dir->dirs_len++] = dir_new(t, dir, n.v[i].name);
	free(n.v);
}

static int open_root(const char *dir, const char *subpath, struct err *err)
{
	int fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	_cleanup_strv_ char **parts = NULL;

	if (fd < 0)
		return err_set(err, ERR_NOT_FOUND, "analysing %s: there is no such folder", dir);
	if (str_empty(subpath))
		return fd;
	parts = str_split(subpath, "/");
	for (size_t i = 0; subpath[0] != '/' && parts && parts[i]; i++) {
		int next = str_eq(parts[i], "..") ? -1 : open_below(fd, parts[i], O_RDONLY | O_DIRECTORY);

		close(fd);
		fd = next;
		if (fd < 0)
			break;
	}
	if (fd >= 0 && subpath[0] != '/')
		return fd;
	if (fd >= 0)
		close(fd);
	return err_set(err, ERR_NOT_FOUND, "analysing the folder %s of the repository: it does not exist there", subpath);
}

int tree_scan(struct tree *t, struct arena *arena, const char *dir, const char *subpath, size_t names_max,
              size_t read_max, int64_t deadline_ns, struct err *err)
{
	int fd = open_root(dir, subpath, err);

	*t = (struct tree){
		.arena = arena, .fd = fd, .names_max = names_max, .read_max = read_max, .deadline_ns = deadline_ns
	};
	if (fd < 0)
		return -1;
	dir_new(t, NULL, "");
	for (size_t i = 0; i < t->dirs_len; i++) {
		if (t->names >= t->names_max || clock_mono_ns() > deadline_ns) {
			t->truncated = true;
			break;
		}
		dir_fill(t, t->dirs[i]);
	}
	return 0;
}

void tree_done(struct tree *t)
{
	if (t->fd >= 0)
		close(t->fd);
	free(t->dirs);
	*t = (struct tree){ .fd = -1 };
}

struct tree_file *tree_file(const struct tree_dir *dir, const char *name)
{
	size_t low = 0, high = dir->files_len;

	while (low < high) {
		size_t middle = low + (high - low) / 2;
		int order = strcmp(name, dir->files[middle].name);

		if (!order)
			return &dir->files[middle];
		if (order < 0)
			high = middle;
		else
			low = middle + 1;
	}
	return NULL;
}

struct tree_dir *tree_dir(const struct tree_dir *dir, const char *name)
{
	size_t low = 0, high = dir->dirs_len;

	while (low < high) {
		size_t middle = low + (high - low) / 2;
		int order = strcmp(name, dir->dirs[middle]->name);

		if (!order)
			return dir->dirs[middle];
		if (order < 0)
			high = middle;
		else
			low = middle + 1;
	}
	return NULL;
}

struct tree_dir *tree_dir_at(const struct tree_dir *dir, const char *path)
{
	_cleanup_strv_ char **parts = str_split(path, "/");
	union {
		const struct tree_dir *in;
		struct tree_dir *out;
	} at = { dir };

	for (size_t i = 0; parts && parts[i] && at.in; i++)
		if (!str_eq(parts[i], "."))
			at.out = tree_dir(at.in, parts[i]);
	return at.out;
}

struct tree_file *tree_file_at(struct tree_dir *dir, const char *path, struct tree_dir **ret_dir)
{
	const char *slash = strrchr(path, '/');

	if (slash) {
		_cleanup_free_ char *head = xstrndup(path, (size_t)(slash - path));

		dir = tree_dir_at(dir, head);
		path = slash + 1;
	}
	if (ret_dir)
		*ret_dir = dir;
	return dir ? tree_file(dir, path) : NULL;
}
