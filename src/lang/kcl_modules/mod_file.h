#ifndef LANG_KCL_MODULES_MOD_FILE_H
#define LANG_KCL_MODULES_MOD_FILE_H
/* kcl.mod: what a module is called, its entries, and what it depends on. */

#include "codec/json.h"

struct kcl_mod {
	json_t *toml;               /* everything; the rest points into it */
	const char *name, *version; /* NULL: it does not say */
	const json_t *entries;      /* [profile] entries: strings; NULL */
	const json_t *profile;      /* NULL */
	const json_t *dependencies; /* name -> version, or a table; NULL */
};

/* -1: it is no TOML. */
int kcl_mod_parse(const char *text, size_t len, const char *path, struct kcl_mod *ret, struct err *err);
void kcl_mod_clear(struct kcl_mod *m);

/* One entry of [dependencies]; strings are borrowed from the TOML. */
struct kcl_dependency {
	const char *name;    /* the key; imports name it with '_' for '-' */
	const char *package; /* how the module calls itself, when it differs; else NULL */
	const char *version; /* version, or tag, branch or commit: what it is downloaded and vendored as; NULL */
	const char *path;    /* NULL */
	const char *oci;     /* oci://HOST/REPOSITORY, or a repository of the default registry; NULL */
	const char *git;     /* NULL */
};

void kcl_dependency_read(const char *name, const json_t *value, struct kcl_dependency *ret);
/* What its folder is called where modules lie beside each other: package, or the last part of its repository. free().
 */
char *kcl_dependency_folder(const struct kcl_dependency *d);

#endif
