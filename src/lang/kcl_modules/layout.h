#ifndef LANG_KCL_MODULES_LAYOUT_H
#define LANG_KCL_MODULES_LAYOUT_H
/* OCI image layouts (https://github.com/opencontainers/image-spec, image-layout.md) with KCL's modules, as skopeo, oras
 * and others write them: a module is a manifest whose layer is a tar. Every blob's digest is checked. */

#include "archive.h"
#include "modules.h"
#include "reference.h"

struct kcl_found_module {
	struct kcl_archive *archive; /* a new reference */
	char *digest;                /* of the manifest; free() */
	char *tag;                   /* what it is called there; free() */
};

/* The module that a reference names. A reference without a registry ("konfig") may be any whose repository ends so, the
 * registry of KCL's own (ghcr.io/kcl-lang) first. Without tag and digest the greatest version counts. 1: found, 0:
 * there is none. -1: it is damaged or hostile, or two different modules are meant equally. */
int kcl_layouts_find(struct kcl_layouts *l, const struct kcl_reference *reference, struct kcl_found_module *ret,
                     struct err *err);
void kcl_found_module_clear(struct kcl_found_module *m);
/* What tells of changes. */
void kcl_layouts_stamp(struct kcl_layouts *l, struct buf *out);
bool kcl_layouts_empty(const struct kcl_layouts *l);

#endif
