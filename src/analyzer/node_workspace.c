/* Package managers and workspaces of Node. */

#include "node.h"

#include "base/str.h"

#include <fnmatch.h>

static const struct {
	const char *file, *manager;
} lock_files[] = {
	{ "pnpm-lock.yaml", "pnpm" }, { "yarn.lock", "yarn" },        { "bun.lockb", "bun" },
	{ "bun.lock", "bun" },        { "package-lock.json", "npm" }, { "npm-shrinkwrap.json", "npm" },
};

/* The patterns of a workspace's members: package.json's workspaces (a list, or an object with packages), pnpm's file,
 * or Lerna's. NULL when the folder is no workspace. */
static json_t *member_patterns(struct analysis *a, struct tree_dir *dir)
{
	json_t *v = json_object_get(manifest_json(a, tree_read_at(&a->tree, dir, "package.json")), "workspaces");

	if (json_is_object(v))
		v = json_object_get(v, "packages");
	if (json_is_array(v))
		return v;
	v = json_object_get(manifest_yaml(a, tree_read_at(&a->tree, dir, "pnpm-workspace.yaml")), "packages");
	if (json_is_array(v))
		return v;
	v = json_object_get(manifest_json(a, tree_read_at(&a->tree, dir, "lerna.json")), "packages");
	return json_is_array(v) ? v : NULL;
}

bool node_is_workspace(struct analysis *a, struct tree_dir *dir)
{
	return member_patterns(a, dir) != NULL;
}

static bool is_member(const json_t *patterns, const char *path)
{
	for (size_t i = 0; i < json_array_size(patterns); i++) {
		const char *pattern = json_string_value(json_array_get(patterns, i));
		size_t n;

		if (!pattern || strlen(pattern) > 200)
			continue;
		pattern = str_starts_with(pattern, "./") ? pattern + 2 : pattern;
		n = strlen(pattern);
		n -= n && pattern[n - 1] == '/';
		if (n > 2 && !strncmp(pattern + n - 3, "/**", 3) && !strncmp(pattern, path, n - 2))
			return true;
		if (!fnmatch(pattern, path, FNM_PATHNAME) || (strlen(path) == n && !strncmp(pattern, path, n)))
			return true;
	}
	return false;
}

/* The folder where dependencies are installed: dir itself, or the workspace it is a member of. */
static struct tree_dir *install_dir(struct analysis *a, struct tree_dir *dir)
{
	for (struct tree_dir *up = dir->parent; up; up = up->parent) {
		const json_t *patterns = up->marks & ECO_BIT(ECO_NODE) || tree_file(up, "pnpm-workspace.yaml")
		                             ? member_patterns(a, up)
		                             : NULL;

		if (patterns)
			return is_member(patterns, path_below(up, dir->path)) ? up : dir;
	}
	return dir;
}

static bool manager_from_lock(struct analysis *a, struct node_manager *m, struct tree_dir *dir)
{
	for (size_t i = 0; i < ARRAY_SIZE(lock_files); i++) {
		if (!tree_file(dir, lock_files[i].file))
			continue;
		/* A second lock file of another manager is usually a leftover: package.json's packageManager decides. */
		if (m->name && !str_eq(m->name, lock_files[i].manager))
			continue;
		m->name = lock_files[i].manager;
		m->locked = true;
		m->offset = SIZE_MAX;
		/* Only the name matters; the file may be larger than anything else here. */
		if (!m->evidence) {
			struct text *t = arena_alloc(a->arena, sizeof(*t));

			t->path = path_join(a, dir->path, lock_files[i].file);
			t->data = "";
			m->evidence = t;
		}
		return true;
	}
	return false;
}

/* "pnpm@8.6.0" in packageManager. */
static void manager_from_manifest(struct analysis *a, struct node_manager *m, struct tree_dir *dir)
{
	static const char *const managers[] = { "npm", "pnpm", "yarn", "bun" };
	const struct text *t = tree_read_at(&a->tree, dir, "package.json");
	const char *said = json_get_str(manifest_json(a, t), "packageManager");

	for (size_t i = 0; said && i < ARRAY_SIZE(managers); i++) {
		const char *version = str_after(said, managers[i]);

		if (!version || version[0] != '@')
			continue;
		m->name = managers[i];
		m->evidence = t;
		m->offset = text_find(t, 0, "\"packageManager\"");
		m->berry = str_eq(m->name, "yarn") && version[1] != '1' && version[1] != '0';
	}
}

struct node_manager node_manager_find(struct analysis *a, struct tree_dir *dir)
{
	struct node_manager m = { .dir = install_dir(a, dir) };

	manager_from_manifest(a, &m, m.dir);
	/* A package with a lock file of its own is installed by itself, whatever a folder above says. */
	if (!manager_from_lock(a, &m, m.dir) && m.dir != dir && manager_from_lock(a, &m, dir))
		m.dir = dir;
	if (!m.name && tree_file(m.dir, "pnpm-workspace.yaml"))
		m.name = "pnpm";
	if (!m.name)
		m.name = "npm";
	if (str_eq(m.name, "yarn") && tree_file(m.dir, ".yarnrc.yml"))
		m.berry = true;
	return m;
}
