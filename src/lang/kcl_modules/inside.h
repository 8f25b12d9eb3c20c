#ifndef LANG_KCL_MODULES_INSIDE_H
#define LANG_KCL_MODULES_INSIDE_H
/* Inside of this folder: what the loader keeps, and paths that are either of the disk or of an archive. */

#include "base/map.h"
#include "archive.h"
#include "codec/json.h"
#include "disk.h"
#include "mod_file.h"
#include "modules.h"
#include "reference.h"
#include "watch.h"

/* An archive looks like a folder whose path begins with oci://. */
#define ARCHIVE_SCHEME "oci://"

struct mount {
	char *root; /* oci://REPOSITORY:TAG */
	char *digest;
	struct kcl_archive *archive;
};

/* What a name in an import statement stands for. */
struct module {
	char *root;    /* its folder; NULL: there is none */
	char *version; /* which was asked for; NULL */
	char *problem; /* why there is none, and what to do; NULL */
	bool is_fixed; /* whatever versions others want */
};

struct kcl_modules {
	struct kcl_loader loader;
	struct kcl_disk *disk;
	struct kcl_layouts *layouts; /* borrowed; NULL */
	struct kcl_watch *watch;     /* borrowed; NULL */
	json_t *dependencies;        /* of all programs: name -> version or { path, version, … }; NULL */
	char **external, **everywhere;
	char *store, *main;
	struct mount *mounts;
	size_t mounts_len;
	struct map *modules; /* by the name that imports use; NULL until the first is asked for */
};

/* The archive that a path is in, and what of the path is inside of it; NULL: the path is of the disk. */
const struct mount *modules_mount_of(const struct kcl_modules *m, const char *path, const char **ret_inside);
/* Makes an archive a folder; takes over what is found. The folder's path, borrowed. */
const char *modules_mount(struct kcl_modules *m, const char *repository, struct kcl_archive *archive,
                          const char *digest, const char *tag);
/* A reference's module, mounted: its folder, borrowed; NULL: there is none, or err. */
const char *modules_mount_reference(struct kcl_modules *m, const struct kcl_reference *r, struct err *err);
/* path as seen from a folder, which may be inside of an archive; free(). */
char *modules_join(const struct kcl_modules *m, const char *folder, const char *path);
/* Folders where modules lie beside each other; NULL. */
char *const *modules_everywhere(const struct kcl_modules *m);
bool modules_is_folder(const struct kcl_modules *m, const char *path);
bool modules_is_file(const struct kcl_modules *m, const char *path);
struct bytes *modules_read(const struct kcl_modules *m, const char *path, struct err *err);
char **modules_list(const struct kcl_modules *m, const char *folder);
/* The kcl.mod of a folder: 1, 0: there is none. -1: it cannot be read. */
int modules_read_mod(const struct kcl_modules *m, const char *folder, struct kcl_mod *ret, struct err *err);

/* A module's name as imports spell it: "a-b" is a_b there; free(). */
char *modules_import_name(const char *name);
/* What a name stands for, borrowed; NULL: nothing (resolve.c). */
const struct module *modules_resolve(struct kcl_modules *m, const char *name);
/* The module vendored somewhere: below folder/vendor (folder may be NULL), beside others, or in the store; free().
 * NULL: nowhere. */
char *modules_find_vendored(const struct kcl_modules *m, const char *folder, const char *name, const char *version);
void module_free(void *module);

#endif
