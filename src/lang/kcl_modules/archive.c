#include "archive.h"

#include "base/str.h"
#include "codec/gzip.h"
#include "codec/tar.h"
#include "disk.h"
#include "mod_file.h"

#define EXPANDED_MAX ((size_t)128 * 1024 * 1024)
#define ENTRIES_MAX 100000
#define PATH_LEN_MAX ((size_t)8192)

struct file {
	char *name;
	struct bytes *text;
	uint32_t place; /* in the archive: of two with one name the later one counts */
};

struct kcl_archive {
	atomic_size_t refs;
	struct file *files; /* by name */
	size_t len, size;
};

struct kcl_archive *kcl_archive_ref(struct kcl_archive *a)
{
	atomic_fetch_add_explicit(&a->refs, 1, memory_order_relaxed);
	return a;
}

struct kcl_archive *kcl_archive_unref(struct kcl_archive *a)
{
	if (!a || atomic_fetch_sub_explicit(&a->refs, 1, memory_order_acq_rel) != 1)
		return NULL;
	for (size_t i = 0; i < a->len; i++) {
		free(a->files[i].name);
		bytes_unref(a->files[i].text);
	}
	free(a->files);
	free(a);
	return NULL;
}

size_t kcl_archive_size(const struct kcl_archive *a)
{
	return a->size;
}

/* ---- reading ---- */

static bool is_wanted(const char *name)
{
	const char *slash = strrchr(name, '/'), *base = slash ? slash + 1 : name;

	return str_ends_with(base, ".k") || str_eq(base, "kcl.mod") || str_eq(base, "kcl.mod.lock");
}

static void add_file(struct kcl_archive *a, const struct tar_entry *e)
{
	/* Twice as many whenever a power of two is full. */
	if ((a->len & (a->len - 1)) == 0)
		a->files = xreallocarray(a->files, a->len ? 2 * a->len : 1, sizeof(*a->files));
	a->files[a->len] = (struct file){ xstrdup(e->name), bytes_new(e->data, e->size), (uint32_t)a->len };
	a->size += sizeof(struct file) + strlen(e->name) + e->size;
	a->len++;
}

static int by_name(const void *a, const void *b)
{
	const struct file *x = a, *y = b;
	int r = strcmp(x->name, y->name);

	return r ? r : (x->place > y->place) - (x->place < y->place);
}

static void sort_files(struct kcl_archive *a)
{
	size_t kept = 0;

	if (a->len == 0)
		return;
	qsort(a->files, a->len, sizeof(*a->files), by_name);
	for (size_t i = 0; i < a->len; i++) {
		if (i + 1 < a->len && strcmp(a->files[i].name, a->files[i + 1].name) == 0) {
			free(a->files[i].name);
			bytes_unref(a->files[i].text);
		} else {
			a->files[kept++] = a->files[i];
		}
	}
	a->len = kept;
}

static int read_tar(struct kcl_archive *a, const void *data, size_t len, struct err *err)
{
	_cleanup_tar_ struct tar_reader t;
	struct tar_entry e;
	int r;

	tar_begin(&t, data, len, ENTRIES_MAX);
	while ((r = tar_next(&t, &e, err)) > 0)
		if (!e.is_folder && is_wanted(e.name))
			add_file(a, &e);
	sort_files(a);
	return r;
}

struct kcl_archive *kcl_archive_read(const void *data, size_t len, struct err *err)
{
	_cleanup_(kcl_archive_unrefp) struct kcl_archive *a = new0(struct kcl_archive);
	_cleanup_(bytes_unrefp) struct bytes *expanded = NULL;

	a->refs = 1;
	if (is_gzip(data, len)) {
		if (gzip_expand(data, len, EXPANDED_MAX, &expanded, err) < 0)
			return NULL;
		data = expanded->data;
		len = expanded->len;
	}
	if (read_tar(a, data, len, err) < 0)
		return NULL;
	if (a->len == 0) {
		err_set(err, ERR_INVALID, "it has no KCL files: no tar archive of a module");
		return NULL;
	}
	return TAKE_PTR(a);
}

/* ---- looking ---- */

/* The first file whose name is not less. */
static size_t lower_bound(const struct kcl_archive *a, const char *name)
{
	size_t low = 0, high = a->len;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (strcmp(a->files[middle].name, name) < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

struct bytes *kcl_archive_file(const struct kcl_archive *a, const char *path)
{
	size_t i = lower_bound(a, path);

	return i < a->len && strcmp(a->files[i].name, path) == 0 ? a->files[i].text : NULL;
}

/* "folder/", "" for the root: what names of its files begin with; free(). */
static char *beginning(const char *folder)
{
	return *folder ? xasprintf("%s/", folder) : xstrdup("");
}

bool kcl_archive_has_folder(const struct kcl_archive *a, const char *folder)
{
	_cleanup_free_ char *begin = beginning(folder);
	size_t i = lower_bound(a, begin);

	return i < a->len && str_starts_with(a->files[i].name, begin);
}

char **kcl_archive_list(const struct kcl_archive *a, const char *folder, const char *prefix)
{
	_cleanup_free_ char *begin = beginning(folder);
	char **names = kcl_archive_has_folder(a, folder) ? xcalloc(1, sizeof(*names)) : NULL;
	size_t n = 0;

	for (size_t i = lower_bound(a, begin); names && i < a->len; i++) {
		const char *base = str_after(a->files[i].name, begin);

		if (!base)
			break;
		if (strchr(base, '/') || !kcl_is_source_name(base))
			continue;
		names = xreallocarray(names, n + 2, sizeof(*names));
		names[n++] = xasprintf("%s/%s", prefix, a->files[i].name);
		names[n] = NULL;
	}
	return names;
}

char *kcl_archive_find_package(const struct kcl_archive *a, const char *name)
{
	for (size_t i = 0; i < a->len; i++) {
		const char *file = a->files[i].name, *slash = strrchr(file, '/');

		if (!str_eq(slash ? slash + 1 : file, "kcl.mod"))
			continue;
		_cleanup_(kcl_mod_clear) struct kcl_mod mod = { 0 };
		if (kcl_mod_parse(a->files[i].text->data, a->files[i].text->len, file, &mod, NULL) == 0 && mod.name &&
		    strcmp(mod.name, name) == 0)
			return slash ? xstrndup(file, (size_t)(slash - file)) : xstrdup("");
	}
	return NULL;
}
