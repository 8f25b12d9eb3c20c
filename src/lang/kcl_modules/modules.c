#include "modules.h"

#include "base/fs.h"
#include "base/str.h"
#include "codec/toml.h"
#include "inside.h"
#include "layout.h"

/* ---- what the language asks for ---- */

static char **loader_list(void *self, const char *folder)
{
	const struct kcl_modules *m = self;
	char **names = modules_list(m, folder);
	_cleanup_free_ char *file = names ? NULL : xasprintf("%s.k", folder);

	if (file && modules_is_file(m, file))
		strv_push(&names, file);
	return names;
}

static struct bytes *loader_read(void *self, const char *path, struct err *err)
{
	return modules_read(self, path, err);
}

static char *loader_external(void *self, const char *root, const char *package, struct err *err)
{
	struct kcl_modules *m = self;
	const struct module *module = modules_resolve(m, package);
	char *found = NULL;

	(void)root;
	if (module && module->problem)
		err_set(err, ERR_NOT_FOUND, "%s", module->problem);
	if (module)
		return xstrdup_or_null(module->root);
	/* What kcl has downloaded may be imported without being asked for. */
	if (m->store) {
		found = kcl_path_absolute(m->store, package);
		if (!modules_is_folder(m, found)) {
			free(found);
			found = NULL;
		}
	}
	return found;
}

char *const *modules_everywhere(const struct kcl_modules *m)
{
	return m->everywhere ? m->everywhere : kcl_disk_roots(m->disk);
}

/* ---- life ---- */

struct kcl_modules *kcl_modules_new(const struct kcl_modules_options *o, struct err *err)
{
	_cleanup_(kcl_modules_freep) struct kcl_modules *m = new0(struct kcl_modules);

	if (!str_empty(o->dependencies)) {
		m->dependencies = toml_parse(o->dependencies, strlen(o->dependencies), "dependencies", err);
		if (!m->dependencies)
			return NULL;
	}
	m->disk = kcl_disk_new(o->roots);
	m->layouts = o->layouts;
	m->watch = o->watch;
	for (const char *const *e = o->external; e && *e; e++)
		strv_push(&m->external, *e);
	for (const char *const *e = o->everywhere; e && *e; e++)
		strv_push(&m->everywhere, *e);
	m->store = xstrdup_or_null(o->store);
	m->loader = (struct kcl_loader){ .self = m, .list = loader_list, .read = loader_read, .external = loader_external };
	return TAKE_PTR(m);
}

struct kcl_modules *kcl_modules_free(struct kcl_modules *m)
{
	if (!m)
		return NULL;
	for (size_t i = 0; i < m->mounts_len; i++) {
		free(m->mounts[i].root);
		free(m->mounts[i].digest);
		kcl_archive_unref(m->mounts[i].archive);
	}
	free(m->mounts);
	map_free(m->modules);
	kcl_disk_free(m->disk);
	json_decref(m->dependencies);
	strv_free(m->external);
	strv_free(m->everywhere);
	free(m->store);
	free(m->main);
	free(m);
	return NULL;
}

const struct kcl_loader *kcl_modules_loader(const struct kcl_modules *m)
{
	return &m->loader;
}

/* ---- programs ---- */

static char *find_reference(struct kcl_modules *m, const char *source, struct err *err)
{
	struct kcl_reference r = { 0 };
	const char *root = NULL;
	char *found = NULL;

	if (kcl_reference_parse(source, &r, err) < 0)
		return NULL;
	_cleanup_err_ struct err failed = { 0 };
	root = modules_mount_reference(m, &r, &failed);
	if (root)
		found = xstrdup(root);
	else if (!err_is_set(&failed))
		found = modules_find_vendored(m, NULL, r.repository, r.tag);
	if (!found && !err_is_set(&failed))
		found = modules_find_vendored(m, NULL, kcl_reference_name(&r), r.tag);
	if (err_is_set(&failed))
		err_move(err, &failed);
	else if (!found)
		err_set(err, ERR_NOT_FOUND,
		        "%s is nowhere on this disk, and nothing is fetched from a network: put it as %s:%s into an OCI layout "
		        "(--oci-layout), or unpacked as %s_%s into a folder of --root",
		        source, r.repository, r.tag ? r.tag : "TAG", kcl_reference_name(&r), r.tag ? r.tag : "TAG");
	kcl_reference_clear(&r);
	return found;
}

char *kcl_modules_find(struct kcl_modules *m, const char *source, struct err *err)
{
	char *found;

	if (str_starts_with(source, ARCHIVE_SCHEME))
		return find_reference(m, source, err);
	found = kcl_disk_find(m->disk, source);
	if (!found)
		err_set(err, ERR_NOT_FOUND, "%s is not there, or not in a folder that programs may be loaded from (--root)",
		        source);
	return found;
}

/* The folder above; free(). NULL: there is none. */
static char *parent_of(const struct kcl_modules *m, const char *folder)
{
	char *parent = modules_join(m, folder, "..");

	if (strlen(parent) < strlen(folder))
		return parent;
	free(parent);
	return NULL;
}

char *kcl_modules_set_main(struct kcl_modules *m, const char *path)
{
	_cleanup_free_ char *folder = modules_is_file(m, path) ? modules_join(m, path, "..") : xstrdup(path);
	char *at = xstrdup(folder);

	while (at) {
		_cleanup_free_ char *mod = fs_join(at, "kcl.mod"), *below = at;

		if (modules_is_file(m, mod)) {
			at = TAKE_PTR(below);
			break;
		}
		at = parent_of(m, below);
	}
	free(m->main);
	m->main = at ? at : xstrdup(folder);
	return xstrdup(m->main);
}

void kcl_modules_add_external(struct kcl_modules *m, const char *pair)
{
	strv_push(&m->external, pair);
}

/* "${KCL_MOD}" or "${NAME:KCL_MOD}": the folder, and what is behind it. NULL: it is neither, or err. */
static const char *named_folder(struct kcl_modules *m, const char *path, const char **ret_rest, struct err *err)
{
	const char *name = str_after(path, "${"), *end = name ? strchr(name, '}') : NULL;
	const struct module *module;

	if (!end)
		return NULL;
	*ret_rest = end + 1 + strspn(end + 1, "/");
	if (str_starts_with(name, "KCL_MOD}"))
		return m->main ? m->main : ".";
	_cleanup_free_ char *plain = xstrndup(name, strcspn(name, ":}"));
	if (!str_starts_with(name + strlen(plain), ":KCL_MOD}"))
		return NULL;
	_cleanup_free_ char *imported = modules_import_name(plain);
	module = modules_resolve(m, imported);
	if (module && module->root)
		return module->root;
	err_set(err, ERR_NOT_FOUND, "%s: there is no module %s%s%s", path, imported, module && module->problem ? ": " : "",
	        module && module->problem ? module->problem : "");
	return NULL;
}

char *kcl_modules_expand(struct kcl_modules *m, const char *folder, const char *path, struct err *err)
{
	_cleanup_err_ struct err failed = { 0 };
	const char *rest = NULL, *named = named_folder(m, path, &rest, &failed);

	if (err_is_set(&failed)) {
		err_move(err, &failed);
		return NULL;
	}
	return named ? modules_join(m, named, rest) : modules_join(m, folder, path);
}

json_t *kcl_modules_profile(struct kcl_modules *m, struct err *err)
{
	_cleanup_(kcl_mod_clear) struct kcl_mod mod = { 0 };

	if (!m->main || modules_read_mod(m, m->main, &mod, err) <= 0)
		return NULL;
	return json_incref(json_unconst(mod.profile));
}

struct bytes *kcl_modules_read_text(struct kcl_modules *m, const char *path, struct err *err)
{
	_cleanup_free_ char *found = kcl_modules_find(m, path, err);

	return found ? modules_read(m, found, err) : NULL;
}

/* A file, or all of a folder. */
static int add_entry(const struct kcl_modules *m, const char *path, char ***ret, struct err *err)
{
	_cleanup_strv_ char **names = NULL;

	if (modules_is_file(m, path)) {
		strv_push(ret, path);
		return 0;
	}
	names = modules_list(m, path);
	if (!names)
		return err_set(err, ERR_NOT_FOUND, "Cannot find the kcl file, please check the file path %s", path);
	for (char **name = names; *name; name++)
		strv_push(ret, *name);
	return 0;
}

char **kcl_modules_entries(struct kcl_modules *m, const char *path, struct err *err)
{
	_cleanup_(kcl_mod_clear) struct kcl_mod mod = { 0 };
	_cleanup_strv_ char **names = NULL;
	bool is_folder = modules_is_folder(m, path);
	json_t *entry;
	size_t i;

	if (!m->main)
		free(kcl_modules_set_main(m, path));
	if (is_folder && modules_read_mod(m, path, &mod, err) < 0)
		return NULL;
	if (json_array_size(mod.entries) == 0 && add_entry(m, path, &names, err) < 0)
		return NULL;
	json_array_foreach (mod.entries, i, entry) {
		const char *text = json_string_value(entry);
		_cleanup_free_ char *full = text ? kcl_modules_expand(m, path, text, err) : NULL;

		if (!full || add_entry(m, full, &names, err) < 0)
			return NULL;
	}
	if (!names) {
		err_set(err, ERR_NOT_FOUND, "No input KCL files in the folder %s", path);
		return NULL;
	}
	return TAKE_PTR(names);
}

void kcl_modules_stamp(const struct kcl_modules *m, const char *folder, struct buf *out)
{
	const char *inside;
	uint64_t generation = kcl_watch_look(m->watch);

	if (generation > 0) {
		buf_printf(out, "generation %llu\n", (unsigned long long)generation);
		return;
	}
	if (!kcl_layouts_empty(m->layouts))
		kcl_layouts_stamp(m->layouts, out);
	for (char *const *root = modules_everywhere(m); root && *root; root++)
		kcl_disk_stamp(*root, out);
	if (folder && modules_mount_of(m, folder, &inside) == NULL)
		kcl_disk_stamp(folder, out);
}
