#include "eval/load.h"

#include "base/map.h"
#include "base/str.h"
#include "diagnostic.h"
#include "eval/compile.h"
#include "stdlib/stdlib.h"
#include "syntax/parse.h"

#include <libgen.h>

#define SOURCE_DEFAULT ((size_t)10 * 1024 * 1024)
#define MODULES_DEFAULT 4096
#define PATH_LEN_MAX 4096

/* What a package is looked for from: the main one, or an external one with a folder of its own. */
struct home {
	const char *name; /* of the external package; NULL: main */
	const char *root; /* NULL: there are no files */
};

struct loader {
	const struct kcl_compile_options *o;
	struct kcl_stop *stop;
	struct kcl_heap *h;
	struct kcl_packages *packages;
	struct home *homes; /* by package */
	uint32_t homes_len;
	struct map *numbers;  /* a package's full path -> its number (uint32_t) */
	struct map *resolved; /* where an import stands, and its path -> the package's full path */
	struct kcl_diagnostics *diagnostics;
	unsigned modules;
};

/* ---- files ---- */

static void report(struct loader *l, const struct kcl_module *m, const struct kcl_span *span, const char *code,
                   const char *message)
{
	kcl_diagnostic_add(l->diagnostics, KCL_ERROR, code, m ? m->file : NULL, span, "%s", message);
}

static void add_module(struct loader *l, struct kcl_package *p, const char *file, const char *text, size_t len)
{
	size_t max = l->o->limits.source ? l->o->limits.source : SOURCE_DEFAULT;
	if (len > max) {
		report(l, NULL, NULL, "CompileError", kcl_printf(l->h, "%s: a source file is at most %zu bytes", file, max));
		return;
	}
	const struct kcl_parse_options options = { .keep_indent = l->o->keep_indent, .stop = l->stop };
	struct kcl_module *m = kcl_parse_with(file, text, len, &options, l->diagnostics);
	m->package = p->path;
	PUSH(l->h, p->modules, p->modules_len, m);
	l->modules++;
}

static void read_module(struct loader *l, struct kcl_package *p, const char *file)
{
	_cleanup_err_ struct err e = { 0 };
	struct bytes *text = l->o->loader->read(l->o->loader->self, file, &e);
	if (!text) {
		report(l, NULL, NULL, "CannotFindModule", kcl_printf(l->h, "%s: %s", file, err_message(&e)));
		return;
	}
	add_module(l, p, file, text->data, text->len);
	bytes_unref(text);
}

static uint32_t add_package(struct loader *l, const char *path, struct home home)
{
	struct kcl_package package = { .path = path };
	PUSH(l->h, l->packages->items, l->packages->len, package);
	PUSH(l->h, l->homes, l->homes_len, home);
	uint32_t *number = kcl_alloc(l->h, sizeof(*number));
	*number = l->packages->len - 1;
	map_set(l->numbers, path, number);
	return *number;
}

/* False: there is no such package yet. */
static bool number_of(const struct loader *l, const char *path, uint32_t *ret)
{
	const uint32_t *number = map_get(l->numbers, path);
	if (number)
		*ret = *number;
	return number != NULL;
}

/* ---- import paths ---- */

/* `.a` and `..a` count from the folder of the file, below the root: "a.b" for a file in root/b that imports .a. NULL
 * when it climbs out of the root. */
static const char *absolute_path(struct loader *l, const struct home *home, const char *file, const char *path)
{
	size_t dots = strspn(path, ".");
	if (!dots)
		return path;
	const char *below = home->root ? str_after(file, home->root) : NULL;
	if (!below || *below != '/')
		return path + dots;
	char *folder = kcl_strndup(l->h, below, strlen(below));
	char *slash = strrchr(folder, '/');
	if (!slash)
		return path + dots;
	*slash = '\0';
	for (size_t i = 1; i < dots; i++) {
		slash = strrchr(folder, '/');
		if (!slash)
			return i + 1 == dots && *folder ? path + dots : NULL;
		*slash = '\0';
	}
	for (char *p = folder; *p; p++)
		*p = *p == '/' ? '.' : *p;
	folder += *folder == '.';
	return *folder ? kcl_printf(l->h, "%s.%s", folder, path + dots) : path + dots;
}

/* root/a/b for a.b */
static const char *folder_of(struct loader *l, const char *root, const char *path)
{
	char *folder = kcl_printf(l->h, "%s%s%s", root, *path ? "/" : "", path);
	for (char *p = folder + strlen(root); *p; p++)
		*p = *p == '.' ? '/' : *p;
	return folder;
}

static char **list_files(struct loader *l, const char *root, const char *path)
{
	const struct kcl_loader *loader = l->o->loader;
	if (!loader || !loader->list || !root || strlen(root) + strlen(path) > PATH_LEN_MAX)
		return NULL;
	return loader->list(loader->self, folder_of(l, root, path));
}

struct found {
	const char *path; /* full */
	struct home home;
	char **files; /* strv_free() */
};

/* The err may say why there is none. */
static bool find_external(struct loader *l, const struct home *home, const char *path, struct found *ret,
                          struct err *err)
{
	const struct kcl_loader *loader = l->o->loader;
	size_t first = strcspn(path, ".");
	const char *name = kcl_strndup(l->h, path, first);
	if (!loader || !loader->external)
		return false;
	_cleanup_free_ char *root = loader->external(loader->self, home->root, name, err);
	if (!root)
		return false;
	const char *rest = path[first] ? path + first + 1 : "";
	ret->home = (struct home){ .name = name, .root = kcl_strndup(l->h, root, strlen(root)) };
	ret->path = path;
	ret->files = list_files(l, ret->home.root, rest);
	return ret->files != NULL;
}

static bool find_internal(struct loader *l, const struct home *home, const char *path, struct found *ret)
{
	ret->files = list_files(l, home->root, path);
	ret->home = *home;
	ret->path = home->name ? kcl_printf(l->h, "%s.%s", home->name, path) : path;
	return ret->files != NULL;
}

static void not_found(struct loader *l, const struct kcl_module *m, const struct kcl_stmt *s, const char *path,
                      const struct err *why)
{
	if (str_starts_with(path, "kcl_plugin.")) {
		kcl_diagnostic_add(l->diagnostics, KCL_ERROR, "CannotFindModule", m->file, &s->span,
		                   "the plugin package `%s` is not found, please confirm if plugin mode is enabled", path);
		return;
	}

	struct kcl_diagnostic *d = kcl_diagnostic_add(l->diagnostics, KCL_ERROR, "CannotFindModule", m->file, &s->span,
	                                              "pkgpath %s not found in the program", path);
	if (d)
		d->hint = xstrdup(err_is_set(why)
		                      ? err_message(why)
		                      : "add the package to the dependencies in kcl.mod, or name its folder with -E");
}

/* A package that has been found for the first time. */
static void load_package(struct loader *l, const struct kcl_module *m, const struct kcl_stmt *s,
                         const struct found *found)
{
	uint32_t added = add_package(l, found->path, found->home);
	unsigned max = l->o->limits.modules ? l->o->limits.modules : MODULES_DEFAULT;
	for (char **file = found->files; *file && !kcl_stopped(l->stop); file++) {
		if (l->modules >= max) {
			report(l, m, &s->span, "CompileError", kcl_printf(l->h, "a program has at most %u files", max));
			break;
		}
		read_module(l, &l->packages->items[added], kcl_strndup(l->h, *file, strlen(*file)));
	}
}

static void find_import(struct loader *l, const struct home *home, const struct kcl_module *m, struct kcl_stmt *s,
                        const char *path, const char *key)
{
	struct found internal = { 0 }, external = { 0 };
	_cleanup_err_ struct err why = { 0 };
	bool is_internal = find_internal(l, home, path, &internal);
	bool is_external = find_external(l, home, path, &external, &why);
	const struct found *found = is_internal ? &internal : &external;
	uint32_t number;
	if (is_internal && is_external && !str_eq(internal.path, external.path))
		report(l, m, &s->span, "CannotFindModule",
		       kcl_printf(l->h, "the `%s` is found multiple times in the current package and vendor package", path));
	else if (found->files)
		map_set(l->resolved, key, kcl_strndup(l->h, found->path, strlen(found->path)));
	if (!found->files) {
		not_found(l, m, s, path, &why);
		return;
	}
	s->import.path = found->path;
	if (!number_of(l, found->path, &number))
		load_package(l, m, s, found);
	strv_free(internal.files);
	strv_free(external.files);
}

static void load_import(struct loader *l, uint32_t from, const struct kcl_module *m, struct kcl_stmt *s)
{
	struct home home = l->homes[from];
	if (kcl_is_system_module(s->import.path))
		return;
	const char *path = absolute_path(l, &home, m->file, s->import.path);
	const struct err no_reason = { 0 };
	if (!path || !*path) {
		not_found(l, m, s, s->import.path, &no_reason);
		return;
	}
	const char *key = kcl_printf(l->h, "%s:%s", home.name ? home.name : "", path);
	const char *known = map_get(l->resolved, key);
	if (known)
		s->import.path = known;
	else
		find_import(l, &home, m, s, path, key);
}

static void load_imports(struct loader *l, uint32_t from)
{
	for (uint32_t i = 0; i < l->packages->items[from].modules_len; i++) {
		struct kcl_module *m = l->packages->items[from].modules[i];
		for (struct kcl_stmt *s = m->body; s; s = s->next) {
			if (s->kind == KCL_STMT_IMPORT)
				load_import(l, from, m, s);
		}
	}
}

/* ---- circles ---- */

/* A package on the way from the main one, with the import statement that leads on. */
struct step {
	const struct step *outer;
	uint32_t package;
	const struct kcl_module *module;
	const struct kcl_stmt *stmt;
};

/* Each import of the circle, beginning with the package that closes it. */
static void report_circle(struct loader *l, const struct step *at, uint32_t closes)
{
	if (at->package != closes)
		report_circle(l, at->outer, closes);
	kcl_diagnostic_add(l->diagnostics, KCL_ERROR, "CompileError", at->module->file, &at->stmt->span,
	                   "There is a circular reference between modules %s", at->stmt->import.path);
}

static bool find_circle(struct loader *l, uint32_t at, uint8_t *state, const struct step *outer)
{
	const struct kcl_package *p = &l->packages->items[at];
	state[at] = 1;
	for (uint32_t i = 0; i < p->modules_len; i++) {
		for (struct kcl_stmt *s = p->modules[i]->body; s; s = s->next) {
			struct step step = { .outer = outer, .package = at, .module = p->modules[i], .stmt = s };
			uint32_t j;
			if (s->kind != KCL_STMT_IMPORT || !number_of(l, s->import.path, &j) || state[j] == 2)
				continue;
			if (state[j] == 1)
				report_circle(l, &step, j);
			if (state[j] == 1 || find_circle(l, j, state, &step))
				return true;
		}
	}
	state[at] = 2;
	return false;
}

static void free_map(void *map)
{
	map_free(map);
}

void kcl_load(const struct kcl_compile_options *o, struct kcl_stop *stop, struct kcl_heap *h, struct kcl_packages *ret,
              struct kcl_diagnostics *diagnostics)
{
	struct loader l = { .o = o, .stop = stop, .h = h, .packages = ret, .diagnostics = diagnostics };
	/* The heap's, as what has no room ends in a jump. */
	l.numbers = kcl_heap_own(h, map_new(NULL), free_map);
	l.resolved = kcl_heap_own(h, map_new(NULL), free_map);
	const char *root = o->root ? kcl_strndup(h, o->root, strlen(o->root)) : NULL;
	add_package(&l, "__main__", (struct home){ .root = root });
	for (size_t i = 0; i < o->sources_len; i++)
		add_module(&l, &ret->items[0], o->sources[i].name, o->sources[i].text, o->sources[i].len);
	for (uint32_t i = 0; i < ret->len; i++)
		load_imports(&l, i);
	find_circle(&l, 0, kcl_alloc(h, ret->len), NULL);
	map_clear(l.numbers);
	map_clear(l.resolved);
	if (kcl_stopped(stop))
		return;
	kcl_apply_overrides(h, &ret->items[0], o->overrides, diagnostics);
	kcl_merge_declarations(h, &ret->items[0]);
}
