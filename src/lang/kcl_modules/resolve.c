/* Which module an import names. A program has one version of each: the greatest that anything in it asks for, unless
 * the program's own kcl.mod (or -E) names a folder. Versions are what kcl.mod says, not ranges (minimal version
 * selection, https://research.swtch.com/vgo-mvs). */

#include "inside.h"

#include "base/fs.h"
#include "base/str.h"

#define MODULES_MAX 4096

void module_free(void *module)
{
	struct module *m = module;

	free(m->root);
	free(m->version);
	free(m->problem);
	free(m);
}

char *modules_import_name(const char *name)
{
	char *out = xstrdup(name);

	for (char *p = out; *p; p++)
		*p = *p == '-' ? '_' : *p;
	return out;
}

/* ---- where a module lies ---- */

/* The first of the forms that is a folder. */
static char *find_form(const struct kcl_modules *m, const char *folder, const char *name, const char *version)
{
	_cleanup_free_ char *with_version = version ? xasprintf("%s_%s", name, version) : NULL;
	_cleanup_free_ char *below = version ? xasprintf("%s/%s", name, version) : NULL;
	const char *const forms[] = { with_version, below, name };

	for (size_t i = 0; i < ARRAY_SIZE(forms); i++) {
		char *path = forms[i] ? modules_join(m, folder, forms[i]) : NULL;

		if (path && modules_is_folder(m, path))
			return path;
		free(path);
	}
	return NULL;
}

static char *find_spelled(const struct kcl_modules *m, const char *folder, const char *name, const char *version)
{
	_cleanup_free_ char *vendor = folder ? modules_join(m, folder, "vendor") : NULL;
	char *found = vendor ? find_form(m, vendor, name, version) : NULL;

	for (char *const *root = modules_everywhere(m); !found && root && *root; root++) {
		_cleanup_free_ char *vendor_of_root = fs_join(*root, "vendor");

		found = find_form(m, vendor_of_root, name, version);
		found = found ? found : find_form(m, *root, name, version);
	}
	if (!found && m->store)
		found = find_form(m, m->store, name, version);
	return found;
}

char *modules_find_vendored(const struct kcl_modules *m, const char *folder, const char *name, const char *version)
{
	_cleanup_free_ char *other = xstrdup(name);
	bool has_dash = strchr(name, '-') != NULL;
	char *found = find_spelled(m, folder, name, version);

	/* Modules are written with '-' and imported with '_'; folders are called either. */
	for (char *p = other; *p; p++)
		*p = has_dash && *p == '-' ? '_' : !has_dash && *p == '_' ? '-' : *p;
	return found || str_eq(other, name) ? found : find_spelled(m, folder, other, version);
}

/* What it takes for the module to be found. */
static char *advice(const struct kcl_dependency *d, const char *folder_name)
{
	const char *version = d->version ? d->version : "";
	const char *joint = d->version ? "_" : "", *colon = d->version ? ":" : "";
	const char *git = d->git ? d->git : "";

	return xasprintf(
		"%s %s%s%s is nowhere on this disk, and nothing is fetched from a network: put it into vendor/%s%s%s "
		"(kcl mod vendor), or as %s%s%s into an OCI layout (--oci-layout)",
		d->name, version, d->git ? " of " : "", git, folder_name, joint, version, folder_name, colon, version);
}

/* The module of a path in a kcl.mod. */
static char *locate_path(const struct kcl_modules *m, const char *base, const struct kcl_dependency *d,
                         char **ret_problem)
{
	char *path = base ? modules_join(m, base, d->path) : kcl_disk_find(m->disk, d->path);

	if (path && modules_is_folder(m, path))
		return path;
	*ret_problem = xasprintf("%s is said to lie at %s, where no folder is", d->name, path ? path : d->path);
	free(path);
	return NULL;
}

static char *locate_in_layouts(struct kcl_modules *m, const struct kcl_dependency *d, char **ret_problem)
{
	struct kcl_reference r = { 0 };
	_cleanup_err_ struct err err = { 0 };
	const char *root = NULL;

	if (d->git || kcl_reference_parse(d->oci ? d->oci : d->package ? d->package : d->name, &r, &err) < 0)
		return NULL;
	if (!r.tag)
		r.tag = xstrdup_or_null(d->version);
	root = modules_mount_reference(m, &r, &err);
	kcl_reference_clear(&r);
	if (err_is_set(&err))
		*ret_problem = xasprintf("%s: %s", d->name, err_message(&err));
	return xstrdup_or_null(root);
}

/* A module may hold others, which are named by package. */
static char *find_inner(const struct kcl_modules *m, char *root, const struct kcl_dependency *d)
{
	const char *inside;
	const struct mount *mount = d->package ? modules_mount_of(m, root, &inside) : NULL;
	_cleanup_free_ char *folder = mount ? kcl_archive_find_package(mount->archive, d->package) : NULL;

	if (!folder || !*folder)
		return root;
	free(root);
	return xasprintf("%s/%s", mount->root, folder);
}

/* base: the folder of the kcl.mod that wants it; NULL: none. NULL: *ret_problem says why. */
static char *locate(struct kcl_modules *m, const char *base, const struct kcl_dependency *d, char **ret_problem)
{
	_cleanup_free_ char *folder_name = kcl_dependency_folder(d);
	char *root = NULL;

	if (d->path)
		return locate_path(m, base, d, ret_problem);
	if (base)
		root = modules_find_vendored(m, base, folder_name, d->version);
	if (!root && m->main)
		root = modules_find_vendored(m, m->main, folder_name, d->version);
	if (!root)
		root = locate_in_layouts(m, d, ret_problem);
	if (!root && !*ret_problem)
		root = modules_find_vendored(m, NULL, folder_name, d->version);
	if (!root && !*ret_problem)
		*ret_problem = advice(d, folder_name);
	return root ? find_inner(m, root, d) : NULL;
}

/* ---- the program's modules ---- */

/* Folders whose kcl.mod is still to be read. */
struct queue {
	char **folders;
	size_t len, next;
};

static void push(struct queue *q, const char *folder)
{
	/* Twice as many whenever a power of two is full. */
	if ((q->len & (q->len - 1)) == 0)
		q->folders = xreallocarray(q->folders, q->len ? 2 * q->len : 1, sizeof(*q->folders));
	q->folders[q->len++] = xstrdup(folder);
}

static void add(struct kcl_modules *m, struct queue *q, const char *name, struct module *module)
{
	map_set(m->modules, name, module);
	if (module->root)
		push(q, module->root);
}

static void add_dependency(struct kcl_modules *m, struct queue *q, const char *base, const struct kcl_dependency *d,
                           bool is_fixed)
{
	_cleanup_free_ char *name = modules_import_name(d->name);
	const struct module *known = map_get(m->modules, name);
	struct module *module;

	if (map_len(m->modules) >= MODULES_MAX)
		return;
	if (known && (known->is_fixed || !d->version || (known->root && !known->version) ||
	              (known->version && kcl_version_compare(d->version, known->version) <= 0)))
		return;
	module = new0(struct module);
	module->is_fixed = is_fixed && d->path;
	module->version = xstrdup_or_null(d->path ? NULL : d->version);
	module->root = locate(m, base, d, &module->problem);
	add(m, q, name, module);
}

static void add_dependencies(struct kcl_modules *m, struct queue *q, const char *base, const json_t *dependencies,
                             bool is_fixed)
{
	struct kcl_dependency d;
	const char *name;
	json_t *value;

	json_object_foreach (json_unconst(dependencies), name, value) {
		kcl_dependency_read(name, value, &d);
		add_dependency(m, q, base, &d, is_fixed);
	}
}

/* Relative ones begin at a root, where there are roots. free(). */
static char *external_folder(const struct kcl_modules *m, const char *path)
{
	char *found = kcl_disk_roots(m->disk) ? kcl_disk_find(m->disk, path) : NULL;

	return found ? found : xstrdup(path);
}

static void add_external(struct kcl_modules *m, struct queue *q)
{
	for (char *const *e = m->external; e && *e; e++) {
		const char *equals = strchr(*e, '=');
		_cleanup_free_ char *plain = equals ? xstrndup(*e, (size_t)(equals - *e)) : NULL;
		_cleanup_free_ char *name = plain ? modules_import_name(plain) : NULL;
		struct module *module;

		if (!name)
			continue;
		module = new0(struct module);
		module->is_fixed = true;
		module->root = external_folder(m, equals + 1);
		add(m, q, name, module);
	}
}

static void add_mod(struct kcl_modules *m, struct queue *q, const char *folder, bool is_fixed)
{
	_cleanup_(kcl_mod_clear) struct kcl_mod mod = { 0 };

	/* A kcl.mod that cannot be read has no dependencies: imports will miss them. */
	if (modules_read_mod(m, folder, &mod, NULL) > 0)
		add_dependencies(m, q, folder, mod.dependencies, is_fixed);
}

static void resolve_all(struct kcl_modules *m)
{
	struct queue q = { 0 };

	m->modules = map_new(module_free);
	add_external(m, &q);
	if (m->main)
		add_mod(m, &q, m->main, true);
	add_dependencies(m, &q, NULL, m->dependencies, true);
	while (q.next < q.len && q.len < MODULES_MAX) {
		char *folder = q.folders[q.next++];

		add_mod(m, &q, folder, false);
	}
	for (size_t i = 0; i < q.len; i++)
		free(q.folders[i]);
	free(q.folders);
}

const struct module *modules_resolve(struct kcl_modules *m, const char *name)
{
	if (!m->modules)
		resolve_all(m);
	return map_get(m->modules, name);
}
