/* Paths of the disk, and of archives. */

#include "inside.h"

#include "base/fs.h"
#include "base/str.h"
#include "layout.h"

#define MOD_FILE "kcl.mod"
#define MOUNTS_MAX 4096

/* ---- archives as folders ---- */

const struct mount *modules_mount_of(const struct kcl_modules *m, const char *path, const char **ret_inside)
{
	if (!str_starts_with(path, ARCHIVE_SCHEME))
		return NULL;
	for (size_t i = 0; i < m->mounts_len; i++) {
		const char *rest = str_after(path, m->mounts[i].root);

		if (rest && (*rest == '\0' || *rest == '/')) {
			*ret_inside = rest + (*rest == '/');
			return &m->mounts[i];
		}
	}
	return NULL;
}

const char *modules_mount(struct kcl_modules *m, const char *repository, struct kcl_archive *archive,
                          const char *digest, const char *tag)
{
	for (size_t i = 0; i < m->mounts_len; i++)
		if (str_eq(m->mounts[i].digest, digest))
			return m->mounts[i].root;
	m->mounts = xreallocarray(m->mounts, m->mounts_len + 1, sizeof(*m->mounts));
	struct mount *added = &m->mounts[m->mounts_len++];
	*added = (struct mount){ .root = tag ? xasprintf(ARCHIVE_SCHEME "%s:%s", repository, tag)
		                                 : xasprintf(ARCHIVE_SCHEME "%s@%s", repository, digest),
		                     .digest = xstrdup(digest),
		                     .archive = kcl_archive_ref(archive) };
	return added->root;
}

const char *modules_mount_reference(struct kcl_modules *m, const struct kcl_reference *r, struct err *err)
{
	struct kcl_found_module found;
	const char *root = NULL;

	if (kcl_layouts_empty(m->layouts) || kcl_layouts_find(m->layouts, r, &found, err) <= 0)
		return NULL;
	if (m->mounts_len < MOUNTS_MAX)
		root = modules_mount(m, r->repository, found.archive, found.digest, found.tag);
	else
		err_set(err, ERR_TOO_LARGE, "a program has over %d modules", MOUNTS_MAX);
	kcl_found_module_clear(&found);
	return root;
}

/* ---- both ---- */

char *modules_join(const struct kcl_modules *m, const char *folder, const char *path)
{
	const char *inside;
	const struct mount *mount = modules_mount_of(m, folder, &inside);

	if (!mount)
		return kcl_path_absolute(folder, path);
	/* An archive's root is where ".." ends, and where "/" begins. */
	_cleanup_free_ char *below = kcl_path_absolute(inside, path);
	return str_eq(below, "/") ? xstrdup(mount->root) : xasprintf("%s%s", mount->root, below);
}

bool modules_is_folder(const struct kcl_modules *m, const char *path)
{
	const char *inside;
	const struct mount *mount = modules_mount_of(m, path, &inside);

	return mount ? kcl_archive_has_folder(mount->archive, inside) : kcl_disk_is_folder(m->disk, path);
}

bool modules_is_file(const struct kcl_modules *m, const char *path)
{
	const char *inside;
	const struct mount *mount = modules_mount_of(m, path, &inside);

	return mount ? kcl_archive_file(mount->archive, inside) != NULL : kcl_disk_is_file(m->disk, path);
}

struct bytes *modules_read(const struct kcl_modules *m, const char *path, struct err *err)
{
	const char *inside;
	const struct mount *mount = modules_mount_of(m, path, &inside);
	_cleanup_free_ char *text = NULL;
	size_t len;

	if (mount) {
		struct bytes *file = kcl_archive_file(mount->archive, inside);

		if (!file)
			err_set(err, ERR_NOT_FOUND, "%s: there is no such file in the module", path);
		return file ? bytes_ref(file) : NULL;
	}
	return kcl_disk_read(m->disk, path, KCL_SOURCE_MAX, &text, &len, err) < 0 ? NULL : bytes_new(text, len);
}

char **modules_list(const struct kcl_modules *m, const char *folder)
{
	const char *inside;
	const struct mount *mount = modules_mount_of(m, folder, &inside);

	return mount ? kcl_archive_list(mount->archive, inside, mount->root) : kcl_disk_list(m->disk, folder);
}

int modules_read_mod(const struct kcl_modules *m, const char *folder, struct kcl_mod *ret, struct err *err)
{
	_cleanup_free_ char *path = fs_join(folder, MOD_FILE);
	_cleanup_(bytes_unrefp) struct bytes *text = NULL;

	if (!modules_is_file(m, path))
		return 0;
	text = modules_read(m, path, err);
	return text && kcl_mod_parse(text->data, text->len, path, ret, err) == 0 ? 1 : -1;
}
