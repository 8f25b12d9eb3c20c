#ifndef LANG_KCL_MODULES_REFERENCE_H
#define LANG_KCL_MODULES_REFERENCE_H
/* Names of modules: OCI references, and versions. */

#include "base/err.h"

struct kcl_reference {
	char *repository; /* "ghcr.io/kcl-lang/konfig", or "konfig" for one of no registry */
	char *tag;        /* NULL: the latest */
	char *digest;     /* "sha256:…"; NULL */
};

/* HOST/PATH, with "oci://" before it or not, and :TAG, ?tag=TAG or @DIGEST behind it. -1: it is none. */
int kcl_reference_parse(const char *text, struct kcl_reference *ret, struct err *err);
void kcl_reference_clear(struct kcl_reference *r);
/* The last part of the repository, borrowed. */
const char *kcl_reference_name(const struct kcl_reference *r);

/* How well a repository is what was asked for: 2 it is, 1 one is the end of the other (by parts: "kcl-lang/konfig" of
 * "ghcr.io/kcl-lang/konfig"), 0 not at all. */
int kcl_repository_match(const char *wanted, const char *found);
/* Module names are equal when they differ by '-' and '_' only. */
bool kcl_module_name_same(const char *a, const char *b);
/* As semantic versions (https://semver.org, a "v" before it allowed): <0, 0, >0. What is none is less than all that
 * are. */
int kcl_version_compare(const char *a, const char *b);

#endif
