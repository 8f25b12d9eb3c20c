#ifndef LANG_KCL_MODULES_MODULES_H
#define LANG_KCL_MODULES_MODULES_H
/* KCL's modules where they lie on a disk: the folder of a kcl.mod, what is vendored, archives in OCI layouts. Nothing
 * is fetched from a network. What the language library asks its caller for (struct kcl_loader) is answered here.
 *
 *     modules.c     the loader
 *     resolve.c     which module an import names: the dependencies of kcl.mod, and theirs
 *     mod_file.c    kcl.mod
 *     disk.c        folders, perhaps only some of them
 *     roots.c       those some, opened; also for the file module (file_access.h)
 *     watch.c       whether any of it has changed
 *     layout.c      OCI image layouts: from a reference to an archive
 *     reference.c   what references and versions mean
 *     archive.c     a module's files in memory, from a tar */

#include "lang/kcl/kcl.h"

#define KCL_SOURCE_MAX ((size_t)10 * 1024 * 1024)
#define KCL_FILES_MAX 4096

/* ---- OCI layouts ---- */

/* Folders of OCI image layouts, and archives that were read from them. Thread-safe. */
struct kcl_layouts;

/* folders: NULL-terminated; each is a layout (it has a file oci-layout), or has layouts somewhere below. bytes_max: of
 * archives that are kept. */
struct kcl_layouts *kcl_layouts_new(const char *const *folders, size_t bytes_max);
struct kcl_layouts *kcl_layouts_free(struct kcl_layouts *l);
DEFINE_CLEANUP(struct kcl_layouts *, kcl_layouts_free)

/* ---- modules ---- */

struct kcl_modules_options {
	const char *const *roots;      /* folders that everything must lie below; NULL-terminated. NULL: anywhere */
	struct kcl_layouts *layouts;   /* stays the caller's, who keeps it longer; NULL */
	struct kcl_watch *watch;       /* of the roots and the layouts' folders (watch.h); the same; NULL */
	const char *dependencies;      /* text of [dependencies], in addition to those of kcl.mod; NULL */
	const char *const *external;   /* NAME=DIR; NULL-terminated; NULL */
	const char *store;             /* the folder where kcl keeps what it has downloaded; NULL */
	const char *const *everywhere; /* folders where modules lie beside each other (NAME_VERSION); NULL */
};

struct kcl_modules;
/* NULL: err (dependencies that cannot be read). */
struct kcl_modules *kcl_modules_new(const struct kcl_modules_options *o, struct err *err);
struct kcl_modules *kcl_modules_free(struct kcl_modules *m);
DEFINE_CLEANUP(struct kcl_modules *, kcl_modules_free)

const struct kcl_loader *kcl_modules_loader(const struct kcl_modules *m);

/* The folder or file that a source stands for: a path (relative: below one of the roots), or oci://HOST/REPOSITORY with
 * :TAG, ?tag=TAG or @sha256:DIGEST; free(). NULL: err. */
char *kcl_modules_find(struct kcl_modules *m, const char *source, struct err *err);
/* The folder of kcl.mod, at or above a program's folder or file, which its dependencies are read from and its imports
 * begin at; the program's own folder when there is none. free(). Call it before compiling. */
char *kcl_modules_set_main(struct kcl_modules *m, const char *path);
/* NAME=DIR, as in the options; before the first import is looked for. */
void kcl_modules_add_external(struct kcl_modules *m, const char *pair);
/* A path whose beginning may be "${KCL_MOD}", the main folder, or "${NAME:KCL_MOD}", that of a module; other relative
 * ones begin at folder. free(). NULL: err. */
char *kcl_modules_expand(struct kcl_modules *m, const char *folder, const char *path, struct err *err);
/* [profile] of the kcl.mod in the main folder, a new reference; NULL: there is none, or err. */
json_t *kcl_modules_profile(struct kcl_modules *m, struct err *err);
/* A file's text, below a root or absolute; a new reference, NULL: err. */
struct bytes *kcl_modules_read_text(struct kcl_modules *m, const char *path, struct err *err);
/* The files of the program at a folder (or of that file): entries of its kcl.mod, or else its .k files. strv_free();
 * NULL: err. */
char **kcl_modules_entries(struct kcl_modules *m, const char *path, struct err *err);
/* Adds what tells of changes to everything that the modules may be read from, and to a program's own folder (NULL: it
 * has none), to the text that a cache's key is made of. */
void kcl_modules_stamp(const struct kcl_modules *m, const char *folder, struct buf *out);

#endif
