/* Programs and packages on the disk. Nothing outside of the roots is read, whatever links say, and nothing is fetched.
 */

#include "kcl/kcl_function.h"

#include "base/fs.h"
#include "base/str.h"
#include "codec/toml.h"

#include <dirent.h>
#include <limits.h>
#include <sys/stat.h>

#define SOURCE_MAX ((size_t)10 * 1024 * 1024)
#define FILES_MAX 4096
#define STAMP_DEPTH_MAX 16

struct kcl_files {
	struct kcl_loader loader;
	char **roots;         /* as they really are */
	json_t *dependencies; /* of the input: name -> version or { path, version, … }; NULL */
};

/* ---- where it may look ---- */

static bool is_below(const char *path, const char *root)
{
	const char *rest = str_after(path, root);

	return rest && (rest[0] == '\0' || rest[0] == '/' || str_eq(root, "/"));
}

/* The path as it really is, if it is below a root; free(). NULL when not, or not there. */
static char *real_path(const struct kcl_files *f, const char *path)
{
	char real[PATH_MAX];

	if (!realpath(path, real))
		return NULL;
	for (char *const *root = f->roots; root && *root; root++)
		if (is_below(real, *root))
			return xstrdup(real);
	return NULL;
}

char *kcl_files_resolve(const struct kcl_files *f, const char *path, struct err *err)
{
	for (char *const *root = f->roots; root && *root; root++) {
		_cleanup_free_ char *joined = path[0] == '/' ? xstrdup(path) : fs_join(*root, path);
		char *real = real_path(f, joined);

		if (real)
			return real;
	}
	err_set(err, ERR_NOT_FOUND, "%s is not there, or not in a folder that programs may be loaded from (--root)", path);
	return NULL;
}

/* ---- the loader ---- */

static bool is_source(const char *name)
{
	return str_ends_with(name, ".k") && !str_ends_with(name, "_test.k") && name[0] != '_' && name[0] != '.';
}

static int by_text(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static char **list_folder(const char *folder)
{
	DIR *d = opendir(folder);
	char **names = NULL;
	size_t n = 0;

	for (const struct dirent *entry; d && (entry = readdir(d)) != NULL && n < FILES_MAX;) {
		if (!is_source(entry->d_name))
			continue;
		names = xreallocarray(names, n + 2, sizeof(*names));
		names[n++] = fs_join(folder, entry->d_name);
		names[n] = NULL;
	}
	if (d)
		closedir(d);
	if (names)
		qsort(names, n, sizeof(*names), by_text);
	return names;
}

static char **loader_list(void *self, const char *folder)
{
	const struct kcl_files *f = self;
	_cleanup_free_ char *real = real_path(f, folder), *file = xasprintf("%s.k", folder), *real_file = NULL;
	char **names = NULL;

	if (real && fs_is_dir(real))
		return list_folder(real);
	real_file = real_path(f, file);
	if (real_file)
		strv_push(&names, file);
	return names;
}

static struct bytes *loader_read(void *self, const char *path, struct err *err)
{
	_cleanup_free_ char *real = real_path(self, path), *text = NULL;
	size_t len;

	if (!real) {
		err_set(err, ERR_NOT_FOUND, "%s: not there, or outside of the folders that programs may be loaded from", path);
		return NULL;
	}
	if (fs_read_file(real, SOURCE_MAX, &text, &len, err) < 0)
		return NULL;
	return bytes_new(text, len);
}

/* The dependencies that a folder's kcl.mod names; NULL. */
static json_t *mod_dependencies(const struct kcl_files *f, const char *folder)
{
	_cleanup_free_ char *path = fs_join(folder, "kcl.mod"), *real = real_path(f, path), *text = NULL;
	_cleanup_json_ json_t *mod = NULL;
	size_t len;

	if (!real || fs_read_file(real, SOURCE_MAX, &text, &len, NULL) < 0)
		return NULL;
	mod = toml_parse(text, len, path, NULL);
	return json_incref(json_object_get(mod, "dependencies"));
}

/* The package in one of the places where it may be vendored below a folder; free(). */
static char *find_in(const struct kcl_files *f, const char *folder, const char *name, const char *version)
{
	static const char *const forms[] = { "%s/vendor/%s_%s", "%s/%s_%s", "%s/vendor/%s", "%s/%s" };

	for (size_t i = 0; i < ARRAY_SIZE(forms); i++) {
		if (i < 2 && !version)
			continue;
		_cleanup_free_ char *path = xasprintf(forms[i], folder, name, version);
		char *real = real_path(f, path);

		if (real && fs_is_dir(real))
			return real;
		free(real);
	}
	return NULL;
}

static char *find_dependency(const struct kcl_files *f, const char *base, const char *name, const json_t *dependency)
{
	const char *path = json_get_str(dependency, "path");
	const char *version = json_is_string(dependency) ? json_string_value(dependency)
	                                                 : json_get_str(dependency, "version");
	char *found = NULL;

	if (path && base && path[0] != '/') {
		_cleanup_free_ char *joined = fs_join(base, path);

		return real_path(f, joined);
	}
	if (path)
		return kcl_files_resolve(f, path, NULL);
	version = version ? version : json_get_str(dependency, "tag");
	if (base)
		found = find_in(f, base, name, version);
	for (char *const *root = f->roots; !found && root && *root; root++)
		found = find_in(f, *root, name, version);
	return found;
}

static char *loader_external(void *self, const char *root, const char *package)
{
	const struct kcl_files *f = self;
	_cleanup_json_ json_t *own = root ? mod_dependencies(f, root) : NULL;
	const json_t *dependency = json_object_get(own, package);

	if (dependency)
		return find_dependency(f, root, package, dependency);
	dependency = json_object_get(f->dependencies, package);
	return dependency ? find_dependency(f, NULL, package, dependency) : NULL;
}

/* ---- life ---- */

struct kcl_files *kcl_files_new(char *const *roots, const char *dependencies)
{
	struct kcl_files *f = new0(struct kcl_files);

	for (char *const *root = roots; root && *root; root++) {
		char real[PATH_MAX];

		if (realpath(*root, real))
			strv_push(&f->roots, real);
	}
	if (dependencies)
		f->dependencies = toml_parse(dependencies, strlen(dependencies), "dependencies", NULL);
	f->loader = (struct kcl_loader){ f, loader_list, loader_read, loader_external };
	return f;
}

struct kcl_files *kcl_files_free(struct kcl_files *f)
{
	if (!f)
		return NULL;
	strv_free(f->roots);
	json_decref(f->dependencies);
	free(f);
	return NULL;
}

const struct kcl_loader *kcl_files_loader(const struct kcl_files *f)
{
	return &f->loader;
}

/* ---- changes ---- */

static void stamp_folder(const char *folder, unsigned depth, struct buf *out)
{
	DIR *d = depth < STAMP_DEPTH_MAX ? opendir(folder) : NULL;

	for (const struct dirent *entry; d && (entry = readdir(d)) != NULL;) {
		_cleanup_free_ char *path = fs_join(folder, entry->d_name);
		struct stat st;

		if (entry->d_name[0] == '.' || lstat(path, &st) < 0)
			continue;
		if (S_ISDIR(st.st_mode))
			stamp_folder(path, depth + 1, out);
		else
			buf_printf(out, "%s %lld %lld.%09ld %llu\n", path, (long long)st.st_size, (long long)st.st_mtim.tv_sec,
			           st.st_mtim.tv_nsec, (unsigned long long)st.st_ino);
	}
	if (d)
		closedir(d);
}

void kcl_files_stamp(const char *folder, struct buf *out)
{
	stamp_folder(folder, 0, out);
}
