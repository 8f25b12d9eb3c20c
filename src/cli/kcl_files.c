#include "kcl_files.h"

#include "base/fs.h"
#include "base/str.h"
#include "codec/toml.h"

#include <dirent.h>
#include <limits.h>
#include <sys/stat.h>

#define MOD_FILE "kcl.mod"
#define FILES_MAX 4096

/* ---- listing ---- */

static bool is_source(const char *name)
{
	return str_ends_with(name, ".k") && !str_ends_with(name, "_test.k") && *name != '_';
}

static int compare_names(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

static char **list_folder(const char *folder)
{
	char **files = xcalloc(1, sizeof(*files));
	size_t len = 0;
	DIR *dir = opendir(folder);
	if (!dir)
		return files;
	for (struct dirent *entry; len < FILES_MAX && (entry = readdir(dir));) {
		if (!is_source(entry->d_name))
			continue;
		files = xreallocarray(files, len + 2, sizeof(*files));
		files[len++] = fs_join(folder, entry->d_name);
		files[len] = NULL;
	}
	closedir(dir);
	qsort(files, len, sizeof(*files), compare_names);
	return files;
}

static char **loader_list(void *self, const char *folder)
{
	char **files = NULL;
	(void)self;
	if (fs_is_dir(folder))
		return list_folder(folder);
	_cleanup_free_ char *file = xasprintf("%s.k", folder);
	if (fs_exists(file))
		strv_push(&files, file);
	return files;
}

static struct bytes *loader_read(void *self, const char *path, struct err *err)
{
	_cleanup_free_ char *data = NULL;
	size_t len;
	(void)self;
	if (fs_read_file(path, KCL_FILE_MAX, &data, &len, err) < 0)
		return NULL;
	return bytes_new(data, len);
}

static int loader_write(void *self, const char *path, const char *text, size_t len, struct err *err)
{
	(void)self;
	return fs_replace(path, text, len, 0644, err);
}

/* ---- dependencies ---- */

/* The first of these folders that is there; free(). */
static char *first_folder(const char *const *candidates, size_t len)
{
	for (size_t i = 0; i < len; i++) {
		if (candidates[i] && fs_is_dir(candidates[i]))
			return xstrdup(candidates[i]);
	}
	return NULL;
}

/* Where `kcl mod` puts what it has downloaded, and the vendor folder. */
static char *find_vendored(const char *root, const char *name, const char *version)
{
	const char *home = getenv("HOME"), *kpm = getenv("KCL_PKG_PATH");
	_cleanup_free_ char *cache = kpm ? xstrdup(kpm) : xasprintf("%s/.kcl/kpm", home ? home : "");
	_cleanup_free_ char *vendored = xasprintf("%s/vendor/%s", root, name);
	_cleanup_free_ char *vendored_version = version ? xasprintf("%s/vendor/%s_%s", root, name, version) : NULL;
	_cleanup_free_ char *cached = version ? xasprintf("%s/%s_%s", cache, name, version) : NULL;
	_cleanup_free_ char *cached_plain = xasprintf("%s/%s", cache, name);
	const char *const candidates[] = { vendored_version, vendored, cached, cached_plain };
	return first_folder(candidates, ARRAY_SIZE(candidates));
}

static json_t *read_mod(const char *root)
{
	_cleanup_free_ char *path = fs_join(root, MOD_FILE), *text = NULL;
	_cleanup_err_ struct err ignored = { 0 };
	size_t len;
	if (fs_read_file(path, KCL_FILE_MAX, &text, &len, &ignored) < 0)
		return NULL;
	return toml_parse(text, len, path, &ignored);
}

static char *find_dependency(const char *root, const char *name)
{
	_cleanup_json_ json_t *mod = read_mod(root);
	const json_t *dependency = json_at(mod, "dependencies", name, NULL);
	if (!dependency)
		return NULL;
	const char *path = json_get_str(dependency, "path");
	if (path && *path == '/')
		return xstrdup(path);
	if (path)
		return fs_join(root, path);
	const char *version = json_is_string(dependency) ? json_string_value(dependency)
	                                                 : json_get_str(dependency, "version");
	return find_vendored(root, name, version ? version : json_get_str(dependency, "tag"));
}

static char *loader_external(void *self, const char *root, const char *package, struct err *err)
{
	const struct kcl_files *f = self;
	(void)err;
	for (size_t i = 0; f->packages && f->packages[i]; i++) {
		const char *folder = str_after(f->packages[i], package);
		if (folder && *folder == '=')
			return xstrdup(folder + 1);
	}
	char *found = root ? find_dependency(root, package) : NULL;
	return found || str_eq(root, f->root) ? found : find_dependency(f->root, package);
}

/* ---- the root ---- */

static char *find_root(const char *folder)
{
	_cleanup_free_ char *at = xstrdup(folder);
	for (;;) {
		_cleanup_free_ char *mod = fs_join(at, MOD_FILE);
		if (fs_exists(mod))
			return xstrdup(at);
		char *slash = strrchr(at, '/');
		if (!slash || slash == at)
			return xstrdup(folder);
		*slash = '\0';
	}
}

void kcl_files_init(struct kcl_files *f, const char *folder, char *const *packages)
{
	*f = (struct kcl_files){ .root = find_root(folder), .packages = packages ? strv_copy(packages) : NULL };
	f->loader = (struct kcl_loader){ f, loader_list, loader_read, loader_external, loader_write };
}

void kcl_files_done(struct kcl_files *f)
{
	free(f->root);
	strv_free(f->packages);
	*f = (struct kcl_files){ 0 };
}

char *kcl_files_absolute(const char *path)
{
	char resolved[PATH_MAX];
	return realpath(path, resolved) ? xstrdup(resolved) : NULL;
}

static void push_once(char ***files, const char *file)
{
	if (!*files || !str_in(file, (const char *const *)*files))
		strv_push(files, file);
}

int kcl_files_expand(const struct kcl_files *f, const char *argument, const char *base, char ***files, struct err *err)
{
	const char *in_root = str_after(argument, "${KCL_MOD}");
	_cleanup_free_ char *path = in_root            ? xasprintf("%s%s", f->root, in_root)
	                            : *argument == '/' ? xstrdup(argument)
	                                               : fs_join(base, argument);
	_cleanup_free_ char *absolute = kcl_files_absolute(path);
	if (!absolute)
		return err_set(err, ERR_NOT_FOUND, "Cannot find the kcl file, please check the file path %s", argument);
	if (!fs_is_dir(absolute)) {
		push_once(files, absolute);
		return 0;
	}
	_cleanup_strv_ char **inside = list_folder(absolute);
	for (size_t i = 0; inside[i]; i++)
		push_once(files, inside[i]);
	if (!inside[0])
		return err_set(err, ERR_NOT_FOUND, "No input KCL files in the folder %s", argument);
	return 0;
}
