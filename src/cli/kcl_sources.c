#include "kcl_sources.h"

#include "base/fs.h"
#include "base/str.h"
#include "printer.h"

#include <dirent.h>
#include <limits.h>
#include <stdio.h>
#include <sys/stat.h>

#define FOLDERS_MAX 10000
#define IMPORTED_MAX 128
#define STDIN_NAME "stdin.k"
#define DIAGNOSTICS_MAX ((size_t)4 * 1024 * 1024)

void kcl_sources_done(struct kcl_sources *s)
{
	for (size_t i = 0; i < s->len; i++) {
		free((char *)s->items[i].name);
		free((char *)s->items[i].text);
	}
	free(s->items);
	for (struct bytes **text = s->imported; text && *text; text++)
		bytes_unref(*text);
	free(s->imported);
	*s = (struct kcl_sources){ 0 };
}

static void add(struct kcl_sources *s, char *name, char *text, size_t len)
{
	s->items = xreallocarray(s->items, s->len + 1, sizeof(*s->items));
	s->items[s->len++] = (struct kcl_source){ .name = name, .text = text, .len = len };
}

int kcl_sources_read(struct kcl_sources *s, const char *path, struct err *err)
{
	size_t len;
	char *text;

	if (s->loader && str_starts_with(path, "oci://")) {
		_cleanup_(bytes_unrefp) struct bytes *inner = s->loader->read(s->loader->self, path, err);

		if (inner)
			add(s, xstrdup(path), xmemdup(inner->data, inner->len + 1), inner->len);
		return inner ? 0 : -1;
	}
	if (fs_read_file(path, KCL_SOURCE_MAX, &text, &len, err) < 0)
		return -1;
	add(s, xstrdup(path), text, len);
	return 0;
}

int kcl_sources_read_stdin(struct kcl_sources *s, const char *folder, struct err *err)
{
	char *text;
	size_t len;

	if (fs_read_fd(fileno(stdin), "standard input", KCL_SOURCE_MAX, &text, &len, err) < 0)
		return -1;
	add(s, fs_join(folder, STDIN_NAME), text, len);
	return 0;
}

/* What a folder holds, sorted. NULL with err. */
static char **list(const char *folder, struct err *err)
{
	char **names = xcalloc(1, sizeof(*names));
	size_t len = 0;
	DIR *dir = opendir(folder);

	if (!dir) {
		err_set(err, ERR_NOT_FOUND, "%s: there is no such folder", folder);
		return strv_free(names);
	}
	for (struct dirent *e; len < FOLDERS_MAX && (e = readdir(dir));) {
		names = xreallocarray(names, len + 2, sizeof(*names));
		names[len++] = xstrdup(e->d_name);
		names[len] = NULL;
	}
	closedir(dir);
	strv_sort(names);
	return names;
}

int kcl_sources_add(struct kcl_sources *s, const char *path, bool with_tests, struct err *err)
{
	if (!fs_is_dir(path))
		return kcl_sources_read(s, path, err);

	_cleanup_strv_ char **names = list(path, err);

	for (size_t i = 0; names && names[i]; i++) {
		_cleanup_free_ char *file = fs_join(path, names[i]);

		if (!str_ends_with(names[i], ".k") || (str_ends_with(names[i], "_test.k") && !with_tests))
			continue;
		if (kcl_sources_read(s, file, err) < 0)
			return -1;
	}
	return names ? 0 : -1;
}

static bool is_folder_to_walk(const char *path, const char *name)
{
	struct stat st;

	return *name != '.' && lstat(path, &st) == 0 && S_ISDIR(st.st_mode);
}

/* The vector grows while it is walked: the folders of a folder come behind it. */
int kcl_sources_folders(const char *argument, char ***ret, struct err *err)
{
	bool deep = str_ends_with(argument, "/...") || strcmp(argument, "...") == 0;
	_cleanup_free_ char *folder = xstrdup(argument);
	size_t at = strv_len(*ret);

	if (deep)
		folder[strlen(folder) - 3] = '\0';
	strv_push(ret, *folder ? folder : ".");
	for (; deep && (*ret)[at] && at < FOLDERS_MAX; at++) {
		_cleanup_strv_ char **names = list((*ret)[at], err);

		if (!names)
			return -1;
		for (size_t i = 0; names[i]; i++) {
			_cleanup_free_ char *path = fs_join((*ret)[at], names[i]);

			if (is_folder_to_walk(path, names[i]))
				strv_push(ret, path);
		}
	}
	return 0;
}

/* The text of a file that was imported, kept until the sources are done with. */
static const char *imported_text(struct kcl_sources *s, const char *file)
{
	struct bytes *text = s->loader ? s->loader->read(s->loader->self, file, NULL) : NULL;
	size_t len = 0;

	while (s->imported && s->imported[len])
		len++;
	if (!text || len == IMPORTED_MAX) {
		bytes_unref(text);
		return NULL;
	}
	s->imported = xreallocarray(s->imported, len + 2, sizeof(*s->imported));
	s->imported[len] = text;
	s->imported[len + 1] = NULL;
	return text->data;
}

static const char *text_of(void *self, const char *file)
{
	struct kcl_sources *s = self;

	for (size_t i = 0; i < s->len; i++)
		if (str_eq(s->items[i].name, file))
			return s->items[i].text;
	return imported_text(s, file);
}

void kcl_sources_print(struct kcl_sources *s, const struct kcl_diagnostics *d)
{
	_cleanup_buf_ struct buf out = BUF_INIT(DIAGNOSTICS_MAX);

	kcl_diagnostics_write(d, text_of, s, &out);

	_cleanup_free_ char *text = harmless(buf_str(&out));

	fputs(text, stderr);
}

/* ---- modules ---- */

struct kcl_modules *kcl_modules_of_user(char *const *external, struct kcl_layouts *layouts, bool only_vendored,
                                        struct err *err)
{
	const char *home = getenv("HOME"), *store = getenv("KCL_PKG_PATH");
	_cleanup_free_ char *in_home = xasprintf("%s/.kcl/kpm", home ? home : "");
	const struct kcl_modules_options o = { .layouts = only_vendored ? NULL : layouts,
		                                   .external = (const char *const *)external,
		                                   .store = only_vendored ? NULL
		                                            : store       ? store
		                                                          : in_home };

	return kcl_modules_new(&o, err);
}

char *kcl_real_path(const char *path)
{
	char real[PATH_MAX];

	return realpath(path, real) ? xstrdup(real) : NULL;
}
